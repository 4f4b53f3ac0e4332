"""A recorder is commissioned: asked who it is, its channels made into eyes once somebody agrees."""

from collections.abc import Iterator

import orjson
import pytest
from sqlalchemy import delete, select, update

from camera_registry import models
from camera_registry.facts import Change
from tests.servers import free_port
from tests.stories.programs import LONG_AGO, City, Home, opened, register, simulated

HOST = "127.32.0.1"
FLEET = """
[[recorder]]
name = "r"
channels = 2
host = "127.32.0.1"
port = {port}
password = "c4nary-p4ssw0rd"
auth = ["md5"]
[recorder.http]
port = {web}
firmware = "4.30.1"
[recorder.http.onvif]
"""


@pytest.fixture
def recorder(home: Home) -> Iterator[City]:
    """Registered with its first channel, not started; the port of its ONVIF is known."""
    web = free_port(HOST)
    with simulated(home, FLEET.format(port=free_port(HOST), web=web)) as city:
        register(home, city.fleet, interval_s=60, started=False)
        with opened(home) as database, database.transaction() as session:
            session.execute(delete(models.Eye).where(models.Eye.code == "r-2"))
            session.execute(update(models.Device).values(onvif_port=web))
        yield city


@pytest.mark.usefixtures("recorder")
def test_a_recorder_is_commissioned(home: Home) -> None:
    """Beside ``serve``, which asks; what it told is proposed, then written, then known."""
    with home.serve():
        proposed = home.run("commission", "r", "--json")
        assert proposed.returncode == 0, proposed.stderr
        told = orjson.loads(proposed.stdout)
        assert told["identity"]["firmware"] == "4.30.1"
        assert [(e["channel"], e["code"], e["known"]) for e in told["eyes"]] == [
            (1, "r-1", True),
            (2, "r-01", False),
        ]
        written = home.run("commission", "r", "--apply")
        assert "1 mắt mới" in written.stdout
    again = home.run("commission", "r", "--apply")
    assert "0 mắt mới, 0 mắt" in again.stdout, "without serve the command asks itself; nothing is new"
    with opened(home) as database, database.reading() as session:
        device = session.scalars(select(models.Device)).one()
        eye = session.scalars(select(models.Eye).where(models.Eye.code == "r-01")).one()
        assert (device.firmware, eye.channel, eye.started_at) == ("4.30.1", 2, None)
        assert eye.path == "/Streaming/Channels/202", "the sub stream, as the device's row chooses"
    for text in (proposed.stdout, written.stdout, again.stdout, proposed.stderr):
        assert "c4nary" not in text


@pytest.mark.usefixtures("recorder")
def test_another_device_and_a_login_wait_for_a_person(home: Home) -> None:
    retried = home.run("login", "retry", "r")
    assert "Lượt kiểm tra tới" in retried.stdout, retried.stderr
    with opened(home) as database, database.transaction() as session:
        device = session.scalars(select(models.Device)).one()
        session.add(
            models.DeviceEvent(
                device_id=device.id, at=LONG_AGO, kind=Change.SERIAL, before="AAAA1111", after="BBBB2222"
            )
        )
    assert "BBBB2222" in home.run("device", "changes").stdout
    assert home.run("device", "confirm", "r").returncode == 0
    assert home.run("device", "confirm", "r").returncode == 1, "nothing waits any more"
    with opened(home) as database, database.reading() as session:
        assert session.scalars(select(models.Device)).one().serial == "BBBB2222"
        actions = session.scalars(select(models.Audit.action).order_by(models.Audit.id)).all()
        assert actions == ["login_tried", "device_confirmed"]
