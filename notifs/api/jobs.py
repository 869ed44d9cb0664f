"""Jobs: how far the sending to many, or later, is."""

from dataclasses import asdict
from uuid import UUID

from notifs.api import answers
from notifs.api.call import Call
from notifs.api.fields import Id
from notifs.api.operations import Reply, operation
from notifs.errors import NotFound
from notifs.store import Store


class Jobs:
    """`/jobs`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation(
        "GET", "/jobs/{id}", scope="read", answers={200: answers.Job}, sent=("If-None-Match",), given=("ETag",),
        links={"notification": {"id": "$response.body#/notification"}},
    )  # fmt: skip
    async def job(self, call: Call, id: Id) -> Reply:
        """Look how far a job is."""
        job = await self._store.jobs.one(id)
        if job is None:
            raise NotFound("there is no such job")
        if call.producer is not None:
            one = await self._store.sent.bare(UUID(job.notification))
            if one is None or one.producer != call.producer:
                raise NotFound("there is no such job")
        return Reply(answers.Job(**asdict(job)), 200, {"etag": f'"{job.done}-{job.finished_at is not None}"'})
