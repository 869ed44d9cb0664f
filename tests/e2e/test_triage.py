"""Triage, as people do it: by mouse, by keyboard, by finger. Real uvicorn, real Chromium."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, Route, WebSocketRoute, expect

from tests.e2e.conftest import EMAIL, Site, accessible, inbox, oldest, row, settled, titles, unread_tab
from tests.waiting import becomes
from tests.wire import http_client

CAUGHT_UP = "You are all caught up"
FOCUSED = """() => {
    const active = document.querySelector("notifs-inbox").shadowRoot.activeElement;
    return active?.closest("[data-id]")?.querySelector(".title").textContent.replace(/^\\s*Unread:/, "").trim() ?? "";
}"""
"""The title of the row that has the focus; empty if none has."""
PENDING = "document.querySelector('notifs-inbox').connection.pending.size"
"""How many rows are drawn as the server has not yet said that they are."""


async def send(site: Site, *sent: str | dict[str, Any]) -> None:
    """Notify Ada of each, the last one ending up on top."""
    ada = await site.notifs.store.user(EMAIL)
    for fields in sent:
        await site.notifs.notify(to=ada.id, **({"title": fields} if isinstance(fields, str) else fields))


def notice(page: Page) -> Locator:
    """The line that tells what was done."""
    return page.locator("notifs-inbox .notice")


def menu_item(page: Page, name: str | re.Pattern[str]) -> Locator:
    return inbox(page).get_by_role("menuitem", name=name)


async def undo(page: Page) -> None:
    await notice(page).get_by_role("button", name="Undo").click()


async def press(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)


async def focused(page: Page, title: str) -> None:
    """Wait until the row of this title has the focus."""
    await becomes(lambda: page.evaluate(FOCUSED), title)


async def shown(page: Page, *expected: str) -> None:
    """Wait until these are the titles in the inbox, from the top."""
    await becomes(lambda: titles(page), list(expected))


async def revision(site: Site, page: Page) -> int:
    """How many changes Ada's mailbox has seen, once the server has answered to all that was done on the page."""
    await becomes(lambda: page.evaluate(PENDING), 0)
    async with http_client(headers={"cookie": await site.cookie()}) as http:
        answer = await http.get(f"{site.url}/api/v1/inbox")
    return int(answer.json()["cursor"].rpartition(":")[2])


@pytest.fixture
async def ada(sqlite_site: Site, page: Page) -> Page:
    """Ada's page, with five notifications: one, two ... five, the newest on top."""
    await send(sqlite_site, "one", "two", "three", "four", "five")
    await sqlite_site.open(page)
    return page


async def test_every_act_is_undone(ada: Page) -> None:
    for name, told in (
        ("Mark as read: three", "Marked as read."),
        ("Archive: three", "Archived."),
    ):
        await inbox(ada).get_by_role("button", name=name).click()
        await expect(row(ada, "three")).to_have_count(0)
        await expect(notice(ada)).to_contain_text(told)
        await undo(ada)
        await expect(row(ada, "three")).to_be_visible()
        await expect(notice(ada)).to_be_empty()
    await ada.get_by_role("button", name="Mark all as read").click()
    await expect(ada.get_by_text(CAUGHT_UP)).to_be_visible()
    await undo(ada)
    await shown(ada, "five", "four", "three", "two", "one")


async def test_a_snooze_is_told_and_ended_and_undone(ada: Page) -> None:
    async def snooze() -> None:
        await inbox(ada).get_by_role("button", name="More: four").click()
        await menu_item(ada, "Snooze").click()

    await snooze()
    await menu_item(ada, re.compile("Tomorrow .*08:00")).click()
    await expect(row(ada, "four")).to_have_count(0)
    await expect(unread_tab(ada)).to_contain_text("4")
    await expect(notice(ada)).to_contain_text(re.compile("Snoozed until .*08:00"))
    await ada.get_by_role("tab", name="Snoozed").click()
    await expect(row(ada, "four")).to_contain_text(re.compile("until .*08:00"))
    await inbox(ada).get_by_role("button", name="More: four").click()
    await expect(menu_item(ada, "Snooze until another time")).to_be_visible()
    await press(ada, "Escape")
    await undo(ada)
    await expect(ada.get_by_text("Nothing is snoozed")).to_be_visible()
    await ada.get_by_role("tab", name="Unread").click()
    await expect(row(ada, "four")).to_be_visible()
    await snooze()
    await menu_item(ada, "Date and time").click()
    await inbox(ada).get_by_label("Snooze until").press("Enter")
    await expect(row(ada, "four")).to_have_count(0)
    await ada.get_by_role("tab", name="Snoozed").click()
    await inbox(ada).get_by_role("button", name="End the snooze: four").click()
    await ada.get_by_role("tab", name="All").click()
    await expect(row(ada, "four")).to_be_visible()


