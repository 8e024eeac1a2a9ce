"""Accounting documents as canonical ones: real shapes, missing fields, and whatever else may come."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_connector.connectors.basware.translate import translate
from ml_connector.errors import Untranslatable
from tests.connectors.basware.contents import nok
from tests.connectors.basware.payloads import coding, document

KIND = "accountingDocument"
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_a_document_is_read_with_its_coding() -> None:
    found = translate(KIND, document(coding(dimCode2="X", orderNumber="PO1", orderLineNumber="2", matchedQuantity=4)))
    assert (found.id, found.number, found.net, found.gross) == ("DOC1", "F-778", nok("1000"), nok("1250"))
    assert (found.day, found.due_on) == (date(2026, 2, 3), date(2026, 3, 5))
    (row,) = found.rows
    assert (row.account, row.cost_center, row.dimensions, row.tax_code) == ("6540", "100", ((2, "X"),), "1")
    assert (row.order, row.order_line, row.quantity) == ("PO1", "2", Decimal(4))


def test_all_but_six_fields_may_be_missing_or_null() -> None:
    names = "invoiceId processingStatus companyCode supplierCode currencyCode paymentBlock".split()
    bare = {key: document()[key] for key in names}
    for more in ({}, {"netSum": None, "codingRows": None, "invoiceDate": None, "transferResponses": None}):
        found = translate(KIND, {**bare, **more})
        assert (found.net, found.rows, found.day, found.transfers) == (None, (), None, ())


def test_the_date_is_the_part_before_the_time_whatever_zone_stands_behind_it() -> None:
    assert translate(KIND, document(invoiceDate="2026-02-03T23:30:00-05:00")).day == date(2026, 2, 3)


def test_the_noise_of_a_double_is_cut_and_real_digits_are_refused() -> None:
    assert translate(KIND, document(netSum=Decimal("999.9999999999"))).net == nok("1000")
    assert translate(KIND, document(netSum=0.1 + 0.2)).net == nok("0.30")
    with pytest.raises(Untranslatable) as caught:
        translate(KIND, document(netSum=Decimal("10.005")))
    assert caught.value.field == "netSum"


def test_answers_that_a_document_has_are_read() -> None:
    rows = [{"externalCode": "a", "success": False, "responseMessage": "x", "paymentBlock": False}]
    (one,) = translate(KIND, document(transferResponses=rows)).transfers
    assert (one.external_code, one.success) == ("a", False)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"invoiceId": ""}, "invoiceId"), ({"currencyCode": "XXX"}, "currencyCode"),
        ({"paymentBlock": "no"}, "paymentBlock"),
        ({"codingRows": [{}]}, "codingRows[0].externalCode"), ({"invoiceDate": "soon"}, "invoiceDate"),
        ({"grossSum": "12"}, "grossSum"), ({"orderNumbers": [1]}, "orderNumbers"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_names_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        translate(KIND, document(**change))
    assert caught.value.field == field


def readable_or_named(payload: dict[str, Any]) -> bool:
    try:
        return translate(KIND, payload).id != ""
    except Untranslatable as error:
        return error.field != ""


@given(key=st.sampled_from(sorted(document())), value=ANYTHING)
def test_any_payload_is_read_or_untranslatable(key: str, value: Any) -> None:
    assert readable_or_named(document(**{key: value}))


@given(key=st.sampled_from(sorted(coding())), value=ANYTHING)
def test_any_row_is_read_or_untranslatable(key: str, value: Any) -> None:
    assert readable_or_named(document(coding(**{key: value})))
