"""S21: an account is opened by issuer and subject, and by no address."""

from tests.attacks.arena import Target, attack
from tests.attacks.sign_ins import ENV, Visitor, address, callback
from tests.provider.running import Running


@attack("S21", off="addresses_open_accounts", env=ENV)
async def test_the_same_address_opens_no_account(target: Target, provider: Running, other: Running) -> list[str]:
    """Of an account with a password, and of one that came by another provider; verified, as that says, or not."""
    through = []
    await target.person("ada")
    async with Visitor(target) as visitor:
        assert (await visitor.get(await callback(visitor, other, "grace"))).status_code == 303
    for victim in ("ada", "grace"):
        for verified in (True, False, "true"):
            claims = {"sub": "666", "email": f"{victim}@example.org", "email_verified": verified}
            await provider.set(people={"eve": claims})
            async with Visitor(target) as visitor:
                await visitor.get(await callback(visitor, provider, "eve"))
                if await address(visitor) == claims["email"]:
                    through.append(f"{victim}'s, verified: {verified}")
    return through


@attack("S21", off="issuers_do_not_matter", env=ENV)
async def test_the_same_subject_of_another_issuer_is_another_one(
    target: Target, provider: Running, other: Running
) -> list[str]:
    await other.set(people={"eve": {"sub": "ada-1", "email": "eve@example.org", "email_verified": True}})
    async with Visitor(target) as ada, Visitor(target) as eve:
        await ada.get(await callback(ada, provider, "ada"))
        await eve.get(await callback(eve, other, "eve"))
        assert await address(ada) == "ada@example.org"
        return ["the other's account"] if await address(eve) == "ada@example.org" else []


@attack("S21", off="addresses_need_not_be_verified", env=ENV)
async def test_who_only_says_so_gets_no_account_at_an_address(target: Target, provider: Running) -> list[str]:
    """What is sent to an address comes to the account that has it."""
    through = []
    for verified in (False, None, "true", 1):
        claims = {"sub": f"eve {verified}", "email": f"boss{verified}@example.org".lower(), "email_verified": verified}
        await provider.set(people={"eve": claims})
        async with Visitor(target) as visitor:
            await visitor.get(await callback(visitor, provider, "eve"))
            if await address(visitor):
                through.append(f"verified: {verified}")
    return through
