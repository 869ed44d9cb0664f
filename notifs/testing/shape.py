"""What messages and notifications look like: the tables of docs/protocol.md, field by field, as rules."""

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from notifs.wire import META, PAGE, Cursor

TITLE_LIMIT, BODY_LIMIT, NOTIFICATION_LIMIT = 200, 4096, 8192
"""Characters, bytes, bytes."""
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", re.ASCII)
KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*", re.ASCII)
LINK = re.compile(r"https?://[^\s\\]+|/(?![/\\])[^\s\\]*")


class Rule(NamedTuple):
    """What a value must be: in words, and as a test."""

    words: str
    holds: Callable[[Any], bool]


def text(most: int | None = None, least: int = 0) -> Rule:
    def holds(value: Any) -> bool:
        return isinstance(value, str) and len(value) >= least and (most is None or len(value) <= most)

    return Rule(f"text of {least} to {most or 'any number of'} characters", holds)


def number(least: int) -> Rule:
    return Rule(f"a whole number from {least}", lambda v: type(v) is int and v >= least)


def one_of(*values: Any) -> Rule:
    return Rule(" or ".join(map(repr, values)), lambda v: any(v is each or v == each for each in values))


def maybe(rule: Rule) -> Rule:
    return Rule(f"{rule.words}, or null", lambda v: v is None or rule.holds(v))


def matching(words: str, pattern: re.Pattern[str]) -> Rule:
    return Rule(words, lambda v: isinstance(v, str) and pattern.fullmatch(v) is not None)


def record(fields: Mapping[str, Rule]) -> Rule:
    return Rule(f"an object of {', '.join(fields)}", lambda v: isinstance(v, dict) and not wrong(v, fields))


def list_of(rule: Rule, most: int) -> Rule:
    def holds(value: Any) -> bool:
        return isinstance(value, list) and len(value) <= most and all(map(rule.holds, value))

    return Rule(f"a list of at most {most}: {rule.words}", holds)


def _is_uuid7(value: Any) -> bool:
    try:
        return uuid.UUID(value).version == 7
    except (ValueError, AttributeError, TypeError):
        return False


BOOL = Rule("true or false", lambda v: isinstance(v, bool))
NULL = one_of(None)
TIME = matching("a time in ISO 8601 and UTC", ISO)
URL = matching("an http(s) URL, or a path that begins with a single slash", LINK)
ID = Rule("a UUIDv7", _is_uuid7)
CURSOR = Rule("a cursor", lambda v: Cursor.parse(v) is not None)
BODY = Rule(f"text of at most {BODY_LIMIT} bytes", lambda v: isinstance(v, str) and len(v.encode()) <= BODY_LIMIT)
ACTOR = record({"id": maybe(text()), "name": text(least=1), "avatar": maybe(URL)})
ACTION = record(
    {
        "label": text(least=1),
        "url": URL,
        "method": one_of("GET", "POST"),
        "style": one_of("primary", "default", "danger"),
    }
)
PROBLEM = record({"code": text(least=1), "message": text(least=1)})

NOTIFICATION: dict[str, Rule] = {
    "id": ID,
    "kind": matching("a key like comment.posted", KEY),
    "title": text(TITLE_LIMIT, 1),
    "body": BODY,
    "url": maybe(URL),
    "icon": maybe(URL),
    "actor": maybe(ACTOR),
    "actions": list_of(ACTION, 3),
    "priority": one_of("low", "normal", "high", "urgent"),
    "group": maybe(text()),
    "data": Rule("an object", lambda v: isinstance(v, dict)),
    "created_at": TIME,
    "received_at": text(least=1),
    "mark_read": URL,
    "position": number(1),
    "revision": number(1),
    "seen_at": maybe(TIME),
    "read_at": maybe(TIME),
    "archived_at": maybe(TIME),
    "snoozed_until": maybe(TIME),
    "expires_at": maybe(TIME),
}
RETRACTED = {"id": ID, "revision": number(1), "retracted": one_of(True)}

