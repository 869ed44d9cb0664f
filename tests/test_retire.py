"""A worker that is told to stop: not ready first, then its sockets go, then itself."""

import asyncio
import os
import signal
import threading
from pathlib import Path

import pytest
from starlette.types import Scope
from websockets.exceptions import InvalidStatus

from notifs import Notifs, Settings
from notifs.errors import Restarting
from notifs.retire import retiring
from tests import servers
from tests.cli.conftest import Folder
from tests.wire import Client, by_header, hosted, http_client

ADA = {"x-user": "ada"}


@pytest.fixture
def settings(sqlite_url: str) -> Settings:
    return Settings(database_url=sqlite_url, drain_seconds=0.5)


async def test_a_host_retires_a_worker(settings: Settings) -> None:
    notifs = Notifs(settings, identify=by_header)
    async with hosted(notifs) as url, Client.open(url, headers=ADA) as client:
        await client.message("snapshot")
        assert await notifs.ready() == {"ok": True, "bus": "none"}
        retired = asyncio.create_task(notifs.retire())
        await asyncio.sleep(0)
        with pytest.raises(Restarting):
            await notifs.ready()
        with pytest.raises(InvalidStatus) as refused:
            async with Client.open(url, headers=ADA):
                pass
        assert refused.value.response.status_code == 503
        assert b"restarting" in bytes(refused.value.response.body)
        assert int(refused.value.response.headers["retry-after"]) >= 1
        # Those who are there are served until they are told to go.
        assert not client.closed
        await notifs.notify(to="ada", title="the last one")
        await client.message("created")
        await client.end()
        assert client.ending == (1012, "restart")
        await retired


async def test_on_sigterm_a_server_is_not_ready_first_and_ends_in_order(folder: Folder) -> None:
    env = {"NOTIFS_DRAIN_SECONDS": "1.5"}
    async with servers.serving(env, cwd=folder.path) as served:
        async with http_client(served.url) as visitor:
            assert (await visitor.get("/readyz")).status_code == 200
            stopped = asyncio.create_task(served.stop())
            async with asyncio.timeout(10):
                while (answer := await visitor.get("/readyz")).status_code == 200:
                    await asyncio.sleep(0.01)
            assert (answer.status_code, answer.json()["code"]) == (503, "restarting")
            assert (await visitor.get("/healthz")).status_code == 200
        assert await stopped == 0
        assert "Traceback" not in "\n".join(served.lines)


@pytest.fixture
def folder(tmp_path: Path, sqlite_url: str) -> Folder:
    return Folder(tmp_path)


async def test_a_second_signal_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        with retiring(lambda: asyncio.sleep(3600)):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.05)
            assert heard == []
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.05)
            assert heard == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGTERM) is not before
    finally:
        signal.signal(signal.SIGTERM, before)


async def test_the_servers_handler_is_back_afterwards() -> None:
    def handler(number: int, frame: object) -> None:
        pass

    before = signal.signal(signal.SIGTERM, handler)
    try:
        with retiring(lambda: asyncio.sleep(0)):
            assert signal.getsignal(signal.SIGTERM) is not handler
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, before)


def test_in_another_thread_and_without_a_handler_nothing_is_changed() -> None:
    async def run() -> None:
        with retiring(lambda: asyncio.sleep(0)):
            assert signal.getsignal(signal.SIGTERM) is before

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=asyncio.run, args=[run()])
    thread.start()
    thread.join()


async def test_who_is_being_asked_who_they_are_is_not_let_in_any_more(settings: Settings) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def identify(scope: Scope) -> str | None:
        asked.set()
        await answer.wait()
        return "ada"

    notifs = Notifs(settings, identify=identify)
    async with hosted(notifs) as url:

        async def come() -> int:
            with pytest.raises(InvalidStatus) as refused:
                async with Client.open(url):
                    pass
            return refused.value.response.status_code

        coming = asyncio.create_task(come())
        await asked.wait()
        await notifs.retire()
        answer.set()
        assert await coming == 503
