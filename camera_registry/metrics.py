"""What Prometheus reads: the eyes' states, read at scrape, beside the monitor's own counters.

State lines are kept as bytes, one block per eye, and made anew only for an eye that changed: 10,000 eyes cost
a comparison each, not a rendering (prometheus-client's collectors need seconds for that).
"""

import threading
from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from prometheus_client import generate_latest

from camera_registry.counters import Counters
from camera_registry.findings import EXPOSURES
from camera_registry.health import EyeState
from camera_registry.incidents import Kind
from camera_registry.queries import EyeRow, FindingRow, Measures, UnitRow

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


# The families of one eye, in the order of ``_eye_lines``. Moments, not ages: an age is wrong once it is read.
_FAMILIES = (
    ("camera_up", "Whether the eye delivers a stream; absent while that is unknown."),
    ("camera_observed", "Whether the state of the eye is known."),
    ("camera_last_probe_timestamp_seconds", "When the newest finished probe of the eye began."),
    ("camera_probe_duration_seconds", "How long the newest probe took: the whole, or its part for a check."),
    ("camera_reason", "Why a check of the eye came out as it did, where that is not OK."),
    ("camera_info", "What the registry says of the eye."),
    ("camera_usable", "Whether a usable picture is delivered; absent where that is unknown or not judged."),
    ("camera_picture_brightness", "Mean of the newest picture, 0 to 255; absent while it is not known."),
    ("camera_picture_sharpness", "Variance of the Laplacian over that of the picture: 0.3 sharp, 0.03 not."),
    ("camera_picture_similarity", "How much the edges are those of the approved baseline, 0 to 1."),
    ("camera_snapshot_changed_timestamp_seconds", "Since when the snapshot shows the same."),
    ("camera_clock_offset_seconds", "The device's clock minus UTC."),
    ("camera_recording_days", "How far back the footage of the eye goes."),
    ("camera_exposed", "The eye can be seen without a login; the evidence is what came."),
)
_MEASURED = tuple(name for name, _ in _FAMILIES[6:-1])
_HEADS = tuple(f"# HELP {name} {text}\n# TYPE {name} gauge\n".encode() for name, text in _FAMILIES)
_UNIT_HEAD = b"# HELP unit_eyes Eyes of a unit of today, by state.\n# TYPE unit_eyes gauge\n"
_INCIDENT_HEAD = (
    b"# HELP camera_registry_incidents Open incidents: causes that outages share.\n"
    b"# TYPE camera_registry_incidents gauge\n"
)

_STREAM = tuple(
    (f"# HELP {name} {text}\n# TYPE {name} gauge\n".encode(), name, which)
    for which, (name, text) in enumerate(
        (
            (
                "camera_stream_first_packet_seconds",
                "From the connection to the first packet, in a deep probe.",
            ),
            ("camera_stream_bits_per_second", "Bit rate of the stream, as a deep probe saw it."),
        )
    )
)

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
        units: Sequence[UnitRow],
        ailing: Mapping[str, Sequence[tuple[str, str]]],
        measures: Mapping[str, Measures],
        findings: Iterable[FindingRow],
    ) -> bytes:
        """The text exposition (0.0.4) of these eyes, as ``queries`` reads them; others are forgotten.

        ``ailing``: for each eye its checks' reasons other than ``OK``, as ``queries.conditions`` reads them.
        ``findings`` are the open ones.
        """
        exposed: dict[str, list[str]] = defaultdict(list)
        for finding in findings:
            if finding.evidence in EXPOSURES:
                exposed[finding.eye].append(finding.evidence)
        labels = unit_labels(units)
        with self._lock:
            known, self._lines = self._lines, {}
            for row in rows:
                reasons = ailing.get(row.code, ())
                measured, seen = measures.get(row.code), exposed.get(row.code, ())
                unit = labels.get((row.unit, row.unit_code), row.unit)
                key = (row.state, row.probed_at, row.probe_s, unit, *_labels(row), measured, *seen, *reasons)
                held = known.get(row.code)
                if held is None or held[0] != key:
                    told = _eye_lines(replace(row, unit=unit), reasons, measured)
                    held = key, told + _measure_lines(row, measured, seen)
                self._lines[row.code] = held
            columns = zip(*(lines for _, lines in self._lines.values()), strict=True)
            families = [head + b"".join(lines) for head, lines in zip(_HEADS, columns, strict=False)]
        return b"".join((*families, _UNIT_HEAD, *_unit_lines(units, labels)))


