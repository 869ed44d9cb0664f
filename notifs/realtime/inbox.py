"""The built-in client events, made with the same decorator as anybody's."""

from notifs import acts, wire
from notifs.realtime import messages
from notifs.realtime.handlers import Context, Handlers
from notifs.requests import Fetch, ReadAll, Refresh, Seen, Snooze, Sync, These
from notifs.store import Head, Page
from notifs.wire import Ack, Cursor

handlers = Handlers()


def _ack(ctx: Context, head: Head) -> Ack:
    return {
        "ok": True,
        "cursor": str(ctx.store.cursor(head)),
        "notif_count": head.unread,
        "unseen_count": head.unseen,
    }


def _done(ctx: Context, done: acts.Done) -> wire.Done:
    return {**_ack(ctx, done.head), "changed": done.changed}


@handlers.on("sync")
async def sync(ctx: Context, data: Sync) -> Ack:
    """Send what this client missed since its cursor, as a delta or as a snapshot."""
    return _ack(ctx, await ctx.catch_up(Cursor.parse(data.cursor)))


@handlers.on("fetch")
async def fetch(ctx: Context, data: Fetch) -> wire.Page:
    """Answer a page of one filter, in the ack itself."""
    page = await ctx.store.page(ctx.recipient, data.filter, search=data.search, before=data.before, limit=data.limit)
    fitting = messages.fitting(ctx.forms, page.entries)
    if len(fitting) < len(page.entries):
        page = Page(page.head, fitting, True)
    return ctx.forms.page(data.filter, page, data.before, data.search)


@handlers.on("mark_seen")
async def mark_seen(ctx: Context, data: Seen) -> wire.Done:
    """The person has looked at these, or at all up to a cursor: the bell need not call for them."""
    return _done(ctx, await ctx.acts.do(ctx.recipient, "seen", ids=data.uuids(), up_to=data.up_to))


@handlers.on("mark_read")
async def mark_read(ctx: Context, data: These) -> wire.Done:
    """Mark as read."""
    return _done(ctx, await ctx.acts.do(ctx.recipient, "read", ids=data.uuids(), at=data.at))


@handlers.on("mark_unread")
async def mark_unread(ctx: Context, data: These) -> wire.Done:
    """Mark as unread again."""
    return _done(ctx, await ctx.acts.do(ctx.recipient, "unread", ids=data.uuids(), at=data.at))


@handlers.on("mark_all_read")
async def mark_all_read(ctx: Context, data: ReadAll) -> wire.Done:
    """Mark everything as read that the person could see at the cursor `up_to`."""
    return _done(ctx, await ctx.acts.do(ctx.recipient, "read", up_to=data.up_to))


@handlers.on("archive")
async def archive(ctx: Context, data: These) -> wire.Done:
    """Put away: out of the inbox, into the archive."""
    return _done(ctx, await ctx.acts.do(ctx.recipient, "archive", ids=data.uuids(), at=data.at))


@handlers.on("unarchive")
async def unarchive(ctx: Context, data: These) -> wire.Done:
    """Take out of the archive, as read or unread as it was."""
    return _done(ctx, await ctx.acts.do(ctx.recipient, "unarchive", ids=data.uuids(), at=data.at))


@handlers.on("snooze")
async def snooze(ctx: Context, data: Snooze) -> wire.Done:
    """Put off until a moment: out of the inbox, then back in it as if they were new."""
    return _done(ctx, await ctx.acts.do(ctx.recipient, "snooze", ids=data.uuids(), at=data.at, until=data.until))


@handlers.on("unsnooze")
async def unsnooze(ctx: Context, data: These) -> wire.Done:
    """Bring back before that, as read or unread as it was."""
    return _done(ctx, await ctx.acts.do(ctx.recipient, "unsnooze", ids=data.uuids(), at=data.at))


@handlers.on("refresh")
async def refresh(ctx: Context, data: Refresh) -> dict[str, int]:
    """Go on with a fresh token, on a socket that came by one; answers for how many seconds that is good."""
    return {"expires_in": int(ctx.refresh(data.token))}
