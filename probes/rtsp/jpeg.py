"""Motion JPEG out of RTP: fragments to a JFIF file with the headers that RTP leaves out (RFC 2435).

Pure. Every frame is a keyframe.
"""

from typing import Final

from probes.rtsp.keyframe import MAX_ACCESS_UNIT_BYTES, Keyframe


class JpegAssembler:
    """Frames of one stream. ``corrupt`` counts those that a gap hit; each is a keyframe.

    ``dimensions`` are those of the SDP, for pictures wider or higher than 2040 pixels.
    """

    def __init__(self, dimensions: tuple[int, int] | None = None) -> None:
        self.corrupt = 0
        self.key_starts: list[int] = []
        self.idle = False  # every picture is a keyframe
        self._dimensions = dimensions
        self._tables: dict[int, bytes] = {}  # by Q, from 128 to 254: sent once, then referred to
        self._timestamp = -1
        self._head = b""  # what stands before the scan; empty while no frame has begun whole
        self._size: tuple[int, int] = (0, 0)
        self._parts: list[bytes] = []
        self._length = 0

    def middle(self, packet: bytes, start: int) -> bool:
        """Never: each packet has a head of its own, which must be read."""
        return False

    def push(self, payload: bytes, timestamp: int, marker: bool, gap: bool) -> Keyframe | None:
        """Take one packet in order; the marker ends a frame (RFC 2435, 3.1)."""
        if gap and (
            self._parts or payload[1:4] != b"\0\0\0"
        ):  # the end of a frame is missing, or a beginning
            self.corrupt += 1
            self._parts.clear()
        if timestamp != self._timestamp:
            self._timestamp = timestamp
            self._parts.clear()
        scan = self._read_head(payload)
        if scan is None:
            self._parts.clear()
            return None
        if scan:
            self._parts.append(scan)
            self._length += len(scan)
        if not marker or not self._parts:
            return None
        data = b"".join([self._head, *self._parts])
        self._parts.clear()
        if not data.endswith(_EOI):
            data += _EOI
        return Keyframe("JPEG", data, timestamp, *self._size)

    def _read_head(self, payload: bytes) -> bytes | None:
        """The scan data of a packet, ``None`` where it does not continue what came before."""
        if len(payload) < 8:
            return None
        offset = int.from_bytes(payload[1:4], "big")
        kind, q, width, height = payload[4], payload[5], payload[6] * 8, payload[7] * 8
        position = 8
        restart = 0
        if kind >= 64:  # with restart markers (3.1.7)
            restart = int.from_bytes(payload[8:10], "big")
            position = 12
        if offset:
            if not self._parts or offset != self._length or offset > MAX_ACCESS_UNIT_BYTES:
                return None
            return payload[position:]
        self._parts.clear()
        self._length = 0
        tables = b""
        if q >= 128:  # tables in the stream (3.1.8)
            length = int.from_bytes(payload[position + 2 : position + 4], "big")
            precision = payload[position + 1] if position + 1 < len(payload) else 0
            tables = _written_tables(payload[position + 4 : position + 4 + length], precision)
            position += 4 + length
            if tables and q < 255:
                self._tables[q] = tables
            tables = tables or self._tables.get(q, b"")
        elif q:
            tables = _scaled_tables(min(q, 99))
        if not (width and height):
            width, height = self._dimensions or (0, 0)
        if not tables or not width or not height or kind & 63 > 1:
            return None
        self._size = (width, height)
        self._head = _headers(kind & 63, width, height, tables, restart)
        return payload[position:]


def _scaled_tables(q: int) -> bytes:
    """The two standard tables scaled by Q, as JPEG segments (4.2)."""
    factor = 5000 // q if q < 50 else 200 - 2 * q
    tables = (
        bytes(min(max((value * factor + 50) // 100, 1), 255) for value in table) for table in (_LUMA, _CHROMA)
    )
    return b"".join(_segment(0xDB, bytes((index,)) + table) for index, table in enumerate(tables))


def _written_tables(data: bytes, precision: int) -> bytes:
    """Tables from the stream as JPEG segments; one alone serves luma and chroma."""
    tables: list[tuple[int, bytes]] = []
    for index in range(2):
        wide = precision >> index & 1
        table, data = data[: 64 << wide], data[64 << wide :]
        if len(table) == 64 << wide:
            tables.append((wide, table))
    if len(tables) == 1:
        tables *= 2
    return b"".join(
        _segment(0xDB, bytes((wide << 4 | index,)) + table) for index, (wide, table) in enumerate(tables)
    )


def _headers(kind: int, width: int, height: int, tables: bytes, restart: int) -> bytes:
    """All that stands before the scan (appendix B): type 0 is 4:2:2, type 1 is 4:2:0."""
    frame = b"\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + b"\x03"
    frame += bytes((1, 0x22 if kind else 0x21, 0, 2, 0x11, 1, 3, 0x11, 1))
    return b"".join(
        (
            b"\xff\xd8",
            tables,
            _segment(0xDD, restart.to_bytes(2, "big")) if restart else b"",
            _segment(0xC0, frame),
            *(_segment(0xC4, table) for table in _HUFFMAN),
            _segment(0xDA, bytes((3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0))),
        )
    )


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


_EOI: Final = b"\xff\xd9"

# ITU-T T.81, tables K.1 and K.2, in zigzag order
_LUMA: Final = bytes.fromhex(
    "100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933383740485c4e404457453738506d5157"
    "5f626768673e4d71797064785c656763"
)
_CHROMA: Final = bytes.fromhex(
    "1112121815182f1a1a2f6342384263636363636363636363636363636363636363636363636363636363636363636363"
    "63636363636363636363636363636363"
)

# ITU-T T.81, tables K.3 to K.6: class and number, counts by length, values
_HUFFMAN: Final = tuple(
    bytes.fromhex(table)
    for table in (
        # luma DC
        "0000010501010101010100000000000000000102030405060708090a0b",
        # luma AC
        "100002010303020403050504040000017d01020300041105122131410613516107227114328191a1082342b1c11552d1"
        "f02433627282090a161718191a25262728292a3435363738393a434445464748494a535455565758595a636465666768"
        "696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4"
        "c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa",
        # chroma DC
        "0100030101010101010101010000000000000102030405060708090a0b",
        # chroma AC
        "1100020102040403040705040400010277000102031104052131061241510761711322328108144291a1b1c109233352"
        "f0156272d10a162434e125f11718191a262728292a35363738393a434445464748494a535455565758595a6364656667"
        "68696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2"
        "c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa",
    )
)
