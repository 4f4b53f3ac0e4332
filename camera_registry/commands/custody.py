"""``custody``: who has a point, who pays for its power and line, and which points nobody was handed."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from camera_registry import custody
from camera_registry.commands.common import Refused, command, now, say
from camera_registry.commands.storage import actor, changing, open_database
from camera_registry.commands.tables import Cells, give
from camera_registry.custody import WHY_TEXTS, Custody
from camera_registry.i18n import N_, translate
from camera_registry.settings import Settings
from camera_registry.units import Scope

FORMATS = ["%Y-%m-%d", "%d/%m/%Y"]
HEADS = (N_("Point"), N_("Name"), N_("Managed by"), N_("Phone of the office"), N_("From"), N_("To"))
PAYERS = (N_("Pays electricity"), N_("Pays Internet"), N_("Handed over on"), N_("Document"))
QUEUE_HEADS = (N_("Point"), N_("Name"), N_("Unit"), N_("Eyes"), N_("Why"), N_("Since"), N_("Managed by"))

custody_app = typer.Typer(no_args_is_help=True, help="Who manages a point, and who pays for it.")

Code = Annotated[str, typer.Argument(metavar="POINT", help="Code of the point.")]
Csv = Annotated[Path | None, typer.Option("--csv", help="Write a CSV file instead.")]


def add_to(app: typer.Typer) -> None:
    app.add_typer(custody_app, name="custody")


@custody_app.command("set")
def set_custody(
    code: Code,
    manager: Annotated[str, typer.Option(help="Who manages it.")],
    first: Annotated[datetime, typer.Option("--from", formats=FORMATS, help="First day.")],
    last: Annotated[
        datetime | None, typer.Option("--to", formats=FORMATS, help="Last day, if it is known.")
    ] = None,
    electricity: Annotated[str, typer.Option(help="Who pays for electricity.")] = "",
    internet: Annotated[str, typer.Option(help="Who pays for the Internet line.")] = "",
    handed_over: Annotated[
        datetime | None, typer.Option(formats=FORMATS, help="Day of the hand-over minutes.")
    ] = None,
    document: Annotated[str, typer.Option(help="Number and date of the minutes.")] = "",
    phone: Annotated[str, typer.Option(help="Number of the office, never a person's own.")] = "",
    reason: Annotated[str, typer.Option(help="Why; it is kept.")] = "",
) -> None:
    """Enter who has a point from a day on; who had it ends the day before. The same day again corrects."""
    with command() as loaded, changing(loaded) as session:
        kept = custody.set_custody(
            *(session, actor(), code, manager, first.date(), now(), loaded.zone),
            last=last.date() if last else None,
            electricity=electricity,
            internet=internet,
            handed_over_on=handed_over.date() if handed_over else None,
            document=document,
            phone=phone,
            reason=reason,
        )
        say(
            loaded,
            N_("The point {code} is in the custody of {manager} from {day} on."),
            code=code,
            manager=kept.manager,
            day=f"{kept.first:%d/%m/%Y}",
        )


@custody_app.command("end")
def end_custody(
    code: Code,
    last: Annotated[datetime, typer.Option("--on", formats=FORMATS, help="Last day.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
) -> None:
    """End a custody that nobody follows: the point waits to be handed over."""
    with command() as loaded, changing(loaded) as session:
        kept = custody.end_custody(session, actor(), code, last.date(), now(), loaded.zone, reason=reason)
        say(
            loaded,
            N_("The custody of {manager} over the point {code} ends on {day}."),
            manager=kept.manager,
            code=code,
            day=f"{last:%d/%m/%Y}",
        )


@custody_app.command("list")
def list_custody(
    code: Annotated[
        str | None, typer.Argument(metavar="[POINT]", help="One point's history; else all of a day.")
    ] = None,
    on: Annotated[datetime | None, typer.Option(formats=FORMATS, help="Day; default: today.")] = None,
    file: Csv = None,
) -> None:
    """List who has which point on a day, or everyone who ever had one point."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        day = _day(on, loaded)
        found: list[Custody] | None
        if code is None:
            found = custody.present(session, Scope.everything(), day)
        else:
            found = custody.history(session, Scope.everything(), day, code)
            if found is None:
                raise Refused(N_('There is no point with the code "{code}".'), code=code)
        rows: list[Cells] = [
            (
                *(each.point, each.point_name, each.manager, each.phone, each.first, each.last),
                *(each.electricity, each.internet, each.handed_over_on, each.document),
            )
            for each in found
        ]
        give((*HEADS, *PAYERS), rows, file, loaded)


@custody_app.command("queue")
def queue(
    on: Annotated[datetime | None, typer.Option(formats=FORMATS, help="Day; default: today.")] = None,
    file: Csv = None,
) -> None:
    """List the points that wait to be handed over, why, and since when."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        waiting = custody.queue(session, Scope.everything(), _day(on, loaded), loaded.zone)
        never = translate(N_("ever"), loaded.language)
        rows: list[Cells] = [
            (
                *(each.point, each.point_name, each.unit, each.eyes),
                translate(WHY_TEXTS[each.why], loaded.language),
                each.since or never,
                each.manager,
            )
            for each in waiting
        ]
        give(QUEUE_HEADS, rows, file, loaded)


def _day(said: datetime | None, loaded: Settings) -> date:
    return (said or now().astimezone(loaded.zone)).date()
