"""``month``: closing a month's figures, amending them, and showing what was closed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import closings
from camera_registry.closings import Compared, Frozen, Heading
from camera_registry.commands.common import Refused, command, now, out, say
from camera_registry.commands.storage import actor, open_database
from camera_registry.i18n import N_, Language, collation_key, duration, moment, percent, translate
from camera_registry.models import Eye, Point
from camera_registry.settings import Settings
from camera_registry.units import UnitError, UnitTree, UnitVersion
from camera_registry.uptime import Tally
from camera_registry.words import STANDINGS

SHOWN = 200  # eyes that differ, on a terminal; --json has all
STATES: dict[str, str] = {
    **{state: STANDINGS[state] for state in ("up", "degraded", "down", "unknown")},
    "maintenance": N_("Maintenance"),
    "not_in_service": STANDINGS["not_in_service"],
}

SUMMED = ("down", "unknown", "maintenance")  # of a unit; a terminal is no wider

month_app = typer.Typer(no_args_is_help=True, help="Closed months.")

Month = Annotated[str, typer.Argument(metavar="MONTH", help="As 2026-09.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")]


def add_to(app: typer.Typer) -> None:
    app.add_typer(month_app, name="month")


@month_app.command("close")
def close(month: Month) -> None:
    """Freeze a month's figures, once no result can come late any more. There is no way back."""
    with command() as loaded, open_database(loaded) as database:
        lateness = timedelta(days=loaded.lateness_days)
        with database.transaction() as session:
            first = closings.month_named(month)
            kept = closings.close(session, actor(), first, now(), loaded.zone, lateness=lateness)
            names = _Names(session, first, loaded.language)
        _tell(kept, names, loaded)
        say(loaded, N_("The month {month} is closed. Correct it by an amendment."), month=f"{first:%m/%Y}")


@month_app.command("amend")
def amend(
    month: Month,
    reason: Annotated[str, typer.Option(help="Why; it is kept, and printed.")],
    as_json: AsJson = False,
) -> None:
    """Count a closed month anew, keep that beside what it corrects, and show both."""
    with command() as loaded, open_database(loaded) as database:
        with database.transaction() as session:
            first = closings.month_named(month)
            both = closings.amend(session, actor(), first, now(), loaded.zone, reason=reason)
            names = _Names(session, first, loaded.language)
        if as_json:
            _print_json(_compared_json(both, names))
            return
        _tell_differences(both, names, loaded)
        version = both.after.heading.version
        text = N_("Amendment {version} of the month {month} is kept; what it corrects stays.")
        say(loaded, text, version=version, month=f"{first:%m/%Y}")


