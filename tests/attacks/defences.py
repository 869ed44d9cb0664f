"""How each defence is switched off, in the process of a server that is to be attacked. Not a part of the package.

A function here takes one defence away by replacing what does it, and leaves everything else as it is.
"""

import base64
import dataclasses
import hmac
import json
import os
import secrets
import traceback
import uuid
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx2
import uvicorn
from sqlalchemy import select
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response

from notifs import forms, kinds, serve, standalone
from notifs.api.routes import Door
from notifs.errors import BadCredentials, NotifsError, StoreUnavailable, TooManyTries
from notifs.identity import Verified
from notifs.limits import Limits
from notifs.origins import Origins
from notifs.outbound import post
from notifs.outbound.addresses import Border
from notifs.realtime import connections, engine, guard, hints, server
from notifs.realtime.connections import Connection, Connections
from notifs.realtime.ends import Ends
from notifs.realtime.guard import Guard
from notifs.realtime.server import Server
from notifs.signing import Signer
from notifs.store import Store, accounts, engines, idempotency
from notifs.store import sessions as sign_ins
from notifs.store.keys import Key, Keys
from notifs.store.models import Receipt, Session, User, utcnow
from notifs.tokens import Tokens
from notifs.web import login, middleware, pages, passwords, render, transport, tries
from notifs.web import sessions as web_sessions
from notifs.web.api import InboxApi
from notifs.web.browsers import Browsers
from notifs.web.login import Login
from notifs.web.middleware import BoundedBody, SafeHeaders
from notifs.web.passwords import Passwords
from notifs.web.render import DIST, WORKER, Assets, Render
from notifs.web.sessions import Sessions
from notifs.web.tries import Tries
from notifs.wire import NAMESPACE

DEFENCES: dict[str, Callable[[], None]] = {}


def defence(function: Callable[[], None]) -> Callable[[], None]:
    """Register what switches a defence off; attacks name it by its function's name."""
    DEFENCES[function.__name__] = function
    return function


def switch_off(names: str) -> None:
    """Switch off the defences with these names, which commas separate."""
    for name in filter(None, names.split(",")):
        DEFENCES[name]()


def replace(owner: Any, name: str, value: Any) -> None:
    """Put another value in the place of one that is there; a defence that has moved is noticed."""
    assert hasattr(owner, name), f"{owner!r} has no {name}"
    setattr(owner, name, value)


# S1


@defence
def tokens_are_not_verified() -> None:
    def believe(self: Tokens, token: Any) -> Verified:
        _, said, _ = token.split(".")
        return Verified(json.loads(base64.urlsafe_b64decode(f"{said}==="))["sub"], 3600)

    replace(Tokens, "verify", believe)


@defence
def tokens_do_not_expire() -> None:
    replace(Connection, "expires", lambda self, seconds: None)


# S2


@defence
def origins_are_not_checked() -> None:
    replace(Origins, "allows", lambda self, origin, scope: True)
    replace(Origins, "same_site", lambda self, scope: True)


@defence
def origins_may_be_missing() -> None:
    replace(guard, "_needs_origin", lambda scope: False)


# S3


@defence
def plain_http_is_enough() -> None:
    def without(kind: Any, option: str) -> None:
        init = kind.__init__
        replace(kind, "__init__", lambda self, *args, **options: init(self, *args, **{**options, option: False}))

    without(Sessions, "secure")
    without(SafeHeaders, "hsts")


# S4


@defence
def hashes_are_what_they_hash() -> None:
    replace(Signer, "hashes", lambda self, text: [text])


@defence
def tokens_are_short() -> None:
    replace(web_sessions, "_TOKEN_BYTES", 1)


@defence
def cookies_are_for_everybody() -> None:
    set_cookie = Response.set_cookie

    def set_openly(self: Response, key: str, value: str, **options: Any) -> None:
        kept = {name: given for name, given in options.items() if name not in ("secure", "httponly", "samesite")}
        set_cookie(self, key, value, **kept, samesite=None)

    replace(Response, "set_cookie", set_openly)


# S5


