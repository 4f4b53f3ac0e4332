"""A camera's password may stand on the wire and nowhere else, whatever it does and however much is logged."""

import asyncio
import base64
import hashlib
import html
import io
import json
import logging
import secrets
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote

import pytest
import structlog
from sqlalchemy import select

from camera_registry import models
from probes.errors import ProbeError
from probes.ladder import climb
from probes.onvif.clock import UNREADABLE, device_clock
from probes.onvif.survey import survey
from probes.recording.port import Vendor
from probes.recording.read import footage
from probes.result import Credential, Depth, Target
from probes.senses import Here, Senses
from probes.simulator.gate import REALM
from probes.snapshot import take
from probes.web import Web
from tests.probes import hostile
from tests.probes.climbing import QUICK, Gate, now
from tests.probes.hostile import RtspTrap
from tests.probes.web_server import Asked, Reply, reply, serving
from tests.servers import free_port
from tests.stories.programs import LONG_AGO, SITE, City, Home, Served, opened, register, simulated, wait_until

USER = "watcher"

FLEET = """
[defaults]
port = {port}
user = "watcher"
password = {password}
auth = ["sha-256", "md5"]
start = "idr"
[defaults.http]
port = {web_port}

[[camera]]
name = "healthy"
host = "127.33.0.1"
path = "/live"
[camera.http]
maker = "hikvision"
[camera.http.onvif]
token = "digest"
profile_g = true

[[camera]]
name = "token"
host = "127.33.0.2"
path = "/live"
[camera.http]
maker = "dahua"
[camera.http.onvif]
token = "http"
snapshot_uri = "login"

[[camera]]
name = "echo"
host = "127.33.0.3"
path = "/live"
fault = [{{kind = "echo"}}, {{kind = "onvif_fault"}}, {{kind = "snapshot_html"}}]
[camera.http.onvif]

[[camera]]
name = "changed"
host = "127.33.0.4"
path = "/live"
fault = [{{kind = "401"}}]
[camera.http.onvif]

[[camera]]
name = "in-clear"
host = "127.33.0.5"
auth = ["basic"]
path = "/live"
[camera.http.onvif]

[[camera]]
name = "broken"
host = "127.33.0.6"
path = "/live"
fault = [{{kind = "404"}}, {{kind = "snapshot_redirect"}}, {{kind = "onvif_html"}}]
[camera.http.onvif]
malformed = "no-xmlns"
"""

MAKERS = {"healthy": "Hikvision", "token": "Dahua"}

# Whatever the programs load logs all it has to say: Python runs this file when it starts.
LOG_EVERYTHING = """
import logging, sys
logging.basicConfig(level=1, stream=sys.stderr)
"""


def canary() -> str:
    """Random, and with everything that some notation writes in another way."""
    return f"{secrets.token_urlsafe(9)} é#/:@%&<{secrets.token_urlsafe(6)}"


def guises(password: str) -> dict[str, bytes]:
    """Each form in which the password could be read, or used in place of it (RFC 7616, 3.4.2)."""
    pair, ha1 = f"{USER}:{password}", f"{USER}:{REALM}:{password}".encode()
    forms = {
        "itself": password,
        "URL": quote(password, safe=""),
        "URL, slashes kept": quote(password),
        "JSON": json.dumps(password)[1:-1],
        "HTML": html.escape(password),
        "Base64": base64.b64encode(password.encode()).decode().rstrip("="),
        "Basic": base64.b64encode(pair.encode()).decode().rstrip("="),
        "hex": password.encode().hex(),
        "HA1, MD5": hashlib.md5(ha1).hexdigest(),
        "HA1, SHA-256": hashlib.sha256(ha1).hexdigest(),
        "repr": repr(password.encode())[2:-1],
    }
    return {name: form.encode() for name, form in forms.items()}


def leaks(told: dict[str, bytes], password: str) -> set[tuple[str, str]]:
    """Where which form stands."""
    forms = guises(password)
    return {(place, name) for place, text in told.items() for name, form in forms.items() if form in text}


def test_forms_of_a_password_are_found() -> None:
    password = canary()
    for name, form in guises(password).items():
        assert ("log", name) in leaks({"log": b"x" + form + b"y"}, password)
    assert leaks({"log": b"nothing"}, password) == set()


# --- the programs -----------------------------------------------------------------------------------


