"""Which tokens are believed: those of the right key, issuer and audience, for as long as they say, and no others."""

import asyncio
import gzip
import ssl
import threading
import time
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from starlette.responses import RedirectResponse, Response

from notifs.bounded import BODY_LIMIT, certificates
from notifs.errors import InvalidToken, SettingsError
from notifs.tokens import LIMIT, Tokens
from notifs.tokens.keys import Keys, PublicKeys, Secrets
from tests.tokens import ISSUER, SECRET, KeySetServer, claims, forged, publishing, signed, token
from tests.waiting import until

RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"})
ALL = (RSA, EC, ED)
SIGNS = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}
with warnings.catch_warnings(action="ignore"):
    SMALL = RSAKey.generate_key(1024, {"kid": "small"})


def of(keys: Keys, **other: Any) -> Tokens:
    return Tokens(keys, issuer=ISSUER, audience="notifs", **other)


TOKENS = of(Secrets([SECRET, "the secret that comes after it, or before"]))


def code(text: object, tokens: Tokens = TOKENS) -> str:
    """The code that a token is refused with; empty if it is believed."""
    try:
        tokens.verify(text)
    except InvalidToken as refused:
        return refused.code
    return ""


@asynccontextmanager
async def fetched(*keys: Key, **pace: float) -> AsyncIterator[tuple[Tokens, KeySetServer]]:
    """Tokens that are verified by published keys; the first of them is known already."""
    async with publishing(*keys) as served:
        public = PublicKeys(served.url, **pace)
        public.start()
        try:
            tokens = of(public)
            if keys:
                known = signed(keys[0], SIGNS[keys[0].key_type], kid=keys[0].kid)
                await until(lambda: code(known, tokens) == "")
            yield tokens, served
        finally:
            await public.close()


def test_a_good_token_says_whose_it_is_and_for_how_long() -> None:
    verified = TOKENS.verify(token("ada", seconds=300))
    assert verified.recipient == "ada"
    assert 298 < verified.seconds <= 300


def test_either_secret_verifies_while_one_takes_the_others_place() -> None:
    assert code(token(secret="the secret that comes after it, or before")) == ""
    assert code(token(secret="a secret that is none of these two, at all")) == "invalid_token"


def test_a_public_key_is_no_secret() -> None:
    with pytest.raises(SettingsError, match="NOTIFS_TOKEN_KEYS_URL"):
        Secrets([RSA.as_pem(private=False).decode()])


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": None}, {"iss": "https://host.example/"}, {"iss": [ISSUER]}, {"iss": ""},
        {"aud": None}, {"aud": "notifs2"}, {"aud": []}, {"aud": ["other", "NOTIFS"]}, {"aud": {"notifs": 1}},
        {"exp": None}, {"exp": "tomorrow"}, {"exp": True}, {"exp": 10**400}, {"exp": [1]},
        {"sub": None}, {"sub": ""}, {"sub": 7}, {"sub": "a\nb"}, {"sub": "a" * 201}, {"sub": ["ada"]},
        {"nbf": 4e9}, {"nbf": "now"}, {"iat": 4e9}, {"iat": None, "nbf": [0]},
    ],
    ids=str,
)  # fmt: skip
def test_a_token_with_a_wrong_claim_is_refused(wrong: dict[str, Any]) -> None:
    assert code(token(**{"sub": "ada", **wrong})) == "invalid_token"


def test_a_token_may_have_other_audiences_and_a_clock_that_is_a_little_ahead() -> None:
    soon = time.time() + 20
    others: list[dict[str, Any]] = [{"aud": ["other", "notifs"]}, {"nbf": soon}, {"iat": soon}, {"sub": "a b/ü"}]
    for right in others:
        assert code(token(**{"sub": "ada", **right})) == ""
    assert code(token(nbf=time.time() + 40)) == "invalid_token"


def test_a_token_ends_to_the_second_by_our_clock() -> None:
    text, now = token(exp=1_000_300), 1_000_000.0
    tokens = of(Secrets([SECRET]), clock=lambda: now)
    assert tokens.verify(text).seconds == 300
    now = 1_000_299.5
    assert tokens.verify(text).seconds == 0.5
    now = 1_000_300.0
    assert code(text, tokens) == "token_expired"


def test_a_token_is_short_lived() -> None:
    assert code(token(seconds=24 * 3600 - 5)) == ""
    assert code(token(seconds=24 * 3600 + 5)) == "invalid_token"


