"""New merchants: locations, application, tokens, a small catalog with categories; and new locations later."""

from __future__ import annotations

from ml_connector_sandbox.core.instants import DAY, stamp_s
from ml_connector_sandbox.square import payouts
from ml_connector_sandbox.square.faults import Json
from ml_connector_sandbox.square.shelves import Stored
from ml_connector_sandbox.square.state import ALL_SCOPES, Application, Merchant, RefreshToken, Token, World, must
from ml_connector_sandbox.square.times import stamp

# country -> (time zone, language, street of an invented address)
_PLACES = {
    "IE": ("Europe/Dublin", "en-IE"),
    "GB": ("Europe/London", "en-GB"),
    "FR": ("Europe/Paris", "fr-FR"),
    "ES": ("Europe/Madrid", "es-ES"),
    "US": ("America/Los_Angeles", "en-US"),
    "CA": ("America/Toronto", "en-CA"),
    "AU": ("Australia/Melbourne", "en-AU"),
    "JP": ("Asia/Tokyo", "ja-JP"),
}


def seed_merchant(world: World, arguments: Json, now: int) -> Json:
    """A merchant with locations, an application of its own (or a grant to an existing one) and tokens."""
    country = str(arguments.get("country", "IE")).upper()
    if country not in _PLACES:
        raise ValueError(f"Square does not serve {country}: use one of {', '.join(_PLACES)}.")
    merchant_id = arguments.get("merchant_id") or "ML" + world.mint.upper(11)
    if merchant_id in world.merchants:
        raise ValueError(f"Merchant {merchant_id} exists: use another merchant_id.")
    merchant = Merchant(
        id=merchant_id,
        name=str(arguments.get("name", "Example Retail")),
        country=country,
        currency=str(arguments.get("currency", "EUR")).upper(),
        created=now - 400 * DAY,
        taxes=tuple(str(rate) for rate in arguments.get("taxes", ("25", "12"))),
    )
    world.merchants[merchant_id] = merchant
    for place in _wanted_locations(arguments):
        add_location(world, merchant, place, now, quiet=True)
    seed_catalog(world, merchant, now)
    app = _application(world, merchant, arguments)
    scopes = tuple(arguments.get("scopes") or ALL_SCOPES)
    app.grants[merchant.id] = scopes
    return _tokens(world, merchant, app, arguments, now) | {
        "merchant_id": merchant.id,
        "location_ids": list(merchant.locations),
        "application_id": app.id,
        "application_secret": app.secret,
        "currency": merchant.currency,
        "taxes": list(merchant.taxes),
        "variations": dict(merchant.variations),
    }


def _wanted_locations(arguments: Json) -> list[Json]:
    wanted = arguments.get("locations", 3)
    if isinstance(wanted, int):
        names = ["Main", "Harbour", "Station"]
        return [{"name": names[n] if n < len(names) else f"Branch {n + 1}"} for n in range(wanted)]
    return [place if isinstance(place, dict) else {"name": str(place)} for place in wanted]


def add_location(world: World, merchant: Merchant, place: Json, now: int, *, quiet: bool = False) -> Json:
    """One more location: {"name", "timezone", "id", "status", "cutoff" ("HH:MM")}."""
    zone, language = _PLACES[merchant.country]
    key = place.get("id") or "L" + world.mint.upper(12)
    if key in merchant.locations:
        raise ValueError(f"Location {key} exists: use another id.")
    body: Json = {"id": key, "name": place.get("name") or f"Branch {len(merchant.locations) + 1}"}
    body |= {"address": {"address_line_1": "1 Example Quay", "country": merchant.country}}
    body |= {
        "timezone": place.get("timezone") or zone,
        "capabilities": ["CREDIT_CARD_PROCESSING", "AUTOMATIC_TRANSFERS"],
    }
    body |= {
        "status": place.get("status", "ACTIVE"),
        "created_at": stamp_s(merchant.created),
        "merchant_id": merchant.id,
    }
    body |= {"country": merchant.country, "language_code": language, "currency": merchant.currency}
    body |= {"business_name": merchant.name, "type": "PHYSICAL", "mcc": "5999"}
    merchant.locations[key] = body
    if place.get("cutoff"):
        merchant.cutoffs[key] = place["cutoff"]
    payouts.keep_cutoffs(world, merchant, key, now)
    if not quiet:
        tell_location(world, merchant, key, type_="location.created", now=now)
    return body


