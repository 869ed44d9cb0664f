"""A producer: a process of its own that notifies at a steady rate and writes down what it was told.

    producer.py JOURNAL RATE LIMIT RECIPIENT...

What it sent before and was never told the outcome of, it sends again first, with the same key. RATE is per second,
LIMIT 0 for no end. Ends by itself after LIMIT, and on SIGTERM; then everything was acknowledged, or given up.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any, TextIO

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])

from notifs import Notifs, Settings
from notifs.errors import StoreUnavailable
from tests.faults import failpoints
from tests.faults.history import Sent, read_journals

TRIES_SECONDS = 60
"""How long it tries to send one notification."""


class Producer:
    """Sends, and keeps a journal: one line before each try, one after it."""

    def __init__(self, notifs: Notifs, journal: TextIO) -> None:
        self._notifs = notifs
        self._journal = journal

    async def send(self, key: str, to: list[str]) -> None:
        """Notify until it is acknowledged."""
        deadline = time.monotonic() + TRIES_SECONDS
        while time.monotonic() < deadline:
            self._write(key=key, to=to)
            try:
                # The recipient is in the body, so that nobody else can have it without being noticed.
                body = " ".join(to)
                id = await self._notifs.notify(to=to, title=key, body=body, idempotency_key=key)
            except StoreUnavailable as error:
                self._write(key=key, failed=error.code)
                await asyncio.sleep(random.uniform(0.1, 0.5))
            else:
                self._write(key=key, id=id, acked=time.monotonic())
                return

    def _write(self, **entry: Any) -> None:
        self._journal.write(json.dumps(entry) + "\n")
        self._journal.flush()


async def run(path: Path, known: dict[str, Sent], rate: float, limit: int, recipients: list[str]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Notifs(Settings()).open() as notifs, asyncio.TaskGroup() as tasks:
        with path.open("a") as journal:
            producer = Producer(notifs, journal)
            for sent in known.values():
                if sent.acked_at is None:
                    await producer.send(sent.key, list(sent.to))
            sys.stdout.write("producing\n")
            sys.stdout.flush()
            running = set[asyncio.Task[None]]()
            number, due = len(known), time.monotonic()
            while not stop.is_set() and (not limit or number < limit):
                to = random.sample(recipients, 1 if random.random() < 0.9 else min(2, len(recipients)))
                running.add(tasks.create_task(producer.send(f"{path.stem}-{number}", sorted(to))))
                number, due = number + 1, due + 1 / rate
                await asyncio.sleep(max(0, due - time.monotonic()))
            await asyncio.gather(*running)


if __name__ == "__main__":
    failpoints.install(os.environ.get("FAILPOINTS", ""))
    journal = Path(sys.argv[1])
    before = read_journals([journal]) if journal.exists() else {}
    asyncio.run(run(journal, before, float(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
