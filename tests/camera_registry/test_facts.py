"""A device is read daily: blanks are filled, changes are events, another device waits for a person."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import facts, inventory, models, queries, settings
from camera_registry.audit import Actor
from camera_registry.credentials import CredentialStore
from camera_registry.facts import FactsError, same_serial
from camera_registry.units import Scope
from probes.onvif.answers import Identity
from probes.onvif.survey import Channel, Survey
from probes.reasons import Reason
from tests.camera_registry.registries import add_eyes

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SAID = Identity("Hikvision", "DS-2CD1023", "V5.7.1", "DS-2CD1023-I20160101AAWR123456789")
CHANNEL = Channel(1, "Cổng chợ", "main", "H265", 1920, 1080, "/101", "/102", "/picture")
WHO = Actor("Trực ban", "cli")


@pytest.fixture
def session(session: Session) -> Session:
    add_eyes(session, 1)
    return session


def device(session: Session) -> models.Device:
    return inventory.device_by_code(session, "D1")


def read(session: Session, days: int = 0, **said: str) -> list[tuple[str, str, str]]:
    """Read the device; the changes that are new."""
    survey = Survey(replace(SAID, **said), (CHANNEL,), (Reason.XADDR_REWRITTEN,))
    events = facts.take_survey(session, device(session).id, survey, NOW + timedelta(days=days))
    return [(event.kind, event.before, event.after) for event in events]


def wrong(session: Session, tmp_path: Path) -> bool:
    store = CredentialStore(settings.load(data_dir=tmp_path))
    (asked,) = inventory.load_targets(session, store, NOW, ZONE)
    return asked.target.wrong_device


def test_a_first_reading_fills_the_blanks_and_leaves_what_a_person_wrote(session: Session) -> None:
    device(session).model = "DS-2CD1023G0E"

    assert read(session) == []

    row = device(session)
    assert (row.manufacturer, row.model, row.firmware, row.serial) == (
        "Hikvision",
        "DS-2CD1023G0E",
        "V5.7.1",
        SAID.serial,
    )
    kept = session.get_one(models.DeviceFacts, row.id)
    assert (kept.model, kept.channels[0]["codec"], kept.notes) == ("DS-2CD1023", "H265", ["XADDR_REWRITTEN"])


def test_a_changed_firmware_is_an_event(session: Session, tmp_path: Path) -> None:
    read(session)

    assert read(session, 1, firmware="V5.7.9") == [("firmware_changed", "V5.7.1", "V5.7.9")]
    assert read(session, 2, firmware="V5.7.9") == []
    assert device(session).firmware == "V5.7.9"
    assert not wrong(session, tmp_path)


def test_another_serial_waits_for_a_person(session: Session, tmp_path: Path) -> None:
    read(session)

    assert read(session, 1, serial="AAWR999999999", model="other") == [
        ("serial_changed", SAID.serial, "AAWR999999999")
    ]
    assert read(session, 2, serial="AAWR999999999", model="other") == [], "it is said once"
    assert wrong(session, tmp_path)
    assert device(session).model == "DS-2CD1023"
    (waiting,) = queries.unconfirmed(session, Scope.everything(), NOW.date())
    assert (waiting.device, waiting.after) == ("D1", "AAWR999999999")

    facts.confirm_device(session, device(session), WHO, NOW + timedelta(days=2))

    assert not wrong(session, tmp_path)
    assert (device(session).serial, device(session).model) == ("AAWR999999999", "other")
    (deed,) = session.scalars(select(models.Audit))
    assert (deed.who, deed.action, deed.subject) == ("Trực ban", "device_confirmed", "device:D1")
    assert deed.detail == {"before": SAID.serial, "after": "AAWR999999999"}
    assert read(session, 3, serial="AAWR999999999", model="other") == []


def test_the_registered_device_that_is_back_needs_nobody(session: Session, tmp_path: Path) -> None:
    read(session)
    read(session, 1, serial="AAWR999999999")

    assert read(session, 2) == []
    assert not wrong(session, tmp_path)
    with pytest.raises(FactsError, match="D1"):
        facts.confirm_device(session, device(session), WHO, NOW)


def test_a_device_that_tells_no_serial_is_not_another_one(session: Session, tmp_path: Path) -> None:
    read(session)

    assert read(session, 1, serial="") == []
    assert not wrong(session, tmp_path)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("AAWR123456789", "aawr123456789", True, id="case"),
        pytest.param("3K0-4F 77", "3K04F77", True, id="punctuation"),
        pytest.param("123456789", SAID.serial, True, id="the label of a Hikvision"),
        pytest.param("123456788", SAID.serial, False, id="another label"),
        pytest.param("6789", SAID.serial, False, id="too short to be sure"),
    ],
)
def test_serials(one: str, other: str, same: bool) -> None:
    assert same_serial(one, other) is same_serial(other, one) is same
