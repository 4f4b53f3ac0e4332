"""Debian's Prometheus scrapes what a registry says and gives it back as curves."""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from camera_registry import prometheus
from camera_registry.metrics import stream_lines
from camera_registry.prometheus import PrometheusError
from camera_registry.samples import Series
from camera_registry.uptime import Span
from tests.prometheus import prometheus as server
from tests.servers import free_port

SCRAPED = datetime(2026, 9, 1, 12, tzinfo=UTC)
EYE = 'YB "1"\\2'  # quotes and backslashes are of the query's own language


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Prometheus with an hour of a minute's scrapes of one eye: one spike, one silence."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    lines: dict[str, list[str]] = {}
    for minute in range(60):
        if 12 <= minute < 55:
            continue
        told = stream_lines({EYE: (9.0 if minute == 7 else 0.25, 512_000.0)}).decode().splitlines()
        for n, line in enumerate(told):
            if line.startswith("# HELP"):
                continue
            stamped = line if line.startswith("#") else f"{line} {SCRAPED.timestamp() + 60 * minute:.0f}"
            lines.setdefault(told[n] if line.startswith("#") else line.split("{")[0], []).append(stamped)
    text = folder / "scraped.txt"
    heads = [name for name in lines if name.startswith("#")]
    text.write_text(
        "".join(f"{head}\n" + "\n".join(lines[head.split()[2]]) + "\n" for head in heads) + "# EOF\n"
    )
    subprocess.run(
        ["promtool", "tsdb", "create-blocks-from", "openmetrics", text, folder / "data"],
        check=True, capture_output=True,
    )  # fmt: skip
    config = folder / "prometheus.yml"
    config.write_text("global: {scrape_interval: 1m}\n")
    with server(config, folder / "data") as address:
        yield address


def test_a_spike_of_one_minute_survives_a_step_of_many(url: str) -> None:
    curves = prometheus.curves(url, EYE, Span(SCRAPED - timedelta(days=3), SCRAPED + timedelta(hours=1)))
    values = {curve.series: [value for _, value in curve.points] for curve in curves}

    assert list(values) == list(Series)
    assert set(values[Series.LATENCY]) == {0.25, 9.0, None}, "with the silence between"
    assert set(values[Series.BITRATE]) == {512_000.0, None}
    assert values[Series.CLOCK] == values[Series.SHARPNESS] == []


def test_who_does_not_answer_is_told(url: str) -> None:
    within = Span(SCRAPED, SCRAPED + timedelta(hours=1))

    assert all(not curve.points for curve in prometheus.curves(url, "no such eye", within))
    with pytest.raises(PrometheusError):
        prometheus.curves(f"http://127.0.0.1:{free_port()}", EYE, within)
    with pytest.raises(PrometheusError):
        prometheus.curves(f"{url}/nowhere", EYE, within)
