"""`notifs audit`: what happened, newest first, as lines for people or as JSON."""

import json
import re
import uuid
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from notifs import Notifs
from notifs.store.audit import record
from notifs.store.models import Audit
from tests.cli.conftest import Folder, Main

MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.fixture
async def ada(notifs: Notifs) -> str:
    """Ada's recipient id; the log has what she and a key did."""
    ada = await notifs.store.user("ada@example.org")
    await notifs.store.audit.record("signed_in", ada.id, address="10.0.0.1")
    key, _ = await notifs.store.keys.create("ci", ["send"], actor="cli")
    await notifs.store.keys.revoke(key.id, actor="cli")
    await notifs.store.audit.record("sign_in_failed", address="10.0.0.2\x1b[31m")
    return ada.id


async def test_lines_tell_when_what_whom_by_whom_and_from_where(folder: Folder, notifs: Notifs, ada: str) -> None:
    result = await folder.run("audit")
    assert (result.status, result.err) == (0, "")
    (key,) = await notifs.store.keys.list()
    expected = [
        r"sign_in_failed  -  'from 10.0.0.2\\x1b\[31m'",
        rf"key_revoked  -  by cli  key={key.id}  producer=ci",
        rf"key_made  -  by cli  key={key.id}  producer=ci",
        rf"signed_in  {ada}  from 10.0.0.1",
        rf"account_made  {ada}",
    ]
    for line, what in zip(result.out.splitlines(), expected, strict=True):
        assert re.fullmatch(f"{MOMENT}  {what}", line)


async def test_only_what_was_asked_for_is_shown(folder: Folder, notifs: Notifs, ada: str) -> None:
    async def events(*args: str) -> list[str]:
        result = await folder.run("audit", "--json", *args)
        assert result.status == 0, result
        return [json.loads(line)["event"] for line in result.out.splitlines()]

    for name in ("ada@example.org", ada):
        assert await events("--user", name) == ["signed_in", "account_made"]
    assert await events("--event", "key_made") == ["key_made"]
    assert await events("--user", ada, "--event", "key_made") == []
    old = update(Audit).where(Audit.event == "key_made").values(at=datetime(2026, 1, 2, tzinfo=UTC))
    async with notifs.session() as session:
        await session.execute(old)
    for since in ("2026-01-03", "2026-01-02T00:01", "2026-01-02T01:00+00:30", "5m", "2h", "1d"):
        assert "key_made" not in await events("--since", since)
    for since in ("2026-01-02", "2026-01-02T00:30+00:31", "9999d"):
        assert len(await events("--since", since)) == 5


async def test_json_has_all_there_is(folder: Folder, ada: str) -> None:
    line = json.loads((await folder.run("audit", "--json", "--event", "signed_in")).out)
    assert uuid.UUID(line.pop("id")).version == 7
    assert datetime.fromisoformat(line.pop("at")).tzinfo == UTC
    assert line == {"event": "signed_in", "recipient": ada, "actor": None, "address": "10.0.0.1", "detail": {}}


async def test_a_long_log_is_shown_to_its_end(folder: Folder, notifs: Notifs) -> None:
    async with notifs.session() as session:
        connection = await session.connection()
        for _ in range(1200):
            await record(connection, "signed_in")
    assert len((await folder.run("audit", "--event", "signed_in")).out.splitlines()) == 1200


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("audit --event lunch", "there is no event lunch; there are signed_in, "),
        ("audit --since yesterday", "--since is a date like 2026-12-24"),
        ("audit --since d", "--since is a date like 2026-12-24"),
        ("audit --since 99999999999d", "--since is a date like 2026-12-24"),
        ("audit --user eve@example.org", "nobody"),
    ],
)
def test_what_cannot_be_shown_is_one_line(main: Main, folder: Folder, line: str, told: str) -> None:
    assert main(*line.split()).refusal.startswith(told)
