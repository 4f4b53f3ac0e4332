"""What an eye usually sees: samples of good pictures, medians proposed, and a person who approves.

Samples are figures and a map of edges, never a picture. A baseline counts only once it is approved, in its
own mode (colour or infrared); until then pictures are judged by the absolute rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

import numpy as np
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from camera_registry import audit, models, queries
from camera_registry.audit import Action, Actor
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.inventory import withdrawn_among
from camera_registry.models import Baseline as Row
from camera_registry.models import Device, Eye, PictureSample, Point
from camera_registry.units import Scope
from probes.reasons import Check, Outcome
from probes.result import Mode, ProbeResult

SAMPLED_EVERY = timedelta(hours=1)
LEAST_SAMPLES = 20  # as many as the judge of pictures wants of a baseline
LEAST_SPAN = timedelta(days=2)  # more than one day's light
SAMPLES_KEPT = timedelta(days=7)
TAKEN_BACK_WITHIN = timedelta(minutes=15)
MOST_PROPOSED = 200  # at once: a city's eyes ripen on the same day, and other writers wait


class BaselineError(RegistryError):
    """There is no such baseline to decide on."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A baseline that waits for a person: figures as in ``probes.result.Sight``."""

    eye: str
    name: str
    point_name: str
    mode: Mode
    brightness: float
    contrast: float
    sharpness: float
    samples: int
    proposed_at: datetime


def take_samples(session: Session, fresh: Sequence[tuple[int, ProbeResult]]) -> None:
    """Keep the figures of good pictures (results with their eyes' ids) where a baseline is still wanted.

    At most one an hour and eye: pictures of the same minute say the same.
    """
    good = [
        (eye_id, result)
        for eye_id, result in fresh
        if result.measured.sight is not None
        and (picture := result.verdict(Check.PICTURE)) is not None
        and picture.outcome is Outcome.OK
    ]
    if not good:
        return
    eyes = {eye_id for eye_id, _ in good}
    eyes -= withdrawn_among(session, eyes)
    open_ones = select(Row.eye_id, Row.mode).where(Row.eye_id.in_(eyes), Row.withdrawn_at.is_(None))
    standing = {(row.eye_id, row.mode) for row in session.execute(open_ones)}
    last = {
        row.eye_id: row.at
        for row in session.execute(
            select(PictureSample.eye_id, func.max(PictureSample.at, type_=models.Moment()).label("at"))
            .where(PictureSample.eye_id.in_(eyes))
            .group_by(PictureSample.eye_id)
        )
    }
    rows = []
    for eye_id, result in sorted(good, key=lambda pair: pair[1].at):
        sight = result.measured.sight
        assert sight is not None
        if eye_id not in eyes or (eye_id, str(sight.mode)) in standing:
            continue
        if eye_id in last and result.at - last[eye_id] < SAMPLED_EVERY:
            continue
        last[eye_id] = result.at
        rows.append(
            {
                "eye_id": eye_id,
                "at": result.at,
                "mode": str(sight.mode),
                "brightness": sight.brightness,
                "contrast": sight.contrast,
                "sharpness": sight.sharpness,
                "edges": sight.edges,
            }
        )
    if rows:
        session.execute(insert(PictureSample), rows)


def propose(session: Session, now: datetime) -> int:
    """Make baselines of the samples that suffice for one, at most ``MOST_PROPOSED``; returns how many.

    Each waits for a person.
    """
    standing = select(Row.id).where(
        Row.eye_id == PictureSample.eye_id, Row.mode == PictureSample.mode, Row.withdrawn_at.is_(None)
    )
    first, newest = (make(PictureSample.at, type_=models.Moment()) for make in (func.min, func.max))
    ripe = session.execute(
        select(PictureSample.eye_id, PictureSample.mode, first, newest)
        .where(~standing.exists())
        .group_by(PictureSample.eye_id, PictureSample.mode)
        .having(func.count() >= LEAST_SAMPLES)
    ).all()
    enough = [(eye_id, mode) for eye_id, mode, began, ended in ripe if ended - began >= LEAST_SPAN]
    proposed = [_usual(session, eye_id, mode, now) for eye_id, mode in enough[:MOST_PROPOSED]]
    session.add_all(proposed)
    session.flush()
    return len(proposed)


def forget_samples(session: Session, now: datetime) -> int:
    """Delete samples too old to say how an eye usually looks; returns how many."""
    gone = delete(PictureSample).where(PictureSample.at < now - SAMPLES_KEPT)
    return len(session.execute(gone.returning(PictureSample.eye_id)).all())


