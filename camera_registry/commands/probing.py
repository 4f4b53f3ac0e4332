"""``probe``, ``start`` and ``simulate``: ask one eye now, begin asking a site, and play a city."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

import orjson
import typer
import uvloop
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
from sqlalchemy import select
from typer.core import TyperCommand

from camera_registry import errands, models, rollout
from camera_registry.commands.common import (
    Refused,
    command,
    err,
    now,
    open_credentials,
    open_database,
    out,
    read_password,
    stop_on_signal,
)
from camera_registry.counters import Counters
from camera_registry.db import Database
from camera_registry.health import Standing, eye_standing
from camera_registry.i18n import N_, Language, number, translate
from camera_registry.login_book import LoginBook
from camera_registry.monitor import Monitor, decode_in, prepare
from camera_registry.rollout import Ending, Forecast, Stage
from camera_registry.settings import Settings
from camera_registry.words import reason_text
from probes.ladder import climb
from probes.result import Credential, Depth, ProbeResult, Target
from probes.simulator.fleet import FleetError
from probes.simulator.run import run as run_simulator


class ExitCode(IntEnum):
    """The plugin convention of Nagios and its heirs."""

    UP = 0
    DEGRADED = 1
    DOWN = 2
    UNKNOWN = 3


class PluginCommand(TyperCommand):
    """A command whose exit code says how an eye is: whatever stops it says nothing of the eye.

    The usual codes are 2 for wrong words, 1 for an error and 130 for Ctrl-C; a monitoring system would read
    the first two as down and degraded.
    """

    def make_context(self, *args: Any, **extra: Any) -> Any:
        with _unknown():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        with _unknown():
            return super().invoke(ctx)


@contextmanager
def _unknown() -> Iterator[None]:
    """An error of any kind is one line and the exit code of unknown."""
    try:
        yield
    except typer.Exit:
        raise
    except (Exception, KeyboardInterrupt) as error:
        said = " ".join(str(error).split())
        err.print(f"UNKNOWN {type(error).__name__}: {said}", style="red", markup=False)
        raise typer.Exit(ExitCode.UNKNOWN) from None


def add_to(app: typer.Typer) -> None:
    app.command(cls=PluginCommand)(probe)
    app.command()(start)
    app.command()(simulate)


def probe(
    what: Annotated[
        str, typer.Argument(metavar="URL|EYE", help="rtsp:// or rtsps:// URL, or an eye's code.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
    transcript: Annotated[bool, typer.Option(help="Print what was said, credentials removed.")] = False,
    liveness: Annotated[bool, typer.Option(help="Stop at the keyframe; do not decode it.")] = False,
    user: Annotated[str, typer.Option(help="User name, for a URL.")] = "",
    password_file: Annotated[
        Path | None, typer.Option(help="File with the password of --user; - reads standard input.")
    ] = None,
    basic: Annotated[bool, typer.Option(help="Allow Basic, which sends the password in clear.")] = False,
    save_exchange: Annotated[
        Path | None, typer.Option(help="Write the redacted exchange in the form that tests replay.")
    ] = None,
) -> None:
    """Ask one eye now. Exit code: 0 up, 1 degraded, 2 down, 3 unknown; one line with performance data."""
    depth = Depth.LIVENESS if liveness else Depth.DEEP
    record = transcript or save_exchange is not None
    with command(refusal_code=ExitCode.UNKNOWN) as settings:  # a check that cannot ask knows nothing
        if "://" in what:
            target = _target_of_url(what, user, password_file, basic, settings)
            result = uvloop.run(_probe_once(target, depth, record))
        else:
            result = _probe_registered(what, depth, record, settings)
        if save_exchange is not None:
            _save(save_exchange, result.transcript)
    standing = eye_standing({v.check: Standing(v.outcome, v.reason) for v in result.verdicts})
    code = ExitCode[standing.state.upper()]
    typer.echo(_json(result, standing) if as_json else _summary(result, standing, settings.language))
    if transcript:
        typer.echo(result.transcript)
    raise typer.Exit(code)


def start(
    site: Annotated[str, typer.Option(help="Code of the site whose eyes are to be started.")],
    yes: Annotated[bool, typer.Option("--yes", help="Begin without asking.")] = False,
) -> None:
    """Show what asking a site's eyes will cost, then begin: one canary, ten, all.

    Importing probes nothing; only started eyes are asked by ``serve``. Stops by itself when logins are
    refused.
    """
    with command() as settings, open_database(settings) as database:
        credentials = open_credentials(settings, database)
        if _site(database, site) is None:
            raise Refused(N_('There is no site with the code "{code}".'), code=site)

        def monitor() -> Monitor:
            return prepare(database, settings, credentials, Counters.new(), now, lambda _: None)

        foreseen = uvloop.run(_foresee(monitor, site))
        _show_forecast(foreseen, site, settings.language)
        if foreseen.eyes == 0:
            return
        if not yes and not typer.confirm(translate(N_("Begin to ask these eyes?"), settings.language)):
            raise typer.Exit(1)
        _show_end(uvloop.run(_roll_out(database, settings, monitor, site)), settings.language)


def simulate(
    fleet: Annotated[Path, typer.Argument(metavar="FLEET.toml", help="Which cameras to play.")],
    port: Annotated[int | None, typer.Option(help="Port of every camera, instead of the file's.")] = None,
    control_port: Annotated[int, typer.Option(help="Port on which the counters are told.")] = 0,
) -> None:
    """Play a city of cameras on loopback addresses until stopped; then print what was done to them."""
    with command():
        try:
            run_simulator(fleet, port=port, control_port=control_port)
        except (FleetError, OSError) as error:
            raise Refused(N_("The fleet cannot be played: {reason}"), reason=error) from None


# --- probe ------------------------------------------------------------------------------------------


async def _probe_once(target: Target, depth: Depth, record: bool) -> ProbeResult:
    unkept = LoginBook({}, lambda *_: None, now, Counters.new())
    with ThreadPoolExecutor(max_workers=1) as pool:
        return await climb(target, depth, logins=unkept, decode=decode_in(pool), clock=now, record=record)


def _probe_registered(code: str, depth: Depth, record: bool, settings: Settings) -> ProbeResult:
    """Have an eye of the registry probed, by whoever asks eyes: by this process where no other does."""
    with open_database(settings) as database:
        credentials = open_credentials(settings, database)
        request = errands.request_probe(database, code, depth, record, now())

        def monitor() -> Monitor:
            return prepare(database, settings, credentials, Counters.new(), now, lambda _: None)

        def look() -> errands.Answer | None:
            return errands.read_answer(database, request, now())

        try:
            result = uvloop.run(errands.wait_for(database, monitor, look)).result
        finally:
            errands.forget_request(database, request)
        if result is None:
            raise Refused(N_('The eye "{code}" may not be asked over the network.'), code=code)
        return result


def _target_of_url(
    url: str, user: str, password_file: Path | None, basic: bool, settings: Settings
) -> Target:
    parts = urlsplit(url)
    host = parts.hostname
    if parts.scheme not in ("rtsp", "rtsps") or not host:
        raise Refused(N_("An rtsp:// or rtsps:// URL is needed."))
    if parts.password is not None:
        raise Refused(
            N_(
                "A password in a URL is seen by everybody on this machine. Give the name with --user and the "
                "password in a file with --password-file."
            )
        )
    try:
        port = parts.port
    except ValueError as error:
        raise Refused(N_("The port of the URL is wrong: {reason}"), reason=error) from None
    user = user or unquote(parts.username or "")
    credential = Credential("url", user, read_password(password_file, settings)) if user else None
    tls = parts.scheme == "rtsps"
    return Target(
        eye=host,
        host=host,
        port=port or (322 if tls else 554),
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        tls=tls,
        credential=credential,
        basic_allowed=basic,
    )


def _save(path: Path, exchange: str) -> None:
    try:
        path.write_text(exchange)
    except OSError as error:
        raise Refused(N_("Cannot write {path}: {reason}"), path=path, reason=error.strerror) from None


def _summary(result: ProbeResult, standing: Standing, language: Language) -> str:
    """One line: state, reason, what was seen, and performance data after the bar."""
    media = result.media
    seen = []
    if media is not None:
        seen.append(media.codec)
        if media.width and media.height:
            seen.append(f"{media.width}x{media.height}")
    notes = [str(note) for note in result.notes]
    said = [
        str(standing.reason),
        translate(reason_text(standing.reason), language).rstrip("."),
        *seen,
        *notes,
    ]
    figures = {"time": f"{result.seconds:.3f}s"} | {str(r.step): f"{r.seconds:.3f}s" for r in result.rungs}
    if media is not None:
        figures["lost"] = str(media.lost)
        if media.fps is not None:
            figures["fps"] = f"{media.fps:.1f}"
        if media.bitrate_bps is not None:
            figures["bitrate"] = f"{media.bitrate_bps:.0f}"
    performance = " ".join(f"{name}={value}" for name, value in figures.items())
    return f"{standing.state.upper()} {result.eye}: {', '.join(said)} | {performance}"


def _json(result: ProbeResult, standing: Standing) -> str:
    told: dict[str, Any] = {"state": standing.state, "reason": standing.reason} | asdict(result)
    return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()


# --- start ------------------------------------------------------------------------------------------


def _site(database: Database, code: str) -> int | None:
    with database.reading() as session:
        return session.scalar(select(models.Site.id).where(models.Site.code == code))


async def _foresee(put_together: Callable[[], Monitor], site: str) -> Forecast:
    monitor = put_together()
    try:
        return rollout.forecast(monitor.plan_of(monitor.targets(site, started=False)))
    finally:
        monitor.close()


async def _roll_out(
    database: Database, settings: Settings, put_together: Callable[[], Monitor], site: str
) -> models.Rollout:
    """Have the site started by whoever asks eyes, and show how far that is; returns how it ended.

    Raises ``NoAnswer`` where nobody begins, or nobody heeds Ctrl-C.
    """
    stop = stop_on_signal()
    number = errands.request_rollout(database, site, now())
    with _progress() as progress:
        show = _Bars(progress, settings.language)

        def look() -> models.Rollout | None:
            row = errands.read_rollout(database, number, now())
            show(row)
            if stop.is_set() and row.stop_asked_at is None:
                errands.stop_rollout(database, number, now())
                text = N_("Stopping the start: sessions on cameras are being closed.")
                progress.console.print(translate(text, settings.language))
            return row if row.ended_at is not None else None

        return await errands.wait_for(database, put_together, look)


def _show_forecast(foreseen: Forecast, site: str, language: Language) -> None:
    def term(text: str, **values: object) -> str:
        return translate(text, language, **values)

    if foreseen.eyes == 0:
        typer.echo(term(N_("There is no eye to start at site {site}."), site=site))
        return
    table = Table(
        title=term(N_("What asking the eyes of site {site} will ask of it"), site=site), show_header=False
    )
    rows = [
        (N_("Eyes"), str(foreseen.eyes)),
        (N_("Devices"), str(foreseen.devices)),
        (N_("Logins, each tried once first"), str(foreseen.logins)),
        (N_("Eyes without a credential"), str(foreseen.without_credential)),
        (N_("Traffic of the round, Mbit/s"), number(round(foreseen.mbit_s, 1), language)),
        (N_("Minutes until all have been asked once"), number(round(foreseen.minutes, 1), language)),
    ]
    for label, value in rows:
        table.add_row(term(label), value)
    for sessions, devices in foreseen.sessions:
        table.add_row(
            term(N_("Devices that see {sessions} sessions at a time"), sessions=sessions), str(devices)
        )
    for pace in foreseen.slow:
        text = N_(
            "{device}: {eyes} eyes, {sessions} sessions at a time, {minutes} minutes for each once; "
            "so each eye is asked every {seconds} s"
        )
        line = term(
            text,
            device=pace.device,
            eyes=pace.eyes,
            sessions=pace.sessions,
            minutes=number(round(pace.round_s / 60, 1), language),
            seconds=round(pace.effective_interval_s),
        )
        table.add_row(term(N_("Recorder")), line)
    out.print(table)


STAGES = {
    Stage.CANARY: N_("Canaries: one eye for each credential"),
    Stage.FEW: N_("The first ten"),
    Stage.ALL: N_("All others"),
}


def _progress() -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())


class _Bars:
    """A bar for each stage that is seen under way; stages that went by between two looks have none."""

    def __init__(self, progress: Progress, language: Language) -> None:
        self._progress = progress
        self._language = language
        self._bars: dict[str, TaskID] = {}

    def __call__(self, row: models.Rollout) -> None:
        if row.stage is None:
            return
        if row.stage not in self._bars:
            for stage in self._bars.values():  # it has ended since
                self._progress.update(stage, completed=self._progress.tasks[stage].total)
            title = translate(STAGES[Stage(row.stage)], self._language)
            self._bars[row.stage] = self._progress.add_task(title, total=row.stage_eyes)
        self._progress.update(self._bars[row.stage], completed=row.stage_asked)


def _show_end(row: models.Rollout, language: Language) -> None:
    text = N_("Eyes asked: {asked}, started: {started}; logins refused: {refused}.")
    typer.echo(translate(text, language, asked=row.asked, started=row.started, refused=row.refused))
    match row.ending:
        case Ending.REFUSED:
            text = N_(
                "Stopped at this stage: {stage}. Too many logins were refused; correct the credentials "
                "before the cameras lock the account, then start again."
            )
            raise Refused(text, stage=translate(STAGES[Stage(row.stage or "")], language))
        case Ending.STOPPED:
            raise Refused(N_("Stopped at your wish. Eyes already started stay started."))
        case Ending.INTERRUPTED:
            raise Refused(
                N_(
                    "Interrupted: the process that asked has ended, or was busy with another start of this "
                    "site. Eyes already started stay started; start again for the others."
                )
            )
