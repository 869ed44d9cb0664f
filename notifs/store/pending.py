"""What is to be done once a transaction of the caller's own is committed, and only then."""

from collections.abc import Callable

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session


def after_commit(session: AsyncSession, then: Callable[[], None]) -> None:
    """Call `then` once the session's transaction is committed; never, if it or a savepoint around it is rolled back."""
    sync_session = session.sync_session
    if _PENDING not in sync_session.info:
        sync_session.info[_PENDING] = []
        event.listen(sync_session, "after_commit", _committed)
        event.listen(sync_session, "after_rollback", _rolled_back)
    savepoints = []
    transaction = sync_session.get_nested_transaction()
    while transaction is not None:
        savepoints.append(transaction)
        transaction = transaction.parent
    sync_session.info[_PENDING].append((savepoints, then))


_PENDING = "notifs_after_commit"


def _committed(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint was released: nothing is committed yet
    pending, session.info[_PENDING] = session.info[_PENDING], []
    for _, then in pending:
        then()


def _rolled_back(session: Session) -> None:
    gone = session.get_nested_transaction()
    pending = session.info[_PENDING]
    session.info[_PENDING] = [each for each in pending if gone is not None and gone not in each[0]]
