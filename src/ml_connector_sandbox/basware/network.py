"""The ways into Basware: an e-invoice by the Network API, an image by SmartPDF. Both become documents in approval."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from ml_connector_sandbox.basware import invoicing, refusals
from ml_connector_sandbox.basware.api_documents import check_signed, signed_address
from ml_connector_sandbox.basware.calls import Answer, Call
from ml_connector_sandbox.basware.fields import faults
from ml_connector_sandbox.basware.oauth import digest
from ml_connector_sandbox.basware.refusals import Fault, Json, Refused, bad
from ml_connector_sandbox.basware.shapes_network import INVOICE, UPLOAD
from ml_connector_sandbox.basware.state import Company, Kept, Tenant, World
from ml_connector_sandbox.core.instants import SECOND
from ml_connector_sandbox.core.wire import Request, Response

UPLOADS = "/bw-upload/"
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(slots=True)
class Parcel:
    """Something sent in: by which way, its content or image, and the document it became ("" so far, or never)."""

    bum_id: str
    via: str
    received: int
    content: Json
    image: bytes = b""
    document_id: str = ""
    trouble: str = ""  # why it never became a document


def sending(call: Call) -> Answer:
    """`POST /v1/invoices/{bumId}`: once per clientToken, however often it is sent."""
    bum_id, headers = call.args["bumId"], call.request.headers
    if not _UUID.fullmatch(bum_id):
        raise bad(refusals.SCHEMA, "bumId must be a UUID.", "bumId")
    if not _UUID.fullmatch(headers.get("x-bw-request-id", "")):
        raise bad(refusals.PARAMETER, "X-BW-REQUEST-ID must be a UUID.", "X-BW-REQUEST-ID")
    found = faults(call.body, INVOICE)
    if found:
        raise Refused(400, *(Fault(refusals.SCHEMA, text, text.partition(":")[0]) for text in found))
    token, mark = call.body["clientToken"], (bum_id, digest(call.body))
    if not _UUID.fullmatch(token):
        raise bad(refusals.SCHEMA, "clientToken must be a UUID.", "clientToken")
    known = call.world.client_tokens.setdefault((call.tenant.id, token), mark)
    if known != mark:
        raise bad(refusals.INVALID, "clientToken was used for another invoice.", "clientToken")
    if bum_id in call.tenant.parcels and call.tenant.parcels[bum_id].content["clientToken"] != token:
        del call.world.client_tokens[call.tenant.id, token]
        raise bad(refusals.INVALID, "bumId was used for another invoice.", "bumId")
    if call.body.get("fileRefs"):
        raise bad(refusals.INVALID, "fileRefs: no such file was stored.", "fileRefs")
    if bum_id not in call.tenant.parcels:
        parcel = Parcel(bum_id, "network", call.now, call.body)
        call.tenant.parcels[bum_id] = parcel
        _deliver_later(call.world, call.tenant, parcel)
    return Answer({"bumId": bum_id}, call.world.knobs.network_status)


def announcing(call: Call) -> Answer:
    """`POST /v2/smartpdf/invoiceUpload`: an address to put the PDF at, and the bumId it will have."""
    found = faults(call.body, UPLOAD)
    if found:
        raise Refused(400, *(Fault(refusals.SCHEMA, text) for text in found))
    bum_id = call.world.mint.uuid()
    expires = call.now + call.world.knobs.link_life_s * SECOND
    kept = Kept(call.tenant.id, call.request.host, expires, b"", "application/pdf", bum_id=bum_id)
    address = signed_address(call, kept, UPLOADS)
    call.tenant.parcels[bum_id] = Parcel(bum_id, "smartpdf", call.now, call.body)
    return Answer({"uploadUrl": address, "bumId": bum_id})


def uploaded(world: World, request: Request, now: int) -> Response:
    """`PUT` of the PDF to the address: without Authorization."""
    kept = world.kept.get(request.path.removeprefix(UPLOADS))
    if kept is None or not kept.bum_id:
        raise Refused(404)
    check_signed(kept, request, now)
    if not request.body.startswith(b"%PDF"):
        raise Refused(400, Fault("InvalidArgument", "The file is no PDF."))
    tenant = world.tenants[kept.tenant_id]
    parcel = tenant.parcels[kept.bum_id]
    first, parcel.image = not parcel.image, request.body
    if first:
        _deliver_later(world, tenant, parcel)
    return Response(200)


def _deliver_later(world: World, tenant: Tenant, parcel: Parcel) -> None:
    wait = world.span(world.mint.between(world.knobs.delay_low_s, world.knobs.delay_high_s))
    world.later(world.now + wait, lambda at: deliver(world, tenant, parcel, at))


def deliver(world: World, tenant: Tenant, parcel: Parcel, at: int) -> None:
    """The parcel reaches its company as a document in approval; without a company it never does."""
    if parcel.document_id:
        return
    company = _company(tenant, parcel)
    if company is None:
        parcel.trouble = "No company has that address."
        return
    wanted = _of_invoice(tenant, parcel.content["data"]) if parcel.via == "network" else {}
    bum_id = parcel.bum_id if world.knobs.bumid_returns else world.mint.uuid()
    wanted |= {"company": company, "bum_id": bum_id, "kind": parcel.via, "status": "New"}
    document = invoicing.draw_up(world, tenant, invoicing.Draft(**wanted), at)
    document.via, document.pdf = parcel.via, parcel.image or document.pdf
    parcel.document_id = document.id


def _company(tenant: Tenant, parcel: Parcel) -> Company | None:
    if parcel.via == "smartpdf":
        wanted = parcel.content["receivingEmailAddress"].lower()
        return next((c for c in tenant.companies.values() if c.email.lower() == wanted), None)
    endpoint = parcel.content["data"]["accountingCustomerParty"].get("endpoint", {}).get("id")
    return next((c for c in tenant.companies.values() if endpoint and c.endpoint == endpoint), None)


def _of_invoice(tenant: Tenant, content: Json) -> Json:
    gross = Decimal(content["legalMonetaryTotal"]["payableAmount"]["amount"])
    tax = Decimal(content.get("taxTotal", {}).get("amount", 0))
    supplier = _supplier(tenant, content["accountingSupplierParty"])
    means = content.get("paymentMeans", {})
    return {
        "supplier_code": supplier["vendorCode"] if supplier else "",
        "supplier_name": content["accountingSupplierParty"]["partyName"],
        "currency": content.get("documentCurrencyCode", content["legalMonetaryTotal"]["payableAmount"]["currencyId"]),
        "number": content["id"], "invoice_date": content["issueDate"][:10],
        "due_date": means.get("paymentDueDate", "")[:10], "net": gross - tax, "gross": gross, "rows": [],
    }  # fmt: skip


def _supplier(tenant: Tenant, party: Json) -> Json | None:
    ids = {row["id"] for row in party.get("partyIdentification", [])}
    ids |= {party.get("endpoint", {}).get("id", ""), party.get("partyTaxScheme", {}).get("company", {}).get("id", "")}
    for vendor in tenant.known("vendors"):
        if ids & {row["id"] for row in vendor.get("identifiers", [])} or vendor["name"] == party["partyName"]:
            return vendor
    return None
