"""What a socket is told: first, live, and when it comes back."""

import asyncio
from typing import Any

import pytest

from notifs import Notifs, Settings
from notifs.identity import person_of
from notifs.wire import Cursor
from tests.waiting import until
from tests.wire import Client, by_header, hosted

ADA = {"x-user": "ada"}


def titles(message: dict[str, Any]) -> list[str]:
    return [n["title"] for n in message["notifs"]]


async def test_a_new_client_gets_connected_and_then_a_snapshot_of_what_is_unread(notifs: Notifs, url: str) -> None:
    for title in ("one", "two"):
        await notifs.notify(to="ada", title=title)
    async with Client.open(url, headers=ADA) as client:
        snapshot = await client.message("snapshot")
        assert [m["type"] for m in client.messages] == ["connected", "snapshot"]
        assert client.messages[0] == {
            "meta": "WS connected", "type": "connected", "notif_count": 2, "unseen_count": 2, "notifs": [],
            "cursor": None, "person": person_of("ada"),
        }  # fmt: skip
        assert titles(snapshot) == ["two", "one"]
        assert snapshot["meta"] == "Unread notifications"
        assert (snapshot["notif_count"], snapshot["unseen_count"]) == (2, 2)
        assert (snapshot["recovered"], snapshot["has_more"]) == (False, False)
        assert Cursor.parse(snapshot["cursor"]) == Cursor(notifs.store.epoch, 2)


async def test_a_socket_is_in_the_room_of_its_person_until_it_leaves(notifs: Notifs, url: str) -> None:
    manager = notifs.realtime.server.manager
    async with Client.open(url, headers=ADA) as client:
        await client.message("snapshot")
        (sid,) = manager.rooms["/notifs"]["user_ada"]
        assert manager.get_rooms(sid, "/notifs") == [sid, "user_ada"]
    await until(lambda: not manager.rooms)


async def test_a_notification_has_the_standard_form(notifs: Notifs, url: str) -> None:
    async with Client.open(url, headers=ADA) as client:
        await client.message("snapshot")
        actor = {"id": "7", "name": "Grace", "avatar": "/grace.png"}
        fields: dict[str, Any] = {
            "title": "Hello", "body": "there", "url": "/posts/7", "kind": "comment.posted", "icon": "/c.svg",
            "actor": {"name": "Grace", "id": "7", "avatar": "/grace.png"}, "priority": "high", "group": "post-7",
            "actions": [{"label": "Reply", "url": "/posts/7#reply"}], "data": {"post": 7},
        }  # fmt: skip
        id = await notifs.notify(to="ada", **fields)
        created = await client.message("created")
        (notif,) = created["notifs"]
        created_at = notif.pop("created_at")
        assert created_at.endswith("Z")
        assert notif == {
            **fields, "id": id, "actor": actor, "received_at": "now", "mark_read": f"/notifications/{id}/read/",
            "actions": [{"label": "Reply", "url": "/posts/7#reply", "method": "GET", "style": "default"}],
            "position": 1, "revision": 1, "seen_at": None, "read_at": None, "archived_at": None,
            "snoozed_until": None, "expires_at": None,
        }  # fmt: skip
        assert (created["meta"], created["prev"]) == ("New notifications", 0)
        assert (created["notif_count"], created["unseen_count"]) == (1, 1)


async def test_a_long_mailbox_is_streamed_in_pages_and_the_rest_is_fetched(notifs: Notifs, url: str) -> None:
    await asyncio.gather(*(notifs.notify(to="ada", title=f"n{n}") for n in range(230)))
    async with Client.open(url, headers=ADA) as client:
        await client.message("snapshot", 4)
        pages = client.of("snapshot")
        positions = [n["position"] for page in pages for n in page["notifs"]]
        assert [len(page["notifs"]) for page in pages] == [50, 50, 50, 50]
        assert positions == list(range(230, 30, -1))
        assert {page["cursor"] for page in pages} == {pages[0]["cursor"]}
        assert [page.get("before") for page in pages] == [None, 181, 131, 81]
        assert [page["has_more"] for page in pages] == [True] * 4
        rest = await client.ask("fetch", {"before": 31, "limit": 50, "filter": "unread"})
        assert rest["ok"] is True
        assert [n["position"] for n in rest["notifs"]] == list(range(30, 0, -1))
        assert (rest["has_more"], rest["notif_count"]) == (False, 230)


