"""A report as PDF/A-2b, typeset by Typst in a process that can be ended."""

import re
import subprocess
import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import orjson

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.reports.value import Report
from dashboards.reports.drawn import Drawn, DrawnStrips, DrawnTable, annexed, drawn, visible
from dashboards.reports.letter import BOTTOM_MM, LEFT_MM, RIGHT_MM, TOP_MM, letter, width_mm
from dashboards.reports.room import LONGEST_WORD, one_line, room
from dashboards.reports.typeface import shown

FOLDER = Path(__file__).parent
LONGEST_S = 60
MOST_MEMORY = 3 * 1024**3
# Typesetting asks for much memory and ends soon: in large pages, kept until then, it takes a sixth less time.
MEMORY = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"
    f":glibc.malloc.mmap_threshold={32 * 1024**2}:glibc.malloc.trim_threshold={MOST_MEMORY}"
}
MOST_TEXT = 20_000_000  # bytes of what is to be typeset
TOO_LONG = N_(
    "The report is too long for a PDF. Choose a shorter period or a smaller unit, or take it as XLSX."
)
LONG_WORD, PIECE = re.compile(rf"[^\s]{{{LONGEST_WORD + 1},}}"), re.compile(r".{1,8}")
BREAK = "\N{ZERO WIDTH SPACE}"  # where a line may end: Typst breaks no words itself
LONG_CELL = 600  # signs: a longer one may go on on the next page


class CannotDraw(RegistryError):
    """A report is too long for paper, or typesetting it went wrong."""


def draw(report: Report) -> bytes:
    """The same report makes the same bytes. Raises ``CannotDraw`` if it takes too long or too much."""
    data = orjson.dumps(_shown(_data(report)))
    if len(data) > MOST_TEXT:
        raise CannotDraw(TOO_LONG)
    moment = int(report.as_of.timestamp())
    argv = [sys.executable, "-I", str(FOLDER / "compile.py"), str(FOLDER), str(moment), str(MOST_MEMORY)]
    try:
        made = subprocess.run(
            argv, input=data, capture_output=True, timeout=LONGEST_S, check=False, env=MEMORY
        )
    except subprocess.TimeoutExpired:
        raise CannotDraw(TOO_LONG) from None
    if made.returncode:
        raise CannotDraw(N_("The PDF could not be made. Take the report as DOCX or XLSX.")) from RuntimeError(
            made.stderr.decode(errors="replace")[-2_000:]
        )
    return made.stdout


def _data(report: Report) -> dict[str, Any]:
    day = report.as_of.astimezone(report.zone).date()
    return {
        "language": report.language,
        "wide": report.wide,
        "name": f"{report.title}: {report.about}" if report.about else report.title,
        "author": report.head.body,
        "day": [day.year, day.month, day.day],
        "margins": [TOP_MM, BOTTOM_MM, LEFT_MM, RIGHT_MM],
        "letter": asdict(letter(report)),
        "parts": [_part(part, width_mm(report.wide)) for part in drawn(report)],
        "annexed": [_part(part, width_mm(True)) for part in annexed(report)],
    }


def _part(part: Drawn, width: int) -> dict[str, Any]:
    data = {field.name: getattr(part, field.name) for field in fields(part)}  # no copy of every cell
    if isinstance(part, DrawnTable):
        fit = room(part.lines, part.weights, width)
        data |= {
            "widths": fit.widths,
            "size": fit.size,
            "one_line": [one_line(row, fit) for row in part.rows],
            "breakable": any(len(cell) > LONG_CELL for line in part.lines for cell in line),
        }
    if isinstance(part, DrawnStrips):
        data["strips"] = [(label, told, visible(bars)) for label, told, bars in part.strips]
    return data


def _shown(data: Any) -> Any:
    """Every text of it in signs that the typeface has, long words so that they can be broken."""
    match data:
        case str():
            return LONG_WORD.sub(lambda word: BREAK.join(PIECE.findall(word[0])), shown(data))
        case dict():
            return {key: _shown(value) for key, value in data.items()}
        case list() | tuple():
            return [_shown(value) for value in data]
    return data
