"""Counting in Redis, for all workers together."""

from limits.aio.storage import RedisStorage

REDIS_SECONDS = 0.25
"""How long Redis may take to answer."""


def redis_storage(url: str) -> RedisStorage:
    """Where the library `limits` counts, by the URL of the settings."""
    scheme, _, rest = url.partition("://")
    scheme = "redis+unix" if scheme == "unix" else scheme  # as that library has it
    return RedisStorage(
        f"async+{scheme}://{rest}",
        implementation="redispy",
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
    )


async def close_storage(storage: RedisStorage) -> None:
    """Let go of Redis."""
    await storage.bridge.storage.aclose()  # type: ignore[attr-defined]
