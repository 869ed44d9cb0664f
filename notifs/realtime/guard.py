"""Who may open a socket: asked in front of Engine.IO, before there is a connection to speak of.

Nobody without an identity gets past: 401 and no frame, ever. The identity comes from the connection's own scope (a
session cookie, a host's session), never from what the client says in a packet. Only where tokens are taken may somebody
come who is not known yet: they are told nothing, and are cut off unless they join with a token in time.
"""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from notifs.addresses import address_of, network_of
from notifs.errors import BadRequest, Forbidden, NotifsError, NotSignedIn, Restarting
from notifs.identity import SESSION, UNTIL, Identify
from notifs.origins import Origins
from notifs.problems import refuse
from notifs.realtime.connections import Connection, Connections
from notifs.realtime.engine import CONNECTION, RECIPIENT, sid_of


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
        polling: whether one may come by HTTP long-polling.
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
        polling: bool,
        open: Callable[[], bool],
    ) -> None:
        self._app = app
        self._identify = identify
        self._origins = origins
        self._connections = connections
        self._connects = connects
        self._rate = rate
        self._tokens = tokens
        self._polling = polling
        self._open = open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            connection = await self._admit(scope)
        except NotifsError as error:
            await refuse(error, scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            if connection is not None and not connection.sid:
                connection.done()  # it did not come to a session

    async def _admit(self, scope: Scope) -> Connection | None:
        """Let a new connection in; None where it is a request of one that is there."""
        self._see_that_it_may_come_from_there(scope)
        self._see_that_it_is_open()
        asked_at = asyncio.get_running_loop().time()
        recipient = await self._identify(scope)
        if recipient is None and not self._tokens:
            raise NotSignedIn("sign in first; a socket needs the session's cookie")
        if scope["type"] != "websocket" and not self._polling:
            raise BadRequest("connect by WebSocket: transports: ['websocket']", code="websocket_only")
        network = network_of(address_of(scope))
        if (sid := sid_of(scope)) is None or scope["type"] == "websocket":
            await self._connects(recipient, network)
            self._see_that_it_is_open()  # it may have been told to stop meanwhile
        if sid is not None:
            scope[RECIPIENT] = recipient or ""
            return None
        connection = Connection(
            recipient or "",
            scope.get(SESSION),
            network=network,
            rate=self._rate,
            admitted_at=asked_at,
        )
        self._connections.add(connection)
        if UNTIL in scope:
            connection.expires(scope[UNTIL] - asyncio.get_running_loop().time())
        scope[CONNECTION] = connection
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
    writes = scope["type"] == "websocket" or scope["method"] == "POST"
    return writes and "cookie" in Headers(scope=scope)
