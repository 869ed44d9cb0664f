"""Many at once: a worker's clients all come back (F15), hundreds do not read (F13), the event loop stalls (F21)."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from notifs import Notifs, Settings, gather
from tests import servers
from tests.faults.cluster import Cluster, Worker, cluster
from tests.faults.crowd import Face, p99
from tests.mute import Mute
from tests.waiting import until
from tests.wire import http_client

log = logging.getLogger("faults")
TOKEN = "a token for who measures"
pytestmark = pytest.mark.timeout(300)
CROWD = int(os.environ.get("CROWD", "300"))
SECONDS = float(os.environ.get("SECONDS", "1"))
MUTES = int(os.environ.get("MUTES", "20"))
WARM_KIB = 4096
"""What a worker takes once, for what it had not done before."""
MORE = 60
"""What is sent to all of them once their windows are full: 7 KiB each time, together more than they may cost."""
COST_KIB = 256 + 128
"""What one client that does not read may cost: its window, any connection's cost, and what the allocator wastes."""


@pytest.fixture
async def one(
    durable: servers.Postgres, durable_url: str, redis: servers.Redis, tmp_path: Path
) -> AsyncIterator[Cluster]:
    """One worker that counts its statements."""
    env = {"STATEMENTS": str(tmp_path / "statements"), "NOTIFS_METRICS_TOKEN": TOKEN}
    async with cluster(durable_url, tmp_path, workers=1, redis=redis, env=env) as made:
        yield made


async def crowd(made: Cluster, count: int, people: int) -> list[Face]:
    recipients = await made.accounts(people)
    cookies = await made.cookies(recipients)
    return [Face(recipients[n % people], cookies[n % people], made.entrance, count / 500) for n in range(count)]


@asynccontextmanager
async def present(faces: Sequence[Face]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(face.run()) for face in faces]
    try:
        await until(lambda: all(face.here for face in faces), 120)
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def statements(made: Cluster) -> int:
    return Path(made.env["STATEMENTS"]).stat().st_size


async def test_a_crowd_that_comes_back_at_once_is_caught_up_with_few_queries(one: Cluster) -> None:
    faces = await crowd(one, CROWD, CROWD)
    (worker,) = one.workers
    async with present(faces):
        await worker.stop(signal.SIGKILL)
        await asyncio.gather(*(one.notify([face.recipient]) for face in faces[::3]))
        await worker.start()
        before, began = statements(one), time.monotonic()
        await until(lambda: all(face.here and face.came_at > began for face in faces), 120)
        took, asked = max(face.came_at for face in faces) - began, statements(one) - before
        log.info(
            f"\n{CROWD} clients came back in {took:.1f} s, with {asked} statements: {100 * asked / CROWD:.2f} per 100"
        )
        assert all(face.recovered for face in faces)
        look = await one.notifs.store.look([face.recipient for face in faces])
        assert all(face.cursor == f"{look.epoch}:{look.revisions.get(face.recipient, 0)}" for face in faces)
    # Sign-ins are asked for in one question every SLOWEST seconds, and mailboxes in another, each of at most three
    # statements; a handful comes from the head check and the check of sign-ins, however many clients there are.
    assert asked <= 3 * 2 * (1 + took / gather.SLOWEST) + 12
    assert asked <= CROWD / 2


@asynccontextmanager
async def producing(made: Cluster) -> AsyncIterator[Notifs]:
    """A process of its own, as far as the worker knows."""
    settings = Settings(database_url=made.env["NOTIFS_DATABASE_URL"], redis_url=made.env["NOTIFS_REDIS_URL"])
    async with Notifs(settings).open() as notifs:
        yield notifs


async def load(notifs: Notifs, faces: Sequence[Face], victims: Sequence[str], seconds: float) -> list[float]:
    """How long it takes from sending to the screen, while `victims` are sent something large as well."""
    for face in faces:
        face.latencies.clear()
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        for face in faces:
            await notifs.notify(to=face.recipient, title=repr(time.time()))
        if victims:
            await send_much(notifs, victims)
    await asyncio.sleep(0.3)
    return [latency for face in faces for latency in face.latencies]


async def send_much(notifs: Notifs, victims: Sequence[str]) -> None:
    await notifs.notify(to=victims, title=repr(time.time()), body="x" * 4000, data={"more": "x" * 3000})


@pytest.mark.parametrize("answers", [False, True], ids=["never reads", "answers pings and never reads"])
async def test_those_who_do_not_read_cost_a_window_each_and_nobody_else_anything(one: Cluster, answers: bool) -> None:
    (worker,) = one.workers
    faces = await crowd(one, 10, 10)
    victims = [await one.account() for _ in range(MUTES)]
    cookies = [{"cookie": await one.cookie(victim)} for victim in victims]
    async with present(faces), producing(one) as notifs, AsyncExitStack() as stack:
        calm, before = await load(notifs, faces, victims[:1], SECONDS), worker.memory()
        mutes = [await stack.enter_async_context(Mute.open(worker.url, cookie)) for cookie in cookies]
        blind = asyncio.create_task(_answer(mutes if answers else []))
        filling: list[float] = []
        while await behind(worker) < MUTES:
            filling += await load(notifs, faces[:1], victims, 1)
        full = worker.memory()
        for _ in range(MORE):
            await send_much(notifs, victims)
        rough, after = await load(notifs, faces, victims[:1], SECONDS), worker.memory()
        blind.cancel()
        log.info(
            "%d that do not read%s: %d KiB before, %d when their windows were full, %d at the end, %.0f each; "
            "others' p99: %.0f ms before, %.0f while windows filled, %.0f once they were full",
            *(MUTES, " and answer pings" if answers else "", before, full, after, (after - before) / MUTES),
            *(1000 * p99(each) for each in (calm, filling, rough)),
        )
        assert after - before < MUTES * COST_KIB + WARM_KIB
        assert all(face.here for face in faces)


async def behind(worker: Worker) -> int:
    """How many sockets have fallen behind so far."""
    async with http_client(headers={"authorization": f"Bearer {TOKEN}"}) as http:
        text = (await http.get(f"{worker.url}/metrics")).text
    return int(float(text.partition("\nnotifs_behind_total ")[2].split()[0]))


async def _answer(mutes: Sequence[Mute]) -> None:
    while True:
        for mute in mutes:  # each every few seconds, as if it had read the ping
            with contextlib.suppress(OSError):
                mute.say("3")
            await asyncio.sleep(10 / len(mutes))
        if not mutes:
            return


async def test_a_stall_of_the_event_loop_costs_nobody_the_connection(one: Cluster) -> None:
    (worker,) = one.workers
    faces = await crowd(one, 50, 10)
    worker.env = {**worker.env, "FAILPOINTS": "before_push=stall:2"}
    await worker.restart()
    async with present(faces):
        began = time.monotonic()
        await _mark_read_somewhere(one, worker, faces[0])
        await until(lambda: all(face.here for face in faces))
        assert all(face.came_at < began for face in faces)


async def _mark_read_somewhere(made: Cluster, worker: Worker, face: Face) -> None:
    """Let the worker push something of its own, which is where it stalls."""
    await made.notify([face.recipient])
    id = (await made.notifs.get_unread_notifs(face.recipient))[0]["id"]
    headers = {"sec-fetch-site": "same-origin", "cookie": face.cookie}
    async with http_client(headers=headers, timeout=30) as http:
        answer = await http.post(f"{worker.url}/api/v1/inbox/read", json={"ids": [id]})
    assert answer.json()["notif_count"] == 0
