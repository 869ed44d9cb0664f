"""A server that does nothing but send back what is posted, to the socket that it is for: the load client's limit."""

import asyncio
import base64
import hashlib
import sys

import orjson
import uvloop

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CREATED = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Mirror:
    """Its sockets, by the recipient that their cookie names."""

    def __init__(self, unread: int) -> None:
        self._sockets: dict[str, asyncio.StreamWriter] = {}
        self._unread = unread

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: HTTP, until it becomes a WebSocket."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
                headers = dict(line.lower().split(b": ", 1) for line in head[1:] if line)
                keys = [line[19:] for line in head if line.lower().startswith(b"sec-websocket-key: ")]
                if keys:
                    await self._socket(reader, writer, keys[0], headers[b"cookie"].decode())
                    return
                body = await reader.readexactly(int(headers.get(b"content-length", b"0")))
                if body:
                    asked = orjson.loads(body)
                    self._send(self._sockets[asked["to"][0]], [asked["title"]])
                writer.write(_CREATED)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _socket(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, key: bytes, recipient: str
    ) -> None:
        accept = base64.b64encode(hashlib.sha1(key + _MAGIC).digest())
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        writer.write(head + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        self._frame(writer, b"0{}")
        await reader.read(1024)  # CONNECT
        self._frame(writer, b"40{}")
        self._sockets[recipient] = writer
        self._send(writer, [f"old-{n}" for n in range(self._unread)])
        while await reader.read(1024):
            pass

    def _send(self, writer: asyncio.StreamWriter, titles: list[str]) -> None:
        self._frame(writer, b"42" + orjson.dumps(["response", {"notifs": [{"title": title} for title in titles]}]))

    def _frame(self, writer: asyncio.StreamWriter, payload: bytes) -> None:
        size = len(payload)
        length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
        writer.write(b"\x81" + length + payload)


async def main(port: int, unread: int) -> None:
    server = await asyncio.start_server(Mirror(unread).serve, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
