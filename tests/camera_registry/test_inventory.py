"""Which eyes may be asked, and how that ends."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from camera_registry import inventory
from camera_registry.credentials import CredentialStore
from camera_registry.inventory import InventoryError, load_targets
from camera_registry.models import Credential, Device, DevicePace, Eye, Point

NOW = datetime(2026, 11, 1, 20, tzinfo=UTC)  # in Vietnam it is 3 o'clock on 2 November
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


class City:
    """Makes rows with what a test does not care about filled in."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.site = inventory.add_site(session, "main")
        self.point = Point(code="P1", name="Cổng chợ")
        session.add(self.point)
        session.flush()

    def device(self, code: str = "D1", **values: Any) -> Device:
        values = {"host": "10.0.0.7", "kind": "camera", "manufacturer": "", **values}
        device = Device(code=code, point_id=self.point.id, site_id=self.site.id, **values)
        self.session.add(device)
        self.session.flush()
        return device

    def eye(self, device: Device, code: str = "E1", **values: Any) -> Eye:
        eye = Eye(code=code, device_id=device.id, **{"path": "/1", "started_at": NOW, **values})
        self.session.add(eye)
        self.session.flush()
        return eye


@pytest.fixture
def city(session: Session) -> City:
    return City(session)


def asked(session: Session, store: CredentialStore, **how: Any) -> list[str]:
    return [one.target.eye for one in load_targets(session, store, NOW, ZONE, **how)]


def test_a_target_knows_how_gently_to_ask(session: Session, store: CredentialStore, city: City) -> None:
    own = store.put(session, "own", "admin", "x", now=NOW)
    recorder = city.device("R", kind="recorder", port=8554, tls=True, credential_id=own, basic_allowed=True)
    session.add(DevicePace(device_id=recorder.id, effective_interval_s=420.0))
    city.eye(recorder, "E2", channel=2, path="/2?x=1")
    city.eye(city.device("C", host="cam.example"), "E1")
    by_recorder, by_camera = (one.target for one in load_targets(session, store, NOW, ZONE))
    assert (by_recorder.host, by_recorder.port, by_recorder.path) == ("10.0.0.7", 8554, "/2?x=1")
    assert (by_recorder.tls, by_recorder.basic_allowed, by_recorder.site) == (True, True, "main")
    assert (by_recorder.sessions, by_recorder.interval_s) == (2, 420.0)
    assert by_recorder.credential is not None
    assert by_recorder.credential.user == "admin"
    assert (by_camera.sessions, by_camera.interval_s, by_camera.credential) == (1, 60.0, None)


def test_a_target_knows_every_way_to_its_device(session: Session, store: CredentialStore, city: City) -> None:
    apart = store.put(session, "onvif", "operator", "x", now=NOW)
    plain, secure = city.device("D1"), city.device(
        "D2", web_tls=True, onvif_port=8000, tls_check="pin", tls_pin="ab" * 32, serial="123",
        onvif_credential_id=apart,
    )  # fmt: skip
    city.eye(plain, "E1")
    city.eye(secure, "E2", channel=7, ptz=True, snapshot_path="/picture")
    by_http, by_https = (one.target for one in load_targets(session, store, NOW, ZONE))
    assert (by_http.web_port, by_http.web_tls, by_http.onvif_port) == (80, False, None)
    assert (by_http.tls_check, by_http.snapshot_path, by_http.onvif_credential) == ("none", None, None)
    assert (by_https.web_port, by_https.web_tls, by_https.onvif_port) == (443, True, 8000)
    assert (by_https.tls_check, by_https.tls_pin) == ("pin", "ab" * 32)
    assert (by_https.channel, by_https.ptz, by_https.snapshot_path) == (7, True, "/picture")
    assert by_https.onvif_credential is not None
    assert (by_https.onvif_credential.user, by_https.serial) == ("operator", "123")


REQUIRED = [
    pytest.param(None, None, None, None, id="nothing is required"),
    pytest.param(30.0, None, None, 30.0, id="by the point"),
    pytest.param(30.0, 7.0, None, 7.0, id="the eye's own number goes before"),
    pytest.param(30.0, None, NOW - timedelta(days=5), 5.0, id="no more than it has been in service"),
]


