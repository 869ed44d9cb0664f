"""How many requests a key has left: counted in Redis for all workers, or by each worker for itself.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10.
"""

import math
import time
from collections.abc import Callable
from typing import Any, cast

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from notifs.errors import TooManyRequests
from notifs.limits.redis import close_storage, redis_storage

log = structlog.get_logger("notifs.api")
APART_SECONDS = 5.0
"""How long a worker counts for itself once Redis has failed it."""


class Rates:
    """Counts requests.

    Args:
        per_minute: what one key may make.
        redis_url: where to count for all workers together; "" if each counts for itself.
        clock: seconds that never go back.
    """

    def __init__(self, per_minute: int, redis_url: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._redis = redis_storage(redis_url) if redis_url else None
        self._shared = SlidingWindowCounterRateLimiter(self._redis) if self._redis else None
        self._clock = clock
        self._apart_until = 0.0
        self.policy = f'"default";q={per_minute};w=60'
        """What the header `RateLimit-Policy` says."""

    async def take(self, key: str, cost: int = 1) -> str:
        """Count requests of a key. Returns what the header `RateLimit` says.

        Raises:
            TooManyRequests: there are not so many left, and none was taken; says how long to wait.
        """
        wait, said = await self._count(key, cost)
        if wait:
            told = f"this key may make {self._item.amount} requests a minute"
            raise TooManyRequests(f"{told}; wait {wait} s", retry_after=wait)
        return said

    async def left(self, key: str) -> str:
        """What the header `RateLimit` says, without counting anything."""
        return (await self._count(key, 0))[1]

    async def close(self) -> None:
        """Let go of Redis."""
        if self._redis is not None:
            await close_storage(self._redis)

    async def _count(self, key: str, cost: int) -> tuple[int, str]:
        """Seconds to wait, 0 if the cost was taken; and what the header `RateLimit` says."""
        if self._shared is not None and self._clock() >= self._apart_until:
            try:
                return await self._with(self._shared, key, cost)
            except Exception as error:  # whatever it is: nobody waits for Redis, or gets more because it is away
                self._apart_until = self._clock() + APART_SECONDS
                log.warning("requests are counted by each worker while Redis is away", error=type(error).__name__)
        return await self._with(self._own, key, cost)

    async def _with(self, limiter: SlidingWindowCounterRateLimiter, key: str, cost: int) -> tuple[int, str]:
        taken = cost == 0 or await limiter.hit(self._item, "key", key, cost=cost)
        name, seconds = self._item.key_for("key", key), self._item.get_expiry()
        before, _, now, kept = await cast(Any, limiter.storage).get_sliding_window(name, seconds)
        ends = kept % seconds or seconds  # a count is kept for one more window, to weigh what comes next
        left = max(0, self._item.amount - math.floor(before * ends / seconds + now))
        wait = 0 if taken else _wait(self._item.amount - cost, before, now, ends, seconds)
        return wait, f'"default";r={left};t={wait or max(1, math.ceil(ends))}'


class Turns:
    """What one request takes out of its key's limit."""

    def __init__(self, rates: Rates, key: str) -> None:
        self._rates = rates
        self._key = key
        self._said = ""

    async def take(self, cost: int) -> None:
        """Take so many.

        Raises:
            TooManyRequests: there are not so many left.
        """
        self._said = await self._rates.take(self._key, cost)

    async def said(self) -> str:
        """What the header `RateLimit` says in the end."""
        return self._said or await self._rates.left(self._key)


def _wait(room: int, before: int, now: int, ends: float, seconds: int) -> int:
    """Seconds until a window that slides has so much `room`: what was counted before leaves it evenly."""
    if room < 0:
        return seconds  # more than there ever is; said elsewhere
    if before and now <= room:
        wait = ends - (room + 1 - now) * seconds / before
    else:
        wait = ends + seconds - (room + 1) * seconds / max(now, 1)
    return max(1, math.floor(wait + 0.001) + 1)  # clocks are floats
