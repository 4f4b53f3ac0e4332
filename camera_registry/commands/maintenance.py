"""``maintenance``: windows that leave the count, entered, listed, taken back, or read out of a notice."""

import sys
from collections.abc import Collection, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from camera_registry import deeds, i18n, maintenance, notices, power_cuts, register_words, windows
from camera_registry.commands.common import Refused, command, err, foreign, now, out, say
from camera_registry.commands.storage import actor, changing, open_database
from camera_registry.errors import reason_of
from camera_registry.i18n import N_, translate
from camera_registry.maintenance import Cover, Kind
from camera_registry.power_cuts import Proposal
from camera_registry.settings import Settings
from camera_registry.units import Scope
from camera_registry.uptime import Span
from camera_registry.windows import WindowRow

HEADS = (
    N_("No."),
    N_("State"),
    N_("From"),
    N_("To"),
    N_("Covers"),
    N_("Eyes"),
    N_("Reason"),
    N_("Entered by"),
)
NOTICE_HEADS = (N_("In the notice"), N_("In the registry"), N_("In doubt"))
MOST_SHOWN = 5  # things that one window names, in a list

maintenance_app = typer.Typer(
    no_args_is_help=True, help="Windows that leave the count: planned work and power cuts."
)


def add_to(app: typer.Typer) -> None:
    app.add_typer(maintenance_app, name="maintenance")


