"""What is snoozed comes back on the screen by itself, on time, whoever is there then; and acts are undone."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from notifs import Notifs, Settings
from tests import servers
from tests.realtime.workers import HEAD_CHECKS, two_workers
from tests.wire import Client, by_header, hosted

ADA = {"x-user": "ada"}
SHORTLY = timedelta(seconds=0.4)


def soon() -> datetime:
    return datetime.now(UTC) + SHORTLY


async def test_it_comes_back_on_the_screen_when_its_time_has_come(
    notifs: Notifs, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifs.jobs.LOOK_SECONDS", 1000.0)  # nobody comes to look by chance
    async with Client.open(url, headers=ADA) as client:
        ids = [await notifs.notify(to="ada", title=title) for title in ("snoozed", "read and snoozed", "stays")]
        await client.ask("mark_read", {"ids": ids[1:2]})
        until = soon()
        ack = await client.ask("snooze", {"ids": ids[:2], "until": until.isoformat()})
        assert (ack["notif_count"], ack["unseen_count"], ack["changed"]) == (1, 1, 2)
        told = await client.message("changed", 2)
        assert [row["snoozed_until"] is None or row["archived_at"] for row in told["notifs"]] == [None, None]
        back = await client.message("changed", 3)
        assert datetime.now(UTC) >= until
        assert (back["prev"], back["notif_count"], back["unseen_count"]) == (5, 3, 3)
        marks = ("id", "position", "snoozed_until", "read_at", "seen_at", "archived_at")
        assert [[row[mark] for mark in marks] for row in back["notifs"]] == [
            [ids[1], 2, None, None, None, None],
            [ids[0], 1, None, None, None, None],
        ]


async def test_each_comes_back_at_its_own_time(notifs: Notifs, url: str) -> None:
    async with Client.open(url, headers=ADA) as client:
        ids = [await notifs.notify(to="ada", title=title) for title in ("later", "sooner", "much later")]
        for id, after in zip(ids, (2, 1, 1000), strict=True):
            await client.ask("snooze", {"ids": [id], "until": (datetime.now(UTC) + after * SHORTLY).isoformat()})
        assert [(await client.message("changed", 3 + n))["notifs"][0]["title"] for n in (1, 2)] == ["sooner", "later"]
        assert client.messages[-1]["notif_count"] == 2


async def test_it_comes_back_after_a_restart(settings: Settings) -> None:
    async with hosted(Notifs(settings, identify=by_header)) as url, Client.open(url, headers=ADA) as client:
        notif = await _noticed(client, Notifs(settings))
        until = soon()
        ack = await client.ask("snooze", {"ids": [notif["id"]], "until": until.isoformat()})
        assert ack["notif_count"] == 0
    await asyncio.sleep((until - datetime.now(UTC)).total_seconds())  # nobody is there when it is due
    async with hosted(Notifs(settings, identify=by_header)) as url:
        async with Client.open(url, headers=ADA, auth={"cursor": ack["cursor"]}) as client:
            await client.until(lambda: any(m["notifs"] for m in client.messages))
            (row,) = client.messages[-1]["notifs"]
            assert (row["id"], row["read_at"], row["revision"]) == (notif["id"], None, 3)
            assert client.messages[-1]["notif_count"] == 1


async def _noticed(client: Client, elsewhere: Notifs) -> Any:
    async with elsewhere.open():
        await elsewhere.notify(to="ada", title="snoozed")
    return (await client.message("created"))["notifs"][0]


@pytest.mark.parametrize("seconds", HEAD_CHECKS)
async def test_of_two_workers_one_brings_it_back_and_both_show_it(
    database_url: str, redis: servers.Redis, seconds: float
) -> None:
    """By the bus, which tells the other one to look; without it by the head check."""
    async with two_workers(database_url, redis, seconds) as (workers, screens):
        ids = [await workers[0].notify(to="ada", title=f"n{n}") for n in range(3)]
        # At once: before the last of several was asked for, the moment could have come.
        assert (await screens[0].ask("snooze", {"ids": ids, "until": soon().isoformat()}))["changed"] == 3
        await screens[0].until(lambda: screens[0].messages[-1]["cursor"].endswith(":5"))
        await screens[1].until(lambda: screens[1].messages[-1]["cursor"].endswith(":5"))
        assert [screen.messages[-1]["notif_count"] for screen in screens] == [3, 3]
        assert (await workers[0].store.head("ada")).revision == 5


async def test_who_is_at_another_worker_than_the_one_that_brings_it_back_is_told(
    postgres_url: str, redis: servers.Redis
) -> None:
    """Which of them does is left to chance: of so many, some are brought back by the one where nobody is."""
    secret = "a secret that all workers have, and nobody else"
    settings = Settings(database_url=postgres_url, redis_url=redis.url, secret_key=secret, head_check_seconds=60)
    workers = [Notifs(settings, identify=by_header) for _ in range(2)]
    async with hosted(workers[0]), hosted(workers[1]) as url, Client.open(url, headers=ADA) as screen:
        ids = [uuid.UUID(await workers[0].notify(to="ada", title=f"n{n}")) for n in range(8)]
        for n, id in enumerate(ids):
            await workers[0].acts.do("ada", "snooze", ids=[id], until=datetime.now(UTC) + SHORTLY / 8)
            await screen.until(lambda n=n: screen.messages[-1]["cursor"].endswith(f":{10 + 2 * n}"))  # type: ignore[misc]


async def test_a_moment_that_cannot_be_is_refused_in_words(notifs: Notifs, url: str) -> None:
    id = await notifs.notify(to="ada", title="stays")
    async with Client.open(url, headers=ADA) as client:
        for until in ("2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "2026-12-01T09:00:00", "soon", 7, None):
            refused = await client.ask("snooze", {"ids": [id], "until": until})
            assert refused["error"]["code"] == "invalid_until", until
            assert refused["error"]["message"].startswith("until ")
        assert (await client.ask("snooze", {"ids": [id]}))["error"]["code"] == "bad_request"
        assert (await client.ask("fetch"))["notifs"][0]["revision"] == 1


async def test_who_wants_it_put_off_again_does_not_undo_what_others_did_since(notifs: Notifs, url: str) -> None:
    ids = [await notifs.notify(to="ada", title=title) for title in ("stays", "read elsewhere")]
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    async with Client.open(url, headers=ADA) as client:
        await client.ask("snooze", {"ids": ids, "until": until})
        done = await client.ask("unsnooze", {"ids": ids})
        await client.ask("mark_read", {"ids": ids[1:]})
        assert (await client.ask("snooze", {"at": done["cursor"], "until": until}))["changed"] == 1
        snoozed = await client.ask("fetch", {"filter": "snoozed"})
        assert [row["id"] for row in snoozed["notifs"]] == ids[:1]
        both = await client.ask("snooze", {"ids": ids, "at": done["cursor"], "until": until})
        assert both["error"]["code"] == "bad_request"


async def test_mark_all_is_undone_by_its_cursor_as_one_change(notifs: Notifs, url: str) -> None:
    for n in range(3):
        await notifs.notify(to="ada", title=f"n{n}")
    async with Client.open(url, headers=ADA) as client:
        cursor = (await client.message("snapshot"))["cursor"]
        done = await client.ask("mark_all_read", {"up_to": cursor})
        undone = await client.ask("mark_unread", {"at": done["cursor"]})
        assert (done["changed"], undone["changed"], undone["notif_count"]) == (3, 3, 3)
        told = await client.message("changed", 2)
        assert (told["cursor"], [row["read_at"] for row in told["notifs"]]) == (undone["cursor"], [None] * 3)
        assert (await client.ask("mark_unread", {"at": done["cursor"]}))["changed"] == 0
        both = await client.ask("archive", {"ids": [], "at": done["cursor"]})
        assert (both["error"]["code"], both["error"]["message"]) == ("bad_request", "give either ids or at")
        other = await client.ask("archive", {"at": "0123456789abcdef:4"})
        assert other["error"]["code"] == "invalid_cursor"


async def test_others_cursors_and_ids_bring_nothing_back(notifs: Notifs, url: str) -> None:
    id = await notifs.notify(to=["ada", "eve"], title="hers")
    async with Client.open(url, headers=ADA) as ada, Client.open(url, headers={"x-user": "eve"}) as eve:
        own = await notifs.notify(to="ada", title="hers alone")
        done = await ada.ask("snooze", {"ids": [id, own], "until": (soon() + timedelta(days=1)).isoformat()})
        for event in ("unsnooze", "archive", "mark_read"):
            assert (await eve.ask(event, {"at": done["cursor"]}))["changed"] == 0
        assert (await eve.ask("unsnooze", {"ids": [id, own]}))["changed"] == 0
        snoozed = await ada.ask("fetch", {"filter": "snoozed"})
        assert [row["id"] for row in snoozed["notifs"]] == [own, id]


async def test_a_search_is_answered_in_the_ack(notifs: Notifs, url: str) -> None:
    for title in ("Build 7 failed", "Build 8 passed", "Lunch"):
        await notifs.notify(to="ada", title=title)
    async with Client.open(url, headers=ADA) as client:
        page = await client.ask("fetch", {"filter": "all", "text": "build", "limit": 1})
        assert (page["text"], page["kind"], page["actor"], page["has_more"]) == ("build", None, None, True)
        assert [row["title"] for row in page["notifs"]] == ["Build 8 passed"]
        wrong: list[dict[str, Any]] = [
            {"text": "x" * 201}, {"text": 7}, {"text": "a\0b"}, {"kind": ["x"]}, {"actor": {}},
        ]  # fmt: skip
        for each in wrong:
            assert (await client.ask("fetch", each))["error"]["code"] == "bad_request"
