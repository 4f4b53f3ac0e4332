"""The ladder: climbs the rungs for one eye inside one time budget, and makes a result of whatever happens.

tcp, (tls), describe, setup, play, rtp, keyframe; in a deep probe, when the session is closed, decode,
snapshot and clock. Each rung has its own time limit and ends in a reason. This is the only room where an
exception becomes a result: what leaves ``climb`` as an exception is our bug, or a cancelled task.
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from probes.errors import LinkError, ProbeError
from probes.login_attempt import Fields, Login
from probes.logins import LoginGate
from probes.reasons import (
    Check,
    Outcome,
    Reason,
    clock_outcome,
    picture_outcome,
    snapshot_outcome,
    stream_outcome,
)
from probes.result import (
    NOTHING_MEASURED,
    Depth,
    Media,
    Memory,
    ProbeResult,
    Rung,
    Step,
    Target,
    TlsCheck,
    Transport,
    Verdict,
)
from probes.rtsp.client import RtspConnection, reason_of
from probes.rtsp.exchange import redact
from probes.rtsp.messages import Frame, Response, parse_session, parse_transport
from probes.rtsp.rtp import RtpStream
from probes.rtsp.sdp import CODECS, Description, base_url, control_urls, parse_sdp
from probes.senses import Senses
from probes.tls import tls_context

SLOW_S: Final = 3.0  # a rung before play that takes longer is noted
NOTED_LOSS: Final = 0.02  # of the packets
MAX_SETUPS: Final = 5  # ways to write the track's URL, and UDP after TCP
FRESH_S: Final = 1.0  # a packet this young: the stream flows
HANGING_UP_S: Final = 0.02  # for the end of a connection to come behind an answer; waited for once an eye

PATIENCE_TO_SET_UP: Final = 1.6  # times what another answer may take
MOVED: Final = frozenset({301, 302, 303, 307, 308})
NO_SUCH_TRACK: Final = frozenset({400, 404, 454})  # perhaps its URL is written another way
NO_TCP: Final = frozenset({461, 406})
PERHAPS_NO_TCP: Final = frozenset({400, 500, 501, 551})  # said instead, and to other faults
# PLAY may be refused for its Range (451, 456, 457, 501) or its URL (459: of the track, not of the whole; 405
# of PTZOptics for the slash at its end): it is asked another way.
NOT_THIS_WAY: Final = frozenset({400, 404, 405, 451, 454, 455, 456, 457, 459, 460, 500, 501, 551})
# Cameras that have no status of their own for it put it into words.
TEXT_OF_FULL_SESSIONS: Final = re.compile(
    r"too many|\bbusy\b|\bmax\w*\b.{0,20}(connect|session|user|client|stream)"
    r"|(connection|session|user|client)s?\b.{0,20}(limit|full|exceed)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds each rung may take. The defaults bear slow cameras behind household lines."""

    connect: float = 5.0
    tls: float = 4.0
    answer: float = 5.0  # to one request; some servers delay the 401 to a wrong password by 2 s
    first_packet: float = 5.0
    window: float = 2.0  # of RTP watched in a deep probe
    stall: float = 6.0  # without a packet: the stream stands still; longer than a picture every 5 s
    keyframe: float = 12.0  # then 1.5 x the learned GOP + 2 s
    longest_keyframe: float = 30.0
    decode: float = 2.0  # and measure, in a worker
    session: float = 25.0  # all rungs up to TEARDOWN together
    deep_session: float = 45.0


DEFAULT_TIMEOUTS: Final = Timeouts()


