"""One alert of each notification, however many tabs a person has: toast, sound, desktop, title; and none at all."""

import asyncio
import re

from playwright.async_api import BrowserContext, expect

from tests.e2e.alerted import counted, decided, look_at, settings, tabs, toast, told
from tests.e2e.conftest import Site, accessible, row, unread_tab


async def test_the_tab_that_is_looked_at_shows_the_toast(sqlite_site: Site, context: BrowserContext) -> None:
    pages = await tabs(context, sqlite_site, 3)
    for turn, (looked_at, title) in enumerate(zip((pages[1], pages[2]), ("first", "second"), strict=True)):
        await look_at(looked_at, pages)
        await sqlite_site.send(title)
        await expect(toast(looked_at, title)).to_be_visible()
        await decided(pages, turn + 2)
        assert await told(pages, title) == [int(page is looked_at) for page in pages]


async def test_tabs_that_race_alert_once_for_each(sqlite_site: Site, context: BrowserContext) -> None:
    pages = await tabs(context, sqlite_site, 3)
    await asyncio.gather(*(sqlite_site.send(f"number {n}") for n in range(12)))
    for page in pages:
        await expect(unread_tab(page)).to_contain_text("13")
    await decided(pages, 13)
    assert sum([await counted(page) for page in pages]) == 12


async def test_a_sound_is_played_once_and_only_if_it_is_wanted(sqlite_site: Site, context: BrowserContext) -> None:
    (page, other) = await tabs(context, sqlite_site, 2)
    assert await page.evaluate("seen.notes") == 0
    await (await settings(page)).get_by_role("checkbox", name="Play a sound").check()
    assert await page.evaluate("seen.notes") == 2, "what was chosen is heard"
    await page.keyboard.press("Escape")
    await other.get_by_role("tab", name="All").click()  # a page that nobody has clicked on may not sound
    await sqlite_site.send("with a sound")
    await decided([page, other], 2)
    assert sum([await each.evaluate("seen.notes") for each in (page, other)]) == 4
    await page.reload()
    await expect((await settings(page)).get_by_role("checkbox", name="Play a sound")).to_be_checked()


async def test_who_is_not_to_be_disturbed_sees_a_dot_in_every_tab(sqlite_site: Site, context: BrowserContext) -> None:
    pages = await tabs(context, sqlite_site, 2)
    panel = await settings(pages[0])
    await panel.get_by_role("checkbox", name="Play a sound").check()
    await panel.get_by_label("Do not disturb").select_option("For 1 hour")
    await expect(panel.get_by_label("Do not disturb")).to_contain_text(re.compile(r"Until .*\d\d:\d\d"))
    await pages[0].keyboard.press("Escape")
    await sqlite_site.send("quiet", priority="urgent")
    for page in pages:
        await expect(row(page, "quiet")).to_be_visible()
        bell = page.get_by_role("button", name=re.compile("^Notifications, .* do not disturb is on$"))
        await expect(bell).to_be_visible()
        await expect(bell).to_have_text("")
        await expect(page).to_have_title(re.compile("^\\(•\\) "))
    await (await settings(pages[1])).get_by_label("Do not disturb").select_option("Off")
    await sqlite_site.send("loud")
    await decided(pages, 2)
    for title, times in (("quiet", 0), ("loud", 1)):
        assert sum(await told(pages, title)) == times
    notes = sum([await page.evaluate("seen.notes") for page in pages])
    assert notes == 4, "nothing sounded but the choice, and what was loud"


