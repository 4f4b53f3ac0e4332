"""Incidents, told as stories of a few eyes, and as laws that hold for any; the rules are the definition's.

A story is a row of words, ``<second><sign>``: ``^`` ok, ``v`` down by the network, ``m`` down by anything
else, ``?`` unknown, ``=`` in maintenance, ``-`` out of service. Every eye is ok long before second 0, unless
its story begins before that.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, zip_longest
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera_registry.health import EyeState
from camera_registry.incidents import (
    Incident,
    Kind,
    Life,
    Loss,
    Place,
    Stage,
    State,
    incidents,
    lives_of,
)
from camera_registry.uptime import History, Span, Turn
from probes.reasons import Reason

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
LONG_AGO = -86400.0
MUCH_LATER = 7 * 86400.0
SIGNS = {
    "^": (State.OK, ""),
    "v": (State.DOWN, Reason.TCP_TIMEOUT),
    "m": (State.DOWN, Reason.RTP_NONE),
    "?": (State.UNKNOWN, ""),
    "=": (State.MAINTENANCE, ""),
    "-": (State.OUT, ""),
}


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def eye(
    number: int, story: str, *, device: int = 0, point: int = 1, unit: int | None = 1, every: float = 60
) -> Life:
    """An eye with a device of its own, unless one is named; point, unit and site are 1, unless named."""
    words = [(float(word[:-1]), word[-1]) for word in story.split()]
    if not words or words[0][0] >= 0:
        words = [(LONG_AGO, "^"), *words]
    return life(Place(number, device or 100 + number, point, unit, 1), words, every)


def life(place: Place, words: Sequence[tuple[float, str]], every: float) -> Life:
    stages = [Stage(at(second), *SIGNS[sign]) for second, sign in words]
    first = next((stage.at for stage in stages if stage.state is State.OK), None)
    return Life(place, stages, every, first)


def told(found: Sequence[Incident]) -> list[str]:
    """Each incident as ``kind ancestor start-end: eye eye …``, with the seconds from noon."""
    return [
        f"{i.kind} {i.ancestor} {second(i.started_at)}-{second(i.ended_at)}: "
        + " ".join(str(eye) for eye in sorted(i.eyes))
        for i in found
    ]


def second(moment: datetime | None) -> str:
    return "" if moment is None else f"{(moment - NOON).total_seconds():g}"


def street(points: int, eyes: int, story: str, *, first: int = 1) -> list[Life]:
    """``points`` points of ``eyes`` eyes each, numbered 11, 12, … 21, 22, …, all with one story."""
    return [
        eye(10 * point + number, story, point=point)
        for point in range(first, first + points)
        for number in range(1, eyes + 1)
    ]


@pytest.mark.parametrize(
    ("lives", "expected"),
    [
        pytest.param([eye(1, ""), eye(2, "")], [], id="all is well"),
        pytest.param([eye(1, "0v 600^"), eye(2, "")], ["eye 1 0-600: 1"], id="one eye"),
        pytest.param([eye(1, "0v"), eye(2, "")], ["eye 1 0-: 1"], id="one eye, still down"),
        pytest.param(
            [eye(1, "0v 600^"), eye(2, "40v 600^")], ["point 1 0-600: 1 2"], id="two of two eyes at one point"
        ),
        pytest.param(
            [eye(n, "0v 600^", device=7) for n in (1, 2, 3)],
            ["device 7 0-600: 1 2 3"],
            id="all on one recorder: the recorder, the lowest that covers them",
        ),
        pytest.param(
            [*(eye(n, "0v 600^", device=7) for n in (1, 2)), eye(3, "", device=8)],
            ["device 7 0-600: 1 2"],
            id="the recorder of a point whose camera goes on",
        ),
        pytest.param(
            [eye(1, "0v 600^"), eye(2, "0v 600^", point=2)],
            ["unit 1 0-600: 1 2"],
            id="two points: too few for an area, so the unit",
        ),
        pytest.param(
            [*(eye(n, "0v 600^") for n in (1, 2, 3, 4)), eye(5, "")],
            ["point 1 0-600: 1 2 3 4"],
            id="four of five are 80 %",
        ),
        pytest.param(
            [*(eye(n, "0v 600^") for n in (1, 2, 3)), eye(4, "")],
            ["eye 1 0-600: 1", "eye 2 0-600: 2", "eye 3 0-600: 3"],
            id="three of four are not",
        ),
        pytest.param(
            [eye(1, "0v 600^"), eye(2, "120v 600^")], ["point 1 0-600: 1 2"], id="at the end of the window"
        ),
        pytest.param(
            [eye(1, "0v 600^"), eye(2, "121v 600^")],
            ["eye 1 0-600: 1", "eye 2 121-600: 2"],
            id="after the window",
        ),
        pytest.param(
            [eye(1, "0v 900^"), eye(2, "100v 900^", every=300), eye(3, "590v 900^", every=300)],
            ["point 1 0-900: 1 2 3"],
            id="the window is that of the slowest eye in it",
        ),
        pytest.param(
            [eye(1, "0v 900^"), eye(2, "0v 900^", point=2, unit=2)],
            ["eye 1 0-900: 1", "eye 2 0-900: 2"],
            id="units have nothing in common",
        ),
        pytest.param(
            [
                *(eye(n, "0v 900^", point=1, unit=None) for n in (1, 2)),
                eye(3, "0v 900^", point=2, unit=None),
            ],
            ["eye 3 0-900: 3", "point 1 0-900: 1 2"],
            id="points without a unit have nothing in common, either",
        ),
    ],
)
def test_the_lowest_ancestor_that_covers_them(lives: list[Life], expected: list[str]) -> None:
    assert told(incidents(lives, {}, at(MUCH_LATER))) == expected


@pytest.mark.parametrize(
    ("lives", "expected"),
    [
        pytest.param(
            street(12, 5, "0v 3600^"),
            ["area 1 0-3600: " + " ".join(str(10 * p + n) for p in range(1, 13) for n in range(1, 6))],
            id="T10: sixty eyes at twelve points behind one uplink",
        ),
        pytest.param(
            [*street(3, 1, "0v 600^"), *street(3, 1, "", first=4)],
            ["area 1 0-600: 11 21 31"],
            id="three of six points are half",
        ),
        pytest.param(
            [*street(3, 1, "0v 600^"), *street(4, 1, "", first=4)],
            ["eye 11 0-600: 11", "eye 21 0-600: 21", "eye 31 0-600: 31"],
            id="three of seven are less",
        ),
        pytest.param(
            [*street(2, 2, "0v 600^"), *street(1, 1, "", first=3)],
            ["unit 1 0-600: 11 12 21 22"],
            id="two points are no area",
        ),
        pytest.param(
            [
                *street(3, 4, "0v 600^"),
                eye(15, "", point=1),
                eye(26, "0v 600^", point=2),
                eye(27, "", point=2),
            ],
            ["area 1 0-600: 11 12 13 14 21 22 23 24 26 31 32 33 34"],
            id="each of the points with 80 % of its eyes",
        ),
        pytest.param(
            [*street(3, 2, "0v 600^"), eye(13, "", point=1), eye(23, "", point=2), eye(33, "", point=3)],
            [f"eye {n} 0-600: {n}" for n in (11, 12, 21, 22, 31, 32)],
            id="two of three eyes: none of the points has fallen",
        ),
        pytest.param(
            [*street(4, 1, "0v 600^"), *street(4, 1, "", first=5), eye(52, "30v 600^", point=5)],
            ["area 1 0-600: 11 21 31 41 52"],
            id="an eye of a point that has not fallen belongs to it, too",
        ),
        pytest.param(
            [eye(1, "0v 9000^", point=9), eye(2, "", point=9), *street(5, 2, "60v 3600^")],
            ["area 1 0-3600: 1 11 12 21 22 31 32 41 42 51 52", "eye 1 3600-9000: 1"],
            id="an unrelated fall a minute earlier does not split a power cut",
        ),
        pytest.param(
            [
                eye(1, "0v 9000^", point=9),
                eye(2, "", point=9),
                *street(5, 2, "110v 3600^"),
                eye(53, "125v 3600^", point=5),
            ],
            ["area 1 0-3600: 1 11 12 21 22 31 32 41 42 51 52 53", "eye 1 3600-9000: 1"],
            id="nor two intervals earlier",
        ),
        pytest.param(
            [eye(1, "0v 9000^", point=9), eye(2, "", point=9), *street(5, 2, "200v 3600^")],
            ["eye 1 0-9000: 1", "area 1 200-3600: 11 12 21 22 31 32 41 42 51 52"],
            id="long before, it stays its own",
        ),
    ],
)
def test_an_area(lives: list[Life], expected: list[str]) -> None:
    assert told(incidents(lives, {}, at(MUCH_LATER))) == expected


@pytest.mark.parametrize(
    ("lives", "expected"),
    [
        pytest.param(
            [
                *(eye(n, "0v 3600^") for n in (1, 2, 3, 4)),
                eye(5, "-90000^ -5000m"),
                *(eye(n, "", point=n // 4) for n in range(10, 85)),
                *(eye(n, "-90000^ -5000m", point=n // 4) for n in range(85, 105)),
            ],
            ["point 1 0-3600: 1 2 3 4"],
            id="T20: the long dead neither make nor prevent an incident",
        ),
        pytest.param(
            [eye(1, "0v 600^"), *(eye(n, "-90000^ -500?") for n in (2, 3))],
            ["eye 1 0-600: 1"],
            id="unknown before, and still: not counted, so it fell alone",
        ),
        pytest.param(
            [eye(1, "0v 600^"), *(eye(n, "-90000^ -500? 30v 600^") for n in (2, 3))],
            ["point 1 0-600: 1 2 3"],
            id="unknown before, ok before that, and falls in the window: counted",
        ),
        pytest.param(
            [eye(1, "0v 600^"), eye(2, "0v 600^"), eye(3, "-90000^ -500? 30^")],
            ["point 1 0-600: 1 2"],
            id="unknown before and ok after: not counted",
        ),
        pytest.param(
            [eye(1, "-3000? 0v 600^"), eye(2, "")], [], id="never seen ok: nothing, whatever it does first"
        ),
        pytest.param(
            [eye(1, "-3000v 0^ 60v 600^"), eye(2, "")],
            ["eye 1 60-600: 1"],
            id="once seen ok it has incidents",
        ),
        pytest.param(
            [eye(1, "0v 600^"), eye(2, "0v 600^"), eye(3, "-3000v")],
            ["point 1 0-600: 1 2"],
            id="never seen ok: it does not prevent one",
        ),
        pytest.param(
            [eye(1, "0v 600^"), eye(2, "0v 600^"), eye(3, "-90000^ -600="), eye(4, "-90000^ -600-")],
            ["point 1 0-600: 1 2"],
            id="in maintenance or out of service: not counted",
        ),
        pytest.param(
            [eye(n, "-90000^ -600= 0v 600^") for n in (1, 2)],
            ["point 1 0-600: 1 2"],
            id="down together when maintenance ends, ok when it began",
        ),
        pytest.param(
            [eye(n, "-90000^ -800m -600- 0v 600^") for n in (1, 2)],
            [*(f"eye {n} -800--600: {n}" for n in (1, 2)), *(f"eye {n} 0-600: {n}" for n in (1, 2))],
            id="down before it was out of service and after it: two falls, and no news that could group",
        ),
        pytest.param(
            street(12, 5, "-90000^ -700= 0v 1200^"),
            ["area 1 0-1200: " + " ".join(str(10 * p + n) for p in range(1, 13) for n in range(1, 6))],
            id="a power cut that began in the window for it and outlasts it",
        ),
    ],
)
def test_who_counts(lives: list[Life], expected: list[str]) -> None:
    found = incidents(lives, {}, at(MUCH_LATER))
    assert told([i for i in found if i.started_at > at(-1000)]) == expected


@pytest.mark.parametrize("reason", [str(reason) for reason in Reason if reason is not Reason.OK])
def test_only_what_looks_like_a_cut_makes_a_group(reason: str) -> None:
    network = {
        *("DNS_FAILED", "HOST_UNREACHABLE", "TCP_REFUSED", "TCP_TIMEOUT", "CONNECTION_RESET"),
        *("TLS_HANDSHAKE_FAILED", "RTSP_TIMEOUT", "CHANNEL_OFFLINE"),
    }
    fallen = [Stage(at(LONG_AGO), State.OK), Stage(at(0), State.DOWN, reason)]
    lives = [Life(Place(n, n, 1, 1, 1), fallen, 60.0, at(LONG_AGO)) for n in (1, 2)]
    alone = ["eye 1 0-: 1", "eye 2 0-: 2"]
    assert told(incidents(lives, {}, at(1000))) == (["point 1 0-: 1 2"] if reason in network else alone)


POWER_CUT = [eye(n, "0v 600^") for n in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("lives", "expected"),
    [
        pytest.param(
            [*POWER_CUT, eye(5, "400v 600^")], ["point 1 0-600: 1 2 3 4 5"], id="who falls later is attached"
        ),
        pytest.param(
            [*POWER_CUT, eye(5, "400m 600^")],
            ["point 1 0-600: 1 2 3 4", "eye 5 400-600: 5"],
            id="not for another reason",
        ),
        pytest.param(
            [*POWER_CUT, eye(5, "599v 2000^")],
            ["point 1 0-600: 1 2 3 4 5", "eye 5 600-2000: 5"],
            id="80 % are back: over; the straggler is an incident of its own",
        ),
        pytest.param(
            [*POWER_CUT, eye(5, "599v 720^")],
            ["point 1 0-600: 1 2 3 4 5"],
            id="back within two intervals: no straggler",
        ),
        pytest.param(
            [*POWER_CUT, eye(5, "599v 650? 3000v 4000^")],
            ["point 1 0-600: 1 2 3 4 5", "eye 5 600-4000: 5"],
            id="a straggler that is not heard of is not back",
        ),
        pytest.param(
            [*POWER_CUT, eye(5, "500v 550? 3000v 4000^")],
            ["point 1 0-600: 1 2 3 4 5", "eye 5 3000-4000: 5"],
            id="unknown when the others are back: it opens something when it is down again",
        ),
        pytest.param(
            [*POWER_CUT, eye(5, "300? 400v 600^")],
            ["point 1 0-600: 1 2 3 4 5"],
            id="unknown, then down: attached",
        ),
        pytest.param(
            [*POWER_CUT, eye(5, "", point=2), eye(6, "400v 700^", point=2), eye(7, "", point=2)],
            ["point 1 0-600: 1 2 3 4", "eye 6 400-700: 6"],
            id="not under it: not attached",
        ),
        pytest.param(
            [eye(1, "0v 10^ 20v 30^ 40v 600^"), eye(2, "15v 600^")],
            ["point 1 0-600: 1 2"],
            id="one that flaps in the window is one eye",
        ),
        pytest.param(
            [eye(1, "0v 10^"), eye(2, "15v 600^")],
            ["point 1 0-600: 1 2"],
            id="back before the other fell: the window counts both",
        ),
        pytest.param(
            [*(eye(n, "0v 30^") for n in (1, 2, 3, 4)), eye(5, "60v 600^")],
            ["point 1 0-30: 1 2 3 4", "eye 5 60-600: 5"],
            id="over before its window: what falls after is another",
        ),
        pytest.param(
            [eye(1, "0v 300^ 400v 600^"), eye(2, "0v 600^"), eye(3, "0v 600^")],
            ["point 1 0-600: 1 2 3"],
            id="back and down again while it lasts: a member twice",
        ),
        pytest.param(
            [*(eye(n, "0v 300-") for n in (1, 2, 3, 4)), eye(5, "0v 600^")],
            ["point 1 0-300: 1 2 3 4 5", "eye 5 300-600: 5"],
            id="who leaves service is back",
        ),
        pytest.param(
            [eye(1, "0v 100? 900v 1000^"), eye(2, "")], ["eye 1 0-1000: 1"], id="silence is no return"
        ),
        pytest.param(
            [*(eye(n, "0v 100? 3600^") for n in (1, 2))], ["point 1 0-3600: 1 2"], id="nor of a group"
        ),
        pytest.param(
            [eye(1, "0v 300- 600v 900^"), eye(2, "")],
            ["eye 1 0-300: 1", "eye 1 600-900: 1"],
            id="down when it is in service again: a new fall",
        ),
        pytest.param(
            [eye(1, "0v 300= 600v 1300= 1600m 2300= 2600v 9000^"), eye(2, "")],
            ["eye 1 0-9000: 1"],
            id="long dead through the window of every night: one outage, one incident",
        ),
        pytest.param(
            street(12, 5, "0v 300= 7500v 8700^"),
            ["area 1 0-8700: " + " ".join(str(10 * p + n) for p in range(1, 13) for n in range(1, 6))],
            id="a power cut that began before the window for it and outlasts it",
        ),
        pytest.param(
            [*POWER_CUT, eye(5, "300= 500v 600^")],
            ["point 1 0-600: 1 2 3 4 5"],
            id="down when its maintenance ends: attached",
        ),
        pytest.param(
            [eye(1, "0v 300= 600^"), eye(2, "")], ["eye 1 0-600: 1"], id="away until it is known to be ok"
        ),
        pytest.param(
            [eye(1, "0v 300= 600? 700^"), eye(2, "")],
            ["eye 1 0-700: 1"],
            id="nor is silence after it a return",
        ),
        pytest.param([eye(1, "0v 300="), eye(2, "")], ["eye 1 0-: 1"], id="open while maintenance lasts"),
        pytest.param(
            [eye(1, "0v 300= 600-"), eye(2, "")], ["eye 1 0-600: 1"], id="taken out of service in maintenance"
        ),
        pytest.param(
            [*POWER_CUT, eye(5, "0v 500= 3000v 4000^")],
            ["point 1 0-600: 1 2 3 4 5", "eye 5 3000-4000: 5"],
            id="in maintenance when the others are back: a straggler opens something when it is down again",
        ),
        pytest.param(
            [
                *(eye(n, "0v 9000^", device=7) for n in (1, 2)),
                *(eye(n, "3000v 6000^") for n in (3, 4, 5)),
            ],
            ["device 7 0-9000: 1 2", "point 1 3000-6000: 3 4 5"],
            id="one group within another, the later wider one without the dead",
        ),
    ],
)
def test_what_becomes_of_an_incident(lives: list[Life], expected: list[str]) -> None:
    assert told(incidents(lives, {}, at(MUCH_LATER))) == expected


def test_members_know_when_they_were_away() -> None:
    (found,) = incidents([eye(1, "0v 300^ 400v 700^"), eye(2, "50v 620^"), eye(3, "0v 620^")], {}, at(10_000))
    assert [(m.eye, second(m.from_at), second(m.to_at)) for m in found.members] == [
        (1, "0", "300"),
        (3, "0", "620"),
        (2, "50", "620"),
        (1, "400", "700"),
    ]
    assert second(found.ended_at) == "700", "two of three are no 80 %"


@pytest.mark.parametrize(
    ("lives", "announced"),
    [
        pytest.param([eye(1, "0v")], "120", id="an eye"),
        pytest.param([eye(1, "0m")], "120", id="an eye, for whatever reason"),
        pytest.param([eye(1, "0v", every=300)], "600", id="an eye that is asked each five minutes"),
        pytest.param([eye(1, "0v"), eye(2, "90v", every=300)], "600", id="a group with such an eye"),
    ],
)
def test_nobody_hears_of_it_before_its_window_has_passed(lives: list[Life], announced: str) -> None:
    (found,) = incidents(lives, {}, at(10))[:1] if len(lives) == 1 else incidents(lives, {}, at(1000))
    assert second(found.announced_at) == announced


def test_before_the_window_has_passed_what_is_known_is_decided() -> None:
    lives = [eye(1, "0v"), eye(2, "90v")]
    assert told(incidents(lives, {}, at(30))) == ["eye 1 0-: 1"]
    assert told(incidents(lives, {}, at(90))) == ["point 1 0-: 1 2"]


def test_a_straggler_is_one_only_when_a_window_more_has_passed() -> None:
    lives = [*POWER_CUT, eye(5, "0v")]
    assert told(incidents(lives, {}, at(700))) == ["point 1 0-600: 1 2 3 4 5"]
    assert told(incidents(lives, {}, at(720))) == ["point 1 0-600: 1 2 3 4 5", "eye 5 600-: 5"]


# --- sites ------------------------------------------------------------------------------------------


def lost(start: float, again: float | None) -> dict[int, list[Loss]]:
    return {1: [Loss(at(start), at(start + 30), None if again is None else at(again))]}


@pytest.mark.parametrize(
    ("lives", "losses", "expected"),
    [
        pytest.param(
            street(12, 5, "60? 3600^"),
            lost(0, 3600),
            ["site 1 0-3600: " + " ".join(str(10 * p + n) for p in range(1, 13) for n in range(1, 6))],
            id="T11: the worker is dead for an hour",
        ),
        pytest.param(street(1, 2, "60?"), lost(0, None), ["site 1 0-: 11 12"], id="it still is"),
        pytest.param(
            [eye(1, "60?"), eye(2, "-90000^ -60="), eye(3, "-3000v"), eye(4, "-90000^ -3000m")],
            lost(0, 3600),
            ["eye 4 -3000-: 4", "site 1 0-3600: 1 4"],
            id="its eyes in service that were ever ok; the incidents there were go on",
        ),
        pytest.param(
            [eye(n, "60v 1800^") for n in (1, 2)],
            lost(0, 3600),
            ["site 1 0-3600: 1 2"],
            id="what fell and was over meanwhile opens nothing",
        ),
        pytest.param(
            [eye(n, "60v 7000^") for n in (1, 2)],
            lost(0, 3600),
            ["site 1 0-3600: 1 2", "point 1 3600-7000: 1 2"],
            id="who is down when it is heard again falls then",
        ),
        pytest.param(
            [eye(1, "-90000^ -500v 60? 3700^"), eye(2, "")],
            lost(0, 3600),
            ["eye 1 -500-3700: 1", "site 1 0-3600: 1 2"],
            id="an incident from before is not over by it",
        ),
        pytest.param(
            [eye(1, "900= 1800^"), eye(2, "900=")],
            lost(0, 3600),
            ["site 1 0-3600: 1 2"],
            id="in maintenance for a part of it",
        ),
        pytest.param([eye(1, "-90000^ -60=")], lost(0, 3600), [], id="all in maintenance: nothing happened"),
    ],
)
def test_a_lost_site_is_one_incident(
    lives: list[Life], losses: Mapping[int, list[Loss]], expected: list[str]
) -> None:
    assert told(incidents(lives, losses, at(MUCH_LATER))) == expected


def test_a_loss_that_is_still_to_come_is_not_known() -> None:
    assert incidents([eye(1, "60?")], lost(5000, None), at(4900)) == []
    (found,) = incidents([eye(1, "60?")], lost(0, 5000), at(4900))
    assert found.ended_at is None


def test_a_lost_site_is_announced_when_it_was_noticed() -> None:
    (found,) = incidents([eye(1, "60?")], lost(0, 3600), at(7200))
    assert second(found.announced_at) == "30"
    (member,) = found.members
    assert (second(member.from_at), second(member.to_at)) == ("0", "3600")


def test_parts_of_a_lost_site_that_are_not_counted_are_cut_out() -> None:
    (found,) = incidents([eye(1, "900= 1800- 2700^")], lost(0, 3600), at(7200))
    assert [(second(m.from_at), second(m.to_at)) for m in found.members] == [("0", "900"), ("2700", "3600")]


# --- from histories ---------------------------------------------------------------------------------


def test_lives_follow_from_histories() -> None:
    history = History(
        states=[
            Turn(at(0), EyeState.DOWN, "TCP_TIMEOUT"),
            Turn(at(100), EyeState.UP, "OK"),
            Turn(at(150), EyeState.DEGRADED, "PICTURE_BLACK"),
            Turn(at(200), EyeState.DOWN, "RTP_NONE"),
            Turn(at(900), EyeState.UNKNOWN, "NO_RESULT"),
        ],
        service=[Span(at(-50), at(1000))],
        maintenance=[Span(at(300), at(400))],
    )
    place = Place(1, 2, 3, 4, 5)
    (found,) = lives_of({1: history}, [place, Place(2, 2, 3, 4, 5)], {1: 60.0}, Span(at(-100), at(2000)))
    assert found.place == place
    assert found.first_ok_at == at(100)
    assert [(second(s.at), s.state, s.reason) for s in found.stages] == [
        ("-100", State.OUT, ""),
        ("-50", State.UNKNOWN, ""),
        ("0", State.DOWN, "TCP_TIMEOUT"),
        ("100", State.OK, "OK"),
        ("200", State.DOWN, "RTP_NONE"),
        ("300", State.MAINTENANCE, ""),
        ("400", State.DOWN, "RTP_NONE"),
        ("900", State.UNKNOWN, "NO_RESULT"),
        ("1000", State.OUT, ""),
    ]
    (found,) = lives_of({1: history}, [place], {1: 60.0}, Span(at(-100), at(2000)), {1: at(-900)})
    assert found.first_ok_at == at(-900)


# --- laws -------------------------------------------------------------------------------------------

END = 3000
seconds = st.integers(-200, END)
words = st.lists(st.tuples(seconds, st.sampled_from("^^vvm?=-")), max_size=5, unique_by=lambda word: word[0])


@st.composite
def lives_drawn(draw: st.DrawFn) -> list[Life]:
    """Up to seven eyes in two units, most of them ok at first, many of them falling together."""
    cuts = draw(st.lists(seconds, min_size=1, max_size=3))
    made = []
    for number in range(1, draw(st.integers(1, 7)) + 1):
        point = draw(st.integers(1, 4))
        device = 10 * point + draw(st.integers(0, 2))
        place = Place(number, device, point, {1: 1, 2: 1, 3: 1, 4: 2}[point], draw(st.integers(1, 2)))
        story = dict(draw(words))
        for cut in draw(st.lists(st.sampled_from(cuts), max_size=2)):
            start = cut + draw(st.integers(0, 130))
            story |= {start: "v", start + draw(st.integers(1, 900)): draw(st.sampled_from("^^=v"))}
        if draw(st.integers(0, 5)):
            story[-5000] = "^"
        made.append(life(place, sorted(story.items()), draw(st.sampled_from([60.0, 60.0, 300.0]))))
    return made


losses_drawn = st.dictionaries(
    st.integers(1, 2),
    st.lists(st.tuples(seconds, st.integers(60, 900)), max_size=2).map(
        lambda drawn: _apart([(start, start + length) for start, length in drawn])
    ),
)


def _apart(spans: Sequence[tuple[int, int]]) -> list[Loss]:
    found: list[Loss] = []
    for start, end in sorted(spans):
        if not found or found[-1].heard_again is None or at(start) > found[-1].heard_again:
            found.append(Loss(at(start), at(start + 30), at(end)))
    return found


def down_spans(one: Life, losses: Sequence[Loss]) -> list[tuple[datetime, datetime | None]]:
    """When the eye was down, having been ok before, and its site was heard, as far as ``END`` knows."""
    found: list[tuple[datetime, datetime | None]] = []
    for stage, after in zip_longest(one.stages, one.stages[1:]):
        if stage.state is not State.DOWN or one.first_ok_at is None or stage.at < one.first_ok_at:
            continue
        start, end = stage.at, None if after is None else after.at
        for loss in losses:
            assert loss.heard_again is not None
            if loss.lost_from <= start < loss.heard_again:
                start = loss.heard_again
        if start <= at(END) and (end is None or start < end):
            found.append((start, end))
    return found


def state_at(one: Life, moment: datetime) -> State:
    return next((s.state for s in reversed(one.stages) if s.at <= moment), State.OUT)


@given(lives_drawn(), losses_drawn, st.randoms(use_true_random=False))
def test_the_order_of_what_is_told_changes_nothing(
    lives: list[Life], losses: dict[int, list[Loss]], random: Random
) -> None:
    shuffled = random.sample(lives, len(lives))
    assert incidents(shuffled, losses, at(END)) == incidents(lives, losses, at(END))


@given(lives_drawn(), losses_drawn)
def test_every_outage_belongs_to_one_incident_at_a_time(
    lives: list[Life], losses: dict[int, list[Loss]]
) -> None:
    found = [i for i in incidents(lives, losses, at(END)) if i.kind is not Kind.SITE]
    forever = at(END + 10_000)
    for one in lives:
        one = replace(one, stages=[stage for stage in one.stages if stage.at <= at(END)])
        away = sorted(
            (m.from_at, m.to_at or forever) for i in found for m in i.members if m.eye == one.place.eye
        )
        assert all(before[1] <= after[0] for before, after in pairwise(away)), "one at a time"
        for start, end in down_spans(one, losses.get(one.place.site, [])):
            length = (end or forever) - start
            covered = sum(
                (max(timedelta(0), min(to, end or forever) - max(since, start)) for since, to in away),
                timedelta(0),
            )
            assert covered == length, "every moment of it"
        for since, to in away:
            assert since < to
            assert state_at(one, since) is State.DOWN
            backs = [s.at for s in one.stages if s.state in (State.OK, State.OUT) and since < s.at < to]
            assert backs == [], "and no moment that is none"


@given(lives_drawn(), losses_drawn)
def test_units_do_not_mix(lives: list[Life], losses: dict[int, list[Loss]]) -> None:
    units = {one.place.eye: one.place.unit for one in lives}
    found = [i for i in incidents(lives, losses, at(END)) if i.kind is not Kind.SITE]
    assert all(len({units[eye] for eye in i.eyes}) == 1 for i in found)
    apart = [
        i
        for unit in (1, 2)
        for i in incidents([one for one in lives if one.place.unit == unit], losses, at(END))
        if i.kind is not Kind.SITE
    ]
    assert sorted(apart, key=str) == sorted(found, key=str)


@given(lives_drawn(), losses_drawn, lives_drawn())
def test_eyes_that_never_were_ok_change_nothing(
    lives: list[Life], losses: dict[int, list[Loss]], more: list[Life]
) -> None:
    dead = [
        replace(
            one,
            place=replace(one.place, eye=one.place.eye + 100),
            stages=[s for s in one.stages if s.state is not State.OK],
            first_ok_at=None,
        )
        for one in more
    ]
    assert incidents([*lives, *dead], losses, at(END)) == incidents(lives, losses, at(END))


@given(lives_drawn(), losses_drawn, st.integers(0, END))
def test_what_was_decided_when_its_window_had_passed_stays_decided(
    lives: list[Life], losses: dict[int, list[Loss]], now: int
) -> None:
    early = incidents(lives, losses, at(now))
    later = incidents(lives, losses, at(END))
    for one in early:
        if one.announced_at <= at(now):
            same = [i for i in later if _who(i) == _who(one)]
            assert same, "it is there later, too"
            assert same[0].announced_at == one.announced_at
            if one.ended_at is not None:
                assert same[0].ended_at == one.ended_at
    assert {_who(i) for i in later if i.announced_at <= at(now)} <= {_who(i) for i in early}


def _who(one: Incident) -> tuple[Kind, int, datetime]:
    return one.kind, one.ancestor, one.started_at


@settings(max_examples=300)
@given(lives_drawn(), losses_drawn, st.integers(0, END))
def test_going_on_from_what_was_open_is_as_good_as_from_the_beginning(
    lives: list[Life], losses: dict[int, list[Loss]], since: int
) -> None:
    whole = incidents(lives, losses, at(END))
    moment = at(since)
    open_ = [i for i in whole if i.kind is not Kind.SITE and i.started_at < moment <= (i.ended_at or moment)]
    returning = [
        i
        for i in whole
        if i.ended_at is not None
        and i.ended_at < moment
        and any(m.to_at is None or m.to_at >= moment for m in i.members)
    ]
    if returning or any(i.started_at < moment <= i.announced_at for i in whole if i.kind is not Kind.SITE):
        return
    gone = [i for i in whole if i.ended_at is not None and i.ended_at < moment]
    assert incidents(lives, losses, at(END), since=moment, carried=open_) == [
        i for i in whole if i not in gone
    ]


def test_the_kinds_are_slugs() -> None:
    assert all(re.fullmatch(r"[a-z]+", kind) for kind in Kind)
