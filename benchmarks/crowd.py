"""A crowd of sockets in one process, as cheap as Python has them: bytes in, frames counted, nothing decoded.

Each client walks the frame headers (RFC 6455, 5.2) in what it was sent, and looks into one message of SAMPLE.
"""

import asyncio
import re
import socket
from collections.abc import Callable, Sequence
from typing import cast

from benchmarks.load import PATIENCE, Target
from benchmarks.measure import Unmeasured, must

TOGETHER = 100
"""Sockets that are being opened at any moment."""
SAMPLE = 64
"""Every so many messages one is looked into."""
SLOW_BYTES = 4096
"""What the kernel is asked to take for a client that does not read."""

_MESSAGE = ord("4")
"""What a message of Engine.IO v4 begins with; all other packets are its own."""
_TEXT, _PING, _PONG = 0x81, 0x89, 0x8A
_TITLE = re.compile(rb'"title":\s?"new-(\d+)"')
_CURSOR = re.compile(rb'"cursor":\s?"([^"]+)"')
_OLD = re.compile(rb'"title":\s?"old-\d+"')
_BROUGHT = re.compile(rb'"type":\s?"(?:snapshot|delta)"')


def masked(first: int, payload: bytes) -> bytes:
    """A short frame of a client's, with the mask 0, which leaves the payload as it is."""
    return bytes([first, 0x80 | len(payload), 0, 0, 0, 0]) + payload


class Client(asyncio.Protocol):
    """A socket that has come in: what it gets is counted.

    Args:
        crowd: told of what comes.
        number: which one it is.
        cursor: where its mailbox stood when it came in.
    """

    __slots__ = ("_rest", "_skip", "_transport", "crowd", "cursor", "frames", "number", "slow")

    def __init__(self, crowd: "Crowd", number: int, transport: asyncio.Transport, cursor: bytes) -> None:
        self.crowd = crowd
        self._transport = transport
        self._rest = b""
        """The beginning of a frame of which nothing can be said yet."""
        self._skip = 0
        """Bytes of a message that are still to come."""
        self.number = number
        self.cursor = cursor
        self.frames = 0
        self.slow = False

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data, self._rest = self._rest + data, b""
        at, size, frames = self._skip, len(data), 0
        while at < size:
            body = at + 2
            length = data[at + 1] if body <= size else 0
            if length > 125:
                body += 2 if length == 126 else 8
                length = int.from_bytes(data[at + 2 : body], "big")
            if body >= size and (length or body > size):
                break
            if data[at] == _TEXT and data[body] == _MESSAGE:
                frames += 1
                if not (self.frames + frames) % SAMPLE:
                    self._look(data[body : body + length], length)
            elif body + length > size:
                break
            else:
                self._control(data[at], data[body : body + length])
            at = body + length
        if at < size:
            self._rest, self._skip = data[at:], 0
        else:
            self._skip = at - size
        self.frames += frames
        self.crowd.take(frames)

    def connection_lost(self, error: Exception | None) -> None:
        self.crowd.lost(self, f"it was closed ({error})")

    def stop_reading(self) -> None:
        """From now on it takes nothing."""
        self.slow = True
        self._transport.pause_reading()

    def cut(self) -> None:
        """Leave without a word."""
        self._transport.abort()

    def _control(self, first: int, payload: bytes) -> None:
        """What is no message."""
        if (pong := _pong(first, payload)) is not None:
            self._transport.write(pong)
        else:
            self.crowd.lost(self, f"it was told {payload[:200]!r}")

    def _look(self, payload: bytes, length: int) -> None:
        if len(payload) == length and not self.crowd.is_for(self, _TITLE.findall(payload)):
            self.crowd.lost(self, f"it was sent {payload!r}")


