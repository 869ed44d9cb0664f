"""S4: a sign-in's cookie cannot be guessed, read by a script, changed, or found in the database."""

import base64
from http.cookies import SimpleCookie

from sqlalchemy import select

from notifs.store.models import Session
from tests.attacks.arena import PASSWORD, Target, attack
from tests.attacks.signed_in import COOKIE, is_let_in, sign_in


@attack("S4", off="hashes_are_what_they_hash")
async def test_a_copy_of_the_database_signs_nobody_in(target: Target) -> list[str]:
    """Each value of the table of sign-ins is tried as the cookie."""
    await target.person("ada")
    assert await sign_in(target)
    async with target.store.database.session() as session:
        (row,) = (await session.execute(select(Session.__table__))).mappings()
    return [name for name, value in row.items() if value and await is_let_in(target, f"{COOKIE}={value}")]


@attack("S4", off="tokens_are_short")
async def test_no_token_is_found_by_guessing(target: Target) -> list[str]:
    """All tokens of one byte, and those that are near to a good one."""
    await target.person("ada")
    cookie = await sign_in(target)
    assert cookie is not None
    good = cookie.partition("=")[2]
    near = {good[:-1], f"{good}A", good.swapcase(), f"{good[:-1]}{'B' if good[-1] == 'A' else 'A'}", ""} - {good}
    async with target.visitor() as visitor:
        through = []
        for token in [*near, *_of_one_byte()]:
            answer = await visitor.get("/api/v1/inbox", headers={"cookie": f"{COOKIE}={token}"})
            through += [token] if answer.status_code == 200 else []
    return through


@attack("S4", off="cookies_are_for_everybody")
async def test_the_cookie_is_bound_to_https_and_the_host_and_out_of_reach_of_scripts(target: Target) -> list[str]:
    """RFC 6265bis: what the browser is told to hold to."""
    await target.person("ada")
    async with target.visitor() as visitor:
        answer = await visitor.post("/login/", data={"email": "ada@example.org", "password": PASSWORD})
    through = []
    for header in answer.headers.get_list("set-cookie"):
        ((name, cookie),) = SimpleCookie(header).items()
        wanted = {"secure": True, "httponly": True, "samesite": "lax", "path": "/", "domain": ""}
        through += [f"{name}: {key} is {cookie[key]!r}" for key, value in wanted.items() if cookie[key] != value]
        through += [] if name.startswith("__Host-") else [f"{name} can come from a subdomain"]
    return through


def _of_one_byte() -> list[str]:
    return [base64.urlsafe_b64encode(bytes([n])).rstrip(b"=").decode() for n in range(256)]
