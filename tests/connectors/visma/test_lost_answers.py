"""Answers that get lost: what was made is found by its token, and what was not made is not found."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ml_connector.connectors.visma import WEBHOOKS
from ml_connector.errors import ConnectorError, RateLimited, Rejected, UnknownOutcome
from ml_connector.finance.invoices import Reversal
from ml_connector.finance.plan import Content
from tests.connectors.visma.driver import Driver, card, fees, invoice, paid, sale
from tests.connectors.visma.sandboxed import Sandbox

KINDS: list[tuple[str, Content]] = [
    ("journal", sale()),
    ("customer_invoice", invoice()),
    ("credit_note", invoice(kind="credit_note", due_on=None)),
    ("debit_note", invoice(kind="debit_note")),
    ("customer_payment", paid()),
    ("customer_payment", paid(kind="prepayment")),
    ("supplier_invoice", fees()),
    ("supplier_invoice", fees("-")),
    ("customer", card("customer")),
    ("supplier", card("supplier")),
]
NAMES = [f"{kind}-{n}" for n, (kind, _) in enumerate(KINDS)]


@pytest.fixture
def driver() -> Driver:
    sandbox = Sandbox()
    return Driver(sandbox, sandbox.writer())


def spoil(driver: Driver, **effect: Any) -> None:
    """The next POST to the API fares so."""
    driver.writer.client.token()  # the token is not what gets lost
    driver.sandbox.vendor.add({"match": {"method": "POST", "path": "^/v"}, "effect": effect})


@pytest.mark.parametrize(("kind", "content"), KINDS, ids=NAMES)
@pytest.mark.parametrize("effect", [{"kind": "cut_after"}, {"kind": "status", "status": 500, "when": "after"}])
def test_what_was_made_although_the_answer_got_lost_is_found(
    driver: Driver, kind: str, content: Content, effect: dict[str, Any]
) -> None:
    spoil(driver, **effect)
    context = driver.context()
    with pytest.raises(UnknownOutcome):
        driver.writer.create(kind, content, context)
    driver.sandbox.clock.advance(30)
    (found,) = driver.writer.find(kind, [(content, context)])[context.token]
    assert found.state in {"draft", "released"}


@pytest.mark.parametrize(("kind", "content"), KINDS, ids=NAMES)
@pytest.mark.parametrize("effect", [{"kind": "cut_before"}, {"kind": "status", "status": 503, "when": "before"}])
def test_what_was_not_made_is_not_found(driver: Driver, kind: str, content: Content, effect: dict[str, Any]) -> None:
    spoil(driver, **effect)
    context = driver.context()
    with pytest.raises(UnknownOutcome):
        driver.writer.create(kind, content, context)
    assert driver.writer.find(kind, [(content, context)]) == {context.token: []}


def test_a_slow_request_that_commits_later_is_found_later(driver: Driver) -> None:
    spoil(driver, kind="delay_commit", seconds=200, answer="cut")
    context = driver.context()
    with pytest.raises(UnknownOutcome):
        driver.writer.create("journal", sale(), context)
    driver.sandbox.clock.advance(30)
    assert driver.writer.find("journal", [(sale(), context)]) == {context.token: []}
    driver.sandbox.clock.advance(270)
    assert len(driver.writer.find("journal", [(sale(), context)])[context.token]) == 1


def test_twins_are_both_found(driver: Driver) -> None:
    context = driver.context()
    driver.writer.create("journal", sale(), context)
    driver.writer.create("journal", sale(), context)
    assert len(driver.writer.find("journal", [(sale(), context)])[context.token]) == 2


def test_a_release_whose_answer_got_lost_is_seen_in_the_document(driver: Driver) -> None:
    context = driver.create("journal", sale())
    spoil(driver, kind="cut_after")
    with pytest.raises(UnknownOutcome):
        driver.writer.release("journal", sale(), context)
    assert driver.seen("journal", sale(), context).state == "released"


@pytest.mark.parametrize("document", ["invoice", "payment"])
def test_a_reversal_whose_answer_got_lost_is_found(driver: Driver, document: str) -> None:
    bill = driver.released("customer_invoice", invoice())
    receipt = driver.released("customer_payment", paid())
    content = (
        Reversal("reverse_invoice", bill.number, "Invoice", "x")
        if document == "invoice"
        else Reversal("void_payment", receipt.number, "Payment", "x")
    )
    spoil(driver, kind="cut_after")
    context = driver.context()
    with pytest.raises(UnknownOutcome):
        driver.writer.create(content.kind, content, context)
    assert len(driver.writer.find(content.kind, [(content, context)])[context.token]) == 1


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        ({"kind": "status", "status": 429, "when": "before", "retry_after": 5}, RateLimited),
        ({"kind": "status", "status": 400, "when": "before"}, Rejected),
        ({"kind": "status", "status": 504, "when": "before", "html": True}, UnknownOutcome),
    ],
)
def test_every_accident_is_one_of_our_errors(
    driver: Driver, effect: dict[str, Any], kind: type[ConnectorError]
) -> None:
    spoil(driver, **effect)
    with pytest.raises(kind):
        driver.writer.create("journal", sale(), driver.context())


def test_a_hundred_probes_are_one_listing(driver: Driver) -> None:
    asked = [(sale(), driver.create("journal", sale())) for _ in range(100)]
    before = driver.sandbox.calls()
    found = driver.writer.find("journal", asked)
    assert {len(hits) for hits in found.values()} == {1}
    assert driver.sandbox.calls() - before == 1


def test_several_lost_invoices_are_found_in_one_listing(driver: Driver) -> None:
    asked = [(invoice(), driver.create("customer_invoice", invoice())) for _ in range(5)]
    before = driver.sandbox.calls()
    found = driver.writer.find("customer_invoice", asked)
    assert {len(hits) for hits in found.values()} == {1}
    assert driver.sandbox.calls() - before == 1


def test_a_delivery_of_the_sandbox_is_verified_and_names_what_to_read() -> None:
    sandbox = Sandbox()
    subscription = sandbox.control("subscribe", url="https://here.example/hooks/visma/x")
    driver = Driver(sandbox, sandbox.writer())
    made = driver.released("customer", card("customer"))
    (delivery, *_) = sandbox.vendor.deliveries(sandbox.clock.now() + timedelta(minutes=1))
    headers = {name.lower(): value for name, value in delivery.headers}
    WEBHOOKS.verify(delivery.body, headers, url=delivery.url, keys=[subscription["key"]], now=sandbox.clock.now())
    (hint,) = WEBHOOKS.read(delivery.body, headers)
    assert (hint.kind, hint.external_id, hint.account_ref) == ("customer", made.number, sandbox.company["tenant_id"])
