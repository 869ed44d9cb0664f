"""Who may open a socket: asked in front of Engine.IO, before there is a connection to speak of.

Nobody without an identity gets past: 401 and no frame, ever. The identity comes from the connection's own scope (a
session cookie, a host's session), never from what the client says in a packet. Only where tokens are taken may somebody
come who is not known yet: they are told nothing, and are cut off unless they join with a token in time.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifs.addresses import address_of, network_of
from notifs.errors import BadRequest, Forbidden, NotifsError, NotSignedIn, Restarting
from notifs.identity import SESSION, UNTIL, Identify
from notifs.origins import Origins
from notifs.problems import problem
from notifs.realtime.connections import PROTOCOL, Connection, Connections

_CONNECTION = "notifs.connection"
_TRANSPORT = "notifs.transport"
_FRAME = re.compile(r"4[0-6]|[13]\Z", re.ASCII)
"""What a client that begins by WebSocket may send by Engine.IO v4: a message with a Socket.IO packet, CLOSE, PONG."""


def connection(scope: Scope) -> Connection | None:
    """The connection that the guard has let in with this scope."""
    known: Connection | None = scope.get(_CONNECTION)
    return known


class Guard:
    """An ASGI application in front of the Socket.IO server.

    Args:
        app: the server.
        identify: who is this connection?
        origins: where browsers may come from.
        connections: takes in who is let in.
        connects: counts whom it lets in, by who they are, if that is known, and their network; raises TooManySockets.
        rate: events that a client may send in a second.
        tokens: whether who is not known may come as nobody, and say by a token who they are when they join.
        open: whether anybody is let in at all: not while this worker stops.
    """

    def __init__(
        self,
        app: ASGIApp,
        identify: Identify,
        origins: Origins,
        connections: Connections,
        *,
        connects: Callable[[str | None, str], Awaitable[None]],
        rate: int,
        tokens: bool,
        open: Callable[[], bool],
    ) -> None:
        self._app = app
        self._identify = identify
        self._origins = origins
        self._connections = connections
        self._connects = connects
        self._rate = rate
        self._tokens = tokens
        self._open = open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            connection = await self._admit(scope)
        except NotifsError as error:
            await _refuse(error, scope, receive, send)
            return
        try:
            first = await receive()
            if (
                first["type"] == "websocket.connect"
            ):  # else the client has left already, which Engine.IO does not expect
                await self._app(scope, _checked(connection, first, receive), _counted(connection, send))
        finally:
            connection.done()
            self._connections.remove(connection)

    async def _admit(self, scope: Scope) -> Connection:
        self._see_that_it_may_come_from_there(scope)
        self._see_that_it_is_open()
        asked_at = asyncio.get_running_loop().time()
        recipient = await self._identify(scope)
        if recipient is None and not self._tokens:
            raise NotSignedIn("sign in first; a socket needs the session's cookie")
        if scope["type"] != "websocket":
            raise BadRequest("connect by WebSocket: transports: ['websocket']", code="websocket_only")
        network = network_of(address_of(scope))
        await self._connects(recipient, network)
        self._see_that_it_is_open()  # it may have been told to stop meanwhile
        connection = Connection(
            recipient or "",
            scope.get(SESSION),
            network=network,
            rate=self._rate,
            admitted_at=asked_at,
            transport=scope.get("extensions", {}).get(_TRANSPORT),
        )
        self._connections.add(connection)
        if UNTIL in scope:
            connection.expires(scope[UNTIL] - asyncio.get_running_loop().time())
        scope[_CONNECTION] = connection
        return connection

    def _see_that_it_may_come_from_there(self, scope: Scope) -> None:
        origin = Headers(scope=scope).get("origin")
        if origin is not None and not self._origins.allows(origin, scope):
            raise Forbidden("this page may not open a socket here; add its origin to NOTIFS_ORIGINS if it should")
        if origin is None and _needs_origin(scope):
            raise Forbidden(
                "a cookie opens a socket for a page alone; send its Origin header too, like Origin: https://example.org",
                code="missing_origin",
            )

    def _see_that_it_is_open(self) -> None:
        if not self._open():
            raise Restarting("this server is about to restart; come back in a moment")


def _needs_origin(scope: Scope) -> bool:
    """Whether a browser may be behind it, which sends the cookie by itself, and the Origin of the page with it."""
    return scope["type"] == "websocket" and "cookie" in Headers(scope=scope)


async def _refuse(error: NotifsError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": error.code})  # the server answers 403
        return
    await problem(error)(scope, receive, send)


def _checked(connection: Connection, first: Message, receive: Receive) -> Receive:
    """`receive`, with `first` again, and an end where a frame comes that Engine.IO v4 does not have.

    python-engineio would raise on it, outside of its own error handling, and leave the socket behind.
    """
    pending = [first]

    async def checked() -> Message:
        if pending:
            return pending.pop()
        with connection.at_work():
            message = await receive()
        text = message.get("text")
        if message["type"] == "websocket.receive" and text is not None and not _FRAME.match(text):
            connection.end(PROTOCOL, "not_socketio")
            return {"type": "websocket.disconnect", "code": 1002}
        return message

    return checked


def _counted(connection: Connection, send: Send) -> Send:
    """`send`, which tells the connection what has gone out, and closes with its code and reason."""

    async def counted(message: Message) -> None:
        if message["type"] == "websocket.close" and connection.closing is not None:
            code, reason = connection.closing
            message = {**message, "code": code, "reason": reason}
        try:
            with connection.at_work():
                await send(message)
        finally:
            if message["type"] == "websocket.send":
                connection.sent()

    return counted
