"""Webhooks: who outside wants to be told of events, and what is on its way to them.

A delivery is written in the transaction of the change that it tells of: a rollback leaves none, a kill loses none.
Who sends it claims it first. A claim is a number of the attempt and a time until which nobody else takes it up; who
has died, or was held up for so long that somebody else has, settles nothing any more.
"""

import asyncio
import secrets
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, exists, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import BadRequest, NotFound
from notifs.store.database import Database
from notifs.store.events import TYPES, Event
from notifs.store.models import Delivery, Webhook, new_id, utcnow

REFRESH_SECONDS = 2.0
"""How long a process goes by the list of webhooks that it has read."""
WEBHOOKS_LIMIT = 50
KEPT = timedelta(days=7)
"""How long a delivery is kept once it is finished."""

_OPEN = Delivery.finished_at.is_(None)
_DISABLED = "the webhook was disabled"


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook."""

    id: str
    url: str
    events: tuple[str, ...]
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that is the caller's to send, for some time."""

    id: uuid.UUID
    payload: str
    attempt: int
    """1 is the first."""


@dataclass(frozen=True, slots=True)
class Told:
    """How a delivery stands."""

    id: uuid.UUID
    webhook: str
    payload: str
    attempts: int
    next_at: datetime
    created_at: datetime
    finished_at: datetime | None
    error: str | None


