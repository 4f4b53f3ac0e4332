"""Maintenance windows: on, coming and past; a form to enter one; a notice read before it is entered."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from camera_registry import deeds, maintenance, notices, power_cuts, register_words, windows
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.audit import Actor
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.maintenance import Cover, Kind, NoSuchWindow, ScopeKind
from camera_registry.notices import Notice
from camera_registry.power_cuts import Doubt
from camera_registry.units import Scope
from camera_registry.uptime import Span
from camera_registry.windows import Repeats
from dashboards.rendering import Reader, page, reader_of

LONGEST_CODES = 5_000  # characters of one form's codes
MOST_TIMES = notices.MOST_DAYS * 4  # of one cut of a notice

Short = Annotated[str, Form(max_length=40)]
Reason = Annotated[str, Form(max_length=maintenance.LONGEST_REASON)]
Pasted = Annotated[
    str, Form(max_length=2 * notices.LONGEST_NOTICE)
]  # browsers send two characters for a line's end

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What stands in the form: nothing at first, and what was typed when it was refused."""

    kind: Kind = Kind.WORK
    scope: ScopeKind = ScopeKind.EYE
    codes: str = ""
    start: str = ""
    end: str = ""
    repeats: Repeats = Repeats.ONCE
    until: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Area:
    """One area of a notice: its words, what it would cover (scope and name), and what is in doubt."""

    text: str
    covers: Sequence[tuple[str, str]]
    doubt: Doubt | None


@dataclass(frozen=True, slots=True)
class Preview:
    """One cut of a notice as it would be entered; ``eyes`` counts what is sure."""

    spans: Sequence[Span]
    faults: Sequence[notices.Fault]
    reason: str
    areas: Sequence[Area]
    eyes: int


@router.get("/maintenance", dependencies=[may(Permission.VIEW)])
def show(
    desk: AtDesk,
    request: Request,
    scope: ScopeKind = ScopeKind.EYE,
    codes: Annotated[str, Query(max_length=LONGEST_CODES)] = "",
    start: Annotated[str, Query(max_length=40)] = "",
    done: Annotated[list[Number] | None, Query(max_length=MOST_TIMES)] = None,
) -> HTMLResponse:
    """The windows, and a form; other pages lead here with what they are about filled in.

    ``done`` are the windows that the reader has just entered or withdrawn.
    """
    return _page(request, desk, told=Told(scope=scope, codes=codes, start=start), done=done or ())


@router.post("/maintenance", dependencies=[may(Permission.MAINTAIN), FromOwnPage])
def enter(
    desk: AtDesk,
    request: Request,
    kind: Annotated[Kind, Form()],
    scope: Annotated[ScopeKind, Form()],
    start: Short,
    end: Short,
    codes: Annotated[str, Form(max_length=LONGEST_CODES)] = "",
    reason: Reason = "",
    repeats: Annotated[Repeats, Form()] = Repeats.ONCE,
    until: Short = "",
) -> Response:
    """Enter a window; its hours are those of the registry's zone."""
    told = Told(kind, scope, codes, start, end, repeats, until, reason)
    reader = reader_of(request, desk)
    try:
        span = Span(windows.moment_of(start, reader.zone), windows.moment_of(end, reader.zone))
        last = windows.moment_of(until, reader.zone).astimezone(reader.zone).date() if until.strip() else None
        with desk.database.transaction() as session:
            day = span.start.astimezone(reader.zone).date()
            covers = windows.covers_of(session, desk.scope, scope, codes, day, reader.today)
            entered = _enter(
                *(session, desk.actor, reader, kind, [span], covers, reason),
                recurrence=windows.rule_of(repeats, span.start, reader.zone, last),
            )
    except RegistryError as refused:
        return _page(request, desk, refused=refused.text(reader.language), told=told)
    return _to(entered)


@router.post("/maintenance/withdraw", dependencies=[may(Permission.MAINTAIN), FromOwnPage])
def withdraw(
    desk: AtDesk, request: Request, window: Annotated[Number, Form()], reason: Reason = ""
) -> Response:
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            windows.withdraw(*(session, desk.scope, desk.actor, reader.now, reader.zone, window, reason))
    except RegistryError as refused:
        return _page(request, desk, refused=refused.text(reader.language))
    return _to([window])


@router.post("/maintenance/notice", dependencies=[may(Permission.MAINTAIN), FromOwnPage])
def read(desk: AtDesk, request: Request, text: Pasted = "") -> HTMLResponse:
    """Show what a notice would cover. Nothing is entered."""
    reader = reader_of(request, desk)
    text = text.replace("\r\n", "\n")
    try:
        found = notices.read_notice(text, reader.today, reader.zone)
    except RegistryError as refused:
        return _page(request, desk, refused=refused.text(reader.language), text=text)
    with desk.database.reading() as session:
        previews = _previews(session, desk.scope, found, reader)
    return _page(request, desk, text=text, previews=previews, unread=found.unread)


