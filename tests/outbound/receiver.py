"""Somebody who is told of events: a real server on loopback, that checks what it gets as its owner would."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from standardwebhooks import Webhook

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True)
class Request:
    """What came, and was signed as it should be."""

    id: str
    payload: dict[str, Any]
    headers: dict[str, str]
    body: str


Answer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


async def ok(request: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(OK)


def status(line: str, *headers: str) -> Answer:
    """Answer with this status, like `500 Broken`."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write("\r\n".join([f"HTTP/1.1 {line}", "Content-Length: 0", *headers, "", ""]).encode())

    return answer


async def never(request: Request, writer: asyncio.StreamWriter) -> None:
    """Take it, and say nothing, until the other side has gone."""
    await asyncio.Event().wait()


class Receiver:
    """Listens on `host`; `answer` may be set at any time.

    Args:
        host: an address of loopback.
        tls: how it proves who it is.
    """

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        self.secret = ""
        self.answer: Answer = ok
        self.taken: list[Request] = []
        self.connections = 0
        self.open = 0
        """Requests that are not answered yet, and where the other side has not gone."""
        self.most_open = 0
        self._host, self._tls, self._port = host, tls, 0
        self._server: asyncio.Server | None = None
        self._moved = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{self._host}:{self._port}/hook"

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()

    async def listen(self, port: int = 0) -> None:
        """Listen on a port; without one, on that of before."""
        self._server = await asyncio.start_server(self._serve, self._host, port or self._port, ssl=self._tls)
        self._port = self._server.sockets[0].getsockname()[1]

    async def end(self) -> None:
        """Refuse connections, and cut those that are open."""
        if self._server is not None:
            self._server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._server.wait_closed()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so, of what is told about here."""
        async with asyncio.timeout(30), self._moved:
            await self._moved.wait_for(condition)

    async def take(self, count: int) -> list[Request]:
        """Wait until so many have come in all, and return them."""
        await self.until(lambda: len(self.taken) >= count)
        return self.taken

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._take(await self._read(reader), reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Request:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        assert first == "POST /hook HTTP/1.1"
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = (await reader.readexactly(int(headers["content-length"]))).decode()
        return Request(headers["webhook-id"], Webhook(self.secret).verify(body, headers), headers, body)

    async def _take(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken.append(request)
        await self._move(1)
        answering = asyncio.ensure_future(self.answer(request, writer))
        gone = asyncio.create_task(reader.read())
        try:
            await asyncio.wait([answering, gone], return_when=asyncio.FIRST_COMPLETED)
            await writer.drain()
        finally:
            answering.cancel()
            gone.cancel()
            await self._move(-1)

    async def _move(self, by: int) -> None:
        async with self._moved:
            self.open += by
            self.most_open = max(self.most_open, self.open)
            self._moved.notify_all()
