"""Where two answers to the same question differ."""

from collections.abc import Iterator, Mapping
from typing import Any

SECOND = 1e-6  # figures are of whole microseconds, and then divided


def differences(told: Any, wanted: Any, place: str = "") -> Iterator[str]:
    """Everything in ``wanted`` that ``told`` has otherwise, or not at all; what it has more is no matter."""
    if isinstance(wanted, Mapping):
        for key, value in wanted.items():
            if not isinstance(told, Mapping) or key not in told:
                yield f"{place}.{key}: missing"
            else:
                yield from differences(told[key], value, f"{place}.{key}")
    elif isinstance(wanted, list):
        if not isinstance(told, list) or len(told) != len(wanted):
            yield f"{place}: {told}, not {wanted}"
        else:
            for index, (one, other) in enumerate(zip(told, wanted, strict=True)):
                yield from differences(one, other, f"{place}[{index}]")
    elif isinstance(wanted, int | float) and isinstance(told, int | float):
        if abs(told - wanted) > SECOND:
            yield f"{place}: {told}, not {wanted}"
    elif told != wanted:
        yield f"{place}: {told}, not {wanted}"
