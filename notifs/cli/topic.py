"""`notifs topic`: who follows what."""

from typing import Annotated

import typer

from notifs.cli.base import on_loop, stored

topic = typer.Typer(help="Topics and their followers.", no_args_is_help=True)

Topic = Annotated[str, typer.Argument(help="The topic's name, like releases or repo/7.")]
People = Annotated[list[str], typer.Argument(help="Email addresses or recipient ids.")]
PAGE = 1_000


@topic.command()
@on_loop
async def follow(topic: Topic, people: People) -> None:
    """Let people follow a topic; it is made if it is new."""
    async with stored() as store:
        recipients = await store.recipients.resolve(people, create=False)
        new = await store.topics.follow(topic, recipients)
        count = await store.topics.count(topic)
    typer.echo(f"{new} new follower{'' if new == 1 else 's'} of {topic}, {count} in all")


@topic.command()
@on_loop
async def unfollow(topic: Topic, people: People) -> None:
    """Let people follow a topic no more."""
    async with stored() as store:
        recipients = await store.recipients.resolve(people, create=False)
        gone = await store.topics.unfollow(topic, recipients)
        count = await store.topics.count(topic)
    typer.echo(f"{gone} follower{'' if gone == 1 else 's'} of {topic} less, {count} in all")


@topic.command("list")
@on_loop
async def list_() -> None:
    """List the topics, one a line."""
    async with stored() as store:
        after = ""
        while page := await store.topics.page(after, PAGE):
            typer.echo("\n".join(page))
            after = page[-1]


@topic.command()
@on_loop
async def followers(topic: Topic) -> None:
    """List who follows a topic, one recipient id a line."""
    async with stored() as store:
        after = ""
        while page := await store.topics.followers(topic, after, PAGE):
            typer.echo("\n".join(page))
            after = page[-1]
