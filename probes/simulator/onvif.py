"""ONVIF as texts: what was asked, and what a device answers.

Elements and namespaces are those of ONVIF's WSDLs (devicemgmt, media, media2, recording, search).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from xml.sax.saxutils import escape

from probes.simulator.clips import Codec
from probes.simulator.device import Device
from probes.simulator.faces import Malformed, Media, OnvifSpec, SnapshotUri, XAddr
from probes.simulator.gate import UsernameToken

PREFIXES: Final = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "tt": "http://www.onvif.org/ver10/schema",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "trc": "http://www.onvif.org/ver10/recording/wsdl",
    "tse": "http://www.onvif.org/ver10/search/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "ter": "http://www.onvif.org/ver10/error",
}
PATHS: Final = {
    "tds": "/onvif/device_service",
    "trt": "/onvif/media_service",
    "tr2": "/onvif/media2_service",
    "trc": "/onvif/recording_service",
    "tse": "/onvif/search_service",
    "tev": "/onvif/event_service",
}
SERVICE_OF: Final = {Media.MEDIA1: "trt", Media.MEDIA2: "tr2"}
BEFORE_LOGIN: Final = frozenset({"GetSystemDateAndTime", "GetServices", "GetCapabilities"})  # PRE_AUTH
NAT_HOST: Final = "10.99.99.99"
GBK_NAME: Final = b"\xce\xc4\xbc\xfe"

# A billion and more, were the entities ever put in.
_BOMB: Final = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "0123456789">'
    + "".join(f'<!ENTITY {name} "{f"&{of};" * 10}">' for of, name in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><x>&i;</x>"
)


@dataclass(frozen=True, slots=True)
class Call:
    """One operation: its name, the prefix of its service, the texts of its arguments, and who asks."""

    name: str
    service: str
    arguments: dict[str, str]
    token: UsernameToken | None


@dataclass(frozen=True, slots=True)
class Site:
    """Where the device is found: the base of its own HTTP, the host and port of its RTSP."""

    base: str  # http://127.0.0.1:8080
    rtsp: str  # rtsp://127.0.0.1:554


class Unknown(Exception):
    """The device does not have this operation."""


def parse_call(body: bytes) -> Call | None:
    """Read a SOAP request; ``None`` if it is none. Arguments are found by their local names, wherever."""
    text = body.decode("utf-8", "replace")
    match = re.search(r"<(?:[\w.-]+:)?Body\b[^>]*>\s*<(?:([\w.-]+):)?(\w+)([^>]*)>", text)
    if match is None:
        return None
    prefix, name, attributes = match[1] or "", match[2], match[3]
    declared = rf'xmlns:{re.escape(prefix)}\s*=\s*"([^"]*)"' if prefix else r'xmlns\s*=\s*"([^"]*)"'
    named = re.search(declared, attributes) or re.search(declared, text)
    services = {namespace: short for short, namespace in PREFIXES.items()}
    inside = text[match.start() :]
    arguments = {m[1]: m[2].strip() for m in re.finditer(r"<(?:[\w.-]+:)?(\w+)\b[^>/]*>([^<]*)</", inside)}
    return Call(name, services.get(named[1], "") if named else "", arguments, _token(text[: match.start()]))


def _token(header: str) -> UsernameToken | None:
    def said(name: str) -> str:
        found = re.search(rf"<(?:[\w.-]+:)?{name}\b[^>]*>([^<]*)<", header)
        return found[1].strip() if found else ""

    if "UsernameToken" not in header:
        return None
    # PasswordText is a password in clear, which is no digest of anything.
    return UsernameToken(said("Username"), said("Password"), said("Nonce"), said("Created"))


def is_timely(token: UsernameToken, spec: OnvifSpec, now: datetime) -> bool:
    """Whether a token was made just now by the device's clock (F009), and says so in the form it reads."""
    if spec.z_only and not token.created.endswith("Z"):
        return False
    if not spec.window_s:
        return True
    try:
        created = datetime.fromisoformat(token.created)
    except ValueError:
        return False
    return created.tzinfo is not None and abs((created - now).total_seconds()) <= spec.window_s


