"""What people see of their own account, and what they may do to it: as forms, without JavaScript."""

import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import httpx2
import pytest

from notifs import Notifs, Settings
from notifs.store import identities
from notifs.store.accounts import Person
from notifs.store.identities import Claimed
from notifs.web.agents import browser
from tests.web.site import HTML, PASSWORD, Document, Site, cookies, page, serve, sign_in, submit
from tests.wire import Client

NEW = "a moth in the relay of panel F"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
PROVIDER = {
    "discovery_url": "https://id.example.org/.well-known/openid-configuration",
    "client_id": "notifs",
    "client_secret": "known to both",
    "label": "Example ID",
}


@pytest.fixture
async def elsewhere(site: Site, ada: Person) -> AsyncIterator[httpx2.AsyncClient]:
    """Ada's other browser, where she has signed in by the form."""
    async with site.visitor(None, **{"user-agent": FIREFOX}) as visitor:
        assert (await sign_in(visitor)).status_code == 303
        yield visitor


def _socket(site: Site, visitor: httpx2.AsyncClient) -> AbstractAsyncContextManager[Client]:
    return Client.open(site.url, headers=cookies(visitor))


async def _is_signed_in(visitor: httpx2.AsyncClient) -> bool:
    return (await visitor.get("/api/v1/inbox")).status_code == 200


async def _events(notifs: Notifs, person: Person) -> list[str]:
    return [line.event for line in await notifs.store.audit.read(person.id)]


