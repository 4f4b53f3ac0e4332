"""The lines of an administrative document around its content, and how tables take their room.

The form is that of Nghị định 30/2020/NĐ-CP, Phụ lục I.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from camera_registry.i18n import N_
from camera_registry.reports.value import Report
from dashboards.reports import words

TYPEFACE = "Times New Roman"
TOP_MM, BOTTOM_MM, LEFT_MM, RIGHT_MM = 20, 20, 30, 15  # 20–25, 20–25, 30–35, 15–20
PAGE_MM = (210, 297)
BLANK = "…………………"  # is filled in by hand


@dataclass(frozen=True, slots=True)
class Letter:
    """Above the content: who, number, where and when, what. Below it: who signs, who receives it.

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


def letter(report: Report) -> Letter:
    """What stands on it, as it is written there."""
    head = report.head
    recipients = head.recipients or (BLANK,)
    return Letter(
        formal=report.letter,
        parent=head.parent.upper(),
        body=(head.body or BLANK).upper(),
        nation=words.say(report, N_("SOCIALIST REPUBLIC OF VIET NAM")),
        motto=words.say(report, N_("Independence - Freedom - Happiness")),
        number=words.say(report, N_("No.: {symbol}"), symbol=f"{' ' * 12}/{head.symbol}"),
        place_and_day=_place_and_day(report),
        title=report.title.upper(),
        about=report.about,
        grounds=_ended([_ground(paper, report) for paper in report.grounds]),
        made=words.made(report),
        synthetic=words.say(report, words.SYNTHETIC) if report.synthetic else "",
        authority=head.authority.upper(),
        signer_title=(head.signer_title or BLANK).upper(),
        signer=head.signer,
        receivers=words.say(report, N_("Recipients:")),
        recipients=tuple(f"- {line}" for line in _ended(recipients)),
    )


def width_mm(report: Report) -> int:
    """What margins leave of a page, which lies on its side where tables need that."""
    return PAGE_MM[report.wide] - LEFT_MM - RIGHT_MM


def day_in_words(day: date) -> str:
    """As the decree writes it: a zero before days under 10 and before January and February alone."""
    month = f"{day.month:02}" if day.month < 3 else str(day.month)
    return f"ngày {day.day:02} tháng {month} năm {day.year}"


def _place_and_day(report: Report) -> str:
    day = report.as_of.astimezone(report.zone).date()
    text = day_in_words(day) if report.language == "vi" else f"{day.day} {day:%B} {day.year}"
    return f"{report.head.place or BLANK}, {text}"


def _ground(paper: str, report: Report) -> str:
    said = words.say(report, N_("Pursuant to {paper}"), paper=paper)
    begins = said.removesuffix(paper)
    return paper if paper.startswith(begins) else said


def _ended(lines: Sequence[str]) -> tuple[str, ...]:
    """A semicolon after each line, a full stop after the last."""
    bare = [line.rstrip(" ;.") for line in lines]
    return tuple(f"{line}{'.' if number == len(bare) else ';'}" for number, line in enumerate(bare, start=1))
