"""From what a producer says to a draft that can be stored: everything is checked here, before anything is written."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypedDict

import orjson

from notifs.errors import InvalidNotification
from notifs.kinds import Action, Actor, Content, Kind, Kinds, Priority
from notifs.store import Draft, Key
from notifs.store.models import new_id, utcnow
from notifs.store.names import NAME_LIMIT, check_topic, is_name

RECIPIENTS_LIMIT = 100_000
"""Recipients that one call names; a topic may have any number of followers."""
KEY_LIMIT = 200
"""Characters of an idempotency key, and of a dedupe key."""
TOPICS_LIMIT = 10
"""Topics of one notification."""
EXCLUDE_LIMIT = 1000
"""Recipients that are left out of one notification."""


class Fields(TypedDict, total=False):
    """What `notify` takes instead of a kind; `title` is the only one that it needs."""

    title: str
    body: str
    url: str | None
    kind: str
    icon: str | None
    actor: Actor | Mapping[str, str | None] | None
    actions: Sequence[Action | Mapping[str, str]]
    priority: Priority
    group: str | None
    data: Mapping[str, Any]


class Changes(Fields, total=False):
    """What `update` takes: any of the fields, and another end."""

    expires_at: datetime | None


class Terms(TypedDict, total=False):
    """What an announcement takes beside its fields."""

    idempotency_key: str | None
    expires_at: datetime | None
    subject: tuple[str, str] | None


class AnnounceOptions(Fields, Terms, total=False):
    """Everything that `announce` takes by name."""


class Options(AnnounceOptions, total=False):
    """Everything that `notify` takes by name."""

    topics: str | Iterable[str]
    exclude: str | Iterable[str]
    dedupe_key: str | None
    send_at: datetime | None


_OPTIONS = Options.__annotations__.keys() - Fields.__annotations__.keys()


class Drafting:
    """Makes drafts.

    Args:
        kinds: the kinds that may be sent.
    """

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds

    def draft(
        self,
        event: Kind | None,
        options: Mapping[str, Any],
        *,
        to: str | Iterable[str] = (),
        producer: str = "",
        everyone: bool = False,
    ) -> Draft:
        """The draft of a notification.

        Raises:
            InvalidNotification: names what is wrong, and its bound.
        """
        fields = {name: value for name, value in options.items() if name not in _OPTIONS}
        given = {name: value for name, value in options.items() if name in _OPTIONS and value is not None}
        content = self._content(event, fields)
        now = utcnow()
        ours = {"id": new_id(), "created_at": now, "producer": producer, "version": 1}
        columns = {**content.columns, **_times(given, now), **_keys(event, given), **ours}
        exclude = names("exclude", given["exclude"], EXCLUDE_LIMIT) if "exclude" in given else []
        topics = _topics(given["topics"]) if "topics" in given else []
        recipients = names("to", to, RECIPIENTS_LIMIT)
        if not (recipients or topics or everyone):
            raise InvalidNotification("to: nobody is named; give at least one recipient, or a topic")
        if exclude:
            recipients = sorted(set(recipients) - set(exclude))
        key = given.get("idempotency_key")
        if key is not None:
            terms = {**given, "topics": topics, "exclude": exclude}
            key = Key(producer, checked("idempotency_key", key), _fingerprint(content, terms, recipients))
        return Draft(columns, recipients, topics, exclude, key)

    def _content(self, event: Kind | None, fields: Mapping[str, Any]) -> Content:
        if event is None:
            return Content.check(**fields)
        if fields:
            raise InvalidNotification(
                f"{', '.join(sorted(fields))}: a kind makes its own fields; give either of the two"
            )
        return self._kinds.content(event)


def names(what: str, given: str | Iterable[str], most: int) -> list[str]:
    """Names, checked, in ascending order and each once.

    Raises:
        InvalidNotification: one cannot be a recipient, or there are more than `most`.
    """
    named = {given} if isinstance(given, str) else set(given)
    for name in named:
        if not isinstance(name, str) or not is_name(name):
            raise InvalidNotification(f"{what}: a recipient is text of 1 to {NAME_LIMIT} printable characters")
    if len(named) > most:
        raise InvalidNotification(f"{what}: names at most {most}, these are {len(named)}")
    return sorted(named)


def checked(what: str, key: Any) -> str:
    """A key, if it is one.

    Raises:
        InvalidNotification: it is not.
    """
    if not isinstance(key, str) or not 0 < len(key) <= KEY_LIMIT or not key.isprintable():
        raise InvalidNotification(f"{what}: 1 to {KEY_LIMIT} printable characters")
    return key


def moment(what: str, value: Any) -> datetime:
    """A moment, if it is one.

    Raises:
        InvalidNotification: it is not, or nobody can say of which time zone.
    """
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise InvalidNotification(f"{what}: must be a moment with its time zone, like datetime.now(UTC)")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise InvalidNotification(f"{what}: lies outside of the years 1 to 9999 in UTC") from None


def subject_of(given: Any) -> tuple[str, str]:
    """A subject, if it is one: a type and an id.

    Raises:
        InvalidNotification: it is not.
    """
    if not isinstance(given, tuple) or len(given) != 2:
        raise InvalidNotification('subject: a type and an id, like ("post", "7")')
    type_, id = (checked("subject", part) for part in given)
    if len(type_) > 100:
        raise InvalidNotification("subject: its type has at most 100 characters")
    return type_, id


def _topics(given: str | Iterable[str]) -> list[str]:
    return [check_topic(topic) for topic in names("topics", given, TOPICS_LIMIT)]


def _times(given: Mapping[str, Any], now: datetime) -> dict[str, datetime | None]:
    send_at = moment("send_at", given["send_at"]) if "send_at" in given else None
    expires_at = moment("expires_at", given["expires_at"]) if "expires_at" in given else None
    if expires_at is not None and expires_at <= max(now, send_at or now):
        raise InvalidNotification("expires_at: is over before it begins; give a later moment")
    return {"send_at": send_at if send_at is not None and send_at > now else None, "expires_at": expires_at}


def _keys(event: Kind | None, given: Mapping[str, Any]) -> dict[str, str | None]:
    subject = given.get("subject") or (event.subject() if event is not None else None)
    type_, id = subject_of(subject) if subject is not None else (None, None)
    dedupe_key = checked("dedupe_key", given["dedupe_key"]) if "dedupe_key" in given else None
    if dedupe_key is not None and given.get("send_at") is not None:
        raise InvalidNotification("dedupe_key: does not go with send_at; retract the earlier one instead")
    return {"dedupe_key": dedupe_key, "subject_type": type_, "subject_id": id}


def _fingerprint(content: Content, terms: Mapping[str, Any], recipients: Sequence[str]) -> str:
    # Without defaults: a field that a later version adds does not make another request of the same one.
    request: dict[str, Any] = {"content": content.model_dump(exclude_defaults=True), "to": recipients}
    for name in _OPTIONS:
        if terms.get(name) and name != "idempotency_key":
            request[name] = terms[name]
    return hashlib.sha256(orjson.dumps(request, option=orjson.OPT_SORT_KEYS)).hexdigest()
