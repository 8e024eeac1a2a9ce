"""The door: signatures over raw bytes, the unsigned ping, and what each topic asks to read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ml_connector.connectors.shapes import Delivered
from ml_connector.connectors.woocommerce.webhooks import WEBHOOKS, signature, source_ref
from ml_connector.errors import BadSignature, Untranslatable

NOW = datetime(2026, 2, 1, tzinfo=UTC)
KEY = "whsec_demo_8f2c"
BODY = (
    rb'{"id":727,"status":"processing","total":"1348.00","billing":{"last_name":"S\u00f8rensen"},'
    rb'"payment_url":"https:\/\/shop.example\/pay"}'
)
SIGNED = "NsbXeDsKqeC1p25nW1teYOaJ7vIbjEgMCMDS0eaIiKs="


def verify(body: bytes, given: str | None, *keys: str) -> None:
    headers = {} if given is None else {"x-wc-webhook-signature": given}
    WEBHOOKS.verify(body, headers, url="https://us.example/hooks/x", keys=keys or (KEY,), now=NOW)


def read(body: bytes, topic: str = "order.updated", **headers: str) -> list[Delivered]:
    return WEBHOOKS.read(body, {"x-wc-webhook-topic": topic, **headers})


def only(body: bytes, topic: str = "order.updated", **headers: str) -> Delivered:
    (found,) = read(body, topic, **headers)
    return found


def test_the_published_signatures_fit() -> None:
    assert len(BODY) == 134
    assert signature(BODY, KEY) == SIGNED
    assert signature(b'{"id":727}', KEY) == "uMfivo0l4LweQiPbqYpN+Qp/wY6OCQvdsfh4Z0k1LrA="
    verify(BODY, SIGNED)


def test_a_body_written_anew_does_not_fit_its_signature() -> None:
    with pytest.raises(BadSignature):
        verify(BODY.replace(rb"\/", b"/"), SIGNED)


def test_a_wrong_or_missing_signature_is_refused() -> None:
    for given in (None, "", "x", "Ns" + SIGNED[2:][::-1], "ø"):
        with pytest.raises(BadSignature):
            verify(BODY, given)
    with pytest.raises(BadSignature):
        WEBHOOKS.verify(BODY, {"x-wc-webhook-signature": SIGNED}, url="", keys=(), now=NOW)


def test_the_older_key_is_good_while_both_stand_at_the_door() -> None:
    verify(BODY, SIGNED, "new", KEY)


def test_the_unsigned_ping_of_a_new_webhook_is_let_in_and_asks_for_nothing() -> None:
    verify(b"webhook_id=12", None)
    (found,) = WEBHOOKS.read(b"webhook_id=12", {"content-type": "application/x-www-form-urlencoded"})
    assert found.ignored
    assert found.kind is None


def test_nothing_but_a_ping_is_let_in_unsigned() -> None:
    for body in (b"webhook_id=12&x=1", b"webhook_id=", b'{"id":727}', b""):
        with pytest.raises(BadSignature):
            verify(body, None)


def test_a_ping_with_a_wrong_signature_is_refused() -> None:
    with pytest.raises(BadSignature):
        verify(b"webhook_id=12", "x")


def test_the_delivery_id_is_not_trusted_as_unique() -> None:
    found = only(BODY, **{"x-wc-webhook-delivery-id": "0123456789abcdef0123456789abcdef"})
    assert found.event_id is None


@pytest.mark.parametrize("topic", ["order.created", "order.updated", "order.restored", "Order.Updated"])
def test_an_order_is_to_be_read(topic: str) -> None:
    found = only(BODY, topic)
    assert (found.kind, found.external_id, found.ignored) == ("order", "727", None)


def test_a_deleted_order_is_read_too_because_the_trash_answers() -> None:
    found = only(b'{"id": 46}', "order.deleted")
    assert (found.kind, found.external_id) == ("order", "46")


def test_refunds_come_beside_their_order_because_they_have_no_topic() -> None:
    body = b'{"id":727,"status":"processing","refunds":[{"id":731,"total":"-499.00"},{"id":740,"total":"-1.00"},{}]}'
    named = [(one.kind, one.external_id) for one in read(body)]
    assert named == [("order", "727"), ("refund", "727:731"), ("refund", "727:740")]


def test_customers_are_to_be_read() -> None:
    for event in ("created", "updated", "deleted"):
        found = only(b'{"id":25,"date_modified_gmt":"2026-01-05T08:13:02"}', f"customer.{event}")
        assert (found.kind, found.external_id) == ("customer", "25")
    assert found.occurred_at == datetime(2026, 1, 5, 8, 13, 2, tzinfo=UTC)


def test_a_cart_of_the_block_checkout_is_not_read() -> None:
    found = only(b'{"id":727,"status":"checkout-draft"}')
    assert (found.kind, bool(found.ignored)) == (None, True)


@pytest.mark.parametrize("topic", ["product.updated", "coupon.created", "action.woocommerce_x", "order.moved", "x"])
def test_other_topics_are_ignored_by_name(topic: str) -> None:
    assert topic in str(only(b'{"id":1}', topic).ignored)


def test_a_webhook_whose_user_lost_its_rights_says_so() -> None:
    body = b'{"code":"woocommerce_rest_cannot_view","message":"Nei","data":{"status":401}}'
    with pytest.raises(Untranslatable, match="lost its rights"):
        read(body)


def test_the_source_names_the_shop_so_that_a_clone_is_told_apart() -> None:
    assert only(BODY, **{"x-wc-webhook-source": "https://Shop.example/"}).account_ref == "https://shop.example"
    assert only(BODY, **{"x-wc-webhook-source": "https://staging.example/"}).account_ref == "https://staging.example"
    assert only(BODY).account_ref is None
    assert source_ref("https://shop.example/butikk/") == "https://shop.example/butikk"
    assert source_ref("nonsense") is None


def test_an_order_with_half_a_character_in_it_is_still_named() -> None:
    cut = read(b'{"id":727,"customer_note":"Takk \\ud83d","refunds":[{"id":9}]}')
    assert [(one.kind, one.external_id) for one in cut] == [("order", "727"), ("refund", "727:9")]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"id":0}', b'{"id":"x"}', b'{"id":NaN}', b'"x"'])
def test_bodies_that_are_no_event_are_refused(body: bytes) -> None:
    with pytest.raises(Untranslatable):
        read(body)


def test_a_delivery_without_a_topic_is_refused() -> None:
    with pytest.raises(Untranslatable) as caught:
        WEBHOOKS.read(BODY, {})
    assert caught.value.field == "x-wc-webhook-topic"
