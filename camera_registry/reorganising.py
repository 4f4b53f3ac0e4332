"""A decree reorganises units: many end, others begin on one day, and points follow.

It is read from a table, as decrees are written: one row says where one unit went. ``docs/reorganising.md``
describes the columns. Everything is checked and applied day by day in the caller's transaction; one wrong
cell, and nothing is changed. Applying a file twice changes nothing. What became a single unit takes its
points along by itself; the points of a unit that was split are placed by a row of the file, or by the
outlines of the new units.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.audit import Action, Actor
from camera_registry.decrees import OF_A_NEW_UNIT, DecreeError, Problem, Row, read_decrees
from camera_registry.i18n import N_
from camera_registry.models import Point, PointUnit, Unit, UnitSuccessor
from camera_registry.moving import lowest_unit, touched_months
from camera_registry.outlines import Outline, OutlineError, read_outlines
from camera_registry.spelling import fold
from camera_registry.units import CODE_DIGITS, KIND_WORDS, UnitError, UnitTree, UnitVersion

COMMUNES = ("phuong", "xa", "thi_tran", "dac_khu")  # kinds whose codes have ``CODE_DIGITS`` digits

_KEPT = ("code", "name", "latitude", "longitude")  # what a file may say of a unit that is known already

How = Literal["row", "outline"]


@dataclass(frozen=True, slots=True)
class Ended:
    """A unit that ended, its last day, and what it became."""

    unit: UnitVersion
    last: date
    successors: tuple[UnitVersion, ...]


@dataclass(frozen=True, slots=True)
class Following:
    """Points (their codes) that follow their unit without a word, because it became a single one."""

    before: UnitVersion
    after: UnitVersion
    points: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A point of a unit that was split, and what says where it went."""

    point: str
    before: UnitVersion
    after: UnitVersion
    first: date
    how: How


@dataclass(frozen=True, slots=True)
class Undecided:
    """A point that somebody must place, and the place of the file that left it open."""

    point: str
    before: UnitVersion
    first: date
    problem: Problem


@dataclass(frozen=True, slots=True)
class Reorganised:
    """What applying a file does. ``left_below``: units that still lie in one that ended."""

    begun: tuple[UnitVersion, ...]
    ended: tuple[Ended, ...]
    following: tuple[Following, ...]
    placed: tuple[Placed, ...]
    undecided: tuple[Undecided, ...]
    left_below: tuple[UnitVersion, ...]
    closed: tuple[date, ...]

    @property
    def changes(self) -> bool:
        return bool(self.begun or self.ended or self.following or self.placed)


def reorganise(
    session: Session, actor: Actor, path: Path, now: datetime, zone: tzinfo, *, dry_run: bool = False
) -> Reorganised:
    """Apply the decrees of a file (CSV, XLSX, XLS, ODS); with ``dry_run`` say what that would do.

    Raises ``UnreadableFile``, and ``DecreeError`` for wrong cells or, unless it is a dry run, for points that
    nobody placed. Then, and after a dry run, the session is as it was.
    """
    rows = read_decrees(path, now.astimezone(zone).date())
    with session.begin_nested() as trial:
        done = _Work(session, actor, path.parent, now, zone).apply(rows)
        if dry_run:
            trial.rollback()
        elif done.undecided:
            raise DecreeError([each.problem for each in done.undecided])
    return done


# --- applying ---------------------------------------------------------------------------------------


@dataclass(slots=True, eq=False)
class _Draft:
    """A unit that begins, as the rows of one day together describe it."""

    rows: list[Row] = field(default_factory=list)
    said: dict[str, Any] = field(default_factory=dict)
    unit_id: int = 0
    fresh: bool = False

    def cell(self, name: str) -> Row:
        """The row that says ``name``, or the first."""
        return next((row for row in self.rows if name in row.said), self.rows[0])


