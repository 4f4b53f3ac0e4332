"""Every row of a registry, carried into another one of either kind of database, and proof that all came over.

Rows are read and written as the models know them, so what SQLite and PostgreSQL keep differently is the
same here. Each table has a digest that does not depend on the order of its rows: two registries whose
digests agree hold the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import orjson
from sqlalchemy import Integer, Table, bindparam, func, insert, select, text, update
from sqlalchemy.orm import Session

from camera_registry import models

# What processes of one database ask and tell each other at this moment: elsewhere it means nothing.
BETWEEN_PROCESSES: Final = {
    model.__tablename__
    for model in (
        *(models.RegistryVersion, models.TopicVersion),
        *(models.ProbeRequest, models.DeviceRequest, models.Discovery),
    )
}
TABLES: Final = tuple(  # in an order in which each refers to those before it, or to itself
    table for table in models.Base.metadata.sorted_tables if table.name not in BETWEEN_PROCESSES
)
AT_ONCE: Final = 500  # rows in memory; a kept picture is one of them
DIGEST_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Content:
    """What a table holds: so many rows, and the sum of their SHA-256 (modulo 2^256)."""

    rows: int
    digest: int


def contents(session: Session) -> Mapping[str, Content]:
    """What each table holds, by its name."""
    return {str(table.name): _Reckoning.of(_read(session, table)) for table in TABLES}


def copy(source: Session, target: Session) -> Mapping[str, Content]:
    """Carry every row over; returns what was read, by table. ``target`` must be empty: see ``occupied``."""
    copied = {}
    for table in TABLES:
        reckoning, later = _Reckoning(), []
        own = [key.parent.name for key in table.foreign_keys if key.column.table is table]
        for rows in _read(source, table):
            for row in rows:
                reckoning.note(row)
            ahead = [row for row in rows if any((row[name] or 0) >= row["id"] for name in own)]
            later += [{f"of_{name}": row[name] for name in ("id", *own)} for row in ahead]
            written = {row["id"]: row | dict.fromkeys(own) for row in ahead}
            target.execute(insert(table), [written.get(row["id"], row) for row in rows] if own else rows)
        if later:  # those that refer to a row of their own table that comes after them
            by_id = (
                update(table)
                .where(table.c.id == bindparam("of_id"))
                .values({name: bindparam(f"of_{name}") for name in own})
            )
            target.connection().execute(by_id, later)
        copied[str(table.name)] = reckoning.content()
    _count_on(target)
    return copied


def occupied(session: Session) -> list[str]:
    """The tables that hold rows already."""

    def holds(table: Table) -> bool:
        return session.execute(select(1).select_from(table).limit(1)).first() is not None

    return [str(table.name) for table in TABLES if holds(table)]


def _read(session: Session, table: Table) -> Iterator[list[dict[str, Any]]]:
    # By id: what refers to its own table comes after what it refers to, for some rows may not be changed.
    wanted = select(table).order_by(*table.primary_key.columns)
    rows = session.execute(wanted, execution_options={"yield_per": AT_ONCE})
    names = list(rows.keys())
    for some in rows.partitions():  # ``mappings()`` would take a fifth longer
        yield [dict(zip(names, row, strict=True)) for row in some]


def _count_on(target: Session) -> None:
    """PostgreSQL's counters begin where the ids that were carried over end; SQLite sees to that itself."""
    if target.get_bind().dialect.name != "postgresql":
        return
    for table in TABLES:
        key = table.autoincrement_column
        if key is None or not isinstance(key.type, Integer):
            continue
        last = target.scalar(select(func.max(key)))
        counter = target.scalar(select(func.pg_get_serial_sequence(table.name, key.name)))
        if last is not None and counter is not None:
            target.execute(text("SELECT setval(:counter, :last)"), {"counter": counter, "last": last})


class _Reckoning:
    """A content while its rows are read."""

    def __init__(self) -> None:
        self._rows = 0
        self._sum = 0

    @classmethod
    def of(cls, read: Iterator[list[dict[str, Any]]]) -> Content:
        reckoning = cls()
        for rows in read:
            for row in rows:
                reckoning.note(row)
        return reckoning.content()

    def note(self, row: Mapping[str, Any]) -> None:
        written = orjson.dumps(row, default=bytes.hex, option=orjson.OPT_SORT_KEYS)
        self._rows += 1
        self._sum += int.from_bytes(sha256(written).digest())

    def content(self) -> Content:
        return Content(self._rows, self._sum % 2 ** (8 * DIGEST_BYTES))
