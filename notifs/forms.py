"""The standard form: what clients get of a store's line, a page or a change (docs/protocol.md)."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any, cast

import humanize
import orjson

from notifs.store import Entry, Head, Page
from notifs.urls import safe_link, safe_picture
from notifs.wire import META, Cursor, Filter, Message, Notification, Retracted, Search, Step, Type
from notifs.wire import Page as PageMessage

_MINUTE, _HOUR = 60, 3600
_POSITION = attrgetter("position")


def iso(moment: datetime | None) -> str | None:
    """A moment as it is told everywhere: ISO 8601 in UTC, to the millisecond."""
    if moment is None:
        return None
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    text = orjson.dumps(moment)  # b'"2026-11-24T09:00:00.123456+00:00"', seven times as fast as isoformat
    return text[1:24].decode() + "Z" if moment.microsecond else text[1:20].decode() + ".000Z"


def _ago(moment: datetime, now: datetime) -> str:
    seconds = int((now - moment).total_seconds())
    return _humanized(seconds if abs(seconds) < _HOUR else seconds // _MINUTE * _MINUTE)


@lru_cache(maxsize=10_000)
def _humanized(seconds: int) -> str:
    # Of what is read together much is of about the same age, and to say it takes longer than all the rest of a line.
    return humanize.naturaltime(timedelta(seconds=seconds))


def _retracted(entry: Entry) -> Retracted:
    return {"id": str(entry.id), "revision": entry.revision, "retracted": True}


class Forms:
    """Makes messages.

    Args:
        cursor: names the revision of a head.
        base: the path under which the application is mounted; links begin with it.
        image_hosts: the origins that pictures may come from, beside this host.
    """

    def __init__(self, cursor: Callable[[Head], Cursor], base: str = "", image_hosts: Collection[str] = ()) -> None:
        self._cursor = cursor
        self.base = base
        self._image_hosts = frozenset(image_hosts)

    def notification(self, entry: Entry, now: datetime | None = None) -> Notification:
        """The standard form of one line."""
        # Once for each push: to take all fields at once, and to call nothing for those that are empty, halves its time.
        (
            uuid, kind, title, body, url, icon, actor, actions, priority, group, data, created, expires, position,
            revision, seen, read, archived, snoozed, _,
        ) = entry  # fmt: skip
        id = orjson.dumps(uuid, default=str)[1:-1].decode()  # str(uuid) in a third of the time; asyncpg's own is quick
        form = {
            "id": id,
            "kind": kind,
            "title": title,
            "body": body,
            "url": url and safe_link(url),
            "icon": icon and safe_picture(icon, self._image_hosts),
            "actor": actor and self._actor(actor),
            "actions": actions and [action for action in actions if safe_link(action["url"])],
            "priority": priority,
            "group": group,
            "data": data,
            "created_at": iso(created),
            "received_at": _ago(created, now or datetime.now(UTC)),
            "mark_read": f"{self.base}/notifications/{id}/read/",
            "position": position,
            "revision": revision,
            "seen_at": seen and iso(seen),
            "read_at": read and iso(read),
            "archived_at": archived and iso(archived),
            "snoozed_until": snoozed and iso(snoozed),
            "expires_at": expires and iso(expires),
        }
        return cast(Notification, form)

    def _actor(self, actor: dict[str, Any]) -> dict[str, Any]:
        return {**actor, "avatar": safe_picture(actor.get("avatar"), self._image_hosts)}

    def notifications(self, entries: Iterable[Entry]) -> list[Notification]:
        """The standard forms of lines, newest first."""
        now = datetime.now(UTC)
        return [self.notification(e, now) for e in sorted(entries, key=_POSITION, reverse=True)]

    def rows(self, entries: Sequence[Entry]) -> list[Notification | Retracted]:
        """The same, and of those that were taken back what is left of them."""
        now = datetime.now(UTC)
        newest_first = entries if len(entries) < 2 else sorted(entries, key=_POSITION, reverse=True)
        return [_retracted(e) if e.retracted_at else self.notification(e, now) for e in newest_first]

    def connected(self, head: Head, person: str) -> Message:
        """The first message on a socket. It moves nothing, so it has no cursor; the count is there for the badge."""
        return {**self._message("connected", head, ()), "cursor": None, "person": person}

    def snapshot(self, page: Page, before: int | None = None) -> Message:
        """One page of unread notifications; the first replaces what the client has, the others continue it."""
        message = self._message("snapshot", page.head, page.entries)
        message["recovered"], message["has_more"] = False, page.more
        if before is not None:
            message["before"] = before
        return message

    def delta(self, head: Head, since: int, entries: Sequence[Entry]) -> Message:
        """Everything that changed after the revision `since`."""
        message = self._message("delta", head, entries)
        message["prev"], message["recovered"] = since, True
        return message

    def step(self, type: Step, head: Head, prev: int, entries: Sequence[Entry]) -> Message:
        """One or several steps, from the revision `prev` to the head."""
        message = self._message(type, head, entries)
        message["prev"] = prev
        return message

    def page(self, filter: Filter, page: Page, before: int | None, search: Search) -> PageMessage:
        """What `fetch` and `GET /api/v1/inbox` answer."""
        return {
            "filter": filter,
            "before": before,
            "kind": search.kind,
            "actor": search.actor,
            "text": search.text,
            "notifs": self.notifications(page.entries),
            "notif_count": page.head.unread,
            "unseen_count": page.head.unseen,
            "cursor": str(self._cursor(page.head)),
            "has_more": page.more,
            "through": page.through,
        }

    def _message(self, type: Type, head: Head, entries: Sequence[Entry]) -> Message:
        return {
            "meta": META[type],
            "type": type,
            "notif_count": head.unread,
            "unseen_count": head.unseen,
            "notifs": self.rows(entries),
            "cursor": str(self._cursor(head)),
        }
