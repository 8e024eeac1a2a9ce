"""Accounts, values of dimensions, VAT categories and credit terms, as other systems are told of them. Pure."""

from __future__ import annotations

from ml_connector.connectors.visma.observed import text
from ml_connector.connectors.visma.rows import Row, decimal_of, given, number_of, whole_of
from ml_connector.finance.purchasing import DueRule, ReferenceValue


def account(row: Row) -> ReferenceValue:
    """A GL account."""
    return ReferenceValue("account", given(row, "accountCD"), text(row.get("description")), row.get("active") is True)


def segment_value(row: Row) -> ReferenceValue:
    """A value of a segment, as `purchase_reading` takes it out of its dimension."""
    return ReferenceValue(
        "segment_value", given(row, "valueId"), text(row.get("description")), row.get("active") is True,
        number_of(row, "segmentId"),
    )  # fmt: skip


def vat_category(row: Row) -> ReferenceValue:
    """A VAT category: the code of document lines. Its rate depends on zone and day, so it is not here."""
    active = row.get("active") is not False
    return ReferenceValue("vat_category", given(row, "vatCategoryId"), text(row.get("description")), active)


def credit_term(row: Row) -> ReferenceValue:
    """Credit terms in the ledger's own words: its lists of due date types are not in any contract."""
    percent = decimal_of(row, "discountPercent")
    rule = DueRule(
        kind=text(row.get("dueDateType")),
        days=whole_of(row, "dueDay1"),
        day_of_month=whole_of(row, "dueDay1"),
        discount_days=whole_of(row, "discountDay"),
        discount_percent=percent or None,
        instalments=text(row.get("instalmentType")).lower() in ("multiple", "m"),
    )
    active = text(row.get("visibleTo")).casefold() not in _DISABLED
    return ReferenceValue("credit_term", given(row, "termsId"), text(row.get("description")), active, rule=rule)


_DISABLED = frozenset({"ds", "disabled"})  # who sees the terms: nobody
