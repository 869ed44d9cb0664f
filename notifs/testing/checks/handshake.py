"""Who is let in, and what comes first."""

import asyncio
from itertools import pairwise
from urllib.parse import urlsplit

from notifs.testing.check import Checks, Unmet, expect
from notifs.testing.client import Client
from notifs.testing.site import JSON, Answer, Site, request, row
from notifs.wire import NAMESPACE

checks: Checks[Site] = Checks()
UPGRADE = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}
SOCKET = "/socket.io/?EIO=4&transport=websocket"


@checks.of("Connect")
async def who_has_no_cookie_gets_401_and_no_frame(site: Site) -> None:
    """The handshake of who is not signed in answers 401 with problem details, and no socket is opened."""
    _refused(await site.get(SOCKET, **UPGRADE, origin=site.origin), 401, "not_signed_in")


@checks.of("Connect")
async def who_has_a_forged_cookie_gets_401(site: Site) -> None:
    """A cookie that nobody has been given is worth nothing."""
    cookies = (pair.strip().partition("=") for pair in site.one.cookie.split(";"))
    forged = "; ".join(f"{name}={value[::-1]}x" for name, _, value in cookies)
    _refused(await site.get(SOCKET, **UPGRADE, origin=site.origin, cookie=forged), 401, "not_signed_in")


@checks.of("Connect")
async def a_page_of_another_origin_gets_403(site: Site) -> None:
    """A page of another origin opens no socket with a visitor's cookie: origins are compared letter for letter."""
    host = urlsplit(site.url).netloc
    for origin in ("https://evil.example", "null", f"{site.origin}.evil.example", f"https://evil.example/{host}"):
        answer = await site.get(SOCKET, **UPGRADE, origin=origin, cookie=site.one.cookie)
        _refused(answer, 403, "forbidden")


@checks.of("Connect")
async def a_cookie_without_an_origin_gets_403(site: Site) -> None:
    """Who sends a cookie says of which page it comes: without the Origin header it opens no socket."""
    _refused(await site.get(SOCKET, **UPGRADE, cookie=site.one.cookie), 403, "missing_origin")


@checks.of("Connect")
async def long_polling_gets_400(site: Site) -> None:
    """There is WebSocket and nothing else: Engine.IO's long-polling is refused, for GET and for POST."""
    for method, body in (("GET", None), ("POST", b"40/notifs,")):
        headers = {"cookie": site.one.cookie, "origin": site.origin, **JSON}
        url = f"{site.url}/socket.io/?EIO=4&transport=polling"
        _refused(await asyncio.to_thread(request, url, method, headers, body), 400, "websocket_only")


@checks.of("Connect")
async def connected_comes_first_then_a_snapshot(site: Site) -> None:
    """The CONNECT packet is answered, then come `connected` with both counts and the unread ones as a snapshot."""
    async with site.socket() as client:
        joined = next(i for i, frame in enumerate(client.frames) if frame.startswith(f"40{NAMESPACE}"))
        early = [frame for frame in client.frames[:joined] if frame.startswith("42")]
        expect(not early, "no event before the CONNECT packet is answered", early)
        first, *rest = [message.get("type") for message in client.messages]
        expect(first == "connected", "`connected` as the first message", client.messages[0])
        expect(rest[:1] == ["snapshot"], "`snapshot` after it, because no cursor was given", client.messages[1])
        expect("before" not in client.messages[1], "a first page without `before`", client.messages[1])
        counts = [(m["notif_count"], m["unseen_count"]) for m in client.messages[:2]]
        expect(counts[0] == counts[1], "the counts of `connected` to be those of the snapshot", counts)
        _pages_join(client)


@checks.of("Connect")
async def another_namespace_is_refused(site: Site) -> None:
    """There is `/notifs`, and no other namespace."""
    async with site.outside(site.one) as client:
        answer = await client.join(namespace="/no-such-namespace")
        expect(answer.startswith("44"), "a CONNECT_ERROR packet", answer)


@checks.of("Connect")
async def who_has_not_joined_hears_nothing(site: Site) -> None:
    """A socket that was let in, and has not joined the namespace, gets no message."""
    async with site.socket() as inside, site.outside(site.one) as client:
        title = await site.notify()
        await inside.until(lambda: row(inside, title), f"{title!r} to arrive")
        heard = [frame for frame in client.frames if frame.startswith("42")]
        expect(not heard, "no message on a socket that has not joined", heard)


@checks.of("Connect", slow=True)
async def who_does_not_join_is_closed(site: Site) -> None:
    """A socket that does not join within 5 seconds is closed: 1008, `not_joined`."""
    async with site.outside(site.one) as client:
        ended = await client.ended()
        expect(ended == (1008, "not_joined"), "close code 1008 and the reason not_joined", ended)


def _refused(answer: Answer, status: int, code: str) -> None:
    expect(answer.status == status, f"status {status}", f"status {answer.status}, {answer.body[:200]!r}")
    kind = answer.headers.get_content_type()
    expect(kind == "application/problem+json", "problem details: application/problem+json", kind)
    problem = answer.json()
    right = isinstance(problem, dict) and problem.get("code") == code and problem.get("status") == status
    expect(right, f"problem details with the code {code} and the status {status}", problem)


def _pages_join(client: Client) -> None:
    """Each page of the snapshot goes on where the one before it has ended, at the same cursor."""
    pages = client.of("snapshot")
    for earlier, later in pairwise(pages):
        end = earlier["notifs"][-1]["position"]
        if later["cursor"] != earlier["cursor"] or later.get("before") != end:
            raise Unmet(f"the next page, of cursor {earlier['cursor']}, before position {end}", later)
