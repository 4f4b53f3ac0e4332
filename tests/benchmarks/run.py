"""``make bench``: what one probe costs in CPU, against the tools that people use, in one interleaved run.

The machine's speed drifts; so all methods take turns on the same streams, and only the ratios of the
medians count.
Writes ``probe.json`` and ``probe.png`` into ``docs/benchmarks``.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.benchmarks.draw import draw
from tests.benchmarks.methods import ASYNC, CONCURRENT, NAMES, WAVES
from tests.servers import free_port, says_ready, started

OUT = Path("docs/benchmarks")
ROUNDS = 5
JOINS = 3  # of who asks one at a time: what it costs depends on where in the group of pictures it comes in


@dataclass(frozen=True, slots=True)
class Stream:
    """One simulated camera; ``start`` is where it lets a new viewer in."""

    name: str
    width: int
    height: int
    gop_s: float
    start: str  # "idr": at a keyframe, at once; "live": in the middle of a group of pictures


STREAMS = (
    Stream("360p, at once", 640, 360, 1.0, "idr"),
    Stream("360p, mid-GOP", 640, 360, 1.0, "live"),
    Stream("1080p, at once", 1920, 1080, 2.0, "idr"),
    Stream("1080p, mid-GOP", 1920, 1080, 2.0, "live"),
)

# method, compared with, sizes, how many times cheaper it must be
GOALS = (
    ("decoded", "ffprobe", "360p", 20.0),
    ("decoded", "pyav", "360p", 4.0),
    ("decoded", "ffprobe", "1080p", 7.0),
    ("decoded", "pyav", "1080p", 7.0),
    ("liveness", "aiortsp", "360p", 4.0),
    ("liveness", "ffprobe", "360p", 130.0),
)


class Worker:
    """One method in its own process."""

    def __init__(self, name: str, stack: ExitStack) -> None:
        self._waves = CONCURRENT * WAVES if name in ASYNC else None
        self._process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-m", "tests.benchmarks.methods", name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )

    def ask(self, stream: Stream, port: int) -> dict[str, float]:
        """What one probe of the stream cost."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        probes = self._waves or (JOINS if stream.start == "live" else 1)
        asked = {"host": "127.0.0.1", "port": port, "path": "/live", "probes": probes}
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        answer: dict[str, float] = json.loads(self._process.stdout.readline())
        return answer


def fleet(ports: list[int]) -> str:
    """The simulator's fleet file."""
    lines = []
    for stream, port in zip(STREAMS, ports, strict=True):
        lines += ["[[camera]]", f'name = "{stream.name}"', f"port = {port}", 'path = "/live"', "fps = 10"]
        lines += [f"width = {stream.width}", f"height = {stream.height}", f"gop_s = {stream.gop_s}"]
        lines += [f'start = "{stream.start}"']
    return "\n".join(lines)


def measure(rounds: int) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Every method on every stream in turn, ``rounds`` times after one that warms up."""
    samples: dict[str, dict[str, list[dict[str, float]]]] = {s.name: {m: [] for m in NAMES} for s in STREAMS}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        ports = [free_port() for _ in STREAMS]
        file = Path(folder) / "fleet.toml"
        file.write_text(fleet(ports), encoding="utf-8")
        simulator: list[str | Path] = [sys.executable, "-m", "probes.simulator", file]
        stack.enter_context(started(simulator, log=Path(folder) / "log", ready=says_ready, deadline_s=120))
        workers = {name: Worker(name, stack) for name in NAMES}
        for number in range(rounds + 1):
            print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
            for stream, port in zip(STREAMS, ports, strict=True):
                for name, worker in workers.items():
                    answer = worker.ask(stream, port)
                    if number:
                        samples[stream.name][name].append(answer)
    return samples


def judge(medians: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    """Each goal on each stream of its size."""
    return [
        {
            "stream": stream,
            "method": method,
            "against": other,
            "times_cheaper": round(medians[stream][other] / medians[stream][method], 1),
            "goal": goal,
            "met": medians[stream][other] / medians[stream][method] >= goal,
        }
        for method, other, size, goal in GOALS
        for stream in medians
        if stream.startswith(size)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    samples = measure(args.rounds)
    medians = {
        stream: {name: statistics.median(s["cpu_ms"] for s in found) for name, found in methods.items()}
        for stream, methods in samples.items()
    }
    report = {
        "measured": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("av", "opencv-python-headless", "aiortsp", "uvloop")},
        "ffprobe": _ffprobe_version(),
        "rounds": args.rounds,
        "concurrent": {name: CONCURRENT if name in ASYNC else 1 for name in NAMES},
        "cpu_ms_per_probe": {s: {m: round(v, 3) for m, v in found.items()} for s, found in medians.items()},
        "goals": judge(medians),
    }
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "probe.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    draw(medians, args.out / "probe.png")
    for goal in report["goals"]:
        sign = "ok  " if goal["met"] else "MISS"
        print(
            f"{sign} {goal['stream']:15} {goal['method']:8} is {goal['times_cheaper']:6} x cheaper than "
            f"{goal['against']:8} (goal {goal['goal']:g})"
        )
    return 0 if all(goal["met"] for goal in report["goals"]) else 1


def _ffprobe_version() -> str:
    said = subprocess.run(["ffprobe", "-version"], capture_output=True, text=True, check=True).stdout
    return said.split()[2]


if __name__ == "__main__":
    sys.exit(main())
