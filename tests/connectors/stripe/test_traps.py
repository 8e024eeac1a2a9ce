"""Traps of Stripe that belong to no one room: each has a test of its name."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from ml_connector.connectors.shapes import Context, SourceObject
from ml_connector.connectors.stripe import bodies
from ml_connector.connectors.stripe.comparing import differences
from ml_connector.connectors.stripe.translate import translate
from ml_connector.errors import Rejected
from ml_connector.finance.money import Money
from tests.connectors.stripe.contents import credit, invoice, line, payment
from tests.connectors.stripe.on_sandbox import START, Account
from tests.connectors.stripe.scripted import NOW, Scripted, form_of, listed

# ---------------------------------------------------------------------------------------------- the draft compared


def draft(**changed: Any) -> dict[str, Any]:
    """Stripe's answer to add_lines for the invoice of `contents`."""
    return {
        "id": "in_1", "object": "invoice", "status": "draft", "currency": "nok", "total": 125000, "subtotal": 100000,
        "total_excluding_tax": 100000, "total_taxes": [{"amount": 25000}], "starting_balance": 0,
        "lines": {"object": "list", "data": [], "total_count": 1}, "due_date": bodies.seconds_of(date(2026, 12, 18)),
        "metadata": {},
    } | changed  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({}, ""),
        ({"currency": "sek"}, "its currency is SEK, not NOK"),
        ({"total": 125001}, "its total is 1,250.01 NOK"),
        ({"total": None}, "it has no total"),
        ({"subtotal": 99999}, "its subtotal is 999.99 NOK, not 1,000.00 NOK"),
        ({"total_taxes": [{"amount": 12500}, {"amount": 12499}]}, "its VAT is 249.99 NOK, not 250.00 NOK"),
        ({"total_taxes": []}, "its VAT is 0.00 NOK"),
        ({"lines": {"total_count": 2}}, "it has 2 lines, not 1"),
        ({"due_date": None}, "it is due on no day, not 2026-12-18"),
        ({"due_date": bodies.seconds_of(date(2026, 12, 17))}, "it is due on 2026-12-17, not 2026-12-18"),
        ({"starting_balance": 700}, "the customer has a balance"),
    ],
)
def test_everything_that_must_be_equal_is_compared_before_an_invoice_is_finalized(
    changed: dict[str, Any], word: str
) -> None:
    found = differences(invoice("cus_1"), draft(**changed), due=date(2026, 12, 18))
    assert found == [] if not word else any(one.startswith(word) for one in found)


def test_an_answer_in_another_currency_than_the_ledgers_is_never_finalized() -> None:
    deleted: list[str] = []

    def gone(asked: Any) -> dict[str, Any]:
        deleted.append(asked.url.path)
        return {"id": "in_1", "deleted": True}

    script = Scripted({
        "POST /v1/invoices": draft(), "POST /v1/invoices/in_1/add_lines": draft(currency="sek"),
        "DELETE /v1/invoices/in_1": gone,
    })  # fmt: skip
    with pytest.raises(Rejected, match="its currency is SEK, not NOK"):
        script.writer().create("collection_invoice", invoice("cus_1"), Context("T", "k", started_at=NOW))
    assert deleted == ["/v1/invoices/in_1"]


def test_a_draft_is_sent_with_its_due_date_and_never_with_days() -> None:
    script = Scripted({"/v1/invoices": draft(), "/v1/invoices/in_1/add_lines": draft()})
    script.writer().create("collection_invoice", invoice("cus_1"), Context("T", "k", started_at=NOW))
    form = form_of(script.requests[0])
    assert form["due_date"] == str(bodies.seconds_of(date(2026, 12, 18)))
    assert "days_until_due" not in form


# ---------------------------------------------------------------------------------------------- currencies and balances


def sent(account: Account, customer: str, token: str = "MLC8F3C21A", **more: Any) -> str:
    content = invoice(customer, number=token, **more)
    made = account.writer.create("collection_invoice", content, account.context(token))
    account.writer.release("collection_invoice", content, account.context(token, remote_id=made.remote_id))
    return made.remote_id


