"""Invoices sent into the network, for tests of the pretend Basware."""

from __future__ import annotations

import json
from typing import Any

from ml_connector_sandbox.core.wire import Request
from tests.sandbox.basware_tenant import Office, basic

BUM_ID = "0d2b6c0e-0000-5000-8000-0000000000b1"
CLIENT_TOKEN = "0d2b6c0e-0000-5000-8000-000000000001"


def network_invoice(client_token: str = CLIENT_TOKEN, **more: Any) -> dict[str, Any]:
    invoice = {
        "id": "F-778", "issueDate": "2026-11-18", "documentCurrencyCode": "NOK",
        "accountingSupplierParty": {"partyName": "Nordlys Kontor AS"},
        "accountingCustomerParty": {"partyName": "Demo AS", "endpoint": {"id": "987654321", "schemeId": "NO:ORGNR"}},
        "taxTotal": {"currencyId": "NOK", "amount": 250.0},
        "legalMonetaryTotal": {"payableAmount": {"currencyId": "NOK", "amount": 1250.0}},
        "invoiceLine": [
            {
                "id": "1", "lineExtension": {"currencyId": "NOK", "amount": 1000.0},
                "item": {"name": "Chairs", "taxPercent": 25},
            }
        ],
    }  # fmt: skip
    return {"clientToken": client_token, "data": invoice | more}


def post_invoice(office: Office, body: Any, bum_id: str = BUM_ID, **headers: str) -> tuple[int, Any]:
    """Send an invoice with the network user's name and password."""
    user = office.facts["network_user"]
    sent = {
        "authorization": basic(user["user"], user["password"]), "content-type": "application/json",
        "x-bw-request-id": "0d2b6c0e-0000-4000-8000-0000000000ff",
    } | headers  # fmt: skip
    path = f"/v1/invoices/{bum_id}"
    answer = office.basware.answer(Request("POST", path, "", sent, json.dumps(body).encode()), office.now)
    parsed = json.loads(answer.body) if answer.body else None
    office.log.append(("POST /v1/invoices/{bumId}", answer.status, body, parsed))
    return answer.status, parsed
