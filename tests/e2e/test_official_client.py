"""The official `socket.io-client`, in Node, gets what the contract says."""

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from notifs import Notifs, Settings
from tests import servers
from tests.e2e.conftest import Site
from tests.tokens import HOST, token
from tests.wire import by_header, hosted

SCRIPT = Path(__file__).parent / "client.mjs"


class Official:
    """The client's process: what it says, line by line."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def next(self) -> tuple[str, Any]:
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 10)
        what, value = json.loads(line)
        return what, value

    async def response(self) -> Any:
        what, message = await self.next()
        assert what == "response", (what, message)
        return message

    async def ask(self, event: str, data: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([event, data]).encode() + b"\n")
        told: list[Any] = []
        while True:
            what, value = await self.next()
            if what == "ack":
                return value, told
            told.append(value)


@asynccontextmanager
async def official(url: str, cookie: str = "", cursor: str = "", *tokens: str) -> AsyncIterator[Official]:
    process = await asyncio.create_subprocess_exec(
        servers.node(), str(SCRIPT), url, cookie, cursor, *tokens, stdin=PIPE, stdout=PIPE
    )
    try:
        yield Official(process)
    finally:
        process.kill()
        await process.wait()


async def test_without_a_cookie_it_gets_401(sqlite_site: Site) -> None:
    async with official(sqlite_site.url) as client:
        assert await client.next() == ("connect_error", "Unexpected server response: 401")


async def test_with_a_cookie_it_gets_its_mailbox_and_what_comes(site: Site) -> None:
    cookie = await site.cookie()
    first = await site.send("first")
    async with official(site.url, cookie) as client:
        assert await client.next() == ("connect", None)
        connected, snapshot = await client.response(), await client.response()
        assert (connected["meta"], connected["type"], connected["notif_count"]) == ("WS connected", "connected", 1)
        assert (snapshot["type"], [n["id"] for n in snapshot["notifs"]]) == ("snapshot", [first])
        await site.send("second")
        created = await client.response()
        assert (created["type"], created["prev"], created["notif_count"]) == ("created", 1, 2)
        ack, told = await client.ask("mark_read", {"ids": [first]})
        assert (ack["ok"], ack["notif_count"]) == (True, 1)
        changed = told[0] if told else await client.response()
        assert (changed["type"], changed["cursor"]) == ("changed", ack["cursor"])
        refused, _ = await client.ask("nonsense", {})
        assert refused["error"]["code"] == "unknown_event"
    async with official(site.url, cookie, snapshot["cursor"]) as client:
        assert await client.next() == ("connect", None)
        _, delta = await client.response(), await client.response()
        assert (delta["type"], delta["recovered"], delta["prev"]) == ("delta", True, 1)
        assert sorted(n["title"] for n in delta["notifs"]) == ["first", "second"]


async def test_with_tokens_it_comes_back_by_itself_once_its_first_has_expired(sqlite_url: str) -> None:
    notifs = Notifs(Settings(database_url=sqlite_url, **HOST), identify=by_header)
    async with hosted(notifs) as url, official(url, "", "", token("ada", seconds=5), token("ada"), "x") as client:
        assert await client.next() == ("connect", None)
        assert [(await client.response())["type"] for _ in range(2)] == ["connected", "snapshot"]
        assert await client.next() == ("disconnect", "transport close")
        assert await client.next() == ("connect", None)
        assert [(await client.response())["type"] for _ in range(2)] == ["connected", "snapshot"]
        ack, _ = await client.ask("refresh", {"token": token("ada", seconds=1)})
        assert ack["ok"] is True
        assert await client.next() == ("disconnect", "transport close")
        what, why = await client.next()
        assert (what, why["code"]) == ("connect_error", "invalid_token")
