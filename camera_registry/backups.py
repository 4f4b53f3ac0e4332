"""Backups: the whole registry as of one moment in one file, proved after writing; and the way back.

A backup is a ZIP archive of two members: ``manifest.json``, and ``registry.db``, an SQLite registry of its
own, whichever database it was taken from. So a backup of one kind is restored into the other. The key that
opens its passwords is never in it; the manifest has the key's fingerprint.
"""

import errno
import os
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import IO, Annotated, Final

import orjson
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from pydantic import AwareDatetime, NonNegativeInt, StringConstraints, TypeAdapter
from sqlalchemy import func, inspect, select, table, text, update
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from camera_registry import audit, copying
from camera_registry.alerts.outbox import State
from camera_registry.audit import Action, Actor
from camera_registry.db import Database, alembic_config
from camera_registry.errors import RegistryError, reason_of
from camera_registry.i18n import N_
from camera_registry.models import Message

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
REGISTRY: Final = "registry.db"
MAX_MANIFEST_BYTES: Final = 100_000
LONGEST_FORM: Final = 20  # characters of what a stranger calls his form of backup
CHUNK_BYTES: Final = 1 << 20
COMPRESSIONS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # of others we know no limits
COMPRESSION: Final = 6  # of zlib: a registry becomes a fifth; more costs time and gains little
GIVEN_UP: Final = "restored from a backup; send it again by hand"  # why a message was given up
FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


Word = Annotated[str, StringConstraints(pattern=r"^[\w.+-]{1,64}$")]  # is shown, and may come from a stranger


class BackupError(RegistryError):
    """A backup cannot be written, is none, or cannot be restored."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup is: of when, of which program and tables, and what is needed to use it."""

    made_at: AwareDatetime
    version: Word  # of the program
    revision: Word  # of the tables: the newest migration
    keys: tuple[Word, ...]  # fingerprints of the keys that seal its passwords, newest first
    rows: Mapping[Word, NonNegativeInt]  # by table
    sha256: Word  # of registry.db, hexadecimal

    @property
    def total(self) -> int:
        return sum(self.rows.values())


_STRICT: Final = TypeAdapter(Manifest)


def write(database: Database, keys: tuple[str, ...], file: Path, now: datetime) -> Manifest:
    """Write a backup of ``database``, which others go on using, to the new file ``file``, and prove it.

    What was written is opened again, its tables compared with what was read, and the archive read back;
    only then it has its name. Only its owner may read it. Raises ``BackupError`` where ``file`` exists,
    where there is no room, and where the comparison fails.
    """
    if file.exists():
        raise BackupError(N_("{file} is there already; a backup overwrites nothing."), file=file)
    with _room_for(file.parent), tempfile.TemporaryDirectory(prefix=".backup-", dir=file.parent) as room:
        kept, archive = Path(room) / REGISTRY, Path(room) / "archive"
        with database.reading() as session:
            revision, rows = _keep(session, kept)
        with kept.open("rb") as stream:
            digest = _sha256(stream)
        manifest = Manifest(now, version("camera-registry"), revision, keys, rows, digest)
        _pack(manifest, kept, archive)
        _prove_archive(archive)
        archive.rename(file)
        _to_disk(file.parent)
    return manifest


def read(file: Path) -> Manifest:
    """What a backup says of itself. Raises ``BackupError`` where it is none."""
    with _opened(file) as archive:
        return _manifest(archive, file)


