"""S38: who can write to Redis says nothing to anybody: what has not the deployment's seal is not believed."""

import json
import pickle
from pathlib import Path

import pytest
from redis.asyncio import Redis
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError

from notifs.store.accounts import Person
from tests.attacks.arena import Target, attack, serving
from tests.attacks.ways import broken, producer, send, socket
from tests.servers import Postgres

FORGED = "forged title"


class Exploit:
    """What a pickle may do to whoever opens it."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("a pickle was opened",)


async def channels(redis: Redis) -> list[bytes]:
    """Every channel that somebody hears."""
    found = [await redis.execute_command("PUBSUB", verb, "*") for verb in ("CHANNELS", "SHARDCHANNELS")]  # type: ignore[no-untyped-call]
    return [name for names in found for name in names]


def forgeries(target: Target, person: Person) -> list[bytes]:
    """Messages that would show something, end a socket, or run code."""
    message = {
        "meta": "New notifications", "type": "created", "notif_count": 99, "unseen_count": 99,
        "notifs": [{"id": "x", "title": FORGED}], "cursor": f"{target.store.epoch}:2", "prev": 1,
    }  # fmt: skip
    moved = {"recipient": person.id, "epoch": target.store.epoch, "prev": 1, "revision": 2, "type": "created"}
    texts = [
        json.dumps(moved).encode() + b"\n" + json.dumps(message).encode(),
        json.dumps({"session": None, "recipient": person.id}).encode() + b"\n",
        json.dumps({"look": "x"}).encode() + b"\n",
    ]
    emit = {"method": "emit", "event": "response", "data": message, "room": f"user_{person.id}", "namespace": "/notifs"}
    ends = {"method": "disconnect", "sid": "x", "namespace": "/notifs", "host_id": "x"}
    of_the_stock_manager = [json.dumps(each).encode() for each in (emit, ends)] + [pickle.dumps(emit)]
    sealed = [seal + text for text in texts for seal in (bytes(16), b"\xff" * 16, b"")]
    return [*sealed, *of_the_stock_manager, pickle.dumps(Exploit()), b"", b"\x00", b"{" * 10_000]


@attack("S38", off="seals_are_not_checked", redis=True)
async def test_what_is_forged_on_the_bus_changes_nothing(target: Target) -> list[str]:
    """On every channel that there is, and on those of the stock manager: emits, disconnects, pickles, wrong seals."""
    ada = await target.person("ada")
    async with Redis.from_url(target.settings.redis_url) as redis, producer(target) as shop, socket(target, ada) as it:
        await send(shop, ada, "the first")
        await it.message("created")
        for channel in {*await channels(redis), b"socketio", b"notifs"}:
            for forged in forgeries(target, ada):
                for verb in ("PUBLISH", "SPUBLISH"):
                    await redis.execute_command(verb, channel, forged)  # type: ignore[no-untyped-call]
        await send(shop, ada, "the last")
        await it.until(lambda: it.closed or any("the last" in frame for frame in it.frames))
        through = ["her socket has ended"] if it.closed else []
        if any(FORGED in frame for frame in it.frames):
            through.append("a forged notification")
    if any("a pickle was opened" in line for line in target.lines):
        through.append("a pickle")
    return through + broken(target)


async def test_the_server_needs_no_more_than_to_read_and_write_rows(
    tmp_path: Path, postgres: Postgres, postgres_url: str
) -> None:
    """A role that cannot change a table serves all the same: who has taken the server over cannot either."""
    url = make_url(postgres_url)
    name = str(url.database)
    for statement in (
        "CREATE ROLE server LOGIN",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO server",
        "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO server",
    ):
        await postgres.execute(statement, name)
    least = url.set(username="server").render_as_string(hide_password=False)
    try:
        async with serving(tmp_path, least) as target:
            ada = await target.person("ada")
            async with producer(target) as shop, socket(target, ada) as it:
                id = await send(shop, ada, "it is told")
                await it.message("created")
                assert (await it.ask("mark_read", {"ids": [id]}))["notif_count"] == 0
            with pytest.raises(ProgrammingError, match="must be owner"):
                await target.store.database.write(lambda c: c.execute(text("DROP TABLE notifs_receipts")))
            assert broken(target) == []
    finally:
        await postgres.execute("DROP OWNED BY server", name)
        await postgres.execute("DROP ROLE server")
