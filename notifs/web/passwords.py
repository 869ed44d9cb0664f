"""The one gate for all work on passwords: off the event loop, and only so much at once.

To check a password costs the server 64 MiB and tens of milliseconds of every core that it gets; whoever comes by when
the turns are taken waits for one, and the event loop does not.
"""

import hashlib
from collections.abc import Callable
from typing import TypeVar, Unpack

import anyio

from notifs.errors import ChangedMeanwhile
from notifs.store import accounts
from notifs.store.accounts import Person
from notifs.store.database import Database
from notifs.store.people import Accounts, By

TURNS = 2
T = TypeVar("T")


class Passwords:
    """Checks, hashes and replaces passwords.

    Args:
        database: where the accounts are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._accounts = Accounts(database)
        self._turns = anyio.CapacityLimiter(TURNS)

    async def whose(self, email: str, password: str) -> Person | None:
        """The person who signs in with this address, in its normal form, and this password.

        It takes as long for somebody as for nobody, a disabled account, and one that has no password.
        """
        known = await self._database.read(lambda c: accounts.by_email(c, email))
        person, password_hash = known or (None, None)
        return person if await self._verify(password_hash, password) else None

    async def right(self, person: Person, password: str) -> bool:
        """Whether this is the person's password."""
        return await self.whose(person.email, password) is not None

    async def hash(self, password: str) -> str:
        """What may be stored of a password."""
        return await self._work(accounts.hash_password, password)

    async def check_new(self, password: str, *known: str) -> None:
        """Refuse a password that nobody shall have; see `accounts.check_password`.

        Raises:
            BadRequest: `invalid_password` or `common_password`.
        """
        await self._work(accounts.check_password, password, *known)

    async def stamp(self, recipient: str) -> tuple[Person, str] | None:
        """A person, and a text that is another one as soon as their password is, and says nothing about it.

        None for nobody and for a disabled account.
        """
        found = await self._accounts.password(recipient)
        return (found[0], _stamp(found[1])) if found else None

    async def replace(
        self, person: Person, password: str, *, stamp: str, event: str, but: str | None = None, **by: Unpack[By]
    ) -> list[str]:
        """Set a person's password, which had this `stamp`, and end their sign-ins except that with the key `but`.

        Returns the keys of those that ended.

        Raises:
            BadRequest: `invalid_password` or `common_password`.
            ChangedMeanwhile: it has another stamp by now.
        """
        await self.check_new(password, person.email, person.name)
        password_hash = await self.hash(password)
        known = await self._accounts.password(person.id)
        if known is not None and _stamp(was := known[1]) == stamp:
            ended = await self._accounts.set_password(person.id, password_hash, was=was, event=event, but=but, **by)
            if ended is not None:
                return ended
        raise ChangedMeanwhile("the password was set meanwhile; sign in with the new one")

    async def _verify(self, password_hash: str | None, password: str) -> bool:
        if len(password.encode("utf-8", "replace")) > accounts.PASSWORD_MAX:
            return False  # nobody has one so long, and to hash it takes time
        return await self._work(accounts.verify_password, password_hash, password)

    async def _work(self, work: Callable[..., T], *args: str | None) -> T:
        return await anyio.to_thread.run_sync(work, *args, limiter=self._turns)


def _stamp(password_hash: str) -> str:
    return hashlib.sha256(password_hash.encode()).hexdigest()
