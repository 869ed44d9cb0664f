"""The origin's pattern: Flask-SocketIO on gevent, SQLAlchemy and SQLite.

A notification is inserted and committed, the unread are counted, all of them are loaded and sent to the user's room.
"""

from gevent import monkey

monkey.patch_all()

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import humanize
from flask import Flask, abort, request, session, url_for
from flask_socketio import SocketIO, join_room
from sqlalchemy import ForeignKey, create_engine, event, func, insert, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    """The tables."""


class User(Base):
    """Somebody who can sign in."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)


class Notification(Base):
    """One user's notification."""

    __tablename__ = "notifications"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    title: Mapped[str]
    created_at: Mapped[datetime]
    is_read: Mapped[bool] = mapped_column(default=False, index=True)


app = Flask(__name__)
app.secret_key = "a key for benchmarks"
# With more load than it can take, it comes to reading pongs too late; that shall not end its sockets.
socketio = SocketIO(app, async_mode="gevent", ping_timeout=120)
engine = create_engine(f"sqlite:///{sys.argv[2]}")


@event.listens_for(engine, "connect")
def _durable(connection: Any, record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def seed(users: int, unread: int) -> None:
    """Users 1 to `users`, each with so many unread notifications."""
    Base.metadata.create_all(engine)
    before = datetime.now(UTC) - timedelta(minutes=3)
    with Session(engine) as database, database.begin():
        database.execute(insert(User), [{"id": n} for n in range(1, users + 1)])
        for n in range(1, users + 1):
            rows = [{"user_id": n, "title": f"old-{k}", "created_at": before, "is_read": False} for k in range(unread)]
            database.execute(insert(Notification), rows)


def standard_form(notification: Notification) -> dict[str, Any]:
    """What a browser shows of it."""
    age = datetime.now(UTC) - notification.created_at.replace(tzinfo=UTC)
    mark_read = url_for("mark_read", id=notification.id)
    return {"title": notification.title, "received_at": humanize.naturaltime(age), "mark_read": mark_read}


def push(database: Session, user_id: int, meta: str) -> None:
    """Count a user's unread notifications, load them, and send them to the room."""
    unread = (Notification.user_id == user_id, Notification.is_read.is_(False))
    count = database.scalar(select(func.count()).select_from(Notification).where(*unread))
    found = database.scalars(select(Notification).where(*unread).order_by(Notification.id.desc()))
    message = {"meta": meta, "notif_count": count, "notifs": [standard_form(each) for each in found]}
    socketio.emit("response", message, to=f"user_{user_id}")


def login() -> dict[str, Any]:
    """Sign in."""
    session["user_id"] = request.get_json()["user_id"]
    return {"ok": True}


def notify() -> tuple[dict[str, Any], int]:
    """Notify a user; whoever has signed in may."""
    asked = request.get_json()
    (user_id,) = asked["to"]
    with Session(engine) as database:
        if "user_id" not in session or database.get(User, session["user_id"]) is None:
            abort(401)
        made = Notification(user_id=user_id, title=asked["title"], created_at=datetime.now(UTC))
        database.add(made)
        database.commit()
        id = made.id
        push(database, user_id, "New notifications")
    return {"id": id}, 201


def mark_read(id: int) -> dict[str, Any]:
    """Mark a notification as read."""
    with Session(engine) as database, database.begin():
        mine = (Notification.id == id, Notification.user_id == session.get("user_id"))
        database.execute(update(Notification).where(*mine).values(is_read=True))
    return {"ok": True}


def joined(auth: Any = None) -> None:
    """A socket comes in: into the room of whoever has signed in."""
    if "user_id" not in session:
        abort(401)
    join_room(f"user_{session['user_id']}")
    with Session(engine) as database:
        push(database, session["user_id"], "Unread notifications")


def healthz() -> dict[str, Any]:
    """It serves."""
    return {"ok": True}


if __name__ == "__main__":
    app.add_url_rule("/login", view_func=login, methods=["POST"])
    app.add_url_rule("/notify", view_func=notify, methods=["POST"])
    app.add_url_rule("/mark-read/<int:id>", view_func=mark_read)
    app.add_url_rule("/healthz", view_func=healthz)
    socketio.on_event("connect", joined)
    seed(int(sys.argv[3]), int(sys.argv[4]))
    socketio.run(app, "127.0.0.1", int(sys.argv[1]), log_output=False)
