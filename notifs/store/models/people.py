"""The tables of people with an account here, and of their sign-ins."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from notifs.store.models.base import Base


class User(Base):
    """A person with an account here. A host app with its own users leaves this table empty."""

    __tablename__ = "notifs_users"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    external_id: Mapped[str | None] = mapped_column(String(200), unique=True, index=True)
    """What the host calls this person: the recipient id then; else it is `id`."""


class Session(Base):
    """A sign-in. Only a keyed hash of the cookie is here: who reads this table cannot sign in with it."""

    __tablename__ = "notifs_sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("notifs_users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
