"""The set-up as other systems are told of it, and whatever a payload of purchasing may hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_connector.connectors.shapes import Absent, SourceObject
from ml_connector.connectors.visma import translate
from ml_connector.connectors.visma.purchase_reading import LISTS
from ml_connector.connectors.visma.purchasing import KINDS
from ml_connector.errors import Transient, Untranslatable, UsageError
from ml_connector.finance.purchasing import (
    ReferenceValue,
)
from tests.connectors.visma.builders import NOON, FakeVisma, reader
from tests.connectors.visma.buying import PAPER, Buyer
from tests.connectors.visma.sandboxed import START


@pytest.fixture
def buyer() -> Buyer:
    return Buyer()


# ---------------------------------------------------------------------------------------------- the set-up


@pytest.mark.parametrize(
    ("kind", "key", "name"),
    [
        ("account", "4000", "Purchases"),
        ("vatcategory", "25", "Taxable 25 %"),
        ("creditterm", "30", "30 days"),
        ("segmentvalue", "1/10", "Oslo"),
    ],
)
def test_the_set_up_is_read_whole_and_alone(buyer: Buyer, kind: str, key: str, name: str) -> None:
    found = buyer.documents(kind)
    value = found[key]
    assert isinstance(value, ReferenceValue)
    assert (value.code, value.name, value.active) == (key.rpartition("/")[2], name, True)
    assert buyer.document(kind, key) == value
    (gone,) = buyer.reader.fetch(kind, ["no such"])
    assert isinstance(gone, Absent)
    assert {one.external_id for one in buyer.reader.walk(kind, location=None, since=START)} == set(found)


def test_inactive_rows_are_told_as_such(buyer: Buyer) -> None:
    values = buyer.documents("segmentvalue")
    assert not values["1/90"].active  # type: ignore[union-attr]
    assert not buyer.documents("account")["3999"].active  # type: ignore[union-attr]


def test_credit_terms_keep_the_ledgers_own_words() -> None:
    row = {"termsId": "E15", "description": "Month end", "dueDateType": "E", "dueDay1": 15, "discountType": "N",
           "discountDay": 10, "discountPercent": 2.5, "instalmentType": "M"}  # fmt: skip
    rule = translate("creditterm", row).rule  # type: ignore[union-attr]
    assert (rule.kind, rule.days, rule.discount_days, rule.discount_percent, rule.instalments) == (  # type: ignore[union-attr]
        "E", 15, 10, Decimal("2.5"), True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("seen_by", "active"), [("AL", True), ("All", True), ("VE", True), ("DS", False), ("Disabled", False)]
)
def test_credit_terms_that_nobody_sees_are_not_active(seen_by: str, active: bool) -> None:
    found = translate("creditterm", {"termsId": "30", "description": "30 days", "visibleTo": seen_by})
    assert found.active is active  # type: ignore[union-attr]


def test_after_the_first_reading_only_changes_are_asked_for_with_both_halves_of_the_filter(buyer: Buyer) -> None:
    _, position = buyer.stream("account")
    buyer.sandbox.clock.advance(3 * 3600)
    buyer.sandbox.control("set_account", number="4000", description="Goods bought")
    found, position = buyer.stream("account", position)
    assert found["4000"].payload["description"] == "Goods bought"
    assert buyer.stream("account", position)[0].keys() == {"4000"}


def test_a_row_that_was_removed_is_told_as_inactive_a_day_later(buyer: Buyer) -> None:
    _, position = buyer.stream("vatcategory")
    buyer.sandbox.control("remove", kind="vatcategory", number="12")
    unseen, position = buyer.stream("vatcategory", position)
    assert "12" not in unseen  # a list of changes does not show what is gone
    buyer.sandbox.clock.advance(86_401)
    found, position = buyer.stream("vatcategory", position)
    value = translate("vatcategory", found["12"].payload)
    assert value == ReferenceValue("vat_category", "12", "Taxable 12 %", active=False)
    buyer.sandbox.clock.advance(86_401)
    assert "12" not in buyer.stream("vatcategory", position)[0]  # told once


def test_a_segments_value_that_was_removed_is_told_at_once(buyer: Buyer) -> None:
    _, position = buyer.stream("segmentvalue")
    buyer.sandbox.control("remove", kind="segmentvalue", number="1/30")
    found, _ = buyer.stream("segmentvalue", position)
    value = translate("segmentvalue", found["1/30"].payload)
    assert value == ReferenceValue("segment_value", "30", "Gothenburg", active=False, segment=1)


@pytest.mark.parametrize("kind", sorted(LISTS))
def test_an_empty_list_switches_nothing_off(kind: str) -> None:
    place = LISTS[kind]
    empty: Any = {"segments": []} if kind == "segmentvalue" else [] if kind != "creditterm" else {"records": []}
    visma = FakeVisma().on("GET", place.path, 200, empty if empty != {"segments": []} else {"id": "SUBACCOUNT"})
    position = json.dumps(["", "", {"1/10": "Oslo"}])
    with pytest.raises(Transient, match="another company"):
        reader(visma).page(kind, position, now=NOON)


def test_a_row_that_one_reading_missed_is_not_removed() -> None:
    answers = [[{"accountCD": "1"}], [{"accountCD": "1"}, {"accountCD": "2"}]]
    visma = FakeVisma()
    visma.by("GET", "/v1/account", lambda _: httpx2.Response(200, json=answers.pop(0)))
    position = json.dumps(["", "", {"1": "", "2": ""}])
    page = reader(visma).page("account", position, now=NOON)
    assert [one.external_id for one in page.objects] == ["1"]
    assert len(visma.calls()) == 2


def test_what_is_no_list_is_refused() -> None:
    with pytest.raises(UsageError):
        reader(FakeVisma()).page("moons", None, now=NOON)
    with pytest.raises(UsageError):
        reader(FakeVisma()).find("account", ("order", "1"), location=None)


# ---------------------------------------------------------------------------------------------- any payload

LEAVES = st.none() | st.booleans() | st.integers() | st.decimals() | st.floats() | st.text(max_size=6)
JSON = st.recursive(
    LEAVES, lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(st.text(max_size=8), deeper, max_size=3)
)
NAMES = (
    "number orderNbr receiptNbr refNbr referenceNumber accountCD valueId vatCategoryId termsId lines invoiceLines "
    "currency currencyId status hold date applicationDate paymentLines attachments supplier mainContact mainAddress "
    "supplierPaymentMethodDetails lastModifiedDateTime amount balanceInCurrency segmentId discountPercent".split()
)
SOME = st.sampled_from(["SEK", "2026-05-20T00:00:00", "100", "0001-01-01T00:00:00+05:00", {"id": "SEK"}, "1e99"])
ROWS = st.lists(
    st.dictionaries(st.sampled_from(["lineNbr", "orderQty", "sub", "unitCost", "amount"]), JSON), max_size=2
)


def field_refused(kind: str, row: dict[str, Any]) -> str | None:
    """None when it went well; the named field when it was Untranslatable. Anything else fails the test."""
    try:
        translate(kind, row)
    except Untranslatable as error:
        return error.field
    return None


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from(NAMES), JSON | SOME | ROWS),
    st.sampled_from(sorted(KINDS)),
)
def test_whatever_comes_is_a_document_or_names_its_field(row: dict[str, Any], kind: str) -> None:
    assert field_refused(kind, row) != ""


def test_an_odd_set_of_segments_is_no_reason_to_fail() -> None:
    odd_ones: list[Any] = [None, [None, {"segmentValues": [None, "x"]}], "x"]
    for odd in odd_ones:
        visma = FakeVisma().on("GET", "/v1/dimension/SUBACCOUNT", 200, {"id": "SUBACCOUNT", "segments": odd})
        assert reader(visma).page("segmentvalue", None, now=datetime(2026, 5, 20, tzinfo=UTC)).objects == ()


def test_the_seeded_supplier_is_the_one_that_is_asked_for(buyer: Buyer) -> None:
    assert isinstance(buyer.one("supplier", str(PAPER["number"])), SourceObject)
