"""The outbox: who sends what, in which order, how often, and until when."""

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from camera_registry.alerts import outbox
from camera_registry.alerts.channels import Kind
from camera_registry.alerts.outbox import MOST_TRIES, Due, OutboxError, State
from camera_registry.audit import Actor
from camera_registry.db import Database
from camera_registry.models import AlertChannel, Audit, Incident, Message
from tests.camera_registry.cuts import at

NOW = at(0)
ACTOR = Actor("operator", "cli")
ALL = tuple(Kind)


def channel(database: Database, name: str = "one", kind: Kind = Kind.WEBHOOK) -> int:
    with database.transaction() as session:
        row = AlertChannel(
            name=name, kind=str(kind), language="vi", made_at=NOW, made_by="x", sealed=b"", shown="", error=""
        )
        session.add(row)
        session.flush()
        return row.id


def say(
    database: Database, over: int, *kinds: str, occasion: str = "incident:1", now: datetime = NOW
) -> list[int]:
    with database.transaction() as session:
        return [
            outbox.put(
                *(session, now), channel_id=over, occasion=occasion, kind=kind, title=kind, text="x", told={}
            )
            for kind in kinds
        ]


def lease(
    database: Database, now: datetime = NOW, most: int = 10, besides: Collection[int] = ()
) -> list[Due]:
    return outbox.lease(database, now, most, 60, over=ALL, besides=besides)


def message(database: Database, number: int) -> Message:
    with database.transaction() as session:
        return session.get_one(Message, number)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_one_message_of_a_channel_at_a_time_and_those_of_an_occasion_in_order(database: Database) -> None:
    one, other = channel(database), channel(database, "other")
    say(database, one, "opened", "recovered")
    say(database, one, "opened", occasion="incident:2", now=after(1))
    say(database, other, "opened")
    now = after(2)
    first = lease(database, now)
    assert [(due.channel, due.kind, due.occasion) for due in first] == [
        ("one", "opened", "incident:1"),
        ("other", "opened", "incident:1"),
    ]
    assert lease(database, now) == [], "one is under way"
    outbox.failed(database, first[0], now, "HTTP 503")
    assert [due.occasion for due in lease(database, now)] == ["incident:2"], "what opened is not over before"
    again = lease(database, after(32))
    assert again == [], "incident:2 is still under way"
    for due in lease(database, after(63)):  # who had leased the others is gone
        outbox.sent(database, due, after(63))
    assert [(due.kind, due.tries) for due in lease(database, after(63))] == [("opened", 2)]


@pytest.mark.parametrize(
    ("changed", "given"),
    [
        pytest.param({}, 1, id="due"),
        pytest.param({"due_at": after(1)}, 0, id="not-yet"),
        pytest.param({"state": "held"}, 0, id="held"),
        pytest.param({"state": "dead"}, 0, id="dead"),
        pytest.param({"state": "sent"}, 0, id="sent"),
        pytest.param({"leased_until": after(1)}, 0, id="somebody-sends-it"),
        pytest.param({"leased_until": after(-1)}, 1, id="somebody-was-killed"),
    ],
)
def test_what_is_due(database: Database, changed: dict[str, object], given: int) -> None:
    (number,) = say(database, channel(database), "opened")
    with database.transaction() as session:
        for name, value in changed.items():
            setattr(session.get_one(Message, number), name, value)
    assert len(lease(database)) == given


def test_whose_turn_it_is(database: Database) -> None:
    mail, hook = channel(database, "mail", Kind.EMAIL), channel(database, "hook")
    stopped = channel(database, "stopped")
    for over in (mail, hook, stopped):
        say(database, over, "opened")
    with database.transaction() as session:
        session.get_one(AlertChannel, stopped).stopped_at = NOW
    assert outbox.lease(database, NOW, 9, 60, over=[Kind.ZALO]) == []
    assert lease(database, besides=[mail, hook]) == []
    assert [due.channel for due in outbox.lease(database, NOW, 9, 60, over=[Kind.EMAIL])] == ["mail"]
    assert [due.channel for due in lease(database, most=1)] == ["hook"]


