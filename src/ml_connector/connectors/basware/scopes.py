"""Scopes: what a client must be allowed to do there, and which of them a call needs."""

from __future__ import annotations

from collections.abc import Mapping

MASTER_DATA = ("accounts", "costCenters", "lists", "paymentTerms", "taxCodes", "exchangeRates", "projects", "vendors")
ORDERS = ("matchingOrders", "matchingOrderLines")
SCOPES = (
    *(f"{name}.{right}" for name in (*MASTER_DATA, *ORDERS) for right in ("read", "write")),
    "accountingDocuments.read",
    "accountingDocuments.write",
    "requestStatus.read",
    "subscriptions.read",
    "subscriptions.write",
    "subscriptions.delete",
)
"""What we ask for. Of `.delete` only that of subscriptions: deleting anything else empties the interface alone."""
FILE_SCOPE = "importDocuments.write"  # SmartPDF, a product of its own: asked for where a client has it

_RIGHTS: Mapping[str, str] = {"GET": "read", "DELETE": "delete"}


def scope_of(where: str) -> str:
    """The scope that a call needs, from its method and path ("POST /v1/vendors"): vendors.write."""
    method, _, path = where.partition(" ")
    parts = [part for part in path.split("/") if part]
    resource = parts[1] if len(parts) > 1 else path
    return FILE_SCOPE if resource == "smartpdf" else f"{resource}.{_RIGHTS.get(method, 'write')}"
