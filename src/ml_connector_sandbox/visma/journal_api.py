"""`/v2/journaltransaction`: create, read, list by lines, change, release, attach."""

from __future__ import annotations

from typing import Any

from ml_connector_sandbox.core.wire import Response
from ml_connector_sandbox.visma import journal_entry
from ml_connector_sandbox.visma.attachments import attached, shown_files
from ml_connector_sandbox.visma.call import Call, Route, action_result, created, listed, moment, no_content, ok
from ml_connector_sandbox.visma.company import Company, row_version
from ml_connector_sandbox.visma.journal import Batch, Line
from ml_connector_sandbox.visma.lists import page_bounds, query_moment
from ml_connector_sandbox.visma.refusal import Refusal, not_found
from ml_connector_sandbox.visma.shown import day, shown_subaccount

PATH = "/v2/journaltransaction"
Subs = dict[int, dict[str, Any]]


def routes() -> list[Route]:
    """The operations."""
    one = PATH + "/{batchNumber}"
    files = PATH + "/module/{module}/{batchNumber}"
    return [
        Route("GET", PATH, _list),
        Route("POST", PATH, _create),
        Route("GET", one, _read),
        Route("PUT", one, _change, if_match="sync", subject=_stamp),
        Route("POST", one + "/action/release", _release, if_match="sync", subject=_stamp, implicit=True, action=True),
        Route("POST", files + "/attachment", _attach),
        Route("POST", files + "/{lineNumber}/attachment", _attach),
    ]


def _create(call: Call) -> Response:
    batch = journal_entry.create(call)
    return created(call, f"{PATH}/{batch.number}", batch.stamp)


def _read(call: Call) -> Response:
    batch = journal_entry.find(call.company, call.values["batchNumber"])
    return ok(shown_batch(call.company, batch, files=True), stamp=batch.stamp)


def _change(call: Call) -> Response:
    batch = journal_entry.find(call.company, call.values["batchNumber"])
    journal_entry.change(call, batch)
    return no_content(batch.stamp)


def _release(call: Call) -> Response:
    batch = journal_entry.find(call.company, call.values["batchNumber"])
    journal_entry.release(call, batch)
    return action_result(call)


def _stamp(call: Call) -> int:
    return journal_entry.find(call.company, call.values["batchNumber"]).stamp


def _attach(call: Call) -> Response:
    module = call.values["module"].upper().removeprefix("MODULE")
    batch = call.company.ledger.batches.get((module, call.values["batchNumber"]))
    if batch is None:
        raise not_found("Batch", call.values["batchNumber"])
    files = batch.attachments
    if "lineNumber" in call.values:
        files = _line(batch, call.values["lineNumber"]).attachments
    attachment = attached(call, files)
    call.company.ledger.changed(batch, call.now, call.company.stamp())
    return created(call, f"/v1/attachment/{attachment.id}", None)


def _line(batch: Batch, number: str) -> Line:
    for line in batch.lines:
        if str(line.number) == number:
            return line
    raise not_found("Line", number)


def _list(call: Call) -> Response:
    """Pages count lines: a batch may be split over two of them."""
    batches = _asked_for(call)
    start, end, cap = page_bounds(call)
    total = sum(len(batch.lines) for batch in batches)
    rows, passed, files = [], 0, call.flag("expandAttachments")
    for batch in batches:
        first, passed = passed, passed + len(batch.lines)
        if passed <= start:
            continue
        if first >= end:
            break
        row = _shown(call.company, batch, batch.lines[max(start - first, 0) : end - first], files=files)
        row["metadata"] = {"totalCount": total, "maxPageSize": cap}
        rows.append(row)
    return listed(rows)


