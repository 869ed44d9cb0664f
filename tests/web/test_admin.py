"""What admins see and may do, and that nobody else does."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest

from notifs import Notifs, Settings
from notifs.errors import NotFound
from notifs.store.accounts import Person
from tests.web.site import CHEAP, HTML, PASSWORD, Document, Site, cookies, page, serve, sign_in, submit
from tests.wire import Client

PAGES = ("/admin/", "/admin/person/?id={id}", "/admin/audit/")
ACTS = ("disable", "enable", "end", "grant", "revoke", "reset-link")


@pytest.fixture
async def root(site: Site) -> Person:
    return await site.notifs.store.add_user("root@example.org", "Root", CHEAP, admin=True)


@pytest.fixture
async def roots(site: Site, root: Person) -> AsyncIterator[httpx2.AsyncClient]:
    """An admin's browser, signed in."""
    async with site.visitor(root) as visitor:
        yield visitor


async def _person(visitor: httpx2.AsyncClient, person: Person) -> Document:
    return await page(visitor, f"/admin/person/?id={person.id}")


def _labels(document: Document) -> set[str]:
    return {form.label for form in document.forms if form.action.startswith("/admin/person/")}


async def test_to_who_is_no_admin_there_is_nothing(
    notifs: Notifs, adas: httpx2.AsyncClient, ada: Person, grace: Person
) -> None:
    nothing = await adas.get("/nowhere/")
    assert nothing.status_code == 404
    for path in PAGES:
        answer = await adas.get(path.format(id=grace.id))
        assert (answer.status_code, answer.json()["detail"]) == (404, nothing.json()["detail"])
        assert (await adas.get(path.format(id=grace.id), headers=HTML)).status_code == 404
    for act in ACTS:
        answer = await adas.post(f"/admin/person/{act}/", data={"id": ada.id if act == "grant" else grace.id})
        assert (answer.status_code, answer.json()["detail"]) == (404, nothing.json()["detail"])
    assert not (await notifs.store.accounts.get(ada.id)).person.admin
    assert (await notifs.store.accounts.get(grace.id)).disabled_at is None
    assert not [href for href in (await page(adas, "/account/")).hrefs if "admin" in str(href)]


async def test_what_no_address_has_in_it_is_not_looked_for(postgres_url: str) -> None:
    """PostgreSQL does not take text with a NUL in it."""
    async with serve(Settings(database_url=postgres_url)) as site:
        root = await site.notifs.store.add_user("root@example.org", "Root", CHEAP, admin=True)
        grace = await site.person("grace")
        async with site.visitor(root) as visitor:
            found = await page(visitor, "/admin/?q=gr%00ace&after=%00")
            assert [href for href in found.hrefs if "/person/" in str(href)] == [f"/admin/person/?id={grace.id}"]
            await page(visitor, "/admin/audit/?person=%00")


async def test_nobody_is_asked_to_sign_in(nobody: httpx2.AsyncClient, ada: Person) -> None:
    for path in PAGES:
        assert (await nobody.get(path.format(id=ada.id))).status_code == 401
    for act in ACTS:
        assert (await nobody.post(f"/admin/person/{act}/", data={"id": ada.id})).status_code == 401
    assert (await nobody.get("/admin/", headers=HTML)).headers["location"] == "/login/?next=%2Fadmin%2F"


async def test_who_is_an_admin_no_more_is_none_at_once(site: Site, root: Person, roots: httpx2.AsyncClient) -> None:
    assert (await roots.get("/admin/")).status_code == 200
    await site.notifs.store.accounts.set_admin(root.id, False)
    assert (await roots.get("/admin/")).status_code == 404


async def test_people_are_listed_with_what_matters(
    site: Site, ada: Person, grace: Person, roots: httpx2.AsyncClient
) -> None:
    async with site.visitor() as visitor:
        await sign_in(visitor)
    await site.notifs.store.accounts.disable(grace.id)
    document = await page(roots, "/admin/")
    assert [words for words in document.links if "@" in words] == [
        "ada@example.org", "grace@example.org", "root@example.org",
    ]  # fmt: skip
    assert document.text.count("disabled") == document.text.count("admin") == 1
    assert document.text.count("no sign-in on record") == 2
    assert "/admin/" in (await page(roots, "/account/")).hrefs


