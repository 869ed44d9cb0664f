"""The tables, all of them: of mailboxes, of people, of producers."""

from notifs.store.models.base import Base, Instant, new_id, utcnow
from notifs.store.models.mailboxes import (
    ARCHIVED,
    CONTENT,
    KEPT,
    PUT_AWAY,
    PUT_OFF,
    SNOOZED,
    UNREAD,
    UNSEEN,
    Epoch,
    Idempotency,
    Mailbox,
    Notification,
    Receipt,
)
from notifs.store.models.people import Audit, Count, Identity, Session, Spent, User
from notifs.store.models.producers import (
    Announcement,
    ApiKey,
    Delivery,
    Follower,
    Job,
    JobPart,
    Link,
    Topic,
    Webhook,
)

__all__ = [
    "ARCHIVED", "CONTENT", "KEPT", "PUT_AWAY", "PUT_OFF", "SNOOZED", "UNREAD", "UNSEEN", "Announcement", "ApiKey",
    "Audit", "Base", "Count", "Delivery", "Epoch", "Follower", "Idempotency", "Identity", "Instant", "Job",
    "JobPart", "Link", "Mailbox", "Notification", "Receipt", "Session", "Spent", "Topic", "User", "Webhook",
    "new_id", "utcnow",
]  # fmt: skip
