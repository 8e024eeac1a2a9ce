"""Basware to Visma: an approved invoice is booked once, coded, answered; or sent back in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.finance.chart import Account
from ml_connector.finance.invoices import PurchaseLink, Ref, SupplierInvoice
from ml_connector.finance.plan import Elsewhere, Found
from ml_connector.finance.procurement import Acknowledgement, LedgerCoding, TransferAnswer
from ml_connector.finance.purchasing import GivenAnswer
from ml_connector.finance.rulebook import Rule, When
from ml_connector.flows.basware_to_visma import FLOW as BACK
from tests.flows.purchase_builders import (
    CHART,
    RULES,
    SUPPLIER,
    World,
    approved,
    back,
    ledger_invoice,
    line,
    nok,
    order,
    receipt,
    receives,
    row,
    terms,
)  # fmt: skip

OWN = "bw:doc:DOC1"
BILL = "bw:bill:NO01|50012|2026|f-778"  # the event: two documents of one invoice claim the same
ACK, ANSWER = f"{OWN}:ack:1", f"{OWN}:answer:1"


def invoice_of(world: World, document: Any) -> SupplierInvoice:
    (content,) = [one for key, one in world.contents(document).items() if ":bill:" in key]
    assert isinstance(content, SupplierInvoice)
    return content


def refusal_of(world: World, document: Any) -> str:
    """The words with which it goes back; nothing is booked then."""
    contents = world.contents(document)
    assert not [key for key in contents if ":bill:" in key]
    answer = contents[max(key for key in contents if ":answer:" in key)]
    assert isinstance(answer, TransferAnswer)
    assert not answer.success
    return answer.message


# ---------------------------------------------------------------------------------------------- booked and answered


def test_it_is_acknowledged_booked_and_answered_in_this_order() -> None:
    writes = back().writes(approved())
    assert list(writes) == [ACK, BILL, ANSWER]
    assert [writes[key].into for key in writes] == ["source", "target", "source"]
    assert writes[BILL].needs == (ACK,)
    assert writes[ANSWER].needs == (ACK, BILL)
    answer = writes[ANSWER].content
    assert isinstance(answer, TransferAnswer)
    assert (answer.success, answer.voucher, answer.payment_block) == (True, Ref(BILL), False)


def test_coding_rows_become_lines_and_vat_is_the_difference_to_gross() -> None:
    rows = (row(1, 600, 750, dimensions=((1, "X"),)), row(2, 400, 500, account="6550", cost_center="200"))
    made = invoice_of(back(), approved(*rows))
    assert [(one.account, one.net, one.vat_code, one.dimensions) for one in made.lines] == [
        ("6540", nok(600), "1", ((1, "100"), (2, "X"))),
        ("6550", nok(400), "1", ((1, "200"),)),
    ]
    assert (made.total, made.vat_total) == (nok(1250), nok(250))
    assert (made.supplier, made.reference, made.payment_reference) == ("50012", "F-778", "00123456789")
    assert made.source == OWN  # it stands in the note: by it payments find the document again


def test_a_row_without_a_tax_code_takes_the_no_vat_category_of_a_rule() -> None:
    made = invoice_of(back(), approved(row(1, 1000, 1000, tax_code=""), gross=nok(1000)))
    assert (made.lines[0].vat_code, made.vat_total) == ("0", nok(0))


def test_the_voucher_date_names_the_period() -> None:
    made = invoice_of(back(), approved(voucher_day=date(2026, 3, 1)))
    assert (made.day, made.posting_day) == (date(2026, 2, 3), date(2026, 3, 1))
    assert invoice_of(back(), approved(voucher_day=date(2026, 2, 3))).posting_day is None


def test_a_period_that_is_closed_by_now_follows_the_routes_policy_for_late_items() -> None:
    shut = replace(CHART, periods=tuple(
        replace(one, closed=frozenset({"supplier_ledger"})) if one.id in ("202602", "202603") else one
        for one in CHART.periods
    ))  # fmt: skip
    assert back(chart=shut).held(approved()) == {"period-closed"}
    late = back(chart=shut, terms=replace(receives(), late="next_open"))
    made = invoice_of(late, approved())
    assert (made.day, made.posting_day) == (date(2026, 2, 3), date(2026, 4, 1))
    assert invoice_of(late, approved(voucher_day=date(2026, 5, 2))).posting_day == date(2026, 5, 2)


@pytest.mark.parametrize(
    ("account", "says"),
    [
        (Account("6540", "Payables", control="AP"), "account 6540 belongs to AP and takes no other entry"),
        (Account("6540", "Dollars", currency="USD"), "account 6540 keeps USD, and the invoice is in NOK"),
        (Account("6540", "Old", active=False), "account 6540 is inactive"),
    ],
)
def test_an_account_that_takes_no_cost_goes_back_to_who_coded_it(account: Account, says: str) -> None:
    chart = replace(CHART, accounts={**CHART.accounts, "6540": account})
    assert says in refusal_of(back(chart=chart), approved())
    coded = back(chart=chart, terms=HERE, found=there())
    assert says in refusal_of(coded, approved())


def test_a_negative_gross_sum_is_a_credit() -> None:
    made = invoice_of(back(), approved(row(1, -1000, -1250), net=nok(-1000), gross=nok(-1250)))
    assert made.total == nok(-1250)


def test_a_type_that_disagrees_with_the_sum_is_held_until_a_person_approves() -> None:
    assert back().held(approved(type_code="CRE")) == {"invoice-type"}
    assert invoice_of(back(decisions={"invoice-type": "approve"}), approved(type_code="CRE")).total == nok(1250)
    invoice_of(back(), approved(type_code="INV"))
    invoice_of(back(), approved(type_code="whatever"))


def test_a_payment_block_posts_all_the_same_and_is_not_selected_for_payment() -> None:
    """On hold its cost would be missing from the ledger."""
    plan = back().plan(approved(payment_block=True))
    contents = {write.key: write.content for write in plan.writes}
    assert contents[BILL].pay_selected is False  # type: ignore[union-attr]
    assert contents[ANSWER].payment_block is True  # type: ignore[union-attr]
    assert [finding.code for finding in plan.findings] == ["payment-blocked"]


# ---------------------------------------------------------------------------------------------- orders and receipts


ORDERS = {"purchase_order": (Found("PO1", document=order(line(), line(2, kind="Service"))),)}
ONE_RECEIPT = {**ORDERS, "purchase_receipt": (Found("R1", document=receipt()),)}
MATCHED = row(order="PO1", order_line="1", quantity=Decimal(4))


def test_a_row_with_a_receipt_is_linked_to_it_or_its_accrual_would_stay_open() -> None:
    made = invoice_of(back(), approved(row(receipt="R1", receipt_line="1", quantity=Decimal(4))))
    assert (made.lines[0].link, made.lines[0].quantity) == (PurchaseLink("receipt", "R1", 1), Decimal(4))


def test_stock_is_linked_to_the_only_receipt_and_services_to_the_order() -> None:
    assert invoice_of(back(found=ONE_RECEIPT), approved(MATCHED)).lines[0].link == PurchaseLink("receipt", "R1", 1)
    service = replace(MATCHED, order_line="2")
    assert invoice_of(back(found=ORDERS), approved(service)).lines[0].link == PurchaseLink("order", "PO1", 2)


def test_stock_with_several_receipts_is_a_question() -> None:
    found = {**ORDERS, "purchase_receipt": tuple(Found(n, document=receipt(n)) for n in ("R1", "R2"))}
    assert back(found=found).held(approved(MATCHED)) == {"receipt-ambiguous"}
    said = back(found=found, decisions={"receipt-ambiguous": "R2/1"})
    assert invoice_of(said, approved(MATCHED)).lines[0].link == PurchaseLink("receipt", "R2", 1)
    assert back(found=ORDERS).held(approved(MATCHED)) == {"receipt-ambiguous"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"order": "PO1,PO2"}, "several orders"), ({"order_line": "1;2"}, "several orders"),
        ({"order_line": "7"}, "no line 7"), ({"order_line": ""}, "without a line"),
    ],
)  # fmt: skip
def test_a_row_that_names_no_one_line_of_an_order_goes_back(change: dict[str, str], says: str) -> None:
    assert says in refusal_of(back(found=ONE_RECEIPT), approved(replace(MATCHED, **change)))  # type: ignore[arg-type]


def test_an_order_that_is_not_in_the_ledger_goes_back() -> None:
    assert "order PO1 is not in the ledger" in refusal_of(back(), approved(MATCHED))


def test_the_type_that_we_put_before_a_number_is_taken_off_again() -> None:
    matched = replace(MATCHED, order="DropShip-PO1", order_line="2")
    assert invoice_of(back(found=ORDERS), approved(matched)).lines[0].link == PurchaseLink("order", "PO1", 2)


# ---------------------------------------------------------------------------------------------- VAT that needs a rule


RULED = replace(
    RULES,
    rules=(
        *RULES.rules,
        Rule("half", ("vat_input",), When(type=("partly_deductible",)), vat_code="1P"),
        Rule("turned", ("vat_input",), When(type=("reverse_charge",)), vat_code="86I"),
    ),
)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"second_tax_percent": Decimal(12), "second_tax": nok(120)}, "1P"),
        ({"tax_code": "86", "gross": nok(1000)}, "86I"),
    ],
)
def test_vat_deducted_in_part_or_turned_around_is_held_unless_a_rule_maps_it(change: dict[str, Any], code: str) -> None:
    document = approved(replace(row(), **change), gross=change.get("gross", nok(1250)))
    assert back().held(document) == {"mapping-missing"}
    assert invoice_of(back(rules=RULED), document).lines[0].vat_code == code


# ---------------------------------------------------------------------------------------------- sums


def test_a_cent_a_row_goes_to_the_rounding_account() -> None:
    made = invoice_of(
        back(), approved(row(1, "333.33", "416.67"), row(2, "333.33", "416.67"), row(3, "333.33", "416.67"))
    )
    rounding = made.lines[-1]
    assert (rounding.account, rounding.net, rounding.vat_code) == ("7770", nok("0.01"), "0")
    assert made.total == nok(1250)


@pytest.mark.parametrize("change", [{"net": nok(990)}, {"gross": nok(1240)}, {"net": None}, {"gross": None}])
def test_sums_that_differ_by_more_go_back(change: dict[str, Any]) -> None:
    assert "sum" in refusal_of(back(), approved(**change))


# ---------------------------------------------------------------------------------------------- sent back


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"number": ""}, "no invoice number"), ({"day": None}, "no invoice date"), ({"supplier": ""}, "no supplier"),
        ({"rows": ()}, "no coding rows"), ({"rows": (row(account=""),)}, "no account"),
        ({"rows": (row(account="9999"),)}, "9999 is inactive"), ({"rows": (row(account="1"),)}, "not in the ledger"),
        ({"rows": (row(tax_code="9"),)}, "tax code 9"), ({"rows": (row(tax_code=""),)}, "tax and no tax code"),
        ({"rows": (row(cost_center="900"),)}, "900 is no active value of Department"),
        ({"rows": (replace(row(), net=None),)}, "no net"),
    ],
)  # fmt: skip
def test_what_people_there_must_mend_goes_back_in_words_and_never_in_silence(change: dict[str, Any], says: str) -> None:
    document = replace(approved(), **change)
    assert says in refusal_of(back(), document)
    writes = back().writes(document)
    assert list(writes) == [ACK, ANSWER]  # acknowledged first: only what is acknowledged can be answered


def test_a_supplier_that_is_not_in_the_ledger_goes_back_and_a_blocked_one_is_held() -> None:
    assert "not in the ledger" in refusal_of(back(found={"supplier": ()}), approved())
    blocked = (replace(SUPPLIER[0], status="OnHold"),)
    assert back(found={"supplier": blocked}).held(approved()) == {"supplier-blocked"}


def test_segments_are_right_only_together() -> None:
    assert "combination 100 is not in the ledger" in refusal_of(back(found={"subaccount": ()}), approved())
    inactive = {"subaccount": (Found("100", status="Inactive"),)}
    assert "combination 100 is inactive" in refusal_of(back(found=inactive), approved())
    invoice_of(back(found={"subaccount": ()}, terms=receives(combinations="free")), approved())


def test_a_duplicate_of_the_same_supplier_number_and_year_goes_back() -> None:
    other = Found("Invoice/000041", document=ledger_invoice(number="000041", status="Open"))
    assert "is in the ledger as Invoice/000041" in refusal_of(back(found={"supplier_document": (other,)}), approved())


def claimed(state: str, *, by: str = "DOC0") -> tuple[Elsewhere, ...]:
    """The ledger's document of this invoice, made from another document."""
    content = replace(invoice_of(back(), approved()), source=f"bw:doc:{by}", document=by)
    return (Elsewhere("Invoice/000041" if state == "done" else "", state, "supplier_invoice", {BILL: content}),)


