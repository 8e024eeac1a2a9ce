"""What a dry run says of what is no voucher: every kind in one line, with what matters and without our own names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ml_connector.cli.telling import told
from tests.connectors.basware.contents import CARD, CODING, HEADER, LINE, TRANSFER, row
from tests.finance.test_encoding import CONTENTS


@pytest.mark.parametrize("kind", sorted(CONTENTS))
def test_every_kind_is_told_in_one_line(kind: str) -> None:
    line = told(kind, CONTENTS[kind])
    assert line.startswith(kind.replace("_", " "))
    assert "\n" not in line
    assert not any(word in line for word in ("Money(", "Ref(", "Decimal(", "date("))


def test_a_suppliers_card_says_what_somebody_looks_for() -> None:
    line = told("supplier_card", replace(CARD, payment_denied=True))
    assert f"number {CARD.number}, name {CARD.name}" in line
    assert "payment denied yes" in line
    assert f"term {CARD.term}" in line
    assert CARD.external_code not in line
    assert CARD.source not in line


def test_what_is_as_always_is_left_out_and_many_rows_are_counted() -> None:
    assert "active" not in told("reference_row", row("account"))
    assert "active no" in told("reference_row", replace(row("account"), active=False))
    assert f"number {HEADER.number}" in told("order_header", HEADER)
    assert f"receipts {len(LINE.receipts)}" in told("order_line", LINE)
    assert f"lines {len(CODING.lines)}, total {CODING.total}" in told("ledger_coding", CODING)
    assert "success yes" in told("transfer_answer", TRANSFER)
