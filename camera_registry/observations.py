"""What the newest probe of each eye saw, and what was measured of it; never a picture."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import models
from probes.reasons import Check, Outcome
from probes.result import NOTHING_MEASURED, Media, Memory, ProbeResult, Step


def keep_observations(session: Session, fresh: Sequence[tuple[int, ProbeResult]]) -> None:
    """Keep what these results (with their eyes' ids) saw; an older one that came late changes nothing.

    A result without a word on the stream (of a daily survey, say) is no probe of the eye: only what it
    measured is kept. Every eye has its row of ``eye_state``.
    """
    in_order = sorted(fresh, key=lambda pair: pair[1].at)
    _keep_states(session, [(i, r) for i, r in in_order if r.verdict(Check.STREAM) is not None])
    _keep_measures(session, [(i, r) for i, r in in_order if r.measured != NOTHING_MEASURED])


def _keep_states(session: Session, probed: Sequence[tuple[int, ProbeResult]]) -> None:
    states = {
        row.eye_id: row
        for row in session.scalars(
            select(models.EyeState).where(models.EyeState.eye_id.in_({i for i, _ in probed}))
        )
    }
    for eye_id, result in probed:
        state = states[eye_id]
        stream = result.verdict(Check.STREAM)
        if stream is not None and stream.outcome is Outcome.OK:
            state.first_ok_at = min(result.at, state.first_ok_at or result.at)
        if state.probed_at is not None and result.at <= state.probed_at:
            continue
        state.probed_at = result.at
        state.probe_s = result.seconds
        state.depth = result.depth
        state.notes = [str(note) for note in result.notes]
        state.rungs = _rungs(state.rungs, result)
        # A liveness probe measures no frame rate: what a deep one found stays.
        state.media = (state.media or {}) | _plain(result.media) if result.media else state.media
        # Pictures are not stored: what was seen stays in the process that probes.
        state.memory = _plain(replace(result.memory, seen=None, seen_snapshot=None))
        if any(v.outcome is not Outcome.OK for v in result.verdicts):
            state.transcript, state.transcript_at = result.transcript, result.at


def _rungs(before: Sequence[Sequence[Any]], result: ProbeResult) -> list[list[Any]]:
    """The newest of each step, with the moment of its probe: a deep one's further rungs outlive the next."""
    at = result.at.isoformat()
    newest = {
        str(r.step): [str(r.step), round(r.seconds, 4), str(r.reason), r.detail, at] for r in result.rungs
    }
    return list(({rung[0]: list(rung) for rung in before} | newest).values())


def _plain(value: Memory | Media) -> dict[str, Any]:
    return {name: v for name, v in asdict(value).items() if v is not None}


def _keep_measures(session: Session, measured: Sequence[tuple[int, ProbeResult]]) -> None:
    if not measured:
        return
    rows = {
        row.eye_id: row
        for row in session.scalars(
            select(models.EyeMeasures).where(models.EyeMeasures.eye_id.in_({i for i, _ in measured}))
        )
    }
    for eye_id, result in measured:
        if eye_id not in rows:
            rows[eye_id] = models.EyeMeasures(eye_id=eye_id)
            session.add(rows[eye_id])
        _take(rows[eye_id], result)
    session.flush()


def _take(row: models.EyeMeasures, result: ProbeResult) -> None:
    """Each group by itself: what this probe did not measure stays as it was, with the moment it is of."""
    said, at = result.measured, result.at
    if said.sight is not None and _newer(at, row.picture_at):
        row.picture_at, row.picture_s = at, _seconds(result, Step.DECODE)
        row.mode, row.width, row.height = str(said.sight.mode), said.sight.width, said.sight.height
        row.brightness, row.contrast = said.sight.brightness, said.sight.contrast
        row.sharpness, row.similarity = said.sight.sharpness, said.similarity
        row.picture_changed_at = said.picture_changed_at or row.picture_changed_at
    if said.snapshot_changed_at is not None and _newer(at, row.snapshot_at):
        row.snapshot_at, row.snapshot_s = at, _seconds(result, Step.SNAPSHOT)
        row.snapshot_changed_at = said.snapshot_changed_at
    if said.clock_offset_s is not None and _newer(at, row.clock_at):
        row.clock_at, row.clock_s = at, _seconds(result, Step.CLOCK)
        row.clock_offset_s = said.clock_offset_s
    if said.recorded_days is not None and _newer(at, row.recorded_at):
        row.recorded_at, row.recorded_days = at, said.recorded_days


def _newer(at: datetime, known: datetime | None) -> bool:
    return known is None or at > known


def _seconds(result: ProbeResult, step: Step) -> float | None:
    return next((rung.seconds for rung in result.rungs if rung.step is step), None)