@pytest.mark.timeout(300)  # a dozen programs, one after the other, that log all they can
def test_no_program_tells_a_password(home: Home) -> None:
    password = canary()
    (home.folder / "sitecustomize.py").write_text(LOG_EVERYTHING)
    debug = {
        "CAMERA_REGISTRY_LOG_LEVEL": "debug",
        "PYTHONASYNCIODEBUG": "1",
        "PYTHONPATH": str(home.folder),
    }
    told: dict[str, bytes] = {}
    port, web_port = free_port("127.33.0.1"), free_port("127.33.0.2")
    text = FLEET.format(port=port, web_port=web_port, password=json.dumps(password, ensure_ascii=False))

    def run(name: str, *words: str | Path, typed: str = "") -> str:
        done = home.run(*words, typed=typed, env=debug)
        assert "Traceback" not in done.stderr, done.stderr
        told[name] = f"{done.stdout}{done.stderr}".encode()
        return done.stdout

    with simulated(home, text) as city:
        register(home, city.fleet, interval_s=2, started=False)
        _complete(home, city)
        run("start", "start", SITE, "--yes")
        _start_the_rest(home)
        with home.serve(env=debug) as served:
            wait_until(lambda: _all_probed(served), "every eye's probe")
            for name in ("healthy", "echo"):  # asked deeply, by the program that serves
                run(f"probe beside serve: {name}", "probe", f"{name}-1", "--json", "--transcript")
            run("commission", "commission", "token", "--json", "--apply")
            told |= {f"GET {path}": _read(served, path) for path in _paths(city)}
            told["argv"] = _every_command_line()
            told |= _files(home)
            served.stop()
        assert b"DEBUG" in told["serve.log"], "the libraries say all they can"
        assert "DESCRIBE" in run("probe", "probe", "broken-1", "--json", "--transcript")
        for name in ("echo", "changed", "in-clear"):
            spec = city.fleet.camera(name)
            words = ["probe", f"rtsp://{spec.host}:{port}{spec.path()}", "--user", USER, "--basic"]
            saved = home.folder / f"{name}.rtsp"
            run(
                f"probe of a URL: {name}",
                *words,
                "--transcript",
                "--save-exchange",
                saved,
                typed=f"{password}\n",
            )
        run("export", "export", home.folder / "everything.csv")
    assert city.fleet.camera("echo").password == password
    told |= {f"{name} at the end": text for name, text in _files(home).items()}
    assert leaks(told, password) == set()


def _complete(home: Home, city: City) -> None:
    """What ``register`` leaves out: HTTP, ONVIF, makers, and Basic where it is allowed."""
    with opened(home) as database, database.transaction() as session:
        for device in session.scalars(select(models.Device)):
            spec = city.fleet.camera(device.code)
            assert spec.http is not None
            device.web_port = device.onvif_port = spec.http.port
            device.manufacturer = MAKERS.get(device.code, "")
            eye = session.scalars(select(models.Eye).where(models.Eye.device_id == device.id)).one()
            eye.snapshot_path = spec.snapshot_path()


def _start_the_rest(home: Home) -> None:
    """``start`` ends at refused logins; the other devices shall be asked all the same."""
    with opened(home) as database, database.transaction() as session:
        for eye in session.scalars(select(models.Eye)):
            eye.started_at = LONG_AGO


def _all_probed(served: Served) -> bool:
    return all(row["probed_at"] is not None for row in served.eyes().values())


def _paths(city: City) -> list[str]:
    eyes = [f"{spec.name}-1" for spec in city.fleet.cameras]
    lists = ["eyes", "findings", "units", "totals", "transitions", "eyes/none"]
    return [
        *("/", "/live", "/metrics", "/healthz", "/baselines", "/nowhere"),
        *(f"/api/v1/{name}" for name in lists),
        *(f"/api/v1/eyes/{eye}" for eye in eyes),
        *(f"/eyes/{eye}" for eye in eyes),
    ]


def _read(served: Served, path: str) -> bytes:
    try:
        return served.read(path)
    except HTTPError as refused:
        with refused:
            return refused.read()


def _files(home: Home) -> dict[str, bytes]:
    """Every file of the installation, the database and its log of writes among them."""
    found = {path.name: path.read_bytes() for path in home.folder.rglob("*") if path.is_file()}
    assert {"registry.db", "serve.log", "simulator.log"} <= found.keys()
    return {name: data for name, data in found.items() if name != "fleet.toml"}


def _every_command_line() -> bytes:
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes())
        except OSError:  # it has ended
            continue
    return b"\n".join(lines)


