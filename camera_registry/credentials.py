"""Camera passwords, sealed at rest; the only room that sees the key.

A sealed value holds the id of its own row, so that it opens nowhere else. In clear a password exists only
inside the ``Credential`` of a probe's ``Target``.
"""

import hmac
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.models import AlertChannel, Device, Document
from camera_registry.models import Credential as Row
from camera_registry.settings import Settings
from camera_registry.spelling import fold
from probes.result import Credential

KEY_FILE = "credential.key"
MAX_SECRET = 256  # characters of a user name or of a password
FINGERPRINT = 16  # hexadecimal digits


class CredentialError(RegistryError):
    """A credential cannot be sealed, opened or used."""


class CredentialStore:
    """Seals and opens the named sets of login data. Its key comes from the settings or from a file."""

    def __init__(self, settings: Settings) -> None:
        self._given = settings.credential_key
        self.path = settings.data_dir / KEY_FILE
        self._sealer: MultiFernet | None = None  # made when first needed: there may be no key yet

    def __repr__(self) -> str:
        return f"CredentialStore({str(self.path)!r})"

    def prepare(self, session: Session) -> bool:
        """On the first start, make the key file (mode 0600); True if one was made.

        Raises ``CredentialError`` when passwords, addresses of channels, or copies of papers were sealed with
        a key that is no longer there: a new one would open none of them.
        """
        if self._given is not None or self.path.exists():
            self._fernet()
            return False
        for table in (Row, AlertChannel, Document):
            if session.scalar(select(table.id).where(table.sealed.is_not(None)).limit(1)) is not None:
                raise self._missing()
        self._write_keys([Fernet.generate_key().decode()])
        return True

    def put(
        self,
        session: Session,
        name: str,
        user: str | None,
        password: str | None,
        *,
        now: datetime,
        site: int | None = None,
        manufacturer: str | None = None,
    ) -> int:
        """Make or change the set ``name``; what is ``None`` stays as it is. Returns the set's id.

        ``site`` (a database id) and ``manufacturer`` make it the set of every device there that names
        none. Raises ``CredentialError`` for a new set without user and password, for one that would be a
        second default of the same devices, and for values no camera takes.
        """
        credential_id = self.put_all(session, {name: (user, password)}, now=now)[name]
        if site is not None or manufacturer is not None:
            self._refuse_second_default(session, credential_id, site, manufacturer)
            row = session.get_one(Row, credential_id)
            row.site_id, row.manufacturer = site, manufacturer
            session.flush()
        return credential_id

    def put_all(
        self, session: Session, logins: Mapping[str, tuple[str | None, str | None]], *, now: datetime
    ) -> dict[str, int]:
        """``put`` for thousands of sets: (user, password) by the set's name. Returns the ids by name."""
        rows = {row.name: row for row in session.scalars(select(Row)) if row.name in logins}
        new = [Row(name=name, changed_at=now) for name in logins if name not in rows]
        session.add_all(new)
        session.flush()  # the ids go into the sealed texts
        rows |= {row.name: row for row in new}
        for name, (user, password) in logins.items():
            self._fill(rows[name], user, password, now)
        session.flush()
        return {name: row.id for name, row in rows.items()}

    def book(self, session: Session) -> "CredentialBook":
        """Every set in hand, to look up thousands of devices."""
        rows = session.scalars(select(Row).order_by(Row.id)).all()
        return CredentialBook(self, {row.id: row for row in rows})

    def for_device(self, session: Session, device: Device) -> Credential | None:
        """The login data of one device: see ``CredentialBook.find``."""
        return self.book(session).find(device.credential_id, device.site_id, device.manufacturer)

    def rotate(self, session: Session) -> int:
        """Seal every set anew with the newest key; returns how many. A set that does not open stops it."""
        rows = session.scalars(select(Row).where(Row.sealed.is_not(None))).all()
        for row in rows:
            opened = self._open(row)
            row.sealed = self._seal(row.id, opened.user, opened.password)
        return len(rows)

    def seal(self, label: str, clear: bytes) -> bytes:
        """Seal something else than a password; it opens under its own label only."""
        return self._fernet().encrypt(label.encode() + b"\0" + clear)

    def unseal(self, label: str, sealed: bytes) -> bytes:
        """Raises ``CredentialError`` where it was sealed under another label, or with a key that is gone."""
        try:
            found, _, clear = self._fernet().decrypt(sealed).partition(b"\0")
        except InvalidToken:
            found, clear = b"", b""
        if found != label.encode():
            raise CredentialError(
                N_("What was kept does not open: the key is not the one it was sealed with.")
            )
        return clear

    def digests(self, label: str, text: str) -> tuple[str, ...]:
        """Keyed digests of a secret too short for a bare hash, hexadecimal, by the newest key first.

        Whoever has the table and not the keys cannot try all secrets on it.
        """
        clear = label.encode() + b"\0" + text.encode()
        return tuple(hmac.new(key.encode(), clear, sha256).hexdigest() for key in self._keys())

    def renew_key(self) -> bool:
        """Put a new key before those in the key file; False where the settings give the keys.

        The older keys stay: backups made before today open with nothing else.
        """
        if self._given is not None:
            return False
        self._write_keys([Fernet.generate_key().decode(), *self._keys()])
        return True

    def fingerprints(self) -> tuple[str, ...]:
        """What tells the keys apart without telling them, newest first; none while there is no key."""
        if self._given is None and not self.path.exists():
            return ()
        return tuple(sha256(key.encode()).hexdigest()[:FINGERPRINT] for key in self._keys())

    def copy_keys(self, file: Path) -> None:
        """Write the keys to a new file that only its owner may read.

        Raises ``OSError``, and ``CredentialError`` where there is no key.
        """
        _write_privately(file, self._keys())

    def _fill(self, row: Row, user: str | None, password: str | None, now: datetime) -> None:
        for value in (user, password):
            if value is not None and (len(value) > MAX_SECRET or not value.isprintable()):
                raise CredentialError(
                    N_("A user name or password has at most {limit} printable characters."), limit=MAX_SECRET
                )
        before = self._open(row) if row.sealed is not None else None
        if before is not None:
            user = before.user if user is None else user
            password = before.password if password is None else password
        if user is None or password is None:
            raise CredentialError(
                N_('The credential set "{name}" needs a user name and a password.'), name=row.name
            )
        if before is None or (before.user, before.password) != (user, password):
            row.sealed, row.changed_at = self._seal(row.id, user, password), now

    def _seal(self, credential_id: int, user: str, password: str) -> bytes:
        clear = json.dumps({"id": credential_id, "user": user, "password": password})
        return self._fernet().encrypt(clear.encode())

    def _open(self, row: Row) -> Credential:
        assert row.sealed is not None
        try:
            clear = json.loads(self._fernet().decrypt(row.sealed))
        except InvalidToken:
            raise CredentialError(
                N_(
                    'The credential set "{name}" does not open: the key is not the one it was sealed with. '
                    "Put your copy of that key back."
                ),
                name=row.name,
            ) from None
        if clear["id"] != row.id:
            raise CredentialError(
                N_('The sealed text of the credential set "{name}" belongs to another set; enter it anew.'),
                name=row.name,
            )
        # A changed password is another credential to the login budget: what a device refused was the old one.
        version = int(row.changed_at.timestamp() * 1000)
        return Credential(f"{row.id}.{version}", clear["user"], clear["password"])

    def _refuse_second_default(
        self, session: Session, own_id: int, site: int | None, manufacturer: str | None
    ) -> None:
        for row in session.scalars(select(Row).where(Row.id != own_id)):
            if (row.site_id, fold(row.manufacturer or "")) == (site, fold(manufacturer or "")):
                raise CredentialError(
                    N_('The credential set "{name}" already serves this site and manufacturer.'),
                    name=row.name,
                )

    def _fernet(self) -> MultiFernet:
        if self._sealer is not None:
            return self._sealer
        try:
            self._sealer = MultiFernet([Fernet(key) for key in self._keys()])
            return self._sealer
        except ValueError:  # its text may quote the key
            raise CredentialError(
                N_("The credential key is not a list of Fernet keys separated by commas: {source}."),
                source=KEY_FILE if self._given is None else "CAMERA_REGISTRY_CREDENTIAL_KEY",
            ) from None

    def _keys(self) -> list[str]:
        if self._given is not None:
            text = self._given.get_secret_value()
        else:
            try:
                text = self.path.read_text()
            except FileNotFoundError:
                raise self._missing() from None
        return [key for key in text.replace(",", " ").split() if key]

    def _missing(self) -> CredentialError:
        return CredentialError(
            N_("The key file {path} is missing; put your copy back, the passwords open with nothing else."),
            path=self.path,
        )

    def _write_keys(self, keys: list[str]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f"{KEY_FILE}.{secrets.token_hex(4)}")
        _write_privately(beside, keys)
        beside.replace(self.path)
        self._sealer = None


