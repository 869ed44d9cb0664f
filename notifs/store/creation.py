"""Creating notifications: those that come at the same time share a transaction and its statements."""

from collections import Counter
from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import IdempotencyConflict, InvalidNotification
from notifs.store import announcements, copies, dedupe, idempotency, jobs, topics
from notifs.store.drafts import DIRECT, Draft, Outcome, Sent
from notifs.store.feed import Entry, Head
from notifs.store.mailbox import Change
from notifs.store.models import CONTENT, Notification, Receipt
from notifs.store.rows import insert_rows

_content = itemgetter(*(column.key for column in CONTENT))
_NOTIFICATIONS: Any = Notification.__table__
_RECEIPTS: Any = Receipt.__table__

COPIES = 2000
"""Copies that are made in one transaction, if more than one notification goes into it."""

HURRY_SECONDS = 1.0
"""How long several notifications wait for a mailbox that another transaction has locked."""

Answer = Outcome | Exception
"""What becomes of a draft: it is stored, or this is to be raised."""


def is_simple(draft: Draft) -> bool:
    """Whether it can be stored together with others: all it needs is known beforehand."""
    later = draft.columns["send_at"] or draft.columns["dedupe_key"]
    return not (draft.topics or later or len(draft.recipients) > DIRECT)


def chunks(drafts: Sequence[Draft]) -> Iterator[list[Draft]]:
    """The drafts in parts that each go into a transaction."""
    chunk: list[Draft] = []
    count = 0
    for draft in drafts:
        if chunk and count + len(draft.recipients) > COPIES:
            yield chunk
            chunk, count = [], 0
        chunk.append(draft)
        count += len(draft.recipients)
    yield chunk


async def hurry(connection: AsyncConnection) -> None:
    """Do not wait for long in this transaction: others wait for it."""
    if connection.dialect.name != "sqlite":  # where who writes has all that there is
        await connection.exec_driver_sql(f"SET LOCAL lock_timeout = {HURRY_SECONDS * 1000:.0f}")


async def together(connection: AsyncConnection, drafts: Sequence[Draft]) -> list[Answer]:
    """Store simple notifications, and the copies of their recipients. Each has an answer of its own."""
    told = [Sent(str(draft.id), len(draft.recipients), None) for draft in drafts]
    repeated: dict[int, Answer] = {}
    keyed = [(n, draft.key) for n, draft in enumerate(drafts) if draft.key]
    if keyed:
        claims = [(key, _answer(told[n])) for n, key in keyed]
        for (n, _), known in zip(keyed, await idempotency.claim(connection, claims), strict=True):
            if known is not None:
                repeated[n] = known if isinstance(known, IdempotencyConflict) else Outcome(_repeated(known))
    made = iter(await _make(connection, [draft for n, draft in enumerate(drafts) if n not in repeated]))
    return [repeated[n] if n in repeated else Outcome(sent, next(made)) for n, sent in enumerate(told)]


async def alone(connection: AsyncConnection, draft: Draft) -> Outcome:
    """Store a notification of any sort: for the followers of topics, for many, for later, or in place of another.

    Raises:
        IdempotencyConflict: its key stands for another one; nothing was written.
        InvalidNotification: `dedupe_key` goes with few recipients only.
    """
    draft, count = await _with_followers(connection, draft)
    large = bool(draft.topics) or len(draft.recipients) > DIRECT
    if large and draft.dedupe_key:
        raise InvalidNotification(f"dedupe_key: goes with at most {DIRECT} recipients, these are {count}")
    earlier = await dedupe.find(connection, draft) if draft.dedupe_key else None
    job = jobs.new_job() if large or draft.send_at else None
    sent = Sent(str(earlier or draft.id), count, str(job) if job else None)
    if draft.key:
        (known,) = await idempotency.claim(connection, [(draft.key, _answer(sent))])
        if isinstance(known, IdempotencyConflict):
            raise known
        if known is not None:
            return Outcome(_repeated(known))
    if earlier is not None:
        return Outcome(sent, touched=await dedupe.renew(connection, earlier, draft))
    if job is None:
        (changes,) = await _make(connection, [draft])
        return Outcome(sent, changes)
    await connection.execute(insert(Notification), draft.columns)
    await jobs.add(connection, "send", draft, count, job)
    await _expire(connection, [draft])
    return Outcome(sent)


async def announce(connection: AsyncConnection, draft: Draft) -> Sent:
    """Store a notification for everyone: one row, and its number. Each mailbox takes it in when it is next read.

    Raises:
        IdempotencyConflict: its key stands for another one; nothing was written.
    """
    sent = Sent(str(draft.id), 0, None)
    if draft.key:
        (known,) = await idempotency.claim(connection, [(draft.key, _answer(sent))])
        if isinstance(known, IdempotencyConflict):
            raise known
        if known is not None:
            return _repeated(known)
    await connection.execute(insert(Notification), draft.columns)
    await announcements.announce(connection, draft.id, draft.expires_at)
    await _expire(connection, [draft])
    return sent


async def _with_followers(connection: AsyncConnection, draft: Draft) -> tuple[Draft, int]:
    """The draft with the followers of its topics named, if they are few; and how many it is for."""
    if not draft.topics:
        return draft, len(draft.recipients)
    count = await topics.count(connection, draft.topics)
    if draft.send_at or count + len(draft.recipients) > DIRECT:
        return draft, count + len(draft.recipients)
    followers = await topics.followers(connection, draft.topics, after="", limit=DIRECT, exclude=draft.exclude)
    recipients = sorted({*draft.recipients, *followers})
    return draft._replace(recipients=recipients, topics=()), len(recipients)


async def _make(connection: AsyncConnection, drafts: Sequence[Draft]) -> list[list[Change]]:
    if not drafts:
        return []
    names = tuple(drafts[0].columns)
    await insert_rows(connection, _NOTIFICATIONS, names, map(itemgetter(*names), (draft.columns for draft in drafts)))
    await _expire(connection, drafts)
    wanted = Counter(recipient for draft in drafts for recipient in draft.recipients)
    if not wanted:
        return [[] for _ in drafts]
    heads = await copies.advance(connection, wanted)
    receipts: list[tuple[Any, ...]] = []
    made = []
    for draft in drafts:
        changes = [_next(heads, wanted, draft, recipient) for recipient in draft.recipients]
        made.append(changes)
        id = draft.id
        receipts += [(recipient, head.revision, head.revision, id) for recipient, _, head, *_ in changes]
    await insert_rows(connection, _RECEIPTS, ("recipient", "position", "revision", "notification_id"), receipts)
    return made


def _next(heads: dict[str, Head], left: Counter[str], draft: Draft, recipient: str) -> Change:
    """The recipient's next step towards the head, which several of the drafts may share."""
    left[recipient] -= 1
    end, back = heads[recipient], left[recipient]
    head = Head(end.revision - back, end.unread - back, end.unseen - back)
    return Change(recipient, head.revision - 1, head, True, (entry(draft, head.revision),), 1)


def entry(draft: Draft, position: int) -> Entry:
    """The line that it is in a feed."""
    return Entry.fresh(_content(draft.columns), position)


async def _expire(connection: AsyncConnection, drafts: Sequence[Draft]) -> None:
    for draft in drafts:
        if draft.expires_at is not None:
            await jobs.expire(connection, draft.id, draft.expires_at)


def _answer(sent: Sent) -> dict[str, Any]:
    return {"id": sent.id, "recipients": sent.recipients, "job": sent.job}


def _repeated(answer: dict[str, Any]) -> Sent:
    return Sent(answer["id"], answer.get("recipients", 0), answer.get("job"), new=False)
