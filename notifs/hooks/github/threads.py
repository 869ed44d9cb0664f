"""Issues, pull requests, discussions, and what people say in them."""

from dataclasses import dataclass

from notifs.errors import BadRequest
from notifs.hooks.github.payload import Event, Part, mentioned, who
from notifs.hooks.source import Notice, Retraction, Revision, Subject, Told


@dataclass(frozen=True)
class Thread:
    """An issue, a pull request or a discussion."""

    event: Event
    kind: str
    part: Part

    @classmethod
    def of(cls, event: Event, name: str, kind: str = "") -> "Thread":
        thread = cls(event, kind or name, event[name])
        if not thread.part["number"].number:
            raise BadRequest(f"{name}.number: a delivery says which one it is about")
        return thread

    @property
    def id(self) -> str:
        """`owner/name#12`."""
        return f"{self.event.repository}#{self.part['number'].number}"

    @property
    def subject(self) -> Subject:
        return f"github.{self.kind}", self.id

    @property
    def people(self) -> list[str]:
        """Whom it concerns: who began it, and who is to do it."""
        return [self.part["user"].login, *(each.login for each in self.part["assignees"])]

    @property
    def label(self) -> str:
        """What it is called in a title."""
        return self.labelled("")

    def labelled(self, how: str) -> str:
        """The same, with a word on what became of it: before the title, which may be long."""
        title = self.part["title"].text
        return f"{self.event.short}#{self.part['number'].number}{how}" + (f": {title}" if title else "")

    def told(
        self,
        title: str,
        *,
        names: list[str] | None = None,
        body: str = "",
        url: Part | None = None,
        topic: str | None = "",
    ) -> Notice:
        """Something about the thread itself, done by the sender."""
        by, event = self.event["sender"], self.event
        return event.notice(
            f"{who(by)} {title}",
            kind=self.kind,
            url=url or self.part["html_url"],
            by=by,
            body=body,
            names=self.people if names is None else names,
            topic=topic,
            group=self.id,
            subject=self.subject,
        )

    def said(self, title: str, comment: Part, kind: str, dedupe_key: str | None = None) -> Notice:
        """Something that was said in the thread."""
        by, body = comment["user"], comment["body"].text
        return self.event.notice(
            f"{who(by)} {title}",
            kind=kind,
            url=comment["html_url"],
            by=by,
            body=body,
            names=[*self.people, *mentioned(body)],
            group=self.id,
            subject=(f"github.{kind}", f"{self.event.repository}/{comment['id'].number}"),
            dedupe_key=dedupe_key,
        )


def issues(event: Event) -> Told:
    thread = Thread.of(event, "issue")
    match event.action:
        case "opened":
            body = thread.part["body"].text
            return thread.told(f"opened {thread.label}", names=[*thread.people, *mentioned(body)], body=body)
        case "closed":
            how = " as not planned" if thread.part["state_reason"].text == "not_planned" else ""
            return thread.told(f"closed {thread.labelled(how)}")
        case "reopened":
            return thread.told(f"reopened {thread.label}")
        case "assigned":
            return _assigned(thread)
        case "deleted":
            return Retraction(thread.subject)
    raise event.ignored()


def pull_request(event: Event) -> Told:
    thread = Thread.of(event, "pull_request")
    pull, body = thread.part, thread.part["body"].text
    match event.action:
        case "opened":
            draft = "the draft " if pull["draft"] else ""
            return thread.told(f"opened {draft}{thread.label}", names=[*thread.people, *mentioned(body)], body=body)
        case "closed":
            return thread.told(f"{'merged' if pull['merged'] else 'closed'} {thread.label}")
        case "reopened":
            return thread.told(f"reopened {thread.label}")
        case "assigned":
            return _assigned(thread)
        case "ready_for_review":
            asked = [*(each.login for each in pull["requested_reviewers"]), *map(event.team, pull["requested_teams"])]
            return thread.told(f"made {thread.labelled(' ready for review')}", names=asked, body=body)
        case "review_requested":
            asked = [event["requested_reviewer"].login, event.team(event["requested_team"])]
            return thread.told(f"asks for your review of {thread.label}", names=asked, body=body, topic=None)
    raise event.ignored()


def _assigned(thread: Thread) -> Notice:
    names = [thread.event["assignee"].login]
    return thread.told(f"assigned you to {thread.label}", names=names, topic=None)


def _comment(event: Event, notice: Notice) -> Told:
    """What a comment's life makes of its notification."""
    match event.action:
        case "created" | "submitted":
            return notice
        case "edited":
            return Revision(notice)
        case "deleted" if notice.subject:
            return Retraction(notice.subject)
    raise event.ignored()


def issue_comment(event: Event) -> Told:
    # GitHub calls a pull request an issue here, and says that it is one in a member of this name.
    thread = Thread.of(event, "issue", "pull_request" if event["issue"]["pull_request"] else "issue")
    return _comment(event, thread.said(f"commented on {thread.label}", event["comment"], "comment"))


def discussion_comment(event: Event) -> Told:
    thread = Thread.of(event, "discussion")
    return _comment(event, thread.said(f"commented on {thread.label}", event["comment"], "discussion_comment"))


def commit_comment(event: Event) -> Told:
    comment = event["comment"]
    by, commit, body = comment["user"], comment["commit_id"].text[:7], comment["body"].text
    notice = event.notice(
        f"{who(by)} commented on commit {commit} of {event.short}",
        kind="commit_comment",
        url=comment["html_url"],
        by=by,
        body=body,
        names=mentioned(body),
        group=f"{event.repository}@{commit}",
        subject=("github.commit_comment", f"{event.repository}/{comment['id'].number}"),
    )
    return _comment(event, notice)


REVIEWS = {"approved": "approved", "changes_requested": "asks for changes in", "commented": "reviewed"}


def pull_request_review(event: Event) -> Told:
    thread, review = Thread.of(event, "pull_request"), event["review"]
    if event.action == "dismissed":
        title, names = f"dismissed your review of {thread.label}", [review["user"].login]
        return thread.told(title, names=names, url=review["html_url"], topic=None)
    verb = REVIEWS.get(review["state"].text.lower(), "reviewed")
    return _comment(event, thread.said(f"{verb} {thread.label}", review, "review", _once(event, review["id"])))


def pull_request_review_comment(event: Event) -> Told:
    thread, comment = Thread.of(event, "pull_request"), event["comment"]
    title = f"commented on {comment['path'].text or 'a line'} in {thread.label}"
    once = _once(event, comment["pull_request_review_id"])
    return _comment(event, thread.said(title, comment, "review_comment", once))


def _once(event: Event, review: Part) -> str | None:
    """A review and each comment on a line in it come one by one: while it is unread it is one notification."""
    return f"github.review:{event.repository}/{review.number}" if review.number else None


def discussion(event: Event) -> Told:
    thread = Thread.of(event, "discussion")
    match event.action:
        case "created":
            body = thread.part["body"].text
            return thread.told(f"began the discussion {thread.label}", names=mentioned(body), body=body)
        case "answered":
            answer = event["answer"]
            names = [*thread.people, answer["user"].login]
            return thread.told(f"chose an answer to {thread.label}", names=names, body=answer["body"].text)
        case "closed" | "reopened":
            return thread.told(f"{event.action} {thread.label}")
        case "deleted":
            return Retraction(thread.subject)
    raise event.ignored()
