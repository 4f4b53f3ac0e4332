"""What a subscription says, as people read it: who hears of what, and by which rules. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import time, timedelta

from camera_registry.alerts.occasions import What
from camera_registry.alerts.rules import Rules
from camera_registry.i18n import N_, NN_, Language, duration, translate, translate_many

WHATS: Mapping[What, str] = {
    What.OUTAGE: N_("eyes disconnected"),
    What.SITE: N_("a site that cannot be seen"),
    What.DEGRADED: N_("pictures that cannot be used"),
    What.UNSTABLE: N_("eyes that come and go"),
    What.EXPOSURE: N_("eyes that can be seen without a login"),
    What.RETENTION: N_("recordings that are too short"),
    What.CLOCK: N_("wrong clocks"),
    What.FIRMWARE: N_("changed devices"),
    What.RECOVERY: N_("what is over again"),
}

WEEKDAYS: Sequence[str] = (
    *(N_("Monday"), N_("Tuesday"), N_("Wednesday"), N_("Thursday"), N_("Friday"), N_("Saturday")),
    N_("Sunday"),
)


def subject(rules: Rules | None, language: Language) -> str:
    """Of what is told at once, in one line; digests alone where it is of nothing. ``None``: unreadable."""
    if rules is None:
        return translate(N_("nothing, for its rules cannot be read: change or end it"), language)
    if not rules.what:
        return translate(N_("digests alone"), language)
    if rules.what == frozenset(What):
        return translate(N_("everything"), language)
    return ", ".join(translate(words, language) for what, words in WHATS.items() if what in rules.what)


def conditions(rules: Rules | None, language: Language) -> list[str]:
    """When it is told and when not, sentence by sentence."""
    if rules is None:
        return []
    return [translate(message, language, **values) for message, values in _conditions(rules, language)]


def _conditions(rules: Rules, language: Language) -> Iterator[tuple[str, dict[str, object]]]:
    if rules.what:
        yield from _delays(rules, language)
        yield from _limits(rules)
    if rules.reminders:
        days = ", ".join(str(each.days) for each in rules.reminders)
        yield N_("Reminded of what goes on after so many days: {days}."), {"days": days}
    if rules.daily:
        yield N_("A digest each day at {hour}."), {"hour": _hour(rules.digest_at)}
    if rules.weekly is not None:
        message = N_("A digest each {weekday} at {hour}.")
        if rules.backlog:
            message = N_("A digest each {weekday} at {hour}, with the eyes that never worked yet.")
        weekday = translate(WEEKDAYS[rules.weekly], language)
        yield message, {"weekday": weekday, "hour": _hour(rules.digest_at)}


def _delays(rules: Rules, language: Language) -> Iterator[tuple[str, dict[str, object]]]:
    if rules.least:
        yield N_("Told once it has lasted {length}."), {"length": _length(rules.least, language)}
    if rules.alone:
        message = N_("What takes a single eye: once it has lasted {length}, together at {hour}.")
        length = _length(rules.alone, language)
        yield message, {"length": length, "hour": _hour(rules.digest_at)}
    if rules.unacknowledged:
        message = N_("Only what nobody has acknowledged within {length}.")
        if rules.wide_at_once:
            message = N_("Only what nobody has acknowledged within {length}; several points, a site at once.")
        yield message, {"length": _length(rules.unacknowledged, language)}


def _limits(rules: Rules) -> Iterator[tuple[str, dict[str, object]]]:
    if rules.quiet is not None:
        begin, end = map(_hour, rules.quiet)
        yield N_("Quiet from {begin} to {end}; then one digest of it."), {"begin": begin, "end": end}
    yield N_("At most {count} an hour; of what is more, one summary."), {"count": rules.per_hour}
    if rules.per_week:
        yield N_("At most {count} in seven days; the rest in a digest."), {"count": rules.per_week}


def _hour(at: time) -> str:
    return f"{at:%H:%M}"


def _length(lasting: timedelta, language: Language) -> str:
    if lasting >= timedelta(days=2) and not lasting % timedelta(days=1):
        return translate_many(*NN_("{count} day", "{count} days"), lasting.days, language)
    if not lasting % timedelta(hours=1):
        return translate_many(*NN_("{count} hour", "{count} hours"), lasting // timedelta(hours=1), language)
    return duration(lasting // timedelta(microseconds=1), language)
