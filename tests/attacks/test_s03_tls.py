"""S3: over plain HTTP there is nothing to take: no cookie goes that way, and no page that came so opens a socket.

To listen with TLS, and to send who comes without it elsewhere, is the proxy's part; the server's are the marks by which
a browser never comes without it again.
"""

from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.attacks.arena import PASSWORD, Target, attack

SITE = "https://notifs.example"
PLACES = ("/", "/login/", "/notifications/", "/api/v1/inbox", "/healthz", "/no/such/place", "/notifs/static/x.js")


@attack("S3", off="plain_http_is_enough")
async def test_a_browser_is_told_to_keep_to_tls_and_has_no_cookie_without_it(target: Target) -> list[str]:
    """HSTS is on every answer, also on errors; and a session does not leave a client over http."""
    await target.person("ada")
    through = []
    async with target.visitor(origin=target.url) as visitor:
        for place in PLACES:
            age = (await visitor.get(place)).headers.get("strict-transport-security", "")
            if not age.startswith("max-age=") or int(age.split(";")[0].removeprefix("max-age=")) < 31_536_000:
                through.append(f"{place} without HSTS")
        form = {"email": "ada@example.org", "password": PASSWORD}
        answer = await visitor.post("/login/", data=form)
        assert (answer.status_code, "set-cookie" in answer.headers) == (303, True), answer.text
        if (await visitor.get("/api/v1/inbox")).status_code != 401:
            through.append("the session, over http")
    return through


@attack("S3", off="origins_are_not_checked", env={"NOTIFS_ORIGINS": SITE})
async def test_a_page_that_came_without_tls_opens_no_socket(target: Target) -> list[str]:
    """Where the site is at https, its own name at http is another origin."""
    cookie, place = await target.cookie(await target.person("ada")), urlsplit(target.url)
    address, through = "ws://notifs.example/socket.io/?EIO=4&transport=websocket", []
    for origin in (SITE.replace("https", "http"), f"{SITE}:80", SITE.replace("https", "ws")):
        try:
            headers = {"cookie": cookie, "origin": origin}
            async with connect(address, additional_headers=headers, proxy=None, host=place.hostname, port=place.port):
                through.append(origin)
        except InvalidStatus:
            pass
    return through
