"""What people write back: read tolerantly, acted on once, within the unit of the chat, and answered."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from unicodedata import normalize
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from structlog.testing import capture_logs

from camera_registry import settings
from camera_registry.alerts import channels, naming, replies
from camera_registry.alerts.channels import ChannelError, Kind
from camera_registry.alerts.naming import Place
from camera_registry.alerts.outbox import State
from camera_registry.alerts.replies import (
    LONGEST_NOTE,
    MOST_TRIES,
    MOST_WRONG,
    WRONG_IN,
    Command,
    Desk,
    Strangers,
    Verb,
)
from camera_registry.alerts.zalo import Update
from camera_registry.audit import Actor
from camera_registry.credentials import CredentialStore
from camera_registry.models import (
    AlertChannel,
    Audit,
    Custody,
    Eye,
    IncidentNote,
    LinkCode,
    Message,
    Reply,
    ReportWord,
)
from tests.camera_registry.cuts import Book, at, fill, story

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
ACTOR = Actor("operator", "cli")
WARD, OTHER_WARD, STRANGER = "chat-of-u1", "chat-of-u2", "chat-of-nobody"
_keys = count()


# --- reading ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "verb", "words"),
    [
        pytest.param("NHAN YB-0127", Verb.TAKE, "yb 0127", id="plain"),
        pytest.param("nhận yb0127", Verb.TAKE, "yb0127", id="marks"),
        pytest.param(normalize("NFD", "Nhận YB-0127"), Verb.TAKE, "yb 0127", id="decomposed"),
        pytest.param("em nhận điểm YB 0127 nhé anh", Verb.TAKE, "em diem yb 0127 nhe anh", id="polite"),
        pytest.param("Tốt YB_0127", Verb.WORKS, "yb 0127", id="works"),
        pytest.param("mờ: YB-0127", Verb.POOR, "yb 0127", id="poor"),
        pytest.param("HONG YB-0127!!!", Verb.BROKEN, "yb 0127", id="broken"),
        pytest.param("hỏng yb-0127, nhận sau", Verb.BROKEN, "yb 0127 nhan sau", id="first-of-two"),
        pytest.param("Phường Hồng Hà nhận YB-1", Verb.TAKE, "phuong hong ha yb 1", id="place-hong"),
        pytest.param("Thành Nhân báo mờ YB-1", Verb.POOR, "thanh nhan bao yb 1", id="person-nhan"),
        pytest.param("LIENKET 12345678", Verb.LINK, "12345678", id="link"),
        pytest.param("Liên kết 1234 5678", Verb.LINK, "ket 1234 5678", id="link-two-words"),
    ],
)
def test_what_is_understood(text: str, verb: Verb, words: str) -> None:
    assert replies.parse(text) == Command(verb, tuple(words.split()))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("Cảm ơn anh", id="thanks"),
        pytest.param("chưa nhận YB-0127", id="not-yet"),
        pytest.param("YB-0127 không hỏng", id="denied"),
        pytest.param("YB-0127 hỏng rồi, đã nhận", id="two-in-the-middle"),
        pytest.param("hồng YB-0127", id="pink"),
    ],
)
def test_what_is_not_understood(text: str) -> None:
    assert replies.parse(text) is None


@given(st.text(max_size=600))
def test_any_text_is_read(text: str) -> None:
    command = replies.parse(text)
    if command is not None:
        naming.named(command.words, [Place("YB-0127"), Place("YB-0127", "YB-0127-01")])
        assert len(command.text) <= LONGEST_NOTE
        assert command.text.isprintable()
        assert replies.code_in(command.words) == "" or replies.code_in(command.words).isdigit()


# --- acting -----------------------------------------------------------------------------------------


class Office:
    """A city with an incident at P1 of ward U1, one at P4 of ward U2, and a chat of each."""

    def __init__(self, url: str, keys: Path) -> None:
        self.database = fill(url)
        down = "o" * 5 + "f" * 25
        Book(self.database).deliver(story(E1=down, E2=down, E3="o" * 30, E4="o" * 30, E5="o" * 30, E6=down))
        self.store = CredentialStore(settings.load(data_dir=keys))
        self.desk = Desk(self.store, ZONE, 30, Strangers())
        self.now = at(30)
        with self.database.transaction() as session:
            self.store.prepare(session)
            session.get_one(Eye, 5).reach = "reported"
        self.ward, self.other = (
            self.channel(name, number, chat)
            for name, number, chat in (("U1", 1, WARD), ("U2", 2, OTHER_WARD))
        )

    def channel(self, name: str, unit_id: int | None, chat: str = "", language: str = "vi") -> int:
        with self.database.transaction() as session:
            made = channels.add(
                *(session, self.store, ACTOR, self.now),
                name=name,
                kind=Kind.ZALO,
                unit_id=unit_id,
                language=language,
                address="",
                reason="x",
            )
            if chat:
                channels.link(session, self.store, channels.living(session, made.id), chat)
        return made.id

    def hear(self, chat: str, text: str, *, key: str = "", group: bool = False) -> str | None:
        update = Update(key or f"zalo:{next(_keys)}", chat, text, group)
        with self.database.transaction() as session:
            return replies.act(session, self.desk, update, self.now)

    def code(self, channel: int) -> str:
        with self.database.transaction() as session:
            return replies.make_code(session, self.store, ACTOR, self.now, channel)

    def tell(self, channel: int, incident: int | None, told: dict[str, Any] | None = None) -> None:
        """The channel was sent a message of this incident, or a digest."""
        with self.database.transaction() as session:
            session.add(
                Message(
                    channel_id=channel,
                    subscription_id=None,
                    occasion=f"incident:{incident}",
                    kind="opened" if incident else "daily",
                    incident_id=incident,
                    unit_id=None,
                    made_at=self.now,
                    due_at=self.now,
                    title="",
                    text="",
                    told=told or {},
                    state=str(State.SENT),
                    leased_until=None,
                    sent_at=self.now,
                )
            )

    def notes(self) -> list[tuple[str, str, str]]:
        with self.database.transaction() as session:
            rows = session.scalars(select(IncidentNote).order_by(IncidentNote.id)).all()
            return [(row.kind, row.by, row.text) for row in rows]

    def words(self) -> list[tuple[int, str, str]]:
        with self.database.transaction() as session:
            rows = session.scalars(select(ReportWord)).all()
            return [(row.eye_id, row.word, row.by) for row in rows]


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    made = Office(database_url, tmp_path / "keys")
    yield made
    made.database.close()


def test_a_ward_takes_its_incident_in_hand_once(office: Office) -> None:
    assert office.hear(WARD, "nhận P1", key="zalo:a") == "P1: đã ghi nhận đơn vị tiếp nhận (sự cố số 1)."
    assert office.hear(WARD, "nhận P1", key="zalo:a") is None, "the same message again"
    answer = office.hear(WARD, "NHAN p1")
    assert answer == "P1: đã có đơn vị tiếp nhận từ lúc 01/09/2026 19:30 (sự cố số 1)."
    assert office.notes() == [("acknowledged", "zalo:U1", "")]
    with office.database.transaction() as session:
        deeds = session.execute(select(Audit.who, Audit.origin, Audit.action).order_by(Audit.id.desc())).all()
        assert tuple(deeds[0]) == ("zalo:U1", "zalo", "incident_acknowledged")
        assert len(session.scalars(select(Reply)).all()) == 2


def test_a_ward_reaches_no_other_ward_and_learns_nothing_of_it(office: Office) -> None:
    elsewhere, nowhere = office.hear(WARD, "nhan P4"), office.hear(WARD, "nhan P9")
    assert elsewhere == nowhere == "Không có điểm nào mang mã đó trong phạm vi của kênh này."
    assert office.hear(WARD, "hong P4") == elsewhere
    assert (office.notes(), office.words()) == ([], [])
    assert office.hear(OTHER_WARD, "nhan P4") == "P4: đã ghi nhận đơn vị tiếp nhận (sự cố số 2)."


def test_the_city_desk_reaches_all(office: Office) -> None:
    office.channel("city", None, "chat-of-city", language="en")
    answer = office.hear("chat-of-city", "nhan P1, P4 và P2")
    assert answer == (
        "P1: noted that you take it in hand (incident 1).\n"
        "P4: noted that you take it in hand (incident 2).\n"
        "P2: there is no open incident."
    )


def test_a_word_on_eyes_without_a_network_and_one_beside_an_incident(office: Office) -> None:
    assert office.hear(WARD, "mờ P3") == "P3: đã ghi nhận “Đã xem tại chỗ: hoạt động kém” cho 1 mắt camera."
    assert office.words() == [(5, "poor", "zalo:U1")]
    assert office.hear(WARD, "hỏng P1") == "P1: đã ghi vào sự cố số 1: Đã xem tại chỗ: không hoạt động."
    assert office.notes() == [("comment", "zalo:U1", "Đã xem tại chỗ: không hoạt động")]


def test_an_eyes_code_means_that_eye_alone(office: Office) -> None:
    with office.database.transaction() as session:
        session.get_one(Eye, 1).reach = session.get_one(Eye, 2).reach = "reported"
    said = "P1: đã ghi nhận “Đã xem tại chỗ: không hoạt động” cho {} mắt camera."
    assert (office.hear(WARD, "HONG E2") or "").startswith(said.format(1).replace("P1", "E2"))
    assert office.words() == [(2, "not_working", "zalo:U1")]
    assert (office.hear(WARD, "HONG P1") or "").startswith(said.format(2))
    assert sorted(office.words()) == [(1, "not_working", "zalo:U1"), (2, "not_working", "zalo:U1")]


def test_what_is_written_beside_a_code_is_kept_and_the_same_again_is_one(office: Office) -> None:
    for text in ("HONG P1 gãy cột\u202e\n đêm qua", "HONG P1  gãy cột đêm qua", "nhận P1, mai thợ đến"):
        assert office.hear(WARD, text)
    seen = "Đã xem tại chỗ: không hoạt động. “HONG P1 gãy cột đêm qua”"
    assert office.notes() == [
        ("comment", "zalo:U1", seen),
        ("acknowledged", "zalo:U1", ""),
        ("comment", "zalo:U1", "“nhận P1, mai thợ đến”"),
    ]
    for text in ("mờ P3", "MO p3", "tốt P3", "mờ P3"):
        office.now += timedelta(minutes=1)
        office.hear(WARD, text)
    assert [word for _, word, _ in office.words()] == ["poor", "working", "poor"]


def test_a_word_without_an_incident_goes_into_the_log_and_names_the_office(office: Office) -> None:
    with office.database.transaction() as session:
        session.add(
            Custody(point_id=2, valid_from=at(-9999).date(), manager="UBND phường U1", phone="0216 3852 000")
        )
    answer = office.hear(WARD, "MO P2 ảnh mờ vì mạng nhện")
    assert answer is not None
    assert answer.startswith(
        "P2: không có sự cố đang mở; đã ghi vào nhật ký: Đã xem tại chỗ: hoạt động kém. "
        "Phụ trách: UBND phường U1, "
    )
    assert answer.endswith(" 0216 3852 000.")
    assert office.hear(WARD, "MO P2 ảnh mờ vì mạng nhện") == answer
    with office.database.transaction() as session:
        rows = session.execute(
            select(Audit.subject, Audit.reason).where(Audit.action == "report_taken")
        ).all()
    assert [tuple(row) for row in rows] == [("point:P2", "MO P2 ảnh mờ vì mạng nhện")]


def test_what_was_not_understood_is_answered_to_one_and_not_in_a_group(office: Office) -> None:
    assert (office.hear(WARD, "alo?") or "").startswith("Chưa hiểu.")
    assert (office.hear(WARD, "nhận được tin rồi") or "").startswith("Chưa hiểu.")
    assert office.hear(WARD, "anh em ơi", group=True) is None
    assert office.hear(WARD, "nhận được tin rồi", group=True) is None


def test_a_verb_alone_means_the_one_incident_that_was_told(office: Office) -> None:
    assert (office.hear(WARD, "NHAN", group=True) or "").startswith("Không có sự cố nào")
    office.tell(office.ward, 1)
    assert office.hear(WARD, "hỏng nhé", group=True) == (
        "P1: đã ghi vào sự cố số 1: Đã xem tại chỗ: không hoạt động."
    )
    assert office.hear(WARD, "nhận") == "P1: đã ghi nhận đơn vị tiếp nhận (sự cố số 1)."
    assert [kind for kind, _, _ in office.notes()] == ["comment", "acknowledged"]
    asked = "Hãy gửi kèm mã điểm: P1. Ví dụ: HONG P1"
    assert office.hear(WARD, "hỏng vì xe đâm") == asked
    assert office.hear(WARD, "hỏng vì xe đâm", group=True) is None


def test_a_verb_alone_asks_where_several_go_on(office: Office) -> None:
    office.channel("city", None, "chat-of-city")
    city = office.channel("đêm", None, "chat-of-city")
    office.tell(city, 1)
    office.tell(city, None, {"open": [{"incident": 2}]})
    assert office.hear("chat-of-city", "NHAN", group=True) == "Hãy gửi kèm mã điểm: P1, P4. Ví dụ: NHAN P1"
    assert office.notes() == []


# --- linking ----------------------------------------------------------------------------------------


def test_a_chat_is_linked_by_its_code_once(office: Office) -> None:
    channel = office.channel("U1 mới", 1)
    code = office.code(channel)
    assert (office.hear(STRANGER, f"LIENKET {code}") or "").startswith("Đã liên kết: cuộc trò chuyện này")
    assert office.hear(STRANGER, "nhan P1") == "P1: đã ghi nhận đơn vị tiếp nhận (sự cố số 1)."
    assert (office.hear("another", f"lienket {code}") or "").startswith("Mã này không đúng")
    with office.database.transaction() as session:
        assert session.get_one(AlertChannel, channel).shown == "…body"
        told = session.execute(select(Audit.who, Audit.action).order_by(Audit.id)).all()
        assert ("operator", "channel_link_asked") in [tuple(each) for each in told]
        assert ("zalo:U1 mới", "channel_linked") in [tuple(each) for each in told]
        kept = [each.text for each in session.scalars(select(Reply))]
        assert not [text for text in kept if code in text]
        assert code not in session.scalars(select(LinkCode.code_hash)).one()


def test_a_code_ends_after_its_time_and_with_the_next(office: Office) -> None:
    channel = office.channel("U1 mới", 1)
    first, second = office.code(channel), office.code(channel)
    assert (office.hear(STRANGER, f"LIENKET {first}") or "").startswith("Mã này không đúng")
    office.now += timedelta(minutes=15)
    assert (office.hear(STRANGER, f"LIENKET {second}") or "").startswith("Mã này không đúng")
    with pytest.raises(ChannelError):
        office.code(999)


def test_a_stranger_hears_how_to_be_linked_a_few_times(office: Office) -> None:
    code = office.code(office.channel("U1 mới", 1))
    answers = [office.hear(STRANGER, text) for text in ("nhan P1", "P1?", "LIENKET 00000000", "LIENKET", "x")]
    assert all(answers)
    assert not [answer for answer in answers if answer and "P1" in answer]
    assert len(answers) == MOST_TRIES
    assert office.hear(STRANGER, f"LIENKET {code}") is None, "who has guessed enough is not heard"
    office.now += timedelta(minutes=14)
    assert (office.hear("another", f"LIENKET {code}") or "").startswith("Đã liên kết")
    office.now += timedelta(minutes=2)
    assert office.hear(STRANGER, "alo") is not None
    with office.database.transaction() as session:
        kept = session.scalars(select(Reply).where(Reply.channel_id.is_(None))).all()
        assert {each.text for each in kept} <= {"", "LIENKET"}, "of strangers nothing is kept"


def test_who_writes_without_end_fills_no_table(office: Office) -> None:
    for _ in range(30):
        office.hear(STRANGER, "x" * 500)
    with office.database.transaction() as session:
        assert len(session.scalars(select(Reply)).all()) == MOST_TRIES


def test_many_chats_guess_no_faster_than_one(office: Office) -> None:
    code = office.code(office.channel("U1 mới", 1))
    with capture_logs() as logged:
        for number in range(MOST_WRONG):
            office.hear(f"chat-{number}", "LIENKET 00000000")
    assert [line["wrong"] for line in logged] == [MOST_WRONG], "said once"
    answer = office.hear(STRANGER, f"LIENKET {code}")
    assert answer == "Hiện không nhận mã liên kết. Hãy thử lại sau một giờ."
    office.now += WRONG_IN
    code = office.code(office.channel("U1 mới nữa", 1))
    assert (office.hear(STRANGER, f"LIENKET {code}") or "").startswith("Đã liên kết")


def test_a_stopped_channel_is_nobodys(office: Office) -> None:
    with office.database.transaction() as session:
        channels.stop(session, ACTOR, office.now, office.ward, "moved")
    assert (office.hear(WARD, "nhan P1") or "").startswith("Cuộc trò chuyện này chưa được liên kết")
    assert office.notes() == []
