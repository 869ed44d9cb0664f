"""A sign-in that ends ends its sockets: at once where it is known, soon where it is not, and when nothing is known."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from notifs import Settings
from notifs.errors import StoreUnavailable
from notifs.realtime import connections, ends, server
from notifs.realtime.hints import Ended
from notifs.signing import Signer
from notifs.store import sessions
from tests.mute import Mute
from tests.web.site import Site, cookies, serve
from tests.wire import Client


@pytest.fixture
def settings(postgres_url: str) -> Settings:
    return Settings(database_url=postgres_url, head_check_seconds=60)


@pytest.fixture
async def site(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setattr(ends, "CHECK_SECONDS", 0.1)
    async with serve(settings) as site:
        yield site


async def end_elsewhere(site: Site, cookie: str) -> str:
    """End a sign-in in the store, as a worker does that nobody hears."""
    (key,) = Signer(site.notifs.settings.secret_keys).hashes(cookie.partition("=")[2])
    await site.notifs.store.database.write(lambda c: sessions.end(c, key))
    return key


async def test_an_end_that_nobody_told_is_found(site: Site) -> None:
    ada = await site.person("ada")
    gone, stays = await site.cookie(ada), await site.cookie(ada)
    async with Client.open(site.url, headers={"cookie": gone}) as one:
        async with Client.open(site.url, headers={"cookie": stays}) as other:
            await one.message("snapshot")
            await other.message("snapshot")
            await end_elsewhere(site, gone)
            await one.end()
            assert ("41/notifs," in one.frames, one.ending) == (True, (1008, "signed_out"))
            await site.notifs.notify(to=ada.id, title="only the other one hears")
            await other.message("created")
            assert one.of("created") == []


async def test_without_the_store_for_too_long_nobody_stays(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ends, "CLOSED_SECONDS", 1.0)
    ada = await site.person("ada")
    async with site.visitor(ada) as visitor, Client.open(site.url, headers=cookies(visitor)) as client:
        await client.message("snapshot")
        away = asyncio.Event()
        read = site.notifs.store.database.read

        async def read_if_there(work: object) -> object:
            if away.is_set():
                raise StoreUnavailable("gone")
            return await read(work)  # type: ignore[arg-type]

        monkeypatch.setattr(site.notifs.store.database, "read", read_if_there)
        await asyncio.sleep(0.5)
        assert not client.closed
        away.set()
        await client.end()
        assert client.ending == (1013, "store_unavailable")
        assert "41/notifs," not in client.frames


async def test_a_sign_in_that_ends_on_the_way_in_does_not_get_in(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ends, "CHECK_SECONDS", 60)
    monkeypatch.setattr(server, "JOIN_SECONDS", 0.5)
    ada = await site.person("ada")
    cookie = await site.cookie(ada)
    async with Client.open(site.url, headers={"cookie": cookie}, join=False) as client:
        key = await end_elsewhere(site, cookie)
        site.notifs.realtime.ended(Ended(key, None))
        await client.join()
        assert client.frames[-1].startswith("44/notifs,")
        assert len(site.notifs.realtime.rooms) == 0
        await client.end()
    async with Client.open(site.url, headers={"cookie": await site.cookie(ada)}) as again:
        await again.message("snapshot")


async def test_what_waits_for_a_slow_client_does_not_outlive_its_sign_in(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "LINGER_SECONDS", 60)
    ada = await site.person("ada")
    async with site.visitor(ada) as visitor, Mute.open(site.url, cookies(visitor)):
        async with asyncio.timeout(20):
            while not any(member.behind for member in site.notifs.realtime.rooms.of_recipient(ada.id)):
                await site.notifs.notify(to=ada.id, title="much", body="x" * 4000)
        await visitor.post("/logout/")
        await asyncio.wait_for(site.notifs.realtime.connections.empty(), 10)
