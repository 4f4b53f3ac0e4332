"""When a site was heard, when it was lost, and whether its canaries answer."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import func, select

from camera_registry import models, sites
from camera_registry.audit import Actor
from camera_registry.canaries import Canaries, Canary
from camera_registry.db import Database
from camera_registry.models import Heartbeat, Site
from camera_registry.sites import SiteError
from camera_registry.uptime import Span
from tests.camera_registry.registries import fresh

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
DAY = Span(NOON - timedelta(hours=12), NOON + timedelta(hours=12))
ALICE = Actor("alice", "cli")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made, _ = fresh(database_url)
    yield made
    made.close()


def lost(database: Database, now: float, within: Span = DAY) -> list[tuple[float, float, float | None]]:
    """The losses of the site: from, noticed, heard again, in seconds from noon."""
    with database.reading() as session:
        found = sites.losses(session, within, at(now))
    return [
        (
            (loss.lost_from - NOON).total_seconds(),
            (loss.noticed_at - NOON).total_seconds(),
            None if loss.heard_again is None else (loss.heard_again - NOON).total_seconds(),
        )
        for loss in found.get(1, [])
    ]


def hear(database: Database, *beats: float) -> None:
    for second in beats:
        with database.transaction() as session:
            sites.beat(session, 1, at(second), 10)


@pytest.mark.parametrize(
    ("beats", "now", "expected"),
    [
        pytest.param([], 3600, [], id="never heard: not watched"),
        pytest.param([0, 10, 20], 50, [], id="heard lately"),
        pytest.param([0, 10, 20], 55, [], id="two beats missed, the third is a little late"),
        pytest.param([0, 10, 20], 55.1, [(30, 55, None)], id="three missed: lost from the first of them"),
        pytest.param([0, 10, 45, 55], 60, [], id="two missed, and heard again"),
        pytest.param([0, 10, 50, 60], 60, [(20, 45, 50)], id="three missed, and heard again"),
        pytest.param([0, 3600, 7200], 7200, [(10, 35, 3600), (3610, 3635, 7200)], id="lost twice"),
    ],
)
def test_three_missed_beats_and_a_site_is_lost(
    database: Database, beats: Sequence[float], now: float, expected: list[tuple[float, ...]]
) -> None:
    hear(database, *beats)
    assert lost(database, now) == expected


def test_the_order_of_beats_changes_nothing(database: Database) -> None:
    for beats in permutations([0.0, 30.0, 60.0, 300.0]):
        with database.transaction() as session:
            session.query(Heartbeat).delete()
        hear(database, *beats, *beats)
        assert lost(database, 310) == [(70, 95, 300)]


def test_a_long_time_is_one_row_and_so_is_a_run(database: Database) -> None:
    hear(database, *range(0, 600, 10))
    with database.transaction() as session:
        sites.heard(session, 1, at(600), at(86_390), 10)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Heartbeat)) == 1
    assert lost(database, 86_400) == []


def test_only_what_touches_the_period_is_told(database: Database) -> None:
    hear(database, 0, 3600)
    assert lost(database, 3610, Span(at(3600), at(9000))) == []
    assert lost(database, 3610, Span(at(3599), at(9000))) == [(10, 35, 3600)]
    assert lost(database, 3610, Span(at(-100), at(10))) == []
    assert lost(database, 20) == [], "what is heard later is not known yet"
    hear(database, 7200, 10_800)
    assert lost(database, 10_810, Span(at(7000), at(7100))) == [(3610, 3635, 7200)]
    assert lost(database, 99_999, Span(at(50_000), at(60_000))) == [(10_810, 10_835, None)]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("192.0.2.1:80", "192.0.2.1:80", id="IPv4"),
        pytest.param(" gateway.example:53 ", "gateway.example:53", id="a name"),
        pytest.param("[2001:db8::1]:443", "[2001:db8::1]:443", id="IPv6"),
    ],
)
def test_a_canary_is_an_address(text: str, kept: str) -> None:
    assert str(sites.read_canary(text)) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host",
        "host:",
        ":80",
        "host:0",
        "host:65536",
        "host:-1",
        "2001:db8::1:443",
        "u:p@host:80",
        "a b:80",
        "x" * 300 + ":80",
        "host:٣",
    ],
)
def test_what_is_no_canary_is_refused(text: str) -> None:
    with pytest.raises(SiteError):
        sites.read_canary(text)


def test_setting_canaries_is_a_deed(database: Database) -> None:
    with database.transaction() as session:
        assert sites.set_canaries(session, ALICE, NOON, "S1", ["b:1", "a:1", "b:1"]) == ["a:1", "b:1"]
    with database.reading() as session:
        assert sites.canaries_of(session) == {"S1": (Canary("a", 1), Canary("b", 1))}
        (row,) = session.scalars(select(models.Audit)).all()
        assert (row.who, row.action, row.subject) == ("alice", "site_canaries_set", "site:S1")
        assert row.detail == {"before": [], "after": ["a:1", "b:1"]}
    with database.transaction() as session, pytest.raises(SiteError, match="at most 8"):
        sites.set_canaries(session, ALICE, NOON, "S1", [f"h:{n}" for n in range(1, 10)])
    with database.transaction() as session, pytest.raises(SiteError, match="no site"):
        sites.set_canaries(session, ALICE, NOON, "nowhere", [])
    with database.transaction() as session:
        sites.set_canaries(session, ALICE, NOON, "S1", [])
        assert session.scalar(select(Site.canaries)) == []


# --- asking them ------------------------------------------------------------------------------------


def listening() -> tuple[socket.socket, Canary]:
    server = socket.create_server(("127.0.0.1", 0), backlog=50)
    return server, Canary("127.0.0.1", server.getsockname()[1])


async def test_a_line_bears_while_one_canary_answers() -> None:
    moment = [0.0]
    canaries = Canaries(lambda: moment[0])
    one, first = listening()
    other, second = listening()
    assert await canaries.bear("S1"), "without canaries it is believed to"
    canaries.follow({"S1": (first, second), "S2": ()})
    with closing(one), closing(other):
        assert await canaries.bear("S1")
        one.close()
        moment[0] += 10
        assert await canaries.bear("S1")
        other.close()
        assert await canaries.bear("S1"), "asked just now"
        moment[0] += 10
        assert not await canaries.bear("S1")
        assert await canaries.bear("S2")
    await canaries.close()


async def test_whoever_asks_at_the_same_time_asks_once() -> None:
    server, canary = listening()
    with closing(server):
        canaries = Canaries(lambda: 0.0)
        canaries.follow({"S1": (canary,)})
        assert all(await asyncio.gather(*(canaries.bear("S1") for _ in range(20))))
        server.setblocking(False)
        server.accept()[0].close()
        with pytest.raises(BlockingIOError):
            server.accept()
        await canaries.close()


async def test_a_name_that_is_none_does_not_answer() -> None:
    canaries = Canaries()
    canaries.follow({"S1": (Canary("a" * 200, 80), Canary("..", 80))})
    assert not await canaries.bear("S1")
    await canaries.close()
