"""Basware's e-invoicing network: a supplier's invoice as data, without its picture. Credentials of its own.

Its answer is in no file we hold: any 2xx counts. A lost answer is sent again with the same client token, by which the
network takes an invoice once. Credit notes have a resource of their own and are not sent.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from ml_connector.connectors.basware.client import dumped
from ml_connector.connectors.basware.faults import fault
from ml_connector.connectors.http import Http
from ml_connector.errors import ConfigurationError
from ml_connector.finance.money import Money
from ml_connector.finance.procurement import PartyOnNetwork, ReceivedInvoice, ReceivedLine

PATH = "/v1/invoices"
REQUEST = "X-BW-REQUEST-ID"

Body = dict[str, Any]


def send(
    http: Http, credentials: Mapping[str, Any], settings: Mapping[str, str], invoice: ReceivedInvoice, *, base: str
) -> None:
    """Hand one invoice to the network.

    Raises ConfigurationError without its credentials, UnknownOutcome when nobody knows whether it was taken.
    """
    user = str(credentials.get("network_user") or "").strip()
    password = str(credentials.get("network_password") or "").strip()
    if not user or not password:
        raise ConfigurationError(
            "The Network API has credentials of its own, and the connection lacks them.",
            record=invoice.source,
            fix="Enter network_user and network_password, or hand invoices on by file (mailbox).",
        )
    address = str(settings.get("network_url") or base).rstrip("/")
    path = f"{settings.get('network_path') or PATH}/{invoice.document_id}"
    headers = {
        "Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode(),
        "Accept": "application/json",
        "Content-Type": "application/json",
        REQUEST: invoice.client_token,
    }
    answer = http.send(
        "POST", address + path, operation=f"POST {PATH}/{{id}}", headers=headers, body=dumped(body_of(invoice))
    )
    if not answer.ok:
        raise fault(answer, f"POST {PATH}", method="POST")


def body_of(invoice: ReceivedInvoice) -> Body:
    """The invoice as the network's schema has it."""
    currency = invoice.currency
    data: Body = {
        "id": invoice.number,
        "issueDate": invoice.day.isoformat(),
        "documentCurrencyCode": currency,
        "accountingSupplierParty": _party(invoice.supplier),
        "accountingCustomerParty": _party(invoice.buyer),
        "taxTotal": _amount(invoice.vat_total),
        "legalMonetaryTotal": {"payableAmount": _amount(invoice.total)},
        "invoiceLine": [_line(line, currency) for line in invoice.lines],
    }
    means: Body = {}
    if invoice.due_on is not None:
        means["paymentDueDate"] = invoice.due_on.isoformat()
    if invoice.reference:
        means["paymentIdentifier"] = {"id": invoice.reference}
    if means:
        data["paymentMeans"] = {"paymentMeansCode": "31", **means}  # a transfer
    return {"clientToken": invoice.client_token, "deliveryChannelPreference": "only-eInvoicing", "data": data}


def _party(party: PartyOnNetwork) -> Body:
    body: Body = {"partyName": party.name}
    if party.endpoint:
        body["endpoint"] = _scheme(party.endpoint, party.endpoint_scheme)
    if party.org_number:
        body["partyIdentification"] = [_scheme(party.org_number, party.endpoint_scheme)]
    if party.vat_number:
        body["partyTaxScheme"] = {"company": {"id": party.vat_number}}
    return body


def _scheme(id_: str, scheme: str) -> Body:
    return {"id": id_, **({"schemeId": scheme} if scheme else {})}


def _line(line: ReceivedLine, currency: str) -> Body:
    item: Body = {"name": line.text or line.number}
    if line.percent is not None:
        item["taxPercent"] = line.percent
    body: Body = {"id": line.number, "lineExtension": _amount(line.net), "item": item}
    if line.order and line.order_line:
        body["orderLineReference"] = {"lineId": line.order_line, "orderReference": line.order}
    del currency
    return body


def _amount(amount: Money) -> Body:
    return {"currencyId": amount.currency, "amount": amount.decimal()}
