"""What a refusal says: a wrong password, a lock and its length, or full sessions."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from probes import logins
from probes.errors import ProbeError
from probes.login_attempt import Attempt, advertised_lock
from probes.logins import NO_TIME, LoginOutcome, LoginState, Permit, Refusal, Status
from probes.reasons import Reason
from probes.result import Credential, LoginKey, Target
from probes.rtsp.messages import Headers
from probes.web import Web
from tests.probes.recording.recorders import Door
from tests.probes.web_server import serving

NOTHING_ELSE = Headers(())


@dataclass(frozen=True)
class Said:
    """An answer of either protocol."""

    status: int = 401
    reason: str = "Unauthorized"
    headers: Headers = NOTHING_ELSE
    body: bytes = b""


RETRY = Headers((("Retry-After", "7200"),))
TAPO = b'{"error_code": -40413, "msg": "Temporary Suspension: please try again after 1784 seconds"}'


@pytest.mark.parametrize(
    ("said", "lasts"),
    [
        pytest.param(
            Said(reason="The device is locked, try it after 5 minutes"), timedelta(minutes=5), id="text"
        ),
        pytest.param(Said(body=TAPO), timedelta(seconds=1784), id="Tapo"),
        pytest.param(Said(reason="Locked", headers=RETRY), timedelta(hours=2), id="Retry-After"),
        pytest.param(Said(reason="User Locked, 1 hour"), timedelta(hours=1), id="an hour"),
        pytest.param(Said(reason="The account is locked"), timedelta(), id="not said"),
    ],
)
def test_a_device_that_is_locked(said: Said, lasts: timedelta) -> None:
    trying = Attempt(Permit(canary=True))
    assert trying.answered(said, refused=True) is Reason.AUTH_LOCKED
    assert (trying.outcome, trying.advertised) == (LoginOutcome.LOCKED, lasts)
    assert advertised_lock(said) == lasts


@pytest.mark.parametrize(
    ("leave", "reason"),
    [
        pytest.param(Permit(canary=True), Reason.AUTH_REJECTED, id="never taken"),
        pytest.param(Permit(canary=False, proven=True), Reason.AUTH_REJECTED, id="taken long ago"),
        pytest.param(
            Permit(canary=False, proven=True, recent=True), Reason.STREAM_SLOTS_BUSY, id="taken a moment ago"
        ),
    ],
)
def test_a_password_that_is_refused(leave: Permit, reason: Reason) -> None:
    trying = Attempt(leave)
    assert trying.answered(Said(), refused=True) is reason
    assert trying.outcome is LoginOutcome.REJECTED


def test_any_other_answer_has_taken_the_password() -> None:
    trying = Attempt(Permit(canary=True))
    assert trying.answered(Said(status=500, reason="locked"), refused=False) is Reason.OK
    assert trying.outcome is LoginOutcome.ACCEPTED


# --- a device that answers 401 because its sessions are full -----------------------------------------


class Timed:
    """A login budget of one key, at a time that the story sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 9, 1, tzinfo=UTC)
        self.state = LoginState()

    async def reserve(self, key: LoginKey) -> Permit | Refusal:
        self.state, answer = logins.reserve(self.state, self.now)
        return answer

    async def settle(self, key: LoginKey, outcome: LoginOutcome, advertised: timedelta = NO_TIME) -> None:
        self.state = logins.settle(self.state, outcome, self.now, advertised)


async def test_full_sessions_are_told_from_a_wrong_password() -> None:
    door, gate, web = Door(lambda _: b"IMAGE"), Timed(), Web()

    async def asked_after(minutes: float) -> Reason:
        gate.now += timedelta(minutes=minutes)
        try:
            await web.request(target, "GET", "/snap.jpg", logins=gate, credential=target.credential)
        except ProbeError as error:
            return error.reason
        return Reason.OK

    async with serving(door) as server:
        target = Target("E", "127.0.0.1", web_port=server.port, credential=Credential("1", "u", "p"))
        assert await asked_after(0) is Reason.OK
        door.open = False  # somebody else took the last session
        assert [await asked_after(1) for _ in range(5)] == [Reason.STREAM_SLOTS_BUSY] * 5
        assert door.refused == 1, "asked once, then left alone"
        door.open = True
        assert await asked_after(1) is Reason.OK
        assert (gate.state.status, gate.state.rejected_at) == (Status.GOOD, ())
        door.open = False  # and now the password is changed
        gate.now += timedelta(minutes=40)
        told = [await asked_after(10) for _ in range(144)]
    await web.close()
    assert set(told) == {Reason.AUTH_REJECTED, Reason.AUTH_SUSPENDED}
    assert door.refused == 1 + 3, "three in the day, and the one that was full sessions"
