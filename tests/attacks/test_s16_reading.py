"""S16: to look at something changes nothing."""

import re
import sqlite3
from html import unescape
from typing import Any

import httpx2
from playwright.async_api import Browser

from notifs.store.accounts import Person
from tests.attacks.arena import Target, attack
from tests.attacks.routes import addresses
from tests.attacks.visits import luring, visiting
from tests.samples import notification
from tests.web.site import HTML

LINK = re.compile(r'(?:href|src)="(/[^"]*)"')
USE = {"notifs_sessions": "seen_at"}
"""Columns that tell when somebody was here last, by their tables."""
REFUSALS = {"notifs_audit", "notifs_counts"}
"""Where it is written down that somebody was refused, for want of a key, say."""


def contents(target: Target) -> dict[str, list[Any]]:
    """Everything that is in the database."""
    with sqlite3.connect(f"file:{target.settings.sqlite_path}?mode=ro", uri=True) as database:
        database.row_factory = sqlite3.Row
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {table: [dict(row) for row in database.execute(f'SELECT * FROM "{table}"')] for table in tables}
    return {t: [{k: v for k, v in row.items() if k != USE.get(t)} for row in rows[t]] for t in rows}


def changed(before: dict[str, list[Any]], after: dict[str, list[Any]]) -> list[str]:
    """The tables that are not as they were."""
    return [table for table in before if table not in REFUSALS and before[table] != after[table]]


async def crawl(client: httpx2.AsyncClient, paths: set[str]) -> set[str]:
    """Get these addresses, and all that their pages link to. Returns what was asked for."""
    asked, ahead = set[str](), set(paths)
    while ahead - asked:
        path = (ahead - asked).pop()
        asked.add(path)
        answer = await client.get(path)
        assert answer.status_code < 500, path
        if answer.headers.get("content-type", "").startswith("text/html"):
            ahead |= {unescape(link) for link in LINK.findall(answer.text)}
    return asked


async def notified(target: Target) -> tuple[Person, list[str]]:
    """A person with three unread notifications, and where each is marked as read."""
    ada = await target.person("ada")
    sent = [notification(f"number {n}", url="/nothing") for n in range(3)]
    for each in sent:
        await target.store.create(each, [ada.id])
    return ada, [f"/notifications/{each.id}/read/" for each in sent]


@attack("S16", off="reading_marks_as_read")
async def test_to_follow_every_link_changes_nothing(target: Target) -> list[str]:
    """As a crawler, a virus scanner or a preview would, with somebody's cookie."""
    ada, marks = await notified(target)
    async with target.visitor(ada, **HTML) as client:
        before = contents(target)
        paths = {path for method, path in addresses(target) if method == "GET"}
        asked = await crawl(client, paths | set(marks))
        for path in paths:
            await client.request("HEAD", path)
            await client.request("OPTIONS", path)
        assert {"/notifications/?filter=archived", *marks} <= asked
    return changed(before, contents(target))


LURE = """<!doctype html><title>wait</title>
<link rel="prefetch" href="{one}"><link rel="stylesheet" href="{two}"><img src="{three}"><iframe src="{one}"></iframe>
<embed src="{two}"><object data="{three}"></object><script src="{one}"></script><video src="{two}"></video>
<script type="speculationrules">{"prerender": [{"urls": ["{three}"]}]}</script>
<script>
const links = ["{one}", "{two}", "{three}"];
const ways = [{mode: "no-cors"}, {mode: "cors"}, {mode: "no-cors", method: "HEAD"}];
onload = () => Promise.allSettled(links.flatMap(link => ways.map(way => fetch(link, {credentials: "include", ...way}))))
    .then(() => { document.title = "done" });
</script>"""


@attack("S16", off="reading_marks_as_read")
async def test_what_another_page_loads_by_itself_marks_nothing(target: Target, browser: Browser) -> list[str]:
    """Images, frames, prefetches and fetches, from a page of the same site and from one of another."""
    ada, marks = await notified(target)
    lure = LURE
    for name, path in zip(("{one}", "{two}", "{three}"), marks, strict=True):
        lure = lure.replace(name, target.url + path)
    async with luring(lure) as lured, visiting(browser, target, ada) as visit:
        before = contents(target)
        for place in (lured.same_site, lured.other_site):
            await visit.page.goto(place)
            await visit.page.wait_for_function("document.title === 'done'")
        assert sum(url.startswith(target.url) for url in visit.asked) > 20
    return changed(before, contents(target))