async def test_what_was_snoozed_comes_back_by_itself(sqlite_site: Site, page: Page) -> None:
    id = await sqlite_site.send("soon")
    await send(sqlite_site, "later than that")
    await sqlite_site.open(page)
    await inbox(page).get_by_role("button", name="Mark as read: soon").click()
    await page.get_by_role("tab", name="All").click()
    await shown(page, "later than that", "soon")
    until = (datetime.now(UTC) + timedelta(seconds=4)).isoformat()
    async with http_client(headers={"cookie": await sqlite_site.cookie()}) as http:
        origin = {"origin": sqlite_site.url}
        body = {"ids": [id], "until": until}
        answer = await http.post(f"{sqlite_site.url}/api/v1/inbox/snooze", json=body, headers=origin)
    assert answer.status_code == 200, answer.text
    await shown(page, "later than that")
    await shown(page, "later than that", "soon")
    await expect(unread_tab(page)).to_contain_text("2")


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
async def test_a_row_is_seen_to_leave_unless_nothing_shall_move(ada: Page, motion: str) -> None:
    await ada.emulate_media(reduced_motion=motion)  # type: ignore[arg-type]
    await ada.evaluate(
        """() => {
            window.left = [];
            const stage = document.querySelector("notifs-inbox").shadowRoot.querySelector(".leaving");
            new MutationObserver((changes) => changes.forEach(({ addedNodes }) => window.left.push(...addedNodes)))
                .observe(stage, { childList: true });
        }"""
    )
    await inbox(ada).get_by_role("button", name="Archive: four").click()
    await shown(ada, "five", "three", "two", "one")
    left = await ada.evaluate("window.left.map((row) => row.querySelector('.title').innerText)")
    assert len(left) == (1 if motion == "no-preference" else 0)
    await expect(inbox(ada).locator(".leaving .row")).to_have_count(0)


async def test_what_is_refused_comes_back_and_says_why(ada: Page) -> None:
    await inbox(ada).get_by_role("button", name="More: four").click()
    await menu_item(ada, "Snooze").click()
    await menu_item(ada, "Date and time").click()
    field = inbox(ada).get_by_label("Snooze until")
    await field.evaluate("(field) => field.removeAttribute('max')")
    await field.fill("2099-01-01T08:00")
    await field.press("Enter")
    await expect(row(ada, "four").get_by_role("alert")).to_be_visible()
    await expect(notice(ada)).to_be_empty()
    await expect(unread_tab(ada)).to_contain_text("5")


async def test_a_group_is_one_row_until_it_is_opened(sqlite_site: Site, page: Page) -> None:
    for n, name in enumerate(("Anna", "Ben", "Chris")):
        await send(sqlite_site, {"title": f"comment {n}", "group": "post 7", "actor": {"id": name, "name": name}})
    await send(sqlite_site, "alone")
    await sqlite_site.open(page)
    await shown(page, "alone", "comment 2")
    more = inbox(page).get_by_role("button", name="3 notifications from Chris and 2 others", exact=True)
    await expect(more).to_have_attribute("aria-expanded", "false")
    await more.click()
    await shown(page, "alone", "3 notifications from Chris and 2 others")
    inside = inbox(page).get_by_role("heading", level=4)
    await expect(inside).to_have_text([re.compile(f"comment {n}") for n in (2, 1, 0)])
    fewer = inbox(page).get_by_role("button", name="Show fewer")
    await expect(fewer).to_have_attribute("aria-expanded", "true")
    await fewer.click()
    before = await revision(sqlite_site, page)
    await inbox(page).get_by_role("button", name="Archive: 3 notifications from Chris and 2 others: comment 2").click()
    await expect(notice(page)).to_contain_text("3 archived.")
    await shown(page, "alone")
    await expect(unread_tab(page)).to_contain_text("1")
    await undo(page)
    await shown(page, "alone", "comment 2")
    await expect(unread_tab(page)).to_contain_text("4")
    assert await revision(sqlite_site, page) == before + 2


