"""The blocks by which a new user gets from nothing to a first notification: each is run as a whole, by a shell."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from notifs import Notifs, Settings
from tests import servers
from tests.docs.markdown import Block, blocks
from tests.programs import START_SECONDS, free_port
from tests.shells import programs

BLOCKS = {block.file: block for block in blocks("bash")}
TITLES = {
    "github.sh": "hubot opened hello-world#1: It works",
    "plain.sh": "The backup is done",
    "client.sh": "Order 7 is placed",
}
"""What is in Ada's inbox then."""


@asynccontextmanager
async def shell(script: str, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A shell that runs a script; whatever it has left running is killed at the end."""
    async with programs(folder / "bin") as bin:
        environment = {**servers.clean_environment(), "PATH": f"{bin}{os.pathsep}{os.environ['PATH']}"}
        process = await asyncio.create_subprocess_exec(
            "bash", "-euo", "pipefail", "-c", script, cwd=folder, env=environment, start_new_session=True,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def run(script: str, folder: Path) -> None:
    """Run a script to its end, though what it has started may go on."""
    async with asyncio.timeout(2 * START_SECONDS), shell(f"{script}\necho 'all of it ran'", folder) as process:
        assert process.stdout is not None
        said = []
        while line := (await process.stdout.readline()).decode():
            said.append(line)
            if line.endswith("all of it ran\n"):
                return
    pytest.fail("".join(said), pytrace=False)


async def inbox(folder: Path) -> list[str]:
    async with Notifs(Settings(database_url=f"sqlite:///{folder}/notifs.db")).open() as notifs:
        (ada,) = await notifs.store.recipients.resolve(["ada@example.org"], create=False)
        return [notif["title"] for notif in await notifs.get_unread_notifs(ada)]


def test_every_block_for_a_shell_is_a_file_that_is_run() -> None:
    assert sorted(TITLES) == sorted(map(str, BLOCKS))


@pytest.mark.timeout(150)
@pytest.mark.parametrize("file", TITLES)
async def test_a_block_ends_in_a_notification(file: str, tmp_path: Path) -> None:
    block: Block = BLOCKS[file]
    port = free_port()
    script = block.text.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    if "notifs serve" in script:
        await run(script.replace("notifs serve", f"notifs serve --port {port}"), tmp_path)
    else:
        async with servers.serving({}, "--port", str(port), cwd=tmp_path):
            await run(script, tmp_path)
    assert TITLES[file] in await inbox(tmp_path)
