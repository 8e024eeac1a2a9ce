"""A place of the source and the dimension of the ledger that is called like it: a match for a person to accept."""

from __future__ import annotations

from ml_connector.finance.chart import Chart, Segment
from ml_connector.finance.rulebook import Rule, Rulebook, When

ROLES = ("sales", "service_charge", "fee", "tips")  # a place's dimension stands on these, never on money


def rule_for(location: str, name: str, book: Rulebook, chart: Chart) -> Rule | None:
    """The rule that gives a place the dimensions named like it; None where none is, or several are.

    Looked at are the segments by which other places are told apart already; before there is any, all of them.
    """
    by_place = [rule for rule in book.rules if rule.when.location and rule.dimensions]
    used = {segment for rule in by_place for segment, _ in rule.dimensions}
    found = {}
    for segment in chart.segments.values():
        alike = _alike(segment, name)
        if len(alike) == 1 and (not used or segment.id in used):
            found[segment.id] = alike[0]
    if not found or (not used and len(found) > 1):
        return None
    roles = by_place[0].roles if by_place else ROLES
    return Rule(
        f"place-{'-'.join(name.casefold().split())}",
        roles,
        When(location=(location,)),
        dimensions=tuple(sorted(found.items())),
    )


def _alike(segment: Segment, name: str) -> list[str]:
    wanted = name.strip().casefold()
    return [
        value
        for value, active in segment.values.items()
        if active and wanted and wanted in (value.casefold(), segment.names.get(value, "").strip().casefold())
    ]
