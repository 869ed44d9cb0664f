"""Sign-in and sign-out with email and password.

An unknown address, a disabled account, one without a password and a wrong password get the same answer in the same
time. Each try is counted before its password is looked at, per account and per network, or for a browser that the
account has signed in with before, for itself.
"""

from collections.abc import Awaitable, Callable, Sequence

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from notifs.addresses import address_of, network_of
from notifs.errors import BadCredentials, BadRequest, NotifsError, TooManyTries
from notifs.limits import WINDOW_SECONDS, Limits
from notifs.providers import Button
from notifs.signals import Signals, SignedIn, SignedOut
from notifs.store import Store, accounts
from notifs.store.accounts import Person
from notifs.store.sessions import Arrival
from notifs.urls import is_local_path
from notifs.web.browsers import Browsers
from notifs.web.passwords import Passwords
from notifs.web.render import Render
from notifs.web.sessions import Sessions

Leave = Callable[[Request], Awaitable[Response | None]]
DONE = {"password": "Your password is set. Sign in with it."}
"""What the page may be told to say."""


class Login:
    """The pages `/login/` and `/logout/`.

    Args:
        store: has the accounts and the audit log.
        end_sockets: ends the live sockets of a session, by its key.
        buttons: of the providers by whom people may sign in as well.
        leave: what sends somebody on who is to sign out at their provider too.
    """

    def __init__(
        self,
        store: Store,
        sessions: Sessions,
        browsers: Browsers,
        passwords: Passwords,
        limits: Limits,
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
        self._passwords = passwords
        self._limits = limits
        self._render = render
        self._signals = signals
        self._end_sockets = end_sockets
        self._buttons = buttons
        self._leave = leave or _nowhere

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
            person = await self._check(request, email, password)
        except (BadCredentials, TooManyTries) as error:
            return self.page(request, going, email=email, error=error)
        return await self.enter(request, person, going)

    async def enter(
        self, request: Request, person: Person, going: str, arrival: Arrival | None = None, **told: str
    ) -> Response:
        """Let a person in: a new session, in the place of the one that there may be, and the way on.

        Args:
            told: what the audit log is to say of it.

        Raises:
            NotFound: `unknown_recipient`, the account is disabled.
        """
        response = RedirectResponse(going, 303)
        await self._close(request)
        await self._sessions.start(request.scope, person, response, arrival)
        self._browsers.remember(response, person.email)
        await self._store.audit.record("signed_in", person.id, address=address_of(request.scope), **told)
        self._signals.send(SignedIn(person.id))
        return response

    async def sign_out(self, request: Request) -> Response:
        """POST: end the session and its live sockets, on every worker; and that of the provider that it came by."""
        person = await self._sessions.person(request.scope)
        response = await self._leave(request) or RedirectResponse(self._render.login_url, 303)
        await self._close(request)
        self._sessions.forget(response)
        if person is not None:
            await self._store.audit.record("signed_out", person.id, address=address_of(request.scope))
            self._signals.send(SignedOut(person.id))
        return response

    async def _close(self, request: Request) -> None:
        key = await self._sessions.end(request.scope)
        if key is not None:
            await self._end_sockets(key)

    async def _check(self, request: Request, email: str, password: str) -> Person:
        account, address = _account(email), address_of(request.scope)
        tried = account, network_of(address), self._browsers.known(request.scope, account)
        try:
            await self._limits.try_sign_in(*tried)
        except TooManyTries as error:
            await self._note_limit(error.per, account, address)
            raise
        person = await self._passwords.whose(account, password)
        if person is None:
            await self._store.audit.record("sign_in_failed", await self._recipient(account), address=address)
            raise BadCredentials("Email or password is wrong.")
        await self._limits.signed_in(*tried)
        return person

    async def _note_limit(self, per: str, account: str, address: str) -> None:
        """Say in the audit log that a bound is reached: once, however often somebody goes on trying."""
        subject = network_of(address) if per == "network" else account
        if await self._limits.once(f"sign_in_limited.{per}", subject, WINDOW_SECONDS):
            whose = None if per == "network" else await self._recipient(account)
            await self._store.audit.record("sign_in_limited", whose, address=address, per=per)

    async def _recipient(self, account: str) -> str | None:
        """Whom the audit log is to name: nobody, where there is no such account; never what was typed."""
        known = await self._store.database.read(lambda c: accounts.known(c, [account]))
        return known.get(account)

    def _next(self, url: str | None) -> str:
        return url if url and len(url) <= 2048 and is_local_path(url) else self._render.inbox_url

    def page(self, request: Request, going: str, *, email: str = "", error: NotifsError | None = None) -> Response:
        """The sign-in page: with what was wrong with what was typed in, or why a provider has let nobody in."""
        typed = isinstance(error, BadCredentials | TooManyTries)
        context = {
            "next": going,
            "email": email,
            "error": error if typed else None,
            "refused": None if typed else error,
            "done": DONE.get(request.query_params.get("done", "")),
            "buttons": self._buttons,
        }
        response = self._render(request, "login.html", context, status=error.status if error else 200)
        if (retry_after := getattr(error, "retry_after", None)) is not None:
            response.headers["retry-after"] = str(retry_after)
        return response


async def _nowhere(request: Request) -> None:
    """Where somebody signs out who has not come by a provider."""


def _account(email: str) -> str:
    """The address that tries are counted by and people looked up; what is no address is nobody's."""
    try:
        return accounts.normal_email(email)
    except BadRequest:
        return ""
