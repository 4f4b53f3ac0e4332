"""One playing session: frames at their time, patched into RTP packets (RFC 3550) and sent."""

import asyncio
import random
import secrets
import socket
import struct
from dataclasses import dataclass, replace
from math import inf
from typing import Final, Protocol
from zlib import crc32

from probes.simulator.clips import AccessUnit, Clip, make_clip, truncated, undecodable
from probes.simulator.faults import Fault
from probes.simulator.fleet import CameraSpec, Start
from probes.simulator.kinds import OF_PICTURE, FaultKind
from probes.simulator.pouring import MAX_UNSENT_BYTES
from probes.simulator.scene import Look

LATE_S: Final = 1.0  # further behind than this, frames are skipped and not sent in a burst
UDP_BURST: Final = 24  # packets; more at once would overflow a receiver's default buffer
UDP_PAUSE_S: Final = 0.002
GARBAGE_EVERY: Final = 3  # frames

# No "$" and no "R": where the next good frame begins is then beyond doubt.
# Longer than what a cut packet lacks.
JUNK: Final = bytes(random.Random(1).choices([b for b in range(256) if b not in b"$R"], k=4096))

_RTP: Final = struct.Struct(">BBHII")
_INTERLEAVED: Final = struct.Struct(">cBH")


class Wire(Protocol):
    """Carries RTP packets to the client."""

    def send(self, packets: list[bytes]) -> None: ...

    def send_broken(self, packets: list[bytes]) -> None:
        """Send them with the last one cut and junk behind it."""
        ...

    def close(self) -> None: ...


