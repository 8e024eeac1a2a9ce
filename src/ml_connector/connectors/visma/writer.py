"""Writes to the ledger: creates drafts, releases them, reads back what became of them, finds what got lost on the way.

Nothing is retried and nothing is believed from a status code: `observe` alone tells whether a document is in the
ledger.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from ml_connector.connectors.shapes import Context, Created, Directory, Observed, SourceObject
from ml_connector.connectors.tokens import Now
from ml_connector.connectors.visma import (
    account_lines,
    applying,
    attributes,
    collected,
    dimensions,
    directories,
    kept,
    ledger,
    notes,
    parties,
    payloads,
    purchase_reading,
    purchase_writing,
    search,
    selling,
)
from ml_connector.connectors.visma import chart as charts
from ml_connector.connectors.visma.auth import SALES_BASE
from ml_connector.connectors.visma.client import (
    BACKGROUND,
    VismaClient,
    action_result,
    created,
    job_of,
    segment,
)
from ml_connector.connectors.visma.jobs import Jobs, outcome_of
from ml_connector.connectors.visma.kinds import PARTIES, PAYMENTS, Place, place_of, result_kind, type_of
from ml_connector.connectors.visma.lookback import Lookback
from ml_connector.connectors.visma.observed import VOIDING
from ml_connector.connectors.visma.reader import VismaReader
from ml_connector.connectors.visma.reading_back import ReadingBack
from ml_connector.errors import Rejected, UsageError
from ml_connector.finance.chart import Chart, Period
from ml_connector.finance.collection import LedgerAttachment, LedgerNote
from ml_connector.finance.dimensions import DimensionValue
from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment, PartyCard, Reversal, SupplierInvoice
from ml_connector.finance.journal import JournalEntry
from ml_connector.finance.ledger import AccountLine
from ml_connector.finance.plan import Content, Found
from ml_connector.finance.procurement import LedgerCoding
from ml_connector.finance.selling import PaymentApplication

INVOICE = "customerinvoice"
MAX_ATTACHMENT_BYTES = 20 * 1024 * 1024
_MEDIA = {
    "csv": "text/csv",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "json": "application/json",
    "xml": "application/xml",
}


class VismaWriter:
    """One company's ledger. Thread-safe; keeps only what saves calls: periods, the vendor's clock, jobs under way."""

    def __init__(self, client: VismaClient, *, now: Now, sales_url: str = SALES_BASE) -> None:
        self.client = client
        self._selling = selling.Selling(client, client.selling(sales_url))
        self._now = now
        self._lookback = Lookback()
        self._back = ReadingBack(client, self._lookback)
        self._jobs = Jobs(client)
        self._periods: tuple[Period, ...] = ()

    # -- writing ---------------------------------------------------------------------------------------------------

    def create(self, kind: str, content: Content, context: Context) -> Created:
        """Make the draft (a party: the party itself). One call; two for an approved invoice that waited long."""
        if kind in selling.KINDS:
            return self._selling.create(content, context)
        if isinstance(content, PartyCard):
            return self._card(content, context)
        if isinstance(content, DimensionValue):
            return dimensions.put(self.client, content, context)
        if isinstance(content, Reversal):
            return self._reversal(content, context)
        if isinstance(content, LedgerAttachment):
            on, file = collected.file_of(content, context)
            self.attach(content.document, on, file_name=content.file_name, body=file)
            return Created(f"{on.remote_id}/{content.file_name}", on.remote_id, released=True)
        if isinstance(content, LedgerNote):
            return collected.write_note(self.client, content, context)
        if isinstance(content, LedgerCoding):
            return purchase_writing.recode(self.client, content, context)
        if isinstance(content, SupplierInvoice):
            purchase_writing.see_that_nobody_booked(self.client, content, context, now=self._now.now())
        place = place_of(kind, content)
        body = self._body(content, context.token)
        answer = self.client.call(
            "POST", place.create, operation=f"POST {place.create}", content=body, record=context.key
        )
        return _addressed(created(answer, where=f"POST {place.create}", record=context.key), place, type_of(content))

    def release(self, kind: str, content: Content, context: Context) -> None:
        """Ask for one draft's release. Whether it happened is for `observe` to tell. One call.

        The version that was read back goes along as If-Match: what somebody changed since is not released. On customer
        and supplier documents that only counts in a background call, so those are asked for as one.
        """
        if kind in selling.KINDS:
            self._selling.release(content, context)
            return
        place = place_of(kind, content)
        path = f"{place.item(context.remote_id)}/action/release"
        body = (
            payloads.release_payment(context.remote_id.partition("/")[0])
            if result_kind(kind, content) in PAYMENTS
            else None
        )
        operation = f"POST {place.read}/{{id}}/action/release"
        # A voiding document shares its payment's number and the path has no type: its version could be the other's.
        etag = None if context.remote_id.partition("/")[0] in VOIDING else context.etag
        headers = _if_match(etag, background=place.background)
        answer = self.client.call("POST", path, operation=operation, headers=headers, content=body, record=context.key)
        result, said = action_result(answer)
        if result == "Failed":
            raise Rejected(
                f"Visma did not release {context.remote_id}: {said or 'no reason given'}.", record=context.key
            )
        self._jobs.note(context.remote_id, job_of(answer))

    def attach(self, kind: str, context: Context, *, file_name: str, body: bytes) -> None:
        """Put a file on a document. The same name again would be a new revision of it. One call."""
        place = place_of(kind)
        if not place.attachments:
            raise UsageError(f"Visma takes no attachment on a {kind}.", record=context.remote_id)
        if len(body) > MAX_ATTACHMENT_BYTES:
            raise UsageError(f"{file_name} is larger than {MAX_ATTACHMENT_BYTES} bytes.", record=context.remote_id)
        document_type, _, number = context.remote_id.rpartition("/")
        path = place.attachments.format(type=segment(document_type), number=segment(number))
        boundary, form = _multipart(file_name, body)
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        self.client.call(
            "POST", path, operation=f"POST {place.attachments}", headers=headers, body=form, record=context.key
        )

    def job(self, job_id: str, *, kind: str = "journal", content: Content | None = None) -> Created | None:
        """What became of a background job; None while it runs. One call, two when its content is needed.

        Raises what the call itself would have raised; UnknownOutcome when the job is forgotten (after 24 hours).
        """
        done = outcome_of(self.client, job_id)
        if done is None:
            return None
        if isinstance(content, LedgerNote):
            return collected.written(content, done)
        if isinstance(content, PaymentApplication):
            return applying.written(content, done)
        done = dataclasses.replace(done, released=kind in PARTIES)
        return _addressed(done, place_of(kind, content), type_of(content) if content else "")

    # -- reading back ----------------------------------------------------------------------------------------------

    def find(self, kind: str, contexts: Sequence[tuple[Content, Context]]) -> dict[str, list[Observed]]:
        """Look for our tokens. One listing for all; a single one by the filter the vendor has for it, if it obeys.

        A file is sent again rather than looked for: under its name it is one file. A note is read.
        """
        if kind in selling.KINDS:
            return self._selling.find(kind, contexts)
        if kind == "ledger_attachment":
            return {context.token: [] for _, context in contexts}
        if kind == "ledger_note":
            return {context.token: [one] if one else [] for one, context in self._notes(contexts)}
        if kind == dimensions.KIND:
            return dimensions.found(self.client, _values(contexts))
        if kind == "ledger_coding":
            return {
                context.token: purchase_writing.found(self.client, content, context)
                for content, context in contexts
                if isinstance(content, LedgerCoding)
            }
        return search.find(self.client, self._lookback, kind, contexts, period=self._period)

    def observe(self, kind: str, contexts: Sequence[tuple[Content, Context]]) -> dict[str, Observed]:
        """Read documents back by remote id. Hundreds cost the pages of one listing; absent ones are `gone`."""
        if kind in selling.KINDS:
            return self._selling.observe(contexts)
        if kind == "ledger_attachment":
            put = [(one, context) for one, context in contexts if isinstance(one, LedgerAttachment)]
            return kept.attachments(self.client, put)
        if kind == "ledger_note":
            said = [(one, context) for one, context in contexts if isinstance(one, LedgerNote)]
            return kept.notes(self.client, self._lookback, said)
        if kind == dimensions.KIND:
            return dimensions.observe(self.client, _values(contexts))
        return self._jobs.explained(self._back.observe(kind, contexts))

    def look_up(self, kind: str, fields: Mapping[str, str]) -> list[Found]:
        """Customers or suppliers by the first of number, org_number, vat_number, email that finds any. 1-4 calls.

        Open credit notes (`credit_note`) of a document and amount: see `notes`. 2 calls. Customer invoices
        (`ledger_invoice`) whole, by number (2 calls) or by the reference a shop gave them (1 call). A payment
        (`ledger_payment`) by type and number in `of`. An `attribute` by its id. Items and the invoices of an order: see
        `selling`. Around an approved invoice: see `purchase_reading.look_up`.
        """
        if kind in selling.LOOKED_UP:
            return self._selling.look_up(kind, fields)
        if kind in purchase_reading.KINDS:
            return purchase_reading.look_up(self.client, kind, fields)
        if kind == "credit_note":
            return notes.look_up(self.client, fields)
        if kind == "attribute":
            return attributes.look_up(self.client, fields)
        if kind in {"ledger_invoice", "ledger_balance"}:
            return self._invoices(fields)
        if kind == "ledger_payment":
            seen = search.payment(self.client, fields.get("of", ""))
            return [] if seen is None else [Found(seen.number, status=seen.status, currency=seen.currency)]
        return parties.look_up(self.client, kind, fields)

    def directory(
        self, kind: str, *, before: Directory | None = None, most_calls: int = directories.MOST_PAGES
    ) -> Directory | int | None:
        """All customers or suppliers: a call a thousand, or only what changed since the one read `before`."""
        return directories.read(self.client, kind, before=before, most_calls=most_calls)

    def chart(self) -> Chart:
        """The whole set-up: 11 calls while every list fits a page."""
        return self._remember(charts.read(self.client, now=self._now))

    def configuration_facts(self) -> charts.ConfigurationFacts:
        """What a doctor can read of the company, and what it has to ask. 14 or 15 calls."""
        facts = charts.configuration_facts(self.client, now=self._now)
        self._remember(facts.chart)
        return facts

    def account_lines(self, account: str, *, chart: Chart) -> Iterator[AccountLine]:
        """What stands on an account, whoever booked it. A call a thousand lines."""
        return account_lines.lines(self.client, account, chart=chart)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _notes(self, contexts: Sequence[tuple[Content, Context]]) -> Iterable[tuple[Observed | None, Context]]:
        for content, context in contexts:
            if isinstance(content, LedgerNote):
                yield collected.seen_note(self.client, content), context

    def _invoices(self, fields: Mapping[str, str]) -> list[Found]:
        reader = VismaReader(self.client)
        if fields.get("number"):
            rows = [one for one in reader.fetch(INVOICE, [fields["number"]]) if isinstance(one, SourceObject)]
        else:
            rows = reader.referring(INVOICE, fields.get("reference", ""))
        made = [ledger.invoice(one.payload) for one in rows]
        return [Found(one.number, one.customer_name, one.state, currency=one.currency, document=one) for one in made]

    def _remember(self, chart: Chart) -> Chart:
        self._periods = chart.periods
        return chart

    def _period(self, day: date) -> str | None:
        """The period of a day once the set-up was read; before that the vendor derives it from the date."""
        starts = [period for period in self._periods if period.starts_on <= day]
        return max(starts, key=lambda period: period.starts_on).id if starts else None

    def _posting_period(self, invoice: SupplierInvoice) -> str | None:
        """Of another day than the invoice's own the vendor cannot derive it: then the periods are read."""
        if invoice.posting_day is None:
            return self._period(invoice.day)
        if not self._periods:
            self._periods = charts.read_periods(self.client)
        return self._period(invoice.posting_day)

    def _body(self, content: Content, token: str) -> payloads.Body:
        if isinstance(content, JournalEntry):
            return payloads.journal(content, token=token, period=self._period(content.day))
        if isinstance(content, CustomerInvoice):
            return payloads.customer_invoice(content, token=token, period=self._period(content.day))
        if isinstance(content, CustomerPayment):
            return payloads.payment(content, token=token, period=self._period(content.day))
        if isinstance(content, SupplierInvoice):
            return payloads.supplier_invoice(content, token=token, period=self._posting_period(content))
        raise UsageError(f"{type(content).__name__} is not written to Visma.")

    def _card(self, card: PartyCard, context: Context) -> Created:
        place = place_of(card.kind)
        body = payloads.party(card)
        if card.number is not None:
            known = dataclasses.replace(context, remote_id=card.number)
            return dataclasses.replace(self._put(place, known, body), released=True)
        answer = self.client.call(
            "POST", place.create, operation=f"POST {place.create}", content=body, record=context.key
        )
        made = created(answer, where=f"POST {place.create}", record=context.key)
        return dataclasses.replace(made, released=not made.job_id)

    def _reversal(self, content: Reversal, context: Context) -> Created:
        number = payloads.known(content.number)
        if content.kind == "void_payment":
            path, body = f"/v1/customerPayment/{segment(number)}/action/void", payloads.void_payment(content)
        elif result_kind(content.kind, content) == "supplier_invoice":
            path, body = f"/v1/supplierInvoice/Invoice/{segment(number)}/action/reverse", None
        else:
            path, body = f"/v1/customerinvoice/{segment(number)}/action/reverseandapplytonote", payloads.REVERSE_INVOICE
        operation = "POST " + path.replace(f"/{segment(number)}/", "/{id}/")
        answer = self.client.call("POST", path, operation=operation, content=body, record=context.key)
        result, said = action_result(answer)
        if result == "Failed":
            raise Rejected(
                f"Visma did not carry out {operation} for {number}: {said or 'no reason given'}.", record=context.key
            )
        place, document_type = place_of(content.kind, content), type_of(content)
        if (
            content.kind == "void_payment"
            and not job_of(answer)
            and not answer.headers.get("location")
            and not answer.body.strip()
        ):
            return Created(f"{document_type}/{number}", number)  # it takes the number of the payment it voids
        return _addressed(created(answer, where=operation, record=context.key), place, document_type)

    def _put(self, place: Place, context: Context, body: payloads.Body) -> Created:
        headers = _if_match(context.etag, background=place.background)
        operation = f"PUT {place.read}/{{id}}"
        answer = self.client.call(
            "PUT", place.item(context.remote_id), operation=operation, headers=headers, content=body, record=context.key
        )
        number = context.remote_id.rpartition("/")[2]
        return Created(context.remote_id, number, etag=answer.headers.get("etag"), job_id=job_of(answer) or None)


def _values(contexts: Sequence[tuple[Content, Context]]) -> list[tuple[DimensionValue, Context]]:
    return [(one, context) for one, context in contexts if isinstance(one, DimensionValue)]


def _if_match(etag: str | None, *, background: bool) -> Mapping[str, str]:
    if not etag:
        return {}
    return {"If-Match": etag, **BACKGROUND} if background else {"If-Match": etag}


def _addressed(made: Created, place: Place, document_type: str) -> Created:
    """The remote id with its type in front where numbers repeat between types."""
    if not place.typed or not made.number or not document_type:
        return made
    return dataclasses.replace(made, remote_id=f"{document_type}/{made.number}")


def _multipart(file_name: str, body: bytes) -> tuple[str, bytes]:
    """A form with one file; the boundary is a hash of the file and so cannot occur in it."""
    name = file_name.replace('"', "").replace("\r", "").replace("\n", "")
    media = _MEDIA.get(name.rpartition(".")[2].lower(), "application/octet-stream")
    boundary = "mlc" + hashlib.sha256(body + name.encode()).hexdigest()
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="v"; filename="{name}"\r\nContent-Type: {media}\r\n\r\n'
    ).encode()
    return boundary, head + body + f"\r\n--{boundary}--\r\n".encode()
