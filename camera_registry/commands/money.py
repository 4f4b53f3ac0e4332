"""``money``: the funding ledger at the terminal: files in and out, what waits, programmes, who must mend."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from camera_registry import audit, i18n
from camera_registry.audit import Action
from camera_registry.commands.common import Refused, command, language_of, now, say, write_file
from camera_registry.commands.problems import hand_back
from camera_registry.commands.storage import actor, changing, open_database
from camera_registry.commands.tables import Cells, give
from camera_registry.exports import ExportError
from camera_registry.funding import basis, entries, files, prefilling, programmes, reading, upkeep, words
from camera_registry.funding.files import UNKNOWN, Imported
from camera_registry.funding.kinds import Duty, State
from camera_registry.funding.reading import EntryRow, Wanted
from camera_registry.funding.sums import Line, over_points, unknown_parts
from camera_registry.i18n import N_, Language, translate
from camera_registry.imports.workbook import read_workbook
from camera_registry.money import Sum
from camera_registry.settings import Settings
from camera_registry.units import Scope

FORMATS = ["%Y-%m-%d", "%d/%m/%Y"]
CITY = Scope.everything()
HEADS = (
    *(
        N_("No."),
        N_("Date"),
        N_("Kind"),
        N_("Programme"),
        N_("Points"),
        N_("Amount, đồng"),
        N_("Contributor"),
    ),
    *(N_("Component"), N_("Description"), N_("State"), N_("Entered by"), N_("Decided by")),
)
SUM_HEADS = (
    *(N_("Point"), N_("Estimate, đồng"), N_("Collected, đồng"), N_("As money, đồng"), N_("Spent, đồng")),
    *(N_("Balance of money, đồng"), N_("Settled, đồng"), N_("Amounts not known")),
)
PROGRAMME_HEADS = (N_("Code"), N_("Name"), N_("Decision"), N_("Decided on"), N_("Years"), N_("Unit"))
DUTY_HEADS = (
    *(N_("No."), N_("Point"), N_("Name"), N_("Kind"), N_("Party"), N_("From"), N_("To")),
    *(N_("Document"), N_("Phone of the office")),
)
BASIS_HEADS = (N_("Point"), N_("Name"), N_("Unit"), N_("Missing"))

money_app = typer.Typer(no_args_is_help=True, help="The funding ledger. It does not replace the books.")

Number = Annotated[int, typer.Argument(metavar="ENTRY", help="Number of the entry, as listed.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept.")]
Csv = Annotated[Path | None, typer.Option("--csv", help="Write a CSV file instead.")]
Spoken = Annotated[str | None, typer.Option("--language", help="vi or en; default: the setting.")]
OfPoint = Annotated[str, typer.Option("--point", help="Code of a point.")]
OfProgramme = Annotated[str, typer.Option("--programme", help="Code of a programme.")]
OfYear = Annotated[int | None, typer.Option("--year", help="Budget year.")]


def add_to(app: typer.Typer) -> None:
    app.add_typer(money_app, name="money")


# --- files ----------------------------------------------------------------------------------------------


@money_app.command("template")
def template(file: Annotated[Path, typer.Argument(help="Where to; .xlsx.")], language: Spoken = None) -> None:
    """Write an empty ledger to fill in."""
    with command() as loaded:
        if file.suffix.lower() != ".xlsx":
            raise ExportError(N_("{file}: write the template to a file that ends in .xlsx."), file=file)
        write_file(file, files.template(language_of(language, loaded)))
        say(loaded, N_("Template written to {file}."), file=file)


@money_app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, XLS or ODS.")],
    dry_run: Annotated[bool, typer.Option(help="Check the file and change nothing.")] = False,
    marked: Annotated[Path | None, typer.Option(help="Where the copy with wrong cells marked goes.")] = None,
    reason: Reason = "",
) -> None:
    """Bring a ledger in: everything or, if a cell is wrong, nothing. Somebody else approves it then."""
    with command() as loaded, open_database(loaded) as database:
        sheets = read_workbook(file)
        with database.transaction() as session:
            done = files.import_ledger(
                session, actor(), CITY, sheets, file.name, now(), loaded.zone, reason=reason
            )
            if dry_run:
                session.rollback()
        if done.problems:
            target = marked or file.with_name(f"{file.stem}-errors.xlsx")
            marked_copy = files.marked(file.read_bytes(), file.name, sheets, done.problems)
            hand_back(done.problems, target, marked_copy, loaded.language)
            raise typer.Exit(1)
        _tell(done, file, dry_run, loaded)


@money_app.command("export")
def export_file(
    file: Annotated[Path, typer.Argument(help="Where to; .csv or .xlsx.")],
    point: OfPoint = "",
    programme: OfProgramme = "",
    year: OfYear = None,
    language: Spoken = None,
) -> None:
    """Export entries, a point's share a row; importing the file again changes nothing."""
    with command() as loaded, open_database(loaded) as database:
        write = {".csv": files.text, ".xlsx": files.workbook}.get(file.suffix.lower())
        if write is None:
            raise ExportError(N_("{file}: write to a file that ends in .csv or .xlsx."), file=file)
        wanted = Wanted(point=point, programme=programme, year=year)
        with database.reading() as session:
            day = _today(loaded)
            told = [e for e in reading.every(session, CITY, day, wanted) if e.state is not State.REFUSED]
            made = write(told, files.groups_of(session, CITY, day), language_of(language, loaded))
        write_file(file, made)
        with database.transaction() as session:
            detail = {"entries": len(told)}
            audit.record(session, actor(), Action.EXPORTED, f"money:{file.name}", now(), detail=detail)
        say(loaded, N_("Entries written to {file}: {count}."), count=len(told), file=file)


