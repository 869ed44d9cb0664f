"""S27: whatever somebody says stays text, in every field and on every page: nothing of it runs, or loads anything."""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote

from playwright.async_api import Browser, expect

from notifs.errors import BadRequest
from notifs.signing import Signer
from notifs.store import Notification, sessions
from notifs.store.accounts import Person
from notifs.store.sessions import Arrival
from tests.attacks.arena import Target, attack
from tests.attacks.corpus import PAYLOADS, joined
from tests.attacks.visits import Visit, visiting
from tests.attacks.ways import producer, send
from tests.samples import notification
from tests.web.site import CHEAP

OFF = "templates_do_not_escape,links_are_not_checked_when_shown,pictures_come_from_anywhere,headers_are_not_sent"
ROWS = "[...document.querySelector('notifs-inbox').shadowRoot.querySelectorAll('.row')]"
TITLES = f"{ROWS}.map(row => row.querySelector('.title').textContent.replace('Unread: ', '').trim())"
SCROLL = f"({ROWS}.at(-1).scrollIntoView(), {ROWS}.length)"
TOASTS = "[...document.querySelector('notifs-toasts').shadowRoot.querySelectorAll('.toast')]"
DISMISS = f"{TOASTS}.forEach(toast => toast.querySelector('button').click())"
SUBMIT = """fields => {
    const form = document.forms[0];
    for (const [name, value] of Object.entries(fields)) form.elements[name].value = value;
    form.submit();
}"""
PROVIDER = {
    "NOTIFS_PROVIDERS__EVIL__DISCOVERY_URL": "https://provider.example/.well-known/openid-configuration",
    "NOTIFS_PROVIDERS__EVIL__CLIENT_ID": "notifs",
    "NOTIFS_PROVIDERS__EVIL__CLIENT_SECRET": "secret",
    "NOTIFS_PROVIDERS__EVIL__LABEL": "".join(joined(10_000)),
    "NOTIFS_PROVIDERS__EVIL__ICON": "javascript:alert(1)",
}

ALL_AT_ONCE: Any = {"width": 1100, "height": 16_000}
"""A window that high shows all: the inbox draws only what can be seen."""


def hostile(payload: str) -> Notification:
    """A notification that has the payload in every field, as nobody could send it."""
    return notification(
        payload,
        body=payload,
        url=payload,
        icon=payload,
        kind=payload[:100],
        group=payload,
        actor={"id": payload, "name": payload, "avatar": payload},
        actions=[{"label": payload, "url": payload, "method": payload, "style": payload}],
        data={
            payload: payload,
            "__proto__": {"title": payload, "html": payload},
            "constructor": {"prototype": payload},
        },
    )


def shown(text: str) -> str:
    """What is left of a text in a page: NUL is no character there, and a byte order mark is blank."""
    return " ".join(text.replace("\0", "\ufffd").replace("\ufeff", " ").split())


@attack("S27", off=OFF)
async def test_what_is_sent_to_a_person_is_text(target: Target, browser: Browser) -> list[str]:
    """In the list as the server sends it, in the inbox, in the bell, and where it is marked as read."""
    ada = await target.person("ada")
    for payload in PAYLOADS:
        await target.store.create(hostile(payload), [ada.id])
    async with visiting(browser, target, ada) as visit:
        through = [found async for found in pages_of(visit, target)]
        if through or not target.defended:
            return through
        await visit.see(f"{target.url}/notifications/?filter=all")
        await expect(visit.page.locator("main").get_by_role("tablist")).to_be_visible()
        await visit.page.set_viewport_size(ALL_AT_ONCE)
        await visit.page.wait_for_function(f"() => {SCROLL} >= {len(PAYLOADS)}")
        titles = await visit.page.evaluate(TITLES)
        assert {shown(title) for title in titles} == {shown(payload) for payload in PAYLOADS}
        await visit.page.locator("notifs-bell").get_by_role("button").first.click()
        await expect(visit.page.get_by_role("dialog").get_by_role("listitem").first).to_be_visible()
        return visit.caught("the elements")


async def pages_of(visit: Visit, target: Target) -> AsyncIterator[str]:
    """What happens on the pages of the list, as the server sends them."""
    url: str | None = f"{target.url}/notifications/?filter=all"
    while url is not None:
        await visit.see(url, bundle=False)
        found = visit.caught(url)
        for each in found:
            yield each
        if found:
            return  # and who knows where the page is now
        older = visit.page.get_by_role("link", name="Load older")
        path = await older.get_attribute("href") if await older.count() else None
        url = f"{target.url}{path}" if path else None


