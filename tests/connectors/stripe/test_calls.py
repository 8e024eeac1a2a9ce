"""How we call: version, account and key on each call, forms in brackets, lists to their end, a pace, minor units."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.connectors.shapes import Check
from ml_connector.connectors.stripe import CONNECTOR, VERSION
from ml_connector.connectors.stripe.amounts import HUNDREDFOLD, THOUSANDTHS, WHOLE, from_wire, to_wire
from ml_connector.connectors.stripe.auth import access_of
from ml_connector.connectors.stripe.client import item
from ml_connector.connectors.stripe.forms import encoded, flat
from ml_connector.connectors.stripe.system import SYSTEM
from ml_connector.errors import ConfigurationError, Transient, UsageError
from ml_connector.finance.money import CURRENCIES, Money
from ml_connector_sandbox.stripe.forms import decode
from tests.connectors.stripe.on_sandbox import Account
from tests.connectors.stripe.scripted import NOW, Scripted, form_of, listed, reply

# ---------------------------------------------------------------------------------------------- who calls


def test_every_call_names_the_pinned_version_and_a_connected_account_where_one_is_set() -> None:
    script = Scripted({"/v1/balance": {}})
    script.client().get("/v1/balance")
    assert script.requests[0].headers["stripe-version"] == VERSION == "2026-10-28.endive"
    assert "stripe-account" not in script.requests[0].headers
    script.credentials["account_id"] = "acct_1Connected"
    for call in (script.client().get, lambda path: script.client().post(path, {}, key="k")):
        call("/v1/balance")
        assert script.requests[-1].headers["stripe-account"] == "acct_1Connected"
        assert script.requests[-1].headers["stripe-version"] == VERSION


def test_a_foreign_account_is_refused_by_the_vendor_and_named(account: Account) -> None:
    account.credentials["account_id"] = "acct_1Foreign"
    (check,) = account.ping().checks
    assert not check.ok
    assert "acct_1Foreign" in check.sentence
    assert check.fix == "Correct the connected account, or enter a key that may act for it."
    account.credentials["account_id"] = account.facts["account_id"]
    assert account.ping().ok


@pytest.mark.parametrize(
    ("credentials", "word"),
    [
        ({}, "lacks api_key"), ({"api_key": " "}, "lacks api_key"), ({"api_key": "pk_test_abc"}, "none that serves"),
        ({"api_key": "rk_test_abc\nStripe-Account: x"}, "none that serves"), ({"api_key": "whsec_abc"}, "none that"),
        ({"api_key": "rk_test_abc", "account_id": "cus_1"}, "acct_123"),
        ({"api_key": "rk_test_abc", "account_id": "acct_1\r\nX: y"}, "acct_123"),
    ],
)  # fmt: skip
def test_a_key_that_cannot_serve_is_refused_before_a_call_and_never_shown(
    credentials: dict[str, str], word: str
) -> None:
    with pytest.raises(ConfigurationError, match=word) as caught:
        access_of(credentials)
    assert "abc" not in str(caught.value).replace("abc...", "")


def test_the_key_tells_the_mode_and_is_in_no_print() -> None:
    live = access_of({"api_key": "rk_live_secretsecret"})
    assert (live.live, live.mode) == (True, "live")
    test = access_of({"api_key": "sk_test_secretsecret"})
    assert (test.live, test.mode) == (False, "sandbox")
    assert "secretsecret" not in repr(live)


# ---------------------------------------------------------------------------------------------- forms


def test_nesting_is_in_brackets_lists_are_numbered_and_booleans_are_words() -> None:
    form = {
        "metadata": {"visma_invoice": "10042"}, "lines": [{"amount": 100000}, {"amount": -5}], "expand": ["a.b"],
        "auto_advance": False, "paid": True, "gone": None, "unset": "", "rate": Decimal("12.50"), "none": [],
    }  # fmt: skip
    assert flat(form) == {
        "metadata[visma_invoice]": "10042", "lines[0][amount]": "100000", "lines[1][amount]": "-5",
        "expand[0]": "a.b", "auto_advance": "false", "paid": "true", "unset": "", "rate": "12.50",
    }  # fmt: skip
    assert encoded({"a": {"b": "Blåbær & co = 1+1"}}) == b"a%5Bb%5D=Bl%C3%A5b%C3%A6r%20%26%20co%20%3D%201%2B1"


LEAF = st.text(max_size=20) | st.integers(-(10**9), 10**9) | st.booleans()
NAME = st.text(st.characters(whitelist_categories=["Ll", "Nd"], max_codepoint=127), min_size=1, max_size=6).filter(
    lambda name: not name.isdecimal()
)
DEEP = st.recursive(
    LEAF,
    lambda deeper: st.lists(deeper, min_size=1, max_size=3) | st.dictionaries(NAME, deeper, min_size=1, max_size=3),
)
TREE = st.dictionaries(NAME, DEEP, max_size=4)


def said(value: Any) -> Any:
    """A tree as a decoder without tables sees it: texts, lists by number."""
    if isinstance(value, dict):
        return {key: said(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return {str(n): said(inner) for n, inner in enumerate(value)}
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


@given(form=TREE)
def test_whatever_we_encode_an_independent_decoder_reads_back(form: dict[str, Any]) -> None:
    assert decode(encoded(form).decode()) == said(form)


def test_ids_are_quoted_in_paths_so_that_none_can_leave_its_place() -> None:
    assert item("/v1/invoices", "in_1/../../x?y", "void") == "/v1/invoices/in_1%2F..%2F..%2Fx%3Fy/void"


# ---------------------------------------------------------------------------------------------- lists


def test_a_list_is_read_to_its_end_a_hundred_at_once_and_never_cut_in_silence(account: Account) -> None:
    for n in range(230):
        account.do("customer", name=f"Kunde {n}", email=f"k{n}@example.com")
    rows = list(account.writer.client.every("/v1/customers", {}))
    assert (len({row["id"] for row in rows}), account.calls["GET /v1/customers"]) == (230, 3)


def test_a_list_that_never_ends_is_stopped_with_an_error() -> None:
    script = Scripted({"/v1/x": listed({"id": "a"}, more=True)})
    with pytest.raises(Transient, match="more than 200 pages"):
        list(script.client().every("/v1/x", {}))


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": {"id": 1}}, {"data": [1]}])
def test_an_answer_without_a_list_is_no_empty_list(body: Any) -> None:
    with pytest.raises(Transient, match="no list of objects"):
        list(Scripted({"/v1/x": body}).client().every("/v1/x", {}))


def test_the_next_page_is_asked_after_the_last_id() -> None:
    script = Scripted({"/v1/x": [listed({"id": "a"}, {"id": "b"}, more=True), listed({"id": "c"})]})
    assert [row["id"] for row in script.client().every("/v1/x", {"created": {"gte": 5}})] == ["a", "b", "c"]
    assert [form_of(asked) for asked in script.requests] == [
        {"created[gte]": "5", "limit": "100"}, {"created[gte]": "5", "limit": "100", "starting_after": "b"},
    ]  # fmt: skip


def test_what_is_deleted_or_of_the_other_mode_is_none(account: Account) -> None:
    made = account.do("customer", name="Live", livemode=True)["customer_id"]
    assert account.writer.client.one("/v1/customers", made) is None
    assert Scripted({"/v1/customers/cus_1": {"id": "cus_1", "deleted": True}}).client().one(
        "/v1/customers", "cus_1"
    ) is None  # fmt: skip


# ---------------------------------------------------------------------------------------------- pace


@pytest.mark.parametrize(("key", "per_second"), [("rk_live_x", 15), ("rk_test_x", 5)])
def test_calls_are_spaced_far_below_stripes_limits(key: str, per_second: int) -> None:
    script = Scripted({"/v1/x": {}}, credentials={"api_key": key}, settings={})
    client = script.client()
    for _ in range(per_second * 4):
        client.get("/v1/x")
    assert 2.9 <= (script.clock.now() - NOW).total_seconds() <= 3.1


def test_four_calls_are_in_flight_at_most() -> None:
    busy, most, lock, go = [0], [0], threading.Lock(), threading.Event()

    def answer(_request: Any) -> Any:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        go.wait(0.05)
        with lock:
            busy[0] -= 1
        return reply(200)

    client = Scripted({"/v1/x": answer}).client()
    threads = [threading.Thread(target=client.get, args=("/v1/x",)) for _ in range(12)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert most[0] == 4


@pytest.mark.parametrize("text", ["0", "-1", "many", "nan", "1e9"])
def test_a_nonsense_pace_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="requests_per_second"):
        Scripted(settings={"requests_per_second": text}).client()


# ---------------------------------------------------------------------------------------------- minor units


@pytest.mark.parametrize(
    ("amount", "wire"),
    [
        ("1250.00 NOK", 125000), ("0.01 EUR", 1), ("500 JPY", 500), ("1000 KRW", 1000), ("5 ISK", 500),
        ("5 UGX", 500), ("12.50 HUF", 1250), ("12.50 TWD", 1250), ("-3.00 SEK", -300), ("5 MGA", 5), ("7 VND", 7),
    ],
)  # fmt: skip
def test_amounts_are_counted_by_stripes_own_table(amount: str, wire: int) -> None:
    value, currency = amount.split()
    money = Money.of(value, currency)
    assert to_wire(money) == wire
    assert from_wire(wire, currency.lower()) == money


@pytest.mark.parametrize(("wire", "currency"), [(501, "isk"), (1, "ugx")])
def test_what_is_counted_a_hundredfold_is_never_taken_for_whole_units(wire: int, currency: str) -> None:
    """As plain zero-decimal currencies they would be a hundred times too much."""
    with pytest.raises(ValueError, match="more decimals"):
        from_wire(wire, currency)


def test_three_decimals_are_refused_unless_allowed_and_then_end_in_zero() -> None:
    for code in THOUSANDTHS:
        with pytest.raises(ValueError, match="three decimals"):
            to_wire(Money.of("1.230", code))
        assert to_wire(Money.of("1.230", code), thousandths=True) == 1230
        with pytest.raises(ValueError, match="more decimals"):
            to_wire(Money.of("1.234", code), thousandths=True)


def test_every_currency_converts_back_to_the_same_amount_or_is_refused() -> None:
    for code in CURRENCIES:
        try:
            there = to_wire(Money.of(7, code), thousandths=True)
        except ValueError:
            continue
        assert from_wire(there, code.lower()) == Money.of(7, code)
    assert HUNDREDFOLD.isdisjoint(WHOLE)
    assert "UGX" not in WHOLE


@pytest.mark.parametrize("code", ["", "xxz", "nokk", "12", "\u212a"])
def test_an_unknown_currency_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="no currency"):
        from_wire(1, code)


# ---------------------------------------------------------------------------------------------- ping


GRANTS = {
    "account": "read", "event": "read", "invoice": "read", "customer": "read", "charge": "read",
    "balance_transaction": "read", "payout": "read", "dispute": "read", "credit_note": "read", "webhook": "write",
}  # fmt: skip


def test_a_ping_tells_account_mode_and_each_permission_and_changes_nothing(account: Account) -> None:
    account.restricted(**GRANTS)
    before = account.held()
    found = account.ping()
    assert (found.ok, found.account, found.facts["environment"]) == (True, account.facts["account_id"], "sandbox")
    assert found.facts["account_ref"] == account.facts["account_id"]
    assert account.held() == before


WRITING = {"customer": "write", "invoice": "write", "credit_note": "write", "payment_record": "write"}
ALL = "collection_credit collection_invoice customer invoice_void outside_payment part_payment"


def writing(account: Account, writes: str = "") -> dict[str, Check]:
    return {check.name: check for check in account.ping(writes=writes).checks if check.name.startswith("writing")}


def test_each_permission_to_write_is_proved_and_nothing_is_written(account: Account) -> None:
    account.restricted(**GRANTS | WRITING)
    before = account.held()
    account.forget_calls()
    found = writing(account, ALL)
    assert {check.ok for check in found.values()} == {True}
    assert [check.sentence for check in found.values()] == [
        "writing customers: the key may (rak_customer_write).",
        "writing invoices: the key may (rak_invoice_write).",
        "writing credit notes: the key may (rak_credit_note_write).",
        "writing payment records: the key may (rak_payment_record_write).",
        "writing webhook endpoints: the key may (rak_webhook_write).",
    ]
    assert sum(n for name, n in account.calls.items() if name.startswith("POST")) == len(found)
    assert account.held() == before


@pytest.mark.parametrize(
    ("lacking", "name"),
    [
        ("customer", "writing customers"), ("invoice", "writing invoices"), ("credit_note", "writing credit notes"),
        ("payment_record", "writing payment records"),
    ],
)  # fmt: skip
def test_a_permission_to_write_that_a_route_needs_is_named_as_stripe_names_it(
    account: Account, lacking: str, name: str
) -> None:
    account.restricted(**GRANTS | WRITING | {lacking: "read"})
    found = account.ping(writes=ALL)
    assert not found.ok
    (refused,) = [check for check in found.checks if not check.ok]
    assert refused.name == name
    assert f"rak_{lacking}_write is missing" in refused.sentence
    assert f"rak_{lacking}_write" in refused.fix


def test_what_no_route_needs_may_be_missing_and_is_told(account: Account) -> None:
    account.restricted(**GRANTS)
    found = account.ping()
    assert found.ok
    told = {check.name: check for check in found.checks}["writing invoices"]
    assert "rak_invoice_write is missing. No route of this connection needs it now." in told.sentence
    assert "Grant the key Invoices: Write" in told.fix
    without_parts = writing(account, ALL.replace(" part_payment", ""))
    assert [name for name, check in without_parts.items() if check.ok] == [
        "writing payment records", "writing webhook endpoints",
    ]  # fmt: skip


@pytest.mark.parametrize("status", [429, 500, 503])
def test_any_other_answer_proves_nothing_and_says_so(account: Account, status: int) -> None:
    account.restricted(**GRANTS | WRITING)
    account.fault({"kind": "status", "status": status}, operation="POST /v1/customers/{id}")
    found = writing(account, ALL)
    assert not found["writing customers"].ok
    assert f"could not be proved: Stripe answered {status}" in found["writing customers"].sentence
    assert found["writing invoices"].ok


def test_a_lost_answer_proves_nothing_and_says_so(account: Account) -> None:
    before = account.held()
    account.fault({"kind": "cut_after"}, operation="POST /v1/invoices/{id}")
    found = writing(account, ALL)
    assert not found["writing invoices"].ok
    assert "could not be proved" in found["writing invoices"].sentence
    assert account.held() == before


@pytest.mark.parametrize("missing", sorted(set(GRANTS) - {"account", "webhook"}))
def test_each_missing_permission_is_named(account: Account, missing: str) -> None:
    account.restricted(**{name: grant for name, grant in GRANTS.items() if name != missing})
    found = account.ping()
    assert not found.ok
    refused = [check for check in found.checks if not check.ok]
    assert refused
    assert all(f"rak_{missing}_read" in check.fix for check in refused)


def test_webhooks_and_the_account_are_permissions_one_can_do_without(account: Account) -> None:
    account.restricted(**{name: grant for name, grant in GRANTS.items() if name not in {"account", "webhook"}})
    found = account.ping()
    assert (found.ok, found.account) == (True, "sandbox")
    (told,) = [check for check in found.checks if check.name == "webhook endpoints"]
    assert "polling reads all" in told.sentence
    assert "rak_webhook_read" in told.fix


@pytest.mark.parametrize("how", ["expired", "deleted"])
def test_a_dead_key_is_said_once_and_nothing_else_is_tried(account: Account, how: str) -> None:
    account.do("change_key", secret=account.facts["secret_key"], **{how: True})
    account.forget_calls()
    found = account.ping()
    assert (found.ok, len(found.checks), sum(account.calls.values())) == (False, 1, 1)


def test_a_key_of_no_form_is_a_check_that_fails_without_a_call(account: Account) -> None:
    account.credentials = {"api_key": "pk_test_x"}
    account.forget_calls()
    found = account.ping()
    assert (found.ok, account.calls) == (False, {})


def test_an_outage_is_said_as_one(account: Account) -> None:
    account.do("fail_next", status=503, times=50)
    found = account.ping()
    assert not found.ok
    assert "could not be asked" in found.checks[0].sentence


def test_the_system_offers_every_room() -> None:
    assert SYSTEM.connector is CONNECTOR
    assert None not in (SYSTEM.open_reader, SYSTEM.open_writer, SYSTEM.translate, SYSTEM.webhooks, SYSTEM.watch)


def test_what_stripe_does_not_have_is_refused_before_a_call() -> None:
    script = Scripted()
    with pytest.raises(UsageError):
        script.reader().page("orders", None, now=NOW)
    with pytest.raises(UsageError):
        script.reader().fetch("order", ["x"])
    with pytest.raises(UsageError):
        script.reader().find("charge", ("order", "x"), location=None)
    assert script.requests == []
