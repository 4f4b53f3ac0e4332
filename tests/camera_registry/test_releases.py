"""What every earlier release left on a disk is brought forward: its rows are all there, and tell the same."""

import json
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import MetaData, create_engine, insert, select

from camera_registry import backups, doctor
from camera_registry.audit import Actor
from camera_registry.credentials import KEY_FILE, CredentialStore
from camera_registry.db import Database, alembic_config
from camera_registry.settings import load
from tests.camera_registry import lived
from tests.databases import sqlite_url

RELEASES = Path(__file__).parent.parent / "data/releases"


@dataclass(frozen=True, slots=True)
class Release:
    """A registry as a release left it: an SQLite file, its revision, and what the release told of it."""

    file: Path
    revision: str
    told: dict[str, Any]


@pytest.fixture(params=sorted(path.stem for path in RELEASES.glob("*.sql")))
def release(request: pytest.FixtureRequest, tmp_path: Path) -> Release:
    told = json.loads((RELEASES / f"{request.param}.json").read_text(encoding="utf-8"))
    folder = tmp_path / "then"
    folder.mkdir()
    file = folder / "registry.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((RELEASES / f"{request.param}.sql").read_text(encoding="utf-8"))
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    (tmp_path / KEY_FILE).write_text(told.pop("key"))
    return Release(file, revision, told)


def test_a_registry_of_a_release_is_brought_forward(release: Release, bare_url: str, tmp_path: Path) -> None:
    database = Database(bare_url)
    _load(release, database)

    database.migrate()

    _assert_same(database, release, tmp_path)
    database.close()


def test_a_backup_of_a_release_is_restored(release: Release, database_url: str, tmp_path: Path) -> None:
    kept = release.file.read_bytes()
    manifest = {
        "format": backups.FORMAT,
        "made_at": lived.NOW.isoformat(),
        "version": "0",
        "revision": release.revision,
        "keys": [],
        "rows": release.told["rows"],
        "sha256": sha256(kept).hexdigest(),
    }
    with zipfile.ZipFile(tmp_path / "backup.zip", "w") as archive:
        archive.writestr(backups.MANIFEST, json.dumps(manifest))
        archive.writestr(backups.REGISTRY, kept)
    database = Database(database_url)

    backups.restore(tmp_path / "backup.zip", database, tmp_path, Actor("an", "cli"), lived.NOW)

    release.told["rows"]["audit"] += 1  # that it was restored
    _assert_same(database, release, tmp_path)
    database.close()


def _assert_same(database: Database, release: Release, folder: Path) -> None:
    store = CredentialStore(load(data_dir=folder))
    examined = list(doctor.examine(database, lived.judge(database), store, lived.ZONE, lived.NOW))
    assert [each for each in examined if not each.holds] == []
    now = json.loads(json.dumps(lived.told(database)))
    rows = now.pop("rows")
    assert {table: rows.get(table) for table in release.told["rows"]} == release.told["rows"]
    assert now == {name: release.told[name] for name in now}


def _load(release: Release, database: Database) -> None:
    """Put the rows into a database whose tables are those of the release."""
    with database.engine.connect() as connection:
        command.upgrade(alembic_config(connection), release.revision)
        connection.commit()
    source = create_engine(sqlite_url(release.file))
    then, there = MetaData(), MetaData()
    then.reflect(source)
    there.reflect(database.engine)
    with source.connect() as reading, database.engine.begin() as writing:
        if not database.sqlite:
            writing.exec_driver_sql("SET LOCAL TIME ZONE 'UTC'")  # moments of SQLite carry no zone
        for table in then.sorted_tables:
            if table.name == "alembic_version" or table.name.endswith("_version"):
                continue  # the revisions have written it
            if rows := [dict(row) for row in reading.execute(select(table)).mappings()]:
                writing.execute(insert(there.tables[table.name]), rows)
    source.dispose()
