"""What one process wants asked, and another one asks: requests and answers are rows in the database.

Only who holds ``Role.PROBER`` speaks to cameras: one count of the sessions on each device, one login book.
A command writes down what it wants and waits; where nobody holds the role, it takes it and does the work, by
the same way. What comes of a probe that somebody asked for is judged like any other: a camera that was seen
is seen, whoever wanted to know.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import TypeVar

import structlog
from pydantic import TypeAdapter
from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from camera_registry import commissioning, discovering, models
from camera_registry.commissioning import CommissioningError, DeviceReading
from camera_registry.db import Database, Role, RoleTaken
from camera_registry.discovering import DiscoveryError
from camera_registry.errors import RegistryError
from camera_registry.handing_over import hand_over
from camera_registry.i18n import N_
from camera_registry.inventory import device_by_code, eye_by_code, site_by_code
from camera_registry.login_book import LoginBook
from camera_registry.monitor import Follower, Monitor, attending, database_may_be_away
from camera_registry.plan import Plan
from camera_registry.rollout import Ending, Progress, Started, roll_out
from camera_registry.scheduler import Jobs
from probes.result import Depth, ProbeResult, Rung, Target

log = structlog.get_logger(__name__)

# What was asked for longer ago than this is not begun any more: nobody waits for it.
DEVICE_PATIENCE = timedelta(seconds=180)  # a recorder of 64 channels is given 120 s
PROBE_PATIENCE = timedelta(seconds=120)  # a deep probe takes 47 s at most, and another may be under way
ROLLOUT_PATIENCE = timedelta(seconds=60)

LOOK_S = 1.0  # between two looks for something to do
ASK_S = 0.25  # between two looks for an answer
TELL_S = 0.25  # between two words on how far a probe has climbed
GRACE_S = 3.0  # for probes under way when the process stops: nearly all end in it
KEPT = timedelta(minutes=10)  # a request whose asker never came for the answer
READING_KEPT = timedelta(hours=1)  # … of a device: a person goes through its channels
TIDY_S = 600.0

Found = TypeVar("Found")
Work = Coroutine[None, None, None]


# --- the side that wants to know ----------------------------------------------------------------------


class NoAnswer(RegistryError):
    """Whoever should do what is wanted does not."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. ``None``: the eye may not be asked over the network, or not any more."""

    result: ProbeResult | None


class Wish(StrEnum):
    """What may be wanted of a device."""

    READ = "read"  # what it says of itself
    LOGIN = "login"  # that its login is tried again, past refusals of today


@dataclass(frozen=True, slots=True)
class LoginAnswer:
    """When the login of a device is tried again: ``None`` is with its next probe."""

    not_before: datetime | None


def request_probe(database: Database, eye: str, depth: Depth, record: bool, now: datetime) -> int:
    """Want an eye asked. Raises ``InventoryError`` where there is none of this code."""
    with database.transaction() as session:
        return want_probe(session, eye_by_code(session, eye), depth, record, now)


def want_probe(session: Session, eye: models.Eye, depth: Depth, record: bool, now: datetime) -> int:
    """As ``request_probe``, in a transaction of the caller's."""
    row = models.ProbeRequest(eye_id=eye.id, depth=depth, record=record, requested_at=now)
    session.add(row)
    session.flush()
    return row.id


def read_answer(database: Database, request: int, now: datetime) -> Answer | None:
    """The answer, once there is one. Raises ``NoAnswer`` where there will be none any more."""
    with database.reading() as session:
        return answer_of(session.get_one(models.ProbeRequest, request), now)


def answer_of(row: models.ProbeRequest, now: datetime) -> Answer | None:
    """As ``read_answer``, of a request that was read."""
    if row.answered_at is None:
        _still_wait(row.requested_at, PROBE_PATIENCE, now)
        return None
    return Answer(None if row.answer is None else _results().validate_json(row.answer))


def rungs_of(row: models.ProbeRequest) -> tuple[Rung, ...]:
    """How far a probe under way has climbed."""
    return _rungs().validate_python(row.rungs)


def forget_request(database: Database, request: int) -> None:
    """Nobody waits for it any more."""
    with database.transaction() as session:
        session.execute(delete(models.ProbeRequest).where(models.ProbeRequest.id == request))


