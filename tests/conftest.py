"""What tests share: databases, the store on both of them, and a browser."""

import gc
import os
import shutil
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings
from playwright.async_api import Browser, async_playwright
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite

from notifs import limits
from notifs.store import Store, engines, schema
from notifs.store.database import Database
from tests import servers

QUIET = ("quic", "background-networking", "component-update", "sync")
"""What Chromium shall leave: it must not go online by itself."""
FEATURES = (
    "AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay", "MediaRouter",
    "NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch",
    "ThirdPartyStoragePartitioning", "WebUIOmniboxAimPopup", "WebUIOmniboxPopup",
)  # fmt: skip
"""What it is not to have: what Playwright switches off, whose list ours replaces, and the last two.

They are pages of its own window that nobody sees, and take half a second of a core for each context.
"""

# Databases take the time that they take; a failure names what replays it.
settings.register_profile("notifs", deadline=None, print_blob=True)
settings.load_profile("notifs")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--proofs", action="store_true", help="attack servers with a defence switched off as well")
    parser.addoption("--soak", type=float, metavar="MINUTES", help="how long tests/faults/test_soak.py runs")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: to look for garbage in it takes a fifth of the time that collecting does."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """The application as it is configures structlog; other tests shall not find it so."""
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test says itself what is set."""
    for name in os.environ.keys() - servers.clean_environment().keys():
        monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    """A statement is compiled once for all databases of a kind; a process of notifs has only one."""
    compiled: dict[Any, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        for dialect in (PGDialect_asyncpg, SQLiteDialect_aiosqlite):  # it is part of the key
            patch.setattr(dialect, "__eq__", lambda self, other: type(self) is type(other))
            patch.setattr(dialect, "__hash__", lambda self: hash(type(self)))
        patch.setitem(engines._OPTIONS, "execution_options", {"compiled_cache": compiled})
        yield


async def _migrate(url: str) -> None:
    database = Database(url)
    await schema.upgrade(database)
    await database.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[servers.Postgres]:
    """The PostgreSQL server of this test process."""
    with servers.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[servers.Redis]:
    """The Redis server of this test process."""
    with servers.redis() as server:
        yield server


@pytest.fixture(scope="session")
async def _postgres_template(postgres: servers.Postgres) -> AsyncIterator[str]:
    """The name of a database that has every migration."""
    async with postgres.database() as url:
        await _migrate(url)
        yield str(make_url(url).database)


@pytest.fixture(scope="session")
async def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that has every migration."""
    path = tmp_path_factory.mktemp("template") / "notifs.db"
    await _migrate(_sqlite(path))
    return path


@pytest.fixture(scope="session")
def _postgres_clean() -> list[str]:
    """Names of migrated databases that other tests have left clean."""
    return []


@pytest.fixture
async def postgres_url(
    postgres: servers.Postgres, _postgres_template: str, _postgres_clean: list[str]
) -> AsyncIterator[str]:
    """A migrated PostgreSQL database of this test's own."""
    name = _postgres_clean.pop() if _postgres_clean else await postgres.create(_postgres_template)
    yield postgres.url(name)
    # To empty one takes a quarter of what it takes to make another.
    if await postgres.emptied(name, _postgres_template):
        _postgres_clean.append(name)
    else:
        await postgres.drop(name)


@pytest.fixture
async def empty_postgres_url(postgres: servers.Postgres) -> AsyncIterator[str]:
    """A PostgreSQL database without any table."""
    async with postgres.database() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path, _sqlite_template: Path) -> str:
    """A migrated SQLite file of this test's own."""
    return _sqlite(Path(shutil.copy(_sqlite_template, tmp_path / "notifs.db")))


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that does not exist yet."""
    return _sqlite(tmp_path / "empty.db")


@pytest.fixture(params=["sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of database; a test that uses it, or what is made from it, runs once on each."""
    return str(request.param)


@pytest.fixture
def database_url(kind: str, request: pytest.FixtureRequest) -> str:
    """A migrated database of this test's own."""
    return str(request.getfixturevalue(f"{kind}_url"))


@pytest.fixture
def empty_url(kind: str, request: pytest.FixtureRequest) -> str:
    """A database without any table."""
    return str(request.getfixturevalue(f"empty_{kind}_url"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated database, open."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def store(database: Database) -> Store:
    """A store, open."""
    return await Store(database).open()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium; make a context of your own in it."""
    async with launched(servers.chromium_shell()) as browser:
        yield browser


@pytest.fixture(scope="session")
async def desktop_browser() -> AsyncIterator[Browser]:
    """Chromium with all that it has on a desktop."""
    async with launched(servers.chromium()) as browser:
        yield browser


@asynccontextmanager
async def launched(path: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path,
            chromium_sandbox=os.geteuid() != 0,  # it refuses to have one as root
            args=[
                "--no-first-run",
                *(f"--disable-{it}" for it in QUIET),
                f"--disable-features={','.join(FEATURES)}",
                # Where attacks send a browser. To stop it by a route would take every request through Playwright.
                "--host-resolver-rules=MAP evil.example ~NOTFOUND",
            ],
        )
        yield browser
        await browser.close()


def _sqlite(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What counts in Redis waits for its answer, on however busy a machine."""
    monkeypatch.setattr(limits.redis, "REDIS_SECONDS", 30.0)
