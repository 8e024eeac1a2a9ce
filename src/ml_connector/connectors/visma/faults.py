"""What a refusal of this API means to us: one table from status and method to our errors, and the words kept verbatim.

Texts are for people and may come in the user's language: nothing here branches on them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ml_connector.connectors.http import Answer
from ml_connector.connectors.shapes import RateHeaders
from ml_connector.errors import (
    Conflict,
    ConnectorError,
    NeedsApproval,
    NotAuthorized,
    NotFound,
    RateLimited,
    Rejected,
    Transient,
    UnknownOutcome,
)

MAX_WORDS = 500
NO_LICENCE = "12027"  # ExceptionFaultCode of a company without a licence
WINDOW_S = 3600  # the policy's windows are hours
DEFAULT_PAUSE_S = 60.0  # after a 429 that does not say how long

SCOPE_PREFIX = "vismanet_erp_service_api:"
SCOPE_OF_METHOD = {
    method: SCOPE_PREFIX + right
    for method, right in (("GET", "read"), ("POST", "create"), ("PUT", "update"), ("DELETE", "delete"))
}

# OAuth errors that mean "nobody approved this application for the company"; which of them is sent is not documented.
_UNAPPROVED = frozenset({"invalid_grant", "unauthorized_client", "access_denied", "invalid_scope", "invalid_request"})

_READ = frozenset({"GET", "HEAD"})
_BY_STATUS: dict[int, type[ConnectorError]] = {
    400: Rejected,
    403: NotAuthorized,
    404: NotFound,
    409: Rejected,
    410: Rejected,
    412: Conflict,
    429: RateLimited,
}


def fault(
    answer: Answer, *, method: str, where: str, record: str | None = None,
    scopes: Mapping[str, str] = SCOPE_OF_METHOD,
) -> ConnectorError:  # fmt: skip
    """Our error for an answer that is no success. 401 is the client's own: it knows whether the token was fresh.

    `scopes`: which scope each method needs. Writes answered 408 or 5xx may have been carried out: unknown. 429 and
    every other 4xx surely were not.
    """
    status, said = answer.status, words(answer)
    record = record or where
    if status == 429:
        limited = f"Visma's rate limit is reached ({said or 'no reason given'})."
        return RateLimited(limited, record=record, retry_after_s=_pause(answer))
    if NO_LICENCE in fault_codes(answer):
        return NotAuthorized(f"The company has no licence for this API: {said}", record=record)
    if status >= 500 or status == 408:
        return _server_fault(answer, method=method, where=where, record=record)
    if status == 403:
        return forbidden(method, said=said, where=where, scopes=scopes)
    kind = _BY_STATUS.get(status, Rejected)
    return kind(f"Visma answered {status} to {where}: {said or 'no reason given'}.", record=record)


def _server_fault(answer: Answer, *, method: str, where: str, record: str) -> ConnectorError:
    sentence = f"Visma answered {answer.status} to {where}: {words(answer) or 'no reason given'}."
    if method in _READ:
        return Transient(sentence, record=record, retry_after_s=_pause(answer, default=None))
    if answer.status == 500 and method == "PUT" and "/v1/dimension/" in where:
        return Rejected(sentence, record=record)  # declared: this one call refuses with 500
    return UnknownOutcome(sentence, record=record)


def forbidden(method: str, *, said: str, where: str, scopes: Mapping[str, str] = SCOPE_OF_METHOD) -> NotAuthorized:
    """403 names no scope by itself: the one of the method is missing, for actions perhaps `update`."""
    scope = scopes.get(method, scopes["GET"])
    also = f" (or {SCOPE_PREFIX}update)" if "/action/" in where else ""
    return NotAuthorized(
        f"Visma refuses {where} with 403: {said or 'no reason given'}.",
        record=where,
        fix=f"The scope {scope}{also} is probably missing: approve it in Visma App Store, then `ml-connector ping`.",
    )


def refused_everywhere(said: str, *, ever_answered: bool) -> NotAuthorized:
    """401 with a token that was obtained a moment ago."""
    if ever_answered:
        return NotAuthorized(
            f"Visma no longer accepts our tokens (401: {said or 'no reason given'}).",
            fix="The approval was probably withdrawn: approve the application again in Visma App Store, "
            "then run `ml-connector ping`.",
        )
    return NotAuthorized(
        f"Visma issued a token and refuses every call with it (401: {said or 'no reason given'}).",
        fix="The tenant id is most likely the customer's, not the company's: take it from Visma Admin, Company, Edit, "
        "Configuration, Tenant id. Otherwise approve the application for this company in Visma App Store.",
    )


def token_fault(answer: Answer) -> ConnectorError:
    """What the token endpoint's refusal means; nothing was written, so an outage is simply tried again."""
    said = words(answer)
    error = _text(_lower(_json(answer)).get("error"))
    if answer.status == 429:
        return RateLimited("Visma Connect limits token requests.", record="token", retry_after_s=_pause(answer))
    if answer.status >= 500 or answer.status == 408:
        return Transient(f"Visma Connect answered {answer.status}: {said}.", record="token")
    if error == "invalid_client":
        return NotAuthorized(
            "Visma Connect does not know this client id and secret (invalid_client).",
            record="token",
            fix="Give the newest secret with `ml-connector connect renew CODE`; the client id begins with isv_.",
        )
    if error in _UNAPPROVED:
        return NeedsApproval(
            f"Visma Connect gives no token for this company ({error}{': ' + said if said and said != error else ''}).",
            record="token",
        )
    return NotAuthorized(f"Visma Connect answered {answer.status}: {said or 'no reason given'}.", record="token")


