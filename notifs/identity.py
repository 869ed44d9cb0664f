"""Who is this connection? The one question that a host application answers with a function of its own."""

from typing import Protocol

from starlette.types import Scope

SESSION = "notifs.session"
"""The scope key where an Identify may leave the sign-in's own key, so that ending the sign-in ends its sockets."""


class Identify(Protocol):
    """Gets an ASGI scope, `http` or `websocket`; answers the recipient's id, or None for nobody.

    Only the transport's own data may be believed: a session cookie, a verified token, never what a client claims.
    """

    async def __call__(self, scope: Scope) -> str | None: ...
