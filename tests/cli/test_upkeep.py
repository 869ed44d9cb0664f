"""`notifs db prune`, `check` and `new-epoch`, on both databases, beside processes that go on meanwhile."""

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from notifs import Notifs, Settings
from notifs.store import Head
from notifs.store.counts import Bound, Counts
from notifs.store.models import Audit, Mailbox, Notification, Receipt, utcnow
from notifs.wire import Cursor
from tests.cli.conftest import Folder, Main, Result
from tests.web.site import CHEAP

Command = Callable[..., Awaitable[Result]]


@pytest.fixture
async def notifs(database_url: str) -> AsyncIterator[Notifs]:
    """What is in the database; Ada has an account there."""
    async with Notifs(Settings(database_url=database_url)).open() as notifs:
        await notifs.store.add_user("ada@example.org", "Ada", CHEAP)
        yield notifs


@pytest.fixture
def db(tmp_path: Path, database_url: str) -> Command:
    """`notifs db` on that database."""

    async def run(*args: str, keep_days: int = 90) -> Result:
        env = {"NOTIFS_DATABASE_URL": database_url, "NOTIFS_KEEP_DAYS": f"{keep_days}"}
        return await Folder(tmp_path).run("db", *args, stdin=None, **env)

    return run


async def execute(notifs: Notifs, *statements: Any) -> None:
    async with notifs.session() as session:
        for statement in statements:
            await session.execute(statement)


def days_ago(days: float) -> Any:
    return utcnow() - timedelta(days=days)


async def test_prune_deletes_what_is_old_and_says_how_much(notifs: Notifs, db: Command) -> None:
    for days in (100, 91, 89, 40, 1):
        await notifs.notify(to="ada", title=f"{days}")
        await notifs.store.change("ada", "read")
        just_now = update(Receipt).where(Receipt.read_at > days_ago(0.1))
        await execute(notifs, just_now.values(read_at=days_ago(days)))
    await notifs.notify(to=["ada", "grace"], title="unread")
    await notifs.notify(to=["ada", "grace"], title="expired")
    await execute(notifs, update(Notification).where(Notification.title == "expired").values(expires_at=days_ago(0)))

    none = (
        "0 idempotency keys, 0 sessions, 0 jobs, 0 announcements, 0 deliveries to webhooks, "
        "0 lines of the audit log, 0 counts of tries\n"
    )
    would = "would delete {} copies (2 of them unread and expired), " + none
    assert (await db("prune", "--dry-run")).out == would.format(4)
    assert (await db("prune", "--dry-run", "--days", "30")).out == would.format(6)
    assert (await db("prune", "--dry-run", keep_days=95)).out == would.format(3)
    did = "deleted {} copies ({} of them unread and expired), {} notifications, " + none
    assert (await db("prune")).out == did.format(4, 2, 3)
    assert (await db("prune")).out == did.format(0, 0, 0)
    left = (await notifs.store.page("ada", "all")).entries
    assert [entry.title for entry in left] == ["unread", "1", "40", "89"]
    assert (await notifs.store.head("grace")).unread == 1


async def test_prune_beside_a_process_that_writes_leaves_every_count_right(notifs: Notifs, db: Command) -> None:
    people = [f"user-{n}" for n in range(10)]

    async def write(number: int) -> None:
        while not pruned.done():
            id = await notifs.notify(to=people, title="x")
            await notifs.acts.do(people[number], "read")
            await notifs.acts.do(people[-number], "archive")
            await notifs.acts.do(people[0], "unread", ids=[uuid.UUID(id)])
            archived = update(Receipt).where(Receipt.archived_at.is_not(None))
            await execute(notifs, archived.values(read_at=days_ago(100), archived_at=days_ago(100)))

    async def prune() -> None:
        found = 0
        while found < 3:
            result = await db("prune", "--days", "1")
            assert result.status == 0, result
            deleted = re.search(r"deleted (\d+) copies", result.out)
            found += bool(deleted and int(deleted[1]))

    pruned = asyncio.create_task(prune())
    await asyncio.gather(*(write(number) for number in range(1, 5)))
    await pruned
    result = await db("check")
    assert (result.status, result.err) == (0, "")
    assert re.search(r"as it should be; 10 mailboxes are right\n$", result.out)


async def test_check_tells_which_mailboxes_are_wrong_and_fix_repairs_them(notifs: Notifs, db: Command) -> None:
    for _ in range(2):
        await notifs.notify(to=["ada", "grace", "linus"], title="x")
    await execute(notifs, update(Mailbox).where(Mailbox.recipient != "grace").values(unread=5))

    told = "ada: unread is 5, counted are 2\nlinus: unread is 5, counted are 2\n"
    result = await db("check")
    assert (result.status, result.out) == (1, told)
    assert result.err == "notifs: 2 of 3 mailboxes are wrong; repair them with: notifs db check --fix\n"
    result = await db("check", "--fix")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith(told)
    assert result.out.endswith("; 2 of 3 mailboxes were wrong and are repaired\n")
    assert (await db("check")).out.endswith("; 3 mailboxes are right\n")
    assert await notifs.store.head("ada") == Head(3, unread=2, unseen=2)
    assert await notifs.store.head("grace") == Head(2, unread=2, unseen=2)


async def test_a_new_epoch_is_printed_and_ends_the_worth_of_old_cursors(notifs: Notifs, db: Command) -> None:
    await notifs.notify(to="ada", title="x")
    result = await db("new-epoch")
    assert (result.status, result.err) == (0, "")
    epoch = re.findall(r"^the epoch is ([0-9a-f]{16}); ", result.out)[0]
    assert epoch != notifs.store.epoch
    assert (await notifs.store.look([])).epoch == epoch
    old = Cursor(notifs.store.epoch, 1)
    notifs.store.adopt(epoch)
    ((entries, _),) = await notifs.store.catch_up([("ada", old)], 9)
    assert entries is None


async def test_prune_forgets_old_lines_of_the_audit_log_and_counts_that_expired(notifs: Notifs, db: Command) -> None:
    tries = Bound("tries", 5, 60)
    await notifs.store.counts.take({tries: "grace"})
    await Counts(notifs.store.database, lambda: time.time() - 300).take({tries: "ada"})
    await notifs.store.audit.record("signed_in", "ada")
    old = uuid.UUID(int=int(days_ago(366).timestamp() * 1000) << 80)
    await execute(notifs, update(Audit).where(Audit.recipient == "ada").values(id=old))
    await notifs.store.audit.record("signed_in", "grace")
    for command, said in ((("prune", "--dry-run"), "would delete"), (("prune",), "deleted")):
        result = await db(*command)
        assert result.out.startswith(said), result
        assert result.out.endswith(", 1 lines of the audit log, 1 counts of tries\n")
    assert {line.event for line in await notifs.store.audit.read()} == {"signed_in", "account_made"}
    assert "0 lines of the audit log, 0 counts of tries" in (await db("prune")).out


@pytest.mark.parametrize("days", ["0", "-1", "many"])
def test_days_are_a_number_from_one(main: Main, days: str) -> None:
    result = main("db", "prune", "--days", days)
    assert (result.status, result.out) == (2, "")
    assert "--days" in result.err
