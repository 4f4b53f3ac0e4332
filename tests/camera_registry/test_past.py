"""What a preview says of a past is what would have been, or was, written then; and of a whole summer."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from sqlalchemy import func, insert, select, update
from typer.testing import CliRunner, Result

from camera_registry import handling, incident_book, ingest, models, outages
from camera_registry.alerts import past, routes, rules
from camera_registry.alerts.outbox import State
from camera_registry.alerts.preview import Preview, preview
from camera_registry.alerts.routing import Kind
from camera_registry.alerts.rules import CITY_RULES, WARD_RULES, Policy
from camera_registry.audit import Actor
from camera_registry.cli import app
from camera_registry.db import Database
from camera_registry.facts import Change
from camera_registry.ingest import Ingest
from camera_registry.models import AlertChannel, Incident, Message, Subscription
from camera_registry.units import Scope
from camera_registry.uptime import Span
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, Memory, ProbeResult, Verdict
from tests.camera_registry.cuts import EYES, Book, fill
from tests.camera_registry.towns import found
from tests.camera_registry.watching import Clock
from tests.databases import sqlite_in

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
BEGIN = datetime(2026, 9, 6, 0, tzinfo=ZONE).astimezone(UTC)  # a Sunday
STEP = timedelta(minutes=30)
STEPS = 80  # until a Monday afternoon
SEED = 11  # in which there is a message of nearly every kind, and much is held
AN = Actor("an", "cli")
OK, CUT = (Outcome.OK, Reason.OK), (Outcome.FAILING, Reason.TCP_TIMEOUT)
BLACK, DRIFT = (Outcome.FAILING, Reason.PICTURE_BLACK), (Outcome.FAILING, Reason.CLOCK_DRIFT)

# As the default, but that all its times are whole steps.
NIGHT = (time(22, 0), time(5, 30))
POLICY = Policy(replace(CITY_RULES, least=STEP), replace(WARD_RULES, least=STEP, per_week=2, quiet=NIGHT))


def faults(chance: random.Random) -> dict[tuple[str, Check], list[tuple[Outcome, Reason]]]:
    """What every check of every eye says, step by step: cuts of points and of single eyes, some that flap,
    pictures that are black and clocks that drift."""
    said = {
        (eye, check): [OK] * STEPS for eye in EYES for check in (Check.STREAM, Check.PICTURE, Check.CLOCK)
    }

    def fails(eyes: list[str], check: Check, how: tuple[Outcome, Reason], lasts: int) -> None:
        begin = chance.randrange(2, STEPS)
        for eye in eyes:
            said[eye, check][begin : begin + lasts] = [how] * len(said[eye, check][begin : begin + lasts])

    for _ in range(8):
        point = chance.choice(("P1", "P2"))
        fails([eye for eye in EYES if EYES[eye] == point], Check.STREAM, CUT, chance.choice((3, 8, 60)))
    fails(["E1", "E2", "E3", "E4", "E5"], Check.STREAM, CUT, 9)
    for _ in range(6):
        fails([chance.choice(("E1", "E2", "E3", "E4", "E6"))], Check.STREAM, CUT, chance.choice((4, 20, 50)))
    for n in range(5):  # and one that flaps
        said["E5", Check.STREAM][38 + 4 * n : 40 + 4 * n] = [CUT, CUT]
    for eye in ("E1", "E3"):
        fails([eye], Check.PICTURE, BLACK, 30)
        fails([eye], Check.CLOCK, DRIFT, 40)
    return said


def lived(book: Book, seed: int) -> None:
    """Three days: each half an hour is delivered, folded and routed, and some incidents are taken in hand."""
    chance = random.Random(seed)
    said = faults(chance)
    for n in range(STEPS):
        now = book.clock.now = BEGIN + n * STEP
        book.deliver(
            [
                ProbeResult(
                    eye, now, Depth.DEEP, 0.1, tuple(
                        Verdict(check, *said[eye, check][n], STEP.total_seconds())
                        for check in (Check.STREAM, Check.PICTURE, Check.CLOCK)
                    ), memory=Memory(),
                )
                for eye in EYES
            ]
        )  # fmt: skip
        with book.database.transaction() as session:
            for incident in outages.incidents(session, Scope.everything(), now, ZONE):
                if incident.ended_at is None and chance.random() < 0.02:
                    handling.acknowledge(session, AN, now, incident)
        routes.route(book.database, ZONE, now)


def written(database: Database) -> dict[str, list[tuple[datetime, str, str, bool]]]:
    """By unit (the city desk's is empty): when, which kind, about what, and whether it was held."""
    with database.reading() as session:
        rows = session.execute(
            select(
                func.coalesce(models.Unit.uid, ""),
                Message.made_at,
                Message.kind,
                Message.occasion,
                Message.state,
            )
            .join(AlertChannel, AlertChannel.id == Message.channel_id)
            .outerjoin(models.Unit, models.Unit.id == AlertChannel.unit_id)
            .order_by(Message.id)
        ).all()
    found: dict[str, list[tuple[datetime, str, str, bool]]] = {}
    for uid, made_at, kind, occasion, state in rows:
        found.setdefault(uid, []).append((made_at, kind, about(occasion), state == State.HELD))
    return found


def about(occasion: str) -> str:
    """A digest's number of its subscription is no matter."""
    return occasion.rpartition(":")[0] if occasion.startswith("digest:") else occasion


def previewed(database: Database, policy: Policy, period: Span) -> Preview:
    with database.reading() as session:
        return preview(past.read(session, ZONE, period), policy, ZONE)


def test_is_what_was_written(tmp_path: Path) -> None:
    database = fill(sqlite_in(tmp_path))
    book = Book(database)
    with database.transaction() as session:
        session.execute(update(models.Site).values(interval_s=round(STEP.total_seconds())))
    routes.route(database, ZONE, BEGIN)
    with database.transaction() as session:
        for subscription in session.scalars(select(Subscription)):
            wanted = POLICY.city if subscription.unit_id is None else POLICY.ward
            subscription.rules = rules.to_json(wanted)
    lived(book, SEED)
    told = previewed(database, POLICY, Span(BEGIN, BEGIN + STEPS * STEP))

    foreseen = {
        hearer.uid: [(each.at, str(each.kind), about(each.occasion), each.held) for each in hearer.said]
        for hearer in (told.city, *told.wards)
        if hearer.said
    }
    assert foreseen == written(database)
    kinds = {(kind, held) for said in foreseen.values() for _, kind, _, held in said}
    for held, some in (
        (False, (Kind.OPENED, Kind.RECOVERED, Kind.MORNING, Kind.HELD, Kind.WEEKLY)),
        (True, (Kind.OPENED, Kind.NOTICE, Kind.UNSTABLE)),
    ):
        assert kinds >= {(str(kind), held) for kind in some}
    database.close()


# --- what probes found, as it is read ---------------------------------------------------------------


def day(number: float) -> datetime:
    return BEGIN + timedelta(days=number)


FINDING = {"eye_id": 1, "reason": "STREAM_OPEN_NO_AUTH", "evidence": "rtp"}
SNAPSHOT = FINDING | {"reason": "SNAPSHOT_OPEN_NO_AUTH", "evidence": "image"}
EVENT = {"device_id": 1, "before": "a", "after": "b"}
TURN = {"eye_id": 1, "reason": "CLOCK_DRIFT", "recorded_at": day(9)}


@pytest.mark.parametrize(
    ("table", "rows", "expected"),
    [
        pytest.param(
            models.Finding,
            [FINDING | {"first_at": day(1), "last_at": day(2), "gone_at": day(3)}],
            ["1 exposure", "3 -"],
            id="open to anyone, and mended",
        ),
        pytest.param(
            models.Finding,
            [
                FINDING | {"first_at": day(1), "last_at": day(2), "gone_at": day(3)},
                SNAPSHOT | {"first_at": day(2), "last_at": day(2), "gone_at": None},
            ],
            ["1 exposure", "3 -", "3 exposure", "10 -"],
            id="of two proofs one at a time",
        ),
        pytest.param(
            models.Finding,
            [FINDING | {"first_at": day(-1), "last_at": day(2), "gone_at": None}],
            [],
            id="open before",
        ),
        pytest.param(
            models.DeviceEvent,
            [EVENT | {"at": day(1), "kind": Change.FIRMWARE, "confirmed_at": day(2)}],
            ["1 firmware", "9 -"],
            id="another firmware",
        ),
        pytest.param(
            models.DeviceEvent,
            [EVENT | {"at": day(1), "kind": Change.SERIAL, "confirmed_at": day(2)}],
            ["1 firmware", "2 -"],
            id="another device, until confirmed",
        ),
        pytest.param(
            models.Transition,
            [
                TURN | {"ledger": "clock", "at": day(1), "before": "ok", "after": "failing"},
                TURN | {"ledger": "clock", "at": day(2), "before": "failing", "after": "unknown"},
                TURN | {"ledger": "recording", "at": day(4), "before": "ok", "after": "failing"},
                TURN | {"ledger": "stream", "at": day(5), "before": "ok", "after": "failing"},
            ],
            ["1 clock", "2 -", "4 retention", "10 -"],
            id="ledgers of checks",
        ),
    ],
)
def test_what_probes_found_is_known_while_it_is_so(
    database_url: str, table: type[models.Base], rows: list[dict[str, Any]], expected: list[str]
) -> None:
    database = fill(database_url)
    with database.transaction() as session:
        session.execute(insert(table), rows)
    with database.reading() as session:
        read = past.read(session, ZONE, Span(BEGIN, day(10)))
    wards = {ward.uid: ward.stands for ward in read.wards}

    assert [
        f"{(stand.at - BEGIN) / timedelta(days=1):g} {stand.occasion.what if stand.occasion else '-'}"
        for stand in read.city
    ] == expected
    assert (wards["u-1"], wards["u-2"]) == (read.city, []), "E1 stands in the first unit"
    database.close()


# --- a city that was dead before the first day ------------------------------------------------------


def test_eyes_that_never_worked_make_no_storm(tmp_path: Path) -> None:
    """300 of them: nobody hears of any, but that they stand in the week's list of the city desk."""
    database = Database(sqlite_in(tmp_path))
    with database.transaction() as session:
        found(session, [30] * 10)
    clock = Clock(BEGIN)
    judge = Ingest(database, ingest.rules(confirm_after=2), clock)
    for hour in (0, 1, 2):
        clock.now = BEGIN + timedelta(hours=hour)
        verdicts = (Verdict(Check.STREAM, *CUT, timedelta(days=30).total_seconds()),)
        judge.deliver(
            f"{hour}",
            [
                ProbeResult(f"E{eye}", clock.now, Depth.LIVENESS, 0.1, verdicts, memory=Memory())
                for eye in range(1, 301)
            ],
        )
        incident_book.fold(database, ZONE, clock.now)
    for hour in (day + hour for day in range(0, 9 * 24, 24) for hour in (7, 12, 22)):
        clock.now = BEGIN + timedelta(hours=hour)
        routes.route(database, ZONE, clock.now)
    with database.reading() as session:
        told = session.execute(
            select(AlertChannel.unit_id, Message.kind, Message.text).join(Message).order_by(Message.id)
        ).all()
    told_wards = [kind for unit, kind, _ in told if unit is not None]
    weekly = [text for _, kind, text in told if kind == Kind.WEEKLY]

    assert told_wards == []
    assert {kind for _, kind, _ in told} <= {Kind.DAILY, Kind.WEEKLY}
    assert len(weekly) == 2, "there are two Mondays"
    assert all("300" in text for text in weekly)
    assert previewed(database, Policy(), Span(BEGIN, clock.now)).wards[0].said == []
    database.close()


# --- the command ------------------------------------------------------------------------------------


@pytest.fixture
def run(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Result]]:
    """At a terminal, after a cut of a whole point of two eyes on the second day."""
    database = fill(database_url)
    with database.transaction() as session:
        cut = {"from_at": day(1.5), "to_at": day(1.6)}
        session.add(
            Incident(
                kind="point", ancestor_id=1, started_at=cut["from_at"], announced_at=cut["from_at"],
                ended_at=cut["to_at"], recorded_at=cut["from_at"],
                members=[models.IncidentEye(eye_id=eye, **cut) for eye in (1, 2)],
            )
        )  # fmt: skip
    monkeypatch.setenv("CAMERA_REGISTRY_DATABASE_URL", database_url)
    monkeypatch.setenv("CAMERA_REGISTRY_DATA_DIR", str(tmp_path))
    yield lambda words: CliRunner().invoke(app, ["alerts", "preview", *words.split()])
    database.close()


