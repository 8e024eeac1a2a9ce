"""Vouchers as a story shows them, and the sums it takes from the pretend ledger's own books."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from rich.console import Console

from ml_connector.cli import journal_table
from ml_connector.cli.output import plain
from ml_connector.engine.journals import Voucher
from ml_connector.finance.money import Money

MEANS = frozenset({"1580", "1585", "1910", "2421"})  # clearing, own clearing, till, gift cards: what is paid with
VAT = frozenset({"2611", "2621"})
TIPS, FEES, BANK = "2820", "6570", "1930"
# By the second part of a key: the first of each kind is shown.
IN_FULL = ("sale", "ref", "po", "inv", "ord", "pay", "cap", "txn", "dp", "doc")


def show(console: Console, vouchers: Sequence[Voucher]) -> None:
    """The first voucher of each sort and kind in full, the others as one line each."""
    whole: dict[tuple[str, str], Voucher] = {}
    for one in vouchers:
        sort = one.keys[0].split(":")[1] if one.keys else ""
        if sort in IN_FULL:
            whole.setdefault((sort, one.kind), one)
    for one in whole.values():
        journal_table.show(console, f"{one.number}  {one.day}  {one.kind}  {', '.join(one.keys)}", one.lines)
        console.print()
    shown = {one.token for one in whole.values()}
    if len(shown) < len(vouchers):
        console.print("The others, a line each: number, day, total, records, and the accounts they went to.")
    for one in vouchers:
        if one.token not in shown:
            accounts = ", ".join(dict.fromkeys(line.account or line.role for line in one.lines))
            console.print(
                f"{one.number}  {one.day}  {one.total!s:>14}  {', '.join(one.keys)}  ({accounts})", markup=False
            )


def as_json(one: Voucher) -> dict[str, Any]:
    """A voucher as JSON: its lines with account, dimensions, debit, credit and source ids."""
    return {
        "number": one.number, "kind": one.kind, "day": one.day.isoformat() if one.day else None,
        "currency": one.currency,
        "token": one.token, "keys": list(one.keys),
        "lines": [
            {
                "account": line.account, "name": line.name, "role": line.role, "dimensions": list(line.dimensions),
                "debit": str(line.debit.decimal()), "credit": str(line.credit.decimal()), "vat": line.vat,
                "source_ids": plain(line.source_ids), "because": line.because,
            }
            for line in one.lines
        ],
    }  # fmt: skip


def copies(books: Iterable[Mapping[str, Any]], tokens: Iterable[str]) -> dict[str, int]:
    """How many vouchers of the pretend ledger's own books bear each reference token.

    Journals bear it in their description, documents of the sub-ledgers on the line of the customer.
    """
    texts = [_texts(one) for one in books]
    return {token: found for token in tokens if (found := sum(token in text for text in texts))}


def strays(books: Iterable[Mapping[str, Any]], tokens: Sequence[str], *, by_people: Collection[str] = ()) -> list[str]:
    """Names of vouchers in the pretend ledger that neither our documents nor people account for."""
    found = [(name_of(one), _texts(one)) for one in books]
    return [name for name, text in found if name not in by_people and not any(token in text for token in tokens)]


def name_of(one: Mapping[str, Any]) -> str:
    """A voucher's module and number: numbers repeat between modules."""
    return f"{one['module']} {one['number']}"


def _texts(one: Mapping[str, Any]) -> str:
    return " ".join([str(one["description"]), *(str(line["text"]) for line in one["lines"])])


def totals(books: Iterable[Mapping[str, Any]], vouchers: Iterable[Voucher]) -> dict[str, Money]:
    """The day by the ledger: what was paid, VAT and tips of sales, fees, refunds, payouts."""
    sorts = {one.number: one.keys[0].split(":")[1] for one in vouchers if one.kind == "journal" and one.keys}
    sums = dict.fromkeys(("gross", "vat", "tips", "fees", "refunds", "payouts"), Decimal(0))
    for one in books:
        sort = sorts.get(one["number"], "") if one["module"] == "GL" else "sub-ledger"
        for line in one["lines"]:
            for name in _counts_as(sort, line["account"]):
                side = "debit" if name in ("gross", "fees", "payouts") else "credit"
                sums[name] += Decimal(line[side])
    return {name: Money.of(amount, "EUR") for name, amount in sums.items()}


def _counts_as(sort: str, account: str) -> tuple[str, ...]:
    if sort == "po":
        return ("payouts",) if account == BANK else (("fees",) if account == FEES else ())
    if sort == "ref":
        return ("refunds",) if account in MEANS else ()
    if account in MEANS:
        return ("gross",)
    if account in VAT:
        return ("vat",)
    return ("tips",) if account == TIPS else ()
