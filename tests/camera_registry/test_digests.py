"""Digests of two wards on a morning: the worst first, who is waited for, and nothing of the ward beside."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from camera_registry import custody, handling, models, outages
from camera_registry.alerts import copies, digests, links
from camera_registry.alerts.digests import Digest
from camera_registry.alerts.links import LinkOver
from camera_registry.alerts.occasions import Occasion, What, Where
from camera_registry.alerts.phrases import Speaker
from camera_registry.alerts.routing import Kind
from camera_registry.alerts.words import LONGEST_TEXT, LONGEST_TITLE
from camera_registry.audit import Action, Actor
from camera_registry.db import Database
from camera_registry.units import Scope, UnitTree
from tests.dashboards.city import NOW
from tests.dashboards.ward import OTHER_WARD, WARD, ZONE, fill_morning

SCHEMA = Path(__file__).parents[2] / "docs" / "webhook.schema.json"
CLERK = Actor("clerk", "cli")
A_DAY = timedelta(days=1)


@pytest.fixture
def city(database: Database) -> Database:
    """The morning, and one outage that was over before it: an eye of the ward beside, for ten minutes."""
    fill_morning(database)
    with database.transaction() as session:
        custody.set_custody(
            *(session, CLERK, "NC1", "UBND phường Nam Cường", date(2026, 1, 1), NOW, ZONE),
            phone="0216 3852 999",
        )
        eye = session.query(models.Eye).filter_by(code="AL1-B").one()
        past = models.Incident(
            kind="eye",
            ancestor_id=eye.id,
            started_at=NOW - timedelta(hours=9),
            announced_at=NOW - timedelta(hours=9),
            recorded_at=NOW - timedelta(hours=9),
            ended_at=NOW - timedelta(hours=8, minutes=50),
        )
        past.members.append(models.IncidentEye(eye_id=eye.id, from_at=past.started_at, to_at=past.ended_at))
        session.add(past)
    return database


def unit_id(session: Session, uid: str) -> int:
    return next(unit.id for unit in UnitTree.load(session).units.values() if unit.uid == uid)


def read(database: Database, kind: Kind, uid: str = "", *, site: str = "", backlog: bool = False) -> Digest:
    with database.reading() as session:
        scope = Scope.of([unit_id(session, uid)]) if uid else Scope.everything()
        name = UnitTree.load(session).units[unit_id(session, uid)].name if uid else ""
        since = NOW - (timedelta(days=7) if kind is Kind.WEEKLY else A_DAY)
        return digests.read(
            session, scope, ZONE, NOW, kind=kind, unit=name, since=since, site=site, backlog=backlog
        )


def test_of_a_ward(city: Database) -> None:
    said = digests.words(read(city, Kind.WEEKLY, WARD, backlog=True), "vi", ZONE)

    assert said.title == "[BẢN TIN TUẦN] Phường Nam Cường: 2 sự cố đang diễn ra, 0 đã kết thúc"
    assert said.text == (
        "[BẢN TIN TUẦN] Phường Nam Cường, 10:00 ngày 22/11. 4/9 mắt camera đang truyền hình về; "
        "1 mắt camera chưa xác định được trạng thái.\n"
        "\nĐang diễn ra, nặng nhất trước:\n"
        "- NC2: 1/2 mắt, từ 07:00 ngày 22/11 (3 giờ 00 phút); chờ Công an phường Nam Cường\n"
        "- NC1: 3/3 mắt, từ 09:10 ngày 22/11 (50 phút); chờ UBND phường Nam Cường, ĐT 0216 3852 999\n"
        "\nChưa từng hoạt động: 1 mắt camera.\n"
        "- NC4: 1 mắt camera"
    )


def test_of_the_city(city: Database) -> None:
    said = digests.words(read(city, Kind.DAILY), "en", ZONE)

    assert said.title == "[THE DAY] The whole city: 3 going on, 1 over"
    assert said.text == (
        "[THE DAY] The whole city, 10:00 on 2026-11-22. 5/11 eyes deliver a stream; "
        "the state of 1 eye is unknown.\n"
        "\nBy unit:\n"
        "- Phường Nam Cường: 2 incidents, 4 eyes\n"
        "- Phường Âu Lâu: 1 incident, 1 eye\n"
        "\nGoing on, the worst first:\n"
        "- NC2, phường Nam Cường: 1/2 eyes since 07:00 on 2026-11-22 (3 h 00 min); "
        "waiting for Công an phường Nam Cường\n"
        "- NC1, phường Nam Cường: 3/3 eyes since 09:10 on 2026-11-22 (50 min); "
        "waiting for UBND phường Nam Cường, phone 0216 3852 999\n"
        "- AL1, phường Âu Lâu: 1/2 eyes since 09:00 on 2026-11-22 (1 h 00 min); nobody was handed it\n"
        "\nOver since 10:00 on 2026-11-21:\n"
        "- AL1, phường Âu Lâu: 1/2 eyes from 01:00 on 2026-11-22 to 01:10 (10 min)"
    )


def test_nothing_of_the_ward_beside(city: Database) -> None:
    theirs = {"NC1", "NC2", "Nam Cường", "3852"}, {"AL1", "Âu Lâu"}
    for uid, not_told in ((OTHER_WARD, theirs[0]), (WARD, theirs[1])):
        for kind in (Kind.MORNING, Kind.DAILY, Kind.WEEKLY):
            digest = read(city, kind, uid, backlog=True)
            said = f"{digests.words(digest, 'vi', ZONE)} {digests.told(digest)} {digest}"
            assert [words for words in not_told if words in said] == []
            assert digest.open


def test_a_site_that_has_no_eyes_there_has_nothing_to_say(city: Database) -> None:
    assert read(city, Kind.DAILY, site="elsewhere").empty
    assert not read(city, Kind.DAILY).empty


def test_of_a_long_list_the_beginning_is_told(city: Database) -> None:
    digest = read(city, Kind.DAILY)
    line = digest.open[0]
    many = Digest(
        *(Kind.DAILY, "x" * 300, digest.since, NOW, 5, 10, 10),
        open=[line] * 400,
        over=digest.over,
        units=digest.units,
    )
    said = digests.words(many, "vi", ZONE)

    lines = said.text.count("- NC2")
    assert 10 < lines <= digests.MOST_LINES
    assert f"và {400 - lines} sự cố khác" in said.text
    assert len(said.text) <= LONGEST_TEXT
    assert len(said.title) <= LONGEST_TITLE
    assert len(digests.told(many)["open"]) == digests.MOST_TOLD


@pytest.mark.parametrize(
    ("working", "observed", "measured", "said"),
    [
        (42, 60, 120, "42/120 mắt camera đang truyền hình về; 60 mắt camera chưa xác định được trạng thái."),
        (60, 60, 60, "60/60 mắt camera đang truyền hình về."),
        (0, 0, 120, "120 mắt camera chưa xác định được trạng thái."),
        (0, 0, 0, "Không có mắt camera nào được theo dõi qua mạng."),
    ],
)
def test_eyes_of_which_nobody_knows_are_not_left_out(
    working: int, observed: int, measured: int, said: str
) -> None:
    assert digests.streams(working, observed, measured, Speaker("vi", ZONE)) == said


def test_of_what_somebody_has_in_hand_nobody_is_waited_for(city: Database) -> None:
    with city.transaction() as session:
        row = outages.incidents(session, Scope.everything(), NOW, ZONE, open_=True)
        at_nc1 = next(each for each in row if each.id == incident_at(session, "NC1"))
        handling.acknowledge(session, CLERK, NOW, at_nc1)
        of_incident = copies.of_incident(session, Scope.everything(), NOW, ZONE, "vi", at_nc1)
    said = digests.words(read(city, Kind.DAILY, WARD), "vi", ZONE).text

    assert "Đã tiếp nhận lúc 10:00 ngày 22/11. Nguyên nhân" in of_incident
    assert (
        "- NC1: 3/3 mắt, từ 09:10 ngày 22/11 (50 phút); "
        "đã tiếp nhận, phụ trách: UBND phường Nam Cường, ĐT 0216 3852 999"
    ) in said


def test_words_to_copy_are_those_of_a_message(city: Database) -> None:
    with city.reading() as session:
        scope, tree = Scope.of([unit_id(session, WARD)]), UnitTree.load(session)
        ward = tree.units[unit_id(session, WARD)]
        of_unit = copies.of_unit(session, Scope.everything(), NOW, ZONE, "vi", ward)
        rows = outages.incidents(session, scope, NOW, ZONE, open_=True)
        of_incidents = {copies.of_incident(session, scope, NOW, ZONE, "vi", row) for row in rows}

    assert of_unit.startswith("[TÌNH HÌNH] Phường Nam Cường, 10:00 ngày 22/11.")
    assert "AL1" not in of_unit
    assert of_incidents == {
        "[MẤT KẾT NỐI] Điểm NC1, phường Nam Cường: 3/3 mắt camera mất kết nối từ 09:10 ngày 22/11. "
        "Nguyên nhân có thể: mất điện hoặc mất đường truyền tại điểm. "
        "Phụ trách: UBND phường Nam Cường, ĐT 0216 3852 999.",
        "[MẤT KẾT NỐI] Điểm NC2, phường Nam Cường: 1/2 mắt camera (NC2-A) mất kết nối từ 07:00 ngày 22/11. "
        "Nguyên nhân có thể: chính camera, bộ nguồn hoặc dây của camera. "
        "Phụ trách: Công an phường Nam Cường.",
    }


def test_what_programs_are_told_is_documented(city: Database) -> None:
    shapes = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]
    occasion = Occasion("x:1", What.CLOCK, Where(None, ""), ("E",), 1, NOW, NOW, NOW)
    digest = digests.told(read(city, Kind.WEEKLY, backlog=True), [(Kind.NOTICE, occasion)])
    said = digests.told_held(Kind.HELD, [(Kind.NOTICE, occasion)])

    # What is told of a report is held against the schema where one is sent: test_report_jobs.
    assert {*digest, *said, *said["held"][0]} == {*shapes["told"]["properties"]} - {"report", "of", "period"}
    assert {*digest["open"][0]} == {*digest["over"][0]} == {*shapes["line"]["properties"]}
    assert json.loads(json.dumps(digest)) == digest


# --- links --------------------------------------------------------------------------------------------


def message(session: Session, uid: str | None, incident_id: int) -> int:
    """One that was delivered over a chat of this unit, or of the city desk."""
    unit = unit_id(session, uid) if uid else None
    channel = models.AlertChannel(
        name=f"Zalo {uid}", kind="zalo", language="vi", unit_id=unit, made_at=NOW, made_by="clerk"
    )
    session.add(channel)
    session.flush()
    row = models.Message(
        **{"channel_id": channel.id, "occasion": f"incident:{incident_id}", "kind": "opened"},
        **{"incident_id": incident_id, "unit_id": unit, "made_at": NOW, "due_at": NOW, "told": {}},
        **{"title": "Title", "text": "Text", "state": "sent"},
    )
    session.add(row)
    session.flush()
    return row.id


def incident_at(session: Session, point: str) -> int:
    found = session.query(models.Point).filter_by(code=point).one()
    return session.query(models.Incident).filter_by(kind="point", ancestor_id=found.id).one().id


def test_a_link_belongs_to_the_browser_that_opened_it(city: Database) -> None:
    with city.transaction() as session:
        number = incident_at(session, "NC1")
        token = links.make(session, message(session, WARD, number), number, NOW).removeprefix("/i/")
        assert links.waits(session, token, NOW)
        with pytest.raises(LinkOver):
            links.show(session, token, "", NOW, ZONE)
        secret = links.open_(session, token, NOW, "127.0.0.1", "r1")
        shown = links.show(session, token, secret, NOW, ZONE)
        assert (shown.incident.id, shown.incident.eyes, shown.text) == (number, 3, "Text")
        links.acknowledge(session, shown, shown.actor("127.0.0.1", "r2"), NOW)
        for wrong in ("", "x", token):
            with pytest.raises(LinkOver):
                links.show(session, token, wrong, NOW, ZONE)
        with pytest.raises(LinkOver):
            links.open_(session, token, NOW, "127.0.0.2", "r3")
        with pytest.raises(LinkOver):
            links.show(session, token, secret, NOW + timedelta(hours=links.HOURS), ZONE)
        deeds = [
            (row.who, row.action) for row in session.query(models.Audit).filter_by(who="link:Zalo 04273-2")
        ]
        kept = session.query(models.IncidentLink).one()
        assert token not in str(vars(kept))

    assert deeds == [
        ("link:Zalo 04273-2", Action.INCIDENT_LINK_OPENED),
        ("link:Zalo 04273-2", Action.INCIDENT_ACKNOWLEDGED),
    ]


def test_a_link_shows_what_its_channel_may_see(city: Database) -> None:
    with city.transaction() as session:
        number = incident_at(session, "NC1")
        for uid, eyes in ((None, 3), (WARD, 3), (OTHER_WARD, None)):
            token = links.make(session, message(session, uid, number), number, NOW).removeprefix("/i/")
            secret = links.open_(session, token, NOW, "127.0.0.1", "")
            if eyes is None:
                with pytest.raises(LinkOver):
                    links.show(session, token, secret, NOW, ZONE)
            else:
                assert links.show(session, token, secret, NOW, ZONE).incident.eyes == eyes


def test_a_link_says_that_its_incident_was_withdrawn(city: Database) -> None:
    with city.transaction() as session:
        number = incident_at(session, "NC1")
        token = links.make(session, message(session, WARD, number), number, NOW).removeprefix("/i/")
        secret = links.open_(session, token, NOW, "127.0.0.1", "")
        session.get_one(models.Incident, number).withdrawn_at = NOW
        session.flush()
        with pytest.raises(LinkOver, match="false report"):
            links.show(session, token, secret, NOW, ZONE)


def test_a_link_of_a_delivery_that_did_not_arrive_ends_with_the_next(city: Database) -> None:
    with city.transaction() as session:
        number = incident_at(session, "NC1")
        about = message(session, WARD, number)
        first, second = (links.make(session, about, number, NOW).removeprefix("/i/") for _ in range(2))
        with pytest.raises(LinkOver):
            links.waits(session, first, NOW)
        assert links.waits(session, second, NOW)
        session.get_one(models.AlertChannel, 1).stopped_at = NOW
        session.flush()
        with pytest.raises(LinkOver):
            links.waits(session, second, NOW)
