"""The working sheet on which every recipe writes its postings: places chosen by rules, reasons kept, gaps noted.

Recipes live beside this module by business noun (sales, refunds, payouts, disputes, invoicing). They all speak in
debits and credits of *roles*; this sheet turns a role into an account of the ledger, and the sheet into a balanced
entry.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from ml_connector.finance.chart import Chart
from ml_connector.finance.journal import Closing, Dimensions, JournalEntry, Posting
from ml_connector.finance.money import Money, exponent
from ml_connector.finance.plan import Explanation, Finding, PlannedWrite
from ml_connector.finance.refs import Ref
from ml_connector.finance.rulebook import LocationTerms, Rulebook, Terms
from ml_connector.rules import closing
from ml_connector.rules.findings import mapping_missing
from ml_connector.rules.mapping import CASH_ROLES, Choice, Facts, Mapper, mapper_of
from ml_connector.rules.texts import clipped, reference_of

MEANS_ROLES = {
    "card": "clearing",
    "wallet": "clearing",
    "bank": "clearing",
    "bnpl": "clearing",
    "account": "clearing",
    "cash": "till",
    "gift_card": "gift_cards",
    "external": "external",
    "other": "external",
    "gateway": "clearing",
    "elsewhere": "suspense",
}
"""Where money waits, by how it came: only the clearing ones are ever part of a payout.

`gateway:{method}` waits in that method's own clearing; the money of `elsewhere:{method}` is booked from the processor.
"""

_NAMED = frozenset({"gateway", "elsewhere"})

_NOWHERE = LocationTerms()


@dataclass(frozen=True, slots=True)
class Books:
    """The set-up of one company that every recipe needs: its rules, its chart and the terms of the route."""

    mapper: Mapper
    chart: Chart
    terms: Terms

    @classmethod
    def of(cls, rulebook: Rulebook, chart: Chart, terms: Terms) -> Books:
        return cls(mapper_of(rulebook), chart, terms)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an amount goes: an account with its dimensions, and the rule's choice behind it."""

    account: str
    dimensions: Dimensions
    choice: Choice
    cash_account: str | None = None


def role_of(means: str) -> str | None:
    """The role that a means of payment is booked on; None for a word we do not know."""
    return MEANS_ROLES.get(means.partition(":")[0])


def method_of(means: str) -> str | None:
    """What rules know a means of payment by: a shop's payment method by its own name; None where it has none."""
    kind, _, name = means.partition(":")
    return (name or None) if kind in _NAMED else means


