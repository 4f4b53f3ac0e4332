"""What is wrong with the cells of a file, told at the terminal; the marked workbook has all of it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from camera_registry.commands.common import Refused, err, write_file
from camera_registry.i18n import LANGUAGES, N_, Language, translate
from camera_registry.imports.faults import Fault, Problem

SHOWN_PROBLEMS, SHOWN_CELLS = 50, 10  # kinds, and cells of each

HINTS: Mapping[Fault, str] = {
    Fault.UNIT_NOT_VALID: N_("The day of the inventory: --units-on 2023-12-31."),
    Fault.SITE_MISSING: N_("One site for the whole file: --site."),
}


def hand_back(problems: Sequence[Problem], target: Path, marked: bytes, language: Language) -> None:
    """Tell what is wrong, and write the marked copy. Raises ``Refused`` where it cannot, with all told."""
    _tell(problems, language)
    message = N_("Nothing was changed. Wrong cells: {count}.")
    try:
        write_file(target, marked)
    except Refused:
        err.print(translate(message, language, count=len(problems)), style="red", markup=False)
        raise
    message = N_(
        "Nothing was changed. Wrong cells: {count}. They are marked in {file}, which leaves passwords out."
    )
    text = translate(message, language, count=len(problems), file=target)
    err.print(text, style="red", markup=False)


def _tell(problems: Sequence[Problem], language: Language) -> None:
    """Each sentence once for a sheet, in every language: who reads it may not be who set the language."""
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for problem in problems:
        texts = [problem.text(each) for each in LANGUAGES]
        alike[problem.sheet, problem.code, *texts].append(f"{problem.column}{problem.row}")
    for (sheet, code, first, *others), cells in list(alike.items())[:SHOWN_PROBLEMS]:
        more = f" +{len(cells) - SHOWN_CELLS}" if len(cells) > SHOWN_CELLS else ""
        where = f"{sheet}!{', '.join(cells[:SHOWN_CELLS])}{more}".lstrip("!")
        err.print("\n    ".join([f"{where}  {code}  {first}", *others]), markup=False)
    if len(alike) > SHOWN_PROBLEMS:
        err.print(f"… +{len(alike) - SHOWN_PROBLEMS}", markup=False)
    for hint in (HINTS[fault] for fault in HINTS if any(each.code is fault for each in problems)):
        err.print("\n".join(translate(hint, each) for each in LANGUAGES), markup=False)
