"""A city of simulated cameras as values, and the FLEET.toml that describes one in few lines."""

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, Final, TypeVar

from probes.reasons import Outcome, Reason
from probes.simulator.clips import ClipSpec, Codec
from probes.simulator.faces import Auth as Auth
from probes.simulator.faces import (
    HttpSpec,
    KeepAlive,
    Maker,
    Malformed,
    Media,
    OnvifSpec,
    SnapshotUri,
    Token,
    XAddr,
)
from probes.simulator.faults import (
    HEALTHY,
    Fault,
    InvalidSpec,
    Truth,
    clock_truth,
    truth_at,
)
from probes.simulator.kinds import NEEDS_HTTP, OF_GROUPS, FaultKind

Choice = TypeVar("Choice", bound=StrEnum)

LOOPBACK: Final = IPv4Network("127.0.0.0/8")
MAX_FILE_BYTES: Final = 1 << 20
MAX_CAMERAS: Final = 20_000
MAX_CHANNELS: Final = 256


class Carries(StrEnum):
    """Which transports a camera accepts; to the others it answers 461."""

    ANY = "any"
    TCP = "tcp"
    UDP = "udp"


class Start(StrEnum):
    """Where a new session begins."""

    LIVE = "live"  # wherever the camera is in its group of pictures, as most do
    IDR = "idr"  # at a keyframe, at once


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """One simulated device: a camera, or with ``channels`` > 1 a recorder.

    ``paths`` are templates in which ``{channel}`` counts from 1; the first is the main stream of each
    channel, further ones are other streams of the same picture. ``auth`` lists the challenges in the order
    they are offered; empty: anybody may look. ``sessions`` is how many may be open at once (0: any number),
    ``busy`` what the next one is answered. After ``lock_after`` refused logins of one account from one
    address (0: never) even the right password is refused for ``lock_s`` seconds; with ``lock_told`` the
    answer says so. Without ``http`` the device speaks RTSP alone. Raises :class:`InvalidSpec`.
    """

    name: str
    host: str = "127.0.0.1"
    port: int = 0  # 0: any free one
    tls: bool = False
    channels: int = 1
    paths: tuple[str, ...] = ("/live/{channel}",)
    auth: tuple[Auth, ...] = ()
    user: str = "monitor"
    password: str = field(default="loopback-only", repr=False)
    qop: bool = True
    stale_once: bool = False  # the first login of each connection meets an expired nonce
    sessions: int = 0
    busy: int = 453
    lock_after: int = 0
    lock_s: float = 1800.0
    lock_told: bool = False
    transport: Carries = Carries.ANY
    start: Start = Start.LIVE
    clip: ClipSpec = field(default_factory=ClipSpec)
    http: HttpSpec | None = None
    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        if not self.name:
            raise InvalidSpec("name", "must not be empty")
        _require_loopback(self.host)
        if not 0 <= self.port <= 65535:
            raise InvalidSpec("port", f"must be 0..65535, got {self.port}")
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise InvalidSpec("channels", f"must be 1..{MAX_CHANNELS}, got {self.channels}")
        if self.busy not in (453, 503):
            raise InvalidSpec("busy", f"must be 453 or 503, got {self.busy}")
        for key, number in (
            ("sessions", self.sessions),
            ("lock_after", self.lock_after),
            ("lock_s", self.lock_s),
        ):
            if number < 0:
                raise InvalidSpec(key, f"must not be negative, got {number:g}")
        self._check_paths()
        self._check_http()
        self._check_faults()

    def _check_paths(self) -> None:
        if not self.paths:
            raise InvalidSpec("paths", "at least one is needed")
        seen = set[str]()
        for stream, template in enumerate(self.paths):
            if not template.startswith("/"):
                raise InvalidSpec("paths", f"must begin with /, got {template!r}")
            for channel in range(1, self.channels + 1):
                path = self.path(channel, stream)
                if path in seen:
                    raise InvalidSpec(
                        "paths", f"{path!r} is the path of two streams; {{channel}} tells them apart"
                    )
                seen.add(path)

    def _check_http(self) -> None:
        if self.http is None:
            return
        if self.http.port != 0 and self.http.port == self.port:
            raise InvalidSpec("http.port", f"is the port of RTSP too: {self.port}")
        if not self.http.snapshot:
            return
        paths = [self.snapshot_path(channel) for channel in range(1, self.channels + 1)]
        if len(set(paths)) < len(paths):
            raise InvalidSpec("http.snapshot", f"must hold {{channel}}, got {self.http.snapshot!r}")

    def _check_faults(self) -> None:
        for fault in self.faults:
            if fault.channel is not None and not 1 <= fault.channel <= self.channels:
                raise InvalidSpec("fault.channel", f"must be 1..{self.channels}, got {fault.channel}")
            if fault.kind is FaultKind.TLS and not self.tls:
                raise InvalidSpec("fault.kind", "a camera without tls has no TLS handshake to fail")
            if fault.kind in NEEDS_HTTP and self.http is None:
                raise InvalidSpec("fault.kind", f"{fault.kind.value} needs a camera with http")
            if fault.kind in OF_GROUPS and self.clip.codec is Codec.MJPEG:
                raise InvalidSpec("fault.kind", f"{fault.kind.value} needs P-frames, and mjpeg has none")
            if fault.kind in (FaultKind.WRONG_PASSWORD, FaultKind.LOCKED) and not self.auth:
                raise InvalidSpec("fault.kind", f"{fault.kind.value} needs a camera with auth")

    def path(self, channel: int = 1, stream: int = 0) -> str:
        """The RTSP path of one channel, beginning with ``/``."""
        return _filled("paths", self.paths[stream], channel=channel)

    def snapshot_path(self, channel: int = 1) -> str | None:
        """Path and query of one channel's snapshot, beginning with ``/``; ``None``: it has none."""
        if self.http is None or not self.http.snapshot:
            return None
        return _filled("http.snapshot", self.http.snapshot, channel=channel)

    @property
    def web_auth(self) -> tuple[Auth, ...]:
        """The challenges of HTTP."""
        if self.http is None or self.http.auth is None:
            return self.auth
        return self.http.auth

    def truth(self, channel: int, at: float) -> Truth:
        """What an honest probe of this channel may say ``at`` seconds after the simulator started."""
        return truth_at(self.faults, channel, at, self._healthy())

    def _healthy(self) -> Truth:
        nothing, fine = frozenset[tuple[Outcome, Reason]](), HEALTHY.stream
        in_clear = frozenset({(Outcome.UNKNOWN, Reason.AUTH_BASIC_REFUSED_BY_POLICY)})
        stream = fine | in_clear if self.auth == (Auth.BASIC,) else fine
        http = self.http
        if http is None:
            return Truth(stream, HEALTHY.picture)
        refused = in_clear if self.web_auth == (Auth.BASIC,) else nothing
        return Truth(
            stream,
            HEALTHY.picture,
            snapshot=fine | refused if http.snapshot else nothing,
            clock=clock_truth(http.clock_s),
            recording=fine | refused if http.records else nothing,
        )


