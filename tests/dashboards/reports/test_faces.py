"""A report says the same in every face: its figures are read back out of all six."""

import csv as lines_of_cells
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from functools import cache
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html
from openpyxl import load_workbook
from pypdf import PdfReader

from camera_registry.i18n import Language
from camera_registry.money import Sum
from camera_registry.reports.value import (
    Fact,
    Facts,
    Format,
    Measure,
    Report,
    Strips,
    Table,
    Text,
    Value,
)
from camera_registry.worksheets import LINE_PT
from dashboards.reports import MEDIA_TYPES, CannotDraw, draw, file_name, words
from dashboards.reports.drawn import DrawnFacts, DrawnStrips, DrawnTable, annexed, drawn
from dashboards.reports.letter import letter
from tests.dashboards.reports.sample import EYES, FORMULA, LETTER, MARKUP, MONEY, REPORT, STRIPS, TEXT, city
from tests.schemas import faults

SCHEMA = Path(__file__).parents[3] / "docs" / "report.schema.json"
ENGLISH = replace(REPORT, language="en")
WIDE = replace(REPORT, wide=True)
PLAIN = replace(REPORT, letter=False, synthetic=False, mark="")
REPORTS = {"vi": REPORT, "en": ENGLISH, "wide": WIDE, "plain": PLAIN, "letter": LETTER}


@cache
def face(name: str, format: Format) -> bytes:
    """A sample drawn, once for all tests."""
    return draw(REPORTS[name], format)


def written_cells(report: Report) -> Iterator[str]:
    """Every figure and every word of tables and facts, as people read them."""
    for part in (*drawn(report), *annexed(report)):
        match part:
            case DrawnTable():
                yield from (cell for line in part.lines for cell in line)
            case DrawnFacts():
                yield from (cell for line in part.facts for cell in line)
            case DrawnStrips():
                yield from (cell for label, told, _ in part.strips for cell in (label, told))


def plain(text: str) -> str:
    """Without the blanks that lines are broken at."""
    return re.sub(r"\s+", "", text)


def of_pdf(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)


def of_docx(content: bytes) -> str:
    found = Document(BytesIO(content)).element.body
    return "".join(node.text or "" for node in found.iter() if str(node.tag).endswith("}t"))


def of_html(content: bytes) -> str:
    return str(html.fromstring(content.decode()).text_content())


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize(
    ("format", "read"),
    [
        pytest.param(Format.PDF, of_pdf, id="PDF"),
        pytest.param(Format.DOCX, of_docx, id="DOCX"),
        pytest.param(Format.HTML, of_html, id="page"),
    ],
)
def test_people_read_every_figure(name: str, format: Format, read: Callable[[bytes], str]) -> None:
    text = plain(read(face(name, format)))

    report = REPORTS[name]
    missing = [cell for cell in written_cells(report) if plain(cell) not in text]
    assert missing == []
    assert all(plain(paragraph) in text for paragraph in TEXT.paragraphs)
    assert all(plain(note) in text for note in MONEY.notes)
    assert plain(words.made(report)) in text
    form = letter(report)
    assert all(plain(said) in text for said in (form.annex, form.annex_title, form.annex_of))


@pytest.mark.parametrize("name", ["vi", "en"])
def test_tables_of_a_page_and_of_a_document_have_the_same_cells(name: str) -> None:
    tables = [part.lines for part in drawn(REPORTS[name]) if isinstance(part, DrawnTable)]

    page = html.fromstring(face(name, Format.HTML).decode())
    of_page = [
        tuple(tuple(cell.text_content() for cell in row.iterfind("*")) for row in table.iter("tr"))
        for table in page.iter("table")
    ]
    document = Document(BytesIO(face(name, Format.DOCX)))
    of_document = [
        tuple(tuple(cell.text for cell in row.cells) for row in table.rows) for table in document.tables
    ]

    assert of_page == tables
    assert [table for table in of_document if table in tables] == tables


# --- JSON --------------------------------------------------------------------------------------------


def told(value: Value) -> Any:
    """A value as JSON has it."""
    match value:
        case Sum():
            return {"known": value.known, "unknown": value.unknown}
        case date():
            return value.isoformat()
    return value


