"""Inventory and security as reports: what stood there on a day, counted once, cut to who asks."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.i18n import LANGUAGES, Language
from camera_registry.reports import inventory, security
from camera_registry.reports.asked import Asked, AskedError
from camera_registry.reports.value import Facts, Kind, Report, Table, Value
from camera_registry.units import Scope
from tests.camera_registry.lived import ZONE
from tests.camera_registry.towns import Town, found, move

NOW = datetime(2026, 9, 8, 5, tzinfo=UTC)
EVERYTHING = Scope.everything()
AUGUST = Asked(Kind.INVENTORY, date(2026, 8, 1), date(2026, 8, 31))


@pytest.fixture
def town(session: Session) -> Town:
    """P1 (2 eyes), P2 (1) and P3 (3) in unit A; P2 goes to unit B on 15/08/2026."""
    town = found(session, [2, 1, 3])
    move(session, town.points["P2"], town.units["B"], date(2026, 8, 15))
    return town


def table(report: Report, key: str) -> Table:
    return next(part for part in report.parts if isinstance(part, Table) and part.key == key)


def fact(report: Report, key: str) -> Value:
    facts = (each for part in report.parts if isinstance(part, Facts) for each in part.facts)
    return next(each.value for each in facts if each.key == key)


def listed(session: Session, asked: Asked = AUGUST, scope: Scope = EVERYTHING) -> Report:
    return inventory.build(session, scope, asked, NOW, ZONE, "vi")


@pytest.mark.parametrize("language", LANGUAGES)
def test_points_devices_and_eyes_are_counted_each_for_itself(
    session: Session, town: Town, language: Language
) -> None:
    report = inventory.build(session, EVERYTHING, AUGUST, NOW, ZONE, language)
    assert [fact(report, key) for key in ("points", "devices", "eyes")] == [3, 3, 6]
    for key in ("by_unit", "by_funding", "by_manufacturer"):
        counted = table(report, key)
        assert counted.total is not None
        assert [sum(int(str(row[n])) for row in counted.rows) for n in (1, 2, 3)] == list(counted.total[1:])
        assert list(counted.total[1:]) == [3, 3, 6]
    assert [row[1] for row in table(report, "eyes").rows] == ["E1", "E2", "E4", "E5", "E6", "E3"]


@pytest.mark.parametrize(
    ("day", "managers"),
    [
        pytest.param(date(2026, 8, 31), ["Chưa bàn giao", None, "Công an phường A"], id="after it ended"),
        pytest.param(date(2026, 6, 30), ["Công an phường C", "Công an phường A", None], id="on its last day"),
    ],
)
def test_managers_are_those_that_were_still_there_on_the_day(
    session: Session, town: Town, day: date, managers: list[str | None]
) -> None:
    session.add(models.Unit(uid="C-1", code="C", name="Phường C", kind="ward", valid_to=date(2026, 6, 30)))
    for point, office in (("P1", "Công an phường C"), ("P2", "Công an phường A")):
        since = date(2026, 2, 1)
        session.add(models.Custody(point_id=town.points[point], valid_from=since, manager=office))
    session.flush()
    points = table(listed(session, replace(AUGUST, first=day, last=day)), "points")
    assert [row[-1] for row in points.rows] == managers


def test_what_was_retired_or_not_yet_there_on_the_last_day_is_left_out(session: Session, town: Town) -> None:
    for code, column, at in (
        ("E1", "retired_at", datetime(2026, 8, 31, 10, tzinfo=UTC)),
        ("E2", "retired_at", datetime(2026, 9, 2, tzinfo=UTC)),
        ("E3", "commissioned_at", datetime(2026, 9, 1, tzinfo=UTC)),
    ):
        setattr(session.scalars(select(models.Eye).where(models.Eye.code == code)).one(), column, at)
    session.flush()
    report = listed(session)
    assert [row[1] for row in table(report, "eyes").rows] == ["E2", "E4", "E5", "E6"]
    assert [fact(report, key) for key in ("points", "devices", "eyes")] == [2, 2, 4]


@pytest.mark.parametrize(
    ("units_at", "rows"),
    [
        pytest.param(date(2026, 8, 31), [("Phường A", 2, 2, 5), ("Phường B", 1, 1, 1)], id="of its end"),
        pytest.param(date(2026, 8, 1), [("Phường A", 3, 3, 6)], id="of before the move"),
    ],
)
def test_units_are_those_of_the_day_asked_for(
    session: Session, town: Town, units_at: date, rows: list[tuple[Value, ...]]
) -> None:
    report = listed(session, replace(AUGUST, units_at=units_at))
    assert list(table(report, "by_unit").rows) == rows


def test_a_unit_and_a_scope_cut(session: Session, town: Town) -> None:
    of_b = listed(session, replace(AUGUST, unit="B"))
    assert [row[1] for row in table(of_b, "points").rows] == ["P2"]
    assert of_b.about.startswith("Phường B")
    seen = listed(session, scope=Scope.of([town.units["A"]]))
    assert [row[1] for row in table(seen, "points").rows] == ["P1", "P3"]
    for asked in (replace(AUGUST, unit="B"), replace(AUGUST, point="P2"), replace(AUGUST, unit="X")):
        with pytest.raises(AskedError):
            listed(session, asked, Scope.of([town.units["A"]]))


def test_nothing_is_told_of_days_to_come(session: Session, town: Town) -> None:
    with pytest.raises(AskedError):
        listed(session, replace(AUGUST, first=date(2026, 10, 1), last=date(2026, 10, 31)))


def finding(eye: int, reason: str, evidence: str, first: datetime, gone: datetime | None) -> models.Finding:
    return models.Finding(
        eye_id=eye, reason=reason, evidence=evidence, first_at=first, last_at=gone or NOW, gone_at=gone
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_open_in_the_period_is_told_and_what_was_not_is_not(
    session: Session, town: Town, language: Language
) -> None:
    july, mid, later = (datetime(2026, month, 15, tzinfo=UTC) for month in (7, 8, 9))
    session.add_all(
        (
            finding(town.eyes["E1"], "STREAM_OPEN_NO_AUTH", "rtp", mid, None),
            finding(town.eyes["E2"], "SDP_OPEN_NO_AUTH", "sdp", july, mid),
            finding(town.eyes["E3"], "TLS_UNTRUSTED", "certificate", july, None),
            finding(town.eyes["E4"], "STREAM_OPEN_NO_AUTH", "rtp", july, july + timedelta(days=1)),
            finding(town.eyes["E5"], "STREAM_OPEN_NO_AUTH", "rtp", later, None),
            finding(town.eyes["E6"], "STREAM_OPEN_NO_AUTH", "rtp", mid, None),
        )
    )
    gone = session.scalars(select(models.Eye).where(models.Eye.code == "E6")).one()
    gone.access_withdrawn_at = mid
    session.flush()
    asked = replace(AUGUST, kind=Kind.SECURITY)
    report = security.build(session, EVERYTHING, asked, NOW, ZONE, language)
    assert [row[1] for row in table(report, "exposures").rows] == ["E2", "E1"]
    assert [row[1] for row in table(report, "findings").rows] == ["E3"]
    assert [fact(report, key) for key in ("exposed", "open", "gone")] == [1, 2, 1]
    assert report.grounds


def test_certificates_shared_logins_and_firmware(session: Session, town: Town) -> None:
    shared = models.Credential(name="sesame", sealed=b"x", changed_at=NOW)
    session.add(shared)
    session.flush()
    for code, imported, certificate, firmware in (
        ("D1", date(2026, 3, 1), "", "V1"),
        ("D2", date(2025, 12, 31), "", "V2"),
        ("D3", None, "HQ-1", ""),
    ):
        device = session.scalars(select(models.Device).where(models.Device.code == code)).one()
        device.imported_on, device.certificate, device.firmware = imported, certificate, firmware
        device.manufacturer, device.model = "Hãng", "Kiểu 1"
        device.credential_id = shared.id if code != "D3" else None
    session.flush()
    report = security.build(session, EVERYTHING, replace(AUGUST, kind=Kind.SECURITY), NOW, ZONE, "en")
    assert [fact(report, key) for key in ("certificate_missing", "login_shared", "firmware_unknown")] == [
        1,
        2,
        1,
    ]
    assert [row[1] for row in table(report, "certificates").rows] == [1, 1, 1, 0]
    assert [(row[2], row[3], row[6]) for row in table(report, "firmware").rows] == [
        (None, 1, 2),
        ("V1", 1, 2),
        ("V2", 1, 2),
    ]
    assert "sesame" not in repr(report.parts)
