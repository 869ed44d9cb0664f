"""An application of ours that pushes when it is asked to, through the door by which `notify` does: `Push.changed`.

The changes are made up, so that nothing is written to the store; messages are made, encoded and fanned out as ever.
To all means here: to all the sockets of one recipient, who is the only one.
"""

import asyncio
import gc
import sys
from datetime import UTC, datetime

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from benchmarks.hosted import SERVED
from notifs.settings import Settings
from notifs.standalone import create_app, own_process
from notifs.store import Change, Entry, Head
from notifs.store.models import new_id

NEVER = 86_400.0
"""Seconds until the head check: the store knows nothing of what is pushed here, and it would be told again."""
SLICE = 100
"""Messages to single users between which nothing else has its turn; here and at each peer."""


def create() -> Starlette:
    """The application."""
    app = create_app(Settings().model_copy(update={"head_check_seconds": NEVER}))
    notifs = app.state.notifs
    realtime = notifs.realtime
    entry = Entry(
        new_id(), "notification", "", "", None, None, None, [], "normal", None, {}, datetime.now(UTC), None, 0, 0
    )
    people: list[str] = []

    def change(n: int) -> Change:
        """Message n, to the next one."""
        prev, which = divmod(n, len(people))
        revision = prev + 1
        new = entry._replace(title=f"new-{n}", position=revision, revision=revision)
        return Change(people[which], prev, Head(revision, revision, revision), True, (new,), 1)

    async def push(request: Request, at_once: int) -> Response:
        first, count = (int(request.query_params[name]) for name in ("first", "count"))
        if not people:
            people.extend(person.id for person in await notifs.store.users())
        for n in range(first, first + count, at_once):
            realtime.push.changed([change(m) for m in range(n, min(n + at_once, first + count))])
            await asyncio.sleep(0)
        return JSONResponse({})

    async def to_all(request: Request) -> Response:
        """Push `count` messages, the `first` of this number, to all."""
        return await push(request, 1)

    async def to_each(request: Request) -> Response:
        """Push `count` messages, the `first` of this number, to one after the other."""
        return await push(request, SLICE)

    async def count(request: Request) -> Response:
        """How many are here."""
        return JSONResponse({"connected": max(len(realtime.connections), len(realtime.rooms))})

    async def collect(request: Request) -> Response:
        """Keep nothing that nobody needs."""
        gc.collect()
        return JSONResponse({})

    own = {"/all": to_all, "/each": to_each, "/count": count, "/collect": collect}
    app.router.routes.extend(Route(path, endpoint) for path, endpoint in own.items())
    own_process()
    return app


def main(port: int, workers: int) -> None:
    """Serve: `PORT --workers COUNT`."""
    uvicorn.run("benchmarks.pushing:create", factory=True, port=port, workers=workers, backlog=4096, **SERVED)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[3]))
