"""Signing in: what a right, a wrong and a hostile try get."""

import asyncio
import re
import threading
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from sqlalchemy import select

from notifs import Notifs, Settings, SignedIn
from notifs.signing import Signer
from notifs.store import accounts
from notifs.store.accounts import Person
from notifs.store.models import Session
from notifs.web import passwords
from notifs.web.passwords import TURNS, WAITING
from tests.web.site import HTML, PASSWORD, SECRET, Document, Site, page, serve, sign_in

INBOX = "/api/v1/inbox"
FILE = b'--x\r\ncontent-disposition: form-data; name="email"; filename="a"\r\n\r\nada\r\n--x--'
NEW = "a moth in the relay of panel F"
WRONG = "x" * 1025
"""A password so wrong that no time is lost with it."""
ELSEWHERE = [
    "//evil.example", "///evil.example", "/\\evil.example", "\\/evil.example", "\\\\evil.example", "/\t/evil.example",
    "\t//evil.example", "/\n/evil.example", " //evil.example", "https://evil.example", "HTTPS:evil.example",
    "evil.example", "javascript:alert(1)", "data:text/html,x", "/x\r\nset-cookie: notifs=x", "", "?next=//evil.example",
    "/" + "x" * 3000,
]  # fmt: skip


def given(answer: httpx2.Response) -> SimpleCookie:
    """The cookies that an answer sets."""
    cookies = SimpleCookie()
    for header in answer.headers.get_list("set-cookie"):
        cookies.load(header)
    return cookies


async def test_the_form_signs_in_and_leads_to_where_one_wanted_to_go(nobody: httpx2.AsyncClient, ada: Person) -> None:
    answer = await nobody.get("/notifications/?filter=all", headers=HTML)
    assert answer.status_code == 303
    login = urlsplit(answer.headers["location"])
    assert (login.path, parse_qs(login.query)) == ("/login/", {"next": ["/notifications/?filter=all"]})
    (form,) = (await page(nobody, answer.headers["location"])).forms
    answer = await nobody.post(form.action, data={**form.fields, "email": " ADA@example.org ", "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/notifications/?filter=all")
    assert (await nobody.get(INBOX)).status_code == 200
    answer = await nobody.get("/login/", params={"next": "/notifications/?filter=archived"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/notifications/?filter=archived")


async def test_a_sign_in_is_told_to_listeners(notifs: Notifs, nobody: httpx2.AsyncClient, ada: Person) -> None:
    told: list[str] = []

    @notifs.signals.on(SignedIn)
    async def note(signal: SignedIn) -> None:
        told.append(signal.user)

    await sign_in(nobody, password="wrong")
    await sign_in(nobody)
    await notifs.drain()
    assert told == [ada.id]


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(nobody: httpx2.AsyncClient, ada: Person) -> None:
    cookies = given(await sign_in(nobody))
    for name, days in (("notifs", 14), ("notifs-known", 400)):
        cookie = cookies[name]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "lax", "/", "")
        assert cookie["max-age"] == str(days * 86_400)


async def test_in_production_the_cookie_is_bound_to_the_host_and_to_https(production: Site) -> None:
    await production.person("ada")
    async with production.visitor() as visitor:
        cookies = given(await sign_in(visitor))
        assert sorted(cookies) == ["__Host-notifs", "__Host-notifs-known"]
        for cookie in cookies.values():
            assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "lax")
            assert (cookie["path"], cookie["domain"]) == ("/", "")
        cookie = cookies["__Host-notifs"]
        headers = {"cookie": f"__Host-notifs={cookie.value}"}
        assert (await visitor.get(INBOX, headers=headers)).status_code == 200
        headers = {"cookie": f"notifs={cookie.value}"}
        assert (await visitor.get(INBOX, headers=headers)).status_code == 401
        gone = (await visitor.post("/logout/")).headers["set-cookie"]
        assert re.match(r'__Host-notifs=""; .*Max-Age=0; Path=/; SameSite=lax; Secure', gone)


async def test_the_database_has_only_a_keyed_hash_of_256_random_bits(
    notifs: Notifs, nobody: httpx2.AsyncClient, ada: Person
) -> None:
    tokens = [given(await sign_in(nobody))["notifs"].value for _ in range(2)]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)
    assert tokens[0] != tokens[1]
    async with notifs.session() as session:
        (stored,) = (await session.execute(select(Session.token_hash))).scalars()
    assert stored == Signer(notifs.settings.secret_keys).hashes(tokens[1])[0]
    assert stored != Signer(["another key"]).hashes(tokens[1])[0]
    for worthless in (stored, tokens[0], tokens[1] + "A", tokens[1].swapcase(), "", "x" * 8000):
        assert (await nobody.get(INBOX, headers={"cookie": f"notifs={worthless}"})).status_code == 401


