"""Every element in every state, as the page `/gallery` draws it: for everyone, and looking as it did.

What is meant to look otherwise is drawn anew with `NOTIFS_RENEW=1`; look at the pictures before they are committed.
"""

import base64
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, FloatRect, Page, expect

from notifs import Settings
from tests.web.site import Site, serve

PICTURES = Path(__file__).parent / "gallery"
RENEW = os.environ.get("NOTIFS_RENEW") == "1"
NOW = datetime(2026, 6, 23, 14, 5, tzinfo=UTC)
STATES = [
    "loading", "full", "group", "snoozed", "archived", "empty-unread", "empty-all", "empty-archived", "empty-snoozed",
    "empty-search", "search", "error", "reconnecting", "offline", "degraded", "signed-out", "selection", "refused",
    "done", "snooze-menu", "keys", "bell", "bell-some", "bell-many", "popover", "settings", "toast", "toasts",
    "toasts-burst", "toasts-missed",
]  # fmt: skip
ALONE = {"snooze-menu", "keys", "popover", "settings"}
FLOATING = FloatRect(x=0, y=0, width=800, height=640)
"""Where in the page what lies over it is."""
THEMES: dict[str, tuple[str, dict[str, Any]]] = {
    "light": ("lang=en&theme=light", {}),
    "dark": ("lang=en&theme=dark", {}),
    "arabic": ("lang=ar&theme=light", {}),
    "contrast": ("lang=en&theme=light", {"contrast": "more"}),
    "forced": ("lang=en&theme=light", {"forced_colors": "active"}),
    "phone": ("lang=en&theme=light", {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}),
}
PICTURED = [
    *(("light", state) for state in STATES),
    *((theme, state) for theme in ("dark", "arabic") for state in ("full", "popover", "toasts", "selection", "error")),
    *((theme, state) for theme in ("contrast", "forced", "phone") for state in ("full", "popover")),
]
MOST_LIGHT, MOST_COLOUR = 3.0, 2.0
"""Of 255, the most that a part of a picture may differ by: letters drawn a little otherwise do by less, and another
colour of text, of a line or of a dot by more."""


@pytest.fixture(scope="module")
async def gallery(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("gallery")
    async with serve(Settings(database_url=f"sqlite+aiosqlite:///{folder}/notifs.db")) as site:
        yield site


@asynccontextmanager
async def visit(browser: Browser, **options: Any) -> AsyncIterator[Page]:
    """A page that stands still."""
    options = {"viewport": {"width": 1100, "height": 760}, "timezone_id": "UTC", "reduced_motion": "reduce", **options}
    context = await browser.new_context(**options)
    page = await context.new_page()
    await page.clock.set_fixed_time(NOW)
    yield page
    await context.close()


async def show(page: Page, gallery: Site, state: str, query: str = "lang=en&theme=light") -> None:
    await page.goto(f"{gallery.url}/gallery?state={state}&{query}")
    await expect(page.locator("html[data-ready]")).to_have_count(1)


async def test_the_gallery_shows_what_is_tested_here(browser: Browser, gallery: Site) -> None:
    async with visit(browser) as page:
        await page.goto(f"{gallery.url}/gallery?lang=en")
        await expect(page.locator("html[data-ready]")).to_have_count(1)
        assert await page.locator("#states a").all_inner_texts() == STATES


@pytest.mark.timeout(180)
@pytest.mark.parametrize("theme", ["light", "dark", "arabic"])
async def test_axe_finds_nothing(browser: Browser, gallery: Site, theme: str) -> None:
    query, options = THEMES[theme]
    found = []
    async with visit(browser, **options) as page:
        for state in STATES:
            await show(page, gallery, state, query)
            results = (await Axe().run(page)).response
            for violation in results["violations"]:
                targets = [node["target"] for node in violation["nodes"]]
                found.append((state, violation["id"], targets[:3], violation["nodes"][0]["failureSummary"]))
    assert found == []


@pytest.mark.parametrize(("theme", "state"), PICTURED)
async def test_it_looks_as_it_did(browser: Browser, gallery: Site, theme: str, state: str) -> None:
    query, options = THEMES[theme]
    path = PICTURES / f"{state}.{theme}.png"
    async with visit(browser, **options) as page:
        await show(page, gallery, state, query)
        box = await page.locator(".state").bounding_box()
        assert box is not None
        clip = FLOATING if state in ALONE else FloatRect(**{**box, "height": min(box["height"], 480)})
        picture = await page.screenshot(animations="disabled", clip=clip)
        if RENEW:
            path.write_bytes(picture)
        light, colour = await difference(page, path.read_bytes(), picture)
    assert (light <= MOST_LIGHT, colour <= MOST_COLOUR) == (True, True), f"{light=:.1f} {colour=:.1f}"


KEYS = """
(() => {
    let focused = document.activeElement;
    while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
    const outlines = [null, "::before", "::after"].map((part) => getComputedStyle(focused, part));
    const isShown = outlines.some((each) => each.outlineStyle !== "none" && parseFloat(each.outlineWidth) >= 2);
    const name = focused === document.body ? "" : focused.ariaLabel || focused.textContent.trim() || focused.localName;
    return { name, isShown };
})()
"""
"""What has the focus, and whether one sees that."""
PARTS = """
(selector) => {
    const within = (each) => [each, ...(each.shadowRoot ? all(each.shadowRoot) : [])];
    const all = (root) => [...root.querySelectorAll("*")].flatMap(within);
    const isShown = (each) => each.checkVisibility({ visibilityProperty: true });
    return all(document.getElementById("gallery")).filter((each) => each.matches(selector) && isShown(each));
}
"""
"""All that match within the elements, and are seen."""


@pytest.mark.parametrize("state", ["group", "selection", "popover", "settings", "toasts", "error", "empty-search"])
async def test_the_keyboard_reaches_everything_and_one_sees_where_it_is(
    browser: Browser, gallery: Site, state: str
) -> None:
    async with visit(browser) as page:
        await show(page, gallery, state)
        controls = await page.evaluate(f"({PARTS})('button, a[href], input, select').length")
        seen = []
        await page.evaluate("getSelection().removeAllRanges()")
        for _ in range(controls + 10):
            await page.keyboard.press("Tab")
            seen.append(await page.evaluate(KEYS))
        assert [each["name"] for each in seen if not each["isShown"] and each["name"]] == []
        assert len({each["name"] for each in seen}) > 3


async def test_the_focus_comes_back_from_what_was_opened(browser: Browser, gallery: Site) -> None:
    async with visit(browser) as page:
        await show(page, gallery, "bell-some")
        bell = page.get_by_role("button", name="Notifications, 8 new")
        await bell.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_be_hidden()
        await expect(bell).to_be_focused()

        await show(page, gallery, "group")
        more = page.get_by_role("listitem").first.get_by_role("button").last
        await more.focus()
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("menuitem").first).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(more).to_be_focused()
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog").get_by_role("button")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(more).to_be_focused()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("width", [320, 640])
async def test_nothing_is_wider_than_the_page(browser: Browser, gallery: Site, width: int) -> None:
    """At 320 px, and at 200 % of a window of 1280 px (WCAG 2.2, 1.4.4 and 1.4.10), in the longest of our languages."""
    wide = []
    async with visit(browser, viewport={"width": width, "height": 512}, device_scale_factor=2) as page:
        for state in STATES:
            await show(page, gallery, state, "lang=de&theme=light")
            across = await page.evaluate("document.scrollingElement.scrollWidth")
            wide += [(state, across)] if across > width else []
    assert wide == []