async def climb(
    target: Target,
    depth: Depth,
    *,
    logins: LoginGate,
    senses: Senses,
    clock: Callable[[], datetime],
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
    record: bool = False,
    told: Callable[[Rung], None] | None = None,
) -> ProbeResult:
    """Probe one eye once. Never raises for what a camera does.

    ``logins`` is asked before the credential is sent. ``record`` keeps the transcript of a probe that went
    well, with the heads of its frames; of others the transcript is kept anyway. ``told`` hears of each rung
    as it ends, for somebody who waits; it must not take time.
    """
    ascent = _Ascent(target, depth, logins, senses, clock, timeouts, record, told)
    began = ascent.now()
    try:
        async with asyncio.timeout_at(ascent.deadline):
            reason = await ascent.run()
    except TimeoutError:
        reason = Reason.PROBE_BUDGET_EXCEEDED
    except ProbeError as error:
        reason = error.reason
    except OSError as error:  # none is expected: the client turns them into ProbeErrors
        reason = reason_of(error)
    if depth is Depth.DEEP:
        await ascent.look_further(reason)
    return ascent.result(ascent.now() - began, reason)


class _Ascent:
    """One climb: what has been learned so far."""

    def __init__(
        self,
        target: Target,
        depth: Depth,
        logins: LoginGate,
        senses: Senses,
        clock: Callable[[], datetime],
        timeouts: Timeouts,
        record: bool,
        told: Callable[[Rung], None] | None,
    ) -> None:
        self._target = target
        self._depth = depth
        self._clock = clock
        self._at = clock()
        self._logins = logins
        self._secrets = target.credential.secrets if target.credential else ()
        self._login = Login(
            target.credential,
            target.login_key,
            logins,
            basic_allowed=target.basic_allowed,
            algorithm=target.memory.algorithm,
            renews=target.memory.renews,
        )
        self._senses = senses
        self._timeouts = timeouts
        self._record = record
        self._told = told
        self._rungs: list[Rung] = []
        self._notes: list[Reason] = []
        self._memory = target.memory
        self._connection: RtspConnection | None = None
        self._earlier: list[RtspConnection] = []  # that the device closed
        self._closing = False  # it said that it does so now
        self._session = ""
        self._stream: RtpStream | None = None
        self._description: Description | None = None
        self._transport = Transport.TCP
        # Asked for once: finding the running loop costs a system call on Python 3.11.
        self.now = asyncio.get_running_loop().time
        self.deadline = self.now() + (timeouts.deep_session if depth is Depth.DEEP else timeouts.session)
        self._picture_reason: Reason | None = None
        self._snapshot_reason: Reason | None = None
        self._clock_reason: Reason | None = None
        self._measured = NOTHING_MEASURED
        self._image = b""
        self._transcript = ""

    # --- the story ----------------------------------------------------------------------------------

    async def run(self) -> Reason:
        """Climb; the reason of the stream check. Raises ``ProbeError`` where a rung breaks."""
        await self._connect()
        uri = whole = self._uri()
        try:
            with self._rung(Step.DESCRIBE):
                answer, uri = await self._describe(uri)
                base = base_url(uri, answer.headers)
                self._description = parse_sdp(answer.body)
                whole = control_urls(base, self._description.control)[0]
            with self._rung(Step.SETUP):
                track, secure = await self._setup(base, self._description)
            flow = _Flow(self._link, self._description, self.now, self._transport is Transport.UDP)
            self._stream = flow.stream
            with self._rung(Step.PLAY):
                whole = await self._play(flow, (whole, uri, track))
            with self._rung(Step.RTP):
                await flow.first_packet(self._timeouts.first_packet)
            if self._login.anonymous:
                self._notes.append(Reason.STREAM_OPEN_NO_AUTH)
            reason = await self._watch(flow, secure)
        finally:
            await self._leave(whole)
        return reason

    async def look_further(self, stream: Reason) -> None:
        """The rungs beyond the stream, which ended in ``stream``; none of them changes what is said of it."""
        if stream is Reason.OK and self._picture_reason is None:
            await self._look_at_keyframe()
        await self._read_clock(await self._take_snapshot())

    def result(self, seconds: float, reason: Reason) -> ProbeResult:
        target = self._target
        stream = Verdict(Check.STREAM, stream_outcome(reason), reason, target.interval_s)
        verdicts = [stream]
        if self._depth is Depth.DEEP and stream.outcome is Outcome.OK and self._picture_reason is not None:
            picture = self._picture_reason
            outcome = picture_outcome(picture)
            verdicts.append(Verdict(Check.PICTURE, outcome, picture, target.deep_interval_s))
        if self._snapshot_reason is not None:
            outcome = snapshot_outcome(self._snapshot_reason)
            verdicts.append(Verdict(Check.SNAPSHOT, outcome, self._snapshot_reason, target.deep_interval_s))
        if self._clock_reason is not None:
            outcome = clock_outcome(self._clock_reason)
            verdicts.append(Verdict(Check.CLOCK, outcome, self._clock_reason, target.deep_interval_s))
        failed = any(v.outcome is not Outcome.OK for v in verdicts)
        if self._login.in_clear and not target.tls:
            self._notes.append(Reason.CREDENTIALS_SENT_IN_CLEAR)
        if self._connection is not None and (failed or self._record):
            links = (*self._earlier, self._connection)
            self._transcript = "".join(c.exchange if self._record else c.transcript for c in links)
        return ProbeResult(
            eye=target.eye,
            at=self._at,
            depth=self._depth,
            seconds=seconds,
            verdicts=tuple(verdicts),
            memory=self._learned(stream.outcome, reason, seconds),
            notes=tuple(dict.fromkeys(self._notes)),
            rungs=tuple(self._rungs),
            media=self._media(),
            transcript=self._transcript,
            measured=self._measured,
            picture=self._image if self._is_evidence(verdicts) else None,
        )

    def _is_evidence(self, verdicts: Sequence[Verdict]) -> bool:
        wanted = self._target.keep_picture and bool(self._image)
        return wanted and any(v.outcome is Outcome.FAILING for v in verdicts)

    # --- the rungs ----------------------------------------------------------------------------------

    @property
    def _link(self) -> RtspConnection:
        assert self._connection is not None
        return self._connection

    async def _open(self) -> RtspConnection:
        target, times = self._target, self._timeouts
        return await RtspConnection.open(
            target.host,
            target.port,
            ssl=tls_context(target.tls_check, target.tls_pin) if target.tls else None,
            timeout=times.connect,
            tls_timeout=times.tls,
            secrets=self._secrets,
            record=self._record,
        )

    async def _connect(self) -> None:
        target = self._target
        began = self.now()
        try:
            self._connection = connection = await self._open()
        except ProbeError as error:
            seconds = self.now() - began
            in_tls = error.reason in (Reason.TLS_HANDSHAKE_FAILED, Reason.TLS_PIN_MISMATCH)
            step = Step.TLS if in_tls else Step.TCP
            self._ended(Rung(step, seconds, error.reason, redact(error.detail, self._secrets)))
            raise
        self._ended(Rung(Step.TCP, connection.tcp_s))
        if target.tls:
            self._ended(Rung(Step.TLS, connection.tls_s))
            if target.tls_check is TlsCheck.NONE:
                self._notes.append(Reason.TLS_UNTRUSTED)

    async def _connect_again(self) -> None:
        """The device closes behind an answer; VStarcam does behind its challenge (retina #45)."""
        self._closing = False
        earlier = self._link
        await earlier.close()
        self._connection = await self._open()
        self._earlier.append(earlier)

    async def _describe(self, uri: str) -> tuple[Response, str]:
        """Anonymous first: a challenge costs no login, and an answer without one is a finding."""
        accept = (("Accept", "application/sdp"),)
        answer = await self._ask("DESCRIBE", uri, accept)
        if answer.status in MOVED and (moved := answer.headers.get("Location")):
            uri = base_url(uri, replace(answer.headers, fields=(("Content-Base", moved),)))
            answer = await self._ask("DESCRIBE", uri, accept)
        if answer.status == 200 and self._login.anonymous and self._target.credential is not None:
            self._notes.append(Reason.SDP_OPEN_NO_AUTH)
        _expect_success("DESCRIBE", answer)
        return answer, uri

    async def _setup(self, base: str, description: Description) -> tuple[str, bool]:
        """One video track: over TCP, over UDP where the camera wants that. Its URL; whether it is SRTP."""
        remembered = self._memory.transport is Transport.UDP
        if remembered:
            self._transport = Transport.UDP
        urls = list(control_urls(base, description.video.control))
        first, refused, answer = urls[0], None, None
        for _ in range(MAX_SETUPS):
            offered = await self._offer()
            answer = await self._ask("SETUP", urls[0], (("Transport", offered),))
            if answer.status in NO_TCP:
                if self._transport is Transport.UDP and not remembered:
                    raise ProbeError(Reason.TRANSPORT_UNSUPPORTED, f"SETUP {answer.status}")
                self._transport = Transport.TCP if remembered else Transport.UDP
                remembered = False
            elif answer.status in NO_SUCH_TRACK and len(urls) > 1:
                urls.pop(0)
            elif answer.status in PERHAPS_NO_TCP and self._may_try_udp(refused):
                refused, urls = answer, [first]
                self._transport = Transport.UDP
            elif self._transport is Transport.TCP and _speaks_of_udp(answer):
                await self._ask("TEARDOWN", urls[0], _named(answer))  # libstreaming, whatever it is asked for
                self._transport = Transport.UDP
            else:
                break
        assert answer is not None
        if refused is not None and answer.status >= 300:
            answer = refused
        _expect_success("SETUP", answer)
        self._session, _timeout = parse_session(answer.headers.get("Session") or "")
        reply = parse_transport(answer.headers.get("Transport") or "")
        if self._transport is Transport.UDP and reply.interleaved is not None:
            self._transport = Transport.TCP  # whatever was asked for
        if self._transport is Transport.UDP:
            if reply.source is not None:  # it may send from another of its addresses
                self._link.sources.add(reply.source)
            if reply.server_port is not None:
                self._udp.punch(self._link.peer_host, reply.server_port)
        else:
            channel = reply.interleaved if reply.interleaved is not None else 0
            self._link.reader.channels = frozenset((channel, channel + 1))
        # Within TLS a stream that is offered as SRTP may be had as it is (MediaMTX), unless its key is fixed.
        plain = self._target.tls and not description.keyed and not reply.secure
        return urls[0], description.encrypted and not plain

    def _may_try_udp(self, refused: Response | None) -> bool:
        return self._transport is Transport.TCP and refused is None and not self._target.tls

    async def _offer(self) -> str:
        if self._transport is Transport.TCP:
            return "RTP/AVP/TCP;unicast;interleaved=0-1"
        self._udp = await self._link.open_udp_pair()
        return f"RTP/AVP;unicast;client_port={self._udp.client_port}"

    async def _play(self, flow: "_Flow", urls: Sequence[str]) -> str:
        """Play, at the first of ``urls`` that the camera accepts; that URL."""
        whole = urls[0]
        ways = ((whole, (("Range", "npt=0.000-"),)), *((url, ()) for url in dict.fromkeys(urls)))
        refused = None
        for url, ranged in ways:
            named = (("Session", self._session),) if self._session else ()
            try:
                answer = await self._ask("PLAY", url, (*named, *ranged))
            except LinkError as error:
                if error.reason is Reason.RTSP_TIMEOUT and flow.stream.packets:
                    return url  # it plays: its answer was lost among the packets
                raise
            if answer.status not in NOT_THIS_WAY or _is_full(answer):
                break
            refused = refused or answer
        _expect_success("PLAY", answer if refused is None or answer.status < 300 else refused)
        # Some cameras tell the session only here (mediamtx #822).
        self._session = self._session or parse_session(answer.headers.get("Session") or "")[0]
        return url

    async def _leave(self, uri: str) -> None:
        """End the session, where there may be one, and the connection."""
        link, session = self._link, self._session
        opened = link.set_up  # also where we were cancelled before its answer came, or behind it
        if opened is not None:
            session = session or parse_session(opened.headers.get("Session") or "")[0]
        if not session and (opened is None or opened.status >= 300):
            return await link.close()

        def again(answer: Response) -> Fields:
            return self._login.renewed(answer, "TEARDOWN", uri)

        await link.teardown(uri, session, self._login.opening("TEARDOWN", uri), again=again)

    async def _watch(self, flow: "_Flow", secure: bool) -> Reason:
        """Wait for what is due: a whole keyframe, and a stream that goes on."""
        times, memory = self._timeouts, self._memory
        if secure or flow.stream.track.codec not in CODECS:
            # RTP proves that it lives; nothing can be said of its pictures.
            opaque = Reason.STREAM_ENCRYPTED if secure else Reason.CODEC_UNSUPPORTED
            self._picture_reason = opaque
            with self._rung(Step.RTP):
                await flow.window(times.window, times.stall)
            return Reason.OK
        due = times.keyframe if memory.gop_s is None else max(times.keyframe, 1.5 * memory.gop_s + 2)
        # However long it takes, what follows must still fit into the budget: no keyframe in time is a note.
        due = min(due, times.longest_keyframe, self._time_left() - times.stall)
        with self._rung(Step.KEYFRAME):
            seen = await flow.keyframe(due, times.stall)
            # A camera that sent one picture and stopped is not alive: the next one must begin. One that
            # stood still the last time, and every deep probe, is watched longer.
            await flow.second_picture(times.stall)
            if self._depth is Depth.DEEP or memory.stalled:
                await flow.window(times.window, times.stall)
        if seen:
            return Reason.OK
        self._picture_reason = Reason.RTP_CORRUPT if flow.stream.corrupt else Reason.KEYFRAME_NOT_SEEN
        self._notes.append(self._picture_reason)
        return Reason.OK

    async def _look_at_keyframe(self) -> None:
        assert self._stream is not None
        assert self._stream.keyframe is not None
        try:
            with self._rung(Step.DECODE):
                looked = await self._senses.look(
                    self._target, self._stream.keyframe, self._timeouts.decode, self._at
                )
        except ProbeError as error:
            self._picture_reason = error.reason
            return
        self._picture_reason = looked.reason
        self._memory = replace(self._memory, seen=looked.seen)
        self._measured = replace(
            self._measured,
            sight=looked.sight,
            similarity=looked.similarity,
            picture_changed_at=looked.seen.changed_at,
        )

    async def _take_snapshot(self) -> datetime | None:
        """Returns the time that the device told by the way."""
        began = self.now()
        taken = await self._senses.snapshot(self._target, self._logins, self._at)
        if taken is None:
            return None
        self._ended(Rung(Step.SNAPSHOT, self.now() - began, taken.reason, taken.detail))
        self._snapshot_reason = taken.reason
        self._notes += taken.notes
        self._image = taken.image
        self._memory = replace(self._memory, seen_snapshot=taken.seen)
        if taken.seen is not None:
            self._measured = replace(self._measured, snapshot_changed_at=taken.seen.changed_at)
        return taken.date

    async def _read_clock(self, date: datetime | None) -> None:
        began = self.now()
        read = await self._senses.clock(self._target, date, self._clock)
        if read is None:
            return
        self._ended(Rung(Step.CLOCK, self.now() - began, read.reason, read.detail))
        self._clock_reason = read.reason
        self._measured = replace(self._measured, clock_offset_s=read.offset_s)
        if read.inexact:
            self._notes.append(Reason.CLOCK_INEXACT)

    async def _ask(self, method: str, uri: str, headers: Fields) -> Response:
        """One request, logged in where the server asks for it; some do so only after DESCRIBE."""

        async def send(fields: Fields) -> Response:
            if self._link.set_up is None and (self._closing or self._link.is_over):
                await self._connect_again()
            link, sent, within = self._link, (*headers, *fields), self._timeouts.answer
            if method == "SETUP":  # a session that is opened when nobody waits any more is never torn down
                within *= PATIENCE_TO_SET_UP
            set_up = link.set_up is not None  # a session would be lost with its connection
            try:
                answer = await link.request(method, uri, sent, timeout=within)
            except LinkError as error:
                ended = error.reason is Reason.CONNECTION_RESET and link.reader.messages > 0
                if set_up or not ended or self._transport is Transport.UDP:
                    raise
                if fields:  # its end came too late to be seen: the next probe knows, this one sends no more
                    self._memory = replace(self._memory, hangs_up=True)
                    raise
                await self._connect_again()
                answer = await self._link.request(method, uri, sent, timeout=within)
            if not set_up:
                self._closing = (answer.headers.get("Connection") or "").lower() == "close"
                if answer.status == 401 and not fields and self._target.credential is not None:
                    await self._expect_hanging_up()
            return answer

        return await self._login.ask(method, uri, send)

    async def _expect_hanging_up(self) -> None:
        """A device may close behind its challenge. No password goes where nobody reads it: it would count."""
        if self._memory.hangs_up is None:
            self._memory = replace(self._memory, hangs_up=await self._link.over_within(HANGING_UP_S))
        if self._closing or self._memory.hangs_up:
            await self._connect_again()

    # --- what was learned ---------------------------------------------------------------------------

    def _time_left(self) -> float:
        return self.deadline - self.now()

    def _uri(self) -> str:
        """One text for request line and digest; no default port, no credentials."""
        target = self._target
        scheme, default = ("rtsps", 322) if target.tls else ("rtsp", 554)
        host = f"[{target.host}]" if ":" in target.host else target.host
        port = "" if target.port == default else f":{target.port}"
        return f"{scheme}://{host}{port}{target.path}"

    def _learned(self, outcome: Outcome, reason: Reason, seconds: float) -> Memory:
        memory, stream = self._memory, self._stream
        gop = memory.gop_s
        if stream is not None and stream.packets and not stream.corrupt:
            waited = stream.keyframe_wait_s if stream.keyframe else stream.span_s
            # Two keyframes tell the distance; waiting for one only tells how long it is at least.
            gop = stream.gop_s or max(waited or 0.0, 0.9 * (gop or 0.0)) or None
        return replace(
            memory,
            algorithm=self._login.algorithm,
            renews=self._login.renews,
            gop_s=gop,
            # After a failure over UDP, TCP is tried first again: a firewall may have come between.
            transport=self._transport if outcome is Outcome.OK else None,
            failures=memory.failures + 1 if outcome is Outcome.FAILING else 0,
            probe_s=seconds if memory.probe_s is None else 0.8 * memory.probe_s + 0.2 * seconds,
            stalled=reason is Reason.RTP_STALLED or (memory.stalled and outcome is not Outcome.OK),
        )

    def _media(self) -> Media | None:
        stream, description = self._stream, self._description
        if stream is None or description is None:
            return None
        if stream.lost > NOTED_LOSS * (stream.packets + stream.lost):
            self._notes.append(Reason.RTP_LOSS)
        keyframe = stream.keyframe
        return Media(
            codec=stream.track.codec,
            width=keyframe.width if keyframe else None,
            height=keyframe.height if keyframe else None,
            fps=stream.fps,
            bitrate_bps=stream.bitrate_bps,
            packets=stream.packets,
            lost=stream.lost,
            transport=self._transport,
        )

    def _ended(self, rung: Rung) -> None:
        self._rungs.append(rung)
        if self._told is not None:
            self._told(rung)

    @contextmanager
    def _rung(self, step: Step) -> Iterator[None]:
        """Time one rung and note how it ended."""
        began = self.now()
        try:
            yield
        except ProbeError as error:
            # A detail may hold the device's own words.
            detail = redact(error.detail, self._secrets)
            self._ended(Rung(step, self.now() - began, error.reason, detail))
            raise
        except (asyncio.CancelledError, TimeoutError):
            self._ended(Rung(step, self.now() - began, Reason.PROBE_BUDGET_EXCEEDED))
            raise
        seconds = self.now() - began
        if seconds > SLOW_S and step in (Step.DESCRIBE, Step.SETUP, Step.PLAY):
            self._notes.append(Reason.SLOW_RESPONSE)
        self._ended(Rung(step, seconds))


