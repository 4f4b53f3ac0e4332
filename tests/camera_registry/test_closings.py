"""Months are closed once, stay what they were, and are corrected beside, never over."""

import json
import random
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from camera_registry import closings, figures, models
from camera_registry.audit import Action, Actor
from camera_registry.closings import ClosingError, Frozen
from camera_registry.db import Database
from camera_registry.figures import Group
from camera_registry.health import RULES_VERSION
from camera_registry.maintenance import EVERYTHING, Cover, Kind, ScopeKind, enter
from camera_registry.periods import midnight, month_of
from camera_registry.units import Scope
from camera_registry.uptime import Served, Span, Tally
from tests.camera_registry.registries import add_eyes
from tests.databases import sqlite_in

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
CLERK = Actor("clerk", "cli")
SEPTEMBER = date(2026, 9, 1)
WITHIN = month_of(SEPTEMBER, ZONE)
LATENESS = timedelta(days=7)
READY = WITHIN.end + LATENESS
HOUR, DAY = 3_600_000_000, 24 * 3_600_000_000


def local(day: int, hour: int = 0, month: int = 9) -> datetime:
    return (datetime(2026, month, day, hour, tzinfo=ZONE)).astimezone(UTC)


def turn(session: Session, eye_id: int, at: datetime, before: str, after: str) -> None:
    """The eye's ledger and its stream's, as the judge would write them."""
    outcome = {"up": "ok", "down": "failing", "unknown": "unknown"}
    for ledger, old, new in (("eye", before, after), ("stream", outcome[before], outcome[after])):
        session.add(
            models.Transition(
                eye_id=eye_id, ledger=ledger, at=at, before=old, after=new, reason="OK", recorded_at=at
            )
        )
    session.flush()


def story(session: Session) -> tuple[int, int]:
    """Two points. E1 is up, down for six hours on the 10th, and moves to another ward on the 11th; E2 is
    commissioned on the 16th and up."""
    add_eyes(session, 2)
    e1, e2 = session.scalars(select(models.Eye).order_by(models.Eye.code)).all()
    turn(session, e1.id, local(20, month=8), "unknown", "up")
    turn(session, e1.id, local(10), "up", "down")
    turn(session, e1.id, local(10, 6), "down", "up")
    e2.commissioned_at = local(16)
    turn(session, e2.id, local(16), "unknown", "up")
    other = models.Unit(uid="u-2", code="04273", name="Phường Nam Cường", kind="phuong")
    session.add(other)
    session.flush()
    point_id = session.scalars(select(models.Point.id).where(models.Point.code == "P1")).one()
    session.add(models.PointUnit(point_id=point_id, unit_id=other.id, valid_from=date(2026, 9, 11)))
    session.flush()
    return e1.id, e2.id


def close(session: Session, now: datetime = READY) -> Frozen:
    return closings.close(session, CLERK, SEPTEMBER, now, ZONE, lateness=LATENESS)


def work_on_the_10th(session: Session, eye_id: int) -> None:
    """Entered long after the fact: two of the six hours were planned work."""
    enter(
        session,
        CLERK,
        READY + timedelta(days=3),
        ZONE,
        kind=Kind.WORK,
        span=Span(local(10, 2), local(10, 4)),
        covers=[Cover(ScopeKind.EYE, eye_id)],
        reason="Thay nguồn",
    )


