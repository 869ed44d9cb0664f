"""The tokens of the provider, and what can be wrong with one."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.jwk import RSAKey
from joserfc.util import urlsafe_b64encode

CLIENT_ID = "notifs"
CLIENT_SECRET = "what notifs proves itself with"

PUBLISHED_SECRET = "anybody can read this, where the keys are"


def settings(name: str, url: str, **more: str) -> dict[str, str]:
    """The variables by which notifs knows the provider at this address."""
    known = {
        "discovery_url": f"{url}/.well-known/openid-configuration",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        **more,
    }
    return {f"NOTIFS_PROVIDERS__{name.upper()}__{key.upper()}": value for key, value in known.items()}


@dataclass
class Token:
    """A token that is about to be signed: the place where faults are made."""

    header: dict[str, Any]
    claims: dict[str, Any]
    key: Any
    text: str | None = None

    def signed(self) -> str:
        return self.text or self.compact()

    def compact(self) -> str:
        algorithm = self.header["alg"]
        if algorithm in ("none", "HS256"):
            text = f"{_part(self.header)}.{_part(self.claims)}"
            digest = hmac.digest(self.key, text.encode(), "sha256") if algorithm == "HS256" else b""
            return f"{text}.{urlsafe_b64encode(digest).decode()}"
        payload = json.dumps(self.claims)
        registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
        return jws.serialize_compact(self.header, payload, self.key, registry=registry)


def _part(value: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode()


@dataclass(frozen=True)
class Signer:
    """Whose tokens these are, and with what they can be forged."""

    url: str
    key: RSAKey
    attackers: RSAKey


Fault = Callable[[Signer, Token], None]
FAULTS: dict[str, Fault] = {}
"""By name; each changes a token that is about to be signed."""


def fault(function: Fault) -> Fault:
    FAULTS[function.__name__] = function
    return function


@fault
def unsigned(signer: Signer, token: Token) -> None:
    token.header = {"alg": "none"}


@fault
def signed_with_the_public_key(signer: Signer, token: Token) -> None:
    """By HS256, with what everybody knows for a secret (RFC 8725, section 2.1)."""
    token.header["alg"], token.key = "HS256", signer.key.as_pem(private=False)


@fault
def signed_with_the_client_secret(signer: Signer, token: Token) -> None:
    token.header["alg"], token.key = "HS256", CLIENT_SECRET.encode()


@fault
def signed_with_a_published_secret(signer: Signer, token: Token) -> None:
    """By HS256, with one that stands among the public keys."""
    token.header |= {"alg": "HS256", "kid": "published"}
    token.key = PUBLISHED_SECRET.encode()


@fault
def key_in_the_header(signer: Signer, token: Token) -> None:
    token.header["jwk"], token.key = _small(signer.attackers), signer.attackers


@fault
def key_set_in_the_header(signer: Signer, token: Token) -> None:
    token.header |= {"jku": f"{signer.url}/attackers-keys", "kid": signer.attackers.kid}
    token.key = signer.attackers


@fault
def certificate_in_the_header(signer: Signer, token: Token) -> None:
    token.header |= {"x5u": f"{signer.url}/attackers-keys", "kid": signer.attackers.kid}
    token.key = signer.attackers


@fault
def signed_by_somebody_else(signer: Signer, token: Token) -> None:
    token.key = signer.attackers


@fault
def changed_after_signing(signer: Signer, token: Token) -> None:
    head, _, signature = token.compact().split(".")
    token.text = f"{head}.{_part({**token.claims, 'sub': 'mallory-1'})}.{signature}"


@fault
def of_another_issuer(signer: Signer, token: Token) -> None:
    token.claims["iss"] = "https://elsewhere.example"


@fault
def for_another_application(signer: Signer, token: Token) -> None:
    token.claims["aud"] = "another"


@fault
def for_nobody(signer: Signer, token: Token) -> None:
    del token.claims["aud"]


@fault
def for_several_without_saying_whose(signer: Signer, token: Token) -> None:
    token.claims["aud"] = [CLIENT_ID, "another"]


@fault
def given_to_another_application(signer: Signer, token: Token) -> None:
    token.claims |= {"aud": [CLIENT_ID, "another"], "azp": "another"}


@fault
def of_another_sign_in(signer: Signer, token: Token) -> None:
    token.claims["nonce"] = "another"


@fault
def of_no_sign_in(signer: Signer, token: Token) -> None:
    token.claims.pop("nonce", None)


@fault
def expired(signer: Signer, token: Token) -> None:
    token.claims |= {"iat": int(time.time()) - 7200, "exp": int(time.time()) - 3600}


@fault
def without_an_end(signer: Signer, token: Token) -> None:
    del token.claims["exp"]


@fault
def from_the_future(signer: Signer, token: Token) -> None:
    token.claims |= {"iat": int(time.time()) + 3600, "exp": int(time.time()) + 7200}


@fault
def not_valid_yet(signer: Signer, token: Token) -> None:
    token.claims["nbf"] = int(time.time()) + 3600


@fault
def of_nobody(signer: Signer, token: Token) -> None:
    del token.claims["sub"]


@fault
def of_a_number(signer: Signer, token: Token) -> None:
    token.claims["sub"] = 1


@fault
def of_another_access_token(signer: Signer, token: Token) -> None:
    token.claims["at_hash"] = base64.urlsafe_b64encode(b"x" * 16).decode().rstrip("=")


@fault
def of_a_megabyte(signer: Signer, token: Token) -> None:
    token.claims["filler"] = "x" * 1_000_000


@fault
def of_fifty_kilobytes(signer: Signer, token: Token) -> None:
    token.claims["filler"] = "x" * 50_000


@fault
def of_many_parts(signer: Signer, token: Token) -> None:
    token.text = token.compact() + "." * 15_000


@fault
def no_token_at_all(signer: Signer, token: Token) -> None:
    token.text = "hello"


def _small(key: RSAKey) -> dict[str, Any]:
    return {"kty": "RSA", "n": key.as_dict(private=False)["n"], "e": "AQAB"}
