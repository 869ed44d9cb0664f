"""S2: a page of another origin opens no socket, however its origin is spelled; nor does a cookie without one."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.attacks.arena import Target, attack

SPELLINGS = (
    "https://evil.example", "null", "", "*", "{scheme}://{host}.evil.example", "{scheme}://evil{host}", "{other}://{host}",
    "{upper}://{host}", "{scheme}://{host}:8443", "{scheme}://user@{host}", "{scheme}://evil.example@{host}",
    "{scheme}://{host}/", "{scheme}://{host} https://evil.example", "{host}", "//{host}", "file://{host}",
)  # fmt: skip
"""Origins that are not the one they look like."""
FORGED = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-server": "evil.example",
    "x-original-host": "evil.example",
    "forwarded": "host=evil.example;proto=https",
}
"""What a proxy might have said, and no proxy has."""


async def lets_in(target: Target, headers: dict[str, str], host: str = "") -> bool:
    """Whether a socket gets a frame with these headers, or anything but a 403; the server is asked for by this host."""
    place = urlsplit(target.url)
    address = f"ws://{host or place.netloc}/socket.io/?EIO=4&transport=websocket"
    reached: dict[str, Any] = {"host": place.hostname, "port": place.port, "proxy": None}
    try:
        async with connect(address, additional_headers=headers, **reached) as socket:
            return bool(await asyncio.wait_for(socket.recv(), 5))
    except InvalidStatus as refused:
        return refused.response.status_code != 403


async def through(target: Target, origin: str) -> list[str]:
    """Which spellings of an origin, and which headers beside it, open a socket with the cookie of a victim."""
    cookie = await target.cookie(await target.person("ada"))
    scheme, _, host = origin.partition("://")
    other = {"http": "https", "https": "http"}[scheme]
    pages = [page.format(scheme=scheme, other=other, upper=scheme.upper(), host=host) for page in SPELLINGS]
    found = [page for page in pages if await lets_in(target, {"cookie": cookie, "origin": page}, host)]
    forged = {**FORGED, "cookie": cookie, "origin": "https://evil.example"}
    return [*found, *(["forged headers"] if await lets_in(target, forged, host) else [])]


@attack("S2", off="origins_are_not_checked")
async def test_a_page_of_another_origin_opens_no_socket(target: Target) -> list[str]:
    """The browser sends the cookie along; the server's own origin is the only one."""
    return await through(target, target.url)


@attack("S2", off="origins_are_not_checked", env={"NOTIFS_ORIGINS": "https://app.example"})
async def test_a_page_that_is_not_listed_opens_no_socket(target: Target) -> list[str]:
    """The same where origins are listed: then the server's own is not one of them."""
    cookie = await target.cookie(await target.person("eve"))
    assert await lets_in(target, {"cookie": cookie, "origin": "https://app.example"}, "app.example")
    own = [target.url] if await lets_in(target, {"cookie": cookie, "origin": target.url}, "app.example") else []
    return own + await through(target, "https://app.example")


@attack("S2", off="origins_may_be_missing")
async def test_a_cookie_without_an_origin_opens_no_socket(target: Target) -> list[str]:
    """Something between browser and server takes the Origin away."""
    cookie = await target.cookie(await target.person("ada"))
    return ["no origin"] if await lets_in(target, {"cookie": cookie}) else []
