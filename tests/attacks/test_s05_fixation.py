"""S5: a sign-in has a new id, and the one from before is worth nothing."""

from tests.attacks.arena import Target, attack
from tests.attacks.signed_in import COOKIE, is_let_in, sign_in


@attack("S5", off="a_sign_in_keeps_the_id_that_came")
async def test_an_id_that_was_planted_is_worth_nothing_after_the_sign_in(target: Target) -> list[str]:
    """One that nobody has; one that the attacker has signed in with; and the victim's own from before."""
    await target.person("ada")
    eve = await target.person("eve")
    planted = {
        "made up": f"{COOKIE}=planted",
        "of the attacker": await target.cookie(eve),
        "of before": await sign_in(target) or "",
    }
    through = []
    for what, cookie in planted.items():
        given = await sign_in(target, cookie=cookie)
        through += [f"an id {what}"] if await is_let_in(target, cookie) else []
        assert given is not None
        assert await is_let_in(target, given)
    return through
