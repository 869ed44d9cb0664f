"""Signing in by a provider of OpenID Connect: a real one, in a process of its own."""

import asyncio
import re
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from http.cookies import SimpleCookie
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from sqlalchemy import Update, select, update

from notifs import Notifs, Settings, SignedIn
from notifs.limits import PROVIDERS_PER_MINUTE
from notifs.store import identities
from notifs.store.accounts import Person
from notifs.store.identities import Claimed
from notifs.store.models import Identity, Session, User, utcnow
from notifs.web.oidc import client
from tests.provider.running import Running, begin, path_of, running, sign_in
from tests.provider.tokens import FAULTS
from tests.servers import clean_environment
from tests.web import site as sites
from tests.web.site import HTML, PASSWORD, SECRET, Document, Site, page, serve
from tests.wire import Client

INBOX = "/api/v1/inbox"


@pytest.fixture
def settings(sqlite_url: str, provider: Running) -> Settings:
    return Settings(database_url=sqlite_url, providers=provider.known(create_accounts=True))


async def is_in(visitor: httpx2.AsyncClient) -> bool:
    return (await visitor.get(INBOX)).status_code == 200


async def accounts(notifs: Notifs) -> list[str]:
    return [person.email for person in await notifs.store.users()]


async def told(notifs: Notifs, event: str) -> list[dict[str, object]]:
    """What the audit log says of an event."""
    return [line.detail for line in await notifs.store.audit.read() if line.event == event]


async def link(visitor: httpx2.AsyncClient, provider: Running, person: str) -> httpx2.Response:
    """Link an account, as its page does it. Returns what the callback answers."""
    answer = await visitor.post(f"/account/link/{provider.name}/", data={"password": PASSWORD})
    assert answer.status_code == 200, answer.text
    url = Document(answer).onward
    assert url in Document(answer).hrefs
    return await visitor.get(path_of(await provider.consent(url, person)), headers=HTML)


async def test_the_button_leads_to_the_provider_and_back_to_where_one_wanted_to_go(
    site: Site, provider: Running, nobody: httpx2.AsyncClient
) -> None:
    document = await page(nobody, "/login/?next=/notifications/%3Ffilter%3Dall")
    answer = await nobody.get(document.links["Sign in with Local"])
    assert answer.status_code == 302
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["redirect_uri"] == [f"{site.url}/login/local/callback/"]
    assert (asked["code_challenge_method"], asked["response_type"]) == (["S256"], ["code"])
    assert asked.keys() >= {"state", "nonce", "code_challenge"}
    answer = await nobody.get(path_of(await provider.consent(answer.headers["location"])))
    assert (answer.status_code, answer.headers["location"]) == (303, "/notifications/?filter=all")
    assert await is_in(nobody)


async def test_who_comes_first_gets_an_account_and_has_it_from_then_on(
    notifs: Notifs, provider: Running, nobody: httpx2.AsyncClient, site: Site
) -> None:
    heard: list[str] = []

    @notifs.signals.on(SignedIn)
    async def note(signal: SignedIn) -> None:
        heard.append(signal.user)

    assert (await sign_in(nobody, provider)).status_code == 303
    async with site.visitor() as elsewhere:
        assert (await sign_in(elsewhere, provider)).status_code == 303
    (person,) = await notifs.store.users()
    assert (person.email, person.name) == ("ada@example.org", "Ada")
    await notifs.drain()
    assert heard == [person.id, person.id]
    (line,) = await notifs.store.database.read(lambda c: identities.of(c, person.id))
    assert (line.issuer, line.subject, line.email) == (provider.url, "ada-1", "ada@example.org")
    assert line.used_at > line.created_at
    assert await told(notifs, "account_made") == [{"provider": "local"}]
    assert await told(notifs, "identity_linked") == [{"provider": "local"}]
    assert await told(notifs, "signed_in") == [{"provider": "local"}] * 2
    rows = await notifs.store.database.read(lambda c: c.execute(select(Session.__table__)))
    for row in rows:
        assert (row.issuer, row.provider_session[:8]) == (provider.url, "session-")
        assert row.id_token.count(".") == 2


