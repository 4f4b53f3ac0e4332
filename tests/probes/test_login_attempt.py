"""What a refusal says: a wrong password, a lock and its length, or full sessions."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from probes.login_attempt import Attempt, advertised_lock
from probes.logins import LoginOutcome, Permit
from probes.reasons import Reason
from probes.rtsp.messages import Headers

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