class Sets:
    """Which set of login data serves which device, as they stood when this was made; opens none."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = {row.id: row for row in rows}
        self._defaults = {
            (row.site_id, fold(row.manufacturer or "")): row
            for row in self._rows.values()
            if row.site_id is not None or row.manufacturer
        }

    def of(self, credential_id: int | None, site_id: int, manufacturer: str) -> Row | None:
        """A device's own set, else that of its site and manufacturer, of its site, of its manufacturer.

        A device whose own set was erased has none: nothing takes its place.
        """
        if credential_id is not None:
            row = self._rows.get(credential_id)
        else:
            maker = fold(manufacturer)
            wanted = ((site_id, maker), (site_id, ""), (None, maker))
            row = next((self._defaults[key] for key in wanted if key in self._defaults), None)
        return None if row is None or row.sealed is None else row


class CredentialBook:
    """The sets as they stood when the book was made; each is opened at most once."""

    def __init__(self, store: CredentialStore, rows: Mapping[int, Row]) -> None:
        self._store = store
        self._sets = Sets(rows.values())
        self._opened: dict[int, Credential] = {}

    def find(self, credential_id: int | None, site_id: int, manufacturer: str) -> Credential | None:
        """The login data of the set that serves a device: see ``Sets.of``."""
        row = self._sets.of(credential_id, site_id, manufacturer)
        if row is None:
            return None
        if row.id not in self._opened:
            self._opened[row.id] = self._store._open(row)
        return self._opened[row.id]


def erase(session: Session, credential_id: int, now: datetime) -> None:
    """Forget the user name and password of a set; its name stays, so that devices still point at it."""
    row = session.get_one(Row, credential_id)
    if row.sealed is not None:
        row.sealed, row.changed_at = None, now


def _write_privately(file: Path, keys: list[str]) -> None:
    descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write("".join(f"{key}\n" for key in keys))
            stream.flush()
            os.fsync(stream.fileno())
    except OSError:  # the disk is full: half a key opens nothing
        file.unlink()
        raise
