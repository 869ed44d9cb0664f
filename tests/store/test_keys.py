"""Keys to the API: the token opens, nothing else does, and nothing in the table tells it."""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, event, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import BadRequest, NotFound, NotifsError, StoreUnavailable
from notifs.store import Store
from notifs.store.database import Database
from notifs.store.keys import KNOWN_SECONDS, NOTED_SECONDS, Key, Keys
from notifs.store.models import ApiKey


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def used(database: Database, id: str) -> datetime | None:
    (found,) = [key.last_used_at for key in await Keys(database).list() if key.id == id]
    return found


async def test_a_token_finds_its_key(store: Store) -> None:
    before = datetime.now(UTC)
    key, token = await store.keys.create("ci", ["send", "read"], ["comment.*", "deploy"], ["releases", "repo/7"])
    assert re.fullmatch(r"nk_[a-z0-9]{12}_[A-Za-z0-9_-]{43}", token)
    assert token.split("_")[1] == key.id
    assert await store.keys.find(token) == key
    assert (key.producer, set(key.scopes)) == ("ci", {"send", "read"})
    assert (key.kinds, key.topics) == (("comment.*", "deploy"), ("releases", "repo/7"))
    assert before <= key.created_at <= datetime.now(UTC)
    assert key.last_used_at is key.revoked_at is None
    await store.keys.drain()


async def test_two_keys_of_one_name_are_two_keys(store: Store) -> None:
    (old, old_token), (new, new_token) = [await store.keys.create("ci", ["send"]) for _ in range(2)]
    assert list(await store.keys.list()) == [old, new]
    await store.keys.revoke(old.id)
    assert await store.keys.find(old_token) is None
    assert await store.keys.find(new_token) == new
    await store.keys.drain()


async def test_no_other_token_finds_a_key(store: Store) -> None:
    key, token = await store.keys.create("ci", ["send"])
    other, other_token = await store.keys.create("other", ["send"])
    secret, other_secret = token[16:], other_token[16:]
    wrong = [
        "", "nk_", token[:-1], token + "A", token[:-1] + ("A" if token[-1] != "A" else "B"), token.upper(),
        f"nk_{key.id}_{other_secret}", f"nk_{other.id}_{secret}", f"nk_{key.id}_", f"nk_{key.id}_{secret}\n",
        f" {token}", f"{token} ", f"nk_{key.id[:-1]}_{secret}", f"{key.id}_{secret}", secret, f"Bearer {token}",
        f"nk_{key.id}_{'é' * 43}", f"nk_{key.id}_{'٣' * 43}", f"nk_{'٣' * 12}_{secret}", f"nk_%_{secret}",
        f"nk_{key.id}_{secret[:-1]}\0", f"nk_{key.id}_{secret[:-1]}\ud800", "nk_" + "a" * 12 + "_" + "A" * 43,
    ]  # fmt: skip
    assert [guess for guess in wrong if await store.keys.find(guess)] == []
    assert await used(store.database, key.id) is None


async def test_who_has_the_table_has_no_key(store: Store) -> None:
    key, token = await store.keys.create("ci", ["admin"])
    dump = await store.database.read(_dump)
    secret = token[16:]
    assert not [value for value in dump if secret in value or token in value]
    guesses = [*dump, *(f"nk_{key.id}_{value}" for value in dump), *(f"nk_{key.id}_{value[:43]}" for value in dump)]
    assert [guess for guess in guesses if await store.keys.find(guess)] == []
    assert hashlib.sha256(token.encode()).hexdigest() in dump


async def _dump(connection: AsyncConnection) -> list[str]:
    rows = await connection.execute(select(ApiKey.__table__))
    return [str(value) for row in rows for value in row]


async def test_secrets_are_compared_in_the_same_time_however_alike_they_are(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _ = await store.keys.create("ci", ["send"])
    asked = []
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: not asked.append((len(a), len(b))))  # type: ignore[func-returns-value]
    assert await store.keys.find(f"nk_{key.id}_{'A' * 43}")  # it is this function that decides, and nothing before it
    assert asked == [(64, 64)]
    await store.keys.drain()