# --- entries --------------------------------------------------------------------------------------------


@money_app.command("list")
def list_entries(
    waiting: Annotated[bool, typer.Option("--waiting", help="Only what waits to be approved.")] = False,
    point: OfPoint = "",
    programme: OfProgramme = "",
    year: OfYear = None,
    file: Csv = None,
) -> None:
    """List entries of the ledger, the newest first."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        state = State.WAITING if waiting else None
        wanted = Wanted(state=state, point=point, programme=programme, year=year)
        told = reading.every(session, CITY, _today(loaded), wanted)
        give(HEADS, [_cells(entry, loaded.language) for entry in told], file, loaded)


@money_app.command("sums")
def sums(
    programme: OfProgramme = "",
    file: Csv = None,
) -> None:
    """Show what was estimated, collected, spent, left and settled, point by point."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        lines = reading.lines(session, CITY, _today(loaded), programme=programme or None)
        points = {line.point for line in lines if line.point}
        if not programme:
            points |= prefilling.points(session, CITY, _today(loaded)).keys()
        found: dict[str, list[Line]] = {code: [] for code in sorted(points)}
        for line in lines:
            found.setdefault(line.point, []).append(line)
        whole = translate(N_("All together"), loaded.language)
        nobody = translate(N_("Of no point yet"), loaded.language)
        told = [(code or nobody, over_points(some, [code] if code else [])) for code, some in found.items()]
        told.append((whole, over_points(lines, points)))
        rows = [_sum_cells(name, each, file is None, loaded.language) for name, each in told]
        give(SUM_HEADS, rows, file, loaded)


@money_app.command("approve")
def approve(
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[ENTRY]…", help="Numbers of the entries.")
    ] = None,
    file: Annotated[str, typer.Option("--file", help="All that this file brought; its name.")] = "",
    reason: Reason = "",
) -> None:
    """Approve entries that somebody else has entered: from then on they count."""
    with command() as loaded, changing(loaded) as session:
        if bool(numbers) == bool(file):
            raise Refused(N_("Name the entries, or the file that brought them."))
        for number in numbers or ():
            entries.approve(session, actor(), CITY, number, now(), loaded.zone, reason)
        count = len(numbers or ())
        if file:
            named = [
                some
                for some in files.batches(session, CITY, _today(loaded))
                if some.name == files.kept_name(file)
            ]
            if len(named) > 1:
                raise Refused(
                    N_("Several people brought a file called {file}: approve by number."), file=file
                )
            seen = named[0] if named else files.Batch(file, "", ())
            count = files.approve_file(session, actor(), CITY, seen, now(), loaded.zone, reason)
        say(loaded, N_("Entries approved: {count}."), count=count)


