"""The built-in client events, made with the same decorator as anybody's."""

from notifs.realtime import messages
from notifs.realtime.handlers import Context, Handlers
from notifs.requests import Fetch, Ids, ReadAll, Refresh, Seen, Sync
from notifs.store import Head, Page
from notifs.wire import Ack, Cursor
from notifs.wire import Page as PageMessage

handlers = Handlers()


def _ack(ctx: Context, head: Head) -> Ack:
    return {
        "ok": True,
        "cursor": str(ctx.store.cursor(head)),
        "notif_count": head.unread,
        "unseen_count": head.unseen,
    }


@handlers.on("sync")
async def sync(ctx: Context, data: Sync) -> Ack:
    """Send what this client missed since its cursor, as a delta or as a snapshot."""
    return _ack(ctx, await ctx.catch_up(Cursor.parse(data.cursor)))


@handlers.on("fetch")
async def fetch(ctx: Context, data: Fetch) -> PageMessage:
    """Answer a page of one filter, in the ack itself."""
    page = await ctx.store.page(ctx.recipient, data.filter, before=data.before, limit=data.limit)
    fitting = messages.fitting(ctx.forms, page.entries)
    page = Page(page.head, fitting, page.more or len(fitting) < len(page.entries))
    return ctx.forms.page(data.filter, page, data.before)


@handlers.on("mark_seen")
async def mark_seen(ctx: Context, data: Seen) -> Ack:
    """The person has looked at these, or at all up to a cursor: the bell need not call for them."""
    return _ack(ctx, await ctx.acts.do(ctx.recipient, "seen", ids=data.uuids(), up_to=data.up_to))


@handlers.on("mark_read")
async def mark_read(ctx: Context, data: Ids) -> Ack:
    """Mark as read."""
    return _ack(ctx, await ctx.acts.do(ctx.recipient, "read", ids=data.uuids()))


@handlers.on("mark_unread")
async def mark_unread(ctx: Context, data: Ids) -> Ack:
    """Mark as unread again."""
    return _ack(ctx, await ctx.acts.do(ctx.recipient, "unread", ids=data.uuids()))


@handlers.on("mark_all_read")
async def mark_all_read(ctx: Context, data: ReadAll) -> Ack:
    """Mark everything as read that the person could see at the cursor `up_to`."""
    return _ack(ctx, await ctx.acts.do(ctx.recipient, "read", up_to=data.up_to))


@handlers.on("archive")
async def archive(ctx: Context, data: Ids) -> Ack:
    """Put away: out of the inbox, into the archive."""
    return _ack(ctx, await ctx.acts.do(ctx.recipient, "archive", ids=data.uuids()))


@handlers.on("unarchive")
async def unarchive(ctx: Context, data: Ids) -> Ack:
    """Take out of the archive, as read or unread as it was."""
    return _ack(ctx, await ctx.acts.do(ctx.recipient, "unarchive", ids=data.uuids()))


@handlers.on("refresh")
async def refresh(ctx: Context, data: Refresh) -> dict[str, int]:
    """Go on with a fresh token, on a socket that came by one; answers for how many seconds that is good."""
    return {"expires_in": int(ctx.refresh(data.token))}
