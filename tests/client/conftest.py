"""A server with a flaky front, and a client of it."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette

from notifs import Notifs, Settings
from notifs.client import AsyncClient
from tests.client.flaky import Flaky
from tests.wire import by_header, http_client, listening


@pytest.fixture
async def notifs(sqlite_url: str) -> Notifs:
    return Notifs(Settings(database_url=sqlite_url), identify=by_header)


@pytest.fixture
async def flaky(notifs: Notifs) -> Flaky:
    app = Starlette(lifespan=notifs.lifespan)
    notifs.mount(app)
    return Flaky(app)


@pytest.fixture
async def url(flaky: Flaky) -> AsyncIterator[str]:
    async with listening(flaky) as url:
        yield url


@pytest.fixture
async def key(url: str, notifs: Notifs) -> str:
    _, token = await notifs.store.keys.create("shop", ["send", "read"])
    return token


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with http_client() as http:
        yield http


@pytest.fixture
async def client(url: str, key: str, http: httpx2.AsyncClient) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(url, key, http=http) as client:
        yield client
