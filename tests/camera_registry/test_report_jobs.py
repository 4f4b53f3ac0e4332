"""Reports made in the background: asked for, cancelled, taken up again, kept, sent after each period."""

import asyncio
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from threading import Event, Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pypdf import PdfReader
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from camera_registry import closings, models, settings
from camera_registry.alerts import channels
from camera_registry.alerts.channels import Kind as ChannelKind
from camera_registry.app import DRAWING
from camera_registry.audit import Action, Actor, ReasonError
from camera_registry.counters import Counters
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.errors import RegistryError
from camera_registry.funding import programmes
from camera_registry.models import Audit, MadeReport, Message
from camera_registry.monitor import prepare
from camera_registry.periods import midnight, month_of
from camera_registry.reports import jobs, schedules
from camera_registry.reports.asked import Asked
from camera_registry.reports.jobs import JobError, Made, State
from camera_registry.reports.making import BUILT, Drawing, Maker
from camera_registry.reports.owners import OwnerError
from camera_registry.reports.reporting import Reporting
from camera_registry.reports.schedules import Every, ScheduleError
from camera_registry.reports.value import Format, Kind, Report
from camera_registry.units import Scope
from camera_registry.uptime import Span
from tests.camera_registry import towns
from tests.camera_registry.sinks import mail_sink, web_sink
from tests.camera_registry.test_delivery import Town as Mailing
from tests.camera_registry.test_delivery import smtp_url
from tests.databases import Cluster, sqlite_in
from tests.servers import says_ready, started

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 10, 8, 1, tzinfo=UTC)  # late results of September are over
TODAY = date(2026, 10, 8)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
CLERK = Actor("kế toán", "cli")
CITY = Scope.everything()
SEPTEMBER = Asked(Kind.UPTIME, date(2026, 9, 1), date(2026, 9, 30))
WARD_A = replace(SEPTEMBER, unit="A")
LATENESS = timedelta(days=7)
ROOT = Path(__file__).parents[2]


def plain(report: Report, format_: Format) -> bytes:
    return f"{report.title}, {report.about}, {format_}".encode()


PLAIN = Drawing(plain, lambda report, format_: f"{report.name}.{format_}")


def keeping(drawn: list[Report]) -> Drawing:
    """Draws plainly, and keeps what it drew."""

    def draw(report: Report, format_: Format) -> bytes:
        drawn.append(report)
        return plain(report, format_)

    return replace(PLAIN, draw=draw)


class Office:
    """A registry of two wards with a ledger of September, and who makes its reports."""

    def __init__(self, url: str, folder: Path) -> None:
        self.database = Database(url)
        self.mailing = Mailing(self.database, folder / "keys")
        self.mailing.clock.now = NOW
        self.clock = self.mailing.clock
        self.store: CredentialStore = self.mailing.store
        self.loaded = settings.load(data_dir=folder / "keys")
        month = month_of(SEPTEMBER.first, ZONE)
        with self.database.transaction() as session:
            self.town = towns.found(session, (2, 1))
            towns.move(session, self.town.points["P2"], self.town.units["B"], date(2026, 8, 1))
            towns.live(session, self.town, Span(month.start, month.start + timedelta(days=2)), 3)

    def scope(self, unit: str) -> Scope:
        return Scope.of([self.town.units[unit]])

    def maker(self, drawing: Drawing = PLAIN, **given: Any) -> Maker:
        return Maker(self.database, self.store, self.loaded, drawing, self.clock, **given)

    def ask(self, asked: Asked = SEPTEMBER, scope: Scope = CITY, format_: Format = Format.PDF) -> int:
        with self.database.transaction() as session:
            return jobs.ask(session, scope, CLERK, asked, format_, "vi", self.clock(), TODAY)

    def cancel(self, number: int, scope: Scope = CITY, by: Actor = CLERK, *, any_: bool = False) -> None:
        with self.database.transaction() as session:
            jobs.cancel(session, scope, by, self.clock(), TODAY, number, any_=any_)

    def ask_again(self, number: int, scope: Scope = CITY) -> int:
        with self.database.transaction() as session:
            return jobs.ask_again(session, scope, CLERK, self.clock(), TODAY, number)

    def open(self, number: int, scope: Scope = CITY) -> jobs.File:
        with self.database.transaction() as session:
            return jobs.open_file(session, self.store, scope, CLERK, self.clock(), TODAY, number)

    def made(self, scope: Scope = CITY) -> list[Made]:
        with self.database.reading() as session:
            return jobs.made(session, scope, TODAY)

    def one(self, number: int) -> Made:
        with self.database.reading() as session:
            found = jobs.one(session, CITY, TODAY, number)
        assert found is not None
        return found

    def channel(self, kind: ChannelKind, address: str = "", unit: str = "") -> int:
        with self.database.transaction() as session:
            made = channels.add(
                *(session, self.store, CLERK, self.clock()),
                name=f"{kind} {unit}",
                kind=kind,
                unit_id=self.town.units[unit] if unit else None,
                language="vi",
                address=address,
                reason="x",
                networks=("127.0.0.1",),
            )
        return made.id

    def schedule(
        self,
        asked: Asked = WARD_A,
        every: Every = Every.MONTH,
        channel: int | None = None,
        *,
        day: date = TODAY,
        scope: Scope = CITY,
        reason: str = "báo cáo định kỳ",
    ) -> int:
        with self.database.transaction() as session:
            return schedules.add(
                *(session, scope, CLERK, self.clock(), day, asked, Format.PDF, "vi", every, channel),
                reason=reason,
            )

    def let_leases_run_out(self) -> None:
        with self.database.transaction() as session:
            session.execute(update(MadeReport).values(leased_until=LONG_AGO))

    def ask_due(self, *, after_closing: bool = False) -> int:
        return schedules.ask_due(self.database, ZONE, self.clock(), LATENESS, after_closing=after_closing)

    def audited(self, action: Action) -> list[str]:
        with self.database.reading() as session:
            return [*session.scalars(select(Audit.subject).where(Audit.action == action))]


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    made = Office(database_url, tmp_path)
    yield made
    made.database.close()


