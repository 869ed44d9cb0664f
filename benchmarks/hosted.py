"""An application of ours that is asked by HTTP to notify many, and does so in its own process, many at once."""

import asyncio
import itertools
import sys
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from notifs.settings import Settings
from notifs.standalone import create_app
from notifs.wire import FRAME_LIMIT

AT_ONCE = 200
SERVED: dict[str, Any] = {
    "http": "notifs.web.transport:Http",
    "ws": "notifs.realtime.transport:WebSocket",
    "ws_max_size": FRAME_LIMIT,
    "ws_per_message_deflate": False,
    "ws_ping_interval": 20,
    "ws_ping_timeout": 20,
    "server_header": False,
    "log_level": "warning",
}
"""In the way that `notifs serve` does."""


def main(port: int) -> None:
    """Serve."""
    app = create_app(Settings())
    notifs = app.state.notifs

    async def benchmark(request: Request) -> Response:
        """Notify `count` times, the next person each time, AT_ONCE at a time; answer when all is committed."""
        numbers = iter(range((await request.json())["count"]))
        people = [person.id for person in await notifs.store.users()]

        async def caller() -> None:
            for n in numbers:
                await notifs.notify(to=people[n % len(people)], title=f"new-{n}")

        await asyncio.gather(*itertools.starmap(caller, [()] * AT_ONCE))
        return JSONResponse({})

    app.router.routes.append(Route("/benchmark", benchmark, methods=["POST"]))
    uvicorn.run(app, port=port, **SERVED)


if __name__ == "__main__":
    main(int(sys.argv[1]))
