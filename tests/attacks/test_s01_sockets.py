"""S1: who has no session, and no good token, gets no socket: 401 and no frame, ever."""

import asyncio
import secrets
import time
from collections.abc import Callable

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from notifs.signing import Signer
from notifs.store import sessions
from notifs.store.accounts import Person
from tests.attacks.arena import Target, attack
from tests.attacks.ways import producer, send
from tests.tokens import HOST, ISSUER, claims, forged, token
from tests.wire import Client

TOKENS = {f"NOTIFS_{name.upper()}": value for name, value in HOST.items()}
WORTHLESS: dict[str, Callable[[], str]] = {
    "expired": lambda: token(seconds=-1),
    "of another secret": lambda: token(secret="the secret of somebody else's server"),
    "of another issuer": lambda: token(iss=f"{ISSUER}.evil.example"),
    "for another audience": lambda: token(aud="another app"),
    "not yet good": lambda: token(nbf=time.time() + 300),
    "without an end": lambda: token(exp=None),
    "good for ever": lambda: token(exp=4e9),
    "unsigned": lambda: forged({"alg": "none"}, claims()).rpartition(".")[0] + ".",
    "by the key it brings along": lambda: forged({"alg": "HS256", "jwk": {"kty": "oct", "k": ""}}, claims(), b""),
    "by an empty secret": lambda: forged({"alg": "HS256"}, claims(), b""),
}


async def opens(target: Target, headers: dict[str, str], query: str = "") -> bool:
    """Whether a handshake with these headers, and this query, is answered with anything but 401."""
    address = f"{target.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket{query}"
    try:
        async with connect(address, additional_headers={"origin": target.url, **headers}, proxy=None):
            return True
    except InvalidStatus as refused:
        return refused.response.status_code != 401


async def session(target: Target, person: Person, key: str, days: int = 1) -> str:
    """A cookie's value whose sign-in is stored under the secret `key` and lasts so many days."""
    value = secrets.token_urlsafe(32)
    stored = Signer([key]).hashes(value)[0]
    await target.store.database.write(lambda c: sessions.start(c, person.id, stored, days))
    return value


@attack("S1", off="everybody_is_signed_in")
async def test_without_a_session_there_is_no_socket(target: Target) -> list[str]:
    """Whatever there is of a session but a session; and tokens, which this server does not take."""
    ada = await target.person("ada")
    async with producer(target) as shop:
        await send(shop, ada, "hers")
        key = shop.headers["authorization"]
    name, _, good = (await target.cookie(ada)).partition("=")
    expired = await session(target, ada, target.settings.secret_keys[0], days=-1)
    elsewhere = await session(target, ada, "the secret of another deployment, elsewhere")
    cookies = {
        "no cookie's value": "",
        "a forged cookie": secrets.token_urlsafe(32),
        "an expired one": expired,
        "one of another site": elsewhere,
        "part of a good one": good[:-1],
        "the row's own key": Signer(target.settings.secret_keys).hashes(good)[0],
    }
    through = [what for what, value in cookies.items() if await opens(target, {"cookie": f"{name}={value}"})]
    others: dict[str, dict[str, str]] = {
        "nothing": {},
        "a cookie that a neighbour's subdomain may set": {"cookie": f"notifs={good}"},
        "a cookie by another name": {"cookie": f"session={good}; __Secure-notifs={good}"},
        "the cookie as a bearer": {"authorization": f"Bearer {good}"},
        "a producer's key": {"authorization": key},
        "a token": {"authorization": f"Bearer {token(ada.id)}"},
        "an unsigned token": {"authorization": f"Bearer {WORTHLESS['unsigned']()}"},
        "a name": {
            "authorization": "Basic YWRhOg==",
            "x-user": ada.id,
            "x-forwarded-user": ada.id,
            "remote-user": ada.id,
        },
    }
    through += [what for what, headers in others.items() if await opens(target, headers)]
    through += ["the cookie in the query"] if await opens(target, {}, f"&{name}={good}&token={good}&sid={good}") else []
    return through


@attack("S1", off="tokens_are_not_verified", env=TOKENS)
async def test_a_worthless_token_opens_no_mailbox(target: Target) -> list[str]:
    """Where tokens are taken, a socket of nobody may be opened; it comes into no room."""
    through = []
    for what, make in WORTHLESS.items():
        async with Client.open(target.url, auth={"token": make()}) as client:
            await client.until(lambda client=client: len(client.frames) > 1)  # type: ignore[misc]
            if client.frames[1].startswith("40"):
                through.append(what)
        if await takes(target, make()):
            through.append(f"{what}, over HTTP")
    return through


async def takes(target: Target, text: str) -> bool:
    """Whether the inbox is read with this token."""
    async with target.visitor(authorization=f"Bearer {text}") as visitor:
        return (await visitor.get("/api/v1/inbox")).status_code != 401


@attack("S1", off="tokens_do_not_expire", env=TOKENS)
async def test_a_token_that_has_expired_hears_nothing_more(target: Target) -> list[str]:
    """The socket was opened while it was good, and says nothing and does nothing afterwards."""
    ada = await target.person("ada")
    async with Client.open(target.url, auth={"token": token(ada.id, seconds=2)}) as client, producer(target) as shop:
        await client.message("snapshot")
        await asyncio.sleep(2)
        await send(shop, ada, "hers, and not for who stole her token")
        if target.defended:
            await client.end()
        else:
            await client.message("created")
        return ["a notification"] if client.of("created") else []