def test_a_second_document_of_an_invoice_goes_back_with_the_number_of_the_first() -> None:
    assert "is in the ledger as Invoice/000041" in refusal_of(back(ours=claimed("done")), approved())
    assert "is in the ledger" not in str(back(ours=claimed("done", by="DOC1")).verdict(approved()))


@pytest.mark.parametrize("state", ["open", "sealed"])
def test_while_the_first_is_on_its_way_the_second_claims_the_same_key_and_nothing_is_said(state: str) -> None:
    """The key lets one in: the second waits there, and is told nothing that is not known yet."""
    first, second = (back(ours=claimed(state)).writes(replace(approved(), id=id_)) for id_ in ("DOC0", "DOC1"))
    assert BILL in first
    assert BILL in second


@pytest.mark.parametrize(("status", "taken"), [("TransferInProgress", 1), ("Transferred", 1), ("TransferFailed", 0)])
def test_a_document_that_was_taken_before_we_came_keeps_its_twin_out(status: str, taken: int) -> None:
    twin = approved(id="DOC0", status=status)
    world = back(documents=(twin,))
    if taken:
        assert "approved as document DOC0 as well" in refusal_of(world, approved())
    else:
        invoice_of(world, approved())


def test_a_refusal_is_never_longer_than_its_field() -> None:
    rows = tuple(row(n, 1, 1, account="") for n in range(1, 60))
    assert len(refusal_of(back(), approved(*rows))) == 250


