"""A week of curves: what deep probes measured of each eye, a sample in about five minutes; thinned."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import groupby, pairwise
from statistics import median

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from camera_registry import queries
from camera_registry.models import Eye
from camera_registry.models import EyeSample as Row
from camera_registry.units import Scope
from camera_registry.uptime import Span
from probes.result import Depth, ProbeResult, Step

KEPT = timedelta(days=7)
APART = timedelta(minutes=4)  # deep probes come every five minutes, some of them a little early
FRESH = timedelta(minutes=15)  # what is older is not how it is now
MOST_POINTS = 700  # of one curve: a screen has not many more

LEAST_GAP_S = 900.0  # a curve is not drawn across a longer silence
UNTIL_A_PACKET = (Step.TCP, Step.TLS, Step.DESCRIBE, Step.SETUP, Step.PLAY, Step.RTP)


class Series(StrEnum):
    """What a curve shows; one slug for the API and for translation."""

    LATENCY = "latency"  # from the connection until the first packet of the stream
    BITRATE = "bitrate"
    CLOCK = "clock"  # the device's clock minus UTC
    SHARPNESS = "sharpness"  # see probes.result.Sight


UNITS = {Series.LATENCY: "s", Series.BITRATE: "bit/s", Series.CLOCK: "s", Series.SHARPNESS: ""}

_COLUMNS = {
    Series.LATENCY: Row.seconds,
    Series.BITRATE: Row.bits_per_s,
    Series.CLOCK: Row.clock_offset_s,
    Series.SHARPNESS: Row.sharpness,
}

Point = tuple[float, float | None]  # seconds since 1970, and the value; None: nothing is known around then


@dataclass(frozen=True, slots=True)
class Curve:
    """One series of one eye in order of time, at most ``MOST_POINTS``; empty where nothing was measured."""

    series: Series
    points: Sequence[Point]


def take(session: Session, fresh: Iterable[tuple[int, ProbeResult]]) -> None:
    """Keep a sample of each deep result (with its eye's id) that measured something.

    One that is less than ``APART`` from another of its eye is left out.
    """
    found = [(eye_id, result.at, _figures(result)) for eye_id, result in fresh if result.depth is Depth.DEEP]
    told = sorted((each for each in found if any(v is not None for v in each[2].values())), key=_moment)
    if not told:
        return
    known: dict[int, list[datetime]] = defaultdict(list)
    near = select(Row.eye_id, Row.at).where(
        Row.eye_id.in_({eye_id for eye_id, *_ in told}),
        Row.at > told[0][1] - APART,
        Row.at < told[-1][1] + APART,
    )
    for eye_id, at in session.execute(near):
        known[eye_id].append(at)
    rows = []
    for eye_id, at, figures in told:
        if all(abs(at - other) >= APART for other in known[eye_id]):
            known[eye_id].append(at)
            rows.append({"eye_id": eye_id, "at": at, **figures})
    if rows:
        session.execute(insert(Row), rows)


def forget(session: Session, now: datetime) -> None:
    """Delete samples of more than ``KEPT`` ago: eye by eye, as they lie, which reads no others."""
    session.execute(delete(Row).where(Row.eye_id.in_(select(Eye.id)), Row.at < now - KEPT))


def newest(session: Session, now: datetime) -> dict[str, tuple[float | None, float | None]]:
    """Of each eye with a sample that is still fresh: latency (seconds) and bit rate (bits a second)."""
    # Eye by eye, as they lie: a week of samples is not read for their last ones.
    fresh = (Row.eye_id.in_(select(Eye.id)), Row.at > now - FRESH)
    rows = session.execute(
        select(Eye.code, Row.seconds, Row.bits_per_s)
        .join(Eye, Row.eye_id == Eye.id)
        .where(*fresh)
        .order_by(Row.at)
    )
    return {code: (seconds, bits_per_s) for code, seconds, bits_per_s in rows}  # the newest stays


def curves(
    session: Session, scope: Scope, now: datetime, zone: tzinfo, code: str, within: Span
) -> list[Curve] | None:
    """Every series of one eye in ``within``; ``None`` where there is none of this code in scope."""
    eye = queries.eye_in(session, scope, now.astimezone(zone).date(), code)
    if eye is None:
        return None
    rows = session.execute(
        select(Row.at, *_COLUMNS.values())
        .where(Row.eye_id == eye.id, Row.at >= within.start, Row.at < within.end)
        .order_by(Row.at)
    )
    points: dict[Series, list[tuple[float, float]]] = {series: [] for series in _COLUMNS}
    for at, *values in rows:
        for series, value in zip(_COLUMNS, values, strict=True):
            if value is not None:
                points[series].append((at.timestamp(), value))
    return [Curve(series, thinned(told)) for series, told in points.items()]


def thinned(points: Sequence[tuple[float, float]], most: int = MOST_POINTS) -> list[Point]:
    """At most ``most`` of ``points``, which are in order of time, and the gaps between them.

    Of each stretch of time the least and the greatest stay, so that no spike is lost, and one gap.
    """
    whole = _with_gaps(points)
    if len(whole) <= most:
        return whole
    stretches = most // 3
    first = whole[0][0]
    width = (whole[-1][0] - first) / stretches

    def stretch(point: Point) -> int:
        return min(stretches - 1, int((point[0] - first) / width))

    kept: list[Point] = []
    for _, those in groupby(whole, key=stretch):
        some = list(those)
        seen = [(value, at) for at, value in some if value is not None]
        gap = next(((at, None) for at, value in some if value is None), None)
        extremes = {(at, value) for value, at in (min(seen), max(seen))} if seen else set()
        kept += sorted([*extremes, *([gap] if gap else [])], key=lambda point: point[0])
    return kept


def _with_gaps(points: Sequence[tuple[float, float]]) -> list[Point]:
    """A point of nothing in the middle of each silence: longer than what is usual between two points."""
    steps = [after[0] - before[0] for before, after in pairwise(points)]
    longest = max(LEAST_GAP_S, 3 * median(steps)) if steps else 0.0
    whole: list[Point] = list(points[:1])
    for (before, _), after in pairwise(points):
        if after[0] - before > longest:
            whole.append(((before + after[0]) / 2, None))
        whole.append(after)
    return whole


def _moment(told: tuple[int, datetime, dict[str, float | None]]) -> datetime:
    return told[1]


def _figures(result: ProbeResult) -> dict[str, float | None]:
    sight, media = result.measured.sight, result.media
    # Where a stream is opaque, RTP is watched a second time: the first tells how long a packet took.
    seconds = {rung.step: rung.seconds for rung in reversed(result.rungs) if rung.step in UNTIL_A_PACKET}
    return {
        Row.seconds.key: round(sum(seconds.values()), 4) if Step.RTP in seconds else None,
        Row.bits_per_s.key: media.bitrate_bps if media else None,
        Row.clock_offset_s.key: result.measured.clock_offset_s,
        Row.sharpness.key: sight.sharpness if sight else None,
    }