# --- the probes, against devices that say the login back ---------------------------------------------


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """What all loggers of this process say meanwhile, at their most talkative."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(1)
    former = structlog.get_config()
    structlog.configure(
        processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    try:
        yield stream
    finally:
        structlog.configure(**former)
        root.setLevel(level)
        root.removeHandler(handler)


def parrot(password: str) -> Callable[[Asked], Reply]:
    """Says the login back in a page, a fault, headers and the reason phrase, refused or not."""
    pair = base64.b64encode(f"{USER}:{password}".encode()).decode()
    words = f"{password} {quote(password, safe='')} {pair} {html.escape(password)}"

    def say(asked: Asked) -> Reply:
        if asked.headers.get("Authorization") is None and b"UsernameToken" not in asked.body:
            return reply(401, words.encode(), f'WWW-Authenticate: Digest realm="{REALM}", nonce="n"')
        text = html.escape(words)
        fault = f"<Envelope><Body><Fault><Reason><Text>{text}</Text></Reason></Fault></Body></Envelope>"
        location = f"Location: http://{USER}:{quote(password, safe='')}@127.0.0.9/{quote(password)}"
        return reply(302, fault.encode(), location, f"X-Said: {pair}", reason=quote(password))

    return say


def test_what_a_device_says_back_goes_no_further() -> None:
    password = canary()
    with everything_logged() as stream:
        told = asyncio.run(_ask_parrots(password), debug=True)
        logging.getLogger("asyncio").debug("the end")
    told["logs"] = stream.getvalue().encode()
    assert b"the end" in told["logs"]
    assert len(told) > 15
    assert leaks(told, password) == set()


async def _ask_parrots(password: str) -> dict[str, bytes]:
    told: dict[str, bytes] = {}
    login = Credential("1", USER, password)
    web, senses = Web(), Senses(Here())

    async def ask(name: str, question: Callable[[], Awaitable[object]]) -> None:
        """What comes of a question, or the whole of what it raised, contexts and all."""
        try:
            result = await question()
        except ProbeError as error:
            chain = "".join(traceback.format_exception(error))
            told[name] = f"{error} {error!r} {error.__context__!r} {error.__cause__!r} {chain}".encode()
            structlog.get_logger().warning("asked in vain", exc_info=error)
        else:
            told[name] = f"{result} {result!r}".encode()

    def target(port: int, *, basic: bool = False) -> Target:
        return Target(
            "E1", "127.0.0.1", port, "/a", credential=login, basic_allowed=basic, web_port=port,
            onvif_port=port, snapshot_path="/s.jpg",
        )  # fmt: skip

    for status in ("200 OK", "404 Not Found", "500 Error", "401 Unauthorized"):
        async with RtspTrap(DESCRIBE=hostile.echoing(USER, password, status)).listening() as trap:

            async def stream(port: int = trap.port) -> str:
                result = await climb(
                    target(port), Depth.LIVENESS, logins=Gate(), senses=senses, clock=now, timeouts=QUICK,
                    record=True,
                )  # fmt: skip
                return f"{result} {result.printable()} {result.transcript}"

            await ask(f"RTSP {status}", stream)

    say = parrot(password)

    def in_clear(asked: Asked) -> Reply:
        if asked.headers.get("Authorization") is None:
            return reply(401, b"", f'WWW-Authenticate: Basic realm="{password}"')
        return say(asked)

    def refusing(asked: Asked) -> Reply:
        return reply(401, password.encode(), f'WWW-Authenticate: Digest realm="{REALM}", nonce="n"')

    for name, saying in {"Digest": say, "Basic": in_clear, "refused": refusing}.items():
        async with serving(saying) as server:
            asked = target(server.port, basic=name == "Basic")

            kept = partial(footage, asked, web=web, logins=Gate(), now=NOON)
            questions: dict[str, Callable[[], Awaitable[object]]] = {
                "request": partial(web.request, asked, "GET", "/x", logins=Gate(), credential=login),
                "snapshot": partial(take, asked, web, Gate(), Here(), NOON, retry_s=0.01),
                "clock": partial(device_clock, asked, web, now),
                "survey": partial(survey, asked, web, Gate(), UNREADABLE, now=now),
                "ISAPI": partial(kept, vendor=Vendor.HIKVISION),
                "CGI": partial(kept, vendor=Vendor.DAHUA),
            }
            for kind, question in questions.items():
                await ask(f"{kind}, {name}", question)
    await web.close()
    return told


NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
