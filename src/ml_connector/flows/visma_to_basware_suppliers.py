"""Suppliers of the ledger as vendors there: identifiers, addresses, bank accounts each once, may they be paid."""

from __future__ import annotations

from collections.abc import Iterable

from ml_connector.finance.plan import Finding, Hold, Ignore, Plan, PlannedWrite, Related, Verdict
from ml_connector.finance.procurement import BankAccount, CardAddress, SupplierCard
from ml_connector.finance.purchasing import LedgerSupplier, PaymentDetail, SupplierAddress
from ml_connector.finance.rulebook import Terms
from ml_connector.flows.visma_to_basware_reference import term_needs
from ml_connector.rules.purchase_codes import code, key, parcel, too_long

ACTIVE = frozenset({"Active", "OneTime"})
DENIED = frozenset({"OnHold", "HoldPayments"})  # known and matched, and not to be paid now
BANK_NUMBER = 32
_ROLES = {"main": "postal", "remittance": "remittance", "delivery": "delivery"}
_NAMES = {"main": "Main", "remittance": "Remittance", "delivery": "Delivery"}


def supplier_key(terms: Terms, number: str) -> str:
    """The key of a supplier's card: orders wait for it."""
    return key(terms, "supplier", number)


def plan_supplier(supplier: LedgerSupplier, related: Related, terms: Terms) -> Verdict:
    """The whole card. Inactive and never sent: left out; inactive and sent: switched off there."""
    own = supplier_key(terms, supplier.number)
    known = supplier.status in ACTIVE | DENIED
    if not known and own not in related.posted:
        return Ignore(f"it is {supplier.status} and was never sent")
    against = [one for one in _against(supplier, own) if one is not None]
    if against:
        return Hold(tuple(against))
    card = card_of(supplier, terms)
    needs = term_needs(supplier.term, related, terms)
    return Plan((PlannedWrite(own, "supplier_card", card, needs=needs, pool=parcel(terms, "supplier_card")),))


def card_of(supplier: LedgerSupplier, terms: Terms) -> SupplierCard:
    """The card: a re-send overwrites all of it."""
    purchase = terms.purchase
    identifiers = [(purchase.vat_scheme, supplier.vat_number), (purchase.org_scheme, supplier.org_number)]
    return SupplierCard(
        external_code=code(terms, "supplier", supplier.number),
        company=purchase.company,
        number=supplier.number,
        name=supplier.name,
        source=supplier_key(terms, supplier.number),
        source_system=purchase.source_system,
        active=supplier.status in ACTIVE | DENIED,
        payment_denied=supplier.status in DENIED,
        supplier_class=supplier.supplier_class,
        our_account=supplier.our_account,
        identifiers=tuple((scheme, id_) for scheme, id_ in identifiers if scheme and id_),
        addresses=tuple(_addresses(supplier, terms)),
        contact=supplier.contact,
        email=supplier.email,
        phone=supplier.phone,
        term=supplier.term,
        payment_method=supplier.payment_method,
        currency=supplier.currency,
        accounts=bank_accounts(supplier.details, paid_by=supplier.paid_by),
    )


def bank_accounts(details: Iterable[PaymentDetail], *, paid_by: str) -> tuple[BankAccount, ...]:
    """The bank accounts that a supplier's details name, each once: Basware refuses one that comes twice.

    The ledger keeps one IBAN and one national number beside each other: they are one account by two numbers, unless
    there are more of them. The number that is used for payment comes first. Bankgiro and plusgiro are national numbers.
    """
    ibans: dict[str, None] = {}
    bbans: dict[str, str] = {}  # number -> what it is
    bic = bank = ""
    for one in details:
        word, value = one.name.casefold(), one.value.strip()
        packed = "".join(value.split())
        if not packed:
            continue
        if "bic" in word or "swift" in word:
            bic = bic or packed.upper()
        elif is_iban(packed):
            ibans.setdefault(packed.upper())
        elif any(hint in word for hint in ("giro", "bban", "account", "konto")):
            bbans.setdefault(packed, word)
        elif "name" in word or "navn" in word or "namn" in word:
            bank = bank or value
    numbers = sorted(bbans, key=lambda number: paid_by.casefold() not in bbans[number] if paid_by else False)
    if len(ibans) == 1 and len(numbers) == 1:
        return (BankAccount(next(iter(ibans)), numbers[0], bic, bank),)
    by_iban = [BankAccount(iban=number, bic=bic, bank_name=bank) for number in ibans]
    by_bban = [BankAccount(bban=number) for number in numbers]
    if paid_by and paid_by != "IBAN" and by_bban:
        return (*by_bban, *by_iban)
    return (*by_iban, *by_bban)


def is_iban(number: str) -> bool:
    """Whether this is an IBAN by its form and check digits."""
    text = number.upper()
    if not (15 <= len(text) <= 34 and text[:2].isalpha() and text[2:4].isdigit() and text.isalnum() and text.isascii()):
        return False
    return int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 == 1


def _addresses(supplier: LedgerSupplier, terms: Terms) -> Iterable[CardAddress]:
    seen: set[tuple[object, ...]] = set()
    for one in supplier.addresses:
        where = (one.lines, one.postal_code, one.city, one.country)
        if where in seen or not any(where):
            continue
        seen.add(where)
        yield _address(one, supplier.number, terms, default=len(seen) == 1)


def _address(one: SupplierAddress, number: str, terms: Terms, *, default: bool) -> CardAddress:
    return CardAddress(
        external_code=code(terms, "address", number, one.role),
        role=_ROLES[one.role],  # type: ignore[arg-type]
        name=_NAMES[one.role],
        lines=one.lines,
        postal_code=one.postal_code,
        city=one.city,
        region=one.region,
        country=one.country if len(one.country) == 2 else "",
        default=default,
    )


def _against(supplier: LedgerSupplier, own: str) -> Iterable[Finding | None]:
    yield too_long(supplier.number, "number", own)
    yield too_long(supplier.term, "credit terms", own)
    yield too_long(supplier.payment_method, "payment method", own)
    for one in bank_accounts(supplier.details, paid_by=supplier.paid_by):
        yield too_long(one.bban, "bank account", own, most=BANK_NUMBER)
    if not supplier.name.strip():
        yield Finding("party-name-missing", f"Supplier {supplier.number} has no name. Give it one in Visma.", "name")