def test_is_asked_for_made_kept_opened_and_gone(office: Office) -> None:
    number = office.ask(WARD_A, office.scope("A"))
    assert office.one(number).state is State.WAITING
    assert office.maker().look() == 1
    row = office.one(number)
    assert (row.state, row.done, row.unit, row.name) == (State.DONE, 100, "A", "uptime-A-2026-09.pdf")
    with office.database.reading() as session:
        sealed = session.scalar(select(MadeReport.sealed))
    file = office.open(number, office.scope("A"))
    assert file.content.decode().startswith("Báo cáo tình trạng hoạt động của camera an ninh, Phường A")
    assert sealed is not None
    assert file.content not in sealed
    assert row.sha256 == hashlib.sha256(file.content).hexdigest()
    assert office.audited(Action.MADE_REPORT_ASKED) == [f"report:{number}"]
    assert office.audited(Action.MADE_REPORT_OPENED) == [f"report:{number}"]
    office.clock.now = NOW + timedelta(days=office.loaded.report_keep_days)
    with pytest.raises(JobError):
        office.open(number)
    with office.database.transaction() as session:
        assert jobs.forget_expired(session, office.clock()) == 1
    assert office.one(number).state is State.EXPIRED


def test_is_seen_by_whose_unit_it_is_alone(office: Office) -> None:
    of_a, of_all = office.ask(WARD_A), office.ask()
    at_point = office.ask(replace(SEPTEMBER, point="P2"), office.scope("B"))
    of_home = office.ask(scope=office.scope("B"))
    office.maker().look()
    assert {row.id for row in office.made()} == {of_a, of_all, at_point, of_home}
    assert [row.id for row in office.made(office.scope("A"))] == [of_a]
    assert [row.id for row in office.made(office.scope("B"))] == [of_home, at_point]
    assert "Phường A" not in office.open(of_home, office.scope("B")).content.decode()
    for number, unit in ((of_a, "B"), (of_all, "A")):
        with pytest.raises(JobError):
            office.open(number, office.scope(unit))
    with pytest.raises(OwnerError):
        office.ask(WARD_A, office.scope("B"))
    with pytest.raises(JobError):
        office.cancel(of_all, office.scope("A"))


def test_is_cancelled_before_and_while_it_is_made(office: Office) -> None:
    before = office.ask()
    office.cancel(before)
    while_made = office.ask()

    def draw(report: Report, format_: Format) -> bytes:
        assert office.one(while_made).done > 0
        office.cancel(while_made)
        return plain(report, format_)

    assert office.maker(replace(PLAIN, draw=draw)).look() == 0
    assert [office.one(number).state for number in (before, while_made)] == [State.CANCELLED] * 2
    with pytest.raises(JobError):
        office.cancel(before)
    with pytest.raises(JobError):
        office.open(while_made)


