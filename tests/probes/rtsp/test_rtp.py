import random
from collections.abc import Iterable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.decode import decode_keyframe
from probes.rtsp.keyframe import MAX_ACCESS_UNIT_BYTES
from probes.rtsp.rtp import REORDER_DEPTH, SSRC_PATIENCE, RtpStream
from probes.rtsp.sdp import CODECS, Track
from tests.probes.rtsp.packets import aggregated, clip, fragments, nal_units, payloads_of, rtp, stream

CODEC = pytest.mark.parametrize("codec", ["H264", "H265"])
NAL_CODECS = st.sampled_from(["H264", "H265"])


def receive(packets: Iterable[bytes], codec: str = "H264", *, reorder: bool = False) -> RtpStream:
    received = RtpStream(Track(codec, 96), reorder=reorder)
    for packet in packets:
        received.push(packet)
    received.flush()
    return received


def picture_parts(codec: str, annexb: bytes) -> list[bytes]:
    """NAL units without SEI and delimiters, which a keyframe need not carry."""
    left_out = {6, 9} if codec == "H264" else {35, 39, 40}
    kinds = (nal[0] & 0x1F if codec == "H264" else nal[0] >> 1 & 0x3F for nal in nal_units(annexb))
    return [nal for nal, kind in zip(nal_units(annexb), kinds, strict=True) if kind not in left_out]


