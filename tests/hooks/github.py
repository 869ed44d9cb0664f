"""GitHub's deliveries: recorded ones, and others as its documentation has them."""

import copy
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from notifs.hooks import GitHub, Hook, Ignored, Notice, Told

SECRET = "It's a Secret to Everybody"

# GitHub's published webhook examples, without addresses of its API and other members that nobody reads.
RECORDED: list[dict[str, Any]] = json.loads((Path(__file__).parent / "deliveries.json").read_text())


def user(login: str) -> dict[str, Any]:
    return {
        "login": login,
        "id": 1,
        "type": "User",
        "avatar_url": f"https://avatars.githubusercontent.com/{login}",
        "html_url": f"https://github.com/{login}",
    }


REPOSITORY = {
    "name": "engine",
    "full_name": "analytical/engine",
    "html_url": "https://github.com/analytical/engine",
    "default_branch": "main",
    "owner": user("charles"),
}
WEB = REPOSITORY["html_url"]
ISSUE = {
    "number": 12,
    "title": "The mill jams",
    "html_url": f"{WEB}/issues/12",
    "body": "Since the <!-- template --> rain, @grace.",
    "user": user("mary"),
    "assignees": [user("ada")],
}
PULL = {
    "number": 13,
    "title": "Oil the mill",
    "html_url": f"{WEB}/pull/13",
    "body": "Fixes #12. @analytical/millers, look.",
    "user": user("ada"),
    "assignees": [],
    "requested_reviewers": [user("grace")],
    "requested_teams": [{"slug": "millers"}],
    "draft": False,
    "merged": False,
}
DISCUSSION = {
    "number": 14,
    "title": "Steam or sails?",
    "html_url": f"{WEB}/discussions/14",
    "body": "What do you think, @ada?",
    "user": user("mary"),
}


def comment(body: str, **more: Any) -> dict[str, Any]:
    return {"id": 99, "html_url": f"{WEB}/issues/12#issuecomment-99", "body": body, "user": user("grace"), **more}


def event(action: str | None, sender: str = "grace", **more: Any) -> dict[str, Any]:
    action_ = {"action": action} if action else {}
    return copy.deepcopy({**action_, "repository": REPOSITORY, "sender": user(sender), **more})


def run(conclusion: str | None, branch: str = "main") -> dict[str, Any]:
    return {
        "workflow": {"name": "Tests"},
        "workflow_run": {
            "id": 77,
            "name": "tests.yml",
            "conclusion": conclusion,
            "head_branch": branch,
            "html_url": f"{WEB}/actions/runs/77",
            "display_title": "Oil the mill",
            "actor": user("ada"),
            "triggering_actor": user("grace"),
        },
    }


def push(*messages: str, ref: str = "refs/heads/main", **more: Any) -> dict[str, Any]:
    commits = [{"id": "c0ffee", "message": message} for message in messages]
    return event(None, ref=ref, commits=commits, compare=f"{WEB}/compare/a...b", deleted=False, **more)


def review(state: str, body: str | None) -> dict[str, Any]:
    return {"id": 55, "state": state, "body": body, "user": user("grace"), "html_url": f"{WEB}/pull/13#review-55"}


DEPENDABOT = {
    "number": 3,
    "html_url": f"{WEB}/security/dependabot/3",
    "dependency": {"package": {"name": "cogs"}},
    "security_advisory": {"summary": "Cogs may slip", "severity": "critical"},
}
FAILED_DEPLOYMENT: dict[str, Any] = {
    "deployment_status": {"state": "failure", "environment": "production", "log_url": f"{WEB}/actions/runs/78"},
    "deployment": {"creator": user("ada"), "environment": "production"},
}

