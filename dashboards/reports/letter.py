"""The lines of an administrative document around its content, and how tables take their room.

The form is that of Nghị định 30/2020/NĐ-CP, Phụ lục I.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from camera_registry.i18n import N_
from camera_registry.reports.value import Kind, Report
from dashboards.reports import words

TYPEFACE = "Times New Roman"
TOP_MM, BOTTOM_MM, LEFT_MM, RIGHT_MM = 20, 20, 30, 15  # 20–25, 20–25, 30–35, 15–20
PAGE_MM = (210, 297)
BLANK = "…………………"  # is filled in by hand
SYMBOLS = {Kind.PROPOSAL: "TTr"}  # of a kind of document (Phụ lục III): tờ trình; the others are reports
ADDRESSED = {Kind.PROPOSAL}
POSTED = {Kind.DISCLOSURE}  # is read by who comes by: nobody receives it
AS_ABOVE = "như trên"  # who is written to


@dataclass(frozen=True, slots=True)
class Letter:
    """Above the content: who, number, where and when, what. Below it: who signs, who receives it.

    ``annex``, ``annex_title`` and ``annex_of`` (the letter that it goes with) stand above an annex.
    ``formal``: of a letter; of another report only ``title``, ``about`` and ``grounds`` are printed.
    """

    formal: bool
    parent: str
    body: str
    nation: str
    motto: str
    number: str
    place_and_day: str
    title: str
    about: str
    grounds: tuple[str, ...]
    made: str
    synthetic: str
    authority: str
    signer_title: str
    signer: str
    receivers: str
    recipients: tuple[str, ...]
    annex: str
    annex_title: str
    annex_of: str


def letter(report: Report) -> Letter:
    """What stands on it, as it is written there."""
    head = report.head
    recipients = _recipients(report)
    return Letter(
        formal=report.letter,
        parent=head.parent.upper(),
        body=(head.body or BLANK).upper(),
        nation=words.say(report, N_("SOCIALIST REPUBLIC OF VIET NAM")),
        motto=words.say(report, N_("Independence - Freedom - Happiness")),
        number=words.say(report, N_("No.: {symbol}"), symbol=_number(report, " " * 12)),
        place_and_day=_place_and_day(report),
        title=report.title.upper(),
        about=report.about,
        grounds=_ended([_ground(paper, report) for paper in report.grounds]),
        made=words.made(report),
        synthetic=words.say(report, words.SYNTHETIC) if report.synthetic else "",
        authority=head.authority.upper(),
        signer_title=(head.signer_title or BLANK).upper(),
        signer=head.signer,
        receivers=words.say(report, N_("Recipients:")) if recipients else "",
        recipients=tuple(f"- {line}" for line in _ended(recipients)),
        annex=words.say(report, N_("Annex")) if report.annex else "",
        annex_title=report.annex.title.upper() if report.annex else "",
        annex_of=_annex_of(report) if report.annex else "",
    )


def width_mm(wide: bool) -> int:
    """What margins leave of a page; ``wide``: of one that lies on its side, because tables need that."""
    return PAGE_MM[wide] - LEFT_MM - RIGHT_MM


def day_in_words(day: date) -> str:
    """As the decree writes it: a zero before days under 10 and before January and February alone."""
    month = f"{day.month:02}" if day.month < 3 else str(day.month)
    return f"ngày {day.day:02} tháng {month} năm {day.year}"


def _number(report: Report, blank: str) -> str:
    """As the clerk wrote it, with the symbol where he wrote none; without one, room for it."""
    if "/" in report.number:
        return report.number
    return f"{report.number or blank}/{SYMBOLS.get(report.kind, 'BC')}-{report.head.organisation}"


def _annex_of(report: Report) -> str:
    """The line that says which letter an annex goes with (Phụ lục I, phần I, mục III, 1c)."""
    return words.say(
        report,
        N_("(Enclosed with {document} No. {number}, {day}, of {body})"),
        document=report.title,
        number=_number(report, "……"),
        day=_day(report),
        body=report.head.body or BLANK,
    )


def _recipients(report: Report) -> tuple[str, ...]:
    if report.kind in POSTED:
        return ()
    lines = report.head.recipients
    if report.kind not in ADDRESSED:
        lines = tuple(line for line in lines if line.rstrip(" ;.").casefold() != AS_ABOVE)
    return lines or (BLANK,)


def _place_and_day(report: Report) -> str:
    return f"{report.head.place or BLANK}, {_day(report)}"


def _day(report: Report) -> str:
    day = report.dated or report.as_of.astimezone(report.zone).date()
    return day_in_words(day) if report.language == "vi" else f"{day.day} {day:%B} {day.year}"


def _ground(paper: str, report: Report) -> str:
    said = words.say(report, N_("Pursuant to {paper}"), paper=paper)
    begins = said.removesuffix(paper)
    return paper if paper.startswith(begins) else said


def _ended(lines: Sequence[str]) -> tuple[str, ...]:
    """A semicolon after each line, a full stop after the last."""
    bare = [line.rstrip(" ;.") for line in lines]
    return tuple(f"{line}{'.' if number == len(bare) else ';'}" for number, line in enumerate(bare, start=1))
