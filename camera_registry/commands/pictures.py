"""What people say of pictures, and of eyes that no network reaches: baselines, grades, reports."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.table import Table

from camera_registry import baselines, deeds, inventory, reported, words
from camera_registry.commands.common import Refused, command, err, now, out, say
from camera_registry.commands.storage import actor, changing, open_database
from camera_registry.grades import Grade, grade_picture
from camera_registry.i18n import N_, moment, number, translate
from camera_registry.imports.faults import BadCell
from camera_registry.imports.values import CHOICES, choice
from camera_registry.imports.workbook import read_workbook
from camera_registry.inventory import Word
from camera_registry.settings import Settings
from camera_registry.spelling import fold
from camera_registry.units import Scope
from probes.result import Mode

SHOWN_PROBLEMS = 50
UNKNOWN_WORD = N_('"{text}" is not known here; possible are: {choices}.')

baseline_app = typer.Typer(no_args_is_help=True, help="What an eye usually sees, approved by a person.")

EyeCode = Annotated[str, typer.Argument(metavar="EYE", help="Code of the eye.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept.")]
Note = Annotated[str, typer.Option(help="In a few words; it is kept.")]

Slug = TypeVar("Slug", bound=StrEnum)


def add_to(app: typer.Typer) -> None:
    app.add_typer(baseline_app, name="baseline")
    app.command("grade")(grade)
    app.command("reported")(report)


@baseline_app.command("list")
def list_waiting() -> None:
    """List the baselines that wait for a person. The page of baselines shows a live picture of each."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        today = now().astimezone(loaded.zone).date()
        heads = (
            N_("Eye"),
            N_("Name"),
            N_("Mode"),
            N_("Brightness"),
            N_("Sharpness"),
            N_("Samples"),
            N_("Since"),
        )
        table = Table(*(translate(head, loaded.language) for head in heads))
        for each in baselines.waiting(session, Scope.everything(), today):
            table.add_row(
                each.eye,
                each.name or each.point_name,
                translate(words.MODES[each.mode], loaded.language),
                number(round(each.brightness), loaded.language),
                number(round(each.sharpness, 3), loaded.language),
                str(each.samples),
                moment(each.proposed_at, loaded.language, loaded.zone),
            )
        out.print(table)


@baseline_app.command("approve")
def approve(eye: EyeCode, mode: Annotated[Mode, typer.Argument(help="colour or grey.")]) -> None:
    """Say that an eye shows what it should: from now on its pictures are compared with this."""
    with command() as loaded, changing(loaded) as session:
        baselines.approve(session, inventory.eye_by_code(session, eye), mode, actor(), now())
        say(loaded, N_('The baseline of the eye "{code}" is approved.'), code=eye)


@baseline_app.command("reject")
def reject(
    eye: EyeCode, mode: Annotated[Mode, typer.Argument(help="colour or grey.")], reason: Reason = ""
) -> None:
    """Say that an eye does not show what it should: what was learned goes, and learning begins anew."""
    with command() as loaded, changing(loaded) as session:
        baselines.reject(session, inventory.eye_by_code(session, eye), mode, actor(), now(), reason)
        say(loaded, N_('The baseline of the eye "{code}" is rejected.'), code=eye)


@baseline_app.command("reset")
def reset(eye: EyeCode, reason: Reason = "") -> None:
    """Forget what an eye usually sees, because its camera was turned or exchanged on purpose."""
    with command() as loaded, changing(loaded) as session:
        count = baselines.reset(session, inventory.eye_by_code(session, eye), actor(), now(), reason)
        say(loaded, N_('Baselines of the eye "{code}" forgotten: {count}.'), count=count, code=eye)


def grade(
    eye: EyeCode,
    grade: Annotated[str, typer.Argument(help="tot, khong-ro-net or khong-co-hinh.")],
    note: Note = "",
) -> None:
    """Enter how a person finds the picture of an eye; it is kept with who said so and when."""
    with command() as loaded, changing(loaded) as session:
        row = inventory.eye_by_code(session, eye)
        grade_picture(session, row, _grade(grade), actor(), now(), note)
        say(loaded, N_('The grade of the eye "{code}" is entered.'), code=eye)


def report(
    what: Annotated[str, typer.Argument(metavar="EYE|FILE", help="An eye's code, or a CSV or XLSX file.")],
    word: Annotated[
        str | None, typer.Argument(help="For an eye: how it is, in the words of a report.")
    ] = None,
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d", "%d/%m/%Y"], help="Of which day; default: today.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who says so, if not who enters it.")] = "",
    note: Note = "",
) -> None:
    """Take a group head's report on eyes that no network reaches: of one eye, or a file of many."""
    with command() as loaded, changing(loaded) as session:
        if word is None:
            taken = reported.import_report(
                session, read_workbook(Path(what)), actor(), now(), loaded.zone, days=loaded.report_days
            )
            _refuse_problems(taken, loaded)
            say(loaded, N_("Reports taken: {count}."), count=taken.words)
            return
        meant = _word(word)
        at = now() if day is None else day.replace(tzinfo=loaded.zone)
        eye = inventory.eye_by_code(session, what)
        reported.report(session, eye, meant, at, actor(), now(), days=loaded.report_days, by=by, note=note)
        say(loaded, N_('The report on the eye "{code}" is taken.'), code=what)


def _grade(said: str) -> Grade:
    """A grade by its slug or by its words in either language, marks or not. Raises ``Refused``."""
    for known, text in deeds.GRADES.items():
        if fold(said) in {fold(known), fold(text), fold(translate(text, "vi"))}:
            return known
    choices = "tot, khong-ro-net, khong-co-hinh"
    raise Refused(UNKNOWN_WORD, text=said, choices=choices)


def _word(said: str) -> Word:
    """A report's word, as its file may say it. Raises ``Refused``."""
    try:
        return choice(Word, said)
    except BadCell:
        choices = ", ".join(known[0] for known in CHOICES[Word].values())
        raise Refused(UNKNOWN_WORD, text=said, choices=choices) from None


def _refuse_problems(taken: reported.Report, loaded: Settings) -> None:
    for problem in taken.problems[:SHOWN_PROBLEMS]:
        where = f"{problem.sheet}!{problem.column}{problem.row}".lstrip("!")
        err.print(f"{where}  {problem.code}  {problem.text(loaded.language)}", markup=False)
    if taken.problems:
        raise Refused(N_("Nothing was changed. Wrong cells: {count}."), count=len(taken.problems))
