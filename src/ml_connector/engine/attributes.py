"""Customers' attributes that terms and rules name, as the ledger has them: what is not there marks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ml_connector.connectors.shapes import Writer
from ml_connector.finance.plan import Finding
from ml_connector.finance.rulebook import Rule, Terms


def named(terms: Terms, rules: Iterable[Rule]) -> dict[str, set[str]]:
    """Every value by the id of its attribute."""
    found: dict[str, set[str]] = {name: set(values) for name, values in terms.collect_attributes.items()}
    for rule in rules:
        for one in rule.when.attribute:
            name, _, value = one.partition("=")
            found.setdefault(name, set()).add(value)
    return found


def findings(writer: Writer, terms: Terms, rules: Iterable[Rule]) -> Iterator[Finding]:
    """What of them the ledger does not know. One call for each attribute, none where none is named."""
    for name, values in sorted(named(terms, rules).items()):
        known = writer.look_up("attribute", {"number": name})
        if not known:
            yield Finding(
                "attribute-unknown",
                f"Attribute {name} is not in the ledger, so that no customer has it. Create it in Visma, or correct "
                "the terms or the rule that names it.",
                name,
            )
            continue
        choices = known[0].facts.get("values", "").splitlines()
        for value in sorted(values - set(choices)) if choices else ():
            yield Finding(
                "attribute-value-unknown",
                f"Attribute {name} has no value {value} in the ledger. Correct the terms or the rule: its values are "
                f"{', '.join(choices[:20])}.",
                name,
                {"choices": choices},
            )
