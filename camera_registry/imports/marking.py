"""The same workbook again with its wrong cells marked: what a ward mends and sends back."""

import re
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from io import BytesIO

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from camera_registry.imports.columns import field_of
from camera_registry.imports.faults import Problem
from camera_registry.imports.workbook import Sheet

AUTHOR = "camera-registry"
WRONG = PatternFill("solid", start_color="FFC7CE")
COMMENT_SIZE = (420, 160)  # pixels
LONGEST_TITLE = 31  # characters, of a sheet of an XLSX
_NO_TITLE = re.compile(r"[\\*?:/\[\]]")


def marked_copy(
    data: bytes,
    name: str,
    sheets: Sequence[Sheet],
    problems: Sequence[Problem],
    mapping: Mapping[str, str],
) -> bytes:
    """An XLSX of the file ``data``, with every problem as a fill and a comment in both languages.

    An XLSX keeps its own looks; of other files the cells alone are carried over. ``mapping`` is what is known
    of headers, folded, to fields. The copy goes from hand to hand: cells under a header for passwords are
    blank in it. A password that stands where none belongs cannot be known, so only its owner may read it.
    """
    workbook = (_opened(data) if name.lower().endswith(".xlsx") else None) or _rebuilt(sheets)
    for page in workbook.worksheets:
        _leave_passwords_out(page, mapping)
    by_cell: dict[tuple[str, int, str], list[Problem]] = defaultdict(list)
    for problem in problems:
        by_cell[problem.sheet, problem.row, problem.column].append(problem)
    for (sheet_name, row, column), found in by_cell.items():
        sheet = workbook[_title(sheet_name)] if sheet_name else workbook.worksheets[0]
        _mark(sheet, f"{column}{row}", found)
    marked = BytesIO()
    workbook.save(marked)
    return marked.getvalue()


def _opened(data: bytes) -> Workbook | None:
    """The workbook itself; ``None`` of one that the import can read and openpyxl cannot."""
    with warnings.catch_warnings(action="ignore"):  # of looks that it leaves out
        try:
            return load_workbook(BytesIO(data))
        except Exception:  # what it meets in files of other programs it raises as it comes
            return None


def _title(name: str) -> str:
    """The name of a sheet as an XLSX may have it: other spreadsheets allow more."""
    return _NO_TITLE.sub("-", name)[:LONGEST_TITLE].strip("'")


def _leave_passwords_out(sheet: Worksheet, mapping: Mapping[str, str]) -> None:
    for column in sheet.iter_cols():
        below = False
        for cell in column:
            if isinstance(cell, MergedCell):
                continue
            if below:
                cell.value = None
            below |= isinstance(cell.value, str) and field_of(cell.value, mapping) == "password"


def _mark(sheet: Worksheet, where: str, problems: list[Problem]) -> None:
    cell = sheet[where]
    if isinstance(cell, MergedCell):
        inside = next(area for area in sheet.merged_cells.ranges if where in area)
        cell = sheet.cell(inside.min_row, inside.min_col)
    texts = [f"{p.code}\n{p.text('vi')}\n{p.text('en')}" for p in problems]
    before = [cell.comment.text] if cell.comment is not None else []
    cell.comment = Comment("\n\n".join(before + texts), AUTHOR, COMMENT_SIZE[1], COMMENT_SIZE[0])
    cell.fill = WRONG


def _rebuilt(sheets: Sequence[Sheet]) -> Workbook:
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for sheet in sheets:
        page = workbook.create_sheet(_title(sheet.name) or "Sheet1")
        for row in sheet.rows:
            page.append([ILLEGAL_CHARACTERS_RE.sub("", c) if isinstance(c, str) else c for c in row])
            for cell in page[page.max_row]:
                if cell.data_type == "f":  # text of theirs that begins with "=" stays text
                    cell.data_type = "s"
    return workbook
