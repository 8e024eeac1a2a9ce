"""PayPal's status, name and issues -> our error, as one table. Branches on codes, never on texts but one.

The one text: the report refuses a start beyond what it serves with a plain INVALID_REQUEST.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ml_connector.connectors.http import Answer
from ml_connector.errors import (
    Conflict,
    ConnectorError,
    NotAuthorized,
    NotFound,
    RateLimited,
    Rejected,
    Transient,
    UnknownOutcome,
)

# Issues and names decide before the status.
CODES: Mapping[str, type[ConnectorError]] = {
    "RATE_LIMIT_REACHED": RateLimited,
    **dict.fromkeys(
        ("AUTHENTICATION_FAILURE", "invalid_token", "NOT_AUTHORIZED", "PERMISSION_DENIED", "invalid_client"),
        NotAuthorized,
    ),
    **dict.fromkeys(("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID"), NotFound),
    **dict.fromkeys(("RESOURCE_CONFLICT", "PREVIOUS_REQUEST_IN_PROGRESS"), Conflict),
}
STATUSES: Mapping[int, type[ConnectorError]] = {
    401: NotAuthorized,
    403: NotAuthorized,
    404: NotFound,
    409: Conflict,
    429: RateLimited,
}
FIXES: Mapping[str, str] = {
    "invalid_client": "Check client id and secret, and that they belong to this environment (sandbox or live).",
    "NOT_AUTHORIZED": "Grant the permission in the app's settings at PayPal; `ml-connector ping` names it. A token "
    "made before that serves up to nine hours.",
    "PREVIOUS_REQUEST_IN_PROGRESS": "Nothing: it is tried again when the first request is through.",
    "PAYMENT_AMOUNT_GREATER_THAN_AMOUNT_DUE": "More was recorded than is open: compare the invoice with the ledger.",
    "CANNOT_PROCESS_PAYMENTS": "The invoice takes no payment in its state: compare it with the ledger.",
    "CANNOT_DELETE_EXTERNAL_PAYMENT": "Delete the recorded refund at PayPal first.",
    "INVALID_REFUND_AMOUNT": "More would be refunded than was recorded as paid: compare the invoice with the ledger.",
}
TOO_LARGE = "RESULTSET_TOO_LARGE"
NOT_SERVED = "start date is not available"
READS = frozenset({"GET", "HEAD"})
MAX_WAIT_S = 3600.0


class TooManyRows(Exception):
    """The report's window holds more than it serves: it must be halved."""


class NotPermitted(Exception):
    """PayPal refuses this one thing to our app (403): a permission is missing, or the payment is another app's."""


class NotServedYet(Exception):
    """The report's window begins after what PayPal has refreshed: nothing is there yet."""


def judged(
    answer: Answer, where: str, *, method: str = "GET", safe: bool = False, optional: bool = False
) -> dict[str, Any]:
    """The JSON object of a good answer (empty for an empty body); otherwise the error it means is raised.

    `safe`: a POST that changes nothing (a search). A write that ends in 5xx or 408 may have been carried out.
    `optional`: a 403 is NotPermitted, for what the books can do without.
    """
    body = body_of(answer)
    if answer.ok and not answer.body.strip():
        return {}
    if answer.ok and body is not None:
        return body
    harmless = safe or method in READS
    if answer.ok:
        lost = Transient if harmless else UnknownOutcome
        raise lost(f"PayPal's answer to {where} is no JSON object.", record=where)
    if optional and answer.status == 403:
        raise NotPermitted(where)
    codes = list(codes_of(body))
    if TOO_LARGE in codes:
        raise TooManyRows(where)
    if answer.status == 400 and NOT_SERVED in _words(body).lower():
        raise NotServedYet(where)
    raise _error(answer, codes, where, harmless=harmless)


def body_of(answer: Answer) -> dict[str, Any] | None:
    """The body as a JSON object, None when it is none."""
    try:
        read = answer.json()
    except (ValueError, RecursionError, ArithmeticError):
        return None
    return read if isinstance(read, dict) else None


def codes_of(body: Mapping[str, Any] | None) -> Iterator[str]:
    """Issues first, then the name: the more exact word decides. `details` may be a text, in reports."""
    if not body:
        return
    details = body.get("details")
    for one in details if isinstance(details, list) else ():
        if isinstance(one, dict) and isinstance(one.get("issue"), str):
            yield one["issue"]
    for key in ("name", "error"):
        if isinstance(body.get(key), str):
            yield body[key]


def _error(answer: Answer, codes: list[str], where: str, *, harmless: bool) -> ConnectorError:
    kind = next((CODES[code] for code in codes if code in CODES), None) or STATUSES.get(answer.status)
    if kind is None and (answer.status >= 500 or answer.status == 408):
        kind = Transient if harmless else UnknownOutcome
    if kind is None:
        kind = Rejected if 400 <= answer.status < 500 else Transient
    trace = answer.headers.get("paypal-debug-id", "")
    said = " ".join(dict.fromkeys(code[:100] for code in codes))
    words = _words(body_of(answer))
    what = f"PayPal answered {where} with {answer.status}{': ' + said if said else ''}{'. ' + words if words else ''}"
    what = what.rstrip(".") + (f" (PayPal's reference {trace[:60]})." if trace else ".")
    if issubclass(kind, Transient):
        return kind(what, record=where, retry_after_s=retry_after(answer))
    return kind(what, record=where, fix=next((FIXES[code] for code in codes if code in FIXES), None))


def _words(body: Mapping[str, Any] | None) -> str:
    """PayPal's sentences and the fields they are about; never the values that were sent."""
    if not body:
        return ""
    said = [body.get("message"), body.get("error_description")]
    details = body.get("details")
    if isinstance(details, str):
        said.append(details)
    for one in details if isinstance(details, list) else ():
        if isinstance(one, dict):
            said += [one.get("description"), one.get("field")]
    return " ".join(dict.fromkeys(text.strip()[:200] for text in said if isinstance(text, str) and text.strip()))[:500]


def retry_after(answer: Answer) -> float | None:
    """The wait PayPal asks for; often it does not say."""
    text = answer.headers.get("retry-after", "").strip()
    return min(float(text), MAX_WAIT_S) if text.isdecimal() and len(text) < 9 else None
