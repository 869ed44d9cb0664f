"""What happens in a repository beside its threads: code, releases, runs, alerts, and who comes and goes."""

from notifs.hooks.github.payload import Event, Part, mentioned, who
from notifs.hooks.source import Retraction, Revision, Told
from notifs.kinds import Priority

ENDED: dict[str, tuple[str, Priority]] = {
    "failure": ("failed", "high"),
    "timed_out": ("timed out", "high"),
    "startup_failure": ("could not start", "high"),
    "action_required": ("waits for approval", "normal"),
    "success": ("passed", "low"),
}
"""Conclusions of a run that one wants to know of: what is said, and how loudly."""
COMMITS = 10
"""Commits of a push that are listed."""


ALERTS = "/alerts"
"""Who may see code may not be meant to see its weak spots: those have a topic of their own."""


def push(event: Event) -> Told:
    by, ref = event["sender"], event["ref"].text
    kind, _, name = ref.removeprefix("refs/").partition("/")
    commits = list(event["commits"])
    if event["deleted"]:
        raise event.ignored(f"{name} was deleted")
    if kind == "tags":
        title, commits = f"{who(by)} pushed the tag {name} to {event.repository}", [event["head_commit"]]
    elif not commits:
        raise event.ignored("no commits")
    else:
        count = f"{len(commits)} commit{'s' if len(commits) > 1 else ''}"
        title = f"{who(by)} {'force-' if event['forced'] else ''}pushed {count} to {name} of {event.repository}"
    lines = [_first_line(commit["message"]) for commit in commits]
    more = [f"and {len(lines) - COMMITS} more"] if len(lines) > COMMITS else []
    return event.notice(
        title,
        kind="push",
        url=event["compare"],
        by=by,
        body="\n".join([*lines[:COMMITS], *more]),
        priority="low",
        group=f"{event.repository}@{name}",
    )


def release(event: Event) -> Told:
    release = event["release"]
    by, tag, name = release["author"], release["tag_name"].text, release["name"].text
    subject = ("github.release", f"{event.repository}/{release['id'].number}")
    pre = "the pre-release " if release["prerelease"] else ""
    notice = event.notice(
        f"{who(by)} released {pre}{event.short} {tag}" + (f": {name}" if name and name != tag else ""),
        kind="release",
        url=release["html_url"],
        by=by,
        body=release["body"].text,
        names=mentioned(release["body"].text),
        subject=subject,
    )
    match event.action:
        case "published":
            return notice
        case "edited":
            return Revision(notice)
        case "deleted" | "unpublished":
            return Retraction(subject)
    raise event.ignored("it is told when it is published")


def star(event: Event) -> Told:
    by = event["sender"]
    subject = ("github.star", f"{event.repository}/{by.login}")
    match event.action:
        case "created":
            return event.notice(
                f"{who(by)} starred {event.repository}",
                kind="star",
                url=by["html_url"],
                by=by,
                names=[event.owner],
                topic=None,
                priority="low",
                subject=subject,
            )
        case "deleted":
            return Retraction(subject)
    raise event.ignored()


def fork(event: Event) -> Told:
    return event.notice(
        f"{who(event['sender'])} forked {event.repository}",
        kind="fork",
        url=event["forkee"]["html_url"],
        by=event["sender"],
        names=[event.owner],
        topic=None,
        priority="low",
    )


def member(event: Event) -> Told:
    if event.action != "added":
        raise event.ignored()
    return event.notice(
        f"{who(event['sender'])} added you to {event.repository}",
        kind="member",
        url=event["repository"]["html_url"],
        by=event["sender"],
        names=[event["member"].login],
        topic=None,
    )


def workflow_run(event: Event) -> Told:
    run = event["workflow_run"]
    conclusion, branch = run["conclusion"].text, run["head_branch"].text
    if event.action != "completed" or not conclusion:
        raise event.ignored("it has not ended")
    if conclusion not in ENDED:
        raise event.ignored(f"it was {conclusion}")
    by = run["triggering_actor"] if run["triggering_actor"].login else run["actor"]
    ended, priority = ENDED[conclusion]
    return event.notice(
        f"{event['workflow']['name'].text or run['name'].text or 'A workflow'} {ended} on {branch} of {event.short}",
        kind="workflow_run",
        url=run["html_url"],
        by=by,
        body=run["display_title"].text or _first_line(run["head_commit"]["message"]),
        names=[by.login, run["actor"].login],
        # A red main branch concerns everybody; any other run those who have caused it, though they are the sender.
        topic="" if priority == "high" and branch == event["repository"]["default_branch"].text else None,
        own=True,
        priority=priority,
        group=f"{event.repository}@{branch}",
        subject=("github.workflow_run", f"{event.repository}/{run['id'].number}"),
    )


def deployment_status(event: Event) -> Told:
    status, deployment = event["deployment_status"], event["deployment"]
    if status["state"].text not in ("failure", "error"):
        raise event.ignored(f"its state is {status['state'].text or 'unknown'}")
    where = status["environment"].text or deployment["environment"].text or "an environment"
    url = next((status[name] for name in ("log_url", "target_url") if status[name].text), Part(None))
    return event.notice(
        f"Deploying {event.short} to {where} failed",
        kind="deployment_status",
        url=url,
        by=deployment["creator"],
        body=status["description"].text,
        names=[deployment["creator"].login],
        own=True,
        priority="high",
        group=f"{event.repository}@{where}",
    )


def alert(event: Event) -> Told:
    """Dependabot's alerts, the older ones of vulnerabilities, and those of the two scanners."""
    alert = event["alert"]
    subject = (f"github.{event.name}", f"{event.repository}/{alert['number'].number}")
    match event.action:
        case "create" | "created" | "reintroduced" | "reopened" | "auto_reopened" | "publicly_leaked":
            severity = (alert["security_advisory"]["severity"].text or alert["severity"].text).lower()
            return event.notice(
                _hazard(event, alert) + (f" ({severity})" if severity else ""),
                kind="alert",
                url=alert["html_url"],
                by=event["sender"],
                body=alert["security_advisory"]["summary"].text,
                names=[event.owner],
                topic=ALERTS,
                own=True,
                priority="urgent" if severity == "critical" else "high",
                subject=subject,
            )
        case "fixed" | "dismissed" | "auto_dismissed" | "resolve" | "resolved" | "dismiss" | "closed_by_user":
            return Retraction(subject)
    raise event.ignored()


def _hazard(event: Event, alert: Part) -> str:
    """What was found, and where."""
    if event.name == "secret_scanning_alert":
        secret = alert["secret_type_display_name"].text or alert["secret_type"].text or "of an unknown type"
        return f"A secret was committed to {event.repository}: {secret}"
    if event.name == "code_scanning_alert":
        return f"A weak spot in the code of {event.repository}: {alert['rule']['description'].text or 'see the alert'}"
    package = alert["dependency"]["package"]["name"].text or alert["affected_package_name"].text or "A package"
    return f"{package} is vulnerable in {event.repository}"


def _first_line(message: Part) -> str:
    return message.text.strip().partition("\n")[0]
