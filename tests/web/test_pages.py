"""The inbox as a page: everything in it works without JavaScript, and nothing in it is more than text."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from notifs import Notifs
from notifs.store.accounts import Person
from tests.web.site import HTML, Document, Site, page, submit

PAYLOADS = [
    "<script>alert(1)</script>", "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)", "' autofocus onfocus='alert(1)", "</template><svg onload=alert(1)>", "<!--<script>",
    "]]><script>alert(1)</script>", "{{ 7 * 7 }}{% raw %}", "&lt;script&gt;", "\u2028\u2029", "<\u202egpj.exe>",
]  # fmt: skip


def rows(titles: str) -> list[str]:
    """The titles n1, n2 .. in a page's text, in its order."""
    return re.findall(r"\bn\d+\b", titles)


def timeless(message: dict[str, Any]) -> list[dict[str, Any]]:
    """A message's notifications without the words for their age, which may change between two answers."""
    return [{**notif, "received_at": None} for notif in message["notifs"]]


async def test_the_page_has_what_is_unread_and_hands_the_same_to_its_script(
    notifs: Notifs, ada: Person, adas: httpx2.AsyncClient
) -> None:
    await notifs.notify(to=ada.id, title="n1", body="its body", actor={"name": "Grace Hopper"}, url="/posts/7")
    await notifs.notify(to=ada.id, title="n2", priority="urgent")
    inbox = await page(adas)
    assert rows(inbox.text) == ["n2", "n1"]
    for words in ("2 unread", "its body", "Today", "Urgent", "Ada", "GH"):
        assert words in inbox.text
    island = inbox.island
    assert (island["transport"], island["filter"]) == ("socket", "unread")
    assert timeless(island["message"]) == timeless((await adas.get("/api/v1/inbox")).json())
    assert (island["message"]["notif_count"], island["message"]["unseen_count"]) == (2, 2)


async def test_every_form_does_what_its_button_says(notifs: Notifs, ada: Person, adas: httpx2.AsyncClient) -> None:
    await notifs.notify(to=ada.id, title="n1")
    await notifs.notify(to=ada.id, title="n2")
    inbox = await submit(adas, (await page(adas)).form("Mark as read: n1"))
    assert rows(inbox.text) == ["n2"]
    everything = await page(adas, inbox.links["All"])
    assert rows(everything.text) == ["n2", "n1"]
    everything = await submit(adas, everything.form("Mark as unread: n1"))
    assert (rows(everything.text), everything.island["filter"]) == (["n2", "n1"], "all")
    everything = await submit(adas, everything.form("Archive: n2"))
    assert rows(everything.text) == ["n1"]
    archived = await page(adas, everything.links["Archived"])
    assert rows(archived.text) == ["n2"]
    assert "Nothing is archived." in (await submit(adas, archived.form("Move back to the inbox: n2"))).text
    inbox = await page(adas)
    assert rows(inbox.text) == ["n2", "n1"]
    await notifs.notify(to=ada.id, title="n3")
    inbox = await submit(adas, inbox.form("Mark all as read"))
    assert rows(inbox.text) == ["n3"]
    assert "Sign in" in (await submit(adas, inbox.form("Sign out"))).text


async def test_what_is_snoozed_is_brought_back(notifs: Notifs, ada: Person, adas: httpx2.AsyncClient) -> None:
    for title in ("n1", "n2"):
        await notifs.notify(to=ada.id, title=title)
    everything = await page(adas, "/notifications/?filter=all")
    asked = await page(adas, everything.links["Snooze: n1"])
    everything = await submit(adas, asked.form("For a week"), days="7")
    assert (rows(everything.text), everything.island["filter"]) == (["n2"], "all")
    snoozed = await page(adas, everything.links["Snoozed"])
    assert rows(snoozed.text) == ["n1"]
    (notif,) = snoozed.island["message"]["notifs"]
    due = datetime.fromisoformat(notif["snoozed_until"])
    assert timedelta(days=6.9) < due - datetime.now(UTC) < timedelta(days=7)
    assert f"until {due.day} {due:%B}" in snoozed.text
    snoozed = await submit(adas, snoozed.form("End the snooze: n1"))
    assert "Nothing is snoozed." in snoozed.text
    assert rows((await page(adas)).text) == ["n2", "n1"]


