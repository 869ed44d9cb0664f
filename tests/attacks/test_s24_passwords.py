"""S24: passwords are hashed beside the event loop, two at a time, and not at all when they are over 1,024 bytes.

`SIGN_INS=50` in the environment makes it fifty sign-ins at once that the event loop has to stand.
"""

import asyncio
import os
import re
import statistics
import time
from pathlib import Path

import httpx2
from argon2 import PasswordHasher

from notifs.store import accounts
from tests.attacks.arena import PASSWORD, Target, attack

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
LONG = {"1,025 bytes": "x" * 1025, "1 MB": "x" * 1_000_000}
SIGN_INS = int(os.environ.get("SIGN_INS", "12"))
TRIES = {"NOTIFS_SIGN_IN_TRIES": "1000"}


async def sign_in(client: httpx2.AsyncClient, email: str, password: str) -> int:
    form = {"email": email, "password": password}
    return (await client.post("/login/", data=form, headers={"sec-fetch-site": "same-origin"})).status_code


@attack("S24", off="passwords_may_be_of_any_length")
async def test_a_password_over_1024_bytes_is_refused_before_it_is_hashed(target: Target) -> list[str]:
    """Were it hashed, it would be found to be right: these people have such passwords."""
    through = []
    async with target.visitor() as visitor:
        for n, (size, password) in enumerate(LONG.items()):
            await target.person(f"eve{n}", password_hash=QUICK.hash(password))
            if await sign_in(visitor, f"eve{n}@example.org", password) == 303:
                through.append(size)
    return through


@attack("S24", off="passwords_are_checked_on_the_event_loop", env=TRIES)
async def test_sign_ins_at_once_do_not_stop_the_event_loop(target: Target) -> list[str]:
    """Meanwhile a stranger asks for /healthz, one time after the other, and waits for each answer.

    How long that is depends on what else this machine does; it is less than two sign-ins take by themselves.
    """
    password_hash = accounts.hash_password(PASSWORD)
    for n in range(0, SIGN_INS, 2):
        await target.person(f"ada{n}", password_hash=password_hash)
    waits: list[float] = []
    async with target.visitor() as visitor, target.visitor() as stranger:
        visitor.timeout = stranger.timeout = 120
        await stranger.get("/healthz")
        began = time.perf_counter()
        for _ in range(3):
            await sign_in(visitor, "nobody@example.org", PASSWORD)
        alone = (time.perf_counter() - began) / 3
        sign_ins = asyncio.gather(*(sign_in(visitor, f"ada{n}@example.org", PASSWORD) for n in range(SIGN_INS)))
        while not sign_ins.done():
            asked = time.perf_counter()
            await stranger.get("/healthz")
            waits.append(time.perf_counter() - asked)
            await asyncio.sleep(0.005)
        assert not target.defended or set(await sign_ins) == {303, 401}
    median, worst = statistics.median(waits), max(waits)
    told = f"asked {len(waits)} times: median {median * 1000:.0f} ms, worst {worst * 1000:.0f} ms"
    print(f"\n/healthz during {SIGN_INS} sign-ins, {told}")  # noqa: T201
    return [f"the event loop stood still for {worst:.2f} s, {alone:.2f} alone"] if worst > 2 * alone else []


@attack("S24", off="passwords_are_checked_all_at_once", env=TRIES)
async def test_12_sign_ins_at_once_take_the_memory_of_two(target: Target) -> list[str]:
    """Each takes 64 MiB while it is looked at (RFC 9106)."""
    before = most_memory(target)
    async with target.visitor() as visitor:
        await asyncio.gather(*(sign_in(visitor, f"{n}@example.org", PASSWORD) for n in range(12)))
    more = (most_memory(target) - before) // 2**20
    return [f"{more} MiB"] if more > 300 else []


def most_memory(target: Target) -> int:
    """The most bytes that the server's process has ever had (proc(5), `VmHWM`)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{target.child.pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024