async def test_a_group_is_acted_on_with_those_of_it_that_are_not_loaded_yet(sqlite_site: Site, page: Page) -> None:
    builds = [{"title": f"build {n}", "group": "builds"} for n in range(12)]
    await send(sqlite_site, *builds[:3], *(f"number {n}" for n in range(150)), *builds[3:])
    await sqlite_site.open(page)
    await page.get_by_role("tab", name="All").click()
    await expect(row(page, "build 11")).to_contain_text("9+ notifications")
    await inbox(page).get_by_role("button", name="Archive: 9+ notifications: build 11").click()
    await expect(notice(page)).to_contain_text("12 archived.")
    await expect(row(page, "build")).to_have_count(0)
    await expect(unread_tab(page)).to_contain_text("150")


async def test_an_act_on_a_group_is_of_the_tab_that_it_was_done_in(sqlite_site: Site, page: Page) -> None:
    builds = [{"title": f"build {n}", "group": "builds"} for n in range(12)]
    others = [f"number {n}" for n in range(150)]
    await send(sqlite_site, *builds[:2], *others, *builds[2:])
    held: list[Callable[[], None]] = []
    holds = False

    def through(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda said: held.append(lambda: socket.send(said)) if holds else socket.send(said))

    await page.route_web_socket("**/socket.io/**", through)
    await sqlite_site.open(page)
    await inbox(page).get_by_role("button", name="Mark as read: 10+ notifications: build 11").click()
    await expect(notice(page)).to_contain_text("12 marked as read.")
    await send(sqlite_site, *({"title": f"late build {n}", "group": "builds"} for n in range(2)))
    await page.get_by_role("tab", name="All").click()
    await expect(row(page, "late build 1")).to_contain_text("12+ notifications")
    holds = True
    await inbox(page).get_by_role("button", name="Archive: 12+ notifications: late build 1").click()
    await page.get_by_role("tab", name="Unread").click()
    await expect(row(page, "late build 1")).to_contain_text("2 notifications")
    holds = False
    for send_on in held:
        send_on()
    await expect(notice(page)).to_contain_text("12 archived.")


async def test_a_group_that_is_picked_is_picked_with_those_that_are_not_loaded_yet(
    sqlite_site: Site, page: Page
) -> None:
    builds = [{"title": f"build {n}", "group": "builds"} for n in range(12)]
    await send(sqlite_site, *builds[:3], *(f"number {n}" for n in range(150)), *builds[3:])
    await sqlite_site.open(page)
    await row(page, "build 11").hover()
    await inbox(page).locator("[data-slot=pick]").first.click()
    await expect(inbox(page).get_by_role("toolbar")).to_contain_text("12 selected")
    await send(sqlite_site, {"title": "late build", "group": "builds"})
    await expect(row(page, "late build")).to_be_visible()
    await press(page, "e")
    await expect(notice(page)).to_contain_text("12 archived.")
    await expect(row(page, "build")).to_have_count(1)
    await expect(unread_tab(page)).to_contain_text("151")


async def test_what_arrives_while_a_menu_is_open_is_not_acted_on(sqlite_site: Site, page: Page) -> None:
    await send(sqlite_site, *({"title": f"build {n}", "group": "builds"} for n in range(2)))
    await sqlite_site.open(page)
    await row(page, "build 1").locator("[data-slot=menu]").click()
    await expect(menu_item(page, "Archive")).to_be_visible()
    await send(sqlite_site, {"title": "late build", "group": "builds"})
    await expect(row(page, "late build")).to_contain_text("3 notifications")
    await menu_item(page, "Archive").click()
    await expect(notice(page)).to_contain_text("2 archived.")
    await shown(page, "late build")


