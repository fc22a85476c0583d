"""Values from the network: e-mail addresses and IP addresses."""

import ipaddress
import re

from privacy.masking.technique import MaskContext, token

_HOST = re.compile(r"(?=.{1,253}$)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]|\*\*\*\.[^\W\d_]{2,63}", re.UNICODE)
_SEVERAL = re.compile(r"\s*[,;，；、]\s*")
_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):\d{1,5}|\[([0-9A-Fa-f:.%\w]+)\](?::\d{1,5})?")


def email(value: str, context: MaskContext) -> str | None:
    """Keep the first letter and the domain: z***@example.com. A domain that repeats the name before the @ is hidden too."""
    addresses = _SEVERAL.split(value)
    if len(addresses) > 20:
        return token(context)
    masked = [_one_email(address) for address in addresses]
    return token(context) if None in masked else ", ".join(filter(None, masked))


def _one_email(address: str) -> str | None:
    local, at, host = address.rpartition("@")
    if not at or not local or not _HOST.fullmatch(host) or any(c in local for c in ' @<>()"'):
        return None
    kept = local[0] if len(local) > 1 and local[0].isalnum() else ""
    return f"{kept}***@{_domain(local, host)}"


def _domain(local: str, host: str) -> str:
    label, _, top = host.partition(".")
    words = [word for word in re.split(r"[\W_]+", local.split("+")[0].lower()) if len(word) >= 3]
    bare = re.sub(r"[\W_]+", "", local.lower())
    if any(word in label.lower() for word in words) or len(label) >= 3 and label.lower() in bare:
        return "***." + top.rpartition(".")[2]
    return host


def ip_network(value: str, context: MaskContext) -> str | None:
    """Give the network instead of the address: /24 of IPv4, /48 of IPv6; lists (X-Forwarded-For) address by address."""
    addresses = _SEVERAL.split(value)
    if len(addresses) > 20:
        return token(context)
    networks = [_network(address) for address in addresses]
    return token(context) if None in networks else ", ".join(filter(None, networks))


def _network(address: str) -> str | None:
    if port := _PORT.fullmatch(address):
        address = port[1] or port[2]
    try:
        interface = ipaddress.ip_interface(address.split("%")[0])
    except ValueError:
        return None
    if isinstance(interface, ipaddress.IPv6Interface):
        if interface.ip.ipv4_mapped:
            return _network(str(interface.ip.ipv4_mapped))
        return str(ipaddress.ip_network((interface.ip, min(48, interface.network.prefixlen)), strict=False))
    return str(ipaddress.ip_network((interface.ip, min(24, interface.network.prefixlen)), strict=False))
