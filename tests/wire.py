"""A Socket.IO client that says exactly what it is told, frame by frame; one for HTTP; an application served to both."""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Scope
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from notifs import Notifs

PATIENCE = 10
"""Seconds until a test that waits for something gives up."""


class Client:
    """One socket in `/notifs`. What comes is sorted into `messages` and acks while nobody looks."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._ids = itertools.count(1)
        self._acks: dict[int, asyncio.Future[Any]] = {}
        self._changed = asyncio.Condition()
        self.messages: list[dict[str, Any]] = []
        self.frames: list[str] = []
        self.closed = False
        self._reader = asyncio.create_task(self._read())

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, *, headers: dict[str, str] | None = None, join: bool = True, auth: Any = None, name: str = ""
    ) -> AsyncIterator[Self]:
        """A socket that has joined the namespace, or, with `join=False`, one that has only been let in.

        Who has a cookie is a page of the site itself, unless `headers` have another origin. `name` is the host that is
        asked for, if it is not that of the URL.
        """
        place = urlsplit(url)
        address = f"ws://{name or place.netloc}{place.path}/socket.io/?EIO=4&transport=websocket"
        headers = headers or {}
        if "cookie" in headers:
            headers = {"origin": f"{place.scheme}://{place.netloc}", **headers}
        there: dict[str, Any] = {"host": place.hostname, "port": place.port}
        async with connect(address, additional_headers=headers, proxy=None, **there) as connection:
            client = cls(connection)
            await client.until(lambda: client.frames)
            if join:
                await client.join(auth)
            yield client
            client._reader.cancel()

    async def join(self, auth: Any = None) -> None:
        """Send CONNECT, and wait for the answer."""
        seen = len(self.frames)
        await self.send("40/notifs," + ("" if auth is None else orjson.dumps(auth).decode()))
        await self.until(lambda: any(f.startswith(("40/notifs", "44/notifs")) for f in self.frames[seen:]))

    async def send(self, frame: str | bytes) -> None:
        """Send a frame as it is."""
        await self._connection.send(frame)

    async def heard(self) -> None:
        """Wait until what was sent has been taken: what is said later is heard later."""
        await (await self._connection.ping())

    async def ask(self, event: str, data: Any = None) -> Any:
        """Send a client event, and wait for its ack."""
        return await self.ask_raw(orjson.dumps([event] if data is None else [event, data]).decode())

    async def ask_nothing(self, event: str, data: Any) -> None:
        """Send a client event that asks for no ack."""
        await self.send(f"42/notifs,{orjson.dumps([event, data]).decode()}")

    async def ask_raw(self, text: str) -> Any:
        """Send an event whose data is `text` as it is, and wait for its ack."""
        number = next(self._ids)
        self._acks[number] = asyncio.get_running_loop().create_future()
        await self.send(f"42/notifs,{number}{text}")
        return await asyncio.wait_for(self._acks[number], PATIENCE)

    async def until(self, condition: Callable[[], Any], seconds: float = PATIENCE) -> None:
        """Wait until something that came makes `condition` true; nothing comes any more once it is closed."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: condition() or self.closed)
        assert condition(), f"closed by the server: {self.ending}"

    async def message(self, type: str, count: int = 1) -> dict[str, Any]:
        """The `count`-th message of this type, once it is there."""
        await self.until(lambda: len(self.of(type)) >= count)
        return self.of(type)[count - 1]

    def of(self, type: str) -> list[dict[str, Any]]:
        """The messages of this type that have come so far."""
        return [m for m in self.messages if m["type"] == type]

    async def end(self) -> None:
        """Wait until the server has closed the connection."""
        await self.until(lambda: self.closed)

    @property
    def ending(self) -> tuple[int | None, str]:
        """The close code and the reason that the server gave; 1006 if it gave none."""
        return self._connection.close_code, self._connection.close_reason or ""

    def pause(self) -> None:
        """Do not read, from now on."""
        self._connection.transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        self._connection.transport.resume_reading()

    def drop(self) -> None:
        """Be gone, without a word."""
        self._connection.transport.abort()

    async def _read(self) -> None:
        try:
            async for frame in self._connection:
                async with self._changed:
                    await self._take(str(frame))
                    self._changed.notify_all()
        except ConnectionClosed:
            pass
        finally:
            self.closed = True
            for waiting in self._acks.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionError("closed before the ack came"))
            async with self._changed:
                self._changed.notify_all()

    async def _take(self, frame: str) -> None:
        self.frames.append(frame)
        if frame == "2":
            await self.send("3")
        elif frame.startswith("42/notifs,"):
            name, message = orjson.loads(frame.removeprefix("42/notifs,"))
            assert name == "response"
            self.messages.append(message)
        elif frame.startswith("43/notifs,"):
            number, bracket, rest = frame.removeprefix("43/notifs,").partition("[")
            if waiting := self._acks.pop(int(number), None):
                waiting.set_result(orjson.loads(bracket + rest)[0])


def http_client(url: str = "", **options: Any) -> httpx2.AsyncClient:
    """A client for what is served on loopback, which asks for no proxy and no certificate.

    To read whom TLS believes takes a tenth of a second of a core, for each client.
    """
    return httpx2.AsyncClient(base_url=url, trust_env=False, verify=False, **options)


async def by_header(scope: Scope) -> str | None:
    """An Identify for tests: who the header `x-user` says."""
    return Headers(scope=scope).get("x-user")


class _Server(uvicorn.Server):
    """One that tells when it serves, or has found that it cannot."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.settled = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.settled.set()


@asynccontextmanager
async def listening(app: ASGIApp, *, send_buffer: int = 0, **options: Any) -> AsyncIterator[str]:
    """A real uvicorn in this very process, on a free port; yields its URL.

    `send_buffer`: bytes that the kernel is to keep for one client; left alone, it takes megabytes.
    """
    config = uvicorn.Config(
        app, port=0, log_level="warning", ws_max_size=65_536, ws_per_message_deflate=False,
        **{"http": "notifs.web.transport:Http", "ws": "notifs.realtime.transport:WebSocket", **options},
    )  # fmt: skip
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    task.add_done_callback(lambda _: server.settled.set())
    await server.settled.wait()
    assert server.started, "the server did not start"
    listener = server.servers[0].sockets[0]
    if send_buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)  # who is accepted inherits it
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def hosted(notifs: Notifs) -> AsyncIterator[str]:
    """`notifs` in a bare host application."""
    app = Starlette(lifespan=notifs.lifespan)
    notifs.mount(app)
    async with listening(app) as url:
        yield url
