"""What is written to Basware, one full example of each kind: Nordlys Kontor AS sells chairs to Demo AS."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ml_connector.finance.invoices import PurchaseLink, Ref, SupplierInvoiceLine
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Content
from ml_connector.finance.procurement import (
    Acknowledgement,
    BankAccount,
    CardAddress,
    Coding,
    GoodsReceipt,
    LedgerCoding,
    OrderHeader,
    OrderLine,
    PartyOnNetwork,
    PaymentAnswer,
    PaymentTermRule,
    ReceivedInvoice,
    ReceivedLine,
    ReferenceRow,
    SupplierCard,
    TransferAnswer,
    external_code,
)

SPACE = "6f0c1e1e-5a8b-4c31-9e57-2d0b6a1f9a10"
DAY = date(2026, 2, 3)
SYSTEM = "VISMANET-1"


def nok(amount: str) -> Money:
    return Money.of(amount, "NOK")


def code(*parts: str) -> str:
    return external_code(SPACE, *parts)


def row(kind: str = "account", number: str = "6540", name: str = "Furniture", **more: object) -> ReferenceRow:
    given: dict[str, object] = {"kind": kind, "external_code": code(kind, "NO01", number), "company": "NO01"}
    given |= {"code": number, "name": name, "source": f"vi:{kind}:{number}"}
    return ReferenceRow(**given | more)  # type: ignore[arg-type]


REFERENCE: dict[str, ReferenceRow] = {
    "account": row(),
    "cost_center": row("cost_center", "100", "Oslo", languages=("en-US", "nb-NO")),
    "list": row(
        "list", "200", "Chairs", list_key="ACC_LIST_1", columns={"text_1": "200", "text_2": "Chairs"}, spare="text_5"
    ),
    "tax_code": row("tax_code", "1", "Input VAT", percent=Decimal(25)),
    "payment_term": row(
        "payment_term", "30", "30 days", valid_from=date(2000, 1, 1), valid_to=date(9999, 12, 31),
        term=PaymentTermRule(days=30, discount_days=10, discount_percent=Decimal("2.5")),
    ),
    "project": row("project", "P1", "House", valid_from=DAY, valid_to=date(2099, 12, 31), active=False),
    "exchange_rate": row("exchange_rate", "EUR", "", rate=Decimal("11.3456"), currency_to="NOK", valid_from=DAY),
}  # fmt: skip

CARD = SupplierCard(
    external_code=code("supplier", "NO01", "50012"),
    company="NO01",
    number="50012",
    name="Nordlys Kontor AS",
    source="vi:supplier:50012",
    source_system=SYSTEM,
    supplier_class="1",
    our_account="K-77",
    identifiers=(("VAT", "NO912345678MVA"),),
    addresses=(
        CardAddress(
            code("address", "50012", "main"), "postal", "Main", ("Storgata 1",), "0155", "Oslo", "", "NO", True
        ),
    ),
    contact="Kari",
    email="post@nordlys.example",
    phone="+4722000000",
    term="30",
    payment_method="BANK",
    currency="NOK",
    accounts=(BankAccount("NO9386011117947", "86011117947", "TESTNOKK", "Testbanken"),),
)

HEADER = OrderHeader(
    external_code=code("order", "NO01", "RegularOrder", "PO000123"),
    number="PO000123",
    order_type="RegularOrder",
    company="NO01",
    organization="NO01",
    source_system=SYSTEM,
    currency="NOK",
    supplier="50012",
    source="vi:order:RegularOrder:PO000123",
    lines=("1",),
    created=DAY,
    promised=date(2026, 2, 10),
    description="Office chairs",
    term="30",
    reference="Q-1",
)

LINE = OrderLine(
    external_code=code("line", "PO000123", "1"),
    order_code=HEADER.external_code,
    company="NO01",
    number="1",
    position=1,
    quantity=Decimal(10),
    source="vi:order:RegularOrder:PO000123:line:1",
    net_price=Decimal("1000.12345"),
    net_sum=nok("10001.23"),
    currency="NOK",
    unit="C62",
    tax_code="1",
    tax_percent=Decimal(25),
    article="CHAIR-1",
    own_article="INV-7",
    article_name="Chair",
    description="Office chair",
    receipt_required=True,
    receipt_based=True,
    coding=(Coding(code("coding", "1"), 1, Decimal(10), "6540", (("cost_center", "100"), ("dim1", "200")), "1"),),
    receipts=(
        GoodsReceipt(code("receipt", "R1", "1"), "R1", "1", Decimal(4), Decimal("1000.12"), DAY, "DN-1"),
        GoodsReceipt(
            code("receipt", "R2", "1"), "R2", "1", Decimal(-1), Decimal("1000.12"), reverses=code("receipt", "R1", "1")
        ),
    ),
)

INVOICE = ReceivedInvoice(
    document_id=code("document", "000042"),
    client_token=code("token", "000042"),
    number="F-778",
    day=DAY,
    currency="NOK",
    total=nok("1250"),
    vat_total=nok("250"),
    supplier=PartyOnNetwork("Nordlys Kontor AS", "912345678", "NO:ORGNR", "912345678", "NO912345678MVA"),
    buyer=PartyOnNetwork("Demo AS", "987654321", "NO:ORGNR"),
    source="bw:inv:NO01:Invoice:000042",
    due_on=date(2026, 3, 5),
    reference="00123456789",
    lines=(ReceivedLine("1", nok("1000"), "Chairs", Decimal(1), Decimal(25), "PO000123", "1"),),
)

TRANSFER = TransferAnswer(
    code("answer", "DOC1", "1"), "DOC1", True, "Posted as 400123", "bw:doc:DOC1:answer:1", SYSTEM, "400123", DAY
)
PAID = PaymentAnswer(
    code("payment", "DOC1", "1"), "DOC1", "bw:pay:DOC1:1", SYSTEM, nok("1225"), DAY, nok("25"), "BANK", "30", "P1", "P1"
)
CODING = LedgerCoding(
    "000042", "NOK",
    (SupplierInvoiceLine("6540", nok("1000"), "1", "x", ((1, "100"),), PurchaseLink("receipt", "R1", 1), Decimal(4)),),
    nok("1250"), nok("250"), "bw:doc:DOC1", pay_selected=False,
)  # fmt: skip

CONTENTS: dict[str, Content] = {
    "reference_row": REFERENCE["payment_term"],
    "supplier_card": CARD,
    "order_header": HEADER,
    "order_line": LINE,
    "received_invoice": INVOICE,
    "acknowledgement": Acknowledgement("DOC1", "bw:doc:DOC1:ack:1"),
    "transfer_answer": TransferAnswer(
        code("answer", "DOC1", "2"), "DOC1", True, "Posted", "bw:doc:DOC1:answer:2", SYSTEM, Ref("bw:doc:DOC1"), DAY
    ),
    "payment_answer": PAID,
    "ledger_coding": CODING,
}
