"""Databases with much in them: each is filled once in a test process, and a test gets a copy of its own."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from sqlalchemy import make_url

from notifs.store import Store
from notifs.store.database import Database

Copy = Callable[[str], Awaitable[str]]
Fill = Callable[[Database], Awaitable[None]]
Full = Callable[[Fill], Awaitable[Store]]


@pytest.fixture(scope="session")
def _filled() -> dict[tuple[str, Fill], str]:
    """URLs of databases that were filled, by their kind and by what has filled them."""
    return {}


@pytest.fixture
def _copy(kind: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """Copies the database at a URL that nobody is using, and returns where the copy is."""

    async def sqlite(url: str) -> str:
        path = tmp_path_factory.mktemp("copy") / "notifs.db"
        return f"sqlite+aiosqlite:///{shutil.copy(str(make_url(url).database), path)}"

    async def postgres(url: str) -> str:
        server = request.getfixturevalue("postgres")
        return str(server.url(await server.create(make_url(url).database)))

    return sqlite if kind == "sqlite" else postgres


@pytest.fixture
async def full(kind: str, database_url: str, _copy: Copy, _filled: dict[tuple[str, Fill], str]) -> AsyncIterator[Full]:
    """Opens a store on a copy of a database that was filled so."""
    async with AsyncExitStack() as stack:

        async def opened(fill: Fill) -> Store:
            if (kind, fill) not in _filled:
                url = await _copy(database_url)
                database = Database(url)
                await fill(database)
                await database.close()
                _filled[kind, fill] = url
            database = Database(await _copy(_filled[kind, fill]))
            stack.push_async_callback(database.close)
            return await Store(database).open()

        yield opened
