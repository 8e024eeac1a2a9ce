"""Invoices of the ledger sent to the pretend Stripe over HTTP: made, compared, finalized, found, never made twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.connectors.shapes import Context, Observed
from ml_connector.errors import (
    ConnectorError,
    NotAuthorized,
    RateLimited,
    Rejected,
    Transient,
    UnknownOutcome,
    UsageError,
)
from ml_connector.finance.collection import CollectionInvoice
from tests.connectors.stripe.contents import invoice, line, money
from tests.connectors.stripe.on_sandbox import START, Account

ADD_LINES = "POST /v1/invoices/{id}/add_lines"
CREATE = "POST /v1/invoices"
FINALIZE = "POST /v1/invoices/{id}/finalize"


@pytest.fixture
def customer(account: Account) -> str:
    made: str = account.do("customer", name="Nordlys AS", email="ap@nordlys.example.com")["customer_id"]
    return made


def shown(account: Account, content: Any, context: Context) -> Observed:
    return account.writer.observe("collection_invoice", [(content, context)])[context.remote_id]


def sent(account: Account, content: Any, token: str = "MLC8F3C21A") -> Context:
    """Created and finalized; the context that reads it back."""
    context = account.context(token)
    made = account.writer.create("collection_invoice", content, context)
    done = account.context(token, started_at=context.started_at, remote_id=made.remote_id)
    account.writer.release("collection_invoice", content, done)
    return done


def invoices(account: Account, *, with_lines: bool = False) -> list[dict[str, Any]]:
    rows = account.stored("invoice")
    return [row for row in rows if row["total"]] if with_lines else rows


def test_an_invoice_is_made_with_its_exact_tax_and_stays_a_draft(account: Account, customer: str) -> None:
    content = invoice(customer, line("1000.00", "250.01"), line("33.33", "4.99", "15", text="Lunch", line=2))
    context = account.context()
    made = account.writer.create("collection_invoice", content, context)
    seen = shown(account, content, account.context(remote_id=made.remote_id))
    assert (seen.state, seen.total, seen.vat, seen.currency) == ("draft", 128833, 25500, "NOK")
    assert (made.released, seen.number) == (False, "10042")
    (row,) = invoices(account)
    assert row["auto_advance"] is False
    assert row["automatic_tax"]["enabled"] is False
    assert row["collection_method"] == "send_invoice"
    assert row["metadata"] == {
        "visma_invoice_no": "10042", "visma_tenant": "tenant7", "ml_connector_key": "vi:inv:10042",
        "ml_connector_token": "MLC8F3C21A",
    }  # fmt: skip
    assert row["custom_fields"] == [{"name": "Reference", "value": "PO 77"}]


def test_a_released_invoice_is_open_with_a_page_to_pay_on_and_nobody_is_mailed(account: Account, customer: str) -> None:
    content = invoice(customer)
    seen = shown(account, content, sent(account, content))
    assert (seen.state, seen.status, seen.facts["remaining"]) == ("released", "open", 125000)
    assert seen.facts["url"].startswith("https://")
    assert seen.facts["customer"] == customer
    assert account.do("truth")["mails"] == []


def test_a_bound_customers_invoice_costs_three_calls(account: Account, customer: str) -> None:
    account.forget_calls()
    sent(account, invoice(customer))
    assert account.calls == {CREATE: 1, ADD_LINES: 1, FINALIZE: 1}


def test_exempt_and_reverse_charge_lines_say_why_no_vat_is_charged(account: Account, customer: str) -> None:
    content = invoice(customer, line("100.00", "0.00", "0", exempt="reverse_charge", vat_name="Reverse charge"))
    sent(account, content)
    lines = account.writer.client.get(f"/v1/invoices/{invoices(account)[0]['id']}/lines")["data"]
    assert [(t["amount"], t["taxability_reason"]) for t in lines[0]["taxes"]] == [(0, "reverse_charge")]


def test_a_line_without_vat_says_nothing_of_it(account: Account, customer: str) -> None:
    sent(account, invoice(customer, line("100.00", "0.00", None)))
    (row,) = invoices(account)
    assert (row["total"], row["total_taxes"]) == (10000, [])


def test_a_rate_with_idle_zeros_is_sent_with_four_decimals_at_most(account: Account, customer: str) -> None:
    sent(account, invoice(customer, line("100.00", "25.00", "25.000000")))
    assert [Decimal(str(rate["percentage"])) for rate in account.stored("tax_rate")] == [Decimal(25)]
    with pytest.raises(Rejected, match="4 decimals"):
        account.writer.create("collection_invoice", invoice(customer, line(percent="25.00001")), account.context("T2"))


@pytest.mark.parametrize(
    ("amount", "vat", "currency", "wire"),
    [
        ("1000", "250", "JPY", 1250), ("5", "0", "ISK", 500), ("500", "0", "UGX", 50000),
        ("100.50", "25.00", "HUF", 12550), ("1000.00", "250.00", "EUR", 125000),
    ],
)  # fmt: skip
def test_amounts_are_counted_as_stripe_counts_each_currency(
    account: Account, customer: str, amount: str, vat: str, currency: str, wire: int
) -> None:
    content = invoice(customer, line(amount, vat, currency=currency))
    account.writer.create("collection_invoice", content, account.context())
    (row,) = invoices(account)
    assert (row["total"], row["currency"]) == (wire, currency.lower())


def test_three_decimal_currencies_are_refused_before_anything_is_sent(account: Account, customer: str) -> None:
    account.forget_calls()
    with pytest.raises(Rejected, match="KWD has three decimals"):
        account.writer.create(
            "collection_invoice", invoice(customer, line("10.000", "0.000", currency="KWD")), account.context()
        )
    assert account.calls == {}


# ---------------------------------------------------------------------------------------------- dates


@pytest.mark.parametrize(
    "due_on", [date(2026, 11, 1), date(2026, 11, 20), None], ids=["overdue", "due today", "no due date"]
)
def test_an_overdue_invoice_is_due_tomorrow_and_shows_its_true_date(
    account: Account, customer: str, due_on: date | None
) -> None:
    content = invoice(customer, due_on=due_on, reference="")
    seen = shown(account, content, sent(account, content))
    assert seen.facts["due_date"] == int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
    told = [] if due_on is None else [{"name": "Due date", "value": due_on.isoformat()}]
    assert (invoices(account)[0]["custom_fields"] or []) == told


def test_due_dates_are_noon_so_that_no_zone_prints_the_day_before(account: Account, customer: str) -> None:
    content = invoice(customer)
    seen = shown(account, content, sent(account, content))
    assert seen.facts["due_date"] == int(datetime(2026, 12, 18, 12, tzinfo=UTC).timestamp())


def test_an_invoice_of_this_morning_is_not_dated_ahead_of_its_making(account: Account, customer: str) -> None:
    account.clock.jump(datetime(2026, 11, 21, 7, tzinfo=UTC))
    content = invoice(customer, day=date(2026, 11, 21))
    account.writer.create("collection_invoice", content, account.context())
    assert invoices(account)[0]["effective_at"] <= account.clock.now().timestamp()


def test_a_repeat_on_a_later_day_is_the_very_same_request(account: Account, customer: str) -> None:
    """A date worked out anew would be another body under the same key: 400 idempotency_error."""
    content = invoice(customer, due_on=date(2026, 11, 1))
    context = account.context()
    first = account.writer.create("collection_invoice", content, context)
    account.wait(hours=15)
    assert account.clock.now().date() != START.date()
    assert account.writer.create("collection_invoice", content, context) == first
    assert len(invoices(account)) == 1


# ---------------------------------------------------------------------------------------------- compared


def test_a_customer_with_credit_stops_the_invoice_and_its_draft_is_deleted(account: Account, customer: str) -> None:
    account.do("credit", customer_id=customer, amount=-500, currency="nok")
    with pytest.raises(Rejected, match="balance, which Stripe would set off"):
        account.writer.create("collection_invoice", invoice(customer), account.context())
    assert invoices(account) == []


def test_a_draft_whose_total_differs_from_the_ledger_is_deleted_and_named(account: Account, customer: str) -> None:
    """Somebody's integration adds a line between our two calls."""
    content, context = invoice(customer), account.context()
    account.fault({"kind": "status", "status": 503}, operation=ADD_LINES)
    with pytest.raises(UnknownOutcome):
        account.writer.create("collection_invoice", content, context)
    (draft,) = invoices(account)
    extra = {"lines": [{"amount": 700, "description": "Freight"}]}
    account.writer.client.post(f"/v1/invoices/{draft['id']}/add_lines", extra, key="other")
    with pytest.raises(Rejected, match=r"its total is 1,257\.00 NOK, not 1,250\.00 NOK; .*it has 2 lines, not 1"):
        account.writer.create("collection_invoice", content, context)
    assert invoices(account) == []