async def test_a_burst_is_one_toast_and_one_sentence(sqlite_site: Site, context: BrowserContext) -> None:
    (page,) = await tabs(context, sqlite_site, 1)
    await page.evaluate("""() => {
        const region = document.querySelector("notifs-toasts").shadowRoot.querySelector("[role=status]");
        const note = () => region.textContent.trim() && seen.spoken.push(region.textContent.trim());
        new MutationObserver(note).observe(region, { childList: true, characterData: true, subtree: true });
    }""")
    await expect(page.locator("notifs-toasts [role=status]")).to_be_empty()
    for n in range(5):
        await sqlite_site.send(f"number {n}")
        await expect(row(page, f"number {n}")).to_be_visible()
    await expect(page.locator("notifs-toasts .toast")).to_have_text(re.compile("5 new notifications"))
    spoken: list[str] = []
    async with asyncio.timeout(10):
        while sum(int((re.match(r"\d+", words) or ["1"])[0]) for words in spoken) < 5:
            spoken = await page.evaluate("seen.spoken")
    assert len(spoken) <= 2, "the first of them, and then all others at once"
    await page.get_by_role("button", name="Mark all as read").click()
    await page.get_by_role("button", name=re.compile("^Notifications")).click()
    await expect(page.locator("notifs-toasts .toast")).to_have_count(0)


async def test_a_toast_is_read_and_closed_by_its_buttons(sqlite_site: Site, context: BrowserContext) -> None:
    (page,) = await tabs(context, sqlite_site, 1)
    focused = await page.evaluate("document.activeElement.localName")
    await sqlite_site.send("first")
    await sqlite_site.send("second")
    await expect(toast(page, "second")).to_be_visible()
    assert await page.evaluate("document.activeElement.localName") == focused
    await toast(page, "second").get_by_role("button", name="Mark as read: second").press("Enter")
    await expect(row(page, "second")).to_have_count(0)
    await expect(toast(page, "second")).to_have_count(0)
    await expect(toast(page, "first").get_by_role("button", name="Mark as read: first")).to_be_focused()
    await toast(page, "first").get_by_role("button", name="Dismiss: first").click()
    await expect(page.locator("notifs-toasts .toast")).to_have_count(0)
    await expect(row(page, "first")).to_be_visible()


async def test_a_toast_leaves_what_was_done_to_be_taken_back(sqlite_site: Site, context: BrowserContext) -> None:
    (page,) = await tabs(context, sqlite_site, 1)
    await page.get_by_role("button", name="Archive: All are connected").click()
    await sqlite_site.send("As long as a title may be, " * 4, body="With words")
    notice, told = page.locator("notifs-inbox .notice-line"), page.locator("notifs-toasts .toast")
    await expect(notice).to_have_text(re.compile("Archived"))
    await expect(told).to_be_visible()
    lie_over = []
    for width in (320, 639, 640, 768, 900, 1023, 1199, 1200, 1400):
        await page.set_viewport_size({"width": width, "height": 720})
        below, above = await notice.bounding_box(), await told.bounding_box()
        assert below
        assert above
        beside = below["x"] + below["width"] <= above["x"] or above["x"] + above["width"] <= below["x"]
        apart = below["y"] + below["height"] <= above["y"] or above["y"] + above["height"] <= below["y"]
        lie_over += [] if beside or apart else [width]
    assert lie_over == []


async def test_the_title_and_the_icon_tell_of_what_is_new(sqlite_site: Site, context: BrowserContext) -> None:
    (page,) = await tabs(context, sqlite_site, 1)
    icon = page.locator("link[rel=icon]")
    await expect(page).to_have_title("(1) Notifications · notifs")
    await expect(icon).to_have_attribute("href", re.compile("notifs-new.svg"))
    await page.evaluate("document.title = 'Of the page itself'")
    await expect(page).to_have_title("(1) Of the page itself")
    await page.get_by_role("button", name=re.compile("^Notifications, 1")).click()
    await expect(page).to_have_title("Of the page itself")
    await expect(icon).to_have_attribute("href", re.compile("notifs.svg"))
    await page.keyboard.press("Escape")
    await sqlite_site.send("and one")
    await expect(page).to_have_title("(1) Of the page itself")
    await page.evaluate("document.querySelector('notifs-bell').remove()")
    await expect(page).to_have_title("Of the page itself")


