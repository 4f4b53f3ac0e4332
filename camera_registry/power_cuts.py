"""What a notice's power cut covers: its areas matched to the units of that day, and to points below them.

A match is sure, or it says what is in doubt and waits for a person. Nothing that a notice names is left out:
an area that nothing answers to stands in the list with its doubt.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, tzinfo
from enum import StrEnum

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from camera_registry import maintenance, queries
from camera_registry.maintenance import Cover, ScopeKind
from camera_registry.models import Point, PointUnit
from camera_registry.notices import Cut, Notice
from camera_registry.spelling import fold, spelled
from camera_registry.units import KIND_WORDS, AmbiguousUnit, Scope, UnitError, UnitTree, UnitVersion

LONGEST_NAME = 5  # words of a unit's name
MOST_NUMBERS = 50  # residential groups in one "tổ 1 đến tổ 20"


class Doubt(StrEnum):
    """Why a match is not entered without a person."""

    NO_UNIT = "no_unit"  # no unit was ever called so
    NO_POINT = "no_point"  # no point of the registry lies there, as far as its address tells
    LEFT_OUT = "left_out"  # the notice says that this is not cut
    PART = "part"  # a part of it, and the notice cannot say which in our terms
    OLD_NAME = "old_name"  # the unit of this name had ended by that day
    OLD_NUMBER = "old_number"  # a group's number, given by a ward that has been merged into this one
    AMBIGUOUS = "ambiguous"  # several places are called so
    SPELLING = "spelling"  # the marks differ: Minh Tân, Minh Tấn
    GUESS = "guess"  # these words stand somewhere in the point's name or address


@dataclass(frozen=True, slots=True)
class Match:
    """One area of a notice, in its own words, and what of the registry it seems to be."""

    text: str
    covers: tuple[Cover, ...]
    doubt: Doubt | None = None  # None: sure


@dataclass(frozen=True, slots=True)
class Proposal:
    """A cut and what it would cover."""

    cut: Cut
    matches: tuple[Match, ...]

    @property
    def sure(self) -> tuple[Cover, ...]:
        """What can be entered without another look."""
        return tuple(
            dict.fromkeys(cover for each in self.matches if each.doubt is None for cover in each.covers)
        )


def propose(session: Session, scope: Scope, notice: Notice, today: date, zone: tzinfo) -> list[Proposal]:
    """Match each cut of a notice as of its own first day; a place outside ``scope`` has no points."""
    tree = UnitTree.load(session)
    found = []
    for cut in notice.cuts:
        day = cut.spans[0].start.astimezone(zone).date() if cut.spans else today
        matcher = _Matcher(tree, day, _points(session, scope, tree, day), scope)
        found.append(Proposal(cut, tuple(matcher.matches(cut.areas))))
    return found


# --- what a notice names ----------------------------------------------------------------------------

_TOWN = ("to dan pho", "to nhan dan", "khu pho", "khu dan cu", "tdp", "tnd", "kp", "to", "khu")
_COUNTRY = ("thon", "xom", "ban", "ap", "buon", "lang")
_STREETS = ("doan duong", "dai lo", "quoc lo", "tinh lo", "duong", "pho", "ngo", "ngach", "hem", "ql", "tl")
_NOT_GROUPS = ("khu do thi", "khu cong nghiep", "khu tai dinh cu", "khu vuc", "to hop")
_SAME_ROAD = {"quoc lo": ("quoc lo", "ql"), "ql": ("quoc lo", "ql"), "tinh lo": ("tinh lo", "tl")}
_ABOVE = ("tinh", "thanh_pho", "huyen")  # kinds that a ward's name may be followed by
_SPELT_OUT = {"phuong": "phuong", "xa": "xa", "thi tran": "thi_tran"}

_FILLER = re.compile(
    r"^(?:toan bo|tat ca|bao gom|gom|khu vuc|dia ban|dia phan|thuoc|tai|nhan dan|ho dan|phu tai|khach hang"
    r"|dan cu|cac|nhung|ca|va|mot so|1 so|mot phan|1 phan|o)(?=\s|$)\s*"
)
_PART = re.compile(r"\b(?:mot phan|1 phan|mot so|1 so|phan con lai)\b")
_HOUSES = re.compile(r"\b(?:so nha|tu (?:nha|so|cau|nga|cot|km|dau|tram)\b.*\bden\b|nha so)")
_FROM = re.compile(r"^(?:từ|tu)\s+(?=\S+\s+(?:số\s+|so\s+)?\d)", re.IGNORECASE)  # "từ tổ 5 đến tổ 7"
_ABBREVIATED = re.compile(r"\b(TP|TT|[PXH])\.\s*", re.IGNORECASE)
_SEPARATOR = re.compile(r"\s*([,():+&]|\b(?:và|va|bao gồm|gồm|gom)\b)\s*", re.IGNORECASE)
_OPENS = (":", "(", "gồm", "gom", "bao gồm")


@dataclass(frozen=True, slots=True)
class _Piece:
    """Words between two separators, and the separator behind them."""

    words: str
    then: str


@dataclass(frozen=True, slots=True)
class _Named:
    """A unit as the notice writes it; ``old``: the word "cũ" stands behind it."""

    text: str
    kind: str
    old: bool = False
    known: bool = True


@dataclass(frozen=True, slots=True)
class _Item:
    """One thing that is named: a residential group, a street, a place; without ``name`` a whole unit."""

    text: str
    unit: _Named | None = None
    kind: str = ""  # the word before the name, folded; "" for a place
    name: str = ""
    part: bool = False
    left_out: bool = False  # named as what is not cut


class _Reader:
    """Walks through the clauses of one cut: small places, then their unit; or the unit, then its parts."""

    def __init__(self, tree: UnitTree) -> None:
        self._tree = tree
        self.items: list[_Item] = []
        self._waiting: list[_Item] = []  # for the unit that they belong to
        self._head: _Named | None = None  # "Phường Yên Bái: …": holds until another unit is named
        self._head_used = True
        self._last: _Named | None = None
        self._carried = self._carried_said = ""  # "tổ 4, 5, 6": the kind of the one before
        self._units_kind = ""  # "các phường: Văn Phú, Âu Lâu"

    def read(self, clauses: Iterable[str]) -> list[_Item]:
        for clause in clauses:
            self._carried, self._units_kind, self._last = "", "", None
            said, left_out = _without_exception(clause)
            before = len(self.items)
            for piece in _pieces(said):
                self._take(piece)
            self.items.extend(replace(item, unit=self._head) for item in self._waiting)
            self._head_used = self._head_used or bool(self._waiting)
            self._waiting = []
            if left_out:  # "phường Nam Cường (trừ TDP số 3)": of the rest nobody can say what it is
                self._close_head()
                self.items[before:] = [replace(item, part=True) for item in self.items[before:]]
                self.items.append(_Item(left_out, left_out=True))
        self._close_head()
        units = {item.unit for item in self.items if item.unit is not None}
        if len(units) == 1:  # a heading over the lines that follow
            unit = next(iter(units))
            self.items = [
                item if item.left_out else replace(item, unit=item.unit or unit) for item in self.items
            ]
        return self.items

    def _take(self, piece: _Piece) -> None:
        words, part = _without_filler(piece.words)
        if _HOUSES.search(fold(words)):  # "đường Điện Biên (từ số nhà 1 đến số nhà 99)"
            self._only_a_part(words)
            return
        if not words and not part:
            words = piece.words  # "khu vực" alone: it says nothing, and is not left out
        if fold(words) == "cu":  # "xã Tuy Lộc (cũ)"
            self._former()
            return
        if fold(words) in _SPELT_OUT:
            self._units_kind = fold(words)
            return
        if not words:
            if part and self._head is not None and not self._head_used:
                self.items.append(_Item(self._head.text, self._head, part=True))
                self._head_used = True
            return
        before, named = self._unit_in(words)
        if named is None:
            self._take_place(words, part)
            if piece.then == ")" and self._head_used:
                self._head = None
            return
        if before:
            self._waiting.extend(self._items(before, part))
        self._take_unit(named, part and not before, piece.then)

    def _take_unit(self, named: _Named, part: bool, then: str) -> None:
        if named.kind in _ABOVE and self._last is not None and not self._waiting:
            return  # "phường Yên Bái, tỉnh Lào Cai"
        self._close_head()
        if self._waiting:
            self.items.extend(replace(item, unit=named) for item in self._waiting)
            self._waiting = []
        elif then in _OPENS:
            self._head, self._head_used = named, False
        else:
            self.items.append(_Item(named.text, named, part=part))
        self._last, self._carried = named, ""

    def _take_place(self, words: str, part: bool) -> None:
        last = self.items[-1] if self.items else None
        kind = self._units_kind
        if last and not last.name and last.unit and last.unit is self._last and not self._waiting:
            kind = kind or last.unit.kind.replace("_", " ")  # "phường Văn Phú, Âu Lâu"
        if kind and self._tree.knows(f"{kind} {words}"):
            self._last = _Named(f"{kind} {words}", _SPELT_OUT.get(kind, kind))
            self.items.append(_Item(words, self._last, part=part))
            return
        items = [replace(item, unit=self._head) for item in self._items(words, part)]
        if self._head is None:
            self._waiting.extend(items)
        else:
            self.items.extend(items)
            self._head_used = True

    def _close_head(self) -> None:
        if self._head is not None and not self._head_used:
            self.items.append(_Item(self._head.text, self._head))
        self._head, self._head_used = None, True

    def _former(self) -> None:
        named = self._last
        if named is not None:
            self._last = replace(named, old=True)
            self._head = self._last if self._head is named else self._head
            self.items = [
                replace(item, unit=self._last) if item.unit is named else item for item in self.items
            ]

    def _only_a_part(self, words: str) -> None:
        before, named = self._unit_in(words)
        place = re.split(r"\b(?:từ|tu)\b|\(|số nhà|so nha", before or words, maxsplit=1, flags=re.IGNORECASE)[
            0
        ]
        if place.strip():
            self._waiting.extend(self._items(place.strip(), True))
            if named:
                self._take_unit(named, False, "")
        elif self._waiting:
            self._waiting[-1] = replace(self._waiting[-1], part=True)
        elif self.items:
            self.items[-1] = replace(self.items[-1], part=True)
        else:
            self._waiting.append(_Item(words, name=words, part=True))

    def _unit_in(self, words: str) -> tuple[str, _Named | None]:
        """What stands before the unit that the words name, and the unit."""
        said = words.split()
        plain = [fold(word) for word in said]
        for at in range(len(said)):
            for kind, length in _kinds_at(plain, at):
                for end in range(min(len(said), at + length + LONGEST_NAME), at + length, -1):
                    text = " ".join(said[at:end])
                    if self._tree.knows(text):
                        old = "cu" in plain[end : end + 1]
                        return " ".join(said[:at]), _Named(text, kind, old)
                if " ".join(plain[at : at + length]) in _SPELT_OUT and at + length < len(said):
                    return " ".join(said[:at]), _Named(" ".join(said[at:]), kind, known=False)
        return words, None

    def _items(self, words: str, part: bool) -> list[_Item]:
        words = _FROM.sub("", words)
        said = fold(words)
        kind = next((k for k in (*_TOWN, *_COUNTRY, *_STREETS) if said == k or said.startswith(f"{k} ")), "")
        if said.startswith(_NOT_GROUPS):
            kind = ""
        name = " ".join(words.split()[len(kind.split()) :]) if kind else words
        numbered = re.match(r"(?:s\S )?\d", name) is not None
        if kind:
            self._carried, self._carried_said = kind, " ".join(words.split()[: len(kind.split())])
        elif numbered or self._carried in (*_TOWN, *_COUNTRY):
            kind = self._carried
        numbers = _numbers(fold(name)) if kind in (*_TOWN, *_COUNTRY) else None
        if numbers is None:
            return [_Item(words, None, kind, name or words, part)]
        return [_Item(f"{self._carried_said} {each}", None, kind, each, part) for each in numbers]


def _pieces(clause: str) -> Iterator[_Piece]:
    parts = _SEPARATOR.split(_ABBREVIATED.sub(r"\1 ", clause))
    for words, then in zip(parts[::2], [*parts[1::2], ""], strict=True):
        if words.strip(" .-–") or then == ")":
            yield _Piece(words.strip(" .-–"), then.lower())


def _without_exception(clause: str) -> tuple[str, str]:
    """A clause up to "trừ" ("except"), and from there; without marks the word may mean other things."""
    found = re.search(
        r"\b(?:ngoại\s+)?trừ\b" if not clause.isascii() else r"\btru\b(?! so)", clause, re.IGNORECASE
    )
    return (clause[: found.start()], clause[found.start() :].strip(" ().,")) if found else (clause, "")


def _without_filler(words: str) -> tuple[str, bool]:
    """The words without what says nothing of the place; whether they mean a part of it."""
    part = _PART.search(fold(words)) is not None
    said = words.split()
    while said and (filler := _FILLER.match(fold(" ".join(said)))):
        said = said[len(filler[0].split()) :]
    return " ".join(said), part


def _kinds_at(plain: Sequence[str], at: int) -> Iterator[tuple[str, int]]:
    for kind, words in KIND_WORDS.items():
        for word in words:
            length = len(word.split())
            if " ".join(plain[at : at + length]) == word:
                yield kind, length


def _numbers(name: str) -> list[str] | None:
    """``4``, ``so 04``, ``4 5 6``, ``1 den 7``, ``4 7`` (from 4-7) as numbers; ``None`` for a name."""
    found = re.findall(r"\d+", name)
    if not found or re.sub(r"\b(?:so|den|tu|to|tdp|thon|\d+)\b|\s", "", name):
        return None
    first, last = int(found[0]), int(found[-1])
    if len(found) == 2 and first < last < first + MOST_NUMBERS:
        return [str(number) for number in range(first, last + 1)]
    return [str(int(number)) for number in found[:MOST_NUMBERS]]


# --- what the registry has --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """A point as its words tell where it is; ``units`` are all that it lies in on the day."""

    id: int
    unit_id: int | None
    units: frozenset[int]
    group: tuple[str, str]  # kind and name, folded
    said: tuple[str, ...]  # group, address and name, as they are spelled

    def tells(self, phrases: Iterable[str], as_folded: bool) -> bool:
        key: Callable[[str], str] = fold if as_folded else _spelled_words
        return any(f" {key(phrase)} " in f" {key(text)} " for phrase in phrases for text in self.said)


def _spelled_words(text: str) -> str:
    return " ".join(re.findall(r"[\w\u0300-\u036f]+", spelled(text)))  # letters and their marks


def _points(session: Session, scope: Scope, tree: UnitTree, day: date) -> list[_Place]:
    memberships = session.execute(
        select(PointUnit.point_id, PointUnit.unit_id)
        .where(or_(PointUnit.valid_from.is_(None), PointUnit.valid_from <= day))
        .order_by(PointUnit.point_id, func.coalesce(PointUnit.valid_from, date.min))
    )
    lowest: dict[int, int] = {row.point_id: row.unit_id for row in memberships}  # the newest stays
    lies_in = {unit_id: frozenset(maintenance.lies_in(tree, unit_id)) for unit_id in set(lowest.values())}
    seen = None if scope.unit_ids is None else queries.point_ids(session, scope, day)
    rows = session.execute(
        select(Point.id, Point.residential_group, Point.address, Point.name).order_by(Point.code)
    )
    return [
        _Place(
            point_id,
            lowest.get(point_id),
            lies_in[lowest[point_id]] if point_id in lowest else frozenset(),
            _group(group),
            (group, address, name),
        )
        for point_id, group, address, name in rows
        if seen is None or point_id in seen
    ]


def _group(text: str) -> tuple[str, str]:
    said = fold(text)
    kind = next((k for k in (*_TOWN, *_COUNTRY) if said.startswith(f"{k} ")), "")
    name = said.removeprefix(kind).strip().removeprefix("so ").strip()
    return kind, name.lstrip("0") or name


# --- one and the other ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Matcher:
    tree: UnitTree
    day: date
    points: Sequence[_Place]
    scope: Scope

    def matches(self, areas: Sequence[str]) -> Iterator[Match]:
        items = _Reader(self.tree).read(areas)
        for item in items:
            yield self._match(item, items)

    def _match(self, item: _Item, items: Sequence[_Item]) -> Match:
        if item.left_out:
            return Match(item.text, (), Doubt.LEFT_OUT)
        if item.unit is None:
            return self._below(item, None, None)
        unit, doubt = self._unit(item.unit)
        text = item.text if not item.name else f"{item.text}, {item.unit.text}"
        if unit is None:
            return Match(text, (), doubt)
        if item.name:
            found = self._below(item, unit, doubt)
            return replace(found, text=text)
        if self.scope.unit_ids is not None and not any(unit.id in point.units for point in self.points):
            return Match(text, (), Doubt.NO_POINT)
        headed = any(other.unit == item.unit and other.name for other in items)
        if item.part or headed:  # of it a part only; or its parts are told apart
            doubt = Doubt.PART
        return Match(text, (Cover(ScopeKind.UNIT, unit.id),), doubt)

    def _unit(self, named: _Named) -> tuple[UnitVersion | None, Doubt | None]:
        if not named.known:
            return None, Doubt.NO_UNIT
        try:
            valid = self.tree.resolve(named.text, self.day)
        except AmbiguousUnit:
            return None, Doubt.AMBIGUOUS
        except UnitError:
            return self._ended(named, self.day), None if named.old else Doubt.OLD_NAME
        if not named.old:
            return valid, None
        former = self._ended(named, self.day)
        return (former, None) if former else (valid, Doubt.OLD_NAME)

    def _ended(self, named: _Named, day: date) -> UnitVersion | None:
        """The newest unit of this name that had ended by the day."""
        last_days = {unit.valid_to for unit in self.tree.units.values() if unit.ended_by(day)}
        for last in sorted((each for each in last_days if each is not None), reverse=True):
            try:
                unit = self.tree.resolve(named.text, last)
            except UnitError:
                continue
            if unit.ended_by(day):
                return unit
        return None

    def _below(self, item: _Item, unit: UnitVersion | None, doubt: Doubt | None) -> Match:
        inside = [point for point in self.points if unit is None or unit.id in point.units]
        found, unlike = self._points_of(item, inside)
        lowest = {point.unit_id for point in found}
        grouped = item.kind in (*_TOWN, *_COUNTRY)
        numbered = grouped and item.name.isdecimal()
        for is_so, why in (
            (item.part, Doubt.PART),
            (unit is None and numbered, Doubt.AMBIGUOUS),
            (len(lowest) > 1 and (unit is None or grouped), Doubt.AMBIGUOUS),
            (unit is not None and numbered and lowest != {unit.id}, Doubt.OLD_NUMBER),
            (unlike is not None, unlike),
        ):
            if is_so and doubt is None:
                doubt = why
        if not found:
            doubt = Doubt.NO_POINT
        return Match(item.text, tuple(Cover(ScopeKind.POINT, point.id) for point in found), doubt)

    def _points_of(self, item: _Item, inside: Sequence[_Place]) -> tuple[list[_Place], Doubt | None]:
        """The points that the item's words name, and what is in doubt about them."""
        if item.kind in (*_TOWN, *_COUNTRY):
            alike = _TOWN if item.kind in _TOWN else _COUNTRY
            _, name = _group(f"{item.kind} {item.name}")
            found = [p for p in inside if p.group[1] == name and p.group[0] in ("", *alike)]
            phrases = [f"{kind}{so} {item.name}" for kind in alike for so in ("", " so")]
            found = found or [p for p in inside if p.tells(phrases, as_folded=True)]
            if found:
                return self._spelled_so(found, [item.name])
        elif item.kind:
            names = _SAME_ROAD.get(item.kind, (item.kind, "duong", "pho"))
            phrases = [f"{kind} {item.name}" for kind in names]
            found = [p for p in inside if p.tells(phrases, as_folded=True)]
            if found:
                return self._spelled_so(found, [item.name])
        if len(item.name.split()) < 2:
            return [], None
        return [p for p in inside if p.tells([item.name], as_folded=True)], Doubt.GUESS

    def _spelled_so(self, found: list[_Place], names: Sequence[str]) -> tuple[list[_Place], Doubt | None]:
        exact = [point for point in found if point.tells(names, as_folded=False)]
        if exact or all(name.isascii() for name in names):
            return exact or found, None
        return found, Doubt.SPELLING