def test_programs_read_every_figure() -> None:
    document = json.loads(face("vi", Format.JSON))

    assert faults(json.loads(SCHEMA.read_text(encoding="utf-8")), document) == []
    assert [part["key"] for part in document["parts"]] == [part.key for part in REPORT.parts]
    for part, found in zip(REPORT.parts, document["parts"], strict=True):
        match part:
            case Facts():
                assert [each["value"] for each in found["facts"]] == [told(each.value) for each in part.facts]
            case Table():
                assert found["rows"] == [[told(value) for value in row] for row in part.rows]
                assert found["total"] == (part.total and [told(value) for value in part.total])
            case Strips():
                runs = [[(run["start"], run["end"]) for run in each["runs"]] for each in found["strips"]]
                assert runs == [[(run.start, run.end) for run in each.runs] for each in part.strips]
            case Text():
                assert tuple(found["paragraphs"]) == part.paragraphs


def test_programs_read_the_annex_of_a_letter() -> None:
    document = json.loads(face("letter", Format.JSON))

    assert faults(json.loads(SCHEMA.read_text(encoding="utf-8")), document) == []
    assert [part["key"] for part in document["parts"]] == ["words", "figures"]
    assert document["annex"]["title"] == "Danh mục và căn cứ"
    assert [part["key"] for part in document["annex"]["parts"]] == ["money", "eyes", "strips"]
    assert document["annex"]["parts"][0]["rows"] == [[told(value) for value in row] for row in MONEY.rows]


# --- CSV ---------------------------------------------------------------------------------------------


def cells(content: bytes, language: Language) -> list[list[str]]:
    text = content.decode("utf-8-sig")
    return list(lines_of_cells.reader(StringIO(text), delimiter=";" if language == "vi" else ","))


def spelled(value: Value, measure: Measure, language: Language) -> str:
    """A value as a spreadsheet of the language reads it."""
    day = "%d/%m/%Y" if language == "vi" else "%Y-%m-%d"
    match value:
        case None:
            return ""
        case str():
            return f"'{value}" if value.startswith("=") else value
        case Sum():
            return str(value.known) if value.known or value.whole else ""
        case datetime():
            return f"{value.astimezone(REPORT.zone):{day} %H:%M:%S}"
        case date():
            return f"{value:{day}}"
    figure = round(value * 100, 4) if measure is Measure.SHARE else value
    return str(figure).replace(".", ",") if language == "vi" else str(figure)


@pytest.mark.parametrize(
    ("name", "language"),
    [
        pytest.param("vi", "vi", id="Vietnamese"),
        pytest.param("en", "en", id="English"),
        pytest.param("letter", "vi", id="letter"),
    ],
)
def test_spreadsheets_read_every_figure(name: str, language: Language) -> None:
    found = cells(face(name, Format.CSV), language)

    for part in REPORT.parts:
        match part:
            case Facts():
                for each in part.facts:
                    (line,) = [line for line in found if line and line[0].split(" (")[0] == each.title]
                    assert line[1] == spelled(each.value, each.measure, language)
                    if isinstance(each.value, Sum):
                        assert line[2] == str(each.value.unknown)
            case Table():
                for row in (*part.rows, *([part.total] if part.total else [])):
                    values = [
                        spelled(value, column.measure, language)
                        for value, column in zip(row, part.columns, strict=True)
                    ]
                    lines = [line for line in found if line and line[0] == values[0]]
                    assert any(among(values, line) for line in lines), values


def among(values: Sequence[str], line: Sequence[str]) -> bool:
    """Whether a line holds the values in their order, with counts of unknown parts between them."""
    rest = iter(line)
    return all(value in rest for value in values)


def test_a_cell_is_never_a_formula() -> None:
    assert [f"'{FORMULA}"] == [
        line[0] for line in cells(face("vi", Format.CSV), "vi") if line and FORMULA in line[0]
    ]

    book = load_workbook(BytesIO(face("vi", Format.XLSX)))
    found = [
        cell for sheet in book for row in sheet.iter_rows() for cell in row if str(cell.value) == FORMULA
    ]
    assert [cell.data_type for cell in found] == ["s"]


# --- XLSX --------------------------------------------------------------------------------------------


