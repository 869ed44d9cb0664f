"""Where a connection comes from: its client's address, and the network that limits count by.

The address is that of the ASGI scope. The server puts there what a proxy says, if it trusts that proxy (uvicorn:
`FORWARDED_ALLOW_IPS`), and the other end of the connection else; a header alone proves nothing.
"""

import ipaddress

from starlette.types import Scope

UNKNOWN = "unknown"


def address_of(scope: Scope) -> str:
    """The client's address, as text; `unknown` on a Unix socket, say."""
    client = scope.get("client")
    return str(client[0]) if client and client[0] else UNKNOWN


def network_of(address: str) -> str:
    """What is limited together: an IPv4 address; or the /64 of an IPv6 address, which one subscriber has all of."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        mapped = ip.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)
