"""A report for a word processor, to be edited, numbered and signed, in the form of Nghị định 30/2020/NĐ-CP.

Tables are written as XML at once: python-docx takes minutes for a thousand rows, cell by cell.
"""

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from docx import Document
from docx.document import Document as Opened
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.section import Section
from docx.shared import Mm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph

from camera_registry.reports.value import Report
from dashboards.reports.drawn import (
    Bar,
    Drawn,
    DrawnFacts,
    DrawnStrips,
    DrawnTable,
    DrawnText,
    annexed,
    drawn,
)
from dashboards.reports.letter import (
    BOTTOM_MM,
    LEFT_MM,
    PAGE_MM,
    RIGHT_MM,
    TOP_MM,
    TYPEFACE,
    Letter,
    letter,
    width_mm,
)
from dashboards.reports.room import PADDING_MM, room

LANGUAGES = {"vi": "vi-VN", "en": "en-GB"}
TWIPS_OF_A_MM = 1440 / 25.4
BODY_PT, HEAD_PT, FACTS_PT, NOTE_PT, STRIPS_PT = 13, 12, 12, 11, 10
KEPT = 2  # rows at the end of a table that stay on one page
SLOTS = 62  # signs of a strip: two for each day of a month
# A sign of its own for each state, besides its colour; all of them are in Times New Roman.
SIGNS = {
    "up": ("▄", "17774A"),
    "served": ("▄", "17774A"),
    "degraded": ("▒", "8A5F00"),
    "down": ("█", "BD2626"),
    "not_served": ("█", "BD2626"),
    "unknown": ("░", "5A6773"),
    "maintenance": ("▌", "5A4B93"),
    "not_in_service": ("─", "5A6773"),
}
WORSE = ("not_in_service", "maintenance", "up", "served", "unknown", "degraded", "down", "not_served")
SIDES = ("top", "left", "bottom", "right", "insideH", "insideV")
MOST_OF_A_PROPERTY = 255  # signs, as python-docx takes them
FIRST_YEAR = (1980, 1, 1, 0, 0, 0)  # that a ZIP file can tell


def draw(report: Report) -> bytes:
    """The same report makes the same bytes."""
    document = Document()
    _styles(document, report)
    _page(document, report)
    form = letter(report)
    if form.formal:
        _head(document, form, report)
    _title(document, form)
    for line in form.grounds:
        _prose(document, line).runs[0].italic = True
    _content(document, list(drawn(report)), width_mm(report.wide), form.formal)
    if report.annex is None:
        _small(document, form.made, kept=form.formal)
    if form.formal:
        _signatures(document, form, report)
    if report.annex is not None:
        _annex(document, form, report)
    return _same_bytes(document)


def _content(document: Opened, parts: Sequence[Drawn], width: int, signed: bool) -> None:
    """``signed``: its end is never parted from what follows, the signature."""
    number = 0
    for part in parts:
        last = signed and part is parts[-1]
        if part.title:
            number += 1
            document.add_heading(_writable(f"{number}. {part.title}"), 1)
        match part:
            case DrawnText():
                for place, text in enumerate(part.paragraphs):
                    paragraph = _prose(document, text)
                    if place == 0:
                        paragraph.paragraph_format.space_before = Pt(6)  # a table has none below it
                    if part.centred:
                        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
                        paragraph.paragraph_format.first_line_indent = None
                if last:
                    document.paragraphs[-1].paragraph_format.keep_with_next = True
            case DrawnFacts():
                _facts(document, part, width, last)
            case DrawnTable():
                _table(document, part, width, last)
            case DrawnStrips():
                _strips(document, part, width)


def _annex(document: Opened, form: Letter, report: Report) -> None:
    """Its pages lie on their side, and have numbers of their own."""
    section = document.add_section(WD_SECTION.NEW_PAGE)
    document.paragraphs[-1].paragraph_format.line_spacing = Pt(1)  # holds the break, and shall need no page
    _lay(section, wide=True)
    section._sectPr.append(parse_xml(f'<w:pgNumType {nsdecls("w")} w:start="1"/>'))
    for text, size, bold in (
        (form.annex, 14, True),
        (form.annex_title, BODY_PT, True),
        (form.annex_of, BODY_PT, False),
    ):
        paragraph = document.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        run = paragraph.add_run(_writable(text))
        run.bold, run.italic, run.font.size = bold, not bold, Pt(size)
    _content(document, list(annexed(report)), width_mm(True), signed=False)
    _small(document, form.made)


# --- The page ----------------------------------------------------------------------------------------