def test_a_draft_with_refused_lines_is_deleted(account: Account, customer: str) -> None:
    account.do("fail_next", status=400, operation=ADD_LINES, code="parameter_unknown")
    with pytest.raises(Rejected, match="parameter_unknown"):
        account.writer.create("collection_invoice", invoice(customer), account.context())
    assert invoices(account) == []


def test_a_refused_invoice_that_is_planned_again_is_a_new_draft(account: Account, customer: str) -> None:
    """Under the same ordinal Stripe would tell of the deleted draft for a day."""
    account.do("credit", customer_id=customer, amount=-500, currency="nok")
    with pytest.raises(Rejected):
        account.writer.create("collection_invoice", invoice(customer), account.context(ordinal=1))
    account.do("credit", customer_id=customer, amount=500, currency="nok")
    made = account.writer.create("collection_invoice", invoice(customer), account.context(ordinal=2))
    assert [row["id"] for row in invoices(account)] == [made.remote_id]


def test_a_difference_that_is_found_later_discards_the_draft(account: Account, customer: str) -> None:
    content = invoice(customer)
    made = account.writer.create("collection_invoice", content, account.context())
    context = account.context(remote_id=made.remote_id)
    account.writer.discard("collection_invoice", content, context)
    account.writer.discard("collection_invoice", content, context)
    assert shown(account, content, context).state == "gone"
    with pytest.raises(UsageError):
        account.writer.discard("customer", content, context)


