"""The whole connector against the pretend PayPal: what is read is what happened, to the last øre."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ml_connector.connectors.paypal.objects import balances_of
from ml_connector.connectors.paypal.translate import translate
from ml_connector.connectors.shapes import Absent, Context, SourceObject
from ml_connector.errors import BadSignature, NotAuthorized, Rejected, Transient, UnknownOutcome, Untranslatable
from ml_connector.finance.documents import Capture, Dispute, Invoice, InvoiceAdjustment, Refund
from ml_connector.finance.money import Money
from ml_connector_sandbox.core.wire import Delivery
from tests.connectors.paypal.on_sandbox import START, URL, Account

LAG = 3.5  # hours after which the report shows everything
TOKEN = "MLC8F3C21A"


def document(one: Any) -> Any:
    assert isinstance(one, SourceObject), one
    return translate(one.kind, one.payload)


def fetched(account: Account, kind: str, id_: str) -> Any:
    (found,) = account.reader().fetch(kind, [id_])
    return document(found)


# ---------------------------------------------------------------------------------------------- the report


@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"field_shapes": True},
        {"newest_first": True, "resultset_limit": 15},
        {"report_order": "initiated"},
        {"fee_back_as": "row", "refund_conversion_names": "sale", "reversed_status": "S"},
    ],
    ids=["plain", "odd shapes", "shifting and small", "by initiation", "other habits"],
)
def test_a_whole_day_is_read_as_it_was_promised_by_code_and_currency(knobs: dict[str, Any]) -> None:
    account = Account(knobs)
    promised = account.do("play_day", date="2026-11-19", seed=3)["expected"]
    account.wait(hours=LAG)
    sums: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0), Decimal(0)])
    for one in account.movements(backfill_from=START - timedelta(days=3)):
        line = sums[one.amount.currency, one.code]
        line[0] += 1
        line[1] += one.amount.decimal()
        line[2] += one.fee.decimal() if one.fee is not None else 0
    wanted = {
        (currency, code): [Decimal(one["count"]), Decimal(one["amount"]), Decimal(one["fee"])]
        for currency, codes in promised.items()
        for code, one in codes.items()
    }
    assert dict(sums) == wanted


def test_what_is_read_sums_to_the_balances_of_every_currency() -> None:
    account = Account()
    account.do("play_day", date="2026-11-19", seed=5)
    account.wait(hours=LAG)
    net: dict[str, Decimal] = defaultdict(Decimal)
    for one in account.movements(backfill_from=START - timedelta(days=3)):
        if one.role != "none" and one.state != "reversed":
            net[one.amount.currency] += one.net.decimal()
    held = account.reader().client.balances()["balances"]
    assert {row["currency"]: Decimal(row["available_balance"]["value"]) for row in held} == {
        row["currency"]: net[row["currency"]] for row in held
    }


def test_balances_are_told_by_currency_as_far_as_paypal_knows() -> None:
    account = Account()
    account.do("capture", gross="1000.00", fee="40.00", currency="SEK")
    account.wait(hours=LAG)
    told = account.reader().balances(account.clock.now())
    assert told.as_of <= account.clock.now()
    assert str(told.available["SEK"]) == "960.00 SEK"
    assert account.reader().balances(START - timedelta(days=3)).available["SEK"].minor == 0


@pytest.mark.parametrize(
    "row", [{"currency": "SEK", "available_balance": 1.5}, {"currency": "SEK", "available_balance": {"value": 1}}]
)
def test_a_balance_that_is_no_amount_is_refused(row: dict[str, Any]) -> None:
    with pytest.raises(Untranslatable):
        balances_of({"balances": [row]}, asked=START)


def test_a_currency_of_which_only_the_total_is_told_is_left_out() -> None:
    total = {"currency_code": "SEK", "value": "1.00"}
    assert balances_of({"balances": [{"currency": "SEK", "total_balance": total}]}, asked=START).available == {}
    assert balances_of({}, asked=START).as_of == START


def test_rows_that_reports_show_late_are_read_by_a_later_round() -> None:
    account = Account({"late_share": 0.5, "late_s": 86_400.0})
    account.do("bulk", n=60, start="2026-11-20T04:00:00Z", end="2026-11-20T05:00:00Z")
    account.wait(hours=LAG)
    found, position = account.poll("transactions", backfill_from=START - timedelta(days=2))
    early = {one.external_id for one in found}
    assert 0 < len(early) < 60
    for _ in range(3):
        account.wait(hours=12)
        found, position = account.poll("transactions", position, backfill_from=START - timedelta(days=2))
        early |= {one.external_id for one in found}
    assert len(early) == 60


def test_a_fee_that_is_filled_in_later_makes_a_newer_state_of_the_row() -> None:
    account = Account({"fee_late_s": 86_400.0})
    account.do("capture", gross="1250.00", fee="45.30")
    account.wait(hours=LAG)
    found, position = account.poll("transactions", backfill_from=START - timedelta(days=1))
    assert document(found[-1]).fee is None
    account.wait(days=1, hours=LAG)
    found, _ = account.poll("transactions", position, backfill_from=START - timedelta(days=1))
    assert document(found[-1]).fee == Money.of("-45.30", "SEK")


@pytest.mark.parametrize("order", ["updated", "initiated"])
def test_a_payment_that_was_pending_for_weeks_is_read_when_it_completes(order: str) -> None:
    account = Account({"report_order": order})
    made = account.do("capture", gross="500.00", pending="ECHECK")
    assert fetched(account, "capture", made["capture_id"]).state == "pending"
    account.wait(hours=LAG)
    found, position = account.poll("transactions", backfill_from=START - timedelta(days=1))
    assert found == []
    account.wait(days=20)
    account.do("settle", capture_id=made["capture_id"])
    account.wait(hours=LAG)
    found, _ = account.poll("transactions", position, backfill_from=START - timedelta(days=1))
    assert [document(one).state for one in found] == ["completed"]
    done = fetched(account, "capture", made["capture_id"])
    assert (done.state, done.fee is not None) == ("completed", True)


def test_three_years_are_read_once_with_windows_that_the_report_serves() -> None:
    account = Account({"resultset_limit": 120})
    account.do("bulk", n=400, start="2024-06-01T00:00:00Z", end="2024-06-20T00:00:00Z")
    account.do("bulk", n=50, start="2026-11-01T00:00:00Z", end="2026-11-10T00:00:00Z", seed=2)
    account.wait(hours=LAG)
    found, _ = account.poll("transactions", backfill_from=START - timedelta(days=3000))
    assert len({one.external_id for one in found}) == 450
    assert account.calls["GET /v1/reporting/transactions"] < 90


def test_a_hundred_captures_by_poll_cost_one_call_and_a_round_without_news_one_more() -> None:
    account = Account()
    account.do("bulk", n=100, start="2026-11-20T01:00:00Z", end="2026-11-20T02:00:00Z")
    account.wait(hours=LAG)
    _, position = account.poll("transactions", backfill_from=START - timedelta(days=2))
    assert account.calls == {"GET /v1/reporting/transactions": 1}
    account.poll("transactions", position, backfill_from=START - timedelta(days=2))
    assert account.calls == {"GET /v1/reporting/transactions": 2}


def test_a_row_read_by_its_id_is_the_very_row_of_the_stream() -> None:
    account = Account()
    account.do("capture", gross="1250.00", at="2026-09-01T10:00:00Z")
    account.wait(hours=LAG)
    found, _ = account.poll("transactions", backfill_from=START - timedelta(days=120))
    again = account.reader().fetch("transaction", [found[0].external_id, "GONE:T0006:SEK+"])
    assert again[0] == found[0]
    assert isinstance(again[1], Absent)


def test_the_second_row_of_one_id_that_moves_nothing_is_not_read() -> None:
    account = Account({"twin_share": 1.0})
    account.do("capture", gross="10.00")
    account.wait(hours=LAG)
    assert len(account.movements(backfill_from=START - timedelta(days=1))) == 1


# ---------------------------------------------------------------------------------------------- payments


def test_a_capture_and_its_refund_are_read_and_tied() -> None:
    account = Account()
    sale = account.do("capture", gross="1250.00", fee="45.30", invoice_id="10042", custom_id="t7-10042")
    back = account.do("refund", capture_id=sale["capture_id"], amount="250.00", fee_back="5.00")
    account.do("refund", capture_id=sale["capture_id"], amount="100.00")
    capture = fetched(account, "capture", sale["capture_id"])
    refund = fetched(account, "refund", back["refund_id"])
    assert isinstance(capture, Capture)
    assert isinstance(refund, Refund)
    assert (capture.state, str(capture.fee), capture.invoice_number) == ("completed", "45.30 SEK", "10042")
    assert (refund.payment_id, str(refund.amount), str(refund.fee_returned)) == (capture.id, "250.00 SEK", "5.00 SEK")
    account.wait(hours=LAG)
    rows = {one.role: one for one in account.movements(backfill_from=START - timedelta(days=1))}
    assert rows["receipt"].transaction_id == capture.id
    assert rows["receipt"].net == capture.net
    assert rows["refund"].reference_id == capture.id


def test_a_converted_sale_shows_what_it_brought_as_its_rows_do() -> None:
    account = Account()
    sale = account.do("capture", gross="100.00", currency="USD", rate="10.5")
    capture = fetched(account, "capture", sale["capture_id"])
    account.wait(hours=LAG)
    legs = [one for one in account.movements(backfill_from=START - timedelta(days=1)) if one.role == "conversion"]
    assert capture.converted is not None
    assert {one.amount for one in legs} == {-capture.net, capture.converted.amount}
    assert {one.reference_id for one in legs} == {capture.id}


@pytest.mark.parametrize("status", [404, 403])
def test_another_apps_payment_is_absent_and_its_row_is_there(status: int) -> None:
    account = Account({"foreign_status": status})
    sale = account.do("capture", gross="80.00", elsewhere=True, invoice_id="W-1")
    (absent,) = account.reader().fetch("capture", [sale["capture_id"]])
    assert isinstance(absent, Absent)
    account.wait(hours=LAG)
    (row,) = account.movements(backfill_from=START - timedelta(days=1))
    assert (row.transaction_id, row.invoice_number, row.role) == (sale["capture_id"], "W-1", "receipt")


def test_forints_are_whole_at_paypal_and_have_two_decimals_here() -> None:
    account = Account(merchant={"currency": "HUF", "country": "HU"})
    sale = account.do("capture", gross="12500", currency="HUF")
    assert fetched(account, "capture", sale["capture_id"]).amount == Money(1_250_000, "HUF")


# ---------------------------------------------------------------------------------------------- invoices, disputes


def test_invoices_are_found_by_polling_as_they_are_sent_paid_and_canceled_elsewhere() -> None:
    account = Account()
    first = account.do("invoice", number="A1")["invoice_id"]
    second = account.do("invoice", number="A2", discount="5", shipping="49.00")["invoice_id"]
    account.do("invoice", number="A3", send=False)
    found, position = account.poll("invoices")
    assert {one.external_id for one in found} == {first, second}
    assert {document(one).state for one in found} == {"open"}
    assert account.poll("invoices", position)[0] == []
    account.wait(hours=1)
    account.do("invoice_pay", invoice_id=first, amount="500.00")
    (paid,), position = account.poll("invoices", position)
    made = document(paid)
    assert isinstance(made, Invoice)
    assert (made.state, [row.origin for row in made.payments]) == ("part_paid", ["processor"])
    _, listed = account.poll("invoice_list")
    account.wait(days=5)
    _, position = account.poll("invoices", position)
    account.do("invoice_cancel", invoice_id=second)
    assert account.poll("invoices", position)[0] == []  # neither open nor new
    (gone,), _ = account.poll("invoice_list", listed)
    assert (gone.external_id, document(gone).state) == (second, "canceled")


def test_the_lines_of_every_invoice_make_its_total() -> None:
    account = Account()
    shapes: list[dict[str, Any]] = [
        {},
        {"discount": "7.5", "shipping": "99.00"},
        {"items": [{"name": "A", "price": "33.33", "quantity": "3", "tax": "25", "discount": "10"}] * 7},
        {"tax_inclusive": True, "items": [{"name": "A", "price": "119.90", "quantity": "3", "tax": "12"}]},
        {"tax_inclusive": True, "discount": "5", "items": [{"name": "A", "price": "99.90", "tax": "25"}] * 3},
        {"currency": "HUF", "items": [{"name": "A", "price": "999", "quantity": "2.5", "tax": "27"}]},
    ]
    for number, given in enumerate(shapes):
        made = fetched(account, "invoice", account.do("invoice", number=f"N{number}", **given)["invoice_id"])
        assert sum(line.gross.minor for line in made.lines) == made.requested.minor > 0


def test_a_payment_of_an_invoice_is_its_capture_and_its_row() -> None:
    account = Account()
    invoice = account.do("invoice", number="A1")["invoice_id"]
    paid = account.do("invoice_pay", invoice_id=invoice)
    made = fetched(account, "invoice", invoice)
    account.wait(hours=LAG)
    (row,) = account.movements(backfill_from=START - timedelta(days=1))
    assert made.payments[0].id == paid["capture_id"] == row.transaction_id
    assert (row.invoice_id, row.invoice_number) == (invoice, "A1")


def test_an_invoice_is_found_by_its_number() -> None:
    account = Account()
    account.do("invoice", number="A1")
    wanted = account.do("invoice", number="A17")["invoice_id"]
    (found,) = account.reader().find("invoice", ("number", "A17"), location=None)
    assert found.external_id == wanted


def test_a_dispute_is_read_when_it_opens_and_when_it_ends() -> None:
    account = Account()
    sale = account.do("capture", gross="300.00")
    opened = account.do("dispute", capture_id=sale["capture_id"])["dispute_id"]
    (found,), position = account.poll("disputes")
    made = document(found)
    assert isinstance(made, Dispute)
    assert (made.id, made.state, made.payment_id) == (opened, "open", sale["capture_id"])
    account.wait(days=2)
    assert account.poll("disputes", position)[0] == []
    account.do("dispute", dispute_id=opened, outcome="lost")
    (ended,), _ = account.poll("disputes", position)
    assert document(ended).state == "lost"
    (by_capture,) = account.reader().find("dispute", ("capture", sale["capture_id"]), location=None)
    assert by_capture == ended


# ---------------------------------------------------------------------------------------------- webhooks


def test_every_delivery_is_verified_and_names_what_can_be_read() -> None:
    account = Account()
    key = account.watch().signature_key
    sale = account.do("capture", gross="100.00")
    account.do("refund", capture_id=sale["capture_id"], amount="10.00")
    account.do("dispute", capture_id=sale["capture_id"])
    account.do("invoice", number="A1")
    door, due = account.webhooks(), account.deliveries()
    kinds = set()
    for one in due:
        door.verify(one.body, dict(one.headers), url=URL, keys=(key,), now=account.clock.now())
        (said,) = door.read(one.body, dict(one.headers))
        assert said.kind is not None
        assert said.external_id is not None
        assert isinstance(account.reader().fetch(said.kind, [said.external_id])[0], SourceObject)
        kinds.add(said.kind)
    assert kinds == {"capture", "refund", "dispute", "invoice"}


def test_a_watch_that_finds_all_in_order_changes_nothing() -> None:
    account = Account()
    first, again = account.watch(), account.watch()
    assert (bool(first.changes), again.changes) == (True, ())
    assert first.signature_key == again.signature_key


def one_delivery(account: Account) -> tuple[str, Delivery]:
    key = account.watch().signature_key
    account.do("capture", gross="100.00")
    return key, account.deliveries()[0]


@pytest.mark.parametrize("signature", ["broken", "wrong_webhook", "sha1"])
def test_a_wrong_signature_is_refused(signature: str) -> None:
    account = Account({"signature": signature})
    key, one = one_delivery(account)
    with pytest.raises(BadSignature):
        account.webhooks().verify(one.body, dict(one.headers), url=URL, keys=(key,), now=account.clock.now())


@pytest.mark.parametrize(
    "certificate",
    ["expired", "not_yet_valid", "wrong_host", "self_signed", "foreign_root", "no_intermediate", "garbage", "huge"],
)
def test_a_bad_certificate_is_never_trusted_and_the_delivery_is_asked_for_again(certificate: str) -> None:
    account = Account({"certificate": certificate})
    key, one = one_delivery(account)
    with pytest.raises(Transient):
        account.webhooks().verify(one.body, dict(one.headers), url=URL, keys=(key,), now=account.clock.now())


def test_a_new_certificate_is_fetched_and_a_withdrawn_one_puts_off() -> None:
    account = Account()
    key, one = one_delivery(account)
    door = account.webhooks()
    door.verify(one.body, dict(one.headers), url=URL, keys=(key,), now=account.clock.now())
    account.do("certificates", rotate=True, withdraw=True)
    account.do("capture", gross="100.00")
    (fresh,) = account.deliveries()
    door.verify(fresh.body, dict(fresh.headers), url=URL, keys=(key,), now=account.clock.now())
    door.verify(one.body, dict(one.headers), url=URL, keys=(key,), now=account.clock.now())  # still remembered
    with pytest.raises(Transient, match="404"):
        account.webhooks().verify(one.body, dict(one.headers), url=URL, keys=(key,), now=account.clock.now())


# ---------------------------------------------------------------------------------------------- ping, tokens, faults


def test_a_ping_proves_every_permission_and_names_each_that_is_missing() -> None:
    account = Account()
    everything = account.ping()
    assert everything.ok, [one for one in everything.checks if not one.ok]
    assert all("missing" not in one.sentence for one in everything.checks)
    for scope in account.facts["scopes"]:
        rest = [one for one in account.facts["scopes"] if one != scope]
        account.do("application", client_id=account.facts["client_id"], scopes=rest)
        account.do("revoke_token")
        account.wait(hours=10)
        missing = [one.name for one in account.ping().checks if "missing" in one.sentence]
        expected = {
            "reporting/search/read": ["Transaction Search"],
            "reporting/balances/read": ["balances"],
            "payments/payment/authcapture": ["payments"],
            "payments/refund": ["refunds"],
            "disputes/read-seller": ["disputes"],
            "applications/webhooks": ["webhooks", "webhook verification"],
            "applications/verify-webhook-signature": ["webhook verification"],
        }
        name = scope.removeprefix("https://uri.paypal.com/services/")
        if name in expected:
            assert missing == expected[name]


def test_a_revoked_token_is_replaced_in_the_middle_of_a_run() -> None:
    account = Account()
    sale = account.do("capture", gross="100.00")
    fetched(account, "capture", sale["capture_id"])
    account.do("revoke_token")
    assert fetched(account, "capture", sale["capture_id"]).id == sale["capture_id"]


def test_a_secret_that_was_changed_is_told() -> None:
    account = Account()
    account.do("application", client_id=account.facts["client_id"], client_secret="another")
    with pytest.raises(NotAuthorized):
        account.reader().fetch("capture", ["X"])
    assert not account.ping().ok


# ---------------------------------------------------------------------------------------------- writing


def paid(invoice: str, value: str = "400.00") -> InvoiceAdjustment:
    return InvoiceAdjustment(
        "external_payment", invoice, "pp:adj:1", amount=Money.of(value, "SEK"), day=date(2026, 11, 20), text="000123"
    )


def test_an_outside_payment_and_refund_are_recorded_removed_and_read_back() -> None:
    account = Account()
    invoice = account.do("invoice", number="A1", partial=True)["invoice_id"]
    writer = account.writer()
    made = writer.create("external_payment", paid(invoice), Context(TOKEN, "pp:adj:1"))
    here = Context(TOKEN, "pp:adj:1", remote_id=made.remote_id)
    assert writer.observe("external_payment", [(paid(invoice), here)])[made.remote_id].total == 40_000
    assert writer.create("external_payment", paid(invoice), Context(TOKEN, "pp:adj:1")) == made
    back = InvoiceAdjustment(
        "external_refund", invoice, "pp:adj:2", amount=Money.of("150.00", "SEK"), day=date(2026, 11, 21)
    )
    writer.create("external_refund", back, Context("MLCREFUND1", "pp:adj:2"))
    with pytest.raises(Rejected):
        writer.create("external_refund", back, Context("MLCREFUND2", "pp:adj:3"))
    too_much = dataclasses.replace(back, amount=Money.of("250.01", "SEK"))
    with pytest.raises(Rejected):
        writer.create("external_refund", too_much, Context("MLCREFUND3", "pp:adj:4"))
    removal = InvoiceAdjustment(
        "external_payment_removal", invoice, "pp:adj:5", payment_id=made.remote_id.rpartition("/")[2]
    )
    with pytest.raises(Rejected, match="CANNOT_DELETE_EXTERNAL_PAYMENT"):
        writer.create("external_payment_removal", removal, Context("MLCREMOVE1", "pp:adj:5"))
    document_ = fetched(account, "invoice", invoice)
    assert [(row.origin, row.amount) for row in document_.payments] == [("recorded", Money.of("400.00", "SEK"))]
    assert [(row.origin, row.amount) for row in document_.refunds] == [("recorded", Money.of("150.00", "SEK"))]


@pytest.mark.parametrize("status", ["PAID", "MARKED_AS_PAID"])
def test_an_invoice_paid_outside_is_paid_under_either_name_and_then_not_canceled(status: str) -> None:
    account = Account({"external_paid_status": status})
    invoice = account.do("invoice", number="A1")
    account.writer().create(
        "external_payment", paid(invoice["invoice_id"], invoice["total"]), Context(TOKEN, "pp:adj:1")
    )
    assert fetched(account, "invoice", invoice["invoice_id"]).state == "paid"
    cancel = InvoiceAdjustment("invoice_cancel", invoice["invoice_id"], "pp:adj:2")
    with pytest.raises(Rejected):
        account.writer().create("invoice_cancel", cancel, Context("MLCCANCEL1", "pp:adj:2"))


def test_a_canceled_invoice_mails_nobody() -> None:
    account = Account()
    invoice = account.do("invoice", number="A1")
    cancel = InvoiceAdjustment("invoice_cancel", invoice["invoice_id"], "pp:adj:2")
    account.writer().create("invoice_cancel", cancel, Context("MLCCANCEL1", "pp:adj:2"))
    again = account.writer().create("invoice_cancel", cancel, Context("MLCCANCEL1", "pp:adj:2"))
    assert again.remote_id.endswith("/canceled")
    assert fetched(account, "invoice", invoice["invoice_id"]).state == "canceled"


def test_a_payment_whose_answer_was_lost_after_it_was_made_is_found_and_not_made_twice() -> None:
    account = Account()
    invoice = account.do("invoice", number="A1", partial=True)["invoice_id"]
    account.do(
        "fail_next", status=500, operation="POST /v2/invoicing/invoices/{invoice_id}/payments", after_commit=True
    )
    with pytest.raises(UnknownOutcome):
        account.writer().create("external_payment", paid(invoice), Context(TOKEN, "pp:adj:1"))
    found = account.writer().find("external_payment", [(paid(invoice), Context(TOKEN, "pp:adj:1"))])
    assert [one.state for one in found[TOKEN]] == ["released"]
    assert len(fetched(account, "invoice", invoice).payments) == 1
