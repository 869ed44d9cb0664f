"""The page where people look after their own account: password, sign-ins, providers, and what has happened.

Plain forms, which work without JavaScript: each leads back to the page, which says what was done.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from notifs.addresses import address_of
from notifs.errors import BadCredentials, BadRequest, Forbidden, NotFound, NotifsError, NotSignedIn, TooManyTries
from notifs.identity import SESSION
from notifs.providers import Button, Provider, buttons
from notifs.store import Store, identities, sessions
from notifs.store.accounts import Person, uuid_of
from notifs.store.models import utcnow
from notifs.web.agents import browser
from notifs.web.browsers import Browsers
from notifs.web.history import History
from notifs.web.passwords import Passwords
from notifs.web.render import Render
from notifs.web.sessions import Sessions
from notifs.web.tries import Tries, Try, tell_wait

DONE = {
    "password": "Your password is changed. You are signed out everywhere else.",
    "ended": "That sign-in is ended.",
    "others": "You are signed out everywhere else.",
    "linked": "You can sign in with that provider from now on.",
    "unlinked": "You cannot sign in with that provider any more.",
}
"""What the page may be told to say."""
FRESH = timedelta(minutes=10)
"""How old a sign-in may be that takes the place of a password, where there is none, to link a provider."""
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
        browsers: Browsers,
        passwords: Passwords,
        tries: Tries,
        render: Render,
        providers: Mapping[str, Provider],
        *,
        end_sockets: Callable[[str], Awaitable[None]],
        link: Link | None = None,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._browsers = browsers
        self._passwords = passwords
        self._tries = tries
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
        response = await self._back("password", ended)
        await self._browsers.remember(request.scope, response, person.email)
        return response

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
                    made = self._try(request, person)
                    await self._confirm(made, password)
                    await self._tries.succeeded(made)
                else:
                    await self._check_fresh(request, person)
            except (BadCredentials, TooManyTries, Forbidden) as error:
                return await self._show(request, person, link=error)
            return await begin(request)

        return link

    async def _person(self, request: Request) -> Person:
        person = await self._sessions.person(request.scope)
        if person is None:
            raise NotSignedIn("sign in to see your account")
        return person

    async def _change(self, request: Request, person: Person, current: str, new: str) -> list[str]:
        made = self._try(request, person)
        stamp = await self._confirm(made, current)
        ended = await self._passwords.replace(
            person, new, stamp=stamp, event="password_changed", but=made.browser, address=made.address
        )
        await self._tries.succeeded(made)  # only now: it takes long to judge new ones, so they are counted too
        return ended

    def _try(self, request: Request, person: Person) -> Try:
        """Else whoever finds a browser open could try out passwords here.

        The browser is one of theirs, so that those who fail elsewhere keep nobody from changing their password.
        """
        return Try(person.email, address_of(request.scope), request.scope[SESSION])

    async def _confirm(self, made: Try, password: str) -> str:
        """See that it is the person themselves who asks. Returns the stamp of their password.

        Raises:
            BadCredentials: that is not their password.
            TooManyTries: too many were not.
        """
        known = await self._tries.prove(made, password)
        if known is None:
            raise BadCredentials("This is not your password.")
        return known.stamp

    async def _check_fresh(self, request: Request, person: Person) -> None:
        """The same for who has no password: that they have just signed in at their provider says that it is them.

        Raises:
            Forbidden: `sign_in_again`, it is too long ago.
        """
        here, since = request.scope[SESSION], utcnow() - FRESH
        sign_ins = await self._store.accounts.sign_ins(person.id)
        if not any(line.key == here and line.created_at >= since for line in sign_ins):
            told = "sign out and in again, then link within 10 minutes; or set a password: an admin can make you a link"
            raise Forbidden(told, code="sign_in_again")

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
        error = next(iter(errors.values()), None)
        response = self._render(request, "account.html", context, status=error.status if error else 200)
        tell_wait(response, error)
        return response

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
