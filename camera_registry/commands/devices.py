"""``discover`` and the commands of devices: which there are, and what each says of itself."""

from collections.abc import Iterable, Sequence
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from typing import Annotated, Any

import orjson
import typer
import uvloop
from rich.table import Table
from sqlalchemy import select

from camera_registry.commands.common import Refused, command, foreign, now, out, say
from camera_registry.commands.storage import open_database
from camera_registry.db import Database
from camera_registry.i18n import N_, Language, translate
from camera_registry.models import Device
from probes.onvif.discovery import ANSWERS_FOR_S, Found, knock
from probes.onvif.discovery import discover as discover_devices
from probes.web import Web

MOST_HOSTS = 1024  # a /22: more are asked in parts


def add_to(app: typer.Typer) -> None:
    app.command()(discover)


def discover(
    hosts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[HOST|NETWORK]...", help="IPv4 addresses, or networks like 10.0.4.0/24."),
    ] = None,
    interface: Annotated[
        str, typer.Option(help="Own address of the network that is asked when no host is named.")
    ] = "",
    seconds: Annotated[float, typer.Option(min=0.5, max=60, help="Listen so long.")] = ANSWERS_FOR_S,
    try_ports: Annotated[
        bool, typer.Option("--try-ports", help="Also ask the usual ports of hosts that stay silent.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find ONVIF devices: those of this network, or of the hosts named. Nothing is logged in to."""
    with command() as loaded, open_database(loaded) as database:
        named = _addresses(hosts or ())
        found = uvloop.run(_discover(named, interface, seconds, try_ports))
        registered = _registered(database)
        if as_json:
            told = [_told(device, registered.get(device.host, ())) for device in found]
            typer.echo(orjson.dumps({"devices": told}, option=orjson.OPT_INDENT_2).decode())
            return
        if not found:
            say(loaded, N_("No device answered."))
            return
        out.print(_table(found, registered, loaded.language))


def _addresses(words: Iterable[str]) -> tuple[str, ...]:
    """The hosts of addresses and networks. Raises ``Refused``."""
    found: dict[str, None] = {}
    for word in words:
        try:
            network = IPv4Network(word, strict=False)
        except (AddressValueError, NetmaskValueError, ValueError):
            raise Refused(N_('"{text}" is no IPv4 address and no network.'), text=word) from None
        if len(found) + network.num_addresses > MOST_HOSTS + 2:
            raise Refused(N_("At most {count} hosts are asked at a time."), count=MOST_HOSTS)
        found |= dict.fromkeys(str(host) for host in network.hosts())
    return tuple(found)


async def _discover(
    hosts: Sequence[str], interface: str, seconds: float, try_ports: bool
) -> tuple[Found, ...]:
    try:
        found = await discover_devices(hosts, interface=interface, seconds=seconds)
    except OSError as error:
        raise Refused(N_("The network cannot be asked: {reason}"), reason=error.strerror or error) from None
    silent = [host for host in hosts if host not in {device.host for device in found}]
    if try_ports and silent:
        web = Web()
        try:
            found += await knock(silent, web, now)
        finally:
            await web.close()
    return tuple(sorted(found, key=lambda device: IPv4Address(device.host)))


def _registered(database: Database) -> dict[str, tuple[str, ...]]:
    """The codes of the devices of each host."""
    found: dict[str, tuple[str, ...]] = {}
    with database.reading() as session:
        for host, code in session.execute(select(Device.host, Device.code).order_by(Device.code)):
            if host is not None:
                found[host] = (*found.get(host, ()), code)
    return found


def _told(device: Found, codes: Sequence[str]) -> dict[str, Any]:
    return {
        "host": device.host,
        "onvif_port": device.onvif_port,
        "tls": device.tls,
        "name": device.name,
        "hardware": device.hardware,
        "location": device.location,
        "endpoint": device.endpoint,
        "registered": list(codes),
    }


def _table(found: Iterable[Found], registered: dict[str, tuple[str, ...]], language: Language) -> Table:
    heads = (N_("Host"), N_("ONVIF port"), N_("Name"), N_("Hardware"), N_("Registered as"))
    table = Table(*(translate(head, language) for head in heads))
    for device in found:
        table.add_row(
            device.host,
            str(device.onvif_port),
            foreign(device.name),
            foreign(device.hardware),
            ", ".join(registered.get(device.host, ())),
        )
    return table
