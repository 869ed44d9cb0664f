"""S6: signing out ends the cookie, and every socket that came with it, on every worker."""

from tests.attacks.arena import Target, attack
from tests.attacks.signed_in import victim


@attack("S6", off="signing_out_only_takes_the_cookie_back", args=("--workers", "2"))
async def test_a_copied_cookie_and_open_sockets_are_dead_after_signing_out(target: Target) -> list[str]:
    """The browser forgets its cookie; whoever has copied it does not, and their sockets listen."""
    async with victim(target) as ada:
        async with ada.browser() as browser:
            answer = await browser.post("/logout/")
            assert answer.status_code == 303
            assert "Max-Age=0" in answer.headers["set-cookie"]
        return await ada.left("signing out")
