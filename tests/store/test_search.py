"""What is looked for in a mailbox: by kind, by who caused it, by a part of the title."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from notifs.errors import TooManySearches
from notifs.store import Store, feed, schema
from notifs.store.database import Database
from notifs.store.searches import OWN, SEARCHES, Searches
from notifs.wire import Search
from tests import servers
from tests.samples import notification
from tests.store.queries import recorded

ADA, GRACE, ROBOT = (
    {"id": id, "name": name, "avatar": None} for id, name in (("7", "Ada"), ("8", "Grace"), (None, "7"))
)
TITLES = ("50% off", "500 off", "a_b", "aXb", "Say HELLO", "C:\\temp", "/path", "Größe", 'it\'s "quoted"')
CAPITALS = ("ÄPFEL und Birnen", "äpfel", "Счёт ГОТОВ", "ΟΔΟΣ ΔΥΟ", "İSTANBUL", "DIYARBAKIR", "ẞ", "Apfel")


async def found(store: Store, search: Search, recipient: str = "ann") -> list[str]:
    return [line.title for line in (await store.page(recipient, "all", search=search)).entries][::-1]


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("50%", ["50% off"]), ("50", ["50% off", "500 off"]), ("a_b", ["a_b"]), ("%", ["50% off"]), ("_", ["a_b"]),
        ("hello", ["Say HELLO"]), ("SAY hel", ["Say HELLO"]), ("c:\\", ["C:\\temp"]), ("/", ["/path"]),
        ("öß", ["Größe"]), ("'s \"", ["it's \"quoted\""]), ("nothing", []), ("", TITLES),
    ],
)  # fmt: skip
async def test_a_text_is_a_literal_part_of_the_title(store: Store, text: str, titles: Sequence[str]) -> None:
    for title in TITLES:
        await store.create(notification(title), ["ann"])
    await store.create(notification(f"other {text}"), ["bob"])
    assert await found(store, Search(text=text)) == [*titles]


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("äpfel", ["ÄPFEL und Birnen", "äpfel"]), ("ÄPFEL", ["ÄPFEL und Birnen", "äpfel"]),
        ("Äpfel U", ["ÄPFEL und Birnen"]),
        ("счёт готов", ["Счёт ГОТОВ"]), ("СЧЁТ", ["Счёт ГОТОВ"]), ("οδος", ["ΟΔΟΣ ΔΥΟ"]), ("Οδος δ", ["ΟΔΟΣ ΔΥΟ"]),
        ("İstanbul", ["İSTANBUL"]), ("stanbul", ["İSTANBUL"]), ("bakir", ["DIYARBAKIR"]), ("ß", ["ẞ"]), ("SS", []),
    ],
)  # fmt: skip
async def test_letters_are_found_in_upper_and_in_lower_case(store: Store, text: str, titles: Sequence[str]) -> None:
    for title in CAPITALS:
        await store.create(notification(title), ["ann"])
    assert await found(store, Search(text=text)) == [*titles]


@asynccontextmanager
async def plain(postgres: servers.Postgres, encoding: str, before: str | None = None) -> AsyncIterator[Store]:
    """A store on PostgreSQL whose locale knows the letters A to Z."""
    await postgres.execute(
        f"CREATE DATABASE plain TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    database = Database(postgres.url("plain"))
    try:
        if before is not None:
            await postgres.execute(before, "plain")
        await schema.upgrade(database)
        yield await Store(database).open()
    finally:
        await database.close()
        await postgres.drop("plain")


async def test_postgresql_lowers_letters_that_its_locale_does_not_know(postgres: servers.Postgres) -> None:
    async with plain(postgres, "UTF8") as store:
        await store.create(notification("ÄPFEL"), ["ann"])
        assert await found(store, Search(text="äpfel")) == ["ÄPFEL"]


@pytest.mark.parametrize(
    ("encoding", "before"), [("UTF8", 'DROP COLLATION pg_catalog."und-x-icu"'), ("SQL_ASCII", None)]
)
async def test_postgresql_without_unicode_lowers_what_its_locale_knows(
    postgres: servers.Postgres, encoding: str, before: str | None
) -> None:
    async with plain(postgres, encoding, before) as store:
        await store.create(notification("ÄPFEL"), ["ann"])
        assert await found(store, Search(text="Äpfel")) == ["ÄPFEL"]


async def test_an_actor_is_meant_by_id_or_where_there_is_none_by_name(store: Store) -> None:
    for title, actor in {"ada": ADA, "grace": GRACE, "robot": ROBOT, "nobody": None}.items():
        await store.create(notification(title, actor=actor), ["ann"])
    assert await found(store, Search(actor="7")) == ["ada", "robot"]
    assert await found(store, Search(actor="8")) == ["grace"]
    assert await found(store, Search(actor="Grace")) == []


async def test_all_that_is_asked_for_must_hold_in_the_filter(store: Store) -> None:
    sent = {}
    for title in ("one", "two", "three"):
        for kind in ("build", "chat"):
            made = notification(f"{title} {kind}", kind=kind, actor=ADA if title == "two" else GRACE)
            sent[made.title] = made.id
            await store.create(made, ["ann"])
    assert await found(store, Search(kind="chat")) == ["one chat", "two chat", "three chat"]
    assert await found(store, Search(kind="chat", actor="8", text="T")) == ["one chat", "three chat"]
    await store.change("ann", "archive", ids=[sent["one chat"]])
    assert await found(store, Search(kind="chat", actor="8", text="T")) == ["three chat"]
    archived = await store.page("ann", "archived", search=Search(kind="chat"))
    assert [line.title for line in archived.entries] == ["one chat"]


async def test_many_who_search_leave_connections_to_who_reads(store: Store) -> None:
    people = [f"user-{n}" for n in range(30)]
    for n in range(50):
        await store.create(notification(f"n{n}"), people)
    searching = asyncio.gather(*(store.page(person, "all", search=Search(text="nothing")) for person in people))
    most = 0
    while not searching.done():
        most = max(most, store.database.in_use)
        await asyncio.sleep(0)
    assert 0 < most <= SEARCHES + 1  # SQLite clears its log meanwhile


async def test_who_searches_a_lot_keeps_others_waiting_for_one_search_alone() -> None:
    searches, begun = Searches(), list[str]()

    async def search(person: str) -> None:
        async with searches.turn(person):
            begun.append(person)
            await asyncio.sleep(0)

    await asyncio.gather(*(search(person) for person in (*["ann"] * OWN, "bob", "eve")))
    assert begun == ["ann", "bob", "eve", "ann", "ann", "ann"]


async def test_more_searches_than_one_may_have_are_refused_until_one_ends(store: Store) -> None:
    searches = (store.page("ann", "all", search=Search(text="x")) for _ in range(OWN + 1))
    *done, refused = await asyncio.gather(*searches, return_exceptions=True)
    assert isinstance(refused, TooManySearches)
    assert [page for page in done if isinstance(page, BaseException)] == []
    assert await found(store, Search(text="x")) == []


async def test_what_a_search_costs_does_not_grow_with_how_long_a_pattern_it_is_given(store: Store) -> None:
    with recorded() as statements:
        await found(store, Search(text="%a_" * 60))
    assert [words for words, _ in statements if "LIKE" in words.upper()] == []


async def test_a_search_that_finds_little_ends_early_and_goes_on_where_it_ended(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for title in ("rare 1", *["often"] * 3, "rare 2", *["often"] * 5, "rare 3"):
        await store.create(notification(title), ["ann"])
    monkeypatch.setattr(feed, "STRETCH", 4)
    pages: list[list[str]] = []
    before, more = None, True
    while more:
        page = await store.page("ann", "all", search=Search(text="rare"), before=before)
        pages.append([line.title for line in page.entries])
        before, more = page.through, page.more
    assert pages == [["rare 3"], ["rare 2"], ["rare 1"]]


async def test_a_search_of_exactly_one_stretch_has_no_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.create(notification("one"), ["ann"])
    monkeypatch.setattr(feed, "STRETCH", 1)
    page = await store.page("ann", "all", search=Search(text="nothing"))
    assert (page.entries, page.more, page.through) == ((), False, None)


async def test_what_is_found_comes_page_by_page(store: Store) -> None:
    for n in range(9):
        await store.create(notification(f"{'even' if n % 2 == 0 else 'odd'} {n}"), ["ann"])
    titles: list[str] = []
    before, more = None, True
    while more:
        page = await store.page("ann", "unread", search=Search(text="even"), before=before, limit=2)
        assert page.head.unread == 9  # the counts are those of the mailbox
        titles += [line.title for line in page.entries]
        before, more = page.entries[-1].position, page.more
    assert titles == [f"even {n}" for n in (8, 6, 4, 2, 0)]
