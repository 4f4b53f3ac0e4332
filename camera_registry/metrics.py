"""What Prometheus reads: the eyes' states, read at scrape, beside the monitor's own counters.

State lines are kept as bytes, one block per eye, and made anew only for an eye that changed: 10,000 eyes cost
a comparison each, not a rendering (prometheus-client's collectors need seconds for that).
"""

import threading
from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence

from prometheus_client import generate_latest

from camera_registry.counters import Counters
from camera_registry.health import EyeState
from camera_registry.queries import EyeRow, UnitRow

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


# The families of one eye, in the order of ``_eye_lines``. Moments, not ages: an age is wrong once it is read.
_FAMILIES = (
    ("camera_up", "Whether the eye delivers a stream; absent while that is unknown."),
    ("camera_observed", "Whether the state of the eye is known."),
    ("camera_last_probe_timestamp_seconds", "When the newest finished probe of the eye began."),
    ("camera_probe_duration_seconds", "How long the newest probe took."),
    ("camera_reason", "Why a check of the eye came out as it did, where that is not OK."),
    ("camera_info", "What the registry says of the eye."),
)
_HEADS = tuple(f"# HELP {name} {text}\n# TYPE {name} gauge\n".encode() for name, text in _FAMILIES)
_UNIT_HEAD = b"# HELP unit_eyes Eyes of a unit of today, by state.\n# TYPE unit_eyes gauge\n"

# Of a row, what its lines depend on and nothing else.
_Key = tuple[object, ...]


class StateLines:
    """The eyes' series as bytes. Keep one per process: it remembers the lines of eyes that did not change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[str, tuple[_Key, tuple[bytes, ...]]] = {}

    def render(
        self,
        rows: Sequence[EyeRow],
        units: Iterable[UnitRow],
        ailing: Mapping[str, Sequence[tuple[str, str]]],
    ) -> bytes:
        """The text exposition (0.0.4) of these eyes, as ``queries`` reads them; others are forgotten.

        ``ailing``: for each eye its checks' reasons other than ``OK``, as ``queries.conditions`` reads them.
        """
        with self._lock:
            known, self._lines = self._lines, {}
            for row in rows:
                reasons = ailing.get(row.code, ())
                key = (row.standing, row.probed_at, row.probe_s, *_labels(row), *reasons)
                held = known.get(row.code)
                if held is None or held[0] != key:
                    held = key, _eye_lines(row, reasons)
                self._lines[row.code] = held
            columns = zip(*(lines for _, lines in self._lines.values()), strict=True)
            families = [head + b"".join(lines) for head, lines in zip(_HEADS, columns, strict=False)]
        return b"".join((*families, _UNIT_HEAD, *_unit_lines(units)))


def exposition(lines: bytes, counters: Counters) -> bytes:
    """The whole answer of ``/metrics``."""
    return lines + generate_latest(counters.registry)


def _labels(row: EyeRow) -> tuple[str, ...]:
    return row.code, row.name, row.point, row.unit, row.site, row.manufacturer, row.model, row.funding


def _eye_lines(row: EyeRow, reasons: Sequence[tuple[str, str]]) -> tuple[bytes, ...]:
    eye = f'eye="{_escaped(row.code)}"'
    names = ("eye", "name", "point", "unit", "site", "manufacturer", "model", "funding")
    info = ",".join(f'{name}="{_escaped(value)}"' for name, value in zip(names, _labels(row), strict=True))
    measured = row.state is not None
    observed = measured and row.state is not EyeState.UNKNOWN
    probed = measured and row.probed_at is not None and row.probe_s is not None
    return tuple(
        text.encode()
        for text in (
            f"camera_up{{{eye}}} {int(row.state is not EyeState.DOWN)}\n" if observed else "",
            f"camera_observed{{{eye}}} {int(observed)}\n" if measured else "",
            f"camera_last_probe_timestamp_seconds{{{eye}}} {row.probed_at.timestamp():.3f}\n"
            if probed and row.probed_at
            else "",
            f'camera_probe_duration_seconds{{{eye},check="stream"}} {row.probe_s:.6g}\n' if probed else "",
            "".join(
                f'camera_reason{{{eye},check="{check}",reason="{reason}"}} 1\n' for check, reason in reasons
            )
            if measured
            else "",
            f"camera_info{{{info}}} 1\n",
        )
    )


def _unit_lines(units: Iterable[UnitRow]) -> list[bytes]:
    units = list(units)
    twins = {name for name, count in Tally(unit.name for unit in units).items() if count > 1}
    return [
        f'unit_eyes{{unit="{_escaped(label)}",state="{standing}"}} {count}\n'.encode()
        for unit in units
        for label in (f"{unit.name} ({unit.code})" if unit.name in twins else unit.name,)
        for standing, count in unit.totals.by_standing.items()
    ]


def _escaped(value: str) -> str:
    """A label's value as the text format wants it; UTF-8 needs no escape."""
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
