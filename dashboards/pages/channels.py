"""``/alerts/channels``: the ways to reach people, and how each does; a new one, a changed or a stopped one.

An address is typed here and never shown again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from camera_registry import audit, deeds
from camera_registry.alerts import channels, policy_words, reading, replies, subscribing, switched_on, trying
from camera_registry.alerts.channels import ADDRESSED, LONGEST_ADDRESS, LONGEST_NAME, Kind
from camera_registry.alerts.reading import ChannelRow
from camera_registry.alerts.subscribing import NoSuchChannel
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.credentials import CredentialStore
from camera_registry.errors import RegistryError
from camera_registry.i18n import LANGUAGES, N_, Language
from dashboards.rendering import Reader, page, reader_of

Text = Annotated[str, Form(max_length=2 * LONGEST_NAME)]
Address = Annotated[str, Form(max_length=2 * LONGEST_ADDRESS)]
Reason = Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)]

# What is typed as the address of each kind that has one.
HINTS: Mapping[Kind, str] = {
    Kind.EMAIL: N_("E-mail: the address of an office, such as truc.ban@example.vn."),
    Kind.WEBHOOK: N_("Program (webhook): the https:// address that it listens at."),
    Kind.APPRISE: N_("Other service: its URL as Apprise writes it."),
}

router = APIRouter(prefix="/alerts/channels", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed of a new channel; its address is not among it, for it is shown nowhere."""

    name: str = ""
    kind: Kind = Kind.EMAIL
    unit: str = ""
    language: Language = "vi"
    reason: str = ""


def _typed(
    kind: Annotated[Kind, Form()],
    name: Text = "",
    unit: Text = "",
    language: Annotated[Language, Form()] = "vi",
    reason: Reason = "",
) -> Typed:
    return Typed(name, kind, unit, language, reason)


@router.get("", dependencies=[may(Permission.ALERTS)])
def show(desk: AtDesk, request: Request) -> HTMLResponse:
    return _list(desk, request)


@router.post("", dependencies=[may(Permission.ALERTS), FromOwnPage])
def add(
    desk: AtDesk, request: Request, typed: Annotated[Typed, Depends(_typed)], address: Address = ""
) -> HTMLResponse:
    """Make a channel, and show what is shown once: how a chat is linked, what signs a webhook's requests."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            unit_id = subscribing.owner_in(session, desk.scope, reader.today, typed.unit)
            made = channels.add(
                *(session, CredentialStore(desk.settings), desk.actor, reader.now),
                name=typed.name,
                kind=typed.kind,
                unit_id=unit_id,
                language=typed.language,
                address=address,
                reason=typed.reason,
                networks=desk.settings.webhook_networks,
            )
    except RegistryError as refused:
        return _list(desk, request, typed=typed, refused=refused.text(reader.language))
    done = reader.say(N_("The channel is made. Now say what it hears of."))
    return _one(desk, request, made.id, done=done, secret=made.secret)


@router.get("/{number}", dependencies=[may(Permission.ALERTS)])
def show_one(desk: AtDesk, request: Request, number: Number) -> HTMLResponse:
    return _one(desk, request, number)


@router.post("/{number}", dependencies=[may(Permission.ALERTS), FromOwnPage])
def change(
    desk: AtDesk,
    request: Request,
    number: Number,
    name: Text = "",
    language: Annotated[Language, Form()] = "vi",
    address: Address = "",
    reason: Reason = "",
) -> HTMLResponse:
    """An address that is left empty stays as it is."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            _known(session, desk, reader, number)
            channels.change(
                *(session, CredentialStore(desk.settings), desk.actor, reader.now, number),
                name=name,
                language=language,
                address=address or None,
                reason=reason,
                networks=desk.settings.webhook_networks,
            )
    except RegistryError as refused:
        typed = Typed(name=name, language=language, reason=reason)
        return _one(desk, request, number, typed=typed, refused=refused.text(reader.language))
    return _one(desk, request, number, done=reader.say(N_("The channel is changed.")))


