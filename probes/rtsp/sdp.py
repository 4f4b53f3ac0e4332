"""What a DESCRIBE tells: the video track, and the URLs under which it may be set up (RFC 8866).

Pure, and tolerant by line: cameras send several ``s=``, no ``o=``, wrong ``c=``, media types of their
own and stray spaces (retina v0.3.8 to v0.4.7, go2rtc #417, #771). Only the video matters here.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final
from urllib.parse import urljoin

from probes.errors import SdpError
from probes.reasons import Reason
from probes.rtsp.messages import Headers

MAX_TRACKS: Final = 32
MAX_LINES: Final = 4096
MAX_PARAMETER_SETS: Final = 16
MAX_ALTERNATIVES: Final = 4  # videos to choose from, and payload types of each
MAX_URL_CHARS: Final = 2048
MAX_REMEMBERED_BYTES: Final = 4096

CODECS: Final = frozenset({"H264", "H265", "JPEG"})  # that we can take apart

_STATIC: Final = {26: ("JPEG", 90000), 32: ("MPV", 90000), 33: ("MP2T", 90000)}  # RFC 3551, 6
_ORIGIN: Final = re.compile(rb"^o=[^\n]*\n", re.MULTILINE)
_RTPMAP: Final = re.compile(r"rtpmap:\s*(\d{1,3})\s+([\w.+-]+)(?:\s*/\s*(\d{1,9}))?")
_FMTP: Final = re.compile(r"fmtp:\s*(\d{1,3})\s+(.*)")
_DIMENSIONS: Final = re.compile(r"(?:x-dimensions:\s*|framesize:\s*\d+\s+)(\d{1,5})\s*[,-]\s*(\d{1,5})")
_URL: Final = re.compile(r"(rtsps?|rtspu)://([^/?#]*)([^#]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Track:
    """The video: ``codec`` in capitals (``H264``, ``H265``, ``JPEG``, …), ``clock_rate`` in Hz.

    ``parameter_sets`` are the NAL units of ``sprop-…``; for use only where none come in the stream,
    for they are often stale or wrong. ``others`` are what the same medium may come as instead.
    """

    codec: str
    payload_type: int
    clock_rate: int = 90000
    control: str | None = None
    framerate: float | None = None
    dimensions: tuple[int, int] | None = None  # only said for JPEG wider than its own header can say
    parameter_sets: tuple[bytes, ...] = ()
    others: tuple["Track", ...] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """What we need of an SDP."""

    video: Track
    control: str | None = None  # of the whole presentation
    tracks: int = 1  # media of any kind
    encrypted: bool = False  # a key is asked for (``a=crypto``, SAVP profiles)
    keyed: bool = False  # and given (``a=crypto``): not to be had without


def parse_sdp(body: bytes) -> Description:
    """Read an SDP. Raises ``SdpError``: ``SDP_INVALID`` where it is none, ``NO_VIDEO_TRACK``."""
    if len(body) > MAX_REMEMBERED_BYTES:
        return _parse(body)
    return _parse_or_remember(_ORIGIN.sub(b"", body, 1))


def _parse(body: bytes) -> Description:
    text = body.decode("utf-8", "replace").replace("\0", "")  # some send the end of a C string, too
    lines = [line.strip() for line in text.splitlines()[:MAX_LINES]]
    lines = [line for line in lines if len(line) > 1 and line[1] == "="]
    if not lines:
        raise SdpError(Reason.SDP_INVALID, "the description holds no line of SDP")
    sections: list[list[str]] = [[]]  # the presentation's own lines, then one list for each medium
    for line in lines:
        if line.startswith("m="):
            if len(sections) > MAX_TRACKS:
                break
            sections.append([])
        sections[-1].append(line)
    presentation, *media = sections
    videos = [lines for lines in media if lines[0].lower().startswith("m=video")]
    if not videos:
        kinds = ", ".join(lines[0][2:].split(" ")[0][:20] for lines in media[:8]) or "no media"
        raise SdpError(Reason.NO_VIDEO_TRACK, f"only {kinds}")
    video, track = _best([(video, _track(video, lines)) for video in videos[:MAX_ALTERNATIVES]])
    keyed = any(line.startswith("a=crypto:") for line in video)
    return Description(
        video=track,
        control=_attribute(presentation, "control"),
        tracks=len(media),
        encrypted=keyed or "SAVP" in video[0],
        keyed=keyed,
    )


# A sweep is told the same by the same cameras every minute; only o= may hold the hour.
_parse_or_remember = lru_cache(maxsize=1024)(_parse)


def _best(videos: list[tuple[list[str], Track | None]]) -> tuple[list[str], Track]:
    """The first that comes to us and can be taken apart: a door station shows us a screen, too, some cameras
    an analysis. Where all are alike, the first."""
    usable = [(lines, track) for lines, track in videos if track is not None]
    if not usable:
        raise SdpError(Reason.SDP_INVALID, "a video without a payload type")

    def away(video: tuple[list[str], Track]) -> tuple[bool, bool]:
        lines, track = video
        return "a=inactive" in lines or "a=sendonly" in lines, track.codec not in CODECS

    return min(usable, key=away)


def _track(section: list[str], everything: list[str]) -> Track | None:
    """``None`` where no payload type is told."""
    types = [int(word) for word in section[0].split()[3:] if word.isdecimal() and len(word) < 4]
    maps = _maps(section)
    anywhere = _STATIC | _maps(everything)  # cameras put rtpmap under the wrong medium
    kinds = [kind for kind in types if kind in maps] or [kind for kind in types if kind in anywhere]
    # Without any, m= and rtpmap disagree, or there is no rtpmap.
    kinds = (kinds or [*maps, *types])[:MAX_ALTERNATIVES]
    tracks = [_read_as(kind, section, everything, anywhere | maps) for kind in kinds]
    tracks.sort(key=lambda track: track.codec not in CODECS)  # corrections (FEC) and repetitions come last
    if not tracks:
        return None
    others = tuple(track for track in tracks[1:] if track.codec in CODECS)
    return replace(tracks[0], others=others) if others else tracks[0]


def _read_as(
    kind: int, section: list[str], everything: list[str], maps: Mapping[int, tuple[str, int]]
) -> Track:
    """The medium as it is with this payload type."""
    codec, clock_rate = maps.get(kind, ("", 0))
    framerate = _attribute(section, "framerate")
    size = next((match for line in section if (match := _DIMENSIONS.search(line))), None)
    return Track(
        codec=_NAMES.get(codec, codec),
        payload_type=kind,
        clock_rate=clock_rate or 90000,
        control=_attribute(section, "control"),
        framerate=_positive(framerate),
        dimensions=(int(size[1]), int(size[2])) if size else None,
        parameter_sets=_parameter_sets(_fmtp(section, kind) or _fmtp(everything, kind)),
    )


_NAMES: Final = {"HEVC": "H265", "AVC": "H264", "MJPEG": "JPEG"}


def _maps(lines: list[str]) -> dict[int, tuple[str, int]]:
    """Payload type to codec and clock rate, of the video codecs among ``rtpmap`` lines in ``lines``."""
    found: dict[int, tuple[str, int]] = {}
    for line in lines:
        if match := _RTPMAP.search(line):
            found.setdefault(int(match[1]), (match[2].upper(), int(match[3] or 90000)))
    return found


def _fmtp(lines: list[str], kind: int) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines:
        match = _FMTP.search(line)
        if match and int(match[1]) == kind:
            for part in match[2].split(";"):
                name, _, value = part.partition("=")
                if name.strip():
                    fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _parameter_sets(fmtp: Mapping[str, str]) -> tuple[bytes, ...]:
    sets: list[bytes] = []
    for name in ("sprop-vps", "sprop-sps", "sprop-pps", "sprop-parameter-sets"):
        for text in fmtp.get(name, "").split(","):
            try:
                data = base64.b64decode(text.strip() + "=" * (-len(text.strip()) % 4), validate=True)
            except ValueError:  # not Base64, or not even ASCII
                continue
            if data and len(sets) < MAX_PARAMETER_SETS:
                sets.append(data)
    return tuple(sets)


def _attribute(lines: list[str], name: str) -> str | None:
    start = f"a={name}:"
    value = next((line[len(start) :].strip() for line in lines if line.lower().startswith(start)), None)
    return value or None


def _positive(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 < value < 1000 else None


def base_url(requested: str, headers: Headers) -> str:
    """What controls are joined to: Content-Base, Content-Location, or what we asked (RFC 2326, C.1.1).

    Repairs what cameras put there (``rtsp://rtsp://host/…``, ``192.168.1.10:554/stream0/``,
    ``rtsp://::ffff:1.2.3.4/…``; go2rtc #830, #1852) and never leads to another host than ours.
    """
    for name in ("Content-Base", "Content-Location"):
        value = headers.get(name)
        if value and len(value) <= MAX_URL_CHARS:
            return _on_our_host(requested, value)
    return requested


@lru_cache(maxsize=4096)
def control_urls(base: str, control: str | None) -> tuple[str, ...]:
    """Where to SETUP a track, in the order to try.

    Cameras expect concatenation with the query kept in the middle, not the join of RFC 3986
    (retina v0.2.0, go2rtc #1236); that comes second, the track on the bare URL third.
    """
    if control is None or control == "*" or len(control) > MAX_URL_CHARS:
        return (base,)
    if _URL.match(control):
        first = _on_our_host(base, control)
        return _distinct((first, _append(base, control.rstrip("/").rpartition("/")[2])))
    scheme_and_host, rest = _split(base)
    bare = scheme_and_host + rest.partition("?")[0]
    return _distinct(
        (
            _append(base, control),
            *_joined(scheme_and_host, rest, control),
            _append(bare, control.rstrip("/").rpartition("/")[2]),
        )
    )


def _joined(scheme_and_host: str, rest: str, control: str) -> tuple[str, ...]:
    """By RFC 3986, where ``control`` can be read by it: ``//[`` cannot."""
    try:
        # urljoin knows no rtsp: it joins http.
        joined = urljoin(f"http://host{rest}", control).removeprefix("http://host")
    except ValueError:
        return ()
    return (scheme_and_host + (joined if joined.startswith("/") else f"/{joined}"),)


def _append(base: str, control: str) -> str:
    if base.endswith("/"):
        return base + control.removeprefix("/")
    return base + control if control.startswith("/") else f"{base}/{control}"


def _distinct(urls: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(urls))


def _split(url: str) -> tuple[str, str]:
    """``rtsp://host:port`` and the rest."""
    match = _URL.match(url)
    return (f"{match[1]}://{match[2]}", match[3]) if match else ("", url)


@lru_cache(maxsize=4096)
def _on_our_host(ours: str, theirs: str) -> str:
    """``theirs`` without userinfo; with our scheme, host and port unless it names the same host."""
    our_start, _ = _split(ours)
    our_host = re.escape(re.sub(r":\d*$", "", our_start.rpartition("://")[2]))
    # A login that was put there unescaped may hold any of / ? # @ itself.
    text = re.sub(rf"(?<=://).*@(?={our_host}(?:[:/?]|$))", "", theirs.strip(), flags=re.DOTALL)
    while (inner := _URL.match(text)) and _URL.match(inner[2] + inner[3]):
        text = inner[2] + inner[3]  # rtsp://rtsp://host/
    match = _URL.match(text)
    if match:
        authority, rest = match[2], match[3]
    elif text.startswith("/"):
        return our_start + text
    else:  # no scheme: 192.168.1.10:554/stream0/
        authority, slash, tail = text.partition("/")
        rest = slash + tail
    authority = authority.rpartition("@")[2]
    if _host(authority) == _host(our_start.rpartition("://")[2]) and match:
        scheme = our_start.partition("://")[0]
        return f"{scheme}://{authority}{rest}"
    return our_start + rest


def _host(authority: str) -> str:
    if authority.startswith("["):
        return authority[1:].partition("]")[0].lower()
    return authority.partition(":")[0].lower()
