"""Tells the outside what happens: events as Standard Webhooks, signed, tried again, and never led astray.

Deliveries wait in the store. Each worker looks for those that are due, claims some, sends them and settles them; what
a worker that died had claimed comes back by itself. So each is delivered at least once, in no order that is promised.
"""

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial

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
SOON = (0.02, 0.1, 0.3)
"""Waits before it looks for what was written here: the transaction has ended by one of them, as a rule."""
LANE = 8
"""Requests to one webhook at a time, of one worker. One that is slow delays its own deliveries and no others."""
LEASE = timedelta(seconds=60)
"""How long a claim holds: longer than any try takes."""
GRACE_SECONDS = 5.0
"""How long requests that are under way may take when the worker stops."""
GONE = 410

log = structlog.get_logger("notifs.outbound")


class Outbound:
    """Sends deliveries to webhooks, while it is started.

    Args:
        webhooks: where they are stored.
        signals: told how deliveries ended.
        secret_key: what the secrets of webhooks are derived from.
        networks: where webhooks may lead, beside the outside.
        resolve: resolves the names of hosts.
        tls: which certificates are believed; those of the system unless given.
        lease: how long a claim holds.
    """

    def __init__(
        self,
        webhooks: Webhooks,
        signals: Signals,
        secret_key: str,
        *,
        networks: Sequence[Network] = (),
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        lease: timedelta = LEASE,
    ) -> None:
        self._webhooks = webhooks
        self._signals = signals
        self._secret_key = secret_key
        self._border = Border(networks, resolve)
        self._post = Post(tls)
        self._lease = lease
        self._lanes: dict[str, asyncio.Task[None]] = {}
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
        return secret_of(self._secret_key, id)

    def start(self) -> None:
        """Begin to look for what is due."""
        self._stopping = False
        self._looking = asyncio.create_task(self._look_always())

    async def close(self) -> None:
        """Look for no more, and finish what is under way; what takes too long is left to others."""
        self._stopping = True
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking
        lanes = list(self._lanes.values())
        if lanes:
            _, late = await asyncio.wait(lanes, timeout=GRACE_SECONDS)
            for lane in late:
                lane.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _look_always(self) -> None:
        waits = iter(SOON)
        while True:
            await self._look()
            wait = next(waits, None)
            if wait is not None:
                await asyncio.sleep(wait)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._webhooks.written.wait()
                self._webhooks.written.clear()
                waits = iter(SOON)

    async def _look(self) -> None:
        """Open a lane for each webhook that something is due for and that has none."""
        try:
            hooks = await self._webhooks.due()
        except NotifsError as error:
            log.warning("cannot look for deliveries", error=error.message)
            return
        for hook in hooks:
            if hook.id not in self._lanes:
                lane = self._lanes[hook.id] = asyncio.create_task(self._run_lane(hook))
                lane.add_done_callback(partial(self._forget, hook.id))

    def _forget(self, id: str, lane: asyncio.Task[None]) -> None:
        del self._lanes[id]

    async def _run_lane(self, hook: Hook) -> None:
        """Send what is due to one webhook, some at a time, until there is no more."""
        try:
            while not self._stopping and (claims := await self._webhooks.claim(hook, LANE, self._lease)):
                place = await self._find(hook)
                await asyncio.gather(*(self._deliver(hook, claim, place) for claim in claims))
        except NotifsError as error:
            log.warning("cannot claim deliveries", webhook=hook.id, error=error.message)
        except Exception:
            log.exception("a webhook's deliveries stopped unexpectedly", webhook=hook.id)

    async def _find(self, hook: Hook) -> Place | Refused:
        try:
            return await self._border.find(hook.url)
        except Refused as error:
            return error

    async def _deliver(self, hook: Hook, claim: Claim, place: Place | Refused) -> None:
        """Send it, and write down what became of it. If that cannot be done it comes back, and is sent again."""
        try:
            await self._try(hook, claim, place)
        except asyncio.CancelledError:
            await self._webhooks.settle(claim, error="the worker was stopped", again_at=utcnow())
            raise
        except NotifsError as error:
            log.warning("cannot settle a delivery", webhook=hook.id, delivery=str(claim.id), error=error.message)

    async def _try(self, hook: Hook, claim: Claim, place: Place | Refused) -> None:
        answer, error = await self._send(hook, claim, place)
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
        signed = headers(self.secret(hook.id), str(claim.id), utcnow(), claim.payload)
        try:
            answer = await self._post(place, claim.payload, signed)
        except TimeoutError:
            return None, "no answer in time"
        except httpx2.HTTPError as error:
            return None, f"{type(error).__name__}: {error}"[:200]
        return answer, None if 200 <= answer.status < 300 else f"answered {answer.status}"