@given(
    codec=NAL_CODECS,
    size=st.integers(20, 1500),
    first=st.sampled_from([0, 65530, 30000]),
    aggregate=st.booleans(),
    window=st.integers(1, REORDER_DEPTH // 2),
    seed=st.integers(0, 99),
)
def test_what_is_packed_comes_out_again_even_out_of_order(
    codec: str, size: int, first: int, aggregate: bool, window: int, seed: int
) -> None:
    units = clip(codec)
    packets = list(stream(codec, units, size=size, first=first, aggregate=aggregate))
    shuffled = packets[:1]
    mixer = random.Random(seed)
    for at in range(1, len(packets), window):
        block = packets[at : at + window]
        mixer.shuffle(block)
        shuffled += block
    received = receive(shuffled, codec, reorder=True)
    assert received.keyframe is not None
    assert picture_parts(codec, received.keyframe.data) == picture_parts(codec, units[0])
    assert (received.lost, received.late, received.corrupt) == (0, 0, 0)
    assert received.packets == len(packets)


@CODEC
def test_the_keyframe_is_complete_with_its_last_packet_and_decodes(codec: str) -> None:
    received = RtpStream(Track(codec, 96))
    packets = list(stream(codec, clip(codec)[:1]))
    assert [received.push(packet) for packet in packets] == [False] * (len(packets) - 1) + [True]
    assert received.keyframe is not None
    assert (received.keyframe.width, received.keyframe.height) == (160, 90)
    picture = decode_keyframe(codec, received.keyframe.data)
    assert (picture.width, picture.height) == (160, 90)


@pytest.mark.parametrize("size", [100_000, 300], ids=["whole units", "fragments"])
def test_slices_after_a_marker_belong_to_the_same_picture(size: int) -> None:
    """LIVE555 marks the end of every slice."""
    units = clip("H264", slices=4)[:2]
    received = RtpStream(Track("H264", 96))
    for index, unit in enumerate(units):
        for nal in nal_units(unit):
            payloads = [nal] if len(nal) <= size else fragments("H264", nal, size)
            for number, payload in enumerate(payloads, 1):
                marker = nal[0] & 0x1F in (1, 5) and number == len(payloads)
                received.push(rtp(payload, sequence=received.packets, timestamp=index * 9000, marker=marker))
    assert received.keyframe is not None
    parts = picture_parts("H264", received.keyframe.data)
    assert len(parts) == 2 + 4, "SPS, PPS and four slices"
    assert parts == picture_parts("H264", units[0])


@CODEC
def test_without_a_marker_the_next_timestamp_ends_the_keyframe(codec: str) -> None:
    packets = [
        packet[:1] + bytes([packet[1] & 0x7F]) + packet[2:] for packet in stream(codec, clip(codec)[:2])
    ]
    received = receive(packets[:-1], codec)
    assert received.keyframe is not None
    assert decode_keyframe(codec, received.keyframe.data).width == 160


@CODEC
def test_a_keyframe_with_a_gap_is_corrupt_and_the_next_one_is_taken(codec: str) -> None:
    packets = list(stream(codec, clip(codec)))
    in_keyframe = len(payloads_of(codec, clip(codec)[0]))
    for missing in range(1, in_keyframe):
        received = receive(packets[:missing] + packets[missing + 1 :], codec)
        assert received.keyframe is not None, missing
        whole_first = received.keyframe.timestamp == 0
        # losing SEI or parameter sets that are known otherwise harms no picture
        assert received.corrupt == (0 if whole_first else 1), missing
        assert received.lost == 1
    received = receive(packets[: in_keyframe - 1], codec)
    assert received.keyframe is None, "its end is not known"


@CODEC
def test_joining_in_the_middle_of_a_keyframe_is_no_corruption(codec: str) -> None:
    packets = list(stream(codec, clip(codec)))
    received = receive(packets[4:], codec)
    assert received.corrupt == 0
    assert received.keyframe is not None
    assert received.keyframe.timestamp == 3 * 9000
    assert received.gop_s == pytest.approx(0.3)


@CODEC
def test_learns_frame_rate_and_gop(codec: str) -> None:
    received = receive(stream(codec, clip(codec), first=65000), codec)
    assert received.fps == pytest.approx(10)
    assert received.gop_s == pytest.approx(0.3)
    assert received.bitrate_bps == pytest.approx(received.bytes * 8 / 0.5)


def test_the_wait_for_a_keyframe_is_known() -> None:
    units = clip("H264")
    received = receive(stream("H264", units[1:]))
    assert received.keyframe_wait_s == pytest.approx(0.2)
    assert received.gop_s is None


def test_a_frame_rate_is_not_guessed_from_one_picture() -> None:
    packets = list(stream("H264", clip("H264")[:1]))
    assert receive(packets).fps is None
    claimed = RtpStream(Track("H264", 96, framerate=15.0))
    assert claimed.fps == 15.0


def test_timestamps_wrap() -> None:
    packets = list(stream("H264", clip("H264")))
    shifted = [
        packet[:4]
        + ((int.from_bytes(packet[4:8], "big") - 20000) % (1 << 32)).to_bytes(4, "big")
        + packet[8:]
        for packet in packets
    ]
    received = receive(shifted)
    assert received.fps == pytest.approx(10)
    assert received.gop_s == pytest.approx(0.3)


# ---- H.264 as cameras send it

SPS, PPS, IDR = (nal for nal in nal_units(clip("H264")[0]) if nal[0] & 0x1F in (7, 8, 5))
P_SLICE = nal_units(clip("H264")[1])[-1]
SEI = bytes.fromhex("0605") + b"\x01\xff\x80"
RECOVERY_SEI = bytes.fromhex("06060184 80".replace(" ", ""))


def h264(payloads: Iterable[bytes], markers: str) -> list[bytes]:
    """Payloads of one timestamp; a ``!`` in ``markers`` sets the marker."""
    return [
        rtp(payload, sequence=number, timestamp=1, marker=mark == "!")
        for number, (payload, mark) in enumerate(zip(payloads, markers, strict=True))
    ]


FU = fragments("H264", IDR, len(IDR) // 3)


@pytest.mark.parametrize(
    "packets",
    [
        pytest.param(h264([SPS, PPS, IDR], "..!"), id="single units"),
        pytest.param(h264([aggregated("H264", [SPS, PPS]), IDR], ".!"), id="STAP-A"),
        pytest.param(h264([aggregated("H264", [SPS, PPS, IDR])], "!"), id="all in one STAP-A"),
        pytest.param(h264([SPS, PPS, *FU], "..." + "." * (len(FU) - 2) + "!"), id="FU-A"),
        pytest.param(h264([SPS, PPS, SEI, IDR], "!!!!"), id="marker on SEI and parameter sets"),
        pytest.param(
            h264([SPS, PPS, FU[0], FU[0][:2][:1], b"", *FU[1:]], "....." + "." * (len(FU) - 2) + "!"),
            id="empty",
        ),
        pytest.param(
            h264(
                [SPS, PPS, FU[0], *[bytes([f[0], f[1] & 0xE0 | 1]) + f[2:] for f in FU[1:]]],
                ".." + "." * (len(FU) - 1) + "!",
            ),
            id="the type changes inside a fragmented unit (Tiandy)",
        ),
        pytest.param(
            h264(
                [SPS, PPS, *[bytes([f[0], f[1] & 0xBF]) + f[2:] for f in FU]],
                ".." + "." * (len(FU) - 1) + "!",
            ),
            id="no end bit",
        ),
        pytest.param(
            h264([b"\0\0\0\1" + b"\0\0\0\1".join([SPS, PPS, IDR])], "!"), id="Annex B in one packet (V380)"
        ),
        pytest.param(
            h264(
                fragments("H264", b"\0\0\1".join([SPS, PPS, IDR]), 500),
                "." * (-(-(len(SPS + PPS + IDR) + 5) // 500) - 1) + "!",
            ),
            id="Annex B across fragments of one unit (V380)",
        ),
        pytest.param(
            h264([SPS + b"\0\0\0\x07", PPS, IDR], "..!"), id="trailing bytes after the SPS (Reolink)"
        ),
    ],
)
def test_takes_h264_as_cameras_pack_it(packets: list[bytes]) -> None:
    received = receive(packets)
    assert received.keyframe is not None
    assert (received.keyframe.width, received.keyframe.height) == (160, 90)
    assert decode_keyframe("H264", received.keyframe.data).width == 160


@pytest.mark.parametrize(
    ("payloads", "markers", "expected"),
    [
        pytest.param(
            [SPS, PPS, RECOVERY_SEI, P_SLICE], "...!", True, id="intra refresh: a recovery point begins it"
        ),
        pytest.param([SPS, PPS, SEI, P_SLICE], "...!", False, id="another SEI does not"),
        pytest.param([SPS, PPS, P_SLICE], "..!", False, id="P-frames only"),
        pytest.param([IDR], "!", False, id="no parameter sets anywhere"),
        pytest.param([SPS, PPS], ".!", False, id="parameter sets alone"),
        pytest.param([SPS, PPS, *FU[1:]], ".." + "." * (len(FU) - 2) + "!", False, id="no first fragment"),
    ],
)
def test_what_counts_as_a_keyframe(payloads: list[bytes], markers: str, expected: bool) -> None:
    assert (receive(h264(payloads, markers)).keyframe is not None) is expected


def test_sprop_serves_only_where_nothing_came_in_band() -> None:

    def track(*sets: bytes) -> Track:
        return Track("H264", 96, parameter_sets=sets)

    helped = RtpStream(track(SPS, PPS))
    assert helped.push(rtp(IDR, marker=True))
    annexb = RtpStream(track(b"\0\0\0\1" + SPS, b"\0\0\0\1" + PPS))
    assert annexb.push(rtp(IDR, marker=True))
    misled = RtpStream(track(b"\x67junk", PPS))
    assert not misled.push(rtp(IDR, marker=True)), "an SPS that cannot be read is not trusted"
    own = RtpStream(track(SPS, b"\x68wrong"))
    for packet in h264([SPS, PPS, IDR], "..!"):
        own.push(packet)
    assert own.keyframe is not None
    assert b"wrong" not in own.keyframe.data


def test_an_endless_keyframe_is_given_up() -> None:
    received = receive(h264([SPS, PPS, FU[0]], "..."))
    chunk = FU[1][:2] + bytes(65000)
    for number in range(MAX_ACCESS_UNIT_BYTES // 65000 + 2):
        received.push(rtp(chunk, sequence=3 + number, timestamp=1))
    assert not received.push(rtp(FU[-1], sequence=3 + number + 1, timestamp=1, marker=True))
    assert received.keyframe is None


# ---- order and strangers


def test_counts_loss_across_the_wrap() -> None:
    numbers = [65533, 65534, 1, 2, 2, 65534, 5]
    received = receive(rtp(P_SLICE, sequence=number) for number in numbers)
    assert (received.lost, received.late) == (4, 2)


def test_a_restart_of_the_numbering_is_no_loss() -> None:
    received = receive(rtp(P_SLICE, sequence=number) for number in [100, 101, 40000, 40001])
    assert received.lost == 0


def test_over_udp_a_missing_packet_is_waited_for_only_so_long() -> None:
    received = RtpStream(Track("H264", 96), reorder=True)
    for number in [0, *range(2, REORDER_DEPTH + 3)]:
        received.push(rtp(P_SLICE, sequence=number))
    assert received.lost == 1
    received.push(rtp(P_SLICE, sequence=1))
    assert received.late == 1


def test_strangers_are_ignored() -> None:
    good = list(stream("H264", clip("H264")))
    junk = [rtp(b"x" * 50, payload_type=50), rtp(b"x", ssrc=99), b"", b"\x81\xc8" + bytes(26), b"\0" * 40]
    received = receive([*good[:1], *junk, *good[1:]])
    assert received.foreign == len(junk)
    assert (received.lost, received.packets) == (0, len(good))


def test_a_new_source_is_followed_once_it_is_alone() -> None:
    old = [rtp(P_SLICE, sequence=number, ssrc=1) for number in range(3)]
    new = list(stream("H264", clip("H264")))
    received = receive(old + new)
    assert received.foreign == SSRC_PATIENCE - 1
    assert received.keyframe is not None


def test_extension_sources_and_padding_are_no_payload() -> None:
    plain = rtp(P_SLICE)
    dressed = (
        bytes([0x80 | 0x20 | 0x10 | 2]) + plain[1:12] + bytes(8) + b"\xab\xac\0\1abcd" + P_SLICE + b"\0\0\3"
    )
    assert receive([dressed]).bytes == len(P_SLICE)


def test_a_codec_that_we_cannot_take_apart_is_counted() -> None:
    received = receive([rtp(b"x" * 100, sequence=n, timestamp=n * 9000) for n in range(8)], "AV1")
    assert "AV1" not in CODECS
    assert (received.packets, received.keyframe, received.corrupt) == (8, None, 0)
    assert received.fps == pytest.approx(10)


@given(st.sampled_from(sorted(CODECS)), st.lists(st.binary(max_size=60), max_size=20), st.booleans())
def test_no_payload_breaks_it(codec: str, payloads: list[bytes], reorder: bool) -> None:
    receive(
        (rtp(p, sequence=n // 2, timestamp=n // 3, marker=n % 4 == 0) for n, p in enumerate(payloads)),
        codec,
        reorder=reorder,
    )
    receive(payloads, codec, reorder=reorder)


# ---- Motion JPEG


def jpeg(quality: int, size: int = 64) -> tuple[bytes, bytes, bytes]:
    """A picture as JFIF, its tables and its scan."""
    blocks = np.random.default_rng(5).integers(0, 256, (size // 8, size // 8), dtype=np.uint8)
    grey = cv2.resize(blocks, (size, size), interpolation=cv2.INTER_NEAREST)
    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
    ]
    data = cv2.imencode(".jpg", cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), options)[1].tobytes()
    tables, position = b"", 2
    while data[position + 1] != 0xDA:
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if data[position + 1] == 0xDB:
            tables += data[position + 5 : position + 2 + length]
        position += 2 + length
    return data, tables, data[position + 2 + int.from_bytes(data[position + 2 : position + 4], "big") :]


def jpeg_packets(
    scan: bytes, q: int, tables: bytes = b"", *, kind: int = 1, step: int = 80, first: int = 0
) -> list[bytes]:
    packets: list[bytes] = []
    restart = b"\0\x08\xff\xff" if kind >= 64 else b""
    for offset in range(0, len(scan), step):
        head = b"\0" + offset.to_bytes(3, "big") + bytes([kind, q, 8, 8]) + restart
        if q >= 128 and offset == 0:
            head += b"\0\0" + len(tables).to_bytes(2, "big") + tables
        last = offset + step >= len(scan)
        payload = head + scan[offset : offset + step]
        packets.append(rtp(payload, sequence=first + len(packets), timestamp=first, marker=last))
    return packets


@pytest.mark.parametrize("quality", [5, 30, 50, 75, 95])
def test_rebuilds_the_headers_of_a_jpeg_from_q(quality: int) -> None:
    data, _, scan = jpeg(quality)
    received = receive(jpeg_packets(scan, quality), "JPEG")
    assert received.keyframe is not None
    assert (received.keyframe.width, received.keyframe.height) == (64, 64)
    assert (decode_keyframe("JPEG", received.keyframe.data).luma == decode_keyframe("JPEG", data).luma).all()


def test_takes_tables_from_the_stream_and_remembers_them() -> None:
    data, tables, scan = jpeg(60)
    received = receive(jpeg_packets(scan, 200, tables)[:-1], "JPEG")  # that frame stays without its end
    for packet in jpeg_packets(scan, 200, first=1000):
        received.push(packet)
    assert received.keyframe is not None
    assert (decode_keyframe("JPEG", received.keyframe.data).luma == decode_keyframe("JPEG", data).luma).all()


def test_a_jpeg_with_a_gap_is_corrupt() -> None:
    scan = jpeg(95)[2]
    packets = jpeg_packets(scan, 95)
    received = receive(packets[:1] + packets[2:], "JPEG")
    assert (received.keyframe, received.corrupt) == (None, 1)


def test_a_large_jpeg_takes_its_size_from_the_sdp() -> None:
    scan = jpeg(50)[2]
    received = RtpStream(Track("JPEG", 96, dimensions=(64, 64)))
    for packet in jpeg_packets(scan, 50):
        received.push(packet[:18] + b"\0\0" + packet[20:])
    assert received.keyframe is not None
    assert (received.keyframe.width, received.keyframe.height) == (64, 64)