# ---------------------------------------------------------------------------------------------- offered again


FAILED = GivenAnswer("f", success=False)


def test_after_a_refusal_the_same_id_is_a_new_attempt() -> None:
    again = approved(transfers=(FAILED,))
    writes = back().writes(again)
    assert list(writes) == [f"{OWN}:ack:2", BILL, f"{OWN}:answer:2"]
    first, second = (back().contents(one)[key] for one, key in ((approved(), ANSWER), (again, f"{OWN}:answer:2")))
    assert first.external_code != second.external_code


def test_what_is_booked_is_answered_with_the_number_that_is_held() -> None:
    contents = back().contents(approved())
    world = back(posted=contents)
    offered = replace(approved(), transfers=(GivenAnswer("a", success=True),), net=nok(1), gross=nok(1))
    writes = world.writes(offered)
    assert writes[BILL].content == contents[BILL]  # never a second one, whatever it says now
    answer = writes[f"{OWN}:answer:2"].content
    assert isinstance(answer, TransferAnswer)
    assert answer.voucher == Ref(BILL)


def test_while_it_is_in_progress_nothing_new_is_planned() -> None:
    contents = back().contents(approved())
    after = replace(approved(), status="TransferInProgress", transfers=(GivenAnswer("a", success=True),))
    assert back(posted=contents).contents(after) == contents


