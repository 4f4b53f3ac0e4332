"""The ONVIF face of a simulated camera: whom it answers, what it says, and how it fails to."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from probes.simulator import (
    Auth,
    CameraSpec,
    ClipSpec,
    Codec,
    Fault,
    FaultKind,
    Fleet,
    HttpSpec,
    Malformed,
    Media,
    OnvifSpec,
    Simulator,
    SnapshotUri,
    Token,
    XAddr,
)
from tests.probes.simulator.asker import (
    SERVICES,
    Said,
    ask,
    closed,
    connected,
    envelope,
    heard,
    login,
    say,
    token,
)

SMALL = ClipSpec(width=320, height=180)
PATHS = {service: f"/onvif/{service}_service" for service in SERVICES}


def city(
    *faults: Fault, http: dict[str, Any] | None = None, camera: dict[str, Any] | None = None, **changes: Any
) -> Simulator:
    face = HttpSpec(**(http or {}), onvif=OnvifSpec(**changes))
    settings: dict[str, Any] = {"clip": SMALL, "auth": (Auth.MD5,), "http": face, "faults": faults}
    return Simulator(Fleet((CameraSpec("cam", **(settings | (camera or {}))),)))


def created(offset: float = 0.0) -> str:
    """Now by a clock that is ``offset`` seconds fast, as a token wants it."""
    return f"{datetime.now(UTC) + timedelta(seconds=offset):%Y-%m-%dT%H:%M:%SZ}"


async def call(
    sim: Simulator, operation: str, service: str = "device", inside: str = "", security: str = ""
) -> Said:
    body = envelope(operation, service, inside, security)
    return await ask(sim.web_address_of("cam"), PATHS[service], body=body)


async def signed(sim: Simulator, operation: str, service: str = "device", inside: str = "") -> Said:
    return await call(sim, operation, service, inside, token(created()))


def values(said: Said, name: str) -> list[str]:
    """The texts of all elements with this local name."""
    return re.findall(rf"<(?:\w+:)?{name}(?: [^>]*)?>([^<]*)<", said.text)


# -- the clock ---------------------------------------------------------------------------------------------


def clock_of(said: Said) -> datetime:
    year, month, day, hour, minute, second = (
        int(values(said, name)[0]) for name in ("Year", "Month", "Day", "Hour", "Minute", "Second")
    )
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize("offset", [0.0, -3 * 3600.0, 90.0])
async def test_the_clock_is_told_to_anybody(offset: float) -> None:
    async with city(http={"clock_s": offset}) as sim:
        said = await call(sim, "GetSystemDateAndTime")
        assert abs((clock_of(said) - datetime.now(UTC)).total_seconds() - offset) < 2
        assert sim.counters().logins_accepted == sim.counters().logins_refused == 0


async def test_a_clock_may_ask_for_a_login() -> None:
    async with city(clock_open=False) as sim:
        assert (await call(sim, "GetSystemDateAndTime")).status == 401
        assert (await signed(sim, "GetSystemDateAndTime")).status == 200


async def test_a_clock_may_drift_be_unset_or_missing() -> None:
    async with city(Fault(FaultKind.CLOCK_OFF, value=3600)) as sim:
        assert (
            abs(
                (clock_of(await call(sim, "GetSystemDateAndTime")) - datetime.now(UTC)).total_seconds() - 3600
            )
            < 2
        )
        await sim.play("cam", Fault(FaultKind.CLOCK_UNSET))
        assert clock_of(await call(sim, "GetSystemDateAndTime")).year == 2000
        await sim.play("cam", Fault(FaultKind.CLOCK_MISSING))
        said = await call(sim, "GetSystemDateAndTime")
    assert values(said, "Year") == []
    assert "date" not in said.headers


# -- logins ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ahead", "status"),
    [
        pytest.param(0, 401, id="by our clock"),
        pytest.param(3 * 3600, 200, id="by the camera's"),
        pytest.param(3 * 3600 - 8, 401, id="eight seconds old"),
    ],
)
async def test_a_token_must_be_made_by_the_cameras_clock(ahead: float, status: int) -> None:
    async with city(http={"clock_s": 3 * 3600}, window_s=5) as sim:
        said = await call(sim, "GetDeviceInformation", security=token(created(ahead)))
        assert said.status == status
        assert sim.counters().logins_refused == (status == 401)


async def test_a_bad_token_is_refused_even_where_none_is_asked_for() -> None:
    """Who signs GetSystemDateAndTime by the wrong clock never learns the right one (F010)."""
    async with city(http={"clock_s": 3600}, window_s=5) as sim:
        said = await call(sim, "GetSystemDateAndTime", security=token(created()))
        assert said.status == 401
        assert (await call(sim, "GetSystemDateAndTime")).status == 200


async def test_a_token_may_have_to_end_in_z() -> None:
    async with city(z_only=True) as sim:
        with_offset = created().replace("Z", "+00:00")
        assert (await call(sim, "GetDeviceInformation", security=token(with_offset))).status == 401
        assert (await signed(sim, "GetDeviceInformation")).status == 200


@pytest.mark.parametrize(
    ("how", "by_token", "by_http"),
    [
        pytest.param(Token.EITHER, 200, 200, id="either"),
        pytest.param(Token.DIGEST, 200, 400, id="token"),
        pytest.param(Token.HTTP, 401, 200, id="HTTP Digest"),
    ],
)
async def test_who_asks_is_told_in_one_way_or_in_two(how: Token, by_token: int, by_http: int) -> None:
    body = envelope("GetDeviceInformation")
    async with city(token=how) as sim:
        address = sim.web_address_of("cam")
        assert (await signed(sim, "GetDeviceInformation")).status == by_token
        if how is Token.DIGEST:
            assert (await ask(address, PATHS["device"], body=body)).status == by_http
        else:
            assert (await login(address, PATHS["device"], body=body)).status == by_http


async def test_onvif_may_have_users_of_its_own() -> None:
    async with city(user="onvif", password="other") as sim:
        assert (await signed(sim, "GetDeviceInformation")).status == 401
        own = token(created(), "onvif", "other")
        assert (await call(sim, "GetDeviceInformation", security=own)).status == 200
        await sim.play("cam", Fault(FaultKind.WRONG_PASSWORD))
        assert (await call(sim, "GetDeviceInformation", security=own)).status == 401


async def test_a_camera_without_auth_asks_nobody() -> None:
    async with city(camera={"auth": ()}) as sim:
        assert (await call(sim, "GetDeviceInformation")).status == 200


# -- what it says ------------------------------------------------------------------------------------------


async def test_identity_and_how_it_changes() -> None:
    async with city(http={"serial": "S1", "firmware": "5.6"}) as sim:
        said = [await signed(sim, "GetDeviceInformation")]
        await sim.play("cam", Fault(FaultKind.OTHER_DEVICE))
        said.append(await signed(sim, "GetDeviceInformation"))
        await sim.play("cam", Fault(FaultKind.FIRMWARE))
        said.append(await signed(sim, "GetDeviceInformation"))
    assert [values(each, "SerialNumber") for each in said] == [["S1"], ["S1-OTHER"], ["S1"]]
    assert [values(each, "FirmwareVersion") for each in said] == [["5.6"], ["5.6"], ["5.6.1"]]


@pytest.mark.parametrize(
    ("xaddr", "begin"),
    [
        pytest.param(XAddr.OWN, "http://127.0.0.1:", id="own"),
        pytest.param(XAddr.NAT, "http://10.99.99.99/onvif/", id="NAT"),
        pytest.param(XAddr.DOUBLE_PORT, "http://192.168.1.106:8106:8106/onvif/", id="double port"),
    ],
)
async def test_services_and_the_addresses_they_are_told_at(xaddr: XAddr, begin: str) -> None:
    async with city(xaddr=xaddr, profile_g=True, media=(Media.MEDIA1, Media.MEDIA2)) as sim:
        said = await call(sim, "GetServices")
    addresses = values(said, "XAddr")
    assert len(addresses) == 6
    assert all(address.startswith(begin) for address in addresses)
    assert SERVICES["search"] in values(said, "Namespace")


async def test_get_services_may_be_missing_and_capabilities_tell_less() -> None:
    async with city(services=False, profile_g=True) as sim:
        assert (await call(sim, "GetServices")).status == 400
        said = await call(sim, "GetCapabilities")
    assert said.status == 200
    assert [address.rsplit("/", 1)[1] for address in values(said, "XAddr")] == [
        "device_service", "event_service", "media_service",
    ]  # fmt: skip


async def test_profiles_of_every_channel_and_stream() -> None:
    camera = {"channels": 3, "paths": ("/main/{channel}", "/sub/{channel}")}
    async with city(camera=camera, media=(Media.MEDIA1, Media.MEDIA2)) as sim:
        for service, encoding in (("media", "H264"), ("media2", "H264")):
            said = await signed(sim, "GetProfiles", service)
            assert len(re.findall(r"Profiles token=", said.text)) == 6
            assert set(values(said, "Encoding")) == {encoding}
            inside = "<ProfileToken>profile-2-1</ProfileToken>"
            host, port = sim.address_of("cam")
            uri = await signed(sim, "GetStreamUri", service, inside)
            assert values(uri, "Uri") == [f"rtsp://{host}:{port}/sub/2"]
            host, port = sim.web_address_of("cam")
            uri = await signed(sim, "GetSnapshotUri", service, inside)
            assert values(uri, "Uri") == [f"http://{host}:{port}/snapshot.jpg?channel=2"]


async def test_the_first_media_service_has_no_h265() -> None:
    clip = ClipSpec(Codec.H265, 320, 180)
    async with city(camera={"clip": clip}, media=(Media.MEDIA1, Media.MEDIA2)) as sim:
        assert values(await signed(sim, "GetProfiles", "media"), "Encoding") == []
        assert values(await signed(sim, "GetProfiles", "media2"), "Encoding") == ["H265"]
    async with city(camera={"clip": clip}, media=(Media.MEDIA2,)) as sim:
        assert (await signed(sim, "GetProfiles", "media")).status == 400


@pytest.mark.parametrize(
    ("how", "uri"),
    [
        pytest.param(SnapshotUri.RTSP, r"rtsp://127.0.0.1:\d+/live/1", id="rtsp"),
        pytest.param(SnapshotUri.EMPTY, "", id="empty"),
        pytest.param(SnapshotUri.LOGIN, r"http://.*&amp;user=monitor&amp;password=hidden", id="login"),
        pytest.param(SnapshotUri.FAULT, None, id="fault"),
    ],
)
async def test_snapshot_uris_that_are_none(how: SnapshotUri, uri: str | None) -> None:
    async with city(snapshot_uri=how) as sim:
        said = await signed(sim, "GetSnapshotUri", "media")
    if uri is None:
        assert values(said, "Value") == ["s:Receiver", "ter:ActionNotSupported"]
    else:
        assert re.fullmatch(uri, values(said, "Uri")[0])


async def test_recordings_and_a_search_that_is_ended() -> None:
    async with city(http={"days": 10}, camera={"channels": 2}, profile_g=True) as sim:
        summary = await signed(sim, "GetRecordingSummary", "search")
        begin, end = (datetime.fromisoformat(values(summary, name)[0]) for name in ("DataFrom", "DataUntil"))
        assert round((end - begin) / timedelta(days=1)) == 10
        assert values(summary, "NumberRecordings") == ["2"]
        assert values(await signed(sim, "GetRecordings", "recording"), "SourceId") == ["video-1", "video-2"]
        assert values(await signed(sim, "FindRecordings", "search"), "SearchToken") == ["search-1"]
        assert sim.counters().searches_open == 1
        found = await signed(sim, "GetRecordingSearchResults", "search")
        assert values(found, "RecordingStatus") == ["Recording", "Recording"]
        assert values(found, "SearchState") == ["Completed"]
        await signed(sim, "EndSearch", "search")
        assert sim.counters().searches_open == 0


@pytest.mark.parametrize(
    ("kind", "days", "status"),
    [
        pytest.param(FaultKind.RECORDING_SHORT, 2, "Recording", id="short"),
        pytest.param(FaultKind.RECORDING_STOPPED, 28, "Stopped", id="stopped"),
        pytest.param(FaultKind.DISK_ERROR, 29, "Stopped", id="disk"),
    ],
)
async def test_footage_that_is_too_little_or_too_old(kind: FaultKind, days: int, status: str) -> None:
    async with city(Fault(kind), profile_g=True) as sim:
        found = await signed(sim, "GetRecordingSearchResults", "search")
    begin, end = (datetime.fromisoformat(values(found, name)[0]) for name in ("DataFrom", "DataTo"))
    assert round((end - begin) / timedelta(days=1)) == days
    assert values(found, "RecordingStatus") == [status]


async def test_a_device_may_list_nothing() -> None:
    async with city(Fault(FaultKind.RECORDINGS_HIDDEN), profile_g=True) as sim:
        assert values(await signed(sim, "GetRecordings", "recording"), "RecordingToken") == []


async def test_subscriptions_are_counted() -> None:
    async with city() as sim:
        assert (await signed(sim, "CreatePullPointSubscription", "event")).status == 200
        assert sim.counters().subscriptions == 1


# -- how it fails ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_a_fault_has_any_status(status: int) -> None:
    async with city(fault_status=status, token=Token.DIGEST) as sim:
        said = await call(sim, "GetDeviceInformation")
        assert (said.status, values(said, "Value")) == (status, ["s:Sender", "ter:NotAuthorized"])
        assert (await signed(sim, "GetHostname")).status == status
        await sim.play("cam", Fault(FaultKind.ONVIF_FAULT))
        assert (await call(sim, "GetSystemDateAndTime")).status == status


async def test_an_operation_that_hangs_and_all_of_them() -> None:
    async with city(hang=("GetCapabilities",)) as sim:
        assert await is_silent(sim, "GetCapabilities")
        assert not await is_silent(sim, "GetServices")
        await sim.play("cam", Fault(FaultKind.ONVIF_SILENT))
        assert await is_silent(sim, "GetSystemDateAndTime")
        await sim.play("cam", Fault(FaultKind.ONVIF_HTML))
        assert (await call(sim, "GetSystemDateAndTime")).text.startswith("<html>")


async def is_silent(sim: Simulator, operation: str) -> bool:
    streams = await connected(sim.web_address_of("cam"))
    say(streams, "POST", PATHS["device"], envelope(operation))
    try:
        async with asyncio.timeout(0.15):
            await heard(streams)
    except TimeoutError:
        return True
    finally:
        await closed(streams)
    return False


async def test_a_device_may_hang_up_on_what_it_does_not_know() -> None:
    async with city(drop_unknown=True) as sim:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await signed(sim, "GetHostname")


@pytest.mark.parametrize(
    ("how", "holds"),
    [
        pytest.param(Malformed.BAD_UTF8, b"<tds:Manufacturer>\xce\xc4", id="GBK"),
        pytest.param(Malformed.NO_XMLNS, b"<wsx:Action>", id="no xmlns"),
        pytest.param(Malformed.ENTITIES, b"<!ENTITY", id="entities"),
        pytest.param(Malformed.CUT, b"<tds:SerialNumber>", id="cut"),
    ],
)
async def test_answers_that_are_no_xml(how: Malformed, holds: bytes) -> None:
    async with city(malformed=how) as sim:
        said = await signed(sim, "GetDeviceInformation")
    assert holds in said.body
    assert (how is Malformed.CUT) != said.body.endswith(b">")


async def test_what_is_no_call_is_a_bad_request() -> None:
    async with city() as sim:
        address = sim.web_address_of("cam")
        assert (await ask(address, PATHS["device"], body=b"<nothing/>")).status == 400
        assert (await ask(address, PATHS["device"])).status == 400
