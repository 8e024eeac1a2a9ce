"""All that selling by order writes and asks: orders, what takes them back, and advances put against their invoices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from ml_connector.connectors.shapes import Context, Created, Observed
from ml_connector.connectors.visma import applying, orders, orders_reading
from ml_connector.connectors.visma.client import VismaClient, segment
from ml_connector.connectors.visma.kinds import place_of
from ml_connector.connectors.visma.observed import gone, text
from ml_connector.errors import NotAuthorized, RateLimited, Rejected, Transient, UsageError
from ml_connector.finance.invoices import Reversal
from ml_connector.finance.plan import Content, Found
from ml_connector.finance.selling import PaymentApplication, SalesOrder

KINDS = frozenset({"sales_order", "order_cancellation", "payment_application", "application_freed"})
LOOKED_UP = frozenset({"item", "order_invoice", "order_service"})
SELLABLE = frozenset({"Active", "NoPurchases", "NoRequest"})

Asked = Sequence[tuple[Content, Context]]
_INVOICE = place_of("customer_invoice")
_CLOSED_S = 900.0  # a right that is missing is not given from one minute to the next


class Selling:
    """One company's sales orders. `client` is the ERP's, `service` the sales order service's."""

    def __init__(self, client: VismaClient, service: VismaClient) -> None:
        self.client, self.service = client, service

    def create(self, content: Content, context: Context) -> Created:
        """Make one of them."""
        if isinstance(content, SalesOrder):
            with _of_service(context, then="Then plan the record again."):
                return orders.create(self.service, content, context)
        if isinstance(content, Reversal) and content.kind == "application_freed":
            return applying.freeing(content)
        if isinstance(content, Reversal):
            with _of_service(context, then="Then plan the record again."):
                return orders.cancel(self.service, content, context)
        return applying.create(self.client, _application(content), context)

    def release(self, content: Content, context: Context) -> None:
        """Take an order off hold; let what is put against an invoice count."""
        if isinstance(content, SalesOrder):
            with _of_service(context):
                orders.release(self.service, context)
        else:
            applying.release(self.client, _application(content), context)

    def find(self, kind: str, contexts: Asked) -> dict[str, list[Observed]]:
        """What a lost call may have made."""
        with _later():
            if kind == "sales_order":
                return orders_reading.find(self.service, contexts)
            seen = [(context.token, self._seen(content, context)) for content, context in contexts]
            return {token: [] if one.state == "gone" else [one] for token, one in seen}

    def observe(self, contexts: Asked) -> dict[str, Observed]:
        """Each as both services show it now."""
        with _later():
            sold = [(content, context) for content, context in contexts if isinstance(content, SalesOrder)]
            rest = [one for one in contexts if not isinstance(one[0], SalesOrder)]
            seen = {context.remote_id: self._seen(content, context) for content, context in rest}
            return seen | orders_reading.observe(self.service, sold)

    def _seen(self, content: Content, context: Context) -> Observed:
        if isinstance(content, Reversal) and content.kind == "application_freed":
            return applying.freed(self.client, content)
        if isinstance(content, Reversal):
            return orders_reading.cancelled(self.service, content) or gone(context.remote_id)
        return applying.observe(self.client, _application(content)) or gone(context.remote_id)

    def look_up(self, kind: str, fields: Mapping[str, str]) -> list[Found]:
        """An item (`item`) by its `number`: 1 call.

        The invoices that were made of an order (`order_invoice`), which `of` names: 1 call and 1 an invoice, 2 while
        there is none. Whether the service answers, and which right its token lacks (`order_service`): 1 call.
        """
        if kind == "order_service":
            return [Found("", facts={"missing": orders_reading.missing_rights(self.service)})]
        if kind == "item":
            return self._item(fields["number"])
        of_kind = fields.get("of_kind", "sales_order")
        if of_kind != "sales_order":  # booked before orders were written: an invoice is its own
            return self._invoice(fields["of"]) if of_kind == "customer_invoice" else [Found("", status="Otherwise")]
        return self._invoices(fields["of"])

    def _item(self, number: str) -> list[Found]:
        found = self.client.row(f"/v1/inventory/{segment(number)}", operation="GET /v1/inventory/{id}")
        if found is None:
            return []
        row = found[0]
        status = text(row.get("status"))
        state = "Active" if status in SELLABLE else status or "Unknown"
        facts = {"vat_code": text(row.get("vatCode")), "type": text(row.get("type"))}
        return [Found(text(row.get("inventoryNumber")), text(row.get("description")), state, facts=facts)]

    def _invoices(self, remote_id: str) -> list[Found]:
        """Unknown while the service does not answer: other records do not wait for it."""
        try:
            return self._made_of(remote_id)
        except RateLimited:
            raise
        except (NotAuthorized, Transient):
            return [Found("", status="Unknown")]

    def _made_of(self, remote_id: str) -> list[Found]:
        numbers = [invoice for _, invoice in orders_reading.shipments(self.service, remote_id)]
        named = list(dict.fromkeys(number for number in numbers if number))
        return [one for number in named for one in self._invoice(number)] or self._by_mark(remote_id)

    def _invoice(self, number: str) -> list[Found]:
        row = self.client.row(_INVOICE.item(number), operation=f"GET {_INVOICE.read}/{{id}}")
        return [] if row is None else [_found(_INVOICE.seen([row[0]]))]

    def _by_mark(self, remote_id: str) -> list[Found]:
        """An invoice of which no shipment tells: it may carry our reference all the same."""
        token = orders_reading.token_of(self.service, remote_id)
        if token is None:
            return [Found("", status="Gone")]
        if not token:
            return []
        params = {"customerRefNumber": token}
        rows = self.client.listed(_INVOICE.read, params, operation=f"GET {_INVOICE.read}")
        return [_found(_INVOICE.seen([row])) for row in rows if text(row.get("customerRefNumber")) == token]


@contextmanager
def _of_service(context: Context, *, then: str = "") -> Iterator[None]:
    """Who may not use the service is refused what is its own, and nothing else stops."""
    try:
        yield
    except NotAuthorized as closed:
        raise Rejected(closed.what, record=context.key, fix=f"{closed.fix} {then}".strip()) from None


@contextmanager
def _later() -> Iterator[None]:
    """What was written is looked at again when the service may be used again; the rest of the ledger goes on."""
    try:
        yield
    except NotAuthorized as closed:
        raise Transient(closed.what, record=closed.record, retry_after_s=_CLOSED_S, fix=closed.fix) from None


def _found(seen: Observed) -> Found:
    facts = {"open": str(seen.facts["balance"] or 0), "total": str(seen.total), "day": seen.day or ""}
    return Found(seen.number, status=seen.status, currency=seen.currency, facts=facts)


def _application(content: Content) -> PaymentApplication:
    if not isinstance(content, PaymentApplication):
        raise UsageError(f"{type(content).__name__} is nothing that selling by order writes.")
    return content