@pytest.mark.parametrize(
    "header",
    [
        {"jwk": OctKey.import_key(SECRET).as_dict()}, {"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example/"},
        {"x5c": ["AA"]}, {"crit": ["exp"], "exp": 1}, {"crit": []}, {"b64": False, "crit": ["b64"]}, {"b64": True},
        {"zip": "DEF"}, {"kid": 7}, {"typ": "logout+jwt"}, {"typ": ["JWT"]}, {"alg": "none"}, {"alg": "None"},
        {"alg": "HS512"}, {"alg": "hs256"}, {"alg": "RS256"}, {"alg": ["HS256"]}, {"alg": None}, {"alg": ""},
    ],
    ids=str,
)  # fmt: skip
def test_a_token_with_a_header_that_says_more_is_refused(header: dict[str, Any]) -> None:
    assert code(forged({"alg": "HS256"}, claims())) == "", "else the forger's own work is no good"
    assert code(forged({"alg": "HS256", **header}, claims())) == "invalid_token"


def test_a_token_without_a_signature_is_refused() -> None:
    whole = token()
    for header in ({"alg": "none"}, {"alg": "HS256"}):
        unsigned = forged(header, claims()).rpartition(".")[0] + "."
        assert code(unsigned) == "invalid_token"
    assert code(whole.rpartition(".")[0]) == "invalid_token"
    assert code(f"{whole}.{whole}") == "invalid_token"


def test_a_token_that_was_changed_is_refused() -> None:
    header, _, signature = token("ada").split(".")
    assert code(".".join((header, token("eve").split(".")[1], signature))) == "invalid_token"


@pytest.mark.parametrize(
    "text", [None, 7, {}, ["x"], b"x", "", ".", "..", "a.b.c", "ä" * 9, "\ud800.a.b", "x" * (LIMIT + 1)]
)
def test_what_is_no_token_is_refused(text: object) -> None:
    assert code(text) == "invalid_token"


