"""The typeface of papers: Tinos, as wide as Times New Roman and with every Vietnamese letter."""

import struct
from functools import cache
from pathlib import Path
from unicodedata import normalize

FOLDER = Path(__file__).parent / "fonts"
UNSHOWN = "?"  # for a sign that Tinos has not: PDF/A refuses what no typeface draws


def shown(text: str) -> str:
    """``text`` in signs that the typeface has: letters composed, others replaced; lines stay lines."""
    text = normalize("NFC", text)
    if text.isascii() and text.isprintable():
        return text
    known = _signs()
    return "".join(sign if ord(sign) in known or sign == "\n" else _replaced(sign) for sign in text)


def _replaced(sign: str) -> str:
    if sign.isspace():
        return " "
    return UNSHOWN if sign.isprintable() else ""


@cache
def _signs() -> frozenset[int]:
    """The code points of the regular weight: OpenType's table ``cmap``, subtable format 4 (plane 0)."""
    content = (FOLDER / "Tinos-Regular.ttf").read_bytes()
    tables = struct.unpack_from(">H", content, 4)[0]
    entries = (struct.unpack_from(">4sIII", content, 12 + 16 * number) for number in range(tables))
    start = next(offset for tag, _, offset, _ in entries if tag == b"cmap")
    subtables = struct.unpack_from(">H", content, start + 2)[0]
    for number in range(subtables):
        platform, encoding, offset = struct.unpack_from(">HHI", content, start + 4 + 8 * number)
        if (platform, encoding) == (3, 1):  # Windows, Unicode plane 0
            return frozenset(_format_4(content, start + offset))
    raise ValueError("the typeface has no table of Unicode plane 0")


def _format_4(content: bytes, at: int) -> set[int]:
    twice = struct.unpack_from(">H", content, at + 6)[0]
    count = twice // 2
    ends = struct.unpack_from(f">{count}H", content, at + 14)
    starts = struct.unpack_from(f">{count}H", content, at + 16 + twice)
    return {code for first, last in zip(starts, ends, strict=True) for code in range(first, last + 1)} - {
        0xFFFF
    }