def test_two_processes_never_get_the_same(database_url: str) -> None:
    """Each with a database of its own, as fast as they can."""
    databases = [Database(database_url) for _ in range(2)]
    try:
        for number in range(4):
            over = channel(databases[0], f"c{number}")
            say(databases[0], over, *(f"k{n}" for n in range(5)))

        def drain(database: Database) -> Iterator[int]:
            while found := lease(database, most=2):
                for due in found:
                    outbox.sent(database, due, NOW)
                    yield due.id

        with ThreadPoolExecutor(2) as pool:
            one, other = (list(ids) for ids in pool.map(lambda each: list(drain(each)), databases))
        assert sorted(one + other) == list(range(1, 21))
    finally:
        for database in databases:
            database.close()


def waited(database: Database) -> list[str]:
    """What became of each message."""
    with database.reading() as session:
        rows = session.execute(select(Message.occasion, Message.kind, Message.state).order_by(Message.id))
        return [f"{occasion} {kind} {state}" for occasion, kind, state in rows]


@pytest.mark.parametrize(
    ("hours", "kinds", "expected"),
    [
        pytest.param(5, ["opened", "recovered"], ["waiting", "waiting"], id="of this morning"),
        pytest.param(7, ["opened", "recovered"], ["dropped", "dropped"], id="began and ended, of yesterday"),
        pytest.param(7, ["opened", "reminder_1d", "recovered"], ["dropped"] * 3, id="and all between"),
        pytest.param(7, ["opened"], ["waiting"], id="began yesterday"),
        pytest.param(71, ["recovered", "weekly"], ["waiting", "waiting"], id="two days old"),
        pytest.param(73, ["opened", "weekly"], ["dropped", "dropped"], id="three days old"),
    ],
)
def test_what_has_waited_for_too_long_is_dropped(
    database: Database, hours: int, kinds: list[str], expected: list[str]
) -> None:
    over = channel(database)
    say(database, over, *kinds)
    now = NOW + timedelta(hours=hours)
    found = lease(database, now)
    assert [line.split()[-1] for line in waited(database)] == expected
    assert [due.kind for due in found] == (kinds[:1] if "waiting" in expected else [])
    row = message(database, 1)
    assert row.error == ("waited too long" if row.state == "dropped" else "")


def test_after_weeks_it_is_said_that_something_began_that_goes_on(database: Database) -> None:
    """And not that something ended which nobody heard of."""
    over = channel(database)
    with database.transaction() as session:
        for number, ended_at in ((1, None), (2, NOW)):
            session.add(
                Incident(
                    id=number,
                    kind="point",
                    ancestor_id=1,
                    started_at=NOW,
                    announced_at=NOW,
                    recorded_at=NOW,
                    ended_at=ended_at,
                )
            )
    for number in (1, 2):
        (made,) = say(database, over, "opened", occasion=f"incident:{number}")
        with database.transaction() as session:
            session.get_one(Message, made).incident_id = number
    now = NOW + timedelta(days=29)
    (due,) = lease(database, now)
    assert due.occasion == "incident:1"
    outbox.sent(database, due, now)
    say(database, over, "recovered", now=now)
    say(database, over, "recovered", occasion="incident:2", now=now)
    (due,) = lease(database, now)
    assert due.occasion == "incident:1"
    assert waited(database) == [
        "incident:1 opened sent",
        "incident:2 opened dropped",
        "incident:1 recovered waiting",
        "incident:2 recovered dropped",
    ]


def test_what_a_person_has_sent_again_is_sent_however_old(database: Database) -> None:
    over = channel(database)
    (number,) = say(database, over, "opened")
    outbox.failed(database, lease(database)[0], NOW, "HTTP 404", for_good=True)
    say(database, over, "recovered")
    now = NOW + timedelta(days=2)
    with database.transaction() as session:
        outbox.resend(session, ACTOR, now, number, "the address was wrong")
    (due,) = lease(database, now)
    assert due.kind == "opened"


@pytest.mark.parametrize(
    ("changed", "given"),
    [
        pytest.param({"due_at": NOW + timedelta(hours=1)}, 0, id="waits-for-an-hour"),
        pytest.param({"due_at": NOW + timedelta(days=1), "made_at": NOW + timedelta(days=1)}, 1, id="due"),
        pytest.param({"leased_until": NOW + timedelta(minutes=2)}, 0, id="somebody-sends-it"),
        pytest.param({"leased_until": NOW + timedelta(days=1)}, 1, id="leased"),
    ],
)
def test_what_a_clock_that_was_ahead_wrote_is_due(
    database: Database, changed: dict[str, datetime], given: int
) -> None:
    over = channel(database)
    (number,) = say(database, over, "opened")
    with database.transaction() as session:
        for name, value in changed.items():
            setattr(session.get_one(Message, number), name, value)
    assert len(lease(database)) == given


