"""Back from Basware: an approved document is one supplier invoice, whatever is offered again; answered, paid, told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import replaying
from ml_connector.store import trips
from tests.engine.proofs import query
from tests.engine.purchase_world import PurchaseWorld


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PurchaseWorld]:
    world = PurchaseWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.open_books()
    world.settle(300)
    yield world
    world.close()


def answers(world: PurchaseWorld, invoice: dict[str, Any]) -> list[dict[str, Any]]:
    return list(world.document(invoice["invoice_id"])["content"].get("transferResponses", []))


def trail(world: PurchaseWorld, verb: str, words: str) -> int:
    """How many audit events of this verb say so."""
    rows = query(world, "SELECT facts FROM audit_event WHERE verb = :verb", verb=verb)
    return sum(words in row[0] for row in rows)


def test_an_approved_document_is_acknowledged_booked_and_answered_with_its_number(world: PurchaseWorld) -> None:
    made = world.approve(net="1000.00", invoice_number="F-1")
    world.settle(600)
    (voucher,) = world.supplier_invoices()
    sums = {line["account"]: (line["debit"], line["credit"]) for line in voucher["lines"]}
    assert sums == {"2440": ("0", "1250.00"), "4000": ("1000.00", "0"), "2641": ("250.00", "0")}
    (answer,) = answers(world, made)
    assert (answer["success"], world.document(made["invoice_id"])["status"]) == (True, "Transferred")
    numbers = [key.rpartition("/")[2] for key in world.trips("supplierInvoice")]
    assert [answer["voucherNumber1"]] == numbers


def test_a_document_that_is_offered_again_never_becomes_a_second_invoice(world: PurchaseWorld) -> None:
    made = world.approve(invoice_number="F-1")
    world.settle(600)
    world.at_basware("mark", invoice_id=made["invoice_id"], status="TransferFailed")
    world.at_basware("retransfer", invoice_id=made["invoice_id"])
    world.settle(600)
    assert len(world.supplier_invoices()) == 1
    assert [one["success"] for one in answers(world, made)] == [True, True]
    assert len({one["voucherNumber1"] for one in answers(world, made)}) == 1
    assert world.document(made["invoice_id"])["status"] == "Transferred"


def test_what_people_there_must_mend_goes_back_with_words_and_comes_again(world: PurchaseWorld) -> None:
    made = world.approve(kind="bad_sum", net="800.00", invoice_number="F-2")
    world.settle(600)
    assert world.supplier_invoices() == []
    (answer,) = answers(world, made)
    assert answer["success"] is False
    assert "rows sum to 800.00 SEK" in answer["responseMessage"]
    content = world.document(made["invoice_id"])["content"]
    fields = {
        name: float(sum(row[part] for row in content["codingRows"]))
        for name, part in (("netSum", "netTotal"), ("grossSum", "grossTotal"))
    }
    world.at_basware("mark", invoice_id=made["invoice_id"], fields=fields)
    world.at_basware("retransfer", invoice_id=made["invoice_id"])
    world.settle(600)
    assert [one["success"] for one in answers(world, made)] == [False, True]
    assert len(world.supplier_invoices()) == 1


def test_an_unknown_cost_centre_goes_back_and_a_second_invoice_of_the_same_number_too(world: PurchaseWorld) -> None:
    wrong = world.approve(kind="unknown_cost_center", invoice_number="F-3")
    world.approve(invoice_number="F-4")
    world.settle(600)
    twin = world.approve(invoice_number="F-4", net="2000.00")
    world.settle(1_200)
    assert "NOWHERE" in answers(world, wrong)[0]["responseMessage"]
    (said,) = answers(world, twin)
    assert said["success"] is False
    assert "in the ledger" in said["responseMessage"]
    assert len(world.supplier_invoices()) == 1


def test_two_documents_of_one_invoice_at_the_same_moment_make_one(world: PurchaseWorld) -> None:
    made = [world.approve(invoice_number="F-4"), world.approve(invoice_number="f-4 ")]
    world.settle(900)
    assert len(world.supplier_invoices()) == 1
    said = sorted((answers(world, one)[0] for one in made), key=lambda one: one["success"])
    assert [one["success"] for one in said] == [False, True]
    assert "as well" in said[0]["responseMessage"] or "in the ledger" in said[0]["responseMessage"]


def test_a_payment_block_keeps_the_cost_in_the_ledger_and_out_of_the_payment_run(world: PurchaseWorld) -> None:
    made = world.approve(invoice_number="F-5", payment_block=True)
    world.settle(600)
    assert len(world.supplier_invoices()) == 1
    assert answers(world, made)[0]["paymentBlock"] is True


def test_vat_that_rows_round_one_by_one_is_booked_as_the_document_says(world: PurchaseWorld) -> None:
    rows = [
        {"net": net, "tax_percent": 25, "account": "4000", "cost_center": "10", "tax_code": "25",
         "row_fields": {"dimCode1": "100"}}
        for net in ("1000.02", "1000.02")
    ]  # fmt: skip
    made = world.approve(rows=rows, invoice_number="F-6")
    world.settle(600)
    (voucher,) = world.supplier_invoices()
    (owed,) = [line["credit"] for line in voucher["lines"] if line["account"] == "2440"]
    assert owed == made["gross"]
    assert world.document(made["invoice_id"])["status"] == "Transferred"


def test_a_lost_answer_of_the_ledger_makes_one_invoice_and_one_of_basware_one_answer(world: PurchaseWorld) -> None:
    world.fail("visma", "POST /v1/supplierInvoice", "cut_after")
    world.fail_basware("POST /v1/accountingDocuments/{invoiceId}/transferResponses", "cut_after")
    world.fail_basware("POST /v1/accountingDocuments/{invoiceId}/acknowledge", "cut_after")
    made = world.approve(invoice_number="F-7")
    world.settle(3_600)
    assert len(world.supplier_invoices()) == 1
    assert len(answers(world, made)) == 1
    assert world.document(made["invoice_id"])["status"] == "Transferred"


def test_payments_are_told_whole_each_time_and_a_void_too(world: PurchaseWorld) -> None:
    made = world.approve(net="1000.00", invoice_number="F-8")
    world.settle(600)
    number = answers(world, made)[0]["voucherNumber1"]
    world.ledger("pay_supplier", invoice=number, amount="250.00")
    world.settle(1_800)
    assert (world.document(made["invoice_id"])["payment"]["paidTotal"], "paid in part") == (250, "paid in part")
    assert trail(world, "posted", f"bw:pay:{made['invoice_id']}") == 1  # what Basware confirmed stands in the trail
    second = world.ledger("pay_supplier", invoice=number)["number"]
    world.settle(1_800)
    document = world.document(made["invoice_id"])
    assert (document["status"], document["payment"]["paidTotal"]) == ("Paid", 1250)
    world.ledger("void_supplier_payment", number=second)
    world.settle(1_800)
    document = world.document(made["invoice_id"])
    assert (document["status"], document["payment"]["paidTotal"]) == ("Transferred", 250)


def test_undoing_a_document_reverses_its_invoice_and_nothing_books_it_again(world: PurchaseWorld) -> None:
    made = world.approve(net="1000.00", invoice_number="F-9")
    world.settle(600)
    rows = query(
        world,
        "SELECT t.id FROM trip t JOIN record r ON r.id = t.record_id WHERE r.external_id = :id",
        id=made["invoice_id"],
    )
    replaying.undo(world.works, rows[0][0], by="Ann")
    world.settle(1_200)
    with world.works.database.reading() as c:
        assert trips.by_ids(c, [rows[0][0]])[rows[0][0]].state == "reversed"
    owed = world.ledger("balances")["accounts"].get("2440", {})
    assert all(float(text) == 0 for text in owed.values())
    world.settle(1_200)
    assert len(world.supplier_invoices()) == 2  # the invoice and its reversal


def test_in_visma_receives_nothing_that_comes_back_is_booked_and_nothing_is_acknowledged(tmp_path: Path) -> None:
    world = PurchaseWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.open_books(mode="visma_receives")
    world.settle(300)
    made = world.approve(invoice_number="F-10")
    world.settle(600)
    assert world.supplier_invoices() == []
    assert world.document(made["invoice_id"])["status"] == "WaitingForTransfer"
    assert trail(world, "planned", "its approval is read, and nothing is answered") == 1
    world.close()


def test_in_visma_receives_with_updates_the_coding_comes_back_onto_the_waiting_invoice(tmp_path: Path) -> None:
    world = PurchaseWorld(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.open_books(mode="visma_receives", updates=True)
    world.settle(300)
    number = world.bill("F-11")
    world.settle(600)
    ((bum_id, parcel),) = world.at_basware("truth")["parcels"].items()
    assert parcel["document_id"]
    coded = {"account": "4000", "cost_center": "20", "tax_code": "25", "row_fields": {"dimCode1": "200"}}
    made = world.at_basware("approve", bumid=bum_id, supplier_code="50012", net="1000.00", **coded)
    world.settle(1_200)
    assert world.items().keys() == {"tax-rate-unknown"}
    (voucher,) = world.supplier_invoices()
    assert {line["segments"]["1"] for line in voucher["lines"] if line["account"] == "4000"} == {"20"}
    (answer,) = answers(world, made)
    assert (answer["success"], answer["voucherNumber1"]) == (True, number)
    assert world.trips("supplierInvoice") == {f"Invoice/{number}": ("posted", None)}
    world.close()
