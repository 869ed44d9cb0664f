"""One secret takes another's place while workers are replaced one by one, and nobody notices."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from notifs import Settings
from notifs.outbound.signing import secret_of
from notifs.store.accounts import Person
from tests import servers
from tests.outbound.receiver import Receiver
from tests.realtime.test_hints import linked
from tests.web.site import Site, cookies, serve, sign_in
from tests.wire import Client, http_client

OLD, NEW = "the old secret of all the workers", "the new secret of all the workers"
STAGES = [OLD, f"{OLD},{NEW}", f"{NEW},{OLD}", NEW]
"""What workers have, one after the other. Beside each of them there are some of the next."""
STEPS = list(pairwise(STAGES))
NAMES = ["old and both", "old first and new first", "both and new"]


@asynccontextmanager
async def workers(url: str, redis: servers.Redis, *keys: str) -> AsyncIterator[list[Site]]:
    """A worker for each of `keys`. Their head checks come so seldom that what arrives has come by a hint."""
    first, second = (
        Settings(database_url=url, redis_url=redis.url, secret_key=key, head_check_seconds=60) for key in keys
    )
    async with serve(first) as one, serve(second) as two:
        await linked(one.notifs, two.notifs)
        yield [one, two]


async def _goes_on(here: Site, there: Site, ada: Person) -> None:
    """Who has signed in here gets there what is sent here, and is signed out there when they sign out here."""
    async with here.visitor() as visitor:
        assert (await sign_in(visitor)).status_code == 303
        cookie = cookies(visitor)
        async with http_client(there.url, headers=cookie) as elsewhere:
            assert (await elsewhere.get("/api/v1/inbox")).status_code == 200
        async with Client.open(there.url, headers=cookie) as client:
            await client.message("snapshot")
            await here.notifs.notify(to=ada.id, title="by a hint")
            assert (await client.message("created"))["notifs"][0]["title"] == "by a hint"
            await visitor.post("/logout/")
            await client.end()


@pytest.mark.parametrize("keys", STEPS, ids=NAMES)
async def test_sign_ins_and_pushes_go_on_between_workers_of_two_stages(
    postgres_url: str, redis: servers.Redis, keys: tuple[str, str]
) -> None:
    async with workers(postgres_url, redis, *keys) as (one, two):
        ada = await one.person("ada")
        await _goes_on(one, two, ada)
        await _goes_on(two, one, ada)


async def test_a_sign_in_lives_as_long_as_the_secret_it_was_made_under(sqlite_url: str) -> None:
    alive = []
    async with serve(Settings(database_url=sqlite_url, secret_key=OLD)) as site:
        cookie = await site.cookie(await site.person("ada"))
    for key in STAGES:
        async with (
            serve(Settings(database_url=sqlite_url, secret_key=key)) as site,
            site.visitor(cookie=cookie) as visitor,
        ):
            alive.append((await visitor.get("/api/v1/inbox")).status_code)
    assert alive == [200, 200, 200, 401]


async def test_a_sign_in_under_an_older_secret_can_be_ended(sqlite_url: str) -> None:
    async with serve(Settings(database_url=sqlite_url, secret_key=OLD)) as site:
        cookie = await site.cookie(await site.person("ada"))
    async with serve(Settings(database_url=sqlite_url, secret_key=f"{NEW},{OLD}")) as site:
        async with site.visitor(cookie=cookie) as visitor, Client.open(site.url, headers={"cookie": cookie}) as client:
            await client.message("snapshot")
            assert (await visitor.post("/logout/")).status_code == 303
            await client.end()
            assert (await visitor.get("/api/v1/inbox")).status_code == 401


@pytest.mark.parametrize("keys", STAGES)
async def test_a_receiver_knows_deliveries_by_any_of_the_secrets(sqlite_url: str, keys: str) -> None:
    settings = Settings(database_url=sqlite_url, secret_key=keys, webhook_networks="127.0.0.1/32")
    async with serve(settings) as site, Receiver() as receiver:
        hook = await site.notifs.outbound.add(receiver.url)
        receiver.secret = site.notifs.outbound.secret(hook.id)
        assert receiver.secret == secret_of(keys.partition(",")[0], hook.id)
        await site.notifs.notify(to="ada", title="Hello")
        (request,) = await receiver.take(1)
    believed = []
    for key in (OLD, NEW):
        try:
            Webhook(secret_of(key, hook.id)).verify(request.body, request.headers)
            believed.append(key)
        except WebhookVerificationError:
            pass
    assert believed == [key for key in (OLD, NEW) if key in keys]
