"""Hikvision's ISAPI and Dahua's CGI as a simulated recorder speaks them."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from probes.simulator import Auth, CameraSpec, ClipSpec, Fault, FaultKind, Fleet, HttpSpec, Maker, Simulator
from tests.probes.simulator.asker import ask, login

WALL = timezone(timedelta(hours=7))
ISAPI = "/ISAPI/ContentMgmt"
FIND = "/cgi-bin/mediaFileFind.cgi?action="


def recorder(maker: Maker, *faults: Fault, channels: int = 2, auth: tuple[Auth, ...] = ()) -> Simulator:
    http = HttpSpec(maker=maker, serial="R1", days=10)
    spec = CameraSpec(
        "cam", channels=channels, auth=auth, clip=ClipSpec(width=320, height=180), http=http, faults=faults
    )
    return Simulator(Fleet((spec,)))


async def read(sim: Simulator, path: str, body: bytes = b"") -> str:
    said = await ask(sim.web_address_of("cam"), path, body=body)
    assert said.status == 200, said.text
    return said.text


def texts(document: str, name: str) -> list[str]:
    return re.findall(rf"<{name}>([^<]*)</{name}>", document)


@pytest.mark.parametrize(
    ("maker", "path"),
    [
        (Maker.HIKVISION, f"{ISAPI}/Storage"),
        (Maker.DAHUA, "/cgi-bin/storageDevice.cgi?action=getDeviceAllInfo"),
    ],
)
async def test_who_asks_logs_in_as_everywhere(maker: Maker, path: str) -> None:
    async with recorder(maker, auth=(Auth.MD5,)) as sim:
        address = sim.web_address_of("cam")
        assert (await login(address, path)).status == 200
        assert (await login(address, path, password="guess")).status == 401
        assert sim.counters().logins_refused == 1


# -- Hikvision ---------------------------------------------------------------------------------------------


async def test_isapi_tells_of_device_channels_and_disk() -> None:
    faults = (Fault(FaultKind.NOT_FOUND, channel=2), Fault(FaultKind.DISK_ERROR))
    async with recorder(Maker.HIKVISION, *faults) as sim:
        assert texts(await read(sim, "/ISAPI/System/deviceInfo"), "serialNumber") == ["R1"]
        assert texts(await read(sim, f"{ISAPI}/InputProxy/channels/status"), "online") == ["true", "false"]
        assert texts(await read(sim, f"{ISAPI}/InputProxy/channels"), "name") == ["Camera 01", "Camera 02"]
        assert texts(await read(sim, f"{ISAPI}/Storage"), "status") == ["error"]
        assert texts(await read(sim, f"{ISAPI}/record/tracks"), "id") == ["101", "201"]
        time = texts(await read(sim, "/ISAPI/System/time"), "localTime")[0]
    assert time.endswith("+07:00")
    assert abs(datetime.fromisoformat(time) - datetime.now(UTC)) < timedelta(seconds=3)


async def test_isapi_tells_the_days_of_a_month() -> None:
    async with recorder(Maker.HIKVISION) as sim:
        today = datetime.now(WALL).date()
        days = set[str]()
        for month in {(today - timedelta(days=back)).replace(day=1) for back in range(12)}:
            asked = f"<trackDailyParam><year>{month.year}</year><monthOfYear>{month.month}</monthOfYear>"
            body = (asked + "</trackDailyParam>").encode()
            said = await read(sim, f"{ISAPI}/record/tracks/101/dailyDistribution", body)
            for number, kept in zip(texts(said, "dayOfMonth"), texts(said, "record"), strict=True):
                if kept == "true":
                    days.add(month.replace(day=int(number)).isoformat())
    assert days == {(today - timedelta(days=back)).isoformat() for back in range(11)}


async def test_isapi_says_that_a_resource_is_not_supported() -> None:
    async with recorder(Maker.HIKVISION) as sim:
        said = await ask(sim.web_address_of("cam"), "/ISAPI/Smart/capabilities")
    assert said.status == 403
    assert texts(said.text, "subStatusCode") == ["notSupport"]


# -- Dahua -------------------------------------------------------------------------------------------------


async def test_cgi_tells_of_device_channels_and_disk() -> None:
    faults = (Fault(FaultKind.NOT_FOUND, channel=2), Fault(FaultKind.DISK_ERROR))
    async with recorder(Maker.DAHUA, *faults) as sim:
        assert await read(sim, "/cgi-bin/magicBox.cgi?action=getSerialNo") == "sn=R1\r\n"
        channels = await read(
            sim, "/cgi-bin/LogicDeviceManager.cgi?action=getCameraState&uniqueChannels[0]=-1"
        )
        disks = await read(sim, "/cgi-bin/storageDevice.cgi?action=getDeviceAllInfo")
        time = await read(sim, "/cgi-bin/global.cgi?action=getCurrentTime")
    assert re.findall(r"State=(\w+)", channels) == ["Connected", "Disconnected"]
    assert "Detail[0].IsError=true" in disks
    wall = datetime.strptime(time.strip(), "result=%Y-%m-%d %H:%M:%S").replace(tzinfo=WALL)
    assert abs(wall - datetime.now(UTC)) < timedelta(seconds=3)


async def test_cgi_finds_files_page_by_page_and_gives_the_search_back() -> None:
    async with recorder(Maker.DAHUA) as sim:
        number = (await read(sim, f"{FIND}factory.create")).strip().removeprefix("result=")
        assert sim.counters().searches_open == 1
        span = "&condition.StartTime=2000-01-01%2000:00:00&condition.EndTime=2099-01-01%2000:00:00"
        assert await read(sim, f"{FIND}findFile&object={number}&condition.Channel=2{span}") == "OK\r\n"
        pages = [await read(sim, f"{FIND}findNextFile&object={number}&count=100") for _ in range(4)]
        assert await read(sim, f"{FIND}close&object={number}") == "OK\r\n"
        assert await read(sim, f"{FIND}destroy&object={number}") == "OK\r\n"
        assert sim.counters().searches_open == 0
    assert [page.split("\r\n")[0] for page in pages] == ["found=100", "found=100", "found=40", "found=0"]
    assert "items[0].Channel=1\r\n" in pages[0]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("findFile&object=9", id="no such search"),
        pytest.param("findNextFile", id="no search"),
        pytest.param("delete&object=1", id="another action"),
    ],
)
async def test_cgi_refuses_what_it_does_not_know(query: str) -> None:
    async with recorder(Maker.DAHUA) as sim:
        assert (await ask(sim.web_address_of("cam"), FIND + query)).status == 400


async def test_cgi_has_only_so_many_searches() -> None:
    async with recorder(Maker.DAHUA) as sim:
        address = sim.web_address_of("cam")
        said = [(await ask(address, f"{FIND}factory.create")).status for _ in range(9)]
    assert said == [200] * 8 + [400]
