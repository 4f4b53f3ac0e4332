"""What people write back over a channel, and what is done about it: NHAN, TOT, MO, HONG, LIENKET.

Read tolerantly (marks, case, words around it), acted on once, and always answered with what was done or why
not. A chat reaches the points of its channel's unit and no other; of a point elsewhere it hears what it would
hear of one that does not exist. Whoever is not linked hears how to become so, and nothing else.
"""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from camera_registry import audit, custody, handling, outages, queries, reported
from camera_registry.alerts import channels, naming
from camera_registry.alerts.channels import ChannelError, Kind
from camera_registry.alerts.naming import Place
from camera_registry.alerts.outbox import State
from camera_registry.alerts.phrases import Speaker
from camera_registry.alerts.zalo import Update
from camera_registry.audit import Action, Actor
from camera_registry.auth import scopes
from camera_registry.credentials import CredentialError, CredentialStore
from camera_registry.errors import RegistryError
from camera_registry.handling import Deed
from camera_registry.i18n import N_, Language, stamp, translate
from camera_registry.inventory import Word
from camera_registry.models import (
    AlertChannel,
    Audit,
    Device,
    Eye,
    Incident,
    LinkCode,
    Message,
    Point,
    Reply,
    ReportWord,
)
from camera_registry.outages import IncidentRow
from camera_registry.queries import Overlay
from camera_registry.spelling import clean, fold, spelled
from camera_registry.units import Scope

log = structlog.get_logger(__name__)

CODE_DIGITS = 8
CODE_FOR = timedelta(minutes=15)
MOST_TRIES = 5  # of a stranger's chat within that time; then it is not answered, and no code is looked at
MOST_STRANGERS = 10_000  # remembered
# Of all chats together: who has many chats guesses no faster. A hundred codes that count are found by chance
# once in twenty thousand hours.
MOST_WRONG, WRONG_IN = 50, timedelta(hours=1)
KEPT_FOR = timedelta(days=90)  # a reply; what was done about it stands in the audit
MOST_CODES = 8  # that an answer lists
LONGEST_NOTE = 300  # characters of what was written beside a code
REPEATED = timedelta(days=1)  # the same word within it is one
TOLD_FOR = timedelta(days=7)  # a digest is looked into for what it told
LONGEST_ANSWER = 500  # characters
ORIGIN = "zalo"


class Verb(StrEnum):
    """What somebody wants."""

    TAKE = "nhan"
    WORKS = "tot"
    POOR = "mo"
    BROKEN = "hong"
    LINK = "lienket"


WORDS: Mapping[Verb, Word] = {
    Verb.WORKS: Word.WORKING,
    Verb.POOR: Word.POOR,
    Verb.BROKEN: Word.NOT_WORKING,
}
SAID: Mapping[Verb, str] = {
    Verb.WORKS: N_("Seen on the spot: it works"),
    Verb.POOR: N_("Seen on the spot: it works poorly"),
    Verb.BROKEN: N_("Seen on the spot: it does not work"),
}

# With all its marks or with none: "hồng" and "nhân" are names of places and people.
_SPELLED: Mapping[str, Verb] = {
    spelled(word): verb
    for verb, words in {
        Verb.TAKE: ("nhan", "nhận"),
        Verb.WORKS: ("tot", "tốt"),
        Verb.POOR: ("mo", "mờ"),
        Verb.BROKEN: ("hong", "hỏng"),
        Verb.LINK: ("lienket", "liênkết"),
    }.items()
    for word in words
}
_WORD = re.compile(r"\w+")

# "not received", "not good": what follows is not what was meant.
# Said beside a verb, and meaning nothing more.
_POLITE = frozenset({"a", "anh", "chi", "diem", "em", "nha", "nhe", "ok", "va"})
_NOT = frozenset({"khong", "chua", "ko", "k", "chang", "dung", "not"})

HOW_TO_LINK = N_(
    "This chat is not linked. Ask the operator of the cameras for a code, then send: LIENKET 12345678"
)
HELP = N_(
    "Not understood. Send NHAN and the point's code to take it in hand; TOT, MO or HONG and the code to say "
    "that it works, works poorly, does not work. For example: NHAN YB-0127"
)


@dataclass(frozen=True, slots=True)
class Command:
    """What was understood: ``words`` are all others, without marks and case; ``text`` is all as written."""

    verb: Verb
    words: tuple[str, ...]
    text: str = field(default="", compare=False, repr=False)


# --- reading: pure ----------------------------------------------------------------------------------


