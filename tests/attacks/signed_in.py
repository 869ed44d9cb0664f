"""Somebody who is signed in at a target by its form: with a cookie that can be copied, and sockets that listen."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from notifs import Notifs
from notifs.store.accounts import Person
from tests.attacks.arena import PASSWORD, Target
from tests.wire import Client

COOKIE = "__Host-notifs"
AFTER = "after the end"
SOCKETS = 3
"""So many that two workers most likely have some each."""


async def sign_in(target: Target, name: str = "ada", password: str = PASSWORD, **headers: str) -> str | None:
    """The Cookie header that the form gives to NAME@example.org; None if it lets nobody in."""
    async with target.visitor(None, **{"origin": target.url, **headers}) as visitor:
        answer = await visitor.post("/login/", data={"email": f"{name}@example.org", "password": password})
    tokens = [header for header in answer.headers.get_list("set-cookie") if header.startswith(f"{COOKIE}=")]
    return tokens[0].partition(";")[0] if answer.status_code == 303 and tokens else None


async def is_let_in(target: Target, cookie: str) -> bool:
    """Whether somebody's inbox can be read with this cookie."""
    async with target.visitor(cookie=cookie) as visitor:
        return (await visitor.get("/api/v1/inbox")).status_code == 200


@dataclass
class Victim:
    """A person whose cookie somebody has copied, and whose sockets are open."""

    target: Target
    person: Person
    cookie: str
    sockets: list[Client] = field(default_factory=list)

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[httpx2.AsyncClient]:
        """The browser that the cookie is from."""
        async with self.target.visitor(cookie=self.cookie, origin=self.target.url) as visitor:
            yield visitor

    async def left(self, what: str) -> list[str]:
        """What is left 2 s after this sign-in has ended by `what`."""
        closed = await asyncio.gather(*(_comes(client, lambda it: it.closed) for client in self.sockets))
        async with Notifs(self.target.settings).open() as notifs:
            await notifs.notify(to=self.person.id, title=AFTER)
        heard = await asyncio.gather(
            *(_comes(client, lambda it: AFTER in "".join(it.frames)) for client in self.sockets)
        )
        facts = {
            "a socket stays open": not all(closed),
            "a socket hears what comes after": any(heard),
            "the cookie still works": await is_let_in(self.target, self.cookie),
        }
        return [f"{what}: {fact}" for fact, is_so in facts.items() if is_so]


async def _comes(client: Client, condition: Callable[[Client], bool]) -> bool:
    """Whether this comes true for a socket within 2 s; it does not any more once it is closed."""
    try:
        await client.until(lambda: condition(client), 2)
    except (TimeoutError, AssertionError):
        return False
    return True


@asynccontextmanager
async def victim(target: Target, name: str = "ada") -> AsyncIterator[Victim]:
    """A new person, signed in by the form, with sockets that have joined."""
    person = await target.person(name)
    cookie = await sign_in(target, name)
    assert cookie is not None
    async with AsyncExitStack() as stack:
        them = Victim(target, person, cookie)
        for _ in range(SOCKETS):
            headers = {"cookie": cookie, "origin": target.url}
            client = await stack.enter_async_context(Client.open(target.url, headers=headers))
            await client.message("snapshot")
            them.sockets.append(client)
        yield them
