"""How often something may be tried: sign-ins, reset links and keys that are guessed; connects and events that are many.

What is guessed is counted exactly, in the database, so that to lose Redis opens nothing; and while the database is away
nobody is let in. What is only many is shared out, see `shares`, and goes on whatever is away.
"""

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from typing import cast

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from notifs.addresses import network_of
from notifs.errors import TooManyRequests, TooManySockets, TooManyTries
from notifs.limits.redis import close_storage, redis_storage
from notifs.limits.shares import Shares
from notifs.phrases import Phrase
from notifs.settings import Settings
from notifs.store.audit import AuditLog
from notifs.store.counts import Bound, Counts

WINDOW_SECONDS = 15 * 60
"""In which tries are counted."""
PER_NETWORK = 10
"""How many times the bound of one account or person a network has: many share one."""
PER_BROWSERS = 10
"""How many times the bound of one browser all have together that an account has signed in with."""
PROVIDERS_PER_MINUTE = 60
"""Sign-ins by a provider that one network may end: for each we ask the provider."""
KEYS_PER_MINUTE = 60
"""Requests without a good key that one network may make."""
PER_PERSON = 5
"""How many times the events of one socket a person has, on all of theirs."""
EVENT_SECONDS = 10
"""In which a person's events are counted: long enough that workers can agree on it."""
BELIEVED_SECONDS = 10.0
"""How long a worker goes on refusing without asking the database: whoever goes on trying costs no writes."""
REMEMBERED = 10_000
"""Refusals that a worker remembers; the oldest are forgotten first, and asked for again."""
STORE_SECONDS = 1.0
"""How long the database may take to give out a share."""


