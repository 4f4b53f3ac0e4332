"""Hikvision's ISAPI: recorders' own texts, and what a stranger may send in their place."""

import contextlib
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.markup import MarkupError, parse_xml, text_of
from probes.recording import isapi
from probes.recording.isapi import Track
from probes.recording.port import ChannelStatus, DiskState, DiskStatus

DATA = Path(__file__).parents[2] / "data/recording"
MIB = 1 << 20


def said(name: str) -> bytes:
    return (DATA / f"hikvision_{name}.xml").read_bytes()


def test_a_channel_is_offline_only_where_the_recorder_says_so() -> None:
    assert isapi.parse_channels(said("channels_status")) == (
        ChannelStatus(1, online=True),
        ChannelStatus(2, online=False),
        ChannelStatus(3, online=None),
    )


def test_disks_and_shares() -> None:
    assert isapi.parse_storage(said("storage")) == (
        DiskStatus("hdda", DiskState.USABLE, "ok", 3815447 * MIB, 0),
        DiskStatus("hddb", DiskState.UNUSABLE, "smartFailed", 3815447 * MIB, 102400 * MIB),
        DiskStatus("9", DiskState.UNKNOWN, "repairing"),
    )


def test_of_the_tracks_only_the_main_ones_count_and_the_id_tells_the_channel() -> None:
    assert isapi.parse_tracks(said("tracks")) == (Track(101, 1, True), Track(201, 2, False))


def test_days_with_footage() -> None:
    assert isapi.parse_days(said("days"), 2026, 9) == {date(2026, 9, 2), date(2026, 9, 3)}


def test_the_clock_is_read_as_it_stands_on_the_wall() -> None:
    assert isapi.parse_time(said("time")) == datetime(2026, 9, 3, 10, 15, 30)  # noqa: DTZ001 – a wall clock


def test_serial() -> None:
    assert isapi.parse_serial(said("device")) == "DS-7616NI-K21620200101CCRRE00000000WCVU"


def test_the_month_is_asked_for_as_documented() -> None:
    asked = parse_xml(isapi.days_request(2026, 9))
    assert (asked.tag, text_of(asked, "year"), text_of(asked, "monthOfYear")) == (
        "trackDailyParam",
        "2026",
        "9",
    )
    assert isapi.days_path(101) == "/ISAPI/ContentMgmt/record/tracks/101/dailyDistribution"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            b"<ResponseStatus><statusString>Invalid Operation</statusString></ResponseStatus>", id="no"
        ),
        pytest.param(
            b"<trackDailyDistribution><day><dayOfMonth>31</dayOfMonth><record>true</record></day>"
            b"</trackDailyDistribution>",
            id="the 31st of September",
        ),
        pytest.param(b"<html>", id="a page"),
    ],
)
def test_days_that_cannot_be_read_are_not_no_days(body: bytes) -> None:
    with pytest.raises(MarkupError):
        isapi.parse_days(body, 2026, 9)


def test_an_endless_list_ends() -> None:
    rows = b"".join(
        b"<InputProxyChannelStatus><id>%d</id></InputProxyChannelStatus>" % n for n in range(5_000)
    )
    assert len(isapi.parse_channels(b"<l>" + rows + b"</l>")) == isapi.MOST_CHANNELS


@given(
    st.sampled_from(["id", "Track", "hdd", "status", "capacity", "day", "dayOfMonth", "record"]).flatmap(
        lambda tag: st.text("<>0123456789abct/", max_size=60).map(
            lambda text: f"<l><{tag}>{text}</{tag}></l>"
        )
    )
)
@pytest.mark.parametrize("parse", [isapi.parse_channels, isapi.parse_storage, isapi.parse_tracks])
def test_only_our_error_comes_of_anything(parse: Callable[[bytes], object], text: str) -> None:
    with contextlib.suppress(MarkupError):
        parse(text.encode())