@pytest.mark.parametrize("status", ["Transferred", "Paid", "TransferFailed"])
def test_once_answered_it_stays_as_it_is(status: str) -> None:
    contents = back().contents(approved())
    assert back(posted=contents).contents(approved(status=status)) == contents
    back().ignored(approved(status=status))


def test_one_that_waits_for_prebooking_is_told_of_because_it_would_wait_for_ever() -> None:
    assert back().held(approved(status="WaitingForPrebook")) == {"prebook-waits"}
    back(terms=replace(terms(), code="bw")).ignored(approved(status="WaitingForPrebook"))


def test_an_invoice_made_before_a_restored_backup_is_recognised_by_its_note() -> None:
    ours = Found("Invoice/000044", document=ledger_invoice(number="000044", status="Open", note=OWN))
    contents = back(found={"supplier_document": (ours,)}).contents(approved())
    assert set(contents) == {ACK, ANSWER}
    assert contents[ANSWER].voucher == "000044"


def test_another_companys_document_and_what_is_before_go_live_are_left_alone() -> None:
    assert "company SE01" in back().ignored(approved(company="SE01"))
    late = back(terms=replace(receives(), go_live=date(2026, 3, 1)))
    assert "go-live" in late.ignored(approved())


# ---------------------------------------------------------------------------------------------- visma_receives