def test_a_month_is_closed_with_what_it_was_counted_from(database: Database) -> None:
    with database.transaction() as session:
        e1, e2 = story(session)
        enter(
            *(session, CLERK, local(20), ZONE),
            kind=Kind.POWER_CUT,
            span=Span(local(20, 8), local(20, 10)),
            covers=[EVERYTHING],
            reason="Cắt điện",
        )
        kept = close(session)
    first, then, late = kept.eyes
    units = {first.unit_id, late.unit_id}
    assert (first.eye_id, then.eye_id, late.eye_id) == (e1, e1, e2)
    assert len(units) == 1
    assert then.unit_id not in units
    assert first.tally == Tally(up=10 * DAY - 6 * HOUR, down=6 * HOUR, down_judged=6 * HOUR)
    assert (first.outages, first.ended_outages, first.ended_down, first.longest_down) == (
        *(1, 1),
        *(6 * HOUR, 6 * HOUR),
    )
    assert then.tally == Tally(up=20 * DAY - 2 * HOUR, maintenance=2 * HOUR)
    assert then.outages == 0
    assert late.tally == Tally(up=15 * DAY - 2 * HOUR, maintenance=2 * HOUR, not_in_service=15 * DAY)
    assert kept.total.period == 2 * 30 * DAY
    # In maintenance an eye may be delivering or not; where all are, nothing counts.
    assert [each.served for each in kept.points] == [
        Served(served=10 * DAY - 6 * HOUR, not_served=6 * HOUR),
        Served(served=20 * DAY - 2 * HOUR),
        Served(served=15 * DAY - 2 * HOUR),
    ]
    assert [window["reason"] for window in kept.windows] == ["Cắt điện"]
    assert kept.heading.rules_version == RULES_VERSION
    assert (kept.heading.version, kept.heading.by, kept.heading.at) == (0, "clerk", READY)
    assert len(kept.heading.inputs_hash) == 64
    with database.reading() as session:
        assert closings.frozen(session, SEPTEMBER) == kept
        assert closings.frozen(session, SEPTEMBER, version=1) is None
        assert closings.headings(session) == [kept.heading]
        deed = session.scalars(select(models.Audit).where(models.Audit.subject == "month:2026-09")).one()
        assert (deed.action, deed.who) == (Action.MONTH_CLOSED, "clerk")
        assert deed.detail["inputs_hash"] == kept.heading.inputs_hash


def test_a_month_is_not_closed_while_results_may_come_late(database: Database) -> None:
    with database.transaction() as session:
        story(session)
        for now in (WITHIN.start, WITHIN.end, READY - timedelta(microseconds=1)):
            with pytest.raises(ClosingError, match="from 08/10/2026 00:00 on") as refused:
                close(session, now)
        assert "Chỉ chốt được số liệu tháng 09/2026" in refused.value.text("vi")
        assert closings.headings(session) == []
        close(session, READY)


def test_a_month_is_closed_once(database: Database) -> None:
    with database.transaction() as session:
        story(session)
        kept = close(session)
        with pytest.raises(ClosingError, match="closed already"):
            close(session, READY + timedelta(days=1))
        assert closings.frozen(session, SEPTEMBER) == kept


def test_a_month_without_an_eye_in_service_is_a_mistyped_one(database: Database) -> None:
    with database.transaction() as session:
        story(session)
        with pytest.raises(ClosingError, match="nothing to close"):
            closings.close(session, CLERK, date(2016, 9, 1), READY, ZONE, lateness=LATENESS)


def test_a_suspicion_that_waits_is_awaited(database: Database) -> None:
    """A recording is asked once a day: what began on the last day may be decided only days later."""
    with database.transaction() as session:
        e1, _ = story(session)
        condition = models.Condition(
            eye_id=e1,
            check="recording",
            state="ok",
            since=local(1),
            reason="OK",
            heard_at=READY,
            interval_s=86_400.0,
            silent_at=READY + timedelta(days=2),
            suspect_since=local(30, 12),
            suspect_reason="RETENTION_SHORT",
            failures=1,
        )
        session.add(condition)
        session.flush()
        with pytest.raises(ClosingError, match="1 checks still wait"):
            close(session)
        condition.suspect_since = local(1, month=10)
        session.flush()
        close(session)


