"""One request to the very address that was looked at: no redirects, no proxies, no cookies, no second look-up."""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx2

from notifs.outbound.addresses import Place

SECONDS = 10.0
"""How long a request may take from connecting to the answer's headers, all addresses of the host together."""
CONNECT_SECONDS = 3.0
ADDRESSES = 3
"""How many addresses of a host are tried, one after the other, until one connects."""
_HEADERS = {"Content-Type": "application/json", "User-Agent": "notifs", "Accept": "*/*", "Connection": "close"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered."""

    status: int
    retry_after: str | None


class Post:
    """Sends requests.

    Args:
        tls: which certificates are believed; those of the system, or of `SSL_CERT_FILE`, unless given.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._lock = asyncio.Lock()

    async def __call__(self, place: Place, body: str, headers: Mapping[str, str]) -> Answer:
        """Send `body` to a place.

        What the answer's body is does not matter and is not read: however slow or long it is, it costs nothing.

        Raises:
            httpx2.HTTPError: nothing was answered.
            TimeoutError: not in time.
        """
        tls = await self._certificates()
        async with asyncio.timeout(SECONDS):
            *others, last = place.addresses[:ADDRESSES]
            for address in others:
                try:
                    return await _post(place.url, str(address), body, headers, tls)
                except (httpx2.ConnectError, httpx2.ConnectTimeout):
                    continue
            return await _post(place.url, str(last), body, headers, tls)

    async def _certificates(self) -> ssl.SSLContext:
        async with self._lock:
            if self._tls is None:  # reading them takes a tenth of a second
                self._tls = await asyncio.to_thread(httpx2.create_ssl_context)
            return self._tls


async def _post(url: httpx2.URL, address: str, body: str, headers: Mapping[str, str], tls: ssl.SSLContext) -> Answer:
    # The name stays in `Host` and is what the certificate must be for. A client of its own for each request: a
    # connection that is kept would be taken for another host at the same address.
    timeout = httpx2.Timeout(None, connect=CONNECT_SECONDS)
    async with httpx2.AsyncClient(verify=tls, trust_env=False, follow_redirects=False, timeout=timeout) as client:
        request = client.build_request(
            "POST",
            url.copy_with(host=address),
            content=body.encode(),
            headers={**_HEADERS, **headers, "Host": url.netloc.decode()},
            extensions={"sni_hostname": url.raw_host.decode()},
        )
        response = await client.send(request, stream=True)
        try:
            return Answer(response.status_code, response.headers.get("retry-after"))
        finally:
            await response.aclose()
