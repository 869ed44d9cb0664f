"""The pages of accounts, and all that they may have to say, in a script that no English is written in.

It is written from right to left, too.
"""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from notifs import Settings
from notifs.store import identities
from notifs.store.accounts import Person
from notifs.store.audit import EVENTS
from notifs.store.identities import Claimed
from tests.web.site import CHEAP, HTML, PASSWORD, Document, Site, serve, sign_in
from tests.web.test_account import FIREFOX, NEW, PROVIDER

SPOKEN = ("aria-label", "title", "placeholder", "alt")
NAMES = {"notifs", "Firefox", "Linux", "Example", "ID", "example", "API", "UTC", "k", "ci"}
"""What is called the same in every language."""
ADRIFT = re.compile(r"</?(?!bdi>|title>)\w+(?![^>]* dir=)[^>]*>[^<]*@[^<]*")
"""An address in the middle of words that are written the other way."""
DETAIL: dict[str, dict[str, Any]] = {
    "signed_in": {"provider": "example"},
    "sign_in_failed": {"provider": "example", "reason": "provider_denied"},
    "sign_in_limited": {"per": "network"},
    "session_ended": {"count": 3},
    "key_used": {"key": "k1", "producer": "ci"},
}


@pytest.fixture
async def site(sqlite_url: str) -> AsyncIterator[Site]:
    """A site with a provider, and a line of each kind in its audit log."""
    async with serve(Settings(database_url=sqlite_url, providers={"example": PROVIDER}, sign_in_tries=5)) as site:
        yield site


@pytest.fixture
async def root(site: Site) -> Person:
    root = await site.notifs.store.add_user("root@example.org", "ندى", CHEAP, admin=True)
    for actor in (None, "cli", root.id):
        for event in EVENTS:
            await site.notifs.store.audit.record(event, root.id, actor=actor, address="::1", **DETAIL.get(event, {}))
    return root


@pytest.fixture
async def roots(site: Site, root: Person) -> AsyncIterator[httpx2.AsyncClient]:
    async with site.visitor(None, **HTML, **{"accept-language": "ar", "user-agent": FIREFOX}) as visitor:
        assert (await sign_in(visitor, root.email)).status_code == 303
        yield visitor


async def test_nothing_on_a_page_is_left_in_english(site: Site, root: Person, roots: httpx2.AsyncClient) -> None:
    ada = await site.notifs.store.add_user("ada@example.org", "آدا", CHEAP)
    bob = await site.notifs.store.add_user("bob@example.org", "بوب", "")
    claimed = Claimed("example", "https://elsewhere.example.org", "root-1", "root@id.example.org")
    await site.notifs.store.database.write(lambda c: identities.link(c, root.id, claimed))
    link = await site.notifs.reset_link(root.id, site.url)
    left = {
        path: amiss(Document(await roots.get(path)))
        for path in (
            "/account/", "/account/?done=password", "/account/?done=unlinked", "/account/?before=0", "/nowhere/",
            "/admin/", "/admin/?q=0000", "/admin/person/?id=0", f"/admin/person/?id={root.id}",
            f"/admin/person/?id={ada.id}&done=enable", f"/admin/person/?id={bob.id}", "/admin/audit/",
            "/login/0/", "/login/example/callback/", link, "/reset/0/",
        )
    }  # fmt: skip
    posts = [
        ("/account/password/", {"current": "0", "new": NEW}), ("/account/password/", {"current": PASSWORD, "new": "0"}),
        ("/account/password/", {"current": PASSWORD, "new": "password1234"}), ("/account/sign-ins/end/", {"id": "0"}),
        ("/account/link/example/", {"password": "0"}), ("/account/unlink/", {"issuer": "0", "subject": "0"}),
        ("/admin/person/disable/", {"id": root.id}), ("/admin/person/reset-link/", {"id": ada.id}), (link, {}),
        ("/account/password/", {"current": "0", "new": NEW}), ("/account/password/", {"current": "0", "new": NEW}),
    ]  # fmt: skip
    for number, (path, form) in enumerate(posts):
        left[f"{number} {path}"] = amiss(Document(await roots.post(path, data=form)))
    await site.notifs.store.accounts.disable(ada.id)
    left["disabled"] = amiss(Document(await roots.get(f"/admin/person/?id={ada.id}")))
    assert {path: said for path, said in left.items() if said} == {}


async def test_values_are_filled_in_where_the_language_has_them(
    site: Site, root: Person, roots: httpx2.AsyncClient
) -> None:
    roots.headers["accept-language"] = "de"
    shown = Document(await roots.get("/admin/audit/", params={"event": "sign_in_failed"})).text
    assert "Eine Anmeldung ist fehlgeschlagen" in shown
    assert "Grund: Beim Anbieter nicht angemeldet" in shown
    assert "über die Kommandozeile" in shown
    account = Document(await roots.get("/account/")).text
    assert "Firefox unter Linux" in account
    assert "Mit Example ID verknüpfen" in account
    answer = await roots.post("/account/password/", data={"current": PASSWORD, "new": "short"})
    assert "Ein Passwort hat mindestens 12 Zeichen und höchstens 1024 Bytes." in Document(answer).text
    for _ in range(5):
        answer = await roots.post("/account/password/", data={"current": "wrong", "new": NEW})
    assert re.search(r"Zu viele Versuche. Warten Sie 1[56] Min. und", Document(answer).text)


async def test_who_has_no_password_is_told_so_too(site: Site) -> None:
    bob = await site.notifs.store.add_user("bob@example.org", "بوب", "")
    async with site.visitor(bob, **HTML, **{"accept-language": "ar"}) as visitor:
        assert amiss(Document(await visitor.get("/account/"))) == set()


def amiss(document: Document) -> set[str]:
    """What in a page is not for who reads Arabic: other words than names, and addresses without their own direction."""
    html = next(attributes for tag, attributes in document.tags if tag == "html")
    assert (html["lang"], html["dir"]) == ("ar", "rtl")
    told = [value for _, attributes in document.tags for name, value in attributes.items() if name in SPOKEN and value]
    text = re.sub(r"\S+@\S+|[0-9a-f]{8}-[0-9a-f-]{27}", "", " ".join([document.text, *told]))
    return (set(re.findall(r"[A-Za-z]+", text)) - NAMES) | set(ADRIFT.findall(document.source))