async def test_a_sign_in_begins_a_new_session_and_ends_the_one_before(
    adas: httpx2.AsyncClient, provider: Running
) -> None:
    before = sites.cookies(adas)
    assert (await sign_in(adas, provider, "grace")).status_code == 303
    document = await page(adas, "/account/")
    assert "grace@example.org" in document.source
    assert (await adas.get(INBOX, headers=before)).status_code == 401


async def test_what_is_on_its_way_is_kept_out_of_reach(sqlite_url: str, provider: Running) -> None:
    settings = Settings(
        database_url=sqlite_url,
        environment="production",
        secret_key=SECRET,
        origins="https://notifs.example",
        providers=provider.known(label="Example & Sons"),
    )
    async with serve(settings) as site, site.visitor(host="notifs.example") as visitor:
        assert "Sign in with Example &amp; Sons" in (await page(visitor, "/login/")).source
        answer = await begin(visitor)
        asked = parse_qs(urlsplit(answer.headers["location"]).query)
        assert asked["redirect_uri"] == ["https://notifs.example/login/local/callback/"]
        ((name, cookie),) = SimpleCookie(answer.headers["set-cookie"]).items()
        assert name == "__Host-notifs-pending"
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "lax")
        assert (cookie["path"], cookie["domain"], cookie["max-age"]) == ("/", "", "600")


