"""The Zalo bot is asked, at a stand-in of its API as documented: what comes is acted on and answered."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import func, select, text
from structlog.testing import capture_logs

from camera_registry.alerts.deadline import Deadline
from camera_registry.alerts.failures import NotSent
from camera_registry.alerts.listening import Listener
from camera_registry.alerts.zalo import Bot, Update, read
from camera_registry.models import Reply
from tests.camera_registry.sinks import ZaloApi, zalo_api
from tests.camera_registry.test_replies import WARD, Office
from tests.databases import sqlite_in

TOKEN = "123456789:k4n4ryb1rd-token"


@pytest.fixture
def api() -> Iterator[ZaloApi]:
    with zalo_api(TOKEN) as made:
        yield made


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(sqlite_in(tmp_path), tmp_path / "keys")
    yield made
    made.database.close()


def bot(api: ZaloApi, token: str = TOKEN) -> Bot:
    return Bot(api.url, SecretStr(token))


@contextmanager
def listening(office: Office, api: ZaloApi) -> Iterator[None]:
    listener = Listener(office.database, bot(api), office.desk, lambda: office.now, wait_s=1)
    try:
        yield
    finally:
        listener.close()


def do(office: Office, statement: str) -> None:
    with office.database.transaction() as session:
        session.execute(text(statement))


def wait_for(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.01)


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="none"),
        pytest.param("text", id="text"),
        pytest.param({"event_name": "message.sticker.received"}, id="no-message"),
        pytest.param({"message": {"message_id": "1", "chat": {"id": "c"}}}, id="no-text"),
        pytest.param({"message": {"message_id": "1", "chat": [], "text": "x"}}, id="chat-no-object"),
        pytest.param({"message": {"message_id": 1, "chat": {"id": "c"}, "text": "x"}}, id="number"),
        pytest.param({"message": {"message_id": "1", "chat": {"id": "c" * 81}, "text": "x"}}, id="long"),
    ],
)
def test_what_is_no_text_is_passed_over(result: object) -> None:
    assert read({"ok": True, "result": result}) == []


def test_one_update_or_a_list_of_them() -> None:
    one = {"message": {"message_id": "1", "chat": {"id": "c", "chat_type": "GROUP"}, "text": "x" * 600}}
    expected = Update("zalo:1", "c", "x" * 500, True)
    assert read({"result": one}) == [expected]
    assert read({"result": [one, {}]}) == [expected]
    assert "xxx" not in repr(expected)


def test_no_update_is_no_failure_and_a_wrong_token_is_one(api: ZaloApi) -> None:
    with Deadline(10) as deadline:
        assert bot(api).updates(deadline, 0) == []
        with pytest.raises(NotSent, match="HTTP 401") as refused:
            bot(api, "123456789:wrong").updates(deadline, 0)
    assert "wrong" not in repr(refused.value)
    assert TOKEN not in repr(bot(api))


def test_replies_are_acted_on_and_answered(office: Office, api: ZaloApi) -> None:
    with listening(office, api):
        api.write(WARD, "nhận P1", key="m1")
        wait_for(lambda: len(api.sent) == 1)
        api.write(WARD, "nhận P1", key="m1")  # given twice by the API
        api.write(WARD, "tình hình sao rồi", group=True)
        api.write(WARD, "tốt P3")
        wait_for(lambda: len(api.sent) == 2)
    assert api.sent == [
        (WARD, "P1: đã ghi nhận đơn vị tiếp nhận (sự cố số 1)."),
        (WARD, "P3: đã ghi nhận “Đã xem tại chỗ: hoạt động tốt” cho 1 mắt camera."),
    ]
    with office.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Reply)) == 3


def test_a_reply_waits_for_a_database_that_is_away(office: Office, api: ZaloApi) -> None:
    """Nothing more is asked for meanwhile: what the API gives is given once."""
    with capture_logs() as logged, listening(office, api):
        wait_for(lambda: bool(api.web.posted))
        do(office, "ALTER TABLE reply RENAME TO reply_away")
        api.write(WARD, "nhận P1")
        api.write(WARD, "tốt P3")
        wait_for(lambda: bool(logged))
        do(office, "ALTER TABLE reply_away RENAME TO reply")
        wait_for(lambda: len(api.sent) == 2)
    assert [said.partition(":")[0] for _, said in api.sent] == ["P1", "P3"]
    assert {(line["event"], line["waiting"]) for line in logged} == {("the database does not answer", 1)}


def test_a_reply_that_the_database_refuses_leaves_no_other_unheard(office: Office, api: ZaloApi) -> None:
    do(
        office,
        "CREATE TRIGGER refuse BEFORE INSERT ON reply WHEN NEW.text = 'nhận P1' "
        "BEGIN SELECT RAISE(ABORT, 'refused'); END",
    )
    with capture_logs() as logged, listening(office, api):
        api.write(WARD, "nhận P1")
        api.write(WARD, "tốt P3")
        wait_for(lambda: len(api.sent) == 1)
    assert api.sent[0][1].startswith("P3")
    assert [(line["event"], line["error"]) for line in logged] == [
        ("a reply could not be acted on", "IntegrityError")
    ]


def test_old_replies_are_forgotten(office: Office, api: ZaloApi) -> None:
    office.hear(WARD, "nhận P1")
    office.now += timedelta(days=91)
    with listening(office, api):
        api.write(WARD, "tốt P3")
        wait_for(lambda: len(api.sent) == 1)
    with office.database.transaction() as session:
        assert session.scalars(select(Reply.text)).all() == ["tốt P3"]


def test_the_listener_ends_in_the_middle_of_a_question(office: Office, api: ZaloApi) -> None:
    api.longest_wait_s = 30
    with listening(office, api):
        wait_for(lambda: bool(api.web.posted))
        began = time.monotonic()
    assert time.monotonic() - began < 3


def test_an_api_that_refuses_is_asked_again_later_and_names_no_token(office: Office, api: ZaloApi) -> None:
    api.refuse = 500
    with capture_logs() as logged, listening(office, api):
        wait_for(lambda: bool(logged))
        time.sleep(0.2)
        assert len(api.web.posted) == 1
    assert [line["reason"] for line in logged] == ["HTTP 500"]
    assert TOKEN not in str(logged)
