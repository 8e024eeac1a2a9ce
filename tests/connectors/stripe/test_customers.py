"""Customers: found in the order id, marks, tax ids, e-mail, name; made once; several are never chosen between."""

from __future__ import annotations

from typing import Any

import pytest

from ml_connector.errors import RateLimited, UnknownOutcome
from ml_connector.finance.documents import Address
from ml_connector.finance.plan import Found
from tests.connectors.stripe.contents import card, invoice
from tests.connectors.stripe.on_sandbox import Account

MAIL = "ap@nordlys.example.com"
LOOKED = {
    "customer_no": "10001", "org_number": "912345678", "vat_number": "NO912345678MVA", "email": MAIL,
    "name": "Nordlys AS",
}  # fmt: skip


def there(account: Account, **fields: Any) -> str:
    """A customer that somebody made at Stripe, seen by search already."""
    made: str = account.writer.client.post("/v1/customers", {"name": "X"} | fields, key=ascii(fields))["id"]
    return made


def seen(account: Account, **fields: str) -> list[Found]:
    account.wait(hours=2)
    return account.writer.look_up("customer", fields)


def ways(found: list[Found]) -> list[tuple[str, str]]:
    return [(one.number, str(one.facts["by"])) for one in found]


def test_a_stored_id_is_believed_before_everything_else(account: Account) -> None:
    bound = there(account, email="other@example.com", name="Renamed AS")
    there(account, email=MAIL, metadata={"visma_customer_no": "10001"})
    assert ways(seen(account, number=bound, **LOOKED)) == [(bound, "number")]


def test_a_deleted_customer_comes_back_with_200_and_is_nobody(account: Account) -> None:
    gone = there(account, email=MAIL)
    account.writer.client.delete(f"/v1/customers/{gone}", operation="DELETE")
    assert seen(account, number=gone) == []
    assert seen(account, number="cus_none") == []
    assert seen(account, email=MAIL) == []


def test_marks_come_before_tax_ids_and_these_before_the_email(account: Account) -> None:
    by_mail = there(account, email=MAIL)
    assert ways(seen(account, **LOOKED)) == [(by_mail, "email")]
    by_tax = there(account, tax_id_data=[{"type": "no_vat", "value": "912345678MVA"}])
    assert ways(seen(account, **LOOKED)) == [(by_tax, "VAT number")]
    by_org = there(account, metadata={"org_no": "912345678"})
    assert ways(seen(account, **LOOKED)) == [(by_org, "organisation number")]
    by_number = there(account, metadata={"visma_customer_no": "10001"})
    assert ways(seen(account, **LOOKED)) == [(by_number, "customer number")]


def test_a_name_alone_is_told_as_a_name(account: Account) -> None:
    """It is a proposal for a person: whoever plans decides by `by`."""
    named = there(account, name="NORDLYS as")
    there(account, name="Nordlys AS Bergen")
    assert ways(seen(account, **LOOKED)) == [(named, "name")]


def test_two_customers_that_may_be_it_are_both_told(account: Account) -> None:
    both = {there(account, email=MAIL, name=name) for name in ("A", "B")}
    assert {one.number for one in seen(account, **LOOKED)} == both


def test_an_address_shared_by_two_companies_is_no_match_where_their_numbers_differ(account: Account) -> None:
    there(account, email=MAIL, tax_id_data=[{"type": "no_vat", "value": "999999999MVA"}])
    there(account, email=MAIL, metadata={"visma_customer_no": "20002"})
    assert seen(account, **LOOKED) == []


def test_emails_are_exact_and_case_sensitive(account: Account) -> None:
    there(account, email=MAIL.upper())
    assert seen(account, email=MAIL) == []


def test_quotes_and_backslashes_in_names_do_not_break_the_search(account: Account) -> None:
    odd = there(account, name="O'Neil \\ Søn' OR name:'X")
    assert ways(seen(account, name="O'Neil \\ Søn' OR name:'X")) == [(odd, "name")]