@attack("S27", off=OFF)
async def test_what_has_just_arrived_is_text(target: Target, browser: Browser) -> list[str]:
    """What a producer may send, in the inbox and in what is said of it for a moment; and where it is marked as read."""
    ada, bodies = await target.person("ada"), joined(2000)
    async with visiting(browser, target, ada) as visit, producer(target) as client:
        await visit.see(f"{target.url}/notifications/")
        await expect(visit.page.locator("main").get_by_role("tablist")).to_be_visible()
        ids = []
        for number, title in enumerate(joined(200)):
            body = bodies[number % len(bodies)]
            told = {"body": body, "actor": {"name": title, "id": title}, "group": title, "data": {title: {"a": title}}}
            ids.append(await send(client, ada, title, url="/x?" + quote(title), **told))
            if number % 3 == 2:
                await visit.page.wait_for_function(f"() => {TOASTS}.length === 3")
                await visit.page.evaluate(DISMISS)
        through = visit.caught("the elements")
        await visit.context.set_extra_http_headers({"purpose": "prefetch"})
        for id in ids[:: len(ids) // len(bodies)]:
            await visit.see(f"{target.url}/notifications/{id}/read/")
            through += visit.caught("the page of one")
            if through and not target.defended:
                break
        return through


async def crowd(target: Target) -> list[Person]:
    """People, an admin among them, with the payloads as their names and addresses, and as what is known of them."""
    names = ["".join(filter(str.isprintable, text)) for text in joined(190)]
    people = [await target.store.add_user("admin@example.org", "Admin", CHEAP, admin=True)]
    for number, payload in enumerate(PAYLOADS):
        name, email = names[number % len(names)], f"{number}{''.join(payload.split())}@example.org"
        with suppress(BadRequest):  # not every one can be an address
            people.append(await target.store.add_user(email, name, CHEAP))
    assert len(people) > len(PAYLOADS) / 2
    for text in joined(190):
        told = {"actor": text, "address": text, "way": text, text: text}
        await target.store.audit.record("signed_in", people[1].id, **told)
        await target.store.audit.record("key_used", text, **told)
        arrival = Arrival(text, f"Firefox/ Linux {text}", text, text, text)
        key = Signer(target.settings.secret_keys).hashes(secrets.token_urlsafe(32))[0]
        start = partial(sessions.start, recipient=people[1].id, key=key, days=1, arrival=arrival)
        await target.store.database.write(start)
    return people


@attack("S27", off=OFF)
async def test_people_are_text(target: Target, browser: Browser) -> list[str]:
    """Their names and addresses, where and with what they were, and what they have done: to them, and to admins."""
    admin, *people = await crowd(target)
    said = quote("".join(joined(10_000))[:250])
    looks = {
        admin: [
            "admin/", f"admin/?q={said}", f"admin/?after={said}", "admin/?q=%3C", "admin/audit/",
            f"admin/audit/?person={said}&event={said}&before={said}", f"admin/person/?id={people[0].id}&done={said}",
            f"admin/person/?id={said}", "admin/audit/?event=key_used",
        ],
        people[0]: ["account/", f"account/?done={said}&before={said}", "notifications/"],
        **{person: ["notifications/"] for person in people[1 : len(joined(190))]},
    }  # fmt: skip
    through = []
    async with visiting(browser, target) as visit:
        for person, paths in looks.items():
            await visit.sign_in(target, person)
            for path in paths:
                await visit.see(f"{target.url}/{path}", bundle=False)
                through += visit.caught(path)
                if through and not target.defended:
                    return through
        assert await visit.page.get_by_role("button", name="Sign out").count() == 1
    return through


@attack("S27", off=OFF, env=PROVIDER)
async def test_what_is_asked_for_is_text(target: Target, browser: Browser) -> list[str]:
    """On the page to sign in, on errors, and on the page that shows the API."""
    ada, through = await target.person("ada"), []
    async with visiting(browser, target) as visit:
        for text in joined(1500):
            await visit.see(f"{target.url}/login/?next={quote(text)}&done={quote(text)}&email={quote(text)}")
            through += visit.caught("signing in")
            if through and not target.defended:
                return through
            async with visit.page.expect_navigation():
                await visit.page.evaluate(SUBMIT, {"email": text, "password": text, "next": text})
            await visit.see(f"{target.url}/{quote(text)}?{quote(text)}#{quote(text)}")
            await visit.see(f"{target.url}/notifications/?filter={quote(text)}&before={quote(text)}")
            through += visit.caught("nobody")
        await visit.sign_in(target, ada)
        document = quote(json.dumps({"openapi": "3.1.0", "info": {"title": "<img src=x onerror=alert(1)>"}}))
        for where in (quote(joined(1500)[0]), "//evil.example/openapi.json", f"data:application/json,{document}"):
            await visit.see(f"{target.url}/api/docs?url={where}&configUrl={where}#/{where}")
            # That page draws for seconds, and for as many more as others take.
            await expect(visit.page.locator(".opblock").first).to_be_visible(timeout=30_000)
        through += visit.caught("ada")
    return through
