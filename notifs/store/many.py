"""One query for many: a list of values goes to SQLite as JSON, to PostgreSQL as arrays."""

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    Uuid,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from notifs.store.models import CONTENT, Notification, Receipt


def among(connection: AsyncConnection, column: Any, values: Sequence[str]) -> ColumnElement[bool]:
    """Whether `column` is one of `values`: any number of them, and yet one parameter."""
    found: ColumnElement[bool]
    if connection.dialect.name == "sqlite":
        found = column.in_(select(_json_each(values).c.value))
    else:
        found = column == func.any(_array(values, String))
    return found


def among_ids(connection: AsyncConnection, column: Any, values: Sequence[uuid.UUID]) -> ColumnElement[bool]:
    """The same with ids."""
    if connection.dialect.name == "sqlite":
        return among(connection, column, [value.hex for value in values])
    found: ColumnElement[bool] = column == func.any(_array(values, Uuid))
    return found


def among_pairs(
    connection: AsyncConnection, columns: tuple[Any, Any], values: Sequence[tuple[str, int]]
) -> ColumnElement[bool]:
    """Whether two columns, of text and of numbers, are one of `values`."""
    if connection.dialect.name == "sqlite":
        each = _json_each(values)
        # With the columns' types, else SQLite looks up the first of the two only.
        typed = (cast(each.c.value.op("->>")(n), column.type) for n, column in enumerate(columns))
        return tuple_(*columns).in_(select(*typed))
    return tuple_(*columns).in_(select(*_unnest(values).c))


def one_of(dialect: str, column: Any, parameter: str) -> ColumnElement[bool]:
    """Whether `column` is one of those that the parameter of this name says when the statement is run."""
    found: ColumnElement[bool]
    if dialect == "sqlite":
        each = func.json_each(bindparam(parameter)).table_valued("value", name="each")
        found = column.in_(select(each.c.value))
    else:
        found = column == func.any(bindparam(parameter, type_=ARRAY(column.type)))
    return found


def lists_given(dialect: str, **lists: Sequence[str] | Sequence[uuid.UUID]) -> dict[str, Any]:
    """The parameters of `one_of`, by their names."""
    if dialect != "sqlite":
        return {name: list(values) for name, values in lists.items()}
    plain = {name: [v.hex if isinstance(v, uuid.UUID) else v for v in values] for name, values in lists.items()}
    return {name: orjson.dumps(values).decode() for name, values in plain.items()}


def given_names(dialect: str) -> Any:
    """A column of text to select by; which, the parameter `names` says when the statement is run."""
    if dialect == "sqlite":
        return _given().c.value
    array = func.unnest(bindparam("names", type_=ARRAY(String)))
    return array.table_valued("value", name="each").render_derived().c.value


def given_pairs(dialect: str) -> tuple[Any, Any]:
    """Columns of text and of numbers to select by; which, the parameters `names` and `numbers` say."""
    if dialect == "sqlite":
        each = _given().c.value
        return each.op("->>")(0), each.op("->>")(1)
    pairs = _pairs()
    return pairs.c.recipient, pairs.c.number


def names_given(dialect: str, names: Sequence[str]) -> dict[str, Any]:
    """The parameter of `given_names`."""
    return {"names": orjson.dumps(names).decode() if dialect == "sqlite" else list(names)}


def pairs_given(dialect: str, pairs: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """The parameters of `given_pairs`."""
    if dialect == "sqlite":
        return {"names": orjson.dumps(pairs).decode()}
    names, numbers = zip(*pairs, strict=True)
    return {"names": list(names), "numbers": list(numbers)}


def archived_at(receipt: Any = Receipt) -> Any:
    """When a copy was archived; null for what is snoozed."""
    return func.nullif(receipt.archived_at, receipt.snoozed_until, type_=receipt.archived_at.type)


def line(receipt: Any = Receipt) -> tuple[Any, ...]:
    """The columns of one line of a feed."""
    # What is snoozed is archived in the tables only, as of that moment.
    archived = archived_at(receipt).label("archived_at")
    snoozed = case((receipt.archived_at == receipt.snoozed_until, receipt.snoozed_until)).label("snoozed_until")
    own = (receipt.seen_at, receipt.read_at, archived, snoozed, receipt.retracted_at)
    return (*CONTENT, receipt.position, receipt.revision, *own)


def first_lines(dialect: str, where: Callable[[Any], Any], order: Sequence[Any], limit: int) -> Select[Any]:
    """For each of the parameters of `given_pairs`, a recipient and a number, the first `limit` lines of that mailbox.

    Which lines, `where` tells from the number. A row is a line and the pair's place; each costs what it gives.
    """
    if dialect == "sqlite":
        return _by_rowid(where, order, limit)
    each = _pairs(with_ordinality="place")
    joined = Receipt.notification_id == Notification.id
    lines = select(*line()).join_from(Receipt, Notification, joined)
    lines = lines.where(Receipt.recipient == each.c.recipient, where(each.c.number)).order_by(*order).limit(limit)
    found = lines.lateral("found")
    return select(*found.c, each.c.place - 1).select_from(each.join(found, true()))


async def follow_indexes(connection: AsyncConnection) -> None:
    """Have PostgreSQL read no further in this transaction than it is asked to.

    It guesses that a mailbox has as much as others have, and so would fetch and sort all of one that has a thousand
    times as much, for its first page.
    """
    if connection.dialect.name != "sqlite":
        await connection.execute(_FOLLOW)


_FOLLOW = text(
    "SELECT set_config('enable_bitmapscan', 'off', true), set_config('plan_cache_mode', 'force_custom_plan', true)"
)


def _by_rowid(where: Callable[[Any], Any], order: Sequence[Any], limit: int) -> Select[Any]:
    # SQLite has no LATERAL: which rows of a mailbox are wanted is asked in a subquery instead.
    each, found = _given(), aliased(Receipt, name="found")
    recipient, number = (each.c.value.op("->>")(n) for n in (0, 1))
    chosen: Select[Any] = select(literal_column("notifs_receipts.rowid")).select_from(Receipt)
    chosen = chosen.where(Receipt.recipient == recipient, where(number)).order_by(*order).limit(limit).correlate(each)
    lines = each.join(found, literal_column("found.rowid").in_(chosen))
    return select(*line(found), each.c.key).select_from(
        lines.join(Notification, found.notification_id == Notification.id)
    )


def _pairs(**kwargs: Any) -> Any:
    arrays = func.unnest(bindparam("names", type_=ARRAY(String)), bindparam("numbers", type_=ARRAY(BigInteger)))
    return arrays.table_valued("recipient", "number", name="each", **kwargs).render_derived()


def _given() -> Any:
    return func.json_each(bindparam("names")).table_valued("key", "value", name="each")


def _unnest(pairs: Sequence[tuple[str, int]]) -> Any:
    recipients, numbers = zip(*pairs, strict=True)
    arrays = func.unnest(_array(recipients, String), _array(numbers, BigInteger))
    return arrays.table_valued("recipient", "number", name="each").render_derived()


def _array(values: Sequence[Any], of: Any) -> Any:
    return bindparam(None, list(values), ARRAY(of))


def _json_each(values: Sequence[Any]) -> Any:
    return func.json_each(orjson.dumps(values).decode()).table_valued("key", "value", name="each")
