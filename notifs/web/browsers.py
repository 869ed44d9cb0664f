"""Browsers that an account has signed in with before: known by a cookie of their own, which outlives the sign-in.

The cookie lets nobody in. Its browser's tries are counted for themselves, so that whoever fails on purpose cannot keep
the owner of an account out of their own browser (OWASP: device cookies; ASVS 5.0, 6.3.1). It is worth nothing once
the account has another password, so that who had the one before has no browsers left to guess the next one with.
"""

import secrets

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from notifs.signing import Signer
from notifs.web.passwords import Passwords

_PURPOSE = "known"
DAYS = 400
"""How long a cookie lasts at most (RFC 6265bis, section 5.6)."""


class Browsers:
    """Reads and writes the cookie.

    Args:
        signer: signs it.
        passwords: know whether an account has another one since.
        secure: whether it is for HTTPS only, under the `__Host-` prefix.
    """

    def __init__(self, signer: Signer, passwords: Passwords, *, secure: bool) -> None:
        self._signer = signer
        self._passwords = passwords
        self._secure = secure
        self.cookie = "__Host-notifs-known" if secure else "notifs-known"

    async def known(self, scope: Scope, account: str) -> str | None:
        """What this browser is known by, if the account with this address has signed in with it before.

        An account is looked up only for a browser that has signed in to it: others learn nothing by the time it takes.
        """
        nonce, stamp = self._read(scope, account)
        if nonce is None:
            return None
        known = await self._passwords.at(account)
        return nonce if known is not None and known.stamp == stamp else None

    async def remember(self, scope: Scope, response: Response, account: str) -> None:
        """The account with this address has signed in with this browser, which stays the same one if it has before."""
        known = await self._passwords.at(account)
        if known is None:
            return
        nonce, _ = self._read(scope, account)
        value = [nonce or secrets.token_urlsafe(16), self._signer.hashes(account)[0], known.stamp]
        response.set_cookie(
            self.cookie,
            self._signer.sign(_PURPOSE, value),
            max_age=DAYS * 86_400,
            httponly=True,
            secure=self._secure,
            samesite="lax",
        )

    def _read(self, scope: Scope, account: str) -> tuple[str, str] | tuple[None, None]:
        """What the account's cookie calls this browser, and the stamp of the password that it came by."""
        text = HTTPConnection(scope).cookies.get(self.cookie)
        match self._signer.read(_PURPOSE, text, seconds=DAYS * 86_400) if text else None:
            case [str(nonce), str(owner), str(stamp)] if owner in self._signer.hashes(account):
                return nonce, stamp
        return None, None
