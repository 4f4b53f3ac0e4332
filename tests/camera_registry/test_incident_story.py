"""What happened in an incident, and what is said to somebody who stands before it."""

from datetime import UTC, datetime, timedelta

import pytest

from camera_registry import first_aid, incident_story
from camera_registry.handling import Deed, Note
from camera_registry.incident_story import Turn
from camera_registry.incidents import NETWORK_CLASS, Kind
from camera_registry.outages import Away, IncidentRow
from probes.reasons import LOGIN, Reason

START = datetime(2026, 9, 1, 5, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_eyes_of_one_minute_are_told_together() -> None:
    away = (
        Away("E2", "P1", at(7), at(1_810)),
        Away("E1", "P1", at(0), at(1_800)),
        Away("E3", "P1", at(300), None),
    )
    row = IncidentRow(1, Kind.POINT, "P1", "", at(0), at(120), at(1_810), away)
    notes = [Note(Deed.ACKNOWLEDGED, at(600), "hoa", "", None)]
    events = incident_story.story(row, notes, at(4_000))
    assert [(event.turn, event.at, event.eyes) for event in events] == [
        (Turn.BEGAN, at(0), ("E1", "E2")),
        (Turn.ANNOUNCED, at(120), ()),
        (Turn.JOINED, at(300), ("E3",)),
        (Turn.NOTE, at(600), ()),
        (Turn.BACK, at(1_800), ("E1", "E2")),
        (Turn.ENDED, at(1_810), ()),
    ]
    assert events[3].note == notes[0]


def test_what_is_still_to_come_is_not_told() -> None:
    row = IncidentRow(1, Kind.EYE, "E1", "", at(0), at(120), None, (Away("E1", "P1", at(0), None),))
    assert [event.turn for event in incident_story.story(row, [], at(60))] == [Turn.BEGAN]


@pytest.mark.parametrize("kind", Kind)
def test_somebody_is_always_told_something(kind: Kind) -> None:
    assert first_aid.MEANINGS[kind]
    for reason in Reason:
        steps = first_aid.steps(kind, [reason])
        assert steps
        assert len(steps) == len(set(steps))


def test_what_to_look_at() -> None:
    assert all("power" in " ".join(first_aid.steps(Kind.EYE, [reason])) for reason in NETWORK_CLASS)
    assert all("Do not try passwords" in " ".join(first_aid.steps(Kind.EYE, [reason])) for reason in LOGIN)
    assert first_aid.steps(Kind.AREA, ["TCP_TIMEOUT"])[0].startswith("Ask neighbours")
    assert "Nothing" in first_aid.steps(Kind.EYE, ["SNAPSHOT_TIMEOUT"])[0]
    mixed = first_aid.steps(Kind.POINT, ["SNAPSHOT_TIMEOUT", "PICTURE_BLURRED"])
    assert not any(step.startswith("Nothing") for step in mixed)
