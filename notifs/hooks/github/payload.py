"""Reading what GitHub has sent: whatever it really is, reading it does not fail."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from notifs.errors import BadRequest
from notifs.hooks.source import Ignored, Notice, Subject
from notifs.hooks.text import link, one_line, paragraphs
from notifs.kinds import Actor, Priority

_REPOSITORY = re.compile(r"[\w-]{1,60}/(?!\.{1,2}$)[\w.-]{1,100}", re.ASCII)
_LOGIN = re.compile(r"[\w.-]{1,100}(\[bot\])?", re.ASCII)
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_MENTION = re.compile(r"(?<![\w/.@`-])@([a-z0-9][a-z0-9_-]{0,59}(?:/[a-z0-9][\w.-]{0,99})?)", re.ASCII | re.IGNORECASE)
MENTIONS = 50
"""As many mentions of one text notify, on GitHub as here."""


class Part:
    """A part of a payload. What is missing, or of another type than one asks for, is empty."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __getitem__(self, name: str) -> "Part":
        return Part(self._value.get(name) if isinstance(self._value, dict) else None)

    def __iter__(self) -> Iterator["Part"]:
        return map(Part, self._value if isinstance(self._value, list) else ())

    def __bool__(self) -> bool:
        return bool(self._value)

    @property
    def text(self) -> str:
        return self._value if isinstance(self._value, str) else ""

    @property
    def number(self) -> int:
        """A count or an id; 0 if it is none."""
        return self._value if type(self._value) is int and self._value > 0 else 0

    @property
    def login(self) -> str:
        """What a user is called; "" if nobody can be called so. GitHub sends null for those who have left."""
        login = self["login"].text
        return login if _LOGIN.fullmatch(login) else ""


@dataclass(frozen=True)
class Event:
    """One delivery of GitHub's."""

    name: str
    payload: Part

    def __getitem__(self, name: str) -> Part:
        return self.payload[name]

    @property
    def action(self) -> str:
        return one_line(self["action"].text, 50)

    @property
    def sender(self) -> str:
        return self["sender"].login

    def checked(self) -> "Event":
        """The event itself.

        Raises:
            BadRequest: it does not name its repository.
        """
        if not _REPOSITORY.fullmatch(self.repository):
            raise BadRequest("repository.full_name: a delivery names its repository as owner/name")
        return self

    @property
    def repository(self) -> str:
        """`owner/name`."""
        return self["repository"]["full_name"].text

    @property
    def short(self) -> str:
        """The repository's name without its owner."""
        return self.repository.partition("/")[2]

    @property
    def topic(self) -> str:
        """What those follow who want to hear of this repository."""
        return f"github:{self.repository}"

    @property
    def owner(self) -> str:
        return self["repository"]["owner"].login

    def ignored(self, why: str = "") -> Ignored:
        """The error that says that nobody would want to read this."""
        what = f"{self.name} {self.action}".strip()
        return Ignored(one_line(f"{what}: {why or 'nothing that somebody would want to read'}"))

    def team(self, part: Part) -> str:
        """`organization/team`, as it is mentioned; "" if it is none."""
        slug = part["slug"].text
        organization = self["organization"].login or self.owner
        return f"{organization}/{slug}" if organization and _LOGIN.fullmatch(slug) else ""

    def notice(
        self,
        title: str,
        *,
        kind: str,
        url: Part,
        by: Part,
        body: str = "",
        names: list[str] | None = None,
        topic: str | None = "",
        priority: Priority = "normal",
        group: str | None = None,
        subject: Subject | None = None,
        dedupe_key: str | None = None,
        own: bool = False,
    ) -> Notice:
        """A notification of this event. Its sender and `by`, who has done it, do not get it, unless `own`.

        `topic` is what follows the repository's own topic, or None if it is for nobody but those named.
        """
        return Notice(
            title=one_line(title),
            body=paragraphs(body),
            url=link(url.text) or link(self["repository"]["html_url"].text),
            kind=f"github.{kind}",
            actor=actor(by),
            priority=priority,
            group=f"github:{group or self.repository}"[:200],
            data={"event": self.name, "action": self.action, "repository": self.repository},
            subject=subject,
            dedupe_key=dedupe_key,
            names=unique(names or ()),
            topics=[] if topic is None else [self.topic + topic],
            exclude=[] if own else unique([self.sender, by.login]),
        )


def who(user: Part) -> str:
    """A user's name for a title."""
    return user.login or "Somebody"


def actor(user: Part) -> Actor | None:
    """A user as the one who caused it."""
    return Actor(id=user.login, name=user.login, avatar=link(user["avatar_url"].text)) if user.login else None


def mentioned(text: str) -> list[str]:
    """Who is addressed in a text as @login or @organization/team, code left out; each once."""
    return unique(_MENTION.findall(_CODE.sub("", text[:200_000])))[:MENTIONS]


def unique(names: Any) -> list[str]:
    """The names that there are, in their order, each once."""
    return list(dict.fromkeys(name for name in names if name))
