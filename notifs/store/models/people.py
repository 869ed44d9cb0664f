"""The tables of people with an account here, of their sign-ins, and of what protects them."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column

from notifs.store.models.base import Base


class User(Base):
    """A person with an account here. A host app with its own users leaves this table empty."""

    __tablename__ = "notifs_users"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    password_hash: Mapped[str] = mapped_column(String(200))
    """Empty for who signs in by a provider alone."""
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]
    external_id: Mapped[str | None] = mapped_column(String(200), unique=True, index=True)
    """What the host calls this person: the recipient id then; else it is `id`."""
    admin: Mapped[bool] = mapped_column(server_default=false())


class Session(Base):
    """A sign-in. Only a keyed hash of the cookie is here: who reads this table cannot sign in with it."""

    __tablename__ = "notifs_sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("notifs_users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    id: Mapped[uuid.UUID | None]
    """To name it by. Those of the version before have none."""
    seen_at: Mapped[datetime | None]
    """When it was last used, to some minutes."""
    address: Mapped[str | None] = mapped_column(String(45))
    agent: Mapped[str | None] = mapped_column(String(200))
    """What its browser calls itself."""
    issuer: Mapped[str | None] = mapped_column(String(255))
    """The provider by whom its person has signed in; None for a password."""
    provider_session: Mapped[str | None] = mapped_column(String(255))
    """What the provider calls its own session, `sid`."""
    id_token: Mapped[str | None] = mapped_column(Text)
    """What tells the provider whom to sign out there."""

    __table_args__ = (
        Index("ix_notifs_sessions_id", "id", unique=True),
        Index(
            "ix_notifs_sessions_provider",
            "issuer",
            "provider_session",
            sqlite_where=text("issuer IS NOT NULL"),
            postgresql_where=text("issuer IS NOT NULL"),
        ),
    )


class Identity(Base):
    """Who an account is at a provider of OpenID Connect: the issuer's name for them, never their address."""

    __tablename__ = "notifs_identities"

    issuer: Mapped[str] = mapped_column(String(255), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("notifs_users.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str] = mapped_column(String(50))
    email: Mapped[str | None] = mapped_column(String(254))
    """What the provider last said of it: to be shown, not to be believed."""
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]


class Spent(Base):
    """What works once, and has: a state of a sign-in, a logout token."""

    __tablename__ = "notifs_spent"

    hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Count(Base):
    """How often something was tried in a window of time: by an account, or from a network. The key is a hash."""

    __tablename__ = "notifs_counts"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    window: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    count: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Audit(Base):
    """One line of the audit log. Ids are in the order of time."""

    __tablename__ = "notifs_audit"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    event: Mapped[str] = mapped_column(String(50))
    recipient: Mapped[str | None] = mapped_column(String(200))
    """Whom it is about; None where that is nobody we know."""
    actor: Mapped[str | None] = mapped_column(String(200))
    """Who did it, where it was somebody else: the recipient id of an admin, `key:ID`, or `cli`."""
    address: Mapped[str | None] = mapped_column(String(45))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)

    __table_args__ = (Index("ix_notifs_audit_recipient", "recipient", "id"),)
