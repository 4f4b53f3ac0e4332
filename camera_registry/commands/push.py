"""``push``: the machine of a site, which asks its eyes without a registry beside it."""

import sys
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from camera_registry.commands.common import Refused, command, now, say, stop_on_signal
from camera_registry.errors import reason_of
from camera_registry.i18n import N_
from camera_registry.push.courier import Courier
from camera_registry.push.line import Line
from camera_registry.push.outbox import Outbox
from camera_registry.settings import Settings

TOKEN_BEGINS = "crt_"  # noqa: S105 (how each begins: see auth.tokens, which needs the database)
LONGEST_TOKEN = 100


def add_to(app: typer.Typer) -> None:
    app.command()(push)


def push(
    url: Annotated[str, typer.Option(help="Address of the registry, https://…")],
    token: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File with the site's token; - reads standard input. Without it: the setting PUSH_TOKEN.",
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder for what is not delivered yet; else push, in DATA_DIR.")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Ask each eye once, deliver, and end.")] = False,
) -> None:
    """Ask the eyes of one site from a machine of its own, and deliver what they say to the registry.

    Needs no database and no way in: one line outwards, HTTPS. What cannot be delivered is kept for as long
    as late results are taken. With --once, the exit code is 1 where something was left.
    """
    with command() as settings:
        given = _token(token, settings)
        outbox = Outbox(data or settings.data_dir / "push")
        line = Line(url, given, outbox.machine)

        async def until_stopped() -> bool:
            courier = Courier(line, outbox, given, settings, now)
            if once:
                return await courier.once()
            stop = stop_on_signal()
            say(settings, N_("Asking for {url} - stop with Ctrl-C."), url=url)
            await courier.run(stop)
            return True

        try:
            delivered = uvloop.run(until_stopped())
        finally:
            line.close()
            outbox.close()
        if not delivered:
            raise typer.Exit(1)


def _token(file: Path | None, settings: Settings) -> str:
    """The token, from where other users of this machine do not see it. Raises ``Refused``."""
    if file is not None and str(file).startswith(TOKEN_BEGINS):
        raise Refused(
            N_(
                "A token among the arguments is seen by everybody on this machine: revoke it, and put a "
                "new one into a file that this user alone reads (--token FILE), or into the setting "
                "PUSH_TOKEN."
            )
        )
    try:
        if file is None:
            text = settings.push_token.get_secret_value() if settings.push_token is not None else ""
        elif file == Path("-"):
            text = sys.stdin.readline()
        else:
            text = file.read_text(encoding="ascii")
    except OSError as error:
        raise Refused(N_("Cannot read {path}: {reason}"), path=file, reason=reason_of(error)) from None
    except UnicodeDecodeError:
        text = ""
    text = text.strip()
    if not text.startswith(TOKEN_BEGINS) or len(text) > LONGEST_TOKEN or not text.isprintable():
        raise Refused(
            N_("No token of a site is given: make one with camera-registry token add … --site CODE.")
        )
    return text
