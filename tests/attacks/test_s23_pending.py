"""S23: sign-ins that nobody ends take no room."""

from tests.attacks.arena import Target, attack
from tests.attacks.sign_ins import ENV, Visitor, callback, is_in
from tests.provider.running import Running, begin

COOKIE_LIMIT = 4096
"""Bytes of a cookie that browsers keep (RFC 6265bis, section 5.6)."""


@attack("S23", off="pending_sign_ins_pile_up", env=ENV)
async def test_after_many_begun_sign_ins_a_real_one_works(target: Target, provider: Running) -> list[str]:
    """A hostile page can open the address as often as it likes."""
    async with Visitor(target) as visitor:
        for n in range(200):
            answer = await begin(visitor, provider.name, next=f"/notifications/?before={n}{'x' * 900}")
            if any(len(cookie) > COOKIE_LIMIT for cookie in answer.headers.get_list("set-cookie")):
                return [f"a cookie that browsers drop, after {n} sign-ins were begun"]
        await visitor.get(await callback(visitor, provider, "ada"))
        return [] if await is_in(visitor) else ["a sign-in that does not end"]
