"""The command line: joins the commands of every room."""

import typer

from camera_registry.commands import demo, probing, registry, serve

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for room in (registry, probing, serve, demo):
    room.add_to(app)


def main() -> None:
    """Entry point of ``camera-registry``."""
    app()
