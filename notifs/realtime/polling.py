"""Engine.IO by HTTP long-polling, and the way from there to a WebSocket. It is off unless a deployment asks for it.

All requests of a client must reach the worker that holds its session: there is one worker, or a proxy that knows.
"""

import asyncio
import base64
from collections.abc import Coroutine, Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from notifs.errors import BadRequest, TooLarge
from notifs.realtime import connections
from notifs.realtime.connections import AGAIN, PROTOCOL, Connection
from notifs.realtime.frames import Frame
from notifs.realtime.lines import Queue

SEPARATOR = "\x1e"
"""Between the packets of one body (Engine.IO v4)."""
UPGRADE_SECONDS = 5.0
"""How long a WebSocket may take to take over."""
_CLOSE, _NOOP, _PROBED = Frame(b"1"), Frame(b"6"), Frame(b"3probe")


class Poll(Queue):
    """The line of a client that comes by itself for what waits for it."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection
        self._taking = asyncio.Event()
        self._taking.set()
        self._asked = self._told = self._probed = False
        self._upgrading: asyncio.Timeout | None = None

    def close(self, code: int, reason: str) -> None:
        """End it: at once if a request waits, else with the next one, which gets what waits, or a little later."""
        if self.closing is not None:
            return
        self.write(_CLOSE)
        self._over(code, reason, 0 if self._asked else connections.LINGER_SECONDS)

    def abort(self) -> None:
        self.close(AGAIN, "cut")
        self._connection.lost()

    def pause(self) -> None:
        self._taking.clear()

    def resume(self) -> None:
        self._taking.set()

    def left(self) -> None:
        """The client has said goodbye: a request of its that waits ends with nothing."""
        self.write(_NOOP)
        self._over(AGAIN, "left", 0)

    def _over(self, code: int, reason: str, seconds: float) -> None:
        super().close(code, reason)
        self._taking.set()  # a body that waits is not waited for
        loop = asyncio.get_running_loop()
        if self._upgrading is not None:
            self._upgrading.reschedule(loop.time())
        loop.call_later(seconds, self._connection.lost)

    def waiting(self) -> list[Frame]:
        """All that waits; it does not wait any more."""
        frames = list(self._frames)
        self._frames.clear()
        self.unsent = 0
        self.more.clear()
        return frames

    def now(self) -> Response:
        """What waits, without waiting for more; a client could not read an answer with nothing in it."""
        return _response(self.waiting() or [_NOOP])

    async def get(self, receive: Receive) -> Response:
        """What waits, as soon as there is something.

        Raises:
            BadRequest: another request waits already, or the client has left this one; that is the end of the session.
        """
        if self._asked:
            self._connection.end(AGAIN, "left")
            raise BadRequest("another request of this session waits already, so the session is closed")
        self._asked = True
        try:
            left = not self._probed and await _comes_first(_gone(receive), self.more.wait())
        finally:
            self._asked = False
        if left and not self._probed:
            self._connection.end(AGAIN, "left")  # what it was sent from then on would be taken for delivered
            self._connection.lost()
            raise BadRequest("the client has left its request, so the session is closed")
        if self._probed:
            return _response([_NOOP])
        if self.closing is not None:
            asyncio.get_running_loop().call_soon(self._connection.lost)
        return self.now()

    async def post(self, scope: Scope, receive: Receive, most: int) -> Response:
        """Take what the client says.

        Raises:
            BadRequest: it cannot be read, or another body is being taken; that is the end of the session.
            TooLarge: it is over `most` bytes.
        """
        if self._told:
            raise self._broken("another body of this session is being taken already, so the session is closed")
        self._told = True
        try:
            for packet in self._packets(await _body(Request(scope, receive), most)):
                await self._taking.wait()
                self._connection.received(packet)
        finally:
            self._told = False
        if self._connection.closing is not None and self._connection.closing[1] == "not_socketio":
            raise self._broken("these are no packets of Engine.IO, so the session is closed")
        return PlainTextResponse("ok")

    async def upgrade(self, receive: Receive, send: Send) -> bool:
        """Let a WebSocket that is accepted take over, and say whether it shall (Engine.IO v4, "Upgrade")."""
        if self._upgrading is not None or self.closing is not None:
            return False
        try:
            async with asyncio.timeout(UPGRADE_SECONDS) as self._upgrading:
                upgraded = await self._probe(receive, send)
        except (TimeoutError, OSError):  # it takes too long, or has left
            upgraded = False
        self._upgrading, self._probed = None, False
        if not upgraded and not self._frames:
            self.more.clear()
        return upgraded and self.closing is None and self._connection.line is self

    async def _probe(self, receive: Receive, send: Send) -> bool:
        if await _said(receive) != "2probe":
            return False
        self._probed = True
        self.more.set()  # a request that waits ends with nothing
        await send({"type": "websocket.send", "text": _PROBED.payload.decode()})
        return await _said(receive) == "5"

    def _packets(self, body: bytes) -> list[str | bytes]:
        try:
            parts = body.decode().split(SEPARATOR)
            return [base64.b64decode(part[1:], validate=True) if part[:1] == "b" else part for part in parts]
        except ValueError:  # no UTF-8, or no base64
            told = "a packet is text in UTF-8, or b and its bytes in base64; the session is closed"
            raise self._broken(told) from None

    def _broken(self, told: str) -> BadRequest:
        self._connection.end(PROTOCOL, "not_socketio")
        self._connection.lost()
        return BadRequest(told)


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


async def _said(receive: Receive) -> str | None:
    message = await receive()
    return message.get("text") if message["type"] == "websocket.receive" else None


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _comes_first(one: Coroutine[Any, Any, Any], other: Coroutine[Any, Any, Any]) -> bool:
    """Wait for either, and say whether it is this one."""
    tasks = [asyncio.get_running_loop().create_task(each) for each in (one, other)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].done()
    finally:
        for task in tasks:
            task.cancel()
