"""By a provider and back in a real browser, which holds pages to what they may do."""

import re

import pytest
from playwright.async_api import Browser, expect

from notifs import Settings
from tests.provider.running import Running
from tests.web.site import Site


@pytest.fixture
def settings(sqlite_url: str, provider: Running) -> Settings:
    return Settings(database_url=sqlite_url, providers=provider.known(create_accounts=True))


@pytest.mark.parametrize("scripts", [True, False])
async def test_one_signs_in_and_out_by_way_of_the_provider(
    site: Site, provider: Running, browser: Browser, scripts: bool
) -> None:
    context = await browser.new_context(base_url=site.url, java_script_enabled=scripts)
    page = await context.new_page()
    await page.goto("/login/")
    await page.get_by_role("link", name="Sign in with Local").click()
    await page.get_by_role("button", name="ada").click()
    await expect(page).to_have_url(f"{site.url}/notifications/")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page).to_have_url(re.compile(f"^{re.escape(site.url)}/login/"))
    asked = (await provider.seen())["asked"][-1]
    assert asked["post_logout_redirect_uri"] == f"{site.url}/login/"
    assert asked["id_token_hint"].count(".") == 2
    await context.close()
