"""A journal for people: debit and credit side by side, their sums, and why each line is where it is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console

from ml_connector.engine.journals import Line
from ml_connector.finance.money import Money

_GAP = "  "
_LEFT, _RIGHT = False, True
_SIDES = (_LEFT, _LEFT, _LEFT, _RIGHT, _RIGHT, _LEFT)


def show(console: Console, title: str, journal: Sequence[Line]) -> None:
    """Print a journal. The reasons stand behind the lines, or under them where the screen is too narrow."""
    currency = next((line.debit.currency for line in journal), "")
    head = ("account", "name", "dimensions", f"debit {currency}", f"credit {currency}", "VAT")
    sums = ("", "sum", "", _sum([line.debit for line in journal]), _sum([line.credit for line in journal]), "")
    rows = [_cells(line) for line in journal]
    kept = [n for n in range(len(head)) if any(row[n] for row in rows)]
    widths = {n: max(cell_len(row[n]) for row in (head, *rows, sums)) for n in kept}
    beside = sum(widths.values()) + len(_GAP) * (len(kept) + 1)
    is_wide = beside + max((cell_len(line.because) for line in journal), default=0) <= console.width
    console.print(title, style="italic", markup=False)
    console.print(_row(head, widths), style="bold", markup=False)
    for line, cells in zip(journal, rows, strict=True):
        text = _row(cells, widths)
        console.print(f"{text}{_GAP}{line.because}".rstrip() if is_wide else text.rstrip(), markup=False)
        if line.because and not is_wide:
            console.print(f"{_GAP * 2}{line.because}", markup=False)
    console.print(_row(sums, widths).rstrip(), markup=False)


def _cells(line: Line) -> tuple[str, ...]:
    account = line.account or line.role
    return account, line.name, " ".join(line.dimensions), _amount(line.debit), _amount(line.credit), line.vat


def _row(cells: Sequence[str], widths: dict[int, int]) -> str:
    return _GAP + _GAP.join(_padded(cells[n], width, right=_SIDES[n]) for n, width in widths.items())


def _padded(cell: str, width: int, *, right: bool) -> str:
    blank = " " * (width - cell_len(cell))
    return blank + cell if right else cell + blank


def _amount(money: Money) -> str:
    """Without its currency, which is the voucher's; nothing where there is none."""
    return str(money).rpartition(" ")[0] if money else ""


def _sum(amounts: Sequence[Money]) -> str:
    return _amount(sum(amounts[1:], amounts[0])) if amounts else ""
