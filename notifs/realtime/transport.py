"""A WebSocket of uvicorn that hands out its transport: only there can be seen what a client has not read.

`notifs serve` uses it, and so does `uvicorn --ws notifs.realtime.transport:WebSocket`. Under any other server all works
as well, but what waits in the server's own buffer is then not counted.
"""

import socket
from asyncio.transports import BaseTransport
from collections.abc import Sequence
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode
from websockets.http11 import Request

BUFFER = 65_536
"""Bytes that the transport takes before it lets nobody write."""
KERNEL = 65_536
"""Bytes that the kernel is asked to keep for one client; left alone, it would take megabytes from one that is slow."""


class WebSocket(WebSocketsSansIOProtocol):
    """uvicorn's protocol with its buffers bounded."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=BUFFER)
        if (raw := transport.get_extra_info("socket")) is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions: Any = self.scope["extensions"]
            extensions["notifs.transport"] = self.transport

    def send_receive_event_to_app(self) -> None:
        """Hand on what came, and end where that is no UTF-8; uvicorn would fill the log with a traceback for each."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_text(self.frames):
            self.frames = []
            self.conn.fail(CloseCode.INVALID_DATA)
            self.handle_parser_exception()
        else:
            super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        """Answer, unless the client does not read: uvicorn would let the answers pile up."""
        output = self.conn.data_to_send()
        if self.writable.is_set():
            self.transport.write(b"".join(output))

    def keepalive_timeout(self) -> None:
        """A client that does not answer pings does not read either: what waits for it would wait for ever."""
        super().keepalive_timeout()
        self.transport.abort()


def _is_text(pieces: Sequence[bytes]) -> bool:
    try:
        b"".join(pieces).decode()
    except UnicodeDecodeError:
        return False
    return True
