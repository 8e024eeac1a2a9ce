"""Which account, dimensions, VAT code or party a rulebook chooses, and why.

The first rule that matches *and sets a field* decides that field; a field no rule sets stays empty. A `Mapper` is a
rulebook made ready for many questions; answers are remembered, so that the thousandth card sale costs a look in a
table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from ml_connector.finance.journal import Dimensions
from ml_connector.finance.plan import Explanation
from ml_connector.finance.rulebook import Rule, Rulebook, When

CASH_ROLES = frozenset({"clearing", "bank", "till"})
"""Roles that are cash accounts in the ledger: one currency, one GL account, its own fixed dimensions."""

FIELDS = (
    "account", "cash_account", "vat_code", "vat_id", "customer", "supplier", "payment_method", "project", "collect",
)  # fmt: skip

CONDITIONS = (
    "location", "method", "type", "currency", "country", "category", "article", "customer_group", "status", "vat_rate",
    "customer_number", "attribute", "branch", "credit_terms",
)  # fmt: skip
"""Conditions that name values; the amount range is asked separately."""

_REMEMBERED = 4096  # answers kept per rulebook; facts are few in number unless articles are mapped one by one


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about the amount to be placed. `amount` in major units, without sign; every `attribute`."""

    location: str | None = None
    method: str | None = None
    type: str | None = None
    currency: str | None = None
    country: str | None = None
    category: tuple[str, ...] = ()  # an article may be in several, and they have others above them
    article: tuple[str, ...] = ()  # by each of its names: the source's id, its number
    customer_group: str | None = None
    status: str | None = None
    vat_rate: Decimal | None = None
    amount: Decimal | None = None
    customer_number: str | None = None
    attribute: tuple[str, ...] = ()
    branch: str | None = None
    credit_terms: str | None = None

    def of(self, *, type_: str | None) -> Facts:
        """The same of another type. Said for every sale, so it is written out: `replace` takes three times as long."""
        return Facts(
            self.location, self.method, type_, self.currency, self.country, self.category, self.article,
            self.customer_group, self.status, self.vat_rate, self.amount, self.customer_number, self.attribute,
            self.branch, self.credit_terms,
        )  # fmt: skip

    def without_amount(self) -> Facts:
        """The same of whatever amount."""
        return Facts(
            self.location, self.method, self.type, self.currency, self.country, self.category, self.article,
            self.customer_group, self.status, self.vat_rate, None, self.customer_number, self.attribute,
            self.branch, self.credit_terms,
        )  # fmt: skip

    def paid_by(self, method: str | None) -> Facts:
        """The same by another means of payment."""
        return Facts(
            self.location, method, self.type, self.currency, self.country, self.category, self.article,
            self.customer_group, self.status, self.vat_rate, self.amount, self.customer_number, self.attribute,
            self.branch, self.credit_terms,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """What the rules chose for one role.

    `why` tells per field (dimension segments as `dimension 1`) rule and reason.
    """

    role: str
    account: str | None = None
    cash_account: str | None = None
    dimensions: Dimensions = ()
    vat_code: str | None = None
    vat_id: str | None = None
    customer: str | None = None
    supplier: str | None = None
    payment_method: str | None = None
    project: str | None = None
    collect: str | None = None
    why: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def reason(self, name: str) -> str:
        """Why this field is what it is, readable: `rule 7: type = refund, vat_rate = 25`."""
        return self.why[name][1] if name in self.why else "no rule sets it"

    def explained(self, what: str, name: str = "account") -> Explanation:
        """The choice of one field as an explanation that stays with the posting."""
        return Explanation(what, str(getattr(self, name) or ""), self.reason(name))


class Mapper:
    """One rulebook, ready to answer. It holds no state but remembered answers."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self._by_role: dict[str, tuple[Rule, ...]] = {}
        for rule in rulebook.rules:
            for role in rule.roles:
                self._by_role[role] = (*self._by_role.get(role, ()), rule)
        self._asks_amount = {
            role for role, rules in self._by_role.items()
            if any(rule.when.amount_from is not None or rule.when.amount_to is not None for rule in rules)
        }  # fmt: skip
        self.asks_articles = asks_articles(rulebook)
        self._answers: dict[tuple[str, Facts], Choice] = {}

    def rules_for(self, role: str) -> tuple[Rule, ...]:
        """The rules that speak of this role, in order."""
        return self._by_role.get(role, ())

    def choose(self, role: str, facts: Facts) -> Choice:
        """What the rules choose for one role under these facts."""
        if facts.amount is not None and role not in self._asks_amount:
            facts = facts.without_amount()
        known = self._answers.get((role, facts))
        if known is None:
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            known = self._answers[role, facts] = _decide(self.rules_for(role), role, facts)
        return known

    def asks_amount(self, role: str) -> bool:
        """Whether any rule of this role depends on the amount."""
        return role in self._asks_amount


def asks_articles(rulebook: Rulebook) -> bool:
    """Whether any rule depends on what was sold: only then is it worth asking a source's catalogue."""
    return any(rule.when.category or rule.when.article for rule in rulebook.rules)


def choose(rulebook: Rulebook, role: str, facts: Facts) -> Choice:
    """What a rulebook chooses for one role under these facts."""
    return mapper_of(rulebook).choose(role, facts)


def matches(when: When, facts: Facts) -> bool:
    """Whether every condition holds. A fact that is not known fails the condition that asks for it."""
    for name in CONDITIONS:
        allowed = getattr(when, name)
        if allowed and not _is_one_of(getattr(facts, name), allowed):
            return False
    if when.amount_from is not None and (facts.amount is None or facts.amount < when.amount_from):
        return False
    return not (when.amount_to is not None and (facts.amount is None or facts.amount > when.amount_to))


def conditions_of(when: When) -> str:
    """The conditions as a person reads them; `always` when there are none."""
    said = [f"{name} = {' or '.join(map(str, allowed))}" for name in CONDITIONS if (allowed := getattr(when, name))]
    if when.amount_from is not None:
        said.append(f"amount >= {when.amount_from}")
    if when.amount_to is not None:
        said.append(f"amount <= {when.amount_to}")
    return ", ".join(said) or "always"


def _is_one_of(value: object, allowed: tuple[object, ...]) -> bool:
    if value is None:
        return False
    if isinstance(value, tuple):
        return any(one in allowed for one in value)
    if value in allowed:
        return True
    # "external" speaks of every kind of external payment, "external:OTHER" of one.
    return isinstance(value, str) and any(value.startswith(f"{one}:") for one in allowed)


def _decide(rules: tuple[Rule, ...], role: str, facts: Facts) -> Choice:
    chosen: dict[str, str] = {}
    dimensions: dict[int, str] = {}
    why: dict[str, tuple[str, str]] = {}
    for rule in rules:
        if not matches(rule.when, facts):
            continue
        reason = (rule.id, f"rule {rule.id}: {conditions_of(rule.when)}")
        for name in FIELDS:
            value = getattr(rule, name)
            if value is not None and name not in chosen:
                chosen[name] = value
                why[name] = reason
        for segment, value in rule.dimensions:
            if segment not in dimensions:
                dimensions[segment] = value
                why[f"dimension {segment}"] = reason
    return Choice(role, dimensions=tuple(sorted(dimensions.items())), why=why, **chosen)


class _Same:
    """A rulebook as a key by identity: hashing its hundreds of rules would cost more than a plan."""

    __slots__ = ("rulebook",)

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook

    def __hash__(self) -> int:
        return id(self.rulebook)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.rulebook is self.rulebook


@lru_cache(maxsize=16)
def _mapper(same: _Same) -> Mapper:
    return Mapper(same.rulebook)


def mapper_of(rulebook: Rulebook) -> Mapper:
    """The mapper of this very rulebook, made once while it is in use.

    Rulebooks never change, so neither does the answer.
    """
    return _mapper(_Same(rulebook))
