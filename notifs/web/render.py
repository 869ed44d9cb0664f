"""Server-rendered pages: templates, their common context, and the files that the browser part was built into."""

import hashlib
from collections.abc import Collection
from functools import cache, partial
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from notifs.store.accounts import Person
from notifs.urls import is_local_path, safe_link, safe_picture
from notifs.web.words import Words, negotiate, words

DIST = Path(__file__).parent.parent / "browser" / "dist"
WORKER = "worker.js"
PARTS = "parts/"
"""Where what `notifs.js` is made of is: each in a file whose name has the hash of what is in it."""
PERSON = "notifs.person"
RECIPIENT = "notifs.recipient"
"""The scope keys of who asks: an account of ours, and whoever it is."""


class Assets(StaticFiles):
    """The built files. Asked for with their hash, or by a name that has it, they never change: browsers may keep them.

    Args:
        base: the path under which the application is mounted; the service worker is let to look after what is below.
    """

    def __init__(self, base: str) -> None:
        super().__init__(directory=DIST, check_dir=False)
        self._base = base

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        is_exact = path.startswith(PARTS) or scope.get("query_string") == f"v={_hash(path)}".encode()
        fresh = response.status_code < 400 and is_exact
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if fresh else "no-cache"
        if path == WORKER:
            response.headers["service-worker-allowed"] = f"{self._base}/"
        return response


class Render:
    """Renders templates.

    Args:
        base: the path under which the application is mounted.
        login_url: where people sign in; empty if they cannot be sent anywhere.
        transport: what the browser part is to use: `socket` or `http`.
        image_hosts: the origins that pictures may come from, beside this host.
    """

    def __init__(self, *, base: str, login_url: str, transport: str, image_hosts: Collection[str] = ()) -> None:
        self.base = base
        self.login_url = login_url
        self.inbox_url = f"{base}/notifications/"
        self.transport = transport
        self._environment = environment(base, login_url, transport, frozenset(image_hosts))

    def __call__(self, request: Request, template: str, context: dict[str, Any], *, status: int = 200) -> HTMLResponse:
        person: Person | None = request.scope.get(PERSON)
        signed_in = person is not None or RECIPIENT in request.scope
        said = {"t": self.words(request), "user": person, "signed_in": signed_in, **context}
        html = self._environment.get_template(template).render(said)
        return HTMLResponse(html, status, {"content-language": said["t"].language, "vary": "Accept-Language"})

    def words(self, request: Request) -> Words:
        """What to say to who asks, in the language that their browser asks for."""
        return words(negotiate(request.headers.get("accept-language", "")))

    def onward(self, request: Request, url: str, label: str) -> HTMLResponse:
        """A page that sends the browser on to another site, by what it is called: a form of ours may not lead there.

        That is what `form-action 'self'` (CSP 3) says, and browsers hold it against redirects as well.
        """
        # The page says itself that it leads on: as a header, a long address is more than some proxies take.
        return self(request, "onward.html", {"url": url, "label": label})


@cache
def environment(base: str, login_url: str, transport: str, image_hosts: frozenset[str]) -> Environment:
    """The templates of applications that are alike: to compile them takes longer than to make an application."""
    made = Environment(
        loader=PackageLoader("notifs.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    # What was stored is looked at once more before it becomes a link or a picture.
    made.filters.update(link=safe_link, picture=partial(safe_picture, hosts=image_hosts))
    made.tests["local"] = is_local_path
    made.globals.update(
        base=base, login_url=login_url, inbox_url=f"{base}/notifications/", transport=transport,
        asset=partial(_asset, base), part=partial(_part, base),
    )  # fmt: skip
    return made


def _asset(base: str, name: str) -> str:
    """The URL of a built file, with its hash."""
    return f"{base}/notifs/static/{name}?v={_hash(name)}"


def _part(base: str, name: str) -> str:
    """The URL of a part of the script."""
    return f"{base}/notifs/static/{PARTS}{_file(name)}"


@cache
def _file(name: str) -> str:
    return next((path.name for path in (DIST / PARTS).glob(f"{name}-*.js")), "missing")


@cache
def _hash(name: str) -> str:
    path = DIST / name
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.is_file() else "missing"


def island(value: Any) -> Markup:
    """JSON that may stand inside a <script> element: nothing in it can end the element or begin a comment."""
    text = orjson.dumps(value).decode()
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704