PERIOD = "--since 2026-09-06 --until 2026-09-16"


def test_a_preview_at_the_terminal(run: Callable[[str], Result]) -> None:
    shown = run(PERIOD)

    assert shown.exit_code == 0, shown.output
    course = [line.split()[-1] for line in shown.output.splitlines()[-4:-1]]
    assert course == ["▁▁▁▁▁▁▁▁▁▁", "·▂········", "··········"]
    (row,) = (line for line in shown.output.splitlines() if "U1" in line and "│" in line)
    assert [cell.strip() for cell in row.split("│")[1:4]] == ["U1", "2", "1"]


def test_a_policy_that_says_more_or_less(run: Callable[[str], Result], tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[ward]\nleast = "3h"\nweekly = 0\n')
    shown = orjson.loads(run(f"{PERIOD} --json --policy {policy}").output)

    assert [(ward["uid"], ward["by_kind"]) for ward in shown["wards"]] == [
        ("u-1", {"weekly": 2}),
        ("u-2", {"weekly": 2}),
    ]
    assert shown["wards"][0]["said"][:1] == [
        {
            "at": "2026-09-07T06:30:00+07:00",
            "kind": "weekly",
            "occasion": "digest:2026-09-07T06:30:1",
            "escalated": False,
            "tells": [],
        }
    ]
    assert (shown["from"], shown["policy"]["ward"]["least"]) == ("2026-09-06T00:00:00+07:00", "3h")


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("--since 500d", id="too long ago"),
        pytest.param("--since 3w", id="no period"),
        pytest.param("--since 2026-09-16 --until 2026-09-06", id="ends before it begins"),
        pytest.param("--policy /nowhere.toml", id="no such file"),
    ],
)
def test_words_that_mean_nothing(run: Callable[[str], Result], words: str) -> None:
    refused = run(words)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr
