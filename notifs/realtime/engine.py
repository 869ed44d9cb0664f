"""Engine.IO v4: sessions, their packets, and what the layer above hears of them.

A WebSocket costs one connection object, and no task while nobody says anything. A frame for it is written as it is to
the server's transport, or waits in a queue where that cannot be had (`lines.py`).
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Coroutine
from typing import Any, Protocol
from urllib.parse import parse_qs

import engineio
import orjson
from engineio.async_drivers.asgi import translate_request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from notifs.errors import BadRequest, NotifsError
from notifs.problems import refuse
from notifs.realtime.connections import AGAIN, POLICY, PROTOCOL, TOO_LARGE, Connection
from notifs.realtime.frames import Frame
from notifs.realtime.heart import Heart
from notifs.realtime.lines import LINE, Flow, Line, Ordinary, Socket
from notifs.realtime.polling import Poll
from notifs.wire import FRAME_LIMIT

CONNECTION = "notifs.connection"
"""Where a scope has the connection that was let in with it."""
RECIPIENT = "notifs.recipient"
"""Where a scope has who it is that asks for a session that has begun already; absent where nobody is asked."""
ANYBODY = "-"
"""The recipient of a connection where no guard asks who it is."""
WORK_SECONDS = 5.0
"""How long what is done for clients may still take once the server stops."""
_CLOSE = Frame(b"1")


class Above(Protocol):
    """What Engine.IO carries."""

    async def opened(self, connection: Connection, scope: Scope) -> None:
        """A session has begun."""

    def message(self, connection: Connection, data: str | bytes) -> Awaitable[None] | None:
        """Take a message; what is returned must be awaited before the next."""

    def left(self, connection: Connection, reason: str) -> None:
        """A session has ended."""


class Engine(engineio.AsyncServer):  # type: ignore[misc]
    """An AsyncServer of python-engineio in which the way of a packet is ours; its handlers and calls are the same.

    Args:
        above: what it carries; without it, handlers that were registered with `on`.
        polling: whether a client may come by long-polling as well.
        ping_interval: seconds; `ping_timeout` likewise.
        max_payload: bytes that a client may send at once.
    """

    def __init__(
        self,
        *,
        above: Above | None = None,
        polling: bool = False,
        ping_interval: float = 25.0,
        ping_timeout: float = 20.0,
        max_payload: int = FRAME_LIMIT,
    ) -> None:
        super().__init__(
            async_mode="asgi",
            transports=["polling", "websocket"] if polling else ["websocket"],
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            max_http_buffer_size=max_payload,
            cors_allowed_origins=[],  # the guard has looked at the origin already, and more exactly
            logger=False,
            monitor_clients=False,
        )
        self.sockets: dict[str, Connection] = {}
        self._above = above or _Handlers(self)
        self._polling = polling
        self._heart = Heart(ping_interval, ping_timeout, self._silent)
        self._flow = Flow()
        self._works: set[asyncio.Task[None]] = set()
        self._sessions: dict[str, dict[str, Any]] = {}
        self._terms = {
            "pingTimeout": round(ping_timeout * 1000),
            "pingInterval": round(ping_interval * 1000),
            "maxPayload": max_payload,
        }

    # Requests.

    async def handle_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI application."""
        try:
            response = await self._respond(scope, receive, send)
        except NotifsError as error:
            await refuse(error, scope, receive, send)
        else:
            if response is not None:
                await response(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> Response | None:
        query = _query(scope)
        transport = query.get("transport", [""])[0]
        if transport not in self.transports or (transport == "websocket") != (scope["type"] == "websocket"):
            raise BadRequest(f"transport must be one of {', '.join(self.transports)}", code="bad_handshake")
        if query.get("EIO") != ["4"]:
            raise BadRequest(
                "this server speaks Engine.IO 4; use a client of Socket.IO 3 or later", code="bad_handshake"
            )
        if "j" in query:
            raise BadRequest("answers are no scripts here; poll without j", code="bad_handshake")
        sid = sid_of(scope)
        if scope["type"] == "websocket":
            await (self._meet(scope, receive, send) if sid is None else self._upgrade(sid, scope, receive, send))
            return None
        return await self._poll(scope, sid, receive)

    async def _meet(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A new client, by WebSocket."""
        if not await _accept(receive, send):
            return
        connection, line = _connection(scope), _line(scope, receive, send)
        await self._begin(connection, line, scope)
        await line.serve(connection, self._flow)

    async def _upgrade(self, sid: str, scope: Scope, receive: Receive, send: Send) -> None:
        """A client that has come by polling goes on by WebSocket."""
        if not self._polling:
            raise BadRequest("there is no polling here, and so nothing to upgrade", code="unknown_session")
        connection = self._known(sid, scope)
        if not await _accept(receive, send):
            return
        poll = connection.line
        if not isinstance(poll, Poll) or not await poll.upgrade(receive, send):
            with contextlib.suppress(OSError):  # it has left
                await send({"type": "websocket.close", "code": POLICY, "reason": "not_upgraded"})
            return
        line = _line(scope, receive, send)
        connection.move(line)
        for frame in poll.waiting():
            line.write(frame)
        await line.serve(connection, self._flow)

    async def _poll(self, scope: Scope, sid: str | None, receive: Receive) -> Response:
        if scope["method"] not in ("GET", "POST") or (sid is None and scope["method"] == "POST"):
            raise BadRequest("a session begins with GET, and then takes GET and POST", code="bad_handshake")
        if sid is None:
            connection = _connection(scope)
            poll = Poll(connection)
            await self._begin(connection, poll, scope)
            return poll.now()
        line = self._known(sid, scope).line
        if not isinstance(line, Poll):
            raise BadRequest("this session goes on by its WebSocket", code="unknown_session")
        if scope["method"] == "GET":
            return await line.get(receive)
        return await line.post(scope, receive, self.max_http_buffer_size)

    def _known(self, sid: str, scope: Scope) -> Connection:
        """The connection of a session, if this request is of whom it belongs to."""
        connection = self.sockets.get(sid)
        if connection is None or connection.caller != scope.get(RECIPIENT, connection.caller):
            raise BadRequest("there is no such session, or not any more; begin a new one", code="unknown_session")
        return connection

    # Sessions.

    async def _begin(self, connection: Connection, line: Line, scope: Scope) -> None:
        sid = self.generate_id()
        connection.begin(sid, line, self)
        self.sockets[sid] = connection
        self._heart.add(connection)
        upgrades = ["websocket"] if isinstance(line, Poll) else []
        line.write(Frame(b"0" + orjson.dumps({"sid": sid, "upgrades": upgrades, **self._terms})))
        try:
            await self._above.opened(connection, scope)
        except BaseException:
            self.lost(connection)
            raise

    def take(self, connection: Connection, data: str | bytes) -> Awaitable[None] | None:
        """Do what a client says (Engine.IO v4, "Packet encoding")."""
        if _size(data) > self.max_http_buffer_size:
            connection.end(TOO_LARGE, "too_large")
        elif isinstance(data, bytes):
            return self._above.message(connection, data)
        elif data[:1] == "4":
            return self._above.message(connection, data[1:])
        elif data == "3":
            connection.heard = True
        elif data == "1":
            if isinstance(connection.line, Poll):
                connection.line.left()
            self._leave(connection, self.reason.CLIENT_DISCONNECT)
            connection.end(AGAIN, "left")
        else:
            connection.end(PROTOCOL, "not_socketio")
        return None

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this, as a task."""
        task = asyncio.get_running_loop().create_task(work)
        self._works.add(task)
        task.add_done_callback(self._works.discard)

    def lost(self, connection: Connection) -> None:
        """Its client is gone."""
        self._leave(connection, self.reason.TRANSPORT_CLOSE)
        connection.done()

    def _silent(self, connection: Connection) -> None:
        self._leave(connection, self.reason.PING_TIMEOUT)
        connection.end(AGAIN, "ping_timeout")

    def _leave(self, connection: Connection, reason: str) -> None:
        if self.sockets.pop(connection.sid, None) is not None:
            self._heart.remove(connection)
            self._sessions.pop(connection.sid, None)
            self._above.left(connection, reason)

    # What python-engineio's server offers.

    async def send(self, sid: str, data: Any) -> None:
        """Send a message. Nobody waits; a client that does not read what is sent is ended."""
        if (connection := self.sockets.get(sid)) is not None:
            connection.insist(frame_of(data))

    async def send_packet(self, sid: str, pkt: Any) -> None:
        """The same, of a packet of python-engineio."""
        if (connection := self.sockets.get(sid)) is not None:
            encoded = pkt.encode()
            binary = isinstance(encoded, bytes)
            connection.insist(Frame(encoded if binary else encoded.encode(), binary=binary))

    async def disconnect(self, sid: str | None = None) -> None:
        """End a session, or all."""
        for connection in list(self.sockets.values()) if sid is None else [self._get_socket(sid)]:
            self._leave(connection, self.reason.SERVER_DISCONNECT)
            connection.insist(_CLOSE)
            connection.end(AGAIN, "left")

    async def get_session(self, sid: str) -> dict[str, Any]:
        """What the application has saved for a session; KeyError if there is no such one."""
        self._get_socket(sid)
        return self._sessions.get(sid, {})

    async def save_session(self, sid: str, session: dict[str, Any]) -> None:
        """Keep something for a session; KeyError if there is no such one."""
        self._get_socket(sid)
        self._sessions[sid] = session

    def transport(self, sid: str) -> str:
        """`polling` or `websocket`; KeyError if there is no such session."""
        return "polling" if isinstance(self._get_socket(sid).line, Poll) else "websocket"

    def _get_socket(self, sid: str) -> Connection:
        try:
            return self.sockets[sid]
        except KeyError:
            raise KeyError("Session not found") from None

    async def shutdown(self) -> None:
        """Stop pinging, and wait WORK_SECONDS for what is still done for clients."""
        self._heart.stop()
        if works := self._works - {asyncio.current_task()}:
            _, late = await asyncio.wait(works, timeout=WORK_SECONDS)
            for work in late:
                work.cancel()
            await asyncio.gather(*late, return_exceptions=True)


class _Handlers:
    """Above an engine that is used by itself: the handlers that were registered with `on`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def opened(self, connection: Connection, scope: Scope) -> None:
        environ = await environ_of(scope)
        answer = await self._engine._trigger_event("connect", connection.sid, environ, run_async=False)
        if answer not in (None, True):
            connection.end(POLICY, "refused")

    def message(self, connection: Connection, data: str | bytes) -> Awaitable[None] | None:
        work: Awaitable[None] = self._engine._trigger_event("message", connection.sid, data, run_async=False)
        return work

    def left(self, connection: Connection, reason: str) -> None:
        self._engine.run(self._engine._trigger_event("disconnect", connection.sid, reason, run_async=False))


def frame_of(data: Any) -> Frame:
    """A message as a packet: bytes as they are, text as it is, anything else as JSON."""
    if isinstance(data, bytes):
        return Frame(data, binary=True)
    return Frame(b"4" + (data.encode() if isinstance(data, str) else orjson.dumps(data)))


async def environ_of(scope: Scope) -> dict[str, Any]:
    """The scope in the shape that handlers of python-socketio expect."""

    async def begun() -> Message:
        return {"type": "websocket.connect"}

    environ: dict[str, Any] = await translate_request(scope, begun, None)
    return environ


def sid_of(scope: Scope) -> str | None:
    """The session that a request says it is of."""
    return _query(scope).get("sid", [None])[0] if b"sid" in scope["query_string"] else None


def _query(scope: Scope) -> dict[str, Any]:
    return parse_qs(scope["query_string"].decode("latin-1"))


def _size(data: str | bytes) -> int:
    """Bytes on the wire."""
    return len(data) if isinstance(data, bytes) or data.isascii() else len(data.encode())


def _connection(scope: Scope) -> Connection:
    known: Connection | None = scope.get(CONNECTION)
    return known or Connection(ANYBODY, None, "", rate=1_000_000)


def _line(scope: Scope, receive: Receive, send: Send) -> Socket:
    given: Socket | None = scope.get("extensions", {}).get(LINE)
    return given or Ordinary(receive, send)


async def _accept(receive: Receive, send: Send) -> bool:
    if (await receive())["type"] != "websocket.connect":
        return False  # it has left already
    await send({"type": "websocket.accept"})
    return True
