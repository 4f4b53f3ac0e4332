"""Snapshots: JPEG files of the scene, made once for all cameras, and the ways in which they come spoilt."""

from functools import cache
from typing import Final

from probes.simulator.clips import encoded, jpeg_encoder
from probes.simulator.scene import Look, frames

PICTURES: Final = 7  # of each kind; they take turns
EVERY_S: Final = 1.7  # between two of them, in the scene
BOMB_BYTES: Final = 320_000
BOMB_SIZE: Final = 30_000  # pixels, either way (F083)
STANDING_STILL: Final = frozenset({Look.FROZEN, Look.PLACEHOLDER})


@cache
def pictures(width: int, height: int, look: Look) -> tuple[bytes, ...]:
    """JPEG files of one look: no two alike, or a single one where the camera shows the same for ever."""
    count = 1 if look in STANDING_STILL else PICTURES
    return tuple(encoded(jpeg_encoder(width, height), frames(width, height, 1 / EVERY_S, count, look)))


def truncated(jpeg: bytes) -> bytes:
    return jpeg[: len(jpeg) // 2]


def corrupted(jpeg: bytes) -> bytes:
    """A stretch in the middle of the scan is zero; beginning, end and length are right."""
    middle, length = len(jpeg) // 2, len(jpeg) // 10
    return jpeg[:middle] + bytes(length) + jpeg[middle + length :]


@cache
def bomb(jpeg: bytes) -> bytes:
    """The same file with a frame header of 30000 x 30000 pixels (ITU-T T.81, B.2.2), grown to 320 kB."""
    at = 2
    while not (jpeg[at] == 0xFF and jpeg[at + 1] in (0xC0, 0xC1, 0xC2)):
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    size = BOMB_SIZE.to_bytes(2, "big") * 2
    patched = jpeg[: at + 5] + size + jpeg[at + 9 :]
    return patched + bytes(max(0, BOMB_BYTES - len(patched)))
