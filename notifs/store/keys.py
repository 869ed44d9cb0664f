"""Producers' keys to the API: shown once, kept as a hash, revoked for good."""

import asyncio
import hashlib
import hmac
import re
import secrets
import string
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from notifs.errors import BadRequest, NotFound, NotifsError
from notifs.gather import Gather
from notifs.store import audit
from notifs.store.database import Database
from notifs.store.many import among
from notifs.store.models import ApiKey, utcnow
from notifs.store.names import NAME_LIMIT, check_topic, is_name

Scope = Literal["send", "read", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
KNOWN_SECONDS = 1.0
"""How long a worker believes what it has read of a key: half of the 2 s within which a revoked key must stop."""
NOTED_SECONDS = 60.0
"""`last_used_at` is written this often at most; the audit log has a line for each hour in which a key was used."""
_HOUR = timedelta(hours=1)

_ID = re.compile(r"[a-z0-9]{12}")
_TOKEN = re.compile(r"nk_([a-z0-9]{12})_[A-Za-z0-9_-]{43}")
_KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*(\.\*)?")
_LETTERS = string.ascii_lowercase + string.digits


HOOKS = "hook:"
"""How the names of producers begin that are no keys, but webhooks that come in."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a producer may do who has the token of this key."""

    id: str
    """Its public part, to name it by."""
    producer: str
    """The name under which its notifications are sent; two keys may have the same, while one follows the other."""
    scopes: frozenset[str]
    kinds: tuple[str, ...] | None
    """The only kinds that it may send; None for all. `comment.*` is every kind that begins with `comment.`."""
    topics: tuple[str, ...] | None
    """The only topics that it may send to; None for all."""
    created_at: datetime
    last_used_at: datetime | None
    """To the minute."""
    revoked_at: datetime | None

    def may(self, scope: Scope) -> bool:
        """Whether it has this scope; `admin` is all of them."""
        return scope in self.scopes or "admin" in self.scopes

    def may_kind(self, kind: str) -> bool:
        """Whether it may send notifications of this kind."""
        return self.kinds is None or any(
            kind == each or (each.endswith(".*") and kind.startswith(each[:-1])) for each in self.kinds
        )

    def may_topic(self, topic: str) -> bool:
        """Whether it may send to this topic, and see who follows it."""
        return self.topics is None or topic in self.topics


@dataclass(frozen=True, slots=True)
class _Known:
    key: Key
    token_hash: str
    until: float


class Keys:
    """The keys of a database.

    Args:
        database: where they are.
        clock: seconds that never go back.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._read = Gather(self._rows, pace=0.0)
        self._noted: dict[str, float] = {}
        self._noting: set[asyncio.Task[None]] = set()

    async def create(
        self,
        producer: str,
        scopes: Iterable[str],
        kinds: Iterable[str] | None = None,
        topics: Iterable[str] | None = None,
        *,
        actor: str | None = None,
    ) -> tuple[Key, str]:
        """Make a key. Returns it and its token, which nobody can read anywhere from now on.

        The audit log says that the `actor` did it.

        Raises:
            BadRequest: `invalid_key_name`, `invalid_scope`, `invalid_kind` or `invalid_topic`.
        """
        if not is_name(producer) or producer != producer.strip() or producer.startswith(HOOKS):
            raise BadRequest(
                f"a key's name is 1 to {NAME_LIMIT} printable characters, no spaces around them, and not {HOOKS} first",
                code="invalid_key_name",
            )
        id = "".join(secrets.choice(_LETTERS) for _ in range(12))
        token = f"nk_{id}_{secrets.token_urlsafe(32)}"
        columns = {
            "id": id,
            "producer": producer,
            "scopes": _check_scopes(scopes),
            "kinds": None if kinds is None else _check_kinds(kinds),
            "topics": None if topics is None else sorted({check_topic(topic) for topic in topics}),
            "created_at": utcnow(),
        }

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(insert(ApiKey), {**columns, "token_hash": _hash(token)})
            await audit.record(connection, "key_made", actor=actor, key=id, producer=producer)

        await self._database.write(work)
        return _key({**columns, "last_used_at": None, "revoked_at": None}), token

    async def list(self) -> Sequence[Key]:
        """All keys, the revoked ones too, in the order in which they were made."""

        async def work(connection: AsyncConnection) -> Sequence[Key]:
            rows = await connection.execute(select(ApiKey.__table__).order_by(ApiKey.created_at, ApiKey.id))
            return [_key(row._mapping) for row in rows]

        return await self._database.read(work)

    async def revoke(self, id: str, *, actor: str | None = None) -> Key:
        """Make a key worthless: here at once, on every other worker within KNOWN_SECONDS.

        The audit log says that the `actor` did it.

        Raises:
            NotFound: `unknown_key`.
        """
        revoked = update(ApiKey).where(ApiKey.id == id).values(revoked_at=func.coalesce(ApiKey.revoked_at, utcnow()))

        async def work(connection: AsyncConnection) -> Key | None:
            row = (await connection.execute(revoked.returning(*ApiKey.__table__.c))).one_or_none()
            if row is None:
                return None
            await audit.record(connection, "key_revoked", actor=actor, key=id, producer=row.producer)
            return _key(row._mapping)

        key = await self._database.write(work) if _ID.fullmatch(id) else None
        self._known.pop(id, None)
        if key is None:
            raise NotFound(f"there is no key {id}; see: notifs key list", code="unknown_key")
        return key

    async def find(self, token: str) -> Key | None:
        """The key that this is the token of; None if there is none, or it was revoked.

        Raises:
            StoreUnavailable: nobody can say.
        """
        matched = _TOKEN.fullmatch(token)
        if matched is None:
            return None
        now, id = self._clock(), matched[1]
        known = self._known.get(id)
        if known is None or known.until <= now:
            known = await self._look_up(id, now)
        if known is None or not hmac.compare_digest(known.token_hash, _hash(token)) or known.key.revoked_at:
            return None
        self._note(id, now)
        return known.key

    async def drain(self) -> None:
        """Wait until it is written when keys were last used: before the database is closed."""
        await asyncio.gather(*self._noting)

    async def _look_up(self, id: str, now: float) -> _Known | None:
        self._known.pop(id, None)
        row = await self._read(id)
        if row is None:
            return None  # and not kept: anybody can think of ids
        known = self._known[id] = _Known(_key(row), row["token_hash"], now + KNOWN_SECONDS)
        return known

    async def _rows(self, ids: Sequence[str]) -> Sequence[Any]:
        async def work(connection: AsyncConnection) -> dict[str, Any]:
            rows = await connection.execute(select(ApiKey.__table__).where(among(connection, ApiKey.id, ids)))
            return {row.id: row._mapping for row in rows}

        found = await self._database.read(work)
        return [found.get(id) for id in ids]

    def _note(self, id: str, now: float) -> None:
        """See that the key's `last_used_at` is written, if it was not in the last minute; wait for nothing."""
        noted = self._noted.get(id)
        if noted is None or noted + NOTED_SECONDS <= now:
            self._noted[id] = now
            task = asyncio.get_running_loop().create_task(self._write_use(id))
            self._noting.add(task)
            task.add_done_callback(self._noting.discard)

    async def _write_use(self, id: str) -> None:
        now = utcnow()
        one = select(ApiKey.producer, ApiKey.last_used_at).where(ApiKey.id == id).with_for_update()

        async def work(connection: AsyncConnection) -> None:
            producer, used = (await connection.execute(one)).one()
            if used is not None and used > now - timedelta(seconds=NOTED_SECONDS):
                return  # another worker has noted it
            await connection.execute(update(ApiKey).where(ApiKey.id == id).values(last_used_at=now))
            if used is None or used.replace(minute=0, second=0, microsecond=0) + _HOUR <= now:
                await audit.record(connection, "key_used", actor=f"key:{id}", producer=producer)

        with suppress(NotifsError):  # who asks whether the key is good need not know
            await self._database.write(work)


def _hash(token: str) -> str:
    # A plain hash is enough: nobody finds 256 random bits by trying, so there is nothing that a slow hash or a key
    # of the server's would make harder.
    return hashlib.sha256(token.encode()).hexdigest()


def _key(row: Any) -> Key:
    kinds, topics = (None if row[name] is None else tuple(row[name]) for name in ("kinds", "topics"))
    moments = (row[name] for name in ("created_at", "last_used_at", "revoked_at"))
    return Key(row["id"], row["producer"], frozenset(row["scopes"]), kinds, topics, *moments)


def _check_scopes(scopes: Iterable[str]) -> Sequence[str]:
    wanted = set(scopes)
    if not wanted or not wanted <= set(SCOPES):
        raise BadRequest(f"a key has at least one of the scopes {', '.join(SCOPES)}", code="invalid_scope")
    return sorted(wanted)


def _check_kinds(kinds: Iterable[str]) -> Sequence[str]:
    wanted = sorted(set(kinds))
    if any(len(kind) > NAME_LIMIT or not _KIND.fullmatch(kind) for kind in wanted):
        raise BadRequest("a kind is like comment.posted, or comment.* for all that begin so", code="invalid_kind")
    return wanted
