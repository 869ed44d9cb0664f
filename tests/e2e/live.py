"""Tests of the browser's part that need a server: `notifs/browser/tests/*.live.ts`, run by Vitest in Node."""

import asyncio

from tests import servers

BROWSER = servers.REPOSITORY / "notifs" / "browser"


async def vitest(name: str, url: str, user: str, passed: int) -> None:
    """Run the tests in `name.live.ts` as `user` of the server at `url`; as many must have passed."""
    process = await asyncio.create_subprocess_exec(
        servers.node(),
        "node_modules/vitest/vitest.mjs",
        "run",
        f"tests/{name}.live.ts",
        cwd=BROWSER,
        env={**servers.clean_environment(), "NOTIFS_URL": url, "NOTIFS_USER": user, "NO_COLOR": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    assert f"Tests  {passed} passed" in output.decode(), output.decode()
