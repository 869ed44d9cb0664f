"""The conformance suite passes on our own server, and names what is wrong with one that is not right."""

import re
import sys
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
from notifs.testing.check import Result
from notifs.testing.checks import ALL
from notifs.testing.conformance import TIDY, conform, main
from notifs.testing.site import Account, Send, sign_in
from tests import servers
from tests.programs import run
from tests.shells import programs
from tests.testing.twist import Wrong
from tests.testing.wrong import WRONG, ClosesWithoutAReason
from tests.web.site import CHEAP
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


@asynccontextmanager
async def serving(database_url: str, folder: Path) -> AsyncIterator[Site]:
    # What another process has written the server finds by its head check; here that need not take long.
    env = {"NOTIFS_DATABASE_URL": database_url, "NOTIFS_HEAD_CHECK_SECONDS": "0.2"}
    async with Notifs(Settings(database_url=database_url)).open() as notifs:
        for email in (ADA, EVE):
            await notifs.store.add_user(email, email, CHEAP)
        async with servers.serving(env, cwd=folder) as served:
            yield Site(served.url, env, folder, notifs)


@pytest.fixture
async def site(database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    """A site on SQLite, and one on PostgreSQL."""
    async with serving(database_url, tmp_path) as site:
        yield site


@pytest.fixture
async def sqlite_site(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    """A site on SQLite."""
    async with serving(sqlite_url, tmp_path) as site:
        yield site


def failures(results: list[Result]) -> dict[str, str]:
    return {result.name: f"expected {result.expected}; came {result.came}" for result in results if not result.ok}


def people(site: Site) -> tuple[Account, Account]:
    return Account(ADA, sign_in(site.url, ADA, PASSWORD)), Account(EVE, sign_in(site.url, EVE, PASSWORD))


@pytest.mark.timeout(180)
async def test_our_own_server_conforms(site: Site) -> None:
    for number in range(3):
        await site.send(ADA, f"old {number}")
    assert failures(await conform(site.url, *people(site), site.send)) == {}


async def test_a_mailbox_that_is_full_conforms_and_stays_as_it_was(sqlite_site: Site) -> None:
    site = sqlite_site
    titles = [f"old {number}" for number in range(230)]
    for title in titles:
        await site.send(ADA, title)
    checks = {
        "connected_comes_first_then_a_snapshot",
        "pages_go_on_where_the_last_one_ended",
        "mark_all_read_leaves_what_came_later",
        "what_was_heard_is_what_is_stored",
    }
    assert failures(await conform(site.url, *people(site), site.send, only=checks)) == {}
    ada = await site.notifs.store.user(ADA)
    unread = await site.notifs.get_unread_notifs(ada.id)
    assert [each["title"] for each in unread] == titles[::-1]


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
    patience = 2 if expected and wrong is not ClosesWithoutAReason else 10
    async with wrong_server(wrong, sqlite_url) as (url, send):
        results = await conform(url, one, other, send, only=expected - {TIDY.name}, slow=True, patience=patience)
    failed = failures(results)
    assert expected - set(failed) == set()
    assert expected or failed == {}


def test_each_check_was_seen_to_fail() -> None:
    assert {name for names in WRONG.values() for name in names} == {check.name for check in (*ALL, TIDY)}


async def test_the_command_line_says_what_holds_and_what_does_not(sqlite_site: Site) -> None:
    site = sqlite_site
    send = "bin/notifs send {to} {title}"
    passwords = {"NOTIFS_CONFORMANCE_PASSWORD": PASSWORD, "NOTIFS_CONFORMANCE_OTHER_PASSWORD": PASSWORD}
    environment = {**servers.clean_environment(), **site.env, **passwords}
    checks = ["nobody_else_hears_of_it", "an_unknown_event_is_refused"]

    async def said(*more: str) -> tuple[int, str]:
        module = [sys.executable, "-m", "notifs.testing.conformance"]
        command = [*module, site.url, "--email", ADA, "--other-email", EVE, *more]
        status, lines = await run(command, env=environment, cwd=site.folder)
        return status, "".join(f"{line}\n" for line in lines)

    async with programs(site.folder / "bin"):
        status, output = await said("--send", send, *(word for name in checks for word in ("--only", name)))
    assert status == 0, output
    assert [line.split()[:2] for line in output.splitlines()[:-1]] == [
        ["ok", name] for name in (*checks[::-1], TIDY.name)
    ]
    status, output = await said("--send", "false {to} {title}", "--only", checks[0])
    assert status == 1
    assert f"FAILED  {checks[0]}" in output
    assert "expected: false ada@example.org" in output
    status, output = await said("--send", send, "--only", "no_such_check")
    assert (status, output) == (2, "conformance: there are no such checks: no_such_check\n")


def test_the_list_names_every_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert listed == [check.name for check in ALL]


def test_each_check_names_a_place_of_the_protocol() -> None:
    headings = re.findall(r"^#+ (.*)$", (servers.REPOSITORY / "docs" / "protocol.md").read_text(), re.MULTILINE)
    assert {check.place for check in ALL} - set(headings) == set()
