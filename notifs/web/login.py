"""Sign-in and sign-out with email and password.

An unknown address, a disabled account, one without a password and a wrong password get the same answer in the same
time. So does a right one that is replaced before the session begins. How often one may try, see `tries`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from notifs.addresses import address_of
from notifs.errors import BadCredentials, BadRequest, Busy, NotFound, NotifsError, TooManyTries
from notifs.identity import SESSION
from notifs.providers import Button
from notifs.signals import Signals, SignedIn, SignedOut
from notifs.store import Store, accounts, sessions
from notifs.store.accounts import Person
from notifs.store.sessions import Arrival
from notifs.urls import is_local_path
from notifs.web.browsers import Browsers
from notifs.web.render import Render
from notifs.web.sessions import Sessions
from notifs.web.tries import Tries, Try, tell_wait

Leave = Callable[[Request, str, str], Awaitable[Response | None]]
DONE = {"password": "Your password is set. Sign in with it."}
"""What the page may be told to say."""
WRONG = "Email or password is wrong."


class Login:
    """The pages `/login/` and `/logout/`.

    Args:
        store: has the accounts and the audit log.
        end_sockets: ends the live sockets of a session, by its key.
        buttons: of the providers by whom people may sign in as well.
        leave: what sends somebody on, by issuer and ID token, who is to sign out at their provider too.
    """

    def __init__(
        self,
        store: Store,
        sessions: Sessions,
        browsers: Browsers,
        tries: Tries,
        render: Render,
        signals: Signals,
        *,
        end_sockets: Callable[[str], Awaitable[None]],
        buttons: Sequence[Button] = (),
        leave: Leave | None = None,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._browsers = browsers
        self._tries = tries
        self._render = render
        self._signals = signals
        self._end_sockets = end_sockets
        self._buttons = buttons
        self._leave = leave

    def routes(self, base: str, middleware: Sequence[Middleware]) -> list[Route]:
        """`/login/` and `/logout/` below `base`."""
        return [
            Route(f"{base}/login/", self.form, methods=["GET"], middleware=middleware),
            Route(f"{base}/login/", self.sign_in, methods=["POST"], middleware=middleware),
            Route(f"{base}/logout/", self.sign_out, methods=["POST"], middleware=middleware),
        ]

    async def form(self, request: Request) -> Response:
        """GET: the form, or the way on for who is signed in already."""
        going = self._next(request.query_params.get("next"))
        if await self._sessions.person(request.scope) is not None:
            return RedirectResponse(going, 303)
        return self.page(request, going)

    async def sign_in(self, request: Request) -> Response:
        """POST: a new session and the way on, or the form again with what was wrong."""
        async with request.form(max_files=0, max_fields=10) as form:
            email, password, going = (str(form.get(name, "")) for name in ("email", "password", "next"))
        going = self._next(going)
        try:
            return await self._let_in(request, _account(email), password, going)
        except (BadCredentials, TooManyTries, Busy) as error:
            return self.page(request, going, email=email, error=error)

    async def enter(
        self, request: Request, person: Person, going: str, arrival: Arrival | None = None, **told: str
    ) -> Response:
        """Let a person in: a new session, in the place of the one that there may be, and the way on.

        Args:
            told: what the audit log is to say of it.

        Raises:
            NotFound: `unknown_recipient`: the account is disabled, or has another password than that of the arrival.
        """
        response = RedirectResponse(going, 303)
        await self._close(request)
        # First, so that a browser that came by another password than there is by now is not known by that.
        await self._browsers.remember(request.scope, response, person.email)
        await self._sessions.start(request.scope, person, response, arrival)
        await self._store.audit.record("signed_in", person.id, address=address_of(request.scope), **told)
        self._signals.send(SignedIn(person.id))
        return response

    async def sign_out(self, request: Request) -> Response:
        """POST: end the session and its live sockets, on every worker; and that of the provider that it came by."""
        person = await self._sessions.person(request.scope)
        issuer, id_token = await self._came_by(request)
        await self._close(request)  # before the provider is asked: whatever becomes of that, nobody is signed in here
        if person is not None:
            await self._store.audit.record("signed_out", person.id, address=address_of(request.scope))
            self._signals.send(SignedOut(person.id))
        onward = await self._leave(request, issuer, id_token) if self._leave and issuer and id_token else None
        response = onward or RedirectResponse(self._render.login_url, 303)
        self._sessions.forget(response)
        return response

    async def _came_by(self, request: Request) -> tuple[str | None, str | None]:
        """The provider by whom the session was made, and the ID token that it is asked by to end its own."""
        key = request.scope[SESSION]
        if self._leave is None or key is None:
            return None, None
        return await self._store.database.read(lambda c: sessions.id_token(c, key))

    async def _close(self, request: Request) -> None:
        key = await self._sessions.end(request.scope)
        if key is not None:
            await self._end_sockets(key)

    async def _let_in(self, request: Request, account: str, password: str, going: str) -> Response:
        browser = await self._browsers.known(request.scope, account)
        made = Try(account, address_of(request.scope), browser)
        known = await self._tries.prove(made, password)
        if known is None:
            raise BadCredentials(WRONG)
        arrival = replace(self._sessions.arrival(request.scope), password_hash=known.password_hash)
        try:
            response = await self.enter(request, known.person, going, arrival)
        except NotFound:  # it is not any more what it was when it was looked at
            await self._tries.failed(made)
            raise BadCredentials(WRONG) from None
        await self._tries.succeeded(made)
        return response

    def _next(self, url: str | None) -> str:
        return url if url and len(url) <= 2048 and is_local_path(url) else self._render.inbox_url

    def page(self, request: Request, going: str, *, email: str = "", error: NotifsError | None = None) -> Response:
        """The sign-in page: with what was wrong with what was typed in, or why else nobody is let in."""
        typed = isinstance(error, BadCredentials)
        context = {
            "next": going,
            "email": email,
            "error": error if typed else None,
            "refused": None if typed else error,
            "done": DONE.get(request.query_params.get("done", "")),
            "buttons": self._buttons,
        }
        response = self._render(request, "login.html", context, status=error.status if error else 200)
        tell_wait(response, error)
        return response


def _account(email: str) -> str:
    """The address that tries are counted by and people looked up; what is no address is nobody's."""
    try:
        return accounts.normal_email(email)
    except BadRequest:
        return ""
