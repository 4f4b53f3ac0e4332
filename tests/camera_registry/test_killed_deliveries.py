"""Whoever delivers is killed, again and again: every message arrives, and a repetition is known as one.

Delivery is at least once. Between the moment in which a server accepts a message and the one in which that is
written down, a kill has it sent again, under the ``Message-ID`` that it had; nothing else is ever doubled.
"""

import random
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from camera_registry.alerts import mail, outbox
from camera_registry.alerts.channels import Kind
from camera_registry.alerts.delivery import LANES, LEASE_S, Senders
from camera_registry.alerts.outbox import State
from camera_registry.db import Database
from camera_registry.models import Message
from camera_registry.settings import load
from tests.camera_registry.sinks import MailSink, mail_sink
from tests.camera_registry.test_delivery import Town, smtp_url
from tests.databases import sqlite_in
from tests.servers import says_ready, started

KILLS = 3
WARDS, MESSAGES = 6, 8  # of each: fewer than a channel may be told at once
ROOT = Path(__file__).parents[2]


def test_killed_again_and_again_nothing_is_lost(database_url: str, tmp_path: Path) -> None:
    database = Database(database_url)
    town = Town(database, tmp_path / "keys")
    town.clock.now = datetime.now(UTC)
    expected = {
        mail.name_of(town.say(over, f"incident:{number}"), town.clock())
        for over in [town.channel(Kind.EMAIL, f"ward{n}@phuong.example", name=f"W{n}") for n in range(WARDS)]
        for number in range(MESSAGES)
    }
    dice = random.Random(7)
    with mail_sink() as sink:
        sink.pause_s = 0.01
        life = 0
        while waiting(database) and life < 50:
            argv = [sys.executable, "-m", "tests.camera_registry.delivering", database_url]
            argv += [str(tmp_path / "keys"), smtp_url(sink.port), str(life * (LEASE_S + 1))]
            with started(argv, log=tmp_path / f"{life}.log", ready=says_ready, cwd=ROOT) as process:
                if life < KILLS:
                    arrived = len(sink.mails)
                    wait_for_more(sink, arrived + dice.randrange(1, 6))
                    time.sleep(dice.random() * 0.02)
                else:
                    wait_until_empty(database)
                process.kill()
            life += 1
    arrivals = Counter(each["Message-ID"].strip("<>").partition("@")[0] for each in sink.mails)
    assert set(arrivals) == expected
    in_the_window = sum(arrivals.values()) - len(expected)
    assert in_the_window <= KILLS * LANES[0][1], "no more than were under way"
    assert life > KILLS
    database.close()


def test_what_was_accepted_and_not_written_down_comes_again_under_its_name(tmp_path: Path) -> None:
    database = Database(sqlite_in(tmp_path))
    town = Town(database, tmp_path / "keys")
    number = town.say(town.channel(Kind.EMAIL, "truc.ban@phuong.example"))
    with mail_sink() as sink:
        url = smtp_url(sink.port)
        (due,) = outbox.lease(town.database, town.clock(), 1, LEASE_S, over=[Kind.EMAIL])
        Senders(town.database, town.store, load(data_dir=town.keys, smtp_url=url)).send(due, town.clock())
        # The process ends here.
        town.deliver(smtp_url=url)
        assert len(sink.mails) == 1, "somebody has leased it"
        town.clock.now += timedelta(seconds=LEASE_S)
        town.deliver(smtp_url=url)
    assert len(sink.mails) == 2
    assert len({each["Message-ID"] for each in sink.mails}) == 1
    assert (town.outcome(number), town.message(number).tries) == (("sent", ""), 2)
    database.close()


def waiting(database: Database) -> int:
    with database.reading() as session:
        found = select(func.count()).select_from(Message).where(Message.state == State.WAITING)
        return session.scalar(found) or 0


def wait_for_more(sink: MailSink, number: int) -> None:
    give_up = time.monotonic() + 10
    while len(sink.mails) < number and time.monotonic() < give_up:
        time.sleep(0.002)


def wait_until_empty(database: Database) -> None:
    give_up = time.monotonic() + 30
    while waiting(database):
        assert time.monotonic() < give_up
        time.sleep(0.02)
