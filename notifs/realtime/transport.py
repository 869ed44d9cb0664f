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
from websockets.protocol import Protocol, State

from notifs.realtime import connections
from notifs.realtime.frames import Frame
from notifs.realtime.lines import LINE, Flow, Taker

BUFFER = 65_536
"""Bytes that the transport takes before it lets nobody write."""
KERNEL = 65_536
"""Bytes that the kernel is asked to keep for one client; left alone, it would take megabytes from one that is slow."""
FRAGMENTS = 100
"""Of one message that are kept apart; and of all, those with nothing in them, which cost as much and count nowhere."""


class WebSocket(WebSocketsSansIOProtocol):
    """uvicorn's protocol with its buffers bounded, which can be taken over as a line."""

    taker: Taker | None = None
    flow: Flow | None = None
    waiting: list[bytes] | None = None
    """Frames that are written at the end of this turn, and `held`, their bytes."""
    held = 0
    shut = False
    """Nothing is to be written any more."""
    fragments = 0
    """With nothing in them."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=BUFFER)
        self.close_timeout = connections.LINGER_SECONDS
        if (raw := transport.get_extra_info("socket")) is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.shut = True
        taker, self.taker = self.taker, None
        if taker is not None:
            taker.lost()

    def eof_received(self) -> None:
        """A client that writes no more cannot close, and may not read either: it is not waited for."""
        if self.taker is not None:
            self.transport.abort()

    def shutdown(self) -> None:
        """Close, as the server stops; uvicorn would raise where a close is under way already."""
        self.flush()
        if self.handshake_complete and not self.close_sent and self.conn.state is not State.OPEN:
            self.transport.abort()
        else:
            super().shutdown()
            self._linger()

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

    async def serve(self, taker: Taker, flow: Flow) -> None:
        """From now on `taker` is told what comes, also after this call; what has come already it is told now."""
        self.stop_keepalive()  # whoever takes over pings
        early, self.queue = self.queue, _NOBODY  # type: ignore[assignment]
        if self.disconnected:
            taker.lost()
            return
        self.taker, self.flow = taker, flow
        (self.pause if taker.busy else self.resume)()
        while not early.empty():
            message: Any = early.get_nowait()
            if message["type"] == "websocket.receive":
                text = message.get("text")
                taker.received(text if text is not None else message["bytes"])
        over: Any = {"type": "websocket.disconnect", "code": CloseCode.NORMAL_CLOSURE}
        early.put_nowait(over)  # for who still waits there

    @property
    def unsent(self) -> int:
        return self.held + self.transport.get_write_buffer_size()

    def write(self, frame: Frame, *, now: bool = False) -> None:
        if self.shut or self.transport.is_closing():
            return
        if self.waiting is not None:
            self.waiting.append(frame.wire)
        elif now or self.flow is None:
            self.transport.write(frame.wire)
            return
        else:
            self.waiting = [frame.wire]
            self.flow.soon(self.flush)
        self.held += frame.size

    def flush(self) -> None:
        """Write what waits."""
        waiting, self.waiting, self.held = self.waiting, None, 0
        if waiting is not None and not self.shut and not self.transport.is_closing():
            self.transport.write(waiting[0] if len(waiting) == 1 else b"".join(waiting))

    def ping(self, frame: Frame, payload: bytes) -> bool:
        if self.conn.state is State.OPEN and not self.transport.is_closing():
            self.conn.send_ping(payload)
            self.transport.write(b"".join([*self.conn.data_to_send(), frame.wire]))
        return True

    def close(self, code: int, reason: str) -> None:
        if self.conn.state is not State.OPEN or self.transport.is_closing():
            return  # it is being closed; the client's Close may have come with what is answered by this
        self.flush()
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = self.shut = True
        self.resume()  # the client's own Close is waited for
        self.close_timer = self.loop.call_later(self.close_timeout, self.transport.close)

    def abort(self) -> None:
        self.shut = True
        self.transport.abort()

    def pause(self) -> None:
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        if self.read_paused and not self.transport.is_closing():
            self.read_paused = False
            self.transport.resume_reading()

    def _linger(self) -> None:
        """The transport is being closed: cut it if what is left to be sent is not taken in time."""
        self.shut = True
        if self.transport.get_write_buffer_size():
            self.loop.call_later(connections.LINGER_SECONDS, self.transport.abort)

    # What comes.

    def send_receive_event_to_app(self) -> None:
        """Hand on what came, and end where that is no UTF-8; uvicorn would fill the log with a traceback for each."""
        data, self.frames = b"".join(self.frames), []
        said: str | bytes = data
        if self.curr_msg_data_type == "text":
            try:
                said = data.decode()
            except UnicodeDecodeError:
                self._fail(CloseCode.INVALID_DATA)
                return
        if self.taker is None:
            self.frames = [data]
            super().send_receive_event_to_app()
        elif not self.close_sent:
            self.taker.received(said)

    def handle_cont(self, event: WebSocketFrame) -> None:
        """Take a fragment; those with nothing in them count as well, and pieces are not kept apart by the thousand."""
        self.fragments += not event.data and not event.fin
        if self.fragments > FRAGMENTS:
            self._fail(CloseCode.POLICY_VIOLATION)
            return
        if len(self.frames) > FRAGMENTS:
            self.frames = [b"".join(self.frames)]
        super().handle_cont(event)

    def handle_close(self, event: WebSocketFrame) -> None:
        super().handle_close(event)
        self._linger()

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        self._linger()

    def _fail(self, code: CloseCode) -> None:
        if self.conn.state is State.OPEN:  # else a Close has come with it, and is next
            self.conn.fail(code)
            self.handle_parser_exception()

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


class _Nobody:
    """In place of uvicorn's queue once a line was taken over: who asks there hears that the connection is over."""

    def put_nowait(self, event: Any) -> None: ...

    async def get(self) -> Any:
        return {"type": "websocket.disconnect", "code": CloseCode.NORMAL_CLOSURE}

    def empty(self) -> bool:
        return False


_NOBODY = _Nobody()
