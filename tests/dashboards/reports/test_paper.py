"""Reports on paper: the form of Nghị định 30/2020/NĐ-CP, as PDF and as an office prints the DOCX."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from pypdf import PdfReader

from camera_registry.reports.value import Annex, Column, Format, Head, Kind, Report, Run, Table
from dashboards.reports import CannotDraw, draw, typeface
from dashboards.reports.docx import SLOTS, _slots
from dashboards.reports.drawn import LEAST, DrawnTable, drawn, visible
from dashboards.reports.letter import BOTTOM_MM, LEFT_MM, RIGHT_MM, TOP_MM, TYPEFACE, day_in_words, letter
from dashboards.reports.room import Room, one_line, room
from tests.dashboards.reports.sample import EYES, LETTER, MONEY, REPORT, STATES, STRIPS, TEXT, city

PT_OF_A_MM = 72 / 25.4
A4_PT = (210 * PT_OF_A_MM, 297 * PT_OF_A_MM)
LONG = city(eyes=120, points=40)
LONG_LETTER = replace(
    LETTER,
    parts=(replace(TEXT, paragraphs=TEXT.paragraphs * 12),),
    annex=Annex("Danh mục và căn cứ", (MONEY, LONG.parts[3])),
)


@dataclass(frozen=True, slots=True)
class Word:
    """Where it stands on a page, in pt from the left and from the top."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Page:
    width: float
    height: float
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    def of_the_content(self) -> Iterator[Word]:
        """Words between the top and the bottom margin."""
        for word in self.words:
            middle = (word.top + word.bottom) / 2
            if TOP_MM * PT_OF_A_MM <= middle <= self.height - BOTTOM_MM * PT_OF_A_MM:
                yield word


def pages_of(file: Path) -> list[Page]:
    """The words of a PDF as poppler finds them."""
    argv = ["pdftotext", "-bbox", str(file), "-"]
    found = etree.fromstring(subprocess.run(argv, capture_output=True, check=True).stdout)
    return [
        Page(
            float(page.get("width")),
            float(page.get("height")),
            tuple(
                Word(word.text, *(float(word.get(side)) for side in ("xMin", "yMin", "xMax", "yMax")))
                for word in page.iter("{*}word")
            ),
        )
        for page in found.iter("{*}page")
    ]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Page]]:
    """The pages of our PDF, and those that LibreOffice prints of our DOCX."""
    folder = tmp_path_factory.mktemp("paper")
    files = {"pdf": LONG, "wide": replace(LONG, wide=True), "letter": LONG_LETTER}
    offices = {"office": LONG, "letter of an office": LONG_LETTER}
    for name, report in files.items():
        (folder / f"{name}.pdf").write_bytes(draw(report, Format.PDF))
    for name, report in offices.items():
        (folder / f"{name}.docx").write_bytes(draw(report, Format.DOCX))
    # An office has Times New Roman; here what is as wide stands for it, by fontconfig's own aliases.
    typefaces = folder / "fonts.conf"
    typefaces.write_text(
        f"<fontconfig><include>/etc/fonts/fonts.conf</include><dir>{typeface.FOLDER}</dir></fontconfig>"
    )
    subprocess.run(
        [
            *("soffice", "--headless", f"-env:UserInstallation={(folder / 'profile').as_uri()}"),
            *("--convert-to", "pdf", "--outdir", str(folder)),
            *(str(folder / f"{name}.docx") for name in offices),
        ],
        env=os.environ | {"FONTCONFIG_FILE": str(typefaces)},
        capture_output=True,
        check=True,
        timeout=100,
    )
    return {name: pages_of(folder / f"{name}.pdf") for name in (*files, *offices)}


@pytest.mark.parametrize("name", ["pdf", "wide", "office"])
def test_margins_are_those_of_the_decree(printed: dict[str, list[Page]], name: str) -> None:
    for page in printed[name]:
        assert sorted((page.width, page.height)) == pytest.approx(A4_PT, abs=1)
        assert (page.width > page.height) == (name == "wide")
        content = list(page.of_the_content())
        # A table's frame stands on the margin in offices, its words a little inside.
        assert min(word.left for word in content) >= LEFT_MM * PT_OF_A_MM - 5
        assert max(word.right for word in content) <= page.width - RIGHT_MM * PT_OF_A_MM + 5


