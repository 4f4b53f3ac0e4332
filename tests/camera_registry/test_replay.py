"""Scenarios replayed: the vectors of the definition of truth, stories beside them, what is no scenario."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from camera_registry import figures
from camera_registry.cli import app
from camera_registry.figures import Group
from camera_registry.replay.answers import Answer, replay
from camera_registry.replay.playing import play
from camera_registry.replay.scenario import ScenarioError, read
from camera_registry.units import Scope
from probes.reasons import Check

VECTORS = Path(__file__).parents[1] / "data" / "replay"
NAMES = sorted(path.stem for path in VECTORS.glob("*.jsonl"))
STATES = ("up_s", "degraded_s", "down_s", "unknown_s", "maintenance_s", "not_in_service_s")
FIGURES = {
    *STATES, "availability", "usable", "coverage", "usable_coverage", "outages", "longest_outage_s", "mttr_s",
    "mtbf_s", "blips",
}  # fmt: skip

Line = Mapping[str, Any]


def told(lines: Iterable[Line]) -> list[bytes]:
    return [json.dumps(line).encode() for line in lines]


def answers(lines: Iterable[Line]) -> list[Answer]:
    return replay(read(told(lines)))


def answer_of(vector: str) -> Answer:
    with (VECTORS / f"{vector}.jsonl").open("rb") as file:
        (answer,) = replay(read(file))
    return answer


def differences(answer: Any, expected: Any, path: str = "answer") -> Iterator[str]:
    """What ``answer`` says otherwise; where ``expected`` says nothing, anything is right."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            if key not in answer:
                yield f"{path}.{key} is missing"
            else:
                yield from differences(answer[key], value, f"{path}.{key}")
    elif isinstance(expected, list) and len(answer) == len(expected):
        for number, (one, other) in enumerate(zip(answer, expected, strict=True)):
            yield from differences(one, other, f"{path}[{number}]")
    elif answer != (pytest.approx(expected, abs=1e-12) if isinstance(expected, float) else expected):
        yield f"{path}: {answer}, not {expected}"


# --- the vectors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", [pytest.param(name, id=name) for name in NAMES])
def test_vector(vector: str) -> None:
    expected = json.loads((VECTORS / f"{vector}.expected.json").read_text())
    answer = answer_of(vector)
    assert list(differences(answer, expected["answer"])) == [], expected["why"]
    assert answer.keys() == {"eyes", "points", "units", "incidents", "messages"}
    assert all(row.keys() == FIGURES for key in ("eyes", "units") for row in answer[key].values())
    assert len({sum(eye[state] for state in STATES) for eye in answer["eyes"].values()}) == 1


def test_every_vector_of_the_definition_is_there() -> None:
    assert {name[:3] for name in NAMES} >= {f"T{number:02}" for number in range(1, 21)}


def test_order_and_repetition_of_results_change_nothing() -> None:
    assert answer_of("T16_order_and_repetition") == answer_of("T07_from_the_first_failure")


def test_a_clock_that_is_off_has_a_rate_of_its_own() -> None:
    with (VECTORS / "T18_clock_off.jsonl").open("rb") as file:
        scenario = read(file)
    report, zone = scenario.reports[0], scenario.setup.zone
    with play(scenario, report.now) as played, played.database.reading() as session:
        (figure,) = figures.availability(
            session, Scope.everything(), report.now, zone, report.span, Group.EYE, report.now.date()
        )
    assert (figure.tally.rate(Check.CLOCK), figure.tally.coverage_of(Check.CLOCK)) == (0.0, 1.0)


# --- stories ----------------------------------------------------------------------------------------

MIDNIGHT = datetime.fromisoformat("2026-09-01T00:00:00+07:00")
H = 3600


def at(hour: float) -> str:
    return (MIDNIGHT + timedelta(hours=hour)).isoformat()


