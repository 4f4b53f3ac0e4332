"""What ``replay`` says of a city is what the rules, applied by hand, say: eye by eye, month by month."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from camera_registry.replay.answers import Answer, replay
from camera_registry.replay.scenario import read
from tests.replay import city, reckoning
from tests.replay.agreement import differences
from tests.replay.city import City, Shape


@dataclass(frozen=True, slots=True)
class Told:
    """A city, and both answers for each of its months and, last, for all of the time."""

    city: City
    answers: list[Answer]
    reckoned: list[reckoning.Answer]


@pytest.fixture(
    scope="module", params=[pytest.param(city.SUMMER, id="summer"), pytest.param(city.YEAR, id="year")]
)
def told(request: pytest.FixtureRequest) -> Told:
    shape: Shape = request.param
    made = city.make(shape)
    lines = list(city.lines(made, [*city.months(shape), city.whole(shape)]))
    answers = replay(read(line.encode() for line in lines))
    return Told(made, answers, reckoning.reckon(reckoning.read(lines)))


@pytest.mark.timeout(600)
def test_agrees_to_the_second(told: Told) -> None:
    assert len(told.answers) == len(told.reckoned) == len(city.months(told.city.shape)) + 1
    both = zip(told.answers, told.reckoned, strict=True)
    assert [said for one, other in both for said in differences(one, other)] == []


def test_enough_happened_to_prove_something(told: Told) -> None:
    eyes = told.reckoned[-1]["eyes"].values()

    assert len(eyes) == told.city.shape.eyes
    for state in reckoning.STATES:
        assert sum(eye[f"{state}_s"] for eye in eyes) > 0
    assert sum(eye["outages"] for eye in eyes) > len(eyes)
    assert sum(eye["blips"] for eye in eyes) > 10
    assert {eye["usable"] is None for eye in eyes} == {True, False}


def test_the_months_add_up_to_the_whole(told: Told) -> None:
    *months, whole = told.answers
    for name, eye in whole["eyes"].items():
        for state in reckoning.STATES:
            assert sum(month["eyes"][name][f"{state}_s"] for month in months) == pytest.approx(
                eye[f"{state}_s"]
            )


def test_the_flood_is_one_incident_of_each_ward(told: Told) -> None:
    """Of every ward with so many points that enough of them were ok before; in summer none has."""
    shape = told.city.shape
    wards = [ward for ward in told.city.flooded if list(told.city.points.values()).count(ward) >= 10]
    assert len(wards) == (7 if shape is city.YEAR else 0)
    first = datetime.combine(shape.flood, datetime.min.time(), city.ZONE)

    areas = [i for i in told.answers[-1]["incidents"] if i["kind"] == "area"]

    for ward in wards:
        (flood,) = (
            area
            for area in areas
            if area["ancestor"] == ward
            and first <= datetime.fromisoformat(area["started_at"]) < first + timedelta(days=4)
        )
        its = [eye.code for eye in told.city.eyes if told.city.points[eye.point] == ward]
        assert len(flood["eyes"]) > len(its) / 2
        assert set(flood["eyes"]) <= set(its)
