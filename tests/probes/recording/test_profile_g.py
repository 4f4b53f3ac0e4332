"""ONVIF Profile G: what a summary and a list of recordings say, and what they do not."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from probes.markup import MarkupError
from probes.recording.profile_g import Recording, Summary, parse_recordings, parse_summary

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
