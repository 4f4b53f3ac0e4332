"""Every page of the web by its route, with an address to look at it by: of the city that ``tour`` fills."""

from collections.abc import Mapping

from sqlalchemy import select

from camera_registry import models
from camera_registry.alerts.rules import CITY_RULES
from camera_registry.db import Database
from tests.dashboards.alerted import add_channel, add_message, add_subscription
from tests.dashboards.city import NOW, fill
from tests.dashboards.funded import fund
from tests.dashboards.mended import mend

PAGES: Mapping[str, str] = {
    "/": "/",
    "/wall": "/wall",
    "/map": "/map",
    "/sign-in": "/sign-in",
    "/sign-in/link/{token}": "{link}",
    "/account": "/account",
    "/account/tokens": "/account/tokens",
    "/users": "/users",
    "/users/{name}": "/users/{me}",
    "/users/{name}/{deed}": "/users/{me}/disable",
    "/incidents": "/incidents",
    "/incidents/{number}": "/incidents/1",
    "/units/{uid}": "/units/04273-2",
    "/units/{uid}/morning": "/units/04273-2/morning",
    "/i/{token}": "{opened}",
    "/alerts": "/alerts?channel=all",
    "/alerts/channels": "/alerts/channels",
    "/alerts/channels/{number}": "/alerts/channels/2",
    "/alerts/channels/{number}/stop": "/alerts/channels/2/stop",
    "/alerts/subscriptions": "/alerts/subscriptions",
    "/alerts/subscriptions/new": "/alerts/subscriptions/new?channel=1",
    "/alerts/subscriptions/{number}": "/alerts/subscriptions/2",
    "/alerts/subscriptions/{number}/end": "/alerts/subscriptions/2/end",
    "/eyes": "/eyes",
    "/eyes/{code:path}": "/eyes/NC1-DOWN",
    "/eyes/{code:path}/figure": "/eyes/NC1-DOWN/figure",
    "/points/{code:path}": "/points/NC1",
    "/points/{code:path}/money": "/points/NC1/money",
    "/money": "/money",
    "/money/basis": "/money/basis",
    "/money/contributors": "/money/contributors",
    "/money/contributors/enter": "/money/contributors/enter?number=2",
    "/money/enter": "/money/enter?point=NC1&point=AL1",
    "/money/entries/{number}": "/money/entries/2",
    "/money/import": "/money/import",
    "/money/programmes": "/money/programmes",
    "/money/programmes/enter": "/money/programmes/enter?code=XHH-2026",
    "/money/waiting": "/money/waiting",
    "/availability": "/availability",
    "/counting": "/counting",
    "/maintenance": "/maintenance",
    "/baselines": "/baselines",
    "/audit": "/audit",
    "/registry": "/registry",
    "/registry/import": "/registry/import",
    "/registry/reported": "/registry/reported",
    "/registry/grades": "/registry/grades",
    "/registry/devices": "/registry/devices",
    "/registry/start": "/registry/start",
    "/registry/discovery": "/registry/discovery",
    "/registry/discovery/add": "/registry/discovery/add?host=192.0.2.7",
    "/registry/discovery/device": "/registry/discovery/device?code=NC1-D",
    "/registry/discovery/device/{code:path}": "/registry/discovery/device/NC1-D",
    "/registry/edit": "/registry/edit?eye=NC1-UP",
    "/registry/custody": "/registry/custody",
    "/registry/custody/present": "/registry/custody/present",
    "/registry/custody/history": "/registry/custody/history?point=NC1",
    "/registry/custody/enter": "/registry/custody/enter?point=NC1",
    "/registry/move": "/registry/move?point=NC1",
    "/registry/unplaced": "/registry/unplaced",
    "/repairs": "/repairs",
    "/repairs/new": "/repairs/new?point=AL1",
    "/repairs/{number}": "/repairs/1",
    "/proposals": "/proposals",
    "/proposals/new": "/proposals/new",
    "/proposals/{number}": "/proposals/1",
    "/proposals/{number}/change": "/proposals/1/change",
    "/reports": "/reports",
    "/reports/{kind}": "/reports/repairs?unit=04273-2&period=2026-10",
    "/reports/kept": "/reports/kept",
    "/reports/kept/{number}": "/reports/kept/1",
    "/reports/schedules": "/reports/schedules",
    "/reports/schedules/{number}/end": "/reports/schedules/1/end",
    "/reports/letterheads": "/reports/letterheads?unit=",
}

# The same pages of another kind of thing: an eye that people report on; messages that were given up; a link
# that nobody has opened.
VARIANTS = (
    *("/eyes/AL1-CLOUD", "/alerts?channel=all&state=dead", "{unopened}"),
    *("/repairs?state=waiting_for_money", "/reports/uptime", "/reports/letterheads"),
)

# Pictures, files, fragments, and pages that a deed leads to: each is looked at where its deed is tested.
NO_PAGES = {
    "/eyes/{code:path}/live.jpg",
    "/eyes/{code:path}/probe/{wanted}",
    "/eyes/{code:path}/probe/{wanted}/rungs",
    "/map/points",
    "/units/{uid}/month",
    "/units/{uid}/words",
    "/incidents/{number}/words",
    "/points/{code:path}/months",
    "/money/documents/{number}",
    "/money/import/template.xlsx",
    "/reports/kept/{number}/file",
    "/registry/import/template.xlsx",
    "/registry/import/{key}",
    "/registry/import/{key}/marked.xlsx",
    "/registry/start/{number}",
    "/sign-in/oidc",
    "/sign-in/oidc/back",
}


def tour(database: Database) -> None:
    """The small city of ``tests.dashboards.city``, with an incident that was told of, a ledger, repairs."""
    wards = fill(database)
    with database.transaction() as session:
        eye_id = session.scalars(select(models.Eye.id).where(models.Eye.code == "NC1-DOWN")).one()
        incident = models.Incident(
            kind="eye", ancestor_id=eye_id, started_at=NOW, announced_at=NOW, recorded_at=NOW
        )
        incident.members.append(models.IncidentEye(eye_id=eye_id, from_at=NOW))
        session.add(incident)
        session.flush()
        desk = add_channel(session, "Trực ban thành phố")
        mail = add_channel(
            session, "Công an phường", "email", wards.nam_cuong, sealed=b"", shown="tr…@example.vn"
        )
        add_subscription(session, desk, said=CITY_RULES)
        add_subscription(session, mail, wards.nam_cuong)
        text = "[MẤT KẾT NỐI] Điểm NC1, phường Nam Cường: 1/2 mắt camera mất kết nối từ 10:00."
        add_message(session, desk, text, incident_id=incident.id)
        add_message(session, mail, text, state="dead", error="550", unit_id=wards.nam_cuong)
        fund(session)
        mend(session)