class Sheet:
    """The postings of one source record while they are worked out. Positive is debit, amounts in minor units.

    Nothing raises: what is missing stands in `findings`, and an entry is only made when there are none.
    """

    def __init__(self, key: str, *, record: str, day: date, facts: Facts, books: Books) -> None:
        """`key` names the write, `record` the source record for people.

        `facts` hold for every line (currency is set).
        """
        self.key = key
        self.record = record
        self.day = day
        self.facts = facts
        self.books = books
        self.currency = facts.currency or ""
        self.findings: list[Finding] = []
        self.why: dict[tuple[str, str], Explanation] = {}
        self._sums: dict[tuple[Any, ...], int] = {}
        self._touches_cash = False
        self._closes: Closing | None = None

    def place(self, role: str, facts: Facts, *, instead: str | None = None) -> Place | None:
        """Where the rules put a role; `instead` is asked when no rule speaks of the role. None: a finding was noted."""
        choice = self.books.mapper.choose(role, facts)
        if instead is not None and choice.account is None and choice.cash_account is None:
            choice = self.books.mapper.choose(instead, facts)
        if choice.cash_account is not None or choice.role in CASH_ROLES:
            return self._cash_place(choice, facts)
        if choice.account is None:
            self.missing(choice.role, "account", facts)
            return None
        self._explain(f"{role.replace('_', ' ')} account", choice, "account")
        for segment, _ in choice.dimensions:
            self._explain_dimension(role, choice, segment)
        return Place(choice.account, choice.dimensions, choice)

    def post(
        self,
        role: str,
        minor: int,
        *,
        facts: Facts | None = None,
        instead: str | None = None,
        vat_code: str | None = None,
    ) -> None:
        """Put an amount on the role's account. Zero says nothing and is left out."""
        if minor == 0:
            return
        place = self.place(role, self._sized(role, facts or self.facts, minor), instead=instead)
        if place is not None:
            self.put(role, place, minor, vat_code=vat_code)

    def put(
        self, role: str, place: Place, minor: int, *,
        vat_code: str | None = None, vat_id: str | None = None, vat_rate: Decimal | None = None,
    ) -> None:  # fmt: skip
        """Put an amount on a place already known. Debit and credit of one place stay two lines."""
        if minor == 0:
            return
        where = (role, place.account, place.dimensions, vat_code, vat_id, vat_rate, minor > 0)
        self._sums[where] = self._sums.get(where, 0) + minor

    def post_vat(self, minor: int, *, facts: Facts, net_code: str | None) -> None:
        """Put VAT of one rate on the account that the VAT id names.

        `net_code` is the VAT code of the net line it is for.
        """
        if minor == 0:
            return
        choice = self.books.mapper.choose("vat", facts)
        if choice.vat_id is None:
            self.missing("vat", "vat_id", facts)
            return
        vat = self.books.chart.vat_ids.get(choice.vat_id)
        account = choice.account or (vat.payable_account if vat else None)
        if account is None:
            self.missing("vat", "account", facts)
            return
        code = net_code or choice.vat_code
        if code is None:
            self.missing("sales", "vat_code", facts)
            return
        self._explain(f"VAT id {_percent(facts.vat_rate)}", choice, "vat_id")
        self.put(
            "vat",
            Place(account, choice.dimensions, choice),
            minor,
            vat_code=code,
            vat_id=choice.vat_id,
            vat_rate=facts.vat_rate,
        )

    def close_transit(self, of: str) -> None:
        """What stands on transit here is sent at what the ledger gave the entry of this key in base currency."""
        place = self.place("currency_difference", self.facts)
        if place is not None:
            self._closes = Closing(Ref(of, "base_total"), place.account, place.dimensions)

    def missing(self, role: str, name: str, facts: Facts) -> None:
        """Note that no rule sets this field."""
        # A shop's payment methods each have a place of their own; elsewhere all cards wait in one.
        own = role in {"clearing", "suspense"} and facts.method is not None and role_of(facts.method) is None
        sold = facts.category and any(rule.when.category for rule in self.books.mapper.rules_for(role))
        also = (*(("method",) if own else ()), *(("category",) if sold else ()))
        rate = (
            facts.vat_rate if facts.country is None else None
        )  # which country's VAT an id is, the ledger does not say
        only = only_of_rate(self.books.chart, name, rate, self.day)
        self.findings.append(
            mapping_missing(self.books.mapper, role, name, facts=facts, record=self.record, also=also, instead=only)
        )

    def note(self, *findings: Finding | None) -> None:
        """Note findings; None is nothing to note."""
        self.findings.extend(finding for finding in findings if finding is not None)

    def explain(self, what: str, chosen: str, because: str) -> None:
        """Keep why something was decided."""
        self.why[what, chosen] = Explanation(what, chosen, because)

    @property
    def off(self) -> int:
        """What is missing for balance, in minor units: positive when debits exceed credits."""
        return sum(self._sums.values())

    def entry(self, text: str) -> JournalEntry | None:
        """The balanced entry, on the day the late policy gives.

        None when something is missing or nothing was posted.
        """
        if self.findings and any(finding.blocks for finding in self.findings):
            return None
        if not self._sums:
            return None
        if self.off:
            self.note(unbalanced(self.record, Money(self.off, self.currency)))
            return None
        terms = self.books.terms
        vat = any(where[3] is not None or where[4] is not None for where in self._sums)
        booked = self.book_on(closing.CASH if self._touches_cash else closing.GENERAL, vat=vat)
        if booked is None:
            return None
        late = booked != self.day
        if late:
            text = f"{text} (of {self.day})"
        return JournalEntry(
            day=booked,
            currency=self.currency,
            postings=self._postings(),
            text=clipped(text),
            vat_transaction=vat,
            branch=branch_of(terms, self.facts.location),
            ledger=terms.ledger,
            event_day=self.day if late else None,
            closes=self._closes,
        )

    def book_on(self, ledgers: frozenset[str], *, vat: bool) -> date | None:
        """The day to book on, by the late policy; None: it is held, and the reason is noted."""
        booked, against = closing.booking_day(
            self.day, ledgers=ledgers, vat=vat, terms=self.books.terms, chart=self.books.chart, record=self.record
        )
        if against is not None:
            self.note(against)
            return None
        if booked != self.day:
            late = f"the period of {self.day} is closed; late items go to the next open one"
            self.explain("booking day", str(booked), late)
        return booked

    def write(self, text: str, *, needs: tuple[str, ...] = (), pool: str | None = None) -> PlannedWrite | None:
        """The journal write of this sheet; None as for `entry`."""
        entry = self.entry(text)
        if entry is None:
            return None
        return PlannedWrite(self.key, "journal", entry, needs=needs, pool=pool, why=tuple(self.why.values()))

    def _postings(self) -> tuple[Posting, ...]:
        reference = reference_of(self.key)
        lines = []
        debits_first = sorted(self._sums.items(), key=lambda line: line[1] < 0)
        for (role, account, dimensions, code, vat_id, rate, _), minor in debits_first:
            words = role.replace("_", " ")
            lines.append(
                Posting(
                    account=account,
                    amount=Money(minor, self.currency),
                    role=role,
                    source=self.key,
                    reference=reference,
                    text=clipped(f"{words}, {self.record}"),
                    dimensions=dimensions,
                    vat_code=code,
                    vat_id=vat_id,
                    vat_rate=rate,
                )
            )
        return tuple(lines)

    def _sized(self, role: str, facts: Facts, minor: int) -> Facts:
        if not self.books.mapper.asks_amount(role):
            return facts
        return replace(facts, amount=Decimal(abs(minor)).scaleb(-exponent(self.currency)))

    def _cash_place(self, choice: Choice, facts: Facts) -> Place | None:
        number = choice.cash_account
        if number is None:
            found = self.books.chart.cash_account_on(choice.account) if choice.account else ()
            fitting = [cash.number for cash in found if cash.currency == self.currency]
            if len(fitting) != 1:
                self.missing(choice.role, "cash_account", facts)
                return None
            number = fitting[0]
        cash = self.books.chart.cash_accounts.get(number)
        if cash is None:
            self.note(unknown_cash_account(number, choice, self.record))
            return None
        if cash.currency != self.currency:
            self.note(wrong_cash_currency(number, cash.currency, self.currency, self.record))
            return None
        self._touches_cash = True
        field_name = "cash_account" if choice.cash_account is not None else "account"
        self.explain(f"{choice.role} cash account", number, choice.reason(field_name))
        return Place(cash.account, cash.dimensions, choice, number)

    def _explain(self, what: str, choice: Choice, name: str) -> None:
        value = getattr(choice, name)
        if (what, value) not in self.why:
            self.why[what, value] = choice.explained(what, name)

    def _explain_dimension(self, role: str, choice: Choice, segment: int) -> None:
        what = f"{role.replace('_', ' ')} dimension {segment}"
        value = dict(choice.dimensions)[segment]
        if (what, value) not in self.why:
            self.why[what, value] = Explanation(what, value, choice.reason(f"dimension {segment}"))


