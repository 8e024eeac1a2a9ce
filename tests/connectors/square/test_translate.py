"""Golden pairs: a payload as Square writes it, the document a person would expect."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from ml_connector.connectors.square.fields import EXPONENTS, moment_of
from ml_connector.connectors.square.translate import translate
from ml_connector.errors import Untranslatable
from ml_connector.finance.documents import (
    Capture,
    Dispute,
    Invoice,
    Location,
    Party,
    Payout,
    Publication,
    Refund,
    Sale,
    SaleLine,
    TaxShare,
    Tender,
)
from ml_connector.finance.money import Money, exponent
from tests.connectors.square import payloads as square
from tests.connectors.square.payloads import money


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def capture(**changes: Any) -> Capture:
    return cast(Capture, translate("payment", square.payment(**changes)))


def sale(**changes: Any) -> Sale:
    return cast(Sale, translate("order", square.order(**changes)))


def untranslatable(kind: str, payload: Any) -> str:
    with pytest.raises(Untranslatable) as caught:
        translate(kind, payload)
    return caught.value.field


def test_a_card_payment() -> None:
    assert capture() == Capture(
        id="P1",
        state="completed",
        means="card",
        amount=eur(12500),
        tip=eur(1000),
        total=eur(13500),
        location="L1",
        order_id="O1",
        customer_id=None,
        occurred_at=at(2026, 1, 31, 12, 0, 0, 123000),
        updated_at=at(2026, 1, 31, 12, 0, 1, 456000),
        reference="R1",
    )


@pytest.mark.parametrize(
    ("changes", "means"),
    [
        ({"source_type": "CARD", "card_details": {"card": {"card_brand": "SQUARE_GIFT_CARD"}}}, "gift_card"),
        ({"source_type": "CARD", "card_details": None}, "card"),
        ({"source_type": "WALLET"}, "wallet"),
        ({"source_type": "BANK_ACCOUNT"}, "bank"),
        ({"source_type": "BUY_NOW_PAY_LATER"}, "bnpl"),
        ({"source_type": "SQUARE_ACCOUNT"}, "account"),
        ({"source_type": "CASH"}, "cash"),
        (
            {"source_type": "EXTERNAL", "external_details": {"type": "FOOD_VOUCHER", "source": "x"}},
            "external:food_voucher",
        ),
        ({"source_type": "EXTERNAL"}, "external"),
        ({"source_type": "TELEPATHY"}, "other"),
        ({"source_type": None}, "other"),
    ],
)
def test_the_means_of_a_payment(changes: Any, means: str) -> None:
    assert capture(**changes).means == means


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("APPROVED", "pending"),
        ("CANCELED", "canceled"),
        ("FAILED", "failed"),
        ("SUPERSEDED", "pending"),
        (None, "pending"),
    ],
)
def test_only_completed_payments_are_completed(status: str | None, state: str) -> None:
    assert capture(status=status).state == state


def test_an_offline_payment_happened_when_the_device_took_it() -> None:
    found = capture(is_offline_payment=True, offline_payment_details={"client_created_at": "2026-01-29T08:00:00+01:00"})
    assert (found.offline, found.occurred_at) == (True, at(2026, 1, 29, 7))


def test_fees_refunds_and_an_external_fee_are_told() -> None:
    fees = [{"amount_money": money(203)}, {"type": "ADJUSTMENT", "amount_money": money(-3)}]
    found = capture(
        processing_fee=fees, refunded_money=money(100), external_details={"type": "CARD", "source_fee_money": money(50)}
    )
    assert (found.fee, found.refunded, found.own_fee) == (eur(200), eur(100), eur(50))


def test_a_refund() -> None:
    assert translate("refund", square.refund()) == Refund(
        id="R1",
        state="completed",
        amount=eur(6250),
        payment_id="P1",
        return_order_id="O2",
        location="L1",
        means=None,
        occurred_at=at(2026, 2, 1, 9),
        updated_at=at(2026, 2, 1, 9, 0, 5),
        reason="Broken",
    )


@pytest.mark.parametrize(
    ("changes", "means"),
    [
        ({"destination_type": "CARD"}, None),  # may have been a gift card: it goes where the payment came from
        (
            {"destination_type": "CARD", "destination_details": {"card_details": {"card": {"card_brand": "VISA"}}}},
            "card",
        ),
        (
            {
                "destination_type": "CARD",
                "destination_details": {"card_details": {"card": {"card_brand": "SQUARE_GIFT_CARD"}}},
            },
            "gift_card",
        ),
        ({"destination_type": "CASH"}, "cash"),
        ({"destination_type": "EXTERNAL"}, None),
        (
            {"destination_type": "EXTERNAL", "destination_details": {"external_details": {"type": "CHECK"}}},
            "external:check",
        ),
        ({"destination_type": "MOON"}, "other"),
    ],
)
def test_where_refunded_money_went(changes: Any, means: str | None) -> None:
    assert cast(Refund, translate("refund", square.refund(**changes))).means == means


def test_a_till_sale_with_inclusive_vat_and_a_tip() -> None:
    vat = TaxShare(Decimal(25), eur(2500), "VAT")
    assert sale() == Sale(
        id="O1",
        state="completed",
        currency="EUR",
        location="L1",
        lines=(SaleLine(uid="u1", name="Chair", net=eur(10000), taxes=(vat,), article="ITEM1"),),
        tenders=(Tender("P1", "card", eur(13500), eur(1000), at(2026, 1, 31, 12)),),
        tip=eur(1000),
        rounding=eur(0),
        total=eur(13500),
        created_at=at(2026, 1, 31, 12),
        updated_at=at(2026, 1, 31, 12, 0, 1),
        closed_at=at(2026, 1, 31, 12, 0, 1),
    )


def test_an_additive_tax_leaves_the_net_untouched_too() -> None:
    found = sale(line_items=[square.line(gross_sales_money=money(10000))])
    assert (found.lines[0].net, found.lines[0].gross) == (eur(10000), eur(12500))


def test_a_tip_that_the_total_leaves_out_is_added() -> None:
    assert sale(total_money=money(12500)).total == eur(13500)


def test_a_tip_told_only_by_the_tenders_is_found() -> None:
    assert sale(total_tip_money=None).tip == eur(1000)


def test_a_service_charge_is_a_line_and_a_gratuity_its_own_kind() -> None:
    charges = [
        {"uid": "s1", "name": "Service", "type": "CUSTOM", "total_money": money(1250), "total_tax_money": money(250)},
        {"uid": "s2", "name": "10 %", "type": "AUTO_GRATUITY", "total_money": money(1000)},
        {"uid": "s3", "treatment_type": "APPORTIONED_TREATMENT", "total_money": money(99)},  # in the lines already
    ]
    found = sale(service_charges=charges, total_money=money(15750))
    assert [line.kind for line in found.lines] == ["goods", "service_charge", "auto_gratuity"]
    assert (found.lines[1].net, found.lines[1].taxes) == (eur(1000), (TaxShare(None, eur(250)),))
    assert found.total == eur(15750)


def test_gift_card_and_custom_lines_keep_their_kind() -> None:
    lines = [square.line("g", total=5000, tax=0, item_type="GIFT_CARD"), square.line("c", item_type="CUSTOM_AMOUNT")]
    assert [line.kind for line in sale(line_items=lines, total_money=money(18500)).lines] == ["gift_card", "custom"]


def test_tax_that_is_not_broken_down_stands_without_a_rate() -> None:
    found = sale(line_items=[square.line(applied_taxes=[])])
    assert found.lines[0].taxes == (TaxShare(None, eur(2500)),)
    part = [{"tax_uid": "t25", "applied_money": money(2400)}]
    assert [share.rate for share in sale(line_items=[square.line(applied_taxes=part)]).lines[0].taxes] == [
        Decimal(25),
        None,
    ]


def test_cash_rounding_is_in_the_total_either_way() -> None:
    assert sale(rounding_adjustment={"amount_money": money(-2)}, total_money=money(13498)).rounding == eur(-2)


def test_an_exchange_holds_its_sale_and_its_return() -> None:
    returned = {
        "source_order_id": "O0",
        "return_line_items": [square.line("r1", total=5000, tax=1000)],
        "return_taxes": [{"uid": "t25", "percentage": "25", "name": "VAT"}],
        "return_tips": [{"applied_money": money(100)}],
        "rounding_adjustment": {"amount_money": money(-1)},
    }
    for stated in (13500, 13500 - 5099):
        found = sale(returns=[returned], total_money=money(stated))
        assert found.total == eur(13500)
        (one,) = found.returns
        assert (one.sale_id, one.itemized, one.tip, one.rounding) == ("O0", True, eur(100), eur(-1))
        assert one.lines[0].taxes == (TaxShare(Decimal(25), eur(1000), "VAT"),)


def test_a_refund_by_amount_has_no_itemized_return() -> None:
    line = square.line("r1", total=6250, tax=0, item_type="CUSTOM_AMOUNT")
    found = sale(
        line_items=None,
        tenders=None,
        total_tip_money=None,
        total_money=money(0),
        returns=[{"return_line_items": [line]}],
    )
    assert (found.returns[0].itemized, found.returns[0].sale_id, found.total) == (False, None, eur(0))


def test_an_order_that_does_not_add_up_is_held_unless_it_is_a_draft() -> None:
    assert untranslatable("order", square.order(total_money=money(13501))) == "total_money"
    assert sale(total_money=money(13501), state="DRAFT").total == eur(13501)


def test_an_unknown_kind_of_line_is_held_and_an_unknown_state_waits() -> None:
    wrong = square.order(line_items=[square.line(), square.line("u2", item_type="DONATION")])
    assert untranslatable("order", wrong) == "line_items[1].item_type"
    assert sale(state="LIMBO").state == "open"


def test_an_invoice_with_a_deposit() -> None:
    assert translate("invoice", square.invoice()) == Invoice(
        id="inv:0-1",
        number="000017",
        state="part_paid",
        order_id="O1",
        location="L1",
        customer_id="C1",
        currency="EUR",
        requested=eur(12500),
        completed=eur(2500),
        due_on=date(2026, 3, 1),
        published_at=None,
        scheduled_at=None,
        created_at=at(2026, 1, 31, 10),
        updated_at=at(2026, 1, 31, 10, 5),
        version=3,
        text="Chairs",
    )


def test_when_an_invoice_was_published_is_a_record_of_its_own() -> None:
    found = translate("publication", square.publication())
    assert found == Publication("INV1", at(2026, 1, 31, 11))
    assert translate("publication", square.publication(published_at=None)) == Publication("INV1", None)


def test_a_business_customer_and_a_private_one() -> None:
    firm = cast(Party, translate("customer", square.customer()))
    assert (firm.name, firm.contact, firm.is_company, firm.vat_number) == (
        "Berg AB",
        "Anna Berg",
        True,
        "SE556000000001",
    )
    assert (firm.address.lines, firm.address.city) == (("Storgatan 1",), "Stockholm")
    person = cast(Party, translate("customer", square.customer(company_name=None)))
    assert (person.name, person.contact, person.is_company, person.active) == ("Anna Berg", "", False, True)
    nameless = square.customer(company_name=None, given_name=None, family_name=None)
    assert cast(Party, translate("customer", nameless)).name == "anna@berg.test"


def test_a_customer_that_square_merged_of_others_is_known_as_that() -> None:
    assert cast(Party, translate("customer", square.customer(creation_source="MERGE"))).merged
    assert not cast(Party, translate("customer", square.customer())).merged


def test_a_vendor_shows_its_first_contact_that_is_not_removed() -> None:
    found = cast(Party, translate("vendor", square.vendor()))
    assert (found.role, found.name, found.contact, found.email) == ("supplier", "Joe's Fish", "First", "one@joe.test")
    assert (found.account_number, found.active) == ("4025391", True)
    for status in ("INACTIVE", "BLOCKED", None):
        assert not cast(Party, translate("vendor", square.vendor(status=status))).active


def test_a_location() -> None:
    assert translate("location", square.location()) == Location("L1", "Dublin", True, "Europe/Dublin", "EUR", "IE")
    assert untranslatable("location", square.location(timezone=None)) == "timezone"


def test_a_payout_with_its_entries_adds_up() -> None:
    found = cast(Payout, translate("payout", {"payout": square.payout(), "entries": square.entries()}))
    assert sum(entry.net.minor for entry in found.entries) == found.amount.minor == 33845
    assert (found.entries[0].payment_id, found.entries[3].refund_id) == ("P1", "R1")
    assert (found.state, found.itemized, found.destination) == ("sent", True, "bank_account")
    assert found.arrives_on == date(2026, 2, 2)


def test_a_payout_that_writes_currency_code_reads_the_same() -> None:
    twin = square.payout(amount_money={"amount": 33845, "currency_code": "EUR"})
    assert translate("payout", twin) == translate("payout", square.payout())


def test_a_simple_payout_has_no_entries_and_a_withdrawal_is_negative() -> None:
    found = cast(
        Payout,
        translate(
            "payout",
            square.payout(
                type="SIMPLE",
                amount_money=money(-500),
                status="FAILED",
                destination={"type": "SQUARE_BALANCE"},
                payout_fee=[{"type": "TRANSFER_FEE", "amount_money": money(15)}],
                end_to_end_id="E2E",
            ),
        ),
    )
    assert (found.itemized, found.amount, found.state, found.destination) == (
        False,
        eur(-500),
        "failed",
        "square_balance",
    )
    assert (found.stated_fee, found.reference, found.entries) == (eur(15), "E2E", ())


def test_a_payout_state_that_nobody_knows_is_held() -> None:
    assert untranslatable("payout", {"payout": square.payout(status="REVERSED"), "entries": []}) == "payout.status"


def test_a_charge_whose_fee_does_not_explain_its_net_is_held_and_other_types_are_trusted() -> None:
    wrong = square.entry("poe_1", gross=100, fee=3, net_amount_money=money(96))
    assert untranslatable("payout", {"payout": square.payout(), "entries": [wrong]}) == "entries[0].net_amount_money"
    other = square.entry("poe_1", gross=0, fee=-10, type_="FEE", net_amount_money=money(-10))
    found = cast(Payout, translate("payout", {"payout": square.payout(), "entries": [other]}))
    assert found.entries[0].net == eur(-10)


@pytest.mark.parametrize(
    ("state", "ours"), [("PROCESSING", "open"), ("WON", "won"), ("LOST", "lost"), ("ACCEPTED", "lost"), ("NEW", "open")]
)
def test_a_dispute(state: str, ours: str) -> None:
    found = cast(Dispute, translate("dispute", square.dispute(state=state)))
    assert (found.state, found.payment_id, found.amount) == (ours, "P1", eur(12500))
    assert found.due_at == at(2026, 3, 1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount_money": {"amount": 12.5, "currency": "EUR"}}, "amount_money.amount"),
        ({"amount_money": {"amount": "125", "currency": "EUR"}}, "amount_money.amount"),
        ({"amount_money": {"amount": True, "currency": "EUR"}}, "amount_money.amount"),
        ({"amount_money": {"amount": -1, "currency": "EUR"}}, "amount_money.amount"),
        ({"amount_money": {"amount": 10**15 + 1, "currency": "EUR"}}, "amount_money.amount"),
        ({"amount_money": {"amount": 1, "currency": "BTC"}}, "amount_money.currency"),
        ({"amount_money": {"amount": 1}}, "amount_money.currency"),
        ({"amount_money": {"amount": 1, "currency": ["EUR"]}}, "amount_money.currency"),
        ({"amount_money": None}, "amount_money"),
        ({"amount_money": 125}, "amount_money"),
        ({"tip_money": money(1, "USD")}, "tip_money.currency"),
        ({"total_money": money(0)}, "total_money"),
        ({"created_at": "soon"}, "created_at"),
        ({"created_at": None}, "created_at"),
        ({"created_at": "0001-01-01T00:00:00+14:00"}, "created_at"),
        ({"id": ""}, "id"),
        ({"id": 5}, "id"),
        ({"id": "a\x00"}, "id"),
        ({"status": 5}, "status"),
        ({"processing_fee": {}}, "processing_fee"),
        ({"processing_fee": [5]}, "processing_fee[0]"),
        ({"card_details": "x"}, "card_details"),
        ({"is_offline_payment": "yes"}, "is_offline_payment"),
    ],
)
def test_a_broken_payment_names_the_field(changes: Any, field: str) -> None:
    assert untranslatable("payment", square.payment(**changes)) == field


def test_the_record_is_named_when_its_field_is_broken() -> None:
    with pytest.raises(Untranslatable) as caught:
        translate("payment", square.payment(tip_money=money(1, "USD")))
    assert caught.value.record == "P1"


def test_a_name_with_characters_that_no_database_takes_is_cleaned() -> None:
    assert cast(Party, translate("vendor", square.vendor(name="A\x00B\ud800Ø"))).name == "A B Ø"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T12:00:00Z", at(2026, 1, 31, 12)),
        ("2026-01-31T12:00:00.5Z", at(2026, 1, 31, 12, 0, 0, 500000)),
        ("2026-01-31T12:00:00.123456789Z", at(2026, 1, 31, 12, 0, 0, 123456)),
        ("2026-01-31t13:00:00+01:00", at(2026, 1, 31, 12)),
        ("2022-04-26T10:08:40.454726", at(2022, 4, 26, 10, 8, 40, 454726)),
        ("2022-01-10 23:29:48 +0000 UTC", at(2022, 1, 10, 23, 29, 48)),
        ("2022-01-10 23:29:48.5 +0000 UTC m=+3863.05", at(2022, 1, 10, 23, 29, 48, 500000)),
        ("2016-12-31T23:59:60Z", at(2016, 12, 31, 23, 59, 59)),
        ("1970-01-01T00:20:28.481Z", at(1970, 1, 1, 0, 20, 28, 481000)),
        ("2026-13-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("", None),
        ("x" * 1000, None),
    ],
)
def test_times_are_read_in_every_form_that_square_shows(text: str, moment: datetime | None) -> None:
    assert moment_of(text) == moment


def test_square_states_amounts_in_the_minor_units_of_iso() -> None:
    assert {code: exponent(code) for code in EXPONENTS} == dict(EXPONENTS)
