"""The heartbeat: an address is asked while the monitor is at work, and only then."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from camera_registry.alerts import heartbeat
from camera_registry.alerts.failures import NotSent
from camera_registry.alerts.outbox import State
from camera_registry.models import AlertChannel, AlertCursor, Eye, EyeState, Message
from tests.camera_registry.registries import add_eyes
from tests.camera_registry.sinks import web_sink
from tests.camera_registry.test_people_say import NOW, ZONE

PATIENT = timedelta(minutes=16)


def ill(session: Session) -> str:
    return heartbeat.illness(session, ZONE, 2.5, NOW)


def probed(session: Session, ago: timedelta) -> None:
    (code,) = add_eyes(session, 1)
    eye = session.query(Eye).filter_by(code=code).one()
    eye.started_at = NOW - timedelta(days=1)
    session.add(
        EyeState(
            eye_id=eye.id,
            state="up",
            reason="ok",
            since=NOW - timedelta(days=1),
            probed_at=NOW - ago,
            memory={},
        )
    )
    session.flush()


def message(session: Session, **given: object) -> None:
    channel = AlertChannel(
        name="x", kind="email", language="vi", made_at=NOW, made_by="x", sealed=b"", shown="", error=""
    )
    session.add(channel)
    session.flush()
    values = {"state": str(State.WAITING), "due_at": NOW - PATIENT, "leased_until": None, **given}
    session.add(
        Message(
            channel_id=channel.id,
            occasion="incident:1",
            kind="opened",
            made_at=NOW - PATIENT,
            title="t",
            text="x",
            told={},
            error="",
            **values,
        )
    )
    session.flush()


def test_a_registry_without_eyes_is_well(session: Session) -> None:
    assert ill(session) == ""


def test_eyes_are_asked_or_the_monitor_is_ill(session: Session) -> None:
    probed(session, timedelta(minutes=1))
    assert ill(session) == ""
    session.execute(update(EyeState).values(probed_at=NOW - timedelta(minutes=6)))
    assert ill(session) == "no eye was asked for too long"


@pytest.mark.parametrize(
    ("changed", "stuck"),
    [
        pytest.param({}, True, id="due"),
        pytest.param({"due_at": NOW - timedelta(minutes=14)}, False, id="not-for-long"),
        pytest.param({"due_at": NOW + timedelta(hours=1)}, False, id="tried-again-later"),
        pytest.param({"state": "dead"}, False, id="given-up"),
        pytest.param({"leased_until": NOW + timedelta(minutes=1)}, False, id="being-sent"),
        pytest.param({"leased_until": NOW - timedelta(minutes=1)}, True, id="lease-ran-out"),
    ],
)
def test_messages_are_sent_or_the_monitor_is_ill(
    session: Session, changed: dict[str, object], stuck: bool
) -> None:
    message(session, **changed)
    assert ill(session) == ("messages are due and nobody sends them" if stuck else "")


def test_incidents_are_routed_or_the_monitor_is_ill(session: Session) -> None:
    session.add(AlertCursor(id=1, began_at=NOW - timedelta(days=9), at=NOW - timedelta(minutes=2)))
    session.flush()
    assert ill(session) == ""
    session.execute(update(AlertCursor).values(at=NOW - PATIENT))
    assert ill(session) == "nothing was routed for too long"


def test_a_cursor_ahead_of_the_clock_is_an_illness(session: Session) -> None:
    session.add(AlertCursor(id=1, began_at=NOW - timedelta(days=9), at=NOW + timedelta(seconds=30)))
    session.flush()
    assert ill(session) == ""
    session.execute(update(AlertCursor).values(at=NOW + timedelta(hours=7)))
    assert ill(session).startswith("the clock was set back")


def test_the_address_is_asked() -> None:
    with web_sink() as sink:
        heartbeat.ping(f"{sink.url}/k4n4ryb1rd")
        assert [(posted.method, posted.path) for posted in sink.posted] == [("GET", "/k4n4ryb1rd")]
        sink.answer = lambda _posted: (404, {}, b"")
        with pytest.raises(NotSent, match="HTTP 404"):
            heartbeat.ping(f"{sink.url}/k4n4ryb1rd")
    with pytest.raises(NotSent) as refused:
        heartbeat.ping(f"{sink.url}/k4n4ryb1rd")
    assert "k4n4ryb1rd" not in repr(refused.value)
