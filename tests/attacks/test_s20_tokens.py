"""S20: a token that a provider has not signed, for this very sign-in and application, lets nobody in."""

from tests.attacks.arena import Target, attack
from tests.attacks.sign_ins import ENV, Visitor, callback, is_in
from tests.provider.running import Running

SIGNED = (
    "unsigned", "signed_with_the_public_key", "signed_with_the_client_secret", "key_in_the_header",
    "key_set_in_the_header", "certificate_in_the_header", "signed_by_somebody_else", "changed_after_signing",
)  # fmt: skip
CLAIMED = (
    "of_another_issuer", "for_another_application", "for_nobody", "for_several_without_saying_whose",
    "given_to_another_application", "of_another_sign_in", "of_no_sign_in", "expired", "without_an_end",
    "from_the_future", "not_valid_yet", "of_nobody", "of_a_number", "of_another_access_token",
)  # fmt: skip


async def forged(target: Target, provider: Running, *faults: str) -> list[str]:
    """Those faults with which somebody is let in; without any, somebody is."""
    through = []
    for fault in ("", *faults):
        await provider.misbehave(fault)
        async with Visitor(target) as visitor:
            await visitor.get(await callback(visitor, provider, "ada"))
            if await is_in(visitor):
                through.append(fault)
    assert "" in through, "nobody is let in at all"
    return [fault for fault in through if fault]


@attack("S20", off="signatures_are_not_verified", env=ENV)
async def test_a_token_is_signed_by_a_key_of_the_provider(target: Target, provider: Running) -> list[str]:
    """Not by one that the token itself brings along or leads to, and not by what everybody knows."""
    through = await forged(target, provider, *SIGNED)
    assert await provider.count("attackers_keys") == 0
    return through


@attack("S20", off="any_algorithm_will_do", env=ENV)
async def test_a_token_is_signed_by_an_algorithm_for_it(target: Target, provider: Running) -> list[str]:
    """Although the provider says that it takes `none` and HS256 too."""
    return await forged(target, provider, "signed_with_a_published_secret", *SIGNED[:3])


@attack("S20", off="claims_are_not_looked_at", env=ENV)
async def test_a_token_is_of_this_sign_in(target: Target, provider: Running) -> list[str]:
    return await forged(target, provider, *CLAIMED, "no_id_token", "no_token_at_all", "of_many_parts")


@attack("S20", off="tokens_have_any_size", env=ENV)
async def test_a_large_token_is_not_taken_apart(target: Target, provider: Running) -> list[str]:
    return await forged(target, provider, "of_fifty_kilobytes", "of_a_megabyte", "large_reply")
