"""XML from strangers: read inside limits, without entities, and without asking for well-kept namespaces."""

import re
from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

MOST_ELEMENTS: Final = 50_000  # a recorder of 256 channels lists its tracks in about 20,000
MOST_DEPTH: Final = 64
NOT_XML_CHARACTERS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # XML 1.0, 2.2


class MarkupError(ValueError):
    """What came is not XML, declares a document type, or exceeds a limit."""


def parse_xml(body: bytes) -> Element:
    """The root element of ``body``, names without their prefixes.

    Bytes that are no UTF-8 and characters that XML forbids are replaced or dropped: devices put channel names
    in any encoding into it. Prefixes need not be declared. A DOCTYPE is refused, and with it every entity of
    the sender's own. Raises ``MarkupError``.
    """
    builder = TreeBuilder()
    parser = expat.ParserCreate()  # without namespaces: a prefix that nobody declared does no harm
    depth = count = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > MOST_DEPTH or count > MOST_ELEMENTS:
            raise MarkupError("more elements than we are willing to read")
        builder.start(_local(name), {_local(key): value for key, value in attributes.items()})

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_local(name))

    def doctype(*_: object) -> None:
        raise MarkupError("it declares a document type")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(NOT_XML_CHARACTERS.sub("", body.decode("utf-8", "replace")).strip(), True)
    except expat.ExpatError as error:
        raise MarkupError(f"not XML: {error}") from error
    return builder.close()


def text_of(element: Element, path: str) -> str:
    """The text at ``path`` below ``element``, stripped; empty where there is none."""
    return (element.findtext(path) or "").strip()


def _local(name: str) -> str:
    return name.rpartition(":")[2]
