"""Channels: what an address may be, that it is sealed, and what of it is ever seen."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import models, settings
from camera_registry.alerts import channels, outbox
from camera_registry.alerts.channels import ChannelError, Kind
from camera_registry.audit import Actor, ReasonError
from camera_registry.credentials import CredentialError, CredentialStore
from camera_registry.models import AlertChannel, Audit
from tests.camera_registry.cuts import at

NOW = at(0)
ACTOR = Actor("operator", "cli")
CANARY = "k4n4ryb1rd"
NETWORKS = ("127.0.0.0/8", "::1", "10.20.0.0/16")
PUSHOVER = f"pover://{CANARY * 3}@{CANARY * 3}"
WEBHOOK = f"https://siem.example.vn/hook/{CANARY}?token={CANARY}"


def add(
    session: Session,
    store: CredentialStore,
    kind: Kind,
    address: str,
    *,
    name: str = "Trực ban",
    unit_id: int | None = None,
) -> channels.Made:
    return channels.add(
        *(session, store, ACTOR, NOW),
        name=name,
        kind=kind,
        unit_id=unit_id,
        language="vi",
        address=address,
        reason="asked for",
    )


def row(session: Session, channel_id: int) -> AlertChannel:
    return session.get_one(AlertChannel, channel_id)


@pytest.mark.parametrize(
    ("kind", "address", "shown"),
    [
        pytest.param(Kind.EMAIL, "truc.ban@example.vn", "tr…@example.vn", id="mail"),
        pytest.param(Kind.EMAIL, " a@xa.yenbai.gov.vn ", "a…@xa.yenbai.gov.vn", id="mail-short"),
        pytest.param(Kind.WEBHOOK, WEBHOOK, "https://siem.example.vn/…", id="webhook"),
        pytest.param(Kind.WEBHOOK, "http://127.0.0.1:8080/x", "http://127.0.0.1/…", id="webhook-loopback"),
        pytest.param(Kind.WEBHOOK, "http://10.20.0.7/x", "http://10.20.0.7/…", id="webhook-private"),
        pytest.param(Kind.WEBHOOK, "http://[::1]:80/x", "http://::1/…", id="webhook-v6"),
        pytest.param(Kind.WEBHOOK, "https://10.20.0.7/x", "https://10.20.0.7/…", id="webhook-private-tls"),
        pytest.param(Kind.WEBHOOK, "https://8.8.8.8/x", "https://8.8.8.8/…", id="webhook-public"),
        pytest.param(Kind.APPRISE, f"slack://{CANARY}/A1BRTD4JD/TIiajkdnlazkcO/", "slack://…", id="apprise"),
        pytest.param(Kind.APPRISE, PUSHOVER, "pover://…", id="apprise-keys"),
    ],
)
def test_an_address_is_taken_and_shown_in_part(kind: Kind, address: str, shown: str) -> None:
    taken = channels.checked(kind, address, NETWORKS)
    assert taken == address.strip()
    assert channels.shown(kind, taken) == shown


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        pytest.param(Kind.EMAIL, "", id="mail-empty"),
        pytest.param(Kind.EMAIL, f"{CANARY}", id="mail-no-domain"),
        pytest.param(Kind.EMAIL, f"{CANARY}@example.vn\nBcc: all@example.vn", id="mail-header"),
        pytest.param(Kind.EMAIL, f"{CANARY}@example.vn,other@example.vn", id="mail-two"),
        pytest.param(Kind.WEBHOOK, f"http://example.vn/{CANARY}", id="webhook-clear-name"),
        pytest.param(Kind.WEBHOOK, f"http://8.8.8.8/{CANARY}", id="webhook-clear-public"),
        pytest.param(Kind.WEBHOOK, f"http://169.254.169.254/{CANARY}", id="webhook-link-local"),
        pytest.param(Kind.WEBHOOK, f"ftp://example.vn/{CANARY}", id="webhook-scheme"),
        pytest.param(Kind.WEBHOOK, f"https://user:{CANARY}@example.vn/", id="webhook-password"),
        pytest.param(Kind.WEBHOOK, f"https:///{CANARY}", id="webhook-no-host"),
        pytest.param(Kind.WEBHOOK, f"https://example.vn:99999/{CANARY}", id="webhook-port"),
        pytest.param(Kind.WEBHOOK, f"https://example.vn/{CANARY * 200}", id="webhook-long"),
        pytest.param(Kind.APPRISE, f"nothing://{CANARY}", id="apprise-unknown"),
        pytest.param(Kind.APPRISE, f"syslog://{CANARY}", id="apprise-of-this-machine"),
        pytest.param(Kind.APPRISE, f"slack://{CANARY}", id="apprise-incomplete"),
        pytest.param(Kind.APPRISE, f"json://{CANARY}@10.0.0.1/?method=PUT&+X=1", id="apprise-any-request"),
        pytest.param(Kind.APPRISE, f"form://127.0.0.1/{CANARY}", id="apprise-self-hosted"),
        pytest.param(Kind.APPRISE, f"signal://10.0.0.1/+1555{CANARY}/", id="apprise-gateway"),
        pytest.param(Kind.APPRISE, f"{PUSHOVER}?verify=no", id="apprise-arguments"),
        pytest.param(Kind.APPRISE, f"slack://a/b/c/?template=/etc/{CANARY}", id="apprise-file"),
        pytest.param(Kind.APPRISE, f"fcm://project/key/?keyfile=/etc/{CANARY}", id="apprise-key-file"),
        pytest.param(Kind.WEBHOOK, f"https://127.0.0.1/{CANARY}", id="webhook-this-machine"),
        pytest.param(Kind.WEBHOOK, f"https://localhost/{CANARY}", id="webhook-localhost"),
        pytest.param(Kind.WEBHOOK, f"https://192.168.1.64/{CANARY}", id="webhook-camera"),
        pytest.param(Kind.WEBHOOK, f"https://169.254.169.254/{CANARY}", id="webhook-metadata"),
        pytest.param(Kind.WEBHOOK, f"https://168.63.129.16/{CANARY}", id="webhook-metadata-public"),
        pytest.param(Kind.WEBHOOK, f"https://0.0.0.0/{CANARY}", id="webhook-unspecified"),
        pytest.param(Kind.WEBHOOK, f"https://224.0.0.1/{CANARY}", id="webhook-multicast"),
        pytest.param(Kind.WEBHOOK, f"https://[::ffff:10.0.0.1]/{CANARY}", id="webhook-mapped"),
        pytest.param(Kind.WEBHOOK, f"https://[64:ff9b::a00:1]/{CANARY}", id="webhook-translated"),
        pytest.param(Kind.WEBHOOK, f"https://[2002:a00:1::]/{CANARY}", id="webhook-tunnelled"),
        pytest.param(Kind.WEBHOOK, f"https://[::7f00:1]/{CANARY}", id="webhook-compatible"),
        pytest.param(Kind.WEBHOOK, f"https://[fe80::1%25eth0]/{CANARY}", id="webhook-zone"),
        pytest.param(Kind.WEBHOOK, f"https://[fd00:ec2::254]/{CANARY}", id="webhook-metadata-v6"),
        pytest.param(Kind.ZALO, CANARY, id="zalo-typed"),
        pytest.param(Kind.INBOX, CANARY, id="inbox-typed"),
    ],
)
def test_what_is_no_address_is_refused_without_quoting_it(
    capfd: pytest.CaptureFixture[str], kind: Kind, address: str
) -> None:
    with pytest.raises(ChannelError) as refused:
        channels.checked(kind, address)
    assert CANARY not in f"{refused.value!r} {refused.value.text('vi')} {capfd.readouterr()}"


def test_what_is_never_a_place_for_a_webhook_no_setting_makes_one() -> None:
    for address in (
        "169.254.169.254",
        "0.0.0.0",
        "224.0.0.1",
        "[::]",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
    ):
        for scheme in ("http", "https"):
            with pytest.raises(ChannelError):
                channels.checked(Kind.WEBHOOK, f"{scheme}://{address}/", ("0.0.0.0/0", "::/0"))


def test_a_webhook_has_a_secret_and_others_have_none(session: Session, store: CredentialStore) -> None:
    for kind, address in ((Kind.WEBHOOK, WEBHOOK), (Kind.EMAIL, "a@example.vn"), (Kind.ZALO, "")):
        made = add(session, store, kind, address, name=str(kind))
        assert bool(made.secret) == (kind is Kind.WEBHOOK)
        assert (row(session, made.id).sealed is None) == (address == "")


def test_no_table_and_no_repr_has_the_address_or_the_secret(session: Session, store: CredentialStore) -> None:
    made = add(session, store, Kind.WEBHOOK, WEBHOOK)
    changed = f"{WEBHOOK}&more=1"
    channels.change(session, store, ACTOR, NOW, made.id, address=changed, reason="moved")
    opened = channels.opened(store, row(session, made.id))
    assert (opened.text, opened.secret) == (changed, made.secret), "the secret outlives the address"
    outbox.put(session, NOW, channel_id=made.id, occasion="test:1", kind="test", title="t", text="x", told={})
    everything = repr(opened) + repr(made)
    for table in (models.AlertChannel, models.Audit, models.Message):
        for found in session.scalars(select(table)):
            everything += str(
                {column.name: getattr(found, column.name) for column in table.__table__.columns}
            )
    assert CANARY not in everything
    assert made.secret not in everything


def test_what_was_done_to_a_channel_stands_in_the_audit(session: Session, store: CredentialStore) -> None:
    made = add(session, store, Kind.WEBHOOK, WEBHOOK)
    channels.change(session, store, ACTOR, NOW, made.id, name="SIEM", language="en", reason="renamed")
    channels.change(session, store, ACTOR, NOW, made.id, name="SIEM", reason="nothing new")
    channels.change(session, store, ACTOR, NOW, made.id, address=f"{WEBHOOK}2", reason="looks alike")
    channels.stop(session, ACTOR, NOW, made.id, "no longer wanted")
    told = session.execute(select(Audit.action, Audit.subject, Audit.reason).order_by(Audit.id)).all()
    assert [tuple(line) for line in told] == [
        ("channel_added", "channel:Trực ban", "asked for"),
        ("channel_changed", "channel:SIEM", "renamed"),
        ("channel_changed", "channel:SIEM", "looks alike"),
        ("channel_stopped", "channel:SIEM", "no longer wanted"),
    ]


def test_what_a_channel_may_not_be(session: Session, store: CredentialStore) -> None:
    made = add(session, store, Kind.INBOX, "")
    with pytest.raises(ChannelError, match="is called"):
        add(session, store, Kind.INBOX, "")
    with pytest.raises(ChannelError, match="name of at most"):
        add(session, store, Kind.INBOX, "", name=" \t")
    with pytest.raises(ChannelError, match="speak vi, en"):
        channels.change(session, store, ACTOR, NOW, made.id, language="fr", reason="x")
    with pytest.raises(ReasonError):
        channels.stop(session, ACTOR, NOW, made.id, " ")
    channels.stop(session, ACTOR, NOW, made.id, "over")
    deeds: tuple[Callable[[], None], ...] = (
        lambda: channels.stop(session, ACTOR, NOW, made.id, "again"),
        lambda: channels.change(session, store, ACTOR, NOW, made.id, name="x", reason="x"),
        lambda: channels.stop(session, ACTOR, NOW, 999, "not there"),
    )
    for deed in deeds:
        with pytest.raises(ChannelError, match="no such channel"):
            deed()


def test_a_new_key_seals_addresses_too(session: Session, store: CredentialStore, tmp_path: Path) -> None:
    made = add(session, store, Kind.WEBHOOK, WEBHOOK)
    store.renew_key()
    assert channels.reseal(session, store) == 1
    newest = CredentialStore(settings.load(credential_key=store.path.read_text().split()[0]))
    assert channels.opened(newest, row(session, made.id)).text == WEBHOOK
    with pytest.raises(CredentialError, match="missing"):
        CredentialStore(settings.load(data_dir=tmp_path / "elsewhere")).prepare(session)


def test_an_address_opens_in_its_own_row_alone(session: Session, store: CredentialStore) -> None:
    one, other = (add(session, store, Kind.WEBHOOK, f"{WEBHOOK}{n}", name=f"{n}") for n in (1, 2))
    row(session, one.id).sealed = row(session, other.id).sealed
    with pytest.raises(CredentialError):
        channels.opened(store, row(session, one.id))