def test_what_others_and_schedules_asked_for_is_not_cancelled_by_anybody(office: Office) -> None:
    mine = office.ask()
    channel = office.channel(ChannelKind.INBOX)
    office.schedule(channel=channel, day=date(2026, 9, 8))
    office.ask_due()
    (scheduled,) = (row.id for row in office.made() if row.schedule)
    for number, by in ((mine, Actor("người xem", "web")), (scheduled, CLERK)):
        with pytest.raises(JobError):
            office.cancel(number, by=by)
        office.cancel(number, by=by, any_=True)
    with pytest.raises(JobError):
        office.ask_again(mine)
    with pytest.raises(JobError):
        office.ask_again(scheduled, office.scope("B"))
    assert office.ask_due() == 0, "a schedule asks once"
    again = office.ask_again(scheduled)
    with pytest.raises(JobError, match="already"):
        office.ask_again(scheduled)
    assert office.maker().look() == 1
    assert (office.one(again).state, office.one(again).asked) == (State.DONE, office.one(scheduled).asked)
    with office.database.reading() as session:
        assert session.scalars(select(Message.report_id)).all() == [again]


def test_says_why_it_was_not_made(office: Office) -> None:
    too_long = office.ask(replace(SEPTEMBER, first=date(2024, 1, 1)))
    broken = office.ask()
    fine = office.ask()

    def draw(report: Report, format_: Format) -> bytes:
        if office.one(broken).state is State.MAKING:
            raise ZeroDivisionError
        return plain(report, format_)

    assert office.maker(replace(PLAIN, draw=draw)).look() == 1
    assert office.one(too_long).error == "Mỗi lần hỏi nhiều nhất 400 ngày."
    assert (office.one(broken).state, "ZeroDivisionError" in office.one(broken).error) == (State.FAILED, True)
    assert office.one(fine).state is State.DONE


def test_nobody_waits_for_more_than_he_can_read(office: Office) -> None:
    for _ in range(jobs.MOST_WAITING):
        office.ask()
    with pytest.raises(JobError):
        office.ask()


def test_a_maker_that_stops_gives_back_what_it_was_at(office: Office) -> None:
    number = office.ask()
    drawing, stopped = Event(), Event()

    def draw(report: Report, format_: Format) -> bytes:
        drawing.set()
        assert stopped.wait(10)
        return plain(report, format_)

    maker = office.maker(replace(PLAIN, draw=draw))
    thread = Thread(target=maker.look)
    thread.start()
    assert drawing.wait(10)
    maker.stop()
    stopped.set()
    thread.join()
    assert office.one(number).state is State.WAITING
    assert office.maker().look() == 1


def test_what_a_killed_process_was_making_is_made_by_the_next(
    office: Office, tmp_path: Path, database_url: str
) -> None:
    office.clock.now = datetime.now(UTC)
    number = office.ask()
    argv = [sys.executable, "-m", "tests.camera_registry.making", database_url, str(tmp_path / "keys")]
    with started(argv, log=tmp_path / "maker.log", ready=says_ready, cwd=ROOT) as process:
        give_up = time.monotonic() + 30
        while office.one(number).done < BUILT:
            assert time.monotonic() < give_up
            time.sleep(0.05)
        process.kill()
    assert office.maker().look() == 0, "nobody knows yet that it is dead"
    office.let_leases_run_out()
    assert office.maker().look() == 1
    assert office.open(number).content


def test_what_ends_every_process_is_given_up(office: Office) -> None:
    number, after = office.ask(), office.ask()
    for _ in range(jobs.MOST_TRIES):
        work = jobs.lease(office.database, office.clock())
        assert work is not None
        assert work.id == number
        office.let_leases_run_out()
    assert office.maker().look() == 1
    assert [office.one(each).state for each in (number, after)] == [State.FAILED, State.DONE]
    assert "3" in office.one(number).error


def test_what_somebody_is_at_is_not_taken_from_him(office: Office) -> None:
    office.ask()
    assert jobs.lease(office.database, office.clock()) is not None
    assert jobs.lease(office.database, office.clock()) is None


def test_servers_whose_clocks_differ_share_the_clock_of_their_database(
    postgres: Cluster, tmp_path: Path
) -> None:
    with postgres.database() as url:
        office = Office(url, tmp_path)
        office.ask()
        first = jobs.lease(office.database, NOW)
        assert first is not None
        for apart in (timedelta(seconds=-130), timedelta(seconds=130)):
            assert jobs.lease(office.database, NOW + apart) is None
            assert jobs.renew(office.database, first, NOW + apart, 50)
        office.database.close()


