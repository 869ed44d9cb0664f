"""Whether the process answers, whether it can serve; and the application without Socket.IO."""

from contextlib import AsyncExitStack

import httpx2
import pytest
from sqlalchemy import make_url
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from notifs import Settings
from tests import servers
from tests.web.site import HTML, SECRET, Document, Site, cookies, page, serve, submit
from tests.wire import Client


async def test_a_healthy_site_says_so_to_anybody(nobody: httpx2.AsyncClient) -> None:
    for path, said in {"/healthz": {"ok": True}, "/readyz": {"ok": True, "bus": "none"}}.items():
        answer = await nobody.get(path)
        assert (answer.status_code, answer.json()) == (200, said)


async def _is_alive_but_not_ready(site: Site, cookie: str) -> None:
    async with site.visitor() as visitor:
        assert (await visitor.get("/healthz")).status_code == 200
        for path in ("/readyz", "/api/v1/inbox", "/notifications/"):
            for accept in ("*/*", "text/html"):
                answer = await visitor.get(path, headers={"accept": accept, "cookie": cookie})
                assert answer.status_code == 503, (path, answer.text)
                assert int(answer.headers["retry-after"]) >= 1
        with pytest.raises(InvalidStatus) as refused:
            async with Client.open(site.url, headers={"cookie": cookie}):
                pass
        assert refused.value.response.status_code == 503


async def test_without_its_sqlite_file_it_is_alive_but_not_ready(settings: Settings) -> None:
    async with serve(settings) as site:
        cookie = await site.cookie(await site.person("ada"))
        await site.notifs.store.database.close()
        path = settings.sqlite_path
        assert path is not None
        for file in path.parent.glob("notifs.db*"):
            file.unlink()
        path.mkdir()
        await _is_alive_but_not_ready(site, cookie)
        path.rmdir()


async def test_without_its_postgresql_database_it_is_alive_but_not_ready(
    postgres: servers.Postgres, postgres_url: str
) -> None:
    async with AsyncExitStack() as stack:
        async with postgres.database(str(make_url(postgres_url).database)) as url:
            site = await stack.enter_async_context(serve(Settings(database_url=url)))
            cookie = await site.cookie(await site.person("ada"))
        await _is_alive_but_not_ready(site, cookie)


async def test_without_socketio_the_page_works_by_http(sqlite_url: str) -> None:
    async with serve(Settings(database_url=sqlite_url, integrate_socketio=False)) as site:
        ada = await site.person("ada")
        await site.notifs.notify(to=ada.id, title="one")
        async with site.visitor(ada) as visitor:
            assert (await visitor.get("/socket.io/?EIO=4&transport=polling")).status_code == 404
            with pytest.raises(InvalidStatus):
                await connect(f"{site.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket", proxy=None)
            inbox = await page(visitor)
            assert inbox.island["transport"] == "http"
            assert {a["transport"] for tag, a in inbox.tags if "transport" in a} == {"http"}
            assert (await submit(visitor, inbox.form("Mark as read"))).island["message"]["notif_count"] == 0


async def test_in_production_socketio_is_always_in(sqlite_url: str) -> None:
    settings = Settings(database_url=sqlite_url, environment="production", secret_key=SECRET, integrate_socketio=False)
    async with serve(settings) as site:
        ada = await site.person("ada")
        async with site.visitor(ada) as visitor:
            assert (await page(visitor)).island["transport"] == "socket"
            async with Client.open(site.url, headers=cookies(visitor)) as client:
                await client.message("snapshot")


async def test_the_front_door_leads_to_the_inbox(nobody: httpx2.AsyncClient, adas: httpx2.AsyncClient) -> None:
    assert (await nobody.get("/")).headers["location"] == "/notifications/"
    answer = await adas.get("/", headers=HTML, follow_redirects=True)
    assert "You are all caught up." in Document(answer).text
