"""Every element in every state, as the page `/gallery` draws it: for everyone, and looking as it did.

What is meant to look otherwise is drawn anew with `NOTIFS_RENEW=1`; look at the pictures before they are committed.
"""

import base64
import math
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, FloatRect, Page, expect

from notifs import Settings
from tests.e2e.conftest import COLOURS, EVERYTHING, broken
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
OTHERS: dict[str, dict[str, Any]] = {
    "contrast": {"contrast": "more"},
    "forced": {"forced_colors": "active"},
    "phone": {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True},
}
"""Themes that a browser makes."""
PICTURED: dict[str, Sequence[str]] = {
    "light": STATES,
    **dict.fromkeys(("dark", "arabic"), ("full", "popover", "toasts", "selection", "error")),
    **dict.fromkeys(OTHERS, ("full", "popover")),
}
ALL_BUT_COLOURS = {**EVERYTHING, "rules": {"color-contrast": {"enabled": False}}}
UNDECIDED = "Object.defineProperty(Notification, 'permission', { get: () => 'default' })"
"""On a desktop nobody has been asked yet; a browser without one always refuses."""
Found = tuple[Any, ...]
"""The state, its theme, and what is wrong there."""
DRAWN = "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
MOST_LIGHT, MOST_COLOUR = 3.0, 2.0
"""Of 255, the most that a part of a picture may differ by: letters drawn a little otherwise do by less, and another
colour of text, of a line or of a dot by more."""