async def test_several_sign_ins_may_be_on_their_way_in_one_browser(
    nobody: httpx2.AsyncClient, provider: Running
) -> None:
    backs = []
    for filter in ("all", "archived"):
        answer = await begin(nobody, next=f"/notifications/?filter={filter}")
        backs.append(path_of(await provider.consent(answer.headers["location"])))
    for back, filter in zip(reversed(backs), ("archived", "all"), strict=True):
        assert (await nobody.get(back)).headers["location"] == f"/notifications/?filter={filter}"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-mode": "cors"},
        {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
        {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-purpose": "prefetch"},
        {"purpose": "prefetch"},
    ],
)
async def test_only_a_person_begins(nobody: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    answer = await nobody.get("/login/local/", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_opened")
    assert "set-cookie" not in answer.headers


async def test_nothing_leads_elsewhere(nobody: httpx2.AsyncClient, provider: Running) -> None:
    for next in ("//evil.example", "https://evil.example", "/\\evil.example", "/" + "x" * 2000):
        assert (await sign_in(nobody, provider, next=next)).headers["location"] == "/notifications/"


async def test_there_is_nothing_where_no_provider_is(nobody: httpx2.AsyncClient, sqlite_url: str) -> None:
    for path in ("/login/other/", "/login/other/callback/?state=x&code=y", "/login/other/frontchannel/"):
        assert (await nobody.get(path)).status_code == 404
    async with serve(Settings(database_url=sqlite_url)) as site, site.visitor() as visitor:
        assert (await visitor.get("/login/local/")).status_code == 404
        assert "Sign in with" not in (await page(visitor, "/login/")).source


def test_who_has_no_provider_does_not_load_the_library() -> None:
    code = "import sys, notifs.app; notifs.app.Notifs().routes(); print('authlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=clean_environment(), capture_output=True, check=True)
    assert done.stdout == b"False\n"


async def test_who_is_not_known_is_refused_unless_accounts_are_made(sqlite_url: str, provider: Running) -> None:
    async with serve(Settings(database_url=sqlite_url, providers=provider.known())) as site, site.visitor() as visitor:
        answer = await sign_in(visitor, provider)
        assert answer.status_code == 403
        assert "Nobody here signs in with this account of Local." in answer.text
        assert await accounts(site.notifs) == []
        assert await told(site.notifs, "sign_in_failed") == [{"provider": "local", "reason": "unknown_identity"}]


@pytest.mark.parametrize(
    ("email", "verified", "made"),
    [
        ("ada@example.org", True, True),
        ("Ada@EXAMPLE.org", True, True),
        ("ada@example.com", True, False),
        ("ada@example.com@example.org", True, True),
        ("ada@evil.example.org", True, False),
        ("example.org", True, False),
        ("bo\u017fs@example.org", True, False),  # which is boss@example.org without regard to case
        ("ada@stra\u00dfe.example", True, False),  # another domain than that of the settings
        ("ada@strasse.example", True, True),
        ("ada\0@example.org", True, False),
        ("ada@example.org", False, False),
        ("ada@example.org", "true", False),
        ("ada@example.org", None, False),
        (None, True, False),
        (7, True, False),
    ],
)
async def test_an_account_is_made_for_a_verified_address_of_these_domains(
    sqlite_url: str, provider: Running, email: object, verified: object, made: bool
) -> None:
    claims = {"sub": "1", "email": email, "email_verified": verified}
    await provider.set(people={"new": {name: value for name, value in claims.items() if value is not None}})
    providers = provider.known(create_accounts=True, domains="example.org, strasse.example")
    async with serve(Settings(database_url=sqlite_url, providers=providers)) as site, site.visitor() as visitor:
        answer = await sign_in(visitor, provider, "new")
        assert (answer.status_code == 303) == made, answer.text
        assert len(await accounts(site.notifs)) == made


async def test_a_subject_that_is_no_line_of_text_is_nobody(
    notifs: Notifs, provider: Running, nobody: httpx2.AsyncClient
) -> None:
    await provider.set(people={"new": {"sub": "1\0", "email": "new@example.org", "email_verified": True}})
    answer = await sign_in(nobody, provider, "new")
    assert answer.status_code == 403
    assert "cannot be believed" in answer.text
    assert await accounts(notifs) == []


async def test_an_unverified_address_makes_no_account_whatever_its_domain(
    notifs: Notifs, provider: Running, nobody: httpx2.AsyncClient
) -> None:
    await provider.set(people={"new": {"sub": "1", "email": "boss@example.org", "email_verified": False}})
    assert (await sign_in(nobody, provider, "new")).status_code == 403
    assert await accounts(notifs) == []


async def test_an_address_does_not_open_the_account_that_has_it(
    notifs: Notifs, provider: Running, nobody: httpx2.AsyncClient, ada: Person
) -> None:
    answer = await sign_in(nobody, provider)
    assert answer.status_code == 403
    assert "There is an account here with your address already." in answer.text
    assert not await is_in(nobody)
    assert await notifs.store.database.read(lambda c: identities.of(c, ada.id)) == []


async def test_a_disabled_account_is_refused_in_the_words_for_an_unknown_one(
    notifs: Notifs, provider: Running, nobody: httpx2.AsyncClient
) -> None:
    await sign_in(nobody, provider)
    await notifs.store.database.write(lambda c: c.execute(update(User).values(disabled_at=utcnow())))
    answer = await sign_in(nobody, provider)
    assert answer.status_code == 403
    assert "Nobody here signs in with this account of Local." in answer.text
    assert not await is_in(nobody)


async def test_an_account_is_linked_while_one_is_signed_in(
    site: Site, notifs: Notifs, provider: Running, adas: httpx2.AsyncClient, ada: Person
) -> None:
    answer = await link(adas, provider, "mallory")  # whose address is another one
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/?done=linked")
    again = await adas.post("/account/link/local/", data={"password": PASSWORD})
    assert (again.status_code, again.json()["code"]) == (400, "already_linked")
    assert await told(notifs, "identity_linked") == [{"provider": "local"}]
    async with site.visitor() as visitor:
        assert (await sign_in(visitor, provider, "mallory")).status_code == 303
        assert "ada@example.org" in (await page(visitor, "/account/")).source
    assert await accounts(notifs) == ["ada@example.org"]


async def test_linking_needs_somebody_who_is_signed_in_on_a_page_of_ours(
    nobody: httpx2.AsyncClient, adas: httpx2.AsyncClient
) -> None:
    assert (await nobody.post("/account/link/local/")).status_code == 401
    assert (await adas.post("/account/link/local/", headers={"sec-fetch-site": "cross-site"})).status_code == 403
    assert (await adas.get("/account/link/local/")).status_code == 405
    assert (await adas.post("/account/link/other/", data={"password": PASSWORD})).status_code == 404


async def test_linking_needs_the_password_of_who_has_one(
    adas: httpx2.AsyncClient,
) -> None:
    answer = await adas.post("/account/link/local/", data={"password": "found a browser open"}, headers=HTML)
    assert answer.status_code == 401
    assert "This is not your password." in answer.text
    assert "/authorize" not in answer.text


async def test_linking_needs_a_fresh_sign_in_of_who_has_no_password(
    notifs: Notifs, provider: Running, nobody: httpx2.AsyncClient
) -> None:
    async def change(statement: Update) -> None:
        await notifs.store.database.write(lambda c: c.execute(statement))

    assert (await sign_in(nobody, provider, "grace")).status_code == 303
    await change(update(Identity).values(issuer="https://elsewhere.example"))  # so that this one can be linked
    await change(update(Session).values(created_at=utcnow() - timedelta(minutes=11)))
    answer = await nobody.post("/account/link/local/", headers=HTML)
    assert answer.status_code == 403
    assert "Sign out and in again, then link within 10 minutes" in answer.text
    assert "/authorize" not in answer.text
    await change(update(Session).values(created_at=utcnow() - timedelta(minutes=9)))
    answer = await nobody.post("/account/link/local/", headers=HTML)
    assert Document(answer).onward.startswith(f"{provider.url}/authorize?")


async def test_a_provider_is_asked_for_so_many_from_one_network_and_no_more(
    provider: Running, nobody: httpx2.AsyncClient
) -> None:
    codes = Counter[int]()
    for _ in range(PROVIDERS_PER_MINUTE + 1):
        answer = await nobody.get("/login/local/")
        state = parse_qs(urlsplit(answer.headers["location"]).query)["state"][0]
        codes[(await nobody.get(f"/login/local/callback/?state={state}&error=access_denied")).status_code] += 1
    assert codes == {403: PROVIDERS_PER_MINUTE, 429: 1}


async def test_what_one_has_begun_to_link_another_does_not_end(
    site: Site, notifs: Notifs, provider: Running, adas: httpx2.AsyncClient, grace: Person
) -> None:
    answer = await adas.post("/account/link/local/", data={"password": PASSWORD})
    back = path_of(await provider.consent(Document(answer).onward, "mallory"))
    adas.cookies.delete("notifs")
    adas.cookies.set("notifs", (await site.cookie(grace)).partition("=")[2], domain="127.0.0.1")
    answer = await adas.get(back)
    assert (answer.status_code, answer.json()["code"]) == (403, "unknown_state")
    assert await notifs.store.database.read(lambda c: c.scalar(select(Identity.subject))) is None


async def test_who_has_signed_out_meanwhile_links_nothing(
    notifs: Notifs, provider: Running, adas: httpx2.AsyncClient
) -> None:
    answer = await adas.post("/account/link/local/", data={"password": PASSWORD})
    back = path_of(await provider.consent(Document(answer).onward, "mallory"))
    await adas.post("/logout/")
    assert (await adas.get(back)).status_code == 403
    assert not await is_in(adas)
    assert await notifs.store.database.read(lambda c: c.scalar(select(Identity.subject))) is None


async def test_an_identity_belongs_to_one_account(
    provider: Running, adas: httpx2.AsyncClient, graces: httpx2.AsyncClient
) -> None:
    assert (await link(adas, provider, "mallory")).status_code == 303
    answer = await link(graces, provider, "mallory")
    assert answer.status_code == 400
    assert "Another account is linked with that one already." in answer.text


async def test_an_account_is_unlinked_unless_nothing_else_opens_it(
    site: Site, notifs: Notifs, provider: Running, adas: httpx2.AsyncClient, nobody: httpx2.AsyncClient
) -> None:
    await link(adas, provider, "mallory")
    form = {"issuer": provider.url, "subject": "mallory-1"}
    await sign_in(nobody, provider, "grace")
    assert (await nobody.post("/account/unlink/", data=form)).status_code == 404  # it is Ada's
    answer = await adas.post("/account/unlink/", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account/?done=unlinked")
    assert await told(notifs, "identity_unlinked") == [{"provider": "local"}]
    assert (await adas.post("/account/unlink/", data=form)).status_code == 404
    answer = await nobody.post("/account/unlink/", data={"issuer": provider.url, "subject": "grace-1"})
    assert (answer.status_code, answer.json()["code"]) == (400, "last_identity")
    async with site.visitor() as visitor:
        assert (await sign_in(visitor, provider, "grace")).status_code == 303


async def test_to_unlink_ends_what_came_by_the_provider_except_where_it_is_asked_for(
    site: Site, notifs: Notifs, provider: Running, adas: httpx2.AsyncClient
) -> None:
    await link(adas, provider, "mallory")
    async with site.visitor() as here, site.visitor() as there:
        await sign_in(here, provider, "mallory")
        sid = await notifs.store.database.read(
            lambda c: c.scalar(select(Session.provider_session).where(Session.issuer == provider.url))
        )
        await sign_in(there, provider, "mallory")
        async with Client.open(site.url, headers=sites.cookies(there)) as socket:
            form = {"issuer": provider.url, "subject": "mallory-1"}
            assert (await here.post("/account/unlink/", data=form)).status_code == 303
            await socket.until(lambda: socket.closed)
        assert [await is_in(each) for each in (here, there, adas)] == [True, False, True]
        # The provider can still end the one that has gone on, whose subject is not linked any more.
        answer = await provider.logout_token(f"{site.url}/login/local/backchannel/", sid=sid, sub="mallory-1")
        assert answer["status"] == 200
        assert [await is_in(each) for each in (here, adas)] == [False, True]


async def test_a_provider_that_is_not_in_the_settings_any_more_opens_no_account(
    notifs: Notifs, provider: Running, nobody: httpx2.AsyncClient
) -> None:
    await sign_in(nobody, provider, "grace")
    (grace,) = await notifs.store.users()
    former = Claimed("former", "https://former.example", "1")
    await notifs.store.database.write(lambda c: identities.link(c, grace.id, former))
    answer = await nobody.post("/account/unlink/", data={"issuer": provider.url, "subject": "grace-1"})
    assert (answer.status_code, answer.json()["code"]) == (400, "last_identity")
    answer = await nobody.post("/account/unlink/", data={"issuer": former.issuer, "subject": "1"})
    assert answer.status_code == 303


async def test_who_says_no_at_the_provider_is_told_so(nobody: httpx2.AsyncClient, provider: Running) -> None:
    answer = await sign_in(nobody, provider, "", next="/notifications/?filter=all")
    assert answer.status_code == 403
    document = Document(answer)
    assert "You did not sign in at Local." in document.text
    assert document.links["Sign in with Local"] == "/login/local/?next=/notifications/%3Ffilter%3Dall"


async def test_what_a_callback_says_is_not_shown(nobody: httpx2.AsyncClient) -> None:
    state = parse_qs(urlsplit((await begin(nobody)).headers["location"]).query)["state"][0]
    query = {"state": state, "error": "server_error", "error_description": "call +1 555 0100 to unlock your account"}
    answer = await nobody.get("/login/local/callback/", params=query)
    assert answer.status_code == 403
    assert "Nobody was signed in by Local." in answer.text
    assert "555" not in answer.text


@pytest.mark.parametrize("fault", sorted({*FAULTS, "no_id_token", "other_iss", "no_iss"} - {"of_a_megabyte"}))
async def test_a_wrong_token_lets_nobody_in(
    notifs: Notifs, provider: Running, nobody: httpx2.AsyncClient, fault: str
) -> None:
    await provider.misbehave(fault)
    answer = await sign_in(nobody, provider)
    assert answer.status_code == 403, fault
    assert "cannot be believed" in answer.text
    assert not await is_in(nobody)
    assert await accounts(notifs) == []
    seen = await provider.seen()
    assert seen["counts"].get("attackers_keys") is None
    assert await told(notifs, "sign_in_failed") == [{"provider": "local", "reason": "provider_token"}]


@pytest.mark.parametrize("fault", ["of_a_megabyte", "large_reply", "compressed", "redirect", "broken"])
async def test_an_answer_out_of_bounds_is_as_good_as_none(
    provider: Running, nobody: httpx2.AsyncClient, fault: str
) -> None:
    await provider.misbehave(fault)
    answer = await sign_in(nobody, provider, next="/notifications/?filter=all")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "The provider does not answer just now; try again in a moment." in answer.text
    assert await provider.count("elsewhere") == 0
    await provider.misbehave()
    again = Document(answer).links["Sign in with Local"]
    back = path_of(await provider.consent((await nobody.get(again)).headers["location"]))
    assert (await nobody.get(back)).headers["location"] == "/notifications/?filter=all"


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://elsewhere.example"},
        {"issuer": None},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://elsewhere.example/\nset-cookie: x"},
        {"jwks_uri": None},
        {"id_token_signing_alg_values_supported": ["HS256", "none"]},
    ],
)
async def test_a_provider_that_is_not_as_it_should_be_is_not_used(
    provider: Running, nobody: httpx2.AsyncClient, metadata: dict[str, object]
) -> None:
    await provider.set(metadata=metadata)
    answer = await begin(nobody)
    assert answer.status_code == 503
    assert "set-cookie" not in answer.headers


async def test_a_provider_that_is_not_as_it_should_be_is_asked_once_in_a_while_whoever_comes(
    provider: Running, nobody: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "AWAY_SECONDS", 60.0)
    await provider.set(metadata={"issuer": None})
    before = await provider.count("discovery")
    answers = await asyncio.gather(*(begin(nobody) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {503}
    assert await provider.count("discovery") == before + 1


async def test_a_provider_that_was_away_is_asked_again(
    provider: Running, nobody: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "AWAY_SECONDS", 0.0)
    await provider.set(metadata={"issuer": None})
    assert (await begin(nobody)).status_code == 503
    await provider.set(metadata={})
    assert (await begin(nobody)).status_code == 302


async def test_what_a_provider_says_of_itself_is_no_option_of_ours(
    provider: Running, nobody: httpx2.AsyncClient
) -> None:
    options = {"code_challenge_method": "plain", "scope": "openid everything", "verify": False, "base_url": "http://x"}
    await provider.set(metadata=options)
    asked = parse_qs(urlsplit((await begin(nobody)).headers["location"]).query)
    assert (asked["code_challenge_method"], asked["scope"]) == (["S256"], ["openid email profile"])


async def test_a_provider_may_take_the_secret_in_the_form_only(provider: Running, nobody: httpx2.AsyncClient) -> None:
    await provider.set(metadata={"token_endpoint_auth_methods_supported": ["client_secret_post"]})
    assert (await sign_in(nobody, provider)).status_code == 303
    assert (await provider.seen())["secrets"][-1] == "form"


async def test_a_provider_that_is_down_keeps_nobody_from_signing_in_otherwise(sqlite_url: str) -> None:
    async with running("away") as provider:
        providers = provider.known(create_accounts=True)
        async with serve(Settings(database_url=sqlite_url, providers=providers)) as site, site.visitor() as visitor:
            await site.person("ada")
            provider.child.send(signal.SIGKILL)
            answer = await begin(visitor, "away", next="/notifications/?filter=all")
            assert answer.status_code == 503
            document = Document(answer)
            assert "The provider does not answer just now" in document.text
            (form,) = document.forms
            fields = {**form.fields, "email": "ada@example.org", "password": sites.PASSWORD}
            answer = await visitor.post(form.action, data=fields)
            assert answer.headers["location"] == "/notifications/?filter=all"


async def test_new_keys_are_fetched_when_they_are_needed_and_not_more_often(
    provider: Running, nobody: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await sign_in(nobody, provider)).status_code == 303
    before = await provider.count("jwks")
    await provider.set(rotate=True)
    assert (await sign_in(nobody, provider)).status_code == 303
    assert await provider.count("jwks") == before + 1
    await provider.misbehave("key_set_in_the_header")
    answers = await asyncio.gather(*(sign_in(nobody, provider) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {403}
    assert await provider.count("jwks") == before + 1
    await provider.misbehave()
    await provider.set(rotate=True)
    monkeypatch.setattr(client, "AGAIN_SECONDS", 0.0)
    assert (await sign_in(nobody, provider)).status_code == 303


async def test_what_a_provider_says_of_itself_is_read_again(
    provider: Running, nobody: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await provider.count("discovery")
    for _ in range(3):
        await begin(nobody)
    assert await provider.count("discovery") == before + 1
    monkeypatch.setattr(client, "FRESH_SECONDS", 0.0)
    await begin(nobody)
    assert await provider.count("discovery") == before + 2


async def test_nobody_else_learns_where_one_comes_from(nobody: httpx2.AsyncClient, provider: Running) -> None:
    """The code is in the address of the callback: no page of it leads out, and nobody keeps it."""
    answer = await sign_in(nobody, provider, "")
    assert (answer.headers["referrer-policy"], answer.headers["cache-control"]) == ("same-origin", "no-store")
    assert re.search(r"<script[^>]*src", answer.text) is None
