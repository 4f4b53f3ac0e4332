"""One keyframe as a person may look at it: decoded here and drawn anew, no byte of a camera goes on."""

from typing import Final, cast

import numpy as np

from probes.decode import Picture, Plane, decode_keyframe
from probes.errors import DecodeError
from probes.opencv import cv2
from probes.reasons import Reason

WIDTH: Final = 960  # pixels at most
QUALITY: Final = 80


def draw_keyframe(codec: str, data: bytes) -> bytes:
    """A JPEG of at most ``WIDTH`` pixels in a row; for a worker. Raises ``DecodeError``."""
    picture = decode_keyframe(codec, data)
    size = _size(picture)
    planes = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in _full_range(picture)]
    if len(planes) == 3:
        luma, blue, red = planes
        drawn = cv2.cvtColor(cv2.merge((luma, red, blue)), cv2.COLOR_YCrCb2BGR)
    else:
        drawn = planes[0]
    done, jpeg = cv2.imencode(".jpg", drawn, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
    if not done:
        raise DecodeError(Reason.DECODE_FAILED, "the picture could not be drawn")
    return jpeg.tobytes()


def _size(picture: Picture) -> tuple[int, int]:
    width = min(WIDTH, picture.width)
    return width, max(1, round(picture.height * width / picture.width))


def _full_range(picture: Picture) -> list[Plane]:
    """Luma and chroma from 0 to 255: most streams leave room at both ends (ITU-R BT.601)."""
    planes = [picture.luma, *picture.chroma]
    if picture.full_range:
        return planes
    luma = (picture.luma.astype(np.float32) - 16) * (255 / 219)
    chroma = [(plane.astype(np.float32) - 128) * (255 / 224) + 128 for plane in picture.chroma]
    return [cast(Plane, np.clip(plane, 0, 255).astype(np.uint8)) for plane in (luma, *chroma)]
