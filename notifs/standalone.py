"""The application as it is, without a host: sign-in, inbox, sockets, the API, health."""

import gc
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from notifs import logs
from notifs.app import Notifs
from notifs.errors import NotFound
from notifs.retire import retiring
from notifs.settings import Settings


def _pass_on(request: Request, error: Exception) -> Response:
    """To our own middleware, which says it in words: a page for browsers, problem details for programs."""
    raise error


def create_worker() -> Starlette:
    """`create_app`, for a process that does nothing else."""
    app = create_app()
    own_process()
    return app


def own_process() -> None:
    """Set the garbage collector up for a server: not for a process that we are only a guest in.

    What has been loaded stays as long as the process does, so it is never looked at again; and what a request makes
    goes with it, so it need not be looked through after every 700 objects (CPython's default).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def create_app(settings: Settings | None = None) -> Starlette:
    """The application as it is: sign-in, inbox, sockets, health. `uvicorn asgi:app` serves it."""
    settings = settings or Settings.load()
    logs.configure(settings)
    notifs = Notifs(settings)

    async def home(request: Request) -> Response:
        return RedirectResponse(f"{notifs.path}/notifications/", 303)

    async def healthz(request: Request) -> Response:
        """The process answers."""
        return JSONResponse({"ok": True})

    async def readyz(request: Request) -> Response:
        """The process can serve: it was not told to stop, and the store answers."""
        return JSONResponse(await notifs.ready())

    async def metrics(request: Request) -> Response:
        """This worker's numbers, for who knows the token."""
        given = request.headers.get("authorization", "").encode()
        if not any(hmac.compare_digest(given, f"Bearer {token}".encode()) for token in settings.metrics_tokens):
            raise NotFound("there is nothing at this address")
        return Response(notifs.metrics.text(), media_type="text/plain; version=0.0.4")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with notifs.lifespan(app):
            with retiring(notifs.retire):
                yield

    own = {"/": home, "/healthz": healthz, "/readyz": readyz, "/metrics": metrics}
    app = Starlette(
        routes=[*notifs.routes(gallery=True), *(Route(path, endpoint) for path, endpoint in own.items())],
        middleware=notifs.middleware(hsts=settings.production),
        exception_handlers={HTTPException: _pass_on},
        lifespan=lifespan,
    )
    app.state.notifs = notifs
    return app
