"""RTP of one video track: order, loss, frame and bit rate, and the way to one whole keyframe (RFC 3550).

Pure: packets in, figures and a keyframe out. Time is the sender's own, read from the timestamps.
"""

import struct
from dataclasses import replace
from itertools import pairwise
from typing import Final, Protocol

from probes.rtsp.h26x import H264, H265, NalAssembler
from probes.rtsp.jpeg import JpegAssembler
from probes.rtsp.keyframe import Keyframe
from probes.rtsp.sdp import Track

MAX_DROPOUT: Final = 3000  # a larger jump is a restart of the numbering, not a loss (RFC 3550, A.1)
REORDER_DEPTH: Final = 32  # packets that may wait for a missing one, over UDP
SSRC_PATIENCE: Final = 8  # packets of another source in a row before we follow it
MIN_INTERVALS: Final = 4  # between frames, for a frame rate
MIN_SPAN_S: Final = 0.5  # for a bit rate

_HEADER: Final = struct.Struct(">BBHII")
_WRAP: Final = 1 << 32
TYPE_PATIENCE: Final = 8  # packets of a payload type that nobody announced before we take them


class Assembler(Protocol):
    """Payloads in order to whole keyframes; one for each payload format."""

    corrupt: int
    key_starts: list[int]
    idle: bool  # the rest of the present picture tells nothing

    def middle(self, packet: bytes, start: int) -> bool:
        """Take the payload from ``start`` on, in order, unmarked; ``False`` where it must be pushed."""

    def push(self, payload: bytes, timestamp: int, marker: bool, gap: bool) -> Keyframe | None: ...


