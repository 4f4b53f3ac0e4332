"""A report for a browser: what the template of our pages shows, and a file of its own that loads nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markupsafe import Markup

from camera_registry.reports.value import Report
from dashboards.assets import STATIC
from dashboards.rendering import environment
from dashboards.reports.drawn import Drawn, DrawnStrips, annexed, drawn, visible
from dashboards.reports.letter import Letter, letter
from dashboards.strips import Bar

HERE = Path(__file__).parent
LOOKS = {"served": "up", "not_served": "down"}  # of a point as of an eye


@dataclass(frozen=True, slots=True)
class ShownStrips:
    """As ``DrawnStrips``, with bars in per cent."""

    title: str
    first: str
    last: str
    legend: Sequence[tuple[str, str]]
    strips: Sequence[tuple[str, str, Sequence[Bar]]]
    type: str = "strips"


@dataclass(frozen=True, slots=True)
class Shown:
    """What ``content`` and ``annex`` of ``templates/report_parts.html`` take."""

    letter: Letter
    parts: Sequence[Drawn | ShownStrips]
    annexed: Sequence[Drawn | ShownStrips]


def shown(report: Report) -> Shown:
    """The report as a page of ours has it, between its head and its end."""
    own, annex = (
        [_bars(part) if isinstance(part, DrawnStrips) else part for part in parts]
        for parts in (drawn(report), annexed(report))
    )
    return Shown(letter(report), own, annex)


def draw(report: Report) -> bytes:
    """One file, to be read, printed or published: no script, nothing loaded."""
    return alone(report)


def alone(report: Report, back: str = "", back_words: str = "") -> bytes:
    """As ``draw``; ``back`` is where a link above it leads."""
    html = (
        environment()
        .get_template("report_alone.html")
        .render(report=report, shown=shown(report), style=style(), back=back, back_words=back_words)
    )
    return html.encode()


@cache
def style() -> Markup:
    """Of a file of its own."""
    sheets = (HERE / "alone.css", STATIC / "report.css")
    return Markup("\n".join(sheet.read_text(encoding="utf-8") for sheet in sheets))  # noqa: S704 - our own files


def _bars(part: DrawnStrips) -> ShownStrips:
    return ShownStrips(
        part.title,
        part.first,
        part.last,
        [(LOOKS.get(state, state), said) for state, said in part.legend],
        [
            (
                label,
                told,
                [
                    Bar(LOOKS.get(state, state), round(start * 100, 3), round(width * 100, 3))
                    for state, start, width in visible(bars)
                ],
            )
            for label, told, bars in part.strips
        ],
    )