def test_a_workbook_holds_numbers_as_numbers() -> None:
    book = load_workbook(BytesIO(face("vi", Format.XLSX)))

    assert book.sheetnames == ["Báo cáo", *(part.title[:31] for part in REPORT.parts)]
    money = [[cell.value for cell in row] for row in book[MONEY.title].iter_rows()]
    assert money[1] == [
        "Ngân sách thành phố",
        10_000_000_000,
        0,
        10_000_000_000,
        0,
        -1_250_000,
        0,
        0.9876,
        None,
    ]
    assert money[2][:7] == ["Hộ gia đình", 125_500_000, 3, 98_765_432, 1, None, 2]
    assert money[4] == ["Tổng cộng", 10_125_500_000, 4, 10_098_765_432, 2, -1_250_000, 2, 1, None]
    assert money[2][8] == datetime(2026, 3, 5)  # noqa: DTZ001 - a workbook knows no zones
    eyes = [[cell.value for cell in row] for row in book[EYES.title].iter_rows()]
    assert [row[2] for row in eyes[1:]] == [0.6742, 0.995, None]
    assert eyes[1][4:6] == [1234, 2.5]
    assert eyes[1][6] == datetime(2026, 10, 9, 21, 40)  # noqa: DTZ001 - a workbook knows no zones
    shares = [[cell.value for cell in row] for row in book[STRIPS.title].iter_rows()]
    assert shares[1][1:7] == pytest.approx([0.2, 0.15, 0.15, 0.15, 0.15, 0.2])


def seconds(value: Any) -> float:
    """A length as openpyxl reads it of cells that show hours."""
    if isinstance(value, time):
        return value.hour * 3600 + value.minute * 60 + value.second
    return float(value.total_seconds())


def test_a_workbook_counts_time_as_spreadsheets_do() -> None:
    book = load_workbook(BytesIO(face("vi", Format.XLSX)))

    down = [row[3] for row in book[EYES.title].iter_rows()]

    assert [seconds(cell.value) for cell in down[1:3]] == pytest.approx([242_712.4, 45], abs=0.5)
    assert down[1].number_format == "[h]:mm:ss"


def test_a_workbook_is_ready_to_be_printed_and_filtered() -> None:
    book = load_workbook(BytesIO(face("wide", Format.XLSX)))

    for part in REPORT.parts:
        sheet = book[part.title]
        assert sheet.freeze_panes == "B2"  # the head, and what says what a row is of
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.paperSize in (9, "9")
        assert sheet.sheet_properties.pageSetUpPr is not None
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert sheet.oddFooter is not None
        assert "mô phỏng" in str(sheet.oddFooter.left.text)
    assert book[MONEY.title].auto_filter.ref == "A1:I4"  # without the row of totals


def test_only_the_annex_of_a_letter_is_printed_on_its_side() -> None:
    book = load_workbook(BytesIO(face("letter", Format.XLSX)))

    wide = [sheet.title for sheet in book if sheet.page_setup.orientation == "landscape"]
    assert wide == [MONEY.title, EYES.title, STRIPS.title]


def test_a_workbook_can_be_read_as_it_is_printed() -> None:
    book = load_workbook(BytesIO(face("vi", Format.XLSX)))

    money = book[MONEY.title]
    assert [cell.value for cell in money[1]][:3] == [
        "Nguồn",
        "Dự toán (đồng)",
        "Dự toán: số khoản chưa có số liệu",
    ]
    longest = {"B": "10.125.500.000", "D": "10.098.765.432"}
    assert all(money.column_dimensions[name].width > len(figure) for name, figure in longest.items())
    assert (money.row_dimensions[1].height or 0) >= 3 * LINE_PT  # its head is broken into lines
    assert [area.coord for area in money.merged_cells.ranges] == ["A7:I7"]  # the note
    figures = {row[0].value: row[1] for row in book["Số liệu chính"].iter_rows()}
    assert figures["Dự toán được duyệt"].number_format == '#,##0 "đồng"'
    assert (book[TEXT.title].row_dimensions[2].height or 0) >= 3 * LINE_PT


