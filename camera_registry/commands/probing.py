"""``probe``: ask one eye now, and tell it as monitoring systems expect it of a plugin.

It opens what it needs and no more: a check of a URL runs each minute.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

import orjson
import typer
import uvloop
from typer.core import TyperCommand

from camera_registry.commands.common import Refused, command, err, now, read_password
from camera_registry.errors import reason_of
from camera_registry.health import Standing, eye_standing
from camera_registry.i18n import N_, Language, translate
from camera_registry.settings import Settings
from camera_registry.words import reason_text
from probes import logins
from probes.ladder import climb
from probes.logins import NO_TIME, LoginOutcome, LoginState, Permit, Refusal
from probes.result import Credential, Depth, LoginKey, ProbeResult, Target
from probes.senses import Here, Senses


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
            from camera_registry.commands.asking import ask  # opens the registry

            result = ask(what, depth, record, settings)
        if save_exchange is not None:
            _save(save_exchange, result.transcript)
    standing = eye_standing({v.check: Standing(v.outcome, v.reason) for v in result.verdicts})
    code = ExitCode[standing.state.upper()]
    typer.echo(_json(result, standing) if as_json else _summary(result, standing, settings.language))
    if transcript:
        typer.echo(result.transcript)
    raise typer.Exit(code)


async def _probe_once(target: Target, depth: Depth, record: bool) -> ProbeResult:
    return await climb(target, depth, logins=_OwnLogins(), senses=Senses(Here()), clock=now, record=record)


class _OwnLogins:
    """The login budget of a process that asks one eye once: it remembers nothing of earlier ones."""

    def __init__(self) -> None:
        self._state = LoginState()

    async def reserve(self, key: LoginKey) -> Permit | Refusal:
        self._state, answer = logins.reserve(self._state, now())
        return answer

    async def settle(self, key: LoginKey, outcome: LoginOutcome, advertised: timedelta = NO_TIME) -> None:
        self._state = logins.settle(self._state, outcome, now(), advertised)


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
        raise Refused(N_("Cannot write {path}: {reason}"), path=path, reason=reason_of(error)) from None


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
    told: dict[str, Any] = {"state": standing.state, "reason": standing.reason} | asdict(result.printable())
    if told["measured"]["sight"] is not None:
        del told["measured"]["sight"]["edges"]  # bytes for a comparison, and nothing for a reader
    return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()