def setup(
    eyes: int = 1, points: int = 1, units: str = "A", policy: Line | None = None, **more: Any
) -> dict[str, Any]:
    """Points P1… in the first of the units, eyes E1… at them in turn, asked every minute."""
    return {
        "setup": {
            "policy": {"interval_s": 60, "confirm_after": 2, **(policy or {})},
            "units": list(units),
            "points": {f"P{n}": {"unit": units[0]} | more for n in range(1, points + 1)},
            "eyes": {
                f"E{n}": {"point": f"P{(n - 1) % points + 1}", "device": f"D{n}", "site": "S1"}
                for n in range(1, eyes + 1)
            },
        }
    }


def run(
    start: float, end: float, outcome: str = "ok", eye: str = "E1", check: str = "stream", **more: Any
) -> dict[str, Any]:
    reason = {} if outcome == "ok" else {"reason": "TCP_TIMEOUT"}
    span = {"every_s": 60, "from": at(start), "to": at(end)}
    return span | {"eye": eye, "check": check, "outcome": outcome} | reason | more


def single(hour: float, outcome: str = "ok", eye: str = "E1", **more: Any) -> dict[str, Any]:
    return {"at": at(hour), "eye": eye, "check": "stream", "outcome": outcome} | more


def report(start: float = 0, end: float = 24, now: float | None = None) -> dict[str, Any]:
    return {"report": {"from": at(start), "to": at(end)} | ({} if now is None else {"now": at(now)})}


def beats(*heard: tuple[float, float]) -> list[Line]:
    return [
        {"heartbeat": {"site": "S1", "from": at(start), "to": at(end), "every_s": 10}} for start, end in heard
    ]


def seconds(row: Line) -> dict[str, float]:
    """The states that were, in hours."""
    return {state.removesuffix("_s"): row[state] / H for state in STATES if row[state]}


def test_a_run_is_what_its_results_are_one_by_one() -> None:
    script = [(0, 2, "ok"), (2, 3, "failing"), (3, 3.5, "unknown"), (4, 6, "ok")]
    as_runs = [run(start, end, outcome) for start, end, outcome in script]
    one_by_one = [
        single(start + n / 60, outcome) | ({} if outcome == "ok" else {"reason": "TCP_TIMEOUT"})
        for start, end, outcome in script
        for n in range(round((end - start) * 60))
    ]
    first, second = (answers([setup(), *lines, report(0, 6)]) for lines in (as_runs, one_by_one))
    assert first == second
    assert seconds(first[0]["eyes"]["E1"]) == {"up": 4, "down": 1, "unknown": 1}


def test_nothing_that_comes_after_now_is_known() -> None:
    lines = [setup(), run(0, 12), run(4, 12, received_at=at(13)), run(2, 2.5, "failing"), report(0, 24, 2.25)]
    (answer,) = answers(lines)
    assert seconds(answer["eyes"]["E1"]) == {"up": 2.25}, "what came first of two results of a moment holds"
    (answer,) = answers([setup(), run(0, 2), run(2, 4, received_at=at(5)), report(0, 4, 4)])
    assert seconds(answer["eyes"]["E1"]) == {"up": 2, "unknown": 2}
    (answer,) = answers([setup(), run(0, 2), run(2, 4, received_at=at(5)), report(0, 4, 5)])
    assert seconds(answer["eyes"]["E1"]) == {"up": 4}
    (answer,) = answers([setup(), run(0, 2), report(4, 6, 3)])
    assert seconds(answer["eyes"]["E1"]) == {}, "the period has not begun"


def test_what_comes_later_than_the_lateness_window_is_refused() -> None:
    week = 7 * 24
    (answer,) = answers([setup(), run(0, 4, received_at=at(week + 2)), report(0, 4, week + 3)])
    assert seconds(answer["eyes"]["E1"]) == {"unknown": 2, "up": 2}


