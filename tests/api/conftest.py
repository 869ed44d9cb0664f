"""An application with accounts of its own, and a producer who has a key to it."""

from collections.abc import AsyncIterator

import pytest

from notifs import Settings, limits
from tests.api.producer import Producer
from tests.web.site import Site, serve


@pytest.fixture
async def site(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setattr(limits, "KEYS_PER_MINUTE", 1_000_000)
    async with serve(Settings(database_url=sqlite_url, create_users=True)) as site:
        yield site


@pytest.fixture
async def shop(site: Site) -> AsyncIterator[Producer]:
    """A producer who may send and read."""
    async with Producer.of(site, "shop", "send", "read") as shop:
        yield shop


@pytest.fixture
async def blog(site: Site) -> AsyncIterator[Producer]:
    """Another one."""
    async with Producer.of(site, "blog", "send", "read") as blog:
        yield blog


@pytest.fixture
async def admin(site: Site) -> AsyncIterator[Producer]:
    """One who may do everything."""
    async with Producer.of(site, "admin", "admin") as admin:
        yield admin
