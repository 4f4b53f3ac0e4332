"""What reports cost with 953 eyes: built, and drawn as each kind of file; and what a command needs to begin.

    python -m tests.benchmarks.reports

Of the city and of each of its wards the uptime report of October 2026 is built of a ledger of 90 days and
drawn; of the demonstration's made-up year, which has money and repairs, the city's reports as PDF. All in
turns, so that a busy moment of the machine falls on all of them; told are the seconds of a processor, of the
quickest of three rounds. Writes ``reports.json`` into ``docs/benchmarks``. The goals are for the PDF, with
what it is built of.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from camera_registry import demonstration_year, queries
from camera_registry.db import Database
from camera_registry.reports import catalogue, uptime
from camera_registry.reports.asked import Asked
from camera_registry.reports.value import Facts, Format, Kind, Report
from camera_registry.units import Scope
from dashboards.reports import draw
from tests.benchmarks import city

ROUNDS = 3
MOST_S = {"city": 5.0, "ward": 1.0}
OF_THE_YEAR = (Kind.UPTIME, Kind.FUNDING, Kind.DISCLOSURE, Kind.REPAIRS, Kind.SECURITY, Kind.INVENTORY)
COMMAND = "from camera_registry.cli import main; main()"
OUT = Path("docs/benchmarks")
OCTOBER = (date(2026, 10, 1), date(2026, 10, 31))


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one report: seconds of a processor, and kilobytes of its files."""

    name: str
    eyes: int
    points: int
    built_s: float
    drawn_s: Mapping[str, float]
    kb: Mapping[str, float]

    @property
    def pdf_s(self) -> float:
        return self.built_s + self.drawn_s[Format.PDF]


def measure(database: Database) -> list[Cost]:
    """The city, then its wards, the one with the fewest eyes first."""
    with database.reading() as session:
        wards = queries.units_of_today(session, Scope.everything(), city.NOW.astimezone(city.ZONE).date())
    asked = {"": Asked(Kind.UPTIME, *OCTOBER)} | {
        ward.name: Asked(Kind.UPTIME, *OCTOBER, unit=ward.uid) for ward in wards
    }
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    sizes: dict[tuple[str, str], float] = {}
    reports: dict[str, Report] = {}
    for turn in range(ROUNDS + 1):  # the first finds nothing in any cache, and does not count
        for name, question in asked.items():
            begun = _spent()
            with database.reading() as session:
                reports[name] = uptime.build(session, Scope.everything(), question, city.NOW, city.ZONE, "vi")
            steps = {"": _spent() - begun}
            for format_ in Format:
                begun = _spent()
                sizes[name, format_] = len(draw(reports[name], format_)) / 1024
                steps[format_] = _spent() - begun
            if turn:
                for step, spent in steps.items():
                    seconds[name, step].append(spent)
    costs = [
        Cost(
            name or "city",
            *_counts(reports[name]),
            round(min(seconds[name, ""]), 3),
            {str(format_): round(min(seconds[name, format_]), 3) for format_ in Format},
            {str(format_): round(sizes[name, format_], 1) for format_ in Format},
        )
        for name in asked
    ]
    return [costs[0], *sorted(costs[1:], key=lambda cost: cost.eyes)]


def of_the_year(database: Database) -> list[Cost]:
    """The reports of the whole made-up city, as PDF."""
    now, zone = demonstration_year.NOW, demonstration_year.ZONE
    seconds: dict[tuple[Kind, str], list[float]] = defaultdict(list)
    sizes: dict[Kind, float] = {}
    counts = 0, 0
    for turn in range(ROUNDS + 1):
        for kind in OF_THE_YEAR:
            begun = _spent()
            with database.reading() as session:
                build = catalogue.build(kind)
                report = build(session, Scope.everything(), Asked(kind, *OCTOBER), now, zone, "vi")
            built = _spent()
            sizes[kind] = len(draw(report, Format.PDF)) / 1024
            if turn:
                seconds[kind, ""].append(built - begun)
                seconds[kind, Format.PDF].append(_spent() - built)
            if kind is Kind.UPTIME:
                counts = _counts(report)
    return [
        Cost(
            *(f"city, {kind}", *counts, round(min(seconds[kind, ""]), 3)),
            {str(Format.PDF): round(min(seconds[kind, Format.PDF]), 3)},
            {str(Format.PDF): round(sizes[kind], 1)},
        )
        for kind in OF_THE_YEAR
    ]


def beginning() -> float:
    """Seconds of a processor until ``camera-registry report`` knows what it is asked."""
    told = []
    for _ in range(ROUNDS + 1):
        begun = _spent()
        argv = [sys.executable, "-c", COMMAND, "report", "uptime", "--help"]
        subprocess.run(argv, check=True, capture_output=True)
        told.append(_spent() - begun)
    return round(min(told), 2)


def _spent() -> float:
    """Seconds of a processor by now, of us and of those that drew for us: others at work do not count."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _counts(report: Report) -> tuple[int, int]:
    """Eyes and points."""
    said = {fact.key: fact.value for part in report.parts if isinstance(part, Facts) for fact in part.facts}
    eyes, points = said["eyes"], said["points"]
    assert isinstance(eyes, int)
    assert isinstance(points, int)
    return eyes, points


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'registry.db'}")
        database.migrate()
        print("a city of 90 days …", file=sys.stderr, flush=True)
        city.fill(database, Path(folder))
        costs = measure(database)
        database.close()
        print("a made-up year …", file=sys.stderr, flush=True)
        year = demonstration_year.open_demonstration_year(Path(folder))
        kinds = of_the_year(year)
        year.close()
    whole, *wards = costs
    goals = [_judged("city", each) for each in (whole, *kinds)]
    goals += [_judged("ward", each) for each in wards]
    written: dict[str, Any] = {
        "measured": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "days": city.DAYS,
        "begins_s": beginning(),
        "reports": [asdict(cost) for cost in costs],
        "of_the_year": [asdict(cost) for cost in kinds],
        "goals": goals,
    }
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "reports.json").write_text(
        json.dumps(written, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    for goal in goals:
        print("ok  " if goal["met"] else "MISS", json.dumps(goal, ensure_ascii=False))
    return 0 if all(goal["met"] for goal in goals) else 1


def _judged(goal: str, cost: Cost) -> dict[str, Any]:
    pdf_s = round(cost.pdf_s, 2)
    return {
        "report": goal,
        "name": cost.name,
        "eyes": cost.eyes,
        "pdf_s": pdf_s,
        "at_most_s": MOST_S[goal],
        "met": pdf_s <= MOST_S[goal],
    }


if __name__ == "__main__":
    sys.exit(main())