def test_a_search_that_lags_is_healed_by_lists(account: Account) -> None:
    """Search shows a customer a minute later at best; the list by e-mail and the listing of tax ids do not lag."""
    account.do("knobs", search_lag_s=7200.0)
    made = there(account, email=MAIL, metadata={"visma_customer_no": "10001"})
    found = account.writer.look_up("customer", LOOKED)
    assert [(one.number, one.facts["customer_no"]) for one in found] == [(made, "10001")]


def test_the_listing_of_tax_ids_is_read_once_and_then_only_what_is_new(account: Account) -> None:
    for n in range(230):
        account.do("customer", name=f"Kunde {n}", email=f"k{n}@example.com")
    account.wait(hours=1)
    account.forget_calls()
    assert account.writer.look_up("customer", {"vat_number": "NO912345678MVA"}) == []
    assert account.calls == {"GET /v1/customers": 3}
    made = there(account, tax_id_data=[{"type": "no_vat", "value": "912345678"}])
    account.wait(minutes=10)
    account.forget_calls()
    assert ways(account.writer.look_up("customer", {"org_number": "912 345 678"})) == [(made, "VAT number")]
    assert account.calls == {"GET /v1/customers/search": 1, "GET /v1/customers": 1, "GET /v1/customers/{id}": 1}
    account.writer.client.post(f"/v1/customers/{made}", {"name": "Y"}, key="edit")
    account.wait(hours=2)
    for pages, minutes in ((3, 2), (1, 0), (0, 0)):
        account.forget_calls()
        account.writer.look_up("customer", {"org_number": "912345678"})
        assert account.calls.get("GET /v1/customers", 0) == pages
        account.wait(minutes=minutes)


def test_a_tax_id_removed_since_the_listing_is_no_match(account: Account) -> None:
    made = there(account, tax_id_data=[{"type": "no_vat", "value": "912345678MVA"}])
    assert len(account.writer.look_up("customer", {"org_number": "912345678"})) == 1
    (tax_id,) = account.writer.client.get(f"/v1/customers/{made}/tax_ids")["data"]
    account.writer.client.delete(f"/v1/customers/{made}/tax_ids/{tax_id['id']}", operation="DELETE")
    assert account.writer.look_up("customer", {"org_number": "912345678"}) == []


def test_a_new_customer_costs_seven_calls_with_its_first_invoice_and_six_in_a_row_of_them(account: Account) -> None:
    for n, most in enumerate([7, 6, 6]):
        account.forget_calls()
        number = f"1000{n}"
        party = card(account_number=number, email=f"k{n}@example.com", vat_number="", org_number="")
        asked = LOOKED | {"customer_no": number, "email": party.email, "name": f"Kunde {n}"}
        assert account.writer.look_up("customer", asked) == []
        customer = account.writer.create("customer", party, account.context(f"C{n}")).remote_id
        content = invoice(customer, number=number)
        made = account.writer.create("collection_invoice", content, account.context(f"I{n}"))
        done = account.context(f"I{n}", remote_id=made.remote_id)
        account.writer.release("collection_invoice", content, done)
        assert sum(account.calls.values()) == most, account.calls


def test_a_listing_cut_half_way_is_not_trusted(account: Account) -> None:
    made = there(account, tax_id_data=[{"type": "no_vat", "value": "912345678MVA"}])
    for n in range(130):
        account.do("customer", name=f"Kunde {n}", email=f"k{n}@example.com")
    account.faulty.add({
        "match": {"operation": "GET /v1/customers"}, "effect": {"kind": "status", "status": 429}, "skip": 1, "times": 1,
    })  # fmt: skip
    with pytest.raises(RateLimited):
        account.writer.look_up("customer", {"org_number": "912345678"})
    assert [one.number for one in account.writer.look_up("customer", {"org_number": "912345678"})] == [made]


