"""Files that people have sent to be imported: looked at first, in memory alone, for half an hour.

A file may hold passwords, so it is written nowhere; who restarts the program asks for it again. One is worked
on at a time, in a thread of its own: pages and probes go on meanwhile.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

import structlog
from sqlalchemy.orm import Session

from camera_registry.audit import Actor
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.imports.columns import HEADER_WITHIN, field_of, find_header
from camera_registry.imports.difference import Difference, difference
from camera_registry.imports.faults import BadCell, Problem
from camera_registry.imports.load import Examined, examine, write_examined
from camera_registry.imports.plan import Options
from camera_registry.imports.recording import record_import
from camera_registry.imports.rows import Row
from camera_registry.imports.workbook import Cell, Sheet, open_workbook
from camera_registry.spelling import clean

log = structlog.get_logger(__name__)

MOST_BYTES = 16 * 1024 * 1024  # ten thousand rows are 1 MB
MOST_HELD = 8  # files of all people together
KEPT = timedelta(minutes=30)


class UploadError(RegistryError):
    """The file cannot be taken, or is not held any more."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A header of the file and the field that it is read as; ``""`` is passed over."""

    text: str
    field: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What importing the file would do: a ``difference``, or ``problems`` and the copy ``marked`` by them."""

    rows: int
    headings: tuple[Heading, ...]
    sheets_without_table: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    marked: bytes = field(default=b"", repr=False)
    difference: Difference | None = None


@dataclass(slots=True, eq=False)
class Upload:
    """One file on its way into the registry. While ``busy``, ``row`` of ``rows`` lines have been read."""

    key: str
    user_id: int
    name: str
    data: bytes = field(repr=False)
    options: Options
    at: datetime
    mapping: Mapping[str, str] = field(default_factory=dict)  # header to field, as a person said
    busy: bool = False
    row: int = 0
    rows: int = 0
    preview: Preview | None = None
    moved_on: bool = False  # the registry changed after the preview: it was made anew
    written: Difference | None = None
    refused: RegistryError | None = None


class Uploads:
    """The files in hand. ``look`` and ``write`` return at once, and the work goes on in the one thread; they
    raise ``UploadError`` while something else is being done with the file.
    """

    def __init__(self) -> None:
        self._held: dict[str, Upload] = {}
        self._lock = Lock()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="import")

    def take(self, user_id: int, name: str, data: bytes, options: Options, now: datetime) -> Upload:
        """Hold a file. A person has one at a time: an earlier one goes. Raises ``UploadError``."""
        if not data:
            raise UploadError(N_("The file is empty."))
        if len(data) > MOST_BYTES:
            raise UploadError(
                N_("{file} is larger than {limit} MB."), file=name, limit=MOST_BYTES // 1024 // 1024
            )
        upload = Upload(secrets.token_urlsafe(16), user_id, name, data, options, now)
        with self._lock:
            self._forget(now, user_id)
            if len(self._held) >= MOST_HELD:
                raise UploadError(N_("Too many people import at this moment; try again in a while."))
            self._held[upload.key] = upload
        return upload

    def of(self, user_id: int, key: str, now: datetime) -> Upload | None:
        """The file of this key, if this person sent it and it is still held."""
        with self._lock:
            self._forget(now)
            upload = self._held.get(key)
        return upload if upload is not None and upload.user_id == user_id else None

    def drop(self, upload: Upload) -> None:
        """Forget a file."""
        with self._lock:
            self._held.pop(upload.key, None)

    def look(self, upload: Upload, database: Database, now: datetime) -> "Future[None]":
        """Read the file against the registry; nothing is written."""

        def work() -> None:
            with database.reading() as session:
                _, upload.preview = _preview(session, upload, now)

        return self._begin(upload, work)

    def write(
        self,
        upload: Upload,
        database: Database,
        credentials: CredentialStore,
        actor: Actor,
        now: datetime,
        *,
        reason: str,
    ) -> "Future[None]":
        """Import what the preview showed, in one transaction; where it would be something else by now,
        nothing is written and ``preview`` is what it would be."""
        shown = upload.preview

        def work() -> None:
            with database.transaction() as session:
                examined, upload.preview = _preview(session, upload, now)
                found = upload.preview.difference
                if shown is None or shown.difference is None or found is None or found != shown.difference:
                    upload.moved_on = True
                    return
                write_examined(session, credentials, examined, upload.options, now)
                record_import(session, actor, upload.name, found, now, reason)
            upload.written = found
            upload.data = b""

        return self._begin(upload, work)

    def _begin(self, upload: Upload, work: Callable[[], None]) -> "Future[None]":
        with self._lock:
            if upload.busy:
                raise UploadError(N_("The file is being worked on."))
            upload.busy, upload.row, upload.rows = True, 0, 0
            upload.refused, upload.moved_on = None, False

        def run() -> None:
            try:
                work()
            except RegistryError as refused:
                upload.refused = refused
            except Exception as error:
                # A traceback shows cells to nobody but the log's reader, and a cell may be a password.
                log.error("import failed", error=type(error).__name__)
                upload.refused = UploadError(N_("The file cannot be read: something went wrong here."))
            finally:
                upload.busy = False

        return self._worker.submit(run)

    def _forget(self, now: datetime, user_id: int | None = None) -> None:
        for key, upload in list(self._held.items()):
            if not upload.busy and (now - upload.at > KEPT or upload.user_id == user_id):
                del self._held[key]


def _preview(session: Session, upload: Upload, now: datetime) -> tuple[Examined, Preview]:
    sheets = open_workbook(upload.data, upload.name)

    def track(rows: Sequence[Row]) -> Iterable[Row]:
        upload.rows = len(rows)
        for upload.row, row in enumerate(rows, 1):
            yield row

    found = examine(session, sheets, upload.options, now, mapping=upload.mapping, track=track)
    headings = tuple(_headings(sheets, found.mapping))
    if found.problems:
        from camera_registry.imports.marking import marked_copy  # opens openpyxl: half a second

        marked = marked_copy(upload.data, upload.name, sheets, found.problems, found.mapping)
        return found, Preview(
            found.rows, headings, found.sheets_without_table, problems=found.problems, marked=marked
        )
    told = difference(found.plan)
    return found, Preview(found.rows, headings, found.sheets_without_table, difference=told)


def _headings(sheets: Sequence[Sheet], mapping: Mapping[str, str]) -> Iterator[Heading]:
    """Each header once, however many sheets have it."""
    seen = set()
    for sheet in sheets:
        for cell in _header_row(sheet, mapping):
            text = clean(str(cell))
            if text and text not in seen:
                seen.add(text)
                yield Heading(text, field_of(cell, mapping) or "")


def _header_row(sheet: Sheet, mapping: Mapping[str, str]) -> Sequence[Cell]:
    """Where too little is recognised, the first row that may be one: a person can say what it means."""
    try:
        header = find_header(sheet, mapping)
    except BadCell as bad:  # two columns mean one field: to be mapped otherwise
        number = bad.values["row"]
        assert isinstance(number, int)
        return sheet.rows[number]
    if header is not None:
        return sheet.rows[header.row]
    texts = (
        row for row in sheet.rows[:HEADER_WITHIN] if sum(isinstance(c, str) and bool(c) for c in row) > 1
    )
    return next(texts, ())