@defence
def a_sign_in_keeps_the_id_that_came() -> None:
    start = Sessions.start

    async def start_with(self: Sessions, scope: Any, person: Any, response: Any, arrival: Any = None) -> None:
        given = HTTPConnection(scope).cookies.get(self.cookie)
        new = given or secrets.token_urlsafe(32)
        replace(web_sessions, "secrets", SimpleNamespace(token_urlsafe=lambda size: new))
        await start(self, scope, person, response, arrival)

    replace(Sessions, "start", start_with)


# S6


@defence
def signing_out_only_takes_the_cookie_back() -> None:
    async def close(self: Login, request: Any) -> None:
        await self._sessions.person(request.scope)

    replace(Login, "_close", close)


# S7


@defence
def ended_sign_ins_live_on() -> None:
    async def end_nothing(connection: Any, which: Any) -> list[str]:
        return []

    replace(sign_ins, "_end", end_nothing)


@defence
def disabled_accounts_are_like_others() -> None:
    async def by_email(connection: Any, email: str) -> Any:
        row = (await connection.execute(select(User).where(User.email == email))).one()
        return accounts.person_of(row), row.password_hash

    ended_sign_ins_live_on()
    replace(sign_ins, "find", _found(Session.expires_at > utcnow()))
    replace(accounts, "by_email", by_email)
    replace(Ends, "end", lambda self, ended: None)


@defence
def passwords_are_looked_at_once() -> None:
    start = sign_ins.start

    async def start_anyway(connection: Any, recipient: str, key: str, days: int, arrival: Any = None) -> None:
        await start(connection, recipient, key, days, dataclasses.replace(arrival, password_hash=None))

    replace(sign_ins, "start", start_anyway)


# S8


@defence
def sign_ins_last_for_ever() -> None:
    replace(sign_ins, "find", _found(User.disabled_at.is_(None)))


def _found(which: Any) -> Any:
    """What looks sign-ins up, with this condition alone."""

    async def find(connection: Any, keys: Any, idle_hours: int = 0) -> dict[str, sign_ins.Found]:
        columns = (*accounts.PERSON, Session.token_hash, Session.created_at)
        joined = select(*columns).join(Session, Session.user_id == User.id)
        rows = await connection.execute(joined.where(Session.token_hash.in_(keys), which))
        return {row.token_hash: sign_ins.Found(accounts.person_of(row), row.created_at) for row in rows}

    return find


# S9


@defence
def mailboxes_are_not_told_apart() -> None:
    change, one = Store.change, Store.one

    async def owner(store: Store, id: uuid.UUID) -> str | None:
        statement = select(Receipt.recipient).where(Receipt.notification_id == id)
        return await store.database.read(lambda c: c.scalar(statement))

    async def change_anybodys(self: Store, recipient: str, act: Any, *, ids: Any = None, up_to: Any = None) -> Any:
        whose = await owner(self, ids[0]) if ids else None
        return await change(self, whose or recipient, act, ids=ids, up_to=up_to)

    async def one_of_anybodys(self: Store, recipient: str, id: uuid.UUID) -> Any:
        return await one(self, await owner(self, id) or recipient, id)

    replace(Store, "change", change_anybodys)
    replace(Store, "one", one_of_anybodys)


@defence
def clients_say_who_they_are() -> None:
    async def believe(self: Sessions, scope: Any) -> str | None:
        person = await self.person(scope)
        return Headers(scope=scope).get("x-user") or (person.id if person else None)

    replace(Sessions, "identify", believe)


# S10


@defence
def messages_have_no_room() -> None:
    everybody: list[Connection] = []
    add, offer = Connections.add, Connection.offer

    def add_and_keep(self: Connections, connection: Connection) -> None:
        add(self, connection)
        everybody.append(connection)

    replace(Connections, "add", add_and_keep)
    # A list, so that everybody gets it even where one cannot.
    replace(Connection, "offer", lambda self, frame, **how: all([offer(each, frame, **how) for each in everybody]))  # noqa: C419


# S11


@defence
def sockets_need_not_join() -> None:
    replace(Connection, "must_join", lambda self, seconds: None)


@defence
def sockets_may_say_as_much_as_they_like() -> None:
    replace(Connection, "allows", lambda self, now: True)


