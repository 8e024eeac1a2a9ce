"""Reports over the general ledger: `/v1/GeneralLedgerTransactions` and `/v2/generalLedgerBalance`."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ml_connector_sandbox.core.wire import Response
from ml_connector_sandbox.visma.call import Call, Route, moment, ok
from ml_connector_sandbox.visma.chart import ZERO
from ml_connector_sandbox.visma.journal import Batch, Line
from ml_connector_sandbox.visma.lists import all_pass, moment_filter, paged, query_moment
from ml_connector_sandbox.visma.refusal import Refusal
from ml_connector_sandbox.visma.shown import branch_reference, day

Row = dict[str, Any]


def routes() -> list[Route]:
    """The operations."""
    return [
        Route("GET", "/v1/GeneralLedgerTransactions", _transactions),
        Route("GET", "/v2/generalLedgerBalance", _balances),
    ]


def _transactions(call: Call) -> Response:
    if not call.query.get("ledger"):
        raise Refusal(400, "'ledger' must be provided.")
    rows = list(_lines(call))
    return ok(paged(call, rows, lambda pair: _shown(call, *pair)))


def _lines(call: Call) -> Iterator[tuple[Batch, Line]]:
    query = call.query
    statuses = {"Posted"}
    if call.flag("includeUnposted"):
        statuses |= {"Unposted"}
    if call.flag("includeUnreleased"):
        statuses |= {"Balanced"}
    by_modified = moment_filter(call, "lastModifiedDateTime")
    first, last = query.get("fromPeriod") or "", query.get("toPeriod") or "999999"
    start, end = (query_moment(n, query[n]).date() if query.get(n) else None for n in ("fromDate", "toDate"))
    for batch in list(call.company.ledger.batches.values()):
        if batch.status not in statuses or not first <= batch.period <= last or batch.ledger != query["ledger"]:
            continue
        if not all_pass(batch.modified, (by_modified,)) or query.get("branch", batch.branch) != batch.branch:
            continue
        if (start and batch.date < start) or (end and batch.date > end):
            continue
        yield from (
            (batch, line) for line in batch.lines if query.get("account", line.account.number) == line.account.number
        )


def _shown(call: Call, batch: Batch, line: Line) -> Row:
    ledger = call.company.chart.ledgers[batch.ledger]
    return {
        "lineNumber": line.number,
        "module": batch.module,
        "batchNumber": batch.number,
        "tranDate": day(batch.date),
        "period": batch.period,
        "description": line.text,
        "refNumber": line.reference,
        "branch": branch_reference(call.company, line.branch),
        "account": {
            "type": line.account.type,
            "number": line.account.number,
            "description": line.account.description,
        },
        "ledger": {"id": ledger["number"], "description": ledger["description"]},
        "subaccount": line.sub.number,
        "debitAmount": line.base_debit,
        "creditAmount": line.base_credit,
        "currency": batch.currency,
        "currDebitAmount": line.debit,
        "currCreditAmount": line.credit,
        "lastModifiedDateTime": moment(batch.modified),
    }


def _balances(call: Call) -> Response:
    query = call.query
    if not query.get("periodId") and not query.get("lastModifiedDateTime"):
        raise Refusal(400, "Either periodId or lastModifiedDateTime must be provided.")
    sums: dict[tuple[str, str, str], list[Decimal]] = {}
    since = (
        query_moment("lastModifiedDateTime", query["lastModifiedDateTime"])
        if query.get("lastModifiedDateTime")
        else None
    )
    batches = call.company.ledger.changed_since(since) if since else call.company.ledger.in_period(query["periodId"])
    for batch in batches:
        if batch.status != "Posted":
            continue
        for line in batch.lines:
            if query.get("account") and line.account.number != query["account"]:
                continue
            found = sums.setdefault((batch.period, line.account.number, line.sub.number), [ZERO, ZERO])
            found[0] += line.base_debit
            found[1] += line.base_credit
    return ok(paged(call, sorted(sums.items()), lambda pair: _balance(call, pair)))


def _balance(call: Call, pair: tuple[tuple[str, str, str], list[Decimal]]) -> Row:
    (period, number, sub), (debit, credit) = pair
    account = call.company.chart.accounts[number]
    return {
        "financialPeriod": period,
        "account": {"type": account.type, "number": number, "description": account.description},
        "subaccountId": sub,
        "periodToDateDebit": debit,
        "periodToDateCredit": credit,
    }