async def test_the_focus_stays_in_a_group(sqlite_site: Site, page: Page) -> None:
    await send(sqlite_site, "below", *({"title": f"build {n}", "group": "builds"} for n in range(3)), "above")
    await sqlite_site.open(page)
    await row(page, "build 2").locator("[data-slot=more]").click()
    await inbox(page).get_by_role("button", name="Archive: build 0").press("Enter")
    await focused(page, "build 1")
    await press(page, "Enter")
    await shown(page, "above", "build 2", "below")
    await focused(page, "build 2")


async def test_of_a_host_s_address_only_what_is_looked_for_changes(sqlite_site: Site, page: Page) -> None:
    await sqlite_site.known(page.context)
    script = '<script type="module" src="/notifs/static/notifs.js"></script>'
    body = f'<!doctype html><html lang="en"><title>Host</title>{script}<notifs-inbox history></notifs-inbox>'
    await page.route("**/host*", lambda route: route.fulfill(body=body, content_type="text/html"))
    await page.goto(f"{sqlite_site.url}/host?view=inbox#top")
    await settled(page)
    await page.evaluate("history.replaceState({ router: 7 }, '')")
    await page.get_by_role("tab", name="All").click()
    await page.wait_for_url("**/host?view=inbox&filter=all#top")
    await page.get_by_role("tab", name="Unread").click()
    await page.wait_for_url("**/host?view=inbox#top")
    assert await page.evaluate("history.state") == {"router": 7}


async def test_what_arrives_moves_nothing_under_the_pointer(sqlite_site: Site, page: Page) -> None:
    await send(sqlite_site, *(f"number {n}" for n in range(40)))
    await sqlite_site.open(page)
    archive = inbox(page).get_by_role("button", name="Archive: number 38")
    await archive.hover()
    await send(sqlite_site, "just now")
    await expect(row(page, "just now")).to_have_count(1)
    await page.mouse.down()
    await page.mouse.up()
    await expect(archive).to_have_count(0)
    await expect(row(page, "just now")).to_have_count(1)
    await expect(row(page, "number 39")).to_have_count(1)


async def test_where_nothing_scrolls_a_press_does_nothing_just_as_another_row_comes_there(
    sqlite_site: Site, ada: Page
) -> None:
    await inbox(ada).get_by_role("button", name="Archive: four").hover()
    await ada.evaluate(
        """() => {
            const root = document.querySelector("notifs-inbox").shadowRoot;
            const press = { bubbles: true, composed: true, cancelable: true, detail: 1 };
            window.pressed = new Promise((done) => new MutationObserver((_, observer) => {
                if (root.querySelectorAll("[data-id]").length < 6) return;
                observer.disconnect();
                done(!root.querySelector("[aria-label='Archive: five']").dispatchEvent(new MouseEvent("click", press)));
            }).observe(root, { childList: true, subtree: true }));
        }"""
    )
    await send(sqlite_site, "six")
    assert await ada.evaluate("window.pressed")
    await shown(ada, "six", "five", "four", "three", "two", "one")


async def test_several_are_picked_and_acted_on_as_one(sqlite_site: Site, ada: Page) -> None:
    def pick(title: str) -> Locator:
        return inbox(ada).get_by_role("checkbox", name=f"Select: {title}")

    await row(ada, "four").hover()
    await pick("four").click()
    await expect(inbox(ada).get_by_role("tablist")).to_have_count(0)
    await pick("two").click(modifiers=["Shift"])
    bar = inbox(ada).get_by_role("toolbar")
    await expect(bar).to_contain_text("3 selected")
    before = await revision(sqlite_site, ada)
    await bar.get_by_role("button", name="Archive").click()
    await shown(ada, "five", "one")
    await expect(inbox(ada).get_by_role("tablist")).to_be_visible()
    assert await revision(sqlite_site, ada) == before + 1
    await undo(ada)
    await shown(ada, "five", "four", "three", "two", "one")
    await pick("five").click()
    await bar.get_by_role("button", name="Snooze").click()
    await menu_item(ada, "Tomorrow").click()
    await shown(ada, "four", "three", "two", "one")
    await pick("four").click()
    await bar.get_by_role("button", name="Clear").click()
    await expect(bar).to_have_count(0)


