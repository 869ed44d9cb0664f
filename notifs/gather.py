"""Asks for many things in one question: what comes up while a question is under way goes into the next."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

A = TypeVar("A")
R = TypeVar("R")

PACE = 0.002
"""Seconds that each thing of the last question makes the next one wait: who asks alone is answered at once, and who
comes with hundreds of others is answered together with them."""
SLOWEST = 0.05
"""Seconds between two questions at most."""
SLICE = 20
"""Answers given out before others on the event loop have their turn."""


class Gather(Generic[A, R]):
    """Answers `await gather(asked)`, many at a time.

    Args:
        answer: gets what is asked, in order, and gives as many answers; what it raises is raised to all of them.
        most: things in one question.
        pace: seconds that each thing of the last question makes the next one wait; 0 for no waiting.
    """

    def __init__(
        self, answer: Callable[[Sequence[A]], Awaitable[Sequence[R]]], *, most: int = 500, pace: float = PACE
    ) -> None:
        self._answer = answer
        self._most = most
        self._pace = pace
        self._waiting: deque[tuple[A, asyncio.Future[R]]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._not_before = 0.0

    async def __call__(self, asked: A) -> R:
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        return await future

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                if len(self._waiting) < self._most:
                    await asyncio.sleep(self._not_before - loop.time())
                count = min(len(self._waiting), self._most)
                self._not_before = loop.time() + min(SLOWEST, count * self._pace)
                await self._ask([self._waiting.popleft() for _ in range(count)])
        finally:
            self._task = None

    async def _ask(self, batch: list[tuple[A, "asyncio.Future[R]"]]) -> None:
        batch = [each for each in batch if not each[1].done()]  # who does not wait any more is not asked for
        if not batch:
            return
        try:
            answers = await self._answer([asked for asked, _ in batch])
        except Exception as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            return
        for n, ((_, future), answer) in enumerate(zip(batch, answers, strict=True)):
            if not future.done():
                future.set_result(answer)
            if n % SLICE == SLICE - 1:
                await asyncio.sleep(0)
