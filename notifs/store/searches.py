"""Whose turn it is to search: to look through a large mailbox takes a connection for a while."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from notifs.errors import TooManySearches

SEARCHES = 2
"""Searches at once: those who only read shall not wait for a connection."""
OWN = 4
"""Searches of one person, under way or waiting: more are refused."""


class Searches:
    """Lets in one search of a person at a time, so that nobody waits for more than one of each of the others."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(SEARCHES)
        self._asked: Counter[str] = Counter()
        self._own: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def turn(self, recipient: str) -> AsyncIterator[None]:
        """Wait for the recipient's turn, and have it.

        Raises:
            TooManySearches: enough of theirs are under way or waiting.
        """
        if self._asked[recipient] >= OWN:
            raise TooManySearches("too many searches of yours are under way; wait for one to end, then search again")
        self._asked[recipient] += 1
        try:
            async with self._own.setdefault(recipient, asyncio.Lock()), self._free:
                yield
        finally:
            self._asked[recipient] -= 1
            if self._asked[recipient] == 0:
                del self._asked[recipient], self._own[recipient]