async def test_a_cursor_gets_exactly_what_was_missed(notifs: Notifs, url: str) -> None:
    first = await notifs.notify(to="ada", title="first")
    async with Client.open(url, headers=ADA) as client:
        cursor = (await client.message("snapshot"))["cursor"]
    await notifs.notify(to="ada", title="second")
    async with Client.open(url, headers=ADA) as other:
        await other.ask("mark_read", {"ids": [first]})
    async with Client.open(url, headers=ADA, auth={"cursor": cursor}) as client:
        delta = await client.message("delta")
        assert not client.of("snapshot")
        assert (delta["prev"], delta["recovered"], delta["notif_count"]) == (1, True, 1)
        assert {n["title"]: n["read_at"] is not None for n in delta["notifs"]} == {"first": True, "second": False}
    async with Client.open(url, headers=ADA, auth={"cursor": delta["cursor"]}) as client:
        assert titles(await client.message("delta")) == []


@pytest.mark.parametrize("cursor", ["garbage", "0123456789abcdef:1", "{epoch}:99", "{epoch}:-1", 7, None, {"a": []}])
async def test_a_cursor_that_says_nothing_gets_a_snapshot(notifs: Notifs, url: str, cursor: Any) -> None:
    await notifs.notify(to="ada", title="first")
    asked = cursor.format(epoch=notifs.store.epoch) if isinstance(cursor, str) else cursor
    async with Client.open(url, headers=ADA, auth={"cursor": asked}) as client:
        assert (await client.message("snapshot"))["recovered"] is False
        assert (await client.ask("sync", {"cursor": asked}))["ok"] is True
        assert (await client.message("snapshot", 2))["recovered"] is False


async def test_more_than_500_changes_behind_gets_a_snapshot(notifs: Notifs, url: str) -> None:
    await asyncio.gather(*(notifs.notify(to="ada", title=f"n{n}") for n in range(501)))
    epoch = notifs.store.epoch
    async with Client.open(url, headers=ADA, auth={"cursor": f"{epoch}:0"}) as client:
        assert (await client.message("snapshot"))["recovered"] is False
        await client.ask("sync", {"cursor": f"{epoch}:1"})
        assert len((await client.message("delta"))["notifs"]) == 500


