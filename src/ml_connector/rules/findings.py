"""Findings that several recipes raise, each in three parts: what happened, to which record, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Related
from ml_connector.rules.dimension_values import Proposal
from ml_connector.rules.mapping import CASH_ROLES, Facts, Mapper

_ASKED = {
    "clearing": ("currency",),
    "bank": ("currency", "method"),
    "till": ("currency", "location"),
    "external": ("method", "currency"),
    "sales": ("vat_rate",),
    "vat": ("vat_rate", "country"),
    "payout_adjustment": ("type",),
}
"""The facts by which a new rule for this role is usually told apart; roles not named need none."""


_OF_A_RATE = frozenset({"vat_code", "vat_id"})


def mapping_missing(
    mapper: Mapper,
    role: str,
    name: str,
    *,
    facts: Facts,
    record: str,
    also: tuple[str, ...] = (),
    instead: str | None = None,
) -> Finding:
    """No rule sets this field of a role.

    The proposal is a rule a person can accept, filled from the most similar one, else with what the ledger gives
    (`instead`); it asks for the facts `also` too.
    """
    asked = (*_ASKED.get(role, ()), *also)
    known = [(fact, value) for fact in asked if (value := _nearest(getattr(facts, fact))) is not None]
    said = ", ".join(f"{fact} = {value}" for fact, value in known)
    filled = _similar(mapper, role, name, facts) or instead
    snippet = [
        "[[rule]]",
        f'id = "{"-".join([role, *(_slug(value) for _, value in known)])}"',
        f'roles = ["{role}"]',
        f'{name} = "{filled or ""}"',
        *(["[rule.when]"] if known else []),
        *(f'{fact} = ["{_plain(value)}"]' for fact, value in known),
    ]
    kind = name.replace("_", " ")
    return Finding(
        "mapping-missing",
        f"No rule gives the {kind} for {role.replace('_', ' ')}{f' ({said})' if said else ''}, needed by {record}. "
        "Accept the proposed rule or write one.",
        f"{role}.{name}",
        {
            "rule": "\n".join(snippet) + "\n",
            "role": role,
            "field": name,
            name: filled or "",
            "when": {f: _plain(v) for f, v in known},
        },
    )


def location_unmapped(
    location: str, *, name: str = "", time_zone: str = "", currency: str = "", rule: str = "",
    new_value: Proposal | None = None,
) -> Finding:  # fmt: skip
    """A place of the source for which nobody has said branch, time zone and dimensions yet.

    `rule`: the dimensions of the ledger that are called like it, as a rule to accept. `new_value`: what could be made
    there for it.
    """
    called = f"{name} ({location})" if name else location
    alike = " The proposed rule takes the dimension of the ledger that has its name." if rule else ""
    if new_value is not None and not rule:
        made = f"{new_value.value} {new_value.description} in dimension {new_value.segment}"
        alike = f" No dimension of the ledger has its name: `create` makes {made} there, once a person has said so."
    return Finding(
        "location-unmapped",
        f"Location {called} is new and not mapped. Say its branch, time zone and dimensions; its records wait until "
        f"then.{alike}",
        "location",
        {
            "location": location, "name": name, "time_zone": time_zone, "currency": currency,
            **({"place_rule": rule} if rule else {}),
            **({"new_value": asdict(new_value)} if new_value is not None and not rule else {}),
        },
    )  # fmt: skip


def differs(code: str, what: str, *, stated: Money, found: Money, record: str, fix: str) -> Finding:
    """Two amounts that must agree do not."""
    return Finding(
        code,
        f"{what} of {record} is stated as {stated} and adds up to {found}: {stated - found} is unexplained. {fix}",
        "total",
        {"stated": str(stated), "found": str(found)},
    )


def decided(related: Related, code: str) -> str:
    """What a person answered to a finding, in lower case; empty when nobody has."""
    return related.decisions.get(code, "").strip().casefold()


def approved(related: Related, code: str) -> bool:
    """Whether a person said yes to a finding."""
    return decided(related, code) in {"approve", "approved", "yes", "true"}


def blocking(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that stop a record, each once."""
    seen: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        if finding.blocks:
            seen.setdefault((finding.code, finding.field, finding.sentence), finding)
    return tuple(seen.values())


def _similar(mapper: Mapper, role: str, name: str, facts: Facts) -> str | None:
    """The value that the most similar rule of this role sets: the one most of whose conditions hold."""
    best: tuple[int, str] | None = None
    for rule in mapper.rules_for(role):
        value = getattr(rule, name)
        if value is None or role in CASH_ROLES:
            continue  # a cash account keeps one currency: another currency's is never a proposal
        if name in _OF_A_RATE and rule.when.vat_rate and facts.vat_rate not in rule.when.vat_rate:
            continue  # nor is another rate's VAT
        if name in _OF_A_RATE and rule.when.country and facts.country not in rule.when.country:
            continue  # nor another country's: it would go into the wrong return
        score = sum(
            getattr(facts, fact) in getattr(rule.when, fact) for fact in ("location", "method", "type", "currency")
        )
        if best is None or score > best[0]:
            best = (score, value)
    return best[1] if best else None


def _nearest(fact: object) -> object:
    """A fact that has several names is asked for by the first; None where nothing is known."""
    return next(iter(fact), None) if isinstance(fact, tuple) else fact


def _plain(value: object) -> str:
    return str(value).replace("\\", "").replace('"', "")


def _slug(value: object) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in str(value)).strip("-").casefold()
