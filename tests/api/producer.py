"""A producer over HTTP. Everything that it is answered is held against the OpenAPI document."""

import re
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx2
from jsonschema import Draft202012Validator, FormatChecker

from notifs import Notifs
from tests.web.site import Site
from tests.wire import http_client

BASE = "/api/v1"


@dataclass
class Document:
    """The OpenAPI document of a site."""

    value: Any
    _validators: dict[tuple[str, ...], Draft202012Validator] = field(default_factory=dict)

    def operation(self, method: str, path: str) -> Any:
        """What the document says of a request; None where it says nothing."""
        for template, item in self.value["paths"].items():
            if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path):
                if "{" in template and path in self.value["paths"]:
                    continue
                return item.get(method.lower())
        return None

    def check(self, response: httpx2.Response) -> None:
        """The status is a documented one; so are the body, its type and the headers that are promised."""
        request = response.request
        path = request.url.raw_path.decode().partition("?")[0]
        operation = self.operation(request.method, path)
        if operation is None:
            assert response.status_code in (404, 405), (request.method, path)
            return
        status = str(response.status_code)
        assert status in operation["responses"], f"{request.method} {path} answered {status}: {response.text}"
        told = operation["responses"][status]
        if "content" not in told:
            assert response.content == b""
        else:
            ((media, content),) = told["content"].items()
            assert response.headers["content-type"] == media
            self._validator(content["schema"], (request.method, path, status)).validate(response.json())
        assert [name for name in told["headers"] if name not in response.headers and name not in SOMETIMES] == []

    def _validator(self, schema: Any, key: tuple[str, ...]) -> Draft202012Validator:
        if key not in self._validators:
            whole = {**schema, "components": self.value["components"]}
            self._validators[key] = Draft202012Validator(whole, format_checker=FormatChecker())
        return self._validators[key]


DOCUMENTS: dict[str, Document] = {}
"""By the path that a site is at: they are the same each time, and take a while to make."""
SOMETIMES = {"Idempotency-Replayed"}
"""Headers that are not always there."""


@dataclass(frozen=True)
class Producer:
    """A program with a key."""

    http: httpx2.AsyncClient
    key: str
    """The public part of its key."""
    document: Document

    @classmethod
    def of(cls, site: Site, name: str, *scopes: str, **limits: Any) -> AbstractAsyncContextManager["Producer"]:
        """A producer with a new key to a site."""
        return cls.at(site.url, site.notifs, name, *scopes, **limits)

    @classmethod
    @asynccontextmanager
    async def at(
        cls,
        url: str,
        notifs: Notifs,
        name: str,
        *scopes: str,
        kinds: Iterable[str] | None = None,
        topics: Iterable[str] | None = None,
    ) -> AsyncIterator["Producer"]:
        """A producer with a new key to what is served at `url`."""
        key, token = await notifs.store.keys.create(name, scopes, kinds, topics)
        headers = {"authorization": f"Bearer {token}"}
        async with http_client(url, headers=headers, timeout=30) as http:
            place = urlsplit(url).path
            if place not in DOCUMENTS:
                DOCUMENTS[place] = Document((await http.get("/api/openapi.json")).json())
            yield cls(http, key.id, DOCUMENTS[place])

    async def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """The answer to a request below /api/v1, which is as the document says."""
        response = await self.http.request(method, BASE + path, **options)
        self.document.check(response)
        return response

    async def get(self, path: str, **query: Any) -> Any:
        """What a GET brings."""
        response = await self.ask("GET", path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    async def send(self, *, key: str | None = None, **fields: Any) -> Any:
        """What POST /notifications answers to who is accepted."""
        headers = {"idempotency-key": key} if key else {}
        response = await self.ask("POST", "/notifications", json={"title": "Hello", **fields}, headers=headers)
        assert response.status_code in (201, 202), response.text
        return response.json()

    async def refused(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        """The status and the code of a refusal."""
        response = await self.ask(method, path, **options)
        assert response.headers["content-type"] == "application/problem+json", response.text
        assert response.json()["status"] == response.status_code
        return response.status_code, response.json()["code"]
