"""Who calls: keys by bearer or basic, their mode and grants, the version header, limits."""

from __future__ import annotations

import base64
import binascii

from ml_connector_sandbox.core.instants import SECOND
from ml_connector_sandbox.core.wire import Request
from ml_connector_sandbox.stripe.refusals import Headers, Refused, bad
from ml_connector_sandbox.stripe.state import API_VERSION, ApiKey, World


def key_of(world: World, request: Request) -> ApiKey:
    """The key a request carries. 401 when there is none, or none of ours, or an expired one."""
    secret = _secret(request.headers.get("authorization", ""))
    if not secret:
        text = (
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
        raise _unbegun(Refused(401, text))
    key = world.keys.get(secret)
    shown = f"{secret[:8]}{'*' * 8}{secret[-4:]}"
    if key is None:
        raise _unbegun(Refused(401, f"Invalid API Key provided: {shown}"))
    if key.expired:
        raise _unbegun(Refused(401, f"Expired API Key provided: {shown}", code="api_key_expired"))
    return key


def _secret(header: str) -> str:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest.strip(), validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def check_headers(request: Request, key: ApiKey) -> None:
    """The pinned version, form bodies, and no foreign account. 400 or 403 otherwise."""
    version = request.headers.get("stripe-version")
    if version != API_VERSION:
        text = (
            f"Invalid Stripe API version: {version}. Send Stripe-Version: {API_VERSION}; this sandbox knows no other "
            "one, and no account default."
        )
        raise _unbegun(bad(text))
    for name in ("stripe-account", "stripe-context"):
        if request.headers.get(name, key.account_id) != key.account_id:
            text = f"The provided key does not have access to account '{request.headers[name]}'"
            raise _unbegun(Refused(403, text, code="account_invalid"))
    form = "application/x-www-form-urlencoded"
    if request.body and not request.headers.get("content-type", "").startswith(form):
        raise _unbegun(bad(f"Invalid request: v1 takes {form} only."))


def permit(key: ApiKey, resource: str, *, write: bool) -> None:
    """403 when a restricted key lacks the permission; writing includes reading."""
    if key.grants is None or key.grants.get(resource) == "write":
        return
    if not write and key.grants.get(resource) == "read":
        return
    wanted = f"rak_{resource}_{'write' if write else 'read'}"
    text = (
        f"The provided key '{key.secret[:8]}{'*' * 8}{key.secret[-4:]}' does not have the required permissions for "
        f"this endpoint on account '{key.account_id}'. Having the '{wanted}' permission would allow this request to "
        "continue."
    )
    raise _unbegun(Refused(403, text))


def limit(world: World, key: ApiKey, now: int) -> None:
    """429 above so many calls in a second; no Retry-After, as the vendor promises none."""
    most = world.knobs.calls_per_s
    if not most:
        return
    key.calls = [moment for moment in key.calls if moment > now - SECOND]
    if len(key.calls) >= most:
        raise too_many(world.knobs.should_retry)
    key.calls.append(now)


def too_many(should_retry: str, code: str = "rate_limit", retry_after: str = "") -> Refused:
    """The 429 of the rate limiter, or of an object lock."""
    text = "This object cannot be accessed right now because another API request or Stripe process is currently"
    text = f"{text} accessing it." if code == "lock_timeout" else "Request rate limit exceeded."
    headers: Headers = (("Stripe-Should-Retry", should_retry),) if should_retry else ()
    headers += (("Retry-After", retry_after),) if retry_after else ()
    headers += (("Stripe-Rate-Limited-Reason", "global-rate"),) if code == "rate_limit" else ()
    return _unbegun(Refused(429, text, code=code, headers=headers))


def _unbegun(refused: Refused) -> Refused:
    refused.begun = False
    return refused