def answer(call: Call, device: Device, spec: OnvifSpec, site: Site) -> str:
    """The envelope that answers ``call``. Raises :class:`Unknown`."""
    operations: dict[tuple[str, str], Callable[[], str]] = {
        ("tds", "GetSystemDateAndTime"): lambda: _clock(device),
        ("tds", "GetDeviceInformation"): lambda: _identity(device),
        ("tds", "GetCapabilities"): lambda: _capabilities(spec, site),
        ("tds", "GetScopes"): lambda: _scopes(device),
        ("tev", "CreatePullPointSubscription"): lambda: _subscription(device, site),
        ("tds", "CreatePullPointSubscription"): lambda: _subscription(device, site),
    }
    if spec.services:
        operations["tds", "GetServices"] = lambda: _services(spec, site)
    for media in spec.media:
        service = SERVICE_OF[media]
        operations[service, "GetProfiles"] = partial(_profiles, media, device)
        operations[service, "GetStreamUri"] = partial(_stream_uri, media, call, device, site)
        operations[service, "GetSnapshotUri"] = partial(_snapshot_uri, media, call, device, spec, site)
    if spec.profile_g:
        operations |= {
            ("trc", "GetRecordings"): lambda: _recordings(device),
            ("tse", "GetRecordingSummary"): lambda: _summary(device),
            ("tse", "FindRecordings"): lambda: _response(
                "tse:FindRecordings", tag("tse:SearchToken", "search-1")
            ),
            ("tse", "GetRecordingSearchResults"): lambda: _found(device),
            ("tse", "EndSearch"): lambda: _response("tse:EndSearch", tag("tse:Endpoint", _time(device.now))),
        }
    operation = operations.get((call.service, call.name))
    if operation is None:
        raise Unknown
    return operation()


def not_authorized() -> str:
    return _fault("Sender", "NotAuthorized", "Sender not authorized")


def not_supported() -> str:
    return _fault("Receiver", "ActionNotSupported", "Optional Action Not Implemented")


def out_of_order() -> str:
    return _fault("Receiver", "Action", "The device is out of order")


def malformed(text: str, how: Malformed, device: Device) -> bytes:
    """The bytes that leave the device: those of ``text``, or of something like it that is no XML."""
    raw = text.encode()
    match how:
        case Malformed.BAD_UTF8:
            return raw.replace(device.maker.encode(), GBK_NAME)
        case Malformed.NO_XMLNS:
            return raw.replace(b"<s:Body>", b"<s:Header><wsx:Action>answer</wsx:Action></s:Header><s:Body>")
        case Malformed.CUT:
            return raw[: len(raw) - 30]
        case Malformed.ENTITIES:
            return _BOMB.encode()
    return raw


# -- the device service ------------------------------------------------------------------------------------


def _clock(device: Device) -> str:
    now = device.now
    utc = ""
    if device.has_clock:
        time = tag("tt:Hour", now.hour) + tag("tt:Minute", now.minute) + tag("tt:Second", now.second)
        date = tag("tt:Year", now.year) + tag("tt:Month", now.month) + tag("tt:Day", now.day)
        utc = tag("tt:UTCDateTime", tag("tt:Time", time, raw=True) + tag("tt:Date", date, raw=True), raw=True)
    zone = tag("tt:TimeZone", tag("tt:TZ", "ICT-7"), raw=True)
    said = tag("tt:DateTimeType", "NTP") + tag("tt:DaylightSavings", "false") + zone + utc
    return _response("tds:GetSystemDateAndTime", tag("tds:SystemDateAndTime", said, raw=True))


def _identity(device: Device) -> str:
    said = {
        "Manufacturer": device.maker,
        "Model": device.model,
        "FirmwareVersion": device.firmware,
        "SerialNumber": device.serial,
        "HardwareId": "1.0",
    }
    return _response("tds:GetDeviceInformation", "".join(tag(f"tds:{key}", said[key]) for key in said))


def _offered(spec: OnvifSpec) -> list[str]:
    return [
        "tds",
        *(SERVICE_OF[media] for media in spec.media),
        *(("trc", "tse") if spec.profile_g else ()),
        "tev",
    ]


