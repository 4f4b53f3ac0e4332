"""Days that are kept: always what the ledgers say, whatever was changed since, by whomever."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from camera_registry import ingest, models, rollups
from camera_registry.cli import app
from camera_registry.db import Database
from camera_registry.figures import Figure, Group, availability
from camera_registry.ingest import Ingest
from camera_registry.models import Rollup
from camera_registry.units import Scope
from camera_registry.uptime import Span
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, Memory, ProbeResult, Verdict
from tests.camera_registry.towns import Town, found, live, maintain, move

BERLIN = ZoneInfo("Europe/Berlin")  # the clocks change on 25 October 2026
START = datetime(2026, 10, 12, tzinfo=BERLIN).astimezone(UTC)
DAYS = 30
NOW = START + timedelta(days=DAYS, hours=7)
LIFE = Span(START + timedelta(hours=5), NOW)
A_WHILE = Span(START + timedelta(days=8, hours=3), START + timedelta(days=9, hours=20))


@pytest.fixture
def town(database: Database) -> Town:
    """Three eyes at two points whose ledgers turn a few times a day, from mid-October to mid-November."""
    with database.transaction() as session:
        town = found(session, (2, 1))
        live(session, town, LIFE, seed=1)
    return town


def asked(session: Session, period: Span, zone: ZoneInfo, now: datetime) -> dict[Group, list[Figure]]:
    return {
        group: availability(session, Scope.everything(), now, zone, period, group, date(2026, 11, 1))
        for group in (Group.UNIT, Group.POINT)
    }


def agree(
    database: Database,
    *,
    zone: ZoneInfo = BERLIN,
    now: datetime = NOW,
    periods: Sequence[Span] = (Span(START - timedelta(days=20), NOW + timedelta(days=20)),),
) -> bool:
    """Whether figures with what is kept are those of the ledgers alone, to the microsecond."""
    with database.reading() as session:  # nothing of it stays
        quick = [asked(session, period, zone, now) for period in periods]
        session.execute(delete(Rollup))
        return quick == [asked(session, period, zone, now) for period in periods]


def kept(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(Rollup)) or 0


def differences(database: Database, now: datetime = NOW) -> list[tuple[str, str]]:
    with database.reading() as session:
        found_here = rollups.verify(session, BERLIN, now).differences
    return [(difference.eye, difference.column) for difference in found_here]


@pytest.mark.usefixtures("town")
def test_what_is_kept_gives_the_figures_of_the_ledgers(database: Database) -> None:
    made = rollups.make(database, BERLIN, NOW)

    assert made == kept(database) == 3 * DAYS  # today is not over
    assert rollups.make(database, BERLIN, NOW) == 0
    assert differences(database) == []
    odd = Span(START + timedelta(days=3, seconds=1), START + timedelta(days=25, microseconds=-1))
    assert agree(database, periods=[odd, A_WHILE, LIFE, Span(START, START + timedelta(days=DAYS))])


@pytest.mark.usefixtures("town")
def test_what_is_kept_is_what_is_used(database: Database) -> None:
    rollups.make(database, BERLIN, NOW)
    with database.transaction() as session:
        session.execute(update(Rollup).values(up=Rollup.up + 1, unknown=Rollup.unknown - 1))

    assert not agree(database)


@pytest.mark.usefixtures("town")
def test_some_days_at_a_time_the_newest_month_first(database: Database) -> None:
    first = rollups.make(database, BERLIN, NOW, most=1)

    with database.reading() as session:
        months = set(session.scalars(select(Rollup.month)))
    assert (first, months) == (3 * 10, {date(2026, 11, 1)})
    assert agree(database)
    assert first + rollups.make(database, BERLIN, NOW) == 3 * DAYS


def enter_for_all(session: Session, _town: Town) -> None:
    maintain(session, A_WHILE, "all", None)


def enter_for_a_unit(session: Session, town: Town) -> None:
    maintain(session, A_WHILE, "unit", town.units["A"])


def enter_every_night(session: Session, town: Town) -> None:
    window = maintain(session, Span(START, START + timedelta(hours=2)), "site", town.site)
    window.recurrence = "FREQ=DAILY"


def retire(session: Session, town: Town) -> None:
    session.get_one(models.Eye, town.eyes["E1"]).retired_at = A_WHILE.start


def commission_later(session: Session, town: Town) -> None:
    session.get_one(models.Eye, town.eyes["E2"]).commissioned_at = A_WHILE.start


def withdraw_access(session: Session, town: Town) -> None:
    session.get_one(models.Eye, town.eyes["E1"]).access_withdrawn_at = A_WHILE.end


def let_access_run_out(session: Session, town: Town) -> None:
    session.get_one(models.Eye, town.eyes["E1"]).access_until = date(2026, 10, 29)


def suspend(session: Session, town: Town) -> None:
    session.add(models.Suspension(eye_id=town.eyes["E3"], from_at=A_WHILE.start, to_at=A_WHILE.end))


def suspend_for_ever(session: Session, town: Town) -> None:
    session.add(models.Suspension(eye_id=town.eyes["E3"], from_at=A_WHILE.start, to_at=None))


def change_a_ledger(session: Session, town: Town) -> None:
    eye = town.eyes["E2"]
    rows = models.Transition
    session.execute(delete(rows).where(rows.eye_id == eye, rows.at >= A_WHILE.start))
    rollups.touch(session, {eye: A_WHILE.start})


def move_in_a_month(session: Session, town: Town) -> None:
    move(session, town.points["P1"], town.units["B"], date(2026, 10, 20))


def report_by_word(session: Session, town: Town) -> None:
    session.get_one(models.Eye, town.eyes["E1"]).reach = "reported"


@pytest.mark.parametrize(
    ("deed", "counted_again"),
    [
        pytest.param(enter_for_all, 2 * 3, id="maintenance of everything"),
        pytest.param(enter_for_a_unit, 2 * 3, id="maintenance of a unit"),
        pytest.param(enter_every_night, DAYS * 3, id="maintenance every night"),
        pytest.param(retire, 1, id="retired: later days need no rows"),
        pytest.param(commission_later, 1, id="commissioned later"),
        pytest.param(withdraw_access, 1, id="access withdrawn"),
        pytest.param(let_access_run_out, 0, id="access until a day"),
        pytest.param(suspend, 2, id="suspended"),
        pytest.param(suspend_for_ever, 1, id="suspended, no end"),
        pytest.param(change_a_ledger, DAYS - 8, id="another ledger"),
        pytest.param(move_in_a_month, 0, id="moved: the same days elsewhere"),
        pytest.param(report_by_word, 0, id="no network any more"),
    ],
)
def test_no_change_is_missed(
    database: Database, town: Town, deed: Callable[[Session, Town], None], counted_again: int
) -> None:
    rollups.make(database, BERLIN, NOW)
    with database.transaction() as session:
        deed(session, town)

    assert agree(database)
    assert rollups.make(database, BERLIN, NOW) == counted_again
    assert agree(database)
    assert differences(database) == []


def test_a_window_that_is_withdrawn_is_as_if_it_had_never_been(database: Database) -> None:
    with database.transaction() as session:
        town = found(session, (2, 1))
        live(session, town, LIFE, seed=2)
        window = maintain(session, A_WHILE, "point", town.points["P1"])
    rollups.make(database, BERLIN, NOW)
    with database.transaction() as session:
        session.get_one(models.Maintenance, window.id).withdrawn_at = NOW

    assert agree(database)
    assert rollups.make(database, BERLIN, NOW) == 2 * 2
    assert agree(database)


@pytest.mark.usefixtures("town")
def test_in_another_zone_other_days_are_counted(database: Database) -> None:
    rollups.make(database, BERLIN, NOW)
    vietnam = ZoneInfo("Asia/Ho_Chi_Minh")

    assert agree(database, zone=vietnam)
    assert rollups.make(database, vietnam, NOW) > 0
    assert agree(database, zone=vietnam)
    assert agree(database)


@pytest.mark.usefixtures("town")
def test_a_wrong_day_is_found_and_named(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMERA_REGISTRY_DATABASE_URL", database.engine.url.render_as_string(False))
    monkeypatch.setenv("CAMERA_REGISTRY_TIMEZONE", "Europe/Berlin")
    monkeypatch.setenv("CAMERA_REGISTRY_LANGUAGE", "en")
    runner = CliRunner()
    counted = runner.invoke(app, ["rollup"])
    right = runner.invoke(app, ["rollup", "--verify"])
    with database.transaction() as session:
        day = select(func.min(Rollup.until)).scalar_subquery()
        session.execute(update(Rollup).where(Rollup.until == day).values(blips=Rollup.blips + 1))
    wrong = runner.invoke(app, ["rollup", "--verify"])

    assert (counted.exit_code, right.exit_code, wrong.exit_code) == (0, 0, 1)
    assert "Days of eyes counted:" in counted.output
    assert "figures that differ: 0" in right.output
    assert "figures that differ: 3" in wrong.output
    assert "E1, 12/10/2026: blips is kept as" in wrong.output


# --- with the judge -----------------------------------------------------------------------------------

MIDNIGHT = datetime(2026, 10, 20, tzinfo=BERLIN).astimezone(UTC)


def result(eye: str, at: datetime, outcome: Outcome, interval_s: float = 60) -> ProbeResult:
    reason = Reason.OK if outcome is Outcome.OK else Reason.TCP_TIMEOUT
    return ProbeResult(
        eye=eye,
        depth=Depth.LIVENESS,
        at=at,
        seconds=0.1,
        verdicts=(Verdict(Check.STREAM, outcome, reason, interval_s),),
        memory=Memory(),
    )


def minutes(n: float) -> datetime:
    """So many minutes after midnight."""
    return MIDNIGHT + timedelta(minutes=n)


class Judge:
    """The real judge, a minute after midnight, over eyes that answered each minute until then."""

    def __init__(self, database: Database) -> None:
        self.now = minutes(1)
        self.database = database
        self.ingest = Ingest(database, ingest.rules(), lambda: self.now)
        with database.transaction() as session:
            found(session, (1,))

    def hears(self, told: str, *, start: float, interval_s: float = 60) -> None:
        """One letter a minute from ``start`` on: o for ok, f for failing."""
        outcomes = {"o": Outcome.OK, "f": Outcome.FAILING}
        results = [
            result("E1", minutes(start + n), outcomes[said], interval_s)
            for n, said in enumerate(told)
            if said != "."
        ]
        self.ingest.deliver(f"{start}{told}", results)

    def makes(self) -> int:
        return rollups.make(self.database, BERLIN, self.now)

    def agrees(self) -> bool:
        yesterday = Span(MIDNIGHT - timedelta(days=1), MIDNIGHT)
        sound = agree(self.database, now=self.now, periods=[yesterday])
        return sound and differences(self.database, self.now) == []


def test_an_outage_that_is_confirmed_after_midnight_began_before_it(database: Database) -> None:
    judge = Judge(database)
    judge.hears("ooooooooff", start=-10)
    assert (judge.makes(), judge.agrees()) == (1, True)

    judge.hears("ff", start=0)

    assert kept(database) == 0
    assert (judge.agrees(), judge.makes(), judge.agrees()) == (True, 1, True)


def test_a_suspicion_that_comes_to_nothing_after_midnight_was_one_before_it(database: Database) -> None:
    judge = Judge(database)
    judge.hears("ooooooooof", start=-10)
    assert (judge.makes(), judge.agrees()) == (1, True)

    judge.hears("o", start=0)

    assert kept(database) == 0
    assert (judge.agrees(), judge.makes(), judge.agrees()) == (True, 1, True)


def test_what_is_heard_of_today_leaves_yesterday_alone(database: Database) -> None:
    judge = Judge(database)
    judge.hears("oooooooooo", start=-10)
    judge.makes()
    judge.now = minutes(10)

    judge.hears("offffoofoo", start=0)

    assert kept(database) == 1
    assert (judge.agrees(), judge.makes()) == (True, 0)


def test_a_late_result_changes_its_own_day(database: Database) -> None:
    judge = Judge(database)
    judge.hears("ooooo.....ooooo", start=-15)
    judge.ingest.tick(judge.now)
    judge.makes()

    judge.hears("fffff", start=-10)

    assert (judge.agrees(), judge.makes(), judge.agrees()) == (True, 1, True)


def test_a_silence_nobody_has_written_yet_is_seen_and_not_kept(database: Database) -> None:
    judge = Judge(database)
    judge.hears("o", start=-15, interval_s=600)
    judge.now = minutes(1)  # not silent yet: that is from 23:55 on, and told at 00:10
    assert (judge.makes(), judge.agrees()) == (1, True)

    judge.now = minutes(11)

    with database.reading() as session:
        yesterday = Span(MIDNIGHT - timedelta(days=1), MIDNIGHT)
        (total,) = availability(
            session, Scope.everything(), judge.now, BERLIN, yesterday, Group.TOTAL, date(2026, 10, 19)
        )
    assert total.tally.up == 10 * 60 * 1_000_000  # 23:45 until 23:55
    assert judge.agrees()
    assert judge.makes() == 0
    judge.ingest.tick(judge.now)
    assert kept(database) == 0
    assert (judge.makes(), judge.agrees()) == (1, True)


def test_an_eye_that_goes_takes_its_days_along(database: Database, town: Town) -> None:
    rollups.make(database, BERLIN, NOW)
    with database.transaction() as session:
        session.execute(delete(models.Eye).where(models.Eye.id == town.eyes["E1"]))

    assert kept(database) == 2 * DAYS
    assert agree(database)


def test_a_town_without_a_ledger_has_nothing_to_keep(database: Database) -> None:
    with database.transaction() as session:
        found(session, (1,))

    assert rollups.make(database, BERLIN, NOW) == 0
    assert agree(database)
