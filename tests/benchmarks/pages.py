"""What pages cost with 953 eyes and a ledger of 90 days: the server's time, and the weight of a first visit.

    python -m tests.benchmarks.pages

The application is served on loopback and asked by one client that keeps its connection; pages take turns, so
that a busy moment of the machine falls on all of them. Writes ``pages.json`` into ``docs/benchmarks``. Times
are judged as on the machine that the goals were set on: this one is as much slower as it is slower with
onvif-zeep-async, before and after. The weight is the page with every style, script, letter and picture that
it names, as they are sent; the map's own library is told apart.
"""

import argparse
import gc
import gzip
import json
import platform
import re
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from urllib.parse import urljoin

from sqlalchemy import select

from camera_registry import models
from camera_registry.api.cookies import NAME
from camera_registry.auth.roles import Role
from camera_registry.db import Database
from tests.benchmarks import city
from tests.benchmarks.onvif import times_slower
from tests.dashboards.serving import Web, make_web, served, session_of

ROUNDS = 60
MOST_P95_MS = 60.0
MOST_KB = 300.0
OUT = Path("docs/benchmarks")
LIBRARY = "maplibre-gl"  # of the map
GOALS = ("city", "ward", "eye")  # the pages that a time was promised for


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one page, milliseconds until its last byte is there, and kilobytes."""

    p50_ms: float
    p95_ms: float
    page_kb: float
    first_visit_kb: float
    library_kb: float


def paths(database: Database) -> Mapping[str, str]:
    """The pages by the names that the report gives them; the eye and its point have something to tell."""
    with database.reading() as session:
        eye, point = session.execute(
            select(models.Eye.code, models.Point.code)
            .join(models.Device, models.Device.id == models.Eye.device_id)
            .join(models.Point)
            .join(models.EyeState)
            .where(models.EyeState.state == "down", models.EyeState.first_ok_at.is_not(None))
            .order_by(models.Eye.id)
        ).first() or ("", "")
        incident = session.scalar(select(models.Incident.id).where(models.Incident.ended_at.is_(None)))
    return {
        "city": "/",
        "wall": "/wall",
        "ward": "/units/04252-2",
        "eye": f"/eyes/{eye}",
        "point": f"/points/{point}",
        "eyes": "/eyes",
        "incidents": "/incidents",
        "incident": f"/incidents/{incident}",
        "map": "/map",
        "map points": "/api/v1/points.geojson",
        "availability": "/availability",
        "metrics": "/metrics",
    }


class Client:
    """One browser that has signed in, as far as times and weights go."""

    def __init__(self, web: Web, address: str) -> None:
        self._connection = HTTPConnection(address.removeprefix("http://"), timeout=60)
        self._headers = {"Cookie": f"{NAME}={session_of(web, Role.ADMINISTRATOR)}", "Accept-Encoding": "gzip"}

    def ask(self, path: str) -> tuple[int, bytes]:
        """How many bytes were sent, and what they say."""
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status)
        packed = answer.headers["Content-Encoding"] == "gzip"
        return len(body), gzip.decompress(body) if packed else body


def measure(web: Web, address: str, rounds: int = ROUNDS) -> dict[str, Cost]:
    """What each page costs; the first time it is asked for does not count."""
    client = Client(web, address)
    pages = paths(web.database)
    sizes = {name: client.ask(path)[0] for name, path in pages.items()}
    gc.collect()
    gc.freeze()  # as ``serve`` does once it has begun
    took: dict[str, list[float]] = {name: [] for name in pages}
    for _ in range(rounds):
        for name, path in pages.items():
            began = time.perf_counter()
            client.ask(path)
            took[name].append(1000 * (time.perf_counter() - began))
    return {
        name: Cost(
            round(median(took[name]), 1),
            round(quantiles(took[name], n=20)[-1], 1),
            round(sizes[name] / 1000, 1),
            *(round(weight / 1000, 1) for weight in _weights(client, path)),
        )
        for name, path in pages.items()
    }


def _weights(client: Client, path: str) -> tuple[int, int]:
    """Bytes of a page with all it names, without and of the map's library."""
    ahead, seen = [path], dict[str, int]()
    while ahead:
        address = ahead.pop()
        if address in seen:
            continue
        seen[address], body = client.ask(address)
        ahead += [urljoin(address, each) for each in _named(address, body)]
    library = sum(size for address, size in seen.items() if LIBRARY in address)
    return sum(seen.values()) - library, library


def _named(address: str, body: bytes) -> Sequence[str]:
    """What a page or a style names of our own static files."""
    if address.endswith(".css"):
        return [str(each) for each in re.findall(r'url\("?([^")]+)"?\)', body.decode()) if ":" not in each]
    if address.startswith("/static/") or address.startswith("/api/") or address == "/metrics":
        return []
    return [str(each) for each in re.findall(r'(?:href|src)="(/static/[^"]+)"', body.decode())]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    before = times_slower()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'registry.db'}")
        database.migrate()
        print("a city of 90 days …", file=sys.stderr, flush=True)
        city.fill(database, Path(folder))
        web = make_web(database, now=lambda: city.NOW)
        with served(web) as address:
            costs = measure(web, address)
        database.close()
    return report(costs, (before + times_slower()) / 2, args.out)


def report(costs: Mapping[str, Cost], slower: float, out: Path) -> int:
    pages = {
        name: {key: getattr(cost, key) for key in Cost.__dataclass_fields__} for name, cost in costs.items()
    }
    goals = [_judged(name, costs[name], slower) for name in GOALS]
    written: dict[str, Any] = {
        "measured": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "eyes": 953,
        "days": city.DAYS,
        "times_slower_than_reference": round(slower, 2),
        "pages": pages,
        "goals": goals,
    }
    out.mkdir(parents=True, exist_ok=True)
    (out / "pages.json").write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    for goal in goals:
        print("ok  " if goal["met"] else "MISS", json.dumps(goal))
    return 0 if all(goal["met"] for goal in goals) else 1


def _judged(name: str, cost: Cost, slower: float) -> dict[str, Any]:
    p95_ms = round(cost.p95_ms / slower, 1)
    return {
        "page": name,
        "p95_ms_on_reference": p95_ms,
        "at_most_ms": MOST_P95_MS,
        "first_visit_kb": cost.first_visit_kb,
        "at_most_kb": MOST_KB,
        "met": p95_ms <= MOST_P95_MS and cost.first_visit_kb <= MOST_KB,
    }


if __name__ == "__main__":
    sys.exit(main())
