"""The commands of devices, as a person types them: which there are, what they say, and who decides."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from camera_registry.cli import app
from probes.onvif.discovery import PORT

Run = Callable[..., Result]

MATCH = (
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"><e:Body><d:ProbeMatches><d:ProbeMatch>'
    "<d:Types>dn:NetworkVideoTransmitter</d:Types>"
    "<d:Scopes>onvif://www.onvif.org/name/{name} onvif://www.onvif.org/hardware/DS-2CD</d:Scopes>"
    "<d:XAddrs>http://192.0.2.7:8080/onvif/device_service</d:XAddrs>"
    "</d:ProbeMatch></d:ProbeMatches></e:Body></e:Envelope>"
)


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("CAMERA_REGISTRY_DATABASE_URL", database_url)
    monkeypatch.setenv("CAMERA_REGISTRY_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(app, list(words), input=typed)

    return invoke


@contextmanager
def announcing(host: str, name: str) -> Iterator[None]:
    """A device that answers WS-Discovery and nothing else."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((host, PORT))

    def answer() -> None:
        while True:
            question, asker = udp.recvfrom(65536)
            if question == b"end":
                return
            udp.sendto(MATCH.format(name=name).encode(), asker)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"end", (host, PORT))
        thread.join()
        udp.close()


@pytest.fixture
def inventory(run: Run, tmp_path: Path) -> None:
    """One point with one camera at 127.33.1.2."""
    file = tmp_path / "ward.csv"
    file.write_text(
        "Tên điểm;Phường;IP;Đường dẫn RTSP\nCổng chợ;Yên Bái;127.33.1.2;/live\n", encoding="utf-8"
    )
    assert run("units", "load", "yen-bai").exit_code == 0
    done = run("import", str(file))
    assert done.exit_code == 0, done.output


@pytest.mark.usefixtures("inventory")
def test_discover_names_hosts_that_answer(run: Run) -> None:
    """Their own word for their address is not believed; those that are registered are said to be."""
    with announcing("127.33.1.2", "Cong%20cho%1B%5B2J"), announcing("127.33.1.3", "new"):
        told = run("discover", "127.33.1.0/29", "--seconds", "0.5", "--json")
        shown = run("discover", "127.33.1.2", "--seconds", "0.5")
    devices = orjson.loads(told.output)["devices"]
    assert [(d["host"], d["onvif_port"], bool(d["registered"])) for d in devices] == [
        ("127.33.1.2", 8080, True),
        ("127.33.1.3", 8080, False),
    ]
    assert "Cong cho" in shown.output
    assert "DS-2CD" in shown.output
    assert "\x1b[2J" not in shown.output, "a name is no order to the terminal"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["127.33.1.9"], "Không có thiết bị", id="nobody"),
        pytest.param(["camera.example"], "camera.example", id="no address"),
        pytest.param(["10.0.0.0/16"], "1024", id="too many"),
        pytest.param(["--interface", "203.0.113.1"], "Không hỏi được mạng", id="no such interface"),
    ],
)
def test_discover_says_why_it_found_nothing(run: Run, words: list[str], says: str) -> None:
    assert says in re.sub(r"\s+", " ", run("discover", *words, "--seconds", "0.5").output)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("commission D404", id="no such device"),
        pytest.param("login retry D404", id="no such device to log in to"),
        pytest.param("device confirm D404", id="no such device to confirm"),
    ],
)
def test_of_a_device_that_is_not_there_it_is_said(run: Run, words: str) -> None:
    done = run(*words.split())
    assert (done.exit_code, "D404" in done.output) == (1, True)
    assert isinstance(done.exception, SystemExit)