def tell_location(world: World, merchant: Merchant, key: str, *, type_: str, now: int) -> None:
    """location.created or .updated: no object, and a capital in data.type."""
    world.desk.emit(merchant, type_=type_, data_type="Location", data_id=key, content=None, now=now, location_id=key)


def _application(world: World, merchant: Merchant, arguments: Json) -> Application:
    wanted = arguments.get("application_id")
    if wanted and wanted in world.applications:
        return world.applications[wanted]
    app_id = wanted or "sandbox-sq0idb-" + world.mint.mixed(22)
    secret = arguments.get("application_secret") or "sandbox-sq0csb-" + world.mint.mixed(30)
    app = Application(app_id, secret, merchant.id, arguments.get("redirect_uri"))
    world.applications[app_id] = app
    return app


def _tokens(world: World, merchant: Merchant, app: Application, arguments: Json, now: int) -> Json:
    pat = next((t.value for t in world.tokens.values() if t.personal and t.application_id == app.id), None)
    if pat is None:
        pat = arguments.get("pat") or "EAAAl" + world.mint.mixed(32)
        world.tokens[pat] = Token(pat, app.id, app.owner_id, ALL_SCOPES, None)
    access = arguments.get("oauth_token") or "EAAAE" + world.mint.mixed(32)
    refresh = arguments.get("refresh_token") or "EQAAE" + world.mint.mixed(32)
    scopes = app.grants[merchant.id]
    world.tokens[access] = Token(access, app.id, merchant.id, scopes, now + 30 * DAY)
    world.refresh_tokens[refresh] = RefreshToken(refresh, app.id, merchant.id, scopes)
    return {"pat": pat, "oauth_token": access, "refresh_token": refresh, "expires_at": stamp_s(now + 30 * DAY)}


def seed_catalog(world: World, merchant: Merchant, now: int) -> None:
    """Two categories, an item with one variation for each, and the tax rates."""
    for name, rate in zip(("Household", "Food"), (*merchant.taxes, "0", "0"), strict=False):
        category = put_object(world, merchant, "CATEGORY", {"category_data": {"name": name}}, now)
        tax: Json = {"name": f"VAT {rate} %", "percentage": str(rate), "enabled": True}
        tax |= {"calculation_phase": "TAX_SUBTOTAL_PHASE", "inclusion_type": "INCLUSIVE"}
        put_tax = put_object(world, merchant, "TAX", {"tax_data": tax}, now)
        price = {"pricing_type": "FIXED_PRICING", "price_money": merchant.money(12500)}
        variation_id, item_id = world.mint.upper(24), world.mint.upper(24)
        variation: Json = {"item_id": item_id, "name": "Regular", "sku": f"{name.upper()}-1", "ordinal": 1} | price
        nested = _object("ITEM_VARIATION", {"item_variation_data": variation}, now, variation_id)
        item: Json = {"name": f"{name} article", "categories": [{"id": category.id, "ordinal": 0}]}
        item |= {"tax_ids": [put_tax.id], "variations": [nested], "product_type": "REGULAR"}
        put_object(world, merchant, "ITEM", {"item_data": item}, now, key=item_id)
        merchant.catalog.put(Stored(nested, "", now))
        merchant.variations.setdefault(str(rate), variation_id)


def _object(type_: str, content: Json, now: int, key: str) -> Json:
    body: Json = {"type": type_, "id": key, "updated_at": stamp(now), "version": now // 1000, "is_deleted": False}
    return body | {"present_at_all_locations": True} | content


def put_object(world: World, merchant: Merchant, type_: str, content: Json, now: int, *, key: str = "") -> Stored:
    """A catalog object, new or in place of the old one."""
    row = merchant.catalog.own(key) if key else None
    body = _object(type_, content, now, key or world.mint.upper(24))
    if row is None:
        return merchant.catalog.put(Stored(body, "", now))
    row.body = body
    merchant.catalog.changed(row, now)
    return row


def delete_object(merchant: Merchant, key: str, now: int) -> Stored:
    """A catalog object is gone: its id and when are all that is left of it, the harsher reading of Square's words."""
    row = must(merchant.catalog.own(key), "Catalog object", key)
    row.body = _object(row.body["type"], {"is_deleted": True}, now, key)
    merchant.catalog.changed(row, now)
    return row


def tell_catalog(world: World, merchant: Merchant, now: int) -> None:
    """catalog.version.updated: only the time of the change."""
    content = {"catalog_version": {"updated_at": stamp(now)}}
    world.desk.emit(
        merchant, type_="catalog.version.updated", data_type="catalog_version", data_id=world.mint.uuid(),
        content=content, now=now,
    )  # fmt: skip
