"""A crowd of sockets in one process, as cheap as Python has them: bytes in, frames counted, nothing decoded.

Each client walks the frame headers (RFC 6455, 5.2) in what it was sent, and looks into one message of SAMPLE.
"""

import asyncio
import re
import socket
from collections.abc import Callable, Sequence

from benchmarks.load import PATIENCE, Target
from benchmarks.measure import must

TOGETHER = 100
"""Sockets that are being opened at any moment."""
SAMPLE = 64
"""Every so many messages one is looked into."""
SLOW_BYTES = 4096
"""What the kernel is asked to take for a client that does not read."""

_MESSAGE = ord("4")
"""What a message of Engine.IO v4 begins with; all other packets are its own."""
_TEXT, _CLOSE, _PING, _PONG = 0x81, 0x88, 0x89, 0x8A
_TITLE = re.compile(rb'"title":\s?"new-(\d+)"')
_CURSOR = re.compile(rb'"cursor":\s?"([^"]+)"')
_OLD = re.compile(rb'"title":\s?"old-\d+"')
_BROUGHT = re.compile(rb'"type":\s?"(?:snapshot|delta)"')


def masked(first: int, payload: bytes) -> bytes:
    """A short frame of a client's, with the mask 0, which leaves the payload as it is."""
    return bytes([first, 0x80 | len(payload), 0, 0, 0, 0]) + payload


class Client(asyncio.Protocol):
    """One socket: at first what comes is read, from then on it is counted.

    Args:
        crowd: told of what comes.
        number: which one it is.
        request: the WebSocket's opening handshake.
        join: the CONNECT packet of Socket.IO.
        unread: how many unread notifications it is to be shown; None where there is no mailbox.
    """

    __slots__ = (
        "_crowd",
        "_join",
        "_old",
        "_request",
        "_rest",
        "_skip",
        "_transport",
        "_unread",
        "cursor",
        "frames",
        "number",
        "ready",
        "slow",
    )

    def __init__(self, crowd: "Crowd", number: int, request: bytes, join: bytes, unread: int | None) -> None:
        self._crowd = crowd
        self._request = request
        self._join = join
        self._unread = unread
        self._old = 0
        self._rest = b""
        self._skip = 0
        self._transport: asyncio.Transport | None = None
        self.number = number
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.cursor = b""
        self.frames = 0
        self.slow = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._write(self._request)

    def data_received(self, data: bytes) -> None:
        if not self.ready.done():
            self._open(self._rest + data)
            return
        if self._rest:
            data, self._rest = self._rest + data, b""
        at, size, frames = self._skip, len(data), 0
        while at < size:
            body = at + 2
            if body > size:
                break
            length = data[at + 1]
            if length > 125:
                body += 2 if length == 126 else 8
                if body > size:
                    break
                length = int.from_bytes(data[at + 2 : body], "big")
            if body == size and length:
                break  # it cannot be seen yet what it is
            if data[at] == _TEXT and data[body] == _MESSAGE:
                frames += 1
                if not (self.frames + frames) % SAMPLE:
                    self._look(data[body : body + length], length)
            else:
                if body + length > size:
                    break
                self._control(data[at], data[body : body + length])
            at = body + length
        if at < size:
            self._rest, self._skip = data[at:], 0
        else:
            self._skip = at - size
        self.frames += frames
        self._crowd.take(frames)

    def connection_lost(self, error: Exception | None) -> None:
        self._crowd.lost(self, f"it was closed ({error})")

    def stop_reading(self) -> None:
        """From now on it takes nothing."""
        self.slow = True
        if self._transport is not None:
            self._transport.pause_reading()

    def cut(self) -> None:
        """Leave without a word."""
        if self._transport is not None:
            self._transport.abort()

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _open(self, data: bytes) -> None:
        """Upgrade, join, and be shown the mailbox, if there is one."""
        if data.startswith(b"HTTP"):
            head, found, rest = data.partition(b"\r\n\r\n")
            if not found:
                self._rest = data
                return
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self._crowd.lost(self, f"it was not let in: {data[:200]!r}")
                return
            data = rest
        while (frame := _frame(data)) is not None and not self.ready.done():
            first, payload, data = frame
            self._opening(first, payload)
        self._rest = b""
        if self.ready.done():
            if data:
                self.data_received(data)
        else:
            self._rest = data

    def _opening(self, first: int, payload: bytes) -> None:
        if payload.startswith(b"0"):
            self._write(masked(_TEXT, self._join))
        elif payload.startswith(b"40"):
            if self._unread is None:
                self.ready.set_result(None)
        elif payload.startswith(b"42"):
            self._old += len(_OLD.findall(payload))
            if _BROUGHT.search(payload) and self._old >= (self._unread or 0):
                found = _CURSOR.search(payload)
                self.cursor = found[1] if found else b""
                self.ready.set_result(None)
        else:
            self._control(first, payload)

    def _control(self, first: int, payload: bytes) -> None:
        if first == _TEXT and payload == b"2":
            self._write(masked(_TEXT, b"3"))
        elif first == _PING:
            self._write(masked(_PONG, payload))
        elif first in (_CLOSE, _TEXT):
            self._crowd.lost(self, f"it was told {payload[:200]!r}")

    def _look(self, payload: bytes, length: int) -> None:
        if len(payload) == length and not self._crowd.is_for(self, _TITLE.findall(payload)):
            self._crowd.lost(self, f"it was sent {payload!r}")


