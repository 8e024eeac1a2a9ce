"""What people do in Visma to an invoice that came from PayPal reaches the PayPal invoice: once, and in no circle."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from ml_connector.engine import replaying, rulebooks, ruling, setup
from ml_connector.engine.tracing import trace
from ml_connector.finance.rulebook import Terms
from ml_connector.store import cursors
from tests.databases import Databases
from tests.engine.crash_walk import killed_everywhere, step
from tests.engine.proofs import query
from tests.engine.wallet_world import BALANCES, RECEIVABLE, WalletWorld

BANK = "1930"


class BothWays(WalletWorld):
    """PayPal invoices in Visma's books, and the route that tells PayPal what people did to them."""

    def open_way_out(self, *, posting: str = "on", **terms: Any) -> None:
        shipped = tomllib.loads(files("ml_connector.cli").joinpath("paypal_terms.toml").read_text(encoding="utf-8"))
        self.out_id = setup.add_route(
            self.works, company_id=self.company_id, flow="visma_to_paypal", source_id=self.visma_id,
            target_id=self.paypal_id, posting=posting, by="test",
            terms=ruling.parse_terms({**shipped, "adjust_invoices": True, **terms}, base=Terms(code="pp")),
        )  # fmt: skip
        text = files("ml_connector.cli").joinpath("paypal_rules.toml").read_text(encoding="utf-8")
        ruling.save_rules(self.works, self.out_id, rulebooks.read(text, form="toml"), by="test")

    # ------------------------------------------------------------------------------------------ what people do

    def bill(self) -> tuple[str, str]:
        """A PayPal invoice of 1,250.00 in the books: (PayPal's id, Visma's number)."""
        made = self.at_paypal("invoice", number="10042")
        self.settle()
        ((number,),) = query(
            self, "SELECT number FROM planned_write WHERE key = :key AND state = 'done'",
            key=f"pp:inv:{made['invoice_id']}",
        )  # fmt: skip
        return made["invoice_id"], number

    def customer_of(self, number: str) -> str:
        shown = self.ledger("by_hand", method="GET", path=f"/v1/customerinvoice/{number}")["body"]
        return str(shown["customer"]["number"])

    def pay_to_bank(self, number: str, amount: str) -> str:
        """Somebody books a bank payment on an invoice: its number."""
        return self._money("Payment", number, "Invoice", amount)

    def refund_from_bank(self, credit: str, amount: str, *, of: str) -> str:
        """Somebody pays a credit note out of the bank: the refund's number."""
        return self._money("Refund", credit, "CreditNote", amount, customer=self.customer_of(of))

    def void(self, payment: str) -> None:
        body = {"type": "Payment", "returnVoidPayment": True}
        self.ledger("by_hand", path=f"/v1/customerPayment/{payment}/action/void", body=body)
        release = _wrapped({"type": "VoidPayment"})
        self.ledger("by_hand", path=f"/v1/customerPayment/{payment}/action/release", body=release)

    def credit_whole(self, number: str) -> None:
        self.ledger("by_hand", path=f"/v1/customerinvoice/{number}/action/reverseandapplytonote", body={})

    def credit_note(self, of: str, net: str, *, applied: bool, text: str = "") -> str:
        """Somebody writes and releases a credit note for an invoice: its number."""
        fields = {
            "customerNumber": self.customer_of(of), "documentDate": self._today(), "hold": False, "dontPrint": True,
            "dontEmail": True, "invoiceText": text or f"Credit of {of}",
        }  # fmt: skip
        line = {"accountNumber": "3001", "quantity": 1, "unitPriceInCurrency": float(net), "vatCodeId": "25"}
        body = {**_wrapped(fields), "lines": [{"operation": "Insert", **_wrapped(line | {"description": "Back"})}]}
        if applied:
            row = {"documentType": "Invoice", "refNbr": of, "amountPaid": float(net) * 1.25}
            body["applicationLines"] = [{"operation": "Insert", **_wrapped(row)}]
        number = str(self.ledger("by_hand", path="/v2/customerCreditNote", body=body)["number"])
        self.ledger("by_hand", path=f"/v1/customerCreditNote/{number}/action/release", body={})
        return number

    def _money(self, kind: str, number: str, document: str, amount: str, *, customer: str = "") -> str:
        worth = float(amount)
        applied = {"documentType": document, "refNbr": number, "amountPaid": worth}
        fields = {
            "type": kind, "customer": customer or self.customer_of(number), "paymentMethod": "BANK",
            "cashAccount": BANK,
            "applicationDate": self._today(), "paymentRef": f"bank {number}", "hold": False, "paymentAmount": worth,
        }  # fmt: skip
        body = {**_wrapped(fields), "paymentLines": [{"operation": "Insert", **_wrapped(applied)}]}
        paid = str(self.ledger("by_hand", path="/v1/customerPayment", body=body)["number"])
        self.ledger("by_hand", path=f"/v1/customerPayment/{paid}/action/release", body=_wrapped({"type": kind}))
        return paid

    def _today(self) -> str:
        return self.clock.now().strftime("%Y-%m-%dT00:00:00")

    # ------------------------------------------------------------------------------------------ what came of it

    def settle(self, seconds: float = 1_200) -> None:
        """Both sides are read now, and once more when all has come to rest."""
        for _ in range(2):
            for connection_id in (self.paypal_id, self.visma_id):
                with self.works.database.writing() as c:
                    cursors.make_due(c, connection_id, now=self.works.now())
            self.run()
            self.pass_time(seconds, step=120)

    def invoice(self, invoice_id: str) -> Any:
        """The invoice as the pretend PayPal has it."""
        merchant = next(iter(self.paypal.vendor.world.merchants.values()))  # type: ignore[attr-defined]
        return merchant.invoices[invoice_id]

    def recorded(self, invoice_id: str) -> list[int]:
        return [one.amount for one in self.invoice(invoice_id).payments if one.kind == "EXTERNAL"]


