"""Hosts that no database stands on: where cloud machines ask for their own credentials, and lists of hosts, of which only the first is shown.

Limit: a name may resolve to such an address only when it is connected; keep the service's network from reaching them as well.
"""

import ipaddress
import socket

from privacy.kernel.errors import InvalidInput

# Alibaba Cloud, Azure, AWS by IPv6; the others are link-local
_METADATA = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "168.63.129.16", "fd00:ec2::254")))
_NAMES = frozenset({"metadata", "metadata.google.internal", "instance-data", "instance-data.ec2.internal"})


def refuse_host(host: str) -> None:
    """Raises InvalidInput for more than one host, and for link-local and metadata addresses in any spelling."""
    if "," in host:
        raise InvalidInput("The address names more than one host; write one.", pointer="/url")
    address = _address(host)
    if host.lower().rstrip(".") in _NAMES or (address is not None and (address.is_link_local or address in _METADATA)):
        raise InvalidInput("Link-local and metadata addresses are no database; write the database's own host.", pointer="/url")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return _old_spelling(host)
    return getattr(address, "ipv4_mapped", None) or address


def _old_spelling(host: str) -> ipaddress.IPv4Address | None:
    """Resolvers also read 2852039166, 0xa9fea9fe and 169.254.43518 as an address."""
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None
