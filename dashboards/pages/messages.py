"""``/alerts``: what was told, to whom, and what came of it: the in-app inbox, and every other channel."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from sqlalchemy.orm import Session

from camera_registry import audit, deeds, queries
from camera_registry.alerts import outbox, reading
from camera_registry.alerts.outbox import State
from camera_registry.alerts.reading import MessageRow, Wanted
from camera_registry.alerts.routing import Kind
from camera_registry.api.audit import Before
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from dashboards import tables
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import AsFile, Column

LONGEST_CONDITION = 200  # characters
MOST_IN_A_FILE = 50_000  # messages
EVERY = "all"  # of ``channel``: not the inbox alone

Condition = Annotated[str, Query(max_length=LONGEST_CONDITION)]

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Asked:
    """The conditions as an address tells them; one that is none of ours holds for all.

    ``channel`` is the number of one, or ``EVERY``; empty: the inbox.
    """

    channel: Condition = ""
    state: Condition = ""
    kind: Condition = ""
    unit: Condition = ""
    q: Condition = ""

    @property
    def query(self) -> dict[str, str]:
        """The same for another address."""
        return {name: value for name, value in asdict(self).items() if value}

    @property
    def wanted(self) -> Wanted:
        return Wanted(
            inbox=not self.channel,
            channel=int(self.channel) if self.channel.isdecimal() and len(self.channel) < 19 else None,
            state=State(self.state) if self.state in set(State) else None,
            kind=self.kind if self.kind in set(Kind) else "",
            unit=self.unit,
            text=self.q,
        )


FromAddress = Annotated[Asked, Depends(Asked)]


@router.get("/alerts", dependencies=[may(Permission.VIEW)])
def show(
    desk: AtDesk, request: Request, asked: FromAddress, before: Before = None, as_: AsFile = None
) -> Response:
    """One page of the messages, the newest first, or all of them as a file."""
    return _page(desk, request, asked, before, as_)


@router.post("/alerts/resend", dependencies=[may(Permission.ALERTS), FromOwnPage])
def resend(
    desk: AtDesk,
    request: Request,
    message: Annotated[list[Number], Form(max_length=reading.PAGE)],
    reason: Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)] = "",
) -> Response:
    """Have messages that were given up tried again: all of them, or none."""
    reader, asked = reader_of(request, desk), Asked(channel=EVERY, state=State.DEAD)
    try:
        with desk.database.transaction() as session:
            for number in dict.fromkeys(message):
                _known(session, desk, reader, number)
                outbox.resend(session, desk.actor, reader.now, number, reason)
    except RegistryError as refused:
        return _page(desk, request, asked, refused=refused.text(reader.language), chosen=message)
    done = reader.many(
        "{count} message is being sent again.",
        "{count} messages are being sent again.",
        len(set(message)),
    )
    return _page(desk, request, asked, done=done)


def _known(session: Session, desk: Desk, reader: Reader, number: int) -> MessageRow:
    found = reading.message(session, desk.scope, reader.today, number)
    if found is None:
        raise HTTPException(404)
    return found


def _page(
    desk: Desk,
    request: Request,
    asked: Asked,
    before: int | None = None,
    as_: AsFile = None,
    *,
    done: str = "",
    refused: str = "",
    chosen: Sequence[int] = (),
) -> Response:
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision
    with desk.database.reading() as session:
        if as_ is not None:
            every = reading.every(session, desk.scope, reader.today, asked.wanted, MOST_IN_A_FILE + 1)
            if len(every) <= MOST_IN_A_FILE:
                return tables.export(desk, request, as_, "messages", _columns(reader), every, reader)
            message = N_("More than {limit} entries are too many for a file: choose a period.")
            refused = reader.say(message, limit=reader.number(MOST_IN_A_FILE))
        found = reading.page(session, desk.scope, reader.today, asked.wanted, before)
        dead = reading.dead(session, desk.scope, reader.now, reader.today)
        channels = reading.names(session, desk.scope, reader.today)
        units = queries.units_of_today(session, desk.scope, reader.today)
    return page(
        request,
        desk,
        "messages.html",
        reader=reader,
        status=409 if refused else 200,
        address="/alerts",
        revision=revision,
        asked=asked,
        every=EVERY,
        found=found,
        before=before,
        dead=dead,
        channels=channels,
        units=units,
        words=deeds,
        kinds=deeds.MESSAGE_KINDS,
        states=deeds.MESSAGE_STATES,
        chosen=chosen,
        done=done,
        refused=refused,
    )


def _columns(reader: Reader) -> Sequence[Column[MessageRow]]:
    return (
        Column("number", N_("No."), lambda row: row.id),
        Column("made", N_("Made"), lambda row: row.made_at),
        Column("channel", N_("Channel"), lambda row: row.channel),
        Column("over", N_("Kind of channel"), lambda row: reader.say(deeds.CHANNELS[row.channel_kind])),
        Column("for", N_("For"), lambda row: row.unit or reader.say(N_("City desk"))),
        Column("kind", N_("What it is"), lambda row: reader.say(deeds.MESSAGE_KINDS.get(row.kind, row.kind))),
        Column("incident", N_("Incident"), lambda row: row.incident),
        Column("title", N_("Title"), lambda row: row.title),
        Column("text", N_("Text"), lambda row: row.text),
        Column("state", N_("State"), lambda row: reader.say(deeds.MESSAGE_STATES[row.state])),
        Column("due", N_("Due"), lambda row: row.due_at),
        Column("sent", N_("Sent"), lambda row: row.sent_at),
        Column("tries", N_("Tries"), lambda row: row.tries),
        Column("error", N_("Error"), lambda row: row.error),
    )
