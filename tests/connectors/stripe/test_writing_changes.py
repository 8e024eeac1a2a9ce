"""What follows an invoice that was sent: credits, voids, money paid elsewhere. Over HTTP on the pretend Stripe."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from ml_connector.connectors.shapes import Observed
from ml_connector.errors import Rejected, UnknownOutcome
from tests.connectors.stripe.contents import credit, invoice, line, payment, void
from tests.connectors.stripe.on_sandbox import Account

PAY = "POST /v1/invoices/{id}/pay"
REPORT = "POST /v1/payment_records/report_payment"
ATTACH = "POST /v1/invoices/{id}/attach_payment"


def opened(account: Account, *lines: Any, number: str = "10042") -> str:
    """An open invoice of ours; its id."""
    customer = account.do("customer", name="Nordlys AS", email="ap@nordlys.example.com")["customer_id"]
    context = account.context(f"INV{number}")
    content = invoice(customer, *lines, number=number)
    made = account.writer.create("collection_invoice", content, context)
    account.writer.release("collection_invoice", content, account.context(f"INV{number}", remote_id=made.remote_id))
    return made.remote_id


def stripes(account: Account, invoice_id: str) -> dict[str, Any]:
    return next(row for row in account.stored("invoice") if row["id"] == invoice_id)


def found(account: Account, kind: str, content: Any, token: str = "MLC8F3C21A") -> list[Observed]:
    context = account.context(token)
    return account.writer.find(kind, [(content, context)])[context.token]


# ---------------------------------------------------------------------------------------------- credits


def test_a_part_credit_lowers_what_is_open_with_its_exact_vat_and_mails_nobody(account: Account) -> None:
    invoice_id = opened(account)
    content = credit(invoice_id, line("400.01", "100.01"))
    made = account.writer.create("collection_credit", content, account.context())
    row = stripes(account, invoice_id)
    assert (row["amount_remaining"], row["status"]) == (125000 - 50002, "open")
    (note,) = account.stored("credit_note")
    assert [tax["amount"] for tax in note["total_taxes"]] == [10001]
    assert account.do("truth")["mails"] == []
    (seen,) = found(account, "collection_credit", content)
    assert (seen.remote_id, seen.total, seen.vat, seen.state) == (made.remote_id, 50002, 10001, "released")


def test_a_second_credit_goes_on_what_the_first_one_left_of_each_line(account: Account) -> None:
    invoice_id = opened(account, line("300.00", "75.00"), line("700.00", "175.00", line=2, text="Tables"))
    account.writer.create("collection_credit", credit(invoice_id, line("250.00", "62.50")), account.context("C1"))
    second = credit(invoice_id, line("250.00", "62.50"), number="K-10")
    account.writer.create("collection_credit", second, account.context("C2"))
    assert stripes(account, invoice_id)["amount_remaining"] == 125000 - 2 * 31250
    third = credit(invoice_id, line("600.00", "150.00"), number="K-11")
    with pytest.raises(Rejected, match="more than what is open"):
        account.writer.create("collection_credit", third, account.context("C3"))


def test_a_voided_credit_leaves_its_lines_to_be_credited_again(account: Account) -> None:
    invoice_id = opened(account)
    made = account.writer.create(
        "collection_credit", credit(invoice_id, line("900.00", "225.00")), account.context("C1")
    )
    account.writer.client.post(f"/v1/credit_notes/{made.remote_id}/void", {}, key="person")
    account.writer.create("collection_credit", credit(invoice_id, line("900.00", "225.00")), account.context("C2"))
    assert stripes(account, invoice_id)["amount_remaining"] == 12500


def test_a_credit_spread_over_lines_keeps_the_vat_to_the_last_cent(account: Account) -> None:
    invoice_id = opened(account, line("333.33", "83.33"), line("333.33", "83.33", line=2), line("0.01", "0.00", line=3))
    content = credit(invoice_id, line("500.00", "125.01"))
    account.writer.create("collection_credit", content, account.context())
    (note,) = account.stored("credit_note")
    assert (note["subtotal"], sum(tax["amount"] for tax in note["total_taxes"])) == (50000, 12501)


def test_a_credit_of_a_rate_the_invoice_does_not_have_is_for_a_person(account: Account) -> None:
    invoice_id = opened(account)
    with pytest.raises(Rejected, match=r"no lines of 15 % VAT that bear"):
        account.writer.create("collection_credit", credit(invoice_id, line("100.00", "15.00", "15")), account.context())
    assert account.stored("credit_note") == []


def test_a_credit_on_what_was_paid_is_for_a_person(account: Account) -> None:
    """It would become a refund or customer credit, which is nobody's decision but theirs."""
    invoice_id = opened(account)
    account.do("pay", invoice_id=invoice_id, amount=100000)
    with pytest.raises(Rejected, match="more than what is open"):
        account.writer.create("collection_credit", credit(invoice_id), account.context())
    account.writer.create("collection_credit", credit(invoice_id, line("200.00", "50.00")), account.context("C2"))
    assert stripes(account, invoice_id)["status"] == "paid"
    assert account.stored("refund") == []


