"""Redis killed, flushed (F4), silent, cut (F5), slow and flapping (F6); signing out while workers are deaf (F22).

Workers look at the store so seldom here that what arrives while the bus is up has come by it, and by nothing else.
"""

import asyncio
import time
from collections.abc import Sequence
from functools import partial

import pytest

from notifs import Notifs, Settings
from tests import servers
from tests.faults.cluster import Cluster, Worker
from tests.faults.history import read_journals
from tests.faults.person import Person
from tests.faults.proxy import Proxy
from tests.waiting import until
from tests.wire import http_client

pytestmark = pytest.mark.timeout(180)


async def people(ears: Cluster) -> list[str]:
    """Two people with a tab at each worker; returns their recipient ids."""
    recipients = [await ears.account() for _ in range(2)]
    for recipient in recipients:
        for worker in ears.workers:
            await ears.tabs(recipient, at=worker)
    return recipients


async def reckon(ears: Cluster) -> None:
    """Everybody has everything, no socket was ended, and no producer was told of any trouble."""
    await ears.reckon(seconds=20)
    assert not any("failed" in producer.journal.read_text() for producer in ears.producers)
    assert [person.drops for person in ears.people] == [[]] * len(ears.people)


async def test_redis_killed_started_again_and_flushed_under_load(ears: Cluster, redis: servers.Redis) -> None:
    recipients = await people(ears)
    async with ears.present(*ears.people):
        await ears.producer(recipients)
        ears.fault("redis: kill -9")
        await redis.stop()
        await ears.bus("cut off")
        await asyncio.sleep(2)
        ears.fault("redis: back, empty")
        await redis.start()
        await ears.bus("up")
        ears.fault("redis: FLUSHALL")
        await redis.command("FLUSHALL")
        await asyncio.sleep(1)
        ears.fault("redis: restart")
        await redis.restart()
        await ears.bus("up")
        await reckon(ears)


async def test_a_worker_that_redis_is_silent_to_finds_changes_itself_and_hears_again(ears: Cluster) -> None:
    recipients = await people(ears)
    deaf = ears.workers[0]
    assert deaf.bus is not None
    async with ears.present(*ears.people):
        await ears.producer(recipients)
        ears.fault("redis: silent to a worker")
        deaf.bus.silent = True
        await ears.bus("cut off", deaf)
        await ears.bus("up", *ears.workers[1:])
        for _ in range(2):
            key = await ears.notify(recipients)
            await until(partial(_have, ears.people[:: len(ears.workers)], key))
        ears.fault("redis: heard again")
        deaf.bus.silent = False
        await ears.bus("up", deaf)
        for _ in range(5):
            ears.fault("redis: link reset")
            deaf.bus.reset()
            await asyncio.sleep(0.3)
        ears.fault("redis: refused")
        await deaf.bus.refuse()
        await ears.bus("cut off", deaf)
        await deaf.bus.accept()
        await ears.bus("up", deaf)
        await reckon(ears)


def _have(people: Sequence[Person], key: str) -> bool:
    return all(any(row["title"] == key for row in person.mailbox.rows.values()) for person in people)


async def test_a_worker_whose_listening_connection_is_dead_notices_and_begins_anew(ears: Cluster) -> None:
    recipients = await people(ears)
    half = ears.workers[0]
    assert half.bus is not None
    async with ears.present(*ears.people):
        await ears.producer(recipients)
        ears.fault("redis: listening connection dead")
        half.bus.deaf = True
        await ears.bus("cut off", half)
        half.bus.deaf = False
        await ears.bus("up", half)
        await reckon(ears)


