"""S25: nobody learns who has an account: not by words, not by codes, not by how long it takes.

`SAMPLES=1000` in the environment measures as often for each sort of account; without it, a few times. What differs so
is measured again: sorts that really differ do so each time, and those that the machine's load parted do not.
"""

import os
import re
import statistics
import time
from itertools import combinations
from typing import Any

import httpx2
from sqlalchemy import update

from notifs.store import accounts
from notifs.store.models import User, utcnow
from tests.attacks.arena import PASSWORD, Target, attack
from tests.web.site import CHEAP

SAMPLES = int(os.environ.get("SAMPLES", "9"))
ROUNDS = 3
TRIES = {"NOTIFS_SIGN_IN_TRIES": "100000"}
SORTS = ("known", "unknown", "disabled", "by-provider")


async def populate(target: Target, password_hash: str) -> None:
    """An account of each sort; but nobody is unknown@example.org."""
    for sort in SORTS:
        if sort != "unknown":
            await target.person(sort, password_hash="" if sort == "by-provider" else password_hash)
    disabled = update(User).where(User.email == "disabled@example.org").values(disabled_at=utcnow())
    await target.store.database.write(lambda c: c.execute(disabled))


async def sign_in(client: httpx2.AsyncClient, sort: str) -> httpx2.Response:
    form = {"email": f"{sort}@example.org", "password": "not the right one"}
    return await client.post("/login/", data=form, headers={"sec-fetch-site": "same-origin"})


@attack("S25", off="what_is_wrong_is_told", env={"NOTIFS_SIGN_IN_TRIES": "3"})
async def test_the_answer_is_the_same_for_every_sort_of_account(target: Target) -> list[str]:
    """Status, headers and every word: for a wrong password, and when there were too many tries."""
    await populate(target, CHEAP)
    told: dict[str, list[tuple[int, Any, str]]] = {}
    async with target.visitor() as visitor:
        for sort in SORTS:
            for _ in range(5):
                answer = await sign_in(visitor, sort)
                headers = dict(answer.headers) | {"date": "", "content-length": "", "retry-after": ""}
                text = re.sub(r"wait 1[56] min", "wait", answer.text.replace(f"{sort}@", "somebody@"))
                told.setdefault(sort, []).append((answer.status_code, headers, text))
    assert [status for status, _, _ in told["known"]] == [401, 401, 401, 429, 429]
    return [sort for sort in SORTS if told[sort] != told["known"]]


@attack("S25", off="who_is_unknown_is_told_at_once", env=TRIES)
async def test_the_answer_takes_as_long_for_every_sort_of_account(target: Target) -> list[str]:
    """In turns, so that what else goes on here happens to all of them; then the distributions are compared."""
    await populate(target, accounts.hash_password(PASSWORD))
    differing = set(combinations(SORTS, 2))
    async with target.visitor() as visitor:
        for sort in SORTS:
            await sign_in(visitor, sort)
        for _ in range(ROUNDS):
            differing &= await measure(visitor)
            if not differing:
                break
    return [f"{one} and {other} differ" for one, other in sorted(differing)]


async def measure(visitor: httpx2.AsyncClient) -> set[tuple[str, str]]:
    """The sorts whose middle halves of times have nothing in common."""
    took: dict[str, list[float]] = {sort: [] for sort in SORTS}
    for _ in range(SAMPLES):
        for sort, times in took.items():
            began = time.perf_counter()
            await sign_in(visitor, sort)
            times.append((time.perf_counter() - began) * 1000)
    quartiles = {sort: statistics.quantiles(times, n=4) for sort, times in took.items()}
    for sort, (low, middle, high) in quartiles.items():
        print(f"{sort}: {SAMPLES} times, quartiles {low:.1f}, {middle:.1f}, {high:.1f} ms")  # noqa: T201
    return {
        (one, other)
        for one, other in combinations(SORTS, 2)
        if quartiles[one][0] > quartiles[other][2] or quartiles[other][0] > quartiles[one][2]
    }
