"""Whatever is done to customer documents, in any order: books balance and the sub-ledger equals its account."""

from __future__ import annotations

import json
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from tests.sandbox.visma_office import Office, document_line, invoice, office, payment

KINDS = {"Invoice": "customerinvoice", "CreditNote": "customerCreditNote", "DebitNote": "customerDebitNote"}


class Clerk:
    """Does random things; what the ERP refuses is simply not done."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.shop: Office = office()
        self.documents: list[tuple[str, str]] = []
        self.payments: list[tuple[str, str]] = []

    def try_to(self, path: str, body: Any = None) -> str | None:
        answer = self.shop.call("POST", path, body)
        return dict(answer.headers)["Location"].rsplit("/", 1)[1] if answer.status == 201 else None

    def enter_document(self) -> None:
        kind = self.random.choice(list(KINDS))
        line = document_line(
            "3001", self.random.randint(1, 99999) / 100, self.random.choice(["25", "12", "06", "NONE"])
        )
        rows = "invoiceLines" if kind == "Invoice" else "lines"
        number = self.try_to(f"/v2/{KINDS[kind]}", invoice(line, rows_in=rows))
        assert number is not None
        self.documents.append((kind, number))
        self.try_to(f"/v1/{KINDS[kind]}/{number}/action/release")

    def pay(self) -> None:
        if not self.documents:
            return
        kind, number = self.random.choice(self.documents)
        amount = self.random.randint(1, 60000) / 100
        means = "Refund" if kind == "CreditNote" else self.random.choice(["Payment", "Prepayment"])
        extra = 0 if means == "Refund" else self.random.choice([0, 7.77])
        body = payment(round(amount + extra, 2), (kind, number, amount), type=means)
        made = self.try_to("/v1/customerPayment", body)
        if made is not None:
            self.payments.append((means, made))
            self.try_to(f"/v1/customerPayment/{made}/action/release", {"type": {"value": means}})

    def void(self) -> None:
        if self.payments:
            kind, number = self.random.choice(self.payments)
            self.try_to(f"/v1/customerPayment/{number}/action/void", {"type": kind})
            if self.random.random() < 0.7:
                self.try_to(f"/v1/customerPayment/{number}/action/release", {"type": {"value": "VoidPayment"}})

    def reverse(self) -> None:
        if self.documents:
            kind, number = self.random.choice(self.documents)
            verb = self.random.choice(["reverse", "reverseandapplytonote"])
            self.shop.call("POST", f"/v1/{KINDS[kind]}/{number}/action/{verb}", {"returnCreditNote": False})

    def give_back(self) -> None:
        if self.payments:
            kind, number = self.random.choice(self.payments)
            made = self.try_to("/v1/customerPayment", payment(5, (kind, number, 5), type="Refund"))
            if made is not None:
                self.payments.append(("Refund", made))
                self.try_to(f"/v1/customerPayment/{made}/action/release", {"type": {"value": "Refund"}})


@pytest.mark.parametrize("seed", range(8))
def test_books_balance_and_ledgers_agree(seed: int) -> None:
    clerk = Clerk(seed)
    for _ in range(120):
        clerk.random.choice([clerk.enter_document, clerk.pay, clerk.pay, clerk.void, clerk.reverse, clerk.give_back])()
    books = clerk.shop.control("balances")
    assert Decimal(books["total"]) == 0
    on_accounts = sum(Decimal(books["base"].get(number, "0")) for number in ("1510", "2420"))
    owed = json.loads(clerk.shop.call("GET", "/v1/customer/10010/balance").body)["balance"]
    assert on_accounts == Decimal(str(owed))
    for voucher in clerk.shop.books():
        debit = sum(Decimal(line["base_debit"]) for line in voucher["lines"])
        assert debit == sum(Decimal(line["base_credit"]) for line in voucher["lines"]), voucher["number"]
    assert len(clerk.payments) > 10
