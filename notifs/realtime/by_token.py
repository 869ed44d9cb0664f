"""Sockets that come without a session, and say by a token of the host's whose they are when they join."""

from collections.abc import Callable
from typing import Any

from notifs.errors import BadRequest, Forbidden, NotSignedIn
from notifs.identity import Verified, Verify
from notifs.realtime.connections import Connection, Connections


class ByToken:
    """Believes tokens, and ends sockets when theirs expire. Nothing here waits.

    Args:
        verify: says whose a token is; None where none are taken.
        connections: count the sockets of a person, once it is known whose they are.
        joins: counts a socket that a person opens; raises TooManySockets.
    """

    def __init__(self, verify: Verify | None, connections: Connections, joins: Callable[[str], None]) -> None:
        self._verify = verify
        self._connections = connections
        self._joins = joins

    def join(self, connection: Connection, auth: Any) -> None:
        """See whose it is. Beside a session a token may only say the same, and the session decides how long it lasts.

        Raises:
            NotSignedIn: there is neither a session nor a token.
            InvalidToken: the token is not believed.
            Forbidden: `wrong_subject`.
            TooManySockets: the person has as many as one may have, or opens them too often.
        """
        token = auth.get("token") if isinstance(auth, dict) else None
        if self._verify is None or (token is None and connection.recipient):
            return
        if token is None:
            raise NotSignedIn("sign in first: a socket without the session's cookie needs auth: {token}")
        verified = self._verify(token)
        if connection.recipient:
            _see_that_it_is_theirs(connection, verified)
            return
        self._joins(verified.recipient)
        self._connections.name(connection, verified.recipient)
        connection.expires(verified.seconds)

    def refresh(self, connection: Connection, token: str) -> float:
        """Let it last as long as a fresh token does. Returns the seconds until that expires.

        Raises:
            BadRequest: `not_by_token`.
            InvalidToken: the token is not believed; the one before still is, until it expires.
            Forbidden: `wrong_subject`.
        """
        if self._verify is None or not connection.by_token:
            raise BadRequest("this socket did not come by a token and lasts without one", code="not_by_token")
        verified = self._verify(token)
        _see_that_it_is_theirs(connection, verified)
        connection.expires(verified.seconds)
        return verified.seconds


def _see_that_it_is_theirs(connection: Connection, verified: Verified) -> None:
    if verified.recipient != connection.recipient:
        raise Forbidden("this token is somebody else's; open a socket of its own for it", code="wrong_subject")
