"""A live picture of an eye: a small JPEG drawn here, through the same door and login book as a probe."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from camera_registry.inventory import eye_by_code, withdraw_access
from camera_registry.live import LiveError, LiveEye
from camera_registry.monitor import attending
from probes.opencv import cv2
from probes.simulator.faults import Fault, FaultKind
from probes.simulator.fleet import Fleet
from probes.simulator.simulator import Simulator
from tests.camera_registry.watching import camera, shut, watch
from tests.databases import sqlite_in

DEADLINE_S = 60


async def test_what_an_eye_shows_is_drawn_and_no_session_is_left(tmp_path: Path) -> None:
    url = sqlite_in(tmp_path)
    fleet = Fleet((camera("good"), camera("shut", faults=(Fault(FaultKind.REFUSED),))))
    async with Simulator(fleet) as sim, asyncio.timeout(DEADLINE_S):
        monitor = watch(url, tmp_path, sim, lambda: datetime.now(UTC))
        async with attending(monitor) as follower:
            look = LiveEye(monitor)
            jpeg = await asyncio.to_thread(look, "good-1")
            picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
            assert picture is not None
            assert picture.shape == (180, 320, 3)
            looks = await asyncio.gather(*(look.look("good-1") for _ in range(3)), return_exceptions=True)
            assert [type(each) for each in looks] == [bytes, bytes, LiveError]
            assert "Others are taking live pictures" in str(looks[2]), "nobody waits for a place"
            with pytest.raises(LiveError, match="TCP_REFUSED"):
                await look.look("shut-1")
            with monitor.database.transaction() as session:
                withdraw_access(session, eye_by_code(session, "good-1"), datetime.now(UTC))
            await follower.look()
            with pytest.raises(LiveError, match="may not be asked"):
                await look.look("good-1")
        assert sim.counters().sessions_open == 0
        shut(monitor)