def branch_of(terms: Terms, location: str | None) -> str | None:
    """The branch of a location, else of the route; None: the company's main branch."""
    return terms.locations.get(location or "", _NOWHERE).branch or terms.branch


def only_of_rate(chart: Chart, name: str, rate: Decimal | None, day: date) -> str | None:
    """The one VAT id of the ledger that has this rate on this day, or its one VAT code; None where several may do."""
    if rate is None or name not in ("vat_id", "vat_code"):
        return None
    valid = [vat for vat in chart.vat_ids.values() if vat.not_after is None or vat.not_after >= day]
    found = [vat for vat in valid if vat.rate_on(day) == rate and not vat.reverse and vat.payable_account]
    if len(found) != 1:
        return None
    codes = found[0].categories
    return found[0].id if name == "vat_id" else (codes[0] if len(codes) == 1 else None)


def unbalanced(record: str, off: Money) -> Finding:
    """What the source states does not add up to a balanced entry."""
    return Finding(
        "unbalanced",
        f"What the source states for {record} leaves {off} unexplained. Compare the record with the source; book it "
        "by hand "
        "and ignore it here if the source is wrong.",
        "total",
        {"off": str(off)},
    )


def unknown_cash_account(number: str, choice: Choice, record: str) -> Finding:
    """A rule names a cash account the ledger does not have."""
    return Finding(
        "cash-account-unknown",
        f"Cash account {number}, chosen for {choice.role} of {record} by {choice.reason('cash_account')}, is not in "
        "the ledger. "
        "Create it in Visma or correct the rule.",
        f"{choice.role}.cash_account",
        {"cash_account": number},
    )


def wrong_cash_currency(number: str, kept: str, asked: str, record: str) -> Finding:
    """A cash account keeps another currency than the record is in."""
    return Finding(
        "cash-account-currency",
        f"Cash account {number} keeps {kept}, and {record} is in {asked}. Add a rule with a cash account in {asked}.",
        "currency",
        {"cash_account": number, "currency": asked},
    )


def _percent(rate: Decimal | None) -> str:
    return f"{rate} %" if rate is not None else "without a rate"
