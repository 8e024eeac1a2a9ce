"""What goes out: which invoices Stripe collects, whose they are, with which VAT; and what people did to them since."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.finance.collection import (
    CollectionCredit,
    CollectionInvoice,
    InvoiceVoid,
    LedgerAttachment,
    OutsidePayment,
)
from ml_connector.finance.documents import Document
from ml_connector.finance.encoding import decode_write, encode_write
from ml_connector.finance.invoices import PartyCard, Ref
from ml_connector.finance.ledger import LedgerInvoice, LedgerLine, LedgerTax
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Found, Hold, Ignore, Plan, Wait
from ml_connector.flows.visma_to_stripe import FLOW
from ml_connector.rules.ledger_lines import taxed_lines
from tests.flows.collection_world import (
    CHART,
    D12,
    D25,
    TERMS,
    World,
    bill,
    by_kind,
    kund,
    line,
    money,
    note,
    on,
    payer,
    sek,
    sent,
    tax,
)


def world(*documents: Document, customer: tuple[Found, ...] = (payer(),), there: Any = None, **more: Any) -> World:
    found = {"customer": customer, "sent_invoice": (there,) if there is not None else ()}
    return World(FLOW, *(documents or (kund(),)), found=found, **more)


def collection(invoice: LedgerInvoice, **more: Any) -> CollectionInvoice:
    writes = world(**more).writes(invoice)
    (content,) = [write.content for write in writes if write.kind == "collection_invoice"]
    assert isinstance(content, CollectionInvoice)
    return content


# ---------------------------------------------------------------------------------------------- which


def test_a_marked_open_invoice_goes_out_and_its_page_is_told_in_the_ledger() -> None:
    writes = world().writes(bill())
    assert by_kind(writes) == {"st:inv:10042": "collection_invoice", "st:inv:10042:link": "ledger_attachment"}
    invoice, link = (write.content for write in writes)
    assert isinstance(invoice, CollectionInvoice)
    assert (invoice.customer, invoice.total, invoice.vat_total) == ("cus_1", sek("1250"), sek("250"))
    assert (invoice.due_on, invoice.day) == (date(2026, 6, 19), date(2026, 5, 20))
    assert dict(invoice.marks) == {"visma_invoice_no": "10042", "visma_customer_no": "10001"}
    assert isinstance(link, LedgerAttachment)
    assert Ref("st:inv:10042", "url") in link.lines
    assert "2026-07-19" in str(link.lines)  # the address dies thirty days after the due date
    assert [write.into for write in writes] == ["target", "source"]


@pytest.mark.parametrize(
    ("invoice", "why"),
    [
        (bill(payment_method="BANK"), "not marked for collection (nothing marks it)"),
        (bill(balance=sek("1000")), "in part already"),
        (bill(balance=sek(0), state="closed"), "in part already"),
        (bill(state="draft"), "not released"),
        (bill(state="voided"), "voided"),
        (bill(kind="debit_note"), "only invoices"),
        (bill("0"), "zero"),
        (bill(day=date(2026, 4, 30)), "before the go-live day"),
    ],
)
def test_other_invoices_stay(invoice: LedgerInvoice, why: str) -> None:
    found = world(terms=replace(TERMS, go_live=date(2026, 5, 1))).verdict(invoice)
    assert isinstance(found, Ignore)
    assert why in found.reason


def test_an_invoice_is_marked_by_its_customer_by_all_or_by_a_person() -> None:
    other = bill(payment_method="BANK")
    assert collection(other, terms=replace(TERMS, collect_customers=("10001",))).number == "10042"
    assert collection(other, terms=replace(TERMS, collect="all")).number == "10042"
    assert collection(other, decisions={"collect": "approve"}).number == "10042"


def test_an_invoice_is_marked_by_the_class_of_its_customer_once_that_is_read() -> None:
    other, classes = bill(payment_method="BANK"), replace(TERMS, collect_classes=("WEB",))
    sent_out = world(kund(group="WEB"), terms=classes).writes(other)
    assert "st:inv:10042" in by_kind(sent_out)
    assert world(kund(group="TRADE"), terms=classes).verdict(other) == Ignore(
        "not marked for collection (nothing marks it)"
    )
    assert isinstance(world(other, terms=classes).verdict(other), Wait)


def test_an_invoice_whose_customer_is_not_read_waits() -> None:
    assert isinstance(world(bill()).verdict(bill()), Wait)


def test_what_was_sent_stands_whatever_is_paid_or_noted_since() -> None:
    here = world()
    before = here.post(bill())
    for later in (bill(balance=sek(0), state="closed"), bill(note="paid by phone")):
        after = here.writes(later)
        assert [(write.key, write.kind, write.content, write.into) for write in after] == [
            (write.key, write.kind, write.content, write.into) for write in before
        ]


# ---------------------------------------------------------------------------------------------- whose


def test_a_customer_that_is_not_there_is_made_with_its_numbers_and_address() -> None:
    writes = world(customer=()).writes(bill())
    assert by_kind(writes)["st:cus:10001"] == "customer"
    card = writes[0].content
    assert isinstance(card, PartyCard)
    assert (card.account_number, card.email, card.vat_number) == ("10001", "faktura@kund.example", "SE556000000101")
    assert (card.vat_zone, card.terms, card.currency) == (None, None, None)  # the ledger's own set-up stays there
    invoice = writes[1].content
    assert isinstance(invoice, CollectionInvoice)
    assert invoice.customer == Ref("st:cus:10001")
    assert writes[1].needs == ("st:cus:10001",)


def test_the_customer_is_looked_for_by_every_mark_it_has() -> None:
    (_, asked) = FLOW.needs(bill(), world().related(bill()), TERMS)
    assert dict(asked.fields) == {
        "binding": "st:cus:10001", "customer_no": "10001", "vat_number": "SE556000000101", "org_number": "556000-0001",
        "email": "faktura@kund.example", "name": "Kund AB",
    }  # fmt: skip


def test_two_customers_that_may_be_it_ask_a_person() -> None:
    several = world(customer=(payer("cus_1", by="email"), payer("cus_2", by="email")))
    assert several.findings(bill()) == {"party-ambiguous"}
    several.decisions["party-ambiguous"] = "cus_2"
    assert "cus_2" in str(several.writes(bill())[0].content)


def test_a_name_alone_is_a_proposal_unless_the_route_says_that_it_is_enough() -> None:
    by_name = (payer("cus_9", by="name"),)
    assert world(customer=by_name).findings(bill()) == {"party-name-match"}
    assert collection(bill(), customer=by_name, terms=replace(TERMS, collect_by_name=True)).customer == "cus_9"


def test_without_an_address_for_mail_nothing_is_sent() -> None:
    assert world(kund(email=""), customer=()).findings(bill()) == {"payer-email-missing"}
    no_mail = Found("cus_1", facts={"by": "customer number"})
    assert world(customer=(no_mail,)).findings(bill()) == {"payer-email-missing"}


def test_a_customer_with_a_balance_there_is_held() -> None:
    assert world(customer=(payer(balance="-5000"),)).findings(bill()) == {"payer-balance"}


def test_a_customer_of_another_currency_there_is_a_warning() -> None:
    made = world(customer=(replace(payer(), currency="EUR"),)).verdict(bill())
    assert isinstance(made, Plan)
    assert [(finding.code, finding.blocks) for finding in made.findings] == [("payer-currency", False)]


# ---------------------------------------------------------------------------------------------- how much


def test_below_what_is_collected_at_least_an_invoice_is_held() -> None:
    small = bill("2.50")
    assert world().findings(small) == {"collection-too-small"}
    assert collection(bill("5")).total == sek("5")


def test_over_250_lines_an_invoice_is_held() -> None:
    lines = tuple(line("4", number=n) for n in range(1, 252))
    long = bill("1255", lines=lines, vat_total=sek("251"), taxes=(tax("1004", "251"),))
    assert world().findings(long) == {"collection-too-long"}


def test_vat_of_each_rate_is_split_over_its_lines_and_the_remainder_goes_to_the_largest() -> None:
    lines = (line("33.33"), line("33.33", number=2), line("33.35", number=3), line("10", "12", number=4))
    invoice = bill(
        "136.21", lines=lines, vat_total=sek("26.20"),
        taxes=(tax("100.01", "25"), tax("10", "1.20", D12, id="S12")),
    )  # fmt: skip
    sent_out = collection(invoice)
    assert [str(one.vat.decimal()) for one in sent_out.lines] == ["8.33", "8.33", "8.34", "1.20"]
    assert [one.vat_percent for one in sent_out.lines] == [D25, D25, D25, D12]


def test_reverse_charge_and_zero_rates_say_why_there_is_no_vat() -> None:
    reverse = bill("1000", lines=(line("1000", "RC"),), vat_total=sek(0), taxes=(tax("1000", "250", id="RC"),))
    (one,) = collection(reverse).lines
    assert (one.vat, one.vat_percent, one.exempt) == (sek(0), Decimal(0), "reverse_charge")
    export = bill("1000", lines=(line("1000", "0"),), vat_total=sek(0), taxes=(tax("1000", "0", Decimal(0), id="EX"),))
    (one,) = collection(export).lines
    assert one.exempt == "zero_rated"
    without = bill("1000", lines=(line("1000", ""),), vat_total=sek(0), taxes=())
    (one,) = collection(without).lines
    assert one.vat_percent is None


@pytest.mark.parametrize(
    ("invoice", "code"),
    [
        (bill(taxes=None), "vat-details-missing"),
        (bill(taxes=(tax("1000", "249"),)), "vat-differs"),
        (bill(taxes=(tax("900", "250"),)), "vat-lines-differ"),
        (bill("1251"), ""),
        (replace(bill(), total=sek("1250.40"), balance=sek("1250.40")), "document-total-differs"),
    ],
)
def test_vat_that_the_ledger_does_not_explain_is_held(invoice: LedgerInvoice, code: str) -> None:
    if code:
        assert world().findings(invoice) == {code}
    else:
        assert world().writes(invoice)


def test_taxes_shown_in_base_currency_are_worked_out_by_their_rates() -> None:
    eur = Money.of
    abroad = LedgerInvoice(
        "invoice", "10043", "open", "10001", "EUR", date(2026, 5, 20), None,
        (LedgerLine(1, "Work", eur("100", "EUR"), "3001", "25"),), eur("125", "EUR"), eur("125", "EUR"),
        eur("25", "EUR"), bill().updated_at,
        taxes=(LedgerTax("S25", D25, eur("1130", "EUR"), eur("282.50", "EUR")),), payment_method="STRIPE",
    )  # fmt: skip
    assert collection(abroad).lines[0].vat == eur("25", "EUR")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(-50_000, 90_000), min_size=1, max_size=12), st.sampled_from([D25, D12]))
def test_the_vat_of_the_lines_is_the_vat_of_the_document_to_the_last_cent(nets: list[int], rate: Decimal) -> None:
    base = sum(nets)
    vat = Money(round(base * rate / 100), "SEK")
    code, vat_id = ("25", "S25") if rate == D25 else ("12", "S12")
    lines = tuple(LedgerLine(n, "x", Money(net, "SEK"), "3001", code) for n, net in enumerate(nets, 1))
    total = Money(base, "SEK") + vat
    document = replace(
        bill(),
        lines=lines,
        total=total,
        balance=total,
        vat_total=vat,
        taxes=(LedgerTax(vat_id, rate, Money(base, "SEK"), vat),),
    )
    found = taxed_lines(document, CHART)
    if isinstance(found, Finding):
        assert not any(nets) or base == 0
        return
    assert sum(one.vat.minor for one in found) == vat.minor
    assert sum(one.gross.minor for one in found) == total.minor


# ---------------------------------------------------------------------------------------------- later changes


def change(document: Document, there: Found | None = None, **more: Any) -> Any:
    (write,) = world(there=there or sent(), **more).writes(document)
    return write


def test_a_bank_payment_of_all_of_it_marks_it_paid_there() -> None:
    write = change(money())
    assert (write.key, write.kind) == ("st:chg:payment/P1:10042", "outside_payment")
    content = write.content
    assert isinstance(content, OutsidePayment)
    assert (content.invoice, content.amount, content.whole) == ("in_1", sek("1250"), True)


def test_a_part_payment_asks_a_person_or_is_recorded() -> None:
    part = money("500", on(amount="500"))
    assert world(there=sent()).findings(part) == {"part-paid-outside"}
    content = change(part, terms=replace(TERMS, collect_part_payments="record")).content
    assert isinstance(content, OutsidePayment)
    assert (content.amount, content.whole) == (sek("500"), False)


def test_what_the_bank_pays_and_stripe_has_already_is_a_question() -> None:
    assert world(there=sent("paid", remaining="0", paid="1250")).findings(money()) == {"paid-twice"}
    assert world(there=sent(remaining="1000")).findings(money()) == {"outside-payment-too-large"}


def test_a_bank_payment_of_what_people_called_paid_there_is_matched_and_not_told() -> None:
    there = replace(sent("paid", remaining="0", paid="1250"), facts={"outside": "125000", "others": "0"})
    found = world(there=there).verdict(money())
    assert isinstance(found, Ignore)
    assert "this is its payment" in found.reason
    through = replace(there, facts={"outside": "40000", "others": "0"})
    assert world(there=through).findings(money()) == {"paid-twice"}


@pytest.mark.parametrize(("answer", "told"), [("approved", False), ("other", True)])
def test_a_part_that_people_told_of_there_themselves_is_asked_about_once(answer: str, told: bool) -> None:
    part, here = money("400", on(amount="400")), sent(remaining="850", paid="400")
    there = replace(here, facts={**here.facts, "outside": "40000", "others": "40000"})
    terms = replace(TERMS, collect_part_payments="record")
    assert world(there=there, terms=terms).findings(part) == {"outside-told-already"}
    said = world(there=there, terms=terms, decisions={"outside-told-already": answer}).verdict(part)
    assert isinstance(said, Plan if told else Ignore)


def test_a_payment_of_invoices_that_were_never_sent_is_none_of_stripes() -> None:
    assert isinstance(world().verdict(money()), Ignore)
    assert isinstance(world(there=sent()).verdict(money("1250", on("7", document="DebitNote"))), Ignore)


@pytest.mark.parametrize(
    "ours",
    [
        money(text="st:inpay:inpay_1QabcDEF"),
        money(text="stripe2:ch:py_1Qabc"),
        money(cash_account="STSEK"),
        money(reference="st:inpay:inpay_1"),
    ],
)
def test_what_came_through_stripe_never_goes_back_to_it(ours: Document) -> None:
    assert isinstance(world(there=sent()).verdict(ours), Ignore)
    assert isinstance(world(there=sent()).verdict(note("250", on(amount="250"), note="st:re:re_1Q")), Ignore)


def test_a_bank_payment_voided_after_it_was_told_is_a_persons_matter() -> None:
    here = world(there=sent())
    here.post(money())
    assert here.findings(money(state="voided")) == {"outside-payment-voided"}
    assert isinstance(world(there=sent()).verdict(money(state="voided")), Ignore)
    assert isinstance(world(there=sent()).verdict(money(kind="void_payment")), Ignore)


def test_what_was_told_of_a_payment_stands() -> None:
    here = world(there=sent())
    before = here.post(money())
    here.found["sent_invoice"] = (sent("paid", remaining="0", paid="1250"),)  # type: ignore[index]
    assert [write.content for write in here.writes(money())] == [write.content for write in before]


def test_a_part_credit_lowers_the_invoice_with_the_vat_of_each_line() -> None:
    write = change(note("250", on(amount="250")))
    assert (write.key, write.kind) == ("st:chg:credit_note/CN7:10042", "collection_credit")
    content = write.content
    assert isinstance(content, CollectionCredit)
    assert (content.total, content.vat_total, content.lines[0].vat_percent) == (sek("250"), sek("50"), D25)


def test_a_credit_of_all_of_it_takes_it_back_where_nothing_was_paid() -> None:
    write = change(note("1250", on()))
    assert write.content == InvoiceVoid("in_1", "credit_note/CN7", "st:chg:credit_note/CN7:10042")


def test_a_credit_that_would_touch_what_was_paid_asks_a_person() -> None:
    assert world(there=sent("paid", remaining="0", paid="1250")).findings(note("250", on(amount="250"))) == {
        "credit-on-paid"
    }
    assert world(there=sent(remaining="100", paid="1150")).findings(note("250", on(amount="250"))) == {"credit-on-paid"}
    assert world(there=sent()).findings(note("500", on(amount="250"))) == {"credit-partly-applied"}


def test_a_credit_on_an_invoice_that_is_void_there_is_told_to_nobody() -> None:
    assert isinstance(world(there=sent("void")).verdict(note("250", on(amount="250"))), Ignore)


def test_planning_twice_is_planning_once_and_writes_come_back_from_the_store() -> None:
    for document, there in ((bill(), None), (money(), sent()), (note("250", on(amount="250")), sent())):
        here = world(there=there)
        made = here.writes(document)
        assert here.writes(document) == made
        assert [decode_write(encode_write(write)) for write in made] == made


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (bill("1500", lines=(line("1200"),), vat_total=sek(300), taxes=(tax("1200", "300"),)), "total 1,250.00 SEK is"),
        (bill(due_on=date(2026, 9, 1)), "due date"),
        (bill(customer="10099"), "customer 10001 is 10099 now"),
        (bill(state="voided", balance=sek(0)), "it is voided now"),
    ],
    ids=["total", "due date", "customer", "voided"],
)
def test_an_invoice_changed_after_it_was_sent_is_never_passed_over_in_silence(
    changed: LedgerInvoice, says: str
) -> None:
    there = world()
    sent_before = there.post(bill())
    assert {write.key for write in there.writes(bill())} == {write.key for write in sent_before}
    held = there.verdict(changed)
    assert isinstance(held, Hold)
    (finding,) = held.findings
    assert (finding.code, finding.blocks) == ("sent-invoice-changed", True)
    assert says in finding.sentence
    there.decisions["sent-invoice-changed"] = str(finding.proposal["accept"])
    assert {write.key for write in there.writes(changed)} == {write.key for write in sent_before}
    assert there.findings(replace(changed, due_on=date(2027, 1, 1))) == {"sent-invoice-changed"}, "another change"
