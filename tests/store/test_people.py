"""Accounts as those see them who look after them."""

import asyncio
import time

import pytest
from sqlalchemy import update

from notifs.errors import BadRequest
from notifs.store import Store, accounts, sessions
from notifs.store.accounts import Person
from notifs.store.models import User, utcnow


async def _start(store: Store, person: Person, *keys: str) -> None:
    for key in keys:
        await store.database.write(lambda c, key=key: sessions.start(c, person.id, key, days=1))  # type: ignore[misc]


async def _events(store: Store, person: Person) -> list[str]:
    return [line.event for line in await store.audit.read(person.id)]


async def test_of_many_who_replace_one_password_one_does(store: Store) -> None:
    ada, bob = await store.add_user("ada@example.org", "Ada", "old", "42"), await store.add_user("b@c", "Bob", "old")
    await _start(store, ada, "a1", "a2", "a3")
    await _start(store, bob, "b1")
    tries = [
        store.accounts.set_password(ada.id, f"new {n}", was="old", event="password_changed", but="a2") for n in range(8)
    ]
    ended = [keys for keys in await asyncio.gather(*tries) if keys is not None]
    assert [sorted(keys) for keys in ended] == [["a1", "a3"]]
    assert [line.key for line in await store.accounts.sign_ins(ada.id)] == ["a2"]
    assert len(await store.accounts.sign_ins(bob.id)) == 1
    assert (await _events(store, ada)).count("password_changed") == 1
    assert (await store.accounts.password(bob.id)) == (bob, "old")
    assert await store.accounts.set_password(ada.id, "x", was="old", event="password_reset") is None


async def test_no_password_of_a_disabled_account_is_replaced(store: Store) -> None:
    ada = await store.add_user("ada@example.org", "Ada", "old")
    await store.accounts.disable(ada.id)
    assert await store.accounts.password(ada.id) is None
    assert await store.accounts.set_password(ada.id, "new", was="old", event="password_reset") is None
    assert "password_reset" not in await _events(store, ada)


async def test_a_sign_in_that_began_just_as_the_account_was_disabled_is_not_back_with_it(store: Store) -> None:
    ada = await store.add_user("ada@example.org", "Ada", "x")
    await _start(store, ada, "a1")
    async with store.database.session() as session:
        await session.execute(update(User).values(disabled_at=utcnow()))
    assert await store.accounts.enable(ada.id)
    assert await store.accounts.sign_ins(ada.id) == []


async def test_what_is_done_twice_is_recorded_once(store: Store) -> None:
    ada = await store.add_user("ada@example.org", "Ada", "x")
    await _start(store, ada, "a1")
    do = store.accounts
    assert [await do.disable(ada.id, actor="cli") for _ in range(2)] == [["a1"], None]
    assert [await do.enable(ada.id) for _ in range(2)] == [True, False]
    assert [await do.set_admin(ada.id, True) for _ in range(2)] == [True, False]
    assert [await do.set_admin(ada.id, False) for _ in range(2)] == [True, False]
    assert await do.end_sign_ins(ada.id) == []
    assert await _events(store, ada) == [
        "admin_revoked", "admin_granted", "account_enabled", "account_disabled", "account_made",
    ]  # fmt: skip


async def test_a_person_is_named_by_the_id_that_is_theirs(store: Store) -> None:
    ada, bob = await store.add_user("ada@example.org", "Ada", "x", "42"), await store.add_user("b@c", "Bob", "x")
    assert await store.accounts.named([ada.id, bob.id, "nobody", "x" * 300]) == {"42": ada, bob.id: bob}
    assert await store.accounts.named([]) == {}
    assert [each.person for each in await store.accounts.page(after="ada@example.org")] == [bob]


@pytest.mark.parametrize("password", ["x" * 12, "notifsnotifs", "Ada Zorblatt!", "zorblatt1234", "p4ssw0rd1234"])
def test_what_everybody_tries_first_is_no_password(password: str) -> None:
    with pytest.raises(BadRequest) as refused:
        accounts.check_password(password, "ada@example.org", "Ada Zorblatt")
    assert refused.value.code == "common_password"


@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "kLq0zP2mfX9w", "Ada and 3 of her moths", "ñandú ŻŚĆ éé"]
)
def test_what_others_do_not_know_is_one(password: str) -> None:
    accounts.check_password(password, "ada@example.org", "Ada Zorblatt")


def test_no_password_takes_long_to_judge() -> None:
    """Each of these characters may stand for one or more letters, and all of that is tried out with each other."""
    accounts.check_password("what takes a while to load", "ada@example.org")
    began = time.thread_time()
    accounts.check_password(("4@8({[<369&#!1/|0$5+7%2" * 4)[:72], "ada@example.org")
    assert time.thread_time() - began < 1


@pytest.mark.parametrize("password_hash", [None, "", "no hash"])
def test_without_a_hash_no_password_is_right(password_hash: str | None) -> None:
    assert not accounts.verify_password(password_hash, "")
    assert not accounts.verify_password(password_hash, "correct horse battery staple")
