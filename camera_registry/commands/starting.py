"""``start``: begin to ask the eyes of a site, after a look at what that will cost."""

from collections.abc import Callable
from typing import Annotated

import typer
import uvloop
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table
from sqlalchemy import select

from camera_registry import errands, models, starting
from camera_registry.commands.common import Refused, command, now, out, stop_on_signal
from camera_registry.commands.storage import actor, open_credentials, open_database
from camera_registry.counters import Counters
from camera_registry.db import Database
from camera_registry.deeds import STAGES
from camera_registry.i18n import N_, Language, number, translate
from camera_registry.monitor import Monitor, prepare
from camera_registry.rollout import Ending, Forecast, Stage
from camera_registry.settings import Settings


def add_to(app: typer.Typer) -> None:
    app.command()(start)


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

        foreseen = starting.foresee(database, settings, credentials, site, now())
        _show_forecast(foreseen, site, settings.language)
        if foreseen.eyes == 0:
            return
        if not yes and not typer.confirm(translate(N_("Begin to ask these eyes?"), settings.language)):
            raise typer.Exit(1)
        _show_end(uvloop.run(_roll_out(database, settings, monitor, site)), settings.language)


def _site(database: Database, code: str) -> int | None:
    with database.reading() as session:
        return session.scalar(select(models.Site.id).where(models.Site.code == code))


async def _roll_out(
    database: Database, settings: Settings, put_together: Callable[[], Monitor], site: str
) -> models.Rollout:
    """Have the site started by whoever asks eyes, and show how far that is; returns how it ended.

    Raises ``NoAnswer`` where nobody begins, or nobody heeds Ctrl-C.
    """
    stop = stop_on_signal()
    with database.transaction() as session:
        number = starting.begin(session, actor(), site, now())
    with _progress() as progress:
        show = _Bars(progress, settings.language)

        def look() -> models.Rollout | None:
            row = errands.read_rollout(database, number, now())
            show(row)
            if stop.is_set() and row.stop_asked_at is None:
                with database.transaction() as session:
                    starting.stop(session, actor(), number, now())
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
        table.add_row(term(N_("Devices; sessions at a time: {sessions}"), sessions=sessions), str(devices))
    for pace in foreseen.slow:
        text = N_(
            "{device}: eyes {eyes}, sessions at a time {sessions}, minutes for a round {minutes}; "
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
