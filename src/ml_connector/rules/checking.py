"""A rulebook against the ledger, before anything is posted by it: what its rules name, and which can never speak."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from decimal import Decimal

from ml_connector.finance.chart import Chart
from ml_connector.finance.plan import Finding
from ml_connector.finance.rulebook import Rule, Rulebook, When
from ml_connector.rules.mapping import CASH_ROLES, CONDITIONS, FIELDS, conditions_of

_EITHER = frozenset({"external"})  # money outside the processor: a cash account, or a claim
_FREE = frozenset(
    {"sales", "vat", "vat_input", "no_vat", "customer", "supplier", "service_charge", "shipping", "discount"}
)
"""Roles whose account may have a VAT category of its own, or that need no account at all."""
_VAT_ROLES = frozenset({"vat", "vat_input"})
_UNASKED = frozenset({"collect"})
"""Roles without which nothing is held: what no rule decides is as the terms say."""


def check_rulebook(
    rulebook: Rulebook, chart: Chart, roles: Collection[str], *, day: date | None = None
) -> tuple[Finding, ...]:
    """Everything wrong with the rules in this ledger.

    `roles`: those a flow asks for; `day` decides which VAT rates hold.
    """
    on = day or rulebook.valid_from
    found: list[Finding] = []
    for place, rule in enumerate(rulebook.rules):
        found.extend(_accounts(rule, chart))
        found.extend(_cash(rule, chart))
        found.extend(_dimensions(rule, chart))
        found.extend(_vat(rule, chart, on))
        found.extend(_others(rule, chart, roles))
        earlier = _shadow(rule, rulebook.rules[:place])
        if earlier is not None:
            found.append(
                _finding(
                    "rule-unreachable",
                    rule,
                    f"can never decide anything: rule {earlier.id} comes first and says more",
                    "Move it up, narrow the other, or remove it.",
                    "id",
                    blocks=False,
                    earlier=earlier.id,
                )
            )
    spoken = {role for rule in rulebook.rules for role in rule.roles}
    found.extend(_unmapped(role) for role in sorted(set(roles) - spoken - _UNASKED))
    return tuple(found)


def _accounts(rule: Rule, chart: Chart) -> Iterator[Finding]:
    if rule.account is None:
        return
    account = chart.accounts.get(rule.account)
    if account is None:
        yield _finding("account-unknown", rule, f"names account {rule.account}, which is not in the ledger",
            "Create it in Visma or correct the rule.", "account", account=rule.account)  # fmt: skip
        return
    if not account.active:
        yield _finding(
            "account-inactive", rule, f"names account {rule.account}, which is inactive", "Choose another.", "account"
        )
    if account.control is not None:
        yield _finding("account-control", rule, f"names account {rule.account}, which belongs to {account.control}",
            "Choose an account that is no control account.", "account")  # fmt: skip
    if not account.manual_entry:
        yield _finding("account-no-manual-entry", rule, f"names account {rule.account}, which takes no journal lines",
            "Allow manual entry on it in Visma, or choose another.", "account")  # fmt: skip
    if account.cash_account and not set(rule.roles) <= CASH_ROLES | _EITHER:
        yield _finding("account-is-cash", rule, f"puts a plain role on cash account {rule.account}",
            "Choose an account that is no cash account: its lines would enter the cash ledger.", "account")  # fmt: skip
    if account.tax_category is not None and not set(rule.roles) <= _FREE:
        yield _finding(
            "account-has-vat",
            rule,
            f"names account {rule.account}, which has VAT category {account.tax_category} of its own",
            "Remove the category in Visma or choose another.",
            "account",
        )
    if "transit" in rule.roles and account.currency is not None:
        yield _finding(
            "account-currency",
            rule,
            f"puts money in transit on account {rule.account}, which keeps {account.currency}",
            "Choose an account without a currency: transit carries every currency.",
            "account",
        )


def _cash(rule: Rule, chart: Chart) -> Iterator[Finding]:
    cash_roles = set(rule.roles) & CASH_ROLES
    if rule.cash_account is None:
        # An account alone is enough where exactly one cash account is kept on it.
        if (
            rule.account is not None
            and cash_roles
            and rule.account in chart.accounts
            and not chart.cash_account_on(rule.account)
        ):
            yield _finding(
                "account-not-cash",
                rule,
                f"puts {', '.join(sorted(cash_roles))} on {rule.account}, which is no cash account",
                "Name a cash account.",
                "cash_account",
            )
        return
    cash = chart.cash_accounts.get(rule.cash_account)
    if cash is None:
        yield _finding(
            "cash-account-unknown",
            rule,
            f"names cash account {rule.cash_account}, which is not in the ledger",
            "Create it in Visma or correct the rule.",
            "cash_account",
            choices=sorted(chart.cash_accounts),
        )
        return
    account = chart.accounts.get(cash.account)
    if account is None or not account.active or not account.manual_entry:
        yield _finding(
            "cash-account-closed",
            rule,
            f"names cash account {cash.number}, whose account {cash.account} takes no journal lines",
            "Activate the account and allow manual entry in Visma.",
            "cash_account",
        )
    if rule.when.currency and rule.when.currency != (cash.currency,):
        said = ", ".join(rule.when.currency)
        yield _finding(
            "cash-account-currency",
            rule,
            f"is for {said}, and cash account {cash.number} keeps {cash.currency}",
            "Give each currency a cash account of its own.",
            "cash_account",
        )
    if rule.account is not None and rule.account != cash.account:
        yield _finding(
            "cash-account-mismatch",
            rule,
            f"names account {rule.account} and cash account {cash.number} on {cash.account}",
            "Remove the account: the cash account has its own.",
            "account",
        )
    plain = set(rule.roles) - CASH_ROLES - _EITHER
    if plain:
        yield _finding("account-is-cash", rule, f"puts {', '.join(sorted(plain))} on cash account {cash.number}",
            "Name a plain account for these roles.", "cash_account")  # fmt: skip


def _dimensions(rule: Rule, chart: Chart) -> Iterator[Finding]:
    for segment_id, value in rule.dimensions:
        segment = chart.segments.get(segment_id)
        if segment is None or not segment.values.get(value, False):
            known = segment is not None and value in segment.values
            yield _finding("dimension-inactive" if known else "dimension-unknown", rule,
                f"gives dimension {segment_id} the value {value}, which "
                f"{'is inactive' if known else 'is not in the ledger'}",
                "Create or activate it in Visma, or correct the rule.", f"dimension {segment_id}")  # fmt: skip


def _vat(rule: Rule, chart: Chart, day: date) -> Iterator[Finding]:
    if rule.vat_code is not None and not chart.vat_codes.get(rule.vat_code, False):
        yield _finding(
            "vat-code-unknown",
            rule,
            f"names VAT code {rule.vat_code}, which is not in the ledger or not active",
            "Correct the rule.",
            "vat_code",
            choices=sorted(code for code, active in chart.vat_codes.items() if active),
        )
    if rule.vat_code is not None and rule.when.vat_rate and rule.vat_code in chart.vat_codes:
        rates = {
            rate
            for vat in chart.vat_ids.values()
            if rule.vat_code in vat.categories and (rate := vat.rate_on(day)) is not None
        }
        yield from _rates(rule, f"VAT code {rule.vat_code}", rates, day)
    if rule.vat_id is None:
        return
    vat = chart.vat_ids.get(rule.vat_id)
    if vat is None:
        yield _finding(
            "vat-id-unknown",
            rule,
            f"names VAT id {rule.vat_id}, which is not in the ledger",
            "Correct the rule.",
            "vat_id",
            choices=sorted(chart.vat_ids),
        )
        return
    if vat.not_after is not None and vat.not_after < day:
        yield _finding("vat-id-expired", rule, f"names VAT id {vat.id}, which is not valid after {vat.not_after}",
            "Name the VAT id that follows it.", "vat_id")  # fmt: skip
    if rule.when.vat_rate:
        rate = vat.rate_on(day)
        yield from _rates(rule, f"VAT id {vat.id}", set() if rate is None else {rate}, day)
    if rule.vat_code is not None and vat.categories and rule.vat_code not in vat.categories:
        yield _finding(
            "vat-id-differs",
            rule,
            f"names VAT code {rule.vat_code} and VAT id {vat.id}, which do not go together in the ledger",
            "Name a VAT id of that code.",
            "vat_id",
            choices=sorted(one.id for one in chart.vat_ids.values() if rule.vat_code in one.categories),
        )
    named = {vat.payable_account, vat.claimable_account} - {None}
    # A sales rule names the account of the sale and may name the VAT id behind its code; only VAT has the id's account.
    if rule.account is not None and set(rule.roles) & _VAT_ROLES and named and rule.account not in named:
        yield _finding(
            "vat-account-differs",
            rule,
            f"puts VAT id {vat.id} on {rule.account}, and the ledger books it on {vat.payable_account}",
            "Remove the account: the ledger names it.",
            "account",
        )


def _rates(rule: Rule, what: str, rates: set[Decimal], day: date) -> Iterator[Finding]:
    wrong = sorted(set(rule.when.vat_rate) - rates)
    if rates and wrong:
        said = " or ".join(map(str, sorted(rates)))
        yield _finding(
            "vat-rate-differs",
            rule,
            f"is for {wrong[0]} %, and {what} is {said} % on {day}",
            "Correct the rate or the rule.",
            "vat_rate",
        )


def _others(rule: Rule, chart: Chart, roles: Collection[str]) -> Iterator[Finding]:
    if rule.payment_method is not None and not chart.payment_methods.get(rule.payment_method, False):
        yield _finding(
            "payment-method-unknown",
            rule,
            f"names payment method {rule.payment_method}, which is not in the ledger or not active",
            "Correct the rule.",
            "payment_method",
            choices=sorted(m for m, active in chart.payment_methods.items() if active),
        )
    if ("collect" in rule.roles) != (rule.collect is not None):
        yield _finding(
            "collect-undecided",
            rule,
            "says whether to collect without the role" if rule.collect else "has the role collect and decides nothing",
            'Give it the role collect and collect = "yes" or "no".',
            "collect",
            blocks=False,
        )
    for number in rule.when.branch:
        if number not in chart.branches:
            yield _finding("branch-unknown", rule, f"is for branch {number}, which is not in the ledger",
                "Correct the rule.", "branch", choices=sorted(chart.branches))  # fmt: skip
    unused = sorted(set(rule.roles) - set(roles))
    if unused and len(unused) == len(set(rule.roles)):
        yield _finding(
            "rule-unused",
            rule,
            f"is for {', '.join(unused)}, which this flow never asks for",
            "Remove it, or correct its role.",
            "roles",
            blocks=False,
        )


def _shadow(rule: Rule, before: tuple[Rule, ...]) -> Rule | None:
    """An earlier rule that matches whenever this one does and decides all that this one would."""
    return next(
        (one for one in before if _covers_roles(one, rule) and _covers(one.when, rule.when) and _decides(one, rule)),
        None,
    )


def _covers_roles(earlier: Rule, later: Rule) -> bool:
    return set(later.roles) <= set(earlier.roles)


def _covers(earlier: When, later: When) -> bool:
    for name in CONDITIONS:
        wide, narrow = getattr(earlier, name), getattr(later, name)
        if wide and not (narrow and set(narrow) <= set(wide)):
            return False
    low = earlier.amount_from is None or (later.amount_from is not None and later.amount_from >= earlier.amount_from)
    high = earlier.amount_to is None or (later.amount_to is not None and later.amount_to <= earlier.amount_to)
    return low and high


def _decides(earlier: Rule, later: Rule) -> bool:
    fields = all(getattr(earlier, name) is not None for name in FIELDS if getattr(later, name) is not None)
    return fields and {segment for segment, _ in later.dimensions} <= {segment for segment, _ in earlier.dimensions}


def _unmapped(role: str) -> Finding:
    said = (
        f"No rule speaks of {role.replace('_', ' ')}. "
        "Records that need it will be held with a proposal; add a rule to spare that."
    )
    return Finding("role-unmapped", said, role, {"role": role}, blocks=False)


def _finding(
    code: str, rule: Rule, what: str, fix: str, name: str, *, blocks: bool = True, **proposal: object
) -> Finding:
    sentence = f"Rule {rule.id} ({conditions_of(rule.when)}) {what}. {fix}"
    return Finding(code, sentence, f"{rule.id}.{name}", {"rule_id": rule.id, **proposal}, blocks=blocks)