@defence
def sockets_are_not_counted() -> None:
    init = Connections.__init__

    def init_without(self: Connections, per_user: int, per_network: int, metrics: Any) -> None:
        init(self, 1_000_000, 0, metrics)

    replace(Connections, "__init__", init_without)


@defence
def connects_are_not_counted() -> None:
    async def let_in(self: Limits, person: str, network: str) -> None:
        pass

    replace(Limits, "connect", let_in)


# S12


@defence
def events_are_not_checked() -> None:
    replace(server, "_problem", lambda packet: None)


@defence
def events_reach_lifecycle_handlers() -> None:
    async def answer(self: Server, sid: str, event: str, data: Any = None) -> Any:
        return await self._trigger_event(event, NAMESPACE, sid, data)

    replace(Server, "_answer", answer)


@defence
def events_are_not_counted() -> None:
    replace(Server, "_pressure", lambda self, connection: None)


@defence
def frames_are_not_bounded() -> None:
    replace(engine, "_size", lambda data: 0)
    replace(server, "FRAME_LIMIT", 2**24)
    replace(serve, "FRAME_LIMIT", 2**24)


# S13


@defence
def compression_is_offered() -> None:
    init = uvicorn.Config.__init__

    def init_with_it(self: uvicorn.Config, *args: Any, **options: Any) -> None:
        init(self, *args, **{**options, "ws_per_message_deflate": True})

    replace(uvicorn.Config, "__init__", init_with_it)


# S14


@defence
def windows_are_not_bounded() -> None:
    replace(connections, "WINDOW", 2**40)


# S15


@defence
def polling_is_on() -> None:
    call, init = Guard.__call__, Server.__init__

    def init_with_it(self: Server, *args: Any, **options: Any) -> None:
        init(self, *args, **options)
        self.eio.transports = ["polling", "websocket"]

    async def let_in(self: Guard, scope: Any, receive: Any, send: Any) -> None:
        await (call(self, scope, receive, send) if scope["type"] == "websocket" else self._app(scope, receive, send))

    replace(Server, "__init__", init_with_it)
    replace(Guard, "__call__", let_in)


@defence
def bodies_are_not_bounded() -> None:
    async def pass_on(self: BoundedBody, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)

    replace(BoundedBody, "__call__", pass_on)


# S16


@defence
def reading_marks_as_read() -> None:
    replace(pages, "_followed_by_a_person", lambda request: True)


# S22


@defence
def next_leads_anywhere() -> None:
    for module in (login, pages):
        replace(module, "is_local_path", bool)


# S19, S20, S21, S23: their rooms load a library that takes half a second.


@defence
def states_are_of_any_browser() -> None:
    from notifs.web.oidc.pending import Pending  # noqa: PLC0415

    every: dict[str, Any] = {}
    write = Pending.write

    def write_for_all(self: Pending, response: Any, sign_ins: Any) -> None:
        every.update(sign_ins)
        write(self, response, sign_ins)

    replace(Pending, "write", write_for_all)
    replace(Pending, "read", lambda self, scope: dict(every))


@defence
def states_work_again() -> None:
    from notifs.web.oidc import flow  # noqa: PLC0415

    async def never_spent(*_: Any, **__: Any) -> bool:
        return True

    replace(flow, "spend", never_spent)


@defence
def states_last() -> None:
    from notifs.web.oidc import pending  # noqa: PLC0415

    replace(pending, "SECONDS", 10**6)


@defence
def states_are_of_any_provider() -> None:
    from notifs.web.oidc.pending import Pending  # noqa: PLC0415

    class Whichever(str):
        __ne__ = lambda self, other: False  # noqa: E731
        __hash__ = str.__hash__

    read = Pending.read

    def read_for_any(self: Pending, scope: Any) -> Any:
        found = read(self, scope)
        return {state: dataclasses.replace(each, provider=Whichever(each.provider)) for state, each in found.items()}

    replace(Pending, "read", read_for_any)