@dataclass(frozen=True, slots=True)
class Fleet:
    """All devices of one simulated city. Raises :class:`InvalidSpec` where two of them collide."""

    cameras: tuple[CameraSpec, ...]

    def __post_init__(self) -> None:
        if not self.cameras:
            raise InvalidSpec("camera", "a fleet needs at least one camera or recorder")
        if len(self.cameras) > MAX_CAMERAS:
            raise InvalidSpec("camera", f"at most {MAX_CAMERAS} fit in one process, got {len(self.cameras)}")
        names, addresses = set[str](), dict[tuple[str, int], str]()
        for camera in self.cameras:
            if camera.name in names:
                raise InvalidSpec("name", f"{camera.name!r} is given twice")
            names.add(camera.name)
            for port in {camera.port, camera.http.port if camera.http else 0} - {0}:
                other = addresses.setdefault((camera.host, port), camera.name)
                if other != camera.name:
                    raise InvalidSpec(
                        "host", f"{camera.name!r} and {other!r} are both at {camera.host}:{port}"
                    )

    def camera(self, name: str) -> CameraSpec:
        """Raises :class:`KeyError` for a name that is not in the fleet."""
        found = next((camera for camera in self.cameras if camera.name == name), None)
        if found is None:
            raise KeyError(name)
        return found

    def truth(self, name: str, channel: int, at: float) -> Truth:
        return self.camera(name).truth(channel, at)