def test_a_database_that_fails_at_each_try_is_told_as_such(office: Office) -> None:
    number = office.ask()

    def draw(_report: Report, _format: Format) -> bytes:
        raise OperationalError("SELECT", {}, OSError("disk I/O error"))

    maker = office.maker(replace(PLAIN, draw=draw))
    for _ in range(jobs.MOST_TRIES - 1):
        with pytest.raises(OperationalError):
            maker.look()
        assert office.one(number).pending
        office.let_leases_run_out()
    assert maker.look() == 0
    assert office.one(number).state is State.FAILED
    assert office.one(number).error == "Lỗi cơ sở dữ liệu: OperationalError"


# --- after each period --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("every", "day", "last", "period"),
    [
        pytest.param(Every.MONTH, date(2026, 9, 8), date(2026, 9, 30), "2026-09", id="month"),
        pytest.param(Every.QUARTER, date(2026, 8, 8), date(2026, 9, 30), "2026-Q3", id="quarter"),
        pytest.param(Every.YEAR, date(2025, 8, 8), date(2025, 12, 31), "2025", id="year"),
    ],
)
def test_a_schedule_asks_once_when_nothing_can_change(
    office: Office, every: Every, day: date, last: date, period: str
) -> None:
    number = office.schedule(every=every, day=day)
    ready = midnight(last + timedelta(days=1), ZONE) + LATENESS
    office.clock.now = ready - timedelta(seconds=1)
    assert office.ask_due() == 0
    office.clock.now = ready
    assert [office.ask_due(), office.ask_due()] == [1, 0]
    office.maker().look()
    (made,) = office.made(office.scope("A"))
    assert (made.name, made.schedule, made.made_by) == (f"uptime-A-{period}.pdf", number, CLERK.name)
    with office.database.reading() as session:
        (kept,) = schedules.schedules(session, office.scope("A"), TODAY)
        assert not schedules.schedules(session, office.scope("B"), TODAY)
    assert (kept.made_until, kept.every) == (last, every)


def test_what_a_long_stop_missed_is_made_up_for_as_far_as_it_is_read(office: Office) -> None:
    office.schedule(day=date(2026, 1, 15))
    assert office.ask_due() == schedules.MOST_MISSED
    asked = sorted(row.asked.first for row in office.made())
    assert asked == [date(2026, month, 1) for month in (7, 8, 9)]
    assert office.ask_due() == 0


def test_a_schedule_waits_for_its_month_to_be_closed(office: Office) -> None:
    office.schedule(day=date(2026, 9, 8))
    assert office.ask_due(after_closing=True) == 0
    closed = schedules.close_months(office.database, ZONE, office.clock(), LATENESS)
    assert (closed, schedules.close_months(office.database, ZONE, office.clock(), LATENESS)) == (3, 0)
    assert office.ask_due(after_closing=True) == 1
    drawn: list[Report] = []
    office.maker(keeping(drawn)).look()
    with office.database.reading() as session:
        month = closings.frozen(session, SEPTEMBER.first)
    assert month is not None
    assert [report.mark for report in drawn] == [month.heading.figures_hash]
    assert month.heading.by == "camera-registry"


def test_who_may_have_what_made_and_sent_where(office: Office) -> None:
    ward_a, city = office.channel(ChannelKind.EMAIL, "a@x.example", "A"), office.channel(ChannelKind.INBOX)
    number = office.schedule(WARD_A, channel=ward_a, scope=office.scope("A"))
    for asked, scope, channel, error in (
        (WARD_A, office.scope("B"), None, OwnerError),
        (replace(WARD_A, unit="B"), CITY, ward_a, ScheduleError),  # a ward hears of itself alone
        (SEPTEMBER, CITY, ward_a, ScheduleError),
        (WARD_A, office.scope("A"), city, RegistryError),  # it does not see that channel
        (replace(WARD_A, kind=Kind.PROPOSAL, proposal=1), CITY, None, ScheduleError),
    ):
        with pytest.raises(error):
            office.schedule(asked, channel=channel, scope=scope)
    with pytest.raises(ReasonError):
        office.schedule(reason=" ")
    with office.database.transaction() as session:
        with pytest.raises(ScheduleError):
            schedules.end(session, office.scope("B"), CLERK, NOW, TODAY, number, reason="x")
        schedules.end(session, CITY, CLERK, NOW, TODAY, number, reason="thôi")
        with pytest.raises(ScheduleError):
            schedules.end(session, CITY, CLERK, NOW, TODAY, number, reason="x")
    office.clock.now = NOW + timedelta(days=99)
    assert office.ask_due() == 0
    assert office.audited(Action.REPORT_SCHEDULE_ENDED) == [f"schedule:{number}"]


