"""S37: a request that is slow, large or ambiguous is answered or cut off; the others are served meanwhile."""

import asyncio
import json
import time
from collections.abc import Awaitable

from tests.attacks.arena import Target, attack
from tests.attacks.ways import dialled, exchange, memory

HURRY = {
    "ATTACKS_SECONDS": json.dumps({"notifs.web.transport.HEAD_SECONDS": 0.5, "notifs.web.middleware.BODY_SECONDS": 0.5})
}
SECONDS = 3.0
"""How long an attack goes on; the server above waits less."""
SLOW = {
    "a head": b"GET /healthz HTTP/1.1\r\nHost: {host}\r\nX-Slow: ",
    "nothing at all": b"",
    "the body of a form": b"POST /login/ HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Site: same-origin\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nemail=",
    "a chunked body": b"POST /login/ HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Site: same-origin\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n",
    "JSON": b"POST /api/v1/inbox/read HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {cookie}\r\n"
    b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n",
}
ENDLESS = 8 * 2**20
"""Bytes of a head that are as good as any number."""
TWO = b"GET /smuggled HTTP/1.1\r\nHost: {host}\r\n\r\n"
AMBIGUOUS = {
    "two lengths": b"Content-Length: 0\r\nContent-Length: 40\r\n\r\n",
    "a length and chunks": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and a length": b"Transfer-Encoding: chunked\r\nContent-Length: 60\r\n\r\n0\r\n\r\n",
    "chunks that are not the last": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "chunks of another name": b"Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "a folded header": b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    "a chunk's size that is none": b"Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
    "a negative length": b"Content-Length: -1\r\n\r\n",
    "a length with a sign": b"Content-Length: +0\r\n\r\n",
}
"""What one server takes for the end of a request and another one does not (RFC 9112, 6.3 and 11.2)."""


def filled(text: bytes, target: Target, cookie: str = "") -> bytes:
    host = target.url.removeprefix("http://").encode()
    return text.replace(b"{host}", host).replace(b"{cookie}", cookie.encode())


async def is_held(target: Target, start: bytes) -> bool:
    """Whether a request that comes a byte at a time is waited for as long as the attack goes on."""
    async with dialled(target) as (reader, writer):
        answer = asyncio.create_task(reader.read())
        ends = time.monotonic() + SECONDS
        try:
            writer.write(start)
            while time.monotonic() < ends and not answer.done():
                await asyncio.sleep(0.1)
                writer.write(b"x" if start else b"")
                await writer.drain()
        except ConnectionError:
            return False
        held = not answer.done()
        answer.cancel()
        return held


async def quickly(asked: Awaitable[object]) -> bool:
    try:
        await asyncio.wait_for(asked, 2)
    except TimeoutError:
        return False
    return True


@attack("S37", off="requests_are_waited_for", env=HURRY)
async def test_a_request_that_does_not_come_is_not_waited_for(target: Target) -> list[str]:
    """A hundred heads and some bodies that come a byte at a time (slowloris); others are served as ever."""
    cookie = await target.cookie(await target.person("ada"))
    starts = [("a head", SLOW["a head"])] * 100 + list(SLOW.items())
    holding = [asyncio.create_task(is_held(target, filled(start, target, cookie))) for _, start in starts]
    async with target.visitor() as visitor:
        served = [await quickly(visitor.get("/login/")) for _ in range(5)]
    held = await asyncio.gather(*holding)
    through = {what for (what, _), is_it in zip(starts, held, strict=True) if is_it}
    return [*sorted(through), *([] if all(served) else ["others were not served"])]


@attack("S37", off="heads_are_not_bounded")
async def test_a_head_without_end_is_not_kept(target: Target) -> list[str]:
    """One header of 8 MB, a great many of them, and an address of 8 MB."""
    through = []
    for what, start, piece in [
        ("one header", b"GET / HTTP/1.1\r\nHost: x\r\nX-Large: ", b"x" * 65_536),
        ("many headers", b"GET / HTTP/1.1\r\nHost: x\r\n", b"X-Many: 1\r\n" * 6_000),
        ("an address", b"GET /", b"x" * 65_536),
    ]:
        sent, before = 0, memory(target)
        async with dialled(target) as (_, writer):
            try:
                writer.write(start)
                while sent < ENDLESS:
                    writer.write(piece)
                    await writer.drain()
                    sent += len(piece)
            except ConnectionError:
                pass
        if sent >= ENDLESS or memory(target) - before > ENDLESS / 2:
            through.append(f"{what} of {sent:,} bytes")
    return through


@attack("S37", off="ambiguous_requests_are_read")
async def test_no_request_hides_in_another_one(target: Target) -> list[str]:
    """What may end at two places is refused, and the connection with it: whatever follows is not read."""
    start = b"POST /healthz HTTP/1.1\r\nHost: {host}\r\n"
    sent = [filled(start + headers + TWO, target) for headers in AMBIGUOUS.values()]
    answers = await asyncio.gather(*(exchange(target, each, seconds=1) for each in sent))
    two = [got.count(b"HTTP/1.1 ") > 1 or b"HTTP/1.1 2" in got for got in answers]
    return [what for what, are in zip(AMBIGUOUS, two, strict=True) if are]


@attack("S37", off="bodies_are_not_bounded")
async def test_a_large_form_is_not_read(target: Target) -> list[str]:
    """Of 900 KB, announced or not, in one part or many; and ten thousand parameters in the address."""
    through = []
    large = {"as a form": {"data": {"email": "x" * 900_000}}, "in parts": {"files": {"email": (None, "x" * 900_000)}}}
    async with target.visitor(origin=target.url) as visitor:
        for what, sent in large.items():
            if (await visitor.post("/login/", **sent)).status_code not in (400, 413):  # type: ignore[arg-type]
                through.append(f"900 KB {what}")
    many = "&".join(f"p{n}=1" for n in range(10_000))
    for place in ("/api/v1/inbox", "/login/", "/notifications/"):
        sent = f"GET {place}?{many} HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n\r\n"
        got = await exchange(target, filled(sent.encode(), target), seconds=5)
        if not got.startswith(b"HTTP/1.1 ") or got.startswith(b"HTTP/1.1 5"):
            through.append(f"10,000 parameters at {place}")
    return through
