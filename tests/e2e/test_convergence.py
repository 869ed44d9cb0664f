"""Two tabs, changes at once, and a thousand messages lost, repeated or swapped: list and count equal the store's."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from notifs import Notifs, Settings
from tests import servers
from tests.wire import by_header, listening

BROWSER = servers.REPOSITORY / "notifs" / "browser"


async def test_after_a_thousand_accidents_both_tabs_equal_the_store(postgres_url: str) -> None:
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
        process = await asyncio.create_subprocess_exec(
            servers.node(),
            "node_modules/vitest/vitest.mjs",
            "run",
            cwd=BROWSER,
            env={**servers.clean_environment(), "NOTIFS_URL": url, "NOTIFS_USER": "ada"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        producer.cancel()
    assert process.returncode == 0, output.decode()
    assert "1 passed" in output.decode()
