"""What is told as it happens."""

from typing import Any

from notifs.testing.check import Checks, expect
from notifs.testing.client import Client, Json
from notifs.testing.rule import Mailbox, Row
from notifs.testing.shape import wrong_message, wrong_notification
from notifs.testing.site import Site, row
from notifs.wire import Cursor

checks: Checks[Site] = Checks()
PLACE = "What the server sends"


@checks.of(PLACE)
async def new_notifications_follow_each_other_without_a_gap(site: Site) -> None:
    """Each `created` follows the revision before it, and three notifications take three revisions in a row."""
    async with site.socket() as client:
        at = revision(client.mailbox.cursor)
        made = [await site.make(client) for _ in range(3)]
        for message in client.of("created", "announcement", "changed"):
            expect(message["type"] == "created", "`created` for what is new", message)
            expect(message["prev"] == at, f"a message that follows revision {at}", message)
            at = revision(message["cursor"])
        positions = [each["position"] for each in made]
        expect(positions == list(range(at - 2, at + 1)), f"positions {at - 2} to {at}", positions)


@checks.of(PLACE)
async def each_socket_of_a_person_hears_of_each_notification_once(site: Site) -> None:
    """Every socket of the person is told of each notification exactly once."""
    async with site.socket() as first, site.socket() as second:
        ids = {(await site.make(first))["id"] for _ in range(2)}
        last = await site.make(first)  # what was told twice would have been, before this one
        for client in (first, second):
            await client.until(lambda c=client: row(c, last["title"]), "the last one to arrive")  # type: ignore[misc]
            told = [
                r["id"] for m in client.of("created", "announcement", "changed") for r in m["notifs"] if r["id"] in ids
            ]
            expect(sorted(told) == sorted(ids), "each notification in one message", told)


@checks.of(PLACE)
async def nobody_else_hears_of_it(site: Site) -> None:
    """Another person is told nothing of it: no message, and no change of their counts."""
    async with site.socket() as one, site.socket(site.other) as other:
        at = len(other.messages)
        await site.make(one)
        title = await site.notify(site.other)
        await other.until(lambda: row(other, title), f"{title!r} to arrive")
        own = [r.get("title") for m in other.messages[at:] for r in m["notifs"]]
        expect(own == [title] and at == len(other.messages) - 1, f"one message, with {title!r}", other.messages[at:])
        mine = [frame for frame in one.frames if title in frame]
        expect(not mine, "nothing of another person's", mine)


@checks.of(PLACE)
async def the_counts_are_those_of_the_list(site: Site) -> None:
    """`notif_count` and `unseen_count` of every message count the unread and the unseen of the list at its cursor."""
    async with site.socket() as client:
        made = [await site.make(client), await site.make(client)]
        ids = [each["id"] for each in made]
        await client.do("mark_seen", {"ids": ids[:1]})
        await client.do("mark_read", {"ids": ids})
        await client.do("mark_unread", {"ids": ids})
        await client.do("archive", {"ids": ids[:1]})
        mailbox = Mailbox()
        for message in client.messages:
            mailbox.take(message)
            if message["type"] != "connected" and mailbox.through is None:
                expect(_counts(mailbox) == _counted(mailbox), f"counts {_counted(mailbox)}", message)
        stored = await site.stored(client)
        count = len(stored["notifs"])
        expect(stored["notif_count"] == count, f"notif_count {count}, as the list has it", stored["notif_count"])


@checks.of(PLACE)
async def every_message_has_its_shape(site: Site) -> None:
    """Each message that was heard in this run has the fields of its type, all of them, within their bounds."""
    async with site.socket() as client:
        made = await site.make(client)
        await client.do("archive", {"ids": [made["id"]]})
        await client.do("sync", {"cursor": client.mailbox.cursor})
    for message in site.heard:
        flaws = wrong_message(message)
        expect(not flaws, "a message as the table says", f"{'; '.join(flaws)} in {_brief(message)}")


@checks.of("The standard form")
async def every_notification_has_the_standard_form(site: Site) -> None:
    """Each notification that was heard in this run has all fields of the standard form, within their bounds."""
    async with site.socket() as client:
        made = await site.make(client)
        page = await client.do("fetch", {"filter": "all"})
    for each in [*page["notifs"], *(r for message in site.heard for r in message.get("notifs", []))]:
        flaws = wrong_notification(each)
        expect(not flaws, "a notification in the standard form", f"{'; '.join(flaws)} in {each}")
    same = plain([made])[0] in plain(page["notifs"])
    expect(same, "the new one in a page of `fetch`, in the form in which it was told", page["notifs"][:1])


def revision(cursor: str | None) -> int:
    """The revision that a cursor names."""
    parsed = Cursor.parse(cursor)
    expect(parsed, "a cursor", cursor)
    return parsed.revision if parsed else -1


def since(client: Client, count: int) -> list[Json]:
    """The live messages after the first `count` ones."""
    return [m for m in client.messages[count:] if m.get("type") in ("created", "announcement", "changed", "snapshot")]


def plain(rows: list[Any]) -> list[Row]:
    """Rows without what only says how long ago it was."""
    return [{name: value for name, value in row.items() if name != "received_at"} for row in rows]


def _counts(mailbox: Mailbox) -> tuple[int, int]:
    return mailbox.unread_count, mailbox.unseen_count


def _counted(mailbox: Mailbox) -> tuple[int, int]:
    unread = mailbox.unread()
    return len(unread), sum(each["seen_at"] is None for each in unread)


def _brief(message: Json) -> dict[str, Any]:
    return {**message, "notifs": f"{len(message.get('notifs') or [])} of them"}