def _wrapped(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: {"value": value} for name, value in fields.items()}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[BothWays]:
    made = BothWays(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    made.open_books()
    made.open_way_out()
    made.settle(300)
    yield made
    made.close()


def test_a_bank_payment_is_recorded_on_the_paypal_invoice_once_and_never_comes_back(world: BothWays) -> None:
    invoice, number = world.bill()
    before = world.at_paypal("truth")["balances"]
    paid = world.pay_to_bank(number, "1250.00")
    world.settle()
    assert world.recorded(invoice) == [125_000]
    assert world.invoice(invoice).status in {"MARKED_AS_PAID", "PAID"}
    assert world.keys()[f"pp:adj:{invoice}:payment/{paid}"] == "done"
    replaying.replay_range(world.works, world.company_id, since=None, until=None, states=None, by="test")
    world.settle()
    assert world.recorded(invoice) == [125_000]
    assert world.items() == {}
    assert world.balance(RECEIVABLE) == "0.00"
    assert world.at_paypal("truth")["balances"] == before
    assert world.invoice(invoice).mails == world.invoice(invoice).mails[:1]


def test_part_of_an_invoice_paid_to_the_bank_is_recorded_as_that_part(world: BothWays) -> None:
    invoice, number = world.bill()
    world.pay_to_bank(number, "250.00")
    world.settle()
    world.pay_to_bank(number, "1000.00")
    world.settle()
    assert world.recorded(invoice) == [25_000, 100_000]
    assert world.items() == {}


def test_the_void_of_a_bank_payment_removes_what_was_recorded(world: BothWays) -> None:
    invoice, number = world.bill()
    paid = world.pay_to_bank(number, "1250.00")
    world.settle()
    world.void(paid)
    world.settle()
    assert world.recorded(invoice) == []
    assert world.invoice(invoice).status in {"SENT", "UNPAID"}
    assert world.keys()[f"pp:adj:{invoice}:payment/{paid}:void"] == "done"
    assert world.items() == {}


def test_the_timeline_of_an_invoice_shows_what_it_was_told(world: BothWays) -> None:
    invoice, number = world.bill()
    paid = world.pay_to_bank(number, "250.00")
    world.settle()
    told = f"pp:adj:{invoice}:payment/{paid}"
    for name in (invoice, told):
        shown = {write.key for story in trace(world.works, world.workspace, name) for write in story.writes}
        assert told in shown, name


def test_a_payment_that_is_voided_before_it_was_told_is_never_told(world: BothWays) -> None:
    invoice, number = world.bill()
    world.void(world.pay_to_bank(number, "1250.00"))
    world.settle()
    assert world.recorded(invoice) == []
    assert world.items() == {}


def test_a_credit_of_all_of_an_unpaid_invoice_cancels_it_and_is_not_credited_again(world: BothWays) -> None:
    invoice, number = world.bill()
    world.credit_whole(number)
    world.settle()
    assert world.invoice(invoice).status == "CANCELLED"
    world.settle()
    assert world.items() == {}
    assert world.balance(RECEIVABLE) == "0.00"
    assert world.balance("3001") == "0.00"
    assert not [key for key in world.keys() if key.startswith(f"pp:inv:{invoice}:")]  # noqa: SIM118  a method of ours


def test_a_credit_of_part_is_a_persons(world: BothWays) -> None:
    invoice, number = world.bill()
    world.credit_note(number, "200.00", applied=True)
    world.settle()
    assert set(world.items()) == {"adjustment-credit"}
    assert world.invoice(invoice).status in {"SENT", "UNPAID"}


def test_a_credit_of_a_part_paid_invoice_is_a_persons(world: BothWays) -> None:
    invoice, number = world.bill()
    world.pay_to_bank(number, "250.00")
    world.settle()
    world.credit_note(number, "800.00", applied=True)
    world.settle()
    assert set(world.items()) == {"adjustment-credit"}
    assert world.recorded(invoice) == [25_000]


def test_a_bank_refund_of_a_credit_note_is_recorded_up_to_what_was_paid_outside(world: BothWays) -> None:
    invoice, number = world.bill()
    world.pay_to_bank(number, "1250.00")
    world.settle()
    note = world.credit_note(number, "200.00", applied=False)
    world.refund_from_bank(note, "250.00", of=number)
    world.settle()
    assert [one.amount for one in world.invoice(invoice).refunds] == [25_000]
    assert world.items() == {}
    world.settle()
    assert len(world.invoice(invoice).refunds) == 1


def test_a_bank_refund_of_what_was_paid_through_paypal_is_a_persons(world: BothWays) -> None:
    invoice, number = world.bill()
    world.at_paypal("invoice_pay", invoice_id=invoice)
    world.settle()
    note = world.credit_note(number, "200.00", applied=False)
    world.refund_from_bank(note, "250.00", of=number)
    world.settle()
    assert set(world.items()) == {"adjustment-refund-too-large"}
    assert world.invoice(invoice).refunds == []


def test_what_paypal_paid_is_not_told_to_paypal(world: BothWays) -> None:
    invoice, _ = world.bill()
    world.at_paypal("invoice_pay", invoice_id=invoice)
    world.settle()
    assert world.recorded(invoice) == []
    assert world.items() == {}
    assert world.balance(BALANCES["SEK"]) == world.at_paypal("truth")["balances"]["SEK"]["available"]
    assert not [key for key in world.keys() if ":adj:" in key]  # noqa: SIM118  a method of ours


def test_an_invoice_that_we_take_back_ourselves_is_not_cancelled_at_paypal(world: BothWays) -> None:
    invoice, _ = world.bill()
    (trip,) = query(
        world, "SELECT t.id FROM trip t JOIN record r ON r.id = t.record_id WHERE r.external_id = :id AND t.state = "
        "'posted'", id=invoice,
    )[0]  # fmt: skip
    replaying.undo(world.works, trip, by="Ann")
    world.settle()
    assert world.invoice(invoice).status in {"SENT", "UNPAID"}
    assert world.items() == {}


def test_what_a_person_records_at_paypal_is_still_asked_about(world: BothWays) -> None:
    invoice, number = world.bill()
    world.pay_to_bank(number, "250.00")
    world.settle()
    world.at_paypal("invoice_record", invoice_id=invoice, amount="100.00")
    world.settle()
    assert set(world.items()) == {"external-payment"}
    assert "100.00" in world.items()["external-payment"]
    assert "250.00" not in world.items()["external-payment"]


def test_nothing_is_told_where_the_terms_do_not_say_so(tmp_path: Path) -> None:
    world = BothWays(f"sqlite:///{tmp_path / 'main.db'}", tmp_path)
    world.open_books()
    world.open_way_out(adjust_invoices=False)
    invoice, number = world.bill()
    world.pay_to_bank(number, "1250.00")
    world.settle()
    assert world.recorded(invoice) == []
    world.close()


def test_a_lost_answer_makes_no_second_record(world: BothWays) -> None:
    invoice, number = world.bill()
    world.paypal.add(
        {"match": {"path": f"/v2/invoicing/invoices/{invoice}/payments"}, "effect": "cut_after", "times": 1}
    )
    world.pay_to_bank(number, "1250.00")
    world.settle()
    assert world.recorded(invoice) == [125_000]
    assert world.items() == {}


@pytest.mark.slow
@pytest.mark.trials
def test_killed_anywhere_a_payment_is_recorded_once(world: BothWays, sqlite_databases: Databases) -> None:
    invoice, number = world.bill()
    world.pay_to_bank(number, "1250.00")
    expected, _ = killed_everywhere(
        world, sqlite_databases, play=lambda life: life.settle(300), again=lambda life: life.settle(), each=step(13),
        came_to=lambda life, _said: (life.recorded(invoice), life.items()),
    )  # fmt: skip
    assert expected == ([125_000], {})