async def test_what_was_said_in_the_very_moment_of_the_return_is_found(ears: Cluster) -> None:
    returning = ears.workers[0]
    assert returning.bus is not None
    recipients = [await ears.account() for _ in range(60)]
    for recipient in recipients:
        await ears.tabs(recipient, at=returning)
    settings = Settings(database_url=ears.env["NOTIFS_DATABASE_URL"], redis_url=ears.env["NOTIFS_REDIS_URL"])
    async with ears.present(*ears.people), Notifs(settings).open() as notifs:
        await returning.bus.refuse()
        await ears.bus("cut off", returning)
        ears.fault("redis: link returns")
        coming = asyncio.create_task(_back_after(returning.bus, 0.5))
        for recipient in recipients:  # one each: nothing that comes later shows that there is a gap
            await notifs.notify(to=recipient, title=recipient, body=recipient)
            await asyncio.sleep(0.02)
        await coming
        await ears.bus("up", returning)
        await reckon(ears)
        assert all(person.mailbox.unread_count == 1 for person in ears.people)


async def _back_after(bus: Proxy, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await bus.accept()


async def test_a_slow_redis_and_one_that_drops_every_listener_cost_time_and_no_files(
    ears: Cluster, redis: servers.Redis
) -> None:
    recipients = await people(ears)
    slow = ears.workers[0].bus
    assert slow is not None
    async with ears.present(*ears.people):
        await ears.producer(recipients)
        before = [worker.descriptors() for worker in ears.workers]
        ears.fault("redis: 2 s late")
        slow.delay = 2
        await asyncio.sleep(4)
        slow.delay = 0
        await ears.bus("up")
        for _ in range(4):
            ears.fault("redis: CLIENT KILL TYPE pubsub")
            assert await redis.command("CLIENT", "KILL", "TYPE", "pubsub") > 0
            await asyncio.sleep(1)
        await ears.bus("up")
        await reckon(ears)
        after = [worker.descriptors() for worker in ears.workers]
        # A pool of connections to the database may have grown to its full size meanwhile, and no further.
        assert all(now - then <= 10 for then, now in zip(before, after, strict=True)), (before, after)


async def test_producers_do_not_wait_for_a_silent_redis(ears: Cluster) -> None:
    silent = ears.workers[0].bus
    assert silent is not None
    silent.silent = True
    env = {"NOTIFS_REDIS_URL": ears.workers[0].env["NOTIFS_REDIS_URL"]}
    producer = await ears.producer([await ears.account()], rate=50, limit=50, env=env)
    await producer.ended()
    acked = [sent.acked_at for sent in read_journals([producer.journal]).values()]
    assert len(acked) == 50
    # A tenth of a second for each is more than they take, and less than anybody would wait for Redis.
    assert max(at for at in acked if at) - min(at for at in acked if at) < 5


async def sign_out(person: Person, at: Worker) -> float:
    """Sign out at this worker; returns when."""
    headers = {"sec-fetch-site": "same-origin", "cookie": person.cookie}
    async with http_client(headers=headers) as http:
        answer = await http.post(f"{at.address}/logout/")
    assert answer.status_code == 303
    return time.monotonic()


async def test_signing_out_at_one_worker_ends_the_sockets_at_all(ears: Cluster) -> None:
    recipient = await ears.account()
    (tab,) = await ears.tabs(recipient, at=ears.workers[1])
    async with ears.present(tab):
        out_at = await sign_out(tab, ears.workers[0])
        await until(lambda: tab.client is None)
        # Within 2 s where nothing else is to do; it is the hint that ended it, and not the look at all sign-ins.
        assert time.monotonic() - out_at < 8


async def test_signing_out_while_workers_are_deaf_ends_the_sockets_within_thirty_seconds(ears: Cluster) -> None:
    recipient = await ears.account()
    (tab,), (still,) = await ears.tabs(recipient, at=ears.workers[1]), await ears.tabs(recipient, at=ears.workers[1])
    for worker in ears.workers:
        assert worker.bus is not None
        worker.bus.silent = True
    async with ears.present(tab, still):
        await ears.bus("cut off")
        out_at = await sign_out(tab, ears.workers[0])
        while tab.client is not None and time.monotonic() < out_at + 45:
            await ears.notify([recipient])
            await asyncio.sleep(0.5)
        assert tab.client is None
        assert tab.last_message - out_at < 30
        count, last = still.mailbox.unread_count, tab.last_message
        await ears.notify([recipient])
        await until(lambda: still.mailbox.unread_count > count)
        assert tab.last_message == last
        await until(lambda: any("401" in reason for _, reason in tab.drops))
