"""Customers, vendors and locations of Square as parties and places. Pure."""

from __future__ import annotations

from ml_connector.connectors.square.fields import Fields
from ml_connector.finance.documents import Address, Location, Party

MERGED = "MERGE"  # creation_source of a customer that Square made by merging others


def customer_of(customer: Fields) -> Party:
    """A customer profile. Of which others it was merged only the events tell (`successions`).

    The name is the company's, else the person's, else whatever names the profile at all. Square knows no blocked
    customers.
    """
    company = customer.text("company_name").strip()
    person = f"{customer.text('given_name')} {customer.text('family_name')}".strip()
    email, phone = customer.text("email_address"), customer.text("phone_number")
    id_ = customer.id("id")
    tax_ids = customer.part_or_none("tax_ids")
    return Party(
        id=id_,
        role="customer",
        name=company or person or customer.text("nickname").strip() or email or phone or id_,
        active=True,
        email=email,
        phone=phone,
        address=_address(customer),
        vat_number=tax_ids.text("eu_vat") if tax_ids is not None else "",
        is_company=bool(company),
        contact=person if company else "",
        merged=customer.text("creation_source") == MERGED,
        updated_at=customer.moment_or_none("updated_at"),
        note=customer.text("note"),
        origin=customer.text("creation_source"),
    )


def vendor_of(vendor: Fields) -> Party:
    """A supplier.

    Square keeps no tax id, bank account or terms. Any status but ACTIVE counts as inactive: nothing is paid to it.
    """
    contacts = [contact for contact in vendor.parts("contacts") if not contact.flag("removed")]
    contacts.sort(key=lambda contact: contact.whole("ordinal"))
    first = contacts[0] if contacts else None
    name = vendor.text("name").strip()
    if not name:
        vendor.fail("name", "is missing")
    return Party(
        id=vendor.id("id"),
        role="supplier",
        name=name,
        active=vendor.text("status") == "ACTIVE",
        email=first.text("email_address") if first else "",
        phone=first.text("phone_number") if first else "",
        address=_address(vendor),
        account_number=vendor.text("account_number"),
        is_company=True,
        contact=first.text("name") if first else "",
        updated_at=vendor.moment_or_none("updated_at"),
        note=vendor.text("note"),
    )


def location_of(location: Fields) -> Location:
    """A place of business. Any status but ACTIVE counts as inactive; inactive ones still see refunds and payouts."""
    currency = location.text("currency")
    zone = location.text("timezone")
    if len(currency) != 3:
        location.fail("currency", "is no currency")
    if not zone:
        location.fail("timezone", "is missing")
    return Location(
        id=location.id("id"),
        name=location.text("name") or location.text("business_name"),
        active=location.text("status") == "ACTIVE",
        time_zone=zone,
        currency=currency,
        country=location.text("country"),
    )


def _address(owner: Fields) -> Address:
    found = owner.part_or_none("address")
    if found is None:
        return Address()
    lines = (found.text(f"address_line_{number}") for number in (1, 2, 3))
    return Address(
        lines=tuple(line for line in lines if line),
        postal_code=found.text("postal_code"),
        city=found.text("locality"),
        region=found.text("administrative_district_level_1"),
        country=found.text("country"),
    )
