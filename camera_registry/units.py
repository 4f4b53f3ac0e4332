"""Administrative units with their history: who lay where on which day, and what became of it.

A code is not an identity: 04252 was phường Yên Ninh until 30/06/2025 and is phường Yên Bái since. Every
question therefore names a day, and the answer is one version of a unit.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from importlib import resources

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from camera_registry.db import read_once
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.models import PointUnit, Unit, UnitSuccessor
from camera_registry.spelling import fold, spelled

CODE_DIGITS = 5  # of a commune-level code; spreadsheets drop the leading zeros

# How a kind is written before a name, folded: "P. Yên Ninh", "xã Tuy Lộc", "TP Yên Bái".
KIND_WORDS: Mapping[str, tuple[str, ...]] = {
    "tinh": ("tinh",),
    "thanh_pho": ("thanh pho", "tp"),
    "huyen": ("huyen", "h"),
    "thi_tran": ("thi tran", "tt"),
    "phuong": ("phuong", "p"),
    "xa": ("xa", "x"),
    "dac_khu": ("dac khu",),
}


class UnitError(RegistryError):
    """A unit cannot be told from what was said."""


class UnknownUnit(UnitError):
    """No unit ever had this name or code."""


class UnitNotValid(UnitError):
    """Units had this name or code, but none on the day asked for."""


class AmbiguousUnit(UnitError):
    """Several units had this name on the day."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What somebody may see: everything, or what lies in any of these units (database ids).

    ``inside`` narrows: of that, only what lies in each of these, too.
    """

    unit_ids: frozenset[int] | None = None
    inside: frozenset[int] = frozenset()

    @classmethod
    def everything(cls) -> "Scope":
        return cls()

    @classmethod
    def of(cls, unit_ids: Iterable[int]) -> "Scope":
        return cls(frozenset(unit_ids))

    def covers(self, unit_id: int) -> bool:
        return self.unit_ids is None or unit_id in self.unit_ids

    def narrowed(self, unit_id: int) -> "Scope":
        """What of this lies in one unit as well: never more than before."""
        if self.unit_ids is None:
            return Scope.of([unit_id])
        return replace(self, inside=self.inside | {unit_id})

    def holds(self, unit_ids: Set[int]) -> bool:
        """Whether what lies in all of these units may be seen."""
        return (self.unit_ids is None or bool(self.unit_ids & unit_ids)) and self.inside <= unit_ids


@dataclass(frozen=True, slots=True)
class UnitVersion:
    """One version of a unit. ``valid_to`` is its last day; an end that is ``None`` is open."""

    id: int
    uid: str
    code: str
    name: str
    kind: str
    parent_id: int | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    latitude: float | None = None
    longitude: float | None = None

    def valid_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and not self.ended_by(day)

    def ended_by(self, day: date) -> bool:
        return self.valid_to is not None and self.valid_to < day

    def __str__(self) -> str:
        first = f"{self.valid_from:%d/%m/%Y}" if self.valid_from else "…"
        last = f"{self.valid_to:%d/%m/%Y}" if self.valid_to else "…"
        return f"{self.name} [{self.uid}, {first}–{last}]"


@dataclass(frozen=True, slots=True)
class UnitTree:
    """Every unit of every time, in hand: thousands of points are rolled up without asking again."""

    units: Mapping[int, UnitVersion]
    successors: Mapping[int, tuple[int, ...]]
    predecessors: Mapping[int, tuple[int, ...]]
    _keys: Mapping[str, tuple[int, ...]] = field(repr=False)  # every way to write a unit, folded

    @classmethod
    def load(cls, session: Session) -> "UnitTree":
        """The tree as it is now; read once within one ``Database.reading``."""
        return read_once(session, "units", lambda: cls._read(session))

    @classmethod
    def _read(cls, session: Session) -> "UnitTree":
        columns = (getattr(Unit, name) for name in UnitVersion.__dataclass_fields__)
        units = {row.id: UnitVersion(*row) for row in session.execute(select(*columns).order_by(Unit.id))}
        after: dict[int, list[int]] = defaultdict(list)
        before: dict[int, list[int]] = defaultdict(list)
        links = select(UnitSuccessor.unit_id, UnitSuccessor.successor_id).order_by(
            UnitSuccessor.unit_id, UnitSuccessor.successor_id
        )
        for unit_id, successor_id in session.execute(links):
            after[unit_id].append(successor_id)
            before[successor_id].append(unit_id)
        keys: dict[str, list[int]] = defaultdict(list)
        for unit in units.values():
            for key in _keys_of(unit):
                keys[key].append(unit.id)
        return cls(
            units,
            {unit_id: tuple(ids) for unit_id, ids in after.items()},
            {unit_id: tuple(ids) for unit_id, ids in before.items()},
            {key: tuple(ids) for key, ids in keys.items()},
        )

    def units_of(self, day: date) -> list[UnitVersion]:
        """The units that are valid on ``day``, of every level."""
        return [unit for unit in self.units.values() if unit.valid_on(day)]

    def children(self, unit_id: int, day: date) -> list[UnitVersion]:
        """The units directly below, as valid on ``day``."""
        return [unit for unit in self.units_of(day) if unit.parent_id == unit_id]

    def ancestors(self, unit_id: int) -> list[UnitVersion]:
        """The units above this version, nearest first."""
        return list(self._walk_up(unit_id))

    def within(self, unit_id: int, day: date) -> list[UnitVersion]:
        """The unit as of ``day`` and everything below it on that day."""
        top = self.roll_up(unit_id, day)
        return [u for u in self.units_of(day) if u == top or top in self.ancestors(u.id)]

    def roll_up(self, unit_id: int, day: date) -> UnitVersion:
        """The version of ``day`` that this unit lay in, or that it became.

        Walks along successors, or back along predecessors for a day before its time. Raises
        ``UnitError`` where the history does not name exactly one: a city that was dissolved into four
        wards has no one successor, and a merged ward cannot say which half a point stood in.
        """
        unit = self.units[unit_id]
        while not unit.valid_on(day):
            links = self.successors if unit.ended_by(day) else self.predecessors
            steps = links.get(unit.id, ())
            if len(steps) != 1:
                raise UnitError(
                    N_("{unit} has no single counterpart on {day}."), unit=unit, day=f"{day:%d/%m/%Y}"
                )
            unit = self.units[steps[0]]
        return unit

    def roll_up_point(
        self, unit_id: int, day: date, belonged: Sequence[tuple[date | None, int]]
    ) -> UnitVersion:
        """As ``roll_up``, of one point: where a unit was split, the part that the point went into.

        ``belonged`` are the point's memberships, (first day, unit), the oldest first. Raises ``UnitError``
        where neither the units nor the point name exactly one.
        """
        unit = self.units[unit_id]
        while unit.ended_by(day) and (after := self.became(unit, belonged)) is not None:
            unit = after
        return self.roll_up(unit.id, day)

    def became(self, unit: UnitVersion, belonged: Sequence[tuple[date | None, int]]) -> UnitVersion | None:
        """What a unit that has ended is for one point: of a split one, the part that the point went into.

        ``belonged`` as of ``roll_up_point``. ``None`` where neither the units nor the point name exactly one.
        """
        parts = self.successors.get(unit.id, ())
        if len(parts) != 1:
            assert unit.valid_to is not None  # it ended
            split = unit.valid_to + timedelta(days=1)
            went = [to for first, to in belonged if first is None or first <= split][-1:]
            parts = tuple(part for part in parts if part in went)
        return self.units[parts[0]] if len(parts) == 1 else None

    def parts_on(self, unit_id: int, day: date) -> list[UnitVersion]:
        """What a unit is by ``day``: itself, or every unit that it became; nothing where it only ended."""
        if not self.units[unit_id].ended_by(day):
            return [self.units[unit_id]]
        parts = (self.parts_on(after, day) for after in self.successors.get(unit_id, ()))
        return list(dict.fromkeys(unit for several in parts for unit in several))

    def same_place(self, one: int, other: int) -> bool:
        """Whether one of two versions is the other, or became the other."""
        return one == other or self._became(one, other) or self._became(other, one)

    def knows(self, text: str) -> bool:
        """Whether ``text`` names a unit of any time."""
        return _key(text) in self._keys

    def resolve(self, text: str, day: date) -> UnitVersion:
        """The unit that ``text`` (name, code, or uid) names on ``day``.

        Names are compared without case; a name that is also spelled with the same tone marks goes before
        one that is not. A uid names its version whatever the day. Raises ``UnknownUnit``,
        ``UnitNotValid`` or ``AmbiguousUnit``, the last two listing what they found.
        """
        found = [self.units[unit_id] for unit_id in self._keys.get(_key(text), ())]
        if len(found) == 1 and found[0].uid == text.strip():
            return found[0]
        if not found:
            raise UnknownUnit(N_('No administrative unit is called "{text}".'), text=text)
        valid = [unit for unit in found if unit.valid_on(day)]
        exact = [unit for unit in valid if spelled(text) in (spelled(unit.name), spelled(_bare(unit)))]
        chosen = exact or valid
        if len(chosen) == 1:
            return chosen[0]
        error, message = (
            (AmbiguousUnit, N_('"{text}" names several units on {day}: {units}.'))
            if chosen
            else (UnitNotValid, N_('"{text}" names no unit valid on {day}; known: {units}.'))
        )
        raise error(
            message,
            text=text,
            day=f"{day:%d/%m/%Y}",
            units="; ".join(
                f"{unit}{self._became_text(unit) if unit.ended_by(day) else ''}" for unit in chosen or found
            ),
        )

    def _walk_up(self, unit_id: int) -> Iterator[UnitVersion]:
        parent = self.units[unit_id].parent_id
        while parent is not None:
            yield self.units[parent]
            parent = self.units[parent].parent_id

    def _became(self, earlier: int, later: int) -> bool:
        steps = self.successors.get(earlier, ())
        return later in steps or any(self._became(step, later) for step in steps)

    def _became_text(self, unit: UnitVersion) -> str:
        names = ", ".join(self.units[after].name for after in self.successors.get(unit.id, ()))
        return f" → {names}" if names else ""


def load_data_set(session: Session, name: str) -> tuple[int, int]:
    """Bring the units of a carried data set (``yen-bai``) into the registry: (new, changed).

    A unit is known by its uid, so that loading again changes nothing and loading a newer set corrects.
    Raises ``UnitError`` for a set that is not carried.
    """
    if name not in data_sets():
        raise UnitError(
            N_('There is no data set "{name}"; carried are: {sets}.'), name=name, sets=", ".join(data_sets())
        )
    text = (resources.files("camera_registry") / "data" / f"{name}.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    units = {unit.uid: unit for unit in session.scalars(select(Unit))}
    added = changed = 0
    for row in rows:
        unit = units.get(row["uid"])
        if unit is None:
            unit = units[row["uid"]] = Unit(uid=row["uid"])
            session.add(unit)
            added += 1
        before = {name: getattr(unit, name) for name in _columns(row)}
        if before != _columns(row):
            for column, value in _columns(row).items():
                setattr(unit, column, value)
            changed += any(value is not None for value in before.values())
    session.flush()
    for row in rows:
        unit = units[row["uid"]]
        unit.parent_id = units[row["parent_uid"]].id if row["parent_uid"] else None
        _link(session, unit, [units[uid] for uid in row["successor_uids"].split(";") if uid])
    session.flush()
    return added, changed


def data_sets() -> list[str]:
    """The names of the data sets that the package carries."""
    folder = resources.files("camera_registry") / "data"
    return sorted(file.name.removesuffix(".csv") for file in folder.iterdir() if file.name.endswith(".csv"))


def unit_at(session: Session, point_id: int, day: date, tree: UnitTree | None = None) -> UnitVersion:
    """The unit that a point belonged to on ``day``: the newest membership, as of that day.

    Raises ``UnitError`` for a point that had no unit yet.
    """
    memberships = session.execute(
        select(PointUnit.unit_id, PointUnit.valid_from).where(PointUnit.point_id == point_id)
    )
    begun = [(first or date.min, unit_id) for unit_id, first in memberships if first is None or first <= day]
    if not begun:
        raise UnitError(N_("The point belongs to no unit on {day}."), day=f"{day:%d/%m/%Y}")
    return (tree or UnitTree.load(session)).roll_up(max(begun)[1], day)


def _columns(row: Mapping[str, str]) -> dict[str, object]:
    plain = {name: row[name] for name in ("code", "name", "kind", "verified", "source", "note")}
    days = {name: date.fromisoformat(row[name]) if row[name] else None for name in ("valid_from", "valid_to")}
    places = {name: float(row[name]) if row[name] else None for name in ("latitude", "longitude")}
    return {**plain, **days, **places}


def _link(session: Session, unit: Unit, successors: list[Unit]) -> None:
    wanted = {successor.id for successor in successors}
    known = set(session.scalars(select(UnitSuccessor.successor_id).where(UnitSuccessor.unit_id == unit.id)))
    session.execute(
        delete(UnitSuccessor).where(
            UnitSuccessor.unit_id == unit.id, UnitSuccessor.successor_id.in_(known - wanted)
        )
    )
    session.add_all(UnitSuccessor(unit_id=unit.id, successor_id=id_) for id_ in sorted(wanted - known))


def _bare(unit: UnitVersion) -> str:
    """The name without its kind: "Phường Yên Ninh" is "Yên Ninh"."""
    words = unit.name.split()
    count = len(KIND_WORDS.get(unit.kind, ("",))[0].split())
    return " ".join(words[count:]) if fold(unit.name).startswith(unit.kind.replace("_", " ")) else unit.name


@lru_cache(maxsize=20_000)  # all units of a country, and those they were
def _keys_of(unit: UnitVersion) -> frozenset[str]:
    bare = fold(_bare(unit))
    named = frozenset(f"{word} {bare}" for word in KIND_WORDS.get(unit.kind, ()))
    return named | {bare, fold(unit.name), unit.code.lstrip("0"), fold(unit.uid)}


def _key(text: str) -> str:
    return text.strip().lstrip("0") if re.fullmatch(rf"\s*\d{{1,{CODE_DIGITS}}}\s*", text) else fold(text)
