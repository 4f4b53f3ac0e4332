"""Passwords are sealed at rest, open for their own row alone, and are said nowhere."""

import logging
import stat
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import settings
from camera_registry.credentials import CredentialError, CredentialStore, erase
from camera_registry.models import Credential, Device, Point, Site

NOW = datetime(2026, 11, 1, tzinfo=UTC)
CANARY = "canary-7F3q"


def keyed(*keys: str) -> CredentialStore:
    return CredentialStore(settings.load(credential_key=SecretStr(",".join(keys))))


def device(session: Session, code: str, **values: object) -> Device:
    site = session.scalar(select(Site))
    if site is None:
        site, point = Site(code="main"), Point(code="P1", name="P1")
        session.add_all([site, point])
        session.flush()
    made = Device(code=code, site_id=site.id, point_id=session.scalars(select(Point.id)).one(), **values)
    made.manufacturer = made.manufacturer or ""
    session.add(made)
    session.flush()
    return made


def test_the_first_start_makes_a_key_only_its_owner_reads(session: Session, tmp_path: Path) -> None:
    store = CredentialStore(settings.load(data_dir=tmp_path / "new"))
    assert store.prepare(session)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert not store.prepare(session)
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["credential.key"]


def test_a_lost_key_is_not_replaced_in_silence(session: Session, store: CredentialStore) -> None:
    store.put(session, "a", "admin", CANARY, now=NOW)
    store.path.unlink()
    with pytest.raises(CredentialError, match=r"credential\.key is missing"):
        store.prepare(session)


def test_a_set_opens_again(session: Session, store: CredentialStore) -> None:
    one = store.put(session, "a", "admin", "mật khẩu", now=NOW)
    found = store.for_device(session, device(session, "D", credential_id=one))
    assert found is not None
    assert (found.user, found.password) == ("admin", "mật khẩu")


def test_only_changed_login_data_is_another_credential(session: Session, store: CredentialStore) -> None:
    def seen() -> str:
        found = store.book(session).find(one, 1, "")
        assert found is not None
        return found.id

    one = store.put(session, "a", "admin", "1", now=NOW)
    first = seen()
    store.put(session, "a", "admin", "1", now=NOW + timedelta(hours=1))
    store.rotate(session)
    assert seen() == first
    store.put(session, "a", None, "2", now=NOW + timedelta(hours=2))
    assert seen() != first


def test_what_is_not_given_stays(session: Session, store: CredentialStore) -> None:
    one = store.put(session, "a", "admin", "1", now=NOW)
    assert store.put(session, "a", None, "2", now=NOW) == one
    sealed = session.get_one(Credential, one).sealed
    store.put(session, "a", "admin", "2", now=datetime(2027, 1, 1, tzinfo=UTC))
    row = session.get_one(Credential, one)
    assert (row.sealed, row.changed_at) == (sealed, NOW), "the same values are no change"
    found = store.book(session).find(one, 1, "")
    assert found is not None
    assert (found.user, found.password) == ("admin", "2")


def test_a_set_that_cannot_be_used_is_refused(session: Session, store: CredentialStore) -> None:
    for user, password in ((None, "x"), ("x", None), ("a\n", "x"), ("x", "y" * 257)):
        with pytest.raises(CredentialError), session.begin_nested():
            store.put(session, "a", user, password, now=NOW)


def test_a_sealed_value_does_not_open_in_another_row(session: Session, store: CredentialStore) -> None:
    one = store.put(session, "one", "admin", CANARY, now=NOW)
    other = store.put(session, "other", "guest", "x", now=NOW)
    session.get_one(Credential, other).sealed = session.get_one(Credential, one).sealed
    session.flush()
    with pytest.raises(CredentialError, match='"other" belongs to another set'):
        store.book(session).find(other, 1, "")


def test_a_wrong_key_says_so_and_nothing_else(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    one = keyed(Fernet.generate_key().decode()).put(session, "a", "admin", CANARY, now=NOW)
    stranger = keyed(Fernet.generate_key().decode())
    with pytest.raises(CredentialError, match="not the one it was sealed with") as refused:
        stranger.book(session).find(one, 1, "")
    said = "".join(traceback.format_exception(refused.value)) + refused.value.text("vi") + caplog.text
    assert CANARY not in said


def test_what_is_no_key_is_not_quoted(session: Session) -> None:
    store = keyed(CANARY)
    with pytest.raises(CredentialError, match="CREDENTIAL_KEY") as refused:
        store.prepare(session)
    assert CANARY not in "".join(traceback.format_exception(refused.value))


def test_no_representation_tells_the_password(session: Session, store: CredentialStore) -> None:
    one = store.put(session, "a", "admin", CANARY, now=NOW)
    book = store.book(session)
    found = book.find(one, 1, "")
    row = session.get_one(Credential, one)
    assert CANARY not in f"{store!r} {book!r} {found!r} {row!r} {row.__dict__!r}"
    assert row.sealed is not None
    assert CANARY.encode() not in row.sealed


def test_own_then_site_and_manufacturer_then_site_then_manufacturer(
    session: Session, store: CredentialStore
) -> None:
    plain = device(session, "D0", manufacturer="HIKVISION")
    site = plain.site_id

    def found(device: Device) -> str | None:
        credential = store.for_device(session, device)
        return credential.user if credential else None

    assert found(plain) is None
    store.put(session, "maker", "by maker", "x", now=NOW, manufacturer="Hikvision")
    assert found(plain) == "by maker"
    store.put(session, "site", "by site", "x", now=NOW, site=site)
    assert found(plain) == "by site"
    store.put(session, "both", "by both", "x", now=NOW, site=site, manufacturer="hikvision")
    assert found(plain) == "by both"
    assert found(device(session, "D1", manufacturer="Dahua")) == "by site"
    own = store.put(session, "own", "its own", "x", now=NOW)
    plain.credential_id = own
    session.flush()
    assert found(plain) == "its own"
    erase(session, own, NOW)
    session.flush()
    assert found(plain) is None, "an erased set is not replaced by a default"
    with pytest.raises(CredentialError, match='"site" already serves'):
        store.put(session, "site 2", "x", "x", now=NOW, site=site)


def test_rotation_leaves_the_old_key_behind(session: Session) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    one = keyed(old).put(session, "a", "admin", CANARY, now=NOW)
    assert keyed(new, old).rotate(session) == 1
    found = keyed(new).book(session).find(one, 1, "")
    assert found is not None
    assert found.password == CANARY


def test_a_renewed_key_file_opens_old_and_seals_new(session: Session, store: CredentialStore) -> None:
    one = store.put(session, "a", "admin", CANARY, now=NOW)
    first = store.path.read_text().split()
    assert store.renew_key()
    assert store.path.read_text().split()[1:] == first
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    store.rotate(session)
    newest = keyed(store.path.read_text().split()[0])
    assert newest.book(session).find(one, 1, "") is not None
