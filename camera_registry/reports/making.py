"""Makes the reports that somebody waits for, one after the other: built, drawn, kept, and told of."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Event, Thread

import structlog
from sqlalchemy.exc import SQLAlchemyError

from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_, translate
from camera_registry.reports import catalogue, jobs, schedules
from camera_registry.reports.jobs import File, Work
from camera_registry.reports.owners import scope_of
from camera_registry.reports.value import Drawer, Format, Report
from camera_registry.settings import Settings

log = structlog.get_logger(__name__)

RENEW_S = 15.0  # between two times that a lease is renewed
BEGUN, BUILT, DRAWN = 5, 60, 95  # of a hundred, by what is behind us
OUR_FAULT = N_("Our own fault: {name}")
NO_DATABASE = N_("The database failed: {name}")


@dataclass(frozen=True, slots=True)
class Drawing:
    """How reports become files, and what a file is called: handed in by who may draw."""

    draw: Drawer
    file_name: Callable[[Report, Format], str]


class _Lost(Exception):
    """The report is ours no more: somebody cancelled it, or another process has taken it up."""


class Maker:
    """Makes what waits whenever somebody looks; ``stop`` from another thread ends it between two steps.

    ``synthetic``: what it tells of is a demonstration.
    """

    def __init__(
        self,
        database: Database,
        credentials: CredentialStore,
        settings: Settings,
        drawing: Drawing,
        clock: Callable[[], datetime],
        *,
        synthetic: bool = False,
    ) -> None:
        self._database = database
        self._credentials = credentials
        self._settings = settings
        self._drawing = drawing
        self._clock = clock
        self._synthetic = synthetic
        self._stopping = Event()

    def look(self) -> int:
        """Make all that waits; returns how many were made. Raises what the database raises."""
        made = 0
        while not self._stopping.is_set() and (work := jobs.lease(self._database, self._clock())) is not None:
            made += self._make(work)
        return made

    def stop(self) -> None:
        """Begin nothing more; what is under way is given back for the next process."""
        self._stopping.set()

    def _make(self, work: Work) -> bool:
        if work.attempt > jobs.MOST_TRIES:
            return self._fail(work, RegistryError(jobs.CRASHED, count=jobs.MOST_TRIES))
        held = _Held(self._database, work, self._clock)
        try:
            with held.renewing():
                self._work(work, held)
        except _Lost:
            if self._stopping.is_set():
                jobs.give_back(self._database, work)
            log.info("a report is made no further", report=work.id)
            return False
        except SQLAlchemyError as error:
            if work.attempt < jobs.MOST_TRIES:
                raise  # its lease runs out, and it is made again then
            return self._fail(work, RegistryError(NO_DATABASE, name=type(error).__name__))
        except RegistryError as refused:
            return self._fail(work, refused)
        except Exception as error:  # one report that cannot be made stops no other
            name = type(error).__name__
            log.error("a report could not be made", report=work.id, of=str(work.asked.kind), error=name)
            return self._fail(work, RegistryError(OUR_FAULT, name=name))
        return True

    def _fail(self, work: Work, why: RegistryError) -> bool:
        """It is not made, and who waits for it over a channel is told; ``False``, as nothing was made."""
        now, said = self._clock(), why.text(work.language)
        with self._database.transaction() as session:
            if jobs.fail(session, work, now, said):
                named = translate(catalogue.TITLES[work.asked.kind], work.language)
                day = now.astimezone(self._settings.zone).date()
                schedules.send_failed(session, work, named, said, now, day)
        return False

    def _work(self, work: Work, held: "_Held") -> None:
        zone = self._settings.zone
        self._step(held, BEGUN)
        with self._database.reading() as session:
            now = self._clock()
            scope = scope_of(session, now.astimezone(zone).date(), work.owner)
            build = catalogue.build(work.asked.kind)
            report = build(session, scope, work.asked, now, zone, work.language)
        if self._synthetic:
            report = replace(report, synthetic=True)
        self._step(held, BUILT)
        content = self._drawing.draw(report, work.format)
        self._step(held, DRAWN)
        file = File(self._drawing.file_name(report, work.format), work.format, content)
        now = self._clock()
        keep = timedelta(days=self._settings.report_keep_days)
        with self._database.transaction() as session:
            if not jobs.keep(session, self._credentials, work, file, now, keep):
                raise _Lost
            schedules.send(session, work, report, now, now.astimezone(zone).date())

    def _step(self, held: "_Held", done: int) -> None:
        if self._stopping.is_set() or not held.renew(done):
            raise _Lost


class _Held:
    """A lease that is renewed while a step takes long."""

    def __init__(self, database: Database, work: Work, clock: Callable[[], datetime]) -> None:
        self._database, self._work, self._clock = database, work, clock
        self._done = 0
        self._over = Event()

    def renew(self, done: int) -> bool:
        self._done = done
        return jobs.renew(self._database, self._work, self._clock(), done)

    @contextmanager
    def renewing(self) -> Iterator[None]:
        thread = Thread(target=self._renew_often, name="report-lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _renew_often(self) -> None:
        while not self._over.wait(RENEW_S):
            try:
                self.renew(self._done)
            except SQLAlchemyError as error:  # tried again; the lease lasts for several times
                log.warning("a report's lease was not renewed", error=type(error).__name__)