def test_a_finalized_invoice_is_never_deleted(account: Account, customer: str) -> None:
    content = invoice(customer)
    context = sent(account, content)
    with pytest.raises(Rejected):
        account.writer.discard("collection_invoice", content, context)
    assert shown(account, content, context).state == "released"


def test_a_customer_without_email_gets_no_invoice(account: Account) -> None:
    nobody = account.writer.client.post("/v1/customers", {"name": "Ola"}, key="person")["id"]
    with pytest.raises(Rejected, match="Missing email"):
        account.writer.create("collection_invoice", invoice(nobody), account.context())
    account.do("knobs", missing_email_at="finalize")
    made = account.writer.create("collection_invoice", invoice(nobody), account.context("T2"))
    with pytest.raises(Rejected, match="Missing email"):
        account.writer.release("collection_invoice", None, account.context("T2", remote_id=made.remote_id))


def test_a_number_that_stripe_has_already_is_refused_and_leaves_nothing(account: Account, customer: str) -> None:
    sent(account, invoice(customer))
    with pytest.raises(Rejected, match=r"already exists.*field number"):
        account.writer.create("collection_invoice", invoice(customer, source="vi:inv:x"), account.context("T2"))
    assert len(invoices(account)) == 1


def test_a_number_that_stripe_cannot_take_is_left_to_stripe(account: Account, customer: str) -> None:
    sent(account, invoice(customer, number="10/042 Ærø"))
    assert "10/042" not in invoices(account)[0]["number"]