def parse(text: str) -> Command | None:
    """What is asked for; ``None`` where nothing is, or it is denied, or it is not clear which."""
    typed = _WORD.findall(clean(text).replace("_", " "))
    words = [fold(word) for word in typed]
    found = [(place, _SPELLED[key]) for place, key in enumerate(map(spelled, typed)) if key in _SPELLED]
    found += [(n, Verb.LINK) for n, pair in enumerate(pairwise(words)) if pair == ("lien", "ket")]
    if not found:
        return None
    place, verb = min(found)
    # Who begins with a verb means it; of several others nobody knows which is meant.
    if place > 0 and (len({verb for _, verb in found}) > 1 or words[place - 1] in _NOT):
        return None
    return Command(verb, (*words[:place], *words[place + 1 :]), _written(text))


def _written(text: str) -> str:
    """On one line, without what would hide or turn other words round; the beginning where it is long."""
    return "".join(char for char in clean(text) if char.isprintable())[:LONGEST_NOTE]


def code_in(words: Sequence[str]) -> str:
    """The link code among them, however its digits are parted; empty where there is none."""
    digits = "".join(word for word in words if word.isascii() and word.isdigit())
    return digits if len(digits) == CODE_DIGITS else ""


# --- linking a chat ---------------------------------------------------------------------------------


def make_code(
    session: Session, credentials: CredentialStore, actor: Actor, now: datetime, channel_id: int
) -> str:
    """Eight digits that link the chat which sends them to a Zalo channel; shown once. Older ones end.

    Raises ``ChannelError`` for a channel of another kind, or one that is stopped.
    """
    row = channels.living(session, channel_id)
    if row.kind != Kind.ZALO:
        raise ChannelError(N_("Only a Zalo channel is linked by a code."))
    session.execute(delete(LinkCode).where((LinkCode.channel_id == row.id) | (LinkCode.expires_at <= now)))
    code = _new_code(session, credentials)
    session.add(
        LinkCode(
            code_hash=credentials.digests(_LABEL, code)[0],
            channel_id=row.id,
            made_at=now,
            expires_at=now + CODE_FOR,
            used_at=None,
        )
    )
    audit.record(session, actor, Action.CHANNEL_LINK_ASKED, f"channel:{row.name}", now)
    session.flush()
    return code


_LABEL = "link code"


def _new_code(session: Session, credentials: CredentialStore) -> str:
    while True:
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
        if session.get(LinkCode, credentials.digests(_LABEL, code)[0]) is None:
            return code


class Strangers:
    """How often chats that nobody linked have written of late; in memory, for one process listens."""

    def __init__(self) -> None:
        self._tries: dict[str, list[datetime]] = {}
        self._wrong: list[datetime] = []

    def may(self, chat: str, now: datetime) -> bool:
        """Whether this chat is heard once more; counts it."""
        lately = [at for at in self._tries.pop(chat, []) if now - at < CODE_FOR]
        if len(lately) < MOST_TRIES:
            lately.append(now)
            heard = True
        else:
            heard = False
        self._tries[chat] = lately
        if len(self._tries) > MOST_STRANGERS:
            del self._tries[next(iter(self._tries))]
        return heard

    def may_guess(self, now: datetime) -> bool:
        """Whether codes are looked at: not after so many wrong ones, whoever sent them."""
        self._wrong = [at for at in self._wrong if now - at < WRONG_IN]
        return len(self._wrong) < MOST_WRONG

    def guessed_wrong(self, now: datetime) -> None:
        self._wrong.append(now)
        if len(self._wrong) == MOST_WRONG:
            log.error("somebody guesses link codes: none is taken for an hour", wrong=MOST_WRONG)


# --- acting -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Desk:
    """What is needed to act: the key, the zone of days, and how long a person's word holds."""

    credentials: CredentialStore
    zone: tzinfo
    report_days: int
    strangers: Strangers


def act(session: Session, desk: Desk, update: Update, now: datetime) -> str | None:
    """Do what ``update`` asks for, once, and return the answer; ``None``: nothing is said."""
    if session.scalar(select(Reply.id).where(Reply.key == update.key)) is not None:
        return None
    own = _channels_of(session, desk.credentials, update.chat)
    command = parse(update.text)
    if command is not None and command.verb is Verb.LINK:
        heard = desk.strangers.may(update.chat, now)  # a linked chat may guess no oftener
        answer = _link(session, desk, update, command, now) if heard else None
        # What was sent may be a code that still counts: it is not kept.
        _keep(session, update, own, "LIENKET", answer, now)
        return answer
    if not own:
        answer = translate(HOW_TO_LINK, "vi") if desk.strangers.may(update.chat, now) else None
        _keep(session, update, own, "", answer, now)
        return answer
    answer = _done(session, desk, own, command, now, group=update.group) if command is not None else None
    if answer is None and not update.group:  # in a group people speak of other things, too
        answer = translate(HELP, _language(own[0]))
    _keep(session, update, own, update.text, answer, now)
    return answer


