"""Which test stands against which trap of Stripe: every one has a test, and every test that is named exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]

TRAPS = {
    "the account's default version shapes answers": (
        "every_call_names_the_pinned_version_and_a_connected_account_where_one_is_set",
    ),
    "the version of an endpoint cannot be changed": (
        "an_endpoint_of_another_version_or_with_less_events_is_made_anew",
    ),
    "lists end after ten rows, in objects too": (
        "a_list_is_read_to_its_end_a_hundred_at_once_and_never_cut_in_silence",
        "an_invoice_with_more_than_ten_lines_is_credited_on_any_of_them",
    ),
    "search lags behind what was written": ("a_search_that_lags_is_healed_by_lists",),
    "unknown parameters are refused": ("every_request_is_one_of_stripes_with_parameters_of_the_right_type",),
    "429 without a time to wait": ("a_retry_after_is_obeyed_within_an_hour_and_none_is_promised",),
    "the status tells more than the type of an error": ("the_status_decides_before_the_code",),
    "a 403 names its permission in its words alone": (
        "the_permission_a_403_names_in_its_message_is_in_the_fix", "each_missing_permission_is_named",
    ),
    "a key forgets after a day and then makes a second object": (
        "after_a_day_the_same_key_would_make_a_second_invoice_so_ours_is_looked_for",
        "an_answer_lost_for_longer_than_stripe_keeps_its_keys_makes_nothing_twice",
    ),
    "a failure is kept under its key": (
        "a_failure_that_stripe_keeps_under_the_key_is_passed_by_without_a_second_invoice",
    ),
    "a body computed anew does not fit its key": ("a_repeat_on_a_later_day_is_the_very_same_request",),
    "a key in flight": ("a_key_in_flight_is_asked_again_under_the_same_key",),
    "minor units are not those of ISO 4217": (
        "amounts_are_counted_by_stripes_own_table", "amounts_are_counted_as_stripe_counts_each_currency",
    ),
    "UGX and ISK are counted a hundredfold": ("what_is_counted_a_hundredfold_is_never_taken_for_whole_units",),
    "three decimals": ("three_decimal_currencies_are_refused_before_anything_is_sent",),
    "the customer's other currency is only a default": ("a_customer_of_another_currency_is_invoiced_in_the_ledgers",),
    "an answer in another currency than the ledger's": (
        "an_answer_in_another_currency_than_the_ledgers_is_never_finalized",
        "a_currency_that_is_not_the_ledgers_at_stripe_is_blocked_deleted_and_told",
    ),
    "too small an invoice is called paid": (
        "an_invoice_below_the_minimum_is_paid_without_money", "below_what_is_collected_at_least_an_invoice_is_held",
    ),
    "a deleted customer answers 200": ("a_deleted_customer_comes_back_with_200_and_is_nobody",),
    "two customers fit": ("two_customers_that_may_be_it_are_both_told", "two_customers_that_may_be_it_ask_a_person"),
    "a name is no proof": (
        "a_name_alone_is_a_proposal_unless_the_route_says_that_it_is_enough",
        "a_customer_of_the_same_name_is_asked_about_unless_the_owner_chose_the_name",
    ),
    "e-mails are compared by letter": ("emails_are_exact_and_case_sensitive",),
    "quotes in a search": ("quotes_and_backslashes_in_names_do_not_break_the_search",),
    "a malformed tax id fails the customer": ("a_malformed_tax_id_fails_the_call_and_the_customer_is_made_without",),
    "no e-mail, no invoice": (
        "a_customer_without_email_gets_no_invoice", "without_an_address_for_mail_nothing_is_sent",
    ),
    "a customer's balance is set off by itself": (
        "a_customer_with_credit_stops_the_invoice_and_its_draft_is_deleted", "a_customer_with_a_balance_there_is_held",
    ),
    "an account may tax by itself": ("an_account_that_taxes_by_itself_does_not_tax_ours",),
    "pending items slip in": ("pending_items_of_others_stay_off_our_invoice",),
    "250 lines": ("two_hundred_and_fifty_lines_are_sent_and_compared", "over_250_lines_an_invoice_is_held"),
    "Stripe rounds VAT its own way": (
        "the_vat_of_the_lines_is_the_vat_of_the_document_to_the_last_cent",
        "totals_come_from_lines_and_manual_taxes_to_the_unit",
    ),
    "a draft differs from the ledger": (
        "a_draft_whose_total_differs_from_the_ledger_is_deleted_and_named",
        "a_draft_that_differs_is_deleted_and_its_record_held",
    ),
    "a past due date is refused": (
        "an_overdue_invoice_is_due_tomorrow_and_shows_its_true_date",
        "an_overdue_invoice_is_due_tomorrow_there_and_says_its_true_date",
    ),
    "midnight prints as the day before": ("due_dates_are_noon_so_that_no_zone_prints_the_day_before",),
    "a number is unique in an account": ("a_number_that_stripe_has_already_is_refused_and_leaves_nothing",),
    "drafts are finalized or mailed by themselves": ("no_invoice_is_mailed_taxed_or_finalized_by_stripe_itself",),
    "a finalized invoice cannot be edited": (
        "a_finalized_invoice_is_never_deleted",
        "an_invoice_changed_after_it_was_sent_is_never_passed_over_in_silence",
    ),
    "the page to pay on dies": (
        "a_link_to_pay_dies_so_each_reading_gives_one_anew",
        "the_key_that_the_file_on_the_invoice_names_gives_the_address_of_today",
    ),
    "a credit note mails by default": ("a_part_credit_lowers_what_is_open_with_its_exact_vat_and_mails_nobody",),
    "a void while money is on its way": ("an_invoice_with_money_on_it_or_on_its_way_is_not_voided",),
    "fields that went away in basil": ("fields_that_went_away_in_basil_are_not_believed",),
    "a charge names no invoice": ("trap_the_invoice_of_a_charge_is_told_by_its_payment_intents_rows_alone",),
    "zero rows: a charge for no invoice": ("zero_rows_of_an_intent_mean_that_it_is_for_no_invoice",),
    "one charge pays several invoices": ("trap_one_charge_that_pays_several_invoices_is_one_payment_of_each",),
    "partial payments and the event of the last": (
        "trap_partial_payments_are_one_payment_a_row_and_never_one_per_paid_invoice",
        "an_invoice_paid_in_two_parts_has_two_payments",
    ),
    "over-payment": (
        "trap_an_overpaid_invoice_leaves_the_excess_available_and_says_so",
        "what_was_paid_too_much_stays_available_and_goes_back_from_the_payment",
    ),
    "paid proves no money": (
        "trap_a_paid_invoice_proves_no_money_and_books_nothing_itself",
        "an_invoice_paid_by_a_credit_note_is_paid_without_money",
    ),
    "paid outside is not in events": (
        "an_invoice_tells_what_people_called_paid_whether_that_makes_a_row_or_not",
        "money_that_people_told_of_has_its_invoice_read",
    ),
    "our own out of band comes back": ("trap_what_was_marked_paid_out_of_band_never_comes_back_as_a_payment",),
    "the customer's balance paid": ("trap_the_customers_balance_paid_and_no_money_came",),
    "gross booked, fees never": ("trap_the_gross_is_not_booked_without_its_fee",),
    "fees flood the books": ("trap_fee_rows_need_not_flood_the_books_they_may_share_a_voucher_of_their_day",),
    "the balance transaction comes later": (
        "a_fee_that_is_not_there_yet_is_none_and_never_zero",
        "trap_the_balance_transaction_comes_after_the_charge_and_only_brings_the_fee",
    ),
    "local methods have other types": ("trap_rows_are_grouped_by_category_so_local_methods_are_charges_too",),
    "unknown categories": ("trap_an_unknown_category_goes_to_suspense_with_an_alert_or_where_a_rule_says",),
    "refunded is said of whole refunds only": ("refunded_is_only_said_of_whole_refunds_so_the_amount_counts",),
    "a refund fails weeks later": (
        "trap_a_refund_that_fails_later_voids_the_money_and_leaves_the_credit_note_open",
        "a_refund_that_fails_later_is_voided_and_its_credit_note_stays_open",
    ),
    "a slow method fails after it was credited": (
        "trap_a_slow_method_that_fails_after_it_was_credited_takes_its_payment_back",
        "a_payment_that_fails_after_it_was_credited_is_voided_and_told_on_its_invoice",
    ),
    "an inquiry moves no money": ("trap_an_inquiry_moves_no_money_and_is_told_as_an_inquiry",),
    "lost may be won on appeal": (
        "trap_lost_is_not_the_end_where_an_appeal_follows", "a_dispute_lost_and_won_on_appeal_leaves_only_its_fee",
    ),
    "a dispute's amount is in the charge's currency": (
        "trap_a_dispute_is_booked_by_its_rows_in_the_accounts_currency_not_by_its_amount",
    ),
    "a due_by of zero": ("a_due_by_of_zero_or_null_means_that_no_answer_is_possible",),
    "a paid payout fails": (
        "trap_a_payout_that_failed_after_it_was_paid_is_mirrored_once",
        "a_payout_that_fails_comes_back_to_clearing_once",
    ),
    "a payout's content is not ready": ("a_payout_that_is_not_reconciled_yet_or_made_by_hand_has_no_lines",),
    "a manual payout has no content": ("trap_a_manual_payout_lists_no_content_and_is_booked_by_its_row",),
    "a negative payout": ("trap_a_negative_payout_takes_money_from_our_bank",),
    "the content of a payout must add up": ("trap_the_rows_of_a_payout_must_add_up_to_it",),
    "events come twice, late, in any order": ("every_event_twice_late_and_in_any_order_books_each_payment_once",),
    "events are lost": ("what_webhooks_missed_is_read_by_polling_and_late_ones_double_nothing",),
    "events are kept for thirty days": ("events_older_than_stripe_keeps_are_not_asked_for",),
    "thin events": ("a_thin_event_is_refused_in_words",),
    "a signature of the future": ("an_older_time_and_one_ahead_are_refused_although_the_library_lets_the_future_pass",),
    "several signatures, v0 and unknown schemes": ("one_right_v1_among_wrong_ones_and_a_v0_is_enough",),
    "several secrets during rotation": ("several_secrets_are_taken_while_one_is_rolled",),
    "the secret is told once": ("a_secret_whose_answer_was_lost_is_told_by_the_next_watch",),
    "an endpoint is disabled or deleted": ("an_endpoint_that_somebody_spoils_is_made_anew_and_its_secret_learnt",),
    "the names of the brief": (
        "the_names_of_the_brief_are_taken_for_the_real_ones", "the_names_of_the_brief_ring_for_the_real_things",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def known() -> frozenset[str]:
    return frozenset(
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"^def test_(\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    )


@pytest.mark.parametrize("trap", TRAPS)
def test_every_trap_has_its_tests(trap: str, known: frozenset[str]) -> None:
    assert [name for name in TRAPS[trap] if name not in known] == []
