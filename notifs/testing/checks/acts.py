"""What a person does: it changes the store, then every socket of theirs, and nobody else's."""

from notifs.testing.check import Checks, expect
from notifs.testing.checks.events import NOBODYS
from notifs.testing.checks.live import revision, since
from notifs.testing.client import Client, Json
from notifs.testing.site import Site, asked, row

checks: Checks[Site] = Checks()
PLACE = "What a client may say"
ACTS = [
    ("mark_seen", "seen_at", True),
    ("mark_read", "read_at", True),
    ("mark_unread", "read_at", False),
    ("mark_read", "read_at", True),
    ("archive", "archived_at", True),
    ("unarchive", "archived_at", False),
    ("snooze", "snoozed_until", True),
    ("unsnooze", "snoozed_until", False),
]
"""In this order each of them changes something: what it sets, or takes back."""


@checks.of(PLACE)
async def an_act_changes_every_socket_of_the_person(site: Site) -> None:
    """Each act is told to all sockets by the `changed` message of the cursor in its ack, with the same counts."""
    async with site.socket() as first, site.socket() as second:
        id = (await site.make(first))["id"]
        await second.until(lambda: id in second.mailbox.rows, "the notification on the other socket")
        for event, field, sets in ACTS:
            before = revision(first.mailbox.cursor)
            ack = await first.do(event, asked(event, id))
            expect(revision(ack["cursor"]) == before + 1, f"{event} to take revision {before + 1}", ack)
            for client in (first, second):
                await _reach(client, ack["cursor"])
                told = next(m for m in reversed(client.messages) if m["cursor"] == ack["cursor"])
                expect(told["type"] == "changed", f"`changed` for {event}", told)
                counts = [(m["notif_count"], m["unseen_count"]) for m in (ack, told)]
                expect(counts[0] == counts[1], f"the same counts in the ack of {event} and its message", counts)
                changed = client.mailbox.rows[id]
                expect((changed[field] is not None) is sets, f"{field} as {event} leaves it", changed)
        expect(first.mailbox.rows[id]["read_at"], "what was put back as read as it was", "unread")


@checks.of(PLACE)
async def what_changes_nothing_moves_no_cursor(site: Site) -> None:
    """An act that was done already, or that names nobody's ids, moves no cursor and sends nothing."""
    async with site.socket() as client:
        id = (await site.make(client))["id"]
        done = await client.do("mark_read", {"ids": [id]})
        await _reach(client, done["cursor"])
        count = len(client.messages)
        for event in ("mark_read", "mark_read", "mark_seen", "unarchive", "unsnooze"):
            ack = await client.do(event, {"ids": [id, NOBODYS, "no id at all"]})
            expect(ack["cursor"] == done["cursor"], f"{event} to leave the cursor at {done['cursor']}", ack)
        await _reach(client, (await client.do("archive", {"ids": [id, id]}))["cursor"])
        told = since(client, count)
        expect([m["prev"] for m in told] == [revision(done["cursor"])], "one message, of the one that did", told)


@checks.of(PLACE)
async def other_peoples_ids_are_unknown_ids(site: Site) -> None:
    """An act on another person's notification answers as for an id that nobody has, and changes nothing."""
    async with site.socket() as one, site.socket(site.other) as other:
        made = await site.make(one)
        for event in ("mark_read", "mark_seen", "archive", "mark_unread", "unarchive", "snooze", "unsnooze"):
            answers = [await other.do(event, asked(event, id)) for id in (made["id"], NOBODYS)]
            expect(answers[0] == answers[1], f"the same answer to {event} as for an unknown id", answers)
        page = await one.do("fetch", {"filter": "all"})
        kept = next((each for each in page["notifs"] if each["id"] == made["id"]), None)
        expect(kept and kept["revision"] == made["revision"], f"revision {made['revision']} still", kept)


@checks.of(PLACE)
async def mark_all_read_leaves_what_came_later(site: Site) -> None:
    """`mark_all_read` goes up to the cursor that the person was looking at; what has arrived since stays unread."""
    async with site.socket() as client:
        stored = (await site.stored(client))["notifs"]
        seen = await site.make(client)
        cursor = client.mailbox.cursor
        later = await site.make(client)
        ack = await client.do("mark_all_read", {"up_to": cursor})
        await _reach(client, ack["cursor"])
        unread = [each["id"] for each in (await site.stored(client))["notifs"]]
        await _unread_again(client, stored)
        expect(seen["id"] not in unread, "what was there at the cursor to be read", unread)
        expect(unread == [later["id"]] and ack["notif_count"] == 1, "what came later, alone, to be unread", unread)


@checks.of(PLACE)
async def mark_seen_up_to_leaves_what_came_later(site: Site) -> None:
    """`mark_seen` with `up_to` is for the bell: what has arrived since calls for it still, and all stays unread."""
    async with site.socket() as client:
        seen = await site.make(client)
        cursor = client.mailbox.cursor
        title = (await site.make(client))["title"]
        ack = await client.do("mark_seen", {"up_to": cursor})
        await _reach(client, ack["cursor"])
        expect(ack["unseen_count"] == 1, "one unseen: the one that came later", ack)
        before, after = client.mailbox.rows[seen["id"]], row(client, title) or {}
        expect(before["seen_at"] and before["read_at"] is None, "the first seen, and not read", before)
        expect(after["seen_at"] is None, "the later one not seen", after)


async def _reach(client: Client, cursor: str) -> None:
    await client.until(
        lambda: client.mailbox.cursor and revision(client.mailbox.cursor) >= revision(cursor),
        f"the message of {cursor}",
    )


async def _unread_again(client: Client, rows: list[Json]) -> None:
    """Leave the account's own notifications as they were."""
    ids = [each["id"] for each in rows]
    for start in range(0, len(ids), 200):
        await client.do("mark_unread", {"ids": ids[start : start + 200]})
