"""What a device says and does over HTTP, as values: its snapshot, its ONVIF, its maker's own interface."""

from dataclasses import dataclass, field
from enum import StrEnum

from probes.simulator.faults import InvalidSpec


class Auth(StrEnum):
    """One challenge a camera may offer."""

    MD5 = "md5"
    MD5_SESS = "md5-sess"
    SHA256 = "sha-256"
    SHA256_SESS = "sha-256-sess"
    BASIC = "basic"


class KeepAlive(StrEnum):
    """What becomes of an HTTP connection after an answer."""

    KEPT = "kept"
    CLOSED = "closed"  # and said so
    CUT = "cut"  # not said so: the next request on it meets a hang-up without one byte (F023)


class Maker(StrEnum):
    """Whose own interface a device speaks beside ONVIF."""

    NONE = "none"
    HIKVISION = "hikvision"  # ISAPI
    DAHUA = "dahua"  # CGI


class Media(StrEnum):
    """The media services of ONVIF; the first knows no H.265."""

    MEDIA1 = "media1"
    MEDIA2 = "media2"


class Token(StrEnum):
    """How SOAP wants to be told who asks."""

    EITHER = "either"
    DIGEST = "digest"  # WS-UsernameToken with PasswordDigest
    HTTP = "http"  # HTTP Digest only (F027)


class XAddr(StrEnum):
    """The service addresses a device tells."""

    OWN = "own"
    NAT = "nat"  # the one it has behind a router (F015)
    DOUBLE_PORT = "double-port"  # http://192.168.1.106:8106:8106/… (F016)


class SnapshotUri(StrEnum):
    """What GetSnapshotUri answers."""

    HTTP = "http"
    RTSP = "rtsp"  # as XM530 firmware does (F018)
    FAULT = "fault"
    EMPTY = "empty"
    LOGIN = "login"  # user and password as keys of the query, which it then refuses beside Digest (F020)


class Malformed(StrEnum):
    """How the answers of a device are no XML."""

    NO = "no"
    BAD_UTF8 = "bad-utf8"  # GBK in the name of the manufacturer
    NO_XMLNS = "no-xmlns"  # a prefix that nothing declares
    CUT = "cut"  # ends in the middle of a tag
    ENTITIES = "entities"  # an entity of entities that would fill the memory
    ENDLESS = "endless"  # never ends


@dataclass(frozen=True, slots=True)
class OnvifSpec:
    """The ONVIF services of one device.

    ``window_s`` is how far the ``Created`` of a token may lie from the device's clock, seconds (0: any
    distance); ``fault_status`` the HTTP status of a SOAP fault, ``hang`` the operations that are never
    answered. ``user`` and ``password`` are those of ONVIF where they are not the device's.
    Raises :class:`InvalidSpec`.
    """

    media: tuple[Media, ...] = (Media.MEDIA1,)
    services: bool = True  # answers GetServices, and not only GetCapabilities (F024)
    profile_g: bool = False
    clock_open: bool = True  # GetSystemDateAndTime without a login (F011)
    token: Token = Token.EITHER
    window_s: float = 0.0
    z_only: bool = False  # refuses a Created that ends in +00:00 (F014)
    xaddr: XAddr = XAddr.OWN
    snapshot_uri: SnapshotUri = SnapshotUri.HTTP
    malformed: Malformed = Malformed.NO
    fault_status: int = 400
    hang: tuple[str, ...] = ()
    drop_unknown: bool = False  # hangs up on an operation it does not have, in place of a fault
    user: str = ""
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not self.media:
            raise InvalidSpec("media", "at least one is needed")
        if self.window_s < 0:
            raise InvalidSpec("window_s", f"must not be negative, got {self.window_s:g}")
        if self.fault_status not in (200, 400, 500):
            raise InvalidSpec("fault_status", f"must be 200, 400 or 500, got {self.fault_status}")
        if bool(self.user) != bool(self.password):
            raise InvalidSpec("user", "is given with a password, or not at all")


@dataclass(frozen=True, slots=True)
class HttpSpec:
    """The HTTP face of one device.

    ``auth`` is as in the camera's own, which ``None`` takes. ``snapshot`` is a template of path and query in
    which ``{channel}`` counts from 1; "" has none. One snapshot is handed out again for ``cache_s`` seconds.
    ``clock_s`` is the device's clock minus UTC, ``days`` how long footage is kept. Raises
    :class:`InvalidSpec`.
    """

    port: int = 0  # 0: any free one
    tls: bool = False
    auth: tuple[Auth, ...] | None = None
    keep_alive: KeepAlive = KeepAlive.KEPT
    snapshot: str = "/snapshot.jpg?channel={channel}"
    cache_s: float = 0.0
    maker: Maker = Maker.NONE
    serial: str = ""  # "": made of the name
    firmware: str = "1.0.0"
    clock_s: float = 0.0
    days: float = 30.0
    onvif: OnvifSpec | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise InvalidSpec("port", f"must be 0..65535, got {self.port}")
        if self.snapshot and not self.snapshot.startswith("/"):
            raise InvalidSpec("snapshot", f"must begin with /, got {self.snapshot!r}")
        for key, number in (("cache_s", self.cache_s), ("days", self.days)):
            if number < 0:
                raise InvalidSpec(key, f"must not be negative, got {number:g}")

    @property
    def records(self) -> bool:
        """Whether anybody can learn of its footage."""
        return self.maker is not Maker.NONE or (self.onvif is not None and self.onvif.profile_g)
