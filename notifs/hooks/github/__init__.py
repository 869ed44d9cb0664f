"""The source `github`: deliveries of GitHub's webhooks."""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

import orjson

from notifs.errors import BadRequest, Forbidden, SettingsError
from notifs.hooks.github import repository, threads
from notifs.hooks.github.payload import Event, Part
from notifs.hooks.source import Hook, Ignored, Notice, Told

Rule = Callable[[Event], Told]

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "code_scanning_alert": repository.alert,
        "commit_comment": threads.commit_comment,
        "dependabot_alert": repository.alert,
        "deployment_status": repository.deployment_status,
        "discussion": threads.discussion,
        "discussion_comment": threads.discussion_comment,
        "fork": repository.fork,
        "issue_comment": threads.issue_comment,
        "issues": threads.issues,
        "member": repository.member,
        "pull_request": threads.pull_request,
        "pull_request_review": threads.pull_request_review,
        "pull_request_review_comment": threads.pull_request_review_comment,
        "push": repository.push,
        "release": repository.release,
        "repository_vulnerability_alert": repository.alert,
        "secret_scanning_alert": repository.alert,
        "star": repository.star,
        "workflow_run": repository.workflow_run,
    }
)
"""How to tell of an event."""

SILENT: Mapping[str, str] = MappingProxyType(
    {
        "check_run": "workflow_run tells how it ended",
        "check_suite": "workflow_run tells how it ended",
        "create": "push tells of it",
        "delete": "nothing is left to read",
        "deployment": "deployment_status tells how it ended",
        "label": "no news for a person",
        "page_build": "no news for a person",
        "ping": "pong",
        "status": "workflow_run tells how it ended",
        "watch": "star tells of it",
        "workflow_job": "workflow_run tells how it ended",
    }
)
"""Events that nobody wants to be told of, and why."""

_WORD = re.compile(r"[a-z][a-z_]{0,59}")
_DELIVERY = re.compile(r"[\x21-\x7e]{1,150}")


class GitHub:
    """Deliveries of GitHub's webhooks, signed with one of `secrets`: with the one typed in beside the payload URL.

    People are found by their login and teams as `organization/team`, through links of the system `github`; the topic
    of a repository is `github:owner/name`.

    Raises:
        SettingsError: there is no secret.
    """

    name = "github"

    def __init__(self, *secrets: str) -> None:
        if not all(secrets) or not secrets:
            raise SettingsError("GitHub needs a secret: without one anybody could send as GitHub")
        self._secrets = [secret.encode() for secret in secrets]

    async def verify(self, hook: Hook) -> None:
        """Check the HMAC over the very bytes of the body."""
        given = hook.headers.get("x-hub-signature-256", "").encode()
        right = [f"sha256={hmac.new(secret, hook.body, hashlib.sha256).hexdigest()}" for secret in self._secrets]
        if not any(hmac.compare_digest(given, each.encode()) for each in right):
            raise Forbidden(
                "X-Hub-Signature-256 does not fit the body; is the secret the same on GitHub?", code="bad_signature"
            )

    def parse(self, hook: Hook) -> list[Told]:
        """The notification that an event makes."""
        name, delivery = hook.headers.get("x-github-event", ""), hook.headers.get("x-github-delivery", "")
        if not _WORD.fullmatch(name):
            raise BadRequest("X-GitHub-Event: a delivery names its event")
        if not _DELIVERY.fullmatch(delivery):
            raise BadRequest("X-GitHub-Delivery: a delivery has an id")
        if name in SILENT:
            raise Ignored(f"{name}: {SILENT[name]}")
        told = _tell(Event(name, Part(_payload(hook))))
        return [replace(told, idempotency_key=delivery) if isinstance(told, Notice) else told]


def _tell(event: Event) -> Told:
    if not event["repository"] and event.name not in RULES:
        raise event.ignored("it is not about a repository, so nobody follows it")
    return RULES.get(event.name, _anything)(event.checked())


def _payload(hook: Hook) -> dict[str, Any]:
    body: bytes | str = hook.body
    if hook.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        body = _field(hook.body)
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest("the body is not JSON", code="bad_json") from None
    if not isinstance(payload, dict):
        raise BadRequest("the body is not a JSON object")
    return payload


def _field(body: bytes) -> str:
    """The payload of the content type that GitHub offers beside JSON."""
    try:
        return parse_qs(body.decode("ascii"), max_num_fields=10)["payload"][0]
    except (KeyError, ValueError):
        raise BadRequest("the form has no field `payload`", code="bad_json") from None


def _anything(event: Event) -> Told:
    """What is said of an event that no rule is for: those hear of it who follow the repository."""
    what = f"{event.name} {event.action}".replace("_", " ").strip()
    return event.notice(
        f"{event.sender or 'Somebody'}: {what} in {event.repository}",
        kind="event",
        url=event["repository"]["html_url"],
        by=event["sender"],
        priority="low",
    )
