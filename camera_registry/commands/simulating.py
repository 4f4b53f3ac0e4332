"""``simulate``: play a city of cameras."""

from pathlib import Path
from typing import Annotated

import typer

from camera_registry.commands.common import Refused, command
from camera_registry.i18n import N_
from probes.simulator.fleet import FleetError
from probes.simulator.run import run as run_simulator


def add_to(app: typer.Typer) -> None:
    app.command()(simulate)


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
