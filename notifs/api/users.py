"""Recipients by their ids: what their mailboxes count, what they follow, and what they are called elsewhere."""

from dataclasses import asdict

from notifs.api import answers, cursors
from notifs.api.asks import Paged
from notifs.api.call import Call
from notifs.api.fields import LinkName, Name, System
from notifs.api.operations import Refusal, Reply, operation
from notifs.api.people import INVALID_RECIPIENT
from notifs.errors import InvalidCursor, NotFound
from notifs.store import Store

INVALID_LINK = Refusal(422, "invalid_link", "The name there is 1 to 200 printable characters without spaces.")
HERE = {"id": "$request.path.id"}


class Users:
    """`/users`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation("GET", "/users", scope="read", answers={200: answers.Mailboxes}, refusals=[InvalidCursor])
    async def users(self, call: Call, query: Paged) -> answers.Mailboxes:
        """List the recipients who have a mailbox, by id."""
        rows = await self._store.recipients.page(cursors.after(query.cursor), query.limit + 1)
        items, next = cursors.page(rows, query.limit, lambda one: one.id)
        return answers.Mailboxes(
            items=[answers.Mailbox(id=one.id, unread=one.unread, unseen=one.unseen) for one in items], next=next
        )

    @operation("GET", "/users/{id}", scope="read", answers={200: answers.User})
    async def user(self, call: Call, id: Name) -> answers.User:
        """Look at a recipient.

        A key that has topics of its own sees those.
        """
        return await self._user(call, id)

    @operation(
        "PUT", "/users/{id}", scope="admin", answers={200: answers.User, 201: answers.User},
        refusals=[INVALID_RECIPIENT], links={"user": HERE},
    )  # fmt: skip
    async def put_user(self, call: Call, id: Name) -> Reply:
        """See that there is a recipient: make an empty mailbox, if there is none.

        It has no body. 201: it is new.
        """
        new = await self._store.recipients.put(id)
        return Reply(await self._user(call, id), 201 if new else 200)

    @operation("GET", "/users/{id}/links/{system}/{name}", scope="read", answers={200: answers.LinkOf})
    async def link(self, call: Call, id: Name, system: System, name: LinkName) -> answers.LinkOf:
        """Look whether a recipient has this name in another system."""
        if (system, name.lower()) not in await self._store.links.of(id):
            raise NotFound("this recipient has no such name there")
        return answers.LinkOf(system=system, name=name.lower())

    @operation(
        "PUT", "/users/{id}/links/{system}/{name}", scope="admin",
        answers={200: answers.LinkOf, 201: answers.LinkOf},
        refusals=[NotFound, INVALID_LINK],
        links={n: {p: f"$request.path.{p}" for p in ("id", "system", "name")} for n in ("link", "unlink")},
    )  # fmt: skip
    async def put_link(self, call: Call, id: Name, system: System, name: LinkName) -> Reply:
        """Let a name in another system, a login on GitHub, say, stand for a recipient.

        It has no body. 201: it is new. A name may stand for several recipients: a team does.
        """
        await self._user(call, id)
        new = await self._store.links.link(system, name, id)
        return Reply(answers.LinkOf(system=system, name=name.lower()), 201 if new else 200)

    @operation(
        "DELETE", "/users/{id}/links/{system}/{name}", scope="admin", answers={204: None},
        refusals=[NotFound, INVALID_LINK, INVALID_RECIPIENT],
    )  # fmt: skip
    async def unlink(self, call: Call, id: Name, system: System, name: LinkName) -> None:
        """Let a name in another system stand for a recipient no more."""
        if not await self._store.links.unlink(system, name, id):
            raise NotFound("this recipient has no such name there")

    async def _user(self, call: Call, id: str) -> answers.User:
        one = await self._store.recipients.one(id)
        if one is None:
            raise NotFound("there is no recipient of this id; the address of an account is none")
        topics = [topic for topic in await self._store.topics.of(id) if call.key.may_topic(topic)]
        links = [answers.LinkOf(system=system, name=name) for system, name in await self._store.links.of(id)]
        counts = {name: value for name, value in asdict(one).items() if name != "revision"}
        return answers.User(**counts, topics=topics, links=links)
