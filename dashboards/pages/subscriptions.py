"""``/alerts/subscriptions``: who hears what of which unit, a sentence each; a new one, changed, or ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from camera_registry import audit, deeds
from camera_registry.alerts import defaults, policy_words, reading, rules, subscribing
from camera_registry.alerts.reading import SubscriptionRow
from camera_registry.alerts.rules import CITY_RULES, WARD_RULES, Rules
from camera_registry.alerts.subscribing import NoSuchSubscription, Of
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import LARGEST, Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from dashboards.rendering import Reader, page, reader_of

MOST_HOURS, MOST_MINUTES = rules.LONGEST // timedelta(hours=1), rules.LONGEST // timedelta(minutes=1)
Hour = Annotated[str, Form(max_length=5)]
Slugs = Annotated[list[str] | None, Form(max_length=20)]
Reason = Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)]
Named = Annotated[str, Form(max_length=200)]

router = APIRouter(prefix="/alerts/subscriptions", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Typed:
    """Rules as the form has them: ``least`` in minutes, the other lengths in hours; reminders in days."""

    what: Sequence[str]
    least: int
    alone: float
    unacknowledged: float
    wide_at_once: bool
    quiet: bool
    quiet_from: str
    quiet_until: str
    per_hour: int
    per_week: int
    reminders: Sequence[int]
    daily: bool
    weekly: int | None
    digest_at: str
    backlog: bool

    @classmethod
    def of(cls, kept: Rules) -> "Typed":
        quiet = kept.quiet or WARD_RULES.quiet
        assert quiet is not None
        return cls(
            what=sorted(kept.what),
            least=kept.least // timedelta(minutes=1),
            alone=kept.alone / timedelta(hours=1),
            unacknowledged=kept.unacknowledged / timedelta(hours=1),
            wide_at_once=kept.wide_at_once,
            quiet=kept.quiet is not None,
            quiet_from=f"{quiet[0]:%H:%M}",
            quiet_until=f"{quiet[1]:%H:%M}",
            per_hour=kept.per_hour,
            per_week=kept.per_week,
            reminders=[each.days for each in kept.reminders],
            daily=kept.daily,
            weekly=kept.weekly,
            digest_at=f"{kept.digest_at:%H:%M}",
            backlog=kept.backlog,
        )

    @property
    def rules(self) -> Rules:
        """Raises ``RulesError``."""
        return rules.from_json(
            {
                "what": list(self.what),
                "least": f"{self.least}m",
                "alone": f"{round(self.alone * 60)}m",
                "unacknowledged": f"{round(self.unacknowledged * 60)}m",
                "wide_at_once": self.wide_at_once,
                "quiet": [self.quiet_from, self.quiet_until] if self.quiet else None,
                "per_hour": self.per_hour,
                "per_week": self.per_week,
                "reminders": [f"{days}d" for days in self.reminders],
                "daily": self.daily,
                "weekly": self.weekly,
                "digest_at": self.digest_at,
                "backlog": self.backlog,
            }
        )


def _typed(
    what: Slugs = None,
    least: Annotated[int, Form(ge=0, le=MOST_MINUTES)] = 0,
    alone: Annotated[float, Form(ge=0, le=MOST_HOURS)] = 0,
    unacknowledged: Annotated[float, Form(ge=0, le=MOST_HOURS)] = 0,
    wide_at_once: Annotated[bool, Form()] = False,
    quiet: Annotated[bool, Form()] = False,
    quiet_from: Hour = "",
    quiet_until: Hour = "",
    per_hour: Annotated[int, Form(ge=0, le=LARGEST)] = 0,
    per_week: Annotated[int, Form(ge=0, le=LARGEST)] = 0,
    reminders: Annotated[list[int] | None, Form(max_length=len(rules.REMINDERS))] = None,
    daily: Annotated[bool, Form()] = False,
    weekly: Annotated[int | None, Form(ge=0, le=6)] = None,
    digest_at: Hour = "",
    backlog: Annotated[bool, Form()] = False,
) -> Typed:
    return Typed(
        *(what or (), least, alone, unacknowledged, wide_at_once, quiet, quiet_from, quiet_until),
        *(per_hour, per_week, reminders or (), daily, weekly, digest_at, backlog),
    )


FromForm = Annotated[Typed, Depends(_typed)]


@router.get("", dependencies=[may(Permission.VIEW)])
def show(desk: AtDesk, request: Request) -> HTMLResponse:
    return _list(desk, request)


@router.get("/new", dependencies=[may(Permission.ALERTS)])
def form(
    desk: AtDesk,
    request: Request,
    channel: Annotated[Number, Query()] = 0,
    of: Annotated[str, Query(max_length=200)] = "",
) -> HTMLResponse:
    """First who hears of what place, then the rules that are usual there, to be changed or taken as they are.

    Other pages lead here with the channel filled in, or the place.
    """
    return _new(desk, request, channel, of)


@router.post("", dependencies=[may(Permission.ALERTS), FromOwnPage])
def add(
    desk: AtDesk,
    request: Request,
    typed: FromForm,
    channel: Annotated[Number, Form()] = 0,
    of: Named = "",
    reason: Reason = "",
) -> HTMLResponse:
    """Have a channel told of a unit, a site, or the city."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            made = subscribing.add(
                *(session, desk.scope, desk.actor, reader.now, reader.today),
                *(channel, _of(of), typed.rules),
                reason=reason,
            )
    except RegistryError as refused:
        return _new(
            *(desk, request, channel, of, typed, reason),
            refused=refused.text(reader.language),
        )
    return _list(desk, request, done=N_("The subscription is made; it holds from now on."), which=made.id)


