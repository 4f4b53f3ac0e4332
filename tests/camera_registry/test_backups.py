"""Backups: whole, of one moment, proved; restored into either kind of database, or refused."""

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from typer.testing import CliRunner, Result

from camera_registry import audit, backups, copying, doctor, models
from camera_registry.alerts import outbox
from camera_registry.alerts.failure_words import failure
from camera_registry.audit import Actor
from camera_registry.backups import BackupError
from camera_registry.cli import app
from camera_registry.credentials import KEY_FILE, CredentialStore
from camera_registry.db import Database, Role
from camera_registry.settings import load
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, Memory, ProbeResult, Verdict
from tests.camera_registry import lived
from tests.databases import KINDS, Cluster, sqlite_in

AN = Actor("an", "cli")
FLOOR_MB = 1  # of the smallest disk
MANY = 40


@dataclass(frozen=True, slots=True)
class Home:
    """A registry that was lived in, with the folder that has the key of its logins."""

    database: Database
    folder: Path


@pytest.fixture(scope="module", params=KINDS)
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    folder = tmp_path_factory.mktemp("home")
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = sqlite_in(folder)
        else:
            cluster: Cluster = request.getfixturevalue("postgres")
            url = stack.enter_context(cluster.database())
        lived.live(url, folder)
        database = Database(url)
        yield Home(database, folder)
        database.close()


@pytest.fixture(params=KINDS)
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database on another machine, with its tables and nothing in them."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            folder = tmp_path / "elsewhere"
            folder.mkdir()
            url = sqlite_in(folder)
        else:
            cluster: Cluster = request.getfixturevalue("postgres")
            url = stack.enter_context(cluster.database())
        database = Database(url)
        yield database
        database.close()


def ledger(database: Database, upto: int | None = None) -> list[tuple[object, ...]]:
    """Every line of every ledger, or the first so many that were ever written."""
    table = models.Transition.__table__
    with database.reading() as session:
        rows = session.execute(select(table).order_by(models.Transition.id).limit(upto))
        return [tuple(row) for row in rows]


def unhealthy(database: Database, folder: Path, now: datetime = lived.NOW) -> list[doctor.Examined]:
    store = CredentialStore(load(data_dir=folder))
    examined = doctor.examine(database, lived.judge(database, now), store, lived.ZONE, now)
    return [each for each in examined if not each.holds]


def test_everything_comes_over_into_either_kind(home: Home, elsewhere: Database, tmp_path: Path) -> None:
    file = tmp_path / "registry.zip"
    made = backups.write(home.database, ("f" * 16,), file, lived.NOW)
    assert backups.read(file) == made
    assert file.stat().st_mode & 0o777 == 0o600

    backups.restore(file, elsewhere, tmp_path, AN, lived.NOW)

    with home.database.reading() as there, elsewhere.reading() as here:
        before, after = dict(copying.contents(there)), dict(copying.contents(here))
        row = here.scalars(select(models.Audit).order_by(models.Audit.id.desc())).first()
        assert row is not None
        assert (row.action, row.subject) == (audit.Action.RESTORED, "backup:registry.zip")
    assert after.pop("audit").rows == before.pop("audit").rows + 1
    assert after == before
    empty = [name for name, rows in made.rows.items() if not rows]
    assert empty == ["incident_due"], "lived.py leaves something in every table that outlives a transaction"
    assert ledger(elsewhere) == ledger(home.database)
    assert unhealthy(elsewhere, home.folder) == []
    with elsewhere.transaction() as session:  # what comes next gets a number of its own
        session.add(models.Unit(uid="new", code="new", name="Phường mới", kind="phuong"))
        session.add(models.Site(code="S9"))


def test_units_come_over_whose_parent_was_written_later(
    database: Database, elsewhere: Database, tmp_path: Path
) -> None:
    with database.transaction() as session:
        unit = {"kind": "phuong", "name": "X"}
        session.add(models.Unit(id=7, uid="child", code="1", **unit))
        session.flush()
        session.add(models.Unit(id=8, uid="parent", code="2", **unit))
        session.flush()
        session.get_one(models.Unit, 7).parent_id = 8
    backups.write(database, (), tmp_path / "units.zip", lived.NOW)
    backups.restore(tmp_path / "units.zip", elsewhere, tmp_path, AN, lived.NOW)
    with elsewhere.reading() as session:
        parents = session.execute(select(models.Unit.uid, models.Unit.parent_id).order_by(models.Unit.id))
        assert [tuple(row) for row in parents] == [("child", 8), ("parent", None)]