@defence
def issuers_need_not_name_themselves() -> None:
    from notifs.web.oidc.client import Relying  # noqa: PLC0415

    arrive = Relying.arrive
    replace(Relying, "arrive", lambda self, code, issuer, started: arrive(self, code, self.issuer, started))


@defence
def codes_are_of_any_sign_in() -> None:
    from authlib.oidc.core.claims import IDToken  # noqa: PLC0415

    from notifs.web.oidc.client import Relying  # noqa: PLC0415

    start = Relying.start

    async def start_without_challenge(self: Relying, *args: str) -> tuple[str, str]:
        self.client_kwargs.pop("code_challenge_method", None)
        create = self.create_authorization_url

        async def create_without(*args: Any, **options: Any) -> Any:
            return {"code_verifier": "", **await create(*args, **options)}

        self.create_authorization_url = create_without  # type: ignore[method-assign]
        return await start(self, *args)

    replace(Relying, "start", start_without_challenge)
    replace(IDToken, "validate_nonce", lambda self: None)


@defence
def signatures_are_not_verified() -> None:
    from authlib.integrations.base_client import async_openid  # noqa: PLC0415
    from joserfc import jws  # noqa: PLC0415

    def decode(text: str, **_: Any) -> Any:
        found = jws.extract_compact(text.encode())
        return SimpleNamespace(header=found.headers(), claims=json.loads(found.payload))

    replace(async_openid, "jwt", SimpleNamespace(decode=decode))


@defence
def any_algorithm_will_do() -> None:
    from notifs.web.oidc import client  # noqa: PLC0415

    replace(client, "ALGORITHMS", (*client.ALGORITHMS, "HS256", "none"))


@defence
def claims_are_not_looked_at() -> None:
    from authlib.oidc.core.claims import IDToken  # noqa: PLC0415

    replace(IDToken, "validate", lambda *_, **__: None)


@defence
def tokens_have_any_size() -> None:
    from notifs.web.oidc import client  # noqa: PLC0415

    replace(client, "TOKEN_LIMIT", 10**9)


@defence
def addresses_open_accounts() -> None:
    from notifs.store import accounts, identities  # noqa: PLC0415

    enter = identities.enter

    async def enter_by_address(connection: Any, claimed: Any, **options: Any) -> Any:
        found = await accounts.by_name(connection, claimed.email)
        return found or await enter(connection, claimed, **options)

    replace(identities, "enter", enter_by_address)


@defence
def issuers_do_not_matter() -> None:
    from notifs.store import identities  # noqa: PLC0415
    from notifs.store.models import Identity  # noqa: PLC0415

    replace(identities, "_is", lambda claimed: Identity.subject == claimed.subject)


@defence
def addresses_need_not_be_verified() -> None:
    from notifs.web.oidc.client import Relying  # noqa: PLC0415

    replace(Relying, "may_make", lambda self, claimed: True)


@defence
def pending_sign_ins_pile_up() -> None:
    from notifs.web.oidc import pending  # noqa: PLC0415

    replace(pending, "AT_ONCE", 10**6)
    replace(pending, "COOKIE_LIMIT", 10**9)


# S24


@defence
def passwords_may_be_of_any_length() -> None:
    replace(accounts, "PASSWORD_MAX", 2**30)
    bodies_are_not_bounded()


@defence
def passwords_are_checked_on_the_event_loop() -> None:
    async def run(self: Any, work: Any, *args: Any) -> Any:
        return work(*args)

    replace(passwords.Turns, "run", run)


@defence
def passwords_are_checked_all_at_once() -> None:
    replace(passwords, "TURNS", 12)


# S25


@defence
def who_is_unknown_is_told_at_once() -> None:
    whose = Passwords.whose

    async def whose_if_any(self: Passwords, email: str, password: str) -> Any:
        known = await self._database.read(lambda c: accounts.by_email(c, email))
        return await whose(self, email, password) if known and known[1] else None

    replace(Passwords, "whose", whose_if_any)


@defence
def what_is_wrong_is_told() -> None:
    prove = Tries.prove

    async def prove_and_tell(self: Tries, made: Any, password: str) -> Any:
        if not await self._recipient(made.account):
            raise BadCredentials("There is no such account.", code="unknown_account")
        return await prove(self, made, password)

    replace(Tries, "prove", prove_and_tell)


