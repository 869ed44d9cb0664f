"""What was taken back is gone from every screen and from every answer; what is left of it is its id and a revision."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from notifs import Notifs, Settings
from notifs.store import Head
from notifs.testing.rule import Mailbox
from notifs.testing.shape import wrong_message
from tests.wire import Client, by_header, hosted, http_client

ADA = {"x-user": "ada"}
ACTS = ("mark_read", "mark_unread", "mark_seen", "archive", "unarchive")


@pytest.fixture
def notifs(database_url: str) -> Notifs:
    settings = Settings(database_url=database_url, secret_key="x" * 32, head_check_seconds=60)
    return Notifs(settings, identify=by_header)


@pytest.fixture
async def url(notifs: Notifs) -> AsyncIterator[str]:
    async with hosted(notifs) as url:
        yield url


def left_of(id: str, revision: int) -> dict[str, Any]:
    return {"id": id, "revision": revision, "retracted": True}


async def test_it_goes_from_every_socket_whatever_was_done_with_it_before(notifs: Notifs, url: str) -> None:
    async with Client.open(url, headers=ADA) as client:
        await client.message("snapshot")
        ids = [await notifs.notify(to="ada", title=f"n{n}") for n in range(4)]
        await client.ask("mark_read", {"ids": ids[1:2]})
        await client.ask("archive", {"ids": ids[2:3]})
        for n, (id, unread) in enumerate(zip(ids, (1, 1, 1, 0), strict=True)):
            assert await notifs.retract(id) == 1
            changed = await client.message("changed", 3 + n)
            assert changed["notifs"] == [left_of(id, 7 + n)]
            assert changed["notif_count"] == unread
            assert wrong_message(changed) == []
        assert await notifs.store.head("ada") == Head(10, 0, 0)


async def test_who_was_away_is_told_with_all_else_that_changed(notifs: Notifs, url: str) -> None:
    known = await notifs.notify(to="ada", title="known")
    async with Client.open(url, headers=ADA) as client:
        cursor = (await client.message("snapshot"))["cursor"]
    unknown = await notifs.notify(to="ada", title="never seen by this client")
    stays = await notifs.notify(to="ada", title="stays")
    for id in (known, unknown):
        await notifs.retract(id)
    async with Client.open(url, headers=ADA, auth={"cursor": cursor}) as client:
        delta = await client.message("delta")
        assert [row["id"] for row in delta["notifs"]] == [stays, unknown, known]
        assert delta["notifs"][1:] == [left_of(unknown, 5), left_of(known, 4)]
        assert (delta["notif_count"], wrong_message(delta)) == (1, [])
    async with http_client(url, headers=ADA) as http:
        answer = (await http.get("/api/v1/inbox/changes", params={"cursor": cursor})).json()
        assert (answer["type"], answer["notifs"][1:]) == ("delta", delta["notifs"][1:])


async def test_a_worker_that_reads_what_it_missed_tells_it_as_a_change(notifs: Notifs, url: str) -> None:
    """A retraction and a new one in one message: it is no `created`, for not all of it is new."""
    async with Client.open(url, headers=ADA) as client:
        await client.message("snapshot")
        async with Notifs(notifs.settings).open() as elsewhere:
            async with elsewhere.session() as session:  # else our worker may be told by the file in between
                gone = await elsewhere.notify(to="ada", title="gone at once", session=session)
                await elsewhere.retract(gone, session=session)
                await session.commit()
        await notifs.realtime.push.look()
        changed = await client.message("changed")
        assert (changed["prev"], changed["notifs"]) == (0, [left_of(gone, 2)])
        assert client.of("created") == []


async def test_no_answer_shows_it_and_no_act_reaches_it(notifs: Notifs, url: str) -> None:
    async with Client.open(url, headers=ADA) as client:
        await client.message("snapshot")
        id = await notifs.notify(to="ada", title="gone", url="/there")
        stays = await notifs.notify(to="ada", title="stays")
        await client.ask("archive", {"ids": [stays]})
        await notifs.retract(id)
        await client.message("changed", 2)
        cursor = (await client.ask("sync", {}))["cursor"]
        for act in ACTS:
            ack = await client.ask(act, {"ids": [id]})
            assert (ack["cursor"], ack["notif_count"]) == (cursor, 0)
        for act in ("mark_all_read", "mark_seen"):
            assert (await client.ask(act, {"up_to": cursor}))["cursor"] == cursor
        pages = {f: (await client.ask("fetch", {"filter": f}))["notifs"] for f in ("unread", "all", "archived")}
        assert [[row["id"] for row in rows] for rows in pages.values()] == [[], [], [stays]]
    assert await notifs.store.one("ada", uuid.UUID(id)) is None
    assert await notifs.store.unread("ada") == []
    async with http_client(url, headers=ADA) as http:
        link = await http.get(f"/notifications/{id}/read/", follow_redirects=True)
        unknown = await http.get(f"/notifications/{uuid.uuid4()}/read/", follow_redirects=True)
        assert link.status_code == unknown.status_code == 404
        assert "gone" not in link.text


async def test_a_client_that_heard_it_all_shows_what_is_stored(notifs: Notifs, url: str) -> None:
    mailbox = Mailbox()
    async with Client.open(url, headers=ADA) as client:
        await client.message("snapshot")
        ids = [await notifs.notify(to="ada", title=f"n{n}") for n in range(3)]
        await notifs.announce(title="to all")
        await client.message("announcement")
        await notifs.retract(ids[1])
        await client.message("changed")
        for message in client.messages:
            mailbox.take(message)
    shown = [row["title"] for row in mailbox.unread()]
    assert shown == ["to all", "n2", "n0"] == [line.title for line in await notifs.store.unread("ada")]
    assert (mailbox.unread_count, mailbox.settled) == (3, True)
