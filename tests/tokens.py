"""A host that makes tokens, as any does; and one that forges them, by hand."""

import base64
import hashlib
import hmac
import time
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from joserfc import jwt
from joserfc.jwk import Key, OctKey
from joserfc.jws import JWSRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.wire import listening

SECRET = "the secret that host and notifs share"
ISSUER = "https://host.example"
HOST: dict[str, Any] = {"token_secret": SECRET, "token_issuer": ISSUER}
"""Settings that believe this host."""


def claims(sub: str = "ada", *, seconds: float = 300, **other: Any) -> dict[str, Any]:
    """What a good token says; a claim that is None is left out."""
    said = {"iss": ISSUER, "aud": "notifs", "sub": sub, "exp": int(time.time() + seconds), **other}
    return {name: value for name, value in said.items() if value is not None}


def token(sub: str = "ada", *, seconds: float = 300, secret: str = SECRET, **other: Any) -> str:
    """A token that is signed with the secret, by the library that a host may use."""
    return jwt.encode({"alg": "HS256"}, claims(sub, seconds=seconds, **other), OctKey.import_key(secret))


def signed(key: Key, algorithm: str, said: dict[str, Any] | None = None, **header: Any) -> str:
    """A token that is signed with a private key."""
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    with warnings.catch_warnings(action="ignore"):  # that library would rather have EdDSA by its new name
        return jwt.encode({"alg": algorithm, **header}, said or claims(), key, registry=registry)


def forged(header: object, said: object, secret: bytes = SECRET.encode()) -> str:
    """A token of any header and any claims, with the HMAC of a secret; what is bytes is taken as it is."""
    parts = [each if isinstance(each, bytes) else orjson.dumps(each) for each in (header, said)]
    text = ".".join(map(_base64, parts))
    return f"{text}.{_base64(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class KeySetServer:
    """Where a host publishes its public keys. What it answers can be changed at any time."""

    def __init__(self) -> None:
        self.url = ""
        self.asked = 0
        self.encodings: set[str | None] = set()
        """What was said of `Accept-Encoding`."""
        self.answer = Response(status_code=503)

    def publish(self, *keys: Key) -> None:
        """Answer with the public half of these."""
        self.say({"keys": [key.as_dict(private=False) for key in keys]})

    def say(self, body: object) -> None:
        """Answer with this."""
        self.answer = Response(body if isinstance(body, bytes) else orjson.dumps(body), media_type="application/json")

    async def __call__(self, request: Request) -> Response:
        self.asked += 1
        self.encodings.add(request.headers.get("accept-encoding"))
        return self.answer


@asynccontextmanager
async def publishing(*keys: Key) -> AsyncIterator[KeySetServer]:
    """A host's JWK Set, on loopback."""
    served = KeySetServer()
    served.publish(*keys)
    async with listening(Starlette(routes=[Route("/keys", served.__call__)])) as url:
        served.url = f"{url}/keys"
        yield served
