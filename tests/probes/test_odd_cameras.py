"""Cameras that are alive, or dead, in ways of their own, as public sources tell of them."""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain, count, repeat

import pytest

from probes.digest import is_answer_of, parse_authorization
from probes.logins import Status
from probes.reasons import Outcome, Reason
from probes.result import Credential, Depth, Memory, ProbeResult, Step, Target, Transport
from probes.rtsp.messages import Request
from probes.simulator.simulator import self_signed
from tests.probes.climbing import QUICK, Gate, credential, probe
from tests.probes.hostile import PAUSE_S, SDP, Answering, LastWord, RtspTrap, answer, frame
from tests.probes.rtsp.packets import clip, rtp, stream

LOGIN = credential("monitor", "loopback-only")
SETUP = ("Session: 1;timeout=60", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
OK = (Outcome.OK, Reason.OK)
PATIENT = replace(QUICK, keyframe=4.0, longest_keyframe=4.0)


def pictures(payload_type: int = 96, channel: int = 0) -> Iterator[bytes]:
    """A clip without end, a keyframe every third picture."""
    last = b""
    for packet in stream("H264", clip("H264") * 1000):
        if packet[4:8] != last[4:8]:
            yield b""
        last = packet
        yield frame(channel, packet[:1] + bytes((packet[1] & 0x80 | payload_type,)) + packet[2:])


def playing(request: Request) -> Iterator[bytes]:
    return chain([answer(request)], pictures())


def playing_as(payload_type: int) -> Answering:
    return lambda request: chain([answer(request)], pictures(payload_type))


HEALTHY: dict[str, Answering] = {
    "DESCRIBE": lambda request: answer(request, body=SDP),
    "SETUP": lambda request: answer(request, "200 OK", *SETUP),
    "PLAY": playing,
    "TEARDOWN": answer,
}


class OddCamera(RtspTrap):
    """Healthy but for ``answers``; ``seen`` are its requests, ``open`` the sessions that nobody ended."""

    def __init__(self, **answers: Answering) -> None:
        super().__init__(**HEALTHY | answers)
        self.seen: list[Request] = []
        self.open = 0
        self.answers = {method: self._noting(method, said) for method, said in self.answers.items()}

    def _noting(self, method: str, answering: Answering) -> Answering:
        def note(request: Request) -> bytes | Iterator[bytes]:
            self.seen.append(request)
            said = answering(request)
            accepted = isinstance(said, bytes) and said.startswith(b"RTSP/1.0 200")
            self.open += accepted * {"SETUP": 1, "TEARDOWN": -1}.get(method, 0)
            return said

        return note

    @property
    def asked(self) -> list[str]:
        return [request.method for request in self.seen]


async def judged(
    camera: OddCamera,
    gate: Gate | None = None,
    login: Credential | None = None,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    **known: object,
) -> ProbeResult:
    """One probe of it, which leaves no session behind."""
    memory = Memory(**known)  # type: ignore[arg-type]  # fields by name
    async with camera.listening(tls):
        target = Target(
            "E1", host, camera.port, "/live", tls=tls is not None, credential=login, memory=memory
        )
        result = await probe(target, Depth.LIVENESS, gate, PATIENT, record=True)
        assert await camera.open_connections() == 0
    assert camera.open == 0, result.transcript
    return result


def said(result: ProbeResult) -> tuple[Outcome, Reason]:
    return result.verdicts[0].outcome, result.verdicts[0].reason


def describing(sdp: str) -> dict[str, Answering]:
    return {"DESCRIBE": lambda request: answer(request, body=sdp)}


def refusing(status: str, when: Callable[[Request], bool], otherwise: Answering = playing) -> Answering:
    return lambda request: answer(request, status) if when(request) else otherwise(request)


def ranged(request: Request) -> bool:
    return request.headers.get("Range") is not None


def not_of_the_track(request: Request) -> bool:
    return not request.uri.endswith("/track1")


def numbered(number: Callable[[int], int], answering: Answering) -> Answering:
    """Answers under other numbers than the requests have."""

    def say(request: Request) -> bytes | Iterator[bytes]:
        right = int(request.headers.get("CSeq") or 0)
        data = answering(request)
        if isinstance(data, bytes):
            return data.replace(b"CSeq: %d" % right, b"CSeq: %d" % number(right))
        return (piece.replace(b"CSeq: %d" % right, b"CSeq: %d" % number(right)) for piece in data)

    return say


def all_numbered(number: Callable[[int], int]) -> dict[str, Answering]:
    return {method: numbered(number, answering) for method, answering in HEALTHY.items()}


def set_up_as(*fields: str) -> dict[str, Answering]:
    return {"SETUP": lambda request: answer(request, "200 OK", *fields)}


TWO_VIDEOS = "v=0\r\nm=video 0 RTP/AVP 97\r\n{}a=control:track0\r\n" + SDP.removeprefix("v=0\r\n")
BACKCHANNEL = "a=rtpmap:97 H264/90000\r\na=sendonly\r\n"
ANALYSIS = "a=rtpmap:97 vnd.onvif.metadata/90000\r\n"
TWO_TYPES = SDP.replace("AVP 96", "AVP 98 96").replace("a=rtpmap", "a=rtpmap:98 H265/90000\r\na=rtpmap", 1)


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(all_numbered(lambda number: number - 1), id="the number before (Foscam C1)"),
        pytest.param(all_numbered(lambda number: 1), id="every answer is number 1"),
        *(
            pytest.param({"PLAY": refusing(status, ranged)}, id=f"no Range: {status}")
            for status in (
                "457 Invalid Range",
                "456 Header Field Not Valid for Resource",
                "451 Parameter Not Understood",
                "501 Not Implemented",
                "400 Bad Request",
            )
        ),
        pytest.param({"PLAY": refusing("459 Aggregate", not_of_the_track)}, id="only the track plays"),
        pytest.param(
            {
                "DESCRIBE": lambda request: answer(
                    request, "200 OK", f"Content-Base: {request.uri}/", body=SDP
                ),
                "PLAY": refusing("405 Method Not Allowed", lambda request: request.uri.endswith("/")),
            },
            id="no slash at the end (PTZOptics)",
        ),
        pytest.param({"PLAY": lambda request: pictures()}, id="PLAY is not answered, and plays"),
        pytest.param(set_up_as("Session: 1"), id="no Transport (gortsplib #456)"),
        pytest.param(set_up_as(SETUP[1]), id="no Session"),
        pytest.param(set_up_as("Session: ", SETUP[1]), id="an empty Session (Panasonic)"),
        pytest.param(
            set_up_as(SETUP[1])
            | {"PLAY": lambda request: chain([answer(request, "200 OK", "Session: 7")], pictures())},
            id="the Session comes with PLAY (mediamtx #822)",
        ),
        pytest.param(set_up_as("Session: a~$1'{b}; timeout=", SETUP[1]), id="a strange Session"),
        pytest.param(describing(TWO_VIDEOS.format(BACKCHANNEL)), id="a screen of a door station before it"),
        pytest.param(describing(TWO_VIDEOS.format(ANALYSIS)), id="an analysis before it"),
        pytest.param(describing(TWO_TYPES), id="the second payload type of two (gortsplib #65)"),
        pytest.param({"PLAY": playing_as(99)}, id="a payload type that was not told"),
        pytest.param(describing(SDP.rstrip() + "\0"), id="the end of a C string behind the SDP"),
        pytest.param(describing("\ufeff" + SDP), id="a byte order mark"),
        pytest.param(
            {"DESCRIBE": lambda request: LastWord(answer(request, body=SDP))}, id="closes behind its SDP"
        ),
        pytest.param(
            {
                "DESCRIBE": lambda request: (
                    answer(request, body=SDP)
                    if request.uri.endswith("/new")
                    else answer(request, "303 See Other", "Location: /new")
                )
            },
            id="moved",
        ),
    ],
)
async def test_a_camera_with_ways_of_its_own_is_alive(answers: dict[str, Answering]) -> None:
    camera = OddCamera(**answers)
    result = await judged(camera)
    assert said(result) == OK, result.transcript
    assert result.media is not None
    assert result.media.codec == "H264"
    assert result.media.width == 160, "and a keyframe was seen"
    assert not any(request.uri.endswith("/track0") for request in camera.seen)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        pytest.param("457 Invalid Range", Reason.RTSP_PROTOCOL_ERROR, id="whatever it is asked"),
        pytest.param("404 Not Found", Reason.STREAM_NOT_FOUND, id="not there"),
        pytest.param("500 Internal Server Error", Reason.RTSP_SERVER_ERROR, id="broken"),
        pytest.param("500 Too many users", Reason.STREAM_SLOTS_BUSY, id="full, in words"),
        pytest.param("400 Max connections reached", Reason.STREAM_SLOTS_BUSY, id="full, in other words"),
        pytest.param("403 Forbidden", Reason.FORBIDDEN, id="forbidden"),
    ],
)
async def test_a_camera_that_does_not_play_is_torn_down(status: str, reason: Reason) -> None:
    camera = OddCamera(PLAY=lambda request: answer(request, status))
    result = await judged(camera)
    assert said(result)[1] is reason
    plays = Counter(camera.asked)["PLAY"]
    assert plays == (1 if reason in (Reason.STREAM_SLOTS_BUSY, Reason.FORBIDDEN) else 3)


