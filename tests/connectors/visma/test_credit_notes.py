"""Open credit notes that people made, looked up for a document that is paid."""

from __future__ import annotations

from typing import Any

import pytest

from ml_connector.connectors.shapes import Observed
from ml_connector.finance.invoices import Application, InvoiceLine
from ml_connector.finance.plan import Found
from tests.connectors.visma.driver import Driver, invoice, paid, sek
from tests.connectors.visma.sandboxed import Sandbox


@pytest.fixture
def books() -> Driver:
    sandbox = Sandbox()
    return Driver(sandbox, sandbox.writer())


def bill(books: Driver) -> Observed:
    """An invoice of 1,250.00, paid."""
    made = books.released("customer_invoice", invoice(reference="PO 7"))
    books.released("customer_payment", paid(Application("Invoice", made.number, sek("1250"))))
    return made


def note(books: Driver, net: str = "200", *, names: str = "", customer: str = "10010") -> Observed:
    """A credit note of `net` and 25 % VAT."""
    vat = sek(str(float(net) / 4))
    line = InvoiceLine("3001", sek(net), "25", "Back", (), vat)
    content = invoice(
        kind="credit_note", lines=(line,), total=sek(net) + vat, vat_total=vat, reference=names, customer=customer,
        source=f"by hand {books.made}",
    )  # fmt: skip
    return books.released("credit_note", content)


def look_up(books: Driver, of: str, minor: int = 25_000, **more: Any) -> list[Found]:
    asked = {"of_kind": "customer_invoice", "of": of, "minor": str(minor), "currency": "SEK", **more}
    before = books.sandbox.calls()
    found = books.writer.look_up("credit_note", asked)
    assert books.sandbox.calls() - before <= 2
    return found


def test_one_that_names_the_invoice_is_found_whatever_its_amount(books: Driver) -> None:
    of = bill(books)
    by_number, by_reference = note(books, names=f"Credits {of.number}"), note(books, "400", names="PO 7")
    found = {one.number: one.facts for one in look_up(books, of.number)}
    assert {number: (facts["by"], facts["open"]) for number, facts in found.items()} == {
        by_number.number: ("document", "25000"),
        by_reference.number: ("document", "50000"),
    }


def test_one_of_the_amount_that_names_nothing_is_told_as_that(books: Driver) -> None:
    of = bill(books)
    same = note(books)
    note(books, "300")
    (found,) = look_up(books, of.number)
    assert (found.number, found.facts["by"]) == (same.number, "amount")
    assert found.facts["said"] == "250.00 SEK, of the same customer"


def test_one_that_is_paid_out_or_of_another_customer_is_not(books: Driver) -> None:
    of = bill(books)
    done = note(books, names=of.number)
    books.released(
        "customer_refund", paid(Application("CreditNote", done.number, sek("250")), kind="refund", amount="250")
    )
    note(books, names=of.number, customer="10000")
    assert look_up(books, of.number) == []
    assert look_up(books, "999999") == []


def test_those_of_an_unapplied_payments_customer_are_found(books: Driver) -> None:
    payment = books.released("customer_payment", paid())
    same = note(books)
    (found,) = look_up(books, payment.remote_id, of_kind="customer_payment")
    assert found.number == same.number
    assert look_up(books, payment.remote_id, 24_000, of_kind="customer_payment") == []
