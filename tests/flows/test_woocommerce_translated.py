"""From a shop's own payload to what a bookkeeper reads: translation and decisions together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ml_connector.connectors.woocommerce.translate import KINDS, translate
from ml_connector.flows.woocommerce_to_visma import FLOW
from tests.connectors.woocommerce import payloads as woo
from tests.flows.builders import journal, readable
from tests.flows.shop_builders import TERMS, Store


def document(kind: str, payload: dict[str, Any]) -> Any:
    return translate(kind, payload)


def booked(payload: dict[str, Any], **store: Any) -> list[str]:
    return [readable(write) for write in Store(**store).plan(document("order", payload)).writes]


def test_the_flow_takes_every_kind_that_the_connector_translates() -> None:
    assert {*FLOW.kinds, *FLOW.watches} == set(KINDS)


def test_an_order_of_two_rates_and_shipping() -> None:
    assert booked(woo.order()) == [
        journal(
            "wc:ord:727 2026-01-05 customer_invoice to 90001",
            "3000 sales V25 798.40",
            "3015 sales V15 200.00",
            "3040 shipping V25 79.20",
            "VAT 249.40 total 1327.00",
        ),
        journal("wc:pay:727 2026-01-05 payment 1327.00 of 90001 on STRIPE STRIPE", "Invoice <wc:ord:727> 1327.00"),
    ]


def test_one_returned_hat_of_it() -> None:
    asked = document("refund", woo.refund())
    sale = document("order", woo.order(refunds=[{"id": 731, "reason": "Retur", "total": "-499.00"}]))
    assert [readable(write) for write in Store(sale).plan(asked).writes] == [
        journal("wc:ref:727:731 2026-01-09 credit_note to 90001", "3000 sales V25 399.20", "VAT 99.80 total 499.00"),
        journal(
            "wc:ref:727:731:paid 2026-01-09 refund 499.00 of 90001 on STRIPE STRIPE",
            "CreditNote <wc:ref:727:731> 499.00",
        ),
    ]


def test_the_rest_by_status_after_the_hat() -> None:
    hat = document("refund", woo.refund())
    nothing: dict[str, Any] = {"line_items": [], "tax_lines": [], "meta_data": []}
    rest = document("refund", woo.refund(id=732, amount="828.00", date_created_gmt="2026-01-12T10:00:00", **nothing))
    stated = [{"id": 732, "reason": "", "total": "-828.00"}, {"id": 731, "reason": "Retur", "total": "-499.00"}]
    sale = document("order", woo.order(status="refunded", date_modified_gmt="2026-01-12T10:00:00", refunds=stated))
    assert readable(Store(sale, hat).plan(rest).writes[0]) == journal(
        "wc:ref:727:732 2026-01-12 credit_note to 90001",
        "3000 sales V25 399.20",
        "3015 sales V15 200.00",
        "3040 shipping V25 79.20",
        "VAT 149.60 total 828.00",
    )


@pytest.mark.parametrize("price", ["160.00", "160"])
def test_a_shop_that_shows_no_decimals_keeps_its_total(price: str) -> None:
    """Net and tax are rounded apart in such a shop: 159.94 in parts, 160 in all."""
    parts = [woo.line(31, "Lue", "103.96", "25.99"), woo.line(32, "Votter", "23.98", "6.01")]
    made = booked(woo.order(line_items=parts, shipping_lines=[], total=price, total_tax="32.00"))
    assert made[0].splitlines()[-1] == "VAT 32.00 total 160.00"
    assert "payment 160.00" in made[1]


def test_a_gift_card_kept_as_a_negative_fee() -> None:
    card = woo.fee("-150.00", "0.00", [], name="Gavekort AB12")
    made = booked(woo.order(fee_lines=[card], total="1177.00"))
    assert "2421 gift_cards V0 -150.00" in made[0]
    assert "payment 1177.00" in made[1]


def test_one_negative_fee_over_two_rates_is_two_lines() -> None:
    taxes = [{"id": 1, "total": "-20.00", "subtotal": ""}, {"id": 2, "total": "-3.00", "subtotal": ""}]
    less = woo.fee("-100.00", "-23.00", taxes)
    made = booked(woo.order(fee_lines=[less], total="1204.00", total_tax="226.40"))
    assert made[0].splitlines()[4:] == [
        "3000 discount V25 -80.00",
        "3015 discount V15 -20.00",
        "VAT 226.40 total 1204.00",
    ]


def test_a_company_with_an_organisation_number_is_booked_on_its_own_name() -> None:
    company = {**woo.BILLING, "company": "Fjell Drift AS"}
    bits = [woo.meta("_billing_org_nr", "988077917")]
    made = booked(woo.order(billing=company, meta_data=bits))
    assert made[0].split(" ", 1)[1] == "customer Fjell Drift AS Active"


def test_a_registered_customer_and_its_shop() -> None:
    jon = document("customer", woo.customer())
    made = [readable(one) for one in Store(jon).plan(document("order", woo.order(customer_id=25))).writes]
    assert made[0] == "wc:cus:25 customer Fjell Drift AS Active"
    store = Store(terms=replace(TERMS, time_zone="UTC"))
    assert store.holds(document("shop", woo.SHOP)) == ["time-zone-differs"]
