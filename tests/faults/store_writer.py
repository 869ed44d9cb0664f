"""A process that sends notifications and prints the id of each once it is acknowledged. Fault tests start and kill it.

python store_writer.py URL TASKS COUNT RECIPIENT...: each of TASKS tasks sends COUNT notifications to all RECIPIENTs.
The last line is JSON: the errors, and the longest that a notification took, in seconds.
"""

# ruff: noqa: T201

import asyncio
import json
import sys
import time

from notifs.errors import StoreUnavailable
from notifs.store import Store
from notifs.store.database import Database
from tests.samples import notification


async def main(url: str, tasks: int, count: int, recipients: list[str]) -> None:
    store = await Store(Database(url)).open()
    errors: list[str] = []
    longest = 0.0

    async def send() -> None:
        nonlocal longest
        for _ in range(count):
            sent, began = notification(), time.perf_counter()
            try:
                await store.create(sent, recipients)
            except StoreUnavailable as error:
                errors.append(f"{error}: {error.__cause__}")
            else:
                print(sent.id, flush=True)
            longest = max(longest, time.perf_counter() - began)

    print("ready", flush=True)
    await asyncio.gather(*(send() for _ in range(tasks)))
    await store.database.close()
    print(json.dumps({"errors": errors, "longest": longest}))


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
