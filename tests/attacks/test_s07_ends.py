"""S7: disabling an account, changing its password and an admin's word end its sign-ins and sockets, on every worker."""

import asyncio

from notifs.store import accounts
from tests.attacks.arena import PASSWORD, Target, attack
from tests.attacks.signed_in import is_let_in, sign_in, victim
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


@attack("S7", off="passwords_are_looked_at_once", env={"NOTIFS_SIGN_IN_TRIES": "1000"})
async def test_no_sign_in_with_the_old_password_outlives_a_new_one(target: Target) -> list[str]:
    """Its thief signs in without end while it is changed; to look at it takes a while, and may be over just after."""
    ada = await target.person("ada", password_hash=accounts.hash_password(PASSWORD))
    changed = asyncio.Event()

    async def steal() -> list[str]:
        cookies = []
        while not changed.is_set():
            cookies.append(await sign_in(target))
        return [cookie for cookie in cookies if cookie]

    thieves = asyncio.gather(*(steal() for _ in range(6)))
    async with target.visitor(ada, origin=target.url) as owner:
        answer = await owner.post("/account/password/", data={"current": PASSWORD, "new": NEW})
        assert answer.status_code == 303
    changed.set()
    cookies = [cookie for stolen in await thieves for cookie in stolen]
    return [f"sign-in {n}" for n, cookie in enumerate(cookies) if await is_let_in(target, cookie)]
