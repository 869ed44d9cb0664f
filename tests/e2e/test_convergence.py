"""Two tabs, changes at once, and hundreds of messages lost, repeated or swapped: list and count equal the store's.

`ACCIDENTS=10000` lets more of it happen.
"""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from notifs import Notifs, Settings
from tests.e2e.live import vitest
from tests.wire import by_header, listening


@pytest.mark.timeout(180)
async def test_after_many_accidents_both_tabs_equal_the_store(postgres_url: str) -> None:
    notifs = Notifs(
        Settings(database_url=postgres_url, head_check_seconds=0.5, events_per_second=100_000), identify=by_header
    )

    async def produce() -> None:
        for n in range(100_000):
            await notifs.notify(to=["ada", "grace"], title=f"number {n}")
            await asyncio.sleep(0.005)

    async def quiet(request: Request) -> Response:
        """The browser's side has seen enough: nothing new comes from here on."""
        producer.cancel()
        await asyncio.wait([producer])
        return Response()

    app = Starlette(lifespan=notifs.lifespan)
    app.add_route("/quiet", quiet)
    notifs.mount(app)
    async with listening(app) as url:
        producer = asyncio.create_task(produce())
        await vitest("convergence", url, "ada", passed=1)
        producer.cancel()
