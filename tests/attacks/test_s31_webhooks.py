"""S31: a webhook leads to where its owner may send things, whatever its address, its name or its answer says."""

import asyncio
import json
from contextlib import suppress
from typing import Any

from notifs.store.events import TYPES
from tests.attacks.arena import Target, attack
from tests.attacks.ways import producer, send

OURS, INSIDE = "127.0.0.1", "127.0.0.2"
"""The one network that webhooks may lead to, and somebody beside it whom no connection may reach."""
WAYS = (
    "https://{inside}:{port}/",
    "https://[::ffff:127.0.0.2]:{port}/",
    "https://[::ffff:7f00:2]:{port}/",
    "https://2130706434:{port}/",
    "https://0x7f000002:{port}/",
    "https://0177.0.0.2:{port}/",
    "https://127.2:{port}/",
    "https://{ours}@{inside}:{port}/",
    "https://{ours}:x@{inside}:{port}/",
    "https://{ours}%2f@{inside}:{port}/",
    "https://{ours}\\@{inside}:{port}/",
    "http://inside.example:{port}/",
    "https://inside.example:{port}/",
    "https://rebound.example:{port}/",
    "http://localhost:{port}/",
    "gopher://{inside}:{port}/",
)
NAMES = {"inside.example": [INSIDE], "rebound.example": [OURS, INSIDE]}
ENV = {"NOTIFS_WEBHOOK_NETWORKS": f"{OURS}/32", "ATTACKS_NAMES": json.dumps(NAMES)}


class World:
    """A receiver that leads inside by each redirect in turn and then answers without end; and the one inside."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.asked = 0

    async def inside(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached.append((await reader.read(30)).decode("latin-1"))
        writer.close()

    async def outside(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Redirect to the one inside; its body goes on for ever."""
        if await reader.read(1) != b"P":  # TLS, which nobody answers here
            writer.close()
            return
        self.asked += 1
        status = (301, 302, 303, 307, 308)[self.asked % 5]
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 {status} Moved\r\nLocation: http://{INSIDE}:{self.port}/latest/meta-data/\r\n"
            writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            while not writer.is_closing():
                writer.write(b"1\r\nx\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()

    async def __aenter__(self) -> "World":
        self._servers = [await asyncio.start_server(self.outside, OURS, 0)]
        self.port = self._servers[0].sockets[0].getsockname()[1]
        self._servers.append(await asyncio.start_server(self.inside, INSIDE, self.port))
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()


async def settled(target: Target, count: int) -> list[Any]:
    """The deliveries, once each was tried."""
    async with asyncio.timeout(20):
        while True:
            told = await target.store.webhooks.deliveries(limit=100)
            if len(told) == count and all(each.error or each.finished_at for each in told):
                return list(told)
            await asyncio.sleep(0.05)


@attack("S31", off="webhooks_lead_anywhere", env=ENV)
async def test_no_webhook_leads_inside(target: Target) -> list[str]:
    """Addresses are written past the door, straight into the database: each try looks at them again."""
    ada = await target.person("ada")
    async with World() as world, producer(target) as shop:
        ways = [way.format(ours=OURS, inside=INSIDE, port=world.port) for way in WAYS]
        ways += [f"http://{OURS}:{world.port}/{n}" for n in range(5)]
        for way in ways:
            await target.store.webhooks.add(way, TYPES)
        await send(shop, ada, "somebody is told")
        await settled(target, len(ways))
        asked = world.asked
        through = [f"to {INSIDE}: {what}" for what in world.reached]
    assert asked >= 5, "the receiver outside was not asked, so its redirects prove nothing"
    return through
