"""`POST /hooks/{name}`: where others deliver their webhooks."""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import structlog
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from notifs.addresses import address_of
from notifs.errors import BadRequest, InvalidKey
from notifs.hooks import Hook, Source
from notifs.hooks.deliveries import Deliveries
from notifs.limits import Limits
from notifs.web.middleware import BODY_LIMIT, LARGER_BODY

log = structlog.get_logger("notifs.hooks")
HOOK_LIMIT = 8 * 1024 * 1024
"""Bytes of a delivery. GitHub sends up to 25 MB, but a push of a thousand commits is far below this."""
LARGE_AT_ONCE = 8
"""Deliveries over BODY_LIMIT that are taken at once: who has sent them is known only when all of it is there."""
BODY_SECONDS = 10
"""How long a delivery may take to come; GitHub waits no longer either."""


class HookApi:
    """Takes deliveries over HTTP.

    Args:
        limits: counts those who come without a good key.
    """

    def __init__(self, deliveries: Deliveries, limits: Limits) -> None:
        self._deliveries = deliveries
        self._limits = limits
        self._large = asyncio.Semaphore(LARGE_AT_ONCE)

    def routes(self, base: str, middleware: Sequence[Middleware]) -> list[Route]:
        """The routes below `base`."""
        paths = [f"{base}/{{name}}", f"{base}/{{name}}/{{rest:path}}"]
        return [Route(path, self.take, methods=["POST"], middleware=middleware) for path in paths]

    async def take(self, request: Request) -> Response:
        """POST: 200 with what became of it, 202 where some get it in a moment only."""
        source = self._deliveries.source(request.path_params["name"])
        length = request.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length) <= BODY_LIMIT:
            return await self._take(source, request)
        request.scope[LARGER_BODY] = HOOK_LIMIT
        async with self._large:
            return await self._take(source, request)

    async def _take(self, source: Source, request: Request) -> Response:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await request.body()
        except TimeoutError:
            raise BadRequest("the body took too long to come", code="too_slow", status=408) from None
        hook = Hook(request.headers, body, request.path_params.get("rest", ""), dict(request.query_params))
        try:
            taken = await self._deliveries.take(source, hook)
        except InvalidKey:
            await self._limits.bad_key(address_of(request.scope))
            raise
        log.info("delivery", source=source.name, notified=taken.notified, ignored=taken.ignored is not None)
        answer: dict[str, Any] = {"notified": taken.notified, "updated": taken.updated, "retracted": taken.retracted}
        if taken.ignored is not None:
            answer["ignored"] = taken.ignored
        return Response(orjson.dumps(answer), 202 if taken.job else 200, media_type="application/json")