@pytest.mark.parametrize("days", [None, "", "0", "367", "-1", "1.5", "٣", "9" * 30])
async def test_a_snooze_without_a_number_of_days_changes_nothing(
    notifs: Notifs, ada: Person, adas: httpx2.AsyncClient, days: str | None
) -> None:
    id = await notifs.notify(to=ada.id, title="n1")
    data = {} if days is None else {"days": days}
    assert (await adas.post(f"/notifications/{id}/snooze/", data=data, headers=HTML)).status_code == 400
    assert rows((await page(adas)).text) == ["n1"]


async def test_a_search_goes_by_a_form_and_stays_from_page_to_page(
    notifs: Notifs, ada: Person, adas: httpx2.AsyncClient
) -> None:
    for number in range(1, 121):
        await notifs.notify(to=ada.id, title=f"n{number} {'even' if number % 2 == 0 else 'odd'}")
    form = (await page(adas, (await page(adas)).links["Search in titles"])).form("Search")
    answer = await adas.get(form.action, params={**form.fields, "text": "EVEN"}, headers=HTML)
    found = Document(answer)
    (host,) = [attributes for tag, attributes in found.tags if tag == "notifs-inbox"]
    assert (host["filter"], host["text"]) == ("unread", "EVEN")
    assert [notif["title"] for notif in found.island["message"]["notifs"]][:2] == ["n120 even", "n119 odd"]
    assert [notif["title"] for notif in found.island["found"]["notifs"]][:2] == ["n120 even", "n118 even"]
    assert rows(found.text) == [f"n{number}" for number in range(120, 20, -2)]
    assert found.form("Search").fields["text"] == "EVEN"
    found = await page(adas, found.links["Load older"])
    assert rows(found.text) == [f"n{number}" for number in range(20, 0, -2)]
    found = await submit(adas, found.form("Archive: n2 even"))
    assert rows(found.text)[-1] == "n4"
    archived = await page(adas, found.links["Archived"])
    assert rows(archived.text) == ["n2"]
    nothing = await page(adas, "/notifications/?text=%3Ci%3E")
    assert "Nothing found: “<i>”." in nothing.text
    assert rows((await page(adas, nothing.links["Clear the search"])).text)[0] == "n120"


async def test_what_is_not_found_is_told_in_words(notifs: Notifs, ada: Person, adas: httpx2.AsyncClient) -> None:
    for name in ("Benjamin", "Ben"):
        await notifs.notify(to=ada.id, title="n1", actor={"id": "u-7", "name": name})
    path = "/notifications/?text=n2&actor=u-7&kind=comment.posted"
    assert "Nothing found: “n2”, From Ben, Comment posted." in (await page(adas, path)).text
    german = await adas.get(path, headers={**HTML, "accept-language": "de"})
    assert "Nichts gefunden: “n2”, Von Ben, Comment posted." in Document(german).text
    assert "Nothing found: From u-8." in (await page(adas, "/notifications/?actor=u-8")).text


async def test_paging_reaches_the_oldest_of_120_and_comes_back(
    notifs: Notifs, ada: Person, adas: httpx2.AsyncClient
) -> None:
    for number in range(1, 121):
        await notifs.notify(to=ada.id, title=f"n{number}")
    seen, document = list[str](), await page(adas)
    assert "Back to the newest" not in document.links
    while True:
        seen += rows(document.text)
        if "Load older" not in document.links:
            break
        document = await page(adas, document.links["Load older"])
    assert seen == [f"n{number}" for number in range(120, 0, -1)]
    document = await submit(adas, document.form("Archive: n1"))
    assert rows(document.text)[-1] == "n2"
    assert rows((await page(adas, document.links["Archived"])).text) == ["n1"]
    newest = await page(adas, document.links["Back to the newest"])
    assert rows((await page(adas, newest.links["Load older"])).text)[0] == "n70"


