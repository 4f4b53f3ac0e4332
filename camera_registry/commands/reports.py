"""``report``: uptime, funding, disclosure and the rest, as a file of whatever kind an office takes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from camera_registry import audit, periods
from camera_registry.audit import Action
from camera_registry.commands.common import Refused, command, now, say, write_file
from camera_registry.commands.storage import actor, open_database
from camera_registry.db import Database
from camera_registry.errors import reason_of
from camera_registry.i18n import LANGUAGES, N_, Language
from camera_registry.reports import catalogue
from camera_registry.reports.asked import Asked, to_json
from camera_registry.reports.ground import past_month
from camera_registry.reports.value import Drawer, Format, Kind, Report
from camera_registry.settings import Settings
from camera_registry.units import Scope, UnitTree

FORMATS = ["%Y-%m-%d", "%d/%m/%Y"]
EVERYTHING = Scope.everything()

Unit = Annotated[str, typer.Option(help="A unit by its uid, code or name; of any time.")]
City = Annotated[bool, typer.Option("--city", help="All of it.")]
Point = Annotated[str, typer.Option(help="Code of a point.")]
Month = Annotated[
    str,
    typer.Option("--month", metavar="YYYY-MM", help="Or a quarter, 2026-Q3, or a year; default: last month."),
]
First = Annotated[datetime | None, typer.Option("--from", formats=FORMATS, help="First day.")]
Last = Annotated[datetime | None, typer.Option("--to", formats=FORMATS, help="Last day, inclusive.")]
UnitsAt = Annotated[
    datetime | None,
    typer.Option(formats=FORMATS, help="The day whose units are named; default: the last day."),
]
As = Annotated[Format | None, typer.Option("--format", help="Default: as --out ends, or pdf.")]
Out = Annotated[Path | None, typer.Option(help="The file to write; default: named after the report.")]
Spoken = Annotated[str, typer.Option("--language", help="vi or en; default: that of the settings.")]
Demo = Annotated[
    bool, typer.Option("--demo", help="Of a made-up year of the demonstration city, not of this registry.")
]


@dataclass(frozen=True, slots=True)
class Faces:
    """What draws: handed in by the front door, which alone knows pages.

    ``publish`` writes a folder of pages with a title, and returns the files.
    """

    draw: Drawer
    file_name: Callable[[Report, Format], str]
    publish: Callable[[Path, str, Sequence[Report]], Sequence[Path]]


@dataclass(frozen=True, slots=True)
class _When:
    """The days asked about, as they were typed."""

    month: str = ""
    first: datetime | None = None
    last: datetime | None = None
    units_at: datetime | None = None

    def days(self, today: date, zone: tzinfo) -> tuple[date, date]:
        """Raises ``Refused``, ``PeriodError``."""
        if self.month and (self.first or self.last):
            raise Refused(N_("Say either --month, or --from and --to."))
        if self.month:
            span = periods.named(self.month, zone)
            last = (span.end - timedelta.resolution).astimezone(zone).date()
            return span.start.astimezone(zone).date(), last
        if self.first is None and self.last is None:
            return past_month(today)
        if self.first is None or self.last is None:
            raise Refused(N_("A period needs --from and --to."))
        return self.first.date(), self.last.date()


@dataclass(frozen=True, slots=True)
class _How:
    """How a report is to be written."""

    format: Format | None
    out: Path | None
    language: str
    demo: bool


@dataclass(frozen=True, slots=True)
class _Desk:
    """An open registry, and the moment of which it is asked."""

    database: Database
    settings: Settings
    language: Language
    at: datetime
    synthetic: bool

    @property
    def zone(self) -> tzinfo:
        return self.settings.zone

    def asked(self, session: Session, about: Asked, when: _When) -> Asked:
        """``about`` with its days; its unit is found by name or code on the day whose units are named."""
        first, last = when.days(self.at.astimezone(self.zone).date(), self.zone)
        units_at = when.units_at.date() if when.units_at else None
        asked = replace(about, first=first, last=last, units_at=units_at)
        if not asked.unit:
            return asked
        return replace(asked, unit=UnitTree.load(session).resolve(asked.unit, asked.day_of_units).uid)

    def keep(self, asked: Asked, target: Path) -> None:
        """It stands in the audit that this left the registry."""
        if not self.synthetic:
            with self.database.transaction() as session:
                subject = f"file:{target.name}"
                audit.record(session, actor(), Action.EXPORTED, subject, self.at, detail=to_json(asked))


def add_to(app: typer.Typer, faces: Faces) -> None:
    """Add ``report`` and one command for each kind."""
    group = typer.Typer(no_args_is_help=True, help="Make a report.")
    room = Room(faces)
    for kind, made in (
        (Kind.UPTIME, room.uptime),
        (Kind.FUNDING, room.funding),
        (Kind.PROGRAMME, room.programme),
        (Kind.DISCLOSURE, room.disclosure),
        (Kind.REPAIRS, room.repairs),
        (Kind.PROPOSAL, room.proposal),
        (Kind.SECURITY, room.security),
        (Kind.INVENTORY, room.inventory),
    ):
        group.command(kind)(made)
    app.add_typer(group, name="report")


@dataclass(frozen=True, slots=True)
class Room:
    """The commands."""

    faces: Faces

    def uptime(
        self,
        unit: Unit = "",
        city: City = False,
        point: Point = "",
        month: Month = "",
        first: First = None,
        last: Last = None,
        units_at: UnitsAt = None,
        format: As = None,
        out: Out = None,
        language: Spoken = "",
        demo: Demo = False,
    ) -> None:
        """How well the eyes of a unit, of a point or of all worked: a month, quarter, year or other days."""
        _one_of(unit=unit, city=city, point=point)
        when = _When(month, first, last, units_at)
        self._write(_about(Kind.UPTIME, unit, point), when, _How(format, out, language, demo))

    def funding(
        self,
        unit: Unit = "",
        city: City = False,
        point: Point = "",
        programme: Annotated[str, typer.Option(help="Code of a programme: as report programme.")] = "",
        month: Month = "",
        first: First = None,
        last: Last = None,
        units_at: UnitsAt = None,
        format: As = None,
        out: Out = None,
        language: Spoken = "",
        demo: Demo = False,
    ) -> None:
        """What points cost, who paid, what is left, until the last day; and how well they worked for it."""
        _one_of(unit=unit, city=city, point=point, programme=programme)
        when = _When(month, first, last, units_at)
        kind = Kind.PROGRAMME if programme else Kind.FUNDING
        how = _How(format, out, language, demo)
        self._write(replace(_about(kind, unit, point), programme=programme), when, how)

    def programme(
        self,
        code: Annotated[str, typer.Argument(help="Code of the programme.")],
        month: Month = "",
        first: First = None,
        last: Last = None,
        units_at: UnitsAt = None,
        format: As = None,
        out: Out = None,
        language: Spoken = "",
        demo: Demo = False,
    ) -> None:
        """A programme: decision, estimate, who gave, what was spent, and what stands there for it."""
        when = _When(month, first, last, units_at)
        about = replace(_about(Kind.PROGRAMME), programme=code)
        self._write(about, when, _How(format, out, language, demo))

    def disclosure(
        self,
        unit: Unit = "",
        city: City = False,
        point: Point = "",
        month: Month = "",
        folder: Annotated[
            Path | None,
            typer.Option(help="Write a folder of pages to publish: one of all, and one of each point."),
        ] = None,
        format: As = None,
        out: Out = None,
        language: Spoken = "",
        demo: Demo = False,
    ) -> None:
        """What residents are told at the end of a month: money, state, responsibility; not of right now."""
        _one_of(unit=unit, city=city, point=point)
        how = _How(format, out, language, demo)
        if folder is None:
            self._write(_about(Kind.DISCLOSURE, unit, point), _When(month), how)
            return
        if format is not None or out is not None:
            raise typer.BadParameter("--folder has pages of its own: leave out --format and --out.")
        self._publish(_about(Kind.DISCLOSURE, unit, point), _When(month), how, folder)

    def repairs(
        self,
        unit: Unit = "",
        city: City = False,
        point: Point = "",
        month: Month = "",
        first: First = None,
        last: Last = None,
        units_at: UnitsAt = None,
        format: As = None,
        out: Out = None,
        language: Spoken = "",
        demo: Demo = False,
    ) -> None:
        """Repairs open in a period: days of waiting for money, days of repair, who pays, what it cost."""
        _one_of(unit=unit, city=city, point=point)
        when = _When(month, first, last, units_at)
        self._write(_about(Kind.REPAIRS, unit, point), when, _How(format, out, language, demo))

    def proposal(
        self,
        number: Annotated[int, typer.Argument(help="Number of the proposal.")],
        format: As = None,
        out: Out = None,
        language: Spoken = "",
        demo: Demo = False,
    ) -> None:
        """A letter that asks for repair money, ready to be signed."""
        about = replace(_about(Kind.PROPOSAL), proposal=number)
        self._write(about, _When(), _How(format, out, language, demo))

    def security(
        self,
        unit: Unit = "",
        city: City = False,
        point: Point = "",
        month: Month = "",
        first: First = None,
        last: Last = None,
        units_at: UnitsAt = None,
        format: As = None,
        out: Out = None,
        language: Spoken = "",
        demo: Demo = False,
    ) -> None:
        """What was found of the security of devices in a period: exposure, firmware, certificates, logins."""
        _one_of(unit=unit, city=city, point=point)
        when = _When(month, first, last, units_at)
        self._write(_about(Kind.SECURITY, unit, point), when, _How(format, out, language, demo))

    def inventory(
        self,
        unit: Unit = "",
        city: City = False,
        point: Point = "",
        month: Month = "",
        first: First = None,
        last: Last = None,
        units_at: UnitsAt = None,
        format: As = None,
        out: Out = None,
        language: Spoken = "",
        demo: Demo = False,
    ) -> None:
        """Points, devices and eyes of the last day of a period, each counted for itself."""
        _one_of(unit=unit, city=city, point=point)
        when = _When(month, first, last, units_at)
        self._write(_about(Kind.INVENTORY, unit, point), when, _How(format, out, language, demo))

    def _write(self, about: Asked, when: _When, how: _How) -> None:
        """Build one report, draw it, write the file."""
        with _desk(how) as desk:
            with desk.database.reading() as session:
                asked = desk.asked(session, about, when)
                build = catalogue.build(asked.kind)
                report = build(session, EVERYTHING, asked, desk.at, desk.zone, desk.language)
            report = replace(report, synthetic=desk.synthetic)
            form = how.format or _form_of(how.out)
            file = how.out or Path(self.faces.file_name(report, form))
            content = self.faces.draw(report, form)
            write_file(file, content)
            desk.keep(asked, file)
            say(desk.settings, N_("Report written to {file}."), file=file)

    def _publish(self, about: Asked, when: _When, how: _How, folder: Path) -> None:
        """A page of what was asked about and, unless that was one point, of each of its points."""
        from camera_registry.reports import disclosure  # opened for a folder alone

        with _desk(how) as desk:
            with desk.database.reading() as session:
                asked = desk.asked(session, about, when)
                pages = disclosure.pages(session, EVERYTHING, asked, desk.at, desk.zone, desk.language)
            pages = [replace(each, synthetic=desk.synthetic) for each in pages]
            with _writing(folder):
                files = self.faces.publish(folder, pages[0].title, pages)
            desk.keep(asked, folder)
            say(desk.settings, N_("Pages written to {folder}: {count}."), folder=folder, count=len(files))


# --- how it is done ---------------------------------------------------------------------------------


@contextmanager
def _desk(how: _How) -> Iterator[_Desk]:
    with command() as loaded:
        language = _language(how.language, loaded)
        if not how.demo:
            with open_database(loaded) as database:
                yield _Desk(database, loaded, language, now(), synthetic=False)
            return
        from camera_registry import demonstration_year  # opens all that fills a registry

        say(loaded, N_("Demonstration: a made-up year; the first time it takes a while."))
        database = demonstration_year.open_demonstration_year(loaded.data_dir)
        try:
            yield _Desk(database, loaded, language, demonstration_year.NOW, synthetic=True)
        finally:
            database.close()


def _language(said: str, loaded: Settings) -> Language:
    known = next((each for each in LANGUAGES if each == said), None)
    if said and known is None:
        raise Refused(N_('"{text}" is not known here; possible are: {choices}.'), text=said, choices="vi, en")
    return known or loaded.language


def _one_of(**said: object) -> None:
    """What a report is about is said exactly once."""
    if sum(bool(each) for each in said.values()) != 1:
        raise typer.BadParameter("say exactly one of " + ", ".join(f"--{name}" for name in said))


def _about(kind: Kind, unit: str = "", point: str = "") -> Asked:
    """A question whose days are still to be said."""
    return Asked(kind, date.min, date.min, unit=unit, point=point)


def _form_of(file: Path | None) -> Format:
    """As the file ends. Raises ``Refused`` for another ending."""
    if file is None:
        return Format.PDF
    ending = file.suffix.removeprefix(".").lower()
    if ending not in tuple(Format):
        raise Refused(
            N_('"{text}" is not known here; possible are: {choices}.'),
            text=file.name,
            choices=", ".join(Format),
        )
    return Format(ending)


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Raises ``Refused`` where what is written cannot be."""
    try:
        yield
    except OSError as error:
        raise Refused(N_("Cannot write {path}: {reason}"), path=target, reason=reason_of(error)) from None
