"""How soon a fault is known, with the settings as they come, in real time against simulated cameras.

    python -m tests.benchmarks.detection

``camera-registry serve`` asks some hundred eyes each minute; every kind of stream fault that the simulator
plays begins and ends at random moments. A fault is known when the ledger's row is written: three failures in
a row, the second and third asked for at once. Seven minutes; writes ``detection.json`` into
``docs/benchmarks``.
"""

import argparse
import json
import math
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import orjson
from sqlalchemy import Row, select

from camera_registry import models
from probes.ladder import DEFAULT_TIMEOUTS
from probes.reasons import Check, Outcome
from probes.simulator.fleet import load_fleet
from tests.servers import free_port, says_ready, started
from tests.stories.programs import PROGRAM, Home, environment, opened, register

EACH: Final = 24  # eyes with one kind of fault
SEED: Final = 953
CONFIRMED_S, RECOVERED_S = 95.0, 75.0
RUNGS: Final = 3  # probes that each may take as long as the rung at which they fail
BEGIN_S: Final = (110.0, 170.0)  # since the simulator's start: by then every eye has been asked
LONGER_S: Final = (5.0, 35.0)  # than it may take until it is known
OUT = Path("docs/benchmarks")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault, and how long the rung takes at which it is met."""

    fault: str
    rung: str
    rung_s: float
    value: float | None = None
    tls: bool = False


T: Final = DEFAULT_TIMEOUTS
KINDS: Final = (
    Kind("refused", "connect", T.connect),
    Kind("filtered", "connect", T.connect),
    Kind("reset", "answer", T.answer),
    Kind("tls", "tls", T.tls, tls=True),
    Kind("silent", "answer", T.answer),
    Kind("slow", "answer", T.answer, value=6.0),
    Kind("500", "answer", T.answer),
    Kind("404", "answer", T.answer),
    Kind("endless_header", "answer", T.answer),
    Kind("huge_sdp", "answer", T.answer),
    Kind("many_tracks", "answer", T.answer),
    Kind("dripping", "answer", T.answer),
    Kind("no_rtp", "first packet", T.first_packet),
    Kind("stall", "stall", T.stall),
)
# What no simulated camera can play: names that do not resolve and hosts without a route fail before it, a
# description without video is its own kind of many_tracks.


@dataclass(frozen=True, slots=True)
class Played:
    """A fault of one eye, seconds since the simulator's start."""

    kind: Kind
    begins: float
    ends: float


@dataclass(frozen=True, slots=True)
class Known:
    """How long it took until the ledger had it, and the reason it gives."""

    kind: Kind
    confirmed_s: float
    recovered_s: float
    reason: str


def script(chance: random.Random) -> dict[str, Played]:
    """The fault of each camera, by name."""
    played = {}
    for kind in KINDS:
        for n in range(1, EACH + 1):
            begins = chance.uniform(*BEGIN_S)
            ends = begins + CONFIRMED_S + RUNGS * kind.rung_s + chance.uniform(*LONGER_S)
            played[f"{kind.fault}-{n}"] = Played(kind, round(begins, 2), round(ends, 2))
    return played


def fleet(played: Mapping[str, Played]) -> str:
    """The simulator's fleet file."""
    lines = ["[defaults]", 'auth = ["sha-256", "md5"]', 'start = "idr"']
    for number, kind in enumerate(KINDS):
        host = f"127.60.{number}.1"
        lines += ["[[camera]]", f'name = "{kind.fault}-{{n}}"', f"count = {EACH}", f'host = "{host}"']
        lines += [f"port = {free_port(host)}", 'path = "/live"', f"tls = {str(kind.tls).lower()}"]
        for n in range(1, EACH + 1):
            fault = played[f"{kind.fault}-{n}"]
            lines += ["[[camera.fault]]", f'kind = "{kind.fault}"', f"on = {n}"]
            lines += [f"from = {fault.begins}", f"to = {fault.ends}"]
            lines += [f"value = {kind.value}"] if kind.value is not None else []
    return "\n".join(lines)