class _Work:
    """One file being applied, day after day. What was found wrong so far ends it."""

    def __init__(self, session: Session, actor: Actor, folder: Path, now: datetime, zone: tzinfo) -> None:
        self._session = session
        self._actor = actor
        self._folder = folder
        self._now = now
        self._zone = zone
        self._problems: list[Problem] = []
        self._drafts: list[tuple[date | None, _Draft]] = []
        self._ended: list[tuple[date, int]] = []
        self._following: list[Following] = []
        self._placed: list[Placed] = []
        self._undecided: list[Undecided] = []
        self._rows: dict[UnitVersion, Row] = {}  # the first that ends each unit, as it was before
        self._outlines: dict[int, Outline] = {}  # by unit
        self._files: dict[str, Mapping[str, Outline]] = {}

    def apply(self, rows: Sequence[Row]) -> Reorganised:
        by_day: dict[date | None, list[Row]] = defaultdict(list)
        for row in rows:
            by_day[row.first].append(row)
        for day in sorted(by_day, key=lambda each: each or date.min):
            self._apply_day(day, by_day[day])
        self._hang()
        tree = UnitTree.load(self._session)
        self._check_codes(tree)
        self._refuse()
        return self._outcome(tree)

    def _apply_day(self, day: date | None, rows: Sequence[Row]) -> None:
        tree = UnitTree.load(self._session)
        drafts = self._draft(rows)
        for draft in dict.fromkeys(drafts.values()):
            self._begin(tree, draft, day)
            self._drafts.append((day, draft))
        olds = self._olds(tree, day, [row for row in rows if "old" in row.said])
        self._refuse()
        links = self._end(tree, drafts, olds)
        changed = self._link(tree, links)
        if day is not None:
            after = UnitTree.load(self._session)
            places = _Places.load(self._session, after, day)
            self._place_rows(after, places, drafts, day, [row for row in rows if "point" in row.said])
            self._refuse()
            self._place_rest(after, places, day, links, changed)
        self._note(day, rows, changed)

    # -- new units

    def _draft(self, rows: Sequence[Row]) -> dict[Row, _Draft]:
        """The new unit that each row means: by its version, else its code, else its name."""
        drafts: list[_Draft] = []
        meant: dict[Row, _Draft] = {}
        ordered = sorted(rows, key=lambda row: "uid" not in row.said and "code" not in row.said)
        for row in ordered:
            if not row.names_new:
                continue
            same = [draft for draft in drafts if _same_unit(draft.said, row.said)]
            draft = same[0] if same else _Draft()
            if not same:
                drafts.append(draft)
            meant[row] = draft
            draft.rows.append(row)
            for name in OF_A_NEW_UNIT:
                if name not in row.said:
                    continue
                known = draft.said.setdefault(name, row.said[name])
                if known != row.said[name] and _plain(name, known) != _plain(name, row.said[name]):
                    other = draft.cell(name).number
                    self._wrong(
                        row, name, N_("Differs from what row {row} says of the same new unit."), row=other
                    )
        return meant

    def _begin(self, tree: UnitTree, draft: _Draft, day: date | None) -> None:
        """Make the unit, or find the one that an earlier time made."""
        said, kind = draft.said, _kind(draft.said)
        code = said.get("code", "")
        if code.isdigit() and kind in COMMUNES:
            code = code.zfill(CODE_DIGITS)  # spreadsheets drop the leading zeros
        known = _known(tree, said, code, day)
        if known is not None:
            draft.unit_id = known.id
            self._compare(draft, known, kind, day)
        elif not code or "name" not in said:
            self._wrong(
                draft.rows[0], "code" if not code else "name", N_("A new unit needs its code and its name.")
            )
            return
        elif kind is None:
            self._wrong(
                draft.cell("kind"),
                "kind" if "kind" in said else "name",
                N_('It cannot be told what kind of unit "{text}" is; possible are: {choices}.'),
                text=said.get("kind", said["name"]),
                choices=", ".join(words[0] for words in KIND_WORDS.values()),
            )
            return
        else:
            row = Unit(
                uid=said.get("uid") or self._next_uid(tree, code),
                code=code,
                name=said["name"],
                kind=kind,
                valid_from=day,
                latitude=said.get("latitude"),
                longitude=said.get("longitude"),
                source=_together(draft.rows, "document"),
                note=_together(draft.rows, "note"),
            )
            self._session.add(row)
            self._session.flush()
            draft.unit_id, draft.fresh = row.id, True
        if "outline" in said:
            self._read_outline(draft, known.code if known is not None else code)

    def _compare(self, draft: _Draft, known: UnitVersion, kind: str | None, day: date | None) -> None:
        """What is known of a unit must be what the file says of it: history is not written over."""
        given = {name: draft.said[name] for name in _KEPT if name in draft.said}
        if kind is not None:
            given["kind"] = kind
        for name, value in given.items():
            there = getattr(known, name)
            if _plain(name, there) != _plain(name, value):
                self._known_otherwise(draft.cell(name), name, known, there)
        if known.valid_from != day:
            self._wrong(
                draft.rows[0],
                "uid" if "uid" in draft.said else "name",
                N_(
                    "{unit} did not begin on this day. What a decree changes begins anew, as another version."
                ),
                unit=str(known),
            )

    def _known_otherwise(self, row: Row, name: str, unit: UnitVersion, there: object) -> None:
        message = N_("{unit} is known already, and there it is: {value}.")
        self._wrong(row, name, message, unit=str(unit), value="–" if there in (None, "") else there)

    def _next_uid(self, tree: UnitTree, code: str) -> str:
        """``code-n``, n one more than that of any version there is."""
        taken = {unit.uid for unit in tree.units.values()}
        taken |= {draft.said["uid"] for _, draft in self._drafts if "uid" in draft.said}
        numbers = [uid.removeprefix(f"{code}-") for uid in taken if uid.startswith(f"{code}-")]
        return f"{code}-{max((int(n) for n in numbers if n.isdigit()), default=0) + 1}"

    # -- old units

    def _olds(self, tree: UnitTree, day: date | None, rows: Iterable[Row]) -> dict[Row, UnitVersion]:
        """The unit of the day before that each row ends."""
        found: dict[Row, UnitVersion] = {}
        for row in rows:
            assert day is not None  # a row that ends something has a day
            last = day - timedelta(days=1)
            try:
                old = tree.resolve(row.said["old"], last)
            except UnitError as refused:
                self._problems.append(row.refusal("old", refused))
                continue
            if old.valid_on(last) and old.valid_to in (None, last):
                found[row] = old
            else:
                self._wrong(
                    row, "old", N_("{unit} cannot end on {day}."), unit=str(old), day=f"{last:%d/%m/%Y}"
                )
        return found

    def _end(
        self, tree: UnitTree, drafts: Mapping[Row, _Draft], olds: Mapping[Row, UnitVersion]
    ) -> dict[UnitVersion, set[int]]:
        """End the old units; gives what each became, as the rows say."""
        links: dict[UnitVersion, set[int]] = defaultdict(set)
        for row, old in olds.items():
            if row in drafts:
                links[old].add(drafts[row].unit_id)
            elif old not in links:
                links[old] = set()
            if old.valid_to is None and row.first is not None and old not in self._rows:
                last = row.first - timedelta(days=1)
                self._session.get_one(Unit, old.id).valid_to = last
                self._ended.append((last, old.id))
            self._rows.setdefault(old, row)
        self._session.flush()
        return links

    def _link(self, tree: UnitTree, links: Mapping[UnitVersion, set[int]]) -> set[int]:
        """Write down what became of what; gives the old units of which something is new."""
        new = [
            UnitSuccessor(unit_id=old.id, successor_id=after)
            for old, became in links.items()
            for after in sorted(became - set(tree.successors.get(old.id, ())))
        ]
        self._session.add_all(new)
        self._session.flush()
        return {link.unit_id for link in new} | {old.id for old in links if old.valid_to is None}

    # -- points

    def _place_rows(
        self,
        tree: UnitTree,
        places: "_Places",
        drafts: Mapping[Row, _Draft],
        day: date,
        rows: Iterable[Row],
    ) -> None:
        for row in rows:
            code, after = row.said["point"], tree.units[drafts[row].unit_id]
            point_id = places.ids.get(code)
            before = places.before.get(point_id) if point_id is not None else None
            if point_id is None or before is None:
                self._wrong(
                    row, "point", N_('There is no point "{code}" that has a unit the day before.'), code=code
                )
                continue
            old = tree.units[before]
            became = tree.successors.get(before, ())
            if (became and after.id not in became) or (not became and old.valid_on(day)):
                self._wrong(
                    row,
                    "point",
                    N_("The point {code} lies in {unit}, which does not become {after}."),
                    code=code,
                    unit=str(old),
                    after=str(after),
                )
                continue
            try:
                lowest_unit(tree, after.uid, day)
            except UnitError as refused:
                self._problems.append(row.refusal("name", refused))
                continue
            known = places.decided.get(point_id)
            if known is not None and known != after.id:
                self._wrong(
                    row,
                    "point",
                    N_("The point {code} is placed on this day already, in {unit}."),
                    code=code,
                    unit=str(tree.units[known]),
                )
            elif known is None:
                self._place(places, Placed(code, old, after, day, "row"))

    def _place_rest(
        self, tree: UnitTree, places: "_Places", day: date, ended: Iterable[UnitVersion], changed: set[int]
    ) -> None:
        """Points that no row places: they follow, lie in one of the outlines, or wait for a person."""
        for old in ended:
            points = places.of_unit(old.id)
            became = [tree.units[after] for after in tree.successors.get(old.id, ())]
            if len(became) != 1:
                for point_id in points:
                    self._place_by_outline(places, point_id, old, became, day)
            elif points and old.id in changed:
                codes = tuple(places.codes[point_id] for point_id in points)
                self._following.append(Following(tree.units[old.id], became[0], codes))

    def _place_by_outline(
        self,
        places: "_Places",
        point_id: int,
        old: UnitVersion,
        became: Sequence[UnitVersion],
        day: date,
    ) -> None:
        position = places.positions.get(point_id)
        code = places.codes[point_id]
        known = [unit for unit in became if unit.id in self._outlines]
        around = [unit for unit in known if position and self._outlines[unit.id].holds(*position)]
        if len(around) == 1:
            self._place(places, Placed(code, old, around[0], day, "outline"))
            return
        if not known:
            message = N_(
                "The point {code} needs a row that says where it goes: {unit} became several, or none."
            )
        elif position is None:
            message = N_(
                "The point {code} of {unit} needs a row that says where it goes: it has no position."
            )
        else:
            message = N_(
                "The point {code} of {unit} needs a row that says where it goes: no one outline has it."
            )
        problem = self._rows[old].problem("old", message, code=code, unit=str(old))
        self._undecided.append(Undecided(code, old, day, problem))

    def _read_outline(self, draft: _Draft, code: str) -> None:
        name = draft.said["outline"]
        row = draft.cell("outline")
        try:
            if name not in self._files:
                self._files[name] = read_outlines(self._folder / name)
        except OutlineError as refused:
            self._problems.append(row.refusal("outline", refused))
            return
        found = self._files[name].get(code)
        if found is not None:
            self._outlines[draft.unit_id] = found
        else:
            message = N_("{file} has no outline with the code {code}.")
            self._wrong(row, "outline", message, file=name, code=code)

    def _place(self, places: "_Places", placed: Placed) -> None:
        point_id = places.ids[placed.point]
        self._session.add(PointUnit(point_id=point_id, unit_id=placed.after.id, valid_from=placed.first))
        places.decided[point_id] = placed.after.id
        self._placed.append(placed)
        audit.record(
            self._session,
            self._actor,
            Action.POINT_MOVED,
            f"point:{placed.point}",
            self._now,
            detail={
                "from": placed.first.isoformat(),
                "before": {"unit": placed.before.uid},
                "after": {"unit": placed.after.uid},
                "by": placed.how,
            },
        )

    # -- at the end

    def _hang(self) -> None:
        """Each new unit below its parent, which may have begun later in the same file."""
        self._refuse()
        tree = UnitTree.load(self._session)
        for day, draft in self._drafts:
            if "parent" not in draft.said:
                continue
            row, unit = draft.cell("parent"), tree.units[draft.unit_id]
            try:
                parent = tree.resolve(draft.said["parent"], day or date.min)
            except UnitError as refused:
                self._problems.append(row.refusal("parent", refused))
                continue
            over = day is not None and parent.ended_by(day)
            if over or parent.id == unit.id or unit.id in {up.id for up in tree.ancestors(parent.id)}:
                self._wrong(
                    row, "parent", N_("{parent} cannot be above {unit}."), parent=str(parent), unit=str(unit)
                )
            elif draft.fresh:
                self._session.get_one(Unit, unit.id).parent_id = parent.id
            elif unit.parent_id != parent.id:
                above = tree.units[unit.parent_id] if unit.parent_id is not None else ""
                self._known_otherwise(row, "parent", unit, str(above))
        self._session.flush()

    def _check_codes(self, tree: UnitTree) -> None:
        """One code is one unit at a time."""
        of_code: dict[str, list[UnitVersion]] = defaultdict(list)
        for unit in tree.units.values():
            of_code[unit.code].append(unit)
        for _, draft in self._drafts:
            unit = tree.units[draft.unit_id]
            for other in of_code[unit.code] if draft.fresh else ():
                if other.id != unit.id and _overlap(unit, other):
                    self._wrong(
                        draft.cell("code"),
                        "code",
                        N_("The code is that of {unit}, too, which does not end before."),
                        unit=str(other),
                    )

    def _outcome(self, tree: UnitTree) -> Reorganised:
        ended = [
            Ended(
                tree.units[unit_id],
                last,
                tuple(tree.units[after] for after in tree.successors.get(unit_id, ())),
            )
            for last, unit_id in self._ended
        ]
        gone = {each.unit.id: each.last for each in ended}
        left = [
            unit
            for unit in tree.units.values()
            if unit.parent_id in gone and not unit.ended_by(gone[unit.parent_id] + timedelta(days=1))
        ]
        firsts = [each.first for each in self._placed]
        firsts += [each.after.valid_from for each in self._following if each.after.valid_from is not None]
        closed = touched_months(self._session, min(firsts), None, self._now, self._zone) if firsts else ()
        return Reorganised(
            tuple(tree.units[draft.unit_id] for _, draft in self._drafts if draft.fresh),
            tuple(ended),
            tuple(self._following),
            tuple(self._placed),
            tuple(self._undecided),
            tuple(left),
            closed,
        )

    def _note(self, day: date | None, rows: Sequence[Row], changed: set[int]) -> None:
        begun = [draft.unit_id for first, draft in self._drafts if first == day and draft.fresh]
        placed = [each.point for each in self._placed if each.first == day]
        if not (begun or changed or placed):
            return
        tree = UnitTree.load(self._session)
        detail = {
            "begun": [tree.units[unit_id].uid for unit_id in begun],
            "ended": [tree.units[unit_id].uid for unit_id in sorted(changed)],
            "placed": placed,
            "document": _together(rows, "document"),
        }
        subject = f"units:{day.isoformat() if day else ''}"
        audit.record(self._session, self._actor, Action.UNITS_REORGANISED, subject, self._now, detail=detail)

    def _wrong(self, where: Row, name: str, message: str, **said: object) -> None:
        self._problems.append(where.problem(name, message, **said))

    def _refuse(self) -> None:
        if self._problems:
            raise DecreeError(self._problems)


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the points are around a day: the unit of the day before, and what is decided for the day."""

    ids: Mapping[str, int]
    codes: Mapping[int, str]
    positions: Mapping[int, tuple[float, float]]
    before: Mapping[int, int]
    decided: dict[int, int]

    @classmethod
    def load(cls, session: Session, tree: UnitTree, day: date) -> "_Places":
        points = session.execute(select(Point.id, Point.code, Point.latitude, Point.longitude)).all()
        rows = session.execute(
            select(PointUnit.point_id, PointUnit.unit_id, PointUnit.valid_from).order_by(
                PointUnit.valid_from.asc().nulls_first()
            )
        )
        before: dict[int, int] = {}
        decided: dict[int, int] = {}
        for point_id, unit_id, first in rows:
            if first == day:
                decided[point_id] = unit_id
            elif first is None or first < day:
                before[point_id] = unit_id
        last = day - timedelta(days=1)
        return cls(
            {code: point_id for point_id, code, *_ in points},
            {point_id: code for point_id, code, *_ in points},
            {point_id: (lat, lon) for point_id, _, lat, lon in points if lat is not None and lon is not None},
            {point_id: _on(tree, unit_id, last) for point_id, unit_id in before.items()},
            decided,
        )

    def of_unit(self, unit_id: int) -> list[int]:
        """The points that lay in a unit and of which nobody has said where they went, by their codes."""
        found = [
            point for point, unit in self.before.items() if unit == unit_id and point not in self.decided
        ]
        return sorted(found, key=lambda point: self.codes[point])


def _on(tree: UnitTree, unit_id: int, day: date) -> int:
    try:
        return tree.roll_up(unit_id, day).id
    except UnitError:
        return unit_id


def _same_unit(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two rows mean one new unit: by version, else by code, else by name."""
    name = next((name for name in ("uid", "code", "name") if name in one and name in other), None)
    return name is not None and bool(_plain(name, one[name]) == _plain(name, other[name]))


