"""Golden pairs: a shop's payload in, a document that a person can read out; each trap by its name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from ml_connector.connectors.woocommerce.translate import GONE, translate
from ml_connector.errors import Untranslatable
from ml_connector.finance.documents import Location, Party, Refund, Sale, SaleLine, SaleReturn
from ml_connector.finance.money import Money
from tests.connectors.woocommerce import payloads as woo


def sale(payload: dict[str, Any]) -> Sale:
    return cast(Sale, translate("order", payload))


def refund(payload: dict[str, Any]) -> Refund:
    return cast(Refund, translate("refund", payload))


def returned(payload: dict[str, Any]) -> SaleReturn:
    found = refund(payload).returned
    assert found is not None
    return found


def shown(lines: Sequence[SaleLine]) -> list[str]:
    """Lines as a person reads them."""
    return [
        f"{one.kind} {one.name}: {one.net.decimal()} + "
        + (" + ".join(f"{tax.amount.decimal()} ({tax.rate} %)" for tax in one.taxes) or "no tax")
        for one in lines
    ]


def field_of(kind: str, payload: dict[str, Any]) -> str:
    with pytest.raises(Untranslatable) as caught:
        translate(kind, payload)
    return caught.value.field


# ---------------------------------------------------------------------------------------------- an order


def test_an_order_of_two_rates_and_shipping() -> None:
    found = sale(woo.order())
    assert shown(found.lines) == [
        "goods Lue & votter: 798.40 + 199.60 (25 %)",
        "goods Kaffe: 200.00 + 30.00 (15 %)",
        "shipping Pakke: 79.20 + 19.80 (25 %)",
    ]
    assert found.total == Money(132700, "NOK")
    assert not found.rounding
    assert (found.id, found.reference, found.identity) == ("727", "N-2026-0412", "wc_order_Zk3")
    assert (found.state, found.status, found.origin) == ("completed", "processing", "store-api")
    assert found.created_at == datetime(2026, 1, 5, 8, 12, 44, tzinfo=UTC)
    assert (found.payment_method, found.payment_title, found.transaction_id) == ("stripe", "Kort", "ch_demo_1")
    (tender,) = found.tenders
    assert (tender.payment_id, tender.means, tender.amount) == ("ch_demo_1", "external:stripe", found.total)


def test_amounts_never_go_through_the_unit_price_or_a_float() -> None:
    text = json.dumps(woo.order(), default=float)
    payload = json.loads(text, parse_float=Decimal)
    assert sale(payload).lines == sale(woo.order()).lines
    assert field_of("order", woo.order(total=1327.0)) == "total"  # a float has lost its digits already


def test_numbers_of_plugins_are_taken_digit_by_digit() -> None:
    assert sale(woo.order(total=Decimal("1327.00"))).total == Money(132700, "NOK")
    assert sale(woo.order(total=1327)).total == Money(132700, "NOK")


def test_empty_strings_where_numbers_are_expected() -> None:
    payload = woo.order(
        shipping_lines=[woo.shipping(instance_id="", taxes=[{"id": 1, "total": "19.80", "subtotal": ""}])],
        fee_lines=[woo.fee("0.00", "", [{"id": 1, "total": "", "subtotal": ""}], amount="")],
    )
    assert len(sale(payload).lines) == 3  # the empty fee says nothing
    assert sale(payload).total == Money(132700, "NOK")


def test_nulls_are_as_absent() -> None:
    payload = woo.order(
        date_modified_gmt=None, date_paid_gmt=None, coupon_lines=None, fee_lines=None, meta_data=None, refunds=None
    )
    found = sale(payload)
    assert found.updated_at == found.created_at
    assert (found.paid_at, found.tenders) == (None, ())


def test_an_order_without_an_amount_is_refused_by_name() -> None:
    assert field_of("order", woo.order(total="")) == "total"
    assert field_of("order", woo.order(total=None)) == "total"
    assert field_of("order", woo.order(total="1 327,00")) == "total"


def test_gmt_dates_are_utc_and_the_local_ones_are_not_looked_at() -> None:
    found = sale(woo.order(date_created="1999-01-01T00:00:00"))
    assert found.created_at == datetime(2026, 1, 5, 8, 12, 44, tzinfo=UTC)


def test_a_number_that_a_plugin_gives_is_a_reference_and_never_the_key() -> None:
    found = sale(woo.order(number="WT-2026/0042"))
    assert (found.id, found.reference) == ("727", "WT-2026/0042")


def test_fees_that_gateways_write_into_metadata_are_not_read() -> None:
    names = ("_stripe_fee", "_stripe_net", "_wcpay_transaction_fee", "PayPal Transaction Fee", "_paypal_fee")
    told = woo.order(meta_data=[woo.meta(name, "38.50") for name in names])
    assert sale(told) == sale(woo.order(meta_data=[]))


def test_coupons_are_inside_the_lines_and_not_taken_off_again() -> None:
    payload = woo.small(
        "90.00", "22.50", "112.50", discount_total="10.00", discount_tax="2.50",
        coupon_lines=[{"code": "V&Aring;R", "discount": "10.00", "discount_tax": "2.50", "discount_type": "percent"}],
    )  # fmt: skip
    found = sale(payload)
    assert found.total == Money(11250, "NOK")
    assert not found.rounding
    (coupon,) = found.coupons
    assert (coupon.code, coupon.net, coupon.tax) == ("VÅR", Money(1000, "NOK"), Money(250, "NOK"))


def test_prices_with_and_without_tax_give_the_same_lines() -> None:
    typed_with, typed_without = sale(woo.order()), sale(woo.order(prices_include_tax=False))
    assert typed_with.lines == typed_without.lines
    assert (typed_with.prices_include_tax, typed_without.prices_include_tax) == (True, False)


def test_a_total_does_not_shrink_by_its_refunds() -> None:
    found = sale(woo.order(status="refunded", refunds=[{"id": 731, "reason": "Retur", "total": "-499.00"}]))
    assert found.total == Money(132700, "NOK")
    assert found.state == "completed"
    (one,) = found.refunds
    assert (one.id, one.amount) == ("727:731", Money(49900, "NOK"))


def test_tax_lines_that_do_not_add_up_to_the_total_tax_are_left_alone() -> None:
    """Rounded at the subtotal: 5.67 and 16.94 beside a total tax of 22.62; the customer paid 112.62."""
    payload = woo.order(
        line_items=[
            woo.line(31, "Kaffe", "37.826087", "5.673913", rate=woo.FOOD),
            woo.line(32, "Lue", "52.173913", "16.941176", rate=woo.STANDARD),
        ],
        shipping_lines=[], total="112.62", total_tax="22.62",
        tax_lines=[woo.tax_line(1, 25, tax_total="16.94"), woo.tax_line(2, 15, tax_total="5.67")],
    )  # fmt: skip
    found = sale(payload)
    assert sum(line.tax.minor for line in found.lines) == 2262
    assert sum(line.gross.minor for line in found.lines) + found.rounding.minor == 11262


def test_six_decimals_a_line_make_the_stated_total_to_the_cent() -> None:
    lines = [woo.line(number, "Lue", "304.982609", "45.747391", rate=woo.FOOD) for number in (1, 2, 3)]
    payload = woo.order(line_items=lines, shipping_lines=[], total="1052.19", total_tax="137.24")
    found = sale(payload)
    assert not found.rounding
    assert sum(line.net.minor for line in found.lines) == 105219 - 13724
    assert {line.net.minor for line in found.lines} <= {30498, 30499}


def test_a_shop_of_whole_kroner_leaves_a_rounding_and_no_invented_tax() -> None:
    """Display rounds net and tax apart; underneath 23.98 + 6.00 and 159.94 in all make 160.00 to pay."""
    payload = woo.order(
        line_items=[
            woo.line(31, "Kaffe", "103.970000", "25.990000"),
            woo.line(32, "Te", "23.980000", "6.000000"),
        ],
        shipping_lines=[], total="160.000000", total_tax="32.000000",
    )  # fmt: skip
    found = sale(payload)
    assert found.rounding == Money(6, "NOK")
    assert [line.tax.minor for line in found.lines] == [2599, 600]


def test_a_shop_of_whole_kroner_states_each_lines_tax_in_whole_kroner() -> None:
    line = woo.line(31, "Lue", "674.700000", "169.000000")
    line["taxes"] = [{"id": 1, "total": "168.675000", "subtotal": "168.675000"}]
    found = sale(woo.order(line_items=[line], shipping_lines=[], total="844.000000", total_tax="169.000000"))
    assert shown(found.lines) == ["goods Lue: 674.70 + 169.00 (25 %)"]
    assert found.rounding == Money(30, "NOK")


def test_a_currency_without_decimals() -> None:
    payload = woo.order(
        currency="JPY", line_items=[woo.line(31, "Hat", "909.090909", "90.909091", rate=9)], shipping_lines=[],
        tax_lines=[woo.tax_line(9, 10)], total="1000", total_tax="91",
    )  # fmt: skip
    found = sale(payload)
    assert shown(found.lines) == ["goods Hat: 909 + 91 (10 %)"]
    assert found.total == Money(1000, "JPY")
    assert not found.rounding


def test_a_currency_of_three_decimals_keeps_them() -> None:
    payload = woo.small("1.234000", "0.308500", "1.543", currency="KWD", total_tax="0.309")
    assert sale(payload).total == Money(1543, "KWD")


def test_parts_that_do_not_make_the_total_are_held() -> None:
    assert field_of("order", woo.order(total="1330.00")) == "total"
    assert field_of("order", woo.order(total="1300.00", status="cancelled")) == "total"


def test_a_cart_that_is_no_order_yet_may_be_half_filled() -> None:
    found = sale(woo.order(status="checkout-draft", total="0.00", date_paid_gmt=None))
    assert (found.state, found.tenders) == ("draft", ())


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", "open"), ("on-hold", "open"), ("processing", "completed"), ("completed", "completed"),
        ("refunded", "completed"), ("cancelled", "canceled"), ("failed", "canceled"), ("trash", "canceled"),
        ("auto-draft", "draft"), ("shipped", "open"), ("", "open"),
    ],
)  # fmt: skip
def test_statuses(status: str, state: str) -> None:
    found = sale(woo.order(status=status))
    assert (found.state, found.status) == (state, status)


def test_an_order_of_nothing() -> None:
    found = sale(woo.small("0.00", "0.00", "0.00"))
    assert (found.lines, found.tenders, found.total) == ((), (), Money(0, "NOK"))


# ---------------------------------------------------------------------------------------------- lines and taxes


def test_a_negative_fee_is_a_discount_with_its_tax() -> None:
    payload = woo.order(
        line_items=[woo.line(31, "Lue", "400.00", "100.00")], shipping_lines=[],
        fee_lines=[woo.fee("-40.00", "-10.00", [{"id": 1, "total": "-10.00", "subtotal": ""}])],
        total="450.00", total_tax="90.00",
    )  # fmt: skip
    assert shown(sale(payload).lines) == [
        "goods Lue: 400.00 + 100.00 (25 %)",
        "discount Rabatt: -40.00 + -10.00 (25 %)",
    ]


def test_a_negative_fee_over_several_rates_becomes_one_line_for_each() -> None:
    shares = [{"id": 1, "total": "-20.00", "subtotal": ""}, {"id": 2, "total": "-3.00", "subtotal": ""}]
    payload = woo.order(fee_lines=[woo.fee("-100.00", "-23.00", shares)], total="1204.00", total_tax="226.40")
    assert shown(sale(payload).lines[3:]) == [
        "discount Rabatt: -80.00 + -20.00 (25 %)",
        "discount Rabatt: -20.00 + -3.00 (15 %)",
    ]


def test_a_fee_over_a_rate_and_untaxed_goods_keeps_the_untaxed_part_apart() -> None:
    shares = [{"id": 1, "total": "-20.00", "subtotal": ""}, {"id": 2, "total": "-1.50", "subtotal": ""}]
    payload = woo.order(fee_lines=[woo.fee("-100.00", "-21.50", shares)], total="1205.50", total_tax="227.90")
    assert shown(sale(payload).lines[3:]) == [
        "discount Rabatt: -80.00 + -20.00 (25 %)",
        "discount Rabatt: -10.00 + -1.50 (15 %)",
        "discount Rabatt: -10.00 + no tax",
    ]


def test_a_fee_over_a_rate_and_a_zero_rate() -> None:
    shares = [{"id": 1, "total": "-20.00", "subtotal": ""}, {"id": 3, "total": "0.00", "subtotal": ""}]
    rates = [woo.tax_line(1, 25), woo.tax_line(2, 15), woo.tax_line(3, 0)]
    fees = [woo.fee("-100.00", "-20.00", shares)]
    payload = woo.order(fee_lines=fees, total="1207.00", total_tax="229.40", tax_lines=rates)
    assert shown(sale(payload).lines[3:]) == [
        "discount Rabatt: -80.00 + -20.00 (25 %)",
        "discount Rabatt: -20.00 + 0.00 (0 %)",
    ]


def test_two_rates_on_the_whole_of_a_line_stay_on_it() -> None:
    line = woo.line(31, "Hat", "100.00", "14.98")
    line["taxes"] = [{"id": 1, "total": "5.00"}, {"id": 2, "total": "9.98"}]
    payload = woo.order(
        line_items=[line], shipping_lines=[], total="114.98", total_tax="14.98", currency="CAD",
        tax_lines=[woo.tax_line(1, 5, "GST"), woo.tax_line(2, Decimal("9.975"), "QST")],
    )  # fmt: skip
    assert shown(sale(payload).lines) == ["goods Hat: 100.00 + 5.00 (5 %) + 9.98 (9.975 %)"]


def test_compound_taxes_stay_on_their_line() -> None:
    line = woo.line(31, "Hat", "100.00", "15.50")
    line["taxes"] = [{"id": 1, "total": "5.00"}, {"id": 2, "total": "10.50"}]
    payload = woo.order(
        line_items=[line], shipping_lines=[], total="115.50", total_tax="15.50",
        tax_lines=[woo.tax_line(1, 5), woo.tax_line(2, 10, compound=True)],
    )  # fmt: skip
    assert shown(sale(payload).lines) == ["goods Hat: 100.00 + 5.00 (5 %) + 10.50 (10 %)"]


def test_a_zero_rate_is_told_and_no_rate_at_all_is_not_taken_for_it() -> None:
    payload = woo.order(
        line_items=[
            woo.line(31, "Bok", "100.00", "0.00", rate=woo.ZERO),
            woo.line(32, "Gavekort", "100.00", "0.00", rate=None),
        ],
        shipping_lines=[], total="200.00", total_tax="0.00", tax_lines=[woo.tax_line(3, 0, "Fritatt")],
    )  # fmt: skip
    assert shown(sale(payload).lines) == ["goods Bok: 100.00 + 0.00 (0 %)", "goods Gavekort: 100.00 + no tax"]


def test_a_rate_of_another_line_says_nothing() -> None:
    line = woo.line(31, "Kaffe", "200.00", "30.00", rate=woo.FOOD)
    line["taxes"] = [{"id": 1, "total": "", "subtotal": ""}, {"id": 2, "total": "30.00", "subtotal": "30.00"}]
    payload = woo.order(line_items=[line], shipping_lines=[], total="230.00", total_tax="30.00")
    assert shown(sale(payload).lines) == ["goods Kaffe: 200.00 + 30.00 (15 %)"]


def test_a_rate_that_the_order_does_not_tell_has_none() -> None:
    payload = woo.small("100.00", "25.00", "125.00", tax_lines=[])
    assert shown(sale(payload).lines) == ["goods Lue: 100.00 + 25.00 (None %)"]


def test_tax_that_no_rate_explains_is_a_share_without_a_rate() -> None:
    line = woo.line(31, "Lue", "100.00", "25.00", rate=None)
    payload = woo.order(line_items=[line], shipping_lines=[], total="125.00", total_tax="25.00")
    assert shown(sale(payload).lines) == ["goods Lue: 100.00 + 25.00 (None %)"]


def test_a_deleted_product_leaves_its_name_and_amounts() -> None:
    line = woo.line(31, "Lue", "100.00", "25.00", product_id=0, sku=None)
    (found,) = sale(woo.small("100.00", "25.00", "125.00", line_items=[line])).lines
    assert (found.article, found.name) == (None, "Lue")


def test_article_is_the_sku_else_variation_else_product() -> None:
    def article(**more: Any) -> str | None:
        line = woo.line(31, "Lue", "100.00", "25.00", **more)
        return sale(woo.small("100.00", "25.00", "125.00", line_items=[line])).lines[0].article

    assert article() == "LUE-M"
    assert article(sku="", variation_id=90) == "90"
    assert article(sku=" ", variation_id=0) == "88"


def test_names_lose_entities_and_markup() -> None:
    line = woo.line(31, "Lue &times; <b>votter</b> 😀", "100.00", "25.00")
    (found,) = sale(woo.small("100.00", "25.00", "125.00", line_items=[line])).lines
    assert found.name == "Lue × votter 😀"


def test_fractional_quantities_of_plugins() -> None:
    line = woo.line(31, "Tau", "100.00", "25.00", quantity=Decimal("2.5"))
    (found,) = sale(woo.small("100.00", "25.00", "125.00", line_items=[line])).lines
    assert found.quantity == Decimal("2.5")


def test_php_lists_with_holes_are_lists() -> None:
    payload = woo.small("100.00", "25.00", "125.00", line_items={"3": woo.line(31, "Lue", "100.00", "25.00")})
    assert len(sale(payload).lines) == 1


# ---------------------------------------------------------------------------------------------- buyers


def test_a_guest_is_known_by_e_mail() -> None:
    first, second = sale(woo.order()), sale(woo.order(id=728, billing={**woo.BILLING, "email": "SIV@example.no"}))
    assert first.guest
    assert first.customer_id is None
    assert first.buyer is not None
    assert second.buyer is not None
    assert first.buyer.id == second.buyer.id
    assert first.buyer.id.startswith("guest-")
    assert "siv" not in first.buyer.id
    assert (first.buyer.name, first.buyer.address.city, first.buyer.is_company) == ("Siv Sørensen", "Bodø", False)


def test_a_guest_without_e_mail_is_known_by_the_order() -> None:
    found = sale(woo.order(billing=[]))
    assert found.buyer is not None
    assert found.buyer.id == "guest-order-727"


def test_a_deleted_customer_turns_the_order_into_a_guests_with_the_same_name() -> None:
    before, after = sale(woo.order(customer_id=25)), sale(woo.order(customer_id=0))
    assert before.buyer is not None
    assert after.buyer is not None
    assert (before.customer_id, before.buyer.id, before.guest) == ("25", "25", False)
    assert (after.customer_id, after.guest) == (None, True)
    assert before.buyer.name == after.buyer.name


def test_country_is_where_it_goes_else_the_buyers() -> None:
    assert sale(woo.order(shipping={**woo.ADDRESS, "country": "SE"})).country == "SE"
    assert sale(woo.order(shipping={})).country == "NO"


def test_vat_exemption_and_vat_number_of_an_order() -> None:
    numbers = [woo.meta("is_vat_exempt", "yes"), woo.meta("_billing_vat_number", "DE 136 695 976")]
    found = sale(woo.order(meta_data=numbers, billing={**woo.BILLING, "country": "DE"}))
    assert found.vat_exempt
    assert found.buyer is not None
    assert found.buyer.vat_number == "DE136695976"


@pytest.mark.parametrize(
    ("country", "typed", "read"),
    [
        ("NO", "NO 995 525 828 MVA", "NO995525828MVA"), ("NO", "995525828 mva", "NO995525828MVA"),
        ("SE", "SE 123456789701", "SE123456789701"), ("GR", "EL 094259216", "EL094259216"),
        ("GR", "094259216", "EL094259216"), ("DE", "136695976", "DE136695976"), ("DE", "136695977", ""),
        ("NO", "vet ikke", ""), ("", "136695976", ""), ("US", "12-3456789", ""),
    ],
)  # fmt: skip
def test_vat_numbers_are_proven(country: str, typed: str, read: str) -> None:
    payload = woo.customer(
        billing={**woo.customer()["billing"], "country": country}, meta_data=[woo.meta("vat_number", typed)]
    )
    found = cast(Party, translate("customer", payload))
    assert found.vat_number == read
    assert found.refused_numbers == (() if read else (typed,))


def test_organisation_numbers_are_proven_where_a_check_is_known() -> None:
    def read(country: str, typed: Any) -> str:
        billing = {**woo.customer()["billing"], "country": country}
        payload = woo.customer(billing=billing, meta_data=[woo.meta("billing_org_nr", typed)])
        return cast(Party, translate("customer", payload)).org_number

    assert read("NO", "988 077 917") == "988077917"
    assert read("NO", 988077917) == "988077917"
    assert read("NO", "912345678") == ""
    assert read("FR", "732 829 320") == "732829320"
    assert read("NO", {"value": "988077917"}) == ""
    assert read("NO", "NO 988 077 917 MVA") == "988077917"
    assert read("SE", "SE556188840401") == read("SE", "556188-8404") == "5561888404"
    assert read("DK", "DK 13585628") == "13585628"
    assert read("FI", "FI20774740") == "20774740"


def test_keys_that_a_shop_has_chosen_come_first() -> None:
    payload = woo.customer(
        meta_data=[woo.meta("billing_org_nr", "988077917"), woo.meta("min_egen", "974760673")],
        _meta_keys={"org_number": ["min_egen"]},
    )
    assert cast(Party, translate("customer", payload)).org_number == "974760673"


def test_metadata_of_any_shape_is_borne_and_a_key_may_come_twice() -> None:
    values: list[Any] = [None, 5.5, True, [], {"a": 1}, ["988077917"], "x" * 500, "\x00", "nonsense", "988077917"]
    payload = woo.customer(meta_data=[woo.meta("billing_org_nr", value) for value in values])
    found = cast(Party, translate("customer", payload))
    assert (found.org_number, found.refused_numbers) == ("988077917", ("nonsense",))


def test_a_customer_of_a_company() -> None:
    found = cast(Party, translate("customer", woo.customer()))
    assert (found.id, found.name, found.contact, found.group) == ("25", "Fjell Drift AS", "Jon Fjell", "customer")
    assert (found.org_number, found.is_company, found.email) == ("988077917", True, "innkjop@fjell.example")
    assert found.address.lines == ("Kaia 1",)


def test_a_customer_with_nothing_but_an_account() -> None:
    found = cast(Party, translate("customer", {"id": 7, "username": "kari", "email": "k@x.example", "billing": []}))
    assert (found.name, found.email, found.is_company) == ("kari", "k@x.example", False)


# ---------------------------------------------------------------------------------------------- refunds


def test_a_refund_of_a_line() -> None:
    found = refund(woo.refund())
    assert (found.id, found.sale_id, found.amount) == ("727:731", "727", Money(49900, "NOK"))
    assert (found.state, found.payment_id, found.payment_method) == ("completed", "ch_demo_1", "stripe")
    assert (found.whole, found.by_processor, found.reason) == (False, True, "Retur")
    assert found.returned is not None
    assert shown(found.returned.lines) == ["goods Lue: 399.20 + 99.80 (25 %)"]
    assert (found.returned.lines[0].uid, found.returned.lines[0].quantity) == ("31", Decimal(1))
    assert found.returned.itemized


def test_a_refund_by_amount_alone_has_no_lines() -> None:
    found = refund(woo.refund(line_items=[], tax_lines=[], amount="100.00", refunded_payment=False))
    assert (found.amount, found.by_processor) == (Money(10000, "NOK"), False)
    assert found.returned is not None
    assert (found.returned.lines, found.returned.itemized) == ((), False)


def test_a_refund_by_status_is_whole_and_has_neither_lines_nor_tax() -> None:
    found = refund(
        woo.refund(line_items=[], tax_lines=[], amount="1327.00", meta_data=[woo.meta("_refund_type", "full")])
    )
    assert found.whole
    assert found.returned is not None
    assert not found.returned.itemized


def test_a_refund_of_quantities_alone_is_of_nothing() -> None:
    line = {**woo.refund_row()["line_items"][0], "total": "0.00", "total_tax": "0.00", "taxes": []}
    found = refund(woo.refund(amount="", line_items=[line]))
    assert found.amount == Money(0, "NOK")
    assert found.returned is not None
    assert not found.returned.itemized


def test_a_refund_whose_lines_are_less_than_its_amount_is_not_itemized() -> None:
    back = returned(woo.refund(amount="600.00"))
    assert (back.lines, back.itemized) == ((), False)


def test_a_refund_of_a_discount_gives_it_back_negative() -> None:
    given = [woo.fee("40.00", "10.00", [{"id": 1, "total": "10.00", "subtotal": ""}])]
    back = returned(woo.refund(amount="449.00", fee_lines=given))
    assert shown(back.lines)[1] == "discount Rabatt: -40.00 + -10.00 (25 %)"


def test_a_refund_takes_its_rates_from_its_order_where_it_has_none() -> None:
    back = returned(woo.refund(tax_lines=[]))
    assert shown(back.lines) == ["goods Lue: 399.20 + 99.80 (25 %)"]


def test_a_refund_without_its_orders_currency_is_held() -> None:
    assert field_of("refund", {"refund": woo.refund_row(), "order": {"id": 727}}) == "order.currency"


# ---------------------------------------------------------------------------------------------- shop, gone


def test_a_shop_as_a_place() -> None:
    found = cast(Location, translate("shop", woo.SHOP))
    assert (found.id, found.name, found.time_zone) == ("shop", "Nordlys & co", "Europe/Oslo")
    assert (found.currency, found.country) == ("NOK", "NO")


@pytest.mark.parametrize(
    ("offset", "zone"),
    [(1, "Etc/GMT-1"), (-5, "Etc/GMT+5"), (0, "UTC"), (Decimal("5.5"), "Asia/Kolkata"), ("2", "Etc/GMT-2")],
)
def test_a_shop_set_to_an_offset(offset: Any, zone: str) -> None:
    payload = {**woo.SHOP, "index": {**woo.SHOP["index"], "timezone_string": "", "gmt_offset": offset}}
    assert cast(Location, translate("shop", payload)).time_zone == zone


def test_a_record_that_is_gone_is_held_with_what_to_do() -> None:
    with pytest.raises(Untranslatable) as caught:
        translate("order", {"id": "46", GONE: "2026-02-01T00:00:00+00:00"})
    assert (caught.value.field, caught.value.record) == ("(gone)", "46")
    assert "undo" in caught.value.fix
