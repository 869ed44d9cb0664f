"""`notifs topic`, and people by what the host and other systems call them."""

import pytest

from notifs import Notifs
from tests.cli.conftest import Folder, Main

PASSWORD = b"a password of many words"


@pytest.mark.parametrize(
    "command",
    ["topic", "topic follow", "topic unfollow", "topic list", "topic followers", "user link", "user unlink"],
)
def test_each_command_explains_itself(main: Main, command: str) -> None:
    result = main(*command.split(), "--help")
    assert (result.status, result.err) == (0, "")
    assert f"Usage: notifs {command} " in result.out


async def test_people_follow_by_address_and_by_recipient_id(main: Main, folder: Folder, notifs: Notifs) -> None:
    ada = await notifs.store.user("ada@example.org")
    await notifs.store.recipients.put("42")
    follow = ("topic", "follow", "releases", "Ada@example.org", "42")
    assert (await folder.run(*follow)).out == "2 new followers of releases, 2 in all\n"
    assert (await folder.run(*follow)).out == "0 new followers of releases, 2 in all\n"
    assert (await folder.run("topic", "followers", "releases")).out.splitlines() == sorted([ada.id, "42"])
    await folder.run("topic", "follow", "repo/7", "42")
    assert sorted((await folder.run("topic", "list")).out.splitlines()) == ["releases", "repo/7"]
    left = await folder.run("topic", "unfollow", "releases", "ada@example.org")
    assert left.out == "1 follower of releases less, 1 in all\n"
    assert (await folder.run("topic", "followers", "releases")).out == "42\n"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("topic follow a//b ada@example.org", "a topic is 1 to 200 of the characters"),
        ("topic follow a ada@example.org eve@example.org", "nobody is known as eve@example.org"),
        ("topic unfollow a ada@example.org", "there is no topic a"),
        ("topic followers a", "there is no topic a"),
        ("user link eve@example.org github eve", "nobody is known as eve@example.org"),
        ("user link ada@example.org git/hub ada", "a system is a word like github"),
        ("user unlink ada@example.org github a\u00a0da", "a name in another system is 1 to 200 printable"),
    ],
)
def test_what_cannot_be_done_with_topics_and_links_is_one_line(
    main: Main, folder: Folder, line: str, told: str
) -> None:
    assert main(*line.split(" ")).refusal.startswith(told)
    assert main("topic", "list").out == ""


async def test_a_person_is_added_under_what_the_host_calls_them(folder: Folder, notifs: Notifs) -> None:
    add = ("user", "add", "grace@example.org", "--external-id", "42", "--password-stdin")
    added = await folder.run(*add, stdin=PASSWORD)
    assert added.out == "added grace@example.org, whose recipient id is 42\n"
    assert "42  grace@example.org  grace" in (await folder.run("user", "list")).out.splitlines()
    sent = await folder.run("send", "42", "Hello")
    assert [notif["id"] for notif in await notifs.get_unread_notifs("42")] == [sent.out.strip()]
    assert (await folder.run("user", "sign-out", "42")).out == "ended 0 sign-ins of grace@example.org\n"
    assert (await folder.run(*add, stdin=PASSWORD)).refusal == "there is an account with the external id 42 already"


def test_an_external_id_that_is_none_is_refused_before_a_password_is_asked_for(main: Main, folder: Folder) -> None:
    refusal = main("user", "add", "eve@example.org", "--external-id", "a@b").refusal
    assert refusal.startswith("an external id is 1 to 200 printable characters")


async def test_people_are_linked_to_their_names_elsewhere(folder: Folder, notifs: Notifs) -> None:
    ada = await notifs.store.user("ada@example.org")
    link, unlink = (
        [("user", what, who, "github", "Ada-L") for who in ("ada@example.org", ada.id)] for what in ("link", "unlink")
    )
    assert [(await folder.run(*each)).out for each in link] == [
        f"Ada-L in github is {ada.id}\n", f"Ada-L in github is {ada.id}, as it was\n"
    ]  # fmt: skip
    assert await notifs.store.links.recipients("github", ["ada-l"]) == {"ada-l": [ada.id]}
    assert [(await folder.run(*each)).out for each in unlink] == [
        f"Ada-L in github is not {ada.id} any more\n", f"Ada-L in github is not {ada.id}; it was not\n"
    ]  # fmt: skip
    assert await notifs.store.links.of(ada.id) == []
