"""The one tree of errors of a probe: every leaf carries the reason it stands for.

    ProbeError
    ├── LinkError            names, TCP, TLS, silence: see ``reason_of`` in ``rtsp/client.py``
    ├── RtspProtocolError    what was sent is not RTSP, or exceeds a limit
    ├── SdpError             no usable description of a video
    ├── DecodeError          a keyframe that does not become a picture
    ├── ImageError           bytes that are no image, or not a whole one
    ├── WorkerError          a process of ours that was lost over a picture, or was not free
    ├── WebError             HTTP: what was asked is there and does not answer as it should
    │   ├── WebTimeout       ... not in time
    │   ├── WebTooLarge      ... with more than we are willing to read
    │   └── WebProtocolError ... with something that is not HTTP
    └── OnvifError           SOAP: a fault, or something that cannot be read

A camera that fails is a result: the ladder turns each of these into one.
"""

from typing import Literal

from probes.reasons import Reason


class ProbeError(Exception):
    """A step that failed. ``detail`` is for a person to read; it never holds a credential."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[object, ...]:
        """Errors come back from worker processes; each class has arguments of its own."""
        return _again, (type(self), self.reason, self.detail)


def _again(kind: type[ProbeError], reason: Reason, detail: str) -> ProbeError:
    error = kind.__new__(kind)
    ProbeError.__init__(error, reason, detail)
    return error


class LinkError(ProbeError):
    """The device was not reached, or the connection to it failed or stayed silent."""


class RtspProtocolError(ProbeError):
    """What came is not RTSP, or is larger than we are willing to read."""

    def __init__(self, detail: str) -> None:
        super().__init__(Reason.RTSP_PROTOCOL_ERROR, detail)


class SdpError(ProbeError):
    """The description is unreadable (``SDP_INVALID``) or holds no video (``NO_VIDEO_TRACK``)."""

    def __init__(self, reason: Literal[Reason.SDP_INVALID, Reason.NO_VIDEO_TRACK], detail: str) -> None:
        super().__init__(reason, detail)


class DecodeError(ProbeError):
    """The keyframe gives no picture (``DECODE_FAILED``) or cannot (``CODEC_UNSUPPORTED``)."""

    def __init__(self, reason: Literal[Reason.DECODE_FAILED, Reason.CODEC_UNSUPPORTED], detail: str) -> None:
        super().__init__(reason, detail)


class WebError(ProbeError):
    """HTTP failed; whoever asked knows which reason of its own that is."""


class WebTimeout(WebError):
    """Connected, and no whole answer in time."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(Reason.ONVIF_TIMEOUT, detail)


class WebTooLarge(WebError):
    """The body is larger than we are willing to read."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(Reason.ONVIF_HTTP_ERROR, detail)


class WebProtocolError(WebError):
    """What came is not HTTP, or was cut off."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(Reason.ONVIF_HTTP_ERROR, detail)


class ImageError(ProbeError):
    """``SNAPSHOT_NOT_IMAGE``, ``SNAPSHOT_TRUNCATED`` or ``SNAPSHOT_TOO_LARGE``."""


class WorkerError(ProbeError):
    """See ``Workers.run``."""


class OnvifError(ProbeError):
    """The device answered HTTP, but not the question: ``ONVIF_*``. ``subcodes`` are those of a SOAP fault."""

    def __init__(self, reason: Reason, detail: str = "", subcodes: tuple[str, ...] = ()) -> None:
        super().__init__(reason, detail)
        self.subcodes = subcodes
