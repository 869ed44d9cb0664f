"""Recipients: whom a name stands for, and which mailboxes there are."""

import pytest

from notifs.errors import BadRequest, InvalidCursor
from notifs.store import Store, recipients
from notifs.store.recipients import Recipient
from tests.samples import notification


async def resolve(store: Store, *names: str, create: bool = False) -> list[str]:
    return await store.recipients.resolve(names, create)


async def boxes(store: Store) -> list[str]:
    return sorted(each.id for each in await store.recipients.page("", 100))


async def test_accounts_and_mailboxes_are_known_and_named_once(store: Store) -> None:
    ada = await store.add_user("ada@example.org", "Ada", "x", "42")
    bob = await store.add_user("bob@example.org", "Bob", "x")
    await store.recipients.put("host-7")
    asked = ("42", "ada@example.org", "BOB@example.org", bob.id, "host-7", "host-7")
    assert await resolve(store, *asked) == sorted([ada.id, bob.id, "host-7"])
    assert await resolve(store) == []
    assert await boxes(store) == ["host-7"]


async def test_who_is_unknown_is_refused_by_name_and_nobody_is_made(store: Store) -> None:
    await store.recipients.put("known")
    unknown = [f"stranger-{n}" for n in range(7)]
    with pytest.raises(BadRequest) as refused:
        await resolve(store, "known", *unknown)
    assert (refused.value.code, refused.value.status) == ("unknown_recipient", 422)
    assert all(name in refused.value.message for name in unknown[:5])
    assert "and 2 more" in refused.value.message
    assert "stranger-5" not in refused.value.message
    assert await boxes(store) == ["known"]


async def test_who_is_unknown_is_made_where_that_is_wanted(store: Store) -> None:
    assert await resolve(store, "b", "a", create=True) == ["a", "b"]
    assert await boxes(store) == ["a", "b"]
    assert await resolve(store, "b", "a") == ["a", "b"]


async def test_an_address_of_nobody_is_never_made_a_mailbox_that_nobody_could_open(store: Store) -> None:
    with pytest.raises(BadRequest) as refused:
        await resolve(store, "new", "ada@example.org", create=True)
    assert (refused.value.code, refused.value.status) == ("unknown_recipient", 422)
    assert "new" not in refused.value.message
    assert await boxes(store) == []


async def test_a_mailbox_from_before_is_found_by_the_account_that_comes_to_it(store: Store) -> None:
    await resolve(store, "42", create=True)
    await store.create(notification(), ["42"])
    ada = await store.add_user("ada@example.org", "Ada", "x", "42")
    assert await resolve(store, "ada@example.org") == ["42"]
    assert [entry.title for entry in await store.unread(ada.id)] == ["Hello"]


async def test_what_cannot_be_a_name_is_known_as_nobody(store: Store) -> None:
    await store.recipients.put("a")
    asked = ["a", "", "\0", "\ud800", "\0@example.org", "x" * 300]
    assert await store.database.read(lambda c: recipients.known(c, asked)) == {"a": "a"}


async def test_any_number_of_names_is_resolved_at_once(store: Store) -> None:
    many = [f"user-{n:05}" for n in range(40_000)]
    assert await resolve(store, *many, create=True) == many
    assert await resolve(store, *many) == many


async def test_a_mailbox_is_put_once_and_what_is_in_it_stays(store: Store) -> None:
    assert await store.recipients.put("a")
    assert not await store.recipients.put("a")
    await store.create(notification(), ["a"])
    assert await store.recipients.create_mailboxes(["b", "a", "b"]) == 1
    assert await store.recipients.create_mailboxes([]) == 0
    assert await store.recipients.one("a") == Recipient("a", 1, 1, 1)
    assert [wrong async for _, wrong in store.recount()] == [[]]


async def test_one_is_known_by_a_mailbox_or_an_account_and_by_nothing_else(store: Store) -> None:
    await store.add_user("ada@example.org", "Ada", "x", "42")
    assert await store.recipients.one("42") == Recipient("42", 0, 0, 0)
    for name in ("ada@example.org", "43", "", "\0", "\ud800"):
        assert await store.recipients.one(name) is None


async def test_mailboxes_come_in_pages_with_their_counts(store: Store) -> None:
    names = ["a", "B", "é", "Z", "10", "9"]
    await store.recipients.create_mailboxes(names)
    await store.create(notification(), ["a"])
    found: list[Recipient] = []
    while page := await store.recipients.page(found[-1].id if found else "", 2):
        found += page
    assert sorted(each.id for each in found) == sorted(names)
    assert [each for each in found if each.unread] == [Recipient("a", 1, 1, 1)]
    with pytest.raises(InvalidCursor):
        await store.recipients.page("\0", 2)


async def test_who_cannot_be_a_recipient_is_refused(store: Store) -> None:
    for name in ("", "a\n", "x" * 201, "\0", "\ud800"):
        for attempt in (resolve(store, "a", name, create=True), store.recipients.put(name)):
            with pytest.raises(BadRequest) as refused:
                await attempt
            assert (refused.value.code, refused.value.status) == ("invalid_recipient", 422)
    assert await boxes(store) == []
