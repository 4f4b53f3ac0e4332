"""What a further camera costs over ONVIF: ours, onvif-zeep-async and onvif-zeep as they come, in one run.

    python -m tests.benchmarks.onvif

Three questions to each of many simulated cameras (the time, the identity, where the snapshot is), by methods
that take turns, each in a new process. Figures are of the cameras after the first three, in each method's
quietest round. Clients are kept. onvif-zeep gets a venv of its own under .venv. Writes ``onvif.json`` into
``docs/benchmarks``.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from tests.servers import free_port, says_ready, started

OUT = Path("docs/benchmarks")
HERE = Path(__file__).parent
VENV = Path(".venv") / "onvif-zeep"
LOCK = HERE / "onvif-zeep.lock"
FIRST = IPv4Address("127.53.0.1")
USER, PASSWORD = "admin", "simulated"
ROUNDS = 5
CAMERAS = {"ours": 120, "clock": 120, "onvif-zeep-async": 120, "onvif-zeep": 8}
WARM = 3  # the first cameras pay for WSDLs and imports

# onvif-zeep-async's CPU for one further camera on the machine that the limits were set on; another machine,
# or a busy one, is as much slower as it is slower with this.
REFERENCE_MS = 5.6

# method, figure, the most it may be there; CPU in milliseconds and memory in kilobytes for one further camera
LIMITS = (("ours", "cpu_ms", 8.0), ("ours", "rss_kb", 80.0), ("clock", "cpu_ms", 0.6))


def fleet(port: int) -> str:
    """The simulator's fleet file: one camera at each address."""
    return f"""
[[camera]]
name = "cam-{{n}}"
count = {max(CAMERAS.values())}
host = "{FIRST}"
auth = ["md5"]
user = "{USER}"
password = "{PASSWORD}"
[camera.http]
port = {port}
[camera.http.onvif]
token = "digest"
"""


def interpreter() -> Path:
    """Python of the venv that has onvif-zeep; made where it is missing."""
    python = VENV / "bin" / "python"
    if not python.exists():
        flags = ["--require-hashes", "-r", str(LOCK)]
        if uv := shutil.which("uv"):
            subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, VENV], check=True)
            subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *flags], check=True)
        else:
            subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", *flags], check=True)
    return python


def ask(name: str, port: int, python: Path) -> dict[str, float]:
    """One method once, in a process of its own."""
    hosts = [str(FIRST + n) for n in range(CAMERAS[name])]
    asked = {"hosts": hosts, "port": port, "user": USER, "password": PASSWORD, "profile": "profile-1-0"}
    ours = [sys.executable, "-m", "tests.benchmarks.onvif_methods", name]
    argv = [str(python), "-P", str(HERE / "onvif_zeep.py")] if name == "onvif-zeep" else ours
    environment = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    said = subprocess.run(
        [*argv, json.dumps(asked)], capture_output=True, text=True, check=True, env=environment
    ).stdout
    answer = json.loads(said.splitlines()[-1])
    further = answer["rss_kb"][WARM:]
    return {
        "first_ms": answer["cpu_ms"][0],
        "cpu_ms": statistics.median(answer["cpu_ms"][WARM:]),
        "rss_kb": sum(further) / len(further),
        "peak_mb": answer["peak_kb"] / 1024,
    }


@contextmanager
def cameras() -> Iterator[int]:
    """Simulated cameras with an ONVIF face; the port of all of them."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fleet.toml"
        file.write_text(fleet(port), encoding="utf-8")
        simulator: list[str | Path] = [sys.executable, "-m", "probes.simulator", file]
        with started(simulator, log=Path(folder) / "log", ready=says_ready, deadline_s=120):
            yield port


def times_slower(rounds: int = 2) -> float:
    """How much slower than the machine of reference this one is now, by onvif-zeep-async's own cost."""
    with cameras() as port:
        asked = [ask("onvif-zeep-async", port, Path(sys.executable)) for _ in range(rounds)]
    return min(figures["cpu_ms"] for figures in asked) / REFERENCE_MS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    python = interpreter()
    samples: dict[str, list[dict[str, float]]] = {name: [] for name in CAMERAS}
    with cameras() as port:
        for number in range(args.rounds):
            print(f"round {number + 1} of {args.rounds}", file=sys.stderr, flush=True)
            for name in CAMERAS:
                samples[name].append(ask(name, port, python))
    figures = {
        name: {key: round(min(s[key] for s in found), 3) for key in found[0]}
        for name, found in samples.items()
    }
    slower = figures["onvif-zeep-async"]["cpu_ms"] / REFERENCE_MS
    report: dict[str, Any] = {
        "measured": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("onvif-zeep-async", "zeep", "aiohttp", "uvloop")}
        | {"onvif-zeep": _locked("onvif-zeep")},
        "rounds": args.rounds,
        "per_further_camera": figures,
        "times_slower_than_reference": round(slower, 2),
        "times_cheaper_than": {
            other: {
                key: round(figures[other][key] / max(figures["ours"][key], 0.001), 1)
                for key in ("cpu_ms", "rss_kb")
            }
            for other in ("onvif-zeep-async", "onvif-zeep")
        },
        "limits": [_judged(name, key, figures[name][key], limit, slower) for name, key, limit in LIMITS],
    }
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "onvif.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    for limit in report["limits"]:
        sign = "ok  " if limit["met"] else "MISS"
        said = f"{limit['method']} {limit['figure']} {limit['on_reference']}"
        print(f"{sign} {said} on the machine of reference (limit {limit['limit']:g})")
    return 0 if all(limit["met"] for limit in report["limits"]) else 1


def _judged(method: str, figure: str, measured: float, limit: float, slower: float) -> dict[str, Any]:
    on_reference = measured / slower if figure == "cpu_ms" else measured
    told = {"method": method, "figure": figure, "measured": measured, "on_reference": round(on_reference, 3)}
    return told | {"limit": limit, "met": on_reference <= limit}


def _locked(name: str) -> str:
    line = next(s for s in LOCK.read_text(encoding="utf-8").splitlines() if s.startswith(f"{name}=="))
    return line.split("==")[1].split()[0]


if __name__ == "__main__":
    sys.exit(main())
