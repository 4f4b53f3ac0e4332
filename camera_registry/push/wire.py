"""What the machine of a site and the registry tell each other: values, their JSON, and what is not taken.

The registry answers ``GET /api/v1/targets`` with a sealed ``Bundle`` and ``POST /api/v1/results`` with a
``Receipt``. A result is refused by itself: one that is malformed holds up no other.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Annotated, Any, ClassVar, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from camera_registry.canaries import Canary
from probes.logins import LoginState
from probes.result import ProbeResult, Target

TARGETS, RESULTS = "/api/v1/targets", "/api/v1/results"
MACHINE: Final = "X-Machine"  # header of GET: the name that the machine made for itself
NAMED = r"^[0-9a-f]{32}$"  # a machine, and a batch: 128 random bits

MOST_RESULTS = 200  # in one post
MOST_LOGINS = MOST_PACES = 500
MOST_NAMED = 10  # unknown eyes and malformed results in a receipt
MOST_POSTED = 768 * 1024  # bytes of a post; the registry reads no body of more than a megabyte
LEAST_BEAT_S, MOST_BEAT_S = 1, 3_600  # between two posts

# Of a result. What the ladder makes has 11 rungs at most, 5 verdicts, and texts of some 200 characters.
MOST_PARTS = 32
LONGEST_TEXT = 500
LONGEST_BYTES = 4_096
GREATEST = 2**31 - 1  # what a column takes
GREATEST_HASH = 2**64 - 1
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
MOST_INTERVAL_S = 2 * 86_400.0

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False, ser_json_bytes="base64", val_json_bytes="base64")


@dataclass(frozen=True, slots=True)
class AskedEye:
    """An eye to ask; ``until`` is from when on it may not be asked any more, as far as that is known."""

    target: Target
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnownLogin:
    """The login budget of one device and credential, of the site that speaks."""

    device: Annotated[str, Field(max_length=300)]
    credential: Annotated[str, Field(max_length=64)]
    state: LoginState


@dataclass(frozen=True, slots=True)
class KnownPace:
    """How often each eye of a device is asked, and how long that takes (seconds)."""

    device: Annotated[str, Field(max_length=300)]
    effective_interval_s: Annotated[float, Field(gt=0, le=MOST_INTERVAL_S, allow_inf_nan=False)]
    probe_s: Annotated[float, Field(ge=0, le=MOST_INTERVAL_S, allow_inf_nan=False)] | None


@dataclass(frozen=True, slots=True)
class Bundle:
    """All that a machine needs to ask the eyes of its site. It holds the passwords of their devices."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    site: str
    interval_s: int
    deep_interval_s: int
    confirm_after: int
    lateness_days: int
    canaries: tuple[Canary, ...]
    eyes: tuple[AskedEye, ...] = field(repr=False)
    logins: tuple[KnownLogin, ...] = ()

    def lasting(self) -> "Bundle":
        """Without what changes with each probe: by this a machine tells whether it has to fetch it anew."""
        eyes = tuple(
            replace(eye, target=replace(eye.target, memory=type(eye.target.memory)())) for eye in self.eyes
        )
        return replace(self, eyes=eyes, logins=())


class Post(BaseModel, extra="forbid"):
    """A batch of results, and that the site was heard.

    ``key`` names the batch: the same again changes nothing. ``bears``: the site's own line does, so this is
    a beat, and the next one is due after ``every_s``.
    """

    machine: Annotated[str, Field(pattern=NAMED)]
    key: Annotated[str, Field(pattern=rf"{NAMED}|^$")] = ""
    results: Annotated[list[dict[str, Any]], Field(max_length=MOST_RESULTS)] = []
    logins: Annotated[list[KnownLogin], Field(max_length=MOST_LOGINS)] = []
    paces: Annotated[list[KnownPace], Field(max_length=MOST_PACES)] = []
    bears: bool = True
    every_s: Annotated[float, Field(ge=LEAST_BEAT_S, le=MOST_BEAT_S)]


