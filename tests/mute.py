"""A client that joins and then never reads: it may still answer pings, blindly."""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Self
from urllib.parse import urlsplit


class Mute:
    """A WebSocket of which only the first answers are read, by hand, so that the kernel's buffer fills up."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, headers: Mapping[str, str]) -> AsyncIterator[Self]:
        """A socket that has joined `/notifs`, and from now on does not read."""
        parts = urlsplit(url)
        if "cookie" in headers:
            headers = {"origin": url, **headers}
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, (parts.hostname, parts.port))
        # The stream's own buffer is small as well: it stops reading from the kernel once that is full.
        reader, writer = await asyncio.open_connection(sock=raw, limit=1024)
        lines = [
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1",
            f"Host: {parts.netloc}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        await reader.readuntil(b"\r\n\r\n")
        mute = cls(reader, writer)
        mute.say("40/notifs,")
        try:
            yield mute
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()

    def say(self, text: str) -> None:
        """Send a text frame (RFC 6455, 5.2), masked as a client's must be."""
        payload, mask = text.encode(), os.urandom(4)
        length = (
            struct.pack("!BB", 0x81, 0x80 | len(payload))
            if len(payload) < 126
            else struct.pack("!BBH", 0x81, 0xFE, len(payload))
        )
        self.writer.write(length + mask + bytes(b ^ mask[n % 4] for n, b in enumerate(payload)))

    async def read_all(self) -> bytes:
        """Read again, until the server closes."""
        return await self.reader.read(-1)
