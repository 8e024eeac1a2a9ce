"""Stripe's status and code -> our error, as one table. The status decides first: codes are often missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ml_connector.connectors.http import Answer
from ml_connector.errors import (
    ConnectorError,
    NotAuthorized,
    NotFound,
    RateLimited,
    Rejected,
    Transient,
    UnknownOutcome,
)

# What surely was not carried out. 409: the same request is still under way (its own outcome decides, the same key asks
# for it again); 424: Stripe could not reach a partner.
STATUSES: Mapping[int, type[ConnectorError]] = {
    400: Rejected,
    401: NotAuthorized,
    402: Rejected,
    403: NotAuthorized,
    404: NotFound,
    409: Transient,
    424: Transient,
    429: RateLimited,
}
CODES: Mapping[str, type[ConnectorError]] = {
    "rate_limit": RateLimited,
    "lock_timeout": Transient,
    "idempotency_key_in_use": Transient,
    "api_key_expired": NotAuthorized,
    "payout_reconciliation_not_ready": Transient,
}
FIXES: Mapping[str, str] = {
    "api_key_expired": "Enter a new restricted key, then run `ml-connector ping`.",
    "account_invalid": "Correct the connected account, or enter a key that may act for it.",
    "idempotency_error": "The same key was sent with another body: report this; nothing was done.",
    "invoice_not_editable": "The invoice is finalized: void it in Stripe, or credit it in the ledger.",
    "customer_tax_location_invalid": "Complete the customer's address in the ledger, then plan again.",
    "amount_too_small": "The amount is below what Stripe charges: collect it another way and ignore it here.",
    "parameter_unknown": "Stripe does not know a field that we send: report this with the message.",
}
READS = frozenset({"GET", "HEAD"})
KEPT = "the first time under this key, and repeats it"
MAX_WAIT_S = 3600.0
MAX_WORDS = 300
_PERMISSION = re.compile(r"\brak_[a-z0-9_]{1,60}\b")


def judged(answer: Answer, where: str, *, method: str) -> dict[str, Any]:
    """The JSON object of a good answer; otherwise the error it means is raised.

    A write that ends in 5xx or 408 may have been carried out. A DELETE repeated finds nothing and does no harm.
    """
    body = body_of(answer)
    if answer.ok and body is not None:
        return body
    if answer.ok:
        lost = Transient if method in READS else UnknownOutcome
        raise lost(f"Stripe's answer to {where} is no JSON object.", record=where)
    raise fault(answer, where, method=method)


def fault(answer: Answer, where: str, *, method: str) -> ConnectorError:
    """Our error for a refusal."""
    said = _mapping((body_of(answer) or {}).get("error"))
    code = _text(said.get("code")) or (_text(said.get("type")) if said.get("type") == "idempotency_error" else "")
    kind = (CODES.get(code) if answer.status < 500 else None) or STATUSES.get(answer.status)
    if kind is None and (answer.status >= 500 or answer.status == 408):
        kind = Transient if method in READS else UnknownOutcome
    if kind is None:
        kind = Rejected if 400 <= answer.status < 500 else Transient
    what = _sentence(answer, said, where, code)
    if kind is UnknownOutcome and is_repeated(answer):
        what = f"{what} It did so {KEPT}."
    if issubclass(kind, Transient):
        return kind(what, record=where, retry_after_s=retry_after(answer))
    fix = FIXES.get(code)
    if answer.status == 403 and fix is None:
        missing = missing_permission(said)
        fix = f"Grant {missing or 'the permission'} to the restricted key in Stripe, then run `ml-connector ping`."
    return kind(what, record=where, fix=fix)


def is_repeated(answer: Answer) -> bool:
    """Whether Stripe repeats what it answered before under the same idempotency key."""
    return answer.headers.get("idempotent-replayed", "").lower() == "true"


def is_code(error: ConnectorError, code: str) -> bool:
    """Whether an error of this table carries Stripe's code."""
    return f" {code} " in f" {error.what.replace(':', ' ').replace('.', ' ')} "


def is_kept(error: ConnectorError) -> bool:
    """Whether a write failed because Stripe repeats a failure that it keeps under the idempotency key."""
    return KEPT in error.what


def missing_permission(said: Mapping[str, Any]) -> str:
    """The permission that a 403 names in its message; the only text that is read."""
    found = _PERMISSION.search(_text(said.get("message")))
    return found[0] if found else ""


def refused_permission(answer: Answer) -> str:
    """The permission that an answer says is missing; empty where it names none."""
    return missing_permission(_mapping((body_of(answer) or {}).get("error")))


def body_of(answer: Answer) -> dict[str, Any] | None:
    """The body as a JSON object, None when it is none."""
    try:
        read = answer.json()
    except (ValueError, RecursionError, ArithmeticError):
        return None
    return read if isinstance(read, dict) else None


def retry_after(answer: Answer) -> float | None:
    """The wait Stripe asks for; it promises none."""
    text = answer.headers.get("retry-after", "").strip()
    return min(float(text), MAX_WAIT_S) if text.isascii() and text.isdecimal() and len(text) < 9 else None


def _sentence(answer: Answer, said: Mapping[str, Any], where: str, code: str) -> str:
    parts = [f"Stripe answered {where} with {answer.status}"]
    if code:
        parts.append(f": {code}")
    message, param = _text(said.get("message"))[:MAX_WORDS].strip(), _text(said.get("param"))[:80]
    if message:
        parts.append(f". {message.rstrip('.')}")
    if param:
        parts.append(f" (field {param})")
    request = _text(answer.headers.get("request-id"))[:60]
    parts.append(f" (request {request})." if request else ".")
    return "".join(parts)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