def restore(file: Path, database: Database, room: Path, actor: Actor, now: datetime) -> tuple[Manifest, int]:
    """Put a backup back into ``database``, which must be migrated and hold nothing; all of it or nothing.

    One of older tables is brought forward first, in a copy in the folder ``room``. What was put in is
    compared with the backup before it is committed. Messages that waited at the moment of the backup were
    sent since, or are old: they are given up, and a person may send them again; their number is returned,
    too. Raises ``BackupError``: for a damaged file, for one of newer tables than this program knows, for a
    database that holds something.
    """
    manifest = read(file)
    room.mkdir(parents=True, exist_ok=True)
    with _room_for(room), tempfile.TemporaryDirectory(prefix=".restore-", dir=room) as folder:
        kept = Path(folder) / REGISTRY
        with _opened(file) as archive:
            _unpack(archive, manifest, kept, file)
        source = Database(_url(kept))
        try:
            with _believed(file):
                _prove_kept(source, manifest, file)
                source.migrate()
            with source.reading() as reading, database.transaction() as session:
                if there := copying.occupied(session):
                    raise BackupError(
                        N_("This database holds a registry already ({tables}); restore into an empty one."),
                        tables=", ".join(there),
                    )
                with _believed(file):
                    copied = copying.copy(reading, session)
                _compare(copied, copying.contents(session))
                given_up = _give_up_waiting(session)
                detail = {
                    "made_at": manifest.made_at.isoformat(),
                    "rows": manifest.total,
                    "given_up": given_up,
                }
                audit.record(session, actor, Action.RESTORED, f"backup:{file.name}", now, detail=detail)
        finally:
            source.close()
    return manifest, given_up


# --- the registry in a backup ---------------------------------------------------------------------------


def _keep(session: Session, file: Path) -> tuple[str, Mapping[str, int]]:
    """Write what ``session`` sees into a registry in ``file``, and prove it from there.

    Returns the revision of its tables, and how many rows each has.
    """
    target = Database(_url(file))
    try:
        target.migrate()
        with target.transaction() as there:
            copied = copying.copy(session, there)
    finally:
        target.close()
    again = Database(_url(file))
    try:
        with again.reading() as there:
            _compare(copied, copying.contents(there))
            if not _sound(there):
                raise BackupError(N_("The backup is not sound: rows refer to rows that it does not have."))
            (revision,) = _revisions(there)
    finally:
        again.close()
    return revision, {table: content.rows for table, content in copied.items()}


def _compare(read: Mapping[str, copying.Content], found: Mapping[str, copying.Content]) -> None:
    if different := [name for name in read if read[name] != found[name]]:
        raise BackupError(
            N_("What was written is not what was read ({tables}): do not trust this disk or memory."),
            tables=", ".join(different),
        )


def _sound(session: Session) -> bool:
    checked = [said for (said,) in session.execute(text("PRAGMA quick_check"))]
    return checked == ["ok"] and session.execute(text("PRAGMA foreign_key_check")).first() is None


def _prove_kept(source: Database, manifest: Manifest, file: Path) -> None:
    """That what was unpacked is a registry, the one of the manifest, and one that this program knows."""
    with source.reading() as session:
        if not _sound(session):
            raise _damaged(file)
        revisions = _revisions(session)
        _refuse_newer(session, revisions, manifest)
        if revisions != (manifest.revision,) or _rows(session, manifest) != manifest.rows:
            raise _damaged(file)


def _rows(session: Session, manifest: Manifest) -> Mapping[str, int]:
    """How many there are in each table that the manifest names; a table that is not there has no number."""
    there = manifest.rows.keys() & inspect(session.connection()).get_table_names()
    counts = {name: select(func.count()).select_from(table(name)) for name in there}
    return {name: session.execute(count).scalar_one() for name, count in counts.items()}


