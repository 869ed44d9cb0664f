"""`notifs key`: a token is shown once, to who has made it, and to nobody else."""

import re

import pytest

from notifs import Notifs
from tests.cli.conftest import Folder, Main


@pytest.mark.parametrize("command", ["key", "key create", "key list", "key revoke"])
def test_each_command_explains_itself(main: Main, command: str) -> None:
    result = main(*command.split(), "--help")
    assert (result.status, result.err) == (0, "")
    assert f"Usage: notifs {command} " in result.out


async def test_a_key_is_made_so_that_a_shell_can_keep_its_token(folder: Folder, notifs: Notifs) -> None:
    made = await folder.run("key", "create", "ci", "--scope", "send", "--scope", "read")
    assert made.status == 0
    token = made.out.removesuffix("\n")
    (key,) = await notifs.store.keys.list()
    assert await notifs.store.keys.find(token) == key  # there is nothing else on standard output
    assert (key.producer, set(key.scopes), key.kinds, key.topics) == ("ci", {"send", "read"}, None, None)
    assert made.err == f"made the key {key.id} of ci; its token is shown this once, keep it as a secret\n"
    assert token not in made.err


async def test_a_key_is_made_for_some_kinds_and_topics(folder: Folder, notifs: Notifs) -> None:
    limits = ["--kind", "comment.*", "--kind", "deploy", "--topic", "repo/7"]
    await folder.run("key", "create", "ci", "--scope", "send", *limits)
    (key,) = await notifs.store.keys.list()
    assert (key.kinds, key.topics) == (("comment.*", "deploy"), ("repo/7",))


async def test_keys_are_listed_without_their_tokens_and_revoked(folder: Folder, notifs: Notifs) -> None:
    token = (await folder.run("key", "create", "old", "--scope", "admin", "--kind", "deploy")).out.strip()
    new, _ = await notifs.store.keys.create("new", ["send", "read"])
    assert await notifs.store.keys.find(token)
    await notifs.store.keys.drain()
    id = token.split("_")[1]
    gone = await folder.run("key", "revoke", id)
    assert (gone.status, gone.out, gone.err) == (0, f"revoked the key {id} of old\n", "")
    listed = await folder.run("key", "list")
    moment = r"\d{4}-\d\d-\d\dT\d\d:\d\dZ"
    old_line, new_line = listed.out.splitlines()
    assert re.fullmatch(
        rf"{id}  old  admin  made {moment}  last used {moment}  revoked {moment}  kinds deploy", old_line
    )
    assert re.fullmatch(rf"{new.id}  new  read,send  made {moment}  never used", new_line)
    assert token[16:] not in listed.out


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("key create ci --scope write", "a key has at least one of the scopes send, read, admin"),
        ("key create ci --scope send --kind Deploy", "a kind is like comment.posted"),
        ("key create ci --scope send --topic a//b", "a topic is 1 to 200 of the characters"),
        ("key revoke abcdefghijkl", "there is no key abcdefghijkl; see: notifs key list"),
    ],
)
def test_what_cannot_be_done_with_keys_is_one_line(main: Main, folder: Folder, line: str, told: str) -> None:
    assert main(*line.split()).refusal.startswith(told)
    assert main("key", "list").out == ""


def test_a_key_without_any_scope_is_not_made(main: Main, folder: Folder) -> None:
    result = main("key", "create", "ci")
    assert (result.status, result.out) == (2, "")
    assert "--scope" in result.err


@pytest.mark.parametrize("line", ["key create ci --scope send", "key list", "key revoke x", "topic list"])
def test_where_there_is_no_database_none_is_made_by_accident(main: Main, empty: Folder, line: str) -> None:
    assert main(*line.split(), cwd=empty.path).refusal.startswith("there is no database ")
    assert not list(empty.path.iterdir())