def _services(spec: OnvifSpec, site: Site) -> str:
    version = tag("tds:Version", tag("tt:Major", 2) + tag("tt:Minor", 60), raw=True)
    said = "".join(
        tag(
            "tds:Service",
            tag("tds:Namespace", PREFIXES[s]) + tag("tds:XAddr", _xaddr(s, spec, site)) + version,
            raw=True,
        )
        for s in _offered(spec)
    )
    return _response("tds:GetServices", said)


def _capabilities(spec: OnvifSpec, site: Site) -> str:
    """Of the first generation of services only: Media2, Recording and Search are not told here (F024)."""
    said = tag("tt:Device", tag("tt:XAddr", _xaddr("tds", spec, site)), raw=True)
    flags = tag("tt:WSSubscriptionPolicySupport", "false") + tag("tt:WSPullPointSupport", "true")
    flags += tag("tt:WSPausableSubscriptionManagerInterfaceSupport", "false")
    said += tag("tt:Events", tag("tt:XAddr", _xaddr("tev", spec, site)) + flags, raw=True)
    if Media.MEDIA1 in spec.media:
        streaming = tag("tt:StreamingCapabilities", "", raw=True)
        said += tag("tt:Media", tag("tt:XAddr", _xaddr("trt", spec, site)) + streaming, raw=True)
    return _response("tds:GetCapabilities", tag("tds:Capabilities", said, raw=True))


def _scopes(device: Device) -> str:
    scopes = (f"onvif://www.onvif.org/name/{device.maker}", "onvif://www.onvif.org/Profile/Streaming")
    said = "".join(
        tag("tds:Scopes", tag("tt:ScopeDef", "Fixed") + tag("tt:ScopeItem", s), raw=True) for s in scopes
    )
    return _response("tds:GetScopes", said)


def _xaddr(service: str, spec: OnvifSpec, site: Site) -> str:
    path = PATHS[service]
    match spec.xaddr:
        case XAddr.NAT:
            return f"http://{NAT_HOST}{path}"
        case XAddr.DOUBLE_PORT:
            return f"http://192.168.1.106:8106:8106{path}"
    return f"{site.base}{path}"


def _subscription(device: Device, site: Site) -> str:
    address = tag("wsa:Address", f"{site.base}/onvif/subscription/1")
    times = f"<wsnt:CurrentTime>{_time(device.now)}</wsnt:CurrentTime>"
    times += f"<wsnt:TerminationTime>{_time(device.now)}</wsnt:TerminationTime>"
    said = tag("tev:SubscriptionReference", address, raw=True) + times
    return _response("tev:CreatePullPointSubscription", said).replace(
        "<s:Body>", '<s:Body xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2">', 1
    )


# -- the media services ------------------------------------------------------------------------------------


def _profiles(media: Media, device: Device) -> str:
    if media is Media.MEDIA1:
        # The first service has no word for H.265, so its profiles are missing there (F025).
        known = device.spec.clip.codec is not Codec.H265
        said = "".join(_profile1(device, *p) for p in _streams(device)) if known else ""
        return _response("trt:GetProfiles", said)
    return _response("tr2:GetProfiles", "".join(_profile2(device, *p) for p in _streams(device)))


def _streams(device: Device) -> list[tuple[int, int]]:
    return [(channel, stream) for channel in device.channels for stream in range(len(device.spec.paths))]


def _profile1(device: Device, channel: int, stream: int) -> str:
    return tag(
        "trt:Profiles",
        tag("tt:Name", f"channel {channel} stream {stream + 1}")
        + _named("tt:VideoSourceConfiguration", f"source-{channel}", _source(device, channel))
        + _named("tt:VideoEncoderConfiguration", f"encoder-{channel}-{stream}", _encoder1(device)),
        f'token="profile-{channel}-{stream}" fixed="true"',
        raw=True,
    )


def _profile2(device: Device, channel: int, stream: int) -> str:
    configurations = _named("tr2:VideoSource", f"source-{channel}", _source(device, channel))
    configurations += _named("tr2:VideoEncoder", f"encoder-{channel}-{stream}", _encoder2(device))
    return tag(
        "tr2:Profiles",
        tag("tr2:Name", f"channel {channel} stream {stream + 1}")
        + tag("tr2:Configurations", configurations, raw=True),
        f'token="profile-{channel}-{stream}" fixed="true"',
        raw=True,
    )


