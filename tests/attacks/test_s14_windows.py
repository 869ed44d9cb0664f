"""S14: who does not read costs a window's worth of memory and no more."""

import asyncio
from contextlib import suppress

from notifs.realtime.connections import SPARE, WINDOW
from tests.attacks.arena import Target, attack
from tests.attacks.ways import idle, producer, send
from tests.mute import Mute

MOST = WINDOW + 2 * SPARE + 1_000_000
"""Bytes that may come: a window, what the kernels hold beside the server, and a snapshot once there is room again."""
ASKED = 100


async def read(mute: Mute) -> int:
    """Bytes that come when it reads at last, until nothing comes any more or it is enough."""
    kept = 0
    with suppress(TimeoutError, ConnectionError):
        while kept <= MOST:
            async with asyncio.timeout(0.5):
                piece = await mute.reader.read(65_536)
            if not piece:
                break
            kept += len(piece)
    return kept


@attack("S14", off="windows_are_not_bounded", env={"NOTIFS_EVENTS_PER_SECOND": "1000"})
async def test_who_asks_and_does_not_read_is_not_answered_without_end(target: Target) -> list[str]:
    """It asks for a page of 60 KB again and again, and reads at the end only what was kept for it."""
    ada = await target.person("ada")
    async with producer(target) as shop:
        batch = {"items": [{"to": [ada.id], "title": "x", "body": "x" * 4000} for _ in range(15)]}
        (await shop.post("/api/v1/notifications/batch", json=batch)).raise_for_status()
        async with Mute.open(target.url, {"cookie": await target.cookie(ada), "origin": target.url}) as mute:
            for n in range(ASKED):
                mute.say(f'42/notifs,{n}["fetch",{{"limit":50}}]')
            await send(shop, ada, "others are served meanwhile")
            await idle(target)
            kept = await read(mute)
    return [f"{kept:,} bytes or more"] if kept > MOST else []
