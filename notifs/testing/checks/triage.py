"""Putting off, taking back, and looking for."""

from datetime import UTC, datetime, timedelta

from notifs.testing.check import Checks, expect
from notifs.testing.checks.events import NOBODYS
from notifs.testing.checks.live import revision
from notifs.testing.client import Client
from notifs.testing.site import Site, asked

checks: Checks[Site] = Checks()
SHORTLY = timedelta(seconds=1.5)
"""For how long something is snoozed: the two clocks may differ by a part of it."""
MARKS = ("snoozed_until", "read_at", "seen_at", "archived_at")


@checks.of("Snooze")
async def what_is_snoozed_comes_back_by_itself(site: Site) -> None:
    """It counts nowhere until then; then it is told by `changed`, unread and unseen, at its old position."""
    async with site.socket() as client, site.socket() as other:
        made, read = await site.make(client), await site.make(client)
        await client.do("mark_read", asked("mark_read", read["id"]))
        before = await site.stored(client)
        until = datetime.now(UTC) + SHORTLY
        ack = await client.do("snooze", {"ids": [made["id"], read["id"]], "until": until.isoformat()})
        counted = (before["notif_count"] - 1, before["unseen_count"] - 1)
        expect((ack["notif_count"], ack["unseen_count"]) == counted, f"the counts to be {counted}", ack)
        back = revision(ack["cursor"]) + 1
        for each in (client, other):
            await _reach(each, back)
            told = next(m for m in each.messages if m.get("cursor") and revision(m["cursor"]) == back)
            expect(told["type"] == "changed", "one `changed`", told)
            rows = [(row["id"], row["position"], *(row[mark] for mark in MARKS)) for row in told["notifs"]]
            new = [(row["id"], row["position"], None, None, None, None) for row in (read, made)]
            expect(rows == new, "both unread and unseen, in their places", rows)
            expect(told["notif_count"] == before["notif_count"] + 1, "both counted", told["notif_count"])


@checks.of("Snooze")
async def who_brings_it_back_has_it_as_it_was(site: Site) -> None:
    """`unsnooze` leaves read what was read; `archive` ends a snooze; what is archived cannot be snoozed."""
    async with site.socket() as client:
        id = (await site.make(client))["id"]
        for event, changed in {"mark_read": 1, "snooze": 1, "unsnooze": 1, "archive": 1}.items():
            ack = await client.do(event, asked(event, id))
            expect(ack["changed"] == changed, f"{event} to change {changed}", ack)
        row = next(each for each in (await client.do("fetch", {"filter": "archived"}))["notifs"] if each["id"] == id)
        expect(row["read_at"], "what was read to be read", row)
        ack = await client.do("snooze", asked("snooze", id))
        expect(ack["changed"] == 0, "what is archived not to be snoozed", ack)


@checks.of("Undo")
async def an_act_is_undone_by_its_cursor(site: Site) -> None:
    """The opposite act `at` the cursor of the ack is one change, of all that has not been changed since."""
    async with site.socket() as client:
        ids = [(await site.make(client))["id"] for _ in range(3)]
        kept = await client.do("mark_read", {"ids": ids[:1]})
        done = await client.do("mark_read", {"ids": ids})
        later = await client.do("archive", {"ids": ids[2:]})
        expect((kept["changed"], done["changed"], later["changed"]) == (1, 2, 1), "acts that changed 1, 2 and 1", done)
        undone = await client.do("mark_unread", {"at": done["cursor"]})
        expect(undone["changed"] == 1, "one to be undone: the other one was changed since", undone)
        expect(revision(undone["cursor"]) == revision(later["cursor"]) + 1, "one revision more", undone)
        await client.until(lambda: client.mailbox.cursor == undone["cursor"], "the change to be told")
        read = [client.mailbox.rows[id]["read_at"] is not None for id in ids]
        expect(read == [True, False, True], "the second one alone to be unread", read)
        again = await client.do("mark_unread", {"at": done["cursor"]})
        expect((again["changed"], again["cursor"]) == (0, undone["cursor"]), "nothing to be left to undo", again)


@checks.of("Undo")
async def another_persons_cursor_undoes_nothing(site: Site) -> None:
    """`at` carries no authority: it reaches one's own notifications only."""
    async with site.socket() as one, site.socket(site.other) as other:
        made = await site.make(one)
        done = await one.do("mark_read", {"ids": [made["id"]]})
        await other.do("mark_unread", {"at": done["cursor"]})
        page = await one.do("fetch", {"filter": "all"})
        rows = {each["id"]: each["revision"] for each in page["notifs"]}
        expect(rows.get(made["id"]) == revision(done["cursor"]), "the first person's to be as it was", rows)


@checks.of("What a client may say")
async def a_search_finds_what_it_says(site: Site) -> None:
    """`text` is a literal part of the title, in upper or lower case; `kind` and `actor` are meant exactly."""
    async with site.socket() as client:
        made = await site.make(client)
        title, kind = made["title"], made["kind"]
        for terms, found in (
            ({"text": title.upper()}, True), ({"text": title[3:]}, True), ({"text": f"{title[:-1]}_"}, False),
            ({"text": title.replace(" ", "%")}, False), ({"text": title, "kind": kind}, True),
            ({"text": title, "kind": f"{kind}.x"}, False), ({"text": title, "actor": NOBODYS}, False),
        ):  # fmt: skip
            page = await client.do("fetch", {"filter": "all", **terms})
            said = {name: page.get(name) for name in ("kind", "actor", "text")}
            nothing = dict.fromkeys(("kind", "actor", "text"))
            expect(said == {**nothing, **terms}, f"the page to repeat {terms}", said)
            there = [row["id"] for row in page["notifs"]]
            expect((made["id"] in there) is found, f"it {'' if found else 'not '}to be found by {terms}", there)


async def _reach(client: Client, at: int) -> None:
    await client.until(lambda: revision(client.mailbox.cursor) >= at, f"revision {at}, by itself")
