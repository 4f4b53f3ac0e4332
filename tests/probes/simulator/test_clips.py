"""The clips are what they say: whole groups of pictures that decode, and spoilt ones that do not."""

from fractions import Fraction

import av
import pytest
from av.error import InvalidDataError

from probes.simulator import ClipSpec, Codec
from probes.simulator.clips import MAX_PAYLOAD, AccessUnit, Clip, make_clip, truncated, undecodable

DECODER = {Codec.H264: "h264", Codec.H265: "hevc"}
SMALL = {codec: ClipSpec(codec, width=320, height=180, fps=5, gop_s=2) for codec in DECODER}


def annex_b(unit: AccessUnit, codec: Codec) -> bytes:
    """The NAL units of a frame, its fragments joined (RFC 6184, 5.8; RFC 7798, 4.4.3)."""
    nals = list[bytes]()
    for payload in unit.payloads:
        assert payload is not None
        if codec is Codec.H264 and payload[0] & 0x1F == 28:
            if payload[1] & 0x80:
                nals.append(bytes([payload[0] & 0xE0 | payload[1] & 0x1F]))
            nals[-1] += payload[2:]
        elif codec is Codec.H265 and payload[0] >> 1 & 0x3F == 49:
            if payload[2] & 0x80:
                nals.append(bytes([payload[0] & 0x81 | (payload[2] & 0x3F) << 1, payload[1]]))
            nals[-1] += payload[3:]
        else:
            nals.append(payload)
    return b"".join(b"\0\0\0\1" + nal for nal in nals)


def decoded(units: list[AccessUnit], codec: Codec) -> list[av.VideoFrame]:
    decoder = av.CodecContext.create(DECODER[codec], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    frames = list[av.VideoFrame]()
    for unit in units:
        frames += decoder.decode(av.Packet(annex_b(unit, codec)))
    return frames + decoder.decode(None)


def keyframes(clip: Clip) -> list[AccessUnit]:
    return [unit for unit in clip.units if unit.keyframe]


@pytest.mark.parametrize("codec", DECODER)
def test_a_clip_is_whole_groups_of_pictures_that_decode(codec: Codec) -> None:
    clip = make_clip(SMALL[codec])
    assert [number for number, unit in enumerate(clip.units) if unit.keyframe] == [0, 10, 20, 30, 40, 50]
    assert all(len(payload or b"") <= MAX_PAYLOAD for unit in clip.units for payload in unit.payloads)
    frames = decoded(list(clip.units), codec)
    assert len(frames) == len(clip.units) == 60
    assert {(frame.width, frame.height) for frame in frames} == {(320, 180)}


@pytest.mark.parametrize("codec", DECODER)
def test_each_keyframe_decodes_alone_and_no_two_are_alike(codec: Codec) -> None:
    """A loop of one keyframe would be a frozen picture."""
    clip = make_clip(SMALL[codec])
    pictures = {bytes(decoded([unit], codec)[0].planes[0]) for unit in keyframes(clip)}
    assert len(pictures) == 6


@pytest.mark.parametrize("codec", DECODER)
def test_an_undecodable_keyframe_has_good_framing_and_no_picture(codec: Codec) -> None:
    clip = make_clip(SMALL[codec])
    spoilt = undecodable(clip)
    for good, bad in zip(keyframes(clip), keyframes(spoilt), strict=True):
        assert [len(p or b"") for p in good.payloads] == [len(p or b"") for p in bad.payloads]
        try:
            frames = decoded([bad], codec)
        except InvalidDataError:
            frames = []
        assert frames == []


def test_a_truncated_keyframe_lacks_its_second_half() -> None:
    clip = make_clip(SMALL[Codec.H264])
    for unit in keyframes(truncated(clip)):
        sent = [payload is not None for payload in unit.payloads]
        assert sent == [True] * (len(sent) // 2) + [False] * (len(sent) - len(sent) // 2)
        assert not all(sent)


def test_equal_specs_share_one_clip() -> None:
    assert make_clip(ClipSpec(fps=5, gop_s=2, width=320, height=180)) is make_clip(SMALL[Codec.H264])


@pytest.mark.parametrize(("gop_s", "frames"), [(1, 110), (2, 120), (3, 120), (20, 600)])
def test_a_clip_ends_where_a_group_ends(gop_s: float, frames: int) -> None:
    assert ClipSpec(gop_s=gop_s).frames == frames
    assert Fraction(frames, ClipSpec(gop_s=gop_s).gop_frames).denominator == 1