def _named(name: str, token: str, inside: str) -> str:
    return tag(name, tag("tt:Name", token) + tag("tt:UseCount", 1) + inside, f'token="{token}"', raw=True)


def _source(device: Device, channel: int) -> str:
    clip = device.spec.clip
    bounds = f'<tt:Bounds x="0" y="0" width="{clip.width}" height="{clip.height}"/>'
    return tag("tt:SourceToken", f"video-{channel}") + bounds


def _resolution(device: Device) -> str:
    clip = device.spec.clip
    return tag("tt:Resolution", tag("tt:Width", clip.width) + tag("tt:Height", clip.height), raw=True)


def _multicast() -> str:
    address = tag("tt:Address", tag("tt:Type", "IPv4") + tag("tt:IPv4Address", "0.0.0.0"), raw=True)  # noqa: S104 nobody listens there
    said = address + tag("tt:Port", 0) + tag("tt:TTL", 0) + tag("tt:AutoStart", "false")
    return tag("tt:Multicast", said, raw=True)


def _encoder1(device: Device) -> str:
    clip = device.spec.clip
    encoding = "JPEG" if clip.codec is Codec.MJPEG else "H264"
    rate = tag("tt:FrameRateLimit", clip.fps) + tag("tt:EncodingInterval", 1) + tag("tt:BitrateLimit", 512)
    h264 = tag("tt:H264", tag("tt:GovLength", clip.gop_frames) + tag("tt:H264Profile", "Main"), raw=True)
    return (
        tag("tt:Encoding", encoding)
        + _resolution(device)
        + tag("tt:Quality", 5)
        + tag("tt:RateControl", rate, raw=True)
        + (h264 if encoding == "H264" else "")
        + _multicast()
        + tag("tt:SessionTimeout", "PT60S")
    )


def _encoder2(device: Device) -> str:
    clip = device.spec.clip
    encoding = {Codec.H264: "H264", Codec.H265: "H265", Codec.MJPEG: "JPEG"}[clip.codec]
    rate = tag("tt:FrameRateLimit", clip.fps) + tag("tt:BitrateLimit", 512)
    return (
        tag("tt:Encoding", encoding)
        + _resolution(device)
        + tag("tt:RateControl", rate, raw=True)
        + _multicast()
        + tag("tt:Quality", 5)
    )


def _chosen(call: Call, device: Device) -> tuple[int, int]:
    """The channel and stream of the profile that was named; the first, if it is none of ours."""
    match = re.fullmatch(r"profile-(\d{1,4})-(\d{1,2})", call.arguments.get("ProfileToken", ""))
    chosen = (int(match[1]), int(match[2])) if match else (1, 0)
    return chosen if chosen in _streams(device) else (1, 0)


def _uri(media: Media, name: str, uri: str) -> str:
    if media is Media.MEDIA2:
        return _response(f"tr2:{name}", tag("tr2:Uri", uri))
    flags = tag("tt:InvalidAfterConnect", "false") + tag("tt:InvalidAfterReboot", "false")
    said = tag("tt:Uri", uri) + flags + tag("tt:Timeout", "PT60S")
    return _response(f"trt:{name}", tag("trt:MediaUri", said, raw=True))


def _stream_uri(media: Media, call: Call, device: Device, site: Site) -> str:
    return _uri(media, "GetStreamUri", f"{site.rtsp}{device.spec.path(*_chosen(call, device))}")


def _snapshot_uri(media: Media, call: Call, device: Device, spec: OnvifSpec, site: Site) -> str:
    channel, _ = _chosen(call, device)
    path = device.spec.snapshot_path(channel)
    if path is None or spec.snapshot_uri is SnapshotUri.FAULT:
        raise Unknown
    match spec.snapshot_uri:
        case SnapshotUri.RTSP:
            uri = f"{site.rtsp}{device.spec.path(channel)}"
        case SnapshotUri.EMPTY:
            uri = ""
        case SnapshotUri.LOGIN:
            joint = "&" if "?" in path else "?"
            uri = f"{site.base}{path}{joint}user={device.spec.user}&password=hidden"
        case _:
            uri = f"{site.base}{path}"
    return _uri(media, "GetSnapshotUri", uri)


