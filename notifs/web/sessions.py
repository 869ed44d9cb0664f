"""Sign-ins: an opaque cookie in the browser, a row with its keyed hash on the server, gone at once when ended."""

import secrets
from collections.abc import Sequence

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from notifs.gather import Gather
from notifs.identity import SESSION
from notifs.store import accounts
from notifs.store.accounts import Person
from notifs.store.database import Database
from notifs.web.render import PERSON

_TOKEN_BYTES = 32


class Sessions:
    """Reads and writes the session cookie.

    Args:
        database: where sessions are.
        secret_key: keys the stored hash.
        days: until a session ends by itself.
        secure: whether cookies are for HTTPS only, under the `__Host-` prefix (RFC 6265bis).
    """

    def __init__(self, database: Database, secret_key: str, *, days: int, secure: bool) -> None:
        self._database = database
        self._secret_key = secret_key
        self._days = days
        self._secure = secure
        self._gathered = Gather(self._persons)
        self.cookie = "__Host-notifs" if secure else "notifs"

    async def person(self, scope: Scope) -> Person | None:
        """Whose session this connection carries; looked up once per connection."""
        if PERSON not in scope:
            key = self.key(scope)
            scope[PERSON] = await self._look_up(key, scope) if key else None
            scope[SESSION] = key
        person: Person | None = scope[PERSON]
        return person

    async def _look_up(self, key: str, scope: Scope) -> Person | None:
        # After a restart sockets come by the thousand; requests do not, and none of them shall wait for others.
        if scope["type"] == "websocket":
            return await self._gathered(key)
        return (await self._persons([key]))[0]

    async def _persons(self, keys: Sequence[str]) -> list[Person | None]:
        found = await self._database.read(lambda c: accounts.sessions(c, keys))
        return [found.get(key) for key in keys]

    async def identify(self, scope: Scope) -> str | None:
        """The built-in Identify."""
        person = await self.person(scope)
        return person.id if person else None

    def key(self, scope: Scope) -> str | None:
        """The stored key of the connection's cookie, whether it is worth anything or not."""
        token = HTTPConnection(scope).cookies.get(self.cookie)
        return accounts.hash_token(self._secret_key, token) if token else None

    async def start(self, person: Person, response: Response) -> None:
        """Begin a new session, with a new id, and give it to the browser."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        key = accounts.hash_token(self._secret_key, token)
        await self._database.write(lambda c: accounts.start_session(c, person.id, key, self._days))
        response.set_cookie(
            self.cookie, token, max_age=self._days * 86_400, httponly=True, secure=self._secure, samesite="lax"
        )

    async def end(self, scope: Scope) -> str | None:
        """End the connection's session, if it has one. Returns its key, by which its sockets are known."""
        key = self.key(scope)
        if key is not None:
            await self._database.write(lambda c: accounts.end_session(c, key))
        return key

    def forget(self, response: Response) -> None:
        """Take the cookie out of the browser."""
        response.delete_cookie(self.cookie, httponly=True, secure=self._secure, samesite="lax")

    async def live(self, keys: Sequence[str]) -> set[str]:
        """Those of `keys` that have not ended."""
        return set(await self._database.read(lambda c: accounts.sessions(c, keys)))