async def test_more_than_the_server_takes_at_once_are_acted_on(sqlite_site: Site, page: Page) -> None:
    await send(sqlite_site, *(f"number {n}" for n in range(230)))
    await sqlite_site.open(page)
    async with asyncio.timeout(20):
        while not await oldest(inbox(page)).count():
            await page.mouse.wheel(0, 3_000)
    await press(page, "j", "Control+a")
    await expect(inbox(page).get_by_role("toolbar")).to_contain_text("230 selected")
    await press(page, "Shift+I")
    await expect(page.get_by_text(CAUGHT_UP)).to_be_visible()
    await expect(notice(page)).to_contain_text("230 marked as read.")
    await undo(page)
    await expect(unread_tab(page)).to_contain_text("230")


@pytest.mark.parametrize("way", ["typed", "followed"])
async def test_the_address_says_what_is_looked_for(sqlite_site: Site, page: Page, way: str) -> None:
    await send(sqlite_site, "A moth in the log book", "Tea")
    await sqlite_site.open(page)
    if way == "followed":
        await page.goto(f"{sqlite_site.url}/notifications/?filter=all&text=moth")
    else:
        await inbox(page).get_by_role("tab", name="All").click()
        await press(page, "/")
        await page_types(page, "moth")
    for _ in range(2):
        await settled(page)
        await expect(inbox(page).get_by_role("searchbox", name="Search in titles")).to_have_value("moth")
        await shown(page, "A moth in the log book")
        assert re.search(r"/notifications/\?filter=all&text=moth$", page.url)
        await page.reload()
    await settled(page)
    await inbox(page).get_by_role("button", name="Clear the search").click()
    await shown(page, "Tea", "A moth in the log book")
    await page.wait_for_url("**/notifications/?filter=all")


async def test_filters_and_search_and_their_end(sqlite_site: Site, page: Page) -> None:
    anna, ben = ({"id": name.lower(), "name": name} for name in ("Anna", "Ben"))
    await send(
        sqlite_site,
        {"title": "Anna sent proofs", "kind": "proofs.sent", "actor": anna},
        {"title": "Anna sent tea", "kind": "tea.sent", "actor": anna},
        {"title": "Ben sent tea", "kind": "tea.sent", "actor": ben},
    )
    await sqlite_site.open(page)
    await inbox(page).get_by_role("button", name="More: Anna sent proofs").click()
    await menu_item(page, "Only from Anna").click()
    await shown(page, "Anna sent tea", "Anna sent proofs")
    await page.get_by_role("tab", name="All").click()
    await shown(page, "Anna sent tea", "Anna sent proofs")
    await inbox(page).get_by_role("button", name="Filter").click()
    await expect(menu_item(page, "From Anna")).to_be_visible()
    await press(page, "Escape")
    await page.get_by_role("tab", name="Unread").click()
    await inbox(page).get_by_role("button", name="More: Anna sent tea").click()
    await menu_item(page, re.compile("Only of this kind")).click()
    await shown(page, "Anna sent tea")
    await page.get_by_role("tab", name="Archived").click()
    await inbox(page).get_by_role("button", name="Remove: From Anna", exact=True).press("Enter")
    by_kind = inbox(page).get_by_role("button", name="Remove: Tea sent")
    await expect(by_kind).to_be_focused()
    await page.get_by_role("tab", name="Unread").click()
    await shown(page, "Ben sent tea", "Anna sent tea")
    await by_kind.press("Enter")
    await expect(inbox(page).get_by_role("button", name="Filter")).to_be_focused()
    await inbox(page).get_by_role("button", name="Filter").click()
    await menu_item(page, "From Ben").click()
    await shown(page, "Ben sent tea")
    await press(page, "j", "Escape")
    await shown(page, "Ben sent tea", "Anna sent tea", "Anna sent proofs")
    await focused(page, "Ben sent tea")
    await inbox(page).get_by_role("button", name="Filter").click()
    await menu_item(page, "From Ben").click()
    await shown(page, "Ben sent tea")
    await press(page, "/")
    await page_types(page, "nothing such")
    await expect(page.get_by_text("Nothing found: “nothing such”, From Ben.")).to_be_visible()
    await inbox(page).locator(".blank").get_by_role("button", name="Clear the search").click()
    await shown(page, "Ben sent tea", "Anna sent tea", "Anna sent proofs")

    await press(page, "/")
    field = inbox(page).get_by_role("searchbox", name="Search in titles")
    await expect(field).to_be_focused()
    await page.keyboard.type("PROOFS")
    await shown(page, "Anna sent proofs")
    await field.fill("100 %")
    await expect(page.get_by_text("Nothing found: “100 %”.")).to_be_visible()
    await send(sqlite_site, "The disk is 100 % full")
    await shown(page, "The disk is 100 % full")
    await field.press("Escape")
    await expect(field).to_have_count(0)
    await shown(page, "The disk is 100 % full", "Ben sent tea", "Anna sent tea", "Anna sent proofs")


