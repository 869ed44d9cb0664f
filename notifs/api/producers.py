"""`Producers`: the whole API for producers, ready to be served."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version

import orjson
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from notifs.api.audit import Audit
from notifs.api.document import document
from notifs.api.jobs import Jobs
from notifs.api.notifications import Notifications
from notifs.api.operations import bound
from notifs.api.people import People
from notifs.api.rates import Rates
from notifs.api.routes import Door, routes
from notifs.api.topics import Topics
from notifs.api.users import Users
from notifs.kinds import Kinds
from notifs.limits import Limits
from notifs.notifier import Notifier
from notifs.store import Store
from notifs.web.middleware import policy
from notifs.web.render import Render

NOUNS = ("notifications", "announcements", "subjects", "topics", "users", "jobs", "audit")
"""What the API is about: the addresses below `/api/v1` that need a key."""
# React, of which Swagger UI is made, sets markup as plain text. The page shows no document but ours, and all the other
# rules hold: no inline script, no handler, nothing from elsewhere.
PAGE_POLICY = policy({"require-trusted-types-for": "", "trusted-types": ""})
"""What the page that shows the document may do."""
ROOMS = (Notifications, Topics, Users, Jobs, Audit)
"""Where its operations are declared."""


class Producers:
    """`/api/v1` for who has a key, and the document that describes it.

    Args:
        people: finds the recipients that names stand for.
        rates: counts the requests of each key.
        limits: counts those without a good one.
        render: makes the page that shows the document.
    """

    def __init__(
        self,
        store: Store,
        notifier: Notifier,
        kinds: Kinds,
        people: People,
        rates: Rates,
        limits: Limits,
        render: Render,
    ) -> None:
        self._render = render
        self._base = f"{render.base}/api/v1"
        self._door = Door(store.keys, rates, limits)
        rooms = [
            Notifications(store, notifier, kinds, people, self._base),
            Topics(store, people),
            Users(store),
            Jobs(store),
            Audit(store),
        ]
        self._operations = bound(rooms)

    def routes(self, middleware: Sequence[Middleware]) -> list[Route]:
        """The routes, each wrapped in `middleware`."""
        described = {"openapi.json": self.openapi, "docs": self.page}
        return [
            *routes(self._base, self._operations, self._door, middleware),
            *(
                Route(f"{self._render.base}/api/{name}", endpoint, methods=["GET"], middleware=middleware)
                for name, endpoint in described.items()
            ),
        ]

    async def openapi(self, request: Request) -> Response:
        """GET: the OpenAPI document."""
        etag = f'"{hashlib.sha256(self._document).hexdigest()[:16]}"'
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers={"etag": etag})
        return Response(self._document, headers={"etag": etag}, media_type="application/json")

    async def page(self, request: Request) -> Response:
        """GET: the document as a page."""
        response = self._render(request, "docs.html", {"document": f"{self._render.base}/api/openapi.json"})
        response.headers["content-security-policy"] = PAGE_POLICY
        return response

    @cached_property
    def _document(self) -> bytes:
        made = document(self._base, version("notifs"), [operation for operation, _ in self._operations])
        return orjson.dumps(made)