class Opening(asyncio.Protocol):
    """A socket that comes in: it upgrades, joins, and is shown its mailbox, if it has one.

    Args:
        request: the WebSocket's opening handshake.
        join: the CONNECT packet of Socket.IO.
        unread: how many unread notifications it is to be shown; None where there is no mailbox.
        enter: makes a client of it, from its transport and the cursor.
    """

    def __init__(
        self, request: bytes, join: bytes, unread: int | None, enter: Callable[[asyncio.Transport, bytes], Client]
    ) -> None:
        self._request = request
        self._join = join
        self._unread = unread
        self._enter = enter
        self._old = 0
        self._upgraded = False
        self._rest = b""
        self.entered: asyncio.Future[Client] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        if not self._upgraded:
            head, self._upgraded, data = _head(data)
            if self._upgraded and b" 101 " not in head.partition(b"\r\n")[0]:
                self._fail(f"it was not let in: {head!r}")
        while self._upgraded and (frame := _frame(data)) is not None:
            first, payload, data = frame
            self._take(first, payload)
            if self.entered.done():
                if data and self.entered.exception() is None:
                    self.entered.result().data_received(data)
                return
        self._rest = data

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"it was closed ({error})")

    def _take(self, first: int, payload: bytes) -> None:
        if payload.startswith(b"0"):
            self._transport.write(masked(_TEXT, self._join))
        elif payload.startswith(b"40"):
            if self._unread is None:
                self._done(b"")
        elif payload.startswith(b"42"):
            self._old += len(_OLD.findall(payload))
            if _BROUGHT.search(payload) and self._old >= (self._unread or 0):
                found = _CURSOR.search(payload)
                self._done(found[1] if found else b"")
        elif (pong := _pong(first, payload)) is not None:
            self._transport.write(pong)
        else:
            self._fail(f"it was told {payload[:200]!r}")

    def _done(self, cursor: bytes) -> None:
        client = self._enter(self._transport, cursor)
        self._transport.set_protocol(client)
        self.entered.set_result(client)

    def _fail(self, why: str) -> None:
        if not self.entered.done():
            self.entered.set_exception(Unmeasured(f"a client did not come in: {why}"))


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

        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            for _ in range(min(count, TOGETHER)):
                group.create_task(opener())
        self._see_that_all_is_well()

    async def until(self, received: int) -> None:
        """Wait until so many messages were received by all who read.

        Raises:
            Unmeasured: somebody got what was not for them, or was closed.
        """
        self._see_that_all_is_well()
        while self.received < received:
            self._mark = received
            self._reached.clear()
            async with asyncio.timeout(PATIENCE):
                await self._reached.wait()
            self._see_that_all_is_well()

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
        if not (self._leaving or client.slow):
            self._problem = self._problem or f"client {client.number}: {why}"
            self._reached.set()

    def is_for(self, client: Client, titles: Sequence[bytes]) -> bool:
        """Whether a message with these titles is one that this client was to be sent."""
        return len(titles) == 1 and (self._together or int(titles[0]) % len(self.clients) == client.number)

    def _see_that_all_is_well(self) -> None:
        must(not self._problem, self._problem)

    async def _one(self, number: int, slow: bool, cursor: bytes) -> None:
        host, _, port = self._target.url.rpartition("//")[2].partition(":")
        with socket.socket() as raw:
            raw.setblocking(False)
            if slow:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BYTES)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(raw, (host, int(port)))
            _, opening = await loop.create_connection(lambda: self._opening(number, cursor), sock=raw.dup())
        client = await opening.entered
        if slow:
            client.stop_reading()
        self.clients.append(client)

    def _opening(self, number: int, cursor: bytes) -> Opening:
        target = self._target
        lines = [
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
            f"Host: {target.url.rpartition('//')[2]}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Version: 13",
            f"Origin: {target.url}",
            f"Cookie: {target.cookies[number]}",
        ]
        join = f"40{target.namespace}," if target.namespace else "40"
        unread = (0 if cursor else target.unread) if target.namespace else None
        return Opening(
            "\r\n".join([*lines, "", ""]).encode(),
            join.encode() + (b'{"cursor":"%s"}' % cursor if cursor else b""),
            unread,
            lambda transport, came: Client(self, number, transport, came),
        )


def _head(data: bytes) -> tuple[bytes, bool, bytes]:
    """The head of an HTTP response, whether it is all there, and what follows it, or is there of it."""
    head, found, rest = data.partition(b"\r\n\r\n")
    return (head, True, rest) if found else (b"", False, data)


def _pong(first: int, payload: bytes) -> bytes | None:
    """The answer to a ping, of Engine.IO's or of WebSocket's; None to anything else."""
    if first == _TEXT and payload == b"2":
        return masked(_TEXT, b"3")
    return masked(_PONG, payload) if first == _PING else None


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
