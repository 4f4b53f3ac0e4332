"""What probes prove of a device's security: opened by a note, closed by a probe that would have seen it.

A finding is never health. An eye whose access was withdrawn has none.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.inventory import withdrawn_among
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, ProbeResult


class Evidence(StrEnum):
    """What proves a finding."""

    RTP = "rtp"  # packets of the stream came without a login
    IMAGE = "image"  # an image came without a login
    SDP = "sdp"  # the description of the stream came, not the stream
    HEADER = "header"  # what was sent or asked for in clear
    CERTIFICATE = "certificate"


EVIDENCE: Mapping[Reason, Evidence] = {
    Reason.STREAM_OPEN_NO_AUTH: Evidence.RTP,
    Reason.SNAPSHOT_OPEN_NO_AUTH: Evidence.IMAGE,
    Reason.SDP_OPEN_NO_AUTH: Evidence.SDP,
    Reason.CREDENTIALS_SENT_IN_CLEAR: Evidence.HEADER,
    Reason.TLS_UNTRUSTED: Evidence.CERTIFICATE,
}

# What anyone on the network can see: the rest is said beside it.
EXPOSURES = frozenset({Evidence.RTP, Evidence.IMAGE, Evidence.SDP})

PROLONGED_AFTER = timedelta(minutes=10)  # a finding of each minute is not a write of each minute


def note_findings(session: Session, fresh: Sequence[tuple[int, ProbeResult]]) -> None:
    """Open, prolong and close findings by what these results (with their eyes' ids) say."""
    telling = [(eye_id, result) for eye_id, result in fresh if result.verdict(Check.STREAM) is not None]
    if not telling:
        return
    open_ones = _open(session, {eye_id for eye_id, _ in telling})
    if not open_ones and not any(EVIDENCE.keys() & set(result.notes) for _, result in telling):
        return
    withdrawn = withdrawn_among(session, {eye_id for eye_id, _ in telling})
    for eye_id, result in sorted(telling, key=lambda pair: pair[1].at):
        if eye_id in withdrawn:
            continue
        found = open_ones[eye_id]
        for reason, evidence in EVIDENCE.items():
            if reason in result.notes:
                _seen(session, found, eye_id, reason, evidence, result.at)
            elif reason in found and _would_have_seen(reason, result) and result.at > found[reason].last_at:
                found.pop(reason).gone_at = result.at
    session.flush()


def _seen(
    session: Session,
    found: dict[Reason, models.Finding],
    eye_id: int,
    reason: Reason,
    evidence: Evidence,
    at: datetime,
) -> None:
    known = found.get(reason)
    if known is not None:
        if at - known.last_at >= PROLONGED_AFTER:
            known.last_at = at
        return
    # A late result from before the newest known end tells nothing new.
    ended = select(models.Finding.id).where(
        models.Finding.eye_id == eye_id, models.Finding.reason == reason, models.Finding.gone_at >= at
    )
    if session.scalar(ended.limit(1)) is None:
        found[reason] = models.Finding(
            eye_id=eye_id, reason=str(reason), evidence=str(evidence), first_at=at, last_at=at
        )
        session.add(found[reason])


def _would_have_seen(reason: Reason, result: ProbeResult) -> bool:
    """Whether ``result`` came far enough to find this again."""
    stream, snapshot = result.verdict(Check.STREAM), result.verdict(Check.SNAPSHOT)
    if stream is None or stream.outcome is not Outcome.OK:
        return False
    match EVIDENCE[reason]:
        case Evidence.RTP | Evidence.SDP:
            return True
        case Evidence.IMAGE:
            return snapshot is not None and snapshot.outcome is Outcome.OK
    # Said by RTSP and HTTP alike: only a probe that asked both can miss it.
    return result.depth is Depth.DEEP and (snapshot is None or snapshot.outcome is Outcome.OK)


def _open(session: Session, eye_ids: Collection[int]) -> dict[int, dict[Reason, models.Finding]]:
    found: dict[int, dict[Reason, models.Finding]] = defaultdict(dict)
    rows = select(models.Finding).where(models.Finding.eye_id.in_(eye_ids), models.Finding.gone_at.is_(None))
    for row in session.scalars(rows):
        found[row.eye_id][Reason(row.reason)] = row
    return found
