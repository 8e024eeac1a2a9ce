"""VAT in a journal transaction that asks for a VAT transaction.

The vendor's texts do not say how it groups lines. Here, strictly: lines with the same reference and VAT category form a
group; in it the lines with a VAT id are the VAT, the others its base, and VAT must be rate x base.
"""

from __future__ import annotations

from decimal import Decimal

from ml_connector_sandbox.visma.chart import ZERO, Chart
from ml_connector_sandbox.visma.company import Company
from ml_connector_sandbox.visma.journal import Batch, Line
from ml_connector_sandbox.visma.refusal import Refusal


def check_vat(company: Company, batch: Batch) -> None:
    """Check ids, pairs and accounts, and unless switched off the amounts. Raises Refusal."""
    bases: dict[tuple[str, str], Decimal] = {}
    taxes: dict[tuple[str, str], dict[str, Decimal]] = {}
    for line in batch.lines:
        if not (line.vat_code or line.vat_id):
            continue
        group = (line.reference, line.vat_code)
        if line.vat_id:
            _check_pair(company.chart, batch, line)
            found = taxes.setdefault(group, {})
            found[line.vat_id] = found.get(line.vat_id, ZERO) + line.credit - line.debit
        else:
            bases[group] = bases.get(group, ZERO) + line.credit - line.debit
    if not batch.skip_vat_check:
        for group in {**bases, **taxes}:
            _check_amount(company, batch, group, bases.get(group, ZERO), taxes.get(group, {}))


def _check_pair(chart: Chart, batch: Batch, line: Line) -> None:
    vat = chart.vats[line.vat_id]
    if line.vat_code not in vat.categories:
        raise Refusal(400, f"TaxID '{vat.id}' cannot be found in VAT category '{line.vat_code}'.")
    if vat.not_valid_after is not None and batch.date > vat.not_valid_after:
        raise Refusal(400, f"TaxID '{vat.id}' is not valid after {vat.not_valid_after.isoformat()}.")
    if line.account not in (vat.payable, vat.claimable):
        raise Refusal(400, f"Account '{line.account.number}' is not an account of TaxID '{vat.id}'.")


def _check_amount(
    company: Company, batch: Batch, group: tuple[str, str], base: Decimal, taxes: dict[str, Decimal]
) -> None:
    chart = company.chart
    rates = [vat.rate(batch.date) for vat in chart.vats.values() if group[1] in vat.categories and not vat.reverse]
    if taxes:
        rates = [chart.vats[vat_id].rate(batch.date) for vat_id in taxes]
    rate = max(rates, default=ZERO)
    expected = chart.rounded(base * rate / 100, batch.currency)
    entered = sum(taxes.values(), ZERO)
    if abs(entered - expected) > company.preferences.vat_tolerance:
        raise Refusal(
            400,
            f"The VAT amount {entered} of VAT category '{group[1]}' with reference '{group[0]}' does not match the VAT"
            f" rate: {expected} is expected.",
        )
