"""Demo AS buys chairs from Nordlys: a Norwegian company, its terms with Basware, and documents of both sides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ml_connector.finance.chart import Account, Chart, CurrencyUse, Period, Segment, VatId
from ml_connector.finance.documents import Document
from ml_connector.finance.money import Money
from ml_connector.finance.plan import (
    Content,
    Elsewhere,
    Found,
    Hold,
    Ignore,
    Need,
    Plan,
    PlannedWrite,
    Related,
    Verdict,
    Wait,
)
from ml_connector.finance.purchase_terms import PurchaseTerms
from ml_connector.finance.purchasing import (
    ApprovedInvoice,
    CodingRow,
    LedgerInvoiceLine,
    LedgerSupplier,
    LedgerSupplierInvoice,
    LedgerSupplierPayment,
    PaymentDetail,
    PurchaseOrder,
    PurchaseOrderLine,
    PurchaseReceipt,
    ReceiptLine,
    ReferenceValue,
    SettledInvoice,
    SupplierAddress,
)
from ml_connector.finance.rulebook import Rule, Rulebook, Terms, When
from ml_connector.flows.basware_to_visma import FLOW as BACK
from ml_connector.flows.flow import Flow
from ml_connector.flows.visma_to_basware import FLOW as OUT

DAY = date(2026, 2, 3)
D25 = Decimal(25)
CHART = Chart(
    read_at=datetime(2026, 2, 3, 12, tzinfo=UTC),
    accounts={number: Account(number, f"Account {number}", "Expense") for number in ("6540", "6550", "7770", "2410")}
    | {"9999": Account("9999", "Old", "Expense", active=False)},
    segments={
        1: Segment(1, "Department", {"100": True, "200": True, "900": False}),
        2: Segment(2, "Product", {"X": True}),
    },
    vat_ids={
        "25": VatId("25", "Input 25", "Vat", ((date(2020, 1, 1), D25),), ("1",), ("01",), "2700", "2710"),
        "R": VatId("R", "Reverse 25", "ReverseVat", ((date(2020, 1, 1), D25),), ("86",), ("01",), reverse=True),
    },
    vat_codes={"1": True, "0": True, "86": True, "86I": True, "1P": True, "9": False},
    vat_zones=("01",),
    periods=tuple(Period(f"2026{month:02d}", date(2026, month, 1), active=True) for month in range(1, 13)),
    currencies={"NOK": CurrencyUse("NOK", base=True, precision=2)},
)
TERMS = Terms(
    code="vi",
    purchase=PurchaseTerms(
        namespace="6f0c1e1e-5a8b-4c31-9e57-2d0b6a1f9a10", company="NO01", source_system="VISMANET-1",
        dimensions={1: "cost_center", 2: "dim1"}, lists={2: "ACC_LIST_1"}, vat_zone="01", units={"PCS": "C62"},
        buyer_name="Demo AS", buyer_endpoint="987654321", buyer_scheme="NO:ORGNR", payments=True,
        invoice_types={"CRE": "credit", "INV": "invoice"},
    ),
)  # fmt: skip
RULES = Rulebook(
    1, date(2026, 1, 1),
    (
        Rule("stock", ("accrual",), When(type=("GoodsForInventory",)), account="2410"),
        Rule("plain", ("no_vat",), vat_code="0"),
        Rule("round", ("rounding",), account="7770"),
    ),
)  # fmt: skip


def nok(amount: str | int) -> Money:
    return Money.of(amount, "NOK")


def terms(**changes: Any) -> Terms:
    return replace(TERMS, purchase=replace(TERMS.purchase, **changes))


def supplier(**more: Any) -> LedgerSupplier:
    given: dict[str, Any] = {
        "number": "50012", "name": "Nordlys Kontor AS", "status": "Active", "currency": "NOK", "term": "30",
        "payment_method": "BANK", "org_number": "912345678", "vat_number": "NO912345678MVA",
        "email": "post@nordlys.example",
        "addresses": (SupplierAddress("main", ("Storgata 1",), "0155", "Oslo", "", "NO"),),
        "details": (PaymentDetail("IBAN", "NO93 8601 1117 947"), PaymentDetail("SWIFT", "TESTNOKK")),
    }  # fmt: skip
    return LedgerSupplier(**given | more)


def term(**more: Any) -> ReferenceValue:
    return ReferenceValue(**{"kind": "credit_term", "code": "30", "name": "30 days"} | more)


def line(number: int = 1, **more: Any) -> PurchaseOrderLine:
    given: dict[str, Any] = {
        "number": number, "kind": "GoodsForInventory", "quantity": Decimal(10), "unit_price": Decimal("1000.1234"),
        "net": nok("10001.23"), "unit": "PCS", "base_quantity": Decimal(10), "text": "Chair", "article": "INV-7",
        "supplier_article": "CHAIR-1", "vat_code": "1", "account": "6540", "dimensions": ((1, "100"), (2, "X")),
    }  # fmt: skip
    return PurchaseOrderLine(**given | more)


def order(*lines: PurchaseOrderLine, **more: Any) -> PurchaseOrder:
    given: dict[str, Any] = {
        "number": "PO1", "type": "RegularOrder", "status": "Open", "hold": False, "supplier": "50012",
        "currency": "NOK", "lines": lines or (line(),), "day": DAY, "term": "30", "text": "Office chairs",
    }  # fmt: skip
    return PurchaseOrder(**given | more)


def receipt(number: str = "R1", quantity: int = 4, **more: Any) -> PurchaseReceipt:
    part: dict[str, Any] = {"number": 1, "quantity": Decimal(quantity), "unit_cost": Decimal(1000), "unit": "PCS",
            "order_type": "RegularOrder", "order_number": "PO1", "order_line": 1}  # fmt: skip
    part |= more.pop("part", {})
    given: dict[str, Any] = {
        "number": number, "type": "PoReceipt", "status": "Released", "supplier": "50012", "day": DAY,
        "lines": (ReceiptLine(**part),),
    }  # fmt: skip
    return PurchaseReceipt(**given | more)


def ledger_invoice(**more: Any) -> LedgerSupplierInvoice:
    given: dict[str, Any] = {
        "type": "Invoice", "number": "000042", "status": "Hold", "supplier": "50012", "currency": "NOK",
        "total": nok(1250), "vat_total": nok(250), "day": DAY, "due_on": date(2026, 3, 5), "reference": "F-778",
        "lines": (LedgerInvoiceLine(1, nok(1000), "Chairs", vat_code="1"),),
    }  # fmt: skip
    return LedgerSupplierInvoice(**given | more)


def payment(number: str = "P1", amount: int = 1250, **more: Any) -> LedgerSupplierPayment:
    given: dict[str, Any] = {
        "type": "Payment", "number": number, "status": "Closed", "released": True, "supplier": "50012",
        "currency": "NOK", "settled": (SettledInvoice("Invoice", "000042", nok(amount), nok(0)),), "day": DAY,
    }  # fmt: skip
    return LedgerSupplierPayment(**given | more)


def row(index: int = 1, net: str | int = 1000, gross: str | int = 1250, **more: Any) -> CodingRow:
    given: dict[str, Any] = {
        "external_code": f"row-{index}", "index": index, "net": nok(net), "gross": nok(gross), "account": "6540",
        "cost_center": "100", "tax_code": "1",
    }  # fmt: skip
    return CodingRow(**given | more)


def approved(*rows: CodingRow, **more: Any) -> ApprovedInvoice:
    given: dict[str, Any] = {
        "id": "DOC1", "status": "WaitingForTransfer", "company": "NO01", "supplier": "50012", "currency": "NOK",
        "payment_block": False, "number": "F-778", "net": nok(1000), "gross": nok(1250), "day": DAY,
        "due_on": date(2026, 3, 5), "payment_reference": "00123456789", "rows": rows or (row(),),
    }  # fmt: skip
    return ApprovedInvoice(**given | more)


class World:
    """What is stored at the source, what the target answers by need kind, what people decided, what is posted."""

    def __init__(
        self, *documents: Document, flow: Flow = OUT, terms: Terms = TERMS, rules: Rulebook = RULES,
        found: Mapping[str, Iterable[Found]] | None = None, decisions: Mapping[str, str] | None = None,
        posted: Mapping[str, Content] | None = None, ours: tuple[Elsewhere, ...] = (),
        chart: Chart = CHART,
    ) -> None:  # fmt: skip
        self.documents, self.flow, self.terms, self.rules = documents, flow, terms, rules
        self.found = {kind: tuple(several) for kind, several in (found or {}).items()}
        self.decisions, self.posted, self.ours = decisions or {}, posted or {}, ours
        self.chart = chart
        self.asked: list[Need] = []

    def verdict(self, document: Document) -> Verdict:
        answers: dict[str, Any] = {}
        for _ in range(5):
            related = Related(answers, self.decisions, self.posted)
            self.asked = list(self.flow.needs(document, related, self.terms))
            fresh = {need.name: self._answer(need) for need in self.asked if need.name not in answers}
            if not fresh:
                return self.flow.plan(document, related, terms=self.terms, rulebook=self.rules, chart=self.chart)
            answers |= fresh
        raise AssertionError("the needs never end")

    def plan(self, document: Document) -> Plan:
        verdict = self.verdict(document)
        assert isinstance(verdict, Plan), verdict
        return verdict

    def writes(self, document: Document) -> dict[str, PlannedWrite]:
        return {write.key: write for write in self.plan(document).writes}

    def contents(self, document: Document) -> dict[str, Any]:
        return {key: write.content for key, write in self.writes(document).items()}

    def held(self, document: Document) -> set[str]:
        verdict = self.verdict(document)
        assert isinstance(verdict, Hold), verdict
        return {finding.code for finding in verdict.findings}

    def ignored(self, document: Document) -> str:
        verdict = self.verdict(document)
        assert isinstance(verdict, Ignore), verdict
        return verdict.reason

    def waits(self, document: Document) -> str:
        verdict = self.verdict(document)
        assert isinstance(verdict, Wait), verdict
        return verdict.reason

    def _answer(self, need: Need) -> tuple[Any, ...]:
        if need.system == "target":
            return self.found.get(need.kind, ())
        if need.system == "own":
            return self.ours
        kin = [one for one in self.documents if _kind(one) == need.kind]
        if need.link is not None:
            return tuple(one for one in kin if need.link in self.flow.links(one))
        return tuple(one for one in kin if _name(one) == need.id)


_KIND: dict[type, str] = {
    LedgerSupplier: "supplier", PurchaseOrder: "purchaseorder", PurchaseReceipt: "purchasereceipt",
    LedgerSupplierInvoice: "supplierInvoice", LedgerSupplierPayment: "supplierPayment",
    ApprovedInvoice: "accountingDocument",
}  # fmt: skip


_ROWS = {
    "credit_term": "creditterm", "account": "account", "vat_category": "vatcategory", "segment_value": "segmentvalue",
}  # fmt: skip


def _kind(one: Document) -> str:
    return _ROWS[one.kind] if isinstance(one, ReferenceValue) else _KIND[type(one)]


def _name(one: Document) -> str:
    if isinstance(one, ReferenceValue) and one.segment:
        return f"{one.segment}/{one.code}"
    if isinstance(one, LedgerSupplierInvoice):
        return f"{one.type}/{one.number}"
    return str(getattr(one, "number", None) or getattr(one, "code", ""))


def receives(**changes: Any) -> Terms:
    """The terms of a company whose invoices come from Basware."""
    return replace(terms(mode="basware_receives", **changes), code="bw")


SUPPLIER = (Found("50012", "Nordlys Kontor AS"),)
COMBINATION = (Found("100-X", status="Active"),)


def back(**changes: Any) -> World:
    """A world in which approved invoices come from Basware and everything they name is in the ledger."""
    given: dict[str, Any] = {
        "flow": BACK,
        "terms": receives(),
        "found": {"supplier": SUPPLIER, "subaccount": COMBINATION},
    }
    given["found"] = {**given["found"], **changes.pop("found", {})}
    return World(*changes.pop("documents", ()), **given | changes)
