"""Customers, buyers of orders and the shop itself as parties and place. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from ml_connector.connectors.woocommerce.fields import Fields, plain
from ml_connector.connectors.woocommerce.numbers import CHOSEN, numbers_of
from ml_connector.finance.documents import Address, Location, Party

# Shops may be set to an offset instead of a zone. IANA's Etc zones count the other way round.
FRACTIONAL_ZONES: Mapping[Decimal, str] = {
    Decimal("4.5"): "Asia/Kabul",
    Decimal("5.5"): "Asia/Kolkata",
    Decimal("5.75"): "Asia/Kathmandu",
    Decimal("6.5"): "Asia/Yangon",
    Decimal("9.5"): "Australia/Darwin",
}
LAST_HOURS = range(-12, 15)
ADDRESS_LINES = ("address_1", "address_2")


def customer_of(customer: Fields) -> Party:
    """A registered customer. The account's billing may differ from an order's: the order's is what was agreed."""
    billing = customer.part("billing")
    numbers = numbers_of(customer, country_of(billing), chosen=_chosen(customer))
    names = _Names.of(billing, customer)
    id_ = customer.id("id")
    return Party(
        id=id_,
        role="customer",
        name=names.company or names.person or customer.text("username").strip() or customer.text("email") or id_,
        active=True,
        email=customer.text("email") or billing.text("email"),
        phone=billing.text("phone"),
        address=address_of(billing),
        org_number=numbers.org,
        vat_number=numbers.vat,
        is_company=bool(names.company or numbers.org or numbers.vat),
        contact=names.person if names.company else "",
        updated_at=customer.moment_or_none("date_modified_gmt") or customer.moment_or_none("date_created_gmt"),
        origin="customer",
        group=customer.text("role"),
        refused_numbers=numbers.refused,
    )


def buyer_of(order: Fields, *, updated_at: datetime) -> Party:
    """Who bought, as the order says: a guest too, and one whose account was deleted since.

    A guest's id is made of the e-mail address, so that the same person's guest orders meet.
    """
    billing = order.part("billing")
    numbers = numbers_of(order, country_of(billing), chosen=_chosen(order))
    names = _Names.of(billing, billing)
    customer_id = order.id_or_none("customer_id")
    email = billing.text("email").strip()
    id_ = customer_id or _guest_id(email, order)
    return Party(
        id=id_,
        role="customer",
        name=names.company or names.person or email or id_,
        active=True,
        email=email,
        phone=billing.text("phone"),
        address=address_of(billing),
        org_number=numbers.org,
        vat_number=numbers.vat,
        is_company=bool(names.company or numbers.org or numbers.vat),
        contact=names.person if names.company else "",
        updated_at=updated_at,
        origin="order" if customer_id else "guest",
        refused_numbers=numbers.refused,
    )


def address_of(owner: Fields) -> Address:
    """The address in a `billing` or `shipping` object; all of it may be empty."""
    lines = (owner.text(key).strip() for key in ADDRESS_LINES)
    return Address(
        lines=tuple(line for line in lines if line),
        postal_code=owner.text("postcode").strip(),
        city=owner.text("city").strip(),
        region=owner.text("state").strip(),
        country=country_of(owner),
    )


def country_of(address: Fields) -> str:
    """The two letters of an address's country; empty where it has none."""
    found = address.text("country").strip().upper()
    return found if len(found) == 2 and found.isascii() and found.isalpha() else ""


def shop_of(shop: Fields) -> Location:
    """The shop as the one place of business of its connection, from the parts that the reader puts together."""
    index = shop.part("index")
    settings = shop.part("settings")
    return Location(
        id="shop",
        name=plain(index.text("name")) or index.text("url"),
        active=True,
        time_zone=index.text("timezone_string") or _zone(index),
        currency=shop.part("currency").currency("code"),
        country=settings.text("woocommerce_default_country")[:2].upper(),
    )


def _zone(index: Fields) -> str:
    hours = index.number("gmt_offset")
    if hours in FRACTIONAL_ZONES:
        return FRACTIONAL_ZONES[hours]
    if hours != int(hours) or int(hours) not in LAST_HOURS:
        index.fail("gmt_offset", "names no time zone; choose a city in the shop's general settings")
    return "UTC" if not hours else f"Etc/GMT{-int(hours):+d}"


class _Names:
    """Company and person of an address."""

    __slots__ = ("company", "person")

    def __init__(self, company: str, person: str) -> None:
        self.company, self.person = company, person

    @classmethod
    def of(cls, address: Fields, account: Fields) -> _Names:
        person = _person(address) or (_person(account) if account is not address else "")
        return cls(" ".join(address.text("company").split()), person)


def _person(owner: Fields) -> str:
    return " ".join(f"{owner.text('first_name')} {owner.text('last_name')}".split())


def _chosen(owner: Fields) -> Fields | None:
    return owner.part(CHOSEN) if CHOSEN in owner.node else None


def _guest_id(email: str, order: Fields) -> str:
    if not email:
        return f"guest-order-{order.id('id')}"
    return "guest-" + hashlib.sha256(email.lower().encode("utf-8", "replace")).hexdigest()[:16]
