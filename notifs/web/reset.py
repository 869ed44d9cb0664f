"""Links that set a password: for who has forgotten theirs, or never had one.

A link is signed, lasts an hour, and is bound to the password that it replaces: as soon as one is set, no link from
before is worth anything. The token is in the address, so the page lets browsers tell nobody where they come from.
"""

from collections.abc import Awaitable, Callable, Sequence

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from notifs.addresses import address_of, network_of
from notifs.errors import BadRequest, ChangedMeanwhile, NotFound
from notifs.limits import Limits
from notifs.signing import Signer
from notifs.web.browsers import Browsers
from notifs.web.passwords import Known, Passwords
from notifs.web.render import Render

SECONDS = 3600
"""How long a link is good."""
REFERRER = {"referrer-policy": "strict-origin"}
"""No address in any Referer. Under `no-referrer` browsers send `Origin: null`, and our own form would be refused."""


class Reset:
    """The page `/reset/TOKEN/`, and the links to it.

    Args:
        end_sockets: ends all live sockets of a recipient.
    """

    def __init__(
        self,
        passwords: Passwords,
        signer: Signer,
        browsers: Browsers,
        limits: Limits,
        render: Render,
        *,
        end_sockets: Callable[[str], Awaitable[None]],
    ) -> None:
        self._passwords = passwords
        self._signer = signer
        self._browsers = browsers
        self._limits = limits
        self._render = render
        self._end_sockets = end_sockets

    def routes(self, base: str, middleware: Sequence[Middleware]) -> list[Route]:
        """`/reset/TOKEN/` below `base`."""
        path = f"{base}/reset/{{token}}/"
        return [
            Route(path, self.form, methods=["GET"], middleware=middleware, name="reset"),
            Route(path, self.reset, methods=["POST"], middleware=middleware),
        ]

    async def link(self, recipient: str, origin: str) -> str:
        """A link by which the person can set their password, once, on the site at `origin`.

        Raises:
            NotFound: `unknown_recipient`; a disabled account is none.
        """
        known = await self._passwords.of(recipient)
        if known is None:
            raise NotFound("nobody who may sign in has that recipient id", code="unknown_recipient")
        token = self._signer.sign("reset", [recipient, known.stamp])
        return f"{origin}{self._render.base}/reset/{token}/"

    async def form(self, request: Request) -> Response:
        """GET: the form. It changes nothing: programs that look at what a mail links to follow this link as well."""
        return self._page(request, await self._whose(request))

    async def reset(self, request: Request) -> Response:
        """POST password: set it, end every sign-in, and lead to where one signs in with it.

        Whoever has the link is the owner, and can sign in with this browser whatever others have tried.
        """
        address = address_of(request.scope)
        await self._limits.try_reset(network_of(address))
        known = await self._whose(request)
        if known is None:
            return self._page(request, None)
        async with request.form(max_files=0, max_fields=10) as form:
            password = str(form.get("password", ""))
        person = known.person
        try:
            await self._passwords.replace(person, password, stamp=known.stamp, event="password_reset", address=address)
        except ChangedMeanwhile:
            return self._page(request, None)
        except BadRequest as error:
            return self._page(request, known, error)
        await self._end_sockets(person.id)
        await self._limits.password_set(person.email)
        response = RedirectResponse(f"{self._render.login_url}?done=password", 303, headers=REFERRER)
        await self._browsers.remember(request.scope, response, person.email)
        return response

    async def _whose(self, request: Request) -> Known | None:
        """Whose link it is, if it is still good."""
        value = self._signer.read("reset", request.path_params["token"], seconds=SECONDS)
        if value is None:
            return None
        recipient, stamp = value
        known = await self._passwords.of(recipient)
        return known if known is not None and known.stamp == stamp else None

    def _page(self, request: Request, known: Known | None, error: BadRequest | None = None) -> Response:
        context = {
            "email": known.person.email if known else None,
            "error": error and error.message,
            "here": request.url.path,
        }
        status = error.status if error else 200 if known else 404
        response = self._render(request, "reset.html", context, status=status)
        response.headers.update(REFERRER)
        return response
