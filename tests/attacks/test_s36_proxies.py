"""S36: what a proxy says of a client is believed from the proxy alone."""

import httpx2

from tests.attacks.arena import Target, attack
from tests.attacks.ways import PROXY, STRANGER

FORGED = {
    "x-forwarded-for": "203.0.113.7",
    "x-forwarded-proto": "https",
    "x-forwarded-prefix": "/evil",
    "x-forwarded-host": "evil.example",
    "x-real-ip": "203.0.113.7",
    "forwarded": "for=203.0.113.7;proto=https;host=evil.example",
}


def coming_from(target: Target, source: str) -> httpx2.AsyncClient:
    """A client at an address of loopback."""
    transport = httpx2.AsyncHTTPTransport(local_address=source)
    return httpx2.AsyncClient(transport=transport, base_url=target.url, trust_env=False, headers=FORGED)


async def believed(target: Target, source: str) -> list[str]:
    """What of the forged headers the server believes from there."""
    ada = await target.person(f"ada{source[-1]}")
    found = []
    async with coming_from(target, source) as client:
        secure = {"cookie": await target.cookie(ada), "origin": target.url.replace("http", "https", 1)}
        answer = await client.post("/api/v1/inbox/read", json={"ids": []}, headers=secure)
        if answer.status_code == 200:
            found.append("the scheme")
        form = {"email": f"ada{source[-1]}@example.org", "password": "wrong, and long enough"}
        await client.post("/login/", data=form, headers={"sec-fetch-site": "same-origin"})
        answers = [await client.get("/"), await client.get("/notifications/", headers={"accept": "text/html"})]
        if any("evil" in answer.headers.get("location", "") for answer in answers):
            found.append("the prefix or the host")
    lines = [line for line in await target.store.audit.read(limit=200) if line.event == "sign_in_failed"]
    if any(line.address == FORGED["x-forwarded-for"] for line in lines):
        found.append("the address")
    return found


@attack("S36", off="everybody_is_a_proxy")
async def test_a_stranger_s_word_on_where_it_comes_from_is_not_believed(target: Target) -> list[str]:
    """Its scheme, its address, its prefix and its host; while the proxy's word on the first two is."""
    through = await believed(target, STRANGER)
    assert "the scheme" in await believed(target, PROXY), "nobody is believed, so the attack proves nothing"
    return through
