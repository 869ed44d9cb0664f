"""What a provider says, and what of it is believed: Authlib's client for Starlette, and checks that it leaves to us."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import StarletteOAuth2App
from authlib.oauth2.claims import JWTClaims
from joserfc.errors import InvalidClaimError, JoseError, MissingClaimError

from notifs.bounded import certificates
from notifs.errors import ProviderUnavailable, SignInRefused
from notifs.providers import Provider, is_guarded
from notifs.store.identities import NAME_LIMIT, Claimed
from notifs.urls import is_safe_url
from notifs.web.oidc.pending import Started
from notifs.web.oidc.transport import Client

log = structlog.get_logger("notifs.oidc")
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519",
)  # fmt: skip
"""How a token may be signed: by a key that the provider alone has. Never `none`, never by a secret that we know too."""
TOKEN_LIMIT = 16_384
"""Characters of a token."""
LEEWAY = 60
"""Seconds that clocks may differ by."""
FRESH_SECONDS = 3600.0
"""How long what a provider says of itself, and its keys, are believed."""
AGAIN_SECONDS = 60.0
"""How often, at most, keys are fetched because of a token whose key is unknown: anybody can make one up."""
AWAY_SECONDS = 3.0
"""How long a provider that has not described itself is left alone: else all who sign in would wait for it in turn."""
LOGOUT_SECONDS = 120
"""How old a logout token may be."""
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
KEPT = (*ENDPOINTS, "issuer", "userinfo_endpoint", "authorization_response_iss_parameter_supported")
"""What is used of what a provider says of itself. Authlib takes the rest for options of its HTTP client."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """Somebody whom a provider has signed in.

    Args:
        session: what the provider calls its own session, `sid`.
        id_token: what tells it whom to sign out; None where it cannot be told.
    """

    claimed: Claimed
    session: str | None
    id_token: str | None


@dataclass(frozen=True, slots=True)
class Left:
    """Whom a provider has signed out: those of its session, or all of a subject. `id` is that of the message."""

    id: str
    session: str | None
    subject: str | None


class LogoutToken(JWTClaims):
    """The claims of a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.6)."""

    def validate(self, now: Any = None, leeway: int = 0) -> None:
        super().validate(now, leeway)
        if str(self.header.get("typ", "")).lower().removeprefix("application/") not in ("", "jwt", "logout+jwt"):
            raise InvalidClaimError("typ")
        if self["iat"] < time.time() - LOGOUT_SECONDS - leeway:
            raise InvalidClaimError("iat")
        if not isinstance(self["events"], dict) or not isinstance(self["events"].get(LOGOUT_EVENT), dict):
            raise InvalidClaimError("events")
        if "nonce" in self:  # it is an ID token
            raise InvalidClaimError("nonce")
        if _text(self, "sub") is None and _text(self, "sid") is None:
            raise MissingClaimError("sub")


class Relying(StarletteOAuth2App):
    """One provider, and this application as what relies on it.

    Args:
        name: of the provider, in the settings.
        label: what people call it.
    """

    client_cls = Client

    def __init__(self, name: str, label: str, provider: Provider) -> None:
        super().__init__(
            None,  # what is on its way is kept by `Pending`
            name,
            client_id=provider.client_id,
            client_secret=provider.client_secret.get_secret_value(),
            client_kwargs={"scope": provider.scope, "code_challenge_method": "S256"},
        )
        self.label = label
        self.provider = provider
        self._keys: dict[str, Any] = {}
        self._metadata_at = self._keys_at = self._asked_at = -FRESH_SECONDS
        self._away_until = 0.0
        self._asking = asyncio.Lock()
        self._describing = asyncio.Lock()

    @property
    def issuer(self) -> str:
        return self.provider.expected_issuer

    async def start(self, state: str, nonce: str, redirect_uri: str) -> tuple[str, str]:
        """Where the browser is to go, and the verifier that belongs to it.

        Raises:
            ProviderUnavailable: it does not answer, or not as it should.
        """
        with self._as_ours():
            found = await self.create_authorization_url(redirect_uri, state=state, nonce=nonce)
            return str(found["url"]), str(found["code_verifier"])

    def may_make(self, claimed: Claimed) -> bool:
        """Whether somebody of whom this provider has said so gets an account.

        Only at an address that the provider has verified: what is sent to an address comes to its account. And only at
        one in ASCII: accounts have addresses in lower case, which makes one of other letters that of somebody else.
        """
        domains, email = self.provider.domains, claimed.email or ""
        if not (self.provider.create_accounts and claimed.verified and email.isascii()):
            return False
        return not domains or email.rpartition("@")[2].lower() in domains

    async def arrive(self, code: str, issuer: str | None, started: Started) -> Arrived:
        """Whom the provider has signed in.

        Args:
            issuer: who says that it has (RFC 9207): a code of another provider must not be shown to this one.

        Raises:
            ProviderUnavailable: it does not answer, or not as it should.
            SignInRefused: `provider_token`, what it says is not to be believed; or the code is none any more.
        """
        with self._as_ours():
            names_itself = (await self.load_server_metadata()).get("authorization_response_iss_parameter_supported")
            if issuer != self.issuer and (issuer is not None or names_itself):
                raise InvalidClaimError("iss")
            token = await self.fetch_access_token(  # type: ignore[no-untyped-call]
                redirect_uri=started.redirect_uri, code=code, code_verifier=started.verifier
            )
            id_token = _checked(token.get("id_token"))
            claims = await self.parse_id_token(token, started.nonce, self._expected("sub"), leeway=LEEWAY)
            subject = _text(claims, "sub")
            if subject is None:
                raise InvalidClaimError("sub")
            claimed = Claimed(
                self.name,
                self.issuer,
                subject,
                email=_text(claims, "email"),
                verified=claims.get("email_verified") is True,
                name=_text(claims, "name") or "",
            )
            leaves = "end_session_endpoint" in self.server_metadata
            return Arrived(claimed, _text(claims, "sid"), id_token if leaves else None)

    async def left(self, logout_token: str) -> Left:
        """Whom the provider has signed out.

        Raises:
            ProviderUnavailable: it does not answer, or not as it should.
            SignInRefused: `provider_token`, it has not said this, or not just now.
        """
        expected = self._expected("iat", "exp", "jti", "events")
        with self._as_ours():
            claims = await self.parse_id_token(
                {"id_token": _checked(logout_token)}, None, expected, LogoutToken, leeway=LEEWAY
            )
            return Left(str(claims["jti"]), _text(claims, "sid"), _text(claims, "sub"))

    async def leave(self, id_token: str, back: str) -> str | None:
        """Where a person signs out of the provider too, and is sent `back` from; None where that cannot be done.

        OpenID Connect RP-Initiated Logout 1.0, section 2.

        Raises:
            ProviderUnavailable: it does not answer, or not as it should.
        """
        with self._as_ours():
            if "end_session_endpoint" not in await self.load_server_metadata():
                return None
            found = await self.create_logout_url(back, id_token, client_id=self.client_id)
            return str(found["url"])

    async def load_server_metadata(self) -> dict[str, Any]:
        """What the provider says of itself, not older than an hour: Authlib reads it before it does anything."""
        async with self._describing:  # who waits here gets what the first has fetched
            if time.monotonic() - self._metadata_at >= FRESH_SECONDS:
                await self._describe()
        return dict(self.server_metadata)

    async def _describe(self) -> None:
        if time.monotonic() < self._away_until:
            raise ProviderUnavailable("it did not answer just before")
        try:
            self.server_metadata = _usable(await self._get(self.provider.discovery_url), self.issuer)
        except BaseException:  # of who has waited long enough, too
            self._away_until = time.monotonic() + AWAY_SECONDS
            raise
        self._metadata_at = time.monotonic()

    async def fetch_jwk_set(self, force: bool = False) -> dict[str, Any]:
        """The provider's keys; Authlib asks for them by `force` if it does not find that of a token."""
        if force:
            async with self._asking:  # who waits here gets what the first has fetched
                if time.monotonic() - self._asked_at >= AGAIN_SECONDS:
                    self._asked_at = time.monotonic()
                    await self._fetch_keys()
        elif time.monotonic() - self._keys_at >= FRESH_SECONDS:
            await self._fetch_keys()
        return self._keys

    async def _fetch_keys(self) -> None:
        self._keys = await self._get((await self.load_server_metadata())["jwks_uri"])
        self._keys_at = time.monotonic()

    async def _get(self, url: str) -> dict[str, Any]:
        await asyncio.to_thread(certificates)
        async with self.client_cls() as client:
            response = await client.request("GET", url, withhold_token=True)
        try:
            found = response.json() if response.status_code == 200 else None
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise ProviderUnavailable(f"{url} answers {response.status_code}, and no JSON object")
        return found

    def _expected(self, *claims: str) -> dict[str, Any]:
        """Which claims a token must have. Authlib would not look at whom it is for."""
        named = {"iss": {"essential": True, "value": self.issuer}, "aud": {"essential": True, "value": self.client_id}}
        return named | {claim: {"essential": True} for claim in claims}

    @contextmanager
    def _as_ours(self) -> Iterator[None]:
        """What goes wrong in here, in words for people; and in the log, for who runs this."""
        try:
            yield
        except (httpx2.HTTPError, httpx2.InvalidURL, ProviderUnavailable) as error:
            log.warning("provider unavailable", provider=self.name, error=repr(error))
            raise ProviderUnavailable("The provider does not answer just now; try again in a moment.") from error
        # Whatever is not of the form that it should have fails somewhere in those libraries, in any of these ways.
        except (AuthlibBaseError, JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            log.warning("provider not believed", provider=self.name, error=repr(error))
            raise SignInRefused(
                "What the provider says of you cannot be believed; sign in again.", code="provider_token"
            ) from error


def _usable(found: Mapping[str, Any], issuer: str) -> dict[str, Any]:
    """What is used of what a provider says of itself, if that is as it should be (Discovery 1.0, section 4.3)."""
    if found.get("issuer") != issuer:
        raise ProviderUnavailable(f"it says that its issuer is {found.get('issuer')!r}, and not {issuer!r}")
    for name in ENDPOINTS:
        if not _is_endpoint(found.get(name)):
            raise ProviderUnavailable(f"its {name} does not begin with https://")
    algorithms = [name for name in _list(found, "id_token_signing_alg_values_supported", "RS256") if name in ALGORITHMS]
    if not algorithms:
        raise ProviderUnavailable("it signs by no algorithm that is safe")
    used = {name: found[name] for name in KEPT if name in found}
    used["id_token_signing_alg_values_supported"] = algorithms
    ways = _list(found, "token_endpoint_auth_methods_supported", "client_secret_basic")
    used["token_endpoint_auth_method"] = (
        "client_secret_basic" if "client_secret_basic" in ways else "client_secret_post"
    )
    if _is_endpoint(found.get("end_session_endpoint")):
        used["end_session_endpoint"] = found["end_session_endpoint"]
    return used


def _is_endpoint(url: Any) -> bool:
    return isinstance(url, str) and url.isascii() and is_guarded(url) and is_safe_url(url)


def _list(found: Mapping[str, Any], name: str, otherwise: str) -> Sequence[Any]:
    value = found.get(name)
    return value if isinstance(value, list) else [otherwise]


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= NAME_LIMIT and value.isprintable() else None


def _checked(token: Any) -> str:
    """A token that may be decoded: to take a large one apart costs more than to send it (CVE-2025-61920)."""
    if not isinstance(token, str) or len(token) > TOKEN_LIMIT:
        raise ValueError("no token, or one that is too large")
    return token
