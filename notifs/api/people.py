"""Whom producers name: recipients by their ids, or accounts of ours by their addresses."""

import time
from collections.abc import Iterable, Sequence

from notifs.api.operations import Refusal
from notifs.gather import Gather
from notifs.store import Store, recipients

UNKNOWN_RECIPIENT = Refusal(422, "unknown_recipient", "Nobody is known by one of the names.")
INVALID_RECIPIENT = Refusal(422, "invalid_recipient", "A recipient is 1 to 200 printable characters.")
CHUNK = 1000
"""Names that are looked up before others on the event loop have their turn."""
REMEMBERED, REMEMBERED_SECONDS = 10_000, 10.0
"""How many names are remembered, and for how long: who gets one notification gets the next one soon."""
Names = tuple[str, ...]


class People:
    """Finds the recipients that names stand for.

    Args:
        store: where accounts and mailboxes are.
        ours: the accounts are ours; else every name is an id of the host's, and is taken as it is.
        create: a name that nobody has gets a mailbox, instead of being refused.
    """

    def __init__(self, store: Store, *, ours: bool, create: bool) -> None:
        self._store = store
        self._ours = ours
        self._create = create
        self._asked: Gather[Names, dict[str, str]] = Gather(self._look_up, pace=0.0)
        self._remembered: dict[str, str] = {}
        self._remembered_until = 0.0

    async def resolve(self, names: Iterable[str]) -> list[str]:
        """The recipients of these names.

        Raises:
            BadRequest: `unknown_recipient`: nobody is known as one of them; or `invalid_recipient`.
        """
        asked = tuple(names)
        if not self._ours or not asked:
            return list(asked)
        found: list[str] = []
        for start in range(0, len(asked), CHUNK):
            some = asked[start : start + CHUNK]
            known = await self._known(some)
            all_known = len(known) == len({*some})
            found += known.values() if all_known else await self._store.recipients.resolve(some, self._create)
        return found

    async def known(self, names: Iterable[str]) -> list[str]:
        """The recipients of those names that are known, and the other names as they are."""
        asked = tuple(names)
        if not self._ours or not asked:
            return list(asked)
        known = await self._known(asked)
        return [known.get(name, name) for name in asked]

    async def _known(self, asked: Names) -> dict[str, str]:
        """The recipients of those of these names that are known."""
        if time.monotonic() >= self._remembered_until or len(self._remembered) > REMEMBERED:
            self._remembered, self._remembered_until = {}, time.monotonic() + REMEMBERED_SECONDS
        found = {name: self._remembered[name] for name in asked if name in self._remembered}
        new = tuple(name for name in asked if name not in found)
        if new:
            more = await self._asked(new)
            # An address that stands for itself is nobody's yet: it may become an account's at any moment.
            self._remembered.update({name: who for name, who in more.items() if "@" not in name or who != name})
            found |= more
        return {name: found[name] for name in asked if name in found}

    async def _look_up(self, asked: Sequence[Names]) -> Sequence[dict[str, str]]:
        """What is known of each of them, in one question for all that ask at the same time."""
        every = {name for names in asked for name in names}
        found = await self._store.database.read(lambda c: recipients.known(c, every))
        return [{name: found[name] for name in names if name in found} for names in asked]
