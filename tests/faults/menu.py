"""Faults by name, each of which ends by itself; schedules and the soak choose from them."""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from functools import partial

from tests.faults.cluster import Cluster, Worker
from tests.servers import Postgres, Redis

Fault = Callable[[], Awaitable[None]]


class Menu:
    """What can happen to a cluster with proxies on PostgreSQL and Redis."""

    def __init__(self, cluster: Cluster, postgres: Postgres, redis: Redis, database: str) -> None:
        self._cluster = cluster
        self._postgres = postgres
        self._redis = redis
        self._database = database
        self.faults: dict[str, Fault] = {
            "postgresql: immediate restart": self._postgres.restart,
            "postgresql: away for 3 s": self._away,
            "postgresql: backends terminated": self._terminate,
            "redis: kill -9, back after 1 s": self._redis_killed,
            "redis: FLUSHALL": partial(self._say, "FLUSHALL"),
            "redis: CLIENT KILL TYPE pubsub": partial(self._say, "CLIENT", "KILL", "TYPE", "pubsub"),
            "redis: stopped for 3 s": self._redis_stopped,
            "worker: kill -9": self._with_worker(self._killed),
            "worker: SIGTERM": self._with_worker(self._replaced),
            "worker: SIGSTOP for 3 s": self._with_worker(self._stopped),
            "worker: redis silent for 4 s": self._with_worker(self._deaf),
            "worker: redis reset": self._with_worker(self._bus_reset),
            "clients: reset": self._with_worker(self._clients_reset),
            "clients: silent for 2 s": self._with_worker(self._clients_silent),
            "clients: 0.3 s late for 2 s": self._with_worker(self._clients_late),
        }

    async def make(self, name: str) -> None:
        """Make a fault, and come back when it is over."""
        self._cluster.fault(name)
        await self.faults[name]()

    def _with_worker(self, fault: Callable[[Worker], Awaitable[None]]) -> Fault:
        return lambda: fault(random.choice(self._cluster.workers))

    async def _say(self, *words: str) -> None:
        await self._redis.command(*words)

    async def _away(self) -> None:
        await self._postgres.stop()
        await asyncio.sleep(3)
        await self._postgres.start()

    async def _terminate(self) -> None:
        for pid in await self._postgres.backends(self._database):
            os.kill(pid, signal.SIGTERM)

    async def _redis_killed(self) -> None:
        await self._redis.stop()
        await asyncio.sleep(1)
        await self._redis.start()

    async def _redis_stopped(self) -> None:
        self._redis.pause()
        await asyncio.sleep(3)
        self._redis.resume()

    async def _killed(self, worker: Worker) -> None:
        await worker.restart()

    async def _replaced(self, worker: Worker) -> None:
        await worker.stop(signal.SIGTERM)
        await worker.start()

    async def _stopped(self, worker: Worker) -> None:
        worker.pause()
        await asyncio.sleep(3)
        worker.resume()

    async def _deaf(self, worker: Worker) -> None:
        assert worker.bus is not None
        worker.bus.silent = True
        await asyncio.sleep(4)
        worker.bus.silent = False

    async def _bus_reset(self, worker: Worker) -> None:
        assert worker.bus is not None
        worker.bus.reset()

    async def _clients_reset(self, worker: Worker) -> None:
        assert worker.front is not None
        worker.front.reset()

    async def _clients_silent(self, worker: Worker) -> None:
        assert worker.front is not None
        worker.front.silent = True
        await asyncio.sleep(2)
        worker.front.silent = False

    async def _clients_late(self, worker: Worker) -> None:
        assert worker.front is not None
        worker.front.delay = 0.3
        await asyncio.sleep(2)
        worker.front.delay = 0
