"""The lines of a document of the ledger with the VAT of each: what the ledger says by VAT id, split over its lines.

Nothing is computed from a rate where the ledger states an amount. The VAT of an id is split in proportion to the nets
of its lines, each rounded half up, and what is left over goes to the largest of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from ml_connector.finance.chart import Chart
from ml_connector.finance.ledger import LedgerInvoice, LedgerLine, LedgerTax
from ml_connector.finance.money import Money, total
from ml_connector.finance.plan import Finding

_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class TaxedLine:
    """A line with its VAT. `rate` None: no VAT id of the ledger speaks of it."""

    line: LedgerLine
    vat: Money
    rate: Decimal | None
    vat_id: str = ""
    reverse: bool = False

    @property
    def gross(self) -> Money:
        return self.line.net + self.vat


def taxed_lines(document: LedgerInvoice, chart: Chart) -> tuple[TaxedLine, ...] | Finding:
    """Every line with an amount and its VAT; they sum to the document's total, or the finding says what does not."""
    currency = document.currency
    nets = total((line.net for line in document.lines), currency)
    if nets + document.vat_total != document.total:
        return _differs(document, nets)
    taxes = _in_currency(document, chart)
    if isinstance(taxes, Finding):
        return taxes
    found: dict[int, TaxedLine] = {
        place: TaxedLine(line, Money.zero(currency), None) for place, line in enumerate(document.lines)
    }
    for tax in taxes:
        places = _of_tax(document.lines, tax, chart, alone=len(taxes) == 1)
        if not places or any(found[place].vat_id for place in places):
            return _unassigned(document, tax)
        vat = chart.vat_ids.get(tax.vat_id)
        shares = _shares([document.lines[place].net.minor for place in places], tax.vat.minor)
        for place, share in zip(places, shares, strict=True):
            found[place] = TaxedLine(
                document.lines[place], Money(share, currency), tax.rate, tax.vat_id, vat is not None and vat.reverse
            )
    return tuple(one for one in found.values() if one.line.net.minor or one.vat.minor)


def _in_currency(document: LedgerInvoice, chart: Chart) -> Sequence[LedgerTax] | Finding:
    """The document's taxes, proven to be in its own currency: what is charged sums to its VAT.

    Of a foreign document the ledger may show them in base currency. Then they are worked out by their rates, and count
    when those sum up.
    """
    if not document.taxes:
        return _missing(document) if document.vat_total else ()
    zero = Money.zero(document.currency)
    stated = [replace(tax, vat=zero) if _is_reverse(tax, chart) else tax for tax in document.taxes if tax.vat_id]
    if sum(tax.vat.minor for tax in stated) == document.vat_total.minor:
        return stated
    computed = [_by_rate(document, tax, chart) for tax in stated]
    use = chart.currencies.get(document.currency)
    if (use is None or not use.base) and sum(tax.vat.minor for tax in computed) == document.vat_total.minor:
        return computed
    return Finding(
        "vat-differs",
        f"The VAT of {document.number} by VAT id does not sum to its {document.vat_total}. Handle the document by hand "
        "and ignore it here.",
        "vat",
        {"stated": str(document.vat_total)},
    )


def _by_rate(document: LedgerInvoice, tax: LedgerTax, chart: Chart) -> LedgerTax:
    vat = chart.vat_ids.get(tax.vat_id)
    codes = vat.categories if vat is not None else ()
    base = sum(line.net.minor for line in document.lines if line.vat_code in codes)
    rate = Decimal(0) if _is_reverse(tax, chart) else tax.rate or Decimal(0)
    minor = int((base * rate / _HUNDRED).quantize(Decimal(1), ROUND_HALF_UP))
    return replace(tax, base=Money(base, document.currency), vat=Money(minor, document.currency))


def _is_reverse(tax: LedgerTax, chart: Chart) -> bool:
    vat = chart.vat_ids.get(tax.vat_id)
    return vat is not None and vat.reverse


def _missing(document: LedgerInvoice) -> Finding:
    return Finding(
        "vat-details-missing",
        f"The ledger shows {document.vat_total} VAT on {document.number} and not by VAT id. Read the document again; "
        "if it stays, handle it by hand and ignore it here.",
        "vat",
    )


def _of_tax(lines: Sequence[LedgerLine], tax: LedgerTax, chart: Chart, *, alone: bool) -> list[int]:
    """The lines that a VAT id taxes: by their VAT codes as the chart has them; by their sum where it has none."""
    vat = chart.vat_ids.get(tax.vat_id)
    named = [
        place
        for place, line in enumerate(lines)
        if line.net.minor and line.vat_code and vat is not None and line.vat_code in vat.categories
    ]
    if named and sum(lines[place].net.minor for place in named) == tax.base.minor:
        return named
    coded = {line.vat_code for line in lines if line.vat_code and line.net.minor}
    for code in sorted(coded):
        places = [place for place, line in enumerate(lines) if line.vat_code == code and line.net.minor]
        if sum(lines[place].net.minor for place in places) == tax.base.minor and (
            vat is None or code in vat.categories
        ):
            return places
    every = [place for place, line in enumerate(lines) if line.net.minor]
    return every if alone and sum(lines[place].net.minor for place in every) == tax.base.minor else []


def _shares(nets: Sequence[int], vat: int) -> list[int]:
    base = sum(nets)
    if not base:
        return [vat if place == 0 else 0 for place in range(len(nets))]
    shares = [int((Decimal(vat) * net / base).quantize(Decimal(1), ROUND_HALF_UP)) for net in nets]
    largest = max(range(len(nets)), key=lambda place: (abs(nets[place]), -place))
    shares[largest] += vat - sum(shares)
    return shares


def _differs(document: LedgerInvoice, nets: Money) -> Finding:
    return Finding(
        "document-total-differs",
        f"The lines of {document.number} are {nets} and its VAT {document.vat_total}, which is not its total of "
        f"{document.total}. A rounding or a discount stands outside its lines: handle it by hand and ignore it here.",
        "total",
        {"stated": str(document.total), "found": str(nets + document.vat_total)},
    )


def _unassigned(document: LedgerInvoice, tax: LedgerTax) -> Finding:
    return Finding(
        "vat-lines-differ",
        f"The {tax.vat} VAT of id {tax.vat_id} on {document.number} is of {tax.base}, and its lines do not tell which "
        "of them that is. Handle the document by hand and ignore it here.",
        "vat",
        {"vat_id": tax.vat_id},
    )
