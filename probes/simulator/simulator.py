"""The city: all cameras of a fleet in one event loop, their truth, and what was done to them."""

import asyncio
import os
import resource
import ssl
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from probes.simulator.camera import Camera, Clock
from probes.simulator.counters import Counters, total
from probes.simulator.faults import Fault, Truth
from probes.simulator.fleet import CameraSpec, Fleet
from probes.simulator.listener import MANNERS
from probes.simulator.playback import clip_of
from probes.simulator.web import Face, look_of, pictures_of

FOLLOW_S: Final = 0.05  # how late a listener may close or open after its script said so
SPARE_FILES: Final = 4096  # connections and UDP sockets beside the listeners


class Simulator:
    """Serves a fleet while its ``async with`` block lasts.

    ``clock`` gives the seconds since the start that faults and locks go by; by default they pass as they
    do. Frames are paced and answers delayed in real time in any case. Entering raises :class:`OSError` for
    an address that cannot be had.
    """

    def __init__(self, fleet: Fleet, *, clock: Clock | None = None) -> None:
        self.fleet = fleet
        self._clock = clock
        self._cameras = dict[str, Camera]()
        self._faces = dict[str, Face]()
        self._scripted = set[str]()  # whose listeners time alone can change
        self._following: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        _allow_open_files(2 * len(self.fleet.cameras) + SPARE_FILES)
        await asyncio.to_thread(_encode, self.fleet.cameras)
        wants_tls = any(spec.tls or (spec.http and spec.http.tls) for spec in self.fleet.cameras)
        tls = self_signed() if wants_tls else None
        self.started = datetime.now(UTC)
        if self._clock is None:
            begin = time.monotonic()
            self._clock = lambda: time.monotonic() - begin
        try:
            for spec in self.fleet.cameras:
                camera = self._cameras[spec.name] = Camera(spec, self._clock, self.started, tls)
                if spec.http is not None:
                    self._faces[spec.name] = Face(camera, spec.http, tls)
                self._note_script(spec)
        except OSError:
            self._close()
            raise
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following
        self._close()
        await asyncio.sleep(0)  # transports close in the next turn of the loop

    def at(self) -> float:
        """Now, in seconds since the start."""
        assert self._clock is not None, "not entered yet"
        return self._clock()

    def address_of(self, name: str) -> tuple[str, int]:
        return self._cameras[name].address

    def web_address_of(self, name: str) -> tuple[str, int]:
        """Where a camera speaks HTTP; raises :class:`KeyError` for one that does not."""
        return self._faces[name].address

    def spec_of(self, name: str) -> CameraSpec:
        return self._cameras[name].spec

    def truth(self, name: str, channel: int, at: float) -> Truth:
        """What an honest probe of a channel may say at ``at``; knows of faults that were played later."""
        return self._cameras[name].spec.truth(channel, at)

    def counters(self, name: str | None = None) -> Counters:
        """A copy of one camera's counters, or of all of them added up."""
        if name is not None:
            return replace(self._cameras[name].counters)
        return total(camera.counters for camera in self._cameras.values())

    def counted(self) -> dict[str, Counters]:
        return {name: replace(camera.counters) for name, camera in self._cameras.items()}

    async def play(self, name: str, *faults: Fault) -> None:
        """Give a camera another script, from now on. Raises :class:`~probes.simulator.faults.InvalidSpec`."""
        camera = self._cameras[name]
        spec = replace(camera.spec, faults=faults)
        await asyncio.to_thread(_encode, (spec,))
        camera.spec = spec
        self._note_script(spec)
        self._follow_one(name)

    def follow(self) -> None:
        """Bring every listener to what its script says for now; a passed-in clock may have jumped."""
        for name in self._scripted:
            self._follow_one(name)

    def _follow_one(self, name: str) -> None:
        self._cameras[name].follow()
        if name in self._faces:
            self._faces[name].follow()

    def _note_script(self, spec: CameraSpec) -> None:
        if any(fault.kind in MANNERS for fault in spec.faults):
            self._scripted.add(spec.name)
        else:
            self._scripted.discard(spec.name)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(FOLLOW_S)
            self.follow()

    def _close(self) -> None:
        for camera in self._cameras.values():
            camera.close()
        for face in self._faces.values():
            face.close()


def _encode(specs: tuple[CameraSpec, ...]) -> None:
    """Encode before anybody asks: an encoder in the event loop would hold up every camera."""
    plain = {spec.clip: spec for spec in specs}
    faulty = {(spec.clip, fault.kind, fault.value): (spec, fault) for spec in specs for fault in spec.faults}
    with ThreadPoolExecutor(os.cpu_count()) as encoders:
        # First what others are made of, so that nothing is made twice.
        list(encoders.map(lambda spec: clip_of(spec, None), plain.values()))
        list(encoders.map(lambda each: clip_of(*each), faulty.values()))
        seen = [(spec, kind) for spec in specs for kind in (None, *(fault.kind for fault in spec.faults))]
        pictured = {
            (spec.clip, look_of(kind)): (spec, kind)
            for spec, kind in seen
            if spec.http is not None and spec.http.snapshot
        }
        list(encoders.map(lambda each: pictures_of(*each), pictured.values()))


def _allow_open_files(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


def self_signed() -> ssl.SSLContext:
    """A certificate as cameras have: made by the device, known to nobody."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "simulated camera")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:  # ssl reads keys from files only
        path = Path(folder, "camera.pem")
        path.write_bytes(pem)
        context.load_cert_chain(path)
    return context
