"""Alerts beside a monitor: what is due goes out, replies are heard, a heartbeat is given; all of it ends."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select
from structlog.testing import capture_logs

from camera_registry import settings
from camera_registry.alerts import routes
from camera_registry.alerts.alerting import Alerting
from camera_registry.alerts.channels import Kind
from camera_registry.alerts.rules import Rules, to_json
from camera_registry.counters import Counters
from camera_registry.db import Database
from camera_registry.models import AlertCursor, Message, Subscription
from camera_registry.monitor import prepare
from tests.camera_registry.cuts import at
from tests.camera_registry.sinks import web_sink, zalo_api
from tests.camera_registry.test_delivery import Town
from tests.camera_registry.test_listening import TOKEN
from tests.camera_registry.test_replies import ZONE, Office
from tests.databases import sqlite_in


async def until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.02)


async def test_alerts_at_work_beside_a_monitor(tmp_path: Path) -> None:
    database = Database(sqlite_in(tmp_path))
    town = Town(database, tmp_path / "keys")
    town.clock.now = datetime.now(UTC)
    with web_sink() as sink, zalo_api(TOKEN) as api, capture_logs() as logged:
        number = town.say(town.channel(Kind.WEBHOOK, sink.url))
        loaded = settings.load(
            data_dir=town.keys,
            zalo_bot_token=TOKEN,
            zalo_api_url=api.url,
            heartbeat_url=f"{sink.url}/alive",
            webhook_networks="127.0.0.1",
        )
        monitor = prepare(
            database, loaded, town.store, Counters.new(), lambda: datetime.now(UTC), lambda _: None
        )
        try:
            async with Alerting(monitor) as alerting:
                await alerting.beat()
                api.write("somebody", "alo")
                await until(lambda: town.message(number).state == "sent" and bool(api.sent))
        finally:
            await monitor.web.close()
            monitor.close()
        assert {posted.path for posted in sink.posted} == {"/", "/alive"}
        assert monitor.counters.registry.get_sample_value("camera_registry_heartbeat_timestamp_seconds")
        assert [line for line in logged if line["log_level"] == "error"] == []
        asked = len(api.web.posted)
        await asyncio.sleep(0.1)
        assert len(api.web.posted) == asked, "nobody listens any more"
    database.close()


async def test_no_heartbeat_of_a_monitor_that_is_ill(tmp_path: Path) -> None:
    database = Database(sqlite_in(tmp_path))
    town = Town(database, tmp_path / "keys")
    with web_sink() as sink, capture_logs() as logged:
        loaded = settings.load(data_dir=town.keys, heartbeat_url=sink.url)
        monitor = prepare(database, loaded, town.store, Counters.new(), town.clock, lambda _: None)
        with database.transaction() as session:
            session.add(AlertCursor(id=1, began_at=town.clock(), at=town.clock()))
        town.clock.advance(3600)
        try:
            async with Alerting(monitor) as alerting:
                await alerting.beat()
                await alerting.beat()
        finally:
            await monitor.web.close()
            monitor.close()
        assert sink.posted == []
        assert [line["reason"] for line in logged] == ["nothing was routed for too long"], "said once"
    database.close()


def test_a_chat_hears_nothing_before_it_is_linked_and_then_of_what_goes_on(tmp_path: Path) -> None:
    office = Office(sqlite_in(tmp_path), tmp_path / "keys")
    channel = office.channel("U1 mới", 1)
    with office.database.transaction() as session:
        session.add(AlertCursor(id=1, began_at=at(-60), at=at(-60)))
        wanted = to_json(Rules(quiet=None))
        session.add(Subscription(channel_id=channel, unit_id=1, rules=wanted, made_at=at(-60), made_by="x"))

    def said() -> list[str]:
        routes.route(office.database, ZONE, office.now)
        with office.database.reading() as session:
            return list(session.scalars(select(Message.kind).where(Message.channel_id == channel)))

    assert said() == []
    office.hear("the ward", f"LIENKET {office.code(channel)}")
    assert said() == ["opened"]
    office.database.close()
