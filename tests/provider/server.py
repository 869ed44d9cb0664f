"""Authlib's server side, with a memory: the part of the provider that speaks OAuth and OpenID Connect."""

import secrets
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Payload, OAuth2Request
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from authlib.oidc.core.util import create_half_hash
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.provider.tokens import CLIENT_ID, CLIENT_SECRET


class Client(ClientMixin):
    """The one application that is registered here."""

    client_id = CLIENT_ID

    def get_client_id(self) -> str:
        return CLIENT_ID

    def get_default_redirect_uri(self) -> str:
        return ""

    def get_allowed_scope(self, scope: Any) -> str:
        return str(scope)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return "/callback/" in redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in ("client_secret_basic", "client_secret_post")

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code:
    """An authorization code, and what it is good for."""

    person: str
    session: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    auth_time: int = field(default_factory=lambda: int(time.time()))

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class Memory(Protocol):
    """What the provider knows."""

    url: str
    people: dict[str, dict[str, Any]]
    codes: dict[str, Code]
    faults: list[str]

    def sign(self, claims: dict[str, Any]) -> str: ...


class Payload(OAuth2Payload):
    """What was sent in the query and in the form."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._data = dict(pairs)
        self._lists = defaultdict(list)
        for name, value in pairs:
            self._lists[name].append(value)

    @property
    def data(self) -> dict[str, str]:
        return self._data

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._lists


class Sent(OAuth2Request):
    """A request in the form that Authlib's server takes."""

    def __init__(self, request: Request, body: bytes) -> None:
        super().__init__(request.method, str(request.url), headers=request.headers)
        self._query = parse_qsl(request.url.query)
        self._form = parse_qsl(body.decode())
        self.payload = Payload([*self._query, *self._form])

    @property
    def args(self) -> dict[str, str | None]:
        return dict(self._query)

    @property
    def form(self) -> dict[str, str]:
        return dict(self._form)


async def sent(request: Request) -> Sent:
    return Sent(request, await request.body())


class Server(AuthorizationServer):
    """Authlib's server, with what it has to remember."""

    def __init__(self, memory: Memory) -> None:
        super().__init__()
        self.memory = memory
        self.register_token_generator("default", BearerTokenGenerator(lambda **_: secrets.token_urlsafe(24)))
        self.register_grant(CodeGrant, [Identity(memory), CodeChallenge(required=True)])

    def query_client(self, client_id: str) -> Any:
        return Client() if client_id == CLIENT_ID else None

    def save_token(self, token: Any, request: Any) -> None:
        pass

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        pass

    def create_oauth2_request(self, request: Any) -> Any:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Response:
        if isinstance(body, dict):
            return JSONResponse(body, status)
        return Response(body, status, dict(headers))


class CodeGrant(AuthorizationCodeGrant):
    def save_authorization_code(self, code: str, request: Any) -> None:
        asked = request.payload.data
        self.server.memory.codes[code] = Code(
            request.user,
            f"session-{secrets.token_hex(4)}",
            request.payload.redirect_uri,
            request.scope,
            asked.get("nonce"),
            asked.get("code_challenge"),
            asked.get("code_challenge_method"),
        )

    def query_authorization_code(self, code: str, client: Any) -> Code | None:
        codes: dict[str, Code] = self.server.memory.codes
        return codes.get(code)

    def delete_authorization_code(self, authorization_code: Any) -> None:
        codes = self.server.memory.codes
        for code in [code for code, kept in codes.items() if kept is authorization_code]:
            if "codes_last" not in self.server.memory.faults:
                del codes[code]

    def authenticate_user(self, authorization_code: Any) -> str:
        return str(authorization_code.person)


class Identity(OpenIDCode):
    """The ID token."""

    def __init__(self, memory: Memory) -> None:
        super().__init__(require_nonce=True)
        self.memory = memory

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        return False

    def generate_user_info(self, user: str, scope: str) -> UserInfo:
        return UserInfo(self.memory.people[user])

    def get_client_claims(self, client: Any) -> dict[str, Any]:
        return {"iss": self.memory.url, "aud": CLIENT_ID}

    def encode_id_token(self, token: Any, request: Any) -> str:
        claims = self.get_compatible_claims(request)
        code = request.authorization_code
        claims |= {**self.get_authorization_code_claims(code), "sid": code.session}
        claims |= {"at_hash": bytes(create_half_hash(token["access_token"], "RS256") or b"").decode()}
        claims |= self.generate_user_info(request.user, token["scope"])
        return self.memory.sign(claims)

    def process_token(self, grant: Any, response: Any) -> Any:
        token = super().process_token(grant, response)
        if "no_id_token" in self.memory.faults:
            del token["id_token"]
        return token
