"""S7: disabling an account, changing its password and an admin's word end its sign-ins and sockets, on every worker."""

from tests.attacks.arena import PASSWORD, Target, attack
from tests.attacks.signed_in import sign_in, victim
from tests.web.site import CHEAP

NEW = "a moth in the relay of panel F"
TWO = ("--workers", "2")


async def _admin(target: Target, act: str, recipient: str) -> None:
    """An admin presses a button."""
    root = await target.store.add_user("root@example.org", "Root", CHEAP, admin=True)
    async with target.visitor(root, origin=target.url) as visitor:
        assert (await visitor.post(f"/admin/person/{act}/", data={"id": recipient})).status_code == 303


@attack("S7", off="disabled_accounts_are_like_others", args=TWO)
async def test_nothing_is_left_of_a_disabled_account(target: Target) -> list[str]:
    """Its cookie, its sockets, and its password."""
    async with victim(target) as ada:
        await _admin(target, "disable", ada.person.id)
        through = await ada.left("disabled")
    return [*through, *(["disabled: the password still works"] if await sign_in(target) else [])]


@attack("S7", off="ended_sign_ins_live_on", args=TWO)
async def test_a_new_password_ends_every_other_sign_in(target: Target) -> list[str]:
    """Somebody has copied a cookie; its person changes their password in another browser."""
    async with victim(target) as ada:
        cookie = await sign_in(target)
        assert cookie is not None
        async with target.visitor(cookie=cookie, origin=target.url) as browser:
            answer = await browser.post("/account/password/", data={"current": PASSWORD, "new": NEW})
            assert answer.status_code == 303
        return await ada.left("a new password")


@attack("S7", off="ended_sign_ins_live_on", args=TWO)
async def test_an_admin_ends_every_sign_in(target: Target) -> list[str]:
    """As for a laptop that is lost."""
    async with victim(target) as ada:
        await _admin(target, "end", ada.person.id)
        return await ada.left("ended by an admin")


@attack("S7", off="ended_sign_ins_live_on", args=TWO)
async def test_people_end_their_own_other_sign_ins(target: Target) -> list[str]:
    """From the page of their account."""
    async with victim(target) as ada:
        cookie = await sign_in(target)
        assert cookie is not None
        async with target.visitor(cookie=cookie, origin=target.url) as browser:
            assert (await browser.post("/account/sign-ins/end-others/")).status_code == 303
        return await ada.left("ended elsewhere")
