"""uvicorn's HTTP with a bound for a request's head: in bytes, and in seconds until all of it has come.

`notifs serve` uses it, and so does `uvicorn --http notifs.web.transport:Http`. uvicorn 0.54 itself waits for a head
without end, and keeps as much of it as comes; behind a proxy that has read the request already, that is no matter.
"""

from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT = 65_536
"""Bytes of a request's line and headers; what the network brings in one piece is not cut in the middle of it."""
HEAD_SECONDS = 10.0
"""How long a head may take to come; and what is left of a body that was answered before its end."""


class Http(HttpToolsProtocol):
    """uvicorn's protocol, with who sends a request too slowly, or has too much to say before it, cut off."""

    _timer: TimerHandle | None = None
    _head: int | None = None
    """Bytes that have come of a head that is not complete."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._hurry()

    def data_received(self, data: bytes) -> None:
        head = self._head
        super().data_received(data)
        if head is not None and head == self._head:  # else it has ended in these, or another one has begun
            self._head = head + len(data)
            if self._head > HEAD_LIMIT and not self.transport.is_closing():
                self.send_400_response("The request's headers are too large.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0
        self._hurry()

    def on_headers_complete(self) -> None:
        self._head = None
        self._rest()
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the request on as it was read, where the other protocol takes it so; uvicorn writes it out again."""
        if not hasattr(self.ws_protocol_class, "take_request"):
            super().handle_websocket_upgrade()
            return
        protocol: Any = self.ws_protocol_class(  # type: ignore[call-arg, misc]
            config=self.config, server_state=self.server_state, app_state=self.app_state
        )
        self.connections.discard(self)
        protocol.connection_made(self.transport)
        protocol.take_request(self.scope["method"], self.url, self.headers)
        self.transport.set_protocol(protocol)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.more_body:  # nobody reads it any more
            self._hurry()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def _hurry(self) -> None:
        self._rest()
        self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