# --- refused --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def one_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of a registry that has one site."""
    folder = tmp_path_factory.mktemp("one-site")
    source = Database(sqlite_in(folder))
    with source.transaction() as session:
        session.add(models.Site(code="S1"))
    backups.write(source, (), folder / "backup.zip", lived.NOW)
    source.close()
    return folder / "backup.zip"


@pytest.fixture
def backup(one_site: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copy(one_site, tmp_path / "backup.zip"))


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Database]:
    """A database of one kind, where the kind does not matter."""
    (tmp_path / "empty").mkdir()
    made = Database(sqlite_in(tmp_path / "empty"))
    yield made
    made.close()


def test_a_backup_overwrites_nothing(database: Database, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_text("a photo")
    with pytest.raises(BackupError, match="is there already"):
        backups.write(database, (), tmp_path / "photo.jpg", lived.NOW)
    assert (tmp_path / "photo.jpg").read_text() == "a photo"


def test_nothing_is_restored_over_a_registry(database: Database, backup: Path, tmp_path: Path) -> None:
    with database.transaction() as session:
        session.add(models.Site(code="ours"))
    with pytest.raises(BackupError, match=r"holds a registry already \(site\)"):
        backups.restore(backup, database, tmp_path, AN, lived.NOW)
    with database.reading() as session:
        assert session.scalars(select(models.Site.code)).all() == ["ours"]


def test_a_folder_that_is_not_there(database: Database, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="No such file"):
        backups.write(database, (), tmp_path / "no" / "backup.zip", lived.NOW)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-2000])


def _flip(file: Path) -> None:
    """One byte of a row is another."""
    with zipfile.ZipFile(file) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    at = members[backups.REGISTRY].index(b"S1")
    members[backups.REGISTRY] = members[backups.REGISTRY][:at] + b"T" + members[backups.REGISTRY][at + 1 :]
    with zipfile.ZipFile(file, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)