def measure(played: Mapping[str, Played]) -> list[Known]:
    """Play it all, and read what came of it from the ledgers."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = Home(folder, environment(folder, f"sqlite:///{folder / 'registry.db'}"))
        file = folder / "fleet.toml"
        file.write_text(fleet(played), encoding="utf-8")
        with _running(home, "simulate", file, says=says_ready):
            register(home, load_fleet(file), interval_s=60)
            with _running(home, "serve", "--port", "0", says=lambda log: "http://" in log):
                began = _started(home)
                last = max(fault.ends for fault in played.values()) + RECOVERED_S + 10
                while time.time() < began.timestamp() + last:
                    time.sleep(1)
            return _known(home, played, began)


def _running(
    home: Home, command: str, *words: str | Path, says: Callable[[str], bool]
) -> "AbstractContextManager[subprocess.Popen[bytes]]":
    log = home.folder / f"{command}.log"
    argv = [PROGRAM, command, *words]
    return started(argv, log=log, ready=says, deadline_s=120, env=home.env, cwd=home.folder)


def _started(home: Home) -> datetime:
    """When the simulator's clock began."""
    said = (home.folder / "simulate.log").read_text(encoding="utf-8").partition("READY ")[2].splitlines()[0]
    return datetime.fromisoformat(orjson.loads(said)["started"])


def _known(home: Home, played: Mapping[str, Played], started: datetime) -> list[Known]:
    with opened(home) as database, database.reading() as session:
        rows = session.execute(
            select(
                models.Eye.code,
                models.Transition.after,
                models.Transition.recorded_at,
                models.Transition.reason,
            )
            .join(models.Transition)
            .where(models.Transition.ledger == Check.STREAM)
            .order_by(models.Transition.at)
        ).all()
    ledgers: dict[str, list[Row[str, str, datetime, str]]] = defaultdict(list)
    for row in rows:
        ledgers[row.code].append(row)
    known = []
    for name, fault in played.items():
        begins, ends = (started + timedelta(seconds=s) for s in (fault.begins, fault.ends))
        ledger = ledgers[f"{name}-1"]
        falls = [n for n, row in enumerate(ledger) if row.after == Outcome.FAILING]
        fell = ledger[falls[0]] if falls else None
        back = next((row for row in ledger[falls[0] :] if row.after == Outcome.OK), None) if falls else None
        known.append(
            Known(
                fault.kind,
                (fell.recorded_at - begins).total_seconds() if fell else math.inf,
                (back.recorded_at - ends).total_seconds() if back else math.inf,
                fell.reason if fell else "",
            )
        )
    return known


def p99(values: Sequence[float]) -> float:
    return sorted(values)[math.ceil(0.99 * len(values)) - 1]


def report(known: Sequence[Known], out: Path) -> int:
    """Write the file; 0 where both goals are met."""
    beyond_rungs = p99([k.confirmed_s - RUNGS * k.kind.rung_s for k in known])
    recovered = p99([k.recovered_s for k in known])
    kinds = []
    for kind in KINDS:
        its = [k for k in known if k.kind == kind]
        kinds.append(
            {
                "fault": kind.fault,
                "reasons": dict(Counter(k.reason for k in its)),
                "rung": kind.rung,
                "rung_s": kind.rung_s,
                "eyes": len(its),
                "confirmed_median_s": round(sorted(k.confirmed_s for k in its)[len(its) // 2], 1),
                "confirmed_longest_s": round(max(k.confirmed_s for k in its), 1),
                "recovered_longest_s": round(max(k.recovered_s for k in its), 1),
            }
        )
    goals: list[tuple[str, float, float]] = [
        ("confirmed, without 3 x the rung, p99, s", CONFIRMED_S, round(beyond_rungs, 1)),
        ("recovered, p99, s", RECOVERED_S, round(recovered, 1)),
    ]
    written = {
        "measured": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "eyes": len(known),
        "kinds": kinds,
        "goals": [{"goal": goal, "most": most, "measured": measured} for goal, most, measured in goals],
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "detection.json").write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    for goal, most, measured in goals:
        print(f"{'ok  ' if measured <= most else 'MISS'} {goal}: {measured} (at most {most:g})")
    return 0 if all(measured <= most for _, most, measured in goals) else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    return report(measure(script(random.Random(SEED))), args.out)


if __name__ == "__main__":
    sys.exit(main())