def waiting(session: Session, scope: Scope, day: date) -> list[Waiting]:
    """The baselines in scope on ``day`` that wait for a person, the oldest first."""
    points = queries.point_ids(session, scope, day)
    figures = (Row.brightness, Row.contrast, Row.sharpness, Row.samples, Row.proposed_at)
    found = (
        select(Device.point_id, Eye.code, Eye.name, Point.name, Row.mode, *figures)
        .join(Eye, Row.eye_id == Eye.id)
        .join(Device, Eye.device_id == Device.id)
        .join(Point, Device.point_id == Point.id)
        .where(Row.approved_at.is_(None), Row.withdrawn_at.is_(None), Eye.access_withdrawn_at.is_(None))
        .order_by(Row.proposed_at, Eye.code, Row.mode)
    )
    return [
        Waiting(code, name, point_name, Mode(mode), *told)
        for point_id, code, name, point_name, mode, *told in session.execute(found)
        if point_id in points
    ]


def approve(session: Session, eye: Eye, mode: Mode, actor: Actor, now: datetime) -> None:
    """A person has seen a live picture and finds it right: from now on pictures are compared with this.

    Raises ``BaselineError`` where none waits.
    """
    row = _waiting_row(session, eye, mode)
    row.approved_at, row.approved_by = now, actor.name
    _note(session, eye, mode, actor, Action.BASELINE_APPROVED, now, "")


def reject(session: Session, eye: Eye, mode: Mode, actor: Actor, now: datetime, reason: str = "") -> None:
    """The picture is not as it should be: what was learned goes, and learning begins anew.

    Raises ``BaselineError`` where none waits.
    """
    _waiting_row(session, eye, mode).withdrawn_at = now
    session.execute(
        delete(PictureSample).where(PictureSample.eye_id == eye.id, PictureSample.mode == str(mode))
    )
    _note(session, eye, mode, actor, Action.BASELINE_REJECTED, now, reason)


def take_back(session: Session, eye: Eye, mode: Mode, actor: Actor, now: datetime) -> None:
    """The decision that ``actor`` took a moment ago was a slip: the baseline waits again.

    Raises ``BaselineError`` where there is none of the last 15 minutes, or where another stands since.
    """
    decided = session.execute(
        select(Row, models.Audit.at)
        .join(models.Audit, models.Audit.at == func.coalesce(Row.withdrawn_at, Row.approved_at))
        .where(Row.eye_id == eye.id, Row.mode == str(mode))
        .where(models.Audit.subject == f"eye:{eye.code}", models.Audit.who == actor.name)
        .where(models.Audit.action.in_([Action.BASELINE_APPROVED, Action.BASELINE_REJECTED]))
        .where(models.Audit.at >= now - TAKEN_BACK_WITHIN)
        .order_by(models.Audit.at.desc())
    ).first()
    standing = session.scalars(
        select(Row).where(Row.eye_id == eye.id, Row.mode == str(mode), Row.withdrawn_at.is_(None))
    ).all()
    if decided is None or any(row is not decided[0] for row in standing):
        raise BaselineError(
            N_('Nothing decided of the eye "{code}" can be taken back any more.'), code=eye.code
        )
    row = decided[0]
    row.approved_at, row.approved_by, row.withdrawn_at = None, "", None
    _note(session, eye, mode, actor, Action.BASELINE_TAKEN_BACK, now, "")


def reset(session: Session, eye: Eye, actor: Actor, now: datetime, reason: str = "") -> int:
    """The camera was turned or exchanged on purpose: forget all its baselines; returns how many stood."""
    standing = session.scalars(select(Row).where(Row.eye_id == eye.id, Row.withdrawn_at.is_(None))).all()
    for row in standing:
        row.withdrawn_at = now
    session.execute(delete(PictureSample).where(PictureSample.eye_id == eye.id))
    audit.record(session, actor, Action.BASELINES_RESET, f"eye:{eye.code}", now, reason=reason)
    session.flush()
    return len(standing)


def _usual(session: Session, eye_id: int, mode: str, now: datetime) -> Row:
    samples = session.scalars(
        select(PictureSample).where(PictureSample.eye_id == eye_id, PictureSample.mode == mode)
    ).all()
    # The scale of the edges is logarithmic, and so grows with the strength: the median is the same on both.
    edges = np.median([np.frombuffer(sample.edges, np.uint8) for sample in samples], axis=0)
    return Row(
        eye_id=eye_id,
        mode=mode,
        brightness=median(sample.brightness for sample in samples),
        contrast=median(sample.contrast for sample in samples),
        sharpness=median(sample.sharpness for sample in samples),
        edges=np.rint(edges).astype(np.uint8).tobytes(),
        samples=len(samples),
        proposed_at=now,
    )


def _waiting_row(session: Session, eye: Eye, mode: Mode) -> Row:
    row = session.scalar(
        select(Row).where(
            Row.eye_id == eye.id,
            Row.mode == str(mode),
            Row.approved_at.is_(None),
            Row.withdrawn_at.is_(None),
        )
    )
    if row is None:
        raise BaselineError(N_('No baseline of the eye "{code}" waits for approval.'), code=eye.code)
    return row


def _note(
    session: Session, eye: Eye, mode: Mode, actor: Actor, action: Action, now: datetime, reason: str
) -> None:
    detail = {"mode": str(mode)}
    audit.record(session, actor, action, f"eye:{eye.code}", now, detail=detail, reason=reason)
    session.flush()
