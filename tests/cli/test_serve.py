"""`notifs serve`: from an empty folder to a served inbox, its refusals, and its end."""

import asyncio
import re
import signal
import socket
import time

import pytest

from notifs import Notifs
from tests import servers
from tests.cli.conftest import Folder, Result
from tests.web.site import SECRET, cookies, sign_in
from tests.wire import Client, http_client

PRODUCTION = {"NOTIFS_ENVIRONMENT": "production", "NOTIFS_SECRET_KEY": SECRET}
SAME = {"sec-fetch-site": "same-origin"}


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_an_empty_folder_becomes_an_inbox_with_two_people(empty: Folder, workers: str) -> None:
    async with servers.serving({}, "--workers", workers, cwd=empty.path) as served:
        lines = served.lines
        people = dict(re.findall(r"(\S+@\S+)    password: (\S{16})", "\n".join(lines)))
        assert list(people) == ["ada@example.org", "grace@example.org"]
        assert lines[-1] == f"notifs is ready: {served.url}"
        assert "notifs send ada@example.org" in "\n".join(lines)
        async with http_client(served.url, headers=SAME) as visitor:
            assert (await sign_in(visitor, password=people["ada@example.org"])).status_code == 303
            async with Client.open(served.url, headers=cookies(visitor)) as client:
                await client.message("snapshot")
                async with asyncio.timeout(30):
                    sent = await empty.run("send", "ada@example.org", "Hello")
                    (notif,) = (await client.message("created"))["notifs"]
                assert (notif["title"], sent.out) == ("Hello", f"{notif['id']}\n")
                for _ in range(10):  # whichever worker answers
                    assert (await visitor.get("/api/v1/inbox")).json()["notif_count"] == 1
                began = time.monotonic()
                assert await served.stop() == 0
                assert time.monotonic() - began < 5
                await client.end()
        assert "Traceback" not in "\n".join(served.lines)


async def test_the_second_start_finds_everybody_there(folder: Folder, notifs: Notifs) -> None:
    for _ in range(2):
        async with servers.serving({}, cwd=folder.path) as served:
            assert served.lines == [f"notifs is ready: {served.url}"]
            assert await served.stop() == 0
    assert [person.name for person in await notifs.store.users()] == ["Ada"]


async def test_ctrl_c_ends_it_without_a_word(folder: Folder) -> None:
    process = folder.start("serve", "--port", "0")
    assert (await process.line()).startswith("notifs is ready")
    process.send(signal.SIGINT)
    assert await process.ended() == Result(0, "", "")


async def test_production_serves_a_migrated_database_and_says_little(folder: Folder) -> None:
    async with servers.serving(PRODUCTION, cwd=folder.path) as served:
        async with http_client(served.url) as visitor:
            answer = await visitor.get("/readyz")
        assert answer.status_code == 200
        assert "strict-transport-security" in answer.headers
        assert "server" not in answer.headers
        assert served.lines == [f"notifs is ready: {served.url}"]
        assert await served.stop() == 0


async def test_production_refuses_what_is_not_ready(empty: Folder, folder: Folder) -> None:
    line = (await empty.run("serve", "--port", "0", stdin=None, **PRODUCTION)).refusal
    assert line.startswith("the database is at revision nothing")
    assert line.endswith("run: notifs db upgrade")
    line = (await folder.run("serve", NOTIFS_ENVIRONMENT="production")).refusal
    assert line.startswith("NOTIFS_SECRET_KEY is required in production; make one with: ")
    line = (await folder.run("serve", stdin=None, **{**PRODUCTION, "NOTIFS_SECRET_KEY": "canary"})).refusal
    assert line == "NOTIFS_SECRET_KEY: must have at least 32 characters"


async def test_a_port_in_use_is_said_before_anything_is_made(empty: Folder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = (await empty.run("serve", "--port", port)).refusal
    assert line == f"cannot listen on 127.0.0.1, port {port}: Address already in use; see --host and --port"
    assert (
        "cannot listen on no.such.host.invalid" in (await empty.run("serve", "--host", "no.such.host.invalid")).refusal
    )
    assert not list(empty.path.iterdir())


async def test_an_address_of_ipv6_is_served_too(folder: Folder) -> None:
    async with servers.serving({}, "--host", "::1", cwd=folder.path) as served:
        assert re.fullmatch(r"http://\[::1\]:\d+", served.url)
        async with http_client() as visitor:
            assert (await visitor.get(f"{served.url}/healthz")).status_code == 200
