"""``point move`` and ``units reorganise``: points change their unit, and units change."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from camera_registry import moving, reorganising
from camera_registry.commands.common import command, now, out, say
from camera_registry.commands.storage import actor, open_database
from camera_registry.i18n import N_, translate
from camera_registry.reorganising import Reorganised
from camera_registry.settings import Settings
from camera_registry.units import UnitVersion

SHOWN_CODES = 10  # of points that follow by themselves

point_app = typer.Typer(no_args_is_help=True, help="Points and the units they belong to.")


def add_to(app: typer.Typer) -> None:
    app.add_typer(point_app, name="point")


@point_app.command("move")
def move(
    code: Annotated[str, typer.Argument(metavar="POINT", help="Code of the point.")],
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="Name, code or uid, as of that day.")],
    first: Annotated[
        datetime,
        typer.Option("--from", formats=["%Y-%m-%d", "%d/%m/%Y"], help="First day in the new unit."),
    ],
    document: Annotated[str, typer.Option(help="Number and date of the paper that says so.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept.")] = "",
) -> None:
    """Have a point belong to another unit from a day on; the same day again corrects."""
    with command() as loaded, open_database(loaded) as database:
        with database.transaction() as session:
            moved = moving.move_point(
                *(session, actor(), code, unit, first.date(), now(), loaded.zone),
                document=document,
                reason=reason,
            )
        say(
            loaded,
            N_("The point {code} belongs to {unit} from {day} on; before: {before}."),
            code=code,
            unit=str(moved.after),
            day=f"{moved.first:%d/%m/%Y}",
            before=str(moved.before or "–"),
        )
        if moved.last is not None:
            say(loaded, N_("Until {day}: it moves on after that."), day=f"{moved.last:%d/%m/%Y}")
        _tell_closed(moved.closed, loaded)


def reorganise(
    file: Annotated[Path, typer.Argument(help="CSV, XLSX, XLS or ODS; see docs/reorganising.md.")],
    dry_run: Annotated[bool, typer.Option(help="Say what would change, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False,
) -> None:
    """Apply a decree that reorganises units: all of its file or, if a cell is wrong, nothing."""
    with command() as loaded, open_database(loaded) as database:
        with database.transaction() as session:
            done = reorganising.reorganise(session, actor(), file, now(), loaded.zone, dry_run=dry_run)
        if as_json:
            body = orjson.dumps(_told(done, loaded, dry_run), option=orjson.OPT_INDENT_2)
            typer.echo(body.decode())
            return
        _tell(done, loaded)
        if dry_run:
            say(loaded, N_("Dry run: nothing was changed."))


def _tell(done: Reorganised, loaded: Settings) -> None:
    if not (done.changes or done.undecided):
        say(loaded, N_("Everything is as the file says: nothing changes."))
        return
    if done.begun:
        table = _table(loaded, N_("Begins"), N_("Unit"), N_("From"))
        for unit in done.begun:
            table.add_row(unit.uid, unit.name, f"{unit.valid_from:%d/%m/%Y}" if unit.valid_from else "…")
        out.print(table)
    if done.ended:
        table = _table(loaded, N_("Ends"), N_("Unit"), N_("Last day"), N_("Becomes"))
        for each in done.ended:
            became = ", ".join(unit.name for unit in each.successors) or "–"
            table.add_row(each.unit.uid, each.unit.name, f"{each.last:%d/%m/%Y}", became)
        out.print(table)
    if done.following:
        table = _table(loaded, N_("Points that follow by themselves"), N_("Old unit"), N_("New unit"))
        for group in done.following:
            table.add_row(_codes(group.points), group.before.name, group.after.name)
        out.print(table)
    if done.placed:
        said = {"row": N_("by the file"), "outline": N_("by its outline")}
        table = _table(loaded, N_("Points that are placed"), N_("Old unit"), N_("New unit"), N_("How"))
        for placed in done.placed:
            how = translate(said[placed.how], loaded.language)
            table.add_row(placed.point, placed.before.name, placed.after.name, how)
        out.print(table)
    if done.undecided:
        say(loaded, N_("Points that need a decision: {count}."), count=len(done.undecided))
        for open_one in done.undecided:
            out.print(f"  {open_one.problem.text(loaded.language)}", markup=False)
    if done.left_below:
        say(
            loaded,
            N_("Still below a unit that ends: {units}."),
            units="; ".join(str(unit) for unit in done.left_below),
        )
    _tell_closed(done.closed, loaded)


def _tell_closed(months: tuple[Any, ...], loaded: Settings) -> None:
    if months:
        say(
            loaded,
            N_("Closed months that it touches, and that stay as they are until amended: {months}."),
            months=", ".join(f"{month:%m/%Y}" for month in months),
        )


def _codes(codes: tuple[str, ...]) -> str:
    more = f" … ({len(codes)})" if len(codes) > SHOWN_CODES else ""
    return ", ".join(codes[:SHOWN_CODES]) + more


def _told(done: Reorganised, loaded: Settings, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "begun": [_unit(unit) for unit in done.begun],
        "ended": [
            {"unit": each.unit.uid, "last": each.last, "successors": [after.uid for after in each.successors]}
            for each in done.ended
        ],
        "following": [
            {"from": group.before.uid, "to": group.after.uid, "points": group.points}
            for group in done.following
        ],
        "placed": [
            {
                "point": each.point,
                "from": each.before.uid,
                "to": each.after.uid,
                "day": each.first,
                "by": each.how,
            }
            for each in done.placed
        ],
        "undecided": [
            {"point": each.point, "unit": each.before.uid, "why": each.problem.text(loaded.language)}
            for each in done.undecided
        ],
        "left_below": [unit.uid for unit in done.left_below],
        "closed_months": [f"{month:%Y-%m}" for month in done.closed],
    }


def _unit(unit: UnitVersion) -> dict[str, Any]:
    return {"uid": unit.uid, "code": unit.code, "name": unit.name, "kind": unit.kind, "from": unit.valid_from}


def _table(loaded: Settings, *heads: str) -> Table:
    return Table(*(translate(head, loaded.language) for head in heads))
