"""What a message says of a report: its first figures, in a few lines."""

from collections.abc import Iterator
from datetime import date, datetime

from camera_registry import i18n
from camera_registry.i18n import N_, translate
from camera_registry.money import Sum
from camera_registry.reports.value import Fact, Facts, Measure, Report

MOST = 8  # figures


def lines(report: Report) -> Iterator[str]:
    """The first figures that are known, each as ``title: value``."""
    facts = [fact for part in report.parts if isinstance(part, Facts) for fact in part.facts]
    said = ((fact, _written(fact, report)) for fact in facts)
    known = [f"{fact.title}: {value}" for fact, value in said if value]
    yield from known[:MOST]


def _written(fact: Fact, report: Report) -> str:
    language = report.language
    match fact.value:
        case None | "":
            return ""
        case Sum() as amount:
            known = i18n.dong(amount.known, language)
            if amount.whole:
                return known
            return translate(N_("{known} and {count} not known"), language, known=known, count=amount.unknown)
        case datetime() as moment:
            return i18n.stamp(moment, language, report.zone)
        case date() as day:
            return i18n.day(day, language)
        case str() as text:
            return text
        case number:
            if fact.measure is Measure.SHARE:
                return i18n.percent(number, language)
            if fact.measure is Measure.SECONDS:
                return i18n.duration(round(number) * 1_000_000, language)
            return i18n.number(number, language)
