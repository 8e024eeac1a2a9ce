"""Reading the pretend Stripe: pages, filters, expansion, search that lags, the event log."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.stripe_account import START, Account

NOW = int(START.timestamp())


@pytest.fixture
def account() -> Account:
    return Account()


def names(page: Any) -> list[str]:
    return [row["name"] for row in page["data"]]


def test_pages_go_from_the_newest_to_the_oldest_without_gap_or_twin(account: Account) -> None:
    made = [account.customer(name=f"K{n}")["name"] for n in range(7)]
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = account.get("customers", {"limit": 3} | cursor)
        assert page["url"] == "/v1/customers"
        seen += names(page)
        if not page["has_more"]:
            break
        account.customer(name="late")  # does not shift pages
        cursor = {"starting_after": page["data"][-1]["id"]}
    assert seen == made[::-1]


def test_backwards_pages_are_newest_first_too(account: Account) -> None:
    rows = [account.customer(name=f"K{n}") for n in range(5)]
    page = account.get("customers", {"limit": 2, "ending_before": rows[0]["id"]})
    assert (names(page), page["has_more"]) == (["K2", "K1"], True)
    page = account.get("customers", {"limit": 4, "ending_before": rows[0]["id"]})
    assert (names(page), page["has_more"]) == (["K4", "K3", "K2", "K1"], False)


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0},
        {"limit": 101},
        {"starting_after": "cus_none"},
        {"created": {"since": 1}},
        {"created": "yesterday"},
        {"email": {"a": "b"}},
        {"metadata": {"a": "b"}},
    ],
)
def test_lists_refuse_what_they_do_not_know(account: Account, params: dict[str, Any]) -> None:
    assert account.refused("GET", "customers", params)[0] == 400


def test_a_full_page_at_the_end_has_nothing_more(account: Account) -> None:
    for n in range(10):
        account.customer(name=f"K{n}")
    page = account.get("customers")
    assert (len(page["data"]), page["has_more"]) == (10, False)
    account.customer()
    assert account.get("customers")["has_more"] is True


def test_created_filters_count_their_ends_as_said(account: Account) -> None:
    for n in range(4):
        account.customer(name=f"K{n}")
        account.wait(seconds=10)
    asked = {"gte": NOW + 10, "lt": NOW + 30}
    assert names(account.get("customers", {"created": asked})) == ["K2", "K1"]
    assert names(account.get("customers", {"created": {"gt": NOW + 10, "lte": NOW + 30}})) == ["K3", "K2"]
    assert names(account.get("customers", {"created": NOW + 20})) == ["K2"]


def test_emails_are_compared_exactly_and_as_they_are_now(account: Account) -> None:
    made = account.customer(email="Ap@Kunde.example.com")
    assert account.get("customers", {"email": "ap@kunde.example.com"})["data"] == []
    account.post(f"customers/{made['id']}", {"email": "new@kunde.example.com"})
    assert account.get("customers", {"email": "Ap@Kunde.example.com"})["data"] == []
    assert len(account.get("customers", {"email": "new@kunde.example.com"})["data"]) == 1


def test_four_levels_can_be_expanded_and_not_five(account: Account) -> None:
    paid = account.paid(delay_s=0)
    deep = "data.payment.payment_intent.latest_charge"
    row = account.get("invoice_payments", {"invoice": paid["invoice"]["id"], "expand": [deep]})["data"][0]
    assert row["payment"]["payment_intent"]["latest_charge"]["id"] == paid["charge_id"]
    status, error = account.refused("GET", "invoice_payments", {"expand": [f"{deep}.balance_transaction"]})
    assert (status, error["param"]) == (400, "expand")
    one = f"payment_intents/{paid['payment_intent_id']}"
    got = account.get(one, {"expand": ["latest_charge.balance_transaction", "customer"]})
    assert got["latest_charge"]["balance_transaction"]["net"] == 123070
    assert got["customer"]["object"] == "customer"


@pytest.mark.parametrize("path", ["charge", "payment_intent", "lines.data.colour", "status", "payments.rows"])
def test_what_is_no_reference_cannot_be_expanded(account: Account, path: str) -> None:
    made = account.invoice()
    status, error = account.refused("GET", f"invoices/{made['id']}", {"expand": [path]})
    assert (status, error["param"]) == (400, "expand")


def test_a_null_reference_stays_null_when_expanded(account: Account) -> None:
    paid = account.paid()
    got = account.get(f"charges/{paid['charge_id']}", {"expand": ["balance_transaction"]})
    assert got["balance_transaction"] is None


def test_search_sees_the_world_a_minute_late(account: Account) -> None:
    made = account.customer(metadata={"visma_customer_no": "10001"})
    query = {"query": "metadata['visma_customer_no']:'10001'"}
    assert account.get("customers/search", query)["data"] == []
    account.wait(seconds=61)
    assert [row["id"] for row in account.get("customers/search", query)["data"]] == [made["id"]]
    account.post(f"customers/{made['id']}", {"metadata": {"visma_customer_no": "10002"}})
    late = account.get("customers/search", query)["data"]
    assert [row["metadata"] for row in late] == [{"visma_customer_no": "10002"}]  # found by what it was
    account.wait(seconds=61)
    assert account.get("customers/search", query)["data"] == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name:'acme as'", ["Acme AS"]),
        ("name~'acm'", ["Acme AS", "Acme O'Neil"]),
        (r"name:'Acme O\'Neil'", ["Acme O'Neil"]),
        ('email:"b@example.com"', ["Other"]),
        ("metadata['org_no']:'1' OR metadata['no']:'7'", ["Acme AS", "Other"]),
        ("name~'acm' AND metadata['org_no']:'1'", ["Acme AS"]),
        ("name~'acm' -metadata['org_no']:null", ["Acme AS"]),
        (f"created>={NOW}", ["Acme AS", "Acme O'Neil", "Other"]),
        (f"created<{NOW}", []),
    ],
)
def test_the_search_language(account: Account, query: str, found: list[str]) -> None:
    account.customer(name="Acme AS", metadata={"org_no": "1"})
    account.customer(name="Acme O'Neil")
    account.customer(name="Other", email="b@example.com", metadata={"no": "7"})
    account.wait(minutes=2)
    assert sorted(names(account.get("customers/search", {"query": query}))) == found


@pytest.mark.parametrize(
    "query",
    [
        "", "name", "name='x'", "name~'ab'", "description:'x'", "metadata:'x'", "name['a']:'b'", "created:'x'",
        "name:'a' AND email:'b' OR email:'c'", "name:'unclosed", "name>'a'",
    ],
)  # fmt: skip
def test_what_is_no_query_is_refused(account: Account, query: str) -> None:
    assert account.refused("GET", "customers/search", {"query": query})[1]["param"] == "query"


def test_search_pages_and_leaves_out_the_deleted(account: Account) -> None:
    rows = [account.customer(name=f"Kunde {n}") for n in range(5)]
    account.wait(minutes=2)
    account.delete(f"customers/{rows[0]['id']}")
    page = account.get("customers/search", {"query": "name~'Kunde'", "limit": 3})
    assert (len(page["data"]), page["has_more"]) == (3, True)
    rest = account.get("customers/search", {"query": "name~'Kunde'", "limit": 3, "page": page["next_page"]})
    assert (len(rest["data"]), rest["has_more"], rest["next_page"]) == (1, False, None)
    assert account.refused("GET", "customers/search", {"query": "name~'Kunde'", "page": "2"})[0] == 400


def test_events_are_listed_by_type_family_or_up_to_twenty_types(account: Account) -> None:
    account.paid()
    assert {e["type"] for e in account.get("events", {"type": "invoice.*"})["data"]} >= {"invoice.paid"}
    wanted = {"types": ["invoice.paid", "charge.succeeded"]}
    assert [e["type"] for e in account.get("events", wanted)["data"]] == ["invoice.paid", "charge.succeeded"]
    assert account.refused("GET", "events", wanted | {"type": "invoice.paid"})[0] == 400
    assert account.refused("GET", "events", {"types": ["invoice.paid"] * 21})[0] == 400


def test_the_log_forgets_after_thirty_days(account: Account) -> None:
    account.customer()
    account.wait(days=29)
    assert len(account.get("events")["data"]) == 1
    account.wait(days=2)
    assert account.get("events")["data"] == []


def test_an_event_keeps_the_object_as_it_was_and_says_who_caused_it(account: Account) -> None:
    made = account.post("customers", {"name": "One"}, headers={"idempotency-key": "k1"})
    account.post(f"customers/{made['id']}", {"name": "Two"})
    second, first = account.get("events", {"type": "customer.*"})["data"]
    assert (first["data"]["object"]["name"], second["data"]["object"]["name"]) == ("One", "Two")
    assert second["data"]["previous_attributes"] == {"name": "One"}
    assert first["request"]["idempotency_key"] == "k1"
    assert first["request"]["id"].startswith("req_")
    account.do("charge", amount=1000)
    assert account.get("events")["data"][0]["request"] == {"id": None, "idempotency_key": None}


def test_events_do_not_hold_what_must_be_asked_for(account: Account) -> None:
    account.paid()
    told = account.get("events", {"type": "invoice.paid"})["data"][0]["data"]["object"]
    assert {"payments", "amount_paid_off_stripe"} & set(told) == set()
