"""`notifs topic`: who follows what."""

from typing import Annotated

import typer

from notifs.cli.base import existing, on_loop

topic = typer.Typer(help="Topics and their followers.", no_args_is_help=True)

Topic = Annotated[str, typer.Argument(help="The topic's name, like releases or repo/7.")]
People = Annotated[list[str], typer.Argument(help="Email addresses or recipient ids.")]
PAGE = 1_000


@topic.command()
@on_loop
async def follow(topic: Topic, people: People) -> None:
    """Let people follow a topic; it is made if it is new."""
    from notifs.app import Notifs

    async with Notifs(existing()).open() as notifs:
        recipients = await notifs.store.recipients.resolve(people, create=False)
        new = await notifs.store.topics.follow(topic, recipients)
        count = await notifs.store.topics.count(topic)
    typer.echo(f"{new} new follower{'' if new == 1 else 's'} of {topic}, {count} in all")


@topic.command()
@on_loop
async def unfollow(topic: Topic, people: People) -> None:
    """Let people follow a topic no more."""
    from notifs.app import Notifs

    async with Notifs(existing()).open() as notifs:
        recipients = await notifs.store.recipients.resolve(people, create=False)
        gone = await notifs.store.topics.unfollow(topic, recipients)
        count = await notifs.store.topics.count(topic)
    typer.echo(f"{gone} follower{'' if gone == 1 else 's'} of {topic} less, {count} in all")


@topic.command("list")
@on_loop
async def list_() -> None:
    """List the topics, one a line."""
    from notifs.app import Notifs

    async with Notifs(existing()).open() as notifs:
        after = ""
        while page := await notifs.store.topics.page(after, PAGE):
            typer.echo("\n".join(page))
            after = page[-1]


@topic.command()
@on_loop
async def followers(topic: Topic) -> None:
    """List who follows a topic, one recipient id a line."""
    from notifs.app import Notifs

    async with Notifs(existing()).open() as notifs:
        after = ""
        while page := await notifs.store.topics.followers(topic, after, PAGE):
            typer.echo("\n".join(page))
            after = page[-1]
