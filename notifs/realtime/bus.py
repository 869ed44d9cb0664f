"""Channels over Redis between the workers of one deployment. What is sent may be lost, doubled or late.

Two connections: one hears, one speaks. A worker that does not hear its own canary any more is cut off, whatever the
connections say; it begins anew, and again, until it hears it.
"""

import asyncio
import contextlib
import math
import random
import secrets
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import structlog
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

log = structlog.get_logger("notifs.bus")
CANARY_SECONDS = 0.5
"""Between two canaries."""
DEAF_SECONDS = 2.5
"""After so long without a canary the link is given up."""
LINK_SECONDS = 1.0
"""How long Redis may take to let us in."""
ANSWER_SECONDS = 2.0
"""How long Redis may take to answer a publication."""
RETRY_SECONDS = (0.1, 0.4)
"""Between two tries to link, at random, so that workers do not come back as one."""
CHUNK = 500
"""Channels or messages in one write."""
MOST_WAITING = 2_000
"""Messages that wait to be published; the oldest go first, for the head check does their work."""

Heard = Callable[[str, bytes], None]


class RedisBus:
    """Channels over Redis. Nothing here raises because of Redis, and nobody waits for it longer than a moment.

    Args:
        url: of the server.
        prefix: what the names of all channels begin with.
        heard: called with the channel and the data of each message.
        restored: called when the link is whole again: what was said meanwhile is lost.
    """

    def __init__(self, url: str, prefix: str, *, heard: Heard, restored: Callable[[], None]) -> None:
        self._url = url
        self._prefix = prefix
        self._heard = heard
        self._restored = restored
        self._canary = f"canary:{secrets.token_hex(8)}"
        self._wanted: set[str] = {self._canary}
        self._asked: set[str] = set()
        self._active: set[str] = set()
        self._stirred: dict[str, None] = {}
        """Channels whose subscription may have to change, in the order in which that was found."""
        self._confirmed = asyncio.Event()
        self._outgoing: deque[tuple[str, bytes]] = deque(maxlen=MOST_WAITING)
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._heard_at = 0.0
        self._up = False
        self._ever_up = False
        self._verbs = ("SUBSCRIBE", "UNSUBSCRIBE", "PUBLISH")
        self._task: asyncio.Task[None] | None = None

    @property
    def state(self) -> str:
        return "up" if self._up else "cut off"

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Say what waits to be said, if it goes quickly, and hang up."""
        await self.flush()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def flush(self) -> None:
        """Wait until what was published has gone out, but not for long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINK_SECONDS):
                await self._idle.wait()

    def join(self, channel: str) -> None:
        """Hear this channel from now on."""
        self._wanted.add(channel)
        self._stir(channel)

    def leave(self, channel: str) -> None:
        """Do not hear it any more."""
        self._wanted.discard(channel)
        self._stir(channel)

    async def joined(self, channels: Iterable[str]) -> None:
        """Wait until these channels are heard; not longer than a moment, and not at all while the link is down."""
        missing = set(channels)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINK_SECONDS):
                while self._up and (missing := {c for c in missing if c in self._wanted and c not in self._active}):
                    self._confirmed.clear()
                    await self._confirmed.wait()

    def publish(self, channel: str, data: bytes) -> None:
        """Say it to whoever hears the channel, or to nobody."""
        self.start()  # a process that only produces has not done so
        self._outgoing.append((channel, data))
        self._idle.clear()
        self._work.set()

    def _stir(self, channel: str) -> None:
        self._stirred[channel] = None
        self._work.set()

    async def _run(self) -> None:
        while True:
            try:
                async with self._link() as (ear, mouth), asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._hear(ear))
                    tasks.create_task(self._speak(ear, mouth))
                    tasks.create_task(self._watch())
            except Exception as error:
                self._lost(error)
            await asyncio.sleep(random.uniform(*RETRY_SECONDS))  # noqa: S311

    def _lost(self, error: Exception) -> None:
        if self._up or not self._ever_up:
            reason = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
            log.warning("cut off from Redis; changes are looked for in the store", error=repr(reason))
        self._ever_up = True  # said once
        self._up = False
        self._confirmed.set()
        self._idle.set()  # nothing goes out for now: nobody shall wait for it

    @contextlib.asynccontextmanager
    async def _link(self) -> AsyncIterator[tuple[Any, Any]]:
        """Both connections, with nothing asked for yet."""
        # Redis 2 of the protocol: messages are plain answers. No timeout on reading: the canary watches over that.
        options = {"protocol": 2, "socket_timeout": None, "socket_connect_timeout": LINK_SECONDS}
        pool: Any = ConnectionPool.from_url(self._url, retry=Retry(NoBackoff(), 0), health_check_interval=0, **options)
        ear, mouth = pool.make_connection(), pool.make_connection()
        try:
            async with asyncio.timeout(LINK_SECONDS):
                await ear.connect()
                await mouth.connect()
                self._verbs = await _verbs(mouth)
            self._asked, self._active = set(), set()
            # The canary comes last: once it is heard, so is everything else.
            self._stirred = dict.fromkeys([*(self._wanted - {self._canary}), self._canary])
            self._heard_at = asyncio.get_running_loop().time()
            self._work.set()
            yield ear, mouth
        finally:
            for connection in (ear, mouth):
                await connection.disconnect(nowait=True)

    async def _hear(self, ear: Any) -> None:
        join, leave = (verb.lower().encode() for verb in self._verbs[:2])
        while True:
            what, channel, data = await ear.read_response(timeout=math.inf, disconnect_on_error=False)
            name = channel.decode().removeprefix(self._prefix)
            if what == join:
                self._active.add(name)
                self._confirmed.set()
            elif what == leave:
                self._active.discard(name)
            elif name == self._canary:
                self._canary_heard()
            else:
                self._heard(name, data)

    def _canary_heard(self) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        if not self._up:
            self._up = True
            log.info("linked to Redis")
            self._restored()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self.publish(self._canary, b"")
            await asyncio.sleep(CANARY_SECONDS)
            if loop.time() - self._heard_at > DEAF_SECONDS:
                raise ConnectionError("the canary is not heard any more")

    async def _speak(self, ear: Any, mouth: Any) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while self._stirred or self._outgoing:  # in turns: neither keeps the other waiting
                if self._stirred:
                    await self._subscribe(ear)
                if self._outgoing:
                    await self._say(mouth)
            self._idle.set()

    async def _subscribe(self, ear: Any) -> None:
        """Ask for some of the channels that are wanted and not asked for, and give back those that are not wanted."""
        some = list(self._stirred)[:CHUNK]
        for channel in some:
            del self._stirred[channel]
        join = [c for c in some if c in self._wanted and c not in self._asked]
        leave = [c for c in some if c not in self._wanted and c in self._asked]
        self._asked.update(join)
        self._asked.difference_update(leave)
        self._active.difference_update(leave)
        for verb, channels in zip(self._verbs, (join, leave), strict=False):
            if channels:
                commands = ear.pack_commands([(verb, self._prefix + channel) for channel in channels])
                await ear.send_packed_command(commands, check_health=False)

    async def _say(self, mouth: Any) -> None:
        count = min(len(self._outgoing), CHUNK)
        messages = [self._outgoing.popleft() for _ in range(count)]
        commands = [(self._verbs[2], self._prefix + channel, data) for channel, data in messages]
        async with asyncio.timeout(ANSWER_SECONDS):
            await mouth.send_packed_command(mouth.pack_commands(commands), check_health=False)
            for _ in messages:
                await mouth.read_response(timeout=math.inf, disconnect_on_error=False)


async def _verbs(connection: Any) -> tuple[str, str, str]:
    """How to subscribe, unsubscribe and publish: sharded where the server has that (Redis 7.0).

    Of a cluster one node is asked, which has only its own shards; there the ordinary way reaches every worker.
    """
    await connection.send_command("COMMAND", "INFO", "SPUBLISH")
    (sharded,) = await connection.read_response()
    await connection.send_command("INFO", "cluster")
    clustered = b"cluster_enabled:1" in await connection.read_response()
    if sharded and not clustered:
        return "SSUBSCRIBE", "SUNSUBSCRIBE", "SPUBLISH"
    return "SUBSCRIBE", "UNSUBSCRIBE", "PUBLISH"