@router.post("/maintenance/cut", dependencies=[may(Permission.MAINTAIN), FromOwnPage])
def enter_cut(
    desk: AtDesk,
    request: Request,
    spans: Annotated[list[str], Form(max_length=MOST_TIMES)],
    covers: Annotated[list[str] | None, Form(max_length=maintenance.MOST_COVERS)] = None,
    reason: Reason = "",
    text: Pasted = "",
) -> Response:
    """Enter one cut of a notice as a person has confirmed it: its times, and what was ticked."""
    reader = reader_of(request, desk)
    text = text.replace("\r\n", "\n")
    try:
        with desk.database.transaction() as session:
            times = [_span(told) for told in spans]
            days = reader.today, *(span.start.astimezone(reader.zone).date() for span in times)
            chosen = [maintenance.cover_of(session, desk.scope, told, *days) for told in covers or ()]
            entered = _enter(session, desk.actor, reader, Kind.POWER_CUT, times, chosen, reason, notice=text)
    except RegistryError as refused:
        return _page(request, desk, refused=refused.text(reader.language), text=text)
    return _to(entered)


def _enter(
    session: Session,
    actor: Actor,
    reader: Reader,
    kind: Kind,
    spans: Sequence[Span],
    covers: Sequence[Cover],
    reason: str,
    *,
    recurrence: str = "",
    notice: str = "",
) -> list[int]:
    """Enter one window for each span; their numbers."""
    return [
        maintenance.enter(
            session,
            actor,
            reader.now,
            reader.zone,
            kind=kind,
            span=span,
            covers=covers,
            reason=reason,
            recurrence=recurrence,
            notice=notice,
        )
        for span in spans
    ]


def _to(done: Sequence[int]) -> Response:
    """To the list, which says what was done: loaded again, it does nothing again."""
    return RedirectResponse("/maintenance?" + urlencode({"done": done}, doseq=True), 303)


def _said(session: Session, desk: Desk, reader: Reader, done: Sequence[int]) -> list[str]:
    """What the reader has entered or withdrawn; of what others did it says nothing."""
    said: list[str] = []
    months: set[date] = set()
    for number in done:
        try:
            window = maintenance.window(session, number)
        except NoSuchWindow:
            continue
        if desk.actor.name != (window.withdrawn_by or window.entered_by):
            continue
        if window.withdrawn_at:
            said.append(reader.say(N_("The window {id} is withdrawn."), id=number))
        else:
            eyes = sum(map(bool, maintenance.covered(session, [window], window.span, reader.zone).values()))
            message = N_("The window {id} is entered. Eyes that it covers: {eyes}.")
            said.append(reader.say(message, id=number, eyes=reader.number(eyes)))
        months.update(windows.closed_months(session, window, reader.now, reader.zone))
    return [*said, *_closed(sorted(months), reader)]


def _closed(months: Sequence[date], reader: Reader) -> list[str]:
    message = N_("{month} is closed: its figures stay as they are until it is amended.")
    return [reader.say(message, month=f"{month:%m/%Y}") for month in months]


def _span(told: str) -> Span:
    """``start/end`` as this page writes it (ISO 8601, both with their offset)."""
    try:
        start, end = (datetime.fromisoformat(part) for part in told[:100].split("/"))
    except ValueError:
        raise windows.WindowError(N_('"{text}" is no moment.'), text=told[:100]) from None
    if start.tzinfo is None or end.tzinfo is None:
        raise windows.WindowError(N_('"{text}" is no moment.'), text=told[:100])
    return Span(start, end)


def _previews(session: Session, scope: Scope, notice: Notice, reader: Reader) -> list[Preview]:
    found = []
    for each in power_cuts.propose(session, scope, notice, reader.today, reader.zone):
        named = {cover for match in each.matches for cover in match.covers}
        scopes, names = maintenance.scopes(session, named), maintenance.names(session, named)
        areas = [
            Area(match.text, [(scopes[cover], names[cover]) for cover in match.covers], match.doubt)
            for match in each.matches
        ]
        eyes = _eyes(session, each.cut.spans, each.sure, reader)
        found.append(Preview(each.cut.spans, each.cut.faults, each.cut.reason, areas, eyes))
    return found


def _eyes(session: Session, spans: Sequence[Span], covers: Sequence[Cover], reader: Reader) -> int:
    """How many eyes a window not yet entered would cover in its first time."""
    if not spans or not covers:
        return 0
    planned = maintenance.Window(0, Kind.POWER_CUT, spans[0], "", "", tuple(covers), reader.now, "")
    return sum(map(bool, maintenance.covered(session, [planned], spans[0], reader.zone).values()))


def _page(
    request: Request,
    desk: Desk,
    *,
    done: Sequence[int] = (),
    refused: str = "",
    told: Told | None = None,
    text: str = "",
    previews: Sequence[Preview] = (),
    unread: Sequence[str] = (),
) -> HTMLResponse:
    reader = reader_of(request, desk)
    beyond = () if desk.scope.unit_ids is None else (ScopeKind.ALL, ScopeKind.SITE)
    revision = desk.broadcaster.revision
    with desk.database.reading() as session:
        rows = windows.rows(session, desk.scope, reader.now, reader.zone)
        said = _said(session, desk, reader, done)
    return page(
        request,
        desk,
        "maintenance.html",
        reader=reader,
        status=409 if refused else 200,
        address="/maintenance",
        revision=revision,
        rows=rows,
        done=said,
        refused=refused,
        told=told or Told(),
        text=text,
        previews=previews,
        unread=unread,
        deeds=deeds,
        scopes={kind: words for kind, words in register_words.SCOPES.items() if kind not in beyond},
        longest_reason=maintenance.LONGEST_REASON,
        longest_notice=notices.LONGEST_NOTICE,
    )
