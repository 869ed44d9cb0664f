"""Processes that start at once on a database without a table."""

import sys
from pathlib import Path

import pytest

from notifs.store import Store, schema
from notifs.store.database import Database
from tests.programs import Child
from tests.servers import clean_environment, notifs_command
from tests.waiting import until

PREPARE = """
import asyncio
from notifs.serve import prepare
from notifs.settings import Settings
asyncio.run(prepare(Settings.load(), print))
print("prepared")
"""

pytestmark = pytest.mark.timeout(180)


async def all_at_once(count: int, command: list[str], url: str, folder: Path) -> list[str]:
    """Run it in so many processes; the last line of each. None may fail."""
    env = {**clean_environment(), "NOTIFS_DATABASE_URL": url}
    children = [Child(command, ready="$", env=env, cwd=folder) for _ in range(count)]
    await until(lambda: not any(child.running for child in children))
    for child in children:
        assert child.wait() == 0, "\n".join(child.lines)
    return [child.lines[-1] for child in children]


async def test_of_five_that_upgrade_one_does_and_the_others_find_it_done(empty_url: str, tmp_path: Path) -> None:
    lines = await all_at_once(5, [*notifs_command(), "db", "upgrade"], empty_url, tmp_path)
    database = Database(empty_url)
    head = await schema.check(database)
    await database.close()
    here = f"the database is at revision {head}"
    assert sorted(lines) == sorted([f"{here}, it was at nothing"] + [f"{here}, as it was"] * 4)


async def test_five_that_start_to_serve_a_new_file_make_it_once(empty_sqlite_url: str, tmp_path: Path) -> None:
    lines = await all_at_once(5, [sys.executable, "-c", PREPARE], empty_sqlite_url, tmp_path)
    assert lines == ["prepared"] * 5
    store = await Store(Database(empty_sqlite_url)).open()
    assert len(await store.users()) == 2
    await store.database.close()
