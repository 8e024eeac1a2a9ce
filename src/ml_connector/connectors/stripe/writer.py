"""Writes to Stripe: customers, invoices of the ledger that it collects, their credits, and payments made elsewhere.

Every POST carries an idempotency key made from the submission's token and the step, and a body that is the same each
time. An invoice is a draft until it is released; nothing is mailed, and no money is moved from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.shapes import Context, Created, Observed
from ml_connector.connectors.stripe import bodies, comparing, customers, finding, seen
from ml_connector.connectors.stripe.client import Row, StripeClient, item
from ml_connector.connectors.stripe.faults import is_code, is_kept
from ml_connector.connectors.stripe.finding import Asked
from ml_connector.connectors.stripe.making import Sending, make
from ml_connector.connectors.stripe.paths import INVOICES
from ml_connector.connectors.stripe.reader import open_client
from ml_connector.connectors.stripe.shown import Shown
from ml_connector.errors import NotFound, Rejected, UnknownOutcome, UsageError
from ml_connector.finance.chart import Chart
from ml_connector.finance.plan import Found

KEPT_FOR = timedelta(hours=20)  # Stripe keeps idempotency keys for a day at least
GENERATIONS = 4  # so many failures that Stripe keeps are passed by


def open_writer(
    http: Http, credentials: Mapping[str, Any], settings: Mapping[str, str], *, tokens: Any, clock: Ticking
) -> StripeWriter:
    """The writer of one account. Costs no call."""
    del tokens
    return StripeWriter(open_client(http, credentials, settings, clock=clock), clock=clock)


class StripeWriter:
    """The Writer of Stripe. Thread-safe; keeps for a while which customer has which tax id and what answers showed."""

    def __init__(self, client: StripeClient, *, clock: Ticking) -> None:
        self.client = client
        self._clock = clock
        self._tax_ids = customers.TaxIds(client, clock)
        self._shown = Shown(clock)

    # ------------------------------------------------------------------------------------------ writing

    def create(self, kind: str, content: Any, context: Context) -> Created:
        """Make it. A draft of an invoice takes two calls, and so may a customer, a credit or part of a payment.

        Stripe keeps a failure of its own for a day under the key it happened with. Such a one is passed by, once our
        token is found nowhere. After that day the keys themselves are forgotten: then our token is looked for first.
        """
        late = context.started_at is not None and self._clock.now() - context.started_at > KEPT_FOR
        stands = self._standing_already(kind, content, context) if late else None
        if stands is not None:
            return stands
        for generation in range(GENERATIONS):
            try:
                return make(kind, content, Sending(self.client, context, self._shown, generation, late))
            except UnknownOutcome as lost:
                if not is_kept(lost):
                    raise
                stands = self._standing_already(kind, content, context)
                if stands is not None:
                    return stands
                self._tidied(kind, content, context)
        raise UnknownOutcome(f"Stripe repeats failures of its own for this {kind}.", record=context.key)

    def release(self, kind: str, content: Any, context: Context) -> None:
        """Finalize a draft: amounts are frozen, the page to pay on is there. Everything else stands at once.

        Stripe repeats a refusal for a day under one key, so this key holds the hour. One that is finalized already is
        what was wanted. The answer is compared once more: somebody may have changed the draft after it was read.
        """
        if kind != "collection_invoice":
            return
        step = f"finalize|{self._clock.now():%Y-%m-%dT%H}"
        sending = Sending(self.client, context, self._shown)
        self._shown.forget(context.remote_id)
        try:
            row, fresh = sending.change(context.remote_id, "finalize", {"auto_advance": False}, step=step)
        except Rejected as refused:
            if not is_code(refused, "invoice_not_editable"):
                raise
            return
        off = comparing.differences(content, row, due=bodies.due_day(content, context)[0])
        if off and fresh:  # what Stripe repeats was asked about before
            raise Rejected(
                f"Invoice {content.number} ({context.remote_id}) was changed in Stripe before it was finalized, and "
                f"stands there otherwise than in the ledger: {'; '.join(off)}. Credit the difference there and release "
                "again; or void it there, credit it in the ledger, write a new one and cancel here.",
                record=context.key,
            )

    def discard(self, kind: str, content: Any, context: Context) -> None:
        """Delete a draft that differs from what was planned; what is gone already is no error. Drafts alone."""
        del content
        if kind != "collection_invoice":
            raise UsageError(f"A {kind} is no draft that could be deleted.", record=context.key)
        self._shown.forget(context.remote_id)
        self._deleted(context.remote_id)

    def attach(self, kind: str, context: Context, *, file_name: str, body: bytes) -> None:
        """Stripe's invoices take no files."""
        del kind, file_name, body
        raise UsageError("Nothing can be attached to an invoice of Stripe.", record=context.key)

    # ------------------------------------------------------------------------------------------ reading back

    def find(self, kind: str, contexts: Asked) -> dict[str, list[Observed]]:
        """Look for our tokens. Lists alone, never a search: that lags behind what was written."""
        if kind == "collection_invoice":
            return finding.invoices_of(self.client, contexts)
        found: dict[str, list[Observed]] = {}
        for content, context in contexts:
            one = finding.one_of(self.client, kind, content, context)
            found[context.token] = [one] if one is not None else []
        return found

    def observe(self, kind: str, contexts: Asked) -> dict[str, Observed]:
        """Read back by remote id: invoices by one list where there are many; `gone` for what is not there.

        An invoice that a write of ours has just shown whole is taken from that answer, once.
        """
        if kind == "collection_invoice":
            shown = {one.remote_id: self._shown.take(one.remote_id, token=one.token) for _, one in contexts}
            known = {remote_id: one for remote_id, one in shown.items() if one is not None}
            rest = [pair for pair in contexts if pair[1].remote_id not in known]
            return known | (finding.invoices_by_id(self.client, rest) if rest else {})
        answer = {}
        for content, context in contexts:
            one = finding.one_of(self.client, kind, content, context)
            answer[context.remote_id] = one if one is not None else seen.gone(context.remote_id)
        return answer

    def look_up(self, kind: str, fields: Mapping[str, str]) -> list[Found]:
        """Customers, 1-4 calls; or how an invoice of ours stands there (`sent_invoice`, `of` its id), 1 call.

        One more where something of it is paid, and one for each payment that people told of.
        """
        if kind == "sent_invoice":
            id_ = fields.get("of") or fields.get("number", "")
            row = self.client.one(INVOICES, id_) if id_ else None
            return [] if row is None else [_standing(row, told=finding.told_outside(self.client, row))]
        if kind != "customer":
            raise UsageError(f"Stripe is not asked for a {kind}.")
        return customers.look_up(self.client, fields, tax_ids=self._tax_ids)

    def chart(self) -> Chart:
        """Stripe has no accounts."""
        raise UsageError("Stripe has no chart of accounts.")

    def _standing_already(self, kind: str, content: Any, context: Context) -> Created | None:
        found = self.find(kind, [(content, context)])[context.token]
        if not found:
            return None
        return Created(found[0].remote_id, found[0].number, released=kind != "collection_invoice")

    def _tidied(self, kind: str, content: Any, context: Context) -> None:
        """Nothing of a failed making is left lying about."""
        half = finding.half_made(self.client, content, context) if kind == "collection_invoice" else ""
        if half:
            self._deleted(half)

    def _deleted(self, remote_id: str) -> None:
        try:
            self.client.delete(item(INVOICES, remote_id), operation=f"DELETE {INVOICES}/{{id}}")
        except NotFound:
            return


def _standing(row: Row, *, told: Mapping[str, str]) -> Found:
    """How an invoice stands in Stripe, and what it was told of money elsewhere. Amounts in minor units, in words."""
    shown = seen.invoice(row)
    facts = {
        "remaining": str(shown.facts["remaining"]),
        "paid": str(shown.facts["paid"]),
        "total": str(shown.total),
        "customer": str(shown.facts["customer"]),
        **told,
    }
    return Found(shown.remote_id, name=shown.number, status=shown.status, currency=shown.currency, facts=facts)
