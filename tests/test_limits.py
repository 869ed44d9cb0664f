"""Limits: what is guessed is counted exactly, whatever is away; what is only many is shared out, and costs little."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from notifs import Settings
from notifs.errors import StoreUnavailable, TooManyRequests, TooManySockets, TooManyTries
from notifs.limits import KEYS_PER_MINUTE, Limits, shares
from notifs.store import Store
from notifs.store.counts import Counts
from notifs.store.database import Database
from tests import servers

HERE, THERE = "10.0.0.1", "10.0.0.2"


class Clock:
    """Seconds that a test moves; at the beginning of a window of any bound."""

    now = 1_700_000_100.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Worker:
    """What one process has."""

    limits: Limits
    store: Store


@asynccontextmanager
async def worker(url: str, clock: Callable[[], float] | None = None, **settings: Any) -> AsyncIterator[Worker]:
    database, clock = Database(url), clock or Clock()
    store = Store(database)
    limits = Limits(Counts(database, clock), store.audit, Settings(database_url=url, **settings), clock)
    try:
        yield Worker(limits, store)
    finally:
        await limits.close()
        await database.close()


@pytest.fixture
def own_redis() -> Iterator[servers.Redis]:
    """A server that a test may end."""
    with servers.redis() as server:
        yield server


async def passed(*asked: Any) -> int:
    """How many of these were let through, all at once; the others were refused for a reason of ours."""
    answers = await asyncio.gather(*asked, return_exceptions=True)
    for each in answers:
        assert each is None or isinstance(each, TooManyTries | TooManyRequests | TooManySockets), each
    return answers.count(None)


async def test_tries_on_two_workers_at_once_are_counted_together(database_url: str) -> None:
    async with worker(database_url, sign_in_tries=4) as one, worker(database_url, sign_in_tries=4) as other:
        both = [one.limits, other.limits]
        assert await passed(*(both[n % 2].try_sign_in("ada", f"10.0.1.{n}", None) for n in range(20))) == 4
        assert await passed(*(both[n % 2].try_sign_in(f"nobody {n}", HERE, None) for n in range(60))) == 40
        with pytest.raises(TooManyTries) as refused:
            await other.limits.try_sign_in("grace", HERE, None)
        assert refused.value.per == "network"
        assert 0 < refused.value.retry_after <= 16 * 60
        await other.limits.try_sign_in("grace", THERE, None)


async def test_a_browser_that_is_known_is_counted_for_itself(database_url: str) -> None:
    async with worker(database_url, sign_in_tries=2) as one:
        assert await passed(*(one.limits.try_sign_in("ada", HERE, None) for _ in range(30))) == 2
        assert await passed(*(one.limits.try_sign_in("ada", HERE, "hers") for _ in range(5))) == 2
        await one.limits.signed_in("ada", HERE, "hers")
        await one.limits.try_sign_in("ada", HERE, "hers")
        with pytest.raises(TooManyTries):  # what she does in her browser helps nobody elsewhere
            await one.limits.try_sign_in("ada", HERE, None)


async def test_all_browsers_of_an_account_have_ten_times_as_many_together(database_url: str) -> None:
    async with worker(database_url, sign_in_tries=2) as one:
        asked = (one.limits.try_sign_in("ada", f"10.0.1.{n}", f"browser {n // 3}") for n in range(90))
        assert await passed(*asked) == 20
        with pytest.raises(TooManyTries) as refused:
            await one.limits.try_sign_in("ada", HERE, "another one")
        assert refused.value.per == "browsers"
        await one.limits.try_sign_in("grace", HERE, "hers")


async def test_who_has_set_the_password_may_try_again_from_everywhere(database_url: str) -> None:
    async with worker(database_url, sign_in_tries=1) as one:
        for n in range(20):
            await passed(one.limits.try_sign_in("ada", HERE, None), one.limits.try_sign_in("ada", HERE, f"{n}"))
        await one.limits.password_set("ada")
        await one.limits.try_sign_in("ada", HERE, None)
        await one.limits.try_sign_in("ada", HERE, "new")


async def test_a_sign_in_that_succeeds_was_no_failed_try(database_url: str) -> None:
    async with worker(database_url, sign_in_tries=1) as one:
        for _ in range(25):
            await one.limits.try_sign_in("ada", HERE, None)
            await one.limits.signed_in("ada", HERE, None)
        assert await passed(*(one.limits.try_sign_in(f"{n}", HERE, None) for n in range(25))) == 10


async def test_who_is_refused_and_goes_on_costs_no_writes(database_url: str) -> None:
    clock = Clock()
    async with worker(database_url, clock, sign_in_tries=1) as one:
        assert await passed(*(one.limits.try_sign_in("ada", HERE, None) for _ in range(3))) == 1
        writes = one.store.database.writes
        for _ in range(100):
            with pytest.raises(TooManyTries):
                await one.limits.try_sign_in("ada", HERE, None)
        assert one.store.database.writes == writes
        clock.now += 16 * 60
        await one.limits.try_sign_in("ada", HERE, None)


async def test_bad_keys_are_bounded_and_told_of_once_a_minute(database_url: str) -> None:
    clock = Clock()
    async with worker(database_url, clock) as one:
        assert await passed(*(one.limits.bad_key(HERE) for _ in range(KEYS_PER_MINUTE + 20))) == KEYS_PER_MINUTE
        await one.limits.bad_key(THERE)
        lines = await one.store.audit.read()
        assert {(line.event, line.recipient) for line in lines} == {("key_refused", None)}
        assert sorted(line.address or "" for line in lines) == [HERE, THERE]
        clock.now += 70
        await one.limits.bad_key(HERE)
        assert len(await one.store.audit.read()) == 3


async def test_while_the_store_is_away_nothing_may_be_tried_and_people_may_connect(tmp_path: Path) -> None:
    async with worker(f"sqlite+aiosqlite:///{tmp_path}/gone/notifs.db", connects_per_minute=30) as one:
        for tried in (
            one.limits.try_sign_in("ada", HERE, None), one.limits.try_sign_in("ada", HERE, "hers"),
            one.limits.try_reset(HERE), one.limits.bad_key(HERE),
        ):  # fmt: skip
            with pytest.raises(StoreUnavailable):
                await tried
        assert await passed(*(one.limits.connect("ada", HERE) for _ in range(60))) == 30


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("shared", ["store", "redis"])
async def test_connects_on_two_workers_are_counted_together(
    database_url: str, redis: servers.Redis, shared: str
) -> None:
    await redis.command("FLUSHALL")
    settings: dict[str, Any] = {"connects_per_minute": 100, "redis_url": redis.url if shared == "redis" else ""}
    async with worker(database_url, **settings) as one, worker(database_url, **settings) as other:
        both = [one.limits, other.limits]
        # Each worker has a tenth to give away by itself.
        assert await passed(*(both[n % 2].connect("ada", HERE) for n in range(400))) == 120
        await one.limits.connect("grace", HERE)
        with pytest.raises(TooManySockets) as refused:
            await one.limits.connect("ada", THERE)
        assert refused.value.code == "too_many_connects"
        assert 0 < refused.value.retry_after <= 60


async def test_a_network_has_ten_times_as_many_unless_any_number_may_come_from_it(sqlite_url: str) -> None:
    async with worker(sqlite_url, connects_per_minute=10) as one:
        assert await passed(*(one.limits.connect(f"person {n}", HERE) for n in range(300))) == 110
        assert await passed(*(one.limits.connect(f"person {n}", THERE) for n in range(5))) == 5
    async with worker(sqlite_url, connects_per_minute=10, sockets_per_address=0) as one:
        assert await passed(*(one.limits.connect(f"person {n}", HERE) for n in range(300))) == 300


async def test_a_crowd_that_comes_back_writes_hardly_anything(database_url: str) -> None:
    async with worker(database_url, connects_per_minute=1000) as one:
        writes = one.store.database.writes
        assert await passed(*(one.limits.connect(f"person {n}", HERE) for n in range(2000))) == 2000
        assert one.store.database.writes - writes <= 2


@pytest.mark.usefixtures("patient")
async def test_events_are_counted_without_waiting(database_url: str, redis: servers.Redis) -> None:
    await redis.command("FLUSHALL")
    for url in ("", redis.url):
        settings: dict[str, Any] = {"events_per_second": 2, "redis_url": url}  # 100 in ten seconds for a person
        async with worker(database_url, **settings) as one, worker(database_url, **settings) as other:
            waits = [one.limits.event("ada") for _ in range(30)]
            assert waits.count(0) == 20  # a share, and as much again until it is known whether there is more
            assert set(waits[20:]) <= set(range(1, 11))
            through = 20
            for n in range(400):
                await asyncio.sleep(0.001)
                through += [one, other][n % 2].limits.event("ada") == 0
            assert 100 <= through <= 140
            assert one.limits.event("grace") == 0


async def test_a_new_window_has_room_again_and_forgets_who_was_there(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "KEPT", 50)
    clock = Clock()
    async with worker(database_url, clock, connects_per_minute=10) as one:
        assert await passed(*(one.limits.connect("ada", HERE) for _ in range(30))) == 11
        clock.now += 120
        assert await passed(*(one.limits.connect("ada", HERE) for _ in range(30))) == 11
        await passed(*(one.limits.connect(f"person {n}", HERE) for n in range(100)))
        windows = one.limits._shares._windows.values()
        assert sorted(len(known) for _, known in windows) == [1, 50]


async def test_when_redis_dies_each_worker_counts_for_itself_and_sign_ins_stay_bounded(
    database_url: str, own_redis: servers.Redis
) -> None:
    clock = Clock()
    settings: dict[str, Any] = {"connects_per_minute": 100, "redis_url": own_redis.url, "sign_in_tries": 3}
    async with worker(database_url, clock, **settings) as one, worker(database_url, clock, **settings) as other:
        assert await passed(*(one.limits.connect("ada", HERE) for _ in range(50))) == 50
        assert await passed(*(one.limits.try_sign_in("ada", HERE, None) for _ in range(2))) == 2
        await own_redis.stop()
        assert await passed(*(one.limits.connect("ada", HERE) for _ in range(100))) == 50
        assert await passed(*(other.limits.connect("ada", HERE) for _ in range(200))) == 100
        assert await passed(*(other.limits.try_sign_in("ada", HERE, None) for _ in range(9))) == 1
        await own_redis.start()
        clock.now += 60
        assert await passed(*(each.limits.connect("ada", HERE) for each in (one, other) for _ in range(200))) == 120
