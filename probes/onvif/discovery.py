"""Which devices are there: WS-Discovery over multicast or to a list of hosts, and a knock on usual ports.

OASIS WS-Discovery 2005/04 as ONVIF Core, 7, uses it. Nothing here logs in, and what a device tells of its own
address is not believed: it is where its answer came from.
"""

import asyncio
import re
import socket
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from probes.errors import ProbeError
from probes.markup import MarkupError, parse_xml, text_of
from probes.onvif.address import locate
from probes.onvif.clock import ClockSource, device_clock
from probes.result import Target
from probes.web import Web

GROUP: Final = "239.255.255.250"
PORT: Final = 3702
ANSWERS_FOR_S: Final = 3.0  # ONVIF Core, 7.3.2: devices wait up to 0.5 s; slow ones longer
REPEAT_S: Final = 0.5  # UDP loses things: asked twice
MOST_DEVICES: Final = 4096
MOST_BYTES: Final = 64 * 1024  # of answers are read from one host: a device has one thing to say
MAX_TEXT_CHARS: Final = 128
# Where ONVIF is found besides 80: Reolink, XM, Tapo, Yoosee (F029); onboarding only.
USUAL_PORTS: Final = (80, 8000, 8080, 8899, 2020, 5000)
KNOCKS: Final = 32  # hosts at a time

_PROBE: Final = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
    ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery"'
    ' xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><e:Header>'
    "<w:MessageID>urn:uuid:{id}</w:MessageID>"
    "<w:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</w:To>"
    "<w:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</w:Action></e:Header>"
    "<e:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Body></e:Envelope>"
)
_SCOPE: Final = re.compile(r"onvif://www\.onvif\.org/(name|hardware|location)/(\S+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Found:
    """One device: where its answer came from, the port of its ONVIF, and what it calls itself."""

    host: str
    onvif_port: int
    tls: bool = False
    endpoint: str = ""  # a UUID that stays with the device
    name: str = ""
    hardware: str = ""
    location: str = ""


async def discover(
    hosts: Sequence[str] = (), *, interface: str = "", seconds: float = ANSWERS_FOR_S, port: int = PORT
) -> tuple[Found, ...]:
    """Ask for devices and listen for ``seconds``; sorted by address, each host and endpoint once.

    Without ``hosts`` the whole network segment is asked by multicast, out of the interface that has the
    address ``interface``; with them each one, wherever it is. Raises
    ``OSError`` where this machine cannot send.
    """
    loop = asyncio.get_running_loop()
    question = _PROBE.format(id=uuid.uuid4()).encode()
    answers = _Answers(frozenset(hosts))
    udp, _ = await loop.create_datagram_endpoint(lambda: answers, sock=_socket(interface))
    try:
        ends = loop.time() + seconds
        for wait in (min(REPEAT_S, seconds / 2), None):
            for host in hosts or (GROUP,):
                udp.sendto(question, (host, port))
            await asyncio.sleep(ends - loop.time() if wait is None else wait)
    finally:
        udp.close()
    if answers.error is not None and not hosts and not answers.found:
        raise answers.error
    return tuple(sorted(answers.found, key=lambda found: (found.host, found.endpoint)))


async def knock(
    hosts: Iterable[str],
    web: Web,
    now: Callable[[], datetime],
    ports: Sequence[int] = USUAL_PORTS,
) -> tuple[Found, ...]:
    """Hosts of which a port answers the anonymous question for the time; for those that discovery misses."""
    gate = asyncio.Semaphore(KNOCKS)

    async def ask(host: str) -> Found | None:
        async with gate:
            for port in ports:
                target = Target(eye=host, host=host, onvif_port=port)
                try:
                    clock = await device_clock(target, web, now)
                except ProbeError:
                    continue
                if clock.source is ClockSource.ONVIF:
                    return Found(host, port)
        return None

    found = await asyncio.gather(*(ask(host) for host in dict.fromkeys(hosts)))
    return tuple(device for device in found if device is not None)


def read_match(answer: bytes, host: str) -> Found | None:
    """The device of one ProbeMatches answer that came from ``host``; ``None`` where it is no camera's."""
    try:
        match = next(parse_xml(answer).iter("ProbeMatch"), None)
    except MarkupError:
        return None
    if match is None or "NetworkVideoTransmitter" not in f"{text_of(match, 'Types')} {_scopes(match)}":
        return None
    # Several addresses are told where a device has several, IPv6 among them: the one that answered is ours.
    told = [located for uri in text_of(match, "XAddrs").split()[:16] if (located := locate(uri))]
    told.sort(key=lambda located: located.host != host)
    tls = bool(told) and told[0].scheme == "https"
    port = told[0].port if told and told[0].port else 443 if tls else 80
    said = {kind.lower(): unquote(text)[:MAX_TEXT_CHARS] for kind, text in _SCOPE.findall(_scopes(match))}
    return Found(
        host=host,
        onvif_port=port,
        tls=tls,
        endpoint=text_of(match, "EndpointReference/Address")[:MAX_TEXT_CHARS],
        name=said.get("name", ""),
        hardware=said.get("hardware", ""),
        location=said.get("location", ""),
    )


def _scopes(match: Element) -> str:
    return text_of(match, "Scopes")[:8192]


class _Answers(asyncio.DatagramProtocol):
    """Takes in answers, from the hosts that were asked if they were named."""

    def __init__(self, asked: frozenset[str]) -> None:
        self.error: Exception | None = None
        self._asked = asked
        self._bytes: dict[str, int] = {}
        self._found: dict[tuple[str, str], Found] = {}

    @property
    def found(self) -> tuple[Found, ...]:
        return tuple(self._found.values())

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        host = addr[0]
        if (self._asked and host not in self._asked) or len(self._found) >= MOST_DEVICES:
            return
        read = self._bytes.get(host, 0) + len(data)
        if read > MOST_BYTES or (host not in self._bytes and len(self._bytes) >= MOST_DEVICES):
            return
        self._bytes[host] = read
        if (found := read_match(data, host)) is not None:
            self._found.setdefault((host, found.endpoint), found)

    def error_received(self, exc: Exception) -> None:
        """A host of the list is not there, and the others may be; or this machine has no multicast."""
        self.error = exc


def _socket(interface: str) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        udp.setblocking(False)
        udp.bind((interface, 0))
        if interface:
            udp.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
        udp.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)  # this segment, never the next one
    except OSError:
        udp.close()
        raise
    return udp
