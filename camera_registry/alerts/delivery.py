"""Empties the outbox: each kind of channel has threads of its own, so a dead mail server holds up nobody.

What another side has accepted is written down at once, and again and again for a while where the database is
away: only a process that ends between the two sends a message a second time, under the same name.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event, Lock
from typing import TypeVar

import stamina
import structlog
from sqlalchemy.exc import SQLAlchemyError

from camera_registry.alerts import html, links, mail, outbox, webhook
from camera_registry.alerts.channels import Address, Kind, open_sealed
from camera_registry.alerts.deadline import Deadline
from camera_registry.alerts.failures import NotSent
from camera_registry.alerts.outbox import Due
from camera_registry.alerts.pace import Bucket, Pace
from camera_registry.counters import Counters
from camera_registry.credentials import CredentialError, CredentialStore
from camera_registry.db import Database
from camera_registry.i18n import N_, Language, translate
from camera_registry.reports import jobs
from camera_registry.reports.jobs import File
from camera_registry.reports.value import MEDIA_TYPES
from camera_registry.settings import Settings

log = structlog.get_logger(__name__)

Found = TypeVar("Found")

WHOLE_S = 45.0  # for one try, whatever the other side does
LEASE_S = 120.0  # longer than a try, and than what follows it; a killed process's messages wait for so long
GRACE_S = 5.0  # for what is under way when the process stops
LOOK_S = 0.005  # between two looks whether all is done
WRITE_DOWN_S = 30.0  # for which it is tried to write down what became of one

PACES: Mapping[Kind, Pace] = {
    Kind.EMAIL: Pace(per_s=1, burst=10),
    Kind.WEBHOOK: Pace(per_s=5, burst=20),
    Kind.ZALO: Pace(per_s=0.5, burst=5),
    Kind.APPRISE: Pace(per_s=0.2, burst=5),
}

# Kinds that wait for each other, and how many of their messages are under way at once.
LANES: tuple[tuple[tuple[Kind, ...], int], ...] = (
    ((Kind.EMAIL,), 2),  # to one server
    ((Kind.WEBHOOK,), 4),
    ((Kind.ZALO,), 2),
    ((Kind.APPRISE,), 2),
)


@dataclass(frozen=True, slots=True)
class Senders:
    """Says a message over its channel, whatever kind that is of."""

    database: Database
    credentials: CredentialStore
    settings: Settings
    _under_way: set[Deadline] = field(default_factory=set, repr=False)

    def end(self) -> None:
        """Whatever is being said fails now."""
        for deadline in tuple(self._under_way):
            deadline.end()

    def send(self, due: Due, now: datetime) -> None:
        """Raises ``NotSent``."""
        if due.sealed is None:
            raise NotSent("not linked yet", for_good=True)
        try:
            address = open_sealed(self.credentials, due.channel_id, due.sealed)
        except CredentialError:
            raise NotSent("the address does not open: another key sealed it") from None
        file = self._report(due, now)
        text = due.text + self._link(due, now) + self._about_the_report(due, file)
        with Deadline(WHOLE_S) as deadline:
            self._under_way.add(deadline)
            try:
                self._say(due, address, text, file, now, deadline)
            finally:
                self._under_way.discard(deadline)

    def _say(
        self, due: Due, address: Address, text: str, file: File | None, now: datetime, deadline: Deadline
    ) -> None:
        match Kind(due.over):
            case Kind.EMAIL:
                if self.settings.smtp_url is None:
                    raise NotSent("no mail server is set: SMTP_URL")
                server = mail.Server.of(self.settings.smtp_url)
                page = html.html(due.title, text, "en" if due.language == "en" else "vi")
                composed = mail.composed(server, due, address.text, text, page, now)
                if file is not None:
                    mail.attach(composed, file.name, MEDIA_TYPES[file.format], file.content)
                mail.send(server, composed, deadline)
            case Kind.WEBHOOK:
                webhook.send(due, address, text, now, deadline, self.settings.webhook_networks)
            case Kind.ZALO:
                if self.settings.zalo_bot_token is None:
                    raise NotSent("no Zalo bot is set: ZALO_BOT_TOKEN")
                from camera_registry.alerts import services

                token = self.settings.zalo_bot_token.get_secret_value()
                services.send_zalo(self.settings.zalo_api_url, token, address.text, text, deadline)
            case Kind.APPRISE:
                from camera_registry.alerts import services

                services.send(address.text, due.title, text, deadline)
            case Kind.INBOX:
                raise NotSent("an inbox is read here", for_good=True)

    def _report(self, due: Due, now: datetime) -> File | None:
        """The file that goes with a mail; of other channels, and of one too large for mail, none."""
        if due.report_id is None or Kind(due.over) is not Kind.EMAIL:
            return None
        with self.database.reading() as session:
            try:
                file = jobs.file_of(session, self.credentials, due.report_id, now)
            except CredentialError:
                raise NotSent("the report does not open: another key sealed it") from None
        return file if file is not None and len(file.content) <= mail.MOST_ATTACHED else None

    def _about_the_report(self, due: Due, file: File | None) -> str:
        """Where the report is: with the mail, or in the registry, for who may sign in there."""
        if due.report_id is None:
            return ""
        language: Language = "en" if due.language == "en" else "vi"
        if file is not None:
            return "\n" + translate(N_("The report is attached: {name}."), language, name=file.name)
        if self.settings.public_url is None:
            said = N_("The report is kept in the registry: Reports, No. {id}.")
            return "\n" + translate(said, language, id=due.report_id)
        return f"\n{self.settings.public_url.rstrip('/')}/reports/kept/{due.report_id}"

    def _link(self, due: Due, now: datetime) -> str:
        """The one-time link to the incident, where recipients can reach pages of ours."""
        if self.settings.public_url is None or due.incident_id is None:
            return ""
        with self.database.transaction() as session:
            path = links.make(session, due.id, due.incident_id, now)
        return f"\n{self.settings.public_url.rstrip('/')}{path}"


@dataclass(slots=True)
class _Lane:
    """The threads of one kind; ``free`` of them have nothing to do."""

    over: tuple[Kind, ...]
    free: int
    threads: ThreadPoolExecutor = field(repr=False)


class Delivery:
    """Sends what is due whenever somebody looks. ``close`` waits for what is under way."""

    def __init__(
        self,
        database: Database,
        senders: Senders,
        counters: Counters,
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._senders = senders
        self._counters = counters
        self._clock = clock
        self._lock = Lock()
        self._leasing = Lock()
        self._stopping = Event()
        self._buckets: dict[int, Bucket] = {}
        self._lanes = [
            _Lane(over, most, ThreadPoolExecutor(most, f"deliver-{over[0]}")) for over, most in LANES
        ]

    def look(self) -> int:
        """Begin with whatever is due, as far as threads are free; returns how many messages that is.

        Raises whatever the database raises.
        """
        begun = 0
        for lane in self._lanes:
            for due in self._lease(lane, lane.free):
                with self._lock:
                    lane.free -= 1
                lane.threads.submit(self._work, lane, due)
                begun += 1
        return begun

    def empty(self) -> None:
        """Send all that is due now, and wait for it: for commands and tests."""
        while self.look() or not self._at_rest():
            time.sleep(LOOK_S)

    def close(self, grace_s: float = GRACE_S) -> None:
        """Begin nothing more, and wait for what is under way; what has not ended in time is cut off."""
        self._stopping.set()
        give_up = time.monotonic() + grace_s
        while not self._at_rest() and time.monotonic() < give_up:
            time.sleep(LOOK_S)
        self._senders.end()
        for lane in self._lanes:
            lane.threads.shutdown()

    def _at_rest(self) -> bool:
        return [lane.free for lane in self._lanes] == [most for _, most in LANES]

    def _lease(self, lane: _Lane, most: int) -> list[Due]:
        if most < 1 or self._stopping.is_set():
            return []
        with self._leasing:  # two at once would take a channel's last token twice
            now = self._clock()
            spent = [channel for channel, bucket in self._buckets.items() if not bucket.has(now)]
            found = outbox.lease(self._database, now, most, LEASE_S, over=lane.over, besides=spent)
            for due in found:
                pace = PACES[Kind(due.over)]
                self._buckets.setdefault(due.channel_id, Bucket.full(pace, now)).take(now)
            return found

    def _work(self, lane: _Lane, due: Due) -> None:
        """Send one, and the next that is due, until none is."""
        try:
            while True:
                self._deliver(due)
                further = self._lease(lane, 1)
                if not further:
                    break
                due = further[0]
        except SQLAlchemyError as error:
            # Its lease runs out, and it is sent again then.
            log.error("delivery interrupted: the database does not answer", error=type(error).__name__)
        finally:
            with self._lock:
                lane.free += 1

    def _deliver(self, due: Due) -> None:
        try:
            self._senders.send(due, self._clock())
        except NotSent as failure:
            self._failed(due, failure)
        except SQLAlchemyError:
            raise
        except Exception as error:  # one message that cannot be sent stops no other
            name = type(error).__name__
            log.error("a message could not be sent", message=due.id, over=due.over, error=name)
            self._failed(due, NotSent(f"our own fault: {name}"))
        else:
            self._written(lambda: outbox.sent(self._database, due, self._clock()))
            self._counters.messages.labels(due.over, "sent").inc()

    def _failed(self, due: Due, failure: NotSent) -> None:
        state = self._written(
            lambda: outbox.failed(
                *(self._database, due, self._clock(), failure.reason),
                for_good=failure.for_good,
                wait=failure.wait,
            )
        )
        dead = state is outbox.State.DEAD
        self._counters.messages.labels(due.over, "dead" if dead else "failed").inc()
        tell = log.error if dead else log.warning
        tell(
            "a message is given up" if dead else "a message was not sent",
            **{"message": due.id, "channel": due.channel_id, "over": due.over},
            **{"tries": due.tries, "reason": failure.reason},
        )

    def _written(self, write: Callable[[], Found]) -> Found:
        for attempt in stamina.retry_context(
            on=SQLAlchemyError, attempts=None, timeout=timedelta(seconds=WRITE_DOWN_S)
        ):
            with attempt:
                found = write()
        return found
