"""S34: what is asked is a value and never a piece of SQL: filters and order are of a list, everything else is bound."""

from collections.abc import Awaitable, Callable, Iterator
from itertools import product
from typing import Any
from urllib.parse import quote

import httpx2

from tests.attacks.arena import Target, attack
from tests.attacks.ways import broken, problem, producer, send, socket

INJECTIONS = (
    "' OR '1'='1", '" OR "1"="1', "1 OR 1=1", "x'--", "x';DROP TABLE notifs_receipts;--", "') OR ('1'='1",
    "' UNION SELECT password_hash FROM notifs_users--", "1/**/OR/**/1=1", "$.a' OR 1=1--", '{"$gt":""}', "%' ESCAPE '%",
    "(SELECT CASE WHEN 1=1 THEN 1 ELSE randomblob(100000000) END)", "' AND pg_sleep(3)--", ":recipient", "?", "%s",
)  # fmt: skip
HARMLESS = "no-such-thing"
INBOX = {
    "/api/v1/inbox": ("filter", "before", "limit", "sort"),
    "/api/v1/inbox/changes": ("cursor",),
    "/notifications/": ("filter", "before"),
}
PRODUCERS = {
    "/api/v1/notifications": ("cursor", "kind", "limit", "sort"),
    "/api/v1/topics": ("cursor", "limit"),
    "/api/v1/users": ("cursor", "filter"),
}
PLACES = ("/api/v1/notifications/{}", "/api/v1/topics/{}/followers", "/api/v1/jobs/{}")
EVENTS = {"fetch": "filter", "sync": "cursor", "mark_all_read": "up_to"}
TITLE = "hers alone"
Ask = Callable[[str], Awaitable[Any]]


def by_query(client: httpx2.AsyncClient, path: str, name: str) -> Ask:
    async def ask(value: str) -> Any:
        return problem(await client.get(path, params={name: value}))

    return ask


def by_place(client: httpx2.AsyncClient, path: str) -> Ask:
    async def ask(value: str) -> Any:
        return problem(await client.get(path.format(quote(value, safe=""))))

    return ask


def by_event(ask_it: Callable[[str, Any], Awaitable[Any]], event: str, name: str) -> Ask:
    async def ask(value: str) -> Any:
        return await ask_it(event, {name: value})

    return ask


def ways(visitor: httpx2.AsyncClient, shop: httpx2.AsyncClient, ask: Any) -> Iterator[tuple[str, Ask]]:
    """Each place where a value can be put, and how."""
    for client, table in ((visitor, INBOX), (shop, PRODUCERS)):
        for path, names in table.items():
            yield from ((f"{path} {name}", by_query(client, path, name)) for name in names)
    yield from ((path, by_place(shop, path)) for path in PLACES)
    yield from ((f"{event} {name}", by_event(ask, event, name)) for event, name in EVENTS.items())


def is_like(got: Any, harmless: Any) -> bool:
    """Whether an answer is a refusal, or the one that a value gets which only names nothing."""
    if isinstance(got, tuple):
        refused, page = 400 <= got[0] < 500, got[0] == harmless[0] == 200 and len(str(got)) == len(str(harmless))
        return (refused or page) and TITLE not in str(got)
    return bool(got == harmless)


async def searches(target: Target, shop: httpx2.AsyncClient) -> list[str]:
    """What is searched for is told again, and finds nothing, though there is something."""
    through, bob = [], await target.person("bob")
    await send(shop, bob, "his own")
    async with target.visitor(bob) as visitor, socket(target, bob) as it:
        for name, value in product(("kind", "actor", "text"), INJECTIONS):
            query = {"filter": "all", name: value}
            for page in (await it.ask("fetch", query), (await visitor.get("/api/v1/inbox", params=query)).json()):
                # What is no page at all is what an injection has brought.
                if not isinstance(page, dict) or page.get(name) != value or page.get("notifs") != []:
                    through.append(f"{name}={value}")
    return through


@attack("S34", off="filters_go_into_sql", env={"NOTIFS_EVENTS_PER_SECOND": "10000"})
async def test_an_injection_is_answered_like_any_other_wrong_value(target: Target) -> list[str]:
    """In each parameter of each address and each event that takes one; and the tables are as they were."""
    ada, eve = await target.person("ada"), await target.person("eve")
    through: list[str] = []
    async with producer(target) as shop, target.visitor(eve) as visitor, socket(target, eve) as it:
        await send(shop, ada, TITLE)
        for where, ask in ways(visitor, shop, it.ask):
            harmless = await ask(HARMLESS)
            through += [f"{where}={i}" for i in INJECTIONS if not is_like(await ask(i), harmless)]
        through += await searches(target, shop)
        if any(TITLE in frame for frame in it.frames):
            through.append("her notification was told")
    if (await target.store.head(ada.id)).unread != 1:
        through.append("her mailbox has changed")
    return through + broken(target)
