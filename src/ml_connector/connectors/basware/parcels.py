"""Parcels: which records share a POST, where they go and how many Basware takes at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ml_connector.connectors.basware import bodies
from ml_connector.connectors.basware.client import Row
from ml_connector.connectors.shapes import Sent
from ml_connector.errors import Rejected, UsageError
from ml_connector.finance.procurement import OrderHeader, OrderLine, ReferenceRow, SupplierCard

RESOURCES: Mapping[str, tuple[str, str]] = {  # of reference data: path and what requestStatus calls it
    "account": ("/v1/accounts", "Account"),
    "cost_center": ("/v1/costCenters", "CostCenter"),
    "list": ("/v1/lists", "GenericList"),
    "tax_code": ("/v1/taxCodes", "TaxCode"),
    "payment_term": ("/v1/paymentTerms", "PaymentTerm"),
    "project": ("/v2/projects", "Project"),
    "exchange_rate": ("/v1/exchangeRates", "ExchangeRate"),
}
KINDS: Mapping[str, type[Any]] = {
    "reference_row": ReferenceRow,
    "supplier_card": SupplierCard,
    "order_header": OrderHeader,
    "order_line": OrderLine,
}
LIMITS: Mapping[str, int] = {"reference_row": 500, "supplier_card": 200, "order_header": 500, "order_line": 100}
"""Records of one POST, as Basware takes them."""


def rows_of(kind: str, content: Sent) -> tuple[tuple[str, Any], ...]:
    """The rows of a parcel, or a single content as one row. Raises UsageError for other contents."""
    rows: tuple[tuple[str, Any], ...] = getattr(content, "rows", None) or ((getattr(content, "source", ""), content),)
    if not all(isinstance(row, KINDS[kind]) for _, row in rows):
        raise UsageError(f"A parcel of {kind} holds something else.", record=kind)
    if len(rows) > LIMITS[kind]:
        raise UsageError(f"A parcel of {kind} holds {len(rows)} rows; Basware takes {LIMITS[kind]}.", record=kind)
    return rows


def naming(refused: Rejected, rows: Sequence[tuple[str, Any]]) -> Rejected:
    """The same refusal with the keys of the rows it names instead of their codes there."""
    keys = {row.external_code: key for key, row in rows}
    named = {keys[code]: words for code, words in refused.rows.items() if code in keys}
    return Rejected(refused.what, record=refused.record, fix=refused.fix, rows=named)


def made_of(kind: str, keyed: Sequence[tuple[str, Any]], again: tuple[int, ...] | None) -> tuple[str, list[Row]]:
    """Where a parcel goes, and its records. One company and one resource: others may not share a call."""
    rows = [row for _, row in keyed]
    if len({row.company for row in rows}) > 1 or len({place_of(kind, row) for row in rows}) > 1:
        raise Rejected("A parcel mixes companies or resources.", record=rows[0].source, fix="Report this.")
    counts = again or (0,) * len(rows)
    made: list[Row] = [_MAKERS[kind](row, again) for row, again in zip(rows, counts, strict=True)]
    return place_of(kind, rows[0])[0], made


_MAKERS: Mapping[str, Callable[[Any, int], Row]] = {
    "reference_row": bodies.reference,
    "supplier_card": bodies.supplier,
    "order_header": bodies.order,
    "order_line": bodies.order_line,
}


def place_of(kind: str, row: Any) -> tuple[str, str]:
    """(path, what requestStatus calls it)."""
    if isinstance(row, ReferenceRow):
        path, entity = RESOURCES[row.kind]
        return (f"{path}/{row.list_key}", entity) if row.kind == "list" else (path, entity)
    return {
        "supplier_card": ("/v1/vendors", "Vendor"),
        "order_header": ("/v1/matchingOrders", "MatchingOrder"),
        "order_line": ("/v1/matchingOrderLines", "MatchingOrderLine"),
    }[kind]
