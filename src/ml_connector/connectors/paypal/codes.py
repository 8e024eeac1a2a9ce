"""PayPal's transaction event codes -> what a movement is in the books, as one table.

By the two digits after T, single codes before them. Source: copies of PayPal's page of event codes; it is a list that
grows, so an unknown code is `other`: suspense, never a crash.
"""

from __future__ import annotations

from collections.abc import Mapping

from ml_connector.finance.documents import MovementRole

GROUPS: Mapping[str, MovementRole] = {
    "T00": "receipt",  # below zero: `sent`
    "T01": "fee",
    "T02": "conversion",
    "T03": "funding",
    "T04": "withdrawal",
    "T05": "card",
    "T06": "funding",
    "T07": "funding",
    "T08": "bonus",
    "T09": "bonus",
    "T13": "none",  # authorizations
    "T15": "reserve",
    "T20": "transfer",
    "T21": "reserve",
    "T98": "none",  # display only
}
CODES: Mapping[str, MovementRole] = {
    **dict.fromkeys(("T1100", "T1102", "T1103", "T1104"), "mirror"),
    "T1101": "withdrawal_returned",
    **dict.fromkeys(("T1105", "T1110", "T1111"), "reserve"),
    "T1106": "dispute",
    "T1107": "refund",  # above zero: somebody gave money back to us, see `role_of`
    **dict.fromkeys(("T1108", "T1109"), "fee_returned"),
    **dict.fromkeys(("T1201", "T1202", "T1203", "T1205", "T1207", "T1208"), "dispute"),
}


def role_of(code: str, *, minor: int) -> MovementRole:
    """What a row with this code and amount is. A refund that came in belongs to a payment we made: nobody's refund."""
    known = CODES.get(code) or GROUPS.get(code[:3], "other")
    if known == "receipt" and minor < 0:
        return "sent"
    if known == "refund" and minor > 0:
        return "other"
    return known