def test_an_account_that_taxes_by_itself_does_not_tax_ours(account: Account, customer: str) -> None:
    account.do("knobs", automatic_tax=True)
    content = invoice(customer)
    assert shown(account, content, sent(account, content)).total == 125000


def test_pending_items_of_others_stay_off_our_invoice(account: Account, customer: str) -> None:
    item = {"customer": customer, "amount": 5000, "currency": "nok"}
    account.writer.client.post("/v1/invoiceitems", item, key="other")
    content = invoice(customer)
    assert shown(account, content, sent(account, content)).total == 125000


def test_two_hundred_and_fifty_lines_are_sent_and_compared(account: Account, customer: str) -> None:
    rows = tuple(line("1.00", "0.25", line=n) for n in range(250))
    content = invoice(customer, *rows)
    assert shown(account, content, sent(account, content)).total == 31250


# ---------------------------------------------------------------------------------------------- lost answers


@pytest.mark.parametrize("operation", [CREATE, ADD_LINES])
@pytest.mark.parametrize("effect", ["cut_before", "cut_after"])
def test_a_cut_connection_is_an_unknown_outcome_and_the_repeat_makes_no_second_invoice(
    account: Account, customer: str, operation: str, effect: str
) -> None:
    content, context = invoice(customer), account.context()
    account.fault({"kind": effect}, operation=operation)
    with pytest.raises(UnknownOutcome):
        account.writer.create("collection_invoice", content, context)
    found = account.writer.find("collection_invoice", [(content, context)])[context.token]
    whole = operation == ADD_LINES and effect == "cut_after"
    assert [one.total for one in found] == ([125000] if whole else [])
    made = account.writer.create("collection_invoice", content, context)
    assert [row["id"] for row in invoices(account)] == [made.remote_id]


@pytest.mark.parametrize("operation", [CREATE, ADD_LINES])
@pytest.mark.parametrize("how", [{"after_commit": True}, {"rolled_back": True}], ids=["done", "undone"])
def test_a_failure_that_stripe_keeps_under_the_key_is_passed_by_without_a_second_invoice(
    account: Account, customer: str, operation: str, how: dict[str, bool]
) -> None:
    """v1 stores the first outcome, 500 included: the same key repeats it for a day."""
    content, context = invoice(customer), account.context()
    account.do("fail_next", status=500, operation=operation, **how)
    with pytest.raises(UnknownOutcome):
        account.writer.create("collection_invoice", content, context)
    found = account.writer.find("collection_invoice", [(content, context)])[context.token]
    made = account.writer.create("collection_invoice", content, context)
    assert [one.remote_id for one in found] in ([], [made.remote_id])
    assert [row["id"] for row in invoices(account)] == [made.remote_id]
    again = account.writer.create("collection_invoice", content, context)
    assert (again.remote_id, len(invoices(account))) == (made.remote_id, 1)


def test_after_a_day_the_same_key_would_make_a_second_invoice_so_ours_is_looked_for(
    account: Account, customer: str
) -> None:
    content, context = invoice(customer), account.context()
    made = account.writer.create("collection_invoice", content, context)
    account.wait(hours=30)
    assert account.writer.create("collection_invoice", content, context).remote_id == made.remote_id
    assert len(invoices(account)) == 1


def test_after_a_day_a_half_made_draft_is_completed(account: Account, customer: str) -> None:
    content, context = invoice(customer), account.context()
    account.do("fail_next", status=429, operation=ADD_LINES)
    with pytest.raises(RateLimited):
        account.writer.create("collection_invoice", content, context)
    account.wait(hours=30)
    made = account.writer.create("collection_invoice", content, context)
    assert [(row["id"], row["total"]) for row in invoices(account)] == [(made.remote_id, 125000)]


def test_finalizing_twice_does_nothing(account: Account, customer: str) -> None:
    content = invoice(customer)
    context = sent(account, content)
    account.writer.release("collection_invoice", content, context)
    account.wait(hours=2)
    account.writer.release("collection_invoice", content, context)
    assert shown(account, content, context).status == "open"


