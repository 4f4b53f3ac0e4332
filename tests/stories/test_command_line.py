"""The command line as people and their monitoring meet it: exit codes, one line, refusals with reasons."""

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from camera_registry import models
from camera_registry.cli import ROOMS, app, open_room
from probes.rtsp.exchange import read_exchange
from probes.simulator.fleet import Fleet
from tests.servers import free_port, says_ready, started
from tests.stories.programs import PROGRAM, SITE, City, Home, environment, opened, register, simulated

PASSWORD = "c4nary-p4ssw0rd"
FLEET = """
[defaults]
port = {port}
password = "{password}"
auth = ["sha-256", "md5"]
start = "idr"

[[camera]]
name = "{{n}}"
count = 5
host = "127.31.0.1"
path = "/live"
fault = [
    {{kind = "undecodable", on = 2}},
    {{kind = "refused", on = 3}},
    {{kind = "401", on = "4-5"}},
]
"""
UP, UNDECODABLE, CLOSED, CHANGED, CHANGED_TOO = "12345"

# The guidelines of the monitoring plugins: one line, a bar, then label=value with a unit.
PLUGIN_LINE = re.compile(r"(UP|DEGRADED|DOWN|UNKNOWN) \S+: [^|\n]+ \|( [a-z]+=-?[0-9.]+s?)+\n")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Five cameras: one works, one sends rubbish, one is closed, two have another password now."""
    folder = tmp_path_factory.mktemp("town")
    home = Home(folder, environment(folder, "sqlite://"))
    text = FLEET.format(port=free_port("127.31.0.1"), password=PASSWORD)
    with simulated(home, text) as city:
        yield city


@pytest.fixture
def password_file(home: Home) -> Path:
    file = home.folder / "password"
    file.write_text(f"{PASSWORD}\n")
    return file


def url_of(town: City, name: str) -> str:
    spec = town.fleet.camera(name)
    return f"rtsp://{spec.host}:{spec.port}{spec.path()}"


def started_eyes(home: Home) -> int:
    with opened(home) as database, database.reading() as session:
        eyes = session.scalar(select(func.count()).where(models.Eye.started_at.is_not(None)))
    return eyes or 0


# --- probe ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("camera", "code", "says"),
    [
        pytest.param(UP, 0, "UP", id="up"),
        pytest.param(UNDECODABLE, 1, "DEGRADED", id="degraded"),
        pytest.param(CLOSED, 2, "DOWN", id="down"),
        pytest.param(CHANGED, 3, "UNKNOWN", id="unknown"),
    ],
)
def test_probe_is_a_monitoring_plugin(
    home: Home, town: City, password_file: Path, camera: str, code: int, says: str
) -> None:
    url = url_of(town, camera)
    done = home.run("probe", url, "--user", "monitor", "--password-file", password_file)
    assert done.returncode == code, done.stderr
    found = PLUGIN_LINE.fullmatch(done.stdout)
    assert found is not None, done.stdout
    assert found[1] == says
    assert "time=" in done.stdout
    assert ".," not in done.stdout
    assert done.stderr == ""


def test_probe_tells_everything(home: Home, town: City) -> None:
    """As JSON, with the transcript and the exchange, the password typed; nowhere is it said."""
    saved = home.folder / "camera.rtsp"
    words = ["probe", url_of(town, UP), "--user", "monitor", "--password-file", "-"]
    done = home.run(*words, "--transcript", "--save-exchange", saved, typed=f"{PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    assert "DESCRIBE rtsp://" in done.stdout
    exchange = saved.read_text()
    parts = read_exchange(exchange)
    assert parts[0].data.startswith(b"DESCRIBE")
    assert any(part.channel is not None for part in parts), "frames are in it, too"
    assert "Authorization: Digest [redacted]" in exchange
    for depth, more in (("liveness", ["--liveness"]), ("deep", [])):
        told = home.run(*words, "--json", *more, typed=f"{PASSWORD}\n")
        result = orjson.loads(told.stdout)
        assert (result["state"], result["reason"], result["depth"]) == ("up", "OK", depth)
        assert [rung["step"] for rung in result["rungs"]][:2] == ["tcp", "describe"]
        assert (result["measured"]["sight"] is None) == bool(more), "only a deep probe looks at the picture"
        for text in (done.stdout, done.stderr, exchange, told.stdout, told.stderr):
            assert PASSWORD not in text


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        pytest.param("rtsp://admin:geheim@127.31.0.1/live", "--password-file", id="password-in-url"),
        pytest.param("http://127.31.0.1/live", "rtsp://", id="not-rtsp"),
        pytest.param("rtsp://127.31.0.1:99999/live", "0-65535", id="port"),
        pytest.param("rtsp://127.31.0.1:1/live --save-exchange /proc/x", "/proc/x", id="exchange-not-kept"),
        pytest.param("E404", "“E404”", id="no-such-eye"),
        pytest.param("", "what", id="no-argument"),
        pytest.param("a b", "(b)", id="two-arguments"),
        pytest.param("rtsp://127.31.0.1/live --colour", "--colour", id="no-such-option"),
        pytest.param("rtsp://[127.31.0.1/live", "Invalid IPv6 URL", id="unexpected"),
        pytest.param("rtsp://a@127.31.0.1/ --password-file latin-1", "UTF-8", id="password-not-utf-8"),
        pytest.param("rtsp://a@127.31.0.1/ --password-file nowhere", "nowhere", id="no-password-file"),
    ],
)
def test_probe_refuses(home: Home, what: str, reason: str) -> None:
    """A plugin that cannot ask must not say that a camera is degraded or down."""
    (home.folder / "latin-1").write_bytes(b"m\xe4\xdfig\n")
    done = home.run("probe", *what.split())
    assert done.returncode == 3
    assert reason in done.stderr
    assert reason == "“E404”" or len(done.stderr.splitlines()) == 1, done.stderr  # that one tells of its key
    assert "geheim" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_password_is_asked_for_on_a_terminal(home: Home, town: City) -> None:
    """Typed without an echo, and read from a pipe without a word."""
    words = [str(PROGRAM), "probe", url_of(town, UP), "--user", "monitor"]
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        words, stdin=theirs, stdout=theirs, stderr=theirs, env=home.env, start_new_session=True
    )
    os.close(theirs)
    said, typed = b"", False
    with contextlib.suppress(OSError):  # the other end is closed
        while True:
            said += os.read(ours, 4096)
            if "Mật khẩu: ".encode() in said and not typed:  # the blank comes when nothing is echoed any more
                os.write(ours, f"{PASSWORD}\n".encode())
                typed = True
    os.close(ours)
    assert (process.wait(30), typed) == (0, True), said
    assert PASSWORD.encode() not in said
    piped = home.run(*words[1:], typed=f"{PASSWORD}\n")
    assert (piped.returncode, piped.stderr) == (0, "")


def test_probe_of_an_eye_keeps_its_login_budget(home: Home, town: City) -> None:
    register(home, Fleet((town.fleet.camera(CHANGED_TOO),)), interval_s=60)
    before = town.counters()
    first, second = (home.run("probe", f"{CHANGED_TOO}-1") for _ in range(2))
    after = town.counters()
    assert (first.returncode, second.returncode) == (3, 3)
    assert "AUTH_REJECTED" in first.stdout
    assert after["connections"] == before["connections"] + 2, "the anonymous rungs go on"
    assert after["logins_refused"] == before["logins_refused"] + 1, "a refused login is not tried again"


# --- start ------------------------------------------------------------------------------------------


def test_start_shows_asks_and_begins(home: Home, town: City) -> None:
    fleet = Fleet(tuple(town.fleet.camera(name) for name in (UP, UNDECODABLE)))
    register(home, fleet, interval_s=60, started=False)
    before = town.counters()["connections"]
    asked = home.run("start", "--site", SITE, typed="n\n")
    assert asked.returncode == 1
    assert "Mbit/s" in asked.stdout, "what it will cost is shown first"
    assert (town.counters()["connections"], started_eyes(home)) == (before, 0)
    begun = home.run("start", "--site", SITE, "--yes")
    assert (begun.returncode, started_eyes(home)) == (0, 2), begun.stderr
    assert town.settled()["sessions_dropped"] == 0
    nothing_left = home.run("start", "--site", SITE, "--yes")
    assert (nothing_left.returncode, SITE in nothing_left.stdout) == (0, True)
    assert home.run("start", "--site", "mars").returncode == 1


def test_start_stops_when_logins_are_refused(home: Home, town: City) -> None:
    fleet = Fleet(tuple(town.fleet.camera(name) for name in (CHANGED, UP, UNDECODABLE)))
    register(home, fleet, interval_s=60, started=False)
    with opened(home) as database, database.transaction() as session:
        # The canary is the first eye by its code.
        eye = session.scalars(select(models.Eye).where(models.Eye.code == f"{CHANGED}-1")).one()
        eye.code = "0"
    done = home.run("start", "--site", SITE, "--yes")
    assert done.returncode == 1
    assert "Đã dừng ở bước" in done.stderr
    assert started_eyes(home) == 0


# --- demo -------------------------------------------------------------------------------------------


def test_demo_deletes_only_what_it_made(home: Home) -> None:
    folder = home.folder / "documents"
    folder.mkdir()
    (folder / "letter.txt").write_text("precious")
    (home.folder / "file").touch()
    done = home.run("demo", "--folder", "documents", "--for", "1")
    assert (done.returncode, "documents" in done.stderr) == (1, True)
    assert "--folder" in done.stderr
    assert (folder / "letter.txt").read_text() == "precious"
    assert [each.name for each in folder.iterdir()] == ["letter.txt"]
    not_a_folder = home.run("demo", "--folder", "file", "--for", "1")
    assert (not_a_folder.returncode, "Traceback" in not_a_folder.stderr) == (1, False)


# --- simulate, serve, and all of them ---------------------------------------------------------------


def test_simulate_counts(home: Home) -> None:
    fleet, log = home.folder / "fleet.toml", home.folder / "simulate.log"
    fleet.write_text('[[camera]]\nname = "one"\nhost = "127.31.1.1"\n')
    with started([PROGRAM, "simulate", fleet], log=log, ready=says_ready, env=home.env):
        pass
    ready, last = log.read_text().splitlines()
    assert orjson.loads(ready.removeprefix("READY "))["cameras"] == 1
    assert orjson.loads(last)["total"]["connections"] == 0
    fleet.write_text('[[camera]]\nname = "one"\nhost = "192.0.2.1"\n')
    wrong = home.run("simulate", fleet)
    assert (wrong.returncode, "camera[1].host" in wrong.stderr) == (1, True)


@pytest.mark.parametrize(
    ("words", "env", "reason"),
    [
        pytest.param(
            ["serve", "--host", "0.0.0.0"],
            {},
            "Không thể lắng nghe tại 0.0.0.0 khi không có TLS",
            id="open-to-others",
        ),
        pytest.param(
            ["serve"],
            {"CAMERA_REGISTRY_DEEP_INTERVAL_S": "5"},
            "CAMERA_REGISTRY_DEEP_INTERVAL_S: nhỏ hơn mức thấp nhất là 60",
            id="wrong-setting",
        ),
        pytest.param(
            ["serve"], {"CAMERA_REGISTRY_COLOUR": "red"}, "CAMERA_REGISTRY_COLOUR", id="unknown-setting"
        ),
        pytest.param(
            ["serve", "--port", "0"],
            {"CAMERA_REGISTRY_DATABASE_URL": "postgresql+psycopg://u:geheim@127.0.0.1:1/x"},
            "Connection refused",
            id="no-database",
        ),
        pytest.param(
            ["site", "list"],
            {"CAMERA_REGISTRY_DATABASE_URL": "sqlite:////proc/nowhere/registry.db"},
            "/proc/nowhere",
            id="no-folder",
        ),
    ],
)
def test_refused_in_one_line(home: Home, words: list[str], env: dict[str, str], reason: str) -> None:
    done = home.run(*words, env=env)
    assert done.returncode == 1
    assert reason in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "geheim" not in done.stderr


def test_serve_says_that_its_port_or_its_database_is_taken(home: Home) -> None:
    port = free_port()
    with started(
        [PROGRAM, "serve", "--port", str(port)],
        log=home.folder / "first.log",
        ready=lambda log: "http://" in log,
        env=home.env,
    ):
        elsewhere = {"CAMERA_REGISTRY_DATABASE_URL": f"sqlite:///{home.folder / 'another.db'}"}
        on_the_port = home.run("serve", "--port", str(port), env=elsewhere)
        on_the_database = home.run("serve", "--port", "0")
    for refused in (on_the_port, on_the_database):
        assert refused.returncode == 1
        assert "Traceback" not in refused.stderr
    said = " ".join(on_the_port.stderr.split())
    assert f"cổng {port}: địa chỉ và cổng này đang có chương trình khác dùng" in said
    assert "tiến trình khác" in on_the_database.stderr, "two would each ask a camera for its one session"


def every_command(command: Any, words: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The words of a command and of all commands in it."""
    inner = getattr(command, "commands", {})
    return [words, *(w for name in inner for w in every_command(inner[name], (*words, name)))]


ALL_WORDS = [
    words
    for room in ROOMS
    for name, command in open_room(room).items()
    for words in every_command(command, (name,))
]


@pytest.mark.parametrize("words", [pytest.param(w, id=" ".join(("help", *w))) for w in [(), *ALL_WORDS]])
def test_help(words: tuple[str, ...]) -> None:
    done = CliRunner().invoke(app, [*words, "--help"])
    assert done.exit_code == 0
    assert "--help" in done.output
