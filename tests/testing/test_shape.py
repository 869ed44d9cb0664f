"""The tables of the protocol as rules: what is right passes, and each thing that is wrong is named."""

from typing import Any

import pytest

from notifs import wire
from notifs.testing import shape

ID = "01890a5d-ac96-774b-bcce-b302099a8057"
NOTIFICATION: dict[str, Any] = {
    "id": ID, "kind": "comment.posted", "title": "Grace commented", "body": "", "url": "/posts/7", "icon": None,
    "actor": {"id": None, "name": "Grace", "avatar": "https://example.org/g.png"},
    "actions": [{"label": "Open", "url": "/posts/7", "method": "GET", "style": "primary"}], "priority": "normal",
    "group": None, "data": {}, "created_at": "2026-01-01T00:00:00.000Z", "received_at": "now",
    "mark_read": f"/notifications/{ID}/read/", "position": 4, "revision": 5, "seen_at": "2026-01-01T00:00:00.000Z",
    "read_at": None, "archived_at": None, "snoozed_until": None, "expires_at": None,
}  # fmt: skip
DELTA: dict[str, Any] = {
    "meta": "Notifications changed", "type": "delta", "notif_count": 2, "unseen_count": 1, "notifs": [NOTIFICATION],
    "cursor": "3f9a0c1e5b7d2468:5", "prev": 4, "recovered": True,
}  # fmt: skip
RETRACTED = {"id": ID, "revision": 5, "retracted": True}
CREATED: dict[str, Any] = {
    "meta": "New notifications", "type": "created", "notif_count": 2, "unseen_count": 1,
    "notifs": [{**NOTIFICATION, "position": 5}], "cursor": "3f9a0c1e5b7d2468:5", "prev": 4,
}  # fmt: skip
DEGRADED: dict[str, Any] = {
    "meta": "Updates may be late", "type": "degraded", "notif_count": None, "unseen_count": None, "notifs": [],
    "cursor": None, "error": {"code": "behind", "message": "read on"},
}  # fmt: skip


def test_shapes_have_the_fields_that_the_wire_has() -> None:
    assert list(shape.NOTIFICATION) == list(wire.Notification.__annotations__)
    fields = {field for rules in shape.BY_TYPE.values() for field in rules} | {"meta", "type", "notifs", "before"}
    assert fields == set(wire.Message.__annotations__)
    assert set(shape.BY_TYPE) == set(wire.META)


def test_what_is_right_passes() -> None:
    assert shape.wrong_notification(NOTIFICATION) == []
    assert shape.wrong_notification(RETRACTED) == []
    assert shape.wrong_message(DELTA) == []
    assert shape.wrong_message({**DELTA, "notifs": [RETRACTED, NOTIFICATION]}) == []
    assert shape.wrong_message(CREATED) == []
    assert shape.wrong_message({**CREATED, "type": "announcement", "meta": "Announcement"}) == []
    assert shape.wrong_message(DEGRADED) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "01890a5d-ac96-474b-bcce-b302099a8057"), ("kind", "Comment Posted"), ("title", "x" * 201), ("title", ""),
        ("body", "ü" * 2049), ("body", None), ("url", "javascript:alert(1)"), ("url", "//evil.example"),
        ("actor", {"name": "Grace"}), ("actions", [{}] * 4), ("actions", None), ("priority", "loud"), ("data", []),
        ("created_at", "2026-01-01 00:00:00"), ("created_at", "2026-01-01T00:00:00+02:00"), ("position", "4"),
        ("position", True), ("revision", 3), ("read_at", False),
    ],
)  # fmt: skip
def test_a_notification_that_is_wrong_is_named(field: str, value: Any) -> None:
    flaws = shape.wrong_notification({**NOTIFICATION, field: value})
    assert len(flaws) == 1
    assert flaws[0].startswith(field)


@pytest.mark.parametrize("field", list(NOTIFICATION))
def test_a_field_that_is_missing_is_named(field: str) -> None:
    lacking = {name: value for name, value in NOTIFICATION.items() if name != field}
    assert shape.wrong_notification(lacking) == [f"{field} is missing"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"notifs": [RETRACTED]}, "`created` carries nothing that was taken back"),
        ({"notifs": [NOTIFICATION]}, "`created` carries what is new alone"),
        ({"type": "announcement", "meta": "Announcement", "notifs": [NOTIFICATION]}, "`announcement` carries what is"),
        ({"type": "announcement"}, "meta must be 'Announcement'"),
    ],
)
def test_what_is_not_new_is_named_where_only_what_is_new_may_be(changed: dict[str, Any], told: str) -> None:
    assert told in "; ".join(shape.wrong_message({**CREATED, **changed}))


@pytest.mark.parametrize("changed", [{"title": "Grace commented"}, {"retracted": False}, {"position": 4}])
def test_a_retracted_one_has_nothing_but_its_id_and_revision(changed: dict[str, Any]) -> None:
    assert len(shape.wrong_notification({**RETRACTED, **changed})) == 1


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"type": "news"}, "'news' is not a type"),
        ({"meta": "Hello"}, "meta must be"),
        ({"notif_count": None}, "notif_count must be"),
        ({"unseen_count": 3}, "3 unseen of 2 unread"),
        ({"cursor": "5"}, "cursor must be"),
        ({"cursor": "3f9a0c1e5b7d2468:4", "prev": 3}, "revision 5 is beyond the cursor"),
        ({"prev": 5}, "revision 5 is not after prev 5"),
        ({"recovered": False}, "recovered must be"),
        ({"has_more": False}, "has_more is not a field"),
        ({"notifs": [NOTIFICATION, {**NOTIFICATION, "position": 5}]}, "notifs must be newest first"),
    ],
)
def test_a_message_that_is_wrong_is_named(changed: dict[str, Any], told: str) -> None:
    assert told in "; ".join(shape.wrong_message({**DELTA, **changed}))