class Gate:
    """Holds what the store has read for a socket until it is opened: whatever happens meanwhile, happens in between."""

    def __init__(self, notifs: Notifs, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()
        self._read = notifs.store.catch_up
        monkeypatch.setattr(notifs.store, "catch_up", self._catch_up)

    async def _catch_up(self, *args: Any) -> Any:
        found = await self._read(*args)
        self.reached.set()
        await self.open.wait()
        return found


async def test_what_changes_between_entering_the_room_and_reading_is_pushed_after_it(
    notifs: Notifs, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(notifs, monkeypatch)
    async with Client.open(url, headers=ADA) as client:
        await gate.reached.wait()
        await notifs.notify(to="ada", title="in between")
        gate.open.set()
        created = await client.message("created")
        assert [m["type"] for m in client.messages] == ["connected", "snapshot", "created"]
        assert (created["prev"], titles(created)) == (0, ["in between"])


async def test_a_socket_is_never_sent_less_than_its_room_was_told_already(
    notifs: Notifs, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Client.open(url, headers=ADA) as first:
        await first.message("snapshot")
        gate = Gate(notifs, monkeypatch)
        async with Client.open(url, headers=ADA) as second:
            await gate.reached.wait()
            await notifs.notify(to="ada", title="in between")
            await first.message("created")
            gate.open.set()
            assert titles(await second.message("snapshot")) == ["in between"]
            assert [m["type"] for m in second.messages] == ["connected", "snapshot"]


async def test_every_tab_and_device_is_told_of_an_act(notifs: Notifs, url: str) -> None:
    id = await notifs.notify(to="ada", title="first")
    async with Client.open(url, headers=ADA) as one, Client.open(url, headers=ADA) as two:
        await one.message("snapshot")
        await two.message("snapshot")
        ack = await one.ask("mark_read", {"ids": [id]})
        stands = {"cursor": f"{notifs.store.epoch}:2", "notif_count": 0, "unseen_count": 0}
        assert ack == {"ok": True, **stands, "changed": 1}
        for client in (one, two):
            changed = await client.message("changed")
            assert (changed["prev"], changed["notif_count"], changed["cursor"]) == (1, 0, ack["cursor"])
            assert changed["notifs"][0]["read_at"] is not None


async def test_all_acts_change_what_they_say(notifs: Notifs, url: str) -> None:
    id = await notifs.notify(to="ada", title="first")
    async with Client.open(url, headers=ADA) as client:
        await client.message("snapshot")

        async def after(event: str, data: dict[str, Any]) -> tuple[int, int, dict[str, bool]]:
            seen = len(client.of("changed"))
            ack = await client.ask(event, data)
            changed = await client.message("changed", seen + 1)
            assert ack["cursor"] == changed["cursor"]
            (notif,) = changed["notifs"]
            marks = {name: notif[f"{name}_at"] is not None for name in ("seen", "read", "archived")}
            return ack["notif_count"], ack["unseen_count"], marks

        ids = {"ids": [id]}
        assert await after("mark_seen", ids) == (1, 0, {"seen": True, "read": False, "archived": False})
        assert await after("mark_read", ids) == (0, 0, {"seen": True, "read": True, "archived": False})
        assert await after("mark_unread", ids) == (1, 0, {"seen": True, "read": False, "archived": False})
        assert await after("archive", ids) == (0, 0, {"seen": True, "read": False, "archived": True})
        assert await after("unarchive", ids) == (1, 0, {"seen": True, "read": False, "archived": False})
        up_to = {"up_to": client.messages[-1]["cursor"]}
        assert await after("mark_all_read", up_to) == (0, 0, {"seen": True, "read": True, "archived": False})


async def test_what_arrives_while_one_clicks_stays_unread(notifs: Notifs, url: str) -> None:
    await notifs.notify(to="ada", title="seen by her")
    async with Client.open(url, headers=ADA) as client:
        cursor = (await client.message("snapshot"))["cursor"]
        await notifs.notify(to="ada", title="came meanwhile")
        ack = await client.ask("mark_all_read", {"up_to": cursor})
        assert ack["notif_count"] == 1


async def test_a_change_of_very_many_is_told_as_a_snapshot(notifs: Notifs, url: str) -> None:
    await asyncio.gather(*(notifs.notify(to="ada", title=f"n{n}") for n in range(201)))
    async with Client.open(url, headers=ADA) as client:
        cursor = (await client.message("snapshot", 4))["cursor"]
        await client.ask("mark_all_read", {"up_to": cursor})
        told = await client.message("snapshot", 5)
        assert (told["notifs"], told["notif_count"], told["has_more"]) == ([], 0, False)
        assert told["cursor"] == f"{notifs.store.epoch}:202"


async def test_another_process_writes_and_it_is_on_screen_within_a_second(settings: Settings, url: str) -> None:
    async with Notifs(settings).open() as elsewhere, Client.open(url, headers=ADA) as client:
        await client.message("snapshot")
        async with asyncio.timeout(1):
            await elsewhere.notify(to="ada", title="from afar")
            assert titles(await client.message("created")) == ["from afar"]


async def test_on_postgresql_the_head_check_finds_what_another_process_wrote(postgres_url: str) -> None:
    settings = Settings(database_url=postgres_url, head_check_seconds=0.2)
    async with hosted(Notifs(settings, identify=by_header)) as url, Notifs(settings).open() as elsewhere:
        async with Client.open(url, headers=ADA) as client:
            await client.message("snapshot")
            id = await elsewhere.notify(to="ada", title="from afar")
            assert titles(await client.message("created")) == ["from afar"]
            await elsewhere.acts.do("ada", "read", ids=[])
            assert (await client.ask("mark_read", {"ids": [id]}))["notif_count"] == 0


async def test_pushes_follow_one_another_without_gap_or_repeat(notifs: Notifs, url: str) -> None:
    async with Client.open(url, headers=ADA) as client:
        revision = int((await client.message("snapshot"))["cursor"].partition(":")[2])
        await asyncio.gather(*(notifs.notify(to=["ada", "grace"], title=f"n{n}") for n in range(100)))
        await notifs.drain()
        await client.until(lambda: client.messages[-1]["cursor"].endswith(":100"))
        for message in client.of("created") + client.of("changed"):
            assert message["prev"] == revision
            revision = int(message["cursor"].partition(":")[2])
        assert revision == 100
        assert len({n["id"] for m in client.messages for n in m["notifs"]}) == 100


async def test_a_client_of_ten_lines_works(notifs: Notifs, url: str) -> None:
    badge: int = 0
    seen: list[str] = []
    await notifs.notify(to="ada", title="one")
    async with Client.open(url, headers=ADA) as client:
        await client.message("snapshot")
        await notifs.notify(to="ada", title="two")
        await client.message("created")
        for msg in client.messages:
            assert msg["meta"]
            badge = msg["notif_count"]
            seen += [n["title"] for n in msg["notifs"]]
    assert (badge, seen) == (2, ["one", "two"])


async def test_a_new_epoch_is_noticed_and_everybody_gets_a_snapshot(
    settings: Settings, notifs: Notifs, url: str
) -> None:
    await notifs.notify(to="ada", title="kept")
    async with Client.open(url, headers=ADA) as client:
        before = await client.message("snapshot")
        async with Notifs(settings).open() as elsewhere:
            epoch = await elsewhere.store.new_epoch()
        after = await client.message("snapshot", 2)
        assert (after["recovered"], after["cursor"]) == (False, f"{epoch}:1")
        assert before["cursor"] != after["cursor"]
        await notifs.notify(to="ada", title="of the new one")
        assert (await client.message("created"))["cursor"] == f"{epoch}:2"


async def test_a_worker_without_sockets_notices_a_new_epoch_too(settings: Settings, notifs: Notifs, url: str) -> None:
    async with Notifs(settings).open() as elsewhere:
        epoch = await elsewhere.store.new_epoch()
    await until(lambda: notifs.store.epoch == epoch)


@pytest.fixture
def restless(notifs: Notifs, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The mailbox moves after each of the first three reads, before the socket hears of what was read."""
    read, reads = notifs.store.catch_up, list[int]()

    async def read_and_move(*args: Any) -> Any:
        found = await read(*args)
        if len(reads) < 3:
            reads.append(1)
            await notifs.notify(to="ada", title=f"meanwhile {len(reads)}")
        return found

    monkeypatch.setattr(notifs.store, "catch_up", read_and_move)
    return reads


async def test_a_mailbox_that_moves_all_the_time_is_told_to_its_end(
    notifs: Notifs, url: str, restless: list[int]
) -> None:
    restless += [1, 1, 1]  # not yet
    async with Client.open(url, headers=ADA) as first:
        await first.message("snapshot")
        restless.clear()
        async with Client.open(url, headers=ADA) as second:
            await second.until(lambda: any((m["cursor"] or "").endswith(":3") for m in second.messages))
            types = [m["type"] for m in second.messages]
            assert types[:2] == ["connected", "snapshot"], "nothing is told before it is known where one stands"
            assert second.messages[-1]["notif_count"] == 3
