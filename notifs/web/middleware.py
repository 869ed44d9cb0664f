"""What every route of ours is wrapped in: safe headers, errors in words, hosts, bounded bodies, same-origin writes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifs.errors import BadRequest, Forbidden, NotFound, NotifsError, TooLarge
from notifs.origins import Origins
from notifs.phrases import Phrase
from notifs.problems import problem

log = structlog.get_logger("notifs.http")
BODY_LIMIT = 65_536
"""Bytes of a request's body."""
BODY_SECONDS = 30.0
"""How long a body may take to come."""
LARGER_BODY = "notifs.larger_body"
"""The scope key where an address that takes more says how much, before it reads."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""What is asked by those who know this worker by its address alone."""
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    # Markup is made of text by Lit's templates alone, which name their policy so; ours names the service worker.
    "require-trusted-types-for": "'script'",
    "trusted-types": "lit-html notifs",
}
"""What a page of ours may load and do (CSP 3, and Trusted Types). Sockets of our own host are `'self'` as well."""
UNUSED = (
    "accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "encrypted-media",
    "fullscreen", "gamepad", "geolocation", "gyroscope", "hid", "identity-credentials-get", "idle-detection",
    "local-fonts", "magnetometer", "microphone", "midi", "otp-credentials", "payment", "picture-in-picture",
    "publickey-credentials-create", "publickey-credentials-get", "screen-wake-lock", "serial", "storage-access", "usb",
    "window-management", "xr-spatial-tracking",
)  # fmt: skip
"""What browsers offer to pages, and none of ours uses."""
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": ", ".join(f"{feature}=()" for feature in UNUSED),
    "cache-control": "no-store",
}
HSTS = "max-age=63072000; includeSubDomains"
"""Two years."""
_STARTS = ("http.response.start", "websocket.http.response.start")


def policy(changes: Mapping[str, str] | None = None) -> str:
    """The Content-Security-Policy of a page, with `changes` to what all pages have; an empty one takes a rule away."""
    rules = {**POLICY, **(changes or {})}
    return "; ".join(f"{name} {value}" for name, value in rules.items() if value)


class SafeHeaders:
    """Headers that tell browsers what a page of ours may not do (OWASP ASVS 5.0, 3.4), on every response.

    A response that brings one of them itself keeps its own.

    Args:
        hsts: whether browsers are to come by HTTPS alone from now on, to this host and all below it.
        image_hosts: origins that pictures may come from, beside this host.
    """

    def __init__(self, app: ASGIApp, *, hsts: bool, image_hosts: Sequence[str] = ()) -> None:
        self._app = app
        self._policy = policy({"img-src": " ".join(["'self'", *image_hosts])})
        self._headers = {**HEADERS, "strict-transport-security": HSTS} if hsts else HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] in _STARTS:
                self._complete(MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, send_safely)

    def _complete(self, headers: MutableHeaders) -> None:
        for name, value in self._headers.items():
            headers.setdefault(name, value)
        # The older of two ways to say who may frame a page must not contradict the newer.
        if "frame-ancestors 'none'" in headers.setdefault("content-security-policy", self._policy):
            headers.setdefault("x-frame-options", "DENY")
        if headers["cache-control"] == "no-store":
            headers.add_vary_header("Cookie, Authorization")  # for a cache that keeps it all the same


class Hosts:
    """Refuses a Host that is none of ours: links, redirects and caches go by it."""

    def __init__(self, app: ASGIApp, *, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope["path"] not in PROBES:
            named = self._origins.names_us(scope)
            if named is None:
                raise BadRequest("the Host header must be one host, perhaps with a port", code="unknown_host")
            if not named:
                told = "this site is not at that host; ask for one of NOTIFS_ORIGINS, or add it there"
                raise BadRequest(told, code="unknown_host")
        await self._app(scope, receive, send)


class Errors:
    """Turns errors into responses: ours into what they say, any other into a plain 500 and a line in the log.

    Args:
        page: makes the response for who asks for HTML; everybody else gets problem details.
        programs: paths below which nobody gets a page.
    """

    def __init__(
        self, app: ASGIApp, *, page: Callable[[Request, NotifsError], Response], programs: Sequence[str] = ()
    ) -> None:
        self._app = app
        self._page = page
        self._programs = programs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def send_and_see(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_see)
        except Exception as error:
            if started:
                raise
            await self._answer(error, scope)(scope, receive, send)

    def _answer(self, error: Exception, scope: Scope) -> Response:
        known = _known(error, scope)
        html = scope["type"] == "http" and "text/html" in Headers(scope=scope).get("accept", "")
        page = html and not _is_below(scope, self._programs)
        response = self._page(Request(scope), known) if page else problem(known)
        if isinstance(error, HTTPException):
            response.headers.update(error.headers or {})  # which methods are allowed, say
        return response


class SameOrigin:
    """Refuses writes that another site's page has caused (CSRF): a cookie alone proves nothing.

    A write with cookies must carry `Sec-Fetch-Site: same-origin`, or an `Origin` that is ours. One without cookies may
    come from a program that sends neither.

    Args:
        keyed: paths below which no cookie is read; who has no key there is nobody.
    """

    def __init__(self, app: ASGIApp, *, origins: Origins, keyed: Sequence[str] = ()) -> None:
        self._app = app
        self._origins = origins
        self._keyed = keyed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in SAFE_METHODS and not _is_below(scope, self._keyed):
            same = self._origins.same_site(scope)
            if same is False or (same is None and "cookie" in Headers(scope=scope)):
                raise Forbidden("this request did not come from a page of this site", code="cross_site")
        await self._app(scope, receive, send)


class BoundedBody:
    """Refuses a body over its bound, by its announced length and by what really comes, and one that is too slow."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        announced = int(length) if length.isascii() and length.isdigit() else 0
        received, complete, ends = 0, False, asyncio.get_running_loop().time() + BODY_SECONDS

        async def receive_bounded() -> Message:
            nonlocal received, complete
            limit = scope.get(LARGER_BODY, BODY_LIMIT)
            if announced > limit:
                raise _too_large(limit)
            try:
                async with asyncio.timeout_at(None if complete else ends):
                    message = await receive()
            except TimeoutError:
                raise BadRequest("the body took too long to come", code="too_slow", status=408) from None
            received += len(message.get("body", b""))
            complete = not message.get("more_body", False)
            if received > limit:
                raise _too_large(limit)
            return message

        await self._app(scope, receive_bounded, send)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(Phrase("a body has at most {most} bytes; send less at a time", most=limit))


def _is_below(scope: Scope, paths: Sequence[str]) -> bool:
    path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
    return any(path == each or path.startswith(f"{each}/") for each in paths)


def _known(error: Exception, scope: Scope) -> NotifsError:
    match error:
        case NotifsError():
            return error
        case HTTPException(status_code=404):
            return NotFound("there is nothing at this address")
        case HTTPException(status_code=405):
            return BadRequest("this address does not take that method", code="method_not_allowed", status=405)
        case HTTPException():
            return BadRequest(error.detail, status=error.status_code)
        case ClientDisconnect():
            return BadRequest("the request ended before its body did")  # said to nobody: they have left
    # The route, and not what was asked for: that may have a token in it, of a reset link say.
    log.error("request failed", route=getattr(scope.get("route"), "path", None), exc_info=error)
    return NotifsError("something went wrong here; it was logged, and can be tried again", code="internal")
