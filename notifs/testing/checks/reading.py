"""Reading on, and coming back."""

from urllib.parse import quote

from notifs.testing.check import Checks, expect
from notifs.testing.checks.live import revision
from notifs.testing.client import Client, Json
from notifs.testing.site import Site, asked
from notifs.wire import Cursor

checks: Checks[Site] = Checks()
SAY = "What a client may say"


@checks.of(SAY)
async def pages_go_on_where_the_last_one_ended(site: Site) -> None:
    """`fetch` answers at most `limit`, newest first, below `before`; `has_more` says whether that was all."""
    async with site.socket() as client:
        ids = [(await site.make(client))["id"] for _ in range(3)]
        whole = [each["id"] for each in (await site.stored(client))["notifs"]]
        expect(whole[:3] == ids[::-1], "the three new ones first, newest first", whole[:3])
        found: list[str] = []
        before = None
        while len(found) < 3:
            ask = {"limit": 2} if before is None else {"limit": 2, "before": before}
            page = await client.do("fetch", ask)
            expect((page["filter"], page["before"]) == ("unread", before), f"a page before {before}", page)
            rows = page["notifs"]
            expect(1 <= len(rows) <= 2, "one or two notifications", rows)
            expect(before is None or rows[0]["position"] < before, f"positions below {before}", rows)
            found, before = found + [each["id"] for each in rows], rows[-1]["position"]
            expect(page["has_more"] is (found != whole), f"has_more {found != whole}", page["has_more"])
        expect(found == whole[: len(found)], "pages that join", found)
        end = await client.do("fetch", {"before": 0})
        expect((end["notifs"], end["has_more"]) == ([], False), "an empty page below position 0", end)


@checks.of(SAY)
async def filters_show_what_they_say(site: Site) -> None:
    """`unread`, `all`, `archived` and `snoozed` hold a notification where it belongs at each step."""
    async with site.socket() as client:
        id = (await site.make(client))["id"]
        steps = {
            None: {"unread", "all"}, "snooze": {"snoozed"}, "unsnooze": {"unread", "all"}, "mark_read": {"all"},
            "archive": {"archived"}, "unarchive": {"all"},
        }  # fmt: skip
        for event, expected in steps.items():
            if event is not None:
                await client.do(event, asked(event, id))
            shown = {f for f in ("unread", "all", "archived", "snoozed") if await _shows(client, f, id)}
            expect(shown == expected, f"it under {sorted(expected)} after {event}", sorted(shown))


@checks.of(SAY)
async def sync_answers_before_its_ack(site: Site) -> None:
    """`sync` sends its `delta` or `snapshot` to the socket that asked, and to no other, before the ack."""
    async with site.socket() as client, site.socket() as other:
        before = client.mailbox.cursor
        made = await site.make(client)
        await other.until(lambda: made["id"] in other.mailbox.rows, "the notification on the other socket")
        count, frames = len(client.messages), len(client.frames)
        ack = await client.do("sync", {"cursor": before})
        came = [frame[:2] for frame in client.frames[frames:] if frame.startswith(("42", "43"))]
        expect(came == ["42", "43"], "one message, then the ack", came)
        delta = client.messages[count]
        expect(delta["type"] == "delta", "a `delta`", delta)
        expect(delta["prev"] == revision(before), f"prev {revision(before)}", delta)
        expect([each["id"] for each in delta["notifs"]] == [made["id"]], "what came since, and nothing else", delta)
        expect(delta["cursor"] == ack["cursor"], f"the cursor of the ack, {ack['cursor']}", delta["cursor"])
        await other.do("sync", {"cursor": other.mailbox.cursor})
        answers = [m["prev"] for m in other.of("delta")]
        expect(answers == [revision(ack["cursor"])], "the other socket's own answer alone", answers)


