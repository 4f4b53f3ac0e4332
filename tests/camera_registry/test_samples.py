"""What is kept of deep probes for curves, for how long, and how it is thinned."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_registry import samples
from camera_registry.db import Database
from camera_registry.ingest import Ingest, rules
from camera_registry.samples import KEPT, Curve, Series, thinned
from camera_registry.units import Scope
from camera_registry.uptime import Span
from probes.result import Depth, Measured, Media, ProbeResult, Rung, Step
from tests.camera_registry import sights
from tests.dashboards.city import NOW, add_eye, add_point, add_wards

DAY = timedelta(days=1)
ZONE = UTC


@pytest.fixture
def database(database: Database) -> Database:
    with database.transaction() as session:
        wards = add_wards(session)
        add_eye(session, add_point(session, "P1", wards.nam_cuong), "E1")
    return database


def probe(at: datetime, *, offset: float | None = 0.5, depth: Depth = Depth.DEEP) -> ProbeResult:
    measured = Measured(sight=sights.sight(), clock_offset_s=offset)
    rungs = (Rung(Step.TCP, 0.01), Rung(Step.DESCRIBE, 0.05), Rung(Step.RTP, 0.04), Rung(Step.KEYFRAME, 2.0))
    found = sights.result(at, depth=depth, measured=measured, rungs=rungs)
    return ProbeResult(
        *(found.eye, found.at, found.depth, found.seconds, found.verdicts, found.memory),
        rungs=found.rungs,
        measured=found.measured,
        media=Media("h264", bitrate_bps=512_000.0),
    )


def curves(database: Database, scope: Scope | None = None) -> dict[Series, Sequence[samples.Point]] | None:
    with database.reading() as session:
        within = Span(NOW - 8 * DAY, NOW + DAY)
        found: list[Curve] | None = samples.curves(
            session, scope or Scope.everything(), NOW, ZONE, "E1", within
        )
    return None if found is None else {curve.series: curve.points for curve in found}


def test_a_deep_probe_leaves_one_sample_in_five_minutes(database: Database) -> None:
    ingest = Ingest(database, rules(), lambda: NOW)
    times = [NOW - timedelta(minutes=m) for m in (20, 15, 13, 10)]
    ingest.deliver("one", [probe(at) for at in times])
    ingest.deliver("two", [probe(NOW - timedelta(minutes=9, seconds=30)), probe(NOW, depth=Depth.LIVENESS)])
    found = curves(database)

    assert found is not None
    kept = [at.timestamp() for at in (times[0], times[1], times[3])]
    assert found[Series.CLOCK] == [(at, 0.5) for at in kept]
    assert [value for _, value in found[Series.LATENCY]] == [0.1] * 3, "until the first packet"
    assert [value for _, value in found[Series.BITRATE]] == [512_000.0] * 3
    assert [value for _, value in found[Series.SHARPNESS]] == [0.25] * 3


def test_samples_go_after_a_week_and_are_cut_to_the_scope(database: Database) -> None:
    with database.transaction() as session:
        for days in (0, 3, 8):
            samples.take(session, [(1, probe(NOW - days * DAY))])
        samples.forget(session, NOW)
    found = curves(database)

    assert found is not None
    times = [at for at, value in found[Series.CLOCK] if value is not None]
    assert times == [(NOW - 3 * DAY).timestamp(), NOW.timestamp()]
    assert KEPT == 7 * DAY
    assert curves(database, Scope(frozenset({9_999}))) is None


@given(
    st.lists(
        st.tuples(st.integers(1, 4_000), st.floats(-1e6, 1e6, allow_nan=False)), min_size=1, max_size=400
    ),
    st.integers(3, 60),
)
def test_what_is_thinned_keeps_its_extremes_and_its_order(steps: list[tuple[int, float]], most: int) -> None:
    at, points = 0.0, []
    for step, value in steps:
        at += step
        points.append((at, value))
    found = thinned(points, most)
    values = [value for _, value in points]
    shown = [value for _, value in found if value is not None]

    assert len(found) <= max(most, 3)
    assert (min(shown), max(shown)) == (min(values), max(values))
    assert [at for at, _ in found] == sorted(at for at, _ in found)
    assert {point for point in found if point[1] is not None} <= set(points)


def test_a_curve_is_not_drawn_across_silence() -> None:
    points = [(float(at), 1.0) for at in (0, 300, 600, 6_000, 6_300)]
    assert thinned(points)[3] == (3_300.0, None)
