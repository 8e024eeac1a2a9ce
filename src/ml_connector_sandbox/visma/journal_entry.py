"""What a journal transaction may be: creating, changing and releasing batches of module GL."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from ml_connector_sandbox.visma.bodies import SHORT_REFERENCE_LIMIT, TEXT_LIMIT, Body, limited
from ml_connector_sandbox.visma.call import Call
from ml_connector_sandbox.visma.chart import ZERO, Account, Chart
from ml_connector_sandbox.visma.company import Company
from ml_connector_sandbox.visma.journal import Batch, Line
from ml_connector_sandbox.visma.journal_vat import check_vat
from ml_connector_sandbox.visma.posting import (
    account,
    forced_number,
    mirrored,
    numbered,
    open_period,
    period_for,
    rate_on,
    subaccount,
)
from ml_connector_sandbox.visma.refusal import Refusal, not_found

GL = ("GeneralLedger",)
CASH = ("GeneralLedger", "CashManagement")


def create(call: Call) -> Batch:
    """Enter a new batch, Hold or Balanced. Raises Refusal; then nothing has happened."""
    company, body = call.company, call.body("JournalTransaction")
    on = (body.get("transactionDate") or call.now).date()
    branch = _branch(company, body.get("branch"))
    currency = body.get("currencyId") or company.chart.base_currency
    rate = rate_on(company, currency, on, body.get("exchangeRate"))
    hold = body.get("hold")
    status = "Hold" if (company.preferences.hold_on_entry if hold is None else hold) else "Balanced"
    batch = Batch(
        "GL", "", status, on, "", _ledger(company, body.get("ledger")), currency, rate, branch, "", [],
        call.now, call.now, 0,
    )  # fmt: skip
    _header(batch, body)
    _apply_rows(company, batch, body.get("journalTransactionLines") or [], fresh=True)
    _check(company, batch, body)
    forced = forced_number(body, "batchNumber")
    batch.number = numbered(company, "GLGL", forced, lambda n: ("GL", n) in company.ledger.batches, "Batch Number")
    batch.stamp = company.stamp()
    company.ledger.add(batch)
    return batch


def change(call: Call, batch: Batch) -> None:
    """Merge a body into an unreleased batch. Raises Refusal; then the batch is as it was."""
    company, body = call.company, call.body("JournalTransaction")
    if batch.status not in ("Hold", "Balanced"):
        raise Refusal(400, f"The batch {batch.number} is {batch.status} and cannot be changed.")
    draft = _copy(batch)
    if body.get("transactionDate"):
        draft.date = body["transactionDate"].date()
    if body.get("branch"):
        draft.branch = _branch(company, body["branch"])
    if body.get("ledger"):
        draft.ledger = _ledger(company, body["ledger"])
    draft.currency = body.get("currencyId") or draft.currency
    draft.rate = rate_on(company, draft.currency, draft.date, body.get("exchangeRate"))
    if body.get("hold") is not None:
        draft.status = "Hold" if body["hold"] else "Balanced"
    _header(draft, body)
    _apply_rows(company, draft, body.get("journalTransactionLines") or [], fresh=False)
    _check(company, draft, body)
    old_period = batch.period
    for name in Batch.__slots__:
        setattr(batch, name, getattr(draft, name))
    if batch.period != old_period:
        company.ledger.moved(batch, old_period)
    company.ledger.changed(batch, call.now, company.stamp())


def release(call: Call, batch: Batch) -> None:
    """Balanced becomes Unposted, or Posted where the company posts by itself. Raises Refusal."""
    company = call.company
    if batch.status == "Hold":
        raise Refusal(400, f"The batch {batch.number} is on hold and cannot be released.")
    if batch.status != "Balanced":
        raise Refusal(400, f"The batch {batch.number} has status {batch.status} and cannot be released.")
    open_period(company, batch.period, batch.date, _ledgers_of(batch))
    for line in batch.lines:
        if not line.account.active:
            raise Refusal(400, f"Account '{line.account.number}' is inactive.")
    batch.status = "Posted" if company.preferences.auto_post_on_release else "Unposted"
    company.ledger.changed(batch, call.now, company.stamp())
    if batch.auto_reversing and not batch.reversing:
        _reverse_next_period(call, batch)


def find(company: Company, number: str) -> Batch:
    """The batch of that number; module GL is meant. Raises a 404 Refusal."""
    batch = company.ledger.batches.get(("GL", number))
    if batch is None:
        raise not_found("Batch", number)
    return batch


def _header(batch: Batch, body: Body) -> None:
    if "description" in body:
        batch.description = limited(body["description"], TEXT_LIMIT, "Description")
    if "controlTotalInCurrency" in body:
        batch.control_total = body["controlTotalInCurrency"] or ZERO
    if "createVatTransaction" in body:
        batch.create_vat = bool(body["createVatTransaction"])
    if "skipVatAmountValidation" in body:
        batch.skip_vat_check = bool(body["skipVatAmountValidation"])
    if "autoReversing" in body:
        batch.auto_reversing = bool(body["autoReversing"])
    if "transactionCode" in body:
        batch.transaction_code = body["transactionCode"] or ""


def _apply_rows(company: Company, batch: Batch, rows: list[Body], *, fresh: bool) -> None:
    lines = {line.number: line for line in batch.lines}
    for row in rows:
        operation, number = row.get("operation") or "Insert", row.get("lineNumber")
        if operation == "Insert":
            number = number if number is not None and number not in lines else max(lines, default=0) + 1
            lines[number] = _filled(company, batch, _blank(company, batch, row, number), row)
        elif fresh:
            raise Refusal(400, f"Operation {operation} is not possible on a new batch.")
        elif number not in lines:
            raise Refusal(400, f"Line number {number} does not exist on the batch.")
        elif operation == "Delete":
            del lines[number]
        else:
            lines[number] = _filled(company, batch, lines[number], row)
    batch.lines = [lines[number] for number in sorted(lines)]


def _blank(company: Company, batch: Batch, row: Body, number: int) -> Line:
    chosen = row.get("accountNumber")
    if not chosen:
        raise Refusal(400, "'Account' cannot be empty.")
    found = _enterable(account(company, chosen))
    line = Line(number, found, subaccount(company, row.get("subaccount")))
    line.branch = batch.branch
    return line


def _filled(company: Company, batch: Batch, line: Line, row: Body) -> Line:
    get = row.get
    if get("accountNumber") and get("accountNumber") != line.account.number:
        line.account = _enterable(account(company, row["accountNumber"]))
    if get("subaccount"):
        line.sub = subaccount(company, row["subaccount"], within=line.sub)
    line.debit = _amount(company.chart, batch.currency, get("debitAmountInCurrency"), line.debit)
    line.credit = _amount(company.chart, batch.currency, get("creditAmountInCurrency"), line.credit)
    if line.debit and line.credit:
        raise Refusal(400, f"Line {line.number} has both a debit and a credit amount.")
    line.reference = limited(get("referenceNumber", line.reference), SHORT_REFERENCE_LIMIT, "Ref. Number")
    line.text = limited(get("transactionDescription", line.text), TEXT_LIMIT, "Transaction Description")
    if "vatCodeId" in row:
        line.vat_code = row["vatCodeId"] or ""
    elif batch.create_vat and not line.vat_code:
        line.vat_code = line.account.tax_category
    if "vatId" in row:
        line.vat_id = row["vatId"] or ""
    if get("branch"):
        line.branch = _branch(company, row["branch"])
    if get("project") not in (None, "", "X"):
        raise Refusal(400, f"'Project' '{row['project']}' cannot be found in the system.")
    line.uom, line.note = get("uom", line.uom) or "", get("note", line.note) or ""
    line.quantity = get("quantity", line.quantity) or ZERO
    return line


def _enterable(found: Account) -> Account:
    if found.net_income:
        raise Refusal(400, f"Account '{found.number}' is the year-to-date net income account; it takes no entries.")
    if not found.manual:
        owner = f" It is the control account of {found.control_module}." if found.control_module else ""
        raise Refusal(400, f"Manual entry is not allowed on account '{found.number}'.{owner}")
    return found


def _amount(chart: Chart, currency: str, given: Decimal | None, before: Decimal) -> Decimal:
    if given is None:
        return before
    rounded = chart.rounded(given, currency)
    if rounded != given:
        raise Refusal(400, f"The amount {given} has more decimals than {currency} allows.")
    return rounded


def _check(company: Company, batch: Batch, body: Body) -> None:
    if len(batch.lines) < 2:
        raise Refusal(400, "A batch needs at least two lines.")
    for line in batch.lines:
        _check_line(company.chart, batch, line)
    if not (body.get("financialPeriod") or body.get("postPeriod")) and batch.period and "transactionDate" not in body:
        body = {"financialPeriod": batch.period}
    batch.period = period_for(company, body, batch.date, _ledgers_of(batch)).id
    _into_base(company.chart, batch)
    if batch.status == "Hold":
        return
    debit, credit = batch.totals()
    if debit != credit:
        raise Refusal(400, f"The batch is not balanced: debit {debit}, credit {credit}.")
    if company.preferences.validate_control_totals and batch.control_total != debit:
        raise Refusal(400, f"The batch is out of balance with its control total: {batch.control_total} is not {debit}.")
    if batch.create_vat:
        check_vat(company, batch)


def _check_line(chart: Chart, batch: Batch, line: Line) -> None:
    if line.account.cash:
        _check_cash(chart, batch, line)
    elif line.account.currency and line.account.currency != batch.currency:
        raise Refusal(400, f"Account '{line.account.number}' takes {line.account.currency} only.")
    if line.vat_code and line.vat_code not in chart.categories:
        raise Refusal(400, f"'VAT category' '{line.vat_code}' cannot be found in the system.")
    if line.vat_id and line.vat_id not in chart.vats:
        raise Refusal(400, f"TaxID '{line.vat_id}' cannot be found in the system.")


def _check_cash(chart: Chart, batch: Batch, line: Line) -> None:
    for cash in chart.cash_by_account.get(line.account.number, ()):
        if cash.currency == batch.currency and cash.sub is line.sub:
            return
    raise Refusal(
        400,
        f"Line {line.number}: account '{line.account.number}' with subaccount '{line.sub.number}' is not a cash account"
        f" in {batch.currency}.",
    )


def _into_base(chart: Chart, batch: Batch) -> None:
    if batch.currency == chart.base_currency:
        for line in batch.lines:
            line.base_debit, line.base_credit = line.debit, line.credit
        return
    for line in batch.lines:
        line.base_debit = chart.rounded(line.debit * batch.rate, chart.base_currency)
        line.base_credit = chart.rounded(line.credit * batch.rate, chart.base_currency)
    debit, credit = batch.totals()
    base_debit, base_credit = batch.base_totals()
    if debit == credit and base_debit != base_credit:  # the largest line takes the rounding
        largest = max(batch.lines, key=lambda line: line.base_debit)
        largest.base_debit += base_credit - base_debit


def _ledgers_of(batch: Batch) -> tuple[str, ...]:
    return CASH if any(line.account.cash for line in batch.lines) else GL


def _branch(company: Company, number: str | None) -> str:
    if not number:
        return next(iter(company.chart.branches))
    if number not in company.chart.branches:
        raise Refusal(400, f"'Branch' '{number}' cannot be found in the system.")
    return number


def _ledger(company: Company, number: str | None) -> str:
    chosen = number or next(iter(company.chart.ledgers))
    if chosen not in company.chart.ledgers:
        raise Refusal(400, f"'Ledger' '{chosen}' cannot be found in the system.")
    return chosen


def _copy(batch: Batch) -> Batch:
    values = {name: getattr(batch, name) for name in Batch.__slots__}
    values["lines"] = [Line(**{name: getattr(line, name) for name in Line.__slots__}) for line in batch.lines]
    return Batch(**values)


def _reverse_next_period(call: Call, batch: Batch) -> None:
    company = call.company
    on = (date(batch.date.year, batch.date.month, 1) + timedelta(days=32)).replace(day=1)
    period = open_period(company, f"{on.year:04d}{on.month:02d}", on, _ledgers_of(batch))
    number = company.chart.series["GLGL"].take()
    reverse = Batch(
        "GL", number, batch.status, on, period.id, batch.ledger, batch.currency, batch.rate, batch.branch,
        batch.description, mirrored(batch), call.now, call.now, company.stamp(),
    )  # fmt: skip
    reverse.reversing, reverse.original, reverse.create_vat = True, batch.number, batch.create_vat
    company.ledger.add(reverse)