def test_a_channel_that_fails_is_tried_for_half_a_day(database: Database) -> None:
    over = channel(database)
    (number,) = say(database, over, "opened")
    now, waits = NOW, []
    while True:
        (due,) = lease(database, now)
        state = outbox.failed(database, due, now, "HTTP 503")
        if state is State.DEAD:
            break
        waits.append(message(database, number).due_at - now)
        assert lease(database, message(database, number).due_at - timedelta(seconds=1)) == []
        now = message(database, number).due_at
    assert [wait.total_seconds() for wait in waits[:5]] == [30, 120, 480, 1920, 3600]
    assert len(waits) == MOST_TRIES - 1
    assert timedelta(hours=10) < now - NOW < timedelta(hours=13)
    with database.reading() as session:
        row = session.get_one(AlertChannel, over)
        assert (row.failing_since, row.error) == (NOW, "HTTP 503")
    assert message(database, number).error == "HTTP 503"


def test_failures_of_each_kind(database: Database) -> None:
    over = channel(database)
    final, patient = say(database, over, "a", occasion="x"), say(database, over, "b", occasion="y")
    (due,) = lease(database)
    assert outbox.failed(database, due, NOW, "HTTP 410", for_good=True) is State.DEAD
    (due,) = lease(database)
    wait = timedelta(minutes=7)
    assert outbox.failed(database, due, NOW, "HTTP 429", wait=wait) is State.WAITING
    assert (message(database, final[0]).state, message(database, patient[0]).due_at) == ("dead", NOW + wait)
    (due,) = lease(database, NOW + wait)
    outbox.sent(database, due, NOW + wait)
    with database.reading() as session:
        row = session.get_one(AlertChannel, over)
        assert (row.failing_since, row.error) == (None, "")
    sent = message(database, patient[0])
    assert (sent.state, sent.sent_at, sent.error) == ("sent", NOW + wait, "")


def test_whoever_lost_the_lease_changes_nothing_but_that_it_arrived(database: Database) -> None:
    (number,) = say(database, channel(database), "opened")
    (slow,) = lease(database)
    (quick,) = lease(database, after(61))
    outbox.failed(database, slow, after(62), "too late", for_good=True)
    assert message(database, number).state == "waiting"
    outbox.sent(database, slow, after(63))
    outbox.failed(database, quick, after(64), "HTTP 500")
    assert (message(database, number).state, message(database, number).error) == ("sent", "")


def test_a_dead_message_is_sent_again_when_somebody_says_so(database: Database) -> None:
    over = channel(database)
    (number,) = say(database, over, "opened")
    outbox.failed(database, lease(database)[0], NOW, "HTTP 404", for_good=True)
    with database.transaction() as session:
        outbox.resend(session, ACTOR, after(5), number, "the address was wrong")
    (due,) = lease(database, after(5))
    assert due.tries == 1
    with database.reading() as session:
        found = session.scalars(select(Audit)).one()
        assert (found.action, found.subject) == ("message_resent", f"message:{number}")
    with pytest.raises(OutboxError), database.transaction() as session:
        outbox.resend(session, ACTOR, NOW, number, "it is on its way")


def test_what_waits_for_a_stopped_channel_is_dropped(database: Database) -> None:
    over = channel(database)
    say(database, over, "a", "b")
    (due,) = lease(database)
    outbox.sent(database, due, NOW)
    with database.transaction() as session:
        assert outbox.drop(session, over) == 1
        states = session.scalars(select(Message.state).order_by(Message.id)).all()
    assert states == ["sent", "dropped"]


def test_an_inbox_has_what_is_written(database: Database) -> None:
    (number,) = say(database, channel(database, kind=Kind.INBOX), "test")
    assert (message(database, number).state, message(database, number).sent_at) == ("sent", NOW)
    assert lease(database) == []
