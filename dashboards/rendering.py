"""Makes HTML of values: templates, the reader's language, and the words for slugs."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from camera_registry import audit, deeds, i18n, incidents, register_words, words
from camera_registry.alerts.failure_words import failure
from camera_registry.api.desk import Desk
from camera_registry.audit import Action
from camera_registry.auth.roles import Permission, Role
from camera_registry.census import Pulse
from camera_registry.explaining import Absence
from camera_registry.facts import Change
from camera_registry.findings import Evidence
from camera_registry.grades import Grade
from camera_registry.i18n import LANGUAGES, Language
from camera_registry.inventory import Funding, Word
from camera_registry.maintenance import Kind
from camera_registry.queries import EyeRow, Overlay
from camera_registry.uptime import MAINTENANCE
from camera_registry.windows import Phase
from dashboards import assets, navigation
from probes.reasons import Reason
from probes.result import Mode, Step

TEMPLATES = Path(__file__).parent / "templates"
VERSION = version("camera-registry")
THEMES = {"auto": i18n.N_("As the device"), "light": i18n.N_("Light"), "dark": i18n.N_("Dark")}
LANGUAGE_COOKIE, THEME_COOKIE = "lang", "theme"  # both may be asked for by ?lang= and ?theme=
_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")
A_YEAR_S = 365 * 24 * 3600

Known = TypeVar("Known", bound=str)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a page: the language, the zone, and the moment the page is true for."""

    language: Language
    zone: tzinfo
    now: datetime

    @property
    def today(self) -> date:
        """The day that it is in the reader's zone."""
        return self.now.astimezone(self.zone).date()

    def say(self, message: str, **values: object) -> str:
        return i18n.translate(message, self.language, **values)

    def many(self, one: str, more: str, count: int, **values: object) -> str:
        """A message about one thing or several; ``{count}`` in it is the number."""
        return i18n.translate_many(one, more, count, self.language, **values)

    def number(self, value: float) -> str:
        return i18n.number(value, self.language)

    def dong(self, amount: int) -> str:
        return i18n.dong(amount, self.language)

    def size(self, count: int) -> str:
        """Bytes, in the unit that says them best."""
        thousands = (len(str(count)) - 1) // 3
        return f"{self.number(round(count / 1000**thousands, 1))}\N{NO-BREAK SPACE}{_SIZES[thousands]}"

    def percent(self, share: float | None) -> str:
        """Nothing observed is no percentage, neither 0 nor 100."""
        return self.say(i18n.N_("not observed")) if share is None else i18n.percent(share, self.language)

    def seconds(self, value: float | None) -> str:
        return "" if value is None else i18n.seconds(round(value, 3), self.language)

    def moment(self, at: datetime) -> str:
        return i18n.moment(at, self.language, self.zone)

    def duration(self, us: int) -> str:
        """Exact, of microseconds."""
        return i18n.duration(us, self.language)

    def about(self, seconds: float | None) -> str:
        """A length to the second, where it is a mean; a dash where there is none."""
        return "–" if seconds is None else i18n.duration(round(seconds) * 1_000_000, self.language)

    def hours(self, us: int) -> str:
        """Hours to a tenth, for tables."""
        return self.number(round(us / 3_600_000_000, 1))

    def day(self, day: date) -> str:
        return i18n.day(day, self.language)

    def stamp(self, at: datetime) -> Markup:
        """A moment of the past with its year, to the minute or as exact as it is to the second."""
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            at.isoformat(timespec="seconds"), self.moment(at), self.plain_stamp(at)
        )

    def plain_stamp(self, at: datetime) -> str:
        return i18n.stamp(at, self.language, self.zone)

    def time(self, at: datetime | None) -> Markup:
        """A moment, short; exact when pointed at, and for machines."""
        if at is None:
            return Markup()
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            at.isoformat(timespec="seconds"),
            self.moment(at),
            i18n.short_moment(at, self.now, self.language, self.zone),
        )

    def standing(self, slug: str) -> str:
        return self.say(words.STANDINGS[slug])

    def state(self, slug: str) -> str:
        """A state of any ledger, of a check or of the eye; or what a time is counted as."""
        if slug == MAINTENANCE:
            return self.say(deeds.MAINTENANCE)
        return self.say({**words.OUTCOMES, **words.STANDINGS}[slug])

    def reason(self, slug: str) -> str:
        return self.say(words.reason_text(slug))

    def why(self, row: EyeRow) -> str:
        """Why an eye is counted as it is; nothing where there is nothing to say."""
        if row.reason is Reason.NEVER_PROBED and row.probed_at is not None:
            return self.say(i18n.N_("The first probes failed; that waits to be confirmed."))
        if row.reason is Reason.NEVER_PROBED and row.overlay is Overlay.NOT_STARTED:
            return self.say(i18n.N_("Probing has not been started."))
        return "" if row.reason in (None, Reason.OK) else self.reason(row.reason)

    def ledger(self, slug: str) -> str:
        return self.say(words.LEDGERS[slug])

    def ago(self, at: datetime) -> str:
        """How long ago, in the unit that says it best."""
        minutes = round((self.now - at).total_seconds() / 60)
        if minutes < 1:
            return self.say(i18n.N_("just now"))
        if minutes < 120:
            return self.many("{count} minute ago", "{count} minutes ago", minutes)
        if minutes < 48 * 60:
            return self.many("{count} hour ago", "{count} hours ago", round(minutes / 60))
        return self.many("{count} day ago", "{count} days ago", round(minutes / 1440))

    def lasting(self, since: datetime, until: datetime | None) -> str:
        """For how long, to the minute; in days where it is long. ``until`` is ``None`` while it goes on."""
        minutes = int(((until or self.now) - since).total_seconds() // 60)
        if minutes < 1:
            return self.say(i18n.N_("for less than a minute"))
        if minutes < 48 * 60:
            return self.say(i18n.N_("for {length}"), length=self.duration(minutes * 60_000_000))
        return self.many("for {count} day", "for {count} days", minutes // 1440)

    def days(self, length: timedelta) -> str:
        """A length of time as it matters for repairs: in days, or hours where it is short."""
        hours = int(length.total_seconds() // 3600)
        if hours < 48:
            return self.many("{count} hour", "{count} hours", hours)
        return self.many("{count} day", "{count} days", hours // 24)

    def offset(self, seconds: float) -> str:
        """How far a clock is off: ``+0,4 giây``."""
        return f"{'+' if seconds >= 0 else '−'}{self.seconds(round(abs(seconds), 1))}"

    def mode(self, slug: str) -> str:
        return self.say(words.MODES[Mode(slug)])

    def evidence(self, slug: str) -> str:
        return self.say(deeds.EVIDENCE[Evidence(slug)])

    def grade(self, slug: str) -> str:
        return self.say(deeds.GRADES[Grade(slug)])

    def absence(self, slug: str) -> str:
        return self.say(deeds.ABSENCES[Absence(slug)]) if slug else ""

    def window(self, slug: str) -> str:
        return self.say(register_words.WINDOWS[Kind(slug)])

    def phase(self, slug: str) -> str:
        """Where a window of maintenance stands in time."""
        return self.say(deeds.PHASES[Phase(slug)])

    def incident(self, slug: str) -> str:
        return self.say(deeds.INCIDENTS[incidents.Kind(slug)])

    def funding(self, slug: str) -> str:
        """Who paid; what an import left as it was written speaks for itself."""
        known = register_words.FUNDINGS.get(Funding(slug)) if slug in set(Funding) else None
        return self.say(known) if known else slug

    def rate(self, slug: str) -> str:
        return self.say(deeds.RATES[slug])

    def formula(self, slug: str) -> str:
        """What is divided by what, in words."""
        return self.say(deeds.FORMULAS[slug])

    def change(self, slug: str) -> str:
        return self.say(deeds.CHANGES[Change(slug)])

    def reported(self, slug: str) -> str:
        return self.say(register_words.REPORTED[Word(slug)])

    def step(self, slug: str) -> str:
        return self.say(words.STEPS[Step(slug)])

    def role(self, slug: str) -> str:
        return self.say(deeds.ROLES[Role(slug)])

    def action(self, slug: str) -> str:
        return self.say(deeds.ACTIONS[Action(slug)]) if slug in set(Action) else slug

    def kind(self, slug: str) -> str:
        """Of what kind something is that a deed was done to."""
        return self.say(deeds.SUBJECTS[slug]) if slug in deeds.SUBJECTS else slug

    def subject(self, text: str) -> str:
        """What a deed was done to, or a window covers."""
        return deeds.subject(text, self.language)

    def who(self, text: str) -> str:
        """Who did something: a user's name, or over which channel it was done."""
        return deeds.who(text, self.language)

    def failure(self, raw: str) -> str:
        """Why a message was not sent, and what to do about it."""
        return failure(raw, self.language)

    def of_subject(self, text: str) -> str:
        """The same inside of a sentence."""
        said = self.subject(text)
        return said[:1].lower() + said[1:]

    def field(self, name: str, of: str = "") -> str:
        """What people call a value that the audit keeps; ``of`` as in ``deeds.field``."""
        return deeds.field(name, self.language, of)

    def value(self, name: str, value: object, of: str = "") -> str:
        """A value that the audit keeps under ``name``, as people read it; ``of`` as in ``deeds.field``."""
        match value:
            case None | "":
                return "–"
            case list() | dict() if not value:
                return "–"
            case bool():
                return self.say(i18n.N_("yes") if value else i18n.N_("no"))
            case int() | float():
                return self.number(value)
            case list():
                return ", ".join(self.value(name, each, of) for each in value)
            case dict():
                return ", ".join(
                    f"{self.field(key, name)}: {self.value(key, each, name)}" for key, each in value.items()
                )
        text = str(value)
        if name == "covers" or (name, of) == ("subject", "asked"):
            return self.subject(text)
        if text in deeds.VALUES_OF.get(of, {}).get(name, ()):
            return self.say(deeds.VALUES_OF[of][name][text])
        if name in deeds.VALUES and text in deeds.VALUES[name]:
            return self.say(deeds.VALUES[name][text])
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return self.day(date.fromisoformat(text))
        if re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+(\+[\d:]+)", text):
            return self.moment(datetime.fromisoformat(text))
        return text


def reader_of(request: Request, desk: Desk) -> Reader:
    """The language is chosen by ``?lang=``, then by the cookie that this leaves, then by the settings."""
    language = _chosen(request, LANGUAGE_COOKIE, LANGUAGES, desk.settings.language)
    return Reader(language, desk.settings.zone, desk.now())


def _chosen(request: Request, name: str, known: Iterable[Known], otherwise: Known) -> Known:
    """What the address asks for, or the cookie that such an address left."""
    asked = (request.query_params.get(name), request.cookies.get(name))
    return next((each for want in asked for each in known if each == want), otherwise)


def page(
    request: Request,
    desk: Desk,
    template: str,
    *,
    reader: Reader,
    status: int = 200,
    place: str = "",
    address: str = "",
    pulse: Pulse | None = None,
    **values: object,
) -> HTMLResponse:
    """One page or fragment. Templates find ``reader``, ``_``, ``_n``, ``may`` and whatever is handed in.

    ``place`` is the address of the place in the head that this is, where the request's own does not say.
    ``address`` is where the page can be asked for, if this is the answer to a form: from there it is renewed,
    and there its links to other languages and themes lead. Without one, such an answer offers neither.
    ``pulse`` is that of the reader's scope, where the page has read it already.
    """
    theme = _chosen(request, THEME_COOKIE, THEMES, "auto")
    preferences = {LANGUAGE_COOKIE: reader.language, THEME_COOKIE: theme}
    asked = request.method in ("GET", "HEAD")
    path, query = ("", request.url.query) if asked else urlsplit(address)[2:4]

    def preferring(name: str, value: str) -> str:
        others = [(each, held) for each, held in parse_qsl(query) if each not in preferences]
        return f"{path}?{urlencode([*others, (name, value)])}"

    html = (
        environment()
        .get_template(template)
        .render(
            reader=reader,
            _=reader.say,
            _n=reader.many,
            notice=desk.notice,
            address=address if not asked else "",
            languages={each: preferring(LANGUAGE_COOKIE, each) for each in LANGUAGES if asked or address},
            theme=theme,
            themes={
                each: (preferring(THEME_COOKIE, each), words)
                for each, words in THEMES.items()
                if asked or address
            },
            may=desk.may,
            identity=desk.identity,
            places=navigation.places(desk.may),
            here=place or navigation.current(request.url.path),
            version=VERSION,
            pulse=lambda: pulse or desk.pulse(desk.scope, reader.now),
            **values,
        )
    )
    response = HTMLResponse(html, status, headers={"Cache-Control": "no-store"})
    for name, value in preferences.items():
        if request.query_params.get(name) == value:
            response.set_cookie(name, value, max_age=A_YEAR_S, samesite="strict", httponly=True)
    return response


def _with(query: Mapping[str, str], **more: str) -> str:
    """A link to the same page with other conditions; empty ones are left out."""
    return "?" + urlencode({name: value for name, value in {**query, **more}.items() if value})


def _dialled(number: str) -> str:
    """What a telephone dials of a number as people write it: the first, where there are several."""
    return re.sub(r"[^0-9+]", "", re.split("[/;,]", number)[0])


@cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        static=assets.address,
        link=_with,
        page_of=navigation.page_of,
        Permission=Permission,
        longest_reason=audit.LONGEST_REASON,
    )
    made.filters["in_path"] = partial(quote, safe="")
    made.filters["dialled"] = _dialled
    return made
