"""What stands on an account of the general ledger, line by line: the inquiry GL404000 as a list."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from ml_connector.connectors.visma.client import VismaClient
from ml_connector.connectors.visma.observed import Row, day, minor, text
from ml_connector.errors import Untranslatable
from ml_connector.finance.chart import Chart
from ml_connector.finance.ledger import AccountLine
from ml_connector.finance.money import CURRENCIES, exponent

ADDRESS = "/v1/GeneralLedgerTransactions"


def lines(client: VismaClient, account: str, *, chart: Chart) -> Iterator[AccountLine]:
    """Every posted or released line on the account. Both ends of the range are said: left out, it may be this period.

    The vendor ignores filters that it does not know, so the account of each row is looked at.
    """
    periods = sorted(period.id for period in chart.periods)
    if not periods or chart.base_currency is None:
        return
    actual = sorted(one.number for one in chart.ledgers.values() if one.balance_type.casefold() == "actual")
    for number in actual:
        asked = {
            "ledger": number, "account": account, "fromPeriod": periods[0], "toPeriod": periods[-1],
            "includeUnposted": "true",
        }  # fmt: skip
        for page in client.pages(ADDRESS, asked, operation=f"GET {ADDRESS}"):
            yield from (_line(row, chart.base_currency) for row in page if text(row.get("account")) == account)


def _line(row: Row, base: str) -> AccountLine:
    module, batch, reference = (text(row.get(name)) for name in ("module", "batchNumber", "refNumber"))
    told = day(row.get("tranDate"))
    if told is None:
        raise Untranslatable(f"A line of batch {batch} has no date.", record=batch, field="tranDate")
    currency = text(row.get("currency"))
    known = currency in CURRENCIES
    return AccountLine(
        # Of a batch that comes from a sub-ledger, people know the document; its batch's number is another.
        document=batch if module.endswith("GL") else reference or batch,
        day=date.fromisoformat(told),
        text=text(row.get("description")),
        base_minor=_debit(row, "debitAmount", "creditAmount", exponent(base)),
        currency=currency if known else "",
        minor=_debit(row, "currDebitAmount", "currCreditAmount", exponent(currency)) if known else 0,
    )


def _debit(row: Row, debit: str, credit: str, decimals: int) -> int:
    return minor(row.get(debit), decimals) - minor(row.get(credit), decimals)