# --- what comes is no picture ---------------------------------------------------------------------------


def one_picture_and_then(more: Iterable[bytes]) -> Answering:
    def say(request: Request) -> Iterator[bytes]:
        first = [frame(0, packet) for packet in stream("H264", clip("H264")[:1])]
        return chain([answer(request)], first, more)

    return say


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(b"\x81\xc8\0\6" + bytes(24), id="reports on the channel of RTP"),
        pytest.param(rtp(b"\x41" + bytes(50), payload_type=50), id="another payload type (Geovision)"),
        pytest.param(b"\x80", id="stumps"),
    ],
)
async def test_a_camera_that_stopped_is_not_kept_alive_by_what_is_no_picture(packet: bytes) -> None:
    camera = OddCamera(PLAY=one_picture_and_then(chain.from_iterable(repeat((frame(0, packet), b"")))))
    assert said(await judged(camera)) == (Outcome.FAILING, Reason.RTP_STALLED)


async def test_junk_of_a_payload_type_that_nobody_announced_is_no_stream() -> None:
    junk = (frame(0, rtp(bytes(50), sequence=number, payload_type=50)) for number in count())
    slowly = chain.from_iterable(zip(junk, repeat(b""), strict=False))
    camera = OddCamera(PLAY=lambda request: chain([answer(request)], slowly))
    assert said(await judged(camera)) == (Outcome.FAILING, Reason.RTP_NONE)


