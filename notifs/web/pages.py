"""The inbox as a page, and the mark-as-read links: readable and usable before, or without, any JavaScript."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, get_args
from urllib.parse import quote, urlencode

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from notifs.acts import Acts
from notifs.errors import InvalidUntil, NotFound, NotifsError, NotSignedIn
from notifs.forms import Forms
from notifs.identity import Identify, person_of
from notifs.phrases import Phrase
from notifs.requests import ReadAll
from notifs.store import Act, Entry, Page, Store
from notifs.urls import is_local_path, is_safe_url
from notifs.web.render import RECIPIENT, Render, island
from notifs.wire import PAGE, SEARCH_LIMIT, SNOOZE_DAYS, Filter, Search

ACTS: tuple[Act, ...] = ("unread", "archive", "unarchive", "unsnooze")
PRESETS = {"snooze.day": 1, "snooze.week": 7}
"""For how many days something is snoozed by a button. What hour it is where the reader is, only a script knows."""


class Pages:
    """The pages below `/notifications/`."""

    def __init__(self, store: Store, acts: Acts, forms: Forms, identify: Identify, render: Render) -> None:
        self._store = store
        self._acts = acts
        self._forms = forms
        self._identify = identify
        self._render = render

    def routes(self, base: str, middleware: Sequence[Middleware]) -> list[Route]:
        """The routes below `base`."""
        posts = {"/read-all/": self.read_all} | {f"/{{id}}/{act}/": self._act(act) for act in ACTS}
        return [
            Route(f"{base}/", self.inbox, methods=["GET"], middleware=middleware),
            Route(f"{base}/{{id}}/read/", self.read, methods=["GET", "POST"], middleware=middleware),
            Route(f"{base}/{{id}}/snooze/", self.snooze, methods=["GET", "POST"], middleware=middleware),
            *(Route(base + path, post, methods=["POST"], middleware=middleware) for path, post in posts.items()),
        ]

    async def inbox(self, request: Request) -> Response:
        """GET ?filter=&before=&kind=&actor=&text=: one page, the newest first; with ?find, to search in."""
        recipient = await self._recipient(request)
        asked, below = request.query_params.get("filter"), request.query_params.get("before", "")
        filter: Filter = asked if asked in get_args(Filter) else "unread"  # type: ignore[assignment]
        before = int(below) if below.isascii() and below.isdigit() and len(below) < 19 else None
        search = Search(*(_term(request.query_params.get(name)) for name in Search._fields))
        # Of a search the script needs both: it goes on from the mailbox, and shows what was found.
        whole = await self._store.page(recipient, filter, limit=PAGE) if any(search) and before is None else None
        page = await self._store.page(recipient, filter, search=search, before=before, limit=PAGE)
        return self._render(request, "inbox.html", self._context(request, filter, search, before, page, whole))

    async def read(self, request: Request) -> Response:
        """The mark-as-read link. POST marks; GET marks only where a person follows it, else it offers a button."""
        recipient = await self._recipient(request)
        entry = await self._entry(recipient, request)
        if request.method != "POST" and not _followed_by_a_person(request):
            return self._render(request, "read.html", {"notif": self._forms.notification(entry)})
        going = entry.url if entry.url and is_safe_url(entry.url) else self._render.inbox_url
        going = await self._next(request, going)
        await self._acts.do(recipient, "read", ids=[entry.id])
        return RedirectResponse(going, 303)

    async def snooze(self, request: Request) -> Response:
        """GET: until when? POST days: until this time of the day, so many days from now."""
        recipient = await self._recipient(request)
        entry = await self._entry(recipient, request)
        if request.method != "POST":
            asked = request.query_params.get("next", "")
            here = asked if is_local_path(asked) else self._render.inbox_url
            context = {"notif": self._forms.notification(entry), "here": here, "presets": PRESETS}
            return self._render(request, "snooze.html", context)
        async with request.form(max_files=0, max_fields=10) as form:
            until = datetime.now(UTC) + timedelta(days=_days(form.get("days")))
        going = await self._next(request, self._render.inbox_url)
        await self._acts.do(recipient, "snooze", ids=[entry.id], until=until)
        return RedirectResponse(going, 303)

    async def read_all(self, request: Request) -> Response:
        """POST up_to: mark everything as read that was there at that cursor."""
        recipient = await self._recipient(request)
        async with request.form(max_files=0, max_fields=10) as form:
            up_to = ReadAll.model_validate({"up_to": form.get("up_to")}).up_to
        going = await self._next(request, self._render.inbox_url)
        await self._acts.do(recipient, "read", up_to=up_to)
        return RedirectResponse(going, 303)

    def _act(self, act: Act) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            recipient = await self._recipient(request)
            entry = await self._entry(recipient, request)
            going = await self._next(request, self._render.inbox_url)
            await self._acts.do(recipient, act, ids=[entry.id])
            return RedirectResponse(going, 303)

        return endpoint

    def error(self, request: Request, error: NotifsError) -> Response:
        """An error as a page; who is not signed in is shown the way."""
        if isinstance(error, NotSignedIn) and self._render.login_url:
            asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            going = asked if request.method == "GET" else self._render.inbox_url  # what was sent is not sent again
            return RedirectResponse(f"{self._render.login_url}?next={quote(going, safe='')}", 303)
        context = {"status": error.status, "code": error.code, "detail": error.message}
        response = self._render(request, "error.html", context, status=error.status)
        if (retry_after := getattr(error, "retry_after", None)) is not None:
            response.headers["retry-after"] = str(retry_after)
        return response

    async def _recipient(self, request: Request) -> str:
        recipient = await self._identify(request.scope)
        if recipient is None:
            raise NotSignedIn("sign in to see your notifications")
        request.scope[RECIPIENT] = recipient
        return recipient

    async def _entry(self, recipient: str, request: Request) -> Entry:
        try:
            id = uuid.UUID(request.path_params["id"])
        except ValueError:
            id = None
        entry = await self._store.one(recipient, id) if id else None
        if entry is None:
            raise NotFound("there is no such notification in your inbox")
        return entry

    async def _next(self, request: Request, otherwise: str) -> str:
        """Where a form of ours wants to go back to."""
        if request.method != "POST":
            return otherwise
        async with request.form(max_files=0, max_fields=10) as form:
            going = form.get("next")
        return going if isinstance(going, str) and is_local_path(going) else otherwise

    def _context(
        self, request: Request, filter: Filter, search: Search, before: int | None, page: Page, whole: Page | None
    ) -> dict[str, Any]:
        message = self._forms.snapshot(page)
        older = self._url(filter, search, page.through) if page.more else None
        here = self._url(filter, search, before)
        t = self._render.words(request)
        notifs: list[Any] = message["notifs"]
        # As elements/entries.ts has them: the newest day first, and in it the feed's order.
        by_day = sorted(notifs, key=lambda notif: notif["created_at"][:10], reverse=True)
        days = groupby(by_day, key=lambda notif: t.day(notif["created_at"]))
        handed: dict[str, Any] = {
            "base": self._render.base,
            "person": person_of(request.scope[RECIPIENT]),
            "transport": self._render.transport,
            "filter": filter,
            "message": message,
        }
        if whole is not None:
            handed |= {"message": self._forms.snapshot(whole), "found": self._forms.page(filter, page, None, search)}
        tabs = [
            {
                "filter": name,
                "url": self._url(name, search),
                "count": page.head.unread if name == "unread" else None,
                "current": name == filter,
            }
            for name in get_args(Filter)
        ]
        return {
            "filter": filter,
            "message": message,
            "days": [{"label": label, "notifs": list(rows)} for label, rows in days],
            "older": older,
            "here": here,
            "newest": self._url(filter, search) if before is not None else None,
            "search": search,
            "is_search": any(search),
            "sought": t.sought(search, _name_of(search.actor, handed["message"]["notifs"])),
            "is_finding": any(search) or "find" in request.query_params,
            "clear": self._url(filter, Search()),
            "tabs": tabs,
            "island": island(handed),
        }

    def _url(self, filter: Filter, search: Search, before: int | None = None) -> str:
        query: dict[str, str] = {"filter": filter} if filter != "unread" else {}
        query |= {name: value for name, value in search._asdict().items() if value is not None}
        if before is not None:
            query["before"] = str(before)
        return self._render.inbox_url + (f"?{urlencode(query)}" if query else "")


def _term(asked: str | None) -> str | None:
    """What is searched for; None where there is nothing, or nothing that can be."""
    return asked if asked and len(asked) <= SEARCH_LIMIT and "\0" not in asked else None


def _name_of(actor: str | None, notifs: Sequence[Any]) -> str | None:
    """What an actor was called last; as it is looked for, where none of the notifications is from it."""
    known = (notif["actor"] for notif in notifs if notif["actor"] is not None)
    return next((one["name"] for one in known if actor == (one["name"] if one["id"] is None else one["id"])), actor)


def _days(said: Any) -> int:
    """How many days a form says.

    Raises:
        InvalidUntil: none, or too many.
    """
    days = int(said) if isinstance(said, str) and said.isascii() and said.isdigit() and len(said) < 4 else 0
    if not 0 < days <= SNOOZE_DAYS:
        told = Phrase("days must be a number from 1 to {most}; go back, and choose until when", most=SNOOZE_DAYS)
        raise InvalidUntil(told)
    return days


def _followed_by_a_person(request: Request) -> bool:
    """Whether a GET is somebody's navigation (Fetch Metadata), and no prefetch, image, frame or script."""
    headers = request.headers
    return (
        request.method == "GET"
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
        and "sec-purpose" not in headers
        and "purpose" not in headers
    )
