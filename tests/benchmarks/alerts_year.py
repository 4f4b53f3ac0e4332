"""What the default policy of alerts would have sent in a year of a city of 953 eyes, with a flood in it.

    python -m tests.benchmarks.alerts_year

The year is made up (``tests/replay/city.py``: single eyes that fail and are repaired, a power cut of a point
every few days, eyes that flap, the monitor's own failures, and in September seven wards without power) and is
judged as results would be. Half a minute; writes ``alerts_year.json`` and ``alerts_year.png`` into
``docs/benchmarks``, and ends with 1 where a goal is missed.
"""

import argparse
import json
import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from typing import Any

from rich.console import Console

from camera_registry.alerts.preview import Hearer
from camera_registry.alerts.routing import Kind
from camera_registry.commands.alert_preview import course, table
from tests.benchmarks.draw_alerts import draw
from tests.replay import city
from tests.replay.city import ZONE
from tests.replay.warned import MOST_A_WEEK, Warned, news_of, told_after, warned

OUT = Path("docs/benchmarks")
MOST_PREVIEW_S = 60.0  # CPU
HOUR = timedelta(hours=1)
ONCE = ([Kind.OPENED], [Kind.OPENED, Kind.RECOVERED])


def goals(year: Warned) -> Iterator[tuple[str, float, float, bool]]:
    """Each goal: its name, what was measured, its limit, and whether it is met."""
    wards = {ward.uid: ward for ward in year.preview.wards}
    flooded = [uid for uid in year.city.flooded if uid in year.floods]
    missing = len(year.city.flooded) - len(flooded)
    yield "flooded_wards_without_one_incident", missing, 0, missing == 0
    told = [[kind for kind, _ in news_of(wards[uid], year.floods[uid])] for uid in flooded]
    wrong = sum(kinds not in ONCE for kinds in told)
    yield "flooded_wards_not_told_once", wrong, 0, wrong == 0
    most = max(year.most_outside_the_flood(ward) for ward in year.preview.wards)
    yield "most_messages_of_a_ward_in_seven_days_outside_the_flood", most, MOST_A_WEEK, most <= MOST_A_WEEK
    yield "preview_cpu_s", round(year.preview_s, 1), MOST_PREVIEW_S, year.preview_s <= MOST_PREVIEW_S


def of_hearer(year: Warned, hearer: Hearer) -> dict[str, Any]:
    during = [each for each in hearer.messages if year.flood.start <= each.at < year.flood.end]
    return {
        "messages": len(hearer.messages),
        "by_kind": {str(kind): count for kind, count in hearer.by_kind().items()},
        "by_day": {f"{day}": count for day, count in sorted(hearer.by_day(ZONE).items())},
        "most_a_day": hearer.most_a_day(ZONE),
        "most_in_seven_days": hearer.most_a_week(),
        "most_in_seven_days_outside_the_flood": year.most_outside_the_flood(hearer),
        "in_the_flood": len(during),
    }


def of_delays(delays: list[timedelta]) -> dict[str, float]:
    hours = [delay / HOUR for delay in delays]
    tenths = quantiles(hours, n=10)
    return {
        "told": len(hours),
        "median": round(tenths[4], 1),
        "nine_of_ten": round(tenths[8], 1),
        "most": round(hours[-1], 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    year = warned(city.YEAR)
    reached = list(goals(year))
    report = {
        "measured": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "eyes": city.YEAR.eyes,
        "days": city.YEAR.days,
        "eyes_fallen": sum(year.fallen.values()),
        "goals": {
            name: {"measured": measured, "limit": limit, "met": met} for name, measured, limit, met in reached
        },
        "flood": {
            ward.uid: [[str(kind), at.astimezone(ZONE).isoformat()] for kind, at in news_of(ward, occasion)]
            for ward in year.preview.wards
            if (occasion := year.floods.get(ward.uid)) is not None
        },
        "wards_told_after_h": {
            "of_single_eyes": of_delays(told_after(year, alone=True)),
            "of_several_eyes": of_delays(told_after(year, alone=False)),
        },
        "city": of_hearer(year, year.preview.city),
        "wards": {ward.uid: of_hearer(year, ward) for ward in year.preview.wards},
    }
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "alerts_year.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    draw(year, args.out / "alerts_year.png")
    screen = Console(width=200, highlight=False)
    screen.print(table(year.preview, ZONE, "en"))
    screen.print(course(year.preview, ZONE, "en"))
    for name, measured, limit, met in reached:
        print(f"{'ok  ' if met else 'MISS'} {name}: {measured:g} (at most {limit:g})")
    return 0 if all(met for *_, met in reached) else 1


if __name__ == "__main__":
    sys.exit(main())
