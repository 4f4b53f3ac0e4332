"""Pages of alerts: what was told, over which channels, to whom; what is done there. The API says the same."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from fastapi.testclient import TestClient
from sqlalchemy import select

from camera_registry import models
from camera_registry.alerts import rules
from camera_registry.alerts.rules import CITY_RULES
from camera_registry.auth.roles import Role
from camera_registry.credentials import KEY_FILE
from camera_registry.db import Database
from tests.dashboards.alerted import add_channel, add_message, add_subscription
from tests.dashboards.serving import Web, make_web, signed_in
from tests.dashboards.ward import WARD, fill_morning
from tests.databases import sqlite_in

CANARY = "canary.address@example.vn"
WHY = {"reason": "theo phiếu 12"}
RULES = {
    "what": ["outage", "recovery"],
    "least": "15",
    "alone": "1.5",
    "unacknowledged": "0",
    "quiet": "true",
    "quiet_from": "22:00",
    "quiet_until": "06:00",
    "per_hour": "4",
    "per_week": "0",
    "reminders": ["1", "7"],
    "weekly": "4",
    "digest_at": "07:30",
    "backlog": "true",
}
KEPT = {
    "what": ["outage", "recovery"],
    "least": "15m",
    "alone": "90m",
    "unacknowledged": "0d",
    "wide_at_once": False,
    "quiet": ["22:00", "06:00"],
    "per_hour": 4,
    "per_week": 0,
    "reminders": ["1d", "7d"],
    "daily": False,
    "weekly": 4,
    "digest_at": "07:30",
    "backlog": True,
}


@dataclass(frozen=True, slots=True)
class Town:
    """A ward and the city desk, who were told of an incident; the mail to the ward did not arrive."""

    web: Web
    incident: int
    desk: int
    mail: int
    given_up: int


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    database = Database(sqlite_in(tmp_path))
    wards = fill_morning(database)
    (tmp_path / KEY_FILE).write_text(Fernet.generate_key().decode())
    with database.transaction() as session:
        incident = session.scalars(select(models.Incident.id).order_by(models.Incident.id)).first()
        assert incident is not None
        desk = add_channel(session, "Hộp tin thành phố")
        inbox = add_channel(session, "Hộp tin phường", unit_id=wards.nam_cuong)
        mail = add_channel(session, "Thư phường", "email", wards.nam_cuong, failing_since=None, sealed=b"")
        add_subscription(session, desk, said=CITY_RULES)
        add_subscription(session, inbox, wards.nam_cuong)
        about = "[MẤT KẾT NỐI] Điểm NC1"
        add_message(session, desk, f"{about}, gửi thành phố", incident_id=incident)
        add_message(session, inbox, f"{about}, gửi phường", unit_id=wards.nam_cuong, incident_id=incident)
        given_up = add_message(
            session, mail, f"{about}, gửi thư", unit_id=wards.nam_cuong, state="dead", error="550 no such box"
        )
    web = make_web(database, data_dir=tmp_path, zalo_bot_token="1:a")
    yield Town(web, incident, desk, mail, given_up)
    database.close()


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def officer_of(town: Town) -> TestClient:
    return signed_in(town.web, Role.WARD_OFFICER, [WARD])


def test_the_inbox_is_one_s_own_and_the_rest_a_tab_away(town: Town) -> None:
    desk, officer = signed_in(town.web, Role.OPERATOR), officer_of(town)

    assert "gửi thành phố" in desk.get("/alerts").text
    assert "gửi phường" not in desk.get("/alerts").text
    assert "gửi phường" in desk.get(f"/alerts?unit={WARD}").text
    assert "gửi phường" in officer.get("/alerts").text
    assert "gửi thành phố" not in officer.get("/alerts?channel=all").text
    assert "gửi thư" in officer.get("/alerts?channel=all&state=dead").text
    assert f'href="/incidents/{town.incident}"' in officer.get("/alerts").text
    assert "No such message." in officer.get("/alerts?q=khong+co&lang=en").text
    assert "Nothing was told yet." in desk.get("/alerts?channel=1&before=1&lang=en").text
    assert desk.get("/alerts?channel=all&as=csv").text.count("[MẤT KẾT NỐI]") == 2 * 3  # title and text


def test_an_officer_reads_who_is_told_and_changes_nothing(town: Town) -> None:
    officer = officer_of(town)
    said = text_of(officer.get("/alerts/subscriptions").text)

    assert "Hộp tin phường nhận tin về Phường Nam Cường" in said
    assert "Hộp tin thành phố" not in said
    assert "Có sẵn từ đầu" in said
    for address in ("/alerts/channels", "/alerts/subscriptions/new", "/alerts/subscriptions/2"):
        assert officer.get(address).status_code == 403
    assert "/alerts/resend" not in officer.get("/alerts?channel=all&state=dead").text
    assert officer.post("/alerts/resend", data={"message": [town.given_up]} | WHY).status_code == 403


def test_a_channel_is_made_tried_and_stopped_and_its_address_shown_nowhere(town: Town) -> None:
    client = signed_in(town.web)
    new = {"name": "Trực ban", "kind": "email", "unit": WARD, "address": CANARY} | WHY

    refused = client.post("/alerts/channels", data=new | {"address": f"{CANARY} x"})
    assert refused.status_code == 409
    made = client.post("/alerts/channels", data=new)
    assert made.status_code == 200
    with town.web.database.reading() as session:
        number = session.scalars(
            select(models.AlertChannel.id).where(models.AlertChannel.name == "Trực ban")
        ).one()
    own = f"/alerts/channels/{number}"
    changed = client.post(own, data={"name": "Trực ban 2", "language": "en"} | WHY)
    tried = client.post(f"{own}/test")
    asked = client.get(f"{own}/stop")
    answers = [refused, made, changed, tried, asked, client.get("/alerts/channels"), client.get("/audit")]
    assert "1 tin đang chờ sẽ bị hủy." in text_of(asked.text)
    assert "[TEST]" in tried.text  # in the channel's language
    assert [answer.url for answer in answers if CANARY in answer.text] == []

    stopped = client.post(f"{own}/stop", data=WHY)
    assert "Kênh đã dừng (1)" in text_of(stopped.text)
    assert client.post(f"{own}/test").status_code == 409
    assert "Trực ban 2" not in client.get("/alerts/subscriptions/new").text


def test_what_is_shown_once(town: Town) -> None:
    client = signed_in(town.web)
    hook = client.post(
        "/alerts/channels",
        data={"name": "IOC", "kind": "webhook", "address": "https://ioc.example.vn/hook"} | WHY,
    )
    secret = re.search(r'readonly value="([\w-]{20,})"', hook.text)
    assert secret is not None
    client.post("/alerts/channels", data={"name": "Zalo", "kind": "zalo", "unit": WARD} | WHY)
    with town.web.database.reading() as session:
        ids = dict(session.execute(select(models.AlertChannel.name, models.AlertChannel.id)).all())
    code = re.search(r"LIENKET (\d{8})", client.post(f"/alerts/channels/{ids['Zalo']}/link-code").text)
    assert code is not None
    assert client.post(f"/alerts/channels/{ids['Zalo']}/test").status_code == 409  # leads nowhere yet
    for name in ("IOC", "Zalo"):
        again = client.get(f"/alerts/channels/{ids[name]}").text
        assert secret[1] not in again
        assert code[1] not in again


def test_what_the_settings_lack_is_said(town: Town, tmp_path: Path) -> None:
    """Mail without a server, and Zalo without a bot, which no code can link."""
    client = signed_in(make_web(town.web.database, data_dir=tmp_path))
    listed = text_of(client.get("/alerts/channels").text)
    assert listed.count("Chưa đặt máy chủ thư") == 2, "above the channels, and beside the form"
    assert listed.count("Chưa đặt bot Zalo") == 1
    made = client.post("/alerts/channels", data={"name": "Zalo", "kind": "zalo", "unit": WARD} | WHY)
    assert "Chưa đặt bot Zalo" in made.text
    with town.web.database.reading() as session:
        number = session.scalars(
            select(models.AlertChannel.id).where(models.AlertChannel.name == "Zalo")
        ).one()
    refused = client.post(f"/alerts/channels/{number}/link-code")
    assert refused.status_code == 409
    assert "LIENKET" not in refused.text


def test_a_subscription_is_kept_as_it_was_typed(town: Town) -> None:
    client = signed_in(town.web)
    made = client.post(
        "/alerts/subscriptions", data={"channel": town.mail, "of": f"unit:{WARD}"} | RULES | WHY
    )
    assert "Đã đăng ký; có hiệu lực từ bây giờ." in text_of(made.text)
    with town.web.database.reading() as session:
        number, said = session.execute(
            select(models.Subscription.id, models.Subscription.rules).where(
                models.Subscription.channel_id == town.mail
            )
        ).one()
    assert rules.from_json(said) == rules.from_json(KEPT)

    usual = client.get(f"/alerts/subscriptions/new?channel={town.mail}&of=unit:{WARD}").text
    assert re.search(r'name="per_week"[^>]* value="3"', usual)  # a ward's, not the city's
    form = client.get(f"/alerts/subscriptions/{number}").text
    for name, value in (("least", "15"), ("alone", "1.5"), ("per_week", "0"), ("quiet_from", "22:00")):
        assert re.search(rf'name="{name}"[^>]* value="{value}"', form), name
    assert '<option value="4" selected>' in form
    same = client.post(f"/alerts/subscriptions/{number}", data=RULES | WHY)
    assert same.status_code == 200
    worse = client.post(f"/alerts/subscriptions/{number}", data=RULES | {"quiet_until": "22:00"} | WHY)
    assert worse.status_code == 409
    assert 'name="quiet_until" required value="22:00"' in worse.text  # what was typed stays
    ended = client.post(f"/alerts/subscriptions/{number}/end", data=WHY)
    assert ended.status_code == 200
    assert client.get(f"/alerts/subscriptions/{number}").status_code == 404


def test_what_was_given_up_waits_at_the_registry_until_it_is_sent_again(town: Town) -> None:
    client = signed_in(town.web, Role.OPERATOR)
    page = "/alerts?channel=all&state=dead"
    assert "Tin không gửi được" in text_of(client.get("/registry").text).partition("Không còn việc gì")[0]

    without = client.post("/alerts/resend", data={"message": [town.given_up]})
    assert without.status_code == 409
    assert "550 no such box" in without.text
    again = client.post("/alerts/resend", data={"message": [town.given_up]} | WHY)
    assert "Đang gửi lại 1 tin." in text_of(again.text)
    assert "gửi thư" not in client.get(page).text
    assert client.post("/alerts/resend", data={"message": [town.given_up]} | WHY).status_code == 409
    assert client.post("/alerts/resend", data={"message": [999]} | WHY).status_code == 404


def test_an_incident_says_who_was_told(town: Town) -> None:
    everything = text_of(signed_in(town.web).get(f"/incidents/{town.incident}").text)
    ours = text_of(officer_of(town).get(f"/incidents/{town.incident}").text)

    assert "Hộp tin thành phố" in everything
    assert "Hộp tin phường" in everything
    assert "Hộp tin thành phố" not in ours
    assert "Hộp tin phường" in ours


def test_the_api_tells_the_same_page_by_page(town: Town) -> None:
    client = signed_in(town.web)
    told = client.get("/api/v1/messages?state=dead").json()
    (message,) = told["messages"]

    assert (message["id"], message["channel"], message["state"]) == (town.given_up, "Thư phường", "dead")
    assert (message["error"], message["unit"]) == ("550 no such box", "Phường Nam Cường")
    assert told["older"] is None
    assert len(client.get(f"/api/v1/messages?before={town.given_up}").json()["messages"]) == 2
    assert len(officer_of(town).get("/api/v1/messages").json()["messages"]) == 2
    refused = client.get("/api/v1/messages?state=nonsense")
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
