"""``demo``: a synthetic city of 953 eyes, imported, played, probed and shown; and a reckoning at its end."""

import asyncio
import secrets
import shutil
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.request import urlopen

import orjson
import typer
import uvloop

from camera_registry import (
    deeds,
    demonstration,
    demonstration_money,
    demonstration_upkeep,
    health,
    queries,
    rollout,
    units,
)
from camera_registry.audit import Actor
from camera_registry.auth import links, users
from camera_registry.auth.roles import Role
from camera_registry.auth.users import Seeing
from camera_registry.commands.common import Refused, command, now, out, say, stop_on_signal
from camera_registry.commands.serve import Door, serving
from camera_registry.commands.storage import open_credentials, open_database
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.demonstration import DemoDevice, Ports
from camera_registry.errors import reason_of
from camera_registry.health import Finding, Standing
from camera_registry.i18n import N_, Language, number, translate
from camera_registry.imports.load import load_inventory
from camera_registry.imports.plan import Options
from camera_registry.imports.workbook import read_workbook
from camera_registry.ingest import Ingest, rules
from camera_registry.inventory import add_site
from camera_registry.monitor import Monitor
from camera_registry.settings import Settings
from camera_registry.units import Scope
from camera_registry.words import STANDINGS
from probes.reasons import Check, Outcome
from probes.simulator.faults import Truth
from probes.simulator.fleet import Fleet, load_fleet

NOTICE = N_("Demonstration: simulated cameras and synthetic data.")
WARD = "Phường Âu Lâu"  # of the user who sees one ward
PLAYER = Actor("demo", "cli")
CAMERA_PORTS = range(8554, 8604)
PLAYED = timedelta(seconds=45)  # a probe may see a fault that begins or ends while it is under way
READY_WITHIN_S = 180  # a machine that does other things as well
MOST_MISMATCHED = 20  # told one by one
MARKER = ".camera-registry-demo"  # in every folder that a demonstration made, and may delete
# What must not happen, by its count in the reckoning.
FAILURES: Mapping[str, str] = {
    "mismatches": N_("Exit code 2: {count} judgements differ from what the cameras played."),
    "locks": N_("Exit code 2: {count} accounts were locked."),
    "sessions_left_open": N_("Exit code 2: {count} sessions were left open on the cameras."),
}


def add_to(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    host: Annotated[str, typer.Option(help="Loopback address of the pages.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the pages; 0 takes a free one.")
    ] = 8000,
    seconds: Annotated[
        float | None, typer.Option("--for", min=1, help="Stop after so many seconds; otherwise on Ctrl-C.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON.")] = False,
    folder: Annotated[Path, typer.Option(help="Where the demonstration keeps its own files.")] = Path(
        "var/demo"
    ),
) -> None:
    """Import a synthetic city of 953 eyes, play its cameras, probe all of them and show what comes of it.

    Begins anew each time, in a folder of its own; the registry of this installation is not touched.
    """
    with command() as loaded:
        _begin_anew(folder)
        # Keyframes are decoded each minute, so that unusable pictures show within minutes.
        own = loaded.model_copy(
            update={
                "data_dir": folder,
                "database_url": None,
                "credential_key": None,
                "deep_interval_s": 60,
                "host_clock": "trusted",  # the cameras have the same one
            }
        )
        with open_database(own) as database:
            door = Door(host, port)
            reckoning = uvloop.run(_demonstrate(database, own, door, seconds, quiet=as_json))
        if as_json:
            typer.echo(orjson.dumps(reckoning).decode())
        else:
            for line in reckoning_lines(reckoning, own.language):
                out.print(line, markup=False)
        if any(reckoning[failure] for failure in FAILURES):
            raise typer.Exit(2)


def _begin_anew(folder: Path) -> None:
    """Empty a folder of ours, or make it. Raises ``Refused`` where it holds what is not ours."""
    try:
        if (folder / MARKER).is_file():
            shutil.rmtree(folder)
        elif folder.exists() and any(folder.iterdir()):
            raise Refused(
                N_(
                    "{folder} was not made by a demonstration and is not empty; a demonstration deletes its "
                    "folder. Name another one with --folder."
                ),
                folder=folder,
            )
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARKER).touch()
    except OSError as error:
        raise Refused(N_("Cannot write {path}: {reason}"), path=folder, reason=reason_of(error)) from None