def test_a_lost_answer_to_finalize_is_seen_by_reading_back(account: Account, customer: str) -> None:
    content = invoice(customer)
    made = account.writer.create("collection_invoice", content, account.context())
    context = account.context(remote_id=made.remote_id)
    account.fault({"kind": "cut_after"}, operation=FINALIZE)
    with pytest.raises(UnknownOutcome):
        account.writer.release("collection_invoice", content, context)
    assert shown(account, content, context).state == "released"


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "", Rejected), (401, "", NotAuthorized), (402, "", Rejected), (403, "", NotAuthorized),
        (404, "resource_missing", Rejected), (409, "idempotency_key_in_use", Transient), (424, "", Transient),
        (429, "rate_limit", RateLimited), (429, "lock_timeout", Transient), (500, "", UnknownOutcome),
        (502, "", UnknownOutcome), (503, "", UnknownOutcome),
    ],
)  # fmt: skip
def test_every_refusal_of_a_write_is_the_error_that_says_whether_it_may_be_repeated(
    account: Account, customer: str, status: int, code: str, kind: type[ConnectorError]
) -> None:
    account.do("fail_next", status=status, operation=CREATE, code=code)
    with pytest.raises(kind) as caught:
        account.writer.create("collection_invoice", invoice(customer), account.context())
    assert isinstance(caught.value, RateLimited) == (kind is RateLimited)
    assert invoices(account) == []


def test_a_key_in_flight_is_asked_again_under_the_same_key(account: Account, customer: str) -> None:
    content, context = invoice(customer), account.context()
    account.do("knobs", in_progress_s=60.0)
    made = account.writer.create("collection_invoice", content, context)
    with pytest.raises(Transient, match="idempotency_key_in_use"):
        account.writer.create("collection_invoice", content, context)
    account.wait(minutes=2)
    assert account.writer.create("collection_invoice", content, context).remote_id == made.remote_id


def test_other_content_under_the_same_key_is_refused_and_changes_nothing(account: Account, customer: str) -> None:
    context = account.context()
    account.writer.create("collection_invoice", invoice(customer), context)
    with pytest.raises(Rejected, match="idempotency_error"):
        account.writer.create("collection_invoice", invoice(customer, text="Other words"), context)
    assert len(invoices(account)) == 1


# ---------------------------------------------------------------------------------------------- found and observed


def test_invoices_are_found_by_our_token_in_lists_which_do_not_lag(account: Account, customer: str) -> None:
    """Search would not show them for a minute."""
    other = account.do("customer", name="Other AS", email="other@example.com")["customer_id"]
    contents = {"T1": invoice(customer), "T2": invoice(other, number="10043")}
    for token, content in contents.items():
        account.writer.create("collection_invoice", content, account.context(token))
    account.forget_calls()
    asked = [(content, account.context(token)) for token, content in contents.items()]
    asked.append((invoice(customer, number="10044"), account.context("T3")))
    found = account.writer.find("collection_invoice", asked)
    assert {token: len(hits) for token, hits in found.items()} == {"T1": 1, "T2": 1, "T3": 0}
    assert account.calls == {"GET /v1/invoices": 1}


def test_an_invoice_that_stands_twice_is_told_twice(account: Account, customer: str) -> None:
    content, context = invoice(customer, number="x y"), account.context()
    account.writer.create("collection_invoice", content, context)
    account.writer.create("collection_invoice", content, account.context(ordinal=2))
    assert len(account.writer.find("collection_invoice", [(content, context)])[context.token]) == 2


def test_a_voided_invoice_is_not_found_again(account: Account, customer: str) -> None:
    content = invoice(customer)
    context = sent(account, content)
    account.writer.client.post(f"/v1/invoices/{context.remote_id}/void", {}, key="person")
    assert account.writer.find("collection_invoice", [(content, context)]) == {context.token: []}
    account.restart()
    assert shown(account, content, context).state == "gone"


