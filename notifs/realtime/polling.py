"""Engine.IO by HTTP long-polling, and the way from there to a WebSocket. It is off unless a deployment asks for it.

All requests of a client must reach the worker that holds its session: there is one worker, or a proxy that knows.
"""

import asyncio
import base64
import binascii
from collections.abc import Coroutine, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from notifs.errors import BadRequest, TooLarge
from notifs.realtime.connections import AGAIN, Connection
from notifs.realtime.frames import Frame
from notifs.realtime.lines import Queue

SEPARATOR = "\x1e"
"""Between the packets of one body (Engine.IO v4)."""
_CLOSE, _NOOP, _PROBED = Frame(b"1"), Frame(b"6"), Frame(b"3probe")


class Poll(Queue):
    """The line of a client that comes by itself for what waits for it."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection
        self._open = asyncio.Event()
        self._open.set()
        self._asked = False
        self.upgrading = False
        """A WebSocket is about to take over."""

    def close(self, code: int, reason: str) -> None:
        if self.closing is None:
            if not self._frames:
                self.write(_CLOSE)
            super().close(code, reason)
            asyncio.get_running_loop().call_soon(self._connection.lost)

    def abort(self) -> None:
        self.close(AGAIN, "cut")

    def pause(self) -> None:
        self._open.clear()

    def resume(self) -> None:
        self._open.set()

    def left(self) -> None:
        """The client has said goodbye: a request of its that waits is ended."""
        self.write(_NOOP)

    def now(self) -> Response:
        """What waits, without waiting for more."""
        return _response(self.take())

    async def get(self, receive: Receive) -> Response:
        """What waits, as soon as there is something.

        Raises:
            BadRequest: another request waits already; that is the end of the session.
        """
        if self.upgrading:
            return _response([_NOOP])
        if self._asked:
            self._connection.end(AGAIN, "left")
            raise BadRequest("another request of this session waits already, so the session is closed")
        self._asked = True
        try:
            left = await _outlives(_gone(receive), self.more.wait())
        finally:
            self._asked = False
        if left and not self.upgrading:
            self._connection.lost()  # what it was sent from then on would be taken for delivered
            raise BadRequest("the client has left its request, so the session is closed")
        return _response([_NOOP]) if self.upgrading else self.now()

    async def post(self, scope: Scope, receive: Receive, most: int) -> Response:
        """Take what the client says.

        Raises:
            BadRequest: it cannot be read; that is the end of the session. TooLarge: it is over `most` bytes.
        """
        packets = _packets(await _body(Request(scope, receive), most))
        for packet in packets:
            await self._open.wait()
            self._connection.received(packet)
        if self._connection.closing is not None and self._connection.closing[1] == "not_socketio":
            raise BadRequest("these are no packets of Engine.IO, so the session is closed")
        return PlainTextResponse("ok")

    def take(self) -> list[Frame]:
        """All that waits; it does not wait any more."""
        frames = list(self._frames)
        self._frames.clear()
        self.unsent = 0
        self.more.clear()
        return frames

    async def upgrade(self, receive: Receive, send: Send) -> bool:
        """Let a WebSocket that is accepted take over, and say whether it shall (Engine.IO v4, "Upgrade")."""
        if await _said(receive) != "2probe":
            return False
        self.upgrading = True
        self.more.set()  # a request that waits ends with nothing
        await send({"type": "websocket.send", "text": _PROBED.payload.decode()})
        if await _said(receive) == "5" and self.closing is None:
            return True
        self.upgrading = False
        return False


def _response(frames: Iterable[Frame]) -> Response:
    parts = [f"b{base64.b64encode(f.payload).decode()}" if f.binary else f.payload.decode() for f in frames]
    return PlainTextResponse(SEPARATOR.join(parts))


async def _body(request: Request, most: int) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise TooLarge(f"a body has at most {most} bytes; send less at a time")
    return body


def _packets(body: bytes) -> list[str | bytes]:
    try:
        parts = body.decode().split(SEPARATOR)
        return [base64.b64decode(part[1:], validate=True) if part[:1] == "b" else part for part in parts]
    except (UnicodeDecodeError, binascii.Error):
        raise BadRequest("a packet is text in UTF-8, or b and its bytes in base64") from None


async def _said(receive: Receive) -> str | None:
    message = await receive()
    return message.get("text") if message["type"] == "websocket.receive" else None


async def _gone(receive: Receive) -> Message:
    while (message := await receive())["type"] != "http.disconnect":
        pass
    return message


async def _outlives(first: Coroutine[Any, Any, Any], second: Coroutine[Any, Any, Any]) -> bool:
    """Wait for either, and say whether the first has come."""
    tasks = [asyncio.get_running_loop().create_task(each) for each in (first, second)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].done()
    finally:
        for task in tasks:
            task.cancel()
