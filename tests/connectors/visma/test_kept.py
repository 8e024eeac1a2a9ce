"""What we put on customer documents, read back: files by name and bytes, words in notes, one list for many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ml_connector.connectors.shapes import Context, Observed
from ml_connector.finance.collection import LedgerAttachment, LedgerNote
from tests.connectors.visma.builders import FakeVisma, context, writer
from tests.connectors.visma.driver import DAY, Driver, invoice, sale
from tests.connectors.visma.sandboxed import Sandbox

INVOICES = "/v1/customerinvoice"


@pytest.fixture
def books() -> Driver:
    sandbox = Sandbox()
    return Driver(sandbox, sandbox.writer())


def attachment(number: str, *lines: str, **more: Any) -> LedgerAttachment:
    fields: dict[str, Any] = {"customer": "10010", "day": DAY, **more}
    said = lines or ("Pay at", "https://pay.example/1")
    return LedgerAttachment("customer_invoice", number, f"page-{number}.txt", said, "k", **fields)


def put(books: Driver, count: int, **more: Any) -> list[tuple[LedgerAttachment, Context]]:
    """So many invoices, each with its file."""
    done = []
    for _ in range(count):
        content = attachment(books.released("customer_invoice", invoice()).number, **more)
        made = books.writer.create("ledger_attachment", content, books.context())
        done.append((content, replace(books.context(), remote_id=made.remote_id)))
    return done


def seen(books: Driver, put_there: list[tuple[LedgerAttachment, Context]]) -> list[tuple[str, list[str]]]:
    """(state, differences) of each, in order."""
    found = books.writer.observe("ledger_attachment", put_there)
    shown = [found[context.remote_id] for _, context in put_there]
    return [(one.state, list(one.facts.get("differences", ()))) for one in shown]


def test_a_file_is_read_back_by_its_name_and_its_bytes(books: Driver) -> None:
    there = put(books, 1)
    before = books.sandbox.calls()
    assert seen(books, there) == [("released", [])]
    assert books.sandbox.calls() - before == 2  # a list of its customer's, and the file


def test_a_file_that_was_taken_and_not_kept_is_gone(books: Driver) -> None:
    books.sandbox.control("set_preferences", files_lost=1)
    there = put(books, 1)
    assert seen(books, there) == [("gone", [])]


def test_a_file_of_other_bytes_differs(books: Driver) -> None:
    books.sandbox.control("set_preferences", files_cut=1)
    there = put(books, 2)
    ((state, differences), second) = seen(books, there)
    assert state == "released"
    assert "bytes that are not the" in differences[0]
    assert second == ("released", [])


def test_many_files_share_a_list_and_the_bytes_of_a_few_are_read(books: Driver) -> None:
    there = put(books, 12)
    books.sandbox.control("set_preferences", files_lost=1)
    there += put(books, 1)
    before = books.sandbox.calls()
    shown = seen(books, there)
    assert books.sandbox.calls() - before <= 1 + 3 + 3  # the list, what it does not show alone, three files
    assert shown == [("released", [])] * 12 + [("gone", [])]


def test_old_documents_are_looked_for_one_by_one_where_a_list_is_long(books: Driver) -> None:
    there = put(books, 4)
    put(books, 4)
    books.sandbox.control("set_preferences", page_cap=1)
    before = books.sandbox.calls()
    assert seen(books, there) == [("released", [])] * 4
    assert books.sandbox.calls() > before


def test_a_document_of_unknown_day_is_read_first(books: Driver) -> None:
    there = put(books, 1, day=None, customer="")
    before = books.sandbox.calls()
    assert seen(books, there) == [("released", [])]
    assert books.sandbox.calls() - before == 3


def test_a_document_that_is_not_there_has_no_file(books: Driver) -> None:
    there = [(attachment("999999"), replace(books.context(), remote_id="999999/page-999999.txt"))]
    assert seen(books, there) == [("gone", [])]
    nowhere = [(attachment("999999", day=None), there[0][1])]
    assert seen(books, nowhere) == [("gone", [])]


def listed(row: dict[str, Any], file: tuple[int, Any] = (200, b"Pay at\nhttps://pay.example/1\n")) -> FakeVisma:
    base = {"referenceNumber": "7", "customer": {"number": "10010"}, "documentDate": "2026-05-20T00:00:00"}
    return FakeVisma().on("GET", INVOICES, 200, [base | row]).on("GET", "/v1/attachment/F1", *file)


def alone(visma: FakeVisma) -> Observed:
    asked = replace(context(), remote_id="7/page-7.txt")
    return writer(visma).observe("ledger_attachment", [(attachment("7"), asked)])["7/page-7.txt"]


@pytest.mark.parametrize("files", [None, "F1", {"name": "page-7.txt"}])
def test_a_list_that_shows_no_files_proves_nothing_and_asks_nobody(files: Any) -> None:
    assert alone(listed({} if files is None else {"attachments": files})).state == "released"


@pytest.mark.parametrize("files", [[], [{"name": "other.txt", "id": "F1"}], [None, 5, "page-7.txt"]])
def test_a_list_without_the_file_says_that_it_is_gone(files: list[Any]) -> None:
    assert alone(listed({"attachments": files})).state == "gone"


def test_a_file_that_cannot_be_read_differs() -> None:
    shown = alone(listed({"attachments": [{"name": "page-7.txt", "id": "F1"}]}, (404, b"")))
    assert "cannot be read" in shown.facts["differences"][0]


# ---------------------------------------------------------------------------------------------- words


def words(number: str, *lines: str, source: str = "st:ch:1", **more: Any) -> LedgerNote:
    return LedgerNote("customer_invoice", number, lines or ("Payment failed.", "No money came."), source, **more)


def noted(text: str, **more: Any) -> Observed:
    row = {"referenceNumber": "7", "note": text, "status": "Open", "currencyId": "SEK", **more}
    visma = FakeVisma().on("GET", f"{INVOICES}/7", 200, row)
    content = words("7", stop_dunning=True if more else None)
    return writer(visma).observe("ledger_note", [(content, replace(context(), remote_id="7/x"))])["7/x"]


@pytest.mark.parametrize(
    ("text", "state", "differs"),
    [
        ("[st:ch:1]\nPayment failed.\nNo money came.", "released", False),
        ("old\n[st:ch:1]\r\nPayment failed. \r\nNo money came.\r\n[st:dp:1]\nmore", "released", False),
        ("old\n[st:ch:1]\nPayment failed.\nNo mon", "released", True),
        ("[st:ch:1]\nNo money came.", "released", True),
        ("[st:ch:2]\nPayment failed.\nNo money came.", "gone", False),
        ("", "gone", False),
    ],
)
def test_the_words_below_our_mark_are_compared(text: str, state: str, differs: bool) -> None:
    shown = noted(text)
    assert (shown.state, bool(shown.facts.get("differences"))) == (state, differs)


def test_what_was_set_beside_the_words_is_compared_where_it_is_shown() -> None:
    right = "[st:ch:1]\nPayment failed.\nNo money came."
    assert noted(right, revoked=True).facts["differences"] == []
    assert noted(right, revoked=False).facts["differences"] == ["revoked is not true"]


def test_the_notes_of_many_invoices_are_read_by_one_list(books: Driver) -> None:
    said = []
    for n in range(8):
        number = books.released("customer_invoice", invoice(source=f"[st:ch:{n}]\nFailed")).number
        said.append((words(number, "Failed", source=f"st:ch:{n}"), replace(books.context(), remote_id=f"{number}/x")))
    before = books.sandbox.calls()
    found = books.writer.observe("ledger_note", said)
    assert books.sandbox.calls() - before == 1
    assert {one.state for one in found.values()} == {"released"}


# ---------------------------------------------------------------------------------------------- lists of records


def test_the_files_of_a_voucher_are_told_by_the_list_that_reads_it_back(books: Driver) -> None:
    asked = books.context()
    made = books.writer.create("journal", sale(), asked)
    known = replace(asked, remote_id=made.remote_id, file="records-A.csv")
    assert books.writer.observe("journal", [(sale(), known)])[made.remote_id].facts["files"] == []
    books.writer.attach("journal", known, file_name="records-A.csv", body=b"key\n")
    before = books.sandbox.calls()
    assert books.writer.observe("journal", [(sale(), known)])[made.remote_id].facts["files"] == ["records-A.csv"]
    assert books.sandbox.calls() - before == 1
    plain = replace(known, file="")
    assert "files" not in books.writer.observe("journal", [(sale(), plain)])[made.remote_id].facts
