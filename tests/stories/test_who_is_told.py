"""The stories of the definition, under default rules, to a real mail server: who is told what, how often."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from camera_registry import health, incident_book, settings, sites
from camera_registry.alerts import channels, routes, subscribing
from camera_registry.alerts.channels import Kind
from camera_registry.alerts.delivery import Delivery, Senders
from camera_registry.alerts.rules import CITY_RULES, WARD_RULES, Rules
from camera_registry.alerts.subscribing import Of
from camera_registry.audit import Actor
from camera_registry.counters import Counters
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.health import Heard
from camera_registry.ingest import Ingest
from camera_registry.ingest import Rules as Judging
from camera_registry.replay import playing, scenario
from camera_registry.replay.scenario import Scenario
from camera_registry.units import Scope
from probes.reasons import Check
from tests.camera_registry.sinks import MailSink, mail_sink
from tests.camera_registry.watching import Clock

VECTORS = Path(__file__).parents[1] / "data" / "replay"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
BEGIN = datetime(2026, 9, 1, tzinfo=ZONE).astimezone(UTC)
ACTOR = Actor("operator", "cli")
DESK, WARD = "desk@city.example.vn", "ward-a@city.example.vn"

# What the city desk reads each morning, whatever the night was like.
NOTHING_WRONG = "[BẢN TIN NGÀY] Toàn thành phố: 0 sự cố đang diễn ra, 0 đã kết thúc"


def hours(count: float) -> datetime:
    return BEGIN + timedelta(hours=count)


Told = tuple[str, str]  # one mail as it arrived: to whom, and its subject


class Evening:
    """A scenario heard as time goes by: judged, told and delivered at each step."""

    def __init__(self, database: Database, folder: Path, told: Scenario, sink: MailSink) -> None:
        self.clock = Clock(BEGIN)
        self._database = database
        self._told = told
        self._sink = sink
        loaded = settings.load(
            data_dir=folder, smtp_url=f"smtp://127.0.0.1:{sink.port}?from=camera@city.example.vn"
        )
        store = CredentialStore(loaded)
        with database.transaction() as session:
            store.prepare(session)
            self._names = playing.register(session, told)
        routes.route(database, ZONE, BEGIN)  # who listens listens from here on
        self._subscribe(store, DESK, None, CITY_RULES)
        for name in self._names.units:
            self._subscribe(store, f"ward-{name.lower()}@city.example.vn", name, WARD_RULES)
        stream = told.setup.checks[Check.STREAM].policy
        self._judge = Ingest(database, Judging(dict.fromkeys(Check, stream)), self.clock)
        self.delivery = Delivery(database, Senders(database, store, loaded), Counters.new(), self.clock)

    def _subscribe(self, store: CredentialStore, address: str, unit: str | None, rules: Rules) -> None:
        unit_id = self._names.units[unit] if unit is not None else None
        with self._database.transaction() as session:
            made = channels.add(
                *(session, store, ACTOR, BEGIN),
                name=address,
                kind=Kind.EMAIL,
                unit_id=unit_id,
                language="vi",
                address=address,
                reason="a story",
            )
            subscribing.add(
                *(session, Scope.everything(), ACTOR, BEGIN, BEGIN.astimezone(ZONE).date(), made.id),
                Of(unit=unit or ""),
                rules,
                reason="a story",
            )

    def until(self, moment: datetime, *, every: timedelta = timedelta(minutes=10)) -> Counter[Told]:
        """The mails that arrive until then, when somebody looks ``every`` so often."""
        before = len(self._sink.mails)
        while self.clock.now < moment:
            then, self.clock.now = self.clock.now, min(self.clock.now + every, moment)
            self._hear(then, self.clock.now)
            incident_book.fold(self._database, ZONE, self.clock.now)
            routes.route(self._database, ZONE, self.clock.now)
            self.delivery.empty()
        return Counter((str(mail["To"]), str(mail["Subject"])) for mail in self._sink.mails[before:])

    def _hear(self, then: datetime, now: datetime) -> None:
        with self._database.transaction() as session:
            for beats in self._told.beats:
                first = beats.first_at + max(0, -((beats.first_at - then) // beats.every)) * beats.every
                last = min(beats.last_at, now)
                if first <= last:
                    sites.heard(session, self._names.sites[beats.site], first, last, beats.every_s)
        new = [part for one in self._told.heard if (part := _new(one, then, now))]
        if new:
            self._judge.deliver_runs(now.isoformat(), new)
        self._judge.tick(now)


def _new(one: Heard, then: datetime, now: datetime) -> Heard | None:
    """What of it is delivered after ``then``, by ``now``."""
    if one.received_at is not None:
        return one if then < one.received_at <= now else None
    known = health.part_before(one.told, now)
    new = health.part_since(known, then) if known else None
    return replace(one, told=new) if new else None


@contextmanager
def evening_of(vector: str, database: Database, folder: Path) -> Iterator[Evening]:
    with (VECTORS / f"{vector}.jsonl").open("rb") as file, mail_sink() as sink:
        made = Evening(database, folder, scenario.read(file), sink)
        try:
            yield made
        finally:
            made.delivery.close()


@pytest.mark.parametrize(
    ("vector", "before", "from_hour", "to_hour", "told"),
    [
        pytest.param(
            "T10_uplink_down",
            [(DESK, NOTHING_WRONG)],
            *(9.9, 11.5),
            [
                (WARD, "[MẤT KẾT NỐI] A: 60/60 mắt"),
                (WARD, "[ĐÃ KHÔI PHỤC] A: 60 mắt camera"),
                (DESK, "[MẤT KẾT NỐI] A: 60/60 mắt"),
                (DESK, "[ĐÃ KHÔI PHỤC] A: 60 mắt camera"),
            ],
            id="T10 an uplink down: one cause, two messages; nothing to the other ward",
        ),
        pytest.param(
            "T11_worker_dead",
            [(DESK, NOTHING_WRONG)],
            *(9.9, 11.5),
            [(DESK, "[MẤT LIÊN LẠC] S1: 60 mắt camera"), (DESK, "[ĐÃ LIÊN LẠC LẠI] S1: 60 mắt camera")],
            id="T11 whoever asks is dead: one message of a site, none of its eyes",
        ),
        pytest.param(
            "T15_delivered_late",
            [(DESK, "[MẤT LIÊN LẠC] S1: 2 mắt camera"), (DESK, NOTHING_WRONG.replace("0 sự", "1 sự"))],
            *(7.5, 13),
            [(DESK, "[ĐÃ LIÊN LẠC LẠI] S1: 2 mắt camera")],
            id="T15 delivered late: the hour that an eye was down meanwhile makes no message",
        ),
        pytest.param(
            "T20_among_the_long_dead",
            [(DESK, NOTHING_WRONG)],
            *(9.9, 11.5),
            [(WARD, "[MẤT KẾT NỐI] P07, A: 4/5 mắt"), (WARD, "[ĐÃ KHÔI PHỤC] P07, A: 4 mắt camera")],
            id="T20 a point down among the long dead: the four that fell, to its ward alone",
        ),
    ],
)
def test_one_cause_is_told_once_to_those_concerned(
    database: Database,
    tmp_path: Path,
    vector: str,
    before: list[Told],
    from_hour: float,
    to_hour: float,
    told: list[Told],
) -> None:
    with evening_of(vector, database, tmp_path) as evening:
        assert evening.until(hours(from_hour), every=timedelta(hours=2.5)) == Counter(before)
        assert evening.until(hours(to_hour)) == Counter(told)
        assert evening.until(hours(23.9), every=timedelta(hours=4)) == Counter()
