"""The database of either kind: its tables are those of the models, and a transaction is all or nothing."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from alembic import command
from sqlalchemy import Connection, delete, event, insert, inspect, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.db import Database, Role, RoleTaken, alembic_config
from camera_registry.ingest import Ingest, rules
from camera_registry.topics import Topic
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, Memory, ProbeResult, Verdict
from tests.camera_registry.registries import add_eyes
from tests.camera_registry.watching import NOON


def sites(database: Database) -> list[str]:
    with database.reading() as session:
        return sorted(session.scalars(select(models.Site.code)))


def test_the_migrations_make_the_tables_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        command.check(alembic_config(connection))  # raises where a revision is missing


def test_migrating_again_changes_nothing(database: Database) -> None:
    with database.transaction() as session:
        session.add(models.Site(code="S1"))
    database.migrate()
    assert sites(database) == ["S1"]


def test_two_programs_that_start_at_once_migrate_one_after_the_other(bare_url: str) -> None:
    program = "import sys; from camera_registry.db import Database; Database(sys.argv[1]).migrate()"
    argv = [sys.executable, "-c", program, bare_url]
    started = [subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [(process.communicate(timeout=60)[1], process.returncode) for process in started] == [("", 0)] * 2


def test_the_way_back_leaves_nothing(database: Database) -> None:
    with database.engine.connect() as connection:
        command.downgrade(alembic_config(connection), "base")
        connection.commit()
    with database.engine.connect() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    database.migrate()
    assert sites(database) == []


def test_a_transaction_that_raises_leaves_nothing(database: Database) -> None:
    def half_way() -> None:
        with database.transaction() as session:
            session.add(models.Site(code="S1"))
            session.flush()
            raise LookupError("half-way")

    with pytest.raises(LookupError):
        half_way()
    assert sites(database) == []
    with database.transaction() as session:
        session.add(models.Site(code="S2"))
    assert sites(database) == ["S2"]


def test_reading_changes_nothing(database: Database) -> None:
    with database.reading() as session:
        session.add(models.Site(code="S1"))
        session.flush()
    assert sites(database) == []


def test_a_reader_sees_one_state_to_its_end(database: Database) -> None:
    with database.reading() as session:
        assert session.scalars(select(models.Site.code)).all() == []
        with database.transaction() as other:
            other.add(models.Site(code="S1"))
        assert session.scalars(select(models.Site.code)).all() == []
    assert sites(database) == ["S1"]


def test_two_writers_wait_for_each_other(database: Database) -> None:
    """Each reads before it writes: where a writer could not wait, SQLite would refuse the second at once."""
    with database.transaction() as session:
        session.add(models.Site(code="S1", interval_s=0))
    inside, ends = threading.Barrier(2, timeout=10), []

    def count() -> None:
        inside.wait()
        for _ in range(20):
            with database.transaction() as session:
                row = session.scalars(select(models.Site).with_for_update()).one()
                row.interval_s += 1
        ends.append(True)

    writers = [threading.Thread(target=count) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert ends == [True, True]
    with database.reading() as session:
        assert session.scalars(select(models.Site.interval_s)).one() == 40


def test_rows_that_point_nowhere_are_refused(database: Database) -> None:
    with pytest.raises(IntegrityError), database.transaction() as session:
        session.add(models.Eye(code="E1", device_id=77))


def test_moments_come_back_aware_and_naive_ones_are_refused(database: Database) -> None:
    with database.transaction() as session:
        session.add(models.Credential(name="a", changed_at=NOON))
    with database.reading() as session:
        kept = session.scalars(select(models.Credential.changed_at)).one()
    assert (kept, kept.utcoffset()) == (NOON, timedelta(0))
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(Exception, match="moments carry their zone"), database.transaction() as session:
        session.add(models.Credential(name="b", changed_at=naive))


def test_sqlite_is_prepared_for_readers_beside_one_writer(database: Database) -> None:
    if not database.sqlite:
        return
    with database.engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1, "busy_timeout": 30_000}


# --- silence ----------------------------------------------------------------------------------------


@contextmanager
def spoken(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """The statements that reach the database while the block lasts, with their values."""
    said: list[tuple[str, Any]] = []

    def note(_c: Connection, _cursor: object, statement: str, values: Any, *_: object) -> None:
        said.append((statement, values))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def test_the_tick_writes_silence_and_finds_it_by_index(database: Database) -> None:
    with database.transaction() as session:
        codes = add_eyes(session, 50)
    judge = Ingest(database, rules(), lambda: NOON + timedelta(hours=1))
    fine = (Verdict(Check.STREAM, Outcome.OK, Reason.OK, 60.0),)
    late = {code: NOON + timedelta(seconds=3600 if n >= 5 else 0) for n, code in enumerate(codes)}
    judge.deliver("d", [ProbeResult(c, at, Depth.LIVENESS, 0.1, fine, Memory()) for c, at in late.items()])

    with spoken(database) as said:
        receipt = judge.tick(NOON + timedelta(seconds=3600))
    assert receipt.changed == set(codes[:5])
    with database.reading() as session:
        silent = select(models.EyeState.since, models.EyeState.reason).where(
            models.EyeState.state == "unknown"
        )
        assert set(session.execute(silent)) == {(NOON + timedelta(seconds=60), "NO_RESULT")}

    statement, values = next((s, v) for s, v in said if "silent_at <" in s)
    with database.engine.connect() as connection:
        if database.sqlite:
            explained = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
        else:
            connection.execute(text("SET LOCAL enable_seqscan = off"))  # of so few rows it would read all
            explained = connection.exec_driver_sql(f"EXPLAIN {statement}", values).all()
    assert "ix_condition_silent_at" in str(explained)


def test_what_another_process_writes_is_heard(database: Database) -> None:
    there = Database(database.engine.url.render_as_string(hide_password=False))
    heard: list[Set[Topic]] = []
    database.listen(heard.append)
    database.hear()
    with there.transaction() as session:
        session.add(models.Site(code="S9"))
    for _ in range(2):
        database.hear()
    assert heard == [{Topic.REGISTRY}]
    with database.transaction() as session:
        session.add(models.Site(code="S8"))
    database.hear()
    assert heard == [{Topic.REGISTRY}] * 2, "one's own is heard at once, and once"
    there.close()


@pytest.mark.parametrize("role", list(Role), ids=lambda role: role.name.lower())
def test_a_role_is_one_processs_alone(database_url: str, role: Role) -> None:
    first, second = Database(database_url), Database(database_url)
    with first.hold(role) as still_ours:
        with pytest.raises(RoleTaken), second.hold(role):
            pass
        with second.hold(next(other for other in Role if other is not role)):
            pass
        assert still_ours()
    with second.hold(role):
        pass
    first.close()
    second.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_role_that_a_restarted_server_forgot_is_taken_again(database_url: str) -> None:
    first, second = Database(database_url), Database(database_url)
    with first.hold(Role.PROBER) as still_ours:
        end_connections(database_url)
        with second.hold(Role.PROBER):
            assert not still_ours()
        assert still_ours()
        with pytest.raises(RoleTaken), second.hold(Role.PROBER):
            pass
    first.close()
    second.close()


def end_connections(url: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


# --- the version ------------------------------------------------------------------------------------


def by_unit_of_work(session: Session) -> None:
    eye = session.scalars(select(models.Eye)).first()
    assert eye is not None
    eye.retired_at = NOON


def by_addition(session: Session) -> None:
    eye = session.scalars(select(models.Eye)).first()
    assert eye is not None
    session.add(models.Suspension(eye_id=eye.id, from_at=NOON))


def by_statement(session: Session) -> None:
    session.execute(update(models.Site).values(interval_s=300))


def by_many_rows(session: Session) -> None:
    session.connection().execute(
        insert(models.Site), [{"code": code, "name": "", "interval_s": 60} for code in ("S8", "S9")]
    )


def by_removal(session: Session) -> None:
    session.execute(delete(models.Eye))


@pytest.mark.parametrize(
    "change", [by_unit_of_work, by_addition, by_statement, by_many_rows, by_removal], ids=lambda c: c.__name__
)
def test_whatever_changes_a_plan_makes_a_new_version(
    database: Database, change: Callable[[Session], None]
) -> None:
    with database.transaction() as session:
        add_eyes(session, 1)
    before = database.version()
    with database.transaction() as session:
        change(session)
    assert database.version() == before + 1


def a_word(session: Session) -> None:
    session.add(models.ColumnMapping(header="so mat", field="eyes"))


def a_pace(session: Session) -> None:
    device = session.scalars(select(models.Device)).first()
    assert device is not None
    session.merge(models.DevicePace(device_id=device.id, effective_interval_s=120.0))


def nothing_in_the_end(session: Session) -> None:
    session.execute(update(models.Site).values(interval_s=300))
    session.rollback()


@pytest.mark.parametrize("change", [a_word, a_pace, nothing_in_the_end], ids=lambda c: c.__name__)
def test_whatever_does_not_makes_none(database: Database, change: Callable[[Session], None]) -> None:
    with database.transaction() as session:
        add_eyes(session, 1)
    before = database.version()
    with database.transaction() as session:
        change(session)
    assert database.version() == before


def test_a_change_that_failed_makes_no_version(database: Database) -> None:
    def half_way() -> None:
        with database.transaction() as session:
            session.add(models.Site(code="S1"))
            session.flush()
            raise LookupError("half-way")

    before = database.version()
    with pytest.raises(LookupError):
        half_way()
    with database.transaction() as session:  # on the same connection
        a_word(session)
    assert database.version() == before


def test_two_that_change_at_once_make_two_versions(database: Database) -> None:
    before = database.version()

    def change(n: int) -> None:
        for m in range(10):
            with database.transaction() as session:
                session.add(models.Site(code=f"S{n}-{m}"))

    threads = [threading.Thread(target=change, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert database.version() == before + 20


def test_a_connection_that_is_given_back_after_the_close_is_closed(database_url: str) -> None:
    database = Database(database_url)
    closed: list[object] = []
    event.listen(database.engine.pool, "close", lambda connection, _record: closed.append(connection))
    with database.reading() as session:
        used = session.connection().connection.dbapi_connection
        database.close()
        assert session.scalar(select(1)) == 1, "who reads is not disturbed"
        assert used not in closed
    assert used in closed
