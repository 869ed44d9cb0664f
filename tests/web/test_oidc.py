"""Signing in by a provider of OpenID Connect: a real one, in a process of its own."""

from collections.abc import AsyncIterator, Iterator
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from sqlalchemy import func, select

from notifs import Settings, SignedIn
from notifs.providers import Provider
from notifs.store import identities, sessions
from notifs.store.identities import Claimed
from notifs.store.models import Identity, Session, User
from tests.provider.running import Running, begin, path_of, running, sign_in
from tests.provider.tokens import CLIENT_ID, CLIENT_SECRET
from tests.web.site import HTML, SECRET, Document, Site, page, serve

INBOX = "/api/v1/inbox"


@pytest.fixture(scope="module")
async def provider() -> AsyncIterator[Running]:
    async with running() as provider:
        yield provider


@pytest.fixture(autouse=True)
async def _well_behaved(provider: Running) -> AsyncIterator[None]:
    yield
    await provider.set(faults=[], metadata={}, people={})


def known(provider: Running, **more: object) -> dict[str, Provider]:
    """The providers of settings that know this one."""
    discovery_url = f"{provider.url}/.well-known/openid-configuration"
    own = {"discovery_url": discovery_url, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **more}
    return {provider.name: Provider.model_validate(own)}


@pytest.fixture
def settings(sqlite_url: str, provider: Running) -> Settings:
    return Settings(database_url=sqlite_url, providers=known(provider, create_accounts=True))


async def test_the_button_leads_to_the_provider_and_back_to_where_one_wanted_to_go(
    site: Site, provider: Running, nobody: httpx2.AsyncClient
) -> None:
    document = await page(nobody, "/login/?next=/notifications/%3Ffilter%3Dall")
    button = document.links["Sign in with Local"]
    answer = await nobody.get(button)
    assert answer.status_code == 302
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["redirect_uri"] == [f"{site.url}/login/local/callback/"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["response_type"] == ["code"]
    assert asked.keys() >= {"state", "nonce", "code_challenge"}
    back = await provider.consent(answer.headers["location"])
    answer = await nobody.get(path_of(back))
    assert (answer.status_code, answer.headers["location"]) == (303, "/notifications/?filter=all"), answer.text
    assert (await nobody.get(INBOX)).status_code == 200