@pytest.mark.parametrize("name", ["pdf", "wide", "office"])
def test_the_number_of_a_page_stands_in_the_top_margin_from_the_second_on(
    printed: dict[str, list[Page]], name: str
) -> None:
    first, *others = printed[name]

    assert [word.text for word in first.words if word.top < 15 * PT_OF_A_MM] == []
    for number, page in enumerate(others, start=2):
        (word,) = [word for word in page.words if word.bottom < TOP_MM * PT_OF_A_MM]
        assert word.text == str(number)
        middle = (LEFT_MM * PT_OF_A_MM + page.width - RIGHT_MM * PT_OF_A_MM) / 2
        assert (word.left + word.right) / 2 == pytest.approx(middle, abs=6)
        assert (word.right - word.left) / len(word.text) == pytest.approx(
            13 / 2, abs=0.3
        )  # digits: half of 13 pt


@pytest.mark.parametrize("name", ["letter", "letter of an office"])
def test_tables_of_a_letter_are_an_annex_on_pages_of_their_own(
    printed: dict[str, list[Page]], name: str
) -> None:
    lying = [page.width > page.height for page in printed[name]]
    annex = printed[name][lying.index(True) :]
    letter = printed[name][: lying.index(True)]

    assert (lying, len(letter) > 1, len(annex) > 2) == (sorted(lying), True, True)
    for pages in (letter, annex):
        numbers = [
            [word.text for word in page.words if word.bottom < TOP_MM * PT_OF_A_MM and word.text.isdigit()]
            for page in pages
        ]
        assert numbers == [[], *([str(number)] for number in range(2, len(pages) + 1))]
        content = [word for page in pages for word in page.of_the_content()]
        assert min(word.left for word in content) >= LEFT_MM * PT_OF_A_MM - 5
        assert max(word.right for word in content) <= pages[0].width - RIGHT_MM * PT_OF_A_MM + 5
    assert "Nơi nhận:" in letter[-1].text
    above = (
        "Phụ lục DANH MỤC VÀ CĂN CỨ (Kèm theo Tờ trình số ……/TTr-UBND "
        "ngày 05 tháng 11 năm 2026 của Ủy ban nhân dân phường Yên Bái)"
    )
    assert above in annex[0].text
    middle = (LEFT_MM * PT_OF_A_MM + annex[0].width - RIGHT_MM * PT_OF_A_MM) / 2
    (first, *_) = sorted(annex[0].words, key=lambda word: word.top)
    line = [word for word in annex[0].words if abs(word.top - first.top) < 2]
    assert (line[0].left + line[-1].right) / 2 == pytest.approx(middle, abs=6)


@pytest.mark.parametrize("name", ["pdf", "wide", "office"])
def test_the_head_of_a_long_table_is_on_each_of_its_pages(printed: dict[str, list[Page]], name: str) -> None:
    codes = {row[0] for row in LONG.parts[3].rows}  # type: ignore[union-attr]  # the table of eyes
    with_rows = [page for page in printed[name] if codes & {word.text for word in page.words}]

    assert len(with_rows) > 2
    head = {word for column in EYES.columns for word in column.title.split()}
    assert [page.text for page in with_rows if head - {word.text for word in page.words}] == []
    assert all("Bản trình diễn" in page.text for page in printed[name])


