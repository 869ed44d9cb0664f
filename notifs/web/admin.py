"""The pages for admins: people, what may be done to one of them, and the audit log.

To everybody else who is signed in there is nothing at these addresses.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from notifs.addresses import address_of
from notifs.errors import BadRequest, NotFound, NotSignedIn
from notifs.store import Store
from notifs.store.accounts import Person
from notifs.store.audit import EVENTS
from notifs.store.people import PAGE, Account, By
from notifs.web.history import History
from notifs.web.render import Render
from notifs.web.sessions import Sessions

LINES = 50
"""Lines of the audit log on one page."""
RECENT = 10
"""The same on the page of one person."""
DONE = {
    "disable": "The account is disabled. Nobody is signed in to it any more.",
    "enable": "The account is enabled. Its person can sign in again.",
    "end": "They are signed out everywhere.",
    "grant": "They are an admin now.",
    "revoke": "They are no admin any more.",
}
"""What may be done to a person, and what the page says of it then."""


class AdminPages:
    """The pages below `/admin/`.

    Args:
        end_sockets: ends all live sockets of a recipient.
        reset_link: makes a link by which a recipient sets their password, on the site at an origin.
        origin: of the site; empty for the one that was asked for.
    """

    def __init__(
        self,
        store: Store,
        sessions: Sessions,
        render: Render,
        *,
        end_sockets: Callable[[str], Awaitable[None]],
        reset_link: Callable[..., Awaitable[str]],
        origin: str,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._render = render
        self._history = History(store)
        self._end_sockets = end_sockets
        self._reset_link = reset_link
        self._origin = origin

    def routes(self, base: str, middleware: Sequence[Middleware]) -> list[Route]:
        """The routes below `base`."""
        gets = {"/": self.people, "/person/": self.person, "/audit/": self.audit}
        posts = {"/person/reset-link/": self.make_link} | {f"/person/{act}/": self._act(act) for act in DONE}
        return [
            *(Route(base + path, get, methods=["GET"], middleware=middleware) for path, get in gets.items()),
            *(Route(base + path, post, methods=["POST"], middleware=middleware) for path, post in posts.items()),
        ]

    async def people(self, request: Request) -> Response:
        """GET ?q=&after=: people by address, those with `q` in theirs."""
        await self._admin(request)
        search, after = (_said(request, name) for name in ("q", "after"))
        found = await self._store.accounts.page(search, after=after, limit=PAGE + 1)
        shown = found[:PAGE]
        more = self._url("", q=search, after=shown[-1].person.email) if len(found) > PAGE else None
        return self._render(request, "admin_people.html", {"people": shown, "search": search, "more": more})

    async def person(self, request: Request) -> Response:
        """GET ?id=&done=&before=: one person, by recipient id."""
        admin = await self._admin(request)
        return await self._show(request, admin, await self._account(request.query_params))

    async def audit(self, request: Request) -> Response:
        """GET ?person=&event=&before=: the audit log, of one person or event if that is said."""
        await self._admin(request)
        name, event = (_said(request, key) for key in ("person", "event"))
        recipient, kind = await self._recipient(name) if name else None, event if event in EVENTS else None
        happened, older = await self._history.page(request, recipient, kind, limit=LINES)
        context = {"happened": happened, "older": older, "named": name, "event": kind, "events": EVENTS}
        return self._render(request, "admin_audit.html", context)

    async def make_link(self, request: Request) -> Response:
        """POST id: a link by which the person sets their password. It is shown here, and nowhere again."""
        admin = await self._admin(request)
        account = await self._posted(request)
        origin = self._origin or f"{request.url.scheme}://{request.url.netloc}"
        link = await self._reset_link(account.person.id, origin, **_by(request, admin))
        return await self._show(request, admin, account, link=link)

    def _act(self, act: str) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            admin = await self._admin(request)
            recipient = (await self._posted(request)).person.id
            if recipient == admin.id and act in ("disable", "revoke"):
                raise BadRequest("you cannot do that to yourself; let another admin do it", code="own_account")
            await self._do(act, recipient, _by(request, admin))
            return RedirectResponse(self._url("person/", id=recipient, done=act), 303)

        return endpoint

    async def _do(self, act: str, recipient: str, by: By) -> None:
        accounts = self._store.accounts
        match act:
            case "disable":
                await accounts.disable(recipient, **by)
            case "enable":
                await accounts.enable(recipient, **by)
            case "end":
                await accounts.end_sign_ins(recipient, **by)
            case _:
                await accounts.set_admin(recipient, act == "grant", **by)
        if act in ("disable", "end"):
            await self._end_sockets(recipient)

    async def _show(self, request: Request, admin: Person, account: Account, link: str | None = None) -> Response:
        person = account.person
        happened, older = await self._history.page(request, person.id, limit=RECENT)
        context = {
            "account": account,
            "own": person.id == admin.id,
            "sign_ins": len(await self._store.accounts.sign_ins(person.id)),
            "happened": happened,
            "older": older,
            "link": link,
            "done": DONE.get(request.query_params.get("done", "")),
        }
        return self._render(request, "admin_person.html", context)

    async def _admin(self, request: Request) -> Person:
        """Who asks.

        Raises:
            NotSignedIn: nobody does.
            NotFound: they are no admin.
        """
        person = await self._sessions.person(request.scope)
        if person is None:
            raise NotSignedIn("sign in to see this page")
        if not person.admin:
            raise NotFound("there is nothing at this address")
        return person

    async def _posted(self, request: Request) -> Account:
        async with request.form(max_files=0, max_fields=10) as form:
            return await self._account({"id": str(form.get("id", ""))})

    async def _account(self, named: Mapping[str, str]) -> Account:
        try:
            return await self._store.accounts.get(named.get("id", ""))
        except (NotFound, BadRequest):
            raise NotFound("there is no such account") from None

    async def _recipient(self, name: str) -> str:
        """The recipient id of whom an address or an id names; what names nobody may have been somebody's id."""
        try:
            return (await self._store.accounts.get(name)).person.id
        except (NotFound, BadRequest):
            return name

    def _url(self, path: str, **query: Any) -> str:
        said = {name: value for name, value in query.items() if value}
        return f"{self._render.base}/admin/{path}" + (f"?{urlencode(said)}" if said else "")


def _said(request: Request, name: str) -> str:
    """A value of the query, without what no name and no address has in it: not every database takes that."""
    return "".join(filter(str.isprintable, request.query_params.get(name, "")))[:254].strip()


def _by(request: Request, admin: Person) -> By:
    return {"actor": admin.id, "address": address_of(request.scope)}