async def test_a_session_of_another_secret_is_worth_nothing(sqlite_url: str, site: Site, ada: Person) -> None:
    cookie = await site.cookie(ada)
    async with serve(Settings(database_url=sqlite_url, secret_key=SECRET)) as other, other.visitor() as visitor:
        assert (await visitor.get(INBOX, headers={"cookie": cookie})).status_code == 401


async def test_an_unknown_address_and_a_wrong_password_get_the_same_answer(
    nobody: httpx2.AsyncClient, ada: Person
) -> None:
    wrong, unknown = await sign_in(nobody, password="wrong"), await sign_in(nobody, "eve@example.org", "wrong")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text == unknown.text.replace("eve@", "ada@")
    assert dict(wrong.headers) | {"date": ""} == dict(unknown.headers) | {"date": ""}
    assert "set-cookie" not in wrong.headers
    assert "Email or password is wrong." in wrong.text
    assert Document(wrong).forms[0].fields == {"next": "/notifications/", "email": "ada@example.org", "password": ""}


async def test_what_is_no_address_is_nobodys(nobody: httpx2.AsyncClient, ada: Person) -> None:
    for email in ("", "ada", f"{ada.email}\0", "@", f"{'a' * 300}@b.c", f"{ada.email},eve@example.org"):
        assert (await sign_in(nobody, email)).status_code == 401


async def test_an_address_with_nul_is_nobodys_on_postgresql_too(postgres_url: str) -> None:
    async with serve(Settings(database_url=postgres_url)) as site, site.visitor() as visitor:
        assert (await sign_in(visitor, "ada@example.org\0")).status_code == 401


async def test_a_disabled_account_cannot_sign_in(notifs: Notifs, nobody: httpx2.AsyncClient, ada: Person) -> None:
    async with notifs.session() as session:
        connection = await session.connection()
        await connection.exec_driver_sql("UPDATE notifs_users SET disabled_at = '2026-01-01 00:00:00'")
    assert (await sign_in(nobody)).status_code == 401


async def test_a_new_sign_in_ends_the_one_before(nobody: httpx2.AsyncClient, ada: Person) -> None:
    await sign_in(nobody)
    before = nobody.cookies["notifs"]
    await sign_in(nobody, password="wrong")
    assert (await nobody.get(INBOX)).status_code == 200
    await sign_in(nobody)
    assert nobody.cookies["notifs"] != before
    assert (await nobody.get(INBOX, headers={"cookie": f"notifs={before}"})).status_code == 401


async def test_a_planted_cookie_is_never_accepted(nobody: httpx2.AsyncClient, ada: Person) -> None:
    planted = {"cookie": "notifs=planted-by-an-attacker"}
    answer = await sign_in(nobody, **planted)
    assert "planted" not in answer.headers["set-cookie"]
    assert (await nobody.get(INBOX, headers=planted)).status_code == 401


async def test_next_may_be_a_path_of_this_host(nobody: httpx2.AsyncClient, ada: Person) -> None:
    for next in ("/notifications/?filter=all", "/a/b?c=d&e=%2F#f", "/%0d%0aset-cookie:x=y", "/..//x"):
        answer = await sign_in(nobody, next=next)
        assert (answer.status_code, answer.headers["location"]) == (303, next)


