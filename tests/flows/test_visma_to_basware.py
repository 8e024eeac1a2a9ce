"""Visma to Basware: reference data, suppliers, orders with receipts, invoices handed on, payments told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ml_connector.finance.plan import Content
from ml_connector.finance.procurement import BankAccount, OrderHeader, OrderLine, PaymentTermRule, ReferenceRow
from ml_connector.finance.purchasing import DueRule, LedgerFile, PaymentDetail, ReferenceValue, SettledInvoice
from ml_connector.flows.visma_to_basware_reference import term_rule
from ml_connector.flows.visma_to_basware_suppliers import bank_accounts
from tests.flows.purchase_builders import (
    DAY,
    TERMS,
    World,
    ledger_invoice,
    line,
    nok,
    order,
    payment,
    receipt,
    supplier,
    term,
    terms,
)  # fmt: skip

HEAD = "vi:order:RegularOrder:PO1"
LINE = f"{HEAD}:line:1"
FIRST = World(term(), supplier())


def with_posted(world: World, **posted: Content) -> World:
    return World(*world.documents, posted=posted)


# ---------------------------------------------------------------------------------------------- set-up


def test_nothing_is_sent_before_the_namespace_and_company_are_said() -> None:
    for change in ({"namespace": ""}, {"namespace": "x"}, {"company": ""}, {"organization": "N"}):
        assert World(terms=terms(**change)).held(supplier()) == {"purchase-terms-missing"}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (ReferenceValue("account", "6540", "Furniture"), "account"),
        (ReferenceValue("segment_value", "100", "Oslo", segment=1), "cost_center"),
        (ReferenceValue("segment_value", "X", "Chairs", segment=2), "list"),
        (ReferenceValue("vat_category", "1", "Input"), "tax_code"),
        (term(), "payment_term"),
    ],
)
def test_each_row_of_the_set_up_goes_where_it_belongs(value: ReferenceValue, kind: str) -> None:
    (write,) = World().plan(value).writes
    assert isinstance(write.content, ReferenceRow)
    assert (write.kind, write.content.kind, write.content.active) == ("reference_row", kind, True)
    assert write.pool is not None
    assert write.pool.endswith(write.content.list_key or kind)


def test_a_list_row_carries_code_and_name_in_the_columns_that_were_chosen() -> None:
    (content,) = World().contents(ReferenceValue("segment_value", "X", "Chairs", segment=2)).values()
    assert (content.list_key, content.columns) == ("ACC_LIST_1", {"text_1": "X", "text_2": "Chairs"})


def test_a_tax_code_carries_todays_rate_of_the_domestic_zone() -> None:
    (content,) = World().contents(ReferenceValue("vat_category", "1", "Input")).values()
    assert content.percent == Decimal(25)
    assert World().held(ReferenceValue("vat_category", "7", "?")) == {"tax-rate-unknown"}


def test_what_is_inactive_is_switched_off_there_and_never_deleted() -> None:
    gone = ReferenceValue("account", "6540", "Furniture", active=False)
    assert "never sent" in World().ignored(gone)
    (before,) = World().contents(replace(gone, active=True)).values()
    (after,) = World(posted={"vi:account:6540": before}).contents(gone).values()
    assert (after.active, after.external_code) == (False, before.external_code)


def test_a_segment_that_has_no_place_there_is_left_out() -> None:
    assert "nowhere" in World().ignored(ReferenceValue("segment_value", "7", "?", segment=7))


@pytest.mark.parametrize(
    ("rule", "made"),
    [
        (DueRule("FixedNumberOfDays", days=30), PaymentTermRule(days=30)),
        (DueRule("EndOfMonth", days=0), PaymentTermRule(month_ends=1)),
        (DueRule("End of Next Month"), PaymentTermRule(month_ends=2)),
        (DueRule("DayOfNextMonth", day_of_month=15), PaymentTermRule(month_ends=1, days_after_month=15)),
        (DueRule("Custom"), PaymentTermRule(automatic=False)),
        (DueRule("FixedNumberOfDays", days=30, instalments=True), PaymentTermRule(automatic=False)),
        (
            DueRule("FixedNumberOfDays", days=30, discount_days=10, discount_percent=Decimal(2)),
            PaymentTermRule(days=30, discount_days=10, discount_percent=Decimal(2)),
        ),
    ],
)
def test_credit_terms_are_said_in_the_other_systems_way(rule: DueRule, made: PaymentTermRule) -> None:
    assert term_rule(rule) == made


def test_terms_without_an_end_get_one_because_the_field_is_required() -> None:
    (content,) = World().contents(term()).values()
    assert (content.valid_from, content.valid_to) == (date(2000, 1, 1), date(9999, 12, 31))


# ---------------------------------------------------------------------------------------------- suppliers


def test_a_supplier_waits_for_its_payment_terms_alone() -> None:
    write = FIRST.writes(supplier())["vi:supplier:50012"]
    assert write.needs == ("vi:term:30",)
    assert World().writes(supplier())["vi:supplier:50012"].needs == ()  # terms that we do not send are Basware's own
    assert World(term(active=False)).writes(supplier())["vi:supplier:50012"].needs == ()


def test_a_supplier_goes_whole() -> None:
    card = FIRST.contents(supplier())["vi:supplier:50012"]
    assert card.identifiers == (("VAT", "NO912345678MVA"),)
    assert card.accounts == (BankAccount("NO9386011117947", bic="TESTNOKK"),)
    (address,) = card.addresses
    assert (address.role, address.country, address.default) == ("postal", "NO", True)


@pytest.mark.parametrize(
    ("status", "active", "denied"),
    [("Active", True, False), ("OneTime", True, False), ("OnHold", True, True), ("HoldPayments", True, True)],
)
def test_a_supplier_on_hold_is_known_there_and_not_paid(status: str, active: bool, denied: bool) -> None:
    card = FIRST.contents(supplier(status=status))["vi:supplier:50012"]
    assert (card.active, card.payment_denied) == (active, denied)


def test_an_inactive_supplier_is_switched_off_if_it_was_sent() -> None:
    assert "never sent" in FIRST.ignored(supplier(status="Inactive"))
    key = "vi:supplier:50012"
    card = World(posted={key: FIRST.contents(supplier())[key]}).contents(supplier(status="Inactive"))[key]
    assert not card.active


@pytest.mark.parametrize(
    ("details", "paid_by", "accounts"),
    [
        ([("IBAN", "NO9386011117947"), ("iban", "NO93 8601 1117 947")], "", [("NO9386011117947", "")]),
        ([("IBAN", "NO9386011117947"), ("Bank account", "86011117947")], "", [("NO9386011117947", "86011117947")]),
        ([("Bankgiro", "5050-1055"), ("Plusgiro", "41 50 60-3")], "PLUSGIRO", [("", "415060-3"), ("", "5050-1055")]),
        ([("IBAN", "NO9386011117947"), ("Bankgiro", "1"), ("Plusgiro", "2")], "BANKGIRO",
         [("", "1"), ("", "2"), ("NO9386011117947", "")]),
        ([("IBAN", "no iban"), ("Remark", "call first")], "", []),
    ],
)  # fmt: skip
def test_bank_accounts_are_unique_and_the_one_that_is_used_comes_first(
    details: list[tuple[str, str]], paid_by: str, accounts: list[tuple[str, str]]
) -> None:
    found = bank_accounts([PaymentDetail(*one) for one in details], paid_by=paid_by)
    assert [(one.iban, one.bban) for one in found] == accounts


def test_a_code_that_is_too_long_is_held_and_not_cut() -> None:
    assert FIRST.held(supplier(number="9" * 26)) == {"code-too-long"}
    assert FIRST.held(supplier(name=" ")) == {"party-name-missing"}


# ---------------------------------------------------------------------------------------------- orders


def test_an_order_waits_for_its_vendor_and_its_lines_for_the_head() -> None:
    writes = FIRST.writes(order())
    assert writes[HEAD].needs == ("vi:supplier:50012", "vi:term:30")
    assert writes[LINE].needs == (HEAD,)
    assert World().writes(order())[HEAD].needs == ()


def test_a_line_waits_for_the_rows_that_its_coding_names_as_far_as_they_go_there() -> None:
    rows = (
        ReferenceValue("account", "6540", "Office"),
        ReferenceValue("vat_category", "1", "25 %"),
        ReferenceValue("segment_value", "100", "Sales", segment=1),
        ReferenceValue("segment_value", "X", "Project X", active=False, segment=2),  # inactive ones are not sent
    )
    writes = World(supplier(), term(), *rows).writes(order())
    assert writes[LINE].needs == (HEAD, "vi:account:6540", "vi:vat:1", "vi:segment:1/100")
    assert writes[HEAD].needs == ("vi:supplier:50012", "vi:term:30")
    nowhere = World(supplier(), term(), *rows, terms=terms(dimensions={}, lists={})).writes(order())
    assert nowhere[LINE].needs == (HEAD, "vi:account:6540", "vi:vat:1")


def test_the_four_fields_that_name_an_order_there_come_from_its_number_and_the_terms() -> None:
    head = FIRST.contents(order())[HEAD]
    assert (head.number, head.source_system, head.company, head.organization) == ("PO1", "VISMANET-1", "NO01", "NO01")
    assert head.lines == ("1",)


def test_goods_are_matched_in_three_ways_and_services_in_two() -> None:
    contents = FIRST.contents(order(line(), line(2, kind="Service", account="6550")))
    goods, service = contents[LINE], contents[f"{HEAD}:line:2"]
    assert (goods.receipt_required, goods.receipt_based) == (True, True)
    assert (service.receipt_required, service.receipt_based) == (False, False)
    two_way = World(*FIRST.documents, terms=terms(three_way=False)).contents(order())[LINE]
    assert not two_way.receipt_required


def test_a_subaccount_goes_as_one_dimension_for_each_segment() -> None:
    (coding,) = FIRST.contents(order())[LINE].coding
    assert (coding.account, coding.dimensions) == ("6540", (("cost_center", "100"), ("dim1", "X")))
    assert coding.quantity == Decimal(10)


def test_stock_without_an_account_goes_to_the_accrual_account_of_a_rule() -> None:
    (coding,) = FIRST.contents(order(line(account="")))[LINE].coding
    assert coding.account == "2410"
    assert FIRST.held(order(line(account="", kind="NonStock"))) == {"mapping-missing"}


def test_a_line_carries_rate_unit_and_the_suppliers_article() -> None:
    sent = FIRST.contents(order())[LINE]
    assert (sent.tax_percent, sent.unit, sent.article, sent.own_article) == (Decimal(25), "C62", "CHAIR-1", "INV-7")
    assert FIRST.contents(order(line(supplier_article="")))[LINE].article == "INV-7"


def test_goods_that_go_back_are_a_return_with_a_negative_price_and_a_positive_quantity() -> None:
    sent = FIRST.contents(order(line(quantity=Decimal(-2), net=nok(-2000))))[LINE]
    assert (sent.returned, sent.quantity, sent.net_price, sent.net_sum) == (
        True,
        Decimal(2),
        Decimal("-1000.1234"),
        nok(-2000),
    )
    assert not sent.receipt_required


def test_lines_of_words_are_not_matched() -> None:
    assert set(FIRST.contents(order(line(), line(2, kind="Description", quantity=Decimal(0))))) == {HEAD, LINE}


@pytest.mark.parametrize("type_", ["Blanket", "StandardBlanket"])
def test_an_agreement_is_no_blanket_order(type_: str) -> None:
    assert type_ in FIRST.ignored(order(type=type_))


@pytest.mark.parametrize("change", [{"hold": True}, {"status": "Balanced"}, {"status": "PendingEmail"}])
def test_an_order_that_is_not_open_waits(change: dict[str, object]) -> None:
    assert "goes out once it is open" in FIRST.waits(order(**change))


def test_an_order_that_ended_before_it_was_sent_is_left_out() -> None:
    assert "never sent" in FIRST.ignored(order(status="Closed"))


def sent(*lines: object) -> dict[str, Content]:
    return dict(FIRST.contents(order(*lines)))  # type: ignore[arg-type]


def test_closing_an_order_closes_every_line_because_lines_do_not_inherit_it() -> None:
    after = World(*FIRST.documents, posted=sent(line(), line(2))).contents(order(line(), line(2), status="Closed"))
    assert after[HEAD].closed
    assert [(after[key].closed, after[key].deleted) for key in (LINE, f"{HEAD}:line:2")] == [(True, False)] * 2


@pytest.mark.parametrize("status", ["Cancelled", "Voided"])
def test_cancelling_an_order_deletes_and_closes_every_line(status: str) -> None:
    after = World(*FIRST.documents, posted=sent()).contents(order(status=status))
    assert (after[LINE].deleted, after[LINE].closed) == (True, True)


def test_a_line_may_be_closed_or_cancelled_alone() -> None:
    after = FIRST.contents(order(line(completed=True), line(2, canceled=True)))
    assert (after[LINE].closed, after[LINE].deleted) == (True, False)
    assert (after[f"{HEAD}:line:2"].closed, after[f"{HEAD}:line:2"].deleted) == (True, True)


def test_a_line_that_is_gone_is_deleted_from_memory_and_stays_remembered() -> None:
    posted = sent(line(), line(2))
    after = World(*FIRST.documents, posted=posted).contents(order(line()))
    gone = after[f"{HEAD}:line:2"]
    assert (gone.deleted, gone.closed, gone.quantity) == (True, True, Decimal(10))
    assert after[HEAD].lines == ("1", "2")
    # The line's own write may belong to a receipt by now: the head alone remembers it.
    head = posted[HEAD]
    bare = World(*FIRST.documents, posted={HEAD: head}).contents(order(line()))[f"{HEAD}:line:2"]
    assert (bare.deleted, bare.external_code) == (True, gone.external_code)


def test_an_order_back_on_hold_stays_there_as_it_was() -> None:
    assert "stays there" in World(*FIRST.documents, posted=sent()).waits(order(hold=True))


def test_another_type_with_the_same_number_gets_its_type_before_it() -> None:
    after = World(*FIRST.documents, posted=sent()).contents(order(type="DropShip"))
    head = after["vi:order:DropShip:PO1"]
    assert isinstance(head, OrderHeader)
    assert head.number == "DropShip-PO1"


# ---------------------------------------------------------------------------------------------- receipts


def test_a_receipt_sends_the_whole_line_again_with_coding_and_all_receipts() -> None:
    first, second = receipt("R1", 4), receipt("R2", 6)
    contents = World(*FIRST.documents, order(), first, second).contents(second)
    assert set(contents) == {LINE}  # the head is not its matter
    made = contents[LINE]
    assert isinstance(made, OrderLine)
    assert [(one.number, one.quantity) for one in made.receipts] == [("R1", Decimal(4)), ("R2", Decimal(6))]
    assert made.coding
    assert contents[LINE] == World(*FIRST.documents, first, second).contents(order())[LINE]


def test_every_receipt_has_a_price_because_one_taken_back_without_it_counts_as_nothing() -> None:
    made = World(receipt()).contents(order())[LINE]
    assert {one.net_price for one in made.receipts} == {Decimal("1000.1234")}


def test_a_cancelled_receipt_is_taken_back_by_a_negative_row() -> None:
    made = World(receipt(status="Cancelled")).contents(order())[LINE]
    came, back = made.receipts
    assert (came.quantity, back.quantity, back.reverses) == (4, -4, came.external_code)
    assert back.external_code != came.external_code


def test_goods_returned_take_back_the_lines_only_receipt() -> None:
    back = receipt("R9", 1, type="PoReturn")
    made = World(receipt(), back).contents(order())[LINE]
    assert [(one.number, one.quantity, bool(one.reverses)) for one in made.receipts] == [
        ("R1", 4, False),
        ("R9", -1, True),
    ]
    twice = World(receipt(), back, receipt("R10", 1, type="PoReturn")).contents(order())[LINE]
    assert sum(one.quantity for one in twice.receipts) == 2


def test_goods_returned_to_one_of_several_receipts_are_a_question() -> None:
    documents = (receipt("R1", 4), receipt("R2", 6), receipt("R9", 1, type="PoReturn"))
    assert World(*documents).held(order()) == {"receipt-return-ambiguous"}
    said = World(*documents, decisions={"receipt-return-ambiguous": "R2/1"}).contents(order())[LINE]
    reversed_ = {one.external_code: one.number for one in said.receipts}[said.receipts[-1].reverses]
    assert reversed_ == "R2"


def test_a_receipt_in_another_unit_is_converted_to_the_orders() -> None:
    box = receipt(quantity=2, part={"unit": "BOX", "base_quantity": Decimal(8)})
    made = World(box).contents(order())[LINE]
    assert made.receipts[0].quantity == Decimal(8)


def test_receipts_that_are_not_released_or_for_no_order_change_nothing() -> None:
    assert "released" in World(order()).waits(receipt(status="Balanced"))
    assert "no purchase order" in World().ignored(receipt(part={"order_number": ""}))
    assert "none of its orders" in World(order(type="Blanket")).ignored(receipt())
    assert World(receipt(status="Hold")).contents(order())[LINE].receipts == ()


# ---------------------------------------------------------------------------------------------- invoices out


@pytest.mark.parametrize("status", ["Hold", "Balanced", "Prebooked"])
def test_what_waits_for_approval_is_handed_on_once(status: str) -> None:
    key = "bw:inv:NO01:Invoice:000042"
    content = World(supplier()).contents(ledger_invoice(status=status))[key]
    assert (content.number, content.total, content.file) == ("F-778", nok(1250), "")
    assert len({content.document_id, content.client_token}) == 2
    again = World(posted={key: content}).contents(ledger_invoice(status="Open", total=nok(1), reference="other"))
    assert again == {key: content}


@pytest.mark.parametrize("change", [{"status": "Open"}, {"note": "bw:doc:DOC1"}])
def test_what_is_released_or_came_from_basware_is_not_handed_on(change: dict[str, str]) -> None:
    World(supplier()).ignored(ledger_invoice(**change))


def test_a_company_that_receives_from_basware_hands_nothing_on() -> None:
    assert "come from Basware" in World(supplier(), terms=terms(mode="basware_receives")).ignored(ledger_invoice())


def test_a_debit_adjustment_is_a_question_because_no_way_in_takes_it() -> None:
    assert World(supplier()).held(ledger_invoice(type="DebitAdj")) == {"credit-not-sent"}


def test_a_pdf_goes_to_the_mailbox_and_data_over_the_network() -> None:
    files = (LedgerFile("f0", "note.txt"), LedgerFile("f1", "Invoice.PDF"))
    by_file = World(supplier(), terms=terms(mailbox="in@demo.example", notify="ap@demo.example"))
    (content,) = by_file.contents(ledger_invoice(files=files)).values()
    assert (content.file, content.file_name, content.mailbox) == ("f1", "Invoice.PDF", "in@demo.example")
    (content,) = by_file.contents(ledger_invoice()).values()
    assert content.file == ""
    nowhere = World(supplier(), terms=terms(buyer_endpoint=""))
    assert nowhere.held(ledger_invoice(files=files)) == {"purchase-terms-missing"}


def test_an_invoice_without_the_suppliers_number_or_supplier_is_held() -> None:
    assert World(supplier()).held(ledger_invoice(reference="")) == {"reference-missing"}
    assert World().held(ledger_invoice()) == {"supplier-missing"}


# ---------------------------------------------------------------------------------------------- payments


PAID = ledger_invoice(status="Closed", note="bw:doc:DOC1", term="30")


def test_a_payment_of_an_approved_invoice_is_told() -> None:
    (content,) = World(PAID, payment()).contents(payment()).values()
    assert content.source == "bw:pay:DOC1:P1"
    assert (content.document_id, content.paid, content.day, content.term) == ("DOC1", nok(1250), DAY, "30")


def test_what_is_paid_is_told_as_the_sum_of_all_payments() -> None:
    first, second = payment("P1", 500), payment("P2", 750)
    (content,) = World(PAID, first, second).contents(second).values()
    assert content.paid == nok(1250)
    # The first answer stays as it was given.
    (before,) = World(PAID, first).contents(first).values()
    (after,) = World(PAID, first, second, posted={before.source: before}).contents(first).values()
    assert after == before


def test_a_debit_adjustment_lowers_the_balance_and_pays_nothing() -> None:
    adjusted = payment("D1", 250, type="DebitAdj")
    (content,) = World(PAID, payment("P1", 1000), adjusted).contents(payment("P1", 1000)).values()
    assert content.paid == nok(1000)
    World(PAID, adjusted).ignored(adjusted)


def test_a_voided_payment_is_told_with_what_is_left() -> None:
    first, second = payment("P1", 500), payment("P2", 750)
    (told,) = World(PAID, first, second).contents(second).values()
    void = replace(second, status="Voided")
    contents = World(PAID, first, void, posted={told.source: told}).contents(void)
    assert contents["bw:pay:DOC1:P2:void"].paid == nok(500)
    assert contents["bw:pay:DOC1:P2:void"].reversal == "P2"
    World(PAID, void).ignored(void)  # it was never told


def test_payments_of_other_invoices_are_not_told() -> None:
    World(ledger_invoice(), payment()).ignored(payment())
    World(PAID, payment(), terms=terms(payments=False)).ignored(payment())
    assert "no money" in World(PAID).waits(payment(released=False, status="Balanced"))


def test_a_payment_in_another_currency_is_held() -> None:
    foreign = payment(settled=(SettledInvoice("Invoice", "000042", replace(nok(1), currency="EUR"), nok(0)),))
    assert World(PAID, foreign).held(foreign) == {"payment-currency"}


def test_every_key_and_code_is_the_same_whenever_it_is_planned() -> None:
    for document in (supplier(), order(), term(), ledger_invoice()):
        assert World(supplier(), term()).plan(document) == World(supplier(), term()).plan(document)
    assert with_posted(FIRST).terms == TERMS
