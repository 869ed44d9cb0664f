"""S9: who somebody is comes from their session alone: others' ids, rooms and cursors are like those of nobody."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from notifs.store.accounts import Person
from tests.attacks.arena import Target, attack
from tests.attacks.ways import problem, producer, send, socket

ACTS = ("mark_read", "mark_unread", "mark_seen", "archive", "unarchive", "snooze", "unsnooze")
POSTS = ("read", "unread", "seen", "archive", "unarchive", "snooze", "unsnooze")
BY_CURSOR = ("mark_read", "mark_unread", "archive", "unarchive", "unsnooze")
TITLE = "hers alone"


def asked(act: str, id: str) -> dict[str, Any]:
    """What an act on one notification takes."""
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    return {"ids": [id], **({"until": until} if act == "snooze" else {})}


async def state(target: Target, person: Person) -> Any:
    """All that there is of a mailbox."""
    return await target.store.page(person.id, "all", before=None, limit=10)


@attack("S9", off="mailboxes_are_not_told_apart")
async def test_others_ids_are_unknown_ids(target: Target) -> list[str]:
    """By each event, each request and each link, with the id of somebody else's notification."""
    ada, eve = await target.person("ada"), await target.person("eve")
    through = []
    async with producer(target) as shop, target.visitor(eve, origin=target.url) as visitor, socket(target, eve) as it:
        hers, nobodys = await send(shop, ada, TITLE), str(uuid.uuid4())
        before = await state(target, ada)
        for act in ACTS:
            if await it.ask(act, asked(act, hers)) != await it.ask(act, asked(act, nobodys)):
                through.append(f"the answer to {act}")
        for act in POSTS:
            answers = [await visitor.post(f"/api/v1/inbox/{act}", json=asked(act, id)) for id in (hers, nobodys)]
            if problem(answers[0]) != problem(answers[1]):
                through.append(f"the answer to POST {act}")
        for method, way in [
            ("GET", "read"),
            ("POST", "read"),
            ("POST", "archive"),
            ("POST", "unread"),
            ("GET", "snooze"),
            ("POST", "snooze"),
            ("POST", "unsnooze"),
        ]:
            answers = [await visitor.request(method, f"/notifications/{id}/{way}/") for id in (hers, nobodys)]
            if problem(answers[0]) != problem(answers[1]) or answers[0].status_code != 404:
                through.append(f"the link {method} {way}")
        if await state(target, ada) != before:
            through.append("her mailbox has changed")
        if any(TITLE in frame for frame in it.frames):
            through.append("her notification was told")
    return through


@attack("S9", off="clients_say_who_they_are", env={"NOTIFS_EVENTS_PER_SECOND": "1000"})
async def test_what_a_client_says_of_itself_is_not_believed(target: Target) -> list[str]:
    """On connect, in events, in the query, in headers; with her name, her room, and her cursor."""
    ada, eve = await target.person("ada"), await target.person("eve")
    claims = {"recipient": ada.id, "user": ada.id, "room": f"user_{ada.id}", "session": "x", "admin": True}
    async with producer(target) as shop:
        await send(shop, ada, TITLE)
        cursor = str(target.store.cursor(await target.store.head(ada.id)))
        heard = ""
        async with socket(target, eve, auth={**claims, "cursor": cursor}) as it:
            for event in ("sync", "fetch", "mark_all_read", "join", "enter_room", "subscribe"):
                for data in (claims, {"cursor": cursor}, {"up_to": cursor}, {"filter": "all", "recipient": ada.id}):
                    await it.ask(event, data)
            for event in BY_CURSOR:
                await it.ask(event, {"at": cursor})
            await it.ask("fetch", {"filter": "all", "text": TITLE[:4]})
            heard += "".join(it.frames)
        async with target.visitor(eve, **{"x-user": ada.id, "x-remote-user": ada.id, "x-recipient": ada.id}) as visitor:
            for path in ("/api/v1/inbox", "/api/v1/inbox/changes", "/notifications/"):
                heard += (await visitor.get(path, params={"filter": "all", "cursor": cursor})).text
                heard += (await visitor.get(path, params={"recipient": ada.id, "user": ada.id})).text
    unread = (await target.store.head(ada.id)).unread
    return [what for what, got in {"her notification": TITLE in heard, "her unread ones": unread != 1}.items() if got]
