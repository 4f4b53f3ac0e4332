"""``replay``: try a policy on what happened, or might, before it is set."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from camera_registry.commands.common import command, foreign, out, say
from camera_registry.deeds import INCIDENTS
from camera_registry.i18n import N_, Language, number, percent, translate
from camera_registry.incidents import Kind
from camera_registry.replay.answers import Answer
from camera_registry.replay.answers import replay as play
from camera_registry.replay.scenario import LONGEST_LINE, read

WRONG_SCENARIO = 2  # the exit code, as of wrong words


def add_to(app: typer.Typer) -> None:
    app.command()(replay)


def replay(
    scenario: Annotated[
        typer.FileBinaryRead, typer.Argument(metavar="SCENARIO.jsonl", help="See docs/replay.md; - reads it.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each report.")] = False,
) -> None:
    """Judge a scenario in virtual time, in a database of its own, and print what is concluded."""
    with command(WRONG_SCENARIO) as settings:
        told = read(_lines(scenario))
        answers = play(told)
        for report, answer in zip(told.reports, answers, strict=True):
            if as_json:
                typer.echo(orjson.dumps(answer))
                continue
            zone = told.setup.zone
            start, end = (at.astimezone(zone).isoformat() for at in (report.span.start, report.span.end))
            say(settings, N_("From {start} until {end}"), start=start, end=end)
            for table in _tables(answer, settings.language):
                out.print(table)


def _lines(file: typer.FileBinaryRead) -> Iterator[bytes]:
    """The lines; one that is longer than any may be is cut."""
    while line := file.readline(LONGEST_LINE + 1):
        yield line


# --- for people -------------------------------------------------------------------------------------


def _tables(answer: Answer, language: Language) -> Iterator[Table]:
    for key, title in (("eyes", N_("Eyes")), ("units", N_("Units"))):
        yield _figures(translate(title, language), answer[key], language)
    points = _table(
        translate(N_("Points"), language),
        (N_("Point"), N_("Served"), N_("Not served"), N_("Unknown")),
        language,
    )
    for name, point in answer["points"].items():
        points.add_row(foreign(name), *(_hours(point[key], language) for key in point))
    yield points
    causes = _table(
        translate(N_("Incidents"), language),
        (N_("Kind"), N_("Of"), N_("Since"), N_("Until"), N_("Eyes")),
        language,
    )
    for each in answer["incidents"]:
        causes.add_row(
            translate(INCIDENTS[Kind(each["kind"])], language),
            foreign(each["ancestor"]),
            each["started_at"],
            each["ended_at"] or "",
            foreign(", ".join(each["eyes"])),
        )
    yield causes


def _figures(title: str, rows: Mapping[str, Mapping[str, Any]], language: Language) -> Table:
    heads = (
        N_("Name"),
        N_("Availability"),
        N_("Coverage"),
        N_("Usable rate"),
        N_("Disconnected"),
        N_("Unknown"),
        N_("Maintenance"),
        N_("Outages"),
        N_("Suspicions that came to nothing"),
    )
    table = _table(title, heads, language)
    for name, row in rows.items():
        rates = (_rate(row[key], language) for key in ("availability", "coverage", "usable"))
        hours = (_hours(row[key], language) for key in ("down_s", "unknown_s", "maintenance_s"))
        table.add_row(foreign(name), *rates, *hours, str(row["outages"]), str(row["blips"]))
    return table


def _table(title: str, heads: tuple[str, ...], language: Language) -> Table:
    return Table(*(translate(head, language) for head in heads), title=title)


def _hours(seconds: float, language: Language) -> str:
    return f"{number(round(seconds / 3600, 2), language)} h"


def _rate(share: float | None, language: Language) -> str:
    return translate(N_("not observed"), language) if share is None else percent(share, language)