# S26


@defence
def sign_ins_are_not_counted() -> None:
    async def let_in(self: Limits, account: str, network: str, browser: str | None) -> None:
        pass

    replace(Limits, "try_sign_in", let_in)


@defence
def sign_ins_are_counted_when_they_have_failed() -> None:
    failed: Counter[str] = Counter()
    whose = Passwords.whose

    async def look(self: Limits, account: str, network: str, browser: str | None) -> None:
        if failed[account] >= self._account.most:
            raise TooManyTries("too many tries", retry_after=60)

    async def whose_and_count(self: Passwords, email: str, password: str) -> Any:
        person = await whose(self, email, password)
        failed[email] += person is None
        return person

    replace(Limits, "try_sign_in", look)
    replace(Passwords, "whose", whose_and_count)


@defence
def sign_ins_are_counted_in_redis() -> None:
    async def take(self: Limits, wanted: Any) -> Any:
        for bound, subject in wanted.items():
            if not await self._in_redis(bound, subject, 1):
                return bound, 60
        return None

    replace(Limits, "_take", take)


@defence
def networks_are_addresses() -> None:
    replace(tries, "network_of", lambda address: address)


@defence
def browsers_are_not_known() -> None:
    async def known(self: Browsers, scope: Any, account: str) -> str | None:
        return None

    replace(Browsers, "known", known)


@defence
def known_browsers_are_believed() -> None:
    async def read(self: Browsers, scope: Any, account: str) -> str | None:
        return HTTPConnection(scope).cookies.get(self.cookie)

    replace(Browsers, "known", read)


# S27


@defence
def templates_do_not_escape() -> None:
    init = Render.__init__

    def init_without(self: Render, **options: Any) -> None:
        init(self, **options)
        self._environment = self._environment.overlay(autoescape=False)  # with templates compiled anew

    replace(Render, "__init__", init_without)


# S28


@defence
def links_are_not_checked_when_written() -> None:
    replace(kinds, "is_safe_url", lambda url: True)


@defence
def links_are_not_checked_when_shown() -> None:
    replace(forms, "safe_link", lambda url: url)
    replace(render, "safe_link", lambda url: url)
    replace(pages, "is_safe_url", lambda url: True)


# S29


@defence
def headers_are_not_sent() -> None:
    replace(SafeHeaders, "_complete", lambda self, headers: None)


# S30


@defence
def pictures_come_from_anywhere() -> None:
    for module in (forms, render):
        replace(module, "safe_picture", lambda url, hosts: url)


# S31


@defence
def webhooks_lead_anywhere() -> None:
    replace(Border, "_see", lambda self, url, address: None)


@defence
def webhooks_follow_redirects() -> None:
    class Following(httpx2.AsyncClient):
        def __init__(self, **options: Any) -> None:
            super().__init__(**{**options, "follow_redirects": True})

    replace(post, "httpx2", SimpleNamespace(**{**vars(httpx2), "AsyncClient": Following}))


# S32


@defence
def keys_come_in_any_way() -> None:
    find = Door.key

    async def find_anywhere(self: Door, request: Any) -> Any:
        for text in [*request.query_params.values(), *request.cookies.values(), *request.headers.values()]:
            for word in text.split():
                if key := await self._keys.find(word):
                    return key
        return await find(self, request)

    replace(Door, "key", find_anywhere)


@defence
def scopes_are_not_checked() -> None:
    for name in ("may", "may_kind", "may_topic"):
        replace(Key, name, lambda self, asked: True)


@defence
def revoked_keys_are_believed() -> None:
    look_up = Keys._look_up

    async def look_up_any(self: Keys, id: str, now: float) -> Any:
        known = await look_up(self, id, now)
        return known and dataclasses.replace(known, key=dataclasses.replace(known.key, revoked_at=None))

    replace(Keys, "_look_up", look_up_any)


@defence
def bad_keys_are_not_counted() -> None:
    async def let_on(self: Limits, address: str) -> None:
        pass

    replace(Limits, "bad_key", let_on)


# S33


