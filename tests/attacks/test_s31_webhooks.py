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
    """A receiver that leads inside by each redirect in turn, or says a word a moment for ever; and the one inside."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.asked = 0

    async def inside(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reached.append((await reader.read(30)).decode("latin-1"))
        writer.close()

    async def outside(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            if await reader.read(1) == b"P":  # else it is TLS, which nobody answers here
                self.asked += 1
                line = await reader.readuntil(b"\r\n\r\n")
                await self._answer(line.partition(b"/")[2].partition(b" ")[0].decode(), writer)
        writer.close()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        if path.isdigit():
            where = f"http://{INSIDE}:{self.port}/latest/meta-data/"
            writer.write(f"HTTP/1.1 {path} Moved\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n".encode())
            return
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"1\r\nx\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

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


async def reached(target: Target, *ways: str) -> list[str]:
    """What has come to the one inside, once webhooks were tried that lead these ways.

    They are written past the door, straight into the database: each try looks at them again.
    """
    ada = await target.person("ada")
    async with World() as world, producer(target) as shop:
        for way in ways:
            await target.store.webhooks.add(way.format(ours=OURS, inside=INSIDE, port=world.port), TYPES)
        await send(shop, ada, "somebody is told")
        await settled(target, len(ways))
        assert world.asked, "not even the receiver outside was asked, so this proves nothing"
        return [f"to {INSIDE}: {what}" for what in world.reached]


@attack("S31", off="webhooks_lead_anywhere", env=ENV)
async def test_no_address_and_no_name_leads_inside(target: Target) -> list[str]:
    """However it is written, and also if the name leads elsewhere a moment later; and no slow answer is waited for."""
    return await reached(target, *WAYS, "http://{ours}:{port}/slowly")


@attack("S31", off="webhooks_follow_redirects", env=ENV)
async def test_no_redirect_leads_inside(target: Target) -> list[str]:
    """Of any sort."""
    return await reached(target, *(f"http://{{ours}}:{{port}}/{status}" for status in (301, 302, 303, 307, 308)))