@maintenance_app.command("add")
def add(
    scope: Annotated[
        list[str], typer.Option(help="all, or eye:, device:, point:, unit: or site: with a code. Repeat it.")
    ],
    start: Annotated[str, typer.Option("--from", help='Beginning, "12/12/2026 07:30".')],
    end: Annotated[str, typer.Option("--to", help="End.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    kind: Annotated[Kind, typer.Option(help="What it is.")] = Kind.WORK,
    repeat: Annotated[
        str, typer.Option(help='How it comes again: an RRULE, "FREQ=WEEKLY;BYDAY=SU;UNTIL=20271231".')
    ] = "",
) -> None:
    """Enter a window, before or after the fact. Probing goes on under it."""
    with command() as loaded, changing(loaded) as session:
        moment = now()
        span = Span(windows.moment_of(start, loaded.zone), windows.moment_of(end, loaded.zone))
        day = span.start.astimezone(loaded.zone).date()
        covers = [maintenance.cover_of(session, Scope.everything(), each, day) for each in scope]
        _enter(session, loaded, moment, kind, span, covers, reason, recurrence=repeat)


@maintenance_app.command("list")
def show(
    start: Annotated[str, typer.Option("--from", help="First day or moment; three months ago.")] = "",
    end: Annotated[str, typer.Option("--to", help="Last; in a year.")] = "",
) -> None:
    """List the windows: those that are on, coming, past, withdrawn."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        moment = now()
        within = Span(
            windows.moment_of(start, loaded.zone) if start else moment - windows.PAST,
            windows.moment_of(end, loaded.zone) if end else moment + windows.AHEAD,
        )
        table = _table(loaded, HEADS)
        for row in windows.rows(session, Scope.everything(), moment, loaded.zone, within):
            table.add_row(*_cells(row, loaded))
        out.print(table)


@maintenance_app.command("withdraw")
def withdraw(
    number: Annotated[int, typer.Argument(help="Number of the window, as listed.")],
    reason: Annotated[str, typer.Option(help="Why.")],
) -> None:
    """Take a window back, as if it had never been. It stays in the list, withdrawn."""
    with command() as loaded, changing(loaded) as session:
        moment = now()
        taken = maintenance.withdraw(session, actor(), moment, loaded.zone, number, reason)
        say(loaded, N_("The window {id} is withdrawn."), id=number)
        _tell_closed(windows.closed_months(session, taken, moment, loaded.zone), loaded)


@maintenance_app.command("notice")
def notice(
    file: Annotated[Path, typer.Argument(help='The notice as text; "-" reads standard input.')],
    enter: Annotated[
        bool, typer.Option("--enter", help="Enter what is sure; without it nothing is.")
    ] = False,
) -> None:
    """Read a notice of planned power cuts and show what it would cover."""
    with command() as loaded, open_database(loaded) as database:
        moment = now()
        text = _read(file)
        today = moment.astimezone(loaded.zone).date()
        read = notices.read_notice(text, today, loaded.zone)
        with database.transaction() as session:
            for proposal in power_cuts.propose(session, Scope.everything(), read, today, loaded.zone):
                _tell(session, proposal, loaded)
                if enter and proposal.sure:
                    reason = proposal.cut.reason or translate(N_("Planned power cut"), loaded.language)
                    for span in proposal.cut.spans:
                        _enter(
                            session, loaded, moment, Kind.POWER_CUT, span, proposal.sure, reason, notice=text
                        )
            for line in read.unread:
                text = translate(N_("Not understood: {line}"), loaded.language, line=line)
                err.print(foreign(text), style="yellow")


def _enter(
    session: Session,
    loaded: Settings,
    moment: datetime,
    kind: Kind,
    span: Span,
    covers: Collection[Cover],
    reason: str,
    *,
    recurrence: str = "",
    notice: str = "",
) -> None:
    window_id = maintenance.enter(
        session,
        actor(),
        moment,
        loaded.zone,
        kind=kind,
        span=span,
        covers=covers,
        reason=reason,
        recurrence=recurrence,
        notice=notice,
    )
    row = windows.row(session, Scope.everything(), moment, loaded.zone, window_id)
    message = N_("The window {id} is entered. Eyes that it covers: {eyes}.")
    say(loaded, message, id=window_id, eyes=row.eyes if row else 0)
    entered = maintenance.window(session, window_id)
    _tell_closed(windows.closed_months(session, entered, moment, loaded.zone), loaded)


def _tell_closed(months: Sequence[date], loaded: Settings) -> None:
    for month in months:
        message = N_("{month} is closed: its figures stay as they are until it is amended.")
        err.print(translate(message, loaded.language, month=f"{month:%m/%Y}"), style="yellow", markup=False)


def _tell(session: Session, proposal: Proposal, loaded: Settings) -> None:
    for span in proposal.cut.spans:
        ends = (i18n.moment(at, loaded.language, loaded.zone) for at in (span.start, span.end))
        out.print(" – ".join(ends), markup=False, style="bold")
    out.print(foreign(proposal.cut.reason))
    for fault in proposal.cut.faults:
        err.print(translate(deeds.FAULTS[fault], loaded.language), style="red", markup=False)
    table = _table(loaded, NOTICE_HEADS)
    names = maintenance.names(session, {cover for each in proposal.matches for cover in each.covers})
    for match in proposal.matches:
        doubt = translate(deeds.DOUBTS[match.doubt], loaded.language) if match.doubt else ""
        covers = ", ".join(names[cover] for cover in match.covers)
        table.add_row(foreign(match.text), foreign(covers), doubt)
    out.print(table)


def _cells(row: WindowRow, loaded: Settings) -> list[str]:
    more = f" +{len(row.names) - MOST_SHOWN}" if len(row.names) > MOST_SHOWN else ""
    kind = translate(register_words.WINDOWS[row.kind], loaded.language)
    again = f" ({row.recurrence})" if row.recurrence else ""
    return [
        str(row.id),
        translate(deeds.PHASES[row.phase], loaded.language),
        *(f"{at.astimezone(loaded.zone):%d/%m/%Y %H:%M}" for at in (row.start, row.end)),
        ", ".join(row.names[:MOST_SHOWN]) + more,
        str(row.eyes),
        f"{kind}: {row.reason}{again}",
        row.entered_by,
    ]


def _table(loaded: Settings, heads: Sequence[str]) -> Table:
    return Table(*(translate(head, loaded.language) for head in heads))


def _read(file: Path) -> str:
    try:
        if file == Path("-"):
            return sys.stdin.read(notices.LONGEST_NOTICE + 1)
        with file.open(encoding="utf-8") as opened:
            return opened.read(notices.LONGEST_NOTICE + 1)
    except OSError as error:
        raise Refused(N_("Cannot read {path}: {reason}"), path=file, reason=reason_of(error)) from None
    except UnicodeDecodeError:
        raise Refused(N_("{path} is not UTF-8 text."), path=file) from None