@checks.of("Connect")
async def who_comes_back_gets_what_was_missed(site: Site) -> None:
    """A socket that was dropped comes back with its cursor, and gets one `delta` of exactly what it has missed."""
    async with site.socket() as stays:
        old, kept = await site.make(stays), await site.make(stays)
        async with site.socket() as client:
            cursor = client.mailbox.cursor
            client.drop()
        new = await site.make(stays)
        await stays.do("mark_read", {"ids": [old["id"]]})
        async with site.socket(cursor=cursor) as back:
            types = [m["type"] for m in back.messages]
            expect(types == ["connected", "delta"], "`connected`, then one `delta`", types)
            delta = back.messages[1]
            expect(delta["recovered"] is True and delta["prev"] == revision(cursor), f"it to follow {cursor}", delta)
            got = {each["id"]: each["read_at"] is not None for each in delta["notifs"]}
            expect(got == {old["id"]: True, new["id"]: False}, f"what changed, without {kept['id']}", got)
        async with site.socket(cursor=delta["cursor"]) as again:
            expect(again.messages[1]["notifs"] == [], "an empty delta where nothing was missed", again.messages[1])


@checks.of("Cursors")
async def a_cursor_that_is_not_of_here_gets_a_snapshot(site: Site) -> None:
    """A cursor of the future, of another epoch, or that is none gets a snapshot with `recovered: false`."""
    async with site.socket() as client:
        at = Cursor.parse(client.mailbox.cursor)
        expect(at, "a cursor", client.mailbox.cursor)
        epoch, number = (at.epoch, at.revision) if at else ("", 0)
        other = f"{'0' if epoch[0] != '0' else '1'}{epoch[1:]}"
        strange = [f"{epoch}:{number + 1000}", f"{other}:{number}", "garbage", f"{epoch}:-1", f"{epoch}:{'9' * 30}", 7]
        for cursor in strange:
            count = len(client.messages)
            await client.do("sync", {"cursor": cursor})
            _is_snapshot(client.messages[count:], cursor)
    for cursor in (*strange, ["x"]):
        async with site.socket(cursor=cursor) as client:
            _is_snapshot(client.messages[1:], cursor)


@checks.of("Cursors")
async def a_cursor_carries_no_authority(site: Site) -> None:
    """Another person's cursor shows nothing of theirs."""
    async with site.socket() as one:
        cursor = one.mailbox.cursor
        made = await site.make(one)
        async with site.socket(site.other, cursor=cursor) as other:
            leaked = [frame for frame in other.frames if made["id"] in frame or made["title"] in frame]
            expect(not leaked, "nothing of another person's", leaked)


@checks.of("Without a socket")
async def changes_are_told_without_a_socket_too(site: Site) -> None:
    """`GET /api/v1/inbox/changes` answers the `delta` since a cursor, and a `snapshot` where there can be none."""
    async with site.socket() as client:
        cursor = client.mailbox.cursor or ""
        made = await site.make(client)
    path = "/api/v1/inbox/changes"
    answer = await site.get(f"{path}?cursor={quote(cursor)}", cookie=site.one.cookie)
    expect(answer.status == 200, "status 200", f"{answer.status} {answer.body[:200]!r}")
    delta = answer.json()
    expect((delta["type"], delta["prev"]) == ("delta", revision(cursor)), f"a delta since {cursor}", delta)
    expect([each["id"] for each in delta["notifs"]] == [made["id"]], "what came since", delta["notifs"])
    snapshot = (await site.get(path, cookie=site.one.cookie)).json()
    _is_snapshot([snapshot], None)
    nobody = await site.get(path)
    expect(nobody.status == 401, "status 401 without a cookie", nobody.status)


async def _shows(client: Client, filter: str, id: str) -> bool:
    page = await client.do("fetch", {"filter": filter})
    return any(each["id"] == id for each in page["notifs"])


def _is_snapshot(messages: list[Json], cursor: object) -> None:
    first = messages[0] if messages else {}
    right = first.get("type") == "snapshot" and first.get("recovered") is False and "before" not in first
    expect(right, f"a snapshot with `recovered: false` for the cursor {cursor!r}", first)
