"""From declared operations to routes: who asks, how often, with what; and what they are answered."""

from collections.abc import Sequence
from urllib.parse import unquote

import orjson
from pydantic import BaseModel
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from notifs.addresses import address_of
from notifs.api import call as calls
from notifs.api.call import Call
from notifs.api.operations import Handler, Operation, Reply
from notifs.api.rates import Rates, Turns
from notifs.errors import BadRequest, InvalidKey, NotifsError, OutOfScope
from notifs.limits import Limits
from notifs.problems import problem
from notifs.store.keys import Key, Keys
from notifs.web.middleware import LARGER_BODY


class Door:
    """Who may come in: whoever has a good key, and as often as keys may.

    Args:
        keys: the keys that there are.
        rates: counts the requests of each.
        limits: counts those who come without one.
    """

    def __init__(self, keys: Keys, rates: Rates, limits: Limits) -> None:
        self._keys = keys
        self._limits = limits
        self.rates = rates

    async def key(self, request: Request) -> Key:
        """The key of a request, by `Authorization: Bearer` and nothing else.

        Raises:
            InvalidKey: there is none, or it is no good.
            TooManyRequests: too many such requests came from this network.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        key = await self._keys.find(token.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            await self._limits.bad_key(address_of(request.scope))
            if token:
                raise InvalidKey("nobody has this API key, or it was revoked; see: notifs key list")
            raise InvalidKey("send an API key: Authorization: Bearer nk_...; make one with: notifs key create")
        return key


class Endpoint(Route):
    """One address with all its methods."""

    def __init__(
        self,
        base: str,
        operations: Sequence[tuple[Operation, Handler]],
        door: Door,
        middleware: Sequence[Middleware],
    ) -> None:
        self._operations = {operation.method: (operation, handler) for operation, handler in operations}
        self._door = door
        path = base + operations[0][0].path
        super().__init__(path, self._answer, methods=list(self._operations), middleware=middleware)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the path as it was sent, part by part: an encoded slash belongs to a name."""
        if scope["type"] != "http":
            return Match.NONE, {}
        sent = scope.get("raw_path", b"").partition(b"?")[0].decode("latin-1") or scope["path"]
        found = self.path_regex.match(_below(scope.get("root_path", ""), sent))
        if found is None:
            return Match.NONE, {}
        parameters = {**scope.get("path_params", {}), **found.groupdict()}
        return Match.FULL, {"endpoint": self.endpoint, "path_params": parameters}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        if method not in self._operations:
            return self._other(method)
        operation, handler = self._operations[method]
        try:
            key = await self._door.key(request)
        except NotifsError as error:
            return problem(error)
        turns = Turns(self._door.rates, key.id)
        try:
            await turns.take(1)
            if not key.may(operation.scope):
                has = ", ".join(sorted(key.scopes))
                raise OutOfScope(f"this needs a key with the scope {operation.scope}; this one has {has}")
            answer = await handler(Call(key, request.headers, turns.take), **await _given(request, operation))
            if not isinstance(answer, Reply):
                answer = Reply(answer, next(iter(operation.answers)))
            response = _response(request, answer)
        except NotifsError as error:
            response = problem(error)
        response.headers["ratelimit"] = await turns.said()
        response.headers["ratelimit-policy"] = self._door.rates.policy
        return response

    def _other(self, method: str) -> Response:
        allow = ", ".join(sorted({*(self.methods or ()), "OPTIONS"}))
        if method == "OPTIONS":
            return Response(status_code=204, headers={"allow": allow})
        refused = BadRequest("this address does not take that method", code="method_not_allowed", status=405)
        response = problem(refused)
        response.headers["allow"] = allow
        return response


async def _given(request: Request, operation: Operation) -> dict[str, object]:
    """The arguments of the operation."""
    found = {name: unquote(request.path_params[name]) for name in operation.places.model_fields}
    places = calls.words(found, operation.places)
    given: dict[str, object] = {name: getattr(places, name) for name in operation.places.model_fields}
    if operation.query is not None:
        given["query"] = calls.words(dict(request.query_params), operation.query)
    if operation.body is not None:
        request.scope[LARGER_BODY] = operation.limit
        given["body"] = await calls.body(request, operation.body, operation.wrong)
    return given


def _below(root: str, path: str) -> str:
    """What of a path, as it was sent, is below the host's `root`, which may be written in more ways than one."""
    *above, below = path.split("/", root.count("/") + 1)
    return f"/{below}" if root and unquote("/".join(above)) == root else path


def _response(request: Request, answer: Reply) -> Response:
    etag = answer.headers.get("etag")
    if etag is not None and request.method in ("GET", "HEAD") and _matches(request, etag):
        return Response(status_code=304, headers={"etag": etag})
    if answer.body is None:
        return Response(status_code=answer.status, headers=answer.headers)
    return Response(_json(answer.body), answer.status, answer.headers, media_type="application/json")


def _matches(request: Request, etag: str) -> bool:
    """Whether the client has this one already (RFC 9110, section 13.1.2)."""
    asked = request.headers.get("if-none-match", "")
    return asked.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in asked.split(","))


def _json(body: BaseModel) -> bytes:
    return orjson.dumps(body.model_dump())


def routes(
    base: str, operations: Sequence[tuple[Operation, Handler]], door: Door, middleware: Sequence[Middleware]
) -> list[Route]:
    """The routes of these operations, below `base`."""
    paths: dict[str, list[tuple[Operation, Handler]]] = {}
    for operation, handler in operations:
        paths.setdefault(operation.path, []).append((operation, handler))
    # `/notifications/batch` is no id: what has no parameter comes first.
    ordered = sorted(paths.values(), key=lambda each: "{" in each[0][0].path)
    return [Endpoint(base, each, door, middleware) for each in ordered]
