"""A made-up year of the demonstration city: what ``report --demo`` reports on.

Nothing of it was measured. What happens, how often and for how long is drawn here from a seed and said
below; what is counted of it is counted by the rooms that count what was measured. The ledgers are written as
the judge would have left them, so the doctor finds a year like any other.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Column, MetaData, Table, and_, insert, select, update
from sqlalchemy.orm import Session

from camera_registry import (
    closings,
    demonstration,
    demonstration_money,
    demonstration_upkeep,
    histories,
    incident_book,
    maintenance,
    models,
    rollups,
    settings,
    units,
)
from camera_registry.audit import Actor
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.demonstration import DemoDevice
from camera_registry.findings import EVIDENCE
from camera_registry.health import EYE, RULES_VERSION, EyeState
from camera_registry.histories import Presence
from camera_registry.imports.load import load_inventory
from camera_registry.imports.plan import Options
from camera_registry.imports.workbook import read_workbook
from camera_registry.inventory import Reach, Word, add_site
from camera_registry.maintenance import Cover, ScopeKind
from camera_registry.periods import midnight, month_of
from camera_registry.uptime import History, Span, Turn, count, touching, without
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
FIRST: Final = date(2025, 11, 1)
NOW: Final = datetime(2026, 11, 5, 3, 0, tzinfo=UTC)  # what is told is as of this moment; no clock goes on
BEGUN: Final = midnight(FIRST, ZONE)
CLOSED_AFTER: Final = timedelta(days=4)
MAKER: Final = Actor("demo", "cli")
INTERVAL_S: Final = 60.0
FOLDER: Final = "demonstration-year"

MOMENT: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Happens:
    """What befalls an eye now and then: every so many days, for so many hours (the median)."""

    state: EyeState
    every_days: float
    hours: float
    reasons: tuple[Reason, ...]


OF_AN_EYE: Final = (
    Happens(
        EyeState.DOWN,
        75.0,
        2.0,
        (Reason.TCP_TIMEOUT, Reason.TCP_REFUSED, Reason.RTSP_TIMEOUT, Reason.RTP_NONE),
    ),
    Happens(
        EyeState.DEGRADED,
        150.0,
        40.0,
        (Reason.PICTURE_BLURRED, Reason.PICTURE_BLACK, Reason.PICTURE_COVERED, Reason.DECODE_FAILED),
    ),
    Happens(EyeState.UNKNOWN, 90.0, 8.0, (Reason.STREAM_SLOTS_BUSY, Reason.AUTH_REJECTED)),
)
OF_A_RECORDER: Final = Happens(EyeState.DOWN, 400.0, 60.0, (Reason.CHANNEL_OFFLINE, Reason.RTSP_TIMEOUT))
OF_A_LINE: Final = Happens(EyeState.DOWN, 250.0, 9.0, (Reason.HOST_UNREACHABLE, Reason.TCP_TIMEOUT))
NEVER_OK: Final = 0.04  # share of devices that were down from the first day
LARGEST_DEAD: Final = 8  # channels: one that is larger would be a ward's figure by itself
BROKEN: Final = 0.3  # … that break once, and wait long for whoever pays
BROKEN_DAYS: Final = (15, 300)
CUT_EVERY: Final = timedelta(days=7)  # the power of a street goes: one point and its neighbours
CUT_POINTS: Final = (1, 2, 3, 5)
CUT_MINUTES: Final = (10, 240)
ANNOUNCED: Final = 6  # each sixth was announced, and stands as a window
WORKS: Final = 10  # windows of planned work, at one point each
STORM: Final = datetime(2026, 8, 23, 14, 20, tzinfo=UTC)
STORM_UNITS: Final = ("Phường Hồng Hà", "Phường Nguyễn Phúc", "Xã Âu Lâu", "Xã Tuy Lộc")
STORM_HOURS: Final = (8, 50)
REPORTED_EVERY: Final = 14  # each so many socialised points no network reaches
WORDS: Final = ((Word.WORKING, 70), (Word.NOT_WORKING, 22), (Word.POOR, 8))
WORD_DAYS: Final = 35
EXPOSED: Final = 0.05  # share of eyes of which something was found that anyone could see
FOUND: Final = (
    Reason.STREAM_OPEN_NO_AUTH,
    Reason.SNAPSHOT_OPEN_NO_AUTH,
    Reason.SDP_OPEN_NO_AUTH,
    Reason.CREDENTIALS_SENT_IN_CLEAR,
    Reason.TLS_UNTRUSTED,
)

# What the ledgers of the checks say in each state of the eye: of stream and of picture.
_SAID: Final[Mapping[EyeState, tuple[Outcome, Outcome]]] = {
    EyeState.UP: (Outcome.OK, Outcome.OK),
    EyeState.DEGRADED: (Outcome.OK, Outcome.FAILING),
    EyeState.DOWN: (Outcome.FAILING, Outcome.UNKNOWN),
    EyeState.UNKNOWN: (Outcome.UNKNOWN, Outcome.UNKNOWN),
}


@dataclass(frozen=True, slots=True, order=True)
class _Trouble:
    start: datetime
    end: datetime
    state: EyeState
    reason: Reason


@dataclass(frozen=True, slots=True)
class _Eye:
    """A measured eye, and where it hangs."""

    id: int
    point: str
    point_id: int


Ledger = Sequence[Turn]  # of an eye's states, from the beginning on


# --- the file -------------------------------------------------------------------------------------------


def open_demonstration_year(folder: Path) -> Database:
    """The demonstration city with its year, made where ``folder`` has none of this version: some seconds."""
    return opened(folder / FOLDER, _mark(), make)


def opened(place: Path, mark: str, make: Callable[[Database, Path], None]) -> Database:
    """The database ``mark`` of this folder, made first where it is not there; those of other marks go.

    Who looks sees it whole or not at all, and of two that make it at a time the last one's stays.
    """
    path = place / f"{mark}.db"
    if not path.exists():
        place.mkdir(parents=True, exist_ok=True)
        for former in place.glob("*.db"):
            former.unlink()
        with TemporaryDirectory(dir=place) as folder:
            database = Database(f"sqlite:///{folder}/{path.name}")
            try:
                database.migrate()
                make(database, Path(folder))
            finally:
                database.close()
            (Path(folder) / path.name).replace(path)
    return Database(f"sqlite:///{path}")


def _mark() -> str:
    """What a year was made by: of another one it is made anew."""
    here = Path(__file__).parent
    digest = blake2b(f"{RULES_VERSION}".encode(), digest_size=8)
    for source in (*sorted(here.glob("demonstration*.py")), here / "models.py"):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def make(database: Database, folder: Path) -> None:
    """Fill an empty database with the city and its year, as of ``NOW``; ``folder`` takes the workbook."""
    make_of(demonstration.make_city(), database, folder)


def make_of(devices: Sequence[DemoDevice], database: Database, folder: Path) -> None:
    """The same of these devices of a city."""
    _import(database, folder, devices)
    chance = random.Random(len(devices))
    with database.transaction() as session:
        reported = _hand_to_group_heads(session, chance)
        eyes = _eyes(session)
        cuts = _cuts(chance, sorted({eye.point_id for eye in eyes}))
        _enter_windows(session, chance, eyes, cuts)
        ledgers = _ledgers(chance, devices, eyes, cuts, _ids(session))
        _write_ledgers(session, ledgers)
        _write_words(session, chance, reported)
        _write_findings(session, chance, ledgers)
        _describe_devices(session, chance)
        _write_heartbeat(session)
        session.execute(update(models.Eye).values(started_at=BEGUN).where(models.Eye.id.in_(ledgers)))
        _roll_up(session, ledgers)
        demonstration_money.fill(session, NOW, ZONE)
    incident_book.fold(database, ZONE, NOW)
    with database.transaction() as session:
        demonstration_upkeep.fill(session, NOW, ZONE)  # after the incidents that repairs are of
    for month in _months():
        with database.transaction() as session:
            closed_at = month_of(month, ZONE).end + CLOSED_AFTER
            closings.close(session, MAKER, month, closed_at, ZONE, lateness=CLOSED_AFTER)


def _import(database: Database, folder: Path, devices: Sequence[DemoDevice]) -> None:
    workbook = folder / "inventory.xlsx"
    demonstration.write_inventory(devices, demonstration.Ports(8554, 8555), workbook)
    with database.transaction() as session:
        units.load_data_set(session, demonstration.DATA_SET)
        add_site(session, demonstration.SITE, "")
        options = Options(demonstration.UNITS_ON, ZONE, demonstration.SITE)
        credentials = CredentialStore(settings.load(data_dir=folder))
        outcome = load_inventory(session, credentials, read_workbook(workbook), options, BEGUN)
    if outcome.problems:
        raise AssertionError(f"our own inventory has problems: {outcome.problems[:3]}")


def _months() -> list[date]:
    """Those that are over at ``NOW``, by their first days."""
    months = [FIRST]
    while month_of(months[-1], ZONE).end <= NOW:
        months.append(month_of(months[-1], ZONE).end.astimezone(ZONE).date())
    return months[:-1]


# --- what there is --------------------------------------------------------------------------------------


def _ids(session: Session) -> Mapping[str, int]:
    return {row.code: row.id for row in session.execute(select(models.Eye.code, models.Eye.id))}


def _eyes(session: Session) -> list[_Eye]:
    rows = session.execute(
        select(models.Eye.id, models.Point.code, models.Point.id.label("point_id"))
        .join(models.Device, models.Eye.device_id == models.Device.id)
        .join(models.Point, models.Device.point_id == models.Point.id)
        .where(models.Eye.reach == Reach.NETWORK)
        .order_by(models.Eye.id)
    )
    return [_Eye(row.id, row.code, row.point_id) for row in rows]


def _hand_to_group_heads(session: Session, chance: random.Random) -> list[int]:
    """Some socialised points hang on lines of households: no network reaches their eyes."""
    points = session.scalars(
        select(models.Point.id).where(models.Point.funding == "socialised").order_by(models.Point.id)
    ).all()
    some = points[chance.randrange(REPORTED_EVERY) :: REPORTED_EVERY]
    of_them = select(models.Device.id).where(models.Device.point_id.in_(some))
    eye_ids = list(session.scalars(select(models.Eye.id).where(models.Eye.device_id.in_(of_them))))
    session.execute(
        update(models.Eye).where(models.Eye.id.in_(eye_ids)).values(reach=str(Reach.REPORTED), path=None)
    )
    return eye_ids


def _describe_devices(session: Session, chance: random.Random) -> None:
    """What somebody wrote down of most devices; nobody knows all of it."""
    device = models.Device
    rows = []
    for row in session.execute(select(device.id, device.manufacturer).order_by(device.id)):
        year = chance.choice((2017, 2018, 2019, 2020, 2021, 2022, 2023))
        known = chance.random() < 0.7
        rows.append(
            {
                "id": row.id,
                "model": f"{row.manufacturer} MP-{chance.choice((2, 4, 5))}" if known else "",
                "firmware": f"{chance.randint(2, 5)}.{chance.randint(0, 7)}.{year % 100}" if known else "",
                "imported_on": date(year, chance.randint(1, 12), 15) if known else None,
                "certificate": f"MP-{row.id:04}/{year}" if chance.random() < 0.15 else "",
            }
        )
    session.execute(update(device), rows)


# --- what happens ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Cut:
    points: frozenset[int]
    span: Span


def _cuts(chance: random.Random, points: Sequence[int]) -> list[_Cut]:
    cuts = []
    at = BEGUN + CUT_EVERY * chance.random()
    while at < NOW - timedelta(days=1):
        many = chance.choice(CUT_POINTS)
        first = chance.randrange(max(1, len(points) - many))
        lasts = timedelta(minutes=chance.randint(*CUT_MINUTES))
        cuts.append(_Cut(frozenset(points[first : first + many]), Span(at, at + lasts)))
        at += CUT_EVERY * chance.uniform(0.5, 1.5)
    return cuts


def _enter_windows(
    session: Session, chance: random.Random, eyes: Sequence[_Eye], cuts: Sequence[_Cut]
) -> None:
    """Power cuts that were announced, and works that were planned: neither is counted."""
    for cut in cuts[::ANNOUNCED]:
        _enter(
            session,
            maintenance.Kind.POWER_CUT,
            Span(cut.span.start - timedelta(minutes=10), cut.span.end + timedelta(minutes=20)),
            [Cover(ScopeKind.POINT, point_id) for point_id in sorted(cut.points)],
            "Ngừng cấp điện theo kế hoạch (mô phỏng)",
        )
    for _ in range(WORKS):
        day = FIRST + timedelta(days=chance.randrange(5, (NOW - BEGUN).days - 5))
        start = datetime.combine(day, time(8), ZONE)
        span = Span(start.astimezone(UTC), (start + timedelta(hours=chance.randint(2, 8))).astimezone(UTC))
        cover = Cover(ScopeKind.POINT, chance.choice(eyes).point_id)
        _enter(session, maintenance.Kind.WORK, span, [cover], "Vệ sinh, cân chỉnh camera (mô phỏng)")


def _enter(
    session: Session, kind: maintenance.Kind, span: Span, covers: Sequence[Cover], reason: str
) -> None:
    entered_at = span.start - timedelta(days=2)
    maintenance.enter(session, MAKER, entered_at, ZONE, kind=kind, span=span, covers=covers, reason=reason)


def _ledgers(
    chance: random.Random,
    devices: Sequence[DemoDevice],
    eyes: Sequence[_Eye],
    cuts: Sequence[_Cut],
    ids: Mapping[str, int],
) -> dict[int, Ledger]:
    """By eye what became of it; of two troubles at a time the one that began first is seen."""
    measured = {eye.id: eye for eye in eyes}
    of_point: dict[str, list[_Trouble]] = {}
    ledgers: dict[int, Ledger] = {}
    for device in devices:
        code = device.point.code
        if code not in of_point:
            of_point[code] = [*_happening(chance, OF_A_LINE), *_storm(chance, device.point.unit)]
        dead = chance.random() < NEVER_OK and device.channels <= LARGEST_DEAD
        shared = [*of_point[code], *_of_device(chance, device)]
        for channel in range(1, device.channels + 1):
            eye = measured.get(ids[device.eye(channel)])
            if eye is None:
                continue
            own = [trouble for each in OF_AN_EYE for trouble in _happening(chance, each)]
            dark = [
                _Trouble(cut.span.start, cut.span.end, EyeState.DOWN, Reason.TCP_TIMEOUT)
                for cut in cuts
                if eye.point_id in cut.points
            ]
            ledgers[eye.id] = (
                [Turn(BEGUN, EyeState.DOWN, Reason.TCP_REFUSED)]
                if dead
                else _turns(chance, [*shared, *own, *dark])
            )
    return ledgers


def _happening(chance: random.Random, happens: Happens) -> Iterator[_Trouble]:
    at = BEGUN + timedelta(days=chance.expovariate(1 / happens.every_days))
    while at < NOW:
        end = at + timedelta(hours=happens.hours * chance.lognormvariate(0, 1))
        yield _Trouble(at, end, happens.state, chance.choice(happens.reasons))
        at = end + timedelta(days=chance.expovariate(1 / happens.every_days))


def _storm(chance: random.Random, unit: str) -> Iterator[_Trouble]:
    if unit in STORM_UNITS and chance.random() < 0.9:
        at = STORM + timedelta(minutes=chance.randint(0, 4))
        end = at + timedelta(hours=chance.uniform(*STORM_HOURS))
        yield _Trouble(at, end, EyeState.DOWN, Reason.HOST_UNREACHABLE)


def _of_device(chance: random.Random, device: DemoDevice) -> Iterator[_Trouble]:
    if device.channels > 1:
        yield from _happening(chance, OF_A_RECORDER)
    if chance.random() < BROKEN:
        at = BEGUN + (NOW - BEGUN) * chance.random()
        end = at + timedelta(days=chance.randint(*BROKEN_DAYS))
        yield _Trouble(at, end, EyeState.DOWN, chance.choice((Reason.TCP_TIMEOUT, Reason.CONNECTION_RESET)))


def _turns(chance: random.Random, troubles: Sequence[_Trouble]) -> Ledger:
    turns = [Turn(BEGUN, EyeState.UP, Reason.OK)]
    free = BEGUN
    for trouble in sorted(troubles):
        if free < trouble.start < NOW:
            # A probe tells, at the eye's own second.
            start = trouble.start + timedelta(seconds=chance.randint(0, 40))
            end = max(trouble.end, start + timedelta(minutes=1))
            turns.append(Turn(start, trouble.state, trouble.reason))
            if end < NOW:
                turns.append(Turn(end, EyeState.UP, Reason.OK))
            free = end
    return [turn for turn in turns if turn.at < NOW]


# --- as it is written -----------------------------------------------------------------------------------


def _write_ledgers(session: Session, ledgers: Mapping[int, Ledger]) -> None:
    session.execute(insert(models.Transition), [*_transitions(ledgers)])
    session.execute(insert(models.EyeState), [_state(*each) for each in ledgers.items()])
    session.execute(insert(models.Condition), [row for each in ledgers.items() for row in _conditions(*each)])


def _checks(turn: Turn) -> Iterator[tuple[str, str]]:
    stream, picture = _SAID[EyeState(turn.state)]
    yield from ((EYE, turn.state), (Check.STREAM, stream), (Check.PICTURE, picture))


def _transitions(ledgers: Mapping[int, Ledger]) -> Iterator[dict[str, Any]]:
    for eye_id, turns in ledgers.items():
        before: dict[str, str] = {}
        for turn in turns:
            for ledger, after in _checks(turn):
                was = before.get(ledger, EyeState.UNKNOWN)
                if was != after:
                    yield {
                        "eye_id": eye_id,
                        "ledger": str(ledger),
                        "at": turn.at,
                        "before": str(was),
                        "after": str(after),
                        "reason": turn.reason,
                        "recorded_at": turn.at,
                    }
                before[ledger] = after


def _heard_at(eye_id: int) -> datetime:
    return NOW - timedelta(seconds=eye_id % 60)


def _state(eye_id: int, turns: Ledger) -> dict[str, Any]:
    newest = turns[-1]
    return {
        "eye_id": eye_id,
        "state": newest.state,
        "since": newest.at,
        "reason": newest.reason,
        "first_ok_at": next((turn.at for turn in turns if turn.state == EyeState.UP), None),
        "probed_at": _heard_at(eye_id),
        "probe_s": 0.25,
        "depth": Depth.LIVENESS,
    }


def _conditions(eye_id: int, turns: Ledger) -> Iterator[dict[str, Any]]:
    newest = turns[-1]
    for check, outcome in zip((Check.STREAM, Check.PICTURE), _SAID[EyeState(newest.state)], strict=True):
        yield {
            "eye_id": eye_id,
            "check": check,
            "state": outcome,
            "since": _since(turns, check),
            "reason": Reason.OK if outcome is Outcome.OK else newest.reason,
            "heard_at": _heard_at(eye_id),
            "interval_s": INTERVAL_S,
            "silent_at": _heard_at(eye_id) + timedelta(seconds=2.5 * INTERVAL_S),
        }


def _since(turns: Ledger, check: Check) -> datetime:
    """Since when the check says what it says now."""
    said = [dict(_checks(turn))[check] for turn in turns]
    newest = len(turns) - 1
    while newest and said[newest - 1] == said[-1]:
        newest -= 1
    return turns[newest].at


def _write_words(session: Session, chance: random.Random, eye_ids: Sequence[int]) -> None:
    """The head of a residential group says each month how the eyes are that no network reaches."""
    rows = []
    for month in (*_months(), NOW.astimezone(ZONE).date().replace(day=1)):
        at = datetime.combine(month + timedelta(days=2), time(17), ZONE).astimezone(UTC)
        for eye_id in eye_ids:
            if chance.random() < 0.85:
                rows.append(
                    {
                        "eye_id": eye_id,
                        "at": at,
                        "word": str(chance.choices([w for w, _ in WORDS], [n for _, n in WORDS])[0]),
                        "by": "Tổ trưởng (mô phỏng)",
                        "note": "",
                        "expires_at": at + timedelta(days=WORD_DAYS),
                    }
                )
    if rows:
        session.execute(insert(models.ReportWord), rows)


def _write_findings(session: Session, chance: random.Random, eye_ids: Mapping[int, object]) -> None:
    rows: list[dict[str, Any]] = []
    for eye_id in eye_ids:
        if chance.random() < EXPOSED:
            reason = chance.choice(FOUND)
            first = BEGUN + (NOW - BEGUN) * 0.8 * chance.random()
            gone = first + timedelta(days=chance.randint(3, 90)) if chance.random() < 0.3 else None
            last = NOW - timedelta(minutes=chance.randint(1, 60)) if gone is None else gone - MOMENT
            rows.append(
                {
                    "eye_id": eye_id,
                    "reason": str(reason),
                    "evidence": str(EVIDENCE[reason]),
                    "first_at": first,
                    "last_at": last,
                    "gone_at": gone,
                }
            )
    if rows:
        session.execute(insert(models.Finding), rows)


def _write_heartbeat(session: Session) -> None:
    for site_id in session.scalars(select(models.Site.id)):
        session.add(models.Heartbeat(site_id=site_id, from_at=BEGUN, to_at=NOW, every_s=10.0))


# --- rolled up: most days are like any other --------------------------------------------------------------

_ROLLUP = [column for column in models.Rollup.__table__.columns if column.name != "eye_id"]
_TEMPORARY = MetaData()
_DAY: Final = Table(
    "demonstration_day",
    _TEMPORARY,
    Column("state", models.EyeState.__table__.c.state.type, primary_key=True),
    *(Column(c.name, c.type, primary_key=c.name == "until", autoincrement=False) for c in _ROLLUP),
    prefixes=["TEMPORARY"],
)
_RUN: Final = Table(
    "demonstration_run",
    _TEMPORARY,
    Column("eye_id", models.Rollup.__table__.c.eye_id.type),
    Column("state", models.EyeState.__table__.c.state.type),
    *(Column(name, models.Moment()) for name in ("first", "last")),  # ends of days, both inclusive
    prefixes=["TEMPORARY"],
)


def _roll_up(session: Session, ledgers: Mapping[int, Ledger]) -> None:
    """Count the days as ``rollups`` does; those on which nothing turns are counted once for each state."""
    stretches = rollups.stretches_of(Span(BEGUN, NOW), ZONE)
    whole = Span(stretches[0].span.start, stretches[-1].span.end)
    present = histories.presences(session, list(ledgers), whole, ZONE)
    runs: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for eye_id, turns in ledgers.items():
        history = _history(turns, present[eye_id])
        still = list(_still(turns, present[eye_id], whole))
        runs += [{"eye_id": eye_id, "state": s, "first": first, "last": last} for s, first, last in still]
        covered = [Span(first - MOMENT, last) for _, first, last in still]
        for stretch in stretches:
            bases = stretch.bases(present[eye_id])
            rows += [
                _row(stretch.month, day, bases[day.end], history) | {"eye_id": eye_id}
                for day in stretch.days
                if day.end in bases and not touching(covered, Span(day.end - MOMENT, day.end))
            ]
    _TEMPORARY.create_all(session.connection())
    session.execute(insert(_DAY), [*_plain_days(stretches)])
    session.execute(insert(_RUN), runs)
    names = [column.name for column in _ROLLUP]
    like = and_(_RUN.c.state == _DAY.c.state, _DAY.c.until.between(_RUN.c.first, _RUN.c.last))
    plain = select(_RUN.c.eye_id, *(_DAY.c[name] for name in names)).select_from(_RUN.join(_DAY, like))
    session.execute(insert(models.Rollup).from_select(["eye_id", *names], plain))
    session.execute(insert(models.Rollup), rows)
    _TEMPORARY.drop_all(session.connection())


def _history(turns: Ledger, presence: Presence) -> History:
    streams = [Turn(t.at, _SAID[EyeState(t.state)][0], t.reason) for t in turns]
    pictures = [Turn(t.at, _SAID[EyeState(t.state)][1], t.reason) for t in turns]
    return History(
        turns,
        {Check.STREAM: streams, Check.PICTURE: pictures},
        presence.service,
        presence.maintenance,
    )


def _row(month: date, day: Span, basis: int, history: History) -> dict[str, Any]:
    counted = count(history, day)
    own = {"month": month, "until": day.end, "basis": basis, "blips": counted.blips}
    return own | asdict(counted.tally)


def _plain_days(stretches: Sequence[rollups.Stretch]) -> Iterator[dict[str, Any]]:
    """A day in service from end to end, without a window, in one state: of each day and state."""
    for stretch in stretches:
        presence = Presence((stretch.span,), ())
        bases = stretch.bases(presence)
        for state in _SAID:
            history = _history([Turn(stretch.span.start, state)], presence)
            for day in stretch.days:
                yield _row(stretch.month, day, bases[day.end], history) | {"state": str(state)}


def _still(turns: Ledger, presence: Presence, whole: Span) -> Iterator[tuple[str, datetime, datetime]]:
    """Runs of whole days in one state, counted from end to end: when the first and the last of them end."""
    counted = without(presence.service, presence.maintenance)
    ends = [turn.at for turn in turns[1:]] + [whole.end]
    for turn, end in zip(turns, ends, strict=True):
        for span in touching(counted, Span(turn.at, max(turn.at, end))):
            first = _day_end(max(span.start, turn.at) - MOMENT) + timedelta(days=1)
            last = _day_start(min(span.end, end, whole.end))
            if first <= last:
                yield turn.state, first, last


def _day_start(at: datetime) -> datetime:
    return midnight(at.astimezone(ZONE).date(), ZONE)


def _day_end(at: datetime) -> datetime:
    return _day_start(at) + timedelta(days=1)
