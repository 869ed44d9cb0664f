"""S15: there is no long-polling unless it is asked for, and no JSONP, and nothing is read for them."""

import asyncio

from tests.attacks.arena import Target, attack
from tests.attacks.ways import dialled, memory

QUERIES = ("EIO=4&transport=polling", "EIO=4&transport=polling&j=0", "EIO=4&j=0", "EIO=3&transport=polling")
PIECE = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
PIECES = 4800
"""300 MB, where it is refused; where it is not, a part of it proves as much."""
GROWTH = 16 * 2**20


@attack("S15", off="polling_is_on")
async def test_polling_and_jsonp_are_refused(target: Target) -> list[str]:
    """With a session and without, by GET and by POST."""
    through = []
    for person in (None, await target.person("ada")):
        async with target.visitor(person, origin=target.url) as visitor:
            for query in (
                "EIO=4&transport=polling",
                "EIO=4&transport=polling&j=0",
                "EIO=4&j=0",
                "EIO=3&transport=polling",
            ):
                for method in ("GET", "POST"):
                    answer = await visitor.request(method, f"/socket.io/?{query}")
                    if (
                        answer.status_code not in (400, 401, 403)
                        or "problem+json" not in answer.headers["content-type"]
                    ):
                        through.append(f"{method} {query}: {answer.text[:40]}")
    return through


@attack("S15", off="polling_is_on,bodies_are_not_bounded")
async def test_a_large_body_for_polling_is_refused_before_it_is_read(target: Target) -> list[str]:
    """300 MB in chunks: the answer comes first, and the server's memory stays as it was."""
    cookie, before = await target.cookie(await target.person("ada")), memory(target)
    async with target.visitor(cookie=cookie) as visitor:
        opened = (await visitor.get("/socket.io/?EIO=4&transport=polling")).text
    sid = opened.partition('"sid":"')[2].partition('"')[0]  # "" where there is no polling
    head = (
        f"POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: {target.url.removeprefix('http://')}\r\n"
        f"Cookie: {cookie}\r\nOrigin: {target.url}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    async with dialled(target) as (reader, writer):
        writer.write(head.encode())
        answered, most = asyncio.create_task(reader.read(12)), 0
        try:
            for n in range(PIECES if target.defended else 600):
                writer.write(PIECE)
                await writer.drain()
                most = max(most, memory(target)) if n % 50 == 0 else most
        except ConnectionError:
            pass
        early = answered.done() and answered.result() == b"HTTP/1.1 400"
        answered.cancel()
    grown = most - before
    return [*([] if early else ["the body was read first"]), *([f"{grown:,} bytes"] if grown > GROWTH else [])]
