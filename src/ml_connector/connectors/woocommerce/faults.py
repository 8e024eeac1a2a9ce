"""WooCommerce's status, error code and kind of body -> our error, as one table.

Messages are translated and may hold markup: only status and code decide. A refusal of the business may come as 500.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml_connector.connectors.http import Answer
from ml_connector.errors import ConnectorError, NotAuthorized, NotFound, RateLimited, Rejected, Transient

CODES: Mapping[str, type[ConnectorError]] = {
    "woocommerce_rest_authentication_error": NotAuthorized,
    "woocommerce_rest_authentication_missing_parameter": NotAuthorized,
    "woocommerce_rest_shop_order_invalid_id": NotFound,
    "woocommerce_rest_invalid_order_id": NotFound,
    "woocommerce_rest_invalid_order_refund_id": NotFound,
    "woocommerce_rest_shop_webhook_invalid_id": NotFound,
    "woocommerce_rest_invalid_id": NotFound,
    "wc_user_invalid_id": NotFound,
    "rest_no_route": Rejected,
}
STATUSES: Mapping[int, type[ConnectorError]] = {
    401: NotAuthorized,
    403: NotAuthorized,
    404: NotFound,
    408: Transient,
    410: NotFound,
    425: Transient,
    429: RateLimited,
}
FIXES: Mapping[str, str] = {
    "rest_no_route": "Check the address of the shop, that WooCommerce is active there, and its version (5.8 or newer).",
    "woocommerce_rest_authentication_error": (
        "Check the consumer secret, and where the shop is without https this machine's clock (a quarter of an hour "
        "off is refused); for webhooks the key must be Read/Write."
    ),
    "woocommerce_rest_cannot_view": (
        "Check the consumer key; that its user is an administrator or shop manager; that the web server passes the "
        "Authorization header on (else set authentication = query); and that WordPress knows it is reached by https."
    ),
}
PERMALINKS = (
    "If the shop's permalinks are Plain, choose any other kind under Settings, Permalinks; else check its address."
)
BLOCKED = "Ask the shop's host to let this server's address and the agent ml-connector through its firewall."
REFUSING = ("woocommerce_rest_", "rest_")
DEFAULT_WAIT_S = 60.0
BLOCKED_WAIT_S = 900.0
MAX_WAIT_S = 3600.0


def judged(answer: Answer, where: str) -> Any:
    """The JSON of a good answer; otherwise the error it means is raised.

    A 200 that is no JSON (a login page, PHP notices, maintenance) is Transient: no part of it is used.
    """
    body = _json(answer)
    if answer.ok:
        if body is None:
            raise Transient(
                f"The shop answered {where} with something that is no JSON ({_type(answer)}).",
                record=where,
                fix="If it lasts: open the address in a browser; look for a login page, maintenance or PHP notices.",
                retry_after_s=_retry_after(answer) or DEFAULT_WAIT_S,
            )
        return body
    raise _error(answer, body, where)


def code_of(answer: Answer) -> str:
    """The error code of an answer; empty when it has none."""
    body = _json(answer)
    code = body.get("code") if isinstance(body, dict) else None
    return code if type(code) is str else ""


def is_json(answer: Answer) -> bool:
    """Whether the REST interface answered at all, if only with an error of its own."""
    return _json(answer) is not None


def _error(answer: Answer, body: Any, where: str) -> ConnectorError:
    status, code = answer.status, code_of(answer)
    said = f"The shop answered {where} with {status}{f': {code[:100]}' if code else ''}."
    if body is None and 300 <= status < 400:
        # following it would turn a POST into a GET, and carry the key to another host
        return Rejected(said, record=where, fix="Enter the shop's final address, with or without www, with https.")
    if body is None and status == 403:
        return Transient(
            f"{said} It is no JSON: blocked by its host.", record=where, fix=BLOCKED, retry_after_s=BLOCKED_WAIT_S
        )
    if body is None and status in {401, 404}:
        return Rejected(f"{said} It is no JSON.", record=where, fix=PERMALINKS)
    kind = CODES.get(code) or STATUSES.get(status)
    if kind is None and 400 <= status < 500:
        kind = Rejected
    if kind is None:  # 5xx: a code of theirs is a considered refusal, anything else an outage
        kind = Rejected if code.startswith(REFUSING) else Transient
    if kind is RateLimited:
        return RateLimited(said, record=where, retry_after_s=_retry_after(answer) or DEFAULT_WAIT_S)
    if issubclass(kind, Transient):
        return kind(said, record=where, retry_after_s=_retry_after(answer))
    return kind(
        said,
        record=where,
        fix=FIXES.get(code) or (FIXES["woocommerce_rest_cannot_view"] if "_cannot_" in code else None),
    )


def _retry_after(answer: Answer) -> float | None:
    text = answer.headers.get("retry-after", "").strip()
    return min(float(text), MAX_WAIT_S) if text.isascii() and text.isdecimal() and len(text) < 9 else None


def _type(answer: Answer) -> str:
    return answer.headers.get("content-type", "no type").partition(";")[0].strip()[:60]


def _json(answer: Answer) -> Any:
    """The whole body as object or list; None for anything else, also JSON behind notices."""
    try:
        read = answer.json()
    except (ValueError, RecursionError, ArithmeticError):
        return None
    return read if isinstance(read, dict | list) else None
