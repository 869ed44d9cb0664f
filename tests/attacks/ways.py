"""Ways in: a socket as a browser opens it, bytes as nobody sends them, and a producer; and what is seen from there."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from notifs.store.accounts import Person
from tests.attacks.arena import Target
from tests.wire import Client

PROXY, STRANGER = "127.0.0.1", "127.0.0.2"
"""Where the proxy is that the server trusts, and where somebody is whom it does not know."""

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def socket(target: Target, person: Person, *, join: bool = True, auth: Any = None) -> AsyncIterator[Client]:
    """A socket of a person, from a page of the server's own; it has joined unless `join` says otherwise."""
    headers = {"cookie": await target.cookie(person), "origin": target.url}
    async with Client.open(target.url, headers=headers, join=join, auth=auth) as client:
        if join:
            await client.message("snapshot")
        yield client


@asynccontextmanager
async def producer(target: Target, name: str = "shop", *scopes: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A program with an API key of its own, which may do everything unless `scopes` say what."""
    _, token = await target.store.keys.create(name, scopes or ["admin"])
    async with target.visitor(authorization=f"Bearer {token}") as client:
        yield client


async def send(client: httpx2.AsyncClient, person: Person, title: str, **fields: Any) -> str:
    """Notify a person; returns the id."""
    answer = await client.post("/api/v1/notifications", json={"to": [person.id], "title": title, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@asynccontextmanager
async def dialled(
    target: Target, source: str = PROXY
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare connection from an address of loopback."""
    place = urlsplit(target.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, local_addr=(source, 0))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def exchange(target: Target, sent: bytes, *, seconds: float = 10, source: str = PROXY) -> bytes:
    """Send bytes, and return what comes until the server closes, or for so long."""
    got = b""
    async with dialled(target, source) as (reader, writer):
        try:
            async with asyncio.timeout(seconds):
                writer.write(sent)
                await writer.drain()
                while piece := await reader.read(65_536):
                    got += piece
        except (TimeoutError, ConnectionError):
            pass
    return got


def memory(target: Target) -> int:
    """Bytes of memory that the server's process has (proc(5), `VmRSS`)."""
    status = Path(f"/proc/{target.child.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


async def idle(target: Target) -> None:
    """Wait until the server's process has nothing to do any more (proc(5): `utime` and `stime`, in 1/100 s)."""

    def ticks() -> int:
        fields = Path(f"/proc/{target.child.pid}/stat").read_text().rpartition(") ")[2].split()
        return int(fields[11]) + int(fields[12])

    before, still = ticks(), 0
    while still < 3:
        await asyncio.sleep(0.1)
        now = ticks()
        before, still = now, still + 1 if now - before <= 1 else 0


def broken(target: Target) -> list[str]:
    """What the server has said of errors that nobody expected."""
    return [line for line in target.lines if "Traceback" in line or "exception" in line.lower()]


def problem(answer: httpx2.Response) -> Any:
    """The status and the body of an answer, to be compared with another one's."""
    try:
        return answer.status_code, json.loads(answer.content)
    except ValueError:
        return answer.status_code, answer.text
