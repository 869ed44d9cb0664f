"""S17: no other site's page writes with somebody's cookie, whatever it sends, and however."""

from playwright.async_api import Browser

from notifs.store.accounts import Person
from tests.attacks.arena import Target, attack
from tests.attacks.routes import ID, addresses
from tests.attacks.visits import luring, visiting
from tests.samples import notification

FORM = "application/x-www-form-urlencoded"
BODIES = {
    FORM: b"next=/&up_to=&_method=GET",
    "text/plain": b'{"ids":[]}',
    "text/plain; application/json": b'{"ids":[]}',
    "multipart/form-data; boundary=x": b'--x\r\ncontent-disposition: form-data; name="next"\r\n\r\n/\r\n--x--\r\n',
    "application/json": b'{"ids":[]}',
    "": b"",
}
OVERRIDES = {"x-http-method-override": "GET", "x-http-method": "GET", "x-method-override": "GET"}
LURE = """<!doctype html><title>wait</title><iframe name="one"></iframe><iframe name="two"></iframe>
<form id="form" method="post" action="{archive}" target="one"><input name="next" value="/"></form>
<form id="text" method="post" action="{archive}" target="two" enctype="text/plain"><input name="next" value="/"></form>
<script>
const body = JSON.stringify({ids: ["{id}"]});
const ways = [
    {mode: "no-cors", headers: {"content-type": "text/plain"}}, {mode: "cors", headers: {"content-type": "text/plain"}},
    {mode: "cors", headers: {"content-type": "application/json"}},
];
onload = async () => {
    document.title = "wait";
    for (const way of ways) {
        await fetch("{api}", {method: "POST", credentials: "include", body, ...way}).catch(() => null);
        await fetch("{archive}", {method: "POST", credentials: "include", ...way}).catch(() => null);
    }
    navigator.sendBeacon("{archive}", new URLSearchParams({next: "/"}));
    for (const form of document.forms) {
        const answered = new Promise(done => document.getElementsByName(form.target)[0].onload = done);
        form.submit();
        await answered;
    }
    document.title = "done";
};
</script>"""


def strangers(target: Target) -> list[dict[str, str]]:
    """What requests say that no page of the server's own has sent, or that say nothing of it."""
    host = target.url.removeprefix("http://")
    name, _, port = host.partition(":")
    origins = [
        "https://evil.example", "null", f"http://evil.{host}", f"http://{host}.evil.example", f"https://{host}",
        f"http://{name}", f"http://localhost:{port}", f"http://user@{host}",
    ]  # fmt: skip
    return [
        {}, OVERRIDES, {"referer": f"{target.url}/notifications/"},
        {"origin": "https://evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "https"},
        {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-site", "origin": target.url}, *({"origin": each} for each in origins),
        *({"origin": each, "sec-fetch-site": "same-origin"} for each in origins),
    ]  # fmt: skip


@attack("S17", off="origins_are_not_checked")
async def test_no_write_comes_from_another_page(target: Target) -> list[str]:
    """Every address that takes a cookie, with every sort of body and of headers."""
    ada = await target.person("ada")
    through = []
    keyed = ("/hooks/", "/api/v1/")
    posts = {path for method, path in addresses(target) if method not in ("GET", "HEAD", "OPTIONS")}
    posts = {path for path in posts if not path.startswith(keyed) or path.startswith("/api/v1/inbox/")}
    assert {"/login/", "/logout/", "/api/v1/inbox/read", f"/notifications/{ID}/archive/"} <= posts
    async with target.visitor() as client:
        for path in sorted(posts):
            cookie = await target.cookie(ada)
            for headers in strangers(target):
                for kind, body in BODIES.items() if headers == {} else [(FORM, BODIES[FORM])]:
                    sent = {**headers, "cookie": cookie, "content-type": kind}
                    answer = await client.post(path, content=body, headers=sent)
                    if answer.status_code not in (400, 403):
                        through.append(f"{path} {headers} {kind}")
                        if not target.defended:
                            return through  # enough: what gets through from here on takes its time
    return through


@attack("S17", off="origins_are_not_checked")
async def test_a_page_of_another_origin_archives_nothing(target: Target, browser: Browser) -> list[str]:
    """Forms, fetches and a beacon in a real browser, from the same site and from another one."""
    ada = await target.person("ada")
    through = []
    async with visiting(browser, target, ada) as visit:
        for sibling in (True, False):
            sent = notification("one")
            await target.store.create(sent, [ada.id])
            lure = LURE.replace("{id}", str(sent.id)).replace("{api}", f"{target.url}/api/v1/inbox/archive")
            lure = lure.replace("{archive}", f"{target.url}/notifications/{sent.id}/archive/")
            async with luring(lure) as lured:
                await visit.page.goto(lured.same_site if sibling else lured.other_site)
                await visit.page.wait_for_function("document.title === 'done'")
            if await is_archived(target, ada, str(sent.id)):
                through.append("the same site" if sibling else "another site")
    return through


async def is_archived(target: Target, person: Person, id: str) -> bool:
    page = await target.store.page(person.id, "archived", before=None, limit=10)
    return id in {str(entry.id) for entry in page.entries}
