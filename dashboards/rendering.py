"""Makes HTML of values: templates, the reader's language, and the words for slugs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from camera_registry import deeds, i18n, incidents, words
from camera_registry.api.desk import Desk
from camera_registry.explaining import Absence
from camera_registry.facts import Change
from camera_registry.findings import Evidence
from camera_registry.grades import Grade
from camera_registry.i18n import LANGUAGES, Language
from camera_registry.inventory import Funding, Word
from camera_registry.maintenance import Kind
from camera_registry.queries import EyeRow, Overlay
from camera_registry.uptime import MAINTENANCE
from probes.reasons import Reason
from probes.result import Mode, Step

HERE = Path(__file__).parent
STATIC = HERE / "static"
LANGUAGE_COOKIE = "lang"
A_YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a page: the language, the zone, and the moment the page is true for."""

    language: Language
    zone: tzinfo
    now: datetime

    def say(self, message: str, **values: object) -> str:
        return i18n.translate(message, self.language, **values)

    def number(self, value: float) -> str:
        return i18n.number(value, self.language)

    def percent(self, share: float | None) -> str:
        """Nothing observed is no percentage, neither 0 nor 100."""
        return self.say(i18n.N_("not observed")) if share is None else i18n.percent(share, self.language)

    def seconds(self, value: float | None) -> str:
        return "" if value is None else f"{i18n.number(round(value, 3), self.language)}\N{NO-BREAK SPACE}s"

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
        minutes = max(0, round((self.now - at).total_seconds() / 60))
        if minutes < 120:
            return self.say(i18n.N_("{count} minutes ago"), count=minutes)
        if minutes < 48 * 60:
            return self.say(i18n.N_("{count} hours ago"), count=round(minutes / 60))
        return self.say(i18n.N_("{count} days ago"), count=round(minutes / 1440))

    def offset(self, seconds: float) -> str:
        """How far a clock is off: ``+0,4 s``."""
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
        return self.say(deeds.WINDOWS[Kind(slug)])

    def incident(self, slug: str) -> str:
        return self.say(deeds.INCIDENTS[incidents.Kind(slug)])

    def funding(self, slug: str) -> str:
        """Who paid; what an import left as it was written speaks for itself."""
        known = deeds.FUNDINGS.get(Funding(slug)) if slug in set(Funding) else None
        return self.say(known) if known else slug

    def rate(self, slug: str) -> str:
        return self.say(deeds.RATES[slug])

    def formula(self, slug: str) -> str:
        """What is divided by what, in words."""
        return self.say(deeds.FORMULAS[slug])

    def change(self, slug: str) -> str:
        return self.say(deeds.CHANGES[Change(slug)])

    def reported(self, slug: str) -> str:
        return self.say(deeds.REPORTED[Word(slug)])

    def step(self, slug: str) -> str:
        return self.say(words.STEPS[Step(slug)])


def reader_of(request: Request, desk: Desk) -> Reader:
    """The language is chosen by ``?lang=``, then by the cookie that this leaves, then by the settings."""
    asked = (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE))
    language = next((known for want in asked for known in LANGUAGES if known == want), desk.settings.language)
    return Reader(language, desk.settings.zone, desk.now())


def page(
    request: Request, desk: Desk, template: str, *, reader: Reader, status: int = 200, **values: object
) -> HTMLResponse:
    """One page or fragment. Templates find ``reader``, ``_`` and whatever is handed in."""
    query = {name: value for name, value in request.query_params.items() if name != "lang"}
    html = (
        environment()
        .get_template(template)
        .render(
            reader=reader,
            _=reader.say,
            notice=desk.notice,
            languages={language: _with(query, lang=language) for language in LANGUAGES},
            **values,
        )
    )
    response = HTMLResponse(html, status, headers={"Cache-Control": "no-store"})
    if request.query_params.get("lang") == reader.language:
        response.set_cookie(
            LANGUAGE_COOKIE, reader.language, max_age=A_YEAR_S, samesite="strict", httponly=True
        )
    return response


def _with(query: Mapping[str, str], **more: str) -> str:
    """A link to the same page with other conditions; empty ones are left out."""
    return "?" + urlencode({name: value for name, value in {**query, **more}.items() if value})


@cache
def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(static=_static, link=_with)
    made.filters["in_path"] = partial(quote, safe="")
    return made


@cache
def _static(name: str) -> str:
    """The address of an asset; it changes with the contents, so browsers may keep it for ever."""
    return f"/static/{name}?v={sha256((STATIC / name).read_bytes()).hexdigest()[:12]}"
