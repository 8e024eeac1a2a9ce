"""The recipe of money changed from one currency to another: two journals of one currency each, linked through transit.

The ledger gives the foreign one its worth in base currency by its own rate. The one in base currency takes exactly that
off transit again; what is left over is currency gain or loss. Where neither is in base currency, nothing can be closed
by what is known here, and a person is told.
"""

from __future__ import annotations

from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Plan
from ml_connector.rules.bookkeeping import Sheet
from ml_connector.rules.texts import begun


def plan_exchange(out: Sheet, into: Sheet, *, given: Money, got: Money, text: str, needs: tuple[str, ...] = ()) -> Plan:
    """`out` gives and `into` receives, each with its posting on transit. `needs`: what must be done before either."""
    base = out.books.chart.base_currency
    first, second = (into, out) if out.currency == base else (out, into)
    left: tuple[Finding, ...] = ()
    if second.currency == base:
        second.close_transit(first.key)
    else:
        left = (_left_on_transit(out, given, got, base or "base currency"),)
    made = (first.write(text, needs=needs), second.write(text, needs=(first.key, *needs)))
    findings = (*first.findings, *second.findings)
    if any(finding.blocks for finding in findings):
        return Plan((), findings)
    return Plan(tuple(write for write in made if write is not None), (*findings, *left))


def _left_on_transit(sheet: Sheet, given: Money, got: Money, base: str) -> Finding:
    return Finding(
        "transit-residue",
        f"{begun(sheet.record)} of {given} to {got} went through money in transit, and neither is in {base}. Post what "
        "it leaves there in base currency as currency gain or loss.",
        "transit",
        blocks=False,
    )