async def test_the_whole_by_keyboard(ada: Page) -> None:
    await press(ada, "j")
    await focused(ada, "five")
    await press(ada, "j", "ArrowDown", "k")
    await focused(ada, "four")
    await press(ada, "e")
    await focused(ada, "three")
    await shown(ada, "five", "three", "two", "one")
    await press(ada, "Shift+I")
    await focused(ada, "two")
    await press(ada, "z", "z")
    await shown(ada, "five", "four", "three", "two", "one")
    await focused(ada, "two")
    await press(ada, "s")
    await expect(menu_item(ada, "Tomorrow")).to_be_visible()
    await press(ada, "End", "ArrowUp", "Home", "ArrowUp", "Escape")
    await expect(menu_item(ada, "Tomorrow")).to_have_count(0)
    await focused(ada, "two")
    await press(ada, "x", "j", "x")
    await expect(inbox(ada).get_by_role("toolbar")).to_contain_text("2 selected")
    await press(ada, "#")
    await shown(ada, "five", "four", "three")
    await focused(ada, "three")
    await press(ada, "2")
    await expect(ada.get_by_role("tab", name="All")).to_have_attribute("aria-selected", "true")
    await shown(ada, "five", "four", "three")
    await press(ada, "j", "k", "k", "k")
    await focused(ada, "five")
    await press(ada, "Shift+I")
    await expect(unread_tab(ada)).to_contain_text("2")
    await focused(ada, "five")
    await press(ada, "u")
    await expect(unread_tab(ada)).to_contain_text("3")
    await press(ada, "3")
    await shown(ada, "two", "one")
    await press(ada, "?")
    sheet = inbox(ada).get_by_role("dialog", name="Keyboard shortcuts")
    await expect(sheet).to_contain_text("Archive")
    await press(ada, "e", "Escape")
    await expect(sheet).to_have_count(0)
    await shown(ada, "two", "one")


async def test_keys_are_left_alone_where_they_mean_something_else(ada: Page) -> None:
    await press(ada, "j")
    await focused(ada, "five")
    await press(ada, "Control+e", "Alt+e", "Meta+e")
    await press(ada, "/")
    await page_types(ada, "e#jx")
    await press(ada, "Escape")
    await inbox(ada).evaluate("(inbox) => inbox.setAttribute('shortcuts', 'off')")
    await inbox(ada).get_by_role("button", name="Mark as read: four").focus()
    await press(ada, "e", "x", "2")
    await press(ada, "Enter")
    await shown(ada, "five", "three", "two", "one")
    await expect(unread_tab(ada)).to_have_attribute("aria-selected", "true")


async def page_types(page: Page, text: str) -> None:
    """Type into the search, and see it there."""
    await page.keyboard.type(text)
    await expect(inbox(page).get_by_role("searchbox")).to_have_value(text)


async def test_the_focus_is_never_lost(ada: Page) -> None:
    await inbox(ada).get_by_role("button", name="Archive: one").focus()
    for left in ("two", "three", "four", "five"):
        await press(ada, "Enter")
        await focused(ada, left)
    await press(ada, "Enter")
    await expect(ada.get_by_text(CAUGHT_UP)).to_be_visible()
    await expect(inbox(ada).get_by_role("tabpanel")).to_be_focused()


