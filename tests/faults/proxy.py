"""A TCP proxy that does what networks do: slow, cut, reset, silent, refused. It can be changed while it runs."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.programs import free_port

CHUNK = 16_384
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, 0 seconds: closing sends RST."""


@dataclass(eq=False)
class _Link:
    """One connection of a client, and ours to the server."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    sent: int = 0
    """Bytes that went from the server to the client."""
    subscribed: bool = False
    """The client listens on it, in the protocol of Redis."""


class Proxy:
    """Stands in front of the server at `port` of loopback. Its settings are plain attributes.

    A silent proxy (`silent = True`) takes connections and bytes as far as buffers go, and forwards nothing, in both
    directions: what a network does that drops every packet. Once it is not silent any more, what was on the way
    arrives, as TCP sends it again.
    """

    def __init__(self, port: int) -> None:
        self.target = port
        self.port = free_port()
        self.delay = 0.0
        """Seconds that each piece is late, in both directions."""
        self.rate: float | None = None
        """Bytes a second to the client; None for as many as there are."""
        self.cut_at: int | None = None
        """After so many bytes to the client a connection is reset."""
        self.deaf = False
        """Connections that subscribe hear nothing more; all others, and the way to the server, are as they were."""
        self.bytes = 0
        """What went to clients so far."""
        self.connections = 0
        """How many there were."""
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._speaking = asyncio.Event()
        self._speaking.set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def silent(self) -> bool:
        return not self._speaking.is_set()

    @silent.setter
    def silent(self, value: bool) -> None:
        if value:
            self._speaking.clear()
        else:
            self._speaking.set()

    async def accept(self) -> None:
        """Listen; new connections are taken from now on."""
        if self._server is None:
            self._server = await asyncio.start_server(self._join, "127.0.0.1", self.port)

    async def refuse(self) -> None:
        """Refuse new connections, and reset those that there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.reset()

    def reset(self) -> None:
        """End every connection by RST, towards both sides."""
        for link in list(self._links):
            _reset(link)

    async def heal(self) -> None:
        """Carry everything at once."""
        self.delay, self.rate, self.cut_at, self.silent = 0.0, None, None, False
        self.deaf = False
        await self.accept()

    async def close(self) -> None:
        await self.refuse()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        link = _Link(writer)
        self._links.add(link)
        task = asyncio.create_task(self._carry(link, reader))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, link: _Link, reader: asyncio.StreamReader) -> None:
        try:
            await self._speaking.wait()
            upstream, link.server = await asyncio.open_connection("127.0.0.1", self.target)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._to_server(link, reader))
                group.create_task(self._to_client(link, upstream))
        except (OSError, ExceptionGroup):
            pass  # one side is gone: so is the other
        finally:
            self._links.discard(link)
            _reset(link)

    async def _to_server(self, link: _Link, reader: asyncio.StreamReader) -> None:
        assert link.server is not None
        while data := await reader.read(CHUNK):
            await self._wait(len(data), None)
            link.subscribed |= b"SUBSCRIBE" in data
            link.server.write(data)
            await link.server.drain()
        link.server.write_eof()

    async def _to_client(self, link: _Link, upstream: asyncio.StreamReader) -> None:
        while data := await upstream.read(CHUNK if self.rate is None else 256):
            await self._wait(len(data), self.rate)
            if self.deaf and link.subscribed:
                continue
            if self.cut_at is not None and link.sent + len(data) >= self.cut_at:
                link.client.write(data[: self.cut_at - link.sent])
                # Given to the kernel, and so to the client: it is on loopback. A RST may overtake what it has not read.
                await link.client.drain()
                raise ConnectionResetError
            link.client.write(data)
            await link.client.drain()
            link.sent += len(data)
            self.bytes += len(data)
        link.client.write_eof()

    async def _wait(self, size: int, rate: float | None) -> None:
        await self._speaking.wait()
        pause = self.delay + (size / rate if rate else 0)
        if pause:
            await asyncio.sleep(pause)
        await self._speaking.wait()


def _reset(link: _Link) -> None:
    for writer in (link.client, link.server):
        if writer is None or writer.transport.is_closing():
            continue
        raw: socket.socket = writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()


@asynccontextmanager
async def proxy(port: int) -> AsyncIterator[Proxy]:
    """A proxy in front of a port of loopback."""
    it = Proxy(port)
    await it.accept()
    try:
        yield it
    finally:
        await it.close()