def test_an_invoice_with_more_than_ten_lines_is_credited_on_any_of_them(account: Account) -> None:
    """Lines inside an object are cut after ten."""
    rows = tuple(line("10.00", "2.50", line=n) for n in range(14))
    invoice_id = opened(account, *rows, line("50.00", "7.50", "15", line=15))
    account.writer.create("collection_credit", credit(invoice_id, line("50.00", "7.50", "15")), account.context())
    assert stripes(account, invoice_id)["amount_remaining"] == 14 * 1250


@pytest.mark.parametrize("effect", ["cut_before", "cut_after"])
def test_a_lost_answer_to_a_credit_makes_no_second_one(account: Account, effect: str) -> None:
    """The repeat is the same request although the first one filled a line."""
    invoice_id = opened(account, line("400.00", "100.00"), line("600.00", "150.00", line=2))
    content, context = credit(invoice_id), account.context()
    account.fault({"kind": effect}, operation="POST /v1/credit_notes")
    with pytest.raises(UnknownOutcome):
        account.writer.create("collection_credit", content, context)
    assert len(found(account, "collection_credit", content)) == (effect == "cut_after")
    account.writer.create("collection_credit", content, context)
    assert len(account.stored("credit_note")) == 1


def test_a_stored_failure_of_a_credit_that_was_made_is_adopted(account: Account) -> None:
    content, context = credit(opened(account)), account.context()
    account.do("fail_next", status=500, operation="POST /v1/credit_notes", after_commit=True)
    with pytest.raises(UnknownOutcome):
        account.writer.create("collection_credit", content, context)
    made = account.writer.create("collection_credit", content, context)
    assert [note["id"] for note in account.stored("credit_note")] == [made.remote_id]


# ---------------------------------------------------------------------------------------------- void


def test_a_void_takes_back_what_nobody_paid(account: Account) -> None:
    invoice_id = opened(account)
    made = account.writer.create("invoice_void", void(invoice_id), account.context())
    assert (made.remote_id, made.released) == (f"{invoice_id}/void", True)
    assert stripes(account, invoice_id)["status"] == "void"
    assert [row["status"] for row in account.stored("payment_intent")] == ["canceled"]
    (seen,) = found(account, "invoice_void", void(invoice_id))
    assert (seen.state, seen.total) == ("released", 125000)


def test_an_invoice_with_money_on_it_or_on_its_way_is_not_voided(account: Account) -> None:
    invoice_id = opened(account)
    account.do("pay", invoice_id=invoice_id, slow=True)
    with pytest.raises(Rejected, match="processing"):
        account.writer.create("invoice_void", void(invoice_id), account.context())
    other = opened(account, number="10043")
    account.do("pay", invoice_id=other, amount=100)
    with pytest.raises(Rejected, match="has payments"):
        account.writer.create("invoice_void", void(other), account.context("V2"))
    assert found(account, "invoice_void", void(other)) == []


def test_a_lost_answer_to_a_void_is_found_by_the_status(account: Account) -> None:
    invoice_id = opened(account)
    context = account.context(remote_id=f"{invoice_id}/void")
    account.fault({"kind": "cut_after"}, operation="POST /v1/invoices/{id}/void")
    with pytest.raises(UnknownOutcome):
        account.writer.create("invoice_void", void(invoice_id), context)
    seen = account.writer.observe("invoice_void", [(void(invoice_id), context)])
    assert seen[context.remote_id].state == "released"


# ---------------------------------------------------------------------------------------------- money paid elsewhere


@pytest.mark.parametrize("row", [False, True], ids=["no row of it", "a row of type payment_record"])
def test_a_whole_payment_is_marked_out_of_band_and_moves_no_money(account: Account, *, row: bool) -> None:
    """Whether Stripe makes a row for it is not known: outside money is what is paid less rows through Stripe."""
    account.do("knobs", out_of_band_row=row)
    invoice_id = opened(account)
    content = payment(invoice_id)
    assert found(account, "outside_payment", content) == []
    made = account.writer.create("outside_payment", content, account.context())
    assert (made.remote_id, made.released) == (f"{invoice_id}/outside", True)
    assert stripes(account, invoice_id)["status"] == "paid"
    assert (account.stored("charge"), account.stored("balance_transaction")) == ([], [])
    (seen,) = found(account, "outside_payment", content)
    assert (seen.total, seen.remote_id) == (125000, made.remote_id)


