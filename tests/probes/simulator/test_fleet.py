"""A fleet file says much in few lines, and what is wrong with it is said by file, key and reason."""

from pathlib import Path

import pytest

from probes.simulator import Auth, CameraSpec, Codec, Fault, FaultKind, Fleet, FleetError, Start, load_fleet

CITY = """
[defaults]
user = "watcher"
password = "s3cret"
auth = ["sha-256", "md5"]
port = 8554
start = "idr"

[[camera]]
name = "street-{n:03}"
count = 600
host = "127.10.0.250"
codec = "h265"
fps = 5

[[camera.fault]]
kind = "stall"
on = "3, 10-12"
from = 5
to = 10
every = 30
value = 2

[[recorder]]
name = "market"
host = "127.20.0.1"
channels = 64
lock_after = 5
"""


A = "[[camera]]\nname='a'\n"
FAULTY = A + "[[camera.fault]]\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "fleet.toml"
    path.write_text(text)
    return path


def test_few_lines_make_a_city(tmp_path: Path) -> None:
    fleet = load_fleet(written(tmp_path, CITY))
    first, second = fleet.camera("street-001"), fleet.camera("street-002")
    assert len(fleet.cameras) == 601
    assert (first.host, second.host, fleet.cameras[5].host) == ("127.10.0.250", "127.10.0.251", "127.10.1.1")
    assert first.auth == (Auth.SHA256, Auth.MD5)
    assert (first.port, first.start, first.clip.codec, first.clip.fps) == (8554, Start.IDR, Codec.H265, 5)
    assert first.faults == ()
    assert fleet.camera("street-011").faults == (Fault(FaultKind.STALL, 5, 10, 30, None, 2),)
    recorder = fleet.camera("market")
    assert (recorder.channels, recorder.sessions, recorder.lock_after) == (64, 2, 5)
    assert recorder.path(7) == "/Streaming/Channels/701"
    assert recorder.path(7, stream=1) == "/Streaming/Channels/702"
    assert not any(host.endswith((".0", ".255")) for host in (camera.host for camera in fleet.cameras))


def test_the_password_is_not_shown(tmp_path: Path) -> None:
    assert "s3cret" not in repr(load_fleet(written(tmp_path, CITY)))


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        pytest.param("[[camera]\n", "", "Expected", id="not TOML"),
        pytest.param("", "camera", "at least one", id="empty"),
        pytest.param("[[cameras]]\nname='a'", "cameras", "unknown", id="unknown section"),
        pytest.param("[camera]\nname='a'", "camera", "[[camera]]", id="one table for many"),
        pytest.param("[[camera]]\nhost='127.0.0.1'", "camera[1].name", "missing", id="no name"),
        pytest.param(A + "colour=1", "camera[1].colour", "unknown", id="unknown key"),
        pytest.param(A + "port='554'", "camera[1].port", "whole number", id="text for number"),
        pytest.param(A + "port=true", "camera[1].port", "whole number", id="truth for number"),
        pytest.param(A + "port=70000", "camera[1].port", "0..65535", id="port"),
        pytest.param(A + "host='10.0.0.1'", "camera[1].host", "127.0.0.0/8", id="not loopback"),
        pytest.param(A + "host='eth0'", "camera[1].host", "127.0.0.0/8", id="no address"),
        pytest.param(A + "codec='vp9'", "camera[1].codec", "h264, h265, mjpeg", id="codec"),
        pytest.param(A + "codec='mjpeg'\nwidth=644", "camera[1].width", "multiple of 8", id="width of mjpeg"),
        pytest.param(A + "fps=0", "camera[1].fps", "1..60", id="fps"),
        pytest.param(A + "width=641", "camera[1].width", "even", id="odd width"),
        pytest.param(A + "auth='md5'", "camera[1].auth", "list", id="auth is a list"),
        pytest.param(A + "auth=['ntlm']", "camera[1].auth", "sha-256", id="auth"),
        pytest.param(A + "busy=500", "camera[1].busy", "453 or 503", id="busy"),
        pytest.param(A + "sessions=-1", "camera[1].sessions", "negative", id="sessions"),
        pytest.param(A + "path='live'", "camera[1].paths", "begin with /", id="path"),
        pytest.param(A + "path='/{x}'", "camera[1].paths", "{channel}", id="template"),
        pytest.param(A + "channels=4", "camera[1].channels", "[[recorder]]", id="channels"),
        pytest.param("[[recorder]]\nname='a'", "recorder[1].channels", "missing", id="no channels"),
        pytest.param(
            "[[recorder]]\nname='a'\nchannels=2\npath='/x'", "recorder[1].paths", "two streams", id="one path"
        ),
        pytest.param(A + "count=0", "camera[1].count", "1..", id="count"),
        pytest.param(A + "count=2", "camera[1].name", "{n}", id="count without n"),
        pytest.param(
            "[[camera]]\nname='{n}'\ncount=9\nhost='127.255.255.250'", "camera[1].count", "ends", id="no room"
        ),
        pytest.param(A + A, "name", "twice", id="same name"),
        pytest.param(
            A + "port=9\n[[camera]]\nname='b'\nport=9", "host", "both at", id="same address"
        ),
        pytest.param(A + "fault=3", "camera[1].fault", "list", id="fault is a list"),
        pytest.param(
            FAULTY + "kind='fire'", "camera[1].fault[1].kind", "silent", id="kind"
        ),
        pytest.param(FAULTY + "from=1", "camera[1].fault[1].kind", "missing", id="no kind"),
        pytest.param(
            FAULTY + "kind='silent'\non='2'", "camera[1].fault[1].on", "1-1", id="on"
        ),
        pytest.param(
            FAULTY + "kind='silent'\nfrom=5\nto=4",
            "camera[1].fault[1].to", "later", id="span",
        ),
        pytest.param("defaults=1\n" + A, "defaults", "table", id="defaults"),
        pytest.param("[defaults]\nname='x'\n" + A, "defaults.name", "unknown", id="default name"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_by_key_and_reason(tmp_path: Path, text: str, key: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(FleetError) as caught:
        load_fleet(path)
    assert caught.value.key == key
    assert said in caught.value.reason
    assert str(caught.value).startswith(str(path))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="No such file"):
        load_fleet(tmp_path / "none.toml")


def test_an_unknown_camera_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Fleet((CameraSpec("a"),)).camera("b")
