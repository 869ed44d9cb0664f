"""HTTP to others: their answers are bounded in size and in time, and whom TLS believes is read once."""

import asyncio
import ssl
from functools import cache

import httpx2

BODY_LIMIT = 262_144
"""Bytes of an answer."""
SECONDS = 10.0
"""How long the whole of it may take."""


class Bounded(httpx2.AsyncHTTPTransport):
    """Reads an answer within its bounds, or fails.

    Raises:
        httpx2.TransportError: it was too large, too slow, or compressed, which says nothing of its size.
    """

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["accept-encoding"] = "identity"
        try:
            async with asyncio.timeout(SECONDS):
                return await self._read(request)
        except TimeoutError:
            raise httpx2.ReadTimeout("the answer took too long", request=request) from None

    async def _read(self, request: httpx2.Request) -> httpx2.Response:
        response, body = await super().handle_async_request(request), bytearray()
        try:
            if response.headers.get("content-encoding", "identity") != "identity":
                raise httpx2.ReadError("the answer is compressed", request=request)
            async for part in response.aiter_raw():
                body += part
                if len(body) > BODY_LIMIT:
                    raise httpx2.ReadError(f"the answer is larger than {BODY_LIMIT} bytes", request=request)
        finally:
            await response.aclose()
        return httpx2.Response(response.status_code, headers=response.headers, content=bytes(body))


@cache
def certificates() -> ssl.SSLContext:
    """Whom TLS believes. To read them takes a tenth of a second: at first, ask for it off the event loop."""
    return httpx2.create_ssl_context()
