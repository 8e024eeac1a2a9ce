"""The recipe of a payout: clearing is emptied into the bank, fees and everything else the processor took stand between.

Dr bank (or transit); Dr fee; Cr clearing. Entries must sum to the payout. A failed payout is mirrored once, its fees
stay.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date

from ml_connector.finance.documents import Payout, PayoutEntry
from ml_connector.finance.money import Money
from ml_connector.finance.plan import Finding, Plan, Related
from ml_connector.rules.bookkeeping import Books, Sheet
from ml_connector.rules.findings import approved, decided, differs
from ml_connector.rules.mapping import Facts
from ml_connector.rules.matching import payout_difference
from ml_connector.rules.sales import fee_role
from ml_connector.rules.texts import begun

BANK_ACCOUNT = "bank_account"


@dataclass(frozen=True, slots=True)
class EntryRoles:
    """What a processor's entry types mean.

    `of` gives clearing, fee, fee_vat, returned, matched, dispute, reserve or rule.
    """

    of: Mapping[str, str]

    def role(self, entry: PayoutEntry) -> str:
        return self.of.get(entry.type, "unknown")


def plan_payout(
    payout: Payout, *, roles: EntryRoles, matched: Collection[str], key: str, day: date, books: Books, related: Related
) -> Plan:
    """The journal of a payout.

    `matched`: ids of entries whose own payout was found (returned, or paid out by itself).
    """
    sheet = _sheet(payout, key, day, books)
    fees: dict[str, int] = {}
    clearing = 0
    if not payout.itemized:
        clearing = payout.amount.minor
        sheet.explain("clearing", str(payout.amount), "the payout has no entries: the whole amount comes from clearing")
    for entry in payout.entries if payout.itemized else ():
        clearing += _clearing_part(sheet, entry, roles.role(entry), fees, matched=matched, related=related)
    _explain_difference(sheet, payout, fees, related)
    _post_fees(sheet, fees)
    sheet.post("clearing", -clearing)
    _post_destination(sheet, payout, payout.amount.minor)
    write = sheet.write(f"Payout {payout.id}")
    return Plan((write,) if write else (), tuple(sheet.findings))


def plan_failed_payout(payout: Payout, *, key: str, day: date, books: Books, payout_key: str) -> Plan:
    """The money did not arrive: Dr clearing; Cr bank. It returns as an entry of a later payout."""
    sheet = _sheet(payout, key, day, books)
    sheet.post("clearing", payout.amount.minor)
    _post_destination(sheet, payout, -payout.amount.minor)
    write = sheet.write(f"Payout {payout.id} failed", needs=(payout_key,))
    return Plan((write,) if write else (), tuple(sheet.findings))


def disputed(payout: Payout, roles: EntryRoles) -> tuple[PayoutEntry, ...]:
    """The entries that get a journal of their own beside the payout's."""
    return tuple(entry for entry in payout.entries if roles.role(entry) == "dispute") if payout.itemized else ()


def _sheet(payout: Payout, key: str, day: date, books: Books) -> Sheet:
    facts = Facts(location=payout.location, currency=payout.amount.currency, type="payout")
    return Sheet(key, record=f"payout {payout.id}", day=day, facts=facts, books=books)


def _clearing_part(
    sheet: Sheet, entry: PayoutEntry, role: str, fees: dict[str, int], *, matched: Collection[str], related: Related
) -> int:
    """Post what an entry is, and return what of it comes from clearing (minor units)."""
    net = entry.net.minor
    if role == "clearing":
        if entry.gross.minor - entry.fee.minor != net:
            sheet.note(_entry_differs(entry))
        _add(fees, "fee", entry.fee.minor)
        return entry.gross.minor
    if role in {"returned", "dispute"}:
        if role == "returned" and entry.id not in matched:
            sheet.note(_returned_unmatched(entry))
        return net
    if role == "matched":
        if entry.id not in matched and decided(related, "payout-entry-unmatched") != "clearing":
            sheet.note(_unmatched(entry))
        return net
    if role == "fee":
        _add(fees, entry.type, -net)
    elif role == "fee_vat":
        _post_fee_vat(sheet, entry)
    else:
        _post_other(sheet, entry, role)
    return 0


def _post_other(sheet: Sheet, entry: PayoutEntry, role: str) -> None:
    facts = replace(sheet.facts, type=entry.type)
    if role == "reserve":
        sheet.post("reserve", -entry.net.minor, facts=facts)
        return
    if role == "rule":
        sheet.post("payout_adjustment", -entry.net.minor, facts=facts)
        return
    sheet.post("suspense", -entry.net.minor, facts=facts)
    sheet.note(
        Finding(
            "payout-entry-unknown",
            f"Entry {entry.id} of {sheet.record} has the type {entry.type}, which we do not know: {entry.net} is on "
            "suspense. "
            "Find out what it is, move it by hand and report the type.",
            "type",
            {"type": entry.type},
            blocks=False,
        )
    )


