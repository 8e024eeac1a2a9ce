"""Registered customers of a shop in the ledger: customers once they bought, suppliers where the route says so."""

from __future__ import annotations

from dataclasses import replace

from ml_connector.finance.documents import Party
from ml_connector.finance.plan import Finding, Ignore, Plan, PlannedWrite, Related
from ml_connector.finance.rulebook import Terms
from ml_connector.rules.parties import Known, know

_ALL = "*"


def as_supplier(customer: Party, terms: Terms) -> Party | None:
    """The supplier that a member of this customer group is; None: none. One who also buys is a customer as well."""
    groups = {group.strip().casefold() for group in terms.supplier_groups}
    if _ALL not in groups and customer.group.casefold() not in groups:
        return None
    return replace(customer, role="supplier")


def plan_shop_party(customer: Party, related: Related, terms: Terms) -> Plan | Ignore:
    """The cards that stand for a customer record: those we made are kept up to date, others belong to the ledger."""
    known = know(customer, related, terms, to_book=False)
    writes: tuple[PlannedWrite, ...] = known.writes if known.match.made else ()
    findings: tuple[Finding, ...] = known.findings if known.match.made else ()
    supplier = as_supplier(customer, terms)
    if supplier is not None:
        other = know(supplier, related, terms, to_book=False)
        writes, findings = (*writes, *other.writes), (*findings, *other.findings)
        if not writes and not findings:
            return Ignore(_theirs(other, "supplier"))
    if not writes and not findings:
        made = "a customer is written when an order is booked on it"
        return Ignore(made if known.match.number is None else _theirs(known, "customer"))
    return Plan(writes, findings)


def _theirs(known: Known, role: str) -> str:
    return f"{role} {known.why.chosen} keeps its own card in the ledger: {known.match.because}"
