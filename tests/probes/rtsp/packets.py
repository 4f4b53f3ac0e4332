"""Packs pictures into RTP as cameras do, for tests of the way back."""

import functools
import struct
from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

H264_FU, H264_STAP = 28, 24
H265_FU, H265_AP = 49, 48


def rtp(
    payload: bytes,
    *,
    sequence: int = 0,
    timestamp: int = 0,
    marker: bool = False,
    payload_type: int = 96,
    ssrc: int = 7,
) -> bytes:
    second = payload_type | (0x80 if marker else 0)
    return struct.pack(">BBHII", 0x80, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


def nal_units(annexb: bytes) -> list[bytes]:
    return [nal for piece in annexb.split(b"\0\0\1") if (nal := piece.rstrip(b"\0"))]


def fragments(codec: str, nal: bytes, size: int) -> list[bytes]:
    """One NAL unit as FU-A or FU payloads with ``size`` bytes of it in each."""
    header = 1 if codec == "H264" else 2
    body = nal[header:]
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    payloads = []
    for index, piece in enumerate(pieces):
        flags = (0x80 if index == 0 else 0) | (0x40 if index == len(pieces) - 1 else 0)
        if codec == "H264":
            start = bytes([nal[0] & 0xE0 | H264_FU, flags | nal[0] & 0x1F])
        else:
            start = bytes([nal[0] & 0x81 | H265_FU << 1, nal[1], flags | nal[0] >> 1 & 0x3F])
        payloads.append(start + piece)
    return payloads


def payloads_of(codec: str, annexb: bytes, size: int = 1200, *, aggregate: bool = False) -> list[bytes]:
    """One access unit as RTP payloads; small NAL units together where ``aggregate``."""
    payloads: list[bytes] = []
    small: list[bytes] = []
    for nal in nal_units(annexb):
        if len(nal) <= size and aggregate:
            small.append(nal)
            continue
        if small:
            payloads.append(aggregated(codec, small))
            small = []
        payloads += [nal] if len(nal) <= size else fragments(codec, nal, size)
    if small:
        payloads.append(aggregated(codec, small))
    return payloads


def aggregated(codec: str, nals: Iterable[bytes]) -> bytes:
    start = bytes([0x60 | H264_STAP]) if codec == "H264" else bytes([H265_AP << 1, 1])
    return start + b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)


def stream(
    codec: str,
    units: Iterable[bytes],
    *,
    size: int = 1200,
    first: int = 0,
    ticks: int = 9000,
    aggregate: bool = False,
) -> Iterator[bytes]:
    """Access units as RTP packets, sequence numbers from ``first``, ``ticks`` between pictures."""
    for index, unit in enumerate(units):
        payloads = payloads_of(codec, unit, size, aggregate=aggregate)
        for number, payload in enumerate(payloads):
            last = number == len(payloads) - 1
            yield rtp(payload, sequence=first, timestamp=index * ticks, marker=last)
            first += 1


@functools.cache
def clip(
    codec: str, *, frames: int = 6, gop: int = 3, width: int = 160, height: int = 90, slices: int = 1
) -> tuple[bytes, ...]:
    """Access units (Annex B) of a small moving scene, a keyframe every ``gop`` pictures, no B-frames."""
    name = {"H264": "libx264", "H265": "libx265"}[codec]
    encoder = av.CodecContext.create(name, "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(10), Fraction(1, 10)
    encoder.gop_size = gop
    encoder.max_b_frames = 0
    private = "scenecut=0:repeat-headers=1:bframes=0:log-level=none:pools=1"
    encoder.options = (
        {"x265-params": private}
        if codec == "H265"
        else {"x264-params": f"sliced-threads=0:rc-lookahead=0:sync-lookahead=0:scenecut=0:slices={slices}"}
    )
    units: list[bytes] = []
    for index in range(frames):
        planes = np.full((height * 3 // 2, width), 128, np.uint8)
        planes[:height] = np.random.default_rng(index).integers(0, 256, (height, width), dtype=np.uint8)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = index
        units += [bytes(packet) for packet in encoder.encode(frame)]
    units += [bytes(packet) for packet in encoder.encode(None)]
    return tuple(units)
