"""Whom producers name: what is remembered of it is never what somebody is missed by."""

import asyncio

import pytest

from notifs.api import people
from notifs.api.people import People
from notifs.store import Store


async def test_names_are_found_while_what_was_remembered_is_forgotten(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "REMEMBERED_SECONDS", 0.0)
    ada = await store.add_user("ada@example.org", "Ada", "x")
    eve = await store.add_user("eve@example.org", "Eve", "x")
    known = People(store, ours=True, create=False)
    asked = [known.known(["ada@example.org", "eve@example.org"]) for _ in range(10)]
    assert await asyncio.gather(*asked) == [[ada.id, eve.id]] * 10


async def test_an_address_with_a_mailbox_of_its_own_is_an_account_as_soon_as_there_is_one(store: Store) -> None:
    await store.recipients.put("ada@example.org")
    known = People(store, ours=True, create=False)
    assert await known.resolve(["ada@example.org"]) == ["ada@example.org"]
    ada = await store.add_user("ada@example.org", "Ada", "x")
    assert await known.resolve(["ada@example.org"]) == [ada.id]


async def test_a_name_is_asked_for_once_in_a_while(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.recipients.put("ada")
    known = People(store, ours=True, create=False)
    assert await known.resolve(["ada"]) == ["ada"]
    monkeypatch.setattr(store.database, "read", None)  # as nobody may ask now
    assert await known.resolve(["ada"]) == ["ada"]