# --- logging in -----------------------------------------------------------------------------------------


class Guard:
    """Answers with a challenge until the right password comes; ``refused`` counts others.

    ``fresh``: each request needs the nonce of the last challenge, and none is called stale. ``closes``:
    the connection ends behind a challenge. ``of`` are the methods that it guards.
    """

    def __init__(
        self,
        *of: str,
        fresh: bool = False,
        closes: bool = False,
        says: str = "",
        realm: str = "r",
        rights: bool = True,
    ) -> None:
        self.refused = 0
        self._of = of or ("DESCRIBE", "SETUP", "PLAY", "TEARDOWN")
        self._fresh, self._closes, self._says, self._realm = fresh, closes, says, realm
        self._rights = rights
        self._nonces = count()
        self._nonce = ""
        self._told: set[str] = set()
        self.cnonces: set[str] = set()

    def __call__(self, answering: Answering) -> Answering:
        def say(request: Request) -> bytes | Iterator[bytes]:
            given = request.headers.get("Authorization") or ""
            known = {self._nonce} if self._fresh else self._told
            if given and is_answer_of(given, LOGIN, request.method, known):
                self.cnonces.add(parse_authorization(given)[1].get("cnonce", ""))
                if self._fresh:
                    self._nonce = ""
                if self._rights or request.method == "DESCRIBE":
                    return answering(request)
            self.refused += bool(given)
            self._nonce = f"n{next(self._nonces)}"
            self._told.add(self._nonce)
            challenge = f'WWW-Authenticate: Digest realm="{self._realm}", nonce="{self._nonce}", qop="auth"'
            fields = (challenge, self._says) if self._says else (challenge,)
            refusal = answer(request, "401 Unauthorized", *fields)
            return LastWord(refusal) if self._closes else refusal

        return say

    @property
    def answers(self) -> dict[str, Answering]:
        return {method: self(said) if method in self._of else said for method, said in HEALTHY.items()}


