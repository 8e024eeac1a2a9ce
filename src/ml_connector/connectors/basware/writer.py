"""Writing to one tenant: parcels of master data and orders, invoices handed on, answers to documents.

Every POST is idempotent by external code, so an answer that got lost is sent again; whether it arrived is looked for
all the same. A POST's 200 says nothing: `observe` reads one sweep of requestStatus for all that is on its way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ml_connector.connectors.basware import bodies, network, smartpdf, statuses
from ml_connector.connectors.basware.adopting import Adopting
from ml_connector.connectors.basware.client import DOCUMENTS, BaswareClient, Row
from ml_connector.connectors.basware.faults import AlreadyDone, InFlight, request_id
from ml_connector.connectors.basware.reader import KEY, open_client
from ml_connector.connectors.basware.statuses import Item, Request
from ml_connector.connectors.http import Http
from ml_connector.connectors.pacing import Ticking
from ml_connector.connectors.shapes import Context, Created, Observed, Sent
from ml_connector.connectors.tokens import Tokens
from ml_connector.errors import Rejected, UnknownOutcome, UsageError
from ml_connector.finance.chart import Chart
from ml_connector.finance.plan import Found
from ml_connector.finance.procurement import (
    Acknowledgement,
    OrderHeader,
    OrderLine,
    PaymentAnswer,
    ReceivedInvoice,
    ReferenceRow,
    SupplierCard,
    TransferAnswer,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RESOURCES: Mapping[str, tuple[str, str]] = {  # of reference data: path and what requestStatus calls it
    "account": ("/v1/accounts", "Account"),
    "cost_center": ("/v1/costCenters", "CostCenter"),
    "list": ("/v1/lists", "GenericList"),
    "tax_code": ("/v1/taxCodes", "TaxCode"),
    "payment_term": ("/v1/paymentTerms", "PaymentTerm"),
    "project": ("/v2/projects", "Project"),
    "exchange_rate": ("/v1/exchangeRates", "ExchangeRate"),
}
PARCELS: Mapping[str, type[Any]] = {
    "reference_row": ReferenceRow,
    "supplier_card": SupplierCard,
    "order_header": OrderHeader,
    "order_line": OrderLine,
}
LIMITS: Mapping[str, int] = {"reference_row": 500, "supplier_card": 200, "order_header": 500, "order_line": 100}
"""Records of one POST, as Basware takes them."""
ANSWERS: Mapping[str, tuple[str, str]] = {
    "transfer_answer": ("transferResponses", "TransferResponse"),
    "payment_answer": ("paymentResponses", "PaymentResponse"),
}
TAKEN = frozenset({"TransferInProgress", "Transferred", "TransferFailed", "Paid", "PrebookInProgress", "Prebooked"})
SEND_AGAIN = "Basware holds the same content and never said that it took it. Replay the record: it is sent anew."
KEPT = "Basware had a row of this code already: it was overwritten and keeps its key there."
CONFLICTS = 3
CONFLICTS_FIX = "See which other program writes these records; then replay the record."
NOT_NAMED = "The request is finished and does not name this record. Replay the record: it is sent anew."
REPLACED = "A newer version of this record was sent at the same moment, and its result is not known."


def open_writer(
    http: Http, credentials: Mapping[str, str], settings: Mapping[str, str], *, tokens: Tokens, clock: Ticking
) -> BaswareWriter:
    """The writer of one tenant. Costs no call. Settings: network_url, network_path."""
    client = open_client(http, credentials, settings, tokens=tokens, clock=clock)

    def on_network(invoice: ReceivedInvoice) -> None:
        network.send(http, credentials, settings, invoice, base=client.client.base_url)

    return BaswareWriter(client, clock=clock, on_network=on_network)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to look for in requestStatus: the records of one submission by their codes."""

    entity: str
    rows: tuple[tuple[str, tuple[str, ...]], ...]  # (source key, codes by which an item may name it)
    kept: frozenset[str] = frozenset()  # keys of rows that were there before us


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
        raise _naming(refused, self._adopting.adopted(_rows(kind, content))) if kind in PARCELS else refused

    def _create(self, kind: str, content: Sent, context: Context) -> Created:
        if kind in PARCELS:
            rows = self._adopting.adopted(_rows(kind, content))
            path, made = _parcel(kind, rows, getattr(content, "again", None))
            try:
                ids = self.client.post_rows(path, made)
            except Rejected as refused:
                raise _naming(refused, rows) from None
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
        if kind in PARCELS:
            return self._find_requests(kind, contexts)
        found: dict[str, list[Observed]] = {}
        for content, context in contexts:
            seen = self._find_answer(kind, content, context)
            found[context.token] = [seen] if seen is not None else []
        return found

    def observe(self, kind: str, contexts: Sequence[tuple[Sent, Context]]) -> dict[str, Observed]:
        """What became of these, by remote id: one sweep for all; a request the sweep lacks is asked for by its id."""
        if kind not in PARCELS and kind not in ANSWERS:
            return {context.remote_id: _standing(context) for _, context in contexts}
        starts = [context.started_at or EPOCH for _, context in contexts]
        known = statuses.sweep(self.client, min(starts, default=EPOCH))
        for _, context in contexts:
            for id_ in context.remote_id.split():
                if id_ not in known and (one := statuses.single(self.client, id_)) is not None:
                    known[id_] = one
        judge = _Judge(self.client, known)
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
        judge = _Judge(self.client, known)
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
            found[context.token] = [] if newest is None else [judge.parcel(wanted, _at(context, newest.id))]
        return found

    def _wanted(self, kind: str, content: Sent, context: Context) -> _Wanted:
        if kind in ANSWERS:
            return _Wanted(ANSWERS[kind][1], ((context.key, (content.external_code, content.document_id)),))
        rows = _rows(kind, content)
        named = tuple((key, self._adopting.codes(row)) for key, row in rows)
        kept = frozenset(key for key, codes in named if len(codes) > 1)
        return _Wanted(_place(kind, rows[0][1])[1], named, kept)

    def _find_answer(self, kind: str, content: Sent, context: Context) -> Observed | None:
        """An answer by its code on the document itself; an acknowledgement by the document's state."""
        if isinstance(content, Acknowledgement):
            document = self.client.one(DOCUMENTS, content.document_id, key=KEY)
            taken = document is not None and document.get("processingStatus") in TAKEN
            return _standing(_at(context, _taken_as(content))) if taken else None
        if not isinstance(content, TransferAnswer | PaymentAnswer):
            return None
        document = self.client.one(DOCUMENTS, content.document_id, key=KEY) or {}
        rows = document.get(ANSWERS[kind][0])
        ours = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        if all(row.get("externalCode") != content.external_code for row in ours):
            return None
        return _standing(_at(context, content.external_code))


