"""Accounts and sign-ins: known by their key while they last, and ended all at once."""

import uuid
from datetime import timedelta

from sqlalchemy import update

from notifs.store import Store, accounts
from notifs.store.accounts import Person
from notifs.store.models import Session, User, utcnow


async def people(store: Store, *names: str) -> list[Person]:
    """Accounts with two sign-ins each, whose keys are the name with 1 and 2."""
    found = [await store.add_user(f"{name}@example.org", name, "x") for name in names]
    for person in found:
        for n in (1, 2):
            await start(store, person, f"{person.name}{n}")
    return found


async def start(store: Store, person: Person, key: str) -> None:
    await store.database.write(lambda c: accounts.start_session(c, person.id, key, days=1))


async def known(store: Store, *keys: str) -> dict[str, Person]:
    return await store.database.read(lambda c: accounts.sessions(c, keys))


async def test_sign_ins_are_known_by_their_keys_any_number_at_once(store: Store) -> None:
    ann, bob = await people(store, "ann", "bob")
    strangers = [f"key-{n}" for n in range(40_000)]
    assert await known(store, "ann1", "bob2", *strangers) == {"ann1": ann, "bob2": bob}
    assert await known(store) == {}


async def test_a_sign_in_that_has_ended_and_one_of_a_disabled_account_are_not_known(store: Store) -> None:
    ann, bob = await people(store, "ann", "bob")
    async with store.database.session() as session:
        ended = update(Session).where(Session.token_hash == "ann1")
        await session.execute(ended.values(expires_at=utcnow() - timedelta(seconds=1)))
        await session.execute(update(User).where(User.id == uuid.UUID(bob.id)).values(disabled_at=utcnow()))
    assert await known(store, "ann1", "ann2", "bob1", "bob2") == {"ann2": ann}


async def test_all_sign_ins_of_a_person_end_at_once_and_nobody_elses(store: Store) -> None:
    ann, bob = await people(store, "ann", "bob")
    ended = await store.database.write(lambda c: accounts.end_sessions(c, ann.id))
    assert sorted(ended) == ["ann1", "ann2"]
    assert await known(store, "ann1", "ann2", "bob1", "bob2") == {"bob1": bob, "bob2": bob}
    assert await store.database.write(lambda c: accounts.end_sessions(c, ann.id)) == []
