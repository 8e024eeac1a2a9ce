"""Reading the pretend Stripe over HTTP: each stream, by id, by link; restarts in the middle, late rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ml_connector.connectors.shapes import Absent, SourceObject
from ml_connector.connectors.stripe.positions import load
from ml_connector.connectors.stripe.translate import translate
from ml_connector.errors import NotAuthorized, Transient, UsageError
from ml_connector.finance.documents import Invoice
from ml_connector.finance.money import Money
from tests.connectors.stripe.on_sandbox import START, Account
from tests.connectors.stripe.scripted import Scripted, form_of, listed

MONTH = START - timedelta(days=30)


def played(account: Account, date: str = "2026-11-18", **given: Any) -> Any:
    """A business day two days ago with all that can happen on one."""
    made = account.do("play_day", date=date, **given)
    account.wait(days=1)
    return made


def ids(rows: list[SourceObject]) -> set[str]:
    return {row.external_id for row in rows}


def happened(account: Account, kind: str) -> set[str]:
    return {str(row["id"]) for row in account.stored(kind)}


# ---------------------------------------------------------------------------------------------- streams


def test_the_ledger_of_the_account_is_read_whole_and_its_sums_are_what_was_promised(account: Account) -> None:
    promised = played(account, seed=3)["expected"]
    found, _, _ = account.poll("balance_transactions", backfill_from=MONTH)
    sums: dict[str, dict[str, list[int]]] = {}
    for row in found:
        made = translate(row.kind, row.payload)
        line = sums.setdefault(made.amount.currency, {}).setdefault(made.code, [0, 0, 0])  # type: ignore[union-attr]
        line[0] += 1
        line[1] += made.amount.minor  # type: ignore[union-attr]
        line[2] -= made.fee.minor  # type: ignore[union-attr]
    wanted = {
        currency.upper(): {
            code: [one["count"], one["amount"], one["fee"]] for code, one in codes.items()
        } for currency, codes in promised.items()
    }  # fmt: skip
    for currency, codes in wanted.items():
        assert {code: sums[currency][code] for code in codes} == codes


@pytest.mark.parametrize(
    ("stream", "kind", "named"),
    [
        ("charges", "charge", True), ("refunds", "refund", False), ("payouts", "payout", True),
        ("disputes", "dispute", False), ("invoice_payments", "invoice_payment", False),
        ("balance_transactions", "balance_transaction", False),
    ],
)  # fmt: skip
def test_each_stream_gives_or_names_everything_there_is(
    account: Account, stream: str, kind: str, *, named: bool
) -> None:
    played(account)
    found, names, _ = account.poll(stream, backfill_from=MONTH)
    assert (set(names) if named else ids(found)) == happened(account, kind)
    if not named:
        assert {translate(row.kind, row.payload).id for row in found} == happened(account, kind)  # type: ignore[union-attr]


def test_events_name_what_happened_and_every_name_can_be_read(account: Account) -> None:
    played(account)
    _, names, position = account.poll("events", backfill_from=MONTH)
    wanted = {*happened(account, "charge"), *happened(account, "refund"), *happened(account, "dispute"),
              *happened(account, "payout")}  # fmt: skip
    assert wanted <= set(names)
    page = account.reader().page("events", None, now=account.clock.now(), backfill_from=MONTH)
    for one in page.named:
        (found,) = account.reader().fetch(one.kind, [one.external_id])
        assert isinstance(found, SourceObject)
        translate(found.kind, found.payload)
    assert account.poll("events", position)[1] == []


def test_movements_name_the_refunds_disputes_and_payouts_that_no_event_told_of(account: Account) -> None:
    played(account)
    _, names, position = account.poll("balance_transactions", backfill_from=MONTH)
    assert happened(account, "dispute") & set(names)
    assert {one for one in names if one.startswith("po_")} == happened(account, "payout")
    account.wait(minutes=20)
    assert account.poll("balance_transactions", position)[1] == []


def test_a_stream_that_nobody_dated_begins_three_days_back_and_events_twenty_nine(account: Account) -> None:
    account.do("charge", amount=1000)
    account.wait(days=10)
    new = account.do("charge", amount=2000)["charge_id"]
    account.wait(minutes=1)
    assert account.poll("charges")[1] == [new]
    script = account.reader().page("events", None, now=account.clock.now(), backfill_from=START - timedelta(days=400))
    assert script.named


# ---------------------------------------------------------------------------------------------- positions


def many(account: Account, count: int = 530) -> set[str]:
    begin, end = START - timedelta(hours=6), START - timedelta(hours=5)
    account.do("bulk", n=count, start=begin.isoformat(), end=end.isoformat(), invoiced=False)
    return happened(account, "charge")


def test_more_than_five_hundred_rows_are_several_pages_and_each_survives_a_restart(account: Account) -> None:
    """Silent truncation at a hundred rows is the commonest complaint."""
    all_of_them = many(account)
    found, _, position = account.poll("balance_transactions", backfill_from=MONTH)
    assert len(found) == len(ids(found)) == len(all_of_them)
    assert account.calls == {"GET /v1/balance_transactions": 6}
    assert load(position).after == ""


def test_a_round_in_the_middle_goes_on_where_it_was_whatever_comes_in_between(account: Account) -> None:
    many(account)
    before = happened(account, "balance_transaction")
    late: list[str] = []

    def between(_page: int) -> None:
        account.wait(seconds=5)
        late.append(account.do("charge", amount=700)["charge_id"])
        account.wait(seconds=5)

    found, _, position = account.poll("balance_transactions", backfill_from=MONTH, between=between)
    assert ids(found) == before
    account.wait(minutes=15)
    again, _, _ = account.poll("balance_transactions", position)
    assert {str(row.payload["source"]) for row in again} == set(late)


def test_a_page_asked_twice_gives_the_same_rows(account: Account) -> None:
    many(account)
    first = account.reader().page("balance_transactions", None, now=account.clock.now(), backfill_from=MONTH)
    for _ in range(2):
        second = account.reader().page("balance_transactions", first.position, now=account.clock.now())
        assert len(second.objects) == 30
        assert not ids(list(second.objects)) & ids(list(first.objects))


def test_a_row_that_the_position_names_and_that_is_gone_begins_the_round_anew(account: Account) -> None:
    many(account)
    first = account.reader().page("charges", None, now=account.clock.now(), backfill_from=MONTH)
    broken = first.position.replace(load(first.position).after, "ch_gone")
    _, names, _ = account.poll("charges", broken)
    assert set(names) | {one.external_id for one in first.named} == happened(account, "charge")


def test_a_failure_in_the_middle_of_a_page_loses_nothing(account: Account) -> None:
    many(account)
    account.faulty.add({
        "match": {"operation": "GET /v1/balance_transactions"}, "effect": {"kind": "cut_after"}, "skip": 3, "times": 1,
    })  # fmt: skip
    with pytest.raises(Transient):
        account.reader().page("balance_transactions", None, now=account.clock.now(), backfill_from=MONTH)
    found, _, _ = account.poll("balance_transactions", backfill_from=MONTH)
    assert ids(found) == happened(account, "balance_transaction")


def test_a_row_made_long_before_that_shows_up_late_is_read_by_the_overlap(account: Account) -> None:
    """A backdated row stands before the mark; each round overlaps, and once a day a long way."""
    account.do("charge", amount=1000)
    account.wait(minutes=10)
    _, _, position = account.poll("balance_transactions", backfill_from=MONTH)
    near = (account.clock.now() - timedelta(minutes=40)).isoformat()
    account.do("charge", amount=1100, at=near)
    account.wait(minutes=15)
    found, _, position = account.poll("balance_transactions", position)
    assert 1100 in {row.payload["amount"] for row in found}
    far = (account.clock.now() - timedelta(hours=50)).isoformat()
    account.do("charge", amount=1200, at=far)
    account.wait(minutes=15)
    assert 1200 not in {row.payload["amount"] for row in account.poll("balance_transactions", position)[0]}
    account.wait(hours=14)
    found, _, _ = account.poll("balance_transactions", position)
    assert 1200 in {row.payload["amount"] for row in found}


def test_a_fee_that_comes_later_has_its_charge_read_again(account: Account) -> None:
    made = account.do("charge", amount=10000, delay_s=3600)["charge_id"]
    account.wait(minutes=1)
    _, names, position = account.poll("charges", backfill_from=MONTH)
    assert (names, account.fetched("charge", made).fee) == ([made], None)
    account.wait(minutes=30)
    _, names, position = account.poll("charges", position)
    assert names == []
    account.wait(minutes=40)
    _, names, position = account.poll("charges", position)
    assert (names, account.fetched("charge", made).fee is not None) == ([made], True)
    account.wait(minutes=30)
    assert account.poll("charges", position)[1] == []


def test_a_refund_that_fails_weeks_later_is_read_again(account: Account) -> None:
    charge = account.do("charge", amount=10000)["charge_id"]
    refund = account.do("refund", charge_id=charge, amount=4000)["refund_id"]
    account.wait(minutes=1)
    found, _, position = account.poll("refunds", backfill_from=MONTH)
    assert [translate(row.kind, row.payload).state for row in found] == ["completed"]  # type: ignore[union-attr]
    account.wait(days=20)
    account.do("settle_refund", refund_id=refund, outcome="failed")
    found, _, _ = account.poll("refunds", position)
    (made,) = [translate(row.kind, row.payload) for row in found]
    assert (made.state, made.failed_movement_id != "") == ("failed", True)  # type: ignore[union-attr]


def test_a_payout_that_fails_after_it_was_paid_is_named_again(account: Account) -> None:
    account.do("charge", amount=100000)
    account.wait(days=3)
    payout = account.do("payout")["payout_id"]
    account.wait(days=2)
    _, names, position = account.poll("payouts", backfill_from=MONTH)
    assert names == [payout]
    account.wait(days=3)
    account.do("payout", payout_id=payout, outcome="failed")
    assert account.poll("payouts", position)[1] == [payout]
    assert account.fetched("payout", payout).state == "failed"


def test_a_quiet_round_costs_one_call(account: Account) -> None:
    played(account)
    for stream in ("events", "charges", "payouts", "refunds", "disputes", "balance_transactions"):
        _, _, position = account.poll(stream, backfill_from=MONTH)
        account.wait(hours=2)
        account.forget_calls()
        account.poll(stream, position)
        assert sum(account.calls.values()) == 1, stream


@pytest.mark.parametrize(
    "text", ["", "x", "{}", "[]", '{"v":2}', '{"v":1,"mark":"x"}', '{"v":1,"other":1}', "[" * 9999]
)
def test_a_position_that_is_none_of_ours_is_refused_in_words(account: Account, text: str) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        account.reader().page("charges", text, now=START)


# ---------------------------------------------------------------------------------------------- by id


def test_a_charge_is_fetched_with_its_fee_and_the_invoices_it_pays(account: Account) -> None:
    """No charge names an invoice any more: payment intent -> rows of invoice payments."""
    invoice = account.do("invoice")["invoice_id"]
    paid = account.do("pay", invoice_id=invoice)
    account.wait(minutes=1)
    made = account.fetched("charge", paid["charge_id"])
    assert made.settles == ((paid["invoice_payment_ids"][0], invoice),)
    assert made.fee is not None
    alone = account.do("charge", amount=5000)["charge_id"]
    assert account.fetched("charge", alone).settles == ()


def test_a_failed_charge_of_an_invoice_has_its_row_still_open(account: Account) -> None:
    invoice = account.do("invoice")["invoice_id"]
    failed = account.do("fail", invoice_id=invoice)["charge_id"]
    made = account.fetched("charge", failed)
    assert (made.state, [one for _, one in made.settles]) == ("failed", [invoice])


def test_a_payout_is_fetched_with_all_its_lines_and_they_sum_to_it(account: Account) -> None:
    many(account, 230)
    account.wait(days=3)
    payout = account.do("payout", reconciled_s=0)["payout_id"]
    account.wait(days=2)
    made = account.fetched("payout", payout)
    assert (made.itemized, len(made.entries)) == (True, 230)
    assert sum(entry.net.minor for entry in made.entries) == made.amount.minor


def test_a_payout_that_is_not_reconciled_yet_or_made_by_hand_has_no_lines(account: Account) -> None:
    """Before that Stripe answers 400 `payout_reconciliation_not_ready`; we do not ask."""
    account.do("charge", amount=100000)
    account.wait(days=3)
    by_hand = account.do("payout", automatic=False, amount=1000)["payout_id"]
    assert not account.fetched("payout", by_hand).itemized
    early = account.do("payout", reconciled_s=86_400)["payout_id"]
    assert not account.fetched("payout", early).itemized


def outside(account: Account, invoice: str) -> Money | None:
    found: Invoice = account.fetched("invoice", invoice)
    return found.outside


@pytest.mark.parametrize("row", [False, True])
def test_an_invoice_tells_what_people_called_paid_whether_that_makes_a_row_or_not(account: Account, row: bool) -> None:
    account.do("knobs", out_of_band_row=row)
    invoice = account.do("invoice", amount=100_000)["invoice_id"]
    assert outside(account, invoice) == Money.of(0, "NOK")
    account.do("pay", invoice_id=invoice, amount=40_000)
    assert outside(account, invoice) == Money.of(0, "NOK")
    account.writer.client.post(f"/v1/invoices/{invoice}/pay", {"paid_out_of_band": True}, key="k")
    whole = account.fetched("invoice", invoice)
    assert whole.state == "paid"
    assert outside(account, invoice) == whole.requested - Money.of(400, "NOK")


def test_more_payments_than_are_shown_with_an_invoice_tell_nothing(account: Account) -> None:
    (found,) = account.reader().fetch("invoice", [account.do("invoice")["invoice_id"]])
    assert isinstance(found, SourceObject)
    for payments in ({**found.payload["payments"], "has_more": True}, None):
        told = translate("invoice", {**found.payload, "payments": payments})
        assert isinstance(told, Invoice)
        assert told.outside is None


def test_what_is_not_there_is_absent_in_its_place(account: Account) -> None:
    charge = account.do("charge", amount=1000)["charge_id"]
    found = account.reader().fetch("charge", ["ch_none", charge, "ch_none"])
    assert [isinstance(one, Absent) for one in found] == [True, False, True]
    live = account.do("charge", amount=1000, livemode=True)["charge_id"]
    assert account.absent("charge", live)


def test_records_are_the_same_however_they_were_read(account: Account) -> None:
    charge = account.do("pay", invoice_id=account.do("invoice")["invoice_id"])
    account.do("refund", charge_id=charge["charge_id"], amount=1000)
    account.wait(minutes=5)
    for kind in ("charge", "refund", "invoice_payment", "balance_transaction"):
        for one in account.reader().walk(kind, location=None, since=MONTH):
            assert account.reader().fetch(kind, [one.external_id]) == [one]


# ---------------------------------------------------------------------------------------------- links and walks


def test_what_points_to_a_charge_an_intent_an_invoice_or_a_source_is_found(account: Account) -> None:
    invoice = account.do("invoice")["invoice_id"]
    paid = account.do("pay", invoice_id=invoice)
    charge, intent = paid["charge_id"], paid["payment_intent_id"]
    refund = account.do("refund", charge_id=charge, amount=1000)["refund_id"]
    dispute = account.do("dispute", charge_id=charge, amount=2000)["dispute_id"]
    account.wait(minutes=1)
    reader = account.reader()
    links = {
        ("charge", ("intent", intent)): {charge},
        ("invoice_payment", ("intent", intent)): set(paid["invoice_payment_ids"]),
        ("invoice_payment", ("invoice", invoice)): set(paid["invoice_payment_ids"]),
        ("refund", ("charge", charge)): {refund},
        ("dispute", ("charge", charge)): {dispute},
    }
    for (kind, link), wanted in links.items():
        assert ids(reader.find(kind, link, location=None)) == wanted, kind
    (movement,) = reader.find("balance_transaction", ("source", refund), location=None)
    assert movement.payload["source"] == refund
    assert reader.find("refund", ("charge", "ch_other"), location=None) == []


def test_zero_rows_of_an_intent_mean_that_it_is_for_no_invoice(account: Account) -> None:
    made = account.do("charge", amount=1000)
    assert account.reader().find("invoice_payment", ("intent", made["payment_intent_id"]), location=None) == []


def test_a_walk_gives_everything_since_a_day_and_rows_of_invoices_made_long_before(account: Account) -> None:
    old = account.do("invoice", days=120)["invoice_id"]
    account.wait(days=60)
    paid = account.do("pay", invoice_id=old)
    account.wait(minutes=1)
    since = account.clock.now() - timedelta(days=1)
    assert paid["invoice_payment_ids"][0] in ids(account.reader().walk("invoice_payment", location=None, since=since))
    assert ids(account.reader().walk("charge", location=None, since=since)) == {paid["charge_id"]}


# ---------------------------------------------------------------------------------------------- what goes wrong


def test_a_missing_permission_to_read_is_named(account: Account) -> None:
    account.restricted(invoice="read")
    with pytest.raises(NotAuthorized, match="rak_charge_read"):
        account.reader().page("charges", None, now=account.clock.now())


@pytest.mark.parametrize("effect", [{"kind": "status", "status": 503}, {"kind": "truncate"}, {"kind": "cut_after"}])
def test_a_reading_that_fails_is_tried_again_later(account: Account, effect: dict[str, Any]) -> None:
    charge = account.do("charge", amount=1000)["charge_id"]
    account.fault(effect)
    with pytest.raises(Transient):
        account.reader().fetch("charge", [charge])
    assert account.fetched("charge", charge).total.minor == 1000


def test_a_position_stays_short_however_much_is_read_in_one_round() -> None:
    """It is written with every page: a backfill of a hundred thousand rows must not write megabytes each time."""
    total = 6000

    def page(asked: Any) -> Any:
        after = int(form_of(asked).get("starting_after", "ch_0").removeprefix("ch_"))
        rows = [{"id": f"ch_{n}", "created": 1790000000} for n in range(after + 1, min(after + 101, total + 1))]
        return listed(*rows, more=after + 100 < total)

    script = Scripted({"/v1/charges": page})
    position, named, longest = None, 0, 0
    while position is None or load(position).until:
        found = script.reader().page("charges", position, now=script.clock.now())
        position, named, longest = found.position, named + len(found.named), max(longest, len(found.position))
    assert named == total
    assert longest < 32_000


def test_a_payout_of_more_lines_than_we_keep_is_not_itemized() -> None:
    def page(asked: Any) -> Any:
        after = int(form_of(asked).get("starting_after", "txn_0").removeprefix("txn_"))
        return listed(*({"id": f"txn_{n}"} for n in range(after + 1, after + 101)), more=True)

    payout = {"id": "po_1", "object": "payout", "automatic": True, "reconciliation_status": "completed"}
    script = Scripted({"/v1/payouts/po_1": payout, "/v1/balance_transactions": page})
    (found,) = script.reader().fetch("payout", ["po_1"])
    assert isinstance(found, SourceObject)
    assert "balance_transactions" not in found.payload
    assert len(script.requests) == 102
