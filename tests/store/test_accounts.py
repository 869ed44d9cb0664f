"""Accounts and sign-ins: known by their key while they last, and ended all at once."""

import asyncio
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import BadRequest, NotFound
from notifs.store import Store, accounts, sessions
from notifs.store.accounts import Person
from notifs.store.models import Session, User, utcnow
from notifs.store.sessions import MOST, Arrival


async def people(store: Store, *names: str) -> list[Person]:
    """Accounts with two sign-ins each, whose keys are the name with 1 and 2."""
    found = [await store.add_user(f"{name}@example.org", name, "x") for name in names]
    for person in found:
        for n in (1, 2):
            await start(store, person, f"{person.name}{n}")
    return found


async def start(store: Store, person: Person, key: str) -> None:
    await store.database.write(lambda c: sessions.start(c, person.id, key, days=1))


async def start_by(store: Store, person: Person, key: str, password_hash: str) -> None:
    arrival = Arrival(password_hash=password_hash)
    await store.database.write(lambda c: sessions.start(c, person.id, key, 1, arrival))


async def known(store: Store, *keys: str) -> dict[str, Person]:
    found = await store.database.read(lambda c: sessions.find(c, keys))
    return {key: each.person for key, each in found.items()}


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
    ended = await store.database.write(lambda c: sessions.end_all(c, ann.id))
    assert sorted(ended) == ["ann1", "ann2"]
    assert await known(store, "ann1", "ann2", "bob1", "bob2") == {"bob1": bob, "bob2": bob}
    assert await store.database.write(lambda c: sessions.end_all(c, ann.id)) == []


async def test_what_the_host_calls_a_person_is_the_recipient_id_everywhere(store: Store) -> None:
    ada = await store.add_user("ada@example.org", "Ada", "x", "42")
    assert ada == Person("42", "ada@example.org", "Ada")
    await start(store, ada, "key")
    assert await known(store, "key") == {"key": ada}
    assert await store.user("ADA@example.org") == await store.user("42") == ada
    assert await store.users() == [ada]
    found = await store.database.read(lambda c: accounts.by_email(c, "ada@example.org"))
    assert found == (ada, "x")
    assert len(await store.accounts.end_sign_ins("42")) == 1
    assert await known(store, "key") == {}


async def test_an_account_with_an_external_id_has_no_other_recipient_id(store: Store) -> None:
    await store.add_user("ada@example.org", "Ada", "x", "42")
    async with store.database.session() as session:
        own = str((await session.execute(select(User.id))).scalar_one())
    assert await names(store, [own]) == {}
    with pytest.raises(NotFound):
        await store.user(own)
    with pytest.raises(NotFound):
        await start(store, Person(own, "", ""), "key")
    assert await store.accounts.end_sign_ins(own) == []


async def test_two_accounts_never_share_an_address_or_an_external_id(store: Store) -> None:
    await store.add_user("external_id@example.org", "Ada", "x", "42")
    for email, external_id, code in (
        ("bob@example.org", "42", "external_id_taken"),
        ("External_ID@example.org", "43", "email_taken"),
        ("External_ID@example.org", None, "email_taken"),
    ):
        with pytest.raises(BadRequest) as refused:
            await store.add_user(email, "Bob", "x", external_id)
        assert refused.value.code == code
    assert [person.id for person in await store.users()] == ["42"]


async def test_an_external_id_that_could_be_taken_for_somebody_else_is_refused(store: Store) -> None:
    ada = await store.add_user("ada@example.org", "Ada", "x")
    others = ("ada@example.org", "@", "", " 42", "4\n2", "x" * 201, "\0", "\ud800")
    for external_id in (ada.id, ada.id.upper(), ada.id.replace("-", ""), f"{{{ada.id}}}", *others):
        with pytest.raises(BadRequest) as refused:
            await store.add_user("eve@example.org", "Eve", "x", external_id)
        assert refused.value.code == "invalid_external_id"
    hosts = str(uuid.uuid4())
    assert (await store.add_user("bob@example.org", "Bob", "x", hosts)).id == hosts  # hosts have such ids as well
    assert await names(store, [ada.id, hosts]) == {ada.id: ada.id, hosts: hosts}


