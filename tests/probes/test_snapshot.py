"""Snapshots over HTTP: what is an image, what is none, and what is the same one again."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.decode import decode_image, image_size
from probes.errors import ImageError
from probes.reasons import Outcome, Reason, snapshot_outcome
from probes.result import Credential, Memory, Target
from probes.senses import Here
from probes.snapshot import SnapshotTaken, take
from probes.web import Web
from tests.probes.climbing import Gate
from tests.probes.pictures import jpeg, png, street
from tests.probes.web_server import Asked, Reply, reply, serving

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
FILE = jpeg(street())
PATH = "/snap.jpg"
FRESH = Memory()
CHALLENGE = 'WWW-Authenticate: Digest realm="cam", nonce="n1", qop="auth"'


def claiming(width: int, height: int) -> bytes:
    """The file with another size in its start of frame."""
    at = FILE.index(b"\xff\xc0")
    return FILE[: at + 5] + struct.pack(">HH", height, width) + FILE[at + 9 :]


def png_claiming(width: int, height: int) -> bytes:
    whole = png(street())
    head = b"IHDR" + struct.pack(">II", width, height) + whole[24:29]
    return whole[:12] + head + struct.pack(">I", zlib.crc32(head)) + whole[33:]


def multipart(body: bytes) -> bytes:
    part = b"--x\r\nContent-Type: image/jpeg\r\n\r\n" + body + b"\r\n--x\r\n"
    return b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n" + part


async def taken(
    answering: Callable[[Asked], Reply], memory: Memory = FRESH, now: datetime = NOON, path: str = PATH
) -> SnapshotTaken:
    web = Web()
    try:
        async with serving(answering) as server:
            target = Target(
                "E1",
                "127.0.0.1",
                web_port=server.port,
                snapshot_path=path,
                credential=Credential("1", "monitor", "loopback-only"),
                memory=memory,
            )
            return await take(target, web, Gate(), Here(), now, retry_s=0.01)
    finally:
        await web.close()


def giving(file: bytes) -> Callable[[Asked], Reply]:
    return lambda _: reply(200, file)


# --- what a file says of itself ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "size"),
    [
        pytest.param(FILE, (640, 360), id="JPEG"),
        pytest.param(FILE + b"\0" * 200, (640, 360), id="JPEG with padding"),
        pytest.param(FILE[:2] + b"\xff\xff" + FILE[2:], (640, 360), id="JPEG with fill bytes"),
        pytest.param(png(street()), (640, 360), id="PNG"),
        pytest.param(claiming(30000, 30000), (30000, 30000), id="a bomb"),
    ],
)
def test_a_size_is_read_without_decoding(data: bytes, size: tuple[int, int]) -> None:
    assert image_size(data) == size


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"<html>Error</html>", Reason.SNAPSHOT_NOT_IMAGE, id="HTML"),
        pytest.param(b"", Reason.SNAPSHOT_NOT_IMAGE, id="nothing"),
        pytest.param(b"\xff\xd8\xff\xd9", Reason.SNAPSHOT_TRUNCATED, id="JPEG of two markers"),
        pytest.param(b"\xff\xd8" + b"junk" * 20, Reason.SNAPSHOT_NOT_IMAGE, id="JPEG of junk"),
        pytest.param(FILE[:20], Reason.SNAPSHOT_TRUNCATED, id="JPEG, cut in its head"),
        pytest.param(FILE[: len(FILE) // 2], Reason.SNAPSHOT_TRUNCATED, id="JPEG, half"),
        pytest.param(FILE[:-1], Reason.SNAPSHOT_TRUNCATED, id="JPEG without its last byte"),
        pytest.param(png(street())[:-20], Reason.SNAPSHOT_TRUNCATED, id="PNG without its end"),
        pytest.param(claiming(30000, 30000), Reason.SNAPSHOT_TOO_LARGE, id="JPEG of 900 Mpx"),
        pytest.param(claiming(640, 0), Reason.SNAPSHOT_TOO_LARGE, id="JPEG without height"),
        pytest.param(png_claiming(30000, 30000), Reason.SNAPSHOT_TOO_LARGE, id="PNG of 900 Mpx"),
    ],
)
def test_what_is_not_decoded(data: bytes, reason: Reason) -> None:
    with pytest.raises(ImageError) as error:
        decode_image(data)
    assert error.value.reason is reason


@given(st.integers(0, len(FILE) - 1), st.binary(max_size=16))
def test_damage_is_a_picture_or_our_error(at: int, noise: bytes) -> None:
    try:
        picture = decode_image(FILE[:at] + noise + FILE[at + len(noise) :])
        assert picture.luma.shape == picture.chroma[0].shape
    except ImageError:
        pass


# --- over HTTP --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(reply(200, FILE), Reason.OK, id="a JPEG"),
        pytest.param(reply(200, png(street())), Reason.OK, id="a PNG"),
        pytest.param(reply(200, FILE, "Content-Type: text/html"), Reason.OK, id="a JPEG called HTML"),
        pytest.param(multipart(FILE), Reason.OK, id="the first of an endless series"),
        pytest.param(
            reply(200, b"<html>", "Content-Type: image/jpeg"),
            Reason.SNAPSHOT_NOT_IMAGE,
            id="HTML called JPEG",
        ),
        pytest.param(reply(200, FILE[:9000]), Reason.SNAPSHOT_TRUNCATED, id="a cut file"),
        pytest.param(reply(200, FILE)[:-100], Reason.SNAPSHOT_TRUNCATED, id="less than announced"),
        pytest.param(reply(200, claiming(30000, 30000)), Reason.SNAPSHOT_TOO_LARGE, id="a bomb"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", Reason.SNAPSHOT_TOO_LARGE, id="too long"
        ),
        pytest.param(reply(200), Reason.SNAPSHOT_NOT_IMAGE, id="empty, twice"),
        pytest.param(reply(404), Reason.SNAPSHOT_HTTP_ERROR, id="404"),
        pytest.param(reply(503), Reason.SNAPSHOT_HTTP_ERROR, id="503, twice"),
        pytest.param(reply(403), Reason.FORBIDDEN, id="403"),
        pytest.param(b"junk\r\n\r\n", Reason.SNAPSHOT_HTTP_ERROR, id="no HTTP"),
        pytest.param(reply(401, b"", CHALLENGE), Reason.AUTH_REJECTED, id="a wrong password"),
        pytest.param(
            reply(302, b"", "Location: http://127.0.0.9/x"), Reason.SNAPSHOT_HTTP_ERROR, id="to another host"
        ),
    ],
)
async def test_an_answer_is_judged(answer: bytes, reason: Reason) -> None:
    assert (await taken(lambda _: answer)).reason is reason


async def test_an_rtsp_address_is_no_path() -> None:
    found = await taken(lambda _: reply(200, FILE), path="rtsp://127.0.0.1/stream")
    assert found.reason is Reason.SNAPSHOT_URI_INVALID


async def test_nobody_listens() -> None:
    web = Web()
    async with serving(lambda _: reply()) as server:
        pass
    target = Target("E1", "127.0.0.1", web_port=server.port, snapshot_path=PATH)
    found = await take(target, web, Gate(), Here(), NOON)
    await web.close()
    assert found.reason is Reason.TCP_REFUSED


async def test_a_camera_that_wakes_up_is_asked_twice() -> None:
    answers = [reply(503), reply(200, FILE)]
    found = await taken(lambda _: answers.pop(0))
    assert (found.reason, answers) == (Reason.OK, [])


async def test_an_image_without_a_password_is_a_finding_and_an_error_page_is_none() -> None:
    opened = await taken(lambda _: reply(200, FILE))
    page = await taken(lambda _: reply(200, b"<html>"))
    assert (opened.anonymous, Reason.SNAPSHOT_OPEN_NO_AUTH in opened.notes) == (True, True)
    assert Reason.SNAPSHOT_OPEN_NO_AUTH not in page.notes

    def asks(asked: Asked) -> bytes:
        return reply(200, FILE) if asked.headers.get("Authorization") else reply(401, b"", CHALLENGE)

    closed = await taken(asks)
    assert (closed.reason, closed.anonymous, closed.notes) == (Reason.OK, False, ())


async def test_the_devices_own_time_comes_with_the_answer() -> None:
    found = await taken(lambda _: reply(200, FILE, "Date: Tue, 01 Sep 2026 12:00:07 GMT"))
    assert found.date == NOON + timedelta(seconds=7)


async def test_the_same_file_three_times_is_stale_and_a_new_one_fresh() -> None:
    memory = Memory()
    said = []
    for minute, file in enumerate([FILE, FILE, FILE, jpeg(street(live=1))]):
        now = NOON + minute * timedelta(minutes=5)
        found = await taken(giving(file), memory, now)
        memory = replace(memory, seen_snapshot=found.seen)
        said.append(found.reason)
    assert said == [Reason.OK, Reason.OK, Reason.SNAPSHOT_STALE, Reason.OK]


async def test_what_failed_leaves_the_series_as_it_was() -> None:
    first = await taken(lambda _: reply(200, FILE))
    failed = await taken(lambda _: reply(404), Memory(seen_snapshot=first.seen))
    assert failed.seen is first.seen


def test_no_snapshot_at_all_is_off_and_a_refused_login_unknown() -> None:
    assert snapshot_outcome(Reason.SNAPSHOT_UNSUPPORTED) is Outcome.OFF
    assert snapshot_outcome(Reason.AUTH_SUSPENDED) is Outcome.UNKNOWN
    assert snapshot_outcome(Reason.SNAPSHOT_STALE) is Outcome.FAILING
