"""What was done to the simulated cameras, counted."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counters:
    """Of one camera, or of all of them added up (``sessions_peak`` is then the highest one camera saw).

    A refused login is a 401 to a request *with* credentials, an expired nonce excepted. Accepted logins
    count once a connection. A dropped session is one whose connection the client ended without TEARDOWN.
    Logins, refused ones and locks are those of RTSP, HTTP and ONVIF together; ``requests`` are RTSP's,
    ``subscriptions`` ONVIF's pull points, ``searches_open`` searches for footage that were not ended.
    """

    connections: int = 0
    requests: int = 0
    logins_accepted: int = 0
    logins_refused: int = 0
    locks: int = 0
    sessions_opened: int = 0
    sessions_open: int = 0
    sessions_peak: int = 0
    sessions_refused: int = 0
    sessions_dropped: int = 0
    teardowns: int = 0
    web_requests: int = 0
    snapshots: int = 0
    subscriptions: int = 0
    searches_open: int = 0

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


def total(parts: Iterable[Counters]) -> Counters:
    whole = Counters()
    for part in parts:
        for name, value in part.as_dict().items():
            before = getattr(whole, name)
            setattr(whole, name, max(before, value) if name == "sessions_peak" else before + value)
    return whole
