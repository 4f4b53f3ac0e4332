"""How well broken pictures are found, and what looking costs: ``python -m tests.benchmarks.picture``.

Frames are generated (``scenes.py``): the figures say what the rules do, not what they will do in a street.
Three pictures in a row, five minutes apart, must be failing before anything is said; a series counts as what
most of its pictures are called. Baselines are learned from frames of their own.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np

from probes.opencv import cv2
from probes.picture import judge, learn, watch
from probes.reasons import Reason
from probes.result import Baseline, Seen
from probes.sight import glance_at_image
from tests.benchmarks.draw_picture import draw
from tests.benchmarks.scenes import CLEAN, FAULTS, LIGHTS, jpeg, scene

RESULTS: Final = Path(__file__).parents[2] / "docs" / "benchmarks"
SCENES: Final = 60
FIRST: Final = 1000  # the thresholds were chosen on scenes below it
LEARNED: Final = 25  # frames a mode
IN_A_ROW: Final = 3
SERIES: Final = 2  # of each clean light, and of each fault, a scene
NOON: Final = datetime(2026, 11, 22, 5, tzinfo=UTC)
CYCLE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Case:
    """One series: what it shows, what it should be called, what it was called."""

    shows: str
    expected: Reason
    light: str
    called: Reason


def cases_of(number: int) -> list[Case]:
    """All series of one scene."""
    street, random = scene(number), np.random.default_rng((number, 7))
    usual = learn(
        [
            glance_at_image(street.learning(m, random)).sight
            for m in ("colour", "grey")
            for _ in range(LEARNED)
        ]
    )
    cases = []
    for _ in range(SERIES):
        for light in CLEAN:
            away = scene(number + 10_000) if light == "PTZ" else street  # turned to somewhere else
            files = [away.file(away.clean(light, random), random) for _ in range(IN_A_ROW)]
            called = called_after(files, usual, ptz=light == "PTZ")
            cases.append(Case("usable", Reason.OK, light, called))
        for fault, reason in FAULTS.items():
            light = str(random.choice(LIGHTS))
            files = list(street.faulty(fault, light, random, IN_A_ROW))
            cases.append(Case(fault, reason, light, called_after(files, usual)))
    return cases


def called_after(files: Iterable[bytes], usual: tuple[Baseline, ...], *, ptz: bool = False) -> Reason:
    """What is said after a series; only its last picture can be called frozen."""
    seen: Seen | None = None
    now = NOON
    reasons = []
    for file in files:
        now += CYCLE
        glance = glance_at_image(file)
        seen = watch(seen, glance, now)
        reasons.append(judge(glance.sight, usual, seen, now, ptz=ptz).reason)
    if reasons[-1] is Reason.PICTURE_FROZEN:
        return Reason.PICTURE_FROZEN
    return Reason.OK if Reason.OK in reasons else Counter(reasons).most_common(1)[0][0]


def summary(cases: list[Case]) -> dict[str, object]:
    clean = [case for case in cases if case.expected is Reason.OK]
    classes = {}
    for fault, reason in FAULTS.items():
        mine = [case for case in cases if case.shows == fault]
        classes[fault] = {
            "series": len(mine),
            "detected": sum(case.called is not Reason.OK for case in mine) / len(mine),
            "named": sum(case.called is reason for case in mine) / len(mine),
            "false_alarms": sum(case.called is reason for case in clean) / len(clean),
        }
    lights = {
        light: sum(c.called is not Reason.OK for c in clean if c.light == light)
        / sum(c.light == light for c in clean)
        for light in CLEAN
    }
    shown = ["usable", *FAULTS]
    called = [Reason.OK, *FAULTS.values()]
    confusion = [[sum(c.called is r for c in cases if c.shows == s) for r in called] for s in shown]
    return {
        "frames": "generated frames only",
        "labelled_frames": len(cases) * IN_A_ROW,
        "usable_series": len(clean),
        "classes": classes,
        "false_alarms_by_light": lights,
        "confusion": {"shown": shown, "called": [str(r) for r in called], "series": confusion},
    }


# --- what it costs ------------------------------------------------------------------------------------------


def costs(rounds: int = 15, calls: int = 20) -> dict[str, dict[str, float]]:
    """CPU milliseconds an image, ours and the naive pipeline in turn; medians."""
    street = scene(1)
    frame = street.with_clock(street.clean("day", np.random.default_rng(1)), np.random.default_rng(1))
    sizes = {"640x360": (640, 360), "1920x1080": (1920, 1080)}
    found = {}
    for name, size in sizes.items():
        file = jpeg(np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC), np.uint8), 75)
        ours, naive = [], []
        for _ in range(rounds):
            ours.append(_cpu_ms(lambda f=file: glance_at_image(f), calls))
            naive.append(_cpu_ms(lambda f=file: _naive(f), calls))
        found[name] = {
            "file_bytes": len(file),
            "ours_ms": round(median(ours), 3),
            "naive_ms": round(median(naive), 3),
            "ratio": round(median(n / o for n, o in zip(naive, ours, strict=True)), 2),
        }
    return found


def _naive(file: bytes) -> tuple[float, float, float, int]:
    """Colour decode, NumPy's mean and deviation, a Laplacian of 64 bits, a difference hash."""
    colours = cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR)
    assert colours is not None
    grey = cv2.cvtColor(colours, cv2.COLOR_BGR2GRAY)
    tiny = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    bits = np.packbits(tiny[:, 1:] > tiny[:, :-1])
    sharpness = cv2.Laplacian(grey, cv2.CV_64F).var()
    return (
        float(colours.mean()),
        float(colours.std()),
        float(sharpness),
        int.from_bytes(bits.tobytes(), "big"),
    )


def _cpu_ms(call: object, calls: int) -> float:
    assert callable(call)
    began = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - began) / calls * 1000


def main(scenes: int = SCENES) -> None:
    cases = []
    for number in range(scenes):
        cases += cases_of(FIRST + number)
        print(f"\r{number + 1}/{scenes} scenes", end="", file=sys.stderr)
    print(file=sys.stderr)
    found = summary(cases) | {"cost": costs()}
    (RESULTS / "picture.json").write_text(json.dumps(found, indent=2) + "\n")
    draw(found, RESULTS / "picture.png")
    print(json.dumps(found["classes"], indent=1))
    print(json.dumps(found["false_alarms_by_light"], indent=1))
    print(json.dumps(found["cost"], indent=1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SCENES)
