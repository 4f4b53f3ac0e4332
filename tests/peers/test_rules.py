"""Scrape configuration, rules and routes as Prometheus and Alertmanager read them, each alert tried."""

import re
import subprocess
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import orjson
import pytest

from tests.servers import POLL_S, free_port, started

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus"
ALERTMANAGER = DEPLOY / "alertmanager"
TRIED = sorted((RULES / "tests").glob("*.yml"))
ALERTS = re.findall(r"- alert: (\w+)", (RULES / "rules/alerts.yml").read_text(encoding="utf-8"))


def ran(*words: str | Path) -> str:
    """What a tool says that ends well."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_accepts_the_configuration_and_its_rules() -> None:
    ran("promtool", "check", "config", RULES / "prometheus.yml")


@pytest.mark.parametrize("file", [pytest.param(file, id=file.stem) for file in TRIED])
def test_rules_tell_what_they_should_and_no_more(file: Path) -> None:
    ran("promtool", "test", "rules", file)


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_tried_and_told_in_two_languages(alert: str) -> None:
    assert any(alert in file.read_text(encoding="utf-8") for file in TRIED)
    rule = (RULES / "rules/alerts.yml").read_text(encoding="utf-8").partition(f"- alert: {alert}\n")[2]
    rule = rule.partition("- alert: ")[0]
    assert re.search(r"severity: (critical|warning|info|none)\n", rule)
    assert "summary: " in rule
    assert "summary_en: " in rule


def test_the_table_of_alerts_is_whole() -> None:
    table = (DEPLOY / "README.md").read_text(encoding="utf-8")

    assert [alert for alert in ALERTS if f"`{alert}`" not in table] == []


def test_alertmanager_accepts_the_example() -> None:
    ran("amtool", "check-config", ALERTMANAGER / "alertmanager.yml")


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        pytest.param(
            ["alertname=WardOutage", "unit=Phường Âu Lâu", "severity=critical"],
            "ward-au-lau,city-desk",
            id="a ward's outage",
        ),
        pytest.param(
            ["alertname=EyesDown", "unit=Phường Nam Cường", "severity=info"],
            "ward-nam-cuong,city-desk",
            id="another ward's eyes",
        ),
        pytest.param(
            ["alertname=WardOutage", "unit=Phường Yên Bái", "severity=critical"],
            "city-desk",
            id="a ward without a route",
        ),
        pytest.param(["alertname=MonitorDown", "severity=critical"], "city-desk", id="the monitor"),
        pytest.param(["alertname=SiteUnreachable", "site=s1", "severity=critical"], "city-desk", id="a site"),
        pytest.param(
            ["alertname=WardUnseen", "unit=Phường Âu Lâu", "severity=none"], "nobody", id="inhibits only"
        ),
        pytest.param(["alertname=Watchdog", "severity=none"], "dead-man", id="dead man"),
    ],
)
def test_who_hears_of(labels: list[str], receivers: str) -> None:
    routed = ran(
        "amtool", "config", "routes", "test", "--config.file", ALERTMANAGER / "alertmanager.yml", *labels
    )

    assert routed.strip() == receivers


def test_rules_that_hold_others_back_name_alerts_that_there_are() -> None:
    text = (ALERTMANAGER / "alertmanager.yml").read_text(encoding="utf-8")
    named = {name for names in re.findall(r'alertname=~?"([\w|]+)"', text) for name in names.split("|")}

    assert named <= set(ALERTS)


@pytest.mark.parametrize(
    ("firing", "held_back"),
    [
        pytest.param(
            ["WardOutage unit=A", "PointOutage unit=A", "PointOutage unit=B", "EyesDown unit=A"],
            {"PointOutage unit=A", "EyesDown unit=A"},
            id="of a ward the worst",
        ),
        pytest.param(
            ["SiteUnreachable site=s1", "WardUnseen unit=A", "WardOutage unit=A", "WardOutage unit=B"],
            {"WardOutage unit=A"},
            id="a ward behind a lost site",
        ),
        pytest.param(
            ["SiteUnreachable site=s1", "EyesOverdue site=s1", "EyesOverdue site=s2"],
            {"EyesOverdue site=s1"},
            id="a lost site asks nobody",
        ),
        pytest.param(
            [
                "MonitorDown job=j",
                "MonitorStale",
                "WardOutage unit=A",
                "SiteUnreachable site=s1",
                "DeadLetters",
            ],
            {"MonitorStale", "WardOutage unit=A", "SiteUnreachable site=s1"},
            id="who sees nothing tells nothing",
        ),
        pytest.param(
            ["NoChannelWorks", "ChannelsFailing", "MonitorStale"], {"ChannelsFailing"}, id="no way out"
        ),
    ],
)
def test_one_cause_is_one_message(firing: list[str], held_back: set[str], tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    server: list[str | Path] = [
        "prometheus-alertmanager",
        f"--config.file={ALERTMANAGER / 'alertmanager.yml'}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address={address.removeprefix('http://')}",
        "--cluster.listen-address=",  # alone
    ]

    def ready(_log: str) -> bool:
        try:
            with urlopen(f"{address}/-/ready", timeout=5):  # noqa: S310 our own child on loopback
                return True
        except URLError:
            return False

    def muted() -> list[str]:
        with urlopen(f"{address}/api/v2/alerts", timeout=5) as answer:  # noqa: S310 the same
            known = orjson.loads(answer.read())
        return sorted(str(alert["labels"]) for alert in known if alert["status"]["inhibitedBy"])

    # Nothing is sent: the first message would wait for half a minute.
    with started(server, log=tmp_path / "log", ready=ready):
        body = orjson.dumps([{"labels": labels_of(alert)} for alert in firing])
        head = {"Content-Type": "application/json"}
        urlopen(Request(f"{address}/api/v2/alerts", body, head), timeout=5).close()  # noqa: S310 the same
        give_up = time.monotonic() + 10  # it takes alerts in behind its answer
        while len(muted()) < len(held_back) and time.monotonic() < give_up:
            time.sleep(POLL_S)

        assert muted() == sorted(str(labels_of(alert)) for alert in held_back)


def labels_of(alert: str) -> dict[str, str]:
    """``WardOutage unit=A`` as labels."""
    name, *others = alert.split()
    return {"alertname": name, **dict(other.split("=", 1) for other in others)}


def test_a_mail_says_in_two_languages_what_is_and_what_is_over(tmp_path: Path) -> None:
    def alert(status: str, name: str) -> dict[str, object]:
        words = {
            "summary": f"Tóm tắt {name}",
            "description": f"Chi tiết {name}",
            "summary_en": f"In short {name}",
        }
        return {"status": status, "labels": {}, "annotations": words, "startsAt": "2026-09-01T20:30:00Z"}

    data = tmp_path / "data.json"
    data.write_bytes(
        orjson.dumps({"status": "firing", "alerts": [alert("firing", "một"), alert("resolved", "hai")]})
    )

    mail = ran(
        "amtool", "template", "render", "--template.data", data,
        "--template.glob", ALERTMANAGER / "templates/*.tmpl",
        "--template.text", '{{ template "camera.subject" . }}\n{{ template "camera.text" . }}',
    )  # fmt: skip

    assert mail.split("\n\n") == [
        "Tóm tắt một (+1)\nTóm tắt một\nChi tiết một\nTừ 03:30 02/09/2026\n(In short một)",
        "ĐÃ KHẮC PHỤC: Tóm tắt hai\nTừ 03:30 02/09/2026\n(In short hai)",
        "",
    ]
