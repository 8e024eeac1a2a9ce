"""Rules every posting shares: periods, subaccounts, numbers, exchange rates, and batches of the sub-ledgers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.visma.bodies import Body
from ml_connector_sandbox.visma.chart import ZERO, Account, Period, Subaccount
from ml_connector_sandbox.visma.company import Company
from ml_connector_sandbox.visma.journal import Batch, Line
from ml_connector_sandbox.visma.refusal import Refusal, not_found

Day = date  # a field may be called `date` too


def period_for(
    company: Company, body: Body, on: Day, ledgers: tuple[str, ...], field_name: str = "financialPeriod"
) -> Period:
    """The period a body names, or that of the day: existing, active, open in these ledgers, containing the day."""
    named, spelled = body.get(field_name), body.get("postPeriod")
    if not named and spelled:
        named = spelled[2:] + spelled[:2] if len(spelled) == 6 else spelled
    named = named.replace("-", "") if named else f"{on.year:04d}{on.month:02d}"
    return open_period(company, named, on, ledgers)


def open_period(company: Company, named: str, on: Day | None, ledgers: tuple[str, ...]) -> Period:
    """That period, if a document of that day may be posted to it; None: of any day. Raises Refusal."""
    period = company.chart.periods.get(named)
    if period is None:
        raise Refusal(400, f"The financial period '{named}' is not defined in the system.")
    if not period.active:
        raise Refusal(400, f"The financial period '{named}' is inactive.")
    for ledger in ledgers:
        if ledger in period.closed:
            raise Refusal(400, f"The financial period '{named}' is closed in {ledger}.")
    if on is not None and not period.start <= on < period.end:
        raise Refusal(400, f"The date {on.isoformat()} is outside the financial period '{named}'.")
    return period


def account(company: Company, number: str) -> Account:
    """An active account. Raises Refusal."""
    found = company.chart.accounts.get(number)
    if found is None:
        raise Refusal(400, f"'Account' '{number}' cannot be found in the system.")
    if not found.active:
        raise Refusal(400, f"Account '{number}' is inactive.")
    return found


def subaccount(company: Company, rows: list[Body] | None, within: Subaccount | None = None) -> Subaccount:
    """The combination these segments name; what is not named comes from `within`, else from the company's default."""
    chart = company.chart
    values = list(within.values if within else chart.default_segments)
    for row in rows or ():
        segment = chart.segments.get(row.get("segmentId") or 0)
        if segment is None:
            raise Refusal(400, f"Segment '{row.get('segmentId')}' of SUBACCOUNT does not exist.")
        value = segment.values.get(row.get("segmentValue") or "")
        if value is None:
            raise Refusal(
                400, f"Segment value '{row.get('segmentValue')}' of segment '{segment.description}' does not exist."
            )
        if not value.active:
            raise Refusal(400, f"Segment value '{value.value}' of segment '{segment.description}' is inactive.")
        values[segment.id - 1] = value.value
    return combination(company, tuple(values))


def combination(company: Company, values: tuple[str, ...]) -> Subaccount:
    """The subaccount of these values, made when the company makes them by itself. Raises Refusal."""
    found = company.chart.subaccounts.get(values)
    if found is not None and found.active:
        return found
    if found is not None:
        raise Refusal(400, f"Subaccount '{found.number}' is inactive.")
    if not company.preferences.auto_create_subaccounts:
        raise Refusal(400, f"Subaccount '{'-'.join(values)}' cannot be found in the system.")
    text = " ".join(company.chart.segments[i + 1].values[value].description for i, value in enumerate(values))
    modified = max(account.modified for account in company.chart.accounts.values())
    made = Subaccount(company.identity(), values, text, modified, company.stamp())
    company.chart.subaccounts[values] = made
    return made


def numbered(company: Company, series_id: str, forced: str | None, taken: Any, label: str) -> str:
    """The next number of a series, or the forced one where the series allows it. `taken(number)` says what exists."""
    series = company.chart.series[series_id]
    if forced is not None:
        if not series.manual:
            raise Refusal(400, f"Manual numbering is not allowed for the number series '{series.description}'.")
        if not forced:
            raise Refusal(400, f"'{label}' cannot be empty.")
        if taken(forced):
            raise Refusal(400, f"{label} '{forced}' already exists.")
        return forced
    number = series.take()
    while taken(number):
        number = series.take()
    return number