async def test_next_may_not_lead_elsewhere(site: Site, nobody: httpx2.AsyncClient, ada: Person) -> None:
    for next in ELSEWHERE:
        form = await page(nobody, f"/login/?{urlencode({'next': next})}")
        assert form.forms[0].fields["next"] == "/notifications/", next
        async with site.visitor() as visitor:
            answer = await sign_in(visitor, next=next)
        assert (answer.status_code, answer.headers["location"]) == (303, "/notifications/"), next
        assert sorted(given(answer)) == ["notifs", "notifs-known"]


async def test_failed_tries_are_limited_per_account(sqlite_url: str) -> None:
    async with serve(Settings(database_url=sqlite_url, sign_in_tries=3)) as site, site.visitor() as visitor:
        await site.person("ada")
        await site.person("grace")
        for password in (WRONG, WRONG, PASSWORD, WRONG, WRONG):
            assert (await sign_in(visitor, password=password)).status_code == (303 if password == PASSWORD else 401)
            visitor.cookies.clear()
        at_once = await asyncio.gather(*(sign_in(visitor, "Ada@example.org ", WRONG) for _ in range(6)))
        assert sorted(answer.status_code for answer in at_once) == [401, *[429] * 5]
        locked = await sign_in(visitor, **{"x-forwarded-for": "10.0.0.1"})
        assert locked.status_code == 429
        assert 14 * 60 < int(locked.headers["retry-after"]) <= 16 * 60
        assert re.search("Too many tries; wait 1[56] min, then try again[.]", Document(locked).text)
        assert not [tag for tag, attributes in Document(locked).tags if "aria-invalid" in attributes]
        assert "set-cookie" not in locked.headers
        assert (await sign_in(visitor, "grace@example.org")).status_code == 303


async def test_failed_tries_are_limited_per_address_and_others_go_on(sqlite_url: str) -> None:
    here, there = {"x-forwarded-for": "10.0.0.1"}, {"x-forwarded-for": "10.0.0.2"}
    async with serve(Settings(database_url=sqlite_url, sign_in_tries=1)) as site, site.visitor() as visitor:
        for name in ("ada", "grace"):
            await site.person(name)
        for _ in range(12):
            assert (await sign_in(visitor, **here)).status_code == 303
            visitor.cookies.clear()
        for n in range(10):
            assert (await sign_in(visitor, f"{n}@example.org", WRONG, **here)).status_code == 401
        assert (await sign_in(visitor, "grace@example.org", **here)).status_code == 429
        assert (await sign_in(visitor, "grace@example.org", **there)).status_code == 303


async def test_who_fails_on_purpose_keeps_nobody_out_of_their_own_browser(sqlite_url: str) -> None:
    async with serve(Settings(database_url=sqlite_url, sign_in_tries=3)) as site, site.visitor() as her_browser:
        await site.person("ada")
        await sign_in(her_browser)
        await her_browser.post("/logout/")
        async with site.visitor() as attacker:
            for expected in (401, 401, 401, 429):
                assert (await sign_in(attacker, password=WRONG)).status_code == expected
            assert (await sign_in(attacker)).status_code == 429
            for n in range(40):
                await sign_in(attacker, f"{n}@example.org", WRONG)  # now nobody new may come from there
        for expected in (401, 401, 303, 401, 401, 401, 429):
            answer = await sign_in(her_browser, password=PASSWORD if expected == 303 else WRONG)
            assert answer.status_code == expected


