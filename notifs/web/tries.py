"""Tries to prove by a password who one is: counted before the password is looked at, and told of if they fail."""

from dataclasses import dataclass

from starlette.responses import Response

from notifs.addresses import network_of
from notifs.errors import NotifsError, TooManyTries
from notifs.limits import WINDOW_SECONDS, Limits
from notifs.store import Store, accounts
from notifs.web.passwords import Known, Passwords


@dataclass(frozen=True, slots=True)
class Try:
    """Somebody gives a password.

    Args:
        account: the address that was typed in, in its normal form, or empty.
        address: from where.
        browser: what their browser is known by, if it is one of the account's.
    """

    account: str
    address: str
    browser: str | None


class Tries:
    """Counts tries, looks at their passwords, and tells the audit log.

    Args:
        store: has the accounts and the audit log.
    """

    def __init__(self, store: Store, passwords: Passwords, limits: Limits) -> None:
        self._store = store
        self._passwords = passwords
        self._limits = limits

    async def prove(self, made: Try, password: str) -> Known | None:
        """Whose account it is, if that is their password. The try is counted until `succeeded`.

        Raises:
            TooManyTries: the password was not looked at.
            Busy: neither was it; the try is counted.
            StoreUnavailable: nobody can say how many there were.
        """
        try:
            await self._limits.try_sign_in(made.account, network_of(made.address), made.browser)
        except TooManyTries as error:
            await self._note_limit(made, error.per)
            raise
        known = await self._passwords.whose(made.account, password)
        if known is None:
            await self.failed(made)
        return known

    async def failed(self, made: Try) -> None:
        """Tell the audit log."""
        await self._store.audit.record("sign_in_failed", await self._recipient(made.account), address=made.address)

    async def succeeded(self, made: Try) -> None:
        """It was no failed one, and neither were those before it."""
        await self._limits.signed_in(made.account, network_of(made.address), made.browser)

    async def _note_limit(self, made: Try, per: str) -> None:
        """Say in the audit log that a bound is reached: once, however often somebody goes on trying."""
        subject = network_of(made.address) if per == "network" else made.account
        if await self._limits.once(f"sign_in_limited.{per}", subject, WINDOW_SECONDS):
            whose = None if per == "network" else await self._recipient(made.account)
            await self._store.audit.record("sign_in_limited", whose, address=made.address, per=per)

    async def _recipient(self, account: str) -> str | None:
        """Whom the audit log is to name: nobody, where there is no such account; never what was typed."""
        known = await self._store.database.read(lambda c: accounts.known(c, [account]))
        return known.get(account)


def tell_wait(response: Response, error: NotifsError | None) -> None:
    """Say when to try again, if the error does (RFC 9110, section 10.2.3)."""
    if (retry_after := getattr(error, "retry_after", None)) is not None:
        response.headers["retry-after"] = str(retry_after)
