"""A WebSocket written by hand: what goes into one segment, and what is read, is up to the test."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Self
from urllib.parse import urlsplit

from tests.wire import PATIENCE

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
"""Opcodes (RFC 6455, section 5.2)."""
SOCKETIO = "/socket.io/?EIO=4&transport=websocket"


def frame(opcode: int, payload: str | bytes = b"", *, last: bool = True) -> bytes:
    """A frame of a client, whose mask is all zeros."""
    data = payload.encode() if isinstance(payload, str) else payload
    short = len(data) < 126
    length = bytes([0x80 | len(data)]) if short else struct.pack("!BH", 0x80 | 126, len(data))
    return bytes([(0x80 if last else 0) | opcode]) + length + bytes(4) + data


def text(payload: str) -> bytes:
    return frame(TEXT, payload)


GOODBYE = frame(CLOSE, struct.pack("!H", 1000))


class ByHand:
    """A WebSocket, accepted or just asked for."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    @asynccontextmanager
    async def asked(
        cls, url: str, path: str = SOCKETIO, *, user: str = "ada", kept: int | None = None
    ) -> AsyncIterator[Self]:
        """A connection on which a WebSocket was asked for. `kept`: bytes that this end keeps of what is not read."""
        place = urlsplit(url)
        raw = socket.socket()
        if kept is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, kept)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, (place.hostname, place.port))
        reader, writer = await asyncio.open_connection(sock=raw, limit=2**16 if kept is None else kept)
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {'A' * 22}==\r\nx-user: {user}\r\n\r\n".encode()
        )
        try:
            yield cls(reader, writer)
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, url: str, path: str = SOCKETIO, *, user: str = "ada", kept: int | None = None
    ) -> AsyncIterator[Self]:
        """One that is accepted."""
        async with cls.asked(url, path, user=user, kept=kept) as client:
            assert await client.status() == 101
            yield client

    @classmethod
    @asynccontextmanager
    async def joined(cls, url: str, namespace: str = "/notifs") -> AsyncIterator[Self]:
        """One that is in a namespace."""
        async with cls.open(url) as client:
            client.say(text(f"40{namespace},"))
            await client.hear(f"40{namespace},")
            yield client

    async def status(self) -> int:
        """How the request was answered: 101 is yes."""
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), PATIENCE)
        return int(head.split()[1])

    def say(self, *frames: bytes) -> None:
        """Write frames in one piece."""
        self._writer.write(b"".join(frames))

    async def taken(self) -> None:
        """Wait until what was said has been sent."""
        await asyncio.wait_for(self._writer.drain(), PATIENCE)

    async def frame(self) -> tuple[int, bytes]:
        """The next one's opcode and payload.

        Raises:
            ConnectionError, asyncio.IncompleteReadError: the connection has ended.
        """
        async with asyncio.timeout(PATIENCE):
            first, length = await self._reader.readexactly(2)
            if length == 126:
                (length,) = struct.unpack("!H", await self._reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await self._reader.readexactly(8))
            return first & 15, await self._reader.readexactly(length)

    async def hear(self, beginning: str) -> str:
        """The next text that begins so; what comes before it is left out."""
        while True:
            opcode, payload = await self.frame()
            if opcode == TEXT and payload.startswith(beginning.encode()):
                return payload.decode()

    async def ended(self) -> tuple[int, str] | None:
        """Wait until the server has let the connection go; the code and the reason of its Close, if it sent one."""
        closed = None
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                opcode, payload = await self.frame()
                if opcode == CLOSE:
                    closed = struct.unpack("!H", payload[:2])[0], payload[2:].decode()
                    self.say(frame(CLOSE, payload[:2]))
        return closed

    def pause(self) -> None:
        """Do not read, from now on."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    def resume(self) -> None:
        """Read again."""
        self._writer.transport.resume_reading()  # type: ignore[attr-defined]

    def finish(self) -> None:
        """Say nothing more, as TCP knows it: a FIN."""
        self._writer.write_eof()

    def drop(self) -> None:
        """Be gone, without a word."""
        self._writer.transport.abort()
