"""Which endpoint answers which request: path, scope, query, and in which shape it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ml_connector_sandbox.basware import api_documents, api_pushes, api_records, api_status, network
from ml_connector_sandbox.basware.calls import Answer, Call
from ml_connector_sandbox.basware.resources import RESOURCES, Resource
from ml_connector_sandbox.core.wire import segments


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint. `family` is the service it belongs to; `bodied`: it takes a JSON body."""

    method: str
    path: str
    answer: Callable[[Call], Answer]
    scope: str
    query: tuple[str, ...] = ()
    family: str = "p2p"
    bodied: bool = False

    @property
    def name(self) -> str:
        """What it is counted as."""
        return f"{self.method} {self.path}"


def find(method: str, path: str) -> tuple[Route | None, dict[str, str], bool]:
    """The route with the values of its path; the flag says whether the path exists under another method."""
    parts = segments(path)
    exists = False
    for route in _BY_LENGTH.get(len(parts), ()):
        args = _match(segments(route.path), parts)
        if args is None:
            continue
        if route.method == method:
            return route, args, True
        exists = True
    return None, {}, exists


def _match(wanted: list[str], parts: list[str]) -> dict[str, str] | None:
    args: dict[str, str] = {}
    for name, part in zip(wanted, parts, strict=True):
        if name.startswith("{"):
            args[name[1:-1]] = part
        elif name != part:
            return None
    return args


def _of_resource(resource: Resource) -> list[Route]:
    base, one, name = resource.base, f"{resource.base}/{{externalCode}}", resource.name
    narrowed = ("orderExternalCode",) if name == "matchingOrderLines" else ("companyCode",)
    query = ("pageSize", "lastUpdated", *narrowed)
    return [
        Route("GET", base, partial(api_records.listing, resource=resource), f"{name}.read", query),
        Route("POST", base, partial(api_records.creating, resource=resource), f"{name}.write", bodied=True),
        Route("DELETE", base, partial(api_records.removing, resource=resource), f"{name}.delete", bodied=True),
        Route("GET", one, partial(api_records.reading, resource=resource), f"{name}.read"),
        Route("PATCH", one, partial(api_records.patching, resource=resource), f"{name}.write", bodied=True),
    ]


def _response(name: str) -> Route:
    answer = partial(api_documents.responding, name=name)
    return Route("POST", f"{_DOCUMENT}/{name}", answer, "accountingDocuments.write", bodied=True)


_DOCUMENTS = "/v1/accountingDocuments"
_DOCUMENT = f"{_DOCUMENTS}/{{invoiceId}}"
_LISTED = ("ProcessingStatus", "pageSize", "companyCode", "lastUpdated", "p2pProcessingMode")
_STATUS = ("companyCode", "invoiceNumber", "invoiceDate", "grossSum", "pageSize")
_SWEPT = ("status", "entityType", "ignoreSuccessfullItems", "system", "pageSize", "lastUpdated")
_ATTACHMENT = f"{_DOCUMENT}/attachments/{{attachmentExternalCode}}"
_ERRORS = "/v1/errorFeedbacks"
_ERRORS_OF_RECORD = f"{_ERRORS}/{{entityType}}/{{errorEntityExternalCode}}"
_KINDS = ("taskType", "taskSubType", "lastUpdated")
_TASKS = ("taskType", "taskStatus", "documentId", "lastUpdated")

ROUTES = (
    *(route for resource in RESOURCES for route in _of_resource(resource)),
    Route("GET", _DOCUMENTS, api_documents.listing, "accountingDocuments.read", _LISTED),
    Route("GET", f"{_DOCUMENTS}/status", api_documents.status, "accountingDocuments.read", _STATUS),
    Route("GET", _DOCUMENT, api_documents.reading, "accountingDocuments.read"),
    Route("POST", f"{_DOCUMENT}/acknowledge", api_documents.acknowledging, "accountingDocuments.write"),
    _response("transferResponses"),
    _response("prebookResponses"),
    _response("paymentResponses"),
    Route("GET", _ATTACHMENT, api_documents.attachment, "accountingDocuments.read"),
    Route("GET", "/v1/requestStatus", api_status.listing, "requestStatus.read", _SWEPT),
    Route("POST", "/v1/requestStatus/acknowledge", api_status.acknowledging, "requestStatus.write", bodied=True),
    Route(
        "GET", "/v1/requestStatus/{requestId}", api_status.reading, "requestStatus.read",
        ("system", "ignoreSuccessfulItems"),
    ),
    Route(
        "GET", _ERRORS, api_status.feedback_listing, "errorFeedbacks.read",
        ("targetSystem", "entityType", "pageSize", "lastUpdated"),
    ),
    Route("GET", f"{_ERRORS}/{{requestId}}", api_status.feedback_of_request, "errorFeedbacks.read", ("pageSize",)),
    Route("GET", _ERRORS_OF_RECORD, api_status.feedback_of_record, "errorFeedbacks.read"),
    Route("POST", "/v1/subscriptions", api_pushes.subscribing, "subscriptions.write", family="push", bodied=True),
    Route("GET", "/v1/subscriptions", api_pushes.listing, "subscriptions.read", _KINDS, "push"),
    Route("DELETE", "/v1/subscriptions", api_pushes.removing, "subscriptions.delete", _KINDS, "push"),
    Route("GET", "/v1/tasks", api_pushes.tasks, "tasks.read", _TASKS, "push"),
    Route("GET", "/v1/tasks/{taskId}", api_pushes.task, "tasks.read", family="push"),
    Route("POST", "/v2/smartpdf/invoiceUpload", network.announcing, "importDocuments.write", bodied=True),
    Route("POST", "/v1/invoices/{bumId}", network.sending, "", family="network", bodied=True),
)  # fmt: skip
_BY_LENGTH: dict[int, list[Route]] = {}
for _route in ROUTES:
    _BY_LENGTH.setdefault(len(segments(_route.path)), []).append(_route)