class _Flow:
    """The packets of one session as they come in, and waiting for what should come next."""

    def __init__(
        self, connection: RtspConnection, description: Description, now: Callable[[], float], udp: bool
    ) -> None:
        self.stream = RtpStream(description.video, reorder=udp)
        self._connection = connection
        self._channel = 0 if udp else min(connection.reader.channels)
        self._now = now
        self._packet_at = 0.0
        self._enough: Callable[[], bool] = self._any_packet
        connection.on_frames = self._take

    def _take(self, frames: Sequence[Frame]) -> bool:
        before = self.stream.packets
        for channel, packet in frames:
            if channel == self._channel:
                self.stream.push(packet)
        if self.stream.packets > before:  # reports and packets of other sources do not count
            self._packet_at = self._now()
        return self._enough()

    def _any_packet(self) -> bool:
        return self.stream.packets > 0

    def _whole_keyframe(self) -> bool:
        return self.stream.keyframe is not None

    def _two_pictures(self) -> bool:
        return self.stream.pictures > 1

    @staticmethod
    def _never() -> bool:
        return False

    async def first_packet(self, timeout: float) -> None:
        """Raises ``RTP_NONE``."""
        if not await self._until(self._any_packet, timeout, None):
            raise ProbeError(Reason.RTP_NONE, f"no packet in {timeout:g} s after PLAY")

    async def keyframe(self, timeout: float, stall: float) -> bool:
        """Whether a whole keyframe came in time. Raises ``RTP_STALLED``."""
        until = self._now() + timeout
        await self._until(lambda: self._whole_keyframe() or self.stream.within_group, timeout, stall)
        if self._whole_keyframe():
            return True
        # It began in the middle of a group: nobody waits for the single pictures before the keyframe.
        with self._connection.gathering():
            return await self._until(self._whole_keyframe, until - self._now(), stall)

    async def second_picture(self, stall: float) -> None:
        """Raises ``RTP_STALLED`` where the stream ends with its first picture."""
        await self._until(self._two_pictures, stall + FRESH_S, stall)

    async def window(self, seconds: float, stall: float) -> None:
        """Watch packets for a while, at the end of which they must still come. Raises ``RTP_STALLED``."""
        with self._connection.gathering():
            await self._until(self._never, seconds, None)
        if self._now() - self._packet_at > FRESH_S:
            seen = self.stream.packets
            await self._until(lambda: self.stream.packets > seen, stall + FRESH_S, stall)

    async def _until(self, enough: Callable[[], bool], timeout: float, stall: float | None) -> bool:
        """Wait until ``enough()``, at most ``timeout``; with ``stall``, packets must keep coming."""
        self._enough = enough
        deadline = self._now() + timeout
        while not enough():
            left = deadline - self._now()
            silent = self._now() - self._packet_at
            if stall is not None and silent >= stall:
                raise ProbeError(Reason.RTP_STALLED, f"no packet for {silent:.1f} s")
            if left <= 0:
                return False
            await self._connection.wait(left if stall is None else min(left, stall - silent))
        return True


