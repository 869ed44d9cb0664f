"""Jobs: work on the copies of one notification that is done part by part, by whichever worker has time.

A part and the mark that it is done are one transaction: after a crash nothing is missing and nothing is there twice.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any, Literal

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import StoreUnavailable
from notifs.store import copies, topics
from notifs.store.database import Database
from notifs.store.drafts import Draft
from notifs.store.feed import Entry
from notifs.store.mailbox import Change
from notifs.store.many import among
from notifs.store.models import CONTENT, Job, JobPart, Notification, Receipt, new_id, utcnow

PART = 100
"""Copies in a part: what one step makes or changes, or a multiple of it."""
SOON, LATER = timedelta(seconds=1), timedelta(seconds=10)
"""When a job is tried again that the store could not do just then, and one that went wrong."""

What = Literal["send", "update", "retract"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the sending of a notification is, when it goes to many or later."""

    id: str
    act: What
    notification: str
    total: int
    """Recipients, as far as they were known when it began."""
    done: int
    due_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of a job did."""

    job: uuid.UUID
    act: What
    notification: uuid.UUID
    kind: str
    recipients: Sequence[str]
    changes: Sequence[Change]
    """Of those recipients who are here, if it can be told at once what changed for them."""
    expired: bool = False
    """By this step the notification was taken back, since its end has come."""


def new_job() -> uuid.UUID:
    """The id of a job to be."""
    return new_id()


async def add(connection: AsyncConnection, act: What, draft: Draft, total: int, id: uuid.UUID) -> None:
    """A job that sends a draft, now or at its time."""
    await _insert(connection, id, act, draft.id, draft.send_at or utcnow(), total)
    named = [draft.recipients[n : n + PART] for n in range(0, len(draft.recipients), PART)]
    parts = [_part(id, recipients=list(some)) for some in named]
    parts += [_part(id, topic=topic, exclude=list(draft.exclude) or None) for topic in draft.topics]
    if parts:
        await connection.execute(insert(JobPart), [{**part, "number": n} for n, part in enumerate(parts)])


async def over_copies(
    connection: AsyncConnection, act: What, notification: uuid.UUID, *, total: int = 0, due_at: datetime | None = None
) -> uuid.UUID:
    """A job that updates or retracts every copy that there is when it is done."""
    id = new_job()
    await _insert(connection, id, act, notification, due_at or utcnow(), total)
    await connection.execute(insert(JobPart), {**_part(id), "number": 0})
    return id


async def expire(connection: AsyncConnection, notification: uuid.UUID, at: datetime | None) -> None:
    """Let the notification end at this moment, or never, instead of when it was to end until now.

    It has not ended yet, even if it is high time, and is locked.
    """
    pending = (Job.notification_id == notification, Job.act == "retract", Job.finished_at.is_(None))
    ended = update(Job).where(*pending).values(finished_at=utcnow()).returning(Job.id)
    if ids := list((await connection.execute(ended)).scalars()):
        await connection.execute(delete(JobPart).where(JobPart.job_id.in_(ids)))
    if at is not None:
        await over_copies(connection, "retract", notification, due_at=at)


async def end(connection: AsyncConnection, notifications: Sequence[uuid.UUID]) -> None:
    """What is still to be done for these notifications is not to be done any more; waits for what is being done."""
    unfinished = (Job.notification_id.in_(notifications), Job.finished_at.is_(None))
    ids = list(
        (await connection.execute(select(Job.id).where(*unfinished).order_by(Job.id).with_for_update())).scalars()
    )
    if ids:
        await _finish(connection, ids)


_NEXT = select(Job.due_at).where(Job.finished_at.is_(None)).order_by(Job.due_at).limit(1)


class Jobs:
    """The jobs of a database.

    Args:
        database: where they are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def one(self, id: uuid.UUID) -> Progress | None:
        """How far a job is; None if it is not known."""
        return await self._database.read(lambda c: _progress(c, Job.id == id))

    async def of(self, notification: uuid.UUID) -> Progress | None:
        """How far the sending of a notification is; None if all had it at once."""
        return await self._database.read(lambda c: _progress(c, Job.notification_id == notification, Job.act == "send"))

    async def next_due(self) -> datetime | None:
        """When there is something to do; None if there is nothing."""

        async def work(connection: AsyncConnection) -> datetime | None:
            return (await connection.execute(_NEXT)).scalar_one_or_none()

        return await self._database.read(work)

    async def step(self, here: Callable[[Sequence[str]], list[str]], parts: int = 1) -> Step | None:
        """Do a part of the job that has waited for longest, or several; None if nothing is due.

        One that goes wrong is put off, so that the others do not wait for it, and what was wrong is raised.

        Args:
            here: those of some recipients who want to be told at once what changed.
            parts: how many, at most.
        """
        tried: list[uuid.UUID] = []
        try:
            return await self._database.write(lambda c: _step(c, here, parts, tried))
        except Exception as error:
            # Perhaps all is away, perhaps only somebody has locked one of its mailboxes.
            wait = SOON if isinstance(error, StoreUnavailable) else LATER
            if tried:
                await self._database.write(lambda c: _put_off(c, tried[-1], wait))
            raise


async def _finish(connection: AsyncConnection, ids: Sequence[uuid.UUID]) -> None:
    await connection.execute(delete(JobPart).where(JobPart.job_id.in_(ids)))
    await connection.execute(update(Job).where(Job.id.in_(ids)).values(finished_at=utcnow()))


