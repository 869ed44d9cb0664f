"""In the recorded deliveries one person does everything; here each part is played by somebody else."""

import copy
from typing import Any

CAST = {
    "issue.user": "author",
    "issue.assignees": "assignee",
    "pull_request.user": "author",
    "pull_request.assignees": "assignee",
    "review.user": "reviewer",
    "repository.owner": "owner",
    "workflow_run.actor": "actor",
    "workflow_run.triggering_actor": "trigger",
}


def cast(payload: dict[str, Any]) -> dict[str, Any]:
    """The payload with people named by the part that they play; whoever has none is as recorded."""
    payload = copy.deepcopy(payload)
    for path, role in CAST.items():
        outer, inner = path.split(".")
        people = payload.get(outer, {}).get(inner)
        for person in people if isinstance(people, list) else [people]:
            if person is not None:
                person["login"] = role
    return payload
