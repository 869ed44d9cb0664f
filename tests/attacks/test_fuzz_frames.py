"""Thousands of hostile frames, and the server is as it was: no trace of an error, no memory, no socket left behind.

`FRAMES=100000 pytest tests/attacks/test_fuzz_frames.py` sends as many; `SEED` gives the same ones again.
"""

import asyncio
import itertools
import os
import random
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.attacks.arena import Target, serving
from tests.attacks.frames import Frames, frame
from tests.attacks.ways import broken, dialled, memory, producer, send, socket

FRAMES = int(os.environ.get("FRAMES", "1000"))
SEED = int(os.environ.get("SEED", random.randrange(2**32)))
SOCKETS = 8
"""How many there are at once."""
EACH = 40
"""Frames that one of them sends, unless it is ended before."""
GROWTH = 24 * 2**20
"""Bytes that the server may grow by once it is warm: Engine.IO remembers a socket for half a minute after its end."""
TOKEN = "the token of those who measure"
ENV = {
    "NOTIFS_EVENTS_PER_SECOND": "1000000",
    "NOTIFS_CONNECTS_PER_MINUTE": "1000000",
    "NOTIFS_SOCKETS_PER_ADDRESS": "0",
    "NOTIFS_METRICS_TOKEN": TOKEN,
}
PROBE = frame(b'42/notifs,4242["are you there"]')
ANSWER = re.compile(rb"43/notifs,4242\[|\x88[\x02-\x7d][\x03-\x13]")
"""What the probe is answered with, or a close frame with its code."""


async def is_there(reader: asyncio.StreamReader) -> bool:
    """Wait until the probe is answered, or the server has ended the socket; to do neither is to be stuck."""
    got = b""
    async with asyncio.timeout(20):
        with suppress(ConnectionError):
            while not (answer := ANSWER.search(got)):
                if not (piece := await reader.read(65_536)):
                    return False
                got = got[-20:] + piece
            return answer[0].startswith(b"43")
    return False


async def rage(target: Target, cookie: str, frames: Iterator[bytes], count: int) -> None:
    """Send so many frames, over one socket after the other; each is read before the next one is sent."""
    host = target.url.removeprefix("http://")
    upgrade = f"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nOrigin: {target.url}\r\n"
    path = f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n"
    hello = f"{path}{upgrade}Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    while count > 0:
        async with dialled(target) as (reader, writer):
            writer.write(hello)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
            writer.write(frame(b"40/notifs,"))
            for sent in itertools.islice(frames, min(EACH, count)):
                writer.write(sent + PROBE)
                count -= 1
                if not await is_there(reader):
                    break


async def numbers(target: Target) -> dict[str, float]:
    """What the server measures of itself."""
    async with target.visitor(authorization=f"Bearer {TOKEN}") as visitor:
        lines = (await visitor.get("/metrics")).text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def files(target: Target) -> int:
    return len(list(Path(f"/proc/{target.child.pid}/fd").iterdir()))


@pytest.mark.timeout(120 + FRAMES // 20)
async def test_hostile_frames_leave_nothing_behind(tmp_path: Path, sqlite_url: str) -> None:
    async with serving(tmp_path, sqlite_url, env=ENV) as target:
        ada, eve = await target.person("ada"), await target.person("eve")
        cookie, frames = await target.cookie(eve), iter(Frames(SEED))

        async def rage_together(count: int) -> None:
            await asyncio.gather(*(rage(target, cookie, frames, count // SOCKETS) for _ in range(SOCKETS)))

        async with producer(target) as shop, socket(target, ada) as good:
            await rage_together(FRAMES // 3)
            warm, open_files = memory(target), files(target)
            raging = asyncio.create_task(rage_together(FRAMES - FRAMES // 3))
            while not raging.done():
                assert (await good.ask("sync"))["ok"], f"SEED={SEED}"
                await asyncio.sleep(0.05)
            await raging
            began = time.monotonic()
            await send(shop, ada, "and all is well")
            await good.until(lambda: any("and all is well" in each for each in good.frames))
            assert time.monotonic() - began < 2
            async with asyncio.timeout(30):
                while (left := await numbers(target))["notifs_sockets"] != 1 or left["notifs_rooms"] != 1:
                    await asyncio.sleep(0.1)
            assert files(target) <= open_files + SOCKETS
        assert broken(target) == [], f"SEED={SEED}"
        assert memory(target) - warm < GROWTH, f"it has grown by {memory(target) - warm:,} bytes; SEED={SEED}"