async def _put_off(connection: AsyncConnection, id: uuid.UUID, wait: timedelta) -> None:
    await connection.execute(update(Job).where(Job.id == id).values(due_at=utcnow() + wait))


async def _insert(
    connection: AsyncConnection, id: uuid.UUID, act: What, notification: uuid.UUID, due_at: datetime, total: int
) -> None:
    values = {"id": id, "act": act, "notification_id": notification, "due_at": due_at, "created_at": utcnow()}
    await connection.execute(insert(Job), {**values, "total": total, "done": 0})


def _part(job: uuid.UUID, **values: Any) -> dict[str, Any]:
    return {"job_id": job, "recipients": None, "topic": None, "exclude": None, "after": "", **values}


async def _progress(connection: AsyncConnection, *where: Any) -> Progress | None:
    found = select(Job.__table__).where(*where).order_by(Job.created_at.desc()).limit(1)
    job = (await connection.execute(found)).one_or_none()
    if job is None:
        return None
    return Progress(str(job.id), job.act, str(job.notification_id), job.total, job.done, job.due_at, job.finished_at)


async def _step(
    connection: AsyncConnection, here: Callable[[Sequence[str]], list[str]], count: int, tried: list[uuid.UUID]
) -> Step | None:
    now = utcnow()
    due = select(Job.__table__).where(Job.finished_at.is_(None), Job.due_at <= now).order_by(Job.due_at).limit(1)
    job = (await connection.execute(due.with_for_update(skip_locked=True))).one_or_none()
    if job is None:
        return None
    tried.append(job.id)
    # Shared with other steps, but not with who changes or takes back the notification.
    found = select(*CONTENT, Notification.retracted_at).where(Notification.id == job.notification_id)
    notification = (await connection.execute(found.with_for_update(read=True))).one()
    parts = select(JobPart.__table__).where(JobPart.job_id == job.id).order_by(JobPart.number).limit(count + 1)
    left = (await connection.execute(parts)).all()
    if not left or (job.act != "retract" and notification.retracted_at is not None):
        await _finish(connection, [job.id])
        return Step(job.id, job.act, job.notification_id, notification.kind, (), ())
    changes: list[Change] = []
    if job.act == "send":
        recipients, ended = await _send(connection, job, left, count)
        changes = await _changes(connection, notification, here(recipients))
    else:
        recipients, ended = await _change(connection, job, left[0], count)
    if ended:
        done = JobPart.number <= left[ended - 1].number
        await connection.execute(delete(JobPart).where(JobPart.job_id == job.id, done))
    finished = now if ended == len(left) else None
    # To the end of the queue: others have waited for longer now.
    values = {"done": Job.done + len(recipients), "due_at": now, "finished_at": finished}
    await connection.execute(update(Job).where(Job.id == job.id).values(**values))
    expired = job.act == "retract" and notification.retracted_at is None
    return Step(job.id, job.act, job.notification_id, notification.kind, recipients, changes, expired)


async def _send(
    connection: AsyncConnection, job: Row[Any], parts: Sequence[Row[Any]], count: int
) -> tuple[list[str], int]:
    """Make the copies of some parts, or of some of one. Returns for whom, and how many parts are done."""
    named = list(takewhile(lambda part: part.topic is None, parts[:count]))
    recipients, ended = [recipient for part in named for recipient in part.recipients], len(named)
    if not named:
        recipients, ended = await _next_followers(connection, job, parts[0], count * PART)
    if recipients:
        await copies.make(connection, job.notification_id, recipients)
    return recipients, ended


async def _next_followers(
    connection: AsyncConnection, job: Row[Any], part: Row[Any], limit: int
) -> tuple[list[str], int]:
    exclude = part.exclude or ()
    page = await topics.followers(connection, [part.topic], after=part.after, limit=limit, exclude=exclude)
    if len(page) == limit:
        await _move(connection, part, page[-1])
    return await _without_copy(connection, job.notification_id, page), int(len(page) < limit)


async def _without_copy(connection: AsyncConnection, notification: uuid.UUID, recipients: list[str]) -> list[str]:
    """Those who were not named in an earlier part as well."""
    have = select(Receipt.recipient).where(Receipt.notification_id == notification)
    rows = await connection.execute(have.where(among(connection, Receipt.recipient, recipients)))
    known = set(rows.scalars())
    return [recipient for recipient in recipients if recipient not in known]


async def _change(connection: AsyncConnection, job: Row[Any], part: Row[Any], count: int) -> tuple[list[str], int]:
    """Update or retract some copies. Returns whose, and 1 if there are no more."""
    if job.act == "retract" and part.after == "":
        await connection.execute(
            update(Notification).where(Notification.id == job.notification_id).values(**copies.blank())
        )
    recipients = await copies.holders(connection, job.notification_id, part.after, count * PART)
    if recipients:
        work = copies.retract if job.act == "retract" else copies.touch
        await work(connection, job.notification_id, recipients)
        await _move(connection, part, recipients[-1])
    return recipients, int(len(recipients) < count * PART)


async def _move(connection: AsyncConnection, part: Row[Any], after: str) -> None:
    where = (JobPart.job_id == part.job_id, JobPart.number == part.number)
    await connection.execute(update(JobPart).where(*where).values(after=after))


async def _changes(connection: AsyncConnection, notification: Sequence[Any], recipients: list[str]) -> list[Change]:
    content = tuple(notification)[: len(CONTENT)]
    heads = await copies.heads(connection, recipients) if recipients else {}
    return [Change(r, h.revision - 1, h, True, (Entry.fresh(content, h.revision),), 1) for r, h in heads.items()]
