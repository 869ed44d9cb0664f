"""Sign-ins: an opaque cookie in the browser, a row with its keyed hash on the server, gone at once when ended."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from itertools import chain

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from notifs.addresses import address_of
from notifs.errors import NotifsError
from notifs.gather import Gather
from notifs.identity import SESSION
from notifs.signing import Signer
from notifs.store import sessions
from notifs.store.accounts import Person
from notifs.store.database import Database
from notifs.store.models import utcnow
from notifs.store.sessions import Arrival, Found
from notifs.web.render import PERSON

_TOKEN_BYTES = 32
NOTED = timedelta(minutes=5)
"""When a session was last used is written this often at most."""


class Sessions:
    """Reads and writes the session cookie.

    Args:
        database: where sessions are.
        signer: keys the stored hash.
        days: until a session ends by itself.
        idle_hours: without a request, after which it ends too; 0 for any number.
        secure: whether cookies are for HTTPS only, under the `__Host-` prefix (RFC 6265bis).
    """

    def __init__(self, database: Database, signer: Signer, *, days: int, idle_hours: int, secure: bool) -> None:
        self._database = database
        self._signer = signer
        self._days = days
        self._idle_hours = idle_hours
        self.secure = secure
        self._gathered = Gather(self._find)
        self._note = Gather(self._write_use)
        self._noting: set[asyncio.Task[None]] = set()
        self.cookie = "__Host-notifs" if secure else "notifs"

    async def person(self, scope: Scope) -> Person | None:
        """Whose session this connection carries; looked up once per connection."""
        if PERSON not in scope:
            scope[PERSON] = scope[SESSION] = None
            for key in self._keys(scope):
                found = await self._look_up(key, scope)
                if found is not None:
                    scope[PERSON], scope[SESSION] = found.person, key
                    break
        person: Person | None = scope[PERSON]
        return person

    async def _look_up(self, key: str, scope: Scope) -> Found | None:
        # After a restart sockets come by the thousand; requests do not, and none of them shall wait for others.
        if scope["type"] == "websocket":
            return await self._gathered(key)
        return (await self._find([key]))[0]

    async def _find(self, keys: Sequence[str]) -> list[Found | None]:
        found = await self._database.read(lambda c: sessions.find(c, keys, self._idle_hours))
        self._use(found)
        return [found.get(key) for key in keys]

    async def identify(self, scope: Scope) -> str | None:
        """The built-in Identify."""
        person = await self.person(scope)
        return person.id if person else None

    def _keys(self, scope: Scope) -> list[str]:
        """What the connection's cookie may be stored as, whether it is worth anything or not."""
        token = HTTPConnection(scope).cookies.get(self.cookie)
        return self._signer.hashes(token) if token else []

    async def start(self, scope: Scope, person: Person, response: Response, arrival: Arrival | None = None) -> None:
        """Begin a new session, with a new id, and give it to the browser."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        key = self._signer.hashes(token)[0]
        came = arrival or self.arrival(scope)
        await self._database.write(lambda c: sessions.start(c, person.id, key, self._days, came))
        response.set_cookie(
            self.cookie, token, max_age=self._days * 86_400, httponly=True, secure=self.secure, samesite="lax"
        )

    def arrival(self, scope: Scope) -> Arrival:
        """From where, and with which browser, a request comes."""
        return Arrival(address_of(scope), HTTPConnection(scope).headers.get("user-agent"))

    async def end(self, scope: Scope) -> str | None:
        """End the connection's session, if it has one. Returns its key, by which its sockets are known."""
        await self.person(scope)
        key: str | None = scope[SESSION]
        if key is not None:
            await self._database.write(lambda c: sessions.end(c, key))
        return key

    def forget(self, response: Response) -> None:
        """Take the cookie out of the browser."""
        response.delete_cookie(self.cookie, httponly=True, secure=self.secure, samesite="lax")

    async def live(self, keys: Sequence[str]) -> set[str]:
        """Those of `keys` that have not ended."""
        return set(await self._database.read(lambda c: sessions.find(c, keys, self._idle_hours)))

    async def drain(self) -> None:
        """Wait until it is written when sessions were last used: before the database is closed."""
        await asyncio.gather(*self._noting)

    def _use(self, found: Mapping[str, Found]) -> None:
        noted = utcnow() - NOTED
        if due := [key for key, each in found.items() if each.seen_at <= noted]:
            task = asyncio.get_running_loop().create_task(self._note_use(due))
            self._noting.add(task)
            task.add_done_callback(self._noting.discard)

    async def _note_use(self, keys: Sequence[str]) -> None:
        with suppress(NotifsError):  # who asks who they are need not know
            await self._note(keys)

    async def _write_use(self, parts: Sequence[Sequence[str]]) -> Sequence[None]:
        keys = list(dict.fromkeys(chain.from_iterable(parts)))
        await self._database.write(lambda c: sessions.note(c, keys))
        return [None] * len(parts)
