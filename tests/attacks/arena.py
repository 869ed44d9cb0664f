"""A real server in production, on the network, that is to be attacked: whole, or with one of its defences switched off.

    @attack("S2", off="origins_are_not_checked")
    async def open_a_socket_from_another_page(target: Target) -> list[str]:
        ...  # what got through

An attack returns the names of what got through. It is run on the whole server, where that must be nothing; and, with
`--proofs`, with the defence off, where it must be something, else the attack proves nothing. Whatever it takes beside
the target is a fixture, like `browser`.
"""

import asyncio
import inspect
import os
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from notifs import Settings
from notifs.signing import Signer
from notifs.store import Store, sessions
from notifs.store.accounts import Person
from notifs.store.database import Database
from tests.programs import Child
from tests.servers import clean_environment
from tests.web.site import CHEAP
from tests.wire import http_client

LAUNCHER = Path(__file__).with_name("launcher.py")
PRODUCTION = {"NOTIFS_ENVIRONMENT": "production", "NOTIFS_SECRET_KEY": "the secret of the server that is attacked"}
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Target:
    """A server that is attacked, as its attacker sees it; and its database, as its owner does.

    `defended` tells whether it is whole: for an attack that has to wait longer where it is to fail.
    """

    url: str
    store: Store
    settings: Settings
    defended: bool
    child: Child

    @property
    def lines(self) -> list[str]:
        """What the server has printed so far."""
        return list(self.child.lines)

    async def person(self, name: str, *, password_hash: str = CHEAP) -> Person:
        """A new account NAME@example.org; its password is PASSWORD."""
        return await self.store.add_user(f"{name}@example.org", name.capitalize(), password_hash)

    async def cookie(self, person: Person) -> str:
        """The Cookie header of a new sign-in, made without the form."""
        token = secrets.token_urlsafe(32)
        key = Signer(self.settings.secret_keys).hashes(token)[0]
        await self.store.database.write(lambda c: sessions.start(c, person.id, key, 1))
        return f"{'__Host-notifs' if self.settings.production else 'notifs'}={token}"

    @asynccontextmanager
    async def visitor(self, person: Person | None = None, **headers: str) -> AsyncIterator[httpx2.AsyncClient]:
        """Somebody with a client that is no browser: it sends no header by itself but the cookie of `person`."""
        cookie = {"cookie": await self.cookie(person)} if person else {}
        async with http_client(self.url, headers={**cookie, **headers}, timeout=30) as client:
            yield client


@asynccontextmanager
async def serving(
    folder: Path, database_url: str, off: str = "", env: Mapping[str, str] | None = None, *args: str
) -> AsyncIterator[Target]:
    """A target on a migrated database, with settings of `env` on top."""
    variables = {**PRODUCTION, "NOTIFS_DATABASE_URL": database_url, **(env or {})}
    command = [sys.executable, str(LAUNCHER), "serve", "--port", "0", *args]
    settings = _settings(variables)
    with Child(
        command,
        ready=r"notifs is ready: (http://\S+)",
        env={**clean_environment(), **variables, "ATTACKS_OFF": off},
        cwd=folder,
    ) as child:
        ready = await asyncio.to_thread(child.wait_ready)
        database = Database(settings.database_url)
        try:
            yield Target(ready[1], await Store(database).open(), settings, not off, child)
        finally:
            await database.close()


def _settings(variables: Mapping[str, str]) -> Settings:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        return Settings.load()
    finally:
        os.environ.clear()
        os.environ.update(before)


Attack = Callable[..., Awaitable[list[str]]]


def attack(
    number: str,
    *,
    off: str,
    env: Mapping[str, str] | None = None,
    args: tuple[str, ...] = (),
    database: str = "sqlite",
    redis: bool = False,
) -> Callable[[Attack], Any]:
    """Make a test of an attack.

    Args:
        number: of the requirement in docs/security.md, like S2.
        off: the defence, by the name of its function in `defences.py`; several with commas between.
        env: settings of the server.
        args: of `notifs serve`.
        database: `sqlite`, or `postgres` for one that can be taken away.
        redis: whether there is a Redis; the attacker finds it in `target.settings.redis_url`.
    """

    def decorate(run: Attack) -> Any:
        cases = [(True, database, redis), (False, database, redis)]

        @pytest.mark.parametrize(
            ("defended", "kind", "redis_url"), cases, ids=["defended", "open"], indirect=["redis_url"]
        )
        async def test(defended: bool, tmp_path: Path, database_url: str, redis_url: str, **fixtures: Any) -> None:
            variables = {**(env or {}), "NOTIFS_REDIS_URL": redis_url}
            async with serving(tmp_path, database_url, "" if defended else off, variables, *args) as target:
                through = await run(target, **fixtures)
            if defended:
                assert through == [], f"{number}: {', '.join(through)} got through"
            else:
                assert through, f"{number}: nothing gets through with {off} off, so the attack proves nothing"

        _, *wanted = inspect.signature(run).parameters.values()
        *known, _ = inspect.signature(test).parameters.values()
        test.__signature__ = inspect.Signature([*known, *wanted])
        test.__doc__ = run.__doc__
        test.attack = number, off
        return test

    return decorate
