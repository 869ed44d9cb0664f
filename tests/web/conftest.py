"""A site in development, with Ada and Grace; and one in production."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from notifs import Notifs, Settings
from notifs.store import accounts
from notifs.store.accounts import Person
from tests.provider.running import Running, running
from tests.web.site import HASHER, SECRET, Site, serve


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "hasher", HASHER)


@pytest.fixture
def settings(sqlite_url: str) -> Settings:
    return Settings(database_url=sqlite_url)


@pytest.fixture
async def site(settings: Settings) -> AsyncIterator[Site]:
    async with serve(settings) as site:
        yield site


@pytest.fixture
async def production(sqlite_url: str) -> AsyncIterator[Site]:
    async with serve(Settings(database_url=sqlite_url, environment="production", secret_key=SECRET)) as site:
        yield site


@pytest.fixture(scope="session")
async def _provider() -> AsyncIterator[Running]:
    async with running() as provider:
        yield provider


@pytest.fixture
async def provider(_provider: Running) -> Running:
    """A provider of sign-ins that does what it should, until it is told to do otherwise."""
    await _provider.set(faults=[], metadata={}, people={})
    return _provider


@pytest.fixture
def notifs(site: Site) -> Notifs:
    return site.notifs


@pytest.fixture
async def ada(site: Site) -> Person:
    return await site.person("ada")


@pytest.fixture
async def grace(site: Site) -> Person:
    return await site.person("grace")


@pytest.fixture
async def nobody(site: Site) -> AsyncIterator[httpx2.AsyncClient]:
    """A visitor who is not signed in."""
    async with site.visitor() as client:
        yield client


@pytest.fixture
async def adas(site: Site, ada: Person) -> AsyncIterator[httpx2.AsyncClient]:
    """Ada's browser, signed in."""
    async with site.visitor(ada) as client:
        yield client


@pytest.fixture
async def graces(site: Site, grace: Person) -> AsyncIterator[httpx2.AsyncClient]:
    """Grace's browser, signed in."""
    async with site.visitor(grace) as client:
        yield client