def _styles(document: Opened, report: Report) -> None:
    """One typeface for every script: Word takes another for some letters if only the Latin one is named."""
    for name in ("Normal", "Heading 1", "Header", "Footer"):
        style = document.styles[name]
        assert isinstance(style, ParagraphStyle)
        style.font.name = TYPEFACE
        style.font.size = Pt(BODY_PT)
        style.font.color.rgb = RGBColor(0, 0, 0)
        properties = style.element.get_or_add_rPr()
        fonts = properties.get_or_add_rFonts()
        for kind in [key for key in fonts.attrib if "heme" in key]:
            del fonts.attrib[kind]
        for kind in ("w:ascii", "w:hAnsi", "w:eastAsia", "w:cs"):
            fonts.set(qn(kind), TYPEFACE)
    normal, heading = document.styles["Normal"], document.styles["Heading 1"]
    assert isinstance(normal, ParagraphStyle)
    assert isinstance(heading, ParagraphStyle)
    normal.paragraph_format.space_after = Pt(0)
    normal.paragraph_format.space_before = Pt(0)
    for element in document.styles.element.iter(qn("w:lang")):
        element.set(qn("w:val"), LANGUAGES[report.language])
    heading.font.bold = True
    heading.paragraph_format.space_before = Pt(12)
    heading.paragraph_format.space_after = Pt(6)
    heading.paragraph_format.keep_with_next = True


def _page(document: Opened, report: Report) -> None:
    """A4; the number of the page in the middle of the top margin, from the second page on."""
    section = document.sections[0]
    _lay(section, report.wide)
    section.top_margin, section.bottom_margin = Mm(TOP_MM), Mm(BOTTOM_MM)
    section.left_margin, section.right_margin = Mm(LEFT_MM), Mm(RIGHT_MM)
    section.header_distance = section.footer_distance = Mm(10)
    section.different_first_page_header_footer = True
    number = section.header.paragraphs[0]
    number.alignment = WD_ALIGN_PARAGRAPH.CENTER
    number._p.append(
        parse_xml(f'<w:fldSimple {nsdecls("w")} w:instr="PAGE"><w:r><w:t>2</w:t></w:r></w:fldSimple>')
    )
    said = letter(report).synthetic
    for footer in (section.first_page_footer, section.footer) if said else ():
        paragraph = footer.paragraphs[0]
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        run = paragraph.add_run(_writable(said))
        run.italic, run.font.size = True, Pt(NOTE_PT)
    about = document.core_properties
    about.title = _property(f"{report.title}: {report.about}" if report.about else report.title)
    about.author = about.last_modified_by = _property(report.head.body)
    about.comments = _property(letter(report).made)
    about.created = about.modified = report.as_of.replace(tzinfo=None)
    about.revision = 1


def _lay(section: Section, wide: bool) -> None:
    section.page_width, section.page_height = (Mm(side) for side in (reversed(PAGE_MM) if wide else PAGE_MM))
    section.orientation = WD_ORIENT.LANDSCAPE if wide else WD_ORIENT.PORTRAIT


def _property(text: str) -> str:
    return _writable(text)[:MOST_OF_A_PROPERTY]


def _head(document: Opened, form: Letter, report: Report) -> None:
    """On the left who, on the right the nation; below them number, and place and date. Rules are drawn."""
    width = width_mm(report.wide)
    left, right = width * 0.45, width * 0.55
    cells = [
        _lines(
            [
                *([_paragraph(form.parent, HEAD_PT, centred=True)] if form.parent else []),
                _paragraph(form.body, HEAD_PT, bold=True, centred=True),
                _rule(left, left * 0.35),
            ]
        ),
        _lines(
            [
                _paragraph(form.nation, HEAD_PT, bold=True, centred=True),
                _paragraph(form.motto, BODY_PT, bold=True, centred=True),
                _rule(right, 56),
            ]
        ),
        _paragraph(form.number, BODY_PT, centred=True),
        _paragraph(form.place_and_day, BODY_PT, italic=True, centred=True),
    ]
    rows = (_row(cells[at : at + 2], (left, right)) for at in (0, 2))
    _append(document, _grid(rows, (left, right), ruled=False))


def _title(document: Opened, form: Letter) -> None:
    title = document.add_paragraph()
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    title.paragraph_format.space_before = Pt(14)
    run = title.add_run(_writable(form.title))
    run.bold, run.font.size = True, Pt(14)
    if form.about:
        about = document.add_paragraph()
        about.alignment = WD_ALIGN_PARAGRAPH.CENTER
        about.add_run(_writable(form.about)).bold = True
    section = document.sections[0]
    assert section.page_width is not None
    width = section.page_width.mm - LEFT_MM - RIGHT_MM
    _append(document, _rule(width, width * 0.35))
    document.add_paragraph().paragraph_format.space_after = Pt(2)


