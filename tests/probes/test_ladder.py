"""The ladder against the simulator: each way a camera can be, and what an honest probe says of it."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from probes.logins import Status
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, Memory, ProbeResult, Step, Target, Transport
from probes.rtsp.messages import Request
from probes.simulator.clips import ClipSpec, Codec
from probes.simulator.faults import Fault, FaultKind
from probes.simulator.fleet import Auth, CameraSpec, Carries, Fleet, Start
from probes.simulator.kinds import OF_DEVICE, OF_STREAM
from probes.simulator.simulator import Simulator
from tests.probes.climbing import QUICK, Gate, credential, probe
from tests.probes.hostile import RtspTrap, answer

SMALL = ClipSpec(width=320, height=180)
GOOD = credential("monitor", "loopback-only")
WRONG = credential("monitor", "a-wrong-password")


def camera(**spec: object) -> CameraSpec:
    return CameraSpec(name="camera", clip=spec.pop("clip", SMALL), **spec)  # type: ignore[arg-type]  # fields by name


def target_of(sim: Simulator, channel: int = 1, **changes: object) -> Target:
    host, port = sim.address_of("camera")
    spec = sim.spec_of("camera")
    given: dict[str, object] = {
        "credential": GOOD if spec.auth else None,
        "tls": spec.tls,
        "path": spec.path(channel),
    }
    return Target(eye="E1", host=host, port=port, **(given | changes))  # type: ignore[arg-type]  # fields by name


def said(result: ProbeResult, check: Check = Check.STREAM) -> tuple[Outcome, Reason] | None:
    verdict = result.verdict(check)
    return (verdict.outcome, verdict.reason) if verdict else None


FAULTS = [
    pytest.param(Fault(kind), id=kind.value)
    for kind in sorted(OF_DEVICE | OF_STREAM)
    if kind not in (FaultKind.TLS, FaultKind.LONG_GOP, FaultKind.SLOW)
]


@pytest.mark.parametrize("depth", [Depth.LIVENESS, Depth.DEEP], ids=str)
@pytest.mark.parametrize("fault", FAULTS)
async def test_each_fault_is_judged_as_the_simulator_means_it(fault: Fault, depth: Depth) -> None:
    async with Simulator(Fleet((camera(auth=(Auth.MD5,), faults=(fault,)),))) as sim:
        result = await probe(target_of(sim), depth)
        truth = sim.truth("camera", 1, sim.at())
        for verdict in result.verdicts:
            assert truth.accepts(verdict.check, verdict.outcome, verdict.reason), result
        if fault.kind is not FaultKind.TEARDOWN_IGNORED:
            assert sim.counters().sessions_dropped == 0
        assert sim.counters().sessions_open == 0


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({}, id="no password"),
        pytest.param({"auth": (Auth.MD5,)}, id="Digest MD5, qop"),
        pytest.param({"auth": (Auth.MD5,), "qop": False}, id="Digest MD5 of RFC 2069"),
        pytest.param({"auth": (Auth.SHA256,)}, id="SHA-256 only"),
        pytest.param({"auth": (Auth.MD5_SESS,)}, id="MD5-sess"),
        pytest.param({"auth": (Auth.SHA256_SESS,)}, id="SHA-256-sess"),
        pytest.param({"auth": (Auth.MD5, Auth.SHA256)}, id="MD5 first, SHA-256 second"),
        pytest.param({"auth": (Auth.BASIC, Auth.MD5)}, id="Basic offered beside Digest"),
        pytest.param({"auth": (Auth.MD5,), "stale_once": True}, id="a stale nonce"),
        pytest.param({"tls": True, "auth": (Auth.MD5,)}, id="rtsps"),
        pytest.param({"transport": Carries.UDP, "auth": (Auth.MD5,)}, id="UDP only"),
        pytest.param({"transport": Carries.TCP}, id="TCP only"),
        pytest.param({"start": Start.IDR}, id="begins at a keyframe"),
        pytest.param({"clip": ClipSpec(codec=Codec.H265, width=320, height=180)}, id="H.265"),
        pytest.param({"clip": ClipSpec(codec=Codec.MJPEG, width=320, height=176)}, id="MJPEG"),
        pytest.param(
            {"clip": ClipSpec(codec=Codec.H265, width=320, height=180), "transport": Carries.UDP},
            id="H.265 over UDP",
        ),
    ],
)
async def test_a_healthy_camera_is_ok_whatever_it_speaks(spec: dict[str, object]) -> None:
    async with Simulator(Fleet((camera(**spec),))) as sim:
        gate = Gate()
        result = await probe(target_of(sim), Depth.DEEP, gate)
        assert said(result) == (Outcome.OK, Reason.OK), result
        assert said(result, Check.PICTURE) == (Outcome.OK, Reason.OK), result
        assert result.media is not None
        assert (result.media.width, result.media.height) == (320, sim.spec_of("camera").clip.height)
        counted = sim.counters()
        assert (counted.sessions_opened, counted.sessions_dropped, counted.logins_refused) == (1, 0, 0)
        assert all(state.status is Status.GOOD for state in gate.states.values())


async def test_the_rungs_tell_how_far_it_went() -> None:
    async with Simulator(Fleet((camera(tls=True),))) as sim:
        deep = await probe(target_of(sim), Depth.DEEP)
        climbed = list(Step)[: list(Step).index(Step.DECODE) + 1]
        assert [rung.step for rung in deep.rungs] == climbed
        live = await probe(target_of(sim), Depth.LIVENESS)
        assert [rung.step for rung in live.rungs] == climbed[:-1]
        assert live.verdict(Check.PICTURE) is None
        await sim.play("camera", Fault(FaultKind.BUSY))
        busy = await probe(target_of(sim))
        assert (busy.rungs[-1].step, busy.rungs[-1].reason) == (Step.SETUP, Reason.STREAM_SLOTS_BUSY)


async def test_a_refused_password_is_tried_once_and_then_only_anonymously() -> None:
    async with Simulator(Fleet((camera(auth=(Auth.MD5,), lock_after=3),))) as sim:
        gate = Gate()
        target = target_of(sim, credential=WRONG)
        first = await probe(target, gate=gate)
        assert said(first) == (Outcome.UNKNOWN, Reason.AUTH_REJECTED)
        for _ in range(5):
            later = await probe(target, gate=gate)
            assert said(later) == (Outcome.UNKNOWN, Reason.AUTH_REJECTED)
            assert Step.DESCRIBE in [rung.step for rung in later.rungs]
        assert (sim.counters().logins_refused, sim.counters().locks) == (1, 0)


async def test_a_lock_that_is_told_is_named() -> None:
    spec = camera(auth=(Auth.MD5,), lock_after=1, lock_told=True)
    async with Simulator(Fleet((spec,))) as sim:
        await probe(target_of(sim, credential=WRONG))
        assert said(await probe(target_of(sim))) == (Outcome.UNKNOWN, Reason.AUTH_LOCKED)


async def test_no_password_is_sent_in_clear_unless_allowed() -> None:
    async with Simulator(Fleet((camera(auth=(Auth.BASIC,)),))) as sim:
        refused = await probe(target_of(sim))
        assert said(refused) == (Outcome.UNKNOWN, Reason.AUTH_BASIC_REFUSED_BY_POLICY)
        assert sim.counters().logins_accepted == sim.counters().logins_refused == 0
        allowed = await probe(target_of(sim, basic_allowed=True))
        assert said(allowed) == (Outcome.OK, Reason.OK)
        assert Reason.CREDENTIALS_SENT_IN_CLEAR in allowed.notes


async def test_a_password_is_needed_and_there_is_none() -> None:
    async with Simulator(Fleet((camera(auth=(Auth.MD5,)),))) as sim:
        result = await probe(target_of(sim, credential=None))
        assert said(result) == (Outcome.UNKNOWN, Reason.AUTH_REQUIRED_NO_CREDENTIALS)


async def test_udp_is_remembered() -> None:
    async with Simulator(Fleet((camera(transport=Carries.UDP),))) as sim:
        first = await probe(target_of(sim), Depth.LIVENESS)
        assert first.memory.transport is Transport.UDP
        before = sim.counters().requests
        again = await probe(target_of(sim, memory=first.memory), Depth.LIVENESS)
        assert said(again) == (Outcome.OK, Reason.OK)
        assert sim.counters().requests - before == 4  # DESCRIBE, SETUP, PLAY, TEARDOWN


async def test_a_remembered_udp_is_forgotten_where_only_tcp_works() -> None:
    async with Simulator(Fleet((camera(transport=Carries.TCP),))) as sim:
        result = await probe(target_of(sim, memory=Memory(transport=Transport.UDP)), Depth.LIVENESS)
        assert said(result) == (Outcome.OK, Reason.OK), result
        assert result.memory.transport is Transport.TCP


async def test_a_stream_that_shows_no_keyframe_stays_alive_however_often_it_is_asked() -> None:
    """What was learned must not make a probe wait longer than its budget lets it."""
    short = replace(QUICK, keyframe=1.0, longest_keyframe=6.0, session=3.5)
    async with Simulator(Fleet((camera(faults=(Fault(FaultKind.NO_KEYFRAME),)),))) as sim:
        memory = Memory()
        for _ in range(3):
            result = await probe(target_of(sim, memory=memory), Depth.LIVENESS, timeouts=short)
            assert said(result) == (Outcome.OK, Reason.OK), result
            assert Reason.KEYFRAME_NOT_SEEN in result.notes
            memory = result.memory


@pytest.mark.parametrize("hangs_up", [True, False], ids=["hangs up", "keeps silent"])
async def test_a_password_that_gets_no_answer_is_not_sent_again(hangs_up: bool) -> None:
    """So some devices refuse, and so a locked one may look."""
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        with suppress(asyncio.IncompleteReadError):
            while request := await reader.readuntil(b"\r\n\r\n"):
                if b"Authorization" in request:
                    sent += 1
                    if hangs_up:
                        break
                    continue
                challenge = 'WWW-Authenticate: Digest realm="r", nonce="n"'
                writer.write(f"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n{challenge}\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        gate = Gate()
        target = Target("E1", "127.0.0.1", server.sockets[0].getsockname()[1], credential=GOOD)
        for _ in range(4):
            assert said(await probe(target, gate=gate)) == (Outcome.UNKNOWN, Reason.AUTH_REJECTED)
    assert sent == 1


async def test_a_long_distance_between_keyframes_is_learned_and_then_waited_for() -> None:
    long = camera(faults=(Fault(FaultKind.LONG_GOP, value=4),), start=Start.LIVE)
    async with Simulator(Fleet((long,))) as sim:
        memory, seen = Memory(), []
        for _ in range(4):
            result = await probe(target_of(sim, memory=memory), Depth.LIVENESS)
            assert said(result) == (Outcome.OK, Reason.OK), result
            seen.append(Reason.KEYFRAME_NOT_SEEN not in result.notes)
            memory = result.memory
        assert memory.gop_s is not None
        assert memory.gop_s > 1


async def test_after_a_stall_the_stream_is_watched_longer() -> None:
    async with Simulator(Fleet((camera(start=Start.IDR),))) as sim:
        short = await probe(target_of(sim), Depth.LIVENESS)
        watched = await probe(target_of(sim, memory=Memory(stalled=True)), Depth.LIVENESS)
        assert watched.seconds > short.seconds
        assert not watched.memory.stalled


async def test_failures_in_a_row_are_remembered() -> None:
    async with Simulator(Fleet((camera(faults=(Fault(FaultKind.REFUSED),)),))) as sim:
        first = await probe(target_of(sim))
        second = await probe(target_of(sim, memory=first.memory))
        assert (first.memory.failures, second.memory.failures) == (1, 2)
        await sim.play("camera")
        assert (await probe(target_of(sim, memory=second.memory))).memory.failures == 0


async def test_a_cancelled_probe_still_tears_its_session_down() -> None:
    async with Simulator(Fleet((camera(faults=(Fault(FaultKind.NO_KEYFRAME),)),))) as sim:
        task = asyncio.create_task(probe(target_of(sim)))
        while sim.counters().sessions_open == 0:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (sim.counters().sessions_open, sim.counters().sessions_dropped) == (0, 0)


async def test_a_probe_cancelled_while_it_sets_up_leaves_no_session_behind() -> None:
    slow = camera(faults=(Fault(FaultKind.SLOW, value=0.1),))
    async with Simulator(Fleet((slow,))) as sim:
        task = asyncio.create_task(probe(target_of(sim)))
        while sim.counters().requests < 2:  # SETUP has been sent, and not answered
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        counted = sim.counters()
        assert (counted.sessions_opened, counted.sessions_open, counted.sessions_dropped) == (1, 0, 0)


async def test_a_probe_cancelled_while_it_keeps_how_its_login_ended_tears_its_session_down() -> None:
    torn = []

    def open_to_all_but_players(request: Request) -> bytes:
        if request.headers.get("Authorization"):
            return answer(request, "200 OK", "Session: 1", "Transport: RTP/AVP/TCP;interleaved=0-1")
        return answer(request, "401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="n"')

    def torn_down(request: Request) -> bytes:
        torn.append(request.headers.get("Session"))
        return answer(request)

    class SlowGate(Gate):
        keeping = asyncio.Event()

        async def settle(self, *told: Any) -> None:
            self.keeping.set()
            await asyncio.sleep(0.1)
            await super().settle(*told)

    gate = SlowGate()
    async with RtspTrap(SETUP=open_to_all_but_players, TEARDOWN=torn_down).listening() as camera:
        target = Target(eye="E1", host="127.0.0.1", port=camera.port, path="/live", credential=GOOD)
        task = asyncio.create_task(probe(target, gate=gate))
        await gate.keeping.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert torn == ["1"]


async def test_a_path_that_goes_while_it_plays_keeps_its_session_until_it_is_torn_down() -> None:
    async with Simulator(Fleet((camera(faults=(Fault(FaultKind.NO_KEYFRAME),)),))) as sim:
        task = asyncio.create_task(probe(target_of(sim)))
        while sim.counters().sessions_open == 0:
            await asyncio.sleep(0.01)
        await sim.play("camera", Fault(FaultKind.NOT_FOUND))
        await task
        assert (sim.counters().sessions_open, sim.counters().sessions_dropped) == (0, 0)


async def test_no_transcript_holds_a_password() -> None:
    async with Simulator(Fleet((camera(auth=(Auth.BASIC,)),))) as sim:
        for basic in (False, True):
            result = await probe(target_of(sim, basic_allowed=basic), record=True)
            assert "DESCRIBE" in result.transcript
            assert GOOD.password not in result.transcript
            assert "bW9uaXRvcjps" not in result.transcript  # the beginning of Basic's base64
            assert GOOD.password not in repr(result)
