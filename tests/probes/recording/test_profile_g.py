"""ONVIF Profile G: what a summary and a list of recordings say, and what they do not."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from probes.markup import MarkupError
from probes.recording.profile_g import Recording, Summary, by_channel, parse_recordings, parse_summary

DATA = Path(__file__).parents[2] / "data/recording"


def said(name: str) -> bytes:
    return (DATA / f"onvif_{name}.xml").read_bytes()


def summary(inner: str) -> bytes:
    return f"<Envelope><Body><Summary>{inner}</Summary></Body></Envelope>".encode()


def test_a_summary() -> None:
    assert parse_summary(said("summary")) == Summary(
        datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 8, 31, 23, 59, 59, tzinfo=UTC), 1
    )


@pytest.mark.parametrize(
    ("inner", "read"),
    [
        pytest.param(
            "<DataFrom>1970-01-01T00:00:00Z</DataFrom><DataUntil>2026-08-31T00:00:00+07:00</DataUntil>"
            "<NumberRecordings>2</NumberRecordings>",
            Summary(None, datetime(2026, 8, 30, 17, tzinfo=UTC), 2),
            id="since ever is not an age",
        ),
        pytest.param("<NumberRecordings>0</NumberRecordings>", Summary(None, None, 0), id="nothing recorded"),
        pytest.param(
            "<DataFrom>soon</DataFrom><NumberRecordings>1</NumberRecordings>",
            Summary(None, None, 1),
            id="no time",
        ),
    ],
)
def test_what_a_summary_does_not_say(inner: str, read: Summary) -> None:
    assert parse_summary(summary(inner)) == read


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(summary(""), id="no number"),
        pytest.param(summary("<NumberRecordings>12345678</NumberRecordings>"), id="a number too long"),
        pytest.param(b"<Envelope><Body><Fault/></Body></Envelope>", id="a fault"),
    ],
)
def test_no_summary(body: bytes) -> None:
    with pytest.raises(MarkupError):
        parse_summary(body)


def test_recordings_tell_their_source_and_a_search_their_times() -> None:
    assert parse_recordings(said("recordings")) == (
        Recording("OnvifRecordingToken_1", "SourceId_1", "IpCamera_1"),
    )
    newest = datetime(2026, 8, 10, 6, 33, 29, tzinfo=UTC)
    assert parse_recordings(said("search_results")) == (
        Recording(
            "OnvifRecordingToken_1",
            "SourceId_1",
            "IpCamera_1",
            datetime(2026, 8, 9, 18, 43, 4, tzinfo=UTC),
            newest,
        ),
        Recording("OnvifRecordingToken_2", "SourceId_2", "IpCamera_2", None, newest),
    )


OLDEST, NEWEST = datetime(2026, 8, 1, tzinfo=UTC), datetime(2026, 8, 31, tzinfo=UTC)


def of(source: str, name: str = "", *, oldest: datetime | None = OLDEST) -> Recording:
    return Recording(f"token {source} {name}", source, name, oldest, NEWEST)


@pytest.mark.parametrize(
    ("recordings", "channels", "told"),
    [
        pytest.param([of("x")], [5], {5}, id="one channel, one source, whatever its name"),
        pytest.param([of("S_1"), of("S_2"), of("S_3")], [1, 3], {1, 3}, id="numbered from 1"),
        pytest.param([of("000"), of("001")], [1, 2], {1, 2}, id="numbered from 0"),
        pytest.param(
            [of("http://192.0.2.14/s/2"), of("http://192.0.2.14/s/1")], [1, 2], {1, 2}, id="addresses"
        ),
        pytest.param([of("x", "Gate 1"), of("x", "Yard 2")], [1, 2], {1, 2}, id="by name"),
        pytest.param([of("x", "Gate"), of("x", "Yard 2")], [1, 2], set(), id="one without a number"),
        pytest.param([of("S_7")], [1, 2], set(), id="of neither"),
        pytest.param([], [1], set(), id="none"),
    ],
)
def test_which_recording_is_whose(recordings: list[Recording], channels: list[int], told: set[int]) -> None:
    assert by_channel(recordings, channels).keys() == told


def test_several_recordings_of_one_source_are_one() -> None:
    early, late = datetime(2026, 7, 1, tzinfo=UTC), of("S_1")
    assert by_channel([late, of("S_1", oldest=early)], [1])[1].oldest == early
    assert by_channel([late, of("S_1", oldest=None)], [1])[1].oldest is None, "one that does not tell"
