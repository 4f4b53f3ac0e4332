"""Is the picture black, covered, blurred, moved, frozen: the judgement of one ``Sight``, pure.

Absolute rules hold for every eye. Relative ones compare with a baseline of the same mode (colour or
infrared), measured over days and approved by a person; without one they say nothing. How many failures in a
row make a check failing is decided elsewhere (``health``): each picture is judged by itself, except that
frozen is said of a series. The numbers come from generated frames (``tests/benchmarks/picture.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Final

import numpy as np
import numpy.typing as npt

from probes.reasons import Reason
from probes.result import Baseline, Mode, Seen, Sight
from probes.sight import HEIGHT, WIDTH, Glance, edge_strength

MIN_SAMPLES: Final = 20  # of a baseline
GRACE: Final = timedelta(minutes=10)  # after the infrared filter moved, lenses look for their focus
SETTLED: Final = timedelta(hours=1)  # a picture that flickers between the modes is no filter that moves

# A series stands still:
FROZEN_SAMPLES: Final = 3
FROZEN_FOR: Final = timedelta(minutes=9, seconds=30)  # three samples 5 minutes apart, less their jitter
SPACING: Final = timedelta(seconds=20)  # caches give the same picture for 4 to 15 s (briis/unifiprotect #88)
TILES: Final = (9, 16)  # rows and columns
STILL: Final = 0.05  # grey levels of mean difference in a tile; the noise of a live sensor is ten times that
MOST_TICKING: Final = 24  # tiles that a drawn clock may cover
SPREAD: Final = 2  # tiles: intra prediction carries a changed digit to the right and down

Tiles = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PictureJudgement:
    """``reason`` is ``OK`` or what is wrong with the picture.

    ``similarity`` to the baseline's edges goes from 0 to 1; ``None`` where there is no baseline to compare
    with.
    """

    reason: Reason
    similarity: float | None = None


def judge(
    sight: Sight, baselines: Sequence[Baseline], seen: Seen | None, now: datetime, *, ptz: bool = False
) -> PictureJudgement:
    """What ``sight`` says of the picture, ``seen`` being the series that ends with it.

    ``ptz``: the camera turns by itself, and is never called moved.
    """
    usual = next((b for b in baselines if b.mode is sight.mode and b.samples >= MIN_SAMPLES), None)
    similarity = None if usual is None else _similarity(sight.edges, usual.edges)
    reason = _unusable(sight, usual, similarity)
    if reason is None and seen is not None and stands_still(seen):
        reason = Reason.PICTURE_FROZEN
    if reason is None and not _has_just_switched(seen, now):
        reason = _changed(sight, usual, similarity, ptz)
    return PictureJudgement(reason or Reason.OK, similarity)


def _unusable(sight: Sight, usual: Baseline | None = None, similarity: float | None = None) -> Reason | None:
    """What needs no baseline, or little of it; the surest first."""
    if sight.broken > 0.25:
        return Reason.PICTURE_CORRUPT
    if sight.brightness < 12 and sight.contrast < 4:
        return Reason.PICTURE_BLACK
    if sight.brightness > 245 and sight.contrast < 6:
        return Reason.PICTURE_WHITE
    # Few levels: writing or bars, or one plain colour. No sensor sees that.
    if sight.flat > 0.85 and (sight.contrast >= 10 or (sight.contrast < 1 and sight.chroma > 10)):
        return Reason.PLACEHOLDER_PICTURE
    if sight.contrast < 6 or (usual is not None and _lost_its_edges(sight, usual, similarity)):
        return Reason.PICTURE_COVERED
    if sight.contrast < 10:
        return Reason.PICTURE_LOW_CONTRAST
    return None


def _lost_its_edges(sight: Sight, usual: Baseline, similarity: float | None) -> bool:
    left = float(edge_strength(sight.edges).mean() / max(edge_strength(usual.edges).mean(), 1e-6))
    return left < 0.15 or (left < 0.3 and similarity is not None and similarity < 0.3)


def _changed(sight: Sight, usual: Baseline | None, similarity: float | None, ptz: bool) -> Reason | None:
    """Focus and direction, against what this eye usually sees."""
    # Without a baseline only what is hopeless: a plain wall is not sharp either.
    if sight.sharpness < 0.3 or (usual is not None and sight.sharpness < min(0.65, 0.55 * usual.sharpness)):
        return Reason.PICTURE_BLURRED
    if usual is not None and similarity is not None and similarity < 0.55 and not ptz:
        return Reason.PICTURE_MOVED
    return None


def _has_just_switched(seen: Seen | None, now: datetime) -> bool:
    return seen is not None and seen.mode_since is not None and now - seen.mode_since < GRACE


def _similarity(edges: bytes, usual: bytes) -> float:
    """How well two maps of edges agree: their correlation, 0 (or less) for another scene."""
    pair = [np.frombuffer(e, np.uint8).reshape(2, -1).astype(np.float64) for e in (edges, usual)]
    a, b = (cells - cells.mean(axis=1, keepdims=True) for cells in pair)
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return max(0.0, float((a * b).sum()) / norm) if norm else 0.0


# --- a series of pictures -----------------------------------------------------------------------------------


def watch(seen: Seen | None, glance: Glance, now: datetime) -> Seen:
    """The series of an eye's pictures, grown by one; a new one begins where the picture has changed.

    A clock that is drawn over a frozen picture goes on ticking: tiles that differ from the first picture
    every time, few of them, are taken for one. Whatever else moves is life.
    """
    mode = glance.sight.mode
    if seen is None:
        return Seen(glance.thumb, glance.digest, changed_at=now, last_at=now, mode=mode)
    if now - seen.last_at < SPACING:
        return seen
    mode_since = seen.mode_since
    if mode is not seen.mode and (mode_since is None or now - mode_since > SETTLED):
        mode_since = now
    equal = seen.equal + 1 if glance.digest == seen.digest else 1
    differing = _differing(seen.thumb, glance.thumb)
    touched = differing | _tiles(seen.touched)
    ticking = _tiles(seen.ticking)
    if differing.any():  # at times a clock shows what it showed before
        ticking = ticking & differing if ticking.any() else differing
    if touched.sum() > MOST_TICKING or (touched & ~_and_neighbours(ticking)).any():
        return Seen(
            glance.thumb, glance.digest, changed_at=now, last_at=now, mode=mode, mode_since=mode_since
        )
    return replace(
        seen,
        digest=glance.digest,
        last_at=now,
        mode=mode,
        samples=seen.samples + 1,
        equal=equal,
        touched=touched.tobytes(),
        ticking=ticking.tobytes(),
        mode_since=mode_since,
    )


def stands_still(seen: Seen) -> bool:
    """Whether a series is of one picture only: a live sensor never gives the same twice."""
    if seen.equal >= FROZEN_SAMPLES:
        return True
    return seen.samples >= FROZEN_SAMPLES and seen.last_at - seen.changed_at >= FROZEN_FOR


def _differing(before: bytes, after: bytes) -> Tiles:
    a, b = (
        np.frombuffer(t, np.uint8).reshape(HEIGHT // 2, WIDTH // 2).astype(np.int16) for t in (before, after)
    )
    rows, columns = TILES
    tiles = np.abs(a - b).reshape(rows, HEIGHT // 2 // rows, columns, WIDTH // 2 // columns)
    return np.asarray(tiles.mean(axis=(1, 3)) >= STILL)


def _tiles(stored: bytes) -> Tiles:
    return np.frombuffer(stored, np.bool_).reshape(TILES) if stored else np.zeros(TILES, np.bool_)


def _and_neighbours(tiles: Tiles) -> Tiles:
    wide = np.pad(tiles, SPREAD)
    rows, columns = TILES
    steps = range(2 * SPREAD + 1)
    shifted = [wide[y : y + rows, x : x + columns] for y in steps for x in steps]
    return np.asarray(np.logical_or.reduce(shifted))


# --- learning -----------------------------------------------------------------------------------------------


def learn(sights: Sequence[Sight]) -> tuple[Baseline, ...]:
    """A baseline for each mode of which there are at least ``MIN_SAMPLES``: medians, so that what passes by
    does not count. Sights that are unusable by themselves are left out.
    """
    usable = [sight for sight in sights if _unusable(sight) is None]
    baselines = []
    for mode in Mode:
        mine = [sight for sight in usable if sight.mode is mode]
        if len(mine) < MIN_SAMPLES:
            continue
        edges = np.median([np.frombuffer(s.edges, np.uint8) for s in mine], axis=0).astype(np.uint8)
        baselines.append(
            Baseline(
                mode,
                brightness=median(s.brightness for s in mine),
                contrast=median(s.contrast for s in mine),
                sharpness=median(s.sharpness for s in mine),
                edges=edges.tobytes(),
                samples=len(mine),
            )
        )
    return tuple(baselines)