def _post_fee_vat(sheet: Sheet, entry: PayoutEntry) -> None:
    if sheet.books.terms.fee_vat == "exempt":
        sheet.note(
            Finding(
                "fee-vat-charged",
                f"{sheet.record} has {-entry.net} VAT on fees, and the route says fees are exempt. "
                "Set the fee VAT of the route to reverse charge (settled by the processor's monthly invoice), then "
                "plan again.",
                "fee_vat",
                {"fee_vat": "reverse_charge"},
            )
        )
        return
    role = fee_role(sheet)
    if role is not None:
        sheet.post(role, -entry.net.minor, facts=replace(sheet.facts, type=entry.type))


def _post_fees(sheet: Sheet, fees: Mapping[str, int]) -> None:
    owed = {kind: minor for kind, minor in fees.items() if minor}
    role = fee_role(sheet) if owed else None
    if role is None:
        return
    for kind, minor in owed.items():
        sheet.post(role, minor, facts=replace(sheet.facts, type=kind))


def _post_destination(sheet: Sheet, payout: Payout, minor: int) -> None:
    facts = replace(sheet.facts, method=payout.destination)
    if payout.destination != BANK_ACCOUNT:
        choice = sheet.books.mapper.choose("bank", facts)
        decided_by = choice.why.get("cash_account") or choice.why.get("account")
        named = {rule.id for rule in sheet.books.mapper.rules_for("bank") if rule.when.method}
        if decided_by is None or decided_by[0] not in named:
            sheet.note(_no_bank_account(sheet, payout))
            return
    elif sheet.books.terms.payout_to == "transit":
        sheet.post("transit", minor, facts=facts)
        return
    sheet.post("bank", minor, facts=facts)


def _explain_difference(sheet: Sheet, payout: Payout, fees: dict[str, int], related: Related) -> None:
    """Entries that do not sum to the payout: within the tolerance rounding, a stated fee if approved, else held."""
    off = payout_difference(payout)
    if off.minor == 0:
        return
    if abs(off.minor) <= sheet.books.terms.tolerance_minor:
        sheet.post("rounding", -off.minor, facts=replace(sheet.facts, type="rounding"))
        return
    stated = payout.stated_fee
    explained = stated is not None and abs(stated.minor) == abs(off.minor)
    if explained and approved(related, "payout-fee"):
        _add(fees, "TRANSFER_FEE", -off.minor)
        return
    if explained:
        sheet.note(
            Finding(
                "payout-fee",
                f"The entries of {sheet.record} differ from its amount by {off}, which is the transfer fee the payout "
                "states "
                "and no entry has. Approve to book it as a fee.",
                "stated_fee",
                {"decision": "approve", "fee": str(-off)},
            )
        )
        return
    entries = Money(payout.amount.minor - off.minor, off.currency)
    fix = "Read the payout again; entries may be missing. If it stays, book it by hand and ignore it here."
    sheet.note(
        differs("payout-differs", "The amount", stated=payout.amount, found=entries, record=sheet.record, fix=fix)
    )


def _add(fees: dict[str, int], kind: str, minor: int) -> None:
    fees[kind] = fees.get(kind, 0) + minor


def _entry_differs(entry: PayoutEntry) -> Finding:
    fix = "Read the payout again; if it stays, book it by hand and ignore it here."
    found = entry.gross - entry.fee
    return differs(
        "payout-entry-differs", "The net", stated=entry.net, found=found, record=f"payout entry {entry.id}", fix=fix
    )


def _returned_unmatched(entry: PayoutEntry) -> Finding:
    return Finding(
        "returned-payout-unmatched",
        f"Entry {entry.id} returns {entry.net} of a failed payout, and no failed payout of that amount is known. "
        "It is put on clearing; see that the failed payout was taken back there.",
        "payout",
        {"amount": str(entry.net)},
        blocks=False,
    )


def _unmatched(entry: PayoutEntry) -> Finding:
    return Finding(
        "payout-entry-unmatched",
        f"Entry {entry.id} ({entry.type}) moves {entry.net} and fits no payout we know. "
        "Answer clearing if it is money paid out by itself, or book it by hand.",
        "entry",
        {"choices": ["clearing"]},
    )


def _no_bank_account(sheet: Sheet, payout: Payout) -> Finding:
    where = payout.destination.replace("_", " ")
    return Finding(
        "payout-destination",
        f"{begun(sheet.record)} went to a {where}, which is not the company's bank account. "
        f"Add a bank rule for method {payout.destination} with a cash account of its own.",
        "bank.cash_account",
        {
            "rule": f'[[rule]]\nid = "bank-{payout.destination}"\nroles = ["bank"]\ncash_account = ""\n'
            f'[rule.when]\nmethod = ["{payout.destination}"]\n',
            "role": "bank",
            "field": "cash_account",
        },
    )
