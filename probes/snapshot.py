"""A snapshot over HTTP: is it an image, and is it fresh.

The first bytes decide what it is, not the status and not what HTTP calls it. Whatever the stream shows says
nothing here, and the other way round: each is asked for by itself.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from probes.errors import ImageError, ProbeError, WebError, WebTimeout, WebTooLarge, WorkerError
from probes.logins import LoginGate
from probes.picture import stands_still, watch
from probes.reasons import Reason
from probes.result import Seen, Sight, Target
from probes.senses import Runner
from probes.sight import Glance, glance_at_image
from probes.web import DEFAULT_LIMITS, Web, WebAnswer, WebLimits

LOOK_S: Final = 3.0  # in a worker, at most
RETRY_S: Final = 1.0  # cameras that were asleep say 503, or nothing, the first time (python-amcrest #232)
SLOW_S: Final = 3.0
DAMAGED: Final = 0.25  # of the rows: the decoder filled them in


@dataclass(frozen=True, slots=True)
class SnapshotTaken:
    """``reason`` is ``OK`` or why there is no fresh image.

    ``seen`` is the series of this eye's snapshots, grown by this one; ``date`` the device's own word for the
    time (UTC), where its answer held one; ``anonymous`` means that no password was asked for. ``seconds`` is
    how long the device took.
    """

    reason: Reason
    detail: str = ""
    notes: tuple[Reason, ...] = ()
    sight: Sight | None = None
    seen: Seen | None = field(default=None, repr=False)
    date: datetime | None = None
    anonymous: bool = False
    seconds: float = 0.0
    image: bytes = field(default=b"", repr=False)


async def take(
    target: Target,
    web: Web,
    logins: LoginGate,
    workers: Runner,
    now: datetime,
    *,
    retry_s: float = RETRY_S,
    limits: WebLimits = DEFAULT_LIMITS,
) -> SnapshotTaken:
    """Fetch and look at one snapshot of ``target``, which has a ``snapshot_path``.

    Never raises for what a camera does. A camera that was not ready is asked again after ``retry_s``; each
    time it has what ``limits`` allow.
    """
    seen = target.memory.seen_snapshot
    path = target.snapshot_path or ""
    if not path.startswith("/"):  # some firmware names an RTSP address here (XM530)
        return SnapshotTaken(Reason.SNAPSHOT_URI_INVALID, "the path does not begin with /", seen=seen)
    try:
        answer = await _fetch(target, web, logins, path, retry_s, limits)
    except ProbeError as error:
        return SnapshotTaken(_reason_of(error), error.detail, seen=seen)
    notes = answer.notes + ((Reason.SLOW_RESPONSE,) if answer.seconds > SLOW_S else ())
    taken = SnapshotTaken(
        Reason.OK,
        notes=notes,
        seen=seen,
        date=answer.date,
        anonymous=answer.anonymous,
        seconds=answer.seconds,
    )
    try:
        glance = await _look(answer, workers)
    except ProbeError as error:
        return replace(taken, reason=_reason_of(error), detail=error.detail)
    if answer.anonymous:
        notes += (Reason.SNAPSHOT_OPEN_NO_AUTH,)  # proven: it was an image
    seen = watch(seen, glance, now)
    reason = Reason.SNAPSHOT_STALE if stands_still(seen) else Reason.OK
    if glance.sight.broken > DAMAGED:
        reason = Reason.SNAPSHOT_TRUNCATED
    return replace(taken, reason=reason, notes=notes, sight=glance.sight, seen=seen, image=answer.body)


async def _fetch(
    target: Target, web: Web, logins: LoginGate, path: str, retry_s: float, limits: WebLimits
) -> WebAnswer:
    """One image, asked for a second time where the camera was not ready. Raises ``ProbeError``."""
    answer = await _get(target, web, logins, path, limits)
    if answer.status == 503 or (answer.status == 200 and not answer.body):
        await asyncio.sleep(retry_s)
        answer = await _get(target, web, logins, path, limits)
    if answer.status == 403:
        raise ProbeError(Reason.FORBIDDEN, "the account may not take snapshots")
    if answer.status != 200:
        raise ProbeError(Reason.SNAPSHOT_HTTP_ERROR, f"HTTP {answer.status}")
    return answer


async def _get(target: Target, web: Web, logins: LoginGate, path: str, limits: WebLimits) -> WebAnswer:
    # Caches on the way would give the same picture for a while; a query of ours might break a signature.
    fresh = (("Cache-Control", "no-cache"),)
    return await web.request(
        target, "GET", path, logins=logins, credential=target.credential, headers=fresh, limits=limits
    )


async def _look(answer: WebAnswer, workers: Runner) -> Glance:
    if not answer.body:
        raise ImageError(Reason.SNAPSHOT_NOT_IMAGE, "an empty answer")
    if not answer.whole:
        raise ImageError(Reason.SNAPSHOT_TRUNCATED, "the connection ended before the image did")
    return await workers.run(LOOK_S, glance_at_image, answer.body)


def _reason_of(error: ProbeError) -> Reason:
    """What an error of the ways to an image is called for a snapshot."""
    match error:
        case WebTimeout():
            return Reason.SNAPSHOT_TIMEOUT
        case WebTooLarge():
            return Reason.SNAPSHOT_TOO_LARGE
        case WebError():
            return Reason.SNAPSHOT_HTTP_ERROR
        case WorkerError(reason=Reason.DECODE_FAILED):
            return Reason.SNAPSHOT_NOT_IMAGE
        case _:
            return error.reason
