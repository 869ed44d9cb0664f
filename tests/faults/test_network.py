"""Bad networks between a worker and its clients (F14): cut at any byte, reset, late, thin, silent."""

import asyncio
import random
from typing import Any

import pytest
from websockets.exceptions import InvalidHandshake, WebSocketException

from notifs.testing.rule import Mailbox
from tests.faults.cluster import Cluster
from tests.faults.proxy import Proxy
from tests.waiting import until
from tests.wire import Client

pytestmark = pytest.mark.timeout(180)
GONE = (OSError, EOFError, TimeoutError, WebSocketException, InvalidHandshake, AssertionError)


async def visit(url: str, cookie: str, mailbox: Mailbox) -> bool:
    """Connect, say `sync` as well, and take in what comes until all is said; False if the connection ended first."""
    messages: list[dict[str, Any]] = []
    try:
        async with Client.open(url, headers={"cookie": cookie}, auth={"cursor": mailbox.cursor}) as client:
            messages = client.messages
            await client.until(lambda: any(m["type"] in ("delta", "snapshot") for m in client.messages))
            await client.ask("sync", {"cursor": mailbox.cursor})
            return True
    except GONE:
        return False
    finally:
        for message in messages:
            mailbox.take(message)


async def test_a_connection_cut_at_any_byte_leaves_a_client_that_goes_on_from_there(trio: Cluster) -> None:
    recipient = await trio.account()
    cookie = await trio.cookie(recipient)
    worker = trio.workers[0]
    front = worker.front
    assert front is not None
    behind = Mailbox()
    assert await visit(worker.url, cookie, behind)
    cursor = behind.cursor
    for number in range(5):
        await trio.notify([recipient], f"key {number}")
    sent = front.bytes
    whole = Mailbox()
    whole.take({**_empty(cursor), "type": "snapshot", "has_more": False})
    assert await visit(worker.url, cookie, whole)
    total = front.bytes - sent
    expected = whole.unread()
    assert len(expected) == 5
    cut, offsets = 0, [*range(1, total, max(1, total // 60)), *random.sample(range(1, total), 20)]
    for offset in offsets:
        mailbox = Mailbox()
        mailbox.take({**_empty(cursor), "type": "snapshot", "has_more": False})
        front.cut_at = offset
        cut += not await visit(worker.url, cookie, mailbox)
        front.cut_at = None
        assert await visit(worker.url, cookie, mailbox)
        assert [row["id"] for row in mailbox.unread()] == [row["id"] for row in expected], offset
        assert mailbox.cursor == whole.cursor
        assert mailbox.unread_count == 5
    assert cut > len(offsets) - 5  # the last bytes are those of the farewell


def _empty(cursor: str | None) -> dict[str, Any]:
    return {"notif_count": 0, "unseen_count": 0, "notifs": [], "cursor": cursor}


async def test_resets_latency_a_thin_line_and_silence_lose_nothing(trio: Cluster) -> None:
    recipients = [await trio.account() for _ in range(3)]
    for recipient in recipients:
        await trio.tabs(recipient, 2)
    fronts = [worker.front for worker in trio.workers if worker.front]
    async with trio.present(*trio.people):
        await trio.producer(recipients, rate=20)
        for _ in range(4):
            trio.fault("client's network: reset")
            random.choice(fronts).reset()
            await asyncio.sleep(0.4)
        trio.fault("client's network: 0.5 s late")
        _set(fronts, delay=0.25)
        await asyncio.sleep(2)
        trio.fault("client's network: 1 KB/s")
        _set(fronts, delay=0, rate=1024)
        await asyncio.sleep(2)
        _set(fronts, rate=None)
        trio.fault("client's network: silent, then whole")
        _set(fronts, silent=True)
        await asyncio.sleep(2)
        _set(fronts, silent=False)
        trio.fault("client's network: silent, then reset")
        _set(fronts, silent=True)
        await asyncio.sleep(2)
        for front in fronts:
            front.reset()
        _set(fronts, silent=False)
        report = await trio.reckon()
    assert report.acked > 60


def _set(fronts: list[Proxy], **values: Any) -> None:
    for front in fronts:
        for name, value in values.items():
            setattr(front, name, value)


async def test_a_client_that_no_byte_reaches_gets_all_of_it_when_it_can_read_again(trio: Cluster) -> None:
    recipient = await trio.account()
    (tab,) = await trio.tabs(recipient, at=trio.workers[0])
    front = trio.workers[0].front
    assert front is not None
    async with trio.present(tab):
        front.silent = True
        trio.fault("client's network: silent")
        producer = await trio.producer([recipient], rate=100, limit=100)
        await producer.ended()
        assert tab.mailbox.unread_count == 0
        front.silent = False
        await until(lambda: tab.mailbox.unread_count == 100)
        await trio.reckon()