def test_a_customer_of_another_currency_is_invoiced_in_the_ledgers(account: Account) -> None:
    customer = account.do("customer", name="Kunde AS", email="a@example.com")["customer_id"]
    account.do("invoice", customer_id=customer, currency="eur")
    (found,) = account.writer.look_up("customer", {"number": customer})
    assert found.currency == "EUR"
    sent(account, customer)
    assert account.stored("invoice")[-1]["currency"] == "nok"


def test_a_balance_in_another_currency_does_not_stop_an_invoice(account: Account) -> None:
    customer = account.do("customer", name="Kunde AS", email="a@example.com")["customer_id"]
    account.do("credit", customer_id=customer, amount=-500, currency="eur")
    sent(account, customer)
    assert account.stored("invoice")[-1]["amount_due"] == 125000


def test_an_invoice_below_the_minimum_is_paid_without_money(account: Account) -> None:
    """It moves to the customer's balance: `paid` proves no money."""
    made = account.do("invoice", lines=[{"amount": 200, "description": "x"}])
    document = account.fetched("invoice", made["invoice_id"])
    assert (document.state, document.completed, document.balance_used) == (
        "paid", Money.of("0.00", "NOK"), Money.of("2.00", "NOK"),
    )  # fmt: skip


def test_an_invoice_paid_by_a_credit_note_is_paid_without_money(account: Account) -> None:
    customer = account.do("customer", name="Kunde AS", email="a@example.com")["customer_id"]
    invoice_id = sent(account, customer)
    account.writer.create("collection_credit", credit(invoice_id, line()), account.context("C"))
    document = account.fetched("invoice", invoice_id)
    assert (document.state, document.completed, document.credited) == (
        "paid", Money.of("0.00", "NOK"), Money.of("1250.00", "NOK"),
    )  # fmt: skip
    rows = account.reader().find("invoice_payment", ("invoice", invoice_id), location=None)
    assert [translate(row.kind, row.payload).state for row in rows] == ["canceled"]  # type: ignore[union-attr]


@pytest.mark.parametrize("counts", [True, False])
def test_what_was_overpaid_through_stripe_is_no_outside_money(account: Account, *, counts: bool) -> None:
    account.do("knobs", overpaid_counts=counts)
    customer = account.do("customer", name="Kunde AS", email="a@example.com")["customer_id"]
    invoice_id = sent(account, customer)
    account.do("pay", invoice_id=invoice_id, amount=130000)
    context = account.context("P")
    content = payment(invoice_id, "50.00")
    assert account.writer.find("outside_payment", [(content, context)]) == {"P": []}
    assert account.fetched("invoice", invoice_id).overpaid == Money.of("50.00", "NOK")


def test_a_link_to_pay_dies_so_each_reading_gives_one_anew(account: Account) -> None:
    customer = account.do("customer", name="Kunde AS", email="a@example.com")["customer_id"]
    invoice_id = sent(account, customer)
    content, context = invoice(customer), account.context(remote_id=invoice_id)
    urls = set()
    for _ in range(2):
        urls.add(account.writer.observe("collection_invoice", [(content, context)])[invoice_id].facts["url"])
        account.wait(hours=2)
    assert len(urls) == 2


# ---------------------------------------------------------------------------------------------- late and long


def test_events_older_than_stripe_keeps_are_not_asked_for() -> None:
    script = Scripted({"/v1/events": listed()})
    script.reader().page("events", None, now=NOW, backfill_from=NOW - timedelta(days=400))
    form = form_of(script.requests[0])
    assert form["created[gte]"] == str(int((NOW - timedelta(days=29)).timestamp()))
    assert form["created[lt]"] == str(int(NOW.timestamp()))
    assert len([name for name in form if name.startswith("types[")]) == 20


