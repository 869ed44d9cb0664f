"""A server that is killed and started again while clients send: each notification is there once."""

import asyncio
from collections import Counter
from pathlib import Path

import httpx2
import pytest

from notifs import Notifs, Settings
from notifs.client import AsyncClient
from tests.programs import Child, Restarted, free_port
from tests.servers import clean_environment, notifs_command
from tests.web.site import CHEAP

PRODUCERS, EACH = 8, 25


@pytest.mark.timeout(120)
async def test_what_was_sent_while_the_server_was_killed_is_there_once(
    tmp_path: Path, sqlite_url: str, http: httpx2.AsyncClient
) -> None:
    async with Notifs(Settings(database_url=sqlite_url)).open() as notifs:
        ada = await notifs.store.add_user("ada@example.org", "Ada", CHEAP)
        _, key = await notifs.store.keys.create("shop", ["send"])
    port, environment = free_port(), {**clean_environment(), "NOTIFS_DATABASE_URL": sqlite_url}
    command = [*notifs_command(), "serve", "--port", str(port)]
    server = Restarted(lambda: Child(command, ready="notifs is ready", env=environment, cwd=tmp_path))
    client = AsyncClient(f"http://127.0.0.1:{port}", key, timeout=5.0, http=http)
    done: list[str] = []

    async def produce(name: int) -> None:
        for number in range(EACH):
            done.append(await client.notify(to="ada@example.org", title=f"{name}.{number}"))

    try:
        await server.start()
        async with asyncio.TaskGroup() as group:
            for name in range(PRODUCERS):
                group.create_task(produce(name))
            while len(done) < PRODUCERS * EACH // 2:
                await asyncio.sleep(0)
            await server.restart()
    finally:
        server.end()
    assert len(set(done)) == PRODUCERS * EACH
    async with Notifs(Settings(database_url=sqlite_url)).open() as notifs:
        found = await notifs.get_unread_notifs(ada.id)
    assert Counter(notif["id"] for notif in found) == Counter(done)
    assert {notif["title"] for notif in found} == {f"{n}.{m}" for n in range(PRODUCERS) for m in range(EACH)}