def test_what_came_first_of_two_results_of_one_moment_holds() -> None:
    for lines in (
        [run(0, 4), run(1, 2, "failing")],
        [run(1, 2, "failing", received_at=at(5)), run(0, 4)],
    ):
        (answer,) = answers([setup(), *lines, report(0, 4, 6)])
        assert seconds(answer["eyes"]["E1"]) == {"up": 4}
    (answer,) = answers([setup(), run(1, 2, "failing"), run(0, 4), report(0, 4, 4)])
    assert seconds(answer["eyes"]["E1"]) == {"up": 3, "down": 1}


def test_what_came_the_moment_it_was_made_is_not_late() -> None:
    failures = [single(1, "failing", received_at=at(1)), single(1 + 1 / 60, "failing")]
    (answer,) = answers([setup(), *failures, run(0, 4), report(0, 4)])
    assert answer["eyes"]["E1"]["down_s"] == 120, "of two that came at one moment the first in the file holds"
    (answer,) = answers([setup(), run(0, 4), *failures, report(0, 4)])
    assert seconds(answer["eyes"]["E1"]) == {"up": 4}


def test_a_check_that_is_told_of_later_is_off_until_then() -> None:
    checks = {"checks": {"picture": {"interval_s": 300}}}
    lines = [setup(policy=checks), run(0, 1), run(1, 4, "failing"), single(3) | {"check": "picture"}]
    first, second = answers([*lines, report(0, 2), report(0, 4)])
    assert first["eyes"]["E1"]["usable"] is None
    assert second["eyes"]["E1"]["usable"] == 0


def test_a_point_is_served_by_k_of_its_eyes() -> None:
    lines = [
        setup(eyes=3, k=2),
        *(run(0, 8, eye=eye) for eye in ("E1", "E2")),
        run(0, 2, eye="E3"),
        run(2, 6, "failing", eye="E3"),
        run(6, 8, eye="E3"),
        {"maintenance": {"scope": "eye:E2", "from": at(4), "to": at(5)}},
        {"retire": {"eye": "E1", "at": at(5)}},
        report(0, 8, 8),
    ]
    (answer,) = answers(lines)
    assert answer["points"]["P1"] == {"served_s": 6 * H, "not_served_s": H, "unknown_s": H}


def test_windows_of_every_scope_and_over_each_other_count_once() -> None:
    windows = [("eye:E1", 1, 3), ("point:P1", 2, 4), ("unit:A", 3, 5), ("site:S1", 6, 7), ("all", 6.5, 8)]
    lines = [
        setup(eyes=2, points=2, units="AB"),
        run(0, 10),
        run(0, 10, eye="E2"),
        *({"maintenance": {"scope": s, "from": at(a), "to": at(b)}} for s, a, b in windows),
        report(0, 10),
    ]
    (answer,) = answers(lines)
    assert seconds(answer["eyes"]["E1"]) == {"up": 4, "maintenance": 6}
    assert seconds(answer["eyes"]["E2"]) == {"up": 6, "maintenance": 4}


def test_a_window_on_a_unit_covers_who_belongs_to_it_at_that_moment() -> None:
    lines = [
        setup(units="AB"),
        run(0, 48),
        {"move": {"point": "P1", "unit": "B", "from": at(24)}},
        {"maintenance": {"scope": "unit:A", "from": at(22), "to": at(26)}},
        {"maintenance": {"scope": "unit:B", "from": at(20), "to": at(25)}},
        report(0, 48),
    ]
    (answer,) = answers(lines)
    assert seconds(answer["units"]["A"]) == {"up": 22, "maintenance": 2}
    assert seconds(answer["units"]["B"]) == {"up": 23, "maintenance": 1}


def test_an_eye_is_counted_until_it_is_retired() -> None:
    retired = {"retire": {"eye": "E1", "at": at(6)}}
    (answer,) = answers([setup(), run(0, 8), run(8, 9, "failing"), retired, report(0, 24)])
    assert seconds(answer["eyes"]["E1"]) == {"up": 6, "not_in_service": 18}
    assert answer["incidents"] == []


