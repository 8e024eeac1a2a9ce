"""Background jobs: what became of a call that the vendor took for later. Asked by path, never by the URL it gave."""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from ml_connector.connectors.http import Answer
from ml_connector.connectors.shapes import Created, Observed
from ml_connector.connectors.visma.client import VismaClient, last_segment, number_in
from ml_connector.connectors.visma.faults import fault
from ml_connector.errors import ConnectorError, UnknownOutcome

REMEMBERED = 5000  # releases under way; an older one is told apart by its document alone
POLLED = 10  # jobs asked about in one reading


def outcome_of(client: VismaClient, job_id: str) -> Created | None:
    """What the call behind a job made; None while it runs. Raises what the call itself would have raised."""
    state = client.job(job_id)
    if state is None:
        raise UnknownOutcome(f"Visma no longer knows the background job {job_id}.", record=job_id)
    if _runs(state):
        return None
    failed = failure_of(client, job_id, state)
    if failed is not None:
        raise failed
    headers = {str(name).lower(): str(value) for name, value in (state.get("responseHeaders") or {}).items()}
    number = _number(client, job_id, state, headers)
    if not number:
        raise UnknownOutcome(f"The background job {job_id} is done and names no document.", record=job_id)
    return Created(number, number, etag=headers.get("etag"), released=False)


def failure_of(client: VismaClient, job_id: str, state: Mapping[str, Any]) -> ConnectorError | None:
    """Our error when a finished job failed, with the words of its content; None when it succeeded."""
    status = state.get("statusCode") or 0
    if state.get("status") != "Failed" and status < 400:
        return None
    said = str(state.get("errorMessage") or "").encode()
    if not said and state.get("hasResponseContent"):
        content = client.job_content(job_id)
        said = b"" if content is None else content.body
    return fault(Answer(status or 500, {}, said), method="POST", where=f"background job {job_id}", record=job_id)


class Jobs:
    """Releases that the vendor took for later, so that a draft can tell whether its release runs or was refused."""

    def __init__(self, client: VismaClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._by_document: OrderedDict[str, str] = OrderedDict()

    def note(self, remote_id: str, job_id: str) -> None:
        """A release of this document runs as this job (an empty id: it was answered at once)."""
        with self._lock:
            self._by_document.pop(remote_id, None)
            if job_id:
                self._by_document[remote_id] = job_id
            while len(self._by_document) > REMEMBERED:
                self._by_document.popitem(last=False)

    def explained(self, found: dict[str, Observed]) -> dict[str, Observed]:
        """Drafts with a release under way become `pending`, refused ones tell why in `facts["release_refused"]`."""
        if not self._by_document:
            return found
        polled = 0
        for remote_id, seen in found.items():
            job_id = self._by_document.get(remote_id)
            if job_id is None:
                continue
            if seen.state != "draft":
                self.note(remote_id, "")
            elif polled < POLLED:
                polled += 1
                found[remote_id] = self._explained(seen, job_id)
            else:
                found[remote_id] = dataclasses.replace(seen, state="pending")
        return found

    def _explained(self, seen: Observed, job_id: str) -> Observed:
        state = self._client.job(job_id)
        if state is not None and _runs(state):
            return dataclasses.replace(seen, state="pending")
        self.note(seen.remote_id, "")
        if state is None:
            return seen
        failed = failure_of(self._client, job_id, state)
        if failed is None:  # finished after the document was read: the next reading tells
            return dataclasses.replace(seen, state="pending")
        return dataclasses.replace(seen, facts={**seen.facts, "release_refused": failed.what})


def _runs(state: Mapping[str, Any]) -> bool:
    """Anything that is neither finished nor failed is under way; other words than the documented ones may exist."""
    return state.get("status") not in ("Finished", "Failed")


def _number(client: VismaClient, job_id: str, state: Mapping[str, Any], headers: Mapping[str, str]) -> str:
    """The document's number: from Location, from the answer's body, or for an update from the URL that was called."""
    if headers.get("location"):
        return last_segment(headers["location"])
    if state.get("hasResponseContent"):
        content = client.job_content(job_id)
        body = _body(content)
        if number_in(body):
            return number_in(body)
    original = str(state.get("originalUri") or "")
    return last_segment(original) if state.get("statusCode") == 204 and "/action/" not in original else ""


def _body(content: Answer | None) -> Mapping[str, Any]:
    try:
        found = content.json() if content is not None and content.body.strip() else {}
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}