@month_app.command("show")
def show(
    month: Month,
    version: Annotated[
        int | None, typer.Option(min=0, help="0: as it was closed; 1, 2, …: an amendment. Default: the last.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a closed month: who closed it, what was left out, its figures by unit."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        first = closings.month_named(month)
        kept = closings.frozen(session, first, version)
        if kept is None:
            raise Refused(N_("The month {month} is not closed, or has no such version."), month=month)
        names = _Names(session, first, loaded.language)
        if as_json:
            _print_json(_frozen_json(kept, names))
        else:
            _tell(kept, names, loaded)


@month_app.command("verify")
def verify(month: Month, as_json: AsJson = False) -> None:
    """Count a closed month anew, keep nothing, and say what differs. Exit code 1 where figures differ."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        first = closings.month_named(month)
        found = closings.verify(session, first, now(), loaded.zone)
        names = _Names(session, first, loaded.language)
        if as_json:
            _print_json({"intact": found.intact, **_compared_json(found.compared, names)})
        else:
            _tell_differences(found.compared, names, loaded)
            if not found.intact:
                say(
                    loaded, N_("The stored figures are not those that were closed: the database was changed.")
                )
        if not (found.intact and found.compared.same_figures):
            raise typer.Exit(1)


@month_app.command("list")
def list_months(as_json: AsJson = False) -> None:
    """List the closed months and their amendments."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        found = closings.headings(session)
        if as_json:
            _print_json({"months": [heading_json(each) for each in found]})
            return
        heads = (N_("Month"), N_("Version"), N_("Closed at"), N_("By"), N_("Rules"), N_("Reason"))
        table = _table(heads, loaded.language)
        for each in found:
            table.add_row(
                f"{each.month:%m/%Y}",
                str(each.version),
                moment(each.at, loaded.language, loaded.zone),
                each.by,
                str(each.rules_version),
                each.reason,
            )
        out.print(table)


def heading_json(heading: Heading) -> dict[str, Any]:
    return asdict(heading) | {"month": f"{heading.month:%Y-%m}"}


class _Names:
    """What eyes, points and units are called; units are those of the month's last day."""

    def __init__(self, session: Session, month: date, language: Language) -> None:
        self.eyes = {row.id: row.code for row in session.execute(select(Eye.id, Eye.code))}
        self.points = {row.id: row.code for row in session.execute(select(Point.id, Point.code))}
        self._tree = UnitTree.load(session)
        self._day = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        self._none = translate(N_("No unit"), language)

    def unit(self, unit_id: int | None) -> str:
        return self._none if unit_id is None else self._of_day(unit_id).name

    def uid(self, unit_id: int | None) -> str | None:
        return None if unit_id is None else self._of_day(unit_id).uid

    def _of_day(self, unit_id: int) -> UnitVersion:
        try:
            return self._tree.roll_up(unit_id, self._day)
        except UnitError:
            return self._tree.units[unit_id]


@dataclass(slots=True)
class _Sum:
    """What the eyes of one unit did together."""

    tally: Tally = field(default_factory=Tally)
    eyes: int = 0
    outages: int = 0


def _tell(kept: Frozen, names: _Names, loaded: Settings) -> None:
    heading, language = kept.heading, loaded.language
    say(
        loaded,
        N_("Month {month}, version {version}, closed by {who} at {at}, by rules {rules}."),
        month=f"{heading.month:%m/%Y}",
        version=heading.version,
        who=heading.by,
        at=moment(heading.at, language, loaded.zone),
        rules=heading.rules_version,
    )
    if heading.reason:
        say(loaded, N_("Reason: {reason}"), reason=heading.reason)
    say(loaded, N_("Counted from (SHA-256): {hash}"), hash=heading.inputs_hash)
    if kept.windows:
        say(loaded, N_("Left out as maintenance:"))
        for window in kept.windows:
            covers = ", ".join(window["covers"])
            out.print(
                f"  {window['id']}  {covers}  {window['reason']} ({window['entered_by']})", markup=False
            )
    heads = (N_("Unit"), N_("Eyes"), N_("Availability"), N_("Coverage"), N_("Usable"))
    table = _table((*heads, *(STATES[state] for state in SUMMED), N_("Outages")), language)
    for (name, _), unit in _by_unit(kept, names).items():
        tally = unit.tally
        rates = (tally.availability, tally.coverage, tally.usable_rate)
        table.add_row(
            name,
            str(unit.eyes),
            *(_rate(rate, language) for rate in rates),
            *(duration(getattr(tally, state), language) for state in SUMMED),
            str(unit.outages),
        )
    out.print(table)


def _by_unit(kept: Frozen, names: _Names) -> dict[tuple[str, str | None], _Sum]:
    """By the name and uid of each unit, in the order of the names."""
    found: dict[tuple[str, str | None], _Sum] = defaultdict(_Sum)
    for figure in kept.eyes:
        each = found[names.unit(figure.unit_id), names.uid(figure.unit_id)]
        each.tally += figure.tally
        each.eyes += 1
        each.outages += figure.outages
    return dict(sorted(found.items(), key=lambda item: (collation_key(item[0][0]), item[0][1] or "")))


def _tell_differences(both: Compared, names: _Names, loaded: Settings) -> None:
    if both.same_figures:
        text = (
            N_("Counted from the same, and nothing differs.")
            if both.same_inputs
            else N_("No figure differs, though it is not counted from the same any more.")
        )
        say(loaded, text)
        return
    say(loaded, N_("By unit:"))
    _tell_lines(_unit_lines(both, names), (N_("Unit"),), loaded)
    say(loaded, N_("By eye:"))
    lines = list(_eye_lines(both, names))
    _tell_lines(lines[:SHOWN], (N_("Eye"), N_("Unit")), loaded)
    if len(lines) > SHOWN:
        say(loaded, N_("{count} more; --json has all."), count=len(lines) - SHOWN)
    if both.points:
        codes = sorted({names.points[each.point_id] for each in both.points})
        say(loaded, N_("Points that were served for another time: {codes}"), codes=", ".join(codes[:SHOWN]))


Line = tuple[tuple[str, ...], Tally, Tally]  # whose, before, after


def _unit_lines(both: Compared, names: _Names) -> Iterator[Line]:
    old, new = (_by_unit(side, names) for side in (both.before, both.after))
    for unit in old | new:
        before, after = (side[unit].tally if unit in side else Tally() for side in (old, new))
        if before != after:
            yield unit[:1], before, after


def _eye_lines(both: Compared, names: _Names) -> Iterator[Line]:
    for each in both.eyes:
        before, after = (side.tally if side is not None else Tally() for side in (each.before, each.after))
        yield (names.eyes[each.eye_id], names.unit(each.unit_id)), before, after


def _tell_lines(lines: Iterable[Line], whose: Sequence[str], loaded: Settings) -> None:
    language = loaded.language
    table = _table((*whose, N_("Figure"), N_("Before"), N_("Now"), N_("Difference")), language)
    for names, before, after in lines:
        rows = [
            (
                translate(N_("Availability"), language),
                _rate(before.availability, language),
                _rate(after.availability, language),
                _points(before.availability, after.availability, language),
            )
        ]
        for state, text in STATES.items():
            one, other = getattr(before, state), getattr(after, state)
            if one != other:
                sign = "+" if other > one else "−"
                change = sign + duration(abs(other - one), language)
                rows.append(
                    (translate(text, language), duration(one, language), duration(other, language), change)
                )
        for number, row in enumerate(rows):
            table.add_row(*(names if number == 0 else [""] * len(names)), *row)
    out.print(table)


def _rate(rate: float | None, language: Language) -> str:
    return translate(N_("not observed"), language) if rate is None else percent(rate, language)


def _points(before: float | None, after: float | None, language: Language) -> str:
    if before is None or after is None:
        return ""
    sign = "+" if after > before else "−" if after < before else "±"
    return sign + percent(abs(after - before), language)


def _frozen_json(kept: Frozen, names: _Names) -> dict[str, Any]:
    return {
        **heading_json(kept.heading),
        "windows": kept.windows,
        "units": [
            {
                "unit": uid,
                "name": name,
                "eyes": unit.eyes,
                "availability": unit.tally.availability,
                "coverage": unit.tally.coverage,
                "usable": unit.tally.usable_rate,
                "outages": unit.outages,
                "us": asdict(unit.tally),
            }
            for (name, uid), unit in _by_unit(kept, names).items()
        ],
        "eyes": [
            {**asdict(each), "eye": names.eyes[each.eye_id], "unit": names.uid(each.unit_id)}
            for each in kept.eyes
        ],
        "points": [
            {**asdict(each), "point": names.points[each.point_id], "unit": names.uid(each.unit_id)}
            for each in kept.points
        ],
    }


def _compared_json(both: Compared, names: _Names) -> dict[str, Any]:
    return {
        "before": heading_json(both.before.heading),
        "after": heading_json(both.after.heading),
        "same_inputs": both.same_inputs,
        "same_figures": both.same_figures,
        "eyes": [
            {"eye": names.eyes[each.eye_id], "unit": names.uid(each.unit_id), **asdict(each)}
            for each in both.eyes
        ],
        "points": [
            {"point": names.points[each.point_id], "unit": names.uid(each.unit_id), **asdict(each)}
            for each in both.points
        ],
    }


def _table(heads: Sequence[str], language: Language) -> Table:
    return Table(*(translate(head, language) for head in heads))


def _print_json(body: dict[str, Any]) -> None:
    typer.echo(orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z).decode())
