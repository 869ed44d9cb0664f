"""Tells the outside what happens: events as Standard Webhooks, signed, tried again, and never led astray.

Deliveries wait in the store. Each worker looks for those that are due, claims some, sends them and settles them; what
a worker that died had claimed comes back by itself. So each is delivered at least once, in no order that is promised.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Coroutine, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

import httpx2
import structlog

from notifs.errors import NotifsError
from notifs.outbound.addresses import Border, Network, Place, Refused, Resolve
from notifs.outbound.post import Answer, Post
from notifs.outbound.schedule import again_at
from notifs.outbound.signing import headers, secret_of
from notifs.signals import Delivered, DeliveryFailed, Signals
from notifs.store.events import TYPES
from notifs.store.models import utcnow
from notifs.store.webhooks import Claim, Hook, Webhooks

LOOK_SECONDS = 1.0
"""How often a worker looks for what is due and was not written here just now."""
PACE = 0.02
"""Seconds between two looks at least."""
SOON = (0.1, 0.3)
"""When it looks again for what was written here: the transaction has ended by then, as a rule."""
LANE = 8
"""Requests to one webhook at a time, of one worker. One that is slow delays its own deliveries and no others."""
LEASE = timedelta(seconds=60)
"""How long a claim holds: longer than any try takes."""
GRACE_SECONDS = 5.0
"""How long requests that are under way may take when the worker stops."""
GONE = 410

T = TypeVar("T")
log = structlog.get_logger("notifs.outbound")


class Outbound:
    """Sends deliveries to webhooks, while it is started.

    Args:
        webhooks: where they are stored.
        signals: told how deliveries ended.
        secret_keys: what the secrets of webhooks are derived from, the one to give to receivers first.
        networks: where webhooks may lead, beside the outside.
        resolve: resolves the names of hosts.
        tls: which certificates are believed; those of the system unless given.
        lease: how long a claim holds.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        signals: Signals,
        secret_keys: Sequence[str],
        *,
        networks: Sequence[Network] = (),
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        lease: timedelta = LEASE,
    ) -> None:
        self._webhooks = webhooks
        self._signals = signals
        self._secret_keys = secret_keys
        self._border = Border(networks, resolve)
        self._post = Post(tls)
        self._lease = lease
        self._busy: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._stopping = False

    async def add(self, url: str, events: Sequence[str] = TYPES) -> Hook:
        """Make a webhook.

        Raises:
            BadRequest: `invalid_webhook`: the address may not be one, or there is no such event.
        """
        self._border.check(url)
        return await self._webhooks.add(url, events)

    def secret(self, id: str) -> str:
        """The secret of a webhook, for its receiver."""
        return secret_of(self._secret_keys[0], id)

    def start(self) -> None:
        """Begin to look for what is due."""
        self._stopping = False
        self._looking = asyncio.create_task(self._look_always())

    async def close(self) -> None:
        """Look for no more, and finish what is under way; what takes too long is left to others."""
        self._stopping = True
        self._webhooks.stirred.set()
        if self._looking is not None:
            await self._looking
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=GRACE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _look_always(self) -> None:
        waits, stirred = iter(SOON), self._webhooks.stirred
        while not self._stopping:
            await self._look()
            with suppress(TimeoutError):
                async with asyncio.timeout(next(waits, LOOK_SECONDS)):
                    await stirred.wait()
                stirred.clear()
                waits = iter(SOON)
                await asyncio.sleep(PACE)

    async def _look(self) -> None:
        """Begin to send what is due, as far as there is room."""
        try:
            for hook in await self._webhooks.due():
                room = LANE - self._busy[hook.id]
                claims = await self._webhooks.claim(hook, room, self._lease) if room and not self._stopping else ()
                if claims:
                    place = self._begin(self._find(hook))
                    self._busy[hook.id] += len(claims)
                    for claim in claims:
                        self._begin(self._deliver(hook, claim, place))
        except NotifsError as error:
            log.warning("cannot look for deliveries", error=error.message)
        except Exception:
            log.exception("looking for deliveries failed unexpectedly")

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        self._tasks.add(task := asyncio.create_task(work))
        task.add_done_callback(self._tasks.discard)
        return task

    async def _find(self, hook: Hook) -> Place | Refused:
        try:
            return await self._border.find(hook.url)
        except Refused as error:
            return error

    async def _deliver(self, hook: Hook, claim: Claim, place: Awaitable[Place | Refused]) -> None:
        """Send it, and write down what became of it. If that cannot be done it comes back, and is sent again."""
        try:
            await self._try(hook, claim, place)
        except asyncio.CancelledError:
            await self._webhooks.settle(claim, error="the worker was stopped", again_at=utcnow())
            raise
        except NotifsError as error:
            log.warning("cannot settle a delivery", webhook=hook.id, delivery=str(claim.id), error=error.message)
        except Exception:
            log.exception("a delivery failed unexpectedly", webhook=hook.id, delivery=str(claim.id))
        finally:
            self._busy[hook.id] -= 1
            self._webhooks.stirred.set()

    async def _try(self, hook: Hook, claim: Claim, place: Awaitable[Place | Refused]) -> None:
        answer, error = await self._send(hook, claim, await asyncio.shield(place))
        if error is None:
            if await self._webhooks.settle(claim):
                self._signals.send(Delivered(str(claim.id), hook.id))
            return
        log.info("a delivery failed", webhook=hook.id, delivery=str(claim.id), attempt=claim.attempt, error=error)
        gone = answer is not None and answer.status == GONE
        again = None if gone else again_at(claim.attempt, utcnow(), answer.retry_after if answer else None)
        ours = await self._webhooks.settle(claim, error=error, again_at=again, gone=gone)
        if ours and again is None:
            self._signals.send(DeliveryFailed(str(claim.id), hook.id, error))

    async def _send(self, hook: Hook, claim: Claim, place: Place | Refused) -> tuple[Answer | None, str | None]:
        """What was answered, if anything was, and what is wrong, if anything is."""
        if isinstance(place, Refused):
            return None, str(place)
        secrets = [secret_of(key, hook.id) for key in self._secret_keys]
        signed = headers(secrets, str(claim.id), utcnow(), claim.payload)
        try:
            answer = await self._post(place, claim.payload, signed)
        except TimeoutError:
            return None, "no answer in time"
        except httpx2.HTTPError as error:
            return None, f"{type(error).__name__}: {error}"[:200]
        return answer, None if 200 <= answer.status < 300 else f"answered {answer.status}"
