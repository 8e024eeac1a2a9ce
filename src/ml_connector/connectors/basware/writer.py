"""Writing to one tenant: parcels of master data and orders, invoices handed on, answers to documents.

Every POST is idempotent by external code, so an answer that got lost is sent again; whether it arrived is looked for
all the same. A POST's 200 says nothing: `observe` reads one sweep of requestStatus for all that is on its way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ml_connector.connectors.basware import bodies, network, parcels, smartpdf, statuses
from ml_connector.connectors.basware.adopting import Adopting
from ml_connector.connectors.basware.client import DOCUMENTS, BaswareClient, Row
from ml_connector.connectors.basware.faults import AlreadyDone, InFlight, request_id
from ml_connector.connectors.basware.reader import KEY, open_client
from ml_connector.connectors.basware.verdicts import Judge, Wanted, standing
from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.shapes import Context, Created, Observed, Sent
from ml_connector.connectors.tokens import Tokens
from ml_connector.errors import Rejected, UnknownOutcome, UsageError
from ml_connector.finance.chart import Chart
from ml_connector.finance.plan import Found
from ml_connector.finance.procurement import (
    Acknowledgement,
    PaymentAnswer,
    ReceivedInvoice,
    TransferAnswer,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ANSWERS: Mapping[str, tuple[str, str]] = {
    "transfer_answer": ("transferResponses", "TransferResponse"),
    "payment_answer": ("paymentResponses", "PaymentResponse"),
}
TAKEN = frozenset({"TransferInProgress", "Transferred", "TransferFailed", "Paid", "PrebookInProgress", "Prebooked"})
_STATUS_FIELDS = {"companyCode": "company", "invoiceNumber": "number", "invoiceDate": "day", "grossSum": "gross"}
CONFLICTS = 3
CONFLICTS_FIX = "See which other program writes these records; then replay the record."


def open_writer(
    http: Http, credentials: Mapping[str, str], settings: Mapping[str, str], *, tokens: Tokens, clock: Ticking
) -> BaswareWriter:
    """The writer of one tenant. Costs no call. Settings: network_url, network_path."""
    client = open_client(http, credentials, settings, tokens=tokens, clock=clock)

    def on_network(invoice: ReceivedInvoice) -> None:
        network.send(http, credentials, settings, invoice, base=client.client.base_url)

    return BaswareWriter(client, clock=clock, on_network=on_network)


class BaswareWriter:
    """The Writer of Basware."""

    def __init__(self, client: BaswareClient, *, clock: Ticking, on_network: Callable[[ReceivedInvoice], None]) -> None:
        self.client = client
        self._adopting = Adopting(client, clock)
        self._conflicts: dict[str, int] = {}  # how often one submission met a conflict on end
        self._on_network = on_network

    # -- writing ---------------------------------------------------------------------------------------------------

    def create(self, kind: str, content: Sent, context: Context) -> Created:
        """Send it. A parcel's remote id is the request's; several, blank-separated, where it had to be split.

        A conflict that does not end after three more tries is a refusal.
        """
        try:
            made = self._create(kind, content, context)
        except InFlight as busy:
            return self._conflicting(kind, content, context, busy)
        self._conflicts.pop(context.key, None)
        return made

    def _conflicting(self, kind: str, content: Sent, context: Context, busy: InFlight) -> Created:
        """An answer may be there already: then it was ours. Else it is tried again, and not for ever."""
        seen = self._find_answer(kind, content, context) if kind in ANSWERS else None
        if seen is not None:
            return Created(remote_id=seen.remote_id, number=seen.number, released=True)
        times = self._conflicts[context.key] = self._conflicts.get(context.key, 0) + 1
        if times <= CONFLICTS:
            raise busy
        del self._conflicts[context.key]
        what = f"{busy.what.rstrip('.')}, {times} times."
        refused = Rejected(what, record=context.key, fix=CONFLICTS_FIX, rows=busy.rows)
        raise (
            parcels.naming(refused, self._adopting.adopted(parcels.rows_of(kind, content)))
            if kind in parcels.KINDS
            else refused
        )

    def _create(self, kind: str, content: Sent, context: Context) -> Created:
        if kind in parcels.KINDS:
            rows = self._adopting.adopted(parcels.rows_of(kind, content))
            path, made = parcels.made_of(kind, rows, getattr(content, "again", None))
            try:
                ids = self.client.post_rows(path, made)
            except Rejected as refused:
                raise parcels.naming(refused, rows) from None
            return Created(remote_id=" ".join(ids), number=ids[0])
        if kind == "acknowledgement" and isinstance(content, Acknowledgement):
            return self._acknowledge(content)
        if kind == "transfer_answer" and isinstance(content, TransferAnswer):
            return self._answer(kind, content.document_id, bodies.transfer(content))
        if kind == "payment_answer" and isinstance(content, PaymentAnswer):
            return self._answer(kind, content.document_id, bodies.payment(content))
        if kind == "received_invoice" and isinstance(content, ReceivedInvoice):
            if content.file:
                return smartpdf.open_upload(self.client, content)
            self._on_network(content)
            return Created(remote_id=content.document_id, number=content.number, released=True)
        raise UsageError(f"Basware takes no {kind}.", record=context.key)

    def release(self, kind: str, content: Sent, context: Context) -> None:
        """Nothing: what is sent to Basware stands at once."""

    def attach(self, kind: str, context: Context, *, file_name: str, body: bytes) -> None:
        """Put an invoice's file where `create` was told to. The address serves 15 minutes."""
        del file_name
        if kind != "received_invoice" or not context.etag:
            raise UsageError(f"Nothing can be attached to Basware's {kind}.", record=context.key)
        smartpdf.upload(self.client, context.etag, body, record=context.key)

    # -- reading back ----------------------------------------------------------------------------------------------

    def find(self, kind: str, contexts: Sequence[tuple[Sent, Context]]) -> dict[str, list[Observed]]:
        """Look whether what nobody answered was taken: one sweep for all parcels, a reading for each document.

        An invoice on the network is sent again with the same client token, so it is never looked for.
        """
        if kind in parcels.KINDS:
            return self._find_requests(kind, contexts)
        found: dict[str, list[Observed]] = {}
        for content, context in contexts:
            seen = self._find_answer(kind, content, context)
            found[context.token] = [seen] if seen is not None else []
        return found

    def observe(self, kind: str, contexts: Sequence[tuple[Sent, Context]]) -> dict[str, Observed]:
        """What became of these, by remote id: one sweep for all; a request the sweep lacks is asked for by its id."""
        if kind not in parcels.KINDS and kind not in ANSWERS:
            return {context.remote_id: standing(context) for _, context in contexts}
        starts = [context.started_at or EPOCH for _, context in contexts]
        known = statuses.sweep(self.client, min(starts, default=EPOCH))
        for _, context in contexts:
            for id_ in context.remote_id.split():
                if id_ not in known and (one := statuses.single(self.client, id_)) is not None:
                    known[id_] = one
        judge = Judge(self.client, known)
        return {
            context.remote_id: judge.parcel(self._wanted(kind, content, context), context)
            for content, context in contexts
        }

    def look_up(self, kind: str, fields: Mapping[str, str]) -> list[Found]:
        """A document by company, number and day (`accounting_document`)."""
        if kind != "accounting_document":
            return []
        params = {name: fields[key] for name, key in _STATUS_FIELDS.items() if fields.get(key)}
        rows = self.client.rows(f"{DOCUMENTS}/status", "status", params)
        return [
            Found(str(row.get("invoiceId")), status=str(row.get("status") or ""), facts={"by": "number"})
            for row in rows
            if row.get("invoiceId")
        ]

    def chart(self) -> Chart:
        """Basware has no chart of accounts of its own: ours is sent there."""
        raise UsageError("Basware has no chart of accounts.")

    # -- inside ----------------------------------------------------------------------------------------------------

    def _acknowledge(self, content: Acknowledgement) -> Created:
        operation = f"POST {DOCUMENTS}/{{id}}/acknowledge"
        path = f"{DOCUMENTS}/{bodies.code(content.document_id, 36, content.source)}/acknowledge"
        with contextlib.suppress(AlreadyDone):  # it was ours before: nobody else answers for this company
            self.client.post(path, None, operation=operation, already=True)
        return Created(remote_id=_taken_as(content), number=content.document_id, released=True)

    def _answer(self, kind: str, document_id: str, body: Row) -> Created:
        resource, _ = ANSWERS[kind]
        operation = f"POST {DOCUMENTS}/{{id}}/{resource}"
        path = f"{DOCUMENTS}/{document_id}/{resource}"
        answer = self.client.post(path, body, operation=operation)
        id_ = request_id(answer)
        if not id_:
            raise UnknownOutcome(f"Basware took {operation} without naming the request.", record=document_id)
        return Created(remote_id=id_, number=str(body.get("voucherNumber1") or document_id))

    def _find_requests(self, kind: str, contexts: Sequence[tuple[Sent, Context]]) -> dict[str, list[Observed]]:
        starts = [context.started_at or EPOCH for _, context in contexts]
        known = statuses.sweep(self.client, min(starts, default=EPOCH))
        judge = Judge(self.client, known)
        found: dict[str, list[Observed]] = {}
        for content, context in contexts:
            wanted = self._wanted(kind, content, context)
            since = (context.started_at or EPOCH).isoformat(timespec="microseconds")
            hits = [
                one
                for one in known.values()
                if one.entity == wanted.entity
                and (not one.at or one.at >= since)
                and all(any(code in one.items for code in codes) for _, codes in wanted.rows)
            ]
            newest = max(hits, key=lambda one: one.at, default=None)
            found[context.token] = (
                [] if newest is None else [judge.parcel(wanted, replace(context, remote_id=newest.id))]
            )
        return found

    def _wanted(self, kind: str, content: Sent, context: Context) -> Wanted:
        if kind in ANSWERS:
            return Wanted(ANSWERS[kind][1], ((context.key, (content.external_code, content.document_id)),))
        rows = parcels.rows_of(kind, content)
        named = tuple((key, self._adopting.codes(row)) for key, row in rows)
        kept = frozenset(key for key, codes in named if len(codes) > 1)
        return Wanted(parcels.place_of(kind, rows[0][1])[1], named, kept)

    def _find_answer(self, kind: str, content: Sent, context: Context) -> Observed | None:
        """An answer by its code on the document itself; an acknowledgement by the document's state."""
        if isinstance(content, Acknowledgement):
            document = self.client.one(DOCUMENTS, content.document_id, key=KEY)
            taken = document is not None and document.get("processingStatus") in TAKEN
            return standing(context, _taken_as(content)) if taken else None
        if not isinstance(content, TransferAnswer | PaymentAnswer):
            return None
        document = self.client.one(DOCUMENTS, content.document_id, key=KEY) or {}
        rows = document.get(ANSWERS[kind][0])
        ours = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        if all(row.get("externalCode") != content.external_code for row in ours):
            return None
        return standing(context, content.external_code)


def _taken_as(content: Acknowledgement) -> str:
    """What an acknowledgement is called: one document is offered again and taken again."""
    return content.document_id if content.attempt == 1 else f"{content.document_id}/{content.attempt}"