def test_silence_is_by_the_policy() -> None:
    sparse = [run(0, 4), run(4, 8, every_s=240)]
    for factor, hours in ((2.5, {"up": 5, "unknown": 3}), (5, {"up": 8})):
        (answer,) = answers([setup(policy={"silence_factor": factor}), *sparse, report(0, 8)])
        assert seconds(answer["eyes"]["E1"]) == hours


def test_a_policy_is_tried_on_what_was_heard() -> None:
    """Three failures in a row, now and then: an outage where two confirm, a blip where four must."""
    heard = [run(0, 1), run(1, 1.05, "failing"), run(1.05, 2)]
    down, blips = [], []
    for confirm_after in (2, 3, 4):
        (answer,) = answers([setup(policy={"confirm_after": confirm_after}), *heard, report(0, 2)])
        down.append(answer["eyes"]["E1"]["down_s"])
        blips.append(answer["eyes"]["E1"]["blips"])
    assert (down, blips) == ([180, 180, 0], [0, 0, 1])


def test_each_check_has_its_own_policy() -> None:
    checks = {"picture": {"interval_s": 300, "confirm_after": 2, "recover_after": 2}, "clock": {}}
    lines = [
        setup(policy={"checks": checks}),
        run(0, 4),
        run(0, 1, check="picture", every_s=300),
        run(1, 2, "failing", check="picture", every_s=300, reason="PICTURE_BLACK"),
        run(2, 4, check="picture", every_s=300),
        run(3, 4, "failing", check="clock", every_s=300, reason="CLOCK_UNSET"),
        run(0, 4, "failing", check="snapshot", reason="SNAPSHOT_TIMEOUT"),  # off: not heard
        report(0, 4),
    ]
    (answer,) = answers(lines)
    assert seconds(answer["eyes"]["E1"]) == {"up": 2, "degraded": 2}
    assert answer["eyes"]["E1"]["usable"] == 0.75


def test_several_periods_are_answered_each_as_known_at_its_own_now() -> None:
    lines = [setup(), run(0, 4), run(4, 8, "failing"), report(0, 4), report(2, 6), report(2, 6, 8)]
    told_of = [seconds(answer["eyes"]["E1"]) for answer in answers(lines)]
    assert told_of == [{"up": 4}, {"up": 2, "down": 2}, {"up": 2, "down": 2}]


def test_a_site_is_lost_as_far_as_that_is_known() -> None:
    heard = [(0, 6), (8, 24)]
    reports = [report(0, 24, now) for now in (5, 6, 7, 9)]
    lines = [setup(), *(run(start, end) for start, end in heard), *beats(*heard), *reports]
    told_of = [[(i["kind"], i["ended_at"]) for i in answer["incidents"]] for answer in answers(lines)]
    assert told_of == [[], [], [("site", None)], [("site", at(8))]]


def test_what_a_lost_site_says_against_its_eyes_is_not_believed() -> None:
    lines = [setup(eyes=3), *beats((0, 1), (2, 3))]
    for eye in ("E1", "E2", "E3"):
        lines += [run(0, 1, eye=eye), run(1, 2, "failing", eye=eye), run(2, 3, eye=eye)]
    (answer,) = answers([*lines, report(0, 3)])
    assert [seconds(eye) for eye in answer["eyes"].values()] == [{"up": 2, "unknown": 1}] * 3
    assert answer["units"]["A"]["availability"] == 1
    assert [(i["kind"], len(i["eyes"])) for i in answer["incidents"]] == [("site", 3)]


def test_what_a_lost_site_says_for_its_eyes_holds() -> None:
    lines = [setup(), run(0, 1), *beats((0, 1), (2, 3)), run(2, 3)]
    (answer,) = answers([*lines, run(1, 2, received_at=at(2.5)), report(0, 3)])
    assert seconds(answer["eyes"]["E1"]) == {"up": 3}