def test_words_without_a_head_stand_on_the_first_sheet() -> None:
    closing = replace(TEXT, title="", paragraphs=("Kính đề nghị xem xét.",))
    book = load_workbook(BytesIO(draw(replace(REPORT, parts=(closing, MONEY)), Format.XLSX)))

    assert book.sheetnames == ["Báo cáo", MONEY.title]
    assert "Kính đề nghị xem xét." in [cell.value for cell in book["Báo cáo"]["A"]]


def test_a_head_says_once_what_its_figures_are_of() -> None:
    table = replace(
        MONEY,
        columns=(MONEY.columns[0], replace(MONEY.columns[1], title="Dự toán (đồng)")),
        rows=(("Ngân sách thành phố", Sum(10_000_000_000)),),
        total=None,
    )
    report = replace(REPORT, parts=(table,))

    assert draw(report, Format.CSV).decode().count("(đồng)") == 1
    sheet = load_workbook(BytesIO(draw(report, Format.XLSX)))[MONEY.title]
    assert [cell.value for cell in sheet[1]] == ["Nguồn", "Dự toán (đồng)"]


def test_sheets_have_names_that_workbooks_take() -> None:
    titles = ("Kinh phí: nguồn/khoản [2026]?", "Kinh phí: nguồn/khoản [2026]*", "x" * 40, "X" * 40, "?*")
    report = replace(REPORT, parts=tuple(replace(TEXT, title=title) for title in titles))

    names = load_workbook(BytesIO(draw(report, Format.XLSX))).sheetnames

    assert names[1:] == [
        "Kinh phí nguồn khoản 2026",
        "Kinh phí nguồn khoản 2026 2",
        "x" * 31,
        "X" * 29 + " 2",
        "–",
    ]


# --- All of them -------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", Format)
def test_the_same_report_makes_the_same_bytes(format: Format) -> None:
    assert draw(REPORT, format) == face("vi", format)


@pytest.mark.parametrize("format", Format)
def test_every_face_says_that_figures_are_synthetic(format: Format) -> None:
    content = face("vi", format)
    reading: Mapping[Format, Callable[[bytes], str]] = {
        Format.PDF: of_pdf,
        Format.DOCX: lambda content: Document(BytesIO(content)).sections[0].footer.paragraphs[0].text,
        Format.XLSX: lambda content: "".join(
            str(cell.value) for cell in load_workbook(BytesIO(content)).worksheets[0]["A"]
        ),
    }
    text = reading.get(format, bytes.decode)(content)

    said = '"synthetic": true' if format is Format.JSON else "Bản trình diễn"
    assert said in text
    assert set(MEDIA_TYPES) == set(Format)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(max_examples=8, deadline=None)
@given(st.lists(texts, min_size=12, max_size=12))
def test_whatever_people_write_is_drawn(strange: list[str]) -> None:
    rows = tuple((text, MARKUP, None, None, None, None, None) for text in strange)
    facts = tuple(Fact(str(place), text, text, note=text) for place, text in enumerate(strange))
    report = replace(
        REPORT,
        about=strange[0],
        grounds=tuple(strange[:2]),
        head=replace(REPORT.head, body=strange[3], recipients=tuple(strange[4:6])),
        parts=(
            Text("t", strange[1], tuple(strange)),
            Facts("f", strange[2], facts),
            replace(EYES, rows=rows),
        ),
    )

    for format in Format:
        assert draw(report, format)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        pytest.param("uptime-phường-Đồng-Tâm-2026-10", "uptime-phuong-Dong-Tam-2026-10.pdf", id="letters"),
        pytest.param("../../etc/passwd", "etc-passwd.pdf", id="folders"),
        pytest.param("a b\r\nX: y", "a-b-X-y.pdf", id="heads of answers"),
        pytest.param("…", "uptime.pdf", id="nothing left"),
    ],
)
def test_names_of_files(name: str, file: str) -> None:
    assert file_name(replace(REPORT, name=name), Format.PDF) == file


def test_a_report_too_long_for_paper_is_refused() -> None:
    report = replace(REPORT, parts=(replace(TEXT, paragraphs=("a " * 10_500_000,)),))

    with pytest.raises(CannotDraw, match="too long"):
        draw(report, Format.PDF)


def test_the_month_of_a_city_is_drawn() -> None:
    report = city()

    for format in (Format.PDF, Format.DOCX):
        assert len(draw(report, format)) > 50_000
