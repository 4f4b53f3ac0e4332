"""What every command does first and last: settings, logs, passwords, and a clear refusal."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

import structlog
import typer
from rich.console import Console
from rich.text import Text

from camera_registry import settings
from camera_registry.errors import RegistryError, reason_of
from camera_registry.i18n import LANGUAGES, N_, Language, translate
from camera_registry.settings import Settings, SettingsError

# What is read by a program or kept in a file has no screen whose width a table must keep to.
WIDTH_OF_NO_SCREEN = 200

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH_OF_NO_SCREEN)
err = Console(highlight=False, soft_wrap=True, stderr=True)


class Refused(RegistryError):
    """A command cannot do what it was asked."""


_held: ContextVar[list[str] | None] = ContextVar("held", default=None)  # what is said later, if at all


def now() -> datetime:
    """The moment, aware, UTC; commands take the time here and hand it on."""
    return datetime.now(UTC)


def write_file(target: Path, content: bytes) -> None:
    """Write the whole file or leave what was there; its owner alone may read it. Raises ``Refused``."""
    try:
        if target.exists() and not target.is_file():  # /dev/stdout, say
            target.write_bytes(content)
            return
        place = target.resolve()
        with NamedTemporaryFile(dir=place.parent, prefix=f".{place.name}.", delete=False) as beside:
            try:
                beside.write(content)
                beside.close()
                Path(beside.name).replace(place)
            except BaseException:
                Path(beside.name).unlink()
                raise
    except OSError as error:
        raise Refused(N_("Cannot write {path}: {reason}"), path=target, reason=reason_of(error)) from None


@contextmanager
def command(refusal_code: int = 1) -> Iterator[Settings]:
    """The settings; a refusal inside is said in their language and ends the program."""
    try:
        loaded = settings.load()
    except SettingsError as refused:
        err.print(refused.text(settings.wanted_language()), style="red", markup=False)
        raise typer.Exit(refusal_code) from None
    configure_logs(loaded)
    try:
        yield loaded
    except RegistryError as refused:
        err.print(refused.text(loaded.language), style="red", markup=False)
        raise typer.Exit(refusal_code) from None
    except BrokenPipeError:  # whoever read us has read enough
        raise
    except OSError as error:  # a full disk, a folder without rights: it can come from anywhere
        why = Refused(N_("The system refuses: {reason}"), reason=reason_of(error))
        if isinstance(error.filename, str | bytes):
            path = os.fsdecode(error.filename)
            why = Refused(N_("The system refuses {path}: {reason}"), path=path, reason=reason_of(error))
        err.print(why.text(loaded.language), style="red", markup=False)
        raise typer.Exit(refusal_code) from None


def read_password(source: Path | None, loaded: Settings) -> str:
    """As ``read_secret``."""
    return read_secret(source, loaded, N_("Password"))


def read_secret(source: Path | None, loaded: Settings, what: str) -> str:
    """The first line of a file or, for ``-``, of standard input; without either a person is asked ``what``.

    Never an argument: every user of a machine sees those. Raises ``Refused``.
    """
    if source is None and sys.stdin.isatty():
        return str(typer.prompt(translate(what, loaded.language), hide_input=True))
    try:
        if source is None or source == Path("-"):
            return sys.stdin.readline().rstrip("\r\n")
        return source.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except OSError as error:
        raise Refused(N_("Cannot read {path}: {reason}"), path=source, reason=reason_of(error)) from None
    except UnicodeDecodeError:
        raise Refused(N_("What stands in {path} is not UTF-8 text."), path=source or "-") from None


def stop_on_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


def say(loaded: Settings, message: str, **values: object) -> None:
    """A line for the person at the terminal, in the language of the settings."""
    text = translate(message, loaded.language, **values)
    if (held := _held.get()) is None:
        out.print(text, markup=False)
    else:
        held.append(text)


@contextmanager
def said_when_done() -> Iterator[None]:
    """What is said inside is said after it, and not at all where it fails."""
    held: list[str] = []
    outside = _held.set(held)
    try:
        yield
    finally:
        _held.reset(outside)
    for text in held:
        out.print(text, markup=False)


def language_of(said: str | None, loaded: Settings) -> Language:
    """The language that ``--language`` asks for, or that of the settings. Raises ``RegistryError``."""
    if said is None:
        return loaded.language
    for language in LANGUAGES:
        if said == language:
            return language
    raise RegistryError(
        N_('"{text}" is not known here; possible are: {choices}.'), text=said, choices="vi, en"
    )


def foreign(text: str) -> Text:
    """What a stranger calls itself, for a terminal: no markup, and nothing that a terminal would obey."""
    return Text("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text))


def configure_logs(loaded: Settings) -> None:
    """Logs go to standard error, for people or for machines. Libraries speak up from warnings on."""
    level = logging.getLevelNamesMapping()[loaded.log_level.upper()]
    as_json = loaded.log_format == "json"
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False)
            if as_json
            else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    # That a run was skipped because the one before still runs is what we ask for; a failed one is an error.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