async def test_it_is_for_who_is_signed_in(nobody: httpx2.AsyncClient) -> None:
    answer = await nobody.get("/account/", headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login/?next=%2Faccount%2F")
    for form in ("password", "sign-ins/end", "sign-ins/end-others"):
        assert (await nobody.post(f"/account/{form}/")).status_code == 401


async def test_the_name_on_every_page_leads_there(adas: httpx2.AsyncClient) -> None:
    assert "/account/" in (await page(adas)).hrefs
    assert "Ada · ada@example.org" in (await page(adas, "/account/")).text


async def test_a_new_password_ends_every_other_sign_in_and_its_sockets(
    site: Site, ada: Person, adas: httpx2.AsyncClient, elsewhere: httpx2.AsyncClient
) -> None:
    async with _socket(site, adas) as kept, _socket(site, elsewhere) as ended:
        await kept.message("snapshot")
        await ended.message("snapshot")
        form = (await page(adas, "/account/")).form("Change password")
        told = await submit(adas, form, current=PASSWORD, new=NEW)
        assert "Your password is changed. You are signed out everywhere else." in told.text
        await ended.end()
        await site.notifs.notify(to=ada.id, title="after")
        await kept.message("created")
        assert "after" not in "".join(ended.frames)
    assert await _is_signed_in(adas)
    assert not await _is_signed_in(elsewhere)
    assert (await sign_in(elsewhere)).status_code == 401
    assert (await sign_in(elsewhere, password=NEW)).status_code == 303
    assert "password_changed" in await _events(site.notifs, ada)


@pytest.mark.parametrize(
    ("current", "new", "status", "told"),
    [
        ("wrong", NEW, 401, "This is not your password."),
        (PASSWORD, "too short", 400, "at least 12 characters"),
        (PASSWORD, "x" * 1025, 400, "at most 1024 bytes"),
        (PASSWORD, "password1234", 400, "easy to guess"),
        (PASSWORD, "ada@example.org", 400, "easy to guess"),
        (PASSWORD, "q" * 40 + NEW, 400, "easy to guess"),
    ],
)
async def test_a_password_that_cannot_be_changed_so_stays(
    site: Site,
    ada: Person,
    adas: httpx2.AsyncClient,
    elsewhere: httpx2.AsyncClient,
    current: str,
    new: str,
    status: int,
    told: str,
) -> None:
    answer = await adas.post("/account/password/", data={"current": current, "new": new}, headers=HTML)
    assert (answer.status_code, told in answer.text) == (status, True)
    assert new not in answer.text or new == ada.email
    (wrong,) = [a for tag, a in Document(answer).tags if tag == "input" and a.get("aria-invalid")]
    assert wrong["name"] == ("current" if status == 401 else "new")
    assert str(wrong["aria-describedby"]).endswith(f"{wrong['name']}-error")
    assert await _is_signed_in(elsewhere)
    assert (await sign_in(elsewhere)).status_code == 303
    assert "password_changed" not in await _events(site.notifs, ada)


@pytest.mark.parametrize("new", ["äöü ßÄÖ ÜẞŁ ŻŚĆ", " .  .., ; - _ ' #", "1 2 4 8 16 32 64 129", NEW + "q" * 40])
async def test_a_password_may_have_any_characters(adas: httpx2.AsyncClient, new: str) -> None:
    answer = await adas.post("/account/password/", data={"current": PASSWORD, "new": new})
    assert (answer.status_code, answer.headers.get("location")) == (303, "/account/?done=password")
    assert (await sign_in(adas, password=new)).status_code == 303


async def test_who_finds_a_browser_open_cannot_try_out_passwords_there(sqlite_url: str) -> None:
    async with serve(Settings(database_url=sqlite_url, sign_in_tries=3)) as site:
        ada = await site.person("ada")
        async with site.visitor(ada) as visitor:
            tries = [
                await visitor.post("/account/password/", data={"current": f"try {n}", "new": NEW}) for n in range(4)
            ]
            assert [answer.status_code for answer in tries] == [401, 401, 401, 429]
            answer = await visitor.post("/account/password/", data={"current": PASSWORD, "new": NEW})
            assert (answer.status_code, "Too many tries" in answer.text) == (429, True)
            assert 14 * 60 < int(answer.headers["retry-after"]) <= 16 * 60
            lines = [line for line in await site.notifs.store.audit.read(ada.id) if line.event.startswith("sign_in")]
            assert [(line.event, line.address) for line in lines] == [
                ("sign_in_limited", "127.0.0.1"), *[("sign_in_failed", "127.0.0.1")] * 3,
            ]  # fmt: skip


async def test_new_passwords_that_are_refused_are_tries_too(sqlite_url: str) -> None:
    async with serve(Settings(database_url=sqlite_url, sign_in_tries=3)) as site:
        ada = await site.person("ada")
        async with site.visitor(ada) as visitor:
            easy = {"current": PASSWORD, "new": "password1234"}
            tries = [(await visitor.post("/account/password/", data=easy)).status_code for _ in range(4)]
            assert tries == [400, 400, 400, 429]
        async with site.visitor(ada) as visitor:
            for old, new in ((PASSWORD, NEW), (NEW, PASSWORD)) * 3:
                assert (await visitor.post("/account/password/", data={"current": old, "new": new})).status_code == 303


async def test_the_list_says_from_where_and_with_what_one_is_signed_in(
    adas: httpx2.AsyncClient, elsewhere: httpx2.AsyncClient
) -> None:
    document = await page(elsewhere, "/account/")
    assert "Firefox on Linux" in document.text
    assert "127.0.0.1" in document.text
    assert document.text.count("this one") == 1
    assert [form.label for form in document.forms if form.label.startswith("End: ")] == ["End: Unknown"]


async def test_one_sign_in_ends_with_its_sockets_and_the_others_stay(
    site: Site, ada: Person, adas: httpx2.AsyncClient, elsewhere: httpx2.AsyncClient
) -> None:
    async with _socket(site, elsewhere) as client:
        await client.message("snapshot")
        form = (await page(adas, "/account/")).form("End: Firefox on Linux")
        assert "That sign-in is ended." in (await submit(adas, form)).text
        await client.end()
    assert not await _is_signed_in(elsewhere)
    assert await _is_signed_in(adas)
    assert (await _events(site.notifs, ada))[0] == "session_ended"
    again = await adas.post(form.action, data=form.fields)
    assert (again.status_code, again.json()["code"]) == (404, "not_found")


async def test_all_others_end_at_once(
    site: Site, ada: Person, adas: httpx2.AsyncClient, elsewhere: httpx2.AsyncClient
) -> None:
    async with _socket(site, elsewhere) as client, site.visitor(ada) as third:
        await client.message("snapshot")
        document = await submit(adas, (await page(adas, "/account/")).form("End all others"))
        await client.end()
        assert not await _is_signed_in(third)
    assert not [form for form in document.forms if form.label.startswith("End")]
    assert await _is_signed_in(adas)
    (line,) = [line for line in await site.notifs.store.audit.read(ada.id) if line.event == "session_ended"]
    assert (line.detail, line.actor, line.address) == ({"count": 2}, None, "127.0.0.1")


async def test_somebody_elses_sign_in_is_none(
    notifs: Notifs, adas: httpx2.AsyncClient, graces: httpx2.AsyncClient, grace: Person
) -> None:
    (line,) = await notifs.store.accounts.sign_ins(grace.id)
    answers = [
        await adas.post("/account/sign-ins/end/", data={"id": id}) for id in (str(line.id), str(uuid.uuid4()), "x", "")
    ]
    assert {(answer.status_code, answer.text.partition('"instance"')[0]) for answer in answers} == {
        (404, answers[1].text.partition('"instance"')[0])
    }
    assert await _is_signed_in(graces)


async def test_recent_activity_is_ones_own_and_goes_on_page_by_page(
    notifs: Notifs, adas: httpx2.AsyncClient, ada: Person, grace: Person
) -> None:
    await notifs.store.audit.record("password_reset", grace.id)
    for n in range(12):
        await notifs.store.audit.record("sign_in_failed", ada.id, address=f"192.0.2.{n}")
    await notifs.store.audit.record("session_ended", ada.id, actor=grace.id, count=1)
    await notifs.store.audit.record("session_ended", ada.id, actor="cli", count=1)
    first = await page(adas, "/account/?done=ended")
    assert first.text.count("A sign-in failed") == 8
    assert "192.0.2.11" in first.text
    assert "by an admin" in first.text
    assert "from the command line" in first.text
    assert grace.id not in first.source
    older = await page(adas, first.links["Older"])
    assert older.text.count("A sign-in failed") == 4
    assert "The account was made" in older.text
    assert "Older" not in older.links
    for odd in ("x", "", str(uuid.uuid4()), "%00"):
        assert (await adas.get(f"/account/?before={odd}", headers=HTML)).status_code == 200
    assert "reset link" not in (first.text + older.text)


async def test_the_page_says_nothing_that_its_address_makes_up(adas: httpx2.AsyncClient) -> None:
    assert "told" not in (await page(adas, "/account/?done=Call+555-1234")).source


async def test_providers_are_linked_and_unlinked_here(sqlite_url: str) -> None:
    settings = Settings(database_url=sqlite_url, providers={"example": PROVIDER})
    async with serve(settings) as site:
        ada = await site.person("ada")
        async with site.visitor(ada) as visitor:
            assert (await page(visitor, "/account/")).form("Link Example ID").action == "/account/link/example/"
            claimed = Claimed("example", "https://id.example.org", "ada-1", "ada@id.example.org")
            await site.notifs.store.database.write(lambda c: identities.link(c, ada.id, claimed))
            form = (await page(visitor, "/account/")).form("Unlink: Example ID")
            assert form.action == "/account/unlink/"
            assert form.fields == {"issuer": "https://id.example.org", "subject": "ada-1"}


async def test_who_has_no_password_is_told_how_to_get_one(site: Site) -> None:
    bob = await site.person("bob", password_hash="")
    async with site.visitor(bob) as visitor:
        document = await page(visitor, "/account/")
        assert "An admin can make you a link to set one." in document.text
        assert not [form for form in document.forms if form.label == "Change password"]
        answer = await visitor.post("/account/password/", data={"current": "", "new": NEW})
        assert answer.status_code == 401


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Linux"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1 Version/26.0 Safari/605.1",
            "Safari on macOS",
        ),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) CriOS/142.0 Mobile Safari/604.1", "Chrome on iPhone"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36 Edg/142.0",
            "Edge on Windows",
        ),
        ("Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "Another program"),
        ("<script>alert(1)</script>", "Another program"),
        (None, "Unknown"),
    ],
)
def test_browsers_are_called_what_people_call_them(agent: str | None, words: str) -> None:
    assert browser(agent) == words