def words(answer: Answer) -> str:
    """What the answer says, verbatim, in any of the shapes this API uses; at most 500 characters."""
    content = _json(answer)
    said = "; ".join(_sentences(content)) if content is not None else ""
    if not said and content is None:
        said = answer.body[: 8 * MAX_WORDS].decode("utf-8", "replace")
    if said.lstrip().startswith("<"):
        said = re.sub(r"<[^>]*>", " ", re.sub(r"(?is)<(script|style)\b.*?</\1>", " ", said))
    said = " ".join(said.split()).rstrip(".")
    return said if len(said) <= MAX_WORDS else said[: MAX_WORDS - 1] + "…"


def fault_codes(answer: Answer) -> frozenset[str]:
    """The vendor's exception code, where the body has one."""
    code = _text(_lower(_json(answer)).get("exceptionfaultcode"))
    return frozenset({code} if code else ())


def rate_of(answer: Answer) -> RateHeaders | None:
    """The budget as this answer tells it; None when it tells nothing (the token endpoint does not)."""
    headers = answer.headers
    limit, remaining = _whole(headers.get("x-ratelimit-limit")), _whole(headers.get("x-ratelimit-remaining"))
    if limit is None or remaining is None:
        return None
    reset = _whole(headers.get("x-ratelimit-reset"))
    return RateHeaders(limit, remaining, WINDOW_S if reset is None else reset, headers.get("x-ratelimit-policy", ""))


def _sentences(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
        return
    body = _lower(content)
    for name in (
        "message",
        "exceptionmessage",
        "exceptiondetails",
        "error_description",
        "errorinfo",
        "title",
        "detail",
        "error",
    ):
        said = body.get(name)
        if isinstance(said, str) and said.strip():
            yield said.strip()
        elif isinstance(said, Mapping):
            yield from _sentences(said)
    state = body.get("modelstate") or body.get("errors")
    if isinstance(state, Mapping):
        for field, said in state.items():
            texts = said if isinstance(said, list) else [said]
            yield f"{field}: {' '.join(str(text) for text in texts)}"


def _json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _lower(content: Any) -> dict[str, Any]:
    return {str(name).lower(): value for name, value in content.items()} if isinstance(content, Mapping) else {}


def _text(value: Any) -> str:
    return str(value).strip() if value is not None else ""


def _whole(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdecimal() else None


def _pause(answer: Answer, default: float | None = DEFAULT_PAUSE_S) -> float | None:
    for name in ("retry-after", "x-ratelimit-reset"):
        seconds = _whole(answer.headers.get(name))
        if seconds is not None:
            return float(seconds)
    return default
