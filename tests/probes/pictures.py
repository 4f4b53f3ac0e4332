"""Small pictures for tests: a street of blocks with the noise of a sensor, and what can be done to it."""

from typing import cast

import numpy as np

from probes.decode import Plane
from probes.opencv import cv2
from probes.sight import Glance, glance_at_image


def street(seed: int = 1, *, noise: float = 2.0, grey: bool = False, live: int = 0) -> Plane:
    """640x360 BGR; ``live`` tells frames of one street apart."""
    random = np.random.default_rng(seed)
    picture = np.full((360, 640, 3), 150.0, np.float32)
    for _ in range(60):
        x, y, wide, tall = random.integers((0, 0, 20, 20), (600, 330, 120, 90))
        picture[y : y + tall, x : x + wide] = random.uniform(20, 230, 3)
    if grey:
        picture[:] = picture.mean(axis=2, keepdims=True)
    grain = np.random.default_rng((seed, live)).normal(0, noise, (360, 640, 1))
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def plain(level: float, noise: float = 1.0, live: int = 0) -> Plane:
    grain = np.random.default_rng(live).normal(0, noise, (360, 640, 1))
    return np.clip(np.full((360, 640, 3), level) + grain, 0, 255).astype(np.uint8)


def jpeg(picture: Plane, quality: int = 85) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def png(picture: Plane) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def with_clock(picture: Plane, text: str) -> Plane:
    """White writing on black in the upper left corner."""
    picture = picture.copy()
    picture[4:26, 4:230] = 0
    cv2.putText(picture, text, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1)
    return picture


def blurred(picture: Plane, deviation: float = 6.0) -> Plane:
    return cast(Plane, cv2.GaussianBlur(picture, (0, 0), deviation))


def glance(picture: Plane, quality: int = 85) -> Glance:
    return glance_at_image(jpeg(picture, quality))
