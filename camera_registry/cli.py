"""The command line: says what every command is for, and opens the room that does it when it is to run.

Opening all of them takes a second, and a check that a monitoring system runs each minute needs few.
"""

import gc
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Final

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

# For each room of ``commands``, its commands and the first paragraph of their own help.
ROOMS: Final[Mapping[str, Mapping[str, str]]] = {
    "registry": {
        "import": "Import an inventory: everything or, if a cell is wrong, nothing. Nothing is probed by it.",
        "export": "Export the inventory, passwords blank; importing the file again changes nothing.",
        "template": "Write an empty inventory to fill in.",
        "units": "Administrative units and their history.",
        "site": "Network vantages that eyes are probed from.",
        "credentials": "Sealed logins of cameras.",
        "eye": "Eyes out of service.",
    },
    "devices": {
        "discover": (
            "Find ONVIF devices: those of this network, or of the hosts named. Nothing is logged in to."
        ),
        "commission": (
            "Ask a device who it is and what channels it has, and propose its eyes. "
            "Logs in, within the budget."
        ),
        "device": "Devices that are not what they were.",
        "login": "Logins that are held back.",
    },
    "pictures": {
        "grade": "Enter how a person finds the picture of an eye; it is kept with who said so and when.",
        "reported": (
            "Take a group head's report on eyes that no network reaches: of one eye, or a file of many."
        ),
        "baseline": "What an eye usually sees, approved by a person.",
    },
    "reports": {"report": "Make a report."},
    "moving": {"point": "Points and the units they belong to."},
    "money": {"money": "The funding ledger. It does not replace the books."},
    "repairs": {"repair": "What is broken, who pays for it, and how long it takes."},
    "custody": {"custody": "Who manages a point, and who pays for it."},
    "alerts": {"alerts": "Who hears of incidents, and what was told."},
    "maintenance": {"maintenance": "Windows that leave the count: planned work and power cuts."},
    "closing": {"month": "Closed months."},
    "tokens": {"token": "The ways in of programs."},
    "replay": {
        "replay": (
            "Judge a scenario in virtual time, in a database of its own, and print what is concluded."
        ),
    },
    "counting": {"rollup": "Count the past days that are not rolled up yet, so that long reports are quick."},
    "probing": {
        "probe": (
            "Ask one eye now. Exit code: 0 up, 1 degraded, 2 down, 3 unknown; one line with performance data."
        ),
    },
    "starting": {
        "start": "Show what asking a site's eyes will cost, then begin: one canary, ten, all.",
    },
    "explaining": {
        "explain": (
            "Show how an eye's figures came about: intervals, what was left out and why, and the arithmetic."
        ),
    },
    "simulating": {
        "simulate": (
            "Play a city of cameras on loopback addresses until stopped; then print what was done to them."
        ),
    },
    "push": {
        "push": (
            "Ask the eyes of one site from a machine of its own, and deliver what they say to the registry."
        ),
    },
    "doctor": {
        "doctor": ("Examine the database: does every invariant hold that figures lean on? Changes nothing."),
    },
    "preparing": {
        "prepare": (
            "Make the database, or bring its tables to this version, and make the key where there is none."
        ),
    },
    "backups": {
        "backup": "Write the whole registry to one file while others go on using it, and prove the file.",
        "restore": "Put a backup back into the database of the settings, which must hold nothing yet.",
    },
    "user": {"user": "Who may sign in."},
    "serve": {"serve": "Probe every started eye on its schedule, judge, and show pages and metrics."},
    "demo": {
        "demo": (
            "Import a synthetic city of 953 eyes, play its cameras, probe all of them "
            "and show what comes of it."
        ),
    },
}


class Hall(TyperGroup):
    """Lists every command without opening a room."""

    def __init__(self, **attributes: Any) -> None:
        listed = {name: TyperCommand(name, help=ROOMS[room][name]) for room in ROOMS for name in ROOMS[room]}
        super().__init__(**attributes | {"commands": listed})

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        room = next(room for room, commands in ROOMS.items() if name in commands)
        return name, open_room(room)[str(name)], rest


def open_room(room: str) -> Mapping[str, Any]:
    """The commands of a room, with all their options."""
    opened = typer.Typer()
    opened.callback()(_nothing)  # a room of one command is a group, too
    gc.disable()  # what is imported stays: looking through it for waste took a fifth of the time to begin
    try:
        import_module(f"camera_registry.commands.{room}").add_to(opened, *_handed(room))
    finally:
        gc.enable()
    group = typer.main.get_command(opened)
    assert isinstance(group, TyperGroup)
    return group.commands


def _handed(room: str) -> Sequence[object]:
    """What a room is given beside its group: who draws, which no command may know."""
    if room != "reports":
        return ()
    from camera_registry.commands.reports import Faces
    from dashboards.reports import draw, file_name, publish

    return (Faces(draw, file_name, publish),)


app = typer.Typer(cls=Hall, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def _nothing() -> None:
    pass


def main() -> None:
    """Entry point of ``camera-registry``."""
    app()
