"""Many rows into one table, as fast as the driver takes them: what there is to prepare is prepared once."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Table, insert
from sqlalchemy.ext.asyncio import AsyncConnection

Convert = Callable[[Any], Any] | None


async def insert_rows(connection: AsyncConnection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows that all have the same columns."""
    rows = list(rows)
    if not rows:
        return
    statement, columns = _prepared(connection.dialect, table, tuple(rows[0]))
    converted = [
        tuple(row[name] if convert is None else convert(row[name]) for name, convert in columns) for row in rows
    ]
    await connection.exec_driver_sql(statement, converted)


@lru_cache(maxsize=64)
def _prepared(dialect: Dialect, table: Table, names: tuple[str, ...]) -> tuple[str, list[tuple[str, Convert]]]:
    """The statement, and how the value of each of its places becomes what the driver takes."""
    compiled: Any = insert(table).compile(dialect=dialect, column_keys=list(names))
    columns = [
        (name, table.c[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in compiled.positiontup
    ]
    return str(compiled), columns
