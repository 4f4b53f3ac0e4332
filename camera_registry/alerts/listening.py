"""Listens to the Zalo bot while the monitor serves: one thread, one question at a time."""

from collections import deque
from collections.abc import Callable
from datetime import date, datetime
from threading import Event, Thread

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError

from camera_registry.alerts import replies
from camera_registry.alerts.deadline import Deadline
from camera_registry.alerts.failures import NotSent
from camera_registry.alerts.replies import Desk
from camera_registry.alerts.zalo import WAIT_S, Bot, Update
from camera_registry.db import Database

log = structlog.get_logger(__name__)

WHOLE_S = 60.0  # for one question, its wait included
ANSWER_S = 20.0
SHORTEST_S = 1.0  # between two questions: an API that does not wait is not flooded
LONGEST_PAUSE_S = 60.0  # after failures in a row

# The database is busy or away, and the same may be done later; other refusals of it stay.
_AWAY = (OperationalError, InterfaceError, TimeoutError)


class Listener:
    """Begins when made; ``close`` ends it at once, in the middle of a question."""

    def __init__(
        self,
        database: Database,
        bot: Bot,
        desk: Desk,
        clock: Callable[[], datetime],
        wait_s: int = WAIT_S,
    ) -> None:
        self._database = database
        self._bot = bot
        self._desk = desk
        self._clock = clock
        self._wait_s = wait_s
        self._heard: deque[Update] = deque()  # the API gives each once: kept until it is written down
        self._tidied: date | None = None
        self._stopping = Event()
        self._deadline: Deadline | None = None
        self._thread = Thread(target=self._listen, name="zalo", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        if (deadline := self._deadline) is not None:
            deadline.end()
        self._thread.join(ANSWER_S)

    def _listen(self) -> None:
        failures = 0
        while not self._stopping.wait(min(SHORTEST_S * 2**failures, LONGEST_PAUSE_S) if failures else 0):
            try:
                if not self._ask():
                    self._stopping.wait(SHORTEST_S)
                failures = 0
            except NotSent as failure:
                failures += 1
                if not self._stopping.is_set():
                    log.warning("the Zalo bot does not answer", reason=failure.reason)
            except _AWAY as error:
                failures += 1
                name = type(error).__name__
                log.error("the database does not answer", waiting=len(self._heard), error=name)
            except Exception as error:  # one message that cannot be acted on leaves no other unheard
                failures += 1
                log.error("a reply could not be acted on", error=type(error).__name__)
                if self._heard:
                    self._heard.popleft()
        if self._heard:
            log.error(
                "replies were lost: the database did not answer until the end", replies=len(self._heard)
            )

    def _ask(self) -> bool:
        """One question, unless somebody waits, and an answer to each that wrote. Whether anybody did."""
        self._tidy()
        if not self._heard:
            with Deadline(WHOLE_S) as deadline:
                self._deadline = deadline
                if self._stopping.is_set():
                    return False
                self._heard.extend(self._bot.updates(deadline, self._wait_s))
        heard = bool(self._heard)
        while self._heard:
            self._answer(self._heard[0])
            self._heard.popleft()
        return heard

    def _tidy(self) -> None:
        """Forget old replies, once a day."""
        now = self._clock()
        if self._tidied == now.date():
            return
        with self._database.transaction() as session:
            replies.forget(session, now)
        self._tidied = now.date()

    def _answer(self, update: Update) -> None:
        with self._database.transaction() as session:
            answer = replies.act(session, self._desk, update, self._clock())
        if answer is None:
            return
        try:
            with Deadline(ANSWER_S) as deadline:
                self._bot.answer(update.chat, answer, deadline)
        except NotSent as failure:  # it is done all the same, and whoever writes again hears so
            log.warning("an answer was not sent", reason=failure.reason)
