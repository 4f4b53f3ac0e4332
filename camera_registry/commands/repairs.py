"""``repair``: what is to be mended, who pays, what it costs; and the letters that ask for the money."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from camera_registry import i18n, money, outages, windows
from camera_registry.commands.common import Refused, command, foreign, now, out, say
from camera_registry.commands.storage import actor, changing, open_database
from camera_registry.funding.kinds import Component
from camera_registry.i18n import N_, translate
from camera_registry.money import Sum
from camera_registry.repairs import costs, deeds, proposals, reading, words
from camera_registry.repairs.reading import RepairDetail, RepairRow
from camera_registry.repairs.states import OPEN, Payer, State
from camera_registry.settings import Settings
from camera_registry.units import Scope

FORMATS = ["%Y-%m-%d", "%d/%m/%Y"]
DAY = timedelta(days=1)
CITY = Scope.everything()
HEADS = (
    N_("No."),
    N_("Point"),
    N_("Name"),
    N_("Unit"),
    N_("What is broken"),
    N_("State"),
    N_("Days waiting for money"),
    N_("Days in repair"),
    N_("Who pays"),
    N_("Quoted, đồng"),
    N_("Spent, đồng"),
)
LETTER_HEADS = (
    N_("No."),
    N_("Title"),
    N_("Addressed to"),
    N_("Unit"),
    N_("Repairs"),
    N_("Quoted, đồng"),
    N_("Sent on"),
)

repair_app = typer.Typer(no_args_is_help=True, help="What is broken, who pays for it, and how long it takes.")

Number = Annotated[int, typer.Argument(metavar="REPAIR", help="Number of the repair, as listed.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept.")]
At = Annotated[str, typer.Option(help='As of when, "12/12/2026 07:30" or a day; default: now.')]


def add_to(app: typer.Typer) -> None:
    app.add_typer(repair_app, name="repair")


@repair_app.command("open")
def open_repair(
    fault: Annotated[str, typer.Option(help="What is broken.")],
    point: Annotated[str, typer.Option(help="Code of the point.")] = "",
    incident: Annotated[int | None, typer.Option(help="The incident that it is about.")] = None,
    eye: Annotated[list[str] | None, typer.Option(help="Code of an eye that it takes. Repeat it.")] = None,
    component: Annotated[Component | None, typer.Option(help="What it is part of.")] = None,
    at: At = "",
) -> None:
    """Report something broken: at a point, or of an incident, whose eyes it then takes."""
    with command() as loaded, changing(loaded) as session:
        moment = now()
        told = None
        if incident is not None:
            told = outages.incident(session, CITY, moment, loaded.zone, incident)
            if told is None:
                raise Refused(N_("There is no such incident."))
        number = deeds.open_repair(
            *(session, actor(), CITY, moment, loaded.zone),
            fault=fault,
            point=point,
            incident=told,
            eyes=eye or (),
            component=component,
            at=_moment(at, loaded),
        )
        say(loaded, N_("The repair {number} is reported."), number=number)


@repair_app.command("move")
def move(
    number: Number,
    state: Annotated[State, typer.Argument(help="The state it is in from then on.")],
    at: At = "",
    text: Annotated[str, typer.Option(help="What was done, or why.")] = "",
) -> None:
    """Bring a repair into another state: waiting for money, in repair, done, written off."""
    with command() as loaded, changing(loaded) as session:
        deeds.move(
            *(session, actor(), CITY, number, state, now(), loaded.zone), at=_moment(at, loaded), text=text
        )
        known = translate(words.STATES[state], loaded.language)
        say(loaded, N_("The repair {number}: {state}."), number=number, state=known)


@repair_app.command("comment")
def comment(number: Number, text: Annotated[str, typer.Argument(help="What is remarked.")]) -> None:
    """Remark something on a repair."""
    with command() as loaded, changing(loaded) as session:
        deeds.comment(session, actor(), CITY, number, text, now(), loaded.zone)
        say(loaded, N_("The repair {number} is saved."), number=number)


@repair_app.command("payer")
def payer(
    number: Number,
    who: Annotated[Payer | None, typer.Argument(help="Who pays; left out: nobody yet.")] = None,
    grounds: Annotated[str, typer.Option(help="On which paper; of a warranty what is recorded.")] = "",
    reason: Reason = "",
) -> None:
    """Say who pays for a repair."""
    with command() as loaded, changing(loaded) as session:
        deeds.set_payer(
            *(session, actor(), CITY, number, who, now(), loaded.zone), grounds=grounds, reason=reason
        )
        say(loaded, N_("The repair {number} is saved."), number=number)


@repair_app.command("quote")
def quote(
    number: Number,
    party: Annotated[str, typer.Option(help="Who quotes.")],
    amount: Annotated[str, typer.Option(help="Đồng, in digits.")],
    on: Annotated[datetime | None, typer.Option(formats=FORMATS, help="Its date; default: today.")] = None,
    text: Annotated[str, typer.Option(help="What is in it.")] = "",
    choose: Annotated[bool, typer.Option("--choose", help="Money is asked for by this one.")] = False,
) -> None:
    """Take down what somebody asks for a repair."""
    with command() as loaded, changing(loaded) as session:
        moment, zone = now(), loaded.zone
        made = deeds.quote(
            *(session, actor(), CITY, number, moment, zone),
            party=party,
            amount=money.amount_of(amount) or 0,
            dated=(on or moment.astimezone(zone)).date(),
            text=text,
        )
        if choose:
            deeds.choose(session, actor(), CITY, number, made, moment, zone)
        say(
            loaded,
            N_("The quotation {quotation} of the repair {number} is kept."),
            quotation=made,
            number=number,
        )


@repair_app.command("choose")
def choose(
    number: Number,
    quotation: Annotated[int, typer.Argument(help="Number of the quotation.")],
    reason: Reason = "",
) -> None:
    """Choose the quotation that money is asked for by."""
    with command() as loaded, changing(loaded) as session:
        deeds.choose(session, actor(), CITY, number, quotation, now(), loaded.zone, reason=reason)
        say(loaded, N_("The repair {number} is saved."), number=number)


@repair_app.command("spend")
def spend(
    number: Number,
    on: Annotated[datetime | None, typer.Option(formats=FORMATS, help="When it was paid; today.")] = None,
    reason: Reason = "",
) -> None:
    """Enter its expense in the funding ledger by the chosen quotation; somebody else approves it."""
    with command() as loaded, changing(loaded) as session:
        entry = costs.spend(
            *(session, actor(), CITY, number, now(), loaded.zone),
            dated=on.date() if on else None,
            reason=reason,
        )
        say(loaded, N_("The entry {entry} of the funding ledger waits to be approved."), entry=entry)


@repair_app.command("list")
def show_all(
    state: Annotated[list[State] | None, typer.Option(help="Only these; default: all open.")] = None,
    unit: Annotated[str | None, typer.Option(help="Only of this unit (a uid).")] = None,
    point: Annotated[str | None, typer.Option(help="Only of this point (a code).")] = None,
) -> None:
    """List repairs by state, those that have waited longest first."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        found = reading.board(
            *(session, CITY, now(), loaded.zone), states=state or OPEN, unit=unit, point=point
        )
        table = Table(*(translate(head, loaded.language) for head in HEADS))
        for row in found:
            table.add_row(*_cells(row, loaded))
        out.print(table)