def _plain(name: str, value: Any) -> Any:
    if name == "code":
        return str(value).lstrip("0")
    return fold(value) if isinstance(value, str) else value


def _kind(said: Mapping[str, Any]) -> str | None:
    """The kind that is said, or with which the name begins."""
    if "kind" in said:
        word = fold(said["kind"])
        return next((kind for kind, words in KIND_WORDS.items() if word in (fold(kind), *words)), None)
    name = fold(said.get("name", ""))
    return next((kind for kind, words in KIND_WORDS.items() if name.startswith(f"{words[0]} ")), None)


def _known(tree: UnitTree, said: Mapping[str, Any], code: str, day: date | None) -> UnitVersion | None:
    units = tree.units.values()
    if "uid" in said:
        return next((unit for unit in units if unit.uid == said["uid"]), None)
    if code:
        bare = code.lstrip("0")
        return next((u for u in units if u.code.lstrip("0") == bare and u.valid_from == day), None)
    name = fold(said["name"])
    return next((u for u in units if fold(u.name) == name and u.valid_from == day), None)


def _together(rows: Iterable[Row], name: str) -> str:
    return "; ".join(dict.fromkeys(row.said[name] for row in rows if name in row.said))


def _overlap(one: UnitVersion, other: UnitVersion) -> bool:
    starts = [unit.valid_from or date.min for unit in (one, other)]
    ends = [unit.valid_to or date.max for unit in (one, other)]
    return max(starts) <= min(ends)