@contextmanager
def _believed(file: Path) -> Iterator[None]:
    """What the block reads is as this program writes it; where it is not, the backup is damaged.

    A digest that agrees says only that whoever wrote the manifest wrote the registry, too.
    """
    try:
        yield
    except SQLAlchemyError as error:
        if _of_this_machine(error):
            raise
        raise _damaged(file) from error
    except (CommandError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise _damaged(file) from error


def _of_this_machine(error: SQLAlchemyError) -> bool:
    """A full disk, a lock, a broken connection: not what stands in a backup."""
    if not isinstance(error, OperationalError):
        return False
    if not isinstance(error.orig, sqlite3.Error):
        return True
    # SQLite says of a table that is missing, and of text that is none, that they are operational, too.
    return getattr(error.orig, "sqlite_errorcode", None) not in (None, sqlite3.SQLITE_ERROR)


def _give_up_waiting(session: Session) -> int:
    gone = session.execute(
        update(Message)
        .where(Message.state == State.WAITING)
        .values(state=State.DEAD, leased_until=None, error=GIVEN_UP)
        .returning(Message.id)
    )
    return len(gone.all())


def _refuse_newer(session: Session, revisions: tuple[str, ...], manifest: Manifest) -> None:
    scripts = ScriptDirectory.from_config(alembic_config(session.connection()))
    if unknown := set(revisions) - {script.revision for script in scripts.walk_revisions()}:
        raise BackupError(
            N_(
                "The backup was made by version {theirs}, whose tables ({revision}) are newer than those "
                "of this version, {ours}; install that version or a later one."
            ),
            theirs=manifest.version,
            revision=", ".join(unknown),
            ours=version("camera-registry"),
        )


def _revisions(session: Session) -> tuple[str, ...]:
    return MigrationContext.configure(session.connection()).get_current_heads()


def _url(file: Path) -> str:
    return f"sqlite:///{file.resolve()}"


# --- the archive ----------------------------------------------------------------------------------------


def _pack(manifest: Manifest, kept: Path, archive: Path) -> None:
    described = asdict(manifest) | {"format": FORMAT}
    descriptor = os.open(archive, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    with os.fdopen(descriptor, "w+b") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION) as packed:
            packed.writestr(MANIFEST, orjson.dumps(described, option=orjson.OPT_INDENT_2))
            packed.write(kept, REGISTRY)
        file.flush()
        os.fsync(file.fileno())


def _prove_archive(file: Path) -> None:
    with _opened(file) as archive, archive.open(REGISTRY) as packed:
        if _sha256(packed) != _manifest(archive, file).sha256:
            raise _damaged(file)


def _unpack(archive: zipfile.ZipFile, manifest: Manifest, kept: Path, file: Path) -> None:
    with archive.open(REGISTRY) as packed, kept.open("wb") as plain:
        shutil.copyfileobj(packed, plain, CHUNK_BYTES)
    with kept.open("rb") as plain:
        if _sha256(plain) != manifest.sha256:
            raise _damaged(file)


def _sha256(stream: IO[bytes]) -> str:
    digest = sha256()
    while chunk := stream.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _opened(file: Path) -> Iterator[zipfile.ZipFile]:
    """The archive; whatever is wrong with it while the block reads is a ``BackupError``."""
    try:
        with zipfile.ZipFile(file) as archive:
            if any(member.compress_type not in COMPRESSIONS for member in archive.infolist()):
                raise _damaged(file)
            yield archive
    except OSError as error:
        if error.errno in FULL:
            raise
        raise BackupError(N_("Cannot read {path}: {reason}"), path=file, reason=reason_of(error)) from None
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, RuntimeError, ValueError):
        raise _damaged(file) from None


def _manifest(archive: zipfile.ZipFile, file: Path) -> Manifest:
    with archive.open(MANIFEST) as stream:
        described = stream.read(MAX_MANIFEST_BYTES)
    said = orjson.loads(described)
    if not isinstance(said, dict):
        raise _damaged(file)
    if (form := said.get("format")) != FORMAT:
        raise BackupError(
            N_("{file} is a backup of form {form}, which this version does not know."),
            file=file,
            form=str(form)[:LONGEST_FORM],
        )
    return _STRICT.validate_json(described, strict=True)


def _damaged(file: Path) -> BackupError:
    return BackupError(N_("{file} is no backup of a registry, or it is damaged."), file=file)


@contextmanager
def _room_for(folder: Path) -> Iterator[None]:
    """Says plainly where ``folder`` cannot be written or is full."""
    full = N_("There is no room left in {folder}; nothing was kept.")
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise BackupError(full, folder=folder) from None
        raise
    except OSError as error:
        if error.errno in FULL:
            raise BackupError(full, folder=folder) from None
        raise BackupError(
            N_("Cannot write in {folder}: {reason}"), folder=folder, reason=reason_of(error)
        ) from None


def _to_disk(folder: Path) -> None:
    """A name in a folder outlives a power cut once the folder is on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
