"""The application as it is, served by a real uvicorn, and the people who visit it."""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx2
from argon2 import PasswordHasher
from starlette.applications import Starlette

from notifs import Notifs, Settings, create_app
from notifs.signing import Signer
from notifs.store import sessions
from notifs.store.accounts import Person
from tests.wire import http_client, listening

PASSWORD = "correct horse battery staple"
HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""For tests which are not about how long that takes: what is used elsewhere takes a fifth of a second of a core."""
CHEAP = HASHER.hash(PASSWORD)
"""A hash that is quickly checked."""
SECRET = "a secret of production, and long enough"
HTML = {"accept": "text/html"}
NAVIGATION = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@dataclass(frozen=True)
class Site:
    """A served application."""

    url: str
    app: Starlette

    @property
    def notifs(self) -> Notifs:
        notifs: Notifs = self.app.state.notifs
        return notifs

    async def person(self, name: str, password_hash: str = CHEAP) -> Person:
        """A new account; its password is PASSWORD."""
        return await self.notifs.store.add_user(f"{name}@example.org", name.capitalize(), password_hash)

    async def cookie(self, person: Person) -> str:
        """The Cookie header of a new sign-in, made without the form."""
        settings, token = self.notifs.settings, secrets.token_urlsafe(32)
        key = Signer(settings.secret_keys).hashes(token)[0]
        await self.notifs.store.database.write(lambda c: sessions.start(c, person.id, key, 1))
        return f"{'__Host-notifs' if settings.production else 'notifs'}={token}"

    @asynccontextmanager
    async def visitor(self, person: Person | None = None, **headers: str) -> AsyncIterator[httpx2.AsyncClient]:
        """Somebody whose requests come from a page of this site; signed in if it is a person."""
        headers = {"sec-fetch-site": "same-origin", **headers}
        async with http_client(self.url, headers=headers, timeout=30) as client:
            if person is not None:
                name, _, token = (await self.cookie(person)).partition("=")
                client.cookies.set(name, token, domain="127.0.0.1")
            yield client


def cookies(visitor: httpx2.AsyncClient) -> dict[str, str]:
    """The header that the visitor's session goes along with."""
    return {"cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.cookies.jar)}


@asynccontextmanager
async def serve(settings: Settings) -> AsyncIterator[Site]:
    """The application with these settings."""
    app = create_app(settings)
    async with listening(app) as url:
        yield Site(url, app)


async def sign_in(
    visitor: httpx2.AsyncClient,
    email: str = "ada@example.org",
    password: str = PASSWORD,
    next: str = "",
    **headers: str,
) -> httpx2.Response:
    """Send the form of the page `/login/`."""
    form = {"email": email, "password": password, "next": next}
    return await visitor.post("/login/", data=form, headers=headers)


@dataclass
class Form:
    """A form as a browser without JavaScript sends it; `label` is what its button is called."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    label: str = ""


class Document(HTMLParser):
    """What a browser finds in a page."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__()
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        self.source = response.text
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        """Where each link leads, by its words."""
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._island = ""
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(response.text)
        self.close()

    @property
    def island(self) -> Any:
        """The data that is handed to the page's script."""
        return json.loads(self._island)

    def form(self, label: str) -> Form:
        """The first form whose button is called `label`, or `label: of what`."""
        return next(form for form in self.forms if form.label == label or form.label.startswith(f"{label}: "))

    @property
    def hrefs(self) -> set[str | None]:
        """Where the page's links lead."""
        return {attributes.get("href") for tag, attributes in self.tags if tag == "a"}

    @property
    def onward(self) -> str:
        """Where the page leads on to by itself."""
        (content,) = [a["content"] or "" for tag, a in self.tags if tag == "meta" and a.get("http-equiv") == "refresh"]
        return content.removeprefix("0; url=")

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.tags.append((tag, known))
        if tag == "form":
            assert known["method"] in ("get", "post")
            self.forms.append(Form(known["action"] or ""))
        elif tag == "input" and self.forms:
            self.forms[-1].fields[known["name"] or ""] = known.get("value") or ""
        elif tag == "a" and known.get("aria-label"):
            self.links.setdefault(known["aria-label"] or "", known.get("href") or "")
        elif tag == "button":
            self.forms[-1].label = known.get("aria-label") or ""
        self._open = [(tag, known)]

    def handle_data(self, data: str) -> None:
        tag, attributes = self._open[-1] if self._open else ("", {})
        if attributes.get("id") == "notifs-island":
            self._island += data
            return
        words = " ".join(data.split())
        if tag == "button" and words and not self.forms[-1].label:
            self.forms[-1].label = words
        elif tag == "a" and words:
            self.links.setdefault(words, attributes.get("href") or "")
        self.text += data


async def page(visitor: httpx2.AsyncClient, path: str = "/notifications/") -> Document:
    """A page as a browser without JavaScript gets it."""
    response = await visitor.get(path, headers=HTML)
    assert response.status_code == 200, response.text
    return Document(response)


async def submit(visitor: httpx2.AsyncClient, form: Form, **fields: str) -> Document:
    """Fill the form in, press its button, and look at the page that comes."""
    data = {**form.fields, **fields}
    response = await visitor.post(form.action, data=data, headers=HTML, follow_redirects=True)
    assert response.status_code == 200, response.text
    return Document(response)
