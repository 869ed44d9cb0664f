"""Sending, changing and taking back over HTTP."""

from tests.api.producer import Producer
from tests.web.site import Site


async def test_what_is_sent_is_in_the_mailbox_of_each_recipient(site: Site, shop: Producer) -> None:
    response = await shop.ask("POST", "/notifications", json={"to": ["ada", "grace"], "title": "Hello"})
    assert response.status_code == 201
    sent = response.json()
    assert (sent["recipients"], sent["job"]) == (2, None)
    assert response.headers["location"] == f"/api/v1/notifications/{sent['id']}"
    for recipient in ("ada", "grace"):
        (notif,) = await site.notifs.get_unread_notifs(recipient)
        assert (notif["id"], notif["title"], notif["kind"]) == (sent["id"], "Hello", "message")