def test_an_amendment_stands_beside_what_it_corrects(database: Database) -> None:
    with database.transaction() as session:
        e1, _ = story(session)
        before = close(session)
        work_on_the_10th(session, e1)
        later = READY + timedelta(days=4)
        with pytest.raises(ClosingError, match="has a reason"):
            closings.amend(session, CLERK, SEPTEMBER, later, ZONE, reason=" ")
        both = closings.amend(session, Actor("chief", "cli"), SEPTEMBER, later, ZONE, reason="Biên bản số 5")
    assert both.before == before
    (changed,) = both.eyes
    assert changed.before is not None
    assert changed.after is not None
    assert (changed.eye_id, changed.before.tally.down) == (e1, 6 * HOUR)
    assert (changed.after.tally.down, changed.after.tally.maintenance) == (4 * HOUR, 2 * HOUR)
    assert (both.after.heading.version, both.after.heading.by) == (1, "chief")
    assert both.after.heading.reason == "Biên bản số 5"
    assert not both.same_inputs
    with database.reading() as session:
        assert closings.frozen(session, SEPTEMBER) == both.after
        assert closings.frozen(session, SEPTEMBER, version=0) == before
        assert [each.version for each in closings.headings(session)] == [1, 0]
        deed = session.scalars(select(models.Audit).where(models.Audit.action == Action.MONTH_AMENDED)).one()
        assert (deed.who, deed.reason, deed.detail["version"]) == ("chief", "Biên bản số 5", 1)


def test_nothing_is_amended_where_nothing_differs(database: Database) -> None:
    with database.transaction() as session:
        e1, _ = story(session)
        with pytest.raises(ClosingError, match="is not closed"):
            closings.amend(session, CLERK, SEPTEMBER, READY, ZONE, reason="x")
        close(session)
        with pytest.raises(ClosingError, match="nothing to amend"):
            closings.amend(session, CLERK, SEPTEMBER, READY, ZONE, reason="x")
        work_on_the_10th(session, e1)
        closings.amend(session, CLERK, SEPTEMBER, READY, ZONE, reason="x")
        with pytest.raises(ClosingError, match="nothing to amend"):
            closings.amend(session, CLERK, SEPTEMBER, READY, ZONE, reason="x")


def test_reports_print_what_was_closed_until_it_is_amended(database: Database) -> None:
    def down(session: Session) -> int:
        now = READY + timedelta(days=5)
        found = figures.availability(
            session, Scope.everything(), now, ZONE, WITHIN, Group.TOTAL, date(2026, 9, 30)
        )
        return found[0].tally.down

    with database.transaction() as session:
        e1, _ = story(session)
        close(session)
        work_on_the_10th(session, e1)
        assert down(session) == 6 * HOUR
        closings.amend(session, CLERK, SEPTEMBER, READY, ZONE, reason="Biên bản số 5")
        assert down(session) == 4 * HOUR


def test_verifying_says_what_differs_and_keeps_nothing(database: Database) -> None:
    with database.transaction() as session:
        e1, _ = story(session)
        close(session)
        same = closings.verify(session, SEPTEMBER, READY, ZONE)
        assert (same.intact, same.compared.same_inputs, same.compared.same_figures) == (True, True, True)
        work_on_the_10th(session, e1)
        found = closings.verify(session, SEPTEMBER, READY, ZONE)
        assert (found.intact, found.compared.same_inputs) == (True, False)
        assert [each.eye_id for each in found.compared.eyes] == [e1]
        assert [each.after.served.not_served for each in found.compared.points if each.after] == [4 * HOUR]
        assert len(closings.headings(session)) == 1
        with pytest.raises(ClosingError, match="10/2026 is not closed"):
            closings.verify(session, date(2026, 10, 1), READY, ZONE)


def test_what_is_not_of_the_month_is_no_input(database: Database) -> None:
    with database.transaction() as session:
        _, e2 = story(session)
        kept = close(session)
        # When the state of its first moment began, what came after it, an eye of later.
        for row in session.scalars(select(models.Transition).where(models.Transition.at < WITHIN.start)):
            row.at -= timedelta(days=1)
        turn(session, e2, local(2, month=10), "up", "down")
        work = Span(local(3, month=10), local(3, 5, month=10))
        enter(session, CLERK, READY, ZONE, kind=Kind.WORK, span=work, covers=[EVERYTHING], reason="x")
        device_id = session.scalars(select(models.Device.id)).first()
        session.add(models.Eye(code="E9", device_id=device_id, commissioned_at=WITHIN.end))
        session.flush()
        assert closings.verify(session, SEPTEMBER, READY, ZONE).compared.same_inputs
        assert closings.frozen(session, SEPTEMBER) == kept


