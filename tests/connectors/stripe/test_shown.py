"""What an answer of ours showed of an invoice serves the look that follows, once; all else is read for real."""

from __future__ import annotations

from typing import Any

import pytest

from ml_connector.connectors.shapes import Context, Observed
from ml_connector.errors import UnknownOutcome
from tests.connectors.stripe.contents import invoice
from tests.connectors.stripe.on_sandbox import Account
from tests.connectors.stripe.test_writing_invoices import sent

LINES, FINALIZE = "POST /v1/invoices/{id}/add_lines", "POST /v1/invoices/{id}/finalize"
READ = {"GET /v1/invoices/{id}": 1}


@pytest.fixture
def content(account: Account) -> Any:
    return invoice(account.do("customer", name="Nordlys AS", email="ap@nordlys.example.com")["customer_id"])


def created(account: Account, content: Any) -> Context:
    context = account.context()
    made = account.writer.create("collection_invoice", content, context)
    return account.context(started_at=context.started_at, remote_id=made.remote_id)


def look(account: Account, content: Any, context: Context) -> tuple[Observed, dict[str, int]]:
    """What is seen, and the calls that it took."""
    account.forget_calls()
    found = account.writer.observe("collection_invoice", [(content, context)])[context.remote_id]
    return found, dict(account.calls)


def test_an_invoice_that_goes_out_alone_takes_three_calls(account: Account, content: Any) -> None:
    account.forget_calls()
    context = created(account, content)
    draft = account.writer.observe("collection_invoice", [(content, context)])[context.remote_id]
    account.writer.release("collection_invoice", content, context)
    out = account.writer.observe("collection_invoice", [(content, context)])[context.remote_id]
    assert account.calls == {"POST /v1/invoices": 1, LINES: 1, FINALIZE: 1}
    assert (draft.state, out.state, out.status) == ("draft", "released", "open")
    assert out.facts["url"]


def test_what_an_answer_showed_is_what_a_reading_shows(account: Account, content: Any) -> None:
    context = created(account, content)
    by_answer, calls = look(account, content, context)
    by_reading, more = look(account, content, context)
    assert (calls, more) == ({}, READ)  # it serves once
    assert by_answer == by_reading
    account.writer.release("collection_invoice", content, context)
    by_answer, calls = look(account, content, context)
    assert calls == {}
    by_reading, _ = look(account, content, context)
    assert (by_answer.state, by_answer.total, by_answer.vat) == (by_reading.state, by_reading.total, by_reading.vat)
    assert by_answer.tokens == by_reading.tokens


def test_after_a_while_and_after_a_restart_it_is_read(account: Account, content: Any) -> None:
    context = created(account, content)
    account.wait(minutes=3)
    assert look(account, content, context)[1] == READ
    account.writer.release("collection_invoice", content, context)
    account.restart()
    assert look(account, content, context)[1] == READ


def test_what_stripe_only_repeats_is_read(account: Account, content: Any) -> None:
    created(account, content)
    account.restart()
    context = created(account, content)  # the same requests: Stripe repeats what it answered before
    account.writer.client.post(f"/v1/invoices/{context.remote_id}", {"footer": "changed"}, key="person")
    assert look(account, content, context)[1] == READ


@pytest.mark.parametrize("operation", [LINES, FINALIZE])
def test_what_a_lost_answer_would_have_shown_is_read(account: Account, content: Any, operation: str) -> None:
    account.fault({"kind": "cut_after"}, operation=operation)
    with pytest.raises(UnknownOutcome):
        sent(account, content)
    (row,) = account.stored("invoice")
    context = account.context(remote_id=row["id"])
    found, calls = look(account, content, context)
    assert calls == READ
    assert found.status == row["status"]


def test_a_deleted_draft_is_not_shown(account: Account, content: Any) -> None:
    context = created(account, content)
    account.writer.discard("collection_invoice", content, context)
    assert look(account, content, context)[0].state == "gone"


def test_what_carries_another_token_is_read(account: Account, content: Any) -> None:
    context = created(account, content)
    other = account.context("OTHER", remote_id=context.remote_id)
    assert look(account, content, other)[1] == READ