DOCUMENTED: list[tuple[str, dict[str, Any]]] = [
    ("issues", event("opened", "mary", issue=ISSUE)),
    ("issues", event("closed", issue={**ISSUE, "state_reason": "not_planned"})),
    ("issues", event("reopened", issue=ISSUE)),
    ("issues", event("assigned", issue=ISSUE, assignee=user("ada"))),
    ("issues", event("deleted", issue=ISSUE)),
    ("pull_request", event("opened", "ada", pull_request={**PULL, "draft": True})),
    ("pull_request", event("closed", pull_request={**PULL, "merged": True})),
    ("pull_request", event("assigned", pull_request=PULL, assignee=user("mary"))),
    ("pull_request", event("ready_for_review", "ada", pull_request=PULL)),
    ("pull_request", event("review_requested", "ada", pull_request=PULL, requested_reviewer=user("grace"))),
    ("pull_request", event("review_requested", "ada", pull_request=PULL, requested_team={"slug": "millers"})),
    ("pull_request_review", event("submitted", pull_request=PULL, review=review("approved", "Well oiled."))),
    ("pull_request_review", event("submitted", pull_request=PULL, review=review("changes_requested", "More oil."))),
    (
        "pull_request_review_comment",
        event("created", pull_request=PULL, comment=comment("Here?", path="mill.py", pull_request_review_id=55)),
    ),
    ("commit_comment", event("created", comment=comment("Nice, @mary.", commit_id="0123456789abcdef"))),
    ("discussion", event("created", "mary", discussion=DISCUSSION)),
    ("discussion", event("answered", "mary", discussion=DISCUSSION, answer=comment("Steam."))),
    ("discussion_comment", event("created", discussion=DISCUSSION, comment=comment("Sails."))),
    ("issue_comment", event("created", issue=ISSUE, comment=comment("`@ada` @grace @MARY"))),
    ("issue_comment", event("created", issue={**ISSUE, "pull_request": {"url": "u"}}, comment=comment("@bob"))),
    ("push", push("Oil\n\nthe mill", "Turn it")),
    ("push", push(*(f"Turn {n}" for n in range(12)), forced=True)),
    ("workflow_run", event("completed", **run("failure"))),
    ("workflow_run", event("completed", **run("failure", branch="oil"))),
    ("workflow_run", event("completed", **run("success"))),
    ("workflow_run", event("completed", **run("skipped"))),
    ("fork", event(None, forkee={"html_url": "https://github.com/grace/engine"})),
    ("member", event("added", "charles", member=user("mary"))),
    ("dependabot_alert", event("created", "github", alert=DEPENDABOT)),
    ("dependabot_alert", event("fixed", "github", alert=DEPENDABOT)),
    (
        "repository_vulnerability_alert",
        event("create", "github", alert={"number": 3, "affected_package_name": "cogs", "severity": "moderate"}),
    ),
    ("secret_scanning_alert", event("created", "github", alert={"number": 4, "secret_type_display_name": "a key"})),
    ("code_scanning_alert", event("created", alert={"number": 5, "rule": {"description": "Unsafe lever"}})),
    ("deployment_status", event("created", **FAILED_DEPLOYMENT)),
    ("deployment_status", event("created", deployment_status={"state": "success"}, deployment={})),
    ("milestone", event("created", milestone={"title": "First turn"})),
    ("organization", {"action": "member_added", "organization": user("analytical"), "sender": user("ada")}),
    ("check_run", event("completed")),
    ("issues", event("labeled", issue=ISSUE)),
]


def hook(name: str, body: bytes, *, delivery: str = "d-1", secret: str = SECRET, **headers: str) -> Hook:
    """A delivery as GitHub sends it."""
    return Hook(
        {
            "Content-Type": "application/json",
            "X-GitHub-Event": name,
            "X-GitHub-Delivery": delivery,
            "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
            **{key.replace("_", "-"): value for key, value in headers.items()},
        },
        body,
    )


def parse(name: str, payload: Any) -> Told:
    """What is told of a payload.

    Raises:
        Ignored: nothing.
    """
    (told,) = GitHub(SECRET).parse(hook(name, json.dumps(payload).encode()))
    return told


def whom(notice: Notice) -> list[str]:
    """Who gets it, followers of the repository, or of its alerts, by one word."""
    named = [name for name in notice.names if name not in notice.exclude]
    return [*named, *("alerts" if topic.endswith("/alerts") else "followers" for topic in notice.topics)]


def outcome(name: str, payload: Any) -> list[str]:
    """What is told of a payload, as a row of a table: to whom, how loudly, the title, the kind, and where it leads."""
    try:
        told = parse(name, payload)
    except Ignored as ignored:
        return ["", "", f"ignored: {ignored}", "", ""]
    match told:
        case Notice():
            url = (told.url or "").removeprefix("https://github.com/")
            return [", ".join(whom(told)), told.priority, told.title, told.kind, url]
        case _ if hasattr(told, "notice"):
            return ["who was told", "", f"updated: {told.notice.title}", "", ""]
        case _:
            return ["who was told", "", f"retracted: {' '.join(told.subject)}", "", ""]
