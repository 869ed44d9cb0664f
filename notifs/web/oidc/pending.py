"""Sign-ins that are on their way to a provider and back: kept by their browser, in a signed cookie that lives shortly.

So another browser cannot end what this one has begun, and what somebody begins costs the server nothing.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from notifs.signing import Signer

SECONDS = 600
"""How long a person may take at the provider."""
AT_ONCE = 5
"""How many may be on their way in one browser; the oldest make room."""
COOKIE_LIMIT = 3800
"""Characters of the cookie's value: browsers drop one of more than 4,096 bytes."""
PURPOSE = "pending"


@dataclass(frozen=True, slots=True)
class Started:
    """A sign-in on its way.

    Args:
        provider: where it is.
        nonce: what the ID token has to repeat (OpenID Connect Core 1.0, section 3.1.2.1).
        verifier: what proves that who fetches the token has asked for it (PKCE, RFC 7636).
        redirect_uri: where the provider sends the browser back to.
        next: where the person wanted to go.
        at: when it began, in seconds since 1970.
        session: the key of the session whose account is to be linked; empty if somebody just signs in.
    """

    provider: str
    nonce: str
    verifier: str
    redirect_uri: str
    next: str
    at: float
    session: str = ""


class Pending:
    """Reads and writes that cookie: sign-ins by their `state` (RFC 6749, section 10.12).

    Args:
        secure: whether cookies are for HTTPS only, under the `__Host-` prefix (RFC 6265bis).
    """

    def __init__(self, signer: Signer, *, secure: bool) -> None:
        self._signer = signer
        self._secure = secure
        self.cookie = "__Host-notifs-pending" if secure else "notifs-pending"

    def read(self, scope: Scope) -> dict[str, Started]:
        """What this browser has begun and may still end, the oldest first."""
        text = HTTPConnection(scope).cookies.get(self.cookie, "")
        found = self._signer.read(PURPOSE, text, seconds=SECONDS) or {}
        since = time.time() - SECONDS
        sign_ins = ((state, _started(each)) for state, each in found.items())
        return {state: started for state, started in sign_ins if started is not None and started.at >= since}

    def write(self, response: Response, sign_ins: Mapping[str, Started]) -> None:
        """Keep the newest of them, as many as may be on their way and have room."""
        kept = dict(list(sign_ins.items())[-AT_ONCE:])
        while len(text := self._sign(kept)) > COOKIE_LIMIT:
            del kept[next(iter(kept))]
        if kept:
            response.set_cookie(self.cookie, text, max_age=SECONDS, httponly=True, secure=self._secure, samesite="lax")
        else:
            response.delete_cookie(self.cookie, httponly=True, secure=self._secure, samesite="lax")

    def _sign(self, sign_ins: Mapping[str, Started]) -> str:
        return self._signer.sign(PURPOSE, {state: asdict(started) for state, started in sign_ins.items()})


def _started(fields: Mapping[str, Any]) -> Started | None:
    """One sign-in; None for what a worker of another version has written."""
    try:
        return Started(**fields)
    except TypeError:
        return None
