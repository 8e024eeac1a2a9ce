"""VAT on documents: the party's zone x the line's category gives VAT ids, whose rate of the day gives the amounts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from ml_connector_sandbox.visma.bodies import Body
from ml_connector_sandbox.visma.chart import ZERO, Chart, Vat
from ml_connector_sandbox.visma.refusal import Refusal


@dataclass(slots=True)
class Tax:
    """The VAT of one VAT id on a document, in the document's currency."""

    vat: Vat
    rate: Decimal
    taxable: Decimal
    amount: Decimal


def vat_ids(chart: Chart, zone: str, category: str, on: date) -> list[Vat]:
    """The VAT ids that fit both zone and category. Raises Refusal when the category has some, but none for the zone."""
    if category not in chart.categories:
        raise Refusal(400, f"'VAT category' '{category}' cannot be found in the system.")
    inside = [vat for vat in chart.vats.values() if category in vat.categories]
    fitting = [vat for vat in inside if zone in vat.zones]
    if inside and not fitting:
        raise Refusal(400, f"TaxID '{inside[0].id}' cannot be found in VAT zone '{zone}'.")
    for vat in fitting:
        if vat.not_valid_after is not None and on > vat.not_valid_after:
            raise Refusal(400, f"TaxID '{vat.id}' is not valid after {vat.not_valid_after.isoformat()}.")
    return fitting


def taxes(
    chart: Chart, zone: str, lines: Iterable[tuple[str, Decimal]], on: date, currency: str, *, gross: bool = False
) -> list[Tax]:
    """The VAT of lines given as (category, amount). `gross`: the amounts contain it."""
    bases: dict[str, tuple[Vat, Decimal]] = {}
    for category, amount in lines:
        if not category:
            continue
        for vat in vat_ids(chart, zone, category, on):
            bases[vat.id] = (vat, bases.get(vat.id, (vat, ZERO))[1] + amount)
    found = []
    for vat, base in bases.values():
        rate = vat.rate(on)
        inside = gross and not vat.reverse
        amount = chart.rounded(base * rate / (100 + rate if inside else 100), currency)
        found.append(Tax(vat, rate, base - amount if inside else base, amount))
    return found


def overridden(found: list[Tax], rows: list[Body]) -> list[Tax]:
    """The VAT with the amounts a body sets. Raises Refusal for a VAT id the document does not have."""
    by_id = {tax.vat.id: tax for tax in found}
    for row in rows:
        tax = by_id.get(row.get("taxId") or "")
        if tax is None:
            raise Refusal(400, f"TaxID '{row.get('taxId')}' cannot be found on the document.")
        if row.get("taxableAmount") is not None:
            tax.taxable = row["taxableAmount"]
        if row.get("vatAmount") is not None:
            tax.amount = row["vatAmount"]
    return found
