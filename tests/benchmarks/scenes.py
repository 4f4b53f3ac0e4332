"""Streets that do not exist, as cameras would show them: by day, at dusk, under infrared, and with faults.

Every frame comes from a seed, so that a figure can be had again. Frames are 640x360 JPEG files, of quality
30 to 90, with a clock drawn into a corner. Nothing here shows a place or a person.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from probes.opencv import cv2
from probes.reasons import Reason

WIDTH: Final = 640
HEIGHT: Final = 360
MARGIN: Final = (320, 200)  # around the view: what a camera sees when it is turned

Canvas: TypeAlias = npt.NDArray[np.float32]  # BGR, 0..255
Frame: TypeAlias = npt.NDArray[np.uint8]
Random: TypeAlias = np.random.Generator

LIGHTS: Final = ("day", "dusk", "infrared")
CLEAN: Final = ("day", "dusk", "infrared", "rain", "rain at night", "headlights", "insects", "haze", "PTZ")
FAULTS: Final = {
    "black": Reason.PICTURE_BLACK,
    "white": Reason.PICTURE_WHITE,
    "low contrast": Reason.PICTURE_LOW_CONTRAST,
    "covered": Reason.PICTURE_COVERED,
    "blurred": Reason.PICTURE_BLURRED,
    "moved": Reason.PICTURE_MOVED,
    "frozen": Reason.PICTURE_FROZEN,
    "corrupt": Reason.PICTURE_CORRUPT,
    "placeholder": Reason.PLACEHOLDER_PICTURE,
}


@dataclass(frozen=True, slots=True)
class Scene:
    """A street, wider and higher than the view."""

    number: int
    street: Canvas
    clock_at: tuple[int, int]
    dim: float  # how much light its lamps give at night

    def clean(self, light: str, random: Random) -> Frame:
        """One live frame in one of ``CLEAN`` lights and weathers."""
        return self._lit(light, _view(self.street), random)

    def learning(self, mode: str, random: Random) -> bytes:
        """One of the frames of the days in which a baseline is learned."""
        lights = ("day", "day", "dusk", "rain", "haze") if mode == "colour" else ("infrared", "insects")
        return self.file(self.clean(str(random.choice(lights)), random), random)

    def file(self, frame: Frame, random: Random) -> bytes:
        """The frame with a clock, as a JPEG file."""
        return jpeg(self.with_clock(frame, random), int(random.integers(30, 91)))

    def with_clock(self, frame: Frame, random: Random) -> Frame:
        hour, minute, second = random.integers((24, 60, 60))
        text = f"2026-11-22 {hour:02}:{minute:02}:{second:02}"
        frame = frame.copy()
        for colour, thickness in ((0, 3), (255, 1)):
            cv2.putText(frame, text, self.clock_at, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (colour,) * 3, thickness)
        return frame

    def faulty(self, fault: str, light: str, random: Random, frames: int) -> Iterator[bytes]:
        """A series of files, as one fault makes them; ``light`` is one of ``LIGHTS``."""
        if fault == "frozen":
            yield from self._frozen(light, random, frames)
            return
        kind = int(random.integers(3))
        turned = _turned(self.street, random)
        strength = random.uniform(0.0, 1.0)
        for _ in range(frames):
            if fault == "moved":
                frame = self._lit(light, turned, random)
            elif fault == "placeholder":
                frame = _card(kind, self.number)
            else:
                frame = _SPOILING[fault](self.clean(light, random), kind, strength, random)
            yield self.file(frame, random)

    def _frozen(self, light: str, random: Random, frames: int) -> Iterator[bytes]:
        """The grabber stands still: a file again and again, or a clock that ticks over one picture."""
        frame = self.clean(light, random)
        quality = int(random.integers(30, 91))
        if random.random() < 0.5:
            yield from [jpeg(self.with_clock(frame, random), quality)] * frames
        else:
            for _ in range(frames):
                yield jpeg(self.with_clock(frame, random), quality)

    def _lit(self, light: str, view: Canvas, random: Random) -> Frame:
        grey = light in ("infrared", "insects", "rain at night") or (
            light == "headlights" and self.number % 2 == 1
        )
        picture = _passers_by(view.copy(), random)
        if light in ("day", "rain", "haze", "PTZ"):
            picture *= random.uniform(0.75, 1.1) * _shade(random, 0.2)
            noise = random.uniform(1.0, 3.0)
        elif grey:
            picture[:] = picture.mean(axis=2, keepdims=True)
            picture *= random.uniform(0.45, 0.75) * _lamp()
            noise = random.uniform(4.0, 10.0)
        else:
            picture *= np.array((0.3, 0.42, 0.55), np.float32) * random.uniform(0.8, 1.2) * self.dim
            picture *= _shade(random, 0.3)
            noise = random.uniform(3.0, 6.0)
        if light == "haze":
            picture = picture * 0.55 + 90
        if light.startswith("rain"):
            _rain(picture, random)
        if light == "headlights":
            _blobs(picture, random, 2, (30, 70), 260)
        if light == "insects":
            _blobs(picture, random, int(random.integers(1, 4)), (15, 60), 170)
        picture += noise * _noise(random, grey)
        return np.clip(picture, 0, 255).astype(np.uint8)


def scene(number: int) -> Scene:
    """The street of this number: sky, houses with windows, trees, a road, poles and signs."""
    random = np.random.default_rng(number)
    width, height = WIDTH + 2 * MARGIN[0], HEIGHT + 2 * MARGIN[1]
    street = np.empty((height, width, 3), np.float32)
    horizon = int(height * random.uniform(0.4, 0.55))
    sky = np.linspace(210, 180, horizon, dtype=np.float32)[:, None, None]
    street[:horizon] = sky * np.array((1.0, 0.93, 0.86), np.float32)
    street[horizon:] = np.linspace(95, 130, height - horizon, dtype=np.float32)[:, None, None]
    street[horizon:] += 12 * _texture(random, (height - horizon, width), 6)[..., None]
    left = 0
    while left < width:
        wide = int(random.integers(60, 200))
        if random.random() < 0.75:
            _house(street, left, wide, horizon, random)
        else:
            _tree(street, left, wide, horizon, random)
        left += wide
    middle = int(width * random.uniform(0.3, 0.7))
    corners = [(middle - 30, horizon), (middle + 30, horizon), (middle + 420, height), (middle - 420, height)]
    cv2.fillPoly(street, [np.array(corners, np.int32)], (85.0, 88.0, 90.0))
    for y in range(horizon + 10, height, 40):
        near = (y - horizon) / (height - horizon)
        cv2.line(street, (middle, y), (middle, y + int(6 + 20 * near)), (215.0,) * 3, 1 + int(6 * near))
    for _ in range(int(random.integers(4, 10))):
        x, foot = int(random.integers(width)), int(random.integers(horizon, height))
        shade = float(random.uniform(20, 70))
        cv2.line(street, (x, foot), (x, foot - int(random.integers(80, 260))), (shade,) * 3, 5)
    for _ in range(int(random.integers(3, 9))):
        x, y = int(random.integers(width)), int(random.integers(horizon - 80, horizon + 120))
        colour = tuple(float(c) for c in random.uniform(20, 240, 3))
        cv2.rectangle(
            street, (x, y), (x + int(random.integers(14, 60)), y + int(random.integers(10, 40))), colour, -1
        )
    street += 4 * _texture(random, (height, width), 2)[..., None]
    clock_at = (8, 18) if random.random() < 0.7 else (WIDTH - 190, HEIGHT - 10)
    return Scene(number, np.clip(street, 0, 255), clock_at, dim=float(random.uniform(0.8, 1.5)))


def jpeg(frame: Frame, quality: int) -> bytes:
    return bytes(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


# --- what stands in a street --------------------------------------------------------------------------------


def _house(street: Canvas, left: int, wide: int, horizon: int, random: Random) -> None:
    top = horizon - int(random.integers(40, 220))
    colour = (random.uniform(70, 220) * random.uniform(0.75, 1.0, 3)).astype(np.float32)
    bottom = horizon + int(random.integers(5, 40))
    street[top:bottom, left : left + wide] = colour
    step = int(random.integers(18, 36))
    glass = float(random.uniform(25, 80))
    for y in range(top + 8, bottom - step // 2, step):
        for x in range(left + 6, left + wide - step // 2, step):
            street[y : y + step // 2, x : x + step // 2] = glass * random.uniform(0.7, 1.6)


def _tree(street: Canvas, left: int, wide: int, horizon: int, random: Random) -> None:
    tall = int(random.integers(60, 200))
    part = street[horizon - tall : horizon + 20, left : left + wide]
    leaves = 70 + 38 * _texture(random, (part.shape[0], part.shape[1]), 3)
    rows, columns = np.mgrid[-1 : 1 : part.shape[0] * 1j, -1 : 1 : part.shape[1] * 1j]
    inside = rows**2 + columns**2 < 1
    part[inside] = (leaves[..., None] * np.array((0.6, 1.0, 0.7), np.float32))[inside]


def _texture(random: Random, shape: tuple[int, int], grain: int) -> Canvas:
    """Uneven ground of two sizes, mean 0, deviation about 1."""
    fine, coarse = (
        cv2.resize(
            random.normal(0, 1, (shape[0] // g + 1, shape[1] // g + 1)).astype(np.float32), shape[::-1]
        )
        for g in (grain, 8 * grain)
    )
    return np.asarray(0.7 * fine + 0.7 * coarse, np.float32)


def _view(street: Canvas, right: float = 0, down: float = 0) -> Canvas:
    left, top = MARGIN[0] + int(right), MARGIN[1] + int(down)
    return street[top : top + HEIGHT, left : left + WIDTH]


def _turned(street: Canvas, random: Random) -> Canvas:
    """A camera that was pushed: by a quarter of the picture or more, or tilted by 12 degrees or more."""
    side = 1 if random.random() < 0.5 else -1
    kind = random.integers(3)
    if kind == 0:
        return _view(street, right=side * random.uniform(0.25, 0.5) * WIDTH)
    if kind == 1:
        return _view(street, down=side * random.uniform(0.3, 0.5) * HEIGHT)
    centre = (street.shape[1] / 2, street.shape[0] / 2)
    turn = cv2.getRotationMatrix2D(centre, side * random.uniform(12, 40), 1.0)
    return _view(np.asarray(cv2.warpAffine(street, turn, street.shape[1::-1]), np.float32))


# --- what passes by, and weather ----------------------------------------------------------------------------


def _passers_by(picture: Canvas, random: Random) -> Canvas:
    for _ in range(int(random.integers(0, 5))):
        x, y = int(random.integers(WIDTH)), int(random.integers(HEIGHT // 2, HEIGHT))
        tall = int(random.integers(15, 90))
        wide = int(tall * random.uniform(0.4, 2.2))
        picture[y - tall : y, x : x + wide] = random.uniform(20, 230, 3).astype(np.float32)
    return picture


def _shade(random: Random, depth: float) -> Canvas:
    """Where clouds and houses throw their shadow at this hour."""
    coarse = random.uniform(1 - depth, 1 + depth, (4, 6)).astype(np.float32)
    return np.asarray(
        cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)[..., None], np.float32
    )


@cache
def _lamp() -> Canvas:
    """Infrared lamps light the middle."""
    rows, columns = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    return np.asarray(np.exp(-0.9 * (rows**2 + columns**2))[..., None], np.float32)


@cache
def _grain() -> Canvas:
    random = np.random.default_rng(1)
    noise = random.normal(0, 1, (HEIGHT * 2, WIDTH * 2, 3)).astype(np.float32)
    return noise


def _noise(random: Random, grey: bool) -> Canvas:
    top, left = random.integers((HEIGHT, WIDTH))
    noise = _grain()[top : top + HEIGHT, left : left + WIDTH]
    return noise[..., :1] if grey else noise


def _rain(picture: Canvas, random: Random) -> None:
    for _ in range(int(random.integers(60, 250))):
        x, y = (int(v) for v in random.integers((WIDTH, HEIGHT)))
        long = int(random.integers(8, 30))
        shade = float(min(255.0, picture[y, x].mean() + 45))
        cv2.line(picture, (x, y), (x + long // 5, y + long), (shade,) * 3, 1)


def _blobs(picture: Canvas, random: Random, count: int, size: tuple[int, int], light: float) -> None:
    """Glowing spots: headlights, insects before the infrared lamp."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    for _ in range(count):
        x, y = random.integers((WIDTH, HEIGHT))
        radius = random.uniform(*size)
        picture += (light * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * (radius / 2) ** 2)))[
            ..., None
        ]


