"""The limit: one write of a made frame for each delivery, in a loop, and nothing else.

It speaks as much of WebSocket, Engine.IO and Socket.IO as a client needs to come in.
"""

import asyncio
import base64
import hashlib
import re
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import orjson
import uvloop
from websockets.frames import Frame, Opcode

MESSAGE = orjson.loads((Path(__file__).parent / "message.json").read_bytes())
SLICE = 100

_KEY = re.compile(rb"sec-websocket-key: *(\S+)", re.IGNORECASE)
_COOKIE = re.compile(rb"cookie: *(\S+)", re.IGNORECASE)
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


def frame(packet: bytes) -> bytes:
    """A packet as a frame of a server's."""
    return Frame(Opcode.TEXT, packet).serialize(mask=False)


MADE = frame(b'42["response",%s]' % orjson.dumps(MESSAGE).replace(b"new-0", b"new-%09d" % 0)).split(b"000000000")
"""A message's frame, before and after its number."""


class Limit:
    """Who is here, by the cookie."""

    def __init__(self) -> None:
        self.sockets: dict[bytes, asyncio.Transport] = {}

    async def answer(self, path: str, asked: dict[str, int]) -> dict[str, int]:
        """What this path is for."""
        numbers = range(asked.get("first", 0), asked.get("first", 0) + asked.get("count", 0))
        if path == "/all":
            for n in numbers:
                made = b"%09d".join(MADE) % n
                for transport in self.sockets.values():
                    transport.write(made)
                await asyncio.sleep(0)
        elif path == "/each":
            people = [self.sockets[b"user-%d" % n] for n in range(len(self.sockets))]
            for n in numbers:
                people[n % len(people)].write((b"%09d" % n).join(MADE))
                if n % SLICE == SLICE - 1:
                    await asyncio.sleep(0)
        return {"connected": len(self.sockets)}


class Connection(asyncio.Protocol):
    """One connection: HTTP, until it becomes a WebSocket."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._cookie = b""
        self._answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        if self._cookie:
            self._limit.sockets[self._cookie] = self._transport
            self._transport.write(frame(b"40{}"))
        elif key := _KEY.search(data):
            accept = base64.b64encode(hashlib.sha1(key[1] + _MAGIC).digest())
            self._transport.write(_UPGRADED + accept + b"\r\n\r\n" + frame(b"0{}"))
            self._cookie = _COOKIE.findall(data)[0]
        else:
            self._answering = asyncio.get_running_loop().create_task(self._answer(data))

    def connection_lost(self, error: Exception | None) -> None:
        self._limit.sockets.pop(self._cookie, None)

    async def _answer(self, request: bytes) -> None:
        url = urlsplit(request.split()[1].decode())
        asked = {name: int(value) for name, (value,) in parse_qs(url.query).items()}
        body = orjson.dumps(await self._limit.answer(url.path, asked))
        self._transport.write(_OK % (len(body), body))


async def main(port: int) -> None:
    limit = Limit()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(limit), "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