@pytest.mark.parametrize(
    ("guard", "refusals"),
    [
        pytest.param(Guard(), 0, id="by the book"),
        pytest.param(Guard(closes=True), 0, id="closes behind its challenge (VStarcam)"),
        pytest.param(Guard(closes=True, says="Connection: close"), 0, id="closes, and says so"),
        pytest.param(Guard(says="Connection: Close"), 0, id="only says so"),
        pytest.param(Guard("SETUP", "PLAY"), 0, id="from SETUP on"),
        pytest.param(Guard("PLAY"), 0, id="PLAY alone"),
        pytest.param(Guard("TEARDOWN", "DESCRIBE"), 0, id="the ends"),
        pytest.param(Guard(fresh=True), 1, id="a nonce for each request"),  # which the first old one tells
    ],
)
async def test_a_password_is_taken_in_many_ways(guard: Guard, refusals: int) -> None:
    gate = Gate()
    result = await judged(OddCamera(**guard.answers), gate, LOGIN)
    assert said(result) == OK, result.transcript
    assert (guard.refused, gate.refused) == (refusals, 0)
    assert [state.status for state in gate.states.values()] == [Status.GOOD]
    assert len(guard.cnonces) == (4 if refusals else 1), "one for each nonce (RFC 7616, 3.4.2)"


async def test_a_camera_that_hangs_up_is_known_the_next_time() -> None:
    guard = Guard(closes=True)
    first = await judged(OddCamera(**guard.answers), None, LOGIN)
    assert first.memory.hangs_up
    again = OddCamera(**guard.answers)
    assert said(await judged(again, None, LOGIN, hangs_up=True)) == OK
    assert again.connections == 2
    book = await judged(OddCamera(**Guard().answers), None, LOGIN)
    assert book.memory.hangs_up is False, "and of others it is not waited for again"


async def test_a_new_nonce_is_no_help_where_the_account_may_not() -> None:
    """Tried once, and then never again: each try is a password that was refused."""
    guard = Guard(rights=False)
    first = await judged(OddCamera(**guard.answers), None, LOGIN)
    assert said(first) == (Outcome.UNKNOWN, Reason.FORBIDDEN)
    assert guard.refused == 2
    later = await judged(OddCamera(**guard.answers), None, LOGIN, renews=first.memory.renews)
    assert said(later) == (Outcome.UNKNOWN, Reason.FORBIDDEN)
    assert guard.refused == 3


async def test_a_nonce_for_each_request_is_asked_for_once_that_is_known() -> None:
    guard, gate = Guard(fresh=True), Gate()
    first = await judged(OddCamera(**guard.answers), gate, LOGIN)
    assert (first.memory.renews, guard.refused) == (True, 1)
    later = await judged(OddCamera(**guard.answers), gate, LOGIN, renews=True)
    assert (said(later), later.memory.renews) == (OK, True)
    assert (guard.refused, gate.refused) == (1, 0)
    book = await judged(OddCamera(**Guard().answers), gate, LOGIN, renews=True)
    assert said(book) == OK, "and who knows his nonces better now is asked all the same"


async def test_a_realm_that_is_no_utf_8_is_hashed_as_it_came() -> None:
    """Some cameras put their name there, in the letters of their maker's country."""
    realm = "\u6444\u50cf\u673a".encode("gbk").decode("utf-8", "surrogateescape")
    guard = Guard(realm="REALM")

    def in_gbk(answering: Answering) -> Answering:
        def say(request: Request) -> bytes | Iterator[bytes]:
            data = answering(request)
            return (
                data.replace(b"REALM", realm.encode("utf-8", "surrogateescape"))
                if isinstance(data, bytes)
                else data
            )

        return say

    camera = OddCamera(**{method: in_gbk(said) for method, said in guard.answers.items()})
    result = await judged(camera, None, LOGIN)
    assert said(result) == OK, result.transcript
    given = camera.seen[1].headers.get("Authorization") or ""
    assert parse_authorization(given)[1]["realm"] == realm
    assert result.transcript.isascii()


# --- how RTP travels ------------------------------------------------------------------------------------


def over_udp_only(
    refusal: str, source: str = "127.0.0.1", told: str = "server_port=9000-9001", *, always: bool = False
) -> Answering:
    """Sends a clip to the ports that are offered, from ``source``; or speaks of UDP ``always``."""

    def say(request: Request) -> bytes:
        offered = request.headers.get("Transport") or ""
        if "client_port=" not in offered:
            udp = f"Transport: RTP/AVP/UDP;unicast;client_port=5000-5001;{told}"
            return answer(request, "200 OK", "Session: 1", udp) if always else answer(request, refusal)
        port = int(offered.partition("client_port=")[2].partition("-")[0])
        with ExitStack() as stack:
            sender = stack.enter_context(socket.socket(type=socket.SOCK_DGRAM))
            sender.bind((source, 0))
            for packet in stream("H264", clip("H264")):
                sender.sendto(packet, ("127.0.0.1", port))
        return answer(request, "200 OK", "Session: 1", f"Transport: {offered};{told}")

    return say


