"""The sweep loop alone: what 1,000 eyes a minute cost, and how late probes start when half of them are dead.

    python -m tests.benchmarks.sweep

No database and no pages: plan, due times, sweep, ladder, and a counter instead of ingest. Four runs of a bit
more than a minute: liveness of all, decoded keyframe of all, liveness with every second eye dead at a 10 s
time-out, and the full ladder (stream, picture, snapshot, clock) of all in five minutes, pictures looked at in
worker processes whose CPU is counted. Writes ``sweep.json`` into ``docs/benchmarks``. Shares are of one core
(the simulator is another process) and are judged as on the machine that the goals were set on: this one is as
much slower as it is slower with onvif-zeep-async, before and after.
"""

import argparse
import asyncio
import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import uvloop

from camera_registry.counters import Counters
from camera_registry.plan import Plan, Shard, make_plan
from camera_registry.scheduler import DueShards, Jobs
from camera_registry.sweep import Sweeper, Tools
from probes.ladder import Timeouts
from probes.logins import NO_TIME, LoginOutcome, Permit
from probes.reasons import Check
from probes.result import LoginKey, ProbeResult, Target
from probes.senses import Senses
from tests.benchmarks.decoding import Decoding
from tests.benchmarks.onvif import times_slower
from tests.servers import free_port, says_ready, started

EYES = 1000
INTERVAL_S = 60
FULL_S = 300
WARM_S, MEASURED_S = 5.0, 60.0
FIRST, FIRST_DEAD = IPv4Address("127.50.0.1"), IPv4Address("127.51.0.1")
TIMER_S = 0.1  # a timer may fire a little early
OUT = Path("docs/benchmarks")

# run, what is measured, and the most it may be
GOALS = (
    ("liveness", "share_of_core", 0.03),
    ("liveness", "rss_mb", 60.0),
    ("decoded", "share_of_core", 0.12),
    ("half dead", "late_p99_s", 1.5),
)


class NoLogins:
    """These cameras ask for no password."""

    async def reserve(self, key: LoginKey) -> Permit:
        return Permit(canary=False)

    async def settle(self, key: LoginKey, outcome: LoginOutcome, advertised: timedelta = NO_TIME) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Run:
    """One way to ask the thousand."""

    name: str
    deep_interval_s: int
    interval_s: int = INTERVAL_S
    dead: bool = False
    full: bool = False


RUNS = (
    Run("liveness", 10**9),
    Run("decoded", INTERVAL_S),
    Run("half dead", 10**9, dead=True),
    Run("full ladder", FULL_S, interval_s=FULL_S, full=True),
)