def test_many_invoices_are_read_back_by_lists(account: Account, customer: str) -> None:
    asked = []
    for n in range(12):
        content = invoice(customer, number=f"2{n:04d}")
        asked.append((content, sent(account, content, f"T{n}")))
    account.restart()
    account.forget_calls()
    seen = account.writer.observe("collection_invoice", asked)
    assert {one.state for one in seen.values()} == {"released"}
    assert (len(seen), account.calls) == (12, {"GET /v1/invoices": 1})


@pytest.mark.parametrize(("newer", "calls"), [(0, {"GET /v1/invoices": 1}), (900, None)])
def test_a_few_among_very_many_of_the_same_minutes_are_read_back_in_few_calls(
    account: Account, customer: str, newer: int, calls: dict[str, int] | None
) -> None:
    bulk(account, 300)
    asked = [(content, sent(account, content, content.number)) for content in many(customer, 6)]
    if newer:
        account.wait(seconds=60)
        bulk(account, newer)
    account.restart()
    account.forget_calls()
    seen = account.writer.observe("collection_invoice", asked)
    assert {one.state for one in seen.values()} == {"released"}
    assert len(seen) == 6
    assert calls in (account.calls, None)
    assert sum(account.calls.values()) <= 12


def bulk(account: Account, n: int) -> None:
    """So many invoices of the last minute."""
    now = account.clock.now()
    account.do("bulk", n=n, start=(now - timedelta(seconds=50)).isoformat(), end=now.isoformat())


def many(customer: str, n: int) -> list[CollectionInvoice]:
    return [invoice(customer, number=f"3{number:04d}") for number in range(n)]


def test_what_stands_there_is_told_by_the_id(account: Account, customer: str) -> None:
    context = sent(account, invoice(customer))
    (found,) = account.writer.look_up("sent_invoice", {"of": context.remote_id})
    assert (found.status, found.facts["remaining"], found.name) == ("open", "125000", "10042")
    assert account.writer.look_up("sent_invoice", {"of": "in_none"}) == []


def test_a_missing_permission_to_write_is_named(account: Account, customer: str) -> None:
    account.restricted(invoice="read", customer="write")
    with pytest.raises(NotAuthorized, match="rak_invoice_write") as caught:
        account.writer.create("collection_invoice", invoice(customer), account.context())
    assert "rak_invoice_write" in caught.value.fix


def test_what_stripe_does_not_take_is_refused_before_a_call(account: Account, customer: str) -> None:
    account.forget_calls()
    with pytest.raises(UsageError, match="Stripe takes no journal"):
        account.writer.create("journal", invoice(customer), account.context())
    with pytest.raises(UsageError):
        account.writer.create("collection_invoice", money("1.00"), account.context())
    with pytest.raises(UsageError, match="attached"):
        account.writer.attach("collection_invoice", account.context(), file_name="a.csv", body=b"x")
    with pytest.raises(UsageError):
        account.writer.chart()
    with pytest.raises(UsageError):
        account.writer.find("journal", [(money("1.00"), account.context())])
    with pytest.raises(UsageError, match="time at which that began"):
        account.writer.create("collection_invoice", invoice(customer), Context("T", "k"))
    with pytest.raises(UsageError):
        account.writer.look_up("supplier", {"name": "x"})
    assert account.calls == {}


def test_several_threads_make_each_invoice_once(account: Account, customer: str) -> None:
    contents = {f"T{n}": invoice(customer, number=f"3{n:04d}") for n in range(16)}
    twice = [(token, content) for token, content in contents.items() for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        made = list(
            pool.map(lambda one: account.writer.create("collection_invoice", one[1], account.context(one[0])), twice)
        )
    assert len({one.remote_id for one in made}) == len(invoices(account)) == 16


def test_idempotency_keys_hold_token_step_and_ordinal_and_no_content() -> None:
    from ml_connector.connectors.stripe.client import key_of

    keys = {key_of("T1", "create|1"), key_of("T1", "create|2"), key_of("T1", "lines|1"), key_of("T2", "create|1")}
    assert len(keys) == 4
    assert {len(key) for key in keys} == {48}