async def _demonstrate(
    database: Database, settings: Settings, door: Door, seconds: float | None, *, quiet: bool
) -> dict[str, Any]:
    def tell(message: str, **values: object) -> None:
        if not quiet:
            say(settings, message, **values)

    credentials = open_credentials(settings, database)
    devices = demonstration.make_city()
    password = secrets.token_urlsafe(12)
    ports = _free_ports()
    eyes = _import(database, settings, credentials, devices, ports, password)
    tell(N_("Imported {eyes} eyes at {points} points (synthetic)."), eyes=eyes, points=_points(devices))
    fleet_file = settings.data_dir / "fleet.toml"
    demonstration.write_fleet(devices, ports, password, fleet_file)
    fleet = load_fleet(fleet_file)
    stop = stop_on_signal()
    async with _simulated(fleet_file) as city:
        async with serving(database, settings, credentials, now, stop, door, NOTICE) as (monitor, address):
            tell(N_("Serving at {address} - stop with Ctrl-C."), address=address)
            tell(N_("Each of these links signs in once:"))
            for role, path in _let_in(database):
                words = translate(deeds.ROLES[role], settings.language)
                tell("  {role}: {link}", role=words, link=f"{address.rstrip('/')}{path}?next=/")
            begun = asyncio.create_task(_start(monitor))
            begun.add_done_callback(lambda _: tell(N_("Every eye has been asked once.")))
            try:
                async with asyncio.timeout(seconds):
                    await stop.wait()
            except TimeoutError:
                pass
            if begun.done():
                begun.result()  # an error of ours must be seen
            begun.cancel()
            await asyncio.gather(begun, return_exceptions=True)
            tell(N_("Stopping: closing the sessions on the cameras."))
        counted = await asyncio.to_thread(city.counters)
    return _reckon(database, settings, fleet, city.started, devices, counted)


def _import(
    database: Database,
    settings: Settings,
    credentials: CredentialStore,
    devices: Sequence[DemoDevice],
    ports: Ports,
    password: str,
) -> int:
    """The way any city goes: units, a site and its credential, a workbook; then its money, made up."""
    inventory = settings.data_dir / "inventory.xlsx"
    demonstration.write_inventory(devices, ports, inventory)
    with database.transaction() as session:
        units.load_data_set(session, demonstration.DATA_SET)
        site = add_site(session, demonstration.SITE, "")
        credentials.put(session, "demo", demonstration.USER, password, now=now(), site=site.id)
        options = Options(demonstration.UNITS_ON, settings.zone, demonstration.SITE)
        outcome = load_inventory(session, credentials, read_workbook(inventory), options, now())
        demonstration_money.fill(session, now(), settings.zone)
        demonstration_upkeep.fill(session, now(), settings.zone)
    if outcome.problems:
        raise AssertionError(f"our own inventory has problems: {outcome.problems[:3]}")
    return sum(device.channels for device in devices)


def _let_in(database: Database) -> list[tuple[Role, str]]:
    """One user of the city and one of a ward of today, with the paths of their links."""
    told = []
    with database.transaction() as session:
        ward = units.UnitTree.load(session).resolve(WARD, now().date())
        for name, role, seeing in (
            ("admin", Role.ADMINISTRATOR, Seeing(everywhere=True)),
            ("phuong", Role.WARD_OFFICER, Seeing(unit_ids=frozenset({ward.id}))),
        ):
            users.add(session, PLAYER, Scope.everything(), now(), name, role, seeing)
            told.append((role, links.make(session, PLAYER, name, now())))
    return told


def _free_ports() -> Ports:
    """The ports of the simulated cameras: another demonstration may run on this machine."""
    free = []
    for port in CAMERA_PORTS:
        with suppress(OSError), socket.create_server((str(demonstration.FIRST_ADDRESS), port)):
            free.append(port)
        if len(free) == 2:
            return Ports(*free)
    raise Refused(
        N_("The simulated cameras find no free port at {address}."), address=demonstration.FIRST_ADDRESS
    )


async def _start(monitor: Monitor) -> None:
    plan = await asyncio.to_thread(lambda: monitor.plan_of(monitor.targets(started=False)))
    await rollout.roll_out(monitor, plan, lambda *_: None)


def _points(devices: Sequence[DemoDevice]) -> int:
    return len({device.point.code for device in devices})


# --- the simulator, in a process of its own ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _City:
    started: datetime
    control: str

    def counters(self) -> dict[str, int]:
        """What was done to the cameras, once the last connections have gone."""
        for _ in range(50):
            with urlopen(self.control, timeout=5) as answer:  # noqa: S310 our own child on loopback
                counted: dict[str, int] = orjson.loads(answer.read())["total"]
            if counted["sessions_open"] == 0:
                break
            time.sleep(0.1)
        return counted


@asynccontextmanager
async def _simulated(fleet: Path) -> AsyncIterator[_City]:
    """The fleet, played by a child process while the block lasts."""
    # A session of its own: Ctrl-C is for us, and the cameras must outlive our last TEARDOWN.
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "probes.simulator",
        str(fleet),
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdout is not None
    try:
        line = await ready_line(child.stdout, READY_WITHIN_S)
        ready = orjson.loads(line.removeprefix("READY "))
        yield _City(datetime.fromisoformat(ready["started"]), ready["control"])
    finally:
        if child.returncode is None:
            child.terminate()
        await child.communicate()


