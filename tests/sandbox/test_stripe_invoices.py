"""Invoices of the pretend Stripe: drafts, lines, taxes, finalizing, sending, voiding, paying outside, crediting."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.stripe_account import START, Account, tax

NOW = int(START.timestamp())
DAY = 86400


@pytest.fixture
def account() -> Account:
    return Account()


def error_of(account: Account, path: str, params: Any = None, method: str = "POST") -> tuple[str | None, str | None]:
    status, error = account.refused(method, path, params)
    assert status == 400, error
    return error.get("code"), error.get("param")


def test_totals_come_from_lines_and_manual_taxes_to_the_unit(account: Account) -> None:
    lines: list[dict[str, Any]] = [
        {"amount": 9999, "tax_amounts": [tax(2501, 9999)]},  # one more than 25 percent: taken as given
        {"amount": 1000, "tax_amounts": [tax(150, 1000, "15")]},
        {"amount": -500},
    ]
    made = account.draft(lines=lines)
    assert (made["subtotal"], made["total_excluding_tax"], made["total"]) == (10499, 10499, 13150)
    assert sorted(t["amount"] for t in made["total_taxes"]) == [150, 2501]
    assert made["amount_due"] == made["amount_remaining"] == 13150
    assert made["status"] == "draft"
    assert made["number"] is None


def test_inclusive_tax_lies_inside_the_line(account: Account) -> None:
    inside = {"amount": 2000, "taxable_amount": 8000,
              "tax_rate_data": {"display_name": "VAT", "inclusive": True, "percentage": "25"}}  # fmt: skip
    made = account.draft(lines=[{"amount": 10000, "tax_amounts": [inside]}])
    assert (made["subtotal"], made["total"], made["total_excluding_tax"]) == (10000, 10000, 8000)


def test_manual_rates_of_the_same_content_are_one_archived_rate_that_no_line_may_use(account: Account) -> None:
    made = account.draft(lines=[{"amount": 1, "tax_amounts": [tax(1, 1)]}, {"amount": 2, "tax_amounts": [tax(1, 2)]}])
    used = {t["tax_rate_details"]["tax_rate"] for line in made["lines"]["data"] for t in line["taxes"]}
    assert len(used) == 1
    assert account.get(f"tax_rates/{min(used)}")["active"] is False
    other = account.draft(lines=[])
    path = f"invoices/{other['id']}/add_lines"
    assert error_of(account, path, {"lines": [{"amount": 1, "tax_rates": sorted(used)}]})[1] == "lines[0][tax_rates]"


def test_tax_rates_are_rounded_a_line_and_do_not_mix_with_manual_amounts(account: Account) -> None:
    rate = account.post("tax_rates", {"display_name": "MVA", "inclusive": False, "percentage": "25"})["id"]
    made = account.draft(lines=[{"amount": 102, "tax_rates": [rate]}, {"amount": 102, "tax_rates": [rate]}])
    assert made["total"] == 204 + 2 * 26  # 25.5 is rounded up, twice
    path = f"invoices/{made['id']}/add_lines"
    assert error_of(account, path, {"lines": [{"amount": 1, "tax_amounts": [tax(1, 1)]}]})[1] == "lines"
    assert len(account.get(f"invoices/{made['id']}")["lines"]["data"]) == 2


def test_other_default_rates_tax_the_lines_that_have_none_of_their_own(account: Account) -> None:
    rates = [
        account.post("tax_rates", {"display_name": "MVA", "inclusive": False, "percentage": percent})["id"]
        for percent in ("25", "15")
    ]
    made = account.draft(lines=[{"amount": 1000}, {"amount": 1000, "tax_rates": [rates[0]]}])
    assert made["total"] == 2250
    assert account.post(f"invoices/{made['id']}", {"default_tax_rates": [rates[1]]})["total"] == 2400
    assert account.post(f"invoices/{made['id']}", {"default_tax_rates": ""})["total"] == 2250


def test_default_rates_and_automatic_tax_refuse_manual_amounts(account: Account) -> None:
    rate = account.post("tax_rates", {"display_name": "MVA", "inclusive": False, "percentage": "25"})["id"]
    manual = {"lines": [{"amount": 1, "tax_amounts": [tax(1, 1)]}]}
    made = account.draft(lines=[], default_tax_rates=[rate])
    assert error_of(account, f"invoices/{made['id']}/add_lines", manual)[1] == "lines"
    account.do("knobs", automatic_tax=True)  # an account may switch it on for invoices that do not say
    made = account.draft(lines=[])
    assert made["automatic_tax"]["enabled"] is True
    assert error_of(account, f"invoices/{made['id']}/add_lines", manual)[1] == "lines[0][tax_amounts]"
    account.draft(automatic_tax={"enabled": False})


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"days_until_due": ""}, "days_until_due"),
        ({"due_date": NOW}, "due_date"),
        ({"due_date": NOW - DAY}, "due_date"),
        ({"due_date": NOW + 6 * 366 * DAY}, "due_date"),
        ({"due_date": NOW + DAY, "days_until_due": 3}, "due_date"),
        ({"days_until_due": 0}, "days_until_due"),
        ({"collection_method": "charge_automatically"}, "days_until_due"),
        ({"collection_method": "charge_automatically", "days_until_due": ""}, "days_until_due"),
        ({"custom_fields": [{"name": str(n), "value": "x"} for n in range(5)]}, "custom_fields"),
        ({"custom_fields": [{"name": "n" * 41, "value": "x"}]}, "custom_fields[0][name]"),
        ({"currency": "xxx"}, "currency"),
        ({"customer": "cus_none"}, "customer"),
    ],
)
def test_terms_that_stripe_refuses(account: Account, fields: dict[str, Any], param: str) -> None:
    given = {"customer": account.customer()["id"], "collection_method": "send_invoice", "days_until_due": 14} | fields
    if "due_date" in fields and "days_until_due" not in fields:
        del given["days_until_due"]
    assert error_of(account, "invoices", given)[1] == param
    assert account.get("invoices")["data"] == []


def test_neither_date_and_a_customer_without_an_address_are_refused(account: Account) -> None:
    given = {"customer": account.customer()["id"], "collection_method": "send_invoice"}
    assert error_of(account, "invoices", given) == ("parameter_missing", "days_until_due")
    silent = account.post("customers", {"name": "No mail"})["id"]
    _, error = account.refused("POST", "invoices", given | {"customer": silent, "days_until_due": 3})
    assert "Missing email" in error["message"]
    account.do("knobs", missing_email_at="finalize")
    made = account.draft(customer=silent)
    assert account.refused("POST", f"invoices/{made['id']}/finalize")[0] == 400


def test_a_deleted_customer_gets_no_invoice(account: Account) -> None:
    gone = account.customer()["id"]
    account.delete(f"customers/{gone}")
    assert account.get(f"customers/{gone}") == {"id": gone, "object": "customer", "deleted": True}
    given = {"customer": gone, "collection_method": "send_invoice", "days_until_due": 3}
    assert error_of(account, "invoices", given) == ("resource_missing", "customer")
    assert account.refused("POST", f"customers/{gone}", {"name": "x"})[0] == 404
    assert account.get("customers")["data"] == []


def test_numbers_are_unique_and_otherwise_drawn_from_the_customers_series(account: Account) -> None:
    account.draft(number="V-1")
    given = {"customer": account.customer()["id"], "collection_method": "send_invoice", "days_until_due": 3}
    assert error_of(account, "invoices", given | {"number": "V-1"})[1] == "number"
    owner = account.customer(invoice_prefix="ABC")["id"]
    assert [account.invoice(customer=owner)["number"] for _ in range(2)] == ["ABC-0001", "ABC-0002"]


def test_250_lines_fit_10_are_shown_and_the_rest_is_listed(account: Account) -> None:
    made = account.draft(lines=[{"amount": n + 1} for n in range(250)])
    path = f"invoices/{made['id']}"
    assert (len(made["lines"]["data"]), made["lines"]["has_more"], made["lines"]["total_count"]) == (10, True, 250)
    assert made["total"] == 250 * 251 // 2
    assert error_of(account, f"{path}/add_lines", {"lines": [{"amount": 1}]})[1] == "lines"
    seen: list[int] = []
    cursor: dict[str, Any] = {}
    while True:
        page = account.get(f"{path}/lines", {"limit": 100} | cursor)
        seen += [line["amount"] for line in page["data"]]
        if not page["has_more"]:
            break
        cursor = {"starting_after": page["data"][-1]["id"]}
    assert seen == list(range(1, 251))


@pytest.mark.parametrize(
    "line",
    [
        {"description": "nothing"},
        {"amount": 1, "quantity": 2},
        {"price_data": {"currency": "eur", "unit_amount": 1, "product_data": {"name": "x"}}},
        {"amount": 1, "tax_amounts": [tax(1, 1, "25.00001")]},
        {"amount": 1, "tax_amounts": [tax(1, 1, "101")]},
        {"amount": 1, "tax_amounts": [tax(1, 1)] * 21},
        {"amount": 1, "pricing": {"price": "price_1"}},
    ],
)
def test_lines_that_stripe_refuses_leave_the_draft_as_it_was(account: Account, line: dict[str, Any]) -> None:
    made = account.draft()
    error_of(account, f"invoices/{made['id']}/add_lines", {"lines": [{"amount": 5}, line]})
    assert account.get(f"invoices/{made['id']}")["total"] == 125000


def test_lines_can_be_changed_and_removed_on_a_draft_only(account: Account) -> None:
    made = account.draft(lines=[{"amount": 1000}, {"amount": 2000}])
    one, two = (line["id"] for line in made["lines"]["data"])
    path = f"invoices/{made['id']}"
    assert account.post(f"{path}/update_lines", {"lines": [{"id": one, "amount": 1500}]})["total"] == 3500
    assert account.post(f"{path}/lines/{two}", {"amount": 2500})["amount"] == 2500
    assert account.post(f"{path}/remove_lines", {"lines": [{"id": one, "behavior": "delete"}]})["total"] == 2500
    account.post(f"{path}/finalize")
    for tail, given in (
        ("add_lines", {"lines": [{"amount": 1}]}),
        ("update_lines", {"lines": [{"id": two, "amount": 1}]}),
        (f"lines/{two}", {"amount": 1}),
        ("remove_lines", {"lines": [{"id": two, "behavior": "delete"}]}),
        ("finalize", None),
    ):
        assert error_of(account, f"{path}/{tail}", given)[0] == "invoice_not_editable"


def test_finalizing_opens_numbers_and_asks_for_money(account: Account) -> None:
    draft = account.draft()
    before = len(account.types())
    made = account.post(f"invoices/{draft['id']}/finalize", {"auto_advance": False, "expand": ["payments"]})
    assert made["status"] == "open"
    assert made["number"]
    assert made["hosted_invoice_url"].startswith("https://")
    assert made["status_transitions"]["finalized_at"] == NOW
    (row,) = made["payments"]["data"]
    assert (row["status"], row["is_default"], row["amount_paid"], row["amount_requested"]) == (
        "open",
        True,
        None,
        125000,
    )
    assert account.types()[before:] == ["payment_intent.created", "invoice.updated", "invoice.finalized"]


def test_a_finalized_invoice_keeps_its_money_and_terms(account: Account) -> None:
    made = account.invoice()
    path = f"invoices/{made['id']}"
    for given in ({"number": "V-2"}, {"days_until_due": 3}, {"due_date": NOW + DAY}, {"effective_at": NOW}):
        assert error_of(account, path, given)[0] == "invoice_not_editable"
    changed = account.post(path, {"metadata": {"a": "1"}, "description": "later"})
    assert (changed["metadata"], changed["description"]) == ({"a": "1"}, "later")
    assert error_of(account, path, None, "DELETE")[0] == "invoice_not_editable"


def test_an_empty_draft_is_not_finalized_and_a_draft_can_be_deleted(account: Account) -> None:
    made = account.draft(lines=[])
    assert error_of(account, f"invoices/{made['id']}/finalize")[0] == "invoice_no_customer_line_items"
    assert account.delete(f"invoices/{made['id']}")["deleted"] is True
    assert account.refused("GET", f"invoices/{made['id']}")[0] == 404


def test_a_draft_whose_due_date_has_passed_is_not_finalized(account: Account) -> None:
    made = account.draft(due_date=NOW + DAY)
    account.wait(days=2)
    assert error_of(account, f"invoices/{made['id']}/finalize")[1] == "due_date"
    made = account.draft(days_until_due=1)
    account.wait(days=2)
    assert account.post(f"invoices/{made['id']}/finalize")["due_date"] == NOW + 5 * DAY


def test_a_total_of_nothing_is_paid_without_money(account: Account) -> None:
    made = account.invoice(lines=[{"amount": 500}, {"amount": -500}])
    assert (made["status"], made["amount_paid"]) == ("paid", 0)
    assert account.get("invoice_payments", {"invoice": made["id"]})["data"] == []


def test_less_than_the_smallest_charge_moves_to_the_customers_balance(account: Account) -> None:
    owner = account.customer()["id"]
    made = account.invoice(customer=owner, lines=[{"amount": 299}])
    assert (made["status"], made["amount_due"], made["ending_balance"]) == ("paid", 0, 299)
    (moved,) = account.get(f"customers/{owner}/balance_transactions")["data"]
    assert (moved["type"], moved["amount"], moved["invoice"]) == ("invoice_too_small", 299, made["id"])
    following = account.invoice(customer=owner, lines=[{"amount": 1000}])
    assert (following["starting_balance"], following["amount_due"], following["total"]) == (299, 1299, 1000)


def test_credit_is_taken_when_finalizing_and_given_back_when_voiding(account: Account) -> None:
    owner = account.customer()["id"]
    account.post(f"customers/{owner}/balance_transactions", {"amount": -50000, "currency": "nok"})
    draft = account.draft(customer=owner)
    assert (draft["starting_balance"], draft["amount_due"]) == (-50000, 75000)
    made = account.post(f"invoices/{draft['id']}/finalize")
    assert (made["total"], made["amount_due"], made["ending_balance"]) == (125000, 75000, 0)
    assert account.get(f"customers/{owner}")["balance"] == 0
    account.post(f"invoices/{made['id']}/void")
    assert account.get(f"customers/{owner}")["balance"] == -50000
    kinds = [row["type"] for row in account.get(f"customers/{owner}/balance_transactions")["data"]]
    assert kinds == ["unapplied_from_invoice", "applied_to_invoice", "adjustment"]


def test_credit_of_another_currency_is_left_alone(account: Account) -> None:
    owner = account.customer()["id"]
    account.post(f"customers/{owner}/balance_transactions", {"amount": -50000, "currency": "eur"})
    made = account.invoice(customer=owner, currency="nok")
    assert made["amount_due"] == 125000
    got = account.get(f"customers/{owner}", {"expand": ["invoice_credit_balance"]})
    assert (got["currency"], got["invoice_credit_balance"]["eur"]) == ("eur", -50000)


def test_sending_needs_an_open_invoice_that_is_sent_by_mail(account: Account) -> None:
    draft = account.draft()
    error_of(account, f"invoices/{draft['id']}/send")
    made = account.post(f"invoices/{draft['id']}/finalize")
    account.post(f"invoices/{made['id']}/send")
    assert account.types()[-1] == "invoice.sent"
    assert account.do("truth")["mails"] == [
        {"kind": "invoice", "id": made["id"], "to": "ap@kunde.example.com", "at": NOW}
    ]
    given = {"customer": made["customer"], "collection_method": "charge_automatically"}
    card = account.post("invoices", given)
    assert error_of(account, f"invoices/{card['id']}/send")[1] == "collection_method"


def test_voiding_cancels_what_asks_for_money_and_is_the_end(account: Account) -> None:
    made = account.invoice()
    assert account.post(f"invoices/{made['id']}/void")["status"] == "void"
    (row,) = account.get("invoice_payments", {"invoice": made["id"]})["data"]
    intent = account.get(f"payment_intents/{row['payment']['payment_intent']}")
    assert (row["status"], intent["status"], intent["cancellation_reason"]) == ("canceled", "canceled", "void_invoice")
    for tail, given in (
        ("void", None),
        ("pay", {"paid_out_of_band": True}),
        ("send", None),
        ("mark_uncollectible", None),
    ):
        error_of(account, f"invoices/{made['id']}/{tail}", given)


def test_an_invoice_with_money_or_money_on_its_way_is_not_voided(account: Account) -> None:
    part = account.invoice()
    account.do("pay", invoice_id=part["id"], amount=1000)
    error_of(account, f"invoices/{part['id']}/void")
    slow = account.invoice()
    account.do("pay", invoice_id=slow["id"], slow=True)
    error_of(account, f"invoices/{slow['id']}/void")
    error_of(account, f"invoices/{slow['id']}/pay", {"paid_out_of_band": True})


def test_uncollectible_can_still_be_paid_or_voided(account: Account) -> None:
    first, second = account.invoice(), account.invoice()
    for made in (first, second):
        lost = account.post(f"invoices/{made['id']}/mark_uncollectible")
        assert lost["status_details"]["uncollectible"]["reason"] == "payment_not_received"
    account.do("pay", invoice_id=first["id"])
    assert account.get(f"invoices/{first['id']}")["status"] == "paid"
    assert account.post(f"invoices/{second['id']}/void")["status"] == "void"


def test_paid_out_of_band_leaves_no_charge_and_is_told_as_paid_only(account: Account) -> None:
    made = account.invoice()
    before = len(account.types())
    paid = account.post(f"invoices/{made['id']}/pay", {"paid_out_of_band": True})
    assert (paid["status"], paid["amount_paid"], paid["amount_remaining"]) == ("paid", 125000, 0)
    assert account.types()[before:] == ["invoice.updated", "invoice.paid", "payment_intent.canceled"]
    rows = account.get("invoice_payments", {"invoice": made["id"]})["data"]
    assert [row["status"] for row in rows] == ["canceled"]
    assert account.get("charges")["data"] == account.get("balance_transactions")["data"] == []
    error_of(account, f"invoices/{made['id']}/pay", {"paid_out_of_band": True})


def test_paid_out_of_band_may_make_a_row_as_nobody_knows(account: Account) -> None:
    account.do("knobs", out_of_band_row=True)
    made = account.invoice()
    account.post(f"invoices/{made['id']}/pay", {"paid_out_of_band": True})
    paid = account.get("invoice_payments", {"invoice": made["id"], "status": "paid"})["data"]
    assert [(row["payment"]["type"], row["amount_paid"]) for row in paid] == [("payment_record", 125000)]


def test_there_is_no_stored_card_to_pay_with(account: Account) -> None:
    assert error_of(account, f"invoices/{account.invoice()['id']}/pay")[1] == "payment_method"


def record(account: Account, value: int, **fields: Any) -> Any:
    given = {
        "amount_requested": {"value": value, "currency": "nok"}, "initiated_at": NOW - 9, "outcome": "guaranteed",
        "guaranteed": {"guaranteed_at": NOW - 9},
        "payment_method_details": {"type": "custom", "custom": {"display_name": "Bank"}},
    }  # fmt: skip
    return account.post("payment_records/report_payment", given | fields)


def test_part_of_it_paid_outside_is_a_row_without_charge(account: Account) -> None:
    made = account.invoice()
    path = f"invoices/{made['id']}"
    one = record(account, 25000)
    account.post(f"{path}/attach_payment", {"payment_record": one["id"]})
    got = account.get(path, {"expand": ["amount_paid_off_stripe"]})
    assert (got["status"], got["amount_paid"], got["amount_remaining"]) == ("open", 25000, 100000)
    assert got["amount_paid_off_stripe"] == 25000
    assert "amount_paid_off_stripe" not in account.get(path)
    asked = {"payment": {"type": "payment_record", "payment_record": one["id"]}}
    assert account.get("invoice_payments", asked)["data"][0]["invoice"] == made["id"]
    error_of(account, f"{path}/attach_payment", {"payment_record": one["id"]})
    account.post(f"{path}/attach_payment", {"payment_record": record(account, 100000)["id"]})
    assert account.get(path)["status"] == "paid"
    assert "invoice.payment_succeeded" not in account.types()
    assert account.types().count("invoice_payment.paid") == 2


def test_of_a_payment_record_no_more_is_given_back_than_is_left_of_it(account: Account) -> None:
    path = f"payment_records/{record(account, 25000)['id']}/report_refund"
    back = {"outcome": "refunded", "processor_details": {"type": "custom", "custom": {"refund_reference": "b"}}}
    assert account.post(path, back | {"amount": {"value": 5000, "currency": "nok"}})["amount_refunded"]["value"] == 5000
    assert error_of(account, path, back | {"amount": {"value": 20001, "currency": "nok"}})[1] == "amount"
    assert account.post(path, back)["amount_refunded"]["value"] == 25000


@pytest.mark.parametrize(
    "fields",
    [
        {"amount_requested": {"value": 100, "currency": "eur"}},
        {"outcome": "failed", "failed": {"failed_at": NOW}},
    ],
)
def test_a_record_that_cannot_pay_is_not_attached(account: Account, fields: dict[str, Any]) -> None:
    made = account.invoice()
    one = record(account, 100, **fields)
    error_of(account, f"invoices/{made['id']}/attach_payment", {"payment_record": one["id"]})


def note(invoice: Any, **fields: Any) -> dict[str, Any]:
    return {"invoice": invoice["id"], "email_type": "none"} | fields


def test_a_credit_note_lowers_what_remains_with_the_lines_own_tax(account: Account) -> None:
    made = account.invoice()
    line = made["lines"]["data"][0]
    taxed = {"amount": 2501, "taxable_amount": 10000, "tax_rate": line["taxes"][0]["tax_rate_details"]["tax_rate"]}
    lines = [{"type": "invoice_line_item", "invoice_line_item": line["id"], "amount": 10000, "tax_amounts": [taxed]}]
    assert account.get("credit_notes/preview", note(made, lines=lines))["total"] == 12501
    got = account.post("credit_notes", note(made, lines=lines))
    assert (got["total"], got["type"], got["number"]) == (12501, "pre_payment", f"{made['number']}-CN-01")
    after = account.get(f"invoices/{made['id']}")
    assert (after["amount_remaining"], after["amount_due"], after["pre_payment_credit_notes_amount"]) == (
        112499, 112499, 12501,
    )  # fmt: skip
    assert account.do("pay", invoice_id=made["id"])["amount"] == 112499
    account.post(f"credit_notes/{got['id']}", {"memo": "x"})
    error_of(account, f"credit_notes/{got['id']}/void")  # the invoice is not open any more


def test_a_voided_credit_note_gives_the_rest_back(account: Account) -> None:
    made = account.invoice()
    got = account.post("credit_notes", note(made, amount=5000))
    assert account.post(f"credit_notes/{got['id']}/void")["status"] == "void"
    assert account.get(f"invoices/{made['id']}")["amount_remaining"] == 125000


def test_crediting_the_whole_rest_pays_the_invoice_without_money(account: Account) -> None:
    made = account.invoice()
    account.post("credit_notes", note(made, amount=125000))
    after = account.get(f"invoices/{made['id']}")
    assert (after["status"], after["amount_paid"], after["amount_remaining"]) == ("paid", 0, 0)
    assert "invoice.payment_succeeded" not in account.types()


def test_a_credit_after_payment_must_be_split_to_the_unit(account: Account) -> None:
    paid = account.paid()
    made = paid["invoice"]
    for split in ({}, {"refund_amount": 99}, {"credit_amount": 101}, {"refund_amount": 60, "credit_amount": 60}):
        assert error_of(account, "credit_notes", note(made, amount=100, **split))[1] == "amount"
    parts = {"refund_amount": 50, "credit_amount": 30, "out_of_band_amount": 20}
    got = account.post("credit_notes", note(made, amount=100, **parts))
    assert (got["type"], got["post_payment_amount"]) == ("post_payment", 100)
    assert got["refunds"][0]["amount_refunded"] == 50
    assert account.get(f"customers/{made['customer']}")["balance"] == -30
    assert account.get(f"charges/{paid['charge_id']}")["amount_refunded"] == 50


def test_refunds_without_a_credit_note_use_up_what_can_be_credited_until_linked(account: Account) -> None:
    paid = account.paid()
    made = paid["invoice"]
    back = account.post("refunds", {"charge": paid["charge_id"], "amount": 125000})
    assert error_of(account, "credit_notes", note(made, amount=100, credit_amount=100))[1] == "amount"
    got = account.post("credit_notes", note(made, amount=125000, refunds=[{"refund": back["id"]}]))
    assert got["refunds"][0]["refund"] == back["id"]
    error_of(account, "credit_notes", note(made, amount=1, refunds=[{"refund": back["id"], "amount_refunded": 1}]))


def test_the_default_mails_the_customer_and_more_than_a_line_cannot_be_credited(account: Account) -> None:
    made = account.invoice()
    account.post("credit_notes", {"invoice": made["id"], "amount": 100})
    assert account.do("truth")["mails"][-1]["kind"] == "credit_note"
    line = {"type": "invoice_line_item", "invoice_line_item": made["lines"]["data"][0]["id"], "amount": 100001}
    assert error_of(account, "credit_notes", note(made, lines=[line]))[1] == "lines[0][amount]"
    assert error_of(account, "credit_notes", note(account.draft(), amount=1))[1] == "invoice"


@pytest.mark.parametrize(
    ("currency", "good", "bad"), [("isk", 50000, 50050), ("kwd", 10000, 10005), ("jpy", 501, None)]
)
def test_odd_currencies_take_only_amounts_they_have(
    account: Account, currency: str, good: int, bad: int | None
) -> None:
    made = account.draft(currency=currency, lines=[{"amount": good}])
    assert made["total"] == good
    if bad is not None:
        error_of(account, f"invoices/{made['id']}/add_lines", {"lines": [{"amount": bad}]})
    account.post(f"invoices/{made['id']}/finalize")


def test_auto_advance_finalizes_an_hour_later(account: Account) -> None:
    made = account.draft(auto_advance=True)
    account.wait(minutes=59)
    assert account.get(f"invoices/{made['id']}")["status"] == "draft"
    account.wait(minutes=2)
    assert account.get(f"invoices/{made['id']}")["status"] == "open"


def test_an_overdue_invoice_is_told_and_its_link_changes_with_time_and_dies(account: Account) -> None:
    made = account.invoice(days_until_due=1)
    first = made["hosted_invoice_url"]
    account.wait(hours=26)
    later = account.get(f"invoices/{made['id']}")
    assert later["hosted_invoice_url"] not in {first, None}
    assert account.types()[-1] == "invoice.overdue"
    account.wait(days=31)
    assert account.get(f"invoices/{made['id']}")["hosted_invoice_url"] is None


def test_pending_items_stay_out_unless_included(account: Account) -> None:
    owner = account.customer()["id"]
    account.post("invoiceitems", {"customer": owner, "amount": 700, "currency": "nok"})
    assert account.draft(customer=owner, pending_invoice_items_behavior="exclude", lines=[])["total"] == 0
    made = account.draft(customer=owner, pending_invoice_items_behavior="include", lines=[])
    assert made["total"] == 700
    assert account.get("invoiceitems", {"invoice": made["id"]})["data"][0]["amount"] == 700


def test_invoices_are_listed_by_customer_status_and_due_date(account: Account) -> None:
    owner = account.customer()["id"]
    mine = [account.invoice(customer=owner, days_until_due=n)["id"] for n in (5, 10)]
    account.invoice()
    assert [row["id"] for row in account.get("invoices", {"customer": owner})["data"]] == mine[::-1]
    soon = {"customer": owner, "due_date": {"lte": NOW + 6 * DAY}}
    assert [row["id"] for row in account.get("invoices", soon)["data"]] == mine[:1]
    assert account.get("invoices", {"status": "paid"})["data"] == []
