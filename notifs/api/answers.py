"""What producers get."""

from typing import Annotated, Any, Literal

from pydantic import Field

from notifs.api.asks import Subject
from notifs.api.fields import Id, Moment
from notifs.api.operations import Answer
from notifs.kinds import Priority


class Sent(Answer):
    """What became of a notification."""

    id: Id
    recipients: Annotated[int, Field(description="How many it goes to, as far as they are known now.")]
    job: Annotated[Id, Field(description="The job that sends it: it goes to many, or later.")] | None


class Problem(Answer):
    """What is wrong (RFC 9457). `code` is stable and meant for programs."""

    type: Annotated[str, Field(examples=["urn:notifs:error:not_found"])]
    title: str
    status: int
    detail: Annotated[str, Field(description="For people: what was wrong, and what to do.")]
    code: Annotated[str, Field(examples=["not_found"])]


class Fault(Answer):
    """What is wrong with one item."""

    code: str
    message: str


class Made(Answer):
    """An item that was accepted."""

    status: Literal[201, 202]
    id: Id
    recipients: int
    job: Id | None
    replayed: Annotated[bool, Field(description="It was sent by an earlier request with the same idempotency key.")]


class Refused(Answer):
    """An item that was not accepted; nothing of it was written."""

    status: Annotated[int, Field(ge=400, le=599)]
    error: Fault


class Results(Answer):
    """One answer per item, in the order of the items."""

    results: list[Made | Refused]


class Announced(Answer):
    """An announcement that was accepted."""

    id: Id


class Counts(Answer):
    """Copies: how many there are by now, and how many were seen, read and archived."""

    recipients: int
    seen: int
    read: int
    archived: int


class Listed(Answer):
    """A notification as its producer sees it."""

    id: Id
    producer: Annotated[str, Field(description="The name of the API key; empty for the application itself.")]
    kind: str
    title: str
    body: str
    url: str | None
    icon: str | None
    actor: dict[str, Any] | None
    actions: list[dict[str, Any]]
    priority: Priority
    group: str | None
    data: dict[str, Any]
    created_at: Moment
    send_at: Moment | None
    expires_at: Moment | None
    dedupe_key: str | None
    subject: Subject | None
    version: Annotated[int, Field(description="Counts the changes of its content.")]
    announced: Annotated[bool, Field(description="It is for everyone.")]
    job: Annotated[Id, Field(description="The job that is still sending it.")] | None


class Shown(Listed):
    """A notification, and what has become of its copies."""

    counts: Counts


class Listing(Answer):
    """Notifications, newest first."""

    items: list[Listed]
    next: str | None


class Receipt(Answer):
    """One recipient's copy."""

    recipient: str
    seen_at: Moment | None
    read_at: Moment | None
    archived_at: Moment | None


class Receipts(Answer):
    """Copies, by recipient."""

    items: list[Receipt]
    next: str | None


class Retracted(Answer):
    """How many notifications were taken back."""

    retracted: int


class TopicNames(Answer):
    """Topics, by name."""

    items: list[str]
    next: str | None


class Topic(Answer):
    """A topic, and how many follow it."""

    name: str
    followers: int


class Followers(Answer):
    """Recipients, by id."""

    items: list[str]
    next: str | None


class Followed(Answer):
    """How many follow now who did not, and the other way round."""

    added: int
    removed: int


class Mailbox(Answer):
    """A recipient, and what their mailbox counts."""

    id: str
    unread: int
    unseen: int


class Mailboxes(Answer):
    """Recipients, by id."""

    items: list[Mailbox]
    next: str | None


class LinkOf(Answer):
    """What a recipient is called in another system."""

    system: str
    name: str


class User(Mailbox):
    """A recipient with the topics that they follow, and their names elsewhere."""

    topics: list[str]
    links: list[LinkOf]


class Job(Answer):
    """How far a job is."""

    id: Id
    act: Literal["send", "update", "retract"]
    notification: Id
    total: Annotated[int, Field(description="Recipients, as far as they were known when it began.")]
    done: int
    due_at: Moment
    finished_at: Moment | None


class AuditLine(Answer):
    """What happened."""

    id: Id
    at: Moment
    event: Annotated[str, Field(examples=["signed_in"])]
    recipient: Annotated[str, Field(description="Whom it is about.")] | None
    actor: (
        Annotated[str, Field(description="Who did it, if not they: an admin's recipient id, `key:ID` or `cli`.")] | None
    )
    address: Annotated[str, Field(description="From where.")] | None
    detail: dict[str, Any]


class AuditLog(Answer):
    """Lines of the audit log, newest first."""

    items: list[AuditLine]
    next: str | None
