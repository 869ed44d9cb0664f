"""Writes that go on while a client is greeted (F16): before its mailbox is read, and after it but before it is told."""

from pathlib import Path

import httpx2
import pytest

from tests.faults.cluster import Cluster, until
from tests.faults.person import Person

pytestmark = pytest.mark.timeout(120)


async def read_one(trio: Cluster, person: Person, key: str) -> None:
    """The person reads one at the very worker that greets, over HTTP."""
    recipient = person.recipient
    (id,) = [e.id for e in (await trio.notifs.store.page(recipient, "unread")).entries if e.title == key]
    headers = {"sec-fetch-site": "same-origin", "cookie": person.cookie}
    async with httpx2.AsyncClient(trust_env=False, headers=headers) as http:
        answer = await http.post(f"{trio.workers[0].address}/api/v1/inbox/read", json={"ids": [str(id)]})
    assert answer.status_code == 200


@pytest.mark.parametrize("point", ["before_read", "after_read"])
async def test_what_is_written_while_a_client_is_greeted_is_neither_lost_nor_shown_twice(
    trio: Cluster, point: str, tmp_path: Path
) -> None:
    greeter, gate = trio.workers[0], tmp_path / "gate"
    greeter.env["FAILPOINTS"] = f"{point}=pause:{gate}"
    await greeter.restart()
    recipients = [await trio.account() for _ in range(2)]
    (new,), (known,) = [await trio.tabs(recipient, at=greeter) for recipient in recipients]
    async with trio.present(known):
        pass  # it has a cursor from now on
    for recipient in recipients:
        await trio.notify([recipient], f"before {recipient}")
    gate.touch()
    async with new.present(), known.present():
        await until(Path(f"{gate}.reached").exists)
        for person in (new, known):
            await trio.notify([person.recipient], f"during {person.recipient}")
            await read_one(trio, person, f"before {person.recipient}")
            await trio.notify([person.recipient], f"after {person.recipient}")
        producer = await trio.producer(recipients, rate=50, limit=30)
        await producer.ended()
        assert new.mailbox.cursor is None
        gate.unlink()
        report = await trio.reckon()
    assert report.acked == 30
