import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.decode import decode_keyframe
from probes.errors import DecodeError
from probes.reasons import Reason
from tests.probes.rtsp.packets import clip


@pytest.mark.parametrize("codec", ["H264", "H265"])
def test_a_keyframe_becomes_a_picture(codec: str) -> None:
    picture = decode_keyframe(codec, clip(codec)[0])
    assert (picture.width, picture.height) == (160, 90)
    assert picture.luma.shape == (90, 160)
    assert picture.luma.std() > 10
    assert len(picture.chroma) == 2
    assert not picture.full_range


def test_an_unknown_codec_is_told_apart_from_a_bad_picture() -> None:
    with pytest.raises(DecodeError) as error:
        decode_keyframe("AV1", b"x")
    assert error.value.reason is Reason.CODEC_UNSUPPORTED


@pytest.mark.parametrize("codec", ["H264", "H265", "JPEG"])
@pytest.mark.parametrize("data", [b"", b"\0\0\0\1", b"junk" * 100], ids=["empty", "start code", "junk"])
def test_what_gives_no_picture_has_failed(codec: str, data: bytes) -> None:
    with pytest.raises(DecodeError) as error:
        decode_keyframe(codec, data)
    assert error.value.reason is Reason.DECODE_FAILED


@pytest.mark.parametrize("codec", ["H264", "H265"])
def test_more_pixels_than_allowed_are_refused(codec: str) -> None:
    with pytest.raises(DecodeError) as error:
        decode_keyframe(codec, clip(codec)[0], max_pixels=160 * 90 - 1)
    assert error.value.reason is Reason.DECODE_FAILED


@given(st.sampled_from(["H264", "H265"]), st.integers(0, 4000), st.binary(max_size=8))
def test_damage_is_a_picture_or_our_error(codec: str, at: int, noise: bytes) -> None:
    data = clip(codec)[0]
    at %= len(data)
    try:
        picture = decode_keyframe(codec, data[:at] + noise + data[at + len(noise) :])
        assert picture.luma.shape == (picture.height, picture.width)
    except DecodeError:
        pass
