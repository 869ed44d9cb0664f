"""S40: where the database cannot be asked, nobody is let in, and nobody stays for long."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx2
from sqlalchemy import make_url
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.attacks.arena import PASSWORD, Target, attack
from tests.attacks.ways import producer, socket

HURRY = {
    "ATTACKS_SECONDS": json.dumps(
        {"notifs.realtime.ends.CHECK_SECONDS": 0.2, "notifs.realtime.ends.CLOSED_SECONDS": 1.0}
    )
}


@asynccontextmanager
async def gone(target: Target) -> AsyncIterator[None]:
    """While the database lets nobody in, and whoever was in is out."""
    url = make_url(target.settings.database_url)
    place = {"host": str(url.query["host"]), "port": int(str(url.query["port"]))}
    connection = await asyncpg.connect(user=url.username, database="postgres", **place)
    try:
        await connection.execute(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false")
        backends = f"FROM pg_stat_activity WHERE datname = '{url.database}'"
        await connection.execute(f"SELECT pg_terminate_backend(pid) {backends}")
        yield
    finally:
        await connection.execute(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS true")
        await connection.close()


async def opens(target: Target, **headers: str) -> bool:
    """Whether a socket is let in, and hears anything."""
    address = f"{target.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket"
    try:
        async with connect(address, additional_headers={"origin": target.url, **headers}, proxy=None) as it:
            return bool(await asyncio.wait_for(it.recv(), 5))
    except InvalidStatus:
        return False


@attack("S40", off="who_cannot_be_asked_for_is_let_in", env=HURRY, database="postgres")
async def test_without_the_database_nobody_is_let_in(target: Target) -> list[str]:
    """At the door of sockets, at sign-in, at each request; and the sockets that are open end."""
    ada, through = await target.person("ada"), []
    cookie = await target.cookie(ada)
    async with socket(target, ada) as it, producer(target) as shop, target.visitor(origin=target.url) as visitor:
        async with gone(target):
            for what, sent in {"a session": cookie, "none": "", "a forged one": "__Host-notifs=x"}.items():
                if await opens(target, cookie=sent):
                    through.append(f"a socket with {what}")
            form = {"email": "ada@example.org", "password": PASSWORD}
            asked: dict[str, httpx2.Response] = {
                "a sign-in": await visitor.post("/login/", data=form),
                "the inbox": await visitor.get("/api/v1/inbox", headers={"cookie": cookie}),
                "the page": await visitor.get("/notifications/", headers={"cookie": cookie}),
                "a notification": await shop.post("/api/v1/notifications", json={"to": [ada.id], "title": "x"}),
            }
            through += [what for what, answer in asked.items() if answer.status_code < 400]
            through += [f"a cookie by {what}" for what, answer in asked.items() if "set-cookie" in answer.headers]
            try:
                await it.until(lambda: it.closed, 4)
            except TimeoutError:
                through.append("a socket that was open")
    return through
