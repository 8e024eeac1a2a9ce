"""PayPal's calls in PayPal's words: token on each, one new token after a 401, paced, errors told in ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from ml_connector.connectors.http import Answer, Http
from ml_connector.connectors.paypal import auth
from ml_connector.connectors.paypal.faults import judged
from ml_connector.connectors.paypal.fields import moment_of
from ml_connector.connectors.paypal.pacing import Pacer
from ml_connector.connectors.tokens import AccessToken, Now, Tokens
from ml_connector.errors import NotFound, Transient, UnknownOutcome

Row = dict[str, Any]

REPORT = "/v1/reporting/transactions"
BALANCES = "/v1/reporting/balances"
INVOICES = "/v2/invoicing/invoices"
SEARCH = "/v2/invoicing/search-invoices"
DISPUTES = "/v1/customer/disputes"
WEBHOOKS = "/v1/notifications/webhooks"
EVENT_TYPES = "/v1/notifications/webhooks-event-types"
VERIFY = "/v1/notifications/verify-webhook-signature"

REPORT_PAGE = 500  # the most; pages count from 1
INVOICE_PAGE = 100
DISPUTE_PAGE = 50
REPORT_FIELDS = "transaction_info,payer_info,cart_info"  # always the same: a row must not change by how it was asked


@dataclass(frozen=True, slots=True)
class ReportPage:
    """One page of the report. `refreshed`: everything up to then is there; None where the answer does not say."""

    rows: list[Row]
    total_items: int | None
    total_pages: int
    refreshed: datetime | None
    account: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list of invoices."""

    rows: list[Row]
    total_pages: int