@money_app.command("refuse")
def refuse(number: Number, reason: Annotated[str, typer.Option(help="Why; it is kept.")]) -> None:
    """Refuse an entry that waits: it never counts."""
    with command() as loaded, changing(loaded) as session:
        entries.refuse(session, actor(), CITY, number, now(), loaded.zone, reason=reason)
        say(loaded, N_("The entry {number} is refused."), number=number)


@money_app.command("reverse")
def reverse(number: Number, reason: Annotated[str, typer.Option(help="Why; it is kept.")]) -> None:
    """Take an approved entry back by one of its own, that somebody else must approve."""
    with command() as loaded, changing(loaded) as session:
        made = entries.reverse(session, actor(), CITY, number, now(), loaded.zone, reason=reason)
        say(loaded, N_("The entry {number} waits to be approved."), number=made)


# --- programmes, warranties, what is missing ----------------------------------------------------------------


@money_app.command("save-programme")
def save_programme(
    code: Annotated[str, typer.Argument(help="Code of the programme.")],
    name: Annotated[str, typer.Argument(help="What it is called.")],
    decision: Annotated[str, typer.Option(help="Number of the decision, and whose it is.")] = "",
    decided_on: Annotated[datetime | None, typer.Option(formats=FORMATS, help="Day of it.")] = None,
    levels: Annotated[str, typer.Option(help="What each is to give: a household, a shop.")] = "",
    first_year: Annotated[int | None, typer.Option(help="First budget year.")] = None,
    last_year: Annotated[int | None, typer.Option(help="Last budget year.")] = None,
    unit: Annotated[str, typer.Option(help="Version of the unit whose it is; left out: the city's.")] = "",
    reason: Reason = "",
) -> None:
    """Make a programme, or correct it: what is left out becomes blank."""
    with command() as loaded, changing(loaded) as session:
        filled = programmes.Filled(
            *(code, name, decision, decided_on.date() if decided_on else None, levels),
            *(first_year, last_year, unit),
        )
        programmes.save(session, actor(), CITY, filled, now(), loaded.zone, reason=reason)
        say(loaded, N_('The programme "{code}" is saved.'), code=code)


@money_app.command("programmes")
def list_programmes(file: Csv = None) -> None:
    """List the programmes."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        rows: list[Cells] = [
            (
                *(each.code, each.name, each.decision, each.decided_on),
                "–".join(str(year) for year in (each.first_year, each.last_year) if year is not None),
                each.unit,
            )
            for each in reading.programmes(session, CITY, _today(loaded))
        ]
        give(PROGRAMME_HEADS, rows, file, loaded)


@money_app.command("set-upkeep")
def set_upkeep(
    code: Annotated[str, typer.Argument(metavar="POINT", help="Code of the point.")],
    kind: Annotated[Duty, typer.Argument(help="By warranty, or by contract.")],
    party: Annotated[str, typer.Argument(help="Who must mend it.")],
    first: Annotated[datetime | None, typer.Option("--from", formats=FORMATS, help="First day.")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=FORMATS, help="Last day.")] = None,
    document: Annotated[str, typer.Option(help="Number and date of the contract.")] = "",
    phone: Annotated[str, typer.Option(help="Number of the office, never a person's own.")] = "",
    reason: Reason = "",
) -> None:
    """Enter who must mend a point, and until when."""
    with command() as loaded, changing(loaded) as session:
        filled = upkeep.Filled(
            *(kind, party, first.date() if first else None, last.date() if last else None, document, phone)
        )
        upkeep.set_upkeep(session, actor(), CITY, code, filled, now(), loaded.zone, reason=reason)
        say(loaded, N_("It is saved who must mend the point {code}."), code=code)


@money_app.command("end-upkeep")
def end_upkeep(
    number: Annotated[int, typer.Argument(help="Its number, as listed.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
) -> None:
    """Take a warranty or a contract back: entered wrongly, or ended early."""
    with command() as loaded, changing(loaded) as session:
        upkeep.end_upkeep(session, actor(), CITY, number, now(), loaded.zone, reason=reason)
        say(loaded, N_("The duty {number} holds no more."), number=number)


@money_app.command("upkeep")
def list_upkeep(
    code: Annotated[str | None, typer.Argument(metavar="[POINT]", help="Code of one point.")] = None,
    file: Csv = None,
) -> None:
    """List who must mend which point, and until when."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        rows: list[Cells] = [
            (
                *(each.id, each.point, each.point_name, translate(words.DUTIES[each.kind], loaded.language)),
                *(each.party, each.first, each.last, each.document, each.phone),
            )
            for each in upkeep.upkeep(session, CITY, _today(loaded), point=code)
        ]
        give(DUTY_HEADS, rows, file, loaded)


