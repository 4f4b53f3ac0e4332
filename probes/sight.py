"""What can be measured of one picture in a millisecond: how bright, how sharp, where its edges are.

Everything is measured on 320x180 grey, whatever the camera sends: sensor noise and the pattern of compression
mostly vanish by that, and what a monitor looks for stays. The uppermost and the lowest sixth are left out
where drawn text (a clock, a name) would count: it is sharp and bright over any fault. Runs in a worker.
"""

from dataclasses import dataclass, field
from hashlib import sha1
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from probes.decode import Picture, Plane, decode_image, decode_keyframe
from probes.opencv import cv2
from probes.result import Mode, Sight

WIDTH: Final = 320
HEIGHT: Final = 180
MIDDLE_ROWS: Final = slice(30, 150)
CELL: Final = 8  # pixels a side, of the map of edges
CELLS: Final = (WIDTH // CELL, 120 // CELL)
COLOUR_SPREAD: Final = 1.0  # levels of deviation in Cb or Cr; infrared pictures may have a tint, but one only
CARD_LEVELS: Final = 8
INNER_LEVELS: Final = slice(20, 241)  # a night sky and a bright one are flat too

# What a decoder leaves where data is missing: Y, Cb, Cr all in the middle (grey), or all zero: green, which
# as a JPEG comes back with Cb 84 and Cr 72.
MIDDLE: Final = 128
GREEN_CHROMA: Final = 100

_LIMITED_TO_FULL: Final = np.clip((np.arange(256) - 16) * 255 / 219, 0, 255).round().astype(np.uint8)
_NO_COLOUR: Final = np.full((HEIGHT, 80), MIDDLE, np.uint8)
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
    return Glance(measure(picture, grey), grey[::2, ::2].tobytes(), sha1(data).digest())


def small_grey(picture: Picture) -> Plane:
    """The picture as 320x180 grey of full range."""
    # The mean of an area is exact and, between odd sizes, slow; below a half, four neighbours see everything.
    much = picture.luma.shape[1] >= 2 * WIDTH
    size = (WIDTH, HEIGHT)
    grey = cv2.resize(picture.luma, size, interpolation=cv2.INTER_AREA if much else cv2.INTER_LINEAR)
    return cast(Plane, grey if picture.full_range else cv2.LUT(grey, _LIMITED_TO_FULL))


def measure(picture: Picture, grey: Plane) -> Sight:
    """Measure ``picture``, whose ``small_grey`` is ``grey``."""
    middle = grey[MIDDLE_ROWS]
    brightness, contrast = _mean_and_deviation(middle)
    smooth = cast(Plane, cv2.medianBlur(middle, 3))  # the noise of a night is no sharpness
    colours = tuple(_small_chroma(plane) for plane in picture.chroma)
    chroma = sum(cv2.norm(c, _NO_COLOUR, cv2.NORM_L1) / c.size for c in colours) / 2
    return Sight(
        width=picture.width,
        height=picture.height,
        mode=Mode.COLOUR if any(_mean_and_deviation(c)[1] >= COLOUR_SPREAD for c in colours) else Mode.GREY,
        brightness=brightness,
        contrast=contrast,
        sharpness=_sharpness(smooth),
        chroma=chroma,
        flat=_flat_share(middle),
        broken=_broken_share(grey, colours),
        dhash=_difference_hash(middle),
        edges=_edges(smooth),
    )


def _mean_and_deviation(plane: npt.ArrayLike) -> tuple[float, float]:
    mean, deviation = cv2.meanStdDev(cast(Plane, plane))
    return float(mean[0, 0]), float(deviation[0, 0])


def _sharpness(smooth: Plane) -> float:
    """The upper quartile, over tiles of 20x20, of the power of the Laplacian to that of all detail.

    Of tiles, and of detail without what is wider than 17 pixels: a headlight or an insect before the lamp is
    bright and soft, and makes no camera blurred. Ten levels of noise are added, so that what is plain is not
    sharp.
    """
    fine = cv2.convertScaleAbs(cv2.Laplacian(smooth, cv2.CV_16S))
    detail = cv2.absdiff(smooth, cv2.blur(smooth, (17, 17)))
    powers = [_mean_of_tiles(cv2.integral2(plane)[1], 20) for plane in (fine, detail)]
    ratios = np.sort(powers[0] / (powers[1] + 10.0), axis=None)
    return float(ratios[ratios.size * 3 // 4])


def _mean_of_tiles(integral: npt.NDArray[Any], side: int) -> npt.NDArray[Any]:
    """Means over square tiles, out of sums from the corner on: four times as fast as shrinking."""
    corners = integral[::side, ::side]
    return np.diff(np.diff(corners, axis=0), axis=1) / side**2


def _small_chroma(plane: Plane) -> Plane:
    return cast(Plane, cv2.resize(plane, (80, HEIGHT), interpolation=cv2.INTER_NEAREST))


def _flat_share(middle: Plane) -> float:
    levels = cv2.calcHist([middle], [0], None, [256], [0, 256]).ravel()[INNER_LEVELS]
    return float(np.partition(levels, -CARD_LEVELS)[-CARD_LEVELS:].sum() / middle.size)


def _broken_share(grey: Plane, colours: tuple[Plane, ...]) -> float:
    """The share of rows of one filled-in colour, or that only repeat the row above (a smear)."""
    mean, deviation = _of_rows(grey)
    filled = (deviation < 1.5) & (np.abs(mean - MIDDLE) <= 4)
    green = (deviation < 3) & (len(colours) == 2)
    for plane in colours:
        tint, spread = _of_rows(plane)
        filled &= (np.abs(tint - MIDDLE) <= 4) & (spread < 2)
        green &= (tint < GREEN_CHROMA) & (spread < 3)
    # A smear is uneven along its rows and the same from row to row; a wall or a cloth is neither.
    across = cv2.absdiff(grey[:, 1:], grey[:, :-1])
    uneven = cv2.threshold(across, 0, 1, cv2.THRESH_BINARY)[1]
    smeared = np.zeros(HEIGHT, bool)
    smeared[1:] = _mean_of_rows(cv2.absdiff(grey[1:], grey[:-1])) < 0.3
    smeared &= (_mean_of_rows(across) >= 1) & (_mean_of_rows(uneven) > 0.3)
    return float(np.count_nonzero(filled | green | smeared) / HEIGHT)


def _mean_of_rows(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return cv2.reduce(plane, 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F)[:, 0]


def _of_rows(plane: Plane) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Mean and standard deviation of each row."""
    rows = plane.astype(np.float32)
    mean = _mean_of_rows(plane)
    square = np.einsum("ij,ij->i", rows, rows) / plane.shape[1]
    return mean, np.sqrt(np.maximum(0, square - mean * mean))


def _difference_hash(middle: Plane) -> int:
    cells = cv2.resize(middle, CELLS, interpolation=cv2.INTER_AREA)
    tiny = cv2.resize(cells, (9, 8), interpolation=cv2.INTER_LINEAR)
    return int.from_bytes(np.packbits(tiny[:, 1:] > tiny[:, :-1]).tobytes(), "big")


def _edges(smooth: Plane) -> bytes:
    """The mean strength of upright and of lying edges in each cell, logarithmic, 32 a doubling."""
    strengths = [cv2.convertScaleAbs(gradient) for gradient in cv2.spatialGradient(smooth)]
    cells = np.stack([_mean_of_tiles(cv2.integral(strength), CELL) for strength in strengths])
    return (_EDGE_SCALE * np.log2(1.0 + cells)).clip(0, 255).astype(np.uint8).tobytes()


def edge_strength(edges: bytes) -> npt.NDArray[np.float64]:
    """The map of edges back on a linear scale, shape (2, 15, 40), in grey levels."""
    return np.exp2(np.frombuffer(edges, np.uint8).reshape(2, *CELLS[::-1]) / _EDGE_SCALE) - 1.0