COUNTED = {"notif_count": number(0), "unseen_count": number(0), "cursor": CURSOR}
PREV = {"prev": number(0)}
BY_TYPE: dict[str, dict[str, Rule]] = {
    "connected": COUNTED | {"cursor": NULL, "person": text(least=1)},
    "snapshot": COUNTED | {"recovered": one_of(False), "has_more": BOOL},
    "delta": COUNTED | PREV | {"recovered": one_of(True)},
    "created": COUNTED | PREV,
    "changed": COUNTED | PREV,
    "announcement": COUNTED | PREV,
    "degraded": {"notif_count": NULL, "unseen_count": NULL, "cursor": NULL, "error": PROBLEM},
    "error": COUNTED | {"cursor": maybe(CURSOR), "error": PROBLEM},
}
NEW = ("created", "announcement")
ACK = {"ok": one_of(True), **COUNTED}
DONE = {**ACK, "changed": number(0)}
REFUSAL = {"ok": one_of(False), "error": PROBLEM}


def wrong(
    value: Mapping[str, Any], fields: Mapping[str, Rule], optional: Mapping[str, Rule] | None = None
) -> list[str]:
    """What is wrong with an object: fields that are missing, too many, or not as they must be."""
    known = {**(optional or {}), **fields}
    found = [f"{name} is missing" for name in fields if name not in value]
    found += [f"{name} is not a field of it" for name in value if name not in known]
    found += [
        f"{name} must be {rule.words}, not {value[name]!r:.80}"
        for name, rule in known.items()
        if name in value and not rule.holds(value[name])
    ]
    return found


def wrong_notification(value: Any) -> list[str]:
    """What is wrong with a notification in the standard form."""
    if not isinstance(value, dict):
        return [f"a notification must be an object, not {value!r:.80}"]
    if "retracted" in value:
        return wrong(value, RETRACTED)
    found = wrong(value, NOTIFICATION)
    if not found and value["revision"] < value["position"]:
        found.append(f"revision {value['revision']} is below position {value['position']}")
    return found


def wrong_message(value: Mapping[str, Any]) -> list[str]:
    """What is wrong with a message of `response`, its notifications apart."""
    type = value.get("type")
    if type not in BY_TYPE:
        return [f"{type!r} is not a type of message"]
    fields = {"meta": one_of(META[type]), "type": text(), "notifs": list_of(Rule("objects", _is_object), 10_000)}
    optional = {"before": number(1)} if type == "snapshot" else {}
    found = wrong(value, {**fields, **BY_TYPE[type]}, optional)
    return found or _wrong_order(value)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _wrong_order(message: Mapping[str, Any]) -> list[str]:
    """What is wrong with revisions, positions and counts of a message whose fields are right by themselves."""
    found = []
    positions = [row["position"] for row in message["notifs"] if isinstance(row.get("position"), int)]
    revisions = [row["revision"] for row in message["notifs"] if isinstance(row.get("revision"), int)]
    cursor, prev = Cursor.parse(message["cursor"]), message.get("prev")
    if positions != sorted(set(positions), reverse=True):
        found.append(f"notifs must be newest first, not at positions {positions}")
    if message["type"] == "snapshot" and len(positions) > PAGE:
        found.append(f"a page of a snapshot has at most {PAGE} notifications, not {len(positions)}")
    if cursor is None and positions:
        found.append(f"a {message['type']} carries no notifications")
    if cursor and revisions and max(revisions) > cursor.revision:
        found.append(f"revision {max(revisions)} is beyond the cursor {cursor}")
    if prev is not None and revisions and min(revisions) <= prev:
        found.append(f"revision {min(revisions)} is not after prev {prev}")
    if message["type"] in NEW and prev is not None and any(p <= prev for p in positions):
        found.append(f"`{message['type']}` carries what is new alone: not position {min(positions)} after prev {prev}")
    if message["type"] in (*NEW, "snapshot") and any("retracted" in row for row in message["notifs"]):
        found.append(f"`{message['type']}` carries nothing that was taken back")
    if cursor and prev is not None and prev > cursor.revision:
        found.append(f"prev {prev} is beyond the cursor {cursor}")
    counts = message["notif_count"], message["unseen_count"]
    if None not in counts and counts[1] > counts[0]:
        found.append(f"{counts[1]} unseen of {counts[0]} unread")
    return found