async def test_a_browser_is_known_to_the_account_that_has_signed_in_with_it_and_to_no_other(sqlite_url: str) -> None:
    async with serve(Settings(database_url=sqlite_url, sign_in_tries=2)) as site, site.visitor() as visitor:
        await site.person("ada")
        await site.person("eve")
        known = given(await sign_in(visitor, "eve@example.org"))["notifs-known"].value
        forged = Signer(["a secret of somebody else's, long enough"]).sign("known", ["x", "y"])
        tries = (known, known, known[:-1], forged, "x", "")
        answers = [await sign_in(visitor, password=WRONG, cookie=f"notifs-known={each}") for each in tries]
        assert [answer.status_code for answer in answers] == [401, 401, 429, 429, 429, 429]


async def test_a_browser_is_one_and_the_same_however_often_it_signs_in(
    notifs: Notifs, nobody: httpx2.AsyncClient, ada: Person
) -> None:
    names = []
    for _ in range(3):
        cookie = given(await sign_in(nobody))["notifs-known"].value
        names.append(Signer(notifs.settings.secret_keys).read("known", cookie, seconds=60)[0])  # type: ignore[index]
    assert len(set(names)) == 1


async def test_no_browser_is_known_any_more_by_the_password_before(sqlite_url: str) -> None:
    async with serve(Settings(database_url=sqlite_url, sign_in_tries=1)) as site, site.visitor() as hers:
        await site.person("ada")
        stolen = given(await sign_in(hers))["notifs-known"].value
        changed = await hers.post("/account/password/", data={"current": PASSWORD, "new": NEW})
        assert changed.headers["location"] == "/account/?done=password"
        await hers.post("/logout/")
        async with site.visitor() as attacker:
            tries = [await sign_in(attacker, password=WRONG, cookie=f"notifs-known={stolen}") for _ in range(2)]
            tries.append(await sign_in(attacker, password=WRONG))
        assert [answer.status_code for answer in tries] == [401, 429, 429]
        assert (await sign_in(hers, password=NEW)).status_code == 303


