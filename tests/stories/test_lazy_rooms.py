"""What a command does not need it does not open: a check that runs each minute must be cheap to start."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer.main

from camera_registry.cli import ROOMS, app, open_room
from camera_registry.reports.value import Format
from tests.servers import free_port

ASK = """
import sys
from camera_registry.cli import app
try:
    app({arguments!r})
except SystemExit:
    print(*sys.modules, sep="\\n", file=sys.stderr)
"""
WEB = frozenset({"fastapi", "jinja2", "uvicorn"})
HEAVY = WEB | {"aiohttp", "alembic", "apscheduler", "av", "cv2", "numpy", "openpyxl", "sqlalchemy", "zeep"}
DRAWN_WITH = {Format.DOCX: {"docx"}, Format.XLSX: {"xlsxwriter"}}
NO_REPORT = HEAVY - {"sqlalchemy", "alembic"} | {"docx", "typst", "xlsxwriter"}
MADE_UP = frozenset({"camera_registry.demonstration", "camera_registry.demonstration_year"})


def opened_by(arguments: Sequence[str]) -> frozenset[str]:
    """The modules that a process has after it ran a command."""
    program = ASK.format(arguments=list(arguments))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return frozenset(done.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "unneeded"),
    [
        pytest.param(["--help"], HEAVY, id="help"),
        pytest.param(["probe", "rtsp://127.0.0.1:{port}/"], HEAVY, id="probe a URL"),
        pytest.param(["probe", "rtsp://127.0.0.1:{port}/", "--liveness"], HEAVY, id="probe a URL, liveness"),
        pytest.param(["units", "list", "--help"], WEB, id="a command of the registry"),
        pytest.param(["report", "--help"], NO_REPORT | MADE_UP, id="reports"),
    ],
)
def test_a_command_opens_only_what_it_needs(arguments: list[str], unneeded: frozenset[str]) -> None:
    port = free_port("127.0.0.1")
    assert opened_by([argument.format(port=port) for argument in arguments]) & unneeded == frozenset()


@pytest.mark.parametrize("form", [Format.CSV, Format.DOCX, Format.JSON, Format.PDF, Format.XLSX])
def test_a_report_opens_the_face_it_is_drawn_as(
    form: Format, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAMERA_REGISTRY_DATA_DIR", str(tmp_path))
    file = tmp_path / f"report.{form}"

    opened = opened_by(["report", "uptime", "--city", "--out", str(file)])

    assert file.stat().st_size > 0
    assert opened & (NO_REPORT | MADE_UP) == DRAWN_WITH.get(form, frozenset())


@pytest.mark.parametrize("room", ROOMS)
def test_the_list_of_commands_says_what_their_own_help_says(room: str) -> None:
    own = {
        name: re.sub(r"\s+", " ", command.help.split("\n\n")[0]) for name, command in open_room(room).items()
    }
    assert ROOMS[room] == own


def test_every_room_is_listed() -> None:
    listed = typer.main.get_command(app)
    assert isinstance(listed, typer.core.TyperGroup)
    assert list(listed.commands) == [name for commands in ROOMS.values() for name in commands]
