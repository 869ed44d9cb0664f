"""Kinds: a notification's class, its stable key, and how its fields are made from the payload.

    @dataclass(frozen=True)
    class CommentPosted(Kind):
        key: ClassVar = "comment.posted"
        post_id: int
        author: str

        def title(self) -> str:
            return f"{self.author} commented on your post"

The key is what is stored, so a class may be renamed or moved at will; a stored notification whose kind is gone
still renders, because its fields were written with it.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, asdict, fields, is_dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_type_hints

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from notifs.errors import InvalidNotification
from notifs.urls import URL_LIMIT, is_safe_url

KEY = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*", re.ASCII)
TITLE_LIMIT = 200
"""Characters of a title."""
BODY_LIMIT = 4096
"""Bytes of a body in UTF-8."""
_NO_TEXT = "must be text without NUL or lone surrogates"
DATA_DEPTH = 32
"""Levels of lists and dicts in a notification's data."""
NOTIFICATION_LIMIT = 8192
"""Bytes of a whole notification as JSON in UTF-8."""

Priority = Literal["low", "normal", "high", "urgent"]


def _check_url(value: str) -> str:
    if not is_safe_url(value):
        raise ValueError("must be an http(s) URL or a path that begins with a single slash")
    return value


Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
"""What can be stored and sent: PostgreSQL takes no NUL; and lone surrogates are no text to the validator."""
Url = Annotated[Text, Field(max_length=URL_LIMIT), AfterValidator(_check_url)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class Actor(_Strict):
    """Who caused it. The avatar is a URL; without one, initials are drawn."""

    name: Annotated[Text, Field(min_length=1, max_length=200)]
    id: Annotated[Text, Field(max_length=200)] | None = None
    avatar: Url | None = None


class Action(_Strict):
    """A button on the notification."""

    label: Annotated[Text, Field(min_length=1, max_length=60)]
    url: Url
    method: Literal["GET", "POST"] = "GET"
    style: Literal["primary", "default", "danger"] = "default"


class Content(_Strict):
    """The fields of a notification, within their bounds (docs/protocol.md)."""

    # By constraints that the validator knows by itself, where it can be: it is called for every notification.
    title: Annotated[Text, Field(min_length=1, max_length=TITLE_LIMIT)]
    body: Annotated[Text, Field(max_length=BODY_LIMIT)] = ""
    url: Url | None = None
    kind: Annotated[str, Field(max_length=100, pattern=f"^{KEY.pattern}$")] = "message"
    icon: Url | None = None
    actor: Actor | None = None
    actions: Annotated[tuple[Action, ...], Field(max_length=3, strict=False)] = ()
    priority: Priority = "normal"
    group: Annotated[Text, Field(max_length=200)] | None = None
    data: dict[str, Any] = Field(default_factory=dict)

    @property
    def columns(self) -> dict[str, Any]:
        """The fields as plain values: what is stored."""
        actor, actions = self.actor and self.actor.model_dump(), [action.model_dump() for action in self.actions]
        return {**self.__dict__, "actor": actor, "actions": actions}

    @classmethod
    def check(cls, **values: Any) -> "Content":
        """The content that `values` make.

        Raises:
            InvalidNotification: names each field that is wrong, and its bound.
        """
        try:
            if "data" in values:
                values["data"] = _plain(values["data"])
            content = cls.model_validate(values)
            size = len(orjson.dumps(content.__dict__, default=dict))
        except ValidationError as error:
            raise InvalidNotification(_explain(error)) from None
        except (TypeError, orjson.JSONEncodeError):
            raise InvalidNotification("data: must be JSON: text, numbers, lists and dicts with text keys") from None
        if size > BODY_LIMIT and len(content.body.encode()) > BODY_LIMIT:
            raise InvalidNotification(f"body: must have at most {BODY_LIMIT} bytes")
        if size > NOTIFICATION_LIMIT:
            raise InvalidNotification(f"the notification has {size} bytes as JSON; at most {NOTIFICATION_LIMIT} fit")
        return content


def _plain(data: Any) -> Any:
    """The same as plain JSON, whatever will store it, and no deeper than can be told inside of a message."""
    plain = orjson.loads(orjson.dumps(data))
    if _is_deeper(plain, DATA_DEPTH):
        raise InvalidNotification(f"data: must have at most {DATA_DEPTH} levels of lists and dicts")
    return plain


def _is_deeper(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return inner is not None and (levels == 0 or any(_is_deeper(each, levels - 1) for each in inner))


def _explain(error: ValidationError) -> str:
    parts = []
    for each in error.errors(include_context=False, include_url=False):
        field = ".".join(str(step) for step in each["loc"])
        parts.append(f"{field}: {_MEANT.get((each['type'], field)) or _MEANT.get(each['type']) or _told(each)}")
    return "; ".join(parts)


_MEANT: dict[Any, str] = {
    "string_unicode": _NO_TEXT,
    "string_pattern_mismatch": _NO_TEXT,
    ("string_too_long", "body"): f"must have at most {BODY_LIMIT} bytes",
    ("string_pattern_mismatch", "kind"): "must be like 'comment.posted': lower-case words joined by dots",
}
"""What the validator's own words do not say; by what is wrong, and where."""


def _told(error: Mapping[str, object]) -> str:
    text = str(error["msg"]).removeprefix("Value error, ").replace("String should have", "must have")
    counted = error["type"] in ("string_too_long", "string_too_short")
    return f"{text}, not {len(str(error['input']))}" if counted else text


class Kind:
    """Base of all kinds: a frozen dataclass with a `key` and a `title`; every other method may be left as it is."""

    key: ClassVar[str]

    def title(self) -> str:
        """One line of at most 200 characters."""
        raise NotImplementedError

    def body(self) -> str:
        return ""

    def url(self) -> str | None:
        """Where the person goes on opening it: http(s), or a path that begins with a single slash."""
        return None

    def icon(self) -> str | None:
        return None

    def actor(self) -> Actor | None:
        return None

    def actions(self) -> tuple[Action, ...]:
        return ()

    def priority(self) -> Priority:
        return "normal"

    def group(self) -> str | None:
        """Notifications of one recipient with the same group are shown as one."""
        return None

    def subject(self) -> tuple[str, str] | None:
        """What it is about, a type and an id: `retract(subject=...)` takes back all about it."""
        return None


K = TypeVar("K", bound=type[Kind])


def _required(kind: type[Kind]) -> list[dataclasses.Field[Any]]:
    """The fields of a kind that have no default."""
    every = fields(kind)  # type: ignore[arg-type]
    return [each for each in every if each.default is MISSING and each.default_factory is MISSING]


class Kinds:
    """The kinds that one application knows, by key."""

    def __init__(self, kinds: Iterable[type[Kind]] = ()) -> None:
        self._fields: dict[type[Kind], dict[str, TypeAdapter[Any]]] = {}
        self._by_key: dict[str, type[Kind]] = {}
        for kind in kinds:
            self.add(kind)

    def add(self, kind: K) -> K:
        """Register a kind; usable as a decorator.

        Raises:
            TypeError: not a frozen dataclass with a well-formed key of its own.
        """
        key = getattr(kind, "key", None)
        if not isinstance(key, str) or not KEY.fullmatch(key):
            raise TypeError(f"{kind.__name__}.key must be like 'comment.posted': lower-case words joined by dots")
        if not is_dataclass(kind) or not kind.__dataclass_params__.frozen:
            raise TypeError(f"{kind.__name__} must be a frozen dataclass")
        if self._by_key.setdefault(key, kind) is not kind:
            raise TypeError(f"{kind.__name__} and {self._by_key[key].__name__} have the same key {key!r}")
        hints = get_type_hints(kind)
        self._fields[kind] = {f.name: TypeAdapter(hints[f.name]) for f in fields(kind)}
        return kind

    def from_payload(self, key: str, payload: Mapping[str, Any]) -> Kind:
        """The kind with this key, made of JSON.

        Raises:
            InvalidNotification: there is none, or its fields are others; names each that is wrong.
        """
        kind = self._by_key.get(key)
        if kind is None:
            known = ", ".join(sorted(self._by_key)) or "none"
            raise InvalidNotification(f"kind: {key} is not registered here; known are: {known}. Or send fields by name")
        adapters = self._fields[kind]
        values, wrong = {}, [f"{name}: there is no such field" for name in payload.keys() - adapters.keys()]
        for name in payload.keys() & adapters.keys():
            try:
                values[name] = adapters[name].validate_json(orjson.dumps(payload[name]), strict=True)
            except ValidationError as error:
                wrong.append(f"{name}: {error.errors(include_url=False, include_context=False)[0]['msg']}")
        wrong += [f"{field.name}: is missing" for field in _required(kind) if field.name not in payload]
        if wrong:
            raise InvalidNotification("; ".join(f"payload.{each}" for each in sorted(wrong)))
        return kind(**values)

    def content(self, kind: Kind) -> Content:
        """The notification that `kind` describes, its payload checked against its annotations first.

        Raises:
            InvalidNotification: an unknown kind, a payload of the wrong types, or fields over their bounds.
        """
        adapters = self._fields.get(type(kind))
        if adapters is None:
            name = type(kind).__name__
            raise InvalidNotification(f"kind: {name} is not registered; give it to Notifs(kinds=[{name}])")
        for name, adapter in adapters.items():
            try:
                adapter.validate_python(getattr(kind, name), strict=True)
            except ValidationError as error:
                raise InvalidNotification(f"{kind.key}: {name}: {error.errors(include_url=False)[0]['msg']}") from None
        return Content.check(
            kind=kind.key,
            title=kind.title(),
            body=kind.body(),
            url=kind.url(),
            icon=kind.icon(),
            actor=kind.actor(),
            actions=tuple(kind.actions()),
            priority=kind.priority(),
            group=kind.group(),
            data=asdict(kind),  # type: ignore[call-overload]
        )