@pytest.fixture(scope="module")
async def gallery(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("gallery")
    async with serve(Settings(database_url=f"sqlite+aiosqlite:///{folder}/notifs.db")) as site:
        yield site


@asynccontextmanager
async def visit(browser: Browser, *, axe: bool = False, **options: Any) -> AsyncIterator[Page]:
    """A page that stands still, which has `axe` if it is to be asked."""
    options = {"viewport": {"width": 1100, "height": 760}, "timezone_id": "UTC", "reduced_motion": "reduce", **options}
    context = await browser.new_context(**options)
    if axe:
        await context.add_init_script(Axe().axe_script)
    await context.add_init_script(UNDECIDED)
    page = await context.new_page()
    await page.clock.set_fixed_time(NOW)
    yield page
    await context.close()


async def show(page: Page, gallery: Site, state: str, query: str = "lang=en&theme=light") -> None:
    """Draw a state; it is as it would be on a page that shows nothing else."""
    url = f"{gallery.url}/gallery?{query}&state={state}"
    if url.rpartition("=")[0] == page.url.rpartition("=")[0]:
        await page.evaluate("(url) => navigation.navigate(url).finished.then(() => undefined)", url)
    else:
        await page.goto(url)
    await expect(page.locator("html[data-ready]")).to_have_count(1)


async def test_the_gallery_shows_what_is_tested_here(browser: Browser, gallery: Site) -> None:
    async with visit(browser) as page:
        await page.goto(f"{gallery.url}/gallery?lang=en")
        await expect(page.locator("html[data-ready]")).to_have_count(1)
        assert await page.locator("#states a").all_inner_texts() == STATES


@pytest.mark.timeout(180)
async def test_it_looks_as_it_did_and_axe_finds_nothing(browser: Browser, gallery: Site) -> None:
    """By day and by night, of which the one differs from the other by a name on the page and by colours alone."""
    found = []
    async with visit(browser, axe=True) as page:
        for state in STATES:
            await show(page, gallery, state)
            found += [*await unlike(page, "light", state), *await small(page, "light", state)]
            found += [("light", state, *each) for each in await broken(page)]
            await page.evaluate("document.documentElement.dataset.theme = 'dark'")
            found += [
                *await unlike(page, "dark", state),
                *(("dark", state, *each) for each in await broken(page, COLOURS)),
            ]
            await page.evaluate("document.documentElement.dataset.theme = 'light'")
    assert found == [], named(found)


@pytest.mark.timeout(180)
async def test_it_looks_as_it_did_and_axe_finds_nothing_in_arabic(browser: Browser, gallery: Site) -> None:
    """Its colours are those of English."""
    found = []
    async with visit(browser, axe=True) as page:
        for state in STATES:
            await show(page, gallery, state, "lang=ar&theme=light")
            found += [
                *await unlike(page, "arabic", state),
                *(("arabic", state, *each) for each in await broken(page, ALL_BUT_COLOURS)),
            ]
    assert found == [], named(found)


@pytest.mark.parametrize("theme", OTHERS)
async def test_it_looks_as_it_did_elsewhere(browser: Browser, gallery: Site, theme: str) -> None:
    found = []
    async with visit(browser, **OTHERS[theme]) as page:
        for state in PICTURED[theme]:
            await show(page, gallery, state)
            found += await unlike(page, theme, state)
    assert found == [], named(found)


def named(found: list[Found]) -> str:
    """All of it, a line each."""
    return "\n".join(map(str, found))


async def unlike(page: Page, theme: str, state: str) -> list[Found]:
    """How it differs from its picture, if it has one of this theme."""
    if state not in PICTURED[theme]:
        return []
    path = PICTURES / f"{state}.{theme}.png"
    box = await page.locator(".state").bounding_box()
    assert box is not None
    clip = FLOATING if state in ALONE else FloatRect(**{**box, "height": min(box["height"], 480)})
    picture = await page.screenshot(animations="disabled", clip=clip)
    if RENEW:
        path.write_bytes(picture)
    if picture == (kept := path.read_bytes()):
        return []
    light, colour = await difference(page, kept, picture)
    return [] if light <= MOST_LIGHT and colour <= MOST_COLOUR else [(theme, state, f"{light=:.1f} {colour=:.1f}")]


async def small(page: Page, theme: str, state: str) -> list[Found]:
    """What can be pressed and is smaller than 24 px (WCAG 2.2, 2.5.8). A title's link is as large as its row."""
    sizes = await page.evaluate(
        f"""() => ({PARTS})("button, a[href]:not(.title a), input, select").map((each) => {{
            const {{ width, height }} = (each.closest("label") ?? each).getBoundingClientRect();
            return [each.ariaLabel ?? each.textContent.trim(), width, height];
        }})"""
    )
    return [(theme, state, *size) for size in sizes if min(size[1:]) < 24]


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


@pytest.mark.timeout(180)
async def test_the_keyboard_reaches_everything_and_one_sees_where_it_is(browser: Browser, gallery: Site) -> None:
    unseen, reached = [], {}
    async with visit(browser) as page:
        for state in ("group", "selection", "popover", "settings", "toasts", "error", "empty-search"):
            await show(page, gallery, state)
            controls = await page.evaluate(f"({PARTS})('button, a[href], input, select').length")
            seen = []
            await page.evaluate("getSelection().removeAllRanges()")
            for _ in range(controls + 10):
                await page.keyboard.press("Tab")
                seen.append(await page.evaluate(KEYS))
            unseen += [(state, each["name"]) for each in seen if not each["isShown"] and each["name"]]
            reached[state] = len({each["name"] for each in seen})
    assert unseen == [], named(unseen)
    assert min(reached.values()) > 3, reached


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
async def test_nothing_is_wider_than_the_page(browser: Browser, gallery: Site) -> None:
    """At 320 px, and at 200 % of a window of 1280 px (WCAG 2.2, 1.4.4 and 1.4.10), in the longest of our languages."""
    wide = []
    async with visit(browser, viewport={"width": 320, "height": 512}, device_scale_factor=2) as page:
        for state in STATES:
            await page.set_viewport_size({"width": 320, "height": 512})
            await show(page, gallery, state, "lang=de&theme=light")
            wide += await wider(page, state, 320)
            await page.set_viewport_size({"width": 640, "height": 512})
            await page.evaluate(DRAWN)
            wide += await wider(page, state, 640)
    assert wide == [], named(wide)


async def wider(page: Page, state: str, width: int) -> list[Found]:
    across, inner = await page.evaluate("[document.scrollingElement.scrollWidth, innerWidth]")
    assert inner == width
    return [(state, across)] if across > width else []


@pytest.mark.timeout(180)
async def test_what_can_be_pressed_on_a_phone_is_large_enough(browser: Browser, gallery: Site) -> None:
    found = []
    async with visit(browser, **OTHERS["phone"]) as page:
        for state in STATES:
            await show(page, gallery, state)
            found += await small(page, "phone", state)
    assert found == [], named(found)


async def difference(page: Page, one: bytes, other: bytes) -> tuple[float, float]:
    """How much two pictures of one size differ, in light and in colour, where they differ most: of parts of 32 x 32,
    within which letters are grey. Pictures of two sizes could not differ more."""
    page = await page.context.new_page()
    urls = [f"data:image/png;base64,{base64.b64encode(picture).decode()}" for picture in (one, other)]
    light, colour, sizes = await page.evaluate(DIFFERENCE, urls)
    await page.close()
    return (light, colour) if sizes[0] == sizes[1] else (math.inf, math.inf)


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
