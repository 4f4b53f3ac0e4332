"""What depacketising a stream is for: one whole keyframe."""

from dataclasses import dataclass, field
from typing import Final

MAX_ACCESS_UNIT_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Keyframe:
    """One whole intra-coded picture, ready for a decoder.

    ``codec`` is ``H264``, ``H265`` or ``JPEG``. ``data`` is Annex B with the parameter sets in front,
    or a JFIF file. ``timestamp`` is its RTP time; width and height are in pixels, cropping applied.
    """

    codec: str
    data: bytes = field(repr=False)
    timestamp: int = 0
    width: int | None = None
    height: int | None = None
