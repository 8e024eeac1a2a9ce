"""Reading one PayPal account: pages of streams, records by id, records that point to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.paypal import auth, lists, positions, report
from ml_connector.connectors.paypal.client import DISPUTES, INVOICES, PayPalClient
from ml_connector.connectors.paypal.faults import NotPermitted
from ml_connector.connectors.paypal.objects import balances_of, id_of, source_object
from ml_connector.connectors.paypal.pacing import Pacer
from ml_connector.connectors.shapes import Absent, Balances, Page, SourceObject
from ml_connector.connectors.tokens import Tokens
from ml_connector.errors import Rejected, UsageError

PATHS: Mapping[str, str] = {
    "capture": "/v2/payments/captures",
    "refund": "/v2/payments/refunds",
    "invoice": INVOICES,
    "dispute": DISPUTES,
}
UNKNOWN = "PayPal has no such record."
NOT_OURS = "PayPal does not show it to this app: it was taken by another one. Its report row stands for it."
LONGEST_NUMBER = 25  # characters of an invoice number that the search takes; an invoice's may have 127


def open_reader(
    http: Http, credentials: Mapping[str, Any], settings: Mapping[str, str], *, tokens: Tokens, clock: Ticking
) -> PayPalReader:
    """The reader of one account. Costs no call. Setting: requests_per_second (5)."""
    return PayPalReader(open_client(http, credentials, settings, tokens=tokens, clock=clock), clock=clock)


def open_client(
    http: Http, credentials: Mapping[str, Any], settings: Mapping[str, str], *, tokens: Tokens, clock: Ticking
) -> PayPalClient:
    """The calls of one app. Raises ConfigurationError when a credential is missing."""
    app = auth.app_of(credentials, http.reach.base_url)
    return PayPalClient(http, app, tokens=tokens, clock=clock, pacer=Pacer.of(settings, clock))


class PayPalReader:
    """The Reader of PayPal."""

    def __init__(self, client: PayPalClient, *, clock: Ticking) -> None:
        self.client = client
        self._clock = clock

    def reached(self, stream: str, position: str) -> datetime | None:
        """How far the report was read: to the beginning of the window under way."""
        at = positions.load(position)
        return (at.begin or at.mark) if stream == "transactions" else None

    def balances(self, at: datetime) -> Balances:
        """What was available in each currency. Costs one call; lags like the report."""
        return balances_of(self.client.balances(at), asked=at)

    def page(self, stream: str, position: str | None, *, now: datetime, backfill_from: datetime | None = None) -> Page:
        """The next page of a stream: at most some 2,500 report rows, or 100 names of invoices or disputes."""
        if stream == "transactions":
            return report.next_page(self.client, position, now=now, start=backfill_from)
        if stream == "invoices":
            return lists.recent_invoices(self.client, position, now=now)
        if stream == "invoice_list":
            return lists.all_invoices(self.client, position, now=now, start=backfill_from)
        if stream == "disputes":
            return lists.disputes(self.client, position, now=now, start=backfill_from)
        raise UsageError(f"PayPal has no stream {stream!r}.")

    def fetch(
        self, kind: str, external_ids: Sequence[str], *, since: datetime | None = None
    ) -> list[SourceObject | Absent]:
        """The present state of these records, one call each: PayPal reads nothing in batches.

        A transaction is looked for in windows of thirty days from now backwards, a call each.
        """
        del since
        known: dict[str, SourceObject | Absent] = {}
        for id_ in dict.fromkeys(external_ids):
            known[id_] = self._transaction(id_) if kind == "transaction" else self._one(kind, id_)
        return [known[id_] for id_ in external_ids]

    def find(self, kind: str, link: tuple[str, str], *, location: str | None) -> list[SourceObject]:
        """Invoices by ("number", n), disputes by ("capture", id), report rows by ("transaction", id)."""
        del location
        by, id_ = link
        if kind == "transaction" and by in {"transaction", "capture", "refund"}:
            return report.rows_of_transaction(self.client, id_, now=self._clock.now())
        if kind == "dispute" and by in {"transaction", "capture"}:
            return self._disputes_about(id_)
        if kind == "invoice" and by == "number":
            return self._invoices_numbered(id_)
        raise UsageError(f"PayPal cannot find a {kind} by {by}.")

    def walk(self, kind: str, *, location: str | None, since: datetime) -> list[SourceObject]:
        """Every report row from `since` on."""
        del location
        if kind != "transaction":
            raise UsageError(f"PayPal's {kind}s are not walked.")
        return report.rows_since(self.client, since, now=self._clock.now())

    def _one(self, kind: str, id_: str) -> SourceObject | Absent:
        path = PATHS.get(kind)
        if path is None:
            raise UsageError(f"PayPal has no records of kind {kind!r}.")
        try:
            found = self.client.one(path, id_)
        except NotPermitted:
            return Absent(kind, id_, NOT_OURS)
        return Absent(kind, id_, UNKNOWN) if found is None else source_object(kind, found)

    def _transaction(self, external_id: str) -> SourceObject | Absent:
        transaction_id = external_id.partition(":")[0]
        for one in report.rows_of_transaction(self.client, transaction_id, now=self._clock.now()):
            if one.external_id == external_id:
                return one
        return Absent("transaction", external_id, UNKNOWN)

    def _disputes_about(self, transaction_id: str) -> list[SourceObject]:
        try:
            rows, _ = self.client.disputes(transaction_id=transaction_id)
        except NotPermitted:
            return []
        return self._whole("dispute", [id_of("dispute", row) for row in rows])

    def _invoices_numbered(self, number: str) -> list[SourceObject]:
        if len(number) > LONGEST_NUMBER:
            raise Rejected(
                f"PayPal searches invoice numbers of up to {LONGEST_NUMBER} characters.",
                record=number,
                fix="Name the invoice by its id (INV2-...).",
            )
        try:
            rows = self.client.search_invoices({"invoice_number": number}, page=1).rows
        except NotPermitted:
            return []
        same = [row for row in rows if (row.get("detail") or {}).get("invoice_number") == number]
        return self._whole("invoice", [id_of("invoice", row) for row in same])

    def _whole(self, kind: str, ids: Sequence[str]) -> list[SourceObject]:
        return [one for one in self.fetch(kind, ids) if isinstance(one, SourceObject)]
