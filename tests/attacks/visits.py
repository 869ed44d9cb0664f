"""A real browser at a server that is attacked: who looks, what ran there that should not, and whom it asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Page, Request
from starlette.applications import Starlette
from starlette.requests import Request as Asked
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from notifs.store.accounts import Person
from tests.attacks.arena import Target
from tests.wire import listening

TRAP = """
for (const name of ["alert", "confirm", "prompt", "print"]) window[name] = what => ran(`${name} ${what}`);
Object.defineProperty(window, "__pwned", { set: what => ran(`__pwned ${what}`) });
document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sample }) =>
    broke(`${effectiveDirective} ${blockedURI} ${sample}`));
"""
"""What hostile scripts call is told, and so is what the policy of a page has stopped."""
BUNDLE = "**/notifs.js*"


@dataclass
class Visit:
    """A browser window, and what is known of it from outside.

    `ran` has the scripts that ran and should not, `broke` the rules that a page broke, `asked` the addresses that were
    asked for, and `elsewhere` those of them that are others'.
    """

    context: BrowserContext
    page: Page
    ran: list[str] = field(default_factory=list)
    broke: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    _bundle: bool = True

    async def sign_in(self, target: Target, person: Person) -> None:
        """Have the cookie of a new sign-in, in the place of any that was there."""
        name, _, token = (await target.cookie(person)).partition("=")
        # Browsers take loopback for safe and send `Secure` cookies there by HTTP too; to add one is another matter.
        await self.context.add_cookies([
            {"name": name, "value": token, "url": target.url.replace("http:", "https:"), "secure": True}
        ])  # fmt: skip

    async def see(self, url: str, *, bundle: bool = True) -> None:
        """Look at a page: as the bundle makes it, or as the server has sent it."""
        if bundle and not self._bundle:
            await self.page.unroute(BUNDLE)
        elif self._bundle and not bundle:
            await self.page.route(BUNDLE, lambda route: route.abort())
        self._bundle = bundle
        await self.page.goto(url)
        await self.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    def caught(self, where: str) -> list[str]:
        """What has happened since it was asked last."""
        found = [f"{where}: {what}" for what in [*self.ran, *self.broke, *self.elsewhere]]
        for each in (self.ran, self.broke, self.elsewhere):
            each.clear()
        return found


@asynccontextmanager
async def visiting(
    browser: Browser, target: Target, person: Person | None = None, **options: Any
) -> AsyncIterator[Visit]:
    """A window of somebody's; `options` are those of the browser's context.

    What a service worker asks for is not seen from outside, so there is none unless they allow it.
    """
    usual: Any = {"viewport": {"width": 1100, "height": 760}, "reduced_motion": "reduce", "service_workers": "block"}
    context = await browser.new_context(**usual | options)
    visit = Visit(context, await context.new_page())
    for name, told in (("ran", visit.ran), ("broke", visit.broke)):
        await context.expose_binding(name, lambda source, what, told=told: told.append(what))
    await context.add_init_script(TRAP)
    own = urlsplit(target.url).netloc

    def asked(request: Request) -> None:
        visit.asked.append(request.url)
        place = urlsplit(request.url)
        if place.scheme != "data" and place.netloc != own:
            visit.elsewhere.append(request.url)

    context.on("request", asked)
    if person is not None:
        await visit.sign_in(target, person)
    try:
        yield visit
    finally:
        await context.close()


@dataclass(frozen=True)
class Lure:
    """A page of somebody else's, of another origin at the same site, and of another site; and what it was asked for.

    Cookies with `SameSite` go along from the first one, as they would from a sibling subdomain.
    """

    same_site: str
    other_site: str
    asked: list[str]


@asynccontextmanager
async def luring(html: str) -> AsyncIterator[Lure]:
    """A server of somebody else's, which answers everything with this page."""
    asked = list[str]()

    async def page(request: Asked) -> Response:
        asked.append(request.url.path)
        return HTMLResponse(html)

    async with listening(Starlette(routes=[Route("/{rest:path}", page, methods=["GET", "POST"])])) as url:
        yield Lure(url, url.replace("127.0.0.1", "localhost"), asked)
