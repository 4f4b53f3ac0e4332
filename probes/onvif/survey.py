"""What one device says of itself, for commissioning and the daily inventory: identity, channels, footage.

One question after the other, each in its time; what cannot be read leaves a note and the rest is still told.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar

from probes.errors import OnvifError, ProbeError
from probes.logins import LoginGate
from probes.onvif.address import Located
from probes.onvif.answers import Identity, Profile
from probes.onvif.clock import DeviceClock
from probes.onvif.conversation import LIMITS
from probes.onvif.device import BROKEN, Device
from probes.onvif.port import Onvif
from probes.reasons import NETWORK, Reason
from probes.recording.profile_g import Recording, Summary
from probes.result import Target
from probes.web import Web, WebLimits

T = TypeVar("T")

BUDGET_S: Final = 120.0  # a recorder of 64 channels answers three questions for each
MOST_CHANNELS: Final = 256
MOST_SILENCES: Final = 3  # then the device is left alone
LOST: Final = NETWORK | {Reason.ONVIF_TIMEOUT}
BORNE: Final = BROKEN | {Reason.FORBIDDEN}

# The channel that a path names, from 1: Hikvision counts channel * 100 + stream, Dahua from 1 in the query.
_CHANNEL_IN_PATH: Final = (
    re.compile(r"/Streaming/(?:Unicast/)?channels/(\d{1,3})\d\d\b", re.IGNORECASE),
    re.compile(r"/(?:ISAPI/)?Streaming/tracks/(\d{1,3})\d\d\b", re.IGNORECASE),
    re.compile(r"[?&]channel=(\d{1,3})\b", re.IGNORECASE),
    re.compile(r"/unicast/c(\d{1,3})/", re.IGNORECASE),
    re.compile(r"/h26[45]/ch(\d{1,3})/", re.IGNORECASE),
    re.compile(r"/(?:h26[45])?Preview_(\d{1,3})_", re.IGNORECASE),
)


@dataclass(frozen=True, slots=True)
class Channel:
    """One picture source of a device. Paths are asked of the device's configured host, and of no other.

    ``path`` is its largest stream, ``sub_path`` its smallest where there are two. ``rtsp_port`` is the port
    that the device tells, or ``None``. Codec by the names of SDP.
    """

    channel: int
    name: str
    profile: str
    codec: str
    width: int | None
    height: int | None
    path: str | None
    sub_path: str | None
    snapshot_path: str | None
    rtsp_port: int | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """What was read; ``notes`` say what was not, and what was noticed on the way."""

    identity: Identity
    channels: tuple[Channel, ...]
    notes: tuple[Reason, ...] = ()
    summary: Summary | None = None
    recordings: tuple[Recording, ...] = ()


async def survey(
    target: Target,
    web: Web,
    logins: LoginGate,
    clock: DeviceClock,
    *,
    now: Callable[[], datetime],
    limits: WebLimits = LIMITS,
) -> Survey:
    """Ask one device everything, each question within ``limits``; tokens are signed by its ``clock``.

    Raises ``ProbeError`` where nothing can be learned: not reached, silent, the login refused.
    """
    device = Device(target, web, logins, clock, now, limits)
    surveying = _Surveying(device)
    try:
        async with asyncio.timeout(BUDGET_S):
            found = await surveying.everything()
    except TimeoutError:
        raise OnvifError(Reason.ONVIF_TIMEOUT, f"not done in {BUDGET_S:g} s") from None
    identity, channels, summary, recordings = found
    notes = tuple(sorted(surveying.notes | device.notes))
    return Survey(identity, channels, notes, summary, recordings)


class _Surveying:
    """One survey under way."""

    def __init__(self, device: Onvif) -> None:
        self.notes: set[Reason] = set()
        self._device = device
        self._silences = 0
        self._last: ProbeError | None = None

    async def everything(
        self,
    ) -> tuple[Identity, tuple[Channel, ...], Summary | None, tuple[Recording, ...]]:
        no_profiles: tuple[Profile, ...] = ()
        profiles = await self._unless_broken(self._device.profiles, no_profiles)
        identity = await self._unless_broken(self._device.identity, Identity())
        if self._last is not None and not profiles and identity == Identity():
            raise self._last
        if not profiles:
            self.notes.add(Reason.NO_PROFILES)
        channels = await self._channels(profiles)
        no_summary: Summary | None = None
        summary = await self._unless_broken(self._device.summary, no_summary)
        no_recordings: tuple[Recording, ...] = ()
        recordings = no_recordings
        if summary is not None:
            recordings = await self._unless_broken(self._device.recordings, no_recordings)
        return identity, channels, summary, recordings

    async def _channels(self, profiles: Sequence[Profile]) -> tuple[Channel, ...]:
        found: list[Channel] = []
        for order, group in enumerate(_by_source(profiles)[:MOST_CHANNELS], 1):
            ranked = sorted(group, key=lambda profile: -profile.pixels)
            main, sub = ranked[0], ranked[-1]
            stream = await self._located(self._device.stream_uri, main)
            smaller = None if sub is main else await self._located(self._device.stream_uri, sub)
            image = await self._located(self._device.snapshot_uri, main)
            found.append(
                Channel(
                    channel=_channel_in(stream) or order,
                    name=main.name,
                    profile=main.token,
                    codec=main.codec,
                    width=main.width,
                    height=main.height,
                    path=stream.path if stream else None,
                    sub_path=smaller.path if smaller else None,
                    snapshot_path=image.path if image else None,
                    rtsp_port=stream.port if stream else None,
                )
            )
        return _numbered(found)

    async def _located(
        self, question: Callable[[Profile], Awaitable[Located | None]], profile: Profile
    ) -> Located | None:
        nowhere: Located | None = None
        return await self._unless_broken(lambda: question(profile), nowhere)

    async def _unless_broken(self, question: Callable[[], Awaitable[T]], otherwise: T) -> T:
        """A question of its own; some are not allowed to this user, or are answered by hanging up."""
        try:
            return await question()
        except ProbeError as error:
            if error.reason in LOST:
                self._silences += 1
            elif error.reason not in BORNE:
                raise
            if self._silences >= MOST_SILENCES:
                raise
            self.notes.add(error.reason)
            self._last = error
            return otherwise


def _by_source(profiles: Iterable[Profile]) -> list[list[Profile]]:
    groups: dict[str, list[Profile]] = {}
    for profile in profiles:
        groups.setdefault(profile.source or profile.token, []).append(profile)
    return list(groups.values())


def _channel_in(stream: Located | None) -> int | None:
    """Recorders list only the sources that are online (onvif/specs #470): the path knows better."""
    if stream is None:
        return None
    for pattern in _CHANNEL_IN_PATH:
        if (named := pattern.search(stream.path)) and int(named[1]) > 0:
            return int(named[1])
    return None


def _numbered(channels: Sequence[Channel]) -> tuple[Channel, ...]:
    """As their paths say, where these differ; in the order told otherwise."""
    if len({channel.channel for channel in channels}) == len(channels):
        return tuple(channels)
    return tuple(replace(channel, channel=order) for order, channel in enumerate(channels, 1))