def request_device(database: Database, device: str, wish: Wish, now: datetime) -> int:
    """Want something of a device. Raises ``InventoryError`` where there is none of this code, and
    ``CommissioningError`` where no network reaches it."""
    with database.transaction() as session:
        return want_device(session, device_by_code(session, device), wish, now)


def want_device(session: Session, device: models.Device, wish: Wish, now: datetime) -> int:
    """As ``request_device``, in a transaction of the caller's."""
    if device.host is None:
        raise CommissioningError(N_('No network reaches the device "{code}".'), code=device.code)
    if session.get_one(models.Site, device.site_id).delivered:
        text = N_('A machine of its site asks the device "{code}"; the registry cannot.')
        raise CommissioningError(text, code=device.code)
    row = models.DeviceRequest(device_id=device.id, wish=wish, requested_at=now)
    session.add(row)
    session.flush()
    return row.id


def read_reading(database: Database, request: int, now: datetime) -> DeviceReading | None:
    """The answer to ``Wish.READ``, once there is one. Raises ``NoAnswer`` where there will be none."""
    with database.reading() as session:
        return reading_of(session.get_one(models.DeviceRequest, request), now)


def reading_of(row: models.DeviceRequest, now: datetime) -> DeviceReading | None:
    """As ``read_reading``, of a request that was read."""
    if row.answered_at is None:
        _still_wait(row.requested_at, DEVICE_PATIENCE, now)
    return None if row.answer is None else _readings().validate_json(row.answer)


def read_login_answer(database: Database, request: int, now: datetime) -> LoginAnswer | None:
    """The answer to ``Wish.LOGIN``, once there is one. Raises ``NoAnswer`` where there will be none."""
    answer = _device_answer(database, request, now)
    return None if answer is None else _login_answers().validate_json(answer)


def _device_answer(database: Database, request: int, now: datetime) -> bytes | None:
    with database.reading() as session:
        row = session.get_one(models.DeviceRequest, request)
        if row.answered_at is None:
            _still_wait(row.requested_at, DEVICE_PATIENCE, now)
        return row.answer


def forget_device_request(database: Database, request: int) -> None:
    """Nobody waits for it any more."""
    with database.transaction() as session:
        session.execute(delete(models.DeviceRequest).where(models.DeviceRequest.id == request))


def request_rollout(database: Database, site: str, now: datetime) -> int:
    """Want the eyes of a site started. Raises ``InventoryError`` where there is no such site."""
    with database.transaction() as session:
        return want_rollout(session, site_by_code(session, site), now)


def want_rollout(session: Session, site: models.Site, now: datetime) -> int:
    """As ``request_rollout``, in a transaction of the caller's."""
    row = models.Rollout(site_id=site.id, requested_at=now)
    session.add(row)
    session.flush()
    return row.id


def read_rollout(database: Database, rollout: int, now: datetime) -> models.Rollout:
    """How far it has come, or how it ended. Raises ``NoAnswer`` where it does not begin, or does not stop."""
    with database.reading() as session:
        row = session.get_one(models.Rollout, rollout)
        session.expunge(row)  # what still belongs to a session ends with it
    if row.ended_at is None:
        for since in (None if row.begun_at else row.requested_at, row.stop_asked_at):
            if since is not None:
                _still_wait(since, ROLLOUT_PATIENCE, now)
    return row


def stop_rollout(database: Database, rollout: int, now: datetime) -> None:
    """Want it to end. Eyes already started stay started."""
    with database.transaction() as session:
        session.get_one(models.Rollout, rollout).stop_asked_at = now


def _still_wait(since: datetime, patience: timedelta, now: datetime) -> None:
    if now - since > patience:
        text = N_("No answer in {seconds} seconds: the process that asks eyes is too busy, or hangs.")
        raise NoAnswer(text, seconds=round(patience.total_seconds()))


async def wait_for(
    database: Database, put_together: Callable[[], Monitor], look: Callable[[], Found | None]
) -> Found:
    """Wait until ``look`` finds something; where nobody asks eyes meanwhile, be the one who does.

    ``look`` runs four times a second, in a thread, and raises to give up. ``put_together`` makes the monitor
    when it is needed, not before: what it knows of logins must be what the last one left.
    """
    async with AsyncExitStack() as role:
        ours = False
        while True:
            if not ours:
                with suppress(RoleTaken):
                    role.enter_context(database.hold(Role.PROBER))
                    ours = True
                    monitor = put_together()
                    role.callback(monitor.close)
                    follower = await role.enter_async_context(attending(monitor))
                    await role.enter_async_context(Errands(monitor, follower))
            found = await asyncio.to_thread(look)
            if found is not None:
                return found
            await asyncio.sleep(ASK_S)


