"""The background API: a call is put aside, answered with a job id, executed later, and told of for a day."""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from ml_connector_sandbox.core.wire import Response
from ml_connector_sandbox.visma.call import Call, Route, as_json, ok
from ml_connector_sandbox.visma.company import Company
from ml_connector_sandbox.visma.refusal import not_found

KEPT = timedelta(hours=24)

Executor = Callable[[Call, Route, bool], Response]


@dataclass(slots=True)
class Job:
    """One call that runs in the background; `response` is None until it has run."""

    id: str
    call: Call
    route: Route
    webhook: str
    background: bool
    received: datetime
    due: datetime
    finished: datetime | None = None
    response: Response | None = None


class Jobs:
    """All background jobs of the installation, run in the order they fall due."""

    def __init__(self, execute: Executor) -> None:
        self._execute = execute
        self._queue: list[tuple[datetime, int, Job]] = []
        self._jobs: dict[str, Job] = {}
        self._ticket = 0

    def accept(self, call: Call, route: Route, webhook: str | None) -> Response:
        """Put a call aside; 202 with its job id. `webhook` is the background header, None when it was not sent."""
        company = call.company
        due = call.at + timedelta(seconds=company.preferences.job_seconds)
        job = Job(company.guid(), call, route, webhook or "none", webhook is not None, call.at, due)
        self._jobs[job.id] = job
        self._ticket += 1
        heapq.heappush(self._queue, (due, self._ticket, job))
        self._forget(call.at)
        state = call.url(f"/v1/background/{job.id}")
        self.run_due(call.at)
        answer = as_json({"id": job.id, "stateLocation": state})
        return Response(202, answer, (("Content-Type", "application/json; charset=utf-8"), ("Location", state)))

    def run_due(self, at: datetime) -> None:
        """Run every job whose moment has come, at that moment."""
        while self._queue and self._queue[0][0] <= at:
            due, _, job = heapq.heappop(self._queue)
            job.call.at, job.call.now = due, job.call.company.local(due)
            job.response = self._execute(job.call, job.route, job.background)
            job.finished = due
            if job.webhook.startswith("subscription"):
                job.call.company.tell("BACKGROUND_API_RESPONSE", "backgroundApi", job.id)

    def _forget(self, at: datetime) -> None:
        for job_id, job in list(islice(self._jobs.items(), 2)):  # the oldest; two for each new one keeps up
            if at - job.received > KEPT and job.finished is not None:
                del self._jobs[job_id]

    def find(self, company: Company, job_id: str, at: datetime) -> Job:
        """A job of this company. Raises a 404 Refusal for an unknown, foreign or day-old one."""
        job = self._jobs.get(job_id)
        if job is None or job.call.company is not company or at - job.received > KEPT:
            raise not_found("Background request", job_id)
        return job


def routes() -> list[Route]:
    """The two reads."""
    return [
        Route("GET", "/v1/background/{requestId}", _state),
        Route("GET", "/v1/background/{requestId}/content", _content),
    ]


def _state(call: Call) -> Response:
    job = call.vendor.jobs.find(call.company, call.values["requestId"], call.at)
    response = job.response
    failed = response is not None and response.status >= 400
    content_location = call.url(f"/v1/background/{job.id}/content")
    return ok(
        {
            "id": job.id,
            "status": "Started" if response is None else "Failed" if failed else "Finished",
            "statusCode": 0 if response is None else response.status,
            "receivedUtc": _utc(job.received),
            "startedUtc": _utc(job.received),
            "finishedUtc": _utc(job.finished) if job.finished else None,
            "webhookAddress": job.webhook,
            "errorMessage": _message(response) if response is not None and failed else "",
            "reference": "",
            "originalUri": job.call.url(job.call.request.path),
            "hasResponseContent": bool(response and response.body),
            "hasRequestContent": bool(job.call.request.body),
            "contentLocation": content_location if response and response.body else None,
            "responseHeaders": dict(response.headers) if response else {},
        }
    )


def _content(call: Call) -> Response:
    job = call.vendor.jobs.find(call.company, call.values["requestId"], call.at)
    if job.response is None or not job.response.body:
        raise not_found("Content of background request", job.id)
    kind = dict(job.response.headers).get("Content-Type", "application/json")
    return Response(200, job.response.body, (("Content-Type", kind),))


def _message(response: Response) -> str:
    try:
        content = json.loads(response.body or b"{}")
    except ValueError:
        return response.body.decode("utf-8", "replace")
    return str(content.get("message") or content.get("Message") or content.get("ExceptionMessage") or "")


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
