"""The typeface of papers: Tinos, as wide as Times New Roman and with every Vietnamese letter."""

import struct
from collections.abc import Mapping
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
    return "".join(sign if sign in known or sign == "\n" else _replaced(sign) for sign in text)


def _replaced(sign: str) -> str:
    if sign.isspace():
        return " "
    return UNSHOWN if sign.isprintable() else ""


def width(text: str) -> float:
    """How wide ``text`` is on one line, of its size, without kerning; a sign that is not shown counts 1."""
    known = _signs()
    return sum(known.get(sign, 1.0) for sign in text)


@cache
def _signs() -> Mapping[str, float]:
    """How wide each sign of the regular weight is, of its size: OpenType's tables ``cmap`` and ``hmtx``."""
    content = (FOLDER / "Tinos-Regular.ttf").read_bytes()
    tables = struct.unpack_from(">H", content, 4)[0]
    entries = (struct.unpack_from(">4sIII", content, 12 + 16 * number) for number in range(tables))
    starts = {tag: offset for tag, _, offset, _ in entries}
    glyphs = _glyphs(content, starts[b"cmap"])
    # Glyphs behind the last width are as wide as that one.
    size = struct.unpack_from(">H", content, starts[b"head"] + 18)[0]
    widths = struct.unpack_from(">H", content, starts[b"hhea"] + 34)[0]
    return {
        chr(code): struct.unpack_from(">H", content, starts[b"hmtx"] + 4 * min(glyph, widths - 1))[0] / size
        for code, glyph in glyphs.items()
    }


def _glyphs(content: bytes, start: int) -> Mapping[int, int]:
    """The glyphs of the code points of plane 0: subtable format 4 of ``cmap``."""
    subtables = struct.unpack_from(">H", content, start + 2)[0]
    for number in range(subtables):
        platform, encoding, offset = struct.unpack_from(">HHI", content, start + 4 + 8 * number)
        if (platform, encoding) == (3, 1):  # Windows, Unicode plane 0
            return _format_4(content, start + offset)
    raise ValueError("the typeface has no table of Unicode plane 0")


def _format_4(content: bytes, at: int) -> Mapping[int, int]:
    twice = struct.unpack_from(">H", content, at + 6)[0]
    ends, starts, deltas, offsets = (
        struct.unpack_from(f">{twice // 2}H", content, at + 14 + gap + part * twice)
        for part, gap in enumerate((0, 2, 2, 2))
    )
    found = {}
    for place, (first, last, delta, offset) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        for code in range(first, last + 1):
            glyph = code
            if offset:  # counted from where it stands itself
                listed = at + 16 + 3 * twice + 2 * place + offset + 2 * (code - first)
                glyph = struct.unpack_from(">H", content, listed)[0]
            if glyph or not offset:
                found[code] = (glyph + delta) % 0x10000
    return {code: glyph for code, glyph in found.items() if glyph}
