"""The command line: joins the commands of every room."""

import typer

from camera_registry.commands import registry

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
registry.add_to(app)


def main() -> None:
    """Entry point of ``camera-registry``."""
    app()