def forced_number(body: Body, name: str) -> str | None:
    """The number a body forces, None when it leaves numbering to the ERP."""
    return (body.get(name) or "") if body.get("overrideNumberSeries") else None


def rate_on(company: Company, currency: str, on: Day, given: Decimal | None) -> Decimal:
    """The exchange rate to base currency. Raises Refusal for an unknown currency or a day without a rate."""
    if currency not in company.chart.currencies:
        raise not_found_currency(currency)
    if given is not None and currency != company.chart.base_currency:
        if given <= 0:
            raise Refusal(400, "'Exchange rate' must be positive.")
        return given
    rate = company.chart.rate(currency, on)
    if rate is None:
        raise Refusal(400, f"Currency rate from {currency} is not defined for {on.isoformat()}.")
    return rate


def not_found_currency(currency: str) -> Refusal:
    """The refusal of an unknown currency."""
    return Refusal(400, f"'Currency' '{currency}' cannot be found in the system.")


@dataclass(slots=True)
class Voucher:
    """What a sub-ledger document posts: a batch in the making. Positive is debit, negative credit."""

    company: Company
    module: str
    date: Day
    period: str
    currency: str
    rate: Decimal
    description: str
    party: str
    branch: str
    reference: str
    type: str
    lines: list[Line] = field(default_factory=list)

    def add(
        self,
        number: str,
        amount: Decimal,
        *,
        sub: Subaccount | None = None,
        base: Decimal | None = None,
        text: str = "",
        vat_code: str = "",
        vat_id: str = "",
    ) -> None:
        """One line; `base` overrides the amount times the rate."""
        chart = self.company.chart
        found = chart.accounts.get(number)
        if found is None:
            raise not_found("Account", number)
        if base is None:
            base = chart.rounded(amount * self.rate, chart.base_currency)
        if amount == 0 and base == 0:
            return
        line = Line(len(self.lines) + 1, found, sub or combination(self.company, chart.default_segments))
        line.debit, line.credit = (amount, ZERO) if amount > 0 else (ZERO, -amount)
        line.base_debit, line.base_credit = (base, ZERO) if base > 0 else (ZERO, -base)
        line.reference, line.text, line.vat_code, line.vat_id = self.reference, text, vat_code, vat_id
        line.party, line.branch, line.type = self.party, self.branch, self.type
        self.lines.append(line)

    def base_sum(self) -> Decimal:
        """Debit less credit in base currency, zero when balanced."""
        return sum((line.base_debit - line.base_credit for line in self.lines), ZERO)

    def post(self, now: datetime) -> Batch | None:
        """Enter the batch; None when there is nothing to post. Rounding in base goes to the first line."""
        if not self.lines:
            return None
        difference = self.base_sum()
        if difference:
            first = self.lines[0]
            base = first.base_debit - first.base_credit - difference
            first.base_debit, first.base_credit = (base, ZERO) if base > 0 else (ZERO, -base)
        company = self.company
        ledger = company.ledger
        number = company.chart.series[f"GL{self.module}"].take()
        status = "Posted" if company.preferences.auto_post_on_release else "Unposted"
        batch = Batch(
            self.module, number, status, self.date, self.period, "1", self.currency, self.rate, self.branch,
            self.description, self.lines, now, now, company.stamp(),
        )  # fmt: skip
        batch.control_total = batch.totals()[0]
        ledger.add(batch)
        return batch


def mirrored(batch: Batch) -> list[Line]:
    """The lines of a batch with debit and credit exchanged."""
    lines = []
    for line in batch.lines:
        copy = Line(line.number, line.account, line.sub, line.credit, line.debit, line.base_credit, line.base_debit)
        copy.reference, copy.text, copy.vat_code, copy.vat_id = line.reference, line.text, line.vat_code, line.vat_id
        copy.party, copy.branch, copy.type = line.party, line.branch, line.type
        lines.append(copy)
    return lines
