"""``explain``: how an eye's figure came about, down to the percentage, for anybody to work out again."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated

import orjson
import typer

from camera_registry import deeds, explaining, periods, register_words, words
from camera_registry.commands.common import Refused, command, now, out
from camera_registry.commands.storage import open_database
from camera_registry.explaining import Cause, Explanation, Interval
from camera_registry.i18n import N_, duration, moment, number, percent, translate
from camera_registry.incidents import Kind
from camera_registry.settings import Settings
from camera_registry.units import Scope
from camera_registry.uptime import MAINTENANCE, NOT_IN_SERVICE, Span

Row = Sequence[str]

SECOND = 1_000_000  # microseconds


def add_to(app: typer.Typer) -> None:
    app.command("explain")(explain)


def explain(
    eye: Annotated[str, typer.Argument(metavar="EYE", help="Code of the eye.")],
    start: Annotated[
        str, typer.Option("--from", help="A day, or a moment with its offset; default: this month.")
    ] = "",
    end: Annotated[
        str, typer.Option("--to", help="The first day or moment no longer counted; default: now.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False,
) -> None:
    """Show how an eye's figures came about: intervals, what was left out and why, and the arithmetic."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        asked = periods.asked(start, end, loaded.zone, now())
        found = explaining.explain(session, Scope.everything(), now(), loaded.zone, eye, asked)
        if found is None:
            raise Refused(N_('There is no eye with the code "{code}".'), code=eye)
        if as_json:
            body = orjson.dumps(explaining.as_json(found), option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z)
            out.print(body.decode(), markup=False)
            return
        for line in _Teller(loaded).told(found):
            out.print(line, markup=False)


class _Teller:
    """Says an explanation in lines for a terminal, in the language and zone of the settings."""

    def __init__(self, loaded: Settings) -> None:
        self._language, self._zone = loaded.language, loaded.zone

    def told(self, found: Explanation) -> Iterator[str]:
        yield f"{found.eye}  {found.name}".rstrip()
        yield f"{self._between(found.asked)}: {self._length(found.asked_shown)}"
        yield from self._section(
            N_("Counted for"), [(self._between(each.span), each.unit) for each in found.homes]
        )
        yield from self._section(N_("Intervals"), [self._interval(each) for each in found.intervals])
        yield from self._section(N_("Sum"), list(self._sums(found)))
        yield from self._section(
            N_("Not in service, and why"),
            [
                (self._between(each.span), self._say(deeds.ABSENCES[each.why]), each.note)
                for each in found.away
            ],
        )
        yield from self._section(
            N_("Maintenance, and why"),
            [
                (
                    f"№ {each.id}",
                    self._between(each.span),
                    self._say(register_words.WINDOWS[each.kind]),
                    each.reason,
                    f"({each.entered_by}, {self._moment(each.entered_at)})",
                )
                for each in found.windows
            ],
        )
        yield from self._section(
            N_("Unknown, and why"),
            [
                (
                    self._length(each.shown),
                    f"{number(each.times, self._language)} ×",
                    self._reason(each.reason),
                )
                for each in found.unknown
            ],
        )
        yield from self._section(
            N_("Outages"),
            [
                (
                    self._moment(each.start),
                    self._moment(each.end) if each.end else self._say(N_("goes on")),
                    self._length(each.shown),
                    self._reason(each.reason),
                    self._cause(each.cause),
                )
                for each in found.outages
            ],
        )
        yield from self._section(
            N_("Not confirmed, so not counted"),
            [(self._moment(each.at), self._reason(each.reason)) for each in found.blips],
        )
        yield from self._section(N_("Arithmetic"), list(self._arithmetic(found)))
        yield ""
        yield self._say(N_("Rules of counting: version {version}"), version=found.rules_version)

    def _section(self, title: str, rows: Sequence[Row]) -> Iterator[str]:
        """A heading and aligned rows; nothing where there are none."""
        if not rows:
            return
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        yield ""
        yield self._say(title)
        for row in rows:
            yield (
                "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            )

    def _interval(self, each: Interval) -> Row:
        return (
            self._moment(each.span.start),
            self._moment(each.span.end),
            self._length(each.shown),
            self._state(each.state),
            self._why(each),
        )

    def _sums(self, found: Explanation) -> Iterator[Row]:
        for state in explaining.STATES:
            yield self._state(state), self._length(getattr(found.shown, state))
        if found.ahead_us:
            yield self._say(N_("Yet to come")), self._length(found.ahead_shown)
        yield self._say(N_("Together")), self._length(found.asked_shown)

    def _arithmetic(self, found: Explanation) -> Iterator[Row]:
        for each in found.fractions:
            divided = self._say(N_("not observed"))
            if each.share is not None:
                parts = f"{self._length(each.shown_over)} ÷ {self._length(each.shown_under)}"
                divided = f"{parts} = {percent(each.share, self._language)}"
            yield self._say(deeds.RATES[each.name]), divided, self._say(deeds.FORMULAS[each.name])
        shown, summary = found.shown, found.summary_shown
        for name, us, count, mean in (
            (explaining.MTTR, found.ended_shown, found.ended, summary.mttr_s),
            (explaining.MTBF, shown.up + shown.degraded, len(found.outages), summary.mtbf_s),
        ):
            if mean is not None:
                divided = f"{self._length(us)} ÷ {number(count, self._language)}"
                yield self._say(name), f"{divided} = {duration(round(mean) * SECOND, self._language)}", ""

    def _why(self, each: Interval) -> str:
        if each.state == NOT_IN_SERVICE:
            return self._say(deeds.ABSENCES[explaining.Absence(each.reason)]) if each.reason else ""
        if each.state == MAINTENANCE:
            return ", ".join(f"№ {window}" for window in each.windows)
        return "" if each.reason == "OK" else self._reason(each.reason)

    def _cause(self, cause: Cause | None) -> str:
        """What was lost as a whole; of an eye alone there is nothing to add."""
        if cause is None or cause.kind is Kind.EYE:
            return ""
        return f"{self._say(deeds.INCIDENTS[cause.kind])}: {cause.name or cause.code}"

    def _state(self, slug: str) -> str:
        return self._say(deeds.MAINTENANCE if slug == MAINTENANCE else words.STANDINGS[slug])

    def _reason(self, slug: str) -> str:
        return self._say(words.reason_text(slug)) if slug else ""

    def _between(self, span: Span) -> str:
        return f"{self._moment(span.start)} – {self._moment(span.end)}"

    def _moment(self, at: datetime) -> str:
        return moment(at, self._language, self._zone)

    def _length(self, us: int) -> str:
        return duration(us, self._language)

    def _say(self, message: str, **values: object) -> str:
        return translate(message, self._language, **values)
