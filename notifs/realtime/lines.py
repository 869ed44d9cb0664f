"""How frames get to a client, and what it says gets here.

A line is told what to send and never makes anybody wait; what it cannot send at once it keeps, and says how much. Where
our own WebSocket serves, the line is the server's protocol itself (`transport.py`). Here is the line for any other
server, and what it has in common with polling.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from starlette.types import Message, Receive, Send

from notifs.realtime.frames import Frame

log = structlog.get_logger("notifs.realtime")
LINE = "notifs.line"
"""Where a server's scope has a line of its own, among the extensions of ASGI."""


class Taker(Protocol):
    """Who is at this end of a line. None of these raises."""

    @property
    def busy(self) -> bool:
        """Whether nothing is to be taken from the client just now."""

    def received(self, data: str | bytes) -> None:
        """The client says this."""

    def ponged(self, payload: bytes) -> None:
        """The client has answered a ping of the WebSocket's own."""

    def lost(self) -> None:
        """The client is gone; said once."""


class Line(Protocol):
    """A way to one client."""

    @property
    def unsent(self) -> int:
        """Bytes that wait."""

    def write(self, frame: Frame, *, now: bool = False) -> None:
        """Send it after what was written before; `now` where many get the same, one right after the other."""

    def ping(self, frame: Frame, payload: bytes) -> bool:
        """Send the frame, and with it a ping of the WebSocket's own if there is such a thing; say whether there is."""

    def close(self, code: int, reason: str) -> None:
        """Close after what was written before."""

    def abort(self) -> None:
        """Be done with it at once, whatever waits."""

    def pause(self) -> None:
        """Take nothing more from the client."""

    def resume(self) -> None:
        """Take what it says again."""


class Socket(Line, Protocol):
    """The line of a WebSocket that is accepted."""

    async def serve(self, taker: Taker, flow: "Flow") -> None:
        """Tell `taker` what comes, from now on; perhaps beyond the end of this call."""


class Flow:
    """Lets lines write once in a turn of the event loop.

    Whoever gets one frame after the other is sent them together. And who gets one each is sent it right after the
    one before, and not after the next message has been made: a kernel takes two or three times as long to send to a
    client that has fallen asleep meanwhile.
    """

    def __init__(self) -> None:
        self._flushes: list[Callable[[], None]] = []

    def soon(self, flush: Callable[[], None]) -> None:
        """Call this at the end of the turn."""
        if not self._flushes:
            asyncio.get_running_loop().call_soon(self._flush)
        self._flushes.append(flush)

    def _flush(self) -> None:
        flushes, self._flushes = self._flushes, []
        for flush in flushes:
            try:
                flush()
            except Exception:  # of one, and the others are to get theirs
                log.exception("could not write to a socket")


class Nowhere:
    """The line of a client that is not there yet, or not any more."""

    unsent = 0

    def write(self, frame: Frame, *, now: bool = False) -> None: ...

    def ping(self, frame: Frame, payload: bytes) -> bool:
        return False

    def close(self, code: int, reason: str) -> None: ...

    def abort(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


NOWHERE = Nowhere()


class Queue:
    """Frames that wait until somebody comes for them, and the code and reason of the end, if it is near."""

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self.unsent = 0
        self.more = asyncio.Event()
        """There are frames, or an end."""
        self.closing: tuple[int, str] | None = None

    def write(self, frame: Frame, *, now: bool = False) -> None:
        if self.closing is None:
            self._frames.append(frame)
            self.unsent += frame.size
            self.more.set()

    def ping(self, frame: Frame, payload: bytes) -> bool:
        self.write(frame)
        return False

    def close(self, code: int, reason: str) -> None:
        if self.closing is None:
            self.closing = code, reason
            self.more.set()


class Ordinary(Queue):
    """A WebSocket of any ASGI server: one task sends what waits, and one takes what comes.

    Args:
        receive: of the connection, which is accepted; `send` likewise.
    """

    def __init__(self, receive: Receive, send: Send) -> None:
        super().__init__()
        self._receive = receive
        self._send = send
        self._reading = asyncio.Event()
        self._reading.set()
        self._tasks: list[asyncio.Task[None]] = []

    async def serve(self, taker: Taker, flow: Flow) -> None:
        """Tell it what comes until the client is gone, or was cut."""
        loop = asyncio.get_running_loop()
        if taker.busy:
            self.pause()
        writer, reader = self._tasks = [loop.create_task(self._write_on()), loop.create_task(self._read_on(taker))]
        try:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
            if not writer.cancelled() and writer.done() and writer.exception() is None:
                await asyncio.wait([reader])  # it has closed; the client's own Close is waited for
        finally:
            self.abort()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._tasks.clear()
            self._frames.clear()
            taker.lost()

    def abort(self) -> None:
        for task in self._tasks:
            task.cancel()

    def pause(self) -> None:
        self._reading.clear()

    def resume(self) -> None:
        self._reading.set()

    async def _write_on(self) -> None:
        while True:
            await self.more.wait()
            self.more.clear()
            while self._frames:
                frame = self._frames[0]
                await self._send(_message(frame))
                self._frames.popleft()
                self.unsent -= frame.size
            if self.closing is not None:
                code, reason = self.closing
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
                return

    async def _read_on(self, taker: Taker) -> None:
        while True:
            await self._reading.wait()
            message = await self._receive()
            if message["type"] != "websocket.receive":
                return
            taker.received(_data(message))


def _message(frame: Frame) -> Message:
    key, data = ("bytes", frame.payload) if frame.binary else ("text", frame.payload.decode())
    return {"type": "websocket.send", key: data}


def _data(message: Message) -> Any:
    text = message.get("text")
    return text if text is not None else message["bytes"]