class FleetError(Exception):
    """A fleet file is wrong: the file, the key, the reason."""

    def __init__(self, path: Path, key: str, reason: str) -> None:
        super().__init__(f"{path}: {key}: {reason}" if key else f"{path}: {reason}")
        self.path = path
        self.key = key
        self.reason = reason


def load_fleet(path: Path) -> Fleet:
    """Read a FLEET.toml; the package's README describes it. Raises :class:`FleetError`."""
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_FILE_BYTES:
            raise FleetError(path, "", f"larger than {MAX_FILE_BYTES} bytes")
        document = tomllib.loads(raw.decode())
    except OSError as exc:
        raise FleetError(path, "", exc.strerror or "cannot be read") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise FleetError(path, "", str(exc)) from exc
    try:
        return _fleet(document)
    except InvalidSpec as exc:
        raise FleetError(path, exc.key, exc.reason) from exc


_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "name": str, "host": str, "port": int, "tls": bool, "channels": int, "user": str, "password": str,
    "qop": bool, "stale_once": bool, "sessions": int, "busy": int, "lock_after": int, "lock_s": (int, float),
    "lock_told": bool,
}  # fmt: skip
_CLIP_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "width": int, "height": int, "fps": int, "gop_s": (int, float)
}  # fmt: skip
_FAULT_TYPES: Final[dict[str, tuple[str, type | tuple[type, ...]]]] = {
    "from": ("start", (int, float)), "to": ("end", (int, float)), "every": ("every", (int, float)),
    "channel": ("channel", int), "value": ("value", (int, float)),
}  # fmt: skip
_HTTP_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "port": int, "tls": bool, "snapshot": str, "cache_s": (int, float), "serial": str, "firmware": str,
    "clock_s": (int, float), "days": (int, float),
}  # fmt: skip
_ONVIF_TYPES: Final[dict[str, type | tuple[type, ...]]] = {
    "services": bool, "profile_g": bool, "clock_open": bool, "window_s": (int, float), "z_only": bool,
    "fault_status": int, "drop_unknown": bool, "user": str, "password": str,
}  # fmt: skip
_ONVIF_CHOICES: Final[dict[str, type[StrEnum]]] = {
    "token": Token, "xaddr": XAddr, "snapshot_uri": SnapshotUri, "malformed": Malformed
}  # fmt: skip
_PLURAL: Final = {"http", "path", "paths", "auth", "transport", "start", "codec"}
_KNOWN: Final = _TYPES.keys() | _CLIP_TYPES.keys() | _PLURAL
_RECORDER: Final[dict[str, Any]] = {
    "paths": ["/Streaming/Channels/{channel}01", "/Streaming/Channels/{channel}02"],
    "sessions": 2,
}


def _fleet(document: dict[str, Any]) -> Fleet:
    for key in document:
        if key not in ("defaults", "camera", "recorder"):
            raise InvalidSpec(key, "unknown; a fleet has defaults, camera and recorder")
    defaults = _table("defaults", document.get("defaults", {}))
    _refuse_unknown("defaults", defaults, _KNOWN - {"name", "host", "channels", "path", "paths"})
    cameras = list[CameraSpec]()
    for kind, base in (("camera", {}), ("recorder", _RECORDER)):
        entries = document.get(kind, [])
        if not isinstance(entries, list):
            raise InvalidSpec(kind, f"write [[{kind}]]")
        for number, entry in enumerate(entries, 1):
            where = f"{kind}[{number}]"
            table = _table(where, entry)
            _refuse_unknown(where, table, _KNOWN | {"count", "fault"})
            if kind == "camera" and "channels" in table:
                raise InvalidSpec(f"{where}.channels", "a camera has one; write [[recorder]]")
            if kind == "recorder" and "channels" not in table:
                raise InvalidSpec(f"{where}.channels", "is missing")
            if isinstance(table.get("http"), dict):
                table = table | {"http": _table("defaults.http", defaults.get("http", {})) | table["http"]}
            cameras.extend(_expanded(where, base | defaults | table))
    return Fleet(tuple(cameras))


