"""A provider of OpenID Connect, as a program on loopback. It misbehaves if it is told to.

By hand, beside `notifs serve` with the settings that it prints: `python -m tests.provider.program --port 9000`. Who
opens its page chooses who to be. `running` starts it for tests, and tells it by `/control` what to do:

- `faults`: names of `FAULTS` that change its next tokens, or of what `Provider` does by itself.
- `metadata`: what it says of itself in place of the truth.
- `people`: their claims, by name.
"""

import argparse
import asyncio
import gzip
import json
import os
import secrets
import socket
import time
from collections import Counter
from html import escape
from typing import Any, cast
from urllib.parse import urlencode

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # it does not leave this machine

import httpx2
import uvicorn
from authlib.oauth2.rfc6749 import OAuth2Error
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.provider.server import Code, Server, sent
from tests.provider.tokens import CLIENT_ID, FAULTS, PUBLISHED_SECRET, Signer, Token, settings

PEOPLE = {
    name: {"sub": f"{name}-1", "name": name.capitalize(), "email": f"{name}@example.org", "email_verified": True}
    for name in ("ada", "grace", "mallory")
}
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class Provider:
    """What the program knows, and its pages."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.people: dict[str, dict[str, Any]] = PEOPLE
        self.faults: list[str] = []
        self.metadata: dict[str, Any] = {}
        self.codes: dict[str, Code] = {}
        self.counts: Counter[str] = Counter()
        self.asked: list[dict[str, str]] = []
        self.secrets: list[str] = []
        self.attackers = RSAKey.generate_key(2048, {"kid": "attackers"})
        self.key = self.attackers
        self.rotate()
        self.server = Server(self)

    def rotate(self) -> None:
        """Sign with another key from now on."""
        self.key = RSAKey.generate_key(2048, {"kid": secrets.token_hex(4), "use": "sig"})

    def sign(self, claims: dict[str, Any], **header: str) -> str:
        """A token, with the faults that it is to have."""
        token = Token({"alg": "RS256", "kid": self.key.kid, **header}, claims, self.key)
        for name in FAULTS.keys() & set(self.faults):
            FAULTS[name](Signer(self.url, self.key, self.attackers), token)
        return token.signed()

    async def discover(self, request: Request) -> Response:
        self.counts["discovery"] += 1
        while "silent" in self.faults:
            await asyncio.sleep(0.01)
        told = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "end_session_endpoint": f"{self.url}/end",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }
        return JSONResponse({name: value for name, value in told.items() if value is not None})

    async def jwks(self, request: Request) -> Response:
        self.counts["jwks"] += 1
        keys = [self.key.as_dict(private=False)]
        if "signed_with_a_published_secret" in self.faults:
            keys.append({**OctKey.import_key(PUBLISHED_SECRET).as_dict(), "kid": "published"})
        return JSONResponse({"keys": keys})

    async def attackers_keys(self, request: Request) -> Response:
        self.counts["attackers_keys"] += 1
        return JSONResponse({"keys": [self.attackers.as_dict(private=False)]})

    async def authorize(self, request: Request) -> Response:
        """GET: who do you want to be? POST person=: back to the application as that one; without, denied."""
        asked = await sent(request)
        if request.method == "GET":
            self.asked.append(dict(request.query_params))
        try:
            grant = self.server.get_consent_grant(asked, None)  # type: ignore[no-untyped-call]
        except OAuth2Error as error:
            return JSONResponse(dict(error.get_body()), 400)
        if request.method == "GET":
            names = "".join(
                f'<button name="person" value="{escape(name)}">{escape(name)}</button> ' for name in self.people
            )
            action = escape(str(request.url.path) + "?" + str(request.url.query))
            return HTMLResponse(
                f'<!doctype html><title>Provider</title><h1>Sign in to notifs as</h1><form method="post" '
                f'action="{action}">{names}<button>nobody</button></form>'
            )
        person = asked.form.get("person") or None
        response = cast(Response, self.server.create_authorization_response(asked, person, grant=grant))
        if "location" in response.headers and "no_iss" not in self.faults:
            issuer = "https://elsewhere.example" if "other_iss" in self.faults else self.url
            response.headers["location"] += f"&{urlencode({'iss': issuer})}"
        return response

    async def token(self, request: Request) -> Response:
        self.counts["token"] += 1
        self.secrets.append("header" if "authorization" in request.headers else "form")
        if "redirect" in self.faults:
            return RedirectResponse(f"{self.url}/elsewhere", 307)
        response = cast(Response, self.server.create_token_response(await sent(request)))
        if "large_reply" in self.faults:
            return JSONResponse({**json.loads(bytes(response.body)), "filler": "x" * 1_000_000})
        if "compressed" in self.faults:
            packed = gzip.compress(bytes(response.body))
            return Response(packed, headers={"content-encoding": "gzip"}, media_type="application/json")
        if "broken" in self.faults:
            return Response("out of order", 502)
        return response

    async def elsewhere(self, request: Request) -> Response:
        self.counts["elsewhere"] += 1
        return JSONResponse({})

    async def end(self, request: Request) -> Response:
        """Sign out here (RP-Initiated Logout), and back."""
        self.asked.append(dict(request.query_params))
        back = request.query_params.get("post_logout_redirect_uri", "")
        state = request.query_params.get("state", "")
        return RedirectResponse(f"{back}?{urlencode({'state': state})}", 302)

    async def logout_token(self, request: Request) -> Response:
        """POST {claims, header}: a logout token; a claim that is null is left out. With `to`, it is sent there."""
        given = await request.json()
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_hex(8),
            "events": {LOGOUT_EVENT: {}},
            **given.get("claims", {}),
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        token = self.sign(claims, **{"typ": "logout+jwt", **given.get("header", {})})
        if "to" not in given:
            return JSONResponse({"token": token})
        async with httpx2.AsyncClient(trust_env=False, verify=False) as client:
            answer = await client.post(given["to"], data={"logout_token": token})
        return JSONResponse({"token": token, "status": answer.status_code, "body": answer.text})

    async def control(self, request: Request) -> Response:
        """POST: do this from now on. GET: what was asked for."""
        if request.method == "POST":
            given = await request.json()
            if given.pop("rotate", False):
                self.rotate()
            self.faults = given.get("faults", self.faults)
            self.metadata = given.get("metadata", self.metadata)
            self.people = PEOPLE | given.get("people", self.people)
        return JSONResponse(
            {
                "counts": self.counts,
                "asked": self.asked,
                "secrets": self.secrets,
            }
        )

    def app(self) -> Starlette:
        gets = {
            "/.well-known/openid-configuration": self.discover,
            "/jwks": self.jwks,
            "/attackers-keys": self.attackers_keys,
            "/end": self.end,
        }
        posts = {"/token": self.token, "/logout-token": self.logout_token}
        return Starlette(
            routes=[
                *(Route(path, get, methods=["GET"]) for path, get in gets.items()),
                *(Route(path, post, methods=["POST"]) for path, post in posts.items()),
                Route("/authorize", self.authorize, methods=["GET", "POST"]),
                Route("/elsewhere", self.elsewhere, methods=["GET", "POST"]),
                Route("/control", self.control, methods=["GET", "POST"]),
            ]
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    listening = socket.create_server(("127.0.0.1", parser.parse_args().port))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    config = uvicorn.Config(Provider(url).app(), log_level="warning", access_log=False)
    lines = [f"{name}='{value}'" for name, value in settings("local", url).items()]
    print(*lines, f"provider is ready: {url}", sep="\n", flush=True)  # noqa: T201
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