def _signatures(document: Opened, form: Letter, report: Report) -> None:
    half = width_mm(report.wide) / 2
    left = [
        _paragraph(form.receivers, HEAD_PT, bold=True, italic=True),
        *(_paragraph(line, NOTE_PT) for line in form.recipients),
    ]
    right = [
        *([_paragraph(form.authority, BODY_PT, bold=True, centred=True)] if form.authority else []),
        _paragraph(form.signer_title, BODY_PT, bold=True, centred=True),
        *(_paragraph("", BODY_PT, centred=True) for _ in range(5)),
        _paragraph(form.signer, BODY_PT, bold=True, centred=True),
    ]
    document.add_paragraph().paragraph_format.keep_with_next = True
    _append(document, _grid([_row([_lines(left), _lines(right)], (half, half))], (half, half), ruled=False))


# --- The parts ---------------------------------------------------------------------------------------


def _prose(document: Opened, text: str) -> Paragraph:
    paragraph = document.add_paragraph()
    paragraph.add_run(_writable(text))
    paragraph.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
    form = paragraph.paragraph_format
    form.first_line_indent, form.space_after, form.line_spacing = Mm(10), Pt(6), 1.15
    return paragraph


def _small(document: Opened, text: str, kept: bool = False) -> None:
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.keep_with_next = kept
    paragraph.paragraph_format.space_before = Pt(4)
    run = paragraph.add_run(_writable(text))
    run.italic, run.font.size = True, Pt(NOTE_PT)


def _facts(document: Opened, part: DrawnFacts, width: int, last: bool) -> None:
    half = width / 2
    rows = []
    for number, (title, figure, note) in enumerate(part.facts, start=1):
        kept = last and number > len(part.facts) - KEPT
        said = [_paragraph(figure, FACTS_PT, bold=True, kept=kept)]
        if note:
            said.append(_paragraph(note, NOTE_PT, italic=True, kept=kept))
        rows.append(_row([_paragraph(title, FACTS_PT, kept=kept), _lines(said)], (half, half)))
    _append(document, _grid(rows, (half, half), ruled=True))


def _table(document: Opened, part: DrawnTable, width: int, last: bool) -> None:
    """The head is repeated on each page, no row is torn; the end of the last part stays with what follows."""
    fit = room(part.lines, part.weights, width)
    if part.unit:
        unit = document.add_paragraph()
        unit.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        unit.paragraph_format.keep_with_next = True
        run = unit.add_run(part.unit)
        run.italic, run.font.size = True, Pt(NOTE_PT)

    def line(cells: Sequence[str], bold: bool = False, kept: bool = False) -> str:
        said = [
            _paragraph(text, fit.size, bold=bold, right=right, kept=kept)
            for text, right in zip(cells, part.right, strict=True)
        ]
        return _row(said, fit.widths)

    head = _row(
        [_paragraph(text, fit.size, bold=True, centred=True) for text in part.head], fit.widths, head=True
    )
    lines = [(cells, False) for cells in part.rows] + ([(part.total, True)] if part.total else [])
    rows = [
        line(cells, bold=total, kept=number > len(lines) - KEPT and (number < len(lines) or last))
        for number, (cells, total) in enumerate(lines, start=1)
    ]
    _append(document, _grid([head, *rows], fit.widths, ruled=True))
    for note in part.notes:
        _small(document, note, kept=last)


def _strips(document: Opened, part: DrawnStrips, width: int) -> None:
    """Each sign stands for a part of the time, and for the worst in it."""
    widths = (width * 0.2, width * 0.5, width * 0.3)
    legend = "".join(
        _signs(state, 2, STRIPS_PT) + _run(f" {said}    ", STRIPS_PT) for state, said in part.legend
    )
    _append(document, _enclosed(legend))
    size = _slot_pt(widths[1])
    span = f"{part.first} – {part.last}"
    rows = [
        _row(
            [
                _paragraph("", STRIPS_PT),
                _paragraph(span, STRIPS_PT, bold=True, centred=True),
                _paragraph(part.told, STRIPS_PT, bold=True),
            ],
            widths,
            head=True,
        )
    ]
    for label, told, bars in part.strips:
        runs = "".join(
            _run(SIGNS[state][0] * count, size, colour=SIGNS[state][1]) for state, count in _slots(bars)
        )
        rows.append(
            _row([_paragraph(label, STRIPS_PT), _enclosed(runs), _paragraph(told, STRIPS_PT)], widths)
        )
    _append(document, _grid(rows, widths, ruled=True))


def _signs(state: str, count: int, size: float) -> str:
    sign, colour = SIGNS[state]
    return _run(sign * count, size, colour=colour)


def _slot_pt(width: float) -> float:
    """How large signs are of which ``SLOTS`` stand beside one another: each is 0.71 of its size wide."""
    return int((width - PADDING_MM) / 25.4 * 72 / SLOTS / 0.72 * 2) / 2


