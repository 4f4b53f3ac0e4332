"""What a monitor wants from ONVIF, whoever speaks it: a dozen questions, no subscription ever (F006)."""

from typing import Protocol

from probes.onvif.address import Located
from probes.onvif.answers import Identity, Profile
from probes.recording.profile_g import Recording, Summary


class Onvif(Protocol):
    """One device. Every question raises ``ProbeError``: a network, login or ``ONVIF_*`` reason."""

    async def identity(self) -> Identity:
        """Maker, model, firmware, serial number."""

    async def profiles(self) -> tuple[Profile, ...]:
        """Every profile with a video source, H.265 too; empty where there are none."""

    async def stream_uri(self, profile: Profile) -> Located | None:
        """Where the stream of a profile is; its host is never to be used."""

    async def snapshot_uri(self, profile: Profile) -> Located | None:
        """Where an image of a profile is, or ``None`` where the device has none (F018, F019)."""

    async def summary(self) -> Summary | None:
        """Oldest and newest footage of the whole device; ``None`` where it has no recording search."""

    async def recordings(self) -> tuple[Recording, ...]:
        """The recordings, with the times of their footage where the device tells them."""
