"""Curves of longer ago than the registry keeps, from the Prometheus that scrapes it, where one is configured.

Speaks its HTTP API (``/api/v1/query_range``): one query for all curves of an eye. Of each step the least and
the greatest value is asked for, so that no spike is lost.
"""

import time
from collections import defaultdict

import httpx2
import orjson

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.samples import MOST_POINTS, Curve, Series, thinned
from camera_registry.uptime import Span

PATIENCE_S = 5.0  # for the whole answer; somebody looks at an empty chart meanwhile
MOST_BYTES = 4 * 1024 * 1024  # of an answer: four curves of 700 points have 100 kB

METRICS = {
    Series.LATENCY: "camera_stream_first_packet_seconds",
    Series.BITRATE: "camera_stream_bits_per_second",
    Series.CLOCK: "camera_clock_offset_seconds",
    Series.SHARPNESS: "camera_picture_sharpness",
}
_EDGES = ("min", "max")


class PrometheusError(RegistryError):
    """Prometheus was asked and gave no answer that can be used."""


def curves(url: str, eye: str, within: Span) -> list[Curve]:
    """Every series of one eye as Prometheus at ``url`` has it. Raises ``PrometheusError``."""
    start, end = round(within.start.timestamp()), round(within.end.timestamp())
    step = max(60, round((end - start) * len(_EDGES) / MOST_POINTS))
    # The last step ends where the span does: each tells of the time before it.
    first = end - (end - start - 1) // step * step
    asked = {"query": _query(eye, step), "start": str(first), "end": str(end), "step": str(step)}
    found: dict[Series, list[tuple[float, float]]] = defaultdict(list)
    try:
        for line in orjson.loads(_answer(url, asked))["data"]["result"]:
            # Its two extremes lie in that time side by side.
            earlier = step * (0.75 if line["metric"]["edge"] == "min" else 0.25)
            series = Series(line["metric"]["series"])
            found[series] += [(float(at) - earlier, float(value)) for at, value in line["values"]]
    except (httpx2.HTTPError, ValueError, LookupError, TypeError, TimeoutError) as error:
        raise PrometheusError(
            N_("Prometheus gives no answer: {reason}"), reason=type(error).__name__
        ) from None
    return [Curve(series, thinned(sorted(found[series]))) for series in Series]


def _query(eye: str, step: int) -> str:
    """The least and the greatest of each step, of all series: told apart by labels that this makes."""
    name = orjson.dumps(eye).decode()  # PromQL quotes as JSON does
    return " or ".join(
        f"label_replace(label_replace({edge}({edge}_over_time({metric}{{eye={name}}}[{step}s])),"
        f' "edge", "{edge}", "", ""), "series", "{series}", "", "")'
        for series, metric in METRICS.items()
        for edge in _EDGES
    )


def _answer(url: str, asked: dict[str, str]) -> bytes:
    until = time.monotonic() + PATIENCE_S
    body = bytearray()
    with (
        httpx2.Client(timeout=PATIENCE_S, trust_env=False) as client,
        client.stream("POST", f"{url.rstrip('/')}/api/v1/query_range", data=asked) as answer,
    ):
        answer.raise_for_status()
        for part in answer.iter_bytes():
            body += part
            if len(body) > MOST_BYTES:
                raise ValueError("too long an answer")
            if time.monotonic() > until:
                raise TimeoutError
    return bytes(body)
