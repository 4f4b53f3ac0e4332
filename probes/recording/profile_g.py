"""ONVIF Profile G, as far as footage goes: what a summary and a list of recordings say. Pure.

ONVIF Recording Search Service Specification (GetRecordingSummary, GetRecordingSearchResults) and Recording
Control Service Specification (GetRecordings). Support is uneven: Axis lists only what was made through ONVIF,
so that an empty list says nothing.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from probes.markup import MarkupError, parse_xml, text_of
from probes.reasons import Reason
from probes.recording.port import Confidence, Footage, FootageReport, FootageStatus, Vendor

MOST_RECORDINGS: Final = 512
LONGEST_NAME: Final = 128  # characters
LAST_NUMBER: Final = re.compile(r"([0-9]{1,4})[^0-9]*$")
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


def by_channel(recordings: Iterable[Recording], channels: Iterable[int]) -> dict[int, Recording]:
    """The footage of each of ``channels`` (from 1), as far as it can be told which recording is whose.

    A device of one channel has the span of all its recordings. On others the last number in a source's name
    is taken for the channel, where every source has one; a 0 among them says that they count from 0.
    """
    wanted, found = sorted(channels), tuple(recordings)
    if not found:
        return {}
    if len(wanted) == 1 and len({r.source for r in found}) == 1:
        return {wanted[0]: _together(found)}
    numbers = [
        LAST_NUMBER.search(recording.name) or LAST_NUMBER.search(recording.source) for recording in found
    ]
    if not all(numbers):
        return {}
    read = [int(number[1]) for number in numbers if number]
    first = 0 if 0 in read else 1
    by_number = {n: _together([r for r, m in zip(found, read, strict=True) if m == n]) for n in read}
    return {c: by_number[c - 1 + first] for c in wanted if c - 1 + first in by_number}


def footage(
    summary: Summary,
    recordings: Iterable[Recording],
    channels: Collection[int],
    offset: timedelta,
    now: datetime,
) -> FootageReport:
    """What the answers of a survey say of ``channels``; ``offset`` is the device's clock minus ours.

    Times may be those of the one recording of a channel or, on a device of one channel, of the summary. They
    tell the span only, not its gaps (onvif/specs #781). Nothing listed is unknown, not "none": some devices
    list only what was set up through ONVIF.
    """
    of = by_channel(recordings, channels)
    spans = {channel: (found.oldest, found.newest) for channel, found in of.items()}
    if not spans and len(channels) == 1 and summary.recordings:
        spans = {next(iter(channels)): (summary.oldest, summary.newest)}
    found = tuple(
        Footage(
            channel,
            oldest=oldest - offset,
            newest=newest - offset,
            days=(newest - oldest) / timedelta(days=1),
            status=FootageStatus.KEPT,
            confidence=Confidence.SPAN,
        )
        for channel, (oldest, newest) in sorted(spans.items())
        if oldest is not None and newest is not None
    )
    return FootageReport(now, Vendor.ONVIF, Reason.OK if found else Reason.RETENTION_UNKNOWN, found)


def _together(recordings: Iterable[Recording]) -> Recording:
    """Several recordings of one source as one; a time that one of them does not tell is not known."""
    found = tuple(recordings)
    oldest = [r.oldest for r in found if r.oldest is not None]
    newest = [r.newest for r in found if r.newest is not None]
    return Recording(
        found[0].token,
        found[0].source,
        found[0].name,
        min(oldest) if len(oldest) == len(found) else None,
        max(newest, default=None),
    )


def _moment(text: str) -> datetime | None:
    """A time of the device, UTC; a time without a zone is taken for UTC, as ONVIF says it is."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment if moment >= EARLIEST else None
