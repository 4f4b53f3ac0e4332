"""One picture from one keyframe, or from one image file.

Keyframes are decoded by FFmpeg through PyAV, and nothing else of FFmpeg is used: no library here owns a
socket or a thread. Whether a keyframe is whole is decided before, from RTP: a decoder draws half a keyframe
without complaint (H.265 does not even mark it). Images are looked at before they are decoded: a file of
320 kB can claim 900 million pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

import av
import av.error
import av.logging
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange

from probes.errors import DecodeError, ImageError
from probes.opencv import MAX_PIXELS, cv2
from probes.reasons import Reason

Plane: TypeAlias = npt.NDArray[np.uint8]

_DECODERS: Final = {"H264": "h264", "H265": "hevc", "JPEG": "mjpeg"}
_PLANAR: Final = ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p")
_REDUCED: Final = (  # the smallest decoding that still has 320 pixels in a row
    (2560, cv2.IMREAD_REDUCED_COLOR_8),
    (1280, cv2.IMREAD_REDUCED_COLOR_4),
    (640, cv2.IMREAD_REDUCED_COLOR_2),
    (0, cv2.IMREAD_COLOR),
)

# FFmpeg writes to stderr for every bad frame, and its lock has hung processes (hydrus #55).
av.logging.set_level(None)


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: its size in pixels, and its planes, one byte a sample, shape (height, width).

    ``chroma`` is Cb and Cr, empty where there is no colour. Planes may be smaller than the picture. Where not
    ``full_range``, luma goes from 16 to 235 (ITU-R BT.601).
    """

    width: int
    height: int
    luma: Plane = field(repr=False, compare=False)
    chroma: tuple[Plane, ...] = field(default=(), repr=False, compare=False)
    full_range: bool = False


def decode_keyframe(codec: str, data: bytes, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decode one whole keyframe (Annex B with parameter sets, or a JFIF file).

    Raises ``DecodeError``: ``CODEC_UNSUPPORTED``, or ``DECODE_FAILED`` where no picture comes or it
    exceeds ``max_pixels``.
    """
    name = _DECODERS.get(codec)
    if name is None:
        raise DecodeError(Reason.CODEC_UNSUPPORTED, f"codec {codec[:20]}")
    try:
        context = cast(VideoCodecContext, av.CodecContext.create(name, "r"))
        context.thread_count = 1
        # Deblocking is a sixth of the work and shows nothing that is looked for here.
        context.options = {"max_pixels": str(max_pixels), "skip_loop_filter": "all"}
        context.flags |= Flags.output_corrupt  # an intra refresh begins with a picture that is not complete
        frames: Sequence[VideoFrame] = context.decode(av.Packet(data)) or context.decode(None)
    except (av.error.FFmpegError, ValueError, MemoryError) as error:
        raise DecodeError(Reason.DECODE_FAILED, type(error).__name__) from error
    if not frames:
        raise DecodeError(Reason.DECODE_FAILED, "the decoder gave no picture")
    frame = frames[0]
    if not 0 < frame.width * frame.height <= max_pixels:
        raise DecodeError(Reason.DECODE_FAILED, f"{frame.width}x{frame.height} pixels")
    return _picture(frame)


def _picture(frame: VideoFrame) -> Picture:
    """The frame's planes as views without a copy; formats of other than 8 bits are converted."""
    if frame.format.name.startswith("gray"):
        frame = frame if frame.format.name == "gray" else frame.reformat(format="gray")
    elif frame.format.name not in _PLANAR:
        frame = frame.reformat(format="yuv420p")
    luma, *chroma = (
        np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        for plane in frame.planes
    )
    full_range = frame.format.name.startswith("yuvj") or frame.color_range == ColorRange.JPEG
    return Picture(frame.width, frame.height, luma, tuple(chroma), full_range)


def decode_image(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decode a JPEG or PNG file, no larger than is needed to judge it.

    Raises ``ImageError``: ``SNAPSHOT_NOT_IMAGE``, ``SNAPSHOT_TRUNCATED``, or ``SNAPSHOT_TOO_LARGE`` where it
    claims more than ``max_pixels``.
    """
    width, height = image_size(data)
    if not 0 < width * height <= max_pixels:
        raise ImageError(Reason.SNAPSHOT_TOO_LARGE, f"{width}x{height} pixels")
    flag = next(flag for least, flag in _REDUCED if width >= least)
    try:
        colours: npt.NDArray[Any] | None = cv2.imdecode(
            np.frombuffer(data, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION
        )
    except (cv2.error, MemoryError) as error:
        raise ImageError(Reason.SNAPSHOT_NOT_IMAGE, type(error).__name__) from error
    if colours is None:
        raise ImageError(Reason.SNAPSHOT_NOT_IMAGE, "the decoder gave no picture")
    luma, red, blue = cv2.split(cv2.cvtColor(colours, cv2.COLOR_BGR2YCrCb))
    planes = [cast(Plane, plane) for plane in (luma, blue, red)]
    return Picture(width, height, planes[0], tuple(planes[1:]), full_range=True)


# --- what a file says of itself -----------------------------------------------------------------------------

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_SOI, _EOI, _SOS = b"\xff\xd8", b"\xff\xd9", 0xDA
# Start of frame; C4, C8 and CC between them are tables and an extension (ITU-T T.81, table B.1).
_SOF: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length


def image_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels as a JPEG (ITU-T T.81, annex B) or PNG file claims them; nothing is decoded.

    The first bytes decide, not what HTTP says of them. Raises ``ImageError``: ``SNAPSHOT_NOT_IMAGE``, or
    ``SNAPSHOT_TRUNCATED`` where the end is missing.
    """
    if data.startswith(_SOI):
        return _jpeg_size(data)
    if data.startswith(_PNG):
        if data[-8:-4] != b"IEND":
            raise ImageError(Reason.SNAPSHOT_TRUNCATED, "a PNG without its end")
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    raise ImageError(Reason.SNAPSHOT_NOT_IMAGE, f"{len(data)} bytes that begin with {data[:4].hex()}")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    size = None
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise ImageError(Reason.SNAPSHOT_NOT_IMAGE, "a JPEG whose segments do not follow each other")
        marker = data[at + 1]
        if marker == 0xFF or marker in _BARE:  # fill bytes (B.1.1.2)
            at += 1 if marker == 0xFF else 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _SOF and at + 9 <= len(data):
            height, width = (int.from_bytes(data[i : i + 2], "big") for i in (at + 5, at + 7))
            size = width, height
        if marker == _SOS and size is not None:
            # Inside of coded data FF is always followed by 00 or a restart: what is found is the end. Some
            # cameras pad behind it.
            if data.rfind(_EOI) < at:
                raise ImageError(Reason.SNAPSHOT_TRUNCATED, f"a JPEG of {len(data)} bytes without its end")
            return size
        if length < 2 or marker in (_SOS, _EOI[1]):
            raise ImageError(Reason.SNAPSHOT_NOT_IMAGE, "a JPEG without a picture")
        at += 2 + length
    raise ImageError(Reason.SNAPSHOT_TRUNCATED, f"a JPEG that ends after {len(data)} bytes, in its head")
