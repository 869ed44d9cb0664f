"""The browser's part below the elements, in Node, on a real server."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from notifs import Notifs, Settings
from tests.e2e.live import vitest
from tests.wire import by_header, listening


async def test_what_is_shown_early_is_what_the_server_then_does(tmp_path: Path) -> None:
    notifs = Notifs(
        Settings(database_url=f"sqlite:///{tmp_path}/notifs.db", events_per_second=10_000), identify=by_header
    )

    async def send(request: Request) -> Response:
        for title in request.query_params.getlist("title"):
            await notifs.notify(to="ada", title=title)
        return Response()

    async def empty(request: Request) -> Response:
        for notif in await notifs.get_unread_notifs("ada"):
            await notifs.retract(notif["id"])
        return Response()

    async def goodbye(request: Request) -> Response:
        await notifs.disconnect("ada")
        return Response()

    app = Starlette(lifespan=notifs.lifespan)
    for endpoint in (send, empty, goodbye):
        app.add_route(f"/{endpoint.__name__}", endpoint)
    notifs.mount(app)
    async with listening(app) as url:
        await vitest("connection", url, "ada", passed=5)