@pytest.mark.parametrize("name", ["pdf", "wide", "office"])
def test_the_frame_of_a_letter(printed: dict[str, list[Page]], name: str) -> None:
    first, last = printed[name][0], printed[name][-1]
    half = first.width / 2

    left = " ".join(word.text for word in first.words if word.left < half - 20)
    assert "ỦY BAN NHÂN DÂN TỈNH LÀO CAI" in left
    assert "/BC-UBND" in left
    for said in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "Yên Bái, ngày 05 tháng 11 năm 2026",
        "BÁO CÁO",
    ):
        assert said in first.text
    (number,) = [word for word in first.words if word.text == "Số:"]
    (symbol,) = [word for word in first.words if word.text == "/BC-UBND"]
    assert symbol.left - number.right > 25  # room for the clerk
    assert "Nơi nhận:" in last.text
    assert "TM. ỦY BAN NHÂN DÂN" in last.text
    (signer,) = [word for word in last.words if word.text == "mẫu" and word.left > half]
    (title,) = [word for word in last.words if word.text == "CHỦ"]
    assert signer.top - title.bottom > 20 * PT_OF_A_MM  # room for signature and seal


def test_it_is_a_pdf_for_archives_in_one_typeface() -> None:
    content = draw(REPORT, Format.PDF)
    reader = PdfReader(BytesIO(content))

    root: Any = reader.trailer["/Root"]
    metadata = root["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in metadata
    assert "<pdfaid:conformance>B</pdfaid:conformance>" in metadata
    assert str(root["/Lang"]) == "vi"
    resources: list[Any] = [page["/Resources"] for page in reader.pages]
    fonts = {
        str(font.get_object()["/BaseFont"]).split("+")[-1]
        for each in resources
        for font in each["/Font"].values()
    }
    assert fonts == {"Tinos", "Tinos-Bold", "Tinos-Italic", "Tinos-BoldItalic"}
    assert reader.metadata is not None
    assert reader.metadata.title == f"{REPORT.title}: {REPORT.about}"
    outline: list[Any] = reader.outline
    titles = [f"{number}. {part.title}" for number, part in enumerate(REPORT.parts, start=1)]
    assert [item["/Title"] for item in outline] == titles


def test_a_sign_that_no_typeface_draws_becomes_another() -> None:
    report = replace(REPORT, about="Camera \N{CAMERA} 漢 hoạt đo\N{COMBINING CIRCUMFLEX ACCENT}ng")

    text = PdfReader(BytesIO(draw(report, Format.PDF))).pages[0].extract_text()

    assert "Camera ? ? hoạt đông" in " ".join(text.split())


@pytest.mark.parametrize("rows", range(10, 16))
def test_a_total_and_a_signature_are_never_alone_on_a_page(rows: int) -> None:
    money = replace(MONEY, rows=MONEY.rows * rows)
    reader = PdfReader(BytesIO(draw(replace(REPORT, parts=(money,)), Format.PDF)))

    last = reader.pages[-1].extract_text()

    assert "=HYPERLINK(1)" in last
    assert "Tổng cộng" in last
    assert "Nơi nhận" in last


def test_a_column_that_tells_nothing_is_left_out_for_people() -> None:
    columns = (Column("code", "Mã"), Column("unit", "Đơn vị"), Column("address", "Địa chỉ"))
    table = Table("points", "Điểm", columns, (("A", "Phường X", None), ("B", "Phường X", None)))

    def heads(about: str) -> tuple[str, ...]:
        (part,) = drawn(replace(REPORT, about=about, parts=(table,)))
        assert isinstance(part, DrawnTable)
        return part.head

    assert heads("Phường X, tháng 10/2026") == ("Mã",)
    assert heads("Toàn địa bàn, tháng 10/2026") == ("Mã", "Đơn vị")


def test_what_cannot_be_typeset_is_refused() -> None:
    strips = replace(STRIPS, strips=(replace(STRIPS.strips[0], runs=(Run("of no legend", 0, 1),)),))

    with pytest.raises(CannotDraw, match="could not be made"):
        draw(replace(REPORT, parts=(strips,)), Format.PDF)


# --- What offices edit -------------------------------------------------------------------------------


def test_a_document_has_the_form_in_its_styles() -> None:
    document = Document(BytesIO(draw(REPORT, Format.DOCX)))
    section = document.sections[0]

    sides = (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)
    assert [side and round(side.mm, 1) for side in sides] == [TOP_MM, BOTTOM_MM, LEFT_MM, RIGHT_MM]
    assert section.different_first_page_header_footer
    assert [field.get(qn("w:instr")) for field in section.header._element.iter(qn("w:fldSimple"))] == ["PAGE"]
    fonts = document.styles["Normal"].element.rPr.rFonts
    assert {fonts.get(qn(kind)) for kind in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs")} == {TYPEFACE}
    assert [p.text for p in document.paragraphs if p.style is not None and p.style.name == "Heading 1"] == [
        f"{number}. {part.title}" for number, part in enumerate(REPORT.parts, start=1)
    ]


def test_heads_of_tables_are_heads() -> None:
    document = Document(BytesIO(draw(REPORT, Format.DOCX)))

    for table in document.tables:
        marked = [row._tr.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None for row in table.rows]
        is_table = table.rows[0].cells[0].text in (MONEY.columns[0].title, EYES.columns[0].title)
        assert marked[0] is True or not is_table
        assert not any(marked[1:])


def test_signs_of_a_strip_tell_the_worst_of_their_time() -> None:
    bars = (("up", 0.0, 0.5), ("down", 0.5, 0.001), ("up", 0.501, 0.499))

    assert list(_slots(bars)) == [("up", SLOTS // 2), ("down", 1), ("up", SLOTS - SLOTS // 2 - 1)]


def test_what_is_bad_is_seen_however_short_it_was() -> None:
    bars = (("down", 0.0, 0.00001), ("up", 0.00001, 0.99998), ("not_served", 0.99999, 0.00001))

    assert visible(bars) == [bars[1], ("not_served", 1 - LEAST, LEAST), ("down", 0.0, LEAST)]


# --- Words and room ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "said"),
    [
        pytest.param(date(2026, 3, 5), "ngày 05 tháng 3 năm 2026", id="days under ten"),
        pytest.param(date(2026, 2, 28), "ngày 28 tháng 02 năm 2026", id="February"),
        pytest.param(date(2026, 1, 1), "ngày 01 tháng 01 năm 2026", id="January"),
        pytest.param(date(2026, 12, 10), "ngày 10 tháng 12 năm 2026", id="December"),
    ],
)
def test_days_are_written_as_the_decree_has_them(day: date, said: str) -> None:
    assert day_in_words(day) == said


def test_the_day_is_that_of_the_zone() -> None:
    late = REPORT.as_of.replace(hour=17)  # midnight in Việt Nam

    assert letter(replace(REPORT, as_of=late)).place_and_day == "Yên Bái, ngày 06 tháng 11 năm 2026"


@pytest.mark.parametrize(
    ("kind", "symbol", "number", "said"),
    [
        pytest.param(Kind.FUNDING, "MP", "", "/BC-MP", id="a report"),
        pytest.param(Kind.PROPOSAL, "MP", "", "/TTr-MP", id="a proposal"),
        pytest.param(Kind.PROPOSAL, "BC-MP", "", "/TTr-MP", id="a symbol put down whole"),
        pytest.param(Kind.PROPOSAL, "BC-MP", "07", "07/TTr-MP", id="a number without a symbol"),
        pytest.param(Kind.PROPOSAL, "BC-MP", "07/TTr-UBND", "07/TTr-UBND", id="a number with its symbol"),
    ],
)
def test_the_number_of_a_document(kind: Kind, symbol: str, number: str, said: str) -> None:
    form = letter(replace(REPORT, kind=kind, head=Head(symbol=symbol), number=number))

    assert form.number.split() == ["Số:", said]


def test_a_letter_that_was_sent_keeps_its_day() -> None:
    form = letter(replace(REPORT, dated=date(2026, 10, 16)))

    assert form.place_and_day == "Yên Bái, ngày 16 tháng 10 năm 2026"


def test_who_receives_it() -> None:
    head = Head(recipients=("Như trên;", "Lưu: VT."))
    received = {kind: letter(replace(REPORT, kind=kind, head=head)) for kind in Kind}

    assert received[Kind.PROPOSAL].recipients == ("- Như trên;", "- Lưu: VT.")
    assert received[Kind.UPTIME].recipients == ("- Lưu: VT.",)
    assert (received[Kind.DISCLOSURE].receivers, received[Kind.DISCLOSURE].recipients) == ("", ())


def test_what_is_blank_is_filled_in_by_hand() -> None:
    form = letter(replace(REPORT, head=Head()))

    assert {form.body, form.signer_title} == {"…………………"}
    assert form.place_and_day.startswith("…………………, ngày")
    assert form.recipients == ("- ………………….",)


def test_papers_it_stands_on_end_as_they_should() -> None:
    report = replace(REPORT, grounds=("Căn cứ Luật A;", "Quy chế B."))

    assert letter(report).grounds == ("Căn cứ Luật A;", "Căn cứ Quy chế B.")


@given(
    st.integers(1, 12).flatmap(
        lambda columns: st.tuples(
            st.lists(
                st.lists(st.text(max_size=60), min_size=columns, max_size=columns), min_size=1, max_size=5
            ),
            st.lists(st.floats(0.2, 5), min_size=columns, max_size=columns),
        )
    )
)
def test_columns_fill_the_page(table: tuple[list[tuple[str, ...]], list[float]]) -> None:
    lines, weights = table

    found = room(lines, weights, 165)

    assert sum(found.widths) == pytest.approx(165, abs=0.1)
    assert min(found.widths) > 0
    assert 7 <= found.size <= 12


@pytest.mark.parametrize(
    ("cells", "widths", "expected"),
    [
        pytest.param(("YB-0105", "99,30\N{NO-BREAK SPACE}%"), (20.0, 15.0), True, id="figures"),
        pytest.param(("Điểm mô phỏng 105", ""), (40.0, 5.0), True, id="nothing in a narrow column"),
        pytest.param(("Điểm mô phỏng 105", "1"), (25.0, 15.0), False, id="more than fits"),
        pytest.param(("a\nb", "1"), (40.0, 15.0), False, id="two lines"),
        pytest.param(("\N{CJK UNIFIED IDEOGRAPH-4E00}" * 9, "1"), (30.0, 15.0), False, id="unknown signs"),
    ],
)
def test_a_row_that_surely_stands_on_one_line(
    cells: tuple[str, ...], widths: tuple[float, ...], expected: bool
) -> None:
    assert one_line(cells, Room(widths, 10)) is expected


def test_no_row_is_too_low_for_its_lines(tmp_path: Path) -> None:
    said = "AVATAR WAWA Yếu Tối, Vỡ Lỗi 1.111.111 fifi ffl mmmm lll iii ƯƠ VÀO TỪ Ở ĐÂY 0,00"
    rows = tuple((f"#{size}", said[:size], said[-size:]) for size in range(len(said)))
    columns = (Column("n", "Số"), Column("a", "Đầu"), Column("b", "Cuối"))
    file = tmp_path / "rows.pdf"
    file.write_bytes(draw(replace(REPORT, parts=(Table("t", "Bảng", columns, rows),)), Format.PDF))

    seen = set()
    for page in pages_of(file):
        labels = [word for word in page.words if word.text.startswith("#")]
        for label, following in pairwise(labels):
            tops = {round(word.top) for word in page.words if label.top - 1 <= word.top < following.top - 1}
            letters = label.bottom - label.top
            assert following.top - label.top > len(tops) * letters
            seen.add(len(tops))

    assert seen == {1, 2}


def test_every_state_has_a_sign() -> None:
    one = replace(
        STRIPS,
        legend=(*STATES, ("served", "Được bảo đảm"), ("not_served", "Không được bảo đảm")),
        strips=(
            replace(STRIPS.strips[0], runs=(Run("served", 0, 0.5), Run("not_served", 0.5, 1))),
            *STRIPS.strips,
        ),
    )
    report: Report = replace(REPORT, parts=(one,))

    for format in Format:
        assert draw(report, format)