@pytest.mark.parametrize(("point", "eye", "commissioned", "required"), REQUIRED)
def test_days_of_footage_required(
    session: Session,
    store: CredentialStore,
    city: City,
    point: float | None,
    eye: float | None,
    commissioned: datetime | None,
    required: float | None,
) -> None:
    city.point.required_days = point
    city.eye(city.device(), required_days=eye, commissioned_at=commissioned)
    (one,) = load_targets(session, store, NOW, ZONE)
    assert one.target.required_days == required


IN_SERVICE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "in service": ({}, {}),
    "commissioned now": ({}, {"commissioned_at": NOW}),
    "to be retired tomorrow": ({}, {"retired_at": NOW + timedelta(days=1)}),
    "last day of access, in Vietnam": ({}, {"access_until": date(2026, 11, 2)}),
}
NOT_ASKED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "imported, not started": ({}, {"started_at": None}),
    "reported by a person": ({}, {"reach": "reported"}),
    "no host": ({"host": None}, {}),
    "no path": ({}, {"path": None}),
    "not yet commissioned": ({}, {"commissioned_at": NOW + timedelta(days=1)}),
    "retired now": ({}, {"retired_at": NOW}),
    "access withdrawn": ({}, {"access_withdrawn_at": NOW}),
    "access expired, in Vietnam": ({}, {"access_until": date(2026, 11, 1)}),
}


def test_who_is_asked(session: Session, store: CredentialStore, city: City) -> None:
    for case, (device, eye) in (IN_SERVICE | NOT_ASKED).items():
        city.eye(city.device(case, **device), case, **eye)
    assert asked(session, store) == list(IN_SERVICE)


def test_sites_and_the_not_yet_started(session: Session, store: CredentialStore, city: City) -> None:
    city.eye(city.device(), "E1")
    city.eye(city.device("D2"), "E2", started_at=None)
    assert asked(session, store, site="main") == ["E1"]
    assert asked(session, store, site="elsewhere") == []
    assert asked(session, store, started=False) == ["E2"]


def test_suspend_and_resume(session: Session, store: CredentialStore, city: City) -> None:
    eye = city.eye(city.device())
    inventory.suspend(session, eye, NOW - timedelta(hours=1), "ngắt điện")
    session.flush()
    assert asked(session, store) == []
    with pytest.raises(InventoryError):
        inventory.suspend(session, eye, NOW)
    inventory.resume(session, eye, NOW)
    session.flush()
    assert asked(session, store) == ["E1"]
    with pytest.raises(InventoryError):
        inventory.resume(session, eye, NOW)


def test_retire_once(session: Session, store: CredentialStore, city: City) -> None:
    eye = city.eye(city.device())
    inventory.retire(eye, NOW)
    session.flush()
    assert asked(session, store) == []
    with pytest.raises(InventoryError):
        inventory.retire(eye, NOW)


def test_a_household_takes_its_consent_back(session: Session, store: CredentialStore, city: City) -> None:
    own = store.put(session, "household", "admin", "x", now=NOW)
    shared = city.device(credential_id=own)
    first, second = city.eye(shared, "E1"), city.eye(shared, "E2", channel=2)
    assert not inventory.withdraw_access(session, first, NOW), "the neighbour's eye still needs it"
    assert asked(session, store) == ["E2"]
    assert inventory.withdraw_access(session, second, NOW)
    assert asked(session, store) == []
    assert session.get_one(Credential, own).sealed is None


def test_the_set_for_onvif_goes_with_the_consent(
    session: Session, store: CredentialStore, city: City
) -> None:
    own = store.put(session, "household", "admin", "x", now=NOW)
    eye = city.eye(city.device(onvif_credential_id=own))
    assert inventory.withdraw_access(session, eye, NOW)
    assert session.get_one(Credential, own).sealed is None


def test_the_set_of_a_site_is_not_one_households(
    session: Session, store: CredentialStore, city: City
) -> None:
    common = store.put(session, "site", "admin", "x", now=NOW, site=city.site.id)
    eye = city.eye(city.device(credential_id=common))
    assert not inventory.withdraw_access(session, eye, NOW)
    assert session.get_one(Credential, common).sealed is not None


def test_an_unknown_eye_and_a_second_site(session: Session, city: City) -> None:
    with pytest.raises(InventoryError, match="E9"):
        inventory.eye_by_code(session, "E9")
    with pytest.raises(InventoryError, match="main"):
        inventory.add_site(session, "main")
