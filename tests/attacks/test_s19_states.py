"""S19: only the browser that has begun a sign-in by a provider ends it: once, soon, and with that provider."""

import httpx2

from notifs.signing import Signer
from notifs.web.oidc import pending
from tests.attacks.arena import Target, attack
from tests.attacks.sign_ins import ENV, Visitor, callback, is_in, with_query
from tests.provider.running import Running, begin, path_of

COOKIE = "__Host-notifs-pending"


@attack("S19", off="states_are_of_any_browser", env=ENV)
async def test_an_attackers_sign_in_does_not_end_in_somebody_elses_browser(
    target: Target, provider: Running
) -> list[str]:
    """The victim follows a link, and would be signed in as the attacker from then on."""
    async with Visitor(target) as attacker, Visitor(target) as victim:
        await begin(victim, provider.name)  # they are about to sign in themselves
        await victim.get(await callback(attacker, provider, "mallory"))
        return ["the attacker's account"] if await is_in(victim) else []


@attack("S19", off="states_work_again", env=ENV)
async def test_a_callback_works_once(target: Target, provider: Running) -> list[str]:
    """By the history of a browser that somebody has signed out of, say; and the provider is careless with its codes."""
    await provider.misbehave("codes_last")
    async with Visitor(target) as visitor, Visitor(target) as again:
        back = await callback(visitor, provider, "ada")
        again.kept = dict(visitor.kept)
        assert (await visitor.get(back)).status_code == 303
        await again.get(back)
        return ["the same state"] if await is_in(again) else []


@attack("S19", off="states_last", env=ENV)
async def test_a_sign_in_is_ended_within_ten_minutes(target: Target, provider: Running) -> list[str]:
    async with Visitor(target) as visitor:
        back = await callback(visitor, provider, "ada")
        signer = Signer(target.settings.secret_keys)
        read = signer.read(pending.PURPOSE, visitor.kept[COOKIE], seconds=60)
        assert read is not None
        old = {state: {**started, "at": started["at"] - 601} for state, started in read.items()}
        visitor.kept[COOKIE] = signer.sign(pending.PURPOSE, old)
        await visitor.get(back)
        return ["a state of 601 seconds"] if await is_in(visitor) else []


@attack("S19", off="codes_are_of_any_sign_in", env=ENV)
async def test_a_stolen_code_is_worth_nothing(target: Target, provider: Running) -> list[str]:
    """The attacker has seen the victim's callback, and shows its code in a sign-in of their own: PKCE and the nonce."""
    async with Visitor(target) as attacker, Visitor(target) as victim:
        stolen = httpx2.URL(await callback(victim, provider, "ada")).params["code"]
        mine = await callback(attacker, provider, "mallory")
        await attacker.get(with_query(mine, code=stolen))
        return ["the victim's code"] if await is_in(attacker) else []


@attack("S19", off="issuers_need_not_name_themselves", env=ENV)
async def test_a_hostile_provider_does_not_get_the_code_of_another(
    target: Target, provider: Running, other: Running
) -> list[str]:
    """It sends the browser to the honest one, which does not look closely at where it sends people back (RFC 9207)."""
    await other.set(metadata={"authorization_endpoint": f"{provider.url}/authorize"})
    before = await other.count("token")
    async with Visitor(target) as victim:
        answer = await begin(victim, other.name)
        assert answer.headers["location"].startswith(provider.url)
        await victim.get(path_of(await provider.consent(answer.headers["location"], "ada")))
    return ["the code"] if await other.count("token") > before else []


@attack("S19", off="states_are_of_any_provider", env=ENV)
async def test_a_state_is_of_one_provider(target: Target, provider: Running, other: Running) -> list[str]:
    """The honest provider's answer, brought to the address of the hostile one, which does not say who it is."""
    await other.set(metadata={"authorization_response_iss_parameter_supported": None})
    before = await other.count("token")
    async with Visitor(target) as victim:
        back = httpx2.URL(await callback(victim, provider, "ada"))
        query = {name: back.params[name] for name in ("code", "state")}
        await victim.get(f"/login/{other.name}/callback/", params=query)
    return ["the code"] if await other.count("token") > before else []