@repair_app.command("show")
def show(number: Number) -> None:
    """Show one repair: its steps, quotations and expenses."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        found = reading.repair(session, CITY, now(), loaded.zone, number)
        if found is None:
            raise Refused(N_("There is no such repair."))
        _tell(found, loaded)


@repair_app.command("propose")
def propose(
    repair: Annotated[list[int], typer.Option(help="Number of a repair that waits for money. Repeat it.")],
    to: Annotated[str, typer.Option(help="Who is asked.")],
    title: Annotated[str, typer.Option(help="What the letter is about.")],
    unit: Annotated[str, typer.Option(help="Uid of the unit that asks; default: the city.")] = "",
    text: Annotated[str, typer.Option(help="What is said besides the list.")] = "",
) -> None:
    """Draw up a letter that asks for repair money."""
    with command() as loaded, changing(loaded) as session:
        made = proposals.draft(
            *(session, actor(), CITY, now(), loaded.zone),
            addressee=to,
            title=title,
            repairs=repair,
            unit=unit,
            text=text,
        )
        say(loaded, N_("The proposal {number} is drawn up."), number=made)
        rows = reading.numbered(session, CITY, now(), loaded.zone, repair)
        for each, letter in proposals.asked_before(session, rows, loaded.zone).items():
            text = N_("The proposal {letter}, which was sent, asks for the repair {number} already.")
            say(loaded, text, letter=letter, number=each)


@repair_app.command("sent")
def sent(
    number: Annotated[int, typer.Argument(metavar="PROPOSAL", help="Number of the proposal, as listed.")],
    on: Annotated[datetime | None, typer.Option(formats=FORMATS, help="When; default: today.")] = None,
    clerk: Annotated[str, typer.Option("--number", help="The number that the clerk gave it.")] = "",
) -> None:
    """A proposal was signed and sent: what it asks for stays as it is."""
    with command() as loaded, changing(loaded) as session:
        moment = now()
        proposals.send(
            *(session, actor(), CITY, number, moment, loaded.zone),
            sent_on=(on or moment.astimezone(loaded.zone)).date(),
            letter_number=clerk,
        )
        say(loaded, N_("The proposal {number} is kept as it was sent."), number=number)


@repair_app.command("proposals")
def show_proposals() -> None:
    """List the letters that ask for repair money."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        table = Table(*(translate(head, loaded.language) for head in LETTER_HEADS))
        for row in proposals.proposals(session, CITY, now(), loaded.zone):
            table.add_row(
                str(row.id),
                *(foreign(text) for text in (row.title, row.addressee, row.unit_name)),
                str(row.repairs),
                _sum(row.total, loaded),
                f"{row.sent_on:%d/%m/%Y}" if row.sent_on else "",
            )
        out.print(table)


