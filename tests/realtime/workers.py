"""Two workers of one deployment, and Ada at each of them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from notifs import Notifs, Settings
from tests import servers
from tests.wire import Client, by_header, hosted

HEAD_CHECKS = (60, 0.2)
"""Seconds: workers hear of each other by the bus where they seldom look, else they have none, and look."""


@asynccontextmanager
async def two_workers(
    database_url: str, redis: servers.Redis, head_check: float
) -> AsyncIterator[tuple[list[Notifs], list[Client]]]:
    """The workers, and a socket of Ada's at each, with what she has already."""
    settings = Settings(
        database_url=database_url,
        redis_url=redis.url if head_check == HEAD_CHECKS[0] else "",
        secret_key="a secret that all workers have, and nobody else",
        head_check_seconds=head_check,
    )
    workers = [Notifs(settings, identify=by_header) for _ in range(2)]
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(hosted(worker)) for worker in workers]
        screens = [await stack.enter_async_context(Client.open(url, headers={"x-user": "ada"})) for url in urls]
        for screen in screens:
            await screen.message("snapshot")
        yield workers, screens