async def test_a_password_that_is_replaced_while_it_is_looked_at_signs_nobody_in(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify, begun, replaced = accounts.verify_password, threading.Event(), threading.Event()

    def verify_late(password_hash: str | None, password: str) -> bool:
        begun.set()
        assert replaced.wait(10), "the password was not replaced"
        return verify(password_hash, password)

    monkeypatch.setattr(accounts, "verify_password", verify_late)
    async with serve(Settings(database_url=database_url)) as site, site.visitor() as attacker, site.visitor() as owner:
        ada = await site.person("ada")
        link = await site.notifs.reset_link(ada.id, site.url)
        late = asyncio.create_task(sign_in(attacker))
        assert await asyncio.to_thread(begun.wait, 10)
        assert (await owner.post(link, data={"password": NEW})).status_code == 303
        replaced.set()
        answer, wrong = await late, await sign_in(attacker, password=WRONG)
        assert (answer.status_code, answer.text) == (wrong.status_code, wrong.text) == (401, wrong.text)
        assert "set-cookie" not in answer.headers
        assert await site.notifs.store.accounts.sign_ins(ada.id) == []
        assert (await site.notifs.store.audit.read(ada.id))[0].event == "sign_in_failed"
        assert (await sign_in(owner, password=NEW)).status_code == 303


async def test_who_signs_in_does_not_wait_for_passwords_to_be_judged(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, done = threading.Event(), threading.Event()

    def judge_late(password: str, *known: str) -> None:
        begun.set()
        assert done.wait(10), "nobody signed in meanwhile"

    monkeypatch.setattr(accounts, "check_password", judge_late)
    monkeypatch.setattr(passwords, "TURNS", 1)
    async with serve(Settings(database_url=sqlite_url)) as site, site.visitor() as other:
        async with site.visitor(await site.person("ada")) as adas:
            new = {"current": PASSWORD, "new": NEW}
            change = asyncio.create_task(adas.post("/account/password/", data=new))
            assert await asyncio.to_thread(begun.wait, 10)
            assert (await sign_in(other)).status_code == 303
            done.set()
            assert (await change).status_code == 303


async def test_more_than_would_stay_do_not_wait_for_a_turn(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    verify, answered = accounts.verify_password, threading.Event()

    def verify_late(password_hash: str | None, password: str) -> bool:
        assert answered.wait(10), "nobody was sent away"
        return verify(password_hash, password)

    monkeypatch.setattr(accounts, "verify_password", verify_late)
    async with serve(Settings(database_url=sqlite_url, sign_in_tries=1000)) as site, site.visitor() as visitor:
        await site.person("ada")
        sign_ins = [asyncio.create_task(sign_in(visitor)) for _ in range(TURNS + WAITING + 1)]
        sent_away, _ = await asyncio.wait(sign_ins, return_when=asyncio.FIRST_COMPLETED)
        answered.set()
        (answer,) = [task.result() for task in sent_away]
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "Too many people give passwords just now" in Document(answer).text
        assert sorted([(await task).status_code for task in sign_ins])[-2:] == [303, 503]


async def test_the_audit_log_tells_of_sign_ins_and_never_what_was_typed(sqlite_url: str) -> None:
    async with serve(Settings(database_url=sqlite_url, sign_in_tries=1)) as site, site.visitor() as visitor:
        ada = await site.person("ada")
        await sign_in(visitor)
        await visitor.post("/logout/")
        visitor.cookies.clear()
        for email in ("ada@example.org", "canary@example.org"):
            for _ in range(4):
                await sign_in(visitor, email, "canary")
        lines = (await site.notifs.store.audit.read())[::-1]
        told = [(line.event, line.recipient, line.address, line.detail) for line in lines]
        here = "127.0.0.1"
        assert [each for each in told if each[0] != "account_made"] == [
            ("signed_in", ada.id, here, {}),
            ("signed_out", ada.id, here, {}),
            ("sign_in_failed", ada.id, here, {}),
            ("sign_in_limited", ada.id, here, {"per": "account"}),
            ("sign_in_failed", None, here, {}),
            ("sign_in_limited", None, here, {"per": "account"}),
        ]
        assert "canary" not in str(lines)


async def test_an_over_long_password_is_refused_without_hashing(
    nobody: httpx2.AsyncClient, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    def verify(_: str | None, password: str) -> bool:
        hashed.append(password)
        return True

    monkeypatch.setattr(accounts, "verify_password", verify)
    assert (await sign_in(nobody, password="é" * 513)).status_code == 401
    assert (await sign_in(nobody, password="x" * 70_000)).status_code == 413
    assert hashed == []
    assert (await sign_in(nobody, password="é" * 512)).status_code == 303


async def test_password_work_does_not_hold_up_others(
    nobody: httpx2.AsyncClient, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify, begun, answered = accounts.verify_password, threading.Event(), threading.Event()

    def verify_late(password_hash: str | None, password: str) -> bool:
        begun.set()
        assert answered.wait(10), "nobody was answered meanwhile"
        return verify(password_hash, password)

    monkeypatch.setattr(accounts, "verify_password", verify_late)
    sign_ins = [asyncio.create_task(sign_in(nobody)) for _ in range(8)]
    assert await asyncio.to_thread(begun.wait, 10)
    assert (await nobody.get("/healthz")).status_code == 200
    assert not any(task.done() for task in sign_ins)
    answered.set()
    assert {(await task).status_code for task in sign_ins} == {303}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"email":"ada@example.org"}'),
        ("text/plain", b"email=ada%40example.org"),
        ("multipart/form-data; boundary=x", FILE),
        ("multipart/form-data", b"--x--"),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(11))),
        ("application/x-www-form-urlencoded", b"email=%00&email=%FF&password=\xff\xfe"),
    ],
)  # fmt: skip
async def test_a_broken_form_signs_nobody_in(
    nobody: httpx2.AsyncClient, ada: Person, content_type: str, body: bytes
) -> None:
    answer = await nobody.post("/login/", content=body, headers={"content-type": content_type})
    assert answer.status_code in (400, 401)
    assert "set-cookie" not in answer.headers