# --- what goes wrong ----------------------------------------------------------------------------------------

Spoil: TypeAlias = Callable[[Frame, int, float, Random], Frame]


def _black(frame: Frame, kind: int, strength: float, random: Random) -> Frame:
    return _level(2 + 5 * strength, (0.5, 1.0, 2.0)[kind], random)


def _white(frame: Frame, kind: int, strength: float, random: Random) -> Frame:
    return _level(250 + 4 * strength, (0.5, 1.0, 2.0)[kind], random)


def _level(light: float, noise: float, random: Random) -> Frame:
    plain = np.full((HEIGHT, WIDTH, 3), light, np.float32) + noise * _noise(random, grey=True)
    return np.clip(plain, 0, 255).astype(np.uint8)


def _low_contrast(frame: Frame, kind: int, strength: float, random: Random) -> Frame:
    """Fog, or a dome that has gone blind."""
    contrast = 6.8 + 2.2 * strength
    small = cv2.resize(frame[60:300], (320, 120), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    faded = (
        (frame.astype(np.float32) - grey.mean()) * (contrast / max(1.0, float(grey.std()))) + 90 + 30 * kind
    )
    return np.asarray(faded.clip(0, 255), np.uint8)


def _covered(frame: Frame, kind: int, strength: float, random: Random) -> Frame:
    """A cap; a cloth or a hand before the lens; a bag through which light comes."""
    if kind == 0:
        return _level(16 + 60 * strength, 1 + 2 * strength, random)
    folds = np.random.default_rng(int(1000 * strength)).uniform(-1, 1, (3, 4)).astype(np.float32)
    cloth = cv2.resize(folds, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)[..., None]
    covered = 70 + 40 * strength + 25 * cloth + 2 * _noise(random, grey=True)
    if kind == 2:
        covered = 0.85 * covered + 0.15 * cv2.GaussianBlur(frame, (0, 0), 30).astype(np.float32)
    return np.clip(np.broadcast_to(covered, frame.shape), 0, 255).astype(np.uint8)


def _blurred(frame: Frame, kind: int, strength: float, random: Random) -> Frame:
    """Out of focus; what the sensor adds stays sharp."""
    soft = cv2.GaussianBlur(frame, (0, 0), 4 + 6 * strength).astype(np.float32)
    soft += (1.5, 3.0, 6.0)[kind] * _noise(random, grey=False).mean(axis=2, keepdims=True)
    return np.clip(soft, 0, 255).astype(np.uint8)


def _corrupt(frame: Frame, kind: int, strength: float, random: Random) -> Frame:
    """Nothing more comes from a row on: green, grey, or the last row smeared downwards."""
    broken = frame.copy()
    row = int(HEIGHT * (0.68 - 0.5 * strength))
    broken[row:] = ((0, 135, 0), (128, 128, 128), frame[row - 1])[kind]
    return broken


def _card(kind: int, number: int) -> Frame:
    """What recorders show for a channel without a camera."""
    card = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    if kind == 0:
        card[:] = ((160, 60, 20), (110, 110, 110), (90, 90, 40))[number % 3]
        text = ("NO VIDEO", "NO SIGNAL", "Khong co hinh")[number % 3]
        cv2.putText(card, text, (150, 200), cv2.FONT_HERSHEY_SIMPLEX, 2, (255, 255, 255), 4)
    elif kind == 1:
        card[:] = (200, 90 + number % 60, 20)
    else:
        bars = ((180, 180, 180), (30, 190, 190), (190, 190, 30), (30, 180, 30), (180, 40, 180), (60, 60, 200))
        for place, colour in enumerate(bars):
            card[:, place * WIDTH // 6 : (place + 1) * WIDTH // 6] = colour
    return card


_SPOILING: Final[dict[str, Spoil]] = {
    "black": _black,
    "white": _white,
    "low contrast": _low_contrast,
    "covered": _covered,
    "blurred": _blurred,
    "corrupt": _corrupt,
}
