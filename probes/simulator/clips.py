"""Moving scenes, encoded at start and cut into RTP payloads once, for all cameras to share."""

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from functools import cache
from typing import Final

import av
import numpy as np

from probes.simulator.faults import InvalidSpec
from probes.simulator.scene import Look, Plane, frames

MAX_PAYLOAD: Final = 1400  # bytes of one RTP payload: below the MTU of a tunnelled Ethernet
MIN_CLIP_S: Final = 11.0  # a loop of one keyframe would be a frozen picture
MIN_SPOILT_S: Final = 5.0  # enough of what is wrong: encoders are the time it takes to start
MIN_GROUPS: Final = 3  # so that three looks at a camera are never at the same keyframe
MAX_SMART_FPS: Final = 3  # of streams with a long time between keyframes, as "smart" codecs have
DYNAMIC_TYPE: Final = 96
JPEG_TYPE: Final = 26  # RFC 3551, table 5
FULL_RANGE: Final = 2  # AVCOL_RANGE_JPEG
CLOCK_HZ: Final = 90_000  # RFC 6184, 8.2.1 and RFC 7798, 7.1


class Codec(StrEnum):
    H264 = "h264"
    H265 = "h265"
    MJPEG = "mjpeg"  # every frame is a keyframe


@dataclass(frozen=True, slots=True)
class ClipSpec:
    """What a clip shows and how; ``gop_s`` is the time between keyframes in seconds.

    Raises :class:`InvalidSpec`.
    """

    codec: Codec = Codec.H264
    width: int = 640
    height: int = 360
    fps: int = 10
    gop_s: float = 1.0
    look: Look = Look.LIVE

    def __post_init__(self) -> None:
        for key, size in (("width", self.width), ("height", self.height)):
            if not 64 <= size <= 3840 or size % 2:
                raise InvalidSpec(key, f"must be even and 64..3840, got {size}")
        if not 1 <= self.fps <= 60:
            raise InvalidSpec("fps", f"must be 1..60, got {self.fps}")
        if not 0.1 <= self.gop_s <= 60:
            raise InvalidSpec("gop_s", f"must be 0.1..60, got {self.gop_s:g}")
        for key, size in (("width", self.width), ("height", self.height)):
            if self.codec is Codec.MJPEG and (size % 8 or size > 2040):  # RFC 2435, 3.1.5
                raise InvalidSpec(key, f"of mjpeg must be a multiple of 8 up to 2040, got {size}")

    def with_gop(self, gop_s: float) -> "ClipSpec":
        return replace(self, gop_s=gop_s, fps=min(self.fps, MAX_SMART_FPS))

    @property
    def gop_frames(self) -> int:
        return 1 if self.codec is Codec.MJPEG else max(1, round(self.gop_s * self.fps))

    @property
    def frames(self) -> int:
        """Whole groups of pictures: the clip is played in a loop."""
        return self.groups * self.gop_frames

    @property
    def groups(self) -> int:
        seconds = MIN_CLIP_S if self.look in (Look.LIVE, Look.INFRARED) else MIN_SPOILT_S
        return max(MIN_GROUPS, -(-round(seconds * self.fps) // self.gop_frames))


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One frame as RTP payloads (RFC 6184, 7798, 2435), in sending order; ``None`` is a lost packet."""

    payloads: tuple[bytes | None, ...]
    keyframe: bool


@dataclass(frozen=True, slots=True)
class Clip:
    """An encoded scene; ``media`` is its part of an SDP, without the control attribute."""

    spec: ClipSpec
    units: tuple[AccessUnit, ...]
    media: tuple[str, ...]
    payload_type: int = DYNAMIC_TYPE

    @property
    def ticks(self) -> int:
        """RTP clock ticks between two frames."""
        return CLOCK_HZ // self.spec.fps


@cache
def make_clip(spec: ClipSpec) -> Clip:
    """Encode the scene (0.2-0.8 s at 640x360); the same spec is encoded once per process."""
    if spec.codec is Codec.MJPEG:
        pictures = tuple(
            AccessUnit(tuple(_jpeg_payloads(frame, spec)), keyframe=True) for frame in _encoded(spec)
        )
        return Clip(spec, pictures, (f"m=video 0 RTP/AVP {JPEG_TYPE}", f"a=framerate:{spec.fps}"), JPEG_TYPE)
    units_of = [_nal_units(frame) for frame in _encoded(spec)]
    units = tuple(
        AccessUnit(tuple(_payloads(frame, spec.codec)), keyframe=number % spec.gop_frames == 0)
        for number, frame in enumerate(units_of)
    )
    return Clip(spec, units, _media(spec, units_of[0]))


@cache
def truncated(clip: Clip) -> Clip:
    """The same clip with the second half of each keyframe's packets lost."""
    return replace(clip, units=tuple(_cut(unit) if unit.keyframe else unit for unit in clip.units))


@cache
def undecodable(clip: Clip) -> Clip:
    """The same clip with keyframes in good order whose slices hold nothing a decoder can read."""
    units = tuple(_spoilt(unit, clip.spec.codec) if unit.keyframe else unit for unit in clip.units)
    return replace(clip, units=units)


def _cut(unit: AccessUnit) -> AccessUnit:
    whole = unit.payloads
    keep = max(1, len(whole) // 2)
    return replace(unit, payloads=whole[:keep] + (None,) * (len(whole) - keep))


# -- encoding ----------------------------------------------------------------------------------------------


def _encoded(spec: ClipSpec) -> list[bytes]:
    """One access unit each: Annex B with parameter sets in every keyframe and no B-frames, or a JPEG file."""
    scene = frames(spec.width, spec.height, spec.fps, spec.frames, spec.look)
    packets = encoded(_encoder(spec), scene if spec.codec is Codec.MJPEG else map(_limited, scene))
    assert len(packets) == spec.frames
    return packets


# From full range to that of video, 16..235 and 16..240 (BT.601), which decoders assume.
_LUMA: Final = np.rint(16 + np.arange(256) * (219 / 255)).astype(np.uint8)
_CHROMA: Final = np.rint(128 + (np.arange(256) - 128) * (224 / 255)).astype(np.uint8)


def _limited(planes: Plane) -> Plane:
    height = planes.shape[0] * 2 // 3
    return np.concatenate([_LUMA[planes[:height]], _CHROMA[planes[height:]]])


def _encoder(spec: ClipSpec) -> av.VideoCodecContext:
    if spec.codec is Codec.MJPEG:
        return jpeg_encoder(spec.width, spec.height, spec.fps)
    group = spec.gop_frames
    common = f"keyint={group}:min-keyint={group}:scenecut=0:bframes=0:repeat-headers=1:annexb=1:open-gop=0"
    if spec.codec is Codec.H264:
        # CABAC and deblocking, which ultrafast leaves out: cameras have them, and decoding costs more.
        options = {
            "x264-params": f"{common}:slices=1:sliced-threads=0:cabac=1:deblock=0,0",
            "tune": "zerolatency",
        }
    else:
        options = {"x265-params": f"{common}:log-level=none:info=0:rc-lookahead=0"}
    # At a constant quantiser what stands still is the same in every keyframe, to the bit.
    still = spec.look in (Look.FROZEN, Look.FROZEN_CLOCK)
    options |= {"preset": "ultrafast", "qp" if still else "crf": "24"}
    name = "libx264" if spec.codec is Codec.H264 else "libx265"
    return _opened(name, spec.width, spec.height, spec.fps, options)


def jpeg_encoder(width: int, height: int, fps: int = 1) -> av.VideoCodecContext:
    """Makes JPEG files of full range with the default Huffman tables, the only ones RFC 2435 knows."""
    options = {"huffman": "default", "qmin": "6", "qmax": "6"}
    encoder = _opened("mjpeg", width, height, fps, options, color_range=FULL_RANGE)
    encoder.thread_count = 1  # several write restart markers, which type 1 of RFC 2435 does not have
    return encoder


def _opened(
    name: str, width: int, height: int, fps: int, options: dict[str, str], *, color_range: int | None = None
) -> av.VideoCodecContext:
    encoder = av.CodecContext.create(name, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(fps), Fraction(1, fps)
    if color_range is not None:
        encoder.color_range = color_range
    encoder.options = options
    return encoder


def encoded(encoder: av.VideoCodecContext, pictures: Iterable[Plane]) -> list[bytes]:
    """One packet for each picture."""
    packets = list[bytes]()
    for number, planes in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = number
        packets += (bytes(packet) for packet in encoder.encode(frame))
    return packets + [bytes(packet) for packet in encoder.encode(None)]


def _nal_units(annex_b: bytes) -> list[bytes]:
    return [unit.rstrip(b"\0") for unit in annex_b.split(b"\0\0\1") if unit.strip(b"\0")]


def _nal_type(nal: bytes, codec: Codec) -> int:
    return nal[0] & 0x1F if codec is Codec.H264 else nal[0] >> 1 & 0x3F


def _payloads(frame: list[bytes], codec: Codec) -> Iterator[bytes]:
    """Single NAL unit packets and fragmentation units (RFC 6184, 5.6 and 5.8; RFC 7798, 4.4.1 and 4.4.3)."""
    for nal in frame:
        if len(nal) <= MAX_PAYLOAD:
            yield nal
            continue
        if codec is Codec.H264:
            indicator, kind, body = bytes([nal[0] & 0xE0 | 28]), nal[0] & 0x1F, nal[1:]
        else:
            indicator, kind, body = bytes([nal[0] & 0x81 | 49 << 1, nal[1]]), nal[0] >> 1 & 0x3F, nal[2:]
        room = MAX_PAYLOAD - len(indicator) - 1
        for at in range(0, len(body), room):
            first, last = at == 0, at + room >= len(body)
            yield indicator + bytes([first << 7 | last << 6 | kind]) + body[at : at + room]


def _jpeg_payloads(frame: bytes, spec: ClipSpec) -> Iterator[bytes]:
    """RFC 2435, 3.1: type 1 (4:2:0), Q 255, the quantisation tables in the first packet."""
    tables, at = b"", 2
    while frame[at + 1] != 0xDA:  # up to the start of scan
        end = at + 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
        if frame[at + 1] == 0xDB:
            segment = frame[at + 4 : end]
            tables += b"".join(segment[i + 1 : i + 65] for i in range(0, len(segment), 65))
        at = end
    scan = frame[at + 2 + int.from_bytes(frame[at + 2 : at + 4], "big") :].removesuffix(b"\xff\xd9")
    tables = tables if len(tables) == 128 else tables * 2  # one table may serve luma and chroma
    quantisation, offset = bytes([0, 0, 0, 128]) + tables, 0
    while offset < len(scan):
        header = offset.to_bytes(4, "big") + bytes([1, 255, spec.width // 8, spec.height // 8])
        head = header + (b"" if offset else quantisation)
        part = scan[offset : offset + MAX_PAYLOAD - len(head)]
        yield head + part
        offset += len(part)


# The first byte of an intra slice of a picture's first block (H.264: first_mb_in_slice 0, slice_type 7;
# H.265: first_slice_segment_in_pic_flag); in both the number of the picture parameter set comes next.
_SLICE_HEAD: Final = {Codec.H264: b"\x88", Codec.H265: b"\x80"}


def _spoilt(unit: AccessUnit, codec: Codec) -> AccessUnit:
    """Overwrite the slices; parameter sets, the framing and the first byte of the slice header stay sound.

    0x01 bytes in the place of the rest name a parameter set that does not exist: no decoder conceals that.
    """
    payloads = list[bytes | None]()
    for payload in unit.payloads:
        assert payload is not None
        payloads.append(_spoilt_payload(payload, codec))
    return replace(unit, payloads=tuple(payloads))


def _spoilt_payload(payload: bytes, codec: Codec) -> bytes:
    at, first, kind = 1 if codec is Codec.H264 else 2, True, _nal_type(payload, codec)
    if kind == (28 if codec is Codec.H264 else 49):
        first, kind = bool(payload[at] & 0x80), payload[at] & (0x1F if codec is Codec.H264 else 0x3F)
        at += 1
    if not (kind in (1, 5) if codec is Codec.H264 else kind < 32):
        return payload
    head = payload[:at] + (_SLICE_HEAD[codec] if first else b"")
    return head + b"\x01" * (len(payload) - len(head))


def _media(spec: ClipSpec, keyframe: list[bytes]) -> tuple[str, ...]:
    sets = {_nal_type(nal, spec.codec): nal for nal in reversed(keyframe)}
    if spec.codec is Codec.H264:
        name, sps, pps = "H264", sets[7], sets[8]
        format_ = (
            f"packetization-mode=1;profile-level-id={sps[1:4].hex().upper()};"
            f"sprop-parameter-sets={_base64(sps)},{_base64(pps)}"
        )
    else:
        name = "H265"
        format_ = f"sprop-vps={_base64(sets[32])};sprop-sps={_base64(sets[33])};sprop-pps={_base64(sets[34])}"
    return (
        f"m=video 0 RTP/AVP {DYNAMIC_TYPE}",
        f"a=rtpmap:{DYNAMIC_TYPE} {name}/{CLOCK_HZ}",
        f"a=fmtp:{DYNAMIC_TYPE} {format_}",
        f"a=framerate:{spec.fps}",
    )


def _base64(nal: bytes) -> str:
    return base64.b64encode(nal).decode()
