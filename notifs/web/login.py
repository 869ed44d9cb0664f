"""Sign-in and sign-out with email and password.

An unknown address and a wrong password get the same answer in the same time. Failed tries are counted per account and
per client address. Passwords are hashed off the event loop, two at a time.
"""

import math
import time
from collections.abc import Awaitable, Callable, Sequence

import anyio
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from notifs.errors import BadCredentials, BadRequest, NotifsError, TooManyTries
from notifs.signals import Signals, SignedIn, SignedOut
from notifs.store import accounts
from notifs.store.accounts import Person
from notifs.store.database import Database
from notifs.urls import is_local_path
from notifs.web.render import Render
from notifs.web.sessions import Sessions

WINDOW_MINUTES = 15
PER_ADDRESS = 10
"""How many times the tries of one account a client address has: many people share one."""


class Tries:
    """Counts failed sign-ins of an account and of an address. Kept by each worker for itself."""

    def __init__(self, per_account: int) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._limits = {
            "account": RateLimitItemPerMinute(per_account, WINDOW_MINUTES),
            "address": RateLimitItemPerMinute(per_account * PER_ADDRESS, WINDOW_MINUTES),
        }

    async def check(self, **keys: str) -> None:
        """Return if there may be another try of this account from this address.

        Raises:
            TooManyTries: there were too many; says how long to wait.
        """
        for kind, key in keys.items():
            if not await self._limiter.test(self._limits[kind], kind, key):
                stats = await self._limiter.get_window_stats(self._limits[kind], kind, key)
                wait = max(1, math.ceil(stats.reset_time - time.time()))
                minutes = math.ceil(wait / 60)
                told = f"too many tries; wait {minutes} minute{'s' if minutes > 1 else ''}, then try again"
                raise TooManyTries(told, retry_after=wait)

    async def count(self, **keys: str) -> None:
        """Count a try that failed."""
        for kind, key in keys.items():
            await self._limiter.hit(self._limits[kind], kind, key)

    async def forgive(self, account: str) -> None:
        """A sign-in that succeeded clears its account's count."""
        await self._limiter.clear(self._limits["account"], "account", account)


class Login:
    """The pages `/login/` and `/logout/`.

    Args:
        end_sockets: ends the live sockets of a session, by its key.
    """

    def __init__(
        self,
        database: Database,
        sessions: Sessions,
        render: Render,
        signals: Signals,
        tries: Tries,
        *,
        end_sockets: Callable[[str], Awaitable[None]],
    ) -> None:
        self._database = database
        self._sessions = sessions
        self._render = render
        self._signals = signals
        self._tries = tries
        self._end_sockets = end_sockets
        self._turns = anyio.CapacityLimiter(2)

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
        return self._page(request, going)

    async def sign_in(self, request: Request) -> Response:
        """POST: a new session and the way on, or the form again with what was wrong."""
        async with request.form(max_files=0, max_fields=10) as form:
            email, password, going = (str(form.get(name, "")) for name in ("email", "password", "next"))
        going = self._next(going)
        try:
            person = await self._check(request, email, password)
        except (BadCredentials, TooManyTries) as error:
            return self._page(request, going, email=email, error=error)
        response = RedirectResponse(going, 303)
        await self._close(request)
        await self._sessions.start(request.scope, person, response)
        self._signals.send(SignedIn(person.id))
        return response

    async def sign_out(self, request: Request) -> Response:
        """POST: end the session and its live sockets, on every worker."""
        person = await self._sessions.person(request.scope)
        await self._close(request)
        response = RedirectResponse(self._render.login_url, 303)
        self._sessions.forget(response)
        if person is not None:
            self._signals.send(SignedOut(person.id))
        return response

    async def _close(self, request: Request) -> None:
        key = await self._sessions.end(request.scope)
        if key is not None:
            await self._end_sockets(key)

    async def _check(self, request: Request, email: str, password: str) -> Person:
        keys = {"address": request.client.host if request.client else "unknown", "account": _account(email)}
        async with self._turns:  # so that those who try at once cannot all be the last that is allowed
            await self._tries.check(**keys)
            person = await self._whose(keys["account"], password)
            if person is None:
                await self._tries.count(**keys)
                raise BadCredentials("Email or password is wrong.")
            await self._tries.forgive(keys["account"])
            return person

    async def _whose(self, account: str, password: str) -> Person | None:
        """The person whose password this is. It takes as long for nobody as for somebody."""
        if len(password.encode("utf-8", "replace")) > accounts.PASSWORD_MAX:
            return None
        known = await self._database.read(lambda c: accounts.by_email(c, account))
        person, password_hash = known or (None, None)
        right = await anyio.to_thread.run_sync(accounts.verify_password, password_hash, password)
        return person if right else None

    def _next(self, url: str | None) -> str:
        return url if url and len(url) <= 2048 and is_local_path(url) else self._render.inbox_url

    def _page(self, request: Request, going: str, *, email: str = "", error: NotifsError | None = None) -> Response:
        told = {"code": error.code, "message": error.message} if error else None
        response = self._render(
            request, "login.html", {"next": going, "email": email, "error": told}, status=error.status if error else 200
        )
        if isinstance(error, TooManyTries):
            response.headers["retry-after"] = str(error.retry_after)
        return response


def _account(email: str) -> str:
    """The address that tries are counted by and people looked up; what is no address is nobody's."""
    try:
        return accounts.normal_email(email)
    except BadRequest:
        return ""
