"""Pieces that many answers share: days, accounts, subaccounts, references."""

from __future__ import annotations

from datetime import date
from typing import Any

from ml_connector_sandbox.visma.call import moment
from ml_connector_sandbox.visma.chart import Account, Subaccount
from ml_connector_sandbox.visma.company import Company, row_version


def day(value: date) -> str:
    """A day as a date-time without zone."""
    return f"{value.isoformat()}T00:00:00"


def shown_account(account: Account | None) -> dict[str, Any] | None:
    """An account inside a document."""
    if account is None:
        return None
    return {
        "type": account.type,
        "externalCode1": "",
        "externalCode2": "",
        "active": account.active,
        "number": account.number,
        "description": account.description,
    }


def shown_subaccount(company: Company, sub: Subaccount) -> dict[str, Any]:
    """A subaccount with its segments."""
    segments = company.chart.segments
    return {
        "subaccountNumber": sub.number,
        "subaccountId": sub.id,
        "description": sub.description,
        "lastModifiedDateTime": moment(sub.modified),
        "active": sub.active,
        "segments": [
            {
                "segmentId": number,
                "segmentDescription": segments[number].description,
                "segmentValue": value,
                "segmentValueDescription": segments[number].values[value].description,
            }
            for number, value in enumerate(sub.values, 1)
        ],
        "timeStamp": row_version(sub.stamp),
    }


def vat_zone(company: Company, zone_id: str) -> dict[str, Any]:
    """A VAT zone inside a party or document."""
    zone = company.chart.zones[zone_id]
    category = company.chart.categories.get(zone.default_category)
    shown: dict[str, Any] = {
        "id": zone.id,
        "description": zone.description,
        "defaultVatCategory": zone.default_category,
    }
    if category is not None:
        shown["defaultTaxCategory"] = {"number": category.id, "description": category.description}
    return shown


def branch_reference(company: Company, number: str) -> dict[str, str]:
    """A branch inside a document."""
    return {"number": number, "name": company.chart.branches[number]["name"]}
