"""Many rows into one table, as fast as the driver takes them: what there is to prepare is prepared once."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

Convert = Callable[[Any], Any] | None


async def insert_rows(
    connection: AsyncConnection, table: Table, names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]
) -> None:
    """Insert rows, one at least, with the columns of these names. None is NULL."""
    statement, places = _prepared(connection.dialect, table, names)
    given = list(zip(*rows, strict=True))
    columns = [given[n] if convert is None else _converted(given[n], convert) for n, convert in places]
    await connection.exec_driver_sql(statement, list(zip(*columns, strict=True)))


def _converted(values: tuple[Any, ...], convert: Callable[[Any], Any]) -> list[Any]:
    return [None if value is None else convert(value) for value in values]


@lru_cache(maxsize=64)
def _prepared(dialect: Dialect, table: Table, names: tuple[str, ...]) -> tuple[str, list[tuple[int, Convert]]]:
    """The statement; and for each of its places, which of `names` it takes, and how to make what the driver takes."""
    compiled: Any = insert(table).compile(dialect=dialect, column_keys=list(names))
    places = [
        (names.index(name), table.c[name].type.dialect_impl(dialect).bind_processor(dialect))
        for name in compiled.positiontup
    ]
    return str(compiled), places
