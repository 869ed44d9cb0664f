"""How a session ends: the row, the cookie, and the sockets that came with it."""

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta

import httpx2
from sqlalchemy import ColumnElement, delete, func, select, update

from notifs import Notifs, SignedOut
from notifs.store.accounts import Person
from notifs.store.database import Database
from notifs.store.models import Session, User, utcnow
from tests.store.queries import recorded
from tests.waiting import until
from tests.web.site import HTML, Site, cookies, sign_in
from tests.wire import Client


def _socket(site: Site, visitor: httpx2.AsyncClient) -> AbstractAsyncContextManager[Client]:
    """A socket with the visitor's session."""
    return Client.open(site.url, headers=cookies(visitor))


async def test_signing_out_takes_row_and_cookie_and_a_copy_of_it_is_worth_nothing(
    notifs: Notifs, adas: httpx2.AsyncClient, ada: Person
) -> None:
    told: list[str] = []

    @notifs.signals.on(SignedOut)
    async def note(signal: SignedOut) -> None:
        told.append(signal.user)

    copy = cookies(adas)
    assert (await adas.get("/api/v1/inbox", headers=copy)).status_code == 200
    answer = await adas.post("/logout/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login/")
    assert answer.headers["set-cookie"].startswith('notifs=""; ')
    assert "Max-Age=0" in answer.headers["set-cookie"]
    async with notifs.session() as session:
        assert (await session.execute(select(func.count()).select_from(Session))).scalar_one() == 0
    assert not adas.cookies
    assert (await adas.get("/api/v1/inbox", headers=copy)).status_code == 401
    assert (await adas.post("/logout/", headers=copy)).status_code == 303
    await notifs.drain()
    assert told == [ada.id]


async def test_a_socket_that_joins_after_its_session_has_ended_gets_nothing(site: Site, ada: Person) -> None:
    await site.notifs.notify(to=ada.id, title="secret")
    async with site.visitor(ada) as here, Client.open(site.url, headers=cookies(here), join=False) as late:
        await here.post("/logout/")
        await late.join()
        await late.end()
        assert late.messages == []


async def test_signing_out_ends_the_sockets_of_this_session_and_no_others(site: Site, ada: Person) -> None:
    async with (
        site.visitor(ada) as here,
        site.visitor(ada) as there,
        _socket(site, here) as ended,
        _socket(site, there) as kept,
    ):
        await ended.message("snapshot")
        await kept.message("snapshot")
        async with asyncio.timeout(2):
            await here.post("/logout/")
            await ended.end()
        await site.notifs.notify(to=ada.id, title="after")
        await kept.message("created")
        assert "after" not in "".join(ended.frames)


async def test_a_new_sign_in_ends_the_sockets_of_the_one_before(site: Site, ada: Person) -> None:
    async with site.visitor(ada) as visitor, _socket(site, visitor) as client:
        async with asyncio.timeout(2):
            await sign_in(visitor)
            await client.end()


async def _ends_within_2_s(site: Site, person: Person, change: str) -> None:
    """Open a socket, let another process change the tables, and see the socket end."""
    elsewhere = Database(site.notifs.settings.database_url)
    statements = {
        "ended": delete(Session),
        "expired": update(Session).values(expires_at=utcnow() - timedelta(seconds=1)),
        "disabled": update(User).values(disabled_at=utcnow()),
    }
    async with site.visitor(person) as visitor:
        async with _socket(site, visitor) as client:
            await client.message("snapshot")
            async with asyncio.timeout(2):
                await elsewhere.write(lambda c: c.execute(statements[change]))
                await client.end()
        assert (await visitor.get("/api/v1/inbox")).status_code == 401
        assert (await visitor.get("/notifications/", headers=HTML)).status_code == 303
    await elsewhere.close()


async def test_a_session_that_another_process_ended_ends_its_sockets(site: Site, ada: Person) -> None:
    await _ends_within_2_s(site, ada, "ended")


async def test_an_expired_session_ends_its_sockets(site: Site, ada: Person) -> None:
    await _ends_within_2_s(site, ada, "expired")


async def test_disabling_an_account_ends_its_sockets(site: Site, ada: Person) -> None:
    await _ends_within_2_s(site, ada, "disabled")


async def test_expired_sessions_are_forgotten_at_the_next_sign_in(site: Site, ada: Person) -> None:
    await site.cookie(ada)
    async with site.notifs.session() as session:
        await session.execute(update(Session).values(expires_at=utcnow() - timedelta(seconds=1)))
    await site.cookie(ada)
    async with site.notifs.session() as session:
        live: ColumnElement[int] = func.count()
        assert (await session.execute(select(live).select_from(Session))).scalar_one() == 1


async def test_sockets_that_come_together_are_checked_and_noted_together(site: Site) -> None:
    people = [await site.person(f"one-{n}") for n in range(30)]
    before = utcnow() - timedelta(hours=1)
    visitors = [{"cookie": await site.cookie(person)} for person in people]
    async with site.notifs.session() as session:
        await session.execute(update(Session).values(seen_at=before))
    with recorded() as statements:
        async with AsyncExitStack() as stack:
            sockets = (stack.enter_async_context(Client.open(site.url, headers=headers)) for headers in visitors)
            clients = await asyncio.gather(*sockets)
            for client in clients:
                await client.message("snapshot")
            # It is written once they are in.
            await until(lambda: any("UPDATE notifs_sessions" in words for words, _ in statements))
    for verb in ("SELECT", "UPDATE"):
        asked = [words for words, _ in statements if words.startswith(verb) and "notifs_sessions" in words]
        # Who comes first is asked for alone; and there may be a check of those who are there.
        assert 1 <= len(asked) <= 5, asked
    forgotten = select(func.count()).where(Session.seen_at <= before)
    async with site.notifs.session() as session:
        while (await session.execute(forgotten)).scalar_one():
            await asyncio.sleep(0.01)