def need_two_eyes(session: Session, eye_id: int) -> None:
    session.scalars(select(models.Point).where(models.Point.code == "P1")).one().k = 2


def fall(session: Session, eye_id: int) -> None:
    turn(session, eye_id, local(17), "up", "down")


def suspend(session: Session, eye_id: int) -> None:
    session.add(models.Suspension(eye_id=eye_id, from_at=local(20), to_at=local(21)))


def waver(session: Session, eye_id: int) -> None:
    session.add(models.Instability(eye_id=eye_id, check="stream", at=local(18), reason="TCP_TIMEOUT"))


def stay(session: Session, eye_id: int) -> None:
    session.query(models.PointUnit).filter_by(valid_from=date(2026, 9, 11)).delete()


def test_everything_that_is_counted_is_an_input(database: Database) -> None:
    with database.transaction() as session:
        _, e2 = story(session)
        close(session)
        for change in (need_two_eyes, fall, suspend, waver, stay, work_on_the_10th):
            trial = session.begin_nested()
            change(session, e2)
            session.flush()
            same = closings.verify(session, SEPTEMBER, READY, ZONE).compared.same_inputs
            trial.rollback()
            # E2 was not there yet on the 10th.
            assert same is (change is work_on_the_10th), change


def test_no_hand_changes_a_closed_month(database: Database) -> None:
    with database.transaction() as session:
        story(session)
        kept = close(session)
    deeds = ["UPDATE {} SET id = id", "DELETE FROM {}", "DELETE FROM {} WHERE id = 1"]
    deeds += [] if database.sqlite else ["TRUNCATE {} CASCADE"]
    for table in ("closing", "closed_figure", "closed_point"):
        for deed in deeds:
            with pytest.raises(DBAPIError, match="a closed month is final"):
                change(database, deed.format(table))
    with database.reading() as session:
        assert closings.frozen(session, SEPTEMBER) == kept


def change(database: Database, statement: str) -> None:
    with database.transaction() as session:
        session.execute(text(statement))


def test_a_hand_that_takes_the_guard_away_is_found_out(database: Database) -> None:
    with database.transaction() as session:
        story(session)
        close(session)
        guard = "closed_figure_is_final_update" if database.sqlite else "closed_figure_is_final"
        session.execute(text(f"DROP TRIGGER {guard}" + ("" if database.sqlite else " ON closed_figure")))
        session.execute(text("UPDATE closed_figure SET up = up + down, down = 0"))
        found = closings.verify(session, SEPTEMBER, READY, ZONE)
    assert not found.intact
    assert found.compared.same_inputs
    assert not found.compared.same_figures


