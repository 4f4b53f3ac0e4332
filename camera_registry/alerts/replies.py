"""What people write back over a channel, and what is done about it: NHAN, TOT, MO, HONG, LIENKET.

Read tolerantly (marks, case, words around it), acted on once, and always answered with what was done or why
not. A chat reaches the points of its channel's unit and no other; of a point elsewhere it hears what it would
hear of one that does not exist. Whoever is not linked hears how to become so, and nothing else.
"""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from camera_registry import audit, handling, outages, queries, reported
from camera_registry.alerts import channels
from camera_registry.alerts.channels import ChannelError, Kind
from camera_registry.alerts.zalo import Update
from camera_registry.audit import Action, Actor
from camera_registry.auth import scopes
from camera_registry.credentials import CredentialError, CredentialStore
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_, Language, stamp, translate
from camera_registry.inventory import Word
from camera_registry.models import AlertChannel, Eye, LinkCode, Point, Reply
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
MOST_POINTS = 10  # of one message
LONGEST_SPELLING = 5  # words that a code may be written as
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
    """What was understood: ``words`` are all the others, without marks and case."""

    verb: Verb
    words: tuple[str, ...]


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
    return Command(verb, (*words[:place], *words[place + 1 :]))


def code_in(words: Sequence[str]) -> str:
    """The link code among them, however its digits are parted; empty where there is none."""
    digits = "".join(word for word in words if word.isascii() and word.isdigit())
    return digits if len(digits) == CODE_DIGITS else ""


def points_in(words: Sequence[str], codes: Iterable[str]) -> list[str]:
    """The points whose code stands among these words, as ``YB-0127``, ``yb 0127`` or ``yb0127``, in order."""
    by_key: dict[str, str] = {}
    for code in codes:
        by_key.setdefault(_joined(fold(code).split()), code)
    found: dict[str, None] = {}
    place = 0
    while place < len(words):
        for length in range(LONGEST_SPELLING, 0, -1):
            code = by_key.get(_joined(words[place : place + length]), "")
            if code and place + length <= len(words):
                found[code] = None
                place += length - 1
                break
        place += 1
    return list(found)[:MOST_POINTS]


def _joined(words: Sequence[str]) -> str:
    return "".join(words)


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
    answer = _done(session, desk, own, command, now) if command is not None else None
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
    session: Session, desk: Desk, own: Sequence[AlertChannel], command: Command, now: datetime
) -> str | None:
    """What was done at each point that is named; ``None`` where none is, of any channel of this chat."""
    answers: dict[str, str] = {}
    today = now.astimezone(desk.zone).date()
    for channel in own:
        scope = _scope(session, channel)
        inside = queries.point_ids(session, scope, today)
        codes = session.scalars(select(Point.code).where(Point.id.in_(inside)).order_by(Point.code))
        for code in points_in(command.words, codes):
            if code not in answers:
                answers[code] = _at_point(session, desk, channel, scope, command.verb, code, now)
    if answers:
        return "\n".join(answers.values())[:LONGEST_ANSWER]
    if any(any(char.isdigit() for char in word) for word in command.words):
        return translate(N_("No point of this channel has that code."), _language(own[0]))
    return None


def _at_point(
    session: Session,
    desk: Desk,
    channel: AlertChannel,
    scope: Scope,
    verb: Verb,
    point: str,
    now: datetime,
) -> str:
    language = _language(channel)
    open_ = outages.incidents(session, scope, now, desk.zone, open_=True, point=point)
    try:
        if verb is Verb.TAKE:
            return _take(session, desk, channel, open_, point, now)
        return _say(session, desk, channel, scope, open_, verb, point, now)
    except RegistryError as refused:
        return f"{point}: {refused.text(language)}"


def _take(
    session: Session,
    desk: Desk,
    channel: AlertChannel,
    open_: Sequence[IncidentRow],
    point: str,
    now: datetime,
) -> str:
    language = _language(channel)
    if not open_:
        return translate(N_("{point}: there is no open incident."), language, point=point)
    before = handling.acknowledgements(session, open_)
    notes = [handling.acknowledge(session, _actor(channel), now, row) for row in open_]
    numbers = ", ".join(str(row.id) for row in open_)
    if len(before) == len(open_):
        first = min(notes, key=lambda each: each.at)  # by whom is not said: a chat hears of no person
        return translate(
            N_("{point}: it was taken in hand at {at} already (incident {numbers})."),
            language,
            point=point,
            at=stamp(first.at, language, desk.zone),
            numbers=numbers,
        )
    return translate(
        N_("{point}: noted that you take it in hand (incident {numbers})."),
        language,
        point=point,
        numbers=numbers,
    )


def _say(
    session: Session,
    desk: Desk,
    channel: AlertChannel,
    scope: Scope,
    open_: Sequence[IncidentRow],
    verb: Verb,
    point: str,
    now: datetime,
) -> str:
    """A person's word on a point: on the eyes that no network reaches, and beside what was measured."""
    language, actor = _language(channel), _actor(channel)
    rows = queries.eyes(session, scope, now, desk.zone, point=point)
    spoken_of = [row.code for row in rows if row.overlay is Overlay.REPORTED]
    for eye in session.scalars(select(Eye).where(Eye.code.in_(spoken_of)).order_by(Eye.code)):
        reported.report(session, eye, WORDS[verb], now, actor, now, days=desk.report_days, note="Zalo")
    words = translate(SAID[verb], "vi")
    for row in open_:
        handling.comment(session, actor, now, row, words)
    if spoken_of:
        return translate(
            N_("{point}: taken down ({said}) for {eyes} eyes."),
            language,
            point=point,
            said=translate(SAID[verb], language),
            eyes=len(spoken_of),
        )
    if open_:
        return translate(
            N_("{point}: written beside incident {numbers}: {said}."),
            language,
            point=point,
            numbers=", ".join(str(row.id) for row in open_),
            said=translate(SAID[verb], language),
        )
    return translate(
        N_("{point}: watched over the network, and no incident is open; nothing was written down."),
        language,
        point=point,
    )


def _scope(session: Session, channel: AlertChannel) -> Scope:
    return Scope.everything() if channel.unit_id is None else scopes.of_units(session, [channel.unit_id])


def _actor(channel: AlertChannel) -> Actor:
    return Actor(f"zalo:{channel.name}"[:100], ORIGIN)


def _language(channel: AlertChannel) -> Language:
    return "en" if channel.language == "en" else "vi"
