"""The door: signatures over raw bytes, with the vectors of the fact sheet; what an event asks us to read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from stripe import Webhook, WebhookSignature

from ml_connector.connectors.stripe import CONNECTOR, VERSION
from ml_connector.connectors.stripe.webhooks import ALIASES, EVENTS, POLLED, SUBSCRIBED, WEBHOOKS, signature
from ml_connector.errors import BadSignature, Untranslatable
from tests.connectors.stripe.on_sandbox import URL, Account

SECRET = "whsec_test_visma_bridge_0001"
SECOND = "whsec_test_visma_bridge_0002"
T = 1790000000
NOW = datetime.fromtimestamp(T, UTC)
S1_BODY = b'{"id":"evt_test_0001","object":"event","type":"invoice.paid"}'
S2_BODY = '{"id":"evt_test_0002","object":"event","type":"charge.succeeded","note":"Blåbær AS €"}'.encode()
S1 = "70999f40736aa01d49c46b0aa42b8f4eedb2c647ceae96ed866c67eec6f5d67b"
S2 = "f594c9ee569b96da6a2f472bd961c246d0183bc9e9eddfb039685f3fafd561a0"
S3 = "354f71f13cc232ee6bfd3a6cb00edff0ca2bb3aeaf4ef6ca1779214b937b2e55"
S4 = "3c8896636a062fc4d7c099fa4183cef9528b8f148ed88dff2c67321c2346ce80"
GOOD = f"t={T},v1={S1}"


def verify(
    header: str | None, body: bytes = S1_BODY, *, keys: tuple[str, ...] = (SECRET,), now: datetime = NOW
) -> None:
    headers = {} if header is None else {"stripe-signature": header}
    WEBHOOKS.verify(body, headers, url=URL, keys=keys, now=now)


def refused(header: str | None, body: bytes = S1_BODY, **how: Any) -> str:
    with pytest.raises(BadSignature) as caught:
        verify(header, body, **how)
    return caught.value.what


@pytest.mark.parametrize(
    ("body", "key", "expected"),
    [(S1_BODY, SECRET, S1), (S2_BODY, SECRET, S2), (S1_BODY + b"\n", SECRET, S3), (S1_BODY, SECOND, S4)],
    ids=["S1", "S2", "S3", "S4"],
)
def test_the_vectors_of_the_sheet_are_signed_and_accepted(body: bytes, key: str, expected: str) -> None:
    assert signature(body, key, at=T) == expected
    verify(f"t={T},v1={expected}", body, keys=(key,))
    assert WebhookSignature.verify_header(body.decode(), f"t={T},v1={expected}", key, tolerance=None)


def test_the_vectors_lengths_are_those_of_the_sheet() -> None:
    assert [len(S1_BODY), len(S2_BODY), len(S1_BODY + b"\n")] == [61, 90, 62]


def test_one_right_v1_among_wrong_ones_and_a_v0_is_enough() -> None:
    verify(f"t={T},v0=abc,v1=deadbeef,v1={S1}")


@pytest.mark.parametrize(
    "header",
    [
        None, "", f"v1={S1}", f"t=,v1={S1}", f"t=now,v1={S1}", f"t=-{T},v1={S1}", f"t=1790000000.5,v1={S1}",
        f"t={T}", f"t={T},v1=", f"t={T},v0={S1}", f"t={T},v2={S1}", "nonsense", f"t={T};v1={S1}",
        f"t={T},v1={S1.upper()}", f"t={T},v1={S1[:-1]}", f"t={T},v1={S4}", f"t={T},v1={S3}", f"t={'9' * 400},v1={S1}",
        f"t={T},v1={S1}" + ",v1=x" * 40, f"t={T},v1={S1}," + "x" * 5000, f"t=\u0661\u0667,v1={S1}",
    ],
)  # fmt: skip
def test_missing_bad_and_v0_only_signatures_are_refused(header: str | None) -> None:
    refused(header)


def test_another_body_another_secret_and_no_secret_are_refused() -> None:
    assert "fits" in refused(f"t={T},v1={S1}", S1_BODY + b"\n")
    refused(GOOD, keys=(SECOND,))
    refused(GOOD, keys=())
    refused(f"t={T},v1={signature(S1_BODY, '', at=T)}", keys=("",))


@pytest.mark.parametrize("off", [300, -300, 0])
def test_five_minutes_are_tolerated_both_ways(off: int) -> None:
    verify(GOOD, now=NOW + timedelta(seconds=off))


@pytest.mark.parametrize("off", [301, 3600, -301, -3600, -(10**6)])
def test_an_older_time_and_one_ahead_are_refused_although_the_library_lets_the_future_pass(off: int) -> None:
    assert "too old or in the future" in refused(GOOD, now=NOW + timedelta(seconds=off))


def test_the_first_t_counts_so_that_a_second_cannot_freshen_an_old_signature() -> None:
    later = NOW + timedelta(hours=1)
    refused(f"t={T},v1={signature(S1_BODY, SECRET, at=T + 3600)},t={T + 3600}", now=later)
    verify(f"t={T},v1={S1},t={T + 3600}")


@pytest.mark.parametrize("keys", [(SECRET, SECOND), (SECOND, SECRET), ("", SECOND, SECRET)])
def test_any_of_several_secrets_serves_while_one_is_rolled(keys: tuple[str, ...]) -> None:
    verify(GOOD, keys=keys)
    verify(f"t={T},v1={S1},v1={S4}", keys=(SECOND,))


def test_the_library_accepts_what_we_sign() -> None:
    at = int(datetime.now(UTC).timestamp())
    body = json.dumps({"id": "evt_1", "object": "event", "type": "invoice.paid", "data": {"object": {}}})
    header = f"t={at},v1={signature(body.encode(), SECRET, at=at)}"
    assert Webhook.construct_event(body, header, SECRET).id == "evt_1"


# ---------------------------------------------------------------------------------------------- what an event says


def event(type_: str = "charge.succeeded", content: Any = None, **more: Any) -> bytes:
    told = {"id": "evt_1T", "object": "event", "api_version": VERSION, "created": T, "type": type_, "livemode": False}
    return json.dumps(told | {"data": {"object": content or {"id": "ch_1T", "object": "charge"}}} | more).encode()


def said(body: bytes) -> Any:
    (found,) = WEBHOOKS.read(body, {})
    return found


def test_an_event_is_a_doorbell_that_names_what_to_read() -> None:
    found = said(event())
    assert (found.event_id, found.kind, found.external_id, found.event_type) == (
        "evt_1T", "charge", "ch_1T", "charge.succeeded",
    )  # fmt: skip
    assert (found.occurred_at, found.account_ref, found.ignored) == (NOW, None, None)
    assert said(event(account="acct_9")).account_ref == "acct_9"


@pytest.mark.parametrize(
    ("brief", "real"),
    [
        ("charge.completed", "charge"), ("charge.failed", "charge"), ("dispute.created", "dispute"),
        ("dispute.updated", "dispute"), ("dispute.closed", "dispute"), ("charge.dispute.funds_withdrawn", "dispute"),
        ("charge.dispute.funds_reinstated", "dispute"), ("refund.failed", "refund"), ("charge.updated", "charge"),
        ("invoice.paid", "invoice"), ("invoice_payment.paid", "invoice_payment"), ("payout.paid", "payout"),
        ("payout.reconciliation_completed", "payout"),
    ],
)  # fmt: skip
def test_the_names_of_the_brief_are_taken_for_the_real_ones(brief: str, real: str) -> None:
    assert said(event(brief, {"id": "x_1"})).kind == real


def test_event_types_we_do_not_need_are_ignored_with_a_reason() -> None:
    found = said(event("customer.created", {"id": "cus_1"}))
    assert (found.kind, found.ignored) == (None, "Events of type customer.created are not needed for the books.")


def test_a_charge_refunded_event_names_the_newest_refund_where_it_shows_one() -> None:
    """`charge.refunds` is no longer included; older shapes hold it."""
    assert said(event("charge.refunded")).kind == "charge"
    charge = {"id": "ch_1T", "refunds": {"data": [{"id": "re_2"}, {"id": "re_1"}]}}
    found = said(event("charge.refunded", charge))
    assert (found.kind, found.external_id) == ("refund", "re_2")


def test_money_that_people_told_of_has_its_invoice_read() -> None:
    row = {"id": "inpay_1", "invoice": "in_1T", "payment": {"type": "payment_record", "payment_record": "pr_1"}}
    found = said(event("invoice_payment.paid", row))
    assert (found.kind, found.external_id) == ("invoice", "in_1T")
    found = said(event("invoice_payment.paid", {**row, "payment": {"type": "payment_intent"}}))
    assert (found.kind, found.external_id) == ("invoice_payment", "inpay_1")


def test_a_thin_event_is_refused_in_words() -> None:
    thin = json.dumps({"id": "evt_1", "object": "v2.core.event", "type": "v1.invoice.paid"}).encode()
    with pytest.raises(Untranslatable, match="snapshot payload"):
        WEBHOOKS.read(thin, {})


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"", "(body)"), (b"[]", "(body)"), (b"{", "(body)"), (b"\xff", "(body)"), (b"[" * 100_000, "(body)"),
        (b'{"object":"charge"}', "object"), (b'{"object":"event"}', "type"),
        (b'{"object":"event","type":"invoice.paid","data":{"object":{}}}', "data.object.id"),
        (b'{"object":"event","type":"invoice.paid","data":7}', "data.object.id"),
        (b'{"object":"event","type":NaN}', "(body)"),
    ],
)  # fmt: skip
def test_what_is_no_event_is_refused_naming_the_field(body: bytes, named: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        WEBHOOKS.read(body, {})
    assert caught.value.field == named


def test_every_kind_we_are_told_of_can_be_read_and_the_poll_asks_for_twenty_types_at_most() -> None:
    assert set(EVENTS.values()) <= set(CONNECTOR.reads)
    assert set(POLLED) <= set(SUBSCRIBED)
    assert {"invoice.voided", "invoice.marked_uncollectible"} <= set(POLLED)
    assert len(POLLED) == len(set(POLLED)) <= 20
    assert set(ALIASES.values()) <= set(EVENTS)


# ---------------------------------------------------------------------------------------------- as Stripe sends them


def test_deliveries_of_our_endpoint_verify_and_name_what_happened(account: Account) -> None:
    told = account.watch()
    assert told is not None
    paid = account.do("pay", invoice_id=account.do("invoice")["invoice_id"])
    account.wait(minutes=1)
    due = account.deliveries()
    for one in due:
        headers = dict(one.headers)
        WEBHOOKS.verify(one.body, headers, url=URL, keys=[told.signature_key], now=account.clock.now())
    named = {(found.kind, found.external_id) for one in due for found in WEBHOOKS.read(one.body, {})}
    assert ("charge", paid["charge_id"]) in named
    assert ("invoice_payment", paid["invoice_payment_ids"][0]) in named
    assert {kind for kind, _ in named} == {"charge", "invoice", "invoice_payment"}


@pytest.mark.parametrize("how", ["broken", "wrong_secret", "v0_only", "none", "old", "future"])
def test_a_badly_signed_delivery_is_refused(account: Account, how: str) -> None:
    told = account.watch()
    assert told is not None
    account.do("knobs", signature=how)
    account.do("pay", invoice_id=account.do("invoice")["invoice_id"])
    due = account.deliveries()
    assert due
    for one in due:
        with pytest.raises(BadSignature):
            WEBHOOKS.verify(
                one.body, dict(one.headers), url=URL, keys=[told.signature_key], now=account.clock.now()
            )  # fmt: skip


def test_a_stale_signature_before_the_right_one_and_a_rolled_secret_verify(account: Account) -> None:
    told = account.watch()
    assert told is not None
    (endpoint,) = account.stored("webhook_endpoint")
    account.do("knobs", signature="extra")
    fresh = account.do("roll_secret", endpoint_id=endpoint["id"], overlap_s=3600)["secret"]
    account.do("pay", invoice_id=account.do("invoice")["invoice_id"])
    for one in account.deliveries():
        for key in (told.signature_key, fresh):
            WEBHOOKS.verify(one.body, dict(one.headers), url=URL, keys=[key], now=account.clock.now())
    account.wait(hours=2)
    account.do("pay", invoice_id=account.do("invoice")["invoice_id"])
    for one in account.deliveries():
        with pytest.raises(BadSignature):
            WEBHOOKS.verify(
                one.body, dict(one.headers), url=URL, keys=[told.signature_key], now=account.clock.now()
            )  # fmt: skip
        WEBHOOKS.verify(one.body, dict(one.headers), url=URL, keys=[fresh], now=account.clock.now())