def test_the_month_of_a_ward_arrives_as_a_pdf_by_mail_and_elsewhere_as_a_link(office: Office) -> None:
    with mail_sink() as mails, web_sink() as web:
        for kind, address, unit in (
            (ChannelKind.EMAIL, "phuong@a.example", "A"),
            (ChannelKind.WEBHOOK, web.url, ""),
        ):
            office.schedule(channel=office.channel(kind, address, unit), day=date(2026, 9, 8))
        assert office.ask_due() == 2
        assert office.maker(DRAWING).look() == 2
        address = smtp_url(mails.port)
        office.mailing.deliver(smtp_url=address, public_url="https://camera.example")
        (mail,) = mails.mails
        (posted,) = web.posted
    (attached,) = mail.iter_attachments()
    content = attached.get_content()
    assert attached.get_filename() == "uptime-A-2026-09.pdf"
    assert attached.get_content_type() == "application/pdf"
    assert len(PdfReader(BytesIO(content)).pages) > 1
    text = mail.get_body(("plain",))
    assert text is not None
    said = text.get_content()
    assert "Tỷ lệ hoạt động: " in said
    assert "Báo cáo đính kèm: uptime-A-2026-09.pdf" in said
    first, second = sorted(row.id for row in office.made())
    assert {row.sha256 for row in office.made() if row.id == first} == {hashlib.sha256(content).hexdigest()}
    assert f"https://camera.example/reports/kept/{second}" in posted.body.decode()
    told = json.loads(posted.body)["told"]
    assert (told["report"], told["of"], told["period"]) == (second, "uptime", "tháng 9/2026")
    shapes = json.loads((ROOT / "docs" / "webhook.schema.json").read_text(encoding="utf-8"))["$defs"]
    assert {*told} <= {*shapes["told"]["properties"]}


def test_a_report_of_a_schedule_that_cannot_be_made_is_told_over_its_channel(office: Office) -> None:
    office.schedule(channel=office.channel(ChannelKind.INBOX, unit="A"), day=date(2026, 9, 8))
    office.ask_due()

    def draw(_report: Report, _format: Format) -> bytes:
        raise ZeroDivisionError

    assert office.maker(replace(PLAIN, draw=draw)).look() == 0
    with office.database.reading() as session:
        ((title, text),) = session.execute(select(Message.title, Message.text)).all()
    assert title == "Tỷ lệ hoạt động, tháng 9/2026: không lập được"
    assert "ZeroDivisionError" in text


def test_a_schedule_of_a_programme_names_one_of_its_unit(office: Office) -> None:
    asked = replace(WARD_A, kind=Kind.PROGRAMME)
    with office.database.transaction() as session:
        filled = programmes.Filled(code="CT-1", name="Ánh sáng", unit="A")
        programmes.save(session, CLERK, CITY, filled, NOW, ZONE)
    for wrong in (asked, replace(asked, programme="CT-2"), replace(asked, programme="CT-1", unit="B")):
        with pytest.raises(ScheduleError):
            office.schedule(wrong)
    office.schedule(replace(asked, programme="CT-1"), day=date(2026, 9, 8))
    office.ask_due()
    assert office.maker().look() == 1


def test_nothing_is_sent_where_the_channel_is_not_its_units_any_more(office: Office) -> None:
    channel = office.channel(ChannelKind.INBOX, unit="A")
    office.schedule(channel=channel, day=date(2026, 9, 8))
    office.ask_due()
    with office.database.transaction() as session:
        session.get_one(models.AlertChannel, channel).unit_id = office.town.units["B"]
    assert office.maker().look() == 1
    with office.database.reading() as session:
        assert session.scalars(select(Message)).all() == []


async def test_reports_at_work_beside_a_monitor(tmp_path: Path) -> None:
    office = Office(sqlite_in(tmp_path), tmp_path)
    loaded = settings.load(data_dir=tmp_path / "keys", close_months=True)
    office.schedule(day=date(2026, 9, 8))
    drawn: list[Report] = []
    monitor = prepare(office.database, loaded, office.store, Counters.new(), office.clock, lambda _: None)
    try:
        async with Reporting(monitor, keeping(drawn), synthetic=True) as reporting:
            reporting.look_at_schedules()
            give_up = time.monotonic() + 15
            while [row.state for row in office.made()] != [State.DONE]:
                assert time.monotonic() < give_up
                await asyncio.sleep(0.05)
    finally:
        await monitor.web.close()
        monitor.close()
    assert [report.synthetic for report in drawn] == [True]
    office.database.close()
