"""S2: a page of another origin opens no socket."""

import asyncio

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.attacks.arena import Target, attack

PAGES = ("https://evil.example", "null", "{host}.evil.example", "https://{host}", "http://evil{host}", "HTTP://{host}")


@attack("S2", off="origins_are_not_checked")
async def test_a_page_of_another_origin_opens_no_socket(target: Target) -> list[str]:
    """Each page sends the cookie along, as a browser would."""
    cookie, host = await target.cookie(await target.person("ada")), target.url.removeprefix("http://")
    through = []
    for page in (each.format(host=host) for each in PAGES):
        address = f"ws://{host}/socket.io/?EIO=4&transport=websocket"
        try:
            async with connect(address, additional_headers={"cookie": cookie, "origin": page}, proxy=None) as socket:
                await asyncio.wait_for(socket.recv(), 5)
                through.append(page)
        except InvalidStatus:
            pass
    return through