async def test_the_settings_take_the_focus_and_give_it_back(sqlite_site: Site, context: BrowserContext) -> None:
    (page,) = await tabs(context, sqlite_site, 1)
    await page.get_by_role("button", name=re.compile("^Notifications")).focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Alerts").press("Enter")
    await expect(page.get_by_role("button", name="Back to the notifications")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Alerts")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("button", name=re.compile("^Notifications"))).to_be_focused()


async def test_who_wants_no_single_keys_turns_them_off_in_every_tab(sqlite_site: Site, context: BrowserContext) -> None:
    pages = await tabs(context, sqlite_site, 2)
    for wanted, tab in ((False, "Unread"), (True, "All")):
        await (await settings(pages[0])).get_by_role("checkbox", name="Keyboard shortcuts").set_checked(wanted)
        await pages[0].keyboard.press("Escape")
        await expect(pages[0].get_by_role("button", name=re.compile("^Notifications"))).to_be_focused()
        await pages[0].evaluate("document.activeElement.blur()")  # the bell has keys of its own
        for page in pages:
            await page.wait_for_function(
                "keys => localStorage['notifs-alerts '].includes(`\"keys\":${keys}`)", arg=wanted
            )
            await page.keyboard.press("2")
            await expect(page.locator("main").get_by_role("tab", name=tab, selected=True)).to_be_visible()


async def test_axe_finds_nothing_in_the_settings_and_the_toasts(sqlite_site: Site, context: BrowserContext) -> None:
    (page,) = await tabs(context, sqlite_site, 1)
    await sqlite_site.send("urgent", body="With words", priority="urgent", url="/")
    panel = await settings(page)
    await panel.get_by_label("Do not disturb").focus()
    await expect(toast(page, "urgent")).to_be_visible()
    for quiet in ("Off", "For 1 hour"):
        await panel.get_by_label("Do not disturb").select_option(quiet)
        await accessible(page, quiet)


async def test_the_panel_opens_where_the_bell_ends(sqlite_site: Site, context: BrowserContext) -> None:
    (page,) = await tabs(context, sqlite_site, 1)
    # As it may sit in the header of somebody's page.
    await page.evaluate("""() => {
        const bell = document.querySelector("notifs-bell");
        document.body.prepend(Object.assign(document.createElement("div"), { className: "middle" }));
        document.querySelector(".middle").append(bell);
        bell.style.marginInline = "480px";
    }""")
    for direction in ("ltr", "rtl"):
        await page.evaluate("direction => document.documentElement.dir = direction", direction)
        bell = page.get_by_role("button", name=re.compile("^Notifications"))
        await bell.click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        panel, button = await page.get_by_role("dialog").bounding_box(), await bell.bounding_box()
        assert panel
        assert button
        ends = [box["x"] + (box["width"] if direction == "ltr" else 0) for box in (panel, button)]
        assert abs(ends[0] - ends[1]) <= 1, direction
        await page.keyboard.press("Escape")


async def test_the_panel_stays_with_the_bell_and_goes_with_it(sqlite_site: Site, context: BrowserContext) -> None:
    (page,) = await tabs(context, sqlite_site, 1)
    await page.evaluate("document.body.append(Object.assign(document.createElement('hr'), { className: 'far' }))")
    await page.evaluate("document.querySelector('.far').style.marginBlockStart = '3000px'")
    bell, panel = page.get_by_role("button", name=re.compile("^Notifications")), page.get_by_role("dialog")
    await bell.click()
    await expect(panel).to_be_visible()
    await page.evaluate("scrollTo(0, 20)")
    await page.wait_for_function("""() => {
        const { shadowRoot } = document.querySelector("notifs-bell");
        const [bell, panel] = [".bell", ".panel"].map(each => shadowRoot.querySelector(each).getBoundingClientRect());
        return scrollY === 20 && Math.abs(panel.top - bell.bottom) < 9;
    }""")
    await page.evaluate("scrollTo(0, 1000)")
    await expect(panel).to_be_hidden()


async def test_a_backlog_is_one_line_in_one_tab(sqlite_site: Site, context: BrowserContext) -> None:
    pages = await tabs(context, sqlite_site, 2)
    sqlite_site.kill()
    for n in range(12):
        await sqlite_site.send(f"number {n}")
    async with sqlite_site.again():
        for page in pages:
            await expect(row(page, "number ")).to_have_count(12, timeout=15_000)
        await decided(pages, 2)
        toasts = [await page.locator("notifs-toasts .toast").all_inner_texts() for page in pages]
        assert sorted(toasts) == [[], ["12 new while you were away"]]
