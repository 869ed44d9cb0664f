"""From nothing to the first notification by copying a block of the docs: a shell runs each, on a real server."""

import asyncio
import json
import shlex
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from notifs import Notifs, Settings
from tests import servers
from tests.docs.markdown import blocks
from tests.shells import programs
from tests.web.site import CHEAP

SHELL = {block.file: block for block in blocks("sh", "python") if block.file}


@pytest.fixture
async def folder(tmp_path: Path, sqlite_url: str) -> AsyncIterator[Path]:
    """A folder as the clone is one after `scripts/serve`: `.venv/bin/notifs`, and a database with Ada in it."""
    async with notifs_of(tmp_path).open() as notifs:
        await notifs.store.add_user("ada@example.org", "Ada", CHEAP)
    async with programs(tmp_path / ".venv" / "bin"):
        yield tmp_path


def notifs_of(folder: Path) -> Notifs:
    return Notifs(Settings(database_url=f"sqlite:///{folder / 'notifs.db'}"))


@pytest.fixture
async def url(folder: Path) -> AsyncIterator[str]:
    async with servers.serving({}, cwd=folder) as served:
        yield served.url


async def shell(script: str, folder: Path, url: str, **env: str) -> str:
    """Run a block as it stands, but for where the server is."""
    process = await asyncio.create_subprocess_exec(
        "setpriv", "--pdeathsig", "KILL", "bash", "-euc", script.replace("http://127.0.0.1:8000", url),
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**servers.clean_environment(), **env},
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def titles(folder: Path) -> list[str]:
    async with notifs_of(folder).open() as notifs:
        ada = (await notifs.store.user("ada@example.org")).id
        return [each["title"] for each in await notifs.get_unread_notifs(ada)]


async def test_a_first_notification_by_curl(folder: Path, url: str) -> None:
    notifs = folder / ".venv" / "bin" / "notifs"
    notifs.write_text(f'#!/bin/sh\nexec {shlex.join(servers.notifs_command())} "$@"\n')  # a process from the start
    answer = json.loads(await shell(SHELL["curl.sh"].text, folder, url))
    assert (answer["recipients"], answer["job"]) == (1, None)
    assert await titles(folder) == ["Order 7 is placed"]


async def test_a_line_of_text_to_a_topic(folder: Path, url: str) -> None:
    await shell(SHELL["plain.sh"].text, folder, url)
    assert await titles(folder) == ["The backup is done"]


async def test_a_first_notification_by_the_client_library(folder: Path, url: str) -> None:
    key = await shell(".venv/bin/notifs key create shop --scope send", folder, url)
    (folder / "shop.py").write_text(SHELL["shop.py"].text.replace("http://127.0.0.1:8000", url))
    told = [await shell(".venv/bin/python shop.py", folder, url, KEY=key.strip()) for _ in range(2)]
    assert told[0] == told[1]
    assert await titles(folder) == ["Order 8 is placed"]