class RtpStream:
    """What arrives for one track.

    ``packets``, ``bytes`` (payload), ``lost``, ``late`` and ``foreign`` (another payload type or
    source, or no RTP) are counts. ``keyframe`` is the first whole one; ``corrupt`` counts
    keyframes that a gap hit. A codec we cannot take apart is counted only.
    """

    def __init__(self, track: Track, *, reorder: bool = False) -> None:
        self.keyframe: Keyframe | None = None
        self.track = track  # as it comes: the SDP may leave the choice, or be wrong
        self.packets = 0
        self.bytes = 0
        self.lost = 0
        self.late = 0
        self.foreign = 0
        self._assembler = _assembler(track)
        self._payload_type = track.payload_type
        self._other_type = -1
        self._other_packets = 0
        self._ssrc = -1
        self._stranger = -1
        self._stranger_packets = 0
        self._next = -1
        self._held: dict[int, tuple[bytes, int, bool]] | None = {} if reorder else None
        self._first_timestamp = -1
        self._last_timestamp = -1
        self._earliest = self._latest = 0  # relative to the first timestamp
        self.pictures = 0

    def push(self, packet: bytes) -> bool:
        """Take one packet; whether it completed the first whole keyframe."""
        size = len(packet)
        if size < 12:
            self.foreign += 1
            return False
        first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(packet)
        if first >> 6 != 2 or (second & 0x7F != self._payload_type and not self._takes(second & 0x7F)):
            self.foreign += 1
            return False
        if ssrc != self._ssrc and not self._follow(ssrc):
            self.foreign += 1
            return False
        start, end = (12, size) if first == 0x80 else _payload_bounds(packet, first)
        self.packets += 1
        self.bytes += end - start
        marker = second > 0x7F
        inside = sequence == self._next and timestamp == self._last_timestamp and not self._held
        if inside and self._assembler is not None:
            whole = end == size and not marker  # nothing to cut off, nothing that ends
            if self._assembler.idle or (whole and self._assembler.middle(packet, start)):
                self._next = sequence + 1 & 0xFFFF
                return False  # what nearly all packets are
        payload = packet[start:end]
        if sequence == self._next:
            self._next = sequence + 1 & 0xFFFF
            if inside and self._assembler is not None:
                keyframe = self._assembler.push(payload, timestamp, marker, False)
                return keyframe is not None and self._keep(keyframe)
            whole = self._deliver(payload, timestamp, marker, False)
            return self._release() or whole if self._held else whole
        return self._out_of_order(sequence, payload, timestamp, marker)

    @property
    def within_group(self) -> bool:
        """Whether the present picture is none that a keyframe could become of."""
        return self._assembler is not None and self._assembler.idle

    def flush(self) -> bool:
        """Deliver what still waits for missing packets (UDP); whether that completed the first keyframe."""
        whole = False
        while self._held:
            whole = self._skip_to_held() or whole
        return whole

    # ---- figures

    @property
    def corrupt(self) -> int:
        return self._assembler.corrupt if self._assembler else 0

    @property
    def span_s(self) -> float:
        """Media time from the first to the last timestamp, seconds."""
        return (self._latest - self._earliest) / self.track.clock_rate

    @property
    def fps(self) -> float | None:
        """Frames a second: measured over at least ``MIN_INTERVALS``, else what the SDP says."""
        if self.pictures > MIN_INTERVALS and self.span_s > 0:
            return (self.pictures - 1) / self.span_s
        return self.track.framerate

    @property
    def bitrate_bps(self) -> float | None:
        """Bits of payload a second, over at least ``MIN_SPAN_S``."""
        return self.bytes * 8 / self.span_s if self.span_s >= MIN_SPAN_S else None

    @property
    def gop_s(self) -> float | None:
        """The longest distance between keyframes seen, seconds; needs two of them."""
        starts = self._assembler.key_starts if self._assembler else []
        ticks = [(b - a) % _WRAP for a, b in pairwise(starts)]
        return max((t for t in ticks if t < _WRAP // 2), default=0) / self.track.clock_rate or None

    @property
    def keyframe_wait_s(self) -> float | None:
        """Media time from the first packet to the first keyframe: the GOP is at least as long."""
        starts = self._assembler.key_starts if self._assembler else []
        if not starts:
            return None
        ticks = (starts[0] - self._first_timestamp) % _WRAP
        return ticks / self.track.clock_rate if ticks < _WRAP // 2 else 0.0

    # ---- order

    def _takes(self, kind: int) -> bool:
        """Whether this is our stream under another payload type than we expected.

        Beside the expected one it never is (PT 50 of Geovision, RTCP); alone it is where the SDP leaves the
        choice (``m=video 0 RTP/AVP 98 96``, gortsplib #65) or tells another dynamic type than is sent.
        """
        if self.packets:
            return False
        track = next((other for other in self.track.others if other.payload_type == kind), None)
        if track is None:
            if kind != self._other_type:
                self._other_type, self._other_packets = kind, 0
            self._other_packets += 1
            if self._other_packets < TYPE_PATIENCE or kind < 96:
                return False
            track = replace(self.track, payload_type=kind)
        self.track = track
        self._assembler = _assembler(track)
        self._payload_type = kind
        return True

    def _follow(self, ssrc: int) -> bool:
        """Whether packets of this source are ours.

        Old LIVE555 servers deliver packets of an earlier session (moonfire #184): another source
        is followed only once it has the stream to itself.
        """
        if self._ssrc >= 0:
            if ssrc != self._stranger:
                self._stranger, self._stranger_packets = ssrc, 0
            self._stranger_packets += 1
            if self._stranger_packets < SSRC_PATIENCE:
                return False
        self._ssrc = ssrc
        self._next = -1
        if self._held:
            self._held.clear()
        return True

    def _out_of_order(self, sequence: int, payload: bytes, timestamp: int, marker: bool) -> bool:
        """A packet that is not the next one: the first, a late one, or one after a gap."""
        ahead = (sequence - self._next) & 0xFFFF
        if self._next >= 0 and ahead > 0x10000 - MAX_DROPOUT:
            self.late += 1
            return False
        if self._next >= 0 and self._held is not None and ahead <= MAX_DROPOUT:
            self._held[sequence] = (payload, timestamp, marker)
            return self._skip_to_held() if len(self._held) > REORDER_DEPTH else False
        gap = self._next >= 0 or self._last_timestamp >= 0
        if self._next >= 0 and ahead <= MAX_DROPOUT:
            self.lost += ahead
        self._next = sequence + 1 & 0xFFFF
        return self._deliver(payload, timestamp, marker, gap)

    def _skip_to_held(self) -> bool:
        """Give up the missing packets before the nearest one that waits."""
        assert self._held
        nearest = min(self._held, key=lambda sequence: (sequence - self._next) & 0xFFFF)
        self.lost += (nearest - self._next) & 0xFFFF
        self._next = nearest + 1 & 0xFFFF
        whole = self._deliver(*self._held.pop(nearest), True)
        return self._release() or whole

    def _release(self) -> bool:
        """Deliver those that waited and are now next."""
        whole = False
        while self._held and (held := self._held.pop(self._next, None)):
            self._next = self._next + 1 & 0xFFFF
            whole = self._deliver(*held, False) or whole
        return whole

    def _deliver(self, payload: bytes, timestamp: int, marker: bool, gap: bool) -> bool:
        if timestamp != self._last_timestamp:
            self._note_time(timestamp)
        if self._assembler is None:
            return False
        keyframe = self._assembler.push(payload, timestamp, marker, gap)
        return keyframe is not None and self._keep(keyframe)

    def _keep(self, keyframe: Keyframe) -> bool:
        """Keep the first one, and what is still told of the same picture; whether it is the first."""
        first = self.keyframe is None
        if self.keyframe is None or self.keyframe.timestamp == keyframe.timestamp:
            self.keyframe = keyframe
        return first

    def _note_time(self, timestamp: int) -> None:
        if self._first_timestamp < 0:
            self._first_timestamp = timestamp
        self._last_timestamp = timestamp
        self.pictures += 1
        ticks = (timestamp - self._first_timestamp) % _WRAP
        if ticks >= _WRAP // 2:  # earlier than the first: B-frames
            ticks -= _WRAP
        if ticks > self._latest:
            self._latest = ticks
        elif ticks < self._earliest:
            self._earliest = ticks


def _assembler(track: Track) -> Assembler | None:
    match track.codec:
        case "H264":
            return NalAssembler(H264, track.parameter_sets)
        case "H265":
            return NalAssembler(H265, track.parameter_sets)
        case "JPEG":
            return JpegAssembler(track.dimensions)
        case _:
            return None


def _payload_bounds(packet: bytes, first: int) -> tuple[int, int]:
    """Where the payload begins and ends, behind sources and extension and before padding (RFC 3550, 5.1)."""
    start = 12 + 4 * (first & 0x0F)
    end = len(packet)
    if first & 0x10 and start + 4 <= end:
        start += 4 + 4 * int.from_bytes(packet[start + 2 : start + 4], "big")
    if first & 0x20:
        end -= packet[-1]
    return start, max(start, end)