async def test_many_people_are_found_page_by_page_and_by_a_part_of_their_address(
    notifs: Notifs, roots: httpx2.AsyncClient
) -> None:
    for n in range(120):
        await notifs.store.add_user(f"p{n:03}@{'a_c' if n % 2 else 'abc'}.example", f"P {n}", "x")
    found, path = [], "/admin/?q=.example"
    while path:
        document = await page(roots, path)
        shown = [words for words in document.links if words.endswith(".example")]
        assert len(shown) <= 50
        found += shown
        path = document.links.get("More", "")
    assert found == [f"p{n:03}@{'a_c' if n % 2 else 'abc'}.example" for n in range(120)]
    document = await page(roots, "/admin/?q=P00")
    assert len([words for words in document.links if words.endswith(".example")]) == 10
    for odd, count in (("a_c", 50), ("%", 0), ("'", 0), ("\\", 0)):
        document = await page(roots, str(httpx2.URL("/admin/", params={"q": odd})))
        assert len([words for words in document.links if words.endswith("_c.example")]) == count, odd
        assert not [words for words in document.links if words.endswith("abc.example")], odd


async def test_disabling_ends_sign_ins_and_sockets_and_enabling_lets_in_again(
    site: Site, root: Person, roots: httpx2.AsyncClient, ada: Person, adas: httpx2.AsyncClient
) -> None:
    async with Client.open(site.url, headers=cookies(adas)) as socket:
        await socket.message("snapshot")
        document = await submit(roots, (await _person(roots, ada)).form("Disable"))
        assert "The account is disabled." in document.text
        await socket.end()
    assert (await adas.get("/api/v1/inbox")).status_code == 401
    assert (await sign_in(adas)).status_code == 401
    assert _labels(document) == {"Enable", "Make admin"}
    document = await submit(roots, document.form("Enable"))
    assert "The account is enabled." in document.text
    assert (await adas.get("/api/v1/inbox")).status_code == 401
    assert (await sign_in(adas)).status_code == 303
    lines = [line for line in await site.notifs.store.audit.read(ada.id) if line.event.startswith("account_")]
    assert [(line.event, line.actor, line.address) for line in lines[:2]] == [
        ("account_enabled", root.id, "127.0.0.1"),
        ("account_disabled", root.id, "127.0.0.1"),
    ]


async def test_an_admin_ends_all_sign_ins_of_a_person(
    site: Site, roots: httpx2.AsyncClient, ada: Person, adas: httpx2.AsyncClient
) -> None:
    async with Client.open(site.url, headers=cookies(adas)) as socket:
        await socket.message("snapshot")
        document = await submit(roots, (await _person(roots, ada)).form("End all sign-ins"))
        assert "They are signed out everywhere." in document.text
        await socket.end()
    assert (await adas.get("/api/v1/inbox")).status_code == 401
    assert "End all sign-ins" not in _labels(document)
    assert (await sign_in(adas)).status_code == 303


async def test_an_admin_makes_a_reset_link_that_is_shown_once(
    site: Site, root: Person, roots: httpx2.AsyncClient, ada: Person, nobody: httpx2.AsyncClient
) -> None:
    document = await submit(roots, (await _person(roots, ada)).form("Make a reset link"))
    (link,) = [a["value"] for tag, a in document.tags if tag == "input" and a.get("id") == "link"]
    assert str(link).startswith(f"{site.url}/reset/")
    assert "/reset/" not in (await _person(roots, ada)).source
    assert (await nobody.get(str(link))).status_code == 200
    (line,) = [line for line in await site.notifs.store.audit.read(ada.id) if line.event == "reset_link_made"]
    assert line.actor == root.id
    assert str(link).split("/")[-2] not in str(line)


async def test_the_link_is_of_the_site_that_the_settings_name(sqlite_url: str) -> None:
    async with serve(Settings(database_url=sqlite_url)) as site:
        origins = ("https://notifs.example", site.url)
        root = await site.notifs.store.add_user("root@example.org", "Root", CHEAP, admin=True)
        cookie = {"cookie": await site.cookie(root)}
    async with serve(Settings(database_url=sqlite_url, origins=origins)) as site:
        headers = {**cookie, "host": "notifs.example", "sec-fetch-site": "same-origin"}
        async with site.visitor(None, **headers) as visitor:
            answer = await visitor.post("/admin/person/reset-link/", data={"id": root.id})
            assert 'value="https://notifs.example/reset/' in answer.text


async def test_admins_make_admins_and_none_of_them(
    site: Site, root: Person, roots: httpx2.AsyncClient, ada: Person, adas: httpx2.AsyncClient
) -> None:
    document = await submit(roots, (await _person(roots, ada)).form("Make admin"))
    assert "They are an admin now." in document.text
    assert (await adas.get("/admin/")).status_code == 200
    await submit(roots, document.form("Revoke admin"))
    assert (await adas.get("/admin/")).status_code == 404
    events = [(line.event, line.actor) for line in await site.notifs.store.audit.read(ada.id)]
    assert events[:2] == [("admin_revoked", root.id), ("admin_granted", root.id)]


