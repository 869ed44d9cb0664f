"""Topics, and who follows them."""

from notifs.api import answers, cursors
from notifs.api.asks import Follow, Paged
from notifs.api.call import Call
from notifs.api.fields import Name, TopicName
from notifs.api.operations import Refusal, operation
from notifs.api.people import INVALID_RECIPIENT, UNKNOWN_RECIPIENT, People
from notifs.errors import InvalidCursor
from notifs.store import Store

UNKNOWN_TOPIC = Refusal(404, "unknown_topic", "There is no such topic: nobody has ever followed it, or it was removed.")


class Topics:
    """`/topics`."""

    def __init__(self, store: Store, people: People) -> None:
        self._topics = store.topics
        self._people = people

    @operation("GET", "/topics", scope="read", answers={200: answers.TopicNames}, refusals=[InvalidCursor])
    async def topics(self, call: Call, query: Paged) -> answers.TopicNames:
        """List the topics, by name.

        A key that has topics of its own sees those.
        """
        rows = await self._topics.page(cursors.after(query.cursor), query.limit + 1, call.key.topics)
        items, next = cursors.page(rows, query.limit, str)
        return answers.TopicNames(items=list(items), next=next)

    @operation("GET", "/topics/{topic}", scope="read", answers={200: answers.Topic}, refusals=[UNKNOWN_TOPIC])
    async def topic(self, call: Call, topic: TopicName) -> answers.Topic:
        """Look at a topic: how many follow it."""
        call.check_topic(topic)
        return answers.Topic(name=topic, followers=await self._topics.count(topic))

    @operation("DELETE", "/topics/{topic}", scope="admin", answers={204: None}, refusals=[UNKNOWN_TOPIC])
    async def remove_topic(self, call: Call, topic: TopicName) -> None:
        """Remove a topic with all its followers.

        What was sent to it stays with them.
        """
        call.check_topic(topic)
        await self._topics.remove(topic)

    @operation(
        "GET", "/topics/{topic}/followers", scope="read", answers={200: answers.Followers},
        refusals=[UNKNOWN_TOPIC, InvalidCursor],
    )  # fmt: skip
    async def followers(self, call: Call, topic: TopicName, query: Paged) -> answers.Followers:
        """List who follows a topic, by recipient."""
        call.check_topic(topic)
        rows = await self._topics.followers(topic, cursors.after(query.cursor), query.limit + 1)
        items, next = cursors.page(rows, query.limit, str)
        return answers.Followers(items=list(items), next=next)

    @operation(
        "POST", "/topics/{topic}/followers", scope="send", answers={200: answers.Followed},
        refusals=[UNKNOWN_RECIPIENT, INVALID_RECIPIENT],
        links={name: {"topic": "$request.path.topic"} for name in ("topic", "followers", "remove_topic")},
    )  # fmt: skip
    async def change_followers(self, call: Call, topic: TopicName, body: Follow) -> answers.Followed:
        """Let recipients follow a topic, and others not any more.

        A topic is there from its first follower on.
        """
        call.check_topic(topic)
        added = await self._topics.follow(topic, await self._people.resolve(body.add)) if body.add else 0
        removed = await self._topics.unfollow(topic, await self._people.known(body.remove)) if body.remove else 0
        return answers.Followed(added=added, removed=removed)

    @operation(
        "PUT", "/topics/{topic}/followers/{recipient}", scope="send", answers={204: None},
        refusals=[UNKNOWN_RECIPIENT, INVALID_RECIPIENT],
        links={name: {"topic": "$request.path.topic"} for name in ("topic", "followers", "remove_topic")},
    )  # fmt: skip
    async def follow(self, call: Call, topic: TopicName, recipient: Name) -> None:
        """Let a recipient follow a topic."""
        call.check_topic(topic)
        await self._topics.follow(topic, await self._people.resolve([recipient]))

    @operation(
        "DELETE", "/topics/{topic}/followers/{recipient}", scope="send", answers={204: None},
        refusals=[INVALID_RECIPIENT],
    )  # fmt: skip
    async def unfollow(self, call: Call, topic: TopicName, recipient: Name) -> None:
        """Let a recipient follow a topic no more.

        Who does not follow it is no error.
        """
        call.check_topic(topic)
        await self._topics.unfollow(topic, await self._people.known([recipient]))