def targets(run: Run, port: int, web_port: int) -> list[Target]:
    """A thousand eyes, each at an address of its own."""
    made = []
    for n in range(EYES):
        first = FIRST_DEAD if run.dead and n % 2 else FIRST
        target = Target(f"E{n}", str(first + 256 * (n // 254) + n % 254), port, "/live", site="S")
        if run.full:
            target = replace(
                target, web_port=web_port, onvif_port=web_port, snapshot_path="/snapshot.jpg?channel=1"
            )
        made.append(target)
    return made


class Told:
    """Counts results, and how late each probe began."""

    def __init__(self, plan: Plan) -> None:
        self.outcomes: Counter[str] = Counter()
        self.verdicts: Counter[str] = Counter()
        self.late: list[float] = []
        self.measuring = False
        self._due = {ask.target.eye: (shard, ask.offset_s) for shard in plan.shards for ask in shard.asks}

    def put(self, result: ProbeResult) -> None:
        verdict = result.verdict(Check.STREAM)
        assert verdict is not None
        if not self.measuring or result.memory.failures > 1:  # a suspect asked again has no due time
            return
        self.outcomes[verdict.reason] += 1
        self.verdicts.update(f"{v.check} {v.outcome}" for v in result.verdicts)
        shard, offset_s = self._due[result.eye]
        began = result.at.timestamp() - offset_s
        slot = shard.slot_at(began + TIMER_S)
        self.late.append(began - shard.due_at(slot))


class Tasks:
    """The dispatcher: a task for each sweep."""

    def __init__(self, sweeper: Sweeper) -> None:
        self._sweeper = sweeper
        self.running: set[asyncio.Task[None]] = set()

    def dispatch(self, shard: Shard, slot: int) -> None:
        task = asyncio.create_task(self._sweeper.sweep(shard, slot))
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    async def stop(self) -> None:
        for task in self.running:
            task.cancel()
        await asyncio.gather(*self.running, return_exceptions=True)


async def measure(run: Run, port: int, web_port: int) -> dict[str, Any]:
    """One run in this process."""
    plan = make_plan(
        targets(run, port, web_port),
        {"S": run.interval_s},
        deep_interval_s=run.deep_interval_s,
        shard_eyes=32,
    )
    told = Told(plan)
    async with AsyncExitStack() as stack:
        senses = await stack.enter_async_context(_full_senses()) if run.full else Decoding()
        return await _measured(run, plan, told, senses)


@asynccontextmanager
async def _full_senses() -> AsyncIterator[Senses]:
    from probes.web import Web  # the liveness run opens neither
    from probes.workers import Workers

    workers, web = Workers(), Web()
    try:
        yield Senses(workers, web)
    finally:
        await web.close()
        workers.close()


async def _measured(run: Run, plan: Plan, told: Told, senses: Senses) -> dict[str, Any]:
    tools = Tools(
        NoLogins(),
        senses,
        _now,
        Counters.new(),
        Timeouts(answer=10.0 if run.dead else 5.0),
    )
    sweeper = Sweeper(tools, told.put, in_flight=300, confirm_after=3)
    engine = Tasks(sweeper)
    due = DueShards(engine, _now)
    due.follow(plan)

    async def tick() -> None:
        due.tick()

    jobs = Jobs({"dispatch": (1.0, tick)})
    await asyncio.sleep(WARM_S)
    told.measuring = True
    cpu = _cpu_s()
    await asyncio.sleep(MEASURED_S)
    cpu = _cpu_s() - cpu
    told.measuring = False
    await jobs.stop()
    await engine.stop()
    late = sorted(told.late)
    return {
        "share_of_core": round(cpu / MEASURED_S, 4),
        "rss_mb": round(_rss_mb(), 1),
        "probes": len(late),
        "outcomes": dict(told.outcomes),
        "verdicts": dict(told.verdicts),
        "late_p50_s": round(late[len(late) // 2], 3),
        "late_p99_s": round(late[int(len(late) * 0.99)], 3),
    }


def _now() -> datetime:
    return datetime.now(UTC)


def _cpu_s() -> float:
    """CPU of this process and of its children, seconds."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            fields = stat.read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12]) if int(fields[1]) == os.getpid() else 0
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def _rss_mb() -> float:
    """Resident memory of this process now, as the kernel tells it."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def fleet(port: int, web_port: int) -> str:
    """The simulator's fleet file: a thousand that live, and as many that accept and never answer."""
    lines = ["[defaults]", f"port = {port}"]
    for name, first in (("alive", FIRST), ("dead", FIRST_DEAD)):
        lines += ["[[camera]]", f'name = "{name}-{{n}}"', f"count = {EYES}", f'host = "{first}"']
        lines += ['path = "/live"']
        if name == "alive":
            lines += ["[camera.http]", f"port = {web_port}", "[camera.http.onvif]"]
    return "\n".join([*lines, "[[camera.fault]]", 'kind = "silent"'])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--one", help="measure one run in this process and print it")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--web-port", type=int, default=0)
    args = parser.parse_args()
    if args.one:
        run = next(run for run in RUNS if run.name == args.one)
        print(json.dumps(uvloop.run(measure(run, args.port, args.web_port))))
        return 0
    before = times_slower()
    measured = asyncio.run(measure_all())
    return report(measured, (before + times_slower()) / 2, args.out)


async def measure_all() -> dict[str, Any]:
    """Each run in a fresh process, against one simulator."""
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        port, web_port = free_port(str(FIRST)), free_port(str(FIRST))
        file = Path(folder) / "fleet.toml"
        file.write_text(fleet(port, web_port), encoding="utf-8")
        simulator: list[str | Path] = [sys.executable, "-m", "probes.simulator", file]
        with started(simulator, log=Path(folder) / "log", ready=says_ready, deadline_s=60):
            for run in RUNS:
                print(f"{run.name} …", file=sys.stderr, flush=True)
                child = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "tests.benchmarks.sweep", "--one", run.name),
                    *("--port", str(port), "--web-port", str(web_port)),
                    stdout=asyncio.subprocess.PIPE,
                )
                out, _ = await child.communicate()
                measured[run.name] = json.loads(out)
    return measured


def report(measured: dict[str, Any], slower: float, out: Path) -> int:
    goals = [_judged(run, figure, measured[run][figure], most, slower) for run, figure, most in GOALS]
    out.mkdir(parents=True, exist_ok=True)
    written = {
        "measured": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "eyes": EYES,
        "interval_s": {run.name: run.interval_s for run in RUNS},
        "times_slower_than_reference": round(slower, 2),
        "runs": measured,
        "goals": goals,
    }
    (out / "sweep.json").write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    for goal in goals:
        sign = "ok  " if goal["met"] else "MISS"
        said = f"{goal['run']:10} {goal['figure']:14} {goal['measured']}, {goal['on_reference']}"
        print(f"{sign} {said} on the machine of reference (at most {goal['most']})")
    return 0 if all(goal["met"] for goal in goals) else 1


def _judged(run: str, figure: str, measured: float, most: float, slower: float) -> dict[str, Any]:
    on_reference = round(measured / slower, 4) if figure == "share_of_core" else measured
    told = {"run": run, "figure": figure, "measured": measured, "on_reference": on_reference}
    return told | {"most": most, "met": on_reference <= most}


if __name__ == "__main__":
    sys.exit(main())
