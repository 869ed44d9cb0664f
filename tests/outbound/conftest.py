"""An application with webhooks that lead to loopback, and somebody there who is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import pytest

from notifs import Notifs, Settings
from notifs.signals import Delivered, DeliveryFailed
from notifs.store.webhooks import Told
from tests.outbound.receiver import Receiver
from tests.wire import by_header


class Site:
    """A worker, and how deliveries end there."""

    def __init__(self, notifs: Notifs) -> None:
        self.notifs = notifs
        self.webhooks = notifs.store.webhooks
        self.ended: asyncio.Queue[Delivered | DeliveryFailed] = asyncio.Queue()
        notifs.signals.on(Delivered)(self.ended.put_nowait)
        notifs.signals.on(DeliveryFailed)(self.ended.put_nowait)

    async def end(self) -> Delivered | DeliveryFailed:
        """Wait until a delivery has ended."""
        async with asyncio.timeout(30):
            return await self.ended.get()

    async def tell(self, receiver: Receiver) -> str:
        """Make a webhook to there; returns its id."""
        hook = await self.notifs.outbound.add(receiver.url)
        receiver.secret = self.notifs.outbound.secret(hook.id)
        return hook.id

    async def failure(self) -> Told:
        """Wait until the newest delivery has failed."""
        async with asyncio.timeout(30):
            while True:
                told = await self.webhooks.deliveries()
                if told and told[0].error:
                    return told[0]
                await asyncio.sleep(0.02)


class Working(Protocol):
    def __call__(self, **settings: Any) -> AbstractAsyncContextManager[Site]: ...


@pytest.fixture
def working(database_url: str) -> Working:
    """Start a worker on the database of this test."""

    @asynccontextmanager
    async def start(**settings: Any) -> AsyncIterator[Site]:
        settings = {"webhook_networks": "127.0.0.1/32", **settings}
        notifs = Notifs(Settings(database_url=database_url, **settings), identify=by_header)
        site = Site(notifs)
        async with notifs.lifespan():
            yield site

    return start


@pytest.fixture
async def site(working: Working) -> AsyncIterator[Site]:
    async with working() as site:
        yield site


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver
