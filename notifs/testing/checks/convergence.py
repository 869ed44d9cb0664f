"""Whatever happens on the way, what a client shows is what is stored."""

import asyncio
import random
from collections.abc import Iterator

from notifs.testing.check import Checks, expect
from notifs.testing.checks.live import plain
from notifs.testing.client import Json
from notifs.testing.rule import Mailbox
from notifs.testing.site import Site, asked

checks: Checks[Site] = Checks()
PLACE = "The client's rule"
CHANGES = 200
LIVES = 20
"""Clients that hear the same messages, each with losses of its own."""
ROUND = ("mark_read", "mark_unread", "snooze", "unsnooze", "archive", "unarchive")
"""Acts that each change something, one after another, again and again."""


@checks.of(PLACE)
async def what_was_heard_is_what_is_stored(site: Site) -> None:
    """All messages of a socket, taken in by the client's rule, give the list and counts of `fetch` and of HTTP."""
    async with site.socket() as client:
        made = [await site.make(client) for _ in range(2)]
        for event in ("mark_seen", *ROUND, "archive"):
            await client.do(event, asked(event, made[0]["id"]))
        stored = await site.stored(client)
        await client.until(lambda: client.mailbox.cursor == stored["cursor"], f"the messages up to {stored['cursor']}")
        _equal(client.mailbox, stored)
        answer = await site.get("/api/v1/inbox?limit=200", cookie=site.one.cookie)
        expect(answer.status == 200, "status 200 of /api/v1/inbox", f"{answer.status} {answer.body[:200]!r}")
        page = answer.json()
        same = [page[name] == stored[name] for name in ("cursor", "notif_count", "unseen_count")]
        expect(all(same), "the same counts and cursor over HTTP as by `fetch`", {**page, "notifs": "..."})
        shown = plain(page["notifs"])
        expect(shown and shown == plain(stored["notifs"])[: len(shown)], "the same list over HTTP", shown[:2])


@checks.of(PLACE)
async def whatever_happens_to_messages_one_sync_mends_it(site: Site) -> None:
    """200 changes, whose messages are lost, repeated and swapped: after one `sync` each client shows what is stored."""
    async with site.socket() as client:
        greeting = len(client.messages)
        made = [(await site.make(client))["id"] for _ in range(3)]
        async with asyncio.TaskGroup() as tasks:
            for id in made:
                tasks.create_task(_change(site, id, CHANGES // len(made)))
        stored = await site.stored(client)
        await client.until(lambda: client.mailbox.cursor == stored["cursor"], f"the messages up to {stored['cursor']}")
        _equal(client.mailbox, stored)
        live = client.messages[greeting:]
        for seed in range(LIVES):
            mailbox = Mailbox()
            for message in (*client.messages[:greeting], *noisy(live, seed)):
                mailbox.take(message)
            mailbox.asked()
            count = len(client.messages)
            await client.do("sync", {"cursor": mailbox.cursor})
            for message in client.messages[count:]:
                mailbox.take(message)
            expect(mailbox.settled, f"nothing to be missing after one sync (seed {seed})", client.messages[count:])
            _equal(mailbox, stored)


@checks.of(PLACE)
async def drops_without_goodbye_lose_nothing(site: Site) -> None:
    """A client that is dropped again and again, and comes back with its cursor, has everything, and nothing twice."""
    mailbox = Mailbox()
    titles: list[str] = []
    async with site.socket() as stays:
        for number in range(4):
            async with site.socket(mailbox=mailbox) as client:
                making = asyncio.create_task(site.notify())
                if number % 2:
                    await making  # dropped before it is told of it, or after, or just then
                client.drop()
            titles.append(await making)
        await stays.until(lambda: set(titles) <= _titles(stays.mailbox), "all of them on the socket that stays")
        async with site.socket(mailbox=mailbox) as client:
            stored = await site.stored(client)
        _equal(mailbox, stored)
        shown = [each["title"] for each in mailbox.unread()][: len(titles)]
        expect(shown == titles[::-1], "each of them once, newest first", shown)


def noisy(messages: list[Json], seed: int) -> Iterator[Json]:
    """The messages as a bad network might bring them: some are lost, some come twice, some come late."""
    chance = random.Random(seed)  # noqa: S311 - nothing is to be kept secret, and a seed is to be told
    late: list[Json] = []
    for message in messages:
        match chance.choice(("arrives", "arrives", "lost", "twice", "late")):
            case "late":
                late.append(message)
            case "twice":
                yield from (message, message)
            case "arrives":
                yield message
                yield from reversed(late)
                late.clear()


async def _change(site: Site, id: str, count: int) -> None:
    """Change a notification again and again, on a socket of its own."""
    async with site.socket() as client:
        for number in range(count):
            event = ROUND[number % len(ROUND)]
            await client.do(event, asked(event, id))


def _equal(mailbox: Mailbox, stored: Json) -> None:
    """What is shown is what is stored, as far down as it is loaded."""
    counts = (mailbox.cursor, mailbox.unread_count, mailbox.unseen_count)
    expected = (stored["cursor"], stored["notif_count"], stored["unseen_count"])
    expect(counts == expected, f"cursor and counts {expected}", counts)
    shown = plain(mailbox.unread())
    there = [r for r in plain(stored["notifs"]) if r["position"] >= (mailbox.through or 0)]
    missing = [r["title"] for r in there if r not in shown]
    extra = [r["title"] for r in shown if r not in there]
    expect(shown == there, "the list as it is stored", f"missing or stale: {missing}; not stored so: {extra}")


def _titles(mailbox: Mailbox) -> set[str]:
    return {str(r.get("title")) for r in mailbox.rows.values()}