def test_a_token_that_is_too_long_is_not_even_read() -> None:
    assert code(token(more="x" * LIMIT)) == "invalid_token"
    assert code(token(more="x" * (LIMIT // 2))) == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats() | st.text(max_size=8),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=4), some, max_size=3),
    max_leaves=6,
)
HEADERS = st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5c", "cty", "x5t"])


@given(st.dictionaries(HEADERS, JSON, max_size=3), st.text(max_size=40))
def test_whatever_a_header_says_a_token_of_another_key_is_refused(header: dict[str, Any], said: str) -> None:
    assert (
        code(forged({"alg": "HS256", **header}, claims(), b"the forger's own secret, of 32 bytes")) == "invalid_token"
    )
    assert code(forged(said.encode(), claims())) == "invalid_token"


@given(st.dictionaries(st.sampled_from(["iss", "aud", "exp", "sub", "nbf", "iat"]), JSON, max_size=2), JSON)
def test_whatever_the_right_key_has_signed_is_believed_or_refused(wrong: dict[str, Any], instead: object) -> None:
    assert code(forged({"alg": "HS256"}, {**claims(), **wrong})) in ("", "invalid_token", "token_expired")
    assert code(forged({"alg": "HS256"}, instead)) == "invalid_token"


def test_claims_that_are_nested_without_end_are_refused() -> None:
    assert code(forged({"alg": "HS256"}, b'{"a":' + b"[" * 5000)) == "invalid_token"


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256"), (ED, "EdDSA"), (ED, "Ed25519")]
)
async def test_a_published_key_verifies_by_its_algorithms(key: Key, algorithm: str) -> None:
    async with fetched(*ALL) as (tokens, _):
        assert code(signed(key, algorithm, kid=key.kid), tokens) == ""


async def test_a_public_key_is_no_secret_for_an_hmac_either() -> None:
    """The classic: HS256 with what everybody can read as its secret."""
    pem, jwk = RSA.as_pem(private=False), orjson.dumps(RSA.as_dict(private=False))
    async with fetched(*ALL) as (tokens, _):
        for secret in (pem, pem.strip(), jwk, b""):
            for kid in ({"kid": RSA.kid}, {}):
                assert code(forged({"alg": "HS256", **kid}, claims(), secret), tokens) == "invalid_token"


async def test_an_algorithm_or_a_key_that_is_not_listed_is_refused() -> None:
    shared = OctKey.import_key(SECRET, {"kid": "shared"})
    encrypting = RSAKey.generate_key(2048, {"kid": "enc", "use": "enc"})
    async with fetched(*ALL, SMALL, shared, encrypting) as (tokens, _):
        for wrong in (
            signed(RSA, "RS512", kid="rsa"), signed(RSA, "RS256", kid="ec"), signed(EC, "ES256", kid="rsa"),
            signed(SMALL, "RS256", kid="small"), signed(shared, "HS256", kid="shared"), signed(RSA, "RS256"),
            signed(RSAKey.import_key(encrypting.as_dict(private=True) | {"use": "sig"}), "RS256", kid="enc"),
            signed(RSAKey.generate_key(2048), "RS256", kid="rsa"),
            signed(RSA, "RS256", kid="rsa", jwk=RSA.as_dict(private=False)),
        ):  # fmt: skip
            assert code(wrong, tokens) == "invalid_token"


async def test_one_key_needs_no_name() -> None:
    async with fetched(EC) as (tokens, _):
        assert code(signed(EC, "ES256"), tokens) == ""


async def test_a_new_key_is_fetched_once_a_token_names_it_and_not_again_for_each_that_names_one() -> None:
    new = ECKey.generate_key("P-256", {"kid": "new"})
    fresh, unknown = signed(new, "ES256", kid="new"), signed(new, "ES256", kid="nobody's")
    async with fetched(EC, gap=0.2) as (tokens, served):
        with pytest.raises(InvalidToken, match="try again"):
            tokens.verify(fresh)
        served.publish(EC, new)
        await until(lambda: code(fresh, tokens) == "")
        assert served.asked == 2
        started = time.monotonic()
        while time.monotonic() - started < 0.5:
            assert code(unknown, tokens) == "invalid_token"
            await asyncio.sleep(0.005)
        assert served.asked <= 6, "at most one in each gap"
        assert code(signed(EC, "ES256", kid="ec"), tokens) == ""


async def test_a_key_that_is_published_no_more_is_believed_no_more() -> None:
    async with fetched(EC, RSA, gap=0.01, every=0.01) as (tokens, served):
        old = signed(EC, "ES256", kid="ec")
        served.publish(RSA)
        await until(lambda: code(old, tokens) == "invalid_token")


NONE = [b"", b"[]", b'{"keys":7}', b'{"keys":[7,{"kty":"EC"}]', b'{"keys":[]}', b'{"keys":[{"kty":"oct","k":"AA"}]}']


@pytest.mark.parametrize("body", [*NONE, b" " * (BODY_LIMIT + 1), 503, 302])
async def test_keys_that_cannot_be_had_leave_those_of_before(
    body: bytes | int, capfd: pytest.CaptureFixture[str]
) -> None:
    async with fetched(EC, gap=0.02, every=0.02) as (tokens, served):
        if body == 302:
            served.answer = RedirectResponse(served.url.replace("/keys", "/elsewhere"))
        elif isinstance(body, int):
            served.answer.status_code = body
        else:
            served.say(body)
        asked = served.asked
        await until(lambda: served.asked > asked + 1)
        assert code(signed(EC, "ES256", kid="ec"), tokens) == ""
    assert "could not fetch the keys of tokens" in "".join(capfd.readouterr())


async def test_keys_that_come_compressed_are_none_whatever_their_size() -> None:
    async with fetched(EC, RSA, gap=0.02, every=0.02) as (tokens, served):
        body = gzip.compress(orjson.dumps({"keys": [RSA.as_dict(private=False)]}))
        served.answer = Response(body, headers={"content-encoding": "gzip"})
        asked = served.asked
        await until(lambda: served.asked > asked + 1)
        assert code(signed(EC, "ES256", kid="ec"), tokens) == ""
        assert served.encodings == {"identity"}


async def test_certificates_are_read_once_and_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    read, threads = ssl.SSLContext.load_verify_locations, []

    def read_here(self: ssl.SSLContext, *args: Any, **options: Any) -> None:
        threads.append(threading.current_thread())
        read(self, *args, **options)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", read_here)
    certificates.cache_clear()
    async with fetched(EC, gap=0.01, every=0.01) as (_, served):
        await until(lambda: served.asked > 3)
    assert len(threads) == 1
    assert threads[0] is not threading.current_thread()


async def test_a_key_that_is_not_understood_hides_no_other() -> None:
    strange = [{"kty": "ML-DSA", "kid": "pq"}, {"kty": "EC", "crv": "P-256", "x": "!", "y": "!"}, {"kty": "RSA"}, {}, 7]
    async with fetched(gap=0.02) as (tokens, served):
        served.say({"keys": [*strange, EC.as_dict(private=False)]})
        await until(lambda: code(signed(EC, "ES256", kid="ec"), tokens) == "")
