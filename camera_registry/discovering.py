"""Which devices a network has, against those that the registry has: wanted by a person, asked by the prober.

Nothing is logged in to. What a device tells of itself is a stranger's word: shown, and believed of nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit, models
from camera_registry.audit import Action, Actor
from camera_registry.errors import RegistryError, reason_of
from camera_registry.i18n import N_
from camera_registry.inventory import SERIAL_CHANGED
from camera_registry.models import Device, DeviceEvent
from probes.onvif.discovery import ANSWERS_FOR_S, Found, knock
from probes.onvif.discovery import discover as discover_devices
from probes.web import Web

MOST_HOSTS = 1024  # a /22: more are asked in parts
PATIENCE = timedelta(seconds=300)  # 1024 silent hosts with six ports each, 32 at a time
KEPT = timedelta(days=1)


class DiscoveryError(RegistryError):
    """What was named cannot be asked."""


class Standing(StrEnum):
    """What the registry knows of a device that answered."""

    NEW = "new"
    KNOWN = "known"
    CHANGED = "changed"  # known, and another serial number answers there


@dataclass(frozen=True, slots=True)
class Listed:
    """A device that answered, and the codes of the registered ones at its address."""

    found: Found
    standing: Standing
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """One question to a network. ``found`` is ``None`` until it is answered, or where it was refused."""

    id: int
    hosts: tuple[str, ...]
    interface: str
    try_ports: bool
    requested_at: datetime
    requested_by: str
    answered_at: datetime | None
    found: tuple[Found, ...] | None
    refusal: str

    def given_up(self, now: datetime) -> bool:
        """Nobody answers any more."""
        return self.answered_at is None and now - self.requested_at > PATIENCE


def addresses(words: Iterable[str]) -> tuple[str, ...]:
    """The hosts of IPv4 addresses and networks. Raises ``DiscoveryError``."""
    found: dict[str, None] = {}
    for word in words:
        try:
            network = IPv4Network(word, strict=False)
        except (AddressValueError, NetmaskValueError, ValueError):
            raise DiscoveryError(N_('"{text}" is no IPv4 address and no network.'), text=word[:100]) from None
        if len(found) + network.num_addresses > MOST_HOSTS + 2:
            raise DiscoveryError(N_("At most {count} hosts are asked at a time."), count=MOST_HOSTS)
        found |= dict.fromkeys(str(host) for host in network.hosts())
    return tuple(found)


async def search(
    hosts: Sequence[str],
    interface: str,
    try_ports: bool,
    web: Web,
    now: Callable[[], datetime],
    *,
    seconds: float = ANSWERS_FOR_S,
) -> tuple[Found, ...]:
    """Ask the network segment, or each of ``hosts``, by WS-Discovery; with ``try_ports`` also the usual ports
    of hosts that stay silent. Raises ``DiscoveryError`` where this machine cannot send."""
    try:
        found = await discover_devices(hosts, interface=interface, seconds=seconds)
    except OSError as error:
        text = N_("The network cannot be asked: {reason}")
        raise DiscoveryError(text, reason=reason_of(error)) from None
    silent = [host for host in hosts if host not in {device.host for device in found}]
    if try_ports and silent:
        found += await knock(silent, web, now)
    return tuple(sorted(found, key=lambda device: IPv4Address(device.host)))


def want(
    session: Session, actor: Actor, hosts: Sequence[str], interface: str, try_ports: bool, now: datetime
) -> int:
    """Want a network asked; returns the number of the search. Raises ``DiscoveryError``."""
    if interface:
        try:
            IPv4Address(interface)
        except AddressValueError:
            text = N_('"{text}" is no IPv4 address and no network.')
            raise DiscoveryError(text, text=interface[:100]) from None
    row = models.Discovery(
        hosts=list(hosts),
        interface=interface,
        try_ports=try_ports,
        requested_at=now,
        requested_by=actor.name,
    )
    session.add(row)
    session.flush()
    detail = {"hosts": list(hosts), "interface": interface, "try_ports": try_ports}
    audit.record(session, actor, Action.NETWORK_SEARCHED, f"discovery:{row.id}", now, detail=detail)
    return row.id


def searches(session: Session, most: int) -> list[Search]:
    """The newest searches that are still kept, newest first."""
    rows = session.scalars(select(models.Discovery).order_by(models.Discovery.id.desc()).limit(most))
    return [_search(row) for row in rows]


def listed(session: Session, found: Iterable[Found]) -> list[Listed]:
    """What answered, beside what the registry has at these addresses."""
    codes = registered(session)
    waits = select(Device.host).join(DeviceEvent, DeviceEvent.device_id == Device.id)
    waits = waits.where(DeviceEvent.kind == SERIAL_CHANGED, DeviceEvent.confirmed_at.is_(None))
    changed = set(session.scalars(waits))
    answered = []
    for device in found:
        known = codes.get(device.host, ())
        standing = Standing.CHANGED if device.host in changed else Standing.KNOWN if known else Standing.NEW
        answered.append(Listed(device, standing, known))
    return answered


def registered(session: Session) -> Mapping[str, tuple[str, ...]]:
    """The codes of the registered devices of each host."""
    found: dict[str, tuple[str, ...]] = {}
    for host, code in session.execute(select(Device.host, Device.code).order_by(Device.code)):
        if host is not None:
            found[host] = (*found.get(host, ()), code)
    return found


def packed(found: Sequence[Found]) -> bytes:
    """As the database keeps an answer."""
    return _answers().dump_json(tuple(found))


def _search(row: models.Discovery) -> Search:
    return Search(
        row.id,
        tuple(row.hosts),
        row.interface,
        row.try_ports,
        row.requested_at,
        row.requested_by,
        row.answered_at,
        None if row.answer is None else _answers().validate_json(row.answer),
        row.refusal,
    )


@cache
def _answers() -> TypeAdapter[tuple[Found, ...]]:
    return TypeAdapter(tuple[Found, ...])
