"""Makers' paths: what is proposed for a device that does not tell, and that no password is among it."""

import re

import pytest

from camera_registry.brands import Brand, Paths, brand_of, brands, paths_of
from probes.paths import CREDENTIAL_KEYS, clean_path
from probes.recording.port import Vendor


@pytest.mark.parametrize(
    ("maker", "key"),
    [
        pytest.param("HIKVISION", "hikvision", id="as ONVIF says it"),
        pytest.param(" Hikvision Digital Technology", "hikvision", id="with more behind"),
        pytest.param("Dahua Technology", "dahua", id="Dahua"),
        pytest.param("imou", "dahua", id="a brand of another maker"),
        pytest.param("KBVision", "kbvision", id="KBVision"),
        pytest.param("TP-Link VIGI", "tplink-vigi", id="the longer name wins"),
        pytest.param("TP-Link Tapo C200", "tplink-tapo", id="... of several"),
        pytest.param("UNV", "uniview", id="an abbreviation"),
        pytest.param("Axisoft", None, id="only the beginning of a word"),
        pytest.param("Unheard-of", None, id="unknown"),
        pytest.param("", None, id="nothing said"),
    ],
)
def test_brand_of_a_maker(maker: str, key: str | None) -> None:
    found = brand_of(maker)
    assert (found.key if found else None) == key


@pytest.mark.parametrize(
    ("key", "channel", "paths"),
    [
        pytest.param(
            "hikvision",
            12,
            Paths(
                "/Streaming/Channels/1201",
                "/Streaming/Channels/1202",
                "/ISAPI/Streaming/channels/1201/picture",
            ),
            id="Hikvision: channel x 100 + stream",
        ),
        pytest.param(
            "dahua",
            3,
            Paths(
                "/cam/realmonitor?channel=3&subtype=0",
                "/cam/realmonitor?channel=3&subtype=1",
                "/cgi-bin/snapshot.cgi?channel=3",
            ),
            id="Dahua",
        ),
        pytest.param("reolink", 4, Paths("/Preview_04_main", "/Preview_04_sub", None), id="two digits"),
        pytest.param("tplink-tapo", 1, Paths("/stream1", "/stream2", None), id="one channel"),
        pytest.param("xm", 1, Paths(None, None, None), id="nothing that could be used"),
    ],
)
def test_paths_of_a_channel(key: str, channel: int, paths: Paths) -> None:
    (brand,) = (brand for brand in brands() if brand.key == key)
    assert paths_of(brand, channel) == paths


@pytest.mark.parametrize(("key", "channel"), [("tplink-tapo", 2), ("hikvision", 0)])
def test_a_channel_that_cannot_be(key: str, channel: int) -> None:
    (brand,) = (brand for brand in brands() if brand.key == key)
    with pytest.raises(ValueError, match=key):
        paths_of(brand, channel)


@pytest.mark.parametrize("brand", [pytest.param(brand, id=brand.key) for brand in brands()])
def test_a_template_is_a_path_without_credentials(brand: Brand) -> None:
    for path in (brand.main, brand.sub, brand.snapshot):
        if path is not None:
            filled = path.format(channel=1)
            assert filled == clean_path(filled)
            assert not re.search("|".join(CREDENTIAL_KEYS), filled.partition("?")[2])
    assert brand.single_channel or brand.main is None or "{channel" in brand.main


def test_footage_is_asked_in_the_makers_own_language_where_it_has_one() -> None:
    own = {brand.key: brand.recording for brand in brands() if brand.recording is not Vendor.ONVIF}
    assert own == {"hikvision": Vendor.HIKVISION, "dahua": Vendor.DAHUA, "kbvision": Vendor.DAHUA}


def test_no_name_stands_for_two() -> None:
    names = [name.casefold() for brand in brands() for name in brand.names]
    assert len({*names}) == len(names)
