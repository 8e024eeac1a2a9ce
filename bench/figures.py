"""A measured number beside its target, and the table of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `at` says whether the target is the least or the most; no target: told for comparison."""

    what: str
    value: float
    unit: str = ""
    target: float | None = None
    at: Literal["least", "most"] = "least"

    @property
    def reached(self) -> bool | None:
        """Whether the target was met; None where there is none."""
        if self.target is None:
            return None
        return self.value >= self.target if self.at == "least" else self.value <= self.target

    def encoded(self) -> dict[str, Any]:
        """As JSON, with the verdict."""
        return {**asdict(self), "reached": self.reached}


def figure_of(encoded: dict[str, Any]) -> Figure:
    """The figure back from its JSON."""
    return Figure(**{name: value for name, value in encoded.items() if name != "reached"})


def table(title: str, figures: Sequence[Figure]) -> str:
    """Number, target, reached, for people."""
    rows = [("", "measured", "target", "reached"), *(_cells(one) for one in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([title, *(f"  {line}" for line in lines)])


def _cells(one: Figure) -> tuple[str, str, str, str]:
    sign = ">=" if one.at == "least" else "<="
    wanted = f"{sign} {_number(one.target)}" if one.target is not None else "-"
    verdict = {None: "-", True: "yes", False: "NO"}[one.reached]
    return one.what, f"{_number(one.value)} {one.unit}".strip(), wanted, verdict


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.4g}"
