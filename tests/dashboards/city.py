"""A small city in a database, filled through the tables, to try queries, API, metrics and pages on."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import insert
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.db import Database
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)  # 10:00 in Yên Bái
REORGANISED = date(2025, 7, 1)


@dataclass(frozen=True, slots=True)
class Wards:
    """Database ids. Tuy Lộc and the old Nam Cường became the new Nam Cường; Hợp Minh became Âu Lâu."""

    province: int
    city: int
    tuy_loc: int
    hop_minh: int
    nam_cuong: int
    au_lau: int


def add_wards(session: Session) -> Wards:
    last = REORGANISED - timedelta(days=1)
    province = models.Unit(uid="15-2", code="15", name="Tỉnh Lào Cai", kind="tinh", valid_from=REORGANISED)
    city = models.Unit(uid="132", code="132", name="Thành phố Yên Bái", kind="thanh_pho", valid_to=last)
    session.add_all((province, city))
    session.flush()
    old = {"parent_id": city.id, "valid_to": last}
    new = {"parent_id": province.id, "valid_from": REORGANISED, "kind": "phuong"}
    wards = [
        models.Unit(uid="04276", code="04276", name="Xã Tuy Lộc", kind="xa", **old),
        models.Unit(uid="04546", code="04546", name="Phường Hợp Minh", kind="phuong", **old),
        models.Unit(uid="04273-2", code="04273", name="Phường Nam Cường", **new),
        models.Unit(uid="04543-2", code="04543", name="Phường Âu Lâu", **new),
    ]
    session.add_all(wards)
    session.flush()
    tuy_loc, hop_minh, nam_cuong, au_lau = (ward.id for ward in wards)
    session.add_all(
        models.UnitSuccessor(unit_id=before, successor_id=after)
        for before, after in (
            (tuy_loc, nam_cuong),
            (hop_minh, au_lau),
            (city.id, nam_cuong),
            (city.id, au_lau),
        )
    )
    session.flush()
    return Wards(province.id, city.id, tuy_loc, hop_minh, nam_cuong, au_lau)


def add_point(session: Session, code: str, unit_id: int | None, name: str = "", funding: str = "") -> int:
    """A point with one camera device of the same code, on site ``yb``. Returns the device's id."""
    site = session.query(models.Site).filter_by(code="yb").one_or_none() or models.Site(code="yb")
    session.add(site)
    point = models.Point(code=code, name=name or f"Điểm {code}", funding=funding)
    session.add(point)
    session.flush()
    if unit_id is not None:
        session.add(models.PointUnit(point_id=point.id, unit_id=unit_id))
    device = models.Device(
        code=f"{code}-D",
        point_id=point.id,
        site_id=site.id,
        manufacturer="Hikvision",
        model="DS-2CD1",
        host="127.0.1.1",
    )
    session.add(device)
    session.flush()
    return device.id


def add_eye(session: Session, device_id: int, code: str, **columns: object) -> int:
    """An eye in service that may be asked, unless ``columns`` say otherwise."""
    usual = {"path": "/live", "name": f"Mắt {code}", "commissioned_at": NOW - timedelta(days=400)}
    eye = models.Eye(
        code=code, device_id=device_id, **{**usual, "started_at": NOW - timedelta(days=1), **columns}
    )
    session.add(eye)
    session.flush()
    return eye.id


def set_state(
    session: Session,
    eye_id: int,
    state: str,
    reason: Reason = Reason.OK,
    at: datetime = NOW,
    **columns: object,
) -> None:
    """What the judge would have written for one finished probe."""
    first_ok_at = NOW - timedelta(days=1)
    usual = {"first_ok_at": first_ok_at, "probed_at": at, "probe_s": 0.25, "depth": Depth.LIVENESS}
    session.merge(
        models.EyeState(
            **{"eye_id": eye_id, "state": state, "since": at, "reason": reason, **usual, **columns}
        )
    )
    outcome = {"up": Outcome.OK, "degraded": Outcome.OK, "down": Outcome.FAILING}.get(state, Outcome.UNKNOWN)
    session.merge(
        models.Condition(
            eye_id=eye_id,
            check=Check.STREAM,
            state=outcome,
            since=at,
            reason=Reason.OK if outcome is Outcome.OK else reason,
            heard_at=at,
            interval_s=60.0,
        )
    )


