"""Who is this connection? The one question that a host application answers with a function of its own."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.types import Scope

SESSION = "notifs.session"
"""The scope key where an Identify may leave the sign-in's own key, so that ending the sign-in ends its sockets."""

UNTIL = "notifs.until"
"""The scope key where an Identify may leave when what it believed expires, in the event loop's time."""


class Identify(Protocol):
    """Gets an ASGI scope, `http` or `websocket`; answers the recipient's id, or None for nobody.

    Only the transport's own data may be believed: a session cookie, a verified token, never what a client claims.
    """

    async def __call__(self, scope: Scope) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Verified:
    """A token that is believed.

    Args:
        recipient: whose it is.
        seconds: until it expires. By them one may count on a clock that nobody sets.
    """

    recipient: str
    seconds: float


Verify = Callable[[object], Verified]
"""Says whose a token is, without waiting for anything; raises InvalidToken."""


def person_of(recipient: str) -> str:
    """By which a client tells what it keeps of one person from what it keeps of another."""
    return hashlib.sha256(recipient.encode()).hexdigest()[:16]