def _moment(text: str, loaded: Settings) -> datetime | None:
    return windows.moment_of(text, loaded.zone) if text else None


def _cells(row: RepairRow, loaded: Settings) -> Sequence[str | Text]:
    return (
        str(row.id),
        row.point,
        *(foreign(text) for text in (row.point_name, row.unit, row.fault)),
        translate(words.STATES[row.state], loaded.language),
        *(i18n.number(round(time / DAY, 1), loaded.language) for time in _times(row)),
        translate(words.PAYERS[row.payer], loaded.language),
        "" if row.asked is None else i18n.number(row.asked, loaded.language),
        _sum(row.cost.spent, loaded),
    )


def _times(row: RepairRow) -> tuple[timedelta, timedelta]:
    return row.times.waiting_for_money, row.times.being_repaired


def _sum(amount: Sum, loaded: Settings) -> str:
    known = i18n.number(amount.known, loaded.language)
    if amount.whole:
        return known
    message = N_("{known} and {count} not known")
    return translate(message, loaded.language, known=known, count=amount.unknown)


def _tell(found: RepairDetail, loaded: Settings) -> None:
    table = Table(*(translate(head, loaded.language) for head in HEADS))
    table.add_row(*_cells(found.row, loaded))
    out.print(table)
    for step in found.row.steps:
        at = i18n.stamp(step.at, loaded.language, loaded.zone)
        state = translate(words.STATES[step.state], loaded.language)
        out.print(foreign(f"{at}  {state}  {step.text}  ({step.made_by})"))
    for each in found.quotations:
        chosen = "*" if each.chosen else " "
        amount = i18n.dong(each.amount, loaded.language)
        out.print(foreign(f"{chosen} {each.id}  {each.party}: {amount}  {each.text}"))
    if found.expenses:
        say(
            loaded,
            N_("Entries of the funding ledger: {entries}."),
            entries=", ".join(str(each) for each in found.expenses),
        )
