"""How often a key may ask: the headers, the refusal, Redis, and life without it."""

import re

import pytest

from notifs import Settings, limits
from notifs.api.rates import Rates
from notifs.errors import TooManyRequests
from tests import servers
from tests.api.producer import Producer
from tests.faults.proxy import proxy
from tests.web.site import serve
from tests.wire import http_client


async def test_each_answer_says_what_is_left(sqlite_url: str) -> None:
    settings = Settings(database_url=sqlite_url, api_requests_per_minute=6, create_users=True)
    async with serve(settings) as site, Producer.of(site, "shop", "send", "read") as shop:
        left = []
        for method, path in (("GET", "/topics"), ("GET", "/jobs/x"), ("DELETE", "/topics/x"), ("LOCK", "/topics")):
            response = await shop.ask(method, path)
            if method != "LOCK":
                assert response.headers["ratelimit-policy"] == '"default";q=6;w=60'
                left.append(re.fullmatch(r'"default";r=(\d+);t=\d+', response.headers["ratelimit"])[1])  # type: ignore[index]
        assert left == ["5", "4", "3"]
        items = [{"to": ["ada"], "title": "x"}] * 4
        assert await shop.refused("POST", "/notifications/batch", json={"items": items}) == (429, "too_many_requests")
        response = await shop.ask("POST", "/notifications/batch", json={"items": items[:2]})
        assert response.headers["ratelimit"].startswith('"default";r=0;')
        response = await shop.ask("GET", "/topics")
        assert (response.status_code, response.json()["code"]) == (429, "too_many_requests")
        assert 0 < int(response.headers["retry-after"]) <= 120
        async with Producer.of(site, "blog", "read") as blog:
            assert (await blog.ask("GET", "/topics")).status_code == 200
        assert len(await site.notifs.get_unread_notifs("ada")) == 2


async def test_after_the_time_that_is_told_there_is_room_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    counted = Rates(10)
    refused = 0
    for step in range(200):
        now += step % 7
        try:
            await counted.take("key", 1 + step % 3)
        except TooManyRequests as error:
            refused += 1
            now += error.retry_after
            await counted.take("key", 1 + step % 3)
    assert refused > 10


async def test_who_tries_keys_is_told_to_wait(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KEYS_PER_MINUTE", 3)
    async with serve(Settings(database_url=sqlite_url)) as site, Producer.of(site, "shop", "read") as shop:
        async with http_client(site.url) as stranger:
            answers = [await stranger.get("/api/v1/topics", headers={"authorization": "Bearer x"}) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
        assert 0 < int(answers[-1].headers["retry-after"]) <= 64
        assert (await shop.ask("GET", "/topics")).status_code == 200  # who has a key is not locked out by others


@pytest.mark.usefixtures("patient")
async def test_workers_that_have_redis_count_together(redis: servers.Redis) -> None:
    one, other = Rates(3, redis.url), Rates(3, redis.url)
    await one.take("shared", 2)
    assert (await other.take("shared")).startswith('"default";r=0;')
    for each in (one, other):
        with pytest.raises(TooManyRequests):
            await each.take("shared")
        await each.close()


async def test_while_redis_is_away_each_worker_counts_for_itself(redis: servers.Redis) -> None:
    now = 0.0
    async with proxy(redis.port) as link:
        counted = Rates(5, f"redis://127.0.0.1:{link.port}/0", clock=lambda: now)
        await counted.take("away")
        link.silent = True
        for left in (4, 3, 2, 1, 0):
            assert (await counted.take("away")).startswith(f'"default";r={left};')
        with pytest.raises(TooManyRequests):
            await counted.take("away")
        await link.heal()
        now += 10  # from now on Redis is asked again, which has counted one, and perhaps what was on its way
        assert (await counted.take("away"))[:13] in ('"default";r=3', '"default";r=2')
        await counted.close()
