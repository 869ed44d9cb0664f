"""The one gate for all work on passwords: off the event loop, and only so much at once.

To check a password costs the server 64 MiB and tens of milliseconds of every core that it gets; whoever comes by when
the turns are taken waits for one, and the event loop does not. Nobody waits longer than they would stay. To judge how
easily a new one is guessed may take longer, and has a turn of its own: who signs in does not wait for that.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, Unpack

import anyio

from notifs.errors import Busy, ChangedMeanwhile
from notifs.store import accounts
from notifs.store.accounts import Person
from notifs.store.database import Database
from notifs.store.people import Accounts, By

TURNS = 2
WAITING = 50
"""How many may wait for a turn: a second or two."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Known:
    """A person, and what was stored of their password when it was looked at."""

    person: Person
    password_hash: str = field(repr=False)

    @property
    def stamp(self) -> str:
        """A text that is another one as soon as the password is, and says nothing about it."""
        return hashlib.sha256(self.password_hash.encode()).hexdigest()


class Turns:
    """Work off the event loop: some at once, and no more that waits than anybody would.

    Args:
        most: at once.
    """

    def __init__(self, most: int) -> None:
        self._limiter = anyio.CapacityLimiter(most)
        self._left = most + WAITING

    async def run(self, work: Callable[..., T], *args: str | None) -> T:
        """What comes of `work`, in its turn.

        Raises:
            Busy: too many wait for one.
        """
        if not self._left:
            raise Busy("too many people give passwords just now; wait some seconds, then try again")
        self._left -= 1
        try:
            return await anyio.to_thread.run_sync(work, *args, limiter=self._limiter)
        finally:
            self._left += 1


class Passwords:
    """Checks, hashes and replaces passwords.

    Args:
        database: where the accounts are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._accounts = Accounts(database)
        self._turns = Turns(TURNS)
        self._judging = Turns(1)

    async def whose(self, email: str, password: str) -> Known | None:
        """Who signs in with this address, in its normal form, and this password.

        It takes as long for somebody as for nobody, a disabled account, and one that has no password. The password may
        be another one when this returns; see `Arrival.password_hash`.

        Raises:
            Busy: too many wait for a turn.
        """
        known = await self.at(email)
        return known if await self._verify(known.password_hash if known else None, password) else None

    async def at(self, email: str) -> Known | None:
        """Who has this address, in its normal form; None for nobody and for a disabled account."""
        found = await self._database.read(lambda c: accounts.by_email(c, email))
        return Known(*found) if found else None

    async def of(self, recipient: str) -> Known | None:
        """Who has this recipient id; None for nobody and for a disabled account."""
        found = await self._accounts.password(recipient)
        return Known(*found) if found else None

    async def check_new(self, password: str, *known: str) -> None:
        """Refuse a password that nobody shall have; see `accounts.check_password`.

        Raises:
            BadRequest: `invalid_password` or `common_password`.
            Busy: too many wait for a turn.
        """
        await self._judging.run(accounts.check_password, password, *known)

    async def replace(
        self, person: Person, password: str, *, stamp: str, event: str, but: str | None = None, **by: Unpack[By]
    ) -> list[str]:
        """Set a person's password, which had this `stamp`, and end their sign-ins except that with the key `but`.

        Returns the keys of those that ended.

        Raises:
            BadRequest: `invalid_password` or `common_password`.
            Busy: too many wait for a turn.
            ChangedMeanwhile: it has another stamp by now.
        """
        await self.check_new(password, person.email, person.name)
        password_hash = await self._turns.run(accounts.hash_password, password)
        known = await self.of(person.id)
        if known is not None and known.stamp == stamp:
            was = known.password_hash
            ended = await self._accounts.set_password(person.id, password_hash, was=was, event=event, but=but, **by)
            if ended is not None:
                return ended
        raise ChangedMeanwhile("the password was set meanwhile; sign in with the new one")

    async def _verify(self, password_hash: str | None, password: str) -> bool:
        if len(password.encode("utf-8", "replace")) > accounts.PASSWORD_MAX:
            return False  # nobody has one so long, and to hash it takes time
        return await self._turns.run(accounts.verify_password, password_hash, password)
