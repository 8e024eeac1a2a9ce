"""WooCommerce orders: invoice and payment, sales transactions, gift cards, edits and cancellations."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.finance.documents import Coupon, SaleLine, TaxShare
from ml_connector.finance.encoding import booked_hash
from ml_connector.finance.invoices import CustomerInvoice
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Found, Hold, Ignore, Plan, Wait
from ml_connector.finance.rulebook import Rulebook
from ml_connector.rules.rulefile import rules_from_toml
from tests.flows.builders import journal, readable
from tests.flows.shop_builders import (
    D0,
    D15,
    GOODS,
    MORNING,
    RULES,
    SHIPPING,
    TERMS,
    Store,
    buyer,
    line,
    nok,
    on_hold,
    order,
    posted,
    refund,
    with_refunds,
)

JOURNAL = replace(TERMS, order_document="journal")
PAYPAL = replace(TERMS, gateways_elsewhere={"ppcp-gateway": "pp:cap"})
GIFT = line("-150", "", kind="discount", uid="36", name="Gavekort AB12")


def test_a_paid_order_is_an_invoice_and_its_payment_into_the_gateways_clearing() -> None:
    plan = Store().plan(order())
    assert [readable(write) for write in plan.writes] == [
        journal(
            "wc:ord:727 2026-03-10 customer_invoice to 90001",
            "3000 sales V25 400.00",
            "3040 shipping V25 40.00",
            "VAT 110.00 total 550.00",
        ),
        journal("wc:pay:727 2026-03-10 payment 550.00 of 90001 on STRIPE STRIPE", "Invoice <wc:ord:727> 550.00"),
    ]
    assert plan.writes[1].needs == ("wc:ord:727",)
    invoice = plan.writes[0].content
    assert isinstance(invoice, CustomerInvoice)
    assert (invoice.reference, invoice.due_on) == ("N-727", None)
    assert [(one.vat_id, one.base, one.vat) for one in invoice.tax_details] == [("U25", nok("440"), nok("110"))]


def test_an_own_gift_card_lowers_the_invoice_on_its_liability_without_vat() -> None:
    plan = Store().plan(order(GOODS, SHIPPING, GIFT))
    assert [readable(write) for write in plan.writes] == [
        journal(
            "wc:ord:727 2026-03-10 customer_invoice to 90001",
            "3000 sales V25 400.00",
            "3040 shipping V25 40.00",
            "2421 gift_cards V0 -150.00",
            "VAT 110.00 total 400.00",
        ),
        journal("wc:pay:727 2026-03-10 payment 400.00 of 90001 on STRIPE STRIPE", "Invoice <wc:ord:727> 400.00"),
    ]


def test_an_order_paid_wholly_by_gift_card_is_an_invoice_over_nothing() -> None:
    (write,) = Store().plan(order(line("120"), replace(GIFT, net=nok("-150")))).writes
    assert readable(write).endswith("VAT 30.00 total 0.00")


def test_each_tax_rate_and_a_negative_fee_get_their_own_vat_code() -> None:
    coffee = line("200", "30", rate=D15, uid="32")
    fee = line("49", uid="33", kind="fee", name="Faktura")
    less = line("-100", "-25", uid="34", kind="discount", name="Rabatt")
    write = Store().plan(order(GOODS, coffee, fee, less)).writes[0]
    assert readable(write) == journal(
        "wc:ord:727 2026-03-10 customer_invoice to 90001",
        "3000 sales V25 400.00",
        "3015 sales V15 200.00",
        "3000 service_charge V25 49.00",
        "3000 discount V25 -100.00",
        "VAT 117.25 total 666.25",
    )
    assert isinstance(write.content, CustomerInvoice)
    assert {one.vat_id: one.vat for one in write.content.tax_details} == {"U25": nok("87.25"), "U15": nok("30")}


@pytest.mark.parametrize("included", [True, False])
def test_prices_typed_with_or_without_tax_are_booked_alike(included: bool) -> None:
    assert Store().plan(order(prices_include_tax=included)) == Store().plan(order())


def test_a_currency_without_decimals_and_an_export_rule_by_country() -> None:
    goods = SaleLine("31", "Lue", Money(4_000, "JPY"), ())
    sale = order(goods, country="JP", buyer=buyer())
    terms = replace(TERMS, collective_customers={"02:JPY": "90001"})
    found = {"90001": replace(Store().found["90001"], currency="JPY", facts={"vat_zone": "02"})}
    invoice, payment = Store(terms=terms, found=found).plan(sale).writes
    assert readable(invoice) == journal(
        "wc:ord:727 2026-03-10 customer_invoice to 90001", "3100 sales VEX 4000", "VAT 0 total 4000"
    )
    assert "payment 4000 of 90001 on STRIPEJPY" in readable(payment)


def test_rounding_within_the_tolerance_is_a_line_without_vat_and_more_is_held() -> None:
    assert "3740 rounding V0 0.06" in readable(Store().plan(order(rounding="0.06")).writes[0])
    assert Store().holds(order(rounding="1.01")) == ["total-differs"]
    assert Store(terms=replace(JOURNAL, tolerance_minor=0)).holds(order(rounding="0.01")) == ["total-differs"]


def test_lines_without_any_tax_wait_for_a_rule_that_says_what_they_are() -> None:
    sale = order(line("400", ""), country="SE")
    verdict = Store(terms=replace(TERMS, guests="person")).verdict(sale)
    assert isinstance(verdict, Hold)
    (finding,) = verdict.findings
    assert (finding.code, finding.field) == ("mapping-missing", "sales.country")
    accepted = Rulebook(2, date(2026, 1, 1), (*RULES, *rules_from_toml(finding.proposal["rule"])))
    plan = Store(terms=replace(TERMS, guests="person"), rulebook=accepted).plan(sale)
    assert "3050 sales V0 400.00" in readable(plan.writes[1])
    zero_class = order(line("400", "0", rate=D0))
    assert "3050 sales V0 400.00" in readable(Store().plan(zero_class).writes[0])


def test_an_order_of_nothing_is_ignored() -> None:
    assert isinstance(Store().verdict(order(line("0", ""))), Ignore)


# ----------------------------------------------------------------------------------------------- which, and when


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("draft", "checkout-draft"),
        ("open", "pending"),
        ("open", "on-hold"),
        ("canceled", "failed"),
        ("open", "shipped"),
    ],
)
def test_orders_in_other_statuses_are_ignored_and_nothing_is_asked_for_them(state: str, status: str) -> None:
    store = Store()
    assert isinstance(store.verdict(order(state=state, status=status)), Ignore)
    assert store.asked == []


def test_a_checkout_draft_is_never_booked_whatever_the_route_says() -> None:
    terms = replace(TERMS, order_statuses=("checkout-draft",))
    assert isinstance(Store(terms=terms).verdict(order(state="draft", status="checkout-draft")), Ignore)


def test_statuses_are_the_routes_own_and_may_differ_by_payment_method() -> None:
    shipped = order(state="open", status="shipped")
    assert Store(terms=replace(TERMS, order_statuses=("shipped",))).plan(shipped).writes
    by_bank = on_hold(payment_method="bacs", transaction_id="")
    terms = replace(TERMS, gateway_statuses={"bacs": ("on-hold", "processing")})
    (invoice,) = Store(terms=terms).plan(by_bank).writes
    assert invoice.key == "wc:ord:727"
    assert isinstance(Store(terms=terms).verdict(on_hold()), Ignore)
    assert Store(terms=terms).plan(order(status="refunded")).writes


def test_an_invoice_made_before_the_money_came_keeps_its_day_and_customer() -> None:
    terms = replace(TERMS, order_statuses=("on-hold", "processing"))
    first = Store(terms=terms).plan(on_hold())
    later = order(paid_at=MORNING + timedelta(days=5), guest=False, customer_id="25", buyer=buyer("25"))
    plan = Store(terms=TERMS, posted=posted(first)).plan(later)
    assert plan.writes[0].content == first.writes[0].content
    assert readable(plan.writes[1]).startswith("wc:pay:727 2026-03-15 payment 550.00 of 90001")


def test_orders_from_before_go_live_are_ignored_by_the_shops_own_clock() -> None:
    terms = replace(TERMS, go_live=date(2026, 3, 11))
    assert isinstance(Store(terms=terms).verdict(order()), Ignore)
    late = MORNING.replace(hour=23, minute=30)  # half past midnight in Oslo
    assert Store(terms=terms).plan(order(created_at=late, paid_at=late)).writes


# ------------------------------------------------------------------------------------------------- whose the money is


def test_an_order_paid_by_a_connected_processor_leaves_the_payment_to_it() -> None:
    sale = order(payment_method="ppcp-gateway", transaction_id="8AB")
    (invoice,) = Store(terms=PAYPAL).plan(sale).writes
    assert invoice.key == "wc:ord:727"
    taken = Store().plan(order()).writes[1].content
    assert Store(terms=PAYPAL, posted={"pp:cap:8AB": taken}).plan(sale).writes == (invoice,)
    other = replace(sale, lines=(GOODS,), total=nok("500"))
    assert Store(terms=PAYPAL, posted={"pp:cap:8AB": taken}).holds(other) == ["second-road-differs"]


def test_a_payment_elsewhere_that_nothing_names_is_a_warning() -> None:
    verdict = Store(terms=PAYPAL).verdict(order(payment_method="ppcp-gateway", transaction_id=""))
    assert isinstance(verdict, Plan)
    assert [(one.code, one.blocks) for one in verdict.findings] == [("payment-untraceable", False)]
    ledger = replace(TERMS, gateways_elsewhere={"bacs": "ledger"})
    assert len(Store(terms=ledger).plan(order(payment_method="bacs", transaction_id="")).writes) == 1


def test_a_mark_alone_is_no_proof_of_money() -> None:
    sale = order(payment_method="", transaction_id="")
    assert Store().holds(sale) == ["payment-unproven"]
    (invoice,) = Store(decisions={"payment-unproven": "unpaid"}).plan(sale).writes
    assert invoice.key == "wc:ord:727"
    verdict = Store(decisions={"payment-unproven": "paid"}).verdict(sale)
    assert isinstance(verdict, Hold)
    assert [finding.field for finding in verdict.findings] == ["clearing.cash_account"]


def test_a_payment_method_without_a_rule_is_held_with_a_rule_for_it() -> None:
    verdict = Store().verdict(order(payment_method="klarna"))
    assert isinstance(verdict, Hold)
    (finding,) = verdict.findings
    assert finding.code == "mapping-missing"
    assert 'method = ["klarna"]' in finding.proposal["rule"]


# ------------------------------------------------------------------------------------------------- sales transactions


def test_an_anonymous_sales_transaction_is_one_journal() -> None:
    (write,) = Store(terms=JOURNAL).plan(order(GOODS, SHIPPING, GIFT, payment_method="vipps")).writes
    assert readable(write) == journal(
        "wc:ord:727 2026-03-10",
        "Dr 2421 gift_cards 150.00",
        "Dr 1581 clearing 400.00",
        "Cr 3000 sales V25 400.00",
        "Cr 2701 vat U25 110.00",
        "Cr 3040 shipping V25 40.00",
    )


def test_the_sales_transaction_of_a_processors_payment_waits_in_suspense() -> None:
    terms = replace(JOURNAL, gateways_elsewhere={"stripe": "st:ch"})
    (write,) = Store(terms=terms).plan(order()).writes
    assert "Dr 2999 suspense 550.00" in readable(write)


def test_an_unpaid_order_is_no_sales_transaction_yet() -> None:
    terms = replace(JOURNAL, order_statuses=("on-hold",))
    assert isinstance(Store(terms=terms).verdict(on_hold()), Wait)


def test_sales_transactions_may_share_a_voucher_by_day() -> None:
    (write,) = Store(terms=replace(JOURNAL, mode="daily")).plan(order()).writes
    assert write.pool == "wc:pool:daily:2026-03-10:NOK:::vat"


def test_a_booked_order_keeps_its_form_when_the_route_changes() -> None:
    first = Store().plan(order())
    again = Store(terms=JOURNAL, posted=posted(first)).plan(order())
    assert again.writes[0].content == first.writes[0].content


# ------------------------------------------------------------------------------------------------- gift cards


def test_a_reduction_without_tax_of_taxed_goods_is_asked_about() -> None:
    less = replace(GIFT, name="Kundefordel")
    sale = order(GOODS, less)
    assert Store().holds(sale) == ["discount-or-gift-card"]
    card = Store(decisions={"discount-or-gift-card": "gift_card"}).plan(sale)
    assert "2421 gift_cards V0 -150.00" in readable(card.writes[0])
    discount = Store(decisions={"discount-or-gift-card": "discount"}).plan(sale)
    assert "3050 discount V0 -150.00" in readable(discount.writes[0])


def test_a_gift_card_sold_is_a_debt_and_taxed_only_when_it_is_single_purpose() -> None:
    sold = order(line("500", "", name="Gavekort 500", article="GAVEKORT"))
    assert "2421 gift_cards V0 500.00" in readable(Store().plan(sold).writes[0])
    assert Store(terms=replace(TERMS, gift_cards=None)).holds(sold) == ["gift-card-kind"]
    used = order(GOODS, GIFT)
    assert "invoice-paid-by-voucher" in Store(terms=replace(TERMS, gift_cards="single")).holds(used)


def test_a_gift_card_that_counts_as_a_coupon_is_asked_about() -> None:
    sale = order(coupons=(Coupon("GAVEKORT-77", nok("80"), nok("20")),))
    assert Store().holds(sale) == ["gift-card-as-coupon"]
    assert Store(decisions={"gift-card-as-coupon": "approve"}).plan(sale) == Store().plan(order())
    assert Store().plan(order(coupons=(Coupon("SOMMER", nok("80"), nok("20")),))) == Store().plan(order())


# ------------------------------------------------------------------------------------------------- edits, cancellations


def test_an_order_edited_after_posting_is_another_content_under_the_same_keys() -> None:
    first = Store().plan(order())
    edited = Store(posted=posted(first)).plan(order(line("300"), SHIPPING))
    assert [write.key for write in edited.writes] == [write.key for write in first.writes]
    assert all(
        booked_hash(old.kind, old.content) != booked_hash(new.kind, new.content)
        for old, new in zip(first.writes, edited.writes, strict=True)
    )
    touched = Store(posted=posted(first)).plan(order(updated_at=MORNING + timedelta(days=3), status="completed"))
    assert posted(touched) == posted(first)


def test_an_id_given_out_again_by_a_shop_put_back_from_a_copy_is_another_order() -> None:
    first = posted(Store().plan(order()))
    days: dict[str, Any] = dict.fromkeys(("created_at", "paid_at"), MORNING + timedelta(days=2))
    again = order(line("300"), SHIPPING, **days)
    assert Store(posted=first).holds(again) == ["order-id-used-again"]
    automatic = replace(TERMS, corrections="automatic")
    assert Store(terms=automatic, posted=first).holds(again) == ["order-id-used-again"]
    assert Store().plan(again).writes


@pytest.mark.parametrize("document", ["invoice", "journal", "sales_order"])
def test_an_id_given_out_again_on_the_same_day_is_told_by_the_mark_of_the_order(document: str) -> None:
    items = {"sales": "VARE", "shipping": "VARE"}
    terms = replace(TERMS, order_document=document, order_items=items, corrections="automatic")  # type: ignore[arg-type]
    known: Any = {"terms": terms, "found": {"VARE": Found("VARE")}}
    first = posted(Store(**known).plan(order(identity="wc_order_1")))
    assert first["wc:ord:727"].identity == "wc_order_1"
    edited = order(line("300"), SHIPPING, identity="wc_order_1")
    assert "wc:ord:727" in posted(Store(**known, posted=first).plan(edited))
    for again in (replace(edited, identity="wc_order_2"), order(identity="wc_order_2")):
        assert Store(**known, posted=first).holds(again) == ["order-id-used-again"]
    days: dict[str, Any] = dict.fromkeys(("created_at", "paid_at"), MORNING + timedelta(days=5))
    late = order(identity="wc_order_1", **days)
    assert "wc:ord:727" in posted(Store(**known, posted=first).plan(late)), "the mark counts, not the day"
    unmarked = {key: replace(content, identity=None) if key == "wc:ord:727" else content
                for key, content in first.items()}  # fmt: skip
    assert Store(**known, posted=unmarked).plan(replace(edited, identity="wc_order_1")).writes


def test_the_mark_of_an_order_is_no_change_of_what_is_booked() -> None:
    (bare, *_), (marked, *_) = Store().plan(order()).writes, Store().plan(order(identity="wc_order_1")).writes
    assert booked_hash(bare.kind, bare.content) == booked_hash(marked.kind, marked.content)


def test_an_unpaid_order_cancelled_after_posting_is_credited_and_applied() -> None:
    terms = replace(TERMS, order_statuses=("on-hold",))
    first = Store(terms=terms).plan(on_hold())
    gone = replace(on_hold(), state="canceled", status="cancelled", updated_at=MORNING + timedelta(days=7))
    plan = Store(terms=terms, posted=posted(first)).plan(gone)
    assert posted(plan).items() > posted(first).items()
    assert readable(plan.writes[-1]) == journal(
        "wc:ord:727:cancel 2026-03-17 credit_note to 90001",
        "3000 sales V25 400.00",
        "3040 shipping V25 40.00",
        "VAT 110.00 total 550.00",
        "applied to <wc:ord:727>",
    )
    later = replace(gone, updated_at=MORNING + timedelta(days=9))
    assert Store(terms=terms, posted=posted(plan)).plan(later) == plan
    assert Store(terms=terms, posted=posted(plan)).holds(on_hold()) == ["order-revived"]


def test_a_cancelled_order_credits_only_what_refunds_have_left_of_it() -> None:
    terms = replace(TERMS, order_statuses=("on-hold",))
    first = Store(terms=terms).plan(on_hold())
    part = refund("250", line("200", "50"))
    gone = with_refunds(on_hold(), part, state="canceled", status="cancelled")
    plan = Store(part, terms=terms, posted=posted(first)).plan(gone)
    assert "3000 sales V25 200.00" in readable(plan.writes[-1])
    assert "VAT 60.00 total 300.00" in readable(plan.writes[-1])


def test_a_paid_order_cancelled_after_posting_is_for_a_person() -> None:
    first = Store().plan(order())
    gone = order(state="canceled", status="cancelled")
    assert Store(posted=posted(first)).holds(gone) == ["order-canceled-but-paid"]
    left = Store(posted=posted(first), decisions={"order-canceled-but-paid": "approve"}).plan(gone)
    assert posted(left) == posted(first)
    whole = refund("550")
    assert posted(Store(whole, posted=posted(first)).plan(with_refunds(gone, whole))) == posted(first)
    sold = Store(terms=JOURNAL).plan(order())
    assert Store(terms=JOURNAL, posted=posted(sold)).holds(gone) == ["order-canceled-but-paid"]


def test_an_order_cancelled_before_posting_is_ignored() -> None:
    assert isinstance(Store().verdict(order(state="canceled", status="cancelled")), Ignore)


def test_several_taxes_on_one_line_are_booked_by_the_rule_for_their_sum() -> None:
    both = SaleLine("31", "Lue", nok("100"), (TaxShare(Decimal(10), nok("10")), TaxShare(Decimal(15), nok("15"))))
    assert "3000 sales V25 100.00" in readable(Store().plan(order(both)).writes[0])
