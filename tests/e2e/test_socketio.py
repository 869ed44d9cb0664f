"""The browser's own client of Socket.IO, in Node, on a real server."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from notifs import Notifs, Settings
from tests.e2e.live import vitest
from tests.wire import by_header, listening


async def test_it_is_let_in_told_answered_refused_and_bidden_goodbye(tmp_path: Path) -> None:
    notifs = Notifs(Settings(database_url=f"sqlite:///{tmp_path}/notifs.db"), identify=by_header)

    async def goodbye(request: Request) -> Response:
        await notifs.disconnect("ada")
        return Response()

    app = Starlette(lifespan=notifs.lifespan)
    app.add_route("/goodbye", goodbye)
    notifs.mount(app)
    async with listening(app) as url:
        await notifs.notify(to="ada", title='ä "quoted" ☂')
        await vitest("socketio", url, "ada", passed=3)