@money_app.command("basis")
def missing_basis(file: Csv = None) -> None:
    """List the points of which something is not on record that money for repairs is asked with."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        rows: list[Cells] = [
            (
                *(each.point, each.point_name, each.unit),
                ", ".join(translate(words.MISSING[what], loaded.language) for what in each.missing),
            )
            for each in basis.missing_basis(session, CITY, _today(loaded))
        ]
        give(BASIS_HEADS, rows, file, loaded)


# --- how it is done ---------------------------------------------------------------------------------------


def _tell(done: Imported, file: Path, dry_run: bool, loaded: Settings) -> None:
    for sheet in done.without_table:
        say(loaded, N_('The sheet "{sheet}" has no table and was passed over.'), sheet=sheet)
    text = N_("Entries: {new} new, {same} there already. New contributors: {contributors}.")
    say(loaded, text, new=len(done.entered), same=done.unchanged, contributors=done.contributors)
    if dry_run:
        say(loaded, N_("Dry run: nothing was changed."))
    elif done.entered:
        say(
            loaded,
            N_("Somebody else approves them: camera-registry money approve --file {file}"),
            file=file.name,
        )


def _cells(entry: EntryRow, language: Language) -> Sequence[str | int | date | None]:
    points = ", ".join(share.point for share in entry.shares[:3] if share.point)
    more = len(entry.shares) - 3
    component = translate(words.COMPONENTS[entry.component], language) if entry.component else ""
    return (
        *(entry.id, entry.dated, translate(words.KINDS[entry.kind], language), entry.programme),
        *(f"{points} +{more}" if more > 0 else points, _sum(entry.amount, language)),
        *(entry.contributor_name, component, entry.text),
        *(translate(words.STATES[entry.state], language), entry.made_by, entry.decided_by),
    )


def _sum_cells(name: str, told: Mapping[str, Sum | None], shown: bool, language: Language) -> Cells:
    """Numbers for a file, and for a person as they are written; unknown ones in a column of their own."""
    cells: list[str | int | None] = []
    for key in ("estimate", "collected", "money", "spent", "balance", "settled"):
        each = told[key]
        if each is None or (each.unknown and not each.known):
            cells.append(UNKNOWN[language] if shown else None)
        else:
            cells.append(i18n.number(each.known, language) if shown else each.known)
    return (name, *cells, unknown_parts(told))


def _sum(amount: Sum, language: Language) -> str:
    """What is known; and in words that there is more, or nothing but that."""
    known = i18n.number(amount.known, language)
    if amount.whole:
        return known
    return f"{known} + {UNKNOWN[language]}" if amount.known else UNKNOWN[language]


def _today(loaded: Settings) -> date:
    return now().astimezone(loaded.zone).date()
