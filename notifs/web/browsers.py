"""Browsers that an account has signed in with before: known by a cookie of their own, which outlives the sign-in.

The cookie lets nobody in. Its browser's tries are counted for themselves, so that whoever fails on purpose cannot keep
the owner of an account out of their own browser (OWASP: device cookies; ASVS 5.0, 6.3.1).
"""

import secrets

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from notifs.signing import Signer

_PURPOSE = "known"
DAYS = 400
"""How long a cookie lasts at most (RFC 6265bis, section 5.6)."""


class Browsers:
    """Reads and writes the cookie.

    Args:
        signer: signs it.
        secure: whether it is for HTTPS only, under the `__Host-` prefix.
    """

    def __init__(self, signer: Signer, *, secure: bool) -> None:
        self._signer = signer
        self._secure = secure
        self.cookie = "__Host-notifs-known" if secure else "notifs-known"

    def known(self, scope: Scope, account: str) -> str | None:
        """What this browser is known by, if the account with this address has signed in with it before."""
        text = HTTPConnection(scope).cookies.get(self.cookie)
        value = self._signer.read(_PURPOSE, text, seconds=DAYS * 86_400) if text else None
        if value is None:
            return None
        nonce, owner = value
        return str(nonce) if owner in self._signer.hashes(account) else None

    def remember(self, response: Response, account: str) -> None:
        """The account with this address has signed in with this browser."""
        value = [secrets.token_urlsafe(16), self._signer.hashes(account)[0]]
        response.set_cookie(
            self.cookie,
            self._signer.sign(_PURPOSE, value),
            max_age=DAYS * 86_400,
            httponly=True,
            secure=self._secure,
            samesite="lax",
        )
