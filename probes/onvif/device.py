"""The port over onvif-zeep-async: it writes the messages, our conversation carries them, we read the answers.

Media2 it does not know; those three messages are envelopes of our own.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from lxml.etree import _Element, tostring
from zeep.exceptions import Error as ZeepError

from probes.errors import LinkError, OnvifError, ProbeError
from probes.logins import LoginGate
from probes.markup import MarkupError, text_of
from probes.onvif import answers, library
from probes.onvif.address import Located, locate
from probes.onvif.answers import MEDIA, MEDIA2, RECORDING, SEARCH, Identity, Profile
from probes.onvif.clock import DEVICE_SERVICE, DeviceClock
from probes.onvif.conversation import LIMITS, Conversation
from probes.onvif.soap import envelope
from probes.reasons import Reason
from probes.recording.profile_g import Recording, Summary, parse_recordings, parse_summary
from probes.result import Target
from probes.web import Web, WebLimits

# Where services usually are, for devices that tell addresses nobody can read (F016).
USUAL_PATHS: Final = {MEDIA: "/onvif/media_service"}
RTSP: Final = {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}
SEARCH_KEPT: Final = "PT30S"  # how long the device keeps a search of ours that nobody ends
MOST_PAGES: Final = 16
PAGE: Final = 64
BROKEN: Final = frozenset({Reason.ONVIF_FAULT, Reason.ONVIF_HTTP_ERROR, Reason.ONVIF_MALFORMED})


class Device:
    """One ONVIF device, asked one question at a time; see ``Onvif`` for the questions.

    ``notes`` are what was noticed on the way (``XADDR_REWRITTEN``, ``TLS_UNTRUSTED``).
    """

    def __init__(
        self,
        target: Target,
        web: Web,
        logins: LoginGate,
        clock: DeviceClock,
        now: Callable[[], datetime],
        limits: WebLimits = LIMITS,
    ) -> None:
        self._target = target
        self._conversation = Conversation(target, web, logins, clock, now, limits)
        self._services: dict[str, str] | None = None
        self._written: dict[str, Any] = {}

    @property
    def notes(self) -> frozenset[Reason]:
        return frozenset(self._conversation.notes)

    async def identity(self) -> Identity:
        device = await self._service("devicemgmt", DEVICE_SERVICE)
        body, _ = await device.GetDeviceInformation()
        return answers.read_identity(body)

    async def profiles(self) -> tuple[Profile, ...]:
        """Media2 first, for only it knows H.265 (F025); what only the older service lists is added."""
        services = await self.services()
        found: tuple[Profile, ...] = ()
        failure: OnvifError | None = None
        if MEDIA2 in services:
            try:
                body = await self._media2("GetProfiles", "<m:Type>All</m:Type>")
                found = answers.read_profiles(body, MEDIA2)
            except OnvifError as error:
                failure = error
        if MEDIA in services:
            try:
                media = await self._service("media", services[MEDIA])
                body, _ = await media.GetProfiles()
                known = {profile.token for profile in found}
                older = answers.read_profiles(body, MEDIA)
                found += tuple(profile for profile in older if profile.token not in known)
            except OnvifError as error:
                failure = error
        if not found and failure is not None:
            raise failure
        return found

    async def stream_uri(self, profile: Profile) -> Located | None:
        if profile.service == MEDIA2:
            token = f"<m:Protocol>RTSP</m:Protocol><m:ProfileToken>{escape(profile.token)}</m:ProfileToken>"
            body = await self._media2("GetStreamUri", token)
        else:
            media = await self._service("media", (await self.services())[MEDIA])
            body, _ = await media.GetStreamUri(StreamSetup=RTSP, ProfileToken=profile.token)
        located = self._located(answers.read_uri(body))
        return located if located is not None and located.scheme in ("rtsp", "rtsps", "") else None

    async def snapshot_uri(self, profile: Profile) -> Located | None:
        try:
            if profile.service == MEDIA2:
                token = f"<m:ProfileToken>{escape(profile.token)}</m:ProfileToken>"
                body = await self._media2("GetSnapshotUri", token)
            else:
                media = await self._service("media", (await self.services())[MEDIA])
                body, _ = await media.GetSnapshotUri(ProfileToken=profile.token)
        except OnvifError as error:
            if error.reason in BROKEN:  # an optional operation: a fault means that there is none
                return None
            raise
        uri = answers.read_uri(body)
        located = self._located(uri) if uri else None
        return located if located is not None and located.scheme in ("http", "https", "") else None

    async def summary(self) -> Summary | None:
        path = (await self.services()).get(SEARCH)
        if path is None:
            return None
        search = await self._service("search", path)
        _, raw = await search.GetRecordingSummary()
        try:
            return parse_summary(raw)
        except MarkupError as error:
            raise OnvifError(Reason.ONVIF_MALFORMED, str(error)) from None

    async def recordings(self) -> tuple[Recording, ...]:
        """By a search, which tells the times too; by the plain list where there is no search."""
        services = await self.services()
        try:
            if SEARCH in services:
                return await self._searched(services[SEARCH])
        except OnvifError as error:
            if RECORDING not in services or error.reason not in BROKEN:
                raise
        if RECORDING not in services:
            return ()
        recording = await self._service("recording", services[RECORDING])
        _, raw = await recording.GetRecordings()
        return _recordings(raw)

    async def services(self) -> dict[str, str]:
        """The path of each service, asked once: of GetServices, or of GetCapabilities, which knows fewer."""
        if self._services is None:
            device = await self._service("devicemgmt", DEVICE_SERVICE)
            try:
                body, _ = await device.GetServices(IncludeCapability=False)
                told = answers.read_services(body)
            except (OnvifError, LinkError) as error:  # some hang up on what they do not know
                if error.reason is Reason.ONVIF_TIMEOUT:
                    raise
                told = {}
            if not told:
                body, _ = await device.GetCapabilities(Category="All")
                told = answers.read_capabilities(body)
            self._services = self._paths(told)
        return self._services

    async def _searched(self, path: str) -> tuple[Recording, ...]:
        search = await self._service("search", path)
        body, _ = await search.FindRecordings(Scope={}, KeepAliveTime=SEARCH_KEPT)
        token = next((text_of(found, ".") for found in body.iter("SearchToken")), "")
        found: dict[str, Recording] = {}
        try:
            for _ in range(MOST_PAGES):
                body, raw = await search.GetRecordingSearchResults(
                    SearchToken=token, MinResults=1, MaxResults=PAGE, WaitTime="PT2S"
                )
                page = _recordings(raw)
                found |= {recording.token: recording for recording in page}
                if not page or any(text_of(state, ".") == "Completed" for state in body.iter("SearchState")):
                    break
        finally:
            await _quietly(search.EndSearch(SearchToken=token))  # a device has few searches to give (F103)
        return tuple(found.values())

    async def _media2(self, operation: str, inner: str) -> Element:
        path = (await self.services())[MEDIA2]
        message = envelope(f'<m:{operation} xmlns:m="{MEDIA2}">{inner}</m:{operation}>')
        return await self._conversation.ask(path, message)

    async def _service(self, name: str, path: str) -> "_Asking":
        if name not in self._written:
            self._written[name] = _Asking(await library.service(name, path, _Carrier(self._conversation)))
        asking: _Asking = self._written[name]
        return asking

    def _paths(self, told: dict[str, str]) -> dict[str, str]:
        onvif_port = self._target.onvif_port or self._target.web_port
        paths: dict[str, str] = {}
        for namespace, uri in told.items():
            located = self._located(uri, onvif_port)
            path = located.path if located is not None else "/"
            paths[namespace] = path if path != "/" else USUAL_PATHS.get(namespace, DEVICE_SERVICE)
        return paths

    def _located(self, uri: str, port: int | None = None) -> Located | None:
        located = locate(uri)
        if located is not None and located.host:
            other_port = port is not None and located.port not in (None, port)
            if other_port or located.host != self._target.host:
                self._conversation.notes.add(Reason.XADDR_REWRITTEN)
        return located


class _Carrier:
    """zeep's transport: it has a path and no host, so that nothing can be sent elsewhere."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    async def post_xml(
        self, address: str, envelope: _Element, headers: dict[str, str]
    ) -> tuple[Element, bytes]:
        message = tostring(envelope, xml_declaration=True, encoding="utf-8")
        return await self._conversation.ask_raw(address, message, headers["Content-Type"])


class _Asking:
    """A service of the library whose own errors are ours: it could not write what we asked for."""

    def __init__(self, service: Any) -> None:
        self._service = service

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        async def ask(**words: Any) -> tuple[Element, bytes]:
            try:
                answer: tuple[Element, bytes] = await self._service[operation](**words)
            except ZeepError as error:
                raise ProbeError(Reason.MONITOR_INTERNAL_ERROR, f"{operation}: {error}") from None
            return answer

        return ask


async def _quietly(asking: Any) -> None:
    with suppress(ProbeError):  # it ends by itself after SEARCH_KEPT
        await asking


def _recordings(raw: bytes) -> tuple[Recording, ...]:
    try:
        return parse_recordings(raw)
    except MarkupError as error:
        raise OnvifError(Reason.ONVIF_MALFORMED, str(error)) from None
