"""What each of Square's 58 payout entry types is for the books.

A type outside this table goes to suspense with a warning and is never dropped. Source: PayoutEntry of the Square API.
"""

from __future__ import annotations

from ml_connector.rules.payouts import EntryRoles

_FEES_WITH_REFUND = "PROCESSING_FEE SUBSCRIPTION_FEE PAID_SERVICE_FEE THIRD_PARTY_FEE GIFT_CARD_LOAD_FEE".split()
_REVERSIBLE = (
    "AUTOMATIC_SAVINGS AUTOMATIC_BITCOIN_CONVERSIONS CREDIT_CARD_REPAYMENT BALANCE_FOLDERS_TRANSFER "
    "GIFT_CARD_POOL_TRANSFER SQUARE_PAYROLL_TRANSFER"
).split()

_TYPES: dict[str, list[str]] = {
    "clearing": ["CHARGE", "REFUND"],
    "fee": [
        *"FEE DEPOSIT_FEE DEPOSIT_FEE_REVERSED LOCAL_OFFERS_FEE FREE_PROCESSING".split(),
        *_FEES_WITH_REFUND,
        *(f"{name}_REFUND" for name in _FEES_WITH_REFUND),
        *"SUBSCRIPTION_FEE_PAID_REFUND UNDO_PROCESSING_FEE_REFUND UNDO_GIFT_CARD_LOAD_FEE_REFUND".split(),
    ],
    "fee_vat": ["TAX_ON_FEE"],
    "returned": ["RETURNED_PAYOUT"],
    "matched": ["MONEY_TRANSFER", "MONEY_TRANSFER_REVERSAL", "PAYOUT"],
    "dispute": ["DISPUTE", "OPEN_DISPUTE"],
    "reserve": "RESERVE_HOLD RESERVE_RELEASE HOLD_ADJUSTMENT RELEASE_ADJUSTMENT".split(),
    "rule": [
        *"APP_FEE_REVENUE APP_FEE_REFUND ADJUSTMENT OTHER OTHER_ADJUSTMENT INITIAL_BALANCE_CHANGE ESCHEATMENT".split(),
        *"REDEMPTION_CODE LOCAL_OFFERS_CASHBACK SQUARE_CAPITAL_PAYMENT SQUARE_CAPITAL_REVERSED_PAYMENT".split(),
        *"PERCENTAGE_PROCESSING_ENROLLMENT PERCENTAGE_PROCESSING_DEACTIVATION PERCENTAGE_PROCESSING_REPAYMENT".split(),
        "PERCENTAGE_PROCESSING_REPAYMENT_REVERSED",
        *_REVERSIBLE,
        *(f"{name}_REVERSED" for name in _REVERSIBLE),
    ],
}

ENTRIES = EntryRoles({name: role for role, names in _TYPES.items() for name in names})
"""Entry type -> what it is. `rule`: only a person knows, a rule for `payout_adjustment` says where it goes."""
