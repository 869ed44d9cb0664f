"""S30: no page loads anything from others: they would learn who reads what, and when."""

import re

from playwright.async_api import Browser, expect

from tests.attacks.arena import Target, attack
from tests.attacks.visits import luring, visiting
from tests.attacks.ways import producer, send


@attack("S30", off="pictures_come_from_anywhere,headers_are_not_sent")
async def test_a_picture_of_another_host_is_not_asked_for(target: Target, browser: Browser) -> list[str]:
    """In the page as it is sent, in the inbox, in the bell and in what has just arrived."""
    ada, through = await target.person("ada"), []
    async with luring("no picture") as lure, visiting(browser, target, ada) as visit, producer(target) as client:
        inbox = visit.page.locator("notifs-inbox").first
        for field in ("icon", "avatar"):
            picture = {"icon": f"{lure.other_site}/icon.png"} if field == "icon" else {}
            actor = {"name": "Eve", "avatar": f"{lure.other_site}/avatar.png"} if field == "avatar" else {"name": "Eve"}
            await send(client, ada, f"before, with {field}", url="/x", actor=actor, **picture)
            await visit.see(f"{target.url}/notifications/", bundle=False)
            await visit.see(f"{target.url}/notifications/")
            await expect(inbox.get_by_role("tablist")).to_be_visible()
            await send(client, ada, f"live, with {field}", actor=actor, **picture)
            await expect(visit.page.locator("notifs-toasts")).to_contain_text(f"live, with {field}")
            await visit.page.get_by_role("button", name=re.compile("^Notifications, ")).click()
            await expect(visit.page.get_by_role("dialog").get_by_text(f"live, with {field}")).to_be_visible()
            await visit.page.wait_for_load_state("networkidle")
            through += [f"{field}: {what}" for what in (*visit.elsewhere, *visit.broke, *lure.asked)]
    return through
