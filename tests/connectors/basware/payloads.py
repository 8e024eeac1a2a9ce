"""Accounting documents as Basware shows them; only some fields are ever there."""

from __future__ import annotations

from decimal import Decimal
from typing import Any


def coding(index: int = 1, net: str = "1000", gross: str = "1250", **more: Any) -> dict[str, Any]:
    row = {
        "externalCode": f"row-{index}",
        "rowIndex": index,
        "accountCode": "6540",
        "costCenterCode": "100",
        "taxCode": "1",
        "taxPercent": 25,
        "netTotal": Decimal(net),
        "grossTotal": Decimal(gross),
    }
    return row | more


def document(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    found = {
        "invoiceId": "DOC1",
        "processingStatus": "WaitingForTransfer",
        "companyCode": "NO01",
        "supplierCode": "50012",
        "currencyCode": "NOK",
        "paymentBlock": False,
        "invoiceNumber": "F-778",
        "netSum": Decimal(1000),
        "grossSum": Decimal(1250),
        "invoiceDate": "2026-02-03T00:00:00Z",
        "dueDate": "2026-03-05T00:00:00",
        "referenceNumber": "00123456789",
        "lastUpdated": "2026-02-04T08:00:00Z",
        "codingRows": list(rows) or [coding()],
        "somethingNew": {"a": 1},
    }
    return found | more
