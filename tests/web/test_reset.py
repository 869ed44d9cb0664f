"""Links that set a password: once, within an hour, and for nobody else."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from sqlalchemy import update

from notifs import Notifs, Settings
from notifs.errors import BadRequest, NotFound
from notifs.signing import Signer
from notifs.store.accounts import Person
from notifs.store.models import User
from notifs.web import reset
from tests.web.site import HTML, PASSWORD, SECRET, Document, Site, cookies, page, serve, sign_in, submit
from tests.wire import Client

NEW = "a moth in the relay of panel F"


@pytest.fixture
async def link(site: Site, ada: Person) -> str:
    return await site.notifs.reset_link(ada.id, site.url)


@pytest.fixture
async def other(sqlite_url: str) -> AsyncIterator[Site]:
    """Another worker of the same site."""
    async with serve(Settings(database_url=sqlite_url)) as other:
        yield other


async def _is_worthless(visitor: httpx2.AsyncClient, link: str) -> bool:
    """Whether a link leads to the page that says so, and sets nothing."""
    answers = [await visitor.get(link, headers=HTML), await visitor.post(link, data={"password": NEW}, headers=HTML)]
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1
    return answers[0].status_code == 404 and "This link is not good any more" in answers[0].text


async def test_a_link_sets_the_password_and_ends_every_sign_in_and_socket(
    site: Site, ada: Person, adas: httpx2.AsyncClient, nobody: httpx2.AsyncClient, link: str
) -> None:
    async with Client.open(site.url, headers=cookies(adas)) as socket:
        await socket.message("snapshot")
        document = await page(nobody, link)
        assert "ada@example.org" in document.text
        document = await submit(nobody, document.form("Set the password"), password=NEW)
        assert "Your password is set. Sign in with it." in document.text
        await socket.end()
    assert (await adas.get("/api/v1/inbox")).status_code == 401
    assert (await sign_in(nobody)).status_code == 401
    assert (await sign_in(nobody, password=NEW)).status_code == 303
    (line,) = [line for line in await site.notifs.store.audit.read(ada.id) if line.event == "password_reset"]
    assert (line.actor, line.address) == (None, "127.0.0.1")


async def test_it_works_once(nobody: httpx2.AsyncClient, link: str) -> None:
    assert (await nobody.post(link, data={"password": NEW})).status_code == 303
    assert await _is_worthless(nobody, link)


async def test_of_many_who_use_it_at_once_on_two_workers_one_succeeds(site: Site, other: Site, link: str) -> None:
    passwords = [f"{NEW} {n}" for n in range(8)]
    async with site.visitor() as here, other.visitor() as there:
        tries = [
            (here if n % 2 else there).post(link.removeprefix(site.url), data={"password": password})
            for n, password in enumerate(passwords)
        ]
        statuses = [answer.status_code for answer in await asyncio.gather(*tries)]
        assert sorted(statuses) == [303] + [404] * 7
        assert (await sign_in(here, password=passwords[statuses.index(303)])).status_code == 303


async def test_to_look_at_it_changes_nothing(nobody: httpx2.AsyncClient, link: str) -> None:
    for _ in range(3):
        assert (await nobody.get(link, headers={"sec-purpose": "prefetch", **HTML})).status_code == 200
    assert (await nobody.head(link)).status_code == 200
    assert (await sign_in(nobody)).status_code == 303
    assert (await nobody.post(link, data={"password": NEW})).status_code == 303


async def test_any_password_that_is_set_makes_every_link_from_before_worthless(
    site: Site, ada: Person, adas: httpx2.AsyncClient, nobody: httpx2.AsyncClient, link: str
) -> None:
    second = await site.notifs.reset_link(ada.id, site.url)
    await adas.post("/account/password/", data={"current": PASSWORD, "new": NEW})
    assert await _is_worthless(nobody, link)
    assert await _is_worthless(nobody, second)
    third = await site.notifs.reset_link(ada.id, site.url)
    assert (await nobody.post(third, data={"password": PASSWORD})).status_code == 303


async def test_bad_old_and_foreign_links_lead_to_one_and_the_same_page(
    site: Site, notifs: Notifs, ada: Person, nobody: httpx2.AsyncClient, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = link.split("/")[-2]
    stamp = Signer(notifs.settings.secret_keys).read("reset", token, seconds=60)
    assert isinstance(stamp, list)
    for foreign in (
        Signer([SECRET]).sign("reset", stamp),
        Signer(notifs.settings.secret_keys).sign("browser", stamp),
        Signer(notifs.settings.secret_keys).sign("reset", ["nobody", stamp[1]]),
        token[:-1],
        token.swapcase(),
        "x",
        ".." * 40,
        "x" * 4000,
    ):
        assert await _is_worthless(nobody, f"/reset/{foreign}/")
    monkeypatch.setattr(reset, "SECONDS", -1)
    assert await _is_worthless(nobody, link)
    monkeypatch.undo()
    async with notifs.session() as session:
        await session.execute(update(User).values(disabled_at=User.created_at))
    assert await _is_worthless(nobody, link)
    assert (await nobody.get("/reset/x/")).headers["referrer-policy"] == "strict-origin"


async def test_a_password_that_is_refused_leaves_the_link_good(nobody: httpx2.AsyncClient, link: str) -> None:
    for password, told in (("short", "at least 12"), ("ada@example.org", "easy to guess"), ("", "at least 12")):
        answer = await nobody.post(link, data={"password": password}, headers=HTML)
        assert (answer.status_code, told in answer.text) == (400, True)
        assert Document(answer).form("Set the password").action == link.removeprefix(str(nobody.base_url).rstrip("/"))
        assert answer.headers["referrer-policy"] == "strict-origin"
    assert (await nobody.post(link, data={"password": NEW})).status_code == 303


async def test_another_sites_page_cannot_send_the_form(nobody: httpx2.AsyncClient, link: str) -> None:
    headers = {"sec-fetch-site": "cross-site", "origin": "https://evil.example", "cookie": "a=b"}
    assert (await nobody.post(link, data={"password": NEW}, headers=headers)).status_code == 403
    assert (await sign_in(nobody)).status_code == 303


async def test_tries_are_counted_by_network(sqlite_url: str) -> None:
    async with serve(Settings(database_url=sqlite_url, sign_in_tries=1)) as site, site.visitor() as visitor:
        answers = [(await visitor.post("/reset/x/", data={"password": NEW})).status_code for _ in range(11)]
        assert answers == [404] * 10 + [429]


async def test_whoever_was_kept_out_by_others_gets_in_by_a_link(sqlite_url: str) -> None:
    async with serve(Settings(database_url=sqlite_url, sign_in_tries=1)) as site, site.visitor() as owner:
        ada = await site.person("ada")
        async with site.visitor() as attacker:
            for n in range(12):
                await sign_in(attacker, f"{n}@example.org" if n else ada.email, "x" * 1025)
        assert (await sign_in(owner)).status_code == 429
        await owner.post(await site.notifs.reset_link(ada.id, site.url), data={"password": NEW})
        async with site.visitor() as elsewhere:
            answers = [await sign_in(elsewhere, password=NEW, **{"x-forwarded-for": f"10.0.0.{n}"}) for n in (1, 2)]
            assert [answer.status_code for answer in answers] == [303, 303]
        assert (await sign_in(owner, password=NEW)).status_code == 303


async def test_who_has_no_password_gets_one_so(site: Site, nobody: httpx2.AsyncClient) -> None:
    bob = await site.person("bob", password_hash="")
    link = await site.notifs.reset_link(bob.id, site.url)
    assert (await nobody.post(link, data={"password": NEW})).status_code == 303
    assert (await sign_in(nobody, bob.email, NEW)).status_code == 303


async def test_a_link_leads_to_where_the_site_is(sqlite_url: str) -> None:
    origins = ("https://example.org", "https://www.example.org")
    async with Notifs(Settings(database_url=sqlite_url, origins=origins), path="/n").open() as notifs:
        ada = await notifs.store.add_user("ada@example.org", "Ada", "x")
        assert re.fullmatch(r"https://example\.org/n/reset/[A-Za-z0-9_.-]+/", await notifs.reset_link(ada.id))
        assert (await notifs.reset_link(ada.id, "https://other.example/")).startswith("https://other.example/n/reset/")
        with pytest.raises(NotFound):
            await notifs.reset_link("nobody")
        assert [line.event for line in await notifs.store.audit.read(ada.id)][:2] == ["reset_link_made"] * 2
    async with Notifs(Settings(database_url=sqlite_url)).open() as notifs:
        with pytest.raises(BadRequest) as refused:
            await notifs.reset_link(ada.id)
        assert refused.value.code == "no_origin"
