"""Kinds and the bounds of a notification: checked before anything is written."""

from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
import pytest

from notifs import Actor, Kind
from notifs.errors import InvalidNotification
from notifs.kinds import Content, Kinds


@dataclass(frozen=True)
class CommentPosted(Kind):
    key: ClassVar[str] = "comment.posted"
    post_id: int
    author: str

    def title(self) -> str:
        return f"{self.author} commented"

    def url(self) -> str:
        return f"/posts/{self.post_id}"

    def actor(self) -> Actor:
        return Actor(name=self.author)


def test_a_kind_makes_its_fields_and_keeps_its_payload() -> None:
    content = Kinds([CommentPosted]).content(CommentPosted(post_id=7, author="Grace"))
    assert (content.kind, content.title, content.url) == ("comment.posted", "Grace commented", "/posts/7")
    assert content.data == {"post_id": 7, "author": "Grace"}


def test_a_kind_that_was_not_registered_is_refused_with_the_cure() -> None:
    with pytest.raises(InvalidNotification, match=r"Notifs\(kinds=\[CommentPosted\]\)"):
        Kinds().content(CommentPosted(post_id=7, author="Grace"))


def test_a_payload_of_the_wrong_type_is_refused() -> None:
    wrong: Any = CommentPosted(post_id="7", author="Grace")  # type: ignore[arg-type]
    with pytest.raises(InvalidNotification, match="post_id"):
        Kinds([CommentPosted]).content(wrong)


def test_two_kinds_cannot_have_one_key() -> None:
    @dataclass(frozen=True)
    class Other(Kind):
        key: ClassVar[str] = "comment.posted"

    with pytest.raises(TypeError, match="same key"):
        Kinds([CommentPosted, Other])


@pytest.mark.parametrize("key", ["", "Comment", "a b", ".a", "a.", "ä", "a..b", 7])
def test_a_key_must_be_well_formed(key: Any) -> None:
    kind: type[Kind] = dataclass(frozen=True)(type("Odd", (Kind,), {"key": key}))
    with pytest.raises(TypeError, match="key must be"):
        Kinds([kind])


def test_a_kind_must_be_a_frozen_dataclass() -> None:
    with pytest.raises(TypeError, match="frozen dataclass"):
        Kinds([type("Loose", (Kind,), {"key": "loose"})])


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "title"),
        ({"title": ""}, "title: must have at least 1 character, not 0"),
        ({"title": "x" * 201}, "title: must have at most 200 characters, not 201"),
        ({"title": "t", "body": "x" * 4097}, "body: must have at most 4096 bytes"),
        ({"title": "t", "url": "/" + "x" * 2048}, "url: must have at most 2048 characters, not 2049"),
        ({"title": "t", "actor": {"name": ""}}, "actor.name: must have at least 1 character, not 0"),
        ({"title": "t", "actions": [{"label": "a\0", "url": "/"}]}, "actions.0.label: must be text without NUL"),
        ({"title": 7}, "title"),
        ({"title": "\ud800"}, "title"),
        ({"title": "a\0b"}, "title"),
        ({"title": "t", "body": "é" * 2049}, "body"),
        ({"title": "t", "url": "javascript:alert(1)"}, "url"),
        ({"title": "t", "icon": "data:image/png;base64,AA"}, "icon"),
        ({"title": "t", "actor": {"name": "x", "avatar": "//evil.example/a.png"}}, "actor"),
        ({"title": "t", "actions": [{"label": "a", "url": "/a"}] * 4}, "actions"),
        ({"title": "t", "actions": [{"label": "a", "url": "/a", "method": "DELETE"}]}, "actions"),
        ({"title": "t", "priority": "shouting"}, "priority"),
        ({"title": "t", "kind": "Not A Key"}, "kind"),
        ({"title": "t", "data": {"a": object()}}, "data"),
        ({"title": "t", "data": {"a": orjson.loads("[" * 32 + "]" * 32)}}, "data: must have at most 32 levels"),
        ({"title": "t", "data": {"a": orjson.loads("[" * 300 + "]" * 300)}}, "data"),
        ({"title": "t", "data": {"a": "x" * 8100}}, "8192"),
        ({"title": "t", "colour": "red"}, "colour"),
    ],
)
def test_a_field_over_its_bounds_is_named(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidNotification, match=named):
        Content.check(**fields)
