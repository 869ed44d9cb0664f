"""Tokens of a host application (JWT, RFC 7519): who brings one is its subject, until it expires.

What is believed is fixed by the settings and here (RFC 8725): the keys, the algorithms, whose tokens, for whom. Nothing
that a token says of itself can widen that. To verify one takes no I/O, so that it can be done while a socket joins.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Self

from joserfc.errors import ClaimError, ExpiredTokenError
from joserfc.jwt import JWTClaimsRegistry
from starlette.datastructures import Headers
from starlette.types import Scope

from notifs.errors import InvalidToken
from notifs.identity import UNTIL, Identify, Verified
from notifs.settings import Settings
from notifs.store.names import is_name
from notifs.tokens.keys import Keys, PublicKeys, Secrets

LIMIT = 8192
"""Characters of a token."""
LONGEST = 24 * 3600
"""Seconds that a token may still be good for: one that is stolen is worth something for no longer."""
LEEWAY = 30
"""Seconds that the issuer's clock may be ahead of ours."""
TYPES = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})
"""What a token may call itself (RFC 9068); a token for a logout, say, opens nothing."""


class Tokens:
    """Verifies tokens.

    Args:
        keys: those that sign them.
        issuer: their `iss`.
        audience: is, or is in, their `aud`.
        clock: seconds since 1970.
    """

    def __init__(self, keys: Keys, *, issuer: str, audience: str, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As the settings say, which take tokens."""
        keys = Secrets(settings.token_secrets) if settings.token_secrets else PublicKeys(settings.token_keys_url)
        return cls(keys, issuer=settings.token_issuer, audience=settings.token_audience)

    def start(self) -> None:
        """Begin to fetch keys, if they are to be fetched."""
        self._keys.start()

    async def close(self) -> None:
        """Fetch no keys any more."""
        await self._keys.close()

    def verify(self, token: object) -> Verified:
        """Whose it is, and for how long.

        Raises:
            InvalidToken: `token_expired`, or `invalid_token` for whatever else is wrong with it.
        """
        if not isinstance(token, str) or len(token) > LIMIT:
            raise InvalidToken(f"a token is a JWT of at most {LIMIT} characters")
        try:
            return self._verified(token)
        except ExpiredTokenError:
            raise InvalidToken("this token has expired; come with a fresh one", code="token_expired") from None
        except ClaimError as wrong:
            raise InvalidToken(
                f"this token is not for here, or not yet: its {wrong.claim} is missing or wrong"
            ) from None
        except InvalidToken:
            raise
        except Exception:  # whatever a library makes of what a stranger has sent
            raise InvalidToken("this is no token that is believed here") from None

    def _verified(self, text: str) -> Verified:
        token, now = self._keys.read(text), self._clock()
        if str(token.header.get("typ", "")).lower() not in TYPES:
            raise InvalidToken("this token is made for something else; its header's typ is to be JWT")
        self._expected(int(now)).validate(token.claims)
        seconds = token.claims["exp"] - now
        if seconds <= 0:
            raise ExpiredTokenError("exp")
        if seconds > LONGEST:
            raise InvalidToken(f"this token is good for too long; let it expire within {LONGEST // 3600} hours")
        recipient = token.claims["sub"]
        if not is_name(recipient):
            raise InvalidToken("this token's sub is no recipient id, which is 1 to 200 printable characters")
        return Verified(recipient, seconds)

    def _expected(self, now: int) -> JWTClaimsRegistry:
        return JWTClaimsRegistry(
            now,
            LEEWAY,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    def beside(self, identify: Identify) -> Identify:
        """An Identify that takes a token in `Authorization: Bearer` from whom `identify` does not know."""

        async def either(scope: Scope) -> str | None:
            recipient = await identify(scope)
            token = _bearer(scope)
            if recipient is not None or token is None:
                return recipient
            verified = self.verify(token)
            scope[UNTIL] = asyncio.get_running_loop().time() + verified.seconds
            return verified.recipient

        return either


def _bearer(scope: Scope) -> str | None:
    """What stands in `Authorization: Bearer` (RFC 6750), or None."""
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
