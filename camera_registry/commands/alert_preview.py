"""``alerts preview``: what a policy would have sent, from what has happened."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta, tzinfo
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table
from rich.text import Text

from camera_registry import deeds, periods
from camera_registry.alerts import past, rules
from camera_registry.alerts.preview import Hearer, Preview
from camera_registry.alerts.preview import preview as tried
from camera_registry.alerts.routing import Kind
from camera_registry.alerts.rules import Policy
from camera_registry.commands.common import command, foreign, now, out, say
from camera_registry.commands.policy_files import PolicyFile, read_policy
from camera_registry.commands.storage import open_database
from camera_registry.i18n import N_, Language, moment, translate
from camera_registry.uptime import Span

MOST_SIGNS = 62  # a sign for each day; of more days, one for each week
SIGNS = "·▁▂▃▄▅▆▇█"  # none, one, ... eight messages or more


def preview(
    policy: PolicyFile = None,
    since: Annotated[
        str, typer.Option(metavar="30d|DAY", help="So many days back, a day, or a moment with its offset.")
    ] = "30d",
    until: Annotated[
        str, typer.Option(metavar="DAY", help="The first day or moment no longer asked about; default: now.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False,
) -> None:
    """Show what a policy would have sent to each ward and the city desk, from what has happened.

    Nothing is sent or written. The policy is tried as though it had come into force at the beginning of the
    period; units are those of its end.
    """
    with command() as loaded:
        wanted = read_policy(policy)
        with open_database(loaded) as database, database.reading() as session:
            period = _period(since, until, loaded.zone)
            told = tried(past.read(session, loaded.zone, period), wanted, loaded.zone)
        if as_json:
            typer.echo(orjson.dumps(as_object(told, wanted, loaded.zone), option=orjson.OPT_INDENT_2))
            return
        start, end = (moment(at, loaded.language, loaded.zone) for at in (period.start, period.end))
        say(loaded, N_("From {start} until {end}"), start=start, end=end)
        for each in (table(told, loaded.zone, loaded.language), course(told, loaded.zone, loaded.language)):
            out.print(each)
        by_day = _days_of_a_sign(period) == 1
        said = N_("A sign is a day: {signs} are no message, one, and so on until eight or more.")
        said_of_weeks = N_("A sign is a week: {signs} are no message, one, and so on until eight or more.")
        say(loaded, said if by_day else said_of_weeks, signs=SIGNS)


def as_object(told: Preview, policy: Policy, zone: tzinfo) -> dict[str, Any]:
    """All of it as JSON has it, moments in ``zone``."""
    return {
        "from": told.period.start.astimezone(zone),
        "until": told.period.end.astimezone(zone),
        "policy": {"city": rules.to_json(policy.city), "ward": rules.to_json(policy.ward)},
        "city": _hearer(told.city, zone),
        "wards": [_hearer(ward, zone) for ward in told.wards],
    }


def table(told: Preview, zone: tzinfo, language: Language) -> Table:
    """How many messages, and of which kinds: the city desk, then each unit, the most told first."""
    every = [told.city, *_most_told_first(told)]
    kinds = [kind for kind in Kind if any(kind in hearer.by_kind() for hearer in every)]
    heads = [N_("Unit"), N_("Messages"), *(deeds.MESSAGE_KINDS[kind] for kind in kinds)]
    heads += [N_("Most a day"), N_("Most in seven days")]
    made = Table(*(translate(head, language) for head in heads), title=translate(N_("Messages"), language))
    for hearer in every:
        counted = hearer.by_kind()
        made.add_row(
            _name(hearer, language),
            str(len(hearer.messages)),
            *(str(counted.get(kind, "")) for kind in kinds),
            *(str(hearer.most_a_day(zone)), str(hearer.most_a_week())),
        )
    together = sum((Counter(ward.by_kind()) for ward in told.wards), Counter[Kind]())
    made.add_section()
    made.add_row(
        *(translate(N_("All units"), language), str(together.total())),
        *(str(together[kind] or "") for kind in kinds),
    )
    return made


def course(told: Preview, zone: tzinfo, language: Language) -> Table:
    """The same in the course of time, a sign for each day or week."""
    made = Table.grid(padding=(0, 1))
    for hearer in (told.city, *_most_told_first(told)):
        made.add_row(_name(hearer, language), "".join(_signs(hearer, told.period, zone)))
    return made


def _most_told_first(told: Preview) -> list[Hearer]:
    return sorted(told.wards, key=lambda ward: (-len(ward.messages), ward.name))


def _name(hearer: Hearer, language: Language) -> Text:
    return foreign(hearer.name or translate(N_("City desk"), language))


def _period(since: str, until: str, zone: tzinfo) -> Span:
    """Raises ``PeriodError``."""
    end = periods.moment_of(until, zone) if until else now()
    back = re.fullmatch(r"(\d{1,3})d", since, re.ASCII)
    start = end - timedelta(days=int(back[1])) if back is not None else periods.moment_of(since, zone)
    return periods.checked(Span(start, end))


def _hearer(hearer: Hearer, zone: tzinfo) -> dict[str, Any]:
    return {
        **({"uid": hearer.uid, "name": hearer.name} if hearer.uid else {}),
        "messages": len(hearer.messages),
        "held": len(hearer.said) - len(hearer.messages),
        "by_kind": {str(kind): count for kind, count in hearer.by_kind().items()},
        "by_day": {f"{day}": count for day, count in hearer.by_day(zone).items()},
        "most_a_day": hearer.most_a_day(zone),
        "most_in_seven_days": hearer.most_a_week(),
        "said": [
            {
                "at": each.at.astimezone(zone),
                "kind": each.kind,
                "occasion": each.occasion,
                "escalated": each.escalated,
                "tells": [[kind, occasion] for kind, occasion in each.tells],
            }
            for each in hearer.messages
        ],
    }


def _signs(hearer: Hearer, period: Span, zone: tzinfo) -> Iterator[str]:
    """A sign for each day or week, the higher the more messages it had."""
    first, last = (at.astimezone(zone).date() for at in (period.start, period.end - timedelta.resolution))
    days = _days_of_a_sign(period)
    counted = Counter[int]()
    for day, count in hearer.by_day(zone).items():
        counted[(day - first).days // days] += count
    for n in range((last - first).days // days + 1):
        yield SIGNS[min(counted[n], len(SIGNS) - 1)]


def _days_of_a_sign(period: Span) -> int:
    return 1 if period.end - period.start <= timedelta(days=MOST_SIGNS) else 7