def add_transition(
    session: Session, eye_id: int, before: str, after: str, reason: Reason, at: datetime = NOW
) -> None:
    session.add(
        models.Transition(
            eye_id=eye_id, ledger="eye", at=at, before=before, after=after, reason=reason, recorded_at=at
        )
    )
    session.flush()


def fill(database: Database) -> Wards:
    """Eight eyes, one of each kind of standing: see the codes."""
    with database.transaction() as session:
        wards = add_wards(session)
        market = add_point(session, "NC1", wards.tuy_loc, "Chợ Tuy Lộc", "city_budget")
        bridge = add_point(session, "AL1", wards.hop_minh, "Đầu cầu Âu Lâu", "socialised")
        set_state(session, add_eye(session, market, "NC1-UP"), "up")
        set_state(session, add_eye(session, market, "NC1-POOR"), "degraded", Reason.DECODE_FAILED)
        down = add_eye(session, market, "NC1-DOWN", name="Cổng chợ, hướng đường Hoà Bình")
        set_state(session, down, "down", Reason.TCP_TIMEOUT, transcript="> DESCRIBE\n< (nothing)")
        add_transition(session, down, "up", "down", Reason.TCP_TIMEOUT)
        locked = add_eye(session, bridge, "AL1-LOCKED")
        set_state(session, locked, "unknown", Reason.AUTH_LOCKED, first_ok_at=None)
        add_eye(session, bridge, "AL1-NEW", started_at=None)
        add_eye(session, bridge, "AL1-CLOUD", reach="reported", path=None)
        add_eye(session, bridge, "AL1-HOME", access_withdrawn_at=NOW - timedelta(days=2))
        suspended = add_eye(session, bridge, "AL1-PAUSED")
        session.add(models.Suspension(eye_id=suspended, from_at=NOW - timedelta(hours=1)))
    return wards


def fill_many(database: Database, eyes: int) -> None:
    """``eyes`` probed eyes at a third as many points of two wards: two of three up."""
    with database.transaction() as session:
        wards = add_wards(session)
        devices = [
            add_point(session, f"P{n:05}", (wards.tuy_loc, wards.hop_minh)[n % 2], f"Tổ dân phố số {n}")
            for n in range((eyes + 2) // 3)
        ]
        ids = range(1, eyes + 1)
        session.execute(
            insert(models.Eye),
            [
                {
                    "id": n,
                    "code": f"E{n:05}",
                    "device_id": devices[(n - 1) // 3],
                    "name": f"Mắt {n}",
                    "path": "/live",
                    "started_at": NOW,
                }
                for n in ids
            ],
        )
        outcomes = (
            ("up", Outcome.OK, Reason.OK),
            ("up", Outcome.OK, Reason.OK),
            ("down", Outcome.FAILING, Reason.TCP_TIMEOUT),
        )
        session.execute(
            insert(models.EyeState),
            [
                {
                    "eye_id": n,
                    "state": outcomes[n % 3][0],
                    "reason": outcomes[n % 3][2],
                    "since": NOW - timedelta(seconds=n),
                    "first_ok_at": NOW,
                    "probed_at": NOW - timedelta(seconds=n % 60),
                    "probe_s": 0.5,
                    "depth": Depth.LIVENESS,
                }
                for n in ids
            ],
        )
        session.execute(
            insert(models.Condition),
            [
                {
                    "eye_id": n,
                    "check": Check.STREAM,
                    "state": outcomes[n % 3][1],
                    "reason": outcomes[n % 3][2],
                    "since": NOW,
                    "heard_at": NOW,
                    "interval_s": 60.0,
                }
                for n in ids
            ],
        )
