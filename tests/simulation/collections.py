"""A made-up life of a seller whose invoices are collected: sent, paid there or at the bank, credited, disputed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ml_connector_sandbox.core.faults import Faulty
from tests.engine.collecting_world import CollectingWorld
from tests.simulation.days import ANSWERS, Chance

CREATES = (
    "/attachment", "/v1/customerPayment", "/v2/customerCreditNote", "/v2/journaltransaction", "/action/release",
    "/action/void", "/v1/customerinvoice",
)  # fmt: skip


class Collections(Chance):
    """Both ways at once: what goes out and what comes back meet in one company, one lease and one ledger.

    An invoice has one fate (paid there, at the bank, or credited), as no person settles one twice.
    """

    world: CollectingWorld
    steps = 40
    creates: tuple[str, ...] = CREATES

    def __init__(self, seed: int, url: str, folder: Path) -> None:
        super().__init__(seed)
        self.answers = {**ANSWERS, "not-as-planned": "plan-again", "correction": "accept"}
        self.fresh: list[str] = []  # numbers in the ledger, nothing happened to them yet
        self.charges: list[str] = []
        self.disputes: list[str] = []
        self.world = CollectingWorld(url, folder, seed=seed)
        self.world.open_books(needs_limit_h=1000, late="next_open", corrections="automatic")
        self.world.open_the_way_back()
        self.world.clock.advance(3 * 3600)

    def shop(self) -> Faulty:
        return self.world.stripe

    # ------------------------------------------------------------------------------------------ what people do

    def trade(self) -> None:
        """One thing in the office, or one that a customer does."""
        what = (self.write, self.pay_there, self.pay_at_the_bank, self.credit, self.refund, self.dispute, self.pay_out)
        self.chance.choices(what, weights=(9, 8, 2, 2, 2, 2, 1))[0]()

    def write(self) -> None:
        net = self.chance.randrange(50, 4_000)
        number = self.world.invoice(net)
        self.fresh.append(number)
        self._tell(f"invoice {number} of {net} net")

    def pay_there(self) -> None:
        """All of it or a half, or an attempt that fails."""
        found = self._open_there()
        if found is None:
            return
        number, invoice = found
        amount = self.chance.choice((invoice["amount_remaining"], invoice["amount_remaining"] // 2))
        how = self.chance.choice(("card", "card", "sepa_debit"))
        if self.chance.random() < 0.15:
            self._do("fail", invoice_id=invoice["id"])
            return
        paid = self._do("pay", invoice_id=invoice["id"], amount=amount, fee=200, method=how)
        if paid:
            self.charges.append(paid["charge_id"])
            if amount == invoice["amount_remaining"]:
                self.fresh.remove(number)

    def pay_at_the_bank(self) -> None:
        number = self._untouched()
        if number:
            self.world.pay_to_bank(number, self.world.open_amount(number))
            self._tell(f"paid at the bank: {number}")

    def credit(self) -> None:
        number = self._untouched()
        if number:
            self.world.credit(number)
            self._tell(f"credited: {number}")

    def refund(self) -> None:
        if self.charges:
            self._do("refund", charge_id=self.charges.pop(self.chance.randrange(len(self.charges))))

    def dispute(self) -> None:
        if self.disputes and self.chance.random() < 0.6:
            outcome = self.chance.choice(("won", "lost"))
            self._do("dispute", dispute_id=self.disputes.pop(), outcome=outcome)
        elif self.charges:
            charge = self.charges.pop(self.chance.randrange(len(self.charges)))
            made = self._do("dispute", charge_id=charge, reason="fraudulent")
            if made:
                self.disputes.append(made["dispute_id"])

    def pay_out(self) -> None:
        self._do("payout", pending=True)

    # ------------------------------------------------------------------------------------------ the end

    def calm(self) -> None:
        """No more faults, what a person must mend is mended, time passes."""
        self.world.visma.remove()
        self.world.stripe.remove()
        self.world.kill_when = None
        for _ in range(3):
            self._quiet(8, 400)
            self._mend()
        self._quiet(14, 7_200)
        self._mend()
        self._quiet(12, 400)

    # ------------------------------------------------------------------------------------------ inside

    def _untouched(self) -> str:
        """An invoice to which nothing happened anywhere, taken from the others; empty when there is none."""
        there = {one["metadata"].get("visma_invoice_no"): one for one in self.world.there()}
        free = [
            one for one in self.fresh
            if one not in there or (there[one]["status"], there[one]["amount_paid"]) == ("open", 0)
        ]  # fmt: skip
        if not free:
            return ""
        number = self.chance.choice(free)
        self.fresh.remove(number)
        return number

    def _open_there(self) -> tuple[str, dict[str, Any]] | None:
        found = [
            (one["metadata"]["visma_invoice_no"], one) for one in self.world.there()
            if one["status"] == "open" and one["metadata"].get("visma_invoice_no") in self.fresh
        ]  # fmt: skip
        return self.chance.choice(found) if found else None

    def _do(self, verb: str, **arguments: Any) -> dict[str, Any] | None:
        try:
            made = self.world.at_stripe(verb, **arguments)
        except ValueError as refused:  # it makes no sense now
            self._tell(f"{verb} refused: {refused}")
            return None
        self._tell(f"{verb} {arguments}")
        return dict(made)
