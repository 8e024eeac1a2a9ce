"""All operations of the pretend ERP."""

from __future__ import annotations

from ml_connector_sandbox.visma import (
    accounts_api,
    attachments,
    attributes,
    background,
    chart_api,
    items,
    journal_api,
    ledger_api,
    parties,
    payables_api,
    payments_api,
    purchases_api,
    receivables_api,
)
from ml_connector_sandbox.visma.call import Route


def all_routes() -> list[Route]:
    """Every route once."""
    modules = (
        journal_api,
        accounts_api,
        chart_api,
        parties,
        receivables_api,
        payments_api,
        payables_api,
        purchases_api,
        items,
        ledger_api,
        attachments,
        attributes,
        background,
    )
    return [route for module in modules for route in module.routes()]