class Interleaved:
    """RTP inside the RTSP connection (RFC 2326, 10.12)."""

    def __init__(self, transport: asyncio.Transport, channel: int) -> None:
        self._transport = transport
        self._channel = channel

    def send(self, packets: list[bytes]) -> None:
        # A client that does not read loses frames, as from a camera.
        # A timer may fire after the client went and before that is told; uvloop raises then.
        if not self._transport.is_closing() and self._transport.get_write_buffer_size() < MAX_UNSENT_BYTES:
            self._transport.write(b"".join(map(self._framed, packets)))

    def send_broken(self, packets: list[bytes]) -> None:
        self.send(packets[:-1])
        framed = self._framed(packets[-1])
        if not self._transport.is_closing():
            self._transport.write(framed[: len(framed) // 2] + JUNK)

    def _framed(self, packet: bytes) -> bytes:
        return _INTERLEAVED.pack(b"$", self._channel, len(packet)) + packet

    def close(self) -> None:
        return None


class Datagrams:
    """RTP over UDP, from an even port with the RTCP port after it (RFC 3550, 11). Raises :class:`OSError`."""

    def __init__(self, host: str, client: tuple[str, int]) -> None:
        self._rtp, self._rtcp = _port_pair(host)
        self._client = client
        self._loop = asyncio.get_running_loop()

    @property
    def port(self) -> int:
        return int(self._rtp.getsockname()[1])

    def send(self, packets: list[bytes]) -> None:
        if self._rtp.fileno() < 0:
            return
        for packet in packets[:UDP_BURST]:
            try:
                self._rtp.sendto(packet, self._client)
            except OSError:
                continue  # a full buffer or a client gone: UDP loses packets
        if len(packets) > UDP_BURST:
            self._loop.call_later(UDP_PAUSE_S, self.send, packets[UDP_BURST:])

    def send_broken(self, packets: list[bytes]) -> None:
        last = packets[-1]
        self.send([*packets[:-1], last[: len(last) // 2], JUNK[:1000]])

    def close(self) -> None:
        self._rtp.close()
        self._rtcp.close()


def _port_pair(host: str) -> tuple[socket.socket, socket.socket]:
    for _ in range(20):
        rtp, rtcp = (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) for _ in range(2)
        )
        try:
            rtp.bind((host, 0))
            port = rtp.getsockname()[1]
            if port % 2 == 0:
                rtcp.bind((host, port + 1))
                return rtp, rtcp
        except OSError:
            pass
        rtp.close()
        rtcp.close()
    raise OSError("no free pair of UDP ports")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a session will send: a clip from a position on, at most ``frames`` of it."""

    clip: Clip
    position: int
    frames: float = inf
    keyframes: bool = True
    garbage: bool = False


def clip_of(spec: CameraSpec, fault: Fault | None) -> Clip:
    """The clip a camera plays under a fault; encodes it when it is new."""
    if fault is None:
        return make_clip(spec.clip)
    if fault.kind is FaultKind.LONG_GOP:
        return make_clip(spec.clip.with_gop(fault.amount))
    if fault.kind is FaultKind.TRUNCATED:
        return truncated(make_clip(spec.clip))
    if fault.kind is FaultKind.UNDECODABLE:
        return undecodable(make_clip(spec.clip))
    if fault.kind in OF_PICTURE:
        return make_clip(replace(spec.clip, look=Look(fault.kind.value)))
    return make_clip(spec.clip)


def plan(spec: CameraSpec, channel: int, fault: Fault | None, at: float, visits: int) -> Plan:
    """Where a session that begins at ``at`` joins the clip, the ``visits``-th one of its channel.

    Each channel has a phase of its own, and each session begins one group of pictures after the one
    before: who comes at even intervals does not find the same picture.
    """
    clip = clip_of(spec, fault)
    phase = crc32(f"{spec.name}/{channel}".encode())
    group = (phase + visits) % clip.spec.groups
    key = group * clip.spec.gop_frames
    live = key + int(at * clip.spec.fps + phase) % clip.spec.gop_frames
    kind = None if fault is None else fault.kind
    if fault is not None and kind is FaultKind.STALL:
        return Plan(clip, key + 1, min(fault.amount, clip.spec.gop_frames - 1), keyframes=False)
    return Plan(
        clip,
        key if spec.start is Start.IDR else live,
        frames=0 if kind is FaultKind.NO_RTP else inf,
        keyframes=kind is not FaultKind.NO_KEYFRAME,
        garbage=kind is FaultKind.GARBAGE,
    )


class Session:
    """An RTSP session with its one track; it costs a timer while it plays and nothing before."""

    def __init__(self, wire: Wire) -> None:
        self.id = secrets.token_hex(8)
        self.wire = wire
        self.sequence = random.getrandbits(16)
        self.timestamp = random.getrandbits(32)
        self._ssrc = random.getrandbits(32)
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def play(self, plan: Plan) -> None:
        self.pause()
        if plan.frames > 0:
            self._due = self._loop.time()
            self._step(plan, plan.position, 1)

    def pause(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def close(self) -> None:
        self.pause()
        self.wire.close()

    def _step(self, plan: Plan, position: int, frame: int) -> None:
        unit = plan.clip.units[position % len(plan.clip.units)]
        if plan.keyframes or not unit.keyframe:
            packets = self._packets(unit, plan.clip.payload_type)
            broken = plan.garbage and frame % GARBAGE_EVERY == 0 and not unit.keyframe
            (self.wire.send_broken if broken else self.wire.send)(packets)
        self.timestamp = (self.timestamp + plan.clip.ticks) & 0xFFFFFFFF
        if frame < plan.frames:
            self._due = max(self._due + 1 / plan.clip.spec.fps, self._loop.time() - LATE_S)
            self._timer = self._loop.call_at(self._due, self._step, plan, position + 1, frame + 1)

    def _packets(self, unit: AccessUnit, payload_type: int) -> list[bytes]:
        packets = list[bytes]()
        last = len(unit.payloads) - 1
        for number, payload in enumerate(unit.payloads):
            if payload is not None:
                marker = 0x80 if number == last else 0
                header = _RTP.pack(0x80, marker | payload_type, self.sequence, self.timestamp, self._ssrc)
                packets.append(header + payload)
            self.sequence = (self.sequence + 1) & 0xFFFF
        return packets
