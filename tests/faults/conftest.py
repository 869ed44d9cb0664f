"""Servers that fault tests break, and a cluster of three workers."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests import servers
from tests.faults.cluster import Cluster, cluster, migrated


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


@pytest.fixture
async def durable_url(durable: servers.Postgres) -> AsyncIterator[str]:
    """A migrated PostgreSQL database of this test's own, by TCP."""
    async with durable.database() as url:
        yield await migrated(durable, url)


@asynccontextmanager
async def _made(
    durable: servers.Postgres, redis: servers.Redis, folder: Path, env: dict[str, str]
) -> AsyncIterator[Cluster]:
    async with durable.database() as url:
        async with cluster(await migrated(durable, url), folder, redis=redis, fronts=True, env=env) as made:
            yield made


@pytest.fixture(scope="session")
async def three(
    durable: servers.Postgres, redis: servers.Redis, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    """Three workers with proxies, PostgreSQL and Redis."""
    async with _made(durable, redis, tmp_path_factory.mktemp("three"), {}) as made:
        yield made


@pytest.fixture(scope="session")
async def listeners(
    durable: servers.Postgres, redis: servers.Redis, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    """The same, but they look at the store so seldom that what arrives has come by a push or a hint."""
    env = {"NOTIFS_HEAD_CHECK_SECONDS": "60"}
    async with _made(durable, redis, tmp_path_factory.mktemp("listeners"), env) as made:
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