def _asked_for(call: Call) -> list[Batch]:
    period, since = call.query.get("periodId"), call.query.get("lastModifiedDateTime")
    if not period and not since:
        raise Refusal(400, "Either periodId or lastModifiedDateTime must be provided.")
    ledger = call.company.ledger
    if since:
        batches = ledger.changed_since(query_moment("lastModifiedDateTime", since))
        batches = [batch for batch in batches if batch.period == period] if period else batches
    else:
        batches = ledger.in_period(period or "")
    if module := call.query.get("module", "").upper().removeprefix("MODULE"):
        batches = [batch for batch in batches if batch.module == module]
    if status := call.query.get("status", "").lower():
        wanted = ("hold", "balanced") if status == "unreleased" else (status,)
        batches = [batch for batch in batches if batch.status.lower() in wanted]
    if branch := call.query.get("branch"):
        batches = [batch for batch in batches if batch.branch == branch]
    return batches


def shown_batch(company: Company, batch: Batch, *, files: bool = False) -> dict[str, Any]:
    """A whole batch as it is read."""
    return _shown(company, batch, batch.lines, files=files)


def _shown(company: Company, batch: Batch, lines: list[Line], *, files: bool) -> dict[str, Any]:
    subs: Subs = {}
    debit, credit = batch.totals()
    base_debit, base_credit = batch.base_totals()
    row = {
        "module": f"Module{batch.module}",
        "batchNumber": batch.number,
        "status": batch.status,
        "hold": batch.status == "Hold",
        "transactionDate": day(batch.date),
        "postPeriod": batch.period[4:] + batch.period[:4],
        "financialPeriod": batch.period,
        "ledger": batch.ledger,
        "ledgerDescription": company.chart.ledgers[batch.ledger]["description"],
        "currencyId": batch.currency,
        "exchangeRate": float(batch.rate),
        "autoReversing": batch.auto_reversing,
        "reversingEntry": batch.reversing,
        "description": batch.description,
        "originalBatchNumber": batch.original,
        "debitTotal": float(base_debit),
        "debitTotalInCurrency": float(debit),
        "creditTotal": float(base_credit),
        "creditTotalInCurrency": float(credit),
        "controlTotal": float(company.chart.rounded(batch.control_total * batch.rate, company.chart.base_currency)),
        "controlTotalInCurrency": float(batch.control_total),
        "createVatTransaction": batch.create_vat,
        "skipVatAmountValidation": batch.skip_vat_check,
        "lastModifiedDateTime": moment(batch.modified),
        "transactionCode": batch.transaction_code,
        "branch": batch.branch,
        "timeStamp": row_version(batch.stamp),
        "journalTransactionLines": [_shown_line(company, batch, line, subs, files=files) for line in lines],
    }
    if files:
        row["attachments"] = shown_files(company, batch.attachments)
    return row


def _shown_line(company: Company, batch: Batch, line: Line, subs: Subs, *, files: bool) -> dict[str, Any]:
    """A line; `subs` are the subaccounts shown before, a handful in hundreds of lines."""
    sub = subs.get(id(line.sub))
    if sub is None:
        sub = subs[id(line.sub)] = shown_subaccount(company, line.sub)
    row = {
        "lineNumber": line.number,
        "accountNumber": line.account.number,
        "description": line.account.description,
        "subaccount": sub,
        "referenceNumber": line.reference,
        "debitAmount": float(line.base_debit),
        "debitAmountInCurrency": float(line.debit),
        "creditAmount": float(line.base_credit),
        "creditAmountInCurrency": float(line.credit),
        "transactionDescription": line.text,
        "branch": line.branch,
        "customerSupplier": line.party,
        "transactionType": line.type,
        "module": f"Module{batch.module}",
        "uom": line.uom,
        "quantity": float(line.quantity),
        "inventoryNumber": "",
        "note": line.note,
    }
    if line.vat_code:
        row["vatCode"] = {"id": line.vat_code, "description": company.chart.categories[line.vat_code].description}
    if line.vat_id:
        row["vat"] = {"id": line.vat_id, "description": company.chart.vats[line.vat_id].description}
    if files:
        row["attachments"] = shown_files(company, line.attachments)
    return row
