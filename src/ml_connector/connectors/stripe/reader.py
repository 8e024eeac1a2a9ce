"""Reading one Stripe account: pages of streams, records by id, records that point to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.shapes import Absent, Page, SourceObject
from ml_connector.connectors.stripe import sweeps
from ml_connector.connectors.stripe.auth import access_of
from ml_connector.connectors.stripe.client import Row, StripeClient
from ml_connector.connectors.stripe.fields import id_in
from ml_connector.connectors.stripe.forms import Form
from ml_connector.connectors.stripe.objects import EXPAND, PATHS, expand_of, source_object
from ml_connector.connectors.stripe.pacing import pacer_of
from ml_connector.connectors.stripe.payments import ROWS
from ml_connector.connectors.stripe.payouts import ENTRIES, MOST_ENTRIES
from ml_connector.errors import UsageError

UNKNOWN = "Stripe has no such record in this account and mode."
LEAD = timedelta(days=120)  # an invoice is paid so long after it was made
ROW_KEPT = ("id", "invoice")
KEPT = ("id", "amount", "fee", "net", "currency", "reporting_category", "type", "status", "source", "created")
"""What is kept of each line of a payout: the whole line is a record of its own."""

# How records that point to another are listed: (kind, link) -> the filter of the list.
LINKS: Mapping[tuple[str, str], str] = {
    ("charge", "intent"): "payment_intent",
    ("refund", "charge"): "charge",
    ("dispute", "charge"): "charge",
    ("invoice_payment", "invoice"): "invoice",
    ("balance_transaction", "source"): "source",
}


def open_client(
    http: Http, credentials: Mapping[str, Any], settings: Mapping[str, str], *, clock: Ticking
) -> StripeClient:
    """The calls of one account. Raises ConfigurationError when the key is none."""
    access = access_of(credentials)
    return StripeClient(http, access, pacer=pacer_of(settings, clock, live=access.live))


def open_reader(
    http: Http, credentials: Mapping[str, Any], settings: Mapping[str, str], *, tokens: Any, clock: Ticking
) -> StripeReader:
    """The reader of one account. Costs no call. Setting: requests_per_second (15 live, 5 in a sandbox)."""
    del tokens  # a key needs no token
    return StripeReader(open_client(http, credentials, settings, clock=clock))


class StripeReader:
    """The Reader of Stripe."""

    def __init__(self, client: StripeClient) -> None:
        self.client = client

    def page(self, stream: str, position: str | None, *, now: datetime, backfill_from: datetime | None = None) -> Page:
        """The next page of a stream: at most 500 rows."""
        return sweeps.next_page(self.client, stream, position, now=now, start=backfill_from)

    def fetch(
        self, kind: str, external_ids: Sequence[str], *, since: datetime | None = None
    ) -> list[SourceObject | Absent]:
        """The present state of these records, one call each.

        A charge costs another one, and so does each hundred of a payout's lines.
        """
        del since
        known: dict[str, SourceObject | Absent] = {}
        for id_ in dict.fromkeys(external_ids):
            known[id_] = self._one(kind, id_)
        return [known[id_] for id_ in external_ids]

    def find(self, kind: str, link: tuple[str, str], *, location: str | None) -> list[SourceObject]:
        """Records that point to another, by what they point to.

        Payments of invoices by ("intent", pi) or ("invoice", in), charges by ("intent", pi), refunds and disputes by
        ("charge", ch), movements by ("source", id).
        """
        del location
        by, id_ = link
        params: Form
        if kind == "invoice_payment" and by == "intent":
            params = {"payment": {"type": "payment_intent", "payment_intent": id_}}
        elif (kind, by) in LINKS:
            params = {LINKS[kind, by]: id_}
        else:
            raise UsageError(f"Stripe cannot find a {kind} by {by}.")
        return self._listed(kind, params)

    def walk(self, kind: str, *, location: str | None, since: datetime) -> list[SourceObject]:
        """Every record of a kind made from `since` on; payments of invoices are made long before they are paid."""
        del location
        begin = since.astimezone(UTC) - (LEAD if kind == "invoice_payment" else timedelta(0))
        return self._listed(kind, {"created": {"gte": int(begin.timestamp())}})

    def _listed(self, kind: str, params: Form) -> list[SourceObject]:
        asked = {**params, "expand": expand_of(kind)}
        rows = list(self.client.every(_path(kind), asked))
        return [source_object(kind, self._completed(kind, row)) for row in rows]

    def _one(self, kind: str, id_: str) -> SourceObject | Absent:
        found = self.client.one(_path(kind), id_, expand=EXPAND.get(kind, ()))
        if found is None:
            return Absent(kind, id_, UNKNOWN)
        return source_object(kind, self._completed(kind, found))

    def _completed(self, kind: str, row: Row) -> Row:
        """A record with what belongs to it and no field of its own tells."""
        return self._with_content(row) if kind == "payout" else self._with_rows(row) if kind == "charge" else row

    def _with_rows(self, charge: Row) -> Row:
        """A charge with the payments of invoices behind its payment intent: it names no invoice itself."""
        intent = id_in(charge.get("payment_intent"))
        if intent is None:
            return charge
        params = {"payment": {"type": "payment_intent", "payment_intent": intent}}
        rows = self.client.every(PATHS["invoice_payment"], params)
        return {**charge, ROWS: [{name: row.get(name) for name in ROW_KEPT} for row in rows]}

    def _with_content(self, payout: Row) -> Row:
        """A payout with its lines beside it, where Stripe lists them: automatic ones, once they are reconciled."""
        if payout.get("automatic") is not True or payout.get("reconciliation_status") != "completed":
            return payout
        lines: list[Row] = []
        for row in self.client.every(PATHS["balance_transaction"], {"payout": str(payout.get("id"))}):
            lines.append({name: row[name] for name in KEPT if name in row})
            if len(lines) > MOST_ENTRIES:
                return payout
        return {**payout, ENTRIES: lines}


def _path(kind: str) -> str:
    found = PATHS.get(kind)
    if found is None:
        raise UsageError(f"Stripe has no records of kind {kind!r}.")
    return found
