"""`dedupe_key`: as long as one of the recipients has not read what was sent under it, that is brought up to date.

There is then no second one. Whoever it is sent to has it unread, also who had read it; others who have a copy see it
change, by a job if they are many.
"""

import uuid

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store import copies, jobs
from notifs.store.drafts import DIRECT, Draft
from notifs.store.many import among
from notifs.store.models import CONTENT, Notification, Receipt

_KEPT = {"id", "created_at"}


async def find(connection: AsyncConnection, draft: Draft) -> uuid.UUID | None:
    """The notification that the draft is to replace; None if there is none. Nobody else decides it meanwhile."""
    if connection.dialect.name != "sqlite":
        name = f"{draft.producer}\n{draft.dedupe_key}"
        await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    statement = (
        select(Notification.id)
        .join(Receipt, Receipt.notification_id == Notification.id)
        .where(Notification.producer == draft.producer, Notification.dedupe_key == draft.dedupe_key)
        .where(Notification.retracted_at.is_(None), among(connection, Receipt.recipient, draft.recipients))
        .where(Receipt.read_at.is_(None), Receipt.archived_at.is_(None))
        .order_by(Notification.id.desc())
        .limit(1)
        # Lest it is taken back, or ends, before it is renewed.
        .with_for_update(of=Notification, key_share=True)
    )
    return (await connection.execute(statement)).scalar_one_or_none()


async def renew(connection: AsyncConnection, id: uuid.UUID, draft: Draft) -> list[str]:
    """Give the notification the draft's content. Returns whose mailboxes changed."""
    content = {c.key: draft.columns[c.key] for c in CONTENT if c.key not in _KEPT}
    subject = {name: draft.columns[name] for name in ("subject_type", "subject_id")}
    changed = update(Notification).where(Notification.id == id)
    await connection.execute(changed.values(**content, **subject, version=Notification.version + 1))
    await jobs.expire(connection, id, draft.expires_at)
    wanted = set(draft.recipients)
    others = set(await copies.holders(connection, id)) - wanted
    if len(others) > DIRECT:
        await jobs.over_copies(connection, "update", id)
        others = set()
    await copies.lock(connection, wanted | others)
    holders = set(await copies.holders(connection, id))  # some may have gone while we waited
    await copies.renew(connection, id, sorted(holders & wanted))
    await copies.touch(connection, id, sorted(holders & others))
    await copies.make(connection, id, sorted(wanted - holders))
    return sorted(wanted | others)