async def test_an_empty_inbox_says_so(adas: httpx2.AsyncClient) -> None:
    inbox = await page(adas)
    assert "You are all caught up." in inbox.text
    assert "No notifications yet." in (await page(adas, inbox.links["Show all notifications"])).text
    assert "Nothing is archived." in (await page(adas, inbox.links["Archived"])).text


async def test_a_garbled_address_shows_the_inbox(notifs: Notifs, ada: Person, adas: httpx2.AsyncClient) -> None:
    await notifs.notify(to=ada.id, title="n1")
    for query in (
        "text=%00",
        f"text={'x' * 201}",
        "kind=",
        "filter=x",
        "filter=%3Cscript%3E",
        "before=x",
        "before=-1",
        f"before={'9' * 40}",
        "before=٣",
    ):
        document = await page(adas, f"/notifications/?{query}")
        assert rows(document.text) == ["n1"]
        assert document.count("script") == 2


@pytest.mark.parametrize("up_to", [None, "", "garbage", "0123456789abcdef:1"])
async def test_mark_all_without_a_cursor_of_ours_changes_nothing(
    notifs: Notifs, ada: Person, adas: httpx2.AsyncClient, up_to: str | None
) -> None:
    await notifs.notify(to=ada.id, title="n1")
    answer = await adas.post(
        "/notifications/read-all/", data={"up_to": up_to} if up_to is not None else {}, headers=HTML
    )
    assert answer.status_code == 400
    assert len(await notifs.get_unread_notifs(ada.id)) == 1


async def test_nobody_sees_anothers_inbox(notifs: Notifs, ada: Person, graces: httpx2.AsyncClient) -> None:
    id = await notifs.notify(to=ada.id, title="secret")
    for path in ("/notifications/", "/notifications/?filter=all&before=99", f"/notifications/{id}/read/"):
        assert "secret" not in (await graces.get(path, headers=HTML)).text


async def test_whatever_is_in_a_field_stays_text(notifs: Notifs, site: Site) -> None:
    eve = await notifs.store.add_user("<eve>\"'@example.org", "<img src=x onerror=alert(1)>", "no hash")
    fields: list[dict[str, Any]] = [
        {
            "title": text, "body": text, "actor": {"name": text, "id": text}, "group": text, "data": {text: [text]},
            "actions": [{"label": text, "url": "/a\"onclick=\"alert(1)"}], "url": "/p'\"><svg/onload=alert(1)>",
            "icon": "/i\"onerror=\"alert(1)",
        }
        for text in PAYLOADS
    ]  # fmt: skip
    for each in fields:
        await notifs.notify(to=eve.id, **each)
    async with site.visitor(eve) as visitor:
        inbox = await page(visitor)
        assert (inbox.count("script"), inbox.count("template")) == (2, 2)
        assert timeless(inbox.island["message"]) == timeless((await visitor.get("/api/v1/inbox")).json())
        island = inbox.source.partition('id="notifs-island">')[2].partition("</script>")[0]
        assert not set("<>&") & set(island)
        links = [notif["mark_read"] for notif in inbox.island["message"]["notifs"]]
        for document in [inbox, *[await page(visitor, link) for link in links]]:
            assert document.count("img") == (len(PAYLOADS) if document is inbox else 0)
            assert not [name for _, attributes in document.tags for name in attributes if name.startswith("on")]
            assert "49" not in re.findall(r"[\w ]*49[\w ]*", document.text.replace("{{ 7 * 7 }}", ""))
        for text in PAYLOADS:
            assert text in inbox.text


@pytest.mark.parametrize("link", ["https://example.org/?a=1&b=2", "/posts/7?x=<y>"])
async def test_an_addressee_can_go_where_it_leads(
    notifs: Notifs, ada: Person, adas: httpx2.AsyncClient, link: str
) -> None:
    await notifs.notify(to=ada.id, title="n1", url=link)
    (notif,) = await notifs.get_unread_notifs(ada.id)
    assert notif["mark_read"] in (await page(adas)).hrefs
    await adas.post(notif["mark_read"])
    assert link in (await page(adas, "/notifications/?filter=all")).hrefs
