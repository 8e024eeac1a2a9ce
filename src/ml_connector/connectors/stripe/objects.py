"""Objects of Stripe as source records: which id, when it happened. The payload stays untouched."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ml_connector.connectors.shapes import SourceObject
from ml_connector.connectors.stripe.fields import id_in, moment_of
from ml_connector.errors import Untranslatable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

PATHS: Mapping[str, str] = {
    "invoice": "/v1/invoices",
    "invoice_payment": "/v1/invoice_payments",
    "charge": "/v1/charges",
    "refund": "/v1/refunds",
    "dispute": "/v1/disputes",
    "payout": "/v1/payouts",
    "balance_transaction": "/v1/balance_transactions",
}
EXPAND: Mapping[str, tuple[str, ...]] = {
    "charge": ("balance_transaction",),
    "refund": ("balance_transaction",),
    "invoice": ("payments",),  # shown only when asked for, ten of them
}
"""What is expanded, in lists and alone: a record has the same shape however it was read."""


def source_object(kind: str, row: Mapping[str, Any]) -> SourceObject:
    """A row as a record. Stripe's objects carry no time of change: the one read last is the newest.

    Raises Untranslatable when it has no usable id: what cannot be named cannot be kept.
    """
    id_ = id_in(row)
    if id_ is None:
        raise Untranslatable(f"A {kind} in Stripe's answer has no id.", field="id")
    return SourceObject(kind, id_, row, "", moment_of(row.get("created")) or EPOCH)


def expand_of(kind: str) -> list[str]:
    """What to expand of a kind in a list."""
    return [f"data.{name}" for name in EXPAND.get(kind, ())]