def _expanded(where: str, table: dict[str, Any]) -> Iterator[CameraSpec]:
    """The ``count`` cameras of one entry, each at its own address, with the faults that are ``on`` them."""
    if "name" not in table:
        raise InvalidSpec(f"{where}.name", "is missing")
    count = table.get("count", 1)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MAX_CAMERAS:
        raise InvalidSpec(f"{where}.count", f"must be 1..{MAX_CAMERAS}, got {count!r}")
    faults = _faults(where, table.get("fault", []), count)
    with _within(where):
        first = _spec(table)
        if count > 1 and _filled("name", first.name, n=1) == _filled("name", first.name, n=2):
            raise InvalidSpec("name", "must hold {n}, the number of the camera, where count is more than 1")
        hosts = _hosts(first.host)
        for n, host in zip(range(1, count + 1), hosts, strict=False):
            mine = tuple(fault for fault, on in faults if n in on)
            yield replace(first, name=_filled("name", first.name, n=n), host=host, faults=mine)


def _spec(table: dict[str, Any]) -> CameraSpec:
    values = {key: _typed(key, table[key], _TYPES[key]) for key in _TYPES.keys() & table.keys()}
    clip = {key: _typed(key, table[key], _CLIP_TYPES[key]) for key in _CLIP_TYPES.keys() & table.keys()}
    if "path" in table:
        values["paths"] = (_typed("path", table["path"], str),)
    elif "paths" in table:
        values["paths"] = tuple(_typed("paths", each, str) for each in _listed("paths", table["paths"]))
    if "auth" in table:
        values["auth"] = tuple(_one_of("auth", each, Auth) for each in _listed("auth", table["auth"]))
    if "transport" in table:
        values["transport"] = _one_of("transport", table["transport"], Carries)
    if "start" in table:
        values["start"] = _one_of("start", table["start"], Start)
    if "codec" in table:
        clip["codec"] = _one_of("codec", table["codec"], Codec)
    if "http" in table:
        with _within("http"):
            values["http"] = _http(_table("", table["http"]))
    return CameraSpec(**values, clip=ClipSpec(**clip))


def _http(table: dict[str, Any]) -> HttpSpec:
    _refuse_unknown("", table, _HTTP_TYPES.keys() | {"auth", "keep_alive", "maker", "onvif"})
    values = {key: _typed(key, table[key], _HTTP_TYPES[key]) for key in _HTTP_TYPES.keys() & table.keys()}
    if "auth" in table:
        values["auth"] = tuple(_one_of("auth", each, Auth) for each in _listed("auth", table["auth"]))
    if "keep_alive" in table:
        values["keep_alive"] = _one_of("keep_alive", table["keep_alive"], KeepAlive)
    if "maker" in table:
        values["maker"] = _one_of("maker", table["maker"], Maker)
    if "onvif" in table:
        with _within("onvif"):
            values["onvif"] = _onvif(_table("", table["onvif"]))
    return HttpSpec(**values)


def _onvif(table: dict[str, Any]) -> OnvifSpec:
    _refuse_unknown("", table, _ONVIF_TYPES.keys() | _ONVIF_CHOICES.keys() | {"media", "hang"})
    values = {key: _typed(key, table[key], _ONVIF_TYPES[key]) for key in _ONVIF_TYPES.keys() & table.keys()}
    for key in _ONVIF_CHOICES.keys() & table.keys():
        values[key] = _one_of(key, table[key], _ONVIF_CHOICES[key])
    if "media" in table:
        values["media"] = tuple(_one_of("media", each, Media) for each in _listed("media", table["media"]))
    if "hang" in table:
        values["hang"] = tuple(_typed("hang", each, str) for each in _listed("hang", table["hang"]))
    return OnvifSpec(**values)


