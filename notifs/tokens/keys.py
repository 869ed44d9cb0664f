"""The keys that sign tokens: secrets that are shared with the host, or public keys that it publishes."""

import asyncio
import contextlib
import warnings
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Protocol

import httpx2
import orjson
import structlog
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, Key, KeySet, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.jwt import Token
from joserfc.registry import JWS_HEADER_REGISTRY

from notifs.bounded import Bounded, certificates
from notifs.errors import InvalidToken, SettingsError

log = structlog.get_logger("notifs.tokens")
KEY_TYPES: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
"""Those that have a public half. A key that is shared is no public key, whoever publishes it."""
HEADER = ("alg", "kid", "typ", "cty", "x5t", "x5t#S256")
"""What a token's header may say."""
RSA_BITS = 2048
"""An RSA key has at least so many (RFC 7518, section 3.3)."""
MOST_KEYS = 64
"""Of a JWK Set."""
SOON = 1.0
"""Seconds until it is asked for again where it could not be had; they double."""


class Keys(Protocol):
    """What has signed a token, if it is to be believed."""

    def start(self) -> None: ...

    async def close(self) -> None: ...

    def read(self, token: str) -> Token:
        """The token, if one of these keys has signed it.

        Raises:
            Exception: anything, if not.
        """
        ...


class _Algorithms(JWSRegistry):
    """These algorithms, and a header that names a key, if that: one with more to say is refused.

    A key that a token brings along (`jwk`, `x5c`) or leads to (`jku`, `x5u`), and anything `crit`, would be the
    forger's own word.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        super().__init__(algorithms=allowed)
        self.header_registry = {name: JWS_HEADER_REGISTRY[name] for name in HEADER}
        self._these = frozenset(allowed)

    def get_alg(self, name: str) -> Any:
        """The algorithm. The stock one warns at each token of EdDSA's old name, which most still sign by (RFC 9864)."""
        if name not in self._these:
            raise UnsupportedAlgorithmError(f"{name} is not taken here")
        return self.algorithms[name]


BY_SECRET = _Algorithms(["HS256"])
BY_PUBLIC_KEY = _Algorithms(["RS256", "PS256", "ES256", "EdDSA", "Ed25519"])


class Secrets:
    """Secrets that the host has too. Any of them verifies, so that one can replace another.

    Raises:
        SettingsError: one is a public key, which anybody may know.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        try:
            self._keys = [OctKey.import_key(secret) for secret in secrets]
        except ValueError:
            raise SettingsError("NOTIFS_TOKEN_SECRET: a public key is no secret; use NOTIFS_TOKEN_KEYS_URL") from None

    def start(self) -> None:
        """They are here already."""

    async def close(self) -> None:
        """There is nothing to stop."""

    def read(self, token: str) -> Token:
        for key in self._keys:
            with contextlib.suppress(BadSignatureError):
                return jwt.decode(token, key, registry=BY_SECRET)
        raise BadSignatureError


class PublicKeys:
    """The host's JWK Set (RFC 7517), fetched beside everything else: nobody waits for it.

    Args:
        url: where it is.
        every: seconds between two looks at it.
        gap: seconds that are left between them at least, however many tokens name a key that is not known.
    """

    def __init__(self, url: str, *, every: float = 600.0, gap: float = 30.0) -> None:
        self._url = url
        self._every = every
        self._gap = gap
        self._keys = KeySet([])
        self._missed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def read(self, token: str) -> Token:
        try:
            return jwt.decode(token, self._keys, registry=BY_PUBLIC_KEY)
        except InvalidKeyIdError:
            self._missed.set()
            raise InvalidToken("the key of this token is not known here yet; try again in half a minute") from None

    async def _run(self) -> None:
        pause = SOON
        while True:
            self._missed.clear()
            if not await self._fetch():
                await asyncio.sleep(min(pause, self._gap))
                pause *= 2 if pause < self._gap else 1
                continue
            pause = SOON
            await asyncio.sleep(self._gap)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._missed.wait()

    async def _fetch(self) -> bool:
        """Take the keys of now; leave those of before if there are none to be had."""
        try:
            keys = KeySet(_usable(await _get(self._url)))
        except Exception as error:
            log.warning("could not fetch the keys of tokens", error=type(error).__name__, detail=str(error)[:200])
            return False
        self._keys = keys
        return True


async def _get(url: str) -> bytes:
    """What is there, if it is neither too long nor somewhere else."""
    transport = Bounded(verify=await asyncio.to_thread(certificates))
    async with httpx2.AsyncClient(transport=transport, trust_env=False, follow_redirects=False) as http:
        answer = await http.get(url, headers={"accept": "application/jwk-set+json, application/json"})
    if answer.status_code != 200:
        raise ValueError(f"status {answer.status_code}")
    return answer.content


def _usable(body: bytes) -> list[Key]:
    """The keys of a JWK Set that a signature may be verified with. Those that are not understood are passed over.

    Raises:
        ValueError: there are none, which is no set that somebody has published on purpose.
    """
    keys = list(_understood(orjson.loads(body)["keys"][:MOST_KEYS]))
    if not keys:
        raise ValueError("there is no key in it that can be used here")
    return keys


def _understood(found: list[Any]) -> Iterator[Key]:
    for each in found:
        with contextlib.suppress(Exception), warnings.catch_warnings(action="ignore"):
            key = KEY_TYPES[each["kty"]].import_key(each)
            if not isinstance(key, RSAKey) or key.public_key.key_size >= RSA_BITS:
                yield key
