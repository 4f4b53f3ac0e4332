"""The command that counts past days once, and proves that what was kept of them is true."""

from typing import Annotated

import typer

from camera_registry import rollups
from camera_registry.commands.common import command, now, out, say
from camera_registry.commands.storage import open_database
from camera_registry.i18n import N_, translate
from camera_registry.rollups import Difference
from camera_registry.settings import Settings

MOST_LISTED = 100  # differences: a broken cache is told by fewer


def add_to(app: typer.Typer) -> None:
    """Add the command of this room."""
    app.command()(rollup)


def rollup(
    verify: Annotated[
        bool, typer.Option("--verify", help="Change nothing: count every kept day again, and compare.")
    ] = False,
) -> None:
    """Count the past days that are not rolled up yet, so that long reports are quick.

    They are a cache: no figure depends on it. With --verify: exit code 1 if a kept day is not what the
    ledgers say.
    """
    with command() as loaded, open_database(loaded) as database:
        if not verify:
            made = rollups.make(database, loaded.zone, now())
            say(loaded, N_("Days of eyes counted: {days}."), days=made)
            return
        with database.reading() as session:
            found = rollups.verify(session, loaded.zone, now())
        for difference in found.differences[:MOST_LISTED]:
            out.print(_line(loaded, difference), markup=False)
        say(
            loaded,
            N_("Days of eyes compared: {compared}; figures that differ: {different}; not kept: {missing}."),
            compared=found.compared,
            different=len(found.differences),
            missing=found.missing,
        )
        raise typer.Exit(1 if found.differences else 0)


def _line(loaded: Settings, difference: Difference) -> str:
    return translate(
        N_("{eye}, {day}: {column} is kept as {kept}, counted as {counted}"),
        loaded.language,
        eye=difference.eye,
        day=f"{difference.day:%d/%m/%Y}",
        column=difference.column,
        kept=difference.kept,
        counted=difference.counted,
    )
