"""Rows of this API as `Observed`: which states count as draft, released or gone, and where our token may stand.

Status is an open enumeration: a word we do not know is `pending`, never a success and never a failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal, TypedDict

from ml_connector import jsontext
from ml_connector.connectors.shapes import Observed
from ml_connector.errors import Untranslatable
from ml_connector.finance.money import exponent

Row = Mapping[str, Any]
State = Literal["draft", "pending", "released", "gone"]

# Unposted: released, waiting to be posted. Where the company does not post by itself, nobody but a person can: it is
# released, and `facts["unposted"]` lets the engine raise the finding.
JOURNAL_STATES: dict[str, State] = {
    **dict.fromkeys(("Hold", "Balanced", "Scheduled"), "draft"),
    **dict.fromkeys(("Unposted", "Posted", "Completed", "Released"), "released"),
    "PartiallyReleased": "pending",
    "Voided": "gone",
}
# Pending print, e-mail and credit hold come before release: such a document is not in the ledger. Reserved is a
# released document somebody put on hold.
DOCUMENT_STATES: dict[str, State] = {
    **dict.fromkeys(
        ("Hold", "Balanced", "Scheduled", "PendingPrint", "PendingEmail", "CreditHold", "CcHold", "Prebooked"), "draft"
    ),
    **dict.fromkeys(("Open", "Closed", "Reserved", "Printed"), "released"),
    "Voided": "gone",
}
VOIDING = frozenset({"VoidPayment", "VoidRefund"})


class BatchLine(TypedDict, total=False):
    """What is looked at of a journal line: a tenth of what the API tells of it."""

    lineNumber: Any
    accountNumber: Any
    debitAmountInCurrency: Any
    creditAmountInCurrency: Any
    vat: Any
    referenceNumber: Any


class Batch(TypedDict, total=False):
    """What is looked at of a journal transaction."""

    batchNumber: Any
    module: Any
    status: Any
    description: Any
    currencyId: Any
    transactionDate: Any
    financialPeriod: Any
    createVatTransaction: Any
    debitTotal: Any
    debitTotalInCurrency: Any
    creditTotalInCurrency: Any
    lastModifiedDateTime: Any
    timeStamp: Any
    timestamp: Any
    metadata: Any
    attachments: Any
    journalTransactionLines: list[BatchLine] | None


parse_batch = jsontext.parsing(Batch)
parse_batches = jsontext.parsing(list[Batch])


def journal(rows: Iterable[Row], *, etag: str | None = None) -> Observed:
    """A batch from the parts that line-based paging cut it into; a line that came twice counts once."""
    parts = list(rows)
    head = parts[0]
    lines = {line.get("lineNumber"): line for part in parts for line in part.get("journalTransactionLines") or ()}
    currency, status = text(head.get("currencyId")), text(head.get("status"))
    description = text(head.get("description"))
    references: dict[str, None] = {}
    by_account: dict[str, Decimal] = {}
    vat_lines = Decimal(0)
    for line in lines.values():
        amount = _amount(line.get("debitAmountInCurrency")) - _amount(line.get("creditAmountInCurrency"))
        account, reference, vat = line.get("accountNumber"), line.get("referenceNumber"), line.get("vat")
        account = account if type(account) is str else text(account)
        by_account[account] = by_account.get(account, 0) + amount
        if vat is not None and text(vat):
            vat_lines += amount
        references[reference if type(reference) is str else text(reference)] = None
    decimals = exponent(currency)
    facts = {
        "module": text(head.get("module")),
        "lines": len(lines),
        "by_account": {account: minor(amount, decimals) for account, amount in by_account.items()},
        "vat_lines": minor(vat_lines, decimals),
        "vat_transaction": bool(head.get("createVatTransaction")),
        "unposted": status == "Unposted",
        "period": text(head.get("financialPeriod")),
        "base_debit": _plain(head.get("debitTotal")),
        "credit_total": minor(head.get("creditTotalInCurrency"), decimals),
        "modified": text(head.get("lastModifiedDateTime")),
    }
    if isinstance(head.get("attachments"), list):
        facts["files"] = [text(one.get("name")) for one in head["attachments"] if isinstance(one, Mapping)]
    number = text(head.get("batchNumber"))
    return Observed(
        remote_id=number,
        number=number,
        state=JOURNAL_STATES.get(status, "pending"),
        status=status,
        currency=currency,
        total=minor(head.get("debitTotalInCurrency"), decimals),
        vat=None,
        day=day(head.get("transactionDate")),
        tokens=(*bracketed(description), *references),
        etag=etag or etag_of(head),
        base_total=minor(head.get("debitTotal"), decimals),
        facts=facts,
    )


def customer_document(row: Row, *, etag: str | None = None) -> Observed:
    """A customer invoice, credit note or debit note."""
    currency, status = text(row.get("currencyId")), text(row.get("status"))
    decimals = exponent(currency)
    number = text(row.get("referenceNumber"))
    balance = row.get("balanceInCurrency", row.get("balance"))
    facts = {
        "type": text(row.get("documentType")),
        "customer": text(row.get("customer")),
        "balance": None if balance is None else minor(balance, decimals),
        "taxes": _taxes(row.get("taxDetails"), decimals),
        "applications": [[text(one.get("docType")), text(one.get("refNbr"))] for one in row.get("applications") or ()],
        "period": text(row.get("financialPeriod")),
        "modified": text(row.get("lastModifiedDateTime")),
    }
    return Observed(
        remote_id=number,
        number=number,
        state=DOCUMENT_STATES.get(status, "pending"),
        status=status,
        currency=currency,
        total=minor(row.get("amountInCurrency", row.get("amount")), decimals),
        vat=minor(row.get("vatTotalInCurrency", row.get("vatTotal")), decimals),
        day=day(row.get("documentDate")),
        tokens=_texts(row, "externalReference", "customerRefNumber", "paymentReference", "note"),
        etag=etag or etag_of(row),
        base_total=minor(row.get("amount"), decimals),
        facts=facts,
    )


def payment(row: Row, *, etag: str | None = None) -> Observed:
    """A customer payment, prepayment, refund or the document that voids one; named by type and number."""
    currency, status, kind = text(row.get("currency")), text(row.get("status")), text(row.get("type"))
    decimals = exponent(currency)
    number = text(row.get("refNbr"))
    state = DOCUMENT_STATES.get(status, "pending")
    if kind in VOIDING and status == "Voided":
        state = "released"  # a voiding document in force shows the state of what it voided
    available = row.get("availableBalanceInCurrency", row.get("availableBalance"))
    facts = {
        "type": kind,
        "customer": text(row.get("customer")),
        "cash_account": text(row.get("cashAccount")),
        "available": None if available is None else minor(available, decimals),
        "applications": [
            [text(one.get("documentType")), text(one.get("refNbr"))] for one in row.get("paymentLines") or ()
        ],
        "modified": text(row.get("lastModifiedDateTime")),
    }
    return Observed(
        remote_id=f"{kind}/{number}",
        number=number,
        state=state,
        status=status,
        currency=currency,
        total=minor(row.get("paymentAmountInCurrency", row.get("paymentAmount")), decimals),
        vat=None,
        day=day(row.get("applicationDate")),
        tokens=_texts(row, "paymentRef", "invoiceText"),
        etag=etag or etag_of(row),
        base_total=minor(row.get("paymentAmount"), decimals),
        facts=facts,
    )


def supplier_invoice(row: Row, *, etag: str | None = None) -> Observed:
    """A supplier invoice; a debit adjustment counts negative, as its content does.

    `amount` has no twin and its currency is not documented; until something is paid the balance in currency,
    where there is one, is the total.
    """
    currency, status, kind = text(row.get("currencyId")), text(row.get("status")), text(row.get("documentType"))
    decimals = exponent(currency)
    sign = -1 if kind == "DebitAdj" else 1
    number, state = text(row.get("referenceNumber")), DOCUMENT_STATES.get(status, "pending")
    untouched = state == "draft" or status == "Open"
    total = minor(row.get("balanceInCurrency"), decimals) if untouched else 0
    facts = {
        "type": kind,
        "supplier": text(row.get("supplier")),
        "reference": text(row.get("supplierReference")),
        "balance": minor(row.get("balanceInCurrency"), decimals),
        "approval": text(row.get("approvalStatus")),
        "modified": text(row.get("lastModifiedDateTime")),
    }
    return Observed(
        remote_id=f"{kind}/{number}",
        number=number,
        state=state,
        status=status,
        currency=currency,
        total=sign * (total or minor(row.get("amount"), decimals)),
        vat=sign * minor(row.get("vatTotalInCurrency", row.get("vatAmount")), decimals),
        day=day(row.get("date")),
        tokens=(*bracketed(text(row.get("description"))), *_texts(row, "note", "supplierReference")),
        etag=etag or etag_of(row),
        facts=facts,
    )


def party(row: Row, *, etag: str | None = None) -> Observed:
    """A customer or supplier: there is nothing to release and nothing to sum."""
    number = text(row.get("number"))
    facts = {
        "name": text(row.get("name")),
        "internal_id": text(row.get("internalId")),
        "vat_zone": text(row.get("vatZone")),
    }
    return Observed(
        remote_id=number,
        number=number,
        state="released",
        status=text(row.get("status")),
        currency=text(row.get("currencyId")),
        total=0,
        vat=None,
        day=None,
        tokens=_texts(row, "number", "corporateId", "vatRegistrationId"),
        etag=etag or etag_of(row),
        facts=facts,
    )


def gone(remote_id: str) -> Observed:
    """A document that the ledger does not have."""
    return Observed(remote_id, remote_id.rpartition("/")[2], "gone", "", "", 0, None, None, ())


def etag_of(row: Row) -> str | None:
    """A row's version as an ETag: lists carry no header, but the same value without its quotes."""
    stamp = row.get("timeStamp") or row.get("timestamp")
    return f'"{stamp}"' if stamp else None