# -- Profile G ---------------------------------------------------------------------------------------------


def _summary(device: Device) -> str:
    kept = [footage for channel in device.channels if (footage := device.footage(channel))]
    oldest = min((footage.oldest for footage in kept), default=device.now)
    newest = max((footage.newest for footage in kept), default=device.now)
    said = tag("tt:DataFrom", _time(oldest)) + tag("tt:DataUntil", _time(newest))
    said += tag("tt:NumberRecordings", len(kept))
    return _response("tse:GetRecordingSummary", tag("tse:Summary", said, raw=True))


def _from(channel: int) -> str:
    said = tag("tt:SourceId", f"video-{channel}") + tag("tt:Name", f"channel {channel}")
    return tag(
        "tt:Source",
        said + tag("tt:Location", "") + tag("tt:Description", "") + tag("tt:Address", ""),
        raw=True,
    )


def _recordings(device: Device) -> str:
    track = tag("tt:TrackType", "Video") + tag("tt:Description", "")
    tracks = tag("tt:TrackToken", "VIDEO001") + tag("tt:Configuration", track, raw=True)
    items = ""
    for channel in device.channels:
        if device.footage(channel) is None:
            continue
        configuration = _from(channel) + tag("tt:Content", "") + tag("tt:MaximumRetentionTime", "PT0S")
        items += tag(
            "trc:RecordingItem",
            tag("tt:RecordingToken", f"recording-{channel}")
            + tag("tt:Configuration", configuration, raw=True)
            + tag("tt:Tracks", tag("tt:Track", tracks, raw=True), raw=True),
            raw=True,
        )
    return _response("trc:GetRecordings", items)


def _found(device: Device) -> str:
    """Every recording at once, whatever was asked for: filters are ignored, as by Dahua (F103)."""
    said = tag("tt:SearchState", "Completed")
    for channel in device.channels:
        footage = device.footage(channel)
        if footage is None:
            continue
        begin, end = _time(footage.oldest), _time(footage.newest)
        track = tag("tt:TrackToken", "VIDEO001") + tag("tt:TrackType", "Video") + tag("tt:Description", "")
        track += tag("tt:DataFrom", begin) + tag("tt:DataTo", end)
        said += tag(
            "tt:RecordingInformation",
            tag("tt:RecordingToken", f"recording-{channel}")
            + _from(channel)
            + tag("tt:EarliestRecording", begin)
            + tag("tt:LatestRecording", end)
            + tag("tt:Content", "")
            + tag("tt:Track", track, raw=True)
            + tag("tt:RecordingStatus", "Recording" if footage.writing else "Stopped"),
            raw=True,
        )
    return _response("tse:GetRecordingSearchResults", tag("tse:ResultList", said, raw=True))


# -- envelopes ---------------------------------------------------------------------------------------------


def tag(name: str, inside: object, attributes: str = "", *, raw: bool = False) -> str:
    """An element; ``inside`` is escaped unless it is ``raw``, made of other elements."""
    text = str(inside) if raw else escape(str(inside))
    return f"<{name}{' ' if attributes else ''}{attributes}>{text}</{name}>"


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _response(name: str, inside: str) -> str:
    return _envelope(tag(f"{name}Response", inside, raw=True))


def _envelope(body: str) -> str:
    declared = "".join(f' xmlns:{short}="{namespace}"' for short, namespace in PREFIXES.items())
    return f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope{declared}><s:Body>{body}</s:Body></s:Envelope>'


def _fault(code: str, subcode: str, text: str) -> str:
    inner = tag("s:Subcode", tag("s:Value", f"ter:{subcode}"), raw=True)
    reason = tag("s:Reason", tag("s:Text", text, 'xml:lang="en"'), raw=True)
    said = tag("s:Code", tag("s:Value", f"s:{code}") + inner, raw=True) + reason
    return _envelope(tag("s:Fault", said, raw=True))
