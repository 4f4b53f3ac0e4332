"""Messages as they are written: counted, over both databases, for wards and the city desk."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import event, select, update
from structlog.testing import capture_logs

from camera_registry import handling, models, outages, sites
from camera_registry.alerts import policy_words, reading, routes, rules
from camera_registry.alerts.rules import WARD_RULES, Rules
from camera_registry.audit import Actor
from camera_registry.db import Database
from camera_registry.models import AlertChannel, Message, Subscription
from camera_registry.units import Scope
from probes.result import ProbeResult
from tests.camera_registry.cuts import EYES, STORY, Book, at, fill, minute, result, story

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")  # where noon in UTC is 19:00
ALICE = Actor("alice", "cli")
CUT = story(**dict.fromkeys(("E1", "E2", "E3", "E4", "E5"), "ooo" + "f" * 30 + "oo"))  # of all that U1 has


@pytest.fixture
def book(database_url: str) -> Iterator[Book]:
    database = fill(database_url)
    routes.route(database, ZONE, at(-60))  # the inboxes of the desk (1), of U1 (2) and of U2 (3)
    yield Book(database)
    database.close()


def live(book: Book, results: Sequence[ProbeResult], until: float, begin: float = 0) -> None:
    """In steps of five minutes: delivered as they are made, folded, routed."""
    now = begin
    while now <= until:
        book.clock.now = at(now)
        book.judge.tick(at(now))
        book.deliver([each for each in results if at(now - 5) < each.at <= at(now)])
        routes.route(book.database, ZONE, at(now))
        now += 5


def messages(book: Book) -> list[Message]:
    with book.database.reading() as session:
        rows = list(session.scalars(select(Message).order_by(Message.id)))
        session.expunge_all()
        return rows


def told(book: Book) -> list[str]:
    return [f"{row.channel_id} {row.kind} {minute(row.made_at)} {row.state}" for row in messages(book)]


def subscribe(book: Book, kind: str, wanted: Rules, unit: int | None = None, site: int | None = None) -> int:
    with book.database.transaction() as session:
        channel = AlertChannel(
            name=f"{kind} {unit} {site}", kind=kind, unit_id=unit, language="en", made_at=at(-60), made_by="a"
        )
        session.add(channel)
        session.flush()
        session.add(
            Subscription(
                channel_id=channel.id,
                unit_id=unit,
                site_id=site,
                rules=rules.to_json(wanted),
                made_at=at(-60),
                made_by="a",
            )
        )
        return channel.id


def test_an_area_is_one_incident_and_two_messages_a_channel(book: Book) -> None:
    """T10."""
    live(book, CUT, 40)
    assert told(book) == [
        "1 opened 15 sent",
        "2 opened 15 sent",
        "1 recovered 35 sent",
        "2 recovered 35 sent",
    ]
    (opened, *_) = messages(book)
    assert opened.text.startswith("[MẤT KẾT NỐI] U1, 3 điểm")
    assert (opened.told["eyes_away"], opened.told["eyes_of"], opened.unit_id) == (5, 5, None)


def test_a_site_that_is_not_heard_is_one_message(book: Book) -> None:
    """T11: to who asked for sites; the outages of its eyes open nothing."""
    every = subscribe(book, "webhook", Rules(what=rules.CITY, quiet=None), unit=2)
    with book.database.transaction() as session:
        sites.heard(session, 1, at(0), at(10), 10)
    live(book, story(**dict.fromkeys(EYES, "o" * 11)), 60)
    with book.database.transaction() as session:
        sites.heard(session, 1, at(70), at(80), 10)
    live(book, [result(eye, m, "o") for eye in EYES for m in range(70, 80)], 80, begin=70)
    kinds = Counter((row.channel_id, row.kind) for row in messages(book))
    assert kinds == {(channel, kind): 1 for channel in (1, every) for kind in ("opened", "recovered")}
    eyes = {row.channel_id: row.told["eyes"] for row in messages(book) if row.kind == "opened"}
    assert eyes == {1: sorted(EYES), every: ["E6"]}, "who hears of a unit hears of its eyes alone"


@pytest.mark.parametrize("answers", [True, False])
def test_after_a_long_stop_of_the_registry_silence_counts_anew(book: Book, answers: bool) -> None:
    """A site that posts its results could not, for three days: it is not lost before it is silent again."""
    with book.database.transaction() as session:
        session.execute(update(models.Site).values(delivered=True))
        sites.heard(session, 1, at(0), at(10), 10)
    live(book, story(**dict.fromkeys(EYES, "o" * 11)), 10)
    again = 3 * 24 * 60
    live(book, [], again, begin=again)
    for minutes in (again + 5, again + 10, again + 15):
        if answers:
            with book.database.transaction() as session:
                sites.beat(session, 1, at(minutes), 100)
        live(book, [], minutes, begin=minutes)
    opened = [] if answers else ["1 opened"]
    assert [line[:8] for line in told(book) if " opened" in line] == opened
    live(book, [], again + 300, begin=again + 295)  # stopped once more, while it is lost
    with book.database.reading() as session:
        begun = session.scalars(
            select(models.Incident.started_at).where(models.Incident.kind == "site")
        ).all()
    assert begun == ([] if answers else [at(again) + timedelta(seconds=10)])


def test_what_comes_late_and_is_over_makes_no_message(book: Book) -> None:
    """T15."""
    live(book, story(**dict.fromkeys(EYES, "ooo")), 3)
    live(book, [], 360, begin=355)
    book.clock.now = at(361)
    late = [
        result(eye, m, "f" if 60 < m < 120 and eye != "E6" else "o") for eye in EYES for m in range(3, 361)
    ]
    book.deliver(late)
    live(book, [result(eye, m, "o") for eye in EYES for m in range(362, 372)], 371, begin=366)
    assert [row.kind for row in book.rows()] == ["area"]
    assert messages(book) == []


def test_a_point_whose_other_eye_was_long_dead(book: Book) -> None:
    """T20: one incident of the eyes that fell, told of those in service there."""
    with book.database.transaction() as session:
        for number in (7, 8, 9):
            session.add(models.Device(id=number, code=f"D{number}", point_id=1, site_id=1, host="127.0.0.1"))
            session.flush()
            session.add(models.Eye(id=number, code=f"E{number}", device_id=number, commissioned_at=at(-600)))
    lines = {f"E{n}": "ooo" + "f" * 30 for n in (1, 2, 7, 8)} | {
        "E9": "f" * 33,
        "E3": "o" * 33,
        "E6": "o" * 33,
    }
    live(book, story(**lines), 20)
    assert told(book) == ["2 opened 15 sent"], "the desk hears of it when nobody has it in hand"
    (row,) = messages(book)
    assert (row.told["point"], row.told["eyes"], row.told["eyes_of"]) == ("P1", ["E1", "E2", "E7", "E8"], 5)


def test_a_subscription_of_a_site_hears_of_its_eyes_alone(book: Book) -> None:
    with book.database.transaction() as session:
        session.add(models.Site(id=2, code="S2"))
        session.flush()
        session.execute(update(models.Device).where(models.Device.id.in_((1, 2))).values(site_id=2))
    mail = subscribe(book, "email", replace_quiet(WARD_RULES), site=2)
    live(book, CUT, 15)
    (row,) = (row for row in messages(book) if row.channel_id == mail)
    assert (row.told["eyes"], row.told["point"], row.unit_id) == (["E1", "E2"], "P1", None)


def test_nobody_has_it_in_hand(book: Book) -> None:
    live(book, story(E1="ooo" + "f" * 20, E2="ooo" + "f" * 20), 20)
    assert told(book) == ["2 opened 15 sent"]
    routes.route(book.database, ZONE, at(252))
    assert len(messages(book)) == 1
    routes.route(book.database, ZONE, at(253.5))
    assert told(book)[1:] == ["1 opened 253.5 sent"]


def test_somebody_has_it_in_hand(book: Book) -> None:
    live(book, story(E1="ooo" + "f" * 20, E2="ooo" + "f" * 20), 20)
    with book.database.transaction() as session:
        (row,) = outages.incidents(session, Scope.everything(), at(30), ZONE)
        handling.acknowledge(session, ALICE, at(30), row)
    for minutes in (253.5, 300, 700):
        routes.route(book.database, ZONE, at(minutes))
    assert [line for line in told(book) if line.startswith("1 opened")] == []


def test_the_night_and_the_morning(book: Book) -> None:
    """At 22:00 a point falls; of a night there is one digest at 06:30."""
    live(book, [result(eye, m, "o") for eye in EYES for m in (178, 179)], 179, begin=179)
    fallen = [result(eye, m, "f") for eye in ("E1", "E2") for m in range(180, 200)]
    back = [result(eye, 200, "o") for eye in ("E1", "E2")]
    others = [result(eye, m, "o") for eye in ("E3", "E4", "E5", "E6") for m in range(180, 201)]
    live(book, [*fallen, *back, *others], 200, begin=185)
    assert told(book) == ["2 opened 195 held", "2 recovered 200 held"]
    for minutes in (600, 689, 690.5, 691, 700):
        routes.route(book.database, ZONE, at(minutes))
    assert [line for line in told(book) if line.startswith("2 ")][2:] == ["2 morning 690.5 sent"]
    morning = next(row for row in messages(book) if row.kind == "morning")
    assert morning.unit_id == 1
    assert all(row.sent_at == at(690.5) for row in messages(book) if row.state == "held")


def test_backlog_and_what_was_before_make_no_message(book: Book) -> None:
    with book.database.transaction() as session:
        session.execute(update(models.AlertCursor).values(began_at=at(20)))
    live(book, story(E1="ooo" + "f" * 60, E2="ooo" + "f" * 60, E3="f" * 60, E4="f" * 60), 60)
    assert messages(book) == []


def test_an_unstable_eye_is_told_once(book: Book) -> None:
    at_once = subscribe(book, "webhook", Rules(quiet=None, alone=timedelta(0), per_week=0), unit=2)
    flaps = "".join("o" * 5 + "f" * 15 for _ in range(6)) + "oo"
    live(book, story(E6=flaps), 125)
    kinds = Counter(row.kind for row in messages(book) if row.channel_id == at_once)
    assert kinds == {"opened": 6, "recovered": 6}, "nobody was told yet that it is unstable"
    routes.route(book.database, ZONE, at(690.5))
    again = [result("E6", 695 + m, "f" if m < 15 else "o") for m in range(20)]
    live(book, again, 720, begin=695)
    (digest, unstable) = sorted(
        (row for row in messages(book) if row.channel_id == at_once and row.made_at >= at(690.5)),
        key=lambda row: row.kind,
    )
    assert (unstable.kind, digest.kind, unstable.occasion[:10]) == ("unstable", "morning", "unstable:6")


def test_a_ward_hears_nothing_of_another(book: Book) -> None:
    """Over every kind of occasion, and in every digest."""
    everything = Rules(
        what=rules.CITY, quiet=None, daily=True, per_hour=60, per_week=0, backlog=True, weekly=2
    )
    other = subscribe(book, "email", everything, unit=2)
    mine = subscribe(book, "email", everything, unit=1)
    _find_everything(book.database)
    live(book, [each for each in STORY if each.eye != "E6"], 46)
    for minutes in (723, 730, 2163, 2170):
        routes.route(book.database, ZONE, at(minutes))
    rows = messages(book)
    heard = {row.kind for row in rows if row.channel_id == mine}
    assert {"opened", "recovered", "notice", "daily", "weekly"} <= heard
    said = [f"{row.title} {row.text} {row.told}" for row in rows if row.channel_id in (3, other)]
    assert said, "its digests come"
    foreign = ("U1", "P1", "P2", "P3", "E1", "E2", "E3", "E4", "E5")
    assert [name for name in foreign for text in said if name in text] == []


def test_a_ward_reads_nothing_of_what_the_desk_hears_of_two(book: Book) -> None:
    """A channel of the desk that asked for both units is told of the whole; each of them reads its own."""
    mail = subscribe(book, "email", replace_quiet(Rules(what=rules.CITY)))
    wanted = rules.to_json(replace_quiet(Rules(what=rules.CITY)))
    with book.database.transaction() as session:
        session.execute(update(Subscription).where(Subscription.channel_id == mail).values(unit_id=1))
        session.add(Subscription(channel_id=mail, unit_id=2, rules=wanted, made_at=at(-60), made_by="a"))
        sites.heard(session, 1, at(0), at(10), 10)
    live(book, story(**dict.fromkeys(EYES, "o" * 11)), 30)
    (row,) = (row for row in messages(book) if row.channel_id == mail)
    assert row.told["eyes"] == sorted(EYES)
    with book.database.reading() as session:
        scope, day = Scope.of([1]), at(30).date()
        assert reading.page(session, scope, day, reading.Wanted()).messages == []
        assert reading.message(session, scope, day, row.id) is None
        assert reading.page(session, Scope.everything(), day, reading.Wanted(channel=mail)).messages


def _find_everything(database: Database) -> None:
    """Each eye of the first unit is open to anyone, has a wrong clock, too little footage, a new firmware."""
    with database.transaction() as session:
        for eye in range(1, 6):
            session.add(
                models.Finding(
                    eye_id=eye, reason="STREAM_OPEN_NO_AUTH", evidence="rtp", first_at=at(1), last_at=at(1)
                )
            )
            for check, reason in (("clock", "CLOCK_DRIFT"), ("recording", "RETENTION_SHORT")):
                session.merge(
                    models.Condition(
                        eye_id=eye,
                        check=check,
                        state="failing",
                        since=at(1),
                        reason=reason,
                        interval_s=300,
                        failures=3,
                        goods=0,
                    )
                )
            session.add(
                models.DeviceEvent(device_id=eye, at=at(1), kind="firmware_changed", before="1", after="2")
            )


def test_a_subscription_follows_its_unit(book: Book) -> None:
    """U1 becomes U3 on the day: who asked for U1 hears of U3, and the inbox of U1 goes on."""
    mail = subscribe(book, "email", replace_quiet(WARD_RULES), unit=1)
    today = at(0).astimezone(ZONE).date()
    with book.database.transaction() as session:
        session.get_one(models.Unit, 1).valid_to = today - timedelta(days=1)
        session.add(models.Unit(id=3, uid="u-3", code="3", name="U3", kind="ward", valid_from=today))
        session.flush()
        session.add(models.UnitSuccessor(unit_id=1, successor_id=3))
    live(book, CUT, 20)
    assert [(row.channel_id, row.kind) for row in messages(book)] == [
        (1, "opened"),
        (2, "opened"),
        (mail, "opened"),
    ]
    assert "U3" in messages(book)[1].text
    with book.database.reading() as session:
        assert len(session.scalars(select(AlertChannel)).all()) == 4, "no second inbox"


@pytest.mark.parametrize("kept", [{"mute_until": "x"}, [1], None, {"what": {}}])
def test_rules_that_nobody_can_read_silence_nobody_else(book: Book, kept: object) -> None:
    """Of a later version, say."""
    with book.database.transaction() as session:
        session.execute(update(Subscription).where(Subscription.unit_id == 2).values(rules=kept))
    with capture_logs() as logs:
        live(book, CUT, 20)
    assert told(book) == ["1 opened 15 sent", "2 opened 15 sent"]
    assert len([line for line in logs if line["log_level"] == "error"]) <= 1, "said once"
    with book.database.reading() as session:
        rows = reading.subscriptions(session, Scope.everything(), at(0).date())
        assert [row.unit for row in rows if row.rules is None] == ["U2"]
        assert policy_words.subject(None, "en").startswith("nothing")


def replace_quiet(wanted: Rules) -> Rules:
    return rules.from_json({"quiet": None}, wanted)


class Killed(Exception):
    """The process ends here."""


@pytest.mark.parametrize(
    ("statement", "nth"), [("INSERT INTO message", 1), ("INSERT INTO message", 2), ("UPDATE alert_cursor", 1)]
)
def test_killed_half_way_nothing_was_said_and_the_next_says_it(book: Book, statement: str, nth: int) -> None:
    live(book, CUT, 10)
    book.clock.now = at(15)
    book.deliver([each for each in CUT if at(10) < each.at <= at(15)])
    left = [nth]

    def kill(_connection: object, _cursor: object, text: str, *_: object) -> None:
        if text.startswith(statement):
            left[0] -= 1
            if left[0] == 0:
                raise Killed

    event.listen(book.database.engine, "before_cursor_execute", kill)
    with pytest.raises(Killed):
        routes.route(book.database, ZONE, at(15))
    assert messages(book) == []
    event.remove(book.database.engine, "before_cursor_execute", kill)
    routes.route(book.database, ZONE, at(15))
    assert told(book) == ["1 opened 15 sent", "2 opened 15 sent"]


def test_of_two_who_route_at_once_one_says_it(book: Book) -> None:
    live(book, CUT, 10)
    book.clock.now = at(15)
    book.deliver([each for each in CUT if at(10) < each.at <= at(15)])
    others = [Database(book.database.engine.url.render_as_string(hide_password=False)) for _ in range(2)]
    with ThreadPoolExecutor(2) as both:
        made = list(both.map(lambda database: routes.route(database, ZONE, at(15)), others))
    for database in others:
        database.close()
    assert sorted(made) == [0, 2]
    assert told(book) == ["1 opened 15 sent", "2 opened 15 sent"]


def test_who_waits_to_write_comes_in_between(book: Book) -> None:
    """Of a flood of messages no transaction is long, and all is decided before."""
    for number in range(2 * routes.AT_ONCE):
        subscribe(book, f"email{number}", replace_quiet(WARD_RULES), unit=1)
    live(book, CUT, 10)
    book.clock.now = at(15)
    book.deliver([each for each in CUT if at(10) < each.at <= at(15)])
    said: list[int] = [0]  # in each transaction

    def count(_connection: object, _cursor: object, text: str, *_: object) -> None:
        said[-1] += text.startswith("INSERT INTO message")

    event.listen(book.database.engine, "before_cursor_execute", count)
    event.listen(book.database.engine, "commit", lambda _connection: said.append(0))
    assert routes.route(book.database, ZONE, at(15)) == 2 * routes.AT_ONCE + 2
    assert max(said) == routes.AT_ONCE
    assert len(messages(book)) == 2 * routes.AT_ONCE + 2


@pytest.mark.parametrize("ahead", [timedelta(days=1), timedelta(days=365)])
def test_a_clock_that_was_ahead_silences_nobody(book: Book, ahead: timedelta) -> None:
    with book.database.transaction() as session:
        session.execute(update(models.AlertCursor).values(began_at=at(-60) + ahead, at=at(-50) + ahead))
        session.execute(update(Subscription).values(made_at=at(-60) + ahead))
    live(book, CUT, 20)
    assert told(book) == ["1 opened 15 sent", "2 opened 15 sent"]


def test_many_who_listen_are_told_in_one_go(book: Book) -> None:
    for number in range(routes.AT_ONCE + 5):
        subscribe(book, f"email{number}", replace_quiet(WARD_RULES), unit=1)
    live(book, CUT, 10)
    book.clock.now = at(15)
    book.deliver([each for each in CUT if at(10) < each.at <= at(15)])
    assert routes.route(book.database, ZONE, at(15)) == routes.AT_ONCE + 7
    with book.database.reading() as session:
        assert session.scalars(select(models.AlertCursor.at)).one() == at(15)


# --- an outage that becomes another incident --------------------------------------------------------

POINT = story(E1="ooo" + "f" * 38 + "oo" * 10, E2="ooo" + "f" * 38 + "oo" * 10, E6="o" * 61)
REST = story(**dict.fromkeys(("E3", "E4", "E5"), "ooo" + "f" * 38 + "oo" * 10))  # comes late, of the unit


def deliver_late(book: Book, minutes: int) -> None:
    """The rest of the unit is heard of at 30 only: what was a point's outage is an area's."""
    live(book, [*POINT, *(each for each in REST if each.at <= at(2))], 25)
    deliver_rest(book, minutes)


def deliver_rest(book: Book, minutes: int) -> None:
    book.clock.now = at(30)
    book.deliver([each for each in [*POINT, *REST] if at(2) < each.at <= at(30)])
    routes.route(book.database, ZONE, at(30))
    live(book, [*POINT, *REST], minutes, begin=35)


def test_late_results_make_another_incident_and_no_other_message(book: Book) -> None:
    deliver_late(book, 25)
    with book.database.transaction() as session:
        (row,) = outages.incidents(session, Scope.everything(), at(30), ZONE)
        assert row.kind == "area"
    assert told(book) == ["2 opened 15 sent", "1 opened 30 sent"], "the desk had not heard of the point"
    live(book, [*POINT, *REST], 60, begin=35)
    assert told(book)[2:] == ["1 recovered 45 sent", "2 recovered 45 sent"]


def test_what_was_taken_in_hand_stays_in_hand(book: Book) -> None:
    live(book, [*POINT, *(each for each in REST if each.at <= at(2))], 25)
    with book.database.transaction() as session:
        (row,) = outages.incidents(session, Scope.everything(), at(25), ZONE)
        handling.acknowledge(session, ALICE, at(25), row)
    deliver_rest(book, 35)
    with book.database.reading() as session:
        (row,) = outages.incidents(session, Scope.everything(), at(35), ZONE)
        assert [note.by for note in handling.acknowledgements(session, [row]).values()] == ["alice"]


def test_a_moved_point_takes_nothing_back_and_its_end_is_told_once(book: Book) -> None:
    fallen = story(**dict.fromkeys(("E1", "E2", "E3", "E4", "E5"), "ooo" + "f" * 37 + "o" * 20), E6="o" * 60)
    live(book, fallen, 20)
    with book.database.transaction() as session:
        session.execute(update(models.PointUnit).where(models.PointUnit.point_id == 1).values(unit_id=2))
    live(book, fallen, 60, begin=25)
    assert Counter(line.rsplit(" ", 2)[0] for line in told(book)) == {
        "1 opened": 1,
        "2 opened": 1,
        "3 opened": 1,
        "1 recovered": 2,  # of each of the two that it became
        "2 recovered": 1,
        "3 recovered": 1,
    }
    assert not any("RÚT LẠI" in row.text for row in messages(book))


def test_what_the_night_held_is_told_once_though_it_became_another(book: Book) -> None:
    with book.database.transaction() as session:
        session.execute(
            update(Subscription)
            .where(Subscription.unit_id == 1)
            .values(rules=rules.to_json(rules.from_json({"quiet": ["19:00", "06:30"]})))
        )
    deliver_late(book, 60)
    assert [line for line in told(book) if line[0] == "2"] == ["2 opened 15 held", "2 recovered 45 held"]
    for minutes in (690.5, 691, 760, 2131):
        routes.route(book.database, ZONE, at(minutes))
    assert [line for line in told(book) if line[0] == "2"][2:] == ["2 morning 690.5 sent"]
    assert all(row.sent_at == at(690.5) for row in messages(book) if row.state == "held")


def test_what_became_another_and_was_none_is_taken_back_once(book: Book) -> None:
    deliver_late(book, 35)
    with book.database.transaction() as session:
        session.execute(
            update(models.Incident)
            .where(models.Incident.kind == "area")
            .values(withdrawn_at=at(36), changed_at=at(36))
        )
    for minutes in (37, 38, 300):
        routes.route(book.database, ZONE, at(minutes))
    assert told(book)[2:] == ["1 recovered 37 sent", "2 recovered 37 sent"]
    assert all("RÚT LẠI" in row.text for row in messages(book)[2:])


# --- who listens from the start ---------------------------------------------------------------------


def inboxes(book: Book) -> list[str]:
    """Who listens, by the units of their channels."""
    with book.database.reading() as session:
        rows = session.scalars(
            select(AlertChannel.unit_id)
            .join(Subscription, Subscription.channel_id == AlertChannel.id)
            .where(Subscription.ended_at.is_(None), AlertChannel.stopped_at.is_(None))
            .order_by(AlertChannel.id)
        )
        return ["city" if unit is None else f"U{unit}" for unit in rows]


def test_the_desk_and_each_unit_with_eyes_listen_once(book: Book) -> None:
    for minutes in (0, 5, 10):
        routes.route(book.database, ZONE, at(minutes))
    assert inboxes(book) == ["city", "U1", "U2"]
    with book.database.reading() as session:
        kept = [rules.from_json(row.rules) for row in session.scalars(select(Subscription))]
    assert kept == [rules.CITY_RULES, WARD_RULES, WARD_RULES]


def test_what_somebody_ended_or_stopped_is_not_made_again(book: Book) -> None:
    with book.database.transaction() as session:
        session.execute(update(Subscription).where(Subscription.unit_id == 1).values(ended_at=at(-30)))
        session.execute(update(AlertChannel).where(AlertChannel.unit_id == 2).values(stopped_at=at(-30)))
    routes.route(book.database, ZONE, at(0))
    assert inboxes(book) == ["city"]


@pytest.mark.parametrize(
    ("became", "expected"),
    [
        pytest.param({1: [3], 2: [3]}, ["city", "U1"], id="two became one: one inbox goes on"),
        pytest.param({1: [3, 4]}, ["city", "U2", "U3", "U4"], id="one was split: each part has its own"),
    ],
)
def test_inboxes_after_a_reorganisation(
    book: Book, became: dict[int, list[int]], expected: list[str]
) -> None:
    today = at(0).astimezone(ZONE).date()
    with book.database.transaction() as session:
        for number in sorted({part for parts in became.values() for part in parts}):
            session.add(
                models.Unit(
                    id=number, uid=f"u-{number}", code="", name=f"U{number}", kind="", valid_from=today
                )
            )
        session.flush()
        for unit, parts in became.items():
            session.get_one(models.Unit, unit).valid_to = today - timedelta(days=1)
            for part in parts:
                session.add(models.UnitSuccessor(unit_id=unit, successor_id=part))
        if became == {1: [3, 4]}:
            for point, part in ((1, 3), (2, 3), (3, 4)):
                session.add(models.PointUnit(point_id=point, unit_id=part, valid_from=today))
    for minutes in (0, 5):
        routes.route(book.database, ZONE, at(minutes))
    assert inboxes(book) == expected
