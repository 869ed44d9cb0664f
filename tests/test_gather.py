"""Many questions at once become one, and each gets its own answer."""

import asyncio
from collections.abc import Sequence

import pytest

from notifs.gather import Gather


class Answerer:
    """Notes what it is asked together."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    async def __call__(self, asked: Sequence[int]) -> list[int]:
        self.asked.append(list(asked))
        await asyncio.sleep(0)
        return [2 * n for n in asked]


async def test_who_asks_alone_is_answered_alone() -> None:
    answer = Answerer()
    gather = Gather(answer)
    assert [await gather(n) for n in range(3)] == [0, 2, 4]
    assert answer.asked == [[0], [1], [2]]


async def test_who_asks_together_is_answered_together() -> None:
    answer = Answerer()
    gather = Gather(answer, most=100)
    assert await asyncio.gather(*map(gather, range(250))) == [2 * n for n in range(250)]
    assert [len(asked) for asked in answer.asked] == [100, 100, 50]


async def test_what_comes_up_while_a_question_is_under_way_goes_into_the_next() -> None:
    go_on, under_way = asyncio.Event(), asyncio.Event()
    asked: list[list[int]] = []

    async def answer(some: Sequence[int]) -> Sequence[int]:
        asked.append(list(some))
        under_way.set()
        await go_on.wait()
        return some

    gather = Gather(answer)
    first = asyncio.create_task(gather(1))
    await under_way.wait()
    others = [asyncio.create_task(gather(n)) for n in (2, 3)]
    await asyncio.sleep(0)
    go_on.set()
    assert await asyncio.gather(first, *others) == [1, 2, 3]
    assert asked == [[1], [2, 3]]


async def test_a_failure_is_told_to_all_who_asked_and_to_nobody_else() -> None:
    failing = True

    async def answer(some: Sequence[int]) -> Sequence[int]:
        if failing:
            raise ValueError("canary")
        return some

    gather = Gather(answer)
    results = await asyncio.gather(gather(1), gather(2), return_exceptions=True)
    assert [str(result) for result in results] == ["canary", "canary"]
    failing = False
    assert await gather(3) == 3


async def test_who_does_not_wait_any_more_is_not_asked_for() -> None:
    answer = Answerer()
    gather = Gather(answer)
    gone, there = asyncio.create_task(gather(1)), asyncio.create_task(gather(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await there == 4
    assert answer.asked == [[2]]
    with pytest.raises(asyncio.CancelledError):
        await gone
