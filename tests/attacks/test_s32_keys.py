"""S32: a producer's key is kept as a hash, good for its scopes alone, worthless once revoked, sent in one header."""

import asyncio
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.store.models import ApiKey
from tests.attacks.arena import Target, attack


async def made(target: Target, *scopes: str, **limits: Any) -> tuple[str, str]:
    """A new key's id and token."""
    key, token = await target.store.keys.create("shop", scopes, **limits)
    return key.id, token


@attack("S32", off="keys_come_in_any_way")
async def test_a_key_comes_in_its_header_and_in_no_other_way(target: Target) -> list[str]:
    """Addresses end up in logs, and cookies are sent by others' pages; what the table has is no token either."""
    id, token = await made(target, "admin")
    ada = await target.person("ada")
    (stored,) = await target.store.database.read(_hashes)
    ways: dict[str, tuple[str, dict[str, str]]] = {
        "a query": (f"?access_token={token}", {}), "another": (f"?key={token}", {}),
        "a cookie": ("", {"cookie": f"token={token}"}), "X-API-Key": ("", {"x-api-key": token}),
        "Basic": ("", {"authorization": f"Basic {token}"}), "no scheme": ("", {"authorization": token}),
        "a sign-in": ("", {"cookie": await target.cookie(ada), "origin": target.url}),
        "its hash": ("", {"authorization": f"Bearer {stored}"}),
        "its hash as a token": ("", {"authorization": f"Bearer nk_{id}_{stored[:43]}"}),
    }  # fmt: skip
    through = []
    async with target.visitor() as visitor:
        for way, (query, headers) in ways.items():
            for path in ("/api/v1/topics", "/api/v1/audit"):
                answer = await visitor.get(f"{path}{query}", headers=headers)
                through += [f"{way} at {path}"] if answer.status_code != 401 else []
    return through


async def _hashes(connection: AsyncConnection) -> list[str]:
    return list((await connection.execute(select(ApiKey.token_hash))).scalars())


@attack("S32", off="scopes_are_not_checked")
async def test_a_key_does_what_its_scopes_say_and_no_more(target: Target) -> list[str]:
    """One that reads does not send, one that sends does not read, neither reads the audit log, and kinds are kinds."""
    (_, reads), (_, sends) = await made(target, "read"), await made(target, "send")
    _, comments = await made(target, "send", kinds=["comment.*"], topics=["repo/7"])
    note = {"to": ["ada"], "title": "hello"}
    tries: list[tuple[str, str, str, object]] = [
        (reads, "POST", "/notifications", note), (reads, "POST", "/announcements", {"title": "hello"}),
        (sends, "GET", "/topics", None), (sends, "GET", "/audit", None), (reads, "GET", "/audit", None),
        (reads, "PUT", "/users/ada", None), (sends, "DELETE", "/topics/orders", None),
        (comments, "POST", "/notifications", {**note, "kind": "deploy.done"}),
        (comments, "POST", "/notifications", {"topics": ["orders"], "title": "hello", "kind": "comment.posted"}),
    ]  # fmt: skip
    through = []
    async with target.visitor() as visitor:
        for token, method, path, body in tries:
            headers = {"authorization": f"Bearer {token}"}
            answer = await visitor.request(method, f"/api/v1{path}", json=body, headers=headers)
            through += [f"{method} {path}"] if answer.status_code != 403 else []
    return through


@attack("S32", off="revoked_keys_are_believed")
async def test_a_revoked_key_is_worthless_within_two_seconds(target: Target) -> list[str]:
    """It is in use when another process revokes it."""
    id, token = await made(target, "read")
    async with target.visitor(authorization=f"Bearer {token}") as visitor:
        assert (await visitor.get("/api/v1/topics")).status_code == 200
        await target.store.keys.revoke(id)
        await asyncio.sleep(2)
        status = (await visitor.get("/api/v1/topics")).status_code
    return [f"{status} for a revoked key"] if status != 401 else []


@attack("S32", off="bad_keys_are_not_counted")
async def test_a_key_is_not_guessed_from_its_beginning(target: Target) -> list[str]:
    """Who knows the public part and some of the secret gets 60 tries a minute, by the API and by hooks together."""
    id, token = await made(target, "admin")
    secret = token.removeprefix(f"nk_{id}_")
    guesses = [f"nk_{id}_{secret[:n]}{'x' * (43 - n)}" for n in range(43)] + [token[:-1], token + "x", f"nk_{id}_"]
    statuses = []
    async with target.visitor() as visitor:
        for n, guess in enumerate(guesses * 3):
            headers = {"authorization": f"Bearer {guess}"}
            if n % 2:
                answer = await visitor.get("/api/v1/topics", headers=headers)
            else:
                answer = await visitor.post("/hooks/plain/orders", content=b"x", headers=headers)
            statuses.append(answer.status_code)
    assert set(statuses) <= {401, 429}
    return [f"{statuses.count(401)} guesses"] if statuses.count(401) > 60 else []