@pytest.mark.parametrize(
    "setting_up",
    [
        pytest.param(over_udp_only("461 Unsupported Transport"), id="461"),
        pytest.param(over_udp_only("400 Bad Request"), id="another refusal of TCP"),
        pytest.param(over_udp_only("551 Option not supported"), id="a third one"),
        pytest.param(over_udp_only("461 Unsupported Transport", told="x"), id="no port of the server"),
        pytest.param(over_udp_only("461 Unsupported Transport", told="server_port=0-1"), id="a port of none"),
    ],
)
async def test_udp_serves_where_tcp_is_refused(setting_up: Answering) -> None:
    result = await judged(OddCamera(SETUP=setting_up, PLAY=answer))
    assert result.media is not None
    assert result.media.transport is Transport.UDP
    assert result.media.packets > 0


async def test_tcp_that_is_answered_to_udp_is_taken() -> None:
    result = await judged(OddCamera(), transport=Transport.UDP)
    assert said(result) == OK, result.transcript
    assert result.memory.transport is Transport.TCP


async def test_a_pair_of_ports_serves_all_tries_to_set_up() -> None:
    camera = OddCamera(SETUP=lambda request: answer(request, "404 Not Found"))
    await judged(camera, transport=Transport.UDP)
    offers = [request.headers.get("Transport") for request in camera.seen if request.method == "SETUP"]
    assert len(offers) > 1
    assert len(set(offers)) == 1


async def test_packets_may_come_from_another_address_of_the_camera() -> None:
    setting_up = over_udp_only("461 Unsupported Transport", "127.0.0.2", "source=127.0.0.2")
    result = await judged(OddCamera(SETUP=setting_up, PLAY=answer))
    assert result.media is not None
    assert result.media.packets > 0


@pytest.mark.parametrize(
    ("attributes", "reply", "picture"),
    [
        pytest.param("a=key-mgmt:mikey AQ==\r\n", SETUP[1], True, id="plain within TLS (MediaMTX)"),
        pytest.param(
            "a=key-mgmt:mikey AQ==\r\n", "Transport: RTP/SAVP/TCP;interleaved=0-1", False, id="SRTP"
        ),
        pytest.param(
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n", SETUP[1], False, id="its key is fixed"
        ),
    ],
)
async def test_a_stream_that_is_offered_as_srtp(attributes: str, reply: str, picture: bool) -> None:
    answers = describing(SDP.replace("RTP/AVP", "RTP/SAVP") + attributes) | set_up_as("Session: 1", reply)
    result = await judged(OddCamera(**answers), tls=self_signed())
    assert said(result) == OK, result.transcript
    assert result.media is not None
    assert (Step.KEYFRAME in [rung.step for rung in result.rungs]) is picture, "and is it looked at"


async def test_a_name_may_have_an_address_that_the_camera_does_not_listen_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def both(*_: object, **__: object) -> list[tuple[object, ...]]:
        kind = (socket.SOCK_STREAM, 6, "")
        return [
            (socket.AF_INET6, *kind, ("::1", 1, 0, 0)),
            (socket.AF_INET, *kind, ("127.0.0.1", 1)),
            (socket.AF_INET, *kind, ("127.0.0.9", 1)),
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    assert said(await judged(OddCamera(), host="camera.example")) == OK


async def test_a_camera_that_is_slow_to_set_up_is_torn_down() -> None:
    def slowly(request: Request) -> Iterator[bytes]:
        camera.open += 1
        pauses = int(1.2 * QUICK.answer / PAUSE_S)
        return chain(repeat(b"", pauses), [answer(request, "200 OK", *SETUP)])

    camera = OddCamera(SETUP=slowly)
    assert said(await judged(camera)) == OK


async def test_udp_that_is_answered_to_tcp_is_given_back_and_asked_for() -> None:
    """As libstreaming does, which reads no Transport."""
    result = await judged(OddCamera(SETUP=over_udp_only("", always=True), PLAY=answer))
    assert result.media is not None
    assert result.media.transport is Transport.UDP
    assert result.media.packets > 0
