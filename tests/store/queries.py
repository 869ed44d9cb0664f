"""What tests of queries share: a store with something in it, what is asked of it, and how the database finds it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, event, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store.database import Database
from notifs.store.models import CONTENT, Announcement, Mailbox, Notification, Receipt, Session, User, new_id, utcnow
from tests.samples import notification


async def fill(database: Database) -> None:
    """50 mailboxes of 400 copies, 5,000 empty ones, 400 announcements, 2,000 people who are signed in."""
    now, content = utcnow(), notification(body="x" * 200)
    columns = {column.key: getattr(content, column.key) for column in CONTENT}
    ids = [new_id() for _ in range(50 * 400)]
    untils = [now + timedelta(days=n % 40 - 3) if n % 4 == 3 else None for n in range(50 * 400)]
    receipts = [
        {
            "recipient": f"user-{n % 50}",
            "position": n // 50 + 1,
            "revision": n // 50 + 1,
            "notification_id": id,
            "seen_at": now if n % 3 else None,
            "read_at": now if n % 5 else None,
            "archived_at": untils[n] or (now if n % 2 else None),
            "snoozed_until": untils[n],
        }
        for n, id in enumerate(ids)
    ]
    counted = dict.fromkeys(("revision", "unread", "unseen", "announced_through"), 400)
    mailboxes = [{"recipient": f"user-{n}", **counted} for n in range(5050)]
    people = [
        {"id": new_id(), "email": f"{n}@example.org", "name": f"{n}", "password_hash": "", "created_at": now}
        for n in range(2000)
    ]
    sessions = [
        {"token_hash": f"{n:064}", "user_id": person["id"], "created_at": now, "expires_at": now + timedelta(days=1)}
        for n, person in enumerate(people)
    ]
    announcements = [{"number": n, "notification_id": id, "until": now} for n, id in enumerate(ids[:400], 1)]
    async with database.session() as session:
        connection = await session.connection()
        await connection.execute(insert(Notification), [{**columns, "id": id} for id in ids])
        await connection.execute(insert(Receipt), receipts)
        await connection.execute(insert(Mailbox), mailboxes)
        await connection.execute(insert(Announcement), announcements)
        await connection.execute(insert(User), people)
        await connection.execute(insert(Session), sessions)
        if not database.sqlite:  # where nobody does it by himself
            await connection.execute(text("ANALYZE"))


LARGE = 10_000


async def one_large(database: Database) -> None:
    """300 mailboxes with 60 copies that nobody has read, and the one of "large" with LARGE."""
    content = notification(body="x" * 500)
    columns = {column.key: getattr(content, column.key) for column in CONTENT}
    ids = [new_id() for _ in range(LARGE)]
    places = [("large", n) for n in range(LARGE)] + [(f"user-{n % 300}", n // 300) for n in range(300 * 60)]
    receipts = [
        {"recipient": recipient, "position": n + 1, "revision": n + 1, "notification_id": ids[n]}
        for recipient, n in places
    ]
    async with database.session() as session:
        connection = await session.connection()
        await connection.execute(insert(Notification), [{**columns, "id": id} for id in ids])
        await connection.execute(insert(Receipt), receipts)
        mailbox = {"recipient": "large", **dict.fromkeys(("revision", "unread", "unseen"), LARGE)}
        await connection.execute(insert(Mailbox), mailbox)
        if not database.sqlite:
            await connection.execute(text("ANALYZE"))


@contextmanager
def recorded() -> Iterator[list[tuple[str, Any]]]:
    """Queries, updates and deletions, as they are given to the driver."""
    statements: list[tuple[str, Any]] = []

    def record(_: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE")):
            statements.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", record)
    yield statements
    event.remove(Engine, "before_cursor_execute", record)


async def explain(statement: str, parameters: Any, connection: AsyncConnection) -> str:
    """How the database carries out a statement, beneath the statement itself."""
    how = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    rows = await connection.exec_driver_sql(f"{how} {statement}", parameters)
    return "\n".join([statement, *(str(row[-1]) for row in rows)])