async def names(store: Store, asked: list[str]) -> dict[str, str]:
    return await store.database.read(lambda c: accounts.known(c, asked))


async def test_people_are_known_by_address_and_by_recipient_id(store: Store) -> None:
    ada = await store.add_user("ada@example.org", "Ada", "x", "42")
    bob = await store.add_user("bob@example.org", "Bob", "x")
    asked = ["Ada@Example.org ", "42", "bob@example.org", bob.id, bob.id.upper(), "eve@example.org", "ada", "43"]
    assert await names(store, asked) == {
        "Ada@Example.org ": ada.id, "42": ada.id, "bob@example.org": bob.id, bob.id: bob.id
    }  # fmt: skip
    assert await names(store, []) == {}
    assert await names(store, ["42"]) == {"42": "42"}
    assert await names(store, [bob.id]) == {bob.id: bob.id}


async def test_any_number_of_people_is_asked_for_at_once(store: Store) -> None:
    bob = await store.add_user("bob@example.org", "Bob", "x")
    many = [f"{n}@example.org" for n in range(40_000)] + [f"{n}" for n in range(40_000)]
    many += [str(uuid.UUID(int=n)) for n in range(40_000)]
    assert await names(store, [*many, "bob@example.org", bob.id]) == {"bob@example.org": bob.id, bob.id: bob.id}


async def test_nobody_is_found_by_what_is_no_name(store: Store) -> None:
    for name in ("", "\0", "\ud800", "x" * 300, "nobody", "nobody@example.org"):
        with pytest.raises(NotFound) as refused:
            await store.user(name)
        assert refused.value.code == "unknown_recipient"


async def test_a_disabled_account_keeps_its_mailbox_and_signs_in_no_more(store: Store) -> None:
    bob = await store.add_user("bob@example.org", "Bob", "x", "43")
    async with store.database.session() as session:
        await session.execute(update(User).values(disabled_at=utcnow()))
    assert await names(store, ["bob@example.org", "43"]) == {"bob@example.org": bob.id, "43": bob.id}
    with pytest.raises(NotFound):
        await store.user("43")


async def test_no_sign_in_begins_by_a_password_that_is_another_one_by_now(store: Store) -> None:
    ann, _ = await people(store, "ann", "bob")
    await start_by(store, ann, "before", "x")
    assert await store.accounts.set_password(ann.id, "y", was="x", event="password_changed") is not None
    with pytest.raises(NotFound):
        await start_by(store, ann, "after", "x")
    await start_by(store, ann, "new", "y")
    assert set(await known(store, "before", "after", "new")) == {"new"}


async def test_a_sign_in_waits_for_the_password_that_is_being_set(store: Store) -> None:
    ann, _ = await people(store, "ann", "bob")
    async with store.database.session() as session:
        await session.execute(update(User).values(password_hash="y"))
        late = asyncio.create_task(start_by(store, ann, "late", "x"))
        await _waits(store)
        assert not late.done()
    with pytest.raises(NotFound):
        await late
    assert await known(store, "late") == {}


async def _waits(store: Store) -> None:
    """Wait until somebody waits for a lock. On SQLite whoever writes does."""
    if store.database.sqlite:
        return
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while not await store.database.read(lambda c: _number(c, waiting)):
            await asyncio.sleep(0.01)


async def _number(connection: AsyncConnection, statement: str) -> int:
    return int((await connection.exec_driver_sql(statement)).scalar_one())


async def test_a_person_has_so_many_sign_ins_and_those_end_that_were_used_longest_ago(store: Store) -> None:
    ann, bob = await people(store, "ann", "bob")
    for n in range(MOST - 2):
        await start(store, ann, f"more {n}")
    await store.database.write(lambda c: sessions.note(c, ["ann1"]))
    assert len(await store.accounts.sign_ins(ann.id)) == MOST
    await start(store, ann, "one too many")
    assert len(await store.accounts.sign_ins(ann.id)) == MOST
    assert set(await known(store, "ann1", "ann2", "one too many", "bob1", "bob2")) == {
        "ann1", "one too many", "bob1", "bob2",
    }  # fmt: skip
    assert len(await store.accounts.sign_ins(bob.id)) == 2
