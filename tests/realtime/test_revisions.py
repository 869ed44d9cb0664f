"""What a producer changes or takes back changes on every screen, whichever worker holds it."""

from datetime import UTC, datetime, timedelta

import pytest

from notifs import Notifs
from tests import servers
from tests.realtime.workers import HEAD_CHECKS, two_workers
from tests.wire import Client

ADA = {"x-user": "ada"}
CROWD = [*(f"user-{n:04}" for n in range(2000)), "ada"]


async def test_an_update_is_a_change_on_the_screen(notifs: Notifs, url: str) -> None:
    async with Client.open(url, headers=ADA) as ada:
        id = await notifs.notify(to="ada", title="one")
        assert (await ada.message("created"))["notif_count"] == 1
        await notifs.update(id, title="two")
        told = await ada.message("changed")
        (row,) = told["notifs"]
        assert (row["id"], row["title"], told["prev"], told["notif_count"]) == (id, "two", 1, 1)
        await notifs.notify(to="ada", title="three", dedupe_key="k")
        await notifs.notify(to="ada", title="four", dedupe_key="k")
        assert (await ada.message("changed", 2))["notifs"][0]["title"] == "four"


async def test_what_is_taken_back_leaves_the_screen_with_right_counts(notifs: Notifs, url: str) -> None:
    async with Client.open(url, headers=ADA) as ada:
        id = await notifs.notify(to=["ada", "eve"], title="secret", subject=("post", "1"))
        await notifs.notify(to="ada", title="stays")
        await ada.message("created", 2)
        await notifs.retract(subject=("post", "1"))
        told = await ada.message("changed")
        assert told["notifs"] == [{"id": id, "revision": 3, "retracted": True}]
        assert (told["prev"], told["notif_count"], told["unseen_count"]) == (2, 1, 1)
        assert (await ada.ask("mark_unread", {"ids": [id]}))["notif_count"] == 1
        assert (await ada.ask("unarchive", {"ids": [id]}))["notif_count"] == 1
        assert (await ada.ask("fetch", {"filter": "archived"}))["notifs"] == []
    async with Client.open(url, headers=ADA, auth={"cursor": f"{notifs.store.epoch}:1"}) as back:
        told = await back.message("delta")
        assert [row.get("title", row.get("retracted")) for row in told["notifs"]] == ["stays", True]


async def test_what_expires_leaves_the_screen_by_itself(notifs: Notifs, url: str) -> None:
    async with Client.open(url, headers=ADA) as ada:
        end = datetime.now(UTC) + timedelta(seconds=0.3)
        id = await notifs.notify(to="ada", title="brief", expires_at=end)
        await ada.message("created")
        told = await ada.message("changed")
        assert (told["notifs"], told["notif_count"]) == ([{"id": id, "revision": 2, "retracted": True}], 0)


async def test_a_send_to_many_is_pushed_to_who_is_here_as_one_step(notifs: Notifs, url: str) -> None:
    async with Client.open(url, headers=ADA) as ada:
        await ada.message("snapshot")
        await notifs.notify(to=CROWD, title="to many")
        told = await ada.message("created")
        assert (told["prev"], told["notif_count"], [row["title"] for row in told["notifs"]]) == (0, 1, ["to many"])


@pytest.mark.parametrize("seconds", HEAD_CHECKS)
async def test_a_send_to_many_reaches_the_screens_of_other_workers(
    database_url: str, redis: servers.Redis, seconds: float
) -> None:
    """By the bus, which tells them to look; without it by the head check."""
    async with two_workers(database_url, redis, seconds) as (workers, screens):
        id = await workers[0].notify(to=CROWD, title="to many")
        for screen in screens:
            assert (await screen.message("created"))["notif_count"] == 1
        await workers[1].update(id, title="changed")
        for screen in screens:
            assert (await screen.message("changed"))["notifs"][0]["title"] == "changed"
        await workers[0].retract(id)
        for screen in screens:
            assert (await screen.message("changed", 2))["notif_count"] == 0
