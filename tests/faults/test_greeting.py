"""Writes that go on while a client is greeted (F16): before its mailbox is read, and after it but before it is told.

Workers look at the store so seldom here that they cannot repair by it what a greeting has forgotten.
"""

from pathlib import Path

import pytest

from tests.faults.cluster import Cluster
from tests.faults.person import Person
from tests.waiting import until
from tests.wire import http_client

pytestmark = pytest.mark.timeout(120)


async def read_one(ears: Cluster, person: Person, key: str) -> None:
    """The person reads one at the very worker that greets, over HTTP."""
    recipient = person.recipient
    (id,) = [e.id for e in (await ears.notifs.store.page(recipient, "unread")).entries if e.title == key]
    headers = {"sec-fetch-site": "same-origin", "cookie": person.cookie}
    async with http_client(headers=headers) as http:
        answer = await http.post(f"{ears.workers[0].address}/api/v1/inbox/read", json={"ids": [str(id)]})
    assert answer.status_code == 200


@pytest.mark.parametrize("point", ["before_read", "after_read"])
async def test_what_is_written_while_a_client_is_greeted_is_neither_lost_nor_shown_twice(
    ears: Cluster, point: str, tmp_path: Path
) -> None:
    greeter, gate = ears.workers[0], tmp_path / "gate"
    greeter.env["FAILPOINTS"] = f"{point}=pause:{gate}"
    await greeter.restart()
    recipients = [await ears.account() for _ in range(2)]
    (new,), (known,) = [await ears.tabs(recipient, at=greeter) for recipient in recipients]
    async with ears.present(known):
        pass  # it has a cursor from now on
    for recipient in recipients:
        await ears.notify([recipient], f"before {recipient}")
    gate.touch()
    async with new.present(), known.present():
        await until(Path(f"{gate}.reached").exists)
        for person in (new, known):
            await ears.notify([person.recipient], f"during {person.recipient}")
            await read_one(ears, person, f"before {person.recipient}")
            await ears.notify([person.recipient], f"after {person.recipient}")
        producer = await ears.producer(recipients, rate=50, limit=30)
        await producer.ended()
        assert new.mailbox.cursor is None
        gate.unlink()
        report = await ears.reckon(seconds=20)
    assert report.acked == 30
