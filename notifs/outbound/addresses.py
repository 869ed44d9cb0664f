"""Where a webhook may lead: to the outside, and to the networks that the operator has named; nowhere else.

An address is looked at twice: its form when the webhook is made, and what its name resolves to at each try. What is
connected to then is the very address that was looked at: a name that leads elsewhere a moment later changes nothing.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx2

from notifs.errors import BadRequest

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a host, as text; raises OSError where there are none."""

URL_LIMIT = 2000
"""Characters of a webhook's address."""
RESOLVE_SECONDS = 5.0

_NAME = re.compile(r"([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
"""Its last label begins with a letter: what somebody could read as a number (0x7f.1, 2130706433) is no name."""

_OUTSIDE_V6 = IPv6Network("2000::/3")
"""All of IPv6 that is given out for the outside."""
_NOT_OUTSIDE = tuple(
    ip_network(each)
    for each in (
        # IANA's registries of special purposes, and 168.63.129.16, by which a cloud reaches into its own machines.
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip
_NAT64 = IPv6Network("64:ff9b::/96")


class Refused(Exception):
    """A webhook may not lead there, or leads nowhere."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a webhook leads: its address, and what of the network it was found to be just now."""

    url: httpx2.URL
    addresses: tuple[Address, ...]


class Names:
    """Asks the system for addresses, in threads of its own: a slow name server holds up nobody who signs in."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(16, thread_name_prefix="notifs-names")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        def ask() -> list[str]:
            return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]

        return await asyncio.get_running_loop().run_in_executor(self._threads, ask)


class Border:
    """Tells where a webhook may lead.

    Args:
        networks: addresses that are allowed although they are not outside; http is allowed there too.
        resolve: how a name is resolved.
    """

    def __init__(self, networks: Sequence[Network] = (), resolve: Resolve | None = None) -> None:
        self._networks = networks
        self._resolve = resolve or Names()

    def check(self, text: str) -> httpx2.URL:
        """Look at the form of a webhook's address.

        Raises:
            BadRequest: `invalid_webhook`: it may not be one; the message says why.
        """
        try:
            return self._parse(text)
        except (Refused, httpx2.InvalidURL) as error:
            raise BadRequest(f"the address of a webhook: {error}", code="invalid_webhook") from None

    async def find(self, text: str) -> Place:
        """Look where an address leads now.

        Raises:
            Refused: it may not lead there, or leads nowhere.
        """
        try:
            url = self._parse(text)
        except httpx2.InvalidURL as error:
            raise Refused(str(error)) from None
        host = url.raw_host.decode()
        found = [host] if _literal(host) else await self._ask(host, _port(url))
        addresses = tuple(dict.fromkeys(map(ip_address, found)))
        for address in addresses:
            self._see(url, address)
        return Place(url, addresses)

    def _parse(self, text: str) -> httpx2.URL:
        url = httpx2.URL(text)
        if len(text) > URL_LIMIT or not text.isprintable() or url.scheme not in ("https", "http"):
            raise Refused(f"must begin with https://, and have at most {URL_LIMIT} printable characters")
        if "@" in re.split(r"[/?#]", text.partition("//")[2])[0]:
            raise Refused("has a name or password in it; the signature says who sends it")
        host = url.raw_host.decode()
        if url.scheme == "http" and not self._networks:
            raise Refused("must begin with https://; http is for hosts in NOTIFS_WEBHOOK_NETWORKS")
        if not 1024 <= _port(url) <= 65535 and _port(url) not in (80, 443):
            raise Refused("has a port that is neither 443, 80 nor one from 1024 on")
        if literal := _literal(host):
            self._see(url, literal)
        elif len(host) > 253 or not _NAME.fullmatch(host) or host.rpartition(".")[2] == "localhost":
            raise Refused(f"{host or 'nothing'} is not the name of a host outside")
        return url

    async def _ask(self, host: str, port: int) -> Sequence[str]:
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = await self._resolve(host, port)
        except OSError:  # a TimeoutError is one too
            found = ()
        if not found:
            raise Refused(f"{host} was not found")
        return found

    def _see(self, url: httpx2.URL, address: Address) -> None:
        """Raise Refused, unless this address is one that a webhook may lead to."""
        real = _embedded(address) or address
        if any(real in network for network in self._networks):
            return
        if url.scheme != "https":
            raise Refused(f"leads to {address} by http; that is for NOTIFS_WEBHOOK_NETWORKS")
        inside = any(real in network for network in _NOT_OUTSIDE)
        if inside or (isinstance(real, IPv6Address) and real not in _OUTSIDE_V6):
            raise Refused(f"leads to {address}, which is not outside; see NOTIFS_WEBHOOK_NETWORKS")


def _port(url: httpx2.URL) -> int:
    return url.port if url.port is not None else 80 if url.scheme == "http" else 443


def _literal(host: str) -> Address | None:
    try:
        return None if "%" in host else ip_address(host)
    except ValueError:
        return None


def _embedded(address: Address) -> IPv4Address | None:
    """The address of IPv4 that one of IPv6 is only another way to write."""
    if not isinstance(address, IPv6Address):
        return None
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address.ipv4_mapped
