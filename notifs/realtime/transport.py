"""A WebSocket of uvicorn that is a straight line: frames are written to its transport as they are.

`notifs serve` uses it, and so does `uvicorn --ws notifs.realtime.transport:WebSocket`. It puts itself into the scope,
as an extension of ASGI. Who takes the line over is called with what the client says, without a task that waits for it,
and the application's call ends there. Under any other server all works as well (`lines.py`), but each connection costs
more, and what waits in the server's own buffer is not counted.
"""

import socket
from asyncio.transports import BaseTransport
from collections.abc import Sequence
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.frames import CloseCode
from websockets.frames import Frame as WebSocketFrame
from websockets.http11 import Request
from websockets.protocol import Protocol

from notifs.realtime.frames import Frame
from notifs.realtime.lines import LINE, Taker

BUFFER = 65_536
"""Bytes that the transport takes before it lets nobody write."""
KERNEL = 65_536
"""Bytes that the kernel is asked to keep for one client; left alone, it would take megabytes from one that is slow."""


class WebSocket(WebSocketsSansIOProtocol):
    """uvicorn's protocol with its buffers bounded, which can be taken over as a line."""

    taker: Taker | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=BUFFER)
        if (raw := transport.get_extra_info("socket")) is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.over()

    def take_request(self, method: str, url: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Begin with a request that was read already, instead of reading it."""
        read = Headers()
        for name, value in headers:
            read.set_insecure(name.decode("ascii"), value.decode("latin-1"))
        self.conn.parser = Protocol.parse(self.conn)  # what comes next are frames
        next(self.conn.parser)
        self.handle_connect(Request(url.decode("ascii"), read, method))

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions: Any = self.scope["extensions"]
            extensions[LINE] = self

    async def run_asgi(self) -> None:
        """Call the application; unlike uvicorn's, a connection that was taken over outlives the call."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except BaseException:
            self.logger.exception("Exception in ASGI application\n")
            self.send_500_response()
        else:
            if not self.handshake_complete and self.initial_response is None:
                self.logger.error("ASGI callable returned without completing handshake.")
                self.send_500_response()
        if self.taker is not None:
            del self.scope, self.request, self.response  # kilobytes that nobody looks at any more
        elif self.close_timer is None:
            self.transport.close()

    # The line.

    async def serve(self, taker: Taker) -> None:
        """From now on `taker` is told what comes, also after this call; what has come already it is told now."""
        self.taker = taker
        self.stop_keepalive()  # whoever takes over pings
        queue, self.queue = self.queue, _Told(self)  # type: ignore[assignment]
        while not queue.empty():
            self.queue.put_nowait(queue.get_nowait())
        if self.disconnected:
            self.over()
        else:
            self.resume()

    @property
    def unsent(self) -> int:
        return self.transport.get_write_buffer_size() if not self.transport.is_closing() else 0

    def write(self, frame: Frame) -> None:
        if not self.close_sent:
            self.transport.write(frame.wire)

    def ping(self, frame: Frame, payload: bytes) -> bool:
        if not self.close_sent and not self.transport.is_closing():
            self.conn.send_ping(payload)
            self.transport.write(b"".join([*self.conn.data_to_send(), frame.wire]))
        return True

    def close(self, code: int, reason: str) -> None:
        if self.close_sent or self.transport.is_closing():
            return
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.resume()  # the client's own close is waited for
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)

    def abort(self) -> None:
        self.transport.abort()

    def pause(self) -> None:
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        if self.read_paused and not self.transport.is_closing():
            self.read_paused = False
            self.transport.resume_reading()

    def over(self) -> None:
        """The client is gone, or as good as gone."""
        taker, self.taker = self.taker, None
        if taker is not None:
            self.queue = _NOBODY  # type: ignore[assignment]
            taker.lost()

    # What comes.

    def send_receive_event_to_app(self) -> None:
        """Hand on what came, and end where that is no UTF-8; uvicorn would fill the log with a traceback for each."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_text(self.frames):
            self.frames = []
            self.conn.fail(CloseCode.INVALID_DATA)
            self.handle_parser_exception()
        elif self.taker is None:
            super().send_receive_event_to_app()
        elif not self.close_sent:
            data = b"".join(self.frames)
            self.frames = []
            self.taker.received(data.decode() if self.curr_msg_data_type == "text" else data)

    def handle_ping(self) -> None:
        """Answer, unless the client does not read: uvicorn would let the answers pile up."""
        output = self.conn.data_to_send()
        if self.writable.is_set():
            self.transport.write(b"".join(output))

    def handle_pong(self, event: WebSocketFrame) -> None:
        if self.taker is None:
            super().handle_pong(event)
        else:
            self.taker.ponged(bytes(event.data))

    def keepalive_timeout(self) -> None:
        """A client that does not answer pings does not read either: what waits for it would wait for ever."""
        super().keepalive_timeout()
        self.transport.abort()


class _Told:
    """In place of uvicorn's queue: hands on at once what would wait there for a task."""

    __slots__ = ("_socket",)

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    def put_nowait(self, event: Any) -> None:
        if event["type"] == "websocket.receive" and self._socket.taker is not None:
            text = event.get("text")
            self._socket.taker.received(text if text is not None else event["bytes"])
        elif event["type"] == "websocket.disconnect":
            self._socket.over()


class _Nobody:
    """In place of it when there is nobody to be told."""

    def put_nowait(self, event: Any) -> None: ...


_NOBODY = _Nobody()


def _is_text(pieces: Sequence[bytes]) -> bool:
    try:
        b"".join(pieces).decode()
    except UnicodeDecodeError:
        return False
    return True