async def test_in_the_popover_keys_are_for_what_is_in_it(ada: Page) -> None:
    await ada.get_by_role("button", name=re.compile("^Notifications, ")).click()
    popover = ada.locator("notifs-bell notifs-inbox")
    panel = ada.get_by_role("dialog", name="Notifications")
    await expect(popover.get_by_role("listitem")).to_have_count(5)
    await press(ada, "j", "x")
    await expect(popover.get_by_role("toolbar")).to_contain_text("1 selected")
    await expect(ada.locator("main").get_by_role("toolbar")).to_have_count(0)
    await press(ada, "Escape")
    await expect(popover.get_by_role("toolbar")).to_have_count(0)
    await press(ada, "s")
    await expect(popover.get_by_role("menuitem", name="Tomorrow")).to_be_visible()
    await press(ada, "Escape")
    await expect(popover.get_by_role("menuitem")).to_have_count(0)
    await expect(panel).to_be_visible()
    await press(ada, "e")
    await expect(popover.get_by_role("listitem")).to_have_count(4)
    await press(ada, "Escape")
    await expect(panel).to_have_count(0)


ACTIONS: dict[str, Any] = {
    "title": "Deploy?",
    "actions": [
        {"label": "Approve", "url": "/approve", "method": "POST", "style": "primary"},
        {"label": "Decline", "url": "/decline", "method": "POST", "style": "danger"},
        {"label": "Spy", "url": "https://evil.example/", "method": "POST"},
    ],
}


async def test_actions_are_sent_when_they_are_pressed_and_only_then(sqlite_site: Site, page: Page) -> None:
    asked: list[tuple[str, str | None, str | None]] = []
    held = asyncio.Event()

    async def answer(route: Route) -> None:
        request = route.request
        asked.append((request.url.rpartition("/")[2], request.post_data, request.headers.get("content-type")))
        await held.wait()
        await route.fulfill(status=204 if request.url.endswith("approve") else 503)

    await page.route(re.compile("/(approve|decline)$"), answer)
    id = await sqlite_site.send(**ACTIONS)
    await sqlite_site.open(page)
    await expect(page.get_by_text("Spy")).to_have_count(0)
    assert asked == []
    decline = inbox(page).get_by_role("button", name="Decline")
    await decline.click()
    await expect(decline).to_have_attribute("aria-busy", "true")
    await decline.evaluate("(button) => button.click()")
    held.set()
    await expect(inbox(page).get_by_text("That did not work.")).to_have_count(1)
    assert asked == [("decline", f'{{"notification":"{id}"}}', "application/json")]
    await inbox(page).get_by_role("button", name="Approve").click()
    await expect(page.get_by_text(CAUGHT_UP)).to_be_visible()
    await page.get_by_role("tab", name="All").click()
    await expect(inbox(page).get_by_role("button", name="Approve")).to_have_attribute("aria-disabled", "true")
    assert [name for name, _, _ in asked] == ["decline", "approve"]


async def test_a_page_hears_of_acts_and_may_forbid_them(ada: Page) -> None:
    await ada.evaluate(
        """() => {
            window.heard = [];
            document.addEventListener("notifs-act", (event) => {
                window.heard.push([event.detail.act, event.detail.ids.length]);
                if (event.detail.act === "archive") event.preventDefault();
            });
        }"""
    )
    await inbox(ada).get_by_role("button", name="Archive: one").click()
    await inbox(ada).get_by_role("button", name="Mark as read: two").click()
    await shown(ada, "five", "four", "three", "one")
    assert await ada.evaluate("window.heard") == [["archive", 1], ["mark_read", 1]]


async def test_acts_wait_for_a_server_that_is_away(sqlite_site: Site, page: Page) -> None:
    await send(sqlite_site, "one", "two")
    await sqlite_site.open(page)
    sqlite_site.kill()
    await expect(page.get_by_text(re.compile("Could not reach the server")).last).to_be_visible()
    await inbox(page).get_by_role("button", name="Archive: two").click()
    await shown(page, "one")
    await expect(inbox(page)).to_contain_text("1 change is kept for later.")
    async with sqlite_site.again():
        await expect(inbox(page)).not_to_contain_text("kept for later", timeout=20_000)
        await page.get_by_role("tab", name="Archived").click()
        await shown(page, "two")


@asynccontextmanager
async def on_a_phone(site: Site, browser: Browser, **options: Any) -> AsyncIterator[Page]:
    phone: dict[str, Any] = {"viewport": {"width": 390, "height": 700}, "has_touch": True, "is_mobile": True}
    context = await browser.new_context(**phone, reduced_motion="reduce", **options)
    page = await context.new_page()
    await site.open(page)
    yield page
    await context.close()


