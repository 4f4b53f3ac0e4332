"""Who hears of what: made, changed and ended within a scope; what somebody sees of channels and messages."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from camera_registry import models
from camera_registry.alerts import reading, rules, subscribing
from camera_registry.alerts.outbox import State
from camera_registry.alerts.policy_words import conditions, subject
from camera_registry.alerts.reading import Health, Wanted
from camera_registry.alerts.rules import CITY_RULES, WARD_RULES, Rules
from camera_registry.alerts.subscribing import NoSuchChannel, NoSuchSubscription, Of, SubscriptionError
from camera_registry.audit import Actor, ReasonError
from camera_registry.db import Database
from camera_registry.i18n import Language
from camera_registry.units import Scope
from tests.dashboards.alerted import add_channel, add_message, add_subscription
from tests.dashboards.city import NOW, Wards, add_wards

TODAY = date(2026, 11, 22)
EVERYTHING = Scope.everything()
CLERK = Actor("lan", "127.0.0.1")
OTHERS = Rules(per_week=5)


@pytest.fixture
def town(database: Database) -> tuple[Database, Wards]:
    """Two wards of today, and what they were before; a site."""
    with database.transaction() as session:
        wards = add_wards(session)
        session.add(models.Site(code="yb"))
    return database, wards


def subscribe(
    database: Database, channel: int, of: Of, scope: Scope = EVERYTHING, said: Rules = WARD_RULES
) -> int:
    with database.transaction() as session:
        return subscribing.add(session, scope, CLERK, NOW, TODAY, channel, of, said, reason="agreed").id


def channel(database: Database, name: str, unit_id: int | None = None, kind: str = "inbox") -> int:
    with database.transaction() as session:
        return add_channel(session, name, kind, unit_id)


def test_a_subscription_is_made_changed_and_ended(town: tuple[Database, Wards]) -> None:
    database, wards = town
    inbox = channel(database, "Ward", wards.nam_cuong)

    number = subscribe(database, inbox, Of(unit="04273-2"))
    with database.transaction() as session:
        subscribing.change(session, EVERYTHING, CLERK, NOW, TODAY, number, OTHERS, reason="fewer")
        subscribing.change(session, EVERYTHING, CLERK, NOW, TODAY, number, OTHERS, reason="the same")
    with database.reading() as session:
        (row,) = reading.subscriptions(session, EVERYTHING, TODAY)
    assert (row.channel, row.unit, row.rules) == ("Ward", "Phường Nam Cường", OTHERS)

    with database.transaction() as session:
        subscribing.end(session, EVERYTHING, CLERK, NOW, TODAY, number, reason="moved")
    with database.reading() as session:
        written = [(row.action, row.detail, row.reason) for row in session.query(models.Audit)]
        assert reading.subscriptions(session, EVERYTHING, TODAY) == []
        assert len(reading.subscriptions(session, EVERYTHING, TODAY, ended=True)) == 1
    assert [(action, reason) for action, _, reason in written] == [
        ("subscription_added", "agreed"),
        ("subscription_changed", "fewer"),
        ("subscription_ended", "moved"),
    ]
    told = [(detail["before"] or {}).get("per_week") for _, detail, _ in written]
    assert told == [None, WARD_RULES.per_week, OTHERS.per_week]
    subscribe(database, inbox, Of(unit="04273-2"))  # what has ended is in nobody's way


@pytest.mark.parametrize(
    ("owner", "of", "mine"),
    [
        pytest.param("nam_cuong", Of(unit="04543-2"), None, id="a ward's channel, another ward"),
        pytest.param("nam_cuong", Of(unit="15-2"), None, id="a ward's channel, the province"),
        pytest.param("nam_cuong", Of(), None, id="a ward's channel, the city"),
        pytest.param("nam_cuong", Of(site="yb"), None, id="a ward's channel, a site"),
        pytest.param(None, Of(site="nowhere"), None, id="no such site"),
        pytest.param(None, Of(unit="nowhere"), None, id="no such unit"),
        pytest.param(None, Of(unit="04273-2"), "nam_cuong", id="the city's channel, by who sees a ward"),
        pytest.param("au_lau", Of(unit="04543-2"), "nam_cuong", id="another ward's, by who sees a ward"),
        pytest.param("nam_cuong", Of(), "nam_cuong", id="the city, by who sees a ward"),
    ],
)
def test_what_reaches_beyond_is_refused(
    town: tuple[Database, Wards], owner: str | None, of: Of, mine: str | None
) -> None:
    database, wards = town
    number = channel(database, "Channel", getattr(wards, owner) if owner else None)
    scope = Scope.of([getattr(wards, mine)]) if mine else EVERYTHING

    with pytest.raises(SubscriptionError):
        subscribe(database, number, of, scope)
    with database.reading() as session:
        assert reading.subscriptions(session, EVERYTHING, TODAY) == []


def test_a_channel_hears_of_a_place_once_and_not_when_it_is_stopped(town: tuple[Database, Wards]) -> None:
    database, _ = town
    desk = channel(database, "Desk")
    for of in (Of(), Of(site="yb"), Of(unit="15-2")):
        subscribe(database, desk, of, said=CITY_RULES)
        with pytest.raises(SubscriptionError, match="already"):
            subscribe(database, desk, of)
    with database.transaction() as session:
        session.get_one(models.AlertChannel, desk).stopped_at = NOW
    with pytest.raises(SubscriptionError, match="stopped"):
        subscribe(database, desk, Of(unit="04273-2"))


def test_a_deed_needs_its_reason_and_what_it_is_done_to(town: tuple[Database, Wards]) -> None:
    database, wards = town
    number = subscribe(database, channel(database, "Ward", wards.nam_cuong), Of(unit="04273-2"))
    other = Scope.of([wards.au_lau])
    with database.transaction() as session:
        with pytest.raises(ReasonError):
            subscribing.end(session, EVERYTHING, CLERK, NOW, TODAY, number, reason=" ")
        with pytest.raises(NoSuchSubscription):
            subscribing.change(session, other, CLERK, NOW, TODAY, number, OTHERS, reason="x")
        with pytest.raises(NoSuchSubscription):
            subscribing.end(session, other, CLERK, NOW, TODAY, number, reason="x")
        with pytest.raises(NoSuchChannel):
            subscribing.known_channel(session, other, NOW, TODAY, 1)


def test_what_a_ward_was_is_seen_by_the_ward_that_it_became(town: tuple[Database, Wards]) -> None:
    """Tuy Lộc became a part of Nam Cường; the city was split: its messages are seen by who sees all of it."""
    database, wards = town
    with database.transaction() as session:
        for name, unit_id in (("old ward", wards.tuy_loc), ("old city", wards.city), ("desk", None)):
            number = add_channel(session, name, unit_id=unit_id)
            add_subscription(session, number, unit_id)
            add_message(session, number, name, unit_id=unit_id)
    both = Scope.of([wards.nam_cuong, wards.au_lau])
    seen = {"ours": Scope.of([wards.nam_cuong]), "theirs": Scope.of([wards.au_lau]), "both": both}
    with database.reading() as session:
        for name, scope, expected in (
            ("ours", seen["ours"], ["old ward"]),
            ("theirs", seen["theirs"], []),
            ("both", seen["both"], ["old city", "old ward"]),
            ("everything", EVERYTHING, ["desk", "old city", "old ward"]),
        ):
            channels = reading.channels(session, scope, NOW, TODAY)
            subscriptions = reading.subscriptions(session, scope, TODAY)
            messages = reading.page(session, scope, TODAY, Wanted()).messages
            assert sorted(row.name for row in channels) == expected, name
            assert sorted(row.channel for row in subscriptions) == expected, name
            assert sorted(row.text for row in messages) == expected, name
        (old,) = reading.channels(session, seen["ours"], NOW, TODAY)
    assert (old.unit, old.unit_uid) == ("Phường Nam Cường", "04273-2")


def test_messages_page_by_page_and_narrowed(town: tuple[Database, Wards]) -> None:
    database, wards = town
    with database.transaction() as session:
        desk, ward = add_channel(session, "Desk"), add_channel(session, "Ward", unit_id=wards.nam_cuong)
        mail = add_channel(session, "Mail", "email", wards.nam_cuong)
        for n in range(5):
            add_message(session, desk, f"Điểm YB-{n}", occasion=f"incident:{n}")
        add_message(session, ward, "Chợ Tuy Lộc", unit_id=wards.nam_cuong, kind="recovered")
        add_message(session, mail, "Chợ Tuy Lộc", unit_id=wards.nam_cuong, state="dead")
        add_message(session, ward, "Đêm qua", unit_id=wards.nam_cuong, kind="morning", state="held")
    with database.reading() as session:

        def texts(wanted: Wanted, scope: Scope = EVERYTHING, before: int | None = None) -> list[str]:
            return [row.text for row in reading.page(session, scope, TODAY, wanted, before).messages]

        first = reading.page(session, EVERYTHING, TODAY, Wanted(channel=desk), limit=3)
        then = reading.page(session, EVERYTHING, TODAY, Wanted(channel=desk), first.older, limit=3)
        assert [row.text for row in (*first.messages, *then.messages)] == [
            f"Điểm YB-{n}" for n in (4, 3, 2, 1, 0)
        ]
        assert then.older is None
        assert len(texts(Wanted(inbox=True))) == 5
        assert texts(Wanted(inbox=True, unit="04273-2")) == ["Chợ Tuy Lộc"]
        assert texts(Wanted(inbox=True), Scope.of([wards.nam_cuong])) == ["Chợ Tuy Lộc"]
        assert texts(Wanted(kind="recovered")) == ["Chợ Tuy Lộc"]
        assert texts(Wanted(text="tuy loc cho", channel=mail)) == ["Chợ Tuy Lộc"]
        assert texts(Wanted(text="yb-3")) == ["Điểm YB-3"]
        assert len(reading.every(session, EVERYTHING, TODAY, Wanted(), 4)) == 4
        assert texts(Wanted(inbox=True, unit="04273-2", state=State.HELD)) == ["Đêm qua"]
        assert reading.dead(session, EVERYTHING, NOW, TODAY) == 1
        assert reading.dead(session, EVERYTHING, NOW + timedelta(days=8), TODAY) == 0
        assert reading.dead(session, Scope.of([wards.au_lau]), NOW, TODAY) == 0


@pytest.mark.parametrize(
    ("kind", "columns", "health"),
    [
        pytest.param("inbox", {}, Health.SILENT, id="an inbox needs no address"),
        pytest.param("zalo", {}, Health.UNLINKED, id="a chat needs its code"),
        pytest.param("email", {"sealed": b"", "failing_since": NOW}, Health.FAILING, id="failing"),
        pytest.param("email", {"stopped_at": NOW, "failing_since": NOW}, Health.STOPPED, id="stopped"),
    ],
)
def test_how_a_channel_does(
    town: tuple[Database, Wards], kind: str, columns: dict[str, object], health: Health
) -> None:
    database, _ = town
    with database.transaction() as session:
        add_channel(session, "Channel", kind, None, **columns)
    with database.reading() as session:
        (row,) = reading.channels(session, EVERYTHING, NOW, TODAY)
        assert row.health is health
        assert reading.failing(session, EVERYTHING, TODAY) == (health is Health.FAILING)


@pytest.mark.parametrize(
    ("said", "language", "words"),
    [
        pytest.param(
            replace(WARD_RULES, alone=timedelta(hours=12), per_week=3),
            "vi",
            "mắt camera mất kết nối, mắt camera chập chờn, việc đã hết. "
            "Báo khi đã kéo dài 10\N{NO-BREAK SPACE}phút. "
            "Mắt camera lẻ: khi đã kéo dài 12 giờ, báo chung lúc 06:30. "
            "Yên tĩnh từ 21:30 đến 06:30; hết giờ thì gộp thành một tin. "
            "Nhiều nhất 6 tin mỗi giờ; quá số đó thì gộp thành một tin. "
            "Nhiều nhất 3 tin trong bảy ngày; còn lại báo trong bản tin.",
            id="a ward",
        ),
        pytest.param(
            replace(CITY_RULES, alone=timedelta(hours=12)),
            "en",
            "everything. Told once it has lasted 10\N{NO-BREAK SPACE}min. "
            "What takes a single eye: once it has lasted 12 hours, together at 07:00. "
            "Only what nobody has acknowledged within 4 hours; several points, a site at once. "
            "At most 12 an hour; of what is more, one summary. "
            "Reminded of what goes on after so many days: 1, 3, 7. A digest each day at 07:00. "
            "A digest each Monday at 07:00, with the eyes that never worked yet.",
            id="the city",
        ),
        pytest.param(
            rules.from_json({"what": [], "weekly": 6, "digest_at": "08:00"}),
            "en",
            "digests alone. A digest each Sunday at 08:00.",
            id="digests alone",
        ),
    ],
)
def test_rules_in_words(said: Rules, language: Language, words: str) -> None:
    assert f"{subject(said, language)}. {' '.join(conditions(said, language))}" == words
