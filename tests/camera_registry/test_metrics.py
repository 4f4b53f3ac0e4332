import subprocess
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from camera_registry import queries
from camera_registry.counters import Counters
from camera_registry.health import EyeState
from camera_registry.metrics import StateLines, exposition
from camera_registry.queries import EyeRow, FindingRow, Measures, Overlay
from probes.reasons import Reason
from tests.camera_registry.registries import GATE
from tests.dashboards.city import NOW

ROW = replace(GATE, code="E1", state=EyeState.UP, reason=Reason.OK, since=NOW, probed_at=NOW, probe_s=0.25)
MEASURED = Measures(
    usable=True,
    picture_at=NOW,
    picture_s=0.02,
    picture_changed_at=NOW,
    mode="colour",
    width=640,
    height=360,
    brightness=101.5,
    contrast=40.0,
    sharpness=0.25,
    similarity=0.9,
    snapshot_at=NOW,
    snapshot_s=0.3,
    snapshot_changed_at=NOW,
    clock_at=NOW,
    clock_s=0.1,
    clock_offset_s=-3.5,
    recorded_at=NOW,
    recorded_days=29.0,
)
MEASURES = {"E1": MEASURED}
EXPOSED = FindingRow("E1", "STREAM_OPEN_NO_AUTH", "rtp", NOW, NOW, None)
AILING = {"E1": [("stream", "TCP_TIMEOUT")]}

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: bytes) -> Samples:
    """What Prometheus would store; each series once."""
    found: Samples = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            series = sample.name, tuple(sorted(sample.labels.items()))
            assert series not in found
            found[series] = sample.value
    return found


def rendered(*rows: EyeRow, lines: StateLines | None = None) -> Samples:
    return samples((lines or StateLines()).render(rows, queries.units(rows), {}, {}, ()))


def of_eye(found: Samples, code: str) -> dict[str, float]:
    return {name: value for (name, labels), value in found.items() if ("eye", code) in labels}


def test_the_exposition_is_what_promtool_accepts() -> None:
    counters = Counters.new()
    counters.probes.labels("stream", "ok").inc()
    counters.login_attempts.labels("accepted").inc()
    rows = [ROW, replace(ROW, code="E2", state=EyeState.DOWN, unit='Xã "Tân" \\ Thịnh\n')]
    text = exposition(StateLines().render(rows, queries.units(rows), AILING, MEASURES, [EXPOSED]), counters)

    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)

    # Footage is required, kept and spoken of in days; everything else is as promtool wants it.
    assert checked.stderr == b'camera_recording_days use base unit "seconds" instead of "days"\n'
    assert (checked.returncode, checked.stdout) == (3, b"")
    names = {name for name, _ in samples(text)}
    assert names >= {
        "camera_up",
        "camera_observed",
        "camera_last_probe_timestamp_seconds",
        "camera_probe_duration_seconds",
        "camera_reason",
        "camera_info",
        "camera_usable",
        "camera_picture_brightness",
        "camera_picture_sharpness",
        "camera_picture_similarity",
        "camera_snapshot_changed_timestamp_seconds",
        "camera_clock_offset_seconds",
        "camera_recording_days",
        "camera_exposed",
        "unit_eyes",
        "camera_registry_build_info",
        "camera_registry_sweep_lag_seconds",
        "camera_registry_probes_total",
        "camera_registry_sessions_open",
        "camera_registry_login_attempts_total",
        "camera_registry_results_late_total",
        "camera_registry_failures_held_back_total",
    }


@pytest.mark.parametrize(
    ("row", "up", "observed"),
    [
        pytest.param(ROW, 1, 1, id="up"),
        pytest.param(replace(ROW, state=EyeState.DEGRADED), 1, 1, id="degraded delivers its stream"),
        pytest.param(replace(ROW, state=EyeState.DOWN), 0, 1, id="down"),
        pytest.param(replace(ROW, state=EyeState.UNKNOWN), None, 0, id="unknown is no number"),
        pytest.param(replace(ROW, state=None, overlay=Overlay.REPORTED), None, None, id="reported"),
        pytest.param(replace(ROW, state=None, overlay=Overlay.NOT_IN_SERVICE), None, None, id="suspended"),
    ],
)
def test_states(row: EyeRow, up: float | None, observed: float | None) -> None:
    eye = of_eye(rendered(row), "E1")

    assert (eye.get("camera_up"), eye.get("camera_observed")) == (up, observed)
    assert eye["camera_info"] == 1


def test_moments_are_stamped_not_aged() -> None:
    eye = of_eye(rendered(ROW), "E1")

    assert eye["camera_last_probe_timestamp_seconds"] == NOW.timestamp()
    assert eye["camera_probe_duration_seconds"] == 0.25