@router.get("/{number}", dependencies=[may(Permission.ALERTS)])
def show_one(desk: AtDesk, request: Request, number: Number) -> HTMLResponse:
    return _one(desk, request, number)


@router.post("/{number}", dependencies=[may(Permission.ALERTS), FromOwnPage])
def change(
    desk: AtDesk, request: Request, number: Number, typed: FromForm, reason: Reason = ""
) -> HTMLResponse:
    """By other rules, from now on."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            _known(session, desk, reader, number)
            subscribing.change(
                *(session, desk.scope, desk.actor, reader.now, reader.today, number, typed.rules),
                reason=reason,
            )
    except RegistryError as refused:
        return _one(desk, request, number, typed, reason, refused=refused.text(reader.language))
    return _list(desk, request, done=N_("The subscription is changed; it holds from now on."), which=number)


@router.get("/{number}/end", dependencies=[may(Permission.ALERTS)])
def ask_to_end(desk: AtDesk, request: Request, number: Number) -> HTMLResponse:
    """Says who hears of it no more, and wants to know why."""
    return _ask(desk, request, number)


@router.post("/{number}/end", dependencies=[may(Permission.ALERTS), FromOwnPage])
def end(desk: AtDesk, request: Request, number: Number, reason: Reason = "") -> HTMLResponse:
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            _known(session, desk, reader, number)
            subscribing.end(
                *(session, desk.scope, desk.actor, reader.now, reader.today, number), reason=reason
            )
    except RegistryError as refused:
        return _ask(desk, request, number, reason, refused=refused.text(reader.language))
    return _list(desk, request, done=N_("The subscription is ended."))


def _of(text: str) -> Of:
    kind, _, name = text.partition(":")
    return Of(unit=name if kind == "unit" else "", site=name if kind == "site" else "")


def _known(session: Session, desk: Desk, reader: Reader, number: int) -> SubscriptionRow:
    """The subscription; what the reader may not see is not there."""
    try:
        return subscribing.known(session, desk.scope, reader.today, number)
    except NoSuchSubscription:
        raise HTTPException(404) from None


def _list(desk: Desk, request: Request, *, done: str = "", which: int = 0) -> HTMLResponse:
    """``which`` is the one that a deed was just done to."""
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision
    with desk.database.reading() as session:
        rows = reading.subscriptions(session, desk.scope, reader.today)
        unheard = reading.unheard(session, desk.scope, reader.today)
    return page(
        request,
        desk,
        "subscriptions.html",
        reader=reader,
        address="/alerts/subscriptions",
        revision=revision,
        groups=[(where, list(them)) for where, them in groupby(rows, key=lambda row: (row.unit, row.site))],
        unheard=unheard,
        which=which,
        usual=defaults.MADE_BY,
        done=[reader.say(done)] if done else [],
        policy=policy_words,
        words=deeds,
    )


def _new(
    desk: Desk,
    request: Request,
    channel: int,
    of: str,
    typed: Typed | None = None,
    reason: str = "",
    *,
    refused: str = "",
) -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        found = reading.channels(session, desk.scope, reader.now, reader.today)
        units = subscribing.units(session, desk.scope, reader.today)
        sites = subscribing.sites(session, desk.scope)
    living = [row for row in found if row.stopped_at is None]
    unit = next((each for each in units if each.uid == _of(of).unit), None)
    usual = CITY_RULES if unit is None else WARD_RULES
    return page(
        request,
        desk,
        "subscription_new.html",
        reader=reader,
        status=409 if refused else 200,
        channels=living,
        channel=channel,
        chosen=next((row for row in living if row.id == channel), None),
        place_name=unit.name if unit else _of(of).site or reader.say(N_("The whole city")),
        units=units,
        sites=sites,
        everything=desk.scope.unit_ids is None,
        of=of,
        typed=typed or Typed.of(usual),
        reason=reason,
        refused=refused,
        **_offered(),
    )


def _one(
    desk: Desk,
    request: Request,
    number: int,
    typed: Typed | None = None,
    reason: str = "",
    *,
    refused: str = "",
) -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        row = _known(session, desk, reader, number)
    return page(
        request,
        desk,
        "subscription.html",
        reader=reader,
        status=409 if refused else 200,
        row=row,
        typed=typed or Typed.of(row.rules or (WARD_RULES if row.unit else CITY_RULES)),
        reason=reason,
        refused=refused,
        **_offered(),
    )


def _ask(desk: Desk, request: Request, number: int, reason: str = "", *, refused: str = "") -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        row = _known(session, desk, reader, number)
    return page(
        request,
        desk,
        "subscription_end.html",
        reader=reader,
        status=409 if refused else 200,
        row=row,
        reason=reason,
        refused=refused,
        policy=policy_words,
        words=deeds,
    )


def _offered() -> dict[str, Any]:
    """What the form of the rules offers, and its limits."""
    return {
        "policy": policy_words,
        "words": deeds,
        "most_minutes": MOST_MINUTES,
        "most_hours": MOST_HOURS,
        "most_per_hour": rules.MOST_PER_HOUR,
        "most_per_week": rules.MOST_PER_WEEK,
        "reminders": [each.days for each in rules.REMINDERS],
    }
