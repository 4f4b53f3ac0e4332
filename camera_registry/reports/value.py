"""A report, whole and frozen: what page, PDF, DOCX, XLSX, CSV and JSON are drawn of, so all say the same.

Words stand in it in the language that it was built in; figures stand in it as figures: a face writes them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import TypeAlias

from camera_registry.i18n import Language
from camera_registry.money import Sum


class Kind(StrEnum):
    """Which report it is; the word after ``camera-registry report``."""

    UPTIME = "uptime"
    FUNDING = "funding"
    PROGRAMME = "programme"
    DISCLOSURE = "disclosure"
    REPAIRS = "repairs"
    PROPOSAL = "proposal"
    SECURITY = "security"
    INVENTORY = "inventory"


class Format(StrEnum):
    """As what a report is drawn; the ending of its file."""

    PDF = "pdf"
    DOCX = "docx"
    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"
    HTML = "html"


MEDIA_TYPES: Mapping[Format, str] = {
    Format.PDF: "application/pdf",
    Format.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.CSV: "text/csv; charset=utf-8",
    Format.JSON: "application/json",
    Format.HTML: "text/html; charset=utf-8",
}


class Measure(StrEnum):
    """What a figure is, and so how it is written and aligned."""

    TEXT = "text"
    COUNT = "count"
    IDENTIFIER = "identifier"  # a whole number that names something; its figures are not grouped
    NUMBER = "number"
    SHARE = "share"  # 0 to 1; written as per cent
    SECONDS = "seconds"  # a length of time; written in words
    DONG = "dong"  # a ``Sum``
    DAY = "day"
    MOMENT = "moment"  # aware; written in the report's zone


Value: TypeAlias = str | int | float | date | datetime | Sum | None  # None: there is none, or nobody knows it


@dataclass(frozen=True, slots=True)
class Column:
    """``key`` names it to programs, ``title`` to people; ``weight`` is its share of the width."""

    key: str
    title: str
    measure: Measure = Measure.TEXT
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as long as ``columns``; ``total`` is one more of them, ``notes`` stand below."""

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    total: tuple[Value, ...] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure by itself. ``note`` says what must be known to read it."""

    key: str
    title: str
    value: Value
    measure: Measure = Measure.TEXT
    note: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    key: str
    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """Prose. ``centred``: in the middle of the page, as who is written to."""

    key: str
    title: str
    paragraphs: tuple[str, ...]
    centred: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A part of a strip in one state: from ``start`` to ``end``, shares (0 to 1) of the strip's time."""

    state: str  # a key of the strips' legend
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Strip:
    """One line of time. ``told`` says in words what it shows, for who does not see it."""

    label: str
    runs: tuple[Run, ...]
    told: str


@dataclass(frozen=True, slots=True)
class Strips:
    """Lines of time under one another, all from ``first`` to ``last`` (inclusive days).

    ``legend`` has the words of the states, by slug: up, degraded, down, unknown, maintenance, not_in_service,
    or served, not_served.
    """

    key: str
    title: str
    first: date
    last: date
    legend: tuple[tuple[str, str], ...]
    strips: tuple[Strip, ...]


Part: TypeAlias = Text | Facts | Table | Strips


@dataclass(frozen=True, slots=True)
class Annex:
    """What a letter leaves to pages behind its signature: tables that need a page on its side."""

    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """How the organisation that issues it heads and signs it (Nghị định 30/2020/NĐ-CP, Phụ lục I).

    What is blank is left to be filled in by hand. ``symbol`` is the organisation's part of that of a document
    ("CAP" of "BC-CAP"). ``recipients`` are the lines of "Nơi nhận".
    """

    parent: str = ""
    body: str = ""
    symbol: str = ""
    place: str = ""
    authority: str = ""
    signer_title: str = ""
    signer: str = ""
    recipients: tuple[str, ...] = ()

    @property
    def organisation(self) -> str:
        """Its part of a symbol, also where the whole symbol of one kind of document was put down."""
        return re.sub(r"^(BC|TTr)-", "", self.symbol)


@dataclass(frozen=True, slots=True)
class Report:
    """``name`` is of its file, without an ending; ``about`` is the line under the title.

    ``grounds`` are the papers it stands on ("Căn cứ …"). ``as_of`` is when it was made: nothing else in it
    depends on the clock, so the same value is the same file. ``mark`` is the hash of frozen figures, where
    they are. ``synthetic``: of a demonstration; every face says so on every page. ``letter``: it is signed
    and sent, and so has the form of an administrative document; others have its typeface only. ``number`` and
    ``dated`` are of a letter that was sent: as the clerk numbered it, and of which day it is. ``annex`` goes
    with it.
    """

    kind: Kind
    name: str
    title: str
    about: str
    language: Language
    zone: tzinfo
    as_of: datetime
    parts: tuple[Part, ...]
    head: Head = Head()
    grounds: tuple[str, ...] = ()
    mark: str = ""
    synthetic: bool = False
    letter: bool = True
    wide: bool = False  # its tables need a page on its side
    number: str = ""
    dated: date | None = None
    annex: Annex | None = None

    @property
    def all_parts(self) -> tuple[Part, ...]:
        """Also those of the annex."""
        return self.parts + (self.annex.parts if self.annex else ())


Drawer: TypeAlias = Callable[[Report, Format], bytes]  # dashboards.reports.draw