class _Judge:
    """Requests that are known, and what they say of one submission's records."""

    def __init__(self, client: BaswareClient, known: Mapping[str, Request]) -> None:
        self._client = client
        self._known = known
        self._histories: dict[str, Mapping[str, Request]] = {}

    def parcel(self, wanted: _Wanted, context: Context) -> Observed:
        """Pending until every record's item is final; then released, with the refused ones named."""
        sent_at = context.started_at.isoformat(timespec="microseconds") if context.started_at else ""
        requests = [self._known.get(id_) for id_ in context.remote_id.split()]
        there = [one for one in requests if one is not None]
        refused: dict[str, str] = {}
        notes: dict[str, str] = {}
        waiting = 0
        for key, codes in wanted.rows:
            item = self._record(wanted.entity, codes, there, whole=len(there) == len(requests), sent_at=sent_at)
            if item.verdict == "pending":
                waiting += 1
            elif item.verdict == "refused":
                refused[key] = f"{item.sentence.rstrip('.') or 'Basware gave no reason'}."
            elif item.sentence or key in wanted.kept:
                notes[key] = item.sentence or KEPT
        state = "pending" if waiting else "released"
        facts = {"rows": len(wanted.rows), "waiting": waiting, "notes": notes}
        return _observed(context, state, facts=facts, refused={} if waiting else refused)

    def _record(
        self, entity: str, codes: Sequence[str], there: Sequence[Request], *, whole: bool, sent_at: str
    ) -> Item:  # fmt: skip
        for request in there:
            item = request.judged(*codes)
            if item is None:
                continue
            if item.verdict == "expired":
                later = statuses.newer(self._known, entity, codes, than=request, sent_at=sent_at)
                return later if later is not None else Item("refused", REPLACED)
            return self._before(entity, codes, request) if item.verdict == "unchanged" else item
        if not whole or not all(request.final for request in there):
            return Item("pending")
        return Item("refused", NOT_NAMED)

    def _before(self, entity: str, codes: Sequence[str], request: Request) -> Item:
        """Unchanged is good only where the same content was taken before; else it has never arrived."""
        for known in (self._known, None):
            earlier = statuses.before(known or self._history(entity), entity, codes, than=request)
            if earlier is not None:
                return earlier if earlier.verdict == "done" else Item("refused", earlier.sentence or SEND_AGAIN)
        return Item("refused", SEND_AGAIN)

    def _history(self, entity: str) -> Mapping[str, Request]:
        if entity not in self._histories:
            self._histories[entity] = statuses.history(self._client, entity)
        return self._histories[entity]