def test_what_remains_after_a_payment_through_stripe_is_marked_out_of_band(account: Account) -> None:
    invoice_id = opened(account)
    account.do("pay", invoice_id=invoice_id, amount=25000)
    content = payment(invoice_id, "1000.00")
    account.writer.create("outside_payment", content, account.context())
    assert len(found(account, "outside_payment", content)) == 1
    assert found(account, "outside_payment", payment(invoice_id, "1000.01")) == []


def test_an_invoice_paid_through_stripe_is_no_outside_payment(account: Account) -> None:
    invoice_id = opened(account)
    account.do("pay", invoice_id=invoice_id)
    assert found(account, "outside_payment", payment(invoice_id)) == []
    with pytest.raises(Rejected, match=r"is paid in Stripe with 0 \(minor units\) open"):
        account.writer.create("outside_payment", payment(invoice_id), account.context())


def test_another_amount_than_what_is_open_is_never_marked_as_the_whole(account: Account) -> None:
    """`paid_out_of_band` takes no amount: it pays whatever remains."""
    invoice_id = opened(account)
    with pytest.raises(Rejected, match="125000"):
        account.writer.create("outside_payment", payment(invoice_id, "1249.99"), account.context())
    assert stripes(account, invoice_id)["status"] == "open"


def test_a_part_payment_is_a_payment_record_on_the_invoice(account: Account) -> None:
    invoice_id = opened(account)
    content = payment(invoice_id, "250.00", whole=False)
    made = account.writer.create("outside_payment", content, account.context())
    row = account.writer.client.get(f"/v1/invoices/{invoice_id}", {"expand": ["amount_paid_off_stripe"]})
    assert (row["amount_remaining"], row["amount_paid_off_stripe"], row["status"]) == (100000, 25000, "open")
    (seen,) = found(account, "outside_payment", content)
    assert (seen.remote_id, seen.total) == (made.remote_id, 25000)
    assert account.stored("charge") == []


def test_a_part_payment_of_this_morning_is_not_reported_ahead_of_time(account: Account) -> None:
    account.clock.jump(datetime(2026, 11, 21, 7, tzinfo=UTC))
    invoice_id = opened(account)
    content = payment(invoice_id, "250.00", whole=False, day=date(2026, 11, 21))
    account.writer.create("outside_payment", content, account.context())
    assert stripes(account, invoice_id)["amount_remaining"] == 100000


def test_two_part_payments_of_the_same_amount_are_told_apart_by_their_tokens(account: Account) -> None:
    invoice_id = opened(account)
    content = payment(invoice_id, "250.00", whole=False)
    account.writer.create("outside_payment", content, account.context("P1"))
    assert found(account, "outside_payment", content, "P2") == []
    account.writer.create("outside_payment", content, account.context("P2"))
    assert stripes(account, invoice_id)["amount_remaining"] == 75000
    assert len(found(account, "outside_payment", content, "P1")) == 1


@pytest.mark.parametrize("operation", [REPORT, ATTACH])
@pytest.mark.parametrize("effect", ["cut_before", "cut_after"])
def test_a_lost_answer_to_a_part_payment_makes_no_second_one(account: Account, operation: str, effect: str) -> None:
    invoice_id = opened(account)
    content, context = payment(invoice_id, "250.00", whole=False), account.context()
    account.fault({"kind": effect}, operation=operation)
    with pytest.raises(UnknownOutcome):
        account.writer.create("outside_payment", content, context)
    there = operation == ATTACH and effect == "cut_after"
    assert len(found(account, "outside_payment", content)) == there
    account.writer.create("outside_payment", content, context)
    assert stripes(account, invoice_id)["amount_remaining"] == 100000


@pytest.mark.parametrize("effect", ["cut_before", "cut_after"])
def test_a_lost_answer_to_a_whole_payment_is_repeated_without_harm(account: Account, effect: str) -> None:
    invoice_id = opened(account)
    content, context = payment(invoice_id), account.context()
    account.fault({"kind": effect}, operation=PAY)
    with pytest.raises(UnknownOutcome):
        account.writer.create("outside_payment", content, context)
    account.writer.create("outside_payment", content, context)
    assert len(found(account, "outside_payment", content)) == 1


def test_a_payment_that_the_ledger_takes_back_is_for_a_person_because_paid_is_final(account: Account) -> None:
    invoice_id = opened(account)
    with pytest.raises(Rejected, match="paid is final"):
        account.writer.create("outside_payment", payment(invoice_id, kind="outside_payment_removal"), account.context())
    assert stripes(account, invoice_id)["status"] == "open"


def test_what_belongs_to_an_invoice_that_is_not_there_is_found_nowhere(account: Account) -> None:
    assert found(account, "outside_payment", payment("in_none")) == []
    assert found(account, "invoice_void", void("in_none")) == []
    context = account.context(remote_id="in_none/void")
    assert account.writer.observe("invoice_void", [(void("in_none"), context)])["in_none/void"].state == "gone"
