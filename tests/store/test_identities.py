"""Identities: an account's by issuer and subject, and one account's at a time, whoever comes at once."""

import asyncio

import pytest
from sqlalchemy import update

from notifs.errors import BadRequest, NotFound
from notifs.store import Store, identities, sessions, spent
from notifs.store.accounts import Person
from notifs.store.identities import Claimed
from notifs.store.models import User, utcnow
from notifs.store.sessions import Arrival

HERE, THERE = "https://here.example", "https://there.example"
ADA = Claimed("here", HERE, "1", "ada@example.org", True, "Ada")


async def enter(store: Store, claimed: Claimed, *, make: bool = True) -> Person | None:
    return await store.database.write(lambda c: identities.enter(c, claimed, make=make))


async def link(store: Store, person: Person, claimed: Claimed) -> None:
    await store.database.write(lambda c: identities.link(c, person.id, claimed))


async def unlink(store: Store, person: Person, issuer: str, subject: str) -> None:
    known = (HERE, THERE)
    await store.database.write(lambda c: identities.unlink(c, person.id, issuer, subject, issuers=known))


async def of(store: Store, person: Person) -> list[tuple[str, str]]:
    lines = await store.database.read(lambda c: identities.of(c, person.id))
    return [(line.issuer, line.subject) for line in lines]


async def test_an_identity_is_a_pair_of_issuer_and_subject(store: Store) -> None:
    assert await enter(store, ADA, make=False) is None
    ada = await enter(store, ADA)
    assert ada is not None
    assert await enter(store, ADA, make=False) == ada
    for other in (Claimed("there", THERE, "1"), Claimed("here", HERE, "2", "ada@example.org", True)):
        assert await enter(store, other, make=False) is None
    assert await of(store, ada) == [(HERE, "1")]


async def test_a_name_that_could_break_a_line_is_left_out(store: Store) -> None:
    ada = await enter(store, Claimed("here", HERE, "1", "ada@example.org", True, "Ada\r\nBcc: x"))
    assert ada is not None
    assert ada.name == "ada"


@pytest.mark.parametrize("email", [None, "", "ada", "ada @example.org", "ada@example.org\r\nx"])
async def test_who_has_no_address_gets_no_account(store: Store, email: str | None) -> None:
    with pytest.raises(BadRequest) as error:
        await enter(store, Claimed("here", HERE, "1", email, True))
    assert error.value.code == "invalid_email"
    assert await store.users() == []


async def test_an_address_that_somebody_has_makes_no_account(store: Store) -> None:
    bob = await store.add_user("ada@example.org", "Bob", "x")
    with pytest.raises(BadRequest) as error:
        await enter(store, ADA)
    assert error.value.code == "email_taken"
    assert await of(store, bob) == []


async def test_a_disabled_account_stays_shut(store: Store) -> None:
    ada = await enter(store, ADA)
    assert ada is not None
    await store.database.write(lambda c: c.execute(update(User).values(disabled_at=utcnow())))
    for work in (enter(store, ADA), link(store, ada, Claimed("there", THERE, "1"))):
        with pytest.raises(NotFound):
            await work


async def test_of_those_who_link_the_same_identity_at_once_one_gets_it(store: Store) -> None:
    people = [await store.add_user(f"{n}@example.org", str(n), "x") for n in range(5)]
    done = await asyncio.gather(*(link(store, person, ADA) for person in people), return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["BadRequest"] * 4 + ["NoneType"]
    assert sum([len(await of(store, person)) for person in people]) == 1


async def test_of_two_that_are_unlinked_at_once_one_stays_where_nothing_else_opens_the_account(store: Store) -> None:
    ada = await enter(store, ADA)
    assert ada is not None
    await link(store, ada, Claimed("there", THERE, "1"))
    done = await asyncio.gather(unlink(store, ada, HERE, "1"), unlink(store, ada, THERE, "1"), return_exceptions=True)
    (error,) = [each for each in done if each is not None]
    assert isinstance(error, BadRequest)
    assert error.code == "last_identity"
    assert len(await of(store, ada)) == 1


async def test_who_has_a_password_may_unlink_every_one(store: Store) -> None:
    ada = await store.add_user("ada@example.org", "Ada", "x")
    await link(store, ada, ADA)
    await unlink(store, ada, HERE, "1")
    assert await of(store, ada) == []
    with pytest.raises(NotFound):
        await unlink(store, ada, HERE, "1")


async def test_a_provider_ends_what_it_has_made_and_says_so_once(store: Store) -> None:
    ada = await enter(store, ADA)
    assert ada is not None

    async def start(key: str, issuer: str | None, session: str | None) -> None:
        arrival = Arrival(issuer=issuer, provider_session=session)
        await store.database.write(lambda c: sessions.start(c, ada.id, key, 1, arrival))

    async def leave(message: str, issuer: str, session: str | None, subject: str | None) -> list[str]:
        return await store.database.write(
            lambda c: identities.leave(c, issuer, message, session=session, subject=subject, seconds=60)
        )

    for key, issuer, session in (("a", HERE, "s"), ("b", HERE, "t"), ("c", None, None), ("d", THERE, "s")):
        await start(key, issuer, session)
    assert await leave("1", HERE, "s", None) == ["a"]
    with pytest.raises(BadRequest):
        await leave("1", HERE, "t", None)
    assert await leave("1", THERE, "t", None) == []  # the message of another
    assert await leave("2", HERE, None, None) == []
    assert await leave("3", HERE, None, "2") == []
    assert await leave("4", HERE, None, "1") == ["b"]


async def test_what_works_once_works_once_for_those_who_come_at_once(store: Store) -> None:
    async def spend() -> bool:
        return await store.database.write(lambda c: spent.spend(c, "x", seconds=60))

    assert sorted(await asyncio.gather(*(spend() for _ in range(10)))) == [False] * 9 + [True]