def test_two_events_of_one_object_name_it_once() -> None:
    """`invoice.paid` and `invoice.payment_succeeded` tell of the same, in any order, more than once."""
    content = {"object": {"id": "in_1"}}
    rows = [{"id": f"evt_{n}", "type": name, "data": content, "created": 1} for n, name in enumerate(
        ["invoice.paid", "invoice.payment_succeeded", "invoice.paid", "invoice.overpaid"]
    )]  # fmt: skip
    odd = [{"id": "evt_8", "type": "invoice.paid", "data": None}, {"id": "evt_9", "type": 7}, {}]
    found = Scripted({"/v1/events": listed(*rows, *odd)}).reader().page("events", None, now=NOW)
    assert [one.external_id for one in found.named] == ["in_1"]


def test_a_row_of_an_invoice_that_is_paid_months_after_it_was_made_is_read_by_the_daily_round(
    account: Account,
) -> None:
    made = account.do("invoice", days=120)["invoice_id"]
    account.wait(minutes=1)
    found, _, position = account.poll("invoice_payments", backfill_from=START - timedelta(days=1))
    assert [row.payload["status"] for row in found] == ["open"]
    account.wait(days=100)
    account.do("pay", invoice_id=made)
    found, _, _ = account.poll("invoice_payments", position)
    assert [row.payload["status"] for row in found] == ["paid"]


def test_a_dispute_that_is_decided_months_later_is_read_by_the_daily_round(account: Account) -> None:
    charge = account.do("charge", amount=100000)["charge_id"]
    dispute = account.do("dispute", charge_id=charge)["dispute_id"]
    account.wait(minutes=1)
    found, _, position = account.poll("disputes", backfill_from=START - timedelta(days=1))
    assert [translate(row.kind, row.payload).state for row in found] == ["open"]  # type: ignore[union-attr]
    account.wait(days=150)
    account.do("dispute", dispute_id=dispute, outcome="won")
    found, _, _ = account.poll("disputes", position)
    (made,) = [translate(row.kind, row.payload) for row in found]
    assert (made.state, len(made.movements)) == ("won", 2)  # type: ignore[union-attr]


def test_invoices_made_months_apart_are_read_back_one_by_one_and_not_by_months_of_lists(account: Account) -> None:
    customer = account.do("customer", name="Kunde AS", email="a@example.com")["customer_id"]
    asked = []
    for n in range(5):
        context = account.context(f"T{n}", remote_id=sent(account, customer, f"T{n}"))
        asked.append((invoice(customer), context))
        account.wait(days=20)
    account.forget_calls()
    seen = account.writer.observe("collection_invoice", asked)
    assert {one.state for one in seen.values()} == {"released"}
    assert account.calls == {"GET /v1/invoices/{id}": 5}


def test_a_charge_that_succeeded_and_was_taken_back_later_says_both(account: Account) -> None:
    invoice_id = account.do("invoice")["invoice_id"]
    paid = account.do("pay", invoice_id=invoice_id, method="sepa_debit")
    account.wait(days=3)
    account.do("fail_late", charge_id=paid["charge_id"])
    account.wait(minutes=1)
    made = account.fetched("charge", paid["charge_id"])
    assert made.failed_movement_id
    _, names, _ = account.poll("balance_transactions", backfill_from=START - timedelta(days=1))
    assert paid["charge_id"] in names


def test_the_whole_of_a_day_can_be_read_from_events_alone(account: Account) -> None:
    """After an outage of webhooks nothing is missing."""
    account.do("play_day", date="2026-11-18")
    account.wait(days=2)
    since = START - timedelta(days=10)
    position, read = None, {}
    while True:
        page = account.reader().page("events", position, now=account.clock.now(), backfill_from=since)
        for one in page.named:
            (found,) = account.reader().fetch(one.kind, [one.external_id])
            assert isinstance(found, SourceObject)
            read[one.kind, one.external_id] = translate(one.kind, found.payload)
        position = page.position
        if not page.more:
            break
    paid = {row["id"] for row in account.stored("invoice_payment") if row["status"] == "paid"}
    assert paid <= {id_ for kind, id_ in read if kind == "invoice_payment"}
    assert {row["id"] for row in account.stored("payout")} <= {id_ for kind, id_ in read if kind == "payout"}
