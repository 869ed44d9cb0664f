"""The inbox over HTTP: what the page uses without a socket, and what any program may use with a session."""

from collections.abc import Sequence
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from notifs.acts import Acts, Done
from notifs.errors import BadRequest, NotSignedIn
from notifs.forms import Forms
from notifs.identity import Identify, person_of
from notifs.requests import Fetch, ReadAll, Seen, Snooze, These, explain
from notifs.requests import Request as Asked
from notifs.store import Act, Store
from notifs.wire import PAGE, Cursor

PERSON = "notifs-person"
"""The header by which a client says whose mailbox it means: `person`, as it was told it."""
ACTS: tuple[Act, ...] = ("read", "unread", "archive", "unarchive", "unsnooze")
A = TypeVar("A", bound=Asked)


class InboxApi:
    """`/api/v1/inbox` for the person who asks."""

    def __init__(self, store: Store, acts: Acts, forms: Forms, identify: Identify) -> None:
        self._store = store
        self._acts = acts
        self._forms = forms
        self._identify = identify

    def routes(self, base: str, middleware: Sequence[Middleware]) -> list[Route]:
        """The routes at and below `base`."""
        gets = {"": self.page, "/changes": self.changes}
        posts = {f"/{act}": self._act(act) for act in ACTS}
        posts |= {"/seen": self.seen, "/read-all": self.read_all, "/snooze": self.snooze}
        return [
            *(Route(base + path, get, methods=["GET"], middleware=middleware) for path, get in gets.items()),
            *(Route(base + path, post, methods=["POST"], middleware=middleware) for path, post in posts.items()),
        ]

    async def page(self, request: Request) -> Response:
        """GET ?filter=unread|all|archived|snoozed&before=POSITION&limit=N&kind=&actor=&text=: a page, newest first."""
        recipient = await self._recipient(request)
        asked = _query(request, Fetch)
        page = await self._store.page(
            recipient, asked.filter, search=asked.search, before=asked.before, limit=asked.limit
        )
        return _json(self._forms.page(asked.filter, page, asked.before, asked.search))

    async def changes(self, request: Request) -> Response:
        """GET ?cursor=: a `delta` since the cursor, or a `snapshot` where there can be none."""
        recipient = await self._recipient(request)
        cursor = Cursor.parse(request.query_params.get("cursor"))
        entries, page = (await self._store.catch_up([(recipient, cursor)], PAGE))[0]
        told = None if entries is None or cursor is None else self._forms.delta(page.head, cursor.revision, entries)
        return _json({**(told or self._forms.snapshot(page)), "person": person_of(recipient)})

    async def seen(self, request: Request) -> Response:
        """POST {ids} or {up_to}."""
        recipient, asked = await self._recipient(request), await _body(request, Seen)
        return self._done(await self._acts.do(recipient, "seen", ids=asked.uuids(), up_to=asked.up_to))

    async def read_all(self, request: Request) -> Response:
        """POST {up_to}."""
        recipient, asked = await self._recipient(request), await _body(request, ReadAll)
        return self._done(await self._acts.do(recipient, "read", up_to=asked.up_to))

    async def snooze(self, request: Request) -> Response:
        """POST {ids, until} or {at, until}."""
        recipient, asked = await self._recipient(request), await _body(request, Snooze)
        return self._done(await self._acts.do(recipient, "snooze", ids=asked.uuids(), at=asked.at, until=asked.until))

    def _act(self, act: Act) -> Any:
        async def endpoint(request: Request) -> Response:
            recipient, asked = await self._recipient(request), await _body(request, These)
            return self._done(await self._acts.do(recipient, act, ids=asked.uuids(), at=asked.at))

        return endpoint

    async def _recipient(self, request: Request) -> str:
        recipient = await self._identify(request.scope)
        if recipient is None:
            raise NotSignedIn("sign in first; the session's cookie is missing or has ended")
        # A page may stay open while somebody else signs in beside it.
        if request.headers.get(PERSON, person := person_of(recipient)) != person:
            raise BadRequest("somebody else is signed in by now; read afresh", code="another_person", status=409)
        return recipient

    def _done(self, done: Done) -> Response:
        head, changed = done
        counts = {"notif_count": head.unread, "unseen_count": head.unseen}
        return _json({"ok": True, "cursor": str(self._store.cursor(head)), **counts, "changed": changed})


def _json(value: Any) -> Response:
    return Response(orjson.dumps(value), media_type="application/json")


def _query(request: Request, model: type[A]) -> A:
    try:
        return model.model_validate_strings(dict(request.query_params))
    except ValidationError as error:
        raise BadRequest(explain(error)) from None


async def _body(request: Request, model: type[A]) -> A:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadRequest("send JSON, with Content-Type: application/json", code="unsupported_media_type", status=415)
    try:
        return model.model_validate(orjson.loads(await request.body()))
    except orjson.JSONDecodeError:
        raise BadRequest("the body is not JSON", code="bad_json") from None
    except ValidationError as error:
        raise BadRequest(explain(error)) from None
