"""Two wards on a morning: a point of one has lost its power, single eyes are gone, and nobody knows yet."""

from datetime import timedelta

from sqlalchemy.orm import Session

from camera_registry import incident_book, models
from camera_registry.db import Database
from camera_registry.settings import load
from probes.reasons import Reason
from tests.dashboards.city import NOW, Wards, add_eye, add_point, add_transition, add_wards, set_state

ZONE = load().zone
WARD, OTHER_WARD, FORMER, CITY = "04273-2", "04543-2", "04276", "132"  # uids


def fill_morning(database: Database) -> Wards:
    """In Nam Cường the market (two devices, three eyes) fell 50 minutes ago, an eye of the school three hours
    ago, and the bridge sees badly; the office is well. In Âu Lâu one eye fell an hour ago.
    """
    with database.transaction() as session:
        wards = add_wards(session)
        market = add_point(session, "NC1", wards.tuy_loc, "Chợ Tuy Lộc", "city_budget")
        second = _second_device(session, market)
        school = add_point(session, "NC2", wards.tuy_loc, "Trường tiểu học Nam Cường", "socialised")
        bridge = add_point(session, "NC3", wards.tuy_loc, "Đầu cầu Tuần Quán", "socialised")
        office = add_point(session, "NC4", wards.tuy_loc, "Trụ sở phường", "city_budget")
        ferry = add_point(session, "AL1", wards.hop_minh, "Bến đò Âu Lâu", "socialised")
        for device, code in ((market, "NC1-A"), (market, "NC1-B"), (second, "NC1-C")):
            _fell(session, add_eye(session, device, code), 50)
        _fell(session, add_eye(session, school, "NC2-A", name="Cổng trường"), 180)
        _lives(session, add_eye(session, school, "NC2-B"))
        poor = add_eye(session, bridge, "NC3-A")
        _lives(session, poor)
        set_state(session, poor, "degraded", Reason.PICTURE_BLURRED, NOW - timedelta(hours=20))
        for code in ("NC4-A", "NC4-B"):
            _lives(session, add_eye(session, office, code))
        add_eye(session, office, "NC4-NEW", started_at=None)
        _fell(session, add_eye(session, ferry, "AL1-A", name="Bến đò"), 60)
        _lives(session, add_eye(session, ferry, "AL1-B"))
        _address(session, "NC1", "Đường Hoà Bình, tổ dân phố số 4")
        session.add(
            models.Custody(
                point_id=session.get_one(models.Device, school).point_id,
                valid_from=NOW.date() - timedelta(days=400),
                manager="Công an phường Nam Cường",
                electricity="Trường tiểu học",
                internet="UBND phường",
                handed_over_on=NOW.date() - timedelta(days=400),
            )
        )
    incident_book.fold(database, ZONE, NOW)
    return wards


def _second_device(session: Session, first: int) -> int:
    known = session.get_one(models.Device, first)
    device = models.Device(code="NC1-D2", point_id=known.point_id, site_id=known.site_id, host="127.0.1.2")
    session.add(device)
    session.flush()
    return device.id


def _address(session: Session, code: str, address: str) -> None:
    session.query(models.Point).filter_by(code=code).one().address = address


def _lives(session: Session, eye_id: int) -> None:
    begun = NOW - timedelta(hours=26)
    set_state(session, eye_id, "up", at=begun)
    add_transition(session, eye_id, "unknown", "up", Reason.OK, begun)


def _fell(session: Session, eye_id: int, minutes: int) -> None:
    at = NOW - timedelta(minutes=minutes)
    _lives(session, eye_id)
    set_state(session, eye_id, "down", Reason.TCP_TIMEOUT, at)
    add_transition(session, eye_id, "up", "down", Reason.TCP_TIMEOUT, at)
