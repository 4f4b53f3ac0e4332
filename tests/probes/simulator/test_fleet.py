"""A fleet file says much in few lines, and what is wrong with it is said by file, key and reason."""

from pathlib import Path

import pytest

from probes.simulator import (
    Auth,
    CameraSpec,
    Codec,
    Fault,
    FaultKind,
    Fleet,
    FleetError,
    HttpSpec,
    Maker,
    Media,
    OnvifSpec,
    Start,
    Token,
    XAddr,
    load_fleet,
)

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

[camera.http]
port = 8080
snapshot = "/snap.jpg"
auth = ["md5"]

[[recorder]]
name = "market"
host = "127.20.0.1"
channels = 64
lock_after = 5

[recorder.http]
maker = "hikvision"
days = 14
clock_s = 10800

[recorder.http.onvif]
media = ["media1", "media2"]
profile_g = true
token = "digest"
window_s = 5
xaddr = "nat"
hang = ["GetCapabilities"]
user = "onvif"
password = "0th3r"
"""


A = "[[camera]]\nname='a'\n"
HTTP = A + "[camera.http]\n"
ONVIF = A + "[camera.http.onvif]\n"
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
    assert first.http == HttpSpec(port=8080, snapshot="/snap.jpg", auth=(Auth.MD5,))
    assert (first.snapshot_path(), first.web_auth) == ("/snap.jpg", (Auth.MD5,))
    assert recorder.http is not None
    assert (recorder.http.maker, recorder.http.days, recorder.http.clock_s) == (Maker.HIKVISION, 14, 10800)
    assert recorder.http.onvif == OnvifSpec(
        media=(Media.MEDIA1, Media.MEDIA2), profile_g=True, token=Token.DIGEST, window_s=5, xaddr=XAddr.NAT,
        hang=("GetCapabilities",), user="onvif", password="0th3r",
    )  # fmt: skip
    assert (recorder.snapshot_path(7), recorder.web_auth) == ("/snapshot.jpg?channel=7", recorder.auth)
    assert not any(host.endswith((".0", ".255")) for host in (camera.host for camera in fleet.cameras))


def test_http_of_all_is_that_of_each_where_it_says_nothing_else(tmp_path: Path) -> None:
    other = "[[camera]]\nname='b'\nhost='127.0.0.2'"
    text = f"[defaults.http]\nport=8080\ndays=7\n{HTTP}days=3\n{other}"
    fleet = load_fleet(written(tmp_path, text))
    assert fleet.camera("a").http == HttpSpec(port=8080, days=3)
    assert fleet.camera("b").http == HttpSpec(port=8080, days=7)


def test_the_password_is_not_shown(tmp_path: Path) -> None:
    shown = repr(load_fleet(written(tmp_path, CITY)))
    assert "s3cret" not in shown
    assert "0th3r" not in shown


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
        pytest.param(A + "http=3", "camera[1].http", "table", id="http is a table"),
        pytest.param(HTTP + "colour=1", "camera[1].http.colour", "unknown", id="unknown key of http"),
        pytest.param(HTTP + "port=-1", "camera[1].http.port", "0..65535", id="port of http"),
        pytest.param(A + "port=80\n[camera.http]\nport=80", "camera[1].http.port", "RTSP", id="one port"),
        pytest.param(HTTP + "snapshot='x'", "camera[1].http.snapshot", "begin with /", id="snapshot"),
        pytest.param(HTTP + "maker='acme'", "camera[1].http.maker", "hikvision, dahua", id="maker"),
        pytest.param(HTTP + "days=-1", "camera[1].http.days", "negative", id="days"),
        pytest.param(ONVIF + "media=[]", "camera[1].http.onvif.media", "at least one", id="no media"),
        pytest.param(ONVIF + "media=['media3']", "camera[1].http.onvif.media", "media1", id="media"),
        pytest.param(ONVIF + "fault_status=404", "camera[1].http.onvif.fault_status", "500", id="status"),
        pytest.param(ONVIF + "user='a'", "camera[1].http.onvif.user", "password", id="user alone"),
        pytest.param(ONVIF + "hang=[1]", "camera[1].http.onvif.hang", "a string", id="hang"),
        pytest.param(
            "[[recorder]]\nname='a'\nchannels=2\n[recorder.http]\nsnapshot='/x'", "recorder[1].http.snapshot",
            "{channel}", id="one snapshot",
        ),
        pytest.param(
            "[defaults.http]\nport=80\n" + A + "[[camera]]\nname='b'", "host", "both at", id="same http"
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
