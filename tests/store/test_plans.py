"""How the databases find what is asked for: by the index that was made for it, whatever else there is.

These are the queries of mailboxes that grow, and of those who connect; benchmarks/growth.py measures them.
"""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import product
from typing import Any, cast

from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store import Store, sessions
from notifs.wire import Cursor, Filter, Search
from tests.store.conftest import Full
from tests.store.model import ACTS, FILTERS, LATER
from tests.store.queries import LARGE, explain, fill, one_large, recorded

Ask = Callable[[Store], Awaitable[object]]
SCAN = r"SCAN (?!notifs_epoch|notifs_webhooks|each)|Seq Scan on (?!notifs_epoch|notifs_webhooks)"
"""Of a table. The epoch is one row, webhooks are few, and `each` is what was asked."""
SORTS = r"Sort|Bitmap|TEMP B-TREE FOR (RIGHT PART OF )?ORDER"
KEY = {"sqlite": "sqlite_autoindex_notifs_{}_1", "postgres": "notifs_{}_pkey"}
PLANS: dict[str, tuple[Ask, str]] = {
    "counts": (lambda s: s.head("user-7"), "key of mailboxes"),
    "heads of many": (lambda s: s.look(["user-7", "user-8"]), "key of mailboxes"),
    "changes of many": (
        lambda s: s.changes({"user-7": 390, "user-8": 395}), "ix_notifs_receipts_revision",
    ),
    "changes since cursors": (
        lambda s: s.catch_up([("user-7", Cursor(s.epoch, 390)), ("user-8", Cursor(s.epoch, 300))], 50),
        "ix_notifs_receipts_revision",
    ),
    "snapshots of many": (lambda s: s.catch_up([("user-7", None), ("user-8", None)], 50), "ix_notifs_receipts_unread"),
    "all marked as read": (
        lambda s: s.change("user-7", "read", up_to=Cursor(s.epoch, 390)), "ix_notifs_receipts_unread",
    ),
    "an act undone": (lambda s: s.change("user-7", "unread", at=Cursor(s.epoch, 390)), "ix_notifs_receipts_revision"),
    "next that is due": (lambda s: s.snoozes.next_due(), "ix_notifs_receipts_due"),
    "all that is due": (lambda s: s.snoozes.end_due(), "ix_notifs_receipts_due"),
    "all seen": (lambda s: s.change("user-7", "seen", up_to=Cursor(s.epoch, 390)), "ix_notifs_receipts_unseen"),
    "sessions of many": (
        lambda s: s.database.read(lambda c: sessions.find(c, [f"{7:064}", f"{8:064}"], 1)), "key of sessions",
    ),
}  # fmt: skip
SEARCHES = [Search(text="hello"), Search(text="rare"), Search(kind="rare"), Search(actor="rare")]


async def test_every_query_finds_its_rows_by_index(full: Full) -> None:
    store = await full(fill)
    ids = [line.id for line in (await store.page("user-7", "archived", limit=5)).entries]
    cursor = Cursor(store.epoch, 390)
    with recorded() as statements:
        for filter in FILTERS:
            await store.page("user-7", filter)
            await store.page("user-7", filter, before=200, limit=5)
        await store.unread("user-7")
        await store.head("user-7")
        await store.look(["user-7", "user-8"])
        await store.changes({"user-7": 390, "user-8": 395, "user-9": 400})
        await store.catch_up([("user-7", cursor), ("user-8", cursor), ("user-7", None), ("user-9", None)], limit=50)
        await store.one("user-7", ids[0])
        for act in ACTS:
            await store.change("user-7", act, ids=ids, until=LATER)
            await store.change("user-7", act, up_to=cursor, until=LATER)
            await store.change("user-7", act, at=cursor, until=LATER)
        assert await store.snoozes.next_due() is not None
        assert await store.snoozes.end_due()
    assert len(statements) > 40
    plans = [await store.database.read(partial(explain, *each)) for each in statements]
    assert [plan for plan in plans if re.search(SCAN, plan)] == []


async def test_a_page_is_read_from_an_index_of_its_filter_in_order(full: Full) -> None:
    """So that it costs what it returns, however many lines the filter leaves out."""
    store = await full(fill)
    for filter, name in {"unread": "unread", "all": "kept", "archived": "archived", "snoozed": "snoozed"}.items():
        with recorded() as statements:
            await store.page("user-7", cast(Filter, filter), before=200, limit=5)
        plan = await store.database.read(partial(explain, *statements[-1]))
        assert f"ix_notifs_receipts_{name} " in plan
        assert not re.search("TEMP B-TREE|Sort", plan), plan


async def test_a_query_uses_the_index_that_was_made_for_it(full: Full, kind: str) -> None:
    store = await full(fill)
    wrong = {}
    for what, (ask, index) in PLANS.items():
        with recorded() as statements:
            await ask(store)
        plans = [await store.database.read(partial(explain, *each)) for each in statements]
        name = KEY[kind].format(index.removeprefix("key of ")) if index.startswith("key of ") else index
        if not any(re.search(rf"\b{name}\b", plan) for plan in plans) or any(re.search(SCAN, plan) for plan in plans):
            wrong[what] = plans
    assert wrong == {}


async def test_a_mailbox_that_is_larger_than_others_is_read_no_further_than_it_is_asked_for(full: Full) -> None:
    """Neither its newest, nor the changes of an act that has changed all of it: of both there is enough at once."""
    store = await full(one_large)
    with recorded() as statements:
        await store.catch_up([("large", None)], 200)
        await store.change("large", "read")
        await store.catch_up([("large", Cursor(store.epoch, LARGE))], 50)
    assert len(statements) > 4
    found = await store.database.read(partial(explain_lines, statements))
    assert len(found) == 2
    assert [plan for plan in found if re.search(SORTS, plan)] == []


async def explain_lines(statements: list[tuple[str, Any]], connection: AsyncConnection) -> list[str]:
    """How lines are read, each as its transaction was told to."""
    found = []
    for words, parameters in statements:
        if "set_config" in words:
            await connection.exec_driver_sql(words)
        elif words.startswith("SELECT") and "notifs_notifications" in words:
            found.append(await explain(words, parameters, connection))
    return found


async def test_a_search_walks_one_mailbox_from_its_newest_line_on(full: Full) -> None:
    """So that it costs as much as must be looked at, whatever others have been sent."""
    store = await full(one_large)
    for person, search in product(["large", "user-7"], SEARCHES):
        with recorded() as statements:
            await store.page(person, "unread", search=search, limit=5)
        (plan,) = await store.database.read(partial(explain_lines, statements))
        assert not re.search(rf"{SCAN}|{SORTS}|Hash Join|Merge Join", plan), (person, search, plan)