@pytest.mark.timeout(180)
@pytest.mark.parametrize("theme", ["light", "phone"])
async def test_what_can_be_pressed_is_large_enough(browser: Browser, gallery: Site, theme: str) -> None:
    """24 px (WCAG 2.2, 2.5.8). A title's link is as large as its row."""
    query, options = THEMES[theme]
    small = []
    async with visit(browser, **options) as page:
        for state in STATES:
            await show(page, gallery, state, query)
            sizes = await page.evaluate(
                f"""() => ({PARTS})("button, a[href]:not(.title a), input, select").map((each) => {{
                    const {{ width, height }} = (each.closest("label") ?? each).getBoundingClientRect();
                    return [each.ariaLabel ?? each.textContent.trim(), width, height];
                }})"""
            )
            small += [(state, *size) for size in sizes if min(size[1:]) < 24]
    assert small == []


async def difference(page: Page, one: bytes, other: bytes) -> tuple[float, float]:
    """How much two pictures of one size differ, in light and in colour, where they differ most: of parts of 32 x 32,
    within which letters are grey."""
    await page.goto("about:blank")
    urls = [f"data:image/png;base64,{base64.b64encode(picture).decode()}" for picture in (one, other)]
    light, colour, sizes = await page.evaluate(DIFFERENCE, urls)
    assert sizes[0] == sizes[1]
    return light, colour


DIFFERENCE = """
async (urls) => {
    const decoded = urls.map(async (url) => {
        const image = Object.assign(new Image(), { src: url });
        await image.decode();
        return image;
    });
    const pictures = await Promise.all(decoded);
    const [{ width, height }] = pictures;
    const [one, other] = pictures.map((picture) => {
        const context = new OffscreenCanvas(width, height).getContext("2d");
        context.drawImage(picture, 0, 0);
        return context.getImageData(0, 0, width, height).data;
    });
    const across = Math.ceil(width / 32);
    const parts = Array.from({ length: across * Math.ceil(height / 32) }, () => [0, 0, 0, 0]);
    for (let pixel = 0; pixel < width * height; pixel += 1) {
        const [x, y] = [pixel % width, Math.floor(pixel / width)];
        const part = parts[across * Math.floor(y / 32) + Math.floor(x / 32)];
        for (const channel of [0, 1, 2]) part[channel] += one[4 * pixel + channel] - other[4 * pixel + channel];
        part[3] += 1;
    }
    const means = parts.map(([red, green, blue, pixels]) => [red / pixels, green / pixels, blue / pixels]);
    const light = means.map(([red, green, blue]) => Math.abs(red + green + blue) / 3);
    const colour = means.map(([red, green, blue]) => (Math.abs(red - green) + Math.abs(blue - green)) / 2);
    return [Math.max(...light), Math.max(...colour), pictures.map((picture) => [picture.width, picture.height])];
}
"""
