"""Who may open a socket: asked in front of Engine.IO, before there is a connection to speak of.

Nobody without an identity gets past: 401 and no frame, ever. The identity comes from the connection's own scope (a
session cookie, a host's session), never from what the client says in a packet.
"""

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifs.errors import BadRequest, Forbidden, NotifsError, NotSignedIn
from notifs.identity import SESSION, Identify
from notifs.origins import Origins
from notifs.problems import problem

_IDENTITY = "notifs.identity"
_FRAME = re.compile(r"4[0-6]|[1-6]\Z|[23]probe\Z", re.ASCII)
"""A text frame of Engine.IO v4: a message that holds a Socket.IO packet, or one of the short ones."""


def identity(scope: Scope) -> tuple[str, str | None] | None:
    """The recipient and the session key that the guard has found for this connection."""
    known: tuple[str, str | None] | None = scope.get(_IDENTITY)
    return known


class Guard:
    """An ASGI application in front of the Socket.IO server.

    Args:
        app: the server.
        identify: who is this connection?
        origins: where browsers may come from.
    """

    def __init__(self, app: ASGIApp, identify: Identify, origins: Origins) -> None:
        self._app = app
        self._identify = identify
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._admit(scope)
        except NotifsError as error:
            await _refuse(error, scope, receive, send)
            return
        first = await receive()
        if first["type"] == "websocket.connect":  # else the client has left already, which Engine.IO does not expect
            await self._app(scope, _checked(first, receive), send)

    async def _admit(self, scope: Scope) -> None:
        origin = Headers(scope=scope).get("origin")
        # Browsers always send Origin with a WebSocket; who sends none is no browser, and has no cookie to be abused.
        if origin is not None and not self._origins.allows(origin, scope):
            raise Forbidden("this page may not open a socket here; add its origin to NOTIFS_ORIGINS if it should")
        recipient = await self._identify(scope)
        if recipient is None:
            raise NotSignedIn("sign in first; a socket needs the session's cookie")
        if scope["type"] != "websocket":
            raise BadRequest("connect by WebSocket: transports: ['websocket']", code="websocket_only")
        scope[_IDENTITY] = (recipient, scope.get(SESSION))


async def _refuse(error: NotifsError, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": error.code})  # the server answers 403
        return
    await problem(error)(scope, receive, send)


def _checked(first: Message, receive: Receive) -> Receive:
    """`receive`, with `first` again, and an end where a frame comes that Engine.IO v4 does not have.

    python-engineio would raise on it, outside of its own error handling, and leave the socket behind.
    """
    pending = [first]

    async def checked() -> Message:
        if pending:
            return pending.pop()
        message = await receive()
        text = message.get("text")
        if message["type"] == "websocket.receive" and text is not None and not _FRAME.match(text):
            return {"type": "websocket.disconnect", "code": 1002}
        return message

    return checked
