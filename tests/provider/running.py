"""A provider of OpenID Connect that runs on loopback, and browsers that sign in by it."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from notifs.providers import WELL_KNOWN, Provider
from tests.programs import Child
from tests.provider.tokens import CLIENT_ID, CLIENT_SECRET, settings
from tests.servers import clean_environment
from tests.wire import http_client

PROGRAM = Path(__file__).with_name("program.py")


@dataclass(frozen=True)
class Running:
    """A running provider.

    `name` is what the settings of notifs call it.
    """

    url: str
    name: str
    client: httpx2.AsyncClient
    child: Child

    def settings(self, **more: str) -> dict[str, str]:
        """The variables by which notifs knows it."""
        return settings(self.name, self.url, **more)

    def known(self, **more: object) -> dict[str, Provider]:
        """The same as settings."""
        own = {"discovery_url": f"{self.url}{WELL_KNOWN}", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        return {self.name: Provider.model_validate({**own, **more})}

    async def set(self, **state: Any) -> None:
        """From now on it is like that."""
        (await self.client.post("/control", json=state)).raise_for_status()

    async def misbehave(self, *faults: str) -> None:
        """From now on it does this wrong, and nothing else."""
        await self.set(faults=list(faults))

    async def seen(self) -> Any:
        """How often each of its addresses was asked, and with what."""
        return (await self.client.get("/control")).json()

    async def count(self, name: str) -> int:
        return int((await self.seen())["counts"].get(name, 0))

    async def consent(self, url: str, person: str = "ada") -> str:
        """Do what somebody does who was sent to `url`. Returns where they are sent back to."""
        page = await self.client.get(url)
        assert page.status_code == 200, page.text
        answer = await self.client.post(url, data={"person": person})
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def logout_token(self, to: str | None = None, header: Any = None, **claims: Any) -> Any:
        """A logout token with these claims; sent to an address, if there is one, it is what was answered."""
        asked = {"claims": claims, "header": header or {}, **({"to": to} if to else {})}
        answer = (await self.client.post("/logout-token", json=asked)).json()
        return answer if to else answer["token"]


@asynccontextmanager
async def running(name: str = "local", port: int = 0) -> AsyncIterator[Running]:
    """A provider on a free port."""
    command = [sys.executable, str(PROGRAM), "--port", str(port)]
    with Child(command, ready=r"provider is ready: (http://\S+)", env=clean_environment()) as child:
        url = child.wait_ready()[1]
        async with http_client(url, timeout=30) as client:
            yield Running(url, name, client, child)


async def begin(visitor: httpx2.AsyncClient, name: str = "local", next: str = "") -> httpx2.Response:
    """Press the button of a provider on the sign-in page."""
    return await visitor.get(f"/login/{name}/", params={"next": next} if next else {})


async def sign_in(
    visitor: httpx2.AsyncClient, provider: Running, person: str = "ada", next: str = ""
) -> httpx2.Response:
    """Sign in by a provider, all the way. Returns what the callback answers."""
    answer = await begin(visitor, provider.name, next)
    assert answer.status_code == 302, answer.text
    return await visitor.get(path_of(await provider.consent(answer.headers["location"], person)))


def path_of(url: str) -> str:
    """An address without its host: the one that a visitor visits."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
