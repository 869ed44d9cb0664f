"""Things that tests send about."""

from typing import Any

from notifs.store import Notification
from notifs.store.models import new_id, utcnow


def notification(title: str = "Hello", **fields: Any) -> Notification:
    """A notification that is not stored yet."""
    values = {
        "id": new_id(),
        "kind": "message",
        "title": title,
        "body": "",
        "url": None,
        "icon": None,
        "actor": None,
        "actions": [],
        "priority": "normal",
        "group": None,
        "data": {},
        "created_at": utcnow(),
        "expires_at": None,
    }
    return Notification(**{**values, **fields})
