"""Whether each point was served, as lines of time under one another: pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby

from camera_registry import i18n
from camera_registry.i18n import N_, NN_, Language, translate, translate_many
from camera_registry.reports.value import Run, Strip, Strips
from camera_registry.uptime import History, Serving, Span, servings

MOST = 100  # lines; of more points those that were not served for longest

STATES: Mapping[Serving, str] = {
    Serving.SERVED: N_("Served"),
    Serving.NOT_SERVED: N_("Not served"),
    Serving.UNKNOWN: N_("Not known whether served"),
    Serving.MAINTENANCE: N_("Maintenance"),
    Serving.NOT_IN_SERVICE: N_("Not in service"),
}

NOT_SERVED = NN_(
    "{count} time not served, {longest} long.", "{count} times not served, the longest {longest}."
)

Stretch = tuple[Serving, datetime, datetime]


def strips(
    points: Mapping[str, tuple[str, int, Sequence[History]]],
    whole: Span,
    now: datetime,
    days: tuple[date, date],
    language: Language,
) -> Strips:
    """A line for each point, by code: its name, how many of its eyes must deliver, and what each of them did.

    ``whole`` is the time from the first to the last of ``days``; nothing is drawn of what is to come.
    """
    past = whole.until(now)
    lines = {
        code: [*_joined(servings(eyes, k, past))] for code, (_, k, eyes) in points.items() if past.length
    }
    shown = sorted(lines, key=lambda code: (-_lasted(lines[code])[Serving.NOT_SERVED], code))[:MOST]
    title = translate(N_("When each point was served"), language)
    if len(lines) > MOST:
        said = N_("When points were served: the {most} of {count} that were not for longest")
        title = translate(said, language, count=i18n.number(len(lines), language), most=MOST)
    return Strips(
        "served",
        title,
        *days,
        tuple((str(state), translate(words, language)) for state, words in STATES.items()),
        tuple(
            Strip(
                f"{code} {points[code][0]}".strip(), _runs(lines[code], whole), _told(lines[code], language)
            )
            for code in sorted(shown)
        ),
    )


def _joined(pieces: Iterable[Stretch]) -> Iterator[Stretch]:
    """Pieces of the same state that follow each other, as one."""
    for serving, several in groupby(pieces, key=lambda piece: piece[0]):
        first, *others = several
        yield serving, first[1], (others or [first])[-1][2]


def _lasted(line: Sequence[Stretch]) -> Mapping[Serving, timedelta]:
    lasted = dict.fromkeys(Serving, timedelta())
    for serving, start, end in line:
        lasted[serving] += end - start
    return lasted


def _runs(line: Sequence[Stretch], whole: Span) -> tuple[Run, ...]:
    length = whole.end - whole.start
    return tuple(
        Run(str(serving), (start - whole.start) / length, (end - whole.start) / length)
        for serving, start, end in line
    )


def _told(line: Sequence[Stretch], language: Language) -> str:
    lasted = _lasted(line)
    known = lasted[Serving.SERVED] + lasted[Serving.NOT_SERVED]
    if not known:
        return translate(N_("Nothing is known of it."), language)
    said = translate(
        N_("Served for {share} of the time that is known."),
        language,
        share=i18n.percent(lasted[Serving.SERVED] / known, language),
    )
    off = [end - start for serving, start, end in line if serving is Serving.NOT_SERVED]
    if not off:
        return said
    longest = round(max(off) / timedelta(seconds=1)) * 1_000_000
    more = translate_many(*NOT_SERVED, len(off), language, longest=i18n.duration(longest, language))
    return f"{said} {more}"
