"""Stripe disputes: flags on the invoice, every movement of money once, the loss, and a win on appeal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from ml_connector.finance.collection import LedgerAttachment, LedgerNote
from ml_connector.finance.documents import Dispute
from ml_connector.finance.invoices import CustomerInvoice
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.plan import PlannedWrite
from ml_connector.finance.rulebook import Rule
from tests.flows.collection_world import (
    NOON,
    TERMS,
    bill,
    book,
    by_kind,
    charge,
    collected,
    dispute,
    given_back,
    journal,
    moved,
    row,
    sek,
    taken,
)
from tests.flows.stripe_world import PAID, Stripe, all_writes, balances, paying

TAKEN = moved("dispute", "-1250", "150", id="txn_d1", reference_id="dp_1")
GIVEN = moved("dispute_reversal", "1250", id="txn_d2", reference_id="dp_1")
FLAGS = {"st:dp:dp_1:open:10042:file": "ledger_attachment", "st:dp:dp_1:open:10042": "ledger_note"}


def world(**more: object) -> Stripe:
    """A charge of 1,250.00 that paid invoice 10042 and is disputed."""
    return Stripe(*paying(), charge(**PAID), **more)  # type: ignore[arg-type]


def money(writes: list[PlannedWrite]) -> dict[str, int]:
    return balances([write for write in writes if isinstance(write.content, JournalEntry)])


# ---------------------------------------------------------------------------------------------- the flag


def test_a_dispute_is_told_on_its_invoice_by_a_file_and_words_in_its_note() -> None:
    writes = world().writes(dispute("needs_response", taken()))
    assert by_kind(writes) == FLAGS
    file, words = (write.content for write in writes)
    assert isinstance(file, LedgerAttachment)
    assert isinstance(words, LedgerNote)
    assert (file.document, file.number, file.file_name) == ("customer_invoice", "10042", "dispute-dp_1.txt")
    assert words.lines == file.lines == (
        "Dispute dp_1 of 1,250.00 SEK on payment ch_1", "Reason: fraudulent", "Answer by 2026-06-01 00:00 UTC",
    )  # fmt: skip
    assert (words.stop_dunning, words.no_debt_collection) == (None, None)


def test_dunning_and_debt_collection_stop_where_the_owner_says_so() -> None:
    terms = replace(TERMS, dispute_stops_dunning=True, dispute_no_debt_collection=True)
    words = world(terms=terms).writes(dispute("needs_response", taken()))[1].content
    assert isinstance(words, LedgerNote)
    assert (words.stop_dunning, words.no_debt_collection) == (True, True)


def test_what_was_told_stands_though_the_due_date_and_the_state_change() -> None:
    here = world()
    before = here.post(dispute("needs_response", taken()))
    later = dispute("under_review", taken(), due_at=datetime(2026, 6, 9, tzinfo=UTC))
    assert here.writes(later) == before


def test_trap_an_inquiry_moves_no_money_and_is_told_as_an_inquiry() -> None:
    asked = dispute("warning_needs_response", stage="inquiry")
    here = world()
    words = here.post(asked)[1].content
    assert isinstance(words, LedgerNote)
    assert str(words.lines[0]).startswith("Inquiry dp_1")
    closed = here.writes(dispute("warning_closed", stage="inquiry"))
    assert "st:dp:dp_1:warning_closed:10042" in by_kind(closed)
    assert money(closed) == {}


def test_trap_a_prevented_dispute_takes_nothing_and_an_unknown_state_is_only_noted() -> None:
    assert "st:dp:dp_1:prevented:10042" in by_kind(world().writes(dispute("prevented")))
    assert by_kind(world().writes(dispute("a_state_of_next_year", taken()))) == FLAGS


def test_a_dispute_without_a_deadline_says_none() -> None:
    words = world().writes(dispute("needs_response", taken(), due_at=None))[1].content
    assert isinstance(words, LedgerNote)
    assert not any("Answer by" in str(line) for line in words.lines)


def test_a_dispute_of_a_charge_without_an_invoice_has_nothing_to_flag() -> None:
    assert "open" in Stripe(charge()).ignores(dispute("needs_response", taken()))
    assert "open" in Stripe().ignores(dispute("needs_response", taken(), payment_id=None))


# ---------------------------------------------------------------------------------------------- the money


def test_1250_disputed_with_a_fee_of_150_stands_as_a_claim() -> None:
    """Dr dispute receivable 1,250.00; Dr dispute fee 150.00; Cr clearing 1,400.00."""
    assert journal(world().writes(TAKEN), "st:bt:txn_d1") == {"1690": "1250.00", "6575": "150.00", "1583": "-1400.00"}


def test_won_gives_the_claim_back_and_the_fee_only_if_its_row_returns_it() -> None:
    here = world()
    assert journal(here.writes(GIVEN), "st:bt:txn_d2") == {"1690": "-1250.00", "1583": "1250.00"}
    with_fee = moved("dispute_reversal", "1250", "-150", id="txn_d2", reference_id="dp_1")
    assert journal(here.writes(with_fee), "st:bt:txn_d2") == {
        "1690": "-1250.00", "6575": "-150.00", "1583": "1400.00"
    }  # fmt: skip
    won = here.writes(dispute("won", taken(), given_back()))
    assert by_kind(won) == {**FLAGS, "st:dp:dp_1:won:10042": "ledger_note"}
    assert money([*all_writes(here, TAKEN, GIVEN), *won]) == {"6575": 15_000, "1583": -15_000}


def test_lost_turns_the_claim_into_a_loss() -> None:
    """Dr dispute loss 1,250.00; Cr dispute receivable 1,250.00."""
    here = world()
    writes = here.writes(dispute("lost", taken()))
    assert journal(writes, "st:dp:dp_1:lost") == {"6590": "1250.00", "1690": "-1250.00"}
    assert by_kind(writes) == {
        **FLAGS, "st:dp:dp_1:lost:10042": "ledger_note", "st:dp:dp_1:lost": "journal"
    }  # fmt: skip
    assert money([*here.writes(TAKEN), *writes]) == {"6590": 125_000, "6575": 15_000, "1583": -140_000}


def test_a_dispute_won_in_part_loses_the_rest() -> None:
    writes = world().writes(dispute("lost", taken(), given_back("500")))
    assert journal(writes, "st:dp:dp_1:lost") == {"6590": "750.00", "1690": "-750.00"}


def test_trap_lost_is_not_the_end_where_an_appeal_follows() -> None:
    here = world()
    lost = here.post(dispute("lost", taken()))
    appealed = here.writes(dispute("appeal_under_review", taken()))
    assert {write.key: write.content for write in appealed} == {write.key: write.content for write in lost}
    won = here.writes(dispute("won", taken(), given_back()))
    assert journal(won, "st:dp:dp_1:lost:appeal") == {"6590": "-1250.00", "1690": "1250.00"}
    assert money([*all_writes(here, TAKEN, GIVEN), *won]) == {"6575": 15_000, "1583": -15_000}


def test_a_loss_that_was_never_booked_is_not_mirrored() -> None:
    assert "st:dp:dp_1:lost" not in by_kind(world().writes(dispute("won", taken(), given_back())))


def test_a_loss_waits_for_the_money_and_the_flag_does_not() -> None:
    assert "st:dp:dp_1:lost" not in by_kind(world().writes(dispute("lost")))
    assert "not in the report yet" in Stripe(charge()).waits(dispute("lost"))


def test_trap_a_dispute_is_booked_by_its_rows_in_the_accounts_currency_not_by_its_amount() -> None:
    """Disputed 100.00 EUR; 1,135.00 SEK and a fee of 150.00 SEK were taken."""
    euros = dispute("lost", taken("1135"), amount="100")
    row = moved("dispute", "-1135", "150", id="txn_d1", reference_id="dp_1")
    here = world()
    writes = [*here.writes(row), *here.writes(euros)]
    assert money(writes) == {"6590": 113_500, "6575": 15_000, "1583": -128_500}


def test_lost_may_be_owed_again_by_the_customer_as_a_debit_note_without_vat() -> None:
    """D, no VAT: Dr AR; Cr dispute receivable; P stays."""
    here = world(terms=replace(TERMS, dispute_lost="owed"), rulebook=book(Rule("none", ("no_vat",), vat_code="0")))
    writes = here.post(dispute("lost", taken()))
    (note,) = [write.content for write in writes if write.key == "st:dp:dp_1:owed"]
    assert isinstance(note, CustomerInvoice)
    assert (note.kind, note.customer, note.total, note.vat_total) == ("debit_note", "10001", sek("1250"), sek("0"))
    assert [(one.account, one.vat_code) for one in note.lines] == [("1690", "0")]
    assert "st:dp:dp_1:lost" not in by_kind(writes)
    assert balances([*here.writes(TAKEN), *writes]) == {"AR": 125_000, "6575": 15_000, "1583": -140_000}
    appealed = here.writes(dispute("appeal_under_review", taken()))
    assert by_kind(appealed)["st:dp:dp_1:owed"] == "debit_note"


def test_owed_again_needs_a_rule_for_no_vat_and_an_invoice_in_its_currency() -> None:
    owed = replace(TERMS, dispute_lost="owed")
    assert world(terms=owed).findings(dispute("lost", taken())) == {"mapping-missing"}
    in_euro = dispute("lost", taken("100", "0", currency="EUR"))
    assert by_kind(world(terms=owed).writes(in_euro))["st:dp:dp_1:lost"] == "journal"
    assert by_kind(Stripe(charge(), terms=owed).writes(dispute("lost", taken()))) == {"st:dp:dp_1:lost": "journal"}


def test_movements_in_several_currencies_are_a_persons_matter() -> None:
    odd = dispute("lost", taken(), taken("100", "0", id="txn_d3", currency="EUR"))
    assert world().findings(odd) == {"dispute-currencies"}


def test_a_dispute_whose_money_moved_before_go_live_books_no_loss() -> None:
    terms = replace(TERMS, go_live=date(2026, 5, 21))
    assert "before the go-live day" in world(terms=terms).ignores(dispute("lost", taken()))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_states_may_arrive_in_any_order_and_leave_the_same_money(order: tuple[int, ...]) -> None:
    states: list[Dispute] = [
        dispute("needs_response", taken()), dispute("lost", taken()), dispute("won", taken(), given_back()),
    ]  # fmt: skip
    here = world()
    rows = all_writes(here, TAKEN, GIVEN)
    for place in order:
        here.post(states[place])
    last = here.post(states[2])  # what Stripe shows in the end
    assert money([*rows, *last]) == {"6575": 15_000, "1583": -15_000}


def test_a_charge_that_pays_two_invoices_is_flagged_on_both() -> None:
    rows = (row("1000"), row("250", id="inpay_2", invoice_id="in_2"))
    other = collected("250", id="in_2", marks={"visma_invoice_no": "10043"})
    paid = charge(settles=(("inpay_1", "in_1"), ("inpay_2", "in_2")))
    here = Stripe(collected(), other, *rows, paid, bills=[bill(), bill("250", number="10043")])
    keys = by_kind(here.writes(dispute("needs_response", taken())))
    assert {key for key in keys if key.endswith("file")} == {
        "st:dp:dp_1:open:10042:file", "st:dp:dp_1:open:10043:file"
    }  # fmt: skip


def test_the_moment_of_the_loss_is_the_last_movement() -> None:
    late = replace(dispute("lost", taken()), updated_at=NOON + timedelta(days=3))
    (loss,) = [write.content for write in world().writes(late) if write.key == "st:dp:dp_1:lost"]
    assert isinstance(loss, JournalEntry)
    assert loss.day == date(2026, 5, 23)
    assert loss.turnover == sek("1250")