def _rot(file: Path) -> None:
    """A byte of the compressed rows is another."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _rewritten(file: Path, kept: bytes | None = None, **said: object) -> None:
    """By somebody who knows to make the digest right."""
    with zipfile.ZipFile(file) as packed:
        manifest = json.loads(packed.read(backups.MANIFEST))
        kept = packed.read(backups.REGISTRY) if kept is None else kept
    manifest |= {"sha256": sha256(kept).hexdigest()} | said
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr(backups.MANIFEST, json.dumps(manifest))
        packed.writestr(backups.REGISTRY, kept)


def _changed(file: Path, statement: str) -> None:
    kept = file.with_suffix(".db")
    with zipfile.ZipFile(file) as packed:
        kept.write_bytes(packed.read(backups.REGISTRY))
    with closing(sqlite3.connect(kept)) as registry:
        registry.execute(statement)
        registry.commit()
    _rewritten(file, kept.read_bytes())


def _no_registry(file: Path) -> None:
    _rewritten(file, b"x" * 5000)


def _empty_registry(file: Path) -> None:
    _rewritten(file, b"")


def _no_object(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr(backups.MANIFEST, "[1]")


def _no_keys(file: Path) -> None:
    _rewritten(file, keys=5)


def _no_moment(file: Path) -> None:
    _rewritten(file, made_at=5)


def _moment_of_no_zone(file: Path) -> None:
    _rewritten(file, made_at="2026-01-01T00:00:00")


def _no_counts(file: Path) -> None:
    _rewritten(file, rows=[1])


def _other_counts(file: Path) -> None:
    _rewritten(file, rows={"site": 2})


def _no_such_table(file: Path) -> None:
    _rewritten(file, rows={"site": 1, "nowhere": 0})


def _other_revision(file: Path) -> None:
    _rewritten(file, revision="0001")


def _obeyed_by_terminals(file: Path) -> None:
    _rewritten(file, version="1\x1b[2J")


def _rows_missing(file: Path) -> None:
    _changed(file, "DELETE FROM site")


def _column_missing(file: Path) -> None:
    _changed(file, "ALTER TABLE site DROP COLUMN name")


def _text_that_is_none(file: Path) -> None:
    _changed(file, "UPDATE site SET name = CAST(x'ff' AS TEXT)")


def _list_that_is_none(file: Path) -> None:
    _changed(file, "UPDATE site SET canaries = '[' || zeroblob(3)")


def _moment_that_is_none(file: Path) -> None:
    _changed(file, "INSERT INTO heartbeat VALUES (1, 1, 'yesterday', 5, 60)")
    _rewritten(file, rows={"site": 1, "heartbeat": 1})


def _squeezed_otherwise(file: Path) -> None:
    with zipfile.ZipFile(file) as packed:
        members = {name: packed.read(name) for name in packed.namelist()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as packed:
        for name, content in members.items():
            packed.writestr(name, content)


def _another_archive(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("letter.txt", "xin chào")


def _no_archive(file: Path) -> None:
    file.write_text("xin chào")


def refused_as_damaged(backup: Path, database: Database, room: Path) -> None:
    with pytest.raises(BackupError, match=r"backup\.zip is no backup of a registry, or it is damaged"):
        backups.restore(backup, database, room, AN, lived.NOW)
    with database.reading() as session:
        assert copying.occupied(session) == []
    assert list(room.glob(".*")) == []


@pytest.mark.parametrize(
    "damage",
    [
        *(_cut, _flip, _rot, _another_archive, _no_archive, _squeezed_otherwise),
        *(_no_object, _no_keys, _no_moment, _moment_of_no_zone, _no_counts, _obeyed_by_terminals),
        *(_no_registry, _empty_registry, _other_revision, _other_counts, _no_such_table, _rows_missing),
    ],
    ids=lambda d: d.__name__.strip("_"),
)
def test_a_damaged_file_is_refused_and_leaves_nothing(
    empty: Database, backup: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    damage(backup)
    refused_as_damaged(backup, empty, tmp_path / "room")


@pytest.mark.parametrize(
    "damage",
    [_column_missing, _text_that_is_none, _list_that_is_none, _moment_that_is_none],
    ids=lambda d: d.__name__.strip("_"),
)
def test_so_is_what_shows_only_when_rows_are_copied(
    database: Database, backup: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    damage(backup)
    refused_as_damaged(backup, database, tmp_path / "room")


def test_a_backup_of_a_later_version_is_refused_by_name(
    empty: Database, backup: Path, tmp_path: Path
) -> None:
    _changed(backup, "UPDATE alembic_version SET version_num = '9999'")
    _rewritten(backup, version="7.0.0")
    with pytest.raises(BackupError, match=r"version 7\.0\.0, whose tables \(9999\) are newer"):
        backups.restore(backup, empty, tmp_path, AN, lived.NOW)


# --- what was under way ---------------------------------------------------------------------------------


def test_what_waited_is_not_sent_again_by_itself(
    empty: Database, elsewhere: Database, tmp_path: Path
) -> None:
    moment = lived.NOW - timedelta(days=20)
    with empty.transaction() as session:
        channel = models.AlertChannel(
            name="trực ban", kind="webhook", language="vi", made_at=moment, made_by="an"
        )
        session.add(channel)
        session.flush()
        for state in outbox.State:
            message = outbox.put(
                session,
                moment,
                channel_id=channel.id,
                occasion=state,
                kind="opened",
                title="P3",
                text="3/3",
                told={},
            )
            session.get_one(models.Message, message).state = str(state)
    backups.write(empty, (), tmp_path / "b.zip", moment)

    _, given_up = backups.restore(tmp_path / "b.zip", elsewhere, tmp_path, AN, lived.NOW)

    assert given_up == 1
    assert outbox.lease(elsewhere, lived.NOW, 10, 60, over=["webhook"]) == []
    with elsewhere.reading() as session:
        rows = session.execute(select(models.Message.occasion, models.Message.state, models.Message.error))
        after = {occasion: (state, error) for occasion, state, error in rows}
    kept = {str(state): (str(state), "") for state in outbox.State}
    assert after == kept | {"waiting": ("dead", backups.GIVEN_UP)}
    assert "gửi lại" in failure(backups.GIVEN_UP, "vi")


# --- as it is typed -------------------------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    def typed(words: str, folder: Path, url: str) -> Result:
        monkeypatch.setenv("CAMERA_REGISTRY_DATA_DIR", str(folder))
        monkeypatch.setenv("CAMERA_REGISTRY_DATABASE_URL", url)
        monkeypatch.setenv("CAMERA_REGISTRY_LANGUAGE", "en")
        return CliRunner().invoke(app, words.split())

    return typed


def url_of(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=False)


def test_the_key_goes_its_own_way(
    home: Home, elsewhere: Database, tmp_path: Path, run: Callable[..., Result]
) -> None:
    key = (home.folder / KEY_FILE).read_text()
    done = run(f"backup {tmp_path}/b.zip --key {tmp_path}/key", home.folder, url_of(home.database))
    assert done.exit_code == 0, done.output
    assert (tmp_path / "key").read_text() == key
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(tmp_path / "b.zip") as packed:
        assert all(key.strip().encode() not in packed.read(name) for name in packed.namelist())
    again = run(f"backup {tmp_path}/c.zip --key {tmp_path}/key", home.folder, url_of(home.database))
    assert (again.exit_code, (tmp_path / "c.zip").exists()) == (1, False)

    (tmp_path / "there").mkdir()
    done = run(f"restore {tmp_path}/b.zip", tmp_path / "there", url_of(elsewhere))
    assert done.exit_code == 0, done.output
    assert f"put your copy into {tmp_path}/there/{KEY_FILE}" in done.output
    assert "Never serve both" in done.output
    shutil.copy(tmp_path / "key", tmp_path / "there" / KEY_FILE)
    assert unhealthy(elsewhere, tmp_path / "there") == []


def test_nothing_is_restored_under_a_server(
    database: Database, backup: Path, tmp_path: Path, run: Callable[..., Result]
) -> None:
    with database.hold(Role.SERVER):
        done = run(f"restore {backup}", tmp_path, url_of(database))
    assert done.exit_code == 1
    assert "A server works with this database" in done.output


def test_a_full_disk_is_named_and_keeps_its_files(home: Home, tmp_path: Path) -> None:
    """On a disk of a megabyte, which has room for one more page of nothing."""
    disk = tmp_path / "disk"
    disk.mkdir()
    script = (
        f"mount -t tmpfs -o size={FLOOR_MB}m none {disk} && echo old > {disk}/old && "
        f'"{Path(sys.executable).parent}/camera-registry" backup {disk}/b.zip; echo "code $?"; ls -A {disk}'
    )
    env = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "CAMERA_REGISTRY_DATABASE_URL": url_of(home.database),
        "CAMERA_REGISTRY_DATA_DIR": str(home.folder),
        "CAMERA_REGISTRY_LANGUAGE": "en",
    }
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], env=env, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["code 1", "old"], done.stderr
    assert done.stderr.strip() == f"There is no room left in {disk}; nothing was kept."


# --- under load: the last, for it leaves the registry with more than it found ----------------------------


def test_a_backup_under_load_is_of_one_moment(home: Home, tmp_path: Path) -> None:
    """Results go on coming, each batch turning every eye; the backup has some whole batches of them."""
    stop, batches = threading.Event(), threading.Semaphore(0)
    with home.database.transaction() as session:  # failures are believed while the site is heard
        session.execute(update(models.Heartbeat).values(to_at=lived.NOW + timedelta(days=300)))

    def work() -> None:
        for n in count():
            if stop.is_set():
                break
            at = lived.NOW + timedelta(minutes=20 * n)
            outcome, reason = (Outcome.OK, Reason.OK) if n // 5 % 2 else (Outcome.FAILING, Reason.TCP_TIMEOUT)
            verdict = Verdict(Check.STREAM, outcome, reason, 1200.0)
            said = [ProbeResult(eye, at, Depth.LIVENESS, 0.5, (verdict,), Memory()) for eye in lived.FAULTS]
            lived.judge(home.database, at).deliver(f"load {n}", said)
            batches.release()

    worker = threading.Thread(target=work)
    worker.start()
    for _ in range(MANY):
        assert batches.acquire(timeout=10)
    backups.write(home.database, (), tmp_path / "one.zip", lived.NOW)
    begun = len(ledger(home.database))
    while batches.acquire(blocking=False):
        pass  # those that were taken meanwhile
    for _ in range(MANY):
        assert batches.acquire(timeout=10), "nobody waits for a backup"
    stop.set()
    worker.join(30)

    elsewhere = Database(sqlite_in(tmp_path))
    backups.restore(tmp_path / "one.zip", elsewhere, tmp_path, AN, lived.NOW)

    kept = ledger(elsewhere)
    assert 0 < len(kept) <= begun < len(ledger(home.database))
    assert kept == ledger(home.database, len(kept))
    with elsewhere.reading() as session:
        newest = session.scalars(select(models.Condition.heard_at)).all()
        latest = session.scalar(select(func.max(models.Delivery.last_at)))
        assert set(newest) == {latest}, "a batch is in it with all that came of it, or not at all"
        assert latest is not None
    assert unhealthy(elsewhere, home.folder, latest) == []
    elsewhere.close()
