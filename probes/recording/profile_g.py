"""ONVIF Profile G, as far as footage goes: what a summary and a list of recordings say. Pure.

ONVIF Recording Search Service Specification (GetRecordingSummary, GetRecordingSearchResults) and Recording
Control Service Specification (GetRecordings). Support is uneven: Axis lists only what was made through ONVIF,
so that an empty list says nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from probes.markup import MarkupError, parse_xml, text_of

MOST_RECORDINGS: Final = 512
LONGEST_NAME: Final = 128  # characters
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)  # older is a clock that was never set, or "since ever"


@dataclass(frozen=True, slots=True)
class Summary:
    """The oldest and newest footage of the whole device (its UTC), and how many recordings it has."""

    oldest: datetime | None
    newest: datetime | None
    recordings: int


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording: a container for the footage of one source. Times where the answer tells them."""

    token: str
    source: str = ""  # SourceId
    name: str = ""
    oldest: datetime | None = None
    newest: datetime | None = None


def parse_summary(body: bytes) -> Summary:
    """An answer to GetRecordingSummary. Raises ``MarkupError``."""
    summary = next(parse_xml(body).iter("Summary"), None)
    if summary is None:
        raise MarkupError("no Summary")
    number = text_of(summary, "NumberRecordings")
    if not (number.isascii() and number.isdigit() and len(number) < 7):
        raise MarkupError("no number of recordings")
    return Summary(_moment(text_of(summary, "DataFrom")), _moment(text_of(summary, "DataUntil")), int(number))


def parse_recordings(body: bytes) -> tuple[Recording, ...]:
    """An answer to GetRecordings, or to GetRecordingSearchResults (with times). Raises ``MarkupError``."""
    root = parse_xml(body)
    recordings: dict[str, Recording] = {}
    for element in (*root.iter("RecordingItem"), *root.iter("RecordingInformation")):
        token = text_of(element, "RecordingToken")[:LONGEST_NAME]
        source = next(element.iter("Source"), None)
        if token:
            recordings[token] = Recording(
                token,
                "" if source is None else text_of(source, "SourceId")[:LONGEST_NAME],
                "" if source is None else text_of(source, "Name")[:LONGEST_NAME],
                _moment(text_of(element, "EarliestRecording")),
                _moment(text_of(element, "LatestRecording")),
            )
    return tuple(recordings.values())[:MOST_RECORDINGS]


def _moment(text: str) -> datetime | None:
    """A time of the device, UTC; a time without a zone is taken for UTC, as ONVIF says it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment if moment >= EARLIEST else None
