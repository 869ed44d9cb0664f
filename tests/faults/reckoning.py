"""What there is in the end: of a mailbox in the store and over REST, and of a client on its screen."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from notifs.store import Entry, Store
from notifs.wire import Filter
from tests.faults.history import Line, Truth, View
from tests.faults.person import Person
from tests.wire import http_client

EVERYTHING = 2**31 - 2


async def truth(store: Store, entrance: Callable[[], str], recipient: str, cookie: str) -> Truth:
    """A mailbox, as the store has it and as workers tell it over REST."""
    filters: tuple[Filter, ...] = ("unread", "all", "archived", "snoozed")
    unread, kept, archived, snoozed = [await store.page(recipient, each, limit=EVERYTHING) for each in filters]
    everything = [*kept.entries, *archived.entries, *snoozed.entries]
    still_unread = {entry.id for entry in unread.entries}
    titles = sorted(entry.title for entry in everything)
    rest, counts, cursor = await _rest(entrance, cookie)
    return Truth(
        cursor=cursor,
        counts=counts,
        rest=rest,
        stored=[_stored(entry) for entry in unread.entries],
        recounted=(len(unread.entries), sum(entry.seen_at is None for entry in kept.entries)),
        keys={e.title: (e.position, e.id in still_unread) for e in everything},
        twice=sorted({a for a, b in pairwise(titles) if a == b}),
    )


def view(name: str, person: Person) -> View:
    """What a client has, and how it came to it."""
    box = person.mailbox
    return View(
        name=name,
        recipient=person.recipient,
        log=person.log,
        unread=[_sent(row) for row in box.unread()],
        counts=(box.unread_count, box.unseen_count),
        cursor=box.cursor,
        through=box.through,
        strangers=person.strangers,
    )


async def _rest(entrance: Callable[[], str], cookie: str) -> tuple[list[Line], tuple[int, int], str]:
    lines: list[Line] = []
    params: dict[str, Any] = {"filter": "unread", "limit": 200}
    async with http_client(timeout=30, headers={"cookie": cookie}) as http:
        while True:
            answer = await http.get(f"{entrance()}/api/v1/inbox", params=params)
            page = answer.raise_for_status().json()
            lines += [_sent(row) for row in page["notifs"]]
            if not page["has_more"]:
                return lines, (page["notif_count"], page["unseen_count"]), page["cursor"]
            params["before"] = page["notifs"][-1]["position"]


def _sent(row: Any) -> Line:
    return row["title"], row["position"], row["revision"], row["seen_at"] is not None


def _stored(entry: Entry) -> Line:
    return entry.title, entry.position, entry.revision, entry.seen_at is not None
