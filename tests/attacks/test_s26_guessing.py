"""S26: guessing is bounded per account and per network, for all workers together, whatever becomes of Redis.

Requests come by the proxy that the server trusts, which says from where, or from a stranger who says so too.
"""

import asyncio
from collections.abc import Iterable
from http.cookies import SimpleCookie

import httpx2
from redis.asyncio import Redis

from tests.attacks.arena import PASSWORD, Target, attack
from tests.attacks.ways import STRANGER

WRONG = "x" * 1025
"""So wrong that no time is lost with it; it is counted like any other."""
TWO = {"NOTIFS_SIGN_IN_TRIES": "2"}
"""Two tries per account, twenty per network."""


async def sign_in(client: httpx2.AsyncClient, email: str, password: str, address: str, cookie: str = "") -> int:
    form = {"email": email, "password": password}
    headers = {"x-forwarded-for": address, "cookie": cookie, "sec-fetch-site": "same-origin"}
    answer = await client.post("/login/", data=form, headers=headers)
    assert answer.status_code in (303, 401, 429), answer.text
    return answer.status_code


async def guesses(target: Target, tries: Iterable[tuple[str, str]], password: str = WRONG) -> int:
    """How many of these tries, at accounts and from addresses, all at once, had their password looked at."""
    async with target.visitor() as visitor:
        asked = (sign_in(visitor, f"{name}@example.org", password, address) for name, address in tries)
        return sum(status != 429 for status in await asyncio.gather(*asked))


@attack("S26", off="sign_ins_are_not_counted", args=("--workers", "2"))
async def test_one_account_is_not_guessed_from_everywhere(target: Target) -> list[str]:
    """From forty addresses, on two workers, and with the right password in the end."""
    await target.person("ada")
    count = await guesses(target, (("ada", f"198.51.100.{n}") for n in range(40)))
    async with target.visitor() as visitor:
        found = await sign_in(visitor, "ada@example.org", PASSWORD, "203.0.113.1")
    return [f"{count} guesses"] if count > 10 or found == 303 else []


@attack("S26", off="sign_ins_are_counted_when_they_have_failed", env=TWO)
async def test_those_who_guess_at_once_are_not_all_the_last(target: Target) -> list[str]:
    """Twelve passwords for one account, which take a while to check."""
    count = await guesses(target, [("ada", "198.51.100.1")] * 12, password="wrong")
    return [f"{count} guesses"] if count > 2 else []


@attack("S26", off="sign_ins_are_not_counted", env=TWO)
async def test_one_network_does_not_spray_one_password_over_many_accounts(target: Target) -> list[str]:
    """Sixty accounts, one address; and an account of its own, which a spray must not clear."""
    await target.person("eve")
    count = await guesses(target, ((f"{n}", "198.51.100.1") for n in range(15)))
    async with target.visitor() as visitor:
        for _ in range(3):
            await sign_in(visitor, "eve@example.org", PASSWORD, "198.51.100.1")
    count += await guesses(target, ((f"{n}", "198.51.100.1") for n in range(20, 60)))
    return [f"{count} guesses"] if count > 20 else []


@attack("S26", off="networks_are_addresses", env=TWO)
async def test_a_subscriber_is_not_as_many_as_their_ipv6_addresses(target: Target) -> list[str]:
    """All of a /64 is one subscriber's, however it is written."""
    addresses = [f"2001:db8:0:1:{n:x}::1" for n in range(1, 30)] + [f"2001:0DB8::1:0:0:{n:x}:7" for n in range(1, 30)]
    count = await guesses(target, ((f"{n}", address) for n, address in enumerate(addresses)))
    return [f"{count} guesses"] if count > 20 else []


@attack("S26", off="everybody_is_a_proxy", env=TWO)
async def test_a_stranger_does_not_say_from_where_they_come(target: Target) -> list[str]:
    """X-Forwarded-For of somebody who is no proxy of ours, another one each time."""
    transport = httpx2.AsyncHTTPTransport(local_address=STRANGER)
    async with httpx2.AsyncClient(transport=transport, base_url=target.url, timeout=30) as stranger:
        asked = (sign_in(stranger, f"{n}@example.org", WRONG, f"198.51.100.{n}") for n in range(60))
        count = sum(status != 429 for status in await asyncio.gather(*asked))
    return [f"{count} guesses"] if count > 20 else []


@attack("S26", off="sign_ins_are_counted_in_redis", redis=True)
async def test_what_redis_forgets_is_not_forgotten(target: Target) -> list[str]:
    """Redis comes back empty after every tenth try."""
    count = 0
    async with Redis.from_url(target.settings.redis_url) as redis:
        for _ in range(4):
            count += await guesses(target, [("ada", "198.51.100.1")] * 10)
            await redis.flushall()
    return [f"{count} guesses"] if count > 10 else []


@attack("S26", off="browsers_are_not_known", env=TWO)
async def test_who_fails_on_purpose_keeps_nobody_out(target: Target) -> list[str]:
    """The owner's own browser, from the network of the attacker even, signs in all the same."""
    await target.person("ada")
    async with target.visitor() as visitor:
        cookie = await known(visitor, "ada")
        await guesses(target, [("ada", "198.51.100.1")] * 10)
        await guesses(target, ((f"{n}", "198.51.100.1") for n in range(40)))
        status = await sign_in(visitor, "ada@example.org", PASSWORD, "198.51.100.1", cookie)
    return [f"{status} for the owner"] if status != 303 else []


@attack("S26", off="known_browsers_are_believed", env=TWO)
async def test_a_cookie_that_was_made_up_wins_no_tries(target: Target) -> list[str]:
    """Neither does the one of an account of one's own, nor one that is a little different each time."""
    await target.person("ada")
    await target.person("eve")
    async with target.visitor() as visitor:
        name, _, own = (await known(visitor, "eve")).partition("=")
        cookies = [own, *(f"{own[:-n]}x" for n in range(1, 10)), *map(str, range(10))]
        asked = [await sign_in(visitor, "ada@example.org", WRONG, "198.51.100.9", f"{name}={it}") for it in cookies]
    count = sum(status != 429 for status in asked)
    return [f"{count} guesses"] if count > 2 else []


async def known(visitor: httpx2.AsyncClient, name: str) -> str:
    """The cookie by which a browser is known that this account has signed in with."""
    form = {"email": f"{name}@example.org", "password": PASSWORD}
    headers = {"sec-fetch-site": "same-origin", "x-forwarded-for": "203.0.113.7"}
    answer = await visitor.post("/login/", data=form, headers=headers)
    assert answer.status_code == 303
    (cookie,) = (
        morsel
        for header in answer.headers.get_list("set-cookie")
        for morsel in SimpleCookie(header).values()
        if morsel.key.endswith("known")
    )
    return f"{cookie.key}={cookie.value}"