class Crowd:
    """All sockets, and how many messages they got.

    Args:
        together: whether each message goes to all; else message n is for client n modulo their number.
    """

    def __init__(self, target: Target, *, together: bool = True) -> None:
        self._target = target
        self._together = together
        self._problem = ""
        self._mark: int | None = None
        self._reached = asyncio.Event()
        self._leaving = False
        self.clients: list[Client] = []
        self.received = 0

    async def open(self, count: int, *, slow: bool = False, cursors: Sequence[bytes] = ()) -> None:
        """Open so many more sockets, TOGETHER at a time, until all have joined and each was shown its mailbox.

        Args:
            slow: whether they read nothing from then on.
            cursors: where the mailbox of each stood when it was last here.
        """
        numbers = iter(range(len(self.clients), len(self.clients) + count))

        async def opener() -> None:
            for number in numbers:
                await self._one(number, slow, cursors[number] if cursors else b"")

        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(opener() for _ in range(min(count, TOGETHER))))
        must(not self._problem, self._problem)

    async def until(self, received: int) -> None:
        """Wait until so many messages were received by all who read."""
        while self.received < received:
            self._mark = received
            self._reached.clear()
            async with asyncio.timeout(PATIENCE):
                await self._reached.wait()
            must(not self._problem, self._problem)

    def leave(self) -> None:
        """Everybody is gone in one moment."""
        self._leaving = True
        for client in self.clients:
            client.cut()

    def take(self, frames: int) -> None:
        self.received += frames
        if self._mark is not None and self.received >= self._mark:
            self._mark = None
            self._reached.set()

    def lost(self, client: Client, why: str) -> None:
        """A client is gone, or has seen what it was not to see."""
        if self._leaving or client.slow:
            return
        self._problem = self._problem or f"client {client.number}: {why}"
        self._reached.set()
        if not client.ready.done():
            client.ready.set_result(None)

    def is_for(self, client: Client, titles: Sequence[bytes]) -> bool:
        """Whether a message with these titles is one that this client was to be sent."""
        return len(titles) == 1 and (self._together or int(titles[0]) % len(self.clients) == client.number)

    async def _one(self, number: int, slow: bool, cursor: bytes) -> None:
        make = self._maker(number, cursor)
        host, _, port = self._target.url.rpartition("//")[2].partition(":")
        with socket.socket() as raw:
            raw.setblocking(False)
            if slow:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BYTES)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(raw, (host, int(port)))
            _, client = await loop.create_connection(make, sock=raw.dup())
        self.clients.append(client)
        await client.ready
        if slow:
            client.stop_reading()

    def _maker(self, number: int, cursor: bytes) -> Callable[[], Client]:
        url, namespace = self._target.url, self._target.namespace
        lines = [
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
            f"Host: {url.rpartition('//')[2]}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Version: 13",
            f"Origin: {url}",
            f"Cookie: {self._target.cookies[number]}",
        ]
        request = "\r\n".join([*lines, "", ""]).encode()
        auth = b'{"cursor":"%s"}' % cursor if cursor else b""
        join = b"40" + (f"{namespace},".encode() if namespace else b"") + auth
        unread = self._target.unread if namespace else None
        return lambda: Client(self, number, request, join, unread if not cursor else 0)


def _frame(data: bytes) -> tuple[int, bytes, bytes] | None:
    """The first byte and the payload of the first frame, and what follows it; None where it is not all there."""
    if len(data) < 2:
        return None
    body, length = 2, data[1]
    if length > 125:
        body += 2 if length == 126 else 8
        length = int.from_bytes(data[2:body], "big")
    if len(data) < body + length:
        return None
    return data[0], data[body : body + length], data[body + length :]
