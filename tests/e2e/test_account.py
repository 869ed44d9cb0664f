"""The page of one's own account, and those of admins, in a real browser."""

from playwright.async_api import Browser, expect

from tests.e2e.conftest import EMAIL, Site, accessible


async def test_people_look_after_accounts_and_axe_finds_nothing(sqlite_site: Site, browser: Browser) -> None:
    context = await browser.new_context(reduced_motion="reduce")
    page = await context.new_page()

    async def check(state: str) -> None:
        await accessible(page, state)

    await sqlite_site.sign_in(page)
    notifs = sqlite_site.notifs
    ada = await notifs.store.user(EMAIL)
    await notifs.store.accounts.set_admin(ada.id, True)
    eve = await notifs.store.add_user("eve@example.org", "Eve", "x")
    await notifs.store.accounts.disable(eve.id, actor=ada.id)
    link = await notifs.reset_link(ada.id, sqlite_site.url)
    await page.goto(f"{sqlite_site.url}/account/?done=ended")
    await check("account")
    await page.get_by_label("Current password").fill("wrong")
    await page.get_by_label("New password").fill("correct horse battery")
    await page.get_by_role("button", name="Change password").click()
    await expect(page.get_by_text("This is not your password.")).to_be_visible()
    await check("account with an error")
    await page.get_by_role("link", name="People").click()
    await check("people")
    await page.get_by_role("link", name="eve@example.org").click()
    await check("a disabled person")
    await page.get_by_role("button", name="Enable").click()
    await page.get_by_role("button", name="Make a reset link").click()
    await expect(page.get_by_label("Give it to Eve yourself")).to_be_visible()
    await check("a reset link")
    await page.get_by_role("link", name="Audit log").click()
    await page.get_by_label("Event").select_option("Signed in")
    await page.get_by_role("button", name="Search").click()
    await check("audit log")
    await page.goto(link)
    await check("choosing a password")
    await page.get_by_label("New password").fill("password1234")
    await page.get_by_role("button", name="Set the password").click()
    await expect(page.get_by_text("That password is easy to guess")).to_be_visible()
    await check("a password that is refused")
    await page.get_by_label("New password").fill("a moth in the relay of panel F")
    await page.get_by_role("button", name="Set the password").click()
    await expect(page.get_by_text("Your password is set. Sign in with it.")).to_be_visible()
    await check("signing in with it")
    await page.goto(link)
    await check("a link that is not good any more")
    await context.close()