def test_a_unit_without_eyes_has_no_rate() -> None:
    (answer,) = answers([setup(units="AB"), run(0, 4), report(0, 4)])
    assert answer["units"]["B"]["availability"] is None
    assert seconds(answer["units"]["B"]) == {}


def test_the_scenario_that_is_told_of_to_operators() -> None:
    page = (Path(__file__).parents[2] / "docs" / "replay.md").read_text()
    (answer,) = replay(read(page.split("```jsonl\n")[1].split("```")[0].encode().splitlines()))
    assert seconds(answer["eyes"]["E1"]) == {"up": 62, "down": 5, "maintenance": 1, "not_in_service": 16}
    assert seconds(answer["units"]["A"]) == {"up": 48}
    assert [incident["kind"] for incident in answer["incidents"]] == ["eye"]


# --- the command ------------------------------------------------------------------------------------


@pytest.fixture
def language(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    chosen = getattr(request, "param", "en")
    monkeypatch.setenv("CAMERA_REGISTRY_LANGUAGE", chosen)
    monkeypatch.setenv("CAMERA_REGISTRY_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("COLUMNS", "200")
    return str(chosen)


def command(path: str, *words: str, given: bytes = b"") -> Result:
    return CliRunner().invoke(app, ["replay", path, *words], input=given)


def test_the_command_answers_as_json_and_touches_nothing(language: str, tmp_path: Path) -> None:
    path = VECTORS / "T07_from_the_first_failure.jsonl"
    result = command(str(path), "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == answer_of("T07_from_the_first_failure")
    assert '"down_s":1920,' in result.stdout, "whole seconds are whole numbers"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("language", "words"),
    [
        pytest.param("vi", ["97,78", "0,53 h", "Mất kết nối"], id="vi"),
        pytest.param("en", ["97.78", "0.53 h", "Disconnected"], id="en"),
    ],
    indirect=["language"],
)
def test_the_command_answers_people(language: str, words: list[str]) -> None:
    result = command("-", given=(VECTORS / "T07_from_the_first_failure.jsonl").read_bytes())
    assert result.exit_code == 0, result.stderr
    assert [word for word in words if word not in result.stdout] == []


@pytest.mark.parametrize(
    ("language", "words"),
    [pytest.param("vi", "Một mắt", id="vi"), pytest.param("en", "One eye", id="en")],
    indirect=["language"],
)
def test_the_command_names_kinds_of_incidents_as_every_face_does(language: str, words: str) -> None:
    result = command("-", given=(VECTORS / "T07_from_the_first_failure.jsonl").read_bytes())
    assert words in result.stdout


GOOD = [setup(units="AB"), run(0, 4), report(0, 4)]


def edited(number: int, line: Any) -> list[Any]:
    return [*GOOD[:number], line, *GOOD[number + 1 :]]


def with_line(line: Any) -> list[Any]:
    """A line before the report."""
    return [*GOOD[:2], line, GOOD[2]]


def with_setup(**changed: Any) -> list[Any]:
    return edited(0, {"setup": GOOD[0]["setup"] | changed})


EYE = {"point": "P1", "device": "D1", "site": "S1"}

BAD = [
    pytest.param([], 1, "The first line is the setup", id="empty"),
    pytest.param(GOOD[1:], 1, "The first line is the setup", id="no setup"),
    pytest.param(with_line(GOOD[0]), 3, "one setup", id="two setups"),
    pytest.param([b"{", *GOOD[1:]], 1, "not JSON", id="half a line"),
    pytest.param([GOOD[0], b'{"at": NaN}', *GOOD[1:]], 2, "not JSON", id="not a number"),
    pytest.param([GOOD[0], b"\xff\xfe", *GOOD[1:]], 2, "not JSON", id="not UTF-8"),
    pytest.param(with_line([1, 2]), 3, "one object", id="a list"),
    pytest.param(with_line({}), 3, "one object", id="an empty object"),
    pytest.param(GOOD[:2], 2, "last line is a report", id="no report"),
    pytest.param([*GOOD, run(4, 5)], 4, "Nothing comes after a report", id="after the report"),
    pytest.param(with_line({"weather": {}}), 3, "not clear", id="a line of another kind"),
    pytest.param(with_line({"move": {}, "retire": {}}), 3, "not clear", id="two things on a line"),
    pytest.param(with_line({"move": []}), 3, '"move" is an object', id="not an object"),
    pytest.param(edited(0, {"setup": 3}), 1, '"setup" is an object', id="setup of a number"),
    pytest.param(with_setup(zones=1), 1, '"setup.zones"', id="unknown word in the setup"),
    pytest.param(with_setup(eyes={}), 1, "no eye", id="no eyes"),
    pytest.param(with_setup(timezone="Asia/Yen_Bai"), 1, "time zone", id="unknown time zone"),
    pytest.param(with_setup(timezone="../../etc/passwd"), 1, "time zone", id="a path as time zone"),
    pytest.param(with_setup(units=["A", "A"]), 1, "named twice", id="a unit twice"),
    pytest.param(with_setup(units="A"), 1, "a list of names", id="units as text"),
    pytest.param(with_setup(units=["A", 3]), 1, "a text of", id="a unit that is a number"),
    pytest.param(with_setup(points={"P1": {"unit": "C"}}), 1, 'no unit "C"', id="point of an unknown unit"),
    pytest.param(with_setup(points={"P1": {"k": 0}}), 1, '"setup.points.P1.k"', id="k of nothing"),
    pytest.param(with_setup(eyes={"E1": {"point": "P9"}}), 1, 'no point "P9"', id="eye of an unknown point"),
    pytest.param(with_setup(eyes={"E1": {}}), 1, '"setup.eyes.E1.point" is missing', id="eye without point"),
    pytest.param(with_setup(eyes={"E" * 65: EYE}), 1, "a text of 1 to 64", id="a long name"),
    pytest.param(
        with_setup(eyes={"E1": EYE, "E2": EYE | {"site": "S2"}}),
        1,
        "one point and one site",
        id="two sites",
    ),
    pytest.param(
        with_setup(eyes={"E1": EYE | {"commissioned": "2026-09-01"}}), 1, "commissioned", id="a day as moment"
    ),
    pytest.param(with_setup(policy={"interval": 60}), 1, '"setup.policy.interval"', id="unknown policy"),
    pytest.param(with_setup(policy={"interval_s": 0}), 1, "from 1 to", id="no interval"),
    pytest.param(with_setup(policy={"interval_s": True}), 1, "a number", id="interval of a boolean"),
    pytest.param(with_setup(policy={"confirm_after": 0}), 1, "whole number", id="confirmed by nothing"),
    pytest.param(with_setup(policy={"confirm_after": 2.5}), 1, "whole number", id="half a failure"),
    pytest.param(with_setup(policy={"silence_factor": 0.5}), 1, "silence_factor", id="silent at once"),
    pytest.param(with_setup(policy={"checks": {"sound": {}}}), 1, '"sound" is none', id="unknown check"),
    pytest.param(with_setup(policy={"checks": {"stream": {}}}), 1, "beside the checks", id="stream inside"),
    pytest.param(edited(1, run(0, 4, eye="E9")), 2, 'no eye "E9"', id="unknown eye"),
    pytest.param(edited(1, run(0, 4, check="sound")), 2, '"sound" is none', id="result of an unknown check"),
    pytest.param(edited(1, run(0, 4, "broken")), 2, '"broken" is none', id="unknown outcome"),
    pytest.param(edited(1, run(0, 4, reason="TOO_OLD")), 2, 'no reason "TOO_OLD"', id="unknown reason"),
    pytest.param(edited(1, run(4, 0)), 2, "end is not after", id="a run backwards"),
    pytest.param(edited(1, run(0, 4, every_s=0)), 2, '"every_s"', id="a run without a distance"),
    pytest.param(edited(1, run(0, 99999, every_s=0.001)), 2, "at most", id="a run without an end"),
    pytest.param(edited(1, run(0, 4, recieved_at=at(5))), 2, '"recieved_at"', id="a word mistyped"),
    pytest.param(edited(1, run(0, 4, received_at=at(3))), 2, "before it is made", id="received too early"),
    pytest.param(edited(1, single(0) | {"at": "2026-09-01T00:00:00"}), 2, "with an offset", id="no offset"),
    pytest.param(
        edited(1, single(0) | {"at": "0001-01-01T00:00:00+14:00"}), 2, "with an offset", id="year one"
    ),
    pytest.param(edited(1, single(0) | {"at": 1756659600}), 2, "with an offset", id="a moment as a number"),
    pytest.param(
        edited(1, {"eye": "E1", "check": "stream", "outcome": "ok"}), 2, '"at" is missing', id="no moment"
    ),
    pytest.param(
        with_line({"maintenance": {"scope": "E1", "from": at(0), "to": at(1)}}), 3, "no scope", id="no scope"
    ),
    pytest.param(
        with_line({"maintenance": {"scope": "site:S9", "from": at(0), "to": at(1)}}),
        3,
        'no site "S9"',
        id="window on an unknown site",
    ),
    pytest.param(
        with_line({"maintenance": {"scope": "all", "from": at(1), "to": at(1)}}),
        3,
        "end is not after",
        id="an empty window",
    ),
    pytest.param(
        with_line({"maintenance": {"scope": "all", "from": at(0), "to": at(9000)}}),
        3,
        "366",
        id="a window of more than a year",
    ),
    pytest.param(
        with_line({"move": {"point": "P1", "unit": "B", "from": at(1)}}), 3, "midnight", id="a move at noon"
    ),
    pytest.param(
        with_line({"move": {"point": "P1", "unit": "C", "from": at(0)}}),
        3,
        'no unit "C"',
        id="a lost move",
    ),
    pytest.param(
        [*GOOD[:2], *[{"move": {"point": "P1", "unit": "B", "from": at(0)}}] * 2, GOOD[2]],
        4,
        "on that day already",
        id="moved twice on a day",
    ),
    pytest.param(
        [*GOOD[:2], *[{"retire": {"eye": "E1", "at": at(0)}}] * 2, GOOD[2]],
        4,
        "retired already",
        id="retired twice",
    ),
    pytest.param(
        with_line({"heartbeat": {"site": "S9", "from": at(0), "to": at(1), "every_s": 10}}),
        3,
        'no site "S9"',
        id="heartbeat of an unknown site",
    ),
    pytest.param(edited(2, report(4, 4)), 3, "end is not after", id="an empty report"),
]


@pytest.mark.parametrize(("lines", "line", "why"), BAD)
def test_what_is_no_scenario_is_told_with_its_line(lines: list[Any], line: int, why: str) -> None:
    given = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines]
    with pytest.raises(ScenarioError) as refused:
        replay(read(given))
    assert refused.value.line == line
    assert str(refused.value).startswith(f"Line {line}: ")
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("language", "words"),
    [pytest.param("vi", "Dòng 2: ", id="vi"), pytest.param("en", "Line 2: ", id="en")],
    indirect=["language"],
)
def test_the_command_refuses_on_standard_error_alone(language: str, words: str) -> None:
    result = command("-", "--json", given=b"\n".join(told(edited(1, run(0, 4, eye="E9")))))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(words)


def test_a_scenario_that_is_not_there(language: str, tmp_path: Path) -> None:
    result = command(str(tmp_path / "none.jsonl"), "--json")
    assert (result.exit_code, result.stdout) == (2, "")
