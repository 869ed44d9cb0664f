"""Servers that fault tests break, and a cluster of three workers."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import make_url

from notifs.store import schema
from notifs.store.database import Database
from tests import servers
from tests.faults.cluster import Cluster, cluster, tcp


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The soak takes as long as it is told to, and runs only when it is."""
    return True if collection_path.name == "test_soak.py" and config.getoption("--soak") is None else None


@pytest.fixture(scope="session")
def durable() -> Iterator[servers.Postgres]:
    """A PostgreSQL server that may be killed."""
    with servers.postgres(durable=True) as server:
        yield server


@pytest.fixture(scope="session")
def redis() -> Iterator[servers.Redis]:
    """A Redis server that may be killed."""
    with servers.redis() as server:
        yield server


@pytest.fixture(scope="session")
async def _durable_template(durable: servers.Postgres) -> AsyncIterator[str]:
    """The name of a database that has every migration."""
    async with durable.database() as url:
        database = Database(url)
        await schema.upgrade(database)
        await database.close()
        yield str(make_url(url).database)


@pytest.fixture
async def durable_url(durable: servers.Postgres, _durable_template: str) -> AsyncIterator[str]:
    """A migrated PostgreSQL database of this test's own, by TCP."""
    async with durable.database(_durable_template) as url:
        yield tcp(durable.port, url)


class Making:
    """Makes clusters of three workers with proxies, PostgreSQL and Redis."""

    def __init__(self, durable: servers.Postgres, template: str, redis: servers.Redis) -> None:
        self._durable = durable
        self._template = template
        self._redis = redis

    @asynccontextmanager
    async def three(self, folder: Path, **env: str) -> AsyncIterator[Cluster]:
        async with self._durable.database(self._template) as local:
            url = tcp(self._durable.port, local)
            async with cluster(url, folder, redis=self._redis, fronts=True, env=env) as made:
                yield made


@pytest.fixture(scope="session")
def making(durable: servers.Postgres, _durable_template: str, redis: servers.Redis) -> Making:
    return Making(durable, _durable_template, redis)


@pytest.fixture(scope="module")
async def three(making: Making, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """Three workers: of this module, as workers that idle for the rest of all tests take a tenth of a core."""
    async with making.three(tmp_path_factory.mktemp("three")) as made:
        yield made


@pytest.fixture(scope="module")
async def listeners(making: Making, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    """The same, but they look at the store so seldom that what arrives has come by a push or a hint."""
    async with making.three(tmp_path_factory.mktemp("listeners"), NOTIFS_HEAD_CHECK_SECONDS="60") as made:
        yield made


@pytest.fixture
async def trio(three: Cluster) -> Cluster:
    """Three workers, whole, with nobody there and nothing noted."""
    await three.heal()
    return three


@pytest.fixture
async def ears(listeners: Cluster) -> Cluster:
    """Three workers that look seldom, whole, hearing each other, with nobody there and nothing noted."""
    await listeners.heal()
    await listeners.bus("up")
    return listeners