async def ready_line(said: asyncio.StreamReader, within_s: float) -> str:
    """The line by which the simulator says that its cameras play.

    Raises ``Refused`` where it ends without one, or says nothing for ``within_s`` seconds.
    """
    try:
        async with asyncio.timeout(within_s):
            line = (await said.readline()).decode()
    except TimeoutError:
        raise Refused(
            N_(
                "The simulated cameras were not ready within {seconds} s. The machine may be busy: "
                "try again when it is not."
            ),
            seconds=within_s,
        ) from None
    if not line.startswith("READY "):
        raise Refused(N_("The simulated cameras did not start."))
    return line


# --- the reckoning ----------------------------------------------------------------------------------


def _reckon(
    database: Database,
    settings: Settings,
    fleet: Fleet,
    began: datetime,
    devices: Sequence[DemoDevice],
    counted: Mapping[str, int],
) -> dict[str, Any]:
    """Compare every verdict with what was played when it was asked, and the states with what follows."""
    judge = Ingest(database, rules(settings.confirm_after, settings.silence_factor), now)
    played = {
        device.eye(channel): (device.code, channel) for device in devices for channel in _channels(device)
    }
    findings = judge.findings()
    mismatched = []
    expected: Counter[str] = Counter()
    for eye, checks in findings.items():
        standings = {}
        for check, heard in checks.items():
            honest = []
            for finding in heard:
                truths = _truths(fleet, played[eye], began, finding.at)
                agrees = any(t.accepts(check, finding.outcome, finding.reason) for t in truths)
                if not agrees:
                    code, channel = played[eye]
                    mismatched.append(
                        f"{code} {channel} {finding.at:%H:%M:%S}: {check} {finding.outcome} {finding.reason}"
                    )
                honest.append(finding if agrees else _truly(finding, truths[0], check))
            condition, _ = health.fold(health.unheard(heard[0].at), honest, judge.rules.policies[check])
            standings[check] = Standing(condition.state, condition.reason)
        expected[str(health.eye_standing(standings).state)] += 1
    expected["unknown"] += len(played) - len(findings)
    with database.reading() as session:
        rows = queries.eyes(session, Scope.everything(), now(), settings.zone)
    return {
        "eyes": len(rows),
        "observed": len(findings),
        "by_state": dict(Counter(str(row.state) for row in rows)),
        "by_reason": dict(Counter(str(row.reason) for row in rows)),
        "expected_by_state": {state: n for state, n in expected.items() if n},
        "mismatches": len(mismatched),
        "mismatched": mismatched[:MOST_MISMATCHED],
        "probes": len({(eye, f.at) for eye, checks in findings.items() for h in checks.values() for f in h}),
        "rejected_logins": counted["logins_refused"],
        "locks": counted["locks"],
        "sessions_left_open": counted["sessions_open"] + counted["sessions_dropped"],
        "cpu_seconds": round(time.process_time(), 1),
    }


def reckoning_lines(reckoning: Mapping[str, Any], language: Language) -> list[str]:
    """The reckoning for a person: what was seen beside what was played, and whether all went well."""

    def line(message: str, **values: float) -> str:
        return translate(message, language, **{name: number(n, language) for name, n in values.items()})

    found, scripted = reckoning["by_state"], reckoning["expected_by_state"]
    lines = [
        line(
            N_("{observed} of {eyes} eyes were seen, by {probes} probes."),
            observed=reckoning["observed"],
            eyes=reckoning["eyes"],
            probes=reckoning["probes"],
        )
    ]
    for state, words in STANDINGS.items():
        if state in found or state in scripted:
            counts = line(
                N_("{found} (as played: {scripted})"),
                found=found.get(state, 0),
                scripted=scripted.get(state, 0),
            )
            lines.append(f"  {translate(words, language)}: {counts}")
    lines.append(
        line(
            N_(
                "Wrong judgements: {mismatches}; accounts locked: {locks}; sessions left open: {sessions}; "
                "processor time: {cpu} s."
            ),
            mismatches=reckoning["mismatches"],
            locks=reckoning["locks"],
            sessions=reckoning["sessions_left_open"],
            cpu=reckoning["cpu_seconds"],
        )
    )
    failed = [line(message, count=reckoning[name]) for name, message in FAILURES.items() if reckoning[name]]
    return lines + (failed or [line(N_("The demonstration went as it should."))])


def _channels(device: DemoDevice) -> range:
    return range(1, device.channels + 1)


def _truths(fleet: Fleet, played: tuple[str, int], began: datetime, at: datetime) -> list[Truth]:
    """What was played when the probe began, and what began to be played while it went on."""
    first = (at - began).total_seconds()
    truth = fleet.truth(*played, first)
    truths = [truth]
    while truth.until < first + PLAYED.total_seconds():
        truth = fleet.truth(*played, truth.until)
        truths.append(truth)
    return truths


def _truly(finding: Finding, truth: Truth, check: Check) -> Finding:
    """The finding as it should have been."""
    sayings = truth.of(check)
    outcome, reason = min(sayings) if sayings else (Outcome.UNKNOWN, finding.reason)
    return Finding(finding.at, outcome, reason, finding.interval_s)
