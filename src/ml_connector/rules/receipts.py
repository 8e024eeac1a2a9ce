"""The recipes of money received through a processor that keeps a balance: who paid decides what is booked.

A known customer: P of the gross, applied where the invoice is known, and a journal for the fee. A sale that the rules
call anonymous: one journal with net, fee, sales and VAT. Anybody else: the same journal against suspense, with a
warning.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from ml_connector.finance.documents import Party
from ml_connector.finance.invoices import Application, Ref
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Plan, PlannedWrite
from ml_connector.rules.bookkeeping import Books, Place, Sheet
from ml_connector.rules.customer_documents import customer_money
from ml_connector.rules.invoicing import Bill
from ml_connector.rules.mapping import Choice, Facts
from ml_connector.rules.parties import Known
from ml_connector.rules.sales import fee_role
from ml_connector.rules.texts import begun

MEANS = "wallet"
CAPTURE = "capture"  # in a rule's `type`: every payment; an event code: those alone
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Receipt:
    """One payment received. `fee` is what it cost (negative: given back), `code` the source's word for its type."""

    id: str
    key: str
    amount: Money
    fee: Money
    day: date
    code: str
    country: str | None = None
    group: str | None = None

    @property
    def record(self) -> str:
        return f"payment {self.id}"

    def facts(self, type_: str) -> Facts:
        """What rules may ask about it: type, currency, amount, customer group, country of the payer."""
        return Facts(
            method=MEANS, type=type_, currency=self.amount.currency, country=self.country, customer_group=self.group,
            amount=abs(self.amount.decimal()),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Anonymous:
    """What a rule says about sales without a customer: account and VAT. `rate` None: no VAT."""

    choice: Choice
    vat_id: str | None = None
    vat_account: str | None = None
    rate: Decimal | None = None
    finding: Finding | None = None


def anonymous_sale(receipt: Receipt, books: Books) -> Anonymous | None:
    """The rule for `sales` that names this event code, or `capture`, as its type; None: no rule calls it anonymous.

    A rule for sales without such a type speaks of other sales: taking it would turn every unknown payment into revenue.
    """
    for type_ in (receipt.code, CAPTURE):
        choice = books.mapper.choose("sales", receipt.facts(type_))
        rule_id = choice.why.get("account", ("", ""))[0]
        rule = next((rule for rule in books.mapper.rules_for("sales") if rule.id == rule_id), None)
        if rule is not None and type_ in rule.when.type:
            return _taxed(receipt, choice, books)
    return None


def customer_by_rule(receipt: Receipt, books: Books) -> Choice | None:
    """The rule that names the customer of such payments, if any."""
    for type_ in (receipt.code, CAPTURE):
        choice = books.mapper.choose("customer", receipt.facts(type_))
        if choice.customer is not None:
            return choice
    return None


def plan_customer_receipt(
    receipt: Receipt, customer: Known, *, bill: Bill | None, applied: Money, books: Books
) -> Plan:
    """P of the gross, and a journal for the fee. `applied`: what of it the invoice takes; the rest stays available.

    For a sales order it is an advance: whoever booked that puts it against the invoices to come.
    """
    day = receipt.day if bill is None else max(receipt.day, bill.day)
    sheet = Sheet(receipt.key, record=receipt.record, day=day, facts=receipt.facts(CAPTURE), books=books)
    sheet.note(*customer.findings)
    sheet.explain("party", customer.why.chosen, customer.why.because)
    to = bill if applied.minor > 0 else None
    payment = customer_money(
        sheet, "prepayment" if bill is not None and bill.advance else "payment", MEANS, receipt.amount,
        customer=customer, needs=(to.key,) if to is not None else (),
        applied=(Application("Invoice", Ref(to.key), applied),) if to is not None and not to.advance else (),
        text=f"Payment {receipt.id}{f', {bill.called} {bill.number}' if bill is not None else ''}",
    )  # fmt: skip
    fee, findings = fee_journal(receipt, f"{receipt.key}:fee", books=books)
    # The card of a customer that our invoice makes is the invoice's to write; the payment only needs it done.
    made = tuple(write for write in (payment, fee) if write is not None)
    return Plan(made, (*sheet.findings, *findings))


def fee_journal(receipt: Receipt, key: str, *, books: Books) -> tuple[PlannedWrite | None, tuple[Finding, ...]]:
    """Dr fee; Cr clearing."""
    sheet = Sheet(key, record=receipt.record, day=receipt.day, facts=receipt.facts("fee"), books=books)
    post_fee(sheet, receipt.fee.minor)
    sheet.post("clearing", -receipt.fee.minor)
    return sheet.write(f"Fee of {receipt.record}"), tuple(sheet.findings)


def plan_anonymous_receipt(receipt: Receipt, sale: Anonymous, *, books: Books) -> Plan:
    """One journal: Dr clearing (net), Dr fee; Cr sales, Cr VAT."""
    sheet = _sheet(receipt, books)
    post_sale(sheet, sale, receipt.amount, sign=-1)
    post_fee(sheet, receipt.fee.minor)
    sheet.post("clearing", receipt.amount.minor - receipt.fee.minor)
    write = sheet.write(f"Sale, {receipt.record}")
    return Plan((write,) if write else (), tuple(sheet.findings))


def plan_unplaced_receipt(receipt: Receipt, *, books: Books, expected: bool = False) -> Plan:
    """One journal: Dr clearing (net), Dr fee; Cr suspense, with a warning that says how to solve it.

    `expected`: suspense holds the other side already, so that there is nothing to warn of.
    """
    sheet = _sheet(receipt, books)
    sheet.post("suspense", -receipt.amount.minor)
    post_fee(sheet, receipt.fee.minor)
    sheet.post("clearing", receipt.amount.minor - receipt.fee.minor)
    sheet.note(None if expected else _unplaced(receipt))
    write = sheet.write(begun(receipt.record) if expected else f"{receipt.record.capitalize()}, unplaced")
    return Plan((write,) if write else (), tuple(sheet.findings))


def post_fee(sheet: Sheet, minor: int, *, type_: str = "fee") -> None:
    """A fee of the processor where the route's fee VAT says: cost, or settled by its monthly invoice."""
    role = fee_role(sheet) if minor else None
    if role is not None:
        sheet.post(role, minor, facts=sheet.facts.of(type_=type_).without_amount())


def post_sale(sheet: Sheet, sale: Anonymous, gross: Money, *, sign: int) -> None:
    """Sales and VAT out of a gross amount; `sign` -1 sells, 1 takes back."""
    sheet.note(sale.finding)
    if sale.finding is not None or sale.choice.account is None:
        return
    choice = sale.choice
    vat = vat_within(gross, sale.rate)
    sheet.explain("sales account", choice.account or "", choice.reason("account"))
    place = Place(choice.account or "", choice.dimensions, choice)
    sheet.put("sales", place, sign * (gross.minor - vat), vat_code=choice.vat_code, vat_rate=sale.rate)
    if vat and sale.vat_account is not None:
        sheet.explain("VAT id", sale.vat_id or "", choice.reason("vat_code"))
        on = Place(sale.vat_account, (), choice)
        sheet.put("vat", on, sign * vat, vat_code=choice.vat_code, vat_id=sale.vat_id, vat_rate=sale.rate)


def group_of(party: Party | None) -> str | None:
    """The group of the other side as a rule asks for it; a processor keeps none, so a person is a consumer."""
    if party is None:
        return None
    if party.group:
        return party.group
    return "vat_number" if party.vat_number else "company" if party.is_company else "consumer"


def vat_within(gross: Money, rate: Decimal | None) -> int:
    """The VAT inside a gross amount, in minor units, rounded half up."""
    if not rate:
        return 0
    return int((Decimal(gross.minor) * rate / (_HUNDRED + rate)).quantize(Decimal(1), ROUND_HALF_UP))


def _sheet(receipt: Receipt, books: Books) -> Sheet:
    return Sheet(receipt.key, record=receipt.record, day=receipt.day, facts=receipt.facts(CAPTURE), books=books)


def _taxed(receipt: Receipt, choice: Choice, books: Books) -> Anonymous:
    """The VAT behind the rule's VAT code on that day: by the id it names, else the only one that serves it."""
    code = choice.vat_code
    if code is None:
        return Anonymous(choice)
    serving = [vat for vat in books.chart.vat_ids.values() if code in vat.categories and not vat.reverse]
    if choice.vat_id is not None:
        serving = [vat for vat in serving if vat.id == choice.vat_id]
    rate = serving[0].rate_on(receipt.day) if len(serving) == 1 else None
    account = serving[0].payable_account if len(serving) == 1 else None
    if rate is None or (rate and account is None):
        return Anonymous(choice, finding=_rate_unknown(receipt, code, choice, books))
    return Anonymous(choice, serving[0].id, account, rate)


def _rate_unknown(receipt: Receipt, code: str, choice: Choice, books: Books) -> Finding:
    return Finding(
        "vat-rate-unknown",
        f"VAT code {code}, chosen for the sale in {receipt.record} by {choice.reason('vat_code')}, does not lead to "
        f"one VAT id with a rate on {receipt.day} and an account. Name the VAT id in the rule.",
        "sales.vat_id",
        {"vat_code": code, "choices": sorted(v.id for v in books.chart.vat_ids.values() if code in v.categories)},
    )


def _unplaced(receipt: Receipt) -> Finding:
    return Finding(
        "capture-unplaced",
        f"Nobody can tell who made {receipt.record} of {receipt.amount} or for what: it is on suspense. Add a rule for "
        "its customer, or one for sales with type = capture, and replay it; or move it by hand.",
        "customer",
        {"amount": str(receipt.amount), "type": receipt.code},
        blocks=False,
    )
