"""Square payouts and disputes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from ml_connector.finance.plan import Ignore, Plan, Wait
from ml_connector.flows.square_entries import ENTRIES
from ml_connector.flows.square_to_visma import FLOW
from ml_connector.rules.validation import validate
from tests.flows.builders import CHART, RULEBOOK, TERMS, Shop, dispute, entry, eur, journal, payout, readable

THREE_SALES = (
    entry("CHARGE", "135", "1.35", id="E1", payment_id="P1"),
    entry("CHARGE", "135", "1.35", id="E2", payment_id="P2"),
    entry("CHARGE", "135", "1.35", id="E3", payment_id="P3"),
    entry("REFUND", "-62.50", "0", id="E4", payment_id="P1", refund_id="RF1"),
)


def test_a_payout_empties_clearing_into_the_bank_with_its_fees() -> None:
    (write,) = Shop().plan(payout(*THREE_SALES)).writes
    assert readable(write) == journal(
        "sq:po:PO1 2026-03-12", "Dr 6570 fee OSLO 4.05", "Dr 1930 bank 338.45", "Cr 1580 clearing 342.50"
    )
    assert not write.content.vat_transaction  # type: ignore[union-attr]


def test_a_payout_can_go_to_money_in_transit() -> None:
    (write,) = Shop(terms=replace(TERMS, payout_to="transit")).plan(payout(*THREE_SALES)).writes
    assert "Dr 1790 transit 338.45" in readable(write)


def test_sent_and_paid_are_one_posting_even_when_the_arrival_day_moves() -> None:
    sent = payout(*THREE_SALES, state="sent")
    (write,) = Shop().plan(sent).writes
    paid = replace(sent, state="paid", arrives_on=date(2026, 3, 13))
    (again,) = Shop(posted={write.key: write.content}).plan(paid).writes
    assert again.content == write.content


def test_a_failed_payout_is_mirrored_once_and_its_fees_stay() -> None:
    failed = payout(*THREE_SALES, state="failed", updated_at=datetime(2026, 3, 16, 9, tzinfo=UTC))
    write, gone = Shop().plan(failed).writes
    assert write.key == "sq:po:PO1"
    assert gone.needs == ("sq:po:PO1",)
    assert readable(gone) == journal("sq:po:PO1:failed 2026-03-16", "Dr 1580 clearing 338.45", "Cr 1930 bank 338.45")


def test_returned_money_of_a_failed_payout_leaves_clearing_in_a_later_payout() -> None:
    failed = payout(*THREE_SALES, state="failed")
    later = payout(entry("RETURNED_PAYOUT", "338.45", id="E9"), id="PO2")
    (write,) = Shop(failed).plan(later).writes
    assert readable(write) == journal("sq:po:PO2 2026-03-12", "Dr 1930 bank 338.45", "Cr 1580 clearing 338.45")
    assert Shop(failed).plan(later).findings == ()
    (finding,) = Shop().plan(later).findings
    assert (finding.code, finding.blocks) == ("returned-payout-unmatched", False)


def test_a_payout_without_entries_is_clearing_to_its_destination() -> None:
    simple = payout(amount="50")
    (write,) = Shop().plan(simple).writes
    assert readable(write) == journal("sq:po:PO1 2026-03-12", "Dr 1930 bank 50.00", "Cr 1580 clearing 50.00")


def test_the_entry_that_a_payout_without_entries_becomes_is_matched_by_its_amount() -> None:
    simple = payout(amount="50")
    later = payout(entry("CHARGE", "100", "1", id="E1"), entry("MONEY_TRANSFER", "-50", id="E2"), id="PO2")
    (write,) = Shop(simple).plan(later).writes
    assert readable(write) == journal(
        "sq:po:PO2 2026-03-12", "Dr 6570 fee OSLO 1.00", "Dr 1930 bank 49.00", "Cr 1580 clearing 50.00"
    )
    assert Shop().holds(later) == ["payout-entry-unmatched"]
    assert Shop(decisions={"payout-entry-unmatched": "clearing"}).plan(later).writes == (write,)


def test_a_negative_payout_takes_money_from_the_bank() -> None:
    (write,) = Shop().plan(payout(entry("REFUND", "-62.50", id="E1"))).writes
    assert readable(write) == journal("sq:po:PO1 2026-03-12", "Dr 1580 clearing 62.50", "Cr 1930 bank 62.50")


def test_a_destination_that_is_no_bank_account_needs_a_cash_account_of_its_own() -> None:
    (write,) = Shop().plan(payout(*THREE_SALES, destination="card")).writes
    assert "Dr 1935 bank 338.45" in readable(write)
    assert Shop().holds(payout(*THREE_SALES, destination="square_balance")) == ["payout-destination"]


def test_entries_that_do_not_sum_to_the_payout_are_held() -> None:
    assert Shop().holds(payout(*THREE_SALES, amount="300")) == ["payout-differs"]
    (write,) = Shop().plan(payout(*THREE_SALES, amount="338.44")).writes
    assert "Dr 3740 rounding 0.01" in readable(write)


def test_a_transfer_fee_that_no_entry_has_is_booked_once_approved() -> None:
    instant = payout(*THREE_SALES, amount="333.45", stated_fee=eur("5"))
    assert Shop().holds(instant) == ["payout-fee"]
    (write,) = Shop(decisions={"payout-fee": "approve"}).plan(instant).writes
    assert "Dr 6570 fee OSLO 9.05" in readable(write)


def test_an_entry_whose_parts_disagree_is_held() -> None:
    broken = replace(THREE_SALES[0], net=eur("100"))
    assert Shop().holds(payout(broken)) == ["payout-entry-differs"]


def test_fees_wait_for_the_fee_policy_and_reverse_charge_settles_them_by_invoice() -> None:
    assert Shop(terms=replace(TERMS, fee_vat=None)).holds(payout(*THREE_SALES)) == ["fee-vat-unset"]
    reverse = replace(TERMS, fee_vat="reverse_charge")
    (write,) = Shop(terms=reverse).plan(payout(*THREE_SALES)).writes
    assert "Dr 2990 fee_settlement 4.05" in readable(write)
    taxed = payout(*THREE_SALES, entry("TAX_ON_FEE", "-1", id="E5"))
    assert Shop().holds(taxed) == ["fee-vat-charged"]
    assert "Dr 2990 fee_settlement 5.05" in readable(Shop(terms=reverse).plan(taxed).writes[0])


def test_the_entry_types_are_the_58_of_the_vendor() -> None:
    assert len(ENTRIES.of) == 58
    assert set(ENTRIES.of.values()) == {
        "clearing", "fee", "fee_vat", "returned", "matched", "dispute", "reserve", "rule"
    }  # fmt: skip


@pytest.mark.parametrize("kind", sorted(ENTRIES.of))
def test_no_entry_type_is_dropped(kind: str) -> None:
    """Every type moves the bank by its net, or is held; none vanishes."""
    terms = replace(TERMS, fee_vat="reverse_charge")
    one = payout(entry("CHARGE", "100", id="E1"), entry(kind, "-7", id="E2"))
    shop = Shop(terms=terms, decisions={"payout-entry-unmatched": "clearing"})
    verdict = shop.verdict(one)
    if not isinstance(verdict, Plan):
        assert shop.holds(one) == ["mapping-missing"]
        assert ENTRIES.of[kind] == "rule"
        return
    assert validate(verdict, CHART, terms) == ()
    entry_ = verdict.writes[0].content
    assert entry_.balance_of("1930") == eur("93")  # type: ignore[union-attr]


def test_entries_only_a_person_can_place_follow_a_rule_or_are_held() -> None:
    known = payout(entry("APP_FEE_REVENUE", "20", id="E1"))
    (write,) = Shop().plan(known).writes
    assert readable(write) == journal("sq:po:PO1 2026-03-12", "Dr 1930 bank 20.00", "Cr 6595 payout_adjustment 20.00")
    assert Shop().holds(payout(entry("SQUARE_CAPITAL_PAYMENT", "-20", id="E1"))) == ["mapping-missing"]


def test_an_unknown_entry_type_goes_to_suspense_with_a_warning() -> None:
    plan = Shop().plan(payout(entry("BRAND_NEW", "20", id="E1")))
    assert "Cr 2999 suspense 20.00" in readable(plan.writes[0])
    assert [(one.code, one.blocks) for one in plan.findings] == [("payout-entry-unknown", False)]


def test_a_reserve_is_kept_beside_clearing_until_released() -> None:
    held = payout(entry("CHARGE", "100", id="E1"), entry("RESERVE_HOLD", "-30", id="E2"))
    (write,) = Shop().plan(held).writes
    assert readable(write) == journal(
        "sq:po:PO1 2026-03-12", "Dr 1610 reserve 30.00", "Dr 1930 bank 70.00", "Cr 1580 clearing 100.00"
    )


DISPUTED = entry("DISPUTE", "-1250", "150", id="E7", dispute_id="DP1", payment_id="P1")


def test_disputed_money_becomes_a_claim_with_a_journal_of_its_own() -> None:
    taken = payout(entry("CHARGE", "2000", id="E1"), DISPUTED)
    write, claim = Shop(dispute()).plan(taken).writes
    assert "Cr 1580 clearing 600.00" in readable(write)
    assert readable(claim) == journal(
        "sq:dp:E7 2026-03-12",
        "Dr 1690 dispute_receivable 1250.00",
        "Dr 6575 dispute_fee 150.00",
        "Cr 1580 clearing 1400.00",
    )


def test_a_won_dispute_comes_back_through_a_payout() -> None:
    returned = payout(entry("DISPUTE", "1250", id="E8", dispute_id="DP1"))
    claim = Shop(dispute("won")).plan(returned).writes[1]
    assert readable(claim) == journal(
        "sq:dp:E8 2026-03-12", "Dr 1580 clearing 1250.00", "Cr 1690 dispute_receivable 1250.00"
    )
    assert isinstance(Shop().verdict(dispute("won")), Ignore)
    assert isinstance(Shop().verdict(dispute("open")), Ignore)


def test_a_lost_dispute_becomes_a_loss_and_a_win_on_appeal_takes_it_back() -> None:
    taken = payout(entry("CHARGE", "2000", id="E1"), DISPUTED)
    assert isinstance(Shop().verdict(dispute("lost")), Wait)
    (loss,) = Shop(taken).plan(dispute("lost")).writes
    assert readable(loss) == journal(
        "sq:dp:DP1:lost 2026-03-10", "Dr 6590 dispute_loss 1250.00", "Cr 1690 dispute_receivable 1250.00"
    )
    same, appeal = Shop(taken, posted={loss.key: loss.content}).plan(dispute("won")).writes
    assert same.content == loss.content
    assert readable(appeal) == journal(
        "sq:dp:DP1:lost:appeal 2026-03-10", "Cr 6590 dispute_loss 1250.00", "Dr 1690 dispute_receivable 1250.00"
    )


def test_a_lost_dispute_whose_money_is_back_is_no_loss() -> None:
    both = payout(entry("CHARGE", "2000", id="E1"), DISPUTED, entry("DISPUTE", "1250", id="E8", dispute_id="DP1"))
    assert isinstance(Shop(both).verdict(dispute("lost")), Ignore)


def test_a_payout_before_go_live_is_ignored() -> None:
    assert isinstance(Shop(terms=replace(TERMS, go_live=date(2026, 4, 1))).verdict(payout(*THREE_SALES)), Ignore)


def test_others_find_a_payout_by_what_it_holds() -> None:
    links = FLOW.links(payout(*THREE_SALES))
    assert ("payment", "P2") in links
    assert ("refund", "RF1") in links
    assert len(links) == len(set(links))


def test_the_rulebook_of_these_tests_has_no_rule_for_a_role_nobody_asks() -> None:
    assert {role for rule in RULEBOOK.rules for role in rule.roles} <= set(FLOW.roles)