async def test_a_revoked_key_is_worthless_at_once_here_and_soon_elsewhere(database: Database) -> None:
    clock = Clock()
    here, there = Keys(database), Keys(database, clock)
    key, token = await here.create("ci", ["send"])
    assert await here.find(token)
    assert await there.find(token)
    revoked = await here.revoke(key.id)
    assert revoked.revoked_at
    assert await here.find(token) is None
    assert await there.find(token)  # as it was read
    clock.now += KNOWN_SECONDS
    assert await there.find(token) is None
    assert (await here.revoke(key.id)).revoked_at == revoked.revoked_at
    assert [each.revoked_at for each in await here.list()] == [revoked.revoked_at]
    assert KNOWN_SECONDS < 2
    await here.drain()
    await there.drain()


async def test_a_key_that_is_gone_from_the_table_is_gone(database: Database) -> None:
    clock = Clock()
    keys = Keys(database, clock)
    _, token = await keys.create("ci", ["send"])
    assert await keys.find(token)
    await keys.drain()
    await database.write(lambda c: c.execute(delete(ApiKey)))
    clock.now += KNOWN_SECONDS
    assert await keys.find(token) is None


async def test_a_key_that_nobody_knows_cannot_be_revoked(store: Store) -> None:
    for id in ("abcdefghijkl", "", "x", "\0", "%", "nk_abcdefghijkl"):
        with pytest.raises(NotFound) as refused:
            await store.keys.revoke(id)
        assert refused.value.code == "unknown_key"


async def test_a_key_in_use_is_read_once_a_second_and_never_written_more_than_once_a_minute(
    database: Database, kind: str
) -> None:
    statements: list[str] = []
    for engine in (database._reader, database._writer) if kind == "sqlite" else (database._writer,):
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    clock = Clock()
    keys = Keys(database, clock)
    _, token = await keys.create("ci", ["send"])
    statements.clear()
    for _ in range(1_000):
        assert await keys.find(token)
    await keys.drain()
    about = [statement.split()[0] for statement in statements if "notifs_keys" in statement]
    assert sorted(about) == ["SELECT", "SELECT", "UPDATE"]  # who it is; when it was last used; that it is used now
    clock.now += NOTED_SECONDS - 1
    assert await keys.find(token)
    await keys.drain()
    assert [s.split()[0] for s in statements if "notifs_keys" in s].count("UPDATE") == 1


async def test_the_audit_log_tells_of_keys_and_of_each_hour_in_which_one_was_used(store: Store) -> None:
    key, token = await store.keys.create("ci", ["send"], actor="cli")

    async def use(ago: timedelta) -> None:
        moment = datetime.now(UTC) - ago
        await store.database.write(lambda c: c.execute(update(ApiKey).values(last_used_at=moment)))
        worker = Keys(store.database)
        assert await worker.find(token)
        await worker.drain()

    for _ in range(2):
        await use(timedelta(hours=1))
    minutes = datetime.now(UTC).minute
    if minutes > 2:
        await use(timedelta(minutes=minutes - 1))
    await store.keys.revoke(key.id, actor="cli")
    lines = [(line.event, line.actor, line.recipient, line.detail) for line in await store.audit.read()]
    about = {"key": key.id, "producer": "ci"}
    used = [("key_used", f"key:{key.id}", None, {"producer": "ci"})] * 2
    assert lines == [("key_revoked", "cli", None, about), *used, ("key_made", "cli", None, about)]


async def test_when_a_key_was_last_used_is_told_to_the_minute(database: Database) -> None:
    clock = Clock()
    keys = Keys(database, clock)
    key, token = await keys.create("ci", ["send"])
    before = datetime.now(UTC)
    assert await keys.find(token)
    await keys.drain()
    first = await used(database, key.id)
    assert first is not None
    assert before <= first <= datetime.now(UTC)
    other = Keys(database)  # another worker, which has not noted it yet
    assert await other.find(token)
    await other.drain()
    assert await used(database, key.id) == first
    earlier = first - timedelta(seconds=NOTED_SECONDS)
    await database.write(lambda c: c.execute(update(ApiKey).values(last_used_at=earlier)))
    clock.now += NOTED_SECONDS
    assert await keys.find(token)
    await keys.drain()
    assert (await used(database, key.id) or earlier) > earlier