@defence
def idempotency_keys_are_everybodys() -> None:
    claim = idempotency.claim

    async def claim_for_all(connection: Any, asked: Any) -> Any:
        return await claim(connection, [(dataclasses.replace(key, producer=""), answer) for key, answer in asked])

    replace(idempotency, "claim", claim_for_all)


# S34


@defence
def filters_go_into_sql() -> None:
    async def page(self: InboxApi, request: Any) -> Any:
        recipient, asked = await self._recipient(request), request.query_params.get("filter", "unread")
        query = (
            "SELECT n.title FROM notifs_receipts r JOIN notifs_notifications n ON n.id = r.notification_id "
            f"WHERE r.recipient = '{recipient}' AND '{asked}' = 'unread'"
        )
        rows = await self._store.database.read(lambda c: c.exec_driver_sql(query))
        return JSONResponse([title for (title,) in rows])

    replace(InboxApi, "page", page)


# S35


@defence
def hosts_are_not_checked() -> None:
    replace(Origins, "names_us", lambda self, scope: True)


@defence
def every_path_is_keyed() -> None:
    replace(middleware, "_is_below", lambda scope, paths: True)


@defence
def everybody_is_signed_in() -> None:
    async def first(self: Sessions, scope: Any) -> str | None:
        return await self._database.read(lambda c: c.scalar(select(Receipt.recipient)))

    replace(Sessions, "identify", first)


# S36


@defence
def everybody_is_a_proxy() -> None:
    os.environ["FORWARDED_ALLOW_IPS"] = "*"


# S37


@defence
def requests_are_waited_for() -> None:
    replace(transport, "HEAD_SECONDS", 3600)
    replace(middleware, "BODY_SECONDS", 3600)


@defence
def heads_are_not_bounded() -> None:
    replace(transport, "HEAD_LIMIT", 2**40)


@defence
def ambiguous_requests_are_read() -> None:
    init = transport.Http.__init__

    def init_lenient(self: Any, *args: Any, **options: Any) -> None:
        init(self, *args, **options)
        self.parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_chunked_length=True, lenient_transfer_encoding=True
        )

    replace(transport.Http, "__init__", init_lenient)


# S38


@defence
def seals_are_not_checked() -> None:
    replace(hints, "hmac", SimpleNamespace(digest=hmac.digest, compare_digest=lambda *_: True))


# S39


@defence
def errors_tell_everything() -> None:
    def show(error: Exception, scope: Any) -> NotifsError:
        told = "".join(traceback.format_exception(error))
        return error if isinstance(error, NotifsError) else NotifsError(told, code="internal")

    replace(middleware, "_known", show)
    replace(engines, "_OPTIONS", {**engines._OPTIONS, "hide_parameters": False})


# S40


@defence
def who_cannot_be_asked_for_is_let_in() -> None:
    identify = Sessions.identify

    async def identify_or_guess(self: Sessions, scope: Any) -> str | None:
        try:
            return await identify(self, scope)
        except StoreUnavailable:
            return "somebody"

    replace(Sessions, "identify", identify_or_guess)
    replace(Ends, "_fail_closed", lambda self: None)


# S41


@defence
def answers_may_be_kept() -> None:
    complete = SafeHeaders._complete

    def complete_without(self: SafeHeaders, headers: Any) -> None:
        complete(self, headers)
        headers["cache-control"] = "public, max-age=600"
        del headers["vary"]

    replace(SafeHeaders, "_complete", complete_without)


# S43


@defence
def metrics_are_for_everybody() -> None:
    replace(standalone, "hmac", SimpleNamespace(compare_digest=lambda *_: True))


# S44


@defence
def what_is_kept_stays() -> None:
    get_response = Assets.get_response

    async def get_forgetful(self: Assets, path: str, scope: Any) -> Response:
        if path not in (WORKER, "notifs.js"):  # the page forgets as well
            return await get_response(self, path, scope)
        script = "CacheStorage.prototype.delete = async () => false;" + (DIST / path).read_text()
        return Response(script, media_type="text/javascript", headers={"service-worker-allowed": "/"})

    replace(Assets, "get_response", get_forgetful)
