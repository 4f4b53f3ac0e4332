"""What JSON Schema (2020-12) says of a document, as far as schemas of ours use it."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}
SPEAKING = {"$schema", "$id", "$defs", "title", "description", "examples", "format"}  # of no rule


def faults(schema: Mapping[str, Any], document: Any) -> list[str]:
    """Where the document is not as the schema has it; empty where it is."""
    return list(_faults(schema, schema, document, "$"))


def _faults(whole: Mapping[str, Any], schema: Mapping[str, Any], found: Any, at: str) -> Iterator[str]:
    rules: Mapping[str, Callable[[Any], bool]] = {
        "type": lambda names: _is(found, names if isinstance(names, list) else [names]),
        "const": lambda value: bool(found == value),
        "enum": lambda values: found in values,
        "pattern": lambda text: not isinstance(found, str) or re.search(text, found) is not None,
        "minimum": lambda least: not isinstance(found, int) or found >= least,
        "maxLength": lambda most: not isinstance(found, str) or len(found) <= most,
        "required": lambda names: not isinstance(found, dict) or set(names) <= set(found),
        "additionalProperties": lambda may: (
            may or not isinstance(found, dict) or set(found) <= set(schema["properties"])
        ),
    }
    for keyword, value in schema.items():
        if keyword in rules:
            if not rules[keyword](value):
                yield f"{at}: {keyword} {value!r}, found {found!r}"
        elif keyword == "properties" and isinstance(found, dict):
            for name in value.keys() & found.keys():
                yield from _faults(whole, value[name], found[name], f"{at}.{name}")
        elif keyword == "items" and isinstance(found, list):
            for number, each in enumerate(found):
                yield from _faults(whole, value, each, f"{at}[{number}]")
        elif keyword == "$ref":
            yield from _faults(whole, whole["$defs"][value.removeprefix("#/$defs/")], found, at)
        elif keyword not in {"properties", "items", *SPEAKING}:
            yield f"{at}: the keyword {keyword} is not known here"


def _is(found: Any, names: list[str]) -> bool:
    return any(
        isinstance(found, TYPES[name]) and not (name == "integer" and isinstance(found, bool))
        for name in names
    )
