"""Which invoices of the ledger are collected: by the customer's attributes, by rules, and whose payer is looked for."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.finance.documents import Address
from ml_connector.finance.ledger import LedgerInvoice
from ml_connector.finance.plan import Ignore, Plan, Related
from ml_connector.finance.rulebook import Rule, When
from ml_connector.flows.visma_to_stripe import FLOW, customer
from tests.flows.collection_world import TERMS, World, bill, book, kund, payer


def world(party: Any = None, **more: Any) -> World:
    return World(FLOW, party or kund(), found={"customer": (payer(),)}, **more)


MARKED = (("COLLECT", "STRIPE"),)
WANTED = {"COLLECT": ("STRIPE", "CARD"), "CHANNELS": ("WEB",), "DIGITAL": ("true",)}


@pytest.mark.parametrize(
    ("attributes", "by"),
    [
        (MARKED, "COLLECT=STRIPE"),
        ((("COLLECT", "CARD"),), "COLLECT=CARD"),
        ((("CHANNELS", "SHOP,WEB"),), "CHANNELS=WEB"),
        ((("DIGITAL", "1"),), "DIGITAL=true"),
        ((("COLLECT", "BANK"), ("CHANNELS", "SHOP,WEBSHOP"), ("DIGITAL", "0")), ""),
        ((("COLLECT", "STRIPES"),), ""),
        ((("OTHER", "STRIPE"),), ""),
        ((), ""),
    ],
)
def test_an_invoice_is_marked_by_an_attribute_of_its_customer(attributes: Any, by: str) -> None:
    other, terms = bill(payment_method="BANK"), replace(TERMS, collect_attributes=WANTED)
    found = world(kund(attributes=attributes), terms=terms).verdict(other)
    if not by:
        assert found == Ignore("not marked for collection (nothing marks it)")
        return
    assert isinstance(found, Plan)
    sent_out = next(one for one in found.writes if one.kind == "collection_invoice")
    assert f"attribute {by} of customer 10001" in [why.because for why in sent_out.why]


def by_rules(*rules: Rule, invoice: LedgerInvoice | None = None, **party: Any) -> Any:
    here = world(kund(**party), terms=replace(TERMS, collect="rules"), rulebook=book(*rules))
    return here.verdict(invoice or bill())


def yes(name: str, **when: Any) -> Rule:
    return Rule(name, ("collect",), When(**when), collect="yes")


def no(name: str, **when: Any) -> Rule:
    return Rule(name, ("collect",), When(**when), collect="no")


LARGE = Decimal(1000)


@pytest.mark.parametrize(
    ("rules", "collected", "because"),
    [
        ([yes("7", method=("STRIPE",))], True, "rule 7: method = STRIPE"),
        ([yes("7", method=("BANK",))], False, "no rule of role collect fits it"),
        ([], False, "no rule of role collect fits it"),
        ([no("6", customer_number=("10001",)), yes("7")], False, "rule 6: customer_number = 10001"),
        ([yes("5"), no("6", customer_number=("10001",))], True, "rule 5: always"),
        ([yes("7", attribute=("COLLECT=STRIPE",), country=("SE",))], True, "attribute = COLLECT=STRIPE"),
        ([yes("7", customer_group=("WEB",), currency=("SEK",))], True, "customer_group = WEB"),
        ([yes("7", branch=("1",), credit_terms=("30",), amount_from=LARGE)], True, "amount >= 1000"),
        ([yes("7", amount_to=LARGE)], False, "no rule of role collect fits it"),
        ([yes("7", branch=("2",))], False, "no rule of role collect fits it"),
        ([yes("7", type=("credit_note",))], False, "no rule of role collect fits it"),
    ],
)
def test_rules_say_which_invoices_are_collected_the_first_that_fits_wins(
    rules: list[Rule], collected: bool, because: str
) -> None:
    address = Address(country="SE")
    invoice = bill(branch="1", credit_terms="30")
    found = by_rules(*rules, invoice=invoice, group="WEB", attributes=MARKED, address=address)
    if collected:
        assert isinstance(found, Plan)
        said = [why.because for write in found.writes for why in write.why]
        assert any(because in one for one in said)
    else:
        assert isinstance(found, Ignore)
        assert found.reason.startswith("not marked for collection (")
        assert because in found.reason


def test_where_rules_decide_marks_do_not_but_a_person_does() -> None:
    terms = replace(TERMS, collect="rules")
    asked = {"collect": "approve"}
    assert isinstance(world(terms=terms, rulebook=book(no("1"))).verdict(bill()), Ignore)
    assert isinstance(world(terms=terms, rulebook=book(no("1")), decisions=asked).verdict(bill()), Plan)
    assert isinstance(world(rulebook=book(no("1"))).verdict(bill()), Plan)  # the terms do not ask the rules


def test_only_the_payer_of_what_is_collected_is_looked_for() -> None:
    terms, party = replace(TERMS, collect="rules"), kund()
    own = customer("10001")
    for rulebook, kinds in ((book(no("1")), ["source"]), (book(yes("1")), ["source", "target"]), (None, ["source"])):
        related = Related({own.name: (party,)}, rulebook=rulebook)
        assert [need.system for need in FLOW.needs(bill(), related, terms)] == kinds
    unmarked = bill(payment_method="BANK")
    assert FLOW.needs(unmarked, Related(), TERMS) == ()
    by_class = replace(TERMS, collect_classes=("WEB",))
    assert FLOW.needs(unmarked, Related(), by_class) == (own,)
    assert FLOW.needs(unmarked, Related({own.name: (party,)}), by_class) == (own,)