def forget(session: Session, now: datetime) -> None:
    """Old replies are kept no longer."""
    session.execute(delete(Reply).where(Reply.at < now - KEPT_FOR))


def _keep(
    session: Session,
    update: Update,
    own: Sequence[AlertChannel],
    text: str,
    answer: str | None,
    now: datetime,
) -> None:
    if not own and answer is None:  # nothing was done, and whoever writes without end fills no table
        return
    said = (answer or "")[:LONGEST_ANSWER]
    channel_id = own[0].id if own else None
    session.add(Reply(key=update.key, channel_id=channel_id, at=now, text=text, answer=said))
    session.flush()


def _channels_of(session: Session, credentials: CredentialStore, chat: str) -> list[AlertChannel]:
    rows = session.scalars(
        select(AlertChannel)
        .where(AlertChannel.kind == Kind.ZALO, AlertChannel.stopped_at.is_(None))
        .where(AlertChannel.sealed.is_not(None))
        .order_by(AlertChannel.id)
    )
    return [row for row in rows if _is_of(credentials, row, chat)]


def _is_of(credentials: CredentialStore, row: AlertChannel, chat: str) -> bool:
    try:
        return secrets.compare_digest(channels.opened(credentials, row).text.encode(), chat.encode())
    except CredentialError:  # sealed with a key that is gone: nobody's, until it is linked anew
        return False


def _link(session: Session, desk: Desk, update: Update, command: Command, now: datetime) -> str:
    code = code_in(command.words)
    if not desk.strangers.may_guess(now):
        return translate(N_("Codes are not taken at the moment. Try again in an hour."), "vi")
    row = session.scalar(
        select(LinkCode)
        .where(LinkCode.code_hash.in_(desk.credentials.digests(_LABEL, code)))
        .where(LinkCode.used_at.is_(None), LinkCode.expires_at > now)
        .with_for_update()
    )
    channel = None if not code or row is None else session.get_one(AlertChannel, row.channel_id)
    if row is None or channel is None or channel.stopped_at is not None:
        if code:
            desk.strangers.guessed_wrong(now)
        return translate(N_("This code is unknown, used, or too old. Ask for a new one."), "vi")
    row.used_at = now
    before = {"address": channel.shown}
    channels.link(session, desk.credentials, channel, update.chat)
    detail = {"before": before, "after": {"address": channel.shown}}
    subject = f"channel:{channel.name}"
    audit.record(session, _actor(channel), Action.CHANNEL_LINKED, subject, now, detail=detail)
    text = N_(
        'Linked: this chat is the channel "{name}" now. Answer NHAN and a point\'s code to take it in hand.'
    )
    return translate(text, _language(channel), name=channel.name)


def _done(
    session: Session,
    desk: Desk,
    own: Sequence[AlertChannel],
    command: Command,
    now: datetime,
    *,
    group: bool,
) -> str | None:
    """What was done at each place that is named; ``None`` where nothing was understood."""
    language, today = _language(own[0]), now.astimezone(desk.zone).date()
    reach: dict[Place, tuple[AlertChannel, Scope]] = {}
    for channel in own:
        scope = _scope(session, channel)
        for place in _places(session, scope, today):
            reach.setdefault(place, (channel, scope))
    meant = naming.named(command.words, reach)
    if meant.places:
        note = "" if _POLITE.issuperset(meant.beside) else command.text
        answers = [
            _at_place(session, desk, *reach[place], command.verb, place, note, now) for place in meant.places
        ]
        return "\n".join(answers)[:LONGEST_ANSWER]
    if meant.perhaps:
        codes = ", ".join(place.code for place in meant.perhaps[:MOST_CODES])
        return translate(N_("Several have this number: {codes}. Send the whole code."), language, codes=codes)
    if any(any(char.isdigit() for char in word) for word in command.words):
        return translate(N_("No point of this channel has that code."), language)
    return _without_code(session, desk, own, command, now, group=group)


def _places(session: Session, scope: Scope, today: date) -> list[Place]:
    """The points in scope, and their eyes."""
    inside = queries.point_ids(session, scope, today)
    points = session.scalars(select(Point.code).where(Point.id.in_(inside)))
    eyes = session.execute(
        select(Point.code, Eye.code)
        .join(Device, Device.id == Eye.device_id)
        .join(Point, Point.id == Device.point_id)
        .where(Point.id.in_(inside))
    )
    return [*map(Place, points), *(Place(point, eye) for point, eye in eyes)]


