"""What makers have in common: the right ways for the right name, and none where none is known."""

import pytest

from camera_registry.brands import brand_of, vendor_of
from probes.recording.port import Vendor


@pytest.mark.parametrize(
    ("manufacturer", "channel", "main", "sub", "snapshot"),
    [
        pytest.param(
            "HIKVISION",
            3,
            "/Streaming/Channels/301",
            "/Streaming/Channels/302",
            "/ISAPI/Streaming/channels/301/picture",
            id="hikvision",
        ),
        pytest.param(
            "Zhejiang Dahua Vision Technology",
            2,
            "/cam/realmonitor?channel=2&subtype=0",
            "/cam/realmonitor?channel=2&subtype=1",
            "/cgi-bin/snapshot.cgi?channel=2",
            id="in a longer name",
        ),
        pytest.param("Reolink", 1, "/Preview_01_main", "/h264Preview_01_sub", None, id="two digits"),
        pytest.param("tp-link", 1, "/stream1", "/stream2", None, id="one channel"),
        pytest.param("TP-Link", 2, None, None, None, id="no second channel"),
        pytest.param(
            "Axis Communications", 1, "/axis-media/media.amp", None, "/axis-cgi/jpg/image.cgi", id="axis"
        ),
    ],
)
def test_paths(
    manufacturer: str, channel: int, main: str | None, sub: str | None, snapshot: str | None
) -> None:
    brand = brand_of(manufacturer)
    assert brand is not None
    assert (brand.main_path(channel), brand.sub_path(channel)) == (main, sub)
    assert brand.snapshot_path(channel) == snapshot


@pytest.mark.parametrize(
    ("manufacturer", "vendor"),
    [
        pytest.param("KBVISION", Vendor.DAHUA, id="a Dahua make"),
        pytest.param("HiLook", Vendor.HIKVISION, id="a Hikvision make"),
        pytest.param("TP-Link Tapo", None, id="no language of its own"),
        pytest.param("Praxis", None, id="a name in a word is no name"),
        pytest.param("", None, id="not known"),
    ],
)
def test_in_whose_language_a_recorder_is_asked(manufacturer: str, vendor: Vendor | None) -> None:
    assert vendor_of(manufacturer) is vendor
