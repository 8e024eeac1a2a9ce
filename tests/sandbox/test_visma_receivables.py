"""Customers, invoices, credit and debit notes, payments: VAT, balances, and the ledger behind them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox.visma_office import Office, document_line, header, invoice, office, payment, wrapped

INVOICE, NOTE, DEBIT, PAY = "customerinvoice", "customerCreditNote", "customerDebitNote", "/v1/customerPayment"


def released_invoice(shop: Office, *lines: dict[str, Any], **more: Any) -> str:
    number = shop.create(f"/v2/{INVOICE}", invoice(*lines, **more))
    shop.act(f"/v1/{INVOICE}/{number}/action/release")
    return number


def released_payment(shop: Office, body: dict[str, Any], kind: str = "Payment") -> str:
    number = shop.create(PAY, body)
    shop.act(f"{PAY}/{number}/action/release", {"type": {"value": kind}})
    return number


def test_the_erp_computes_vat_from_zone_and_category_and_posts_it() -> None:
    shop = office()
    lines = (document_line("3001", 800, "25"), document_line("3002", 100, "12"), document_line("3740", 0.01, "NONE"))
    number = shop.create(f"/v2/{INVOICE}", invoice(*lines, externalReference="token12345"))
    read = shop.get(f"/v1/{INVOICE}/{number}")
    assert (read["status"], read["amountInCurrency"], read["vatTotalInCurrency"]) == ("Balanced", 1112.01, 212.0)
    assert "taxDetails" not in read
    listed = shop.get(f"/v1/{INVOICE}?externalReference=token12345&expandTaxDetails=true")[0]
    found = [(tax["taxId"], tax["taxableAmount"], tax["vatAmount"]) for tax in listed["taxDetails"]]
    assert found == [("S25", 800.0, 200.0), ("S12", 100.0, 12.0)]
    shop.act(f"/v1/{INVOICE}/{number}/action/release")
    assert shop.get(f"/v1/{INVOICE}/{number}")["status"] == "Open"
    assert (shop.balance("1510"), shop.balance("2611"), shop.balance("2621")) == ("1112.01", "-200.00", "-12.00")
    assert shop.books()[0]["module"] == "AR"


def test_a_category_that_does_not_fit_the_zone_is_refused() -> None:
    shop = office()
    body = invoice(document_line("3001", 10, "25"), customerNumber="10001", currencyId="EUR")
    assert "TaxID 'S25' cannot be found in VAT zone 'EU'" in shop.refused("POST", f"/v2/{INVOICE}", body)


def test_a_line_without_category_takes_the_default_of_the_zone() -> None:
    shop = office()
    line = wrapped(operation="Insert", accountNumber="3001", quantity=1, unitPriceInCurrency=100)
    number = shop.create(f"/v2/{INVOICE}", invoice(line))
    assert shop.get(f"/v1/{INVOICE}/{number}")["vatTotalInCurrency"] == 25.0


def test_vat_can_be_overridden_by_tax_lines_of_ids_the_document_has() -> None:
    shop = office()
    number = shop.create(f"/v2/{INVOICE}", invoice())
    rows = [wrapped(taxId="S25", taxableAmount=1000, vatAmount=250.01)]
    assert shop.call("PUT", f"/v1/{INVOICE}/{number}", {"taxDetailLines": rows}).status == 204
    assert shop.get(f"/v1/{INVOICE}/{number}")["amountInCurrency"] == 1250.01
    wrong = {"taxDetailLines": [wrapped(taxId="S12", vatAmount=1)]}
    assert "S12" in shop.refused("PUT", f"/v1/{INVOICE}/{number}", wrong)


def test_a_held_invoice_is_not_released_and_a_released_one_not_changed() -> None:
    shop = office()
    number = shop.create(f"/v2/{INVOICE}", invoice(hold=True))
    assert "Hold" in shop.refused("POST", f"/v1/{INVOICE}/{number}/action/release")
    shop.call("PUT", f"/v1/{INVOICE}/{number}", wrapped(hold=False))
    shop.act(f"/v1/{INVOICE}/{number}/action/release")
    assert "Open" in shop.refused("PUT", f"/v1/{INVOICE}/{number}", wrapped(invoiceText="later"))
    assert shop.call("PUT", f"/v1/{INVOICE}/{number}", wrapped(note="dispute")).status == 204
    assert shop.get(f"/v1/{INVOICE}/{number}")["note"] == "dispute"
    assert shop.call("DELETE", f"/v1/{INVOICE}/{number}").status == 400


def test_an_invoice_that_waits_for_printing_cannot_be_released_unless_told_not_to_print() -> None:
    shop = office(customers=[{"number": "10010", "plain": {"printInvoices": True}}])
    number = shop.create(f"/v2/{INVOICE}", invoice(dontPrint=False))
    assert "PendingPrint" in shop.refused("POST", f"/v1/{INVOICE}/{number}/action/release")
    released_invoice(shop, dontPrint=True)


def test_a_refused_change_leaves_the_document_as_it_was() -> None:
    shop = office()
    number = shop.create(f"/v2/{INVOICE}", invoice())
    before = shop.get(f"/v1/{INVOICE}/{number}")
    line = wrapped(operation="Update", lineNumber=1, unitPriceInCurrency=1)
    body = wrapped(invoiceText="new", invoiceLines=[line]) | {"taxDetailLines": [wrapped(taxId="S12", vatAmount=1)]}
    shop.refused("PUT", f"/v1/{INVOICE}/{number}", body)
    assert shop.get(f"/v1/{INVOICE}/{number}") == before


def test_changing_a_reversal_does_not_change_what_it_reverses() -> None:
    shop = office()
    number = released_invoice(shop)
    before = shop.get(f"/v1/{INVOICE}/{number}")
    note = shop.act(f"/v1/{INVOICE}/{number}/action/reverse", {"returnCreditNote": False})["refNbr"]
    line = wrapped(operation="Update", lineNumber=1, unitPriceInCurrency=1)
    assert shop.call("PUT", f"/v1/{NOTE}/{note}", {"lines": [line]}).status == 204
    assert shop.get(f"/v1/{INVOICE}/{number}") == before


def test_a_malformed_reversal_makes_no_credit_note() -> None:
    shop = office()
    number = released_invoice(shop)
    shop.refused("POST", f"/v1/{INVOICE}/{number}/action/reverse", {"returnCreditNote": {"value": True}})
    assert shop.get(f"/v1/{NOTE}") == []


def test_a_stale_row_version_counts_only_with_the_background_header() -> None:
    shop = office()
    number = shop.create(f"/v2/{INVOICE}", invoice())
    seen = header(shop.last, "ETag")
    shop.control("touch", kind=INVOICE, number=number)
    path, body = f"/v1/{INVOICE}/{number}", wrapped(invoiceText="a")
    assert shop.call("PUT", path, body, if_match=seen).status == 204
    job = json.loads(shop.call("PUT", path, body, if_match=seen, erp_api_background="none").body)
    assert shop.get("/v1/background/" + job["id"])["statusCode"] == 412


def test_a_payment_settles_its_invoice() -> None:
    shop = office()
    number = released_invoice(shop)
    pay = shop.create(PAY, payment(1250, ("Invoice", number, 1250)))
    assert shop.get(f"{PAY}/{pay}")["status"] == "Balanced"
    assert shop.get(f"/v1/{INVOICE}/{number}")["balanceInCurrency"] == 1250.0
    shop.act(f"{PAY}/{pay}/action/release", {"type": {"value": "Payment"}})
    assert shop.get(f"{PAY}/{pay}")["status"] == "Closed"
    read = shop.get(f"/v1/{INVOICE}?expandApplications=true")[0]
    assert (read["status"], read["balance"], read["applications"][0]["refNbr"]) == ("Closed", 0.0, pay)
    assert (shop.balance("1510"), shop.balance("1582")) == ("0.00", "1250.00")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"paymentRef": ""}, "Payment Ref."),
        ({"paymentMethod": "OLD"}, "inactive"),
        ({"paymentMethod": "CASH"}, "cannot be used with payment method"),
        ({"cashAccount": "1999"}, "'Cash Account'"),
        ({"cashAccount": "1580"}, "cross rate"),
        ({"customer": "10000"}, "another customer"),
        ({"invoiceText": "x" * 51}, "longer than 50"),
        ({"paymentRef": "x" * 41}, "longer than 40"),
        ({"type": "VoidPayment"}, "cannot be entered"),
        ({"paymentAmount": 1249}, "More is applied"),
    ],
)
def test_a_payment_that_does_not_fit_is_refused(change: dict[str, Any], words: str) -> None:
    shop = office()
    number = released_invoice(shop)
    assert words in shop.refused("POST", PAY, payment(1250, ("Invoice", number, 1250)) | wrapped(**change))


def test_an_unreleased_or_settled_invoice_takes_no_payment() -> None:
    shop = office()
    draft = shop.create(f"/v2/{INVOICE}", invoice())
    assert "only an open document" in shop.refused("POST", PAY, payment(10, ("Invoice", draft, 10)))
    number = released_invoice(shop)
    assert "balance" in shop.refused("POST", PAY, payment(1300, ("Invoice", number, 1251)))


def test_the_release_body_is_wrapped_and_the_void_body_is_not() -> None:
    shop = office()
    pay = shop.create(PAY, payment(100))
    assert shop.call("POST", f"{PAY}/{pay}/action/release", {"type": "Payment"}).status == 202
    assert shop.get(f"{PAY}/{pay}")["status"] == "Balanced"
    shop.act(f"{PAY}/{pay}/action/release", {"type": {"value": "Payment"}})
    job = json.loads(shop.call("POST", f"{PAY}/{pay}/action/void", {"type": {"value": "Payment"}}).body)
    assert shop.get("/v1/background/" + job["id"])["statusCode"] == 400
    result = shop.act(f"{PAY}/{pay}/action/void", {"type": "Payment", "returnVoidPayment": True})
    assert (result["refNbr"], result["voidPayment"]["type"]) == (pay, "VoidPayment")


def test_a_void_takes_effect_when_its_document_is_released() -> None:
    shop = office()
    number = released_invoice(shop)
    pay = released_payment(shop, payment(1250, ("Invoice", number, 1250)))
    shop.act(f"{PAY}/{pay}/action/void", {"type": "Payment"})
    assert shop.get(f"/v1/{INVOICE}/{number}")["status"] == "Closed"
    shop.act(f"{PAY}/{pay}/action/release", {"type": {"value": "VoidPayment"}})
    assert shop.get(f"/v1/{INVOICE}/{number}")["status"] == "Open"
    assert shop.get(f"{PAY}?paymentNbr={pay}&paymentType=Payment")[0]["status"] == "Voided"
    assert (shop.balance("1582"), shop.balance("1510")) == ("0.00", "1250.00")


def test_money_left_over_stays_available_until_it_is_applied_or_refunded() -> None:
    shop = office()
    number = released_invoice(shop, document_line("3004", 1000, "00"))
    pay = released_payment(shop, payment(1050, ("Invoice", number, 1000)))
    read = shop.get(f"{PAY}/{pay}")
    assert (read["status"], read["availableBalanceInCurrency"]) == ("Open", 50.0)
    released_payment(shop, payment(50, ("Payment", pay, 50), type="Refund"), "Refund")
    assert shop.get(f"{PAY}?paymentNbr={pay}&paymentType=Payment")[0]["status"] == "Closed"
    assert (shop.balance("1510"), shop.balance("1582")) == ("0.00", "1000.00")


def test_a_payment_is_applied_later_by_put_and_a_second_release() -> None:
    shop = office()
    pay = released_payment(shop, payment(1250))
    number = released_invoice(shop)
    row = wrapped(operation="Insert", documentType="Invoice", refNbr=number, amountPaid=1250)
    assert shop.call("PUT", f"{PAY}/{pay}", wrapped(type="Payment", paymentLines=[row])).status == 204
    assert shop.get(f"/v1/{INVOICE}/{number}")["status"] == "Open"
    shop.act(f"{PAY}/{pay}/action/release", {"type": {"value": "Payment"}})
    assert shop.get(f"/v1/{INVOICE}/{number}")["status"] == "Closed"


def test_a_small_rest_is_written_off_with_a_reason_within_the_limit() -> None:
    shop = office()
    number = released_invoice(shop, document_line("3004", 1000, "00"))
    body = payment(999.60, ("Invoice", number, 999.60))
    body["paymentLines"][0] |= wrapped(balanceWriteOff=0.40, writeOffReasonCode="WRITEOFF")
    released_payment(shop, body)
    assert shop.get(f"/v1/{INVOICE}/{number}")["status"] == "Closed"
    assert (shop.balance("6352"), shop.balance("1510")) == ("0.40", "0.00")


def test_a_prepayment_stands_on_its_own_account_until_applied() -> None:
    shop = office()
    pay = released_payment(shop, payment(1250, type="Prepayment"), "Prepayment")
    assert shop.balance("2420") == "-1250.00"
    number = released_invoice(shop)
    row = wrapped(operation="Insert", documentType="Invoice", refNbr=number, amountPaid=1250)
    shop.call("PUT", f"{PAY}/{pay}", wrapped(type="Prepayment", paymentLines=[row]))
    shop.act(f"{PAY}/{pay}/action/release", {"type": {"value": "Prepayment"}})
    assert (shop.balance("2420"), shop.balance("1510")) == ("0.00", "0.00")


def test_an_exchange_difference_is_posted_when_a_foreign_invoice_is_paid() -> None:
    rates = [
        {"currency": "EUR", "from": "2026-03-10", "rate": 11.30},
        {"currency": "EUR", "from": "2026-03-11", "rate": 11.5},
    ]
    shop = office(rates=rates)
    number = released_invoice(shop, document_line("3004", 100, "00"), customerNumber="10001", currencyId="EUR")
    released_payment(shop, payment(100, ("Invoice", number, 100), customer="10001", cashAccount="1580"))
    books = shop.control("balances")
    assert (books["base"]["1510"], books["base"]["3960"], books["base"]["1580"]) == ("0.00", "-20.00", "1150.00")
    assert books["total"] == "0.00"


def test_a_credit_note_is_applied_at_entry_and_takes_effect_on_release() -> None:
    shop = office()
    number = released_invoice(shop)
    row = wrapped(operation="Insert", documentType="Invoice", refNbr=number, amountPaid=500)
    body = invoice(document_line("3001", 400, "25"), rows_in="lines") | {"applicationLines": [row]}
    note = shop.create(f"/v2/{NOTE}", body)
    assert shop.get(f"/v1/{INVOICE}/{number}")["balanceInCurrency"] == 1250.0
    shop.act(f"/v1/{NOTE}/{note}/action/release")
    assert shop.get(f"/v1/{NOTE}/{note}")["status"] == "Closed"
    assert shop.get(f"/v1/{INVOICE}/{number}")["balanceInCurrency"] == 750.0
    assert shop.balance("1510") == "750.00"


def test_a_credit_note_is_applied_later_on_the_payment_screen() -> None:
    shop = office()
    number = released_invoice(shop)
    note = shop.create(f"/v2/{NOTE}", invoice(rows_in="lines"))
    shop.act(f"/v1/{NOTE}/{note}/action/release")
    assert shop.get(f"{PAY}?paymentNbr={note}&paymentType=CreditNote")[0]["availableBalanceInCurrency"] == 1250.0
    row = wrapped(operation="Insert", documentType="Invoice", refNbr=number, amountPaid=1250)
    shop.call("PUT", f"{PAY}/{note}", wrapped(type="CreditNote", paymentLines=[row]))
    shop.act(f"{PAY}/{note}/action/release", {"type": {"value": "CreditNote"}})
    assert shop.get(f"/v1/{INVOICE}/{number}")["status"] == "Closed"


def test_a_refund_pays_a_credit_note_back_in_full_or_not_at_all() -> None:
    shop = office()
    note = shop.create(f"/v2/{NOTE}", invoice(rows_in="lines"))
    shop.act(f"/v1/{NOTE}/{note}/action/release")
    half = shop.create(PAY, payment(1250, ("CreditNote", note, 600), type="Refund"))
    assert "not fully applied" in shop.refused("POST", f"{PAY}/{half}/action/release", {"type": {"value": "Refund"}})
    released_payment(shop, payment(1250, ("CreditNote", note, 1250), type="Refund"), "Refund")
    assert shop.get(f"/v1/{NOTE}/{note}")["status"] == "Closed"
    assert (shop.balance("1510"), shop.balance("1582")) == ("0.00", "-1250.00")


def test_reversing_makes_a_credit_note_whose_number_stands_in_the_job() -> None:
    shop = office()
    number = released_invoice(shop)
    result = shop.act(f"/v1/{INVOICE}/{number}/action/reverse", {"returnCreditNote": True})
    note = shop.get(f"/v1/{NOTE}/{result['refNbr']}")
    assert (note["status"], note["amountInCurrency"]) == ("Balanced", 1250.0)
    assert shop.get(f"/v1/{INVOICE}/{number}")["status"] == "Open"


def test_reversing_and_applying_closes_both() -> None:
    shop = office()
    number = released_invoice(shop)
    result = shop.act(f"/v1/{INVOICE}/{number}/action/reverseandapplytonote", {"returnCreditNote": True})
    assert result["creditNoteDto"]["status"] == "Closed"
    assert shop.get(f"/v1/{INVOICE}/{number}")["status"] == "Closed"
    assert (shop.balance("1510"), shop.balance("2611"), shop.balance("3001")) == ("0.00", "0.00", "0.00")


def test_a_debit_note_raises_what_the_customer_owes_and_is_never_deleted() -> None:
    shop = office()
    number = shop.create(f"/v2/{DEBIT}", invoice(document_line("1799", 100, "NONE"), rows_in="lines"))
    shop.act(f"/v1/{DEBIT}/{number}/action/release")
    assert (shop.balance("1510"), shop.balance("1799")) == ("100.00", "-100.00")
    assert shop.call("DELETE", f"/v1/{DEBIT}/{number}").status == 405


def test_a_closed_customer_ledger_stops_invoices_and_payments() -> None:
    shop = office()
    shop.control("close_period", period="202603", ledgers=["CustomerLedger"])
    assert "CustomerLedger" in shop.refused("POST", f"/v2/{INVOICE}", invoice())
    assert "CustomerLedger" in shop.refused("POST", PAY, payment(10))


def test_a_customer_is_created_found_and_changed() -> None:
    shop = office()
    body = wrapped(name="Fjord AS", corporateId="999888777", vatZoneId="EU", currencyId="EUR", creditTermsId="14")
    body |= {"mainContact": {"value": wrapped(email="post@fjord.example")}}
    number = shop.create("/v1/customer", body | wrapped(number="FJORD", overrideNumberSeries=True))
    assert number == "FJORD"
    assert "already exists" in shop.refused(
        "POST", "/v1/customer", body | wrapped(number="FJORD", overrideNumberSeries=True)
    )
    assert [row["number"] for row in shop.get("/v1/customer?corporateId=999888777")] == ["FJORD"]
    assert shop.get("/v1/customer/FJORD")["mainContact"]["email"] == "post@fjord.example"
    shop.call("PUT", "/v1/customer/FJORD", wrapped(status="Inactive"))
    assert "Inactive" in shop.refused("POST", f"/v2/{INVOICE}", invoice(customerNumber="FJORD"))


def test_creating_a_customer_may_answer_with_a_job() -> None:
    shop = office(preferences={"customer_answer": "job"})
    job = json.loads(shop.call("POST", "/v1/customer", wrapped(name="Fjord AS")).body)
    location = shop.get("/v1/background/" + job["id"])["responseHeaders"]["Location"]
    assert shop.get("/v1/customer/" + location.rsplit("/", 1)[1])["name"] == "Fjord AS"


def test_an_unknown_filter_is_ignored_and_a_time_without_condition_too() -> None:
    shop = office()
    everyone = len(shop.get("/v1/customer"))
    assert len(shop.get("/v1/customer?colour=blue&lastModifiedDateTime=2031-01-01")) == everyone
    assert shop.get("/v1/customer?lastModifiedDateTime=2031-01-01&lastModifiedDateTimeCondition=%3E%3D") == []


def test_many_invoices_at_once_are_like_those_entered_one_by_one() -> None:
    shop = office()
    made = shop.control("invoice_many", n=5, customers=2)
    assert len(made["numbers"]) == 5
    assert len(made["customers"]) == 2
    read = [shop.get(f"/v1/{INVOICE}/{number}") for number in made["numbers"]]
    assert {one["status"] for one in read} == {"Open"}
    assert [one["customer"]["number"] for one in read] == [made["customers"][k % 2] for k in range(5)]
    assert round(sum(one["amountInCurrency"] for one in read) * 100) == made["gross_minor"]
    more = shop.control("invoice_many", n=1, customers=made["customers"][:1])
    assert more["customers"] == made["customers"][:1]
