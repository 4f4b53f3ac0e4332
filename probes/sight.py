"""What can be measured of one picture in a millisecond: how bright, how sharp, where its edges are.

Everything is measured on 320x180 grey, whatever the camera sends: sensor noise and the pattern of compression
mostly vanish by that, and what a monitor looks for stays. Runs in a worker process.
"""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from probes.decode import Picture, Plane, decode_image, decode_keyframe
from probes.opencv import cv2
from probes.result import Mode, Sight

WIDTH: Final = 320
HEIGHT: Final = 180
CELLS: Final = (40, 20)  # of the map of edges: 8x9 pixels each
GREY_CHROMA: Final = 3.0  # levels: below it a picture is grey
CARD_LEVELS: Final = 8
INNER_LEVELS: Final = slice(20, 241)  # a night sky and a bright one are flat too

# What a decoder leaves where data is missing: Y, Cb, Cr all zero (green), or all in the middle (grey).
MIDDLE: Final = 128
GREEN_CHROMA: Final = 60

_LIMITED_TO_FULL: Final = np.clip((np.arange(256) - 16) * 255 / 219, 0, 255).round().astype(np.uint8)
_EDGE_SCALE: Final = 32.0


@dataclass(frozen=True, slots=True)
class Glance:
    """One look at one picture: what was measured, and what only memory may hold.

    ``thumb`` is 160x90 grey: every second pixel of 320x180, not averaged, so that the noise of a live sensor
    stays. ``digest`` tells files that are identical to the bit.
    """

    sight: Sight
    thumb: bytes = field(repr=False)
    digest: bytes = field(repr=False)


def glance_at_keyframe(codec: str, data: bytes) -> Glance:
    """Decode and measure a keyframe. Raises ``DecodeError`` like ``decode_keyframe``."""
    return _glance(decode_keyframe(codec, data), data)


def glance_at_image(data: bytes) -> Glance:
    """Decode and measure an image file. Raises ``ImageError`` like ``decode_image``."""
    return _glance(decode_image(data), data)


def _glance(picture: Picture, data: bytes) -> Glance:
    grey = small_grey(picture)
    return Glance(measure(picture, grey), grey[::2, ::2].tobytes(), blake2b(data, digest_size=16).digest())


def small_grey(picture: Picture) -> Plane:
    """The picture as 320x180 grey of full range."""
    grey = cv2.resize(picture.luma, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return cast(Plane, grey if picture.full_range else cv2.LUT(grey, _LIMITED_TO_FULL))


def measure(picture: Picture, grey: Plane) -> Sight:
    """Measure ``picture``, whose ``small_grey`` is ``grey``."""
    brightness, contrast = _mean_and_deviation(grey)
    smooth = cast(Plane, cv2.medianBlur(grey, 3))  # the noise of a night is no sharpness
    _, spread = _mean_and_deviation(smooth)
    _, detail = _mean_and_deviation(cv2.Laplacian(smooth, cv2.CV_16S))
    colours = tuple(_small_chroma(plane) for plane in picture.chroma)
    chroma = sum(float(np.abs(c.astype(np.int16) - MIDDLE).mean()) for c in colours) / 2
    return Sight(
        width=picture.width,
        height=picture.height,
        mode=Mode.GREY if chroma < GREY_CHROMA else Mode.COLOUR,
        brightness=brightness,
        contrast=contrast,
        sharpness=(detail / spread) ** 2 if spread else 0.0,
        chroma=chroma,
        flat=_flat_share(grey),
        broken=_broken_share(grey, colours),
        dhash=_difference_hash(grey),
        edges=_edges(smooth),
    )


def _mean_and_deviation(plane: npt.ArrayLike) -> tuple[float, float]:
    mean, deviation = cv2.meanStdDev(cast(Plane, plane))
    return float(mean[0, 0]), float(deviation[0, 0])


def _small_chroma(plane: Plane) -> Plane:
    return cast(Plane, cv2.resize(plane, (80, HEIGHT), interpolation=cv2.INTER_AREA))


def _flat_share(grey: Plane) -> float:
    levels = cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel()[INNER_LEVELS]
    return float(np.partition(levels, -CARD_LEVELS)[-CARD_LEVELS:].sum() / grey.size)


def _broken_share(grey: Plane, colours: tuple[Plane, ...]) -> float:
    """The share of rows of one filled-in colour, or that only repeat the row above (a smear)."""
    rows = grey.astype(np.int16)
    deviation = rows.std(axis=1)
    filled = (deviation < 1.5) & (np.abs(rows.mean(axis=1) - MIDDLE) <= 4)
    green = np.full(HEIGHT, len(colours) == 2)
    for plane in colours:
        mean, spread = plane.mean(axis=1), plane.std(axis=1)
        filled &= (np.abs(mean - MIDDLE) <= 4) & (spread < 2)
        green &= mean < GREEN_CHROMA
    smeared = np.zeros(HEIGHT, bool)
    smeared[1:] = np.abs(np.diff(rows, axis=0)).mean(axis=1) < 0.1
    smeared &= deviation >= 4  # a plain wall repeats itself too
    return float((filled | green | smeared).mean())


def _difference_hash(grey: Plane) -> int:
    cells = cv2.resize(grey, (CELLS[0], CELLS[1]), interpolation=cv2.INTER_AREA)
    tiny = cv2.resize(cells, (9, 8), interpolation=cv2.INTER_LINEAR)
    return int.from_bytes(np.packbits(tiny[:, 1:] > tiny[:, :-1]).tobytes(), "big")


def _edges(smooth: Plane) -> bytes:
    """The mean strength of upright and of lying edges in each cell, logarithmic, 32 a doubling."""
    across = np.abs(cv2.Sobel(smooth, cv2.CV_16S, 1, 0))
    down = np.abs(cv2.Sobel(smooth, cv2.CV_16S, 0, 1))
    cells = [cv2.resize(strength, CELLS, interpolation=cv2.INTER_AREA) for strength in (across, down)]
    logarithms: npt.NDArray[np.float64] = _EDGE_SCALE * np.log2(1.0 + np.stack(cells))
    return logarithms.clip(0, 255).astype(np.uint8).tobytes()


def edge_strength(edges: bytes) -> npt.NDArray[np.float64]:
    """The map of edges back on a linear scale, shape (2, 20, 40), in grey levels."""
    return np.exp2(np.frombuffer(edges, np.uint8).reshape(2, *CELLS[::-1]) / _EDGE_SCALE) - 1.0