async def test_nobody_locks_themselves_out(notifs: Notifs, root: Person, roots: httpx2.AsyncClient) -> None:
    assert _labels(await _person(roots, root)) == {"Make a reset link", "End all sign-ins"}
    for act in ("disable", "revoke"):
        answer = await roots.post(f"/admin/person/{act}/", data={"id": root.id})
        assert (answer.status_code, answer.json()["code"]) == (400, "own_account")
    account = await notifs.store.accounts.get(root.id)
    assert (account.person.admin, account.disabled_at) == (True, None)


async def test_who_is_unknown_is_not_there(roots: httpx2.AsyncClient, ada: Person) -> None:
    for id in ("nobody", "", "a@b", "@", "x" * 300, "\n"):
        answer = await roots.get("/admin/person/", params={"id": id})
        assert (answer.status_code, answer.json()["detail"]) == (404, "there is no such account")
        for act in ACTS:
            assert (await roots.post(f"/admin/person/{act}/", data={"id": id})).status_code == 404


async def test_ids_of_the_hosts_own_lead_to_their_people(notifs: Notifs, roots: httpx2.AsyncClient) -> None:
    odd = await notifs.store.add_user("odd@example.org", "Odd", "x", "a/b?c=d&e #<f>")
    document = await page(roots, "/admin/")
    document = await page(roots, document.links["odd@example.org"])
    assert odd.id in document.text
    assert "The account is disabled." in (await submit(roots, document.form("Disable"))).text


async def test_the_audit_log_is_narrowed_by_person_and_event_and_goes_on_page_by_page(
    notifs: Notifs, root: Person, roots: httpx2.AsyncClient, ada: Person, grace: Person
) -> None:
    for n in range(60):
        await notifs.store.audit.record("sign_in_failed", ada.id, address=f"192.0.2.{n}")
    await notifs.store.audit.record("session_ended", grace.id, actor=root.id, count=7)
    await notifs.store.audit.record("key_refused", None, address="198.51.100.1")
    first = await page(roots, "/admin/audit/")
    assert "198.51.100.1" in first.text
    assert "count: 7" in first.text
    assert f"/admin/person/?id={grace.id}" in first.hrefs
    assert f"/admin/person/?id={root.id}" in first.hrefs
    narrowed = await page(roots, "/admin/audit/?person=ADA@example.org&event=sign_in_failed")
    assert _lines(narrowed) == [f"192.0.2.{n}" for n in range(59, 9, -1)]
    older = await page(roots, narrowed.links["Older"])
    assert _lines(older) == [f"192.0.2.{n}" for n in range(9, -1, -1)]
    assert "Older" not in older.links
    assert _lines(await page(roots, "/admin/audit/?person=grace@example.org&event=sign_in_failed")) == []
    assert _lines(await page(roots, "/admin/audit/?person=nobody")) == []
    everything = await page(roots, "/admin/audit/?event=' OR 1=1&before=x")
    assert "198.51.100.1" in everything.text


async def test_what_people_call_themselves_is_text_there(
    notifs: Notifs, roots: httpx2.AsyncClient, adas: httpx2.AsyncClient
) -> None:
    eve = await notifs.store.add_user("<eve>\"'@example.org", "<img src=x onerror=alert(1)>", "x", "<b>'\"&")
    await notifs.store.audit.record("session_ended", eve.id, actor="<i>", address="<u>", what="<s>")
    for document in (await page(roots, "/admin/"), await page(roots, "/admin/audit/"), await _person_of(roots, eve)):
        assert not {"img", "b", "i", "u", "s"} & {tag for tag, _ in document.tags}
        assert eve.email in document.text


def _lines(document: Document) -> list[str]:
    """The addresses of the lines, in the order of the page."""
    return re.findall(r"192\.0\.2\.\d+", document.source)


async def _person_of(visitor: httpx2.AsyncClient, person: Person) -> Document:
    return await page(visitor, (await page(visitor, "/admin/")).links[person.email])


async def test_accounts_of_the_host_have_no_such_pages(sqlite_url: str) -> None:
    async def somebody(scope: object) -> str:
        return "42"

    notifs = Notifs(Settings(database_url=sqlite_url), identify=somebody)
    paths = {getattr(route, "path", "") for route in notifs.routes()}
    assert not [path for path in paths if path.startswith(("/admin", "/account", "/reset", "/login"))]
    await notifs.store.database.close()


async def test_a_disabled_account_is_found_by_who_looks_after_it_only(notifs: Notifs, ada: Person) -> None:
    await notifs.store.accounts.disable(ada.id)
    assert await notifs.store.accounts.disable(ada.id) is None
    assert (await notifs.store.accounts.get("ADA@example.org")).person == ada
    with pytest.raises(NotFound):
        await notifs.store.user(ada.email)
    assert PASSWORD not in str(await notifs.store.accounts.get(ada.id))
