"""What happened in an incident, in order of time: eyes that fell and came back, and what people did. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from camera_registry.handling import Note
from camera_registry.outages import Away, IncidentRow


class Turn(StrEnum):
    """One kind of event; the order in which those of one moment are told."""

    BEGAN = "began"
    JOINED = "joined"
    ANNOUNCED = "announced"  # its window had passed: from now on people hear of it
    NOTE = "note"
    BACK = "back"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened ``at`` a moment: to ``eyes`` (codes), or what somebody did (``note``)."""

    at: datetime
    turn: Turn
    eyes: tuple[str, ...] = ()
    note: Note | None = None


def story(incident: IncidentRow, notes: Iterable[Note], now: datetime) -> list[Event]:
    """The events up to ``now``. Eyes that fell, or came back, within one minute are told together."""
    falls = list(_together(incident.away, lambda away: away.from_at))
    events = [
        Event(at, Turn.JOINED if number else Turn.BEGAN, eyes) for number, (at, eyes) in enumerate(falls)
    ]
    back = [away for away in incident.away if away.to_at is not None]
    events += [Event(at, Turn.BACK, eyes) for at, eyes in _together(back, lambda away: away.to_at or now)]
    events += [Event(note.at, Turn.NOTE, note=note) for note in notes]
    moments = (
        (incident.announced_at, Turn.ANNOUNCED),
        (incident.ended_at, Turn.ENDED),
        (incident.withdrawn_at, Turn.WITHDRAWN),
    )
    events += [Event(at, turn) for at, turn in moments if at is not None and at <= now]
    order = list(Turn)
    return sorted(events, key=lambda event: (event.at, order.index(event.turn)))


def _together(
    away: Sequence[Away], moment: Callable[[Away], datetime]
) -> Iterator[tuple[datetime, tuple[str, ...]]]:
    """The codes of the eyes by the minute of their moment, each with the first moment in it."""
    ranked = sorted(away, key=lambda each: (moment(each), each.eye))
    for _, group in groupby(ranked, key=lambda each: moment(each).replace(second=0, microsecond=0)):
        alike = list(group)
        yield moment(alike[0]), tuple(dict.fromkeys(each.eye for each in alike))