def test_a_reason_stands_beside_its_check() -> None:
    found = samples(StateLines().render([ROW], [], AILING, {}, ()))

    series = ("check", "stream"), ("eye", "E1"), ("reason", "TCP_TIMEOUT")
    assert found["camera_reason", series] == 1


def test_what_lies_beyond_the_stream_stands_as_it_was_measured() -> None:
    found = samples(StateLines().render([ROW], [], {}, MEASURES, [EXPOSED]))
    eye = of_eye(found, "E1")

    assert eye["camera_usable"] == 1
    assert (eye["camera_picture_brightness"], eye["camera_picture_sharpness"]) == (101.5, 0.25)
    assert eye["camera_snapshot_changed_timestamp_seconds"] == NOW.timestamp()
    assert (eye["camera_clock_offset_seconds"], eye["camera_recording_days"]) == (-3.5, 29.0)
    assert found["camera_exposed", (("evidence", "rtp"), ("eye", "E1"))] == 1
    durations = {
        dict(labels)["check"]: value for (name, labels), value in found.items() if "duration" in name
    }
    assert durations == {"stream": 0.25, "picture": 0.02, "snapshot": 0.3, "clock": 0.1}


def test_what_was_not_measured_is_no_number() -> None:
    nothing = replace(MEASURED, usable=None, brightness=None, similarity=None, clock_offset_s=None)
    eye = of_eye(samples(StateLines().render([ROW], [], {}, {"E1": nothing}, ())), "E1")
    gone = replace(ROW, state=None, overlay=Overlay.ACCESS_WITHDRAWN)
    withdrawn = of_eye(samples(StateLines().render([gone], [], {}, MEASURES, [EXPOSED])), "E1")

    absent = {"camera_usable", "camera_picture_brightness", "camera_picture_similarity", "camera_exposed"}
    assert not absent & eye.keys()
    assert withdrawn.keys() == {"camera_info"}


def test_a_password_in_clear_is_no_exposure_of_the_picture() -> None:
    in_clear = replace(EXPOSED, reason="CREDENTIALS_SENT_IN_CLEAR", evidence="header")

    assert "camera_exposed" not in of_eye(
        samples(StateLines().render([ROW], [], {}, MEASURES, [in_clear])), "E1"
    )


def test_a_line_follows_its_eye() -> None:
    lines = StateLines()
    other = replace(ROW, code="E2")
    rendered(ROW, other, lines=lines)

    later = rendered(replace(ROW, state=EyeState.DOWN, probed_at=NOW + timedelta(minutes=1)), lines=lines)

    assert of_eye(later, "E1")["camera_up"] == 0
    assert of_eye(later, "E1")["camera_last_probe_timestamp_seconds"] == NOW.timestamp() + 60
    assert of_eye(later, "E2") == {}


def test_a_cured_eye_loses_its_reason() -> None:
    lines = StateLines()
    lines.render([ROW], [], AILING, {}, ())

    assert "camera_reason" not in of_eye(rendered(ROW, lines=lines), "E1")


def test_units_count_every_standing_once() -> None:
    found = rendered(ROW, replace(ROW, code="E2", state=EyeState.DOWN))

    counts = {
        dict(labels)["state"]: value
        for (name, labels), value in found.items()
        if name == "unit_eyes" and ("unit", "Phường Âu Lâu") in labels
    }
    assert counts == {standing: float(standing in ("up", "down")) for standing in queries.STANDINGS}


def test_units_of_one_name_stay_apart() -> None:
    found = rendered(ROW, replace(ROW, code="E2", unit_code="99999"))

    for family in ("unit_eyes", "camera_info"):
        units = {dict(labels)["unit"] for name, labels in found if name == family}
        assert units == {"Phường Âu Lâu (04543)", "Phường Âu Lâu (99999)"}


@given(name=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_label_comes_back_as_it_was(name: str) -> None:
    text = StateLines().render([replace(ROW, name=name)], [], {}, {}, ()).decode()

    (info,) = [line for line in text.split("\n") if line.startswith("camera_info")]
    parsed = next(iter(text_string_to_metric_families(info.replace("\r", "?") + "\n")))
    assert parsed.samples[0].labels["name"] == name.replace("\r", "?")


def test_an_empty_registry_has_empty_metrics() -> None:
    assert rendered() == {}


def test_ten_thousand_eyes_that_did_not_change_are_not_rendered_again() -> None:
    rows = [replace(ROW, code=f"E{n:05}") for n in range(10_000)]
    measures = {row.code: replace(MEASURED) for row in rows}
    lines = StateLines()

    def seconds() -> float:
        began = time.process_time()
        lines.render(rows, [], {}, measures, ())
        return time.process_time() - began

    first = seconds()
    assert min(seconds() for _ in range(5)) < first / 3