def test_the_hash_is_the_one_that_the_documentation_describes(tmp_path: Any) -> None:
    database = Database(sqlite_in(tmp_path))
    with database.transaction() as session:
        e1, e2 = story(session)
        session.add(models.Instability(eye_id=e1, check="stream", at=local(2), reason="TCP_TIMEOUT"))
        work_on_the_10th(session, e1)
        kept = close(session)
        points = {row.code: row.id for row in session.execute(select(models.Point.id, models.Point.code))}
        units = {row.uid: row.id for row in session.execute(select(models.Unit.id, models.Unit.uid))}
    database.close()

    def micros(at: datetime) -> int:
        return round(at.timestamp()) * 1_000_000

    begin, end = micros(local(1)), micros(local(1, month=10))
    fell, rose, late = micros(local(10)), micros(local(10, 6)), micros(local(16))
    first = {
        "eye": e1,
        "point": points["P1"],
        "states": [[begin, "up", "OK"], [fell, "down", "OK"], [rose, "up", "OK"]],
        "checks": {"stream": [[begin, "ok", "OK"], [fell, "failing", "OK"], [rose, "ok", "OK"]]},
        "service": [[begin, end]],
        "maintenance": [[micros(local(10, 2)), micros(local(10, 4))]],
        "blips": [micros(local(2))],
        "judged": True,
    }
    second = first | {
        "eye": e2,
        "point": points["P2"],
        "states": [[late, "up", "OK"]],
        "checks": {"stream": [[late, "ok", "OK"]]},
        "service": [[late, end]],
        "maintenance": [],
        "blips": [],
    }
    lines = [
        {"month": "2026-09", "rules": RULES_VERSION, "zone": "Asia/Ho_Chi_Minh"},
        *(first, second),
        {"point": points["P1"], "k": 1, "units": [[begin, units["u-1"]], [micros(local(11)), units["u-2"]]]},
        {"point": points["P2"], "k": 1, "units": [[begin, units["u-1"]]]},
    ]
    said = "".join(json.dumps(line, sort_keys=True, separators=(",", ":")) + "\n" for line in lines)
    assert sha256(said.encode()).hexdigest() == kept.heading.inputs_hash


@pytest.mark.parametrize("seed", range(3))
def test_a_closing_says_what_the_figures_said(tmp_path: Any, seed: int) -> None:
    """Any month of eyes that are suspended, retired, moved, under work: the same to the microsecond."""
    database = Database(sqlite_in(tmp_path))
    chance = random.Random(seed)
    with database.transaction() as session:
        add_eyes(session, 12)
        units = [models.Unit(uid=f"x-{n}", code=f"9{n}", name=f"Xã X{n}", kind="xa") for n in range(3)]
        session.add_all(units)
        session.flush()
        moments = [WITHIN.start + timedelta(seconds=chance.randrange(-864_000, 3_000_000)) for _ in range(9)]
        for eye in session.scalars(select(models.Eye)):
            state = "unknown"
            for at in sorted(chance.sample(moments, 5)):
                after = chance.choice([each for each in ("up", "down", "unknown") if each != state])
                turn(session, eye.id, at, state, after)
                state = after
            if chance.random() < 0.3:
                eye.retired_at = chance.choice(moments)
            if chance.random() < 0.3:
                start = chance.choice(moments)
                session.add(models.Suspension(eye_id=eye.id, from_at=start, to_at=start + timedelta(days=2)))
        for point in session.scalars(select(models.Point)):
            for day in chance.sample(range(1, 29), chance.randrange(3)):
                unit = chance.choice(units)
                moved = models.PointUnit(point_id=point.id, unit_id=unit.id, valid_from=date(2026, 9, day))
                session.add(moved)
        session.flush()
        for _ in range(3):
            start = WITHIN.start + timedelta(hours=chance.randrange(700))
            span = Span(start, start + timedelta(hours=chance.randrange(1, 30)))
            cover = chance.choice([EVERYTHING, Cover(ScopeKind.UNIT, chance.choice(units).id)])
            enter(session, CLERK, READY, ZONE, kind=Kind.WORK, span=span, covers=[cover], reason="x")
        for group in (Group.EYE, Group.UNIT, Group.POINT, Group.TOTAL):
            wanted = _figures(session, group)
            trial = session.begin_nested()
            close(session)
            assert _figures(session, group) == wanted, group
            trial.rollback()
    database.close()


def _figures(session: Session, group: Group) -> list[figures.Figure]:
    now = READY + timedelta(days=1)
    return figures.availability(session, Scope.everything(), now, ZONE, WITHIN, group, date(2026, 9, 30))


@pytest.mark.parametrize("text", ["2026", "2026-13", "09/2026", "2026-Q3", "", "2026-09-01", "٢٠٢٦-٠٩"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(ClosingError, match="no month"):
        closings.month_named(text)


def test_a_month_has_a_name() -> None:
    assert closings.month_named(" 2026-09 ") == SEPTEMBER
    assert midnight(SEPTEMBER, ZONE) == WITHIN.start
