"""Invoices out of thin air, or out of stored orders and receipts: what suppliers send and people approve in P2P."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from ml_connector_sandbox.basware.documents import Document, move
from ml_connector_sandbox.basware.lookups import found
from ml_connector_sandbox.basware.refusals import Json
from ml_connector_sandbox.basware.state import Company, Tenant, World
from ml_connector_sandbox.basware.times import stamp
from ml_connector_sandbox.core.instants import day_of

CENT = Decimal("0.01")
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
# Optional texts of a document without a value: some come as null, some not at all.
_OFTEN_EMPTY = (
    "voucherNumber1", "voucherNumber2", "cashDate", "cashPercent", "cashSum", "contractNumber", "description",
    "paymentMethod", "paymentPlanReference", "paymentRevelsalDocument", "supplierBankBBAN", "accountingPeriod",
    "accountingGroup", "paymentMessage", "taxSum2", "text1", "text2", "numeric1", "date1", "invoiceLines",
)  # fmt: skip


@dataclass(slots=True)
class Draft:
    """What an invoice is to say. Amounts in the invoice's currency; `rate` x amount = the company's."""

    company: Company
    kind: str = "plain"
    status: str = "WaitingForTransfer"
    supplier_code: str = ""
    supplier_name: str = ""
    currency: str = ""
    number: str = ""
    invoice_date: str = ""
    due_date: str = ""
    net: Decimal = Decimal(0)
    gross: Decimal = Decimal(0)
    rate: Decimal = Decimal(1)
    rows: list[Json] = field(default_factory=list)
    bum_id: str = ""
    type_code: str = ""
    payment_block: bool = False
    reference: str = ""
    element: str = ""
    payment_term: str = ""
    fields: Json = field(default_factory=dict)  # anything else the document shall show


def cents(amount: Decimal) -> Decimal:
    """Rounded half up to two decimals."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def draw_up(world: World, tenant: Tenant, draft: Draft, at: int) -> Document:
    """Make the document, in its first state."""
    mint = world.mint
    tenant.last_invoice += 1
    today = day_of(at)
    net, gross, rate = cents(draft.net), cents(draft.gross), draft.rate
    content: Json = {
        "invoiceId": mint.hexadecimal(32), "bumid": draft.bum_id or mint.uuid(), "p2pProcessingMode": "Standard",
        "invoiceNumber": draft.number or f"F-{tenant.last_invoice:05d}", "processingStatus": "New",
        "companyCode": draft.company.code, "companyName": draft.company.name,
        "organizationElementCode": draft.element or draft.company.elements[0],
        "supplierCode": draft.supplier_code, "supplierName": draft.supplier_name,
        "currencyCode": draft.currency or draft.company.currency, "netSum": net, "grossSum": gross,
        "taxSum1": gross - net, "invoiceDate": f"{draft.invoice_date or today.isoformat()}T00:00:00Z",
        "dueDate": f"{draft.due_date or (today + timedelta(days=30)).isoformat()}T00:00:00Z",
        "voucherDate": f"{today.isoformat()}T00:00:00Z",
        "invoiceTypeCode": draft.type_code or ("CreditNote" if gross < 0 else "Invoice"),
        "paymentBlock": draft.payment_block, "prebooked": False,
        "referenceNumber": draft.reference or f"{10_000_000 + tenant.last_invoice}",
        "currencyCodeCompany": draft.company.currency, "exchangeRateCompany": rate,
        "netSumCompany": cents(net * rate), "grossSumCompany": cents(gross * rate),
        "orderNumbers": sorted({row["orderNumber"] for row in draft.rows if row.get("orderNumber")}),
        "codingRows": [_row(world, n, row, rate) for n, row in enumerate(draft.rows, 1)],
        "attachments": [_attachment(world, at)],
    }  # fmt: skip
    content |= {"paymentTermCode": draft.payment_term} if draft.payment_term else {}
    empty = [name for name in _OFTEN_EMPTY if mint.chance(0.5)]
    content = dict.fromkeys(empty) | content | draft.fields
    document = Document(content, at, draft.kind, pdf=PDF)
    tenant.documents[document.id] = document
    move(world, tenant, document, draft.status, at)
    return document


def _row(world: World, n: int, row: Json, rate: Decimal) -> Json:
    company = {"netTotalCompany": cents(row["netTotal"] * rate), "grossTotalCompany": cents(row["grossTotal"] * rate)}
    return {"externalCode": world.mint.hexadecimal(32), "rowIndex": n} | row | company


def _attachment(world: World, at: int) -> Json:
    return {
        "externalCode": world.mint.hexadecimal(32), "category": "ORIGINALIMAGE", "filename": "invoice.pdf",
        "isConfidential": False, "creationTime": stamp(at),
    }  # fmt: skip


def cost_row(net: Decimal, percent: Decimal, **coding: str) -> Json:
    """A coding row without an order."""
    net = cents(net)
    tax = cents(net * percent / 100)
    amounts = {"netTotal": net, "taxPercent": percent, "taxSum": tax, "grossTotal": net + tax}
    return {"matchingType": 0} | {name: value for name, value in coding.items() if value} | amounts


@dataclass(frozen=True, slots=True)
class Terms:
    """How an invoice departs from the order: price, share of the quantity, sign, currency."""

    price: Decimal = Decimal(1)
    share: Decimal = Decimal(1)
    credit: bool = False
    per_rate: Decimal = Decimal(1)