def _without_code(
    session: Session,
    desk: Desk,
    own: Sequence[AlertChannel],
    command: Command,
    now: datetime,
    *,
    group: bool,
) -> str | None:
    """A verb alone means the one incident that goes on and was told here; of several, their codes are said.

    With other words it is but asked for the code, and in a group not heard: people speak of other things.
    """
    language, alone = _language(own[0]), _POLITE.issuperset(command.words)
    if group and not alone:
        return None
    told = {row.id: (channel, row) for channel in own for row in _told(session, desk, channel, now)}
    if alone and len(told) == 1:
        ((channel, row),) = told.values()
        try:
            return _with(session, desk, channel, [row], command.verb, _points(row), "", now)
        except RegistryError as refused:
            return f"{_points(row)}: {refused.text(language)}"
    if told:
        rows = [row for _, row in told.values()]
        codes = ", ".join(dict.fromkeys(_first_point(row) for row in rows[:MOST_CODES]))
        return translate(
            N_("Say which: {codes}. For example: {example}"),
            language,
            codes=codes,
            example=f"{command.verb.upper()} {_first_point(rows[0])}",
        )
    if alone:
        return translate(
            N_("Of what was told here nothing goes on. Send the code, too, for example: {example}"),
            language,
            example=f"{command.verb.upper()} YB-0127",
        )
    return None


def _told(session: Session, desk: Desk, channel: AlertChannel, now: datetime) -> list[IncidentRow]:
    """The open incidents of which this channel was told, each by itself or in a digest of late."""
    sent = (Message.channel_id == channel.id, Message.state == State.SENT)
    told = set(
        session.scalars(
            select(Message.incident_id)
            .join(Incident, Incident.id == Message.incident_id)
            .where(*sent, Incident.ended_at.is_(None))
        )
    )
    lists = session.scalars(
        select(Message.told).where(*sent, Message.incident_id.is_(None), Message.made_at > now - TOLD_FOR)
    )
    told |= {line.get("incident") for data in lists for line in data.get("open", ())}
    open_ = outages.incidents(session, _scope(session, channel), now, desk.zone, open_=True)
    return [row for row in open_ if row.id in told and row.away]


def _first_point(row: IncidentRow) -> str:
    return min(away.point for away in row.away)


def _points(row: IncidentRow) -> str:
    """The point of the incident; of several the first."""
    return _first_point(row) + (", …" if row.points > 1 else "")


def _at_place(
    session: Session,
    desk: Desk,
    channel: AlertChannel,
    scope: Scope,
    verb: Verb,
    place: Place,
    note: str,
    now: datetime,
) -> str:
    open_ = outages.incidents(
        session, scope, now, desk.zone, open_=True, point=place.point, eye=place.eye or None
    )
    try:
        if verb is Verb.TAKE:
            return _take(session, desk, channel, open_, place.code, note, now)
        return _say(session, desk, channel, scope, open_, verb, place, note, now)
    except RegistryError as refused:
        return f"{place.code}: {refused.text(_language(channel))}"


def _with(
    session: Session,
    desk: Desk,
    channel: AlertChannel,
    open_: Sequence[IncidentRow],
    verb: Verb,
    what: str,
    note: str,
    now: datetime,
) -> str:
    """What is done about incidents: taken in hand, or a word written beside them."""
    if verb is Verb.TAKE:
        return _take(session, desk, channel, open_, what, note, now)
    for row in open_:
        _write_beside(session, channel, row, _words(verb, note), now)
    language = _language(channel)
    return translate(
        N_("{point}: written beside incident {numbers}: {said}."),
        language,
        point=what,
        numbers=", ".join(str(row.id) for row in open_),
        said=translate(SAID[verb], language),
    )


def _take(
    session: Session,
    desk: Desk,
    channel: AlertChannel,
    open_: Sequence[IncidentRow],
    what: str,
    note: str,
    now: datetime,
) -> str:
    language = _language(channel)
    if not open_:
        return translate(N_("{point}: there is no open incident."), language, point=what)
    before = handling.acknowledgements(session, open_)
    notes = [handling.acknowledge(session, _actor(channel), now, row) for row in open_]
    for row in open_ if note else ():
        _write_beside(session, channel, row, f"“{note}”", now)
    numbers = ", ".join(str(row.id) for row in open_)
    if len(before) == len(open_):
        first = min(notes, key=lambda each: each.at)  # by whom is not said: a chat hears of no person
        return translate(
            N_("{point}: it was taken in hand at {at} already (incident {numbers})."),
            language,
            point=what,
            at=stamp(first.at, language, desk.zone),
            numbers=numbers,
        )
    return translate(
        N_("{point}: noted that you take it in hand (incident {numbers})."),
        language,
        point=what,
        numbers=numbers,
    )