def _named(answer: Response) -> Fields:
    """The session of an answer, as a header for the next request."""
    session, _timeout = parse_session(answer.headers.get("Session") or "")
    return (("Session", session),) if session else ()


def _speaks_of_udp(answer: Response) -> bool:
    said = answer.headers.get("Transport") or ""
    return answer.status < 300 and "client_port" in said and parse_transport(said).interleaved is None


def _is_full(answer: Response) -> bool:
    """Whether a refusal says that all sessions are taken."""
    return answer.status >= 400 and TEXT_OF_FULL_SESSIONS.search(answer.reason) is not None


def _expect_success(method: str, answer: Response) -> None:
    """Raise the reason that a status other than 2xx stands for."""
    if 200 <= answer.status < 300:
        return
    reason = {
        401: Reason.AUTH_REJECTED,
        403: Reason.FORBIDDEN,
        404: Reason.STREAM_NOT_FOUND,
        453: Reason.STREAM_SLOTS_BUSY,
        461: Reason.TRANSPORT_UNSUPPORTED,
        503: Reason.STREAM_SLOTS_BUSY,
    }.get(answer.status)
    if reason is None:
        reason = Reason.RTSP_SERVER_ERROR if answer.status >= 500 else Reason.RTSP_PROTOCOL_ERROR
        if _is_full(answer):
            reason = Reason.STREAM_SLOTS_BUSY
    raise ProbeError(reason, f"{method} {answer.status} {answer.reason}"[:200])
