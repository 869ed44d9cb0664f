"""The mark-as-read link: it marks when a person follows it, and does nothing for whatever else fetches it."""

import httpx2
import pytest

from notifs import Notifs
from notifs.store import Store
from notifs.store.accounts import Person
from tests.samples import notification
from tests.web.site import HTML, NAVIGATION, Document, page, submit

UNKNOWN = "00000000-0000-7000-8000-000000000000"


async def unread(notifs: Notifs, person: Person) -> int:
    return len(await notifs.get_unread_notifs(person.id))


@pytest.mark.parametrize(
    ("url", "leads_to"), [("/posts/7", "/posts/7"), ("https://e.org/?a=b", None), (None, "/notifications/")]
)
async def test_following_it_marks_as_read_and_leads_on(
    notifs: Notifs, ada: Person, adas: httpx2.AsyncClient, url: str | None, leads_to: str | None
) -> None:
    await notifs.notify(to=ada.id, title="other")
    for send in (adas.get, adas.post):
        await notifs.notify(to=ada.id, title="one", url=url)
        (notif, _) = await notifs.get_unread_notifs(ada.id)
        answer = await send(notif["mark_read"], headers={**HTML, **NAVIGATION} if send == adas.get else {})
        assert (answer.status_code, answer.headers["location"]) == (303, url or "/notifications/")
        assert await unread(notifs, ada) == 1
        assert (await send(notif["mark_read"], headers=NAVIGATION)).status_code == 303


async def test_what_no_person_follows_is_given_a_button_and_changes_nothing(
    notifs: Notifs, ada: Person, adas: httpx2.AsyncClient
) -> None:
    await notifs.notify(to=ada.id, title="<b>one</b>", url="/posts/7")
    (notif,) = await notifs.get_unread_notifs(ada.id)
    fetched: list[dict[str, str]] = [
        {}, {"sec-fetch-mode": "navigate"}, {"sec-fetch-dest": "document"},
        {**NAVIGATION, "sec-purpose": "prefetch"}, {**NAVIGATION, "sec-purpose": "prefetch;prerender"},
        {**NAVIGATION, "purpose": "prefetch"}, {**NAVIGATION, "sec-fetch-mode": "no-cors"},
        *({"sec-fetch-mode": "no-cors", "sec-fetch-dest": dest} for dest in ("image", "script", "empty")),
        *({**NAVIGATION, "sec-fetch-dest": dest} for dest in ("iframe", "frame", "embed", "object")),
    ]  # fmt: skip
    for headers in fetched:
        answer = await adas.get(notif["mark_read"], headers=headers)
        assert (answer.status_code, await unread(notifs, ada)) == (200, 1), headers
    assert (await adas.head(notif["mark_read"], headers=NAVIGATION)).status_code == 200
    assert await unread(notifs, ada) == 1
    document = await page(adas, notif["mark_read"])
    assert "<b>one</b>" in document.text
    answer = await adas.post((form := document.form("Mark as read")).action, data=form.fields)
    assert (answer.headers["location"], await unread(notifs, ada)) == ("/posts/7", 0)


async def test_other_peoples_ids_are_unknown_ids(
    notifs: Notifs, ada: Person, graces: httpx2.AsyncClient, adas: httpx2.AsyncClient
) -> None:
    id = await notifs.notify(to=ada.id, title="secret")
    for act in ("read", "unread", "archive", "unarchive"):
        for headers in ({}, HTML):
            answers = [
                await graces.post(f"/notifications/{each}/{act}/", headers=headers)
                for each in (id, UNKNOWN, "7", "{x}")
            ]
            assert {answer.status_code for answer in answers} == {404}
            assert len({answer.text for answer in answers}) == 1
            assert "secret" not in answers[0].text
    answers = [await graces.get(f"/notifications/{each}/read/", headers=NAVIGATION) for each in (id, UNKNOWN)]
    assert [answer.status_code for answer in answers] == [404, 404]
    (notif,) = await notifs.get_unread_notifs(ada.id)
    assert notif["revision"] == 1


async def test_who_is_signed_out_comes_back_to_it(notifs: Notifs, ada: Person, nobody: httpx2.AsyncClient) -> None:
    await notifs.notify(to=ada.id, title="one", url="/posts/7")
    (notif,) = await notifs.get_unread_notifs(ada.id)
    answer = await nobody.get(notif["mark_read"], headers={**HTML, **NAVIGATION})
    assert (answer.status_code, answer.headers["location"]) == (
        303, f"/login/?next={notif['mark_read'].replace('/', '%2F')}"
    )  # fmt: skip
    # What was posted is not posted again, and a GET of such an address would lead nowhere.
    answer = await nobody.post(notif["mark_read"].replace("/read/", "/archive/"), headers=HTML)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login/?next=%2Fnotifications%2F")
    assert (await nobody.post(notif["mark_read"])).status_code == 401
    assert await unread(notifs, ada) == 1


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//evil.example", "/\\evil.example", "data:text/html,x", "/\t/evil"]
)
async def test_a_hostile_address_is_not_followed_even_if_it_was_stored(
    notifs: Notifs, ada: Person, adas: httpx2.AsyncClient, url: str
) -> None:
    store: Store = notifs.store
    await store.create(notification(url=url), [ada.id])
    (notif,) = await notifs.get_unread_notifs(ada.id)
    answer = await adas.get(notif["mark_read"], headers=NAVIGATION)
    assert (answer.status_code, answer.headers["location"]) == (303, "/notifications/")
    inbox = await submit(adas, Document(await adas.get("/notifications/?filter=all", headers=HTML)).form("Archive"))
    assert all(not value.startswith(("javascript:", "data:", "//", "/\\", "/\t")) for value in inbox.hrefs if value)


async def test_a_form_may_only_lead_back_to_this_site(notifs: Notifs, ada: Person, adas: httpx2.AsyncClient) -> None:
    id = await notifs.notify(to=ada.id, title="one")
    for act in ("read", "unread", "archive", "unarchive"):
        for next in ("https://evil.example", "//evil.example", "/\\evil.example", ""):
            answer = await adas.post(f"/notifications/{id}/{act}/", data={"next": next})
            assert answer.headers["location"] == "/notifications/"
        answer = await adas.post(f"/notifications/{id}/{act}/", data={"next": "/notifications/?filter=all"})
        assert answer.headers["location"] == "/notifications/?filter=all"
