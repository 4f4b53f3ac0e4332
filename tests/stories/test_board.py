"""The board and the rules ask a Prometheus that scrapes a registry at work: nothing is asked in vain."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.alerts import channels, outbox
from camera_registry.alerts.channels import Kind
from camera_registry.audit import Actor
from camera_registry.credentials import CredentialStore
from dashboards.grafana import board
from probes.reasons import Check, Outcome, Reason
from tests.prometheus import answer, prometheus
from tests.servers import free_port
from tests.stories.programs import Home, Served, environment, opened, register, simulated, wait_until

DEPLOY = Path(__file__).parents[2] / "deploy"
# What comes last: the first try to send, twice counted; rules on rules; the first round of all eyes.
SLOWEST = (
    "increase(camera_registry_messages_total[1h])",
    "monitor:logins:rate5m",
    "count_over_time(city:eyes_working:ratio[1m]) > 2",
    'count_over_time(ALERTS{alertname="NoChannelWorks"}[1m]) > 1',
    'city:eyes:sum{state="backlog"} == 0',
    'absent(ALERTS{alertname="EyesOverdue"})',
)

CAMERAS = """
[defaults]
port = {port}
auth = ["sha-256", "md5"]
start = "idr"

[[camera]]
name = "{{n}}"
count = 6
host = "127.33.0.1"
path = "/live"
"""


@dataclass(frozen=True, slots=True)
class Scraped:
    """A registry at work, and the Prometheus that has scraped it."""

    served: Served
    prometheus: str

    def found(self, expr: str) -> list[dict[str, Any]]:
        """The series that an expression has now."""
        result: list[dict[str, Any]] = answer(self.prometheus, "query", query=expr)["result"]
        return result


def add_what_takes_days(session: Session, credentials: CredentialStore, now: datetime) -> None:
    """An eye that is down, and one with all that probes find in time; a channel that nobody answers."""
    device = session.scalars(select(models.Device).limit(1)).one()
    down, poor = (models.Eye(code=code, device_id=device.id, path="/live") for code in ("DOWN", "POOR"))
    session.add_all((down, poor))
    session.flush()
    for eye, state, reason in ((down, "down", Reason.TCP_TIMEOUT), (poor, "degraded", Reason.SNAPSHOT_STALE)):
        session.add(
            models.EyeState(
                eye_id=eye.id, state=state, since=now, reason=reason, first_ok_at=now - timedelta(days=90),
                probed_at=now, probe_s=0.5,
            )
        )  # fmt: skip
    for eye, check, reason in (
        (down, Check.STREAM, Reason.TCP_TIMEOUT),
        (poor, Check.STREAM, Reason.OK),
        (poor, Check.PICTURE, Reason.OK),
        (poor, Check.SNAPSHOT, Reason.SNAPSHOT_STALE),
        (poor, Check.CLOCK, Reason.CLOCK_DRIFT),
        (poor, Check.RECORDING, Reason.OK),
    ):
        outcome = Outcome.OK if reason is Reason.OK else Outcome.FAILING
        session.add(
            models.Condition(
                eye_id=eye.id, check=check, state=outcome, since=now, reason=reason, interval_s=60.0
            )
        )  # fmt: skip
    session.add(
        models.EyeMeasures(
            eye_id=poor.id, picture_at=now, clock_at=now, clock_offset_s=-95.0, recorded_at=now,
            recorded_days=12.5,
        )
    )  # fmt: skip
    session.add(models.EyeSample(eye_id=poor.id, at=now, seconds=0.4, bits_per_s=5e5))
    session.add(
        models.Finding(
            eye_id=poor.id, reason=Reason.STREAM_OPEN_NO_AUTH, evidence="rtp", first_at=now, last_at=now
        )
    )
    channel = channels.add(
        session, credentials, Actor("t", "cli"), now, name="bàn trực", kind=Kind.WEBHOOK, unit_id=None,
        language="vi", address=f"http://127.0.0.1:{free_port()}/", reason="thử", networks=("127.0.0.1",),
    )  # fmt: skip
    _, given_up = (
        outbox.put(
            session, now, channel_id=channel.id, occasion=occasion, kind="test", title="", text="", told={}
        )
        for occasion in ("test:1", "test:2")
    )
    session.get_one(models.Message, given_up).state = str(outbox.State.DEAD)


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    folder = tmp_path_factory.mktemp("board")
    home = Home(folder, environment(folder, f"sqlite:///{folder / 'registry.db'}"))
    shutil.copytree(DEPLOY / "prometheus", folder / "prometheus")
    config = folder / "prometheus" / "prometheus.yml"
    with simulated(home, CAMERAS.format(port=free_port("127.33.0.1"))) as city:
        register(home, city.fleet, interval_s=4)
        with opened(home) as database, database.transaction() as session:
            add_what_takes_days(session, CredentialStore(home.settings), datetime.now(UTC))
        with home.serve() as served:
            host = served.address.removeprefix("http://").rstrip("/")
            text = config.read_text(encoding="utf-8").replace("127.0.0.1:8000", host)
            text = text.replace("127.0.0.1:9093", f"127.0.0.1:{free_port()}")
            config.write_text(re.sub(r"(_interval): 30s", r"\1: 1s", text), encoding="utf-8")
            with prometheus(config, folder / "data") as address:
                found = Scraped(served, address)
                wait_until(lambda: all(found.found(query) for query in SLOWEST), "scrapes")
                yield found


def test_every_query_of_the_board_has_an_answer(scraped: Scraped) -> None:
    empty = [query.expr for query in board.queries() if not scraped.found(query.expr.replace("$unit", ".*"))]

    assert empty == []
    units = answer(scraped.prometheus, "label/unit/values", **{"match[]": "unit_eyes"})
    assert units == ["Phường Yên Bái"]


def test_no_rule_fails_and_every_figure_is_there(scraped: Scraped) -> None:
    rules = [rule for group in answer(scraped.prometheus, "rules")["groups"] for rule in group["rules"]]

    assert [rule["name"] for rule in rules if rule["health"] != "ok"] == []
    recorded = [rule["name"] for rule in rules if rule["type"] == "recording"]
    assert [name for name in recorded if not scraped.found(name)] == []
    asked = {
        name
        for rule in rules
        for name in re.findall(r"\b(?:camera|unit|city|monitor)(?:_[a-z_]+|(?::\w+)+)\b", rule["query"])
    }
    assert {name for name in asked if not scraped.found(f"count({name})")} == set()


def test_what_is_wrong_is_about_to_be_told(scraped: Scraped) -> None:
    on_their_way = {one["metric"]["alertname"] for one in scraped.found("ALERTS")}

    assert on_their_way == {
        "Watchdog",
        "EyesExposed",
        "SnapshotsStale",
        "ClocksOff",
        "NoChannelWorks",
        "ChannelsFailing",
    }


def test_the_city_is_counted_as_its_pages_count_it(scraped: Scraped) -> None:
    told = orjson.loads(scraped.served.read("/api/v1/totals"))["totals"]["by_standing"]
    counted = {one["metric"]["state"]: float(one["value"][1]) for one in scraped.found("city:eyes:sum")}

    assert counted == told


def test_the_board_is_what_its_code_makes() -> None:
    assert board.JSON.read_bytes() == board.as_json()


def test_panels_stand_side_by_side() -> None:
    places = [panel["gridPos"] for panel in board.board()["panels"]]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < board.WIDTH
