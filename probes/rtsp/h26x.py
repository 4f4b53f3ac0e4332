"""H.264 and H.265 out of RTP: NAL units to one whole keyframe, and picture sizes out of parameter sets.

RFC 6184 and RFC 7798 in their non-interleaved modes. Pure. One assembler serves both: what differs
between them is the small table ``Syntax``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from probes.rtsp.keyframe import MAX_ACCESS_UNIT_BYTES, Keyframe

START_CODE: Final = b"\0\0\0\1"
MAX_SETS_OF_A_KIND: Final = 8
MAX_SPS_BYTES: Final = 1024
MAX_SEI_MESSAGES: Final = 32
MAX_KEY_STARTS: Final = 16

_SEI_RECOVERY_POINT: Final = 6  # H.264, D.1.8


@dataclass(frozen=True, slots=True)
class Syntax:
    """What differs between the two codecs in RTP."""

    codec: str
    header_bytes: int
    shift: int  # of the NAL unit type within the first header byte
    mask: int
    aggregate: int  # STAP-A, AP
    fragment: int  # FU-A, FU
    slices: range
    keys: range  # slices that begin anew: IDR; IRAP
    sets: tuple[int, ...]  # parameter sets in the order a decoder wants them
    sps: int
    sei: int | None  # where a recovery point makes a non-IDR picture a beginning
    size: Callable[[bytes], tuple[int, int] | None]


class NalAssembler:
    """Access units of one stream, of which only keyframes are kept.

    A keyframe is whole when its first slice begins at the first macroblock, no packet is missing
    inside, its end is known (marker bit, or the next timestamp), and parameter sets are at hand.
    The marker is a hint (RFC 6184, 5.1): where more slices of the same picture follow it, the
    keyframe is told again, longer.
    ``corrupt`` counts keyframes that a gap hit; ``key_starts`` are RTP times of keyframes seen.
    """

    def __init__(self, syntax: Syntax, sprop: Iterable[bytes] = ()) -> None:
        self.corrupt = 0
        self.key_starts: list[int] = []
        self._syntax = syntax
        self._payload_at = syntax.header_bytes + 1  # in a fragment
        self._kind_mask = syntax.mask << syntax.shift
        self._fragment_kind = syntax.fragment << syntax.shift
        self._sets: dict[int, list[bytes]] = {}
        self._sprop: dict[int, list[bytes]] = {}
        for nal in sprop:
            self._keep_set(self._sprop, nal.removeprefix(START_CODE).removeprefix(START_CODE[1:]))
        self._fragments: list[bytes] | None = None  # of a NAL unit that is no slice
        self._fresh: set[int] = set()  # kinds of parameter sets seen in this unit
        self._parts: list[bytes] = []  # of what may become a keyframe
        self._begin(-1, after_gap=False)
        self._open = False

    def middle(self, packet: bytes, start: int) -> bool:
        """Take a fragment of a keyframe that neither begins nor ends a slice; whether it is one.

        The shortest way, for nearly all packets that are kept: the next one of the same picture, unmarked.
        """
        at = start + self._payload_at
        if (
            not self._keeping
            or not self._open
            or self._fragments is not None
            or len(packet) < at
            or packet[start] & self._kind_mask != self._fragment_kind
            or packet[at - 1] >= 0x40
            or self._size + len(packet) > MAX_ACCESS_UNIT_BYTES
        ):
            return False
        self._parts.append(packet[at:])
        self._size += len(packet) - start
        return True

    def push(self, payload: bytes, timestamp: int, marker: bool, gap: bool) -> Keyframe | None:
        """Take one packet in order; ``gap`` says that packets are missing before it."""
        whole = None
        if not self._open and timestamp == self._timestamp and not gap and self._goes_on(payload):
            self._open = True
        if timestamp != self._timestamp or not self._open:
            whole = self._finish(gap)
            self._begin(timestamp, gap)
        elif gap:
            self._gap = True
            self._keeping = False
            self._fragments = None
        self._take(payload)
        # Some cameras set the marker on SEI and parameter sets, too (retina 0.4.14): a picture has a slice.
        if marker and self._has_slice:
            whole = self._finish(False) or whole
        return whole

    # ---- one access unit

    def _begin(self, timestamp: int, after_gap: bool) -> None:
        self._timestamp = timestamp
        self._open = True
        self._after_gap = after_gap
        self._gap = False
        self._key = False
        self._headed = False  # the slice of the first macroblock was seen
        self._has_slice = False
        self._recovery = False
        self._keeping = False  # slice data is of a keyframe that may still become whole
        self._fragments = None
        self._fresh.clear()
        self._parts.clear()
        self._size = 0
        self.idle = False

    def _finish(self, gap: bool) -> Keyframe | None:
        """End the unit; ``gap`` says that its last packets may be missing."""
        if not self._open:
            return None
        self._open = False
        if self._fragments:
            self._end_fragments()  # some never set the end bit
        if not self._key:
            return None
        if gap or self._gap or (self._after_gap and not self._headed):
            self.corrupt += 1
            return None
        syntax = self._syntax
        sets = {kind: self._sets.get(kind) or self._sprop.get(kind, []) for kind in syntax.sets}
        if not self._keeping or not all(sets.values()):
            return None
        size = syntax.size(sets[syntax.sps][0])
        front = [piece for kind in syntax.sets for nal in sets[kind] for piece in (START_CODE, nal)]
        width, height = size or (None, None)
        return Keyframe(syntax.codec, b"".join(front + self._parts), self._timestamp, width, height)

    # ---- one packet

    def _take(self, payload: bytes) -> None:
        syntax = self._syntax
        if len(payload) < syntax.header_bytes:
            return
        kind = payload[0] >> syntax.shift & syntax.mask
        if kind == syntax.fragment:
            self._take_fragment(payload)
        elif kind == syntax.aggregate:
            self._take_aggregate(payload)
        else:
            self._take_nal(payload)

    def _goes_on(self, payload: bytes) -> bool:
        """Whether a slice begins here that is not the first of a picture.

        LIVE555 sets the marker on every slice (H264VideoStreamDiscreteFramer).
        """
        syntax = self._syntax
        at = syntax.header_bytes
        if self._keeping and len(payload) >= at:
            kind = payload[0] >> syntax.shift & syntax.mask
            if kind == syntax.fragment and len(payload) > at and payload[at] & 0x80:
                kind, at = payload[at] & syntax.mask, self._payload_at
            return kind in syntax.slices and len(payload) > at and not _is_first(payload[at])
        return False

    def _take_fragment(self, payload: bytes) -> None:
        at = self._payload_at
        if len(payload) < at:
            return  # an empty fragment (retina 0.4.8)
        flags = payload[at - 1]
        if flags & 0x80:
            self._start_fragments(payload, flags & self._syntax.mask)
        elif self._fragments is not None:
            self._fragments.append(payload[at:])
            self._grow(len(payload))
        elif self._keeping:
            # The type in a continuation is not looked at: it changes on the way in some cameras (Tiandy).
            self._parts.append(payload[at:])
            self._grow(len(payload))
        elif not self._has_slice and flags & self._syntax.mask in self._syntax.keys:
            self._begin_picture(key=True, headed=False)  # joined in the middle of a keyframe, or after a gap
        if flags & 0x40 and self._fragments is not None:
            self._end_fragments()

    def _start_fragments(self, payload: bytes, kind: int) -> None:
        syntax = self._syntax
        if self._fragments is not None:
            self._end_fragments()
        first = payload[0] & ~(syntax.mask << syntax.shift) | kind << syntax.shift
        header = bytes((first,)) + payload[1 : syntax.header_bytes]
        body = payload[self._payload_at :]
        if kind in syntax.slices:
            self._slice(kind, body)
            if self._keeping:
                self._parts += (START_CODE, header, body)
                self._grow(len(payload))
        else:
            self._fragments = [header, body]

    def _end_fragments(self) -> None:
        fragments, self._fragments = self._fragments, None
        self._take_other(b"".join(fragments or ()))

    def _take_aggregate(self, payload: bytes) -> None:
        position = self._syntax.header_bytes
        while position + 2 < len(payload):
            size = int.from_bytes(payload[position : position + 2], "big")
            self._take_nal(payload[position + 2 : position + 2 + size])
            position += 2 + size

    def _take_nal(self, nal: bytes) -> None:
        syntax = self._syntax
        if len(nal) < syntax.header_bytes:
            return
        kind = nal[0] >> syntax.shift & syntax.mask
        # A start code first: Annex B inside RTP (V380). As a header it would be a type without meaning
        # (H.264) or a slice of layer 0 with temporal id 0, which is forbidden (H.265, 7.4.2.2).
        if kind in syntax.slices and nal[:2] != b"\0\0":
            self._slice(kind, nal[syntax.header_bytes :])
            if self._keeping:
                self._parts += (START_CODE, nal)
                self._grow(len(nal))
        else:
            self._take_other(nal)

    def _take_other(self, nal: bytes) -> None:
        syntax = self._syntax
        if b"\0\0\1" in nal:  # cannot stand inside a NAL unit: several of them, with start codes
            for piece in nal.split(b"\0\0\1"):
                if piece := piece.rstrip(b"\0"):
                    self._take_nal(piece)
            return
        if len(nal) < syntax.header_bytes:
            return
        kind = nal[0] >> syntax.shift & syntax.mask
        if kind in syntax.sets:
            if kind not in self._fresh:
                self._fresh.add(kind)
                self._sets.pop(kind, None)
            self._keep_set(self._sets, nal)
        elif kind == syntax.sei and not self._has_slice and _is_recovery_point(nal):
            self._recovery = True
            self._parts += (START_CODE, nal)

    def _slice(self, kind: int, body: bytes) -> None:
        """A slice begins."""
        if not self._has_slice:
            headed = not body or _is_first(body[0])
            self._begin_picture(kind in self._syntax.keys or self._recovery, headed)

    def _begin_picture(self, key: bool, headed: bool) -> None:
        self._has_slice = True
        self._key = key
        self._headed = headed
        self._keeping = key and headed and not self._gap
        self.idle = not self._keeping
        if key and len(self.key_starts) < MAX_KEY_STARTS:
            self.key_starts.append(self._timestamp)

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > MAX_ACCESS_UNIT_BYTES:
            self._keeping = False
            self._parts.clear()
            self._fragments = None

    def _keep_set(self, sets: dict[int, list[bytes]], nal: bytes) -> None:
        syntax = self._syntax
        if len(nal) <= syntax.header_bytes:
            return
        kind = nal[0] >> syntax.shift & syntax.mask
        if kind not in syntax.sets or (kind == syntax.sps and syntax.size(nal) is None):
            return
        kept = sets.setdefault(kind, [])
        if nal not in kept and len(kept) < MAX_SETS_OF_A_KIND:
            kept.append(nal)


def _is_first(header: int) -> bool:
    """Whether a slice whose header begins with this byte is the first of its picture.

    first_mb_in_slice is ue(v), 0 is a single 1 bit (H.264, 7.3.3); first_slice_segment_in_pic_flag
    (H.265, 7.3.6.1).
    """
    return header & 0x80 != 0


def _is_recovery_point(nal: bytes) -> bool:
    """Whether an H.264 SEI (7.3.2.3.1) holds a recovery point: an intra refresh to begin at."""
    position = 1
    for _ in range(MAX_SEI_MESSAGES):
        values = []
        for _ in range(2):  # type, then size
            value = 0
            while position < len(nal) and nal[position] == 0xFF:
                value += 255
                position += 1
            if position >= len(nal):
                return False
            values.append(value + nal[position])
            position += 1
        if values[0] == _SEI_RECOVERY_POINT:
            return True
        position += values[1]
    return False


class _Bits:
    """Reads an RBSP bit by bit; past its end it yields ``EOFError``."""

    def __init__(self, nal: bytes, skip: int) -> None:
        rbsp = nal[skip:MAX_SPS_BYTES].replace(b"\0\0\3", b"\0\0")  # emulation prevention (H.264, 7.4.1)
        self._value = int.from_bytes(rbsp, "big")
        self._left = len(rbsp) * 8

    def u(self, count: int) -> int:
        if count > self._left:
            raise EOFError
        self._left -= count
        return self._value >> self._left & (1 << count) - 1

    def ue(self) -> int:
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > 32:
                raise EOFError
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        value = self.ue()
        return (value + 1) // 2 if value & 1 else -(value // 2)


@lru_cache(maxsize=4096)
def h264_size(sps: bytes) -> tuple[int, int] | None:
    """Width and height of an H.264 SPS (7.3.2.1.1), cropped; ``None`` where it is none."""
    bits = _Bits(sps, 1)
    try:
        profile = bits.u(8)
        bits.u(16)  # constraints, level
        bits.ue()  # id
        chroma, separate = 1, 0
        if profile in _H264_HIGH_PROFILES:
            chroma = bits.ue()
            if chroma == 3:
                separate = bits.u(1)
            bits.ue(), bits.ue()  # bit depths
            bits.u(1)
            if bits.u(1):
                for index in range(12 if chroma == 3 else 8):
                    if bits.u(1):
                        _skip_scaling_list(bits, 16 if index < 6 else 64)
        bits.ue()  # log2_max_frame_num
        order = bits.ue()
        if order == 0:
            bits.ue()
        elif order == 1:
            bits.u(1)
            bits.se(), bits.se()
            for _ in range(min(bits.ue(), 255)):
                bits.se()
        bits.ue()  # max_num_ref_frames
        bits.u(1)
        width = (bits.ue() + 1) * 16
        rows = bits.ue() + 1
        frames_only = bits.u(1)
        height = rows * 16 * (2 - frames_only)
        if not frames_only:
            bits.u(1)
        bits.u(1)  # direct_8x8_inference
        if bits.u(1):
            left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
            x, y = _CROP_UNITS[0 if separate else chroma & 3]
            width -= (left + right) * x
            height -= (top + bottom) * y * (2 - frames_only)
    except EOFError:
        return None
    return _sane(width, height)


@lru_cache(maxsize=4096)
def h265_size(sps: bytes) -> tuple[int, int] | None:
    """Width and height of an H.265 SPS (7.3.2.2.1), cropped; ``None`` where it is none."""
    bits = _Bits(sps, 2)
    try:
        bits.u(4)
        sub_layers = bits.u(3)
        bits.u(1)
        bits.u(96)  # profile, tier, constraints, level (7.3.3)
        present = [(bits.u(1), bits.u(1)) for _ in range(sub_layers)]
        if sub_layers:
            bits.u(2 * (8 - sub_layers))
        for profile, level in present:
            bits.u(88 * profile + 8 * level)
        bits.ue()  # id
        chroma = bits.ue()
        if chroma == 3:
            bits.u(1)
        width, height = bits.ue(), bits.ue()
        if bits.u(1):
            left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
            x, y = _CROP_UNITS[chroma & 3]
            width -= (left + right) * x
            height -= (top + bottom) * y
    except EOFError:
        return None
    return _sane(width, height)


_H264_HIGH_PROFILES: Final = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_CROP_UNITS: Final = ((1, 1), (2, 2), (2, 1), (1, 1))  # by chroma format (H.264, 7.4.2.1.1)
_MAX_SIDE: Final = 16384


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _sane(width: int, height: int) -> tuple[int, int] | None:
    return (width, height) if 0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE else None


H264: Final = Syntax(
    codec="H264",
    header_bytes=1,
    shift=0,
    mask=0x1F,
    aggregate=24,
    fragment=28,
    slices=range(1, 6),
    keys=range(5, 6),
    sets=(7, 8),
    sps=7,
    sei=6,
    size=h264_size,
)
H265: Final = Syntax(
    codec="H265",
    header_bytes=2,
    shift=1,
    mask=0x3F,
    aggregate=48,
    fragment=49,
    slices=range(32),
    keys=range(16, 24),
    sets=(32, 33, 34),
    sps=33,
    sei=None,
    size=h265_size,
)
