"""accountingDocuments: listings and single ones by redirect, acknowledge, responses, attachments, status."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation

from ml_connector_sandbox.basware import documents, refusals, worker
from ml_connector_sandbox.basware.calls import TOKEN, Answer, Call, choice, page_size, paged, since, token_header
from ml_connector_sandbox.basware.documents import Document
from ml_connector_sandbox.basware.fields import faults, tidy
from ml_connector_sandbox.basware.refusals import Fault, Json, Refused, bad, doubled
from ml_connector_sandbox.basware.shapes_orders import PAYMENT, PREBOOK, TRANSFER
from ml_connector_sandbox.basware.state import Item, Kept, World
from ml_connector_sandbox.basware.times import is_date
from ml_connector_sandbox.core.instants import DAY, SECOND
from ml_connector_sandbox.core.wire import Request, Response

STORE = "/bw-store/"
_PAGE = 100
_SHAPES = {"transferResponses": TRANSFER, "prebookResponses": PREBOOK, "paymentResponses": PAYMENT}
_ROUGH = {"Transferred": "ReadyForPayment", "Paid": "Paid", "Removed": "Rejected", "Returned": "Rejected"}


def listing(call: Call) -> Answer:
    """`GET /v1/accountingDocuments`."""
    status = choice(call, "ProcessingStatus", documents.STATES)
    mode = choice(call, "p2pProcessingMode", ("Standard", "InvoiceEnrichment")) or "Standard"
    size, after, company = page_size(call, _PAGE, _PAGE), since(call), call.query.get("companyCode")
    kept = call.tenant.documents

    def found() -> list[str]:
        wanted = [
            document
            for document in kept.values()
            if status in (None, document.status) and company in (None, "", document.content["companyCode"])
            and document.updated > after and mode == document.content.get("p2pProcessingMode", "Standard")
        ]  # fmt: skip
        return [document.id for document in sorted(wanted, key=lambda d: (d.updated, d.id))]

    keys, token = paged(call, found, size, weigh=lambda key: _weight(kept[key]), most=call.world.knobs.rows_per_page)
    return _sent(call, {"accountingDocuments": [kept[key].content for key in keys]}, token)


def reading(call: Call) -> Answer:
    """`GET /v1/accountingDocuments/{invoiceId}`: a list of one."""
    return _sent(call, {"accountingDocuments": [_document(call).content]}, "")


def acknowledging(call: Call) -> Answer:
    """`POST .../acknowledge`."""
    documents.acknowledge(call.world, call.tenant, _document(call), call.now)
    return Answer("Acknowledged")


def responding(call: Call, name: str) -> Answer:
    """`POST .../transferResponses`, `prebookResponses`, `paymentResponses`: one object."""
    document = _document(call)
    found = faults(call.body, _SHAPES[name])
    if found:
        told = [Fault(refusals.SCHEMA, text) for text in found]
        raise Refused(400, *told, mute=name != "transferResponses")
    body = tidy(call.body, _SHAPES[name])
    again = documents.note_response(document, name, body, call.now)
    item = Item(body["externalCode"], 0, body, document.id, again)
    entity = name[0].upper() + name[1:-1]
    worker.queue(call, entity, "V1", "POST", "documents", [item])
    return Answer(body)


def attachment(call: Call) -> Answer:
    """`GET .../attachments/{attachmentExternalCode}`: after the transfer, where the tenant has it switched on."""
    document = _document(call)
    codes = [row["externalCode"] for row in document.content.get("attachments") or []]
    done = document.status in ("Transferred", "Paid")
    if not call.world.knobs.attachments or not done or call.args["attachmentExternalCode"] not in codes:
        raise Refused(404)
    return _redirect(call, document.pdf, "application/pdf", "")


def status(call: Call) -> Answer:
    """`GET /v1/accountingDocuments/status`: a bare array; 404 until Basware has switched it on."""
    for name in ("companyCode", "invoiceNumber", "invoiceDate"):
        if not call.query.get(name):
            raise bad(refusals.PARAMETER, f"{name} is required.")
    if not is_date(call.query["invoiceDate"]):
        raise bad(refusals.PARAMETER, "invoiceDate must be a date.")
    page_size(call, 500, 500)
    gross = _amount(call.query.get("grossSum"))
    rows = [_rough(d) for d in call.tenant.documents.values() if _asked_for(d, call.query, gross)]
    if not call.world.knobs.document_status or not rows:
        raise Refused(404)
    return Answer(rows)


def stored(world: World, request: Request, now: int) -> Response:
    """`GET` of a pre-signed address: not with Authorization, not under another host, not after its life."""
    kept = world.kept.get(request.path.removeprefix(STORE))
    if kept is None or kept.bum_id:
        raise Refused(404)
    check_signed(kept, request, now)
    return Response(200, kept.body, (("Content-Type", kept.content_type), *kept.headers))


def check_signed(kept: Kept, request: Request, now: int) -> None:
    """What a file store asks of a pre-signed address."""
    if "authorization" in request.headers:
        raise Refused(400, Fault("InvalidArgument", "Only one auth mechanism allowed."))
    if request.host != kept.host:
        raise Refused(403, Fault("SignatureDoesNotMatch", "The Host is not the one that was signed."))
    if now >= kept.expires:
        raise Refused(403, Fault("AccessDenied", "Request has expired"))


def signed_address(call: Call, kept: Kept, place: str = STORE) -> str:
    """Keep something behind a new address on this very host."""
    key = call.world.mint.secret(48)
    everything = call.world.kept
    while everything and everything[oldest := next(iter(everything))].expires + DAY < call.now:
        del everything[oldest]  # long expired: a server that runs for weeks must not keep every listing
    everything[key] = kept
    life = call.world.knobs.link_life_s
    signature = call.world.mint.hexadecimal(64)
    home = f"{call.world.knobs.scheme}://{call.request.host}"
    return f"{home}{place}{key}?X-Amz-Expires={life}&X-Amz-Signature={signature}"


def _sent(call: Call, content: Json, token: str) -> Answer:
    if call.world.knobs.redirects == "never":
        return Answer(content, headers=token_header(token))
    body = json.dumps(doubled(content), ensure_ascii=False, separators=(",", ":")).encode()
    return _redirect(call, body, "application/json; charset=utf-8", token)


def _redirect(call: Call, body: bytes, content_type: str, token: str) -> Answer:
    early = call.world.knobs.token_on == "redirect"
    headers = () if early or not token else ((TOKEN, token),)
    expires = call.now + call.world.knobs.link_life_s * SECOND
    kept = Kept(call.tenant.id, call.request.host, expires, body, content_type, headers)
    location = ("Location", signed_address(call, kept))
    return Answer(None, 302, (location, *(token_header(token) if early else ())))


def _document(call: Call) -> Document:
    document = call.tenant.documents.get(call.args["invoiceId"])
    if document is None:
        raise Refused(404)
    return document


def _weight(document: Document) -> int:
    return len(document.content.get("codingRows") or [])


def _amount(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        raise bad(refusals.PARAMETER, "grossSum must be a number.") from None


def _asked_for(document: Document, query: dict[str, str], gross: Decimal | None) -> bool:
    content = document.content
    return (
        content["companyCode"] == query["companyCode"]
        and content.get("invoiceNumber") == query["invoiceNumber"]
        and (content.get("invoiceDate") or "")[:10] == query["invoiceDate"][:10]
        and gross in (None, content.get("grossSum"))
    )


def _rough(document: Document) -> Json:
    content = document.content
    return {
        "invoiceId": document.id, "status": _ROUGH.get(document.status, "InApprovalProcess"),
        "processingStatus": document.status, "disputeInfo": {"isDisputed": False},
        "lastUpdated": content["lastUpdated"],
    }  # fmt: skip