# --- the side that asks -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Request:
    id: int
    eye: str
    depth: str
    record: bool


@dataclass(frozen=True, slots=True)
class _Start:
    id: int
    site_id: int
    requested_at: datetime
    begun_at: datetime | None
    stop_asked_at: datetime | None


@dataclass(frozen=True, slots=True)
class _DeviceRequest:
    id: int
    device_id: int
    wish: str


@dataclass(frozen=True, slots=True)
class _Search:
    id: int
    hosts: list[str]
    interface: str
    try_ports: bool


# Made once: they are run each second.
OPEN_REQUESTS = (
    select(models.ProbeRequest.id, models.Eye.code, models.ProbeRequest.depth, models.ProbeRequest.record)
    .join(models.Eye)
    .where(models.ProbeRequest.answered_at.is_(None))
    .where(models.ProbeRequest.requested_at > bindparam("edge", type_=models.Moment))
    .order_by(models.ProbeRequest.id)
)
OPEN_WISHES = (
    select(models.DeviceRequest.id, models.DeviceRequest.device_id, models.DeviceRequest.wish)
    .where(models.DeviceRequest.answered_at.is_(None))
    .where(models.DeviceRequest.requested_at > bindparam("edge", type_=models.Moment))
    .order_by(models.DeviceRequest.id)
)
OPEN_SEARCHES = (
    select(
        *(models.Discovery.id, models.Discovery.hosts, models.Discovery.interface),
        models.Discovery.try_ports,
    )
    .where(models.Discovery.answered_at.is_(None))
    .where(models.Discovery.requested_at > bindparam("edge", type_=models.Moment))
    .order_by(models.Discovery.id)
)
OPEN_ROLLOUTS = (
    select(
        *(models.Rollout.id, models.Rollout.site_id, models.Rollout.requested_at),
        *(models.Rollout.begun_at, models.Rollout.stop_asked_at),
    )
    .where(models.Rollout.ended_at.is_(None))
    .order_by(models.Rollout.id)
)