class PayPalClient:
    """One app's PayPal. Thread-safe. Retries nothing, save that a refused token is replaced once."""

    def __init__(self, http: Http, app: auth.App, *, tokens: Tokens, clock: Now, pacer: Pacer) -> None:
        self.http = http
        self.app = app
        self._tokens = tokens
        self._clock = clock
        self._pacer = pacer

    def token(self) -> AccessToken:
        """The token that serves now, obtained when there is none."""
        held: AccessToken = self._tokens.get(self.app.key, lambda: auth.obtain(self.http, self.app, clock=self._clock))
        return held

    def call(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        params: Mapping[str, str] | None = None,
        content: Any = None,
        body: bytes | None = None,
        safe: bool = False,
        optional: bool = False,
    ) -> Row:
        """One call that succeeded, as its JSON object. Raises what `faults.judged` raises.

        A 401 did nothing: it is sent once more with a new token. `safe`: a POST that only asks, so that a lost answer
        is Transient.
        """
        report = path.startswith("/v1/reporting/")
        token = self.token()
        answer = self._send(method, path, token=token, report=report, operation=operation, params=params,
                            content=content, body=body, safe=safe)  # fmt: skip
        if answer.status == 401:
            self._tokens.forget(self.app.key, token)
            answer = self._send(method, path, token=self.token(), report=report, operation=operation, params=params,
                                content=content, body=body, safe=safe)  # fmt: skip
        return judged(answer, f"{method} {path}", method=method, safe=safe, optional=optional)

    def _send(
        self,
        method: str,
        path: str,
        *,
        token: AccessToken,
        report: bool,
        safe: bool,
        body: bytes | None,
        **what: Any,
    ) -> Answer:
        headers = {"Authorization": f"Bearer {token.reveal()}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            with self._pacer.turn(report=report):
                return self.http.send(method, path, headers=headers, body=body, **what)
        except UnknownOutcome as lost:
            if not safe:
                raise
            raise Transient(lost.what, record=lost.record) from None

    def one(self, path: str, id_: str) -> Row | None:
        """GET one object; None when PayPal has none of that id. Raises NotPermitted for one that is another app's."""
        try:
            found = self.call("GET", f"{path}/{quote(id_, safe='')}", operation=f"GET {path}/{{id}}", optional=True)
        except NotFound:
            return None
        if not found:
            raise Transient(f"PayPal's answer to GET {path} is empty.", record=id_)
        return found

    # ------------------------------------------------------------------------------------------ reports

    def report(self, begin: datetime, end: datetime, *, page: int, transaction_id: str = "") -> ReportPage:
        """One page of the rows that moved the balance in a window of at most 31 days.

        Raises TooManyRows, NotServedYet. Without `transaction_id` no filter is sent: any would empty the balances.
        """
        params = {
            "start_date": wire(begin),
            "end_date": wire(end),
            "fields": REPORT_FIELDS,
            "page_size": str(REPORT_PAGE),
            "page": str(page),
        }
        if transaction_id:
            params["transaction_id"] = transaction_id
        body = self.call("GET", REPORT, operation=f"GET {REPORT}", params=params)
        total = body.get("total_items")
        return ReportPage(
            rows=rows_of(body, "transaction_details"),
            total_items=total if type(total) is int else None,
            total_pages=_whole(body.get("total_pages")),
            refreshed=_moment(body.get("last_refreshed_datetime")),
            account=str(body.get("account_number") or ""),
        )

    def balances(self, as_of: datetime | None = None) -> Row:
        """What the account holds in each currency, now or at a time; lags like the report."""
        params = {"as_of_time": wire(as_of)} if as_of is not None else None
        return self.call("GET", BALANCES, operation=f"GET {BALANCES}", params=params)

    # ------------------------------------------------------------------------------------------ invoices

    def invoices(self, page: int) -> ListPage:
        """One page of all invoices, drafts too. There is no filter."""
        params = {"page": str(page), "page_size": str(INVOICE_PAGE), "total_required": "true"}
        return _listed(self.call("GET", INVOICES, operation=f"GET {INVOICES}", params=params, optional=True))

    def search_invoices(self, query: Mapping[str, Any], *, page: int) -> ListPage:
        """One page of the invoices that fit. At most five statuses in one query."""
        params = {"page": str(page), "page_size": str(INVOICE_PAGE), "total_required": "true"}
        content = {**query, "fields": ["items", "payments", "refunds"]}
        return _listed(
            self.call(
                "POST", SEARCH, operation=f"POST {SEARCH}", params=params, content=content, safe=True, optional=True
            )
        )

    # ------------------------------------------------------------------------------------------ disputes

    def disputes(
        self, *, updated_since: datetime | None = None, transaction_id: str = "", after: Mapping[str, str] | None = None
    ) -> tuple[list[Row], Mapping[str, str] | None]:
        """One page of summaries, newest first, and what to ask for the next.

        That is the parameters of `rel=next`, on our own host.
        """
        params: dict[str, str] = {"page_size": str(DISPUTE_PAGE)}
        if updated_since is not None:
            params["update_time_after"] = wire(updated_since)
        if transaction_id:
            params["disputed_transaction_id"] = transaction_id
        asked = {**params, **(after or {})}
        body = self.call("GET", DISPUTES, operation=f"GET {DISPUTES}", params=asked, optional=True)
        return rows_of(body, "items"), _next(body)

    # ------------------------------------------------------------------------------------------ webhooks

    def webhooks(self) -> list[Row]:
        """The app's webhooks."""
        return rows_of(self.call("GET", WEBHOOKS, operation=f"GET {WEBHOOKS}", optional=True), "webhooks")

    def event_types(self) -> frozenset[str]:
        """The names of the events that PayPal offers now."""
        rows = rows_of(self.call("GET", EVENT_TYPES, operation=f"GET {EVENT_TYPES}", optional=True), "event_types")
        return frozenset(str(row.get("name")) for row in rows)

    def verify_signature(self, fields: Mapping[str, str], event: bytes) -> bool:
        """Ask PayPal whether it signed this delivery. `event` goes out as it came: written anew it fails."""
        head = json.dumps(dict(fields), separators=(",", ":")).encode()
        body = head[:-1] + b',"webhook_event":' + event + b"}"
        found = self.call("POST", VERIFY, operation=f"POST {VERIFY}", body=body, safe=True)
        return found.get("verification_status") == "SUCCESS"


def wire(moment: datetime) -> str:
    """A moment as PayPal takes it: seconds and a zone."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def rows_of(body: Mapping[str, Any], key: str) -> list[Row]:
    """The rows under a key; none when the key is missing, as some empty lists are left out."""
    found = body.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Transient(f"PayPal's answer holds no list of objects under {key}.")
    return found


def _listed(body: Row) -> ListPage:
    return ListPage(rows_of(body, "items"), _whole(body.get("total_pages")))


def _next(body: Row) -> Mapping[str, str] | None:
    """The query of the next page's link: its host and path are not followed."""
    links = body.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") == "next" and isinstance(link.get("href"), str):
            return dict(parse_qsl(urlsplit(link["href"]).query))
    return None


def _whole(value: object) -> int:
    return value if type(value) is int and value >= 0 else 0


def _moment(value: object) -> datetime | None:
    return moment_of(value) if type(value) is str else None
