"""For other programs: `AsyncClient` notifies over HTTP, with the words of `Notifs`.

    async with AsyncClient("https://notifs.example.org", key) as client:
        await client.notify(to="ada", title="Order 7 is placed", url="/orders/7")

What cannot be done just now is tried again, always under the same idempotency key, so that it is done once.
"""

from notifs.client.client import AsyncClient
from notifs.client.words import Announcement, Changes, Counts, Item, Notification, Options, Progress, Receipt, Sent

__all__ = [
    "Announcement",
    "AsyncClient",
    "Changes",
    "Counts",
    "Item",
    "Notification",
    "Options",
    "Progress",
    "Receipt",
    "Sent",
]
