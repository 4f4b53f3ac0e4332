"""Every route, walked by every role who sees one ward: nothing of the ward beside is told or touched.

A new route with a parameter in its path, or that does a deed, needs an entry here, or fails. The same walk by
somebody who sees everything shows what the entries are worth: it finds, and it changes.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pytest
from cryptography.fernet import Fernet
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy import select

from camera_registry.api.desk import May
from camera_registry.api.whole_city import WholeCity
from camera_registry.auth.roles import Role
from camera_registry.db import Database
from camera_registry.models import Audit, Base
from tests.dashboards.serving import Web, make_web, session_of
from tests.dashboards.two_wards import OURS, THEIRS, Ward, fill_two_wards
from tests.databases import sqlite_in

# Open to anybody: they tell nothing of the city, or ask for a token of their own.
OPEN = frozenset(
    {
        *("/healthz", "/metrics", "/sign-in", "/sign-in/link/{token}", "/sign-out"),
        *("/sign-in/oidc", "/sign-in/oidc/back", "/i/{token}", "/i/{token}/acknowledge"),
    }
)

EYE, POINT, DEVICE = f"{THEIRS.code}-E-UP", f"{THEIRS.code}-P", f"{THEIRS.code}-D"
GROUPS = ("unit", "point", "eye", "funding", "site")
OCTOBER = "period=2026-10"
REPORTS = ("uptime", "funding", "disclosure", "repairs", "security", "inventory")
PERIOD = "from=2026-11-01&to=2026-12-01"

# What to ask a route for whose path has parameters: their things. ``{incident}`` and the like are numbers.
THEIR_ADDRESSES: Mapping[str, Sequence[str]] = {
    "/api/v1/eyes/{code:path}": [f"/api/v1/eyes/{EYE}"],
    "/api/v1/eyes/{code:path}/intervals": [f"/api/v1/eyes/{EYE}/intervals"],
    "/api/v1/eyes/{code:path}/series": [f"/api/v1/eyes/{EYE}/series"],
    "/api/v1/incidents/{number}": ["/api/v1/incidents/{incident}", "/api/v1/incidents/{unit_incident}"],
    "/api/v1/points/{code:path}/custody": [f"/api/v1/points/{POINT}/custody"],
    "/alerts/channels/{number}": ["/alerts/channels/{inbox}", "/alerts/channels/{chat}"],
    "/alerts/channels/{number}/stop": ["/alerts/channels/{inbox}/stop"],
    "/alerts/subscriptions/{number}": ["/alerts/subscriptions/{subscription}"],
    "/alerts/subscriptions/{number}/end": ["/alerts/subscriptions/{subscription}/end"],
    "/eyes/{code:path}": [f"/eyes/{EYE}", f"/eyes/{THEIRS.code}-E-DOWN"],
    "/eyes/{code:path}/figure": [f"/eyes/{EYE}/figure"],
    "/eyes/{code:path}/live.jpg": [f"/eyes/{EYE}/live.jpg"],
    "/eyes/{code:path}/probe/{wanted}": [f"/eyes/{EYE}/probe/1"],
    "/eyes/{code:path}/probe/{wanted}/rungs": [f"/eyes/{EYE}/probe/1/rungs"],
    "/incidents/{number}": ["/incidents/{incident}", "/incidents/{unit_incident}"],
    "/incidents/{number}/words": ["/incidents/{incident}/words", "/incidents/{unit_incident}/words"],
    "/points/{code:path}": [f"/points/{POINT}", f"/points/{THEIRS.code}-LOST"],
    "/points/{code:path}/months": [f"/points/{POINT}/months"],
    "/points/{code:path}/money": [f"/points/{POINT}/money"],
    "/money/entries/{number}": ["/money/entries/{entry}", "/money/entries/{waits}"],
    "/money/documents/{number}": ["/money/documents/{paper}"],
    "/proposals/{number}": ["/proposals/{draft}"],
    "/proposals/{number}/change": ["/proposals/{draft}/change"],
    "/repairs/{number}": ["/repairs/{repair}"],
    "/reports/kept/{number}": ["/reports/kept/{made}"],
    "/reports/kept/{number}/file": ["/reports/kept/{made}/file"],
    "/reports/schedules/{number}/end": ["/reports/schedules/{schedule}/end"],
    "/reports/{kind}": [
        *(f"/reports/{kind}?unit={THEIRS.uid}&{OCTOBER}" for kind in REPORTS),
        *(f"/reports/{kind}" for kind in REPORTS),
        *(f"/reports/{kind}?point={POINT}&{OCTOBER}" for kind in ("funding", "disclosure")),
        *(f"/reports/programme?programme={THEIRS.code}-CT", "/reports/proposal?proposal={draft}"),
        f"/reports/inventory?unit={THEIRS.uid}&as=json",
    ],
    "/units/{uid}": [f"/units/{THEIRS.uid}"],
    "/units/{uid}/month": [f"/units/{THEIRS.uid}/month"],
    "/units/{uid}/morning": [f"/units/{THEIRS.uid}/morning"],
    "/units/{uid}/words": [f"/units/{THEIRS.uid}/words"],
    "/users/{name}": ["/users/ward-officer-out-1", "/users/administrator"],
    "/users/{name}/{deed}": ["/users/ward-officer-out-1/disable", "/users/ward-officer-out-1/sign-out"],
}
# Of these, what is told is of the whole city, and cut: the path names no thing.
CUT = {"/api/v1/months/{month}": ["/api/v1/months/2026-10"]}

# Other conditions under which a list could tell more.
MORE: Mapping[str, Sequence[str]] = {
    "/api/v1/availability": [
        f"{PERIOD}&group={group}" for group in ("unit", "point", "eye", "funding", "site")
    ],
    "/api/v1/audit": [f"subject=eye:{EYE}", f"q={THEIRS.code}"],
    "/api/v1/eyes": [f"unit={THEIRS.uid}", "standing=down"],
    "/api/v1/incidents": [f"{PERIOD}&open=false", f"unit={THEIRS.uid}", f"eye={EYE}"],
    "/api/v1/maintenance": [PERIOD],
    "/api/v1/repairs": [PERIOD, f"unit={THEIRS.uid}", f"point={POINT}", "state=waiting_for_money"],
    "/api/v1/messages": ["state=dead", f"unit={THEIRS.uid}", f"q={THEIRS.code}"],
    "/alerts": [
        *("as=csv", "as=xlsx&channel=all", "channel=all&state=dead", f"unit={THEIRS.uid}"),
        f"channel=all&q={THEIRS.code}",
    ],
    "/alerts/subscriptions/new": [f"of=unit:{THEIRS.uid}"],
    "/audit": ["as=csv", "as=xlsx", f"subject=eye:{EYE}"],
    "/availability": [f"{PERIOD}&group={group}" for group in GROUPS]
    + [f"{PERIOD}&group=eye&point={POINT}", "period=2026-10&group=eye"],
    "/baselines": [f"at={EYE}/colour", f"at={EYE}/colour&show=true"],
    "/eyes": ["as=csv", "as=xlsx", "standing=down", f"unit={THEIRS.uid}", f"after={EYE}", f"before={EYE}"],
    "/incidents": ["as=csv", "as=xlsx", "phase=open", f"unit={THEIRS.uid}", f"q={THEIRS.code}"],
    "/maintenance": [f"scope=eye&codes={EYE}"],
    "/map": ["as=csv", "as=xlsx", "sort=-unit"],
    "/map/points": [f"code={POINT}"],
    "/money": [
        *("as=csv", "as=xlsx", f"q={THEIRS.code}", f"unit={THEIRS.uid}", f"point={POINT}", "state=waiting"),
        *(f"programme={THEIRS.code}-CT", "contributor={giver}", "behind=2026-10-02|99"),
    ],
    "/money/basis": ["as=csv", f"q={THEIRS.code}", "missing=manager"],
    "/money/contributors": ["as=csv", "as=xlsx", f"q={THEIRS.code}", "kind=household"],
    "/money/contributors/enter": ["number={giver}"],
    "/money/enter": [f"point={POINT}", "repair={repair}", "like={entry}", f"programme={THEIRS.code}-CT"],
    "/money/programmes": ["as=csv", "as=xlsx", f"q={THEIRS.code}"],
    "/money/programmes/enter": [f"code={THEIRS.code}-CT"],
    "/proposals": ["as=csv", f"q={THEIRS.code}"],
    "/proposals/new": ["repair={repair}"],
    "/registry/custody": ["as=csv", f"q={THEIRS.code}"],
    "/registry/custody/enter": [f"point={POINT}"],
    "/registry/custody/history": [f"point={POINT}", f"point={POINT}&as=csv"],
    "/registry/custody/present": ["as=csv", f"q={THEIRS.code}"],
    "/registry/edit": [f"eye={EYE}", f"point={POINT}", "all=true"],
    "/registry/grades": [f"show={EYE}"],
    "/registry/move": [f"point={POINT}"],
    "/registry/unplaced": ["as=csv"],
    "/repairs": ["as=csv", "as=xlsx&state=waiting_for_money", f"unit={THEIRS.uid}", f"q={THEIRS.code}"],
    "/repairs/new": [f"point={POINT}", "incident={incident}"],
    "/reports/kept": [f"q={THEIRS.name}"],
    "/reports/letterheads": [f"unit={THEIRS.uid}", "unit="],
}

# Sums and names of units; forms that are empty until something is chosen; deeds that are not there yet.
NOTHING_TO_TELL = frozenset(
    {
        *("/account", "/account/tokens", "/counting", "/healthz", "/sign-in", "/users"),
        *("/availability", "/api/v1/availability", "/api/v1/incidents", f"/api/v1/eyes/{EYE}/series"),
        *("/api/v1/totals", "/api/v1/units", "/api/v1/units.geojson", "/units/out-1/month"),
        *("/api/v1/months", "/api/v1/months/2026-10", "/registry", "/registry/unplaced"),
        *("/registry/edit", "/registry/custody/enter", "/registry/custody/history", "/registry/move"),
        *("/map/points", f"/points/{POINT}/months", f"/eyes/{EYE}/probe/1", f"/eyes/{EYE}/probe/1/rungs"),
        *("/users/ward-officer-out-1", "/users/administrator", "/users/ward-officer-out-1/disable"),
        "/users/ward-officer-out-1/sign-out",
        *("/repairs/new", "/reports", "/money/documents/{paper}", "/reports/kept/{made}/file"),
        "/reports/schedules/{schedule}/end",
        "/api/v1/audit",  # its newest page is full of what these walks take home
        *("/reports/uptime", "/reports/funding", "/reports/disclosure", "/reports/repairs"),
        *("/money/import", "/money/import/template.xlsx"),
        *("/money/contributors/enter", "/money/programmes/enter"),
    }
)

WINDOW = {
    "kind": "work",
    "from": "2026-11-22T07:00:00+07:00",
    "to": "2026-11-22T11:00:00+07:00",
    "reason": "x",
}
HOURS = {"start": "2026-11-22T07:00", "end": "2026-11-22T11:00", "reason": "x"}
SPAN = "2026-11-22T07:00:00+07:00/2026-11-22T11:00:00+07:00"
CUSTODY = {"manager": "x", "first": "01/12/2026", "reason": "x"}
MOVE = {"unit": OURS.uid, "from": "2026-12-01", "document": "1/QĐ"}
FROM_2027 = {"first": "01/01/2027", "document": "2/QĐ", "reason": "x"}
WHY = {"reason": "x"}
GIVEN = {"kind": "contribution", "form": "money", "dated": "2026-11-20", "amount": "5"}
GIVER = {"kind": "household"} | WHY
LEDGER = f"Ngày,Loại khoản,Nguồn,Mã điểm lắp đặt,Số tiền\n01/11/2026,Khoản thu,Hộ gia đình,{POINT},9\n"
SCHEDULE = {"kind": "uptime", "format": "pdf", "language": "vi", "every": "month"}
RULES = {"what": "outage", "per_hour": "6", "digest_at": "07:00", "reason": "x"}
NOTICE = f"Từ 7h đến 8h ngày 20/12/2026: {THEIRS.name}"


@dataclass(frozen=True, slots=True)
class Deed:
    """Something to send that would touch their things. ``json`` for the API, ``form`` for pages."""

    address: str
    form: Mapping[str, Any] | None = None
    json: Mapping[str, Any] | None = None
    changes: bool = True  # if done by who may; otherwise it shows something of theirs
    file: tuple[str, bytes] | None = None  # its name and what stands in it


THEIR_DEEDS: Mapping[str, Sequence[Deed]] = {
    "/alerts/resend": [Deed("/alerts/resend", {"message": "{message}"} | WHY)],
    "/alerts/subscriptions": [
        Deed("/alerts/subscriptions", {"channel": "{chat}", "of": of} | RULES, changes=done)
        for of, done in (("", False), (f"unit:{THEIRS.uid}", True))  # a ward's channel hears of no city
    ],
    "/alerts/subscriptions/{number}": [Deed("/alerts/subscriptions/{subscription}", RULES)],
    "/alerts/subscriptions/{number}/end": [Deed("/alerts/subscriptions/{subscription}/end", WHY)],
    "/alerts/channels": [
        Deed("/alerts/channels", {"name": f"by {unit}", "kind": "inbox", "unit": unit} | WHY)
        for unit in (THEIRS.uid, "")
    ],
    "/alerts/channels/{number}": [Deed("/alerts/channels/{inbox}", {"name": "x"} | WHY)],
    "/alerts/channels/{number}/test": [Deed("/alerts/channels/{inbox}/test")],
    "/alerts/channels/{number}/link-code": [Deed("/alerts/channels/{chat}/link-code")],
    "/alerts/channels/{number}/stop": [Deed("/alerts/channels/{inbox}/stop", WHY)],
    "/api/v1/incidents/{number}/acknowledge": [Deed("/api/v1/incidents/{incident}/acknowledge")],
    "/api/v1/incidents/{number}/comment": [
        Deed("/api/v1/incidents/{incident}/comment", json={"text": "x"}),
        Deed("/api/v1/incidents/{unit_incident}/comment", json={"text": "x"}),
    ],
    "/api/v1/maintenance": [
        Deed("/api/v1/maintenance", json=WINDOW | {"scopes": [covered]})
        for covered in (
            f"eye:{EYE}",
            f"point:{POINT}",
            f"device:{DEVICE}",
            f"unit:{THEIRS.uid}",
            "site:yb",
            "all",
        )
    ],
    "/api/v1/maintenance/{window_id}/withdraw": [
        Deed("/api/v1/maintenance/{window}/withdraw", json={"reason": "x"})
    ],
    "/api/v1/maintenance/notice": [Deed("/api/v1/maintenance/notice", json={"text": NOTICE}, changes=False)],
    "/api/v1/points/{code:path}/move": [Deed(f"/api/v1/points/{POINT}/move", json=MOVE)],
    "/baselines": [Deed("/baselines", {"eye": EYE, "mode": "colour", "decision": "approve"})],
    "/baselines/undo": [Deed("/baselines/undo", {"eye": EYE, "mode": "colour"})],
    "/eyes/{code:path}/grade": [Deed(f"/eyes/{EYE}/grade", {"grade": "unclear"})],
    "/eyes/{code:path}/probe": [Deed(f"/eyes/{EYE}/probe")],
    "/incidents/{number}/acknowledge": [Deed("/incidents/{unit_incident}/acknowledge", {})],
    "/incidents/{number}/comment": [Deed("/incidents/{incident}/comment", {"text": "x"})],
    "/incidents/{number}/power-cut": [Deed("/incidents/{incident}/power-cut", HOURS)],
    "/maintenance": [
        Deed("/maintenance", HOURS | {"kind": "work", "scope": scope, "codes": codes, "reason": "on a page"})
        for scope, codes in (
            ("eye", EYE),
            ("point", POINT),
            ("unit", THEIRS.name),
            ("site", "yb"),
            ("all", ""),
        )
    ],
    "/maintenance/withdraw": [Deed("/maintenance/withdraw", {"window": "{other_window}", "reason": "x"})],
    "/maintenance/notice": [Deed("/maintenance/notice", {"text": NOTICE}, changes=False)],
    "/maintenance/cut": [
        Deed("/maintenance/cut", {"spans": [SPAN], "covers": [f"eye:{EYE}"], "reason": "x"})
    ],
    "/money/contributors/enter": [
        Deed("/money/contributors/enter", GIVER | {"number": number, "name": name, "unit": unit})
        for number, name, unit in (("{giver}", "x", THEIRS.uid), ("", "y", THEIRS.uid), ("", "z", ""))
    ],
    "/money/documents": [
        Deed("/money/documents", {"about": about, "kind": "minutes", "number": "1"}, file=("", b""))
        for about in (f"point:{POINT}", "entry:{entry}", f"programme:{THEIRS.code}-CT")
    ],
    "/money/enter": [
        Deed("/money/enter", GIVEN | {"point": [POINT], "share": [""]}),
        Deed("/money/enter", GIVEN | {"contributor": "x #{giver}"}),
        Deed("/money/enter", GIVEN | {"programme": f"{THEIRS.code}-CT"}),
    ],
    "/money/entries/{number}/approve": [Deed("/money/entries/{waits}/approve")],
    "/money/entries/{number}/refuse": [Deed("/money/entries/{waits_too}/refuse", WHY)],
    "/money/entries/{number}/reverse": [Deed("/money/entries/{entry}/reverse", WHY)],
    "/money/import": [Deed("/money/import", {"step": "enter"}, file=("x.csv", LEDGER.encode()))],
    "/money/programmes/enter": [
        Deed("/money/programmes/enter", {"new": new, "code": code, "name": "x", "unit": unit} | WHY)
        for new, code, unit in (
            ("", f"{THEIRS.code}-CT", THEIRS.uid),
            ("1", "A", THEIRS.uid),
            ("1", "B", ""),
        )
    ],
    "/money/waiting": [Deed("/money/waiting", {"deed": "approve", "entry": ["{waits_still}"]})],
    "/money/waiting/file": [
        Deed(
            "/money/waiting/file",
            {"file": f"{THEIRS.code}.xlsx", "made_by": f"{THEIRS.word} accountant", "last": "999999"},
        )
    ],
    "/points/{code:path}/money/asset": [Deed(f"/points/{POINT}/money/asset", {"number": "x"} | WHY)],
    "/points/{code:path}/money/upkeep": [
        Deed(f"/points/{POINT}/money/upkeep", {"kind": "warranty", "party": "x"})
    ],
    "/points/{code:path}/money/upkeep/end": [
        Deed(f"/points/{POINT}/money/upkeep/end", {"upkeep_id": "{duty}"} | WHY)
    ],
    "/proposals": [
        Deed("/proposals", {"addressee": "x", "title": "x", "repair": ["{repair}"], "unit": unit})
        for unit in (THEIRS.uid, "")
    ],
    "/proposals/{number}/change": [
        Deed("/proposals/{draft}/change", {"addressee": "x", "title": "x", "repair": ["{repair}"]})
    ],
    "/proposals/{number}/send": [Deed("/proposals/{draft}/send", {"sent_on": "20/11/2026"})],
    "/repairs/new": [
        Deed("/repairs/new", {"point": POINT, "fault": "x"}),
        Deed(
            "/repairs/new",
            {"point": POINT, "fault": "x", "incident": "{incident}", "eye": [f"{THEIRS.code}-E-UP"]},
        ),
    ],
    "/repairs/{number}/move": [
        Deed("/repairs/{repair}/move", {"state": state}) for state in ("in_repair", "waiting_for_money")
    ],
    "/repairs/{number}/comment": [Deed("/repairs/{repair}/comment", {"text": "x"})],
    "/repairs/{number}/change": [
        Deed("/repairs/{repair}/change", {"fault": "y", "eye": [f"{THEIRS.code}-E-DOWN"]})
    ],
    "/repairs/{number}/payer": [Deed("/repairs/{repair}/payer", {"payer": "city"})],
    "/repairs/{number}/quotations": [Deed("/repairs/{repair}/quotations", {"party": "x", "amount": "5"})],
    "/repairs/{number}/choose": [Deed("/repairs/{repair}/choose", {"quotation": "{quotation}"})],
    "/repairs/{number}/papers": [
        Deed("/repairs/{repair}/papers", {"kind": "photo", "number": "1"}, file=("", b""))
    ],
    "/reports/kept": [Deed(f"/reports/kept?kind=uptime&unit={THEIRS.uid}&{OCTOBER}", {"format": "pdf"})],
    "/reports/kept/{number}/cancel": [Deed("/reports/kept/{made}/cancel")],
    "/reports/kept/{number}/again": [Deed("/reports/kept/{missed}/again")],
    "/reports/letterheads": [
        Deed("/reports/letterheads", {"unit": unit, "body": "x"} | WHY) for unit in (THEIRS.uid, "")
    ],
    "/reports/schedules": [
        Deed("/reports/schedules", SCHEDULE | {"unit": unit, "channel": channel} | WHY)
        for unit, channel in ((THEIRS.uid, "0"), (THEIRS.uid, "{chat}"), ("", "0"))
    ],
    "/reports/schedules/{number}/end": [Deed("/reports/schedules/{schedule}/end", WHY)],
    "/registry/custody/enter": [Deed("/registry/custody/enter", CUSTODY | {"point": [POINT]})],
    "/registry/custody/end": [
        Deed("/registry/custody/end", {"point": POINT, "last": "01/12/2026", "reason": "x"})
    ],
    "/registry/devices/confirm": [Deed("/registry/devices/confirm", {"device": DEVICE, "reason": "x"})],
    "/registry/edit": [
        Deed("/registry/edit", {"step": "mend", "kind": kind, "codes": codes}, changes=False)
        for kind, codes in (("eye", EYE), ("point", POINT))
    ],
    "/registry/edit/apply": [Deed("/registry/edit/apply", {"kind": "eye", "codes": EYE}, changes=False)],
    "/registry/move": [
        Deed("/registry/move", {"step": "move", "point": POINT, "unit": THEIRS.uid} | FROM_2027)
    ],
    "/registry/reported": [Deed("/registry/reported", {"eye": f"{THEIRS.code}-E-TOLD", "word": "poor"})],
    "/users": [
        Deed("/users", {"name": "new", "role": "ward_officer", "unit": [THEIRS.uid]} | WHY),
        Deed("/users", {"name": "newer", "role": "administrator", "everywhere": "true"} | WHY),
    ],
    "/users/{name}": [Deed("/users/ward-officer-out-1", {"role": "auditor", "unit": [OURS.uid]} | WHY)],
    "/users/{name}/{deed}": [
        Deed("/users/ward-officer-out-1/link", WHY),
        Deed("/users/ward-officer-out-1/disable", WHY),
        Deed("/users/ward-officer-out-1/enable", WHY),
        Deed("/users/ward-officer-out-1/sign-out", WHY, changes=False),  # they are signed in nowhere
        Deed("/users/ward-officer-out-1/revoke-tokens", WHY, changes=False),  # there are none
    ],
}
# Deeds on oneself alone.
OWN_DEEDS = frozenset(
    {
        *("/account/password", "/account/sessions/end", "/account/sessions/end-others"),
        "/account/sessions/end-all",
        *("/account/tokens", "/account/tokens/revoke"),
    }
)


@dataclass(frozen=True, slots=True)
class City:
    """The application over two wards; ``routes`` are all that answer."""

    web: Web
    theirs: Ward
    routes: Sequence[APIRoute]

    def as_(self, role: Role, units: Sequence[str] = (OURS.uid,)) -> TestClient:
        """A browser on another machine, so that nothing is told for being on this one."""
        return TestClient(
            self.web.app,
            base_url="https://camera.example",
            client=("192.0.2.7", 50_000),
            headers={"Sec-Fetch-Site": "same-origin"},
            cookies={"__Host-session": session_of(self.web, role, units)},
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    def address(self, text: str) -> str:
        for name in Ward.__dataclass_fields__:
            text = text.replace(f"{{{name}}}", str(getattr(self.theirs, name)))
        return text

    def state(self) -> Mapping[str, str]:
        """A hash of each table, but those that reading itself writes."""
        with self.web.database.reading() as session:
            return {
                table.name: sha256(repr(session.execute(select(table)).all()).encode()).hexdigest()
                for table in Base.metadata.sorted_tables
                if table.name != "web_session"
            }


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    database = Database(sqlite_in(tmp_path_factory.mktemp("scopes")))
    with database.transaction() as session:
        _, theirs = fill_two_wards(session)
    key = Fernet.generate_key().decode()
    web = make_web(
        database,
        look=_picture_of,
        public_names="camera.example",
        credential_key=key,
        zalo_bot_token="1:a",
    )
    session_of(web, Role.WARD_OFFICER, [THEIRS.uid])
    included = [room.original_router.routes for room in web.app.routes if hasattr(room, "original_router")]
    yield City(web, theirs, [route for routes in included for route in routes if isinstance(route, APIRoute)])
    database.close()


def test_every_route_asks_a_permission_or_is_named_as_open(city: City) -> None:
    asking = {route.path for route in city.routes if _asks(route, May)}
    assert {route.path for route in city.routes} - asking == OPEN
    for route in city.routes:
        first = route.dependencies[0].dependency if route.dependencies else None
        assert route.path in OPEN or isinstance(first, May), f"{route.path} asks another thing first"


@pytest.mark.parametrize("role", Role)
def test_nothing_of_the_ward_beside_is_told(city: City, role: Role) -> None:
    client = city.as_(role)
    answers = {address: client.get(address) for address in _addresses(city)}
    assert [address for address, answer in answers.items() if answer.status_code >= 500] == []
    assert {address: mark for address, answer in answers.items() if (mark := _told(answer, address))} == {}


def test_the_walk_would_find_it(city: City) -> None:
    """Who sees everything reads of it wherever there is something to read."""
    client = city.as_(Role.ADMINISTRATOR, ())
    answers = {address: client.get(address) for address in _addresses(city)}
    blind = {address for address, answer in answers.items() if not _told(answer, address)}
    assert {address.partition("?")[0] for address in blind} <= set(map(city.address, NOTHING_TO_TELL))


@pytest.mark.parametrize("role", Role)
def test_nothing_of_the_ward_beside_is_touched(city: City, role: Role) -> None:
    client, before = city.as_(role), city.state()
    answers = [(deed, _do(city, client, deed)) for deed in _deeds(city)]
    assert [deed for deed, answer in answers if answer.status_code >= 500 or _told(answer, str(deed))] == []
    after = city.state()
    done = [deed for deed, answer in answers if answer.status_code < 400]
    assert [table for table in after if after[table] != before[table]] == [], done


def test_what_reaches_beyond_wards_is_refused_to_who_sees_one(city: City) -> None:
    client = city.as_(Role.ADMINISTRATOR)
    for route in city.routes:
        if WholeCity in route.dependencies:
            method = "GET" if "GET" in (route.methods or ()) else "POST"
            asked = route.path.replace("{number}", "1").replace("{code:path}", DEVICE).replace("{key}", "x")
            assert client.request(method, asked).status_code == 403, route.path


def test_the_deeds_would_touch_it_and_are_written_down(city: City) -> None:
    client, idle, silent = city.as_(Role.ADMINISTRATOR, ()), [], []
    before = city.state()
    for deed in _deeds(city):
        answer = _do(city, client, deed)
        after = city.state()
        if deed.changes == (after == before):
            idle.append((deed, answer.status_code, answer.text[-1_500:]))
        if after != before and not _written_down(city, answer):
            silent.append(deed)
        before = after
    assert (idle, silent) == ([], [])


def _written_down(city: City, answer: Response) -> bool:
    """Whether the audit says what this request did, and who."""
    with city.web.database.reading() as session:
        found = select(Audit.who).where(Audit.request_id == answer.headers["X-Request-Id"])
        return set(session.scalars(found)) == {"administrator"}


def _addresses(city: City) -> Iterator[str]:
    for route in city.routes:
        if "GET" not in (route.methods or ()) or WholeCity in route.dependencies or route.path in NO_ANSWER:
            continue
        if "{" in route.path:
            yield from map(city.address, THEIR_ADDRESSES.get(route.path) or CUT[route.path])
        else:
            yield route.path
        yield from (city.address(f"{route.path}?{query}") for query in MORE.get(route.path, ()))


# A stream has no end (its own test is below); the others have no address without a secret of their own.
NO_ANSWER = frozenset(
    {"/api/v1/events", "/i/{token}", "/sign-in/link/{token}", "/sign-in/oidc", "/sign-in/oidc/back"}
)


def _deeds(city: City) -> Iterator[Deed]:
    for route in city.routes:
        if "POST" in (route.methods or ()) and WholeCity not in route.dependencies:
            yield from () if route.path in OPEN | OWN_DEEDS else THEIR_DEEDS[route.path]


def _do(city: City, client: TestClient, deed: Deed) -> Response:
    form = {name: _filled(city, value) for name, value in (deed.form or {}).items()}
    files = {"file": deed.file} if deed.file else None
    return client.post(
        city.address(deed.address), data=form if deed.form else None, json=deed.json, files=files
    )


def _filled(city: City, value: Any) -> Any:
    if isinstance(value, list):
        return [_filled(city, each) for each in value]
    return city.address(value) if isinstance(value, str) else value


def _told(answer: Response, asked: str) -> str:
    """A mark of theirs that the answer holds; what was asked for itself may be repeated in a refusal."""
    text = _text(answer).casefold()
    marks = [THEIRS.word, "" if THEIRS.code in asked else THEIRS.code]
    return next((mark for mark in marks if mark and mark.casefold() in text), "")


def _text(answer: Response) -> str:
    if not answer.content.startswith(b"PK\x03\x04"):
        return answer.content.decode("utf-8", "replace") + str(answer.headers)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        return "".join(book.read(name).decode("utf-8", "replace") for name in book.namelist())


def _asks(route: APIRoute, kind: type) -> bool:
    return any(isinstance(asked.dependency, kind) for asked in route.dependencies)


def _picture_of(code: str) -> bytes:
    return f"{THEIRS.word if code.startswith(THEIRS.code) else OURS.word} picture".encode()
