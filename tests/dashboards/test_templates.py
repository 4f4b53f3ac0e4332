"""No sentence of a template stands outside of the catalogue."""

import re
from collections.abc import Iterator

import pytest
from jinja2 import Environment, nodes

from dashboards.rendering import TEMPLATES, environment

# Not words of a language: the program's name, units and signs, languages by their own names, commands.
AS_IT_IS = re.compile(r"camera-registry\b.*|CSV|XLSX|MTTR|MTBF|TLS|ONVIF|kbit/s|Authorization: Bearer crt_")
SPOKEN = ("title", "alt", "placeholder", "aria-label", "aria-description")
LETTERS = re.compile(r"[^\W\d_]{2,}")


def sources() -> list[str]:
    return sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))


def literal_text(made: Environment, name: str) -> Iterator[str]:
    """What stands in a template between its expressions and statements."""
    for data in made.parse((TEMPLATES / name).read_text(encoding="utf-8")).find_all(nodes.TemplateData):
        yield data.data


@pytest.mark.parametrize("name", sources())
def test_every_word_of_a_template_is_translated(name: str) -> None:
    text = "\0".join(literal_text(environment(), name))
    text = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", text, flags=re.DOTALL)
    attributes = re.findall(rf'\b(?:{"|".join(SPOKEN)})="([^"]*)"', text)
    shown = re.sub(r'<[^>]*>|&\w+;|[\w-]+="', " ", text)
    words = [AS_IT_IS.sub("", said) for said in (*attributes, *shown.split("\0"))]

    assert [said.strip() for said in words if LETTERS.search(said)] == []
