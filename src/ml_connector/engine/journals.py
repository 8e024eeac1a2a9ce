"""Posted documents as journals for people: each line with its account, dimensions, side, and the rule that chose it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ml_connector.engine import contents
from ml_connector.engine.works import Works
from ml_connector.errors import UsageError
from ml_connector.finance.chart import Chart
from ml_connector.finance.encoding import decode
from ml_connector.finance.invoices import CustomerInvoice, CustomerPayment, Ref, SupplierInvoice
from ml_connector.finance.journal import JournalEntry, Posting
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Content, Parcel
from ml_connector.finance.selling import SalesOrder
from ml_connector.store import charts, submissions, trips, writes
from ml_connector.store.submissions import Submission
from ml_connector.store.writes import Write

PAGE = 500
RECEIVABLE, PAYABLE, ADVANCE = "receivable", "payable", "advance"
"""Accounts that the ledger chooses by the party: told by role, the number is the ledger's own."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as a bookkeeper reads it. `account` empty: the ledger's own choice for this party."""

    account: str
    name: str
    role: str
    dimensions: tuple[str, ...]
    debit: Money
    credit: Money
    vat: str
    text: str
    source_ids: tuple[str, ...]
    because: str


@dataclass(frozen=True, slots=True)
class Voucher:
    """One document in the ledger, or on its way there."""

    number: str
    kind: str
    state: str
    token: str
    day: date | None
    currency: str
    text: str
    keys: tuple[str, ...]
    trip_ids: tuple[str, ...]
    lines: tuple[Line, ...] = field(default=())

    @property
    def total(self) -> Money:
        return Money(sum(line.debit.minor for line in self.lines), self.currency)


def vouchers(works: Works, company_id: str) -> Iterator[Voucher]:
    """Documents of a company in the order they were made, in pages; master data too, without lines."""
    chart = stored_chart(works, company_id)
    after = ""
    while True:
        with works.database.reading() as c:
            page = submissions.of_company(c, company_id, states=("done",), after=after, limit=PAGE)
            members = writes.of_submissions(c, [one.id for one in page])
            names = trips.with_external_ids(c, sorted({w.trip_id for several in members.values() for w in several}))
        if not page:
            return
        for one in page:
            yield voucher_of(one, members.get(one.id, []), chart=chart, names=names)
        after = page[-1].id


def voucher(works: Works, workspace_id: str, number: str) -> list[Voucher]:
    """Every document with this number, token or remote id. Raises UsageError when there is none."""
    with works.database.reading() as c:
        found = submissions.by_number(c, workspace_id, number)
        members = writes.of_submissions(c, [one.id for one in found])
        names = trips.with_external_ids(c, sorted({w.trip_id for several in members.values() for w in several}))
    if not found:
        raise UsageError("No document of ours has this number.", record=number, fix="See `ml-connector census`.")
    return [
        voucher_of(one, members.get(one.id, []), chart=stored_chart(works, one.company_id), names=names)
        for one in found
    ]


def stored_chart(works: Works, company_id: str) -> Chart | None:
    """The chart as last read, for names of accounts; nothing is called. None before the first reading."""
    with works.database.reading() as c:
        row = charts.newest(c, company_id)
    return decode(Chart, json.loads(row.body)) if row else None


def voucher_of(
    one: Submission, members: Sequence[Write], *, chart: Chart | None, names: Mapping[str, tuple[str, str, str]]
) -> Voucher:
    """A submission with the writes it carries, as a journal. `names`: (kind, external id, connection) by trip."""
    content = contents.of_submission(one)
    sources = {write.key: names[write.trip_id][1] for write in members if write.trip_id in names}
    reasons = _reasons(members)
    return Voucher(
        number=one.number or "",
        kind=one.kind,
        state=one.state,
        token=one.token,
        day=getattr(content, "day", None),
        currency=_currency(content),
        text=getattr(content, "text", "") or one.key,
        keys=tuple(write.key for write in members),
        trip_ids=tuple(dict.fromkeys(write.trip_id for write in members)),
        lines=tuple(_lines(content, chart, sources, reasons)),
    )


def lines_of(kind: str, content: Content, why: Sequence[Sequence[str]], *, chart: Chart | None) -> tuple[Line, ...]:
    """The lines of a content that is planned and not sent yet. `why`: (what, chosen, because) each.

    Of a sales order what its invoice will come to: until then it books nothing.
    """
    del kind
    if isinstance(content, SalesOrder):
        return tuple(_order_lines(content, [tuple(one) for one in why]))
    return tuple(_lines(content, chart, {}, [tuple(one) for one in why]))


def _reasons(members: Sequence[Write]) -> list[tuple[str, ...]]:
    found: dict[tuple[str, ...], None] = {}
    for write in members:
        for why in json.loads(write.content).get("why", []):
            found[tuple(str(part) for part in why)] = None
    return list(found)


def _currency(content: Content | Parcel) -> str:
    if isinstance(content, CustomerPayment):
        return content.amount.currency
    return str(getattr(content, "currency", "") or "")


def _lines(
    content: Content | Parcel, chart: Chart | None, sources: Mapping[str, str], reasons: Sequence[tuple[str, ...]]
) -> Iterator[Line]:
    everything = tuple(sources.values())
    if isinstance(content, JournalEntry):
        for posting in content.postings:
            yield _journal_line(posting, chart, sources, reasons)
    elif isinstance(content, CustomerInvoice):
        yield from _invoice_lines(content, chart, everything, reasons)
    elif isinstance(content, CustomerPayment):
        yield from _payment_lines(content, chart, everything, reasons)
    elif isinstance(content, SupplierInvoice):
        yield from _supplier_lines(content, chart, everything, reasons)
    # Cards, reversals and what goes to other systems hold no money of the ledger: no lines


def _journal_line(
    posting: Posting, chart: Chart | None, sources: Mapping[str, str], reasons: Sequence[tuple[str, ...]]
) -> Line:
    vat = " ".join(part for part in (posting.vat_code, posting.vat_id) if part)
    ids = (sources[posting.source],) if posting.source in sources else tuple(sources.values())
    return Line(
        account=posting.account,
        name=_name(chart, posting.account),
        role=posting.role,
        dimensions=tuple(f"{segment}={value}" for segment, value in posting.dimensions),
        debit=posting.debit,
        credit=posting.credit,
        vat=vat,
        text=posting.text,
        source_ids=ids,
        because=_because(
            reasons, posting.role, posting.account, posting.vat_id, *_cash_numbers(chart, posting.account)
        ),
    )


def _invoice_lines(
    content: CustomerInvoice, chart: Chart | None, ids: tuple[str, ...], reasons: Sequence[tuple[str, ...]]
) -> Iterator[Line]:
    sign = -1 if content.kind == "credit_note" else 1
    yield _line("", f"customer {_party(content.customer)}", RECEIVABLE, content.total, sign, ids, "the ledger's own")
    for line in content.lines:
        because = _because(reasons, line.role, line.account)
        shown = _line(line.account, _name(chart, line.account), line.role, line.net, -sign, ids, because)
        yield _with(shown, dimensions=tuple(f"{s}={v}" for s, v in line.dimensions), vat=line.vat_code, text=line.text)
    if content.vat_total:
        yield _line("", "VAT by its code", "vat", content.vat_total, -sign, ids, "the ledger's own, by VAT code")


def _order_lines(content: SalesOrder, reasons: Sequence[tuple[str, ...]]) -> Iterator[Line]:
    yield _line("", f"customer {_party(content.customer)}", RECEIVABLE, content.total, 1, (), "the ledger's invoice")
    for line in content.lines:
        shown = _line(line.item, line.text, line.role, line.net, -1, (), _because(reasons, "item", line.item))
        yield _with(shown, dimensions=(f"quantity={line.quantity}",), vat=line.vat_code, text=line.text)
    if content.vat_total:
        yield _line("", "VAT by its code", "vat", content.vat_total, -1, (), "the ledger's own, by VAT code")


def _payment_lines(
    content: CustomerPayment, chart: Chart | None, ids: tuple[str, ...], reasons: Sequence[tuple[str, ...]]
) -> Iterator[Line]:
    sign = -1 if content.kind == "refund" else 1
    cash = chart.cash_accounts.get(content.cash_account) if chart else None
    account = cash.account if cash else content.cash_account
    because = _because(reasons, "clearing", content.cash_account, account)
    yield _line(account, _name(chart, account), "clearing", content.amount, sign, ids, because)
    advance = content.kind == "prepayment"
    name = f"{'prepayments of ' if advance else ''}customer {_party(content.customer)}"
    role = ADVANCE if advance else RECEIVABLE
    yield _line("", name, role, content.amount, -sign, ids, "the ledger's own")


def _supplier_lines(
    content: SupplierInvoice, chart: Chart | None, ids: tuple[str, ...], reasons: Sequence[tuple[str, ...]]
) -> Iterator[Line]:
    for line in content.lines:
        because = _because(reasons, "fee", line.account)
        shown = _line(line.account, _name(chart, line.account), "cost", line.net, 1, ids, because)
        yield _with(shown, dimensions=tuple(f"{s}={v}" for s, v in line.dimensions), vat=line.vat_code, text=line.text)
    if content.vat_total:
        yield _line("", "VAT by its code", "vat", content.vat_total, 1, ids, "the ledger's own, by VAT code")
    yield _line("", f"supplier {_party(content.supplier)}", PAYABLE, content.total, -1, ids, "the ledger's own")


def _line(account: str, name: str, role: str, amount: Money, sign: int, ids: tuple[str, ...], because: str) -> Line:
    minor = amount.minor * sign
    zero = Money(0, amount.currency)
    debit = Money(minor, amount.currency) if minor > 0 else zero
    credit = Money(-minor, amount.currency) if minor < 0 else zero
    return Line(account, name, role, (), debit, credit, "", "", ids, because)


def _with(line: Line, *, dimensions: tuple[str, ...], vat: str, text: str) -> Line:
    return Line(
        line.account,
        line.name,
        line.role,
        dimensions,
        line.debit,
        line.credit,
        vat,
        text,
        line.source_ids,
        line.because,
    )


def _party(number: str | Ref) -> str:
    return number.key if isinstance(number, Ref) else number


def _name(chart: Chart | None, account: str) -> str:
    found = chart.accounts.get(account) if chart else None
    return found.description if found else ""


def _cash_numbers(chart: Chart | None, account: str) -> tuple[str, ...]:
    return tuple(cash.number for cash in chart.cash_account_on(account)) if chart else ()


def _because(reasons: Sequence[tuple[str, ...]], role: str, *chosen: str | None) -> str:
    """Why one of these values was chosen: a reason that names the role goes before one that only names the value."""
    fitting = [one for one in reasons if len(one) == 3 and one[1] in chosen]
    named = [one for one in fitting if role.replace("_", " ") in one[0]]
    best: Any = (named or fitting or [("", "", "")])[0]
    return str(best[2])
