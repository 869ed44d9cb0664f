"""S11: a socket joins within seconds or is closed; a person has 20, a network 100, and opens so many a minute."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from notifs.store.accounts import Person
from tests.attacks.arena import Target, attack
from tests.attacks.ways import socket

MANY = {"NOTIFS_SOCKETS_PER_USER": "500", "NOTIFS_SOCKETS_PER_ADDRESS": "0", "NOTIFS_CONNECTS_PER_MINUTE": "10000"}
HURRIED = {"ATTACKS_SECONDS": json.dumps({"notifs.realtime.server.JOIN_SECONDS": 1.0})}


async def upgraded(
    target: Target, stack: AsyncExitStack, cookie: str, address: str = "127.0.0.1"
) -> ClientConnection | None:
    """A socket of whoever has this cookie, as the proxy passes it on from this address; None if it is refused."""
    url = f"{target.url.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket"
    headers = {"cookie": cookie, "origin": target.url, "x-forwarded-for": address}
    try:
        return await stack.enter_async_context(connect(url, additional_headers=headers, proxy=None, close_timeout=0.1))
    except InvalidStatus:
        return None


async def let_in(target: Target, people: Sequence[tuple[Person, str]]) -> int:
    """How many sockets these people get who ask from these addresses, all at once."""
    cookies = {person.id: await target.cookie(person) for person, _ in people}
    async with AsyncExitStack() as stack:
        asked = [upgraded(target, stack, cookies[person.id], address) for person, address in people]
        return sum(each is not None for each in await asyncio.gather(*asked))


@attack("S11", off="sockets_need_not_join", env=MANY | HURRIED)
async def test_500_sockets_that_never_join_are_closed(target: Target) -> list[str]:
    """They are let in, and then say nothing; here the deadline of 5 s is one of 1 s."""
    cookie = await target.cookie(await target.person("eve"))

    async def closed(idle: ClientConnection) -> str:
        try:
            async with asyncio.timeout(15 if target.defended else 3):
                while True:
                    await idle.recv()
        except ConnectionClosed as end:
            return end.rcvd.reason if end.rcvd else "cut"
        except TimeoutError:
            return "open"

    async with AsyncExitStack() as stack:
        idle = await asyncio.gather(*(upgraded(target, stack, cookie) for _ in range(500)))
        endings = await asyncio.gather(*(closed(each) for each in idle if each is not None))
    assert len(endings) == 500
    return [ending for ending in set(endings) if ending != "not_joined"]


@attack("S11", off="sockets_may_say_as_much_as_they_like")
async def test_who_asks_for_one_namespace_after_the_other_is_cut_off(target: Target) -> list[str]:
    """A thousand of them on one socket: to connect counts as an event, whether there is such a namespace or not."""
    async with socket(target, await target.person("eve"), join=False) as it:
        for n in range(1000):
            if it.closed:
                break
            await it.send(f"40/{n},")
        try:
            await it.until(lambda: it.closed or len(it.frames) > 1000)
        except TimeoutError:
            return ["neither answered nor closed"]
    answered = sum(frame.startswith("44") for frame in it.frames)
    return [f"{answered} answers"] if answered > 100 or it.ending != (1008, "too_many_events") else []


@attack("S11", off="sockets_are_not_counted")
async def test_a_person_has_20_sockets(target: Target) -> list[str]:
    """Thirty at once, from wherever."""
    eve = await target.person("eve")
    count = await let_in(target, [(eve, f"198.51.100.{n}") for n in range(30)])
    assert count >= 20
    return [f"{count} sockets"] if count > 20 else []


@attack("S11", off="sockets_are_not_counted")
async def test_a_network_has_100_sockets(target: Target) -> list[str]:
    """Sixty people at one address, and sixty at as many addresses of one subscriber's IPv6 network."""
    people = [await target.person(f"eve{n}") for n in range(60)]
    through = []
    for where, name in {"an address": "198.51.100.7", "a /64": "2001:db8:0:7::{n}"}.items():
        count = await let_in(target, [(person, name.format(n=n)) for n, person in enumerate(people * 2)])
        assert count >= 100
        through += [f"{count} sockets from {where}"] if count > 100 else []
    return through


@attack("S11", off="connects_are_not_counted", env={"NOTIFS_CONNECTS_PER_MINUTE": "30"})
async def test_a_person_opens_30_sockets_a_minute(target: Target) -> list[str]:
    """Sixty, one after the other, each closed at once: a tenth more may be, as workers count by shares."""
    cookie = await target.cookie(await target.person("eve"))
    count = 0
    for _ in range(60):
        async with AsyncExitStack() as stack:
            count += await upgraded(target, stack, cookie) is not None
    assert count >= 30
    return [f"{count} sockets"] if count > 33 else []
