"""Two providers of sign-ins for servers that are attacked, and what an attacker does with them.

Their places are fixed before they start, as the settings of a server have to name them.
"""

from http.cookies import SimpleCookie
from urllib.parse import urlencode

import httpx2

from tests.attacks.arena import Target
from tests.programs import free_port
from tests.provider.running import Running, begin, path_of
from tests.provider.tokens import settings

PORTS = {name: free_port(10_000, 20_000) for name in ("local", "other")}
"""Of those that no other server takes meanwhile: these two begin later."""
ENV: dict[str, str] = {}
"""Settings of a server that knows both of them, and makes accounts."""
for _name, _port in PORTS.items():
    ENV |= settings(_name, f"http://127.0.0.1:{_port}", create_accounts="true")


class Visitor(httpx2.AsyncClient):
    """Somebody with a browser, as far as cookies go: those for HTTPS alone are sent on loopback too."""

    def __init__(self, target: Target) -> None:
        super().__init__(
            trust_env=False,
            verify=False,
            base_url=target.url,
            timeout=30,
            event_hooks={"request": [self._send], "response": [self._keep]},
        )
        self.kept: dict[str, str] = {}

    async def _send(self, request: httpx2.Request) -> None:
        request.headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.kept.items())

    async def _keep(self, response: httpx2.Response) -> None:
        for header in response.headers.get_list("set-cookie"):
            for name, cookie in SimpleCookie(header).items():
                self.kept[name] = cookie.value
                if cookie["max-age"] == "0":
                    del self.kept[name]


async def is_in(visitor: httpx2.AsyncClient) -> bool:
    """Whether somebody is signed in."""
    return (await visitor.get("/api/v1/inbox")).status_code == 200


async def address(visitor: httpx2.AsyncClient) -> str:
    """The address of the account that somebody is signed in to; empty for nobody."""
    answer = await visitor.get("/account/", headers={"accept": "text/html"})
    found = [part for part in answer.text.split('"') if part.endswith("@example.org")]
    return found[0] if found and answer.status_code == 200 else ""


async def callback(visitor: httpx2.AsyncClient, provider: Running, person: str) -> str:
    """Begin to sign in, consent, and keep the address that one is sent back to for oneself."""
    answer = await begin(visitor, provider.name)
    return path_of(await provider.consent(answer.headers["location"], person))


def with_query(path: str, **query: str) -> str:
    """A callback with other words in its query."""
    url = httpx2.URL(path)
    return f"{url.path}?{urlencode({**dict(url.params), **query})}"