class Malformed(BaseModel):
    """A result of a post that is none: its place, and why."""

    place: int
    reason: str


class Receipt(BaseModel):
    """What a post did. ``version`` names the targets as they are now; ``now`` is the registry's time.

    ``taken`` results were kept, ``late`` of them judged at their own time; ``refused`` are too late, or from
    the future; ``held_back`` are failures of the time in which the site was not heard. ``unknown`` are codes
    that are no eyes of this site, at most ten. ``displaced``: another machine asks the site now.
    """

    now: datetime
    version: str
    displaced: bool = False
    repeated: bool = False
    taken: int = 0
    late: int = 0
    refused: int = 0
    held_back: int = 0
    unknown: list[str] = []
    malformed: list[Malformed] = []


class Strange(ValueError):
    """This is no result of a probe."""


def dump_bundle(bundle: Bundle) -> bytes:
    return _bundles().dump_json(bundle)


def read_bundle(text: bytes) -> Bundle:
    """Raises ``ValueError``."""
    return _bundles().validate_json(text)


def dump_result(result: ProbeResult) -> bytes:
    """As it is sent: figures and the map of edges, no picture, no transcript."""
    memory = replace(result.memory.without_pictures(), failures=0)
    return _results().dump_json((replace(result, memory=memory, picture=None, transcript=""),))[1:-1]


def read_result(told: dict[str, Any]) -> ProbeResult:
    """A result as a stranger tells it. Raises ``Strange``, whose text repeats nothing of it."""
    try:
        (result,) = _results().validate_json(orjson.dumps([told]))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise Strange(f"{'.'.join(map(str, first['loc'][1:]))}: {first['msg']}"[:200]) from None
    except TypeError:  # a number beyond 64 bits
        raise Strange("no JSON of ours") from None
    if result.picture is not None or result.transcript or result.memory != result.memory.without_pictures():
        raise Strange("pictures and transcripts are not taken")
    if not result.verdicts or len({v.check for v in result.verdicts}) != len(result.verdicts):
        raise Strange("verdicts: one for each check")
    if any(not 0 < verdict.interval_s <= MOST_INTERVAL_S for verdict in result.verdicts):
        raise Strange("verdicts.interval_s: out of range")
    for name, value in _leaves("", result):
        if why := _beyond(name, value):
            raise Strange(f"{name}: {why}")
    return result


def _leaves(name: str, value: object) -> Iterator[tuple[str, object]]:
    """Every single value with its place, and the number of parts of each list."""
    if is_dataclass(value):
        for part in fields(value):
            yield from _leaves(f"{name}.{part.name}".lstrip("."), getattr(value, part.name))
    elif isinstance(value, tuple):
        yield f"{name}.parts", value
        for each in value:
            yield from _leaves(name, each)
    else:
        yield name, value


def _beyond(name: str, value: object) -> str:
    """Why no probe says this; empty where one may."""
    match value:
        case Enum() | bool() | None:
            return ""
        case tuple():
            return "too many" if len(value) > MOST_PARTS else ""
        case str():
            return "" if len(value) <= LONGEST_TEXT and "\0" not in value else "too long, or not text"
        case bytes():
            return "too long" if len(value) > LONGEST_BYTES else ""
        case int() if name.endswith("dhash"):
            return "" if 0 <= value <= GREATEST_HASH else "out of range"
        case int() | float():
            return "" if abs(value) <= GREATEST else "out of range"
        case datetime():
            known = value.tzinfo is not None and EARLIEST <= value <= LATEST
            return "" if known else "a moment with its offset, of this century"
    return "not known"


@cache
def _bundles() -> TypeAdapter[Bundle]:
    return TypeAdapter(Bundle)


@cache
def _results() -> TypeAdapter[tuple[ProbeResult]]:
    return TypeAdapter(tuple[ProbeResult], config=STRICT)  # of one: a dataclass itself takes no config here
