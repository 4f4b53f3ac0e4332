"""RTSP servers nobody here wrote, started once for all tests that ask for them."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.namespaces import inside, namespace
from tests.servers import describes, free_port, says_ready, started

HERE = Path(__file__).parent
DEBIAN_PYTHON = Path("/usr/bin/python3")  # GStreamer's bindings are built for it
USER, PASSWORD = "admin", "secret"

# Addresses of 127.0.0.0/8 that fail in chosen ways, inside a namespace.
FILTERED = "127.66.0.1"  # packets vanish
UNREACHABLE = "127.67.0.1"  # no route to host, as from a router's ICMP
CLOSED = "127.69.0.1"  # TCP reset
HALF_OPEN = "127.72.0.1"  # shakes hands; whatever carries data vanishes
ICMP_UNREACHABLE = "127.73.0.1"  # a firewall says so
RULES = """
table inet fault {
  chain in { type filter hook input priority 0;
    ip daddr 127.66.0.0/16 drop
    ip daddr 127.69.0.0/16 tcp flags syn reject with tcp reset
    ip daddr 127.72.0.0/16 tcp flags & (syn | psh) == psh drop
    ip daddr 127.73.0.0/16 reject with icmp type host-unreachable
  }
}
"""
ROUTES = ("unreachable 127.67.0.0/16 table local",)


@dataclass(frozen=True, slots=True)
class Farm:
    """GStreamer's server: /cam/0000 ... and /fault/KIND, on three ports."""

    port: int
    auth_port: int
    tls_port: int
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Network:
    """A namespace with faults, and a farm that listens on each of its addresses."""

    name: str
    port: int
    live555_port: int


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the peers' output is kept."""
    return tmp_path_factory.mktemp("peers")


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """normal.h264 and normal.h265 (Annex B), and normal.mp4."""
    folder = tmp_path_factory.mktemp("clips")
    _run([HERE / "make_clips.sh", folder])
    return folder


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    words = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "30",
        "-subj",
        "/CN=camera.test",
    ]
    _run([*words, "-keyout", key, "-out", cert])
    return cert, key


@pytest.fixture(scope="session")
def farm(clips: Path, certificate: tuple[Path, Path], logs: Path) -> Iterator[Farm]:
    """GStreamer's RTSP server with every camera and fault."""
    farm = Farm(free_port(), free_port(), free_port())
    argv = [
        *_farm_argv(clips, farm.port),
        "--auth-port",
        str(farm.auth_port),
        "--tls-port",
        str(farm.tls_port),
    ]
    argv += ["--user", USER, "--password", PASSWORD, "--cert", certificate[0], "--key", certificate[1]]
    with started(argv, log=logs / "farm.log", ready=says_ready):
        yield farm


@pytest.fixture
def one_session_farm(clips: Path, logs: Path) -> Iterator[int]:
    """Port of a farm that has one session to give."""
    port = free_port()
    argv = [*_farm_argv(clips, port), "--max-sessions", "1"]
    with started(argv, log=logs / "one_session_farm.log", ready=says_ready):
        yield port


@pytest.fixture(scope="session")
def toolkit(clips: Path, logs: Path) -> Iterator[int]:
    """Port of aio-rtsp-toolkit's server: TCP only, /normal.mp4."""
    port = free_port()
    argv: list[str | Path] = [sys.executable, HERE / "serve_aio_rtsp_toolkit.py", clips, str(port)]
    with started(argv, log=logs / "aio_rtsp_toolkit.log", ready=says_ready):
        yield port


@pytest.fixture(scope="session")
def rtsp_rs(clips: Path, logs: Path) -> Iterator[int]:
    """Port of rtsp-rs: UDP only, one stream, whatever the path."""
    port = free_port()
    argv: list[str | Path] = [sys.executable, HERE / "serve_rtsp_rs.py", clips / "normal.h264", str(port)]
    with started(argv, log=logs / "rtsp_rs.log", ready=says_ready):
        yield port


@pytest.fixture(scope="session")
def vlc(clips: Path, logs: Path) -> Iterator[int]:
    """Port of VLC: UDP only, /cam."""
    port = free_port()
    with tempfile.TemporaryDirectory() as public:  # pytest's own folders are closed to nobody
        Path(public).chmod(0o755)
        clip = shutil.copy(clips / "normal.mp4", public)
        argv = [*_as_nobody(), "cvlc", "-q", "--no-dbus", "--repeat", clip]
        argv += ["--sout", f"#rtp{{sdp=rtsp://127.0.0.1:{port}/cam}}", "--sout-keep"]
        with started(argv, log=logs / "vlc.log", ready=describes(port, "/cam")):
            yield port


@pytest.fixture(scope="session")
def network(clips: Path, logs: Path) -> Iterator[Network]:
    """A network with faults; in it a farm on all addresses and LIVE555 in front of the farm (/gst)."""
    with ExitStack() as stack:
        name = stack.enter_context(namespace(RULES, ROUTES))
        network = Network(name, port=8554, live555_port=8555)
        enter: list[str | Path] = ["ip", "netns", "exec", name]
        gst = [*enter, *_farm_argv(clips, network.port), "--address", "0.0.0.0"]
        stack.enter_context(started(gst, log=logs / "network_farm.log", ready=says_ready))
        upstream = f"gst=rtsp://127.0.0.1:{network.port}/cam/0000"
        live555 = [
            *enter,
            sys.executable,
            HERE / "serve_live555_proxy.py",
            str(network.live555_port),
            upstream,
        ]
        # It says so before it has heard of what it hands on.
        answers = describes(network.live555_port, "/gst")
        stack.enter_context(
            started(live555, log=logs / "live555.log", ready=lambda log: inside(name, lambda: answers(log)))
        )
        yield network


def _farm_argv(clips: Path, port: int) -> list[str | Path]:
    return [DEBIAN_PYTHON, HERE / "farm_gst.py", "--clips", clips, "--port", str(port)]


def _as_nobody() -> list[str]:
    """VLC refuses to run as root."""
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "env", "HOME=/nonexistent"]


def _run(argv: list[str | Path]) -> None:
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