class Errands:
    """Does what is wanted, looking once a second; for the one process with ``Role.PROBER``.

    Enter to begin. On leaving, probes under way have a moment to end; requests without an answer are left
    to whoever asks next; starts of a site are interrupted, and nobody goes on with one unasked.
    """

    def __init__(self, monitor: Monitor, follower: Follower) -> None:
        self._monitor = monitor
        self._database = monitor.database
        self._follower = follower
        self._probes: dict[int, asyncio.Task[None]] = {}
        self._devices: dict[int, asyncio.Task[None]] = {}
        self._rollouts: dict[int, asyncio.Task[None]] = {}
        self._searches: dict[int, asyncio.Task[None]] = {}

    async def __aenter__(self) -> "Errands":
        await self._look()
        self._jobs = Jobs({"errands": (LOOK_S, self._look), "old requests": (TIDY_S, self.tidy)})
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._jobs.stop()
        probes = [*self._probes.values(), *self._devices.values(), *self._searches.values()]
        rollouts = list(self._rollouts.values())
        for task in rollouts:
            task.cancel()
        if probes:
            await asyncio.wait(probes, timeout=GRACE_S)
        for task in probes:
            task.cancel()
        await asyncio.gather(*probes, *rollouts, return_exceptions=True)

    async def _look(self) -> None:
        # What ends while we read is not begun again.
        probes, devices, rollouts = set(self._probes), set(self._devices), set(self._rollouts)
        with database_may_be_away("errands"):
            requests, wishes, starts, searches = await asyncio.to_thread(self._wanted)
            requests = [request for request in requests if request.id not in probes]
            busy = {row.site_id for row in starts if row.id in rollouts}
            starts = [row for row in starts if row.id not in rollouts]
            if requests or starts:
                await self._follower.look()  # an eye may be as new as the wish to see it
            for request in requests:
                self._begin(self._probes, request.id, self._answer(request))
            for wish in wishes:
                if wish.id not in devices:
                    self._begin(self._devices, wish.id, self._grant(wish))
            if searches and not self._searches:  # one network at a time
                self._begin(self._searches, searches[0].id, self._search(searches[0]))
            for row in starts:
                if (ending := self._not_to_begin(row)) is not None:
                    await asyncio.to_thread(self._end, row.id, ending, None)
                elif row.site_id not in busy:  # one start of a site at a time
                    busy.add(row.site_id)
                    self._begin(self._rollouts, row.id, self._roll_out(row.id, row.site_id))

    def _wanted(self) -> tuple[list[_Request], list[_DeviceRequest], list[_Start], list[_Search]]:
        now = self._monitor.clock()
        with self._database.engine.connect() as connection:
            requests = connection.execute(OPEN_REQUESTS, {"edge": now - PROBE_PATIENCE}).all()
            wishes = connection.execute(OPEN_WISHES, {"edge": now - DEVICE_PATIENCE}).all()
            starts = connection.execute(OPEN_ROLLOUTS).all()
            searches = connection.execute(OPEN_SEARCHES, {"edge": now - discovering.PATIENCE}).all()
        return (
            [_Request(*row) for row in requests],
            [_DeviceRequest(*row) for row in wishes],
            [_Start(*row) for row in starts],
            [_Search(*row) for row in searches],
        )

    @staticmethod
    def _begin(tasks: dict[int, asyncio.Task[None]], number: int, work: Work) -> None:
        task = tasks[number] = asyncio.create_task(work)

        def ended(_: asyncio.Task[None]) -> None:
            del tasks[number]
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("errand failed", exc_info=error)

        task.add_done_callback(ended)

    async def _answer(self, request: _Request) -> None:
        target = self._monitor.sweeper.target(request.eye)
        result = None if target is None else await self._ask(request, target)
        await asyncio.to_thread(self._write_answer, request.id, result)

    async def _ask(self, request: _Request, target: Target) -> ProbeResult | None:
        """Ask one eye, and meanwhile write down how far the probe has climbed."""
        rungs: list[Rung] = []
        ask = self._monitor.sweeper.once(
            target, Depth(request.depth), record=request.record, urgent=True, told=rungs.append
        )
        work, written = asyncio.create_task(ask), None
        try:
            while not work.done():
                if written != len(rungs):
                    written = len(rungs)
                    with database_may_be_away("progress"):
                        await asyncio.to_thread(self._write_progress, request.id, rungs[:written])
                await asyncio.wait([work], timeout=TELL_S)
        finally:
            work.cancel()
            await asyncio.wait([work])
        return work.result()

    def _write_progress(self, request: int, rungs: Sequence[Rung]) -> None:
        row, told = models.ProbeRequest, _rungs().dump_python(tuple(rungs), mode="json")
        begun_at = func.coalesce(row.begun_at, self._monitor.clock())
        with self._database.transaction() as session:
            session.execute(update(row).where(row.id == request).values(begun_at=begun_at, rungs=told))

    def _write_answer(self, request: int, result: ProbeResult | None) -> None:
        answer = None if result is None else _results().dump_json(result.printable())
        with self._database.transaction() as session:
            session.execute(
                update(models.ProbeRequest)
                .where(models.ProbeRequest.id == request)
                .values(answered_at=self._monitor.clock(), answer=answer)
            )

    async def _grant(self, request: _DeviceRequest) -> None:
        target = await asyncio.to_thread(self._device_target, request.device_id)
        match Wish(request.wish):
            case Wish.READ:
                answer = _readings().dump_json(await commissioning.read(target, self._monitor))
            case Wish.LOGIN:
                book = self._monitor.tools.logins
                assert isinstance(book, LoginBook)  # ``prepare`` hands in no other gate
                answer = _login_answers().dump_json(
                    LoginAnswer(await book.try_now(target.site, target.device))
                )
        await asyncio.to_thread(self._write_device_answer, request.id, answer)

    def _device_target(self, device_id: int) -> Target:
        with self._database.reading() as session:
            device = session.get_one(models.Device, device_id)
            return commissioning.target_of(session, self._monitor.credentials, device)

    def _write_device_answer(self, request: int, answer: bytes) -> None:
        with self._database.transaction() as session:
            session.execute(
                update(models.DeviceRequest)
                .where(models.DeviceRequest.id == request)
                .values(answered_at=self._monitor.clock(), answer=answer)
            )

    async def _search(self, wanted: _Search) -> None:
        """Look which devices a network has."""
        monitor, answer, refusal = self._monitor, None, ""
        try:
            found = await discovering.search(
                wanted.hosts, wanted.interface, wanted.try_ports, monitor.web, monitor.clock
            )
            answer = discovering.packed(found)
        except DiscoveryError as refused:
            refusal = str(refused)[:200]
        await asyncio.to_thread(self._write_found, wanted.id, answer, refusal)

    def _write_found(self, search: int, answer: bytes | None, refusal: str) -> None:
        with self._database.transaction() as session:
            session.execute(
                update(models.Discovery)
                .where(models.Discovery.id == search)
                .values(answered_at=self._monitor.clock(), answer=answer, refusal=refusal)
            )

    def _not_to_begin(self, row: _Start) -> Ending | None:
        """Why a start that is not under way here must not begin: nobody waits, or it began elsewhere."""
        if row.stop_asked_at is not None:
            return Ending.STOPPED
        too_old = self._monitor.clock() - row.requested_at > ROLLOUT_PATIENCE
        return Ending.INTERRUPTED if too_old or row.begun_at is not None else None

    async def _roll_out(self, rollout: int, site_id: int) -> None:
        """One start, to its end: its row tells how far it is, and whether it is to stop."""
        told: deque[Progress] = deque(maxlen=1)
        plan, delivered = await asyncio.to_thread(self._begin_rollout, rollout, site_id)
        start = hand_over if delivered else roll_out
        work = asyncio.create_task(start(self._monitor, plan, told.append))
        stopped = False
        try:
            while not work.done():
                await asyncio.wait([work], timeout=LOOK_S)
                with database_may_be_away("errands"):
                    if not stopped and await asyncio.to_thread(self._report, rollout, told):
                        stopped = work.cancel()
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            total = told[0].total if told else None
            ending = Ending.STOPPED if stopped else Ending.INTERRUPTED
            if not work.cancelled():
                total = work.result()
                ending = Ending.DONE if total.stopped is None else Ending.REFUSED
            await asyncio.to_thread(self._end, rollout, ending, total)

    def _begin_rollout(self, rollout: int, site_id: int) -> tuple[Plan, bool]:
        """What is to be asked, and whether by the site's own machine."""
        with self._database.transaction() as session:
            session.get_one(models.Rollout, rollout).begun_at = self._monitor.clock()
            site = session.get_one(models.Site, site_id)
        targets = self._monitor.targets(site.code, started=False, delivered=site.delivered)
        return self._monitor.plan_of(targets), site.delivered

    def _report(self, rollout: int, told: Sequence[Progress]) -> bool:
        """Write how far it is. Returns whether somebody wants it to stop."""
        with self._database.transaction() as session:
            row = session.get_one(models.Rollout, rollout)
            for progress in told:
                row.stage, row.stage_eyes, row.stage_asked = progress.stage, progress.eyes, progress.asked
                row.asked, row.started = progress.total.asked, progress.total.started
                row.refused = progress.total.refused
            return row.stop_asked_at is not None

    def _end(self, rollout: int, ending: Ending, total: Started | None) -> None:
        with self._database.transaction() as session:
            row = session.get_one(models.Rollout, rollout)
            row.ended_at, row.ending = self._monitor.clock(), ending
            if total is not None:
                row.asked, row.started, row.refused = total.asked, total.started, total.refused

    async def tidy(self) -> None:
        """Delete requests whose asker never came for the answer."""
        with database_may_be_away("old requests"):
            await asyncio.to_thread(self._delete_old)

    def _delete_old(self) -> None:
        edge = self._monitor.clock() - KEPT
        with self._database.transaction() as session:
            session.execute(delete(models.ProbeRequest).where(models.ProbeRequest.requested_at < edge))
            read = models.DeviceRequest.requested_at < self._monitor.clock() - READING_KEPT
            session.execute(delete(models.DeviceRequest).where(read))
            old = models.Discovery.requested_at < self._monitor.clock() - discovering.KEPT
            session.execute(delete(models.Discovery).where(old))


@cache
def _results() -> TypeAdapter[ProbeResult]:
    """To JSON and back; made when first needed, because few processes do."""
    return TypeAdapter(ProbeResult)


@cache
def _rungs() -> TypeAdapter[tuple[Rung, ...]]:
    return TypeAdapter(tuple[Rung, ...])


@cache
def _readings() -> TypeAdapter[DeviceReading]:
    return TypeAdapter(DeviceReading)


@cache
def _login_answers() -> TypeAdapter[LoginAnswer]:
    return TypeAdapter(LoginAnswer)