def _plain(value: Any) -> str:
    """An amount in base currency as decimal text, empty where the API says none.

    How many decimals that has, the currency of the batch does not tell.
    """
    return "" if value is None else str(Decimal(str(value)))


def _amount(value: Any) -> Decimal:
    """An amount of the API as it is; summed before it is rounded."""
    if type(value) is Decimal:
        return value
    try:
        return Decimal(0 if value is None else value)
    except (ArithmeticError, TypeError, ValueError):
        raise Untranslatable(f"{value!r} is not an amount.", field="amount") from None


def minor(value: Any, decimals: int) -> int:
    """An amount of the API in minor units; less than half of one is the noise of a double."""
    if value is None:
        return 0
    try:
        return int(
            (Decimal(value) if type(value) is not Decimal else value).scaleb(decimals).to_integral_value(ROUND_HALF_UP)
        )
    except (ArithmeticError, TypeError, ValueError):
        raise Untranslatable(f"{value!r} is not an amount.", field="amount") from None


def text(value: Any) -> str:
    """A text, or the key of a look-up: the same field is a string on one endpoint and an object on another."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        for name in ("number", "id", "accountCD", "vatId", "vatCategoryId"):
            if value.get(name) not in (None, ""):
                return str(value[name])
        return ""
    return "" if value is None else str(value)


def day(value: Any) -> str | None:
    """The date of a date-time, as ISO text."""
    return value[:10] if isinstance(value, str) and len(value) >= 10 else None


def bracketed(description: str) -> tuple[str, ...]:
    """A description and, first, the mark in brackets at its end."""
    if description.endswith("]") and "[" in description:
        return (description[description.rindex("[") + 1 : -1], description)
    return (description,) if description else ()


def _texts(row: Row, *names: str) -> tuple[str, ...]:
    return tuple(found for name in names if (found := text(row.get(name))))


def _taxes(rows: Any, decimals: int) -> dict[str, list[int]]:
    """VAT id -> [base, VAT] in minor units; empty where the answer carries no tax lines."""
    sums: dict[str, list[int]] = {}
    for row in rows or ():
        found = sums.setdefault(text(row.get("vatId")) or text(row.get("taxId")), [0, 0])
        found[0] += minor(row.get("taxableAmount"), decimals)
        found[1] += minor(row.get("vatAmount"), decimals)
    return sums