def incident_lines(open_: Mapping[Kind, int]) -> bytes:
    """How many incidents of each kind are open."""
    lines = [f'camera_registry_incidents{{kind="{kind}"}} {count}\n' for kind, count in open_.items()]
    return _INCIDENT_HEAD + "".join(lines).encode()


def stream_lines(newest: Mapping[str, tuple[float | None, float | None]]) -> bytes:
    """What the newest deep probes measured of the streams, as ``samples.newest`` reads it."""
    families = []
    for head, name, which in _STREAM:
        values = ((eye, figures[which]) for eye, figures in newest.items())
        told = (f'{name}{{eye="{escaped(eye)}"}} {value:.6g}\n' for eye, value in values if value is not None)
        families.append(head + "".join(told).encode())
    return b"".join(families)


def exposition(lines: bytes, counters: Counters) -> bytes:
    """The whole answer of ``/metrics``."""
    return lines + generate_latest(counters.registry)


def _labels(row: EyeRow) -> tuple[str, ...]:
    return row.code, row.name, row.point, row.unit, row.site, row.manufacturer, row.model, row.funding


def _eye_lines(
    row: EyeRow, reasons: Sequence[tuple[str, str]], measures: Measures | None
) -> tuple[bytes, ...]:
    eye = f'eye="{escaped(row.code)}"'
    names = ("eye", "name", "point", "unit", "site", "manufacturer", "model", "funding")
    info = ",".join(f'{name}="{escaped(value)}"' for name, value in zip(names, _labels(row), strict=True))
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
            _durations(eye, row, measures) if probed else "",
            "".join(
                f'camera_reason{{{eye},check="{check}",reason="{reason}"}} 1\n' for check, reason in reasons
            )
            if measured
            else "",
            f"camera_info{{{info}}} 1\n",
        )
    )


def _durations(eye: str, row: EyeRow, measures: Measures | None) -> str:
    taken = {"stream": row.probe_s}
    if measures is not None:
        taken |= {
            "picture": measures.picture_s,
            "snapshot": measures.snapshot_s,
            "clock": measures.clock_s,
        }
    return "".join(
        f'camera_probe_duration_seconds{{{eye},check="{check}"}} {seconds:.6g}\n'
        for check, seconds in taken.items()
        if seconds is not None
    )


def _measure_lines(row: EyeRow, measures: Measures | None, exposed: Sequence[str]) -> tuple[bytes, ...]:
    """The lines of what lies beyond the stream, in the order of the last families."""
    eye = f'eye="{escaped(row.code)}"'
    figures: tuple[float | None, ...] = (None,) * len(_MEASURED)
    if measures is not None and row.state is not None:
        changed = measures.snapshot_changed_at
        figures = (
            measures.usable,
            measures.brightness,
            measures.sharpness,
            measures.similarity,
            changed.timestamp() if changed is not None else None,
            measures.clock_offset_s,
            measures.recorded_days,
        )
    lines = [
        b"" if value is None else f"{name}{{{eye}}} {float(value):.13g}\n".encode()
        for name, value in zip(_MEASURED, figures, strict=True)
    ]
    seen = sorted(set(exposed)) if row.state is not None else ()
    return (*lines, b"".join(f'camera_exposed{{{eye},evidence="{one}"}} 1\n'.encode() for one in seen))


def unit_labels(units: Iterable[UnitRow]) -> dict[tuple[str, str], str]:
    """The label of each unit, by its name and code: the name alone, where no other unit has the same."""
    keys = [(unit.name, unit.code) for unit in units]
    names = Tally(name for name, _ in keys)
    return {(name, code): f"{name} ({code})" if names[name] > 1 else name for name, code in keys}


def _unit_lines(units: Iterable[UnitRow], labels: Mapping[tuple[str, str], str]) -> list[bytes]:
    return [
        f'unit_eyes{{unit="{escaped(labels[unit.name, unit.code])}",state="{standing}"}} {count}\n'.encode()
        for unit in units
        for standing, count in unit.totals.by_standing.items()
    ]


def escaped(value: str) -> str:
    """A label's value as the text format wants it; UTF-8 needs no escape."""
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
