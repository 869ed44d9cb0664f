"""The page that shows the document: readable offline, under the policy that all pages have."""

from playwright.async_api import Browser, ConsoleMessage, Request, expect

from tests.web.site import Site

REPORTS = """
window.reports = [];
document.addEventListener("securitypolicyviolation", (event) => reports.push(event.effectiveDirective));
"""


async def test_the_page_shows_every_operation_and_breaks_no_rule(site: Site, browser: Browser) -> None:
    context = await browser.new_context(color_scheme="dark")
    page = await context.new_page()
    elsewhere: list[str] = []
    errors: list[str] = []

    def requested(request: Request) -> None:
        if not request.url.startswith(site.url):
            elsewhere.append(request.url)

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    page.on("request", requested)
    page.on("console", said)
    page.on("pageerror", lambda error: errors.append(str(error)))
    await page.add_init_script(REPORTS)
    await page.goto(f"{site.url}/api/docs")
    await expect(page.locator(".opblock")).to_have_count(24)
    await page.locator("#operations-notifications-send .opblock-summary").click()
    await expect(page.get_by_text("Order 7 is placed").first).to_be_visible()
    await expect(page.locator("html")).to_contain_class("dark-mode")
    await page.emulate_media(color_scheme="light")
    await expect(page.locator("html")).not_to_contain_class("dark-mode")
    await page.locator("button.authorize").first.click()
    await expect(page.locator(".auth-container")).to_be_visible()
    assert await page.evaluate("reports") == []
    assert elsewhere == []
    assert errors == []
    await context.close()