_STATUS_FIELDS = {"companyCode": "company", "invoiceNumber": "number", "invoiceDate": "day", "grossSum": "gross"}


def _rows(kind: str, content: Sent) -> tuple[tuple[str, Any], ...]:
    """The rows of a parcel, or a single content as one row. Raises UsageError for other contents."""
    rows: tuple[tuple[str, Any], ...] = getattr(content, "rows", None) or ((getattr(content, "source", ""), content),)
    if not all(isinstance(row, PARCELS[kind]) for _, row in rows):
        raise UsageError(f"A parcel of {kind} holds something else.", record=kind)
    if len(rows) > LIMITS[kind]:
        raise UsageError(f"A parcel of {kind} holds {len(rows)} rows; Basware takes {LIMITS[kind]}.", record=kind)
    return rows


def _naming(refused: Rejected, rows: Sequence[tuple[str, Any]]) -> Rejected:
    """The same refusal with the keys of the rows it names instead of their codes there."""
    keys = {row.external_code: key for key, row in rows}
    named = {keys[code]: words for code, words in refused.rows.items() if code in keys}
    return Rejected(refused.what, record=refused.record, fix=refused.fix, rows=named)


def _parcel(
    kind: str, keyed: Sequence[tuple[str, Any]], again: tuple[int, ...] | None
) -> tuple[str, list[Row]]:  # fmt: skip
    """Where a parcel goes, and its records. One company and one resource: others may not share a call."""
    rows = [row for _, row in keyed]
    if len({row.company for row in rows}) > 1 or len({_place(kind, row) for row in rows}) > 1:
        raise Rejected("A parcel mixes companies or resources.", record=rows[0].source, fix="Report this.")
    counts = again or (0,) * len(rows)
    made: list[Row] = [_MAKERS[kind](row, again) for row, again in zip(rows, counts, strict=True)]
    return _place(kind, rows[0])[0], made


_MAKERS: Mapping[str, Callable[[Any, int], Row]] = {
    "reference_row": bodies.reference,
    "supplier_card": bodies.supplier,
    "order_header": bodies.order,
    "order_line": bodies.order_line,
}


def _place(kind: str, row: Any) -> tuple[str, str]:
    """(path, what requestStatus calls it)."""
    if isinstance(row, ReferenceRow):
        path, entity = RESOURCES[row.kind]
        return (f"{path}/{row.list_key}", entity) if row.kind == "list" else (path, entity)
    return {
        "supplier_card": ("/v1/vendors", "Vendor"),
        "order_header": ("/v1/matchingOrders", "MatchingOrder"),
        "order_line": ("/v1/matchingOrderLines", "MatchingOrderLine"),
    }[kind]


def _taken_as(content: Acknowledgement) -> str:
    """What an acknowledgement is called: one document is offered again and taken again."""
    return content.document_id if content.attempt == 1 else f"{content.document_id}/{content.attempt}"


def _at(context: Context, remote_id: str) -> Context:
    return Context(context.token, context.key, remote_id, context.etag, context.started_at, ordinal=context.ordinal)


def _standing(context: Context) -> Observed:
    return _observed(context, "released")


def _observed(
    context: Context, state: Any, *, facts: Mapping[str, Any] | None = None, refused: Mapping[str, str] | None = None
) -> Observed:
    return Observed(
        remote_id=context.remote_id,
        number=context.remote_id.split(" ")[0],
        state=state,
        status=state,
        currency="",
        total=0,
        vat=None,
        day=None,
        tokens=(context.token,),
        facts=facts or {},
        refused=refused or {},
    )
