"""What a database's errors mean: it is away, it asks for another try, its tables are not ours, the work is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from notifs.errors import SchemaError, StoreUnavailable

log = structlog.get_logger("notifs.store")

GIVEN_UP = {"40001", "40P01"}
"""PostgreSQL's codes of a serialization failure and of a deadlock."""
LOCKED = "55P03"
"""PostgreSQL's code of a lock that was not to be had in time."""
WRONG_VALUES = "22"
"""How PostgreSQL's codes begin of what no value may be, like text with a NUL in it (SQL's class of data exceptions)."""
UNKNOWN_NAMES = {"42P01", "42703"}
"""PostgreSQL's codes of a table and of a column that is not there."""


def code(error: DBAPIError) -> str | None:
    """The SQLSTATE that PostgreSQL gave; None on SQLite, and where no server answered."""
    return getattr(error.orig, "sqlstate", None)


def may_succeed_now(error: DBAPIError) -> bool:
    """Whether PostgreSQL rolled back for the sake of another transaction, or of a migration that came between."""
    overtaken = type(error.orig).__name__ == "InvalidCachedStatementError"
    return code(error) in GIVEN_UP or overtaken


def is_locked(error: StoreUnavailable) -> bool:
    """Whether nothing else was wrong than that another transaction held a lock for too long."""
    cause = error.__cause__
    return isinstance(cause, DBAPIError) and code(cause) == LOCKED


@contextmanager
def translated(outages: tuple[type[Exception], ...] = (PoolTimeout, OSError)) -> Iterator[None]:
    """Turns a failure of the database itself into one of our errors; what the work raised passes through.

    Raises:
        StoreUnavailable: the database is away, too busy, or full.
        SchemaError: a table or a column of ours is not there.
    """
    try:
        yield
    except DBAPIError as error:
        if _of_another_schema(error):
            raise SchemaError(
                "the database does not have the tables of this version; run: notifs db upgrade"
            ) from error
        if _is_wrong_work(error):
            raise
        raise _unavailable(error) from error
    except outages as error:
        raise _unavailable(error) from error


def _is_wrong_work(error: DBAPIError) -> bool:
    """Whether it would fail again, however well the database is."""
    wrong = isinstance(error, DataError | IntegrityError | NotSupportedError | ProgrammingError)
    return wrong or (code(error) or "").startswith(WRONG_VALUES)


def _of_another_schema(error: DBAPIError) -> bool:
    said = str(error.orig)
    missing = code(error) in UNKNOWN_NAMES or "no such table" in said or "no such column" in said or "no column" in said
    return missing and "notifs_" in said


def _unavailable(error: Exception) -> StoreUnavailable:
    log.warning("store unavailable", error=f"{type(error).__name__}: {getattr(error, 'orig', error)}")
    return StoreUnavailable("the database could not do it just now; try again")
