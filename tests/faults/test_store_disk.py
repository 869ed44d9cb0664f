"""A disk that is full, and then is not (F11)."""

import asyncio
import os
import resource
import secrets
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from notifs.errors import StoreUnavailable
from notifs.store import Store, schema
from notifs.store.database import Database
from tests import servers
from tests.faults.store_truth import problems
from tests.samples import notification

ROOT = os.geteuid() == 0


class Disk:
    """A small disk: a tmpfs, or, where we may not mount one, a limit to how large our files may grow.

    Args:
        path: where it is.
        size: in MiB.
    """

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        if ROOT:
            self._mount(f"size={size}m")
        else:
            self._limit(size * 2**20)

    def fill(self, leaving: int) -> None:
        """Leave only so many bytes."""
        with (self.path / "filler").open("wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, shutil.disk_usage(self.path).free - leaving)

    def enlarge(self) -> None:
        if ROOT:
            self._mount("remount,size=64m")
        else:
            self._limit(resource.getrlimit(resource.RLIMIT_FSIZE)[1])

    def remove(self) -> None:
        if ROOT:
            subprocess.run(["umount", "--lazy", self.path], check=True)
        else:
            self.enlarge()

    def _mount(self, options: str) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.path], check=True)

    def _limit(self, size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


@pytest.fixture
def place() -> Iterator[Path]:
    """Where the disk is: not in the folder of pytest, which lets no other account in."""
    with tempfile.TemporaryDirectory(prefix="notifs-disk-") as name:
        yield Path(name)


@pytest.fixture
def small(place: Path) -> Iterator[Disk]:
    disk = Disk(place, 4)
    yield disk
    disk.remove()


async def send(store: Store, count: int) -> tuple[set[uuid.UUID], int]:
    """Send so many large ones at once; which were acknowledged, and how many were refused."""
    sent = [notification(body=secrets.token_hex(2000)) for _ in range(count)]
    results = await asyncio.gather(*(store.create(each, ["a"]) for each in sent), return_exceptions=True)
    refused = [result for result in results if isinstance(result, BaseException)]
    assert {type(error) for error in refused} <= {StoreUnavailable}, refused
    return {n.id for n, result in zip(sent, results, strict=True) if isinstance(result, list)}, len(refused)


async def fill(store: Store) -> set[uuid.UUID]:
    """Send until the disk is full; what was acknowledged."""
    acknowledged: set[uuid.UUID] = set()
    full = 0
    while full < 3:
        more, refused = await send(store, 20)
        acknowledged |= more
        full += refused == 20
    return acknowledged


async def read(store: Store) -> set[uuid.UUID]:
    return {entry.id for entry in await store.unread("a")}


async def test_a_full_disk_refuses_what_is_new_and_keeps_what_is_there(small: Disk, sqlite_url: str) -> None:
    file = shutil.copy(str(make_url(sqlite_url).database), small.path / "notifs.db")
    database = Database(f"sqlite+aiosqlite:///{file}")
    store = await Store(database).open()
    acknowledged = await fill(store)
    assert len(acknowledged) > 50
    assert await read(store) == acknowledged
    assert await problems(store) == []

    small.enlarge()
    more, refused = await send(store, 20)
    assert refused == 0
    assert await read(store) == acknowledged | more
    assert await problems(store) == []
    result = await database.read(lambda c: c.execute(text("PRAGMA integrity_check")))
    assert result.scalar_one() == "ok"
    await database.close()


@pytest.fixture
async def tablespace(durable: servers.Postgres, place: Path) -> AsyncIterator[tuple[Disk, str]]:
    """A small disk, and the URL of a migrated PostgreSQL database whose tables and indexes are on it."""
    if not ROOT:
        pytest.fail("only root can make a small disk for another process; run this file with sudo", pytrace=False)
    async with AsyncExitStack() as stack:
        disk = Disk(place, 16)
        stack.callback(disk.remove)
        os.chown(place, servers.NOBODY, servers.NOBODY)
        await durable.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
        stack.push_async_callback(durable.execute, "DROP TABLESPACE small")
        url = await stack.enter_async_context(durable.database("template0 TABLESPACE small"))
        database = Database(url)
        await schema.upgrade(database)
        await database.close()
        disk.fill(leaving=2**20)
        yield disk, url


async def test_a_full_disk_of_postgresql_refuses_what_is_new_and_keeps_what_is_there(
    tablespace: tuple[Disk, str],
) -> None:
    disk, url = tablespace
    store = await Store(Database(url)).open()
    acknowledged = await fill(store)
    assert len(acknowledged) > 50
    assert await read(store) == acknowledged
    assert await problems(store) == []

    disk.enlarge()
    more, refused = await send(store, 20)
    assert refused == 0
    assert await read(store) == acknowledged | more
    assert await problems(store) == []
    await store.database.close()
