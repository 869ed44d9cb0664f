"""The conformance suite passes on our own server, and names what is wrong with one that is not right."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.types import Scope

from notifs import Notifs, Settings
from notifs.store.accounts import hash_password
from notifs.testing.check import Result
from notifs.testing.checks import ALL
from notifs.testing.conformance import TIDY, conform
from notifs.testing.site import Account, Send, sign_in
from tests import servers
from tests.testing.wrong import WRONG, Wrong
from tests.wire import listening

PASSWORD = "correct horse battery staple"
ADA, EVE = "ada@example.org", "eve@example.org"


@dataclass(frozen=True)
class Site:
    """A running `notifs serve` with two people."""

    url: str
    env: dict[str, str]
    folder: Path
    notifs: Notifs

    async def send(self, to: str, title: str) -> None:
        await self.notifs.notify(to=(await self.notifs.store.user(to)).id, title=title)


@pytest.fixture
async def site(database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    env = {"NOTIFS_DATABASE_URL": database_url}
    async with Notifs(Settings(database_url=database_url)).open() as notifs:
        for email in (ADA, EVE):
            await notifs.store.add_user(email, email, hash_password(PASSWORD))
        async with servers.serving(env, cwd=tmp_path) as served:
            yield Site(served.url, env, tmp_path, notifs)


def failures(results: list[Result]) -> dict[str, str]:
    return {result.name: f"expected {result.expected}; came {result.came}" for result in results if not result.ok}


async def test_our_own_server_conforms(site: Site) -> None:
    for number in range(230):  # nobody's mailbox is empty
        await site.send(ADA, f"old {number}")
    one, other = (Account(email, sign_in(site.url, email, PASSWORD)) for email in (ADA, EVE))
    results = await conform(site.url, one, other, site.send)
    assert failures(results) == {}


async def by_cookie(scope: Scope) -> str | None:
    """An Identify for tests: who the cookie `who` says, if it is one of the two."""
    found = SimpleCookie(Headers(scope=scope).get("cookie", "")).get("who")
    return found.value if found is not None and found.value in ("ada", "eve") else None


@asynccontextmanager
async def wrong_server(wrong: type[Wrong], sqlite_url: str) -> AsyncIterator[tuple[str, Send]]:
    """A server that is wrong in one way, and how a notification is made there."""
    notifs = Notifs(Settings(database_url=sqlite_url, head_check_seconds=60), identify=by_cookie)
    app = Starlette(lifespan=notifs.lifespan)
    notifs.mount(app)

    async def send(to: str, title: str) -> None:
        await notifs.notify(to=to, title=title)

    async with listening(wrong(app)) as url:
        yield url, send


@pytest.mark.parametrize("wrong", [Wrong, *WRONG], ids=lambda wrong: wrong.__name__)
async def test_a_server_that_is_wrong_is_told_what_is_wrong(wrong: type[Wrong], sqlite_url: str) -> None:
    expected = WRONG.get(wrong, set())
    one, other = Account("ada", "who=ada"), Account("eve", "who=eve")
    async with wrong_server(wrong, sqlite_url) as (url, send):
        results = await conform(url, one, other, send, only=expected - {TIDY.name}, patience=2 if expected else 10)
    failed = failures(results)
    assert expected - set(failed) == set()
    assert expected or failed == {}


def test_each_check_was_seen_to_fail() -> None:
    assert {name for names in WRONG.values() for name in names} == {check.name for check in (*ALL, TIDY)}
