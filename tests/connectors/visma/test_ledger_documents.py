"""Invoices, credit notes and payments that people made: read whole, told as documents; files and words put on them."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.connectors.shapes import SourceObject
from ml_connector.connectors.visma import translate
from ml_connector.connectors.visma.client import BACKGROUND
from ml_connector.errors import Conflict, NotFound, Rejected, Untranslatable
from ml_connector.finance.collection import LedgerAttachment, LedgerNote
from ml_connector.finance.invoices import Application, InvoiceLine
from ml_connector.finance.ledger import LedgerApplication, LedgerInvoice, LedgerPayment, LedgerTax
from tests.connectors.visma.builders import NOON, FakeVisma, context, writer
from tests.connectors.visma.driver import DAY, Driver, invoice, paid, sek
from tests.connectors.visma.sandboxed import Sandbox


@pytest.fixture
def books() -> Driver:
    sandbox = Sandbox()
    return Driver(sandbox, sandbox.writer())


def of_invoice(books: Driver, number: str, kind: str = "customerinvoice") -> LedgerInvoice:
    (one,) = books.sandbox.reader().fetch(kind, [number])
    assert isinstance(one, SourceObject), one
    found = translate(kind, one.payload)
    assert isinstance(found, LedgerInvoice)
    return found


def test_an_invoice_is_read_with_its_lines_and_the_vat_of_each_id(books: Driver) -> None:
    made = books.released("customer_invoice", invoice())
    found = of_invoice(books, made.number)
    assert (found.kind, found.state, found.customer, found.currency) == ("invoice", "open", "10010", "SEK")
    assert (found.total, found.balance, found.vat_total) == (sek("1250"), sek("1250"), sek("250"))
    assert found.day == DAY
    (line,) = found.lines
    assert (line.net, line.account, line.vat_code) == (sek("1000"), "3001", "25")
    assert dict(line.dimensions)[1] == "10"
    assert found.taxes == (LedgerTax("S25", Decimal(25), sek("1000"), sek("250")),)
    assert found.note == "sq:inv:I1"


def test_a_record_has_the_same_shape_from_the_stream_and_alone(books: Driver) -> None:
    made = books.released("customer_invoice", invoice())
    page = books.sandbox.reader().page("customerinvoice", None, now=NOON)
    (listed,) = [one for one in page.objects if one.external_id == made.number]
    (alone,) = books.sandbox.reader().fetch("customerinvoice", [made.number])
    assert isinstance(alone, SourceObject)
    assert alone.payload == listed.payload


def test_a_paid_invoice_has_no_balance_and_its_payment_names_it(books: Driver) -> None:
    made = books.released("customer_invoice", invoice())
    money = books.released("customer_payment", paid(Application("Invoice", made.number, sek("1250"))))
    assert of_invoice(books, made.number).state == "closed"
    (one,) = books.sandbox.reader().fetch("customerPayment", [money.remote_id])
    assert isinstance(one, SourceObject)
    found = translate("customerPayment", one.payload)
    assert isinstance(found, LedgerPayment)
    assert (found.kind, found.state, found.amount, found.cash_account) == ("payment", "closed", sek("1250"), "1582")
    assert found.applications == (LedgerApplication("Invoice", made.number, sek("1250")),)
    assert found.id == f"payment/{found.number}"
    streamed = books.sandbox.reader().page("customerPayment", None, now=NOON)
    assert money.remote_id in {each.external_id for each in streamed.objects}


def test_a_credit_note_names_what_it_was_put_against(books: Driver) -> None:
    made = books.released("customer_invoice", invoice())
    line = InvoiceLine("3001", sek("200"), "25", "Back", (), sek("50"))
    note = books.released(
        "credit_note",
        invoice(kind="credit_note", lines=(line,), total=sek("250"), vat_total=sek("50"), applies_to=made.number),
    )
    found = of_invoice(books, note.number, "customerCreditNote")
    assert (found.kind, found.total, found.vat_total) == ("credit_note", sek("250"), sek("50"))
    assert found.applications == (LedgerApplication("Invoice", made.number, sek("250")),)
    assert of_invoice(books, made.number).balance == sek("1000")


def test_an_invoice_is_looked_up_whole_by_number_and_by_the_reference_of_a_shop(books: Driver) -> None:
    made = books.released("customer_invoice", invoice(reference="1001"))
    (by_number,) = books.writer.look_up("ledger_invoice", {"number": made.number})
    (by_reference,) = books.writer.look_up("ledger_invoice", {"reference": "1001"})
    assert by_number.document == by_reference.document
    assert isinstance(by_number.document, LedgerInvoice)
    assert (by_number.number, by_number.status, by_number.currency) == (made.number, "open", "SEK")
    assert books.writer.look_up("ledger_invoice", {"number": "999999"}) == []
    assert books.writer.look_up("ledger_invoice", {"reference": "nobody"}) == []


def test_open_credit_notes_are_found_by_the_invoices_own_number(books: Driver) -> None:
    made = books.released("customer_invoice", invoice())
    line = InvoiceLine("3001", sek("200"), "25", "Back", (), sek("50"))
    content = invoice(
        kind="credit_note",
        lines=(line,),
        total=sek("250"),
        vat_total=sek("50"),
        reference=made.number,
        source="st:re:1",
    )
    note = books.released("credit_note", content)
    asked = {"invoice": made.number, "minor": "25000", "currency": "SEK"}
    (found,) = books.writer.look_up("credit_note", asked)
    assert found.number == note.number
    assert "st:re:1" in found.facts["marks"].splitlines()  # by this our own ones are told from people's


# ---------------------------------------------------------------------------------------------- writing


def attachment(number: str, **more: Any) -> LedgerAttachment:
    return LedgerAttachment(
        "customer_invoice", number, "stripe-in_1.txt", ("Pay at", "https://pay.example/1"), "k", **more
    )


def note(number: str, *lines: str, source: str = "st:dp:1:needs_response", **more: Any) -> LedgerNote:
    return LedgerNote("customer_invoice", number, lines or ("Disputed.",), source, **more)


def test_a_file_is_put_on_a_released_invoice_in_one_call_and_again_as_its_new_version(books: Driver) -> None:
    made = books.released("customer_invoice", invoice())
    before = books.sandbox.calls()
    for _ in range(2):
        done = books.writer.create("ledger_attachment", attachment(made.number), books.context())
    assert books.sandbox.calls() - before == 2
    assert done.released
    asked = books.context()
    assert books.writer.find("ledger_attachment", [(attachment(made.number), asked)]) == {asked.token: []}


def test_words_are_added_to_a_note_and_what_stood_there_is_kept(books: Driver) -> None:
    made = books.released("customer_invoice", invoice())
    content = note(made.number, stop_dunning=True, no_debt_collection=True)
    wrote = books.context()
    created = books.writer.create("ledger_note", content, wrote)
    assert created.job_id  # in the background, so that the version counts
    while (done := books.writer.job(created.job_id)) is None:
        books.sandbox.clock.advance(1)
    known = replace(wrote, remote_id=done.number)
    assert done.number == made.number
    assert of_invoice(books, made.number).note == "sq:inv:I1\n[st:dp:1:needs_response]\nDisputed."
    assert books.writer.observe("ledger_note", [(content, known)])[made.number].state == "released"
    assert len(books.writer.find("ledger_note", [(content, wrote)])[wrote.token]) == 1


def test_words_that_stand_already_are_not_sent_again(books: Driver) -> None:
    made = books.released("customer_invoice", invoice(source="[st:dp:1:needs_response]"))
    before = books.sandbox.calls()
    done = books.writer.create("ledger_note", note(made.number), books.context())
    assert books.sandbox.calls() - before == 1
    assert (done.number, done.remote_id) == (made.number, f"{made.number}/st:dp:1:needs_response")


def test_words_that_are_not_there_yet_are_looked_for_in_vain(books: Driver) -> None:
    made = books.released("customer_invoice", invoice())
    asked = replace(books.context(), remote_id=made.number)
    assert books.writer.observe("ledger_note", [(note(made.number), asked)])[made.number].state == "gone"


def noted(visma: FakeVisma, text: str = "") -> FakeVisma:
    row = {"referenceNumber": "100", "note": text, "timeStamp": "AAAA", "status": "Open", "currencyId": "SEK"}
    return visma.on("GET", "/v1/customerinvoice/100", 200, row, ETag='"AAAA"')


def test_a_note_is_put_with_the_version_read_and_in_the_background_only() -> None:
    visma = noted(FakeVisma(), "old").on("PUT", "/v1/customerinvoice/100", 202, {"id": "J1", "stateLocation": "x"})
    assert writer(visma).create("ledger_note", note("100"), context()).job_id == "J1"
    sent = visma.last()
    assert sent.headers["if-match"] == '"AAAA"'
    assert {name: sent.headers[name] for name in BACKGROUND} == BACKGROUND
    assert json.loads(sent.content) == {"note": {"value": "old\n[st:dp:1:needs_response]\nDisputed."}}


def test_a_note_that_somebody_changed_meanwhile_is_a_conflict() -> None:
    visma = noted(FakeVisma()).on("PUT", "/v1/customerinvoice/100", 412)
    with pytest.raises(Conflict):
        writer(visma).create("ledger_note", note("100"), context())


def test_a_full_note_and_a_missing_document_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(Rejected, match="full"):
        writer(noted(FakeVisma(), "x" * 3_890)).create("ledger_note", note("100"), context())
    with pytest.raises(NotFound):
        writer(FakeVisma().on("GET", "/v1/customerinvoice/7", 404)).create("ledger_note", note("7"), context())


# ---------------------------------------------------------------------------------------------- any payload

LEAVES = st.none() | st.booleans() | st.integers() | st.decimals() | st.text(max_size=6)
JSON = st.recursive(
    LEAVES, lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(st.text(max_size=8), deeper, max_size=3)
)
NAMES = (
    "referenceNumber refNbr currencyId currency customer documentDate applicationDate amountInCurrency invoiceLines "
    "lines taxDetails applications paymentLines lastModifiedDateTime documentDueDate paymentAmount status".split()
)


def field_refused(kind: str, row: dict[str, Any]) -> str | None:
    """None when it went well; the named field when it was Untranslatable. Anything else fails the test."""
    try:
        translate(kind, row)
    except Untranslatable as error:
        return error.field
    return None


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), JSON | st.sampled_from(["SEK", "2026-05-20T00:00:00", "100"])))
def test_whatever_comes_is_a_document_or_names_its_field(row: dict[str, Any]) -> None:
    for kind in ("customerinvoice", "customerCreditNote", "customerPayment"):
        assert field_refused(kind, row) != ""