def _slots(bars: Sequence[Bar]) -> Iterator[tuple[str, int]]:
    """States and how many signs each takes, one after the other."""
    worst = ["not_in_service"] * SLOTS
    for state, start, width in bars:
        first = min(SLOTS - 1, int(start * SLOTS + 1e-6))
        last = max(first, min(SLOTS - 1, int((start + width) * SLOTS - 1e-6)))
        for place in range(first, last + 1):
            worst[place] = max(worst[place], state, key=WORSE.index)
    count = 0
    for place, state in enumerate(worst):
        count += 1
        if place + 1 == SLOTS or worst[place + 1] != state:
            yield state, count
            count = 0


# --- WordprocessingML (ECMA-376, part 1, 17) ---------------------------------------------------------


def _append(document: Opened, xml: str) -> None:
    body: Any = document.element.body
    body.insert(len(body) - 1, parse_xml(xml.replace(">", f" {nsdecls('w')}>", 1)))


def _grid(rows: Iterable[str], widths: Sequence[float], ruled: bool) -> str:
    line = 'w:val="single" w:sz="4" w:space="0" w:color="787878"'
    borders = "".join(f"<w:{side} {line}/>" for side in SIDES) if ruled else ""
    room = _twips(PADDING_MM / 2) if ruled else 0
    padding = "".join(f'<w:{side} w:w="{room}" w:type="dxa"/>' for side in ("left", "right"))
    columns = "".join(f'<w:gridCol w:w="{_twips(width)}"/>' for width in widths)
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="{_twips(sum(widths))}" w:type="dxa"/>'
        f"<w:tblBorders>{borders}</w:tblBorders>"
        f'<w:tblLayout w:type="fixed"/><w:tblCellMar>{padding}</w:tblCellMar></w:tblPr>'
        f"<w:tblGrid>{columns}</w:tblGrid>{''.join(rows)}</w:tbl>"
    )


def _row(cells: Sequence[str], widths: Sequence[float], head: bool = False) -> str:
    middle = '<w:vAlign w:val="center"/>' if head else ""
    said = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{_twips(width)}" w:type="dxa"/>{middle}</w:tcPr>{cell}</w:tc>'
        for cell, width in zip(cells, widths, strict=True)
    )
    return f"<w:tr><w:trPr><w:cantSplit/>{'<w:tblHeader/>' if head else ''}</w:trPr>{said}</w:tr>"


def _lines(paragraphs: Sequence[str]) -> str:
    return "".join(paragraphs)


def _paragraph(
    text: str,
    size: float,
    *,
    bold: bool = False,
    italic: bool = False,
    centred: bool = False,
    right: bool = False,
    kept: bool = False,
) -> str:
    """``kept``: on the page of what follows."""
    aligned = "center" if centred else "right" if right else "left"
    properties = f'{"<w:keepNext/>" if kept else ""}<w:jc w:val="{aligned}"/>'
    return _enclosed(_run(text, size, bold=bold, italic=italic) if text else "", properties)


def _enclosed(runs: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{runs}</w:p>"


def _run(text: str, size: float, *, bold: bool = False, italic: bool = False, colour: str = "") -> str:
    look = [
        "<w:b/>" if bold else "",
        "<w:i/>" if italic else "",
        f'<w:color w:val="{colour}"/>' if colour else "",
        f'<w:sz w:val="{round(size * 2)}"/>',
    ]
    lines = "<w:br/>".join(
        f'<w:t xml:space="preserve">{escape(line)}</w:t>' for line in _writable(text).split("\n")
    )
    return f"<w:r><w:rPr>{''.join(look)}</w:rPr>{lines}</w:r>"


def _rule(room: float, length: float) -> str:
    """A line of a length in the middle of a room (both in mm): the upper border of an empty paragraph."""
    side = _twips((room - length) / 2)
    return (
        '<w:p><w:pPr><w:pBdr><w:top w:val="single" w:sz="6" w:space="1" w:color="000000"/></w:pBdr>'
        f'<w:spacing w:before="60" w:line="120" w:lineRule="exact"/>'
        f'<w:ind w:left="{side}" w:right="{side}"/></w:pPr></w:p>'
    )


def _writable(text: str) -> str:
    """Without what XML cannot hold."""
    return "".join(sign for sign in text if sign in "\t\n" or (sign >= " " and sign not in "\ufffe\uffff"))


def _twips(mm: float) -> int:
    return round(mm * TWIPS_OF_A_MM)


def _same_bytes(document: Opened) -> bytes:
    """The file with the moment of its parts left out."""
    saved, same = BytesIO(), BytesIO()
    document.save(saved)
    with ZipFile(saved) as before, ZipFile(same, "w", ZIP_DEFLATED) as after:
        for name in before.namelist():
            after.writestr(ZipInfo(name, FIRST_YEAR), before.read(name), ZIP_DEFLATED)
    return same.getvalue()
