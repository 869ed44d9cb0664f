"""S44: what a browser keeps to be read without a network goes with the person, and is not there for the next one."""

from playwright.async_api import Browser, Page, expect

from tests.attacks.arena import Target, attack
from tests.attacks.visits import visiting
from tests.attacks.ways import producer, send
from tests.waiting import becomes

KEPT = """async () => {
    const caches_ = await Promise.all((await caches.keys()).map(name => caches.open(name)));
    const pairs = caches_.map(async cache => (await cache.keys()).map(async request => cache.match(request)));
    const responses = await Promise.all((await Promise.all(pairs)).flat());
    return (await Promise.all(responses.map(response => response.text()))).join("\\n");
}"""
"""All that is in the caches of the page's origin."""
SECRET = "only for ada"


async def until_kept(page: Page, words: str) -> None:
    async def is_kept() -> bool:
        return words in await page.evaluate(KEPT)

    await becomes(is_kept, True)


@attack("S44", off="what_is_kept_stays")
async def test_the_next_person_at_a_browser_finds_nothing_of_the_one_before(
    target: Target, browser: Browser
) -> list[str]:
    """They left without a word, or signed out; the next one looks in the page, in the caches, and without a network."""
    ada, bob, through = await target.person("ada"), await target.person("bob"), []
    async with producer(target) as client:
        await send(client, ada, SECRET)
        await send(client, bob, "for bob")
    for signs_out in (False, True):
        async with visiting(browser, target, ada, service_workers="allow") as visit:
            inbox = f"{target.url}/notifications/"
            await visit.page.goto(inbox)
            await until_kept(visit.page, SECRET)
            if signs_out:
                await visit.page.get_by_role("button", name="Sign out").click()
                await expect(visit.page.get_by_label("Email")).to_be_visible()
                through += ["after signing out"] if SECRET in await visit.page.evaluate(KEPT) else []
            await visit.sign_in(target, bob)
            await visit.page.goto(inbox)
            await until_kept(visit.page, "for bob")
            through += ["in a cache"] if SECRET in await visit.page.evaluate(KEPT) else []
            await visit.context.set_offline(True)
            for address in (inbox, f"{inbox}?filter=all"):
                await visit.page.goto(address)
                through += [address] if SECRET in await visit.page.content() else []
    return through
