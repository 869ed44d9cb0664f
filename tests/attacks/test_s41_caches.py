"""S41: a cache on the way gives nobody what was answered to somebody else."""

import re

from tests import servers
from tests.attacks.arena import Target, attack
from tests.attacks.ways import producer, send
from tests.web.site import HTML
from tests.wire import http_client

CACHE = "proxy_cache kept; proxy_cache_valid any 10m; add_header X-Cache $upstream_cache_status always;"
CARELESS = f"{CACHE} proxy_ignore_headers Cache-Control Expires Set-Cookie;"
"""What is in a shared cache is everybody's; a careless one keeps what it was told not to keep."""
PATHS = ["/", "/notifications/", "/notifications/?filter=all", "/api/v1/inbox", "/api/v1/inbox/changes", "/login/"]


async def replayed(target: Target, rules: str) -> list[str]:
    """Let Ada read everything by way of a cache, then Bob, then nobody; and return who got what of hers."""
    ada, bob, through = await target.person("ada"), await target.person("bob"), []
    async with producer(target) as client:
        id = await send(client, ada, "only for ada")
        token = client.headers["authorization"]
    paths = [*PATHS, f"/notifications/{id}/read/", f"/api/v1/notifications/{id}", "/account/"]
    hers, his = await target.cookie(ada), await target.cookie(bob)
    visitors = {"bob": {"cookie": his}, "nobody": {}, "nobody's key": {"authorization": "Bearer nk_x"}}
    with servers.nginx(target.url, rules) as url:
        async with http_client(url, headers=HTML) as client:
            own = url.removeprefix("http://")
            for path in paths:
                first = {"authorization": token} if path.startswith("/api/v1/notifications") else {"cookie": hers}
                before = await client.get(path, headers={**first, "host": own})
                assert before.status_code < 400, path
                for name, headers in visitors.items():
                    answer = await client.get(path, headers={**headers, "host": own})
                    if answer.headers["x-cache"] == "HIT" or "ada" in answer.text.lower():
                        through.append(f"{path} to {name}")
            (style,) = re.findall(r'href="([^"]*notifs\.css[^"]*)"', (await client.get(f"{target.url}/login/")).text)
            kept = [(await client.get(style)).headers["x-cache"] for _ in range(2)]
            assert kept == ["MISS", "HIT"], "it is no cache"
    return through


@attack("S41", off="answers_may_be_kept")
async def test_a_cache_keeps_nothing_of_a_persons(target: Target) -> list[str]:
    """It does what `Cache-Control` says."""
    return await replayed(target, CACHE)


@attack("S41", off="answers_may_be_kept")
async def test_a_careless_cache_tells_people_apart(target: Target) -> list[str]:
    """It keeps everything, and goes by `Vary` alone."""
    return await replayed(target, CARELESS)
