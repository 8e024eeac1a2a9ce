"""Telling an invoice what happened in the ledger: once, within what it bears, and to nobody by mail."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ml_connector.connectors.shapes import Context, Observed
from ml_connector.errors import NotAuthorized, NotFound, Rejected, UnknownOutcome, UsageError
from ml_connector.finance.documents import Invoice, InvoiceAdjustment
from ml_connector.finance.money import Money
from tests.connectors.paypal import payloads as paypal
from tests.connectors.paypal.payloads import INVOICE, money
from tests.connectors.paypal.scripted import INVOICES, Scripted, error, reply

PATH = f"{INVOICES}/{INVOICE}"
TOKEN = "MLC8F3C21A"
CONTEXT = Context(TOKEN, "pp:adj:000123")
DAY = date(2026, 11, 27)


def payment(value: str = "100.00", currency: str = "NOK", **changed: Any) -> InvoiceAdjustment:
    given: dict[str, Any] = {"amount": Money.of(value, currency), "day": DAY, "text": "Payment 000123", **changed}
    return InvoiceAdjustment("external_payment", INVOICE, "pp:adj:000123", **given)


def refund(value: str = "50.00") -> InvoiceAdjustment:
    return InvoiceAdjustment("external_refund", INVOICE, "pp:adj:000124", amount=Money.of(value, "NOK"), day=DAY)


REMOVAL = InvoiceAdjustment(
    "external_payment_removal", INVOICE, "pp:adj:000125", payment_id="EXTR-86F38350LX4353815"
)  # fmt: skip
CANCEL = InvoiceAdjustment("invoice_cancel", INVOICE, "pp:adj:000126")


def external(value: str = "100.00", note: str = "", id_: str = "EXTR-1") -> dict[str, Any]:
    row = {
        "type": "EXTERNAL",
        "payment_id": id_,
        "payment_date": "2026-11-27",
        "method": "CASH",
        "amount": money(value),
    }
    return {"paid_amount": money(value), "transactions": [{**row, "note": note}]}


def refunded(value: str = "50.00", day: str = "2026-11-27") -> dict[str, Any]:
    row = {"type": "EXTERNAL", "refund_id": "EXTR-R1", "refund_date": day, "method": "CASH", "amount": money(value)}
    return {"refund_amount": money(value), "transactions": [row]}


def refuses(script: Scripted, content: InvoiceAdjustment) -> str:
    with pytest.raises(Rejected) as caught:
        script.writer().create(content.kind, content, CONTEXT)
    assert [asked for asked in script.asked if asked[0] != "GET"] == []
    return caught.value.what


# ---------------------------------------------------------------------------------------------- payments


def test_an_outside_payment_is_recorded_with_its_amount_day_and_our_token() -> None:
    script = Scripted({PATH: paypal.open_invoice(), f"{PATH}/payments": {"payment_id": "EXTR-9"}})
    made = script.writer().create("external_payment", payment(), CONTEXT)
    assert script.to(f"{PATH}/payments") == [
        {
            "method": "BANK_TRANSFER",
            "payment_date": "2026-11-27",
            "amount": {"currency_code": "NOK", "value": "100.00"},
            "note": f"Payment 000123 {TOKEN}",
        }
    ]
    assert (made.remote_id, made.number, made.released) == (f"{INVOICE}/payments/EXTR-9", "10042", True)


def test_a_payment_that_is_there_already_is_not_recorded_twice() -> None:
    there = paypal.invoice(payments=external(note=f"Payment 000123 {TOKEN}"))
    script = Scripted({PATH: there})
    made = script.writer().create("external_payment", payment(), CONTEXT)
    assert made.remote_id == f"{INVOICE}/payments/EXTR-1"
    assert [how for how, _, _ in script.asked] == ["GET"]


def test_after_a_lost_answer_the_payment_is_found_by_its_token() -> None:
    script = Scripted({PATH: paypal.open_invoice(), f"{PATH}/payments": reply(500, {})})
    with pytest.raises(UnknownOutcome):
        script.writer().create("external_payment", payment(), CONTEXT)
    assert script.writer().find("external_payment", [(payment(), CONTEXT)]) == {TOKEN: []}
    script.answers[PATH] = paypal.invoice(payments=external(note=TOKEN))
    (found,) = script.writer().find("external_payment", [(payment(), CONTEXT)])[TOKEN]
    assert (found.remote_id, found.state, found.total) == (f"{INVOICE}/payments/EXTR-1", "released", 10_000)


def test_more_than_is_due_is_refused_before_anything_is_sent() -> None:
    assert "due" in refuses(Scripted({PATH: paypal.open_invoice()}), payment("1250.01"))


def test_another_currency_and_too_many_digits_are_refused_before_anything_is_sent() -> None:
    script = Scripted({PATH: paypal.open_invoice(due_amount=money("99999999.00"))})
    assert "currency" in refuses(script, payment("10", "SEK"))
    assert "digits" in refuses(script, payment("12345678.00"))


def test_whole_unit_currencies_are_sent_without_decimals() -> None:
    forints = paypal.open_invoice(
        items=[{"name": "Tea", "quantity": "1", "unit_amount": money("5000", "HUF")}],
        amount={**money("5000", "HUF"), "breakdown": {}},
        due_amount=money("5000", "HUF"),
        detail={**paypal.invoice()["detail"], "currency_code": "HUF"},
    )
    script = Scripted({PATH: forints, f"{PATH}/payments": {"payment_id": "EXTR-9"}})
    script.writer().create("external_payment", payment("5000", "HUF"), CONTEXT)
    assert script.to(f"{PATH}/payments")[0]["amount"] == {"currency_code": "HUF", "value": "5000"}
    assert "decimals" in refuses(Scripted({PATH: forints}), payment("4999.50", "HUF"))


def test_an_answer_without_the_payments_id_is_an_unknown_outcome() -> None:
    script = Scripted({PATH: paypal.open_invoice(), f"{PATH}/payments": {}})
    with pytest.raises(UnknownOutcome):
        script.writer().create("external_payment", payment(), CONTEXT)


@pytest.mark.parametrize("issue", ["PAYMENT_AMOUNT_GREATER_THAN_AMOUNT_DUE", "CANNOT_PROCESS_PAYMENTS"])
def test_what_paypal_refuses_says_why_and_what_to_do(issue: str) -> None:
    script = Scripted(
        {PATH: paypal.open_invoice(), f"{PATH}/payments": error("UNPROCESSABLE_ENTITY", issue, status=422)}
    )
    with pytest.raises(Rejected, match=issue) as caught:
        script.writer().create("external_payment", payment(), CONTEXT)
    assert "ledger" in caught.value.fix


def test_a_payment_is_removed_and_one_that_is_gone_counts_as_removed() -> None:
    gone = f"{PATH}/payments/EXTR-86F38350LX4353815"
    script = Scripted({PATH: paypal.invoice(), gone: reply(204)})
    made = script.writer().create("external_payment_removal", REMOVAL, CONTEXT)
    assert made.remote_id == f"{INVOICE}/removed/EXTR-86F38350LX4353815"
    assert [how for how, _, _ in script.asked] == ["GET", "DELETE"]
    script = Scripted({PATH: paypal.open_invoice()})
    script.writer().create("external_payment_removal", REMOVAL, CONTEXT)
    assert [how for how, _, _ in script.asked] == ["GET"]


def test_a_payment_through_paypal_is_never_removed() -> None:
    rows = paypal.invoice()["payments"]
    rows["transactions"][0]["type"] = "PAYPAL"
    assert "through PayPal" in refuses(Scripted({PATH: paypal.invoice(payments=rows)}), REMOVAL)


# ---------------------------------------------------------------------------------------------- refunds


def test_an_outside_refund_takes_nothing_but_method_day_and_amount() -> None:
    script = Scripted({PATH: paypal.invoice(), f"{PATH}/refunds": {"refund_id": "EXTR-R9"}})
    made = script.writer().create("external_refund", refund(), CONTEXT)
    assert script.to(f"{PATH}/refunds") == [
        {"method": "BANK_TRANSFER", "refund_date": "2026-11-27", "amount": {"currency_code": "NOK", "value": "50.00"}}
    ]
    assert made.remote_id == f"{INVOICE}/refunds/EXTR-R9"


def test_no_more_is_refunded_than_was_recorded_as_paid_whatever_paypal_itself_took() -> None:
    through = {"type": "PAYPAL", "payment_id": "P1", "payment_date": "2026-11-27", "amount": money("1150.00")}
    rows = paypal.invoice()["payments"]["transactions"]
    paid = {"paid_amount": money("1250.00"), "transactions": [*rows, through]}
    script = Scripted({PATH: paypal.invoice(status="PAID", payments=paid, refunds=refunded("60.00", "2026-11-20"))})
    assert "left" in refuses(script, refund("50.00"))


def test_a_second_refund_of_the_same_day_and_amount_is_refused_as_they_could_not_be_told_apart() -> None:
    script = Scripted({PATH: paypal.invoice(refunds=refunded())})
    assert "told apart" in refuses(script, refund())


def test_after_a_lost_answer_the_refund_is_found_by_its_day_and_amount() -> None:
    script = Scripted({PATH: paypal.invoice(), f"{PATH}/refunds": reply(503, {})})
    with pytest.raises(UnknownOutcome):
        script.writer().create("external_refund", refund(), CONTEXT)
    assert script.writer().find("external_refund", [(refund(), CONTEXT)]) == {TOKEN: []}
    script.answers[PATH] = paypal.invoice(refunds=refunded())
    (found,) = script.writer().find("external_refund", [(refund(), CONTEXT)])[TOKEN]
    assert found.remote_id == f"{INVOICE}/refunds/EXTR-R1"


# ---------------------------------------------------------------------------------------------- cancel


def test_an_invoice_is_canceled_without_a_mail_to_anybody() -> None:
    script = Scripted({PATH: paypal.open_invoice(), f"{PATH}/cancel": reply(204)})
    script.writer().create("invoice_cancel", CANCEL, CONTEXT)
    assert script.to(f"{PATH}/cancel") == [
        {"send_to_recipient": False, "send_to_invoicer": False, "additional_recipients": []}
    ]


def test_an_invoice_that_is_canceled_already_is_done() -> None:
    script = Scripted({PATH: paypal.open_invoice(status="CANCELLED")})
    assert script.writer().create("invoice_cancel", CANCEL, CONTEXT).remote_id == f"{INVOICE}/canceled"
    late = error("UNPROCESSABLE_ENTITY", "INVOICE_CANCELED_ALREADY", status=422)
    script = Scripted({PATH: paypal.open_invoice(), f"{PATH}/cancel": late})
    script.writer().create("invoice_cancel", CANCEL, CONTEXT)


@pytest.mark.parametrize("status", ["PAID", "PARTIALLY_PAID", "REFUNDED", "DRAFT", "SCHEDULED"])
def test_a_paid_part_paid_refunded_or_unsent_invoice_is_not_canceled(status: str) -> None:
    assert "cannot be canceled" in refuses(Scripted({PATH: paypal.open_invoice(status=status)}), CANCEL)


# ---------------------------------------------------------------------------------------------- all


def test_what_stands_at_paypal_is_read_back_with_one_call_for_an_invoice() -> None:
    context = Context(TOKEN, "k", remote_id=f"{INVOICE}/payments/EXTR-1")
    other = Context("OTHERTOKEN", "k2", remote_id=f"{INVOICE}/payments/EXTR-2")
    script = Scripted({PATH: paypal.invoice(payments=external(note=TOKEN))})
    seen = script.writer().observe("external_payment", [(payment(), context), (payment(), other)])
    assert {name: one.state for name, one in seen.items()} == {
        f"{INVOICE}/payments/EXTR-1": "released", f"{INVOICE}/payments/EXTR-2": "gone",
    }  # fmt: skip
    assert isinstance(seen[context.remote_id], Observed)
    assert len(script.asked) == 1


def test_an_invoice_that_is_not_there_or_not_ours_or_not_understood_is_told_before_anything_is_sent() -> None:
    with pytest.raises(NotFound):
        Scripted({PATH: error("RESOURCE_NOT_FOUND", status=404)}).writer().create("invoice_cancel", CANCEL, CONTEXT)
    with pytest.raises(NotAuthorized, match="Invoicing"):
        Scripted({PATH: error("NOT_AUTHORIZED", status=403)}).writer().create("invoice_cancel", CANCEL, CONTEXT)
    assert "status" in refuses(Scripted({PATH: paypal.invoice(status="SHREDDED")}), CANCEL)


def test_nothing_else_is_ever_written() -> None:
    writer = Scripted({}).writer()
    for attempt in (
        lambda: writer.create("customer_payment", payment(), CONTEXT),
        lambda: writer.create("external_refund", payment(), CONTEXT),
        lambda: writer.attach("external_payment", CONTEXT, file_name="x.csv", body=b""),
        writer.chart,
    ):
        with pytest.raises(UsageError):
            attempt()
    writer.release("external_payment", payment(), CONTEXT)
    assert writer.look_up("customer", {"email": "kari@example.com"}) == []


def test_an_adjustment_that_lacks_its_amount_or_payment_cannot_be_built() -> None:
    for kind in ("external_payment", "external_refund", "external_payment_removal"):
        with pytest.raises(ValueError, match=kind.rpartition("_")[2]):
            InvoiceAdjustment(kind, INVOICE, "k")


# ---------------------------------------------------------------------------------------------- looking up


def test_an_invoice_is_looked_up_whole_by_its_id() -> None:
    script = Scripted({PATH: paypal.open_invoice()})
    (found,) = script.writer().look_up("invoice", {"number": INVOICE, "seen": "2026-11-27"})
    assert (found.number, found.name, found.status) == (INVOICE, "10042", "open")
    assert isinstance(found.document, Invoice)
    assert script.writer().look_up("customer", {"email": "kari@example.com"}) == []


def test_an_invoice_that_is_not_there_is_no_answer() -> None:
    script = Scripted({PATH: error("RESOURCE_NOT_FOUND", status=404)})
    assert script.writer().look_up("invoice", {"number": INVOICE}) == []