class Webhooks:
    """Webhooks and their deliveries.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: tuple[Hook, ...] = ()
        self._known_until = 0.0
        self.stirred = asyncio.Event()
        """Set when something may be due: this process has written a delivery, in a transaction that may go on."""

    async def add(self, url: str, events: Sequence[str] = TYPES) -> Hook:
        """Make a webhook. The address is taken as it is: `Outbound.add` looks at it first.

        Raises:
            BadRequest: `invalid_webhook`: no such event, or there are enough of them.
        """
        wanted, wrong = tuple(name for name in TYPES if name in events), sorted(set(events) - set(TYPES))
        if wrong or not wanted:
            named = ", ".join(wrong) or "none"
            raise BadRequest(f"events: {named}; there are {', '.join(TYPES)}", code="invalid_webhook")
        hook = Hook(f"wh_{secrets.token_hex(8)}", url, wanted, None)

        async def work(connection: AsyncConnection) -> None:
            count = await connection.scalar(select(func.count()).select_from(Webhook))
            if (count or 0) >= WEBHOOKS_LIMIT:
                raise BadRequest(f"there are {count} webhooks already; remove one first", code="invalid_webhook")
            columns = {"id": hook.id, "url": url, "events": list(wanted), "created_at": utcnow()}
            await connection.execute(insert(Webhook).values(columns))

        await self._database.write(work)
        self._known_until = 0.0
        return hook

    async def all(self) -> list[Hook]:
        """All webhooks, the oldest first."""
        return await self._database.read(_hooks)

    async def remove(self, id: str) -> None:
        """Forget a webhook, and everything that is or was on its way to it.

        Raises:
            NotFound: there is no such webhook.
        """
        await self._database.write(lambda c: _one(c, delete(Webhook).where(Webhook.id == id), f"webhook {id}"))
        self._known_until = 0.0

    async def disable(self, id: str) -> None:
        """Tell a webhook nothing any more; what is on its way is given up.

        Raises:
            NotFound: there is no such webhook.
        """
        await self._database.write(lambda c: _disable(c, id))
        self._known_until = 0.0

    async def enable(self, id: str) -> None:
        """Tell a webhook of what happens from now on.

        Raises:
            NotFound: there is no such webhook.
        """
        statement = update(Webhook).where(Webhook.id == id).values(disabled_at=None)
        await self._database.write(lambda c: _one(c, statement, f"webhook {id}"))
        self._known_until = 0.0

    async def enqueue(self, connection: AsyncConnection, events: Iterable[Event]) -> None:
        """Write a delivery of each event for each webhook that wants it.

        Call it in the transaction of the change, once for all that happens there. Without a webhook it does nothing,
        but reads every two seconds whether there is one.
        """
        now, rows = utcnow(), []
        for event in events:
            enabled = await self._enabled(connection)
            if not enabled:
                break
            if hooks := [hook.id for hook in enabled if event.type in hook.events]:
                said = event.payload(now)
                rows += [{"hook": hook, "delivery": new_id(), "said": said, "now": now} for hook in hooks]
        if rows:
            await connection.execute(_ENQUEUE, rows)
            self.stirred.set()

    async def _enabled(self, connection: AsyncConnection) -> tuple[Hook, ...]:
        if time.monotonic() >= self._known_until:
            self._known = tuple(hook for hook in await _hooks(connection) if hook.disabled_at is None)
            self._known_until = time.monotonic() + REFRESH_SECONDS
        return self._known

    async def due(self) -> list[Hook]:
        """The webhooks that something is to be sent to now."""
        return await self._database.read(lambda c: _hooks(c, _DUE, now=utcnow()))

    async def claim(self, hook: Hook, limit: int, lease: timedelta) -> list[Claim]:
        """Take some of what is to be sent to a webhook now; until `lease` is over nobody else takes it."""

        async def work(connection: AsyncConnection) -> list[Claim]:
            now = utcnow()
            ours = select(Delivery.id).where(Delivery.webhook_id == hook.id, _OPEN, Delivery.next_at <= now)
            ours = ours.order_by(Delivery.next_at).limit(limit).with_for_update(skip_locked=True)
            ids = (await connection.execute(ours)).scalars().all()
            if not ids:
                return []
            taken = update(Delivery).where(Delivery.id.in_(ids))
            taken = taken.values(attempts=Delivery.attempts + 1, next_at=now + lease)
            rows = await connection.execute(taken.returning(Delivery.id, Delivery.payload, Delivery.attempts))
            return sorted((Claim(*row) for row in rows), key=lambda claim: claim.id)

        return await self._database.write(work)

    async def settle(
        self, claim: Claim, *, error: str | None = None, again_at: datetime | None = None, gone: bool = False
    ) -> bool:
        """Write down what became of a delivery. Returns False if it is not the caller's any more.

        Args:
            claim: the delivery.
            error: what was wrong; None: it is delivered.
            again_at: when it is to be tried again; None: never.
            gone: the webhook wants nothing any more and is disabled.
        """
        where = (Delivery.id == claim.id, Delivery.attempts == claim.attempt, _OPEN)
        end = {"finished_at": utcnow()} if again_at is None else {"next_at": again_at}

        settled = update(Delivery).where(*where).values(error=error, **end).returning(Delivery.webhook_id)

        async def work(connection: AsyncConnection) -> bool:
            hook = (await connection.execute(settled)).scalar_one_or_none()
            if hook is not None and gone:
                await _disable(connection, hook)
            return hook is not None

        ours = await self._database.write(work)
        if gone:
            self._known_until = 0.0
        return ours

    async def deliveries(self, *, failed: bool = False, limit: int = 100) -> list[Told]:
        """The newest deliveries, or only those that were given up."""
        statement = select(Delivery.__table__).order_by(Delivery.id.desc()).limit(limit)
        if failed:
            statement = statement.where(Delivery.finished_at.is_not(None), Delivery.error.is_not(None))

        async def work(connection: AsyncConnection) -> list[Told]:
            return [Told(*row) for row in await connection.execute(statement)]

        return await self._database.read(work)

    async def retry(self, id: uuid.UUID) -> None:
        """Send a delivery once more, now, and if that fails by the whole schedule; also one that has succeeded.

        To a webhook that is disabled nothing is sent before it is enabled.

        Raises:
            NotFound: there is no such delivery.
        """
        anew = {"attempts": 0, "next_at": utcnow(), "finished_at": None, "error": None}
        statement = update(Delivery).where(Delivery.id == id).values(anew)
        await self._database.write(lambda c: _one(c, statement, f"delivery {id}"))


def _enqueue() -> Any:
    # From the table itself: a webhook that was removed or disabled since its list was read gets nothing. The lock is
    # the one that the foreign key takes anyway; without it, one could be removed between the two.
    now = bindparam("now", type_=Delivery.created_at.type)
    said = bindparam("said", type_=Delivery.payload.type)
    columns = (bindparam("delivery", type_=Delivery.id.type), Webhook.id, said, literal(0), now, now)
    rows = select(*columns).where(Webhook.id == bindparam("hook"), Webhook.disabled_at.is_(None))
    rows = rows.with_for_update(read=True, key_share=True)
    names = ["id", "webhook_id", "payload", "attempts", "next_at", "created_at"]
    return insert(Delivery).from_select(names, rows, include_defaults=False)


_ENQUEUE = _enqueue()


_HOOKS = select(Webhook.id, Webhook.url, Webhook.events, Webhook.disabled_at).order_by(Webhook.created_at)
_WAITS = exists().where(
    Delivery.webhook_id == Webhook.id, _OPEN, Delivery.next_at <= bindparam("now", type_=Delivery.next_at.type)
)
_DUE = _HOOKS.where(Webhook.disabled_at.is_(None), _WAITS)


async def _hooks(connection: AsyncConnection, statement: Any = _HOOKS, **given: datetime) -> list[Hook]:
    rows = await connection.execute(statement, given)
    return [Hook(id, url, tuple(events), disabled_at) for id, url, events, disabled_at in rows]


async def _disable(connection: AsyncConnection, id: str) -> None:
    now = utcnow()
    await _one(connection, update(Webhook).where(Webhook.id == id).values(disabled_at=now), f"webhook {id}")
    on_its_way = update(Delivery).where(Delivery.webhook_id == id, _OPEN)
    await connection.execute(on_its_way.values(finished_at=now, error=_DISABLED))


async def _one(connection: AsyncConnection, statement: Any, name: str) -> None:
    result: Any = await connection.execute(statement)
    if result.rowcount == 0:
        raise NotFound(f"there is no {name}")