def _say(
    session: Session,
    desk: Desk,
    channel: AlertChannel,
    scope: Scope,
    open_: Sequence[IncidentRow],
    verb: Verb,
    place: Place,
    note: str,
    now: datetime,
) -> str:
    """A person's word: on the eyes that no network reaches, and beside what was measured of the others."""
    language = _language(channel)
    rows = [
        row
        for row in queries.eyes(session, scope, now, desk.zone, point=place.point)
        if place.eye in ("", row.code)
    ]
    spoken_of = [row.code for row in rows if row.overlay is Overlay.REPORTED]
    answers = []
    if spoken_of:
        for eye in session.scalars(select(Eye).where(Eye.code.in_(spoken_of)).order_by(Eye.code)):
            _report(session, desk, channel, eye, verb, note, now)
        answers.append(
            translate(
                N_("{point}: taken down ({said}) for {eyes} eyes."),
                language,
                point=place.code,
                said=translate(SAID[verb], language),
                eyes=len(spoken_of),
            )
        )
    if open_:
        answers.append(_with(session, desk, channel, open_, verb, place.code, note, now))
    elif len(spoken_of) < len(rows) or not rows:
        _write_down(session, channel, verb, place, note, now)
        answers.append(
            translate(
                N_("{point}: written into the log: {said}. No incident is open there. Responsible: {who}."),
                language,
                point=place.code,
                said=translate(SAID[verb], language),
                who=_office(session, desk, channel, scope, place, now),
            )
        )
    return "\n".join(answers)


def _words(verb: Verb, note: str) -> str:
    said = translate(SAID[verb], "vi")
    return f"{said}. “{note}”" if note else said


def _report(
    session: Session, desk: Desk, channel: AlertChannel, eye: Eye, verb: Verb, note: str, now: datetime
) -> None:
    actor, text = _actor(channel), f"Zalo: “{note}”" if note else "Zalo"
    last = session.scalar(
        select(ReportWord).where(ReportWord.eye_id == eye.id).order_by(ReportWord.at.desc()).limit(1)
    )
    said = (str(WORDS[verb]), actor.name, text)
    if last is None or (last.word, last.by, last.note) != said or now - last.at >= REPEATED:
        reported.report(session, eye, WORDS[verb], now, actor, now, days=desk.report_days, note=text)


def _write_beside(
    session: Session, channel: AlertChannel, row: IncidentRow, text: str, now: datetime
) -> None:
    actor = _actor(channel)
    said = [
        note
        for note in handling.notes(session, [row]).get(row.id, ())
        if note.deed is Deed.COMMENT and note.by == actor.name
    ]
    if not said or said[-1].text != text or now - said[-1].at >= REPEATED:
        handling.comment(session, actor, now, row, text)


def _write_down(
    session: Session, channel: AlertChannel, verb: Verb, place: Place, note: str, now: datetime
) -> None:
    """A word that no incident has room for, and no measure is replaced by: into the log of deeds."""
    actor = _actor(channel)
    subject = f"eye:{place.eye}" if place.eye else f"point:{place.point}"
    last = session.scalar(
        select(Audit)
        .where(Audit.action == Action.REPORT_TAKEN, Audit.subject == subject, Audit.who == actor.name)
        .order_by(Audit.id.desc())
        .limit(1)
    )
    word = str(WORDS[verb])
    if last is None or (last.detail.get("word"), last.reason) != (word, note) or now - last.at >= REPEATED:
        detail = {"word": word, "of": now.isoformat(), "by": actor.name}
        audit.record(session, actor, Action.REPORT_TAKEN, subject, now, detail=detail, reason=note)


def _office(
    session: Session, desk: Desk, channel: AlertChannel, scope: Scope, place: Place, now: datetime
) -> str:
    says, today = Speaker(_language(channel), desk.zone), now.astimezone(desk.zone).date()
    for each in custody.present(session, scope, today):
        if each.point == place.point:
            return says.office(each.manager, each.phone)
    return says.say(N_("nobody was handed it"))


def _scope(session: Session, channel: AlertChannel) -> Scope:
    return Scope.everything() if channel.unit_id is None else scopes.of_units(session, [channel.unit_id])


def _actor(channel: AlertChannel) -> Actor:
    return Actor(f"zalo:{channel.name}"[:100], ORIGIN)


def _language(channel: AlertChannel) -> Language:
    return "en" if channel.language == "en" else "vi"
