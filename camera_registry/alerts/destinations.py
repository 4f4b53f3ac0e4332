"""Where a webhook may lead: into the Internet, and into networks of ours only where a setting names them.

Whoever makes channels is not whoever runs this machine: without this, a webhook would post to whatever
listens on loopback, to cameras, or to the metadata of a cloud. An address is looked at when it is entered,
and what its name leads to at each try; the connection then goes to the very address that was looked at.
"""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from camera_registry.alerts.failures import NotSent

MOST_ADDRESSES = 4  # of one name that are tried

_Address = IPv4Address | IPv6Address
_NAT64 = ip_network("64:ff9b::/96")
# Public by its number; tells machines of that cloud their secrets.
_AZURE = ip_address("168.63.129.16")


def may(text: str, networks: Sequence[str]) -> bool:
    """Whether a webhook may be at this IP address, or ``localhost``; ``networks`` are those of the setting.

    Another name may lead anywhere tomorrow: it is not refused here.
    """
    try:
        address = _meant(ip_address("127.0.0.1" if text == "localhost" else text))
    except ValueError:
        return True
    return named(str(address), networks) or _public(address)


def named(text: str, networks: Sequence[str]) -> bool:
    """Whether it is an address in a network that is named. Some never are one for a webhook."""
    try:
        address = _meant(ip_address("127.0.0.1" if text == "localhost" else text))
    except ValueError:
        return False
    if address.is_link_local or address.is_multicast or address.is_unspecified or address == _AZURE:
        return False
    return any(address in ip_network(network) for network in networks)


def found(host: str, networks: Sequence[str]) -> list[str]:
    """The addresses that ``host`` leads to now and a webhook may be at. Raises ``NotSent`` without any."""
    all_ = addresses(host)
    fit = [address for address in all_ if may(address, networks)]
    if not fit:
        raise NotSent("the address is not public: WEBHOOK_NETWORKS" if all_ else "no answer: gaierror")
    return fit[:MOST_ADDRESSES]


def addresses(host: str) -> list[str]:
    """Where the name leads, by the resolver of this machine; empty where it knows no such name."""
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _meant(address: _Address) -> _Address:
    """The IPv4 address that an IPv6 address only carries: translated, mapped or tunnelled."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _public(address: _Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved or address == _AZURE)
