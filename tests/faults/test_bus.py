"""Redis killed, flushed (F4), silent, cut (F5), slow and flapping (F6); signing out while workers are deaf (F22).

The head check comes so seldom here that what arrives while the bus is up has come by it, and by nothing else.
"""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests import servers
from tests.faults.cluster import Cluster, Worker, cluster, migrated, until
from tests.faults.history import read_journals
from tests.faults.person import Person

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
async def three(
    durable: servers.Postgres, redis: servers.Redis, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    async with durable.database() as url:
        place, env = tmp_path_factory.mktemp("bus"), {"NOTIFS_HEAD_CHECK_SECONDS": "60"}
        async with cluster(await migrated(durable, url), place, redis=redis, fronts=True, env=env) as made:
            yield made


@pytest.fixture
async def trio(three: Cluster) -> Cluster:
    await three.heal()
    await bus(three.workers, "up")
    return three


async def bus(workers: list[Worker], state: str) -> None:
    """Wait until all of these workers say of themselves that their bus is so."""
    async with asyncio.timeout(30):
        for worker in workers:
            while (await worker.ready()) != (200, {"ok": True, "bus": state}):
                await asyncio.sleep(0.1)


async def people(trio: Cluster) -> list[str]:
    """Two people with a tab at each worker; returns their recipient ids."""
    recipients = [await trio.account() for _ in range(2)]
    for recipient in recipients:
        for worker in trio.workers:
            await trio.tabs(recipient, at=worker)
    return recipients


async def reckon(trio: Cluster) -> None:
    """Everybody has everything, no socket was ended, and no producer was told of any trouble."""
    await trio.reckon()
    assert not any("failed" in producer.journal.read_text() for producer in trio.producers)
    assert [person.drops for person in trio.people] == [[]] * len(trio.people)


async def test_redis_killed_started_again_and_flushed_under_load(trio: Cluster, redis: servers.Redis) -> None:
    recipients = await people(trio)
    async with trio.present(*trio.people):
        await trio.producer(recipients)
        trio.fault("redis: kill -9")
        await redis.stop()
        await bus(trio.workers, "cut off")
        await asyncio.sleep(2)
        trio.fault("redis: back, empty")
        await redis.start()
        await bus(trio.workers, "up")
        trio.fault("redis: FLUSHALL")
        await redis.command("FLUSHALL")
        await asyncio.sleep(1)
        trio.fault("redis: restart")
        await redis.restart()
        await bus(trio.workers, "up")
        await reckon(trio)


async def test_a_worker_that_redis_is_silent_to_finds_changes_itself_and_hears_again(trio: Cluster) -> None:
    recipients = await people(trio)
    deaf = trio.workers[0]
    assert deaf.bus is not None
    async with trio.present(*trio.people):
        await trio.producer(recipients)
        trio.fault("redis: silent to a worker")
        deaf.bus.silent = True
        await bus([deaf], "cut off")
        await bus(trio.workers[1:], "up")
        await asyncio.sleep(2)
        trio.fault("redis: heard again")
        deaf.bus.silent = False
        await bus([deaf], "up")
        for _ in range(5):
            trio.fault("redis: link reset")
            deaf.bus.reset()
            await asyncio.sleep(0.3)
        trio.fault("redis: refused")
        await deaf.bus.refuse()
        await bus([deaf], "cut off")
        await deaf.bus.accept()
        await bus([deaf], "up")
        await reckon(trio)


async def test_a_slow_redis_and_one_that_drops_every_listener_cost_time_and_no_files(
    trio: Cluster, redis: servers.Redis
) -> None:
    recipients = await people(trio)
    slow = trio.workers[0].bus
    assert slow is not None
    async with trio.present(*trio.people):
        await trio.producer(recipients)
        before = [worker.descriptors() for worker in trio.workers]
        trio.fault("redis: 2 s late")
        slow.delay = 2
        await asyncio.sleep(4)
        slow.delay = 0
        await bus(trio.workers, "up")
        for _ in range(4):
            trio.fault("redis: CLIENT KILL TYPE pubsub")
            assert await redis.command("CLIENT", "KILL", "TYPE", "pubsub") > 0
            await asyncio.sleep(1)
        await bus(trio.workers, "up")
        await reckon(trio)
        after = [worker.descriptors() for worker in trio.workers]
        # A pool of connections to the database may have grown to its full size meanwhile, and no further.
        assert all(now - then <= 10 for then, now in zip(before, after, strict=True)), (before, after)


async def test_producers_do_not_wait_for_a_silent_redis(trio: Cluster) -> None:
    silent = trio.workers[0].bus
    assert silent is not None
    silent.silent = True
    env = {"NOTIFS_REDIS_URL": trio.workers[0].env["NOTIFS_REDIS_URL"]}
    producer = await trio.producer([await trio.account()], rate=50, limit=50, env=env)
    await producer.ended()
    acked = [sent.acked_at for sent in read_journals([producer.journal]).values()]
    assert len(acked) == 50
    # A tenth of a second for each is more than they take, and less than anybody would wait for Redis.
    assert max(at for at in acked if at) - min(at for at in acked if at) < 5


async def sign_out(person: Person, at: Worker) -> float:
    """Sign out at this worker; returns when."""
    headers = {"sec-fetch-site": "same-origin", "cookie": person.cookie}
    async with httpx2.AsyncClient(trust_env=False, headers=headers) as http:
        answer = await http.post(f"{at.address}/logout/")
    assert answer.status_code == 303
    return time.monotonic()


async def test_signing_out_at_one_worker_ends_the_sockets_at_all(trio: Cluster) -> None:
    recipient = await trio.account()
    (tab,) = await trio.tabs(recipient, at=trio.workers[1])
    async with trio.present(tab):
        out_at = await sign_out(tab, trio.workers[0])
        await until(lambda: tab.client is None)
        # Within 2 s where nothing else is to do; it is the hint that ended it, and not the look at all sign-ins.
        assert time.monotonic() - out_at < 8


async def test_signing_out_while_workers_are_deaf_ends_the_sockets_within_thirty_seconds(trio: Cluster) -> None:
    recipient = await trio.account()
    (tab,), (still,) = await trio.tabs(recipient, at=trio.workers[1]), await trio.tabs(recipient, at=trio.workers[1])
    for worker in trio.workers:
        assert worker.bus is not None
        worker.bus.silent = True
    async with trio.present(tab, still):
        await bus(trio.workers, "cut off")
        out_at = await sign_out(tab, trio.workers[0])
        while tab.client is not None:
            await trio.notify([recipient])
            await asyncio.sleep(0.5)
        assert tab.last_message - out_at < 30
        count, last = still.mailbox.unread_count, tab.last_message
        await trio.notify([recipient])
        await until(lambda: still.mailbox.unread_count > count)
        assert tab.last_message == last
        await until(lambda: any("401" in reason for _, reason in tab.drops))
