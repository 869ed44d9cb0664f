"""Wiring: `Notifs`, which lives in any Starlette or FastAPI app."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Self, Unpack

import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount

from notifs.acts import Acts
from notifs.api.people import People
from notifs.api.producers import NOUNS, Producers
from notifs.api.rates import Rates
from notifs.drafting import AnnounceOptions, Changes, Options
from notifs.errors import Restarting
from notifs.forms import Forms
from notifs.hooks import GitHub, Source
from notifs.hooks.deliveries import Deliveries
from notifs.hooks.plain import Plain
from notifs.identity import Identify
from notifs.jobs import Runner
from notifs.kinds import Kind, Kinds
from notifs.limits import Limits
from notifs.metrics import Metrics
from notifs.notifier import Doors, Notifier
from notifs.origins import Origins
from notifs.outbound import Outbound
from notifs.realtime import Handlers, Realtime
from notifs.settings import Settings
from notifs.signals import Signals
from notifs.signing import Signer
from notifs.store import Progress, Store, schema
from notifs.store.database import Database
from notifs.store.people import By
from notifs.web.api import InboxApi
from notifs.web.gallery import Gallery
from notifs.web.hooks import HookApi
from notifs.web.middleware import BoundedBody, Errors, Hosts, SafeHeaders, SameOrigin
from notifs.web.own import OwnAccounts
from notifs.web.pages import Pages
from notifs.web.render import Assets, Render
from notifs.web.sessions import Sessions
from notifs.wire import Notification

if TYPE_CHECKING:
    from notifs.tokens import Tokens

log = structlog.get_logger("notifs")
PATIENCE = 0.2
"""Seconds between two looks at a job that others are doing."""


class Notifs:
    """Notifications for one application.

        notifs = Notifs(kinds=[CommentPosted], identify=my_identify)
        app = FastAPI(lifespan=notifs.lifespan)
        notifs.mount(app)

    Args:
        settings: from the environment unless given.
        kinds: what may be sent, beside plain `notify(title=...)`.
        handlers: client events of the host's own.
        sources: whose webhooks are taken in, beside `plain` and, with a secret in the settings, `github`.
        identify: who is this connection? Without it, accounts and sign-in are those of notifs itself.
        path: where it is mounted in the host; links and sockets are below it.
        login_url: where the host signs people in; who is not is sent there.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        kinds: Iterable[type[Kind]] = (),
        handlers: Iterable[Handlers] = (),
        sources: Iterable[Source] = (),
        identify: Identify | None = None,
        path: str = "",
        login_url: str | None = None,
    ) -> None:
        self.settings = settings = settings or Settings.load()
        self.path = path.rstrip("/")
        self.signals = Signals()
        self.metrics = Metrics()
        self._signer = Signer(settings.secret_keys)
        self.store = Store(Database(settings.database_url, pool=settings.database_pool))
        self.outbound = Outbound(
            self.store.webhooks,
            self.signals,
            settings.secret_keys,
            networks=settings.webhook_networks,
        )
        self.kinds = Kinds(kinds)
        self._forms = Forms(self.store.cursor, self.path, settings.image_hosts)
        self._origins = Origins(settings.origins)
        self._sessions = Sessions(
            self.store.database,
            self._signer,
            days=settings.session_days,
            idle_hours=settings.session_idle_hours,
            secure=settings.production,
        )
        self._rates = Rates(settings.api_requests_per_minute, settings.redis_url)
        self._limits = Limits(self.store.counts, self.store.audit, settings)
        self._accounts = identify is None
        self._tokens = _tokens(settings)
        identify = identify or self._sessions.identify
        self._identify = self._tokens.beside(identify) if self._tokens else identify
        login = f"{self.path}/login/" if self._accounts else login_url or ""
        transport = "socket" if settings.sockets else "http"
        self._render = Render(base=self.path, login_url=login, transport=transport, image_hosts=settings.image_hosts)
        self._wire_up(handlers)
        self._deliveries = Deliveries([*self._sources(), *sources], self.store, self.notifier)

    def _wire_up(self, handlers: Iterable[Handlers]) -> None:
        self.realtime = Realtime(
            self.settings,
            self.store,
            self._forms,
            self.signals,
            self.metrics,
            self._limits,
            self._tokens.verify if self._tokens else None,
            live_sessions=self._sessions.live if self._accounts else None,
        )
        push = self.realtime.push
        self._jobs = Runner(
            self.store,
            self.signals,
            here=push.here,
            changed=push.changed,
            moved=push.moved,
            look=push.others_look_soon,
        )
        self.acts = Acts(self.store, self.signals, changed=push.changed, snoozed=self._jobs.nudge)
        doors = Doors(push.changed, push.moved, push.announced, self._jobs.nudge)
        self.notifier = Notifier(self.store, self.kinds, self.signals, self._forms, doors)
        self.realtime.open_doors(handlers, self.notifier, self.acts)
        self._pages = Pages(self.store, self.acts, self._forms, self._identify, self._render)
        self._own = OwnAccounts(
            self.settings,
            self.store,
            self._sessions,
            self._signer,
            self._limits,
            self._origins,
            self._render,
            self.signals,
            end_session=self.realtime.end_session,
            end_recipient=self.realtime.end_recipient,
        )

    async def notify(
        self,
        event: Kind | None = None,
        /,
        *,
        to: str | Iterable[str] = (),
        session: AsyncSession | None = None,
        **options: Unpack[Options],
    ) -> str:
        """Notify one recipient or many; see `Notifier.notify`."""
        return (await self.notifier.send(event, to=to, session=session, **options)).id

    async def announce(
        self,
        event: Kind | None = None,
        /,
        *,
        session: AsyncSession | None = None,
        **options: Unpack[AnnounceOptions],
    ) -> str:
        """Notify everyone, at the cost of one row; see `Notifier.announce`."""
        return await self.notifier.announce(event, session=session, **options)

    async def update(self, id: str, /, *, session: AsyncSession | None = None, **changes: Unpack[Changes]) -> None:
        """Change a notification in place, on every screen; see `Notifier.update`."""
        await self.notifier.update(id, session=session, **changes)

    async def retract(
        self,
        id: str | None = None,
        /,
        *,
        subject: tuple[str, str] | None = None,
        session: AsyncSession | None = None,
    ) -> int:
        """Take back a notification, or all about a subject, from everyone; see `Notifier.retract`."""
        return await self.notifier.retract(id, subject=subject, session=session)

    async def follow(self, recipient: str, topic: str) -> None:
        """Let a recipient get what is sent to a topic from now on."""
        await self.store.topics.follow(topic, [recipient])

    async def unfollow(self, recipient: str, topic: str) -> None:
        """The opposite; who does not follow it is no error."""
        await self.store.topics.unfollow(topic, [recipient])

    async def progress(self, id: str) -> Progress | None:
        """How far the sending of a notification is, by its id; None if all had it at once."""
        return await self.notifier.progress(id)

    async def finish(self, id: str) -> AsyncIterator[Progress]:
        """Do what is left of a notification's job here, beside the servers, and tell how far it is: for scripts."""
        while (progress := await self.progress(id)) is not None:
            yield progress
            if progress.finished_at is not None:
                return
            if not await self._jobs.once():
                await asyncio.sleep(PATIENCE)

    async def get_unread_notifs(self, recipient: str, reverse: bool = False) -> list[Notification]:
        """All unread notifications of a recipient in the standard form."""
        return await self.notifier.get_unread_notifs(recipient, reverse)

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A transaction on notifs' own database, to give to `notify(session=)` together with changes of your own."""
        return self.store.database.session()

    async def disconnect(self, recipient: str) -> None:
        """End every socket of a recipient, on every worker; those who may come back, do."""
        await self.realtime.end_recipient(recipient)

    async def reset_link(self, recipient: str, origin: str = "", **by: Unpack[By]) -> str:
        """A link by which a person with an account here can set their password, once, within an hour.

        Whoever has it can sign in as them: give it to nobody else.

        Args:
            recipient: their recipient id.
            origin: of the site, like `https://example.org`; else it is the first of `NOTIFS_ORIGINS`.
            by: who makes it, `actor` and `address`, for the audit log.

        Raises:
            NotFound: `unknown_recipient`; who is disabled has none either.
            BadRequest: `no_origin`.
        """
        return await self._own.reset_link(recipient, origin, **by)

    async def drain(self) -> None:
        """Wait until what was committed is pushed and every listener has been told: for tests and shutdown."""
        await self.realtime.drain()
        await self.signals.drain()

    async def ready(self) -> dict[str, Any]:
        """What `/readyz` says of this worker: `bus` tells whether it hears the other workers.

        Raises:
            Restarting: it was told to stop.
            StoreUnavailable: the store does not answer.
        """
        if self.realtime.stopping:
            raise Restarting("this worker is about to stop")
        await self.store.ping()
        return {"ok": True, "bus": self.realtime.hints.state}

    async def retire(self) -> None:
        """Say for a moment that this worker is not ready, then let every socket go: before the server is stopped.

        `create_app` does it on SIGTERM. From then on no socket is let in; HTTP is answered as before.
        """
        self.realtime.stopping = True
        await asyncio.sleep(self.settings.drain_seconds)
        await self.realtime.release()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Self]:
        """Read the store and check its schema, without serving: for commands and scripts.

        In development, a SQLite file without our tables gets them.

        Raises:
            SchemaError: migrations are pending; the message says what to run.
        """
        database = self.store.database
        try:
            await schema.prepare(database, make=not self.settings.production and self.settings.sqlite_path is not None)
            await self.store.open()
            yield self
            await self.drain()
        finally:
            await self.realtime.hints.close()
            await self.store.keys.drain()
            await self._sessions.drain()
            await self._rates.close()
            await self._limits.close()
            await database.close()

    @asynccontextmanager
    async def lifespan(self, app: Any = None) -> AsyncIterator[None]:
        """Give this to the application, `lifespan=notifs.lifespan`, or enter it in the application's own."""
        async with self.open():
            if self._tokens:
                self._tokens.start()
            if self.settings.sockets:
                self.realtime.start()
            self._jobs.start()
            self.outbound.start()
            try:
                yield
            finally:
                await self._jobs.close()
                await self.outbound.close()
                await self.realtime.close()
                if self._tokens:
                    await self._tokens.close()

    def mount(self, app: Any) -> None:
        """Add the routes to a Starlette or FastAPI application, under its own middleware and session."""
        app.router.routes.extend(self.routes(self.middleware()))

    def middleware(self, *, hsts: bool = False) -> list[Middleware]:
        """What keeps a route safe: headers, errors in words, bounded bodies, same-origin writes.

        Args:
            hsts: whether browsers are told to come by HTTPS alone, for years, to this host and all below it. In a host
                application that is not ours to say.
        """
        keyed = [f"{self.path}/hooks", *(f"{self.path}/api/v1/{noun}" for noun in NOUNS)]
        keyed += [f"{self.path}/login/{provider}/backchannel" for provider in self.settings.providers]
        return [
            Middleware(SafeHeaders, hsts=hsts, image_hosts=self.settings.image_hosts),
            Middleware(Errors, page=self._pages.error, programs=keyed),
            Middleware(Hosts, origins=self._origins),
            Middleware(BoundedBody),
            Middleware(SameOrigin, origins=self._origins, keyed=keyed),
        ]

    def routes(self, safe: Sequence[Middleware] = (), *, gallery: bool = False) -> list[BaseRoute]:
        """The routes of notifs, each wrapped in `safe`; `gallery`: in development that one too."""
        api = InboxApi(self.store, self.acts, self._forms, self._identify)
        routes: list[BaseRoute] = [
            *self._pages.routes(f"{self.path}/notifications", safe),
            *api.routes(f"{self.path}/api/v1/inbox", safe),
            *self._producers().routes(safe),
            *HookApi(self._deliveries, self._limits).routes(f"{self.path}/hooks", safe),
            Mount(f"{self.path}/notifs/static", Assets(self.path), middleware=safe),
        ]
        if self.settings.sockets:
            guard = self.realtime.guard(self._identify, self._origins)
            # The first one: after a restart everybody connects, and each route before it is tried for each of them.
            routes.insert(0, Mount(f"{self.path}/socket.io", guard, middleware=safe))
        if self._accounts:
            routes += self._own.routes(safe)
        if gallery and not self.settings.production:
            routes += Gallery(self._render).routes(self.path, safe)
        return routes

    def _sources(self) -> Iterator[Source]:
        yield Plain(self.store.keys, self._rates.take)
        if secrets := self.settings.github_secrets:
            yield GitHub(*secrets)

    def _producers(self) -> Producers:
        people = People(self.store, ours=self._accounts, create=self.settings.create_users)
        return Producers(self.store, self.notifier, self.kinds, people, self._rates, self._limits, self._render)


def _tokens(settings: Settings) -> "Tokens | None":
    if not settings.tokens:
        return None
    # Here, as it loads libraries that nobody else needs.
    from notifs.tokens import Tokens  # noqa: PLC0415

    return Tokens.of(settings)
