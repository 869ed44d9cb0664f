"""Waiting in tests: for what is to be so, and never for time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

SECONDS = 50.0
"""After which what was waited for does not come any more; a test has 60, and says what it waited for before that."""


async def until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait until `condition()` is true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def becomes(ask: Callable[[], Awaitable[Any]], expected: Any, seconds: float = SECONDS) -> None:
    """Wait until the answer is this."""
    found = None
    try:
        async with asyncio.timeout(seconds):
            while (found := await ask()) != expected:
                await asyncio.sleep(0.02)
    except TimeoutError:
        assert found == expected
