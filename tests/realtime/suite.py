"""Our servers bare, without the guard, and clients that speak Engine.IO to them packet by packet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import orjson
import pytest
from starlette.types import Receive, Scope, Send
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from notifs.realtime.engine import Engine
from notifs.realtime.server import Server
from tests.waiting import until
from tests.wire import PATIENCE, listening

POLLING, WEBSOCKET = "EIO=4&transport=polling", "EIO=4&transport=websocket"

RAW, ORDINARY = "notifs.realtime.transport:WebSocket", "websockets-sansio"
"""uvicorn's WebSocket protocols: ours, which takes whole frames, and the stock one."""


@dataclass(frozen=True)
class Options:
    """A server's, in seconds and bytes. No test takes so long that it would see a heartbeat of these."""

    polling: bool = True
    ping_interval: float = 25
    ping_timeout: float = 20
    max_payload: int = 1_000_000


CALM, QUICK = Options(), Options(ping_interval=0.3, ping_timeout=0.2)
"""The latter for tests that wait for heartbeats."""

Way = tuple[Options, str]
"""How a server is reached: its options, and the WebSocket protocol below it."""


def _ways(options: Options) -> list[Any]:
    """Every one by WebSocket."""
    return [
        pytest.param((replace(options, polling=polling), ws), id=f"{name}-{'both' if polling else 'websocket'}")
        for name, ws in (("raw", RAW), ("ordinary", ORDINARY))
        for polling in (True, False)
    ]


def _reached(*ways: Any) -> pytest.MarkDecorator:
    """The mark of a test that says how its `site` is reached."""
    return pytest.mark.parametrize("way", ways, scope="module")


by_websocket, by_websocket_quickly = _reached(*_ways(CALM)), _reached(*_ways(QUICK))
by_websocket_alone = _reached(pytest.param((replace(CALM, polling=False), RAW), id="websocket"))
by_polling = _reached(pytest.param((CALM, RAW), id="polling"))
by_polling_quickly = _reached(pytest.param((QUICK, RAW), id="polling"))


class Socket:
    """One WebSocket. It answers nothing by itself."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, *packets: str | bytes) -> None:
        for packet in packets:
            await self._connection.send(packet)

    async def packet(self) -> str | bytes:
        """The next one, as it is."""
        return await asyncio.wait_for(self._connection.recv(), PATIENCE)

    async def packets(self, count: int) -> list[str | bytes]:
        """The next ones."""
        return [await self.packet() for _ in range(count)]

    @property
    def code(self) -> int | None:
        """What the server has closed it with."""
        return self._connection.close_code

    async def ended(self, last: str | None = None) -> list[str | bytes]:
        """Wait until the server has closed it, or has sent `last`; what it sent until then."""
        packets: list[str | bytes] = []
        try:
            while not packets or packets[-1] != last:
                packets.append(await self.packet())
        except ConnectionClosed:
            pass
        return packets


@dataclass
class Site:
    """A server on a port of its own, and whoever visits it."""

    server: Engine | Server
    address: str
    visitor: httpx2.AsyncClient
    gets: int = 0
    """How many GETs have come to it so far, WebSockets included."""

    @property
    def engine(self) -> Engine:
        """What speaks Engine.IO there."""
        return self.server if isinstance(self.server, Engine) else self.server.eio

    @property
    def transports(self) -> list[str]:
        """The ways to come."""
        ways: list[str] = self.engine.transports
        return ways

    @property
    def sessions(self) -> dict[str, Any]:
        """The server's table of them."""
        table: dict[str, Any] = self.engine.sockets
        return table

    async def ask(self, method: str, query: str, content: str | None = None) -> httpx2.Response:
        return await self.visitor.request(method, f"/?{query}", content=content)

    async def opened(self) -> str:
        """Open a session by polling; its id."""
        return str(handshake((await self.ask("GET", POLLING)).text)["sid"])

    async def poll(self, sid: str) -> httpx2.Response:
        return await self.ask("GET", f"{POLLING}&sid={sid}")

    async def push(self, sid: str, payload: str) -> httpx2.Response:
        return await self.ask("POST", f"{POLLING}&sid={sid}", payload)

    async def polling(self, sid: str) -> asyncio.Task[httpx2.Response]:
        """A poll that waits at the server."""
        before = self.gets
        task = asyncio.create_task(self.poll(sid))
        await until(lambda: self.gets > before)
        return task

    @asynccontextmanager
    async def socket(self, query: str = WEBSOCKET) -> AsyncIterator[Socket]:
        """A WebSocket that was accepted, whatever becomes of it then."""
        address = f"ws://{self.address}/?{query}"
        async with connect(address, proxy=None, compression=None, ping_interval=None) as connection:
            yield Socket(connection)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Socket]:
        """A WebSocket whose session is open."""
        async with self.socket() as socket:
            handshake(await socket.packet())
            yield socket

    @asynccontextmanager
    async def upgraded(self, sid: str) -> AsyncIterator[Socket]:
        """A WebSocket that takes the place of polling."""
        async with self.socket(f"{WEBSOCKET}&sid={sid}") as socket:
            await socket.send("2probe")
            assert await socket.packet() == "3probe"
            await socket.send("5")
            yield socket

    async def is_refused(self, query: str) -> bool:
        """Whether a WebSocket is not let in, or closed without a word."""
        try:
            async with self.socket(query) as socket:
                return await socket.ended() == []
        except InvalidStatus as refused:
            return refused.response.status_code in (400, 403)


@asynccontextmanager
async def serving(server: Engine | Server, ws: str) -> AsyncIterator[Site]:
    """`server` on a port of its own."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        site.gets += scope.get("method", "GET") == "GET"
        await server.handle_request(scope, receive, send)

    # A poll that a test has left behind is not waited for.
    async with listening(app, ws=ws, lifespan="off", timeout_graceful_shutdown=1) as url:
        async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE) as visitor:
            site = Site(server, url.removeprefix("http://"), visitor)
            yield site


def handshake(packet: str | bytes) -> Any:
    """The data of an OPEN packet."""
    assert isinstance(packet, str)
    assert packet[0] == "0"
    return orjson.loads(packet[1:])
