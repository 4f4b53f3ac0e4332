"""The truth ladder of an eye: each rung with how it went the last time, and what was said on it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from camera_registry.queries import CheckRow, EyeDetail, RungRow
from dashboards import transcripts
from probes.reasons import (
    Check,
    Outcome,
    Reason,
    clock_outcome,
    picture_outcome,
    snapshot_outcome,
    stream_outcome,
)
from probes.result import Rung, Step

_JUDGES = {Step.DECODE: picture_outcome, Step.SNAPSHOT: snapshot_outcome, Step.CLOCK: clock_outcome}
_CHECKS = {
    Step.DECODE: Check.PICTURE,
    Step.SNAPSHOT: Check.SNAPSHOT,
    Step.CLOCK: Check.CLOCK,
    Step.RECORDING: Check.RECORDING,
}
_STREAM = frozenset(Step) - _CHECKS.keys()


@dataclass(frozen=True, slots=True)
class Stage:
    """One rung. ``state`` is an ``Outcome``, empty where it was never climbed; ``at`` when its probe began.

    ``missed``: the newest probe ended below it, so what stands here is of an earlier one.
    """

    step: Step
    state: str = ""
    reason: str = Reason.OK
    seconds: float | None = None
    at: datetime | None = None
    detail: str = ""
    said: str = ""
    missed: bool = False


def ladder(detail: EyeDetail) -> Sequence[Stage]:
    """Every rung of an eye in climbing order; of TLS only where it was climbed."""
    rungs = {rung.step: rung for rung in detail.rungs}
    checks = {_step_of(row): row for row in detail.checks if row.check != Check.STREAM}
    said = transcripts.by_step(detail.transcript)
    probed_at = detail.eye.probed_at
    found: list[Stage] = []
    for step in Step:
        rung, check = rungs.get(step), checks.get(step)
        if rung is not None:
            missed = step in _STREAM and probed_at is not None and rung.at < probed_at
            found.append(_climbed(rung, said, detail.transcript_at, missed=missed))
        elif check is not None and check.heard_at is not None:
            found.append(Stage(step, check.state, check.reason, at=check.heard_at))
        elif step is not Step.TLS:
            found.append(Stage(step))
    return found


def climb(rungs: Iterable[Rung], transcript: str = "") -> Sequence[Stage]:
    """The rungs of one probe, as far as it has come."""
    said = transcripts.by_step(transcript)
    return [
        Stage(
            *(rung.step, _outcome(rung.step, rung.reason), rung.reason, rung.seconds),
            detail=rung.detail,
            said=said.get(rung.step, ""),
        )
        for rung in rungs
    ]


def _climbed(rung: RungRow, said: Mapping[Step, str], said_at: datetime | None, *, missed: bool) -> Stage:
    step = Step(rung.step)
    return Stage(
        *(step, _outcome(step, Reason(rung.reason)), rung.reason, rung.seconds, rung.at, rung.detail),
        said=said.get(step, "") if rung.at == said_at else "",
        missed=missed,
    )


def _outcome(step: Step, reason: Reason) -> Outcome:
    return _JUDGES.get(step, stream_outcome)(reason)


def _step_of(row: CheckRow) -> Step:
    return next(step for step, check in _CHECKS.items() if check == row.check)