@router.post("/{number}/test", dependencies=[may(Permission.ALERTS), FromOwnPage])
def test(desk: AtDesk, request: Request, number: Number) -> HTMLResponse:
    """Send a message that only tries it."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            channel = _known(session, desk, reader, number)
            trying.send_test(session, desk.actor, reader.now, reader.zone, channel)
    except RegistryError as refused:
        return _one(desk, request, number, refused=refused.text(reader.language))
    done = reader.say(N_("A test is on its way: below stands what comes of it."))
    return _one(desk, request, number, done=done)


@router.post("/{number}/link-code", dependencies=[may(Permission.ALERTS), FromOwnPage])
def link_code(desk: AtDesk, request: Request, number: Number) -> HTMLResponse:
    """A code that links a chat with our bot, shown once."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            channel = _known(session, desk, reader, number)
            switched_on.require(channel.kind, desk.settings)
            store = CredentialStore(desk.settings)
            code = replies.make_code(session, store, desk.actor, reader.now, number)
    except RegistryError as refused:
        return _one(desk, request, number, refused=refused.text(reader.language))
    return _one(desk, request, number, code=code)


@router.get("/{number}/stop", dependencies=[may(Permission.ALERTS)])
def ask_to_stop(desk: AtDesk, request: Request, number: Number) -> HTMLResponse:
    """Says what is told there, and wants to know why."""
    return _ask(desk, request, number)


@router.post("/{number}/stop", dependencies=[may(Permission.ALERTS), FromOwnPage])
def stop(desk: AtDesk, request: Request, number: Number, reason: Reason = "") -> HTMLResponse:
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            channel = _known(session, desk, reader, number)
            channels.stop(session, desk.actor, reader.now, number, reason)
    except RegistryError as refused:
        return _ask(desk, request, number, reason=reason, refused=refused.text(reader.language))
    done = reader.say(N_('The channel "{name}" is stopped.'), name=channel.name)
    return _list(desk, request, done=done)


def _known(session: Session, desk: Desk, reader: Reader, number: int) -> ChannelRow:
    """The channel; what the reader may not see is not there."""
    try:
        return subscribing.known_channel(session, desk.scope, reader.now, reader.today, number)
    except NoSuchChannel:
        raise HTTPException(404) from None


def _list(
    desk: Desk, request: Request, *, typed: Typed | None = None, done: str = "", refused: str = ""
) -> HTMLResponse:
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision
    with desk.database.reading() as session:
        rows = reading.channels(session, desk.scope, reader.now, reader.today)
        units = subscribing.units(session, desk.scope, reader.today)
    return page(
        request,
        desk,
        "channels.html",
        reader=reader,
        status=409 if refused else 200,
        address="/alerts/channels",
        revision=revision,
        living=[row for row in rows if row.stopped_at is None],
        stopped=[row for row in rows if row.stopped_at is not None],
        units=units,
        everything=desk.scope.unit_ids is None,
        typed=typed or Typed(language=reader.language),
        spoken=LANGUAGES,
        words=deeds,
        kinds=deeds.CHANNELS,
        hints=HINTS,
        lacking=switched_on.lacking(desk.settings),
        done=done,
        refused=refused,
        longest_name=LONGEST_NAME,
        longest_address=LONGEST_ADDRESS,
    )


def _one(
    desk: Desk,
    request: Request,
    number: int,
    *,
    typed: Typed | None = None,
    done: str = "",
    refused: str = "",
    code: str = "",
    secret: str = "",
) -> HTMLResponse:
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision
    with desk.database.reading() as session:
        channel = _known(session, desk, reader, number)
        told = [
            row
            for row in reading.subscriptions(session, desk.scope, reader.today)
            if row.channel_id == channel.id
        ]
        wanted = reading.Wanted(channel=channel.id)
        newest = reading.page(session, desk.scope, reader.today, wanted, limit=5)
    return page(
        request,
        desk,
        "channel.html",
        reader=reader,
        status=409 if refused else 200,
        address=f"/alerts/channels/{number}",
        revision=revision,
        channel=channel,
        words=deeds,
        policy=policy_words,
        told=told,
        newest=newest.messages,
        typed=typed or Typed(name=channel.name, language=channel.language),
        addressed=channel.kind in ADDRESSED,
        spoken=LANGUAGES,
        hints=HINTS,
        lacking=switched_on.lacking(desk.settings).get(Kind(channel.kind), ""),
        code=f"{replies.Verb.LINK.upper()} {code}" if code else "",
        minutes=replies.CODE_FOR // timedelta(minutes=1),
        secret=secret,
        done=done,
        refused=refused,
        longest_name=LONGEST_NAME,
        longest_address=LONGEST_ADDRESS,
    )


def _ask(desk: Desk, request: Request, number: int, *, reason: str = "", refused: str = "") -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        channel = _known(session, desk, reader, number)
    return page(
        request,
        desk,
        "channel_stop.html",
        reader=reader,
        status=409 if refused else 200,
        channel=channel,
        reason=reason,
        refused=refused,
    )
