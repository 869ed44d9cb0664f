"""Where pictures come from: this host, and those that the settings name."""

import httpx2
import pytest

from notifs import Settings
from notifs.store.accounts import Person
from tests.samples import notification
from tests.web.site import Document, Site, page, serve

SELF = "'self'"
HOST = "https://images.example.org"
OURS, LISTED, OTHERS = "/a.png", f"{HOST}/a.png", "https://elsewhere.example/a.png"


def pictures(document: Document) -> list[str | None]:
    return [attributes.get("src") for tag, attributes in document.tags if tag == "img"]


@pytest.mark.parametrize(("hosts", "shown"), [((), [OURS]), ((HOST,), [LISTED, OURS])])
async def test_others_pictures_are_not_shown_unless_they_are_listed(
    sqlite_url: str, hosts: tuple[str, ...], shown: list[str]
) -> None:
    async with serve(Settings(database_url=sqlite_url, image_hosts=hosts)) as site:
        ada = await site.person("ada")
        for picture in (OURS, LISTED, OTHERS):
            await site.notifs.notify(to=ada.id, title="t", actor={"name": "Eve Adams", "avatar": picture})
            await site.notifs.notify(to=ada.id, title="t", icon=picture)
        async with site.visitor(ada) as visitor:
            document = await page(visitor)
            twice = [picture for picture in shown for _ in range(2)]
            assert pictures(document) == twice
            assert document.text.count("EA") == 3 - len(shown)
            answer = (await visitor.get("/api/v1/inbox")).json()["notifs"]
            told = [notif["icon"] or (notif["actor"] or {}).get("avatar") for notif in answer]
            assert [picture for picture in told if picture] == twice
            policy = (await visitor.get("/notifications/")).headers["content-security-policy"]
            assert f"img-src {' '.join((SELF, *hosts))};" in policy


async def test_what_was_stored_otherwise_is_shown_without_it(site: Site, ada: Person, adas: httpx2.AsyncClient) -> None:
    """By an older version, or by hand."""
    bad = "javascript:alert(1)"
    actions = [{"label": url, "url": url, "method": "GET", "style": "default"} for url in ("/a", bad)]
    stored = notification(url=bad, icon=bad, actor={"id": None, "name": "Eve", "avatar": bad}, actions=actions)
    await site.notifs.store.create(stored, [ada.id])
    (notif,) = await site.notifs.get_unread_notifs(ada.id)
    assert (notif["url"], notif["icon"], notif["actor"]) == (None, None, {"id": None, "name": "Eve", "avatar": None})
    assert [action["label"] for action in notif["actions"]] == ["/a"]
    assert bad not in (await page(adas)).source


async def test_a_link_that_leaves_does_not_say_where_from(site: Site, ada: Person, adas: httpx2.AsyncClient) -> None:
    for url in ("https://example.org/", "/posts/7"):
        await site.notifs.notify(to=ada.id, title=f"to {url}", url=url)
    links = [attributes for tag, attributes in (await page(adas)).tags if tag == "a"]
    assert [link.get("rel") for link in links if "/read/" in (link["href"] or "")] == [None, "noopener noreferrer"]