def rows_of_order(tenant: Tenant, order: Json, terms: Terms) -> list[Json]:
    """Coding rows for everything that is open to invoice on an order (or, for a credit, was invoiced).

    Notes what is invoiced. Lines that are closed or whose isDeleted was never told to be false are not matched.
    """
    rows: list[Json] = []
    lines = sorted(found(tenant, "matchingOrderLines", order["externalCode"]), key=lambda line: line["lineNumber"])
    for line in lines:
        if line.get("isClosed") or line.get("isDeleted") is not False:
            continue
        for receipt, open_quantity in _open(tenant, line, credit=terms.credit):
            quantity = (open_quantity * terms.share).quantize(Decimal("0.0001"))
            if quantity > 0:
                signed = -quantity if terms.credit else quantity
                _note(tenant, line, receipt, signed)
                rows += _rows(tenant, order, line, receipt, quantity=signed, terms=terms)
    return rows


def _open(tenant: Tenant, line: Json, *, credit: bool) -> list[tuple[Json | None, Decimal]]:
    """What may be invoiced (or credited) of a line, per receipt where matching is by receipt."""
    done = tenant.invoiced.get(line["externalCode"], {})
    receipts = [row for row in line.get("goodsReceipts", []) if not row.get("isDeleted")]
    if line.get("isReceiptBasedMatching"):
        first = [row for row in receipts if not row.get("referenceGRExternalCode")]
        if credit:
            return [(row, done.get(row["externalCode"], Decimal(0))) for row in first]
        return [(row, _left(row, receipts) - done.get(row["externalCode"], Decimal(0))) for row in first]
    invoiced = sum(done.values(), Decimal(0))
    if credit:
        return [(None, invoiced)]
    received = sum((Decimal(row["quantity"]) for row in receipts), Decimal(0))
    whole = received if line.get("isReceiptRequired") else Decimal(line["quantity"])
    return [(None, whole - invoiced)]


def _left(receipt: Json, receipts: list[Json]) -> Decimal:
    code = receipt["externalCode"]
    back = [Decimal(row["quantity"]) for row in receipts if row.get("referenceGRExternalCode") == code]
    return Decimal(receipt["quantity"]) + sum(back, Decimal(0))


def _note(tenant: Tenant, line: Json, receipt: Json | None, quantity: Decimal) -> None:
    done = tenant.invoiced.setdefault(line["externalCode"], {})
    key = receipt["externalCode"] if receipt else ""
    done[key] = done.get(key, Decimal(0)) + quantity


def _rows(
    tenant: Tenant, order: Json, line: Json, receipt: Json | None, *, quantity: Decimal, terms: Terms
) -> list[Json]:
    net = cents(quantity * _net_price(line) * terms.price / terms.per_rate)
    codings = line.get("orderLineCoding") or [{"allocatedQuantity": line["quantity"]}]
    if line["matchingMode"] == "Service" and receipt:
        codings = receipt.get("receiptCoding") or codings
    whole = sum((Decimal(coding["allocatedQuantity"]) for coding in codings), Decimal(0)) or Decimal(1)
    rows: list[Json] = []
    left, left_quantity = net, quantity
    for n, coding in enumerate(codings, 1):
        last = n == len(codings)
        part = Decimal(coding["allocatedQuantity"]) / whole
        share = left if last else cents(net * part)
        amount = left_quantity if last else (quantity * part).quantize(Decimal("0.0001"))
        left, left_quantity = left - share, left_quantity - amount
        rows.append(_coded(tenant, order, line, coding, receipt=receipt, net=share, quantity=amount))
    return rows


def _coded(
    tenant: Tenant,
    order: Json,
    line: Json,
    coding: Json,
    *,
    receipt: Json | None,
    net: Decimal,
    quantity: Decimal,
) -> Json:
    percent = Decimal(coding["taxPercent"] if "taxPercent" in coding else line.get("taxPercent", 0))
    named = {
        name: value
        for name, value in coding.items()
        if name in ("accountCode", "costCenterCode", "projectCode", "taxCode") or name.startswith("dimCode")
    }
    named.setdefault("accountCode", tenant.accounts["expense"])
    if line.get("taxCode"):
        named.setdefault("taxCode", line["taxCode"])
    row = cost_row(net, percent, **named)
    row |= {"orderNumber": order["orderNumber"], "orderLineNumber": line["lineNumber"], "matchingType": 1}
    row |= {"matchedQuantity": quantity, "allocatedQuantity": quantity}
    if line.get("uom"):
        row["orderLineUOM"] = line["uom"]
    if receipt:
        row |= {"goodsReceiptNumber": receipt["goodsReceiptNumber"], "matchingType": 2}
        if "goodsReceiptLineNumber" in receipt:
            row["goodsReceiptItemNumber"] = receipt["goodsReceiptLineNumber"]
    return row


def _net_price(line: Json) -> Decimal:
    percent = 1 + Decimal(line.get("taxPercent", 0)) / 100
    if "netPrice" in line:
        return Decimal(line["netPrice"])
    if "netSum" in line:
        return Decimal(line["netSum"]) / Decimal(line["quantity"])
    if "grossPrice" in line:
        return Decimal(line["grossPrice"]) / percent
    return Decimal(line["grossSum"]) / Decimal(line["quantity"]) / percent