HERE = replace(terms(updates=True), code="bw")


def there(**more: Any) -> dict[str, Any]:
    found = Found("Invoice/000042", document=ledger_invoice(**more))
    return {"supplier_document": (found,)}


def test_without_updates_a_returning_document_is_read_and_nothing_is_answered() -> None:
    world = back(terms=replace(terms(), code="bw"), found=there())
    assert "nothing is answered" in world.ignored(approved())


def test_a_returning_document_never_makes_a_second_invoice() -> None:
    contents = back(terms=HERE, found=there()).contents(approved())
    assert not [one for one in contents.values() if isinstance(one, SupplierInvoice)]
    assert back(terms=HERE).held(approved()) == {"document-unmatched"}
    assert back(terms=HERE, found=there(total=nok(1))).held(approved()) == {"document-unmatched"}


def test_updates_bring_the_coding_to_the_invoice_on_hold_release_it_and_answer() -> None:
    writes = back(terms=HERE, found=there()).writes(approved())
    assert list(writes) == [ACK, BILL, ANSWER]
    coding = writes[BILL].content
    assert isinstance(coding, LedgerCoding)
    assert (coding.number, coding.total, [one.account for one in coding.lines]) == ("000042", nok(1250), ["6540"])
    assert coding.day == ledger_invoice().day  # it is checked in the period in which the invoice stands
    answer = writes[ANSWER].content
    assert isinstance(answer, TransferAnswer)
    assert answer.voucher == "000042"


def test_an_invoice_is_matched_by_the_id_we_gave_it_first() -> None:
    sent = World(terms=terms()).terms
    from ml_connector.flows.visma_to_basware_invoices import sent_id

    document = approved(document_id=sent_id(sent, "Invoice", "000042"), day=date(2026, 2, 9))
    assert BILL in back(terms=HERE, found=there()).contents(document)
    assert back(terms=HERE, found=there()).held(replace(document, document_id="x")) == {"document-unmatched"}


def test_an_invoice_that_takes_no_lines_any_more_is_a_question() -> None:
    world = back(terms=HERE, found=there(status="Prebooked"))
    assert world.held(approved()) == {"invoice-not-codable"}
    said = back(terms=HERE, found=there(status="Prebooked"), decisions={"invoice-not-codable": "approve"})
    assert set(said.contents(approved())) == {ACK, ANSWER}
    assert set(back(terms=HERE, found=there(status="Open")).contents(approved())) == {ACK, ANSWER}


def test_acknowledgements_go_to_the_side_they_came_from() -> None:
    writes = back().writes(approved())
    assert isinstance(writes[ACK].content, Acknowledgement)
    assert BACK.source == "basware"
    assert writes[ACK].into == "source"
