"""One keyframe to one picture, with FFmpeg's decoders through PyAV and nothing else of FFmpeg.

No library here owns a socket or a thread. Whether a keyframe is whole is decided before, from RTP:
a decoder draws half a keyframe without complaint (H.265 does not even mark it).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, cast

import av
import av.error
import av.logging
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from probes.errors import DecodeError
from probes.reasons import Reason

MAX_PIXELS: Final = 40_000_000

_DECODERS: Final = {"H264": "h264", "H265": "hevc", "JPEG": "mjpeg"}

# FFmpeg writes to stderr for every bad frame, and its lock has hung processes (hydrus #55).
av.logging.set_level(None)


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: size in pixels and its luma plane, one byte a pixel, shape (height, width)."""

    width: int
    height: int
    pixel_format: str
    luma: npt.NDArray[np.uint8] = field(repr=False, compare=False)


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
    return Picture(frame.width, frame.height, frame.format.name, _luma(frame))


def _luma(frame: VideoFrame) -> npt.NDArray[np.uint8]:
    """The Y plane as a view without a copy; formats that have none of 8 bits are converted."""
    if not frame.format.name.startswith(_PLANAR):
        frame = frame.reformat(format="gray")
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]


_PLANAR: Final = ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "gray", "nv12")