async def test_a_key_is_good_although_its_use_cannot_be_written(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Keys(database)
    key, token = await keys.create("ci", ["send"])

    async def fail(work: object) -> None:
        raise StoreUnavailable("no")

    monkeypatch.setattr(database, "write", fail)
    assert await keys.find(token)
    await keys.drain()
    assert await used(database, key.id) is None


async def test_while_the_store_is_away_nobody_is_let_in(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Keys(database)
    _, token = await keys.create("ci", ["send"])

    async def fail(work: object) -> None:
        raise StoreUnavailable("no")

    monkeypatch.setattr(database, "read", fail)
    with pytest.raises(StoreUnavailable):
        await keys.find(token)


NO_KEYS: list[tuple[str, list[str], list[str] | None, list[str] | None, str]] = [
    ("", ["send"], None, None, "invalid_key_name"),
    ("x" * 201, ["send"], None, None, "invalid_key_name"),
    ("a\nb", ["send"], None, None, "invalid_key_name"),
    (" ci", ["send"], None, None, "invalid_key_name"),
    ("hook:github", ["send"], None, None, "invalid_key_name"),
    ("a\0b", ["send"], None, None, "invalid_key_name"),
    ("\ud800", ["send"], None, None, "invalid_key_name"),
    ("ci", [], None, None, "invalid_scope"),
    ("ci", ["write"], None, None, "invalid_scope"),
    ("ci", ["send", "Send"], None, None, "invalid_scope"),
    ("ci", ["send"], ["Comment"], None, "invalid_kind"),
    ("ci", ["send"], ["*"], None, "invalid_kind"),
    ("ci", ["send"], ["comment*"], None, "invalid_kind"),
    ("ci", ["send"], None, ["two words"], "invalid_topic"),
]


async def test_what_cannot_be_a_key_is_refused(store: Store) -> None:
    for name, scopes, kinds, topics, code in NO_KEYS:
        with pytest.raises(BadRequest) as refused:
            await store.keys.create(name, scopes, kinds, topics)
        assert refused.value.code == code
    assert not await store.keys.list()


def _key(scopes: set[str], kinds: tuple[str, ...] | None = None, topics: tuple[str, ...] | None = None) -> Key:
    return Key("abcdefghijkl", "ci", frozenset(scopes), kinds, topics, datetime.now(UTC), None, None)


def test_a_key_may_what_its_scopes_say() -> None:
    assert [_key({"send"}).may(s) for s in ("send", "read", "admin")] == [True, False, False]
    assert [_key({"read"}).may(s) for s in ("send", "read", "admin")] == [False, True, False]
    assert [_key({"admin"}).may(s) for s in ("send", "read", "admin")] == [True, True, True]


def test_a_key_may_be_for_some_kinds_and_topics() -> None:
    free, bound = _key({"send"}), _key({"send"}, ("deploy", "comment.*"), ("releases",))
    assert free.may_kind("any.thing")
    assert free.may_topic("any/thing")
    asked = ["deploy", "comment.posted", "comment.a.b", "deploy.done", "comment", "commentary.posted", "comment.*x", ""]
    assert [kind for kind in asked if bound.may_kind(kind)] == [*asked[:3], "comment.*x"]
    assert [topic for topic in ("releases", "releases/1", "Releases", "") if bound.may_topic(topic)] == ["releases"]
    assert not _key({"admin"}, (), ()).may_kind("deploy")
    assert not _key({"admin"}, (), ()).may_topic("releases")


async def test_an_error_never_tells_a_token(store: Store) -> None:
    _, token = await store.keys.create("ci", ["send"])
    with pytest.raises(NotifsError) as refused:
        await store.keys.revoke("abcdefghijkl")
    assert token not in str(refused.value)
