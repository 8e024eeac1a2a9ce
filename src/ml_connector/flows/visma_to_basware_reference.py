"""Accounts, segment values, VAT categories and credit terms of the ledger: rows of reference data there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from ml_connector.finance.chart import Chart
from ml_connector.finance.plan import Explanation, Finding, Hold, Ignore, Need, Plan, PlannedWrite, Related, Verdict
from ml_connector.finance.procurement import PaymentTermRule, ReferenceKind, ReferenceRow
from ml_connector.finance.purchasing import DueRule, ReferenceValue
from ml_connector.finance.rulebook import Terms
from ml_connector.rules.purchase_codes import code, key, parcel, percent_of, too_long

FIRST_DAY = date(2000, 1, 1)  # terms have no beginning in the ledger
_KEYS = {"account": "account", "vat_category": "vat", "credit_term": "term", "segment_value": "segment"}
_RECORDS = {"account": "account", "vat_category": "vatcategory", "segment_value": "segmentvalue"}
_WORDS = str.maketrans("", "", " -_/")


def plan_reference(value: ReferenceValue, related: Related, terms: Terms, chart: Chart) -> Verdict:
    """One row.

    What is inactive and was never sent is left out; what was sent is sent again as inactive: that is the only deletion
    there.
    """
    target = _target(value, terms)
    if isinstance(target, Ignore):
        return target
    own = reference_key(terms, value)
    if not value.active and own not in related.posted:
        return Ignore("it is inactive and was never sent")
    kind, list_key = target
    against = too_long(value.code, "code", own, most=250 if kind == "list" else 25)
    if against is not None:
        return Hold((against,))
    row = ReferenceRow(
        kind=kind,
        external_code=code(terms, kind, str(value.segment) if value.segment else "", value.code),
        company=terms.purchase.company,
        code=value.code,
        name=value.name or value.code,
        source=own,
        active=value.active,
        languages=terms.purchase.languages,
        list_key=list_key,
        columns=_columns(value, terms) if kind == "list" else {},
        spare=terms.purchase.list_spare_column if kind == "list" else "",
    )
    if kind == "tax_code":
        return _tax_code(row, value, related, terms, chart)
    if kind == "payment_term":
        row = _with_term(row, value.rule or DueRule(), terms)
    return _planned(row, terms)


def reference_key(terms: Terms, value: ReferenceValue) -> str:
    """The key of a row."""
    name = f"{value.segment}/{value.code}" if value.segment else value.code
    return key(terms, _KEYS[value.kind], name)


def term_need(term: str) -> Need:
    """The ledger's credit terms of this id; that there are none is an answer."""
    return Need(kind="creditterm", id=term, optional=True)


def term_needs(term: str, related: Related, terms: Terms) -> tuple[str, ...]:
    """The key that must be done before a record may name these credit terms: Basware refuses terms it lacks.

    Terms that are not active are not sent by us: then Basware itself says whether it knows them.
    """
    found = related.one(term_need(term)) if term else None
    return (key(terms, "term", term),) if isinstance(found, ReferenceValue) and found.active else ()


def coding_needs(
    terms: Terms, *, accounts: Iterable[str], vat_codes: Iterable[str], segments: Iterable[tuple[int, str]]
) -> tuple[Need, ...]:
    """The ledger's rows that a coding names, as far as they go there; that there are none is an answer."""
    named = [("account", one) for one in accounts] + [("vat_category", one) for one in vat_codes]
    named += [("segment_value", f"{segment}/{value}") for segment, value in segments if _goes(segment, terms)]
    return tuple(Need(kind=_RECORDS[kind], id=name, optional=True) for kind, name in dict.fromkeys(named) if name)


def coding_keys(asked: Iterable[Need], related: Related, terms: Terms) -> tuple[str, ...]:
    """The keys that must be done before a coding may name these rows: Basware refuses codes it lacks."""
    found = (related.one(need) for need in asked)
    sent = [one for one in found if isinstance(one, ReferenceValue) and one.active]
    return tuple(reference_key(terms, one) for one in sent if not isinstance(_target(one, terms), Ignore))


def _goes(segment: int, terms: Terms) -> bool:
    return terms.purchase.dimensions.get(segment, "") == "cost_center" or bool(terms.purchase.lists.get(segment, ""))


def _target(value: ReferenceValue, terms: Terms) -> tuple[ReferenceKind, str] | Ignore:
    if value.kind == "account":
        return "account", ""
    if value.kind == "vat_category":
        return "tax_code", ""
    if value.kind == "credit_term":
        return "payment_term", ""
    where = terms.purchase.dimensions.get(value.segment, "")
    if where == "cost_center":
        return "cost_center", ""
    if list_key := terms.purchase.lists.get(value.segment, ""):
        return "list", list_key
    return Ignore(f"segment {value.segment} goes nowhere: the route's purchase terms name no list for it")


def _columns(value: ReferenceValue, terms: Terms) -> dict[str, str]:
    return {
        terms.purchase.list_code_column: value.code,
        terms.purchase.list_name_column: (value.name or value.code)[:50],
    }


def _tax_code(row: ReferenceRow, value: ReferenceValue, related: Related, terms: Terms, chart: Chart) -> Verdict:
    """The rate is the domestic zone's, of the day the set-up was read."""
    day = chart.read_at.date()
    percent = percent_of(chart, value.code, zone=terms.purchase.vat_zone, day=day)
    if percent is None and not row.active:
        posted = related.posted.get(row.source)
        percent = posted.percent if isinstance(posted, ReferenceRow) else None
    if percent is None:
        zone = terms.purchase.vat_zone
        return Hold((Finding(
            "tax-rate-unknown",
            f"VAT category {value.code} has no rate {f'in zone {zone} ' if zone else ''}today; Basware asks for one. "
            "Connect it to a VAT id of the domestic zone in Visma, name that zone in the purchase terms, or ignore it.",
            "purchase.vat_zone", {"vat_code": value.code, "zone": zone},
        ),))  # fmt: skip
    made = replace(row, percent=percent)
    why = Explanation("tax percentage", str(percent), f"rate of {value.code} on {day}")
    return _planned(made, terms, why)


def _with_term(row: ReferenceRow, rule: DueRule, terms: Terms) -> ReferenceRow:
    until = date.fromisoformat(terms.purchase.term_valid_to)
    return replace(row, term=term_rule(rule), valid_from=FIRST_DAY, valid_to=until)


def term_rule(rule: DueRule) -> PaymentTermRule:
    """Credit terms as there: instalments and rules of words we do not know leave due dates to people."""
    word = rule.kind.translate(_WORDS).casefold()
    if rule.instalments:
        return PaymentTermRule(automatic=False)
    if word in {"fixednumberofdays", "n", ""}:
        made = PaymentTermRule(days=rule.days or 0)
    elif word in {"endofmonth", "e", "endofnextmonth", "m"}:
        made = PaymentTermRule(month_ends=2 if word in {"endofnextmonth", "m"} else 1)
    elif word in {"dayofnextmonth", "d", "fixednumberofdaysstartingnextmonth", "p"}:
        made = PaymentTermRule(month_ends=1, days_after_month=rule.day_of_month or 0)
    else:
        made = PaymentTermRule(automatic=False)
    if not rule.discount_percent:
        return made
    return replace(made, discount_days=rule.discount_days, discount_percent=rule.discount_percent)


def _planned(row: ReferenceRow, terms: Terms, *why: Explanation) -> Plan:
    resource = row.list_key or row.kind
    write = PlannedWrite(row.source, "reference_row", row, pool=parcel(terms, "reference_row", resource), why=why)
    return Plan((write,))
