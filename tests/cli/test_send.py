"""`notifs send` to topics and to many, `announce`, `retract` and `job`."""

from datetime import UTC, datetime

import pytest

from notifs import Notifs
from tests.cli.conftest import Folder, Main

FOLLOWERS = [f"user-{n:04}" for n in range(1100)]


async def titles(notifs: Notifs, recipient: str) -> list[str]:
    return [each["title"] for each in await notifs.get_unread_notifs(recipient)]


async def test_send_to_followers_and_people_reaches_each_once(folder: Folder, notifs: Notifs) -> None:
    ada = (await notifs.store.user("ada@example.org")).id
    await notifs.follow(ada, "news")
    await notifs.follow("eve", "news")
    result = await folder.run("send", "ada@example.org", "--topic", "news", "Hello")
    assert (result.status, result.err) == (0, "")
    assert (await titles(notifs, ada), await titles(notifs, "eve")) == (["Hello"], ["Hello"])


async def test_send_to_many_shows_how_far_it_is_and_needs_no_server(folder: Folder, notifs: Notifs) -> None:
    await notifs.store.topics.follow("news", FOLLOWERS)
    result = await folder.run("send", "--topic", "news", "Hello")
    assert (result.status, result.err) == (0, "sending\n")
    id = result.out.strip()
    assert (await titles(notifs, FOLLOWERS[0]), await titles(notifs, FOLLOWERS[-1])) == (["Hello"], ["Hello"])
    told = await folder.run("job", id)
    assert (told.status, told.out) == (0, "1100 of 1100 have it\n")


async def test_what_is_for_later_is_stored_and_not_waited_for(folder: Folder, notifs: Notifs) -> None:
    result = await folder.run("send", "ada@example.org", "Later", "--at", "2126-12-24T10:00:00+0000")
    progress = await notifs.progress(result.out.strip())
    assert progress is not None
    assert progress.due_at == datetime(2126, 12, 24, 10, tzinfo=UTC)
    told = await folder.run("job", result.out.strip(), TZ="UTC")
    assert told.out == "it goes out at 2126-12-24 10:00:00 UTC\n"


async def test_announce_reaches_everyone_and_retract_takes_it_back(folder: Folder, notifs: Notifs) -> None:
    result = await folder.run("announce", "To all", "--priority", "urgent")
    id = result.out.strip()
    assert await titles(notifs, "anyone") == ["To all"]
    assert (await folder.run("retract", id)).out == f"{id} is taken back\n"
    assert await titles(notifs, "anyone") == []
    assert "may have been taken back already" in (await folder.run("retract", id)).refusal


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["send", "Hello"], "nobody is named; give a person before the title, or --topic"),
        (["send", "--topic", "no topic", "Hello"], "a topic is 1 to 200 of the characters"),
        (["send", "ada@example.org", "x", "--expires", "2020-01-01"], "expires_at: is over before it begins"),
        (["retract", "nothing"], "there is no notification nothing"),
        (["job", "01890000-0000-7000-8000-000000000000"], "what goes to few is sent at once"),
    ],
)
def test_what_cannot_be_done_is_said(main: Main, folder: Folder, args: list[str], told: str) -> None:
    assert told in main(*args).refusal
