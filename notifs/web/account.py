"""The page where people look after their own account: password, sign-ins, providers, and what has happened.

Plain forms, which work without JavaScript: each leads back to the page, which says what was done.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from notifs.addresses import address_of, network_of
from notifs.errors import BadCredentials, BadRequest, NotFound, NotifsError, NotSignedIn, TooManyTries
from notifs.identity import SESSION
from notifs.limits import Limits
from notifs.providers import Button, Provider, buttons
from notifs.store import Store, identities, sessions
from notifs.store.accounts import Person, uuid_of
from notifs.web.agents import browser
from notifs.web.history import History
from notifs.web.passwords import Passwords
from notifs.web.render import Render
from notifs.web.sessions import Sessions

DONE = {
    "password": "Your password is changed. You are signed out everywhere else.",
    "ended": "That sign-in is ended.",
    "others": "You are signed out everywhere else.",
    "linked": "You can sign in with that provider from now on.",
    "unlinked": "You cannot sign in with that provider any more.",
}
"""What the page may be told to say."""
RECENT = 10
"""Lines of what has happened, on one page."""
Link = Callable[[Request], Awaitable[Response]]


class AccountPages:
    """The page `/account/` and its forms.

    Args:
        end_sockets: ends the live sockets of a sign-in, by its key.
        link: begins to link the account of who asks with the provider that the address names.
    """

    def __init__(
        self,
        store: Store,
        sessions: Sessions,
        passwords: Passwords,
        limits: Limits,
        render: Render,
        providers: Mapping[str, Provider],
        *,
        end_sockets: Callable[[str], Awaitable[None]],
        link: Link | None = None,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._passwords = passwords
        self._limits = limits
        self._render = render
        self._providers = providers
        self._buttons = buttons(providers)
        self._history = History(store)
        self._end_sockets = end_sockets
        self._link = link

    def routes(self, base: str, middleware: Sequence[Middleware]) -> list[Route]:
        """The page and its forms below `base`."""
        posts = {
            "password": self.change_password,
            "sign-ins/end": self.end,
            "sign-ins/end-others": self.end_others,
            **({"link/{provider}": self._linking(self._link)} if self._link else {}),
        }
        return [
            Route(f"{base}/", self.page, methods=["GET"], middleware=middleware),
            *(Route(f"{base}/{path}/", post, methods=["POST"], middleware=middleware) for path, post in posts.items()),
        ]

    async def page(self, request: Request) -> Response:
        """GET ?done=&before=: the page; `before` is the line of the audit log below which it goes on."""
        return await self._show(request, await self._person(request))

    async def change_password(self, request: Request) -> Response:
        """POST current, new: change the password, and end every other sign-in."""
        person = await self._person(request)
        async with request.form(max_files=0, max_fields=10) as form:
            current, new = str(form.get("current", "")), str(form.get("new", ""))
        try:
            ended = await self._change(request, person, current, new)
        except (BadCredentials, TooManyTries) as error:
            return await self._show(request, person, current=error)
        except BadRequest as error:
            return await self._show(request, person, new=error)
        return await self._back("password", ended)

    async def end(self, request: Request) -> Response:
        """POST id: end one sign-in."""
        person = await self._person(request)
        async with request.form(max_files=0, max_fields=10) as form:
            id = uuid_of(str(form.get("id", "")))
        here = {"address": address_of(request.scope)}
        ended = await self._store.accounts.end_sign_in(person.id, id, **here) if id else []
        if not ended:
            raise NotFound("you have no such sign-in; it may have ended meanwhile")
        return await self._back("ended", ended)

    async def end_others(self, request: Request) -> Response:
        """POST: end every sign-in but this one."""
        person = await self._person(request)
        here, address = request.scope[SESSION], address_of(request.scope)
        return await self._back("others", await self._store.accounts.end_sign_ins(person.id, but=here, address=address))

    def _linking(self, begin: Link) -> Link:
        async def link(request: Request) -> Response:
            """POST password: on to a provider. Who finds a browser open shall not make a way in of their own."""
            person = await self._person(request)
            async with request.form(max_files=0, max_fields=10) as form:
                password = str(form.get("password", ""))
            try:
                if (await self._store.accounts.get(person.id)).has_password:
                    await self._confirm(request, person, password)
            except (BadCredentials, TooManyTries) as error:
                return await self._show(request, person, link=error)
            return await begin(request)

        return link

    async def _person(self, request: Request) -> Person:
        person = await self._sessions.person(request.scope)
        if person is None:
            raise NotSignedIn("sign in to see your account")
        return person

    async def _change(self, request: Request, person: Person, current: str, new: str) -> list[str]:
        stamp = await self._confirm(request, person, current)
        here, address = request.scope[SESSION], address_of(request.scope)
        return await self._passwords.replace(
            person, new, stamp=stamp, event="password_changed", but=here, address=address
        )

    async def _confirm(self, request: Request, person: Person, password: str) -> str:
        """See that it is the person themselves who asks. Returns the stamp of their password.

        Raises:
            BadCredentials: that is not their password.
            TooManyTries: too many were not.
        """
        here, address = request.scope[SESSION], address_of(request.scope)
        # Else whoever finds a browser open could try out passwords here. This browser is one of theirs, so that those
        # who fail elsewhere keep nobody from changing it.
        tried = person.email, network_of(address), here
        await self._limits.try_sign_in(*tried)
        known = await self._passwords.stamp(person.id)
        if known is None or not await self._passwords.right(person, password):
            raise BadCredentials("This is not your password.")
        await self._limits.signed_in(*tried)
        return known[1]

    async def _back(self, done: str, ended: Sequence[str]) -> Response:
        for key in ended:
            await self._end_sockets(key)
        return RedirectResponse(f"{self._render.base}/account/?done={done}", 303)

    async def _show(self, request: Request, person: Person, **errors: NotifsError) -> Response:
        account = await self._store.accounts.get(person.id)
        lines = await self._store.accounts.sign_ins(person.id)
        happened, older = await self._history.page(request, person.id, limit=RECENT)
        linked = await self._store.database.read(lambda c: identities.of(c, person.id))
        context = {
            "has_password": account.has_password,
            "errors": {name: errors[name].message if name in errors else None for name in ("current", "new", "link")},
            "done": DONE.get(request.query_params.get("done", "")),
            "sign_ins": [self._sign_in(line, request.scope[SESSION]) for line in lines],
            "linked": [self._linked(line) for line in linked],
            "linkable": self._linkable(linked),
            "happened": happened,
            "older": older,
        }
        status = next((error.status for error in errors.values()), 200)
        return self._render(request, "account.html", context, status=status)

    def _sign_in(self, line: sessions.Line, here: str) -> dict[str, Any]:
        return {
            "id": line.id,
            "here": line.key == here,
            "browser": browser(line.agent),
            "address": line.address,
            "seen_at": line.seen_at,
            "provider": self._label(line.issuer),
        }

    def _linked(self, line: identities.Line) -> dict[str, Any]:
        return {
            "issuer": line.issuer,
            "subject": line.subject,
            "label": self._label(line.issuer) or line.provider,
            "email": line.email,
            "used_at": line.used_at,
        }

    def _linkable(self, linked: Sequence[identities.Line]) -> list[Button]:
        """The providers that the account is not linked with."""
        issuers = {line.issuer for line in linked}
        return [each for each in self._buttons if self._providers[each.name].expected_issuer not in issuers]

    def _label(self, issuer: str | None) -> str | None:
        """What a provider is called; None for a password, and for one that is not in the settings any more."""
        return next((b.label for b in self._buttons if self._providers[b.name].expected_issuer == issuer), None)
