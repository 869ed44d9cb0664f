"""S28: what is no http(s) address and no path of this server is not taken, and not shown as a link if it was stored."""

import json
import re
from html import unescape

from notifs.store.accounts import Person
from tests.attacks.arena import Target, attack
from tests.attacks.ways import producer
from tests.samples import notification
from tests.test_urls import UNSAFE
from tests.web.site import HTML

LINK = re.compile(r'(?:href|src|action)="([^"]*)"')
HOSTILE = [url for url in UNSAFE if url and "\0" not in url]


@attack("S28", off="links_are_not_checked_when_written")
async def test_a_producer_cannot_send_one(target: Target) -> list[str]:
    ada, through = await target.person("ada"), []
    async with producer(target) as client:
        for url in HOSTILE:
            actor, actions = {"name": "x", "avatar": url}, [{"label": "x", "url": url}]
            fields = {"url": url, "icon": url, "actor": actor, "actions": actions}
            for name, value in fields.items():
                sent = {"to": [ada.id], "title": "one", name: value}
                answer = await client.post("/api/v1/notifications", json=sent)
                through += [f"{name} {url!r}"] if answer.status_code != 422 else []
    return through


async def stored(target: Target) -> Person:
    """A person with each of them in every field, written straight to the database."""
    ada = await target.person("ada")
    for url in HOSTILE:
        actor = {"id": None, "name": "Eve", "avatar": url}
        actions = [{"label": "x", "url": url, "method": "GET", "style": "default"}]
        sent = notification("one", url=url, icon=url, actor=actor, actions=actions)
        await target.store.create(sent, [ada.id])
    return ada


@attack("S28", off="links_are_not_checked_when_shown,pictures_come_from_anywhere")
async def test_a_stored_one_is_no_link(target: Target) -> list[str]:
    """In the pages as the server sends them, and in the standard form."""
    ada, through = await stored(target), []
    async with target.visitor(ada, **HTML) as client:
        path = "/notifications/?filter=all"
        while path:
            page = (await client.get(path)).text
            through += [f"page {url!r}" for url in map(unescape, LINK.findall(page)) if url in HOSTILE]
            older = re.search(r'href="([^"]*before=[^"]*)">Load older', page)
            path = unescape(older[1]) if older else ""
        page = json.dumps((await client.get("/api/v1/inbox?limit=100")).json())
        through += [f"form {url!r}" for url in HOSTILE if json.dumps(url) in page]
    return through