def _faults(where: str, entries: object, count: int) -> list[tuple[Fault, frozenset[int]]]:
    faults = list[tuple[Fault, frozenset[int]]]()
    for number, entry in enumerate(_listed(f"{where}.fault", entries), 1):
        with _within(f"{where}.fault[{number}]"):
            table = _table("", entry)
            _refuse_unknown("", table, _FAULT_TYPES.keys() | {"kind", "on"})
            if "kind" not in table:
                raise InvalidSpec("kind", "is missing")
            values = {
                name: _typed(key, table[key], kinds)
                for key, (name, kinds) in _FAULT_TYPES.items()
                if key in table
            }
            fault = Fault(_one_of("kind", table["kind"], FaultKind), **values)
            faults.append((fault, _numbers(table.get("on", f"1-{count}"), count)))
    return faults


def _numbers(on: object, count: int) -> frozenset[int]:
    """``"3, 10-20"`` or ``3``: which of the entry's cameras, counted from 1."""
    found = set[int]()
    for part in str(on).split(","):
        match = re.fullmatch(r"\s*(\d{1,6})(?:\s*-\s*(\d{1,6}))?\s*", part)
        if match is None:
            raise InvalidSpec("on", f"must be like '3, 10-20', got {on!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if not 1 <= first <= last <= count:
            raise InvalidSpec("on", f"must lie within 1-{count}, got {part.strip()!r}")
        found.update(range(first, last + 1))
    return frozenset(found)


def _hosts(first: str) -> Iterator[str]:
    """``first`` and the addresses after it, without those that end in 0 or 255."""
    address = IPv4Address(first)
    while address in LOOPBACK:
        if address == IPv4Address(first) or int(address) & 0xFF not in (0, 255):
            yield str(address)
        address += 1
    raise InvalidSpec("count", f"{LOOPBACK} ends before all of them have an address")


def _require_loopback(host: str) -> None:
    try:
        inside = IPv4Address(host) in LOOPBACK
    except ValueError:
        inside = False
    if not inside:
        raise InvalidSpec("host", f"must be an address in {LOOPBACK}, got {host!r}")


def _filled(key: str, template: str, **values: int) -> str:
    try:
        return template.format(**values)
    except (ValueError, KeyError, IndexError, AttributeError) as exc:
        names = " and ".join(f"{{{name}}}" for name in values)
        raise InvalidSpec(key, f"{template!r} may hold only {names} in braces") from exc


@contextmanager
def _within(where: str) -> Iterator[None]:
    """Puts the place in the file before the key of what is wrong there."""
    try:
        yield
    except InvalidSpec as exc:
        raise InvalidSpec(f"{where}.{exc.key}" if exc.key else where, exc.reason) from exc


def _table(key: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidSpec(key, "must be a table")
    return value


def _listed(key: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidSpec(key, f"must be a list, got {value!r}")
    return value


def _typed(key: str, value: Any, kinds: type | tuple[type, ...]) -> Any:
    if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
        wanted = {str: "a string", int: "a whole number", bool: "true or false"}
        name = "a number" if isinstance(kinds, tuple) else wanted[kinds]
        raise InvalidSpec(key, f"must be {name}, got {value!r}")
    return value


def _one_of(key: str, value: Any, kinds: type[Choice]) -> Choice:
    try:
        return kinds(value)
    except ValueError:
        choices = ", ".join(kind.value for kind in kinds)
        raise InvalidSpec(key, f"must be one of {choices}; got {value!r}") from None


def _refuse_unknown(where: str, table: dict[str, Any], known: set[str]) -> None:
    for key in table:
        if key not in known:
            raise InvalidSpec(f"{where}.{key}" if where else key, "unknown")