def test_what_planning_must_know_of_a_customer_is_told(account: Account) -> None:
    made = there(account, email=MAIL, metadata={"visma_customer_no": "10001"})
    account.do("credit", customer_id=made, amount=-700, currency="nok")
    (found,) = seen(account, **LOOKED)
    assert (found.currency, found.facts["balance"], found.facts["email"]) == ("NOK", "-700", MAIL)


# ---------------------------------------------------------------------------------------------- made


def test_a_new_customer_has_marks_and_tax_ids_and_is_found_by_its_token(account: Account) -> None:
    context = account.context()
    made = account.writer.create("customer", card(), context)
    (row,) = account.stored("customer")
    assert (row["id"], row["email"], made.released) == (made.remote_id, MAIL, True)
    assert row["metadata"]["visma_customer_no"] == "10001"
    assert row["address"] == {
        "line1": "Storgata 1", "line2": "2. etg", "postal_code": "0155", "city": "Oslo", "state": None, "country": "NO",
    }  # fmt: skip
    assert [(one["type"], one["value"]) for one in account.stored("tax_id")] == [("no_vat", "912345678MVA")]
    (one,) = account.writer.find("customer", [(card(), context)])[context.token]
    assert (one.remote_id, one.state) == (made.remote_id, "released")


@pytest.mark.parametrize(
    ("vat_number", "country", "made"),
    [
        ("SE556677889901", "SE", ("eu_vat", "SE556677889901")), ("912345678", "NO", ("no_vat", "912345678")),
        ("DE 123 456 789", "DE", ("eu_vat", "DE123456789")),
    ],
)  # fmt: skip
def test_tax_ids_are_of_the_kind_their_country_has(
    account: Account, vat_number: str, country: str, made: tuple[str, str]
) -> None:
    account.writer.create("customer", card(vat_number=vat_number, address=Address(country=country)), account.context())
    assert [(one["type"], one["value"]) for one in account.stored("tax_id")] == [made]


def test_a_malformed_tax_id_fails_the_call_and_the_customer_is_made_without(account: Account) -> None:
    made = account.writer.create("customer", card(vat_number="NO12"), account.context())
    assert [row["id"] for row in account.stored("customer")] == [made.remote_id]
    assert account.stored("tax_id") == []


@pytest.mark.parametrize("effect", ["cut_before", "cut_after"])
def test_a_lost_answer_makes_no_second_customer(account: Account, effect: str) -> None:
    context = account.context()
    account.fault({"kind": effect}, operation="POST /v1/customers")
    with pytest.raises(UnknownOutcome):
        account.writer.create("customer", card(), context)
    found = account.writer.find("customer", [(card(), context)])[context.token]
    assert len(found) == (effect == "cut_after")
    account.writer.create("customer", card(), context)
    assert len(account.stored("customer")) == 1


def test_a_known_customer_is_updated_and_keeps_what_we_do_not_know(account: Account) -> None:
    made = there(account, name="Old", phone="+4799999999", metadata={"theirs": "1"})
    context = account.context(remote_id=made)
    content = card(number=made, phone="", name="Nordlys AS")
    assert account.writer.find("customer", [(content, context)]) == {context.token: []}
    account.writer.create("customer", content, context)
    (row,) = account.stored("customer")
    assert (row["name"], row["phone"], row["metadata"]["theirs"]) == ("Nordlys AS", "+4799999999", "1")
    assert account.writer.observe("customer", [(content, context)])[made].state == "released"


def test_half_a_character_from_the_ledger_does_not_stop_a_customer(account: Account) -> None:
    account.writer.create("customer", card(name="Nord\ud83dlys"), account.context())
    assert account.stored("customer")[0]["name"] == "Nord?lys"
    assert account.writer.look_up("customer", {"name": "Nord\ud83dlys \ud83d"}) == []
    assert account.writer.look_up("customer", {"number": "cus_\ud83d"}) == []