class Limits:
    """The bounds of one application.

    Args:
        counts: those of the store.
        audit: what is told of those who try keys.
        settings: how many, and where Redis is, if there is one.
        clock: seconds since 1970.
    """

    def __init__(
        self, counts: Counts, audit: AuditLog, settings: Settings, clock: Callable[[], float] = time.time
    ) -> None:
        tries, connects = settings.sign_in_tries, settings.connects_per_minute
        self._account = Bound("sign_in.account", tries, WINDOW_SECONDS)
        self._browser = Bound("sign_in.browser", tries, WINDOW_SECONDS)
        self._browsers = Bound("sign_in.browsers", tries * PER_BROWSERS, WINDOW_SECONDS)
        self._network = Bound("sign_in.network", tries * PER_NETWORK, WINDOW_SECONDS)
        self._providers = Bound("provider.network", PROVIDERS_PER_MINUTE, 60)
        self._resets = Bound("reset.network", tries * PER_NETWORK, WINDOW_SECONDS)
        self._keys = Bound("keys.network", KEYS_PER_MINUTE, 60)
        self._connects = Bound("connects.person", connects, 60)
        self._connects_from = Bound("connects.network", connects * PER_NETWORK, 60)
        self._from_any = settings.sockets_per_address == 0
        self._events = Bound("events.person", settings.events_per_second * PER_PERSON * EVENT_SECONDS, EVENT_SECONDS)
        self._counts = counts
        self._audit = audit
        self._clock = clock
        self._redis = redis_storage(settings.redis_url) if settings.redis_url else None
        self._shares = Shares(self._in_redis if self._redis else self._in_store, clock)
        self._refused: dict[tuple[Bound, str], tuple[float, float]] = {}

    async def try_sign_in(self, account: str, network: str, browser: str | None) -> None:
        """Count a sign-in before its password is checked, so that of those who try at once not all are the last.

        Args:
            account: the address that was typed in.
            browser: what a browser is known by that this account has signed in with before. Its tries are counted for
                themselves, and with those of all such browsers: who fails on purpose elsewhere cannot keep somebody
                out of their own.

        Raises:
            TooManyTries: nothing was counted; says for how long to wait, and `per` what.
            StoreUnavailable: nobody can say how many there were.
        """
        refused = await self._take(self._tries(account, network, browser))
        if refused is not None:
            bound, wait = refused
            told = Phrase("too many tries; wait {minutes} min, then try again", minutes=math.ceil(wait / 60))
            raise TooManyTries(told, retry_after=wait, per=bound.what.partition(".")[2])

    async def signed_in(self, account: str, network: str, browser: str | None) -> None:
        """The sign-in that was counted has succeeded: its account's tries are forgotten, and it was none from there."""
        taken = self._tries(account, network, browser)
        one = {bound: subject for bound, subject in taken.items() if bound in (self._network, self._browsers)}
        await self._forgive({bound: subject for bound, subject in taken.items() if bound not in one}, one)

    async def password_set(self, account: str) -> None:
        """Somebody has shown in another way that an account is theirs: its tries, from wherever, are forgotten."""
        await self._forgive({self._account: account, self._browsers: account})

    async def try_reset(self, network: str) -> None:
        """Count a try to use a reset link.

        Raises:
            TooManyTries: there were too many from there.
            StoreUnavailable: nobody can say how many there were.
        """
        told = "too many tries came from your network; wait some minutes, then try again"
        await self._try_from(network, self._resets, told)

    async def try_provider(self, network: str) -> None:
        """Count a sign-in that comes back from a provider.

        Raises:
            TooManyTries: there were too many from there.
            StoreUnavailable: nobody can say how many there were.
        """
        told = "too many sign-ins came from your network; wait a minute, then try again"
        await self._try_from(network, self._providers, told)

    async def bad_key(self, address: str) -> None:
        """Count a request without a good API key; the audit log hears of it once a minute.

        Raises:
            TooManyRequests: there were too many from there.
            StoreUnavailable: nobody can say how many there were.
        """
        network = network_of(address)
        if await self.once("key_refused", network, 60):
            await self._audit.record("key_refused", address=address)
        if refused := await self._take({self._keys: network}):
            told = f"too many requests without a good key came from your network: more than {KEYS_PER_MINUTE} a minute"
            raise TooManyRequests(told, retry_after=refused[1])

    async def once(self, what: str, subject: str, seconds: int) -> bool:
        """Whether this is the first time in so many seconds that something is said of this subject: for the audit log.

        Raises:
            StoreUnavailable: nobody can say.
        """
        return await self._take({Bound(what, 1, seconds): subject}) is None

    async def connect(self, person: str | None, network: str) -> None:
        """Count a socket that is to be opened; nobody may know yet by which person.

        Raises:
            TooManySockets: too many were, by this person or from there, just before.
        """
        wait = await self._shares.take(self._connects, person) if person else 0
        told = f"you have opened {self._connects.most} sockets in a minute"
        if not wait and not self._from_any:
            wait = await self._shares.take(self._connects_from, network)
            told = f"{self._connects_from.most} sockets were opened from your network in a minute"
        if wait:
            raise _too_many_connects(told, wait)

    def join(self, person: str) -> None:
        """Count a socket of which it is known only now whose it is, without waiting for anything.

        Raises:
            TooManySockets: this person has opened too many just before.
        """
        if wait := self._shares.take_now(self._connects, person):
            raise _too_many_connects(f"you have opened {self._connects.most} sockets in a minute", wait)

    def event(self, person: str) -> int:
        """Count a client event, without waiting for anything. Returns the seconds to wait, 0 if it may be."""
        return self._shares.take_now(self._events, person)

    async def close(self) -> None:
        """Finish what is being counted, and let go of Redis; the database may be closed then."""
        await self._shares.drain()
        if self._redis is not None:
            await close_storage(self._redis)

    async def _try_from(self, network: str, bound: Bound, told: str) -> None:
        if refused := await self._take({bound: network}):
            raise TooManyTries(told, retry_after=refused[1], per="network")

    def _tries(self, account: str, network: str, browser: str | None) -> dict[Bound, str]:
        if browser is not None:
            return {self._browser: browser, self._browsers: account}
        return {self._account: account, self._network: network}

    async def _forgive(self, all: Mapping[Bound, str], one: Mapping[Bound, str] | None = None) -> None:
        for each in all.items():
            self._refused.pop(each, None)
        await self._counts.forgive(all=all, one=one or {})

    async def _take(self, wanted: Mapping[Bound, str]) -> tuple[Bound, int] | None:
        """Count one of each. Returns what has no room for it, and the seconds until it has."""
        now = self._clock()
        for each in wanted.items():
            believed_until, until = self._refused.get(each, (0.0, 0.0))
            if believed_until > now:
                return each[0], math.ceil(until - now)
        refused = await self._counts.take(wanted)
        if refused is None:
            return None
        bound, wait = refused
        self._remember((bound, wanted[bound]), now, wait)
        return bound, math.ceil(wait)

    def _remember(self, refused: tuple[Bound, str], now: float, wait: float) -> None:
        self._refused.pop(refused, None)
        if len(self._refused) >= REMEMBERED:
            del self._refused[next(iter(self._refused))]
        self._refused[refused] = now + min(wait, BELIEVED_SECONDS), now + wait

    async def _in_redis(self, bound: Bound, subject: str, count: int) -> bool:
        limiter = SlidingWindowCounterRateLimiter(cast(RedisStorage, self._redis))
        item = RateLimitItemPerSecond(bound.most, bound.seconds)
        return await limiter.hit(item, bound.what, subject, cost=count)

    async def _in_store(self, bound: Bound, subject: str, count: int) -> bool:
        async with asyncio.timeout(STORE_SECONDS):
            return await self._counts.take({bound: subject}, count) is None


def _too_many_connects(told: str, wait: int) -> TooManySockets:
    return TooManySockets(f"{told}; wait {wait} s, then try again", code="too_many_connects", retry_after=wait)
