"""Cursors that are wrong in every way, and a database that was restored from an older dump (F17)."""

import asyncio
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from notifs.testing.rule import Mailbox
from tests import servers
from tests.faults.cluster import Cluster, cluster
from tests.programs import find, run
from tests.waiting import until
from tests.wire import Client

PROGRAMS = list(Path("/usr/lib/postgresql").glob("*/bin"))
pytestmark = pytest.mark.timeout(120)


async def greeted(url: str, cookie: str, cursor: Any) -> tuple[str, Mailbox, str]:
    """Connect with this cursor: the type of the answer, what the client then has, and all bodies."""
    async with Client.open(url, headers={"cookie": cookie}, auth={"cursor": cursor}) as client:
        await client.until(lambda: any(m["type"] in ("delta", "snapshot") for m in client.messages))
        await client.ask("sync", {"cursor": cursor} if isinstance(cursor, str) else {})
        mailbox = Mailbox()
        for message in client.messages:
            assert message.get("recovered") in (None, message["type"] == "delta")
            mailbox.take(message)
        return client.messages[1]["type"], mailbox, "".join(n["body"] for m in client.messages for n in m["notifs"])


async def test_a_cursor_carries_no_authority_and_a_wrong_one_gets_a_snapshot(trio: Cluster) -> None:
    ada, grace = await trio.account(), await trio.account()
    for _ in range(3):
        await trio.notify([ada])
    for _ in range(9):
        await trio.notify([grace])
    cookie, url, epoch = await trio.cookie(ada), trio.workers[0].url, trio.notifs.store.epoch
    noise = ["".join(random.choices("0123456789abcdef:-+ \x00é", k=random.randrange(40))) for _ in range(20)]
    wrong: list[Any] = [
        f"{epoch}:4", f"{epoch}:9", f"{epoch}:{10**17}", f"{epoch}:{10**30}", f"{epoch}:-1", f"{epoch}:1.5",
        f"{epoch}:01", f"{epoch[::-1]}:1", f"{'0' * 16}:1", epoch, ":", "", None, 3, 1.5, True, [], {"a": 1},
        [f"{epoch}:1"], "x" * 60_000, *noise,
    ]  # fmt: skip
    for cursor in wrong:
        type, mailbox, bodies = await greeted(url, cookie, cursor)
        assert type == "snapshot", cursor
        assert len(mailbox.unread()) == mailbox.unread_count == 3
        assert mailbox.cursor == f"{epoch}:3"
        assert grace not in bodies
    for revision in range(4):  # these may be anybody's; what comes is one's own all the same
        type, mailbox, bodies = await greeted(url, cookie, f"{epoch}:{revision}")
        assert type == "delta"
        assert grace not in bodies


async def test_every_client_comes_to_the_restored_database_and_goes_on_from_there(
    durable: servers.Postgres, durable_url: str, redis: servers.Redis, tmp_path: Path
) -> None:
    name = str(make_url(durable_url).database)
    async with cluster(durable_url, tmp_path, workers=2, redis=redis) as pair:
        recipients = [await pair.account() for _ in range(3)]
        for recipient in recipients:
            await pair.tabs(recipient, 2)
        async with pair.present(*pair.people):
            for _ in range(10):
                await pair.notify(recipients)
            await pair.settle()
            dump = tmp_path / "dump"
            await program(durable, "pg_dump", "--format=custom", f"--file={dump}", name)
            for _ in range(10):
                await pair.notify(recipients)
            await pair.settle()
            assert all(person.mailbox.unread_count == 20 for person in pair.people)
            old = pair.notifs.store.epoch
            await program(
                durable, "pg_restore", "--clean", "--if-exists", "--single-transaction", f"--dbname={name}", str(dump)
            )
            env = {**servers.clean_environment(), **pair.env}
            assert (await run([*servers.notifs_command(), "db", "new-epoch"], env=env, cwd=tmp_path))[0] == 0
            await pair.notifs.store.open()
            assert pair.notifs.store.epoch != old
            for person in pair.people:
                person.log.clear()  # what was lost with the disk was shown, and is gone
            for _ in range(30):
                await pair.notify(recipients)
            await until(lambda: all(person.mailbox.unread_count == 40 for person in pair.people))
            await pair.reckon()


async def program(durable: servers.Postgres, name: str, *args: str) -> None:
    """Run one of PostgreSQL's programs against the server."""
    path = find(name, package="postgresql-client", folders=PROGRAMS)
    place = ["--host", str(durable.socket), "--port", str(durable.port), "--username", "notifs"]
    await asyncio.to_thread(subprocess.run, [path, *place, *args], check=True)