async def touch(
    page: Page, on: Locator, by: tuple[int, int] = (0, 0), until: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Put a finger on it, leave it there until something is so, move it by so many pixels, and take it away."""
    box = await on.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 12
    session = await page.context.new_cdp_session(page)

    async def say(type: str, points: list[tuple[float, float]]) -> None:
        at = [{"x": x, "y": y} for x, y in points]
        await session.send("Input.dispatchTouchEvent", {"type": type, "touchPoints": at})

    await say("touchStart", [(x, y)])
    if until is not None:
        await until()
    for part in range(1, 9 if any(by) else 1):
        await say("touchMove", [(x + by[0] * part / 8, y + by[1] * part / 8)])
    for _ in range(4 if any(by) else 0):  # it comes to rest first, else what it has pushed runs on, who knows how far
        await say("touchMove", [(x + by[0], y + by[1])])
    await say("touchEnd", [])
    await session.detach()


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
async def test_a_swipe_reads_or_archives(sqlite_site: Site, browser: Browser, direction: str) -> None:
    await send(sqlite_site, "one", "two", "three")
    async with on_a_phone(sqlite_site, browser) as page:
        await page.evaluate("(dir) => { document.documentElement.dir = dir; }", direction)
        end = 1 if direction == "ltr" else -1
        await touch(page, row(page, "two"), (end * 50, 0))  # not far enough
        await shown(page, "three", "two", "one")
        await touch(page, row(page, "two"), (end * 200, 0))
        await expect(notice(page)).to_contain_text("Marked as read.")
        await shown(page, "three", "one")
        await touch(page, row(page, "one"), (end * -200, 0))
        await expect(notice(page)).to_contain_text("Archived.")
        await shown(page, "three")


async def test_scrolling_wins_over_a_swipe_and_a_long_press_picks(sqlite_site: Site, browser: Browser) -> None:
    await send(sqlite_site, *({"title": f"number {n}", "url": "/elsewhere"} for n in range(30)))
    async with on_a_phone(sqlite_site, browser) as page:
        await page.evaluate("() => { window.rest = new Promise((rests) => addEventListener('scrollend', rests)); }")
        await touch(page, row(page, "number 27"), (30, -250))
        assert await page.evaluate("rest.then(() => scrollY)") > 50
        await expect(notice(page)).to_be_empty()
        await expect(inbox(page).get_by_role("button", name="Mark as read: number 20")).to_be_visible()
        await row(page, "number 20").scroll_into_view_if_needed()  # however far it went
        toolbar = expect(inbox(page).get_by_role("toolbar"))
        await touch(page, row(page, "number 20"), until=lambda: toolbar.to_contain_text("1 selected"))
        await expect(inbox(page).get_by_role("toolbar")).to_contain_text("1 selected")
        assert "elsewhere" not in page.url
        await row(page, "number 21").tap()
        await expect(inbox(page).get_by_role("toolbar")).to_contain_text("2 selected")


async def test_axe_finds_nothing_in_triage(sqlite_site: Site, page: Page) -> None:
    group = [{"title": f"comment {n}", "group": "g", "actor": {"name": f"Person {n}"}} for n in range(4)]
    await send(sqlite_site, *group, ACTIONS, {"title": "urgent", "priority": "urgent", "url": "/"})
    await sqlite_site.open(page)

    async def check(state: str) -> None:
        await accessible(page, state, "notifs-inbox")

    await inbox(page).get_by_role("button", name="4 notifications from Person 3 and 3 others", exact=True).click()
    await check("an open group")
    await inbox(page).get_by_role("button", name="More: urgent").click()
    await check("a menu")
    await menu_item(page, "Snooze").click()
    await menu_item(page, "Date and time").click()
    await check("a date")
    await press(page, "Escape", "j", "x")
    await check("picked")
    await press(page, "e")
    await check("done")
    await press(page, "?")
    await check("help")
    await press(page, "Escape", "/")
    await page.keyboard.type("nothing such")
    await expect(page.get_by_text("Nothing found")).to_be_visible()
    await check("nothing found")
