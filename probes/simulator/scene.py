"""What a simulated camera sees: a street that moves, and everything that can spoil the sight of it."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
Light = NDArray[np.float32]

NOISES: Final = 7  # patterns of sensor noise, each its own; they take turns
NOISE: Final = 2.0  # grey levels, one sigma
DRIFT: Final = 4.0  # grey levels by which clouds brighten and darken every part of the picture
SEEN_AROUND: Final = 1.6  # how much more there is to see than one picture shows


class Look(StrEnum):
    """How a picture looks."""

    LIVE = "live"
    INFRARED = "infrared"
    BLACK = "black"
    WHITE = "white"
    LOW_CONTRAST = "low_contrast"
    COVERED = "covered"
    BLURRED = "blurred"
    MOVED = "moved"
    FROZEN = "frozen"
    FROZEN_CLOCK = "frozen_clock"
    CORRUPT = "corrupt"
    PLACEHOLDER = "placeholder"


def frames(width: int, height: int, fps: float, count: int, look: Look) -> Iterator[Plane]:
    """``count`` pictures as planar YUV 4:2:0 of full range, one plane above the other.

    Each is uint8 of height * 3 / 2 by width. No two are alike, unless the look says so.
    """
    if look is Look.PLACEHOLDER:
        card = _stacked(*_card(width, height))
        for _ in range(count):
            yield card
        return
    street = _Street(width, height, look)
    for number in range(count):
        at = 0 if look in (Look.FROZEN, Look.FROZEN_CLOCK) else number
        luma, u, v = street.seen(at, at / fps)
        if look is Look.CORRUPT:  # what a decoder makes of references it does not have
            luma[height * 3 // 5 :], u[height * 3 // 10 :], v[height * 3 // 10 :] = 75, 85, 74
        _stamp(luma, (at if look is Look.FROZEN else number) / fps)
        yield _stacked(luma, u, v)


class _Street:
    """Houses under a sky, two things that pass, clouds, and the noise of a sensor."""

    def __init__(self, width: int, height: int, look: Look) -> None:
        random = np.random.default_rng(width * height)
        self._look = look
        ground, u, v = _houses(int(width * SEEN_AROUND), int(height * SEEN_AROUND), random)
        top, left = (int(height * 0.45), int(width * 0.5)) if look is Look.MOVED else (0, 0)
        self._ground = ground[top : top + height, left : left + width]
        self._u = _halved(u[top : top + height, left : left + width])
        self._v = _halved(v[top : top + height, left : left + width])
        strength = 1.5 * NOISE if look is Look.INFRARED else NOISE
        self._noises = [random.normal(0, strength, (height, width)).astype(np.float32) for _ in range(NOISES)]
        self._across = np.arange(width, dtype=np.float32) / width * 5
        self._down = np.arange(height, dtype=np.float32) / height * 3

    def seen(self, number: int, second: float) -> tuple[Plane, Plane, Plane]:
        height, width = self._ground.shape
        # sin(a + b) from its parts: a sine for each row and column, and not for each pixel
        across = self._across + np.float32(1.7 * second)
        clouds = np.outer(np.cos(self._down), np.sin(across)) + np.outer(np.sin(self._down), np.cos(across))
        light = self._ground + DRIFT * clouds
        size = height // 6
        for speed, row, shade in ((0.11, 0.45, 215), (-0.07, 0.7, 30)):
            left = int(second * speed * width) % (width - size)
            light[int(row * height) :][:size, left : left + size] = shade
        light, colour = self._spoilt(light)
        light = light + self._noises[number % NOISES]
        return _plane(light), _plane(128 + colour * self._u), _plane(128 + colour * self._v)

    def _spoilt(self, light: Light) -> tuple[Light, float]:
        """What the lens and the sensor make of the light, and how much colour is left."""
        match self._look:
            case Look.BLACK:
                return np.full_like(light, 2), 0.0
            case Look.WHITE:
                return np.full_like(light, 256), 0.0
            case Look.COVERED:
                return np.full_like(light, 40), 0.1
            case Look.LOW_CONTRAST:
                return 150 + 0.14 * (light - light.mean()), 0.1
            case Look.BLURRED:
                return _blurred(light, max(2, light.shape[0] // 36)), 1.0
            case Look.INFRARED:
                return 15 + 0.45 * light, 0.0
            case _:
                return light, 1.0


def _houses(width: int, height: int, random: np.random.Generator) -> tuple[Light, Light, Light]:
    """Luma and the two differences of colour (around zero) of all there is to see."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    luma = 175 - 70 * rows / height + 8 * np.sin(columns / 17) * np.sin(rows / 11)
    u, v = np.full((height, width), 14, np.float32), np.full((height, width), -10, np.float32)
    for _ in range(40):
        tall, wide = (int(random.uniform(0.08, 0.3) * size) for size in (height, width))
        top, left = int(random.uniform(0, height - tall)), int(random.uniform(0, width - wide))
        wall = np.s_[top : top + tall, left : left + wide]
        luma[wall], u[wall], v[wall] = (
            random.uniform(25, 225),
            random.uniform(-30, 30),
            random.uniform(-30, 30),
        )
        pitch = max(6, height // 40)
        windows = ((rows[wall] - top) % pitch < pitch / 2) & ((columns[wall] - left) % pitch < pitch / 2)
        luma[wall] += np.where(windows, random.uniform(-45, 45), 0)
    return luma.astype(np.float32), u, v


def _blurred(light: Light, radius: int) -> Light:
    """Two box filters, one after the other, are a triangle: nearly a Gaussian."""
    for _ in range(2):
        for axis in (0, 1):
            padding = [(radius + 1, radius) if a == axis else (0, 0) for a in (0, 1)]
            sums = np.cumsum(np.pad(light, padding, mode="edge"), axis=axis)
            span = 2 * radius + 1
            upper = sums[span:, :] if axis == 0 else sums[:, span:]
            lower = sums[:-span, :] if axis == 0 else sums[:, :-span]
            light = np.asarray((upper - lower) / np.float32(span), np.float32)
    return light


def _halved(colour: Light) -> Light:
    return colour[::2, ::2]


def _plane(values: Light) -> Plane:
    rounded: Light = np.clip(values + np.float32(0.5), 0, 255)
    return rounded.astype(np.uint8)


def _stacked(luma: Plane, u: Plane, v: Plane) -> Plane:
    chroma = np.concatenate([u.ravel(), v.ravel()])
    return np.concatenate([luma, chroma.reshape(luma.shape[0] // 2, luma.shape[1])])


# -- letters -----------------------------------------------------------------------------------------------

# Segments a..g of a seven-segment digit as (top, left, bottom, right) in a cell of 9 x 5.
_SEGMENTS: Final = {
    "a": (0, 0, 1, 5), "b": (0, 4, 5, 5), "c": (4, 4, 9, 5), "d": (8, 0, 9, 5),
    "e": (4, 0, 9, 1), "f": (0, 0, 5, 1), "g": (4, 0, 5, 5),
}  # fmt: skip
_DIGITS: Final = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
_LETTERS: Final = {
    "N": ("10001", "11001", "10101", "10011", "10001"), "O": ("01110", "10001", "10001", "10001", "01110"),
    "V": ("10001", "10001", "10001", "01010", "00100"), "I": ("01110", "00100", "00100", "00100", "01110"),
    "D": ("11110", "10001", "10001", "10001", "11110"), "E": ("11111", "10000", "11110", "10000", "11111"),
}  # fmt: skip


def _digit(number: int, scale: int) -> Plane:
    cell = np.zeros((9, 5), np.uint8)
    for segment in _DIGITS[number]:
        top, left, bottom, right = _SEGMENTS[segment]
        cell[top:bottom, left:right] = 255
    return np.kron(cell, np.ones((scale, scale), np.uint8))


def _stamp(luma: Plane, second: float) -> None:
    """Burn mm:ss.t into the upper left corner, white on black, as cameras do."""
    scale = max(1, luma.shape[0] // 180)
    tenths = int(second * 10)
    left = 4 * scale
    for number in (tenths // 6000 % 6, tenths // 600 % 10, tenths // 100 % 6, tenths // 10 % 10, tenths % 10):
        glyph = _digit(number, scale)
        height, width = glyph.shape
        luma[2 * scale : height + 6 * scale, left - 2 * scale : left + width + 2 * scale] = 0
        luma[4 * scale : 4 * scale + height, left : left + width] = glyph
        left += width + 4 * scale


def _card(width: int, height: int) -> tuple[Plane, Plane, Plane]:
    """NO VIDEO in white on blue, as recorders show it for a channel without a camera."""
    luma = np.full((height, width), 41, np.uint8)
    scale = max(1, width // 100)
    left, top = (width - 8 * 6 * scale) // 2, (height - 5 * scale) // 2
    for place, letter in enumerate("NO VIDEO"):
        if letter == " ":
            continue
        cell = np.array([[int(dot) for dot in row] for row in _LETTERS[letter]], np.uint8)
        glyph = np.kron(cell, np.ones((scale, scale), np.uint8))
        at = left + place * 6 * scale
        luma[top : top + 5 * scale, at : at + 5 * scale][glyph > 0] = 235
    half = (height // 2, width // 2)
    return luma, np.full(half, 200, np.uint8), np.full(half, 110, np.uint8)
